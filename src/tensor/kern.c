// Choice of kernels, and the layouts that they read.
//
// A weight matrix is cut into panels of 32 output rows, stored k-major. A product then reads each
// panel as one straight stream, broadcasts an activation and adds into 32 output lanes: no
// horizontal sums, and one code for one row and for many. Rejected: row-major dot products (a
// reduction per output, and another code for batches), and panels of 16 (one accumulator cannot
// hide the latency of an FMA).

#include "tensor/kern.h"

#include "os/cpu.h"
#include "tensor/kern_int.h"
#include "tensor/kern_isa.h"

#include <math.h>
#include <string.h>

size_t kern_all(const kern *out[KERN_SETS_MAX]) {
    size_t n = 0;
#if defined(__x86_64__)
    unsigned have = os_cpu_features();
    if (have & OS_CPU_AVX512_VNNI) out[n++] = &kern_avx512vnni;
    if (have & OS_CPU_AVX512) out[n++] = &kern_avx512;
    if (have & OS_CPU_AVX_VNNI) out[n++] = &kern_avxvnni;
    if (have & OS_CPU_AVX2) out[n++] = &kern_avx2;
#elif defined(__aarch64__)
    unsigned have = os_cpu_features();
    if (have & OS_CPU_DOTPROD) out[n++] = &kern_neondot;
    if (have & OS_CPU_NEON) out[n++] = &kern_neon;
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
    if (kern_type_is_int(t)) return kern__int_panel_bytes(t, k);
    CHECK(t == KERN_F32);
    return k * KERN_PANEL * sizeof(float);
}

// Columns [at, at + len) of row `row` of w, as f32.
static void read_row(float *line, const tensor *w, size_t row, size_t at, size_t len,
                     bool by_input) {
    size_t elem = tensor_elem_bytes(w->dtype);
    const char *data = w->data;
    if (!by_input) {
        tensor part = {w->dtype, 1, {(int64_t)len}, data + (row * (size_t)w->dim[1] + at) * elem};
        tensor_to_f32(line, &part);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        tensor one = {w->dtype, 1, {1}, data + ((at + i) * (size_t)w->dim[1] + row) * elem};
        tensor_to_f32(line + i, &one);
    }
}

void kern_pack(void *panels, kern_type t, size_t p, const tensor *w, bool by_input) {
    enum { BLOCK = 512 };
    float line[BLOCK];
    size_t n = (size_t)w->dim[by_input], k = (size_t)w->dim[!by_input];
    float *panel = (float *)panels + p * k * KERN_PANEL;
    if (kern_type_is_int(t)) {
        kern__int_pack(panels, t, p, w, by_input);
        return;
    }
    CHECK(t == KERN_F32);
    for (size_t r = 0; r < KERN_PANEL; r++) {
        size_t row = p * KERN_PANEL + r;
        for (size_t at = 0; at < k; at += BLOCK) {
            size_t len = min_size(BLOCK, k - at);
            if (row < n)
                read_row(line, w, row, at, len, by_input);
            else
                memset(line, 0, sizeof line);
            for (size_t i = 0; i < len; i++)
                panel[(at + i) * KERN_PANEL + r] = line[i];
        }
    }
}

void kern_unpack_row(float *out, const kern_mat *w, size_t row) {
    ASSERT(row < w->n);
    if (kern_type_is_int(w->type)) {
        kern__int_unpack_row(out, w, row);
        return;
    }
    const float *from = w->panels;
    from += row / KERN_PANEL * w->k * KERN_PANEL + row % KERN_PANEL;
    for (size_t i = 0; i < w->k; i++)
        out[i] = from[i * KERN_PANEL];
}

// --- Keys and values ---------------------------------------------------------------------------

void kern_kv_put(const kern_kv *kv, size_t pos, const float *key, const float *value, size_t head) {
    float *keys = kv->base + kv->page[pos / KERN_PAGE] * kv->stride;
    float *values = keys + KERN_PAGE * head + pos % KERN_PAGE * head;
    for (size_t i = 0; i < head; i++)
        keys[i * KERN_PAGE + pos % KERN_PAGE] = key[i];
    memcpy(values, value, head * sizeof *value);
}
