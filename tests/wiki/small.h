// tests/wiki/small.h -- an index over a few titles, written and opened section by section, for tests
// and fuzz targets of what reads words and links. No cmocka here.
#ifndef TESTS_WIKI_SMALL_H
#define TESTS_WIKI_SMALL_H

#include "wiki/inside.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct small_title {
    str title;
    uint8_t score;
} small_title;

static inline int small_cmp(const void *a, const void *b) {
    return store_fold_cmp(((const small_title *)a)->title, ((const small_title *)b)->title);
}

// Sorts and drops doubles; afterwards t[rank] is the title at that rank.
static inline size_t small_sort(small_title *t, size_t n) {
    size_t k = 0;
    qsort(t, n, sizeof *t, small_cmp);
    for (size_t i = 0; i < n; i++)
        if (!k || !str_eq(t[k - 1].title, t[i].title)) t[k++] = t[i];
    return k;
}

static inline void small_titles(store_out *o, const small_title *t, size_t n) {
    size_t n_blocks = (n + STORE_DICT_BLOCK - 1) / STORE_DICT_BLOCK, count;
    uint8_t *best = calloc(n_blocks + 1, 1);
    store_dict_writer *w;
    CHECK(best != NULL);
    CHECK(!store_out_begin(o, WIKI__TITLES, NULL));
    CHECK(!store_dict_begin(&w, store_out_sink(o), 24, NULL, NULL));
    for (size_t i = 0; i < n; i++) {
        uint64_t payload = wiki__payload_pack((wiki__payload){.score = t[i].score});
        CHECK(!store_dict_add(w, t[i].title, payload, NULL));
        uint8_t *b = &best[i / STORE_DICT_BLOCK];
        *b = *b > t[i].score ? *b : t[i].score;
    }
    CHECK(!store_dict_done(&count, w, NULL) && count == n);
    store_dict_drop(w);
    CHECK(!store_out_begin(o, WIKI__BEST, NULL));
    CHECK(!wiki__best_write(store_out_sink(o), best, n_blocks, NULL));
    free(best);
}

typedef struct small_word {
    store_sort *to;
    uint32_t rank;
} small_word;

static inline void small_word_add(void *arg, str word) {
    small_word *w = arg;
    uint8_t rec[STORE_KEY_MAX + 8];
    CHECK(!store_sort_add(w->to, rec, wiki__word_record(rec, word, w->rank), NULL));
}

static inline void small_words(store_out *o, const small_title *t, size_t n, const char *dir) {
    small_word w;
    store_merge *m;
    CHECK(!store_sort_open(&w.to, dir, 1 << 20, NULL));
    for (size_t i = 0; i < n; i++) {
        char folded[STORE_FOLD_GROWTH * STORE_KEY_MAX];
        w.rank = (uint32_t)i;
        wiki__words_of((str){folded, store_fold(folded, t[i].title)}, small_word_add, &w);
    }
    CHECK(!store_merge_open(&m, &w.to, 1, 1 << 20, NULL));
    CHECK(!wiki__words_write(o, m, dir, NULL));
    store_merge_close(m);
    store_sort_close(w.to);
}

// Points ix at the sections of its file. Damaged ones are left out.
static inline void small_open_sections(wiki_index *ix, str section[WIKI__SECTIONS]) {
    if (section[WIKI__TITLES].len && store_dict_open(&ix->titles, section[WIKI__TITLES], NULL))
        ix->titles = (store_dict){0};
    ix->best = section[WIKI__BEST];
    struct {
        int dict, lists;
        store_dict *d;
        store_lists *l;
    } pairs[] = {{WIKI__WORDS, WIKI__WORD_LISTS, &ix->words, &ix->word_lists},
                 {WIKI__CATEGORIES, WIKI__MEMBERS, &ix->categories, &ix->members},
                 {-1, WIKI__BACKLINKS, NULL, &ix->backlinks},
                 {-1, WIKI__LEADS, NULL, &ix->leads}};
    for (size_t i = 0; i < countof(pairs); i++) {
        bool is_bad = section[pairs[i].lists].len &&
                      store_lists_open(pairs[i].l, section[pairs[i].lists], NULL);
        if (pairs[i].d && section[pairs[i].dict].len)
            is_bad |= store_dict_open(pairs[i].d, section[pairs[i].dict], NULL) != OK;
        if (is_bad) *pairs[i].l = (store_lists){0};
        if (is_bad && pairs[i].d) *pairs[i].d = (store_dict){0};
    }
}

static inline void small_open(wiki_index *ix, const char *path) {
    *ix = (wiki_index){0};
    CHECK(!store_in_open(&ix->file, path, WIKI__MAGIC, WIKI__VERSION, NULL));
    str section[WIKI__SECTIONS];
    for (int i = 0; i < WIKI__SECTIONS; i++)
        section[i] = store_in_section(&ix->file, i);
    small_open_sections(ix, section);
}

// n titles as small_sort left them.
static inline void small_index(wiki_index *ix, const small_title *t, size_t n, bool with_words,
                               const char *dir, const char *path) {
    store_out *o = calloc(1, sizeof *o);
    CHECK(o && !store_out_open(o, path, WIKI__MAGIC, WIKI__VERSION, NULL));
    small_titles(o, t, n);
    if (with_words) small_words(o, t, n, dir);
    CHECK(!store_out_commit(o, NULL));
    store_out_abort(o);
    free(o);
    small_open(ix, path);
}

#endif
