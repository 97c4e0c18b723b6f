// Attention of every kernel set must give the scalar oracle's bits, and the oracle must be near the
// exact value, whatever else is in the call and in the cache.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kern/kern_isa.h"
#include "tests/kern/numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// --- A head's keys and values ------------------------------------------------------------------

enum { N_MAX = 400, HEAD_MAX = 128, GAP = 5 };

// Keys and values of n positions, written to pages that lie backwards; what is beyond n is NaN.
typedef struct heads {
    size_t head, n;
    float *k, *v;
    uint32_t page[N_MAX / KERN_PAGE];
    kern_kv kv;
} heads;

static void put(heads *h, size_t t) {
    kern_kv_put(&h->kv, t, h->k + t * h->head, h->v + t * h->head, h->head);
}

static void heads_init(heads *h, size_t head, size_t n) {
    size_t pages = (n + KERN_PAGE - 1) / KERN_PAGE;
    *h = (heads){.head = head, .n = n, .k = numbers(n * head), .v = numbers(n * head)};
    h->kv = (kern_kv){.base = numbers(pages * 2 * KERN_PAGE * head),
                      .page = h->page,
                      .stride = kern_kv_floats(KERN_F32, head)};
    for (size_t i = 0; i < pages * h->kv.stride; i++)
        h->kv.base[i] = NAN;
    for (size_t i = 0; i < pages; i++)
        h->page[i] = (uint32_t)(pages - 1 - i);
    for (size_t t = 0; t < n; t++)
        put(h, t);
}

static void heads_done(heads *h) {
    free(h->k);
    free(h->v);
    free(h->kv.base);
}

// One query that sees all n positions.
static void attend_one(const kern *k, const heads *h, const float *q, float *out) {
    kern_attend a = {.q = q, .out = out, .rows = 1, .per = 1, .n = h->n, .head = h->head};
    k->attend(&a, &h->kv);
}

static void exact(double *out, const heads *h, const float *q) {
    double p[N_MAX], top = -(double)INFINITY, sum = 0;
    for (size_t t = 0; t < h->n; t++) {
        p[t] = 0;
        for (size_t i = 0; i < h->head; i++)
            p[t] += (double)q[i] * (double)h->k[t * h->head + i] / sqrt((double)h->head);
        top = fmax(top, p[t]);
    }
    for (size_t t = 0; t < h->n; t++)
        sum += p[t] = exp(p[t] - top);
    for (size_t i = 0; i < h->head; i++) {
        out[i] = 0;
        for (size_t t = 0; t < h->n; t++)
            out[i] += p[t] > 0 ? p[t] / sum * (double)h->v[t * h->head + i] : 0;
    }
}

static void assert_near(const heads *h, const float *q, const float *out, double bound) {
    double want[HEAD_MAX];
    exact(want, h, q);
    for (size_t i = 0; i < h->head; i++)
        assert_true(fabs(want[i] - (double)out[i]) < bound);
}

// The oracle's result, after every other set has been compared with it.
static void attend_all(const heads *h, const float *q, float *out) {
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    float other[HEAD_MAX];
    attend_one(all[kerns - 1], h, q, out);
    for (size_t i = 0; i + 1 < kerns; i++) {
        attend_one(all[i], h, q, other);
        assert_same_bits(out, other, h->head);
    }
}

// --- Values ------------------------------------------------------------------------------------

static void near_the_exact_value(void **state) {
    (void)state;
    static const size_t ns[] = {1, 15, 16, 17, 64, 65, 100, 129, 399};
    for (size_t i = 0; i < countof(ns); i++)
        for (size_t head = 16; head <= HEAD_MAX; head += 48) {
            heads h;
            float out[HEAD_MAX], *q = numbers(head);
            heads_init(&h, head, ns[i]);
            attend_all(&h, q, out);
            assert_near(&h, q, out, 2e-6);
            heads_done(&h);
            free(q);
        }
}

// Scores rise from page to page, so that every block scales down what was there; and fall.
static void scores_that_rise_and_fall(void **state) {
    (void)state;
    for (int sign = -1; sign <= 1; sign += 2) {
        heads h;
        float out[HEAD_MAX], *q = numbers(64);
        heads_init(&h, 64, 300);
        for (size_t t = 0; t < h.n; t++) {
            for (size_t i = 0; i < 64; i++)
                h.k[t * 64 + i] = q[i] * (float)sign * (float)t * 0.05F + uniform() * 0.5F;
            put(&h, t);
        }
        attend_all(&h, q, out);
        assert_near(&h, q, out, 1e-5);
        heads_done(&h);
        free(q);
    }
}

