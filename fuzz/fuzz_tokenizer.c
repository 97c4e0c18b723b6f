// tokenizer.json from anywhere: refused with a message, or a vocabulary that gives any text back.
//
// An input with a line "----" is vocab.json and merges.txt around it.

#include "fuzz/fuzz.h"

#include "text/bpe.h"

static void round_trip(const bpe *b, str text, arena a) {
    int32_t *id;
    size_t n;
    buf plain;
    if (bpe_encode(&id, &n, b, text, &a, NULL)) return;
    buf_init(&plain, &a, text.len);
    for (size_t i = 0; i < n; i++) {
        CHECK(id[i] >= 0 && (size_t)id[i] < bpe_vocab(b));
        buf_add(&plain, bpe_token(b, id[i]));
    }
    CHECK(str_eq(buf_str(&plain), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena a;
    if (!a.base && arena_open(&a, 1 << 30, NULL)) return 0;
    bpe *b = NULL;
    err e = {0};
    str text = {(const char *)data, len}, between = STR("\n----\n");
    size_t at = str_find(text, between);
    status s = at == len ? bpe_open_json_text(&b, text, &e)
                         : bpe_open_lists_text(&b, str_first(text, at),
                                               str_skip(text, at + between.len), &e);
    CHECK(s ? !b && e.msg[0] && e.code == s && !strchr(e.msg, '\n') : b != NULL);
    if (b) round_trip(b, text, a);
    bpe_close(b);
    return 0;
}
