// wiki/index.h -- one mapped file from title to the page's place in the dump.
//
// wiki_index_build makes it from a dump in one pass within a memory budget; wiki_index_open maps it
// and is ready in milliseconds. Titles are decoded (no XML entities) UTF-8 with spaces, as
// MediaWiki shows them; their rank is their place in the order of store_fold_cmp.
//
//   Owner     wiki_index owns its map; titles are decoded into the caller's arena
//   Threads   immutable after open: any number of threads may look up
//   Blocks    build: on disk; open: on disk; look-ups: on page faults only
//   Limits    WIKI_TITLE_MAX bytes per title, 2^32-2 pages, 63 namespaces in use, 4 GiB per page
//   Errors    open: E_NOT_FOUND, E_FORMAT (magic, version, checksum, bounds), E_STALE (the dump
//             changed since); look-ups find or do not find
//   Format    see index.c
#ifndef WIKI_INDEX_H
#define WIKI_INDEX_H

#include "base/arena.h"
#include "wiki/source.h"
#include "wiki/title.h"

typedef struct wiki_index wiki_index;

enum { WIKI_NO_RANK = -1 };

typedef struct wiki_page {
    int64_t rank;  // place in the order of titles, 0..n-1
    str title;     // decoded
    uint64_t off;  // of "<page>" in the XML
    uint64_t len;  // bytes to the end of "</page>", both tags included
    int32_t ns;    // namespace number
    uint32_t id;   // MediaWiki's page id
    bool is_redirect, is_disambiguation;
    bool is_bad_sha1;  // the page's text does not match its sha1
    uint8_t score;     // 12 * log2(1 + links to it), at most 255; a redirect's links count for its
                       // target too
    int64_t target;    // rank a redirect leads to; WIKI_NO_RANK when it leads nowhere here
} wiki_page;

// --- Build -----------------------------------------------------------------------------------

typedef struct wiki_progress {
    uint64_t done, total;  // bytes of the dump's file; total 0 when unknown
    uint64_t pages;
    double seconds;
    const char *phase;  // "reading", "sorting", "linking", "writing"
} wiki_progress;

enum {  // optional sections
    WIKI_WITH_WORDS = 1 << 0,
    WIKI_WITH_CATEGORIES = 1 << 1,
    WIKI_WITH_LINKS = 1 << 2,  // backlinks
    WIKI_WITH_ALL = 7,
};

typedef struct wiki_build_options {
    const char *dump;   // .xml or .xml.bz2 of one stream or many, read in place
    const char *index;  // where the index goes; NULL is wiki_index_path(dump)
    const char *temp;   // folder of temporary files; NULL: the index's
    size_t memory;      // bytes the build may hold beside mapped files; 0: 512 MiB, at least 64 MiB
    int n_threads;      // 0: one per core
    unsigned with;      // WIKI_WITH_*
    void (*progress)(void *arg, const wiki_progress *p);      // a few times a second; may be NULL
    void (*bad_page)(void *arg, str title, const char *why);  // each sha1 mismatch; may be NULL
    // May be NULL. Called while reading, whenever the pages read have doubled since the last time
    // and at first after about `snapshot_pages`, with the path of an index over the pages read so
    // far (without optional sections); the callee opens it and unlinks it.
    void (*snapshot)(void *arg, const char *path, const wiki_progress *p);
    uint64_t snapshot_pages;
    const _Atomic(bool) *cancel;  // may be NULL; set: the build ends with E_CANCELLED or its like
    void *arg;
} wiki_build_options;

typedef struct wiki_build_result {
    uint64_t n_pages, n_redirects, n_bad_sha1, n_without_sha1, n_duplicates, n_links, n_categories;
    uint64_t xml_bytes, index_bytes;
    uint64_t title_bytes;  // of the index, the optional sections left out
    uint64_t temp_bytes;   // written to temporary files
    double seconds;
    bool is_open_ended;  // no </mediawiki> at the end: a part of a dump, or cut between two pages
} wiki_build_result;

// Reads the dump and atomically replaces the index. Killed at any moment it leaves the old index
// or none; the same dump gives the same bytes whatever the threads and the memory. E_FORMAT with
// the byte offset for a dump that is cut short, is UTF-16, or is no dump.
NODISCARD status wiki_index_build(wiki_build_result *out, const wiki_build_options *o, err *e);

// Walks the dump again and names each page whose text does not match its sha1 through bad_page;
// compares titles, offsets and flags with the index, and the index with its checksums. With
// `stream_index` (a dump's own "-multistream-index.txt" or ".txt.bz2") every title of it, too.
typedef struct wiki_verify_result {
    uint64_t n_pages, n_bad_sha1, n_without_sha1, n_missing;  // missing: in the dump, not the index
    uint64_t n_stream_lines, n_stream_missing;
    double seconds;
} wiki_verify_result;
NODISCARD status wiki_index_verify(wiki_verify_result *out, const wiki_build_options *o,
                                   const char *stream_index, err *e);

// "X.xml" or "X.xml.bz2" -> itself + ".idx"; arena-owned.
const char *wiki_index_path(arena *a, const char *dump);

// --- Open ------------------------------------------------------------------------------------

// `file_len` and `file_mtime_ns` identify the dump's file; E_STALE when they are not what was
// indexed.
NODISCARD status wiki_index_open(wiki_index **out, const char *path, uint64_t file_len,
                                 int64_t file_mtime_ns, err *e);
void wiki_index_close(wiki_index *ix);  // accepts NULL

