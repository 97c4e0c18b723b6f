// Lists of pages over all layers: what each index lists, less what a newer dump hides.
//
//   I1  with one layer an index's own paging is used; with more each layer's list is taken whole
//       (as far as the arena holds it), so that totals and pages agree

#include "wiki/view.h"

typedef size_t list_of(int64_t *ranks, size_t max, size_t skip, size_t *total, const wiki_index *ix,
                       int64_t of);

static void start(wiki_hits *out, size_t max, arena *a) {
    *out = (wiki_hits){0};
    out->hits = arena_try_array(a, max, sizeof *out->hits);
}

// Adds the visible ones of a layer's list; *skip of them are passed over first.
static void add_layer(wiki_hits *out, const wiki_view *v, int layer, list_of *list, int64_t of,
                      size_t max, size_t *skip, arena *a, arena scratch) {
    const wiki_index *ix = v->layer[layer]->ix;
    size_t total, first = v->n == 1 ? *skip : 0;
    list(NULL, 0, 0, &total, ix, of);
    size_t want = v->n == 1 ? min_size(max, total) : total;
    int64_t *ranks = arena_try_array(&scratch, want, sizeof *ranks);
    if (!ranks || !out->hits) return;
    size_t n = list(ranks, want, first, &total, ix, of), hidden = 0;
    *skip -= first;
    for (size_t i = 0; i < n; i++) {
        if (wiki__is_shadowed(v, layer, ranks[i])) {
            hidden++;
        } else if (*skip) {
            --*skip;
        } else if (out->n < max) {
            wiki_get(&out->hits[out->n++], v, layer, ranks[i], a);
        }
    }
    out->total += total - hidden;
}

// Ranks are taken into an arena of their own: hits' titles go to `a` meanwhile.
static void add_list(wiki_hits *out, const wiki_view *v, int layer, list_of *list, int64_t of,
                     size_t max, size_t *skip, arena *a) {
    arena mem;
    size_t n = wiki_index_pages(v->layer[layer]->ix) * sizeof(int64_t) + 4096;
    if (arena_open(&mem, n, NULL)) return;
    add_layer(out, v, layer, list, of, max, skip, a, mem);
    arena_close(&mem);
}

static void of_title(wiki_hits *out, const wiki_view *v, const wiki_hit *to, list_of *list,
                     size_t max, size_t skip, arena *a) {
    start(out, max, a);
    for (int i = 0; i < v->n; i++) {
        int64_t rank = wiki_index_find(v->layer[v->order[i]]->ix, to->page.title);
        if (rank >= 0) add_list(out, v, v->order[i], list, rank, max, &skip, a);
    }
}

void wiki_backlinks(wiki_hits *out, const wiki_view *v, const wiki_hit *to, size_t max, size_t skip,
                    arena *a) {
    of_title(out, v, to, wiki_index_backlinks, max, skip, a);
}

void wiki_redirects_to(wiki_hits *out, const wiki_view *v, const wiki_hit *to, size_t max,
                       size_t skip, arena *a) {
    of_title(out, v, to, wiki_index_redirects_to, max, skip, a);
}

static size_t members(int64_t *ranks, size_t max, size_t skip, size_t *total, const wiki_index *ix,
                      int64_t of) {
    return wiki_index_members(ranks, max, skip, total, ix, (size_t)of);
}

// "Category:X" in whatever spelling, or "X", which may itself look like a title of a namespace ->
// "X".
static str category_of(const wiki_view *v, str text, arena *a) {
    int32_t ns;
    str fragment, s = wiki_title_normalise(&ns, &fragment, wiki_view_site(v), text, a);
    if (ns != 14) {
        text = arena_fmt(a, "Category:%.*s", STR_ARG(str_first(text, WIKI_TITLE_MAX)));
        s = wiki_title_normalise(&ns, &fragment, wiki_view_site(v), text, a);
    }
    return str_skip(s, str_find_byte(s, ':') + 1);
}

bool wiki_category(wiki_hits *out, str *name, const wiki_view *v, str text, size_t max, size_t skip,
                   arena *a) {
    start(out, max, a);
    str s = category_of(v, text, a);
    bool is_there = false;
    for (int i = 0; i < v->n; i++) {
        const wiki_index *ix = v->layer[v->order[i]]->ix;
        int64_t at = s.len ? wiki_index_category_find(ix, is_there ? *name : s, *a) : -1;
        if (at < 0) continue;
        size_t n;
        if (!is_there) *name = wiki_index_category(&n, ix, (size_t)at, a);
        is_there = true;
        add_list(out, v, v->order[i], members, at, max, &skip, a);
    }
    return is_there;
}

