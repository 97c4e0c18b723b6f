// GPT-2's tokenizer against tiktoken's ids (tests/golden/make_bpe.mjs), and its table loader.
// BPE_GOLDEN names another file of the same form, for a run over random or all characters.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "os/file.h"
#include "text/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>

static arena mem;

static int setup(void **state) {
    (void)state;
    return arena_open(&mem, (size_t)2 << 30, NULL);
}

static int teardown(void **state) {
    (void)state;
    arena_close(&mem);
    return 0;
}

typedef struct encoded {
    int32_t *id;
    size_t n;
} encoded;

static encoded encode(str text, arena *a) {
    encoded x;
    err e = {0};
    assert_int_equal(tokenizer_encode(&x.id, &x.n, tokenizer_gpt2(), text, TOKENIZER_PLAIN, a, &e),
                     OK);
    return x;
}

static str decode(const encoded *x, arena *a) {
    buf b;
    buf_init(&b, a, 64);
    for (size_t i = 0; i < x->n; i++)
        buf_add(&b, tokenizer_bytes(tokenizer_gpt2(), x->id[i]));
    assert_false(b.failed);
    return buf_str(&b);
}

static str decode_stream(const encoded *x, arena *a) {
    buf b;
    tokenizer_stream s;
    tokenizer_stream_init(&s, tokenizer_gpt2(), false);
    buf_init(&b, a, 64);
    for (size_t i = 0; i < x->n; i++) {
        tokenizer_stream_add(&s, &b, x->id[i]);
        assert_true(utf8_valid(buf_str(&b)));
        assert_true(s.n_held <= 3);
    }
    tokenizer_stream_end(&s, &b);
    return buf_str(&b);
}

static void assert_str(str got, str want) {
    assert_int_equal(got.len, want.len);
    assert_memory_equal(got.ptr ? got.ptr : "", want.ptr ? want.ptr : "", want.len);
}

// Checks the ids, which are in decimal behind each other, and that they decode to the text.
static void check_ids(str text, str ids, const char *where, size_t line) {
    arena a = mem;
    encoded x = encode(text, &a);
    uint64_t want = 0;
    size_t n = 0;
    for (ids = str_trim(ids); ids.len; n++) {
        assert_true(str_parse_u64(&want, str_cut(&ids, ' ')));
        if (n >= x.n || x.id[n] != (int32_t)want)
            fail_msg("%s:%zu: id %zu should be %d, is %d", where, line, n, (int)want,
                     n < x.n ? x.id[n] : -1);
    }
    if (n != x.n) fail_msg("%s:%zu: %zu ids, expected %zu", where, line, x.n, n);
    assert_str(decode(&x, &a), text);
    assert_str(decode_stream(&x, &a), text);
}

static int nibble(char c) {
    return c <= '9' ? c - '0' : c - 'a' + 10;
}

static str unhex(str hex, arena *a) {
    char *p = arena_alloc(a, hex.len / 2 + 1);
    for (size_t i = 0; i + 1 < hex.len; i += 2)
        p[i / 2] = (char)(nibble(hex.ptr[i]) << 4 | nibble(hex.ptr[i + 1]));
    return (str){p, hex.len / 2};
}

static void test_golden(void **state) {
    (void)state;
    const char *path = getenv("BPE_GOLDEN");
    if (!path) path = "tests/golden/bpe_gpt2.txt";
    os_map m;
    err e = {0};
    if (os_map_open(&m, path, OS_MAP_SEQUENTIAL, &e)) fail_msg("%s", e.msg);
    str all = os_map_str(&m);
    size_t line = 1;
    for (; all.len; line++) {
        str ids = str_cut(&all, '\n'), hex = str_cut(&ids, ' ');
        size_t before = mem.used;
        check_ids(unhex(hex, &mem), ids, path, line);
        mem.used = before;
    }
    assert_true(line > 400);
    os_map_close(&m);
}

#define VOCAB "../shared/data/vocab/ggml-vocab-gpt-2.gguf"

