// tests/wikitext/htmlcheck.h -- a strict reader of what wt_render writes, for tests and fuzzing.
//
// It knows nothing of the renderer: UTF-8 without markers, well-formed tags from a list of its own,
// attributes quoted, once each and from a list, links of safe schemes, references that end, and
// everything balanced. The lists are those of tests/conformance/dumps.py. (A link may stand in a
// link: a table in one fosters it there, in a browser as here.)
#ifndef TESTS_WIKITEXT_HTMLCHECK_H
#define TESTS_WIKITEXT_HTMLCHECK_H

#include "base/utf8.h"

enum { HTMLCHECK_DEPTH = 1024, HTMLCHECK_WORD = 32 };

static const char htmlcheck_tags[] =
    " a abbr audio b bdi bdo big blockquote br caption center cite code col colgroup data dd del "
    "details dfn div dl dt em figcaption figure font h1 h2 h3 h4 h5 h6 hr i img input ins kbd "
    "label "
    "li link mark meta meter nav ol p pre q rb rp rt rtc ruby s samp section small source span "
    "strike strong style sub summary sup table tbody td tfoot th thead time tr track tt u ul var "
    "video wbr math semantics annotation mrow mi mn mo mfrac msup msub msubsup msqrt mroot mover "
    "munder munderover mtable mtr mtd mtext mspace mstyle menclose mpadded mphantom mmultiscripts "
    "mprescripts none merror ";
static const char htmlcheck_void[] = " br col hr img input link meta source track wbr ";
static const char htmlcheck_attrs[] =
    " abbr about accent accentunder align alt alttext axis background bgcolor border cellpadding "
    "cellspacing char charoff checked cite class clear color cols colspan columnalign columnlines "
    "columnspacing compact content controls datatype datetime decoding depth dir display "
    "displaystyle encoding face fence for form frame headers height href hreflang id itemid "
    "itemprop itemref itemscope itemtype lang largeop linethickness loading loop lspace mathcolor "
    "mathsize mathvariant max maxsize min minsize movablelimits muted name notation nowrap open "
    "poster preload property rel resource reversed role rowalign rowlines rowspacing rowspan "
    "rspace "
    "rules scope scriptlevel separator size span src srcset start stretchy style summary symmetric "
    "tabindex target title type typeof valign value vocab voffset width ";
static const char *const htmlcheck_schemes[] = {
    "/",       "#",         ".",         "http://", "https://",     "ftp://",  "ftps://",  "irc://",
    "ircs://", "mailto:",   "news:",     "nntp://", "sip:",         "sips:",   "sms:",     "ssh://",
    "svn://",  "tel:",      "telnet://", "urn:",    "worldwind://", "xmpp:",   "bitcoin:", "geo:",
    "git://",  "gopher://", "magnet:",   "mms://",  "redis://",     "sftp://", "matrix:"};

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
    char want[HTMLCHECK_WORD + 3];
    if (!word.len || word.len > HTMLCHECK_WORD) return false;
    want[0] = ' ';
    memcpy(want + 1, word.ptr, word.len);
    want[word.len + 1] = ' ', want[word.len + 2] = 0;
    return strstr(list, want) != NULL;
}

static inline bool htmlcheck_is_lower(char c) {
    return (c >= 'a' && c <= 'z') || c == '-' || (c >= '0' && c <= '9');
}

static inline str htmlcheck_word(str *s) {
    size_t n = 0;
    while (n < s->len && htmlcheck_is_lower(s->ptr[n]))
        n++;
    str word = str_first(*s, n);
    *s = str_skip(*s, n);
    return word;
}

static inline bool htmlcheck_is_safe_url(str v) {
    for (size_t i = 0; i < countof(htmlcheck_schemes); i++)
        if (str_starts_nocase(v, str_of(htmlcheck_schemes[i]))) return true;
    return v.len == 0;
}

static inline bool htmlcheck_holds(str v, const char *word) {
    for (size_t i = 0; i < v.len; i++)
        if (str_starts_nocase(str_skip(v, i), str_of(word))) return true;
    return false;
}

