// app/wiki_render.h -- rendered pages of the hosted wikis: made once, kept, shared.
//
// A page is rendered by the first request that wants it; others that want it meanwhile are held and
// get the same. No more pages than cores are in the making at a time; one that takes longer than
// RENDER_SLOW_MS gives its place to the next and goes on beside: a page which explodes costs the
// others its share of a core, until a limit ends it.
//
//   Owner     wiki_renders owns pages; a request has a share in one until its reply is sent
//   Threads   any; a lock for microseconds, never while rendering
//   Blocks    wiki_render on unpacking and on rendering: on workers only
//   Limits    bytes of kept pages (--page-cache), a page's deadline and output (below)
//   Errors    a page that cannot be read replies itself; limits are notes in the page
#ifndef APP_WIKI_RENDER_H
#define APP_WIKI_RENDER_H

#include "app/wiki_app.h"
#include "wikitext/wikitext.h"

enum {
    RENDER_DEADLINE_MS = 4000,  // of one page
    RENDER_SLOW_MS = 50,        // after which it is none of the pages that go first
    RENDER_OUTPUT_MAX = 32 << 20,
    RENDER_VOLATILE_MS = 60000,  // a page that depends on the clock is made anew
};

// One rendered page, immutable.
typedef struct wiki_rendered {
    wt_page page;
    str title, timestamp, model, sha1;
    uint32_t page_id, rev_id;
    char etag[24];  // with its quotes
    double ms;      // that it took
} wiki_rendered;

NODISCARD status wiki_renders_open(wiki_renders **out, size_t page_bytes, size_t tree_bytes,
                                   arena *mem, err *e);
void wiki_renders_close(wiki_renders *r);  // nobody renders; accepts NULL

// The page that lies at [off, off+len) of the dumps, as its links begin with `links` ("/read/").
// Sets ETag and Last-Modified. NULL: it has replied, or the request is held and its handler will
// be called again: return at once.
const wiki_rendered *wiki_render(const wiki_ask *q, uint64_t off, uint64_t len, const char *links);

typedef struct wiki_render_counters {
    uint64_t pages, hits, misses, waited, slow,
        over;  // rendered, found kept, not, held, over a limit
    uint64_t bytes, limit, entries;
    uint64_t wikitext_bytes, ns;  // rendered in all
    wt_cache_counters trees;
} wiki_render_counters;
void wiki_renders_count(wiki_render_counters *out, wiki_renders *r);
void wiki_renders_stats(json *j, wiki_renders *r);  // "rendering": {...}
void wiki_renders_metrics(metrics *m, wiki_renders *r);

// "sections": [{level, number, title, anchor}, ...] (wiki_api.c).
void wiki_put_sections(json *j, const wt_page *page);

// The world of a view (wiki_world.c); `links` as above. `images` may be NULL.
typedef struct wiki_world {
    wiki_view *view;
    const char *(*links_to)(void *arg, str prefix);  // of a hosted wiki; NULL: is none
    void *arg;
    const wiki_images *images;
} wiki_world;
void wiki_world_fill(wt_world *out, wiki_world *w);

#endif
