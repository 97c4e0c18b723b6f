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

// Output `i` of row `r` as panels and the q side have it, and how large its terms are.
static double exact(const problem *p, const float *w, size_t r, size_t i, double *size) {
    double sum = p->mat.bias ? (double)p->bias[i] : 0;
    *size = fabs(sum);
    for (size_t j = 0; j < p->k && i < p->n; j++) {
        float scale = p->x.scale[(r * p->x.ld_q + j) / KERN_GROUP];
        double term = (double)p->x.q[r * p->x.ld_q + j] * (double)scale * (double)w[i * p->k + j];
        sum += term;
        *size += fabs(term);
    }
    return sum;
}

// Beyond the columns nothing is written.
static void check_exact(const problem *p, const float *y, kern_store how) {
    float *w = memory(p->n * p->k * sizeof *w);
    size_t columns = columns_of(how, p->n);
    for (size_t i = 0; i < p->n; i++)
        kern_unpack_row(w + i * p->k, &p->mat, i);
    for (size_t r = 0; r < p->rows; r++) {
        const float *of = y + r * p->ldy, *old = p->y0 + r * p->ldy;
        for (size_t i = 0; i < columns; i++) {
            double size, size_up, sum = exact(p, w, r, sum_of(how, i), &size);
            double up = exact(p, w, r, up_of(how, i), &size_up);
            double want = stored(how, sum, up, (double)old[i]);
            double bound = 4e-7 * (2 + size + fabs((double)old[i]));
            if (how >= KERN_SWIGLU) bound *= 2 * (2 + size_up);
            assert_true(fabs((double)of[i] - want) < bound);
        }
        assert_memory_equal(of + columns, old + columns, (p->ldy - columns) * sizeof *y);
    }
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
    for (int t = KERN_INT8; t < KERN_TYPES; t++) {
        problem p = problem_new(n, k, rows, (kern_type)t);
        if (n % 2) p.mat.bias = NULL;
        check_sets(&p, how);
        problem_free(&p);
    }
}

static void sets_agree_on_odd_shapes(void **state) {
    (void)state;
    for (size_t n = 1; n <= 70; n++)
        check_shape(n, 1 + n * 37 % 300, 1 + n % 27, (kern_store)(n % STORES));
    static const size_t ks[] = {1, 3, 63, 64, 65, 127, 128, 129, 1023, 1024, 1025, 2100};
    for (size_t i = 0; i < countof(ks); i++)
        check_shape(33, ks[i], 1 + i, (kern_store)(i % STORES));
    check_shape(40, 200, KERN_ROWS_MAX, KERN_ADD);
    for (size_t rows = 11; rows <= 50; rows += 3)  // blocks of rows that overlap, long runs
        check_shape(33, 500 + rows * 17, rows, (kern_store)(rows % STORES));
}

