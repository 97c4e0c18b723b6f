// Packing of integer weights.
//
// int8: one scale per row, its largest weight at 127. int4: 16 values that are not evenly spaced,
// since weights are not: those that least squares finds for groups of 32 of normally distributed
// weights and of GPT-2's (relative error 7.3 %; evenly spaced values without a search 8.5 %). A
// group's scale may be negative, which turns the uneven row of values around.
//
// q8_0, q4_0, mxfp4: blocks of the same type are moved; what is in floats is rounded as ggml
// (quantize_row_q8_0_ref, quantize_row_q4_0_ref) and the OCP's Microscaling Formats 1.0 say.
//
// Rejected: a zero point per group (7.0 % for a quarter of a bit more per weight), groups of 64
// (8.0 % for a quarter of a bit less), f16 scales (the bits that bf16 lacks cost nothing once the
// search knows of them, and weights of any model are in its range).
//
//   I1  a weight that is no finite number makes its scale NaN, and so each sum that it is in

#include "kern/kern_int.h"
#include "kern/kern_isa.h"

#include <math.h>
#include <string.h>

enum { COLUMNS = KERN_INT_COLUMNS };

const uint8_t kern__int_values[KERN_TYPES][16] = {
    [KERN_INT4] = {1, 28, 49, 66, 81, 94, 107, 119, 130, 141, 152, 164, 177, 192, 211, 235},
    [KERN_Q4_0] = {120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 131, 132, 133, 134, 135},
    [KERN_MXFP4] = {128, 129, 130, 131, 132, 134, 136, 140, 128, 127, 126, 125, 124, 122, 120, 116},
};
#define VALUE4(c) (kern__int_values[KERN_INT4][c])

