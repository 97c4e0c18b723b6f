// PyTorch's own continuations and logits, from a checkpoint that lies beside the project and from
// small ones in tests/golden. The big ones are skipped where they are absent.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "lm/forward.h"
#include "tests/lm/lm_cases.h"

#include <math.h>

#define SHARED "../shared/data/models/"

static void run_cases(const lm_model *m, const char *path, int seeded_may_differ) {
    lm_case *cases;
    size_t n = cases_load(&cases, path);
    assert_true(n > 0);
    lm_engine *g;
    assert_int_equal(lm_engine_open(&g, &(lm_config){0}, NULL), OK);
    lm_stream *streams[CASES_MAX];
    for (size_t i = 0; i < n; i++) {  // all at once: a crowd must not change anything
        lm_request r = case_request(&cases[i], m);
        assert_int_equal(lm_submit(&streams[i], g, &r, NULL), OK);
    }
    int differ = 0, seeded = 0;
    for (size_t i = 0; i < n; i++) {
        int32_t ids[CASE_IDS_MAX];
        lm_state state;
        size_t got = drain(ids, CASE_IDS_MAX, &state, streams[i]);
        bool all;
        size_t equal = case_equal(&all, &cases[i], ids, got);
        if (!all)
            print_message("%s case %zu: %zu of %zu new ids equal\n",
                          cases[i].greedy ? "greedy" : "seeded", i, equal,
                          cases[i].n_ids - cases[i].n_prompt);
        if (cases[i].greedy)
            assert_true(all);
        else
            seeded++, differ += !all;
        assert_true(all ? state == LM_LENGTH || state == LM_STOPPED : true);
        lm_stream_close(streams[i]);
    }
    print_message("%s: %zu runs, %d of %d seeded ones equal\n", path, n, seeded - differ, seeded);
    assert_true(differ <= seeded_may_differ);
    lm_engine_close(g);
    free(cases);
}

// Every logit of `ids` against a .npy of [n][vocab], in chunks of `chunk` rows.
static double logits_worst(const lm_model *m, const int32_t *ids, size_t n, const float *want,
                           size_t chunk) {
    lm_work w;
    lm_pages *pages;
    lm_seq seq;
    assert_int_equal(lm__work_open(&w, m, NULL), OK);
    assert_int_equal(lm__pages_open(&pages, m, lm__pages_for(n) * lm__page_bytes(m), NULL), OK);
    assert_true(lm__seq_open(&seq, pages, ids, n, n));
    double worst = 0;
    size_t vocab = (size_t)m->spec.vocab_size;
    for (size_t at = 0; at < n; at += chunk) {
        lm_segment seg = {&seq, ids + at, min_size(chunk, n - at), at, 1, NULL};
        lm__forward(&w, m, NULL, &seg, 1);
        const float *row = want + (at + seg.n - 1) * vocab;
        for (size_t i = 0; i < vocab; i++)
            worst = fmax(worst, fabs((double)seg.logits[i] - (double)row[i]));
    }
    lm__seq_close(&seq);
    lm__pages_close(pages);
    lm__work_close(&w);
    return worst;
}

static const float *npy_data(const os_map *map, size_t floats) {
    size_t header = 10 + (size_t)map->base[8] + 256 * (size_t)map->base[9];
    assert_int_equal(map->len, header + floats * sizeof(float));
    return (const float *)(const void *)(map->base + header);
}

static void check_logits(const lm_model *m, const char *cases_path, const char *npy) {
    lm_case *cases;
    assert_true(cases_load(&cases, cases_path) > 0);
    os_map map;
    assert_int_equal(os_map_open(&map, npy, OS_MAP_SEQUENTIAL, NULL), OK);
    const float *want = npy_data(&map, cases[0].n_prompt * (size_t)m->spec.vocab_size);
    double one = logits_worst(m, cases[0].prompt, cases[0].n_prompt, want, 1);
    double all = logits_worst(m, cases[0].prompt, cases[0].n_prompt, want, cases[0].n_prompt);
    print_message("%s: logits within %.2g (token by token), %.2g (whole)\n", npy, one, all);
    assert_true(one < 1e-4 && all < 1e-4);
    os_map_close(&map);
    free(cases);
}

static void shared_checkpoint(void **state) {
    (void)state;
    os_file_stat st;
    if (os_stat(&st, SHARED "model_01148.pt", NULL)) {
        print_message("skipped: no " SHARED "model_01148.pt\n");
        skip();
    }
    lm_model *m;
    err e = {0};
    if (lm_model_open(&m, SHARED "model_01148.pt", NULL, &e)) fail_msg("%s", e.msg);
    assert_int_equal(lm_model_spec(m)->step, 1148);
    check_logits(m, SHARED "continuations.json", SHARED "logits.npy");
    run_cases(m, SHARED "continuations.json", 1);
    lm_model_close(m);
}

