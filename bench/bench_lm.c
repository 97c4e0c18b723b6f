// Generation speed at a model's shape: one line of JSON for bench/lm, which adds the peers.
//
// The machine's limits (bandwidth over the model's bytes, multiply-adds) are probed in the same
// run, before and after; rates are the best of three short runs. Weights are random unless --model
// says else.
//
//   bench_lm [--model PATH | --shape NAME] [--type f32|bf16|f16|int8|int4] [--threads N]
//            [--streams 1,16] [--prefix TOKENS]
//
// NAME is one of bench/shapes.h; gpt2 without one. With --prefix, how much sooner a prompt starts
// that shares so many tokens with an earlier one is measured too.

#include "bench/shapes.h"
#include "kern/probe.h"
#include "lm/engine.h"
#include "lm/model.h"
#include "os/clock.h"
#include "os/cpu.h"
#include "os/pool.h"

#include <math.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PREFILL = 512, NEW = 64, COUNTS_MAX = 16, PROMPT_MAX = 4096, TAIL = 16 };

// --- Generation --------------------------------------------------------------------------------

typedef struct run {
    int streams, n_prompt, n_new, salt;  // salt: other prompts
    int n_shared;                        // tokens that do not depend on the salt
} run;

typedef struct result {
    double first_s, total_s;  // until every stream has its first id; until all have ended
} result;

static void ring(void *sem) {
    sem_post(sem);
}

// Sleeps until each stream has `at_least` new ids, or has ended.
static void wait_all(sem_t *bell, lm_stream **s, int n, size_t *got, size_t at_least) {
    int32_t ids[1024];
    for (int waiting = 1; waiting;) {
        waiting = 0;
        for (int i = 0; i < n; i++) {
            lm_state state;
            got[i] += lm_stream_read(ids, countof(ids), &state, s[i]);
            waiting += got[i] < at_least && state == LM_RUNNING;
        }
        if (waiting) sem_wait(bell);
    }
}

static lm_stream *submit(lm_engine *g, const lm_model *m, run r, int i, sem_t *bell) {
    int32_t prompt[PROMPT_MAX];
    for (int j = 0; j < r.n_prompt; j++)
        prompt[j] = ((j < r.n_shared ? 0 : i + 100 * r.salt) * 977 + j * 31 + 7) % lm__ids(m);
    lm_bias no_end = {m->spec.eos[0], -100};  // copied; every stream has its full length
    lm_request q = {.model = m,
                    .prompt = prompt,
                    .n_prompt = (size_t)r.n_prompt,
                    .max_length = r.n_prompt + r.n_new,
                    .sampling = lm_sampling_default(),
                    .notify = ring,
                    .arg = bell};
    q.sampling.seed = (uint64_t)i;
    q.sampling.bias = &no_end;
    q.sampling.n_bias = m->spec.n_eos > 0;
    lm_stream *s;
    err e = {0};
    if (!lm_submit(&s, g, &q, &e)) return s;
    fprintf(stderr, "bench_lm: %s\n", e.msg);
    exit(1);
}

static result generate(lm_engine *g, const lm_model *m, run r) {
    lm_stream *s[LM_STREAMS_MAX];
    size_t got[LM_STREAMS_MAX] = {0};
    sem_t bell;
    sem_init(&bell, 0, 0);
    result res = {0};
    int64_t t = os_now_ns();
    for (int i = 0; i < r.streams; i++)
        s[i] = submit(g, m, r, i, &bell);
    wait_all(&bell, s, r.streams, got, 1);
    res.first_s = os_seconds_since(t);
    wait_all(&bell, s, r.streams, got, (size_t)r.n_new);
    res.total_s = os_seconds_since(t);
    for (int i = 0; i < r.streams; i++)
        lm_stream_close(s[i]);
    sem_destroy(&bell);
    return res;
}

static double decode_rate(lm_engine *g, const lm_model *m, run r) {
    double best = 0;
    for (int i = 0; i < 3; i++) {
        result x = generate(g, m, r);
        best = fmax(best, r.streams * (r.n_new - 1) / (x.total_s - x.first_s));
    }
    return best;
}

static double prefill_rate(lm_engine *g, const lm_model *m, int n) {
    double best = 0;
    for (int i = 0; i < 3; i++)  // other prompts each time: a prefix that is kept is not read again
        best = fmax(best, n / generate(g, m, (run){.streams = 1, n, 1, .salt = i + 1}).first_s);
    return best;
}

static double first_token_ms(lm_engine *g, const lm_model *m) {
    double best = (double)INFINITY;
    for (int i = 0; i < 5; i++)
        best = fmin(best, 1000 * generate(g, m, (run){1, 10, 1, .salt = i + 10}).first_s);
    return best;
}

// Milliseconds to the first token of a prompt whose first n tokens are known from an earlier one,
// and of one that is new from its first token on.
static void prefix_ms(double *shared, double *fresh, lm_engine *g, const lm_model *m, int n) {
    run r = {.streams = 1, .n_prompt = n + TAIL, .n_new = 1, .salt = 200, .n_shared = n};
    (void)generate(g, m, r);
    *shared = *fresh = (double)INFINITY;
    for (int i = 1; i <= 3; i++) {
        r.salt = 200 + i;
        r.n_shared = n;
        *shared = fmin(*shared, 1000 * generate(g, m, r).first_s);
        r.n_shared = 0;
        *fresh = fmin(*fresh, 1000 * generate(g, m, r).first_s);
    }
}

