// One walk over the header makes two tables: keys sorted by name, whose values stay where they are
// in the file, and tensors, whose extents are compared with each other and with the file.
//
// Rejected: arrays of arrays (no file has them), tensors at places that are not aligned or that
// share bytes (the reference refuses both), and demanding that extents are known: a tensor of a
// type that is not known here is TENSOR_OTHER, and only who wants it is refused.
//
//   I1  every read goes through take(), which compares with what is left
//   I2  a table has at most as many entries as the rest of the file has bytes for
//   I3  a tensor of a known type lies inside the file, its length computed without overflow, and
//       shares no byte with another one

#include "tensor/gguf.h"

#include "base/utf8.h"
#include "tensor/bytes.h"

#include <stdlib.h>

enum {
    VERSION_MIN = 2,
    VERSION_MAX = 3,
    NAME_MAX = 64,          // of a tensor, as in the reference
    KEY_BYTES_MIN = 14,     // of an entry: length, a letter, type, a value
    TENSOR_BYTES_MIN = 25,  // length, a letter, dimensions, type, offset
    ALIGN_DEFAULT = 32,
};

enum { T_U8, T_I8, T_U16, T_I16, T_U32, T_I32, T_F32, T_BOOL, T_STR, T_ARRAY, T_U64, T_I64, T_F64 };

static const uint8_t value_bytes[] = {
    [T_U8] = 1,  [T_I8] = 1,   [T_U16] = 2, [T_I16] = 2, [T_U32] = 4, [T_I32] = 4,
    [T_F32] = 4, [T_BOOL] = 1, [T_U64] = 8, [T_I64] = 8, [T_F64] = 8,
};

// Types of tensors by ggml's numbers; bytes is 0 where the number means nothing.
static const struct ggml_type {
    tensor_dtype dtype;
    uint16_t len, bytes;  // of a block
} types[] = {
    [0] = {TENSOR_F32, 1, 4},       [1] = {TENSOR_F16, 1, 2},
    [2] = {TENSOR_Q4_0, 32, 18},    [3] = {TENSOR_OTHER, 32, 20},
    [6] = {TENSOR_OTHER, 32, 22},   [7] = {TENSOR_OTHER, 32, 24},
    [8] = {TENSOR_Q8_0, 32, 34},    [9] = {TENSOR_OTHER, 32, 36},
    [10] = {TENSOR_OTHER, 256, 84}, [11] = {TENSOR_OTHER, 256, 110},
    [12] = {TENSOR_Q4_K, 256, 144}, [13] = {TENSOR_OTHER, 256, 176},
    [14] = {TENSOR_Q6_K, 256, 210}, [15] = {TENSOR_OTHER, 256, 292},
    [16] = {TENSOR_OTHER, 256, 66}, [17] = {TENSOR_OTHER, 256, 74},
    [18] = {TENSOR_OTHER, 256, 98}, [19] = {TENSOR_OTHER, 256, 50},
    [20] = {TENSOR_OTHER, 32, 18},  [21] = {TENSOR_OTHER, 256, 110},
    [22] = {TENSOR_OTHER, 256, 82}, [23] = {TENSOR_OTHER, 256, 136},
    [24] = {TENSOR_OTHER, 1, 1},    [25] = {TENSOR_OTHER, 1, 2},
    [26] = {TENSOR_OTHER, 1, 4},    [27] = {TENSOR_OTHER, 1, 8},
    [28] = {TENSOR_OTHER, 1, 8},    [29] = {TENSOR_OTHER, 256, 56},
    [30] = {TENSOR_BF16, 1, 2},     [34] = {TENSOR_OTHER, 256, 54},
    [35] = {TENSOR_OTHER, 256, 66}, [39] = {TENSOR_MXFP4, 32, 17},
};

typedef struct entry {
    str key;
    uint32_t type;  // T_STR and T_ARRAY: data is what is in it, n bytes or items
    uint32_t item;  // of T_ARRAY
    size_t n;
    str data;
} entry;

