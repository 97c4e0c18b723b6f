// Loading hub models: where rows go, what they are held in, progress, and what is measured.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lm/pages.h"
#include "lm/parts.h"
#include "tests/tensor/folder.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>

#define HF "tests/golden/hf/"

static lm_model *open_ok(const char *path, const lm_load *how) {
    lm_model *m;
    err e = {0};
    if (lm_model_open(&m, path, how, &e)) fail_msg("%s", e.msg);
    return m;
}

// --- Where rows go -------------------------------------------------------------------------------

enum { COLS_MAX = 256 };

// Rows [first, first + n) of `mat`, as `at` numbers them, are those of a tensor.
static void check_rows(const kern_mat *mat, size_t (*at)(size_t), size_t first, const weights *w,
                       const char *name) {
    tensor t;
    if (!weights_tensor(&t, w, name)) fail_msg("%s", name);
    size_t n = (size_t)t.dim[0], k = (size_t)t.dim[1];
    assert_true(k <= COLS_MAX && k == mat->k && first + n <= mat->n);
    float *want = calloc(n * k, sizeof *want), got[COLS_MAX];
    tensor_to_f32(want, &t);
    for (size_t r = 0; r < n; r++) {
        kern_unpack_row(got, mat, first + at(r));
        assert_memory_equal(got, want + r * k, k * sizeof *got);
    }
    free(want);
}

static size_t plain(size_t r) {
    return r;
}
static size_t gate(size_t r) {
    return r / 16 * 32 + r % 16;
}
static size_t up(size_t r) {
    return r / 16 * 32 + 16 + r % 16;
}

static void rows_of_fused_matrices(void **state) {
    (void)state;
    static const kern_type exact[] = {KERN_BF16, KERN_F32};
    weights *w;
    assert_int_equal(weights_open(&w, HF "llama", NULL), OK);
    for (size_t i = 0; i < countof(exact); i++) {
        lm_load how = {.has_type = true, .type = exact[i]};
        lm_model *m = open_ok(HF "llama", &how);
        const lm_layer *l = &m->layers[1];
        size_t q = (size_t)(m->spec.n_head * m->spec.head_dim);
        size_t kv = (size_t)(m->spec.n_kv_head * m->spec.head_dim);
        assert_int_equal(l->in.n, q + 2 * kv);
        check_rows(&l->in, plain, 0, w, "model.layers.1.self_attn.q_proj.weight");
        check_rows(&l->in, plain, q, w, "model.layers.1.self_attn.k_proj.weight");
        check_rows(&l->in, plain, q + kv, w, "model.layers.1.self_attn.v_proj.weight");
        check_rows(&l->out, plain, 0, w, "model.layers.1.self_attn.o_proj.weight");
        check_rows(l->up, gate, 0, w, "model.layers.1.mlp.gate_proj.weight");
        check_rows(l->up, up, 0, w, "model.layers.1.mlp.up_proj.weight");
        check_rows(l->down, plain, 0, w, "model.layers.1.mlp.down_proj.weight");
        check_rows(&m->head, plain, 0, w, "lm_head.weight");
        check_rows(&m->embed, plain, 0, w, "model.embed_tokens.weight");
        lm_model_close(m);
    }
    weights_close(w);
}

// A role without data is zeros, and so is what pads the last panel.
static void rows_beyond_a_part_are_zeros(void **state) {
    (void)state;
    float a[3] = {1, 2, 3};
    lm_part p = {.kind = LM_PART_BIAS, .n_roles = 2, .n = 5, .k = 1};
    p.rows[0] = (lm_rows){.t = {TENSOR_F32, 1, {3}, a}, .n = 3, .k = 1, .group = 3, .step = 1};
    p.rows[1] = (lm_rows){.n = 2, .k = 1};
    float got[7];
    for (size_t i = 0; i < countof(got); i++) {
        tensor_row r = lm__part_row(&p, i);
        tensor_row_to_f32(&got[i], &r, 1);
        assert_true(got[i] == (i < 3 ? a[i] : 0));
    }
}

// --- Types -------------------------------------------------------------------------------------

