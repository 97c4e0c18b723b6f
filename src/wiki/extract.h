// wiki/extract.h -- what the index wants from a page's wikitext: links, categories, ambiguity.
//
//   Threads   pure; any
//   Limits    targets over WIKI_TITLE_MAX bytes are left out
//   Source    https://www.mediawiki.org/wiki/Help:Links, Help:Categories, Extension:Disambiguator
#ifndef WIKI_EXTRACT_H
#define WIKI_EXTRACT_H

#include "wiki/title.h"

typedef enum wiki_extract_kind {
    WIKI_LINK,      // title: normalised target in any namespace but File's and Category's
    WIKI_CATEGORY,  // title: normalised, with its namespace ("Category:X"); sort_key as written
} wiki_extract_kind;

typedef struct wiki_extracted {
    wiki_extract_kind kind;
    str title, sort_key;
    int32_t ns;
} wiki_extracted;

// Calls `found` for every [[...]] in text order, repeats included; "[[:Category:X]]" is a link;
// text in nowiki and comments is none. `text` is decoded wikitext. The strs live during the call
// only. Linear in the text. `scratch` needs 256 KiB of room; without, nothing is found.
void wiki_extract(str text, const wiki_site *site, arena scratch,
                  void (*found)(void *arg, const wiki_extracted *x), void *arg);

// By title ("X (disambiguation)" and its likes) or by a template or magic word in the text, in the
// larger languages. Templates are looked for in the text's first 4 KiB and last 8, where they
// stand.
bool wiki_is_disambiguation(str title, str text);

#endif
