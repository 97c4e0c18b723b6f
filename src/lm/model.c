// A file of weights becomes panels: every tensor is looked up by a table, checked, and repacked on
// all cores into one block of memory, the image; then the file is let go.
//
// Rejected: computing from the mapped file (row-major weights need horizontal sums, f16 ones a
// conversion per use), a second copy of the token embedding (a row of it can be gathered from the
// panels of the head), and repacking matrix by matrix (threads would wait for each other 49 times).
//
//   I1  place() visits tensors in one order and is run twice: to measure, then to give addresses
//   I2  nothing is read from a tensor before its shape has been compared with the spec
//   I3  an image is a function of weights and types: where it lies and who packs it do not matter

#include "lm/model.h"

#include "lm/panels.h"
#include "os/cpu.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

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

// What matrices are held in. The head may have a type of its own: in int8, in models of int4, it
// would bring perplexity from 1.0 % above f32's to 0.4 %, but cost a quarter of the speed (87 MB a
// token instead of 70 at GPT-2's size). See tests/lm/test_perplexity.c.
static const struct held {
    kern_type layers, head;
} held[KERN_TYPES] = {
    [KERN_F32] = {KERN_F32, KERN_F32},    [KERN_BF16] = {KERN_BF16, KERN_BF16},
    [KERN_F16] = {KERN_F16, KERN_F16},    [KERN_INT8] = {KERN_INT8, KERN_INT8},
    [KERN_INT4] = {KERN_INT4, KERN_INT4},
};

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

// Calls visit(arg, part, its struct, layer), -1 for what belongs to no layer. Ends at the first
// status that is not OK.
typedef status part_visit(void *arg, const part *p, void *owner, int layer, err *e);

static status each_part(lm_model *m, part_visit *visit, void *arg, err *e) {
    for (int l = 0; l < m->spec.n_layer; l++)
        for (size_t i = 0; i < countof(layer_parts); i++)
            TRY(visit(arg, &layer_parts[i], &m->layers[l], l, e));
    for (size_t i = 0; i < countof(model_parts); i++)
        TRY(visit(arg, &model_parts[i], m, -1, e));
    return OK;
}

static kern_mat *mat_of(const part *p, void *owner) {
    return (kern_mat *)(void *)((char *)owner + p->at);
}

static float **vector_of(const part *p, void *owner) {
    return (float **)(void *)((char *)owner + p->at);
}

// --- Placement -------------------------------------------------------------------------------

typedef struct placer {
    lm_spec *spec;
    const uint8_t *base;  // NULL: measure only
    size_t used;
} placer;

static const void *take(placer *pl, size_t bytes) {
    const void *p = pl->base ? pl->base + pl->used : NULL;
    pl->used += align_up(bytes, KERN_ALIGN);
    return p;
}

static status place_part(void *arg, const part *p, void *owner, int layer, err *e) {
    (void)e;
    placer *pl = arg;
    const lm_spec *s = pl->spec;
    size_t rows = size_of(p->rows, s);
    kern_mat *mat = mat_of(p, owner);
    switch (p->kind) {
    case PART_MATRIX:
        mat->type = layer < 0 ? s->head_type : s->type;
        mat->n = rows;
        mat->k = size_of(p->cols, s);
        mat->panels = take(pl, kern_panels(rows) * kern_panel_bytes(mat->type, mat->k));
        break;
    case PART_BIAS:
        mat->bias = take(pl, kern_panels(rows) * KERN_PANEL * sizeof(float));
        break;
    case PART_VECTOR:
    case PART_TABLE:
        *vector_of(p, owner) = (float *)take(pl, part_count(p, s) * sizeof(float));
        break;
    }
    return OK;
}

// Gives every part its address in the image at `base`; returns the image's length.
static size_t place(lm_model *m, const uint8_t *base) {  // I1
    placer pl = {.spec = &m->spec, .base = base};
    status s = each_part(m, place_part, &pl, NULL);
    CHECK(!s);
    return pl.used;
}

