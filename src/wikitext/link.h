// wikitext/link.h -- what the files about links and pictures share: writing <a>, texts of links.
//
//   Owner     strs that are returned lie in p->mem
//   Errors    none
#ifndef WIKITEXT_LINK_H
#define WIKITEXT_LINK_H

#include "wikitext/inside.h"

// Offset of the first two `c` in a row; s.len when there are none.
static inline size_t wt_find_pair(str s, char c) {
    for (size_t at = 0; (at += str_find_byte(str_skip(s, at), c)) + 1 < s.len; at++)
        if (s.ptr[at + 1] == c) return at;
    return s.len;
}
static inline bool wt_is_pair(str s, char c) {
    return s.len > 1 && s.ptr[0] == c && s.ptr[1] == c;
}

// ` name="value"`, the value escaped.
void wt_put_attr(buf *out, const char *name, str value);
// The same with a number.
void wt_put_attr_int(buf *out, const char *name, int64_t value);

// ` href="..."` of a title, its fragment behind it.
void wt_put_title_href(buf *out, wt_parser *p, const wt_title *t, str query);
// `html` as a link to a page if there is one, else as it is: a marker, looked up at the end.
void wt_put_soft_link(buf *out, wt_parser *p, const wt_title *t, str html);
// With interwiki prefix: "fr:Titre".
str wt_title_prefixed(wt_parser *p, const wt_title *t);
static inline bool wt_has_uploads(const wt_parser *p) {
    return p->o->red_links_to_editor && p->o->script_path && !p->o->no_uploads;
}
// Where a missing file would be put, or its page where there are no uploads.
void wt_put_upload_href(buf *out, wt_parser *p, const wt_title *t);

// The title that a page's wikitext redirects to; "": it is no redirect. redirect.c.
str wt_redirect_of(wt_parser *p, str text);

// How much of `text`, which stands behind a link, belongs to its word; letters as of the language.
typedef struct wt_trail_rule {
    const char *lang, *letters;  // letters beside a-z: "абв", "а-я"
    const char *prefix;          // letters in front of a link; NULL: none belong to it
    bool is_bare;                // not even a-z
} wt_trail_rule;
const wt_trail_rule *wt_trail_rule_of(str lang);
size_t wt_trail(const wt_trail_rule *rule, str text);
// Where the letters start that stand at the end of `text`.
size_t wt_trail_prefix(const wt_trail_rule *rule, str text);

// "%41" as what it stands for, but "<" and ">" as references.
str wt_percent_decoded(wt_parser *p, str s);

// The URL as MediaWiki writes it: references decoded, percent forms in one way, invisible
// characters out of the host.
str wt_clean_url(wt_parser *p, str url);
// ` rel="nofollow"` where links out carry it.
void wt_put_rel(buf *out, wt_parser *p, str url);
// As wt_scheme, also of "//x".
static inline size_t wt_scheme_or_none(str text) {
    return str_starts(text, STR("//")) ? 2 : wt_scheme(text);
}
// {{#isbn:0-306-40615-2}}: the number as a link, when it has as many digits as one has.
void wt_put_isbn(buf *out, wt_parser *p, str number);
// How long the URL at the start of `text` is, its scheme being `scheme` bytes; no more than that:
// none.
size_t wt_url_span(str text, size_t scheme);

#endif
