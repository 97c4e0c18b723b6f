// tensor/kern_isa.h -- the tables that kern_*.c define; for kern.c only.
#ifndef TENSOR_KERN_ISA_H
#define TENSOR_KERN_ISA_H

#include "tensor/kern.h"

extern const kern kern_scalar, kern_avx2, kern_avxvnni, kern_avx512, kern_avx512vnni;
extern const kern kern_neon, kern_neondot;

#endif
