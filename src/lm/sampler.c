// One step: penalties, bias, temperature, softmax over all logits, candidates, then the exponential
// race that torch.multinomial runs for one sample. Probabilities of candidates are not normalised
// again: the race is blind to scale, and dividing again would round again.
//
//   I1  a step takes min(top_k, n_ids) exponentials, the j-th for the candidate of rank j; with
//       top_k 0 it takes n_ids, one for each id. So the noise of a step is known before its logits
//   I2  rank is by descending logit, then ascending id; a race tied is won by the better rank (with
//       top_k 0, where the softmax alone is looked at: by probability, then id)
//   I3  candidates are the first so many by rank: each of top_k, top_p, min_p cuts the tail
//   I4  top_p adds masses, which are integers: whatever the order, the sum is the same

#include "lm/sampler.h"

#include "lm/model.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

// --- Parameters ----------------------------------------------------------------------------------

lm_sampling lm_sampling_default(void) {
    return (lm_sampling){
        .temperature = 1, .top_k = 50, .top_p = 1, .repetition = 1, .logprobs = -1};
}

static status check_biases(const lm_sampling *how, int n_ids, err *e) {
    if (how->n_bias > LM_BIAS_MAX)
        return err_set(e, E_ARG, "logit_bias has %zu ids, must be 0..%d", how->n_bias, LM_BIAS_MAX);
    for (size_t i = 0; i < how->n_bias; i++) {
        const lm_bias *b = &how->bias[i];
        if (b->id < 0 || b->id >= n_ids)
            return err_set(e, E_ARG, "logit_bias has id %d, must be in 0..%d", b->id, n_ids - 1);
        if (!(b->add >= -100 && b->add <= 100))
            return err_set(e, E_ARG, "logit_bias of id %d is %g, must be in -100..100", b->id,
                           (double)b->add);
    }
    return OK;
}

status lm__sampling_check(const lm_sampling *how, int n_ids, err *e) {
    const struct {
        const char *name;
        float value, min, max;
        const char *range;
    } reals[] = {
        {"temperature", how->temperature, how->temperature == 0 ? 0 : LM_TEMPERATURE_MIN,
         LM_TEMPERATURE_MAX, "0 or in 0.001..1000"},
        {"top_p", how->top_p, FLT_TRUE_MIN, 1, "above 0 and at most 1"},
        {"min_p", how->min_p, 0, 1, "in 0..1"},
        {"repetition_penalty", how->repetition, LM_REPETITION_MIN, LM_REPETITION_MAX,
         "in 0.01..100"},
        {"frequency_penalty", how->frequency, -2, 2, "in -2..2"},
        {"presence_penalty", how->presence, -2, 2, "in -2..2"},
    };
    const struct {
        const char *name;
        int value, min, max;
    } ints[] = {
        {"rng", (int)how->rng, 0, LM_RNGS - 1},
        {"top_k", how->top_k, 0, LM_TOP_K_MAX},
        {"logprobs", how->logprobs, -1, LM_LOGPROBS_MAX},
    };
    for (size_t i = 0; i < countof(reals); i++)
        if (!(reals[i].value >= reals[i].min && reals[i].value <= reals[i].max))  // NaN too
            return err_set(e, E_ARG, "%s is %g, must be %s", reals[i].name, (double)reals[i].value,
                           reals[i].range);
    for (size_t i = 0; i < countof(ints); i++)
        if (ints[i].value < ints[i].min || ints[i].value > ints[i].max)
            return err_set(e, E_ARG, "%s is %d, must be in %d..%d", ints[i].name, ints[i].value,
                           ints[i].min, ints[i].max);
    return check_biases(how, n_ids, e);
}

void lm__sampler_init(lm_sampler *s, const lm_sampling *how) {
    s->how = *how;
    lm__noise_init(&s->noise, how->rng, how->seed);
    lm__noise_init(&s->again, how->rng, how->seed ^ 0x9e3779b97f4a7c15U);
}

// --- Penalties and bias --------------------------------------------------------------------------

enum { SEEN_FEW = 4096 };  // on the stack

typedef struct seen {
    float logit;
    int32_t id;
    uint32_t in_text;
} seen;

// The ids so far, each once, in a sparse set (Briggs and Torczon 1993): the logit of a member gives
// its place to the set's index, so that nothing as long as the vocabulary is cleared or kept.
static size_t gather_seen(seen *set, float *logits, const int32_t *ids, size_t n_prompt, size_t n) {
    uint32_t n_set = 0;
    for (size_t i = 0; i < n; i++) {
        float *slot = &logits[ids[i]];
        uint32_t at;
        memcpy(&at, slot, sizeof at);
        if (at >= n_set || set[at].id != ids[i]) {
            at = n_set++;
            set[at] = (seen){.logit = *slot, .id = ids[i]};
            memcpy(slot, &at, sizeof at);
        }
        set[at].in_text += i >= n_prompt;
    }
    return n_set;
}

