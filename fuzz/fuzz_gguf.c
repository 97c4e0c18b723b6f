// The GGUF reader: the input as a file. What it says must lie in it, all of it is read.

#include "fuzz/fuzz.h"

#include "tensor/gguf.h"
#include "tensor/row.h"

static unsigned touch_tensors(const gguf *g, str file) {
    const tensor_names *all = gguf_tensors(g);
    const uint8_t *end = (const uint8_t *)file.ptr + file.len;
    unsigned sum = 0;
    for (size_t i = 0; i < all->n; i++) {
        tensor t = all->in_order[i].t, again;
        const uint8_t *from = t.data;
        float out[256];
        CHECK(tensor_names_find(&again, all, all->in_order[i].name) && again.data == t.data);
        CHECK(from >= (const uint8_t *)file.ptr && from <= end);
        size_t len = tensor_block_len(t.dtype), count = tensor_count(&t);
        if (len == 0 || count == 0) continue;
        size_t bytes = count / len * tensor_block_bytes(t.dtype);
        CHECK(count % len == 0 && bytes <= (size_t)(end - from));
        const uint8_t *last = from + bytes - tensor_block_bytes(t.dtype);
        tensor_row_to_f32(out, &(tensor_row){.dtype = t.dtype, .data = last, .step = 1}, len);
        sum += from[0] + (out[len - 1] > 0);
    }
    return sum;
}

static unsigned touch_keys(const gguf *g) {
    static const char *const keys[] = {"general.alignment", "a", "b", "s", "n", "text"};
    unsigned sum = 0;
    for (size_t k = 0; k < countof(keys); k++) {
        gguf_array a;
        double v;
        bool b;
        str s;
        if (gguf_number(&v, g, keys[k])) sum += v > 0;
        if (gguf_bool(&b, g, keys[k])) sum += b;
        if (gguf_str(&s, g, keys[k]) && s.len) sum += (uint8_t)s.ptr[s.len - 1];
        if (!gguf_items(&a, g, keys[k])) continue;
        size_t at = 0, n = 0;
        for (; gguf_item_str(&s, &a, &at); n++)
            if (s.len) sum += (uint8_t)s.ptr[s.len - 1];
        CHECK(n == (a.is_str ? a.n : 0));
        for (size_t i = 0; i < a.n && gguf_item_number(&v, &a, i); i++)
            sum += v > 0;
    }
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static volatile unsigned sink;
    str file = {(const char *)data, len};
    gguf *g;
    err e = {0};
    if (gguf_open_text(&g, file, &e)) {
        CHECK(e.msg[0] && !g);
        return 0;
    }
    sink = sink + touch_tensors(g, file) + touch_keys(g);
    gguf_close(g);
    return 0;
}
