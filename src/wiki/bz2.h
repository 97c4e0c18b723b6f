// wiki/bz2.h -- bzip2's framing: where blocks stand, one block unpacked by itself.
//
//   Owner     the caller owns file, text and scratch memory
//   Threads   pure functions; a wiki__bz2_walk belongs to one thread at a time
//   Limits    WIKI__RAW_MAX bytes of text and WIKI__PACKED_MAX bytes of file in a block
//   Errors    E_FORMAT with the byte; E_MEMORY
//   Source    bzip2 1.0.8: decompress.c, bzip2recover.c
#ifndef WIKI_BZ2_H
#define WIKI_BZ2_H

#include "base/arena.h"

enum {
    WIKI__RAW_MAX = 64 << 20,
    WIKI__PACKED_MAX = 4 << 20,
    WIKI__BZ2_WORK = 16 << 20,  // bytes an arena for unpacking must have
};
#define WIKI__NO_BIT UINT64_MAX

// The first block mark (or, with `or_end`, end mark) at bit `from` or later; WIKI__NO_BIT for none.
uint64_t wiki__bz2_find(str file, uint64_t from, bool or_end);

// Scratch memory for unpacking, of WIKI__BZ2_WORK bytes; in large pages where the system has them,
// because undoing the sort of a block reads its megabytes in no order.
NODISCARD status wiki__bz2_work_open(arena *work, err *e);
// The block whose mark stands at `bit` into dst, of which the block may fill *len bytes: then how
// many it filled. *end is the bit behind it. `work` is scratch.
NODISCARD status wiki__bz2_unpack(size_t *len, uint64_t *end, void *dst, str file, uint64_t bit,
                                  arena *work, err *e);

// Walks from block to block in order and checks what stands between them.
typedef struct wiki__bz2_walk {
    uint64_t bit;  // of the next block; the file's end when there is none
    uint32_t sum;  // of the blocks of this stream so far
    bool in_stream;
} wiki__bz2_walk;
// Moves over stream headers and footers that stand at w->bit.
NODISCARD status wiki__bz2_settle(wiki__bz2_walk *w, str file, err *e);
// Accepts the block at w->bit, which ends at `end`.
NODISCARD status wiki__bz2_step(wiki__bz2_walk *w, str file, uint64_t end, err *e);

#endif
