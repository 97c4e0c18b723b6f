// Products with int8 and int4 weights: every kernel set gives the scalar oracle's bits, and the
// oracle is near the product of what was packed, in double.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "kern/kern.h"
#include "tests/kern/numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// --- A product ---------------------------------------------------------------------------------

typedef struct problem {
    size_t n, k, rows, ldy;
    float *w, *y0, *bias;
    void *panels;
    kern_mat mat;
    kern_rows x;
} problem;

static void *packed(const problem *p, kern_type t, tensor w, bool by_input) {
    char *panels = memory(kern_panels(p->n) * kern_panel_bytes(t, p->k));
    pack_matrix(panels, t, &w, by_input);
    return panels;
}

static tensor weights(const problem *p) {
    return (tensor){TENSOR_F32, 2, {(int64_t)p->n, (int64_t)p->k}, p->w};
}

static void problem_pack(problem *p, kern_type t) {
    free(p->panels);
    p->panels = packed(p, t, weights(p), false);
    p->mat = (kern_mat){t, p->panels, p->bias, p->n, p->k};
}

static problem problem_new(size_t n, size_t k, size_t rows, kern_type t) {
    problem p = {.n = n, .k = k, .rows = rows, .ldy = n + 5};
    p.w = numbers(n * k);
    p.y0 = numbers(rows * p.ldy);
    p.bias = numbers(kern_panels(n) * KERN_PANEL);
    p.x.ld = k + 3;
    p.x.ld_q = align_up(k, KERN_GROUP) + KERN_GROUP;
    p.x.x = numbers(rows * p.x.ld);
    p.x.q = memory(rows * p.x.ld_q);
    p.x.scale = memory(rows * p.x.ld_q / KERN_GROUP * sizeof(float));
    p.x.sum = memory(rows * p.x.ld_q / 32 * sizeof(int32_t));
    problem_pack(&p, t);
    return p;
}

static void problem_free(problem *p) {
    void *all[] = {p->w, p->y0, p->bias, p->panels, (float *)p->x.x, p->x.q, p->x.scale, p->x.sum};
    for (size_t i = 0; i < countof(all); i++)
        free(all[i]);
}

static void quantise(const problem *p, const kern *k) {
    memset(p->x.q, 0x55, p->rows * p->x.ld_q);
    for (size_t r = 0; r < p->rows; r++)
        k->quantise(&p->x, r, p->k);
}

static float *product(const problem *p, const kern *k, kern_store how) {
    float *y = memory(p->rows * p->ldy * sizeof *y);
    memcpy(y, p->y0, p->rows * p->ldy * sizeof *y);
    quantise(p, k);
    k->matmul(y, p->ldy, &p->x, p->rows, &p->mat, 0, kern_panels(p->n), how);
    return y;
}

static double gelu(double x) {
    return 0.5 * x * (1 + tanh(sqrt(2 / M_PI) * (x + 0.044715 * x * x * x)));
}

static double stored(double sum, double old, kern_store how) {
    return how == KERN_ADD ? old + sum : how == KERN_GELU ? gelu(sum) : sum;
}

// Against what the panels and the q side say, exact; beyond the columns nothing is written.
static void check_exact(const problem *p, const float *y, kern_store how) {
    float *w = memory(p->k * sizeof *w);
    for (size_t i = 0; i < p->n; i++) {
        kern_unpack_row(w, &p->mat, i);
        for (size_t r = 0; r < p->rows; r++) {
            double sum = p->mat.bias ? (double)p->bias[i] : 0, size = fabs(sum);
            for (size_t j = 0; j < p->k; j++) {
                float scale = p->x.scale[(r * p->x.ld_q + j) / KERN_GROUP];
                double term = (double)p->x.q[r * p->x.ld_q + j] * (double)scale * (double)w[j];
                sum += term;
                size += fabs(term);
            }
            double want = stored(sum, (double)p->y0[r * p->ldy + i], how);
            double bound = 4e-7 * (2 + size + fabs((double)p->y0[r * p->ldy + i]));
            assert_true(fabs((double)y[r * p->ldy + i] - want) < bound);
        }
    }
    for (size_t r = 0; r < p->rows; r++)
        assert_memory_equal(y + r * p->ldy + p->n, p->y0 + r * p->ldy + p->n,
                            (p->ldy - p->n) * sizeof *y);
    free(w);
}

static void check_sets(const problem *p, kern_store how) {
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    float *want = product(p, all[kerns - 1], how);
    check_exact(p, want, how);
    for (size_t i = 0; i + 1 < kerns; i++) {
        float *y = product(p, all[i], how);
        assert_memory_equal(want, y, p->rows * p->ldy * sizeof *y);
        free(y);
    }
    free(want);
}