static void test_llama_cpp_pairs(void **state) {
    (void)state;
    os_map in, out;
    if (os_map_open(&in, VOCAB ".inp", OS_MAP_SEQUENTIAL, NULL)) {
        print_message("skipped: " VOCAB ".inp is not here\n");
        skip();
    }
    assert_int_equal(os_map_open(&out, VOCAB ".out", OS_MAP_SEQUENTIAL, NULL), OK);
    str texts = os_map_str(&in), ids = os_map_str(&out), mark = STR("\n__ggml_vocab_test__\n");
    size_t n = 1;
    for (; texts.len; n++) {
        size_t len = str_find(texts, mark);
        check_ids(str_first(texts, len), str_cut(&ids, '\n'), VOCAB ".out", n);
        texts = str_skip(texts, len + mark.len);
    }
    assert_int_equal(n, 47);
    os_map_close(&in);
    os_map_close(&out);
}

static void test_tokens(void **state) {
    (void)state;
    const tokenizer *b = tokenizer_gpt2();
    assert_int_equal(tokenizer_vocab(b), 50257);
    assert_str(tokenizer_bytes(b, 0), STR("!"));
    assert_str(tokenizer_bytes(b, 15496), STR("Hello"));
    assert_str(tokenizer_bytes(b, 50255), STR(" gazed"));
    assert_str(tokenizer_bytes(b, TOKENIZER_GPT2_END), STR("<|endoftext|>"));
    assert_true(tokenizer_is_special(b, TOKENIZER_GPT2_END));
    assert_str(tokenizer_name(b, 50255), STR("\xC4\xA0gazed"));
    assert_int_equal(tokenizer_id(b, STR("\xC4\xA0gazed")), 50255);
    assert_int_equal(tokenizer_bytes(b, 50257).len, 0);
    assert_int_equal(tokenizer_bytes(b, -1).len, 0);
    assert_int_equal(tokenizer_bytes(b, INT32_MAX).len, 0);
}

// Every one- and two-byte string, valid or not, comes back; so does text broken at any byte.
static void test_any_bytes(void **state) {
    (void)state;
    for (int c = 0; c < 65536; c++) {
        arena a = mem;
        char two[2] = {(char)(c >> 8), (char)c};
        encoded x = encode((str){two, 2}, &a);
        assert_str(decode(&x, &a), (str){two, 2});
    }
    str text = STR("a\xE2\x82 \xE2\x82\xAC' \xFF\xFE's \xF0\x9F\x98\x80 \xED\xA0\x80 \xC0\x80");
    for (size_t i = 0; i < text.len; i++)
        for (size_t n = 0; i + n <= text.len; n++) {
            arena a = mem;
            str part = {text.ptr + i, n};
            encoded x = encode(part, &a);
            assert_str(decode(&x, &a), part);
        }
}

// A malformed run is a piece of its own: what stands around it is encoded as if it were not there.
static void test_malformed_is_apart(void **state) {
    (void)state;
    arena a = mem;
    encoded x = encode(STR("Hello\xFF\xFEHello"), &a);
    assert_true(x.n >= 3);
    assert_int_equal(x.id[0], 15496);
    assert_int_equal(x.id[x.n - 1], 15496);
}

static void test_special_is_text(void **state) {
    (void)state;
    arena a = mem;
    encoded x = encode(STR("<|endoftext|>"), &a);
    assert_true(x.n > 1);
    for (size_t i = 0; i < x.n; i++)
        assert_true(x.id[i] < TOKENIZER_GPT2_END);
}

// One word that fills the limit must take n log n, not n squared: seconds at most, even sanitized.
static void test_long_pieces(void **state) {
    (void)state;
    static const char fill[] = {'a', ' ', '\xFF', '-'};
    for (size_t i = 0; i < sizeof fill; i++) {
        arena a = mem;
        size_t len = 256 << 10;
        char *p = arena_alloc(&a, len);
        memset(p, fill[i], len);
        encoded x = encode((str){p, len}, &a);
        assert_str(decode(&x, &a), (str){p, len});
        assert_true(x.n <= len);
    }
}

#define LETTERS "qxtheingbwfyer"

// The tokens of these letters alone, in the order of their ids.
static int32_t lettered[4000];
static size_t n_lettered;

