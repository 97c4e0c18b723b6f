// The scheduler: crowds, order, limits, cancellation, ends. Models are random and small.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "tests/lm/fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <unistd.h>

// --- Same text, whatever goes on around it -----------------------------------------------------

static void a_crowd_changes_nothing(void **state) {
    (void)state;
    lm_model *m = model_new(tiny);
    lm_engine *g = engine_new(2, 64, 0);
    enum { CROWD = 16 };
    static int32_t alone[CROWD][CASE_IDS_MAX], together[CROWD][CASE_IDS_MAX];
    lm_stream *s[CROWD];
    size_t n[CROWD];
    lm_state st;
    for (size_t i = 0; i < CROWD; i++)  // prompts of 1 to 91 tokens: some are read in pieces
        n[i] = run_alone(alone[i], &st, g, request(m, 1 + 6 * i, 96, i));
    for (size_t i = 0; i < CROWD; i++)
        s[i] = submit(g, request(m, 1 + 6 * i, 96, i));
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(drain(together[i], CASE_IDS_MAX, &st, s[i]), n[i]);
        assert_int_equal(n[i], 95 - 6 * i);
        assert_int_equal(st, LM_LENGTH);
        assert_memory_equal(alone[i], together[i], n[i] * sizeof(int32_t));
        lm_stream_close(s[i]);
    }
    lm_engine_close(g);
    lm_model_close(m);
}

// Everything that may go on at once: prefixes that are shared and pages that are evicted, readers
// that pause, neighbours that leave, few threads and many.
enum { KINDS = 12, NEW_MAX = 300 };

typedef struct told {
    int32_t ids[NEW_MAX];
    lm_logprob logprobs[NEW_MAX];
    size_t n;
} told;

static const lm_bias some_bias[] = {{5, 3.0F}, {7, -100.0F}};

static lm_request kind_request(const lm_model *m, size_t kind) {
    static int32_t prompts[KINDS][90];
    for (size_t i = 0; i < countof(prompts[kind]); i++)  // pairs share their first half
        prompts[kind][i] = (int32_t)((i < 48 ? kind / 2 : kind) * 17 + i) % 300;
    lm_request r = request(m, 3 + 7 * kind, 0, kind);
    r.prompt = prompts[kind];
    r.max_length = (int)(r.n_prompt + (kind == 3 ? NEW_MAX : 20 + kind));
    r.client = kind % 3;
    r.sampling.temperature = kind % 4 ? 0.8F : 1;
    r.sampling.frequency = kind % 3 ? 0 : 0.5F;
    r.sampling.bias = kind % 2 ? some_bias : NULL;
    r.sampling.n_bias = kind % 2 ? countof(some_bias) : 0;
    r.sampling.logprobs = 2;
    return r;
}

// At most `max` at a time. True at the end.
static bool listen(told *t, lm_stream *s, size_t max) {
    lm_state st;
    size_t n = lm_stream_read(t->ids + t->n, min_size(max, NEW_MAX - t->n), &st, s), n_best;
    for (size_t i = t->n; i < t->n + n; i++) {
        const lm_logprob *p = lm_stream_logprobs(&n_best, s, i);
        assert_int_equal(n_best, 2);
        assert_int_equal(p->id, t->ids[i]);
        assert_true(p[1].log >= p[2].log && p[0].log <= p[1].log && p[0].log < 0);
        t->logprobs[i] = p[0];
    }
    t->n += n;
    assert_null(lm_stream_logprobs(&n_best, s, t->n));
    assert_int_equal(n_best, 0);
    assert_true(st != LM_FAILED);
    return st != LM_RUNNING;
}

static void run_kinds(told *out, lm_engine *g, const lm_model *m, bool in_crowd) {
    lm_stream *s[KINDS], *leaves = NULL;
    for (size_t i = 0; i < KINDS; i++) {
        out[i].n = 0;
        s[i] = submit(g, kind_request(m, i));
        while (!in_crowd && !listen(&out[i], s[i], NEW_MAX))
            sleep_ms(1);
        if (i % 3 == 2 && in_crowd) {
            lm_stream_close(leaves);
            leaves = submit(g, request(m, 20 + i, 100, i));
        }
    }
    for (size_t left = in_crowd ? KINDS : 0; left;) {
        left = 0;
        for (size_t i = 0; i < KINDS; i++)
            left += !listen(&out[i], s[i], i == 3 ? 9 : 50);
        sleep_ms(1);
    }
    lm_stream_close(leaves);
    for (size_t i = 0; i < KINDS; i++)
        lm_stream_close(s[i]);
}

