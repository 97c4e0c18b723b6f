// base/str.h -- views of bytes: {pointer, length}, never owned, never NUL-terminated.
//
//   Owner     nobody: a str dies with the memory it points into
//   Threads   values; any
//   Errors    parsers return false and leave *out alone
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/base.h"

#include <string.h>

typedef struct str {
    const char *ptr;  // may be NULL when len is 0
    size_t len;       // bytes
} str;

#define STR(lit) ((str){"" lit, sizeof(lit) - 1})
#define STR_INIT(lit)                                                                              \
    { "" lit, sizeof(lit) - 1 }
#define STR_ARG(s) (int)((s).len > 4096 ? 4096 : (s).len), (s).ptr ? (s).ptr : ""  // for "%.*s"

static inline str str_of(const char *cstr) {
    return (str){cstr, cstr ? strlen(cstr) : 0};
}
static inline bool str_eq(str a, str b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
// First / all but the first n bytes; n is clamped to len.
static inline str str_first(str s, size_t n) {
    return (str){s.ptr, min_size(n, s.len)};
}
static inline str str_skip(str s, size_t n) {
    n = min_size(n, s.len);
    return (str){n ? s.ptr + n : s.ptr, s.len - n};
}

// Byte order, as memcmp, shorter first: <0, 0, >0. For UTF-8 this is code-point order.
int str_cmp(str a, str b);
// ASCII letters compare equal in either case.
bool str_eq_nocase(str a, str b);
bool str_starts(str s, str prefix);
bool str_starts_nocase(str s, str prefix);
bool str_ends(str s, str suffix);

// Offset of the first match, or s.len when there is none.
size_t str_find_byte(str s, char c);
size_t str_find(str s, str needle);

// Without ASCII space, tab, CR and LF at both ends.
str str_trim(str s);

// Cuts at the first `sep`: returns what stands before it and moves *rest behind it. Without a
// `sep` the whole of *rest is returned and *rest becomes empty.
str str_cut(str *rest, char sep);

// Decimal digits only (parse_i64 also a leading '-'), whole string, no overflow, no space.
bool str_parse_u64(uint64_t *out, str s);
bool str_parse_i64(int64_t *out, str s);
// A finite C-locale decimal number, whole string.
bool str_parse_f64(double *out, str s);

// 64-bit hash (wyhash-style mixing), seeded; not for hostile keys without a random seed.
uint64_t str_hash(str s, uint64_t seed);

#endif
