// What is drawn from hand-made logits: ranks, races, penalties, and bounds of parameters.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lm/sampler.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    return lm__sample(&s, &(lm_row){copy, N, n_ids, NULL, 0, 0, kern_best()});
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
    for (int i = 0; i < N; i += 3)
        l[i] = -0.0F;
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
        count[lm__sample(&s, &(lm_row){copy, N, N, NULL, 0, 0, kern_best()})]++;
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

// --- The plain definition ------------------------------------------------------------------------

typedef struct big {
    float logit[50304], e[50304], q[50304];
    int32_t order[50304];
} big;

static const float *rank_by;
static int by_rank(const void *x, const void *y) {
    int32_t a = *(const int32_t *)x, b = *(const int32_t *)y;
    if (rank_by[a] != rank_by[b]) return rank_by[a] > rank_by[b] ? -1 : 1;
    return a < b ? -1 : a > b;
}

static uint64_t mass(float e) {
    return (uint64_t)((double)e * 0x1p40);
}

// How many of the n best stay.
static size_t cut(const big *b, size_t n, const lm_sampling *how, double total) {
    size_t kept = 0;
    uint64_t better = 0, target = (uint64_t)ceil((double)how->top_p * total);
    for (; kept < n && (how->top_p == 1 || better < target); kept++)
        better += mass(b->e[b->order[kept]]);
    while (kept > 1 && b->e[b->order[kept - 1]] < how->min_p * b->e[b->order[0]])
        kept--;
    return kept;
}

// Sorts everything, takes every logarithm. Temperature only: penalties have vectors of their own.
static int32_t sample_plainly(lm_sampler *s, big *b, size_t padded, size_t n_ids) {
    const lm_sampling *how = &s->how;
    bool whole = how->top_k == 0;
    for (size_t i = 0; i < padded; i++)
        b->e[i] = whole && i >= n_ids ? -INFINITY : b->logit[i] / how->temperature;
    size_t n = 0, noises = whole ? n_ids : min_size((size_t)how->top_k, n_ids);
    for (size_t i = 0; i < n_ids; i++)
        if (b->e[i] > -INFINITY) b->order[n++] = (int32_t)i;
    rank_by = b->e;
    if (!whole) qsort(b->order, n, sizeof *b->order, by_rank);
    float sum = kern_best()->exp_sum(b->e, padded);
    if (whole) qsort(b->order, n, sizeof *b->order, by_rank);
    n = min_size(n, noises);
    double total = (double)sum * 0x1p40;
    if (!whole) {
        uint64_t all = 0;
        for (size_t i = 0; i < n; i++)
            all += mass(b->e[b->order[i]]);
        total = (double)all;
    }
    n = cut(b, n, how, total);
    lm__noise(b->q, noises, &s->noise);
    int32_t winner = -1;
    float top = -1;
    for (size_t i = 0; i < n; i++) {
        int32_t id = b->order[i];
        float race = b->e[id] / sum / b->q[whole ? (size_t)id : i];
        if (b->e[id] < 1e-37F && whole) continue;
        if (race > top || (race == top && whole && id < winner)) top = race, winner = id;
    }
    return winner;
}

static float uniform(uint32_t *x) {
    *x = *x * 1664525U + 1013904223U;
    return (float)(*x >> 8) * 0x1p-24F;
}

// Flat and peaked rows, in coarse steps (many ties) and fine ones, ids forbidden here and there.
static void fill_row(float *l, size_t n, int kind, uint32_t *x) {
    float height = (float[]){0.5F, 8, 30, 200}[kind % 4];
    for (size_t i = 0; i < n; i++) {
        float u = uniform(x) * uniform(x) * uniform(x);
        l[i] = kind % 3 == 0 ? floorf(u * 20) / 20 * height : u * height;
        if (kind % 5 == 4 && uniform(x) < 0.3F) l[i] = -INFINITY;
    }
}

