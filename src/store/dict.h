// store/dict.h -- a sorted dictionary of strings with a small number beside each, mapped from disk.
//
// Keys are in the order of store_fold_cmp, front-coded in blocks of STORE_DICT_BLOCK, their
// suffixes written with a table of 255 symbols trained on a sample; a block also holds its keys'
// payloads, so that a look-up touches one place. The rank of a key is its place, 0..n-1: a prefix
// is a range of ranks, and its size is a subtraction.
//
//   Owner     store_dict points into the bytes it was opened on
//   Threads   reader: any; writer: one
//   Limits    STORE_KEY_MAX bytes per key, 2^32-2 keys, payloads of 0..56 bits
//   Errors    open: E_FORMAT. Afterwards damaged bytes give wrong keys, never a read outside.
//   Format    one section: blocks, heads, block offsets, symbols, trailer (dict.c)
//   Source    front coding: Witten, Moffat, Bell, "Managing Gigabytes", 4.1; symbols: Boncz,
//             Neumann, Leis, "FSST: Fast Random Access String Compression", VLDB 2020
#ifndef STORE_DICT_H
#define STORE_DICT_H

#include "store/bits.h"

enum { STORE_KEY_MAX = 1024, STORE_DICT_BLOCK = 32, STORE_NEAR_MAX = 120, STORE_DICT_LEVELS = 8 };

// --- Read ------------------------------------------------------------------------------------

typedef struct store_dict {
    str blocks;
    // How the folds of the blocks' first keys start, as numbers; behind them every 16th of those,
    // and so on, so that a search touches a few lines of each level.
    const uint8_t *heads;
    size_t level[STORE_DICT_LEVELS + 1], n_levels;  // where each starts, counted in heads
    size_t n, n_blocks;
    unsigned payload_bits;
    const struct store__symbols *symbols;  // NULL: suffixes are plain bytes
    store_packed offsets;                  // of blocks, and the last one's end
} store_dict;

NODISCARD status store_dict_open(store_dict *d, str bytes, err *e);
// The key at `rank` (< n) into `out` of STORE_KEY_MAX bytes; returns it. `payload` may be NULL.
str store_dict_get(const store_dict *d, size_t rank, char *out, uint64_t *payload);
// The payloads of block `block`, no key decoded; returns how many, 0 for a damaged block.
size_t store_dict_payloads(uint64_t out[STORE_DICT_BLOCK], const store_dict *d, size_t block);
// Whether `key` (byte for byte) is there.
bool store_dict_find(size_t *rank, uint64_t *payload, const store_dict *d, str key);
// Ranks [*lo, *hi) of the keys whose fold starts with `folded` (which is folded already).
void store_dict_prefix(size_t *lo, size_t *hi, const store_dict *d, str folded);
// Ranks [*lo, *hi) of the keys whose fold is `folded`.
void store_dict_equal(size_t *lo, size_t *hi, const store_dict *d, str folded);
// First rank whose fold is not before `folded`.
size_t store_dict_bound(const store_dict *d, str folded);

// Runs over keys in order from any rank; a block is decoded once.
typedef struct store_dict_cursor {
    const store_dict *d;
    size_t rank;  // of the key that next() gives next
    str rest;     // of the block, dict.c's
    const char *payloads;
    unsigned lcp_base, len_base;
    size_t key_len;
    size_t lcp;  // how many bytes the last key shares with the one before it in its block
    char key[STORE_KEY_MAX];
} store_dict_cursor;
void store_dict_seek(store_dict_cursor *c, const store_dict *d, size_t rank);
// False at the end. *key lives until the next call. `payload` may be NULL.
bool store_dict_next(str *key, uint64_t *payload, store_dict_cursor *c);

typedef struct store_near {
    uint32_t rank, distance;
} store_near;

typedef struct store_near_query {
    str folded;           // nothing is near one of over STORE_NEAR_MAX code points
    unsigned distance;    // edits: insert, delete, change, swap of two code points; 0..2
    unsigned n_same;      // so many code points at the start agree; more are quicker
    bool is_prefix;       // a key is as near as the nearest of its prefixes
    size_t budget;        // blocks decoded at most
    int64_t deadline_ns;  // os_now_ns; 0 for none
} store_near_query;

// Ranks of the keys whose fold is within `distance` edits. Writes up to `max` {rank, distance} in
// order of rank; stops early, and sets *is_cut, for the budget, the deadline or having found `max`.
// One edit takes some hundred blocks of any dictionary, two some thousand.
// Source: Schulz, Mihov 2002 (what is computed); rows of the matrix are shared along the order.
size_t store_dict_near(store_near *out, size_t max, bool *is_cut, const store_dict *d,
                       const store_near_query *q);

// --- Write -----------------------------------------------------------------------------------

// Learns symbols from a sample of keys, in order: 10,000 to 100,000 in runs of neighbours (say 64
// keys here and there) are best, for what a key shares with the one before it is not learnt. The
// same sample gives the same symbols.
typedef struct store_symbols store_symbols;
NODISCARD status store_symbols_train(store_symbols **out, const str *sample, size_t n, arena *perm,
                                     err *e);

typedef struct store_dict_writer store_dict_writer;
// Memory: half a byte per key, in an arena of its own. `symbols` NULL: none.
NODISCARD status store_dict_begin(store_dict_writer **w, store_sink out, unsigned payload_bits,
                                  const store_symbols *symbols, err *e);
// Keys in strictly ascending order of store_fold_cmp; E_ARG otherwise.
NODISCARD status store_dict_add(store_dict_writer *w, str key, uint64_t payload, err *e);
NODISCARD status store_dict_done(size_t *n, store_dict_writer *w, err *e);
void store_dict_drop(store_dict_writer *w);  // accepts NULL; after done too

#endif
