// text/tokenizer.h -- any model's tokenizer: text to ids and back, as Hugging Face's tokenizers
// library does it.
//
// A tokenizer.json is executed component by component: added tokens, normaliser, pre-tokeniser,
// model (byte-level or SentencePiece-style BPE, Unigram), post-processor, decoder. A component, or
// a field of one, that is not known here refuses the file with its name; nothing is approximated. A
// GGUF file's tokenizer is put together from the same components by its tokenizer.ggml.model and
// .pre.
//
//   Owner     a tokenizer is immutable; scratch is the caller's arena
//   Threads   any
//   Limits    TOKENIZER_*_MAX; work is n log n in the text, and so is memory, whatever the text
//   Errors    open: E_NOT_FOUND, E_IO, E_FORMAT, E_UNSUPPORTED, E_LIMIT, E_MEMORY, naming file and
//             part. encode: E_LIMIT; any bytes have an encoding (malformed UTF-8 counts as U+FFFD,
//             but for byte-level BPE without a normaliser, which keeps the bytes)
//   Source    huggingface/tokenizers 0.22; llama.cpp's names of pre-tokenisers in GGUF
#ifndef TEXT_TOKENIZER_H
#define TEXT_TOKENIZER_H

#include "base/arena.h"
#include "base/buf.h"
#include "tensor/gguf.h"

typedef struct tokenizer tokenizer;

enum {
    TOKENIZER_TEXT_MAX = 16 << 20,
    TOKENIZER_FILE_MAX = 64 << 20,
    TOKENIZER_VOCAB_MAX = 1 << 20,
    TOKENIZER_TOKEN_MAX = 1024,  // bytes that one id gives
    TOKENIZER_GPT2_VOCAB = 50257,
    TOKENIZER_GPT2_END = 50256,
};

// GPT-2's, which is built into the program. Never NULL: a broken build fails its tests.
const tokenizer *tokenizer_gpt2(void);

// tokenizer.json of a folder; without one vocab.json and merges.txt (GPT-2's form).
NODISCARD status tokenizer_open_folder(tokenizer **out, const char *folder, err *e);
// The same from the files' bytes.
NODISCARD status tokenizer_open_json(tokenizer **out, str text, err *e);
NODISCARD status tokenizer_open_lists(tokenizer **out, str vocab, str merges, err *e);
// Nothing of `g` is needed any more afterwards.
NODISCARD status tokenizer_open_gguf(tokenizer **out, const gguf *g, err *e);
// A folder, a tokenizer.json or a .gguf, as the path tells.
NODISCARD status tokenizer_open_path(tokenizer **out, const char *path, err *e);
// A compact vocabulary table from a file's bytes (format in table.c): for tests and fuzzing.
NODISCARD status tokenizer_open_table(tokenizer **out, str table, err *e);
void tokenizer_close(tokenizer *t);  // accepts NULL; not for tokenizer_gpt2()

size_t tokenizer_vocab(const tokenizer *t);                 // ids are below it
int32_t tokenizer_id(const tokenizer *t, str token);        // of a token by its own spelling; -1
str tokenizer_name(const tokenizer *t, int32_t id);         // its spelling in the file; ""
bool tokenizer_is_special(const tokenizer *t, int32_t id);  // an added token that is "special"
bool tokenizer_is_added(const tokenizer *t, int32_t id);

typedef enum tokenizer_flags {
    TOKENIZER_SPECIAL = 1,  // what the post-processor adds (BOS where it says so)
    TOKENIZER_PLAIN = 2,    // special tokens in the text are ordinary text: for what users type
} tokenizer_flags;

NODISCARD status tokenizer_encode(int32_t **ids, size_t *n, const tokenizer *t, str text,
                                  unsigned flags, arena *a, err *e);

// As tokenizer_encode for the beginning of a longer text: encodes what no text behind it can
// change, and tells how many bytes that is. The rest, under 2 pieces and a few bytes, belongs in
// front of what follows. Tokenizers that settle nothing before the end (all but GPT-2's kind) use
// none.
NODISCARD status tokenizer_encode_part(int32_t **ids, size_t *n, size_t *used, const tokenizer *t,
                                       str text, unsigned flags, arena *a, err *e);

// The bytes of one id in the middle of a text; special ones give their spelling. "" for ids that
// mean nothing. For masks, log probabilities, and bounds.
str tokenizer_bytes(const tokenizer *t, int32_t id);

// Ids to text as the decoder chain has it: the same as decoding all ids at once, in pieces that are
// whole UTF-8. The first id's leading space goes where the chain strips it.
typedef struct tokenizer_stream {
    const tokenizer *t;
    bool shows_special, has_begun;
    uint8_t n_stripped;  // of the text's beginning
    char held[8];
    size_t n_held;  // at most 3
} tokenizer_stream;

void tokenizer_stream_init(tokenizer_stream *s, const tokenizer *t, bool shows_special);
void tokenizer_stream_add(tokenizer_stream *s, buf *out, int32_t id);
void tokenizer_stream_end(tokenizer_stream *s, buf *out);  // what is held becomes U+FFFD

// All ids at once. As a stream gives it, but for a run of byte tokens that is not UTF-8, in which
// each byte becomes U+FFFD, also those of whole characters, which a stream has let go by then.
void tokenizer_decode(buf *out, const tokenizer *t, const int32_t *ids, size_t n,
                      bool shows_special);

#endif
