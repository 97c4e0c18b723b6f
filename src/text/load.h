// text/load.h -- what the two kinds of files have in common when a tokenizer is built.
//
//   Owner     internal to text/load*.c
#ifndef TEXT_LOAD_H
#define TEXT_LOAD_H

#include "base/json_read.h"
#include "text/parts.h"

// A string of the file as a message may hold it: its beginning, on one line.
typedef struct load_shown {
    char text[65];
} load_shown;
load_shown load_show(str s);

// An empty tokenizer with room for what a file of `len` bytes can hold.
NODISCARD status load_new(tokenizer **out, size_t len, err *e);
// A copy that lives as long as the tokenizer.
NODISCARD status load_copy(str *out, tokenizer *t, str s, err *e);

// Components of tokenizer.json (load_parts.c). `v` may be NULL or null: there is none.
NODISCARD status load_normalizer(tokenizer *t, const json_value *v, err *e);
// *has_bytes: the model's pieces are bytes.
NODISCARD status load_pre_tokenizer(tokenizer *t, const json_value *v, bool is_bpe, bool *has_bytes,
                                    err *e);
NODISCARD status load_post_processor(tokenizer *t, const json_value *v, err *e);
NODISCARD status load_decoder(tokenizer *t, const json_value *v, err *e);

// Added tokens of which t->added lists the texts, then everything that needs all ids.
NODISCARD status load_finish(tokenizer *t, err *e);

// The words of a BPE model from t->tokens with TOKEN_IS_MODEL; its options are set behind it. Then
// merges by the names of their parts.
NODISCARD status load_words(tokenizer *t, bool has_bytes, size_t n_merges, err *e);
NODISCARD status load_merge(tokenizer *t, str left, str right, size_t prefix, err *e);
NODISCARD status load_fallback(tokenizer *t, err *e);
NODISCARD status load_seal(tokenizer *t, err *e);

#endif