static void nothing_that_goes_on_changes_a_text(void **state) {
    (void)state;
    static told want[KINDS], got[KINDS];
    lm_spec wide = tiny;
    wide.block_size = 1024;
    lm_model *m = model_new(wide);
    lm_engine *g = engine_new(1, 0, 0);
    run_kinds(want, g, m, false);
    lm_engine_close(g);
    for (int threads = 1; threads <= 4; threads++) {
        // Room for the longest and little more, so that pages come and go.
        lm_config c = {.n_threads = threads, .kv_max = 36 * lm__page_bytes(m)};
        assert_int_equal(lm_engine_open(&g, &c, NULL), OK);
        run_kinds(got, g, m, true);
        for (size_t i = 0; i < KINDS; i++) {
            assert_int_equal(got[i].n, want[i].n);
            assert_int_equal(got[i].n, i == 3 ? NEW_MAX : 20 + i);
            assert_memory_equal(got[i].ids, want[i].ids, want[i].n * sizeof(int32_t));
            assert_memory_equal(got[i].logprobs, want[i].logprobs, want[i].n * sizeof(lm_logprob));
        }
        wait_idle(g);
        assert_int_equal(counters(g).pages_used, 0);
        lm_engine_close(g);
    }
    lm_model_close(m);
}

// A model needs memory when it is first used; without it its streams fail, and others do not.
static void a_refused_cache_fails_the_stream(void **state) {
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip();  // their shadow memory does not live under such a limit
#endif
    lm_model *m = model_new(tiny), *other = model_new(tiny);
    lm_engine *g = engine_new(1, 4, 4);
    int32_t ids[CASE_IDS_MAX];
    lm_state st;
    run_alone(ids, &st, g, request(m, 4, 20, 1));
    unsigned long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_true(f && fscanf(f, "%lu", &pages) == 1);
    fclose(f);
    struct rlimit old, now;
    assert_int_equal(getrlimit(RLIMIT_AS, &old), 0);
    now = (struct rlimit){pages * (rlim_t)sysconf(_SC_PAGESIZE), old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_AS, &now), 0);
    size_t n = run_alone(ids, &st, g, request(other, 4, 20, 1));
    lm_state known;
    run_alone(ids, &known, g, request(m, 4, 20, 1));
    assert_int_equal(setrlimit(RLIMIT_AS, &old), 0);
    assert_int_equal(st, LM_FAILED);
    assert_int_equal(n, 0);
    assert_int_equal(known, LM_LENGTH);
    assert_int_equal(counters(g).streams_failed, 1);
    run_alone(ids, &st, g, request(other, 4, 20, 1));
    assert_int_equal(st, LM_LENGTH);
    lm_engine_close(g);
    lm_model_close(m);
    lm_model_close(other);
}

static void two_models_take_turns(void **state) {
    (void)state;
    lm_spec wide = tiny;
    wide.n_embd = 64;
    lm_model *a = model_new(tiny), *b = model_new(wide);
    lm_engine *g = engine_new(1, 0, 0);
    int32_t want[2][CASE_IDS_MAX], got[CASE_IDS_MAX];
    lm_state st;
    run_alone(want[0], &st, g, request(a, 3, 40, 1));
    run_alone(want[1], &st, g, request(b, 3, 40, 1));
    lm_stream *s[6];
    for (int i = 0; i < 6; i++)
        s[i] = submit(g, request(i % 2 ? b : a, 3, 40, 1));
    for (int i = 0; i < 6; i++) {
        assert_int_equal(drain(got, CASE_IDS_MAX, &st, s[i]), 37);
        assert_memory_equal(got, want[i % 2], 37 * sizeof *got);
        lm_stream_close(s[i]);
    }
    lm_engine_close(g);
    lm_model_close(a);
    lm_model_close(b);
}

