// Merging: of all neighbours that a merge joins, the earliest merge first, then the leftmost place.
//
// A part is named by the place of its first byte, and a place's key is its merge, shifted, and the
// place, so that the least key is the next merge. Keys lie in blocks of 16 with the least of each
// block beside them, and the least of 16 of those above: a merge changes three keys, and finding
// the next one looks at one block on each floor. Up to 256 bytes two floors on the stack do. Above,
// three floors hold 4,096 places, and three more 4,096 such fields, which is all a text may have.
// Rejected: a heap (half the speed on runs of one letter, twice the memory).
//
//   I1  next[i] is where the part after i starts; n at the end
//   I2  key[i] is NO_KEY or tells the merge of part i with the next one, as it stands now
//   I3  each key above the ground floor is the least of its block; what lies behind is NO_KEY

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

// Floor f has a key for 16 of floor f - 1. In `place` keys are merge << 12 | place in its field, in
// `field` merge << 12 | field.
enum { FLOORS = 3, FIELD_BITS = 12, FIELD = 1 << FIELD_BITS };
_Static_assert(BPE_TEXT_MAX <= FIELD << FIELD_BITS, "every field has its number");

typedef struct tower {
    int32_t *floor[FLOORS];
} tower;

typedef struct land {
    const bpe *b;
    size_t n, n_fields;
    uint32_t *next, *prev, *id;
    tower place, field;
} land;

static bool tower_open(tower *t, size_t n, arena *a) {
    for (size_t f = 0; f < FLOORS; f++) {
        size_t room = align_up(n, BLOCK);
        t->floor[f] = arena_try_array(a, room, sizeof *t->floor[f]);
        if (!t->floor[f]) return false;
        for (size_t i = 0; i < room; i++)
            t->floor[f][i] = NO_KEY;
        n = room / BLOCK;
    }
    return true;
}

// Sets a key of the ground floor and what follows from it.
static void tower_set(const tower *t, size_t i, int32_t key) {
    t->floor[0][i] = key;
    for (size_t f = 1; f < FLOORS; f++) {
        int32_t least = min_block(t->floor[f - 1] + (i & ~(size_t)(BLOCK - 1)));
        i /= BLOCK;
        if (t->floor[f][i] == least) return;
        t->floor[f][i] = least;
    }
}

static int32_t least_of_field(const land *l, size_t field) {
    return min_block(l->place.floor[FLOORS - 1] + field * BLOCK);
}

static void set_field(const land *l, size_t field) {
    int32_t least = least_of_field(l, field);
    if (l->n_fields == 1) return;  // nobody asks
    if (least != NO_KEY) least = (int32_t)(((uint32_t)least & ~(FIELD - 1u)) | (uint32_t)field);
    if (l->field.floor[0][field] != least) tower_set(&l->field, field, least);
}

// Looks the pair at `i` up again.
static void set_pair(const land *l, size_t i) {
    uint32_t j = l->next[i];
    uint32_t m = j == l->n ? BPE__NONE : bpe__pair(l->b, l->id[i], l->id[j]);
    tower_set(&l->place, i,
              m == BPE__NONE ? NO_KEY : (int32_t)(m << FIELD_BITS | (i & (FIELD - 1))));
}

static void join_far(land *l, size_t i, uint32_t m) {
    size_t gone = l->next[i], before = i ? l->prev[i] : i;
    l->id[i] = bpe__merged(l->b, m);
    l->next[i] = l->next[gone];
    if (l->next[i] < l->n) l->prev[l->next[i]] = (uint32_t)i;
    tower_set(&l->place, gone, NO_KEY);
    set_pair(l, i);
    if (before != i) set_pair(l, before);
    size_t last = gone >> FIELD_BITS, at = i >> FIELD_BITS, first = before >> FIELD_BITS;
    set_field(l, at);
    if (last != at) set_field(l, last);
    if (first != at) set_field(l, first);
}

static bool land_open(land *l, const bpe *b, str piece, arena *a) {
    size_t n = piece.len;
    *l = (land){.b = b, .n = n, .n_fields = (n + FIELD - 1) / FIELD};
    l->next = arena_try_array(a, n, sizeof *l->next);
    l->prev = arena_try_array(a, n, sizeof *l->prev);
    l->id = arena_try_array(a, n, sizeof *l->id);
    if (!l->next || !l->prev || !l->id || !tower_open(&l->place, n, a) ||
        !tower_open(&l->field, l->n_fields, a))
        return false;
    for (uint32_t i = 0; i < n; i++) {
        l->next[i] = i + 1, l->prev[i] = i - 1;
        l->id[i] = b->byte_id[(unsigned char)piece.ptr[i]];
    }
    for (size_t i = 0; i < n; i++)
        set_pair(l, i);
    for (size_t i = 0; i < l->n_fields; i++)
        set_field(l, i);
    return true;
}

// The place of the next merge, which is *m; false when there is none.
static bool next_merge(size_t *i, uint32_t *m, const land *l) {
    size_t field = 0;
    if (l->n_fields > 1) {
        int32_t least = min_block(l->field.floor[FLOORS - 1]);
        field = (uint32_t)least & (FIELD - 1);
        if (least == NO_KEY) return false;
    }
    int32_t key = least_of_field(l, field);
    *i = field << FIELD_BITS | ((uint32_t)key & (FIELD - 1));
    *m = (uint32_t)key >> FIELD_BITS;
    return key != NO_KEY;
}

status bpe__merge_long(int32_t *out, size_t *n_out, const bpe *b, str piece, arena scratch,
                       err *e) {
    land l;
    uint32_t m;
    size_t got = 0;
    if (!land_open(&l, b, piece, &scratch))
        return err_set(e, E_LIMIT, "no room to tokenize a word of %zu bytes", piece.len);
    for (size_t i; next_merge(&i, &m, &l);)
        join_far(&l, i, m);
    for (size_t i = 0; i < l.n; i = l.next[i])
        out[got++] = (int32_t)l.id[i];
    *n_out = got;
    return OK;
}
