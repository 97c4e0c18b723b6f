// Guided texts: the distribution of a mask without making one, and who is asked what and when.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "tests/lm/fixture.h"

#include "lm/sampler.h"

#include <math.h>
#include <pthread.h>
#include <string.h>

// --- Two draws are as one from the mask ----------------------------------------------------------

enum { N = 64, DRAWS = 6000 };

static void set_bit(uint32_t *bits, size_t i) {
    bits[i / 32] |= 1U << (i % 32);
}

static bool has_bit(const uint32_t *bits, size_t i) {
    return bits[i / 32] >> (i % 32) & 1;
}

static float logit_of(size_t i) {
    return (float)((i * 37 + 11) % N) / 10;  // all different
}

// A draw and, when the mask refuses it, another.
static int32_t draw(lm_sampler *s, const uint32_t *may, size_t *refused) {
    float logits[N], before[N];
    for (size_t i = 0; i < N; i++)
        logits[i] = before[i] = logit_of(i);
    lm_row row = {logits, N, N, NULL, 0, 0, kern_best()};
    int32_t id = lm__sample(s, &row);
    if (id >= 0 && !has_bit(may, (size_t)id)) {
        ++*refused;
        id = lm__sample_again(s, may, before, &row);
    }
    return id;
}

static size_t rank_of(size_t id) {
    size_t better = 0;
    for (size_t i = 0; i < N; i++)
        better += logit_of(i) > logit_of(id);
    return better;
}

// What the cuts leave of the ids in the mask, from the definition: 0 for all others.
static void expect(double p[N], const lm_sampling *how, const uint32_t *may, bool masked_first) {
    double sum = 0, all = 0, e[N], before;
    for (size_t i = 0; i < N; i++) {
        e[i] = exp((double)logit_of(i) / (double)how->temperature);
        if (masked_first && !has_bit(may, i)) e[i] = 0;
    }
    for (size_t i = 0; i < N; i++) {
        size_t rank = 0;
        for (size_t j = 0; j < N; j++)
            rank += e[j] > e[i];
        p[i] = how->top_k && rank >= (size_t)how->top_k ? 0 : e[i];
        all += p[i];
    }
    for (size_t i = 0; i < N; i++) {
        before = 0;
        for (size_t j = 0; j < N; j++)
            before += e[j] > e[i] ? e[j] : 0;
        if (before >= (double)how->top_p * all || !has_bit(may, i)) p[i] = 0;
        sum += p[i];
    }
    if (sum == 0 && !masked_first) {
        expect(p, how, may, true);
        return;
    }
    for (size_t i = 0; i < N; i++)
        p[i] /= sum;
}

// Pearson's sum over ids that are expected often enough; the others must not come at all, or are
// taken together.
static void check_distribution(const lm_sampling *how, const uint32_t *may) {
    size_t count[N] = {0}, refused = 0, cells = 0;
    double p[N], chi = 0, rest = 0, rest_count = 0;
    lm_sampler s;
    lm__sampler_init(&s, how);
    for (size_t i = 0; i < DRAWS; i++) {
        int32_t id = draw(&s, may, &refused);
        assert_in_range(id, 0, N - 1);
        count[id]++;
    }
    expect(p, how, may, false);
    assert_true(refused > DRAWS / 10);
    for (size_t i = 0; i < N; i++) {
        double want = p[i] * DRAWS;
        if (p[i] == 0) assert_int_equal(count[i], 0);
        if (want < 10) {
            rest += want, rest_count += (double)count[i];
            continue;
        }
        chi += ((double)count[i] - want) * ((double)count[i] - want) / want;
        cells++;
    }
    if (rest >= 10) chi += (rest_count - rest) * (rest_count - rest) / rest, cells++;
    assert_true(cells > 1);
    // Beyond mean + 5 deviations: never by chance, and the seeds are fixed.
    double freedom = (double)cells - 1;
    if (chi > freedom + 5 * sqrt(2 * freedom))
        fail_msg("top_k %d, top_p %g: chi-square %g with %g degrees", how->top_k,
                 (double)how->top_p, chi, freedom);
}

