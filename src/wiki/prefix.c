// Titles that start with a prefix, in code-point order, as the original gave them.
//
// TITLES is in folded order, so the range of a prefix is decoded and the k smallest kept in a heap,
// the largest of them on top: most titles are dismissed by one comparison.
//
// Rejected: a second array of ranks in code-point order (4 bytes a page for one old route).
//
//   I1  an entry's head is the title's first bytes, zeros behind: where two heads differ they
//       decide, else the titles are decoded again (titles have no zero bytes; damaged ones sort
//       somehow)
//   I2  a heap has at most DEPTH_MAX entries, and no more than the scratch holds

#include "wiki/inside.h"

enum { HEAD = 28, DEPTH_MAX = 1 << 20 };

typedef struct entry {
    uint32_t rank;
    char head[HEAD];
} entry;

typedef struct heap {
    const wiki_index *ix;
    entry *e;
    size_t n, max;
} heap;

static entry entry_of(size_t rank, str title) {
    entry e = {.rank = (uint32_t)rank};
    memcpy(e.head, title.ptr, min_size(title.len, HEAD));
    return e;
}

static int compare(const heap *h, const entry *a, const entry *b) {
    int c = memcmp(a->head, b->head, HEAD);
    if (c) return c;
    char x[STORE_KEY_MAX], y[STORE_KEY_MAX];
    c = str_cmp(store_dict_get(&h->ix->titles, a->rank, x, NULL),
                store_dict_get(&h->ix->titles, b->rank, y, NULL));
    return c ? c : (a->rank > b->rank) - (a->rank < b->rank);
}

static void sift_down(heap *h, size_t n, size_t at) {
    entry moved = h->e[at];
    for (size_t kid; (kid = 2 * at + 1) < n; at = kid) {
        if (kid + 1 < n && compare(h, &h->e[kid + 1], &h->e[kid]) > 0) kid++;
        if (compare(h, &moved, &h->e[kid]) >= 0) break;
        h->e[at] = h->e[kid];
    }
    h->e[at] = moved;
}

static void add(heap *h, size_t rank, str title) {
    entry e = entry_of(rank, title);
    if (h->n < h->max) {
        h->e[h->n++] = e;
        if (h->n == h->max)
            for (size_t i = h->n / 2; i-- > 0;)
                sift_down(h, h->n, i);
    } else if (h->max && compare(h, &e, &h->e[0]) < 0) {
        h->e[0] = e;
        sift_down(h, h->n, 0);
    }
}

static void sort(heap *h) {
    if (h->n < h->max)
        for (size_t i = h->n / 2; i-- > 0;)
            sift_down(h, h->n, i);
    for (size_t n = h->n; n > 1; n--) {
        entry top = h->e[0];
        h->e[0] = h->e[n - 1], h->e[n - 1] = top;
        sift_down(h, n - 1, 0);
    }
}

// Decodes the range; returns how many titles match.
static size_t scan(heap *h, size_t lo, size_t hi, str prefix, bool is_exact) {
    store_dict_cursor c;
    store_dict_seek(&c, &h->ix->titles, lo);
    size_t total = 0;
    str title;
    for (size_t i = lo; i < hi && store_dict_next(&title, NULL, &c); i++) {
        if (is_exact && !str_starts(title, prefix)) continue;
        total++;
        add(h, i, title);
    }
    return total;
}

size_t wiki_index_prefix(int64_t *ranks, size_t max, size_t skip, size_t *total,
                         const wiki_index *ix, str prefix, arena scratch) {
    *total = 0;
    if (prefix.len > WIKI__LINK_MAX) return 0;
    int64_t lo, hi;
    str s = wiki__clean_prefix(prefix, &scratch);
    bool is_exact = wiki__has_upper(s);
    wiki_index_range(&lo, &hi, ix, prefix, scratch);
    *total = (size_t)(hi - lo);
    bool is_deep = skip >= DEPTH_MAX || skip >= *total || !max;
    heap h = {.ix = ix,
              .max = is_deep ? 0 : min_size(*total, skip + min_size(max, DEPTH_MAX - skip))};
    h.e = h.max ? arena_try_array(&scratch, h.max, sizeof *h.e) : NULL;
    if (!h.e) h.max = 0;
    if (h.max || is_exact) *total = scan(&h, (size_t)lo, (size_t)hi, s, is_exact);
    sort(&h);
    size_t n = h.n > skip ? h.n - skip : 0;
    for (size_t i = 0; i < n; i++)
        ranks[i] = h.e[skip + i].rank;
    return n;
}