struct gguf {
    os_map map;
    arena a;
    entry *entries;
    size_t n_entries;
    tensor_names names;
};

// --- Reading -------------------------------------------------------------------------------------

static bool take(str *out, str *rest, uint64_t n) {  // I1
    if (n > rest->len) return false;
    *out = str_first(*rest, (size_t)n);
    *rest = str_skip(*rest, (size_t)n);
    return true;
}

static bool take_le(uint64_t *out, str *rest, size_t n) {
    str s;
    if (!take(&s, rest, n)) return false;
    *out = bytes_le((const uint8_t *)s.ptr, n);
    return true;
}

static bool take_u32(uint32_t *out, str *rest) {
    uint64_t v = 0;
    if (!take_le(&v, rest, 4)) return false;
    *out = (uint32_t)v;
    return true;
}

static bool take_str(str *out, str *rest) {
    uint64_t n;
    return take_le(&n, rest, 8) && take(out, rest, n);
}

static status cut_short(err *e, str in) {
    return err_set(e, E_FORMAT, "%.*s: the file is cut short", STR_ARG(in));
}

static bool is_name(str s, size_t most) {
    return s.len <= most && tensor_name_ok(s) && utf8_valid(s);
}

// --- Metadata ------------------------------------------------------------------------------------

static status read_array(entry *x, str *rest, err *e) {
    uint64_t n;
    if (!take_u32(&x->item, rest) || !take_le(&n, rest, 8)) return cut_short(e, x->key);
    if (n > GGUF_ITEMS_MAX)
        return err_set(e, E_LIMIT, "%.*s: %llu items, limit %d", STR_ARG(x->key),
                       (unsigned long long)n, GGUF_ITEMS_MAX);
    x->n = (size_t)n;
    if (x->item == T_ARRAY)
        return err_set(e, E_UNSUPPORTED, "%.*s: an array of arrays", STR_ARG(x->key));
    if (x->item >= countof(value_bytes))
        return err_set(e, E_FORMAT, "%.*s: items of unknown type %u", STR_ARG(x->key), x->item);
    if (x->item != T_STR)
        return take(&x->data, rest, n * value_bytes[x->item]) ? OK : cut_short(e, x->key);
    const char *from = rest->ptr;
    str item;
    for (size_t i = 0; i < x->n; i++)
        if (!take_str(&item, rest)) return cut_short(e, x->key);
    x->data = (str){from, (size_t)(rest->ptr - from)};
    return OK;
}

static status read_value(entry *x, str *rest, err *e) {
    if (!take_u32(&x->type, rest)) return cut_short(e, x->key);
    if (x->type >= countof(value_bytes))
        return err_set(e, E_FORMAT, "%.*s: unknown type %u", STR_ARG(x->key), x->type);
    if (x->type == T_ARRAY) return read_array(x, rest, e);
    bool ok =
        x->type == T_STR ? take_str(&x->data, rest) : take(&x->data, rest, value_bytes[x->type]);
    if (!ok) return cut_short(e, x->key);
    if (x->type == T_BOOL && (uint8_t)x->data.ptr[0] > 1)
        return err_set(e, E_FORMAT, "%.*s: neither true nor false", STR_ARG(x->key));
    return OK;
}

static int by_key(const void *a, const void *b) {
    return str_cmp(((const entry *)a)->key, ((const entry *)b)->key);
}

static status read_entries(gguf *g, size_t n, str *rest, err *e) {
    g->entries = arena_try_array(&g->a, n, sizeof *g->entries);
    if (!g->entries) return err_set(e, E_LIMIT, "no room for %zu keys", n);
    for (; g->n_entries < n; g->n_entries++) {
        entry *x = &g->entries[g->n_entries];
        if (!take_str(&x->key, rest)) return cut_short(e, STR("metadata"));
        if (!is_name(x->key, GGUF_KEY_MAX))
            return err_set(e, E_FORMAT, "a key is no text of 1 to %d bytes", GGUF_KEY_MAX);
        TRY(read_value(x, rest, e));
    }
    qsort(g->entries, n, sizeof *g->entries, by_key);
    for (size_t i = 1; i < n; i++)
        if (str_eq(g->entries[i - 1].key, g->entries[i].key))
            return err_set(e, E_FORMAT, "two keys are %.*s", STR_ARG(g->entries[i].key));
    return OK;
}

