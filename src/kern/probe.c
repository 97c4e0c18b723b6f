// Three loops that do one thing each as fast as the machine can: read, multiply-add, int8 products.
//
// A probe is cut into many short parts that the pool's threads take as they come, so that a thread
// which starts late or loses its core takes fewer of them; of several rounds the best counts. What
// disturbs a round only makes it slower.
//
// Rejected: a benchmark of a kernel (it would measure our kernel with our kernel), and figures from
// data sheets (virtual machines hide clocks and neighbours).
//
//   I1  a phase starts no part after its deadline and counts only the work it did

#include "kern/probe.h"

#include "base/arena.h"
#include "os/clock.h"
#include "os/cpu.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#ifdef __clang__
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

// --- Reading -----------------------------------------------------------------------------------

typedef uint64_t wide __attribute__((vector_size(64)));

// One stream of lines, each asked for READ_AHEAD bytes early: near, since hardware's own prefetcher
// does the rest (Xeon, one core: 19.5 GB/s so, 15.5 without, 14.5 at 8 KB ahead).
enum { READ_AHEAD = 768, READ_TURN = 4 * sizeof(wide) };

// clang-format off
#define READ_LOOP(name, target)                                                                    \
    target static uint64_t name(const void *data, size_t bytes) {                                  \
        wide s[4] = {0};                                                                           \
        const wide *v = data;                                                                      \
        for (size_t i = 0; i + 4 <= bytes / sizeof *v; i += 4) {                                   \
            UNROLL for (size_t j = 0; j < 4; j++) {                                                \
                __builtin_prefetch((const char *)&v[i + j] + READ_AHEAD, 0, 2);                    \
                s[j] ^= v[i + j];                                                                  \
            }                                                                                      \
        }                                                                                          \
        wide all = s[0] ^ s[1] ^ s[2] ^ s[3];                                                      \
        return all[0] ^ all[7];                                                                    \
    }
// clang-format on

// --- Arithmetic --------------------------------------------------------------------------------

// Independent sums hide the latency of an instruction: 4 or 5 cycles, two instructions a cycle.
enum { CHAINS = 12, STEPS = 1000 };

// A loop of STEPS times CHAINS instructions `op` on registers of type `vec`, started from `one`.
// KEEP says that a register may hold anything: equal chains must not become one.
// clang-format off
#define MATH_LOOP(name, target, vec, one, op)                                                      \
    target static void name(void) {                                                                \
        vec a[CHAINS], b = one, c = one;                                                           \
        UNROLL for (int j = 0; j < CHAINS; j++) {                                                  \
            a[j] = one;                                                                            \
            KEEP(a[j]);                                                                            \
        }                                                                                          \
        for (int i = 0; i < STEPS; i++) {                                                          \
            KEEP(b);                                                                               \
            KEEP(c);                                                                               \
            UNROLL for (int j = 0; j < CHAINS; j++) a[j] = op(a[j], b, c);                         \
        }                                                                                          \
        UNROLL for (int j = 0; j < CHAINS; j++) KEEP(a[j]);                                        \
    }
// clang-format on

#if defined(__x86_64__)

#define KEEP(v)           __asm__ volatile("" : "+v"(v))
#define AVX512            __attribute__((target("avx512f,avx512bw")))
#define AVX512_VNNI       __attribute__((target("avx512f,avx512bw,avx512vnni")))
#define AVX2              __attribute__((target("avx2,fma")))
#define AVX_VNNI          __attribute__((target("avx2,avxvnni")))
#define FMA512(a, b, c)   _mm512_fmadd_ps(b, c, a)
#define FMA256(a, b, c)   _mm256_fmadd_ps(b, c, a)
#define FMA128(a, b, c)   _mm_add_ps(_mm_mul_ps(b, c), a)
#define PAIRS512(a, b, c) _mm512_add_epi32(a, _mm512_madd_epi16(_mm512_maddubs_epi16(b, c), b))
#define PAIRS256(a, b, c) _mm256_add_epi32(a, _mm256_madd_epi16(_mm256_maddubs_epi16(b, c), b))
#define PAIRS128(a, b, c) _mm_add_epi32(a, _mm_madd_epi16(_mm_maddubs_epi16(b, c), b))

