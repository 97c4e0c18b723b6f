// Every kernel set must give the scalar oracle's bits, and the oracle must be near the exact value.

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

// --- Matrix products ---------------------------------------------------------------------------

static const kern_type float_types[] = {KERN_F32, KERN_BF16, KERN_F16};

static void *panels_of(kern_type t, const tensor *w, bool by_input) {
    size_t n = (size_t)w->dim[by_input], k = (size_t)w->dim[!by_input];
    size_t bytes = kern_panels(n) * kern_panel_bytes(t, k);
    char *panels = aligned_alloc(KERN_ALIGN, align_up(bytes, KERN_ALIGN));
    memset(panels, 0xff, bytes);  // NaN: whatever packing leaves out shows
    pack_matrix(panels, t, w, by_input);
    return panels;
}

typedef struct problem {
    size_t n, k, rows, ldx, ldy;
    float *w, *x, *y0, *bias;  // w: the values that the panels hold
    void *panels;
    kern_mat mat;
} problem;

static problem problem_new(kern_type type, size_t n, size_t k, size_t rows) {
    problem p = {.n = n, .k = k, .rows = rows, .ldx = k + 3, .ldy = n + 5};
    size_t padded = kern_panels(n) * KERN_PANEL;
    p.w = numbers(n * k);
    p.x = numbers(rows * p.ldx);
    p.y0 = numbers(rows * p.ldy);
    p.bias = numbers(padded);
    tensor t = {TENSOR_F32, 2, {(int64_t)n, (int64_t)k}, p.w};
    p.panels = panels_of(type, &t, false);
    p.mat = (kern_mat){type, p.panels, p.bias, n, k};
    for (size_t i = 0; i < n; i++)
        kern_unpack_row(p.w + i * k, &p.mat, i);
    return p;
}

static void problem_free(problem *p) {
    float *all[] = {p->w, p->x, p->y0, p->bias};
    for (size_t i = 0; i < countof(all); i++)
        free(all[i]);
    free(p->panels);
}

static float *product_by(const problem *p, const kern_mat *mat, const kern *k, kern_store how) {
    float *y = numbers(p->rows * p->ldy);
    memcpy(y, p->y0, p->rows * p->ldy * sizeof *y);
    kern_rows x = {.x = p->x, .ld = p->ldx};
    k->matmul(y, p->ldy, &x, p->rows, mat, 0, kern_panels(p->n), how);
    return y;
}

static float *product(const problem *p, const kern *k, kern_store how) {
    return product_by(p, &p->mat, k, how);
}

// All sums of a row: of missing rows of weights there is the bias.
static void exact(double *sum, const problem *p, size_t r) {
    for (size_t i = 0; i < kern_panels(p->n) * KERN_PANEL; i++) {
        sum[i] = (double)p->bias[i];
        for (size_t j = 0; j < p->k && i < p->n; j++)
            sum[i] += (double)p->x[r * p->ldx + j] * (double)p->w[i * p->k + j];
    }
}

static void check_exact(const problem *p, const float *y, kern_store how) {
    double bound = 8e-7 * (2 + sqrt((double)p->k) * 2);
    size_t columns = columns_of(how, p->n);
    for (size_t r = 0; r < p->rows; r++) {
        double sums[4 * KERN_PANEL];
        exact(sums, p, r);
        for (size_t i = 0; i < columns; i++) {
            double sum = sums[sum_of(how, i)], up = sums[up_of(how, i)];
            double want = stored(how, sum, up, (double)p->y0[r * p->ldy + i]);
            double slope = how < KERN_SWIGLU ? 1 : 3 + fabs(sum) + fabs(up);
            assert_true(fabs((double)y[r * p->ldy + i] - want) < bound * slope);
        }
        for (size_t i = columns; i < p->ldy; i++)  // beyond the columns nothing is written
            assert_true(y[r * p->ldy + i] == p->y0[r * p->ldy + i]);
    }
}

static void check_store(const problem *p, kern_store how) {
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    float *want = product(p, all[kerns - 1], how);
    check_exact(p, want, how);
    for (size_t i = 0; i + 1 < kerns; i++) {
        float *y = product(p, all[i], how);
        assert_same_bits(want, y, p->rows * p->ldy);
        free(y);
    }
    free(want);
}

// One store of each shape, another in the next.
static void check_product(kern_type t, size_t n, size_t k, size_t rows) {
    static int how;
    problem p = problem_new(t, n, k, rows);
    how = (how + 1) % STORES;
    check_store(&p, (kern_store)how);
    problem_free(&p);
}

