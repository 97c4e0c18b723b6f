// String views. Everything here is a pure function of its arguments.

#include "base/str.h"

#include <math.h>
#include <stdlib.h>

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

int str_cmp(str a, str b) {
    size_t n = min_size(a.len, b.len);
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;
    if (c) return c;
    return a.len < b.len ? -1 : a.len > b.len;
}

bool str_eq_nocase(str a, str b) {
    return a.len == b.len && str_starts_nocase(a, b);
}

bool str_starts(str s, str prefix) {
    return str_eq(str_first(s, prefix.len), prefix);
}

bool str_starts_nocase(str s, str prefix) {
    if (s.len < prefix.len) return false;
    for (size_t i = 0; i < prefix.len; i++)
        if (lower(s.ptr[i]) != lower(prefix.ptr[i])) return false;
    return true;
}

bool str_ends(str s, str suffix) {
    return s.len >= suffix.len && str_eq(str_skip(s, s.len - suffix.len), suffix);
}

size_t str_find_byte(str s, char c) {
    const char *p = s.len ? memchr(s.ptr, c, s.len) : NULL;
    return p ? (size_t)(p - s.ptr) : s.len;
}

size_t str_find(str s, str needle) {
    if (needle.len == 0) return 0;
    const char *p = s.len ? memmem(s.ptr, s.len, needle.ptr, needle.len) : NULL;
    return p ? (size_t)(p - s.ptr) : s.len;
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

str str_trim(str s) {
    while (s.len && is_space(s.ptr[0]))
        s = str_skip(s, 1);
    while (s.len && is_space(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

str str_cut(str *rest, char sep) {
    size_t at = str_find_byte(*rest, sep);
    str head = str_first(*rest, at);
    *rest = str_skip(*rest, at + 1);
    return head;
}

bool str_parse_u64(uint64_t *out, str s) {
    if (s.len == 0) return false;
    uint64_t v = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') return false;
        if (__builtin_mul_overflow(v, 10u, &v)) return false;
        if (__builtin_add_overflow(v, (uint64_t)(s.ptr[i] - '0'), &v)) return false;
    }
    *out = v;
    return true;
}

bool str_parse_i64(int64_t *out, str s) {
    bool negative = s.len && s.ptr[0] == '-';
    uint64_t v;
    if (!str_parse_u64(&v, negative ? str_skip(s, 1) : s)) return false;
    if (v > (uint64_t)INT64_MAX + negative) return false;
    *out = negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

bool str_parse_f64(double *out, str s) {
    char text[64];
    if (s.len == 0 || s.len >= sizeof text) return false;
    for (size_t i = 0; i < s.len; i++)  // no hex, no "inf", no "nan", no leading space
        if (!strchr("+-0123456789.eE", s.ptr[i]) || s.ptr[i] == 0) return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = 0;
    char *end;
    double v = strtod(text, &end);
    if (*end || end == text || !isfinite(v)) return false;
    *out = v;
    return true;
}

static uint64_t mix(uint64_t a, uint64_t b) {
    unsigned __int128 p = (unsigned __int128)a * b;
    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

uint64_t str_hash(str s, uint64_t seed) {
    uint64_t h = seed ^ 0x9e3779b97f4a7c15u;
    for (; s.len >= 8; s = str_skip(s, 8)) {
        uint64_t w;
        memcpy(&w, s.ptr, 8);
        h = mix(h ^ w, 0xa0761d6478bd642fu);
    }
    uint64_t tail = 0;
    if (s.len) memcpy(&tail, s.ptr, s.len);
    return mix(h ^ tail ^ ((uint64_t)s.len << 56), 0xe7037ed1a0b428dbu);
}
