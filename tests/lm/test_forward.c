// The same request gives the same bits: alone or in a crowd, whole or in pieces, after a prefix was
// found, on any number of threads, with every set of kernels and every type of weights.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lm/arch.h"
#include "lm/forward.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CONTEXT = 64, PROMPT = 53, VOCAB = 160, CROWD = 16, THREADS_MAX = 3 };

// Sanitizers slow kernels down most, which tests of their own look after.
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { KERNS_TRIED = 1, TYPES_TRIED = KERN_INT8 + 1 };
#else
enum { KERNS_TRIED = KERN_SETS_MAX, TYPES_TRIED = KERN_TYPES };
#endif
enum { FEW = 4 };  // of a crowd

static const lm_spec small = {
    .block_size = CONTEXT, .vocab_size = VOCAB, .n_layer = 2, .n_head = 3, .n_embd = 48};

static lm_model *model_of(const lm_spec *shape, kern_type type) {
    lm_spec s = *shape;
    lm_model *m;
    err e = {0};
    s.type = type;
    s.kv_type = lm__kv_type(type);
    if (lm__model_random(&m, &s, 7, &e)) fail_msg("%s", e.msg);
    assert_int_equal(m->layers[1].out.type, type);
    return m;
}

static lm_model *model_new(kern_type type) {
    return model_of(&small, type);
}

// --- Families ------------------------------------------------------------------------------------

// What most share: four heads over two of keys, rotary positions, gated MLPs. Attention is sharp
// enough for positions to matter, although weights are small.
static lm_spec base(const char *family) {
    lm_spec s = {.block_size = CONTEXT,
                 .vocab_size = VOCAB,
                 .n_ids = VOCAB,
                 .bos = -1,
                 .n_layer = 2,
                 .n_head = 4,
                 .n_kv_head = 2,
                 .head_dim = 16,
                 .n_embd = 48,
                 .n_ff = 80,
                 .norm = LM_NORM_RMS,
                 .norm_at = LM_NORM_PRE,
                 .norm_eps = 1e-6F,
                 .act = LM_ACT_SILU,
                 .is_gated = true,
                 .is_tied = true,
                 .attn_scale = 3,
                 .embed_scale = 1,
                 .routed_scale = 1,
                 .n_rope = 1};
    snprintf(s.family, sizeof s.family, "%s", family);
    s.rope[0] = (lm_rope){.dims = 16, .factor = 1};
    for (int i = 0; i < 8; i++)
        s.rope[0].freq[i] = powf(100, -(float)i / 8);
    return s;
}

static lm_spec gemma(void) {
    lm_spec s = base("norms on both sides, a window, caps");
    s.norm_at = LM_NORM_PRE | LM_NORM_POST;
    s.qk_norm = LM_QK_HEAD;
    s.act = LM_ACT_GELU;
    s.attn_softcap = 2;
    s.final_softcap = 1;
    s.embed_scale = 7;
    s.layer[0].window = 20;
    return s;
}

static lm_spec olmo(void) {
    lm_spec s = base("norms behind, and over all of q and k");
    s.norm_at = LM_NORM_POST;
    s.qk_norm = LM_QK_ALL;
    s.is_tied = false;
    return s;
}

static lm_spec neox(void) {
    lm_spec s = base("parallel residuals, some of a head turns");
    s.norm = LM_NORM_LAYER;
    s.is_parallel = true;
    s.is_gated = false;
    s.act = LM_ACT_GELU_ERF;
    s.n_kv_head = 4;
    s.rope[0].dims = 6;
    s.layer[1].rope = -1;
    s.biases = 1U << LM_NORM_IN | 1U << LM_Q | 1U << LM_K | 1U << LM_V | 1U << LM_UP;
    return s;
}

static lm_spec oss(void) {
    lm_spec s = base("sinks, windows, experts with biases");
    s.act = LM_ACT_OSS;
    s.has_sinks = true;
    s.n_expert = 5;
    s.n_used = 3;
    s.n_ff = 0;
    s.n_ff_expert = 32;
    s.router = LM_ROUTE_TOP_SOFTMAX;
    s.biases = 1U << LM_Q | 1U << LM_ROUTER | 1U << LM_GATE | 1U << LM_DOWN;
    s.layer[1].window = 17;
    s.layer[0].is_moe = s.layer[1].is_moe = true;
    return s;
}

