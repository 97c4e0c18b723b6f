// wikitext/ext_style.c -- <templatestyles>: a template's style sheet, harmless, inside the article.
//
// The sheet is a page of its own (model sanitized-css). It is read by CSS's own grammar of blocks,
// and written again: every selector is put inside the article's element, declarations pass the
// gate of style attributes (css.c) one at a time, and rules that reach out (@import, @font-face)
// are left out. The sheet stands as <style> where it is first asked for, as in MediaWiki; a page
// whose Content-Security-Policy has no inline styles shows the article without it.
//
// I1  what is written has balanced braces and no '<', so nothing gets out of <style>
// I2  each page's sheet is written once per article
//
// Rejected: collecting sheets in wt_page for a <link>. Their order among each other decides, and a
// fragment (API, /text/) would lose them.
// Source: mediawiki.org/wiki/Extension:TemplateStyles; w3.org/TR/css-syntax-3

#include "wikitext/ext.h"

enum { SHEET_MAX = 1 << 20, RULES_DEPTH = 4 };

// --- Scanning -------------------------------------------------------------------------------

// Behind the string that starts at i.
static size_t behind_string(str s, size_t i) {
    char quote = s.ptr[i++];
    while (i < s.len && s.ptr[i] != quote && s.ptr[i] != '\n')
        i += s.ptr[i] == '\\' ? 2 : 1;
    return min_size(i + 1, s.len);
}

// Offset of the first byte of `stops` outside of strings and brackets, from `i` on.
static size_t find_stop(str s, size_t i, const char *stops) {
    int depth = 0;
    while (i < s.len) {
        char c = s.ptr[i];
        if (c == '"' || c == '\'') {
            i = behind_string(s, i);
            continue;
        }
        if (depth <= 0 && c && strchr(stops, c)) return i;
        depth += c == '(' || c == '[' ? 1 : c == ')' || c == ']' ? -1 : 0;
        i += c == '\\' ? 2 : 1;
    }
    return s.len;
}

// The "}" that closes what is open at `i`.
static size_t find_close(str s, size_t i) {
    for (int depth = 1; (i = find_stop(s, i, "{}")) < s.len; i++) {
        depth += s.ptr[i] == '{' ? 1 : -1;
        if (!depth) return i;
    }
    return s.len;
}

// Its brackets and strings end in it, and it has no brace.
static bool is_closed(str s) {
    int depth = 0;
    for (size_t i = 0; i < s.len;) {
        char c = s.ptr[i];
        bool is_string = c == '"' || c == '\'';
        size_t next = is_string ? behind_string(s, i) : i + (c == '\\' ? 2 : 1);
        depth += c == '(' || c == '[' ? 1 : c == ')' || c == ']' ? -1 : 0;
        bool is_cut = next > s.len || (is_string && (next < i + 2 || s.ptr[next - 1] != c));
        if (depth < 0 || is_cut || c == '{' || c == '}' || c == '<') return false;
        i = next;
    }
    return depth == 0;
}

// Comments become a space; what could end <style> goes.
static str scrub(str css, arena *a) {
    buf b;
    buf_init(&b, a, css.len + 1);
    for (size_t i = 0; i < css.len; i++) {
        str rest = str_skip(css, i);
        if (str_starts(rest, STR("/*"))) {
            size_t end = str_find(str_skip(rest, 2), STR("*/"));
            buf_byte(&b, ' ');
            i += end + 3;
        } else if (css.ptr[i] != '<' && (unsigned char)css.ptr[i] != WT_MARK) {
            buf_byte(&b, css.ptr[i] == '\n' || css.ptr[i] == '\t' ? ' ' : css.ptr[i]);
        }
    }
    return buf_str(&b);
}

// --- Rules ----------------------------------------------------------------------------------

// Over the page rather than in it.
static bool reaches_out(str declaration) {
    size_t colon = str_find_byte(declaration, ':');
    str name = str_trim(str_first(declaration, colon));
    str value = str_trim(str_skip(declaration, colon + 1));
    return colon == declaration.len || str_starts(name, STR("--")) ||
           str_find_byte(name, '\\') < name.len ||
           (str_eq_nocase(name, STR("position")) && !str_starts_nocase(value, STR("relative")) &&
            !str_starts_nocase(value, STR("absolute")) && !str_starts_nocase(value, STR("static")));
}

static void declarations(buf *out, str body, arena scratch) {
    while (body.len) {
        arena a = scratch;
        size_t end = find_stop(body, 0, ";");
        str one = str_trim(str_first(body, end));
        body = str_skip(body, end + 1);
        if (one.len) one = html_css(one, &a);
        if (!one.len || reaches_out(one) || !is_closed(one) || str_find(one, STR("/*")) < one.len)
            continue;
        buf_add(out, one);
        buf_byte(out, ';');
    }
}

