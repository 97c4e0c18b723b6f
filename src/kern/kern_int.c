// Packing of integer weights.
//
// int8: one scale per row, its largest weight at 127. int4: 16 values that are not evenly spaced,
// since weights are not: those that least squares finds for groups of 32 of normally distributed
// weights and of GPT-2's (relative error 7.3 %; evenly spaced values without a search 8.5 %). A
// group's scale may be negative, which turns the uneven row of values around.
//
// Rejected: a zero point per group (7.0 % for a quarter of a bit more per weight), groups of 64
// (8.0 % for a quarter of a bit less), f16 scales (the bits that bf16 lacks cost nothing once the
// search knows of them, and weights of any model are in its range).
//
//   I1  a weight that is no finite number makes its scale NaN, and so each sum that it is in

#include "kern/kern_int.h"

#include <math.h>
#include <string.h>

const uint8_t kern__int4[16] = {1,   28,  49,  66,  81,  94,  107, 119,
                                130, 141, 152, 164, 177, 192, 211, 235};

size_t kern__int_panel_bytes(kern_type t, size_t k) {
    size_t groups = (k + KERN_GROUP - 1) / KERN_GROUP;
    if (t == KERN_INT4) return groups * KERN_INT4_GROUP;
    return KERN_PANEL * sizeof(float) + groups * KERN_INT8_GROUP;
}

static uint32_t bits_of(float x) {
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}
static float of_bits(uint32_t u) {
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

// The nearest integer, halves to even, in two's complement; only the low 22 bits count. |x| < 2^21.
static uint32_t round_bits(float x) {
    return bits_of(x + 12582912.0F);  // 1.5 * 2^23
}

// Largest |x|; more than any finite number when one of them is not finite.
static float top_of(const float *x, size_t n) {
    uint32_t top = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t u = bits_of(x[i]) & 0x7FFFFFFF;
        top = u > top ? u : top;
    }
    return top < 0x7F800000 ? of_bits(top) : INFINITY;
}

// --- Reading -----------------------------------------------------------------------------------

typedef float tile[KERN_PANEL][KERN_GROUP];

// Rows of panel p, columns [at, at + KERN_GROUP); what the matrix does not have is zero.
static void read_tile(tile t, const tensor *w, bool by_input, size_t p, size_t at) {
    size_t n = (size_t)w->dim[by_input], k = (size_t)w->dim[!by_input], row = p * KERN_PANEL;
    size_t rows = min_size(KERN_PANEL, n - row), len = min_size(KERN_GROUP, k - at);
    size_t elem = tensor_elem_bytes(w->dtype);
    const char *data = w->data;
    memset(t, 0, sizeof(tile));
    for (size_t r = 0; r < rows && !by_input; r++) {
        tensor part = {w->dtype, 1, {(int64_t)len}, data + ((row + r) * k + at) * elem};
        tensor_to_f32(t[r], &part);
    }
    for (size_t i = 0; i < len && by_input; i++) {
        float column[KERN_PANEL];
        tensor part = {w->dtype, 1, {(int64_t)rows}, data + ((at + i) * n + row) * elem};
        tensor_to_f32(column, &part);
        for (size_t r = 0; r < rows; r++)
            t[r][i] = column[r];
    }
}

// --- int8 --------------------------------------------------------------------------------------

static void pack_int8(char *panel, const tensor *w, bool by_input, size_t p) {
    size_t k = (size_t)w->dim[!by_input];
    float *scale = (float *)(void *)panel, inverse[KERN_PANEL], top[KERN_PANEL] = {0};
    uint8_t *to = (uint8_t *)panel + KERN_PANEL * sizeof *scale;
    tile t;
    for (size_t at = 0; at < k; at += KERN_GROUP) {
        read_tile(t, w, by_input, p, at);
        for (size_t r = 0; r < KERN_PANEL; r++)
            top[r] = fmaxf(top[r], top_of(t[r], KERN_GROUP));
    }
    for (size_t r = 0; r < KERN_PANEL; r++) {
        bool usable = top[r] >= KERN_INT_TINY && top[r] < INFINITY;
        inverse[r] = usable ? 127.0F / top[r] : 0;
        scale[r] = usable ? top[r] / 127.0F : top[r] < INFINITY ? 0 : NAN;  // I1
    }
    for (size_t at = 0; at < k; at += KERN_GROUP) {
        read_tile(t, w, by_input, p, at);
        for (size_t i = 0; i < KERN_GROUP; i++, to += i % 4 ? 0 : KERN_INT_STEP)
            for (size_t r = 0; r < KERN_PANEL; r++)
                to[r * 4 + i % 4] = (uint8_t)(round_bits(t[r][i] * inverse[r]) + 128);
    }
}

// --- int4 --------------------------------------------------------------------------------------

// For x in [-256, 256) rounded to an integer: the index of the nearest value, and the value.
typedef struct nearest {
    float value[512];
    uint8_t code[512];
} nearest;

static void nearest_fill(nearest *t) {
    for (int x = -256, c = 0; x < 256; x++) {
        while (c < 15 && 2 * (x + 128) > kern__int4[c] + kern__int4[c + 1])
            c++;
        t->code[x & 511] = (uint8_t)c;
        t->value[x & 511] = (float)(kern__int4[c] - 128);
    }
}

