// What of a wiki stays in memory: mapped pages are let go, pages of templates are kept unpacked.
//
// The kernel never takes mapped pages away while memory is free, so a process that looks at a large
// index long enough has all of it mapped. A fault maps 4 KiB to 2 MiB, so faults alone say little:
// each thread counts its own between two leavings of a view, and when those of all threads are
// FAULTS the kernel is asked how much of files is mapped. What is let go stays in the page cache,
// and to map it again is a fault without the disk. Rejected: reading the index with pread into a
// cache of our own (a copy and a lock for each look-up), mincore (it tells of the page cache, not
// of this process), asking each time (microseconds).
//
// Kept pages are a table with one place for each hash: a newer page takes the place of an older
// one, and a hand evicts in a circle while there are too many bytes. Pages are copied in and out
// under a lock; few are asked for, and a copy is microseconds where unpacking a block is
// milliseconds.
//
//   I1  between two questions are FAULTS faults, and what one look-up maps; floor is what is mapped
//       beside a wiki (a model's weights), as it was after the last time
//   I2  n_bytes is the sum of the lengths in the table, and at most the limit

#include "os/cpu.h"
#include "wiki/view.h"

#include <stdlib.h>

enum { FAULTS = 16, MAPPED = 32 << 20, SHARE = 8 };

// --- Mapped pages ----------------------------------------------------------------------------

void wiki__trim(const wiki_view *v) {
    static _Thread_local uint64_t last;
    uint64_t now = os_thread_faults(), n = now - last;
    last = now;
    if (!n) return;
    wiki__mapped *m = v->mapped;
    if (atomic_fetch_add_explicit(&m->n_faults, n, memory_order_relaxed) + n < FAULTS) return;
    if (atomic_exchange(&m->n_faults, 0) < FAULTS) return;  // another thread was first
    uint64_t mapped = os_mapped_bytes(), floor = atomic_load(&m->floor);
    if (mapped < floor) atomic_store(&m->floor, mapped);
    if (mapped < floor + MAPPED) return;
    for (int i = 0; i < v->n; i++) {
        os_map_trim(&v->layer[i]->ix->file.map);
        os_map_trim(&v->layer[i]->source.file);
    }
    atomic_store(&m->floor, os_mapped_bytes());
}

// --- Kept pages ------------------------------------------------------------------------------

void wiki__kept_init(wiki__kept *k, size_t limit) {
    pthread_mutex_init(&k->lock, NULL);
    k->limit = limit;
}

static void evict(wiki__kept *k, wiki__kept_page *p) {
    k->count.bytes -= p->len;
    k->count.evicted++;
    free(p->bytes);
    *p = (wiki__kept_page){0};
}

void wiki__kept_close(wiki__kept *k) {
    for (size_t i = 0; i < WIKI__KEPT_SLOTS; i++)
        free(k->page[i].bytes);
    pthread_mutex_destroy(&k->lock);
}

static wiki__kept_page *place_of(wiki__kept *k, uint64_t off) {
    return &k->page[str_hash((str){(const char *)&off, sizeof off}, 0) % WIKI__KEPT_SLOTS];
}

bool wiki__kept_get(str *out, wiki__kept *k, uint64_t off, uint64_t len, arena *a) {
    pthread_mutex_lock(&k->lock);
    wiki__kept_page *p = place_of(k, off);
    bool is_kept = p->bytes && p->off == off && p->len == len;
    char *to = is_kept ? arena_try(a, len) : NULL;
    if (to) memcpy(to, p->bytes, len);
    if (is_kept)
        k->count.hits++;
    else
        k->count.misses++;
    pthread_mutex_unlock(&k->lock);
    *out = (str){to, len};
    return to != NULL;
}

void wiki__kept_put(wiki__kept *k, uint64_t off, str page) {
    if (!page.len || page.len > k->limit / SHARE) return;
    char *bytes = malloc(page.len);
    if (!bytes) return;
    memcpy(bytes, page.ptr, page.len);
    pthread_mutex_lock(&k->lock);
    wiki__kept_page *p = place_of(k, off);
    if (p->bytes) evict(k, p);
    while (k->count.bytes + page.len > k->limit) {  // I2
        wiki__kept_page *old = &k->page[k->hand++ % WIKI__KEPT_SLOTS];
        if (old->bytes) evict(k, old);
    }
    *p = (wiki__kept_page){off, page.len, bytes};
    k->count.bytes += page.len;
    pthread_mutex_unlock(&k->lock);
}

void wiki__kept_count(wiki_cache_counters *sum, wiki__kept *k) {
    pthread_mutex_lock(&k->lock);
    sum->hits += k->count.hits, sum->misses += k->count.misses;
    sum->bytes += k->count.bytes, sum->evicted += k->count.evicted;
    pthread_mutex_unlock(&k->lock);
}
