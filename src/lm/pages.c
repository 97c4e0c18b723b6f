// Pages in one reserved block of memory, a block table per sequence, and the prefix tree.
//
// Node i describes page i, so the tree is as bounded as the pages are. A child is found by a hash
// of its parent's number and its 16 ids, and then by comparing both: equal hashes are no proof. The
// hash is seeded, so that nobody can make a chain long on purpose.
//
// Rejected: a radix tree over ids (edges that split; pages are the unit of sharing anyway), and
// counting on preemption instead of reserving (docs/decisions/0010-pages-are-reserved.md).
//
//   I1  a page is exactly one of: free, private to one sequence, in the tree
//   I2  refs of a node is the number of sequences whose table holds it; who holds a node holds its
//       parent, in the place before it
//   I3  nodes without refs stand in one list by the time they lost the last one, or were copied
//       from while their parent was held, children before their parents: a sequence lets go of its
//       last page first. So the oldest is always a leaf
//   I4  used pages (private, or with refs) never add up to more than the budget, and everything
//       else can be taken back: when a sequence is let in, its pages are there
//   I5  resident bytes are at most the budget: a page that was given back to the system is cold
//   I6  a sequence's shared pages are its full ones: n_shared is n_past / 16

#include "lm/pages.h"

#include "os/rand.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    SYSTEM_PAGE = 4096,
    BUCKETS_MIN = 64,
    BUCKETS_MAX = 65536,
    KIN_MAX = 64,  // children of a page that are looked through, the newest first
};

#define NONE UINT32_MAX

typedef struct node {
    uint32_t parent, chain;   // chain: the next in its bucket
    uint32_t older, newer;    // I3; `newer` also links free pages
    uint32_t child;           // the newest
    uint32_t elder, younger;  // children of the same parent
    uint32_t refs;
    bool in_tree;
    uint64_t since;  // budget clock when it lost its last reference
    int32_t ids[KERN_PAGE];
} node;

struct lm_pages {
    arena a, nodes;
    lm_budget *budget, own;
    lm_pages *next;  // of the budget
    const lm_spec *spec;
    size_t head_floats, bytes;  // bytes: of a page
    bool has_conv;
    size_t *layer_at;  // floats of a page before each layer's
    node *node;
    uint32_t *bucket;
    size_t n_buckets;
    uint64_t seed;
    size_t total, used, kept, resident;
    uint32_t fresh;      // the first page that was never handed out
    uint32_t hot, cold;  // free pages: in memory, given back
    uint32_t oldest, newest;
    uint32_t root;  // the newest page without a parent
    uint64_t hits, looked;
};

size_t lm__pages_for(size_t max_length) {
    return (max_length + KERN_PAGE - 1) / KERN_PAGE;
}

static size_t layer_floats(const lm_spec *s, int layer) {
    if (s->layer[layer].mixer == LM_MIX_CONV) return (size_t)(s->n_conv - 1) * (size_t)s->n_embd;
    return (size_t)s->n_kv_head * kern_kv_floats(s->kv_type, (size_t)s->head_dim);
}

size_t lm__page_bytes(const lm_model *m) {
    size_t floats = 0;
    for (int i = 0; i < m->spec.n_layer; i++)
        floats += layer_floats(&m->spec, i);
    return align_up(max_size(floats, 1) * sizeof(float), SYSTEM_PAGE);
}

// --- Open and close ----------------------------------------------------------------------------

static status reserve(lm_pages *p, const lm_model *m, err *e) {
    size_t max = p->budget->max, least = lm__pages_for((size_t)m->spec.block_size) * p->bytes;
    TRY(arena_open_most(&p->a, max_size(max, p->bytes), min_size(max, least), e));
    p->total = min_size(min_size(p->a.reserve, max) / p->bytes, NONE - 1);
    p->n_buckets = BUCKETS_MIN;
    while (p->n_buckets < p->total && p->n_buckets < BUCKETS_MAX)
        p->n_buckets *= 2;
    TRY(arena_open(&p->nodes, (p->total + 1) * sizeof(node), e));
    p->node = (node *)(void *)p->nodes.base;
    p->bucket = malloc(p->n_buckets * sizeof *p->bucket);
    p->layer_at = calloc((size_t)m->spec.n_layer, sizeof *p->layer_at);
    if (!p->bucket || !p->layer_at) return err_set(e, E_MEMORY, "no memory for a table of pages");
    for (int i = 1; i < m->spec.n_layer; i++)
        p->layer_at[i] = p->layer_at[i - 1] + layer_floats(&m->spec, i - 1);
    memset(p->bucket, 0xff, p->n_buckets * sizeof *p->bucket);  // NONE
    return OK;
}

