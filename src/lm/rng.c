// The noise is PyTorch's, so that a seed gives the text that it gave there: bit for bit on its
// serial path; MKL and CUDA round their logarithms by their own tables, so there a near tie may
// fall otherwise. Which stream is a row of `streams`.
//
//   I1  a call takes from the generator what its n says, whatever p holds: the noise of a step is
//       known from the seed and the steps before
//   I2  low[i] <= q[i] * (1 + 2^-20): an id whose p / low loses has lost without a logarithm.
//       low[i] may be below 0: such an id cannot lose so

#include "lm/rng.h"

#include <float.h>
#include <math.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

// --- MT19937 (Matsumoto and Nishimura 1998), seeded by init_genrand -----------------------------

static void mt_seed(lm_noise *g, uint32_t seed) {
    g->mt[0] = seed;
    for (uint32_t i = 1; i < LM_MT_WORDS; i++)
        g->mt[i] = 1812433253U * (g->mt[i - 1] ^ (g->mt[i - 1] >> 30)) + i;
    g->at = LM_MT_WORDS;
}

// Both for one word and for four: no compiler vectorises the loops at -O2, and whole vocabularies
// draw 100,000 words a step.
#define MT_JOIN(here, next) (((here)&0x80000000U) | ((next)&0x7fffffffU))
#define MT_TWIST(y, far)    ((far) ^ ((y) >> 1) ^ (-((y)&1U) & 0x9908b0dfU))

typedef uint32_t word4 __attribute__((vector_size(16)));

static word4 load4(const uint32_t *p) {
    word4 w;
    memcpy(&w, p, sizeof w);
    return w;
}

static void mt_twist4(uint32_t *here, const uint32_t *far) {
    word4 y = MT_JOIN(load4(here), load4(here + 1)), w = MT_TWIST(y, load4(far));
    memcpy(here, &w, sizeof w);
}

static void mt_twist(uint32_t *here, const uint32_t *next, const uint32_t *far) {
    uint32_t y = MT_JOIN(*here, *next);
    *here = MT_TWIST(y, *far);
}

static void mt_temper4(uint32_t *out, const uint32_t *mt) {
    word4 y = load4(mt);
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680U;
    y ^= (y << 15) & 0xefc60000U;
    y ^= y >> 18;
    memcpy(out, &y, sizeof y);
}

static void mt_refill(lm_noise *g) {
    enum { N = LM_MT_WORDS, M = 397 };
    uint32_t *mt = g->mt;
    size_t i = 0;
    for (; i + 4 <= N - M; i += 4)
        mt_twist4(mt + i, mt + i + M);
    for (; i < N - M; i++)
        mt_twist(mt + i, mt + i + 1, mt + i + M);
    for (; i < N - 1; i += 4)  // a multiple of four is left
        mt_twist4(mt + i, mt + i + M - N);
    mt_twist(mt + N - 1, mt, mt + M - 1);
    for (i = 0; i < N; i += 4)
        mt_temper4(g->out + i, mt + i);
    g->at = 0;
}

static uint32_t mt_next(lm_noise *g) {
    if (g->at == LM_MT_WORDS) mt_refill(g);
    return g->out[g->at++];
}

// --- torch: 53 bits of a 64-bit draw, whose high word comes first ------------------------------

static void torch_begin(lm_noise *g) {
    (void)g;
}

typedef uint64_t pair2 __attribute__((vector_size(16)));  // of two pairs, the first word below
typedef int32_t int4 __attribute__((vector_size(16)));
typedef float float4 __attribute__((vector_size(16)));

// The 31 highest of the 53 bits: -log(1 - u) >= u >= what they say.
static void torch_low(float *low, const uint64_t *raw) {
    pair2 x;
    memcpy(&x, raw, sizeof x);
    float4 f = __builtin_convertvector((int4)(x >> 54 | (x & 0x1fffff) << 10), float4);
    low[0] = f[0] * 0x1p-31F;
    low[1] = f[2] * 0x1p-31F;
}