static void types_of_experts(void **state) {
    (void)state;
    static const struct {
        bool has;
        kern_type asked, experts, other, embed;
    } cases[] = {{false, 0, KERN_MXFP4, KERN_BF16, KERN_BF16},
                 {true, KERN_INT8, KERN_MXFP4, KERN_INT8, KERN_INT8},
                 {true, KERN_INT4, KERN_MXFP4, KERN_INT4, KERN_INT8},
                 {true, KERN_F32, KERN_F32, KERN_F32, KERN_F32}};
    for (size_t i = 0; i < countof(cases); i++) {
        lm_load how = {.has_type = cases[i].has, .type = cases[i].asked};
        lm_model *m = open_ok(HF "gpt_oss", &how);
        const lm_layer *l = &m->layers[0];
        for (int x = 0; x < m->spec.n_expert; x++) {
            assert_int_equal(l->up[x].type, cases[i].experts);
            assert_int_equal(l->down[x].type, cases[i].experts);
        }
        assert_int_equal(l->in.type, cases[i].other);
        assert_int_equal(m->head.type, cases[i].other);
        assert_int_equal(m->embed.type, cases[i].embed);
        assert_int_equal(l->router.type, KERN_F32);
        lm_model_close(m);
    }
}

// Experts that a token does not use are not read for it.
static void figures_of_experts(void **state) {
    (void)state;
    lm_model *m = open_ok(HF "gpt_oss", NULL);
    const lm_spec *s = lm_model_spec(m);
    uint64_t all = 0, used = 0;
    for (int i = 0; i < s->n_layer; i++)
        for (int x = 0; x < s->n_expert; x++) {
            uint64_t bytes =
                lm__mat_bytes(&m->layers[i].up[x]) + lm__mat_bytes(&m->layers[i].down[x]);
            all += bytes;
            used += bytes * (uint64_t)s->n_used / (uint64_t)s->n_expert;
        }
    assert_true(used < all && s->bytes_per_token > used);
    assert_true(s->bytes_per_token < m->a.used - (all - used) + 64);
    lm_model_close(m);
}

// Keys and values: by the weights, or as asked.
static void types_of_keys(void **state) {
    (void)state;
    static const struct {
        lm_load how;
        kern_type want;
    } cases[] = {{{0}, KERN_F32},
                 {{.has_type = true, .type = KERN_INT8}, KERN_F16},
                 {{.has_kv = true, .kv = KERN_F16}, KERN_F16},
                 {{.has_type = true, .type = KERN_INT8, .has_kv = true, .kv = KERN_F32}, KERN_F32}};
    size_t bytes[2] = {0};
    for (size_t i = 0; i < countof(cases); i++) {
        lm_model *m = open_ok(HF "llama", &cases[i].how);
        assert_int_equal(m->spec.kv_type, cases[i].want);
        bytes[cases[i].want == KERN_F16] = lm__page_bytes(m);
        lm_model_close(m);
    }
    assert_int_equal(bytes[0], 2 * bytes[1]);
    lm_load how = {.has_kv = true, .kv = KERN_INT8};
    lm_model *m;
    err e = {0};
    assert_int_equal(lm_model_open(&m, HF "llama", &how, &e), E_ARG);
    assert_non_null(strstr(e.msg, "f32 or f16, not int8"));
}

