// wikitext/cache.c -- parsed templates, shared by all threads and kept by the hash of their text.
//
// I1  A kept tree never changes and lives while the cache or a page holds it: holders are counted.
// I2  A shard's lock is held to look up, link and unlink; parsing and freeing happen outside.
// I3  Two threads that miss at the same time both parse; the second to come back takes the first's.
// I4  Equal hashes are not trusted: the texts are compared.
//
// Rejected: single flight (parsing takes microseconds, waiting would take longer); epochs (a page
// ends within milliseconds, so that counting its holders once per template costs less to explain).

#include "os/clock.h"
#include "wikitext/expand.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SHARDS_MAX = 16, SHARD_BYTES_MIN = 1 << 20, BUCKETS = 1024, SHARE_MAX = 4 };

typedef struct kept {
    struct kept *chain, *newer, *older;
    atomic_uint holders;
    uint64_t hash;
    size_t bytes;  // all of this block
    wt_tree tree;
    _Alignas(16) uint8_t room[];  // nodes, then the text
} kept;

typedef struct shard {
    pthread_mutex_t lock;
    kept *buckets[BUCKETS];
    kept *newest, *oldest;
    wt_cache_counters seen;
} shard;

struct wt_cache {
    size_t n_shards, limit;  // of a shard
    shard shards[SHARDS_MAX];
};

status wt_cache_open(wt_cache **out, size_t bytes, err *e) {
    wt_cache *c = *out = calloc(1, sizeof *c);
    if (!c) return err_set(e, E_MEMORY, "no memory for a cache of templates");
    c->n_shards = bytes / SHARD_BYTES_MIN;
    c->n_shards = c->n_shards < 1 ? 1 : min_size(c->n_shards, SHARDS_MAX);
    c->limit = bytes / c->n_shards;
    for (size_t i = 0; i < c->n_shards; i++)
        pthread_mutex_init(&c->shards[i].lock, NULL);
    return OK;
}

static void let_go(kept *k) {
    if (atomic_fetch_sub_explicit(&k->holders, 1, memory_order_acq_rel) == 1) free(k);
}

void wt_cache_close(wt_cache *c) {
    if (!c) return;
    for (size_t i = 0; i < c->n_shards; i++) {
        for (kept *k = c->shards[i].newest, *next; k; k = next) {
            next = k->older;
            let_go(k);
        }
        pthread_mutex_destroy(&c->shards[i].lock);
    }
    free(c);
}

void wt_cache_count(wt_cache_counters *out, wt_cache *c) {
    *out = (wt_cache_counters){.limit = c->limit * c->n_shards};
    for (size_t i = 0; i < c->n_shards; i++) {
        shard *h = &c->shards[i];
        pthread_mutex_lock(&h->lock);
        out->hits += h->seen.hits;
        out->misses += h->seen.misses;
        out->bytes += h->seen.bytes;
        out->entries += h->seen.entries;
        pthread_mutex_unlock(&h->lock);
    }
}

// --- Inside a shard, with its lock ---------------------------------------------------------------

static kept **bucket_of(shard *h, uint64_t hash) {
    return &h->buckets[(hash >> 32) % BUCKETS];
}

static void unlink_age(shard *h, kept *k) {
    *(k->newer ? &k->newer->older : &h->newest) = k->older;
    *(k->older ? &k->older->newer : &h->oldest) = k->newer;
}

static void link_newest(shard *h, kept *k) {
    k->newer = NULL, k->older = h->newest;
    *(h->newest ? &h->newest->newer : &h->oldest) = k;
    h->newest = k;
}

// Held for the caller; NULL: not there.
static kept *find(shard *h, uint64_t hash) {
    kept *k = *bucket_of(h, hash);
    while (k && k->hash != hash)
        k = k->chain;
    if (!k) return NULL;
    atomic_fetch_add_explicit(&k->holders, 1, memory_order_relaxed);
    if (h->newest != k) {
        unlink_age(h, k);
        link_newest(h, k);
    }
    return k;
}