// Figures that follow from shape and types. One row of each table is read, not the table.
static status count_part(void *arg, const part *p, void *owner, int layer, err *e) {
    (void)layer, (void)e;
    lm_spec *s = arg;
    const kern_mat *mat = mat_of(p, owner);
    s->n_params += part_count(p, s);
    if (p->kind == PART_MATRIX) {
        s->bytes_per_token += kern_panels(mat->n) * kern_panel_bytes(mat->type, mat->k);
        s->flops_per_token += 2 * mat->n * mat->k;
    } else {
        s->bytes_per_token += size_of(p->kind == PART_TABLE ? 1 : p->rows, s) * sizeof(float);
    }
    return OK;
}

static void set_types(lm_spec *s, kern_type t) {
    s->type = held[t].layers;
    s->head_type = held[t].head;
}

// A model of this shape and these types, without memory for its weights; *len: what they take.
static status model_new(lm_model **out, size_t *len, const lm_spec *s, err *e) {
    lm_model *m = calloc(1, sizeof *m + (size_t)s->n_layer * sizeof(lm_layer));
    *out = m;
    if (!m) return err_set(e, E_MEMORY, "no memory for a model of %d layers", s->n_layer);
    m->spec = *s;
    m->kern = kern_best();
    *len = place(m, NULL);
    m->spec.n_params = m->spec.bytes_per_token = m->spec.flops_per_token = 0;
    return each_part(m, count_part, &m->spec, e);
}

static status model_reserve(lm_model *m, size_t len, err *e) {
    size_t memory = os_memory();
    if (len > memory)
        return err_set(e, E_LIMIT, "weights take %zu MB in %s, this machine has %zu MB", len >> 20,
                       kern_type_name(m->spec.type), memory >> 20);
    TRY(arena_open(&m->a, len, e));
    // Huge pages save a third of the page walks of a stream through all weights; a wish only.
    madvise(m->a.base, m->a.reserve, MADV_HUGEPAGE);
    m->a.used = place(m, m->a.base);
    return OK;
}

void lm_model_close(lm_model *m) {
    if (!m) return;
    arena_close(&m->a);
    if (m->panels.h) store_in_close(&m->panels);
    free(m);
}

const lm_spec *lm_model_spec(const lm_model *m) {
    return &m->spec;
}

// --- Filling ---------------------------------------------------------------------------------

// Hugging Face's layers are Conv1D, whose weights are [input][output]; embeddings are as usual.
static bool is_by_input(const part *p, const weights *file) {
    return weights_kind_of(file) == WEIGHTS_HF && p->kind == PART_MATRIX && p->rows != OF_VOCAB;
}

// What stands before all names but the head's: openai-community's have nothing.
static const char *prefix_of(const weights *file) {
    tensor t;
    return weights_tensor(&t, file, "wte.weight") ? "" : "transformer.";
}

// A matrix to pack; its panels are numbers [first, first + kern_panels(mat->n)) of the whole.
typedef struct pack_job {
    const kern_mat *mat;
    tensor t;
    bool by_input;  // [input][output]
    size_t first;
} pack_job;

typedef struct filler {
    const lm_spec *spec;
    const weights *file;
    bool pack;       // else shapes are compared only
    pack_job *jobs;  // room for all matrices
    size_t n_jobs, n_panels;
    _Atomic size_t n_done;
    _Atomic unsigned *permille;  // NULL: nobody looks
} filler;

// Panel `p` of a matrix.
static void pack_panel(const kern_mat *mat, size_t p, const tensor *t, bool by_input) {
    tensor_row row[KERN_PANEL] = {0};
    size_t stride = (size_t)t->dim[1], elem = tensor_elem_bytes(t->dtype);
    for (size_t r = 0; r < min_size(KERN_PANEL, mat->n - p * KERN_PANEL); r++) {
        size_t at = (p * KERN_PANEL + r) * (by_input ? 1 : stride);
        row[r] = (tensor_row){.dtype = t->dtype,
                              .data = (const char *)t->data + at * elem,
                              .step = by_input ? stride : 1};
    }
    char *to = (char *)mat->panels + p * kern_panel_bytes(mat->type, mat->k);
    kern_pack(to, mat->type, row, mat->k);
}

