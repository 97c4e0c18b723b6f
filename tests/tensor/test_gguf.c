// GGUF files that are right, and every way of being wrong that opening can see.
//
// Files are written as words: 4:7 is the number 7 in four bytes, s:abc a string with its length,
// x:ff00 bytes, z:64 zeros, a:32 zeros up to the next multiple, GGUF the magic.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tensor/gguf.h"
#include "tensor/weights.h"
#include "tests/tensor/folder.h"

#include <string.h>

static char file[1 << 16];
static size_t len;

static void put(const void *p, size_t n) {
    assert_true(len + n <= sizeof file);
    if (n) memcpy(file + len, p, n);
    len += n;
}

static void put_number(size_t bytes, const char *text) {
    uint64_t v = *text == '-' ? (uint64_t)strtoll(text, NULL, 0) : strtoull(text, NULL, 0);
    put(&v, bytes);
}

static void put_zeros(size_t n) {
    for (; n; n--)
        put("", 1);
}

static void put_word(const char *word) {
    const char *arg = word + 2;
    uint64_t n = strlen(word) < 2 ? 0 : strlen(arg);
    if (!strcmp(word, "GGUF")) {
        put(word, 4);
    } else if (word[0] == 's') {
        put(&n, 8);
        put(arg, n);
    } else if (word[0] == 'x') {
        for (size_t i = 0; i < n; i += 2)
            put(&(char){(char)strtoul((char[]){arg[i], arg[i + 1], 0}, NULL, 16)}, 1);
    } else if (word[0] == 'z') {
        put_zeros(strtoul(arg, NULL, 0));
    } else if (word[0] == 'a') {
        size_t to = strtoul(arg, NULL, 0);
        put_zeros((to - len % to) % to);
    } else {
        put_number((size_t)(word[0] - '0'), arg);
    }
}

static str make(const char *words) {
    char copy[4096], *at = copy;
    assert_true(strlen(words) < sizeof copy);
    strcpy(copy, words);
    len = 0;
    for (char *word; (word = strsep(&at, " "));)
        if (*word) put_word(word);
    return (str){file, len};
}

#define HEAD(tensors, keys)          "GGUF 4:3 8:" #tensors " 8:" #keys " "
#define KEY(name, type, value)       "s:" name " 4:" #type " " value " "
#define TENSOR(name, dims, type, at) "s:" name " " dims " 4:" #type " 8:" #at " "
#define DIM1(a)                      "4:1 8:" #a
#define DIM2(a, b)                   "4:2 8:" #a " 8:" #b

static gguf *open_ok(str bytes) {
    gguf *g;
    err e = {0};
    if (gguf_open_text(&g, bytes, &e)) fail_msg("%s", e.msg);
    return g;
}

// --- Right ---------------------------------------------------------------------------------------

static void numbers(void **state) {
    (void)state;
    static const struct {
        const char *key;
        double want;
    } all[] = {{"u8", 200}, {"i8", -2},   {"u16", 60000},  {"i16", -2}, {"u32", 4e9},
               {"i32", -2}, {"f32", 1.5}, {"u64", 0x1p63}, {"i64", -2}, {"f64", -0.5}};
    gguf *g = open_ok(
        make(HEAD(0, 13) KEY("u8", 0, "1:200") KEY("i8", 1, "1:-2") KEY("u16", 2, "2:60000")
                 KEY("i16", 3, "2:-2") KEY("u32", 4, "4:4000000000") KEY("i32", 5, "4:-2")
                     KEY("f32", 6, "4:0x3FC00000") KEY("yes", 7, "1:1") KEY("no", 7, "1:0")
                         KEY("text", 8, "s:abc") KEY("u64", 10, "8:0x8000000000000000")
                             KEY("i64", 11, "8:-2") KEY("f64", 12, "8:0xBFE0000000000000")));
    double v;
    bool b;
    str s;
    for (size_t i = 0; i < countof(all); i++) {
        assert_true(gguf_number(&v, g, all[i].key));
        assert_true(v == all[i].want);
        assert_false(gguf_bool(&b, g, all[i].key));
    }
    assert_true(gguf_bool(&b, g, "yes") && b);
    assert_true(gguf_bool(&b, g, "no") && !b);
    assert_false(gguf_number(&v, g, "yes"));
    assert_false(gguf_number(&v, g, "text"));
    assert_false(gguf_number(&v, g, "nothing"));
    assert_true(gguf_str(&s, g, "text") && str_eq(s, STR("abc")));
    assert_false(gguf_str(&s, g, "u8"));
    assert_false(gguf_items(&(gguf_array){0}, g, "text"));
    assert_int_equal(gguf_tensors(g)->n, 0);
    gguf_close(g);
    gguf_close(NULL);
}