static void find_lettered(void) {
    n_lettered = 0;
    for (int32_t id = 256; id < TOKENIZER_GPT2_END; id++) {
        str s = tokenizer_bytes(tokenizer_gpt2(), id);
        size_t i = 0;
        while (i < s.len && strchr(LETTERS, s.ptr[i]))
            i++;
        if (i == s.len && n_lettered < countof(lettered)) lettered[n_lettered++] = id;
    }
    assert_in_range(n_lettered, 500, countof(lettered) - 1);
}

// The id of the bytes of two neighbours together, by looking at every token.
static int32_t pair_rank(const str *part) {
    str pair = {part[0].ptr, part[0].len + part[1].len};
    for (size_t i = 0; i < n_lettered; i++)
        if (str_eq(tokenizer_bytes(tokenizer_gpt2(), lettered[i]), pair)) return lettered[i];
    return INT32_MAX;
}

// The definition: merge the lowest pair, of equal ones the leftmost, until there is none.
static size_t merge_plainly(str *part, size_t n) {
    int32_t rank[600];
    for (size_t i = 0; i + 1 < n; i++)
        rank[i] = pair_rank(part + i);
    for (;;) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            if (rank[i] < rank[best]) best = i;
        if (n < 2 || rank[best] == INT32_MAX) return n;
        part[best].len += part[best + 1].len;
        memmove(part + best + 1, part + best + 2, (n - best - 2) * sizeof *part);
        memmove(rank + best, rank + best + 1, (n - best - 2) * sizeof *rank);
        n--;
        if (best + 1 < n) rank[best] = pair_rank(part + best);
        if (best) rank[best - 1] = pair_rank(part + best - 1);
    }
}

// All ways of merging do what the definition says.
static void test_definition(void **state) {
    (void)state;
    static const size_t lens[] = {1, 2, 3, 15, 16, 17, 64, 255, 256, 257, 600};
    find_lettered();
    for (size_t k = 0; k < countof(lens); k++) {
        arena a = mem;
        char text[600];
        str part[600];
        for (size_t i = 0; i < lens[k]; i++) {
            text[i] = LETTERS[(i * i + i / 3) % 14];
            part[i] = (str){text + i, 1};
        }
        encoded x = encode((str){text, lens[k]}, &a);
        size_t n = merge_plainly(part, lens[k]);
        assert_int_equal(x.n, n);
        for (size_t i = 0; i < n; i++)
            assert_str(tokenizer_bytes(tokenizer_gpt2(), x.id[i]), part[i]);
    }
}

// Pieces of more than 4,096 bytes lie in several fields. A word on the border, in letters that make
// no tokens, has the ids that it has in a short piece.
static void test_border(void **state) {
    (void)state;
    enum { CUT = 4000 };
    char text[4096 + 200];
    find_lettered();
    for (size_t k = 0; k < n_lettered; k += 3)
        for (size_t at = 4090; at <= 4096; at += 2) {
            arena a = mem;
            str word = tokenizer_bytes(tokenizer_gpt2(), lettered[k]);
            for (size_t i = 0; i < sizeof text; i++)
                text[i] = "zq"[i % 2];
            memcpy(text + at, word.ptr, word.len);
            encoded far = encode((str){text, sizeof text}, &a);
            encoded near = encode((str){text + CUT, sizeof text - CUT}, &a);
            assert_int_equal(far.n, near.n + CUT);
            assert_memory_equal(far.id + CUT, near.id, near.n * sizeof *near.id);
        }
}

static void test_limits(void **state) {
    (void)state;
    arena a = mem, tiny;
    err e = {0};
    int32_t *ids;
    size_t n;
    char *p = arena_alloc(&a, TOKENIZER_TEXT_MAX + 1);
    memset(p, '!', TOKENIZER_TEXT_MAX + 1);
    assert_int_equal(tokenizer_encode(&ids, &n, tokenizer_gpt2(), (str){p, TOKENIZER_TEXT_MAX + 1},
                                      TOKENIZER_PLAIN, &a, &e),
                     E_LIMIT);
    assert_int_equal(
        tokenizer_encode(&ids, &n, tokenizer_gpt2(), (str){p, 0}, TOKENIZER_PLAIN, &a, &e), OK);
    assert_int_equal(n, 0);
    assert_int_equal(arena_open(&tiny, 16384, &e), OK);
    assert_int_equal(
        tokenizer_encode(&ids, &n, tokenizer_gpt2(), (str){p, 2000}, TOKENIZER_PLAIN, &tiny, &e),
        E_LIMIT);
    arena_reset(&tiny, 0);
    assert_int_equal(
        tokenizer_encode(&ids, &n, tokenizer_gpt2(), (str){p, 900}, TOKENIZER_PLAIN, &tiny, &e),
        E_LIMIT);
    assert_string_equal(e.msg, "no room to tokenize a word of 900 bytes");
    arena_close(&tiny);
}

