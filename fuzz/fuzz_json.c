// Any bytes as JSON: bounded memory, and every value can be reached by its key.

#include "base/json_read.h"
#include "fuzz/fuzz.h"

static size_t visit(const json_value *v) {
    size_t n = 1;
    if (v->kind != JSON_ARRAY && v->kind != JSON_OBJECT) return n;
    for (uint32_t i = 0; i < v->n; i++) {
        if (v->kind == JSON_OBJECT) CHECK(json_get_str(v, v->items[i].key) == &v->items[i]);
        n += visit(&v->items[i]);
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena mem;
    if (!mem.base) CHECK(!arena_open(&mem, 1 << 30, NULL));
    arena scratch = mem;
    str text = {(const char *)data, len};
    const json_value *v;
    if (json_read(&v, text, &scratch, NULL)) return 0;
    CHECK(scratch.used - mem.used <= json_read_arena(len));
    CHECK(visit(v) <= len);
    return 0;
}