static void arrays(void **state) {
    (void)state;
    gguf *g = open_ok(make(HEAD(0, 4) KEY("b", 9, "4:7 8:2 1:1 1:0") KEY("none", 9, "4:8 8:0") KEY(
        "n", 9, "4:5 8:3 4:1 4:-2 4:3") KEY("s", 9, "4:8 8:3 s:one s: s:three")));
    gguf_array a;
    double v;
    str s;
    size_t at = 0;
    assert_true(gguf_items(&a, g, "n"));
    assert_int_equal(a.n, 3);
    assert_false(a.is_str);
    assert_true(gguf_item_number(&v, &a, 1) && v == -2);
    assert_false(gguf_item_number(&v, &a, 3));
    assert_false(gguf_item_str(&s, &a, &at));
    assert_true(gguf_items(&a, g, "b"));
    assert_true(gguf_item_number(&v, &a, 0) && v == 1);
    assert_true(gguf_item_number(&v, &a, 1) && v == 0);
    assert_true(gguf_items(&a, g, "s"));
    assert_true(a.is_str);
    assert_true(gguf_item_str(&s, &a, &at) && str_eq(s, STR("one")));
    assert_true(gguf_item_str(&s, &a, &at) && s.len == 0);
    assert_true(gguf_item_str(&s, &a, &at) && str_eq(s, STR("three")));
    assert_false(gguf_item_str(&s, &a, &at));
    assert_false(gguf_item_number(&v, &a, 0));
    at = 0;
    assert_true(gguf_items(&a, g, "none"));
    assert_false(gguf_item_str(&s, &a, &at));
    gguf_close(g);
}

#define GOOD                                                                                       \
    HEAD(4, 1)                                                                                     \
    KEY("general.alignment", 4, "4:64")                                                            \
    TENSOR("late", DIM2(32, 2), 8, 64)                                                             \
    TENSOR("early", "4:3 8:2 8:3 8:1", 0, 0)                                                       \
    TENSOR("odd", DIM1(5), 77, 192)                                                                \
    TENSOR("scalar", "4:0", 1, 192) "a:64 z:64 x:003c01 z:65 a:64 x:003c"

static void tensors(void **state) {
    (void)state;
    str bytes = make(GOOD);
    gguf *g = open_ok(bytes);
    const tensor_names *all = gguf_tensors(g);
    tensor t;
    assert_int_equal(all->n, 4);
    assert_true(str_eq(all->in_order[0].name, STR("early")));
    assert_true(tensor_names_find(&t, all, STR("early")));
    assert_int_equal(t.dtype, TENSOR_F32);
    assert_int_equal(t.n_dims, 3);
    assert_int_equal(t.dim[0], 1);  // reversed
    assert_int_equal(t.dim[1], 3);
    assert_int_equal(t.dim[2], 2);
    assert_true(tensor_names_find(&t, all, STR("late")));
    assert_int_equal(t.dtype, TENSOR_Q8_0);
    assert_int_equal(t.dim[0], 2);
    assert_memory_equal(t.data, "\0\x3c\1", 3);
    assert_true(tensor_names_find(&t, all, STR("odd")));
    assert_int_equal(t.dtype, TENSOR_OTHER);
    assert_true(tensor_names_find(&t, all, STR("scalar")));
    assert_int_equal(t.n_dims, 0);
    assert_ptr_equal((const char *)t.data + 2, bytes.ptr + bytes.len);
    gguf_close(g);
    g = open_ok(make("GGUF 4:2 8:0 8:0"));
    gguf_close(g);
}

