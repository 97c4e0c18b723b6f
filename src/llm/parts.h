// llm/parts.h -- all that a loaded model is made of: weights, tokenizer, template, vocabulary.
//
//   Owner     the parts; llm__parts_close gives all back. No stream may use them any more
//   Threads   one at a time; what `view` shows is immutable: any
//   Blocks    on disk, and for the work of loading
//   Errors    those of what it opens. A chat template that cannot be used is none: chat_why
#ifndef LLM_PARTS_H
#define LLM_PARTS_H

#include "llm/sources.h"

typedef struct llm_parts {
    llm_model view;  // name and id are the caller's affair
    int context;     // tokens
    lm_model *model;
    tokenizer *tokens;
    chat *chat;
    schema_vocab *vocab;
    arena texts;  // what the chat was made from
} llm_parts;

typedef struct llm_how {
    bool quantises;
    kern_type quantise;
    int context;
    const char *panels;             // folder, or NULL
    _Atomic unsigned *permille;     // of loading
    const _Atomic bool *cancelled;  // NULL, or once true loading ends with E_CLOSED
} llm_how;

// Bytes that its weights will take.
NODISCARD status llm__parts_measure(size_t *bytes, const llm_source *s, const llm_how *how, err *e);
NODISCARD status llm__parts_open(llm_parts *out, const llm_source *s, const llm_how *how, err *e);
void llm__parts_close(llm_parts *p);  // accepts a zeroed one

// What tells that a model's files have changed: of their lengths and times. 0: there is nothing.
// *created: the time of the newest, seconds since 1970.
uint64_t llm__parts_stamp(int64_t *created, const llm_source *s);

#endif
