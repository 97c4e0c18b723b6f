// Search by words: which titles have all the words of a query, the best of them first.
//
// Each word stands for lists of ranks: its own, or for the last word those of every word that
// starts with it. Titles that start with the query have all words and stand side by side, so they
// come first and without lists. For the others the shortest list is read and kept where the others
// agree; a long one only at the blocks of titles with the best scores, and the rest of it only as
// far as their maxima (section BEST) may still enter the result. Scores are read from the blocks'
// payloads; titles are decoded only where a list would take longer: for what a short prefix stands
// for. When no title has the words, further rounds allow words that are one, then two edits away.
//
// Rejected: scores in the lists (a byte a posting, two thirds more); a bitmap of all pages per
// query (2.5 MB to clear for 20 million); lists of blocks in place of ranks (half the size, but no
// count and no intersection without reading titles); asking the titles of the best blocks for the
// words (6 ms for two frequent words that do not meet).
//
//   I1  the heap's root is its worst entry; entries order by round, class, score, then rank
//   I2  a candidate is below the number of titles, whatever the lists say
//   I3  every loop over what a file says ends by the deadline or a named limit
//   I4  titles that are the query or start with it are offered by find_starts and nowhere else

#include "os/clock.h"
#include "wiki/inside.h"
#include "wiki/words.h"

#include <stdlib.h>

enum {
    TERMS_MAX = 32,
    LONG = 16 << 10,      // a list of so many is read where the best blocks are
    TIER_BLOCKS = 4096,   // these blocks
    READ_MAX = 1 << 20,   // postings read for one word
    TIER_MAX = 4096,      // titles in the best blocks that are looked at before the others
    REST_MAX = 64 << 10,  // of the others
    LISTS_MAX = 16384,    // words one prefix may stand for before it counts as a frequent word
    CURSORS_MAX = 16,     // lists of one word that are followed side by side
    SKIP_COST = 16,       // postings read in the time of one skip
    TITLE_COST = 256,     // and of one title
    KEEP_COST = 1 << 20,  // postings' time for one word; what takes more is left to the titles
    VISITS_MAX = 8192,    // blocks of titles visited per query
    DENSE_BLOCKS = 512,   // visited before the sparse way is tried
    NEAR_FOUND = 512,     // near words asked for
    NEAR_MAX = 24,        // of these kept
    ROUNDS = 3,           // edits: none, one, two
    RESULTS_MAX = 10000,  // however many are asked for
    LATE_EVERY = 256,     // steps between two looks at the clock
    NEAR_BLOCKS_MAX = 20000,
};

typedef struct term {
    str word;
    bool is_prefix;
    size_t lo, hi;            // words it stands for, as places in WORDS
    uint32_t near[NEAR_MAX];  // and these
    size_t n_near;
    uint64_t n;  // postings; UINT64_MAX for too many lists
} term;

typedef struct search {
    const wiki_index *ix;
    arena *mem;
    int64_t deadline;
    unsigned steps;
    bool is_late, is_short;  // out of time; out of memory or over a limit
    str folded;              // the query
    term terms[TERMS_MAX];
    size_t n_terms;
    size_t exact_lo, exact_hi, prefix_lo, prefix_hi;  // titles that are, or start with, the query
    unsigned round;
    uint64_t deferred;        // bit i: candidates are yet to be asked for term i
    size_t n_visits, n_seen;  // blocks; titles that had all
    uint64_t *heap;           // I1
    size_t n, max;
    size_t total;
} search;

typedef struct rank_set {  // ascending
    uint32_t *v;
    size_t n;
} rank_set;

static bool is_late(search *s) {
    if (++s->steps % LATE_EVERY == 0 && os_now_ns() >= s->deadline) s->is_late = true;
    return s->is_late;
}

// --- The best so far -------------------------------------------------------------------------

// Higher is better. `class`: 2 the query itself, 1 starts with it, 0 has its words.
static uint64_t key_of(const search *s, unsigned class, unsigned score, uint32_t rank) {
    return (uint64_t)(ROUNDS - s->round) << 48 | (uint64_t) class << 40 | (uint64_t)score << 32 |
           (uint32_t)~rank;
}

static uint32_t rank_of(uint64_t key) {
    return ~(uint32_t)key;
}

static void heap_down(uint64_t *h, size_t n, size_t i) {
    for (uint64_t v = h[i];;) {
        size_t child = 2 * i + 1;
        if (child + 1 < n && h[child + 1] < h[child]) child++;
        if (child >= n || h[child] >= v) {
            h[i] = v;
            return;
        }
        h[i] = h[child];
        i = child;
    }
}