static lm_spec lfm(void) {
    lm_spec s = base("convolutions, a dense layer, then experts");
    s.n_layer = 3;
    s.qk_norm = LM_QK_HEAD;
    s.n_conv = 4;
    s.n_expert = 9;
    s.n_used = 2;
    s.n_ff_expert = 48;
    s.router = LM_ROUTE_SIGMOID;
    s.norm_top = true;
    s.routed_scale = 1.5F;
    s.layer[0].mixer = s.layer[2].mixer = LM_MIX_CONV;
    s.layer[1].is_moe = s.layer[2].is_moe = true;
    return s;
}

static lm_spec qwen_moe(void) {
    lm_spec s = base("experts and norms behind");
    s.norm_at = LM_NORM_PRE | LM_NORM_POST;
    s.n_expert = 6;
    s.n_used = 2;
    s.n_ff_expert = 48;
    s.layer[1].is_moe = true;
    return s;
}

static int32_t id_at(size_t stream, size_t pos) {
    return (int32_t)((stream * 37 + pos * 11 + pos * pos * stream) % VOCAB);
}

// --- A machine: kernels, threads, pages ----------------------------------------------------------

typedef struct rig {
    lm_model *m;
    os_pool *pool;
    lm_work w;
    lm_pages *pages;
    size_t crowd;
    int32_t ids[CROWD][PROMPT];
} rig;

static void rig_open(rig *r, lm_model *m, os_pool *pool, size_t crowd) {
    *r = (rig){.m = m, .pool = pool, .crowd = crowd};
    size_t bytes = CROWD * lm__pages_for(CONTEXT) * lm__page_bytes(m);
    assert_int_equal(lm__work_open(&r->w, m, NULL), OK);
    assert_int_equal(lm__pages_open(&r->pages, m, bytes, NULL), OK);
    for (size_t i = 0; i < CROWD; i++)
        for (size_t j = 0; j < PROMPT; j++)
            r->ids[i][j] = id_at(i, j);
}

static void rig_close(rig *r) {
    lm__pages_close(r->pages);
    lm__work_close(&r->w);
}

// Logits after the prompt of stream `i`, read in pieces of `piece` rows. *found: what pages had.
static void read_prompt(float *logits, size_t *found, rig *r, size_t i, size_t piece) {
    lm_seq seq;
    assert_true(lm__seq_open(&seq, r->pages, r->ids[i], PROMPT, CONTEXT));
    *found = seq.n_past;
    while (seq.n_past < PROMPT) {
        size_t n = min_size(piece, PROMPT - seq.n_past), past = seq.n_past;
        lm_segment seg = {&seq, r->ids[i] + past, n, past, past + n == PROMPT, NULL};
        lm__forward(&r->w, r->m, r->pool, &seg, 1);
        assert_int_equal(seg.logits != NULL, seg.want);
        if (seg.want) memcpy(logits, seg.logits, VOCAB * sizeof *logits);
        lm__seq_advance(&seq, r->ids[i], n);
    }
    lm__seq_close(&seq);
}

// A crowd: stream i has read a part of its prompt before, and reads the rest a token a pass beside
// the others.
static void read_together(float (*logits)[VOCAB], rig *r) {
    lm_seq seq[CROWD];
    for (size_t i = 0; i < r->crowd; i++) {
        assert_true(lm__seq_open(&seq[i], r->pages, r->ids[i], PROMPT, CONTEXT));
        lm_segment seg = {&seq[i], r->ids[i], PROMPT - 1 - i % 5, 0, 0, NULL};
        lm__forward(&r->w, r->m, r->pool, &seg, 1);
        lm__seq_advance(&seq[i], r->ids[i], seg.n);
    }
    for (bool more = true; more;) {
        lm_segment segs[CROWD];
        size_t of[CROWD], n = 0;
        for (size_t i = 0; i < r->crowd; i++) {
            size_t past = seq[i].n_past;
            if (past == PROMPT) continue;
            segs[n] = (lm_segment){&seq[i], r->ids[i] + past, 1, past, 1, NULL};
            of[n++] = i;
        }
        more = n > 0;
        if (more) lm__forward(&r->w, r->m, r->pool, segs, n);
        for (size_t j = 0; j < n; j++) {
            memcpy(logits[of[j]], segs[j].logits, sizeof logits[0]);
            lm__seq_advance(&seq[of[j]], r->ids[of[j]], 1);
        }
    }
    for (size_t i = 0; i < r->crowd; i++)
        lm__seq_close(&seq[i]);
}

