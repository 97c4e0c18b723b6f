// Byte-level BPE: pieces of text become the tokens that their merges give.
//
// Most pieces of ordinary text are one token, so each is looked up whole first (table.h); the
// others are merged (merge.c). Nothing is allocated per piece, and the ids are written where the
// arena ends, so that only what they need is touched.

#include "text/bpe.h"

#include "base/utf8.h"
#include "text/split.h"
#include "text/table.h"

str bpe_token(const bpe *b, int32_t id) {
    if (id < 0 || (uint32_t)id >= b->n) return (str){0};
    return (str){b->bytes + b->words[id].off, b->words[id].len};
}

size_t bpe_vocab(const bpe *b) {
    return b->n;
}

// As bpe_encode_part; `settled` is how much of the text cannot be cut otherwise by what follows.
static status encode(int32_t **out, size_t *n, size_t *used, const bpe *b, str text, size_t after,
                     arena *a, err *e) {
    *out = NULL, *n = 0, *used = 0;
    if (text.len > BPE_TEXT_MAX)
        return err_set(e, E_LIMIT, "text of %zu bytes to tokenize, limit %d", text.len,
                       BPE_TEXT_MAX);
    arena rest = *a;
    rest.used = align_up(rest.used, sizeof(uint64_t));
    size_t bytes = text.len * sizeof **out;  // a token is a byte or more
    if (rest.used > rest.reserve || bytes > arena_room(&rest))
        return err_set(e, E_LIMIT, "no room to tokenize %zu bytes", text.len);
    bpe_out to = {(int32_t *)(void *)(rest.base + rest.used), 0, text.len};
    rest.used += bytes;
    const char *end = text.ptr + text.len;
    for (str todo = text; todo.len;) {
        size_t len = split_gpt2(todo);
        if (len + after > todo.len) break;
        TRY(bpe__encode(&to, b, str_first(todo, len), end, rest, e));
        todo = str_skip(todo, len);
        *used += len;
    }
    *out = to.id, *n = to.n;
    a->used = (size_t)((uint8_t *)(to.id + to.n) - a->base);
    return OK;
}

status bpe_encode(int32_t **out, size_t *n, const bpe *b, str text, arena *a, err *e) {
    size_t used;
    return encode(out, n, &used, b, text, 0, a, e);
}

status bpe_encode_part(int32_t **out, size_t *n, size_t *used, const bpe *b, str text, arena *a,
                       err *e) {
    return encode(out, n, used, b, text, SPLIT_LOOK_AHEAD, a, e);
}

// Appends `s` with each malformed part as U+FFFD.
static void add_clean(buf *out, str s) {
    while (s.len) {
        int32_t cp;
        size_t len = utf8_decode(&cp, s);
        buf_add(out, cp == UTF8_BAD ? STR("\xEF\xBF\xBD") : str_first(s, len));
        s = str_skip(s, len);
    }
}

void bpe_stream_add(bpe_stream *s, buf *out, const bpe *b, int32_t id) {
    char all[sizeof s->held + BPE_TOKEN_MAX];
    str token = bpe_token(b, id);
    if (token.len == 0) return;
    memcpy(all, s->held, s->n_held);
    memcpy(all + s->n_held, token.ptr, token.len);
    str text = {all, s->n_held + token.len};
    size_t whole = utf8_complete(text);
    add_clean(out, str_first(text, whole));
    s->n_held = text.len - whole;
    memcpy(s->held, all + whole, s->n_held);
}

void bpe_stream_end(bpe_stream *s, buf *out) {
    add_clean(out, (str){s->held, s->n_held});
    s->n_held = 0;
}
