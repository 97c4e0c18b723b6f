// tests/wikitext/htmlcheck.h -- a strict reader of what wt_render writes, for tests and fuzzing.
//
// It knows nothing of the renderer: well-formed tags from a list of its own, attributes quoted and
// from a list, links of safe schemes, everything balanced, no <a> in <a>.
#ifndef TESTS_WIKITEXT_HTMLCHECK_H
#define TESTS_WIKITEXT_HTMLCHECK_H

#include "base/utf8.h"

enum { HTMLCHECK_DEPTH = 160 };

static const char *const htmlcheck_tags =
    " a abbr b bdi bdo big blockquote br caption center cite code dd del details dfn div dl dt em "
    "figcaption figure font h1 h2 h3 h4 h5 h6 hr i ins kbd li mark ol p pre q rb rp rt rtc ruby s "
    "samp small span strike strong sub summary sup table td th time tr tt u ul var wbr ";
static const char *const htmlcheck_attrs =
    " abbr align bgcolor border cellpadding cellspacing class clear color colspan data-model "
    "data-name datetime dir face height href id lang nowrap rel reversed rowspan scope size start "
    "style title type valign value width ";

typedef struct htmlcheck {
    str rest;
    str open[HTMLCHECK_DEPTH];
    size_t n_open;
    const char *why;
} htmlcheck;

static inline bool htmlcheck_fail(htmlcheck *c, const char *why) {
    c->why = why;
    return false;
}

static inline bool htmlcheck_in(const char *list, str word) {
    char want[32];
    if (!word.len || word.len > sizeof want - 3) return false;
    want[0] = ' ';
    memcpy(want + 1, word.ptr, word.len);
    want[word.len + 1] = ' ', want[word.len + 2] = 0;
    return strstr(list, want) != NULL;
}

static inline str htmlcheck_word(str *s) {
    size_t n = 0;
    while (n < s->len && ((s->ptr[n] >= 'a' && s->ptr[n] <= 'z') || s->ptr[n] == '-' ||
                          (s->ptr[n] >= '0' && s->ptr[n] <= '9')))
        n++;
    str word = str_first(*s, n);
    *s = str_skip(*s, n);
    return word;
}

static inline bool htmlcheck_is_safe_href(str v) {
    static const char *const starts[] = {"/wiki/",   "/w/",    "#",  "http://",
                                         "https://", "ftp://", "//", "mailto:"};
    for (size_t i = 0; i < countof(starts); i++)
        if (str_starts_nocase(v, str_of(starts[i]))) return true;
    return false;
}

static inline bool htmlcheck_holds(str v, const char *word) {
    for (size_t i = 0; i < v.len; i++)
        if (str_starts_nocase(str_skip(v, i), str_of(word))) return true;
    return false;
}

static inline bool htmlcheck_attr(htmlcheck *c, str *tag) {
    str name = htmlcheck_word(tag);
    if (!htmlcheck_in(htmlcheck_attrs, name)) return htmlcheck_fail(c, "attribute not allowed");
    if (!str_starts(*tag, STR("=\""))) return htmlcheck_fail(c, "attribute not quoted");
    *tag = str_skip(*tag, 2);
    size_t n = str_find_byte(*tag, '"');
    if (n == tag->len) return htmlcheck_fail(c, "attribute does not end");
    str value = str_first(*tag, n);
    *tag = str_skip(*tag, n + 1);
    if (str_find_byte(value, '<') < value.len) return htmlcheck_fail(c, "'<' in an attribute");
    if (str_eq(name, STR("href")) && !htmlcheck_is_safe_href(value))
        return htmlcheck_fail(c, "href of another scheme");
    if (str_eq(name, STR("style")) &&
        (htmlcheck_holds(value, "url") || htmlcheck_holds(value, "expression") ||
         str_find_byte(value, '\\') < value.len))
        return htmlcheck_fail(c, "unsafe style");
    return true;
}

static inline bool htmlcheck_start(htmlcheck *c, str name, str tag) {
    str seen[32];
    size_t n_seen = 0;
    while (tag.len) {
        if (tag.ptr[0] != ' ') return htmlcheck_fail(c, "no space before an attribute");
        tag = str_skip(tag, 1);
        str key = tag;
        if (!htmlcheck_attr(c, &tag)) return false;
        key = str_first(key, str_find_byte(key, '='));
        for (size_t i = 0; i < n_seen; i++)
            if (str_eq(seen[i], key)) return htmlcheck_fail(c, "attribute twice");
        if (n_seen < countof(seen)) seen[n_seen++] = key;
    }
    if (htmlcheck_in(" br hr wbr ", name)) return true;
    for (size_t i = 0; str_eq(name, STR("a")) && i < c->n_open; i++)
        if (str_eq(c->open[i], name)) return htmlcheck_fail(c, "a link in a link");
    if (c->n_open == HTMLCHECK_DEPTH) return htmlcheck_fail(c, "nested too deep");
    c->open[c->n_open++] = name;
    return true;
}

static inline bool htmlcheck_tag(htmlcheck *c) {
    str tag = str_skip(c->rest, 1);
    size_t end = 0;
    bool is_quoted = false;
    while (end < tag.len && (is_quoted || tag.ptr[end] != '>'))
        is_quoted ^= tag.ptr[end++] == '"';
    if (end == tag.len) return htmlcheck_fail(c, "a tag does not end");
    c->rest = str_skip(tag, end + 1);
    tag = str_first(tag, end);
    bool is_end = str_starts(tag, STR("/"));
    if (is_end) tag = str_skip(tag, 1);
    str name = htmlcheck_word(&tag);
    if (!htmlcheck_in(htmlcheck_tags, name)) return htmlcheck_fail(c, "tag not allowed");
    if (!is_end) return htmlcheck_start(c, name, tag);
    if (tag.len) return htmlcheck_fail(c, "attributes on an end tag");
    if (!c->n_open || !str_eq(c->open[c->n_open - 1], name))
        return htmlcheck_fail(c, "an end tag without its start");
    c->n_open--;
    return true;
}

// NULL when all is well, else what is wrong.
static inline const char *html_check(str html) {
    htmlcheck c = {.rest = html};
    if (!utf8_valid(html)) return "not UTF-8";
    while (c.rest.len) {
        size_t n = str_find_byte(c.rest, '<');
        str text = str_first(c.rest, n);
        if (str_find_byte(text, '>') < text.len) return "a bare '>'";
        c.rest = str_skip(c.rest, n);
        if (c.rest.len && !htmlcheck_tag(&c)) return c.why;
    }
    return c.n_open ? "an element that is not closed" : NULL;
}

#endif
