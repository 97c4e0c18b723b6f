// Views: what can be seen of a stack of dumps, and look-ups of titles over it.
//
// A title that a newer dump has is seen there only. Which ranks of the older dumps that hides is
// found once, when the view is made: the titles of the smaller index are looked up in the larger.
//
//   I1  order[] names the newest dump first; of two of the same time the one given later
//   I2  shadowed[] ascends; with one layer it is empty and costs nothing

#include "wiki/view.h"

#include <stdlib.h>

enum { NS_TEMPLATE = 10, NS_MODULE = 828 };

// --- Layers and views ------------------------------------------------------------------------

void wiki__layer_drop(wiki__layer *l) {
    if (!l || atomic_fetch_sub(&l->n_users, 1) != 1) return;
    wiki_source_close(&l->source);
    wiki__kept_close(&l->kept);
    wiki_index_close(l->ix);
    free(l);
}

void wiki__view_drop(wiki_view *v) {
    for (int i = 0; i < v->n; i++)
        wiki__layer_drop(v->layer[i]);
    arena mem = v->mem;
    arena_close(&mem);
}

static bool is_newer(const wiki_view *v, int a, int b) {
    int c = str_cmp(wiki_index_newest(v->layer[a]->ix), wiki_index_newest(v->layer[b]->ix));
    return c > 0 || (c == 0 && a > b);
}

static void put_in_order(wiki_view *v) {
    for (int i = 0; i < v->n; i++) {
        int at = i;
        for (; at && is_newer(v, i, v->order[at - 1]); at--)
            v->order[at] = v->order[at - 1];
        v->order[at] = i;
    }
}

static void mark(uint8_t *bits, size_t rank) {
    bits[rank / 8] |= (uint8_t)(1u << rank % 8);
}

// Marks the ranks of `old` whose titles `new` has.
static void mark_shadowed(uint8_t *bits, const wiki_index *old, const wiki_index *new) {
    bool walks_new = new->titles.n < old->titles.n;
    const store_dict *walked = walks_new ? &new->titles : &old->titles;
    const store_dict *asked = walks_new ? &old->titles : &new->titles;
    store_dict_cursor c;
    store_dict_seek(&c, walked, 0);
    str title;
    for (size_t i = 0, at; store_dict_next(&title, NULL, &c); i++)
        if (store_dict_find(&at, NULL, asked, title)) mark(bits, walks_new ? at : i);
}

static void list_shadowed(wiki_view *v, int layer, const uint8_t *bits, size_t n) {
    uint32_t *list = arena_array(&v->mem, uint32_t, 0);
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        if (bits[i / 8] >> i % 8 & 1) {
            if (k % 1024 == 0) (void)arena_alloc(&v->mem, 1024 * sizeof *list);
            list[k++] = (uint32_t)i;
        }
    v->shadowed[layer] = list, v->n_shadowed[layer] = k;
}

static status find_shadowed(wiki_view *v, err *e) {
    for (int i = 1; i < v->n; i++) {
        int old = v->order[i];
        size_t n = wiki_index_pages(v->layer[old]->ix);
        uint8_t *bits = calloc(n / 8 + 1, 1);
        if (!bits) return err_set(e, E_MEMORY, "no memory to lay %zu titles over others", n);
        for (int k = 0; k < i; k++)
            mark_shadowed(bits, v->layer[old]->ix, v->layer[v->order[k]]->ix);
        list_shadowed(v, old, bits, n);
        free(bits);
    }
    return OK;
}

status wiki__view_make(wiki_view **out, wiki__layer *const *layers, size_t n, wiki__mapped *mapped,
                       err *e) {
    arena mem;
    size_t room = sizeof(wiki_view) + (1 << 16);
    for (size_t i = 0; n > 1 && i < n; i++)
        room += 4 * wiki_index_pages(layers[i]->ix) + 8192;
    TRY(arena_open(&mem, room, e));
    static _Atomic(uint64_t) n_made;
    wiki_view *v = arena_new(&mem, wiki_view);
    v->number = atomic_fetch_add(&n_made, 1) + 1;
    uint64_t base = 0;
    for (size_t i = 0; i < n; i++) {
        atomic_fetch_add(&layers[i]->n_users, 1);
        v->layer[v->n] = layers[i];
        v->base[v->n++] = base;
        base += wiki_index_xml_len(layers[i]->ix);
    }
    v->mem = mem;
    v->mapped = mapped;
    put_in_order(v);
    status s = find_shadowed(v, e);
    if (s)
        wiki__view_drop(v);
    else
        *out = v;
    return s;
}

