// Every kernel set must give the scalar oracle's bits, and the oracle must be near the exact value.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tensor/kern.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static uint64_t rng_state = 1;

static float uniform(void) {  // [-1, 1)
    rng_state = rng_state * 6364136223846793005U + 1442695040888963407U;
    return (float)(rng_state >> 40) * 0x1p-23F - 1;
}

static float *numbers(size_t n) {
    float *p = aligned_alloc(KERN_ALIGN, align_up(max_size(n, 1) * sizeof *p, KERN_ALIGN));
    for (size_t i = 0; i < n; i++)
        p[i] = uniform();
    return p;
}

static void assert_same_bits(const float *a, const float *b, size_t n) {
    assert_memory_equal(a, b, n * sizeof *a);
}

// --- Matrix products ---------------------------------------------------------------------------

typedef struct problem {
    size_t n, k, rows, ldx, ldy;
    float *w, *x, *y0, *panels, *bias;
    kern_mat mat;
} problem;

static problem problem_new(size_t n, size_t k, size_t rows) {
    problem p = {.n = n, .k = k, .rows = rows, .ldx = k + 3, .ldy = n + 5};
    size_t padded = kern_panels(n) * KERN_PANEL;
    p.w = numbers(n * k);
    p.x = numbers(rows * p.ldx);
    p.y0 = numbers(rows * p.ldy);
    p.bias = numbers(padded);
    p.panels = numbers(padded * k);
    tensor t = {TENSOR_F32, 2, {(int64_t)n, (int64_t)k}, p.w};
    for (size_t i = 0; i < kern_panels(n); i++)
        kern_pack(p.panels, KERN_F32, i, &t, false);
    p.mat = (kern_mat){KERN_F32, p.panels, p.bias, n, k};
    return p;
}

static void problem_free(problem *p) {
    float *all[] = {p->w, p->x, p->y0, p->panels, p->bias};
    for (size_t i = 0; i < countof(all); i++)
        free(all[i]);
}

static float *product(const problem *p, const kern *k, kern_store how) {
    float *y = numbers(p->rows * p->ldy);
    memcpy(y, p->y0, p->rows * p->ldy * sizeof *y);
    kern_rows x = {.x = p->x, .ld = p->ldx};
    k->matmul(y, p->ldy, &x, p->rows, &p->mat, 0, kern_panels(p->n), how);
    return y;
}