static void widest_head(void **state) {
    (void)state;
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    heads h;
    float *q = numbers(KERN_HEAD_MAX), *want = numbers(KERN_HEAD_MAX),
          *out = numbers(KERN_HEAD_MAX);
    heads_init(&h, KERN_HEAD_MAX, 2);
    attend_one(all[kerns - 1], &h, q, want);
    for (size_t i = 0; i < KERN_HEAD_MAX; i++) {
        float a = h.v[i], b = h.v[KERN_HEAD_MAX + i];
        assert_true(want[i] >= fminf(a, b) - 1e-6F && want[i] <= fmaxf(a, b) + 1e-6F);
    }
    for (size_t i = 0; i + 1 < kerns; i++) {
        attend_one(all[i], &h, q, out);
        assert_same_bits(want, out, KERN_HEAD_MAX);
    }
    heads_done(&h);
    free(q), free(want), free(out);
}

// --- Rows --------------------------------------------------------------------------------------

typedef struct crowd {
    heads h;
    size_t rows, per, n, ld_q, ld_out;
    float *q, *out;
} crowd;

// Rows of which the last sees all positions.
static void crowd_init(crowd *c, size_t head, size_t rows, size_t per, size_t before) {
    size_t tokens = (rows + per - 1) / per;
    *c = (crowd){.rows = rows, .per = per, .n = before + 1};
    c->ld_q = per * head + GAP;
    c->ld_out = per * head + 2 * GAP;
    heads_init(&c->h, head, before + tokens);
    c->q = numbers(tokens * c->ld_q);
    c->out = numbers(tokens * c->ld_out);
}

static void crowd_done(crowd *c) {
    heads_done(&c->h);
    free(c->q);
    free(c->out);
}

static void crowd_attend(const crowd *c, const kern *k) {
    kern_attend a = {.q = c->q,
                     .out = c->out,
                     .ld_q = c->ld_q,
                     .ld_out = c->ld_out,
                     .rows = c->rows,
                     .per = c->per,
                     .n = c->n,
                     .head = c->h.head};
    k->attend(&a, &c->h.kv);
}

static const float *crowd_row(const crowd *c, const float *base, size_t ld, size_t row) {
    return base + row / c->per * ld + row % c->per * c->h.head;
}

// Each row alone, by the oracle, has the bits that it has in the crowd.
static void assert_rows_alone(const crowd *c, size_t row0, size_t row1) {
    const kern *all[KERN_SETS_MAX];
    const kern *oracle = all[kern_all(all) - 1];
    for (size_t r = row0; r < row1; r++) {
        float alone[HEAD_MAX];
        kern_attend a = {.q = crowd_row(c, c->q, c->ld_q, r),
                         .out = alone,
                         .rows = 1,
                         .per = 1,
                         .n = c->n + r / c->per,
                         .head = c->h.head};
        oracle->attend(&a, &c->h.kv);
        assert_same_bits(alone, crowd_row(c, c->out, c->ld_out, r), c->h.head);
    }
}

static void check_crowd(size_t head, size_t rows, size_t per, size_t before) {
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    crowd c;
    crowd_init(&c, head, rows, per, before);
    size_t last = (rows - 1) / per * c.ld_out + ((rows - 1) % per + 1) * head;
    float *first = NULL, *out = c.out;
    for (size_t i = 0; i < kerns; i++) {
        c.out = numbers(last + 1);
        for (size_t j = 0; j <= last; j++)
            c.out[j] = 7;
        crowd_attend(&c, all[i]);
        assert_true(c.out[last] == 7);  // beyond the last row nothing is written
        if (first) {
            assert_same_bits(first, c.out, last);
            free(c.out);
        } else {
            assert_rows_alone(&c, 0, rows);
            first = c.out;
        }
    }
    free(first);
    c.out = out;
    crowd_done(&c);
}

static void rows_do_not_see_each_other(void **state) {
    (void)state;
    for (size_t rows = 1; rows <= 27; rows++)
        check_crowd(16, rows, 1, rows * 7);
    check_crowd(32, 128, 1, 0);
    check_crowd(80, 37, 1, 130);
}

static void heads_that_share_keys(void **state) {
    (void)state;
    for (size_t per = 2; per <= 8; per++) {
        check_crowd(16, per, per, 50 + per);         // a token
        check_crowd(48, 5 * per + 1, per, per * 9);  // a chunk, its last token not whole
    }
}