static const entry *find(const gguf *g, const char *key) {
    entry want = {.key = str_of(key)};
    return g->n_entries ? bsearch(&want, g->entries, g->n_entries, sizeof want, by_key) : NULL;
}

static status read_align(size_t *out, const gguf *g, err *e) {
    const entry *x = find(g, "general.alignment");
    *out = ALIGN_DEFAULT;
    if (!x) return OK;
    if (x->type != T_U32)
        return err_set(e, E_FORMAT, "general.alignment is not an unsigned number of 32 bits");
    *out = bytes_le32((const uint8_t *)x->data.ptr);
    if (*out == 0 || *out & (*out - 1) || *out > GGUF_ALIGN_MAX)
        return err_set(e, E_FORMAT, "general.alignment %zu is no power of two up to %d", *out,
                       GGUF_ALIGN_MAX);
    return OK;
}

// --- Tensors -------------------------------------------------------------------------------------

typedef struct extent {
    str name;
    tensor t;
    uint64_t at, len;  // len is 0 for unknown types
} extent;

// Dimensions come fastest first.
static status read_dims(extent *x, uint64_t *count, str *rest, err *e) {
    uint32_t n;
    if (!take_u32(&n, rest)) return cut_short(e, x->name);
    if (n > TENSOR_DIMS_MAX)
        return err_set(e, E_LIMIT, "%.*s: %u dimensions, limit %d", STR_ARG(x->name), n,
                       TENSOR_DIMS_MAX);
    x->t.n_dims = (int)n;
    *count = 1;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t dim;
        if (!take_le(&dim, rest, 8)) return cut_short(e, x->name);
        if (dim > INT64_MAX || __builtin_mul_overflow(*count, dim, count))
            return err_set(e, E_FORMAT, "%.*s: its shape overflows", STR_ARG(x->name));
        x->t.dim[n - 1 - i] = (int64_t)dim;
    }
    return OK;
}

static status read_type(extent *x, uint64_t count, str *rest, err *e) {
    uint32_t type;
    if (!take_u32(&type, rest)) return cut_short(e, x->name);
    x->t.dtype = TENSOR_OTHER;
    if (type >= countof(types) || types[type].bytes == 0) return OK;
    const struct ggml_type *y = &types[type];
    uint64_t row = x->t.n_dims ? (uint64_t)x->t.dim[x->t.n_dims - 1] : 1;
    if (row % y->len)
        return err_set(e, E_FORMAT, "%.*s: rows of %llu values are not whole blocks of %u",
                       STR_ARG(x->name), (unsigned long long)row, y->len);
    if (__builtin_mul_overflow(count / y->len, (uint64_t)y->bytes, &x->len))
        return err_set(e, E_FORMAT, "%.*s: its shape overflows", STR_ARG(x->name));
    x->t.dtype = y->dtype;
    return OK;
}

static status read_extent(extent *x, str *rest, size_t align, err *e) {
    uint64_t count = 0;
    if (!take_str(&x->name, rest)) return cut_short(e, STR("tensors"));
    if (!is_name(x->name, NAME_MAX))
        return err_set(e, E_FORMAT, "a tensor's name is no text of 1 to %d bytes", NAME_MAX);
    TRY(read_dims(x, &count, rest, e));
    TRY(read_type(x, count, rest, e));
    if (!take_le(&x->at, rest, 8)) return cut_short(e, x->name);
    if (x->at % align)
        return err_set(e, E_FORMAT, "%.*s begins at %llu, which is not aligned to %zu",
                       STR_ARG(x->name), (unsigned long long)x->at, align);
    return OK;
}

static int by_place(const void *a, const void *b) {
    const extent *x = a, *y = b;
    if (x->at != y->at) return x->at < y->at ? -1 : 1;
    if (x->len != y->len) return x->len < y->len ? -1 : 1;
    return str_cmp(x->name, y->name);
}

