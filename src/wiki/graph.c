// The graph of pages: categories and their members, links back, redirects that lead here.
//
// All of it is lists of ranks in order of titles. Categories are a dictionary of their names, so
// that they are found, counted and paged as titles are; a page's links back are the list with its
// rank.
//
// Rejected: members by score (order of titles is what a category page shows, and it packs to a byte
// a member); forward links (they stand in the page's text).
//
//   I1  what a list says is a rank only when it is below the number of pages
//   I2  categories are told apart byte by byte; equal folds only make them neighbours

#include "base/utf8.h"
#include "wiki/inside.h"
#include "wiki/keyed.h"

#include <utf8proc.h>

// --- Write -----------------------------------------------------------------------------------

size_t wiki__category_record(uint8_t out[STORE_RECORD_MAX], str name, uint32_t rank) {
    if (!name.len || name.len > STORE_KEY_MAX || memchr(name.ptr, 0, name.len)) return 0;
    size_t n = store_fold((char *)out, name);
    out[n++] = 0;
    memcpy(out + n, name.ptr, name.len);
    n += name.len;
    return n + wiki__record_put_tail(out + n, rank);
}

// Folded name, 0, name, 0, rank: names have no zero byte.
static bool cut_category(str *key, uint32_t *rank, str rec) {
    str both;
    if (!wiki__record_tail(&both, rank, rec)) return false;
    size_t at = str_find_byte(both, 0);
    *key = str_skip(both, at + 1);
    return at < both.len;
}

status wiki__categories_write(store_out *o, store_merge *sorted, const char *dir, uint64_t *n,
                              err *e) {
    wiki__keyed k = {
        .dict = WIKI__CATEGORIES, .lists = WIKI__MEMBERS, .cut = cut_category, .dir = dir};
    return wiki__keyed_write(n, o, &k, sorted, e);
}

static uint32_t big_endian(const char *at) {
    const uint8_t *p = (const uint8_t *)at;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static status add_edges(store_lists_writer *w, store_merge *sorted, size_t n_pages, err *e) {
    for (;;) {
        bool more;
        str rec;
        TRY(store_merge_next(&more, &rec, sorted, e));
        if (!more) return store_lists_done(w, e);
        if (rec.len != 8) return err_set(e, E_ARG, "record %zu bytes long is no link", rec.len);
        uint32_t to = big_endian(rec.ptr), from = big_endian(rec.ptr + 4);
        if (to >= n_pages || from >= n_pages)
            return err_set(e, E_ARG, "link from %u to %u, of %zu pages", from, to, n_pages);
        TRY(store_lists_add(w, to, from, e));
    }
}

status wiki__graph_write(store_out *o, int section, store_merge *sorted, size_t n_pages,
                         const char *dir, err *e) {
    store_lists_writer *w = NULL;
    TRY(store_out_begin(o, section, e));
    status s = store_lists_begin(&w, store_out_sink(o), n_pages, dir, e);
    if (!s) s = add_edges(w, sorted, n_pages, e);
    store_lists_drop(w);
    return s;
}

// --- Categories ------------------------------------------------------------------------------

size_t wiki_index_categories(const wiki_index *ix) {
    return min_size(ix->categories.n, ix->members.n);
}

str wiki_index_category(size_t *n_members, const wiki_index *ix, size_t at, arena *a) {
    *n_members = 0;
    if (at >= wiki_index_categories(ix)) return (str){0};
    char name[STORE_KEY_MAX];
    *n_members = store_lists_count(&ix->members, at);
    return arena_str(a, store_dict_get(&ix->categories, at, name, NULL));
}

// As links name a category: entities decoded, '_' is a space, no space at the ends, NFC.
static str clean_name(str name, arena *a) {
    char *p = arena_alloc(a, name.len + 1);
    size_t n = wiki__decode(p, name);
    for (size_t i = 0; i < n; i++)
        if (p[i] == '_') p[i] = ' ';
    return wiki_nfc(str_trim((str){p, n}), a);
}

static str first_upper(str name, arena *a) {
    int32_t cp;
    size_t n = utf8_decode(&cp, name);
    if (cp == UTF8_BAD) return name;
    char *p = arena_alloc(a, UTF8_MAX + name.len);
    size_t k = utf8_encode(p, utf8proc_toupper(cp));
    memcpy(p + k, name.ptr + n, name.len - n);
    return (str){p, k + name.len - n};
}

// Of the categories with this fold the one with the most members.
static int64_t find_folded(const wiki_index *ix, str folded) {
    enum { LOOK_AT = 64 };
    size_t lo, hi, most = 0;
    int64_t best = -1;
    store_dict_equal(&lo, &hi, &ix->categories, folded);
    hi = min_size(min_size(hi, wiki_index_categories(ix)), lo + LOOK_AT);
    for (size_t at = lo; at < hi; at++) {
        size_t n = store_lists_count(&ix->members, at);
        if (best < 0 || n > most) best = (int64_t)at, most = n;
    }
    return best;
}

int64_t wiki_index_category_find(const wiki_index *ix, str name, arena scratch) {
    size_t n = wiki_index_categories(ix), at;
    if (!n || name.len > WIKI__LINK_MAX) return -1;
    name = clean_name(name, &scratch);
    if (!name.len) return -1;
    if (store_dict_find(&at, NULL, &ix->categories, name) && at < n) return (int64_t)at;
    str upper = first_upper(name, &scratch);
    if (store_dict_find(&at, NULL, &ix->categories, upper) && at < n) return (int64_t)at;
    return find_folded(ix, store_fold_in(name, &scratch));
}

void wiki_index_category_range(size_t *lo, size_t *hi, const wiki_index *ix, str prefix,
                               arena scratch) {
    size_t n = wiki_index_categories(ix);
    *lo = *hi = 0;
    if (!n || prefix.len > WIKI__LINK_MAX) return;
    store_dict_prefix(lo, hi, &ix->categories, store_fold_in(prefix, &scratch));
    *hi = min_size(*hi, n);
    *lo = min_size(*lo, *hi);
}

// --- Lists -----------------------------------------------------------------------------------

static size_t page_of_list(int64_t *ranks, size_t max, size_t skip, size_t *total,
                           const wiki_index *ix, const store_lists *l, size_t list) {
    *total = list < l->n ? store_lists_count(l, list) : 0;
    if (!*total || skip >= *total) return 0;
    store_list at = store_lists_get(l, list);
    size_t n = 0;
    for (uint32_t v; n < max && store_list_next(&v, &at);) {
        if (v >= ix->titles.n) break;  // I1
        if (skip)
            skip--;
        else
            ranks[n++] = v;
    }
    return n;
}

size_t wiki_index_members(int64_t *ranks, size_t max, size_t skip, size_t *total,
                          const wiki_index *ix, size_t category) {
    return page_of_list(ranks, max, skip, total, ix, &ix->members, category);
}

size_t wiki_index_backlinks(int64_t *ranks, size_t max, size_t skip, size_t *total,
                            const wiki_index *ix, int64_t rank) {
    return page_of_list(ranks, max, skip, total, ix, &ix->backlinks, (size_t)rank);
}

size_t wiki_index_redirects_to(int64_t *ranks, size_t max, size_t skip, size_t *total,
                               const wiki_index *ix, int64_t rank) {
    return page_of_list(ranks, max, skip, total, ix, &ix->leads, (size_t)rank);
}