// Both samplers draw a whole text each, so that their generators must stay together.
static void same_as_plainly(size_t padded, size_t n_ids, int steps, const lm_sampling *how) {
    big *b = malloc(sizeof *b);
    _Alignas(KERN_ALIGN) static float l[50304];
    lm_sampler fast, plain;
    lm__sampler_init(&fast, how);
    lm__sampler_init(&plain, how);
    uint32_t x = (uint32_t)how->seed * 7919 + 1;
    for (int i = 0; i < steps; i++) {
        fill_row(b->logit, padded, i, &x);
        memcpy(l, b->logit, padded * sizeof *l);
        int32_t want = sample_plainly(&plain, b, padded, n_ids);
        int32_t got = lm__sample(&fast, &(lm_row){l, padded, n_ids, NULL, 0, 0, kern_best()});
        if (got != want)
            fail_msg("rng %d, top_k %d, top_p %g, min_p %g, temperature %g, step %d: %d, not %d",
                     (int)how->rng, how->top_k, (double)how->top_p, (double)how->min_p,
                     (double)how->temperature, i, got, want);
    }
    free(b);
}

static void all_is_as_defined(void **state) {
    (void)state;
    static const int ks[] = {0, 1, 2, 50, 333, 1024};
    static const float ps[] = {1, 0.999F, 0.9F, 0.5F, 0.001F};
    uint64_t seed = 0;
    for (size_t k = 0; k < countof(ks); k++)
        for (size_t p = 0; p < countof(ps); p++)
            for (int m = 0; m < 4; m++) {
                lm_sampling how = lm_sampling_default();
                how.rng = (lm_rng)(seed % LM_RNGS);
                how.seed = seed++;
                how.top_k = ks[k], how.top_p = ps[p];
                how.min_p = (float[]){0, 0, 0.03F, 1}[m];
                how.temperature = m == 1 ? 0.7F : m == 2 ? 3 : 1;
                same_as_plainly(1520, 1507, 12, &how);
            }
}

// GPT-2's vocabulary and padding.
static void all_is_as_defined_at_full_size(void **state) {
    (void)state;
    for (int i = 0; i < 3; i++) {
        lm_sampling how = lm_sampling_default();
        how.rng = (lm_rng)i;
        same_as_plainly(50304, 50257, 3, &how);
        how.top_k = 0;
        same_as_plainly(50304, 50257, 3, &how);
        how.top_p = 0.9F;
        same_as_plainly(50304, 50257, 3, &how);
    }
}

// --- What is left out --------------------------------------------------------------------------

static int32_t sample_with(const lm_sampling *how, const float l[N]) {
    _Alignas(KERN_ALIGN) float copy[N];
    lm_sampler s;
    memcpy(copy, l, sizeof copy);
    lm__sampler_init(&s, how);
    return lm__sample(&s, &(lm_row){copy, N, N, NULL, 0, 0, kern_best()});
}

static void minus_100_forbids(void **state) {
    (void)state;
    float l[N] = {0};
    lm_bias all[N];
    for (int i = 0; i < N; i++)
        all[i] = (lm_bias){i, i == 33 ? -99 : -100};
    lm_sampling how = lm_sampling_default();
    how.bias = all, how.n_bias = N;
    for (how.top_k = 0; how.top_k < 3; how.top_k++)
        for (how.seed = 0; how.seed < 20; how.seed++)
            assert_int_equal(sample_with(&how, l), 33);
    all[33].add = -100;
    for (how.top_k = 0; how.top_k < 3; how.top_k++)
        assert_int_equal(sample_with(&how, l), -1);
    how.temperature = 0;
    assert_int_equal(sample_with(&how, l), -1);
}

// Two of four equal ids reach a half exactly: a third has no place.
static void top_p_stops_when_it_is_reached(void **state) {
    (void)state;
    float l[N];
    for (int i = 0; i < N; i++)
        l[i] = i == 9 || i == 20 || i == 33 || i == 50 ? 1 : -INFINITY;
    lm_sampling how = lm_sampling_default();
    how.top_p = 0.5F;
    for (how.top_k = 0; how.top_k <= 50; how.top_k += 50) {
        int drawn[N] = {0};
        for (how.seed = 0; how.seed < 100; how.seed++)
            drawn[sample_with(&how, l)]++;
        assert_true(drawn[9] > 20 && drawn[20] > 20);
        assert_int_equal(drawn[9] + drawn[20], 100);
    }
    l[9] = 0, l[20] = l[33] = -0.6931471825F, l[50] = -INFINITY;  // 1 and two halves
    for (how.top_k = 0; how.top_k <= 50; how.top_k += 50)
        for (how.seed = 0; how.seed < 50; how.seed++)
            assert_int_equal(sample_with(&how, l), 9);
}

