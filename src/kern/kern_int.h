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
//   int4    for each 64 columns
//               uint16_t scale[32][2]      bf16, for the first 32 columns of a row and the last 32
//               uint8_t w[16][16][4]       four columns of rows 0..15 in the low halves of bytes,
//                                          of rows 16..31 in the high ones: indexes of kern_int4
//
// k64 is k rounded up to 64; missing rows and columns hold zero weights.
#ifndef KERN_INT_H
#define KERN_INT_H

#include "kern/kern.h"

enum {
    KERN_INT_STEP = 4 * KERN_PANEL,             // bytes of weights of four columns
    KERN_INT8_GROUP = KERN_GROUP * KERN_PANEL,  // bytes of KERN_GROUP columns
    KERN_INT4_SCALES = 2 * KERN_PANEL * 2,      // bytes before the weights of a group
    KERN_INT4_GROUP = KERN_INT4_SCALES + KERN_INT8_GROUP / 2,
    KERN_INT4_COLUMNS = 32,  // columns of a row that share a scale
};

// A group with no larger number is zero: 127 over a smaller one might not be finite.
#define KERN_INT_TINY 0x1p-100F

// What the 16 values of four bits stand for, as panel bytes: v + 128 for v in [-127, 107].
extern const uint8_t kern__int4[16];

// What kern.h says of kern_panel_bytes, kern_pack and kern_unpack_row, for integer types.
size_t kern__int_panel_bytes(kern_type t, size_t k);
void kern__int_pack(void *panels, kern_type t, size_t p, const tensor *w, bool by_input);
void kern__int_unpack_row(float *out, const kern_mat *w, size_t row);

// Stores finished sums of `rows` rows: n columns of each at y.
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