static bool same_bits(const float *a, const float *b) {
    return memcmp(a, b, VOCAB * sizeof *a) == 0;
}

// --- Equality ----------------------------------------------------------------------------------

// The first set of kernels on this thread alone, each prompt in one piece.
static void reference(float (*want)[VOCAB], lm_model *m, const kern *k, size_t crowd) {
    rig r;
    size_t found;
    m->kern = k;
    rig_open(&r, m, NULL, crowd);
    for (size_t i = 0; i < crowd; i++) {
        read_prompt(want[i], &found, &r, i, PROMPT);
        for (size_t j = 0; j < VOCAB; j++)
            assert_true(isfinite(want[i][j]));
        assert_true(i == 0 || !same_bits(want[i], want[i - 1]));
    }
    rig_close(&r);
}

static void check_rig(float (*want)[VOCAB], lm_model *m, os_pool *pool, size_t crowd) {
    static const size_t pieces[] = {1, 7, 16, PROMPT};
    float got[CROWD][VOCAB];
    size_t found;
    rig r;
    for (size_t i = 0; i < countof(pieces); i++) {
        rig_open(&r, m, pool, crowd);
        read_prompt(got[0], &found, &r, i, pieces[i]);
        assert_int_equal(found, 0);
        assert_true(same_bits(got[0], want[i]));
        read_prompt(got[0], &found, &r, i, pieces[i]);
        assert_int_equal(found, PROMPT / KERN_PAGE * KERN_PAGE);
        assert_true(same_bits(got[0], want[i]));
        rig_close(&r);
    }
    rig_open(&r, m, pool, crowd);
    read_together(got, &r);
    for (size_t i = 0; i < crowd; i++)
        assert_true(same_bits(got[i], want[i]));
    rig_close(&r);
}

static void every_way_gives_the_same_bits(void **state) {
    (void)state;
    static float want[CROWD][VOCAB];
    const kern *all[KERN_SETS_MAX];
    size_t kerns = min_size(kern_all(all), KERNS_TRIED);
    for (kern_type t = 0; t <= KERN_INT4; t++) {
        lm_model *m = model_new(t);
        reference(want, m, all[0], CROWD);
        for (size_t k = 0; k < kerns; k++) {
            m->kern = all[k];
            check_rig(want, m, NULL, CROWD);
        }
        m->kern = all[0];
        for (int threads = 1; threads <= THREADS_MAX; threads++) {
            os_pool *pool;
            assert_int_equal(os_pool_open(&pool, threads, 1, "test", NULL), OK);
            check_rig(want, m, pool, CROWD);
            os_pool_close(pool);
        }
        lm_model_close(m);
    }
}

// All kernels, and threads, for each kind of layer: in f32, and where q sides are used.
static void families_give_the_same_bits(void **state) {
    (void)state;
    static float want[CROWD][VOCAB];
    lm_spec (*const all_specs[])(void) = {gemma, olmo, neox, oss, lfm, qwen_moe};
    const kern *all[KERN_SETS_MAX];
    size_t kerns = min_size(kern_all(all), KERNS_TRIED);
    os_pool *pool;
    assert_int_equal(os_pool_open(&pool, 2, 1, "test", NULL), OK);
    for (size_t i = 0; i < countof(all_specs); i++)
        for (int quantised = 0; quantised < 2; quantised++) {
            lm_spec s = all_specs[i]();
            lm_model *m = model_of(&s, quantised ? KERN_INT8 : KERN_F32);
            reference(want, m, all[0], FEW);
            for (size_t k = 1; k < kerns; k++) {
                m->kern = all[k];
                check_rig(want, m, NULL, FEW);
            }
            m->kern = all[0];
            check_rig(want, m, pool, FEW);
            lm_model_close(m);
        }
    os_pool_close(pool);
}

