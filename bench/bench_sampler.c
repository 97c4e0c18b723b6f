// Microseconds to draw one id from 50,257 logits, on one thread.
//
// Two anchors of the same run: reading the row once (the largest logit, nothing else), and the
// softmax alone, which no sampler that follows PyTorch can leave out. The budget is 50 us a token:
// 5 % of two cores at 1,800 tokens per second, and as much again.
//
//   bench_sampler [ROW]      rows whose name has these letters

#include "lm/sampler.h"
#include "os/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IDS = 50257, PADDED = 50304, ROWS = 16, ROUNDS = 40, TEXT = 512 };

typedef struct row {
    const char *name;
    float temperature;
    int top_k;
    float top_p, min_p, repetition;
    lm_rng rng;
} row;

static const row rows[] = {
    {"top_k 50 (default)", 1, 50, 1, 0, 1, LM_RNG_TORCH},
    {"  cuda", 1, 50, 1, 0, 1, LM_RNG_CUDA},
    {"  temperature 0.8", 0.8F, 50, 1, 0, 1, LM_RNG_TORCH},
    {"  repetition 1.1 of 512 ids", 1, 50, 1, 0, 1.1F, LM_RNG_TORCH},
    {"  top_p 0.9, min_p 0.05", 1, 50, 0.9F, 0.05F, 1, LM_RNG_TORCH},
    {"top_k 1024", 1, 1024, 1, 0, 1, LM_RNG_TORCH},
    {"all ids", 1, 0, 1, 0, 1, LM_RNG_TORCH},
    {"  torch26", 1, 0, 1, 0, 1, LM_RNG_TORCH26},
    {"  cuda", 1, 0, 1, 0, 1, LM_RNG_CUDA},
    {"  top_p 0.9", 1, 0, 0.9F, 0, 1, LM_RNG_TORCH},
    {"  min_p 0.05", 1, 0, 1, 0.05F, 1, LM_RNG_TORCH},
    {"greedy", 0, 50, 1, 0, 1, LM_RNG_TORCH},
};

static float (*original)[PADDED], (*work)[PADDED];
static int32_t text[TEXT];

// Sums of twelve uniforms, spread as GPT-2's logits are: a few hundred ids have nearly all mass.
static void fill(void) {
    uint32_t x = 1;
    for (size_t i = 0; i < ROWS * PADDED; i++) {
        float sum = -6;
        for (int j = 0; j < 12; j++) {
            x = x * 1664525U + 1013904223U;
            sum += (float)(x >> 8) * 0x1p-24F;
        }
        (&original[0][0])[i] = -30 + 2.5F * sum;
    }
    for (size_t i = 0; i < TEXT; i++)
        text[i] = (int32_t)(i * i * 31 % IDS);
}

static volatile float sink;

static void read_row(lm_sampler *s, float *l, const kern *k) {
    (void)s, (void)k;
    typedef float v4 __attribute__((vector_size(16)));
    v4 sum[4] = {0}, v[4];
    for (size_t i = 0; i < PADDED; i += 16) {
        memcpy(v, l + i, sizeof v);
        for (int j = 0; j < 4; j++)
            sum[j] += v[j];
    }
    sink = sum[0][0] + sum[1][1] + sum[2][2] + sum[3][3];
}

static void softmax(lm_sampler *s, float *l, const kern *k) {
    (void)s;
    sink = k->exp_sum(l, PADDED);
}

static void sample(lm_sampler *s, float *l, const kern *k) {
    if (lm__sample(s, &(lm_row){l, PADDED, IDS, text, 100, TEXT, k}) < 0) abort();
}

// The fastest of the rounds: what is slower was somebody else's.
static double best_us(void (*what)(lm_sampler *, float *, const kern *), lm_sampler *s,
                      const kern *k) {
    double best = INFINITY;
    for (int i = 0; i < ROUNDS; i++) {
        memcpy(work, original, ROWS * sizeof *work);
        int64_t t = os_now_ns();
        for (int j = 0; j < ROWS; j++)
            what(s, work[j], k);
        best = fmin(best, os_seconds_since(t) * 1e6 / ROWS);
    }
    return best;
}

static void print_row(const row *r, const kern *k, double softmax_us) {
    lm_sampler s;
    lm_sampling how = lm_sampling_default();
    how.temperature = r->temperature, how.top_k = r->top_k, how.top_p = r->top_p;
    how.min_p = r->min_p, how.repetition = r->repetition, how.rng = r->rng, how.seed = 1;
    lm__sampler_init(&s, &how);
    double us = best_us(sample, &s, k);
    printf("%-30s %8.1f %8.2f\n", r->name, us, us / softmax_us);
}

int main(int argc, char **argv) {
    original = malloc(ROWS * sizeof *original);
    work = malloc(ROWS * sizeof *work);
    if (!original || !work) return 1;
    fill();
    const kern *k = kern_best();
    double read_us = best_us(read_row, NULL, k), softmax_us = best_us(softmax, NULL, k);
    printf("%-30s %8s %8s\n", "", "us", "softmax");
    printf("%-30s %8.1f %8.2f\n", "reading the row", read_us, read_us / softmax_us);
    printf("%-30s %8.1f %8.2f\n", "softmax", softmax_us, 1.0);
    for (size_t i = 0; i < countof(rows); i++)
        if (argc < 2 || strstr(rows[i].name, argv[1])) print_row(&rows[i], k, softmax_us);
    free(original);
    free(work);
    return 0;
}
