// Byte-level BPE: pieces of text become the tokens whose merges have the lowest rank.
//
// Most pieces of ordinary text are one token, so each piece is looked up whole first. The others
// are merged: by scanning for the lowest pair while the piece is short, and with a heap over a
// linked list when it is long, so that a megabyte of one letter costs n log n. A rank is the id of
// the concatenated bytes, as in tiktoken, so one table of byte strings serves both. Rejected: a
// table of pairs (three times the memory, 30 ms to build) and a cache of words (shared state).
//
// Table format, little endian: "bpe-tab1", u32 count, u32 bytes, u64 FNV-1a of the rest, then count
// lengths of one byte each, then the bytes of all tokens in the order of their ids. Length 0 marks
// an id that no text gives (a special token).
//
//   I1  every single byte is a token, so everything can be encoded
//   I2  no two tokens have the same bytes: a string has at most one id
//   I3  a slot is 0 or tag << ID_BITS | id + 1, and at most half of the slots are in use

#include "text/bpe.h"

#include "base/utf8.h"
#include "text/split.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    TABLE_HEAD = 24,
    ID_BITS = 18,
    VOCAB_MAX = (1 << ID_BITS) - 2,
    SHORT_PIECE = 64,  // bytes; below, scanning beats the heap
};
#define NONE UINT32_MAX

struct bpe {
    uint32_t n, max_len;
    uint32_t mask;
    uint32_t *slot;  // mask + 1 of them (I3)
    uint32_t *off;   // n + 1: where each token's bytes start
    char *bytes;
};

// --- Looking up ---------------------------------------------------------------------------------

str bpe_token(const bpe *b, int32_t id) {
    if (id < 0 || (uint32_t)id >= b->n) return (str){0};
    return (str){b->bytes + b->off[id], b->off[id + 1] - b->off[id]};
}

size_t bpe_vocab(const bpe *b) {
    return b->n;
}

// The slot that holds `s`, or the free one where it belongs. *id is NONE in the second case.
static uint32_t *probe(uint32_t *id, uint32_t *tag, const bpe *b, str s) {
    uint64_t h = str_hash(s, 0);
    *tag = (uint32_t)(h >> 32) & ~(((uint32_t)1 << ID_BITS) - 1);
    for (uint32_t i = (uint32_t)h & b->mask;; i = (i + 1) & b->mask) {
        uint32_t v = b->slot[i];
        *id = v ? (v & (((uint32_t)1 << ID_BITS) - 1)) - 1 : NONE;
        if (!v || ((v ^ *tag) >> ID_BITS == 0 && str_eq(bpe_token(b, (int32_t)*id), s)))
            return &b->slot[i];
    }
}

static uint32_t find(const bpe *b, const char *ptr, size_t len) {
    uint32_t id, tag;
    if (len > b->max_len) return NONE;
    probe(&id, &tag, b, (str){ptr, len});
    return id;
}

// --- Loading ------------------------------------------------------------------------------------

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
static status check_head(uint32_t *n, uint32_t *n_bytes, str table, err *e) {
    if (table.len < TABLE_HEAD || !str_starts(table, STR("bpe-tab1")))
        return err_set(e, E_FORMAT, "vocabulary: not a bpe-tab1 table");
    uint64_t count = le(table, 8, 4), bytes = le(table, 12, 4), sum = 0;
    if (count > VOCAB_MAX)
        return err_set(e, E_LIMIT, "vocabulary: %u tokens, limit %d", (unsigned)count, VOCAB_MAX);
    for (size_t i = 0; table.len == TABLE_HEAD + count + bytes && i < count; i++)
        sum += (unsigned char)table.ptr[TABLE_HEAD + i];
    if (table.len != TABLE_HEAD + count + bytes || sum != bytes)
        return err_set(e, E_FORMAT, "vocabulary: its lengths do not add up");
    if (fnv1a(str_skip(table, TABLE_HEAD)) != le(table, 16, 8))
        return err_set(e, E_FORMAT, "vocabulary: the checksum does not match");
    *n = (uint32_t)count;
    *n_bytes = (uint32_t)bytes;
    return OK;
}

static status add_token(bpe *b, uint32_t id, err *e) {
    str s = bpe_token(b, (int32_t)id);
    uint32_t old, tag;
    if (s.len == 0) return OK;
    uint32_t *slot = probe(&old, &tag, b, s);
    if (old != NONE)
        return err_set(e, E_FORMAT, "vocabulary: ids %u and %u have the same bytes", old, id);
    *slot = tag | (id + 1);
    return OK;
}

