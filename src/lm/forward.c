// A step is a few phases per layer, each one parallel-for: the product of Q, K and V, attention or
// a convolution, the output's product, two products of the MLP, and between them norms, row by row.
// What a layer does is read from its descriptor (spec.h); there is no code per family. Rows of all
// streams go through the products together, so weights are read once per step; attention is per
// stream, head and block of rows. Integer weights read their input in int8: norms leave it so, and
// the other inputs have a phase for it.
//
// Rejected: one task graph with fine-grained dependencies (the phases are long enough that the
// barriers between them are 2 % of a step at GPT-2's size), and logits for rows that nobody
// samples.
//
//   I1  a row's result depends on its stream's tokens only: every kernel's order is fixed, so the
//       same request gives the same bits alone or in a crowd, whole or in chunks
//   I2  row strides are an odd number of cache lines, so that rows do not share cache sets

#include "lm/forward.h"

#include "lm/pass.h"

#include <math.h>
#include <string.h>

// --- Memory ----------------------------------------------------------------------------------

static size_t stride(size_t n) {
    return align_up(n, KERN_LANES) | KERN_LANES;  // I2
}

// Counts on a first run, when there is no arena yet; gives addresses on a second.
typedef struct placer {
    arena *a;
    size_t bytes;
} placer;

static void *take(placer *pl, size_t bytes) {
    bytes = align_up(bytes, KERN_ALIGN);
    pl->bytes += bytes;
    return pl->a->base ? arena_alloc(pl->a, bytes) : NULL;
}

static kern_rows take_q(placer *pl, size_t rows, size_t k) {
    kern_rows q = {.ld_q = align_up(k, KERN_GROUP)};
    q.q = take(pl, rows * q.ld_q);
    q.scale = take(pl, rows * q.ld_q / KERN_GROUP * sizeof(float));
    q.sum = take(pl, rows * q.ld_q / 32 * sizeof(int32_t));
    return q;
}

static void place_slots(placer *pl, lm_work *w, const lm_spec *s) {
    size_t rows = LM_ROWS_MAX, slots = rows * (size_t)s->n_used;
    lm_slots *z = &w->slots;
    z->ld_scores = stride((size_t)s->n_expert);
    z->ld_hidden = stride((size_t)s->n_ff_expert);
    z->scores = take(pl, rows * z->ld_scores * sizeof(float));
    z->expert = take(pl, rows * sizeof *z->expert);
    z->slot = take(pl, rows * sizeof *z->slot);
    z->weight = take(pl, rows * sizeof *z->weight);
    z->x = take(pl, slots * w->ld * sizeof(float));
    z->y = take(pl, slots * w->ld * sizeof(float));
    z->hidden = take(pl, slots * z->ld_hidden * sizeof(float));
    z->in = take_q(pl, slots, max_size((size_t)s->n_embd, (size_t)s->n_ff_expert));
}

static size_t widest_in(const lm_spec *s) {
    size_t q = (size_t)s->n_head * (size_t)s->head_dim;
    size_t kv = 2 * (size_t)s->n_kv_head * (size_t)s->head_dim, n = 0;
    for (int i = 0; i < s->n_layer; i++)
        n = max_size(n, s->layer[i].mixer == LM_MIX_CONV ? 3 * (size_t)s->n_embd : q + kv);
    return n;
}

static void place(placer *pl, lm_work *w, const lm_spec *s) {
    size_t embd = (size_t)s->n_embd, ff = (size_t)s->n_ff;
    size_t mixed = max_size((size_t)s->n_head * (size_t)s->head_dim, embd);
    for (int i = 0; i < s->n_rope; i++)
        w->half = max_size(w->half, align_up((size_t)s->rope[i].dims / 2, KERN_LANES));
    struct {
        float **to;
        size_t *ld, n;
    } all[] = {{&w->x, &w->ld, embd},
               {&w->norm, &w->ld, embd},
               {&w->y, &w->ld, embd},
               {&w->in, &w->ld_in, widest_in(s)},
               {&w->mixed, &w->ld_mixed, mixed},
               {&w->hidden, &w->ld_hidden, ff},
               {&w->logits, &w->ld_logits, (size_t)s->vocab_size},
               {&w->turns, &w->ld_turns, (size_t)s->n_rope * 2 * w->half}};
    for (size_t i = 0; i < countof(all); i++) {
        *all[i].ld = stride(all[i].n);
        *all[i].to = take(pl, LM_ROWS_MAX * *all[i].ld * sizeof(float));
    }
    w->q = take_q(pl, LM_ROWS_MAX, max_size(mixed, ff));
    if (s->n_expert) place_slots(pl, w, s);
}

