// text/parts.h -- what a tokenizer is made of: its ids, and the components in the order they run.
//
//   Owner     internal to text/; all lies in the tokenizer's own arena
//   Threads   building: one; then any
#ifndef TEXT_PARTS_H
#define TEXT_PARTS_H

#include "text/regex.h"
#include "text/table.h"
#include "text/tokenizer.h"
#include "text/trie.h"
#include "text/unicode.h"

enum {
    PARTS_MAX = 64,  // components of one kind
    PARTS_ADDED_MAX = 1 << 16,
    PARTS_TEMPLATE_MAX = 64,  // ids that a post-processor puts before or behind
    PARTS_STRING_MAX = 4096,  // a component's own string
    PARTS_LISTS_MAX = 1 << 20,
};

// --- Ids ----------------------------------------------------------------------------------------

typedef enum token_flags {
    TOKEN_IS_SET = 1,
    TOKEN_IS_ADDED = 2,
    TOKEN_IS_SPECIAL = 4,
    TOKEN_IS_BYTE = 8,    // "<0xXX>" that decodes to a byte
    TOKEN_IS_MODEL = 16,  // in the model's vocabulary
} token_flags;

typedef struct token {
    str name;   // as the file spells it
    str bytes;  // as it is decoded in the middle of a text
    uint32_t flags;
} token;

typedef struct added_token {
    str text;
    int32_t id;
    bool is_special, single_word, lstrip, rstrip, normalized;
} added_token;

typedef struct added_set {
    trie trie;
    const added_token *at;  // what the trie's values number
    uint32_t n;
} added_set;

// --- Components ---------------------------------------------------------------------------------

typedef enum norm_kind {
    NORM_FORM,
    NORM_LOWERCASE,
    NORM_STRIP,
    NORM_STRIP_ACCENTS,
    NORM_REPLACE,
    NORM_PREPEND,
    NORM_NMT,
    NORM_BYTES,
} norm_kind;

typedef struct norm_op {
    norm_kind kind;
    unicode_form form;
    const regex *re;
    str content;
    bool left, right;
} norm_op;

typedef enum pre_kind {
    PRE_SPLIT,  // where a regex matches
    PRE_GPT2,   // as ByteLevel's own regex does, by hand
    PRE_CLASS,  // at characters of a class: digits, punctuation, white space, one character
    PRE_WORDS,  // Whitespace: \w+|[^\w\s]+
    PRE_METASPACE,
    PRE_SPACE_FIRST,  // ByteLevel's add_prefix_space
    PRE_BYTES,        // ByteLevel's characters for bytes, where more follows
} pre_kind;

typedef enum split_how {
    SPLIT_ISOLATED,
    SPLIT_REMOVED,
    SPLIT_CONTIGUOUS,
    SPLIT_PREVIOUS,
    SPLIT_NEXT,
} split_how;

typedef enum prepend { PREPEND_FIRST, PREPEND_NEVER, PREPEND_ALWAYS } prepend;

typedef struct pre_op {
    pre_kind kind;
    split_how how;
    const regex *re;
    bool invert;
    bool (*is_in)(int32_t cp);  // of CLASS; NULL: the character `mark`
    int32_t mark;
    str mark_text;  // of METASPACE
    prepend prepend;
    bool splits;
} pre_op;

// What is left of a decoder once every id's bytes are known.
typedef struct decode_rule {
    bool joins_spaces;  // no decoder: a space between tokens
    bool is_bytes;      // ByteLevel: bytes are joined before they are read as UTF-8
    bool has_fallback;  // a run of byte tokens that is no UTF-8 gives U+FFFD for each
    bool drops_marks;   // Metaspace: the first token's marks are left out
    str mark;
    uint32_t strip;  // how many of `strip_char` the text's beginning loses
    char strip_char;
} decode_rule;

typedef struct unigram unigram;

struct tokenizer {
    arena perm;
    token *tokens;
    uint32_t n;
    uint32_t *name_slots;  // id + 1
    unsigned name_shift;
    added_token *added;
    uint32_t n_added;
    added_set raw, normal;
    norm_op *norm;
    pre_op *pre;
    uint32_t n_norm, n_pre;
    bool keeps_bytes;  // malformed UTF-8 stays as it is
    bpe *bpe;          // one of the two
    unigram *unigram;
    int32_t before[PARTS_TEMPLATE_MAX], after[PARTS_TEMPLATE_MAX];
    uint32_t n_before, n_after;
    decode_rule decode;
};

// --- Between the files --------------------------------------------------------------------------

// One text's encoding as it goes on.
typedef struct encoding {
    const tokenizer *t;
    bpe_out out;
    unsigned flags;
    err *e;
} encoding;

// A part of a text without added tokens to pieces, and these to ids. is_first: the original text
// begins with it. `room` is by value: nothing of it stays.
NODISCARD status pretok_run(encoding *x, str text, bool is_first, arena room);
// *out is `s` or lies in `a`. *lost_head is set when the beginning was left out.
NODISCARD status norm_run(str *out, const tokenizer *t, str s, bool *lost_head, arena *a, err *e);
// The bytes of s as characters.
NODISCARD status bytes_as_chars(str *out, str s, arena *a, err *e);

NODISCARD status unigram_encode(bpe_out *out, const unigram *u, str piece, arena scratch, err *e);
NODISCARD status unigram_open(unigram **out, tokenizer *t, const double *scores, int64_t unknown,
                              bool has_fallback, err *e);

// The bytes that "<0xXX>" means, or -1.
int byte_token(str name);

// Ids by their names. names_add for ids in any order; the first of equal names is found.
NODISCARD status names_open(tokenizer *t, size_t n, err *e);
NODISCARD status names_add(tokenizer *t, int32_t id, str name, uint32_t flags, err *e);
// Sorts added tokens into what finds them; needs the normalizers.
NODISCARD status added_open(tokenizer *t, err *e);

// The model from t->tokens with TOKEN_IS_MODEL; merges come through the functions of table.h.
NODISCARD status model_words(tokenizer *t, bool has_bytes, size_t n_merges, err *e);
NODISCARD status model_merge(tokenizer *t, str left, str right, err *e);

// A component of GGUF's sets and of tokenizer.json's, as the same entries.
NODISCARD status pre_add(tokenizer *t, pre_op op, err *e);
NODISCARD status norm_add(tokenizer *t, norm_op op, err *e);

#endif