size_t kern__int_panel_bytes(kern_type t, size_t k) {
    size_t groups = (k + KERN_GROUP - 1) / KERN_GROUP;
    return (t == KERN_INT8 ? KERN_PANEL * sizeof(float) : 0) + groups * kern__int_group(t);
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

// --- int8 --------------------------------------------------------------------------------------

typedef float tile[KERN_PANEL][KERN_READ];

// Columns beyond k are zero.
static void read_tile(tile t, const tensor_row row[KERN_PANEL], size_t at, size_t k) {
    if (k - at < KERN_READ) memset(t, 0, sizeof(tile));
    kern__read(t, row, at, min_size(KERN_READ, k - at));
}

// Bytes of one group, or of fewer where the row ends.
static void put_bytes(uint8_t *to, uint8_t (*code)[KERN_GROUP]) {
    for (size_t i = 0; i < KERN_GROUP; i++, to += i % 4 ? 0 : KERN_INT_STEP)
        for (size_t r = 0; r < KERN_PANEL; r++)
            to[r * 4 + i % 4] = code[r][i];
}

static void pack_int8(char *panel, const tensor_row row[KERN_PANEL], size_t k) {
    float *scale = (float *)(void *)panel, inverse[KERN_PANEL], top[KERN_PANEL] = {0};
    uint8_t *to = (uint8_t *)panel + KERN_PANEL * sizeof *scale, code[KERN_PANEL][KERN_GROUP];
    tile t;
    for (size_t at = 0; at < k; at += KERN_READ) {
        read_tile(t, row, at, k);
        for (size_t r = 0; r < KERN_PANEL; r++)
            top[r] = fmaxf(top[r], top_of(t[r], KERN_READ));
    }
    for (size_t r = 0; r < KERN_PANEL; r++) {
        bool usable = top[r] >= KERN_INT_TINY && top[r] < INFINITY;
        inverse[r] = usable ? 127.0F / top[r] : 0;
        scale[r] = usable ? top[r] / 127.0F : top[r] < INFINITY ? 0 : NAN;  // I1
    }
    for (size_t at = 0; at < k; at += KERN_GROUP, to += KERN_INT8_GROUP) {
        if (at % KERN_READ == 0 && k > KERN_READ) read_tile(t, row, at, k);
        for (size_t r = 0; r < KERN_PANEL; r++)
            for (size_t i = 0; i < KERN_GROUP; i++)
                code[r][i] = (uint8_t)(round_bits(t[r][at % KERN_READ + i] * inverse[r]) + 128);
        put_bytes(to, code);
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
        while (c < 15 && 2 * (x + 128) > VALUE4(c) + VALUE4(c + 1))
            c++;
        t->code[x & 511] = (uint8_t)c;
        t->value[x & 511] = (float)(VALUE4(c) - 128);
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
        float end = (float)(VALUE4(i & 1 ? 15 : 0) - 128);
        float inverse = end / (largest * factors[i / 2]), wv = 0, vv = 0;
        for (size_t j = 0; j < COLUMNS; j++) {
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

// The weight that is furthest from 0, of which there is one: `top` is its distance.
static float furthest(const float *w, float top) {
    for (size_t j = 0; j < COLUMNS; j++)
        if (fabsf(w[j]) == top) return w[j];
    return top;
}

static uint16_t code_int4(uint8_t *code, const float *w, float top, const nearest *near) {
    memset(code, 8, COLUMNS);  // +2: the least there is
    if (top < KERN_INT_TINY) return 0;
    uint16_t scale = bf16_of(best_scale(w, furthest(w, top), near));
    float inverse = 1.0F / of_bf16(scale);
    for (size_t j = 0; j < COLUMNS; j++) {
        float x = w[j] * inverse;
        x = x < -128 ? -128 : x > 127 ? 127 : x;  // inline, unlike fminf
        code[j] = near->code[round_bits(x) & 511];
    }
    return scale;
}

// --- ggml's and OCP's types --------------------------------------------------------------------

// A scale whose inverse is not finite is none.
static float inverse_of(float d) {
    return fabsf(d) >= KERN_INT_TINY ? 1.0F / d : 0;
}

static uint16_t code_q8_0(uint8_t *code, const float *w, float top, const nearest *near) {
    (void)near;
    float d = top / 127.0F, inverse = inverse_of(d);
    for (size_t j = 0; j < COLUMNS; j++)
        code[j] = (uint8_t)((int)roundf(w[j] * inverse) + 128);
    return kern__f16_of(d);
}

static uint16_t code_q4_0(uint8_t *code, const float *w, float top, const nearest *near) {
    (void)near;
    float d = furthest(w, top) / -8, inverse = inverse_of(d);
    for (size_t j = 0; j < COLUMNS; j++) {
        int x = (int)(w[j] * inverse + 8.5F);
        code[j] = (uint8_t)(x > 15 ? 15 : x);
    }
    return kern__f16_of(d);
}

// The nearest of 0, 0.5, 1, 1.5, 2, 3, 4, 6; halves to the even code; more than 6 is 6.
static uint8_t e2m1_of(float x) {
    static const float half[] = {0.25F, 0.75F, 1.25F, 1.75F, 2.5F, 3.5F, 5};
    float size = fabsf(x);
    uint8_t c = 0;
    while (c < 7 && (size > half[c] || (size == half[c] && c % 2)))
        c++;
    return c && x < 0 ? c | 8 : c;
}

static uint16_t code_mxfp4(uint8_t *code, const float *w, float top, const nearest *near) {
    (void)near;
    int exponent = 0;
    if (top > 0) frexpf(top, &exponent);  // top = m 2^exponent, m in [1/2, 1)
    int e = top > 0 ? exponent - 1 - 2 + 127 : 0;
    e = e < 0 ? 0 : e;
    for (size_t j = 0; j < COLUMNS; j++)
        code[j] = e2m1_of(ldexpf(w[j], 127 - e));
    return (uint16_t)e;
}

// --- Groups of 32 with a scale -----------------------------------------------------------------

typedef uint16_t code_fn(uint8_t *code, const float *w, float top, const nearest *near);

// How a type codes 32 weights, and the scale of weights that are no numbers (I1).
static const struct {
    code_fn *code;
    uint16_t nan;
} kinds[KERN_TYPES] = {
    [KERN_INT4] = {code_int4, 0x7FC0},
    [KERN_Q8_0] = {code_q8_0, 0x7E00},
    [KERN_Q4_0] = {code_q4_0, 0x7E00},
    [KERN_MXFP4] = {code_mxfp4, 0xFF},
};

// What 64 columns of a panel are made of.
typedef struct group {
    uint8_t code[KERN_PANEL][KERN_GROUP];
    uint16_t scale[KERN_PANEL][2];
} group;

static void code_row(group *g, size_t r, const float *w, kern_type t, const nearest *near) {
    for (size_t half = 0; half < 2; half++, w += COLUMNS) {
        uint8_t *code = g->code[r] + half * COLUMNS;
        float top = top_of(w, COLUMNS);
        if (top < INFINITY) {
            g->scale[r][half] = kinds[t].code(code, w, top, near);
        } else {
            memset(code, 0, COLUMNS);
            g->scale[r][half] = kinds[t].nan;
        }
    }
}

// --- Blocks of the same type -------------------------------------------------------------------

// Block `i` of a row: its scale, and its bytes or indexes; values as they are.
static uint16_t word_at(const uint8_t *p) {
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint16_t move_q8_0(uint8_t *code, const tensor_row *row, size_t i) {
    const uint8_t *b = (const uint8_t *)row->data + i * (2 + COLUMNS);
    for (size_t j = 0; j < COLUMNS; j++)
        code[j] = b[2 + j] ^ 0x80;
    return word_at(b);
}

static void move_halves(uint8_t *code, const uint8_t *b) {
    for (size_t j = 0; j < COLUMNS / 2; j++) {
        code[j] = b[j] & 15;
        code[j + COLUMNS / 2] = b[j] >> 4;
    }
}

static uint16_t move_q4_0(uint8_t *code, const tensor_row *row, size_t i) {
    const uint8_t *b = (const uint8_t *)row->data + i * (2 + COLUMNS / 2);
    move_halves(code, b + 2);
    return word_at(b);
}

static uint16_t move_mxfp4(uint8_t *code, const tensor_row *row, size_t i) {
    const uint8_t *b = (const uint8_t *)row->data + i * (1 + COLUMNS / 2);
    move_halves(code, b + 1);
    return b[0];
}

static uint16_t move_pairs(uint8_t *code, const tensor_row *row, size_t i) {
    const uint8_t *b = (const uint8_t *)row->data + i * (COLUMNS / 2);
    for (size_t j = 0; j < COLUMNS; j++)
        code[j] = b[j / 2] >> j % 2 * 4 & 15;
    return row->scales[i];
}

typedef uint16_t move_fn(uint8_t *code, const tensor_row *row, size_t i);

// How blocks of a row get into panels of type t without rounding; NULL where they do not.
static move_fn *move_of(kern_type t, const tensor_row *row) {
    static const struct {
        kern_type t;
        tensor_dtype d;
        move_fn *move;
    } moves[] = {
        {KERN_Q8_0, TENSOR_Q8_0, move_q8_0},
        {KERN_Q4_0, TENSOR_Q4_0, move_q4_0},
        {KERN_MXFP4, TENSOR_MXFP4, move_mxfp4},
        {KERN_MXFP4, TENSOR_U8, move_pairs},
    };
    for (size_t i = 0; i < countof(moves); i++)
        if (moves[i].t == t && moves[i].d == row->dtype && row->add == 0 && row->data)
            return moves[i].move;
    return NULL;
}

// Columns from `at` on of a row whose blocks are moved.
static void move_row(group *g, size_t r, const tensor_row *row, move_fn *move, size_t at,
                     size_t k) {
    memset(g->scale[r], 0, sizeof g->scale[r]);
    for (size_t half = 0; half < 2 && at + half * COLUMNS < k; half++)
        g->scale[r][half] = move(g->code[r] + half * COLUMNS, row, at / COLUMNS + half);
}

// --- Panels ------------------------------------------------------------------------------------

static void put_scales(char *to, const group *g, kern_type t) {
    uint16_t *words = (uint16_t *)(void *)to;
    for (size_t r = 0; r < KERN_PANEL; r++)
        for (size_t half = 0; half < 2; half++)
            if (t == KERN_INT4)
                words[r * 2 + half] = g->scale[r][half];
            else if (t == KERN_MXFP4)
                to[half * KERN_PANEL + r] = (char)g->scale[r][half];
            else
                words[half * KERN_PANEL + r] = g->scale[r][half];
}

static void put_small(uint8_t *to, uint8_t (*code)[KERN_GROUP]) {
    enum { HALF = KERN_PANEL / 2 };
    for (size_t i = 0; i < KERN_GROUP; i++)
        for (size_t r = 0; r < HALF; r++)
            to[i / 4 * KERN_INT_STEP / 2 + r * 4 + i % 4] =
                (uint8_t)(code[r][i] | code[r + HALF][i] << 4);
}

static void pack_groups(char *panel, kern_type t, const tensor_row row[KERN_PANEL], size_t k) {
    group g;
    nearest near;
    tile of;
    move_fn *move[KERN_PANEL];
    tensor_row rounded[KERN_PANEL];  // nothing where blocks are moved
    for (size_t r = 0; r < KERN_PANEL; r++) {
        move[r] = move_of(t, &row[r]);
        rounded[r] = move[r] ? (tensor_row){0} : row[r];
    }
    if (t == KERN_INT4) nearest_fill(&near);
    for (size_t at = 0; at < k; at += KERN_GROUP, panel += kern__int_group(t)) {
        if (at % KERN_READ == 0) read_tile(of, rounded, at, k);
        memset(g.code, 0, sizeof g.code);
        for (size_t r = 0; r < KERN_PANEL; r++)
            if (move[r])
                move_row(&g, r, &row[r], move[r], at, k);
            else
                code_row(&g, r, of[r] + at % KERN_READ, t, &near);
        put_scales(panel, &g, t);
        (t == KERN_Q8_0 ? put_bytes : put_small)((uint8_t *)panel + kern__int_scales(t), g.code);
    }
}

void kern__int_pack(void *panel, kern_type t, const tensor_row row[KERN_PANEL], size_t k) {
    if (t == KERN_INT8)
        pack_int8(panel, row, k);
    else
        pack_groups(panel, t, row, k);
}

// --- Reading back ------------------------------------------------------------------------------

static float of_f16(uint16_t half) {
    float x;
    tensor_to_f32(&x, &(tensor){TENSOR_F16, 1, {1}, &half});
    return x;
}
// Half of what it says: values are doubled.
static float of_e8m0(uint8_t e) {
    return e == 0xFF ? NAN : ldexpf(1, e - 128);
}

static float scale_at(const char *scales, kern_type t, size_t r, size_t half) {
    const uint16_t *words = (const uint16_t *)(const void *)scales;
    if (t == KERN_INT4) return of_bf16(words[r * 2 + half]);
    if (t == KERN_MXFP4) return of_e8m0((uint8_t)scales[half * KERN_PANEL + r]);
    return of_f16(words[half * KERN_PANEL + r]);
}

static int byte_at(const uint8_t *w, size_t r, size_t i) {
    return w[i / 4 * KERN_INT_STEP + r * 4 + i % 4] - 128;
}
static int small_at(const uint8_t *w, kern_type t, size_t r, size_t i) {
    uint8_t byte = w[i / 4 * KERN_INT_STEP / 2 + r % 16 * 4 + i % 4];
    return kern__int_values[t][r < 16 ? byte & 15 : byte >> 4] - 128;
}

static float int8_at(const char *panel, size_t r, size_t i) {
    const float *scale = (const float *)(const void *)panel;
    return (float)byte_at((const uint8_t *)(scale + KERN_PANEL), r, i) * scale[r];
}

static float grouped_at(const char *panel, kern_type t, size_t r, size_t i) {
    const char *scales = panel + i / KERN_GROUP * kern__int_group(t);
    const uint8_t *w = (const uint8_t *)scales + kern__int_scales(t);
    size_t at = i % KERN_GROUP;
    int value = t == KERN_Q8_0 ? byte_at(w, r, at) : small_at(w, t, r, at);
    return (float)value * scale_at(scales, t, r, at / COLUMNS);
}

void kern__int_unpack_row(float *out, const kern_mat *w, size_t row) {
    const char *panel = w->panels;
    panel += row / KERN_PANEL * kern__int_panel_bytes(w->type, w->k);
    for (size_t i = 0; i < w->k; i++)
        out[i] = w->type == KERN_INT8 ? int8_at(panel, row % KERN_PANEL, i)
                                      : grouped_at(panel, w->type, row % KERN_PANEL, i);
}
