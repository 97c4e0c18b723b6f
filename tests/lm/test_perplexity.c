// What rounding weights costs: perplexity of a text, by weight type. The checkpoint and the text
// lie beside the project; skipped where they are absent.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lm/forward.h"
#include "os/cpu.h"
#include "os/file.h"
#include "text/tokenizer.h"

#include <bzlib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define MODEL "../shared/data/models/model_01148.pt"
#define TEXT  "../shared/data/wiki/enwiki-sample.xml.bz2"

// Windows of CONTEXT ids, each predicted from those before it in its window.
enum { CONTEXT = 128, WINDOWS = 24, TEXT_SKIP = 60000, TEXT_LEN = 40000 };

// -log of the probability of `id`. Overwrites the logits.
static double surprise(float *row, const lm_model *m, int32_t id) {
    float top = row[0], own = row[id];
    for (size_t i = 1; i < (size_t)m->spec.vocab_size; i++)
        top = fmaxf(top, row[i]);
    float sum = m->kern->exp_sum(row, lm__logits_padded(m));
    return (double)top + log((double)sum) - (double)own;
}

static double window_surprise(lm_work *w, lm_pages *pages, const lm_model *m, os_pool *pool,
                              const int32_t *ids) {
    lm_seq seq;
    double sum = 0;
    assert_true(lm__seq_open(&seq, pages, ids, CONTEXT, CONTEXT));
    lm_segment seg = {.seq = &seq, .ids = ids, .n = CONTEXT, .pos = 0, .want = CONTEXT};
    lm__forward(w, m, pool, &seg, 1);
    for (size_t i = 0; i + 1 < CONTEXT; i++)
        sum += surprise(seg.logits + i * w->ld_logits, m, ids[i + 1]);
    lm__seq_close(&seq);
    return sum;
}

static double perplexity(kern_type type, const int32_t *ids, os_pool *pool) {
    lm_model *m;
    lm_work w;
    lm_pages *pages;
    err e = {0};
    if (lm_model_open(&m, MODEL, &(lm_load){.has_type = true, .type = type}, &e))
        fail_msg("%s", e.msg);
    assert_int_equal(lm__work_open(&w, m, NULL), OK);
    size_t bytes = lm__pages_for(CONTEXT) * lm__page_bytes(m);
    assert_int_equal(lm__pages_open(&pages, m, bytes, NULL), OK);
    double sum = 0;
    for (int i = 0; i < WINDOWS; i++)
        sum += window_surprise(&w, pages, m, pool, ids + (ptrdiff_t)i * CONTEXT);
    lm__pages_close(pages);
    lm__work_close(&w);
    lm_model_close(m);
    return exp(sum / (WINDOWS * (CONTEXT - 1)));
}

// The text that begins TEXT_SKIP bytes into the dump.
static str some_text(const os_map *map, arena *a) {
    char *to = arena_alloc(a, TEXT_SKIP + TEXT_LEN);
    bz_stream z = {.next_in = (char *)map->base,
                   .avail_in = (unsigned)map->len,
                   .next_out = to,
                   .avail_out = TEXT_SKIP + TEXT_LEN};
    assert_int_equal(BZ2_bzDecompressInit(&z, 0, 0), BZ_OK);
    while (z.avail_out && BZ2_bzDecompress(&z) == BZ_OK) {
    }
    assert_int_equal(z.avail_out, 0);
    BZ2_bzDecompressEnd(&z);
    return (str){to + TEXT_SKIP, TEXT_LEN};
}

static void rounded_weights_predict_as_well(void **state) {
    (void)state;
    static const struct {
        kern_type type;
        double limit;  // of perplexity over that of f32, less 1
    } cases[] = {{KERN_INT8, 0.005}, {KERN_INT4, 0.03}};
    os_file_stat st;
    os_map map;
    arena a;
    int32_t *ids;
    size_t n;
    os_pool *pool;
    if (os_stat(&st, MODEL, NULL) || os_map_open(&map, TEXT, OS_MAP_SEQUENTIAL, NULL)) {
        print_message("skipped: no " MODEL " or no " TEXT "\n");
        skip();
    }
    assert_int_equal(arena_open(&a, 64 << 20, NULL), OK);
    assert_int_equal(os_pool_open(&pool, os_cpu_count() - 1, 1, "test", NULL), OK);
    str text = some_text(&map, &a);
    assert_int_equal(tokenizer_encode(&ids, &n, tokenizer_gpt2(), text, TOKENIZER_PLAIN, &a, NULL),
                     OK);
    assert_true(n >= CONTEXT * WINDOWS);
    double full = perplexity(KERN_F32, ids, pool);
    print_message("f32: perplexity %.4f\n", full);
    for (size_t i = 0; i < countof(cases); i++) {
        double p = perplexity(cases[i].type, ids, pool);
        print_message("%s: %.4f, %+.3f %%\n", kern_type_name(cases[i].type), p,
                      100 * (p / full - 1));
        assert_true(p <= full * (1 + cases[i].limit));
        assert_true(p != full);  // the type was taken
    }
    os_pool_close(pool);
    arena_close(&a);
    os_map_close(&map);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(rounded_weights_predict_as_well)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
