// The noise against values that PyTorch has printed, and the race against its plain definition.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lm/rng.h"

#include <math.h>
#include <stdlib.h>

static void assert_close(const float *q, const double *want, size_t n, double by) {
    for (size_t i = 0; i < n; i++)
        assert_true(fabs((double)q[i] / want[i] - 1) < by);
}

static void assert_noise(lm_rng rng, uint64_t seed, const double want[4]) {
    lm_noise g;
    float q[4];
    lm__noise_init(&g, rng, seed);
    lm__noise(q, 4, &g);
    assert_close(q, want, 4, 5e-6);
}

static void torch_noise(void **state) {
    (void)state;
    assert_noise(LM_RNG_TORCH, 0, (double[]){3.5083263, 1.2303847, 0.61504412, 2.5351186});
    assert_noise(LM_RNG_TORCH, 42, (double[]){0.059914015, 0.064976126, 0.13191678, 0.054012951});
    assert_noise(LM_RNG_TORCH, 1337, (double[]){0.98493665, 4.1854854, 0.92408913, 1.1425261});
    // Only the low 32 bits of a seed count.
    assert_noise(LM_RNG_TORCH, 42 + (7ULL << 32),
                 (double[]){0.059914015, 0.064976126, 0.13191678, 0.054012951});
}

static void torch26_noise(void **state) {
    (void)state;
    assert_noise(LM_RNG_TORCH26, 0, (double[]){2.326601, 0.5150789, 0.013304446, 1.5706902});
    assert_noise(LM_RNG_TORCH26, 42, (double[]){0.2889092, 0.32182762, 1.3194853, 0.83890486});
    assert_noise(LM_RNG_TORCH26, 1337, (double[]){0.64616942, 0.52536196, 0.99724883, 1.6618553});
}

static void cuda_noise(void **state) {
    (void)state;
    assert_noise(LM_RNG_CUDA, 0, (double[]){0.918677, 0.660333, 3.69167, 0.061791});
    assert_noise(LM_RNG_CUDA, 42, (double[]){0.489456, 4.5993, 0.920264, 3.2112});
    assert_noise(LM_RNG_CUDA, 1337, (double[]){0.157502, 0.502875, 0.122909, 0.879117});
    lm_noise g;
    float q[4];
    lm__noise_init(&g, LM_RNG_CUDA, 42);
    lm__noise(q, 4, &g);
    lm__noise(q, 4, &g);  // the second call of a generator
    assert_close(q, (double[]){0.0123574, 2.04872, 0.576068, 0.649881}, 4, 5e-6);
}

// torch.rand(n, device='cuda') is the same stream: u = exp(-q). All 64 bits of a seed are its key.
static void cuda_uniforms(void **state) {
    (void)state;
    static const double zero[] = {0.3990, 0.5167, 0.0249, 0.9401, 0.9459, 0.7967};
    static const double answer[] = {0.6130, 0.0101, 0.3984, 0.0403};
    lm_noise g;
    float q[6];
    lm__noise_init(&g, LM_RNG_CUDA, 0);
    lm__noise(q, 6, &g);
    for (int i = 0; i < 6; i++)
        assert_true(fabs(exp(-(double)q[i]) - zero[i]) < 5.1e-5);
    lm__noise_init(&g, LM_RNG_CUDA, 42);
    lm__noise(q, 4, &g);
    for (int i = 0; i < 4; i++)
        assert_true(fabs(exp(-(double)q[i]) - answer[i]) < 5.1e-5);
    lm__noise_init(&g, LM_RNG_CUDA, 42 + (1ULL << 32));
    lm__noise(q, 4, &g);
    assert_true(fabs(exp(-(double)q[0]) - answer[0]) > 1e-3);
}

// Words of MT19937 from seed 137, as llm.c's rand.h lists torch's; torch26 takes one per call.
static void words_of_the_twister(void **state) {
    (void)state;
    static const uint32_t want[] = {4053805790, 2173880614, 380293709, 1237255315, 2986595568};
    lm_noise g;
    float q;
    lm__noise_init(&g, LM_RNG_TORCH26, 137);
    for (size_t i = 0; i < countof(want); i++) {
        lm__noise(&q, 1, &g);
        double u = (double)(want[i] % 0x7fffffff) / 0x7fffffff;
        assert_true(fabs((double)q / -log(u) - 1) < 1e-6);
    }
}