// Each of these facts changes what comes out: a field that the pass does not read would not.
static void every_field_matters(void **state) {
    (void)state;
    static float want[CROWD][VOCAB];
    static float got[CROWD][VOCAB];
    const kern *all[KERN_SETS_MAX];
    (void)kern_all(all);
    lm_spec s = gemma();
    struct {
        void *field;
        size_t size;
        union {
            float f;
            int i;
        } other;
    } changes[] = {
        {&s.attn_softcap, sizeof(float), {.f = 0.5F}}, {&s.final_softcap, sizeof(float), {.f = 3}},
        {&s.embed_scale, sizeof(float), {.f = 2}},     {&s.attn_scale, sizeof(float), {.f = 1}},
        {&s.norm_eps, sizeof(float), {.f = 0.1F}},     {&s.rope[0].factor, sizeof(float), {.f = 2}},
        {&s.rope[0].dims, sizeof(int), {.i = 8}},      {&s.layer[0].window, sizeof(int), {.i = 9}},
        {&s.layer[1].rope, sizeof(int), {.i = -1}},
    };
    lm_model *m = model_of(&s, KERN_F32);
    reference(want, m, all[0], FEW);
    lm_model_close(m);
    for (size_t i = 0; i < countof(changes); i++) {
        lm_spec before = s;
        memcpy(changes[i].field, &changes[i].other, changes[i].size);
        m = model_of(&s, KERN_F32);
        reference(got, m, all[0], FEW);
        for (size_t j = 0; j < FEW; j++)
            assert_false(same_bits(got[j], want[j]));
        lm_model_close(m);
        s = before;
    }
}

// Logits of several rows of a segment are those of each row alone.
static void logits_of_any_rows_may_be_wanted(void **state) {
    (void)state;
    enum { WANT = 5 };
    lm_model *m = model_new(KERN_F32);
    rig r;
    lm_seq seq;
    float alone[WANT][VOCAB];
    rig_open(&r, m, NULL, 2);
    assert_true(lm__seq_open(&seq, r.pages, r.ids[3], PROMPT, CONTEXT));
    for (size_t i = 0; i < WANT; i++) {
        size_t n = i ? 1 : PROMPT - WANT + 1;
        lm_segment seg = {&seq, r.ids[3] + seq.n_past, n, seq.n_past, 1, NULL};
        lm__forward(&r.w, m, NULL, &seg, 1);
        memcpy(alone[i], seg.logits, sizeof alone[i]);
        lm__seq_advance(&seq, r.ids[3], n);
    }
    lm__seq_close(&seq);
    lm_seq both[2];
    for (size_t i = 0; i < 2; i++)
        assert_true(lm__seq_open(&both[i], r.pages, r.ids[4 - i], 20, CONTEXT));
    lm_segment segs[] = {
        {&both[0], r.ids[4], 20, 0, 2, NULL},
        {&both[1], r.ids[3] + both[1].n_past, PROMPT - both[1].n_past, both[1].n_past, WANT, NULL}};
    lm__forward(&r.w, m, NULL, segs, 2);
    for (size_t i = 0; i < WANT; i++)
        assert_true(same_bits(alone[i], segs[1].logits + i * r.w.ld_logits));
    assert_ptr_equal(segs[1].logits, segs[0].logits + 2 * r.w.ld_logits);
    for (size_t i = VOCAB; i < lm__logits_padded(m); i++)
        assert_true(isinf(segs[1].logits[i]) && segs[1].logits[i] < 0);
    lm__seq_close(&both[0]);
    lm__seq_close(&both[1]);
    rig_close(&r);
    lm_model_close(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_way_gives_the_same_bits),
        cmocka_unit_test(families_give_the_same_bits),
        cmocka_unit_test(every_field_matters),
        cmocka_unit_test(logits_of_any_rows_may_be_wanted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
