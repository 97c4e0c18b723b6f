// store/sort.h -- external merge sort of byte records within a memory budget.
//
// Records are compared as memcmp does, shorter first; what belongs to a record but not to its order
// goes at its end. Equal records are all kept. Runs go to unnamed temporary files (O_TMPFILE, or
// unlinked at once), so that a killed process leaves nothing behind.
//
//   Owner     a store_sort owns its memory and runs until close; a store_merge borrows the sorts
//   Threads   each store_sort one thread at a time; several may work side by side and be merged
//   Blocks    on disk
//   Limits    STORE_RECORD_MAX bytes per record
//   Errors    E_LIMIT (disk full, handles used up), E_IO, E_MEMORY
//   Source    Knuth, TAOCP 3, 5.4.1
#ifndef STORE_SORT_H
#define STORE_SORT_H

#include "base/err.h"
#include "base/str.h"

enum { STORE_RECORD_MAX = 16 << 10 };

typedef struct store_sort store_sort;

// `dir` is where runs go. `memory` bytes (at least 1 MiB) are held at most between calls.
NODISCARD status store_sort_open(store_sort **out, const char *dir, size_t memory, err *e);
void store_sort_close(store_sort *s);  // accepts NULL

NODISCARD status store_sort_add(store_sort *s, const void *rec, size_t len, err *e);
// Sorts what is in memory now, on this thread, so that opening a merge does not.
void store_sort_settle(store_sort *s);
uint64_t store_sort_count(const store_sort *s);
uint64_t store_sort_spilled(const store_sort *s);  // bytes written to its file so far

// All records of `n` sorts in one order. May be opened again and again, with adds between but not
// while one is open. Uses at most `memory` bytes of buffers beside the sorts' own.
typedef struct store_merge store_merge;
NODISCARD status store_merge_open(store_merge **out, store_sort **sorts, size_t n, size_t memory,
                                  err *e);
// *rec lives until the next call; *more is false at the end.
NODISCARD status store_merge_next(bool *more, str *rec, store_merge *m, err *e);
void store_merge_close(store_merge *m);  // accepts NULL

// A temporary file without a name in `dir`; its descriptor, or -1 with *e set.
int store_temp(const char *dir, err *e);

#endif