static void distribution_is_the_masks(void **state) {
    (void)state;
    uint32_t thirds[2] = {0}, tail[2] = {0};
    for (size_t i = 0; i < N; i++) {
        if (i % 3 == 0) set_bit(thirds, i);
        if (rank_of(i) >= 20 && i % 2) set_bit(tail, i);
    }
    static const struct {
        int top_k;
        float top_p, temperature;
    } cuts[] = {{0, 1, 1}, {0, 0.8F, 1}, {8, 1, 1}, {20, 0.7F, 0.8F}, {64, 1, 2}};
    for (size_t i = 0; i < countof(cuts); i++) {
        lm_sampling how = lm_sampling_default();
        how.seed = 5 + i;
        how.top_k = cuts[i].top_k;
        how.top_p = cuts[i].top_p;
        how.temperature = cuts[i].temperature;
        check_distribution(&how, thirds);
        check_distribution(&how, tail);  // with cuts: none of what they leave
    }
}

static void greedy_takes_the_best_that_may_come(void **state) {
    (void)state;
    uint32_t may[2] = {0};
    size_t refused = 0, best = N;
    for (size_t i = 0; i < N; i++) {
        if (rank_of(i) < 13) continue;
        set_bit(may, i);
        if (best == N || logit_of(i) > logit_of(best)) best = i;
    }
    lm_sampling how = lm_sampling_default();
    how.temperature = 0;
    lm_sampler s;
    lm__sampler_init(&s, &how);
    assert_int_equal(draw(&s, may, &refused), best);
    assert_int_equal(refused, 1);
}

// However far below the others: e^x of all that may come is 0 beside the best.
static void what_may_come_may_be_very_unlikely(void **state) {
    (void)state;
    for (int top_k = 0; top_k <= 8; top_k += 4) {
        float logits[N], before[N];
        uint32_t may[2] = {0};
        for (size_t i = 0; i < N; i++)
            before[i] = logits[i] = i < 4 ? -300 - (float)i : (float)i;
        set_bit(may, 1);
        set_bit(may, 2);
        lm_sampling how = lm_sampling_default();
        how.top_k = top_k;
        lm_sampler s;
        lm__sampler_init(&s, &how);
        lm_row row = {logits, N, N, NULL, 0, 0, kern_best()};
        for (size_t i = 0; i < 50; i++)
            assert_in_range(lm__sample_again(&s, may, before, &row), 1, 2);
        may[0] = 0;
        assert_int_equal(lm__sample_again(&s, may, before, &row), -1);
    }
}

static void a_second_draw_moves_no_other(void **state) {
    (void)state;
    for (int top_k = 0; top_k <= 50; top_k += 50) {
        lm_sampling how = lm_sampling_default();
        how.top_k = top_k;
        lm_sampler plain, guided;
        lm__sampler_init(&plain, &how);
        lm__sampler_init(&guided, &how);
        uint32_t all[2] = {UINT32_MAX, UINT32_MAX}, few[2] = {6, 0};
        size_t refused = 0;
        for (size_t i = 0; i < 100; i++) {
            int32_t want = draw(&plain, all, &refused),
                    got = draw(&guided, i % 2 ? few : all, &refused);
            if (i % 2 == 0) assert_int_equal(got, want);
        }
        assert_true(refused > 40);
    }
}

// --- In the engine -------------------------------------------------------------------------------

enum { TEXT_MAX = 100 };

// Lets ids come that leave `rest` when divided by `by`, a new one each time; with `ends_at`, an end
// of text and nothing else after so many.
typedef struct rule {
    const lm_model *m;
    int32_t by, ends_at;
    bool is_dead;
    int32_t told[TEXT_MAX];
    int n_told, n_asked, n_masks;
} rule;

static bool rule_accepts(void *self, int32_t id) {
    rule *r = self;
    r->n_asked++;
    if (r->is_dead) return false;
    bool is_end = lm_spec_ends(&r->m->spec, id);
    if (r->ends_at && r->n_told >= r->ends_at) return is_end;
    return !is_end && id % r->by == r->n_told % r->by;
}