// Rounds to the nearest bf16, halves to even, exact where the search ends; NaN stays NaN.
static uint16_t bf16_of(float x) {
    uint32_t u = bits_of(x);
    return (uint16_t)((u + 0x7FFF + (u >> 16 & 1)) >> 16);
}
static float of_bf16(uint16_t b) {
    return of_bits((uint32_t)b << 16);
}

// The scale that leaves the least squared error, of a few that put the largest weight near either
// end of the values. For given values v the best scale is w.v / v.v and leaves |w|^2 minus
// (w.v)^2 / v.v.
static float best_scale(const float *w, float largest, const nearest *near) {
    static const float factors[] = {0.88F, 0.93F, 0.98F, 1.03F, 1.08F};
    float best = -1, scale = 0;
    for (size_t i = 0; i < 2 * countof(factors); i++) {
        float end = (float)(kern__int4[i & 1 ? 15 : 0] - 128);
        float inverse = end / (largest * factors[i / 2]), wv = 0, vv = 0;
        for (size_t j = 0; j < KERN_INT4_COLUMNS; j++) {
            float v = near->value[round_bits(w[j] * inverse) & 511];
            wv += v * w[j];
            vv += v * v;
        }
        if (!(wv * (wv / vv) > best)) continue;
        best = wv * (wv / vv);
        scale = wv / vv;
    }
    return scale;
}

// Indexes of 32 weights into code[]; returns their scale as bf16.
static uint16_t code_group(uint8_t *code, const float *w, const nearest *near) {
    float top = top_of(w, KERN_INT4_COLUMNS), largest = top;
    memset(code, 8, KERN_INT4_COLUMNS);    // +2: the least there is
    if (!(top < INFINITY)) return 0x7FC0;  // I1
    if (top < KERN_INT_TINY) return 0;
    for (size_t j = 0; j < KERN_INT4_COLUMNS; j++)
        if (fabsf(w[j]) == top) largest = w[j];
    uint16_t scale = bf16_of(best_scale(w, largest, near));
    float inverse = 1.0F / of_bf16(scale);
    for (size_t j = 0; j < KERN_INT4_COLUMNS; j++) {
        float x = w[j] * inverse;
        x = x < -128 ? -128 : x > 127 ? 127 : x;  // inline, unlike fminf
        code[j] = near->code[round_bits(x) & 511];
    }
    return scale;
}

static void pack_int4(char *panel, const tensor *w, bool by_input, size_t p) {
    enum { HALF = KERN_PANEL / 2 };
    size_t k = (size_t)w->dim[!by_input];
    uint8_t code[KERN_PANEL][KERN_GROUP];
    nearest near;
    tile t;
    nearest_fill(&near);
    for (size_t at = 0; at < k; at += KERN_GROUP, panel += KERN_INT4_GROUP) {
        uint16_t *scale = (uint16_t *)(void *)panel;
        uint8_t *to = (uint8_t *)panel + KERN_INT4_SCALES;
        read_tile(t, w, by_input, p, at);
        for (size_t i = 0; i < 2 * KERN_PANEL; i++)
            scale[i] = code_group(code[i / 2] + i % 2 * KERN_INT4_COLUMNS,
                                  t[i / 2] + i % 2 * KERN_INT4_COLUMNS, &near);
        for (size_t i = 0; i < KERN_GROUP; i++)
            for (size_t r = 0; r < HALF; r++)
                to[i / 4 * KERN_INT_STEP / 2 + r * 4 + i % 4] =
                    (uint8_t)(code[r][i] | code[r + HALF][i] << 4);
    }
}

// --- Both --------------------------------------------------------------------------------------

void kern__int_pack(void *panels, kern_type t, size_t p, const tensor *w, bool by_input) {
    char *panel = (char *)panels + p * kern__int_panel_bytes(t, (size_t)w->dim[!by_input]);
    (t == KERN_INT8 ? pack_int8 : pack_int4)(panel, w, by_input, p);
}

static float int8_at(const char *panel, size_t r, size_t i) {
    const uint8_t *w = (const uint8_t *)panel + KERN_PANEL * sizeof(float);
    return (float)(w[i / 4 * KERN_INT_STEP + r * 4 + i % 4] - 128) *
           ((const float *)(const void *)panel)[r];
}

static float int4_at(const char *panel, size_t r, size_t i) {
    const char *group = panel + i / KERN_GROUP * KERN_INT4_GROUP;
    size_t at = i % KERN_GROUP;
    const uint8_t *w = (const uint8_t *)group + KERN_INT4_SCALES;
    uint8_t byte = w[at / 4 * KERN_INT_STEP / 2 + r % 16 * 4 + at % 4];
    return (float)(kern__int4[r < 16 ? byte & 15 : byte >> 4] - 128) *
           of_bf16(((const uint16_t *)(const void *)group)[r * 2 + at / KERN_INT4_COLUMNS]);
}

void kern__int_unpack_row(float *out, const kern_mat *w, size_t row) {
    const char *panel = w->panels;
    panel += row / KERN_PANEL * kern__int_panel_bytes(w->type, w->k);
    float (*at)(const char *, size_t, size_t) = w->type == KERN_INT8 ? int8_at : int4_at;
    for (size_t i = 0; i < w->k; i++)
        out[i] = at(panel, row % KERN_PANEL, i);
}
