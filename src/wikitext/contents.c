// wikitext/contents.c -- the contents of a page, and its headings when the tree is built.
//
// I1  Nothing of a heading's markup comes into the contents but the tags in `kept`, balanced and
//     without attributes: they stand in another place than where they were typed.
// I2  A text without headings costs a search and a copy.

#include <limits.h>

#include "wikitext/inside.h"

// --- A heading's text ----------------------------------------------------------------------------

static const str kept[] = {STR_INIT("span"), STR_INIT("sup"),    STR_INIT("sub"),
                           STR_INIT("bdi"),  STR_INIT("i"),      STR_INIT("b"),
                           STR_INIT("s"),    STR_INIT("strike"), STR_INIT("q")};

enum { OPEN_MAX = 32 };

typedef struct open_tags {
    uint8_t tag[OPEN_MAX];  // of `kept`
    size_t n;
} open_tags;

static size_t kept_tag(str name) {
    size_t i = 0;
    while (i < countof(kept) && !str_eq_nocase(kept[i], name))
        i++;
    return i;
}

static void close_tag(buf *html, open_tags *open) {
    str name = kept[open->tag[--open->n]];
    if (str_ends(buf_str(html), STR("<span>")) && str_eq(name, STR("span"))) {
        html->len -= 6;  // an anchor, not a text
        return;
    }
    buf_add(html, STR("</"));
    buf_add(html, name);
    buf_byte(html, '>');
}

// The direction of <span dir=rtl> matters in the contents, too.
static void open_tag(buf *html, open_tags *open, size_t tag, str attrs) {
    if (open->n == OPEN_MAX) return;
    open->tag[open->n++] = (uint8_t)tag;
    buf_byte(html, '<');
    buf_add(html, kept[tag]);
    size_t dir = str_find(attrs, STR(" dir=\""));
    str value = str_skip(attrs, dir + 6);
    if (tag == 0 && (str_starts(value, STR("rtl\"")) || str_starts(value, STR("ltr\"")))) {
        buf_add(html, STR(" dir=\""));
        buf_add(html, str_first(value, 4));
    }
    buf_byte(html, '>');
}

// What stands behind <style> or <script> and its end; `s` itself for another tag.
static str skip_raw(str s, str name) {
    bool is_style = str_eq_nocase(name, STR("style"));
    if (!is_style && !str_eq_nocase(name, STR("script"))) return s;
    str end = is_style ? STR("</style>") : STR("</script>");
    return str_skip(s, str_find(s, end) + end.len);
}

static str put_tag(buf *html, open_tags *open, str tag, str rest) {
    bool is_close = tag.len && tag.ptr[0] == '/';
    if (is_close) tag = str_skip(tag, 1);
    size_t n = 0;
    while (n < tag.len && tag.ptr[n] != ' ' && tag.ptr[n] != '/')
        n++;
    size_t which = kept_tag(str_first(tag, n)), at = open->n;
    if (which == countof(kept)) return is_close ? rest : skip_raw(rest, str_first(tag, n));
    if (!is_close) {
        if (!str_ends(tag, STR("/"))) open_tag(html, open, which, str_skip(tag, n));
        return rest;
    }
    while (at > 0 && open->tag[at - 1] != which)
        at--;
    while (at > 0 && open->n >= at)
        close_tag(html, open);
    return rest;
}

// Links as what they show, markers as what they stand for.
static str plain_markers(wt_parser *p, str inside) {
    buf b;
    if (str_find_byte(inside, WT_MARK) < inside.len) {
        buf_init(&b, p->mem, inside.len + 64);
        wt_link_texts(&b, p, inside);
        inside = wt_unstrip_str(p, buf_str(&b), "gxn");
        buf_init(&b, p->mem, inside.len);
        wt_strip_kill(&b, inside);
        inside = buf_str(&b);
    }
    buf_init(&b, p->mem, inside.len + 16);
    wt_french_spaces(&b, inside);
    return buf_str(&b);
}

// Behind the tag that starts at s, "<" included; 0 when it has no end.
static size_t tag_len(str s) {
    bool is_comment = str_starts(s, STR("<!--"));
    size_t end = is_comment ? str_find(s, STR("-->")) : str_find_byte(s, '>');
    return end == s.len ? 0 : end + (is_comment ? 3 : 1);
}

