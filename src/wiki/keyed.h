// wiki/keyed.h -- writes a dictionary and the list of ranks of each key, from sorted records.
//
//   Owner     the caller owns the file that is written and the merge that is read
//   Threads   one
//   Blocks    on disk
//   Limits    memory does not depend on the number of keys or ranks: what is grouped goes through a
//             temporary file without a name
//   Errors    E_ARG when the records are out of order, or are none of ours; else those of store/
#ifndef WIKI_KEYED_H
#define WIKI_KEYED_H

#include "store/dict.h"
#include "store/file.h"
#include "store/sort.h"

// Cuts a record into key and rank; false when it cannot be one.
typedef bool wiki__record_cut(str *key, uint32_t *rank, str rec);

typedef struct wiki__keyed {
    int dict, lists;  // sections
    wiki__record_cut *cut;
    const char *dir;  // of temporary files
} wiki__keyed;

// The list of a key has the key's rank as its number, so that the dictionary needs no payload.
// Equal records are kept once. *n is the number of keys.
NODISCARD status wiki__keyed_write(uint64_t *n, store_out *o, const wiki__keyed *k,
                                   store_merge *sorted, err *e);

// Number a record ends with, big endian, behind a zero byte; *key is what stands before that.
bool wiki__record_tail(str *key, uint32_t *rank, str rec);
// Appends that tail at `out`; returns its 5 bytes.
size_t wiki__record_put_tail(uint8_t out[5], uint32_t rank);

#endif
