// wikitext/file.c -- [[File:x.jpg|...]]: the picture, its link and its box.
//
// I1  All but the caption is hidden behind a marker from the passes to come; the caption stays in
//     the text, for bare URLs in it are still to be found.
// I2  A picture that is not at hand is a text in the same box: nothing is fetched, nothing broken.

#include "wikitext/file.h"

#include <math.h>

enum {
    NS_FILE = 6,
    THUMB_WIDTH = 220,
    BROKEN_WIDTH = 180,  // of a box whose picture is missing
    BROKEN_UPRIGHT = 130,
    VECTOR_MAX = 5120,
    ICON_WIDTH = 60,  // a missing picture of this size needs no words
};

// --- Finding ---------------------------------------------------------------------------------

static bool ask(wt_file *out, wt_parser *p, str name, int32_t width, str detail) {
    *out = (wt_file){.detail = detail};
    return p->world->file && p->world->file(p->world->arg, out, name, width, p->mem);
}

static wt_title file_title(wt_parser *p, str name) {
    wt_title t = {.ns = NS_FILE, .text = name};
    str ns = wt_ns_name(p, NS_FILE);
    buf b;
    buf_init(&b, p->mem, ns.len + 1 + name.len);
    buf_add(&b, ns);
    buf_byte(&b, ':');
    buf_add(&b, name);
    t.full = buf_str(&b);
    return t;
}

void wt_picture_find(wt_picture *out, wt_parser *p, const wt_title *title) {
    *out = (wt_picture){.title = *title};
    out->title.fragment = (str){0};
    if (title->ns != NS_FILE) return;
    out->is_there = ask(&out->file, p, title->text, 0, (str){0});
    if (out->is_there && out->file.name.len) out->title = file_title(p, out->file.name);
}

static bool is_vector(const wt_picture *pic) {
    return str_starts(pic->file.mime, STR("image/svg"));
}

// Whether what is shown is always made anew: from a drawing, a book's page.
static bool must_render(const wt_picture *pic) {
    return is_vector(pic) || !str_starts(pic->file.mime, STR("image/")) ||
           str_starts(pic->file.mime, STR("image/vnd.djvu"));
}

bool wt_is_audio(const wt_picture *pic) {
    return str_starts(pic->file.mime, STR("audio/"));
}

static bool is_video(const wt_picture *pic) {
    return str_starts(pic->file.mime, STR("video/"));
}

// --- Sizes -----------------------------------------------------------------------------------

static int32_t rounded(double x) {
    return x >= 1 && x < 1e9 ? (int32_t)floor(x + 0.5) : 1;
}

// The width with which a picture is at most `height` high.
static int32_t box_width(int32_t w, int32_t h, int32_t height) {
    double ideal = (double)w * height / h;
    double up = ceil(ideal);
    return rounded(floor(up * h / w + 0.5) > height ? floor(ideal) : up);
}

static int32_t fit(const wt_picture *pic, int32_t width, int32_t height) {
    int64_t w = pic->file.width, h = pic->file.height;
    if (w <= 0 || h <= 0 || height <= 0) return width;
    return width * h > height * w ? box_width((int32_t)w, (int32_t)h, height) : width;
}

static str description_query(wt_parser *p, const wt_picture *pic) {
    if (pic->page.len) return arena_fmt(p->mem, "page=%.*s", STR_ARG(pic->page));
    if (pic->lang.len) return arena_fmt(p->mem, "lang=%.*s", STR_ARG(pic->lang));
    return STR("");
}

static str url_of(wt_parser *p, const wt_picture *pic, int32_t width) {
    wt_file scaled;
    bool is_whole = pic->file.width > 0 && width >= pic->file.width && !must_render(pic);
    if (is_whole || !ask(&scaled, p, pic->title.text, width, description_query(p, pic)))
        return pic->file.url;
    return scaled.url;
}