static void add(shard *h, kept *k) {
    kept **bucket = bucket_of(h, k->hash);
    k->chain = *bucket, *bucket = k;
    link_newest(h, k);
    h->seen.bytes += k->bytes;
    h->seen.entries++;
}

// The longest unused one is taken out; the caller lets it go.
static kept *take_oldest(shard *h) {
    kept *k = h->oldest, **link = bucket_of(h, k->hash);
    while (*link != k)
        link = &(*link)->chain;
    *link = k->chain;
    unlink_age(h, k);
    h->seen.bytes -= k->bytes;
    h->seen.entries--;
    return k;
}

// --- Trees ---------------------------------------------------------------------------------------

static kept *look_up(shard *h, uint64_t hash) {
    pthread_mutex_lock(&h->lock);
    kept *k = find(h, hash);
    if (k)
        h->seen.hits++;
    else
        h->seen.misses++;
    pthread_mutex_unlock(&h->lock);
    return k;
}

// Parsed once in passing to learn its size, then into a block of that size.
static kept *parse(const wt_source *source, size_t limit, arena probe) {
    wt_tree tree;
    wt_preprocess(&tree, source->text, true, &probe);
    size_t size = sizeof(kept) + tree.room + source->text.len;
    kept *k = tree.is_cut || size > limit / SHARE_MAX ? NULL : malloc(size);
    if (!k) return NULL;
    *k = (kept){.hash = source->hash, .bytes = size};
    atomic_init(&k->holders, 2);  // the cache and the page
    char *text = (char *)k->room + tree.room;
    if (source->text.len) memcpy(text, source->text.ptr, source->text.len);
    arena a = {.base = k->room, .reserve = tree.room};
    wt_preprocess(&k->tree, (str){text, source->text.len}, true, &a);
    return k;
}

// I3: what another thread put there meanwhile is taken instead.
static kept *keep(shard *h, kept *new, size_t limit) {
    kept *dropped = NULL;
    pthread_mutex_lock(&h->lock);
    kept *k = find(h, new->hash);
    if (!k) {
        add(h, k = new);
        while (h->seen.bytes > limit) {
            kept *oldest = take_oldest(h);
            oldest->chain = dropped, dropped = oldest;
        }
    }
    pthread_mutex_unlock(&h->lock);
    if (k != new) free(new);
    for (kept *next; dropped; dropped = next) {
        next = dropped->chain;
        let_go(dropped);
    }
    return k;
}

// The page holds it until wt_parsed_end.
static bool pin(wt_parser *p, kept *k) {
    kept **row = wt_list_add(p, &wt_parsed_of(p)->pins, sizeof *row);
    if (!row)
        let_go(k);
    else
        *row = k;
    return row != NULL;
}

const wt_tree *wt_tree_of(wt_parser *p, const wt_source *source) {
    wt_cache *c = p->o->cache;
    if (c && source->hash) {
        shard *h = &c->shards[source->hash % c->n_shards];
        kept *k = look_up(h, source->hash);
        kept *new = k ? NULL : parse(source, c->limit, *p->mem);
        if (new) k = keep(h, new, c->limit);
        bool is_held = k && pin(p, k);
        if (is_held && str_eq(k->tree.text, source->text)) return &k->tree;
    }
    wt_tree *tree = arena_try(p->mem, sizeof *tree);
    static const wt_node nothing = {.kind = WT_ROOT};
    static const wt_tree none = {.root = &nothing, .is_cut = true};
    if (!tree) {
        p->over |= WT_OVER_MEMORY;
        return &none;
    }
    wt_preprocess(tree, source->text, true, p->mem);
    if (tree->is_cut) p->over |= WT_OVER_NODES;
    return tree;
}

void wt_parsed_end(wt_parser *p) {
    wt_list *pins = p->parsed ? &p->parsed->pins : &(wt_list){0};
    for (size_t i = 0; i < pins->n; i++)
        let_go(((kept **)pins->at)[i]);
    pins->n = 0;
}