static void torch_draw(uint64_t *raw, float *low, size_t n, lm_noise *g) {
    for (size_t i = 0, run; i < n; i += run) {
        if (g->at + 2 > LM_MT_WORDS) {  // a pair may lie on both sides of a refill
            uint64_t hi = mt_next(g);
            raw[i] = (uint64_t)mt_next(g) << 32 | hi;
            run = 1;
            continue;
        }
        run = min_size(n - i, (LM_MT_WORDS - g->at) / 2);
        memcpy(raw + i, g->out + g->at, run * sizeof *raw);
        g->at += 2 * run;
    }
    for (size_t i = 0; i < n; i += 2)
        torch_low(low + i, raw + i);
}

static float torch_exact(uint64_t raw) {
    uint64_t bits = (raw << 32 | raw >> 32) & ((1ULL << 53) - 1);
    return (float)-log1p(-((double)bits * 0x1p-53));
}

// --- torch26: MCG31m1 (L'Ecuyer 1999), as MKL's vsRngExponential runs it -----------------------
// PyTorch drew a new seed for it from MT19937 at each call, which gave it its short period.

enum { MCG_M = 0x7fffffff, MCG_A = 1132489760, MCG_A8 = 1286028348, MCG_APART = 8 };

// a * x modulo the prime 2^31 - 1, both in 1 .. 2^31 - 2, so that it is neither 0 nor the prime.
static uint64_t mcg_times(uint64_t a, uint64_t x) {
    uint64_t y = a * x;
    y = (y & MCG_M) + (y >> 31);
    return (y & MCG_M) + (y >> 31);
}

static void torch26_begin(lm_noise *g) {
    g->x = mt_next(g) % MCG_M;
    if (g->x == 0) g->x = 1;
}

// Each from the one eight before it, so that eight are on their way at a time.
static void torch26_draw(uint64_t *raw, float *low, size_t n, lm_noise *g) {
    for (size_t i = 0; i < n; i++)
        raw[i] = i >= MCG_APART ? mcg_times(MCG_A8, raw[i - MCG_APART])
                 : i            ? mcg_times(MCG_A, raw[i - 1])
                                : g->x;
    g->x = mcg_times(MCG_A, raw[n - 1]);
    for (size_t i = 0; i < n; i++)
        low[i] = (float)(int64_t)(MCG_M - raw[i]) * 0x1p-31F;  // -log(u) >= 1 - u
}

static float torch26_exact(uint64_t raw) {
    return FLT_MIN - (float)log((double)raw / MCG_M);
}

// --- cuda: Philox4x32-10 (Salmon et al. 2011), first word of the output at {call, element} ------

// Products of the low halves of two.
static pair2 wide_times(pair2 x, uint32_t by) {
#ifdef __SSE2__
    return (pair2)_mm_mul_epu32((__m128i)x, (__m128i)(pair2){by, by});
#else
    return (x & 0xffffffff) * by;
#endif
}

enum { PHILOX_ROUNDS = 10 };

// The key of each round, for two elements.
static void philox_keys(pair2 keys[PHILOX_ROUNDS][2], uint64_t seed) {
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    for (int i = 0; i < PHILOX_ROUNDS; i++, k0 += 0x9E3779B9U, k1 += 0xBB67AE85U) {
        keys[i][0] = (pair2){k0, k0};
        keys[i][1] = (pair2){k1, k1};
    }
}

// For two elements: each word in the low half of 64 bits; what the upper halves hold does not
// matter until the end.
static void philox2(uint64_t out[2], const pair2 keys[PHILOX_ROUNDS][2], uint64_t call,
                    uint64_t element) {
    pair2 c0 = {call, call}, c1 = c0 >> 32, c2 = {element, element + 1}, c3 = c2 >> 32;
    for (int i = 0; i < PHILOX_ROUNDS; i++) {
        pair2 a = wide_times(c0, 0xD2511F53U), b = wide_times(c2, 0xCD9E8D57U);
        c0 = (b >> 32) ^ c1 ^ keys[i][0];
        c2 = (a >> 32) ^ c3 ^ keys[i][1];
        c1 = b;
        c3 = a;
    }
    c0 &= 0xffffffff;
    memcpy(out, &c0, sizeof c0);
}

static void cuda_begin(lm_noise *g) {
    g->x = 0;
}

static float cuda_uniform(uint64_t raw) {                              // (0, 1]
    return (float)((double)(float)(uint32_t)raw * 0x1p-32 + 0x1p-33);  // the sum is exact
}

