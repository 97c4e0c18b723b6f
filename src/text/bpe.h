// text/bpe.h -- GPT-2's byte-level BPE: text to ids and back.
//
//   Owner     bpe is immutable; bpe_gpt2() is process-wide and needs no close
//   Threads   any (scratch space is the caller's arena)
//   Limits    BPE_TEXT_MAX bytes per encode; of the arena it takes 4 bytes per byte of text and,
//             while a word of n > 256 bytes is merged, 21 n more; all but the ids is given back.
//             A vocabulary has at most BPE_VOCAB_MAX ids and as many merges
//   Blocks    opening reads files; the rest computes
//   Errors    encode: E_LIMIT; E_FORMAT never (any bytes have an encoding). Opening: E_NOT_FOUND,
//             E_IO, E_FORMAT, E_UNSUPPORTED, E_LIMIT, E_MEMORY; the message names file and part
//   Source    Radford et al. 2019; the ids are tiktoken's "gpt2", special tokens taken as text
#ifndef TEXT_BPE_H
#define TEXT_BPE_H

#include "base/arena.h"
#include "base/buf.h"

typedef struct bpe bpe;

enum {
    BPE_TEXT_MAX = 16 << 20,
    BPE_VOCAB_MAX = 1 << 20,
    BPE_TOKEN_MAX = 1024,          // bytes
    BPE_TOKENIZER_MAX = 64 << 20,  // bytes of a tokenizer.json
    BPE_GPT2_EOT = 50256,
    BPE_GPT2_VOCAB = 50257,
};

// The GPT-2 vocabulary that is built into the program. Never NULL: a broken build fails its tests.
const bpe *bpe_gpt2(void);

// A compact vocabulary table from a file's bytes (format in table.c): for tests and fuzzing.
NODISCARD status bpe_open(bpe **out, str table, err *e);
// The tokenizer of a Hugging Face folder: its tokenizer.json, or vocab.json and merges.txt when
// there is none. It must be what GPT-2's is (byte-level BPE, no normalizer, GPT-2's split);
// anything else is E_UNSUPPORTED and named. Added tokens are taken as text in a prompt, like
// "<|endoftext|>"; an id has no bytes when it is a special one of them.
NODISCARD status bpe_open_folder(bpe **out, const char *folder, err *e);
// One tokenizer.json.
NODISCARD status bpe_open_json(bpe **out, const char *path, err *e);
// The same from the files' bytes.
NODISCARD status bpe_open_json_text(bpe **out, str text, err *e);
NODISCARD status bpe_open_lists_text(bpe **out, str vocab, str merges, err *e);
void bpe_close(bpe *b);  // accepts NULL; not for bpe_gpt2()

size_t bpe_vocab(const bpe *b);

// Ids of `text` (any bytes; "<|endoftext|>" is ordinary text). *ids is in `a`.
NODISCARD status bpe_encode(int32_t **ids, size_t *n, const bpe *b, str text, arena *a, err *e);

// As bpe_encode for the beginning of a longer text: encodes what no text behind it can change, and
// tells how many bytes that is. The rest, under 2 pieces and a few bytes, belongs in front of what
// follows.
NODISCARD status bpe_encode_part(int32_t **ids, size_t *n, size_t *used, const bpe *b, str text,
                                 arena *a, err *e);

// The bytes of one id; a part of a character as often as not. "" for an id out of range and for
// the end-of-text id.
str bpe_token(const bpe *b, int32_t id);

// Streaming decoder: holds back bytes that do not yet make whole characters.
typedef struct bpe_stream {
    char held[8];
    size_t n_held;  // at most 3
} bpe_stream;

// Appends what is complete after `id`; a sequence that can no longer be completed becomes U+FFFD.
void bpe_stream_add(bpe_stream *s, buf *out, const bpe *b, int32_t id);
// The end: what is still held becomes U+FFFD.
void bpe_stream_end(bpe_stream *s, buf *out);

#endif
