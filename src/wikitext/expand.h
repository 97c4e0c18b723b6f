// wikitext/expand.h -- what expand.c and transclude.c share about one page's expansion.
//
//   Owner     everything is in p->mem but the trees of the cache, which wt_parsed_end lets go
//   Threads   one page, one thread
//   Limits    wt_limits; memoised text: 16 KB each, 4 MB in all
#ifndef WIKITEXT_EXPAND_H
#define WIKITEXT_EXPAND_H

#include "wikitext/inside.h"

// Strings to pointers, growing; in p->mem.
typedef struct wt_map {
    struct wt_map_row *rows;
    size_t n, cap;
} wt_map;

// Where the value of `key` is, NULL in it when new; NULL when memory is over. Good until the next.
void **wt_map_at(wt_map *m, wt_parser *p, str key);
void *wt_map_find(const wt_map *m, str key);  // NULL: not there

typedef struct wt_parsed {
    int depth;          // of wt_expand in itself
    wt_map names;       // as written in {{...}}: wt_included, whose title may be empty
    wt_map titles;      // full titles: wt_included
    wt_map used;        // titles in p->used
    wt_map costs;       // names in p->costs
    wt_map memo;        // expansions
    size_t memo_bytes;  // kept in memo
    uint32_t effects;   // of what happened that a memoised text would not repeat
    uint64_t inner_ns;  // of the calls that ended within the running one
    uint64_t inner_bytes;
    bool is_noted;  // that time or memory is used up
    wt_list pins;   // trees of the cache that this page holds: cache.c
} wt_parsed;

// Made when first asked for; never NULL.
wt_parsed *wt_parsed_of(wt_parser *p);

// The arguments of a call in a new frame, their names expanded in `parent`. Unnamed arguments are
// numbered from `skipped` + 1 on as 1.
void wt_frame_open(wt_frame *f, wt_parser *p, const wt_frame *parent, str title,
                   const wt_node *part, uint32_t skipped);

// {{...}}: appends what it stands for. False: it is text after all, of which "{{name" has been
// written; the parts and "}}" are left to the caller.
bool wt_transclude(buf *out, wt_parser *p, const wt_frame *frame, const wt_node *call);

// The page is done: what it holds of the cache is let go.
void wt_parsed_end(wt_parser *p);

// What can be included, asked for once per page.
typedef struct wt_included {
    bool is_found;
    wt_title title;    // as asked for
    wt_source source;  // its title: where redirects led
    const wt_tree *tree;
} wt_included;

// The page of a title that is no other wiki's; NULL when memory is over.
const wt_included *wt_include(wt_parser *p, const wt_title *title);

// Whether a template of this title is being expanded around the frame, or in it.
bool wt_is_running(const wt_frame *frame, str title);
// "Template loop detected: [[Title]]", counted.
void wt_loop_error(buf *out, wt_parser *p, str title);

// Adds to a size that has a limit; false, and nothing is added, when it would be passed.
bool wt_count_bytes(wt_parser *p, uint32_t *count, uint32_t limit, size_t n, unsigned over);

#endif
