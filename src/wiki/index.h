// wiki/index.h -- one mapped file from title to the page's place in the dump.
//
// wiki_index_build makes it from a dump in one pass; wiki_index_open maps it and is ready in
// milliseconds. Titles are decoded (no XML entities) UTF-8 with spaces, as MediaWiki shows them.
//
//   Owner     wiki_index owns its map; every str handed out points into it and dies at close
//   Threads   immutable after open: any number of threads may look up
//   Blocks    build: on disk; open: on disk; look-ups: on page faults only
//   Limits    WIKI_TITLE_MAX bytes per title, 2^32-2 pages
//   Errors    open: E_NOT_FOUND, E_FORMAT (magic, version, checksum, bounds), E_STALE (the dump
//             changed since); look-ups find or do not find
//   Format    see index.c
#ifndef WIKI_INDEX_H
#define WIKI_INDEX_H

#include "base/arena.h"
#include "wiki/title.h"

typedef struct wiki_index wiki_index;

typedef struct wiki_page {
    int64_t rank;  // place in title order, 0..n-1
    str title;     // decoded
    uint64_t off;  // of "<page>" in the XML dump
    uint64_t len;  // bytes to the end of "</page>", both tags included
    int32_t ns;    // namespace number
    uint32_t id;   // MediaWiki's page id
    bool is_redirect;
    str redirect;      // target title as the dump gives it, decoded; "" when is_redirect is false
    bool is_bad_sha1;  // the page's text does not match its sha1
} wiki_page;

// --- Build -----------------------------------------------------------------------------------

typedef struct wiki_progress {
    uint64_t done, total;  // bytes of input; total 0 when unknown
    uint64_t pages;
    double seconds;
    const char *phase;  // "unpacking", "reading", "sorting", "writing"
} wiki_progress;

typedef struct wiki_build_options {
    const char *dump;   // .xml or .xml.bz2 (unpacked beside the index as NAME.xml)
    const char *index;  // where the index goes; NULL is wiki_index_path(dump)
    const char *xml;    // where a bz2 dump is unpacked to; NULL is beside the dump without ".bz2"
    void (*progress)(void *arg, const wiki_progress *p);      // a few times a second; may be NULL
    void (*bad_page)(void *arg, str title, const char *why);  // each sha1 mismatch; may be NULL
    void *arg;
} wiki_build_options;

typedef struct wiki_build_result {
    uint64_t n_pages, n_redirects, n_bad_sha1, n_without_sha1, n_duplicates;
    uint64_t xml_bytes, index_bytes;
    double seconds;
    bool is_open_ended;  // no </mediawiki> at the end: a part of a dump, or cut between two pages
} wiki_build_result;

// Reads the dump and atomically replaces the index. Killed at any moment it leaves the old index
// or none. E_FORMAT with the byte offset for a dump that is cut short, is UTF-16, or is no dump.
NODISCARD status wiki_index_build(wiki_build_result *out, const wiki_build_options *o, err *e);

// "X.xml" or "X.xml.bz2" -> "X.xml.idx"; arena-owned.
const char *wiki_index_path(arena *a, const char *dump);
// "X.xml.bz2" -> "X.xml"; anything else is itself.
const char *wiki_xml_path(arena *a, const char *dump);

// --- Look-ups --------------------------------------------------------------------------------

// `xml_len` and `xml_mtime_ns` identify the dump; E_STALE when they are not what was indexed.
NODISCARD status wiki_index_open(wiki_index **out, const char *path, uint64_t xml_len,
                                 int64_t xml_mtime_ns, err *e);
void wiki_index_close(wiki_index *ix);  // accepts NULL

size_t wiki_index_pages(const wiki_index *ix);
const wiki_site *wiki_index_site(const wiki_index *ix);  // siteinfo: name, base, namespaces

// rank in [0, pages).
void wiki_index_get(wiki_page *out, const wiki_index *ix, int64_t rank);

// Exact title in canonical form. False when there is none. Of pages with the same title the last
// in the dump wins.
bool wiki_index_find(wiki_page *out, const wiki_index *ix, str title);

// What a person or a link wrote -> page: tries the title as it stands, then normalised
// (wiki_title_normalise: entities, underscores, first letter, namespace case), then folded.
bool wiki_index_resolve(wiki_page *out, const wiki_index *ix, str text, arena scratch);

// Follows redirects from `p`, at most WIKI_REDIRECT_MAX hops. True when *p is now an article;
// false (and *p is the last page reached) for a missing target, an interwiki or a loop.
bool wiki_index_follow(wiki_page *p, const wiki_index *ix, arena scratch);

// Titles that start with `prefix`, in code-point order, from the `skip`th: writes up to `max`
// ranks, returns how many. *total is how many there are in all. A prefix without upper-case
// letters is matched case-blind, as the original's lower-case alias keys did; one with any is
// matched exactly.
size_t wiki_index_prefix(int64_t *ranks, size_t max, size_t skip, size_t *total,
                         const wiki_index *ix, str prefix, arena scratch);

#endif