static void heap_up(uint64_t *h, size_t i) {
    for (; i && h[(i - 1) / 2] > h[i]; i = (i - 1) / 2) {
        uint64_t t = h[i];
        h[i] = h[(i - 1) / 2];
        h[(i - 1) / 2] = t;
    }
}

static bool may_enter(const search *s, uint64_t key) {
    return s->n < s->max || key > s->heap[0];
}

static void offer(search *s, uint64_t key) {
    if (s->n < s->max) {
        s->heap[s->n] = key;
        heap_up(s->heap, s->n++);
    } else if (key > s->heap[0]) {
        s->heap[0] = key;
        heap_down(s->heap, s->n, 0);
    }
}

static bool is_in(size_t lo, size_t hi, size_t rank) {
    return rank >= lo && rank < hi;
}

static unsigned class_of(const search *s, uint32_t rank) {
    return is_in(s->exact_lo, s->exact_hi, rank)     ? 2
           : is_in(s->prefix_lo, s->prefix_hi, rank) ? 1
                                                     : 0;
}

// --- Words of a title ------------------------------------------------------------------------

static bool word_fits(const term *t, str word) {
    return t->is_prefix ? str_starts(word, t->word) : str_eq(word, t->word);
}

// Whether the title has the words of the terms in `missing`, bit i for term i.
static bool title_has(const search *s, str title, uint64_t missing) {
    char folded[STORE_FOLD_GROWTH * STORE_KEY_MAX];
    str rest = {folded, store_fold(folded, str_first(title, STORE_KEY_MAX))};
    for (str word; missing && wiki__word_next(&word, &rest);)
        for (size_t i = 0; i < s->n_terms; i++)
            if (missing >> i & 1 && word_fits(&s->terms[i], word)) missing &= ~(1ull << i);
    return !missing;
}

static uint64_t all_terms(const search *s) {
    return (1ull << s->n_terms) - 1;
}

// --- Blocks of titles ------------------------------------------------------------------------

static unsigned best_of_block(const search *s, size_t block) {
    str best = s->ix->best;
    return block < best.len ? (uint8_t)best.ptr[block] : 255;
}

static uint64_t key_of_block(const search *s, size_t block) {
    return key_of(s, 0, best_of_block(s, block), (uint32_t)(block * STORE_DICT_BLOCK));
}

static unsigned score_of(uint64_t payload) {
    return wiki__payload_of(payload).score;
}

// Candidates v[0..n), all of one block. Titles are decoded only to be asked for deferred terms.
static void visit(search *s, const uint32_t *v, size_t n) {
    store_dict_cursor c = {0};
    uint64_t payload[STORE_DICT_BLOCK];
    size_t known = store_dict_payloads(payload, &s->ix->titles, v[0] / STORE_DICT_BLOCK);
    str title;
    for (size_t i = 0; i < n && v[i] % STORE_DICT_BLOCK < known; i++) {
        unsigned score = score_of(payload[v[i] % STORE_DICT_BLOCK]);
        uint64_t k = key_of(s, 0, score, v[i]);
        if (class_of(s, v[i]) || !may_enter(s, k)) continue;  // I4
        if (s->deferred) {
            if (!c.d) store_dict_seek(&c, &s->ix->titles, v[i]);
            while (c.rank <= v[i] && store_dict_next(&title, NULL, &c))
                continue;
            s->steps += 15;
            if (!title_has(s, title, s->deferred)) continue;
        }
        offer(s, k);
        s->n_seen++;
    }
}

// --- Sparse: from the lists ------------------------------------------------------------------

static size_t n_lists(const term *t) {
    return t->hi - t->lo + t->n_near;
}

static size_t list_of(const term *t, size_t i) {
    return i < t->hi - t->lo ? t->lo + i : t->near[i - (t->hi - t->lo)];
}

// At most so many: a posting takes a byte or more.
static uint64_t count_postings(const wiki_index *ix, const term *t) {
    const store_lists *l = &ix->word_lists;
    if (n_lists(t) > LISTS_MAX) return UINT64_MAX;
    uint64_t n = 0;
    if (t->hi - t->lo == 1) n = store_lists_count(l, t->lo);
    if (t->hi - t->lo > 1) {
        uint64_t from = t->lo ? store_ef_get(&l->ends, t->lo - 1) : 0;
        uint64_t to = store_ef_get(&l->ends, t->hi - 1);
        n = to > from ? to - from : 0;
    }
    for (size_t i = 0; i < t->n_near; i++)
        n += store_lists_count(l, t->near[i]);
    return n;
}

