// Extension tags: nowiki, pre, math, code, poem, gallery, and footnotes.
//
// Footnotes are numbered as they appear; their texts are rendered where the list stands, or at the
// end of the page. A note inside a note is numbered while the list is written, behind the others.
//
//   I1  refs[] has a place for every "<ref" of the text, so it never grows

#include "wiki/html.h"

// --- Footnotes -------------------------------------------------------------------------------

static str attr_of(str attrs, const char *name) {
    for (size_t i = 0; i < attrs.len; i++) {
        str s = str_skip(attrs, i);
        bool is_start = i == 0 || attrs.ptr[i - 1] == ' ';
        if (!is_start || !str_starts_nocase(s, str_of(name))) continue;
        s = str_trim(str_skip(s, strlen(name)));
        if (!s.len || s.ptr[0] != '=') continue;
        s = str_trim(str_skip(s, 1));
        if (!s.len) return s;
        bool is_quoted = s.ptr[0] == '"' || s.ptr[0] == '\'';
        char end = is_quoted ? s.ptr[0] : ' ';
        if (is_quoted) s = str_skip(s, 1);
        return str_trim(str_first(s, str_find_byte(s, end)));
    }
    return (str){0};
}

// The note with this name, or a new one.
static size_t ref_named(html *h, str name) {
    html__slot *slot = name.len ? html__slot_of(&h->ref_names, name) : NULL;
    if (slot && slot->key.len) return slot->value;
    size_t k = h->n_refs++;
    if (slot) *slot = (html__slot){name, (uint32_t)k};
    return k;
}

static size_t define_ref(html *h, const html__markup *m, range r) {
    size_t k = ref_named(h, attr_of(str_first(m->attrs, 512), "name"));
    if (m->is_empty || h->refs[k].has_text) return k;
    size_t close = r.b;
    while (close > m->end && h->src.ptr[close - 1] != '<')
        close--;
    h->refs[k].text = html__trim(h, (range){m->end, close - 1});
    h->refs[k].has_text = true;
    return k;
}

static void ref_tag(html *h, const html__markup *m, range r) {
    if (h->n_refs == h->n_refs_max) return;
    size_t k = define_ref(h, m, r);
    html__ready(h);
    uint32_t use = h->refs[k].uses++;
    buf_fmt(h->out, "<sup class=\"reference\"");
    if (!use) buf_fmt(h->out, " id=\"cite_ref-%zu\"", k + 1);
    buf_fmt(h->out, h->in_link ? ">[%zu]</sup>" : "><a href=\"#cite_note-%zu\">", k + 1);
    if (!h->in_link) buf_fmt(h->out, "[%zu]</a></sup>", k + 1);
}

static void one_reference(html *h, size_t k) {
    int base = h->n_stack;
    arena a = h->mem;
    str attrs = arena_fmt(&a, " id=\"cite_note-%zu\"", k + 1);
    if (!html__push(h, TAG_LI, BY_LINE, attrs)) return;
    buf_fmt(h->out, "<a href=\"#cite_ref-%zu\">\xe2\x86\x91</a> ", k + 1);
    h->inline_only++;
    html__inline(h, h->refs[k].text);
    h->inline_only--;
    html__pop_to(h, base);
}

void html__references(html *h) {
    if (h->n_refs_shown == h->n_refs || !html__block(h)) return;
    arena a = h->mem;
    str attrs = arena_fmt(&a, " class=\"references\" start=\"%zu\"", h->n_refs_shown + 1);
    int base = h->n_stack;
    if (!html__push(h, TAG_OL, BY_LINE, attrs)) return;
    while (h->n_refs_shown < h->n_refs)  // grows while notes hold notes
        one_reference(h, h->n_refs_shown++);
    html__pop_to(h, base);
}

// Notes may be defined between <references> and </references>.
static void references_tag(html *h, const html__markup *m, range r) {
    for (size_t i = m->end; i < r.b;) {
        size_t span = html__span(h, i, r.b);
        html__markup in;
        bool is_ref = span && h->src.ptr[i] == '<' && html__markup_at(&in, h->src, i) &&
                      html__ext_named(in.name) == EXT_REF && h->n_refs < h->n_refs_max;
        if (is_ref) define_ref(h, &in, (range){i, span});
        i = span ? span : i + 1;
    }
    html__references(h);
}

// --- Poems and galleries ---------------------------------------------------------------------