// --- Report ------------------------------------------------------------------------------------

// Resident megabytes of this process.
static double resident(void) {
    FILE *f = fopen("/proc/self/statm", "re");
    unsigned long pages = 0;
    if (!f) return (double)NAN;
    if (fscanf(f, "%*u %lu", &pages) != 1) pages = 0;
    fclose(f);
    return (double)pages * 4096 / 1e6;
}

static void print_probe(const char *when, const probe *p) {
    printf("\"%s\": {\"read\": %.4g, \"f32\": %.4g, \"int8\": %.4g}, ", when, p->read_bytes_per_s,
           p->f32_flops, p->int8_ops);
}

typedef struct options {
    const char *model;
    lm_spec shape;
    lm_load load;
    int prefix;
    int threads, counts[COUNTS_MAX], n_counts;
} options;

static void measure(lm_engine *g, const lm_model *m, const options *o) {
    printf("\"decode\": {");
    for (int i = 0; i < o->n_counts; i++) {
        run r = {.streams = o->counts[i], .n_prompt = 8, .n_new = NEW};
        printf("%s\"%d\": %.2f", i ? ", " : "", r.streams, decode_rate(g, m, r));
    }
    printf("}, \"prefill\": %.1f, ", prefill_rate(g, m, PREFILL));
    printf("\"first_ms\": %.2f, \"rss_mb\": %.1f", first_token_ms(g, m), resident());
    double shared, fresh;
    if (!o->prefix) return;
    prefix_ms(&shared, &fresh, g, m, o->prefix);
    printf(", \"prefix_ms\": %.2f, \"fresh_ms\": %.2f", shared, fresh);
}

static status open_model(lm_model **m, const options *o, err *e) {
    lm_spec shape = o->shape;
    shape.type = o->load.type;
    shape.kv_type = lm__kv_type(shape.type);
    return o->model ? lm_model_open(m, o->model, &o->load, e) : lm__model_random(m, &shape, 1, e);
}

static status bench(const options *o, err *e) {
    lm_model *m = NULL;
    lm_engine *g = NULL;
    os_pool *pool = NULL;
    probe before, after;
    TRY(open_model(&m, o, e));
    status st = os_pool_open(&pool, o->threads - 1, 1, "probe", e);
    if (!st) st = probe_machine(&before, pool, m->spec.bytes_per_token, e);
    if (!st) st = lm_engine_open(&g, &(lm_config){.n_threads = o->threads}, e);
    if (!st) {
        printf("{\"cpu\": \"%s\", \"kernels\": \"%s\", \"threads\": %d, \"type\": \"%s\", ",
               os_cpu_name(), m->kern->name, o->threads, kern_type_name(m->spec.type));
        uint64_t head = 2 * (uint64_t)m->spec.vocab_size * (uint64_t)m->spec.n_embd;
        printf("\"head_flops\": %llu, ", (unsigned long long)head);
        printf("\"bytes\": %llu, \"flops\": %llu, ", (unsigned long long)m->spec.bytes_per_token,
               (unsigned long long)m->spec.flops_per_token);
        print_probe("before", &before);
        measure(g, m, o);
        lm_engine_close(g);
        st = probe_machine(&after, pool, m->spec.bytes_per_token, e);
        printf(", "), print_probe("after", &after), printf("\"end\": true}\n");
    }
    os_pool_close(pool);
    lm_model_close(m);
    return st;
}

static bool parse_counts(options *o, const char *text) {
    str rest = str_of(text);
    for (o->n_counts = 0; rest.len && o->n_counts < COUNTS_MAX; o->n_counts++) {
        uint64_t v;
        if (!str_parse_u64(&v, str_cut(&rest, ',')) || v < 1 || v > LM_STREAMS_MAX) return false;
        o->counts[o->n_counts] = (int)v;
    }
    return o->n_counts > 0 && rest.len == 0;
}

static bool parse(options *o, int argc, char **argv) {
    (void)shape_named(&o->shape, "gpt2");
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *key = argv[i], *value = argv[i + 1];
        if (!strcmp(key, "--model"))
            o->model = value;
        else if (!strcmp(key, "--type"))
            o->load.has_type = kern_type_named(&o->load.type, str_of(value));
        else if (!strcmp(key, "--threads"))
            o->threads = atoi(value);
        else if (!strcmp(key, "--prefix"))
            o->prefix = (int)fmin(atoi(value), PROMPT_MAX - TAIL);
        else if (!strcmp(key, "--shape")) {
            if (!shape_named(&o->shape, value)) return false;
        } else if (strcmp(key, "--streams") || !parse_counts(o, value))
            return false;
        if (!strcmp(key, "--type") && !o->load.has_type) return false;
    }
    return argc % 2 == 1 && o->threads >= 1;
}

int main(int argc, char **argv) {
    options o = {.threads = os_cpu_count(), .counts = {1, 16}, .n_counts = 2};
    err e = {0};
    if (!parse(&o, argc, argv)) {
        fprintf(stderr, "usage: bench_lm [--model PATH | --shape NAME] [--type T] [--threads N] "
                        "[--streams N,...] [--prefix TOKENS]\n");
        return 2;
    }
    if (!bench(&o, &e)) return 0;
    fprintf(stderr, "bench_lm: %s\n", e.msg);
    return 1;
}