size_t wiki_index_pages(const wiki_index *ix);
uint64_t wiki_index_bytes(const wiki_index *ix);
const wiki_site *wiki_index_site(const wiki_index *ix);  // siteinfo: name, base, namespaces
uint64_t wiki_index_xml_len(const wiki_index *ix);
const wiki_block *wiki_index_blocks(size_t *n, const wiki_index *ix);  // of a packed dump
str wiki_index_newest(const wiki_index *ix);  // latest revision's timestamp in the dump, ISO 8601
unsigned wiki_index_with(const wiki_index *ix);  // which WIKI_WITH_* it has

// --- Look-ups --------------------------------------------------------------------------------

// rank in [0, pages). The title is decoded into `a`.
void wiki_index_get(wiki_page *out, const wiki_index *ix, int64_t rank, arena *a);
// What stands with the title alone: id, place and sha1 flag, which are found by ordinal, stay 0.
void wiki_index_get_title(wiki_page *out, const wiki_index *ix, int64_t rank, arena *a);

// Exact title in canonical form; its rank, or WIKI_NO_RANK. Of pages with the same title the last
// in the dump wins.
int64_t wiki_index_find(const wiki_index *ix, str title);

// What a person or a link wrote -> rank: tries the title as it stands, then normalised
// (wiki_title_normalise: entities, underscores, first letter, namespace case), then folded (of
// several the best by score). WIKI_NO_RANK when there is none.
int64_t wiki_index_resolve(const wiki_index *ix, str text, arena scratch);

// Follows redirects from `rank` by the index alone, at most WIKI_REDIRECT_MAX hops. The article's
// rank; WIKI_NO_RANK for a missing target, an interwiki or a loop.
int64_t wiki_index_follow(const wiki_index *ix, int64_t rank);

// Ranks [*lo, *hi) of titles that start with `prefix`, blind to case, accents and dashes. `prefix`
// is cleaned as links are (entities, underscores, NFC) but not trimmed.
void wiki_index_range(int64_t *lo, int64_t *hi, const wiki_index *ix, str prefix, arena scratch);

// Titles that start with `prefix`, in code-point order, from the `skip`th: writes up to `max`
// ranks, returns how many. *total is how many there are in all. A prefix without upper-case
// letters is matched blind, as the original's lower-case alias keys did; one with any is
// matched exactly. Decodes the whole range: milliseconds for short prefixes, so not on a loop.
size_t wiki_index_prefix(int64_t *ranks, size_t max, size_t skip, size_t *total,
                         const wiki_index *ix, str prefix, arena scratch);

// --- Suggestions (suggest.c) -----------------------------------------------------------------

typedef struct wiki_suggestion {
    int64_t rank;
    uint8_t score;
    bool is_exact;  // the whole title is what was typed, blind to case and accents
} wiki_suggestion;

enum { WIKI_SUGGEST_MAX = 100 };

// The best `max` titles with that prefix: exact ones first, then by score, then in order of titles.
// A redirect whose target, or another redirect to the same target, is among the better ones is left
// out. `skips(arg, rank)` true leaves a title out; may be NULL. `ns` >= 0: that namespace only.
// Microseconds for any prefix, also "": best-first over the maxima of the blocks, at most a few
// hundred blocks.
size_t wiki_index_suggest(wiki_suggestion *out, size_t max, int64_t *total, const wiki_index *ix,
                          str prefix, int ns, bool (*skips)(void *arg, int64_t rank), void *arg,
                          arena scratch);

// --- Words and typing errors (search.c) ----------------------------------------------------------

typedef struct wiki_search {
    size_t total;   // matches found; at least so many when is_cut
    bool is_cut;    // not all matches were looked at: no time, or the best were known before
    bool is_fuzzy;  // nothing matched exactly: these are near
} wiki_search;

// Titles that have all the words (the last as a prefix), in any order of words: first the one that
// is `text`, then those that start with it, then the others, best by score first. When there is
// none, near ones: a word with one edit (of 4 letters or more), else with two (8 or more, and the
// first letter right); there the text with its words put right counts as `text`. Ends at
// `deadline_ns` (os_now_ns) with the best so far. Without WIKI_WITH_WORDS: titles that start with
// or are near the whole text. Writes ranks, at most 10,000; returns how many. Scratch: a few bytes
// per match looked at; where it is short, less is found and is_cut set.
size_t wiki_index_search(wiki_search *info, int64_t *ranks, size_t max, const wiki_index *ix,
                         str text, int64_t deadline_ns, arena scratch);

// --- Graph (graph.c) -----------------------------------------------------------------------------

// Category names without their namespace, in order; members are ranks in order of titles.
size_t wiki_index_categories(const wiki_index *ix);  // how many; 0 without WIKI_WITH_CATEGORIES
str wiki_index_category(size_t *n_members, const wiki_index *ix, size_t at, arena *a);
// -1 when no page is in a category of that name.
int64_t wiki_index_category_find(const wiki_index *ix, str name, arena scratch);
void wiki_index_category_range(size_t *lo, size_t *hi, const wiki_index *ix, str prefix,
                               arena scratch);
size_t wiki_index_members(int64_t *ranks, size_t max, size_t skip, size_t *total,
                          const wiki_index *ix, size_t category);
// Pages that link to `rank`, and redirects that lead to it.
size_t wiki_index_backlinks(int64_t *ranks, size_t max, size_t skip, size_t *total,
                            const wiki_index *ix, int64_t rank);
size_t wiki_index_redirects_to(int64_t *ranks, size_t max, size_t skip, size_t *total,
                               const wiki_index *ix, int64_t rank);

#endif