static float penalised(const seen *m, const lm_sampling *how) {
    float l = m->logit < 0 ? m->logit * how->repetition : m->logit / how->repetition;
    if (!m->in_text) return l;
    l -= how->frequency * (float)m->in_text;
    return l - how->presence;
}

// False: no memory.
static bool penalise(float *logits, const lm_sampling *how, const int32_t *ids, size_t n_prompt,
                     size_t n) {
    seen few[SEEN_FEW], *set = n <= SEEN_FEW ? few : malloc(n * sizeof *set);
    if (!set) return false;
    size_t n_set = gather_seen(set, logits, ids, n_prompt, n);
    for (size_t i = 0; i < n_set; i++)
        logits[set[i].id] = penalised(&set[i], how);
    if (set != few) free(set);
    return true;
}

static bool has_penalties(const lm_sampling *how) {
    return how->repetition != 1 || how->frequency != 0 || how->presence != 0;
}

static void add_biases(float *logits, const lm_sampling *how) {
    for (size_t i = 0; i < how->n_bias; i++) {
        const lm_bias *b = &how->bias[i];
        logits[b->id] = b->add > -100 ? logits[b->id] + b->add : -INFINITY;
    }
}

// --- The best by rank ----------------------------------------------------------------------------
// A candidate is one number that sorts by rank: its logit's bits, as integers sort, then ~id.

enum { BLOCK = KERN_LANES, POOL = 2 * LM_TOP_K_MAX, POOL_MIN = 64, SORT_FEW = 16 };

static uint64_t key_of(float logit, size_t id) {
    float unsigned_zero = logit + 0.0F;
    uint32_t u;
    memcpy(&u, &unsigned_zero, sizeof u);
    u ^= u >> 31 ? 0xffffffffU : 0x80000000U;
    return (uint64_t)u << 32 | (uint32_t)~id;
}

static int32_t key_id(uint64_t key) {
    return (int32_t) ~(uint32_t)key;
}

static float key_logit(uint64_t key) {
    uint32_t u = (uint32_t)(key >> 32);
    u ^= u >> 31 ? 0x80000000U : 0xffffffffU;
    float logit;
    memcpy(&logit, &u, sizeof logit);
    return logit;
}

static void sort_few(uint64_t *a, size_t n) {
    for (size_t i = 1; i < n; i++) {
        uint64_t x = a[i];
        size_t at = i;
        for (; at > 0 && a[at - 1] < x; at--)
            a[at] = a[at - 1];
        a[at] = x;
    }
}

static uint64_t median(uint64_t a, uint64_t b, uint64_t c) {
    uint64_t low = a < b ? a : b, high = a < b ? b : a;
    return c < low ? low : c > high ? high : c;
}

// Hoare's (1961), for more than two: all of a[0, left) >= all of a[left, n), neither part is empty.
static size_t partition(uint64_t *a, size_t n) {
    uint64_t pivot = median(a[0], a[n / 2], a[n - 1]);
    for (size_t i = 0, j = n - 1;; i++, j--) {
        while (a[i] > pivot)
            i++;
        while (a[j] < pivot)
            j--;
        if (i >= j) return j + 1;
        uint64_t swap = a[i];
        a[i] = a[j], a[j] = swap;
    }
}

// The k largest first, in any order but for the last of them, which is the k-th.
static void select_best(uint64_t *a, size_t n, size_t k) {
    while (n > SORT_FEW) {
        size_t left = partition(a, n);
        if (k <= left) {
            n = left;
        } else {
            a += left, n -= left, k -= left;
        }
    }
    sort_few(a, n);
}

static void sort_all(uint64_t *a, size_t n) {
    while (n > SORT_FEW) {
        size_t left = partition(a, n);
        sort_all(a + left, n - left);
        n = left;
    }
    sort_few(a, n);
}

typedef float float4 __attribute__((vector_size(16)));
typedef int64_t mask4 __attribute__((vector_size(16)));

// Whether any of 16 is above the bar. Most of a vocabulary is passed over here.
static bool any_above(const float *x, float bar) {
    float4 v[BLOCK / 4], bars = {bar, bar, bar, bar};
    memcpy(v, x, sizeof v);
    mask4 m =
        (mask4)(v[0] > bars) | (mask4)(v[1] > bars) | (mask4)(v[2] > bars) | (mask4)(v[3] > bars);
    return m[0] | m[1];
}