// The titles before and after of the page's own layer that can be seen.
bool wiki_neighbour(wiki_hit *out, const wiki_view *v, const wiki_hit *of, int step, arena *a) {
    int64_t n = (int64_t)wiki_index_pages(v->layer[of->layer]->ix);
    int64_t rank = of->page.rank + step;
    while (step && rank >= 0 && rank < n && wiki__is_shadowed(v, of->layer, rank))
        rank += step;
    if (!step || rank < 0 || rank >= n) return false;
    wiki_get(out, v, of->layer, rank, a);
    return true;
}

// Draws until an article comes; after many draws any page that can be seen will do.
bool wiki_random(wiki_hit *out, const wiki_view *v, uint64_t (*random)(void), arena *a) {
    uint64_t all = 0;
    bool is_found = false;
    for (int i = 0; i < v->n; i++)
        all += wiki_index_pages(v->layer[i]->ix);
    for (int draw = 0; all && draw < 1000; draw++) {
        uint64_t at = random() % all;
        int i = 0;
        for (; at >= wiki_index_pages(v->layer[i]->ix); i++)
            at -= wiki_index_pages(v->layer[i]->ix);
        if (wiki__is_shadowed(v, i, (int64_t)at)) continue;
        arena scratch = *a;
        wiki_hit h;
        wiki_get(&h, v, i, (int64_t)at, &scratch);
        bool is_article = h.page.ns == 0 && !h.page.is_redirect;
        if (is_found && !is_article) continue;
        wiki_get(out, v, i, (int64_t)at, a);
        is_found = true;
        if (is_article) return true;
    }
    return is_found;
}

// --- Merged in an order --------------------------------------------------------------------------

typedef struct run {
    int64_t *ranks;
    size_t n, at;
    wiki_hit head;
    bool has_head;
} run;

static void advance(run *r, const wiki_view *v, int layer, arena *a) {
    while (r->at < r->n && wiki__is_shadowed(v, layer, r->ranks[r->at]))
        r->at++;
    r->has_head = r->at < r->n;
    if (r->has_head) wiki_get(&r->head, v, layer, r->ranks[r->at++], a);
}

static bool by_title(const wiki_hit *a, const wiki_hit *b) {
    return str_cmp(a->page.title, b->page.title) < 0;
}

static bool by_score(const wiki_hit *a, const wiki_hit *b) {
    return a->page.score > b->page.score;
}

static void merge(wiki_hits *out, run *runs, const wiki_view *v, size_t max, size_t skip,
                  bool (*is_before)(const wiki_hit *a, const wiki_hit *b), arena *a) {
    for (int i = 0; i < v->n; i++)
        advance(&runs[i], v, v->order[i], a);
    while (out->hits && out->n < max) {
        int best = -1;
        for (int i = 0; i < v->n; i++)
            if (runs[i].has_head && (best < 0 || is_before(&runs[i].head, &runs[best].head)))
                best = i;
        if (best < 0) return;
        if (skip)
            skip--;
        else
            out->hits[out->n++] = runs[best].head;
        advance(&runs[best], v, v->order[best], a);
    }
}

void wiki_prefix(wiki_hits *out, const wiki_view *v, str prefix, size_t max, size_t skip,
                 arena *a) {
    run runs[WIKI_LAYERS_MAX] = {0};
    start(out, max, a);
    for (int i = 0; i < v->n; i++) {
        const wiki_index *ix = v->layer[v->order[i]]->ix;
        size_t total, from = v->n == 1 ? skip : 0;
        wiki_index_prefix(NULL, 0, 0, &total, ix, prefix, *a);
        size_t want = v->n == 1 ? min_size(max, total) : total;
        runs[i].ranks = arena_try_array(a, want, sizeof *runs[i].ranks);
        if (!runs[i].ranks) continue;
        runs[i].n = wiki_index_prefix(runs[i].ranks, want, from, &total, ix, prefix, *a);
        out->total += total;
        for (size_t k = 0; v->n > 1 && k < runs[i].n; k++)
            out->total -= wiki__is_shadowed(v, v->order[i], runs[i].ranks[k]);
    }
    merge(out, runs, v, max, v->n == 1 ? 0 : skip, by_title, a);
}

void wiki_search_titles(wiki_hits *out, const wiki_view *v, str text, size_t max,
                        int64_t deadline_ns, arena *a) {
    run runs[WIKI_LAYERS_MAX] = {0};
    start(out, max, a);
    for (int i = 0; i < v->n; i++) {
        wiki_search info;
        runs[i].ranks = arena_try_array(a, max, sizeof *runs[i].ranks);
        if (!runs[i].ranks) continue;
        const wiki_index *ix = v->layer[v->order[i]]->ix;
        runs[i].n = wiki_index_search(&info, runs[i].ranks, max, ix, text, deadline_ns, *a);
        out->total += info.total;
        out->is_cut |= info.is_cut, out->is_fuzzy |= info.is_fuzzy;
    }
    merge(out, runs, v, max, 0, by_score, a);
}

