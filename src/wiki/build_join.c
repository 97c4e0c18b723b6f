// The join: ranks of titles, who links to whom, and where redirects lead.
//
// Titles come out of their sort in the order of the index, which gives each ordinal its rank.
// Titles and what names them lie in parts by the title's hash (build_parts.c): each thread takes
// a part, makes a table of its titles and runs its mentions past it. Arrays by rank in mapped
// temporary files take the results; a title is in one part, so that no two threads write to one
// place. Rejected: a hash table of all titles (gigabytes of anonymous memory), sorting mentions
// by hash (half of the build's time).
//
//   J1  nothing here depends on which worker saw a page: the merge is a total order, and what parts
//       give is counted or has one place
//   J2  two titles with one 64-bit hash share their links, which the first one gets; of 25 million
//       titles that is a chance of 1 in 50000, and costs no more than a wrong score or target
//   J3  a page's links were counted once each when it was read

#include "wiki/build.h"

#include <unistd.h>

enum { SAMPLE = 8192, SAMPLE_MAX = 4 * SAMPLE, SORT_LEAST = 1 << 20, ROOM = 128 << 20 };

// Smallest number of links with the score i + 1: round(12 * log2(1 + n)) >= i + 1.
// clang-format off
static const uint32_t score_from[255] = {
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5,
    6, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 12, 13, 13, 14, 15, 16, 17, 18, 19, 20, 21, 23, 24,
    26, 27, 29, 31, 32, 34, 36, 39, 41, 43, 46, 49, 52, 55, 58, 62, 65, 69, 73, 78, 82, 87, 93,
    98, 104, 110, 117, 124, 131, 139, 147, 156, 165, 175, 186, 197, 209, 221, 234, 248, 263, 279,
    295, 313, 331, 351, 372, 394, 418, 443, 469, 497, 527, 558, 591, 626, 663, 703, 745, 789,
    836, 886, 939, 994, 1054, 1116, 1183, 1253, 1327, 1406, 1490, 1579, 1673, 1772, 1878, 1989,
    2108, 2233, 2366, 2506, 2655, 2813, 2981, 3158, 3346, 3545, 3756, 3979, 4216, 4466, 4732,
    5013, 5311, 5627, 5962, 6316, 6692, 7090, 7512, 7958, 8432, 8933, 9464, 10027, 10623, 11255,
    11924, 12633, 13385, 14180, 15024, 15917, 16864, 17866, 18929, 20054, 21247, 22510, 23849,
    25267, 26770, 28361, 30048, 31835, 33728, 35733, 37858, 40109, 42494, 45021, 47698, 50535,
    53540, 56723, 60096, 63670, 67456, 71467, 75717, 80219, 84989, 90043, 95397, 101070, 107080,
    113447, 120193, 127340, 134912, 142935, 151434, 160439, 169979, 180086, 190795, 202140,
    214160, 226895, 240387, 254681, 269825, 285870, 302868, 320878, 339958, 360173, 381590,
    404281, 428321, 453790, 480774, 509362, 539650, 571740, 605737, 641756, 679917, 720347,
    763181, 808562, 856642, 907580, 961548, 1018725, 1079301, 1143480, 1211475, 1283513, 1359834,
    1440694, 1526362, 1617125, 1713284, 1815161, 1923096, 2037450, 2158603, 2286960, 2422950,
};
// clang-format on

uint8_t wiki__score(uint64_t n_links) {
    size_t lo = 0, hi = countof(score_from);
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (score_from[mid] <= n_links)
            lo = mid + 1;
        else
            hi = mid;
    }
    return (uint8_t)lo;
}

// --- Ranks -----------------------------------------------------------------------------------

typedef struct ranker {
    wiki__join *j;
    str *sample;
    size_t n_sample;
    uint64_t every;
    bool has_last;
    char room[WIKI_TITLE_MAX];
    wiki__titled last;
} ranker;

static uint8_t ns_index(const wiki__join *j, int32_t ns) {
    size_t i = 0;
    while (i < j->n_ns && j->ns[i] != ns)
        i++;
    return (uint8_t)i;
}

static uint8_t kind_of(const wiki__join *j, const wiki__titled *t) {
    wiki__payload p = {.ns_index = ns_index(j, t->ns),
                       .is_redirect = t->flags & WIKI__IS_REDIRECT,
                       .is_disambiguation = t->flags & WIKI__IS_DISAMBIGUATION};
    return (uint8_t)(wiki__payload_pack(p) >> 8);
}

