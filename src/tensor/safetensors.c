// A safetensors file is a JSON object that says where each tensor lies in the bytes behind it.
//
// Rejected: aligned copies of unaligned tensors (half a gigabyte at start; readers of a tensor take
// it in pieces anyway), and taking a file with gaps or overlaps (they hide data: the reference
// refuses them too).
//
//   I1  every tensor lies inside the data: begin <= end <= data, and end - begin is exactly what
//       shape and dtype say, computed without overflow
//   I2  sorted by where they lie, tensors leave no byte out and share none
//   I3  the work and memory of opening are linear in the header (times its logarithm)

#include "tensor/safetensors.h"

#include "base/json_read.h"
#include "tensor/bytes.h"

#include <stdlib.h>

struct safetensors {
    os_map map;
    arena a;
    tensor_names names;
};

typedef struct range {
    uint64_t begin, end;
    str name;
    tensor t;
} range;

static const struct dtype {
    str name;
    tensor_dtype type;
    uint8_t bytes;
} dtypes[] = {
    {STR_INIT("F32"), TENSOR_F32, 4},       {STR_INIT("F16"), TENSOR_F16, 2},
    {STR_INIT("BF16"), TENSOR_BF16, 2},     {STR_INIT("F64"), TENSOR_OTHER, 8},
    {STR_INIT("I64"), TENSOR_OTHER, 8},     {STR_INIT("U64"), TENSOR_OTHER, 8},
    {STR_INIT("I32"), TENSOR_OTHER, 4},     {STR_INIT("U32"), TENSOR_OTHER, 4},
    {STR_INIT("I16"), TENSOR_OTHER, 2},     {STR_INIT("U16"), TENSOR_OTHER, 2},
    {STR_INIT("I8"), TENSOR_OTHER, 1},      {STR_INIT("U8"), TENSOR_U8, 1},
    {STR_INIT("BOOL"), TENSOR_OTHER, 1},    {STR_INIT("F8_E4M3"), TENSOR_OTHER, 1},
    {STR_INIT("F8_E5M2"), TENSOR_OTHER, 1},
};

// --- One tensor ----------------------------------------------------------------------------------

static const struct dtype *dtype_of(str name) {
    for (size_t i = 0; i < countof(dtypes); i++)
        if (str_eq(name, dtypes[i].name)) return &dtypes[i];
    return NULL;
}

static bool is_size(uint64_t *out, const json_value *v) {
    int64_t i;
    if (!json_is_int(&i, v) || i < 0) return false;
    *out = (uint64_t)i;
    return true;
}

// Fills in dtype and dimensions; *bytes is what they take.
static status read_shape(tensor *t, uint64_t *bytes, const json_value *v, str name, err *e) {
    const json_value *shape = json_get(v, "shape");
    str text;
    if (!json_is_str(&text, json_get(v, "dtype")) || !shape || shape->kind != JSON_ARRAY)
        return err_set(e, E_FORMAT, "%.*s has no dtype or no shape", STR_ARG(name));
    const struct dtype *d = dtype_of(text);
    if (!d) return err_set(e, E_UNSUPPORTED, "%.*s has an unknown dtype", STR_ARG(name));
    if (shape->n > TENSOR_DIMS_MAX)
        return err_set(e, E_LIMIT, "%.*s: %u dimensions, limit %d", STR_ARG(name), shape->n,
                       TENSOR_DIMS_MAX);
    t->dtype = d->type;
    t->n_dims = (int)shape->n;
    *bytes = d->bytes;
    for (uint32_t i = 0; i < shape->n; i++) {
        uint64_t dim;
        if (!is_size(&dim, &shape->items[i]))
            return err_set(e, E_FORMAT, "%.*s: a dimension that is no size", STR_ARG(name));
        t->dim[i] = (int64_t)dim;
        if (__builtin_mul_overflow(*bytes, dim, bytes))  // I1
            return err_set(e, E_FORMAT, "%.*s: its shape overflows", STR_ARG(name));
    }
    return OK;
}

static status read_range(range *r, const json_value *v, str data, err *e) {
    uint64_t bytes = 0;
    *r = (range){.name = v->key};
    if (!tensor_name_ok(r->name))
        return err_set(e, E_FORMAT, "a tensor's name is no text of 1 to %d bytes", TENSOR_NAME_MAX);
    TRY(read_shape(&r->t, &bytes, v, r->name, e));
    const json_value *at = json_get(v, "data_offsets");
    if (!at || at->kind != JSON_ARRAY || at->n != 2 || !is_size(&r->begin, &at->items[0]) ||
        !is_size(&r->end, &at->items[1]) || r->begin > r->end)
        return err_set(e, E_FORMAT, "%.*s has no data_offsets", STR_ARG(r->name));
    if (r->end > data.len)  // I1
        return err_set(e, E_FORMAT, "%.*s ends at %llu of %zu bytes of data: the file is cut short",
                       STR_ARG(r->name), (unsigned long long)r->end, data.len);
    if (r->end - r->begin != bytes)
        return err_set(e, E_FORMAT, "%.*s has %llu bytes, its shape and dtype want %llu",
                       STR_ARG(r->name), (unsigned long long)(r->end - r->begin),
                       (unsigned long long)bytes);
    r->t.data = data.ptr + r->begin;
    return OK;
}