static void products_of_odd_shapes(void **state) {
    (void)state;
    static const size_t ns[] = {1, 15, 31, 32, 33, 70}, rows[] = {1, 2, 3, 5, 13};
    static const size_t long_ks[] = {255, 256, 257, 600};
    for (size_t i = 0; i < countof(float_types); i++) {
        for (size_t k = 1; k <= 70; k++)
            check_product(float_types[i], ns[k % countof(ns)], k, rows[k % countof(rows)]);
        for (size_t j = 0; j < countof(long_ks); j++)
            check_product(float_types[i], 40, long_ks[j], 27);
    }
}

static void products_of_any_number_of_rows(void **state) {
    (void)state;
    for (size_t i = 0; i < countof(float_types); i++)
        for (size_t rows = 1; rows <= 34; rows += i ? 3 : 1)
            check_product(float_types[i], 33, 261, rows);
}

static void rows_do_not_see_each_other(void **state) {
    (void)state;
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    for (size_t t = 0; t < countof(float_types); t++) {
        problem p = problem_new(float_types[t], 96, 300, KERN_ROWS_MAX);
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
}

// Widening is exact: a bf16 or f16 matrix is the f32 matrix of its values, bit for bit.
static void halves_give_the_bits_of_f32(void **state) {
    (void)state;
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    static const size_t rows[] = {1, 2, 3, 8, 12, 16, 31};
    for (size_t t = 1; t < countof(float_types); t++)
        for (size_t i = 0; i < countof(rows); i++) {
            problem p = problem_new(float_types[t], 64, 389, rows[i]);
            tensor wide = {TENSOR_F32, 2, {64, 389}, p.w};
            kern_mat f32 = {KERN_F32, panels_of(KERN_F32, &wide, false), p.bias, p.n, p.k};
            for (size_t j = 0; j < kerns; j++) {
                float *want = product_by(&p, &f32, all[j], KERN_SET);
                float *y = product(&p, all[j], KERN_SET);
                assert_same_bits(want, y, p.rows * p.ldy);
                free(want), free(y);
            }
            free((void *)f32.panels);
            problem_free(&p);
        }
}

// Small numbers whose products are NaN must not reach sums through a pair that is no pair.
static void an_odd_k_has_no_partner(void **state) {
    (void)state;
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    for (size_t t = 0; t < countof(float_types); t++) {
        problem p = problem_new(float_types[t], 32, 5, 2);
        for (size_t r = 0; r < 2; r++)  // what follows a row of x
            p.x[r * p.ldx + 5] = NAN;
        for (size_t i = 0; i < kerns; i++) {
            float *y = product(&p, all[i], KERN_SET);
            check_exact(&p, y, KERN_SET);
            free(y);
        }
        problem_free(&p);
    }
}

// --- Packing -----------------------------------------------------------------------------------

static float f32_of(tensor_dtype t, uint16_t bits) {
    float x;
    tensor_to_f32(&x, &(tensor){t, 1, {1}, &bits});
    return x;
}

// The matrix [n][k] of every dtype, some numbers in 16 bits: sign, small exponents.
static void *values_of(tensor_dtype t, size_t count) {
    if (t == TENSOR_F32) return numbers(count);
    uint16_t *half = malloc(count * sizeof *half);
    for (size_t i = 0; i < count; i++)
        half[i] = (uint16_t)((uint16_t)(uniform() * 32767) & (t == TENSOR_F16 ? 0xbbff : 0xbfff));
    return half;
}

static void packing_keeps_values(void **state) {
    (void)state;
    static const size_t sizes[][2] = {{1, 1}, {45, 130}, {64, 64}, {33, 71}};
    for (int d = TENSOR_F32; d <= TENSOR_BF16; d++)
        for (size_t s = 0; s < countof(sizes); s++) {
            size_t n = sizes[s][0], k = sizes[s][1];
            void *data = values_of((tensor_dtype)d, n * k);
            tensor w = {(tensor_dtype)d, 2, {(int64_t)n, (int64_t)k}, data};
            float *want = numbers(n * k), *row = numbers(k);
            tensor_to_f32(want, &w);
            kern_type same = d == TENSOR_F32 ? KERN_F32 : d == TENSOR_F16 ? KERN_F16 : KERN_BF16;
            kern_type types[] = {KERN_F32, same};
            for (size_t t = 0; t < countof(types); t++) {
                kern_mat m = {types[t], panels_of(types[t], &w, false), NULL, n, k};
                for (size_t i = 0; i < n; i++) {
                    kern_unpack_row(row, &m, i);
                    assert_same_bits(row, want + i * k, k);
                }
                free((void *)m.panels);
            }
            free(data), free(want), free(row);
        }
}

static void transpose(char *to, const char *from, size_t n, size_t k, size_t elem) {
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < k; j++)
            memcpy(to + (j * n + i) * elem, from + (i * k + j) * elem, elem);
}