static status settle(ranker *r, err *e) {
    wiki__join *j = r->j;
    const wiki__titled *t = &r->last;
    if (!r->has_last) return OK;
    uint32_t rank = (uint32_t)j->n_pages++;
    j->rank[t->ordinal] = rank;
    j->kind[rank] = kind_of(j, t);
    j->n_redirects += t->flags & WIKI__IS_REDIRECT;
    if (str_hash(t->title, 1) % r->every == 0 && r->n_sample < SAMPLE_MAX)
        r->sample[r->n_sample++] = arena_str(&j->mem, t->title);
    TRY(wiki__order_add(&j->order, t->title, t->ordinal, e));
    return wiki__parts_add(j->titles, wiki__title_hash(t->title), 0, rank, e);
}

// Equal titles come in the order of ordinals: the last one stays.
static status on_title(ranker *r, const wiki__titled *t, err *e) {
    if (r->has_last && str_eq(t->title, r->last.title))
        r->j->rank[r->last.ordinal] = WIKI__NO_PLACE;
    else
        TRY(settle(r, e));
    memcpy(r->room, t->title.ptr, t->title.len);
    r->last = *t;
    r->last.title.ptr = r->room;
    r->has_last = true;
    return OK;
}

static status rank_all(ranker *r, store_merge *m, err *e) {
    for (bool more = true; more;) {
        str rec;
        wiki__titled t;
        TRY(store_merge_next(&more, &rec, m, e));
        if (more && wiki__title_record(&t, rec)) TRY(on_title(r, &t, e));
        if (wiki__build_cancelled(r->j->b)) return wiki__build_cancel(e);
    }
    TRY(settle(r, e));
    TRY(wiki__order_done(&r->j->order, e));
    r->j->b->result->temp_bytes += r->j->order.len + wiki__parts_bytes(r->j->titles);
    return store_symbols_train(&r->j->symbols, r->sample, r->n_sample, &r->j->mem, e);
}

static status make_ranks(wiki__join *j, err *e) {
    ranker *r = arena_new(&j->mem, ranker);
    r->j = j;
    r->every = j->n_ordinals / SAMPLE + 1;
    r->sample = arena_array(&j->mem, str, SAMPLE_MAX);
    TRY(wiki__parts_open(&j->titles, j->b->temp, j->b->memory / 16, e));
    TRY(wiki__order_open(&j->order, j->b->temp, e));
    store_merge *m;
    TRY(wiki__build_merge(&m, j->b, offsetof(wiki__worker, titles), e));
    status s = rank_all(r, m, e);
    store_merge_close(m);
    return s;
}

// --- Mentions --------------------------------------------------------------------------------

static status add_pair(store_sort *s, uint32_t to, uint32_t from, err *e) {
    uint8_t rec[8];
    wiki__put_be32(rec, to);
    wiki__put_be32(rec + 4, from);
    return store_sort_add(s, rec, sizeof rec, e);
}

typedef struct slot {
    uint64_t hash;
    uint32_t rank, n;  // WIKI__NO_PLACE: free
} slot;

// One thread's; the table is of one part.
typedef struct joiner {
    wiki__join *j;
    slot *slots;
    size_t cap;
    store_sort *backlinks;
    uint64_t n_links;
} joiner;

static slot *slot_of(const joiner *t, uint64_t hash) {
    size_t i = hash & (t->cap - 1);
    while (t->slots[i].rank != WIKI__NO_PLACE && t->slots[i].hash != hash)
        i = (i + 1) & (t->cap - 1);
    return &t->slots[i];
}

static status on_own_title(void *arg, uint64_t hash, uint8_t kind, uint32_t rank, err *e) {
    slot *s = slot_of(arg, hash);
    (void)kind, (void)e;
    if (s->rank == WIKI__NO_PLACE || rank < s->rank) *s = (slot){hash, rank, 0};  // J2
    return OK;
}

static status on_mention(void *arg, uint64_t hash, uint8_t kind, uint32_t ordinal, err *e) {
    joiner *t = arg;
    slot *to = slot_of(t, hash);
    if (to->rank == WIKI__NO_PLACE) return OK;
    uint32_t from = t->j->rank[ordinal];
    if (from == WIKI__NO_PLACE) return OK;
    if (kind == MENTION_LINK) {
        to->n += to->n < UINT32_MAX;
        t->n_links++;
        return t->backlinks ? add_pair(t->backlinks, to->rank, from, e) : OK;
    }
    (kind == MENTION_REDIRECT ? t->j->target : t->j->more)[from] = to->rank;
    return OK;
}

