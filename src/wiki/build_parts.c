// Parts: who mentions which title, spread by the title's hash over files that are read one by one.
//
// The join has to bring each title together with everything that names it, in no order at all. So
// nothing is sorted: a record goes to one of WIKI__PARTS parts by the top byte of the hash, in
// blocks that are chained backwards through one unnamed file. A part's titles then fit a small
// table, its mentions run past it once, and parts are joined side by side. Rejected: an external
// sort by hash (half of the build's time), a file per part (handles), one table of all titles
// (gigabytes).
//
//   P1  a block starts with the number of the one before it in its part, 0 for none: what is held
//       in memory does not grow with the dump
//   P2  reading changes nothing, so that snapshots may read what is still being added to

#include "wiki/build.h"

#include <errno.h>
#include <unistd.h>

enum { BLOCK_LEAST = 4 << 10, BLOCK_MOST = 64 << 10 };

typedef struct head {
    uint64_t before;  // block number + 1
} head;

typedef struct part {
    uint64_t before, count;
    size_t n;  // bytes in the block that is being filled
    uint8_t *block;
} part;

struct wiki__parts {
    arena mem;
    const char *dir;
    size_t block_len;
    uint64_t n_blocks;
    int fd;
    part parts[WIKI__PARTS];
};

status wiki__parts_open(wiki__parts **out, const char *dir, size_t memory, err *e) {
    arena mem;
    size_t len = min_size(max_size(memory / WIKI__PARTS, BLOCK_LEAST), BLOCK_MOST);
    len = len / BLOCK_LEAST * BLOCK_LEAST;
    *out = NULL;
    TRY(arena_open(&mem, len * WIKI__PARTS + sizeof(wiki__parts) + strlen(dir) + BLOCK_LEAST, e));
    wiki__parts *p = arena_new(&mem, wiki__parts);
    p->dir = arena_cstr(&mem, str_of(dir));
    p->block_len = len;
    p->fd = -1;
    mem.used = align_up(mem.used, 16);
    for (size_t i = 0; i < WIKI__PARTS; i++)  // touched when filled, so not through arena_alloc
        p->parts[i].block = mem.base + mem.used + i * len;
    p->mem = mem;
    *out = p;
    return OK;
}

void wiki__parts_close(wiki__parts *p) {
    if (!p) return;
    if (p->fd >= 0) close(p->fd);
    arena mem = p->mem;
    arena_close(&mem);
}

// --- Add -------------------------------------------------------------------------------------

static status write_at(int fd, const uint8_t *from, size_t len, uint64_t off, err *e) {
    while (len) {
        ssize_t n = pwrite(fd, from, len, (off_t)off);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return err_sys(e, "temporary file of %llu bytes", (unsigned long long)off);
        from += n, len -= (size_t)n, off += (uint64_t)n;
    }
    return OK;
}

static status write_block(wiki__parts *p, part *q, err *e) {
    if (p->fd < 0 && (p->fd = store_temp(p->dir, e)) < 0) return e ? e->code : E_IO;
    head h = {q->before};
    memcpy(q->block, &h, sizeof h);
    status s = write_at(p->fd, q->block, p->block_len, p->n_blocks * p->block_len, e);
    if (s) return err_in(e, "%s", p->dir);
    q->before = ++p->n_blocks;
    q->n = 0;
    return OK;
}

status wiki__parts_add(wiki__parts *p, uint64_t hash, uint8_t kind, uint32_t number, err *e) {
    part *q = &p->parts[hash >> 56];
    wiki__mention m = {hash << 8 | kind, number};
    if (!q->n) q->n = sizeof(head);
    if (q->n + sizeof m > p->block_len) {
        TRY(write_block(p, q, e));
        q->n = sizeof(head);
    }
    memcpy(q->block + q->n, &m, sizeof m);
    q->n += sizeof m;
    q->count++;
    return OK;
}

// --- Read ------------------------------------------------------------------------------------

uint64_t wiki__parts_count(const wiki__parts *p, size_t i) {
    return p->parts[i].count;
}

uint64_t wiki__parts_bytes(const wiki__parts *p) {
    return p->n_blocks * p->block_len;
}

static status read_block(const wiki__parts *p, uint64_t block, uint8_t *to, err *e) {
    for (size_t at = 0; at < p->block_len;) {
        ssize_t n = pread(p->fd, to + at, p->block_len - at, (off_t)(block * p->block_len + at));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return err_sys(e, "%s: temporary file", p->dir);
        if (n == 0) return err_set(e, E_IO, "a temporary file is not what was written to it");
        at += (size_t)n;
    }
    return OK;
}

static status each(const uint8_t *block, size_t n, wiki__parts_fn *fn, void *arg, err *e) {
    for (size_t at = sizeof(head); at + sizeof(wiki__mention) <= n; at += sizeof(wiki__mention)) {
        wiki__mention m;
        memcpy(&m, block + at, sizeof m);
        TRY(fn(arg, m.hash_kind >> 8, (uint8_t)m.hash_kind, m.number, e));
    }
    return OK;
}

status wiki__parts_each(const wiki__parts *p, size_t i, wiki__parts_fn *fn, void *arg, err *e) {
    const part *q = &p->parts[i];
    uint8_t room[BLOCK_MOST];
    TRY(each(q->block, q->n, fn, arg, e));
    for (uint64_t before = q->before; before;) {
        head h;
        TRY(read_block(p, before - 1, room, e));
        TRY(each(room, p->block_len, fn, arg, e));
        memcpy(&h, room, sizeof h);
        before = h.before;
    }
    return OK;
}
