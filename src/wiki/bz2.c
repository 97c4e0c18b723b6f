// bzip2 to a file: one stream or many behind each other (multistream dumps), through libbz2.
//
// The packed file is mapped and the unpacked one written with os_new_*, so that a killed run
// leaves no half-written XML under the final name. Rejected: BZ2_bzRead on a FILE, which stops at
// the end of the first stream and copies once more.
//
//   I1  the output is committed only after the last stream ended where the file ends

#include "wiki/inside.h"

#include <bzlib.h>

enum { CHUNK = 1 << 20 };

typedef struct unpacker {
    os_map in;
    size_t at;
    os_new_file out;
    void (*progress)(void *arg, uint64_t done, uint64_t total);
    void *arg;
    char buf[CHUNK];
} unpacker;

static status bad(err *e, const unpacker *u, int rc) {
    if (rc == BZ_MEM_ERROR) return err_set(e, E_MEMORY, "%s: no memory to unpack", u->in.path);
    return err_set(e, E_FORMAT,
                   "%s: damaged bzip2 data before byte %zu: download it again, or compare its "
                   "checksum",
                   u->in.path, u->at);
}

static status cut_short(err *e, const unpacker *u) {
    return err_set(e, E_FORMAT,
                   "%s: ends at byte %zu inside a bzip2 stream: the file is cut short; download "
                   "it again",
                   u->in.path, u->in.len);
}

static status step(int *rc, unpacker *u, bz_stream *z, err *e) {
    size_t n_in = min_size(u->in.len - u->at, CHUNK);
    z->next_in = (char *)u->in.base + u->at;  // libbz2 only reads it
    z->avail_in = (unsigned)n_in;
    z->next_out = u->buf;
    z->avail_out = CHUNK;
    *rc = BZ2_bzDecompress(z);
    u->at += n_in - z->avail_in;
    if (*rc != BZ_OK && *rc != BZ_STREAM_END) return bad(e, u, *rc);
    TRY(os_new_write(&u->out, u->buf, CHUNK - z->avail_out, e));
    bool is_stuck = *rc == BZ_OK && u->at == u->in.len && z->avail_out == CHUNK;
    return is_stuck ? cut_short(e, u) : OK;
}

static status one_stream(unpacker *u, err *e) {
    bz_stream z = {0};
    int rc = BZ2_bzDecompressInit(&z, 0, 0);
    if (rc != BZ_OK) return bad(e, u, rc);
    status s = OK;
    while (!s && rc != BZ_STREAM_END) {
        s = step(&rc, u, &z, e);
        u->progress(u->arg, u->at, u->in.len);
    }
    BZ2_bzDecompressEnd(&z);
    return s;
}

static status all_streams(unpacker *u, err *e) {
    if (u->in.len == 0) return err_set(e, E_FORMAT, "%s: empty file", u->in.path);
    while (u->at < u->in.len)
        TRY(one_stream(u, e));
    return os_new_commit(&u->out, e);
}

status wiki__unpack(const char *from, const char *to,
                    void (*progress)(void *arg, uint64_t done, uint64_t total), void *arg, err *e) {
    arena a;
    TRY(arena_open(&a, sizeof(unpacker) + 4096, e));
    unpacker *u = arena_new(&a, unpacker);
    u->progress = progress;
    u->arg = arg;
    u->out.fd = -1;
    status s = os_map_open(&u->in, from, OS_MAP_SEQUENTIAL, e);
    if (!s) s = os_new_open(&u->out, to, e);
    if (!s) s = all_streams(u, e);
    os_new_abort(&u->out);
    os_map_close(&u->in);
    arena_close(&a);
    return s;
}
