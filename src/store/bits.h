// store/bits.h -- small numbers in few bits: packed arrays, Elias-Fano sequences, lists of ranks.
//
// Writers append whole sections' worth of bytes to a store_sink; readers are views of mapped bytes
// that were checked by *_open and are then safe to read whatever the bytes say: an index is
// clamped, a value may be wrong, never a read outside.
//
//   Owner     readers point into the bytes they were opened on
//   Threads   readers: any; writers: one
//   Errors    E_FORMAT from *_open for bytes that cannot be such a thing
//   Source    Elias 1974, Fano 1971; Vigna, "Quasi-succinct indices", 2013
#ifndef STORE_BITS_H
#define STORE_BITS_H

#include "base/buf.h"

// Where a writer's bytes go.
typedef struct store_sink {
    status (*put)(void *arg, const void *data, size_t len, err *e);
    void *arg;
} store_sink;

// --- Packed array: n numbers of `width` bits (0..57) -----------------------------------------

typedef struct store_packed {
    str bytes;
    size_t n;
    unsigned width;
} store_packed;

unsigned store_width(uint64_t max);  // bits that `max` takes; 0 for 0
NODISCARD status store_packed_write(store_sink out, const uint64_t *v, size_t n, unsigned width,
                                    err *e);
// A streaming writer, for arrays that need not be in memory.
typedef struct store_packer {
    store_sink out;
    uint64_t n;
    unsigned width, n_acc;
    unsigned __int128 acc;
    size_t n_buf;
    uint8_t buf[4096];
} store_packer;
void store_packer_init(store_packer *p, store_sink out, unsigned width);
NODISCARD status store_packer_add(store_packer *p, uint64_t v, err *e);
NODISCARD status store_packer_done(store_packer *p, err *e);  // flushes, with padding and trailer
NODISCARD status store_packed_open(store_packed *p, str bytes, err *e);
uint64_t store_packed_get(const store_packed *p, size_t i);  // i is clamped

// --- Elias-Fano: n numbers that never fall ----------------------------------------------------

typedef struct store_ef {
    size_t n;
    uint64_t max;
    unsigned low_width;
    store_packed low;
    const uint8_t *high;  // words, little endian, anywhere
    size_t n_high;
    const uint8_t *hint1, *hint0;  // 32-bit places in `high` of every 256th one and zero
    size_t n_hint1, n_hint0;
} store_ef;

// About 2 + log2(max / n) bits a number. `get(arg, i)` gives number i, called once each, in order.
// E_LIMIT over 2^31 numbers, E_MEMORY when scratch does not hold n / 2 + 64 bytes.
NODISCARD status store_ef_write(store_sink out, size_t n, uint64_t max,
                                uint64_t (*get)(void *arg, size_t i), void *arg, arena scratch,
                                err *e);
NODISCARD status store_ef_open(store_ef *ef, str bytes, err *e);
uint64_t store_ef_get(const store_ef *ef, size_t i);  // 0 when i >= n
// How many numbers are <= x (so the last of them is number result-1).
size_t store_ef_rank(const store_ef *ef, uint64_t x);

// --- Lists: n ascending lists of 32-bit numbers, most of them short or empty ------------------

typedef struct store_lists {
    store_ef ends;
    str bytes;
    size_t n;
} store_lists;

typedef struct store_lists_writer store_lists_writer;
// `dir` is where a temporary file of the ends goes.
NODISCARD status store_lists_begin(store_lists_writer **w, store_sink out, size_t n,
                                   const char *dir, err *e);
// Adds `value` to list `list`; both never fall, equal values are kept once.
NODISCARD status store_lists_add(store_lists_writer *w, size_t list, uint32_t value, err *e);
NODISCARD status store_lists_done(store_lists_writer *w, err *e);
void store_lists_drop(store_lists_writer *w);  // accepts NULL; after done too

NODISCARD status store_lists_open(store_lists *l, str bytes, err *e);
size_t store_lists_count(const store_lists *l, size_t list);
// A cursor over one list: values ascend. store_list_skip_to gallops to the first value >= v.
typedef struct store_list {
    str rest;
    size_t n_left;
    uint32_t at;  // value before `rest`
    size_t n_done;
    str body, skips;  // long lists: {value, place in body} before each 128th value
} store_list;
store_list store_lists_get(const store_lists *l, size_t list);
bool store_list_next(uint32_t *v, store_list *l);
bool store_list_skip_to(uint32_t *v, store_list *l, uint32_t least);

#endif
