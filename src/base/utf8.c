// UTF-8, after RFC 3629 section 4 and Unicode chapter 3.9 (maximal subparts).

#include "base/utf8.h"

// Length a lead byte announces (0: no lead byte) and the range of its first continuation byte,
// which is where overlong forms, surrogates and values over U+10FFFF are refused.
static size_t lead(unsigned char c, unsigned char *lo, unsigned char *hi) {
    *lo = 0x80, *hi = 0xBF;
    if (c < 0x80) return 1;
    if (c < 0xC2) return 0;
    if (c < 0xE0) return 2;
    if (c < 0xF0) {
        if (c == 0xE0) *lo = 0xA0;
        if (c == 0xED) *hi = 0x9F;
        return 3;
    }
    if (c > 0xF4) return 0;
    if (c == 0xF0) *lo = 0x90;
    if (c == 0xF4) *hi = 0x8F;
    return 4;
}

// How many bytes at s are a valid (perhaps unfinished) sequence; *want is the whole length.
static size_t scan(size_t *want, str s) {
    unsigned char lo, hi;
    size_t n = 1;
    *want = lead((unsigned char)s.ptr[0], &lo, &hi);
    for (; n < *want && n < s.len; n++) {
        unsigned char c = (unsigned char)s.ptr[n];
        if (c < lo || c > hi) break;
        lo = 0x80, hi = 0xBF;
    }
    return n;
}

size_t utf8_decode(int32_t *cp, str s) {
    size_t want, n = scan(&want, s);
    if (n != want) {
        *cp = UTF8_BAD;
        return n;
    }
    static const unsigned char mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    int32_t v = (unsigned char)s.ptr[0] & mask[n];
    for (size_t i = 1; i < n; i++)
        v = v << 6 | ((unsigned char)s.ptr[i] & 0x3F);
    *cp = v;
    return n;
}

size_t utf8_encode(char out[UTF8_MAX], int32_t cp) {
    if (cp < 0 || cp > 0x10FFFF || (cp >= 0xD800 && cp <= 0xDFFF)) cp = UTF8_REPLACEMENT;
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    size_t n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, cp >>= 6)
        out[i] = (char)(0x80 | (cp & 0x3F));
    static const unsigned char top[] = {0, 0, 0xC0, 0xE0, 0xF0};
    out[0] = (char)(top[n] | cp);
    return n;
}

bool utf8_valid(str s) {
    while (s.len) {
        int32_t cp;
        size_t n = utf8_decode(&cp, s);
        if (cp == UTF8_BAD) return false;
        s = str_skip(s, n);
    }
    return true;
}

size_t utf8_complete(str s) {
    for (size_t back = 1; back <= 3 && back <= s.len; back++) {
        str tail = str_skip(s, s.len - back);
        if (((unsigned char)tail.ptr[0] & 0xC0) == 0x80) continue;  // look for the lead byte
        size_t want, n = scan(&want, tail);
        return n == tail.len && n < want ? s.len - back : s.len;
    }
    return s.len;
}

size_t utf8_count(str s) {
    size_t count = 0;
    for (int32_t cp; s.len; count++)
        s = str_skip(s, utf8_decode(&cp, s));
    return count;
}
