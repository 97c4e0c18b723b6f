// Near keys: edit distance along the sorted order.
//
// The matrix of distances between the prefixes of a key and of the question has a row per code
// point of the key; keys in a row share most of their folded prefix, and so the rows. When a row
// says that nothing behind it can be near, the least string beyond it that still can be is worked
// out from the rows, and the cursor leaps to the block where it would stand: first by the heads of
// blocks alone.
//
// Rejected: a Levenshtein automaton (the same rows, tabulated: tables for two edits and swaps are
// larger than this file); leaping to the next sibling (ten times the blocks: nearly all siblings of
// a dead prefix are dead); n-gram lists (an index of its own).
//
//   I1  row i is of the first i code points of the key at hand; rows up to `n_rows` are filled,
//       each in the band of |i - j| <= distance and one cell (FAR) to either side
//   I2  keys come in the order of their folds, so keys with one folded prefix stand side by side
//   I3  a leap never passes a near key and always leaves the block at hand

#include "store/dict.h"

#include "base/utf8.h"
#include "os/clock.h"
#include "store/fold.h"
#include "store/symbols.h"

enum {
    DISTANCE_MAX = 2,
    ROWS = STORE_NEAR_MAX + DISTANCE_MAX + 2,
    CELLS = STORE_NEAR_MAX + DISTANCE_MAX + 3,  // the band may end so far behind the last one
    FAR = 99,
    BAD_CP = 0x110000,  // and up: malformed bytes, each a code point of its own
    OTHER_CP = -1,      // one that is not in the question
    LATE_EVERY = 16,    // blocks between two looks at the clock
};

typedef struct near {
    store_near_query q;
    int32_t want[STORE_NEAR_MAX];
    size_t n_want;
    bool has_bad;       // malformed bytes in the question
    int32_t key[ROWS];  // code points of the rows
    size_t ends[ROWS];  // bytes of the folded key up to each row
    uint8_t row[ROWS][CELLS];
    uint8_t best[ROWS];  // least distance of a prefix so far
    size_t n_rows;       // filled, beyond row 0
    bool is_dead;        // nothing new behind the last row
    str folded;          // of the key at hand, in one of:
    char room[2][STORE_KEY_MAX * STORE_FOLD_GROWTH];
} near;

// The next code point; a malformed byte counts as one of its own.
static int32_t next_cp(str *s) {
    int32_t cp = (uint8_t)s->ptr[0];
    size_t n = cp < 0x80 ? 1 : utf8_decode(&cp, *s);
    if (cp == UTF8_BAD) cp = BAD_CP + (uint8_t)s->ptr[0], n = 1;
    *s = str_skip(*s, n);
    return cp;
}

static uint8_t least(unsigned a, unsigned b) {
    return (uint8_t)(a < b ? a : b);
}

static uint8_t cell(const near *m, const uint8_t *row, size_t i, size_t j, int32_t cp) {
    const uint8_t *up = m->row[i - 1];
    uint8_t d = least(up[j] + 1u, row[j - 1] + 1u);
    d = least(d, up[j - 1] + (cp != m->want[j - 1]));
    if (i > 1 && j > 1 && cp == m->want[j - 2] && m->want[j - 1] == m->key[i - 1])
        d = least(d, m->row[i - 2][j - 2] + 1u);
    return d;
}

// Row i, if code point i were cp; returns the least of it.
static unsigned make_row(uint8_t *row, const near *m, size_t i, int32_t cp) {
    size_t k = m->q.distance, lo = i > k ? i - k : 0, hi = min_size(i + k, m->n_want);
    bool differs = i <= m->q.n_same && (i > m->n_want || cp != m->want[i - 1]);
    if (lo > hi || differs) return FAR;
    unsigned all = FAR;
    if (lo) row[lo - 1] = FAR;
    for (size_t j = lo; j <= hi; j++) {
        row[j] = j ? cell(m, row, i, j, cp) : (uint8_t)i;
        all = least(all, row[j]);
    }
    row[hi + 1] = FAR;
    return all;
}

// The distance of the first i code points to the whole question, when it is in row i's band.
static unsigned last_cell(const near *m, size_t i) {
    bool is_in = m->n_want <= i + m->q.distance && i <= m->n_want + m->q.distance;
    return is_in && i >= m->q.n_same ? m->row[i][m->n_want] : FAR;
}

static void add_row(near *m, int32_t cp, size_t end) {
    size_t i = ++m->n_rows;
    m->key[i] = cp;
    m->ends[i] = end;
    m->is_dead = make_row(m->row[i], m, i, cp) > m->q.distance;
    m->best[i] = m->is_dead ? m->best[i - 1] : least(m->best[i - 1], last_cell(m, i));
}

// Takes a folded key's rows as far as they matter. The first `same` bytes are the last key's.
static void measure(near *m, str folded, size_t same) {
    if (m->is_dead && m->ends[m->n_rows] <= same) return;
    while (m->n_rows && m->ends[m->n_rows] > same)
        m->n_rows--;
    m->is_dead = false;
    str rest = str_skip(folded, m->ends[m->n_rows]);
    while (rest.len && !m->is_dead) {
        int32_t cp = next_cp(&rest);
        add_row(m, cp, folded.len - rest.len);
    }
}

static unsigned found(const near *m) {
    if (m->q.is_prefix) return m->best[m->n_rows];
    return m->is_dead ? FAR : last_cell(m, m->n_rows);
}

static size_t shared(str a, str b) {
    size_t n = 0, max = min_size(a.len, b.len);
    while (n < max && a.ptr[n] == b.ptr[n])
        n++;
    return n;
}

