// Merging: of all neighbours that a merge joins, the earliest merge first, then the leftmost place.
//
// A part is named by the place of its first symbol, and a place's key is its merge, shifted, and
// the place, so that the least key is the next merge. Keys lie in blocks of 16 with the least of
// each block beside them, and the least of 16 of those above: a merge changes three keys, and
// finding the next one looks at one block on each floor. Up to 256 symbols two floors on the stack
// do; above, as many floors as it takes, of keys of 64 bits.
// Rejected: a heap (half the speed on runs of one letter, twice the memory).
//
//   I1  next[i] is where the part after i starts; n at the end
//   I2  key[i] is NO_KEY or tells the merge of part i with the next one, as it stands now
//   I3  each key above the ground floor is the least of its block; what lies behind is NO_KEY

#include "text/table.h"

enum { BLOCK = 16 };
#define NO_KEY      INT32_MAX
#define NO_LONG_KEY INT64_MAX

typedef struct board {
    _Alignas(64) int32_t key[BPE__SHORT];
    _Alignas(64) int32_t least[BLOCK];
    uint32_t id[BPE__SHORT];
    uint16_t next[BPE__SHORT + 1], prev[BPE__SHORT + 1];
    size_t n;
} board;
_Static_assert(BPE__INDEX_BITS + 8 < 31, "a merge and a place fit a key");

typedef int32_t quad __attribute__((vector_size(16)));

static inline quad min_quad(quad a, quad b) {
    quad less = a < b;
    return (a & less) | (b & ~less);
}

static inline int32_t min_block(const int32_t *k) {
    const quad *q = (const quad *)(const void *)k;
    quad m = min_quad(min_quad(q[0], q[1]), min_quad(q[2], q[3]));
    int32_t a = m[0] < m[1] ? m[0] : m[1], b = m[2] < m[3] ? m[2] : m[3];
    return a < b ? a : b;
}

static int32_t key_at(const board *d, const bpe *b, size_t i) {
    size_t j = d->next[i];
    if (j == d->n) return NO_KEY;
    uint32_t m = bpe__pair(b, d->id[i], d->id[j]);
    return m == BPE__NONE ? NO_KEY : (int32_t)(m << 8 | (uint32_t)i);
}

static void board_init(board *d, const bpe *b, const int32_t *ids, size_t n) {
    size_t end = align_up(n, BLOCK);
    d->n = n;
    for (size_t i = 0; i < n; i++) {
        d->id[i] = (uint32_t)ids[i];
        d->next[i] = (uint16_t)(i + 1);
        d->prev[i] = (uint16_t)(i - 1);
    }
    for (size_t i = 0; i < n; i++)
        d->key[i] = key_at(d, b, i);
    for (size_t i = n; i < end; i++)
        d->key[i] = NO_KEY;
    for (size_t k = 0; k < BLOCK; k++)
        d->least[k] = k < end / BLOCK ? min_block(d->key + k * BLOCK) : NO_KEY;
}

// Joins part i with the next one by merge m. Returns the places whose keys have changed.
static void join(board *d, const bpe *b, size_t i, uint32_t m, size_t changed[3]) {
    size_t gone = d->next[i], before = i ? d->prev[i] : i;
    d->id[i] = bpe__merged(b, m);
    d->next[i] = d->next[gone];
    d->prev[d->next[i]] = (uint16_t)i;
    d->key[gone] = NO_KEY;
    d->key[i] = key_at(d, b, i);
    if (before != i) d->key[before] = key_at(d, b, before);
    changed[0] = before, changed[1] = i, changed[2] = gone;
}

static size_t merge_short(int32_t *ids, size_t n_ids, const bpe *b) {
    board d;
    size_t changed[3], n = 0;
    board_init(&d, b, ids, n_ids);
    if (d.n <= BLOCK)
        for (int32_t k; (k = min_block(d.key)) != NO_KEY;)
            join(&d, b, (size_t)k & 255, (uint32_t)k >> 8, changed);
    else
        for (int32_t k; (k = min_block(d.least)) != NO_KEY;) {
            join(&d, b, (size_t)k & 255, (uint32_t)k >> 8, changed);
            for (size_t c = 0; c < 3; c++) {
                size_t block = changed[c] / BLOCK;
                d.least[block] = min_block(d.key + block * BLOCK);
            }
        }
    for (size_t i = 0; i < d.n; i = d.next[i])
        ids[n++] = (int32_t)d.id[i];
    return n;
}

