// lm/pace.h -- how long a step takes, learnt while steps run; for lm/ only.
//
// time = a + b * rows + c * positions, where positions is how many keys all rows look at together.
// Fitted by least squares in which old steps fade, held near a guess by the model's size until
// there is something to learn from. Results steer sizes of steps only: text never depends on them.
//
//   Threads   one thread at a time per lm_pace
#ifndef LM_PACE_H
#define LM_PACE_H

#include "base/base.h"

enum { LM_PACE_TERMS = 3 };

typedef struct lm_pace {
    double guess[LM_PACE_TERMS], cost[LM_PACE_TERMS];  // seconds per unit of each term
    double products[LM_PACE_TERMS][LM_PACE_TERMS], answers[LM_PACE_TERMS];
} lm_pace;

// The guess: weights in bytes, operations of a row, and of one of its positions.
void lm__pace_init(lm_pace *p, uint64_t bytes, uint64_t row_flops, uint64_t position_flops);

void lm__pace_learn(lm_pace *p, size_t rows, size_t positions, double seconds);

double lm__pace_of(const lm_pace *p, size_t rows, size_t positions);

// Rows that see `each` positions which still fit into a step of `seconds`, beside what it has.
size_t lm__pace_room(const lm_pace *p, double seconds, size_t rows, size_t positions, size_t each);

#endif
