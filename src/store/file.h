// store/file.h -- a file of checksummed sections, written whole or not at all, mapped for reading.
//
//   Owner     store_in owns its map; sections point into it
//   Threads   store_in: immutable, any; store_out: one
//   Blocks    on disk
//   Limits    STORE_SECTIONS_MAX sections
//   Errors    open: E_NOT_FOUND, E_FORMAT (no such file of ours, another version, cut short, a
//             section outside); verify: E_FORMAT naming the section
//   Format    header, then sections at multiples of STORE_ALIGN; all integers little endian
#ifndef STORE_FILE_H
#define STORE_FILE_H

#include "os/file.h"
#include "store/bits.h"

enum { STORE_SECTIONS_MAX = 32, STORE_ALIGN = 64, STORE_SUM_BLOCK = 64 << 10 };

typedef struct store_section {
    uint64_t off, len, sum;
} store_section;

typedef struct store_header {
    char magic[8];
    uint32_t version, n_sections;
    uint64_t file_len;
    store_section section[STORE_SECTIONS_MAX];
    uint64_t sum;  // of all that stands before it
} store_header;

// --- Write -----------------------------------------------------------------------------------

typedef struct store_out {
    os_new_file file;
    store_header h;
    store_section *section;  // being written; NULL between sections
    size_t n_block;
    char block[STORE_SUM_BLOCK];
} store_out;

NODISCARD status store_out_open(store_out *o, const char *path, const char magic[8],
                                uint32_t version, err *e);
// Ends the section before and starts `section`; each at most once, in any order. One that is never
// begun is empty.
NODISCARD status store_out_begin(store_out *o, int section, err *e);
NODISCARD status store_out_put(store_out *o, const void *data, size_t len, err *e);
store_sink store_out_sink(store_out *o);
// Writes the header, syncs, renames.
NODISCARD status store_out_commit(store_out *o, err *e);
void store_out_abort(store_out *o);  // after commit too

// --- Read ------------------------------------------------------------------------------------

typedef struct store_in {
    os_map map;
    const store_header *h;
} store_in;

// Touches the header only. The file is mapped OS_MAP_RANDOM.
NODISCARD status store_in_open(store_in *in, const char *path, const char magic[8],
                               uint32_t version, err *e);
void store_in_close(store_in *in);
str store_in_section(const store_in *in, int section);  // "" for one that was not written
// Reads the whole file (not through the map) and compares checksums.
NODISCARD status store_in_verify(const store_in *in, err *e);

// Hash of a run of bytes as sections are summed: chained over blocks of STORE_SUM_BLOCK.
uint64_t store_sum(str s);

#endif
