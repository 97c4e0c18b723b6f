// lm/sampler.h -- draws the next id from a row of logits; for lm/ only.
//
//   Owner     the caller: logits, ids, and `how->bias`, which must live as long as the sampler
//   Threads   one thread at a time per sampler; about 100 KiB of stack
//   Limits    LM_BLOCK_MAX ids of prompt and text
//   Errors    -1 for no id: nothing can be drawn, or no memory (penalties of over 4,096 ids)
//   Source    torch.multinomial(p, 1); Hugging Face's logits processors and warpers, in the order
//             of its generate; OpenAI's frequency and presence penalties. README.md, Sampling
#ifndef LM_SAMPLER_H
#define LM_SAMPLER_H

#include "kern/kern.h"
#include "lm/engine.h"
#include "lm/rng.h"

typedef struct lm_sampler {
    lm_sampling how;
    lm_noise noise;
    lm_noise again;  // of lm__sample_again; nothing moves `noise` but lm__sample
} lm_sampler;

// A row of logits, and the text so far: n ids, of which n_prompt are the prompt.
typedef struct lm_row {
    float *logits;         // overwritten
    size_t padded, n_ids;  // padded with -INFINITY to a multiple of KERN_LANES
    const int32_t *ids;
    size_t n_prompt, n;
    const kern *k;
} lm_row;

// E_ARG names the parameter, its value and its range. `n_ids` bounds the ids of biases.
NODISCARD status lm__sampling_check(const lm_sampling *how, int n_ids, err *e);

void lm__sampler_init(lm_sampler *s, const lm_sampling *how);

// The next id of [0, n_ids). -1 when a logit is NaN or +INFINITY, or when all ids are forbidden.
int32_t lm__sample(lm_sampler *s, const lm_row *row);

// When that one may not come: another, of those that the mask has (bit i % 32 of may[i / 32]) among
// what the cuts of top_k, top_p and min_p leave; when these have none, the cuts are made in the
// mask. The row's logits are those from before lm__sample. -1 as above, and for an empty mask. Both
// draws together have the distribution of one among what the cuts leave, renormalised.
int32_t lm__sample_again(lm_sampler *s, const uint32_t *may, const float *before,
                         const lm_row *row);

// out[0]: log of the probability of `drawn`; then those of the n_best best ids, best first (id -1
// where the vocabulary has no more). Wants the logits as the model gave them: a copy made before
// lm__sample. The softmax is over all of `padded`, rows beyond n_ids included, as in lm__sample.
void lm__logprobs(lm_logprob *out, size_t n_best, int32_t drawn, const float *logits, size_t padded,
                  size_t n_ids, const kern *k);

#endif