status lm__work_open(lm_work *w, const lm_model *m, err *e) {
    *w = (lm_work){0};
    for (int i = 0; i < m->spec.n_layer; i++)
        if (m->spec.layer[i].rope >= 0) w->ropes |= 1U << m->spec.layer[i].rope;
    placer measure = {.a = &w->a};
    place(&measure, w, &m->spec);
    TRY(arena_open(&w->a, measure.bytes + 4096, e));
    placer give = {.a = &w->a};
    place(&give, w, &m->spec);
    return OK;
}

void lm__work_close(lm_work *w) {
    arena_close(&w->a);
}

// --- Rows ------------------------------------------------------------------------------------

// Cosines and sines of a row's position, once for all layers. The angle is rounded to f32, as those
// who trained the models do; the rest is exact to half a bit.
static void find_turns(const lm_pass *p, float *out, size_t pos) {
    const lm_spec *s = &p->m->spec;
    for (int i = 0; i < s->n_rope; i++, out += 2 * p->w->half) {
        const lm_rope *rope = &s->rope[i];
        if (!(p->w->ropes >> i & 1)) continue;
        for (int j = 0; j < rope->dims / 2; j++) {
            double angle = (double)((float)pos * rope->freq[j]);
            out[j] = (float)cos(angle) * rope->factor;
            out[p->w->half + (size_t)j] = (float)sin(angle) * rope->factor;
        }
    }
}

static void embed_row(void *arg, size_t r) {
    lm_pass *p = arg;
    const lm_model *m = p->m;
    const lm_segment *s = &p->segs[p->seg_of[r]];
    size_t i = r - p->row_of[p->seg_of[r]], c = (size_t)m->spec.n_embd;
    float *x = p->w->x + r * p->w->ld, scale = m->spec.embed_scale;
    kern_unpack_row(x, &m->embed, (size_t)s->ids[i]);
    if (scale != 1)
        for (size_t j = 0; j < c; j++)
            x[j] *= scale;
    if (m->wpe)
        for (size_t j = 0; j < c; j++)
            x[j] += m->wpe[(s->pos + i) * c + j];
    find_turns(p, p->w->turns + r * p->w->ld_turns, s->pos + i);
}

void lm__norm(const lm_model *m, float *y, const float *x, const lm_norm *norm, size_t n) {
    if (m->spec.norm == LM_NORM_LAYER)
        m->kern->layernorm(y, x, norm->gain, norm->bias, m->spec.norm_eps, n);
    else
        m->kern->rmsnorm(y, x, norm->gain, m->spec.norm_eps, n);
}

// Between two products, row by row: what the last one left in y is normed and added to the stream,
// then the stream is normed for the next one.
typedef struct between {
    lm_pass *p;
    const lm_norm *post, *pre;
    const kern_mat *next;  // NULL: nothing needs its int8 side
    bool keeps;            // leaves a copy of the stream in y,
    bool is_kept;          // which is what the norm reads
} between;

static void add_post(const lm_pass *p, size_t r, const lm_norm *post) {
    float *x = p->w->x + r * p->w->ld, *y = p->w->y + r * p->w->ld;
    size_t n = (size_t)p->m->spec.n_embd;
    lm__norm(p->m, y, y, post, n);
    for (size_t i = 0; i < n; i++)
        x[i] += y[i];
}

