// The engine of pre-tokenisers: what Oniguruma matches, what is refused, and texts that make other
// engines go back for ever. The expected matches are those of huggingface/tokenizers' Split.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "text/regex.h"

#include <stdio.h>

static arena mem;

static int setup(void **state) {
    (void)state;
    return arena_open(&mem, (size_t)1 << 30, NULL);
}

static int teardown(void **state) {
    (void)state;
    arena_close(&mem);
    return 0;
}

// All matches with '|' between them.
static str matches(const char *pattern, str text, arena *a) {
    regex *re;
    regex_run r;
    err e = {0};
    size_t start, end;
    bool found;
    buf out;
    if (regex_compile(&re, str_of(pattern), a, &e)) fail_msg("%s: %s", pattern, e.msg);
    buf_init(&out, a, 0);
    arena room = *a;
    room.used += room.reserve / 2;
    regex_run_init(&r, re, text, room);
    for (bool is_first = true;; is_first = false) {
        if (regex_next(&start, &end, &found, &r, &e)) fail_msg("%s: %s", pattern, e.msg);
        if (!found) break;
        if (!is_first) buf_byte(&out, '|');
        buf_add(&out, (str){text.ptr + start, end - start});
    }
    return buf_str(&out);
}

static void test_matches(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *text, *want;
    } cases[] = {
        {"a|ab", "abab", "a|a"},
        {"ab|a", "aba", "ab|a"},
        {"a*", "aab", "aa|"},
        {"a*?b", "aaab", "aaab"},
        {"a+?", "aaa", "a|a|a"},
        {"a{2,3}", "aaaaa", "aaa|aa"},
        {"a{2,3}?", "aaaaa", "aa|aa"},
        {"a{,2}b", "aaab", "aab"},
        {"a{x}", "a{x}a", "a{x}"},
        {"a{2}?b", "aab b", "aab|b"},
        {"(?:a{1,2})+b", "aaab", "aaab"},
        {"a{1,2}+b", "aaab", "aaab"},
        {"a++ab|a", "aaab", "a|a|a"},
        {"a?+a", "aa", "aa"},
        {"(ab|a)(bc)?", "abc", "ab"},
        {"(?:a|ab)*c", "ababc", "ababc"},
        {"[^\\S\\r\\n]+", "a \t\n b", " \t| "},
        {"[a-c-]+", "a-cd-", "a-c|-"},
        {"[]a]+", "]a[", "]a"},
        {"[a-z&&[^b-d]]+", "abcdef", "a|ef"},
        {"[a[bc]]+", "abcd", "abc"},
        {"[\\p{L}\\p{N}]+", "a1-\xC3\xA9\xC2\xBD", "a1|\xC3\xA9\xC2\xBD"},
        {"\\P{L}", "a1b", "1"},
        {"\\p{^L}", "a1b", "1"},
        {"[^\\p{L}]", "a1b", "1"},
        {"\\p{Lu}\\p{Ll}", "aBc\xC3\x89\xC3\xA9", "Bc|\xC3\x89\xC3\xA9"},
        {"\\w+", "a_1\xCC\x81 -", "a_1\xCC\x81"},
        {"\\d", "1\xD9\xA3\xC2\xBD", "1|\xD9\xA3"},
        {"\\s+(?!\\S)|\\s+", "a   b  ", "  | |  "},
        {"a(?=b)", "abac", "a"},
        {"(?<=a)b", "abb", "b"},
        {"(?<!a)b", "abb", "b"},
        {"(?<=ab)c", "abcc", "c"},
        {"^a", "a\na", "a|a"},
        {"a$", "a\na", "a|a"},
        {"\\Aa", "a\na", "a"},
        {"a\\z", "a\na", "a"},
        {"\\bb", "b ab b", "b|b"},
        {"\\Bb", "b ab b", "b"},
        {".", "a\nb", "a|b"},
        {"(?m).", "a\nb", "a|\n|b"},
        {"(?i:'s|'t)", "'S'\xC5\xBF't", "'S|'\xC5\xBF|'t"},
        {"(?i)K", "k\xE2\x84\xAA", "k|\xE2\x84\xAA"},
        {"a(?i)b|C", "aBac", "aB|ac"},
        {"(?i:[a-c]+)x", "aBCx", "aBCx"},
        {"(?i:\\p{Lu}|[\\p{Lu}]x)", "aAax", "A|ax"},
        {"\\x{1F600}|\\u00e9|\\x41", "A\xC3\xA9\xF0\x9F\x98\x80", "A|\xC3\xA9|\xF0\x9F\x98\x80"},
        {"\\.\\-\\/\\n", "x.-/\n", ".-/\n"},
        {"\xEF\xBF\xBD", "a\xFF\xE2\x82z", "\xFF|\xE2|\x82"},
        {"[^a]+", "a\xFF\xE2\x82z", "\xFF\xE2\x82z"},
        {"", "ab", "||"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        arena a = mem;
        str got = matches(cases[i].pattern, str_of(cases[i].text), &a);
        if (!str_eq(got, str_of(cases[i].want)))
            fail_msg("%s on %s: %.*s, not %s", cases[i].pattern, cases[i].text, STR_ARG(got),
                     cases[i].want);
    }
}