static status pages_new(lm_pages **out, const lm_model *m, lm_budget *b, size_t bytes, err *e) {
    *out = NULL;
    lm_pages *p = calloc(1, sizeof *p);
    if (!p) return err_set(e, E_MEMORY, "no memory for a table of pages");
    p->own.max = bytes;
    p->budget = b ? b : &p->own;
    p->next = p->budget->first;
    p->budget->first = p;
    p->spec = &m->spec;
    p->head_floats = kern_kv_floats(m->spec.kv_type, (size_t)m->spec.head_dim);
    p->bytes = lm__page_bytes(m);
    for (int i = 0; i < m->spec.n_layer; i++)
        p->has_conv |= m->spec.layer[i].mixer == LM_MIX_CONV;
    p->hot = p->cold = p->oldest = p->newest = p->root = NONE;
    p->seed = os_rand_u64();
    status s = reserve(p, m, e);
    if (s)
        lm__pages_close(p);
    else
        *out = p;
    return s;
}

status lm__pages_open_in(lm_pages **out, const lm_model *m, lm_budget *b, err *e) {
    return pages_new(out, m, b, 0, e);
}

status lm__pages_open(lm_pages **out, const lm_model *m, size_t bytes, err *e) {
    return pages_new(out, m, NULL, bytes, e);
}

void lm__pages_close(lm_pages *p) {
    if (!p) return;
    lm_pages **at = &p->budget->first;
    while (*at != p)
        at = &(*at)->next;
    *at = p->next;
    p->budget->used -= p->used * p->bytes;
    p->budget->resident -= p->resident * p->bytes;
    arena_close(&p->a);
    arena_close(&p->nodes);
    free(p->bucket);
    free(p->layer_at);
    free(p);
}

void lm__page_counts(lm_page_counts *out, const lm_pages *p) {
    *out = (lm_page_counts){.total = p->total,
                            .used = p->used,
                            .kept = p->kept,
                            .page_bytes = p->bytes,
                            .hit_tokens = p->hits,
                            .looked_tokens = p->looked};
}

// --- Nodes that nobody uses (I3) ---------------------------------------------------------------

static void list_remove(lm_pages *p, uint32_t i) {
    const node *n = &p->node[i];
    *(n->older == NONE ? &p->oldest : &p->node[n->older].newer) = n->newer;
    *(n->newer == NONE ? &p->newest : &p->node[n->newer].older) = n->older;
    p->kept--;
}

static void list_append(lm_pages *p, uint32_t i) {
    node *n = &p->node[i];
    n->older = p->newest;
    n->newer = NONE;
    n->since = p->budget->clock++;
    *(p->newest == NONE ? &p->oldest : &p->node[p->newest].newer) = i;
    p->newest = i;
    p->kept++;
}

static void count_used(lm_pages *p, int pages) {
    p->used += (size_t)pages;
    p->budget->used += (size_t)pages * p->bytes;
}

static void hold(lm_pages *p, uint32_t i) {
    if (p->node[i].refs++) return;
    list_remove(p, i);
    count_used(p, 1);
}

static void let_go(lm_pages *p, uint32_t i) {
    if (--p->node[i].refs) return;
    list_append(p, i);
    count_used(p, -1);
}

// --- The tree ----------------------------------------------------------------------------------

static uint32_t *bucket_of(const lm_pages *p, uint32_t parent, const int32_t *ids) {
    uint64_t h = p->seed ^ parent;
    for (size_t i = 0; i < KERN_PAGE; i++) {
        h = (h ^ (uint32_t)ids[i]) * 0x9e3779b97f4a7c15U;
        h ^= h >> 29;
    }
    return &p->bucket[h & (p->n_buckets - 1)];
}

static uint32_t child_of(const lm_pages *p, uint32_t parent, const int32_t *ids) {
    for (uint32_t i = *bucket_of(p, parent, ids); i != NONE; i = p->node[i].chain) {
        const node *n = &p->node[i];
        if (n->parent == parent && !memcmp(n->ids, ids, sizeof n->ids)) return i;
    }
    return NONE;
}

static uint32_t *first_child(lm_pages *p, uint32_t parent) {
    return parent == NONE ? &p->root : &p->node[parent].child;
}

