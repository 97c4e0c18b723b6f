// Symbols: which substrings get a code, and coding with them.
//
// Training is FSST's: code the sample with the symbols at hand, count codes and pairs of
// neighbours, keep the 255 candidates that cover most bytes; a few rounds grow symbols from one
// byte to eight.
//
// Rejected: FSST's one symbol per first three bytes (a shortcut for speed that costs 2 %): a key's
// suffix is short, and all symbols that start with its byte are few. Huffman codes (a tenth
// smaller, several times slower to read).
//
//   I1  the table depends on the sample alone: ties are broken by the symbol's bytes

#include "store/symbols.h"

#include <stdlib.h>

enum { ROUNDS = 6, CODES = 512, CANDIDATES = 1 << 17 };

typedef struct candidate {
    uint64_t word, gain;
    size_t len;
} candidate;

static uint64_t word_at(const char *p, size_t n) {
    uint64_t w = 0;
    memcpy(&w, p, min_size(n, 8));
    return w;
}

static uint64_t mask_of(size_t len) {
    return len >= 8 ? ~0ull : (1ull << (8 * len)) - 1;
}

// --- Coding ----------------------------------------------------------------------------------

// The longest symbol at the start of s, or -1.
static int longest(const store_symbols *t, str s) {
    uint64_t w = s.len >= 8 ? word_at(s.ptr, 8) : word_at(s.ptr, s.len);
    uint8_t c = (uint8_t)s.ptr[0];
    for (size_t i = t->first[c]; i < t->first[c + 1]; i++)
        if (!((w ^ t->word[i]) & t->mask[i]) && t->table.len[t->order[i]] <= s.len)
            return t->order[i];
    return -1;
}

size_t store__encode(uint8_t *dst, const store_symbols *t, str s) {
    size_t n = 0;
    while (s.len) {
        int code = longest(t, s);
        dst[n++] = code < 0 ? SYMBOL_ESCAPE : (uint8_t)code;
        if (code < 0) dst[n++] = (uint8_t)s.ptr[0];
        s = str_skip(s, code < 0 ? 1 : t->table.len[code]);
    }
    return n;
}

size_t store__decode(char *dst, size_t at, const store__symbols *t, str code) {
    for (size_t i = 0; i < code.len; i++) {
        uint8_t c = (uint8_t)code.ptr[i];
        if (c == SYMBOL_ESCAPE) {
            if (++i >= code.len || at >= STORE_KEY_MAX) break;
            dst[at++] = code.ptr[i];
        } else if (at + SYMBOL_MAX <= STORE_KEY_MAX) {
            memcpy(dst + at, t->text[c], SYMBOL_MAX);
            at += t->len[c];
        } else {
            size_t n = min_size(t->len[c], STORE_KEY_MAX - at);
            memcpy(dst + at, t->text[c], n);
            at += n;
        }
    }
    return at;
}

// --- Training --------------------------------------------------------------------------------

static int by_place(const void *x, const void *y, void *arg) {
    const store__symbols *t = arg;
    uint8_t a = *(const uint8_t *)x, b = *(const uint8_t *)y;
    if (t->text[a][0] != t->text[b][0]) return t->text[a][0] < t->text[b][0] ? -1 : 1;
    if (t->len[a] != t->len[b]) return t->len[a] > t->len[b] ? -1 : 1;
    return memcmp(t->text[a], t->text[b], SYMBOL_MAX);
}

static void set_symbols(store_symbols *t, const candidate *c, size_t n) {
    memset(t, 0, sizeof *t);
    for (size_t i = 0; i < n; i++) {
        memcpy(t->table.text[i], &c[i].word, SYMBOL_MAX);
        t->table.len[i] = (uint8_t)c[i].len;
        t->order[i] = (uint8_t)i;
    }
    qsort_r(t->order, n, 1, by_place, &t->table);
    for (size_t i = n; i-- > 0;) {
        uint8_t code = t->order[i];
        memcpy(&t->word[i], t->table.text[code], SYMBOL_MAX);
        t->mask[i] = mask_of(t->table.len[code]);
    }
    for (size_t b = 0, i = 0; b <= 256; b++) {
        while (i < n && t->table.text[t->order[i]][0] < b)
            i++;
        t->first[b] = (uint8_t)i;
    }
}

