// Generation speed at GPT-2's 124M shape, beside what this machine's memory allows.
//
// Decoding one token reads every weight once, so tokens per second of one stream are bounded by
// read bandwidth over bytes per token. The bandwidth is measured in the same run, with as many
// threads, by summing a buffer that no cache holds. Weights are random unless --model says else.
//
//   bench_lm [--model FILE] [--threads N]

#include "lm/engine.h"
#include "lm/model.h"
#include "os/clock.h"
#include "os/cpu.h"
#include "os/pool.h"

#include <math.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#define TSV "bench/results/lm.tsv"

// --- Read bandwidth ----------------------------------------------------------------------------

enum { PROBE_BYTES = 768 << 20, PROBE_PARTS = 192, PROBE_ROUNDS = 5 };

typedef float wide __attribute__((vector_size(64)));

typedef struct probe {
    const float *data;
    float sums[PROBE_PARTS];
} probe;

#if defined(__x86_64__)
__attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
static float
sum_wide(const float *p, size_t n) {
    wide s[4] = {0};
    const wide *v = (const wide *)(const void *)p;
    for (size_t i = 0; i < n / 16; i += 4)
        for (size_t j = 0; j < 4; j++) {
            __builtin_prefetch(&v[i + j + 128], 0, 2);  // 38 GB/s on one core; 31 without
            s[j] += v[i + j];
        }
    wide all = s[0] + s[1] + s[2] + s[3];
    return all[0] + all[15];
}

static void probe_part(void *arg, size_t i) {
    probe *p = arg;
    size_t n = PROBE_BYTES / sizeof(float) / PROBE_PARTS;
    p->sums[i] = sum_wide(p->data + i * n, n);
}

// Bytes per second, the best of a few rounds.
static double read_bandwidth(os_pool *pool) {
    arena a;
    probe p;
    if (arena_open(&a, PROBE_BYTES, NULL)) return (double)NAN;
    madvise(a.base, PROBE_BYTES, MADV_HUGEPAGE);
    memset(a.base, 1, PROBE_BYTES);
    p.data = (const float *)(const void *)a.base;
    double best = 0;
    for (int i = 0; i < PROBE_ROUNDS; i++) {
        int64_t t = os_now_ns();
        os_pool_for(pool, PROBE_PARTS, probe_part, &p);
        best = fmax(best, PROBE_BYTES / os_seconds_since(t));
    }
    arena_close(&a);
    return best;
}

// --- Generation --------------------------------------------------------------------------------

typedef struct run {
    int streams, n_prompt, n_new;
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
    int32_t prompt[1024];
    for (int j = 0; j < r.n_prompt; j++)
        prompt[j] = (i * 977 + j * 31 + 7) % lm__ids(m);
    lm_request q = {.model = m,
                    .prompt = prompt,
                    .n_prompt = (size_t)r.n_prompt,
                    .max_length = r.n_prompt + r.n_new,
                    .sampling = lm_sampling_default(),
                    .notify = ring,
                    .arg = bell};
    q.sampling.seed = (uint64_t)i;
    lm_stream *s;
    err e = {0};
    if (!lm_submit(&s, g, &q, &e)) return s;
    fprintf(stderr, "bench_lm: %s\n", e.msg);
    exit(1);
}

static result generate(lm_engine *g, const lm_model *m, run r) {
    lm_stream *s[64];
    size_t got[64] = {0};
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
    for (int i = 0; i < 3; i++)
        best = fmax(best, n / generate(g, m, (run){1, n, 1}).first_s);
    return best;
}

// --- Report ------------------------------------------------------------------------------------

typedef struct figures {
    double bandwidth, limit, one, many, prefill;  // bytes/s, then tokens/s
} figures;