#define GOLDEN(kind)                                                                               \
    static void kind##_checkpoint(void **state) {                                                  \
        (void)state;                                                                               \
        check_golden("tests/golden/gpt2_" #kind);                                                  \
    }

static void check_golden(const char *stem) {
    char path[64], cases[64], npy[64];
    snprintf(path, sizeof path, "%s.pt", stem);
    snprintf(cases, sizeof cases, "%s.json", stem);
    snprintf(npy, sizeof npy, "%s.npy", stem);
    lm_model *m;
    err e = {0};
    if (lm_model_open(&m, path, NULL, &e)) fail_msg("%s", e.msg);
    const lm_spec *s = lm_model_spec(m);
    assert_int_equal(s->vocab_size, 512);
    assert_int_equal(s->block_size, 64);
    assert_int_equal(s->step, 10);
    assert_true(s->val_loss == 3.5);
    assert_int_equal(s->n_params, 512 * 32 + 64 * 32 + 2 * (12 * 32 * 32 + 13 * 32) + 2 * 32);
    check_logits(m, cases, npy);
    run_cases(m, cases, 0);
    lm_model_close(m);
}
GOLDEN(f32)
GOLDEN(f16)
GOLDEN(bf16)

// Transformers' own logits and continuations.
static void check_folder(const char *stem) {
    char cases[64], npy[64];
    snprintf(cases, sizeof cases, "%s.json", stem);
    snprintf(npy, sizeof npy, "%s.npy", stem);
    lm_model *m;
    err e = {0};
    if (lm_model_open(&m, stem, NULL, &e)) fail_msg("%s", e.msg);
    const lm_spec *s = lm_model_spec(m);
    assert_int_equal(s->vocab_size, 300);
    assert_int_equal(s->block_size, 48);
    assert_int_equal(s->n_params, 300 * 32 + 48 * 32 + 2 * (12 * 32 * 32 + 13 * 32) + 2 * 32);
    assert_int_equal(s->step, -1);
    assert_true(isnan(s->val_loss));
    check_logits(m, cases, npy);
    run_cases(m, cases, 0);
    lm_model_close(m);
}

static void folder_with_one_file(void **state) {
    (void)state;
    check_folder("tests/golden/hf_single");
}

static void folder_of_shards(void **state) {
    (void)state;
    check_folder("tests/golden/hf_sharded");
}

// Each has one thing wrong; the message must name it.
static void broken_checkpoints(void **state) {
    (void)state;
    static const struct {
        const char *name, *says;
        status code;
    } cases[] = {
        {"missing", "transformer.h.0.mlp.c_fc.bias is missing", E_FORMAT},
        {"shape",
         "transformer.h.0.attn.c_attn.weight has shape [16, 48], the config wants [48, 16]",
         E_FORMAT},
        {"dtype", "transformer.ln_f.bias is of a type, which is not f32, f16 or bf16",
         E_UNSUPPORTED},
        {"extra", "unexpected tensor transformer.h.1.ln_1.bias", E_FORMAT},
        {"untied", "lm_head.weight differs from transformer.wte.weight", E_UNSUPPORTED},
        {"heads", "n_embd 16 over n_head 3 must be a whole multiple of 16", E_UNSUPPORTED},
        {"config", "config.n_layer is missing", E_FORMAT},
        {"limit", "config.block_size is 1.07374e+09, must be in 1..1048576", E_LIMIT},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char path[64], want[200];
        snprintf(path, sizeof path, "tests/golden/gpt2_bad_%s.pt", cases[i].name);
        snprintf(want, sizeof want, "%s: %s", path, cases[i].says);
        lm_model *m;
        err e = {0};
        assert_int_equal(lm_model_open(&m, path, NULL, &e), cases[i].code);
        assert_string_equal(e.msg, want);
        assert_null(m);
    }
    lm_model *m;
    assert_int_equal(lm_model_open(&m, "tests/golden/none.pt", NULL, NULL), E_NOT_FOUND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(f32_checkpoint),       cmocka_unit_test(f16_checkpoint),
        cmocka_unit_test(bf16_checkpoint),      cmocka_unit_test(broken_checkpoints),
        cmocka_unit_test(folder_with_one_file), cmocka_unit_test(folder_of_shards),
        cmocka_unit_test(shared_checkpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
