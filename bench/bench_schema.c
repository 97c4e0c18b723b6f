// Masks over a vocabulary: how long the walk takes, by where in a text it stands.
//
//   bench_schema [TOKENS]       a made-up vocabulary of 150,000 tokens, or those of a file: eight
//                               bytes of length, then as many bytes, and so on

#include "base/json_read.h"
#include "os/clock.h"
#include "os/file.h"
#include "schema/schema.h"

#include <stdio.h>
#include <stdlib.h>

enum { N_MADE = 150000, ROUNDS = 50 };

typedef struct words {
    str *all;
    size_t n;
} words;

static str word_of(const void *self, int32_t id) {
    return ((const words *)self)->all[id];
}

// As real vocabularies: all bytes, and words of 1 to 12 letters with and without a space in front.
static void make_words(words *w) {
    static char room[N_MADE * 16];
    uint64_t seed = 1;
    char *at = room;
    w->all = calloc(N_MADE, sizeof *w->all);
    w->n = N_MADE;
    for (size_t i = 0; i < N_MADE; i++) {
        char *from = at;
        if (i < 256) {
            *at++ = (char)i;
        } else if (i % 50 == 0) {
            static const char parts[][6] = {"\"", "\":", "\",", "},", "{\"", "]", "\n", "  ", "12"};
            for (int k = 0; k < 3; k++) {
                seed = seed * 6364136223846793005U + 1442695040888963407U;
                at = stpcpy(at, parts[(seed >> 33) % countof(parts)]);
            }
        } else {
            seed = seed * 6364136223846793005U + 1442695040888963407U;
            size_t len = 1 + (seed >> 60) % 11;
            if (seed >> 40 & 1) *at++ = ' ';
            for (uint64_t k = 0, letters = seed; k < len; k++, letters = letters * 31 + 7)
                *at++ = "etaoinshrdlucmfwygpbvkxqjz"[(letters >> 21) % 26];
        }
        w->all[i] = (str){from, (size_t)(at - from)};
    }
}

static void read_words(words *w, const char *path) {
    os_map map;
    err e = {0};
    if (os_map_open(&map, path, OS_MAP_SEQUENTIAL, &e)) {
        fprintf(stderr, "%s\n", e.msg);
        exit(1);
    }
    str rest = os_map_str(&map);
    w->all = calloc(map.len / 8 + 1, sizeof *w->all);
    for (uint64_t len; rest.len >= 8; rest = str_skip(rest, (size_t)len)) {
        memcpy(&len, rest.ptr, 8);
        rest = str_skip(rest, 8);
        w->all[w->n++] = str_first(rest, (size_t)len);
    }
}

static void measure(const schema_vocab *v, size_t n, const char *name, const char *text,
                    const char *prefix, arena *a) {
    const json_value *value = NULL;
    schema *s;
    err e = {0};
    int64_t start = os_now_ns();
    if (json_read(&value, str_of(text), a, &e) || schema_open(&s, value, &e)) {
        fprintf(stderr, "%s: %s\n", name, e.msg);
        exit(1);
    }
    double compile = (double)(os_now_ns() - start) / 1e6;
    schema_state *st = malloc(schema_state_bytes(s));
    void *scratch = malloc(schema_mask_scratch(v, s));
    uint32_t *bits = calloc((n + 31) / 32, sizeof *bits);
    schema_start(st, s);
    for (const char *p = prefix; *p; p++)
        CHECK(schema_step(st, s, (uint8_t)*p));
    int64_t best = INT64_MAX;
    size_t count = 0;
    for (int i = 0; i < ROUNDS; i++) {
        int64_t from = os_now_ns();
        schema_mask(bits, v, st, s, scratch);
        int64_t took = os_now_ns() - from;
        best = took < best ? took : best;
    }
    for (size_t i = 0; i < n; i++)
        count += bits[i / 32] >> (i % 32) & 1;
    printf("%-28s %8.1f us  %7zu of %zu tokens, compiled in %.2f ms, state %zu bytes\n", name,
           (double)best / 1e3, count, n, compile, schema_state_bytes(s));
    free(bits);
    free(scratch);
    free(st);
    schema_close(s);
}

#define PERSON                                                                                     \
    "{\"type\":\"object\",\"properties\":{\"name\":{\"type\":\"string\"},\"age\":{\"type\":"       \
    "\"integer\",\"minimum\":0,\"maximum\":150},\"tags\":{\"type\":\"array\",\"items\":{\"type\":" \
    "\"string\",\"maxLength\":40}},\"code\":{\"type\":\"string\",\"pattern\":\"^[a-z "             \
    "]{1,60}$\"}},"                                                                                \
    "\"required\":[\"name\",\"age\"],\"additionalProperties\":false}"

int main(int argc, char **argv) {
    words w = {0};
    arena a;
    schema_vocab *v;
    err e = {0};
    if (arena_open(&a, (size_t)1 << 32, &e)) return 1;
    if (argc > 1)
        read_words(&w, argv[1]);
    else
        make_words(&w);
    int64_t start = os_now_ns();
    if (schema_vocab_open(&v, w.n, word_of, &w, &e)) return 1;
    printf("%zu tokens as a tree in %.1f ms\n", w.n, (double)(os_now_ns() - start) / 1e6);
    measure(v, w.n, "start of an object", PERSON, "", &a);
    measure(v, w.n, "a key", PERSON, "{\"", &a);
    measure(v, w.n, "inside a string", PERSON, "{\"name\": \"ab", &a);
    measure(v, w.n, "a number", PERSON, "{\"name\": \"ab\", \"age\": ", &a);
    measure(v, w.n, "behind a value", PERSON, "{\"name\": \"ab\", \"age\": 1", &a);
    measure(v, w.n, "a string of at most 40", PERSON, "{\"name\":\"ab\",\"age\":1,\"tags\":[\"",
            &a);
    measure(v, w.n, "a pattern", PERSON, "{\"name\":\"ab\",\"age\":1,\"code\":\"a", &a);
    measure(v, w.n, "any JSON", "true", "", &a);
    measure(v, w.n, "a key of any object", "{\"type\":\"object\"}", "{\"", &a);
    schema_vocab_close(v);
    arena_close(&a);
    return 0;
}
