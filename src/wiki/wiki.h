// wiki/wiki.h -- an opened wiki: a stack of dumps with their indexes, page text.
//
// The first dump is the base; newer ones (a later dump, an adds-changes dump) lie over it, and of
// pages with the same title the one of the newest dump is seen. What can be seen at one moment is a
// wiki_view; while a first index is being built, views replace each other, and each lives as long
// as somebody is in it. A dump is seen once all dumps given before it are indexed (or given up):
// the number of a layer and its offsets never change.
//
//   Owner     wiki owns dumps, indexes and views; a page's title lives in the caller's arena
//   Threads   any number, without locks but for the entering and leaving of a view (one counter)
//   Blocks    open: on disk (and builds nothing); page texts: on page faults or unpacking
//   Errors    open: what wiki_source_open and wiki_index_open say, with what to do
//   Limits    WIKI_LAYERS_MAX dumps; some 64 MiB of mapped pages, however large the files are
//             (see memory.c), and cache_bytes of unpacked ones
#ifndef WIKI_WIKI_H
#define WIKI_WIKI_H

#include "wiki/index.h"

enum { WIKI_LAYERS_MAX = 16 };

typedef struct wiki wiki;
typedef struct wiki_view wiki_view;

typedef struct wiki_options {
    const char *name;  // "enwiki"; NULL: the dump's dbname, or its file's name
    const char *const *dumps;
    size_t n_dumps;
    const char *index;   // of the first dump; NULL: beside it
    size_t cache_bytes;  // of unpacked blocks and kept pages, all dumps together; 0: 64 MiB
    bool builds;         // a missing or stale index is built in the background; else E_NOT_FOUND
    size_t memory;       // for that, see wiki_build_options
    unsigned with;
    // Called from the building thread; may be NULL.
    void (*log)(void *arg, const char *line);
    void *arg;
} wiki_options;

NODISCARD status wiki_open(wiki **out, const wiki_options *o, err *e);
void wiki_close(wiki *w);  // cancels a build; nobody is in a view; accepts NULL

const char *wiki_name(const wiki *w);

typedef struct wiki_state {
    bool is_building;
    wiki_progress progress;  // of the build
    uint64_t n_pages;        // that can be seen
    uint64_t xml_bytes, index_bytes;
    size_t n_layers;
    char failed[400];  // why the last build failed; "" when none did
    wiki_cache_counters cache;
    wiki_cache_counters kept;  // pages of templates and modules, see wiki_page_xml
} wiki_state;
void wiki_state_get(wiki_state *out, wiki *w);

// --- Views -----------------------------------------------------------------------------------

// What can be seen now; NULL while nothing is. It stays as it is until wiki_leave.
wiki_view *wiki_enter(wiki *w);
void wiki_leave(wiki_view *v);

const wiki_site *wiki_view_site(const wiki_view *v);
uint64_t wiki_view_number(const wiki_view *v);  // of this view alone, from 1 on
uint64_t wiki_view_pages(const wiki_view *v);
bool wiki_view_is_partial(const wiki_view *v);   // over the pages read so far only
uint64_t wiki_view_xml_len(const wiki_view *v);  // of all dumps, one behind the other
int64_t wiki_view_modified_ns(const wiki_view *v);

// A page of one of the dumps. `off` is in the XML of all dumps laid end to end.
typedef struct wiki_hit {
    int layer;
    wiki_page page;
} wiki_hit;

// As their namesakes in index.h, over all dumps, newest first; titles go to `a`. False: none.
bool wiki_find(wiki_hit *out, const wiki_view *v, str title, arena *a);
bool wiki_resolve(wiki_hit *out, const wiki_view *v, str text, arena *a);
bool wiki_follow(wiki_hit *h, const wiki_view *v, arena *a);
bool wiki_exists(const wiki_view *v, str text, arena scratch);
void wiki_get(wiki_hit *out, const wiki_view *v, int layer, int64_t rank, arena *a);

typedef struct wiki_hits {
    wiki_hit *hits;  // in the arena
    size_t n;
    uint64_t total;
    bool is_cut, is_fuzzy, is_exact_first;
} wiki_hits;

// `total` of suggestions counts titles of all namespaces, those left out as doubles too. `total` of
// a search over several dumps counts hidden titles, too; it is at least what is found.
// Of suggestions only what stands with the title is filled in: see wiki_index_get_title.
void wiki_suggest(wiki_hits *out, const wiki_view *v, str prefix, size_t max, int ns, arena *a);
void wiki_prefix(wiki_hits *out, const wiki_view *v, str prefix, size_t max, size_t skip, arena *a);
void wiki_search_titles(wiki_hits *out, const wiki_view *v, str text, size_t max,
                        int64_t deadline_ns, arena *a);
void wiki_backlinks(wiki_hits *out, const wiki_view *v, const wiki_hit *to, size_t max, size_t skip,
                    arena *a);
void wiki_redirects_to(wiki_hits *out, const wiki_view *v, const wiki_hit *to, size_t max,
                       size_t skip, arena *a);
// Members of the category of that name (with or without its namespace). False: there is none.
bool wiki_category(wiki_hits *out, str *name, const wiki_view *v, str text, size_t max, size_t skip,
                   arena *a);
typedef struct wiki_category_row {
    str name;  // without namespace
    uint64_t n_members;
} wiki_category_row;
// In order of names, which start with `prefix` folded. Members that a newer dump hides are not
// counted; with several dumps a category may have none left. With several dumps all names with the
// prefix are looked at, for *total.
size_t wiki_categories(wiki_category_row *out, size_t max, size_t skip, uint64_t *total,
                       const wiki_view *v, str prefix, arena *a);
// A random article: main namespace, no redirect, while there is one. `random` gives 64 random bits.
bool wiki_random(wiki_hit *out, const wiki_view *v, uint64_t (*random)(void), arena *a);
// The titles before and after, in order of titles; false at the ends.
bool wiki_neighbour(wiki_hit *out, const wiki_view *v, const wiki_hit *of, int step, arena *a);

// --- Text ------------------------------------------------------------------------------------

// The page's XML, "<page>" to "</page>": points into the map, or is unpacked into `a`. Pages of the
// Template and Module namespaces are kept once unpacked.
NODISCARD status wiki_page_xml(str *out, const wiki_view *v, const wiki_hit *h, arena *a, err *e);
// Any bytes of the dumps laid end to end; E_ARG when the range leaves its dump.
NODISCARD status wiki_read(str *out, const wiki_view *v, uint64_t off, uint64_t len, arena *a,
                           err *e);
// The map in which [off, off+len) lies plain, and where in it; NULL when it is packed.
const os_map *wiki_plain_at(uint64_t *at, const wiki_view *v, uint64_t off, uint64_t len);

typedef struct wiki_revision {
    str title;  // decoded
    int32_t ns;
    uint32_t page_id, rev_id;
    str timestamp, model, sha1;  // "" when the dump has none
    str redirect;                // decoded; "" when the page is none
    str text;                    // decoded wikitext
} wiki_revision;

// Reads one <page> element (of ours, or any slice a client asked for). Decoded parts are in `a`.
// E_FORMAT when `xml` is not one whole page.
NODISCARD status wiki_revision_parse(wiki_revision *out, str xml, arena *a, err *e);

#endif