static status make_table(joiner *t, arena *a, size_t part, err *e) {
    uint64_t n = wiki__parts_count(t->j->titles, part);
    for (t->cap = 64; t->cap < 2 * n;)
        t->cap *= 2;
    TRY(arena_open(a, t->cap * sizeof(slot), e));
    t->slots = (slot *)(void *)a->base;
    memset(t->slots, 0xff, t->cap * sizeof(slot));
    return wiki__parts_each(t->j->titles, part, on_own_title, t, e);
}

static status join_part(joiner *t, arena *a, size_t part, err *e) {
    wiki__build *b = t->j->b;
    TRY(make_table(t, a, part, e));
    for (int i = 0; i < b->n_workers; i++)
        TRY(wiki__parts_each(b->workers[i].mentions, part, on_mention, t, e));
    for (size_t i = 0; i < t->cap; i++)
        if (t->slots[i].rank != WIKI__NO_PLACE) t->j->count[t->slots[i].rank] = t->slots[i].n;
    return wiki__build_cancelled(b) ? wiki__build_cancel(e) : OK;
}

typedef struct part_work {
    wiki__join *j;
    _Atomic(size_t) next;
    joiner joiners[WIKI__WORKERS_MAX];
    err e[WIKI__WORKERS_MAX];
} part_work;

static void join_parts(void *arg, size_t i) {
    part_work *w = arg;
    joiner *t = &w->joiners[i];
    *t = (joiner){.j = w->j, .backlinks = w->j->backlinks[i]};
    for (size_t part; !w->e[i].code && (part = atomic_fetch_add(&w->next, 1)) < WIKI__PARTS;) {
        arena a = {0};
        join_part(t, &a, part, &w->e[i]);
        arena_close(&a);
    }
    if (t->backlinks) store_sort_settle(t->backlinks);
}

// A target that was written as the title stands is better than a normalised one.
static void choose_targets(wiki__join *j) {
    for (size_t r = 0; r < j->n_pages; r++) {
        if (j->target[r] == WIKI__NO_PLACE) j->target[r] = j->more[r];
        j->more[r] = 0;
    }
}

static status join_mentions(wiki__join *j, err *e) {
    memset(j->target, 0xff, j->n_pages * sizeof *j->target);
    memset(j->more, 0xff, j->n_pages * sizeof *j->more);
    part_work *w = arena_new(&j->mem, part_work);
    w->j = j;
    size_t n = (size_t)j->b->n_workers;
    os_pool_for(j->pool, n, join_parts, w);
    for (size_t i = 0; i < n; i++) {
        j->n_links += w->joiners[i].n_links;
        if (w->e[i].code) return err_set(e, w->e[i].code, "%s", w->e[i].msg);
    }
    choose_targets(j);
    return OK;
}

// --- Redirects -------------------------------------------------------------------------------

static bool is_redirect(const wiki__join *j, uint32_t rank) {
    return wiki__payload_of((uint64_t)j->kind[rank] << 8).is_redirect;
}

// The article at the end, or WIKI__NO_PLACE.
static uint32_t follow(const wiki__join *j, uint32_t rank) {
    for (int i = 0; i < WIKI_REDIRECT_MAX && rank != WIKI__NO_PLACE && is_redirect(j, rank); i++)
        rank = j->target[rank];
    return rank != WIKI__NO_PLACE && !is_redirect(j, rank) ? rank : WIKI__NO_PLACE;
}

static status pass_on(wiki__join *j, err *e) {
    for (size_t r = 0; r < j->n_pages; r++) {
        uint32_t rank = (uint32_t)r;
        if (!is_redirect(j, rank)) continue;
        if (j->leads && j->target[r] != WIKI__NO_PLACE)
            TRY(add_pair(j->leads, j->target[r], rank, e));
        uint32_t end = follow(j, rank);
        if (end == WIKI__NO_PLACE) continue;
        uint32_t room = UINT32_MAX - j->more[end];
        j->more[end] += j->count[r] < room ? j->count[r] : room;
    }
    return OK;
}

// --- Categories ------------------------------------------------------------------------------

static status rank_categories(wiki__join *j, store_merge *m, err *e) {
    uint8_t to[STORE_RECORD_MAX];
    for (bool more = true; more;) {
        str rec;
        TRY(store_merge_next(&more, &rec, m, e));
        if (!more) break;
        str name = str_first(rec, rec.len - 4);
        uint32_t rank = j->rank[wiki__get_be32(rec.ptr + name.len)];
        if (rank == WIKI__NO_PLACE) continue;
        size_t n = wiki__category_record(to, name, rank);
        TRY(store_sort_add(j->categories, to, n, e));
        if (wiki__build_cancelled(j->b)) return wiki__build_cancel(e);
    }
    return OK;
}

