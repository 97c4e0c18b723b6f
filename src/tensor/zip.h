// tensor/zip.h -- the directory of a ZIP file whose entries are stored, not compressed.
//
//   Owner     names and data are views into the file's bytes; the entry table is in the arena
//   Threads   immutable after zip_read: any
//   Limits    ZIP_ENTRIES_MAX entries, ZIP_NAME_MAX bytes in a name
//   Errors    E_FORMAT (no ZIP, truncated, headers that disagree, overlaps, duplicate names),
//             E_UNSUPPORTED (compressed, encrypted, several disks), E_LIMIT
//   Format    PKWARE APPNOTE 6.3.10: 4.3.7 local header, 4.3.12 central directory, 4.3.14-16 ends,
//             4.5.3 ZIP64 extra field
#ifndef TENSOR_ZIP_H
#define TENSOR_ZIP_H

#include "base/arena.h"
#include "os/pool.h"

enum { ZIP_ENTRIES_MAX = 1 << 17, ZIP_NAME_MAX = 512 };

typedef struct zip_entry {
    str name;      // UTF-8 without control characters
    str data;      // the stored bytes, inside the file
    uint64_t off;  // of the local header
    uint32_t crc;  // CRC-32 of the data; 0 where the writer computed none
} zip_entry;

typedef struct zip {
    zip_entry *entry;  // ordered by name
    size_t n;
} zip;

NODISCARD status zip_read(zip *out, str file, arena *a, err *e);

// Reads one entry, or all of them on the pool's threads, and compares CRCs: E_FORMAT names the
// first that differs. zip_read does not: it touches no data.
NODISCARD status zip_check(const zip_entry *z, err *e);
NODISCARD status zip_verify(const zip *z, os_pool *pool, err *e);

// NULL when there is no such entry.
const zip_entry *zip_find(const zip *z, str name);

#endif