// "a, b" becomes ".scope a,.scope b"; "body.x a" stays before the scope.
static bool selectors(buf *out, str list, str scope) {
    size_t from = out->len;
    while (list.len) {
        size_t end = find_stop(list, 0, ",");
        str one = str_trim(str_first(list, end));
        list = str_skip(list, end + 1);
        if (!one.len || !is_closed(one) || str_find_byte(one, ';') < one.len) continue;
        if (out->len > from) buf_byte(out, ',');
        bool is_root = str_starts(one, STR("html")) || str_starts(one, STR("body"));
        size_t space = is_root ? find_stop(one, 0, " >") : 0;
        if (space && space < one.len) {
            buf_add(out, str_first(one, space));
            buf_byte(out, ' ');
            one = str_trim(str_skip(one, space));
        }
        buf_add(out, scope);
        buf_byte(out, ' ');
        buf_add(out, one);
    }
    return out->len > from;
}

static void rules(buf *out, str css, str scope, int depth, arena scratch);

// "@media (...) { rules }" and its like; every other at-rule is left out.
static void at_rule(buf *out, str head, str body, str scope, int depth, arena scratch) {
    bool holds_rules =
        str_starts_nocase(head, STR("@media")) || str_starts_nocase(head, STR("@supports"));
    if (!holds_rules || depth >= RULES_DEPTH || !is_closed(head)) return;
    buf_add(out, head);
    buf_byte(out, '{');
    rules(out, body, scope, depth + 1, scratch);
    buf_byte(out, '}');
}

static void rules(buf *out, str css, str scope, int depth, arena scratch) {
    while (css.len) {
        size_t open = find_stop(css, 0, "{;}");
        str head = str_trim(str_first(css, open));
        bool has_body = open < css.len && css.ptr[open] == '{';
        css = str_skip(css, open + 1);
        if (!has_body) continue;
        size_t close = find_close(css, 0), from = out->len;
        str body = str_first(css, close);
        css = str_skip(css, close + 1);
        if (head.len && head.ptr[0] == '@') {
            at_rule(out, head, body, scope, depth, scratch);
        } else if (selectors(out, head, scope)) {
            buf_byte(out, '{');
            size_t empty = out->len;
            declarations(out, body, scratch);
            buf_byte(out, '}');
            if (out->len == empty + 1) out->len = from;
        } else {
            out->len = from;
        }
    }
}

void wt_style_sheet(buf *out, str css, str scope, arena scratch) {
    rules(out, scrub(str_first(css, SHEET_MAX), &scratch), scope, 0, scratch);
}

// --- The tag --------------------------------------------------------------------------------

static void complain(buf *out, const wt_ext *e, const char *what, str name) {
    buf b = wt_ext_html(e);
    buf_fmt(&b, "<strong class=\"error\">%s", what);
    html_escape(&b, name);
    buf_add(&b, STR("</strong>"));
    wt_ext_put(out, e, &b);
}

// False when the article has it already.
static bool first_time(wt_parser *p, str title) {
    const str *have = p->styles.at;
    for (size_t i = 0; i < p->styles.n; i++)
        if (str_eq(have[i], title)) return false;
    str *row = wt_list_add(p, &p->styles, sizeof *row);
    if (row) *row = title;
    return row != NULL;
}

static str scope_of(const wt_ext *e) {
    str wrapper = {0};
    if (!wt_ext_attr(&wrapper, e, STR("wrapper"))) return STR(".mw-parser-output");
    for (size_t i = 0; i < wrapper.len; i++)
        if (strchr("{};,<@\"'\\", wrapper.ptr[i])) return STR(".mw-parser-output");
    return arena_fmt(e->p->mem, ".mw-parser-output %.*s", STR_ARG(wrapper));
}

void wt_ext_template_styles(buf *out, const wt_ext *e) {
    wt_parser *p = e->p;
    wt_title title;
    wt_source found = {0};
    str src = {0}, scope = scope_of(e);
    if (!wt_ext_attr(&src, e, STR("src")) || !str_trim(src).len)
        return complain(out, e, "TemplateStyles' src attribute must not be empty.", STR(""));
    if (!wt_title_parse(&title, p, str_trim(src), 10))
        return complain(out, e, "Invalid title for TemplateStyles' src attribute: ", src);
    bool is_there = p->world->source && p->world->source(p->world->arg, &found, title.full, p->mem);
    wt_note_used(p, is_there ? found.title : title.full, is_there ? found.hash : 0);
    bool is_css = str_eq(found.model, STR("sanitized-css")) || str_ends(title.full, STR(".css"));
    if (!is_there || !is_css)
        return complain(out, e,
                        is_there ? "Not a style sheet: " : "No such style sheet: ", title.full);
    if (!first_time(p, arena_fmt(p->mem, "%.*s %.*s", STR_ARG(found.title), STR_ARG(scope))))
        return;
    buf b = wt_ext_html(e);
    arena scratch;
    if (arena_open(&scratch, 4 * min_size(found.text.len, SHEET_MAX) + (64 << 10), NULL)) return;
    buf_fmt(&b, "<style data-mw-deduplicate=\"TemplateStyles:%016llx\">",
            (unsigned long long)found.hash);
    wt_style_sheet(&b, wt_scrub(found.text, e->p->mem), scope, scratch);
    buf_add(&b, STR("</style>"));
    arena_close(&scratch);
    wt_ext_put(out, e, &b);
}
