// safetensors files that are right, and every way of being wrong that opening can see.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tensor/safetensors.h"

#include <stdio.h>

static char file[1 << 16];

// A file of this header and `n` bytes of data, which are 0, 1, 2 ...
static str make(const char *header, size_t n) {
    uint64_t len = strlen(header);
    memcpy(file, &len, 8);
    memcpy(file + 8, header, (size_t)len);
    for (size_t i = 0; i < n; i++)
        file[8 + len + i] = (char)i;
    return (str){file, 8 + (size_t)len + n};
}

static void check(str bytes, status want, const char *message) {
    safetensors *s;
    err e = {0};
    char *exact = malloc(bytes.len + 1);  // so that the sanitizers see a read behind the end
    memcpy(exact, bytes.ptr, bytes.len);
    status st = safetensors_open_bytes(&s, (str){exact, bytes.len}, &e);
    assert_string_equal(e.msg, message);
    assert_int_equal(st, want);
    if (st) assert_null(s);
    safetensors_close(s);
    free(exact);
}

#define T(type, shape, from, to)                                                                   \
    "{\"dtype\":\"" type "\",\"shape\":" shape ",\"data_offsets\":[" #from "," #to "]}"

static void good_files(void **state) {
    (void)state;
    safetensors *s;
    tensor t;
    // Out of order, with an escape in a name, padded with spaces.
    str bytes =
        make("{\"b\":" T("F16", "[2,3]", 4, 16) ",\"__metadata__\":{\"format\":\"pt\"},"
                                                "\"\\u0061\":" T("F32", "[]", 0, 4) ",\"none\":" T(
                                                    "I64", "[0,7]", 16,
                                                    16) ",\"raw\":" T("U8", "[2]", 16, 18) "}  ",
             18);
    assert_int_equal(safetensors_open_bytes(&s, bytes, NULL), OK);
    const tensor_names *all = safetensors_tensors(s);
    assert_int_equal(all->n, 4);
    assert_true(str_eq(all->in_order[0].name, STR("a")));
    assert_true(str_eq(all->in_order[1].name, STR("b")));
    assert_true(tensor_names_find(&t, all, STR("a")));
    assert_int_equal(t.dtype, TENSOR_F32);
    assert_int_equal(t.n_dims, 0);
    assert_ptr_equal(t.data, bytes.ptr + bytes.len - 18);
    assert_true(tensor_names_find(&t, all, STR("b")));
    assert_int_equal(t.dtype, TENSOR_F16);
    assert_int_equal(t.dim[0], 2);
    assert_int_equal(t.dim[1], 3);
    assert_true(tensor_names_find(&t, all, STR("none")));
    assert_int_equal(t.dtype, TENSOR_OTHER);
    assert_true(tensor_names_find(&t, all, STR("raw")));
    assert_int_equal(t.dtype, TENSOR_U8);
    assert_false(tensor_names_find(&t, all, STR("__metadata__")));
    safetensors_close(s);
    safetensors_close(NULL);
}

static void unaligned_data(void **state) {
    (void)state;
    static const float want[2] = {1.5F, -2};
    safetensors *s;
    tensor t;
    float got[2];
    for (int pad = 0; pad < 4; pad++) {
        char header[100];
        snprintf(header, sizeof header, "{\"a\":" T("F32", "[2]", 0, 8) "}%.*s", pad, "   ");
        str bytes = make(header, 8);
        memcpy(file + bytes.len - 8, want, 8);
        assert_int_equal(safetensors_open_bytes(&s, bytes, NULL), OK);
        assert_true(tensor_names_find(&t, safetensors_tensors(s), STR("a")));
        tensor_to_f32(got, &t);
        assert_memory_equal(got, want, 8);
        safetensors_close(s);
    }
}