READ_LOOP(read512, AVX512)
READ_LOOP(read256, AVX2)
READ_LOOP(read128, )
MATH_LOOP(fma512, AVX512, __m512, _mm512_set1_ps(0.5F), FMA512)
MATH_LOOP(fma256, AVX2, __m256, _mm256_set1_ps(0.5F), FMA256)
MATH_LOOP(fma128, , __m128, _mm_set1_ps(0.5F), FMA128)
MATH_LOOP(dot512, AVX512_VNNI, __m512i, _mm512_set1_epi8(1), _mm512_dpbusd_epi32)
MATH_LOOP(dot256, AVX_VNNI, __m256i, _mm256_set1_epi8(1), _mm256_dpbusd_avx_epi32)
MATH_LOOP(pairs512, AVX512, __m512i, _mm512_set1_epi8(1), PAIRS512)
MATH_LOOP(pairs256, AVX2, __m256i, _mm256_set1_epi8(1), PAIRS256)
MATH_LOOP(pairs128, __attribute__((target("ssse3"))), __m128i, _mm_set1_epi8(1), PAIRS128)

#elif defined(__aarch64__)

#define KEEP(v)        __asm__ volatile("" : "+w"(v))
#define LOW(v)         vget_low_s8(vreinterpretq_s8_s32(v))
#define PAIRS(a, b, c) vpadalq_s16(a, vmull_s8(LOW(b), LOW(c)))

#ifdef __clang__  // 14 has vdotq_s32 only when the whole file is for such machines
#define DOTPROD __attribute__((target("dotprod")))
DOTPROD static inline int32x4_t dot(int32x4_t a, int32x4_t b, int32x4_t c) {
    __asm__("sdot %0.4s, %1.16b, %2.16b" : "+w"(a) : "w"(b), "w"(c));
    return a;
}
#else
#define DOTPROD __attribute__((target("arch=armv8.2-a+dotprod")))
DOTPROD static inline int32x4_t dot(int32x4_t a, int32x4_t b, int32x4_t c) {
    return vdotq_s32(a, vreinterpretq_s8_s32(b), vreinterpretq_s8_s32(c));
}
#endif

READ_LOOP(read128, )
MATH_LOOP(fma128, , float32x4_t, vdupq_n_f32(0.5F), vfmaq_f32)
MATH_LOOP(dot128, DOTPROD, int32x4_t, vdupq_n_s32(1), dot)
MATH_LOOP(pairs64, , int32x4_t, vdupq_n_s32(1), PAIRS)

#endif

// The best loops first: the first whose features there are is taken.
typedef struct loop {
    unsigned needs;
    void (*run)(void);
    double ops;  // of one instruction; an addition and a multiplication are two
} loop;

#if defined(__x86_64__)
static const loop f32_loops[] = {
    {OS_CPU_AVX512, fma512, 32}, {OS_CPU_AVX2, fma256, 16}, {0, fma128, 8}};
static const loop int8_loops[] = {{OS_CPU_AVX512_VNNI, dot512, 128},
                                  {OS_CPU_AVX512, pairs512, 128},
                                  {OS_CPU_AVX_VNNI, dot256, 64},
                                  {OS_CPU_AVX2, pairs256, 64},
                                  {0, pairs128, 32}};
#elif defined(__aarch64__)
static const loop f32_loops[] = {{0, fma128, 8}};
static const loop int8_loops[] = {{OS_CPU_DOTPROD, dot128, 32}, {0, pairs64, 16}};
#endif

// Never fails to find one: the last needs nothing.
static const loop *best_loop(const loop *l) {
    unsigned have = os_cpu_features();
    while (l->needs & ~have)
        l++;
    return l;
}