// The k best of x[0, n), best first; returns how many, fewer only where no more are above
// -INFINITY. NaN is none. Collects all above a bar, the k-th best at the last count.
static size_t take_best(uint64_t pool[POOL + BLOCK], size_t k, const float *x, size_t n) {
    size_t got = 0, full = max_size(2 * k, POOL_MIN);
    float bar = -INFINITY;
    for (size_t i = 0; i < n; i += BLOCK) {
        if (!any_above(x + i, bar)) continue;
        for (size_t j = i; j < min_size(i + BLOCK, n); j++) {
            pool[got] = key_of(x[j], j);  // no branch: nobody can guess which it is
            got += x[j] > bar;
        }
        if (got < full) continue;
        select_best(pool, got, k);
        bar = key_logit(pool[k - 1]);
        got = k;
    }
    if (got > k) select_best(pool, got, k);
    got = min_size(got, k);
    sort_all(pool, got);
    return got;
}

// --- Fewer candidates ----------------------------------------------------------------------------

// A probability, relative to the best one's, as an integer.
static uint64_t mass_of(float e) {
    return (uint64_t)(e * 0x1p40F);
}

// What better ranks must not have reached for a rank to stay.
static uint64_t target_of(float top_p, double total) {
    return (uint64_t)ceil((double)top_p * total);
}

// How many of n, whose e stand in order of rank, are left by top_p and min_p.
static size_t narrow(const float *e, size_t n, const lm_sampling *how) {
    uint64_t total = 0, better = 0;
    if (how->top_p < 1) {
        size_t kept = 0;
        for (size_t i = 0; i < n; i++)
            total += mass_of(e[i]);
        for (uint64_t target = target_of(how->top_p, (double)total); kept < n && better < target;)
            better += mass_of(e[kept++]);
        n = kept;
    }
    float least = how->min_p * e[0];
    while (n > 1 && e[n - 1] < least)
        n--;
    return n;
}

// The same for a whole vocabulary, without sorting it: the probability of the last rank that stays
// is found by its bits, ten at a time, from how much mass has each value of them. Those equal to it
// that rank behind are set to 0.
enum { DIGIT = 10, DIGITS = 1 << DIGIT };

static uint32_t bits_of(float e) {
    uint32_t u;
    memcpy(&u, &e, sizeof u);
    return u;
}

// Masses of those whose bits begin with `prefix`, by their next ten.
static void weigh(uint64_t by_digit[DIGITS], const float *e, size_t n, uint32_t prefix, int shift) {
    memset(by_digit, 0, DIGITS * sizeof *by_digit);
    for (size_t i = 0; i < n; i++) {
        uint32_t u = bits_of(e[i]) >> shift;
        if (u >> DIGIT == prefix) by_digit[u & (DIGITS - 1)] += mass_of(e[i]);
    }
}

static float nucleus(float *e, size_t n, float top_p, float sum) {
    uint64_t by_digit[DIGITS], target = target_of(top_p, (double)sum * 0x1p40), better = 0;
    uint32_t prefix = 0;
    for (int shift = 2 * DIGIT; shift >= 0; shift -= DIGIT) {
        weigh(by_digit, e, n, prefix, shift);
        int32_t d = DIGITS - 1;
        while (d >= 0 && better + by_digit[d] < target)
            better += by_digit[d--];
        if (d < 0) return 0;  // all of them together do not reach it
        prefix = prefix << DIGIT | (uint32_t)d;
    }
    float last;
    memcpy(&last, &prefix, sizeof last);
    for (size_t i = 0; i < n; i++) {
        if (e[i] != last) continue;
        if (better >= target) e[i] = 0;
        better += mass_of(last);
    }
    return last;
}

// --- The draw ------------------------------------------------------------------------------------

// A row, and how it is drawn from. `may`: a mask of ids, or NULL.
typedef struct draw {
    const lm_sampling *how;
    lm_noise *noise;
    const uint32_t *may;
    lm_row r;
} draw;

static bool may_come(const draw *d, size_t id) {
    return !d->may || d->may[id / 32] >> (id % 32) & 1;
}

// What may not come gets `value`.
static void forbid(const draw *d, float value) {
    for (size_t at = 0; d->may && at < d->r.n_ids; at += 32) {
        uint32_t may = d->may[at / 32];
        for (size_t i = at; may != UINT32_MAX && i < min_size(at + 32, d->r.n_ids); i++, may >>= 1)
            if (!(may & 1)) d->r.logits[i] = value;
    }
}

static int32_t draw_best(const draw *d) {
    uint64_t pool[POOL + BLOCK];
    forbid(d, -INFINITY);
    size_t n = take_best(pool, 1, d->r.logits, d->r.n_ids);
    return n && !isnan(d->r.k->exp_sum(d->r.logits, d->r.padded)) ? key_id(pool[0]) : -1;
}

