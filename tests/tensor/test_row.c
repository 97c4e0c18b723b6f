// Rows of every dtype in f32: blocks beside the reference's values, elements with steps, zeros.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "os/file.h"
#include "tensor/row.h"

#include <string.h>

enum { ROWS = 3 };

// Of tests/golden/make_rows.py.
static void blocks(void **state) {
    (void)state;
    static const struct {
        tensor_dtype dtype;
        size_t len, bytes;
    } formats[] = {
        {TENSOR_Q8_0, 32, 34},   {TENSOR_Q4_0, 32, 18},  {TENSOR_Q4_K, 256, 144},
        {TENSOR_Q6_K, 256, 210}, {TENSOR_MXFP4, 32, 17},
    };
    os_map map;
    float got[ROWS * 256], want[ROWS * 256];
    assert_int_equal(os_map_open(&map, "tests/golden/rows.bin", OS_MAP_SEQUENTIAL, NULL), OK);
    const uint8_t *at = map.base;
    for (size_t i = 0; i < countof(formats); i++) {
        size_t n = ROWS * formats[i].len;
        assert_int_equal(tensor_block_len(formats[i].dtype), formats[i].len);
        assert_int_equal(tensor_block_bytes(formats[i].dtype), formats[i].bytes);
        assert_int_equal(tensor_elem_bytes(formats[i].dtype), 0);
        tensor_row row = {.dtype = formats[i].dtype, .data = at, .step = 1};
        tensor_row_to_f32(got, &row, n);
        at += ROWS * formats[i].bytes;
        memcpy(want, at, n * 4);
        assert_memory_equal(got, want, n * 4);
        row.add = 1;
        tensor_row_to_f32(got, &row, n);
        assert_true(got[n - 1] == want[n - 1] + 1);
        at += n * 4;
    }
    for (size_t r = 0; r < ROWS; r++) {
        tensor_row row = {.dtype = TENSOR_U8, .data = at + 17 * r, .scales = at + 17 * r + 16};
        tensor_row_to_f32(got, &row, 32);
        memcpy(want, at + ROWS * 17 + r * 128, 128);
        for (size_t i = 0; i < 32; i++)
            assert_true(got[i] == want[i]);
    }
    assert_ptr_equal(at + ROWS * (17 + 128), map.base + map.len);
    os_map_close(&map);
}

// A row of several blocks of pairs has its scales elsewhere.
static void pairs(void **state) {
    (void)state;
    uint8_t q[64], scales[4] = {127, 128, 126, 129};
    static const float scale[] = {1, 2, 0.5F, 4};
    float got[128];
    memset(q, 0x72, sizeof q);  // 1 and 6
    tensor_row_to_f32(got, &(tensor_row){.dtype = TENSOR_U8, .data = q, .scales = scales}, 128);
    for (size_t i = 0; i < 128; i++)
        assert_true(got[i] == (i & 1 ? 6.0F : 1.0F) * scale[i / 32]);
}

static void elements(void **state) {
    (void)state;
    static const float f32[] = {1, -2, 3.5F, 4, 5, 6};
    static const uint16_t f16[] = {0x3C00, 0xC000, 0x4300, 0x4400, 0x4500, 0x4600};
    static const uint16_t bf16[] = {0x3F80, 0xC000, 0x4060, 0x4080, 0x40A0, 0x40C0};
    const struct {
        tensor_dtype dtype;
        const void *data;
        size_t bytes;
    } kinds[] = {{TENSOR_F32, f32, 24}, {TENSOR_F16, f16, 12}, {TENSOR_BF16, bf16, 12}};
    for (size_t i = 0; i < countof(kinds); i++) {
        char odd[32];  // no alignment is promised
        float got[6];
        memcpy(odd + 1, kinds[i].data, kinds[i].bytes);
        tensor_row row = {.dtype = kinds[i].dtype, .data = odd + 1, .step = 1};
        tensor_row_to_f32(got, &row, 6);
        assert_memory_equal(got, f32, 24);
        row.step = 3;
        row.add = 1;
        tensor_row_to_f32(got, &row, 2);
        assert_true(got[0] == 2 && got[1] == 5);
    }
    float got[3] = {9, 9, 9};
    tensor_row_to_f32(got, &(tensor_row){.dtype = TENSOR_F32, .step = 1, .add = 1}, 2);
    assert_true(got[0] == 1 && got[1] == 1 && got[2] == 9);
    tensor_row_to_f32(got, &(tensor_row){.dtype = TENSOR_F32, .data = f32, .step = 1}, 0);
    assert_true(got[0] == 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks),
        cmocka_unit_test(pairs),
        cmocka_unit_test(elements),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