static void pack_one(void *arg, size_t panel) {
    filler *f = arg;
    size_t lo = 0, hi = f->n_jobs;  // the last job that begins at or before `panel`
    while (hi - lo > 1) {
        size_t mid = (lo + hi) / 2;
        if (f->jobs[mid].first <= panel)
            lo = mid;
        else
            hi = mid;
    }
    const pack_job *j = &f->jobs[lo];
    pack_panel(j->mat, panel - j->first, &j->t, j->by_input);
    size_t done = atomic_fetch_add(&f->n_done, 1) + 1;
    if (f->permille) atomic_store(f->permille, (unsigned)(done * 1000 / f->n_panels));
}

static status check_shape(const tensor *t, const part *p, const char *name, const filler *f,
                          err *e) {
    int dims = p->cols ? 2 : 1;
    size_t want[2] = {size_of(p->rows, f->spec), p->cols ? size_of(p->cols, f->spec) : 1};
    if (is_by_input(p, f->file)) {
        size_t rows = want[0];
        want[0] = want[1], want[1] = rows;
    }
    if (t->dtype > TENSOR_BF16)
        return err_set(e, E_UNSUPPORTED, "%s is not f32, f16 or bf16", name);
    bool ok = t->n_dims == dims;
    for (int i = 0; ok && i < dims; i++)
        ok = t->dim[i] == (int64_t)want[i];
    if (ok) return OK;
    char have[100] = "";
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

static status fill_part(void *arg, const part *p, void *owner, int layer, err *e) {
    filler *f = arg;
    tensor t;
    char name[96], h[32] = "";
    if (layer >= 0) snprintf(h, sizeof h, "h.%d.", layer);
    snprintf(name, sizeof name, "%s%s%s", prefix_of(f->file), h, p->name);
    if (!weights_tensor(&t, f->file, name)) return err_set(e, E_FORMAT, "%s is missing", name);
    TRY(check_shape(&t, p, name, f, e));  // I2
    if (!f->pack) return OK;
    const kern_mat *mat = mat_of(p, owner);
    if (p->kind == PART_MATRIX) {
        f->jobs[f->n_jobs++] = (pack_job){mat, t, is_by_input(p, f->file), f->n_panels};
        f->n_panels += kern_panels(mat->n);
    } else {
        tensor_to_f32((float *)(p->kind == PART_BIAS ? mat->bias : *vector_of(p, owner)), &t);
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

static bool is_known(str name, str prefix, const lm_spec *s) {
    if (str_eq(name, STR("lm_head.weight"))) return true;
    if (!str_starts(name, prefix)) return false;
    name = str_skip(name, prefix.len);
    if (str_starts(name, STR("h."))) return is_layer_part(str_skip(name, 2), s);
    return in_parts(name, model_parts, countof(model_parts));
}

static bool same_tensor(const tensor *a, const tensor *b) {
    size_t n = tensor_count(a);
    if (a->dtype != b->dtype || a->n_dims != b->n_dims || n != tensor_count(b)) return false;
    return a->data == b->data || memcmp(a->data, b->data, n * tensor_elem_bytes(a->dtype)) == 0;
}

static status check_whole(const weights *file, const lm_spec *s, err *e) {
    const tensor_names *all = weights_tensors(file);
    const char *prefix = prefix_of(file);
    for (size_t i = 0; i < all->n; i++)
        if (!is_known(all->in_order[i].name, str_of(prefix), s))
            return err_set(e, E_FORMAT, "unexpected tensor %.*s", STR_ARG(all->in_order[i].name));
    char name[32];
    tensor wte, head;
    snprintf(name, sizeof name, "%swte.weight", prefix);
    if (weights_tensor(&head, file, "lm_head.weight") && weights_tensor(&wte, file, name) &&
        !same_tensor(&wte, &head))
        return err_set(e, E_UNSUPPORTED, "lm_head.weight differs from %s", name);
    return OK;
}

// --- Open ------------------------------------------------------------------------------------

// What the file's own element type is held in: that of the embedding stands for all.
static kern_type type_of(const weights *file) {
    char name[32];
    tensor t;
    snprintf(name, sizeof name, "%swte.weight", prefix_of(file));
    if (!weights_tensor(&t, file, name)) return KERN_F32;  // fill_part will name it
    return t.dtype == TENSOR_BF16 ? KERN_BF16 : t.dtype == TENSOR_F16 ? KERN_F16 : KERN_F32;
}

// Compares every tensor's shape and, with `pack`, takes all of them into the image.
static status fill(lm_model *m, const weights *file, bool pack, os_pool *pool,
                   _Atomic unsigned *permille, err *e) {
    size_t most = (size_t)m->spec.n_layer * countof(layer_parts) + countof(model_parts);
    filler f = {.spec = &m->spec, .file = file, .pack = pack, .permille = permille};
    f.jobs = calloc(most, sizeof *f.jobs);
    if (!f.jobs) return err_set(e, E_MEMORY, "no memory for a list of tensors");
    status s = each_part(m, fill_part, &f, e);
    if (!s) os_pool_for(pool, f.n_panels, pack_one, &f);
    free(f.jobs);
    return s;
}

// The image out of the file of panels. False: there is none of use, and *note says why.
static bool map_panels(lm_model *m, const char *path, const lm_panels_key *key, os_pool *pool,
                       err *note) {
    const uint8_t *image;
    status s = lm__panels_open(&m->panels, &image, path, key, pool, note);
    if (s) {
        if (s == E_NOT_FOUND && note) *note = (err){0};  // the first start
        return false;
    }
    place(m, image);
    m->spec.mapped = true;
    return true;
}

// Weights for a new model, whose image takes `len` bytes.
static status model_fill(lm_model *m, size_t len, const weights *file, const lm_load *how,
                         os_pool *pool, err *e) {
    lm_panels_key key;
    TRY(fill(m, file, false, pool, NULL, e));
    if (how->verify) TRY(weights_verify(file, pool, e));
    if (how->panels) {
        key = lm__panels_key(&m->spec, file);
        key.len = len;
        if (map_panels(m, how->panels, &key, pool, how->note)) return OK;
    }
    weights_prefetch(file);
    TRY(model_reserve(m, len, e));
    TRY(fill(m, file, true, pool, how->permille, e));
    if (!how->panels) return OK;
    err unsaid = {0};
    err *note = how->note ? how->note : &unsaid;
    if (lm__panels_write(how->panels, &key, m->a.base, note)) (void)err_in(note, "not written");
    return OK;
}

// Ids that the caller knows to end a text; one that the model cannot draw is none.
static status add_ends(lm_spec *s, const lm_load *how, err *e) {
    for (size_t i = 0; i < how->n_eos; i++) {
        int32_t id = how->eos[i];
        if (id < 0 || id >= s->n_ids || lm_spec_ends(s, id)) continue;
        if (s->n_eos == LM_EOS_MAX)
            return err_set(e, E_LIMIT, "over %d ids end a text", LM_EOS_MAX);
        s->eos[s->n_eos++] = id;
    }
    return OK;
}

static status spec_of(lm_spec *s, const weights *file, const lm_load *how, err *e) {
    TRY(lm__spec_read(s, file, e));
    TRY(check_whole(file, s, e));
    set_types(s, how->has_type ? how->type : type_of(file));
    return add_ends(s, how, e);
}

static status model_from(lm_model **out, const weights *file, const lm_load *how, err *e) {
    lm_spec s;
    TRY(spec_of(&s, file, how, e));
    os_pool *pool = NULL;
    lm_model *m = NULL;
    size_t len = 0;
    status st = model_new(&m, &len, &s, e);
    if (!st) st = os_pool_open(&pool, os_cpu_count() - 1, 1, "lm-load", e);
    if (!st) st = model_fill(m, len, file, how, pool, e);
    os_pool_close(pool);
    if (st)
        lm_model_close(m);
    else
        *out = m;
    return st;
}

static status measure(lm_spec *s, size_t *bytes, const weights *file, const lm_load *how, err *e) {
    lm_model *m = NULL;
    TRY(spec_of(s, file, how, e));
    status st = model_new(&m, bytes, s, e);
    lm_model_close(m);
    return st;
}

static const lm_load as_it_is;

status lm_model_measure(lm_spec *spec, size_t *bytes, const char *path, const lm_load *how,
                        err *e) {
    weights *file = NULL;
    *bytes = 0;
    TRY(weights_open(&file, path, e));
    status st = measure(spec, bytes, file, how ? how : &as_it_is, e);
    weights_close(file);
    if (st) (void)err_in(e, "%s", path);
    return st;
}

status lm_model_open(lm_model **out, const char *path, const lm_load *how, err *e) {
    *out = NULL;
    weights *file = NULL;
    if (!how) how = &as_it_is;
    if (how->note) *how->note = (err){0};
    TRY(weights_open(&file, path, e));
    status st = model_from(out, file, how, e);
    weights_close(file);
    if (st) (void)err_in(e, "%s", path);
    return st;
}

// --- Random weights --------------------------------------------------------------------------

typedef struct random_job {
    const lm_model *m;
    uint64_t seed;
} random_job;

static float random_weight(uint64_t *x) {
    *x = *x * 6364136223846793005U + 1442695040888963407U;
    return ((float)(*x >> 40) * 0x1p-24F - 0.5F) * 0.1F;
}

// Packed from one panel's worth of rows at a time: a matrix in f32 may be bigger than the model.
static status random_part(void *arg, const part *p, void *owner, int layer, err *e) {
    (void)layer;
    random_job *j = arg;
    const kern_mat *mat = mat_of(p, owner);
    if (p->kind != PART_MATRIX) {
        float *to = (float *)(p->kind == PART_BIAS ? mat->bias : *vector_of(p, owner));
        for (size_t i = 0; i < part_count(p, &j->m->spec); i++)
            to[i] = random_weight(&j->seed);
        return OK;
    }
    float *rows = malloc(KERN_PANEL * mat->k * sizeof *rows);
    if (!rows) return err_set(e, E_MEMORY, "no memory for %d rows of weights", KERN_PANEL);
    for (size_t panel = 0; panel < kern_panels(mat->n); panel++) {
        size_t n = min_size(KERN_PANEL, mat->n - panel * KERN_PANEL);
        for (size_t i = 0; i < n * mat->k; i++)
            rows[i] = random_weight(&j->seed);
        tensor_row row[KERN_PANEL] = {0};
        for (size_t i = 0; i < n; i++)
            row[i] = (tensor_row){.data = rows + i * mat->k, .step = 1};
        uint8_t *to = (uint8_t *)mat->panels + panel * kern_panel_bytes(mat->type, mat->k);
        kern_pack(to, mat->type, row, mat->k);
    }
    free(rows);
    return OK;
}

status lm__model_random(lm_model **out, const lm_spec *s, uint64_t seed, err *e) {
    lm_spec spec = *s;
    size_t len = 0;
    *out = NULL;
    TRY(lm__spec_check(s, e));
    if (!s->family[0]) lm__spec_gpt2(&spec);
    set_types(&spec, s->type);
    lm_model *m = NULL;
    status st = model_new(&m, &len, &spec, e);
    random_job j = {m, seed | 1};
    if (!st) st = model_reserve(m, len, e);
    if (!st) st = each_part(m, random_part, &j, e);
    if (st)
        lm_model_close(m);
    else
        *out = m;
    return st;
}
