// wikitext/func_section.c -- parts of other pages (#lst and its kin), sort key and title.
//
// A section is what stands between <section begin="x"/> and <section end="x"/>, or below a heading,
// at the top level of the page's tree. The nodes in question are copied into one list and expanded
// in a frame of that page.
//
// Source: https://www.mediawiki.org/wiki/Extension:Labeled_Section_Transclusion,
// Help:Magic_words (DEFAULTSORT, DISPLAYTITLE)

#include "wikitext/expand.h"
#include "wikitext/func.h"

enum { ATTRS_MAX = 16 };

// --- Nodes of a section --------------------------------------------------------------------------

typedef struct chosen {
    wt_parser *p;
    const wt_node *head;
    const wt_node **link;
} chosen;

static void choose(chosen *c, wt_node node) {
    wt_node *copy = arena_try(c->p->mem, sizeof *copy);
    if (!copy) return;
    *copy = node;
    copy->next = NULL;
    *c->link = copy;
    c->link = &copy->next;
}

// <section begin=name/>, in either spelling of quotes.
static bool is_mark(const wt_parser *p, const wt_node *node, str which, str name) {
    if (node->kind != WT_EXT || !str_eq_nocase(node->text, STR("section"))) return false;
    wt_attr attrs[ATTRS_MAX];
    arena scratch = *p->mem;
    size_t n = wt_attrs_read(attrs, ATTRS_MAX, node->tag->attrs, &scratch);
    for (size_t i = 0; i < n; i++)
        if (str_eq_nocase(attrs[i].name, which) && str_eq_nocase(str_trim(attrs[i].value), name))
            return true;
    return false;
}

static bool is_section_tag(const wt_node *node) {
    return node->kind == WT_EXT && str_eq_nocase(node->text, STR("section"));
}

// Every section of the name; all of the page up to `end` for begin "".
static void choose_sections(chosen *c, const wt_node *node, str begin, str end) {
    bool is_in = !begin.len;
    for (; node; node = node->next) {
        if (!is_in)
            is_in = is_mark(c->p, node, STR("begin"), begin);
        else if (end.len && is_mark(c->p, node, STR("end"), end))
            is_in = false;
        else if (!is_section_tag(node))
            choose(c, *node);
    }
}

// All but the sections of the name, in whose place stands `instead`.
static void choose_others(chosen *c, const wt_node *node, str name, str instead) {
    bool is_in = false;
    for (; node; node = node->next) {
        bool begins = !is_in && is_mark(c->p, node, STR("begin"), name);
        bool ends = is_in && is_mark(c->p, node, STR("end"), name);
        if (begins) choose(c, (wt_node){.kind = WT_TEXT, .text = instead});
        if (!is_in && !begins && !is_section_tag(node)) choose(c, *node);
        is_in = begins || (is_in && !ends);
    }
}

static str heading_text(wt_parser *p, const wt_node *heading) {
    buf b;
    buf_init(&b, p->mem, 0);
    for (const wt_node *n = heading->child; n; n = n->next)
        if (n->kind != WT_COMMENT) wt_unparse(&b, n);
    str s = str_trim(buf_str(&b));
    for (int i = 0; i < heading->level && s.len > 1; i++)
        s = (str){s.ptr + 1, s.len - 2};
    return str_trim(s);
}

// What follows a heading, up to the heading `until`, else to the next that is not below it.
static void choose_below(chosen *c, const wt_node *node, str name, str until) {
    while (node && !(node->kind == WT_HEADING && str_eq_nocase(heading_text(c->p, node), name)))
        node = node->next;
    int level = node ? node->level : 0;
    const wt_node *end = until.len && node ? node->next : NULL;
    while (end && !(end->kind == WT_HEADING && str_eq_nocase(heading_text(c->p, end), until)))
        end = end->next;
    for (node = node ? node->next : NULL; node && node != end; node = node->next) {
        if (!end && node->kind == WT_HEADING && node->level <= level) return;
        choose(c, *node);
    }
}

// --- #lst, #lstx, #lsth --------------------------------------------------------------------------

typedef void chooser(chosen *c, const wt_node *first, str a, str b);

static wt_result from_page(buf *out, const wt_call *c, chooser *choose_nodes, str a, str b) {
    wt_parser *p = c->p;
    wt_title title;
    if (!wt_title_parse(&title, p, c->first, 0) || title.interwiki.len) return WT_DONE;
    const wt_included *page = wt_include(p, &title);
    if (!page || !page->is_found) {
        buf_fmt(out, "[[:%.*s]]", STR_ARG(title.full));
        return WT_DONE;
    }
    if (wt_is_running(c->frame, page->source.title)) {
        wt_loop_error(out, p, title.full);
        return WT_DONE;
    }
    chosen all = {.p = p, .link = &all.head};
    choose_nodes(&all, page->tree->root->child, a, b);
    wt_frame frame;
    wt_frame_open(&frame, p, c->frame, page->source.title, NULL, 0);
    wt_expand(out, p, &frame, all.head, 0);
    return WT_DONE;
}

