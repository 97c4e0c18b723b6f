// tokenizer.json: ids of Hugging Face's tokenizers (tests/golden/make_tokenizer.py), GPT-2's own
// vocabulary written as such a file, and files that are refused.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "os/file.h"
#include "text/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define GOLDEN "tests/golden/"

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

static str read_golden(const char *path) {
    os_map m;
    err e = {0};
    if (os_map_open(&m, path, OS_MAP_SEQUENTIAL, &e)) fail_msg("%s", e.msg);
    str copy = arena_str(&mem, os_map_str(&m));
    os_map_close(&m);
    return copy;
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

static void check_ids(const bpe *b, str text, str ids, size_t line, arena a) {
    int32_t *id;
    size_t n = 0, got;
    uint64_t want = 0;
    assert_int_equal(bpe_encode(&id, &got, b, text, &a, NULL), OK);
    for (; ids.len; n++) {
        assert_true(str_parse_u64(&want, str_cut(&ids, ' ')));
        if (n >= got || id[n] != (int32_t)want)
            fail_msg("line %zu: id %zu should be %d, is %d", line, n, (int)want,
                     n < got ? id[n] : -1);
    }
    assert_int_equal(n, got);
    buf all;
    buf_init(&all, &a, text.len);
    for (size_t i = 0; i < got; i++)
        buf_add(&all, bpe_token(b, id[i]));
    assert_true(str_eq(buf_str(&all), text));
}

static void check_golden(const bpe *b, const char *path, size_t least) {
    str all = read_golden(path);
    size_t line = 1;
    for (; all.len; line++) {
        arena a = mem;
        str ids = str_cut(&all, '\n'), hex = str_cut(&ids, ' ');
        str text = unhex(hex, &a);
        check_ids(b, text, ids, line, a);
    }
    assert_true(line > least);
}

static bpe *open_text(str json) {
    bpe *b;
    err e = {0};
    if (bpe_open_json_text(&b, json, &e)) fail_msg("%s", e.msg);
    return b;
}

static void test_trained(void **state) {
    (void)state;
    bpe *b;
    err e = {0};
    if (bpe_open_json(&b, GOLDEN "tokenizer_trained.json", &e)) fail_msg("%s", e.msg);
    assert_int_equal(bpe_vocab(b), 900);
    assert_int_equal(bpe_token(b, 0).len, 0);  // <|endoftext|>
    check_golden(b, GOLDEN "tokenizer_trained.txt", 140);
    bpe_close(b);
}

// Merges in an order that makes some words unreachable by their own merges; ids with gaps.
static void test_shuffled(void **state) {
    (void)state;
    bpe *b = open_text(read_golden(GOLDEN "tokenizer_shuffled.json"));
    assert_int_equal(bpe_vocab(b), 1806);
    assert_int_equal(bpe_token(b, 8).len, 0);
    assert_int_equal(bpe_token(b, 5).len, 0);                     // special
    assert_true(str_eq(bpe_token(b, 3), STR("<|\xC3\xA9\n|>")));  // added, plain
    check_golden(b, GOLDEN "tokenizer_shuffled.txt", 140);
    bpe_close(b);
}

// --- GPT-2's own --------------------------------------------------------------------------------

// The character that stands for a byte, as openai/gpt-2's bytes_to_unicode() has it.
static void add_char(buf *to, unsigned char byte, bool in_json) {
    int32_t cp = -1, n = 0;
    char out[UTF8_MAX];
    for (int c = 0; c <= byte; c++) {
        bool plain = (c >= '!' && c <= '~') || (c >= 0xA1 && c <= 0xAC) || c >= 0xAE;
        cp = plain ? c : 256 + n;
        n += !plain;
    }
    if (in_json && (byte == '"' || byte == '\\')) buf_byte(to, '\\');
    buf_add(to, (str){out, utf8_encode(out, cp)});
}

static void add_chars(buf *to, uint32_t id, bool in_json) {
    str s = bpe_token(bpe_gpt2(), (int32_t)id);
    for (size_t i = 0; i < s.len; i++)
        add_char(to, (unsigned char)s.ptr[i], in_json);
    if (s.len == 0) buf_add(to, STR("<|endoftext|>"));
}

static void add_vocab(buf *to) {
    for (uint32_t id = 0; id < bpe_vocab(bpe_gpt2()); id++) {
        buf_add(to, id ? STR(",\"") : STR("{\""));
        add_chars(to, id, true);
        buf_fmt(to, "\":%u", id);
    }
    buf_byte(to, '}');
}

static void add_merges(buf *to, const char *before, const char *between, const char *after) {
    const bpe *b = bpe_gpt2();
    for (uint32_t m = 0; m < b->n_merges; m++) {
        buf_fmt(to, "%s%s", m && *before ? "," : "", before);
        add_chars(to, (uint32_t)(b->merges[m] >> 36), *before);
        buf_fmt(to, "%s", between);
        add_chars(to, (uint32_t)(b->merges[m] >> 18) & 0x3FFFF, *before);
        buf_fmt(to, "%s", after);
    }
}

static void test_gpt2_as_json(void **state) {
    (void)state;
    arena before = mem;
    buf j;
    buf_init(&j, &mem, 1 << 20);
    buf_add(&j, STR("{\"version\":\"1.0\",\"truncation\":null,\"added_tokens\":[{\"id\":50256,"
                    "\"special\":true,\"content\":\"<|endoftext|>\"}],\"normalizer\":null,"
                    "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false},"
                    "\"decoder\":{\"type\":\"ByteLevel\"},\"model\":{\"vocab\":"));
    add_vocab(&j);
    buf_add(&j, STR(",\"merges\":["));
    add_merges(&j, "[\"", "\",\"", "\"]");
    buf_add(&j, STR("]}}"));
    assert_false(j.failed);
    bpe *b = open_text(buf_str(&j));
    assert_int_equal(bpe_vocab(b), BPE_GPT2_VOCAB);
    for (int32_t id = 0; id < BPE_GPT2_VOCAB; id++)
        assert_true(str_eq(bpe_token(b, id), bpe_token(bpe_gpt2(), id)));
    check_golden(b, GOLDEN "bpe_gpt2.txt", 400);
    bpe_close(b);
    mem = before;
}

// No token of GPT-2 needs merging when it is a piece: what the compact table relies on.
static void test_gpt2_words_are_whole(void **state) {
    (void)state;
    const bpe *b = bpe_gpt2();
    int32_t ids[BPE__SHORT];
    for (int32_t id = 0; id < BPE_GPT2_EOT; id++) {
        assert_int_equal(bpe__merge_short(ids, b, bpe_token(b, id)), 1);
        assert_int_equal(ids[0], id);
    }
}

static void write_file(const char *dir, const char *name, str text) {
    char path[300];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text.ptr, 1, text.len, f), text.len);
    fclose(f);
}

