// Titles in their order: what the merge of the titles' sorts gives, written down once and read by
// whatever needs it: the dictionary and the words, side by side.
//
// Merging costs many times what reading costs, so it is done once. Each record is front-coded
// against the one before it. Rejected: merging again for each reader (half of the writing's time).
//
//   T1  a file is written by one thread, then read by any number, each with a place of its own

#include "wiki/build.h"

#include <errno.h>
#include <unistd.h>

typedef struct frame {
    uint32_t ordinal;
    uint16_t shared, rest;
} frame;

status wiki__order_open(wiki__order *o, const char *dir, err *e) {
    *o = (wiki__order){.fd = store_temp(dir, e)};
    return o->fd >= 0 ? OK : e ? e->code : E_IO;
}

void wiki__order_close(wiki__order *o) {
    if (o->fd >= 0) close(o->fd);
    o->fd = -1;
}

static status flush(wiki__order *o, err *e) {
    for (size_t at = 0; at < o->n;) {
        ssize_t n = pwrite(o->fd, o->buf + at, o->n - at, (off_t)o->len);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return err_sys(e, "temporary file of %llu bytes", (unsigned long long)o->len);
        at += (size_t)n, o->len += (uint64_t)n;
    }
    o->n = 0;
    return OK;
}

static size_t shared_len(str a, str b) {
    size_t n = min_size(a.len, b.len), i = 0;
    while (i < n && a.ptr[i] == b.ptr[i])
        i++;
    return i;
}

status wiki__order_add(wiki__order *o, str title, uint32_t ordinal, err *e) {
    size_t shared = shared_len((str){o->title, o->title_len}, title);
    frame f = {ordinal, (uint16_t)shared, (uint16_t)(title.len - shared)};
    if (o->n + sizeof f + f.rest > sizeof o->buf) TRY(flush(o, e));
    memcpy(o->buf + o->n, &f, sizeof f);
    memcpy(o->buf + o->n + sizeof f, title.ptr + shared, f.rest);
    o->n += sizeof f + f.rest;
    memcpy(o->title + shared, title.ptr + shared, f.rest);
    o->title_len = title.len;
    return OK;
}

status wiki__order_done(wiki__order *o, err *e) {
    return flush(o, e);
}

void wiki__order_read(wiki__order *r, const wiki__order *o) {
    r->fd = o->fd;
    r->len = o->len;
    r->off = r->at = r->n = r->title_len = 0;
}

static status fill(wiki__order *r, size_t want, err *e) {
    if (r->n - r->at >= want) return OK;
    memmove(r->buf, r->buf + r->at, r->n - r->at);
    r->n -= r->at, r->at = 0;
    while (r->n < want) {
        ssize_t n = pread(r->fd, r->buf + r->n, sizeof r->buf - r->n, (off_t)r->off);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return err_sys(e, "temporary file");
        if (n == 0) return err_set(e, E_IO, "a temporary file is not what was written to it");
        r->n += (size_t)n, r->off += (uint64_t)n;
    }
    return OK;
}

status wiki__order_next(bool *more, str *title, uint32_t *ordinal, wiki__order *r, err *e) {
    frame f;
    *more = r->at < r->n || r->off < r->len;
    if (!*more) return OK;
    TRY(fill(r, sizeof f, e));
    memcpy(&f, r->buf + r->at, sizeof f);
    if (f.shared > r->title_len || f.shared + f.rest > WIKI_TITLE_MAX)
        return err_set(e, E_IO, "a temporary file is not what was written to it");
    TRY(fill(r, sizeof f + f.rest, e));
    memcpy(r->title + f.shared, r->buf + r->at + sizeof f, f.rest);
    r->at += sizeof f + f.rest;
    r->title_len = (size_t)f.shared + f.rest;
    *title = (str){r->title, r->title_len};
    *ordinal = f.ordinal;
    return OK;
}
