// wiki/title.h -- MediaWiki's rules for titles, and the site facts they need.
//
//   Threads   pure functions and immutable values; any
//   Limits    WIKI_TITLE_MAX bytes (MediaWiki: 255; longer titles of odd dumps are kept, cut never)
//   Source    https://www.mediawiki.org/wiki/Manual:Page_title; MediaWikiTitleCodec
#ifndef WIKI_TITLE_H
#define WIKI_TITLE_H

#include "base/arena.h"
#include "base/buf.h"

enum { WIKI_TITLE_MAX = 1024, WIKI_REDIRECT_MAX = 5, WIKI_NS_MAX = 128 };

typedef struct wiki_ns {
    int32_t key;          // 0 is the main namespace
    str name;             // "Category"; "" for the main one
    bool case_sensitive;  // the first letter keeps its case
} wiki_ns;

typedef struct wiki_site {
    str name, dbname, base, generator, lang;
    wiki_ns ns[WIKI_NS_MAX];
    size_t n_ns;
} wiki_site;

// The namespace with this name (case-blind, '_' is a space, English canonical names too), or
// NULL. The main namespace is never returned.
const wiki_ns *wiki_ns_named(const wiki_site *site, str name);
const wiki_ns *wiki_ns_of(const wiki_site *site, int32_t key);  // NULL when the dump lacks it

// Decodes entities, '_' to space, trims and collapses spaces, drops a leading ':' and what follows
// '#', NFC, canonical namespace name, first letter upper case where the namespace says so.
// *ns is the namespace key, *fragment what followed '#'. The result is in `a`; it is empty for a
// text over 4 * WIKI_TITLE_MAX bytes. `site` may be NULL: English namespaces.
str wiki_title_normalise(int32_t *ns, str *fragment, const wiki_site *site, str text, arena *a);

// Decodes XML's five entities and numeric references; unknown ones stay as they are. In `a`, or
// `text` itself when there is nothing to decode.
str wiki_decode_entities(str text, arena *a);

// Unicode normal form C; `s` itself when it has it already or is no UTF-8.
str wiki_nfc(str s, arena *a);
// First letter in upper case, as MediaWiki does it to titles.
str wiki_first_upper(str s, arena *a);

#endif