static status place(extent *all, size_t n, str data, err *e) {  // I3
    uint64_t end = 0;
    qsort(all, n, sizeof *all, by_place);
    for (size_t i = 0; i < n; i++) {
        extent *x = &all[i];
        if (x->at > data.len || x->len > data.len - x->at)
            return err_set(e, E_FORMAT, "%.*s: %llu bytes at %llu of %zu: the file is cut short",
                           STR_ARG(x->name), (unsigned long long)x->len, (unsigned long long)x->at,
                           data.len);
        if (x->at < end)
            return err_set(e, E_FORMAT, "%.*s begins at %llu, inside another tensor",
                           STR_ARG(x->name), (unsigned long long)x->at);
        end = x->at + x->len;
        x->t.data = data.ptr + x->at;
    }
    return OK;
}

static status read_tensors(gguf *g, size_t n, str file, str rest, arena scratch, err *e) {
    size_t align;
    TRY(read_align(&align, g, e));
    TRY(tensor_names_open(&g->names, n, &g->a, e));
    extent *all = arena_try_array(&scratch, n, sizeof *all);
    if (!all) return err_set(e, E_LIMIT, "no room for %zu tensors", n);
    for (size_t i = 0; i < n; i++)
        TRY(read_extent(&all[i], &rest, align, e));
    TRY(place(all, n, str_skip(file, align_up(file.len - rest.len, align)), e));
    for (size_t i = 0; i < n; i++)
        tensor_names_add(&g->names, all[i].name, &all[i].t);
    return tensor_names_sort(&g->names, e);
}

// --- The file ------------------------------------------------------------------------------------

static status read_counts(size_t *tensors, size_t *keys, str *rest, err *e) {
    uint32_t magic, version;
    uint64_t n_tensors, n_keys;
    if (!take_u32(&magic, rest) || magic != 0x46554747) return err_set(e, E_FORMAT, "not GGUF");
    if (!take_u32(&version, rest)) return cut_short(e, STR("version"));
    if (version && (version & 0xFFFF) == 0)
        return err_set(e, E_UNSUPPORTED, "GGUF of a big-endian machine");
    if (version < VERSION_MIN || version > VERSION_MAX)
        return err_set(e, E_UNSUPPORTED, "GGUF version %u; versions %d and %d are read", version,
                       VERSION_MIN, VERSION_MAX);
    if (!take_le(&n_tensors, rest, 8) || !take_le(&n_keys, rest, 8))
        return cut_short(e, STR("counts"));
    if (n_keys > GGUF_KEYS_MAX)
        return err_set(e, E_LIMIT, "%llu keys, limit %d", (unsigned long long)n_keys,
                       GGUF_KEYS_MAX);
    if (n_tensors > TENSOR_NAMES_MAX)
        return err_set(e, E_LIMIT, "%llu tensors, limit %d", (unsigned long long)n_tensors,
                       TENSOR_NAMES_MAX);
    if (n_keys * KEY_BYTES_MIN + n_tensors * TENSOR_BYTES_MIN > rest->len)  // I2
        return err_set(e, E_FORMAT,
                       "%llu keys and %llu tensors in %zu bytes: the file is cut short",
                       (unsigned long long)n_keys, (unsigned long long)n_tensors, rest->len);
    *tensors = (size_t)n_tensors;
    *keys = (size_t)n_keys;
    return OK;
}

static status read_all(gguf *g, str file, err *e) {
    str rest = file;
    size_t n_tensors = 0, n_keys = 0;
    arena scratch = {0};
    TRY(read_counts(&n_tensors, &n_keys, &rest, e));
    TRY(arena_open(&g->a, n_keys * sizeof(entry) + tensor_names_arena(n_tensors) + 64, e));
    TRY(arena_open(&scratch, n_tensors * sizeof(extent) + 64, e));
    status s = read_entries(g, n_keys, &rest, e);
    if (!s) s = read_tensors(g, n_tensors, file, rest, scratch, e);
    arena_close(&scratch);
    return s;
}

