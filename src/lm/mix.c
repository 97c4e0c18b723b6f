// What lets tokens see each other: attention over pages of keys and values, and short convolutions
// over the last few tokens.
//
// A task of attention is some rows of a segment and one head of keys with the heads of queries that
// share it. It norms and turns its own heads, so that these need no phase.
//
//   I1  a segment's keys and values are written before its attention reads positions <= its own,
//       and by one task per head: no two tasks write to one cache line of a page
//   I2  a page holds the last inputs of a convolution among its own positions; so a token at the
//       start of a page finds what it needs in the page before, whoever computed that

#include "lm/pass.h"

#include <string.h>

// --- Heads -----------------------------------------------------------------------------------

// Norms and turns `heads` heads of row r at `x`.
static void turn_heads(const lm_pass *p, size_t r, float *x, size_t heads, const lm_norm *norm) {
    const lm_spec *s = &p->m->spec;
    size_t size = (size_t)s->head_dim;
    int rope = lm__layer_spec(p)->rope;
    if (s->qk_norm == LM_QK_HEAD)
        for (size_t i = 0; i < heads; i++)
            lm__norm(p->m, x + i * size, x + i * size, norm, size);
    if (rope < 0) return;
    const float *cos = p->w->turns + r * p->w->ld_turns + (size_t)rope * 2 * p->w->half;
    p->m->kern->rope(x, heads, size, (size_t)s->rope[rope].dims / 2, cos, cos + p->w->half);
}

static void put_head(lm_pass *p, size_t seg, size_t head) {
    const lm_segment *s = &p->segs[seg];
    const lm_spec *m = &p->m->spec;
    size_t size = (size_t)m->head_dim, keys = (size_t)m->n_kv_head * size;
    kern_kv kv = lm__seq_kv(s->seq, p->layer, head);
    for (size_t i = 0; i < s->n; i++) {
        size_t r = p->row_of[seg] + i;
        float *key = p->w->in + r * p->w->ld_in + (size_t)m->n_head * size + head * size;
        turn_heads(p, r, key, 1, &lm__layer(p)->norm_k);
        kern_kv_put(&kv, s->pos + i, key, key + keys, size);
    }
}

static void put_cut(void *arg, size_t task) {
    lm_pass *p = arg;
    size_t heads = (size_t)p->m->spec.n_kv_head;
    put_head(p, p->cut[task / heads], task % heads);
}

static void attend_span(void *arg, size_t task) {
    lm_pass *p = arg;
    const lm_spec *m = &p->m->spec;
    size_t heads = (size_t)m->n_kv_head, size = (size_t)m->head_dim, head = task % heads;
    size_t per = (size_t)m->n_head / heads;
    const lm_span *t = &p->spans[task / heads];
    const lm_segment *s = &p->segs[t->seg];
    size_t row = p->row_of[t->seg] + t->row;
    float *q = p->w->in + row * p->w->ld_in + head * per * size;
    if (t->puts) put_head(p, t->seg, head);  // I1
    for (size_t i = 0; i < t->n; i++)
        turn_heads(p, row + i, q + i * p->w->ld_in, per, &lm__layer(p)->norm_q);
    kern_kv kv = lm__seq_kv(s->seq, p->layer, head);
    const float *sinks = lm__layer(p)->sinks;
    kern_attend a = {.q = q,
                     .out = p->w->mixed + row * p->w->ld_mixed + head * per * size,
                     .ld_q = p->w->ld_in,
                     .ld_out = p->w->ld_mixed,
                     .rows = t->n * per,
                     .per = per,
                     .n = s->pos + t->row + 1,
                     .head = size,
                     .window = (size_t)lm__layer_spec(p)->window,
                     .scale = m->attn_scale,
                     .softcap = m->attn_softcap,
                     .sinks = sinks ? sinks + head * per : NULL};
    p->m->kern->attend(&a, &kv);
}

// All of q, all of k (OLMo 2).
static void norm_all(void *arg, size_t r) {
    lm_pass *p = arg;
    const lm_spec *s = &p->m->spec;
    size_t size = (size_t)s->head_dim, q_all = (size_t)s->n_head * size;
    float *q = p->w->in + r * p->w->ld_in;
    lm__norm(p->m, q, q, &lm__layer(p)->norm_q, q_all);
    lm__norm(p->m, q + q_all, q + q_all, &lm__layer(p)->norm_k, (size_t)s->n_kv_head * size);
}