static void between_row(const between *b, size_t to, size_t r) {
    lm_work *w = b->p->w;
    size_t n = (size_t)b->p->m->spec.n_embd;
    float *y = w->y + r * w->ld, *norm = w->norm + to * w->ld;
    const float *x = b->is_kept ? y : w->x + r * w->ld;
    if (b->post && b->post->gain) add_post(b->p, r, b->post);
    if (b->keeps) memcpy(y, x, n * sizeof *y);
    if (b->pre->gain)
        lm__norm(b->p->m, norm, x, b->pre, n);
    else
        memcpy(norm, x, n * sizeof *norm);
    if (!b->next || !kern_type_is_int(b->next->type)) return;
    kern_rows in = w->q;
    in.x = w->norm;
    in.ld = w->ld;
    b->p->m->kern->quantise(&in, to, n);
}
static void between_each(void *arg, size_t r) {
    between_row(arg, r, r);
}
static void between_last(void *arg, size_t i) {
    const between *b = arg;
    between_row(b, i, b->p->last_of[i]);
}

static void run_between(between b, size_t n, void (*body)(void *, size_t)) {
    os_pool_for(n < LM_FEW_ROWS ? NULL : b.p->pool, n, body, &b);
}

// --- Products --------------------------------------------------------------------------------

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

void lm__count_product(lm_work *w, const kern_mat *mat, size_t rows) {
    w->did.weight_bytes += lm__mat_bytes(mat);
    w->did.flops += 2 * (uint64_t)mat->n * mat->k * rows;
}

// y = x W^T + b. `x` that is not the norms' has no int8 side yet.
static void multiply(const lm_pass *p, float *y, size_t ldy, const float *x, size_t ld, size_t rows,
                     const kern_mat *w, kern_store how) {
    product t = {.kern = p->m->kern, .y = y, .ldy = ldy, .rows = rows, .w = w, .how = how};
    t.in = p->w->q;
    t.in.x = x;
    t.in.ld = ld;
    t.chunk = lm__chunk(p, w, 1);
    if (kern_type_is_int(w->type) && x != p->w->norm)
        os_pool_for(rows < LM_FEW_ROWS ? NULL : p->pool, rows, quantise_row, &t);
    os_pool_for(p->pool, (kern_panels(w->n) + t.chunk - 1) / t.chunk, product_chunk, &t);
    lm__count_product(p->w, w, rows);
}

kern_store lm__store_of(const lm_spec *s) {
    static const kern_store gated[] = {[LM_ACT_GELU] = KERN_GEGLU,
                                       [LM_ACT_GELU_ERF] = KERN_SET,
                                       [LM_ACT_SILU] = KERN_SWIGLU,
                                       [LM_ACT_OSS] = KERN_SWIGLU_OSS};
    if (s->is_gated) return gated[s->act];
    return s->act == LM_ACT_GELU ? KERN_GELU : KERN_GELU_ERF;
}

// --- The pass --------------------------------------------------------------------------------

// Into the stream, or, when a norm comes first, into y.
static void multiply_out(const lm_pass *p, const float *x, size_t ld, const kern_mat *w,
                         const lm_norm *post) {
    if (post->gain)
        multiply(p, p->w->y, p->w->ld, x, ld, p->n_rows, w, KERN_SET);
    else
        multiply(p, p->w->x, p->w->ld, x, ld, p->n_rows, w, KERN_ADD);
}

static void run_mlp(lm_pass *p) {
    lm_work *w = p->w;
    const lm_layer *l = lm__layer(p);
    if (lm__layer_spec(p)->is_moe) {
        multiply(p, w->slots.scores, w->slots.ld_scores, w->norm, w->ld, p->n_rows, &l->router,
                 KERN_SET);
        lm__experts(p, l->norm_post_mlp.gain != NULL);
        return;
    }
    multiply(p, w->hidden, w->ld_hidden, w->norm, w->ld, p->n_rows, l->up,
             lm__store_of(&p->m->spec));
    multiply_out(p, w->hidden, w->ld_hidden, l->down, &l->norm_post_mlp);
}

// The norm that the layer before has left to do.
static const lm_norm *post_before(const lm_pass *p) {
    return p->layer ? &p->m->layers[p->layer - 1].norm_post_mlp : NULL;
}

