// kern/kern_isa.h -- the tables that kern_*.c define, and packing by kind of type; for kern.c.
#ifndef KERN_ISA_H
#define KERN_ISA_H

#include "kern/kern.h"

extern const kern kern_scalar, kern_avx2, kern_avxvnni, kern_avx512, kern_avx512vnni, kern_amx;
extern const kern kern_neon, kern_neondot;

// kern_read.c: columns [at, at + len) of a panel's rows in f32; `at` is a multiple of KERN_READ,
// and `len` at most that. The blocks of all dtypes tile it.
enum { KERN_READ = 256 };
void kern__read(float (*out)[KERN_READ], const tensor_row row[KERN_PANEL], size_t at, size_t len);
const void *kern__row_at(const tensor_row *row, size_t at);  // of elements

// kern_pack.c: f32, bf16, f16. As the functions of kern.h.
size_t kern__float_panel_bytes(kern_type t, size_t k);
void kern__float_pack(void *panel, kern_type t, const tensor_row row[KERN_PANEL], size_t k);
void kern__float_unpack_row(float *out, const kern_mat *w, size_t row);
uint16_t kern__f16_of(float x);                                  // what machines without F16C use
void kern__narrow_f16(uint16_t *out, const float *x, size_t n);  // n is a multiple of 8

#endif