static void what_is_no_number_is_an_error(void **state) {
    (void)state;
    lm_sampling how = lm_sampling_default();
    for (int bad = 0; bad < 2; bad++)
        for (int at = 0; at < N; at += 7)
            for (how.top_k = 0; how.top_k < 4; how.top_k++) {
                float l[N] = {0};
                l[at] = bad ? INFINITY : NAN;
                how.temperature = how.top_k == 3 ? 0 : 1;
                assert_int_equal(sample_with(&how, l), -1);
            }
}

static void greedy_minds_penalties_and_bias(void **state) {
    (void)state;
    lm_sampling how = lm_sampling_default();
    lm_sampler s;
    how.temperature = 0, how.repetition = 2, how.top_k = 0, how.seed = 5;
    lm__sampler_init(&s, &how);
    for (int i = 0; i < 3; i++) {
        _Alignas(KERN_ALIGN) float l[N] = {[3] = 5, [9] = 4, [20] = 3};
        int32_t ids[] = {3, 9};
        assert_int_equal(lm__sample(&s, &(lm_row){l, N, N, ids, 1, (size_t)i, kern_best()}),
                         ((int32_t[]){3, 9, 20})[i]);
    }
    assert_int_equal(s.noise.at, LM_MT_WORDS);  // and draws no noise
}

// --- Log-probabilities ---------------------------------------------------------------------------

static void logprobs_are_log_softmax(void **state) {
    (void)state;
    enum { BIG = 5008, IDS = 5000 };
    static float l[BIG];
    lm_logprob out[1 + LM_LOGPROBS_MAX];
    for (int scale = 1; scale <= 1000; scale *= 10) {
        double top = -1e9, sum = 0;
        for (int i = 0; i < BIG; i++) {
            l[i] = (float)((i * 7919) % BIG) / BIG * (float)scale - 50;
            top = fmax(top, (double)l[i]);
        }
        l[4000] = -INFINITY;
        for (int i = 0; i < BIG; i++)
            sum += exp((double)l[i] - top);  // rows beyond the ids too
        double all = top + log(sum);
        lm__logprobs(out, LM_LOGPROBS_MAX, 17, l, BIG, IDS, kern_best());
        assert_int_equal(out[0].id, 17);
        assert_true(fabs((double)out[0].log - ((double)l[17] - all)) < 1e-4);
        for (int i = 1; i <= LM_LOGPROBS_MAX; i++) {
            assert_true(out[i].id >= 0 && out[i].id < IDS);
            assert_true(fabs((double)out[i].log - ((double)l[out[i].id] - all)) < 1e-4);
            if (i > 1) assert_true(out[i].log <= out[i - 1].log && out[i].id != out[i - 1].id);
        }
        int better = 0;
        for (int i = 0; i < IDS; i++)
            better += l[i] > l[out[LM_LOGPROBS_MAX].id];
        assert_int_equal(better, LM_LOGPROBS_MAX - 1);
    }
    lm__logprobs(out, 0, 17, l, BIG, IDS, kern_best());
    float few[N] = {0, 1};
    for (int i = 2; i < N; i++)
        few[i] = -INFINITY;
    lm__logprobs(out, 3, 0, few, N, N, kern_best());
    assert_true(out[1].id == 1 && out[2].id == 0 && out[3].id == -1);
    assert_true(fabs((double)out[0].log + log(1 + exp(1))) < 1e-6);
}

// --- Bounds --------------------------------------------------------------------------------------

static void refuse(const lm_sampling *how, const char *says) {
    err e = {0};
    assert_int_equal(lm__sampling_check(how, 50257, &e), E_ARG);
    assert_string_equal(e.msg, says);
}

static void accept(const lm_sampling *how) {
    err e = {0};
    if (lm__sampling_check(how, 50257, &e)) fail_msg("%s", e.msg);
}