wt_shown wt_picture_fit(wt_parser *p, const wt_picture *pic, int32_t width, int32_t height) {
    wt_shown shown = {.width = fit(pic, width, height)};
    if (pic->file.width > 0 && pic->file.height > 0)
        shown.height = rounded((double)pic->file.height * shown.width / pic->file.width);
    shown.url = url_of(p, pic, shown.width);
    str twice = url_of(p, pic, fit(pic, 2 * width, 2 * height));
    if (!str_eq(twice, shown.url)) shown.url_2x = twice;
    return shown;
}

static int32_t default_width(wt_parser *p, const wt_picture *pic) {
    int32_t width = p->o->thumb_width ? p->o->thumb_width : THUMB_WIDTH;
    double factor = pic->upright == 0 ? 0.75 : pic->upright;
    if (!pic->has_upright) return width;
    return 10 * rounded(width * factor / 10);
}

static bool is_scaled_down(const wt_picture *pic) {
    return pic->format != WT_PLAIN;
}

// The width of the box that the picture is fitted into, as asked for or as the wiki has it.
static int32_t wanted_width(wt_parser *p, const wt_picture *pic) {
    int32_t own = pic->file.width, width = pic->width;
    if (!width) {
        int32_t preferred = default_width(p, pic);
        width = pic->height && is_vector(pic) ? VECTOR_MAX : own;
        bool is_free = !pic->height && (width <= 0 || preferred < width || is_vector(pic));
        if ((is_scaled_down(pic) || width <= 0) && is_free) width = preferred;
    }
    if (width <= 0) width = default_width(p, pic);
    bool is_limited = is_scaled_down(pic) && own > 0 && !must_render(pic);
    return is_limited && width > own ? own : width;
}

// --- Links -----------------------------------------------------------------------------------

static void put_description_href(buf *out, wt_parser *p, const wt_picture *pic) {
    str query = description_query(p, pic);
    if (pic->file.page_url.len && !query.len)
        wt_put_attr(out, "href", pic->file.page_url);
    else
        wt_put_title_href(out, p, &pic->title, query);
}

static void put_tooltip(buf *out, str text) {
    if (text.len) wt_put_attr(out, "title", text);
}

static void put_url_link(buf *out, wt_parser *p, const wt_picture *pic) {
    wt_put_attr(out, "href", pic->link_url);
    put_tooltip(out, pic->tooltip);
    if (p->o->link_target) wt_put_attr(out, "target", str_of(p->o->link_target));
    wt_put_rel(out, p, pic->link_url);
}

// Opens what is around the picture; returns how it is closed.
static const char *open_link(buf *out, wt_parser *p, const wt_picture *pic) {
    if (!pic->has_link && pic->has_no_link) {
        buf_add(out, STR("<span"));
        put_tooltip(out, pic->tooltip);
        buf_byte(out, '>');
        return "</span>";
    }
    buf_add(out, STR("<a"));
    if (pic->has_link && pic->link_url.len) {
        put_url_link(out, p, pic);
    } else if (pic->has_link) {
        wt_put_title_href(out, p, &pic->link_title, STR(""));
        put_tooltip(out, pic->tooltip.len ? pic->tooltip : wt_title_prefixed(p, &pic->link_title));
    } else if (pic->format == WT_MANUAL) {
        put_description_href(out, p, pic);
        wt_put_attr(out, "title", pic->title.full);
    } else {
        put_description_href(out, p, pic);
        buf_add(out, STR(" class=\"mw-file-description\""));
        put_tooltip(out, pic->tooltip);
    }
    buf_byte(out, '>');
    return "</a>";
}

// --- Sounds and films --------------------------------------------------------------------------

// "1:02:03.5" in seconds; false: is no time.
static bool seconds(double *out, str text) {
    double all = 0, part;
    if (!text.len) return false;
    while (text.len) {
        if (!str_parse_f64(&part, str_cut(&text, ':')) || part < 0 || part > 1e6) return false;
        all = all * 60 + part;
    }
    *out = all;
    return all < 1e6;
}

static void put_time(buf *out, double t) {
    int64_t ms = (int64_t)floor(t * 1000 + 0.5);
    buf_fmt(out, "%02d:%02d:%02d.%03d", (int)(ms / 3600000), (int)(ms / 60000 % 60),
            (int)(ms / 1000 % 60), (int)(ms % 1000));
}

