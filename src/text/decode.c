// Decoding: what each id gives, and what the beginning of a text and runs of bytes change in that.
//
// A decoder maps every token by itself and then joins them, so ids are mapped once, when the file
// is read (load.c), and only four things are left for the time of decoding: a space between tokens,
// bytes that are no UTF-8, the marks of the first token, and what is stripped off the beginning.

#include "text/parts.h"

#include "base/utf8.h"

static const str replacement = STR_INIT("\xEF\xBF\xBD");

int byte_token(str s) {
    static const char digits[] = "0123456789ABCDEFabcdef";
    int v = 0;
    if (s.len != 6 || !str_starts(s, STR("<0x")) || s.ptr[5] != '>') return -1;
    for (size_t i = 3; i < 5; i++) {
        const char *p = s.ptr[i] ? strchr(digits, s.ptr[i]) : NULL;
        if (!p) return -1;
        int d = (int)(p - digits);
        v = v << 4 | (d < 16 ? d : d - 6);
    }
    return v;
}

size_t tokenizer_vocab(const tokenizer *t) {
    return t->n;
}

static const token *token_at(const tokenizer *t, int32_t id) {
    static const token none;
    return id < 0 || (uint32_t)id >= t->n ? &none : &t->tokens[id];
}

str tokenizer_name(const tokenizer *t, int32_t id) {
    return token_at(t, id)->name;
}
str tokenizer_bytes(const tokenizer *t, int32_t id) {
    return token_at(t, id)->bytes;
}
bool tokenizer_is_special(const tokenizer *t, int32_t id) {
    return token_at(t, id)->flags & TOKEN_IS_SPECIAL;
}
bool tokenizer_is_added(const tokenizer *t, int32_t id) {
    return token_at(t, id)->flags & TOKEN_IS_ADDED;
}

void tokenizer_stream_init(tokenizer_stream *s, const tokenizer *t, bool shows_special) {
    *s = (tokenizer_stream){.t = t, .shows_special = shows_special};
}

// Appends `s` with each malformed part as U+FFFD; each byte of one where `by_byte`.
static void add_clean(buf *out, str s, bool by_byte) {
    while (s.len) {
        int32_t cp;
        size_t len = utf8_decode(&cp, s);
        if (cp != UTF8_BAD)
            buf_add(out, str_first(s, len));
        else
            for (size_t i = 0; i < (by_byte ? len : 1); i++)
                buf_add(out, replacement);
        s = str_skip(s, len);
    }
}

static void add_bytes(tokenizer_stream *s, buf *out, str bytes) {
    char all[sizeof s->held + TOKENIZER_TOKEN_MAX];
    bool by_byte = s->t->decode.has_fallback;
    memcpy(all, s->held, s->n_held);
    memcpy(all + s->n_held, bytes.ptr, bytes.len);
    str text = {all, s->n_held + bytes.len};
    size_t whole = utf8_complete(text);
    add_clean(out, str_first(text, whole), by_byte);
    s->n_held = text.len - whole;
    memcpy(s->held, all + whole, s->n_held);
}

// The first token as Metaspace decodes it: without its marks, wherever they stand.
static str drop_marks(char to[TOKENIZER_TOKEN_MAX], str name, str mark) {
    size_t n = 0;
    while (name.len) {
        bool is_mark = str_starts(name, mark);
        if (!is_mark) to[n++] = name.ptr[0];
        name = str_skip(name, is_mark ? mark.len : 1);
    }
    return (str){to, n};
}

static str strip_head(tokenizer_stream *s, str bytes) {
    const decode_rule *d = &s->t->decode;
    while (s->n_stripped < d->strip && bytes.len) {
        if (bytes.ptr[0] != d->strip_char) {
            s->n_stripped = (uint8_t)d->strip;
            break;
        }
        bytes = str_skip(bytes, 1);
        s->n_stripped++;
    }
    return bytes;
}

void tokenizer_stream_add(tokenizer_stream *s, buf *out, int32_t id) {
    const decode_rule *d = &s->t->decode;
    const token *k = token_at(s->t, id);
    bool is_first = !s->has_begun, is_special = k->flags & TOKEN_IS_SPECIAL;
    if (!(k->flags & TOKEN_IS_SET) || (is_special && !s->shows_special)) return;
    s->has_begun = true;
    if (d->joins_spaces && !is_first) buf_byte(out, ' ');
    if (!(k->flags & TOKEN_IS_BYTE) && !d->is_bytes) tokenizer_stream_end(s, out);
    char room[TOKENIZER_TOKEN_MAX];
    str bytes = is_first && d->drops_marks ? drop_marks(room, k->name, d->mark) : k->bytes;
    bytes = strip_head(s, bytes);
    if (d->is_bytes || k->flags & TOKEN_IS_BYTE)
        add_bytes(s, out, bytes);
    else
        buf_add(out, bytes);
}

void tokenizer_stream_end(tokenizer_stream *s, buf *out) {
    add_clean(out, (str){s->held, s->n_held}, s->t->decode.has_fallback);
    s->n_held = 0;
}

// How many of the ids are byte tokens in a row, passing over what is not shown; *ok when their
// bytes are UTF-8.
static size_t byte_run(const tokenizer *t, const int32_t *ids, size_t n, bool shows_special,
                       bool *ok) {
    char held[8];
    size_t n_held = 0, i = 0;
    *ok = true;
    for (; i < n; i++) {
        const token *k = token_at(t, ids[i]);
        bool is_hidden = !shows_special && k->flags & TOKEN_IS_SPECIAL;
        if (is_hidden || !(k->flags & TOKEN_IS_SET)) continue;
        if (!(k->flags & TOKEN_IS_BYTE)) break;
        held[n_held++] = k->bytes.ptr[0];
        str s = {held, n_held};
        if (utf8_complete(s) == 0) continue;
        *ok &= utf8_valid(s);
        n_held = 0;
    }
    *ok &= n_held == 0;
    return i;
}

void tokenizer_decode(buf *out, const tokenizer *t, const int32_t *ids, size_t n,
                      bool shows_special) {
    tokenizer_stream s;
    tokenizer_stream_init(&s, t, shows_special);
    for (size_t i = 0, len; i < n; i += len) {
        bool ok = true, is_byte = token_at(t, ids[i])->flags & TOKEN_IS_BYTE;
        len =
            t->decode.has_fallback && is_byte ? byte_run(t, ids + i, n - i, shows_special, &ok) : 1;
        for (size_t k = i; k < i + len; k++)
            if (ok)
                tokenizer_stream_add(&s, out, ids[k]);
            else if (token_at(t, ids[k])->flags & TOKEN_IS_BYTE)
                s.has_begun = true, s.n_stripped = UINT8_MAX, buf_add(out, replacement);
    }
    tokenizer_stream_end(&s, out);
}