// torch.multinomial(torch.ones(10), 1) after torch.manual_seed(123): 9 on x86 with 2.1.1, where the
// serial stream gives 1 (pytorch issue 114945).
static void ones_have_a_winner(void **state) {
    (void)state;
    static const struct {
        lm_rng rng;
        size_t want;
    } cases[] = {{LM_RNG_TORCH26, 9}, {LM_RNG_TORCH, 1}};
    float ones[10];
    for (int i = 0; i < 10; i++)
        ones[i] = 1;
    for (size_t i = 0; i < countof(cases); i++) {
        lm_noise g;
        lm__noise_init(&g, cases[i].rng, 123);
        assert_int_equal(lm__noise_race(&g, ones, 10, 0, 10), cases[i].want);
    }
}

static const float *sort_by;
static int by_q(const void *a, const void *b) {
    float x = sort_by[*(const int *)a], y = sort_by[*(const int *)b];
    return x < y ? -1 : x > y;
}

// multinomial(ones(142816), 142816) after manual_seed(43), on ARM and on x86 (pytorch issue
// 148247): the indices by rising q.
static void orders_of_many(void **state) {
    (void)state;
    enum { N = 142816 };
    static const struct {
        lm_rng rng;
        int first[3], last[3];
    } cases[] = {
        {LM_RNG_TORCH, {129540, 11595, 108641}, {32274, 52564, 82136}},
        {LM_RNG_TORCH26, {343, 139839, 105443}, {15203, 72413, 91169}},
    };
    float *q = malloc(N * sizeof *q);
    int *order = malloc(N * sizeof *order);
    for (size_t c = 0; c < countof(cases); c++) {
        lm_noise g;
        lm__noise_init(&g, cases[c].rng, 43);
        lm__noise(q, N, &g);
        for (int i = 0; i < N; i++)
            order[i] = i;
        sort_by = q;
        qsort(order, N, sizeof *order, by_q);
        assert_memory_equal(order, cases[c].first, sizeof cases[c].first);
        assert_memory_equal(order + N - 3, cases[c].last, sizeof cases[c].last);
    }
    free(order);
    free(q);
}

// manual_seed(42), rand(5), then exponential_ on 5 (pytorch issue 150538). rand takes a word each.
static void exponentials_after_rand(void **state) {
    (void)state;
    static const struct {
        lm_rng rng;
        double want[5];
    } cases[] = {
        {LM_RNG_TORCH, {1.6459, 0.4294, 0.0677, 1.3809, 0.7803}},
        {LM_RNG_TORCH26, {0.5809, 0.0436, 2.0548, 1.9680, 0.3315}},
    };
    for (size_t c = 0; c < countof(cases); c++) {
        lm_noise g;
        float q[5];
        lm__noise_init(&g, LM_RNG_TORCH26, 42);
        for (int i = 0; i < 5; i++)
            lm__noise(q, 1, &g);  // takes one word
        g.rng = cases[c].rng;
        lm__noise(q, 5, &g);
        for (int i = 0; i < 5; i++)
            assert_true(fabs((double)q[i] - cases[c].want[i]) < 5.1e-5);
    }
}

static void a_call_goes_on_where_the_last_ended(void **state) {
    (void)state;
    lm_noise a, b;
    float all[2000], part[2000];
    lm__noise_init(&a, LM_RNG_TORCH, 5);
    lm__noise_init(&b, LM_RNG_TORCH, 5);
    lm__noise(all, 2000, &a);
    for (size_t i = 0; i < 2000; i += 50)
        lm__noise(part + i, 50, &b);
    assert_memory_equal(all, part, sizeof all);
}

