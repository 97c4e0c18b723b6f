// 64 clients that submit, read, dawdle, break off and come again, for as long as was asked.
//
// Requests are drawn from a small set whose texts are known from the beginning: what comes out must
// be these, or their beginnings, in any crowd. Some are guided, some score their prompt, some are
// pooled. Beside them models come and are forgotten. At the end every page must be back. Meant for
// the sanitizers: `make soak SAN=address,undefined`, `SAN=thread`.
//
//   soak_engine SECONDS [SEED]

#include "lm/engine.h"
#include "lm/pages.h"
#include "os/clock.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CLIENTS = 64, KNOWN = 24, LENGTH = 96, PROMPT_MAX = 64, VOCAB = 300, EMBD = 32 };

typedef enum kind { PLAIN, GUIDED, SCORED, POOLED, KINDS } kind;

typedef struct known {
    int32_t prompt[PROMPT_MAX], ids[LENGTH];
    size_t n_prompt, n_ids;
    uint64_t seed;
    kind kind;
    float scores[PROMPT_MAX], pooled[EMBD];
} known;

typedef struct soak {
    lm_engine *engine;
    lm_model *model;
    known known[KNOWN];
    int64_t end_ns;
    _Atomic uint64_t whole, broken_off, refused, failed, forgotten;
} soak;

typedef struct client {
    soak *s;
    uint64_t rng;
} client;

static uint64_t draw(uint64_t *rng, uint64_t below) {
    *rng = *rng * 6364136223846793005U + 1442695040888963407U;
    return (*rng >> 33) % below;
}

static void doze(unsigned us) {
    nanosleep(&(struct timespec){.tv_nsec = (long)us * 1000}, NULL);
}

// --- Guides: each id must leave another rest -----------------------------------------------------

typedef struct rule {
    int32_t n;
} rule;

static bool rule_accepts(void *self, int32_t id) {
    const rule *r = self;
    return id % 7 == r->n % 7;
}

static void rule_mask(void *self, uint32_t *bits) {
    memset(bits, 0, (VOCAB + 31) / 32 * sizeof *bits);
    for (int32_t id = 0; id < VOCAB; id++)
        if (rule_accepts(self, id)) bits[id / 32] |= 1U << id % 32;
}

static void rule_advance(void *self, int32_t id) {
    rule *r = self;
    CHECK(rule_accepts(r, id));
    r->n++;
}

// --- Requests ------------------------------------------------------------------------------------

// Prompts of few beginnings, so that pages are shared.
static void make_known(known *k, size_t i) {
    k->n_prompt = 1 + i * 37 % PROMPT_MAX;
    k->seed = i;
    k->kind = (kind)(i % KINDS);
    for (size_t j = 0; j < k->n_prompt; j++)
        k->prompt[j] = (int32_t)((j < 40 ? i % 3 : i) * 31 + j * 7) % 250;
}

static lm_request request_of(const soak *s, const known *k) {
    lm_request r = {.model = s->model,
                    .prompt = k->prompt,
                    .n_prompt = k->n_prompt,
                    .max_length = LENGTH,
                    .sampling = lm_sampling_default()};
    r.sampling.seed = k->seed;
    r.prompt_logprobs = k->kind == SCORED;
    r.sampling.logprobs = k->kind == SCORED ? 1 : -1;
    r.pooling = k->kind == POOLED ? LM_POOL_MEAN : LM_POOL_NONE;
    return r;
}

// Guided by memory that is gone as soon as the stream is closed.
static status submit(lm_stream **out, rule **r, soak *s, const known *k, uint64_t asker) {
    lm_request q = request_of(s, k);
    q.client = asker;
    *r = NULL;
    if (k->kind != GUIDED) return lm_submit(out, s->engine, &q, NULL);
    *r = calloc(1, sizeof **r);
    CHECK(*r);
    lm_guide guide = {*r, rule_accepts, rule_mask, rule_advance};
    q.guide = &guide;
    return lm_submit(out, s->engine, &q, NULL);
}

// What a stream that ended well says beside its ids.
static void take_rest(float *scores, float *pooled, const lm_stream *stream, const known *k) {
    size_t n;
    for (size_t i = 1; k->kind == SCORED && i < k->n_prompt; i++)
        scores[i] = lm_stream_prompt_logprobs(&n, stream, i)->log;
    if (k->kind == POOLED) memcpy(pooled, lm_stream_embedding(stream), EMBD * sizeof *pooled);
}

// Reads until the end or for `patience` ids. Returns how many came.
static size_t drain(int32_t *ids, lm_state *state, lm_stream *stream, size_t patience,
                    uint64_t *rng) {
    size_t n = 0;
    for (*state = LM_RUNNING; *state == LM_RUNNING && n < patience;) {
        size_t room = rng ? 1 + draw(rng, LENGTH - n) : LENGTH - n;
        size_t got = lm_stream_read(ids + n, min_size(room, LENGTH - n), state, stream);
        n += got;
        if (!got) doze(rng ? (unsigned)draw(rng, 3000) : 200);
    }
    return n;
}