// --- Categories of all layers --------------------------------------------------------------------

typedef struct names {
    store_dict_cursor c;
    size_t at, hi;
    str name;  // the cursor's: the next one of this layer, "" at the end
} names;

static void next_name(names *s) {
    bool more = s->at < s->hi && store_dict_next(&s->name, NULL, &s->c);
    if (!more) s->name = (str){0};
    s->at += more;
}

static void open_names(names *s, const wiki_index *ix, str prefix, arena scratch) {
    wiki_index_category_range(&s->at, &s->hi, ix, prefix, scratch);
    if (s->at < s->hi) store_dict_seek(&s->c, &ix->categories, s->at);
    next_name(s);
}

// Members of a layer's category that a newer dump hides.
static size_t hidden_members(const wiki_view *v, int layer, size_t category) {
    size_t n = 0;
    uint32_t rank = 0;
    store_list l = store_lists_get(&v->layer[layer]->ix->members, category);
    bool more = store_list_next(&rank, &l);
    while (more) {
        size_t at = wiki__shadowed_below(v, layer, rank);
        if (at == v->n_shadowed[layer]) break;
        bool is_hidden = v->shadowed[layer][at] == rank;
        n += is_hidden;
        more = is_hidden ? store_list_next(&rank, &l)
                         : store_list_skip_to(&rank, &l, v->shadowed[layer][at]);
    }
    return n;
}

static size_t seen_members(const wiki_view *v, int layer, size_t category) {
    size_t n = store_lists_count(&v->layer[layer]->ix->members, category);
    size_t hidden = v->n_shadowed[layer] ? hidden_members(v, layer, category) : 0;
    return n - min_size(hidden, n);
}

// The layer whose next name is the first of all; -1 at the end.
static int first_of(const names *s, int n) {
    int first = -1;
    for (int i = 0; i < n; i++)
        if (s[i].name.len && (first < 0 || store_fold_cmp(s[i].name, s[first].name) < 0)) first = i;
    return first;
}

// One row of the merge: the same name in several layers is one.
static bool next_row(wiki_category_row *out, names *s, const wiki_view *v, bool is_wanted,
                     arena *a) {
    int first = first_of(s, v->n);
    if (first < 0) return false;
    char room[STORE_KEY_MAX];
    str name = {room, s[first].name.len};
    memcpy(room, s[first].name.ptr, name.len);
    if (is_wanted) *out = (wiki_category_row){.name = arena_str(a, name)};
    for (int i = first; i < v->n; i++) {
        if (!str_eq(s[i].name, name)) continue;
        if (is_wanted) out->n_members += seen_members(v, i, s[i].at - 1);
        next_name(&s[i]);
    }
    return true;
}

static size_t merge_categories(wiki_category_row *out, size_t max, size_t skip, uint64_t *total,
                               const wiki_view *v, str prefix, arena *a) {
    static const size_t room = (sizeof(names) + 16) * WIKI_LAYERS_MAX + 4096;
    arena mem;
    size_t n = 0;
    if (arena_open(&mem, room, NULL)) return 0;
    names *s = arena_array(&mem, names, (size_t)v->n);
    for (int i = 0; i < v->n; i++)
        open_names(&s[i], v->layer[i]->ix, prefix, *a);
    for (bool is_wanted;; n += is_wanted, ++*total) {
        is_wanted = *total >= skip && n < max;
        if (!next_row(is_wanted ? &out[n] : NULL, s, v, is_wanted, a)) break;
    }
    arena_close(&mem);
    return n;
}

size_t wiki_categories(wiki_category_row *out, size_t max, size_t skip, uint64_t *total,
                       const wiki_view *v, str prefix, arena *a) {
    *total = 0;
    if (v->n > 1) return merge_categories(out, max, skip, total, v, prefix, a);
    const wiki_index *ix = v->layer[0]->ix;
    size_t lo, hi, n = 0;
    wiki_index_category_range(&lo, &hi, ix, prefix, *a);
    *total = hi - lo;
    for (size_t at = skip < hi - lo ? lo + skip : hi; at < hi && n < max; at++, n++) {
        size_t members_n;
        str name = wiki_index_category(&members_n, ix, at, a);
        out[n] = (wiki_category_row){name, members_n};
    }
    return n;
}
