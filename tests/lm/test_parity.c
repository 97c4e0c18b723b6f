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
    lm_kv kv;
    assert_int_equal(lm__work_open(&w, m, NULL), OK);
    assert_int_equal(lm__kv_open(&kv, m, (int)n, NULL), OK);
    double worst = 0;
    size_t vocab = (size_t)m->spec.vocab_size;
    for (size_t at = 0; at < n; at += chunk) {
        lm_segment seg = {&kv, ids + at, min_size(chunk, n - at), at, true, NULL};
        lm__forward(&w, m, NULL, &seg, 1);
        const float *row = want + (at + seg.n - 1) * vocab;
        for (size_t i = 0; i < vocab; i++)
            worst = fmax(worst, fabs((double)seg.logits[i] - (double)row[i]));
    }
    lm__kv_close(&kv);
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
    if (lm_model_open(&m, SHARED "model_01148.pt", &e)) fail_msg("%s", e.msg);
    assert_int_equal(lm_model_spec(m)->step, 1148);
    check_logits(m, SHARED "continuations.json", SHARED "logits.npy");
    run_cases(m, SHARED "continuations.json", 1);
    lm_model_close(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shared_checkpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
