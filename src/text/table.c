// Building a vocabulary: tokens into a hash of words, merges into a hash of pairs.
//
// tiktoken lists GPT-2's tokens in the order of their merges, and no merges: the two parts of a
// token are what the merges before it leave of its bytes. That these are two for every
// token is seen when the compact table is made (tools/make-vocab.mjs), and it makes "join the pair
// whose bytes are the token of the lowest id", as tiktoken has it, and "apply the merges in their
// order", as it was trained, the same thing. Rejected: finding the parts at start (8 ms more);
// slots that hold the key (3 MB instead of 2, more than the second-level cache of a core has).
//
// Table format, little endian: "bpe-tab2", u32 count, u32 bytes, u64 FNV-1a of the rest, then count
// lengths of one byte each, then count lengths of the first of the two parts that make the token (0
// for single bytes), then the bytes of all tokens in the order of their ids, which is the order of
// the merges. Length 0 marks an id that no text gives (a special token).
//
//   I1  every single byte is a token, so everything can be encoded
//   I2  no two words have the same bytes: a string has at most one id
//   I3  at most half of the slots are in use, and no key is PROBES_MAX slots from its place, so
//       that a file cannot make looking up slow

#include "text/table.h"

#include "base/utf8.h"
#include "text/byte_chars.h"

enum { TABLE_HEAD = 24, PROBES_MAX = 512 };

static unsigned slots_log2(size_t n) {
    unsigned k = 10;
    while ((size_t)1 << k < 2 * n)  // I3
        k++;
    return k;
}

status bpe__new(bpe **out, size_t n, size_t n_bytes, size_t n_merges, arena *perm, err *e) {
    *out = NULL;
    if (n > BPE_VOCAB_MAX || n_merges > BPE__MERGES_MAX)
        return err_set(e, E_LIMIT, "vocabulary: %zu tokens and %zu merges, limits %d and %d", n,
                       n_merges, BPE_VOCAB_MAX, BPE__MERGES_MAX);
    if (n_bytes > TOKENIZER_FILE_MAX)
        return err_set(e, E_LIMIT, "vocabulary: tokens of %zu bytes, limit %d", n_bytes,
                       TOKENIZER_FILE_MAX);
    unsigned words = slots_log2(n), pairs = slots_log2(n_merges);
    size_t slots = ((size_t)1 << words) + ((size_t)1 << pairs);
    bpe *b = arena_try(perm, sizeof *b + n * sizeof *b->words + n_merges * sizeof *b->merges +
                                 slots * sizeof(uint32_t) + n_bytes + 1);
    if (!b) return err_set(e, E_MEMORY, "no memory for a vocabulary of %zu tokens", n);
    b->word_shift = 64 - words;
    b->pair_shift = 64 - pairs;
    b->words = (bpe_word *)(b + 1);
    b->merges = (uint64_t *)(b->words + n);
    b->word_slots = (uint32_t *)(b->merges + n_merges);
    b->pair_slots = b->word_slots + ((size_t)1 << words);
    b->bytes = (char *)(b->word_slots + slots);
    b->unknown = BPE__NONE;
    *out = b;
    return OK;
}

// Puts `index` into the first free slot for a hash. E_LIMIT when that is too far (I3).
static status occupy(uint32_t *slots, unsigned shift, uint64_t hash, uint32_t index, err *e) {
    size_t mask = ~(size_t)0 >> shift, first = hash >> shift;
    for (size_t i = 0; i < PROBES_MAX; i++) {
        uint32_t *slot = &slots[(first + i) & mask];
        if (*slot) continue;
        *slot = bpe__tag(hash) | (index + 1);
        return OK;
    }
    return err_set(e, E_LIMIT, "vocabulary: over %d tokens or merges collide", PROBES_MAX);
}

