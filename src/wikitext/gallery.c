// wikitext/gallery.c -- <gallery>: a line a picture, in one of six shapes.
//
//   Source    https://www.mediawiki.org/wiki/Help:Images#Gallery_syntax

#include "wikitext/file.h"

#include <math.h>

enum { NS_FILE = 6, ATTRS_MAX = 32, SIDE = 120, BORDERS = 8, OVERLAY_MARGIN = 20 };

// Packed rows are made of pictures half as large again, for scripts to fit them into their row.
static const double PACKED_SCALE = 1.5;
static const double PACKED_LEAST = 60;

typedef struct shape {
    const char *name;
    int thumb_padding, box_padding;
    bool has_height;  // the picture's box has one
    bool is_packed;
    bool is_over;  // the caption lies on the picture
} shape;

static const shape shapes[] = {
    {"traditional", 30, 5, true, false, false},  {"nolines", 0, 4, false, false, false},
    {"slideshow", 30, 5, false, false, false},   {"packed", 0, 2, false, true, false},
    {"packed-overlay", 0, 2, false, true, true}, {"packed-hover", 0, 2, false, true, true},
};

typedef struct gallery {
    const shape *shape;
    int32_t width, height, per_row;
    bool has_names;
    wt_parser *p;
} gallery;

static const shape *shape_of(str name) {
    for (size_t i = 0; i < countof(shapes); i++)
        if (str_eq_nocase(name, str_of(shapes[i].name))) return &shapes[i];
    return &shapes[0];
}

static void set_side(int32_t *side, str value) {
    int32_t width, height;
    if (wt_picture_size(&width, &height, value) && width > 0) *side = width;
}

// --- A line ----------------------------------------------------------------------------------

typedef struct item {
    wt_picture pic;
    str caption;  // HTML
} item;

static bool take_option(wt_picture *pic, wt_parser *p, str part) {
    str value;
    const char *word;
    wt_picture_option option = wt_picture_option_of(&value, &word, p->world->site->lang, part);
    if (option == OPTION_ALT) {
        pic->alt = wt_plain(p, value), pic->has_alt = true;
        return true;
    }
    if (option == OPTION_LINK) {
        wt_picture_link(pic, p, wt_plain(p, value));
        return true;
    }
    bool is_detail = option == OPTION_PAGE || option == OPTION_LANG || option == OPTION_START ||
                     option == OPTION_END || option == OPTION_THUMBTIME || option == OPTION_UNUSED;
    return is_detail && wt_picture_detail(pic, option, value);
}

// "File:x.jpg|alt=y|A caption"; false: no title.
static bool read_item(item *out, wt_parser *p, str line) {
    size_t bar = str_find_byte(line, '|');
    str name = str_first(line, bar), rest = str_skip(line, bar + 1);
    wt_title title;
    if (!name.len || !wt_title_parse(&title, p, wt_percent_decoded(p, name), NS_FILE)) return false;
    *out = (item){0};
    wt_picture_find(&out->pic, p, &title);
    if (bar < line.len) rest = wt_parse_inside(p, rest, NULL);
    for (bool has_more = bar < line.len; has_more;) {
        size_t at = str_find_byte(rest, '|');
        str part = str_first(rest, at);
        has_more = at < rest.len;
        rest = str_skip(rest, at + 1);
        if (!take_option(&out->pic, p, str_trim(part))) out->caption = part;
    }
    out->pic.tooltip = wt_plain(p, out->caption);
    if (!out->pic.has_alt && out->pic.tooltip.len)
        out->pic.alt = out->pic.tooltip, out->pic.has_alt = true;
    return true;
}

// --- Sizes -----------------------------------------------------------------------------------

// As PHP prints a number: fourteen digits, no zeros behind.
static void put_pixels(buf *out, double x) {
    buf_fmt(out, "%.14g", x);
}

