// Attention, softmax and norms: what a pass of GPT-2's 124M shape spends in them.
//
// Keys and values lie as the engine lays them: a page holds 16 positions of all layers and heads.
// Decoding reads each of them once, so its bound is read bandwidth, measured in the same run by
// summing the same bytes. Prefill is bound by arithmetic: causal attention over n positions does
// 2 n^2 head multiplications and additions per head and layer.
//
//   bench_attend [--threads N] [--set NAME]

#include "kern/kern.h"
#include "os/clock.h"
#include "os/cpu.h"
#include "os/pool.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LAYERS = 12, HEADS = 12, N_MAX = 1024, ROWS = 128, VOCAB = 50304, ROUNDS = 12 };

typedef struct scene {
    const kern *kern;
    float *pages, *q, *out, *logits;
    uint32_t *table;
    size_t head, stride, ld;
    size_t layer, rows, per, pos;
    kern_type type;  // of keys and values
    float sums[HEADS];
} scene;

static float uniform(void) {
    static uint64_t state = 1;
    state = state * 6364136223846793005U + 1442695040888963407U;
    return (float)(state >> 40) * 0x1p-23F - 1;
}

static float *floats(size_t n) {
    size_t bytes = align_up(n * sizeof(float), 2 << 20);
    float *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED) exit(1);
    madvise(p, bytes, MADV_HUGEPAGE);
    for (size_t i = 0; i < n; i++)
        p[i] = uniform();
    return p;
}

static void scene_init(scene *s, size_t head) {
    size_t n_pages = N_MAX / KERN_PAGE, half = 2 * KERN_PAGE * head;
    *s = (scene){.head = head, .stride = LAYERS * HEADS * half, .ld = 3 * HEADS * head + 16};
    s->pages = floats(n_pages * s->stride);
    s->q = floats(ROWS * s->ld);
    s->out = floats(ROWS * s->ld);
    s->logits = floats(VOCAB);
    s->table = malloc(n_pages * sizeof *s->table);
    for (size_t i = 0; i < n_pages; i++)  // in no order, as after a day of coming and going
        s->table[i] = (uint32_t)(i * 37 % n_pages);
}

static kern_kv head_kv(const scene *s, size_t head) {
    float *base = s->pages + (s->layer * HEADS + head) * kern_kv_floats(s->type, s->head);
    return (kern_kv){base, s->table, s->stride, s->type};
}

static void attend_head(void *arg, size_t i) {
    scene *s = arg;
    kern_kv kv = head_kv(s, i);
    kern_attend a = {.q = s->q + i * s->head,
                     .out = s->out + i * s->head,
                     .ld_q = s->ld,
                     .ld_out = s->ld,
                     .rows = s->rows,
                     .per = s->per,
                     .n = s->pos + 1,
                     .head = s->head};
    s->kern->attend(&a, &kv);
}

typedef float wide __attribute__((vector_size(64)));

#if defined(__x86_64__)
__attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#endif
static void
read_head(void *arg, size_t i) {
    scene *s = arg;
    kern_kv kv = head_kv(s, i);
    wide sum[4] = {0};
    for (size_t p = 0; p <= s->pos / KERN_PAGE; p++) {
        size_t next = min_size(p + 2, s->pos / KERN_PAGE);
        const wide *v = (const wide *)(const void *)(kv.base + kv.page[p] * kv.stride);
        const wide *ahead = (const wide *)(const void *)(kv.base + kv.page[next] * kv.stride);
        for (size_t j = 0; j < kern_kv_floats(s->type, s->head) / KERN_LANES; j += 4)
            for (size_t k = 0; k < 4; k++) {
                __builtin_prefetch(&ahead[j + k], 0, 2);
                sum[k] += v[j + k];
            }
    }
    wide all = sum[0] + sum[1] + sum[2] + sum[3];
    s->sums[i] = all[0] + all[15];
}

