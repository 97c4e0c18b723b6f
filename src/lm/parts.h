// lm/parts.h -- what an image of weights consists of, in order; for lm/ only.
//
//   Owner     the list is the caller's; what it points to is the model's and the file's
//   Threads   pure; any
//   Errors    those of lm/arch.h
#ifndef LM_PARTS_H
#define LM_PARTS_H

#include "lm/arch.h"
#include "lm/model.h"

typedef enum lm_part_kind {
    LM_PART_MATRIX,  // panels
    LM_PART_BIAS,    // of the matrix before it
    LM_PART_VECTOR,  // n floats
    LM_PART_TABLE,   // [n][k] floats
    LM_PART_TAPS,    // [n][k] floats, stored as [k][n]
} lm_part_kind;

enum { LM_PART_ROLES = 3 };

// One run of the image.
typedef struct lm_part {
    lm_part_kind kind;
    bool is_gated;  // rows of roles 0 and 1 take turns, 16 of each
    int layer, expert;
    void *to;  // kern_mat of matrices and biases, else float *
    int n_roles;
    lm_role role[LM_PART_ROLES];
    lm_rows rows[LM_PART_ROLES];  // below each other, n rows in all; no data: zeros, or random
    size_t n, k;
} lm_part;

typedef struct lm_parts {
    lm_part *at;
    size_t n, room;
} lm_parts;

// Everything that a model with m->spec has, from `file`, or without one as the spec implies; every
// shape has been compared. Sets n and k of m's matrices and allocates m->mats.
NODISCARD status lm__parts_of(lm_parts *out, lm_model *m, const weights *file, err *e);
void lm__parts_free(lm_parts *p);

// Row r of a part as kern_pack takes it; zeros beyond its rows.
tensor_row lm__part_row(const lm_part *p, size_t r);

#endif