static double box_width(const gallery *g, const wt_shown *shown) {
    if (!g->shape->is_packed) return g->width + g->shape->thumb_padding;
    double width = shown ? shown->width : g->width * PACKED_SCALE;
    double least = PACKED_LEAST * PACKED_SCALE;
    return (width < least ? least : width) / PACKED_SCALE;
}

static wt_shown fit(const gallery *g, const wt_picture *pic) {
    if (!g->shape->is_packed) return wt_picture_fit(g->p, pic, g->width, g->height);
    int32_t height = (int32_t)(g->height * PACKED_SCALE);
    int32_t width = wt_is_audio(pic) ? (int32_t)(g->width * PACKED_SCALE) : height * 10 + 100;
    return wt_picture_fit(g->p, pic, width, height);
}

// --- Writing ---------------------------------------------------------------------------------

static void put_shown(buf *out, const gallery *g, const item *it, const wt_shown *shown) {
    wt_shown scaled = *shown;
    buf_add(out, STR("\n\t\t\t<div class=\"thumb\" style=\"width: "));
    put_pixels(out, box_width(g, shown));
    buf_add(out, STR("px;"));
    if (g->shape->has_height) buf_fmt(out, " height: %dpx;", g->height + g->shape->thumb_padding);
    buf_add(out, STR("\"><span typeof=\"mw:File\">"));
    if (g->shape->is_packed) {
        scaled.width = (int32_t)ceil(shown->width / PACKED_SCALE);
        scaled.height = (int32_t)ceil(shown->height / PACKED_SCALE);
    }
    wt_put_picture(out, g->p, &it->pic, &scaled, false);
    buf_add(out, STR("</span></div>"));
}

static void put_missing(buf *out, const gallery *g, const item *it) {
    bool is_error = !it->pic.is_there || it->pic.file.is_hidden;
    str label = wt_escaped_text(g->p, it->pic.alt.len ? it->pic.alt : it->pic.title.full);
    buf_fmt(out, "\n\t\t\t<div class=\"thumb\" style=\"height: %dpx;\"><span typeof=\"%smw:File\">",
            g->height + g->shape->thumb_padding, is_error ? "mw:Error " : "");
    wt_put_broken(out, g->p, &it->pic, label, g->width, g->height);
    buf_add(out, STR("</span></div>"));
}

static void put_name(buf *out, wt_parser *p, const wt_picture *pic) {
    buf_add(out, STR("<a"));
    wt_put_title_href(out, p, &pic->title, STR(""));
    buf_add(out, STR(" class=\"galleryfilename galleryfilename-truncate\""));
    wt_put_attr(out, "title", pic->title.full);
    buf_byte(out, '>');
    html_escape(out, pic->title.text);
    buf_add(out, STR("</a>\n"));
}

static void put_text(buf *out, const gallery *g, const item *it, const wt_shown *shown) {
    bool has_text = g->has_names || str_trim(it->caption).len;
    if (g->shape->is_over && !has_text) return;
    buf_add(out, STR("\n\t\t\t"));
    if (g->shape->is_over) {
        buf_add(out, STR("<div class=\"gallerytextwrapper\" style=\"width: "));
        put_pixels(out, ceil(box_width(g, shown) - OVERLAY_MARGIN));
        buf_add(out, STR("px\">"));
    }
    buf_add(out, STR("<div class=\"gallerytext\">"));
    if (g->has_names) put_name(out, g->p, &it->pic);
    buf_add(out, it->caption);
    buf_add(out, STR("</div>"));
    if (g->shape->is_over) buf_add(out, STR("\n\t\t\t</div>"));
}

static void put_item(buf *out, const gallery *g, const item *it) {
    bool is_shown = wt_is_showable(&it->pic);
    wt_shown shown = {0};
    if (is_shown) shown = fit(g, &it->pic);
    buf_add(out, STR("\n\t\t<li class=\"gallerybox\" style=\"width: "));
    put_pixels(out, box_width(g, is_shown ? &shown : NULL) + g->shape->box_padding);
    buf_add(out, STR("px\">"));
    if (is_shown)
        put_shown(out, g, it, &shown);
    else
        put_missing(out, g, it);
    put_text(out, g, it, is_shown ? &shown : NULL);
    buf_add(out, STR("\n\t\t</li>"));
}