static status fill(bpe *b, str table, err *e) {
    const unsigned char *len = (const unsigned char *)table.ptr + TABLE_HEAD;
    memcpy(b->bytes, len + b->n, table.len - TABLE_HEAD - b->n);
    for (uint32_t i = 0; i < b->n; i++) {
        b->off[i + 1] = b->off[i] + len[i];
        if (len[i] > b->max_len) b->max_len = len[i];
    }
    for (uint32_t i = 0; i < b->n; i++)
        TRY(add_token(b, i, e));
    for (int c = 0; c < 256; c++)
        if (find(b, &(char){(char)c}, 1) == NONE)  // I1
            return err_set(e, E_FORMAT, "vocabulary: no token for byte 0x%02x", c);
    return OK;
}

status bpe_open(bpe **out, str table, err *e) {
    *out = NULL;
    uint32_t n = 0, n_bytes = 0, n_slots = 1024;
    TRY(check_head(&n, &n_bytes, table, e));
    while (n_slots < 2 * n)  // I3
        n_slots *= 2;
    size_t words = (size_t)n_slots + n + 1;
    bpe *b = calloc(1, sizeof *b + words * sizeof(uint32_t) + n_bytes + 1);
    if (!b) return err_set(e, E_MEMORY, "no memory for a vocabulary of %u tokens", n);
    b->n = n;
    b->mask = n_slots - 1;
    b->slot = (uint32_t *)(b + 1);
    b->off = b->slot + n_slots;
    b->bytes = (char *)(b->off + n + 1);
    status s = fill(b, table, e);
    if (s)
        bpe_close(b);
    else
        *out = b;
    return s;
}

void bpe_close(bpe *b) {
    free(b);
}

extern const char bpe__gpt2_table[], bpe__gpt2_table_end[];
static bpe *gpt2;

static void open_gpt2(void) {
    size_t len = (size_t)(bpe__gpt2_table_end - bpe__gpt2_table);
    CHECK(bpe_open(&gpt2, (str){bpe__gpt2_table, len}, NULL) == OK);
    CHECK(gpt2->n == BPE_GPT2_VOCAB);
}

const bpe *bpe_gpt2(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, open_gpt2);
    return gpt2;
}

// --- Merging a short piece ----------------------------------------------------------------------

typedef struct ids {
    int32_t *at;
    size_t n;
} ids;

typedef struct part {
    uint32_t from;  // where it starts; it ends where the next one starts
    uint32_t rank;  // of this part and the next one together, or NONE
} part;

static uint32_t rank_of(const bpe *b, str piece, const part *p, size_t i, size_t n) {
    if (i + 2 >= n) return NONE;
    return find(b, piece.ptr + p[i].from, p[i + 2].from - p[i].from);
}

static void merge_short(ids *out, const bpe *b, str piece) {
    part p[SHORT_PIECE + 1];
    size_t n = piece.len + 1;  // the last part is empty and marks the end
    for (size_t i = 0; i < n; i++)
        p[i].from = (uint32_t)i;
    for (size_t i = 0; i < n; i++)
        p[i].rank = rank_of(b, piece, p, i, n);
    for (;;) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            if (p[i].rank < p[best].rank) best = i;
        if (p[best].rank == NONE) break;
        n--;
        memmove(p + best + 1, p + best + 2, (n - best - 1) * sizeof *p);
        p[best].rank = rank_of(b, piece, p, best, n);
        if (best) p[best - 1].rank = rank_of(b, piece, p, best - 1, n);
    }
    for (size_t i = 0; i + 1 < n; i++)
        out->at[out->n++] = (int32_t)find(b, piece.ptr + p[i].from, p[i + 1].from - p[i].from);
}

// --- Merging a long piece -----------------------------------------------------------------------

// A part is named by the offset of its first byte. Heap keys are rank << 32 | offset, so that the
// leftmost of equal ranks comes first; a key is stale when the part's rank is another by now.
typedef struct chain {
    const bpe *b;
    str piece;
    uint32_t *next, *prev, *rank;
    uint64_t *heap;
    size_t n_heap;
} chain;

static void heap_push(chain *c, uint64_t key) {
    size_t i = c->n_heap++;
    for (; i && c->heap[(i - 1) / 2] > key; i = (i - 1) / 2)
        c->heap[i] = c->heap[(i - 1) / 2];
    c->heap[i] = key;
}

static uint64_t heap_pop(chain *c) {
    uint64_t least = c->heap[0], key = c->heap[--c->n_heap];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < c->n_heap; i = child) {
        if (child + 1 < c->n_heap && c->heap[child + 1] < c->heap[child]) child++;
        if (key <= c->heap[child]) break;
        c->heap[i] = c->heap[child];
    }
    c->heap[i] = key;
    return least;
}