status bpe__add(bpe *b, str s, bool is_word, err *e) {
    uint32_t id = b->n++;
    if (s.len > BPE_TOKEN_MAX)
        return err_set(e, E_LIMIT, "vocabulary: id %u has %zu bytes, limit %d", id, s.len,
                       BPE_TOKEN_MAX);
    if (s.len == 0) return OK;
    uint64_t head = bpe__head(s.ptr, s.len, s.ptr + s.len);
    uint16_t len = (uint16_t)s.len;
    memcpy(b->bytes + b->n_bytes, s.ptr, s.len);
    b->words[id] = (bpe_word){head, (uint32_t)b->n_bytes, len, is_word ? len : 0};
    b->n_bytes += s.len;
    if (!is_word) return OK;
    uint32_t old = bpe__find(b, s.ptr, s.len, s.ptr + s.len);
    if (old != BPE__NONE)
        return err_set(e, E_FORMAT, "vocabulary: ids %u and %u have the same bytes", old, id);
    if (len > b->max_len) b->max_len = len;
    return occupy(b->word_slots, b->word_shift, bpe__word_hash(head, s.ptr, s.len), id, e);
}

// The slot of a pair that is there, or NULL.
static uint32_t *pair_slot(const bpe *b, uint64_t pair) {
    uint64_t h = bpe__pair_hash(pair);
    size_t mask = ~(size_t)0 >> b->pair_shift;
    uint32_t tag = bpe__tag(h), slot;
    for (size_t i = h >> b->pair_shift; (slot = b->pair_slots[i]); i = (i + 1) & mask) {
        uint32_t m = bpe__index(slot, tag);
        if (m != BPE__NONE && b->merges[m] >> BPE__ID_BITS == pair) return &b->pair_slots[i];
    }
    return NULL;
}

status bpe__merge(bpe *b, uint32_t left, uint32_t right, uint32_t id, err *e) {
    uint64_t pair = (uint64_t)left << BPE__ID_BITS | right;
    uint32_t m = b->n_merges, *slot = pair_slot(b, pair);
    b->merges[b->n_merges++] = pair << BPE__ID_BITS | id;
    if (!slot) return occupy(b->pair_slots, b->pair_shift, bpe__pair_hash(pair), m, e);
    *slot = bpe__tag(bpe__pair_hash(pair)) | (m + 1);
    return OK;
}

// --- Pieces -------------------------------------------------------------------------------------

static status push(bpe_out *out, uint32_t id, err *e) {
    if (out->n == out->cap) return err_set(e, E_LIMIT, "no room for over %zu ids", out->cap);
    out->id[out->n++] = (int32_t)id;
    return OK;
}

// The bytes of a symbol as tokens "<0xXX>". *done is false when one of them is none.
static status fall_back(bool *done, bpe_out *out, const bpe *b, str s, err *e) {
    *done = b->has_fallback;
    for (size_t i = 0; i < s.len && *done; i++)
        *done = b->fallback[(unsigned char)s.ptr[i]] != BPE__NONE;
    for (size_t i = 0; i < s.len && *done; i++)
        TRY(push(out, b->fallback[(unsigned char)s.ptr[i]], e));
    return OK;
}

// A symbol with what stands around it, as the vocabulary spells it; returns its length.
static size_t spell(char to[2 * BPE__AFFIX_MAX + UTF8_MAX], const bpe *b, str unit, bool is_first,
                    bool is_last) {
    size_t n = 0;
    if (!is_first && b->prefix.len) memcpy(to, b->prefix.ptr, b->prefix.len), n = b->prefix.len;
    memcpy(to + n, unit.ptr, unit.len), n += unit.len;
    if (is_last && b->suffix.len) memcpy(to + n, b->suffix.ptr, b->suffix.len), n += b->suffix.len;
    return n;
}

// What is no token, in a row: one unknown is held back, for the next may belong to it.
static status add_unknown(bpe_out *out, const bpe *b, bool *is_held, err *e) {
    if (*is_held && !b->fuses_unknown) TRY(push(out, b->unknown, e));
    *is_held = b->unknown != BPE__NONE;
    return OK;
}

