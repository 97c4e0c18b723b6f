// tokenizer.json from anywhere: refused with a message, or a tokenizer whose ids are ids, and whose
// streams give what decoding gives.
//
// An input with a line "----" is vocab.json and merges.txt around it; one that begins with "GGUF"
// is such a file. What stands behind a line "====" is the text that is encoded; else the file is.

#include "fuzz/fuzz.h"

#include "base/utf8.h"
#include "text/tokenizer.h"

static void check_ids(const tokenizer *t, const int32_t *id, size_t n, arena a) {
    buf all, stream;
    tokenizer_stream s;
    buf_init(&all, &a, 0);
    for (size_t i = 0; i < n; i++)
        CHECK(id[i] >= 0 && (size_t)id[i] < tokenizer_vocab(t));
    tokenizer_decode(&all, t, id, n, true);
    CHECK(all.failed || utf8_valid(buf_str(&all)));
    size_t len = all.len;
    buf_init(&stream, &a, 0);
    tokenizer_stream_init(&s, t, true);
    for (size_t i = 0; i < n; i++) {
        tokenizer_stream_add(&s, &stream, id[i]);
        CHECK(s.n_held <= 3);
    }
    tokenizer_stream_end(&s, &stream);
    CHECK(stream.failed || (utf8_valid(buf_str(&stream)) && (stream.len != 0) == (len != 0)));
}

static void encode(const tokenizer *t, str text, arena a) {
    for (unsigned flags = 0; flags < 4; flags++) {
        arena scratch = a;
        int32_t *id;
        size_t n;
        err e = {0};
        status s = tokenizer_encode(&id, &n, t, text, flags, &scratch, &e);
        CHECK(!s || e.msg[0]);
        if (!s) check_ids(t, id, n, scratch);
    }
}

static status open_any(tokenizer **t, str file, err *e) {
    str between = STR("\n----\n");
    size_t at = str_find(file, between);
    gguf *g;
    if (at < file.len)
        return tokenizer_open_lists(t, str_first(file, at), str_skip(file, at + between.len), e);
    if (!str_starts(file, STR("GGUF"))) return tokenizer_open_json(t, file, e);
    *t = NULL;
    TRY(gguf_open_text(&g, file, e));
    status s = tokenizer_open_gguf(t, g, e);
    gguf_close(g);
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena a;
    if (!a.base && arena_open(&a, 1 << 30, NULL)) return 0;
    tokenizer *t = NULL;
    err e = {0};
    str file = {(const char *)data, len}, mark = STR("\n====\n"), text = file;
    size_t at = str_find(file, mark);
    if (at < len) text = str_skip(file, at + mark.len), file = str_first(file, at);
    status s = open_any(&t, file, &e);
    CHECK(s ? !t && e.msg[0] && e.code == s && !strchr(e.msg, '\n') : t != NULL);
    if (t) encode(t, text, a);
    tokenizer_close(t);
    return 0;
}