// What only later rows see is worth nothing to earlier ones, even if it is NaN.
static void later_positions_do_not_leak(void **state) {
    (void)state;
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    for (size_t i = 0; i < kerns; i++)
        for (size_t bad = 0; bad < 40; bad += 9) {
            crowd c;
            crowd_init(&c, 32, 40, 1, 50);
            for (size_t j = 0; j < 32; j++)
                c.h.k[(50 + bad) * 32 + j] = c.h.v[(50 + bad) * 32 + j] = NAN;
            put(&c.h, 50 + bad);
            crowd_attend(&c, all[i]);
            assert_rows_alone(&c, 0, bad);
            for (size_t r = 0; r < c.rows; r++)
                for (size_t j = 0; j < 32; j++)
                    assert_int_equal(!!isnan(c.out[r * c.ld_out + j]), r >= bad);
            crowd_done(&c);
        }
}

// --- Infinity and NaN --------------------------------------------------------------------------

// Positions [from, to) get keys whose score is `score`, for a query of ones.
static void set_scores(heads *h, size_t from, size_t to, float score) {
    for (size_t t = from; t < to; t++) {
        memset(h->k + t * h->head, 0, h->head * sizeof *h->k);
        h->k[t * h->head] = score;
        put(h, t);
    }
}

static void check_infinite(size_t from, size_t to, float score, bool nan) {
    heads h;
    float q[32], out[HEAD_MAX];
    for (size_t i = 0; i < 32; i++)
        q[i] = 1;
    heads_init(&h, 32, 150);
    set_scores(&h, from, to, score);
    if (!nan) {
        attend_all(&h, q, out);
        assert_near(&h, q, out, 2e-6);
    }
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    for (size_t i = 0; i < kerns && nan;
         i++) {  // of NaN only that it is one is the same everywhere
        attend_one(all[i], &h, q, out);
        for (size_t j = 0; j < 32; j++)
            assert_true(isnan(out[j]));
    }
    heads_done(&h);
}

static void infinite_scores(void **state) {
    (void)state;
    check_infinite(0, 1, -INFINITY, false);
    check_infinite(0, 64, -INFINITY, false);  // a whole block before there is a largest score
    check_infinite(0, 130, -INFINITY, false);
    check_infinite(20, 140, -INFINITY, false);
    check_infinite(64, 128, -INFINITY, false);
    check_infinite(149, 150, -INFINITY, false);
    check_infinite(0, 150, -INFINITY, true);  // 0 / 0
    check_infinite(70, 71, INFINITY, true);   // infinity / infinity
    check_infinite(0, 1, NAN, true);
    check_infinite(100, 101, NAN, true);
}

// No weight is smaller than none: what is far below the largest score takes no part.
static void weights_that_vanish(void **state) {
    (void)state;
    heads h;
    float q[16], out[HEAD_MAX];
    for (size_t i = 0; i < 16; i++)
        q[i] = 1;
    heads_init(&h, 16, 100);
    set_scores(&h, 0, 100, -1000);
    set_scores(&h, 40, 41, 0);
    for (size_t i = 0; i < 16; i++)
        h.v[3 * 16 + i] = 3e38F;
    put(&h, 3);
    attend_all(&h, q, out);
    assert_same_bits(out, h.v + 40 * 16, 16);
    heads_done(&h);
}

static void nan_of_a_value_stays_in_its_column(void **state) {
    (void)state;
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    heads h;
    float *q = numbers(64), out[HEAD_MAX];
    heads_init(&h, 64, 90);
    h.v[70 * 64 + 37] = NAN;
    put(&h, 70);
    for (size_t i = 0; i < kerns; i++) {
        attend_one(all[i], &h, q, out);
        for (size_t j = 0; j < 64; j++)
            assert_int_equal(!!isnan(out[j]), j == 37);
    }
    heads_done(&h);
    free(q);
}

// --- The same bits on every machine ------------------------------------------------------------

static uint64_t hash(uint64_t h, const float *p, size_t n) {
    for (size_t i = 0; i < n; i++) {
        uint32_t u;
        memcpy(&u, p + i, sizeof u);
        h = (h ^ u) * 1099511628211U;  // FNV-1a
    }
    return h;
}