size_t wiki__shadowed_below(const wiki_view *v, int layer, int64_t rank) {
    size_t lo = 0, hi = v->n_shadowed[layer];
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (v->shadowed[layer][mid] < rank)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

bool wiki__is_shadowed(const wiki_view *v, int layer, int64_t rank) {
    size_t at = wiki__shadowed_below(v, layer, rank);
    return at < v->n_shadowed[layer] && v->shadowed[layer][at] == rank;
}

// --- What a view is --------------------------------------------------------------------------

const wiki_site *wiki_view_site(const wiki_view *v) {
    return wiki_index_site(v->layer[v->order[0]]->ix);
}

uint64_t wiki_view_number(const wiki_view *v) {
    return v->number;
}

uint64_t wiki_view_pages(const wiki_view *v) {
    uint64_t n = 0;
    for (int i = 0; i < v->n; i++)
        n += wiki_index_pages(v->layer[i]->ix) - v->n_shadowed[i];
    return n;
}

bool wiki_view_is_partial(const wiki_view *v) {
    for (int i = 0; i < v->n; i++)
        if (v->layer[i]->is_partial) return true;
    return false;
}

uint64_t wiki_view_xml_len(const wiki_view *v) {
    return v->base[v->n - 1] + wiki_index_xml_len(v->layer[v->n - 1]->ix);
}

int64_t wiki_view_modified_ns(const wiki_view *v) {
    int64_t t = 0;
    for (int i = 0; i < v->n; i++)
        if (v->layer[i]->source.file.mtime_ns > t) t = v->layer[i]->source.file.mtime_ns;
    return t;
}

// --- Titles ----------------------------------------------------------------------------------

void wiki_get(wiki_hit *out, const wiki_view *v, int layer, int64_t rank, arena *a) {
    CHECK(layer >= 0 && layer < v->n);
    out->layer = layer;
    wiki_index_get(&out->page, v->layer[layer]->ix, rank, a);
    out->page.off += v->base[layer];
}

bool wiki_find(wiki_hit *out, const wiki_view *v, str title, arena *a) {
    for (int i = 0; i < v->n; i++) {
        int64_t rank = wiki_index_find(v->layer[v->order[i]]->ix, title);
        if (rank < 0) continue;
        wiki_get(out, v, v->order[i], rank, a);
        return true;
    }
    return false;
}

bool wiki_resolve(wiki_hit *out, const wiki_view *v, str text, arena *a) {
    if (wiki_find(out, v, text, a)) return true;
    for (int i = 0; i < v->n; i++) {
        int64_t rank = wiki_index_resolve(v->layer[v->order[i]]->ix, text, *a);
        if (rank < 0 || wiki__is_shadowed(v, v->order[i], rank)) continue;
        wiki_get(out, v, v->order[i], rank, a);
        return true;
    }
    return false;
}

bool wiki_exists(const wiki_view *v, str text, arena scratch) {
    wiki_hit h;
    return wiki_resolve(&h, v, text, &scratch);
}

// By title, so that a redirect of an old dump leads to the page as the newest has it.
bool wiki_follow(wiki_hit *h, const wiki_view *v, arena *a) {
    for (int hop = 0; h->page.is_redirect && hop < WIKI_REDIRECT_MAX; hop++) {
        wiki_hit next;
        if (h->page.target < 0) return false;
        wiki_get(&next, v, h->layer, h->page.target, a);
        if (v->n > 1 && !wiki_find(&next, v, next.page.title, a)) return false;
        *h = next;
    }
    return !h->page.is_redirect;
}

// --- Suggestions -----------------------------------------------------------------------------

typedef struct shadow {
    const wiki_view *v;
    int layer;
} shadow;

static bool skips(void *arg, int64_t rank) {
    const shadow *s = arg;
    return wiki__is_shadowed(s->v, s->layer, rank);
}

static int before(const wiki_suggestion *a, const wiki_suggestion *b) {
    if (a->is_exact != b->is_exact) return a->is_exact;
    return a->score > b->score;
}

void wiki_suggest(wiki_hits *out, const wiki_view *v, str prefix, size_t max, int ns, arena *a) {
    wiki_suggestion found[WIKI_LAYERS_MAX][WIKI_SUGGEST_MAX];
    size_t n[WIKI_LAYERS_MAX], at[WIKI_LAYERS_MAX] = {0};
    *out = (wiki_hits){0};
    for (int i = 0; i < v->n; i++) {
        int64_t lo, hi, total;
        shadow s = {v, v->order[i]};
        const wiki_index *ix = v->layer[s.layer]->ix;
        bool hides = v->n_shadowed[s.layer] > 0;
        n[i] =
            wiki_index_suggest(found[i], max, &total, ix, prefix, ns, hides ? skips : NULL, &s, *a);
        out->total += (uint64_t)total;
        if (!hides || !total) continue;
        wiki_index_range(&lo, &hi, ix, prefix, *a);
        out->total -= wiki__shadowed_below(v, s.layer, hi) - wiki__shadowed_below(v, s.layer, lo);
    }
    max = min_size(max, WIKI_SUGGEST_MAX);
    out->hits = arena_array(a, wiki_hit, max);
    while (out->n < max) {
        int best = -1;
        for (int i = 0; i < v->n; i++)
            if (at[i] < n[i] && (best < 0 || before(&found[i][at[i]], &found[best][at[best]])))
                best = i;
        if (best < 0) break;
        const wiki_suggestion *s = &found[best][at[best]++];
        if (!out->n) out->is_exact_first = s->is_exact;
        wiki_hit *h = &out->hits[out->n++];
        h->layer = v->order[best];
        wiki_index_get_title(&h->page, v->layer[h->layer]->ix, s->rank, a);
    }
}

// --- Text ------------------------------------------------------------------------------------

// The layer that holds the range, and where in it; -1 when no single one does.
static int layer_at(uint64_t *at, const wiki_view *v, uint64_t off, uint64_t len) {
    for (int i = v->n - 1; i >= 0; i--) {
        if (off < v->base[i]) continue;
        uint64_t end = wiki_index_xml_len(v->layer[i]->ix);
        *at = off - v->base[i];
        return *at <= end && len <= end - *at ? i : -1;
    }
    return -1;
}

status wiki_read(str *out, const wiki_view *v, uint64_t off, uint64_t len, arena *a, err *e) {
    uint64_t at;
    int i = layer_at(&at, v, off, len);
    if (i < 0)
        return err_set(e, E_ARG, "bytes from %llu on are in no dump", (unsigned long long)off);
    return wiki_source_read(out, &v->layer[i]->source, at, len, a, e);
}

const os_map *wiki_plain_at(uint64_t *at, const wiki_view *v, uint64_t off, uint64_t len) {
    int i = layer_at(at, v, off, len);
    return i < 0 || v->layer[i]->source.is_packed ? NULL : &v->layer[i]->source.file;
}

status wiki_page_xml(str *out, const wiki_view *v, const wiki_hit *h, arena *a, err *e) {
    wiki__layer *l = v->layer[h->layer];
    const wiki_page *p = &h->page;
    bool is_kept = l->source.is_packed && (p->ns == NS_TEMPLATE || p->ns == NS_MODULE);
    if (is_kept && wiki__kept_get(out, &l->kept, p->off, p->len, a)) return OK;
    TRY(wiki_read(out, v, p->off, p->len, a, e));
    if (is_kept) wiki__kept_put(&l->kept, p->off, *out);
    return OK;
}
