// The checkpoint reader: the input as a file, and the input as the pickle alone.

#include "fuzz/fuzz.h"

#include "tensor/pickle.h"
#include "tensor/pt.h"

#include <string.h>

// Every view must lie inside the file: read its ends.
static unsigned touch(const pt *p, str file) {
    unsigned sum = 0;
    for (size_t i = 0; i < pt_tensors(p)->n; i++) {
        str name = pt_tensors(p)->in_order[i].name;
        tensor t = pt_tensors(p)->in_order[i].t, again;
        CHECK(name.len > 0);
        size_t bytes = tensor_count(&t) * tensor_elem_bytes(t.dtype);
        CHECK(bytes <= file.len);
        const uint8_t *from = t.data;
        if (bytes) sum += from[0] + from[bytes - 1];
        char text[512];
        if (name.len >= sizeof text || memchr(name.ptr, 0, name.len)) continue;
        memcpy(text, name.ptr, name.len);
        text[name.len] = 0;
        CHECK(pt_tensor(&again, p, text) && again.data == t.data);
    }
    double v;
    return sum + pt_number(&v, p, "config", "n_layer") + pt_number(&v, p, "", "step");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena a;
    static volatile unsigned sink;
    str bytes = {(const char *)data, len};
    pt *p;
    err e = {0};
    if (!pt_open_bytes(&p, bytes, &e)) {
        sink += touch(p, bytes);
        sink += pt_check(p, &e) || pt_verify(p, NULL, &e);
        pt_close(p);
    }
    if (!a.base && arena_open(&a, PICKLE_ARENA, &e)) return 0;
    pickle_value *v;
    if (!pickle_read(&v, bytes, &a, &e)) sink += pickle_get(v, STR("model")) != NULL;
    arena_reset(&a, 1 << 20);
    return 0;
}