// A text that comes in parts has the ids of the whole, wherever it is cut.
static void test_parts(void **state) {
    (void)state;
    static const char *const texts[] = {
        "I'll  go\n\n  there \t we've 123 \xE2\x82\xAC\xE2\x80\x83\xE2\x80\x83x \xFF\xFE!",
        " '  's 'll\xE2\x82 \xF0\x9F\x98\x80\xF0\x9F\x98\x80   \xE4\xBD\xA0\xE5\xA5\xBD  a",
        "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\nx", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ""};
    for (size_t t = 0; t < countof(texts); t++)
        for (size_t cut = 0; cut <= strlen(texts[t]); cut++) {
            arena a = mem;
            err e = {0};
            str text = str_of(texts[t]);
            encoded whole = encode(text, &a), part;
            size_t used;
            assert_int_equal(tokenizer_encode_part(&part.id, &part.n, &used, tokenizer_gpt2(),
                                                   str_first(text, cut), TOKENIZER_PLAIN, &a, &e),
                             OK);
            assert_true(used <= cut);
            encoded rest = encode(str_skip(text, used), &a);
            assert_int_equal(part.n + rest.n, whole.n);
            assert_memory_equal(part.id, whole.id, part.n * sizeof *part.id);
            assert_memory_equal(rest.id, whole.id + part.n, rest.n * sizeof *rest.id);
        }
    arena a = mem;
    encoded part;
    size_t used;
    str text = STR("The quick brown fox jumps over the lazy dog");
    assert_int_equal(tokenizer_encode_part(&part.id, &part.n, &used, tokenizer_gpt2(), text,
                                           TOKENIZER_PLAIN, &a, NULL),
                     OK);
    assert_int_equal(used, 34);  // all but " lazy dog"; " lazy" ends 4 bytes before the end
    assert_int_equal(part.n, 7);
}

// Gives back all but the ids.
static void test_memory(void **state) {
    (void)state;
    arena a = mem;
    encoded x = encode(STR("Hello Hello Hello Hello Hello"), &a);
    assert_int_equal(x.n, 5);
    assert_true(a.used <= align_up(mem.used, 16) + 5 * sizeof(int32_t));
}

static void test_stream(void **state) {
    (void)state;
    buf b;
    arena a = mem;
    tokenizer_stream s;
    tokenizer_stream_init(&s, tokenizer_gpt2(), false);
    buf_init(&b, &a, 64);
    encoded x = encode(STR("\xF0\x9F\x98\x80"), &a);  // an emoji of several tokens
    assert_true(x.n > 1);
    for (size_t i = 0; i + 1 < x.n; i++) {
        tokenizer_stream_add(&s, &b, x.id[i]);
        assert_int_equal(b.len, 0);
    }
    tokenizer_stream_add(&s, &b, TOKENIZER_GPT2_END);  // adds nothing, breaks nothing
    tokenizer_stream_add(&s, &b, x.id[x.n - 1]);
    assert_str(buf_str(&b), STR("\xF0\x9F\x98\x80"));
    tokenizer_stream_add(&s, &b, x.id[0]);
    tokenizer_stream_add(&s, &b, 15496);
    tokenizer_stream_add(&s, &b, x.id[0]);
    tokenizer_stream_end(&s, &b);
    assert_int_equal(s.n_held, 0);
    assert_str(buf_str(&b), STR("\xF0\x9F\x98\x80\xEF\xBF\xBDHello\xEF\xBF\xBD"));
}

// --- The table loader ------------------------------------------------------------------------

