// What is drawn from hand-made logits: ranks, races, penalties, and bounds of parameters.

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

// --- Choice ------------------------------------------------------------------------------------

enum { N = 64 };

static int32_t sample(const float *logits, size_t n_ids, int top_k, uint64_t seed) {
    lm_sampler s;
    float copy[N];
    memcpy(copy, logits, sizeof copy);
    init(&s, LM_RNG_TORCH, seed, top_k);
    return lm__sample(&s, copy, N, n_ids, NULL, 0, 0, kern_best());
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
            lm__noise(q, (size_t)k, &s.noise);
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
        lm__noise(q, 10, &s.noise);
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
        count[lm__sample(&s, copy, N, N, NULL, 0, 0, kern_best())]++;
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
        cmocka_unit_test(greedy_takes_the_best), cmocka_unit_test(padding_is_never_drawn),
        cmocka_unit_test(race_is_p_over_q),      cmocka_unit_test(ties_rank_by_id),
        cmocka_unit_test(frequencies_follow_p),  cmocka_unit_test(no_number_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
