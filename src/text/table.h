// text/table.h -- a BPE model in memory: words by their bytes, merges by their two parts.
//
//   Owner     internal to text/; lies in the loader's arena, immutable after bpe__seal
//   Threads   building: one; then any
//   Limits    BPE_VOCAB_MAX ids, BPE__MERGES_MAX merges, BPE_TOKEN_MAX bytes in a token
//   Errors    E_FORMAT and E_LIMIT with a message that names the token or the limit
//
// A loader calls bpe__new, bpe__add for every id in order, bpe__merge for every merge in order,
// sets the options, and calls bpe__seal.
#ifndef TEXT_TABLE_H
#define TEXT_TABLE_H

#include "base/arena.h"
#include "text/tokenizer.h"

typedef struct bpe bpe;

enum {
    BPE_VOCAB_MAX = TOKENIZER_VOCAB_MAX,
    BPE_TOKEN_MAX = TOKENIZER_TOKEN_MAX,
    BPE__ID_BITS = 20,
    BPE__INDEX_BITS = 21,  // of an id or a merge in a slot
    BPE__MERGES_MAX = (1 << BPE__INDEX_BITS) - 2,
    BPE__SHORT = 256,  // symbols
    BPE__AFFIX_MAX = 16,
};
_Static_assert(BPE_VOCAB_MAX <= 1 << BPE__ID_BITS, "an id fits its bits");
#define BPE__NONE UINT32_MAX

// An id's bytes. Frequent words have low ids, so the records in use lie close together.
typedef struct bpe_word {
    uint64_t head;      // the first 8 bytes, zeros behind
    uint32_t off;       // of all in `bytes`
    uint16_t len;       // 0: no text gives this id
    uint16_t find_len;  // len, or 0 when a piece of these bytes is not this id
} bpe_word;
_Static_assert(sizeof(bpe_word) == 16, "four in a cache line");

// Slots are 4 bytes and tell by the tag that a key is not there without a look at its record:
// 0 when free, else tag << BPE__INDEX_BITS | index + 1.
struct bpe {
    uint32_t n, n_merges, max_len;
    unsigned word_shift, pair_shift;  // 64 - log2 of the slots
    bpe_word *words;                  // n
    uint64_t *merges;                 // left << 40 | right << 20 | id
    uint32_t *word_slots, *pair_slots;
    char *bytes;
    size_t n_bytes;

    // How a piece begins: one symbol for each of its bytes, or of its characters.
    bool has_chars;
    bool has_fallback, fuses_unknown;  // "<0xXX>" for the bytes of what is no token
    bool is_whole;                     // a piece that is a word is that word, whatever its merges
    bool has_cuts;                     // no merge joins a U+2581 to another character before it
    uint32_t unknown;                  // the id of what is no token, or BPE__NONE: it is left out
    uint32_t fallback[256];
    str prefix, suffix;     // around symbols that are not the first, that are the last
    uint32_t byte_id[256];  // of single bytes; BPE__NONE: no token
    bool is_complete;       // each single byte is a token, and there are no affixes
};

// Where ids go.
typedef struct bpe_out {
    int32_t *id;
    size_t n, cap;
} bpe_out;

// Room for n ids of n_bytes bytes together and n_merges merges.
NODISCARD status bpe__new(bpe **out, size_t n, size_t n_bytes, size_t n_merges, arena *perm,
                          err *e);
// The next id's bytes. Length 0: an id that text never gives. Not `is_word`: the bytes are for
// decoding only.
NODISCARD status bpe__add(bpe *b, str bytes, bool is_word, err *e);
// The next merge, of lower precedence than those before it; a pair that is there moves to its end.
NODISCARD status bpe__merge(bpe *b, uint32_t left, uint32_t right, uint32_t id, err *e);
// Leaves in `words` only what its own merges give: a piece that is found there needs no merging.
NODISCARD status bpe__seal(bpe *b, arena scratch, err *e);

// A compact vocabulary table from a file's bytes (format in table.c), sealed.
NODISCARD status bpe__open_table(bpe **out, str table, arena *perm, err *e);

