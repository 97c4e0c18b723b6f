// lm/sampler.h -- draws the next id from logits as PyTorch's multinomial would; for lm/ only.
//
//   Threads   one thread at a time per sampler
//   Source    torch.multinomial(p, 1): argmax of p / q with q ~ Exp(1), one q per candidate
#ifndef LM_SAMPLER_H
#define LM_SAMPLER_H

#include "lm/engine.h"
#include "tensor/kern.h"

typedef struct lm_sampler {
    lm_sampling how;
    uint64_t draws;    // Philox: calls so far
    uint32_t mt[624];  // MT19937
    int at;
} lm_sampler;

NODISCARD status lm__sampling_check(const lm_sampling *how, int n_ids, err *e);

void lm__sampler_init(lm_sampler *s, const lm_sampling *how);

// n exponentials: the noise of one step.
void lm__sampler_noise(float *q, size_t n, lm_sampler *s);

// The next id of [0, n_ids). Logits are overwritten; they are padded with
// -INFINITY to `padded`, a multiple of KERN_LANES. -1 when no logit is a number.
int32_t lm__sample(lm_sampler *s, float *logits, size_t padded, size_t n_ids, const kern *k);

#endif
