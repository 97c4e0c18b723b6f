// A checkpoint becomes panels: every tensor is looked up by a table, checked, and repacked on all
// cores into one block of memory; then the file is let go.
//
// Rejected: computing from the mapped file (row-major weights need horizontal sums, f16 ones a
// conversion per use), and a second copy of the token embedding (a row of it can be gathered from
// the panels of the head).
//
//   I1  place() visits tensors in one order and is run twice: to measure, then to give addresses
//   I2  nothing is read from a tensor before its shape has been compared with the spec

#include "lm/model.h"

#include "os/cpu.h"
#include "os/pool.h"
#include "tensor/pt.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

// --- What a GPT-2 consists of ----------------------------------------------------------------

typedef enum part_kind { PART_VECTOR, PART_MATRIX, PART_BIAS, PART_TABLE } part_kind;

// Sizes in units of n_embd, or one of the spec's own.
enum { OF_BLOCK = -1, OF_VOCAB = -2 };

typedef struct part {
    const char *name;
    part_kind kind;
    int rows, cols;  // cols 0: one dimension
    size_t at;       // offset of the float * or kern_mat in its struct
} part;

#define IN(field) offsetof(lm_layer, field)
static const part layer_parts[] = {
    {"ln_1.weight", PART_VECTOR, 1, 0, IN(ln1_gain)},
    {"ln_1.bias", PART_VECTOR, 1, 0, IN(ln1_bias)},
    {"attn.c_attn.weight", PART_MATRIX, 3, 1, IN(qkv)},
    {"attn.c_attn.bias", PART_BIAS, 3, 0, IN(qkv)},
    {"attn.c_proj.weight", PART_MATRIX, 1, 1, IN(proj)},
    {"attn.c_proj.bias", PART_BIAS, 1, 0, IN(proj)},
    {"ln_2.weight", PART_VECTOR, 1, 0, IN(ln2_gain)},
    {"ln_2.bias", PART_VECTOR, 1, 0, IN(ln2_bias)},
    {"mlp.c_fc.weight", PART_MATRIX, 4, 1, IN(fc)},
    {"mlp.c_fc.bias", PART_BIAS, 4, 0, IN(fc)},
    {"mlp.c_proj.weight", PART_MATRIX, 1, 4, IN(out)},
    {"mlp.c_proj.bias", PART_BIAS, 1, 0, IN(out)},
};
#undef IN
#define IN(field) offsetof(lm_model, field)
static const part model_parts[] = {
    {"wte.weight", PART_MATRIX, OF_VOCAB, 1, IN(wte)},
    {"wpe.weight", PART_TABLE, OF_BLOCK, 1, IN(wpe)},
    {"ln_f.weight", PART_VECTOR, 1, 0, IN(ln_gain)},
    {"ln_f.bias", PART_VECTOR, 1, 0, IN(ln_bias)},
};
#undef IN

// Buffers that some versions of the trainer saved too: masks, which causal attention implies.
static const char *const ignored_parts[] = {"attn.bias", "attn.masked_bias"};

static size_t size_of(int units, const lm_spec *s) {
    if (units == OF_BLOCK) return (size_t)s->block_size;
    if (units == OF_VOCAB) return (size_t)s->vocab_size;
    return (size_t)units * (size_t)s->n_embd;
}

static size_t part_count(const part *p, const lm_spec *s) {
    return size_of(p->rows, s) * (p->cols ? size_of(p->cols, s) : 1);
}

// --- Placement -------------------------------------------------------------------------------

typedef struct placer {
    uint8_t *base;  // NULL: measure only
    size_t used;
} placer;

static float *take(placer *pl, size_t n) {
    float *p = pl->base ? (float *)(void *)(pl->base + pl->used) : NULL;
    pl->used += align_up(n * sizeof(float), KERN_ALIGN);
    return p;
}

static void place_part(placer *pl, const part *p, void *owner, const lm_spec *s) {
    char *field = (char *)owner + p->at;
    kern_mat *mat = (kern_mat *)(void *)field;
    size_t rows = size_of(p->rows, s);
    switch (p->kind) {
    case PART_MATRIX:
        mat->n = rows;
        mat->k = size_of(p->cols, s);
        mat->panels =
            take(pl, kern_panels(rows) * kern_panel_bytes(mat->type, mat->k) / sizeof(float));
        break;
    case PART_BIAS:
        mat->bias = take(pl, kern_panels(rows) * KERN_PANEL);
        break;
    case PART_VECTOR:
    case PART_TABLE:
        *(float **)(void *)field = take(pl, part_count(p, s));
        break;
    }
}

static void place(placer *pl, lm_model *m) {  // I1
    for (int l = 0; l < m->spec.n_layer; l++)
        for (size_t i = 0; i < countof(layer_parts); i++)
            place_part(pl, &layer_parts[i], &m->layers[l], &m->spec);
    for (size_t i = 0; i < countof(model_parts); i++)
        place_part(pl, &model_parts[i], m, &m->spec);
}