static void learn(soak *s) {
    for (size_t i = 0; i < KNOWN; i++) {
        known *k = &s->known[i];
        lm_stream *stream;
        lm_state state;
        rule *r;
        make_known(k, i);
        CHECK(!submit(&stream, &r, s, k, 0));
        k->n_ids = drain(k->ids, &state, stream, LENGTH, NULL);
        CHECK(state != LM_FAILED && state != LM_RUNNING);
        take_rest(k->scores, k->pooled, stream, k);
        lm_stream_close(stream);
        free(r);
    }
}

static void check_rest(const lm_stream *stream, const known *k) {
    float scores[PROMPT_MAX] = {0}, pooled[EMBD] = {0};
    take_rest(scores, pooled, stream, k);
    CHECK(!memcmp(scores, k->scores, sizeof scores) && !memcmp(pooled, k->pooled, sizeof pooled));
}

static void ask_once(client *c) {
    soak *s = c->s;
    const known *k = &s->known[draw(&c->rng, KNOWN)];
    lm_stream *stream;
    lm_state state;
    rule *r;
    int32_t ids[LENGTH];
    if (submit(&stream, &r, s, k, draw(&c->rng, 8))) {
        s->refused++;
        free(r);
        doze(2000);
        return;
    }
    bool stays = draw(&c->rng, 3) > 0;
    size_t n = drain(ids, &state, stream, stays ? LENGTH : draw(&c->rng, LENGTH), &c->rng);
    if (state == LM_RUNNING)
        s->broken_off++;
    else if (state == LM_FAILED)
        s->failed++;
    else
        s->whole++;
    CHECK(n <= k->n_ids && !memcmp(ids, k->ids, n * sizeof *ids));
    CHECK(state == LM_RUNNING || state == LM_FAILED || n == k->n_ids);
    if (state != LM_RUNNING && state != LM_FAILED) check_rest(stream, k);
    lm_stream_close(stream);
    free(r);
}

static void *client_run(void *arg) {
    client *c = arg;
    while (os_now_ns() < c->s->end_ns)
        ask_once(c);
    return NULL;
}

static lm_model *model_new(void) {
    static const lm_spec tiny = {
        .block_size = 128, .vocab_size = VOCAB, .n_layer = 2, .n_head = 2, .n_embd = EMBD};
    lm_model *m;
    CHECK(!lm__model_random(&m, &tiny, 1, NULL));
    return m;
}

// Models of its own that come and go; the clients' may be forgotten between two of their streams.
static void *models_run(void *arg) {
    client *c = arg;
    soak *s = c->s;
    while (os_now_ns() < s->end_ns) {
        lm_model *m = model_new();
        lm_request r = request_of(s, &s->known[0]);
        lm_stream *stream;
        lm_state state;
        int32_t ids[LENGTH];
        r.model = m;
        if (!lm_submit(&stream, s->engine, &r, NULL)) {
            (void)drain(ids, &state, stream, 1 + draw(&c->rng, LENGTH), &c->rng);
            lm_stream_close(stream);
        }
        CHECK(lm_engine_forget(s->engine, m));
        lm_model_close(m);
        (void)lm_engine_forget(s->engine, s->model);
        s->forgotten++;
        doze((unsigned)draw(&c->rng, 3000));
    }
    return NULL;
}

static void report(const soak *s) {
    lm_counters c;
    lm_engine_counters(&c, s->engine);
    printf("\r%llu whole, %llu broken off, %llu refused, %llu failed, %llu tokens; "
           "%d live, %d waiting, forgotten %llu times ",
           (unsigned long long)s->whole, (unsigned long long)s->broken_off,
           (unsigned long long)s->refused, (unsigned long long)s->failed,
           (unsigned long long)c.tokens_generated, c.streams_live, c.streams_waiting,
           (unsigned long long)s->forgotten);
    fflush(stdout);
}

static void run_clients(soak *s, uint64_t seed) {
    pthread_t threads[CLIENTS + 1];
    client clients[CLIENTS + 1];
    for (size_t i = 0; i <= CLIENTS; i++) {
        clients[i] = (client){s, seed + i * 7919};
        CHECK(!pthread_create(&threads[i], NULL, i ? client_run : models_run, &clients[i]));
    }
    while (os_now_ns() < s->end_ns) {
        report(s);
        nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    }
    for (size_t i = 0; i <= CLIENTS; i++)
        pthread_join(threads[i], NULL);
}

static lm_counters idle_counters(const soak *s) {
    lm_counters c;
    do {
        doze(1000);
        lm_engine_counters(&c, s->engine);
    } while (c.streams_live + c.streams_waiting);
    return c;
}

int main(int argc, char **argv) {
    static soak s;
    double seconds = argc > 1 ? atof(argv[1]) : 60;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    s.model = model_new();
    size_t page = lm__page_bytes(s.model);  // room for some 20 of 64 streams
    lm_config config = {.streams_max = 32, .queue_max = 24, .kv_max = 120 * page};
    CHECK(!lm_engine_open(&s.engine, &config, NULL));
    learn(&s);
    s.end_ns = os_now_ns() + (int64_t)(seconds * 1e9);
    run_clients(&s, seed);
    lm_counters c = idle_counters(&s);
    report(&s);
    printf("\nsoak_engine: %zu pages held by nobody's stream\n", c.pages_used);
    CHECK(c.pages_used == 0);
    CHECK(s.whole > 0 && s.broken_off > 0 && s.failed == 0);
    lm_engine_close(s.engine);
    lm_model_close(s.model);
    return 0;
}
