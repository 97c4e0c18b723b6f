// tensor/kern_isa.h -- the tables that kern_*.c define; for kern.c only.
#ifndef TENSOR_KERN_ISA_H
#define TENSOR_KERN_ISA_H

#include "tensor/kern.h"

extern const kern kern_scalar, kern_avx2, kern_avx512;

void kern__quantise(const kern_rows *x, size_t row, size_t k);

#endif
