// lm/rng.h -- PyTorch's exponentials, and torch.multinomial's race on them; for lm/.
//
//   Threads   one thread at a time per generator
//   Source    torch.multinomial(p, 1): argmax of p / q in f32, q ~ Exp(1) from exponential_; the
//             streams are at::exponential_ of the versions that lm_rng names
//   Errors    none
#ifndef LM_RNG_H
#define LM_RNG_H

#include "lm/engine.h"

enum { LM_MT_WORDS = 624 };

typedef struct lm_noise {
    lm_rng rng;
    uint64_t seed;
    uint64_t calls;            // of exponential_ so far
    uint64_t x;                // where the current call stands: MCG31m1's state, Philox' element
    uint32_t mt[LM_MT_WORDS];  // MT19937's state, and what it gives
    uint32_t out[LM_MT_WORDS];
    size_t at;  // of `out`
} lm_noise;

void lm__noise_init(lm_noise *g, lm_rng rng, uint64_t seed);

// One call of exponential_ on n elements.
void lm__noise(float *q, size_t n, lm_noise *g);

// The same call, then the index of the largest p[i] / sum / q[i] among those with p[i] >= least,
// the first of equal ones; n when there is none. sum > 0; a negative p is nobody's.
size_t lm__noise_race(lm_noise *g, const float *p, size_t n, float least, float sum);

#endif