static void packing_by_input_is_packing_of_the_transpose(void **state) {
    (void)state;
    static const size_t sizes[][2] = {{1, 1}, {45, 131}, {64, 64}, {33, 70}};
    for (int d = TENSOR_F32; d <= TENSOR_BF16; d++)
        for (size_t s = 0; s < countof(sizes); s++) {
            size_t n = sizes[s][0], k = sizes[s][1], elem = tensor_elem_bytes((tensor_dtype)d);
            char *data = values_of((tensor_dtype)d, n * k), *turned = malloc(n * k * elem);
            transpose(turned, data, n, k, elem);
            tensor w = {(tensor_dtype)d, 2, {(int64_t)n, (int64_t)k}, data};
            tensor v = {(tensor_dtype)d, 2, {(int64_t)k, (int64_t)n}, turned};
            for (size_t t = 0; t < countof(float_types); t++) {
                void *a = panels_of(float_types[t], &w, false);
                void *b = panels_of(float_types[t], &v, true);
                assert_memory_equal(a, b, kern_panels(n) * kern_panel_bytes(float_types[t], k));
                free(a), free(b);
            }
            free(data), free(turned);
        }
}

static void missing_rows_are_zero(void **state) {
    (void)state;
    for (size_t t = 0; t < countof(float_types); t++) {
        float *data = numbers(33 * 7);
        tensor w = {TENSOR_F32, 2, {33, 7}, data};
        kern_mat m = {float_types[t], panels_of(float_types[t], &w, false), NULL, 64, 7};
        float row[7], none[7] = {0};
        for (size_t i = 33; i < 64; i++) {
            kern_unpack_row(row, &m, i);
            assert_same_bits(row, none, 7);
        }
        free((void *)m.panels), free(data);
    }
}

// x as packing rounds it to a 16-bit type.
static float rounded(kern_type t, float x) {
    tensor w = {TENSOR_F32, 2, {1, 1}, &x};
    kern_mat m = {t, panels_of(t, &w, false), NULL, 1, 1};
    float y;
    kern_unpack_row(&y, &m, 0);
    free((void *)m.panels);
    return y;
}

static void narrowing_rounds_to_nearest_even(void **state) {
    (void)state;
    static const struct {
        kern_type t;
        float x, y;
    } cases[] = {
        {KERN_BF16, 0x1.01p0F, 0x1p0F},
        {KERN_BF16, 0x1.03p0F, 0x1.04p0F},
        {KERN_BF16, 0x1.010002p0F, 0x1.02p0F},
        {KERN_BF16, -0x1.03p0F, -0x1.04p0F},
        {KERN_BF16, 0x1.fffffep127F, INFINITY},
        {KERN_BF16, -INFINITY, -INFINITY},
        {KERN_BF16, 0x1p-149F, 0},
        {KERN_F16, 65519, 65504},
        {KERN_F16, 65520, INFINITY},
        {KERN_F16, -1e10F, -INFINITY},
        {KERN_F16, 0x1.002p0F, 0x1p0F},
        {KERN_F16, 0x1.006p0F, 0x1.008p0F},
        {KERN_F16, 0x1p-25F, 0},
        {KERN_F16, 0x1.000002p-25F, 0x1p-24F},
        {KERN_F16, 0x1.8p-24F, 0x1p-23F},
        {KERN_F16, -0x1.ff8p-15F, -0x1.ff8p-15F},
        {KERN_F16, 0x1.ffcp-15F, 0x1p-14F},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        float y = rounded(cases[i].t, cases[i].x);
        assert_same_bits(&y, &cases[i].y, 1);
        if (cases[i].t == KERN_F16) {
            y = f32_of(TENSOR_F16, kern__f16_of(cases[i].x));
            assert_same_bits(&y, &cases[i].y, 1);
        }
    }
    assert_true(isnan(rounded(KERN_BF16, NAN)) && isnan(rounded(KERN_F16, NAN)));
    assert_true(isnan(f32_of(TENSOR_F16, kern__f16_of(NAN))));
}