// --- Leaps -----------------------------------------------------------------------------------

static bool may_live(const near *m, size_t i, int32_t cp) {
    uint8_t row[CELLS];
    return make_row(row, m, i, cp) <= m->q.distance;
}

// The least code point above that of row i with which row i would live; OTHER_CP for none.
static int32_t next_living(const near *m, size_t i) {
    size_t k = m->q.distance, lo = i > k + 1 ? i - k - 1 : 0, hi = min_size(i + k, m->n_want);
    int32_t next = OTHER_CP;
    for (size_t j = lo; j < hi; j++) {
        int32_t cp = m->want[j];
        if (cp > m->key[i] && (next == OTHER_CP || cp < next) && may_live(m, i, cp)) next = cp;
    }
    return next;
}

// The least string above all that start with s; empty when there is none.
static str above(char *to, str s) {
    while (s.len && (uint8_t)s.ptr[s.len - 1] == 0xFF)
        s.len--;
    if (!s.len) return s;
    memcpy(to, s.ptr, s.len);
    to[s.len - 1]++;
    return (str){to, s.len};
}

// The least string beyond the dead row that may start near keys; empty when there is none.
static str next_start(char *to, const near *m) {
    for (size_t i = m->n_rows; i; i--) {
        bool is_any = m->has_bad || m->key[i] >= BAD_CP || may_live(m, i, OTHER_CP);
        if (is_any) return above(to, str_first(m->folded, m->ends[i]));
        int32_t cp = next_living(m, i);
        if (cp == OTHER_CP) continue;
        memcpy(to, m->folded.ptr, m->ends[i - 1]);
        return (str){to, m->ends[i - 1] + utf8_encode(to + m->ends[i - 1], cp)};
    }
    return (str){to, 0};
}

// First block from `lo` on whose head is not below `head`; gallops, for leaps are mostly short.
static size_t block_of_head(const store_dict *d, size_t lo, store__head head) {
    size_t step = 1;
    while (lo + step <= d->n_blocks && store__head_at(d, lo + step - 1) < head)
        lo += step, step *= 2;
    while (step /= 2)
        if (lo + step <= d->n_blocks && store__head_at(d, lo + step - 1) < head) lo += step;
    return lo;
}

// Moves from the start of a block to where the next near key may be: there, or behind. I3
static void leap(store_dict_cursor *c, const near *m) {
    char to[sizeof m->room[0]];
    const store_dict *d = c->d;
    str start = next_start(to, m);
    size_t block = c->rank / STORE_DICT_BLOCK;
    if (!start.len) return store_dict_seek(c, d, d->n);
    size_t first = block_of_head(d, block, store__head_of(start));
    bool is_tied = first < d->n_blocks && start.len > sizeof(store__head) &&
                   store__head_at(d, first) == store__head_of(start);
    size_t rank = is_tied ? store_dict_bound(d, start) : first ? (first - 1) * STORE_DICT_BLOCK : 0;
    if (rank > c->rank) store_dict_seek(c, d, rank);
}

// --- The run over keys -------------------------------------------------------------------------

static bool near_init(near *m, const store_near_query *q) {
    m->q = *q;
    m->q.distance = least(q->distance, DISTANCE_MAX);
    m->n_want = m->n_rows = 0;
    m->is_dead = m->has_bad = false;
    m->folded = (str){m->room[0], 0};
    for (str rest = q->folded; rest.len; m->n_want++) {
        if (m->n_want == STORE_NEAR_MAX) return false;
        m->want[m->n_want] = next_cp(&rest);
        m->has_bad |= m->want[m->n_want] >= BAD_CP;
    }
    for (size_t j = 0; j < CELLS; j++)
        m->row[0][j] = (uint8_t)least((unsigned)j, FAR);
    m->ends[0] = 0;
    m->best[0] = (uint8_t)last_cell(m, 0);
    return true;
}

static unsigned next_distance(near *m, str key) {
    char *room = m->folded.ptr == m->room[0] ? m->room[1] : m->room[0];
    str f = {room, store_fold(room, key)};
    measure(m, f, shared(f, m->folded));
    m->folded = f;
    return found(m);
}

// Before a block: whether to go on.
static bool may_read_block(store_dict_cursor *c, const near *m, size_t n_read) {
    bool is_hopeless = m->is_dead && found(m) > m->q.distance;
    if (is_hopeless) leap(c, m);
    if (n_read >= m->q.budget) return false;
    return !m->q.deadline_ns || n_read % LATE_EVERY || os_now_ns() < m->q.deadline_ns;
}

size_t store_dict_near(store_near *out, size_t max, bool *is_cut, const store_dict *d,
                       const store_near_query *q) {
    near m;
    store_dict_cursor c;
    size_t n = 0, n_read = 0, block = SIZE_MAX;
    *is_cut = false;
    if (!near_init(&m, q)) return 0;
    store_dict_seek(&c, d, 0);
    for (str key; c.rank < d->n;) {
        if (c.rank / STORE_DICT_BLOCK != block) {
            bool may = may_read_block(&c, &m, n_read++);
            if (c.rank >= d->n) break;
            if (!may) return *is_cut = true, n;
            block = c.rank / STORE_DICT_BLOCK;
        }
        if (!store_dict_next(&key, NULL, &c)) break;
        unsigned got = next_distance(&m, key);
        if (got > m.q.distance) continue;
        if (n == max) return *is_cut = true, n;
        out[n++] = (store_near){(uint32_t)(c.rank - 1), got};
    }
    return n;
}
