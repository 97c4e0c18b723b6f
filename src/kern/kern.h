// kern/kern.h -- kernels of the forward pass: same bits on every instruction set.
//
// Each kernel is one sequence of operations on vectors of 16 virtual lanes (kern_body.h), built
// once per instruction set. Sums run in an order that depends on shapes only, so results do not
// depend on the instruction set, the number of rows, how work is cut into tasks, or threads.
//
//   Owner     nobody: all memory is the caller's
//   Threads   pure functions; any
//   Shapes    vectors and row lengths of layernorm, softmax and attention are multiples of
//             KERN_LANES; `x` and `y` of matmul have any length and any row stride
//   Errors    none; NaN goes in, NaN comes out
#ifndef KERN_KERN_H
#define KERN_KERN_H

#include "base/str.h"
#include "tensor/row.h"

enum {
    KERN_LANES = 16,       // virtual vector
    KERN_PANEL = 32,       // output rows in a weight panel
    KERN_ROWS_MAX = 128,   // activation rows of one matmul call
    KERN_ALIGN = 64,       // bytes: what panels, caches and vectors should be aligned to
    KERN_PAGE = 16,        // positions in a page of keys and values
    KERN_GROUP = 64,       // columns of activations that share a scale, for integer weights
    KERN_HEAD_MAX = 1024,  // columns of an attention head
};

// --- Weights -----------------------------------------------------------------------------------

// What a panel holds. f32, bf16 and f16 are multiplied in f32 (the last two are widened, exactly).
// int8 and int4 are multiplied with activations in int8: sums of a group are exact integers.
typedef enum kern_type {
    KERN_F32,
    KERN_BF16,
    KERN_F16,
    KERN_INT8,   // a scale per output row
    KERN_INT4,   // a scale per 32 columns of an output row, 4.5 bits a weight in all
    KERN_Q8_0,   // int8, an f16 scale per 32 columns: holds GGUF's Q8_0 exactly
    KERN_Q4_0,   // 4 bits, v - 8 for v in 0..15, an f16 scale per 32 columns: GGUF's exactly
    KERN_MXFP4,  // E2M1 and an E8M0 scale per 32 columns: exactly
    KERN_TYPES,
} kern_type;

// "f32", "bf16", "f16", "int8", "int4", "q8_0", "q4_0", "mxfp4"
const char *kern_type_name(kern_type t);
// A type that weights may be brought to on request, by its name: f32 to int4. Not the last three:
// they hold what a file has in such blocks. What is rounded here is better off in int8 and int4.
bool kern_type_named(kern_type *out, str name);
static inline bool kern_type_is_int(kern_type t) {
    return t >= KERN_INT8;
}

// Weights of y = x W^T + b: W [n][k] as ceil(n / 32) panels, one straight stream each, missing rows
// zero. The layout of a panel is its type's own affair (kern_pack writes it, matmul reads it).
typedef struct kern_mat {
    kern_type type;
    const void *panels;  // kern_panels(n) * kern_panel_bytes(type, k)
    const float *bias;   // kern_panels(n) * KERN_PANEL values, or NULL
    size_t n, k;
} kern_mat;

static inline size_t kern_panels(size_t n) {
    return (n + KERN_PANEL - 1) / KERN_PANEL;
}
size_t kern_panel_bytes(kern_type t, size_t k);  // a multiple of KERN_ALIGN

// Fills one panel from its 32 rows of k values each; a row without data is zeros. Integer types are
// rounded here; rows of Q8_0, Q4_0 and MXFP4 blocks are moved, not rounded, into their own type.
// Gated products (KERN_SWIGLU and its like) want 16 rows of the gate, then the same 16 of `up`.
void kern_pack(void *panel, kern_type t, const tensor_row row[KERN_PANEL], size_t k);

// Row `row` of the matrix that was packed, as the products see it.
void kern_unpack_row(float *out, const kern_mat *w, size_t row);

// --- Activations -------------------------------------------------------------------------------

// Rows that a product reads. Integer weights read the q side, which quantise fills from x: groups
// of KERN_GROUP columns, x ~ q * scale, |q| <= 127; columns beyond k are zero.
typedef struct kern_rows {
    const float *x;  // [rows][ld]
    size_t ld;
    int8_t *q;     // [rows][ld_q], ld_q a multiple of KERN_GROUP
    float *scale;  // [rows][ld_q / KERN_GROUP]
    int32_t *sum;  // [rows][ld_q / 32]: -128 times the sum of a group's q, then of its last 32 q
    size_t ld_q;
} kern_rows;

