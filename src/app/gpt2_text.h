// app/gpt2_text.h -- ids become text, up to the first stop string.
//
//   Owner     the tokenizer and the stop strings are the caller's and outlive it
//   Threads   one thread at a time
//   Limits    GPT2_TEXT_MAX bytes come out of one call at most
//   Errors    those of stop_init
#ifndef APP_GPT2_TEXT_H
#define APP_GPT2_TEXT_H

#include "text/bpe.h"
#include "text/stop.h"

enum {
    GPT2_TOKEN_MAX = 512,  // bytes of a token
    GPT2_TEXT_MAX = STOP_BYTES_MAX + GPT2_TOKEN_MAX + 16,
};

typedef struct gpt2_text {
    const bpe *tokens;
    bpe_stream decoder;
    stop stops;
    bool has_stops, is_stopped;  // a stop string came: the text is over
} gpt2_text;

NODISCARD status gpt2_text_init(gpt2_text *t, const bpe *tokens, const str *stops, size_t n,
                                err *e);
// Appends what can be shown once `id` has come; nothing after is_stopped.
void gpt2_text_add(gpt2_text *t, buf *out, int32_t id);
// There are no more ids: what was held back.
void gpt2_text_end(gpt2_text *t, buf *out);

#endif