// A moment of it, not behind its last second; false: none is asked for.
static bool moment(double *out, const wt_picture *pic, str time) {
    double last = pic->file.duration > 1 ? pic->file.duration - 1 : 0;
    if (!seconds(out, time)) return false;
    if (pic->file.duration > 0 && *out > last) *out = last;
    return true;
}

static void put_source(buf *out, const wt_picture *pic) {
    double start = 0, end;
    bool has_start = moment(&start, pic, pic->start), has_end = seconds(&end, pic->end);
    buf_add(out, STR("<source src=\""));
    buf_html(out, pic->file.url);
    if (has_start || has_end) {
        buf_add(out, STR("#t="));
        put_time(out, start);
        if (has_end) buf_byte(out, ',');
        if (has_end) put_time(out, end);
    }
    buf_byte(out, '"');
    wt_put_attr(out, "type", pic->file.mime);
    wt_put_attr_int(out, "data-width", pic->file.width);
    wt_put_attr_int(out, "data-height", pic->file.height);
    buf_add(out, STR(" />"));
}

static void put_poster(buf *out, wt_parser *p, const wt_picture *pic, int32_t width) {
    double at;
    wt_file file;
    str detail = {0};
    if (moment(&at, pic, pic->thumbtime.len ? pic->thumbtime : pic->start))
        detail = arena_fmt(p->mem, "seek=%.10g", floor(at * 1000 + 0.5) / 1000);
    if (ask(&file, p, pic->title.text, width, detail) && file.poster.len)
        wt_put_attr(out, "poster", file.poster);
}

static void put_player(buf *out, wt_parser *p, const wt_picture *pic, const wt_shown *shown) {
    bool is_film = is_video(pic);
    buf_fmt(out, "<span><%s id=\"mwe_player_%u\"", is_film ? "video" : "audio", ++p->players);
    if (is_film) put_poster(out, p, pic, shown->width);
    buf_add(out, STR(" controls=\"\" preload=\"none\""));
    if (pic->is_muted) buf_add(out, STR(" muted=\"\""));
    if (pic->is_loop) buf_add(out, STR(" loop=\"\""));
    buf_add(out, STR(" data-mw-tmh=\"\" class=\"mw-file-element\""));
    wt_put_attr_int(out, "width", shown->width);
    if (is_film && shown->height) wt_put_attr_int(out, "height", shown->height);
    if (!is_film) buf_fmt(out, " style=\"width:%dpx;\"", shown->width);
    wt_put_attr_int(out, "data-durationhint", (int64_t)ceil(pic->file.duration));
    wt_put_attr(out, "data-mwtitle", pic->title.text);
    buf_add(out, STR(" data-mwprovider=\"local\">"));
    put_source(out, pic);
    buf_fmt(out, "</%s></span>", is_film ? "video" : "audio");
}

// --- Pictures --------------------------------------------------------------------------------

static void put_resource(buf *out, wt_parser *p, const wt_picture *pic) {
    buf b;
    buf_init(&b, p->mem, 0);
    wt_title_url(&b, p, &pic->title, STR(""));
    if (pic->page.len) buf_add(&b, STR("?page="));
    buf_add(&b, pic->page);
    wt_put_attr(out, "resource", buf_str(&b));
}

void wt_put_picture(buf *out, wt_parser *p, const wt_picture *pic, const wt_shown *shown,
                    bool has_resource) {
    if (is_video(pic) || wt_is_audio(pic)) {
        put_player(out, p, pic, shown);
        return;
    }
    const char *close = open_link(out, p, pic);
    buf_add(out, STR("<img"));
    if (pic->has_alt) wt_put_attr(out, "alt", pic->alt);
    if (has_resource) put_resource(out, p, pic);
    wt_put_attr(out, "src", shown->url);
    buf_add(out, STR(" decoding=\"async\""));
    if (shown->width > 0) wt_put_attr_int(out, "width", shown->width);
    if (shown->height > 0) wt_put_attr_int(out, "height", shown->height);
    buf_add(out, STR(" class=\"mw-file-element\""));
    if (shown->url_2x.len) {
        buf_add(out, STR(" srcset=\""));
        buf_html(out, shown->url_2x);
        buf_add(out, STR(" 2x\""));
    }
    buf_add(out, STR(" />"));
    buf_add(out, str_of(close));
}