// --- All of them ---------------------------------------------------------------------------------

static int by_place(const void *a, const void *b) {
    const range *x = a, *y = b;
    if (x->begin != y->begin) return x->begin < y->begin ? -1 : 1;
    if (x->end != y->end) return x->end < y->end ? -1 : 1;
    return str_cmp(x->name, y->name);
}

static status check_whole(range *r, size_t n, str data, err *e) {  // I2
    uint64_t at = 0;
    qsort(r, n, sizeof *r, by_place);
    for (size_t i = 0; i < n; at = r[i++].end)
        if (r[i].begin != at)
            return err_set(
                e, E_FORMAT, "%.*s begins at %llu, where the data before it ends at %llu",
                STR_ARG(r[i].name), (unsigned long long)r[i].begin, (unsigned long long)at);
    if (at != data.len)
        return err_set(e, E_FORMAT, "%llu bytes behind the last tensor",
                       (unsigned long long)(data.len - at));
    return OK;
}

static status read_tensors(safetensors *s, const json_value *top, str data, arena scratch, err *e) {
    if (top->kind != JSON_OBJECT) return err_set(e, E_FORMAT, "the header is no JSON object");
    size_t n = 0, most = top->n;
    TRY(tensor_names_open(&s->names, most, &s->a, e));
    range *all = arena_try_array(&scratch, most, sizeof *all);
    if (!all) return err_set(e, E_LIMIT, "no room for %zu tensors", most);
    for (uint32_t i = 0; i < top->n; i++)
        if (!str_eq(top->items[i].key, STR("__metadata__")))
            TRY(read_range(&all[n++], &top->items[i], data, e));
    if (n == 0) return err_set(e, E_FORMAT, "no tensors");
    TRY(check_whole(all, n, data, e));
    for (size_t i = 0; i < n; i++)
        tensor_names_add(&s->names, all[i].name, &all[i].t);
    return tensor_names_sort(&s->names, e);
}

// Names without escapes are views into the file, others are in the arena that JSON is read into.
static status read_all(safetensors *s, str file, err *e) {
    uint64_t len = file.len < 8 ? 0 : bytes_le64((const uint8_t *)file.ptr);
    if (len < 2 || (len <= file.len - 8 && file.ptr[8] != '{'))
        return err_set(e, E_FORMAT, "not a safetensors file");
    if (len > SAFETENSORS_HEADER_MAX)
        return err_set(e, E_LIMIT, "a header of %llu bytes, limit %d", (unsigned long long)len,
                       SAFETENSORS_HEADER_MAX);
    if (len > file.len - 8)
        return err_set(e, E_FORMAT, "a header of %llu bytes in a file of %zu: cut short",
                       (unsigned long long)len, file.len);
    // The smallest entry, "a":{}, takes 7 bytes with its comma.
    size_t most = (size_t)min_size((size_t)len / 7 + 1, TENSOR_NAMES_MAX);
    TRY(arena_open(&s->a, json_read_arena((size_t)len) + tensor_names_arena(most), e));
    arena scratch = {0};
    TRY(arena_open(&scratch, most * sizeof(range) + 64, e));
    const json_value *top = NULL;
    status st = json_read(&top, str_first(str_skip(file, 8), (size_t)len), &s->a, e);
    if (!st) st = read_tensors(s, top, str_skip(file, 8 + (size_t)len), scratch, e);
    arena_close(&scratch);
    return st;
}

// --- Opening -------------------------------------------------------------------------------------

static status finish(safetensors *s, safetensors **out, str file, err *e) {
    status st = read_all(s, file, e);
    if (st)
        safetensors_close(s);
    else
        *out = s;
    return st;
}

static safetensors *make(err *e) {
    safetensors *s = calloc(1, sizeof *s);
    if (!s) err_set(e, E_MEMORY, "no memory for a file of tensors");
    return s;
}

status safetensors_open_bytes(safetensors **out, str file, err *e) {
    *out = NULL;
    safetensors *s = make(e);
    return s ? finish(s, out, file, e) : E_MEMORY;
}

status safetensors_open(safetensors **out, const char *path, err *e) {
    *out = NULL;
    safetensors *s = make(e);
    if (!s) return E_MEMORY;
    status st = os_map_open(&s->map, path, OS_MAP_SEQUENTIAL, e);
    if (st) {
        free(s);
        return st;
    }
    st = finish(s, out, os_map_str(&s->map), e);
    if (st) (void)err_in(e, "%s", path);
    return st;
}

void safetensors_close(safetensors *s) {
    if (!s) return;
    os_map_close(&s->map);
    arena_close(&s->a);
    free(s);
}

const tensor_names *safetensors_tensors(const safetensors *s) {
    return &s->names;
}

const os_map *safetensors_map(const safetensors *s) {
    return &s->map;
}