static uint64_t fnv1a(const uint8_t *p, size_t n) {
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x100000001b3u;
    return h;
}

// 256 single bytes, then `extra`, one token each up to '|', whose last byte is their second part.
// Returns the table's length.
static size_t make_table(uint8_t *t, const char *extra) {
    uint8_t len[300], left[300] = {0}, bytes[600];
    uint32_t n = 0, n_bytes = 0;
    for (; n < 256; n++)
        len[n] = 1, bytes[n_bytes++] = (uint8_t)n;
    for (str rest = str_of(extra); rest.len; n++) {
        str token = str_cut(&rest, '|');
        len[n] = (uint8_t)token.len;
        left[n] = (uint8_t)(token.len ? token.len - 1 : 0);
        memcpy(bytes + n_bytes, token.ptr, token.len);
        n_bytes += (uint32_t)token.len;
    }
    memcpy(t, "bpe-tab2", 8);
    memcpy(t + 8, &n, 4);
    memcpy(t + 12, &n_bytes, 4);
    memcpy(t + 24, len, n);
    memcpy(t + 24 + n, left, n);
    memcpy(t + 24 + 2 * n, bytes, n_bytes);
    uint64_t sum = fnv1a(t + 24, 2 * n + n_bytes);
    memcpy(t + 16, &sum, 8);
    return 24 + 2 * n + n_bytes;
}

static void check_refused(const uint8_t *t, size_t n, status want) {
    tokenizer *b;
    err e = {0};
    assert_int_equal(tokenizer_open_table(&b, (str){(const char *)t, n}, &e), want);
    assert_null(b);
    assert_true(strlen(e.msg) > 10);
}

static void test_table(void **state) {
    (void)state;
    uint8_t t[1200];
    tokenizer *b;
    arena a = mem;
    size_t n = make_table(t, "ab|bc||abc"), n_ids;
    int32_t *ids;
    assert_int_equal(tokenizer_open_table(&b, (str){(char *)t, n}, NULL), OK);
    assert_int_equal(tokenizer_vocab(b), 260);
    assert_int_equal(tokenizer_bytes(b, 258).len, 0);
    assert_int_equal(tokenizer_encode(&ids, &n_ids, b, STR("xabcbc"), TOKENIZER_PLAIN, &a, NULL),
                     OK);
    assert_int_equal(n_ids, 3);  // x ab+c bc: "ab" and "bc" first, then "abc"
    assert_int_equal(ids[0], 'x');
    assert_int_equal(ids[1], 259);
    assert_int_equal(ids[2], 257);
    tokenizer_close(b);
    tokenizer_close(NULL);
}

static void test_bad_tables(void **state) {
    (void)state;
    uint8_t t[1200];
    size_t n = make_table(t, "ab");
    for (size_t cut = 0; cut < n; cut++)
        check_refused(t, cut, E_FORMAT);
    for (size_t i = 0; i < n; i++) {  // no flipped bit passes
        t[i] ^= 4;
        tokenizer *b;
        assert_int_not_equal(tokenizer_open_table(&b, (str){(char *)t, n}, NULL), OK);
        t[i] ^= 4;
    }
    n = make_table(t, "ab|ab");
    check_refused(t, n, E_FORMAT);
    n = make_table(t, "ab");
    t[24 + 256] = 1, t[24] = 2;  // byte 0 is no token any more
    uint64_t sum = fnv1a(t + 24, n - 24);
    memcpy(t + 16, &sum, 8);
    check_refused(t, n, E_FORMAT);
    n = make_table(t, "ab|xyz");  // "xy" is no token
    check_refused(t, n, E_FORMAT);
    n = make_table(t, "ab");
    uint32_t huge = 1u << 31;
    memcpy(t + 8, &huge, 4);
    check_refused(t, n, E_LIMIT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),
        cmocka_unit_test(test_llama_cpp_pairs),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_any_bytes),
        cmocka_unit_test(test_malformed_is_apart),
        cmocka_unit_test(test_special_is_text),
        cmocka_unit_test(test_long_pieces),
        cmocka_unit_test(test_definition),
        cmocka_unit_test(test_border),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_stream),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_bad_tables),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