static void long_prompts_do_not_stall_others(void **state) {
    (void)state;
    enum { LONG = 1024 };
    static int32_t prompt[LONG], ids[8192];
    for (int i = 0; i < LONG; i++)
        prompt[i] = i * 7 % 300;
    lm_spec wide = tiny;
    wide.block_size = 8192;
    lm_model *m = model_new(wide);
    lm_engine *g = engine_new(1, 0, 0);
    lm_request r = request(m, LONG, LONG + 4, 1);
    r.prompt = prompt;
    int32_t alone[4], beside[4];
    lm_state st;
    lm_engine *quiet = engine_new(1, 1, 1);  // what g has read once, it need not read again
    assert_int_equal(run_alone(alone, &st, quiet, r), 4);
    lm_engine_close(quiet);
    lm_stream *running = submit(g, request(m, 3, 8192, 2));
    while (lm_stream_read(ids, 1, &st, running) == 0)
        sleep_ms(1);
    lm_stream_read(ids, countof(ids), &st, running);
    uint64_t steps = counters(g).steps;
    lm_stream *s = submit(g, r);
    assert_int_equal(drain(beside, 4, &st, s), 4);
    size_t meanwhile = lm_stream_read(ids, countof(ids), &st, running);
    assert_true(counters(g).steps - steps >= LONG / LM_ROWS_MAX + 3);
    assert_true(meanwhile >= LONG / LM_ROWS_MAX);  // a token in every step
    assert_memory_equal(alone, beside, sizeof alone);
    lm_stream_close(s);
    lm_stream_close(running);
    lm_engine_close(g);
    lm_model_close(m);
}

// --- Limits ------------------------------------------------------------------------------------

static void refuse(lm_engine *g, lm_request r, status code, const char *says) {
    lm_stream *s;
    err e = {0};
    assert_int_equal(lm_submit(&s, g, &r, &e), code);
    assert_string_equal(e.msg, says);
    assert_null(s);
}

static void requests_are_checked(void **state) {
    (void)state;
    lm_model *m = model_new(tiny);
    lm_engine *g = engine_new(1, 0, 0);
    lm_request r = request(m, 0, 10, 1);
    refuse(g, r, E_ARG, "the prompt has no tokens");
    r.n_prompt = 129;
    refuse(g, r, E_LIMIT, "the prompt has 129 tokens, the model's context holds 128");
    r = request(m, 3, 10, 1);
    r.sampling.top_k = -1;
    refuse(g, r, E_ARG, "top_k is -1, must be in 0..1024");
    r.sampling.top_k = LM_TOP_K_MAX + 1;
    refuse(g, r, E_ARG, "top_k is 1025, must be in 0..1024");
    r = request(m, 3, 10, 1);
    int32_t bad[] = {1, 2, 300};
    r.prompt = bad;
    refuse(g, r, E_ARG, "token 2 of the prompt is 300, must be in 0..299");
    bad[2] = -1;
    refuse(g, r, E_ARG, "token 2 of the prompt is -1, must be in 0..299");
    lm_engine_close(g);
    lm_spec huge = {.block_size = 1 << 14,
                    .vocab_size = 1 << 20,
                    .n_layer = 256,
                    .n_head = 64,
                    .n_embd = 1 << 14};
    lm_model *too_large;
    assert_int_equal(lm__model_random(&too_large, &huge, 1, NULL), E_LIMIT);
    lm_engine *none;
    assert_int_equal(lm_engine_open(&none, &(lm_config){.streams_max = 1000}, NULL), E_ARG);
    assert_int_equal(lm_engine_open(&none, &(lm_config){.n_threads = -1}, NULL), E_ARG);
    lm_model_close(m);
}

static void max_length_counts_the_prompt(void **state) {
    (void)state;
    lm_model *m = model_new(tiny);
    lm_engine *g = engine_new(1, 0, 0);
    static const struct {
        size_t n_prompt, n_new;
        int max_length;
    } cases[] = {{10, 1, 11}, {10, 0, 10},   {10, 0, 3},    {10, 0, 0},
                 {10, 0, -5}, {127, 1, 500}, {128, 0, 500}, {1, 127, 1000000}};
    for (size_t i = 0; i < countof(cases); i++) {
        int32_t ids[CASE_IDS_MAX];
        lm_state st;
        lm_request r = request(m, cases[i].n_prompt, cases[i].max_length, 1);
        assert_int_equal(run_alone(ids, &st, g, r), cases[i].n_new);
        assert_int_equal(st, LM_LENGTH);
    }
    lm_engine_close(g);
    lm_model_close(m);
}

