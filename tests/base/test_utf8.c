// UTF-8 against a brute-force definition: the set of all sequences that encode a scalar value.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"

#include <stdlib.h>

// whole[i]: those i bytes (as a big-endian number) are a sequence; begun[i]: they begin a longer
// one. Sequences of four bytes are kept as their first three, which are followed by any 80..BF.
static uint8_t whole[4][1 << 21], begun[4][1 << 21];

static bool bit(const uint8_t *set, uint32_t i) {
    return set[i >> 3] >> (i & 7) & 1;
}
static void set_bit(uint8_t *set, uint32_t i) {
    set[i >> 3] |= (uint8_t)(1 << (i & 7));
}

// RFC 3629, section 3, without any cleverness.
static int encode_plainly(uint8_t out[4], uint32_t cp) {
    if (cp < 0x80) return out[0] = (uint8_t)cp, 1;
    if (cp < 0x800) return out[0] = (uint8_t)(0xC0 | cp >> 6), out[1] = 0x80 | (cp & 63), 2;
    if (cp < 0x10000) {
        out[0] = (uint8_t)(0xE0 | cp >> 12), out[1] = 0x80 | (cp >> 6 & 63),
        out[2] = 0x80 | (cp & 63);
        return 3;
    }
    out[0] = (uint8_t)(0xF0 | cp >> 18), out[1] = 0x80 | (cp >> 12 & 63);
    out[2] = 0x80 | (cp >> 6 & 63), out[3] = 0x80 | (cp & 63);
    return 4;
}

static int setup(void **state) {
    (void)state;
    for (uint32_t cp = 0; cp < 0x110000; cp++) {
        if (cp >= 0xD800 && cp < 0xE000) continue;
        uint8_t b[4];
        int n = encode_plainly(b, cp);
        uint32_t key = 0;
        for (int i = 1; i <= n && i <= 3; i++) {
            key = key << 8 | b[i - 1];
            set_bit(i == n ? whole[i] : begun[i], key);
        }
    }
    return 0;
}

static uint32_t key_of(str s, size_t n) {
    uint32_t key = 0;
    for (size_t i = 0; i < n; i++)
        key = key << 8 | (uint8_t)s.ptr[i];
    return key;
}

// Length of the sequence at the front, or 0; *part is the longest begun one otherwise (at least 1).
static size_t want_len(size_t *part, str s) {
    *part = 1;
    for (size_t n = 1; n <= 3 && n <= s.len; n++) {
        if (bit(whole[n], key_of(s, n))) return n;
        if (bit(begun[n], key_of(s, n))) *part = n;
    }
    if (s.len > 3 && *part == 3 && ((uint8_t)s.ptr[3] & 0xC0) == 0x80) return 4;
    return 0;
}

static uint32_t value_plainly(str s, size_t n) {
    static const uint8_t mask[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    uint32_t v = (uint8_t)s.ptr[0] & mask[n];
    for (size_t i = 1; i < n; i++)
        v = v * 64 + ((uint8_t)s.ptr[i] - 0x80u);
    return v;
}

static void check(str s) {
    int32_t cp;
    size_t part, want = want_len(&part, s), got = utf8_decode(&cp, s);
    if (got != (want ? want : part) || cp != (want ? (int32_t)value_plainly(s, want) : UTF8_BAD))
        fail_msg("%08x of %zu bytes: length %zu, code point %d", key_of(s, s.len), s.len, got, cp);
    // Reading on from the front: where does an unfinished sequence reach the end?
    size_t at = 0, count = 0;
    bool valid = true;
    while (at < s.len) {
        str rest = str_skip(s, at);
        size_t n = want_len(&part, rest);
        if (!n && part == rest.len && bit(begun[part], key_of(rest, part))) break;
        valid &= n != 0;
        at += n ? n : part;
        count++;
    }
    if (utf8_complete(s) != at || utf8_valid(s) != (valid && at == s.len) ||
        utf8_count(s) != count + (at < s.len))
        fail_msg("%08x of %zu bytes: complete %zu, expected %zu", key_of(s, s.len), s.len,
                 utf8_complete(s), at);
}

// All of them, but for three bytes that begin with one of the many that lead nothing.
static void test_up_to_three_bytes(void **state) {
    (void)state;
    for (uint32_t v = 0; v < 1 << 24; v++) {
        if (v >> 16 > 0x01 && v >> 16 < 0xC0 && v >> 16 != 0x7F && v >> 16 != 0x80) {
            v |= 0xFFFF;
            continue;
        }
        char b[3] = {(char)(v >> 16), (char)(v >> 8), (char)v};
        check((str){b, 3});
        if (v < 1 << 16) check((str){b + 1, 2});
        if (v < 1 << 8) check((str){b + 2, 1});
    }
}

static void test_four_and_five_bytes(void **state) {
    (void)state;
    static const uint8_t edge[] = {0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0,
                                   0xC2, 0xE0, 0xE2, 0xED, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF};
    enum { N = countof(edge) };
    for (int v = 0; v < N * N * N * N * N; v++) {
        char b[5];
        for (int i = 0, rest = v; i < 5; i++, rest /= N)
            b[i] = (char)edge[rest % N];
        check((str){b, 4});
        check((str){b, 5});
    }
}

static void test_encode(void **state) {
    (void)state;
    for (int32_t cp = 0; cp < 0x110000; cp++) {
        char got[UTF8_MAX];
        uint8_t want[4];
        bool surrogate = cp >= 0xD800 && cp < 0xE000;
        size_t n = (size_t)encode_plainly(want, surrogate ? 0xFFFD : (uint32_t)cp);
        assert_int_equal(utf8_encode(got, cp), n);
        assert_memory_equal(got, want, n);
    }
    char got[UTF8_MAX];
    const int32_t bad[] = {-1, 0x110000, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < countof(bad); i++) {
        assert_int_equal(utf8_encode(got, bad[i]), 3);
        assert_memory_equal(got, "\xEF\xBF\xBD", 3);
    }
}

static void test_empty(void **state) {
    (void)state;
    assert_true(utf8_valid((str){0}));
    assert_int_equal(utf8_complete((str){0}), 0);
    assert_int_equal(utf8_count((str){0}), 0);
    assert_int_equal(utf8_count(STR("a\xC3\xA9\xF0\x9F\x98\x80\xFF")), 4);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_up_to_three_bytes),
        cmocka_unit_test(test_four_and_five_bytes),
        cmocka_unit_test(test_encode),
        cmocka_unit_test(test_empty),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