typedef struct counts {
    uint32_t one[CODES], two[CODES][CODES];
} counts;

static void count_key(counts *c, const store_symbols *t, str s) {
    int before = -1;
    while (s.len) {
        int code = longest(t, s);
        size_t used = code < 0 ? 1 : t->table.len[code];
        if (code < 0) code = 256 + (uint8_t)s.ptr[0];
        c->one[code]++;
        if (before >= 0) c->two[before][code]++;
        before = code;
        s = str_skip(s, used);
    }
}

static void count_sample(counts *c, const store_symbols *t, const str *sample, size_t n) {
    memset(c, 0, sizeof *c);
    for (size_t i = 0; i < n; i++) {
        size_t lcp = 0, max = i ? min_size(sample[i].len, sample[i - 1].len) : 0;
        while (lcp < max && sample[i].ptr[lcp] == sample[i - 1].ptr[lcp])
            lcp++;
        count_key(c, t, str_skip(sample[i], lcp));
    }
}

static candidate of_code(const store_symbols *t, size_t code) {
    if (code >= 256) return (candidate){code - 256, 0, 1};
    candidate c = {0, 0, t->table.len[code]};
    memcpy(&c.word, t->table.text[code], SYMBOL_MAX);
    return c;
}

static int by_word(const void *x, const void *y) {
    const candidate *a = x, *b = y;
    if (a->len != b->len) return a->len < b->len ? -1 : 1;
    return a->word < b->word ? -1 : a->word > b->word;
}

static int by_gain(const void *x, const void *y) {
    const candidate *a = x, *b = y;
    if (a->gain != b->gain) return a->gain > b->gain ? -1 : 1;
    return by_word(x, y);
}

static size_t merge_same(candidate *c, size_t n) {
    size_t kept = 0;
    qsort(c, n, sizeof *c, by_word);
    for (size_t i = 0; i < n; i++)
        if (kept && !by_word(&c[kept - 1], &c[i]))
            c[kept - 1].gain += c[i].gain;
        else
            c[kept++] = c[i];
    return kept;
}

static size_t candidates(candidate *out, const counts *n, const store_symbols *t) {
    size_t k = 0;
    for (size_t i = 0; i < CODES; i++) {
        if (!n->one[i]) continue;
        candidate a = of_code(t, i);
        a.gain = (uint64_t)n->one[i] * a.len;
        if (k < CANDIDATES) out[k++] = a;
        for (size_t j = 0; j < CODES; j++) {
            candidate b = of_code(t, j);
            if (n->two[i][j] < 2 || a.len + b.len > SYMBOL_MAX || k == CANDIDATES) continue;
            size_t len = a.len + b.len;
            out[k++] = (candidate){a.word | b.word << (8 * a.len), n->two[i][j] * len, len};
        }
    }
    return merge_same(out, k);
}

status store_symbols_train(store_symbols **out, const str *sample, size_t n, arena *perm, err *e) {
    store_symbols *t = arena_try(perm, sizeof *t);
    arena scratch = {0};
    if (!t) return err_set(e, E_MEMORY, "no room for symbols");
    TRY(arena_open(&scratch, sizeof(counts) + sizeof(candidate) * CANDIDATES + (64 << 10), e));
    counts *c = arena_new(&scratch, counts);
    candidate *can = arena_array(&scratch, candidate, CANDIDATES);
    for (size_t round = 0; round < ROUNDS; round++) {
        count_sample(c, t, sample, n);
        size_t k = candidates(can, c, t);
        qsort(can, k, sizeof *can, by_gain);
        set_symbols(t, can, min_size(k, SYMBOLS));
    }
    arena_close(&scratch);
    *out = t;
    return OK;
}
