// A free list of pages in one reserved block of memory, and a block table for each sequence.

#include "lm/pages.h"

#include <stdlib.h>

struct lm_pages {
    arena a;
    size_t heads, head_floats, stride;  // stride: floats of a page
    uint32_t *free;
    size_t n_free, total;
    uint64_t looked;
};

size_t lm__pages_for(size_t max_length) {
    return (max_length + KERN_PAGE - 1) / KERN_PAGE;
}

size_t lm__page_bytes(const lm_model *m) {
    return (size_t)m->spec.n_layer * (size_t)m->spec.n_embd * 2 * KERN_PAGE * sizeof(float);
}

status lm__pages_open(lm_pages **out, const lm_model *m, size_t bytes, err *e) {
    *out = NULL;
    lm_pages *p = calloc(1, sizeof *p);
    if (!p) return err_set(e, E_MEMORY, "no memory for a table of pages");
    p->heads = (size_t)m->spec.n_head;
    p->head_floats = 2 * (size_t)KERN_PAGE * (size_t)(m->spec.n_embd / m->spec.n_head);
    p->stride = (size_t)m->spec.n_layer * p->heads * p->head_floats;
    p->total = p->n_free = bytes / (p->stride * sizeof(float));
    p->free = calloc(p->total + 1, sizeof *p->free);
    status s = p->free ? arena_open(&p->a, (p->total + 1) * p->stride * sizeof(float), e)
                       : err_set(e, E_MEMORY, "no memory for %zu pages", p->total);
    if (s) {
        lm__pages_close(p);
        return s;
    }
    for (size_t i = 0; i < p->total; i++)
        p->free[i] = (uint32_t)(p->total - 1 - i);
    *out = p;
    return OK;
}

void lm__pages_close(lm_pages *p) {
    if (!p) return;
    arena_close(&p->a);
    free(p->free);
    free(p);
}

void lm__page_counts(lm_page_counts *out, const lm_pages *p) {
    *out = (lm_page_counts){.total = p->total,
                            .used = p->total - p->n_free,
                            .page_bytes = p->stride * sizeof(float),
                            .looked_tokens = p->looked};
}

bool lm__seq_open(lm_seq *s, lm_pages *p, const int32_t *prompt, size_t n_prompt,
                  size_t max_length) {
    (void)prompt;
    size_t n = lm__pages_for(max_length);
    if (n > p->n_free) return false;
    uint32_t *table = calloc(n, sizeof *table);
    if (!table) return false;
    for (size_t i = 0; i < n; i++)
        table[i] = p->free[--p->n_free];
    p->looked += n_prompt;
    *s = (lm_seq){.pages = p, .page = table, .n_table = n};
    return true;
}

void lm__seq_advance(lm_seq *s, const int32_t *ids, size_t n) {
    (void)ids;
    s->n_past += n;
}

void lm__seq_close(lm_seq *s) {
    for (size_t i = 0; i < s->n_table; i++)
        s->pages->free[s->pages->n_free++] = s->page[i];
    free(s->page);
    *s = (lm_seq){0};
}

kern_kv lm__seq_kv(const lm_seq *s, size_t layer, size_t head) {
    const lm_pages *p = s->pages;
    float *base = (float *)(void *)p->a.base;
    return (kern_kv){base + (layer * p->heads + head) * p->head_floats, s->page, p->stride};
}
