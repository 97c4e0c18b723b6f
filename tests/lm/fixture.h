// Small random models, and an engine that tests ask from one thread.
#ifndef TESTS_LM_FIXTURE_H
#define TESTS_LM_FIXTURE_H

#include "lm/forward.h"
#include "tests/lm/lm_cases.h"

static const lm_spec tiny = {
    .block_size = 128, .vocab_size = 300, .n_layer = 2, .n_head = 2, .n_embd = 32};

static inline lm_model *model_new(lm_spec s) {
    lm_model *m;
    assert_int_equal(lm__model_random(&m, &s, 7, NULL), OK);
    return m;
}

static inline lm_engine *engine_new(int threads, int streams, int queue) {
    lm_engine *g;
    err e = {0};
    lm_config c = {.n_threads = threads,
                   .streams_max = streams,
                   .queue_max = queue,
                   .client_max = streams + queue};
    if (lm_engine_open(&g, &c, &e)) fail_msg("%s", e.msg);
    return g;
}

static const int32_t counting[200] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11,
                                      12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
                                      23, 24, 25, 26, 27, 28, 29, 30, 31, 32};

static inline lm_request request(const lm_model *m, size_t n_prompt, int max_length,
                                 uint64_t seed) {
    lm_request r = {.model = m,
                    .prompt = counting,
                    .n_prompt = n_prompt,
                    .max_length = max_length,
                    .sampling = lm_sampling_default()};
    r.sampling.seed = seed;
    return r;
}

static inline lm_stream *submit(lm_engine *g, lm_request r) {
    lm_stream *s;
    err e = {0};
    if (lm_submit(&s, g, &r, &e)) fail_msg("%s", e.msg);
    return s;
}

static inline size_t run_alone(int32_t *ids, lm_state *state, lm_engine *g, lm_request r) {
    lm_stream *s = submit(g, r);
    size_t n = drain(ids, CASE_IDS_MAX, state, s);
    lm_stream_close(s);
    return n;
}

static inline lm_counters counters(const lm_engine *g) {
    lm_counters c;
    lm_engine_counters(&c, g);
    return c;
}

static inline void sleep_ms(int ms) {
    nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

// One snapshot a turn: of two, a stream that is admitted in between would be in neither.
static inline void wait_idle(const lm_engine *g) {
    for (lm_counters c = counters(g); c.streams_live + c.streams_waiting; c = counters(g))
        sleep_ms(1);
}

#endif