static void cuda_draw(uint64_t *raw, float *low, size_t n, lm_noise *g) {
    pair2 keys[PHILOX_ROUNDS][2];
    philox_keys(keys, g->seed);
    for (size_t i = 0; i < n; i += 2)
        philox2(raw + i, keys, g->calls, g->x + i);
    g->x += n;
    for (size_t i = 0; i < n; i++)
        // -log(u) >= 1 - u, and u is rounded twice, by 2^-25 at most.
        low[i] = (float)(int64_t)(0xffffffff - raw[i]) * 0x1p-32F - 0x1p-24F;
}

static float cuda_exact(uint64_t raw) {
    float u = cuda_uniform(raw);
    return u >= 1.0F - 0x1p-24F ? 0x1p-24F : -logf(u);
}

// --- Which stream --------------------------------------------------------------------------------

static const struct {
    str name;
    void (*begin)(lm_noise *g);                                      // a call
    void (*draw)(uint64_t *raw, float *low, size_t n, lm_noise *g);  // its next n numbers
    float (*exact)(uint64_t raw);                                    // q of one
} streams[] = {
    [LM_RNG_TORCH] = {STR_INIT("torch"), torch_begin, torch_draw, torch_exact},
    [LM_RNG_CUDA] = {STR_INIT("cuda"), cuda_begin, cuda_draw, cuda_exact},
    [LM_RNG_TORCH26] = {STR_INIT("torch26"), torch26_begin, torch26_draw, torch26_exact},
};

enum { CHUNK = 256 };  // even: some take two

bool lm_rng_named(lm_rng *out, str name) {
    for (size_t i = 0; i < countof(streams); i++) {
        if (!str_eq(name, streams[i].name)) continue;
        *out = (lm_rng)i;
        return true;
    }
    return false;
}

void lm__noise_init(lm_noise *g, lm_rng rng, uint64_t seed) {
    *g = (lm_noise){.rng = rng, .seed = seed};
    if (rng != LM_RNG_CUDA) mt_seed(g, (uint32_t)seed);
}

void lm__noise(float *q, size_t n, lm_noise *g) {
    uint64_t raw[CHUNK] = {0};
    float low[CHUNK];
    streams[g->rng].begin(g);
    for (size_t at = 0, m; at < n; at += m) {
        m = min_size(CHUNK, n - at);
        streams[g->rng].draw(raw, low, m, g);
        for (size_t i = 0; i < m; i++)
            q[at + i] = streams[g->rng].exact(raw[i]);
    }
    g->calls++;
}

// --- The race ------------------------------------------------------------------------------------

typedef struct race {
    float least, sum;
    float top;  // the leader's p / q
    float far;  // p below far * low has lost (I2)
    size_t winner;
    float (*exact)(uint64_t raw);
} race;

static void run_one(race *r, float p, float low, uint64_t raw, size_t i) {
    if (p < r->least || p < r->far * low) return;
    float ratio = p / r->sum / r->exact(raw);
    if (!(ratio > r->top)) return;
    r->top = ratio;
    r->far = ratio * r->sum * (1.0F - 0x1p-18F);
    r->winner = i;
}

enum { GROUP = 16 };

// Whether all of a group have lost. Nearly all groups of a vocabulary have.
static bool all_lost(const race *r, const float *p, const float *low) {
    pair2 run = {0};
    for (int i = 0; i < GROUP; i += 4) {
        float4 x, l;
        memcpy(&x, p + i, sizeof x);
        memcpy(&l, low + i, sizeof l);
        run |= (pair2)((x >= r->least) & (x >= r->far * l));
    }
    return !(run[0] | run[1]);
}

size_t lm__noise_race(lm_noise *g, const float *p, size_t n, float least, float sum) {
    uint64_t raw[CHUNK] = {0};
    float low[CHUNK];
    race r = {least, sum, -1, 0, n, streams[g->rng].exact};
    streams[g->rng].begin(g);
    for (size_t at = 0, m; at < n; at += m) {
        m = min_size(CHUNK, n - at);
        streams[g->rng].draw(raw, low, m, g);
        for (size_t i = 0; i < m; i += GROUP) {
            size_t end = min_size(i + GROUP, m);
            if (end - i == GROUP && all_lost(&r, p + at + i, low + i)) continue;
            for (size_t j = i; j < end; j++)
                run_one(&r, p[at + j], low[j], raw[j], at + j);
        }
    }
    g->calls++;
    return r.winner;
}
