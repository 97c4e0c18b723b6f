// token_ids -- ids of many texts, and the text of these ids, beside another tokenizer's.
//
//   token_ids MODEL   MODEL: a tokenizer.json, a folder or a GGUF file. For each line of hex on
//                     stdin a line of ids in decimal, a space after each, "|", and what they decode
//                     to in hex
//
// "-" in front of a line's hex: tokens that are special are text in it.
#include "text/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>

static int fail(const char *what) {
    fprintf(stderr, "token_ids: %s\n", what);
    return 1;
}

static int nibble(char c) {
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

static status one_line(const tokenizer *t, str line, arena a, err *e) {
    unsigned flags = TOKENIZER_SPECIAL;
    int32_t *ids;
    size_t n;
    if (str_starts(line, STR("-"))) flags |= TOKENIZER_PLAIN, line = str_skip(line, 1);
    char *text = arena_alloc(&a, line.len / 2 + 1);
    for (size_t i = 0; i + 1 < line.len; i += 2)
        text[i / 2] = (char)(nibble(line.ptr[i]) << 4 | nibble(line.ptr[i + 1]));
    TRY(tokenizer_encode(&ids, &n, t, (str){text, line.len / 2}, flags, &a, e));
    for (size_t i = 0; i < n; i++)
        printf("%d ", ids[i]);
    buf plain;
    buf_init(&plain, &a, 0);
    tokenizer_decode(&plain, t, ids, n, true);
    putchar('|');
    for (size_t i = 0; i < plain.len; i++)
        printf("%02x", (unsigned char)plain.ptr[i]);
    putchar('\n');
    return plain.failed ? err_set(e, E_LIMIT, "no room for the text") : OK;
}

int main(int argc, char **argv) {
    tokenizer *t;
    arena a;
    err e = {0};
    char *line = NULL;
    size_t cap = 0;
    if (argc != 2) return fail("one model, please");
    if (tokenizer_open_path(&t, argv[1], &e) || arena_open(&a, (size_t)8 << 30, &e))
        return fail(e.msg);
    for (ssize_t n; (n = getline(&line, &cap, stdin)) > 0;) {
        if (line[n - 1] == '\n') n--;
        if (one_line(t, (str){line, (size_t)n}, a, &e)) return fail(e.msg);
    }
    free(line);
    tokenizer_close(t);
    arena_close(&a);
    return 0;
}
