// Whose turn it is: clients in the queue, prompts in a step, readers that are slow, and what a step
// is thought to take. Where order matters, a gate holds the scheduler until all is in place.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "lm/inside.h"
#include "tests/lm/fixture.h"

#include <semaphore.h>

// --- The queue alone ---------------------------------------------------------------------------

enum { WAITERS = 24 };

static void queue_fill(lm_queue *q, lm_stream *s, const char *clients) {
    lm__queue_init(q);
    for (size_t i = 0; clients[i]; i++) {
        s[i] = (lm_stream){.n_prompt = 1, .n_max = 3};
        assert_int_equal(lm__queue_put(q, &s[i], (uint64_t)clients[i], 100), OK);
    }
}

static lm_fit fits(void *arg, lm_stream *s) {
    (void)arg, (void)s;
    return LM_FITS;
}

// The clients of the streams in the order they are let in.
static void queue_order(char *out, lm_queue *q, lm_fit (*fit)(void *, lm_stream *), void *arg) {
    lm_fit how;
    for (lm_stream *s; (s = lm__queue_take(&how, q, fit, arg)); lm__queue_leave(q, s))
        *out++ = (char)s->client->key;
    *out = 0;
}

static void clients_take_turns(void **state) {
    (void)state;
    static const struct {
        const char *come, *go;
    } cases[] = {
        {"aaaa", "aaaa"}, {"aaaab", "abaaa"}, {"aaabbbc", "abcabab"}, {"abab", "abab"}, {"", ""},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        lm_queue q;
        lm_stream s[WAITERS];
        char order[WAITERS + 1];
        queue_fill(&q, s, cases[i].come);
        queue_order(order, &q, fits, NULL);
        assert_string_equal(order, cases[i].go);
        assert_int_equal(q.n_waiting, 0);
        assert_int_equal(q.n_clients, 0);
        assert_int_equal(q.prompt_tokens + q.text_tokens, 0);
    }
}

static void a_client_has_one_line_in_order(void **state) {
    (void)state;
    lm_queue q;
    lm_stream s[WAITERS];
    lm_fit how;
    queue_fill(&q, s, "aabaab");
    static const int want[] = {0, 2, 1, 5, 3, 4};
    for (size_t i = 0; i < countof(want); i++) {
        lm_stream *got = lm__queue_take(&how, &q, fits, NULL);
        assert_ptr_equal(got, &s[want[i]]);
        assert_int_equal(q.n_waiting, 5 - i);
        lm__queue_leave(&q, got);
    }
    assert_null(lm__queue_take(&how, &q, fits, NULL));
}

// Keys of clients decide: n does not fit yet, b blocks.
static lm_fit by_name(void *arg, lm_stream *s) {
    (void)arg;
    return s->client->key == 'n' ? LM_NOT_YET : s->client->key == 'b' ? LM_BLOCKS : LM_FITS;
}

static void some_wait_and_some_hold_up_the_rest(void **state) {
    (void)state;
    lm_queue q;
    lm_stream s[WAITERS];
    char order[WAITERS + 1];
    queue_fill(&q, s, "nacnac");
    queue_order(order, &q, by_name, NULL);
    assert_string_equal(order, "acac");
    assert_int_equal(q.n_waiting, 2);
    queue_order(order, &q, fits, NULL);
    assert_string_equal(order, "nn");
    queue_fill(&q, s, "abacc");
    queue_order(order, &q, by_name, NULL);
    assert_string_equal(order, "a");
    queue_order(order, &q, fits, NULL);
    assert_string_equal(order, "bcac");
}

static void leavers_are_taken_out_of_all_lines(void **state) {
    (void)state;
    lm_queue q;
    lm_stream s[WAITERS];
    char order[WAITERS + 1];
    queue_fill(&q, s, "aaabbbc");
    static const int leave[] = {0, 2, 4, 6};
    for (size_t i = 0; i < countof(leave); i++)
        s[leave[i]].closed = true;
    int n = 0;
    for (lm_stream *at = lm__queue_sweep(&q, false), *next; at; at = next, n++) {
        next = at->next;
        assert_true(at->closed);
        lm__queue_leave(&q, at);
    }
    assert_int_equal(n, 4);
    assert_int_equal(q.n_clients, 2);
    lm_stream late = {.n_prompt = 1, .n_max = 3};
    assert_int_equal(lm__queue_put(&q, &late, 'a', 100), OK);
    queue_order(order, &q, fits, NULL);
    assert_string_equal(order, "abab");
}