// These numbers change when an order of operations does, and then on every machine at once.
static void bits_are_these_everywhere(void **state) {
    (void)state;
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    for (size_t i = 0; i < kerns; i++) {
        rng_state = 5;
        crowd c;
        crowd_init(&c, 64, 30, 2, 200);
        memset(c.out, 0, 15 * c.ld_out * sizeof *c.out);
        crowd_attend(&c, all[i]);
        assert_int_equal(hash(0, c.out, 15 * c.ld_out), 0x8cd6ee1b026cc25bU);
        float *x = numbers(3 * 784), *y = numbers(784);
        all[i]->layernorm(y, x, x + 784, x + 2 * 784, 1e-5F, 784);
        assert_int_equal(hash(0, y, 784), 0x55e2fbc22d7de157U);
        for (size_t j = 0; j < 784; j++)
            y[j] = x[j] * 90;
        float sum = all[i]->exp_sum(y, 784);
        assert_int_equal(hash(hash(0, y, 784), &sum, 1), 0xdd66b0a040e84074U);
        crowd_done(&c);
        free(x), free(y);
    }
}

// --- Windows, sinks, caps, scales --------------------------------------------------------------

typedef struct options {
    size_t window;
    float scale, softcap;
    bool sinks;
} options;

static const float sink_of[8] = {0.5F, -2, 3, 0, -INFINITY, 1, 9, -0.25F};

static kern_attend attend_of(const crowd *c, const options *o) {
    return (kern_attend){.q = c->q,
                         .out = c->out,
                         .ld_q = c->ld_q,
                         .ld_out = c->ld_out,
                         .rows = c->rows,
                         .per = c->per,
                         .n = c->n,
                         .head = c->h.head,
                         .window = o->window,
                         .scale = o->scale,
                         .softcap = o->softcap,
                         .sinks = o->sinks ? sink_of : NULL};
}

// Row `row` in double.
static void exact_row(double *out, const crowd *c, const options *o, size_t row) {
    size_t head = c->h.head, end = c->n + row / c->per;
    size_t begin = o->window && o->window < end ? end - o->window : 0;
    const float *q = crowd_row(c, c->q, c->ld_q, row);
    double sink = o->sinks ? (double)sink_of[row % c->per] : -(double)INFINITY;
    double p[N_MAX], top = sink, sum = 0;
    for (size_t t = begin; t < end; t++) {
        p[t] = 0;
        for (size_t i = 0; i < head; i++)
            p[t] += (double)q[i] * (double)c->h.k[t * head + i];
        p[t] *= o->scale != 0 ? (double)o->scale : 1 / sqrt((double)head);
        if (o->softcap != 0) p[t] = (double)o->softcap * tanh(p[t] / (double)o->softcap);
        top = fmax(top, p[t]);
    }
    for (size_t t = begin; t < end; t++)
        sum += p[t] = exp(p[t] - top);
    sum += exp(sink - top);
    for (size_t i = 0; i < head; i++) {
        out[i] = 0;
        for (size_t t = begin; t < end; t++)
            out[i] += p[t] / sum * (double)c->h.v[t * head + i];
    }
}

// Near the exact value, the same in every set, and a row alone has the bits that it has in the
// crowd; pages that no row sees are not there to be read.
static void check_options(size_t head, size_t rows, size_t per, size_t before, options o) {
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    crowd c;
    crowd_init(&c, head, rows, per, before);
    size_t seen = o.window ? c.n - min_size(o.window, c.n) : 0;
    for (size_t i = 0; i < seen / KERN_PAGE; i++)
        c.h.page[i] = UINT32_MAX;
    size_t all_out = (rows + per - 1) / per * c.ld_out;
    float *want = memory(all_out * sizeof *want), *alone = memory(all_out * sizeof *want);
    for (size_t i = kerns; i-- > 0;) {
        kern_attend a = attend_of(&c, &o);
        memset(c.out, 0, all_out * sizeof *want);
        all[i]->attend(&a, &c.h.kv);
        if (i + 1 == kerns) memcpy(want, c.out, all_out * sizeof *want);
        assert_same_bits(want, c.out, all_out);
    }
    for (size_t r = 0; r < rows; r++) {
        double exact_out[HEAD_MAX];
        exact_row(exact_out, &c, &o, r);
        const float *have = crowd_row(&c, want, c.ld_out, r);
        for (size_t i = 0; i < head; i++)
            assert_true(fabs(exact_out[i] - (double)have[i]) < 3e-6);
        kern_attend a = attend_of(&c, &o);
        a.q = crowd_row(&c, c.q, c.ld_q, r);
        a.out = alone;
        a.rows = a.per = 1;
        a.n = c.n + r / per;
        if (a.sinks) a.sinks += r % per;
        all[0]->attend(&a, &c.h.kv);
        assert_same_bits(alone, have, head);
    }
    free(want), free(alone);
    crowd_done(&c);
}

