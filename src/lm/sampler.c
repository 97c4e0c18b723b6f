// The original's chain: softmax over all logits, the k best, and the exponential race that
// torch.multinomial runs for one sample. The k probabilities are not renormalised: the race is
// blind to scale, and dividing again would round again.
//
// The noise is PyTorch's, so that a seed gives the text that it gave there: bit for bit on its
// serial path; MKL and CUDA round their logarithms by their own tables, so there a near tie may
// fall otherwise. Which stream is a row of `streams`.
//
//   I1  a step draws exactly top_k exponentials (fewer only when the vocabulary is smaller), the
//       j-th for the candidate of rank j: the noise of a step is known before its candidates
//   I2  rank is by descending logit, then ascending id; a race tied is won by the better rank

#include "lm/sampler.h"

#include <float.h>
#include <math.h>

// --- MT19937 (Matsumoto and Nishimura 1998), seeded by init_genrand -----------------------------

static void mt_seed(lm_sampler *s, uint32_t seed) {
    s->mt[0] = seed;
    for (uint32_t i = 1; i < 624; i++)
        s->mt[i] = 1812433253U * (s->mt[i - 1] ^ (s->mt[i - 1] >> 30)) + i;
    s->at = 624;
}

static void mt_refill(lm_sampler *s) {
    for (int i = 0; i < 624; i++) {
        uint32_t y = (s->mt[i] & 0x80000000U) | (s->mt[(i + 1) % 624] & 0x7fffffffU);
        s->mt[i] = s->mt[(i + 397) % 624] ^ (y >> 1) ^ ((y & 1) ? 0x9908b0dfU : 0);
    }
    s->at = 0;
}

static uint32_t mt_next(lm_sampler *s) {
    if (s->at == 624) mt_refill(s);
    uint32_t y = s->mt[s->at++];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680U;
    y ^= (y << 15) & 0xefc60000U;
    return y ^ (y >> 18);
}

// at::exponential_ on the CPU: 53 bits of a 64-bit draw, whose high word comes first.
static void noise_torch(float *q, size_t n, lm_sampler *s) {
    for (size_t i = 0; i < n; i++) {
        uint64_t hi = mt_next(s), lo = mt_next(s);
        double u = (double)((hi << 32 | lo) & ((1ULL << 53) - 1)) * 0x1p-53;
        q[i] = (float)-log1p(-u);
    }
}

// --- MCG31m1 (L'Ecuyer 1999), as MKL's vsRngExponential runs it ---------------------------------
// PyTorch drew a new seed for it from MT19937 at each call, which gave it its short period.

static void noise_torch26(float *q, size_t n, lm_sampler *s) {
    const uint64_t m = 0x7fffffff, a = 1132489760;
    uint64_t x = mt_next(s) % m;
    if (x == 0) x = 1;
    for (size_t i = 0; i < n; i++, x = a * x % m)
        q[i] = FLT_MIN - (float)log((double)x / (double)m);
}

// --- Philox4x32-10 (Salmon et al. 2011), counter {call, element}, first word of the output ----

static uint32_t philox(uint64_t key, uint64_t call, uint64_t element) {
    uint32_t k0 = (uint32_t)key, k1 = (uint32_t)(key >> 32);
    uint32_t c[4] = {(uint32_t)call, (uint32_t)(call >> 32), (uint32_t)element,
                     (uint32_t)(element >> 32)};
    for (int round = 0; round < 10; round++) {
        uint64_t a = (uint64_t)0xD2511F53U * c[0], b = (uint64_t)0xCD9E8D57U * c[2];
        uint32_t next[4] = {(uint32_t)(b >> 32) ^ c[1] ^ k0, (uint32_t)b,
                            (uint32_t)(a >> 32) ^ c[3] ^ k1, (uint32_t)a};
        for (int i = 0; i < 4; i++)
            c[i] = next[i];
        k0 += 0x9E3779B9U;
        k1 += 0xBB67AE85U;
    }
    return c[0];
}

