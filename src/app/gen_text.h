// app/gen_text.h -- ids become text, up to the first stop string.
//
//   Owner     the tokenizer and the stop strings are the caller's and outlive it
//   Threads   one thread at a time
//   Limits    GEN_TEXT_MAX bytes come out of one call at most
//   Errors    those of stop_init
#ifndef APP_GEN_TEXT_H
#define APP_GEN_TEXT_H

#include "text/stop.h"
#include "text/tokenizer.h"

enum {
    GEN_TOKEN_MAX = TOKENIZER_TOKEN_MAX,  // bytes of a token
    GEN_TEXT_MAX = STOP_BYTES_MAX + GEN_TOKEN_MAX + 16,
};

typedef struct gen_text {
    const tokenizer *tokens;
    tokenizer_stream decoder;
    stop stops;
    bool has_stops, is_stopped;  // a stop string came: the text is over
} gen_text;

NODISCARD status gen_text_init(gen_text *t, const tokenizer *tokens, const str *stops, size_t n,
                               err *e);
// `shows_special`: special tokens come out, spelt as in the vocabulary.
NODISCARD status gen_text_init_hub(gen_text *t, const tokenizer *tokens, bool shows_special,
                                   const str *stops, size_t n, err *e);
// Appends what can be shown once `id` has come; nothing after is_stopped.
void gen_text_add(gen_text *t, buf *out, int32_t id);
// There are no more ids: what was held back.
void gen_text_end(gen_text *t, buf *out);

// The bytes of one token by itself.
str gen_text_token(const gen_text *t, int32_t id);

#endif
