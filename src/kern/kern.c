// Choice of kernels, and the layouts that they read.
//
// A weight matrix is cut into panels of 32 output rows, stored k-major. A product then reads each
// panel as one straight stream, broadcasts an activation and adds into 32 output lanes: no
// horizontal sums, and one code for one row and for many. Rejected: row-major dot products (a
// reduction per output, and another code for batches), and panels of 16 (one accumulator cannot
// hide the latency of an FMA).

#include "kern/kern.h"

#include "kern/kern_int.h"
#include "kern/kern_isa.h"
#include "os/cpu.h"

#include <math.h>
#include <string.h>

size_t kern_all(const kern *out[KERN_SETS_MAX]) {
    size_t n = 0;
#if defined(__x86_64__)
    unsigned have = os_cpu_features();
    if (have & OS_CPU_AMX_INT8) out[n++] = &kern_amx;
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
    [KERN_F32] = STR_INIT("f32"),   [KERN_BF16] = STR_INIT("bf16"),
    [KERN_F16] = STR_INIT("f16"),   [KERN_INT8] = STR_INIT("int8"),
    [KERN_INT4] = STR_INIT("int4"), [KERN_Q8_0] = STR_INIT("q8_0"),
    [KERN_Q4_0] = STR_INIT("q4_0"), [KERN_MXFP4] = STR_INIT("mxfp4"),
};

const char *kern_type_name(kern_type t) {
    return type_names[t].ptr;
}

bool kern_type_named(kern_type *out, str name) {
    for (size_t i = 0; i <= KERN_INT4; i++) {
        if (!str_eq(name, type_names[i])) continue;
        *out = (kern_type)i;
        return true;
    }
    return false;
}

// --- Panels ------------------------------------------------------------------------------------

size_t kern_panel_bytes(kern_type t, size_t k) {
    return kern_type_is_int(t) ? kern__int_panel_bytes(t, k) : kern__float_panel_bytes(t, k);
}

void kern_pack(void *panel, kern_type t, const tensor_row row[KERN_PANEL], size_t k) {
    (kern_type_is_int(t) ? kern__int_pack : kern__float_pack)(panel, t, row, k);
}

void kern_unpack_row(float *out, const kern_mat *w, size_t row) {
    ASSERT(row < w->n);
    (kern_type_is_int(w->type) ? kern__int_unpack_row : kern__float_unpack_row)(out, w, row);
}

// --- Keys and values ---------------------------------------------------------------------------

static void put_halves(uint16_t *keys, size_t at, const float *key, const float *value,
                       size_t head) {
    uint16_t half[KERN_HEAD_MAX];
    kern__narrow_f16(half, key, head);
    for (size_t i = 0; i < head; i++)
        keys[i * KERN_PAGE + at] = half[i];
    kern__narrow_f16(keys + KERN_PAGE * head + at * head, value, head);
}

void kern_kv_put(const kern_kv *kv, size_t pos, const float *key, const float *value, size_t head) {
    float *keys = kv->base + kv->page[pos / KERN_PAGE] * kv->stride;
    size_t at = pos % KERN_PAGE;
    ASSERT(head <= KERN_HEAD_MAX && head % KERN_LANES == 0);
    if (kv->type == KERN_F16) {
        put_halves((uint16_t *)(void *)keys, at, key, value, head);
        return;
    }
    for (size_t i = 0; i < head; i++)
        keys[i * KERN_PAGE + at] = key[i];
    memcpy(keys + KERN_PAGE * head + at * head, value, head * sizeof *value);
}