static wt_result lst(buf *out, const wt_call *c) {
    str begin = wt_call_arg(c, 1);
    return from_page(out, c, choose_sections, begin, c->n > 2 ? wt_call_arg(c, 2) : begin);
}

static wt_result lstx(buf *out, const wt_call *c) {
    return from_page(out, c, choose_others, wt_call_arg(c, 1), wt_call_arg(c, 2));
}

static wt_result lsth(buf *out, const wt_call *c) {
    return from_page(out, c, choose_below, wt_call_arg(c, 1), wt_call_arg(c, 2));
}

// --- The page's own title ------------------------------------------------------------------------

// {{DEFAULTSORT:key|noerror or noreplace}}
static wt_result default_sort(buf *out, const wt_call *c) {
    wt_parser *p = c->p;
    str mode = wt_call_arg(c, 1), old = p->default_sort;
    bool is_new = !old.len || !str_eq_nocase(mode, STR("noreplace"));
    bool is_clash = old.len && !str_eq(old, c->first) && !mode.len;
    if (!c->first.len) return WT_DONE;
    if (is_clash)
        buf_fmt(out,
                "<span class=\"error\"><strong>Warning:</strong> Default sort key \"%.*s\" "
                "overrides earlier default sort key \"%.*s\".</span>",
                STR_ARG(c->first), STR_ARG(old));
    if (is_new) p->default_sort = arena_str(p->mem, c->first);
    return WT_DONE;
}

// Text of HTML: tags gone, references decoded.
static str plain(str html, arena *a) {
    buf b;
    buf_init(&b, a, html.len);
    while (html.len) {
        size_t tag = str_find_byte(html, '<');
        buf_add(&b, str_first(html, tag));
        html = str_skip(html, tag);
        html = str_skip(html, str_find_byte(html, '>') + 1);
    }
    return html_decode(buf_str(&b), a);
}

// Scratch that lies where p->mem, which grows from below, does not come to.
static arena upper_half(const arena *a) {
    size_t from = align_up(a->used + arena_room(a) / 2, 16);
    return (arena){.base = a->base + from, .reserve = a->reserve - min_size(from, a->reserve)};
}

// {{DISPLAYTITLE:''x''|noerror or noreplace}}: only another look of the same title.
static wt_result display_title(buf *out, const wt_call *c) {
    wt_parser *p = c->p;
    bool keeps_old = p->display_title.len && str_eq_nocase(wt_call_arg(c, 1), STR("noreplace"));
    if (keeps_old) return WT_DONE;
    arena scratch = upper_half(p->mem);
    buf text, html;
    buf_init(&text, p->mem, c->first.len);
    wt_strip_kill(&text, c->first);
    str quoted = wt_quotes_str(p, buf_str(&text), scratch);
    buf_init(&html, p->mem, quoted.len + 16);
    wt_sanitize(&html, p, quoted, scratch);
    wt_title title;
    bool is_same = wt_title_parse(&title, p, plain(buf_str(&html), p->mem), 0) &&
                   !title.has_fragment && !title.interwiki.len && str_eq(title.full, p->title.full);
    if (is_same)
        p->display_title = buf_str(&html);
    else if (!wt_call_has(c, 1))
        buf_fmt(out,
                "<span class=\"error\">Warning: Display title \"%.*s\" was ignored since it is "
                "not equivalent to the page's actual title.</span>",
                STR_ARG(quoted));
    return WT_DONE;
}

const wt_func wt_funcs_section[] = {
    {"lst", .has_hash = true, .run = lst},
    {"section", .has_hash = true, .run = lst},
    {"lstx", .has_hash = true, .run = lstx},
    {"section-x", .has_hash = true, .run = lstx},
    {"lsth", .has_hash = true, .run = lsth},
    {"section-h", .has_hash = true, .run = lsth},
    {"DEFAULTSORT", .is_case_sensitive = true, .run = default_sort},
    {"DEFAULTSORTKEY", .is_case_sensitive = true, .run = default_sort},
    {"DEFAULTCATEGORYSORT", .is_case_sensitive = true, .run = default_sort},
    {"DISPLAYTITLE", .is_case_sensitive = true, .run = display_title},
    {0},
};
