// Ids through the tokenizer's decoder and the search for stop strings.

#include "app/gpt2_text.h"

status gpt2_text_init(gpt2_text *t, const bpe *tokens, const str *stops, size_t n, err *e) {
    *t = (gpt2_text){.tokens = tokens, .has_stops = n > 0};
    return n ? stop_init(&t->stops, stops, n, e) : OK;
}

static void let_out(gpt2_text *t, buf *out, str piece) {
    if (!t->has_stops)
        buf_add(out, piece);
    else if (piece.len)
        t->is_stopped = stop_add(&t->stops, out, piece);
}

void gpt2_text_add(gpt2_text *t, buf *out, int32_t id) {
    if (t->is_stopped) return;
    ARENA_ON_STACK(scratch, 2 * GPT2_TOKEN_MAX);
    buf piece;
    buf_init(&piece, &scratch, 0);
    bpe_stream_add(&t->decoder, &piece, t->tokens, id);
    let_out(t, out, buf_str(&piece));
}

void gpt2_text_end(gpt2_text *t, buf *out) {
    if (t->is_stopped) return;
    ARENA_ON_STACK(scratch, 64);
    buf piece;
    buf_init(&piece, &scratch, 0);
    bpe_stream_end(&t->decoder, &piece);
    let_out(t, out, buf_str(&piece));
    if (t->has_stops && !t->is_stopped) stop_end(&t->stops, out);
}
