// A model's memory: every part of its list gets a type and a place in one block, the image.
//
// Rejected: computing from the mapped file (row-major weights need horizontal sums, f16 ones a
// conversion per use), and a second copy of a tied embedding (a row of it can be gathered from the
// panels of the head).
//
//   I1  place() visits parts in one order and is run twice: to measure, then to give addresses
//   I2  an image is a function of weights and types: where it lies and who packs it do not matter

#include "lm/model.h"

#include "lm/parts.h"
#include "os/cpu.h"

#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>

// --- Specs -----------------------------------------------------------------------------------

// Its own 50257 ids and its end of text; rows of a checkpoint beyond them are padding.
enum { GPT2_IDS = 50257, GPT2_EOT = 50256 };

void lm__spec_gpt2(lm_spec *s) {
    memcpy(s->family, "gpt2", sizeof "gpt2");
    s->n_ids = s->vocab_size < GPT2_IDS ? s->vocab_size : GPT2_IDS;
    s->n_eos = GPT2_EOT < s->vocab_size;
    s->eos[0] = GPT2_EOT;
    s->bos = -1;
    s->n_kv_head = s->n_head;
    s->head_dim = s->n_embd / s->n_head;
    s->n_ff = 4 * s->n_embd;
    s->norm = LM_NORM_LAYER;
    s->norm_at = LM_NORM_PRE;
    s->norm_eps = 1e-5F;
    s->act = LM_ACT_GELU;
    s->has_wpe = s->is_tied = true;
    s->biases = (1U << LM_NORM_OUT) | (1U << LM_NORM_IN) | (1U << LM_NORM_MLP) | (1U << LM_Q) |
                (1U << LM_K) | (1U << LM_V) | (1U << LM_O) | (1U << LM_UP) | (1U << LM_DOWN);
    s->context_max = s->block_size;
    s->attn_scale = 1 / sqrtf((float)s->head_dim);
    s->embed_scale = s->routed_scale = 1;
    for (int i = 0; i < s->n_layer; i++)
        s->layer[i] = (lm_layer_spec){.mixer = LM_MIX_ATTENTION, .rope = -1};
}

static status check_layer(const lm_spec *s, int i, err *e) {
    const lm_layer_spec *l = &s->layer[i];
    if (l->rope >= s->n_rope || (l->rope >= 0 && s->rope[l->rope].dims > s->head_dim))
        return err_set(e, E_UNSUPPORTED, "layer %d: no such rotary positions", i);
    if (l->mixer == LM_MIX_CONV && (s->n_conv < 1 || s->n_conv > LM_CONV_MAX))
        return err_set(e, E_LIMIT, "a convolution has %d taps, must be in 1..%d", s->n_conv,
                       LM_CONV_MAX);
    if ((l->is_moe ? s->n_ff_expert : s->n_ff) < 1)
        return err_set(e, E_LIMIT, "layer %d: an MLP of no columns", i);
    if (l->is_moe && (s->n_used < 1 || s->n_used > LM_USED_MAX || s->n_used > s->n_expert))
        return err_set(e, E_LIMIT, "a token uses %d of %d experts, must be in 1..%d", s->n_used,
                       s->n_expert, LM_USED_MAX);
    return OK;
}

