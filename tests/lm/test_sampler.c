// The noise against PyTorch's published values, and the race over hand-made logits.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lm/sampler.h"

#include <math.h>

static void init(lm_sampler *s, lm_rng rng, uint64_t seed, int top_k) {
    lm_sampling how = lm_sampling_default();
    how.rng = rng;
    how.seed = seed;
    how.top_k = top_k;
    lm__sampler_init(s, &how);
}

static void assert_noise(lm_rng rng, uint64_t seed, const double want[4]) {
    lm_sampler s;
    float q[4];
    init(&s, rng, seed, 50);
    lm__sampler_noise(q, 4, &s);
    for (int i = 0; i < 4; i++)
        assert_true(fabs((double)q[i] / want[i] - 1) < 5e-6);
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

static void torch_noise_goes_on(void **state) {
    (void)state;
    lm_sampler a, b;
    float all[2000], part[2000];
    init(&a, LM_RNG_TORCH, 5, 50);
    init(&b, LM_RNG_TORCH, 5, 50);
    lm__sampler_noise(all, 2000, &a);
    for (size_t i = 0; i < 2000; i += 50)
        lm__sampler_noise(part + i, 50, &b);
    assert_memory_equal(all, part, sizeof all);
}

static void cuda_noise(void **state) {
    (void)state;
    assert_noise(LM_RNG_CUDA, 0, (double[]){0.918677, 0.660333, 3.69167, 0.061791});
    assert_noise(LM_RNG_CUDA, 42, (double[]){0.489456, 4.5993, 0.920264, 3.2112});
    assert_noise(LM_RNG_CUDA, 1337, (double[]){0.157502, 0.502875, 0.122909, 0.879117});
    lm_sampler s;
    float q[4];
    init(&s, LM_RNG_CUDA, 42, 50);
    lm__sampler_noise(q, 4, &s);
    lm__sampler_noise(q, 4, &s);  // the second call of a generator
    static const double want[] = {0.0123574, 2.04872, 0.576068, 0.649881};
    for (int i = 0; i < 4; i++)
        assert_true(fabs((double)q[i] / want[i] - 1) < 5e-6);
}

static void torch26_noise(void **state) {
    (void)state;
    assert_noise(LM_RNG_TORCH26, 0, (double[]){2.326601, 0.5150789, 0.013304446, 1.5706902});
    assert_noise(LM_RNG_TORCH26, 42, (double[]){0.2889092, 0.32182762, 1.3194853, 0.83890486});
    assert_noise(LM_RNG_TORCH26, 1337, (double[]){0.64616942, 0.52536196, 0.99724883, 1.6618553});
}

// torch.multinomial(torch.ones(10), 1) after torch.manual_seed(123): 9 on x86 with 2.1.1, where the
// serial stream gives 1 (pytorch issue 114945).
static void streams_differ_as_published(void **state) {
    (void)state;
    static const struct {
        lm_rng rng;
        int want;
    } cases[] = {{LM_RNG_TORCH26, 9}, {LM_RNG_TORCH, 1}};
    for (size_t i = 0; i < countof(cases); i++) {
        lm_sampler s;
        float q[10];
        int best = 0;
        init(&s, cases[i].rng, 123, 50);
        lm__sampler_noise(q, 10, &s);
        for (int k = 1; k < 10; k++)
            if (q[k] < q[best]) best = k;
        assert_int_equal(best, cases[i].want);
    }
}

static void streams_have_names(void **state) {
    (void)state;
    lm_rng rng;
    assert_true(lm_rng_named(&rng, STR("torch26")) && rng == LM_RNG_TORCH26);
    assert_true(lm_rng_named(&rng, STR("cuda")) && rng == LM_RNG_CUDA);
    assert_false(lm_rng_named(&rng, STR("")) || lm_rng_named(&rng, STR("Torch")));
}

// --- Choice ------------------------------------------------------------------------------------

enum { N = 64 };

static int32_t sample(const float *logits, size_t n_ids, int top_k, uint64_t seed) {
    lm_sampler s;
    float copy[N];
    memcpy(copy, logits, sizeof copy);
    init(&s, LM_RNG_TORCH, seed, top_k);
    return lm__sample(&s, copy, N, n_ids, kern_best());
}

static void greedy_takes_the_best(void **state) {
    (void)state;
    float l[N];
    for (int i = 0; i < N; i++)
        l[i] = (float)((i * 37) % N);
    assert_int_equal(sample(l, N, 1, 3), 19);  // 19 * 37 = 63 mod 64
    l[19] = l[40] = l[7] = 100;
    assert_int_equal(sample(l, N, 1, 3), 7);  // a tie: the lowest id
}

static void padding_is_never_drawn(void **state) {
    (void)state;
    float l[N] = {0};
    for (int i = 50; i < N; i++)
        l[i] = 80;
    for (uint64_t seed = 0; seed < 200; seed++) {
        int32_t id = sample(l, 50, 50, seed);
        assert_in_range(id, 0, 49);
    }
    assert_int_equal(sample(l, 50, 1, 0), 0);
}

static void race_is_p_over_q(void **state) {
    (void)state;
    float l[N], q[N];
    for (int i = 0; i < N; i++)
        l[i] = -(float)i / 8;  // ranks are ids
    for (uint64_t seed = 0; seed < 100; seed++)
        for (int k = 2; k <= N; k *= 2) {
            lm_sampler s;
            init(&s, LM_RNG_TORCH, seed, 50);
            lm__sampler_noise(q, (size_t)k, &s);
            int best = 0;
            for (int i = 1; i < k; i++)
                if (exp((double)l[i]) / (double)q[i] > exp((double)l[best]) / (double)q[best])
                    best = i;
            assert_int_equal(sample(l, N, k, seed), best);
        }
}

// Equal logits rank by id, so the shortest exponential of the first k wins.
static void ties_rank_by_id(void **state) {
    (void)state;
    float l[N] = {0}, q[N];
    for (uint64_t seed = 0; seed < 50; seed++) {
        lm_sampler s;
        init(&s, LM_RNG_TORCH, seed, 50);
        lm__sampler_noise(q, 10, &s);
        int best = 0;
        for (int i = 1; i < 10; i++)
            if (q[i] < q[best]) best = i;
        assert_int_equal(sample(l, N, 10, seed), best);
    }
}

static void frequencies_follow_p(void **state) {
    (void)state;
    float l[N];
    for (int i = 0; i < N; i++)
        l[i] = -INFINITY;
    l[11] = logf(0.7F), l[5] = logf(0.2F), l[60] = logf(0.1F);
    int count[N] = {0};
    lm_sampler s;
    init(&s, LM_RNG_CUDA, 9, 50);
    for (int i = 0; i < 20000; i++) {
        float copy[N];
        memcpy(copy, l, sizeof copy);
        count[lm__sample(&s, copy, N, N, kern_best())]++;
    }
    assert_in_range(count[11], 13700, 14300);
    assert_in_range(count[5], 3750, 4250);
    assert_int_equal(count[11] + count[5] + count[60], 20000);
}

static void no_number_is_an_error(void **state) {
    (void)state;
    float l[N];
    for (int i = 0; i < N; i++)
        l[i] = NAN;
    assert_int_equal(sample(l, N, 50, 1), -1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(torch_noise),
        cmocka_unit_test(torch_noise_goes_on),
        cmocka_unit_test(cuda_noise),
        cmocka_unit_test(torch26_noise),
        cmocka_unit_test(streams_differ_as_published),
        cmocka_unit_test(streams_have_names),
        cmocka_unit_test(greedy_takes_the_best),
        cmocka_unit_test(padding_is_never_drawn),
        cmocka_unit_test(race_is_p_over_q),
        cmocka_unit_test(ties_rank_by_id),
        cmocka_unit_test(frequencies_follow_p),
        cmocka_unit_test(no_number_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
