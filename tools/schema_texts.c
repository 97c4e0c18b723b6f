// Random texts of JSON schemas, and whether texts are of one: for tests/schema/parity.py.
//
//   schema_texts walk N SEED    for each schema on stdin (one a line): N texts that its automaton
//                               lets through, half of them byte by byte, half token by token
//   schema_texts accept         for each {"schema": ..., "texts": [...]}: which of them it takes
//
// Answers are one JSON value a line: {"error": "..."}, or {"texts": [...]}, or {"accepts": [...]}.

#include "base/buf.h"
#include "base/json.h"
#include "schema/schema.h"

#include <stdio.h>
#include <stdlib.h>

enum { LINE_MAX = 1 << 22, TEXT_MAX = 1 << 13, LONG = 300, N_TOKENS = 2000 };

typedef struct tool {
    schema *s;
    schema_state *st, *next;
    schema_vocab *vocab;
    uint32_t bits[N_TOKENS / 32 + 1];
    char tokens[N_TOKENS][12];
    size_t len[N_TOKENS];
    void *scratch;
    uint64_t seed;
} tool;

static uint32_t draw(tool *t, uint32_t n) {
    t->seed = t->seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)((t->seed >> 33) % n);
}

static str token_of(const void *self, int32_t id) {
    const tool *t = self;
    return (str){t->tokens[id], t->len[id]};
}

// All bytes, and what texts of JSON hold.
static void make_tokens(tool *t) {
    static const char parts[][8] = {"\"",   "\",",   "\":", "{",    "}",   "[",        "]",
                                    ",",    "\n",    "  ",  "\": ", "a",   "b",        "c",
                                    "name", "\\u00", "12",  "0.",   "-",   "true",     "nul",
                                    "l",    "fal",   "se",  "1e",   "é",   "\xe2",     "\x82",
                                    "\\",   "n",     "@",   "202",  "-0",  "x",        " ",
                                    "},",   "]}",    "\"}", "{\"",  "[\"", "\xf0\x9f", "item",
                                    "id",   "7"};
    for (size_t i = 0; i < N_TOKENS; i++) {
        if (i < 256) {
            t->tokens[i][0] = (char)i;
            t->len[i] = 1;
            continue;
        }
        for (uint32_t n = 1 + draw(t, 3); n; n--) {
            const char *part = parts[draw(t, countof(parts))];
            size_t len = strlen(part);
            if (t->len[i] + len > sizeof t->tokens[i]) break;
            memcpy(t->tokens[i] + t->len[i], part, len);
            t->len[i] += len;
        }
    }
}

// A byte or token that may come; texts that are long already take what ends them.
static bool choose_byte(tool *t, uint8_t *out, size_t at) {
    static const char closing[] = "\"}],:0123456789-tfnaeZ";
    uint8_t all[256];
    uint32_t n = 0;
    for (int pass = 0; pass < 2 && n == 0; pass++)
        for (uint32_t b = 0; b < 256; b++) {
            bool ends = b && strchr(closing, (int)b);
            bool wanted = pass || (at > LONG ? ends && b < 127 : b < 127 || draw(t, 4) == 0);
            schema_copy(t->next, t->st, t->s);
            if (wanted && schema_step(t->next, t->s, (uint8_t)b)) all[n++] = (uint8_t)b;
        }
    if (n == 0) return false;
    const char *first = ((const char *[]){"\"", "}]", ""})[draw(t, 3)];
    for (uint32_t i = 0; i < n && at > LONG; i++)
        if (all[i] && strchr(first, all[i])) return *out = all[i], true;
    *out = all[draw(t, n)];
    return true;
}

static bool walk_byte(tool *t, char *text, size_t *n) {
    uint8_t byte;
    if (!choose_byte(t, &byte, *n)) return false;
    CHECK(schema_step(t->st, t->s, byte));
    text[(*n)++] = (char)byte;
    return true;
}