status lm__spec_check(const lm_spec *s, err *e) {
    const struct {
        const char *name;
        int v, min, max, multiple;
    } sizes[] = {
        {"n_layer", s->n_layer, 1, LM_LAYERS_MAX, 1},
        {"n_head", s->n_head, 1, LM_HEADS_MAX, 1},
        {"n_kv_head", s->n_kv_head, 1, LM_HEADS_MAX, 1},
        {"head_dim", s->head_dim, 1, LM_HEAD_DIM_MAX, KERN_LANES},
        {"n_embd", s->n_embd, 1, LM_EMBD_MAX, KERN_LANES},
        {"n_ff", s->n_ff, 0, LM_FF_MAX, KERN_LANES},
        {"n_ff_expert", s->n_ff_expert, 0, LM_FF_MAX, KERN_LANES},
        {"n_expert", s->n_expert, 0, LM_EXPERTS_MAX, 1},
        {"block_size", s->block_size, 1, LM_BLOCK_MAX, 1},
        {"vocab_size", s->vocab_size, 1, LM_VOCAB_MAX, 1},
    };
    for (size_t i = 0; i < countof(sizes); i++)
        if (sizes[i].v < sizes[i].min || sizes[i].v > sizes[i].max ||
            sizes[i].v % sizes[i].multiple)
            return err_set(e, E_LIMIT, "%s is %d, must be a multiple of %d in %d..%d",
                           sizes[i].name, sizes[i].v, sizes[i].multiple, sizes[i].min,
                           sizes[i].max);
    if (s->n_head % s->n_kv_head)
        return err_set(e, E_UNSUPPORTED, "%d heads over %d of keys", s->n_head, s->n_kv_head);
    if (s->is_gated ? s->act == LM_ACT_GELU_ERF : s->act == LM_ACT_SILU || s->act == LM_ACT_OSS)
        return err_set(e, E_UNSUPPORTED, "an MLP %s gates with this activation",
                       s->is_gated ? "with" : "without");
    if (s->is_parallel && s->norm_at & LM_NORM_POST)
        return err_set(e, E_UNSUPPORTED, "parallel residuals with norms behind");
    for (int i = 0; i < s->n_layer; i++)
        TRY(check_layer(s, i, e));
    return OK;
}

// --- Types -----------------------------------------------------------------------------------

// What a file's own rows are held in. K-quants have scales within scales: nearly nothing is lost
// when they become int8 with a scale of 32.
static kern_type held_of(tensor_dtype d) {
    static const kern_type held[] = {
        [TENSOR_F32] = KERN_F32,   [TENSOR_F16] = KERN_F16,   [TENSOR_BF16] = KERN_BF16,
        [TENSOR_U8] = KERN_MXFP4,  [TENSOR_Q8_0] = KERN_Q8_0, [TENSOR_Q4_0] = KERN_Q4_0,
        [TENSOR_Q4_K] = KERN_Q8_0, [TENSOR_Q6_K] = KERN_Q8_0, [TENSOR_MXFP4] = KERN_MXFP4,
        [TENSOR_OTHER] = KERN_F32,
    };
    return held[d];
}

// What one matrix out of several is held in: their own type, or one that has room for each.
static kern_type held(const lm_part *p) {
    kern_type t = held_of(p->rows[0].t.dtype);
    for (int i = 1; i < p->n_roles; i++) {
        kern_type u = held_of(p->rows[i].t.dtype);
        if (u != t) t = kern_type_is_int(u) || kern_type_is_int(t) ? KERN_Q8_0 : KERN_F32;
    }
    return t;
}

// `type` NULL: as stored. Routers are small, and a wrong expert is a large mistake: f32. An
// embedding that is not the head costs no time: with int4 it has int8. A head in int8 would cost
// models of int4 a quarter of their speed (docs/decisions/0011-integer-weights.md).
static kern_type type_of(const lm_part *p, const lm_spec *s, const kern_type *type,
                         const weights *file) {
    if (p->role[0] == LM_ROUTER) return KERN_F32;
    kern_type own = file ? held(p) : p->expert >= 0 && s->act == LM_ACT_OSS ? KERN_MXFP4 : KERN_F32;
    if (!type) return own;
    if (own == KERN_MXFP4 && *type != KERN_F32) return own;
    if (p->role[0] == LM_EMBED && *type == KERN_INT4) return KERN_INT8;
    return *type;
}

// --- Figures ---------------------------------------------------------------------------------

