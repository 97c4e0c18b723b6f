// Rows of elements, next to each other or a step apart, in f32.
//
//   I1  widening never rounds; `add` is added in f32

#include "tensor/row.h"

#include <string.h>

void tensor_row_to_f32(float *out, const tensor_row *row, size_t k) {
    if (!row->data) {
        memset(out, 0, k * sizeof *out);
        return;
    }
    const char *from = row->data;
    size_t run = row->step == 1 ? k : 1, bytes = row->step * tensor_elem_bytes(row->dtype);
    for (size_t i = 0; i < k; i += run)
        tensor_to_f32(out + i, &(tensor){row->dtype, 1, {(int64_t)run}, from + i * bytes});
    for (size_t i = 0; i < k && row->add != 0; i++)
        out[i] += row->add;
}
