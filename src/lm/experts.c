// Layers with experts: every row chooses a few, rows are grouped by expert, and one parallel-for
// over (expert, panels) takes each product. An expert's weights are read once for all of its rows.
//
// Rejected: an expert after another (each would have to feed all threads), and dense products with
// rows masked out (the reason for experts is not to compute the others).
//
//   I1  a row's result is a sum over its experts, best first, of rows that no other row touched:
//       company changes nothing

#include "lm/pass.h"

#include <math.h>
#include <string.h>

// --- Choice ----------------------------------------------------------------------------------

static float sigmoid(float x) {
    return (float)(1 / (1 + exp(-(double)x)));
}

// The `n` best of `score`, best first; of equals the first.
static void choose(uint16_t *best, size_t n, const float *score, size_t n_score) {
    bool taken[LM_EXPERTS_MAX] = {false};
    for (size_t u = 0; u < n; u++) {
        size_t top = n_score;
        for (size_t i = 0; i < n_score; i++)
            if (!taken[i] && (top == n_score || score[i] > score[top])) top = i;
        taken[top] = true;
        best[u] = (uint16_t)top;
    }
}

static void softmax(const kern *k, float *x, size_t n) {
    float sum = k->exp_sum(x, align_up(n, KERN_LANES));
    for (size_t i = 0; i < n; i++)
        x[i] /= sum;
}

static void divide_by_sum(float *x, size_t n, float more) {
    float sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += x[i];
    for (size_t i = 0; i < n; i++)
        x[i] /= sum + more;
}

static void pad(float *x, size_t n) {
    for (size_t i = n; i < align_up(n, KERN_LANES); i++)
        x[i] = -INFINITY;
}

static void route_row(void *arg, size_t r) {
    lm_pass *p = arg;
    const lm_spec *s = &p->m->spec;
    lm_slots *z = &p->w->slots;
    float *score = z->scores + r * z->ld_scores, *weight = z->weight[r];
    size_t n = (size_t)s->n_expert, used = (size_t)s->n_used;
    _Alignas(KERN_ALIGN) float by[LM_EXPERTS_MAX], few[LM_USED_MAX];
    if (s->router == LM_ROUTE_SIGMOID)
        for (size_t i = 0; i < n; i++)
            score[i] = sigmoid(score[i]);
    memcpy(by, score, n * sizeof *by);
    const float *bias = lm__layer(p)->router_bias;
    for (size_t i = 0; bias && i < n; i++)
        by[i] += bias[i];
    choose(z->expert[r], used, by, n);
    if (s->router == LM_ROUTE_SOFTMAX_TOP) {
        pad(score, n);
        softmax(p->m->kern, score, n);
    }
    for (size_t u = 0; u < used; u++)
        few[u] = score[z->expert[r][u]];
    if (s->router == LM_ROUTE_TOP_SOFTMAX) {
        pad(few, used);
        softmax(p->m->kern, few, used);
    } else if (s->norm_top) {
        divide_by_sum(few, used, s->router == LM_ROUTE_SIGMOID ? 1e-6F : 0);
    }
    for (size_t u = 0; u < used; u++)
        weight[u] = few[u] * s->routed_scale;
}

// --- Groups ----------------------------------------------------------------------------------

typedef struct group {
    uint16_t expert, first, n;  // slots
} group;

typedef struct groups {
    lm_pass *p;
    group at[LM_EXPERTS_MAX];
    size_t n, n_slots;
    uint16_t row_of[LM_ROWS_MAX * LM_USED_MAX];
    // The product that runs
    kern_mat *mats;
    const kern_rows *in;
    float *y;
    size_t ldy, chunk, chunks;
    kern_store how;
} groups;

static void make_groups(groups *g) {
    lm_pass *p = g->p;
    lm_slots *z = &p->w->slots;
    size_t used = (size_t)p->m->spec.n_used;
    uint16_t n_of[LM_EXPERTS_MAX] = {0}, next[LM_EXPERTS_MAX];
    for (size_t r = 0; r < p->n_rows; r++)
        for (size_t u = 0; u < used; u++)
            n_of[z->expert[r][u]]++;
    for (size_t i = 0; i < (size_t)p->m->spec.n_expert; i++) {
        next[i] = (uint16_t)g->n_slots;
        if (n_of[i]) g->at[g->n++] = (group){(uint16_t)i, next[i], n_of[i]};
        g->n_slots += n_of[i];
    }
    for (size_t r = 0; r < p->n_rows; r++)
        for (size_t u = 0; u < used; u++) {
            uint16_t slot = next[z->expert[r][u]]++;
            z->slot[r][u] = slot;
            g->row_of[slot] = (uint16_t)r;
        }
}

