// parallelopedia tokenize: text from stdin, GPT-2 ids on one line.

#include "main/cli.h"

#include "text/bpe.h"

#include <stdio.h>

enum { ARENA_BYTES_PER_BYTE = 64 };

// All of stdin, at most one byte more than the tokenizer takes.
static str read_stdin(arena *a) {
    buf b;
    buf_init(&b, a, 1 << 16);
    while (b.len <= BPE_TEXT_MAX) {
        char *p = buf_room(&b, 1 << 16);
        size_t n = p ? fread(p, 1, 1 << 16, stdin) : 0;
        if (n == 0) break;
        b.len += n;
    }
    return buf_str(&b);
}

static const opt options[] = {CLI_COMMON};

static int run(void *opts, const opt_list *rest) {
    (void)opts, (void)rest;
    err e = {0};
    arena a;
    if (arena_open(&a, (size_t)BPE_TEXT_MAX * ARENA_BYTES_PER_BYTE, &e))
        return cli_fail(CLI_FAILED, "tokenize: %s", e.msg);
    int32_t *ids;
    size_t n;
    status s = bpe_encode(&ids, &n, bpe_gpt2(), read_stdin(&a), &a, &e);
    for (size_t i = 0; i < n && !s; i++)
        printf("%s%d", i ? " " : "", ids[i]);
    if (!s) putchar('\n');
    arena_close(&a);
    return s ? cli_fail(CLI_FAILED, "tokenize: %s", e.msg) : CLI_OK;
}

const cli_command cli_tokenize = {
    .table =
        {
            .command = "tokenize",
            .about = "Print the GPT-2 token ids of the text on stdin, on one line.",
            .row = options,
            .n = countof(options),
        },
    .options_len = sizeof(cli_common),
    .run = run,
};
