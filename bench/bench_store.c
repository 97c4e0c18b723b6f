// bench/bench_store.c -- the dictionary over a list of titles, one per line
// (build/tools/make_titles):
//
//     bench_store TITLES [MAX] [PAYLOAD_BITS]
//
// Prints bytes per title and times; one thread, a warm cache.

#include "base/utf8.h"
#include "os/file.h"
#include "store/dict.h"
#include "store/fold.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ASKED = 200000, RUN = 64, RUNS = 1000 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void ok(status s, const err *e) {
    if (!s) return;
    fprintf(stderr, "bench_store: %s\n", e->msg);
    exit(1);
}

static int by_fold(const void *x, const void *y) {
    return store_fold_cmp(*(const str *)x, *(const str *)y);
}

static status to_buf(void *arg, const void *data, size_t len, err *e) {
    buf *b = arg;
    buf_add(b, (str){data, len});
    return b->failed ? err_set(e, E_MEMORY, "dictionary is too large") : OK;
}

static size_t read_keys(str **out, str text, size_t max, arena *a) {
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += text.ptr[i] == '\n';
    n = min_size(n, max);
    *out = arena_array(a, str, n + 1);
    for (size_t i = 0; i < n; i++)
        (*out)[i] = str_cut(&text, '\n');
    return n;
}

static store_symbols *train(const str *key, size_t n, arena *a) {
    static str sample[RUN * RUNS];
    size_t k = 0;
    err e = {0};
    store_symbols *t;
    for (size_t r = 0; r < RUNS; r++)
        for (size_t i = n / RUNS * r, end = min_size(i + RUN, n); i < end && k < RUN * RUNS; i++)
            sample[k++] = key[i];
    ok(store_symbols_train(&t, sample, k, a, &e), &e);
    return t;
}

static store_dict build(const str *key, size_t n, unsigned bits, arena *a) {
    err e = {0};
    store_symbols *symbols = train(key, n, a);
    buf *b = arena_new(a, buf);
    store_dict_writer *w;
    store_dict d;
    buf_init(b, a, 0);
    double t = now();
    ok(store_dict_begin(&w, (store_sink){to_buf, b}, bits, symbols, &e), &e);
    for (size_t i = 0; i < n; i++)
        ok(store_dict_add(w, key[i], i & ((1ull << bits) - 1), &e), &e);
    ok(store_dict_done(NULL, w, &e), &e);
    store_dict_drop(w);
    t = now() - t;
    ok(store_dict_open(&d, buf_str(b), &e), &e);
    double per = 1 / (double)n, payload = bits / 8.0;
    printf("build       %.2f M keys/s\n", (double)n / t / 1e6);
    printf("bytes/title %.3f (blocks %.3f, payload %.3f, heads %.3f, offsets %.3f)\n",
           (double)b->len * per, (double)d.blocks.len * per - payload, payload,
           (double)d.n_blocks * 8 * per, (double)d.offsets.bytes.len * per);
    return d;
}

static int by_time(const void *x, const void *y) {
    double a = *(const double *)x, b = *(const double *)y;
    return (a > b) - (a < b);
}

static void ask_one(int what, const store_dict *d, str key, size_t rank) {
    char out[STORE_KEY_MAX];
    size_t lo, hi;
    uint64_t payload;
    if (what == 0 && (!store_dict_find(&lo, &payload, d, key) || lo != rank)) abort();
    if (what == 1 && !str_eq(store_dict_get(d, rank, out, &payload), key)) abort();
    if (what == 2) {
        char room[STORE_KEY_MAX * STORE_FOLD_GROWTH];
        str folded = {room, store_fold(room, str_first(key, utf8_complete(str_first(key, 6))))};
        store_dict_prefix(&lo, &hi, d, folded);
        if (lo > rank || hi <= rank) abort();
    }
}

static void ask(const store_dict *d, const str *key) {
    static const char *const names[] = {"find", "get", "prefix"};
    static double took[ASKED];
    for (int what = 0; what < 3; what++) {
        uint64_t seed = 1;
        for (size_t i = 0; i < ASKED; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            size_t rank = (size_t)((unsigned __int128)seed * d->n >> 64);
            str k = key[rank];
            __builtin_prefetch(k.ptr);
            double t = now();
            ask_one(what, d, k, rank);
            took[i] = now() - t;
        }
        qsort(took, ASKED, sizeof *took, by_time);
        printf("%-11s p50 %.0f ns, p99 %.0f ns\n", names[what], took[ASKED / 2] * 1e9,
               took[ASKED / 100 * 99] * 1e9);
    }
}

static void run_cursor(const store_dict *d) {
    store_dict_cursor c;
    str key;
    size_t sum = 0;
    double t = now();
    store_dict_seek(&c, d, 0);
    while (store_dict_next(&key, NULL, &c))
        sum += key.len;
    t = now() - t;
    printf("cursor      %.1f M keys/s, mean key %.2f bytes\n", (double)d->n / t / 1e6,
           (double)sum / (double)d->n);
}

int main(int argc, char **argv) {
    if (argc < 2) return fprintf(stderr, "bench_store TITLES [MAX] [PAYLOAD_BITS]\n"), 2;
    size_t max = argc > 2 ? strtoull(argv[2], NULL, 10) : SIZE_MAX;
    unsigned bits = argc > 3 ? (unsigned)atoi(argv[3]) : 40;
    os_map map;
    arena a;
    err e = {0};
    ok(os_map_open(&map, argv[1], OS_MAP_SEQUENTIAL, &e), &e);
    ok(arena_open(&a, (size_t)8 << 30, &e), &e);
    str *key;
    size_t n = read_keys(&key, os_map_str(&map), max, &a);
    qsort(key, n, sizeof *key, by_fold);
    store_dict d = build(key, n, bits, &a);
    ask(&d, key);
    run_cursor(&d);
    arena_close(&a);
    os_map_close(&map);
    return 0;
}
