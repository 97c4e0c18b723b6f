// Merging: of all neighbours that a merge joins, the earliest merge first, then the leftmost place.
//
// A part is named by the place of its first byte, and a place's key is merge << 8 | place, so that
// the least key is the next merge. Up to 256 bytes the keys lie in blocks of 16 with the least of
// each block beside them: a merge changes three keys, and finding the next one looks at two blocks.
// Above, a heap over the same linked list keeps a megabyte of one letter at n log n. Rejected: the
// heap for all (half the speed on Latgalian, where a third of the words are merged).
//
//   I1  next[i] is where the part after i starts; n at the end
//   I2  key[i] is NO_KEY or tells the merge of part i with the next one, as it stands now
//   I3  least[k] is the least key of block k; keys from n to the end of its block are NO_KEY

#include "text/table.h"

enum { BLOCK = 16 };
#define NO_KEY INT32_MAX

typedef struct board {
    _Alignas(64) int32_t key[BPE__SHORT];
    _Alignas(64) int32_t least[BLOCK];
    uint32_t id[BPE__SHORT];
    uint16_t next[BPE__SHORT + 1], prev[BPE__SHORT + 1];
    size_t n;
} board;

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

static void board_init(board *d, const bpe *b, str piece) {
    size_t n = piece.len, end = align_up(n, BLOCK);
    d->n = n;
    for (size_t i = 0; i < n; i++) {
        d->id[i] = b->byte_id[(unsigned char)piece.ptr[i]];
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

size_t bpe__merge_short(int32_t *out, const bpe *b, str piece) {
    board d;
    size_t changed[3], n = 0;
    board_init(&d, b, piece);
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
        out[n++] = (int32_t)d.id[i];
    return n;
}

// --- Long pieces --------------------------------------------------------------------------------

// Heap keys are merge << 32 | place; one is stale when the part's merge is another by now.
typedef struct chain {
    const bpe *b;
    size_t n;
    uint32_t *next, *prev, *id, *merge;
    uint64_t *heap;
    size_t n_heap;
} chain;

static void heap_push(chain *c, uint64_t key) {
    size_t i = c->n_heap++;
    for (; i && c->heap[(i - 1) / 2] > key; i = (i - 1) / 2)
        c->heap[i] = c->heap[(i - 1) / 2];
    c->heap[i] = key;
}

static uint64_t heap_pop(chain *c) {
    uint64_t least = c->heap[0], key = c->heap[--c->n_heap];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < c->n_heap; i = child) {
        if (child + 1 < c->n_heap && c->heap[child + 1] < c->heap[child]) child++;
        if (key <= c->heap[child]) break;
        c->heap[i] = c->heap[child];
    }
    c->heap[i] = key;
    return least;
}

// Looks the pair at `i` up again and queues it.
static void chain_pair(chain *c, uint32_t i) {
    uint32_t j = c->next[i];
    c->merge[i] = j == c->n ? BPE__NONE : bpe__pair(c->b, c->id[i], c->id[j]);
    if (c->merge[i] != BPE__NONE) heap_push(c, (uint64_t)c->merge[i] << 32 | i);
}

static void chain_join(chain *c, uint32_t i) {
    uint32_t gone = c->next[i], after = c->next[gone];
    c->id[i] = bpe__merged(c->b, c->merge[i]);
    c->merge[gone] = BPE__NONE;
    c->next[i] = after;
    if (after < c->n) c->prev[after] = i;
    chain_pair(c, i);
    if (i) chain_pair(c, c->prev[i]);
}

status bpe__merge_long(int32_t *out, size_t *n_out, const bpe *b, str piece, arena scratch,
                       err *e) {
    size_t n = piece.len;
    chain c = {.b = b, .n = n};
    c.next = arena_try_array(&scratch, n, sizeof *c.next);
    c.prev = arena_try_array(&scratch, n, sizeof *c.prev);
    c.id = arena_try_array(&scratch, n, sizeof *c.id);
    c.merge = arena_try_array(&scratch, n, sizeof *c.merge);
    c.heap = arena_try_array(&scratch, 2 * n, sizeof *c.heap);  // a join takes one, adds two
    if (!c.next || !c.prev || !c.id || !c.merge || !c.heap)
        return err_set(e, E_LIMIT, "no room to tokenize a word of %zu bytes", n);
    for (uint32_t i = 0; i < n; i++) {
        c.next[i] = i + 1, c.prev[i] = i - 1;
        c.id[i] = b->byte_id[(unsigned char)piece.ptr[i]];
    }
    for (uint32_t i = 0; i < n; i++)
        chain_pair(&c, i);
    while (c.n_heap) {
        uint64_t key = heap_pop(&c);
        if (c.merge[(uint32_t)key] == key >> 32) chain_join(&c, (uint32_t)key);
    }
    size_t got = 0;
    for (uint32_t i = 0; i < n; i = c.next[i])
        out[got++] = (int32_t)c.id[i];
    *n_out = got;
    return OK;
}
