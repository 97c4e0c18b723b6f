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

#include <string.h>

size_t kern_all(const kern *out[4]) {
    size_t n = 0;
#if defined(__x86_64__)
    unsigned have = os_cpu_features();
    if (have & OS_CPU_AVX512) out[n++] = &kern_avx512;
    if (have & OS_CPU_AVX2) out[n++] = &kern_avx2;
#endif
    out[n++] = &kern_scalar;
    return n;
}

const kern *kern_best(void) {
    const kern *all[4];
    kern_all(all);
    return all[0];
}

void kern_pack(float *panels, size_t p, const tensor *w) {
    enum { BLOCK = 512 };
    float line[BLOCK];
    size_t n = (size_t)w->dim[0], k = (size_t)w->dim[1], elem = tensor_elem_bytes(w->dtype);
    float *panel = panels + p * k * KERN_PANEL;
    for (size_t r = 0; r < KERN_PANEL; r++) {
        size_t row = p * KERN_PANEL + r;
        for (size_t at = 0; at < k; at += BLOCK) {
            size_t len = min_size(BLOCK, k - at);
            if (row < n) {
                const char *from = (const char *)w->data + (row * k + at) * elem;
                tensor part = {w->dtype, 1, {(int64_t)len}, from};
                tensor_to_f32(line, &part);
            } else {
                memset(line, 0, sizeof line);
            }
            for (size_t i = 0; i < len; i++)
                panel[(at + i) * KERN_PANEL + r] = line[i];
        }
    }
}

void kern_unpack_row(float *out, const kern_mat *w, size_t row) {
    ASSERT(row < w->n);
    const float *from = w->panels + row / KERN_PANEL * w->k * KERN_PANEL + row % KERN_PANEL;
    for (size_t i = 0; i < w->k; i++)
        out[i] = from[i * KERN_PANEL];
}

void kern_cache_put(kern_cache c, size_t pos, const float *key, const float *value, size_t head) {
    float *page = c.keys + pos / KERN_LANES * KERN_LANES * head + pos % KERN_LANES;
    for (size_t i = 0; i < head; i++)
        page[i * KERN_LANES] = key[i];
    memcpy(c.values + pos * head, value, head * sizeof *value);
}