// Every half that is a number comes back from f32, and so does what lies a little beside it.
static void every_half_survives(void **state) {
    (void)state;
    enum { N = 1 << 16 };
    float *x = numbers(N), *y = numbers(N);
    for (uint32_t i = 0; i < N; i++) {
        float v = f32_of(TENSOR_F16, (uint16_t)i);
        x[i] = isfinite(v) ? v * (1 + uniform() * 0x1p-13F) : 0;
        assert_true(!isfinite(v) || kern__f16_of(x[i]) == i);
    }
    tensor w = {TENSOR_F32, 2, {1, N}, x};
    kern_mat m = {KERN_F16, panels_of(KERN_F16, &w, false), NULL, 1, N};
    kern_unpack_row(y, &m, 0);
    for (uint32_t i = 0; i < N; i++) {
        float v = f32_of(TENSOR_F16, (uint16_t)i);
        assert_true(!isfinite(v) || y[i] == v);
    }
    free(x), free(y), free((void *)m.panels);
}

// --- Vectors -----------------------------------------------------------------------------------

typedef void norm_fn(const kern *k, float *y, const float *x, const float *gain, const float *bias,
                     size_t n);

static void with_bias(const kern *k, float *y, const float *x, const float *gain, const float *bias,
                      size_t n) {
    k->layernorm(y, x, gain, bias, 1e-5F, n);
}
static void without_bias(const kern *k, float *y, const float *x, const float *gain,
                         const float *bias, size_t n) {
    (void)bias;
    k->layernorm(y, x, gain, NULL, 1e-3F, n);
}
static void in_place(const kern *k, float *y, const float *x, const float *gain, const float *bias,
                     size_t n) {
    (void)bias;
    memcpy(y, x, n * sizeof *y);
    k->rmsnorm(y, y, gain, 1e-2F, n);
}

// Every set's norm has the oracle's bits, and is near (x - mean) / sqrt(mean square + eps).
static void check_norm(norm_fn *norm, size_t n, bool centred, bool biased, double eps) {
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    float *x = numbers(n), *gain = numbers(n), *bias = numbers(n), *want = numbers(n);
    norm(all[kerns - 1], want, x, gain, bias, n);
    double mean = 0, var = 0;
    for (size_t i = 0; i < n && centred; i++)
        mean += (double)x[i] / (double)n;
    for (size_t i = 0; i < n; i++)
        var += pow((double)x[i] - mean, 2) / (double)n;
    for (size_t i = 0; i < n; i++) {
        double y = ((double)x[i] - mean) / sqrt(var + eps) * (double)gain[i];
        assert_true(fabs(y + (biased ? (double)bias[i] : 0) - (double)want[i]) < 2e-6);
    }
    for (size_t i = 0; i + 1 < kerns; i++) {
        float *y = numbers(n);
        norm(all[i], y, x, gain, bias, n);
        assert_same_bits(want, y, n);
        free(y);
    }
    free(x), free(gain), free(bias), free(want);
}

static void norms(void **state) {
    (void)state;
    for (size_t n = KERN_LANES; n <= 1600; n += 16 * 11) {
        check_norm(with_bias, n, true, true, 1e-5);
        check_norm(without_bias, n, true, false, 1e-3);
        check_norm(in_place, n, false, false, 1e-2);
    }
}

// Pairs turn by their angle; what is not turned, and the gaps between heads, stays.
static void check_rope(size_t heads, size_t head, size_t half) {
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all), n = heads * head;
    float *x = numbers(n), *c = numbers(half), *s = numbers(half), *want = numbers(n);
    memcpy(want, x, n * sizeof *x);
    all[kerns - 1]->rope(want, heads, head, half, c, s);
    for (size_t i = 0; i < n; i++) {
        size_t at = i % head, pair = at % half;
        double a = at < half ? (double)x[i] : at < 2 * half ? (double)x[i - half] : 0;
        double b = at < half ? (double)x[i + half] : (double)x[i];
        double turned = at < half ? a * (double)c[pair] - b * (double)s[pair]
                                  : b * (double)c[pair] + a * (double)s[pair];
        if (at < 2 * half) assert_true(fabs(turned - (double)want[i]) < 2e-7);
        if (at >= 2 * half) assert_true(want[i] == x[i]);
    }
    for (size_t i = 0; i + 1 < kerns; i++) {
        float *y = numbers(n);
        memcpy(y, x, n * sizeof *x);
        all[i]->rope(y, heads, head, half, c, s);
        assert_same_bits(want, y, n);
        free(y);
    }
    free(x), free(c), free(s), free(want);
}

static void rotary_positions(void **state) {
    (void)state;
    for (size_t half = 1; half <= 40; half++)
        check_rope(1 + half % 4, 80, half);
    check_rope(3, 64, 32);
    check_rope(1, 16, 8);
    check_rope(2, 128, 64);
}

