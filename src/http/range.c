// Byte ranges (RFC 9110 14.1.2), and the spellings the original took.
//
// "None" and "unsatisfiable" differ: what is not understood is ignored, as the RFC wants, and what
// is understood but lies outside is 416.
//
//   I1  OK implies first <= last < size

#include "http/http.h"

enum { SPEC_MAX = 256 };  // digits never need more; longer is not understood

static bool is_digits(str s) {
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9') return false;
    return s.len > 0;
}

// A number too large for 64 bits is beyond any file all the same.
static uint64_t clamped(str digits) {
    uint64_t v;
    return str_parse_u64(&v, digits) ? v : UINT64_MAX;
}

static http_range_kind suffix(http_range *out, uint64_t n, uint64_t size) {
    if (n == 0 || size == 0) return HTTP_RANGE_UNSATISFIABLE;
    *out = (http_range){n < size ? size - n : 0, size - 1};
    return HTTP_RANGE_OK;
}

static http_range_kind from_to(http_range *out, str a, str b, uint64_t size) {
    uint64_t first = clamped(a), last = b.len ? clamped(b) : UINT64_MAX;
    if (first > last) return HTTP_RANGE_NONE;
    if (first >= size) return HTTP_RANGE_UNSATISFIABLE;
    *out = (http_range){first, last < size ? last : size - 1};
    return HTTP_RANGE_OK;
}

// Without spaces and without the unit. False when it names another unit.
static bool squeeze(str *out, char to[SPEC_MAX], str spec) {
    size_t n = 0;
    for (size_t i = 0; i < spec.len; i++) {
        if (spec.ptr[i] == ' ' || spec.ptr[i] == '\t') continue;
        if (n == SPEC_MAX) return false;
        to[n++] = spec.ptr[i];
    }
    *out = (str){to, n};
    if (str_starts_nocase(*out, STR("bytes="))) *out = str_skip(*out, 6);
    return true;
}

http_range_kind http_range_parse(http_range *out, str spec, uint64_t size) {
    char text[SPEC_MAX];
    str s;
    if (!squeeze(&s, text, spec)) return HTTP_RANGE_NONE;
    for (size_t i = 0; i < s.len; i++)
        if (!(s.ptr[i] >= '0' && s.ptr[i] <= '9') && s.ptr[i] != '-' && s.ptr[i] != ',')
            return HTTP_RANGE_NONE;
    if (str_find_byte(s, ',') < s.len) return HTTP_RANGE_MULTI;
    size_t dash = str_find_byte(s, '-');
    if (dash == s.len) return HTTP_RANGE_NONE;
    str a = str_first(s, dash), b = str_skip(s, dash + 1);
    if (a.len == 0) return is_digits(b) ? suffix(out, clamped(b), size) : HTTP_RANGE_NONE;
    if (!is_digits(a) || (b.len && !is_digits(b))) return HTTP_RANGE_NONE;
    return from_to(out, a, b, size);
}
