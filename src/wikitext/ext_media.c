// wikitext/ext_media.c -- what needs a map or a database elsewhere, as links that say the same.
//
// Source: mediawiki.org/wiki/Extension:ImageMap, Help:Extension:Kartographer,
//         Extension:CategoryTree

#include "wikitext/ext.h"

// --- <imagemap>: the picture, and its areas as a list of links ------------------------------

static bool is_area(str line) {
    static const str shapes[] = {STR_INIT("rect"), STR_INIT("circle"), STR_INIT("poly"),
                                 STR_INIT("default")};
    for (size_t i = 0; i < countof(shapes); i++)
        if (str_starts_nocase(line, shapes[i])) return true;
    return false;
}

// What stands in brackets: "[[x|y]]" or "[http://x y]", with them.
static str link_in(str line) {
    line = str_skip(line, str_find_byte(line, '['));
    size_t end = line.len;
    while (end && line.ptr[end - 1] != ']')
        end--;
    return str_first(line, end);
}

void wt_ext_imagemap(buf *out, const wt_ext *e) {
    buf text, b = wt_ext_html(e);
    str rest = e->inner, seen = {0};
    bool has_picture = false;
    buf_init(&text, e->p->mem, rest.len + 128);
    buf_add(&text, STR("<div class=\"wt-imagemap\">"));
    while (rest.len) {
        str line = str_trim(str_cut(&rest, '\n')), link = link_in(line);
        if (!line.len || line.ptr[0] == '#') continue;
        if (!has_picture) {
            buf_fmt(&text, "[[%.*s]]<ul>", STR_ARG(line));
            has_picture = true;
        } else if (is_area(line) && link.len && !str_eq(link, seen)) {
            buf_fmt(&text, "<li>%.*s</li>", STR_ARG(link));
            seen = link;
        }
    }
    buf_add(&text, has_picture ? STR("</ul></div>") : STR("</div>"));
    buf_add(&b, wt_parse_inside(e->p, buf_str(&text), e->frame));
    wt_ext_put(out, e, &b);
}

// --- Maps: a link to the place on OpenStreetMap ---------------------------------------------

static bool place(double *out, const wt_ext *e, const char *name, double most) {
    str value;
    return wt_ext_attr(&value, e, str_of(name)) && str_parse_f64(out, str_trim(value)) &&
           *out >= -most && *out <= most;
}

void wt_ext_map(buf *out, const wt_ext *e) {
    double lat, lon, zoom = 13;
    str text = {0};
    if (!place(&lat, e, "latitude", 90) || !place(&lon, e, "longitude", 180))
        return wt_ext_box(out, e);
    place(&zoom, e, "zoom", 20);
    buf b = wt_ext_html(e);
    buf_fmt(&b,
            "<a class=\"external text mw-kartographer-%.*s\" rel=\"nofollow\" "
            "href=\"https://www.openstreetmap.org/?mlat=%.6g&amp;mlon=%.6g#map=%d/%.6g/%.6g\">",
            STR_ARG(str_skip(e->name, 3)), lat, lon, (int)zoom, lat, lon);
    if (wt_ext_attr(&text, e, STR("text")) && str_trim(text).len)
        html_escape(&b, str_trim(text));
    else
        buf_fmt(&b, "%.4g\xc2\xb0%c %.4g\xc2\xb0%c", lat < 0 ? -lat : lat, lat < 0 ? 'S' : 'N',
                lon < 0 ? -lon : lon, lon < 0 ? 'W' : 'E');
    buf_add(&b, STR("</a>"));
    wt_ext_put(out, e, &b);
}

void wt_ext_category_tree(buf *out, const wt_ext *e) {
    str name = str_trim(e->inner), ns = wt_ns_name(e->p, 14);
    size_t colon = str_find_byte(name, ':');
    bool has_ns = colon < name.len && (str_eq_nocase(str_first(name, colon), STR("category")) ||
                                       str_eq_nocase(str_first(name, colon), ns));
    if (has_ns) name = str_trim(str_skip(name, colon + 1));
    buf_fmt(out, "[[:%.*s:%.*s|%.*s]]", STR_ARG(ns.len ? ns : STR("Category")), STR_ARG(name),
            STR_ARG(name));
}