static void caps(void **state) {
    (void)state;
    const kern *all[KERN_SETS_MAX];
    size_t kerns = kern_all(all);
    enum { N = 4001 };
    static const float of[] = {1, 30, 50};
    for (size_t j = 0; j < countof(of); j++) {
        float x[N + 1], want[N + 1], y[N + 1];
        for (size_t i = 0; i < N; i++)
            x[i] = ((float)i - N / 2) * of[j] / 300;
        x[N] = 1e9F;  // beyond the end
        memcpy(want, x, sizeof x);
        all[kerns - 1]->softcap(want, of[j], N);
        for (size_t i = 0; i < N; i++) {
            double c = (double)of[j], exact_y = c * tanh((double)x[i] / c);
            assert_true(fabs((double)want[i] - exact_y) <= 3e-7 * fabs(exact_y));
        }
        assert_true(want[N] == 1e9F);
        for (size_t i = 0; i + 1 < kerns; i++) {
            memcpy(y, x, sizeof x);
            all[i]->softcap(y, of[j], N);
            assert_same_bits(want, y, N + 1);
        }
    }
    float odd[] = {INFINITY, -INFINITY, NAN, 0, 1e-30F};
    kern_best()->softcap(odd, 30, countof(odd));
    assert_true(odd[0] == 30 && odd[1] == -30 && isnan(odd[2]) && odd[3] == 0);
    assert_true(fabsf(odd[4] - 1e-30F) < 1e-36F);
}

// Functions of a sum, by way of a product with one column: x times 1.
static float through(const kern *k, kern_store how, float x, float up) {
    float w[KERN_PANEL] = {0}, y[KERN_PANEL];
    w[0] = x;
    w[KERN_LANES] = up;
    _Alignas(KERN_ALIGN) float panel[KERN_PANEL];
    tensor t = {TENSOR_F32, 2, {KERN_PANEL, 1}, w};
    pack_matrix(panel, KERN_F32, &t, false);
    kern_mat m = {KERN_F32, panel, NULL, KERN_PANEL, 1};
    k->matmul(y, KERN_PANEL, &(kern_rows){.x = (float[]){1}, .ld = 1}, 1, &m, 0, 1, how);
    return y[0];
}

// Relative errors: erf's tail down to where it vanishes, gates from where they are shut to open.
static void functions_are_near(void **state) {
    (void)state;
    const kern *best = kern_best();
    for (double x = -12.9; x < 13; x += 0.0537) {
        float f = (float)x;
        double want = gelu_erf((double)f), have = (double)through(best, KERN_GELU_ERF, f, 0);
        assert_true(fabs(have - want) <= 5e-7 * fabs(want));
        for (int how = KERN_SWIGLU; how < STORES; how++) {
            float up = (float)sin(x * 9) * 9;
            want = stored((kern_store)how, (double)f, (double)up, 0);
            have = (double)through(best, (kern_store)how, f, up);
            double bound = (how == KERN_GEGLU ? 3e-6 : 5e-7) * fabs(want) +
                           2e-7 * fabs(x) * (how == KERN_SWIGLU_OSS);
            if (x > -8) assert_true(fabs(have - want) <= bound + 1e-10);
        }
    }
    assert_true(through(best, KERN_GELU_ERF, INFINITY, 0) == INFINITY);
    for (int how = KERN_GELU; how < STORES; how++) {
        assert_true(isnan(through(best, (kern_store)how, NAN, 1)));
        if (how >= KERN_SWIGLU) assert_true(isnan(through(best, (kern_store)how, 1, NAN)));
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
        cmocka_unit_test(products_of_odd_shapes),
        cmocka_unit_test(products_of_any_number_of_rows),
        cmocka_unit_test(rows_do_not_see_each_other),
        cmocka_unit_test(halves_give_the_bits_of_f32),
        cmocka_unit_test(an_odd_k_has_no_partner),
        cmocka_unit_test(packing_keeps_values),
        cmocka_unit_test(packing_by_input_is_packing_of_the_transpose),
        cmocka_unit_test(missing_rows_are_zero),
        cmocka_unit_test(narrowing_rounds_to_nearest_even),
        cmocka_unit_test(every_half_survives),
        cmocka_unit_test(norms),
        cmocka_unit_test(rotary_positions),
        cmocka_unit_test(caps),
        cmocka_unit_test(functions_are_near),
        cmocka_unit_test(exponentials),
        cmocka_unit_test(nan_is_not_hidden),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