static void print_report(const lm_spec *s, const figures *f) {
    double flops = 2 * ((double)s->bytes_per_token / 4 - (double)s->vocab_size * s->n_embd);
    printf("model              %.1f M parameters, %.1f MB read per token\n",
           (double)s->n_params / 1e6, (double)s->bytes_per_token / 1e6);
    printf("read bandwidth     %.1f GB/s: at most %.1f tokens/s for one stream\n",
           f->bandwidth / 1e9, f->limit);
    printf("decode, 1 stream   %.1f tokens/s = %.0f %% of the limit\n", f->one,
           100 * f->one / f->limit);
    printf("decode, 16 streams %.1f tokens/s together\n", f->many);
    printf("prefill, 512       %.0f tokens/s, %.0f GFLOP/s\n", f->prefill,
           f->prefill * flops / 1e9);
}

static void append_row(const lm_model *m, int threads, const figures *f) {
    FILE *to = fopen(TSV, "ae");
    if (!to) return;
    fseek(to, 0, SEEK_END);
    if (ftell(to) == 0)
        fprintf(to, "date\tcommit\tcpu\tthreads\tkernels\tMparams\tread_GBps\tlimit_tokps\t"
                    "decode1_tokps\tof_limit\tdecode16_tokps\tprefill512_tokps\n");
    char date[32];
    time_t now = (time_t)(os_wall_ns() / 1000000000);
    struct tm tm;
    strftime(date, sizeof date, "%Y-%m-%d", gmtime_r(&now, &tm));
    const char *commit = getenv("BENCH_COMMIT");
    fprintf(to, "%s\t%s\t%s\t%d\t%s\t%.1f\t%.1f\t%.1f\t%.1f\t%.2f\t%.1f\t%.0f\n", date,
            commit ? commit : "-", os_cpu_name(), threads, m->kern->name,
            (double)m->spec.n_params / 1e6, f->bandwidth / 1e9, f->limit, f->one, f->one / f->limit,
            f->many, f->prefill);
    fclose(to);
}

static status open_model(lm_model **m, const char *path, err *e) {
    lm_spec gpt2 = {.block_size = 1024,
                    .vocab_size = 50304,
                    .n_layer = 12,
                    .n_head = 12,
                    .n_embd = 768,
                    .step = -1,
                    .val_loss = (double)NAN};
    return path ? lm_model_open(m, path, NULL, e) : lm__model_random(m, &gpt2, 1, e);
}

static status bench(const char *path, int threads, err *e) {
    lm_model *m = NULL;
    lm_engine *g = NULL;
    os_pool *pool = NULL;
    TRY(os_pool_open(&pool, threads - 1, 1, "probe", e));
    double bandwidth = read_bandwidth(pool);
    os_pool_close(pool);
    TRY(open_model(&m, path, e));
    status st = lm_engine_open(&g, &(lm_config){.n_threads = threads}, e);
    if (!st) {
        figures f = {.bandwidth = bandwidth};
        f.limit = bandwidth / (double)m->spec.bytes_per_token;
        f.one = decode_rate(g, m, (run){1, 8, 64});
        f.many = decode_rate(g, m, (run){16, 8, 48});
        f.prefill = prefill_rate(g, m, (int)min_i64(512, m->spec.block_size - 1));
        printf("%s, %d threads, %s kernels\n", os_cpu_name(), threads, m->kern->name);
        print_report(&m->spec, &f);
        append_row(m, threads, &f);
    }
    lm_engine_close(g);
    lm_model_close(m);
    return st;
}

int main(int argc, char **argv) {
    const char *path = NULL;
    int threads = os_cpu_count();
    for (int i = 1; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--model"))
            path = argv[i + 1];
        else if (!strcmp(argv[i], "--threads"))
            threads = atoi(argv[i + 1]);
    }
    err e = {0};
    if (threads < 1 || bench(path, threads, &e)) {
        fprintf(stderr, "bench_lm: %s\n", threads < 1 ? "--threads wants a number" : e.msg);
        return 1;
    }
    return 0;
}
