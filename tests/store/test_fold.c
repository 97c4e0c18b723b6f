// The fold over every code point: what it is, that it repeats, how much it grows; and the order.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "store/fold.h"

#include <utf8proc.h>

static uint64_t seed = 1;

static uint64_t rnd(uint64_t n) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (seed >> 33) % n;
}

static void examples(void **state) {
    (void)state;
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", ""},
        {"Foo_Bar", "foo bar"},
        {"ÉCLAIR", "eclair"},
        {"e\xcc\x81", "e"},
        {"ΑΒΓ", "αβγ"},
        {"ά", "α"},
        {"ς", "σ"},
        {"Straße", "strasse"},
        {"ẞ", "ss"},
        {"ЖУК", "жук"},
        {"Ёлка", "елка"},
        {"İı", "ii"},
        {"Ærø Łódź Þór", "aero lodz thor"},
        {"Đđ œuvre Ð", "dd oeuvre d"},
        {"東京", "東京"},
        {"ＡＢＣ　１", "abc 1"},
        {"a–b—c−d‐e", "a-b-c-d-e"},
        {"‘a’ “b” ′", "'a' \"b\" '"},
        {"a\xc2\xa0"
         "b",
         "a b"},
        {"a\xc2\xad\xe2\x80\x8e"
         "b",
         "ab"},
        {"ﬁ", "fi"},
        {"K", "k"},
        {"Å", "a"},
        {"שָׁלוֹם", "שלום"},
        {"مُحَمَّد", "محمد"},
        {"أإآ", "أإآ"},
        {"नमस्ते", "नमस्ते"},
        {"ภาษาไทย", "ภาษาไทย"},
        {"ភាសាខ្មែរ", "ភាសាខ្មែរ"},
        {"می‌خواهم", "می‌خواهم"},
        {"が", "が"},
        {"한국어", "한국어"},
        {"\xff", "\xff"},
        {"\xc3", "\xc3"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char out[256];
        str got = {out, store_fold(out, str_of(cases[i].text))}, want = str_of(cases[i].want);
        if (!str_eq(got, want)) print_error("%s: %.*s\n", cases[i].text, STR_ARG(got));
        assert_true(str_eq(got, want));
    }
}

// Growth, idempotence and well-formedness of each code point by itself: with no context rules this
// holds for all well-formed text.
static void every_code_point(void **state) {
    (void)state;
    for (int32_t cp = 0; cp <= 0x10FFFF; cp++) {
        if (cp >= 0xD800 && cp <= 0xDFFF) continue;
        char in[UTF8_MAX], once[256], twice[256];
        str s = {in, utf8_encode(in, cp)};
        str a = {once, store_fold(once, s)}, b = {twice, store_fold(twice, a)};
        if (!str_eq(a, b) || a.len > STORE_FOLD_GROWTH * s.len || !utf8_valid(a))
            print_error("U+%04X\n", (unsigned)cp);
        assert_true(str_eq(a, b));
        assert_true(a.len <= STORE_FOLD_GROWTH * s.len);
        assert_true(utf8_valid(a));
    }
}

// Letters and vowel signs of scripts without case keep themselves. Blocks by Unicode's chart.
static void letters_stay(void **state) {
    (void)state;
    static const int32_t blocks[][2] = {
        {0x05D0, 0x05EA}, {0x0620, 0x063F}, {0x0641, 0x064A}, {0x0653, 0x0655},   {0x0671, 0x06D3},
        {0x0900, 0x0DFF}, {0x0E00, 0x0FFF}, {0x1000, 0x109F}, {0x1780, 0x17DD},   {0x3041, 0x30FF},
        {0x4E00, 0x9FFF}, {0xAC00, 0xD7A3}, {0x200C, 0x200D}, {0x20000, 0x2A6DF},
    };
    for (size_t i = 0; i < countof(blocks); i++)
        for (int32_t cp = blocks[i][0]; cp <= blocks[i][1]; cp++) {
            char in[UTF8_MAX], out[64];
            str s = {in, utf8_encode(in, cp)};
            assert_true(str_eq((str){out, store_fold(out, s)}, s));
        }
}

// Simple case pairs meet, by utf8proc's own simple mapping.
static void case_is_blind(void **state) {
    (void)state;
    for (int32_t cp = 0; cp <= 0x1FFFF; cp++) {
        int32_t low = utf8proc_tolower(cp);
        if (low == cp || (cp >= 0xD800 && cp <= 0xDFFF)) continue;
        char in[UTF8_MAX], x[64], y[64];
        str a = {x, store_fold(x, (str){in, utf8_encode(in, cp)})};
        str b = {y, store_fold(y, (str){in, utf8_encode(in, low)})};
        assert_true(str_eq(a, b));
    }
}

static size_t random_text(char *out, size_t n) {
    size_t len = 0;
    while (n--) {
        static const int32_t tops[] = {0x80, 0x80, 0x250, 0x700, 0x3000, 0x110000};
        if (rnd(12))
            len += utf8_encode(out + len, (int32_t)rnd((uint64_t)tops[rnd(countof(tops))]));
        else if (rnd(3))
            len += utf8_encode(out + len, 0x00AD);
        else
            out[len++] = (char)(0x80 + rnd(0x80));
    }
    return len;
}

// Malformed text, too: idempotent, no longer than promised, monotone at every code point.
static void random_strings(void **state) {
    (void)state;
    for (size_t round = 0; round < 100000; round++) {
        char in[256], once[768], twice[2304], part[768];
        str s = {in, random_text(in, rnd(30))};
        str a = {once, store_fold(once, s)};
        assert_true(a.len <= STORE_FOLD_GROWTH * s.len);
        assert_true(str_eq((str){twice, store_fold(twice, a)}, a));
        for (size_t n = 0; n < s.len;) {
            int32_t cp;
            assert_true(str_starts(a, (str){part, store_fold(part, str_first(s, n))}));
            n += utf8_decode(&cp, str_skip(s, n));
        }
    }
}

static int sign(int x) {
    return (x > 0) - (x < 0);
}

static void order(void **state) {
    (void)state;
    for (size_t round = 0; round < 100000; round++) {
        char x[256], y[256], fx[768], fy[768];
        str a = {x, random_text(x, rnd(8))}, b = {y, random_text(y, rnd(8))};
        if (rnd(2)) memcpy(y, x, min_size(a.len, 5)), b.len = max_size(b.len, min_size(a.len, 5));
        int want = str_cmp((str){fx, store_fold(fx, a)}, (str){fy, store_fold(fy, b)});
        if (!want) want = str_cmp(a, b);
        assert_int_equal(sign(store_fold_cmp(a, b)), sign(want));
        assert_int_equal(sign(store_fold_cmp(b, a)), -sign(want));
    }
    assert_true(store_fold_cmp(STR("A"), STR("a")) < 0);
    assert_true(store_fold_cmp(STR("a"), STR("B")) < 0);
    assert_true(store_fold_cmp(STR("é"), STR("f")) < 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples),       cmocka_unit_test(every_code_point),
        cmocka_unit_test(letters_stay),   cmocka_unit_test(case_is_blind),
        cmocka_unit_test(random_strings), cmocka_unit_test(order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
