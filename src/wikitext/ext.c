// wikitext/ext.c -- extension tags: a table of names and what shows each.
//
// A tag that this room does not know is no extension's: its "<x>" stays text and the sanitiser
// decides. A tag that Wikipedia knows and we cannot draw (a score, a graph, a timeline) becomes a
// folded box with its source, so that nothing is lost.
//
// I1  rows are sorted by name and `first` says where each letter starts: wt_ext_known is asked for
//     every "<" of a page and compares a name with the few rows of its letter
// I2  a handler's HTML goes into the text as a marker, never as itself: no later pass reads it
//
// Rejected: <html>, which a wiki may allow for raw HTML. Nothing may come in that way.

#include "wikitext/ext.h"

// --- What handlers share --------------------------------------------------------------------

bool wt_ext_attr(str *out, const wt_ext *e, str name) {
    wt_attr attrs[WT_EXT_ATTRS];
    size_t n = e->attrs.len ? wt_attrs_read(attrs, countof(attrs), e->attrs, e->p->mem) : 0;
    for (size_t i = 0; i < n; i++)
        if (str_eq(attrs[i].name, name)) {
            *out = attrs[i].value;
            return true;
        }
    return false;
}

// Room that nobody uses while templates are expanded: that of the next level.
static bool scratch_of(arena *out, wt_parser *p) {
    if (p->nest >= WT_NEST_MAX) return false;
    arena *level = &p->level[p->nest];
    if (!level->base && arena_open(level, p->room, NULL)) return false;
    *out = *level;
    return true;
}

void wt_ext_attrs(buf *out, const wt_ext *e, str element, str class) {
    str own = {0}, attrs = e->attrs;
    arena scratch;
    if (!attrs.len && class.len) {
        buf_fmt(out, " class=\"%.*s\"", STR_ARG(class));
        return;
    }
    if (!attrs.len || !scratch_of(&scratch, e->p)) return;
    if (class.len) {  // of equal names the last value counts
        wt_ext_attr(&own, e, STR("class"));
        buf b;
        buf_init(&b, e->p->mem, attrs.len + own.len + class.len + 16);
        buf_add(&b, attrs);
        buf_fmt(&b, " class=\"%.*s%s", STR_ARG(class), own.len ? " " : "");
        html_escape(&b, own);
        buf_add(&b, STR("\""));
        attrs = buf_str(&b);
    }
    wt_attrs(out, e->p, attrs, element, scratch);
}

buf wt_ext_html(const wt_ext *e) {
    buf b;
    buf_init(&b, e->p->mem, e->inner.len + e->inner.len / 4 + 96);
    return b;
}

void wt_ext_put(buf *out, const wt_ext *e, const buf *html) {
    if (html->failed) e->p->over |= WT_OVER_MEMORY;
    wt_strip_add(out, e->p, WT_STRIP_EXT, buf_str(html));
}

void wt_ext_box(buf *out, const wt_ext *e) {
    buf b = wt_ext_html(e);
    buf_fmt(&b, "<details class=\"wt-ext wt-ext-%.*s\"><summary>%.*s</summary>", STR_ARG(e->name),
            STR_ARG(e->name));
    buf_add(&b, STR("<pre>"));
    html_escape(&b, str_trim(e->inner.len ? e->inner : e->attrs));
    buf_add(&b, STR("</pre></details>"));
    wt_ext_put(out, e, &b);
}

// --- Small ones -----------------------------------------------------------------------------

static void gone(buf *out, const wt_ext *e) {
    (void)out, (void)e;
}

// The inside is wikitext like what stands around it.
static void see_through(buf *out, const wt_ext *e) {
    buf_add(out, wt_expand_text(e->p, e->inner, e->frame));
}

static void inline_text(buf *out, const wt_ext *e) {
    buf b = wt_ext_html(e);
    buf_add(&b, wt_parse_inside(e->p, e->inner, e->frame));
    wt_ext_put(out, e, &b);
}

// "<section begin=x />" is a mark for #lst; any other <section> is no extension's.
static void section(buf *out, const wt_ext *e) {
    str which;
    if (wt_ext_attr(&which, e, STR("begin")) || wt_ext_attr(&which, e, STR("end"))) return;
    buf_add(out, STR("&lt;section"));
    html_escape(out, e->attrs);
    buf_add(out, e->has_inner ? STR("&gt;") : STR("/&gt;"));
    see_through(out, e);
    if (e->has_inner) buf_add(out, STR("&lt;/section&gt;"));
}

static str without_outer_paragraph(str html) {
    str in = str_trim(html);
    if (!str_starts(in, STR("<p>")) || !str_ends(in, STR("</p>"))) return in;
    str body = str_first(str_skip(in, 3), in.len - 7);
    return str_find(body, STR("</p>")) < body.len ? in : str_trim(body);
}

