// Choice of kernels, and the layouts that they read.
//
// A weight matrix is cut into panels of 32 output rows, stored k-major. A product then reads each
// panel as one straight stream, broadcasts an activation and adds into 32 output lanes: no
// horizontal sums, and one code for one row and for many. Rejected: row-major dot products (a
// reduction per output, and another code for batches), and panels of 16 (one accumulator cannot
// hide the latency of an FMA).

#include "tensor/kern.h"

#include "os/cpu.h"
#include "tensor/kern_isa.h"

#include <math.h>
#include <string.h>

size_t kern_all(const kern *out[KERN_SETS_MAX]) {
    size_t n = 0;
#if defined(__x86_64__)
    unsigned have = os_cpu_features();
    if (have & OS_CPU_AVX512) out[n++] = &kern_avx512;
    if (have & OS_CPU_AVX2) out[n++] = &kern_avx2;
#elif defined(__aarch64__)
    if (os_cpu_features() & OS_CPU_NEON) out[n++] = &kern_neon;
#endif
    out[n++] = &kern_scalar;
    return n;
}

const kern *kern_best(void) {
    const kern *all[KERN_SETS_MAX];
    kern_all(all);
    return all[0];
}

// --- Types -------------------------------------------------------------------------------------

static const str type_names[KERN_TYPES] = {
    [KERN_F32] = STR_INIT("f32"),   [KERN_BF16] = STR_INIT("bf16"), [KERN_F16] = STR_INIT("f16"),
    [KERN_INT8] = STR_INIT("int8"), [KERN_INT4] = STR_INIT("int4"),
};

const char *kern_type_name(kern_type t) {
    return type_names[t].ptr;
}

bool kern_type_named(kern_type *out, str name) {
    for (size_t i = 0; i < KERN_TYPES; i++) {
        if (!str_eq(name, type_names[i])) continue;
        *out = (kern_type)i;
        return true;
    }
    return false;
}

// --- Panels ------------------------------------------------------------------------------------

size_t kern_panel_bytes(kern_type t, size_t k) {
    return kern__float_panel_bytes(t, k);
}

void kern_pack(void *panels, kern_type t, size_t p, const tensor *w, bool by_input) {
    kern__float_pack(panels, t, p, w, by_input);
}

void kern_unpack_row(float *out, const kern_mat *w, size_t row) {
    ASSERT(row < w->n);
    kern__float_unpack_row(out, w, row);
}

// --- Activations, keys and values --------------------------------------------------------------

void kern__quantise(const kern_rows *x, size_t row, size_t k) {
    const float *from = x->x + row * x->ld;
    int8_t *q = x->q + row * x->ld_q;
    memset(q, 0, x->ld_q);
    for (size_t at = 0; at < k; at += KERN_GROUP) {
        size_t len = min_size(KERN_GROUP, k - at);
        float max = 0;
        for (size_t i = 0; i < len; i++)
            max = fmaxf(max, fabsf(from[at + i]));
        float scale = max / 127.0F;
        x->scale[(row * x->ld_q + at) / KERN_GROUP] = scale;
        for (size_t i = 0; i < len && scale > 0; i++)
            q[at + i] = (int8_t)lrintf(from[at + i] / scale);
    }
    for (size_t i = 0; i < x->ld_q; i++)
        x->sum[(row * x->ld_q + i) / 32] = q[i] + (i % 32 ? x->sum[(row * x->ld_q + i) / 32] : 0);
}

void kern_kv_put(const kern_kv *kv, size_t pos, const float *key, const float *value, size_t head) {
    float *keys = kv->base + kv->page[pos / KERN_PAGE] * kv->stride;
    float *values = keys + KERN_PAGE * head + pos % KERN_PAGE * head;
    for (size_t i = 0; i < head; i++)
        keys[i * KERN_PAGE + pos % KERN_PAGE] = key[i];
    memcpy(values, value, head * sizeof *value);
}