static double gelu(double x) {
    return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

static double exact(const problem *p, size_t r, size_t i, kern_store how) {
    double sum = (double)p->bias[i];
    for (size_t j = 0; j < p->k; j++)
        sum += (double)p->x[r * p->ldx + j] * (double)p->w[i * p->k + j];
    if (how == KERN_ADD) return (double)p->y0[r * p->ldy + i] + sum;
    return how == KERN_GELU ? gelu(sum) : sum;
}

static void check_exact(const problem *p, const float *y, kern_store how) {
    double bound = 4e-7 * (2 + sqrt((double)p->k) * 2);
    for (size_t r = 0; r < p->rows; r++) {
        for (size_t i = 0; i < p->n; i++)
            assert_true(fabs((double)y[r * p->ldy + i] - exact(p, r, i, how)) < bound);
        for (size_t i = p->n; i < p->ldy; i++)  // beyond the columns nothing is written
            assert_true(y[r * p->ldy + i] == p->y0[r * p->ldy + i]);
    }
}

static void check_product(size_t n, size_t k, size_t rows) {
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    problem p = problem_new(n, k, rows);
    for (int how = KERN_SET; how <= KERN_GELU; how++) {
        float *want = product(&p, all[kerns - 1], (kern_store)how);
        check_exact(&p, want, (kern_store)how);
        for (size_t i = 0; i + 1 < kerns; i++) {
            float *y = product(&p, all[i], (kern_store)how);
            assert_same_bits(want, y, p.rows * p.ldy);
            free(y);
        }
        free(want);
    }
    problem_free(&p);
}

static void products_of_odd_shapes(void **state) {
    (void)state;
    static const size_t ns[] = {1, 15, 31, 32, 33, 70}, rows[] = {1, 2, 3, 5, 13};
    for (size_t k = 1; k <= 70; k++)
        check_product(ns[k % countof(ns)], k, rows[k % countof(rows)]);
    static const size_t long_ks[] = {255, 256, 257, 600};
    for (size_t i = 0; i < countof(long_ks); i++)
        check_product(40, long_ks[i], 27);
}

static void rows_do_not_see_each_other(void **state) {
    (void)state;
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    problem p = problem_new(96, 300, KERN_ROWS_MAX);
    for (size_t i = 0; i < kerns; i++) {
        float *together = product(&p, all[i], KERN_SET);
        for (size_t r = 0; r < p.rows; r++) {
            float alone[96];
            for (size_t at = 0; at < 3; at++)  // and panel by panel
                all[i]->matmul(alone, 96, &(kern_rows){.x = p.x + r * p.ldx, .ld = p.ldx}, 1,
                               &p.mat, at, at + 1, KERN_SET);
            assert_same_bits(together + r * p.ldy, alone, p.n);
        }
        free(together);
    }
    problem_free(&p);
}

static void packing_keeps_rows(void **state) {
    (void)state;
    problem p = problem_new(45, 530, 1);
    float row[530];
    for (size_t i = 0; i < p.n; i++) {
        kern_unpack_row(row, &p.mat, i);
        assert_same_bits(row, p.w + i * p.k, p.k);
    }
    for (size_t i = 0; i < p.k; i++)  // the last panel's missing rows
        for (size_t r = 45; r < 64; r++)
            assert_true(p.panels[(p.k + i) * KERN_PANEL + r - KERN_PANEL] == 0);
    problem_free(&p);
    static const uint16_t half[2 * 3] = {0x3c00, 0xc000, 0x3555, 0x7bff, 0x0001, 0x8000};
    tensor t = {TENSOR_F16, 2, {2, 3}, half};
    float panels[3 * KERN_PANEL];
    kern_pack(panels, KERN_F32, 0, &t, false);
    assert_true(panels[0] == 1 && panels[KERN_PANEL] == -2 && panels[1] == 65504);
}

// --- Vectors -----------------------------------------------------------------------------------

static void norms(void **state) {
    (void)state;
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    for (size_t n = KERN_LANES; n <= 1600; n += 16 * 11) {
        float *x = numbers(n), *gain = numbers(n), *bias = numbers(n), *want = numbers(n);
        all[kerns - 1]->layernorm(want, x, gain, bias, n);
        double mean = 0, var = 0;
        for (size_t i = 0; i < n; i++)
            mean += (double)x[i] / (double)n;
        for (size_t i = 0; i < n; i++)
            var += pow((double)x[i] - mean, 2) / (double)n;
        for (size_t i = 0; i < n; i++) {
            double y = ((double)x[i] - mean) / sqrt(var + 1e-5) * (double)gain[i] + (double)bias[i];
            assert_true(fabs(y - (double)want[i]) < 2e-6);
        }
        for (size_t i = 0; i + 1 < kerns; i++) {
            float *y = numbers(n);
            all[i]->layernorm(y, x, gain, bias, n);
            assert_same_bits(want, y, n);
            free(y);
        }
        free(x), free(gain), free(bias), free(want);
    }
}

static void exponentials(void **state) {
    (void)state;
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    enum { N = 4096 };
    float x[N], want[N], y[N];
    for (size_t i = 0; i < N; i++)
        x[i] = (float)i * (-86.0F / N);
    memcpy(want, x, sizeof x);
    float sum = all[kerns - 1]->exp_sum(want, N);
    double exact_sum = 0;
    for (size_t i = 0; i < N; i++) {
        double e = exp((double)x[i]);
        exact_sum += e;
        assert_true(fabs((double)want[i] - e) <= 3e-7 * e);
    }
    assert_true(fabs((double)sum / exact_sum - 1) < 1e-6);
    for (size_t i = 0; i + 1 < kerns; i++) {
        memcpy(y, x, sizeof x);
        assert_true(all[i]->exp_sum(y, N) == sum);
        assert_same_bits(want, y, N);
    }
}

static void nan_is_not_hidden(void **state) {
    (void)state;
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    for (size_t i = 0; i < kerns; i++) {
        float p[KERN_LANES] = {1, 2, NAN, 3};
        assert_true(isnan(all[i]->exp_sum(p, KERN_LANES)));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_of_odd_shapes), cmocka_unit_test(rows_do_not_see_each_other),
        cmocka_unit_test(packing_keeps_rows),     cmocka_unit_test(norms),
        cmocka_unit_test(exponentials),           cmocka_unit_test(nan_is_not_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