static uint64_t (*best_read(void))(const void *, size_t) {
#if defined(__x86_64__)
    unsigned have = os_cpu_features();
    return have & OS_CPU_AVX512 ? read512 : have & OS_CPU_AVX2 ? read256 : read128;
#else
    return read128;
#endif
}

// --- Rounds ------------------------------------------------------------------------------------

enum {
    READ_PART = 1 << 20,         // bytes in a part
    MATH_PARTS = 16,             // parts of a round per thread,
    MATH_LOOPS = 4,              // this many runs of a loop each: about 20 us
    READ_MS = PROBE_MS * 2 / 3,  // for each phase
    MATH_MS = PROBE_MS / 6,
};

typedef struct phase {
    const uint8_t *data;
    size_t bytes;
    uint64_t (*read)(const void *, size_t);
    const loop *loop;
    int64_t until;
    _Atomic size_t done;  // bytes read, or parts run
    _Atomic uint64_t sink;
} phase;

static void read_part(void *arg, size_t i) {
    phase *p = arg;
    size_t at = i * READ_PART, len = min_size(READ_PART, p->bytes - at) & ~(READ_TURN - 1);
    if (os_now_ns() > p->until) return;  // I1
    atomic_fetch_xor(&p->sink, p->read(p->data + at, len));
    atomic_fetch_add(&p->done, len);
}

static void math_part(void *arg, size_t i) {
    phase *p = arg;
    (void)i;
    if (os_now_ns() > p->until) return;  // I1
    for (int k = 0; k < MATH_LOOPS; k++)
        p->loop->run();
    atomic_fetch_add(&p->done, 1);
}

// The best rate of rounds of `parts` until `ms` have passed: at least one part runs.
static double best_rate(phase *p, os_pool *pool, size_t parts, void (*body)(void *, size_t),
                        int ms) {
    double best = 0;
    p->until = INT64_MAX;
    int64_t until = os_now_ns() + (int64_t)ms * 1000000;
    do {
        atomic_store(&p->done, 0);
        int64_t start = os_now_ns();
        os_pool_for(pool, parts, body, p);
        best = fmax(best, (double)atomic_load(&p->done) / fmax(os_seconds_since(start), 1e-9));
        p->until = until;
    } while (os_now_ns() < until);
    return best;
}

static double math_rate(const loop *l, os_pool *pool) {
    phase p = {.loop = best_loop(l)};
    size_t parts = MATH_PARTS * (size_t)(os_pool_threads(pool) + 1);
    double ops = p.loop->ops * CHAINS * STEPS * MATH_LOOPS;
    return ops * best_rate(&p, pool, parts, math_part, MATH_MS);
}

void probe_at(probe *out, os_pool *pool, const void *data, size_t bytes) {
    phase p = {.data = data, .bytes = min_size(bytes, PROBE_BYTES_MAX), .read = best_read()};
    size_t parts = (p.bytes + READ_PART - 1) / READ_PART;
    out->read_bytes_per_s = best_rate(&p, pool, parts, read_part, READ_MS);
    out->f32_flops = math_rate(f32_loops, pool);
    out->int8_ops = math_rate(int8_loops, pool);
}

typedef struct filling {
    uint8_t *data;
    size_t bytes;
} filling;

static void fill_part(void *arg, size_t i) {
    filling *f = arg;
    size_t at = i * READ_PART;
    memset(f->data + at, 1, min_size(READ_PART, f->bytes - at));
}

status probe_machine(probe *out, os_pool *pool, size_t bytes, err *e) {
    arena a;
    bytes = max_size(PROBE_BYTES_MIN, min_size(bytes, PROBE_BYTES_MAX));
    TRY(arena_open(&a, bytes, e));
    madvise(a.base, bytes, MADV_HUGEPAGE);  // as the weights have it; a wish only
    filling f = {a.base, bytes};
    os_pool_for(pool, (bytes + READ_PART - 1) / READ_PART, fill_part, &f);
    probe_at(out, pool, a.base, bytes);
    arena_close(&a);
    return OK;
}