static void each_line(html *h, range r, void (*body)(html *h, range line)) {
    for (size_t i = r.a; i < r.b;) {
        size_t end = i;
        while (end < r.b && h->src.ptr[end] != '\n') {
            size_t span = html__span(h, end, r.b);
            end = span ? span : end + 1;
        }
        body(h, (range){i, end});
        i = end + 1;
    }
}

static void poem_line(html *h, range r) {
    h->inline_only++;
    html__inline(h, r);
    h->inline_only--;
    html__lit(h, "<br>\n");
}

static void gallery_line(html *h, range r) {
    r = html__trim(h, r);
    if (r.a < r.b) html__gallery_file(h, r);
}

static void boxed_lines(html *h, range r, const char *class, void (*body)(html *h, range line)) {
    arena a = h->mem;
    if (h->calls >= HTML__CALLS_MAX || !html__block(h)) return html__inline(h, r);
    if (!html__push(h, TAG_DIV, BY_LINE, arena_fmt(&a, " class=\"%s\"", class)))
        return html__inline(h, r);
    h->calls++;
    int base = h->n_stack - 1;
    html__frame frame = {.base = h->n_stack, .pre = -1}, *outer = h->frame;
    h->frame = &frame;
    each_line(h, html__trim(h, r), body);
    h->frame = outer;
    html__pop_to(h, base);
    h->calls--;
}

// --- Source and formulas ---------------------------------------------------------------------

static void wrapped(html *h, html__tag tag, str attrs, str text, bool keeps_entities) {
    if (tag == TAG_PRE && !html__block(h)) tag = TAG_CODE;
    if (tag == TAG_CODE) html__ready(h);
    int base = h->n_stack;
    html__push(h, tag, BY_LINE, attrs);
    if (keeps_entities)
        html__plain(h, text);
    else
        buf_html(h->out, text);
    html__pop_to(h, base);
}

static void folded(html *h, str name, str text) {
    if (!html__block(h) || h->n_stack + 3 > HTML__STACK_MAX) return buf_html(h->out, text);
    int base = h->n_stack;
    html__push(h, TAG_DETAILS, BY_LINE, STR(" class=\"extension\""));
    html__push(h, TAG_SUMMARY, BY_LINE, (str){0});
    buf_html(h->out, name);
    html__pop_to(h, base + 1);
    wrapped(h, TAG_PRE, (str){0}, text, false);
    html__pop_to(h, base);
}

static str without_newlines(str s) {
    while (s.len && s.ptr[0] == '\n')
        s = str_skip(s, 1);
    while (s.len && (s.ptr[s.len - 1] == '\n' || s.ptr[s.len - 1] == ' '))
        s.len--;
    return s;
}

// --- All of them -----------------------------------------------------------------------------

static void opaque(html *h, html__ext ext, const html__markup *m, str text) {
    switch (ext) {
    case EXT_NOWIKI:
        if (!text.len) return;
        html__ready(h);
        return html__plain(h, text);
    case EXT_PRETAG:
        return wrapped(h, TAG_PRE, (str){0}, without_newlines(text), true);
    case EXT_MATH:
    case EXT_CHEM:
    case EXT_CE:
    case EXT_HIERO:
        return wrapped(h, TAG_CODE, STR(" class=\"math\""), str_trim(text), false);
    case EXT_SYNTAXHIGHLIGHT:
    case EXT_SOURCE: {
        bool is_inline =
            str_find(str_first(m->attrs, 256), STR("inline")) < str_first(m->attrs, 256).len;
        return wrapped(h, is_inline ? TAG_CODE : TAG_PRE, STR(" class=\"code\""),
                       without_newlines(text), false);
    }
    case EXT_SCORE:
    case EXT_TIMELINE:
    case EXT_GRAPH:
    case EXT_IMAGEMAP:
        return folded(h, m->name, without_newlines(text));
    default:
        return;  // for the editor, or of no use without the site's own software
    }
}

void html__extension(html *h, range r) {
    html__markup m;
    if (!html__markup_at(&m, h->src, r.a)) return;
    html__ext ext = html__ext_named(m.name);
    size_t close = r.b;
    while (!m.is_empty && close > m.end && h->src.ptr[close - 1] != '<')
        close--;
    range in = {m.end, m.is_empty ? m.end : max_size(m.end, close - 1)};
    switch (ext) {
    case EXT_REF:
        return ref_tag(h, &m, r);
    case EXT_REFERENCES:
        return references_tag(h, &m, r);
    case EXT_POEM:
        return boxed_lines(h, in, "poem", poem_line);
    case EXT_GALLERY:
        return boxed_lines(h, in, "gallery", gallery_line);
    default:
        return opaque(h, ext, &m, html__str(h, in));
    }
}