// Appends the ids of a piece; up to `end` may be read. E_LIMIT: no room in `out` or `scratch`.
NODISCARD status bpe__encode(bpe_out *out, const bpe *b, str piece, const char *end, arena scratch,
                             err *e);
// Merges n symbols in place; *n is how many are left. Work is n log n.
NODISCARD status bpe__merge_all(int32_t *ids, size_t *n, const bpe *b, arena scratch, err *e);

static inline uint64_t bpe__load(const char *p) {
    uint64_t w;
    memcpy(&w, p, sizeof w);
    return w;
}

// The first 8 bytes at p, of which `len` count and all up to `end` may be read.
static inline uint64_t bpe__head(const char *p, size_t len, const char *end) {
    uint64_t w = 0;
    if (end - p >= 8)
        w = len < 8 ? bpe__load(p) & (((uint64_t)1 << 8 * len) - 1) : bpe__load(p);
    else
        memcpy(&w, p, len);
    return w;
}

static inline uint64_t bpe__word_hash(uint64_t head, const char *p, size_t len) {
    uint64_t tail = len > 8 ? bpe__load(p + len - 8) : 0;
    unsigned __int128 h =
        (unsigned __int128)(head ^ 0xa0761d6478bd642fu) * ((tail + len) ^ 0xe7037ed1a0b428dbu);
    return (uint64_t)h ^ (uint64_t)(h >> 64);
}

static inline uint64_t bpe__pair_hash(uint64_t pair) {
    return pair * 0x9e3779b97f4a7c15u;
}

// The upper half of a slot, from the middle of a hash, whose top chooses the slot.
static inline uint32_t bpe__tag(uint64_t hash) {
    return (uint32_t)(hash >> 30) & ~(((uint32_t)1 << BPE__INDEX_BITS) - 1);
}

// The index in a slot that is not free, when its tag is `tag`; else BPE__NONE.
static inline uint32_t bpe__index(uint32_t slot, uint32_t tag) {
    uint32_t x = slot ^ tag;
    return x >> BPE__INDEX_BITS ? BPE__NONE : x - 1;
}

// The id of a piece of at least one byte, or BPE__NONE when it must be merged.
static inline uint32_t bpe__find(const bpe *b, const char *p, size_t len, const char *end) {
    if (len > b->max_len) return BPE__NONE;
    uint64_t head = bpe__head(p, len, end), h = bpe__word_hash(head, p, len);
    size_t mask = ~(size_t)0 >> b->word_shift;
    uint32_t tag = bpe__tag(h), slot;
    for (size_t i = h >> b->word_shift; (slot = b->word_slots[i]); i = (i + 1) & mask) {
        uint32_t id = bpe__index(slot, tag);
        if (id == BPE__NONE) continue;
        const bpe_word *w = &b->words[id];
        if (w->head == head && w->find_len == len &&
            (len <= 8 || memcmp(b->bytes + w->off + 8, p + 8, len - 8) == 0))
            return id;
    }
    return BPE__NONE;
}

// Which merge two neighbours make, or BPE__NONE.
static inline uint32_t bpe__pair(const bpe *b, uint32_t left, uint32_t right) {
    uint64_t pair = (uint64_t)left << BPE__ID_BITS | right, h = bpe__pair_hash(pair);
    size_t mask = ~(size_t)0 >> b->pair_shift;
    uint32_t tag = bpe__tag(h), slot;
    for (size_t i = h >> b->pair_shift; (slot = b->pair_slots[i]); i = (i + 1) & mask) {
        uint32_t m = bpe__index(slot, tag);
        if (m != BPE__NONE && b->merges[m] >> BPE__ID_BITS == pair) return m;
    }
    return BPE__NONE;
}

// What a merge gives.
static inline uint32_t bpe__merged(const bpe *b, uint32_t merge) {
    return (uint32_t)b->merges[merge] & (((uint32_t)1 << BPE__ID_BITS) - 1);
}

#endif
