// bench/bench_text.c -- text to GPT-2 ids on one core. `bench/text` runs it beside its peers.
//
//   bench_text FILE...   for every line "N" on stdin: encodes file N once, prints seconds and ids;
//                        the first line says how long the vocabulary took to load
#include "os/clock.h"
#include "os/file.h"
#include "text/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>

static int fail(const char *what) {
    fprintf(stderr, "bench_text: %s\n", what);
    return 1;
}

int main(int argc, char **argv) {
    arena a;
    err e = {0};
    if (arena_open(&a, (size_t)1 << 30, &e)) return fail(e.msg);
    int64_t start = os_now_ns();
    const tokenizer *t = tokenizer_gpt2();
    printf("%.6f\n", os_seconds_since(start));
    fflush(stdout);
    for (int i; scanf("%d", &i) == 1;) {
        os_map m;
        arena scratch = a;
        int32_t *ids;
        size_t n;
        if (i < 0 || i + 1 >= argc) return fail("there is no such file");
        if (os_map_open(&m, argv[i + 1], OS_MAP_SEQUENTIAL, &e)) return fail(e.msg);
        str text = arena_str(&scratch, os_map_str(&m));  // read beforehand, as the peers do
        start = os_now_ns();
        if (tokenizer_encode(&ids, &n, t, text, TOKENIZER_PLAIN, &scratch, &e)) return fail(e.msg);
        printf("%.6f %zu\n", os_seconds_since(start), n);
        fflush(stdout);
        os_map_close(&m);
    }
    return 0;
}
