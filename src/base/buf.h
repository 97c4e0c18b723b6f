// base/buf.h -- a growing run of bytes in an arena, and writers for HTML, URLs and hex.
//
// A buf grows in place while it is the last thing in its arena and moves (copying) otherwise, so
// one growing buf per arena is the pattern. Running out of arena sets `failed` and drops bytes;
// check it once, at the end.
//
//   Owner     the arena owns the bytes; a moved buf leaves its old bytes behind until reset
//   Threads   one thread at a time
//   Limits    `limit` bytes in all (buf_init: whatever the arena holds)
//   Errors    sticky `failed`; never a crash, never a partial escape
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/arena.h"

typedef struct buf {
    char *ptr;
    size_t len, cap;
    size_t limit;  // len never passes it
    arena *in;
    bool failed;  // something was dropped
} buf;

// Starts empty with room for `cap` bytes (0 is fine).
void buf_init(buf *b, arena *in, size_t cap);
static inline str buf_str(const buf *b) {
    return (str){b->ptr, b->len};
}
static inline void buf_reset(buf *b) {
    b->len = 0, b->failed = false;
}

// Makes room for `n` more bytes and returns where they go, or NULL (failed is set). The caller
// writes at most n bytes and adds what it wrote to b->len.
NODISCARD char *buf_room(buf *b, size_t n);

void buf_add(buf *b, str s);
void buf_byte(buf *b, char c);
void buf_fmt(buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_u64(buf *b, uint64_t v);  // decimal

// Text with & < > " ' as entities: safe in element content and in quoted attributes.
void buf_html(buf *b, str s);

// Percent-encodes all but RFC 3986 unreserved characters and the bytes in `keep` ("/" for paths).
void buf_url(buf *b, str s, const char *keep);

#endif