void wt_headline(str *html, str *text, wt_parser *p, str inside) {
    buf h, t;
    open_tags open = {0};
    str rest = plain_markers(p, inside);
    buf_init(&t, p->mem, rest.len);  // never needs more
    buf_init(&h, p->mem, rest.len + 64);
    while (rest.len) {
        size_t at = str_find_byte(rest, '<');
        buf_add(&t, str_first(rest, at));
        html_charrefs(&h, str_first(rest, at));
        rest = str_skip(rest, at);
        size_t len = tag_len(rest);
        if (len == 0) break;
        rest = put_tag(&h, &open, (str){rest.ptr + 1, len - 2}, str_skip(rest, len));
    }
    while (open.n)
        close_tag(&h, &open);
    *html = str_trim(buf_str(&h));
    *text = str_trim(html_decode(buf_str(&t), p->mem));
}

// --- The contents --------------------------------------------------------------------------------

// Languages that are written from the right.
static const char rtl[] = " ar arc ary arz azb bal bcc bgn bqi ckb dv fa glk he khw ks ku-arab lki "
                          "lrc luz mzn nqo pnb ps rmq sd sdh skr ug ur yi ";

static bool is_rtl(str lang, arena scratch) {
    return lang.len &&
           str_find(str_of(rtl), arena_fmt(&scratch, " %.*s ", STR_ARG(lang))) < sizeof rtl - 1;
}

static void put_title(buf *out, wt_parser *p, arena scratch) {
    str lang = p->world->site->lang, title = STR("");
    if (!p->world->message(p->world->arg, &title, STR("toc"), &scratch) || !title.len)
        title = STR("Contents");
    buf_add(out, STR("<div class=\"toctitle\" lang=\""));
    html_escape(out, lang);
    buf_fmt(out, "\" dir=\"%s\"><h2 id=\"mw-toc-heading\">", is_rtl(lang, scratch) ? "rtl" : "ltr");
    html_escape(out, title);
    buf_add(out, STR("</h2><span class=\"toctogglespan\"><label class=\"toctogglelabel\" "
                     "for=\"toctogglecheckbox\"></label></span></div>"));
}

static void put_row(buf *out, const wt_section *s) {
    buf_fmt(out, "<li class=\"toclevel-%d", s->toc_level);
    if (s->index) buf_fmt(out, " tocsection-%d", s->index);
    buf_add(out, STR("\"><a href=\"#"));
    buf_html(out, s->anchor);
    buf_add(out, STR("\"><span class=\"tocnumber\">"));
    buf_add(out, s->number);
    buf_add(out, STR("</span> <span class=\"toctext\">"));
    buf_add(out, s->html);
    buf_add(out, STR("</span></a>"));
}

static void put_contents(buf *out, wt_parser *p, arena scratch) {
    const wt_section *rows = p->sections.at;
    int depth = 0, most = p->o->toc_levels ? p->o->toc_levels : INT_MAX;
    buf_add(out, STR("<div id=\"toc\" class=\"toc\" role=\"navigation\" "
                     "aria-labelledby=\"mw-toc-heading\"><input type=\"checkbox\" role=\"button\" "
                     "id=\"toctogglecheckbox\" class=\"toctogglecheckbox\" "
                     "style=\"display:none\" />"));
    put_title(out, p, scratch);
    for (size_t i = 0; i < p->sections.n; i++) {
        if (rows[i].toc_level > most) continue;
        if (rows[i].toc_level > depth)
            buf_add(out, STR("\n<ul>\n"));
        else
            buf_add(out, STR("</li>\n"));
        for (; depth > rows[i].toc_level; depth--)
            buf_add(out, STR("</ul>\n</li>\n"));
        put_row(out, &rows[i]);
        depth = rows[i].toc_level;
    }
    for (; depth > 1; depth--)
        buf_add(out, STR("</li>\n</ul>\n"));
    buf_add(out, STR("</li>\n</ul>\n</div>\n"));
}

// --- The last pass -------------------------------------------------------------------------------

#define BOX_MARK STR(" data-mw-h=\"")

