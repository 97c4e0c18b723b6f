// Reading weights to be packed: some columns of a panel's rows at a time, whatever the rows are
// stored as.

#include "kern/kern_isa.h"

#include "os/cpu.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx,f16c"))) static void f16c_widen(float *out, const char *x, size_t n) {
    for (size_t i = 0; i + 8 <= n; i += 8)
        _mm256_storeu_ps(
            out + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)(x + 2 * i))));
    tensor rest = {TENSOR_F16, 1, {(int64_t)(n % 8)}, x + n / 8 * 8 * 2};
    tensor_to_f32(out + n / 8 * 8, &rest);
}

// Halves next to each other, on a machine that has an instruction for them.
static bool is_f16c(const tensor_row *row) {
    return row->dtype == TENSOR_F16 && row->step == 1 && row->add == 0 && row->data &&
           (os_cpu_features() & OS_CPU_AVX2);
}
#else
#define is_f16c(row)            false
#define f16c_widen(out, x, len) (void)0
#endif

const void *kern__row_at(const tensor_row *row, size_t at) {
    size_t bytes = row->step * tensor_elem_bytes(row->dtype);
    return (const char *)row->data + at * bytes;
}

// The row from column `at` on.
static tensor_row part_of(const tensor_row *row, size_t at) {
    tensor_row part = *row;
    if (!row->data) return part;
    size_t len = tensor_block_len(row->dtype);
    if (row->dtype == TENSOR_U8) {
        part.data = (const char *)row->data + at / 2;
        part.scales = row->scales + at / 32;
    } else if (len > 1) {
        part.data = (const char *)row->data + at / len * tensor_block_bytes(row->dtype);
    } else {
        part.data = kern__row_at(row, at);
    }
    return part;
}

void kern__read(float (*out)[KERN_READ], const tensor_row row[KERN_PANEL], size_t at, size_t len) {
    for (size_t r = 0; r < KERN_PANEL; r++) {
        tensor_row part = part_of(&row[r], at);
        if (is_f16c(&part))
            f16c_widen(out[r], part.data, len);
        else
            tensor_row_to_f32(out[r], &part, len);
    }
}