static void count_params(lm_spec *s) {
    uint64_t n = 0;
    for (size_t i = 0; i < countof(layer_parts); i++)
        n += part_count(&layer_parts[i], s);
    n *= (uint64_t)s->n_layer;
    for (size_t i = 0; i < countof(model_parts); i++)
        n += part_count(&model_parts[i], s);
    s->n_params = n;
    s->bytes_per_token = (n - (uint64_t)s->block_size * (uint64_t)s->n_embd) * sizeof(float);
}

size_t lm__memory(void) {
    return (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
}

// An empty model of this shape, its memory reserved and every part placed.
static status model_new(lm_model **out, const lm_spec *s, err *e) {
    size_t head = sizeof(lm_model) + (size_t)s->n_layer * sizeof(lm_layer);
    lm_model *m = calloc(1, head);
    if (!m) return err_set(e, E_MEMORY, "no memory for a model of %d layers", s->n_layer);
    m->spec = *s;
    m->kern = kern_best();
    count_params(&m->spec);
    placer pl = {0};
    place(&pl, m);
    size_t memory = lm__memory();
    status st = pl.used > memory
                    ? err_set(e, E_LIMIT, "weights take %zu MB in f32, this machine has %zu MB",
                              pl.used >> 20, memory >> 20)
                    : arena_open(&m->a, pl.used, e);
    if (st) {
        free(m);
        return st;
    }
    // Huge pages save a third of the page walks of a stream through all weights; a wish only.
    madvise(m->a.base, m->a.reserve, MADV_HUGEPAGE);
    pl = (placer){.base = m->a.base};
    place(&pl, m);
    m->a.used = pl.used;
    *out = m;
    return OK;
}

void lm_model_close(lm_model *m) {
    if (!m) return;
    arena_close(&m->a);
    free(m);
}

const lm_spec *lm_model_spec(const lm_model *m) {
    return &m->spec;
}

// --- Filling ---------------------------------------------------------------------------------

typedef struct pack_job {
    const kern_mat *mat;
    tensor t;
} pack_job;

static void pack_one(void *arg, size_t panel) {
    pack_job *j = arg;
    kern_pack((void *)j->mat->panels, j->mat->type, panel, &j->t, false);
}

static status check_shape(const tensor *t, const part *p, const char *name, const lm_spec *s,
                          err *e) {
    int dims = p->cols ? 2 : 1;
    size_t want[2] = {size_of(p->rows, s), p->cols ? size_of(p->cols, s) : 1};
    if (t->dtype == TENSOR_OTHER)
        return err_set(e, E_UNSUPPORTED, "%s is not f32, f16 or bf16", name);
    bool ok = t->n_dims == dims;
    for (int i = 0; ok && i < dims; i++)
        ok = t->dim[i] == (int64_t)want[i];
    if (ok) return OK;
    char have[80] = "";
    size_t n = 0;
    for (int i = 0; i < t->n_dims; i++)
        n += (size_t)snprintf(have + n, sizeof have - n, "%s%lld", i ? ", " : "",
                              (long long)t->dim[i]);
    if (dims == 1)
        return err_set(e, E_FORMAT, "%s has shape [%s], the config wants [%zu]", name, have,
                       want[0]);
    return err_set(e, E_FORMAT, "%s has shape [%s], the config wants [%zu, %zu]", name, have,
                   want[0], want[1]);
}

static status fill_part(const part *p, void *owner, const char *name, const lm_spec *s,
                        const pt *file, os_pool *pool, err *e) {
    tensor t;
    if (!pt_tensor(&t, file, name)) return err_set(e, E_FORMAT, "%s is missing", name);
    TRY(check_shape(&t, p, name, s, e));  // I2
    char *field = (char *)owner + p->at;
    kern_mat *mat = (kern_mat *)(void *)field;
    if (p->kind == PART_MATRIX) {
        pack_job j = {mat, t};
        os_pool_for(pool, kern_panels(mat->n), pack_one, &j);
    } else {
        tensor_to_f32(p->kind == PART_BIAS ? (float *)mat->bias : *(float **)(void *)field, &t);
    }
    return OK;
}

static status fill(lm_model *m, const pt *file, os_pool *pool, err *e) {
    char name[96];
    for (size_t i = 0; i < countof(model_parts); i++) {
        snprintf(name, sizeof name, "transformer.%s", model_parts[i].name);
        TRY(fill_part(&model_parts[i], m, name, &m->spec, file, pool, e));
    }
    for (int l = 0; l < m->spec.n_layer; l++)
        for (size_t i = 0; i < countof(layer_parts); i++) {
            snprintf(name, sizeof name, "transformer.h.%d.%s", l, layer_parts[i].name);
            TRY(fill_part(&layer_parts[i], &m->layers[l], name, &m->spec, file, pool, e));
        }
    return OK;
}

// --- Checks of the whole ---------------------------------------------------------------------

static bool in_parts(str name, const part *parts, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (str_eq(name, str_of(parts[i].name))) return true;
    return false;
}

static bool is_layer_part(str name, const lm_spec *s) {
    uint64_t layer;
    str number = str_cut(&name, '.');
    if (!str_parse_u64(&layer, number) || layer >= (uint64_t)s->n_layer) return false;
    for (size_t i = 0; i < countof(ignored_parts); i++)
        if (str_eq(name, str_of(ignored_parts[i]))) return true;
    return in_parts(name, layer_parts, countof(layer_parts));
}

static bool is_known(str name, const lm_spec *s) {
    if (str_eq(name, STR("lm_head.weight"))) return true;
    if (!str_starts(name, STR("transformer."))) return false;
    name = str_skip(name, sizeof "transformer." - 1);
    if (str_starts(name, STR("h."))) return is_layer_part(str_skip(name, 2), s);
    return in_parts(name, model_parts, countof(model_parts));
}

static bool same_tensor(const tensor *a, const tensor *b) {
    size_t n = tensor_count(a);
    if (a->dtype != b->dtype || a->n_dims != b->n_dims || n != tensor_count(b)) return false;
    return a->data == b->data || memcmp(a->data, b->data, n * tensor_elem_bytes(a->dtype)) == 0;
}

static status check_whole(const pt *file, const lm_spec *s, err *e) {
    tensor wte, head;
    if (pt_tensor(&head, file, "lm_head.weight") &&
        pt_tensor(&wte, file, "transformer.wte.weight") && !same_tensor(&wte, &head))
        return err_set(e, E_UNSUPPORTED, "lm_head.weight differs from transformer.wte.weight");
    for (size_t i = 0; i < pt_tensors(file); i++) {
        str name;
        tensor t;
        pt_tensor_at(&name, &t, file, i);
        if (!is_known(name, s))
            return err_set(e, E_FORMAT, "unexpected tensor %.*s", STR_ARG(name));
    }
    return OK;
}

// --- Config ----------------------------------------------------------------------------------

static status check_spec(const lm_spec *s, err *e) {
    if (s->n_embd % s->n_head || s->n_embd / s->n_head % KERN_LANES)
        return err_set(e, E_UNSUPPORTED, "n_embd %d over n_head %d must be a whole multiple of %d",
                       s->n_embd, s->n_head, KERN_LANES);
    return OK;
}

static status read_spec(lm_spec *s, const pt *file, err *e) {
    const struct {
        const char *key;
        int *to, max;
    } keys[] = {
        {"block_size", &s->block_size, LM_BLOCK_MAX}, {"vocab_size", &s->vocab_size, LM_VOCAB_MAX},
        {"n_layer", &s->n_layer, LM_LAYERS_MAX},      {"n_head", &s->n_head, LM_HEADS_MAX},
        {"n_embd", &s->n_embd, LM_EMBD_MAX},
    };
    for (size_t i = 0; i < countof(keys); i++) {
        double v;
        if (!pt_number(&v, file, "config", keys[i].key))
            return err_set(e, E_FORMAT, "config.%s is missing", keys[i].key);
        if (!(v >= 1 && v <= keys[i].max) || v != floor(v))
            return err_set(e, E_LIMIT, "config.%s is %g, must be in 1..%d", keys[i].key, v,
                           keys[i].max);
        *keys[i].to = (int)v;
    }
    double step;
    s->step = pt_number(&step, file, "", "step") && fabs(step) < 1e15 ? (int64_t)step : -1;
    if (!pt_number(&s->val_loss, file, "", "val_loss")) s->val_loss = (double)NAN;
    return check_spec(s, e);
}

// --- Open ------------------------------------------------------------------------------------

static status model_from(lm_model **out, const pt *file, err *e) {
    lm_spec s = {0};
    TRY(read_spec(&s, file, e));
    TRY(check_whole(file, &s, e));
    os_pool *pool = NULL;
    lm_model *m = NULL;
    TRY(model_new(&m, &s, e));
    status st = os_pool_open(&pool, os_cpu_count() - 1, 1, "lm-load", e);
    if (!st) st = fill(m, file, pool, e);
    os_pool_close(pool);
    if (st)
        lm_model_close(m);
    else
        *out = m;
    return st;
}

status lm_model_open(lm_model **out, const char *path, const lm_load *how, err *e) {
    (void)how;
    *out = NULL;
    pt *file = NULL;
    TRY(pt_open(&file, path, e));
    status st = model_from(out, file, e);
    pt_close(file);
    return st ? err_in(e, "%s", path) : OK;
}

status lm__model_random(lm_model **out, const lm_spec *s, uint64_t seed, err *e) {
    TRY(check_spec(s, e));
    TRY(model_new(out, s, e));
    lm_model *m = *out;
    float *all = (float *)(void *)m->a.base;
    uint64_t x = seed | 1;
    for (size_t i = 0; i < m->a.used / sizeof *all; i++) {
        x = x * 6364136223846793005U + 1442695040888963407U;
        all[i] = ((float)(x >> 40) * 0x1p-24F - 0.5F) * 0.1F;
    }
    return OK;
}
