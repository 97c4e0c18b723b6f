// Unpacked blocks, sharded so that readers of different blocks do not meet; CLOCK within a shard.
//
// Rejected: exact LRU (a write per hit, under the lock), one lock (unpacking is rare, hits are
// not).
//
//   I1  one slot per block: who finds it loading waits, who finds none loads
//   I2  only READY slots without pins are evicted; LOADING ones are pinned by their loader
//   I3  a shard holds more than its limit only while all that is over it is pinned

#include "wiki/block_cache.h"
#include "wiki/bz2.h"

#include <pthread.h>
#include <stdlib.h>

enum { SHARDS_MAX = 8, SHARD_BYTES = 4 << 20, SLOT_BYTES = 4096, ROOM_EXTRA = 16 };

typedef struct slot {
    size_t block, len;
    uint32_t pins;
    bool is_ready, was_used;
    uint8_t text[];
} slot;

typedef struct shard {
    pthread_mutex_t lock;
    pthread_cond_t loaded;
    slot **slots;
    size_t n, cap, hand, bytes;
    wiki_cache_counters seen;
} shard;

struct wiki_block_cache {
    str file;
    const wiki_block *blocks;
    size_t n_shards, shard_limit;
    shard shards[SHARDS_MAX];
};

static shard *shard_of(wiki_block_cache *c, size_t block) {
    return &c->shards[block % c->n_shards];
}

static slot *find(const shard *h, size_t block) {
    for (size_t i = 0; i < h->n; i++)
        if (h->slots[i]->block == block) return h->slots[i];
    return NULL;
}

static void drop_at(shard *h, size_t i) {
    h->bytes -= h->slots[i]->len + SLOT_BYTES;
    free(h->slots[i]);
    h->slots[i] = h->slots[--h->n];
}

static void drop(shard *h, const slot *s) {
    for (size_t i = 0; i < h->n; i++)
        if (h->slots[i] == s) {
            drop_at(h, i);
            return;
        }
}

// Two rounds: the first takes the marks away. I2, I3
static void evict(shard *h, size_t limit) {
    for (size_t left = 2 * h->n; left && h->bytes > limit; left--) {
        if (h->hand >= h->n) h->hand = 0;
        slot *s = h->slots[h->hand];
        if (s->pins || s->was_used) {
            s->was_used = false;
            h->hand++;
            continue;
        }
        drop_at(h, h->hand);
        h->seen.evicted++;
    }
}

static bool grow(shard *h) {
    if (h->n < h->cap) return true;
    size_t cap = h->cap ? 2 * h->cap : 16;
    slot **p = reallocarray(h->slots, cap, sizeof(slot *));
    if (!p) return false;
    h->slots = p;
    h->cap = cap;
    return true;
}

static slot *add(shard *h, size_t block, size_t len) {
    if (!grow(h)) return NULL;
    slot *s = malloc(sizeof *s + len + ROOM_EXTRA);
    if (!s) return NULL;
    *s = (slot){.block = block, .len = len, .pins = 1};
    h->slots[h->n++] = s;
    h->bytes += len + SLOT_BYTES;
    return s;
}

static status load(slot *s, const wiki_block_cache *c, err *e) {
    const wiki_block *b = &c->blocks[s->block];
    arena work;
    TRY(wiki__bz2_work_open(&work, e));
    size_t len = s->len + ROOM_EXTRA;
    uint64_t end;
    status got = wiki__bz2_unpack(&len, &end, s->text, c->file, b->bit, &work, e);
    arena_close(&work);
    if (got) return got;
    if (len == s->len && end <= b[1].bit) return OK;
    return err_set(e, E_FORMAT, "byte %llu: a bzip2 block of another length than the index says",
                   (unsigned long long)(b->bit / 8));
}

// With the lock held, which is let go while unpacking.
static status load_new(slot **out, wiki_block_cache *c, shard *h, size_t block, err *e) {
    size_t len = (size_t)(c->blocks[block + 1].raw - c->blocks[block].raw);
    slot *s = *out = add(h, block, len);
    if (!s) return err_set(e, E_MEMORY, "no memory for a block of %zu bytes", len);
    h->seen.misses++;
    evict(h, c->shard_limit);
    pthread_mutex_unlock(&h->lock);
    status got = load(s, c, e);
    pthread_mutex_lock(&h->lock);
    s->is_ready = !got;
    if (got) drop(h, s);
    pthread_cond_broadcast(&h->loaded);
    return got;
}

static slot *find_ready(shard *h, size_t block) {
    for (;;) {
        slot *s = find(h, block);
        if (!s || s->is_ready) return s;
        pthread_cond_wait(&h->loaded, &h->lock);
    }
}

status wiki__cache_pin(wiki__pin *out, wiki_block_cache *c, size_t block, err *e) {
    shard *h = shard_of(c, block);
    status got = OK;
    pthread_mutex_lock(&h->lock);
    slot *s = find_ready(h, block);
    if (s) {
        s->pins++;
        s->was_used = true;
        h->seen.hits++;
    } else {
        got = load_new(&s, c, h, block, e);
    }
    if (!got) *out = (wiki__pin){{(const char *)s->text, s->len}, s, block};
    pthread_mutex_unlock(&h->lock);
    return got;
}

void wiki__cache_release(wiki_block_cache *c, wiki__pin *p) {
    shard *h = shard_of(c, p->block);
    pthread_mutex_lock(&h->lock);
    ((slot *)p->slot)->pins--;
    evict(h, c->shard_limit);
    pthread_mutex_unlock(&h->lock);
}

bool wiki__cache_has(wiki_block_cache *c, size_t block) {
    shard *h = shard_of(c, block);
    pthread_mutex_lock(&h->lock);
    const slot *s = find(h, block);
    bool has = s && s->is_ready;
    pthread_mutex_unlock(&h->lock);
    return has;
}

void wiki__cache_counters(wiki_cache_counters *out, wiki_block_cache *c) {
    *out = (wiki_cache_counters){0};
    for (size_t i = 0; i < c->n_shards; i++) {
        shard *h = &c->shards[i];
        pthread_mutex_lock(&h->lock);
        out->hits += h->seen.hits;
        out->misses += h->seen.misses;
        out->evicted += h->seen.evicted;
        out->bytes += h->bytes;
        pthread_mutex_unlock(&h->lock);
    }
}

status wiki__cache_open(wiki_block_cache **out, str file, const wiki_block *blocks, size_t bytes,
                        err *e) {
    wiki_block_cache *c = *out = calloc(1, sizeof *c);
    if (!c) return err_set(e, E_MEMORY, "no memory for a cache");
    c->file = file;
    c->blocks = blocks;
    c->n_shards = max_size(1, min_size(SHARDS_MAX, bytes / SHARD_BYTES));
    c->shard_limit = bytes / c->n_shards;
    for (size_t i = 0; i < c->n_shards; i++) {
        pthread_mutex_init(&c->shards[i].lock, NULL);
        pthread_cond_init(&c->shards[i].loaded, NULL);
    }
    return OK;
}

void wiki__cache_close(wiki_block_cache *c) {
    if (!c) return;
    for (size_t i = 0; i < c->n_shards; i++) {
        shard *h = &c->shards[i];
        while (h->n)
            drop_at(h, h->n - 1);
        free(h->slots);
        pthread_cond_destroy(&h->loaded);
        pthread_mutex_destroy(&h->lock);
    }
    free(c);
}