// Makes page i, that one sequence has to itself, a child of `parent` which that sequence holds.
static void tree_add(lm_pages *p, uint32_t parent, const int32_t *ids, uint32_t i) {
    uint32_t *bucket = bucket_of(p, parent, ids);
    node *n = &p->node[i];
    uint32_t *first = first_child(p, parent);
    *n = (node){.parent = parent,
                .chain = *bucket,
                .child = NONE,
                .elder = *first,
                .younger = NONE,
                .refs = 1,
                .in_tree = true};
    memcpy(n->ids, ids, sizeof n->ids);
    if (*first != NONE) p->node[*first].younger = i;
    *first = *bucket = i;
}

static void tree_remove(lm_pages *p, uint32_t i) {
    uint32_t *at = bucket_of(p, p->node[i].parent, p->node[i].ids);
    while (*at != i)
        at = &p->node[*at].chain;
    node *n = &p->node[i];
    *at = n->chain;
    *(n->younger == NONE ? first_child(p, n->parent) : &p->node[n->younger].elder) = n->elder;
    if (n->elder != NONE) p->node[n->elder].younger = n->younger;
    n->in_tree = false;
}

// --- Free pages --------------------------------------------------------------------------------

static void push(lm_pages *p, uint32_t *list, uint32_t i) {
    p->node[i].newer = *list;
    *list = i;
}

static uint32_t pop(lm_pages *p, uint32_t *list) {
    uint32_t i = *list;
    *list = p->node[i].newer;
    return i;
}

// Frees the page that was not used for the longest time.
static void evict(lm_pages *p) {
    uint32_t i = p->oldest;
    CHECK(i != NONE);
    list_remove(p, i);
    tree_remove(p, i);
    push(p, &p->hot, i);
}

// Gives a free page's memory back to the system.
static void chill(lm_pages *p) {
    uint32_t i = pop(p, &p->hot);
    (void)madvise(p->a.base + i * p->bytes, p->bytes, MADV_DONTNEED);
    push(p, &p->cold, i);
    p->resident--;
    p->budget->resident -= p->bytes;
}

// Of all models, the one that keeps the page that was not used for the longest time.
static lm_pages *oldest_of(const lm_budget *b) {
    lm_pages *best = NULL;
    for (lm_pages *p = b->first; p; p = p->next)
        if (p->oldest != NONE &&
            (!best || p->node[p->oldest].since < best->node[best->oldest].since))
            best = p;
    return best;
}

static lm_pages *hot_of(const lm_budget *b) {
    lm_pages *p = b->first;
    while (p && p->hot == NONE)
        p = p->next;
    return p;
}

static bool may_warm(const lm_pages *p) {
    return p->bytes <= p->budget->max - p->budget->resident &&
           (p->cold != NONE || p->fresh < p->total);
}

static uint32_t warm(lm_pages *p) {
    p->resident++;
    p->budget->resident += p->bytes;
    return p->cold != NONE ? pop(p, &p->cold) : p->fresh++;
}

// A page for a sequence; there is one (I4). Its contents are anything.
static uint32_t take(lm_pages *p) {
    count_used(p, 1);
    for (;;) {
        if (p->hot != NONE) return pop(p, &p->hot);
        if (may_warm(p)) return warm(p);
        bool is_whole = p->cold == NONE && p->fresh == p->total;  // only its own can help it
        lm_pages *from = is_whole ? p : hot_of(p->budget);
        if (!from) from = oldest_of(p->budget);
        CHECK(from);
        if (from->hot == NONE) evict(from);
        if (from != p) chill(from);
    }
}

static void give(lm_pages *p, uint32_t i) {
    count_used(p, -1);
    push(p, &p->hot, i);
}

static bool may_take(const lm_pages *p, size_t pages) {
    size_t free_bytes = p->budget->max - p->budget->used;
    return pages <= p->total - p->used && pages <= free_bytes / p->bytes;
}

// --- Sequences ---------------------------------------------------------------------------------

static uint32_t last_node(const lm_seq *s) {
    return s->n_shared ? s->page[s->n_shared - 1] : NONE;
}

// How many full pages of a prompt the tree has; *idle of these nobody uses now.
static size_t match(size_t *idle, const lm_pages *p, const int32_t *ids, size_t n_ids) {
    size_t n = 0;
    uint32_t at = NONE;
    *idle = 0;
    for (; (n + 1) * KERN_PAGE < n_ids; n++) {
        at = child_of(p, at, ids + n * KERN_PAGE);
        if (at == NONE) break;
        *idle += p->node[at].refs == 0;
    }
    return n;
}

// A page of the tree whose first n ids go on from where a sequence's shared pages end.
typedef struct start {
    uint32_t page;
    size_t n;
} start;

