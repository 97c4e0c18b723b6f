// text/table.h -- a BPE vocabulary in memory: words by their bytes, merges by their two parts.
//
//   Owner     internal to text/; built by one loader, immutable after bpe__seal
//   Threads   building: one; then any
//   Limits    BPE_VOCAB_MAX ids and as many merges, BPE_TOKEN_MAX bytes in a token
//   Errors    E_FORMAT and E_LIMIT with a message that names the token or the limit
//
// A loader calls bpe__new, bpe__add for every id in order, bpe__bytes, bpe__merge for every merge
// in order, bpe__seal.
#ifndef TEXT_TABLE_H
#define TEXT_TABLE_H

#include "text/bpe.h"

enum { BPE__ID_BITS = 18, BPE__SHORT = 256 };
_Static_assert(BPE_VOCAB_MAX < (1 << BPE__ID_BITS) - 1, "an id + 1 fits its bits");
_Static_assert((int)BPE_TOKEN_MAX < (int)BPE__SHORT,
               "a token's length fits a byte, and is a short piece");
#define BPE__NONE UINT32_MAX

// An id's bytes. Frequent words have low ids, so the records in use lie close together.
typedef struct bpe_word {
    uint64_t head;     // the first 8 bytes, zeros behind
    uint32_t off;      // of all in `bytes`
    uint8_t len;       // 0: no text gives this id
    uint8_t find_len;  // len, or 0 when a piece of these bytes is not this id
} bpe_word;

// Slots are 4 bytes and tell by the tag that a key is not there without a look at its record:
// 0 when free, else tag << BPE__ID_BITS | index + 1.
struct bpe {
    uint32_t n, n_merges, max_len;
    unsigned word_shift, pair_shift;  // 64 - log2 of the slots
    bpe_word *words;                  // n
    uint64_t *merges;                 // left << 36 | right << 18 | id
    uint32_t *word_slots, *pair_slots;
    char *bytes;
    size_t n_bytes;
    uint32_t byte_id[256];
};

// Room for n ids of n_bytes bytes together and n_merges merges. bpe_close frees it.
NODISCARD status bpe__new(bpe **out, size_t n, size_t n_bytes, size_t n_merges, err *e);
// The next id's bytes. Length 0: an id that text never gives. Not `is_word`: the bytes are for
// decoding only.
NODISCARD status bpe__add(bpe *b, str bytes, bool is_word, err *e);
// Every single byte must be a token.
NODISCARD status bpe__bytes(bpe *b, err *e);
// The next merge, of lower precedence than those before it.
NODISCARD status bpe__merge(bpe *b, uint32_t left, uint32_t right, uint32_t id, err *e);
// Leaves in `words` only what its own merges give: a piece that is found there needs no merging.
void bpe__seal(bpe *b);

// Merges a piece of at most BPE__SHORT bytes; writes its ids and returns how many.
size_t bpe__merge_short(int32_t *out, const bpe *b, str piece);
// Any longer piece, in n log n. E_LIMIT when the arena has no room.
NODISCARD status bpe__merge_long(int32_t *out, size_t *n, const bpe *b, str piece, arena scratch,
                                 err *e);

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
    return (uint32_t)(hash >> 30) & ~(((uint32_t)1 << BPE__ID_BITS) - 1);
}

// The index in a slot that is not free, when its tag is `tag`; else BPE__NONE.
static inline uint32_t bpe__index(uint32_t slot, uint32_t tag) {
    uint32_t x = slot ^ tag;
    return x >> BPE__ID_BITS ? BPE__NONE : x - 1;
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
