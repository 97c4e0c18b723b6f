// Ranked suggestions: the best titles of a range of ranks, best-first over maxima of scores.
//
// BEST holds one byte per block of titles, its highest score; then one per 16 of those, and so on
// to a single one. A prefix is a range of ranks, so its best titles are found as in a tournament: a
// heap holds nodes and titles by their highest possible score, the top node is replaced by what
// lies below it, and the top title is the next best. For any prefix that is a few blocks of 20
// million titles.
//
// Rejected: a list of the best ten stored for each short prefix (no filter, no paging, as large as
// the tree and useless for longer prefixes); sorting the range (the 4 ms that the original took).
//
//   I1  a heap key orders by (score, first rank, nodes before titles), so a title on top is the
//       best that is left, and of equal scores the first in the order of titles
//   I2  at most POPS_MAX nodes are opened, the same ones each time: the work is bounded, and the
//       answer depends on the index and the question alone
//   I3  a redirect that scores as its target, the target being in the same group, gives it its
//       place

#include "wiki/inside.h"

enum { FAN = 16, LEVELS_MAX = 9, POPS_MAX = 400 };

// --- The section -----------------------------------------------------------------------------

status wiki__best_write(store_sink out, const uint8_t *block_max, size_t n_blocks, err *e) {
    TRY(out.put(out.arg, block_max, n_blocks, e));
    if (n_blocks <= 1) return OK;
    arena mem;
    size_t n = (n_blocks + FAN - 1) / FAN;
    TRY(arena_open(&mem, n + 4096, e));
    uint8_t *upper = arena_alloc(&mem, n);
    for (size_t i = 0; i < n_blocks; i++)
        if (block_max[i] > upper[i / FAN]) upper[i / FAN] = block_max[i];
    status s = wiki__best_write(out, upper, n, e);
    arena_close(&mem);
    return s;
}

// Where each level starts; returns how many levels there are.
static unsigned levels_of(size_t at[LEVELS_MAX + 1], size_t n_blocks) {
    unsigned n_levels = 0;
    at[0] = 0;
    for (size_t n = n_blocks; n; n = n > 1 ? (n + FAN - 1) / FAN : 0) {
        if (n_levels == LEVELS_MAX) return 0;
        at[n_levels + 1] = at[n_levels] + n;
        n_levels++;
    }
    return n_levels;
}

bool wiki__best_check(str best, size_t n_blocks) {
    size_t at[LEVELS_MAX + 1];
    unsigned n = levels_of(at, n_blocks);
    return n_blocks ? n && best.len == at[n] : best.len == 0;
}

// --- The heap --------------------------------------------------------------------------------

// From the top: score 8, the complement of the rank 32, level + 1 (a title: 0) 4, redirect 1.
static uint64_t key_of(uint8_t score, size_t rank, unsigned level_1, bool is_redirect) {
    return (uint64_t)score << 40 | (uint64_t)(uint32_t) ~(uint32_t)rank << 8 |
           (uint64_t)level_1 << 1 | is_redirect;
}

typedef struct item {
    size_t rank;
    unsigned level_1;
    uint8_t score;
    bool is_redirect;
} item;

static item item_of(uint64_t key) {
    return (item){
        .rank = (uint32_t) ~(uint32_t)(key >> 8),
        .level_1 = key >> 1 & 15,
        .score = (uint8_t)(key >> 40),
        .is_redirect = key & 1,
    };
}

typedef struct search {
    const wiki_index *ix;
    size_t lo, hi;  // ranks that may be given
    int ns;         // index of the namespace; -1: any
    bool (*skips)(void *arg, int64_t rank);
    void *arg;
    size_t level_at[LEVELS_MAX + 1];
    unsigned n_levels;
    size_t n_pops, n_heap;
    uint64_t heap[POPS_MAX * STORE_DICT_BLOCK + STORE_DICT_BLOCK];
} search;

static void push(search *s, uint64_t key) {
    size_t at = s->n_heap++;
    for (; at && s->heap[(at - 1) / 2] < key; at = (at - 1) / 2)
        s->heap[at] = s->heap[(at - 1) / 2];
    s->heap[at] = key;
}

static uint64_t pop(search *s) {
    uint64_t top = s->heap[0], last = s->heap[--s->n_heap];
    size_t at = 0;
    for (size_t kid; (kid = 2 * at + 1) < s->n_heap; at = kid) {
        if (kid + 1 < s->n_heap && s->heap[kid + 1] > s->heap[kid]) kid++;
        if (last >= s->heap[kid]) break;
        s->heap[at] = s->heap[kid];
    }
    s->heap[at] = last;
    return top;
}

static size_t span_of(unsigned level) {
    return (size_t)STORE_DICT_BLOCK << 4 * level;
}

static void push_node(search *s, unsigned level, size_t node) {
    size_t first = node * span_of(level);
    uint8_t score = (uint8_t)s->ix->best.ptr[s->level_at[level] + node];
    push(s, key_of(score, max_size(first, s->lo), level + 1, false));
}

static bool admits(const search *s, wiki__payload p, size_t rank) {
    if (rank < s->lo || rank >= s->hi || (s->ns >= 0 && p.ns_index != s->ns)) return false;
    return !s->skips || !s->skips(s->arg, (int64_t)rank);
}