// Not for convolutions: a page's slots have what its last tokens left there.
static start start_of(const lm_seq *s, const int32_t *ids, size_t n) {
    lm_pages *p = s->pages;
    start best = {NONE, 0};
    uint32_t i = p->has_conv ? NONE : *first_child(p, last_node(s));
    for (int seen = 0; i != NONE && seen < KIN_MAX; seen++, i = p->node[i].elder) {
        size_t same = 0;
        while (same < min_size(n, KERN_PAGE) && p->node[i].ids[same] == ids[same])
            same++;
        if (same > best.n) best = (start){i, same};
    }
    if (best.n && p->node[best.page].refs == 0) {  // of all pages the last to be evicted
        list_remove(p, best.page);
        list_append(p, best.page);
    }
    return best;
}

static void copy_start(lm_seq *s, start from) {
    lm_pages *p = s->pages;
    if (from.n == 0 || !p->node[from.page].in_tree) return;  // evicted for this very sequence
    memcpy(p->a.base + s->page[s->n_shared] * p->bytes, p->a.base + from.page * p->bytes, p->bytes);
    s->n_past += from.n;
}

bool lm__seq_open(lm_seq *s, lm_pages *p, const int32_t *prompt, size_t n_prompt,
                  size_t max_length) {
    size_t n = lm__pages_for(max_length), idle, hits = match(&idle, p, prompt, n_prompt);
    ASSERT(n_prompt > 0 && n_prompt <= max_length);
    if (!may_take(p, n - hits + idle)) return false;
    uint32_t *table = malloc(n * sizeof *table);
    if (!table) return false;
    *s = (lm_seq){.pages = p, .page = table, .n_table = n};
    for (; s->n_shared < hits; s->n_shared++) {
        table[s->n_shared] = child_of(p, last_node(s), prompt + s->n_shared * KERN_PAGE);
        hold(p, table[s->n_shared]);
    }
    s->n_past = hits * KERN_PAGE;
    start from = start_of(s, prompt + s->n_past, n_prompt - 1 - s->n_past);
    for (size_t i = hits; i < n; i++)
        table[i] = take(p);
    copy_start(s, from);
    p->hits += s->n_past;
    p->looked += n_prompt;
    return true;
}

// The sequence's next page is in the tree already, as node `i`.
static void use_instead(lm_seq *s, uint32_t i) {
    hold(s->pages, i);
    give(s->pages, s->page[s->n_shared]);
    s->page[s->n_shared++] = i;
}

void lm__seq_match(lm_seq *s, const int32_t *ids, size_t n) {
    lm_pages *p = s->pages;
    while ((s->n_shared + 1) * KERN_PAGE < n) {
        uint32_t i = child_of(p, last_node(s), ids + s->n_shared * KERN_PAGE);
        if (i == NONE) return;
        use_instead(s, i);
        p->hits += s->n_shared * KERN_PAGE - s->n_past;
        s->n_past = s->n_shared * KERN_PAGE;
    }
}

void lm__seq_advance(lm_seq *s, const int32_t *ids, size_t n) {
    lm_pages *p = s->pages;
    s->n_past += n;
    while ((s->n_shared + 1) * KERN_PAGE <= s->n_past) {
        const int32_t *of = ids + s->n_shared * KERN_PAGE;
        uint32_t parent = last_node(s), i = child_of(p, parent, of);
        if (i == NONE)
            tree_add(p, parent, of, s->page[s->n_shared++]);
        else
            use_instead(s, i);
    }
}

void lm__seq_close(lm_seq *s) {
    for (size_t i = s->n_table; i > s->n_shared; i--)
        give(s->pages, s->page[i - 1]);
    for (size_t i = s->n_shared; i > 0; i--)  // I3
        let_go(s->pages, s->page[i - 1]);
    free(s->page);
    *s = (lm_seq){0};
}

kern_kv lm__seq_kv(const lm_seq *s, size_t layer, size_t head) {
    const lm_pages *p = s->pages;
    float *base = (float *)(void *)p->a.base;
    size_t at = p->layer_at[layer] + head * p->head_floats;
    return (kern_kv){base + at, s->page, p->bytes / sizeof(float), p->spec->kv_type};
}

float *lm__seq_conv(const lm_seq *s, size_t layer, size_t pos) {
    const lm_pages *p = s->pages;
    float *page = (float *)(void *)(p->a.base + s->page[pos / KERN_PAGE] * p->bytes);
    size_t slots = (size_t)p->spec->n_conv - 1;
    return page + p->layer_at[layer] + pos % slots * (size_t)p->spec->n_embd;
}
