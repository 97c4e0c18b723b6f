// kern/kern_int.h -- integer weights: layout of their panels, and the products per instruction
// set. For kern*.c only.
//
// A panel's weights are bytes w + 128 in [0, 255], activations are q in [-127, 127]: what the
// instruction that multiplies four bytes a lane and adds them wants (vpdpbusd: unsigned by signed).
// The sums of 64 (int8) or 32 (int4) columns are integers below 2^24, exact in an f32, too, so
// every instruction set gets the same ones. They start at -128 times the sum of their q.
//
//   int8    float scale[32]
//           uint8_t w[k64 / 4][32][4]      four columns of each row, next to each other
//   others, for each 64 columns: scales for the first 32 columns of a row and for the last 32, then
//   weights. Bytes as int8's; or of four bits, in bytes [16][16][4]: four columns of rows 0..15 in
//   the low halves, of rows 16..31 in the high ones: indexes of the type's 16 values
//   int4    uint16_t scale[32][2]          bf16; four bits
//   q8_0    uint16_t scale[2][32]          f16; bytes
//   q4_0    uint16_t scale[2][32]          f16; four bits
//   mxfp4   uint8_t scale[2][32]           E8M0, of values that are doubled here; four bits
//
// k64 is k rounded up to 64; missing rows and columns hold zero weights.
#ifndef KERN_INT_H
#define KERN_INT_H

#include "kern/kern.h"

enum {
    KERN_INT_STEP = 4 * KERN_PANEL,             // bytes of weights of four columns
    KERN_INT8_GROUP = KERN_GROUP * KERN_PANEL,  // bytes of KERN_GROUP columns
    KERN_INT_COLUMNS = 32,                      // columns of a row that share a scale
};

// Bytes of scales before the weights of 64 columns, and whether these have four bits. Constants
// where `t` is one.
static inline size_t kern__int_scales(kern_type t) {
    return t == KERN_INT8 ? 0 : 2 * KERN_PANEL * (t == KERN_MXFP4 ? 1 : 2);
}
static inline bool kern__int_is_small(kern_type t) {
    return t != KERN_INT8 && t != KERN_Q8_0;
}
static inline size_t kern__int_group(kern_type t) {
    return kern__int_scales(t) + (kern__int_is_small(t) ? KERN_INT8_GROUP / 2 : KERN_INT8_GROUP);
}

// A group with no larger number is zero: 127 over a smaller one might not be finite.
#define KERN_INT_TINY 0x1p-100F

// What the 16 values of four bits stand for, as panel bytes: v + 128.
extern const uint8_t kern__int_values[KERN_TYPES][16];

// What kern.h says of kern_panel_bytes, kern_pack and kern_unpack_row, for integer types.
size_t kern__int_panel_bytes(kern_type t, size_t k);
void kern__int_pack(void *panel, kern_type t, const tensor_row row[KERN_PANEL], size_t k);
void kern__int_unpack_row(float *out, const kern_mat *w, size_t row);

// Stores finished sums of `rows` rows, n values of each, at y.
typedef void kern_finish(float *y, size_t ldy, float (*sum)[KERN_PANEL], size_t rows, size_t n,
                         kern_store how);

#define KERN_INT_DECLARE(set)                                                                      \
    void kern__int_matmul_##set(float *y, size_t ldy, const kern_rows *x, size_t rows,             \
                                const kern_mat *w, size_t p0, size_t p1, kern_store how,           \
                                kern_finish *finish);                                              \
    void kern__int_quantise_##set(const kern_rows *x, size_t row, size_t k)

KERN_INT_DECLARE(scalar);
KERN_INT_DECLARE(avx2);
KERN_INT_DECLARE(avxvnni);
KERN_INT_DECLARE(avx512);
KERN_INT_DECLARE(avx512vnni);
KERN_INT_DECLARE(amx);
KERN_INT_DECLARE(neon);
KERN_INT_DECLARE(neondot);

#endif