static void check_shape(size_t n, size_t k, size_t rows, kern_store how) {
    for (int t = KERN_INT8; t <= KERN_INT4; t++) {
        problem p = problem_new(n, k, rows, (kern_type)t);
        if (n % 2) p.mat.bias = NULL;
        check_sets(&p, how);
        problem_free(&p);
    }
}

static void sets_agree_on_odd_shapes(void **state) {
    (void)state;
    for (size_t n = 1; n <= 70; n++)
        check_shape(n, 1 + n * 37 % 300, 1 + n % 27, (kern_store)(n % 3));
    static const size_t ks[] = {1, 3, 63, 64, 65, 127, 128, 129, 1023, 1024, 1025, 2100};
    for (size_t i = 0; i < countof(ks); i++)
        check_shape(33, ks[i], 1 + i, (kern_store)(i % 3));
    check_shape(40, 200, KERN_ROWS_MAX, KERN_ADD);
    for (size_t rows = 31; rows <= 50; rows += 3)  // blocks of rows that overlap, long runs
        check_shape(33, 500 + rows * 17, rows, (kern_store)(rows % 3));
}

static void rows_and_tasks_do_not_change_bits(void **state) {
    (void)state;
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    for (int t = KERN_INT8; t <= KERN_INT4; t++) {
        problem p = problem_new(70, 330, 40, (kern_type)t);
        for (size_t i = 0; i < kerns; i++) {
            float *y = product(&p, all[i], KERN_SET);
            for (size_t rows = 1; rows <= 21; rows += 5) {
                float few[21 * 70];
                for (size_t at = 0; at < 3; at++)
                    all[i]->matmul(few, 70, &p.x, rows, &p.mat, at, at + 1, KERN_SET);
                for (size_t r = 0; r < rows; r++)
                    assert_memory_equal(few + r * 70, y + r * p.ldy, 70 * sizeof *few);
            }
            free(y);
        }
        problem_free(&p);
    }
}

// --- Extremes ----------------------------------------------------------------------------------

// Sums as large as they can be: nothing saturates, nothing wraps.
static void largest_sums_are_exact(void **state) {
    (void)state;
    static const float ends[] = {-1, 1};
    for (int t = KERN_INT8; t <= KERN_INT4; t++)
        for (size_t i = 0; i < 4; i++) {
            problem p = problem_new(33, 256, 9, (kern_type)t);
            float w = ends[i % 2], a = ends[i / 2], *x = (float *)p.x.x;
            for (size_t j = 0; j < p.n * p.k; j++)
                p.w[j] = w;
            for (size_t j = 0; j < p.rows * p.x.ld; j++)
                x[j] = a;
            problem_pack(&p, (kern_type)t);
            p.mat.bias = NULL;
            check_sets(&p, KERN_SET);
            float *y = product(&p, kern_best(), KERN_SET);
            assert_true(fabsf(y[32] - 256 * w * a) < 1.0F);  // scales are rounded: bf16 0.2 %
            assert_int_equal(p.x.q[0], a > 0 ? 127 : -127);
            free(y);
            problem_free(&p);
        }
}

static void zero_rows_are_zero(void **state) {
    (void)state;
    for (int t = KERN_INT8; t <= KERN_INT4; t++) {
        problem p = problem_new(5, 100, 3, (kern_type)t);
        memset((float *)p.x.x + p.x.ld, 0, p.k * sizeof(float));
        memset(p.w + 2 * p.k, 0, p.k * sizeof(float));
        ((float *)p.x.x)[0] = 1e-42F;  // no reciprocal
        p.w[0] = -1e-42F;
        problem_pack(&p, (kern_type)t);
        p.mat.bias = NULL;
        check_sets(&p, KERN_SET);
        float *y = product(&p, kern_best(), KERN_SET);
        for (size_t i = 0; i < p.n; i++)
            assert_true(y[p.ldy + i] == 0);
        for (size_t r = 0; r < p.rows; r++)
            assert_true(y[r * p.ldy + 2] == 0);
        free(y);
        problem_free(&p);
    }
}

static void check_nan_out(const problem *p, bool by_weight) {
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    for (size_t s = 0; s < kerns; s++)
        for (int how = KERN_SET; how <= KERN_GELU; how++) {
            float *y = product(p, all[s], (kern_store)how);
            for (size_t r = 0; r < p->rows; r++)
                for (size_t i = 0; i < p->n; i++)
                    assert_int_equal(isnan(y[r * p->ldy + i]), by_weight ? i == 3 : r == 1);
            free(y);
        }
}

static void not_a_number_stays_one(void **state) {
    (void)state;
    static const float bad[] = {NAN, -NAN, INFINITY, -INFINITY};
    for (int t = KERN_INT8; t <= KERN_INT4; t++)
        for (size_t i = 0; i < countof(bad); i++) {
            problem p = problem_new(6, 90, 9, (kern_type)t);
            float *x = (float *)p.x.x, kept = x[p.x.ld + 70];
            x[p.x.ld + 70] = bad[i];
            check_nan_out(&p, false);
            x[p.x.ld + 70] = kept;
            p.w[3 * p.k + 80] = bad[i];
            problem_pack(&p, (kern_type)t);
            check_nan_out(&p, true);
            problem_free(&p);
        }
}