static void test_refused(void **state) {
    (void)state;
    static const struct {
        const char *pattern;
        status want;
        const char *says;
    } cases[] = {
        {"(a", E_FORMAT, "without )"},
        {"a)", E_FORMAT, "without ("},
        {"[a", E_FORMAT, "without ]"},
        {"*", E_FORMAT, "nothing to repeat"},
        {"a\\", E_FORMAT, "\\ at the end"},
        {"[z-a]", E_FORMAT, "empty range"},
        {"\\p{L", E_FORMAT, "without }"},
        {"\\pL", E_FORMAT, "without {}"},
        {"\\x{110000}", E_FORMAT, "number of a character"},
        {"a{3,2}", E_FORMAT, "n over m"},
        {"\\p{Klingon}", E_UNSUPPORTED, "\\p{Klingon}"},
        {"(a)\\1", E_UNSUPPORTED, "back reference"},
        {"(?>a)", E_UNSUPPORTED, "kind of group"},
        {"(?<n>a)", E_UNSUPPORTED, "kind of group"},
        {"(?:ab)++", E_UNSUPPORTED, "possessive group"},
        {"(?:a*)*", E_UNSUPPORTED, "can be empty"},
        {"(?=a*)b", E_UNSUPPORTED, "without a bound"},
        {"(?<=a|bc)d", E_UNSUPPORTED, "several lengths"},
        {"[[:alpha:]]", E_UNSUPPORTED, "[:class:]"},
        {"\\R", E_UNSUPPORTED, "\\R"},
        {"a{1001}", E_LIMIT, "over 1000"},
        {"(?:(?:ab){100}){100}", E_LIMIT, "over 4096 instructions"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        arena a = mem;
        regex *re;
        err e = {0};
        status s = regex_compile(&re, str_of(cases[i].pattern), &a, &e);
        if (s != cases[i].want || !strstr(e.msg, cases[i].says))
            fail_msg("%s: %s: %s", cases[i].pattern, status_text(s), e.msg);
        assert_null(re);
    }
    char deep[400];
    memset(deep, '(', sizeof deep);
    arena a = mem;
    regex *re;
    err e = {0};
    assert_int_equal(regex_compile(&re, (str){deep, sizeof deep}, &a, &e), E_LIMIT);
    assert_int_equal(regex_compile(&re, (str){deep, REGEX_PATTERN_MAX + 1}, &a, &e), E_LIMIT);
}

// Each of these is quadratic or worse when places are tried again and again.
static void test_hostile(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *part;
    } cases[] = {
        {"(?:a+)+b|c", "a"},
        {"(?:a|a|aa)*b|c", "a"},
        {"\\s*[\\r\\n]+|x", " "},
        {"a+b|a+c|a+d", "a"},
        {"(?:a+b?)*?c|d", "ab"},
        {"(?:(?:ab)+c?)+d", "ab"},
        {"a++b|c", "a"},
        {"[ab]+c|[ab]+d", "ab"},
        {"(?:[ab]+c)*x|y", "aaaac"},
        {"\\p{L}+\\p{N}*X", "ab1"},
        {".*?.*?b", "a"},
        {"a{1,50}b", "a"},
        {"(?:a?a?a?a?aaaa)+b", "a"},
        {"(?<=aa)a+(?!a)b", "a"},
        {"a*a*a*a*b", "a"},
    };
    enum { LEN = 20000 };
    static char text[LEN];
    for (size_t i = 0; i < countof(cases); i++) {
        arena a = mem;
        for (size_t k = 0; k < LEN; k++)
            text[k] = cases[i].part[k % strlen(cases[i].part)];
        assert_int_equal(matches(cases[i].pattern, (str){text, LEN}, &a).len, 0);
    }
}

static void test_no_room(void **state) {
    (void)state;
    arena a = mem, tiny;
    regex *re;
    regex_run r;
    err e = {0};
    static char text[5000];
    size_t start, end;
    bool found;
    memset(text, 'a', sizeof text);
    assert_int_equal(regex_compile(&re, STR("(?:ab|a)*c"), &a, &e), OK);
    assert_int_equal(arena_open(&tiny, 4096, &e), OK);
    regex_run_init(&r, re, (str){text, sizeof text}, tiny);
    assert_int_equal(regex_next(&start, &end, &found, &r, &e), E_LIMIT);
    assert_non_null(strstr(e.msg, "no room"));
    arena_close(&tiny);
}

static void test_literal(void **state) {
    (void)state;
    arena a = mem;
    regex *re;
    regex_run r;
    size_t start = 0, end = 0;
    bool found;
    static const str text = STR_INIT("x.*+?()[]{}|^$\\#- y");
    assert_int_equal(regex_literal(&re, str_skip(text, 1), &a, NULL), OK);
    regex_run_init(&r, re, text, a);
    assert_int_equal(regex_next(&start, &end, &found, &r, NULL), OK);
    assert_true(found && start == 1 && end == text.len);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matches), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_hostile), cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_literal),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