// --- Long pieces --------------------------------------------------------------------------------

// Floor f has a key for 16 of floor f - 1; the last one has a single block.
enum { FLOORS_MAX = 8, PLACE_BITS = 32 };

typedef struct tower {
    const bpe *b;
    size_t n, n_floors;
    uint32_t *next, *prev, *id;
    int64_t *floor[FLOORS_MAX];
} tower;

static inline int64_t min_long_block(const int64_t *k) {
    int64_t m = k[0];
    for (size_t i = 1; i < BLOCK; i++)
        m = k[i] < m ? k[i] : m;
    return m;
}

static bool open_floors(tower *t, arena *a) {
    for (size_t n = t->n;;) {
        size_t room = align_up(n, BLOCK);
        int64_t *keys = arena_try_array(a, room, sizeof *keys);
        if (!keys || t->n_floors == FLOORS_MAX) return false;
        for (size_t i = 0; i < room; i++)
            keys[i] = NO_LONG_KEY;
        t->floor[t->n_floors++] = keys;
        if (room == BLOCK) return true;
        n = room / BLOCK;
    }
}

// Sets a key of the ground floor and what follows from it.
static void set_key(const tower *t, size_t i, int64_t key) {
    t->floor[0][i] = key;
    for (size_t f = 1; f < t->n_floors; f++) {
        int64_t least = min_long_block(t->floor[f - 1] + (i & ~(size_t)(BLOCK - 1)));
        i /= BLOCK;
        if (t->floor[f][i] == least) return;
        t->floor[f][i] = least;
    }
}

// Looks the pair at `i` up again.
static void set_pair(const tower *t, size_t i) {
    uint32_t j = t->next[i];
    uint32_t m = j == t->n ? BPE__NONE : bpe__pair(t->b, t->id[i], t->id[j]);
    set_key(t, i, m == BPE__NONE ? NO_LONG_KEY : (int64_t)m << PLACE_BITS | (int64_t)i);
}

static void join_far(tower *t, size_t i, uint32_t m) {
    size_t gone = t->next[i], before = i ? t->prev[i] : i;
    t->id[i] = bpe__merged(t->b, m);
    t->next[i] = t->next[gone];
    if (t->next[i] < t->n) t->prev[t->next[i]] = (uint32_t)i;
    set_key(t, gone, NO_LONG_KEY);
    set_pair(t, i);
    if (before != i) set_pair(t, before);
}

static bool tower_open(tower *t, const bpe *b, const int32_t *ids, size_t n, arena *a) {
    *t = (tower){.b = b, .n = n};
    t->next = arena_try_array(a, n, sizeof *t->next);
    t->prev = arena_try_array(a, n, sizeof *t->prev);
    t->id = arena_try_array(a, n, sizeof *t->id);
    if (!t->next || !t->prev || !t->id || !open_floors(t, a)) return false;
    for (uint32_t i = 0; i < n; i++) {
        t->next[i] = i + 1, t->prev[i] = i - 1;
        t->id[i] = (uint32_t)ids[i];
    }
    for (size_t i = 0; i < n; i++)
        set_pair(t, i);
    return true;
}

static status merge_long(int32_t *ids, size_t *n, const bpe *b, arena scratch, err *e) {
    tower t;
    size_t got = 0;
    if (*n >= UINT32_MAX || !tower_open(&t, b, ids, *n, &scratch))
        return err_set(e, E_LIMIT, "no room to tokenize a word of %zu bytes", *n);
    for (int64_t k; (k = min_long_block(t.floor[t.n_floors - 1])) != NO_LONG_KEY;)
        join_far(&t, (size_t)k & UINT32_MAX, (uint32_t)(k >> PLACE_BITS));
    for (size_t i = 0; i < t.n; i = t.next[i])
        ids[got++] = (int32_t)t.id[i];
    *n = got;
    return OK;
}

status bpe__merge_all(int32_t *ids, size_t *n, const bpe *b, arena scratch, err *e) {
    if (*n < 2) return OK;
    if (*n > BPE__SHORT) return merge_long(ids, n, b, scratch, e);
    *n = merge_short(ids, *n, b);
    return OK;
}
