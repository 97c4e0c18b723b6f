// wikitext/func_logic.c -- #if and its kin: which of their arguments a call becomes.
//
// I1  Only the branch that is taken is expanded; keys of #switch are expanded one after the other
//     until one fits.
// I2  What is compared is decoded first: "&amp;" is "&".

#include "lang/expr.h"
#include "wikitext/func.h"

// An argument as it stands in the tree, expanded and trimmed. Most are one piece of text.
static str node_text(const wt_call *c, const wt_node *node) {
    const wt_node *only = node->child;
    wt_spend(c->p, 1);
    if (!only) return STR("");
    if (only->kind == WT_TEXT && !only->next) return str_trim(only->text);
    return wt_expand_trimmed(c->p, c->frame, node);
}

static str decoded(const wt_call *c, str text) {
    return str_trim(html_decode(text, c->p->mem));
}

static wt_result put_arg(buf *out, const wt_call *c, uint32_t i) {
    buf_add(out, wt_call_arg(c, i));
    return WT_DONE;
}

static wt_result run_if(buf *out, const wt_call *c) {
    return put_arg(out, c, c->first.len ? 1 : 2);
}

static wt_result run_ifeq(buf *out, const wt_call *c) {
    bool is_equal = num_loosely_equal(decoded(c, c->first), decoded(c, wt_call_arg(c, 1)));
    return put_arg(out, c, is_equal ? 2 : 3);
}

// --- #expr, #ifexpr ----------------------------------------------------------------------------

static bool evaluate(expr_value *v, buf *out, const wt_call *c) {
    buf error;
    buf_init(&error, c->p->mem, 64);
    if (expr_eval(v, &error, c->first)) return true;
    wt_put_error(out, buf_str(&error));
    return false;
}

static wt_result run_expr(buf *out, const wt_call *c) {
    expr_value v;
    if (evaluate(&v, out, c) && !v.is_empty) num_put(out, v.n);
    return WT_DONE;
}

static wt_result run_ifexpr(buf *out, const wt_call *c) {
    expr_value v;
    if (!evaluate(&v, out, c)) return WT_DONE;
    return put_arg(out, c, !v.is_empty && v.n.d != 0 ? 1 : 2);
}

// --- #iferror ----------------------------------------------------------------------------------

static bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

// One of the words in a class attribute's value, from behind its opening quote on, is "error"; the
// value is closed within the tag.
static bool value_has_error(str s) {
    size_t end = 0;
    while (end < s.len && s.ptr[end] != '"' && s.ptr[end] != '>')
        end++;
    if (end == s.len || s.ptr[end] == '>') return false;
    for (size_t i = 0; i < end;) {
        size_t from = i;
        while (i < end && !is_blank(s.ptr[i]))
            i++;
        if (str_eq((str){s.ptr + from, i - from}, STR("error"))) return true;
        i++;
    }
    return false;
}

// The inside of a tag, from behind its name on.
static bool tag_has_error(str s) {
    for (size_t i = 0; i < s.len && s.ptr[i] != '>'; i++)
        if (is_blank(s.ptr[i]) && str_starts(str_skip(s, i + 1), STR("class=\"")) &&
            value_has_error(str_skip(s, i + 8)))
            return true;
    return false;
}

bool wt_has_error(str html) {
    static const str names[] = {STR_INIT("strong"), STR_INIT("span"), STR_INIT("p"),
                                STR_INIT("div")};
    for (size_t at = str_find_byte(html, '<'); at < html.len; at = str_find_byte(html, '<')) {
        html = str_skip(html, at + 1);
        for (size_t i = 0; i < countof(names); i++)
            if (str_starts(html, names[i]) && tag_has_error(str_skip(html, names[i].len)))
                return true;
    }
    return false;
}

static wt_result run_iferror(buf *out, const wt_call *c) {
    if (wt_has_error(c->first)) return put_arg(out, c, 1);
    if (wt_call_has(c, 2)) return put_arg(out, c, 2);
    buf_add(out, c->first);
    return WT_DONE;
}

// --- #ifexist ----------------------------------------------------------------------------------

static bool exists(wt_parser *p, const wt_title *t) {
    enum { NS_MEDIA = -2, NS_SPECIAL = -1 };
    const wt_world *w = p->world;
    wt_status found = WT_MISSING;
    wt_file file;
    if (t->interwiki.len || !t->full.len) return false;
    if (t->ns == NS_SPECIAL) return wt_special_page(t->text).len > 0;
    if (!wt_expensive(p)) return false;
    if (t->ns == NS_MEDIA) return w->file && w->file(w->arg, &file, t->text, 0, p->mem);
    if (w->exists) w->exists(w->arg, &found, &t->full, 1);
    return found != WT_MISSING;
}

static wt_result run_ifexist(buf *out, const wt_call *c) {
    wt_title t;
    bool is_there = wt_title_parse(&t, c->p, decoded(c, c->first), 0) && exists(c->p, &t);
    return put_arg(out, c, is_there ? 1 : 2);
}

// --- #switch -----------------------------------------------------------------------------------

static bool is_default(str key) {
    return str_eq_nocase(key, STR("#default"));
}

// I1. A key without value falls through to the next that has one; the last of all, without "=", is
// the default, unless "#default" stands before it.
static wt_result run_switch(buf *out, const wt_call *c) {
    str wanted = decoded(c, c->first), last = {0};
    const wt_node *otherwise = NULL, *chosen = NULL;
    bool is_found = false, is_default_due = false, has_last = false;
    for (const wt_node *part = c->part; part && !chosen && !wt_over(c->p); part = part->next) {
        const wt_node *key = part->child, *value = key ? key->next : NULL;
        bool has_key = key && key->kind == WT_KEY;
        if (part->kind != WT_PART || !key) continue;
        str text = is_found && has_key ? wanted : node_text(c, key);
        str test = decoded(c, text);
        has_last = !has_key;
        if (!has_key) last = text;
        if (is_found || num_loosely_equal(test, wanted)) {
            is_found = true;
            chosen = has_key ? value : NULL;
        } else if (is_default(test) || (has_key && is_default_due)) {
            is_default_due = !has_key;
            if (has_key) otherwise = value;
        }
    }
    if (!chosen && has_last)
        buf_add(out, last);
    else if (chosen || otherwise)
        buf_add(out, node_text(c, chosen ? chosen : otherwise));
    return WT_DONE;
}

const wt_func wt_funcs_logic[] = {
    {"if", .has_hash = true, .run = run_if},
    {"ifeq", .has_hash = true, .run = run_ifeq},
    {"expr", .has_hash = true, .run = run_expr},
    {"ifexpr", .has_hash = true, .run = run_ifexpr},
    {"iferror", .has_hash = true, .run = run_iferror},
    {"ifexist", .has_hash = true, .run = run_ifexist},
    {"switch", .has_hash = true, .run = run_switch},
    {0},
};