static void types(void **state) {
    (void)state;
    static const struct {
        const char *words;
        tensor_dtype want;
    } all[] = {
        {HEAD(1, 0) TENSOR("a", DIM1(2), 0, 0) "a:32 z:8", TENSOR_F32},
        {HEAD(1, 0) TENSOR("a", DIM1(2), 1, 0) "a:32 z:4", TENSOR_F16},
        {HEAD(1, 0) TENSOR("a", DIM1(2), 30, 0) "a:32 z:4", TENSOR_BF16},
        {HEAD(1, 0) TENSOR("a", DIM1(32), 2, 0) "a:32 z:18", TENSOR_Q4_0},
        {HEAD(1, 0) TENSOR("a", DIM1(32), 8, 0) "a:32 z:34", TENSOR_Q8_0},
        {HEAD(1, 0) TENSOR("a", DIM1(256), 12, 0) "a:32 z:144", TENSOR_Q4_K},
        {HEAD(1, 0) TENSOR("a", DIM1(256), 14, 0) "a:32 z:210", TENSOR_Q6_K},
        {HEAD(1, 0) TENSOR("a", DIM1(32), 39, 0) "a:32 z:17", TENSOR_MXFP4},
        {HEAD(1, 0) TENSOR("a", DIM1(32), 3, 0) "a:32 z:20", TENSOR_OTHER},
    };
    for (size_t i = 0; i < countof(all); i++) {
        str bytes = make(all[i].words);
        gguf *g = open_ok(bytes);
        assert_int_equal(gguf_tensors(g)->in_order[0].t.dtype, all[i].want);
        gguf_close(g);
        bytes.len--;  // a byte too few
        assert_int_equal(gguf_open_text(&g, bytes, NULL), E_FORMAT);
    }
}

// --- Wrong ---------------------------------------------------------------------------------------

static void check(str bytes, status want, const char *message) {
    gguf *g;
    err e = {0};
    char *exact = malloc(bytes.len + 1);  // so that the sanitizers see a read behind the end
    memcpy(exact, bytes.ptr, bytes.len);
    status s = gguf_open_text(&g, (str){exact, bytes.len}, &e);
    assert_string_equal(e.msg, message);
    assert_int_equal(s, want);
    assert_null(g);
    free(exact);
}