static void count_attention(const lm_pass *p) {
    const lm_spec *s = &p->m->spec;
    size_t window = (size_t)lm__layer_spec(p)->window, size = (size_t)s->head_dim;
    uint64_t seen = 0, read = 0;
    if (!window) window = SIZE_MAX;
    for (size_t i = 0; i < p->n_segs; i++) {
        const lm_segment *g = &p->segs[i];
        read += min_size(g->pos + g->n, window < SIZE_MAX ? window + g->n - 1 : window);
        for (size_t r = 1; r <= g->n; r++)
            seen += min_size(g->pos + r, window);
    }
    uint64_t position = kern_kv_floats(s->kv_type, size) * sizeof(float) / KERN_PAGE;
    p->w->did.kv_bytes += read * (uint64_t)s->n_kv_head * position;
    p->w->did.flops += seen * (uint64_t)s->n_head * size * 4;
}

void lm__attend(lm_pass *p) {
    size_t heads = (size_t)p->m->spec.n_kv_head;
    if (p->m->spec.qk_norm == LM_QK_ALL) lm__for_rows(p, p->n_rows, norm_all);
    if (p->n_cut) os_pool_for(p->pool, p->n_cut * heads, put_cut, p);  // I1
    os_pool_for(p->pool, p->n_spans * heads, attend_span, p);
    count_attention(p);
}

// --- Short convolutions ----------------------------------------------------------------------

enum { COLS = 256 };  // channels of a task

typedef struct taps {
    float at[LM_CONV_MAX][COLS];  // inputs of the last positions: position t is in t % n
    size_t n, first, cols;        // taps; channels
} taps;

// Inputs that came before the segment.
static void recall(taps *h, const lm_pass *p, const lm_segment *s) {
    for (size_t back = 1; back < h->n; back++) {
        float *to = h->at[(s->pos + h->n - back) % h->n];
        if (back <= s->pos)
            memcpy(to, lm__seq_conv(s->seq, p->layer, s->pos - back) + h->first,
                   h->cols * sizeof *to);
        else
            memset(to, 0, h->cols * sizeof *to);
    }
}

static void convolve_row(taps *h, const lm_pass *p, size_t r, size_t pos) {
    size_t n = (size_t)p->m->spec.n_embd;
    const float *b = p->w->in + r * p->w->ld_in + h->first, *c = b + n, *x = c + n;
    const float *w = lm__layer(p)->conv + h->first;
    float *now = h->at[pos % h->n], *out = p->w->mixed + r * p->w->ld_mixed + h->first;
    for (size_t i = 0; i < h->cols; i++) {
        now[i] = b[i] * x[i];
        out[i] = 0;
    }
    for (size_t j = 0; j < h->n; j++) {
        const float *in = h->at[(pos + 1 + j) % h->n];
        for (size_t i = 0; i < h->cols; i++)
            out[i] += w[j * n + i] * in[i];
    }
    for (size_t i = 0; i < h->cols; i++)
        out[i] *= c[i];
}

static void convolve_task(void *arg, size_t task) {
    lm_pass *p = arg;
    size_t n = (size_t)p->m->spec.n_embd, blocks = (n + COLS - 1) / COLS;
    const lm_segment *s = &p->segs[task / blocks];
    taps h = {.n = (size_t)p->m->spec.n_conv, .first = task % blocks * COLS};
    h.cols = min_size(COLS, n - h.first);
    recall(&h, p, s);
    for (size_t i = 0; i < s->n; i++) {
        size_t pos = s->pos + i;
        convolve_row(&h, p, p->row_of[task / blocks] + i, pos);
        if (h.n > 1)  // I2
            memcpy(lm__seq_conv(s->seq, p->layer, pos) + h.first, h.at[pos % h.n],
                   h.cols * sizeof(float));
    }
}

void lm__convolve(lm_pass *p) {
    size_t blocks = ((size_t)p->m->spec.n_embd + COLS - 1) / COLS;
    os_pool_for(p->n_rows < LM_FEW_ROWS ? NULL : p->pool, p->n_segs * blocks, convolve_task, p);
}