static void a_client_has_a_bound(void **state) {
    (void)state;
    lm_queue q;
    lm_stream s[WAITERS], more = {.n_prompt = 1, .n_max = 3};
    lm_fit how;
    queue_fill(&q, s, "aaa");
    assert_int_equal(lm__queue_put(&q, &more, 'a', 3), E_QUOTA);
    lm_stream *live = lm__queue_take(&how, &q, fits, NULL);
    assert_int_equal(lm__queue_put(&q, &more, 'a', 3), E_QUOTA);  // live ones count
    assert_int_equal(lm__queue_put(&q, &more, 'b', 3), OK);
    lm__queue_leave(&q, live);
    lm_stream again = {.n_prompt = 1, .n_max = 3};
    assert_int_equal(lm__queue_put(&q, &again, 'a', 3), OK);
    char order[WAITERS + 1];
    queue_order(order, &q, fits, NULL);
    assert_string_equal(order, "abaa");
    assert_int_equal(q.n_clients, 0);
}

// 16 rows and one step in 0.1 s; texts end half way.
static void waiting_takes_what_is_ahead_at_the_rate_of_late(void **state) {
    (void)state;
    static const struct {
        uint64_t prompts, texts;
        size_t least_left;
        bool is_full;
        int waiting, want;
    } cases[] = {
        {0, 0, 1000, false, 0, 1},  {0, 0, 1000, true, 0, 50},      {0, 0, 10, true, 0, 1},
        {1600, 0, 0, true, 1, 10},  {0, 1600, 0, true, 1, 5},       {1600, 1600, 100, false, 1, 20},
        {0, 0, 1000, false, 1, 50}, {1 << 30, 0, 0, true, 1, 3600},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        lm_rates r = {160, 1, 10, .text = 0.5, .least_left = cases[i].least_left};
        lm_queue q = {.prompt_tokens = cases[i].prompts,
                      .text_tokens = cases[i].texts,
                      .n_waiting = cases[i].waiting};
        assert_int_equal(lm__queue_wait_s(&q, &r, cases[i].is_full), cases[i].want);
        r.seconds = 0;
        assert_int_equal(lm__queue_wait_s(&q, &r, cases[i].is_full), 1);
    }
}

// --- The pace alone ----------------------------------------------------------------------------

static void a_pace_is_learnt(void **state) {
    (void)state;
    lm_pace p;
    lm__pace_init(&p, 500000000, 250000000, 40000);
    uint64_t x = 1;
    for (int i = 0; i < 300; i++) {
        x = x * 6364136223846793005U + 1442695040888963407U;
        size_t rows = 1 + (x >> 33) % 100, positions = rows * ((x >> 50) % 1000);
        double t = 0.012 + 0.0008 * (double)rows + 2e-7 * (double)positions;
        if (i % 20 == 7) t *= 50;  // somebody else had the machine
        lm__pace_learn(&p, rows, positions, t);
    }
    for (int i = 0; i < 100; i++)
        lm__pace_learn(&p, 1 + (size_t)i % 90, 5000 * (size_t)(i % 7),
                       0.012 + 0.0008 * (1 + i % 90) + 1e-3 * (i % 7));
    double t = lm__pace_of(&p, 50, 20000);
    assert_true(t > 0.052 && t < 0.060);  // 0.056
    size_t n = lm__pace_room(&p, 0.040, 10, 2000, 100);
    assert_true(n >= 20 && n <= 26);  // (40 - 12 - 8 - 0.4) / 0.82
    assert_int_equal(lm__pace_room(&p, 0.010, 10, 2000, 100), 0);
}

static void a_pace_survives_nonsense(void **state) {
    (void)state;
    lm_pace p;
    lm__pace_init(&p, 0, 0, 0);
    for (int i = 0; i < 1000; i++)
        lm__pace_learn(&p, 128, 1 << 20, 0);
    assert_true(lm__pace_of(&p, 1, 1) > 0);
    assert_true(lm__pace_room(&p, 0.04, 1, 1, 1) <= 1000000);
    for (int i = 0; i < 1000; i++)
        lm__pace_learn(&p, 1, 1, 1e9);
    assert_true(lm__pace_of(&p, 1, 1) > 0 && lm__pace_of(&p, 1, 1) < 1e12);
}

// --- A gate: the scheduler stands in the notify of one stream ------------------------------------

typedef struct gate {
    sem_t arrived, open;
    lm_stream *s;
} gate;

static void stand(void *arg) {
    gate *t = arg;
    sem_post(&t->arrived);
    sem_wait(&t->open);
}

