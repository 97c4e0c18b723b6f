// The safetensors reader: the input as a file.

#include "fuzz/fuzz.h"

#include "tensor/safetensors.h"

#include <string.h>

// Views tile the data: read their ends.
static unsigned touch(const safetensors *s, str file) {
    const tensor_names *all = safetensors_tensors(s);
    const uint8_t *end = (const uint8_t *)file.ptr + file.len, *at = NULL;
    unsigned sum = 0;
    for (size_t i = 0; i < all->n; i++) {
        tensor t = all->in_order[i].t, again;
        const uint8_t *from = t.data;
        CHECK(from >= (const uint8_t *)file.ptr + 8 && from <= end && (!at || from >= at));
        size_t bytes = tensor_count(&t) * tensor_elem_bytes(t.dtype);
        CHECK(bytes <= (size_t)(end - from));
        if (bytes) sum += from[0] + from[bytes - 1];
        if (t.dtype != TENSOR_OTHER) at = from + bytes;
        CHECK(tensor_name_ok(all->in_order[i].name));
        CHECK(tensor_names_find(&again, all, all->in_order[i].name) && again.data == t.data);
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static volatile unsigned sink;
    str file = {(const char *)data, len};
    safetensors *s;
    err e = {0};
    if (safetensors_open_bytes(&s, file, &e)) {
        CHECK(e.msg[0] && !s);
        return 0;
    }
    sink = sink + touch(s, file);
    safetensors_close(s);
    return 0;
}
