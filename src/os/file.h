// os/file.h -- read-only mappings, whole-file reads, atomic replacement.
//
//   Owner     os_map owns its mapping until os_map_close; os_new_file owns its temporary
//   Threads   a mapping is immutable: any; the rest one thread at a time
//   Blocks    on disk
//   Errors    E_NOT_FOUND, E_LIMIT (disk or handles used up), E_IO; the message names the path
//   Limits    OS_PATH_MAX bytes in a path
#ifndef OS_FILE_H
#define OS_FILE_H

#include "base/err.h"
#include "base/str.h"

enum { OS_PATH_MAX = 4096 };

typedef struct os_map {
    const uint8_t *base;  // NULL for an empty file
    size_t len;
    int fd;            // open for pread and sendfile, -1 when closed
    int64_t mtime_ns;  // since 1970
    char path[256];    // for messages; cut when longer
} os_map;

typedef enum os_advice { OS_MAP_RANDOM, OS_MAP_SEQUENTIAL, OS_MAP_WILLNEED } os_advice;

// Maps the whole of a regular file, shared and read-only. If the file shrinks while it is mapped,
// touching a lost page raises SIGBUS: data files are replaced by rename, never cut.
NODISCARD status os_map_open(os_map *m, const char *path, os_advice advice, err *e);
// The same of a file that is open, and closed by it whatever it returns; `name` is for messages.
NODISCARD status os_map_take(os_map *m, int fd, const char *name, os_advice advice, err *e);
void os_map_close(os_map *m);  // accepts a zeroed os_map
// Another way of reading from now on. OS_MAP_WILLNEED: all of it, soon; reading begins now.
void os_map_advise(const os_map *m, os_advice advice);
static inline str os_map_str(const os_map *m) {
    return (str){(const char *)m->base, m->len};
}

// Whether all of [off, off+len) is in memory now, so that reading it will not wait for the disk.
// Clamped to the file; false when the kernel will not say.
bool os_map_is_resident(const os_map *m, uint64_t off, uint64_t len);
// Reads the range from the disk, so that it is resident afterwards. Blocks; harmless on a file
// that has shrunk.
void os_map_touch(const os_map *m, uint64_t off, uint64_t len);

// Bytes of files (and shared memory) that are mapped into this process and in memory now; 0 when
// the kernel will not say.
uint64_t os_mapped_bytes(void);
// Lets go of all pages mapped by now: they leave the process, and stay in the page cache. Readers
// may be in the map meanwhile.
void os_map_trim(const os_map *m);

typedef struct os_file_stat {
    uint64_t len;
    int64_t mtime_ns;
    bool is_dir;
} os_file_stat;
NODISCARD status os_stat(os_file_stat *out, const char *path, err *e);

// --- A new file that replaces the old one whole or not at all --------------------------------
// Writes go to PATH.tmp.PID; commit does write, fsync, rename, fsync of the directory. A crash at
// any moment leaves the old file (or none) and perhaps a *.tmp.* that the next open removes when
// its process is gone.
typedef struct os_new_file {
    int fd;        // -1 when closed
    uint64_t len;  // bytes written, buffered ones included
    size_t n_buf, cap_buf;
    uint8_t *buf;
    bool failed;  // a write failed: commit will refuse
    char path[OS_PATH_MAX], tmp[OS_PATH_MAX];
} os_new_file;

NODISCARD status os_new_open(os_new_file *f, const char *path, err *e);
NODISCARD status os_new_write(os_new_file *f, const void *data, size_t len, err *e);
// Overwrites bytes that were written before, to fill in a header: off + len <= f->len.
NODISCARD status os_new_patch(os_new_file *f, uint64_t off, const void *data, size_t len, err *e);
NODISCARD status os_new_commit(os_new_file *f, err *e);
// Drops the temporary. Harmless after commit and on a zeroed os_new_file with fd -1.
void os_new_abort(os_new_file *f);

#endif