static void open_block(search *s, size_t block) {
    uint64_t payload[STORE_DICT_BLOCK];
    size_t first = block * STORE_DICT_BLOCK;
    size_t n = store_dict_payloads(payload, &s->ix->titles, block);
    for (size_t i = 0; i < n; i++) {
        wiki__payload p = wiki__payload_of(payload[i]);
        if (admits(s, p, first + i)) push(s, key_of(p.score, first + i, 0, p.is_redirect));
    }
}

static void open_node(search *s, item top) {
    unsigned level = top.level_1 - 1;
    size_t node = top.rank / span_of(level);
    if (!level) {
        open_block(s, node);
        return;
    }
    size_t n_below = s->level_at[level] - s->level_at[level - 1];
    size_t span = span_of(level - 1);
    size_t from = max_size(node * FAN, s->lo / span);
    size_t to = min_size(min_size((node + 1) * FAN, n_below), (s->hi - 1) / span + 1);
    for (size_t i = from; i < to; i++)
        push_node(s, level - 1, i);
}

// The smallest node over the whole range.
static void push_root(search *s) {
    if (s->lo >= s->hi || !s->n_levels) return;
    unsigned level = 0;
    while (level + 1 < s->n_levels && s->lo / span_of(level) != (s->hi - 1) / span_of(level))
        level++;
    push_node(s, level, s->lo / span_of(level));
}

// The next best title; false at the end.
static bool next_best(item *out, search *s) {
    while (s->n_heap) {
        *out = item_of(pop(s));
        if (!out->level_1) return true;
        if (s->n_pops++ >= POPS_MAX) return false;  // I2
        open_node(s, *out);
    }
    return false;
}

// --- One line for each article ------------------------------------------------------------------

typedef struct lines {
    wiki_suggestion *out;
    size_t n, max;
    int64_t article[WIKI_SUGGEST_MAX];  // what each line leads to
} lines;

static wiki__payload payload_at(const wiki_index *ix, size_t rank) {
    uint64_t payload[STORE_DICT_BLOCK] = {0};
    size_t n = store_dict_payloads(payload, &ix->titles, rank / STORE_DICT_BLOCK);
    return wiki__payload_of(rank % STORE_DICT_BLOCK < n ? payload[rank % STORE_DICT_BLOCK] : 0);
}

static void add_line(lines *to, const search *s, item t, bool is_exact) {
    int64_t article = t.is_redirect ? wiki_index_follow(s->ix, (int64_t)t.rank) : (int64_t)t.rank;
    if (article < 0) article = (int64_t)t.rank;
    for (size_t i = 0; i < to->n; i++)
        if (to->article[i] == article) return;
    if (t.is_redirect && article != (int64_t)t.rank) {  // I3
        wiki__payload p = payload_at(s->ix, (size_t)article);
        if (p.score == t.score && admits(s, p, (size_t)article)) t.rank = (size_t)article;
    }
    to->article[to->n] = article;
    to->out[to->n++] = (wiki_suggestion){(int64_t)t.rank, t.score, is_exact};
}

static void add_best(lines *to, search *s, size_t lo, size_t hi, bool is_exact) {
    s->lo = lo, s->hi = hi;
    s->n_heap = s->n_pops = 0;
    push_root(s);
    for (item t; to->n < to->max && next_best(&t, s);)
        add_line(to, s, t, is_exact);
}

// --- Suggestions -----------------------------------------------------------------------------

static int ns_index(const wiki_index *ix, int ns) {
    for (uint32_t i = 0; i < ix->facts->n_ns; i++)
        if (ix->facts->ns[i] == ns) return (int)i;
    return -1;
}

size_t wiki_index_suggest(wiki_suggestion *out, size_t max, int64_t *total, const wiki_index *ix,
                          str prefix, int ns, bool (*skips)(void *arg, int64_t rank), void *arg,
                          arena scratch) {
    search s;  // the heap is left as it is: it is large, and little of it is used
    s.ix = ix, s.skips = skips, s.arg = arg;
    s.ns = ns < 0 ? -1 : ns_index(ix, ns);
    s.n_levels = levels_of(s.level_at, ix->titles.n_blocks);
    *total = 0;
    if ((ns >= 0 && s.ns < 0) || prefix.len > WIKI__LINK_MAX) return 0;
    str folded = store_fold_in(wiki__clean_prefix(prefix, &scratch), &scratch);
    size_t lo, hi, exact_lo = 0, exact_hi = 0;
    store_dict_prefix(&lo, &hi, &ix->titles, folded);
    if (folded.len) store_dict_equal(&exact_lo, &exact_hi, &ix->titles, folded);
    exact_hi = exact_lo == lo && exact_hi >= lo ? min_size(exact_hi, hi) : lo;
    *total = (int64_t)(hi - lo);
    lines to = {.out = out, .max = min_size(max, WIKI_SUGGEST_MAX)};
    add_best(&to, &s, lo, exact_hi, true);
    add_best(&to, &s, exact_hi, hi, false);
    return to.n;
}