static void broken(void **state) {
    (void)state;
#define PAD "z:64 a:32 z:256"
    static const struct {
        const char *words;
        status want;
        const char *says;
    } cases[] = {
        {"", E_FORMAT, "not GGUF"},
        {"x:46554747", E_FORMAT, "not GGUF"},
        {"GGUF 4:1 8:0 8:0", E_UNSUPPORTED, "GGUF version 1; versions 2 and 3 are read"},
        {"GGUF 4:0 8:0 8:0", E_UNSUPPORTED, "GGUF version 0; versions 2 and 3 are read"},
        {"GGUF 4:4 8:0 8:0", E_UNSUPPORTED, "GGUF version 4; versions 2 and 3 are read"},
        {"GGUF 4:0x03000000 8:0 8:0", E_UNSUPPORTED, "GGUF of a big-endian machine"},
        {"GGUF 4:3 8:0", E_FORMAT, "counts: the file is cut short"},
        {HEAD(0, 4097) PAD, E_LIMIT, "4097 keys, limit 4096"},
        {HEAD(65537, 0) PAD, E_LIMIT, "65537 tensors, limit 65536"},
        {HEAD(0, 0xFFFFFFFFFFFFFFFF) PAD, E_LIMIT, "18446744073709551615 keys, limit 4096"},
        {HEAD(65536, 0) "z:64", E_FORMAT,
         "0 keys and 65536 tensors in 64 bytes: the file is cut short"},
        {HEAD(0, 4096) "z:64", E_FORMAT,
         "4096 keys and 0 tensors in 64 bytes: the file is cut short"},
        // Keys.
        {HEAD(0, 1) "8:0xFFFFFFFFFFFFFFFF " PAD, E_FORMAT, "metadata: the file is cut short"},
        {HEAD(0, 1) KEY("", 4, "4:1") PAD, E_FORMAT, "a key is no text of 1 to 256 bytes"},
        {HEAD(0, 1) "8:2 x:610a 4:4 4:1 " PAD, E_FORMAT, "a key is no text of 1 to 256 bytes"},
        {HEAD(0, 1) "8:2 x:61ff 4:4 4:1 " PAD, E_FORMAT, "a key is no text of 1 to 256 bytes"},
        {HEAD(0, 1) KEY("a", 13, "4:1") PAD, E_FORMAT, "a: unknown type 13"},
        {HEAD(0, 1) KEY("abc", 12, "2:1"), E_FORMAT, "abc: the file is cut short"},
        {HEAD(0, 1) KEY("a", 7, "1:2") PAD, E_FORMAT, "a: neither true nor false"},
        {HEAD(0, 1) KEY("a", 8, "8:0x40000000 ") PAD, E_FORMAT, "a: the file is cut short"},
        {HEAD(0, 2) KEY("a", 4, "4:1") KEY("a", 8, "s:x") PAD, E_FORMAT, "two keys are a"},
        // Arrays.
        {HEAD(0, 1) KEY("a", 9, "4:4 8:0x40000000") PAD, E_LIMIT,
         "a: 1073741824 items, limit 4194304"},
        {HEAD(0, 1) KEY("a", 9, "4:10 8:4194304") PAD, E_FORMAT, "a: the file is cut short"},
        {HEAD(0, 1) KEY("a", 9, "4:8 8:4194304") PAD, E_FORMAT, "a: the file is cut short"},
        {HEAD(0, 1) KEY("a", 9, "4:8 8:1 8:0x7FFFFFFFFFFFFFFF") PAD, E_FORMAT,
         "a: the file is cut short"},
        {HEAD(0, 1) KEY("a", 9, "4:9 8:1 4:4 8:1 4:1") PAD, E_UNSUPPORTED, "a: an array of arrays"},
        {HEAD(0, 1) KEY("a", 9, "4:13 8:1 4:1") PAD, E_FORMAT, "a: items of unknown type 13"},
        // Alignment.
        {HEAD(0, 1) KEY("general.alignment", 10, "8:32") PAD, E_FORMAT,
         "general.alignment is not an unsigned number of 32 bits"},
        {HEAD(0, 1) KEY("general.alignment", 8, "s:32") PAD, E_FORMAT,
         "general.alignment is not an unsigned number of 32 bits"},
        {HEAD(0, 1) KEY("general.alignment", 4, "4:0") PAD, E_FORMAT,
         "general.alignment 0 is no power of two up to 1048576"},
        {HEAD(0, 1) KEY("general.alignment", 4, "4:33") PAD, E_FORMAT,
         "general.alignment 33 is no power of two up to 1048576"},
        {HEAD(0, 1) KEY("general.alignment", 4, "4:0x80000000") PAD, E_FORMAT,
         "general.alignment 2147483648 is no power of two up to 1048576"},
        // Tensors.
        {HEAD(1, 0) TENSOR("", DIM1(2), 0, 0) PAD, E_FORMAT,
         "a tensor's name is no text of 1 to 64 bytes"},
        {HEAD(1, 0) TENSOR("11111111112222222222333333333344444444445555555555666666666612345",
                           DIM1(2), 0, 0) PAD,
         E_FORMAT, "a tensor's name is no text of 1 to 64 bytes"},
        {HEAD(1, 0) TENSOR("a", "4:5 8:1 8:1 8:1 8:1 8:1", 0, 0) PAD, E_LIMIT,
         "a: 5 dimensions, limit 4"},
        {HEAD(1, 0) TENSOR("a", "4:0xFFFFFFFF", 0, 0) PAD, E_LIMIT,
         "a: 4294967295 dimensions, limit 4"},
        {HEAD(1, 0) TENSOR("a", DIM1(0x8000000000000000), 0, 0) PAD, E_FORMAT,
         "a: its shape overflows"},
        {HEAD(1, 0) TENSOR("a", DIM2(0x100000000, 0x100000000), 0, 0) PAD, E_FORMAT,
         "a: its shape overflows"},
        {HEAD(1, 0) TENSOR("a", DIM1(0x7000000000000000), 0, 0) PAD, E_FORMAT,
         "a: its shape overflows"},
        {HEAD(1, 0) TENSOR("a", DIM2(33, 32), 8, 0) PAD, E_FORMAT,
         "a: rows of 33 values are not whole blocks of 32"},
        {HEAD(1, 0) TENSOR("a", "4:0", 8, 0) PAD, E_FORMAT,
         "a: rows of 1 values are not whole blocks of 32"},
        {HEAD(1, 0) TENSOR("a", DIM1(2), 0, 4) PAD, E_FORMAT,
         "a begins at 4, which is not aligned to 32"},
        {HEAD(1, 0) TENSOR("a", DIM1(64), 0, 64) "a:32 z:256", E_FORMAT,
         "a: 256 bytes at 64 of 256: the file is cut short"},
        {HEAD(1, 0) TENSOR("a", DIM1(2), 0, 0xFFFFFFFFFFFFFFE0) "a:32 z:64", E_FORMAT,
         "a: 8 bytes at 18446744073709551584 of 64: the file is cut short"},
        {HEAD(1, 0) TENSOR("a", DIM1(2), 77, 96) "a:32 z:64", E_FORMAT,
         "a: 0 bytes at 96 of 64: the file is cut short"},
        {HEAD(2, 0) TENSOR("a", DIM1(16), 0, 0) TENSOR("b", DIM1(1), 0, 32) PAD, E_FORMAT,
         "b begins at 32, inside another tensor"},
        {HEAD(2, 0) TENSOR("a", DIM1(1), 0, 0) TENSOR("b", DIM1(1), 0, 0) PAD, E_FORMAT,
         "b begins at 0, inside another tensor"},
        {HEAD(2, 0) TENSOR("a", DIM1(1), 0, 0) TENSOR("a", DIM1(1), 0, 32) PAD, E_FORMAT,
         "two tensors are named a"},
    };
    for (size_t i = 0; i < countof(cases); i++)
        check(make(cases[i].words), cases[i].want, cases[i].says);
}