// --- The list --------------------------------------------------------------------------------

static const wt_attr *attr_of(const wt_attr *attrs, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (str_eq(attrs[i].name, str_of(name))) return &attrs[i];
    return NULL;
}

static str value_of(const wt_attr *attrs, size_t n, const char *name) {
    const wt_attr *found = attr_of(attrs, n, name);
    return found ? found->value : (str){0};
}

static void put_style(buf *out, const gallery *g, str style) {
    if (!g->per_row && !style.len) return;
    buf_add(out, STR(" style=\""));
    if (g->per_row) {
        int64_t all = g->width + g->shape->thumb_padding + g->shape->box_padding + BORDERS;
        buf_fmt(out, "max-width: %lldpx;", (long long)(g->per_row * all));
    }
    if (style.len) buf_html(out, html_css(style, g->p->mem));
    buf_byte(out, '"');
}

// <ul> with what of the tag's attributes a list may have; the classes are merged.
static void put_list(buf *out, const gallery *g, const wt_attr *attrs, size_t n) {
    const wt_attr *classes = attr_of(attrs, n, "class");
    bool has_style = attr_of(attrs, n, "style") != NULL;
    buf_add(out, STR("<ul"));
    if (strcmp(g->shape->name, "slideshow") == 0)
        buf_fmt(out, " data-showthumbnails=\"%s\"", attr_of(attrs, n, "showthumbnails") ? "1" : "");
    for (size_t i = 0; i < n; i++) {
        if (!wt_attr_allowed(STR("ul"), attrs[i].name)) continue;
        char *name = arena_cstr(g->p->mem, attrs[i].name);
        if (strcmp(name, "style") == 0)
            put_style(out, g, attrs[i].value);
        else if (&attrs[i] == classes)
            buf_add(out, STR(" class=\"")), buf_html(out, attrs[i].value),
                buf_fmt(out, " gallery mw-gallery-%s\"", g->shape->name);
        else
            wt_put_attr(out, name,
                        strcmp(name, "id") == 0 ? html_id(attrs[i].value, g->p->mem)
                                                : attrs[i].value);
    }
    if (!has_style) put_style(out, g, (str){0});
    if (!classes) buf_fmt(out, " class=\"gallery mw-gallery-%s\"", g->shape->name);
    buf_byte(out, '>');
}

static void put_caption(buf *out, const gallery *g, str caption) {
    if (!caption.len) return;
    buf_add(out, STR("\n\t<li class=\"gallerycaption\">"));
    buf_add(out, wt_parse_inside(g->p, caption, NULL));
    buf_add(out, STR("</li>"));
}

void wt_gallery(buf *out, wt_parser *p, const wt_frame *frame, str attrs, str inner) {
    wt_attr read[ATTRS_MAX];
    size_t n = wt_attrs_read(read, countof(read), attrs, p->mem);
    gallery g = {
        .shape = shape_of(value_of(read, n, "mode")), .width = SIDE, .height = SIDE, .p = p};
    int64_t per_row = 0;
    (void)frame;  // as MediaWiki: captions see the page's arguments only
    set_side(&g.width, value_of(read, n, "widths"));
    set_side(&g.height, value_of(read, n, "heights"));
    if (str_parse_i64(&per_row, str_trim(value_of(read, n, "perrow"))) && per_row > 0)
        g.per_row = (int32_t)min_i64(per_row, 1000);
    g.has_names = attr_of(read, n, "showfilename") != NULL;
    put_list(out, &g, read, n);
    put_caption(out, &g, value_of(read, n, "caption"));
    while (inner.len && !wt_spend(p, 64)) {
        str line = str_cut(&inner, '\n');
        item it;
        if (read_item(&it, p, line)) put_item(out, &g, &it);
    }
    buf_add(out, STR("\n</ul>"));
}
