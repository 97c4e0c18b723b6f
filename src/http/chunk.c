// The chunked decoder: a byte-wise state machine, but for the data itself, which is copied in runs.
//
// Hand-written chunk decoders went wrong in the same few places everywhere: sizes read with strtoll
// ("-1", "0x5", a prefix that happens to be valid), LF without CR, extensions that hide a line end,
// and the two bytes behind the data or the last chunk not looked at. Each is a state of its own
// here, and a state names the only bytes that may follow.
//
//   I1  left > 0 in DATA
//   I2  every byte consumed moved the state or was counted against a limit

#include "http/chunk.h"

enum {
    SIZE,
    EXT_NAME_FIRST,  // behind ';'
    EXT_NAME,
    EXT_VALUE_FIRST,  // behind '='
    EXT_VALUE,
    EXT_QUOTED,
    EXT_ESCAPED,
    EXT_END,  // behind the closing quote
    SIZE_LF,
    DATA,
    DATA_CR,
    DATA_LF,
    LINE,  // first byte of a trailer line
    TRAILER_NAME,
    TRAILER_VALUE,
    TRAILER_LF,
    LAST_LF,
    DONE,
};

void http_chunks_init(http_chunks *c) {
    *c = (http_chunks){0};
}

static http_parse bad(http_chunks *c, int code, const char *why) {
    c->code = code;
    c->why = why;
    return HTTP_PARSE_BAD;
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_tchar(char c) {
    return http_is_token((str){&c, 1});
}

static bool is_text(char c) {  // HTAB, SP, VCHAR, obs-text
    return c == '\t' || ((unsigned char)c >= 0x20 && c != 0x7F);
}

static http_parse on_size(http_chunks *c, char ch) {
    int v = hex_digit(ch);
    if (v >= 0) {
        if (++c->n_digits > 16) return bad(c, 400, "Chunk size over 16 digits");
        c->left = c->left << 4 | (uint64_t)v;
        return HTTP_PARSE_MORE;
    }
    if (c->n_digits == 0 || (ch != ';' && ch != '\r')) return bad(c, 400, "Bad chunk size");
    c->state = ch == ';' ? EXT_NAME_FIRST : SIZE_LF;
    return HTTP_PARSE_MORE;
}

// Where an extension stands after `ch`, or -1. chunk-ext without the "bad" white space.
static int ext_next(int state, char ch) {
    switch (state) {
    case EXT_NAME_FIRST:
        return is_tchar(ch) ? EXT_NAME : -1;
    case EXT_NAME:
        if (is_tchar(ch)) return EXT_NAME;
        if (ch == '=') return EXT_VALUE_FIRST;
        break;
    case EXT_VALUE_FIRST:
        return ch == '"' ? EXT_QUOTED : is_tchar(ch) ? EXT_VALUE : -1;
    case EXT_VALUE:
        if (is_tchar(ch)) return EXT_VALUE;
        break;
    case EXT_QUOTED:
        return ch == '"' ? EXT_END : ch == '\\' ? EXT_ESCAPED : is_text(ch) ? EXT_QUOTED : -1;
    case EXT_ESCAPED:
        return is_text(ch) ? EXT_QUOTED : -1;
    default:
        break;
    }
    return ch == ';' ? EXT_NAME_FIRST : ch == '\r' ? SIZE_LF : -1;
}

static http_parse on_ext(http_chunks *c, char ch) {
    int to = ext_next(c->state, ch);
    if (to < 0) return bad(c, 400, "Bad chunk extension");
    if (++c->n_ext > HTTP_CHUNK_EXT_MAX) return bad(c, 400, "Chunk extensions over 4096 bytes");
    c->state = (uint8_t)to;
    return HTTP_PARSE_MORE;
}

static http_parse on_size_lf(http_chunks *c, char ch) {
    if (ch != '\n') return bad(c, 400, "Chunk size line ends without CR LF");
    c->state = c->left ? DATA : LINE;
    return HTTP_PARSE_MORE;
}

static http_parse on_data_cr(http_chunks *c, char ch) {
    if (ch != '\r') return bad(c, 400, "Chunk data ends without CR LF");
    c->state = DATA_LF;
    return HTTP_PARSE_MORE;
}

static http_parse on_data_lf(http_chunks *c, char ch) {
    if (ch != '\n') return bad(c, 400, "Chunk data ends without CR LF");
    c->state = SIZE;
    c->n_digits = 0;
    return HTTP_PARSE_MORE;
}

static http_parse on_trailer(http_chunks *c, char ch) {
    if (++c->n_trailer > HTTP_TRAILER_MAX) return bad(c, 431, "Trailer over 8192 bytes");
    switch (c->state) {
    case LINE:
        if (ch == '\r')
            c->state = LAST_LF;
        else if (is_tchar(ch))
            c->state = TRAILER_NAME;
        else
            return bad(c, 400, "Bad trailer field");
        return HTTP_PARSE_MORE;
    case TRAILER_NAME:
        if (ch == ':')
            c->state = TRAILER_VALUE;
        else if (!is_tchar(ch))
            return bad(c, 400, "Bad trailer field");
        return HTTP_PARSE_MORE;
    default:
        if (ch == '\r')
            c->state = TRAILER_LF;
        else if (!is_text(ch))
            return bad(c, 400, "Bad trailer field");
        return HTTP_PARSE_MORE;
    }
}

static http_parse on_line_lf(http_chunks *c, char ch) {
    if (ch != '\n') return bad(c, 400, "Trailer line ends without CR LF");
    bool last = c->state == LAST_LF;
    c->state = last ? DONE : LINE;
    return last ? HTTP_PARSE_DONE : HTTP_PARSE_MORE;
}

static http_parse (*const step[])(http_chunks *c, char ch) = {
    [SIZE] = on_size,
    [EXT_NAME_FIRST... EXT_END] = on_ext,
    [SIZE_LF] = on_size_lf,
    [DATA_CR] = on_data_cr,
    [DATA_LF] = on_data_lf,
    [LINE... TRAILER_VALUE] = on_trailer,
    [TRAILER_LF... LAST_LF] = on_line_lf,
};

static http_parse take_data(http_chunks *c, size_t *used, buf *out, str in) {
    size_t n = c->left < in.len ? (size_t)c->left : in.len;
    if (c->left > out->limit - out->len) return bad(c, 413, "Body over 1048576 bytes");
    buf_add(out, str_first(in, n));
    if (out->failed) return bad(c, 413, "Body too large");
    *used += n;
    c->left -= n;
    if (c->left == 0) c->state = DATA_CR;
    return HTTP_PARSE_MORE;
}

http_parse http_chunks_feed(http_chunks *c, size_t *used, buf *out, str in) {
    CHECK(c->state != DONE);
    *used = 0;
    while (*used < in.len) {
        http_parse r = c->state == DATA ? take_data(c, used, out, str_skip(in, *used))
                                        : step[c->state](c, in.ptr[(*used)++]);
        if (r != HTTP_PARSE_MORE) return r;
    }
    return HTTP_PARSE_MORE;
}