static inline bool htmlcheck_is_safe_style(str v) {
    static const char *const bad[] = {"expression", "url(", "-moz-binding", "behavior:"};
    for (size_t i = 0; i < countof(bad); i++)
        if (htmlcheck_holds(v, bad[i])) return false;
    return str_find_byte(v, '\\') == v.len;
}

// Every '&' starts a reference that ends.
static inline bool htmlcheck_refs(str v) {
    for (size_t at = 0; (at += str_find_byte(str_skip(v, at), '&')) < v.len; at++) {
        str name = str_first(str_skip(v, at + 1), str_find_byte(str_skip(v, at + 1), ';'));
        if (at + 1 + name.len == v.len || !name.len || name.len > HTMLCHECK_WORD) return false;
        for (size_t i = 0; i < name.len; i++) {
            char c = name.ptr[i];
            if (!htmlcheck_is_lower((char)(c | 32)) && !(c == '#' && i == 0)) return false;
        }
    }
    return true;
}

static inline bool htmlcheck_attr_known(str name) {
    return htmlcheck_in(htmlcheck_attrs, name) || str_starts(name, STR("data-")) ||
           str_starts(name, STR("aria-"));
}

static inline bool htmlcheck_value(htmlcheck *c, str name, str value) {
    if (str_find_byte(value, '<') < value.len) return htmlcheck_fail(c, "'<' in an attribute");
    if (!htmlcheck_refs(value)) return htmlcheck_fail(c, "a bare '&' in an attribute");
    if (htmlcheck_in(" href src poster cite srcset resource background ", name) &&
        !htmlcheck_is_safe_url(value))
        return htmlcheck_fail(c, "a URL of another scheme");
    if (str_eq(name, STR("style")) && !htmlcheck_is_safe_style(value))
        return htmlcheck_fail(c, "unsafe style");
    return true;
}

static inline bool htmlcheck_attr(htmlcheck *c, str *tag) {
    str name = htmlcheck_word(tag);
    if (!htmlcheck_attr_known(name)) return htmlcheck_fail(c, "attribute not allowed");
    if (!str_starts(*tag, STR("=\""))) return htmlcheck_fail(c, "attribute not quoted");
    *tag = str_skip(*tag, 2);
    size_t n = str_find_byte(*tag, '"');
    if (n == tag->len) return htmlcheck_fail(c, "attribute does not end");
    str value = str_first(*tag, n);
    *tag = str_skip(*tag, n + 1);
    return htmlcheck_value(c, name, value);
}

static inline bool htmlcheck_attrs_of(htmlcheck *c, str tag) {
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
    return true;
}

static inline bool htmlcheck_start(htmlcheck *c, str name, str tag) {
    bool is_void = htmlcheck_in(htmlcheck_void, name);
    if (is_void != str_ends(tag, STR(" /"))) return htmlcheck_fail(c, "void, or not");
    if (is_void) tag.len -= 2;
    if (!htmlcheck_attrs_of(c, tag)) return false;
    if (is_void) return true;
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

// Text up to the next tag; in <style> up to its end.
static inline bool htmlcheck_text(htmlcheck *c) {
    bool is_raw = c->n_open && str_eq(c->open[c->n_open - 1], STR("style"));
    size_t n = is_raw ? str_find(c->rest, STR("</")) : str_find_byte(c->rest, '<');
    str text = str_first(c->rest, n);
    c->rest = str_skip(c->rest, n);
    if (is_raw) return htmlcheck_is_safe_style(text) || htmlcheck_fail(c, "unsafe style sheet");
    if (str_find_byte(text, '>') < text.len) return htmlcheck_fail(c, "a bare '>'");
    return htmlcheck_refs(text) || htmlcheck_fail(c, "a bare '&'");
}

// NULL when all is well, else what is wrong.
static inline const char *html_check(str html) {
    htmlcheck c = {.rest = html};
    if (!utf8_valid(html)) return "not UTF-8";
    if (str_find_byte(html, 0x7F) < html.len) return "a marker is left";
    if (str_find_byte(html, 0) < html.len) return "a NUL";
    while (c.rest.len)
        if (!htmlcheck_text(&c) || (c.rest.len && !htmlcheck_tag(&c))) return c.why;
    return c.n_open ? "an element that is not closed" : NULL;
}

#endif