// Every file that ends too early is refused, wherever it ends.
static void cut(void **state) {
    (void)state;
    str bytes = make(GOOD);
    for (size_t n = 0; n < bytes.len; n++) {
        gguf *g;
        assert_int_equal(gguf_open_text(&g, str_first(bytes, n), NULL), E_FORMAT);
    }
}

// --- As weights ----------------------------------------------------------------------------------

static void weights_of_it(void **state) {
    (void)state;
    folder f;
    weights *w;
    tensor t;
    err e = {0};
    double v;
    assert_true(folder_open(&f));
    assert_true(folder_put(&f, "model.bin", make(GOOD)));  // by what is in it, not by name
    assert_int_equal(weights_open(&w, folder_at(&f, "model.bin"), &e), OK);
    assert_int_equal(weights_kind_of(w), WEIGHTS_GGUF);
    assert_int_equal(weights_tensors(w)->n, 4);
    assert_true(weights_tensor(&t, w, "late"));
    assert_true(gguf_number(&v, weights_gguf(w), "general.alignment") && v == 64);
    assert_false(weights_number(&v, w, "config", "general.alignment"));
    assert_null(weights_config(w));
    weights_prefetch(w);
    assert_int_equal(weights_verify(w, NULL, NULL), OK);
    uint64_t first = weights_identity(w);
    assert_int_equal(weights_identity(w), first);
    weights_close(w);
    make(GOOD);
    len -= 32;
    assert_true(folder_put(&f, "model.bin", (str){file, len}));
    assert_int_equal(weights_open(&w, folder_at(&f, "model.bin"), &e), E_FORMAT);
    assert_non_null(strstr(e.msg, "model.bin: "));
    assert_null(w);
    folder_close(&f);
    gguf *g;
    assert_int_equal(gguf_open(&g, "/no/such", &e), E_NOT_FOUND);
    assert_null(g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),       cmocka_unit_test(arrays), cmocka_unit_test(tensors),
        cmocka_unit_test(types),         cmocka_unit_test(broken), cmocka_unit_test(cut),
        cmocka_unit_test(weights_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