// Looks the pair at `i` up again and queues it.
static void chain_rank(chain *c, uint32_t i) {
    uint32_t mid = c->next[i];
    c->rank[i] = NONE;
    if (mid == c->piece.len) return;
    c->rank[i] = find(c->b, c->piece.ptr + i, c->next[mid] - i);
    if (c->rank[i] != NONE) heap_push(c, (uint64_t)c->rank[i] << 32 | i);
}

static void chain_merge(chain *c, uint32_t i) {
    uint32_t gone = c->next[i], after = c->next[gone];
    c->rank[gone] = NONE;
    c->next[i] = after;
    if (after < c->piece.len) c->prev[after] = i;
    chain_rank(c, i);
    if (i) chain_rank(c, c->prev[i]);
}

static status merge_long(ids *out, const bpe *b, str piece, arena scratch, err *e) {
    size_t n = piece.len;
    chain c = {.b = b, .piece = piece};
    c.next = arena_try_array(&scratch, n, sizeof *c.next);
    c.prev = arena_try_array(&scratch, n, sizeof *c.prev);
    c.rank = arena_try_array(&scratch, n, sizeof *c.rank);
    c.heap = arena_try_array(&scratch, 2 * n, sizeof *c.heap);  // a merge takes one, adds two
    if (!c.next || !c.prev || !c.rank || !c.heap)
        return err_set(e, E_LIMIT, "no room to tokenize a word of %zu bytes", n);
    for (uint32_t i = 0; i < n; i++)
        c.next[i] = i + 1, c.prev[i] = i - 1;
    for (uint32_t i = 0; i < n; i++)
        chain_rank(&c, i);
    while (c.n_heap) {
        uint64_t key = heap_pop(&c);
        if (c.rank[(uint32_t)key] == key >> 32) chain_merge(&c, (uint32_t)key);
    }
    for (uint32_t i = 0; i < n; i = c.next[i])
        out->at[out->n++] = (int32_t)find(b, piece.ptr + i, c.next[i] - i);
    return OK;
}

// --- Encoding and decoding ----------------------------------------------------------------------

static status encode_piece(ids *out, const bpe *b, str piece, arena scratch, err *e) {
    uint32_t id = find(b, piece.ptr, piece.len);
    if (id != NONE) {
        out->at[out->n++] = (int32_t)id;
        return OK;
    }
    if (piece.len > SHORT_PIECE) return merge_long(out, b, piece, scratch, e);
    merge_short(out, b, piece);
    return OK;
}

status bpe_encode(int32_t **out, size_t *n, const bpe *b, str text, arena *a, err *e) {
    *out = NULL, *n = 0;
    if (text.len > BPE_TEXT_MAX)
        return err_set(e, E_LIMIT, "text of %zu bytes to tokenize, limit %d", text.len,
                       BPE_TEXT_MAX);
    ids got = {.at = arena_try_array(a, text.len, sizeof *got.at)};  // a token is a byte or more
    if (!got.at) return err_set(e, E_LIMIT, "no room to tokenize %zu bytes", text.len);
    size_t spare = a->used;
    while (text.len) {
        size_t len = split_gpt2(text);
        TRY(encode_piece(&got, b, str_first(text, len), *a, e));
        text = str_skip(text, len);
    }
    *out = got.at, *n = got.n;
    ASSERT(spare == a->used);
    a->used = (size_t)((uint8_t *)(got.at + got.n) - a->base);  // gives back what was not needed
    return OK;
}

// Appends `s` with each malformed part as U+FFFD.
static void add_clean(buf *out, str s) {
    while (s.len) {
        int32_t cp;
        size_t len = utf8_decode(&cp, s);
        buf_add(out, cp == UTF8_BAD ? STR("\xEF\xBF\xBD") : str_first(s, len));
        s = str_skip(s, len);
    }
}

void bpe_stream_add(bpe_stream *s, buf *out, const bpe *b, int32_t id) {
    char all[sizeof s->held + 255];
    str token = bpe_token(b, id);
    if (token.len == 0) return;
    memcpy(all, s->held, s->n_held);
    memcpy(all + s->n_held, token.ptr, token.len);
    str text = {all, s->n_held + token.len};
    size_t whole = utf8_complete(text);
    add_clean(out, str_first(text, whole));
    s->n_held = text.len - whole;
    memcpy(s->held, all + whole, s->n_held);
}

void bpe_stream_end(bpe_stream *s, buf *out) {
    add_clean(out, (str){s->held, s->n_held});
    s->n_held = 0;
}