// The words in the box; for readers not of a link that leads nowhere.
static void put_for_readers(buf *out, wt_parser *p, const wt_picture *pic, str words) {
    if (pic->has_link && pic->link_url.len) {
        buf_add(out, STR("<a"));
        put_url_link(out, p, pic);
        buf_byte(out, '>');
        buf_add(out, words);
        buf_add(out, STR("</a>"));
    } else if (pic->has_no_link && !pic->has_link) {
        buf_add(out, words);
    } else {
        wt_put_soft_link(out, p, pic->has_link ? &pic->link_title : &pic->title, words);
    }
}

void wt_put_broken(buf *out, wt_parser *p, const wt_picture *pic, str label, int32_t width,
                   int32_t height) {
    buf words;
    buf_init(&words, p->mem, 128);
    buf_add(&words, STR("<span class=\"mw-file-element mw-broken-media\""));
    if (width > 0) wt_put_attr_int(&words, "data-width", width);
    if (height > 0) wt_put_attr_int(&words, "data-height", height);
    buf_byte(&words, '>');
    buf_add(&words, label);
    buf_add(&words, STR("</span>"));
    if (!p->o->red_links_to_editor) {
        put_for_readers(out, p, pic, buf_str(&words));
        return;
    }
    buf_add(out, STR("<a"));
    if (pic->is_there)
        put_description_href(out, p, pic);
    else
        wt_put_upload_href(out, p, &pic->title);
    if (!pic->is_there && wt_has_uploads(p)) buf_add(out, STR(" class=\"new\""));
    wt_put_attr(out, "title", pic->title.full);
    buf_byte(out, '>');
    buf_add(out, buf_str(&words));
    buf_add(out, STR("</a>"));
}

str wt_escaped_text(wt_parser *p, str text) {
    buf b;
    buf_init(&b, p->mem, text.len + 16);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '&')
            buf_add(&b, STR("&amp;"));
        else if (c == '<')
            buf_add(&b, STR("&lt;"));
        else if (c == '>')
            buf_add(&b, STR("&gt;"));
        else
            buf_byte(&b, c);
    }
    return buf_str(&b);
}

// What a picture that is not there is called: HTML.
static str label_of(wt_parser *p, const wt_picture *pic, arena scratch) {
    bool is_icon = !p->o->red_links_to_editor && pic->format == WT_PLAIN && !pic->halign &&
                   (pic->has_no_link || (pic->width > 0 && pic->width <= ICON_WIDTH) ||
                    (pic->height > 0 && pic->height <= ICON_WIDTH));
    if (is_icon && !pic->alt.len) return STR("");
    if (pic->alt.len) return wt_escaped_text(p, pic->alt);
    if (!p->o->red_links_to_editor) return wt_escaped_text(p, pic->title.text);
    return wt_quotes_str(p, wt_escaped_text(p, pic->title.full), scratch);
}

// --- Boxes -----------------------------------------------------------------------------------

static void put_class(buf *out, bool *has_any, const char *prefix, str name) {
    if (!name.len) return;
    buf_add(out, *has_any ? STR(" ") : STR(" class=\""));
    buf_add(out, str_of(prefix));
    buf_html(out, name);
    *has_any = true;
}

static void put_classes(buf *out, const wt_picture *pic) {
    bool has_any = false, is_boxed = pic->format != WT_PLAIN && pic->format != WT_FRAMELESS;
    if (!pic->width && pic->format != WT_MANUAL && pic->format != WT_FRAMED && !pic->height)
        put_class(out, &has_any, "", STR("mw-default-size"));
    if (pic->halign) put_class(out, &has_any, "mw-halign-", str_of(pic->halign));
    if (pic->has_border && !is_boxed) put_class(out, &has_any, "", STR("mw-image-border"));
    if (pic->valign && !is_boxed) put_class(out, &has_any, "mw-valign-", str_of(pic->valign));
    put_class(out, &has_any, "", pic->class);
    if (has_any) buf_byte(out, '"');
}