static void a_full_queue_says_so(void **state) {
    (void)state;
    lm_spec slow = tiny;
    slow.block_size = 8192;
    lm_model *m = model_new(slow);
    lm_engine *g = engine_new(1, 2, 3);
    lm_stream *s[5];
    for (int i = 0; i < 5; i++)
        s[i] = submit(g, request(m, 3, 8192, 1));
    refuse(g, request(m, 3, 8192, 1), E_AGAIN, "2 streams run and 3 wait, that is all that may");
    while (counters(g).streams_live < 2)
        sleep_ms(1);
    assert_int_equal(counters(g).streams_waiting, 3);
    lm_stream_close(s[0]);
    while (counters(g).streams_waiting > 2)  // the next in the queue moves up
        sleep_ms(1);
    int32_t ids[8];
    lm_state st = LM_RUNNING;
    while (lm_stream_read(ids, 8, &st, s[2]) == 0)
        sleep_ms(1);
    assert_int_equal(lm_stream_read(ids, 8, &st, s[3]), 0);
    s[0] = submit(g, request(m, 3, 8192, 1));
    for (int i = 0; i < 5; i++)
        lm_stream_close(s[i]);
    wait_idle(g);
    assert_int_equal(counters(g).streams_cancelled, 6);
    assert_int_equal(counters(g).streams_total, 6);
    lm_engine_close(g);
    lm_model_close(m);
}

// With room for one and a half caches, each stream waits for the one before it.
static void caches_stay_in_their_budget(void **state) {
    (void)state;
    lm_model *m = model_new(tiny);
    lm_engine *g;
    size_t one = lm__pages_for(128) * lm__page_bytes(m);
    lm_config c = {.n_threads = 1, .kv_max = one + one / 2};
    assert_int_equal(lm_engine_open(&g, &c, NULL), OK);
    lm_stream *s[4];
    for (int i = 0; i < 4; i++)
        s[i] = submit(g, request(m, 3, 128, (uint64_t)i));
    for (int i = 3; i >= 0; i--) {
        int32_t ids[CASE_IDS_MAX];
        lm_state st;
        assert_true(counters(g).streams_live <= 1);
        assert_int_equal(drain(ids, CASE_IDS_MAX, &st, s[i]), 125);
        assert_int_equal(st, LM_LENGTH);
        lm_stream_close(s[i]);
    }
    assert_int_equal(counters(g).steps, 4 * 125);  // never two in a step
    lm_engine_close(g);
    c.kv_max = one - 1;
    assert_int_equal(lm_engine_open(&g, &c, NULL), OK);
    refuse(g, request(m, 3, 128, 1), E_LIMIT,
           "a stream of 128 tokens needs 64 KB of cache, 63 KB are allowed");
    lm_engine_close(g);
    lm_model_close(m);
}

// --- Ends --------------------------------------------------------------------------------------

// A model of the real vocabulary whose best id is the same everywhere: logits are column 0 of wte.
static lm_model *model_saying(int32_t id, float how_loud, int32_t second) {
    lm_model *m = model_new(
        (lm_spec){.block_size = 64, .vocab_size = 50304, .n_layer = 1, .n_head = 1, .n_embd = 16});
    memset(m->norm_out.gain, 0, 16 * sizeof(float));
    memset(m->norm_out.bias, 0, 16 * sizeof(float));
    m->norm_out.bias[0] = 1;
    float *w = (float *)m->head.panels;
    size_t panel = 16 * KERN_PANEL;
    w[(size_t)id / KERN_PANEL * panel + (size_t)id % KERN_PANEL] = how_loud;
    w[(size_t)second / KERN_PANEL * panel + (size_t)second % KERN_PANEL] = how_loud / 2;
    return m;
}

