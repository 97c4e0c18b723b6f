// Growing byte runs. See buf.h for the pattern.

#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

void buf_init(buf *b, arena *in, size_t cap) {
    *b = (buf){.in = in, .limit = SIZE_MAX};
    if (cap && buf_room(b, cap) == NULL) b->failed = true;
}

// True when the buf ends exactly where the arena's next allocation would start.
static bool is_last(const buf *b) {
    return b->ptr && (uint8_t *)b->ptr + b->cap == b->in->base + b->in->used;
}

// As arena_try, but not zeroed: a buf is written before it is read, and most of one made for the
// worst case is never touched.
static char *take(arena *a, size_t len) {
    size_t at = align_up(a->used, 16);
    if (at > a->reserve || len > a->reserve - at) return NULL;
    a->used = at + len;
    return (char *)a->base + at;
}

static bool grow(buf *b, size_t need) {
    size_t cap = min_size(max_size(need, max_size(64, b->cap * 2)), b->limit);
    if (is_last(b)) {
        size_t more = cap - b->cap;
        if (more > arena_room(b->in)) more = arena_room(b->in);
        if (b->cap + more < need) return false;
        b->in->used += more;
        b->cap += more;
        return true;
    }
    char *p = take(b->in, cap);
    if (!p) p = take(b->in, cap = need);
    if (!p) return false;
    if (b->len) memcpy(p, b->ptr, b->len);
    b->ptr = p;
    b->cap = cap;
    return true;
}

char *buf_room(buf *b, size_t n) {
    size_t need;
    if (b->failed || __builtin_add_overflow(b->len, n, &need) || need > b->limit ||
        ((need > b->cap || !b->ptr) && !grow(b, need))) {
        b->failed = true;
        return NULL;
    }
    return b->ptr + b->len;
}

void buf_add(buf *b, str s) {
    if (s.len == 0) return;
    char *p = buf_room(b, s.len);
    if (!p) return;
    memcpy(p, s.ptr, s.len);
    b->len += s.len;
}

void buf_byte(buf *b, char c) {
    char *p = buf_room(b, 1);
    if (!p) return;
    *p = c;
    b->len++;
}

// Short text is formatted once, on the stack; vsnprintf wants room for a NUL, a buf has none.
void buf_fmt(buf *b, const char *fmt, ...) {
    char small[256];
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    CHECK(n >= 0);
    if ((size_t)n < sizeof small) {
        buf_add(b, (str){small, (size_t)n});
    } else if (buf_room(b, (size_t)n + 1)) {
        vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

void buf_u64(buf *b, uint64_t v) {
    char digits[20];
    size_t at = sizeof digits;
    do
        digits[--at] = (char)('0' + v % 10);
    while (v /= 10);
    buf_add(b, (str){digits + at, sizeof digits - at});
}

static str entity_of(char c) {
    switch (c) {
    case '&':
        return STR("&amp;");
    case '<':
        return STR("&lt;");
    case '>':
        return STR("&gt;");
    case '"':
        return STR("&quot;");
    case '\'':
        return STR("&#39;");
    default:
        return (str){0};
    }
}

void buf_html(buf *b, str s) {
    size_t from = 0;
    for (size_t i = 0; i < s.len; i++) {
        str entity = entity_of(s.ptr[i]);
        if (!entity.len) continue;
        buf_add(b, (str){s.ptr + from, i - from});
        buf_add(b, entity);
        from = i + 1;
    }
    buf_add(b, str_skip(s, from));
}

static bool is_unreserved(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

void buf_url(buf *b, str s, const char *keep) {
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (is_unreserved((char)c) || (c && strchr(keep, c)))
            buf_byte(b, (char)c);
        else
            buf_add(b, (str){(char[]){'%', hex[c >> 4], hex[c & 15]}, 3});
    }
}