// What kernels or pages could not hold, or the pass would compute as something else.
static void specs_that_are_refused(void **state) {
    (void)state;
    lm_spec good = {.family = "any",
                    .block_size = 64,
                    .vocab_size = 32,
                    .n_ids = 32,
                    .n_layer = 1,
                    .n_head = 4,
                    .n_kv_head = 2,
                    .head_dim = 16,
                    .n_embd = 32,
                    .n_ff = 32,
                    .norm = LM_NORM_RMS,
                    .norm_at = LM_NORM_PRE,
                    .act = LM_ACT_SILU,
                    .is_gated = true,
                    .is_tied = true};
    good.layer[0].rope = -1;
    assert_int_equal(lm__spec_check(&good, NULL), OK);
    lm_spec s = good;
    const struct {
        int *field, value;
        const char *says;
    } cases[] = {
        {&s.n_embd, 40, "n_embd is 40, must be a multiple of 16 in 1..16384"},
        {&s.head_dim, 0, "head_dim is 0, must be a multiple of 16 in 1..512"},
        {&s.n_layer, 257, "n_layer is 257, must be a multiple of 1 in 1..256"},
        {&s.n_kv_head, 3, "4 heads over 3 of keys"},
        {&s.n_ff, 0, "layer 0: an MLP of no columns"},
        {(int *)&s.act, LM_ACT_GELU_ERF, "an MLP with gates with this activation"},
        {&s.layer[0].rope, 0, "layer 0: no such rotary positions"},
        {(int *)&s.layer[0].mixer, LM_MIX_CONV, "a convolution has 0 taps, must be in 1..8"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        err e = {0};
        s = good;
        *cases[i].field = cases[i].value;
        assert_int_not_equal(lm__spec_check(&s, &e), OK);
        assert_string_equal(e.msg, cases[i].says);
    }
}

// --- Progress, measures --------------------------------------------------------------------------

static void progress_and_cancelling(void **state) {
    (void)state;
    _Atomic unsigned permille = 0;
    _Atomic bool cancelled = false;
    lm_load how = {.permille = &permille, .cancelled = &cancelled};
    lm_model_close(open_ok(HF "llama", &how));
    assert_int_equal(permille, 1000);
    cancelled = true;
    permille = 0;
    lm_model *m;
    err e = {0};
    assert_int_equal(lm_model_open(&m, HF "llama", &how, &e), E_CLOSED);
    assert_non_null(strstr(e.msg, "cancelled"));
    assert_null(m);
    assert_int_equal(permille, 0);
}

static void measured_as_opened(void **state) {
    (void)state;
    static const char *const all[] = {"llama", "gpt_oss", "lfm2_moe", "gguf_qwen3"};
    for (size_t i = 0; i < countof(all); i++) {
        char path[64];
        snprintf(path, sizeof path, HF "%s", all[i]);
        if (strstr(all[i], "gguf")) snprintf(path, sizeof path, HF "%s/model.gguf", all[i]);
        lm_spec s;
        size_t bytes;
        err e = {0};
        if (lm_model_measure(&s, &bytes, path, NULL, &e)) fail_msg("%s", e.msg);
        lm_model *m = open_ok(path, NULL);
        assert_int_equal(bytes, m->a.used);
        assert_int_equal(s.n_params, m->spec.n_params);
        assert_int_equal(s.bytes_per_token, m->spec.bytes_per_token);
        assert_string_equal(s.family, m->spec.family);
        lm_model_close(m);
    }
}

// --- The file of panels ------------------------------------------------------------------------

// What the first start packs the second maps, experts and taps included; with
// another type it packs anew.
static void panels_of_experts(void **state) {
    (void)state;
    folder f;
    assert_true(folder_open(&f));
    assert_true(folder_copy(&f, "model.safetensors", HF "lfm2_moe/model.safetensors"));
    assert_true(folder_copy(&f, "config.json", HF "lfm2_moe/config.json"));
    char panels[300];
    snprintf(panels, sizeof panels, "%s/panels", f.path);
    err note;
    lm_load how = {.panels = panels, .note = &note};
    lm_model *packed = open_ok(f.path, &how), *mapped = open_ok(f.path, &how);
    assert_false(packed->spec.mapped);
    assert_true(mapped->spec.mapped);
    assert_int_equal(note.code, OK);
    const uint8_t *image = (const uint8_t *)mapped->layers[0].norm_in.gain;
    assert_memory_equal(image, packed->a.base, packed->a.used);
    assert_memory_equal(mapped->layers[0].conv, packed->layers[0].conv,
                        (size_t)(packed->spec.n_conv * packed->spec.n_embd) * sizeof(float));
    lm_model_close(mapped);
    lm_model_close(packed);
    how.has_type = true;
    how.type = KERN_INT8;
    lm_model_close(open_ok(f.path, &how));
    assert_int_equal(note.code, E_STALE);
    folder_close(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_fused_matrices),  cmocka_unit_test(rows_beyond_a_part_are_zeros),
        cmocka_unit_test(types_of_experts),        cmocka_unit_test(types_of_keys),
        cmocka_unit_test(specs_that_are_refused),  cmocka_unit_test(figures_of_experts),
        cmocka_unit_test(progress_and_cancelling), cmocka_unit_test(measured_as_opened),
        cmocka_unit_test(panels_of_experts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