static void end_of_text_stops(void **state) {
    (void)state;
    lm_model *m = model_saying(50256, 1000, 5);
    lm_engine *g = engine_new(1, 0, 0);
    int32_t ids[CASE_IDS_MAX];
    lm_state st;
    assert_int_equal(run_alone(ids, &st, g, request(m, 3, 40, 1)), 0);
    assert_int_equal(st, LM_STOPPED);
    lm_engine_close(g);
    lm_model_close(m);
}

static void padding_ids_never_come_out(void **state) {
    (void)state;
    lm_model *m = model_saying(50300, 100, 5);
    lm_engine *g = engine_new(1, 0, 0);
    int32_t ids[CASE_IDS_MAX];
    lm_state st;
    lm_request r = request(m, 3, 20, 1);
    r.sampling.top_k = 1;
    assert_int_equal(run_alone(ids, &st, g, r), 17);
    for (int i = 0; i < 17; i++)
        assert_int_equal(ids[i], 5);
    int32_t padding = 50257;  // nor in
    r.prompt = &padding;
    r.n_prompt = 1;
    refuse(g, r, E_ARG, "token 0 of the prompt is 50257, must be in 0..50256");
    lm_engine_close(g);
    lm_model_close(m);
}

static void weights_that_are_no_numbers_fail(void **state) {
    (void)state;
    lm_model *m = model_new(tiny);
    m->norm_out.bias[3] = __builtin_nanf("");
    lm_engine *g = engine_new(1, 0, 0);
    int32_t ids[CASE_IDS_MAX];
    lm_state st;
    assert_int_equal(run_alone(ids, &st, g, request(m, 3, 40, 1)), 0);
    assert_int_equal(st, LM_FAILED);
    lm_engine_close(g);
    lm_model_close(m);
}

// --- Notify, cancel, close ---------------------------------------------------------------------

typedef struct bell {
    _Atomic int rings;
    pthread_mutex_t lock;
    pthread_cond_t cond;
} bell;

static void ring(void *arg) {
    bell *b = arg;
    pthread_mutex_lock(&b->lock);
    b->rings++;
    pthread_cond_signal(&b->cond);
    pthread_mutex_unlock(&b->lock);
}

static void notify_tells_of_everything(void **state) {
    (void)state;
    lm_model *m = model_new(tiny);
    lm_engine *g = engine_new(1, 0, 0);
    bell b = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
    for (int max_length = 3; max_length < 40; max_length += 12) {
        lm_request r = request(m, 3, max_length, 1);
        r.notify = ring;
        r.arg = &b;
        lm_stream *s = submit(g, r);
        lm_state st = LM_RUNNING;
        int32_t ids[64];
        size_t n = 0;
        int seen = b.rings;
        for (;;) {  // sleeping on notify alone must reach the end
            n += lm_stream_read(ids, 64, &st, s);
            if (st != LM_RUNNING) break;
            pthread_mutex_lock(&b.lock);
            while (b.rings == seen)
                pthread_cond_wait(&b.cond, &b.lock);
            seen = b.rings;
            pthread_mutex_unlock(&b.lock);
        }
        assert_int_equal(n, max_length - 3);
        assert_int_equal(st, LM_LENGTH);
        lm_stream_close(s);
    }
    lm_engine_close(g);
    lm_model_close(m);
}

static void close_ends_work_at_once(void **state) {
    (void)state;
    lm_spec slow = tiny;
    slow.block_size = 8192;
    lm_model *m = model_new(slow);
    lm_engine *g = engine_new(1, 0, 0);
    bell b = {.lock = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER};
    lm_request r = request(m, 3, 8192, 1);
    r.notify = ring;
    r.arg = &b;
    lm_stream *s = submit(g, r);
    while (b.rings < 5)
        sleep_ms(1);
    lm_stream_close(s);
    int rings = b.rings;
    uint64_t before = counters(g).tokens_generated;
    while (counters(g).streams_live)
        sleep_ms(1);
    assert_int_equal(b.rings, rings);  // not after close
    assert_true(counters(g).tokens_generated <= before + 2);
    assert_int_equal(counters(g).streams_cancelled, 1);
    uint64_t steps = counters(g).steps;
    sleep_ms(20);
    assert_int_equal(counters(g).steps, steps);  // idle is idle
    lm_engine_close(g);
    lm_model_close(m);
}