static void remove_files(const char *dir) {
    static const char *const names[] = {"tokenizer.json", "vocab.json", "merges.txt"};
    for (size_t i = 0; i < countof(names); i++) {
        char path[300];
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
}

// A folder: vocab.json and merges.txt, and tokenizer.json before them.
static void test_folder(void **state) {
    (void)state;
    arena before = mem;
    char dir[] = "/tmp/test_tokenizer.XXXXXX";
    assert_non_null(mkdtemp(dir));
    bpe *b;
    err e = {0};
    assert_int_equal(bpe_open_folder(&b, dir, &e), E_NOT_FOUND);
    assert_non_null(strstr(e.msg, "tokenizer.json"));
    buf j;
    buf_init(&j, &mem, 1 << 20);
    add_vocab(&j);
    write_file(dir, "vocab.json", buf_str(&j));
    assert_int_equal(bpe_open_folder(&b, dir, &e), E_NOT_FOUND);
    assert_non_null(strstr(e.msg, "merges.txt"));
    buf_reset(&j);
    buf_add(&j, STR("#version: 0.2\n"));
    add_merges(&j, "", " ", "\n");
    write_file(dir, "merges.txt", buf_str(&j));
    if (bpe_open_folder(&b, dir, &e)) fail_msg("%s", e.msg);
    check_golden(b, GOLDEN "bpe_gpt2.txt", 400);
    assert_int_equal(bpe_token(b, BPE_GPT2_EOT).len, 0);
    bpe_close(b);
    write_file(dir, "tokenizer.json", read_golden(GOLDEN "tokenizer_trained.json"));
    if (bpe_open_folder(&b, dir, &e)) fail_msg("%s", e.msg);
    assert_int_equal(bpe_vocab(b), 900);
    bpe_close(b);
    remove_files(dir);
    mem = before;
}

// --- What is refused ----------------------------------------------------------------------------

// `json` with the first `from` replaced by `to`.
static str with(str json, const char *from, const char *to, arena *a) {
    size_t at = str_find(json, str_of(from));
    if (at == json.len) fail_msg("%s is not in the file", from);
    buf b;
    buf_init(&b, a, json.len + strlen(to));
    buf_add(&b, str_first(json, at));
    buf_add(&b, str_of(to));
    buf_add(&b, str_skip(json, at + strlen(from)));
    return buf_str(&b);
}

static void test_refused(void **state) {
    (void)state;
    static const struct {
        const char *from, *to;
        status want;
        const char *says;
    } cases[] = {
        {"\"normalizer\":null", "\"normalizer\":{\"type\":\"NFC\"}", E_UNSUPPORTED, "normalizer"},
        {"\"type\":\"ByteLevel\",\"add", "\"type\":\"Meta\\nspace\",\"add", E_UNSUPPORTED,
         "pre_tokenizer.type is Meta?space"},
        {"\"add_prefix_space\":false", "\"add_prefix_space\":true", E_UNSUPPORTED,
         "pre_tokenizer.add_prefix_space is true"},
        {"\"add_prefix_space\":false", "\"add_prefix_space\":\"false\"", E_UNSUPPORTED,
         "pre_tokenizer.add_prefix_space"},
        {"\"add_prefix_space\":false,", "", E_UNSUPPORTED, "add_prefix_space is null"},
        {"\"use_regex\":true", "\"use_regex\":false", E_UNSUPPORTED, "pre_tokenizer.use_regex"},
        {"\"post_processor\":null", "\"post_processor\":{\"type\":\"TemplateProcessing\"}",
         E_UNSUPPORTED, "post_processor.type is TemplateProcessing"},
        {"\"decoder\":{\"type\":\"ByteLevel\"", "\"decoder\":{\"type\":\"Sequence\"", E_UNSUPPORTED,
         "decoder.type is Sequence"},
        {"\"model\":{\"type\":\"BPE\"", "\"model\":{\"type\":\"Unigram\"", E_UNSUPPORTED,
         "model.type is Unigram"},
        {"\"dropout\":null", "\"dropout\":0.1", E_UNSUPPORTED, "model.dropout"},
        {"\"continuing_subword_prefix\":null", "\"continuing_subword_prefix\":\"##\"",
         E_UNSUPPORTED, "model.continuing_subword_prefix is ##"},
        {"\"end_of_word_suffix\":null", "\"end_of_word_suffix\":\"</w>\"", E_UNSUPPORTED,
         "model.end_of_word_suffix"},
        {"\"byte_fallback\":false", "\"byte_fallback\":true", E_UNSUPPORTED, "byte_fallback"},
        {"\"ignore_merges\":false", "\"ignore_merges\":true", E_UNSUPPORTED, "ignore_merges"},
        {"\"pre_tokenizer\":{", "\"pre_tokenizer\":7,\"x\":{", E_FORMAT, "pre_tokenizer is no"},
        {"\"vocab\":{", "\"vocab\":[],\"x\":{", E_FORMAT, "vocabulary"},
        {"\"vocab\":{", "\"x\":{", E_FORMAT, "vocabulary"},
        {"\"added_tokens\":[", "\"added_tokens\":{},\"x\":[", E_FORMAT, "added_tokens"},
        {"\"added_tokens\":[", "\"added_tokens\":[{\"id\":1}, ", E_FORMAT, "no content"},
        {"\"added_tokens\":[", "\"added_tokens\":[{\"id\":1,\"content\":\"no\"}, ", E_FORMAT,
         "id 1 stands for \"!\" and \"no\""},
        {"\"merges\":[", "\"merges\":{},\"x\":[", E_FORMAT, "merges are no array"},
        {"\"merges\":[", "\"x\":[", E_FORMAT, "merges is missing"},
        {"\"merges\":[", "\"merges\":[7,", E_FORMAT, "merge 0 is neither"},
        {"\"merges\":[", "\"merges\":[[\"a\"],", E_FORMAT, "merge 0 is neither"},
        {"\"merges\":[", "\"merges\":[[\"q\",\"j\"],", E_FORMAT, "merge 0: \"q\", \"j\""},
        {"\"merges\":[", "\"merges\":[\"qj\",", E_FORMAT, "merge 0: \"qj\", \"\""},
        {"\"merges\":[", "\"merges\":[[\"\xC4\xA0\",\"t\"],", E_FORMAT, "merge 3 is there twice"},
        {"\"!\":1", "\"!\":2", E_FORMAT, "id 2 stands for"},
        {"\"!\":1", "\"!\":-1", E_FORMAT, "whole number"},
        {"\"!\":1", "\"!\":1.5", E_FORMAT, "whole number"},
        {"\"!\":1", "\"!\":262142", E_LIMIT, "id 262142, limit 262141"},
        {"\"!\":1", "\"zz\":1", E_FORMAT, "no token for byte 0x21"},
        {"{", "[{", E_FORMAT, "JSON line"},
    };
    str json = read_golden(GOLDEN "tokenizer_trained.json");
    for (size_t i = 0; i < countof(cases); i++) {
        arena a = mem;
        bpe *b;
        err e = {0};
        status s = bpe_open_json_text(&b, with(json, cases[i].from, cases[i].to, &a), &e);
        if (s != cases[i].want || !strstr(e.msg, cases[i].says))
            fail_msg("%s: %s: %s", cases[i].to, status_text(s), e.msg);
        assert_null(b);
    }
}

static void test_limits(void **state) {
    (void)state;
    bpe *b;
    err e = {0};
    str json = read_golden(GOLDEN "tokenizer_trained.json");
    arena a = mem;
    char longest[BPE_TOKEN_MAX + 10], added[400];
    memset(longest, 'q', sizeof longest);
    for (int over = 0; over <= 1; over++) {
        snprintf(added, sizeof added, "\"added_tokens\":[{\"id\":2000,\"content\":\"%.*s\"}, ",
                 BPE_TOKEN_MAX + over, longest);
        status s = bpe_open_json_text(&b, with(json, "\"added_tokens\":[", added, &a), &e);
        if (s != (over ? E_LIMIT : OK)) fail_msg("%s", e.msg);
        bpe_close(b);
    }
    assert_non_null(strstr(e.msg, "id 2000 has 256 bytes, limit 255"));
    str big = {"", BPE_TOKENIZER_MAX + (size_t)1};
    assert_int_equal(bpe_open_json_text(&b, big, &e), E_LIMIT);
    assert_int_equal(bpe_open_json(&b, "/nonexistent/tokenizer.json", &e), E_NOT_FOUND);
    assert_non_null(strstr(e.msg, "/nonexistent/tokenizer.json"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trained),      cmocka_unit_test(test_shuffled),
        cmocka_unit_test(test_gpt2_as_json), cmocka_unit_test(test_gpt2_words_are_whole),
        cmocka_unit_test(test_folder),       cmocka_unit_test(test_refused),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