// What a token reads and multiplies: of the experts those that it uses, of tables a row.
static void count_part(lm_spec *s, uint64_t of_type[KERN_TYPES], const lm_part *p) {
    s->n_params += p->n * p->k;
    if (p->role[0] == LM_EMBED || p->kind == LM_PART_TABLE) {
        s->bytes_per_token += p->k * sizeof(float);
        return;
    }
    uint64_t part = p->expert >= 0 ? (uint64_t)s->n_used : 1;
    uint64_t of = p->expert >= 0 ? (uint64_t)s->n_expert : 1;
    if (p->kind != LM_PART_MATRIX) {
        s->bytes_per_token += p->n * p->k * sizeof(float) * part / of;
        return;
    }
    const kern_mat *mat = p->to;
    uint64_t bytes = lm__mat_bytes(mat);
    if (p->role[0] != LM_HEAD) of_type[mat->type] += bytes;
    s->bytes_per_token += bytes * part / of;
    s->flops_per_token += 2 * (uint64_t)mat->n * mat->k * part / of;
}

static void count_all(lm_model *m, const lm_parts *parts) {
    lm_spec *s = &m->spec;
    uint64_t of_type[KERN_TYPES] = {0};
    s->n_params = s->bytes_per_token = s->flops_per_token = 0;
    for (size_t i = 0; i < parts->n; i++)
        count_part(s, of_type, &parts->at[i]);
    s->type = s->head_type = m->head.type;
    for (kern_type t = 0; t < KERN_TYPES; t++)
        if (of_type[t] > of_type[s->type]) s->type = t;
}

// --- Placement -------------------------------------------------------------------------------

static const void *take(const uint8_t *base, size_t *used, size_t bytes) {
    const void *p = base ? base + *used : NULL;
    *used += align_up(bytes, KERN_ALIGN);
    return p;
}

// Gives every part its address in the image at `base`; returns the image's length.
static size_t place(lm_model *m, const lm_parts *parts, const uint8_t *base) {  // I1
    size_t used = 0;
    for (size_t i = 0; i < parts->n; i++) {
        const lm_part *p = &parts->at[i];
        kern_mat *mat = p->to;
        if (p->kind == LM_PART_MATRIX)
            mat->panels = take(base, &used, lm__mat_bytes(mat));
        else if (p->kind == LM_PART_BIAS)
            mat->bias = take(base, &used, kern_panels(p->n) * KERN_PANEL * sizeof(float));
        else
            *(const float **)p->to = take(base, &used, p->n * p->k * sizeof(float));
    }
    if (m->spec.is_tied) m->embed = m->head;
    return used;
}

void lm__model_place(lm_model *m, const lm_parts *parts, const uint8_t *image) {
    (void)place(m, parts, image);
}

status lm__model_new(lm_model **out, lm_parts *parts, size_t *len, const lm_spec *s,
                     const kern_type *type, const weights *file, err *e) {
    lm_model *m = calloc(1, sizeof *m + (size_t)s->n_layer * sizeof(lm_layer));
    *out = m;
    if (!m) return err_set(e, E_MEMORY, "no memory for a model of %d layers", s->n_layer);
    m->spec = *s;
    m->kern = kern_best();
    TRY(lm__parts_of(parts, m, file, e));
    for (size_t i = 0; i < parts->n; i++)
        if (parts->at[i].kind == LM_PART_MATRIX)
            ((kern_mat *)parts->at[i].to)->type = type_of(&parts->at[i], s, type, file);
    *len = place(m, parts, NULL);
    count_all(m, parts);
    return OK;
}

status lm__model_reserve(lm_model *m, const lm_parts *parts, size_t len, err *e) {
    size_t memory = os_memory();
    if (len > memory)
        return err_set(e, E_LIMIT, "weights take %zu MB in %s, this machine has %zu MB", len >> 20,
                       kern_type_name(m->spec.type), memory >> 20);
    TRY(arena_open(&m->a, len, e));
    // Huge pages save a third of the page walks of a stream through all weights; a wish only.
    madvise(m->a.base, m->a.reserve, MADV_HUGEPAGE);
    m->a.used = place(m, parts, m->a.base);
    return OK;
}

void lm_model_close(lm_model *m) {
    if (!m) return;
    arena_close(&m->a);
    if (m->panels.h) store_in_close(&m->panels);
    free(m->mats);
    free(m);
}

const lm_spec *lm_model_spec(const lm_model *m) {
    return &m->spec;
}
