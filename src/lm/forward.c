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

static size_t stride(size_t n) {
    return align_up(n, KERN_LANES) | KERN_LANES;  // I3
}

status lm__work_open(lm_work *w, const lm_model *m, err *e) {
    size_t c = (size_t)m->spec.n_embd;
    *w = (lm_work){.ld = stride(c), .ld_qkv = stride(3 * c), .ld_hidden = stride(4 * c)};
    w->ld_logits = stride((size_t)m->spec.vocab_size);
    size_t row = 3 * w->ld + w->ld_qkv + w->ld_hidden + w->ld_logits;
    size_t ld_q = align_up(4 * c, KERN_GROUP);
    size_t q_bytes = ld_q + ld_q / KERN_GROUP * sizeof(float) + ld_q / 32 * sizeof(int32_t);
    TRY(arena_open(&w->a, LM_ROWS_MAX * (row * sizeof(float) + q_bytes) + 4096, e));
    float *at = arena_array(&w->a, float, LM_ROWS_MAX *row);
    struct {
        float **to;
        size_t ld;
    } parts[] = {{&w->x, w->ld},       {&w->norm, w->ld},          {&w->mixed, w->ld},
                 {&w->qkv, w->ld_qkv}, {&w->hidden, w->ld_hidden}, {&w->logits, w->ld_logits}};
    for (size_t i = 0; i < countof(parts); i++) {
        *parts[i].to = at;
        at += LM_ROWS_MAX * parts[i].ld;
    }
    w->in.ld_q = ld_q;
    w->in.q = arena_alloc(&w->a, LM_ROWS_MAX * ld_q);
    w->in.scale = arena_array(&w->a, float, LM_ROWS_MAX *ld_q / KERN_GROUP);
    w->in.sum = arena_array(&w->a, int32_t, LM_ROWS_MAX * ld_q / 32);
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
    size_t ldy, rows, chunk;  // chunk: panels in a task
    kern_rows in;
    const kern_mat *w;
    kern_store how;
} product;

static void product_chunk(void *arg, size_t i) {
    product *t = arg;
    size_t p0 = i * t->chunk, p1 = min_size(p0 + t->chunk, kern_panels(t->w->n));
    t->kern->matmul(t->y, t->ldy, &t->in, t->rows, t->w, p0, p1, t->how);
}

static void quantise_row(void *arg, size_t r) {
    product *t = arg;
    t->kern->quantise(&t->in, r, t->w->k);
}

// y = x W^T + b. Tasks of at least 64 KB of weights, where that leaves enough tasks to share out
// evenly.
static void multiply(const pass *p, float *y, size_t ldy, const float *x, size_t ld, size_t rows,
                     const kern_mat *w, kern_store how) {
    product t = {p->m->kern, y, ldy, rows, 1, p->w->in, w, how};
    t.in.x = x;
    t.in.ld = ld;
    if (kern_type_is_int(w->type)) os_pool_for(rows < 8 ? NULL : p->pool, rows, quantise_row, &t);
    size_t panels = kern_panels(w->n), share = (size_t)os_pool_threads(p->pool) + 1;
    size_t big = 65536 / kern_panel_bytes(w->type, w->k);
    t.chunk = max_size(1, min_size(big, panels / (4 * share)));
    os_pool_for(p->pool, (panels + t.chunk - 1) / t.chunk, product_chunk, &t);
}

static void attend_head(void *arg, size_t task) {
    pass *p = arg;
    const lm_model *m = p->m;
    size_t heads = (size_t)m->spec.n_head, c = (size_t)m->spec.n_embd, size = c / heads;
    size_t seg = task / heads, head = task % heads, row = p->row_of[seg];
    const lm_segment *s = &p->segs[seg];
    kern_kv kv = lm__seq_kv(s->seq, p->layer, head);
    float *q = p->w->qkv + row * p->w->ld_qkv + head * size;
    for (size_t i = 0; i < s->n; i++) {  // I2
        const float *key = q + i * p->w->ld_qkv + c;
        kern_kv_put(&kv, s->pos + i, key, key + c, size);
    }
    kern_attend a = {.q = q,
                     .out = p->w->mixed + row * p->w->ld + head * size,
                     .ld_q = p->w->ld_qkv,
                     .ld_out = p->w->ld,
                     .rows = s->n,
                     .per = 1,
                     .n = s->pos + 1,
                     .head = size};
    m->kern->attend(&a, &kv);
}

// --- The pass --------------------------------------------------------------------------------

static void run_layer(pass *p) {
    lm_work *w = p->w;
    const lm_layer *l = &p->m->layers[p->layer];
    size_t n = p->n_rows;
    for_rows(p, n, norm1_row);
    multiply(p, w->qkv, w->ld_qkv, w->norm, w->ld, n, &l->qkv, KERN_SET);
    os_pool_for(p->pool, p->n_segs * (size_t)p->m->spec.n_head, attend_head, p);
    multiply(p, w->x, w->ld, w->mixed, w->ld, n, &l->proj, KERN_ADD);
    for_rows(p, n, norm2_row);
    multiply(p, w->hidden, w->ld_hidden, w->norm, w->ld, n, &l->fc, KERN_GELU);
    multiply(p, w->x, w->ld, w->hidden, w->ld_hidden, n, &l->out, KERN_ADD);
}

static void run_head(pass *p) {
    lm_work *w = p->w;
    if (p->n_last == 0) return;
    for_rows(p, p->n_last, norm_last_row);
    multiply(p, w->logits, w->ld_logits, w->norm, w->ld, p->n_last, &p->m->wte, KERN_SET);
    size_t n = (size_t)p->m->spec.vocab_size, padded = lm__logits_padded(p->m);
    float *logits = w->logits;
    for (size_t i = 0; i < p->n_last; i++)
        for (size_t j = n; j < padded; j++)
            logits[i * w->ld_logits + j] = -INFINITY;
    for (size_t s = 0; s < p->n_segs; s++) {
        p->segs[s].logits = p->segs[s].want ? logits : NULL;
        logits += p->segs[s].want * w->ld_logits;
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
        CHECK(segs[s].want <= segs[s].n);
        for (size_t i = segs[s].want; i > 0; i--)
            p.last_of[p.n_last++] = p.n_rows - i;
    }
    for_rows(&p, p.n_rows, embed_row);
    for (p.layer = 0; p.layer < (size_t)m->spec.n_layer; p.layer++)
        run_layer(&p);
    run_head(&p);
}