static void put_type(buf *out, const wt_picture *pic, bool is_shown) {
    static const char *const names[] = {[WT_PLAIN] = "",
                                        [WT_THUMB] = "/Thumb",
                                        [WT_MANUAL] = "/Thumb",
                                        [WT_FRAMED] = "/Frame",
                                        [WT_FRAMELESS] = "/Frameless"};
    bool is_error =
        !is_shown && (!pic->is_there || pic->format == WT_MANUAL || pic->file.is_hidden);
    buf_fmt(out, " typeof=\"%smw:File%s\">", is_error ? "mw:Error " : "", names[pic->format]);
}

// The picture to show: of a manual thumb another file. False: none.
static bool shown_of(wt_shown *out, wt_parser *p, wt_picture *pic) {
    if (pic->format == WT_MANUAL) {
        wt_title t;
        wt_file file;
        bool is_there = pic->is_there && wt_title_parse(&t, p, pic->manual, NS_FILE) &&
                        t.ns == NS_FILE && ask(&file, p, t.text, 0, (str){0}) && file.url.len;
        if (is_there) *out = (wt_shown){file.url, {0}, file.width, file.height};
        return is_there;
    }
    if (!wt_is_showable(pic)) return false;
    if (pic->format == WT_FRAMED && !is_vector(pic)) {
        *out = (wt_shown){pic->file.url, {0}, pic->file.width, pic->file.height};
        return true;
    }
    if (pic->format == WT_FRAMED) pic->width = pic->file.width, pic->height = 0;
    *out = wt_picture_fit(p, pic, wanted_width(p, pic), pic->height);
    return true;
}

static void put_instead(buf *out, wt_parser *p, const wt_picture *pic, arena scratch) {
    bool is_boxed = pic->format != WT_PLAIN && pic->format != WT_FRAMELESS;
    bool is_failed = pic->is_there && pic->format == WT_MANUAL;
    int32_t width = pic->width;
    if (!width && is_boxed) width = pic->has_upright ? BROKEN_UPRIGHT : BROKEN_WIDTH;
    if (pic->is_there && pic->file.is_hidden && !width) width = pic->file.width;
    wt_put_broken(out, p, pic,
                  is_failed ? STR("Error creating thumbnail: ") : label_of(p, pic, scratch), width,
                  pic->height);
}

static str on_one_line(wt_parser *p, str text) {
    if (str_find_byte(text, '\n') == text.len) return text;
    char *copy = arena_cstr(p->mem, text);
    for (size_t i = 0; i < text.len; i++)
        if (copy[i] == '\n') copy[i] = ' ';
    return (str){copy, text.len};
}

void wt_file_link(buf *out, wt_parser *p, const wt_title *file, str options, arena scratch) {
    wt_picture pic;
    wt_shown shown = {0};
    buf b;
    wt_picture_find(&pic, p, file);
    if (options.len) wt_picture_options(&pic, p, options);
    bool is_boxed = pic.format != WT_PLAIN && pic.format != WT_FRAMELESS;
    bool is_figure = is_boxed || pic.halign;
    bool is_linked = pic.has_link || pic.has_no_link || pic.format == WT_MANUAL;
    buf_init(&b, p->mem, 512);
    buf_add(&b, is_figure ? STR("<figure") : STR("<span"));
    put_classes(&b, &pic);
    bool is_shown = shown_of(&shown, p, &pic);
    put_type(&b, &pic, is_shown);
    if (is_shown)
        wt_put_picture(&b, p, &pic, &shown, is_boxed && is_linked);
    else
        put_instead(&b, p, &pic, scratch);
    if (!is_figure) buf_add(&b, STR("</span>"));
    wt_strip_add(out, p, WT_STRIP_GENERAL, buf_str(&b));
    if (!is_figure) return;
    buf_add(out, STR("<figcaption>"));
    buf_add(out, on_one_line(p, pic.caption));
    buf_add(out, STR("</figcaption></figure>"));
}