// What happens to a finished sum.
typedef enum kern_store {
    KERN_SET,       // y = sum
    KERN_ADD,       // y += sum
    KERN_GELU,      // y = gelu(sum), tanh form
    KERN_GELU_ERF,  // y = gelu(sum), with erf
    // Gated: sums 0..15 of a panel are gates g, 16..31 are ups u; panel p fills 16 columns of y
    // from 16 p on, and y has half as many columns as w has rows.
    KERN_SWIGLU,      // y = g sigmoid(g) u
    KERN_GEGLU,       // y = gelu(g) u, tanh form
    KERN_SWIGLU_OSS,  // y = (u' + 1) g' sigmoid(1.702 g'), g' = min(g, 7), u' = u within [-7, 7]
} kern_store;

// Columns of y that a panel fills.
static inline size_t kern_store_width(kern_store how) {
    return how >= KERN_SWIGLU ? KERN_PANEL / 2 : KERN_PANEL;
}

// --- Keys and values ---------------------------------------------------------------------------

// One head's keys and values of one sequence, in pages of 16 positions: position t is in page
// page[t / 16] at base + page * stride floats, and there, one after the other,
//   keys    [head][16]   a vector holds the scores of 16 positions
//   values  [16][head]
// as floats, or with half as much memory to read as f16: rounded to nearest even when put, infinite
// beyond 65504.
typedef struct kern_kv {
    float *base;
    const uint32_t *page;
    size_t stride;
    kern_type type;  // KERN_F32, or KERN_F16
} kern_kv;

// Floats that a head's keys and values take of a page.
static inline size_t kern_kv_floats(kern_type t, size_t head) {
    return (t == KERN_F16 ? 1 : 2) * KERN_PAGE * head;
}

// Writes position `pos`.
void kern_kv_put(const kern_kv *kv, size_t pos, const float *key, const float *value, size_t head);

// Rows of queries that look at the same keys: `per` heads of each of some tokens (grouped-query
// attention; 1 where each head has its own keys). Row i is head i % per of token i / per, which
// sees positions [0, n + i / per), or the last of them. Pages that no row sees are never read.
typedef struct kern_attend {
    const float *q;  // [rows / per][ld_q], `per` heads side by side; and so
    float *out;      // [rows / per][ld_out]
    size_t ld_q, ld_out;
    size_t rows, per, n, head;
    size_t window;  // a token sees its last `window` positions, its own included; 0: all
    float scale;    // of q . key; 0: 1 / sqrt(head)
    float softcap;  // scores become c tanh(score / c); 0: none
    const float
        *sinks;  // a logit for each of the `per` heads that adds to the denominator; or NULL
} kern_attend;

// --- The table ---------------------------------------------------------------------------------

typedef struct kern kern;
struct kern {
    const char *name;
    // Columns of panels [p0, p1) of y[rows][ldy]; rows <= KERN_ROWS_MAX.
    void (*matmul)(float *y, size_t ldy, const kern_rows *x, size_t rows, const kern_mat *w,
                   size_t p0, size_t p1, kern_store how);
    // Fills the q side of row `row` from its k floats.
    void (*quantise)(const kern_rows *x, size_t row, size_t k);
    // y = (x - mean) / sqrt(variance + eps) * gain + bias. y may be x. bias may be NULL.
    void (*layernorm)(float *y, const float *x, const float *gain, const float *bias, float eps,
                      size_t n);
    // y = x / sqrt(mean(x^2) + eps) * gain. y may be x.
    void (*rmsnorm)(float *y, const float *x, const float *gain, float eps, size_t n);
    // Turns the first 2 * half values of each of `heads` heads in place: pairs (i, i + half) by the
    // angle whose cosine and sine are cos[i] and sin[i]; any `half` up to head / 2.
    void (*rope)(float *x, size_t heads, size_t head, size_t half, const float *cos,
                 const float *sin);
    // x[i] = c tanh(x[i] / c); any n.
    void (*softcap)(float *x, float c, size_t n);
    // out = softmax(scale q . keys) values, by online softmax over blocks of pages in order
    // (Milakov and Gimelshein 2018; Dao et al. 2022). A row's bits depend on the positions it
    // sees only.
    void (*attend)(const kern_attend *a, const kern_kv *kv);
    // In place: p[i] = exp(p[i] - max), not divided. Returns the sum.
    float (*exp_sum)(float *p, size_t n);
};

enum { KERN_SETS_MAX = 6 };

// The best this machine has; `scalar` is the oracle that the others are tested against.
const kern *kern_best(void);
// All that this machine can run, best first; their number.
size_t kern_all(const kern *out[KERN_SETS_MAX]);

#endif