static void streams_have_names(void **state) {
    (void)state;
    lm_rng rng;
    assert_true(lm_rng_named(&rng, STR("torch")) && rng == LM_RNG_TORCH);
    assert_true(lm_rng_named(&rng, STR("torch26")) && rng == LM_RNG_TORCH26);
    assert_true(lm_rng_named(&rng, STR("cuda")) && rng == LM_RNG_CUDA);
    assert_false(lm_rng_named(&rng, STR("")) || lm_rng_named(&rng, STR("Torch")));
}

// --- The race ----------------------------------------------------------------------------------

// The definition, with every logarithm.
static size_t race_plainly(const float *p, const float *q, size_t n, float least, float sum) {
    size_t winner = n;
    float top = -1;
    for (size_t i = 0; i < n; i++)
        if (p[i] >= least && p[i] / sum / q[i] > top) top = p[i] / sum / q[i], winner = i;
    return winner;
}

// Distributions from one certain id to all equal; both generators must stand at the same place
// after each call.
static void race_is_its_definition(void **state) {
    (void)state;
    enum { N = 3000 };
    static float p[N], q[N];
    for (int rng = 0; rng < LM_RNGS; rng++) {
        lm_noise a, b;
        lm__noise_init(&a, (lm_rng)rng, 99);
        lm__noise_init(&b, (lm_rng)rng, 99);
        for (int step = 0; step < 150; step++) {
            size_t n = (size_t)(step * 577) % N + 1;
            float sum = 0, least = step % 3 == 2 ? 0.01F : 0;
            for (size_t i = 0; i < n; i++)
                sum += p[i] = expf(-(float)(step % 10) * (float)((i * 7919) % 1000) / 200);
            lm__noise(q, n, &a);
            assert_int_equal(lm__noise_race(&b, p, n, least, sum),
                             race_plainly(p, q, n, least, sum));
        }
    }
}

// p = q makes every p / q the same.
static void a_tie_is_won_by_the_first(void **state) {
    (void)state;
    for (int rng = 0; rng < LM_RNGS; rng++) {
        lm_noise a, b;
        float q[1000];
        lm__noise_init(&a, (lm_rng)rng, 3);
        lm__noise_init(&b, (lm_rng)rng, 3);
        lm__noise(q, 1000, &a);
        assert_int_equal(lm__noise_race(&b, q, 1000, 0, 1), 0);
    }
}

// The last element leads by a hair: it must not be passed over. CUDA's is near 2^32 in the last
// three cases, where rounding to f32 is as large as q.
static void bounds_are_never_too_high(void **state) {
    (void)state;
    static const struct {
        uint64_t seed;
        size_t n;
    } cases[] = {{0, 20000}, {1, 1}, {2, 777}, {474, 4012}, {1376, 16677}, {1441, 11177}};
    static float p[20000];
    for (int rng = 0; rng < LM_RNGS; rng++)
        for (size_t c = 0; c < countof(cases); c++) {
            lm_noise a, b;
            lm__noise_init(&a, (lm_rng)rng, cases[c].seed);
            lm__noise_init(&b, (lm_rng)rng, cases[c].seed);
            lm__noise(p, cases[c].n, &a);
            p[cases[c].n - 1] *= 1.000001F;
            assert_int_equal(lm__noise_race(&b, p, cases[c].n, 0, 1), cases[c].n - 1);
        }
}

static void race_without_candidates(void **state) {
    (void)state;
    lm_noise g;
    lm__noise_init(&g, LM_RNG_TORCH, 1);
    assert_int_equal(lm__noise_race(&g, (float[]){0.5F, 0.25F}, 2, 0.75F, 1), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(torch_noise),
        cmocka_unit_test(torch26_noise),
        cmocka_unit_test(cuda_noise),
        cmocka_unit_test(cuda_uniforms),
        cmocka_unit_test(words_of_the_twister),
        cmocka_unit_test(ones_have_a_winner),
        cmocka_unit_test(orders_of_many),
        cmocka_unit_test(exponentials_after_rand),
        cmocka_unit_test(a_call_goes_on_where_the_last_ended),
        cmocka_unit_test(streams_have_names),
        cmocka_unit_test(race_is_its_definition),
        cmocka_unit_test(a_tie_is_won_by_the_first),
        cmocka_unit_test(bounds_are_never_too_high),
        cmocka_unit_test(race_without_candidates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