static void rule_mask(void *self, uint32_t *bits) {
    rule *r = self;
    size_t n = (size_t)lm__ids(r->m);
    r->n_masks++;
    memset(bits, 0, (n + 31) / 32 * sizeof *bits);
    for (size_t i = 0; i < n; i++)
        if (rule_accepts(r, (int32_t)i)) set_bit(bits, i);
}

static void rule_advance(void *self, int32_t id) {
    rule *r = self;
    assert_true(r->n_told < TEXT_MAX);
    r->told[r->n_told++] = id;
}

static lm_guide guide_of(rule *r) {
    return (lm_guide){r, rule_accepts, rule_mask, rule_advance};
}

static lm_model *model_ending(void) {
    lm_model *m = model_new(tiny);
    m->spec.n_eos = 2;
    m->spec.eos[0] = 17;
    m->spec.eos[1] = 290;
    return m;
}

static size_t run_ruled(int32_t *ids, lm_state *st, rule *r, lm_engine *g, lm_request q) {
    lm_guide guide = guide_of(r);
    q.guide = &guide;
    return run_alone(ids, st, g, q);
}

static void who_accepts_all_changes_nothing(void **state) {
    (void)state;
    lm_model *m = model_new(tiny);
    lm_engine *g = engine_new(1, 0, 0);
    static const struct {
        int top_k;
        float temperature, top_p;
        int logprobs;
    } kinds[] = {{50, 1, 1, -1}, {0, 1, 0.9F, 3}, {5, 0.7F, 1, -1}, {50, 0, 1, 0}};
    for (size_t i = 0; i < countof(kinds); i++) {
        lm_request q = request(m, 5, 60, i);
        q.sampling.top_k = kinds[i].top_k;
        q.sampling.temperature = kinds[i].temperature;
        q.sampling.top_p = kinds[i].top_p;
        q.sampling.logprobs = kinds[i].logprobs;
        int32_t want[CASE_IDS_MAX], got[CASE_IDS_MAX];
        lm_state st;
        rule all = {.m = m, .by = 1};
        assert_int_equal(run_alone(want, &st, g, q), 55);
        assert_int_equal(run_ruled(got, &st, &all, g, q), 55);
        assert_int_equal(st, LM_LENGTH);
        assert_memory_equal(got, want, 55 * sizeof *got);
        assert_int_equal(all.n_masks, 0);
        assert_int_equal(all.n_asked, 55);
        assert_int_equal(all.n_told, 55);
        assert_memory_equal(all.told, want, 55 * sizeof *got);
    }
    lm_engine_close(g);
    lm_model_close(m);
}

static void a_text_obeys_its_rule_and_ends_by_it(void **state) {
    (void)state;
    lm_model *m = model_ending();
    lm_engine *g = engine_new(1, 0, 0);
    for (int kind = 0; kind < 8; kind++) {
        lm_request q = request(m, 5, 100, (uint64_t)kind);
        q.sampling.temperature = kind % 2 ? 1 : 0;
        q.sampling.top_k = kind % 4 < 2 ? 50 : 0;
        int32_t ids[2][CASE_IDS_MAX];
        lm_state st;
        for (int again = 0; again < 2; again++) {  // the same seed, the same text
            rule r = {.m = m, .by = 7, .ends_at = 30};
            assert_int_equal(run_ruled(ids[again], &st, &r, g, q), 30);
            assert_int_equal(st, LM_STOPPED);
            assert_int_equal(r.n_told, 30);
            assert_true(r.n_masks > 10);
            assert_memory_equal(r.told, ids[again], 30 * sizeof *r.told);
        }
        assert_memory_equal(ids[0], ids[1], 30 * sizeof **ids);
        for (int i = 0; i < 30; i++)
            assert_int_equal(ids[0][i] % 7, i % 7);
    }
    lm_engine_close(g);
    lm_model_close(m);
}