static void gate_close(gate *t, lm_engine *g, const lm_model *m) {
    sem_init(&t->arrived, 0, 0);
    sem_init(&t->open, 0, 0);
    lm_request r = request(m, 1, 2, 1);
    r.client = 999;
    r.notify = stand;
    r.arg = t;
    t->s = submit(g, r);
    sem_wait(&t->arrived);
}

static void gate_open(gate *t) {
    sem_post(&t->open);
    lm_stream_close(t->s);
    sem_destroy(&t->arrived);
    sem_destroy(&t->open);
}

typedef struct snapshot {
    lm_engine *g;
    lm_counters at;
    lm_stream *closes;  // at its first id
    int rings;
} snapshot;

static void snap(void *arg) {
    snapshot *s = arg;
    if (s->rings++) return;
    lm_engine_counters(&s->at, s->g);
    lm_stream_close(s->closes);
}

static lm_model *model_long(void) {
    lm_spec s = tiny;
    s.block_size = 8192;
    return model_new(s);
}

static lm_request long_request(const lm_model *m, uint64_t client, int salt) {
    enum { LONG = 4096 };
    static int32_t prompts[8][LONG];
    for (int i = 0; i < LONG; i++)
        prompts[salt][i] = (i * 7 + salt * 31) % 300;
    lm_request r = request(m, LONG, LONG + 1, 1);
    r.prompt = prompts[salt];
    r.client = client;
    return r;
}

static void a_prompt_does_not_wait_behind_another_client_s(void **state) {
    (void)state;
    lm_model *m = model_long();
    lm_engine *g = engine_new(1, 16, 16);
    gate t;
    gate_close(&t, g, m);
    uint64_t before = counters(g).tokens_prompt;
    lm_stream *flood[6];
    for (int i = 0; i < 6; i++)
        flood[i] = submit(g, long_request(m, 1, i));
    snapshot seen = {.g = g};
    lm_request r = request(m, 100, 101, 1);
    r.client = 2;
    r.notify = snap;
    r.arg = &seen;
    lm_stream *s = submit(g, r);
    gate_open(&t);
    int32_t id;
    lm_state st;
    assert_int_equal(drain(&id, 1, &st, s), 1);
    lm_stream_close(s);
    // One piece of the flood's first prompt, then this one.
    assert_true(seen.at.tokens_prompt - before <= 2 * LM_ROWS_MAX);
    for (int i = 0; i < 6; i++)
        lm_stream_close(flood[i]);
    wait_idle(g);
    lm_engine_close(g);
    lm_model_close(m);
}

static void a_prompt_that_is_closed_gets_no_other_piece(void **state) {
    (void)state;
    lm_model *m = model_long();
    lm_engine *g = engine_new(1, 16, 16);
    gate t;
    gate_close(&t, g, m);
    lm_stream *s = submit(g, long_request(m, 1, 0));
    snapshot seen = {.g = g, .closes = s};
    lm_request r = request(m, 3, 40, 1);
    r.notify = snap;
    r.arg = &seen;
    lm_stream *other = submit(g, r);
    gate_open(&t);
    int32_t ids[64];
    lm_state st;
    assert_int_equal(drain(ids, 64, &st, other), 37);
    lm_stream_close(other);
    assert_int_equal(counters(g).tokens_prompt, seen.at.tokens_prompt);
    assert_true(seen.at.tokens_prompt < 2 * LM_ROWS_MAX);
    assert_int_equal(counters(g).streams_cancelled, 1);
    assert_int_equal(counters(g).pages_used, 0);
    lm_engine_close(g);
    lm_model_close(m);
}

// A client that fills the house leaves places, and pages, to those that have none.
static void a_flood_leaves_room_for_others(void **state) {
    (void)state;
    lm_model *m = model_long();
    lm_engine *g;
    lm_config c = {.n_threads = 1,
                   .streams_max = 3,
                   .queue_max = 12,
                   .kv_max = 6 * lm__pages_for(8192) * lm__page_bytes(m)};
    assert_int_equal(lm_engine_open(&g, &c, NULL), OK);
    lm_stream *flood[6];
    lm_request r = request(m, 3, 8192, 1);
    r.client = 1;
    for (int i = 0; i < 6; i++)  // nobody reads: they stay, paused
        flood[i] = submit(g, r);
    lm_stream *more;
    err e = {0};
    assert_int_equal(lm_submit(&more, g, &r, &e), E_QUOTA);
    assert_string_equal(e.msg, "6 streams of this client run or wait, that is all that may");
    assert_true(lm_engine_retry_after_s(g) >= 1);
    while (counters(g).streams_paused < 3)
        sleep_ms(1);
    int32_t ids[CASE_IDS_MAX];
    lm_state st;
    for (uint64_t client = 2; client < 5; client++) {
        lm_request other = request(m, 3, 40, client);
        other.client = client;
        assert_int_equal(run_alone(ids, &st, g, other), 37);
    }
    assert_int_equal(counters(g).streams_live, 3);
    assert_int_equal(counters(g).refused_client, 1);
    for (int i = 0; i < 6; i++)
        lm_stream_close(flood[i]);
    wait_idle(g);
    assert_int_equal(counters(g).clients, 0);
    lm_engine_close(g);
    lm_model_close(m);
}