enum { NEST = 64 };

typedef struct boxes {
    buf *out;
    wt_parser *p;
    size_t start;                  // of this pass in `out`
    const wt_heading *open[NEST];  // headings in each other; NULL: without a mark
    size_t n;
} boxes;

static const wt_heading *heading_of(const wt_parser *p, str number, size_t *end) {
    uint64_t n = 0;
    *end = str_find_byte(number, '"');
    if (!str_parse_u64(&n, str_first(number, *end)) || n >= p->headings.n) return NULL;
    return (const wt_heading *)p->headings.at + n;
}

// A "<h2 ...>" that starts at s. Returns how much of s was taken.
static size_t open_heading(boxes *b, str s) {
    size_t skip = 3;
    const wt_heading *h = NULL;
    if (str_starts(str_skip(s, 3), BOX_MARK)) {
        size_t end;
        h = heading_of(b->p, str_skip(s, 3 + BOX_MARK.len), &end);
        skip = min_size(3 + BOX_MARK.len + end + 1, s.len);
    }
    if (h && h->section)
        ((wt_section *)b->p->sections.at)[h->section - 1].at = b->out->len - b->start;
    if (b->n == NEST || (h && !h->is_wikitext)) h = NULL;
    if (h) buf_fmt(b->out, "<div class=\"mw-heading mw-heading%c\">", s.ptr[2]);
    if (b->n < NEST) b->open[b->n++] = h;
    buf_add(b->out, str_first(s, 3));
    return skip;
}

static size_t close_heading(boxes *b, str s) {
    buf_add(b->out, str_first(s, 5));
    const wt_heading *h = b->n ? b->open[--b->n] : NULL;
    if (!h) return 5;
    buf_add(b->out, h->edit);
    buf_add(b->out, STR("</div>"));
    return 5;
}

static bool is_heading(str s, size_t at) {
    return s.len > at + 1 && s.ptr[at - 1] == 'h' && s.ptr[at] >= '1' && s.ptr[at] <= '6' &&
           (s.ptr[at + 1] == '>' || s.ptr[at + 1] == ' ');
}

// The next place that changes: a heading with a mark, or any heading's end inside one.
static size_t next_change(const boxes *b, str s) {
    if (b->n == 0) {
        for (size_t at = 0; (at += str_find(str_skip(s, at), BOX_MARK)) < s.len; at++)
            if (at >= 3 && s.ptr[at - 3] == '<' && s.ptr[at - 2] == 'h') return at - 3;
        return s.len;
    }
    for (size_t at = 0; (at += str_find_byte(str_skip(s, at), '<')) < s.len; at++)
        if (is_heading(str_skip(s, at), 2) ||
            (is_heading(str_skip(s, at), 3) && s.ptr[at + 1] == '/'))
            return at;
    return s.len;
}

static void put_boxes(boxes *b, str s) {
    while (s.len) {
        size_t at = next_change(b, s);
        buf_add(b->out, str_first(s, at));
        s = str_skip(s, at);
        if (s.len) s = str_skip(s, s.ptr[1] == '/' ? close_heading(b, s) : open_heading(b, s));
    }
}

// A heading that the tree has in another place than the text (out of a table), or has not, must not
// break the order: a section never begins behind the next one.
static void order_sections(wt_parser *p, size_t end) {
    wt_section *rows = p->sections.at;
    for (size_t i = p->sections.n; i-- > 0;)
        end = rows[i].at = min_size(rows[i].at, end);
}

void wt_place_headings(buf *out, wt_parser *p, str html, arena scratch) {
    boxes b = {.out = out, .p = p, .start = out->len};
    for (size_t i = 0; i < p->sections.n; i++)
        ((wt_section *)p->sections.at)[i].at = SIZE_MAX;
    bool wants = p->page->has_toc && !p->o->no_toc;
    str place = STR(WT_TOC_PLACE);
    for (bool is_first = true; html.len; is_first = false) {
        size_t at = str_find(html, place);
        put_boxes(&b, str_first(html, at));
        if (at < html.len && is_first && wants) put_contents(out, p, scratch);
        html = str_skip(html, at + place.len);
    }
    order_sections(p, out->len - b.start);
}