static void a_crowd_of_rules(void **state) {
    (void)state;
    enum { CROWD = 12 };
    lm_model *m = model_ending();
    lm_engine *g = engine_new(2, 0, 0);
    static int32_t alone[CROWD][CASE_IDS_MAX], together[CASE_IDS_MAX];
    rule r[CROWD];
    lm_guide guides[CROWD];
    lm_stream *s[CROWD];
    lm_state st;
    for (int32_t i = 0; i < CROWD; i++) {
        r[i] = (rule){.m = m, .by = 1 + i};
        assert_int_equal(run_ruled(alone[i], &st, &r[i], g, request(m, 9, 70, (uint64_t)i)), 61);
        r[i] = (rule){.m = m, .by = 1 + i};
        guides[i] = guide_of(&r[i]);
    }
    for (int i = 0; i < CROWD; i++) {
        lm_request q = request(m, 9, 70, (uint64_t)i);
        q.guide = &guides[i];
        s[i] = submit(g, q);
    }
    for (int i = 0; i < CROWD; i++) {
        assert_int_equal(drain(together, CASE_IDS_MAX, &st, s[i]), 61);
        assert_memory_equal(together, alone[i], 61 * sizeof *together);
        lm_stream_close(s[i]);
    }
    lm_engine_close(g);
    lm_model_close(m);
}

static void a_dead_end_fails(void **state) {
    (void)state;
    lm_model *m = model_new(tiny);
    lm_engine *g = engine_new(1, 0, 0);
    int32_t ids[CASE_IDS_MAX];
    lm_state st;
    rule dead = {.m = m, .by = 1, .is_dead = true};
    assert_int_equal(run_ruled(ids, &st, &dead, g, request(m, 3, 40, 1)), 0);
    assert_int_equal(st, LM_FAILED);
    assert_int_equal(dead.n_masks, 1);
    assert_int_equal(dead.n_told, 0);
    lm_guide guide = guide_of(&dead);
    lm_request q = request(m, 3, 40, 1);
    q.guide = &guide;
    q.ignores_eos = true;
    lm_stream *s;
    err e = {0};
    assert_int_equal(lm_submit(&s, g, &q, &e), E_ARG);
    assert_string_equal(e.msg, "min_tokens and ignore_eos do not go with a guided text");
    lm_engine_close(g);
    lm_model_close(m);
}

// The memory of a guide is gone at once: a sanitizer sees who asks it later.
static void nobody_asks_a_guide_of_a_closed_stream(void **state) {
    (void)state;
    lm_model *m = model_ending();
    lm_engine *g = engine_new(2, 0, 0);
    for (size_t round = 0; round < 20; round++) {
        rule *r[4];
        lm_stream *s[4];
        for (size_t i = 0; i < 4; i++) {
            r[i] = malloc(sizeof *r[i]);
            *r[i] = (rule){.m = m, .by = 5};
            lm_guide guide = guide_of(r[i]);
            lm_request q = request(m, 4, 100, i);
            q.guide = &guide;
            s[i] = submit(g, q);
        }
        int32_t id;
        lm_state st;
        for (size_t i = 0; i < 4; i++) {
            for (size_t n = 0; n < (round + i) % 5;)  // some in the queue, some in a step
                n += lm_stream_read(&id, 1, &st, s[i]);
            lm_stream_close(s[i]);
            memset(r[i], 0xee, sizeof *r[i]);
            free(r[i]);
        }
    }
    wait_idle(g);
    assert_int_equal(counters(g).streams_failed, 0);
    lm_engine_close(g);
    lm_model_close(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distribution_is_the_masks),
        cmocka_unit_test(greedy_takes_the_best_that_may_come),
        cmocka_unit_test(what_may_come_may_be_very_unlikely),
        cmocka_unit_test(a_second_draw_moves_no_other),
        cmocka_unit_test(who_accepts_all_changes_nothing),
        cmocka_unit_test(a_text_obeys_its_rule_and_ends_by_it),
        cmocka_unit_test(a_crowd_of_rules),
        cmocka_unit_test(a_dead_end_fails),
        cmocka_unit_test(nobody_asks_a_guide_of_a_closed_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