static void engine_closes_under_live_streams(void **state) {
    (void)state;
    lm_spec slow = tiny;
    slow.block_size = 8192;
    lm_model *m = model_new(slow);
    lm_engine *g = engine_new(2, 2, 8);
    lm_stream *s[6];
    for (int i = 0; i < 6; i++)
        s[i] = submit(g, request(m, 3, 8192, 1));
    sleep_ms(5);
    lm_stream_close(s[1]);
    lm_stream_close(s[5]);
    lm_engine_close(g);
    for (int i = 0; i < 5; i++) {
        if (i == 1) continue;
        static int32_t ids[8192];
        lm_state st;
        drain(ids, 8192, &st, s[i]);
        assert_int_equal(st, LM_FAILED);
        lm_stream_close(s[i]);
    }
    lm_model_close(m);
    lm_stream_close(NULL);
    lm_engine_close(NULL);
    lm_model_close(NULL);
}

static void reads_may_be_small(void **state) {
    (void)state;
    lm_model *m = model_new(tiny);
    lm_engine *g = engine_new(1, 0, 0);
    int32_t want[CASE_IDS_MAX], id;
    lm_state st;
    size_t n = run_alone(want, &st, g, request(m, 3, 60, 4)), got = 0;
    lm_stream *s = submit(g, request(m, 3, 60, 4));
    wait_idle(g);  // all ids are there; the end is told a moment later
    assert_int_equal(lm_stream_read(NULL, 0, &st, s), 0);
    assert_int_equal(st, LM_RUNNING);  // the end comes after the last id
    while (lm_stream_read(&id, 1, &st, s)) {
        assert_int_equal(id, want[got++]);
        if (got < n) assert_int_equal(st, LM_RUNNING);
    }
    assert_int_equal(got, n);
    while (st == LM_RUNNING)
        assert_int_equal(lm_stream_read(&id, 1, &st, s), 0);
    assert_int_equal(st, LM_LENGTH);
    lm_stream_close(s);
    lm_engine_close(g);
    lm_model_close(m);
}

// Many threads submit, read, and give up at random; for the thread sanitizer.
typedef struct client {
    lm_engine *g;
    const lm_model *m;
    unsigned seed;
} client;

static void *client_run(void *arg) {
    client *c = arg;
    for (unsigned i = 0; i < 20; i++) {
        lm_request r = request(c->m, 1 + (c->seed + i) % 40, 60, i);
        lm_stream *s;
        if (lm_submit(&s, c->g, &r, NULL)) continue;
        int32_t ids[64];
        lm_state st = LM_RUNNING;
        for (unsigned j = 0; st == LM_RUNNING && !((i + c->seed) % 3 == 0 && j == i); j++) {
            lm_stream_read(ids, 64, &st, s);
            nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
        }
        lm_stream_close(s);
    }
    return NULL;
}

static void many_clients(void **state) {
    (void)state;
    lm_model *m = model_new(tiny);
    lm_engine *g = engine_new(3, 3, 2);
    pthread_t t[4];
    client c[4];
    for (unsigned i = 0; i < 4; i++) {
        c[i] = (client){g, m, i * 5};
        assert_int_equal(pthread_create(&t[i], NULL, client_run, &c[i]), 0);
    }
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    lm_engine_close(g);
    lm_model_close(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crowd_changes_nothing),
        cmocka_unit_test(nothing_that_goes_on_changes_a_text),
        cmocka_unit_test(a_refused_cache_fails_the_stream),
        cmocka_unit_test(two_models_take_turns),
        cmocka_unit_test(long_prompts_do_not_stall_others),
        cmocka_unit_test(requests_are_checked),
        cmocka_unit_test(max_length_counts_the_prompt),
        cmocka_unit_test(a_full_queue_says_so),
        cmocka_unit_test(caches_stay_in_their_budget),
        cmocka_unit_test(end_of_text_stops),
        cmocka_unit_test(padding_ids_never_come_out),
        cmocka_unit_test(weights_that_are_no_numbers_fail),
        cmocka_unit_test(notify_tells_of_everything),
        cmocka_unit_test(close_ends_work_at_once),
        cmocka_unit_test(engine_closes_under_live_streams),
        cmocka_unit_test(reads_may_be_small),
        cmocka_unit_test(many_clients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