static void windows_begin_anywhere(void **state) {
    (void)state;
    for (size_t window = 1; window <= 140; window += window < 20 ? 1 : 17) {
        check_options(16, 1, 1, 150, (options){.window = window});
        check_options(16, 30, 1, 90 + window, (options){.window = window});
        check_options(32, 27, 3, window / 2, (options){.window = window});
        check_options(64, 6, 2, 200, (options){.window = window, .sinks = true});
    }
    check_options(16, 128, 1, 0, (options){.window = 5});
    check_options(16, 128, 1, 3, (options){.window = 64});
    check_options(16, 90, 8, 300, (options){.window = 128, .sinks = true});
}

static void sinks_take_their_share(void **state) {
    (void)state;
    for (size_t per = 1; per <= 8; per++) {
        check_options(64, per, per, 130, (options){.sinks = true});
        check_options(16, 5 * per + 1, per, per * 9, (options){.sinks = true});
    }
}

static void scores_are_capped_and_scaled(void **state) {
    (void)state;
    check_options(16, 20, 2, 100, (options){.softcap = 0.5F});
    check_options(32, 20, 2, 100, (options){.softcap = 2, .scale = 1, .window = 37});
    check_options(128, 9, 3, 60, (options){.scale = 0.0625F, .softcap = 50, .sinks = true});
    check_options(16, 13, 1, 0, (options){.scale = -2});
}

// --- Halves ------------------------------------------------------------------------------------

static float half_of(float x) {
    uint16_t h = kern__f16_of(x);
    tensor_to_f32(&x, &(tensor){TENSOR_F16, 1, {1}, &h});
    return x;
}

// Pages of f16 are pages of f32 that hold the same numbers, bit for bit; no more is read of them.
static void check_halves(size_t head, size_t rows, size_t per, size_t before, options o) {
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    crowd c;
    crowd_init(&c, head, rows, per, before);
    heads h = c.h;
    size_t pages = (h.n + KERN_PAGE - 1) / KERN_PAGE, all_out = (rows + per - 1) / per * c.ld_out;
    h.kv.type = KERN_F16;
    h.kv.stride = kern_kv_floats(KERN_F16, head);
    h.kv.base = memory(pages * h.kv.stride * sizeof *h.kv.base);
    memset(h.kv.base, 0xFF, pages * h.kv.stride * sizeof *h.kv.base);  // NaN
    for (size_t t = 0; t < h.n; t++)
        put(&h, t);
    for (size_t i = 0; i < h.n * head; i++) {
        h.k[i] = half_of(h.k[i]);
        h.v[i] = half_of(h.v[i]);
    }
    for (size_t t = 0; t < h.n; t++)
        put(&c.h, t);
    float *want = memory(all_out * sizeof *want);
    for (size_t i = 0; i < kerns; i++) {
        kern_attend a = attend_of(&c, &o);
        memset(c.out, 0, all_out * sizeof *want);
        all[i]->attend(&a, &c.h.kv);
        memcpy(want, c.out, all_out * sizeof *want);
        memset(c.out, 0, all_out * sizeof *want);
        all[i]->attend(&a, &h.kv);
        assert_same_bits(want, c.out, all_out);
    }
    free(want);
    free(h.kv.base);
    crowd_done(&c);
}

static void halves_give_the_bits_of_floats(void **state) {
    (void)state;
    for (size_t rows = 1; rows <= 27; rows++)
        check_halves(16, rows, 1 + rows % 4, rows * 11, (options){0});
    check_halves(64, 3, 3, 390, (options){.sinks = true});
    check_halves(80, 40, 8, 130, (options){.window = 33, .softcap = 3});
    check_halves(128, 2, 2, 63, (options){0});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(near_the_exact_value),
        cmocka_unit_test(scores_that_rise_and_fall),
        cmocka_unit_test(widest_head),
        cmocka_unit_test(rows_do_not_see_each_other),
        cmocka_unit_test(heads_that_share_keys),
        cmocka_unit_test(later_positions_do_not_leak),
        cmocka_unit_test(infinite_scores),
        cmocka_unit_test(weights_that_vanish),
        cmocka_unit_test(nan_of_a_value_stays_in_its_column),
        cmocka_unit_test(windows_begin_anywhere),
        cmocka_unit_test(sinks_take_their_share),
        cmocka_unit_test(scores_are_capped_and_scaled),
        cmocka_unit_test(halves_give_the_bits_of_floats),
        cmocka_unit_test(bits_are_these_everywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
