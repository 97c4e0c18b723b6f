// kern/kern_isa.h -- the tables that kern_*.c define, and packing by kind of type; for kern.c.
#ifndef KERN_ISA_H
#define KERN_ISA_H

#include "kern/kern.h"

extern const kern kern_scalar, kern_avx2, kern_avxvnni, kern_avx512, kern_avx512vnni, kern_amx;
extern const kern kern_neon, kern_neondot;

// kern_pack.c: f32, bf16, f16. As the functions of kern.h.
size_t kern__float_panel_bytes(kern_type t, size_t k);
void kern__float_pack(void *panels, kern_type t, size_t p, const tensor *w, bool by_input);
void kern__float_unpack_row(float *out, const kern_mat *w, size_t row);
uint16_t kern__f16_of(float x);  // what machines without F16C use

#endif