static void a_flood_leaves_pages_for_others(void **state) {
    (void)state;
    lm_model *m = model_long();
    lm_engine *g;
    lm_config c = {.n_threads = 1, .kv_max = 4 * lm__pages_for(8192) * lm__page_bytes(m)};
    assert_int_equal(lm_engine_open(&g, &c, NULL), OK);
    lm_stream *flood[4];
    lm_request r = request(m, 3, 8192, 1);
    for (int i = 0; i < 4; i++)
        flood[i] = submit(g, r);
    while (counters(g).streams_paused < 3)
        sleep_ms(1);
    int32_t ids[CASE_IDS_MAX];
    lm_state st;
    r = request(m, 3, 40, 1);
    r.client = 2;
    assert_int_equal(run_alone(ids, &st, g, r), 37);
    assert_int_equal(counters(g).streams_waiting, 1);
    lm_stream_close(flood[0]);
    while (counters(g).streams_waiting)  // and when there is room, it may have it
        sleep_ms(1);
    for (int i = 1; i < 4; i++)
        lm_stream_close(flood[i]);
    wait_idle(g);
    lm_engine_close(g);
    lm_model_close(m);
}

// --- Readers -----------------------------------------------------------------------------------

static void a_slow_reader_pauses_its_stream(void **state) {
    (void)state;
    enum { NEW = 1000 };
    lm_model *m = model_long();
    lm_engine *g = engine_new(1, 4, 4);
    int32_t want[NEW], got[NEW], ids[CASE_IDS_MAX];
    lm_state st;
    lm_stream *s = submit(g, request(m, 3, 3 + NEW, 5));
    assert_int_equal(drain(want, NEW, &st, s), NEW);
    lm_stream_close(s);
    uint64_t before = counters(g).tokens_generated;
    s = submit(g, request(m, 3, 3 + NEW, 5));
    while (!counters(g).streams_paused)
        sleep_ms(1);
    assert_int_equal(counters(g).tokens_generated - before, LM_AHEAD_MAX);
    assert_int_equal(run_alone(ids, &st, g, request(m, 5, 60, 6)), 55);  // others go on
    assert_int_equal(counters(g).tokens_generated - before, LM_AHEAD_MAX + 55);
    assert_int_equal(counters(g).streams_live, 1);
    before += 55;
    for (size_t n = 0; n < NEW; n += 50) {  // each read lets in as many as it took
        while (counters(g).tokens_generated - before < min_size(NEW, n + LM_AHEAD_MAX))
            sleep_ms(1);
        size_t part = 0;  // the last that is counted may still be on its way to the reader
        while ((part += lm_stream_read(got + n + part, 50 - part, &st, s)) < 50)
            sleep_ms(1);
    }
    while (st == LM_RUNNING)  // and so may the news of its end
        assert_int_equal(lm_stream_read(got, 1, &st, s), 0);
    assert_int_equal(st, LM_LENGTH);
    assert_memory_equal(got, want, sizeof want);
    lm_stream_close(s);
    s = submit(g, request(m, 3, 3 + NEW, 5));
    while (!counters(g).streams_paused)
        sleep_ms(1);
    lm_stream_close(s);  // while it is paused
    wait_idle(g);
    assert_int_equal(counters(g).streams_cancelled, 1);
    assert_int_equal(counters(g).pages_used, 0);
    lm_engine_close(g);
    lm_model_close(m);
}

// --- Figures -----------------------------------------------------------------------------------

static uint64_t histogram_total(const lm_histogram *h) {
    uint64_t n = 0;
    for (size_t i = 0; i <= LM_BUCKETS; i++)
        n += h->count[i];
    return n;
}