static void indicator(buf *out, const wt_ext *e) {
    str name = {0};
    buf b = wt_ext_html(e);
    arena scratch;
    wt_ext_attr(&name, e, STR("name"));
    name = str_trim(name);
    if (!name.len) {
        buf_add(&b, STR("<span class=\"error\"><strong>Error:</strong> Page status indicators' "
                        "<code>name</code> attribute must not be empty.</span>"));
        return wt_ext_put(out, e, &b);
    }
    str html = wt_parse_fully(e->p, e->inner, e->frame);
    if (!e->p->o->no_tidy && scratch_of(&scratch, e->p)) {
        html_tidy(&b, html, scratch);
        html = buf_str(&b);
    }
    wt_section *rows = e->p->indicators.at, *row = NULL;
    for (size_t i = 0; i < e->p->indicators.n; i++)
        if (str_eq(rows[i].anchor, name)) row = &rows[i];
    if (!row) row = wt_list_add(e->p, &e->p->indicators, sizeof *row);
    if (row)  // what is kept may not point into a template's tree
        *row = (wt_section){.anchor = arena_str(e->p->mem, name),
                            .html = arena_str(e->p->mem, without_outer_paragraph(html))};
}

static void gallery(buf *out, const wt_ext *e) {
    buf b = wt_ext_html(e);
    wt_gallery(&b, e->p, e->frame, e->attrs, e->inner);
    wt_ext_put(out, e, &b);
}

// --- The table ------------------------------------------------------------------------------

static const struct {
    str name;
    wt_ext_run *run;
} rows[] = {
    {STR_INIT("categorytree"), wt_ext_category_tree},
    {STR_INIT("ce"), wt_ext_chem},
    {STR_INIT("charinsert"), wt_ext_box},
    {STR_INIT("chem"), wt_ext_chem},
    {STR_INIT("gallery"), gallery},
    {STR_INIT("graph"), wt_ext_box},
    {STR_INIT("hiero"), wt_ext_box},
    {STR_INIT("imagemap"), wt_ext_imagemap},
    {STR_INIT("indicator"), indicator},
    {STR_INIT("inputbox"), wt_ext_box},
    {STR_INIT("langconvert"), inline_text},
    {STR_INIT("languages"), gone},
    {STR_INIT("mapframe"), wt_ext_map},
    {STR_INIT("maplink"), wt_ext_map},
    {STR_INIT("math"), wt_ext_math},
    {STR_INIT("nowiki"), wt_ext_nowiki},
    {STR_INIT("phonos"), inline_text},
    {STR_INIT("poem"), wt_ext_poem},
    {STR_INIT("pre"), wt_ext_pre},
    {STR_INIT("quiz"), wt_ext_box},
    {STR_INIT("ref"), wt_ext_ref},
    {STR_INIT("references"), wt_ext_references},
    {STR_INIT("score"), wt_ext_box},
    {STR_INIT("section"), section},
    {STR_INIT("source"), wt_ext_highlight},
    {STR_INIT("syntaxhighlight"), wt_ext_highlight},
    {STR_INIT("templatedata"), wt_ext_box},
    {STR_INIT("templatestyles"), wt_ext_template_styles},
    {STR_INIT("timeline"), wt_ext_box},
    {STR_INIT("translate"), see_through},
    {STR_INIT("tvar"), see_through},
};

// Rows that start with a letter: first[letter] up to first[letter + 1].
static const uint8_t first[27] = {0,  0,  0,  4,  4,  4,  4,  6,  7,  10, 10, 10, 12, 15,
                                  16, 16, 19, 20, 22, 26, 31, 31, 31, 31, 31, 31, 31};

static int row_of(str name) {
    unsigned letter = name.len ? ((unsigned char)name.ptr[0] | 32u) - 'a' : 26;
    if (letter >= 26) return -1;
    for (int i = first[letter]; i < first[letter + 1]; i++)
        if (rows[i].name.len == name.len && str_eq_nocase(rows[i].name, name)) return i;
    return -1;
}

bool wt_ext_known(str name) {
    return row_of(name) >= 0;
}

void wt_ext_tag(buf *out, wt_parser *p, const wt_frame *frame, const wt_node *node) {
    const wt_tag *tag = node->tag;
    wt_ext_call(out, p, frame, node->text, tag->attrs, tag->inner, tag->has_inner);
}

void wt_ext_call(buf *out, wt_parser *p, const wt_frame *frame, str name, str attrs, str inner,
                 bool has_inner) {
    int i = row_of(name);
    if (i < 0) {  // #tag with a name that is none
        buf_add(out, inner);
        return;
    }
    wt_ext e = {p, frame, rows[i].name, attrs, has_inner ? inner : STR(""), has_inner};
    rows[i].run(out, &e);
}