// Each value in turn, in a struct that is otherwise the default.
#define EACH(field, then, ...)                                                                     \
    for (size_t i = 0; i < countof(((float[]){__VA_ARGS__})); i++) {                               \
        lm_sampling how = lm_sampling_default();                                                   \
        float value = ((float[]){__VA_ARGS__})[i];                                                 \
        how.field = (__typeof__(how.field))value;                                                  \
        then;                                                                                      \
    }
#define ACCEPTS(field, ...) EACH(field, accept(&how), __VA_ARGS__)
#define REFUSES(field, name, range, ...)                                                           \
    EACH(field, refuse_value(&how, name, range, value), __VA_ARGS__)

static void refuse_value(const lm_sampling *how, const char *name, const char *range, float v) {
    char says[128];
    snprintf(says, sizeof says, "%s is %g, must be %s", name, (double)v, range);
    refuse(how, says);
}

static void bounds_are_named(void **state) {
    (void)state;
    ACCEPTS(temperature, 0, 0.001F, 1, 1000)
    REFUSES(temperature, "temperature", "0 or in 0.001..1000", -1, 0.0009F, 1001, NAN, INFINITY)
    ACCEPTS(top_p, 1e-9F, 0.5F, 1)
    REFUSES(top_p, "top_p", "above 0 and at most 1", 0, -0.5F, 1.01F, NAN)
    ACCEPTS(min_p, 0, 0.5F, 1)
    REFUSES(min_p, "min_p", "in 0..1", -0.01F, 1.01F, NAN)
    ACCEPTS(repetition, 0.01F, 1, 100)
    REFUSES(repetition, "repetition_penalty", "in 0.01..100", 0, -1, 101, NAN)
    ACCEPTS(frequency, -2, 0, 2)
    REFUSES(frequency, "frequency_penalty", "in -2..2", -2.01F, 2.01F, NAN)
    ACCEPTS(presence, -2, 0, 2)
    REFUSES(presence, "presence_penalty", "in -2..2", -2.01F, 2.01F, NAN)
    ACCEPTS(top_k, 0, 1, 1024)
    REFUSES(top_k, "top_k", "in 0..1024", -1, 1025)
    ACCEPTS(logprobs, -1, 0, 20)
    REFUSES(logprobs, "logprobs", "in -1..20", -2, 21)
    ACCEPTS(rng, 0, 1, 2)
    REFUSES(rng, "rng", "in 0..2", 3)
}

static void biases_are_checked(void **state) {
    (void)state;
    static lm_bias b[LM_BIAS_MAX + 1];
    lm_sampling how = lm_sampling_default();
    how.bias = b, how.n_bias = LM_BIAS_MAX;
    b[7] = (lm_bias){50256, 100};
    accept(&how);
    how.n_bias++;
    refuse(&how, "logit_bias has 1025 ids, must be 0..1024");
    how.n_bias = 8;
    b[7].id = 50257;
    refuse(&how, "logit_bias has id 50257, must be in 0..50256");
    b[7].id = -1;
    refuse(&how, "logit_bias has id -1, must be in 0..50256");
    b[7] = (lm_bias){7, 100.5F};
    refuse(&how, "logit_bias of id 7 is 100.5, must be in -100..100");
    b[7].add = NAN;
    refuse(&how, "logit_bias of id 7 is nan, must be in -100..100");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(greedy_takes_the_best),
        cmocka_unit_test(padding_is_never_drawn),
        cmocka_unit_test(race_is_p_over_q),
        cmocka_unit_test(ties_rank_by_id),
        cmocka_unit_test(frequencies_follow_p),
        cmocka_unit_test(no_number_is_an_error),
        cmocka_unit_test(all_is_as_defined),
        cmocka_unit_test(all_is_as_defined_at_full_size),
        cmocka_unit_test(minus_100_forbids),
        cmocka_unit_test(top_p_stops_when_it_is_reached),
        cmocka_unit_test(what_is_no_number_is_an_error),
        cmocka_unit_test(greedy_minds_penalties_and_bias),
        cmocka_unit_test(logprobs_are_log_softmax),
        cmocka_unit_test(bounds_are_named),
        cmocka_unit_test(biases_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