static int cmp_rank(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

// Least significant digit first; as much room again as there are numbers.
static void sort_ranks(uint32_t *v, size_t n, arena scratch) {
    enum { DIGIT = 11, RADIX = 1 << DIGIT };
    uint32_t *to = n > 64 ? arena_try_array(&scratch, n, sizeof *to) : NULL;
    if (!to) return qsort(v, n, sizeof *v, cmp_rank);
    uint32_t *from = v;
    for (int shift = 0; shift < 32; shift += DIGIT) {
        size_t at[RADIX] = {0}, sum = 0;
        for (size_t i = 0; i < n; i++)
            at[from[i] >> shift & (RADIX - 1)]++;
        for (size_t i = 0; i < RADIX; i++) {
            size_t k = at[i];
            at[i] = sum;
            sum += k;
        }
        for (size_t i = 0; i < n; i++)
            to[at[from[i] >> shift & (RADIX - 1)]++] = from[i];
        uint32_t *t = from;
        from = to, to = t;
    }
    if (from != v) memcpy(v, from, n * sizeof *v);
}

static size_t unique(uint32_t *v, size_t n) {
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        if (!k || v[k - 1] != v[i]) v[k++] = v[i];
    return k;
}

static void read_list(rank_set *r, size_t max, search *s, size_t list) {
    store_list l = store_lists_get(&s->ix->word_lists, list);
    for (uint32_t v; r->n < max && !is_late(s) && store_list_next(&v, &l);)
        if (v < s->ix->titles.n) r->v[r->n++] = v;  // I2
}

// Of one long list, what stands in blocks with a score of `least` or more.
static void read_best(rank_set *r, size_t max, search *s, const term *t, unsigned least) {
    store_list l = store_lists_get(&s->ix->word_lists, list_of(t, 0));
    uint32_t v;
    bool more = store_list_next(&v, &l);
    for (size_t b = 0; b < s->ix->titles.n_blocks && more && r->n < max; b++) {
        uint64_t from = b * STORE_DICT_BLOCK, end = from + STORE_DICT_BLOCK;
        if (best_of_block(s, b) < least || is_late(s)) continue;
        if (v < from) more = store_list_skip_to(&v, &l, (uint32_t)from);
        for (; more && v < end && r->n < max; more = store_list_next(&v, &l))
            if (v < s->ix->titles.n) r->v[r->n++] = v;  // I2
    }
}

// The score that so many blocks have, or fewer.
static unsigned score_of_best(const search *s, size_t n_blocks) {
    size_t count[256] = {0}, sum = 0;
    for (size_t b = 0; b < s->ix->titles.n_blocks; b++)
        count[best_of_block(s, b)]++;
    unsigned score = 256;
    while (score && (sum += count[score - 1]) <= n_blocks)
        score--;
    return score;
}

// Ranks of a term, ascending.
static void read_term(rank_set *r, search *s, const term *t) {
    size_t lists = n_lists(t), room = (size_t)(t->n < READ_MAX ? t->n : READ_MAX);
    *r = (rank_set){arena_try_array(s->mem, room, sizeof *r->v), 0};
    s->is_short |= !r->v || t->n > READ_MAX;
    if (!r->v || n_lists(t) > LISTS_MAX) return;
    for (size_t i = 0; i < lists && !s->is_late; i++)
        read_list(r, room, s, list_of(t, i));
    if (lists > 1) sort_ranks(r->v, r->n, *s->mem);
    r->n = unique(r->v, r->n);
}

// Keeps the candidates that one of a few lists has.
static void keep_listed(rank_set *r, search *s, const term *t) {
    store_list l[CURSORS_MAX];
    uint32_t at[CURSORS_MAX];
    bool more[CURSORS_MAX];
    size_t lists = n_lists(t), kept = 0;
    for (size_t k = 0; k < lists; k++) {
        l[k] = store_lists_get(&s->ix->word_lists, list_of(t, k));
        more[k] = store_list_next(&at[k], &l[k]);
    }
    for (size_t i = 0; i < r->n && !is_late(s); i++) {
        bool found = false;
        for (size_t k = 0; k < lists && !found; k++) {
            if (more[k] && at[k] < r->v[i]) more[k] = store_list_skip_to(&at[k], &l[k], r->v[i]);
            found = more[k] && at[k] == r->v[i];
        }
        if (found) r->v[kept++] = r->v[i];
    }
    r->n = kept;
}

// First place from `i` on that is not below v.
static size_t gallop(const rank_set *r, size_t i, uint32_t v) {
    size_t step = 1;
    while (i + step <= r->n && r->v[i + step - 1] < v)
        i += step, step *= 2;
    while (step /= 2)
        if (i + step <= r->n && r->v[i + step - 1] < v) i += step;
    return i;
}

// Keeps the candidates that one of many lists has: each list marks its own.
static void keep_marked(rank_set *r, search *s, const term *t) {
    arena scratch = *s->mem;
    bool *is_kept = arena_try_array(&scratch, r->n, sizeof *is_kept);
    size_t lists = is_kept ? n_lists(t) : 0, kept = 0;
    s->is_short |= !is_kept;
    if (is_kept) memset(is_kept, 0, r->n);
    for (size_t k = 0; k < lists; k++) {
        store_list l = store_lists_get(&s->ix->word_lists, list_of(t, k));
        size_t i = 0;
        for (uint32_t v; i < r->n && !is_late(s) && store_list_skip_to(&v, &l, r->v[i]);) {
            i = gallop(r, i, v);
            if (i < r->n && r->v[i] == v) is_kept[i++] = true;
        }
    }
    for (size_t i = 0; i < r->n && is_kept; i++)
        if (is_kept[i]) r->v[kept++] = r->v[i];
    r->n = kept;
}

// Keeps the candidates whose titles have the word.
static void keep_titled(rank_set *r, search *s, const term *t) {
    store_dict_cursor c = {0};
    size_t kept = 0;
    str title;
    uint64_t bit = 1ull << (t - s->terms);
    for (size_t i = 0; i < r->n && !is_late(s); i++) {
        s->steps += 15;  // as long as so many steps elsewhere
        if (!i || r->v[i] / STORE_DICT_BLOCK != r->v[i - 1] / STORE_DICT_BLOCK)
            store_dict_seek(&c, &s->ix->titles, r->v[i]);
        while (c.rank <= r->v[i] && store_dict_next(&title, NULL, &c))
            if (c.rank == r->v[i] + 1ull && title_has(s, title, bit)) r->v[kept++] = r->v[i];
    }
    r->n = kept;
}

// By the cheapest way; when none is cheap, titles are asked as they are visited.
static void keep_term(rank_set *r, search *s, const term *t) {
    size_t lists = n_lists(t);
    uint64_t listed = lists <= CURSORS_MAX ? (uint64_t)r->n * lists * SKIP_COST : UINT64_MAX;
    uint64_t titled = t->n_near ? UINT64_MAX : (uint64_t)r->n * TITLE_COST;
    uint64_t marked = t->n;
    uint64_t cost = listed < titled ? listed : titled;
    if (marked < cost) cost = marked;
    if (cost > KEEP_COST && !t->n_near)
        s->deferred |= 1ull << (t - s->terms);
    else if (cost == listed)
        keep_listed(r, s, t);
    else if (cost == titled)
        keep_titled(r, s, t);
    else
        keep_marked(r, s, t);
}

typedef struct group {
    uint32_t at, n;  // of the candidates in one block
} group;

static size_t group_by_block(group *g, const rank_set *r) {
    size_t n = 0;
    for (size_t i = 0; i < r->n; i++) {
        if (!i || r->v[i] / STORE_DICT_BLOCK != r->v[i - 1] / STORE_DICT_BLOCK)
            g[n++] = (group){.at = (uint32_t)i};
        g[n - 1].n++;
    }
    return n;
}

// order[0..n): groups by what their blocks may hold, best first; equal ones ascend.
static void order_groups(uint32_t *order, const search *s, const group *g, size_t n,
                         const uint32_t *v) {
    size_t at[256] = {0}, sum = 0;
    for (size_t i = 0; i < n; i++)
        at[best_of_block(s, v[g[i].at] / STORE_DICT_BLOCK)]++;
    for (size_t b = 256; b-- > 0;) {
        size_t k = at[b];
        at[b] = sum;
        sum += k;
    }
    for (size_t i = 0; i < n; i++)
        order[at[best_of_block(s, v[g[i].at] / STORE_DICT_BLOCK)]++] = (uint32_t)i;
}

static void visit_groups(search *s, const rank_set *r) {
    group *g = arena_try_array(s->mem, r->n + 1, sizeof *g);
    uint32_t *order = arena_try_array(s->mem, r->n + 1, sizeof *order);
    if (!g || !order) {
        s->is_short = true;
        return;
    }
    size_t n = group_by_block(g, r);
    order_groups(order, s, g, n, r->v);
    for (size_t i = 0; i < n; i++) {
        const group *at = &g[order[i]];
        if (!may_enter(s, key_of_block(s, r->v[at->at] / STORE_DICT_BLOCK))) return;
        s->steps += 3;
        bool is_over = s->n_visits++ >= VISITS_MAX || (is_late(s) && i > LATE_EVERY);
        if (is_over || (s->is_late && s->n == s->max)) {
            s->is_short = true;
            return;
        }
        visit(s, r->v + at->at, at->n);
    }
}

// Offers the candidates that have the other terms, too.
static void find_among(search *s, rank_set r, const term *const *order) {
    arena outer = *s->mem;
    s->deferred = 0;
    s->n_seen = 0;
    for (size_t i = 1; i < s->n_terms && r.n; i++)
        keep_term(&r, s, order[i]);
    visit_groups(s, &r);
    size_t starts = gallop(&r, 0, (uint32_t)s->prefix_hi) - gallop(&r, 0, (uint32_t)s->prefix_lo);
    s->total += s->deferred ? s->n_seen : r.n - starts;
    s->is_short |= s->deferred && r.n > s->n_seen;
    *s->mem = outer;
}

// The least score of the best blocks that hold at most TIER_MAX of the candidates.
static unsigned score_of_tier(const search *s, const rank_set *r) {
    size_t count[256] = {0}, sum = 0;
    unsigned least = 256;
    for (size_t i = 0; i < r->n; i++)
        count[best_of_block(s, r->v[i] / STORE_DICT_BLOCK)]++;
    while (least && (sum += count[least - 1]) <= TIER_MAX)
        least--;
    return least;
}

// Those in blocks with a score below `score` that may still hold better titles than the worst
// found.
static rank_set rest_of(search *s, const rank_set *r, unsigned score) {
    rank_set out = {r->v, 0};
    size_t rest = 0;
    for (size_t i = 0; i < r->n && out.n < REST_MAX; i++) {
        size_t block = r->v[i] / STORE_DICT_BLOCK;
        if (best_of_block(s, block) >= score) continue;
        rest++;
        if (may_enter(s, key_of_block(s, block))) out.v[out.n++] = r->v[i];
    }
    s->is_short |= out.n < rest || out.n == REST_MAX;
    return out;
}

static rank_set copy_best(search *s, const rank_set *r, unsigned least) {
    rank_set out = {arena_try_array(s->mem, TIER_MAX, sizeof *out.v), 0};
    s->is_short |= !out.v;
    for (size_t i = 0; i < r->n && out.v && out.n < TIER_MAX; i++)
        if (best_of_block(s, r->v[i] / STORE_DICT_BLOCK) >= least) out.v[out.n++] = r->v[i];
    return out;
}

// What reading a term's ranks takes; many lists must be sorted.
static uint64_t read_cost(const term *t) {
    return t->n > UINT64_MAX / 8 ? t->n : t->n * (n_lists(t) > 1 ? 8 : 1);
}

// At least so many titles have the words: the longest list of a single one.
static size_t least_total(const search *s) {
    enum { LOOK_AT = 64 };
    const term *t = &s->terms[0];
    size_t most = s->n;
    for (size_t i = 0; s->n_terms == 1 && i < min_size(n_lists(t), LOOK_AT); i++)
        most = max_size(most, store_lists_count(&s->ix->word_lists, list_of(t, i)));
    return most;
}

// Whether nothing in a block with less than that score may enter.
static bool are_the_best(const search *s, unsigned score) {
    return s->n == s->max && (!score || !may_enter(s, key_of(s, 0, score - 1, 0)));
}

// Candidates in the blocks with the best scores first, then what may still enter of the others.
static void find_tiered(search *s, const term *const *order) {
    const term *t = order[0];
    bool is_long = n_lists(t) == 1 && t->n > LONG;
    unsigned least = 256;
    rank_set r, best = {0};
    if (is_long) {
        least = score_of_best(s, TIER_BLOCKS);
        best.v = arena_try_array(s->mem, TIER_BLOCKS * STORE_DICT_BLOCK, sizeof *best.v);
        if (best.v) read_best(&best, TIER_BLOCKS * STORE_DICT_BLOCK, s, t, least);
        find_among(s, best, order);
        if (!best.v || are_the_best(s, least) || s->is_late) {
            s->total = max_size(s->total, least_total(s));
            s->is_short = true;
            return;
        }
    }
    read_term(&r, s, t);
    if (!is_long && s->n_terms > 1 && r.n > TIER_MAX) {
        least = score_of_tier(s, &r);
        find_among(s, copy_best(s, &r, least), order);
    }
    if (!s->is_late) find_among(s, rest_of(s, &r, least), order);
}

static void sparse(search *s) {
    arena outer = *s->mem;
    const term *order[TERMS_MAX];
    for (size_t i = 0; i < s->n_terms; i++) {  // the cheapest first
        size_t k = i;
        for (; k && read_cost(order[k - 1]) > read_cost(&s->terms[i]); k--)
            order[k] = order[k - 1];
        order[k] = &s->terms[i];
    }
    s->total = s->prefix_hi - s->prefix_lo;
    find_tiered(s, order);
    *s->mem = outer;
}

// --- Dense: from the best blocks -------------------------------------------------------------

// Offers what has all words in a block, of ranks of class `class` only. What starts with the query
// has its words.
static void visit_titles(search *s, size_t block, unsigned class) {
    store_dict_cursor c = {0};
    uint64_t payload[STORE_DICT_BLOCK];
    size_t n = store_dict_payloads(payload, &s->ix->titles, block);
    str title = {0};
    for (size_t i = 0; i < n; i++) {
        uint32_t rank = (uint32_t)(block * STORE_DICT_BLOCK + i);
        uint64_t key = key_of(s, class_of(s, rank), score_of(payload[i]), rank);
        if (class_of(s, rank) != class || !may_enter(s, key)) continue;
        if (class) {
            offer(s, key);
            continue;
        }
        if (!c.d) store_dict_seek(&c, &s->ix->titles, rank);
        while (c.rank <= rank && store_dict_next(&title, NULL, &c))
            continue;
        if (title_has(s, title, all_terms(s))) offer(s, key);
    }
}

typedef struct picked {
    uint32_t block[DENSE_BLOCKS];
    size_t n;
    unsigned rest;  // what the best block left out may hold
    bool is_all;
} picked;

// The blocks of [lo, hi) with the best scores, best first.
static void pick_blocks(picked *p, const search *s, size_t lo, size_t hi) {
    size_t at[257] = {0};
    for (size_t b = lo; b < hi; b++)
        at[255 - best_of_block(s, b)]++;
    size_t sum = 0, v = 0;
    for (; v < 256 && sum + at[v] <= DENSE_BLOCKS; v++) {
        size_t k = at[v];
        at[v] = sum;
        sum += k;
    }
    size_t part = v < 256 ? DENSE_BLOCKS - sum : 0;  // of the first equals, in order of titles
    p->is_all = v == 256;
    p->rest = p->is_all ? 0 : 255 - (unsigned)v;
    p->n = sum + part;
    at[v] = sum;
    for (size_t b = lo, left = p->n; b < hi && left; b++) {
        size_t i = 255 - best_of_block(s, b);
        if (i < v || (i == v && part)) {
            part -= i == v;
            p->block[at[i]++] = (uint32_t)b, left--;
        }
    }
}

// True when nothing in [lo, hi) of that class is better than what the heap holds now.
static bool dense_class(search *s, size_t lo, size_t hi, unsigned class) {
    picked p;
    pick_blocks(&p, s, lo / STORE_DICT_BLOCK, (hi + STORE_DICT_BLOCK - 1) / STORE_DICT_BLOCK);
    for (size_t i = 0; i < p.n; i++) {
        uint32_t first = p.block[i] * STORE_DICT_BLOCK;
        if (!may_enter(s, key_of(s, class, best_of_block(s, p.block[i]), first))) return true;
        visit_titles(s, p.block[i], class);
        s->steps += LATE_EVERY / 4;
        if (is_late(s)) return false;
    }
    return p.is_all || !may_enter(s, key_of(s, class, p.rest, (uint32_t)lo));
}

// Titles that are the query, then such as start with it: these have all words. True when the heap
// is full of them.
static bool find_starts(search *s) {
    bool is_all = dense_class(s, s->exact_lo, s->exact_hi, 2);
    if (s->n < s->max) is_all = dense_class(s, s->prefix_lo, s->prefix_hi, 1);
    s->is_short |= !is_all;
    return s->n == s->max;
}

// What a prefix stands for is found in the best blocks without reading lists where looking for max
// titles among all takes less than reading n postings.
static bool is_dense(const search *s) {
    enum { TITLE = 16 };  // postings
    double n = (double)s->terms[0].n;
    if (s->n_terms != 1 || n_lists(&s->terms[0]) == 1) return false;
    return s->terms[0].n > READ_MAX || n * n > TITLE * (double)s->max * (double)s->ix->titles.n;
}

static void find_titles(search *s) {
    store_dict_equal(&s->exact_lo, &s->exact_hi, &s->ix->titles, s->folded);
    store_dict_prefix(&s->prefix_lo, &s->prefix_hi, &s->ix->titles, s->folded);
    s->exact_hi = min_size(s->exact_hi, s->ix->titles.n);
    s->prefix_hi = min_size(s->prefix_hi, s->ix->titles.n);
    s->exact_lo = min_size(s->exact_lo, s->exact_hi);
    s->prefix_lo = min_size(s->prefix_lo, s->prefix_hi);
}

// --- Near words ------------------------------------------------------------------------------

static unsigned edits_allowed(str word) {
    size_t n = utf8_count(word);
    return n >= 8 ? 2 : n >= 4 ? 1 : 0;
}

// Nearer words first, then more frequent ones.
typedef struct near_word {
    uint32_t distance, word;
    size_t count;
} near_word;

static int cmp_near(const void *a, const void *b) {
    const near_word *x = a, *y = b;
    if (x->distance != y->distance) return x->distance < y->distance ? -1 : 1;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return (x->word > y->word) - (x->word < y->word);
}

static void find_near(search *s, term *t, unsigned edits, bool is_prefix) {
    store_near found[NEAR_FOUND];
    near_word words[NEAR_FOUND];
    bool is_cut = false;
    size_t k = 0, n = store_dict_near(found, NEAR_FOUND, &is_cut, &s->ix->words,
                                      &(store_near_query){.folded = t->word,
                                                          .distance = edits,
                                                          .n_same = edits > 1,
                                                          .is_prefix = is_prefix,
                                                          .budget = NEAR_BLOCKS_MAX,
                                                          .deadline_ns = s->deadline});
    for (size_t i = 0; i < n; i++) {
        if (is_in(t->lo, t->hi, found[i].rank)) continue;
        size_t count = store_lists_count(&s->ix->word_lists, found[i].rank);
        words[k++] = (near_word){found[i].distance, found[i].rank, count};
    }
    qsort(words, k, sizeof *words, cmp_near);
    t->n_near = min_size(k, NEAR_MAX);
    for (size_t i = 0; i < t->n_near; i++)
        t->near[i] = words[i].word;
    s->is_short |= is_cut;
}

// True when the round has words that the round before had not.
static bool widen(search *s) {
    bool is_wider = false;
    for (size_t i = 0; i < s->n_terms; i++) {
        term *t = &s->terms[i];
        if (edits_allowed(t->word) < s->round || n_lists(t) > LISTS_MAX) continue;
        size_t had = t->n_near;
        find_near(s, t, s->round, false);
        if (t->is_prefix && !t->n_near && t->lo == t->hi) find_near(s, t, s->round, true);
        is_wider |= t->n_near > had;
        t->n = count_postings(s->ix, t);
    }
    return is_wider;
}

// The query with the best near word where there is no exact one: what was meant, most likely, so
// that its title comes first.
static void correct_query(search *s) {
    buf b;
    buf_init(&b, s->mem, s->folded.len + STORE_KEY_MAX);
    for (size_t i = 0; i < s->n_terms; i++) {
        const term *t = &s->terms[i];
        char near[STORE_KEY_MAX];
        bool is_wrong = t->lo == t->hi && t->n_near;
        if (i) buf_byte(&b, ' ');
        buf_add(&b, is_wrong ? store_dict_get(&s->ix->words, t->near[0], near, NULL) : t->word);
    }
    if (b.failed) return;
    s->folded = buf_str(&b);
    find_titles(s);
}

static bool all_terms_stand_for_words(const search *s) {
    for (size_t i = 0; i < s->n_terms; i++)
        if (!n_lists(&s->terms[i])) return false;
    return s->n_terms > 0;
}

static void search_round(search *s) {
    if (find_starts(s)) {
        s->total = max_size(least_total(s), s->prefix_hi - s->prefix_lo);
        s->is_short = true;
        return;
    }
    if (is_dense(s)) {
        bool is_done = dense_class(s, 0, s->ix->titles.n, 0);
        s->total = least_total(s);
        if (is_done || s->is_late || s->terms[0].n > READ_MAX) {
            s->is_short = true;
            return;
        }
        s->n = 0;
        find_starts(s);
    }
    sparse(s);
}

static void search_words(search *s) {
    for (; s->round < ROUNDS && !s->n && !s->is_late; s->round++) {
        if (s->round && !widen(s)) continue;
        if (!all_terms_stand_for_words(s)) continue;
        if (s->round) correct_query(s);
        search_round(s);
    }
}

// --- Without words ---------------------------------------------------------------------------

static void search_titles(search *s) {
    enum { FOUND = 1024 };
    if (!dense_class(s, s->exact_lo, s->exact_hi, 2) ||
        !dense_class(s, s->prefix_lo, s->prefix_hi, 1))
        s->is_short = true;
    s->total = s->prefix_hi - s->prefix_lo;
    unsigned edits = edits_allowed(s->folded);
    if (s->n || !edits) return;
    store_near *found = arena_try_array(s->mem, FOUND, sizeof *found);
    if (!found) return;
    bool is_cut = false;
    size_t n = store_dict_near(found, FOUND, &is_cut, &s->ix->titles,
                               &(store_near_query){.folded = s->folded,
                                                   .distance = edits,
                                                   .budget = NEAR_BLOCKS_MAX,
                                                   .deadline_ns = s->deadline});
    for (size_t i = 0; i < n && !is_late(s); i++) {
        char title[STORE_KEY_MAX];
        uint64_t payload;
        if (found[i].rank >= s->ix->titles.n || class_of(s, found[i].rank)) continue;
        s->round = found[i].distance < ROUNDS ? found[i].distance : ROUNDS - 1;
        store_dict_get(&s->ix->titles, found[i].rank, title, &payload);
        offer(s, key_of(s, 0, score_of(payload), found[i].rank));
    }
    s->total = max_size(s->total, s->n);
    s->is_short |= is_cut;
}

// --- Query -----------------------------------------------------------------------------------

// Folded, with single spaces and none at the ends; '_' is a space.
static str clean_query(str text, arena *a) {
    text = str_first(text, WIKI__LINK_MAX);
    char *p = arena_alloc(a, text.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i] == '_' || text.ptr[i] == '\t' ? ' ' : text.ptr[i];
        if (c != ' ' || (n && p[n - 1] != ' ')) p[n++] = c;
    }
    n -= n && p[n - 1] == ' ';
    return store_fold_in(wiki_nfc((str){p, n}, a), a);
}

