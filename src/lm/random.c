// Models without a file: weights from a generator, for benches and tests.
//
//   I1  the values of a panel depend on the seed and its place only, so all cores may fill it
//   I2  of matrices larger than UNLIKE panels, and of experts after the first few, the rest are
//       copies: what is timed reads as many bytes, and a model of 20 billion weights is there soon

#include "lm/parts.h"
#include "os/cpu.h"
#include "os/pool.h"

#include <stdlib.h>

enum { UNLIKE = 64, EXPERTS_UNLIKE = 4 };

typedef struct random_job {
    const lm_parts *parts;
    const lm_part *part;
    uint64_t seed;
    _Atomic bool no_memory;
} random_job;

static float draw(uint64_t *x) {
    *x = *x * 6364136223846793005U + 1442695040888963407U;
    return ((float)(*x >> 40) * 0x1p-24F - 0.5F) * 0.1F;
}

static void random_panel(void *arg, size_t panel) {
    random_job *j = arg;
    const lm_part *p = j->part;
    const kern_mat *mat = p->to;
    size_t k = mat->k, bytes = kern_panel_bytes(mat->type, k);
    float *values = malloc(KERN_PANEL * k * sizeof *values);
    if (!values) {
        j->no_memory = true;
        return;
    }
    uint64_t x = (j->seed ^ (panel + 1)) * 0x9e3779b97f4a7c15U;
    tensor_row rows[KERN_PANEL];
    for (size_t i = 0; i < KERN_PANEL; i++) {
        bool has = panel * KERN_PANEL + i < p->n;
        rows[i] = (tensor_row){TENSOR_F32, has ? values + i * k : NULL, NULL, 1, 0};
        for (size_t c = 0; has && c < k; c++)
            values[i * k + c] = draw(&x);
    }
    kern_pack((uint8_t *)(uintptr_t)mat->panels + panel * bytes, mat->type, rows, k);
    free(values);
}

// The part of an earlier expert that this one is a copy of, or NULL.
static const lm_part *like(const lm_parts *parts, const lm_part *p) {
    if (p->expert < EXPERTS_UNLIKE) return NULL;
    const lm_part *q = p;
    while (q->layer != p->layer || q->expert != p->expert % EXPERTS_UNLIKE || q->kind != p->kind ||
           q->role[0] != p->role[0])
        q--;
    ASSERT(q >= parts->at);
    return q;
}

static void random_matrix(random_job *j, os_pool *pool) {
    const lm_part *p = j->part, *q = like(j->parts, p);
    const kern_mat *mat = p->to;
    uint8_t *to = (uint8_t *)(uintptr_t)mat->panels;
    size_t bytes = kern_panel_bytes(mat->type, mat->k), n = kern_panels(mat->n);
    if (q) {  // I2
        memcpy(to, ((const kern_mat *)q->to)->panels, n * bytes);
        return;
    }
    os_pool_for(pool, min_size(n, UNLIKE), random_panel, j);
    for (size_t i = UNLIKE; i < n; i++)
        memcpy(to + i * bytes, to + i % UNLIKE * bytes, bytes);
}

// Gains, taps and sinks near 1, biases and positions near 0.
static void random_floats(random_job *j) {
    const lm_part *p = j->part;
    bool is_bias = p->kind == LM_PART_BIAS;
    float *to = is_bias ? (float *)(uintptr_t)((const kern_mat *)p->to)->bias : *(float **)p->to;
    float about = p->kind == LM_PART_VECTOR || p->kind == LM_PART_TAPS ? 1 : 0;
    size_t n = is_bias ? kern_panels(p->n) * KERN_PANEL : p->n * p->k;
    for (size_t i = 0; i < n; i++)
        to[i] = i < p->n * p->k ? about + draw(&j->seed) : 0;
}

static status random_parts(const lm_parts *parts, uint64_t seed, err *e) {
    os_pool *pool;
    TRY(os_pool_open(&pool, os_cpu_count() - 1, 1, "lm-random", e));
    random_job j = {.parts = parts};
    for (size_t i = 0; i < parts->n; i++) {
        j.part = &parts->at[i];
        j.seed = (seed + i + 1) * 0xbf58476d1ce4e5b9U;
        if (j.part->kind == LM_PART_MATRIX)
            random_matrix(&j, pool);
        else
            random_floats(&j);
    }
    os_pool_close(pool);
    return j.no_memory ? err_set(e, E_MEMORY, "no memory for rows of weights") : OK;
}

status lm__model_random(lm_model **out, const lm_spec *s, uint64_t seed, err *e) {
    lm_spec spec = *s;
    lm_model *m = NULL;
    lm_parts parts = {0};
    size_t len = 0;
    *out = NULL;
    if (!s->family[0]) {
        if (s->n_head < 1 || s->n_embd % s->n_head)
            return err_set(e, E_UNSUPPORTED, "n_embd %d over n_head %d", s->n_embd, s->n_head);
        lm__spec_gpt2(&spec);
    }
    TRY(lm__spec_check(&spec, e));
    status st = lm__model_new(&m, &parts, &len, &spec, &s->type, NULL, e);
    if (!st) st = lm__model_reserve(m, &parts, len, e);
    if (!st) st = random_parts(&parts, seed, e);
    lm__parts_free(&parts);
    if (st)
        lm_model_close(m);
    else
        *out = m;
    return st;
}