static bool walk_token(tool *t, char *text, size_t *n) {
    schema_mask(t->bits, t->vocab, t->st, t->s, t->scratch);
    uint32_t count = 0, id;
    for (uint32_t i = 0; i < N_TOKENS; i++)
        count += t->bits[i / 32] >> (i % 32) & 1;
    if (count == 0) return false;
    uint32_t pick = draw(t, count);
    for (id = 0; id < N_TOKENS; id++)
        if ((t->bits[id / 32] >> (id % 32) & 1) && pick-- == 0) break;
    for (size_t i = 0; i < t->len[id]; i++) {
        CHECK(schema_step(t->st, t->s, (uint8_t)t->tokens[id][i]));
        text[(*n)++] = t->tokens[id][i];
    }
    return true;
}

static str walk(tool *t, char *text, bool by_token) {
    size_t n = 0;
    schema_start(t->st, t->s);
    while (n + 16 < TEXT_MAX) {
        if (schema_may_end(t->st, t->s) && (n > LONG || draw(t, 4) == 0)) break;
        bool on = by_token && n < LONG ? walk_token(t, text, &n) : walk_byte(t, text, &n);
        if (!on) {
            if (schema_may_end(t->st, t->s)) break;
            fprintf(stderr, "a dead end: %.*s\n", (int)n, text);
            abort();
        }
    }
    return (str){text, n + 16 < TEXT_MAX ? n : 0};  // "": no end was found by chance
}

static bool accepts(tool *t, str text) {
    schema_start(t->st, t->s);
    for (size_t i = 0; i < text.len; i++)
        if (!schema_step(t->st, t->s, (uint8_t)text.ptr[i])) return false;
    return schema_may_end(t->st, t->s);
}

static void answer(tool *t, json *j, const json_value *line, int n, char *text) {
    const json_value *texts = n ? NULL : json_get(line, "texts");
    err e = {0};
    json_open(j, '{');
    if (schema_open(&t->s, n ? line : json_get(line, "schema"), &e)) {
        json_key(j, "error");
        json_str(j, str_of(e.msg));
        json_close(j, '}');
        return;
    }
    size_t bytes = schema_state_bytes(t->s);
    t->st = malloc(bytes);
    t->next = malloc(bytes);
    t->scratch = malloc(schema_mask_scratch(t->vocab, t->s));
    CHECK(t->st && t->next && t->scratch);
    json_key(j, n ? "texts" : "accepts");
    json_open(j, '[');
    for (int i = 0; i < n; i++) {
        str got = walk(t, text, i % 2);
        if (got.len) json_str(j, got);
    }
    for (uint32_t i = 0; texts && i < texts->n; i++)
        json_bool(j, accepts(t, texts->items[i].string));
    json_close(j, ']');
    json_close(j, '}');
    free(t->st);
    free(t->next);
    free(t->scratch);
    schema_close(t->s);
}

int main(int argc, char **argv) {
    bool walks = argc == 4 && !strcmp(argv[1], "walk");
    if (!walks && !(argc == 2 && !strcmp(argv[1], "accept"))) {
        fprintf(stderr, "usage: schema_texts walk N SEED | accept\n");
        return 2;
    }
    static tool t;
    static char line[LINE_MAX], text[TEXT_MAX];
    arena a;
    err e = {0};
    t.seed = walks ? strtoull(argv[3], NULL, 10) : 1;
    make_tokens(&t);
    if (arena_open(&a, (size_t)1 << 30, &e) ||
        schema_vocab_open(&t.vocab, N_TOKENS, token_of, &t, &e)) {
        fprintf(stderr, "%s\n", e.msg);
        return 1;
    }
    while (fgets(line, sizeof line, stdin)) {
        const json_value *v;
        buf to;
        json j;
        arena_reset(&a, 1 << 20);
        if (json_read(&v, str_trim(str_of(line)), &a, &e)) {
            printf("{\"error\": \"JSON\"}\n");
            continue;
        }
        buf_init(&to, &a, 1 << 16);
        json_init(&j, &to);
        answer(&t, &j, v, walks ? atoi(argv[2]) : 0, text);
        printf("%.*s\n", (int)to.len, to.ptr);
        fflush(stdout);
    }
    schema_vocab_close(t.vocab);
    arena_close(&a);
    return 0;
}
