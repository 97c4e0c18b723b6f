// A step is a few phases per layer, each one parallel-for: norm, QKV product, attention, output
// product, norm, two products of the MLP. Rows of all streams go through the products together,
// so weights are read once per step; attention is per stream and head.
//
// Rejected: one task graph with fine-grained dependencies (the phases are long enough that the
// barriers between them are 2 % of a step at GPT-2's size), and logits for rows that nobody
// samples.
//
//   I1  a row's result depends on its stream's tokens only: every kernel's order is fixed, so the
//       same request gives the same bits alone or in a crowd, whole or in chunks
//   I2  attention of a segment writes its own keys and values first, then reads positions <= its
//       own; tasks are (segment, head), so no two tasks share a cache line of the cache
//   I3  row strides are an odd number of cache lines, so that rows do not share cache sets

#include "lm/forward.h"

#include <math.h>
#include <sys/mman.h>

// --- Memory ----------------------------------------------------------------------------------

static size_t kv_per_head(const lm_model *m, int max_length) {
    return align_up((size_t)max_length, KERN_LANES) * (size_t)(m->spec.n_embd / m->spec.n_head);
}

size_t lm__kv_bytes(const lm_model *m, int max_length) {
    size_t heads = (size_t)m->spec.n_layer * (size_t)m->spec.n_head;
    return heads * 2 * kv_per_head(m, max_length) * sizeof(float);
}

status lm__kv_open(lm_kv *kv, const lm_model *m, int max_length, err *e) {
    kv->per_head = kv_per_head(m, max_length);
    return arena_open(&kv->a, lm__kv_bytes(m, max_length), e);
}

void lm__kv_close(lm_kv *kv) {
    arena_close(&kv->a);
}

static kern_cache cache_of(const lm_kv *kv, const lm_model *m, size_t layer, size_t head) {
    float *base = (float *)(void *)kv->a.base;
    float *keys = base + (layer * (size_t)m->spec.n_head + head) * 2 * kv->per_head;
    return (kern_cache){keys, keys + kv->per_head};
}

static size_t stride(size_t n) {
    return align_up(n, KERN_LANES) | KERN_LANES;  // I3
}

status lm__work_open(lm_work *w, const lm_model *m, err *e) {
    size_t c = (size_t)m->spec.n_embd;
    *w = (lm_work){.ld = stride(c), .ld_qkv = stride(3 * c), .ld_hidden = stride(4 * c)};
    w->ld_logits = stride((size_t)m->spec.vocab_size);
    size_t row = 3 * w->ld + w->ld_qkv + w->ld_hidden + w->ld_logits;
    TRY(arena_open(&w->a, LM_ROWS_MAX * row * sizeof(float), e));
    float *at = (float *)(void *)w->a.base;
    struct {
        float **to;
        size_t ld;
    } parts[] = {{&w->x, w->ld},       {&w->norm, w->ld},          {&w->mixed, w->ld},
                 {&w->qkv, w->ld_qkv}, {&w->hidden, w->ld_hidden}, {&w->logits, w->ld_logits}};
    for (size_t i = 0; i < countof(parts); i++) {
        *parts[i].to = at;
        at += LM_ROWS_MAX * parts[i].ld;
    }
    return OK;
}

void lm__work_close(lm_work *w) {
    arena_close(&w->a);
}

// --- Phases ----------------------------------------------------------------------------------

typedef struct pass {
    lm_work *w;
    const lm_model *m;
    os_pool *pool;
    lm_segment *segs;
    size_t n_segs, n_rows, layer;
    size_t row_of[LM_ROWS_MAX];   // first row of a segment
    size_t seg_of[LM_ROWS_MAX];   // a row's segment
    size_t last_of[LM_ROWS_MAX];  // rows whose logits are wanted
    size_t n_last;
} pass;

// Few rows are not worth waking threads for.
static void for_rows(pass *p, size_t n, void (*body)(void *, size_t)) {
    os_pool_for(n < 8 ? NULL : p->pool, n, body, p);
}

static void embed_row(void *arg, size_t r) {
    pass *p = arg;
    const lm_segment *s = &p->segs[p->seg_of[r]];
    size_t i = r - p->row_of[p->seg_of[r]], c = (size_t)p->m->spec.n_embd;
    float *x = p->w->x + r * p->w->ld;
    const float *wpe = p->m->wpe + (s->pos + i) * c;
    kern_unpack_row(x, &p->m->wte, (size_t)s->ids[i]);
    for (size_t j = 0; j < c; j++)
        x[j] += wpe[j];
}

static void norm_row(pass *p, size_t to, size_t from, const float *gain, const float *bias) {
    lm_work *w = p->w;
    p->m->kern->layernorm(w->norm + to * w->ld, w->x + from * w->ld, gain, bias,
                          (size_t)p->m->spec.n_embd);
}
static void norm1_row(void *arg, size_t r) {
    pass *p = arg;
    const lm_layer *l = &p->m->layers[p->layer];
    norm_row(p, r, r, l->ln1_gain, l->ln1_bias);
}
static void norm2_row(void *arg, size_t r) {
    pass *p = arg;
    const lm_layer *l = &p->m->layers[p->layer];
    norm_row(p, r, r, l->ln2_gain, l->ln2_bias);
}
static void norm_last_row(void *arg, size_t i) {
    pass *p = arg;
    norm_row(p, i, p->last_of[i], p->m->ln_gain, p->m->ln_bias);
}

