// Ids through the tokenizer's decoder and the search for stop strings.

#include "app/gen_text.h"

status gen_text_init_hub(gen_text *t, const tokenizer *tokens, bool shows_special, const str *stops,
                         size_t n, err *e) {
    *t = (gen_text){.tokens = tokens, .has_stops = n > 0};
    tokenizer_stream_init(&t->decoder, tokens, shows_special);
    return n ? stop_init(&t->stops, stops, n, e) : OK;
}

status gen_text_init(gen_text *t, const tokenizer *tokens, const str *stops, size_t n, err *e) {
    return gen_text_init_hub(t, tokens, false, stops, n, e);
}

static void let_out(gen_text *t, buf *out, str piece) {
    if (!t->has_stops)
        buf_add(out, piece);
    else if (piece.len)
        t->is_stopped = stop_add(&t->stops, out, piece);
}

void gen_text_add(gen_text *t, buf *out, int32_t id) {
    if (t->is_stopped) return;
    ARENA_ON_STACK(scratch, 4 * GEN_TOKEN_MAX);  // a byte may become U+FFFD
    buf piece;
    buf_init(&piece, &scratch, 0);
    tokenizer_stream_add(&t->decoder, &piece, id);
    let_out(t, out, buf_str(&piece));
}

void gen_text_end(gen_text *t, buf *out) {
    if (t->is_stopped) return;
    ARENA_ON_STACK(scratch, 64);
    buf piece;
    buf_init(&piece, &scratch, 0);
    tokenizer_stream_end(&t->decoder, &piece);
    let_out(t, out, buf_str(&piece));
    if (t->has_stops && !t->is_stopped) stop_end(&t->stops, out);
}

str gen_text_token(const gen_text *t, int32_t id) {
    return tokenizer_bytes(t->tokens, id);
}