status wiki__build_categories(wiki__join *j, err *e) {
    store_merge *m;
    if (!j->categories) return OK;
    TRY(wiki__build_merge(&m, j->b, offsetof(wiki__worker, categories), e));
    status s = rank_categories(j, m, e);
    store_merge_close(m);
    return s;
}

// --- All of it -------------------------------------------------------------------------------

static void sort_i32(int32_t *v, size_t n) {
    for (size_t i = 1; i < n; i++)
        for (size_t k = i; k && v[k - 1] > v[k]; k--) {
            int32_t t = v[k];
            v[k] = v[k - 1], v[k - 1] = t;
        }
}

static status add_ns(wiki__join *j, int32_t ns, err *e) {
    for (size_t i = 0; i < j->n_ns; i++)
        if (j->ns[i] == ns) return OK;
    if (j->n_ns == WIKI__NS_SEEN_MAX)
        return err_set(e, E_LIMIT, "more than %d namespaces in use", WIKI__NS_SEEN_MAX);
    j->ns[j->n_ns++] = ns;
    return OK;
}

static status gather(wiki__join *j, err *e) {
    for (int i = 0; i < j->b->n_workers; i++) {
        const wiki__worker *w = &j->b->workers[i];
        for (size_t k = 0; k < w->n_ns; k++)
            TRY(add_ns(j, w->ns[k], e));
        if (strcmp(w->newest, j->newest) > 0) memcpy(j->newest, w->newest, sizeof j->newest);
    }
    sort_i32(j->ns, j->n_ns);
    return OK;
}

static status open_sorts(wiki__join *j, err *e) {
    const struct {
        unsigned bit;
        store_sort **sort;
    } all[] = {
        {WIKI_WITH_WORDS, &j->words},
        {WIKI_WITH_CATEGORIES, &j->categories},
        {WIKI_WITH_LINKS, &j->leads},
    };
    size_t memory = max_size(j->b->memory / 16, SORT_LEAST);
    for (size_t i = 0; i < countof(all); i++)
        if (j->with & all[i].bit) TRY(store_sort_open(all[i].sort, j->b->temp, memory, e));
    memory = max_size(j->b->memory / 8 / (size_t)j->b->n_workers, SORT_LEAST);
    for (int i = 0; (j->with & WIKI_WITH_LINKS) && i < j->b->n_workers; i++)
        TRY(store_sort_open(&j->backlinks[i], j->b->temp, memory, e));
    return OK;
}

static status open_arrays(wiki__join *j, err *e) {
    wiki__build *b = j->b;
    size_t n = j->n_ordinals;
    TRY(wiki__array_map(&j->rows, b->rows_fd, n * sizeof(wiki__row), e));
    const struct {
        wiki__array *array;
        size_t size;
    } all[] = {{&j->ranks, 4}, {&j->kinds, 1}, {&j->targets, 4}, {&j->counts, 4}, {&j->extra, 4}};
    for (size_t i = 0; i < countof(all); i++)
        TRY(wiki__array_new(all[i].array, b, n, all[i].size, e));
    j->row = j->rows.base;
    j->rank = j->ranks.base, j->kind = j->kinds.base, j->target = j->targets.base;
    j->count = j->counts.base, j->more = j->extra.base;
    return OK;
}

status wiki__build_join(wiki__join *j, err *e) {
    j->n_ordinals = j->b->n_ordinals;
    j->order.fd = -1;
    TRY(arena_open(&j->mem, ROOM + 2 * j->n_ordinals, e));
    if (j->b->n_workers > 1) TRY(os_pool_open(&j->pool, j->b->n_workers - 1, 1, "join", e));
    TRY(gather(j, e));
    TRY(open_sorts(j, e));
    TRY(open_arrays(j, e));
    TRY(make_ranks(j, e));
    TRY(join_mentions(j, e));
    return pass_on(j, e);
}

static void close_sort(wiki__join *j, store_sort *s) {
    if (s) j->b->result->temp_bytes += store_sort_spilled(s);
    store_sort_close(s);
}

void wiki__build_join_close(wiki__join *j) {
    wiki__array *arrays[] = {&j->rows, &j->ranks, &j->kinds, &j->targets, &j->counts, &j->extra};
    for (size_t i = 0; i < countof(arrays); i++)
        wiki__array_close(arrays[i]);
    store_sort *sorts[] = {j->words, j->categories, j->leads};
    for (size_t i = 0; i < countof(sorts); i++)
        close_sort(j, sorts[i]);
    for (size_t i = 0; i < countof(j->backlinks); i++)
        close_sort(j, j->backlinks[i]);
    os_pool_close(j->pool);
    wiki__parts_close(j->titles);
    wiki__order_close(&j->order);
    arena_close(&j->mem);
}