static status add_symbols(bpe_out *out, const bpe *b, str piece, err *e) {
    bool is_held = false, done;
    char text[2 * BPE__AFFIX_MAX + UTF8_MAX];
    for (size_t at = 0, len; at < piece.len; at += len) {
        int32_t cp;
        len = b->has_chars ? utf8_decode(&cp, str_skip(piece, at)) : 1;
        str unit = {text, spell(text, b, str_first(str_skip(piece, at), len), at == 0,
                                at + len == piece.len)};
        uint32_t id = bpe__find(b, unit.ptr, unit.len, unit.ptr + unit.len);
        if (id != BPE__NONE) {
            if (is_held) TRY(push(out, b->unknown, e));
            is_held = false;
            TRY(push(out, id, e));
            continue;
        }
        if (!b->has_chars) {  // the library sees the characters that bytes are written as
            char shown[UTF8_MAX];
            size_t n = utf8_encode(shown, bpe__char_of((unsigned char)piece.ptr[at]));
            unit.len = spell(text, b, (str){shown, n}, at == 0, at + len == piece.len);
        }
        TRY(fall_back(&done, out, b, unit, e));
        if (!done) TRY(add_unknown(out, b, &is_held, e));
    }
    return is_held ? push(out, b->unknown, e) : OK;
}

// A piece that is no word of its own.
static status merge_piece(bpe_out *out, const bpe *b, str piece, arena scratch, err *e) {
    size_t from = out->n, n;
    if (!b->is_complete) {
        TRY(add_symbols(out, b, piece, e));
    } else {
        if (piece.len > out->cap - out->n)
            return err_set(e, E_LIMIT, "no room for over %zu ids", out->cap);
        for (size_t i = 0; i < piece.len; i++)
            out->id[out->n++] = (int32_t)b->byte_id[(unsigned char)piece.ptr[i]];
    }
    n = out->n - from;
    TRY(bpe__merge_all(out->id + from, &n, b, scratch, e));
    out->n = from + n;
    return OK;
}

// Where the first of several words ends: before a U+2581 behind another character.
static size_t first_word(str s) {
    static const char mark[] = "\xE2\x96\x81";
    size_t at = 0;
    while (s.len - at >= 3 && memcmp(s.ptr + at, mark, 3) == 0)
        at += 3;
    size_t len = str_find(str_skip(s, at), (str){mark, 3});
    return at + len;
}

status bpe__encode(bpe_out *out, const bpe *b, str piece, const char *end, arena scratch, err *e) {
    bool has_affix = b->prefix.len || b->suffix.len;
    while (piece.len) {
        size_t len = b->has_cuts ? first_word(piece) : piece.len;
        uint32_t id = has_affix && !b->is_whole ? BPE__NONE : bpe__find(b, piece.ptr, len, end);
        if (id != BPE__NONE)
            TRY(push(out, id, e));
        else
            TRY(merge_piece(out, b, str_first(piece, len), scratch, e));
        piece = str_skip(piece, len);
    }
    return OK;
}

// Whether merges join a U+2581 to something before it that is another character.
static bool joins_words(const bpe *b) {
    static const str mark = STR_INIT("\xE2\x96\x81");
    for (uint32_t m = 0; m < b->n_merges; m++) {
        const bpe_word *l = &b->words[b->merges[m] >> 2 * BPE__ID_BITS];
        const bpe_word *r = &b->words[b->merges[m] >> BPE__ID_BITS & ((1u << BPE__ID_BITS) - 1)];
        str left = {b->bytes + l->off, l->len}, right = {b->bytes + r->off, r->len};
        if (str_starts(right, mark) && !str_ends(left, mark)) return true;
    }
    return bpe__find(b, mark.ptr, mark.len, mark.ptr + mark.len) == BPE__NONE;
}

status bpe__seal(bpe *b, arena scratch, err *e) {
    bool has_affix = b->prefix.len || b->suffix.len;
    b->is_complete = !b->has_chars && !has_affix;
    for (int c = 0; c < 256; c++) {
        char byte = (char)c;
        b->byte_id[c] = bpe__find(b, &byte, 1, &byte + 1);
        if (b->byte_id[c] == BPE__NONE) b->is_complete = false;
    }
    b->has_cuts = b->has_chars && !has_affix && !b->is_whole && !joins_words(b);
    if (has_affix || b->is_whole) return OK;
    bpe_out out = {.cap = 4 * BPE_TOKEN_MAX};
    out.id = arena_try_array(&scratch, out.cap, sizeof *out.id);
    if (!out.id) return err_set(e, E_MEMORY, "no memory for a word's ids");
    // Symbols are looked up among the words, so none goes before all were looked at.
    uint8_t *stays = arena_try(&scratch, b->n);
    if (!stays) return err_set(e, E_MEMORY, "no memory for %u words", b->n);
    for (uint32_t id = 0; id < b->n; id++) {
        bpe_word *w = &b->words[id];
        out.n = 0;
        if (w->find_len) TRY(merge_piece(&out, b, (str){b->bytes + w->off, w->len}, scratch, e));
        stays[id] = out.n == 1 && (uint32_t)out.id[0] == id;
    }
    for (uint32_t id = 0; id < b->n; id++)
        if (!stays[id]) b->words[id].find_len = 0;
    return OK;
}

