// What PyTorch drew, and what plain Python made of logits: tests/golden/make_sampling.py.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/json_read.h"
#include "lm/sampler.h"
#include "os/file.h"

#include <math.h>

enum { IDS_MAX = 5008, TEXT_MAX = 64, BIASES_MAX = 8 };

static const json_value *golden;
static os_map map;
static arena tree;

static int open_golden(void **state) {
    (void)state;
    if (os_map_open(&map, "tests/golden/sampling.json", OS_MAP_SEQUENTIAL, NULL)) return -1;
    str text = os_map_str(&map);
    if (arena_open(&tree, json_read_arena(text.len), NULL)) return -1;
    return json_read(&golden, text, &tree, NULL) ? -1 : 0;
}

static int close_golden(void **state) {
    (void)state;
    arena_close(&tree);
    os_map_close(&map);
    return 0;
}

static double number(const json_value *v, const char *key) {
    double d;
    assert_true(json_is_number(&d, json_get(v, key)));
    return d;
}

static size_t array(float *out, size_t max, const json_value *list) {
    assert_true(list && list->kind == JSON_ARRAY && list->n <= max);
    for (size_t i = 0; i < list->n; i++) {
        double d = (double)-INFINITY;  // null
        bool is_number = json_is_number(&d, &list->items[i]);
        assert_true(is_number || list->items[i].kind == JSON_NULL);
        out[i] = (float)d;
    }
    return list->n;
}

static size_t ids_of(int32_t *out, const json_value *list) {
    float f[TEXT_MAX];
    size_t n = array(f, TEXT_MAX, list);
    for (size_t i = 0; i < n; i++)
        out[i] = (int32_t)f[i];
    return n;
}

static lm_sampling how_of(const json_value *c, lm_bias biases[BIASES_MAX]) {
    lm_sampling how = lm_sampling_default();
    how.temperature = (float)number(c, "temperature");
    how.top_k = (int)number(c, "top_k");
    how.top_p = (float)number(c, "top_p");
    how.min_p = (float)number(c, "min_p");
    how.repetition = (float)number(c, "repetition");
    how.frequency = (float)number(c, "frequency");
    how.presence = (float)number(c, "presence");
    const json_value *list = json_get(c, "bias");
    assert_true(list && list->n <= BIASES_MAX);
    for (how.n_bias = 0; how.n_bias < list->n; how.n_bias++) {
        float pair[2];
        assert_int_equal(array(pair, 2, &list->items[how.n_bias]), 2);
        biases[how.n_bias] = (lm_bias){(int32_t)pair[0], pair[1]};
    }
    how.bias = biases;
    return how;
}

static size_t pad(float *logits, size_t n) {
    for (size_t i = n; i < align_up(n, KERN_LANES); i++)
        logits[i] = -INFINITY;
    return align_up(n, KERN_LANES);
}

// The generator of make_sampling.py.
static void fill(float *logits, size_t n, uint32_t x) {
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525U + 1013904223U;
        logits[i] = (float)(x >> 8) / 1048576.0F - 8;
    }
}

// --- Tests -------------------------------------------------------------------------------------

static void noise_is_torchs(void **state) {
    (void)state;
    static const size_t calls[] = {1, 50, 1024, 50257, 50};
    static float q[50257], want[64];
    const json_value *all = json_get(golden, "noise");
    assert_true(all->n >= 6);
    for (size_t i = 0; i < all->n; i++) {
        lm_noise g;
        lm__noise_init(&g, LM_RNG_TORCH, (uint64_t)number(&all->items[i], "seed"));
        size_t n = array(want, countof(want), json_get(&all->items[i], "q")), at = 0;
        for (size_t c = 0; c < countof(calls); c++) {
            size_t shown = min_size(8, calls[c]);
            lm__noise(q, calls[c], &g);
            assert_memory_equal(q, want + at, shown * sizeof *q);
            at += shown;
        }
        assert_int_equal(at, n);
    }
}

static void draws_are_torchs(void **state) {
    (void)state;
    const json_value *all = json_get(golden, "draws");
    assert_true(all->n >= 64);
    for (size_t i = 0; i < all->n; i++) {
        const json_value *c = &all->items[i];
        _Alignas(KERN_ALIGN) static float logits[IDS_MAX];
        int32_t ids[TEXT_MAX], drawn[TEXT_MAX];
        lm_bias biases[BIASES_MAX];
        lm_sampling how = how_of(c, biases);
        how.seed = (uint64_t)number(c, "seed");
        size_t n = (size_t)number(c, "n"), at = ids_of(ids, json_get(c, "ids"));
        size_t steps = ids_of(drawn, json_get(c, "drawn"));
        lm_sampler s;
        lm__sampler_init(&s, &how);
        for (size_t step = 0; step < steps; step++) {
            fill(logits, n, (uint32_t)number(c, "start") + 97 * (uint32_t)step);
            ids[at] = lm__sample(&s, &(lm_row){logits, pad(logits, n), n, ids,
                                               (size_t)number(c, "n_prompt"), at, kern_best()});
            if (ids[at] != drawn[step])
                fail_msg("case %zu, step %zu: %d, torch drew %d", i, step, ids[at], drawn[step]);
            at++;
        }
    }
}

// What a case draws is what its scores draw with nothing else asked for.
static void scores_are_pythons(void **state) {
    (void)state;
    const json_value *all = json_get(golden, "scores");
    assert_true(all->n >= 45);
    for (size_t i = 0; i < all->n; i++) {
        const json_value *c = &all->items[i];
        int32_t ids[TEXT_MAX];
        float given[IDS_MAX], scores[IDS_MAX];
        lm_bias biases[BIASES_MAX];
        lm_sampling how = how_of(c, biases), plain = lm_sampling_default();
        plain.top_k = how.top_k;
        size_t n = array(given, IDS_MAX, json_get(c, "logits"));
        size_t n_ids = ids_of(ids, json_get(c, "ids")), n_prompt = (size_t)number(c, "n_prompt");
        array(scores, IDS_MAX, json_get(c, "scores"));
        for (how.seed = 0; how.seed < 200; how.seed++) {
            _Alignas(KERN_ALIGN) float l[64];
            lm_sampler s;
            lm__sampler_init(&s, &how);
            memcpy(l, given, n * sizeof *l);
            int32_t got =
                lm__sample(&s, &(lm_row){l, pad(l, n), n, ids, n_prompt, n_ids, kern_best()});
            plain.seed = how.seed;
            lm__sampler_init(&s, &plain);
            memcpy(l, scores, n * sizeof *l);
            int32_t want = lm__sample(&s, &(lm_row){l, pad(l, n), n, NULL, 0, 0, kern_best()});
            if (got != want) fail_msg("case %zu, seed %d: %d, not %d", i, (int)how.seed, got, want);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(noise_is_torchs),
        cmocka_unit_test(draws_are_torchs),
        cmocka_unit_test(scores_are_pythons),
    };
    return cmocka_run_group_tests(tests, open_golden, close_golden);
}
