// wiki/view.h -- what wiki.c (who is in, building) and view.c (look-ups over layers) share.
//
//   Owner     a wiki__layer belongs to the views it is in, by count; a view to those who are in it
//   Threads   layers and views are immutable but for their counts
#ifndef WIKI_VIEW_H
#define WIKI_VIEW_H

#include "wiki/inside.h"
#include "wiki/wiki.h"

#include <pthread.h>
#include <stdatomic.h>

// --- Kept pages (memory.c) -------------------------------------------------------------------

// Pages of templates and modules of a packed dump, once unpacked, by their offset.
enum { WIKI__KEPT_SLOTS = 2048 };

typedef struct wiki__kept_page {
    uint64_t off;
    size_t len;
    char *bytes;  // NULL: none
} wiki__kept_page;

typedef struct wiki__kept {
    pthread_mutex_t lock;
    size_t limit, hand;
    wiki_cache_counters count;
    wiki__kept_page page[WIKI__KEPT_SLOTS];
} wiki__kept;

void wiki__kept_init(wiki__kept *k, size_t limit);  // of a zeroed one
void wiki__kept_close(wiki__kept *k);
bool wiki__kept_get(str *out, wiki__kept *k, uint64_t off, uint64_t len, arena *a);
void wiki__kept_put(wiki__kept *k, uint64_t off, str page);
void wiki__kept_count(wiki_cache_counters *sum, wiki__kept *k);  // adds

// What is mapped of a wiki.
typedef struct wiki__mapped {
    _Atomic(uint64_t) n_faults, floor;
} wiki__mapped;

// --- Views -----------------------------------------------------------------------------------

typedef struct wiki__layer {
    _Atomic(int) n_users;
    wiki_index *ix;
    wiki_source source;
    bool is_partial;
    wiki__kept kept;
} wiki__layer;

struct wiki_view {
    uint64_t number;
    _Atomic(int64_t) balance;  // entered less left, once it is replaced; before: less left
    wiki__layer *layer[WIKI_LAYERS_MAX];
    uint64_t base[WIKI_LAYERS_MAX];  // of its XML in the whole
    const uint32_t
        *shadowed[WIKI_LAYERS_MAX];  // ranks with a newer page of the same title, ascending
    size_t n_shadowed[WIKI_LAYERS_MAX];
    int order[WIKI_LAYERS_MAX];  // newest first
    int n;
    wiki__mapped *mapped;  // the wiki's
    arena mem;             // of the view itself and of shadowed
};

void wiki__layer_drop(wiki__layer *l);
// Takes a share in each layer. The view dies with wiki__view_drop.
NODISCARD status wiki__view_make(wiki_view **out, wiki__layer *const *layers, size_t n,
                                 wiki__mapped *mapped, err *e);
void wiki__view_drop(wiki_view *v);
// Lets go of the view's mapped pages when they are many.
void wiki__trim(const wiki_view *v);
// How many of the layer's shadowed ranks are below `rank`.
size_t wiki__shadowed_below(const wiki_view *v, int layer, int64_t rank);
bool wiki__is_shadowed(const wiki_view *v, int layer, int64_t rank);

#endif