static void rows_and_tasks_do_not_change_bits(void **state) {
    (void)state;
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    for (int t = KERN_INT8; t < KERN_TYPES; t++) {
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
    for (int t = KERN_INT8; t < KERN_TYPES; t++)
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
    for (int t = KERN_INT8; t < KERN_TYPES; t++) {
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
        for (int how = KERN_SET; how <= KERN_GELU_ERF; how++) {
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
    for (int t = KERN_INT8; t < KERN_TYPES; t++)
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
    static const double bound[KERN_TYPES] = {
        [KERN_INT8] = 0.007, [KERN_INT4] = 0.075,  [KERN_Q8_0] = 0.006,
        [KERN_Q4_0] = 0.09,  [KERN_MXFP4] = 0.125,
    };
    for (int t = KERN_INT8; t < KERN_TYPES; t++) {
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
    for (int t = KERN_INT8; t < KERN_TYPES; t++) {
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

// --- Blocks of files ---------------------------------------------------------------------------

typedef struct blocks {
    kern_type t;
    tensor_dtype d;
    size_t n, k;
    uint8_t *data, *scales;
} blocks;

static const struct {
    kern_type t;
    tensor_dtype d;
} stored_as[] = {
    {KERN_Q8_0, TENSOR_Q8_0},
    {KERN_Q4_0, TENSOR_Q4_0},
    {KERN_MXFP4, TENSOR_MXFP4},
    {KERN_MXFP4, TENSOR_U8},
};

static uint8_t *any_bytes(size_t n) {
    uint8_t *p = memory(n);
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(uniform() * 128 + 128);
    return p;
}

// Any bytes; with `mild`, scales near 1.
static blocks blocks_new(size_t kind, size_t n, size_t k, bool mild) {
    blocks b = {.t = stored_as[kind].t, .d = stored_as[kind].d, .n = n, .k = k};
    size_t bytes = b.d == TENSOR_U8 ? 16 : tensor_block_bytes(b.d), count = n * k / 32;
    b.data = any_bytes(count * bytes);
    b.scales = any_bytes(count);
    for (size_t i = 0; i < count && mild; i++) {
        if (b.d == TENSOR_U8)
            b.scales[i] = (uint8_t)(120 + i % 9);
        else if (b.d == TENSOR_MXFP4)
            b.data[i * bytes] = (uint8_t)(120 + i % 9);
        else
            b.data[i * bytes + 1] = (uint8_t)(0x28 | (i & 0x83));
    }
    return b;
}

static tensor_row block_row(const blocks *b, size_t r) {
    size_t bytes = b->d == TENSOR_U8 ? 16 : tensor_block_bytes(b->d), at = r * b->k / 32;
    return (tensor_row){
        .dtype = b->d, .data = b->data + at * bytes, .scales = b->scales + at, .step = 1};
}

static kern_mat packed_blocks(const blocks *b) {
    size_t bytes = kern_panel_bytes(b->t, b->k);
    char *panels = memory(kern_panels(b->n) * bytes);
    for (size_t p = 0; p < kern_panels(b->n); p++) {
        tensor_row row[KERN_PANEL] = {0};
        for (size_t r = 0; r < min_size(KERN_PANEL, b->n - p * KERN_PANEL); r++)
            row[r] = block_row(b, p * KERN_PANEL + r);
        kern_pack(panels + p * bytes, b->t, row, b->k);
    }
    return (kern_mat){b->t, panels, NULL, b->n, b->k};
}

static void blocks_free(blocks *b, kern_mat *m) {
    free(b->data), free(b->scales), free((void *)m->panels);
}

static void assert_same_or_nan(const float *a, const float *b, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!isnan(a[i]) || !isnan(b[i])) assert_same_bits(a + i, b + i, 1);
}

static void blocks_are_moved(void **state) {
    (void)state;
    static const size_t sizes[][2] = {{1, 32}, {33, 96}, {40, 576}, {64, 2080}};
    for (size_t kind = 0; kind < countof(stored_as); kind++)
        for (size_t i = 0; i < 2 * countof(sizes); i++) {
            blocks b = blocks_new(kind, sizes[i / 2][0], sizes[i / 2][1], i % 2);
            kern_mat m = packed_blocks(&b);
            float *want = numbers(b.k), *have = numbers(b.k);
            for (size_t r = 0; r < b.n; r++) {
                tensor_row row = block_row(&b, r);
                tensor_row_to_f32(want, &row, b.k);
                kern_unpack_row(have, &m, r);
                assert_same_or_nan(want, have, b.k);
            }
            free(want), free(have);
            blocks_free(&b, &m);
        }
}

// The largest and smallest codes there are, in products of every set.
static void products_of_blocks(void **state) {
    (void)state;
    for (size_t kind = 0; kind < countof(stored_as); kind++)
        for (size_t rows = 1; rows <= 40; rows += 13) {
            blocks b = blocks_new(kind, 70, 32 * (1 + rows % 5), true);
            problem p = problem_new(b.n, b.k, rows, b.t);
            free(p.panels);
            p.mat = packed_blocks(&b);
            p.panels = (void *)p.mat.panels;
            check_sets(&p, KERN_SET);
            p.panels = NULL;
            blocks_free(&b, &p.mat);
            problem_free(&p);
        }
}

// What `add` changes, and blocks of another type, are values like any others.
static void other_blocks_are_rounded(void **state) {
    (void)state;
    blocks b = blocks_new(0, 1, 64, true);
    float want[64], have[64];
    for (int i = 0; i < 2; i++) {
        tensor_row row[KERN_PANEL] = {block_row(&b, 0)};
        row[0].add = i ? 3 : 0;
        kern_type t = i ? KERN_Q8_0 : KERN_INT8;
        kern_mat m = {t, memory(kern_panel_bytes(t, 64)), NULL, 1, 64};
        kern_pack((void *)m.panels, t, row, 64);
        kern_unpack_row(have, &m, 0);
        tensor_row_to_f32(want, row, 64);
        float top = 0;
        for (size_t j = 0; j < 64; j++)
            top = fmaxf(top, fabsf(want[j]));
        for (size_t j = 0; j < 64; j++)
            assert_true(fabsf(want[j] - have[j]) < top / 200);
        free((void *)m.panels);
    }
    free(b.data), free(b.scales);
}

// --- Rounding as ggml and OCP do ---------------------------------------------------------------

static float rounded(kern_type t, const float *x, size_t i) {
    float y[32];
    tensor_row row[KERN_PANEL] = {{.data = x, .step = 1}};
    kern_mat m = {t, memory(kern_panel_bytes(t, 32)), NULL, 1, 32};
    kern_pack((void *)m.panels, t, row, 32);
    kern_unpack_row(y, &m, 0);
    free((void *)m.panels);
    return y[i];
}

static void floats_are_rounded_as_others_do(void **state) {
    (void)state;
    static const struct {
        kern_type t;
        float top, x, y;  // the largest of 32, another one, and what becomes of it
    } cases[] = {
        {KERN_Q8_0, 127, 2.5F, 3},
        {KERN_Q8_0, -127, -2.5F, -3},
        {KERN_Q8_0, 127, 0.49F, 0},
        {KERN_Q4_0, -8, 3, 3},
        {KERN_Q4_0, -8, 7.9F, 7},
        {KERN_Q4_0, 8, -7.9F, -7},
        {KERN_Q4_0, -8, 2.5F, 3},
        {KERN_Q4_0, -8, -2.5F, -2},
        {KERN_MXFP4, 6, 0.25F, 0},
        {KERN_MXFP4, 6, 0.75F, 1},
        {KERN_MXFP4, 6, -1.25F, -1},
        {KERN_MXFP4, 6, 2.5F, 2},
        {KERN_MXFP4, 6, -3.5F, -4},
        {KERN_MXFP4, 6, 5, 4},
        {KERN_MXFP4, 7.9F, 7.9F, 6},
        {KERN_MXFP4, 8, 2.4F, 2},
        {KERN_MXFP4, 0x1p-140F, 0x1p-128F, 0x1p-128F},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        float x[32] = {0};
        x[3] = cases[i].x;
        x[9] = cases[i].top;
        assert_true(rounded(cases[i].t, x, 3) == cases[i].y);
    }
}

static void names_of_types(void **state) {
    (void)state;
    kern_type t = KERN_F32;
    for (int i = 0; i < KERN_TYPES; i++) {
        bool named = kern_type_named(&t, str_of(kern_type_name((kern_type)i)));
        assert_int_equal(named, i <= KERN_INT4);
        if (named) assert_int_equal(t, i);
    }
    assert_false(kern_type_named(&t, str_of("int5")));
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
        cmocka_unit_test(blocks_are_moved),
        cmocka_unit_test(products_of_blocks),
        cmocka_unit_test(other_blocks_are_rounded),
        cmocka_unit_test(floats_are_rounded_as_others_do),
        cmocka_unit_test(names_of_types),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