typedef struct product {
    const kern *kern;
    float *y;
    const float *x;
    size_t ldy, ldx, rows, chunk;  // chunk: panels in a task
    const kern_mat *w;
    kern_store how;
} product;

static void product_chunk(void *arg, size_t i) {
    product *t = arg;
    size_t p0 = i * t->chunk, p1 = min_size(p0 + t->chunk, kern_panels(t->w->n));
    t->kern->matmul(t->y, t->ldy, t->x, t->ldx, t->rows, t->w, p0, p1, t->how);
}

// Tasks of at least 64 KB of weights, where that leaves enough tasks to share out evenly.
static void multiply(const pass *p, product t) {
    size_t panels = kern_panels(t.w->n), share = (size_t)os_pool_threads(p->pool) + 1;
    size_t big = 65536 / (t.w->k * KERN_PANEL * sizeof(float));
    t.kern = p->m->kern;
    t.chunk = max_size(1, min_size(big, panels / (4 * share)));
    os_pool_for(p->pool, (panels + t.chunk - 1) / t.chunk, product_chunk, &t);
}

static void attend_head(void *arg, size_t task) {
    pass *p = arg;
    const lm_model *m = p->m;
    size_t heads = (size_t)m->spec.n_head, c = (size_t)m->spec.n_embd, size = c / heads;
    size_t seg = task / heads, head = task % heads;
    const lm_segment *s = &p->segs[seg];
    kern_cache cache = cache_of(s->kv, m, p->layer, head);
    _Alignas(KERN_ALIGN) float scores[LM_BLOCK_MAX];
    for (size_t i = 0; i < s->n; i++) {  // I2
        const float *q = p->w->qkv + (p->row_of[seg] + i) * p->w->ld_qkv + head * size;
        kern_cache_put(cache, s->pos + i, q + c, q + 2 * c, size);
    }
    for (size_t i = 0; i < s->n; i++) {
        size_t r = p->row_of[seg] + i;
        const float *q = p->w->qkv + r * p->w->ld_qkv + head * size;
        float *out = p->w->mixed + r * p->w->ld + head * size;
        m->kern->attend(out, scores, q, cache, s->pos + i + 1, size);
    }
}

// --- The pass --------------------------------------------------------------------------------

static void run_layer(pass *p) {
    lm_work *w = p->w;
    const lm_layer *l = &p->m->layers[p->layer];
    size_t n = p->n_rows;
    for_rows(p, n, norm1_row);
    multiply(p, (product){.y = w->qkv,
                          .ldy = w->ld_qkv,
                          .x = w->norm,
                          .ldx = w->ld,
                          .rows = n,
                          .w = &l->qkv,
                          .how = KERN_SET});
    os_pool_for(p->pool, p->n_segs * (size_t)p->m->spec.n_head, attend_head, p);
    multiply(p, (product){.y = w->x,
                          .ldy = w->ld,
                          .x = w->mixed,
                          .ldx = w->ld,
                          .rows = n,
                          .w = &l->proj,
                          .how = KERN_ADD});
    for_rows(p, n, norm2_row);
    multiply(p, (product){.y = w->hidden,
                          .ldy = w->ld_hidden,
                          .x = w->norm,
                          .ldx = w->ld,
                          .rows = n,
                          .w = &l->fc,
                          .how = KERN_GELU});
    multiply(p, (product){.y = w->x,
                          .ldy = w->ld,
                          .x = w->hidden,
                          .ldx = w->ld_hidden,
                          .rows = n,
                          .w = &l->out,
                          .how = KERN_ADD});
}

static void run_head(pass *p) {
    lm_work *w = p->w;
    if (p->n_last == 0) return;
    for_rows(p, p->n_last, norm_last_row);
    multiply(p, (product){.y = w->logits,
                          .ldy = w->ld_logits,
                          .x = w->norm,
                          .ldx = w->ld,
                          .rows = p->n_last,
                          .w = &p->m->wte,
                          .how = KERN_SET});
    size_t n = (size_t)p->m->spec.vocab_size, padded = lm__logits_padded(p->m), i = 0;
    for (size_t s = 0; s < p->n_segs; s++) {
        if (!p->segs[s].want) continue;
        float *logits = w->logits + i++ * w->ld_logits;
        for (size_t j = n; j < padded; j++)
            logits[j] = -INFINITY;
        p->segs[s].logits = logits;
    }
}

void lm__forward(lm_work *w, const lm_model *m, os_pool *pool, lm_segment *segs, size_t n_segs) {
    pass p = {.w = w, .m = m, .pool = pool, .segs = segs, .n_segs = n_segs};
    CHECK(n_segs <= LM_ROWS_MAX);
    for (size_t s = 0; s < n_segs; s++) {
        CHECK(segs[s].n > 0 && segs[s].n <= LM_ROWS_MAX - p.n_rows);
        p.row_of[s] = p.n_rows;
        for (size_t i = 0; i < segs[s].n; i++)
            p.seg_of[p.n_rows++] = s;
        if (segs[s].want) p.last_of[p.n_last++] = p.n_rows - 1;
    }
    for_rows(&p, p.n_rows, embed_row);
    for (p.layer = 0; p.layer < (size_t)m->spec.n_layer; p.layer++)
        run_layer(&p);
    run_head(&p);
}