static void run_layer(lm_pass *p) {
    lm_work *w = p->w;
    const lm_layer *l = lm__layer(p);
    bool parallel = p->m->spec.is_parallel;
    run_between((between){p, post_before(p), &l->norm_in, &l->in, .keeps = parallel}, p->n_rows,
                between_each);
    multiply(p, w->in, w->ld_in, w->norm, w->ld, p->n_rows, &l->in, KERN_SET);
    if (lm__layer_spec(p)->mixer == LM_MIX_CONV)
        lm__convolve(p);
    else
        lm__attend(p);
    multiply_out(p, w->mixed, w->ld_mixed, &l->out, &l->norm_post_in);
    run_between((between){p, &l->norm_post_in, &l->norm_mlp, l->up, .is_kept = parallel}, p->n_rows,
                between_each);
    run_mlp(p);
}

static void hidden_row(void *arg, size_t r) {
    lm_pass *p = arg;
    lm_work *w = p->w;
    if (p->segs[p->seg_of[r]].wants_hidden)
        lm__norm(p->m, w->y + r * w->ld, w->x + r * w->ld, &p->m->norm_out,
                 (size_t)p->m->spec.n_embd);
}

static void post_row(void *arg, size_t r) {
    const lm_pass *p = arg;
    add_post(p, r, post_before(p));
}

static void give_hidden(lm_pass *p) {
    for (size_t s = 0; s < p->n_segs; s++)
        p->segs[s].hidden = p->segs[s].wants_hidden ? p->w->y + p->row_of[s] * p->w->ld : NULL;
    lm__for_rows(p, p->n_rows, hidden_row);
}

static void end_row(void *arg, size_t i) {
    lm_pass *p = arg;
    lm_work *w = p->w;
    size_t n = (size_t)p->m->spec.vocab_size;
    float *logits = w->logits + i * w->ld_logits, cap = p->m->spec.final_softcap;
    if (cap > 0) p->m->kern->softcap(logits, cap, n);
    for (size_t j = n; j < lm__logits_padded(p->m); j++)
        logits[j] = -INFINITY;
}

static void run_head(lm_pass *p) {
    lm_work *w = p->w;
    const lm_norm *post = post_before(p);
    if (post->gain) lm__for_rows(p, p->n_rows, post_row);
    give_hidden(p);
    if (p->n_last == 0) return;
    run_between((between){.p = p, .pre = &p->m->norm_out, .next = &p->m->head}, p->n_last,
                between_last);
    multiply(p, w->logits, w->ld_logits, w->norm, w->ld, p->n_last, &p->m->head, KERN_SET);
    lm__for_rows(p, p->n_last, end_row);
    float *logits = w->logits;
    for (size_t s = 0; s < p->n_segs; s++) {
        p->segs[s].logits = p->segs[s].want ? logits : NULL;
        logits += p->segs[s].want * w->ld_logits;
    }
}

// Whole segments, or their last rows first: these look at the most keys, and long tasks that come
// last leave threads idle.
static void cut_spans(lm_pass *p) {
    for (size_t s = 0; s < p->n_segs; s++) {
        size_t left = p->segs[s].n;
        if (left <= LM_PART_ROWS) {
            p->spans[p->n_spans++] = (lm_span){s, 0, left, true};
            continue;
        }
        p->cut[p->n_cut++] = s;
        while (left) {
            size_t n = min_size(left, LM_PART_ROWS);
            left -= n;
            p->spans[p->n_spans++] = (lm_span){s, left, n, false};
        }
    }
}

void lm__forward(lm_work *w, const lm_model *m, os_pool *pool, lm_segment *segs, size_t n_segs) {
    lm_pass p = {.w = w, .m = m, .pool = pool, .segs = segs, .n_segs = n_segs};
    w->did = (lm_tally){0};
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
    cut_spans(&p);
    lm__for_rows(&p, p.n_rows, embed_row);
    for (p.layer = 0; p.layer < (size_t)m->spec.n_layer; p.layer++)
        run_layer(&p);
    run_head(&p);
}
