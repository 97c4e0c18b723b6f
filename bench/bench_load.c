// How soon the weights of a model are ready, as they are stored, beside the least that a loader
// which copies must do. One line of JSON for bench/lm.
//
// Rounds are interleaved: new huge pages, to which all threads copy the files' tensors; then the
// loader. In the first round the files come into memory, and memory that the host of a virtual
// machine took back comes back: its figures stand apart, the others are medians of the later ones.
//
//   bench_load PATH [ROUNDS]

#include "base/arena.h"
#include "lm/model.h"
#include "os/clock.h"
#include "os/cpu.h"
#include "os/pool.h"
#include "tensor/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ROUNDS_MAX = 64, RUN = 1 << 20 };

typedef struct copying {
    const tensor *from;
    uint8_t *to;
} copying;

static size_t bytes_of(const tensor *t) {
    return tensor_count(t) / tensor_block_len(t->dtype) * tensor_block_bytes(t->dtype);
}

static void copy_run(void *arg, size_t i) {
    copying *c = arg;
    size_t at = i * RUN, len = bytes_of(c->from);
    memcpy(c->to + at, (const uint8_t *)c->from->data + at, min_size(RUN, len - at));
}

static double copy_all(const char *path, size_t len, os_pool *pool) {
    err e = {0};
    weights *w;
    arena a;
    int64_t start = os_now_ns();
    if (weights_open(&w, path, &e) || arena_open(&a, len, &e)) {
        fprintf(stderr, "%s\n", e.msg);
        exit(1);
    }
    madvise(a.base, a.reserve, MADV_HUGEPAGE);
    weights_prefetch(w);
    const tensor_names *names = weights_tensors(w);
    copying c = {.to = a.base};
    for (size_t i = 0; i < names->n; i++) {
        c.from = &names->in_order[i].t;
        size_t bytes = bytes_of(c.from);
        CHECK(bytes <= a.reserve - (size_t)(c.to - (uint8_t *)a.base));
        os_pool_for(pool, (bytes + RUN - 1) / RUN, copy_run, &c);
        c.to += bytes;
    }
    double s = os_seconds_since(start);
    weights_close(w);
    arena_close(&a);
    return s;
}

static double load(const char *path) {
    err e = {0};
    lm_model *m;
    int64_t start = os_now_ns();
    if (lm_model_open(&m, path, NULL, &e)) {
        fprintf(stderr, "%s\n", e.msg);
        exit(1);
    }
    double s = os_seconds_since(start);
    lm_model_close(m);
    return s;
}

static int ascending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double middle(double *s, size_t n) {
    qsort(s, n, sizeof *s, ascending);
    return s[n / 2];
}

int main(int argc, char **argv) {
    err e = {0};
    lm_spec spec;
    size_t bytes, rounds = argc == 3 ? strtoul(argv[2], NULL, 10) : 5;
    double copied[ROUNDS_MAX], loaded[ROUNDS_MAX];
    os_pool *pool;
    if (argc < 2 || rounds < 2 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "bench_load PATH [ROUNDS, 2 to %d]\n", ROUNDS_MAX);
        return 2;
    }
    if (lm_model_measure(&spec, &bytes, argv[1], NULL, &e) ||
        os_pool_open(&pool, os_cpu_count() - 1, 1, "copy", &e)) {
        fprintf(stderr, "%s\n", e.msg);
        return 1;
    }
    for (size_t i = 0; i < rounds; i++) {
        copied[i] = copy_all(argv[1], bytes, pool);
        loaded[i] = load(argv[1]);
    }
    double first_copy = copied[0], first = loaded[0];
    printf("{\"type\": \"%s\", \"bytes\": %zu, \"load_s\": %.4f, \"copy_s\": %.4f, "
           "\"first_load_s\": %.4f, \"first_copy_s\": %.4f}\n",
           kern_type_name(spec.type), bytes, middle(loaded + 1, rounds - 1),
           middle(copied + 1, rounds - 1), first, first_copy);
    os_pool_close(pool);
    return 0;
}