static void figures_add_up(void **state) {
    (void)state;
    lm_model *m = model_new(tiny);
    lm_engine *g = engine_new(1, 4, 4);
    int32_t ids[CASE_IDS_MAX];
    lm_state st;
    assert_int_equal(lm_engine_retry_after_s(g), 1);
    assert_int_equal(run_alone(ids, &st, g, request(m, 40, 50, 1)), 10);
    lm_counters c = counters(g);
    assert_int_equal(c.tokens_prompt, 40);
    assert_int_equal(c.tokens_generated, 10);
    assert_int_equal(c.steps, 10);
    assert_int_equal(c.rows, 49);  // the last id need not be read
    assert_int_equal(c.prefix_looked_tokens, 40);
    assert_int_equal(c.prefix_hit_tokens, 0);
    assert_int_equal(c.pages_used, 0);
    assert_int_equal(c.pages_kept, 3);
    assert_int_equal(c.kv_kept, 3 * lm__page_bytes(m));
    assert_true(c.pages_total * lm__page_bytes(m) <= c.kv_max);
    assert_int_equal(histogram_total(&c.queue_wait), 1);
    assert_int_equal(histogram_total(&c.first_token), 1);
    assert_int_equal(histogram_total(&c.between_tokens), 9);
    uint64_t layer = 12 * 32 * 32, head = 320 * 32;  // 300 ids in panels of 32
    assert_int_equal(c.weight_bytes, 10 * (2 * layer + head) * sizeof(float));
    uint64_t positions = 49 * 50 / 2;
    assert_int_equal(c.flops, 49 * 2 * 2 * layer + 10 * 2 * 300 * 32 + positions * 32 * 2 * 4);
    assert_int_equal(run_alone(ids, &st, g, request(m, 40, 50, 1)), 10);
    c = counters(g);
    assert_int_equal(c.prefix_hit_tokens, 39);
    assert_int_equal(c.tokens_prompt, 41);
    assert_int_equal(c.busy_ns > 0, true);
    int retry = lm_engine_retry_after_s(g);
    assert_true(retry >= 1 && retry <= 3600);
    lm_engine_close(g);
    lm_model_close(m);
}

static void an_engine_knows_its_machine_when_asked(void **state) {
    (void)state;
    lm_engine *g = engine_new(1, 1, 1);
    assert_null(lm_engine_calibration(g));
    lm_engine_close(g);
    assert_int_equal(
        lm_engine_open(&g, &(lm_config){.n_threads = 2, .probe_bytes = PROBE_BYTES_MIN}, NULL), OK);
    const probe *p = lm_engine_calibration(g);
    assert_true(p->read_bytes_per_s > 0 && p->f32_flops > 0 && p->int8_ops > 0);
    lm_engine_close(g);
}

static void buckets_hold_what_they_say(void **state) {
    (void)state;
    lm_histogram h = {0};
    for (size_t i = 0; i < LM_BUCKETS; i++) {
        lm__histogram_add(&h, lm_bucket_s[i]);
        lm__histogram_add(&h, lm_bucket_s[i] * 0.999);
        assert_true(i == 0 || lm_bucket_s[i] > lm_bucket_s[i - 1]);
    }
    lm__histogram_add(&h, 1e6);
    for (size_t i = 0; i < LM_BUCKETS; i++)
        assert_int_equal(h.count[i], 2);
    assert_int_equal(h.count[LM_BUCKETS], 1);
    assert_true(h.sum_s > 1e6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clients_take_turns),
        cmocka_unit_test(a_client_has_one_line_in_order),
        cmocka_unit_test(some_wait_and_some_hold_up_the_rest),
        cmocka_unit_test(leavers_are_taken_out_of_all_lines),
        cmocka_unit_test(a_client_has_a_bound),
        cmocka_unit_test(waiting_takes_what_is_ahead_at_the_rate_of_late),
        cmocka_unit_test(a_pace_is_learnt),
        cmocka_unit_test(a_pace_survives_nonsense),
        cmocka_unit_test(a_prompt_does_not_wait_behind_another_client_s),
        cmocka_unit_test(a_prompt_that_is_closed_gets_no_other_piece),
        cmocka_unit_test(a_flood_leaves_room_for_others),
        cmocka_unit_test(a_flood_leaves_pages_for_others),
        cmocka_unit_test(a_slow_reader_pauses_its_stream),
        cmocka_unit_test(figures_add_up),
        cmocka_unit_test(an_engine_knows_its_machine_when_asked),
        cmocka_unit_test(buckets_hold_what_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