static void broken_headers(void **state) {
    (void)state;
    static const struct {
        const char *header;
        size_t data;
        status want;
        const char *says;
    } cases[] = {
        {"[]", 0, E_FORMAT, "not a safetensors file"},
        {"{}", 0, E_FORMAT, "no tensors"},
        {"{\"a\":", 0, E_FORMAT, NULL},
        {"{\"a\":" T("F32", "[1]", 0, 4) ",\"a\":" T("F32", "[1]", 4, 8) "}", 8, E_FORMAT, NULL},
        {"{\"a\":5}", 0, E_FORMAT, "a has no dtype or no shape"},
        {"{\"a\":{\"dtype\":\"F32\"}}", 0, E_FORMAT, "a has no dtype or no shape"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, E_FORMAT, "a has no data_offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}}", 4, E_FORMAT,
         "a has no data_offsets"},
        {"{\"\":" T("F32", "[1]", 0, 4) "}", 4, E_FORMAT,
         "a tensor's name is no text of 1 to 256 bytes"},
        {"{\"a\\nb\":" T("F32", "[1]", 0, 4) "}", 4, E_FORMAT,
         "a tensor's name is no text of 1 to 256 bytes"},
        {"{\"a\":" T("F4", "[1]", 0, 4) "}", 4, E_UNSUPPORTED, "a has an unknown dtype"},
        {"{\"a\":" T("F32", "[-1]", 0, 4) "}", 4, E_FORMAT, "a: a dimension that is no size"},
        {"{\"a\":" T("F32", "[1.5]", 0, 4) "}", 4, E_FORMAT, "a: a dimension that is no size"},
        {"{\"a\":" T("F32", "[1e3]", 0, 4) "}", 4, E_FORMAT, "a: a dimension that is no size"},
        {"{\"a\":" T("F32", "[1,1,1,1,1]", 0, 4) "}", 4, E_LIMIT, "a: 5 dimensions, limit 4"},
        {"{\"a\":" T("F32", "[4294967296,4294967296]", 0, 4) "}", 4, E_FORMAT,
         "a: its shape overflows"},
        {"{\"a\":" T("F32", "[0,9223372036854775807,9223372036854775807]", 0,
                     0) ",\"b\":" T("F32", "[9223372036854775807,4]", 0, 0) "}",
         0, E_FORMAT, "b: its shape overflows"},
        {"{\"a\":" T("F32", "[2]", 0, 8) "}", 7, E_FORMAT,
         "a ends at 8 of 7 bytes of data: the file is cut short"},
        {"{\"a\":" T("F32", "[1]", 4, 0) "}", 4, E_FORMAT, "a has no data_offsets"},
        {"{\"a\":" T("F32", "[1]", -4, 0) "}", 4, E_FORMAT, "a has no data_offsets"},
        {"{\"a\":" T("F32", "[2]", 0, 4) "}", 4, E_FORMAT,
         "a has 4 bytes, its shape and dtype want 8"},
        {"{\"a\":" T("BF16", "[1]", 0, 4) "}", 4, E_FORMAT,
         "a has 4 bytes, its shape and dtype want 2"},
        {"{\"a\":" T("F32", "[1]", 4, 8) "}", 8, E_FORMAT,
         "a begins at 4, where the data before it ends at 0"},
        {"{\"a\":" T("F32", "[1]", 0, 4) ",\"b\":" T("F32", "[1]", 2, 6) "}", 6, E_FORMAT,
         "b begins at 2, where the data before it ends at 4"},
        {"{\"a\":" T("F32", "[1]", 0, 4) ",\"b\":" T("F32", "[1]", 0, 4) "}", 4, E_FORMAT,
         "b begins at 0, where the data before it ends at 4"},
        {"{\"a\":" T("F32", "[1]", 0, 4) "}", 6, E_FORMAT, "2 bytes behind the last tensor"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        str bytes = make(cases[i].header, cases[i].data);
        if (cases[i].says) {
            check(bytes, cases[i].want, cases[i].says);
            continue;
        }
        safetensors *s;
        err e = {0};
        assert_int_equal(safetensors_open_bytes(&s, bytes, &e), cases[i].want);
        assert_true(str_starts(str_of(e.msg), STR("JSON line 1, ")));
    }
}

static void broken_lengths(void **state) {
    (void)state;
    str bytes = make("{\"a\":" T("F32", "[1]", 0, 4) "}", 4);
    for (size_t n = 0; n < bytes.len; n++) {
        safetensors *s;
        assert_int_equal(safetensors_open_bytes(&s, str_first(bytes, n), NULL), E_FORMAT);
    }
    static const uint64_t lens[] = {0, 1, 5000, SAFETENSORS_HEADER_MAX};
    for (size_t i = 0; i < countof(lens); i++) {
        memcpy(file, &lens[i], 8);
        safetensors *s;
        assert_int_equal(safetensors_open_bytes(&s, bytes, NULL), E_FORMAT);
    }
    uint64_t over[] = {SAFETENSORS_HEADER_MAX + 1, UINT64_MAX, UINT64_MAX - 7};
    for (size_t i = 0; i < countof(over); i++) {
        memcpy(file, &over[i], 8);
        safetensors *s;
        assert_int_equal(safetensors_open_bytes(&s, bytes, NULL), E_LIMIT);
    }
}

static void real_files(void **state) {
    (void)state;
    safetensors *s;
    err e = {0};
    tensor t;
    assert_int_equal(safetensors_open(&s, "tests/golden/hf_single/model.safetensors", &e), OK);
    assert_int_equal(safetensors_tensors(s)->n, 30);
    assert_true(tensor_names_find(&t, safetensors_tensors(s), STR("h.1.attn.c_attn.weight")));
    assert_int_equal(t.dim[0], 32);
    assert_int_equal(t.dim[1], 96);
    assert_true((uintptr_t)t.data % 2);  // as openai-community/gpt2
    assert_ptr_not_equal(safetensors_map(s)->base, NULL);
    safetensors_close(s);
    assert_int_equal(safetensors_open(&s, "/no/such", &e), E_NOT_FOUND);
    assert_int_equal(safetensors_open(&s, "Makefile", &e), E_LIMIT);
    assert_true(str_starts(str_of(e.msg), STR("Makefile: a header of ")));
    assert_null(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_files),     cmocka_unit_test(unaligned_data),
        cmocka_unit_test(broken_headers), cmocka_unit_test(broken_lengths),
        cmocka_unit_test(real_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
