// JSON schemas and regular expressions: the first byte says which, and where a walk through the
// automaton goes. What can be compiled has no dead end, and what it lets through is JSON.

#include "fuzz/fuzz.h"

#include "base/json_read.h"
#include "schema/schema.h"

#include <stdlib.h>

enum { WALK = 300 };

static uint32_t draw(uint64_t *seed, uint32_t n) {
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)((*seed >> 33) % n);
}

// Bytes that may come, tried from some place on; -1: none.
static int byte_of(const schema_state *st, schema_state *next, const schema *s, uint64_t *seed) {
    uint32_t from = draw(seed, 256);
    for (uint32_t i = 0; i < 256; i++) {
        uint8_t byte = (uint8_t)(from + i);
        schema_copy(next, st, s);
        if (schema_step(next, s, byte)) return byte;
    }
    return -1;
}

static void walk(const schema *s, uint64_t seed, bool is_json, arena *a) {
    schema_state *st = malloc(schema_state_bytes(s)), *next = malloc(schema_state_bytes(s));
    char text[WALK];
    size_t n = 0;
    const json_value *v;
    CHECK(st && next);
    schema_start(st, s);
    for (; n < WALK; n++) {
        if (schema_may_end(st, s)) {
            err e = {0};
            CHECK(!is_json || !json_read(&v, (str){text, n}, a, &e) || e.code == E_LIMIT);
            if (draw(&seed, 4) == 0) break;
        }
        int byte = byte_of(st, next, s, &seed);
        if (byte < 0) {
            CHECK(schema_may_end(st, s));
            break;
        }
        CHECK(schema_step(st, s, (uint8_t)byte));
        text[n] = (char)byte;
    }
    free(st);
    free(next);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    if (len < 1 || len > 1 << 14) return 0;
    str text = {(const char *)data + 1, len - 1};
    bool is_regex = data[0] & 1;
    const json_value *value = NULL;
    schema *s = NULL;
    arena a;
    err e = {0};
    if (arena_open(&a, json_read_arena(len) + (1 << 20), &e)) return 0;
    status st = is_regex ? schema_open_regex(&s, text, &e) : json_read(&value, text, &a, &e);
    if (!is_regex && !st) st = schema_open(&s, value, &e);
    CHECK(st ? e.msg[0] && !s : s != NULL);
    if (s) walk(s, data[0], !is_regex, &a);
    schema_close(s);
    arena_close(&a);
    return 0;
}