static int32_t draw_ranked(const draw *d) {
    uint64_t pool[POOL + BLOCK];
    float p[LM_TOP_K_MAX];
    size_t want = min_size((size_t)d->how->top_k, d->r.n_ids);
    size_t n = take_best(pool, want, d->r.logits, d->r.n_ids);
    float sum = d->r.k->exp_sum(d->r.logits, d->r.padded);
    if (n == 0 || isnan(sum)) return -1;
    for (size_t i = 0; i < n; i++)
        p[i] = d->r.logits[key_id(pool[i])];
    n = narrow(p, n, d->how);
    for (size_t i = 0; i < want; i++)
        if (i >= n || !may_come(d, (size_t)key_id(pool[i]))) p[i] = -1;
    size_t winner = lm__noise_race(d->noise, p, want, 0, sum);
    return winner < n ? key_id(pool[winner]) : -1;
}

// e^-86 is what exp_sum makes of all that is further below the best, -INFINITY too: none of those.
static const float NEVER = 1e-37F;

static int32_t draw_any(const draw *d) {
    for (size_t i = d->r.n_ids; i < d->r.padded; i++)
        d->r.logits[i] = -INFINITY;
    float sum = d->r.k->exp_sum(d->r.logits, d->r.padded), least = NEVER;
    if (isnan(sum)) return -1;
    if (d->how->top_p < 1)
        least = fmaxf(least, nucleus(d->r.logits, d->r.n_ids, d->how->top_p, sum));
    least = fmaxf(least, d->how->min_p);  // the best one's is 1
    forbid(d, -1);
    size_t winner = lm__noise_race(d->noise, d->r.logits, d->r.n_ids, least, sum);
    return winner < d->r.n_ids ? (int32_t)winner : -1;
}

static void divide(float *x, size_t n, float by) {
    float4 v, d = {by, by, by, by};
    for (size_t i = 0; i < n; i += 4) {
        memcpy(&v, x + i, sizeof v);
        v /= d;
        memcpy(x + i, &v, sizeof v);
    }
}

// Penalties, bias and temperature. False: no memory.
static bool prepare(const lm_row *r, const lm_sampling *how) {
    if (has_penalties(how) && !penalise(r->logits, how, r->ids, r->n_prompt, r->n)) return false;
    add_biases(r->logits, how);
    if (how->temperature != 0 && how->temperature != 1)
        divide(r->logits, r->padded, how->temperature);
    return true;
}

static int32_t draw_id(const draw *d) {
    if (!prepare(&d->r, d->how)) return -1;
    return d->how->temperature == 0 ? draw_best(d) : d->how->top_k ? draw_ranked(d) : draw_any(d);
}

int32_t lm__sample(lm_sampler *s, const lm_row *row) {
    return draw_id(&(draw){&s->how, &s->noise, NULL, *row});
}

// Forbidden before the cuts, where the first try forbids after them.
static int32_t draw_masked(const draw *d) {
    forbid(d, -INFINITY);
    return draw_id(&(draw){d->how, d->noise, NULL, d->r});
}

int32_t lm__sample_again(lm_sampler *s, const uint32_t *may, const float *before,
                         const lm_row *row) {
    draw d = {&s->how, &s->again, may, *row};
    memcpy(row->logits, before, row->padded * sizeof *before);
    int32_t id = draw_id(&d);
    if (id >= 0 || s->how.temperature == 0) return id;
    memcpy(row->logits, before, row->padded * sizeof *before);
    return draw_masked(&d);
}

// --- Log-probabilities ---------------------------------------------------------------------------

// log of the sum of e^x, by parts whose sums are scaled to the largest so far.
static double log_sum_exp(const float *x, size_t n, const kern *k) {
    uint64_t pool[POOL + BLOCK];
    _Alignas(KERN_ALIGN) float part[1024];
    double top = (double)-INFINITY, sum = 0;
    for (size_t at = 0, m; at < n; at += m) {
        m = min_size(countof(part), n - at);
        if (!take_best(pool, 1, x + at, m)) continue;
        double part_top = (double)key_logit(pool[0]), new_top = fmax(top, part_top);
        memcpy(part, x + at, m * sizeof *part);
        sum = sum * exp(top - new_top) + (double)k->exp_sum(part, m) * exp(part_top - new_top);
        top = new_top;
    }
    return top + log(sum);
}

void lm__logprobs(lm_logprob *out, size_t n_best, int32_t drawn, const float *logits, size_t padded,
                  size_t n_ids, const kern *k) {
    uint64_t pool[POOL + BLOCK];
    double all = log_sum_exp(logits, padded, k);
    size_t n = n_best ? take_best(pool, n_best, logits, n_ids) : 0;
    out[0] = (lm_logprob){drawn, (float)((double)logits[drawn] - all)};
    for (size_t i = 0; i < n_best; i++)
        out[1 + i] = i < n
                         ? (lm_logprob){key_id(pool[i]), (float)((double)key_logit(pool[i]) - all)}
                         : (lm_logprob){-1, -INFINITY};
}
