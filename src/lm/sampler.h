// lm/sampler.h -- draws the next id from a row of logits; for lm/ only.
//
//   Owner     the caller: logits, ids, and `how->bias`, which must live as long as the sampler
//   Threads   one thread at a time per sampler; about 60 KiB of stack, and with
//             penalties 12 bytes of heap for each id of prompt and text
//   Limits    LM_BLOCK_MAX ids of prompt and text
//   Errors    -1 for no id: nothing can be drawn, or no memory
//   Source    torch.multinomial(p, 1); Hugging Face's logits processors and warpers, in the order
//             of its generate; OpenAI's frequency and presence penalties. README.md, Sampling
#ifndef LM_SAMPLER_H
#define LM_SAMPLER_H

#include "lm/engine.h"
#include "lm/rng.h"
#include "kern/kern.h"

typedef struct lm_sampler {
    lm_sampling how;
    lm_noise noise;
} lm_sampler;

// E_ARG names the parameter, its value and its range. `n_ids` bounds the ids of biases.
NODISCARD status lm__sampling_check(const lm_sampling *how, int n_ids, err *e);

void lm__sampler_init(lm_sampler *s, const lm_sampling *how);

// The next id of [0, n_ids) after the n ids so far, of which n_prompt are the prompt. Logits are
// overwritten; they are padded with -INFINITY to `padded`, a multiple of KERN_LANES. -1 when one of
// them is NaN or +INFINITY, or when all ids are forbidden.
int32_t lm__sample(lm_sampler *s, float *logits, size_t padded, size_t n_ids, const int32_t *ids,
                   size_t n_prompt, size_t n, const kern *k);

// out[0]: log of the probability of `drawn`; then those of the n_best best ids, best first (id -1
// where the vocabulary has no more). Wants the logits as the model gave them: a copy made before
// lm__sample. The softmax is over all of `padded`, rows beyond n_ids included, as in lm__sample.
void lm__logprobs(lm_logprob *out, size_t n_best, int32_t drawn, const float *logits, size_t padded,
                  size_t n_ids, const kern *k);

#endif