static status seal_bytes(bpe *b, err *e) {
    arena scratch;
    TRY(arena_open(&scratch, (size_t)8 << 20, e));
    status s = bpe__seal(b, scratch, e);
    arena_close(&scratch);
    for (int c = 0; c < 256 && !s; c++)
        if (b->byte_id[c] == BPE__NONE)
            s = err_set(e, E_FORMAT, "vocabulary: no token for byte 0x%02x", c);  // I1
    return s;
}

// --- The compact table --------------------------------------------------------------------------

static uint64_t le(str s, size_t at, size_t n) {
    uint64_t v = 0;
    for (size_t i = n; i-- > 0;)
        v = v << 8 | (unsigned char)s.ptr[at + i];
    return v;
}

static uint64_t fnv1a(str s) {
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.ptr[i]) * 0x100000001b3u;
    return h;
}

// Checks all that can be seen without the tokens; *n and *n_bytes are then safe to use.
static status check_head(size_t *n, size_t *n_bytes, str table, err *e) {
    if (table.len < TABLE_HEAD || !str_starts(table, STR("bpe-tab2")))
        return err_set(e, E_FORMAT, "vocabulary: not a bpe-tab2 table");
    uint64_t count = le(table, 8, 4), bytes = le(table, 12, 4), sum = 0;
    if (count > BPE_VOCAB_MAX)
        return err_set(e, E_LIMIT, "vocabulary: %u tokens, limit %d", (unsigned)count,
                       BPE_VOCAB_MAX);
    for (size_t i = 0; table.len == TABLE_HEAD + 2 * count + bytes && i < count; i++)
        sum += (unsigned char)table.ptr[TABLE_HEAD + i];
    if (table.len != TABLE_HEAD + 2 * count + bytes || sum != bytes)
        return err_set(e, E_FORMAT, "vocabulary: its lengths do not add up");
    if (fnv1a(str_skip(table, TABLE_HEAD)) != le(table, 16, 8))
        return err_set(e, E_FORMAT, "vocabulary: the checksum does not match");
    *n = count;
    *n_bytes = bytes;
    return OK;
}

// The merge that makes token `id` of its first `left` bytes and the others.
static status add_merge(bpe *b, uint32_t id, size_t left, err *e) {
    str s = {b->bytes + b->words[id].off, b->words[id].len};
    if (s.len < 2) return OK;
    const char *end = s.ptr + s.len;
    uint32_t l = BPE__NONE, r = BPE__NONE;
    if (left > 0 && left < s.len) {
        l = bpe__find(b, s.ptr, left, end);
        r = bpe__find(b, s.ptr + left, s.len - left, end);
    }
    if (l == BPE__NONE || r == BPE__NONE)
        return err_set(e, E_FORMAT, "vocabulary: id %u is not made of two tokens", id);
    return bpe__merge(b, l, r, id, e);
}

static status fill(bpe *b, str table, size_t n, err *e) {
    const unsigned char *len = (const unsigned char *)table.ptr + TABLE_HEAD, *left = len + n;
    str bytes = str_skip(table, TABLE_HEAD + 2 * n);
    for (size_t i = 0; i < n; bytes = str_skip(bytes, len[i++]))
        TRY(bpe__add(b, str_first(bytes, len[i]), true, e));
    for (uint32_t id = 0; id < n; id++)
        TRY(add_merge(b, id, left[id], e));
    return seal_bytes(b, e);
}

status bpe__open_table(bpe **out, str table, arena *perm, err *e) {
    size_t n = 0, n_bytes = 0;
    TRY(check_head(&n, &n_bytes, table, e));
    TRY(bpe__new(out, n, n_bytes, n, perm, e));
    return fill(*out, table, n, e);
}
