// Stop strings: found across pieces, never let out, held back no longer than needed; against a
// search of the whole text.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "text/stop.h"

static arena mem;

static int setup(void **state) {
    (void)state;
    return arena_open(&mem, (size_t)64 << 20, NULL);
}

static int teardown(void **state) {
    (void)state;
    arena_close(&mem);
    return 0;
}

// `words` and `pieces` are separated by '|'. What has come out is shown after each piece: "out|".
static void check(const char *words, const char *pieces, const char *want, bool want_over) {
    arena a = mem;
    str w[STOP_STRINGS_MAX], rest = str_of(words);
    size_t n = 0;
    stop s;
    buf out, seen;
    buf_init(&out, &a, 256);
    buf_init(&seen, &a, 1024);
    while (rest.len)
        w[n++] = str_cut(&rest, '|');
    assert_int_equal(stop_init(&s, w, n, NULL), OK);
    bool over = false;
    for (rest = str_of(pieces); rest.len;) {
        over = stop_add(&s, &out, str_cut(&rest, '|'));
        buf_add(&seen, buf_str(&out));
        buf_byte(&seen, '|');
        buf_reset(&out);
    }
    stop_end(&s, &out);
    buf_add(&seen, buf_str(&out));
    buf_byte(&seen, 0);
    assert_string_equal(seen.ptr, want);
    assert_int_equal(over, want_over);
}

static void test_cases(void **state) {
    (void)state;
    check("", "hello| world", "hello| world|", false);
    check("END", "the END and more", "the |", true);
    check("END", "the E|N|D", "the |||", true);
    check("END", "the E|N|", "the ||EN", false);
    check("END", "the E|NE|ND", "the |EN||", true);
    check("END", "xEN|x", "x|ENx|", false);
    check("aab|ab", "aab", "|", true);
    check("aab|ab", "a|a|b", "|||", true);
    check("aab|ab", "a|a|c|a|b", "||aac|||", true);
    check("aab|ab", "aaab", "a|", true);
    check("aab|ab", "xab", "x|", true);
    check("abcd|bc", "abcd", "a|", true);  // "bc" is complete first
    check("abcd|bc", "ab|x", "|abx|", false);
    check("\n\n|\nQ:", "A: 1\n|Q|:|A", "A: 1||||", true);
    check("aaaa", "aaa|b|aaa|a", "|aaab|||", true);
    check("abab", "abaabab", "aba|", true);
    check("END", "a|END|more|END", "a||||", true);  // what follows is dropped
    check("x|x|x", "ax", "a|", true);
}

static void test_limits(void **state) {
    (void)state;
    stop s;
    err e = {0};
    char longest[STOP_BYTES_MAX + 1];
    memset(longest, 'a', sizeof longest);
    str w[STOP_STRINGS_MAX + 1];
    for (size_t i = 0; i < countof(w); i++)
        w[i] = STR("ab");
    assert_int_equal(stop_init(&s, w, STOP_STRINGS_MAX, &e), OK);
    assert_int_equal(stop_init(&s, w, STOP_STRINGS_MAX + 1, &e), E_LIMIT);
    assert_string_equal(e.msg, "17 stop strings, limit 16");
    w[3] = STR("");
    assert_int_equal(stop_init(&s, w, 4, &e), E_ARG);
    w[0] = (str){longest, STOP_BYTES_MAX + 1};
    assert_int_equal(stop_init(&s, w, 1, &e), E_LIMIT);
    assert_string_equal(e.msg, "a stop string has 257 bytes, limit 256");
}

// The longest string: 255 bytes held, one more ends the text, another letter lets all out.
static void test_longest(void **state) {
    (void)state;
    char a256[STOP_BYTES_MAX];
    memset(a256, 'a', sizeof a256);
    str w = {a256, sizeof a256};
    for (int ends = 0; ends < 2; ends++) {
        arena a = mem;
        stop s;
        buf out;
        buf_init(&out, &a, 1024);
        assert_int_equal(stop_init(&s, &w, 1, NULL), OK);
        for (size_t i = 0; i < sizeof a256 - 1; i++)
            assert_false(stop_add(&s, &out, STR("a")));
        assert_int_equal(out.len, 0);
        assert_int_equal(s.n_held, 255);
        assert_int_equal(stop_add(&s, &out, ends ? STR("a") : STR("b")), ends);
        assert_int_equal(out.len, ends ? 0 : 256);
    }
}

// --- Beside a search of the whole text ----------------------------------------------------------

static uint64_t seed;

static size_t random_below(size_t n) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(seed >> 33) % n;
}

// Where `text` ends, or SIZE_MAX.
static size_t search(const str *w, size_t n, str text) {
    for (size_t end = 1; end <= text.len; end++) {
        size_t longest = 0;
        for (size_t k = 0; k < n; k++)
            if (str_ends(str_first(text, end), w[k])) longest = max_size(longest, w[k].len);
        if (longest) return end - longest;
    }
    return SIZE_MAX;
}

// The longest end of `text` that begins a string.
static size_t must_hold(const str *w, size_t n, str text) {
    size_t longest = 0;
    for (size_t k = 0; k < n; k++)
        for (size_t len = 1; len < w[k].len; len++)
            if (str_ends(text, str_first(w[k], len))) longest = max_size(longest, len);
    return longest;
}

static void one_random(arena a) {
    char text[64], words[STOP_STRINGS_MAX][8];
    str w[STOP_STRINGS_MAX];
    size_t n = random_below(5), letters = 2 + random_below(2), done = 0;
    for (size_t k = 0; k < n; k++) {
        w[k] = (str){words[k], 1 + random_below(sizeof words[k])};
        for (size_t i = 0; i < w[k].len; i++)
            words[k][i] = (char)('a' + random_below(letters));
    }
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + random_below(letters));
    stop s;
    buf out;
    buf_init(&out, &a, sizeof text);
    assert_int_equal(stop_init(&s, w, n, NULL), OK);
    for (bool over = false; !over && done < sizeof text;) {
        size_t len = min_size(random_below(9), sizeof text - done);
        over = stop_add(&s, &out, (str){text + done, len});
        done += len;
        size_t end = search(w, n, (str){text, done});
        assert_int_equal(over, end != SIZE_MAX);
        assert_int_equal(out.len, over ? end : done - must_hold(w, n, (str){text, done}));
        assert_memory_equal(out.ptr ? out.ptr : "", text, out.len);
    }
    size_t end = search(w, n, (str){text, done});
    stop_end(&s, &out);
    assert_int_equal(out.len, end != SIZE_MAX ? end : done);
    assert_memory_equal(out.ptr, text, out.len);
}

static void test_random(void **state) {
    (void)state;
    seed = 11;
    for (int i = 0; i < 10000; i++)
        one_random(mem);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
