// A step is a few phases per layer, each one parallel-for: norm, QKV product, attention, output
// product, norm, two products of the MLP. Rows of all streams go through the products together, so
// weights are read once per step; attention is per stream, head and block of rows. Integer weights
// read their input in int8: norms leave it so, and the other two inputs have a phase for it.
//
// Rejected: one task graph with fine-grained dependencies (the phases are long enough that the
// barriers between them are 2 % of a step at GPT-2's size), and logits for rows that nobody
// samples.
//
//   I1  a row's result depends on its stream's tokens only: every kernel's order is fixed, so the
//       same request gives the same bits alone or in a crowd, whole or in chunks
//   I2  a segment's keys and values are written before its attention reads positions <= its own,
//       and by one task per head: no two tasks write to one cache line of a page
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

enum {
    PART_ROWS = 32,  // of a segment in a task of attention
    FEW_ROWS = 8,    // not worth waking threads for
};

// Rows of a segment that attend together.
typedef struct part {
    size_t seg, row, n;
    bool puts;  // the segment's only one, which writes keys and values itself
} part;

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
    part parts[LM_ROWS_MAX];
    size_t n_parts;
    size_t cut[LM_ROWS_MAX / PART_ROWS];  // segments of several parts
    size_t n_cut;
} pass;

static void for_rows(pass *p, size_t n, void (*body)(void *, size_t)) {
    os_pool_for(n < FEW_ROWS ? NULL : p->pool, n, body, p);
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

// What product `w` reads, with rows of x.
static kern_rows input(const pass *p, const float *x, size_t ld) {
    kern_rows in = p->w->in;
    in.x = x;
    in.ld = ld;
    return in;
}

// Norm of a row, ready to be read by product `next`.
static void norm_row(pass *p, size_t to, size_t from, const float *gain, const float *bias,
                     const kern_mat *next) {
    lm_work *w = p->w;
    p->m->kern->layernorm(w->norm + to * w->ld, w->x + from * w->ld, gain, bias, 1e-5F,
                          (size_t)p->m->spec.n_embd);
    if (!kern_type_is_int(next->type)) return;
    kern_rows in = input(p, w->norm, w->ld);
    p->m->kern->quantise(&in, to, next->k);
}
static void norm1_row(void *arg, size_t r) {
    pass *p = arg;
    const lm_layer *l = &p->m->layers[p->layer];
    norm_row(p, r, r, l->ln1_gain, l->ln1_bias, &l->qkv);
}
static void norm2_row(void *arg, size_t r) {
    pass *p = arg;
    const lm_layer *l = &p->m->layers[p->layer];
    norm_row(p, r, r, l->ln2_gain, l->ln2_bias, &l->fc);
}
static void norm_last_row(void *arg, size_t i) {
    pass *p = arg;
    norm_row(p, i, p->last_of[i], p->m->ln_gain, p->m->ln_bias, &p->m->wte);
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
// evenly. `x` that is not the norms' has no int8 side yet.
static void multiply(const pass *p, float *y, size_t ldy, const float *x, size_t ld, size_t rows,
                     const kern_mat *w, kern_store how) {
    product t = {p->m->kern, y, ldy, rows, 1, input(p, x, ld), w, how};
    if (kern_type_is_int(w->type) && x != p->w->norm)
        os_pool_for(rows < FEW_ROWS ? NULL : p->pool, rows, quantise_row, &t);
    size_t panels = kern_panels(w->n), share = (size_t)os_pool_threads(p->pool) + 1;
    size_t big = 65536 / kern_panel_bytes(w->type, w->k);
    t.chunk = max_size(1, min_size(big, panels / (4 * share)));
    os_pool_for(p->pool, (panels + t.chunk - 1) / t.chunk, product_chunk, &t);
}

// --- Attention ---------------------------------------------------------------------------------

// Whole segments, or their last rows first: these look at the most keys, and long tasks that come
// last leave threads idle.
static void cut_parts(pass *p) {
    for (size_t s = 0; s < p->n_segs; s++) {
        size_t left = p->segs[s].n;
        if (left <= PART_ROWS) {
            p->parts[p->n_parts++] = (part){s, 0, left, true};
            continue;
        }
        p->cut[p->n_cut++] = s;
        while (left) {
            size_t n = min_size(left, PART_ROWS);
            left -= n;
            p->parts[p->n_parts++] = (part){s, left, n, false};
        }
    }
}

static void put_head(pass *p, size_t seg, size_t head) {
    const lm_segment *s = &p->segs[seg];
    size_t c = (size_t)p->m->spec.n_embd, size = c / (size_t)p->m->spec.n_head;
    kern_kv kv = lm__seq_kv(s->seq, p->layer, head);
    const float *key = p->w->qkv + p->row_of[seg] * p->w->ld_qkv + c + head * size;
    for (size_t i = 0; i < s->n; i++, key += p->w->ld_qkv)
        kern_kv_put(&kv, s->pos + i, key, key + c, size);
}

static void put_cut(void *arg, size_t task) {
    pass *p = arg;
    size_t heads = (size_t)p->m->spec.n_head;
    put_head(p, p->cut[task / heads], task % heads);
}

static void attend_part(void *arg, size_t task) {
    pass *p = arg;
    const lm_model *m = p->m;
    size_t heads = (size_t)m->spec.n_head, size = (size_t)m->spec.n_embd / heads;
    size_t head = task % heads;
    const part *t = &p->parts[task / heads];
    const lm_segment *s = &p->segs[t->seg];
    size_t row = p->row_of[t->seg] + t->row;
    if (t->puts) put_head(p, t->seg, head);  // I2
    kern_kv kv = lm__seq_kv(s->seq, p->layer, head);
    kern_attend a = {.q = p->w->qkv + row * p->w->ld_qkv + head * size,
                     .out = p->w->mixed + row * p->w->ld + head * size,
                     .ld_q = p->w->ld_qkv,
                     .ld_out = p->w->ld,
                     .rows = t->n,
                     .per = 1,
                     .n = s->pos + t->row + 1,
                     .head = size};
    m->kern->attend(&a, &kv);
}

static void attend(pass *p) {
    size_t heads = (size_t)p->m->spec.n_head;
    if (p->n_cut) os_pool_for(p->pool, p->n_cut * heads, put_cut, p);  // I2
    os_pool_for(p->pool, p->n_parts * heads, attend_part, p);
}

// --- The pass --------------------------------------------------------------------------------

static void run_layer(pass *p) {
    lm_work *w = p->w;
    const lm_layer *l = &p->m->layers[p->layer];
    size_t n = p->n_rows;
    for_rows(p, n, norm1_row);
    multiply(p, w->qkv, w->ld_qkv, w->norm, w->ld, n, &l->qkv, KERN_SET);
    attend(p);
    multiply(p, w->x, w->ld, w->mixed, w->ld, n, &l->proj, KERN_ADD);
    for_rows(p, n, norm2_row);
    multiply(p, w->hidden, w->ld_hidden, w->norm, w->ld, n, &l->fc, KERN_GELU);
    multiply(p, w->x, w->ld, w->hidden, w->ld_hidden, n, &l->out, KERN_ADD);
}

static void hidden_row(void *arg, size_t r) {
    pass *p = arg;
    lm_work *w = p->w;
    if (!p->segs[p->seg_of[r]].wants_hidden) return;
    p->m->kern->layernorm(w->mixed + r * w->ld, w->x + r * w->ld, p->m->ln_gain, p->m->ln_bias,
                          1e-5F, (size_t)p->m->spec.n_embd);
}

static void give_hidden(pass *p) {
    for (size_t s = 0; s < p->n_segs; s++)
        p->segs[s].hidden = p->segs[s].wants_hidden ? p->w->mixed + p->row_of[s] * p->w->ld : NULL;
    for_rows(p, p->n_rows, hidden_row);
}

static void run_head(pass *p) {
    lm_work *w = p->w;
    give_hidden(p);
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
    cut_parts(&p);
    for_rows(&p, p.n_rows, embed_row);
    for (p.layer = 0; p.layer < (size_t)m->spec.n_layer; p.layer++)
        run_layer(&p);
    run_head(&p);
}
