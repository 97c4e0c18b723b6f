// GPT-2's tokenizer: text must come back from its ids, and any bytes may be a vocabulary.
//
// An input that begins with "bpe-tab2" is a vocabulary table (its checksum is put right first, so
// that the checks behind it are reached), anything else is text.

#include "fuzz/fuzz.h"

#include "base/utf8.h"
#include "text/tokenizer.h"

#include <stdlib.h>
#include <string.h>

static void round_trip(const tokenizer *t, str text, arena a) {
    int32_t *id;
    size_t n;
    buf plain, stream;
    tokenizer_stream s;
    if (tokenizer_encode(&id, &n, t, text, TOKENIZER_PLAIN, &a, NULL)) return;
    buf_init(&plain, &a, text.len);
    buf_init(&stream, &a, 3 * text.len);
    tokenizer_stream_init(&s, t, false);
    for (size_t i = 0; i < n; i++) {
        CHECK(id[i] >= 0 && (size_t)id[i] < tokenizer_vocab(t));
        CHECK(tokenizer_bytes(t, id[i]).len > 0);
        buf_add(&plain, tokenizer_bytes(t, id[i]));
        tokenizer_stream_add(&s, &stream, id[i]);
        CHECK(s.n_held <= 3);
    }
    tokenizer_stream_end(&s, &stream);
    CHECK(!plain.failed && !stream.failed);
    CHECK(str_eq(buf_str(&plain), text));
    CHECK(utf8_valid(buf_str(&stream)));
    CHECK(utf8_count(buf_str(&stream)) == utf8_count(text));
    CHECK(!utf8_valid(text) || str_eq(buf_str(&stream), text));
}

static void load(const uint8_t *data, size_t len, arena a) {
    uint8_t *copy = malloc(len);
    tokenizer *t;
    if (!copy) return;
    memcpy(copy, data, len);
    uint64_t sum = 0xcbf29ce484222325u;
    for (size_t i = 24; i < len; i++)
        sum = (sum ^ copy[i]) * 0x100000001b3u;
    if (len >= 24) memcpy(copy + 16, &sum, 8);
    if (!tokenizer_open_table(&t, (str){(char *)copy, len}, NULL)) {
        round_trip(t, (str){(const char *)data, len}, a);
        tokenizer_close(t);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena a;
    if (!a.base && arena_open(&a, 1 << 30, NULL)) return 0;
    if (len >= 8 && !memcmp(data, "bpe-tab2", 8))
        load(data, len, a);
    else
        round_trip(tokenizer_gpt2(), (str){(const char *)data, len}, a);
    return 0;
}