static void noise_cuda(float *q, size_t n, lm_sampler *s) {
    for (size_t i = 0; i < n; i++) {
        float u = fmaf((float)philox(s->how.seed, s->draws, i), 0x1p-32F, 0x1p-33F);
        q[i] = u >= 1.0F - 0x1p-24F ? 0x1p-24F : -logf(u);
    }
    s->draws++;
}

// --- Which stream --------------------------------------------------------------------------------

static const struct {
    str name;
    void (*noise)(float *q, size_t n, lm_sampler *s);
} streams[] = {
    [LM_RNG_TORCH] = {STR_INIT("torch"), noise_torch},
    [LM_RNG_CUDA] = {STR_INIT("cuda"), noise_cuda},
    [LM_RNG_TORCH26] = {STR_INIT("torch26"), noise_torch26},
};

bool lm_rng_named(lm_rng *out, str name) {
    for (size_t i = 0; i < countof(streams); i++) {
        if (!str_eq(name, streams[i].name)) continue;
        *out = (lm_rng)i;
        return true;
    }
    return false;
}

lm_sampling lm_sampling_default(void) {
    return (lm_sampling){
        .temperature = 1, .top_k = 50, .top_p = 1, .repetition = 1, .logprobs = -1};
}

status lm__sampling_check(const lm_sampling *how, int n_ids, err *e) {
    (void)n_ids;
    if (how->top_k < 1 || how->top_k > LM_TOP_K_MAX)
        return err_set(e, E_ARG, "top_k is %d, must be in 1..%d", how->top_k, LM_TOP_K_MAX);
    return OK;
}

void lm__sampler_init(lm_sampler *s, const lm_sampling *how) {
    *s = (lm_sampler){.how = *how};
    if (how->rng != LM_RNG_CUDA) mt_seed(s, (uint32_t)how->seed);
}

void lm__sampler_noise(float *q, size_t n, lm_sampler *s) {
    streams[s->how.rng].noise(q, n, s);
}

// --- The k best: a heap of candidates, the worst on top ----------------------------------------

typedef struct candidate {
    float logit;
    int32_t id;
} candidate;

static bool is_worse(candidate a, candidate b) {  // I2
    return a.logit < b.logit || (a.logit == b.logit && a.id > b.id);
}

static void sift_down(candidate *h, size_t n, size_t i) {
    candidate c = h[i];
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        if (child + 1 < n && is_worse(h[child + 1], h[child])) child++;
        if (!is_worse(h[child], c)) break;
        h[i] = h[child];
    }
    h[i] = c;
}

static void sift_up(candidate *h, size_t i) {
    candidate c = h[i];
    for (; i > 0 && is_worse(c, h[(i - 1) / 2]); i = (i - 1) / 2)
        h[i] = h[(i - 1) / 2];
    h[i] = c;
}

// Fills h best first; returns how many, fewer than k only when there are no more numbers.
static size_t take_best(candidate *h, size_t k, const float *logits, size_t n_ids) {
    size_t n = 0;
    for (size_t i = 0; i < n_ids; i++) {
        if (n == k && !(logits[i] > h[0].logit)) continue;
        if (!(logits[i] > -INFINITY)) continue;  // NaN too
        candidate c = {logits[i], (int32_t)i};
        if (n < k) {
            h[n] = c;
            sift_up(h, n++);
        } else {
            h[0] = c;
            sift_down(h, n, 0);
        }
    }
    for (size_t left = n; left > 1;) {
        candidate worst = h[0];
        h[0] = h[--left];
        sift_down(h, left, 0);
        h[left] = worst;
    }
    return n;
}

int32_t lm__sample(lm_sampler *s, float *logits, size_t padded, size_t n_ids, const kern *k) {
    candidate best[LM_TOP_K_MAX];
    float q[LM_TOP_K_MAX];
    size_t want = min_size((size_t)s->how.top_k, n_ids);
    size_t n = take_best(best, want, logits, n_ids);
    lm__sampler_noise(q, want, s);  // I1
    float sum = k->exp_sum(logits, padded);
    int32_t id = -1;
    float top = -1;
    for (size_t i = 0; i < n; i++) {
        float race = logits[best[i].id] / sum / q[i];
        if (!(race > top)) continue;
        top = race;
        id = best[i].id;
    }
    return id;
}
