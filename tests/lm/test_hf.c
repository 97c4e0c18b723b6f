// The real forward pass against transformers: logits of every position of every prompt, whole, in
// pieces and token by token, and greedy continuations of a crowd of streams. HF_GOLDEN=DIR looks at
// the folders of DIR instead (make parity).

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "lm/forward.h"
#include "tests/lm/hf_cases.h"

#include <math.h>

static const double near = 1e-4;

static double larger(double a, double b) {  // NaN stays
    return a <= b || isnan(b) ? b : a;
}

static lm_model *open_f32(const hf_case *c, int context) {
    lm_model *m;
    err e = {0};
    lm_load how = {.has_type = true, .type = KERN_F32, .context = context};
    if (lm_model_open(&m, c->open, &how, &e)) fail_msg("%s", e.msg);
    return m;
}

// The largest difference of all logits of a prompt that is read `chunk` tokens at a time.
static double worst_of(const lm_model *m, const lm_case *c, const float *want, size_t chunk) {
    lm_work w;
    lm_pages *pages;
    lm_seq seq;
    size_t n = c->n_prompt, vocab = (size_t)m->spec.vocab_size;
    double worst = 0;
    assert_int_equal(lm__work_open(&w, m, NULL), OK);
    assert_int_equal(lm__pages_open(&pages, m, lm__pages_for(n) * lm__page_bytes(m), NULL), OK);
    assert_true(lm__seq_open(&seq, pages, c->prompt, n, n));
    for (size_t at = 0; at < n; at += chunk) {
        size_t take = min_size(chunk, n - at);
        lm_segment seg = {.seq = &seq, .ids = c->prompt + at, .n = take, .pos = at, .want = take};
        lm__forward(&w, m, NULL, &seg, 1);
        for (size_t i = 0; i < take * vocab; i++) {
            float got = seg.logits[i / vocab * w.ld_logits + i % vocab];
            worst = larger(worst, fabs((double)got - (double)want[at * vocab + i]));
        }
    }
    lm__seq_close(&seq);
    lm__pages_close(pages);
    lm__work_close(&w);
    return worst;
}

static double worst_of_chunks(const lm_model *m, const lm_case *c, const float *want) {
    size_t chunks[] = {min_size(c->n_prompt, LM_ROWS_MAX), 7, 1};
    double worst = 0;
    for (size_t i = 0; i < countof(chunks); i++)
        worst = larger(worst, worst_of(m, c, want, chunks[i]));
    return worst;
}

// Texts of all cases that fit this model, at once; how many new ids are equal.
static void check_texts(const char *path, const lm_model *m, const hf_case *c, bool is_longer) {
    lm_engine *g;
    lm_stream *streams[CASES_MAX] = {NULL};
    assert_int_equal(lm_engine_open(&g, &(lm_config){0}, NULL), OK);
    for (size_t i = 0; i < c->n; i++) {
        lm_request r = case_request(&c->cases[i], m);
        err e = {0};
        if ((c->cases[i].n_ids > (size_t)m->spec.context_short) != is_longer) continue;
        if (lm_submit(&streams[i], g, &r, &e)) fail_msg("%s: %s", path, e.msg);
    }
    for (size_t i = 0; i < c->n; i++) {
        int32_t ids[CASE_IDS_MAX];
        lm_state state;
        bool all;
        if (!streams[i]) continue;
        size_t got = drain(ids, CASE_IDS_MAX, &state, streams[i]);
        size_t equal = case_equal(&all, &c->cases[i], ids, got);
        if (!all) fail_msg("%s: case %zu: %zu ids of %zu equal", path, i, equal, got);
        lm_stream_close(streams[i]);
    }
    lm_engine_close(g);
}

// Logits and texts that a window of `context` tokens is for: those beyond the first training's have
// another table of angles, with some.
static double check_with(const char *path, const hf_case *c, int context, bool is_longer) {
    lm_model *m = open_f32(c, context);
    const float *want = c->logits;
    double worst = 0;
    for (size_t i = 0; i < c->n; i++) {
        const lm_case *one = &c->cases[i];
        if ((one->n_ids > (size_t)m->spec.context_short) == is_longer)
            worst = larger(worst, worst_of_chunks(m, one, want));
        want += one->n_prompt * (size_t)m->spec.vocab_size;
    }
    assert_int_equal(want - c->logits, c->n_floats);
    check_texts(path, m, c, is_longer);
    lm_model_close(m);
    return worst;
}

static void check_folder(const char *path) {
    hf_case c;
    lm_spec *s = malloc(sizeof *s);
    size_t bytes;
    err e = {0};
    hf_open(&c, path);
    if (lm_model_measure(s, &bytes, c.open, &(lm_load){0}, &e)) fail_msg("%s", e.msg);
    double worst = check_with(path, &c, 0, false);
    if (s->context_max > s->context_short)
        worst = larger(worst, check_with(path, &c, s->context_max, true));
    print_message("%-36s %.1e\n", path, worst);
    if (!(worst < near)) fail_msg("%s: logits differ by %g", path, worst);
    free(s);
    hf_close(&c);
}

static void all_families(void **state) {
    (void)state;
    const char *where = getenv("HF_GOLDEN");
    static hf_folders all;
    hf_find(&all, where ? where : "tests/golden/hf");
    assert_true(all.n >= (where ? 1 : 35));
    for (size_t i = 0; i < all.n; i++)
        check_folder(all.path[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_families),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