static bool has_term(const search *s, str word) {
    for (size_t i = 0; i < s->n_terms; i++)
        if (!s->terms[i].is_prefix && str_eq(s->terms[i].word, word)) return true;
    return false;
}

static void cut_terms(search *s) {
    str rest = s->folded, word, next;
    bool more = wiki__word_next(&word, &rest);
    while (more && s->n_terms < TERMS_MAX) {
        more = wiki__word_next(&next, &rest);
        if (!more || !has_term(s, word))
            s->terms[s->n_terms++] = (term){.word = word, .is_prefix = !more};
        word = next;
    }
}

static void find_terms(search *s) {
    size_t lists = min_size(s->ix->words.n, s->ix->word_lists.n);
    for (size_t i = 0; i < s->n_terms; i++) {
        term *t = &s->terms[i];
        (t->is_prefix ? store_dict_prefix : store_dict_equal)(&t->lo, &t->hi, &s->ix->words,
                                                              t->word);
        t->hi = min_size(t->hi, lists);
        t->lo = min_size(t->lo, t->hi);
        t->n = count_postings(s->ix, t);
    }
}

static size_t hand_out(wiki_search *info, int64_t *out, search *s) {
    for (size_t n = s->n; n;) {  // worst first, to the end
        uint64_t worst = s->heap[0];
        s->heap[0] = s->heap[--n];
        if (n) heap_down(s->heap, n, 0);
        out[n] = rank_of(worst);
        if (!n) info->is_fuzzy = worst >> 48 < ROUNDS;
    }
    info->total = max_size(s->total, s->n);
    info->is_cut = s->is_late || s->is_short;
    return s->n;
}

size_t wiki_index_search(wiki_search *info, int64_t *ranks, size_t max, const wiki_index *ix,
                         str text, int64_t deadline_ns, arena scratch) {
    *info = (wiki_search){0};
    search *s = arena_new(&scratch, search);
    s->ix = ix, s->mem = &scratch, s->deadline = deadline_ns;
    s->max = min_size(max, RESULTS_MAX);
    s->folded = clean_query(text, &scratch);
    if (!s->max || !s->folded.len || !ix->titles.n) return 0;
    s->heap = arena_array(&scratch, uint64_t, s->max);
    find_titles(s);
    cut_terms(s);
    find_terms(s);
    if (ix->words.n && s->n_terms)
        search_words(s);
    else
        search_titles(s);
    return hand_out(info, ranks, s);
}