// A row of the norms, for the products of one of its experts.
static void gather_slot(void *arg, size_t slot) {
    groups *g = arg;
    lm_work *w = g->p->w;
    const kern_rows *from = &w->q, *to = &w->slots.in;
    size_t r = g->row_of[slot], k = g->mats->k;
    if (!kern_type_is_int(g->mats->type)) {
        memcpy(w->slots.x + slot * w->ld, w->norm + r * w->ld, k * sizeof(float));
        return;
    }
    size_t scales = from->ld_q / KERN_GROUP, sums = from->ld_q / 32, used = align_up(k, KERN_GROUP);
    memcpy(to->q + slot * to->ld_q, from->q + r * from->ld_q, used);
    memcpy(to->scale + slot * (to->ld_q / KERN_GROUP), from->scale + r * scales,
           used / KERN_GROUP * sizeof(float));
    memcpy(to->sum + slot * (to->ld_q / 32), from->sum + r * sums, used / 32 * sizeof(int32_t));
}

static void quantise_slot(void *arg, size_t slot) {
    groups *g = arg;
    g->p->m->kern->quantise(g->in, slot, g->mats->k);
}

// What an expert's product reads: its slots of `in`.
static kern_rows slots_from(const kern_rows *in, size_t first) {
    return (kern_rows){.x = in->x + first * in->ld,
                       .ld = in->ld,
                       .q = in->q + first * in->ld_q,
                       .scale = in->scale + first * (in->ld_q / KERN_GROUP),
                       .sum = in->sum + first * (in->ld_q / 32),
                       .ld_q = in->ld_q};
}

static void product_task(void *arg, size_t task) {
    groups *g = arg;
    const group *of = &g->at[task / g->chunks];
    const kern_mat *w = &g->mats[of->expert];
    size_t p0 = task % g->chunks * g->chunk, p1 = min_size(p0 + g->chunk, kern_panels(w->n));
    kern_rows in = slots_from(g->in, of->first);
    g->p->m->kern->matmul(g->y + of->first * g->ldy, g->ldy, &in, of->n, w, p0, p1, g->how);
}

static void multiply(groups *g, float *y, size_t ldy) {
    g->y = y;
    g->ldy = ldy;
    g->chunk = lm__chunk(g->p, g->mats, g->n);
    g->chunks = (kern_panels(g->mats->n) + g->chunk - 1) / g->chunk;
    for (size_t i = 0; i < g->n; i++)
        lm__count_product(g->p->w, &g->mats[g->at[i].expert], g->at[i].n);
    os_pool_for(g->p->pool, g->n * g->chunks, product_task, g);
}

// --- The sum ---------------------------------------------------------------------------------

static void add_up(float *to, const lm_pass *p, size_t r) {  // I1
    const lm_slots *z = &p->w->slots;
    size_t n = (size_t)p->m->spec.n_embd;
    for (size_t u = 0; u < (size_t)p->m->spec.n_used; u++) {
        const float *from = z->y + z->slot[r][u] * p->w->ld;
        float by = z->weight[r][u];
        for (size_t i = 0; i < n; i++)
            to[i] += by * from[i];
    }
}
static void add_to_x(void *arg, size_t r) {
    lm_pass *p = arg;
    add_up(p->w->x + r * p->w->ld, p, r);
}
static void set_y(void *arg, size_t r) {
    lm_pass *p = arg;
    float *y = p->w->y + r * p->w->ld;
    memset(y, 0, (size_t)p->m->spec.n_embd * sizeof *y);
    add_up(y, p, r);
}

void lm__experts(lm_pass *p, bool into_y) {
    lm_work *w = p->w;
    const lm_layer *l = lm__layer(p);
    groups g = {.p = p, .mats = l->up};
    kern_rows x = w->slots.in, hidden = w->slots.in;
    x.x = w->slots.x, x.ld = w->ld;
    hidden.x = w->slots.hidden, hidden.ld = w->slots.ld_hidden;
    lm__for_rows(p, p->n_rows, route_row);
    make_groups(&g);
    os_pool *few = g.n_slots < LM_FEW_ROWS ? NULL : p->pool;
    os_pool_for(few, g.n_slots, gather_slot, &g);
    g.in = &x;
    g.how = lm__store_of(&p->m->spec);
    multiply(&g, w->slots.hidden, w->slots.ld_hidden);
    g.mats = l->down;
    g.in = &hidden;
    g.how = KERN_SET;
    if (kern_type_is_int(l->down->type)) os_pool_for(few, g.n_slots, quantise_slot, &g);
    multiply(&g, w->slots.y, w->ld);
    lm__for_rows(p, p->n_rows, into_y ? set_y : add_to_x);
}
