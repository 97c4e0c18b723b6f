// tokenizer.json: ids of Hugging Face's tokenizers (tests/golden/make_tokenizer.py), GPT-2's own
// vocabulary written as such a file, and files that are refused.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "os/file.h"
#include "text/parts.h"

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

static void check_ids(const tokenizer *b, str text, str ids, size_t line, arena a) {
    int32_t *id;
    size_t n = 0, got;
    uint64_t want = 0;
    assert_int_equal(tokenizer_encode(&id, &got, b, text, TOKENIZER_PLAIN, &a, NULL), OK);
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
        buf_add(&all, tokenizer_bytes(b, id[i]));
    assert_true(str_eq(buf_str(&all), text));
}

static void check_golden(const tokenizer *b, const char *path, size_t least) {
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

static tokenizer *open_text(str json) {
    tokenizer *b;
    err e = {0};
    if (tokenizer_open_json(&b, json, &e)) fail_msg("%s", e.msg);
    return b;
}

static void test_trained(void **state) {
    (void)state;
    tokenizer *b;
    err e = {0};
    if (tokenizer_open_path(&b, GOLDEN "tokenizer_trained.json", &e)) fail_msg("%s", e.msg);
    assert_int_equal(tokenizer_vocab(b), 900);
    assert_true(str_eq(tokenizer_bytes(b, 0), STR("<|endoftext|>")));
    assert_true(tokenizer_is_special(b, 0) && tokenizer_is_added(b, 0));
    assert_int_equal(tokenizer_id(b, STR("<|endoftext|>")), 0);
    check_golden(b, GOLDEN "tokenizer_trained.txt", 140);
    tokenizer_close(b);
}

// Merges in an order that makes some words unreachable by their own merges; ids with gaps.
static void test_shuffled(void **state) {
    (void)state;
    tokenizer *b = open_text(read_golden(GOLDEN "tokenizer_shuffled.json"));
    assert_int_equal(tokenizer_vocab(b), 1806);
    assert_int_equal(tokenizer_bytes(b, 8).len, 0);
    assert_true(str_eq(tokenizer_bytes(b, 5), STR("<|sys|>")));
    assert_true(tokenizer_is_special(b, 5) && !tokenizer_is_special(b, 3));
    assert_true(str_eq(tokenizer_bytes(b, 3), STR("<|\xC3\xA9\n|>")));  // added, plain
    check_golden(b, GOLDEN "tokenizer_shuffled.txt", 140);
    tokenizer_close(b);
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
    str s = tokenizer_bytes(tokenizer_gpt2(), (int32_t)id);
    for (size_t i = 0; i < s.len; i++)
        add_char(to, (unsigned char)s.ptr[i], in_json);
}

static void add_vocab(buf *to) {
    for (uint32_t id = 0; id < tokenizer_vocab(tokenizer_gpt2()); id++) {
        buf_add(to, id ? STR(",\"") : STR("{\""));
        add_chars(to, id, true);
        buf_fmt(to, "\":%u", id);
    }
    buf_byte(to, '}');
}

static void add_merges(buf *to, const char *before, const char *between, const char *after) {
    const bpe *b = tokenizer_gpt2()->bpe;
    for (uint32_t m = 0; m < b->n_merges; m++) {
        buf_fmt(to, "%s%s", m && *before ? "," : "", before);
        add_chars(to, (uint32_t)(b->merges[m] >> 40), *before);
        buf_fmt(to, "%s", between);
        add_chars(to, (uint32_t)(b->merges[m] >> 20) & 0xFFFFF, *before);
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
    tokenizer *b = open_text(buf_str(&j));
    assert_int_equal(tokenizer_vocab(b), TOKENIZER_GPT2_VOCAB);
    for (int32_t id = 0; id < TOKENIZER_GPT2_VOCAB; id++)
        assert_true(str_eq(tokenizer_bytes(b, id), tokenizer_bytes(tokenizer_gpt2(), id)));
    check_golden(b, GOLDEN "bpe_gpt2.txt", 400);
    tokenizer_close(b);
    mem = before;
}

// No token of GPT-2 needs merging when it is a piece: what the compact table relies on.
static void test_gpt2_words_are_whole(void **state) {
    (void)state;
    const bpe *b = tokenizer_gpt2()->bpe;
    for (int32_t id = 0; id < TOKENIZER_GPT2_END; id++) {
        int32_t ids[BPE__SHORT];
        str s = tokenizer_bytes(tokenizer_gpt2(), id);
        size_t n = s.len;
        for (size_t i = 0; i < n; i++)
            ids[i] = (int32_t)b->byte_id[(unsigned char)s.ptr[i]];
        assert_int_equal(bpe__merge_all(ids, &n, b, mem, NULL), OK);
        assert_int_equal(n, 1);
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
    tokenizer *b;
    err e = {0};
    assert_int_equal(tokenizer_open_folder(&b, dir, &e), E_NOT_FOUND);
    assert_non_null(strstr(e.msg, "tokenizer.json"));
    buf j;
    buf_init(&j, &mem, 1 << 20);
    add_vocab(&j);
    write_file(dir, "vocab.json", buf_str(&j));
    assert_int_equal(tokenizer_open_folder(&b, dir, &e), E_NOT_FOUND);
    assert_non_null(strstr(e.msg, "merges.txt"));
    buf_reset(&j);
    buf_add(&j, STR("#version: 0.2\n"));
    add_merges(&j, "", " ", "\n");
    write_file(dir, "merges.txt", buf_str(&j));
    if (tokenizer_open_folder(&b, dir, &e)) fail_msg("%s", e.msg);
    check_golden(b, GOLDEN "bpe_gpt2.txt", 400);
    assert_true(tokenizer_is_special(b, TOKENIZER_GPT2_END));
    tokenizer_close(b);
    write_file(dir, "tokenizer.json", read_golden(GOLDEN "tokenizer_trained.json"));
    if (tokenizer_open_folder(&b, dir, &e)) fail_msg("%s", e.msg);
    assert_int_equal(tokenizer_vocab(b), 900);
    tokenizer_close(b);
    remove_files(dir);
    mem = before;
}

// --- Every kind ----------------------------------------------------------------------------------

static void check_decoding(const tokenizer *t, const int32_t *ids, size_t n, str want, arena a) {
    buf all, stream;
    tokenizer_stream s;
    buf_init(&all, &a, want.len);
    tokenizer_decode(&all, t, ids, n, true);
    assert_false(all.failed);
    assert_int_equal(all.len, want.len);
    assert_memory_equal(all.ptr, want.ptr, want.len);
    buf_init(&stream, &a, want.len);
    tokenizer_stream_init(&s, t, true);
    for (size_t i = 0; i < n; i++) {
        tokenizer_stream_add(&s, &stream, ids[i]);
        assert_true(utf8_valid(buf_str(&stream)));
        assert_true(s.n_held <= 3);
    }
    tokenizer_stream_end(&s, &stream);
    assert_true(str_eq(buf_str(&stream), want));
}

// A line is the text in hex, " | ", ids, " | ", what they decode to in hex.
static void check_line(const char *kind, const tokenizer *t, str line, size_t number, arena a) {
    int32_t *id;
    size_t n, k = 0;
    uint64_t want = 0;
    err e = {0};
    bool is_plain = line.ptr[0] == '-';
    str hex = str_trim(str_cut(&line, '|')), ids = str_trim(str_cut(&line, '|'));
    str text = unhex(str_skip(hex, is_plain), &a);
    unsigned flags = TOKENIZER_SPECIAL | (is_plain ? TOKENIZER_PLAIN : 0u);
    if (tokenizer_encode(&id, &n, t, text, flags, &a, &e)) fail_msg("%s: %s", kind, e.msg);
    for (; ids.len; k++) {
        assert_true(str_parse_u64(&want, str_cut(&ids, ' ')));
        if (k >= n || id[k] != (int32_t)want)
            fail_msg("%s:%zu: id %zu should be %d, is %d", kind, number, k, (int)want,
                     k < n ? id[k] : -1);
    }
    assert_int_equal(k, n);
    check_decoding(t, id, n, unhex(str_trim(line), &a), a);
}

static void test_kinds(void **state) {
    (void)state;
    static const char *const kinds[] = {"gpt2",   "roberta",   "llama3",       "qwen2",  "o200k",
                                        "smollm", "deepseek3", "falcon",       "llama2", "mistral",
                                        "always", "never",     "holes",        "gemma",  "unigram",
                                        "suffix", "flags",     "unigram_bytes"};
    for (size_t i = 0; i < countof(kinds); i++) {
        arena before = mem;
        char path[200];
        snprintf(path, sizeof path, GOLDEN "tokenizers/%s.json", kinds[i]);
        tokenizer *t = open_text(read_golden(path));
        snprintf(path, sizeof path, GOLDEN "tokenizers/%s.txt", kinds[i]);
        str all = read_golden(path);
        size_t line = 0;
        while (all.len)
            check_line(kinds[i], t, str_cut(&all, '\n'), ++line, mem);
        assert_true(line >= 100);
        tokenizer_close(t);
        mem = before;
    }
}

static tokenizer *open_kind(const char *kind) {
    char path[200];
    snprintf(path, sizeof path, GOLDEN "tokenizers/%s.json", kind);
    return open_text(read_golden(path));
}

static size_t count(const tokenizer *t, const char *text, unsigned flags, int32_t first) {
    arena a = mem;
    int32_t *id;
    size_t n;
    assert_int_equal(tokenizer_encode(&id, &n, t, str_of(text), flags, &a, NULL), OK);
    if (n) assert_int_equal(id[0], first);
    return n;
}

// What flags say: the beginning that the post-processor adds, special tokens as text.
static void test_flags(void **state) {
    (void)state;
    arena before = mem;
    tokenizer *t = open_kind("llama3");
    int32_t end = tokenizer_id(t, STR("<|end|>")), less = tokenizer_id(t, STR("<"));
    assert_true(end > 0 && less > 0 && tokenizer_is_special(t, end));
    assert_true(str_eq(tokenizer_name(t, end), STR("<|end|>")));
    assert_int_equal(count(t, "", TOKENIZER_SPECIAL, end), 1);
    assert_int_equal(count(t, "", 0, 0), 0);
    assert_int_equal(count(t, "<|end|>", 0, end), 1);
    assert_int_equal(count(t, "<|end|>", TOKENIZER_SPECIAL, end), 2);
    assert_true(count(t, "<|end|>", TOKENIZER_PLAIN, less) > 1);
    assert_int_equal(tokenizer_id(t, STR("no such token")), -1);
    assert_int_equal(tokenizer_name(t, -1).len + tokenizer_name(t, 1 << 20).len, 0);
    tokenizer_close(t);
    mem = before;
}

// Bytes that are no UTF-8: kept where the model takes bytes, U+FFFD for each part elsewhere.
static void test_malformed(void **state) {
    (void)state;
    static const str text = STR_INIT("a\xFF b\xE2\x82 c\xF0\x9F\x98\x80\xED\xA0\x80'\xC3");
    static const char *const keep[] = {"gpt2", "llama3", "o200k", "smollm", "deepseek3"};
    arena before = mem;
    int32_t *id, *same;
    size_t n, m;
    for (size_t i = 0; i < countof(keep); i++) {
        tokenizer *t = open_kind(keep[i]);
        buf all;
        assert_int_equal(tokenizer_encode(&id, &n, t, text, 0, &mem, NULL), OK);
        buf_init(&all, &mem, 100);
        for (size_t k = 0; k < n; k++)
            buf_add(&all, tokenizer_bytes(t, id[k]));
        assert_true(str_eq(buf_str(&all), text));
        tokenizer_close(t);
    }
    static const str clean = STR_INIT("a\xEF\xBF\xBD b\xEF\xBF\xBD c\xF0\x9F\x98\x80\xEF\xBF\xBD"
                                      "\xEF\xBF\xBD\xEF\xBF\xBD'\xEF\xBF\xBD");
    tokenizer *t = open_kind("llama2");
    assert_int_equal(tokenizer_encode(&id, &n, t, text, 0, &mem, NULL), OK);
    assert_int_equal(tokenizer_encode(&same, &m, t, clean, 0, &mem, NULL), OK);
    assert_int_equal(n, m);
    assert_memory_equal(id, same, n * sizeof *id);
    tokenizer_close(t);
    mem = before;
}

// A run of byte tokens that is no UTF-8 is U+FFFD for each byte; a stream shows whole characters.
static void test_byte_tokens(void **state) {
    (void)state;
    arena before = mem;
    tokenizer *t = open_kind("llama2");
    int32_t id[] = {tokenizer_id(t, STR("<0xC3>")), tokenizer_id(t, STR("<0xA9>")),
                    tokenizer_id(t, STR("<0xE2>")), tokenizer_id(t, STR("\xE2\x96\x81"))};
    buf all;
    tokenizer_stream s;
    buf_init(&all, &mem, 100);
    tokenizer_decode(&all, t, id, 2, true);
    assert_true(str_eq(buf_str(&all), STR("\xC3\xA9")));
    buf_reset(&all);
    tokenizer_decode(&all, t, id, 4, true);
    assert_true(str_eq(buf_str(&all), STR("\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD ")));
    buf_reset(&all);
    tokenizer_stream_init(&s, t, true);
    for (size_t i = 0; i < countof(id); i++)
        tokenizer_stream_add(&s, &all, id[i]);
    assert_true(str_eq(buf_str(&all), STR("\xC3\xA9\xEF\xBF\xBD ")));
    tokenizer_close(t);
    mem = before;
}

// Texts that an engine which goes back and forth would be years on.
static void test_hostile(void **state) {
    (void)state;
    static const char *const kinds[] = {"gpt2",    "llama3", "o200k",   "deepseek3",
                                        "mistral", "flags",  "unigram", "falcon"};
    static const char *const parts[] = {"a", " ", "\n ", "'", "<|im_", "\xCC\x81", "1", "<f5>"};
    enum { LEN = 40000 };
    arena before = mem;
    char *text = arena_alloc(&mem, LEN);
    for (size_t i = 0; i < countof(kinds); i++) {
        arena again = mem;
        tokenizer *t = open_kind(kinds[i]);
        for (size_t k = 0; k < countof(parts); k++) {
            arena a = mem;
            int32_t *id;
            size_t n, len = strlen(parts[k]);
            err e = {0};
            for (size_t at = 0; at < LEN; at++)
                text[at] = parts[k][at % len];
            str s = {text, LEN - LEN % len};
            if (tokenizer_encode(&id, &n, t, s, 0, &a, &e)) fail_msg("%s: %s", kinds[i], e.msg);
            assert_true(n > 0);
        }
        tokenizer_close(t);
        mem = again;
    }
    mem = before;
}

// --- GGUF
// -----------------------------------------------------------------------------------------

#define VOCABS "../shared/data/vocab/ggml-vocab-"

// Texts and what Hugging Face's tokenizers made of them, from llama.cpp's tests.
static void check_pairs(const tokenizer *t, const char *model, arena a) {
    char path[300];
    os_map in, out;
    str mark = STR("\n__ggml_vocab_test__\n");
    snprintf(path, sizeof path, "%s.inp", model);
    assert_int_equal(os_map_open(&in, path, OS_MAP_SEQUENTIAL, NULL), OK);
    snprintf(path, sizeof path, "%s.out", model);
    assert_int_equal(os_map_open(&out, path, OS_MAP_SEQUENTIAL, NULL), OK);
    str texts = os_map_str(&in), ids = os_map_str(&out);
    size_t n = 0;
    for (; texts.len; n++) {
        arena scratch = a;
        int32_t *id;
        size_t got, k = 0, len = str_find(texts, mark);
        str want = str_trim(str_cut(&ids, '\n'));
        assert_int_equal(tokenizer_encode(&id, &got, t, str_first(texts, len), 0, &scratch, NULL),
                         OK);
        for (uint64_t v; want.len; k++) {
            assert_true(str_parse_u64(&v, str_cut(&want, ' ')));
            if (k >= got || id[k] != (int32_t)v) fail_msg("%s: text %zu, id %zu", model, n, k);
        }
        assert_int_equal(k, got);
        texts = str_skip(texts, len + mark.len);
    }
    assert_int_equal(n, 46);  // and an empty one
    os_map_close(&in);
    os_map_close(&out);
}

static void test_gguf_pairs(void **state) {
    (void)state;
    static const char *const models[] = {VOCABS "deepseek-coder.gguf", VOCABS "deepseek-llm.gguf",
                                         VOCABS "falcon.gguf", VOCABS "gpt-2.gguf",
                                         VOCABS "llama-spm.gguf"};
    os_file_stat st;
    for (size_t i = 0; i < countof(models); i++) {
        tokenizer *t;
        err e = {0};
        if (os_stat(&st, models[i], NULL)) {
            print_message("skipped: %s is not there\n", models[i]);
            skip();
        }
        if (tokenizer_open_path(&t, models[i], &e)) fail_msg("%s", e.msg);
        check_pairs(t, models[i], mem);
        tokenizer_close(t);
    }
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
        {"\"normalizer\":null", "\"normalizer\":{\"type\":\"Precompiled\"}", E_UNSUPPORTED,
         "normalizer Precompiled"},
        {"\"normalizer\":null", "\"normalizer\":{\"type\":\"NFC\",\"q\":1}", E_UNSUPPORTED,
         "normalizer NFC: field q"},
        {"\"normalizer\":null", "\"normalizer\":{\"type\":\"Prepend\"}", E_FORMAT,
         "Prepend.prepend"},
        {"\"normalizer\":null", "\"normalizer\":{}", E_FORMAT, "normalizer: no object"},
        {"\"normalizer\":null", "\"normalizer\":{\"type\":\"Sequence\"}", E_FORMAT, "normalizers"},
        {"\"type\":\"ByteLevel\",\"add", "\"type\":\"Meta\\nspace\",\"add", E_UNSUPPORTED,
         "pre_tokenizer Meta?space"},
        {"\"add_prefix_space\":false", "\"add_prefix_space\":\"false\"", E_FORMAT,
         "ByteLevel.add_prefix_space"},
        {"\"pre_tokenizer\":{\"type\":\"ByteLevel\"", "\"pre_tokenizer\":{\"type\":\"Split\"",
         E_UNSUPPORTED, "pre_tokenizer Split: field add_prefix_space"},
        {"\"pre_tokenizer\":{",
         "\"pre_tokenizer\":{\"type\":\"Split\",\"behavior\":\"Isolated\",\"pattern\":"
         "{\"Regex\":\"a(?>b)\"}},\"x\":{",
         E_UNSUPPORTED, "this kind of group"},
        {"\"pre_tokenizer\":{",
         "\"pre_tokenizer\":{\"type\":\"Split\",\"behavior\":\"Maybe\",\"pattern\":"
         "{\"Regex\":\"a\"}},\"x\":{",
         E_UNSUPPORTED, "behavior Maybe"},
        {"\"post_processor\":null", "\"post_processor\":{\"type\":\"TemplateProcessing\"}",
         E_FORMAT, "TemplateProcessing.single"},
        {"\"post_processor\":null",
         "\"post_processor\":{\"type\":\"RobertaProcessing\",\"cls\":[\"x\",1000],\"sep\":[]}",
         E_FORMAT, "an id that is none"},
        {"\"post_processor\":null", "\"post_processor\":{\"type\":\"Other\"}", E_UNSUPPORTED,
         "post_processor Other"},
        {"\"decoder\":{\"type\":\"ByteLevel\"", "\"decoder\":{\"type\":\"CTC\"", E_UNSUPPORTED,
         "decoder CTC"},
        {"\"model\":{\"type\":\"BPE\"", "\"model\":{\"type\":\"WordPiece\"", E_UNSUPPORTED,
         "model WordPiece"},
        {"\"model\":{\"type\":\"BPE\"", "\"model\":{\"type\":\"Unigram\"", E_FORMAT,
         "model.vocab is missing or no array"},
        {"\"dropout\":null", "\"dropout\":0.1", E_UNSUPPORTED, "model.dropout"},
        {"\"dropout\":null", "\"temperature\":1", E_UNSUPPORTED, "model.temperature"},
        {"\"unk_token\":null", "\"unk_token\":\"qjqj\"", E_FORMAT, "model.unk_token \"qjqj\""},
        {"\"continuing_subword_prefix\":null",
         "\"continuing_subword_prefix\":\"#################\"", E_LIMIT,
         "model.continuing_subword_prefix"},
        {"\"pre_tokenizer\":{", "\"pre_tokenizer\":7,\"x\":{", E_FORMAT, "pre_tokenizer: no"},
        {"\"vocab\":{", "\"vocab\":[],\"x\":{", E_FORMAT, "model.vocab"},
        {"\"vocab\":{", "\"x\":{", E_FORMAT, "model.vocab"},
        {"\"added_tokens\":[", "\"added_tokens\":{},\"x\":[", E_FORMAT, "added_tokens"},
        {"\"added_tokens\":[", "\"added_tokens\":[{\"id\":1}, ", E_FORMAT, "no content"},
        {"\"added_tokens\":[", "\"added_tokens\":[{\"id\":1,\"content\":\"no!\"}, ", E_FORMAT,
         "id 1 stands for \"!\" and \"no!\""},
        {"\"merges\":[", "\"merges\":{},\"x\":[", E_FORMAT, "merges is missing or no array"},
        {"\"merges\":[", "\"x\":[", E_FORMAT, "merges is missing"},
        {"\"merges\":[", "\"merges\":[7,", E_FORMAT, "merge 0 is neither"},
        {"\"merges\":[", "\"merges\":[[\"a\"],", E_FORMAT, "merge 0 is neither"},
        {"\"merges\":[", "\"merges\":[[\"q\",\"j\"],", E_FORMAT, "merge 0: \"qj\" is no token"},
        {"\"merges\":[", "\"merges\":[\"qj\",", E_FORMAT, "merge 0: \"qj\" is no token"},
        {"\"!\":1", "\"!\":2", E_FORMAT, "id 2 stands for"},
        {"\"!\":1", "\"!\":-1", E_FORMAT, "whole number"},
        {"\"!\":1", "\"!\":1.5", E_FORMAT, "whole number"},
        {"\"!\":1", "\"!\":1048576", E_LIMIT, "id 1048576, limit 1048575"},
        {"{", "[{", E_FORMAT, "JSON line"},
    };
    str json = read_golden(GOLDEN "tokenizer_trained.json");
    for (size_t i = 0; i < countof(cases); i++) {
        arena a = mem;
        tokenizer *b;
        err e = {0};
        status s = tokenizer_open_json(&b, with(json, cases[i].from, cases[i].to, &a), &e);
        if (s != cases[i].want || !strstr(e.msg, cases[i].says))
            fail_msg("%s: %s: %s", cases[i].to, status_text(s), e.msg);
        assert_null(b);
    }
}

static void test_limits(void **state) {
    (void)state;
    tokenizer *b;
    err e = {0};
    str json = read_golden(GOLDEN "tokenizer_trained.json");
    arena a = mem;
    char longest[TOKENIZER_TOKEN_MAX + 10], added[1200];
    memset(longest, 'q', sizeof longest);
    for (int over = 0; over <= 1; over++) {
        snprintf(added, sizeof added, "\"added_tokens\":[{\"id\":2000,\"content\":\"%.*s\"}, ",
                 TOKENIZER_TOKEN_MAX + over, longest);
        status s = tokenizer_open_json(&b, with(json, "\"added_tokens\":[", added, &a), &e);
        if (s != (over ? E_LIMIT : OK)) fail_msg("%s", e.msg);
        tokenizer_close(b);
    }
    assert_non_null(strstr(e.msg, "id 2000 has 1025 bytes, limit 1024"));
    str big = {"", TOKENIZER_FILE_MAX + (size_t)1};
    assert_int_equal(tokenizer_open_json(&b, big, &e), E_LIMIT);
    assert_int_equal(tokenizer_open_path(&b, "/nonexistent/tokenizer.json", &e), E_NOT_FOUND);
    assert_non_null(strstr(e.msg, "/nonexistent/tokenizer.json"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trained),      cmocka_unit_test(test_shuffled),
        cmocka_unit_test(test_gpt2_as_json), cmocka_unit_test(test_gpt2_words_are_whole),
        cmocka_unit_test(test_folder),       cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_flags),        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_byte_tokens),  cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_gguf_pairs),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