// --- Packing and rounding ----------------------------------------------------------------------

static void quantised_rows_are_near(void **state) {
    (void)state;
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    problem p = problem_new(1, 200, 5, KERN_INT8);
    for (size_t s = 0; s < kerns; s++) {
        quantise(&p, all[s]);
        for (size_t r = 0; r < p.rows; r++) {
            int sum = 0, last = 0;  // of 64 columns, of the last 32 of them
            for (size_t i = 0; i < align_up(p.k, KERN_GROUP); i++) {
                float scale = p.x.scale[(r * p.x.ld_q + i) / KERN_GROUP];
                int q = p.x.q[r * p.x.ld_q + i];
                float x = i < p.k ? p.x.x[r * p.x.ld + i] : 0;
                assert_true(q >= -127 && q <= 127);
                assert_true(fabsf((float)q * scale - x) <= 0.5001F * scale);
                sum = i % 64 ? sum + q : q;
                last = i % 32 ? last + q : q;
                const int32_t *start = &p.x.sum[(r * p.x.ld_q + i) / 64 * 2];
                if (i % 64 == 63) assert_int_equal(start[0], -128 * sum);
                if (i % 64 == 63) assert_int_equal(start[1], -128 * last);
            }
        }
    }
    problem_free(&p);
}

// Relative error of all weights.
static double packing_error(const problem *p) {
    float *row = memory(p->k * sizeof *row);
    double error = 0, size = 0;
    for (size_t i = 0; i < p->n; i++) {
        kern_unpack_row(row, &p->mat, i);
        for (size_t j = 0; j < p->k; j++) {
            error += pow((double)row[j] - (double)p->w[i * p->k + j], 2);
            size += pow((double)p->w[i * p->k + j], 2);
        }
    }
    free(row);
    return sqrt(error / size);
}

static void packing_is_near(void **state) {
    (void)state;
    static const double bound[KERN_TYPES] = {[KERN_INT8] = 0.007, [KERN_INT4] = 0.075};
    for (int t = KERN_INT8; t <= KERN_INT4; t++) {
        problem p = problem_new(64, 512, 1, (kern_type)t);
        for (size_t j = 0; j < p.n * p.k; j++)  // near a normal distribution
            p.w[j] = (uniform() + uniform() + uniform() + uniform()) * 0.01F;
        problem_pack(&p, (kern_type)t);
        assert_true(packing_error(&p) < bound[t]);
        problem_free(&p);
    }
}

static void packing_by_input_is_the_same(void **state) {
    (void)state;
    for (int t = KERN_INT8; t <= KERN_INT4; t++) {
        problem p = problem_new(45, 130, 1, (kern_type)t);
        float *turned = memory(p.n * p.k * sizeof *turned);
        for (size_t i = 0; i < p.n; i++)
            for (size_t j = 0; j < p.k; j++)
                turned[j * p.n + i] = p.w[i * p.k + j];
        tensor by_input = {TENSOR_F32, 2, {(int64_t)p.k, (int64_t)p.n}, turned};
        void *same = packed(&p, (kern_type)t, by_input, true);
        assert_memory_equal(same, p.panels, 2 * kern_panel_bytes((kern_type)t, p.k));
        free(same);
        free(turned);
        problem_free(&p);
    }
}

static void packing_reads_half_floats(void **state) {
    (void)state;
    static const uint16_t half[4] = {0x3c00, 0xc000, 0x3555, 0x0000};  // 1 -2 0.333 0
    tensor w = {TENSOR_F16, 2, {1, 4}, half};
    problem p = {.n = 1, .k = 4};
    float row[4];
    kern_mat m = {KERN_INT8, packed(&p, KERN_INT8, w, false), NULL, 1, 4};
    kern_unpack_row(row, &m, 0);
    assert_true(row[1] == -2 && row[3] == 0 && fabsf(row[0] - 1) < 0.01F);
    assert_true(fabsf(row[2] - 0.3333F) < 0.01F);
    free((void *)m.panels);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_agree_on_odd_shapes),
        cmocka_unit_test(rows_and_tasks_do_not_change_bits),
        cmocka_unit_test(largest_sums_are_exact),
        cmocka_unit_test(zero_rows_are_zero),
        cmocka_unit_test(not_a_number_stays_one),
        cmocka_unit_test(quantised_rows_are_near),
        cmocka_unit_test(packing_is_near),
        cmocka_unit_test(packing_by_input_is_the_same),
        cmocka_unit_test(packing_reads_half_floats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