static status finish(gguf *g, gguf **out, str file, err *e) {
    status s = read_all(g, file, e);
    if (s)
        gguf_close(g);
    else
        *out = g;
    return s;
}

static gguf *make(err *e) {
    gguf *g = calloc(1, sizeof *g);
    if (!g) err_set(e, E_MEMORY, "no memory for a GGUF file");
    return g;
}

status gguf_open_text(gguf **out, str bytes, err *e) {
    *out = NULL;
    gguf *g = make(e);
    return g ? finish(g, out, bytes, e) : E_MEMORY;
}

status gguf_open(gguf **out, const char *path, err *e) {
    *out = NULL;
    gguf *g = make(e);
    if (!g) return E_MEMORY;
    status s = os_map_open(&g->map, path, OS_MAP_SEQUENTIAL, e);
    if (s) {
        free(g);
        return s;
    }
    s = finish(g, out, os_map_str(&g->map), e);
    if (s) (void)err_in(e, "%s", path);
    return s;
}

void gguf_close(gguf *g) {
    if (!g) return;
    os_map_close(&g->map);
    arena_close(&g->a);
    free(g);
}

const tensor_names *gguf_tensors(const gguf *g) {
    return &g->names;
}

const os_map *gguf_map(const gguf *g) {
    return &g->map;
}

// --- Values --------------------------------------------------------------------------------------

static bool number_at(double *out, uint32_t type, const char *data) {
    const uint8_t *p = (const uint8_t *)data;
    float f;
    switch (type) {
    case T_U8:
    case T_U16:
    case T_U32:
    case T_U64:
        *out = (double)bytes_le(p, value_bytes[type]);
        return true;
    case T_I8:
        *out = (int8_t)p[0];
        return true;
    case T_I16:
        *out = (int16_t)bytes_le16(p);
        return true;
    case T_I32:
        *out = (int32_t)bytes_le32(p);
        return true;
    case T_I64:
        *out = (double)(int64_t)bytes_le64(p);
        return true;
    case T_F32:
        memcpy(&f, p, sizeof f), *out = (double)f;
        return true;
    case T_F64:
        memcpy(out, p, sizeof *out);
        return true;
    default:
        return false;
    }
}

bool gguf_number(double *out, const gguf *g, const char *key) {
    const entry *x = find(g, key);
    return x && number_at(out, x->type, x->data.ptr);
}

bool gguf_bool(bool *out, const gguf *g, const char *key) {
    const entry *x = find(g, key);
    if (!x || x->type != T_BOOL) return false;
    *out = x->data.ptr[0] != 0;
    return true;
}

bool gguf_str(str *out, const gguf *g, const char *key) {
    const entry *x = find(g, key);
    if (!x || x->type != T_STR) return false;
    *out = x->data;
    return true;
}

bool gguf_key(str *out, const gguf *g, size_t i) {
    if (i >= g->n_entries) return false;
    *out = g->entries[i].key;
    return true;
}

bool gguf_items(gguf_array *out, const gguf *g, const char *key) {
    const entry *x = find(g, key);
    if (!x || x->type != T_ARRAY) return false;
    *out = (gguf_array){.n = x->n,
                        .is_str = x->item == T_STR,
                        .type = x->item,
                        .data = (const uint8_t *)x->data.ptr,
                        .len = x->data.len};
    return true;
}

bool gguf_item_number(double *out, const gguf_array *a, size_t i) {
    if (i >= a->n || a->is_str) return false;
    if (a->type == T_BOOL) return *out = a->data[i] != 0, true;
    return number_at(out, a->type, (const char *)a->data + i * value_bytes[a->type]);
}

bool gguf_item_str(str *out, const gguf_array *a, size_t *at) {
    if (!a->is_str || *at >= a->len) return false;
    str rest = {(const char *)a->data + *at, a->len - *at};
    CHECK(take_str(out, &rest));
    *at = a->len - rest.len;
    return true;
}