// Seconds of a prompt of n tokens in chunks, over all layers and heads; with one chunk of a token
// at `pos`, of decoding. Every part is timed by itself and the best of its rounds counts: a machine
// that is never quiet as a whole still is for a millisecond.
static double pass_seconds(scene *s, os_pool *pool, void (*body)(void *, size_t), size_t pos,
                           size_t end, size_t chunk) {
    double total = 0, best[N_MAX / 16][LAYERS];
    s->rows = chunk * s->per;
    for (int round = 0; round < ROUNDS; round++)
        for (size_t i = 0; pos + i * chunk < end; i++)
            for (s->layer = 0; s->layer < LAYERS; s->layer++) {
                s->pos = pos + i * chunk;
                int64_t t = os_now_ns();
                os_pool_for(pool, HEADS / s->per, body, s);
                double took = os_seconds_since(t), *b = &best[i][s->layer];
                *b = round ? fmin(*b, took) : took;
            }
    for (size_t i = 0; pos + i * chunk < end; i++)
        for (size_t layer = 0; layer < LAYERS; layer++)
            total += best[i][layer];
    return total;
}

static void decode(scene *s, os_pool *pool, size_t n, size_t per, kern_type type) {
    s->per = per;
    s->type = type;
    double bytes = (double)(n / KERN_PAGE * kern_kv_floats(type, s->head) * sizeof(float)) *
                   (double)(LAYERS * HEADS / per);
    double reading = pass_seconds(s, pool, read_head, n - 1, n, 1);
    double time = pass_seconds(s, pool, attend_head, n - 1, n, 1);
    printf("%-10s head %3zu  decode at %4zu, %zu per, %s: %6.3f ms, %5.1f GB/s of %5.1f read\n",
           s->kern->name, s->head, n, per, kern_type_name(type), time * 1e3, bytes / time * 1e-9,
           bytes / reading * 1e-9);
    s->type = KERN_F32;
}

static void prefill(scene *s, os_pool *pool, size_t n, size_t rows, size_t per) {
    s->per = per;
    double time = pass_seconds(s, pool, attend_head, 0, n, rows / per);
    double flop = 2.0 * (double)(n * n * s->head * LAYERS * HEADS);
    printf("%-10s head %3zu  prefill %4zu in %3zu rows, %zu per, %s: %7.2f ms, %6.1f GFLOP/s\n",
           s->kern->name, s->head, n, rows, per, kern_type_name(s->type), time * 1e3,
           flop / time * 1e-9);
}

static double repeated_us(scene *s, int times, void (*body)(scene *)) {
    double best = INFINITY;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t t = os_now_ns();
        for (int i = 0; i < times; i++)
            body(s);
        best = fmin(best, os_seconds_since(t) / times * 1e6);
    }
    return best;
}

static void softmax(scene *s) {
    memcpy(s->out, s->logits, sizeof(float[VOCAB]));
    s->sums[0] = s->kern->exp_sum(s->out, VOCAB);
}
static void norm(scene *s) {
    s->kern->layernorm(s->out, s->q, s->logits, s->logits + 768, 1e-5F, 768);
}

static void measure(scene *s, os_pool *pool) {
    for (size_t per = 1; per <= 4; per++) {
        decode(s, pool, 128, per, KERN_F32);
        decode(s, pool, 1024, per, KERN_F32);
        decode(s, pool, 1024, per, KERN_F16);
    }
    prefill(s, pool, 512, 128, 1);
    prefill(s, pool, 1024, 128, 1);
    prefill(s, pool, 512, 64, 1);
    prefill(s, pool, 512, 128, 4);
    prefill(s, pool, 512, 126, 3);
    s->type = KERN_F16;
    prefill(s, pool, 512, 126, 3);
    s->type = KERN_F32;
    if (s->head == 64)
        printf("%-10s exp_sum of %d: %.1f us; layernorm of 768: %.3f us\n", s->kern->name, VOCAB,
               repeated_us(s, 20, softmax), repeated_us(s, 1000, norm));
}

int main(int argc, char **argv) {
    int threads = os_cpu_count();
    const char *set = NULL;
    for (int i = 1; i + 1 < argc; i += 2)
        if (!strcmp(argv[i], "--threads"))
            threads = atoi(argv[i + 1]);
        else
            set = argv[i + 1];
    os_pool *pool = NULL;
    err e = {0};
    if (threads > 1 && os_pool_open(&pool, threads - 1, 1, "bench", &e)) return 1;
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    printf("%d threads\n", threads);
    for (size_t head = 64; head <= 128; head *= 2) {
        scene s;
        scene_init(&s, head);
        for (size_t i = 0; i < kerns; i++) {
            s.kern = all[i];
            if (set ? !strcmp(set, all[i]->name) : i + 1 < max_size(kerns, 2)) measure(&s, pool);
        }
    }
    os_pool_close(pool);
    return 0;
}
