// A checkpoint is a ZIP of raw storages and a pickle that says how tensors lie in them.
//
// zip.c finds the storages, pickle.c turns the pickle into inert records; here the records that are
// tensors become views. Only contiguous row-major tensors are taken, because that is what a state
// dict holds and what the kernels want. Rejected: copying odd strides or alignments into fresh
// memory (a checkpoint with them is a mistake worth telling its owner).
//
//   I1  every view lies inside its ZIP entry: offset + count <= storage elements, checked without
//       overflow, and storage elements * element size <= entry bytes
//   I2  names are unique, UTF-8 and without control characters, so that they can stand in messages
//   I3  a walk over pickle values has a fixed depth: they may be cyclic

#include "tensor/pt.h"

#include "tensor/pickle.h"
#include "tensor/zip.h"

#include <stdlib.h>

struct pt {
    os_map map;
    arena a;
    str prefix;  // "model/": what stands before data.pkl
    zip z;
    const pickle_value *top;
    const zip_entry *pickle;
    tensor_names names;
};

// --- Storages ------------------------------------------------------------------------------------

static const struct storage_type {
    const char *name;
    tensor_dtype dtype;
    uint8_t bytes;
} storage_types[] = {
    {"torch FloatStorage", TENSOR_F32, 4},     {"torch HalfStorage", TENSOR_F16, 2},
    {"torch BFloat16Storage", TENSOR_BF16, 2}, {"torch DoubleStorage", TENSOR_OTHER, 8},
    {"torch LongStorage", TENSOR_OTHER, 8},    {"torch IntStorage", TENSOR_OTHER, 4},
    {"torch ShortStorage", TENSOR_OTHER, 2},   {"torch CharStorage", TENSOR_OTHER, 1},
    {"torch ByteStorage", TENSOR_OTHER, 1},    {"torch BoolStorage", TENSOR_OTHER, 1},
};

typedef struct storage {
    const struct storage_type *type;
    str data;
    int64_t count;  // elements
} storage;

static const struct storage_type *storage_type_of(const pickle_value *v) {
    for (size_t i = 0; i < countof(storage_types); i++)
        if (pickle_is_global(v, storage_types[i].name)) return &storage_types[i];
    return NULL;
}

static bool is_int(const pickle_value *v, int64_t least) {
    return v->kind == PICKLE_INT && v->i >= least;
}

static const zip_entry *entry_of(const pt *p, const char *dir, str key) {
    char path[ZIP_NAME_MAX];
    size_t n = strlen(dir);
    if (p->prefix.len + n + key.len > sizeof path) return NULL;
    memcpy(path, p->prefix.ptr, p->prefix.len);
    memcpy(path + p->prefix.len, dir, n);
    if (key.len) memcpy(path + p->prefix.len + n, key.ptr, key.len);
    return zip_find(&p->z, (str){path, p->prefix.len + n + key.len});
}

// ('storage', class, key, location, count): what torch's persistent_id writes.
static status storage_of(storage *s, const pt *p, const pickle_value *v, str name, err *e) {
    const pickle_value *id = v->kind == PICKLE_PERSID ? v->args : NULL;
    if (!id || id->kind != PICKLE_TUPLE || id->n < 5 || id->items[0]->kind != PICKLE_STR ||
        !str_eq(id->items[0]->s, STR("storage")) || id->items[2]->kind != PICKLE_STR ||
        !is_int(id->items[4], 0))
        return err_set(e, E_FORMAT, "%.*s: its storage is malformed", STR_ARG(name));
    s->type = storage_type_of(id->items[1]);
    if (!s->type)
        return err_set(e, E_UNSUPPORTED, "%.*s: its element type is not supported (quantised?)",
                       STR_ARG(name));
    const zip_entry *z = entry_of(p, "data/", id->items[2]->s);
    if (!z) return err_set(e, E_FORMAT, "%.*s: its data is not in the file", STR_ARG(name));
    s->data = z->data;
    s->count = id->items[4]->i;
    if ((uint64_t)s->count > z->data.len / s->type->bytes)  // I1
        return err_set(e, E_FORMAT, "%.*s: %lld elements do not fit in the %zu bytes of %.*s",
                       STR_ARG(name), (long long)s->count, z->data.len, STR_ARG(z->name));
    return OK;
}

// --- Tensors -------------------------------------------------------------------------------------

// Fills in the dimensions; *count is their product.
static status shape_of(tensor *t, int64_t *count, const pickle_value *size,
                       const pickle_value *stride, str name, err *e) {
    if (pickle_is_call(size, "torch Size") && size->args->n == 1) size = size->args->items[0];
    if (size->kind != PICKLE_TUPLE || stride->kind != PICKLE_TUPLE || size->n != stride->n)
        return err_set(e, E_FORMAT, "%.*s: its shape is malformed", STR_ARG(name));
    if (size->n > TENSOR_DIMS_MAX)
        return err_set(e, E_LIMIT, "%.*s: %u dimensions, limit %d", STR_ARG(name), size->n,
                       TENSOR_DIMS_MAX);
    t->n_dims = (int)size->n;
    *count = 1;
    bool dense = true;
    for (int i = t->n_dims - 1; i >= 0; i--) {
        if (!is_int(size->items[i], 0) || !is_int(stride->items[i], 0))
            return err_set(e, E_FORMAT, "%.*s: a negative size or stride", STR_ARG(name));
        t->dim[i] = size->items[i]->i;
        dense &= t->dim[i] == 1 || stride->items[i]->i == *count;
        if (__builtin_mul_overflow(*count, t->dim[i], count))
            return err_set(e, E_FORMAT, "%.*s: its shape overflows", STR_ARG(name));
    }
    if (!dense && *count != 0)
        return err_set(e, E_UNSUPPORTED, "%.*s is not contiguous: save its .contiguous()",
                       STR_ARG(name));
    return OK;
}

// _rebuild_tensor_v2(storage, offset, size, stride, ...) after torch/_utils.py.
static status tensor_of(tensor *t, const pt *p, const pickle_value *args, str name, err *e) {
    storage s = {0};
    int64_t count = 0;
    *t = (tensor){0};
    if (args->n < 4) return err_set(e, E_FORMAT, "%.*s: too few arguments", STR_ARG(name));
    TRY(storage_of(&s, p, args->items[0], name, e));
    TRY(shape_of(t, &count, args->items[2], args->items[3], name, e));
    const pickle_value *off = args->items[1];
    if (!is_int(off, 0) || off->i > s.count || count > s.count - off->i)  // I1
        return err_set(e, E_FORMAT, "%.*s reaches past the end of its storage", STR_ARG(name));
    t->dtype = s.type->dtype;
    t->data = s.data.ptr + (size_t)off->i * s.type->bytes;
    if ((uintptr_t)t->data % s.type->bytes)
        return err_set(e, E_UNSUPPORTED,
                       "%.*s is not aligned in the file: write it with torch.save", STR_ARG(name));
    return OK;
}

// The arguments of the call that makes a tensor; NULL when `v` is none. A Parameter wraps one.
static const pickle_value *tensor_args(const pickle_value *v) {
    if (pickle_is_call(v, "torch._utils _rebuild_parameter") && v->args->n) v = v->args->items[0];
    return pickle_is_call(v, "torch._utils _rebuild_tensor_v2") ||
                   pickle_is_call(v, "torch._utils _rebuild_tensor")
               ? v->args
               : NULL;
}

// A quantised, sparse or newer kind of tensor: refused by name rather than left out.
static bool is_other_tensor(const pickle_value *v) {
    return v->kind == PICKLE_OBJECT && v->callee->kind == PICKLE_GLOBAL &&
           str_starts(v->callee->s, STR("torch._utils _rebuild_"));
}

// --- The state dict ------------------------------------------------------------------------------

// What torch.compile and DistributedDataParallel put in front of every name.
static str strip(str name) {
    static const str orig = STR_INIT("_orig_mod."), module = STR_INIT("module.");
    for (;;)
        if (str_starts(name, orig))
            name = str_skip(name, orig.len);
        else if (str_starts(name, module))
            name = str_skip(name, module.len);
        else
            return name;
}

static status add_tensor(pt *p, const pickle_value *key, const pickle_value *value, err *e) {
    const pickle_value *args = tensor_args(value);
    if (!args && !is_other_tensor(value)) return OK;
    if (key->kind != PICKLE_STR || !tensor_name_ok(key->s))  // UTF-8 was checked by pickle.c
        return err_set(e, E_FORMAT, "a tensor's name is no text of 1 to %d bytes", TENSOR_NAME_MAX);
    if (!args)
        return err_set(e, E_UNSUPPORTED, "%.*s: %.*s is not supported", STR_ARG(key->s),
                       STR_ARG(str_skip(value->callee->s, sizeof "torch._utils")));
    tensor t;
    TRY(tensor_of(&t, p, args, key->s, e));
    tensor_names_add(&p->names, strip(key->s), &t);
    return OK;
}

static status read_tensors(pt *p, err *e) {
    const pickle_value *dict = pickle_get(p->top, STR("model"));
    if (!dict || (dict->kind != PICKLE_DICT && dict->kind != PICKLE_OBJECT)) dict = p->top;
    size_t n = dict->n / 2;
    TRY(tensor_names_open(&p->names, n, &p->a, e));
    for (size_t i = 0; i < n; i++)
        TRY(add_tensor(p, dict->items[2 * i], dict->items[2 * i + 1], e));
    if (p->names.n == 0)
        return err_set(e, E_FORMAT, "no tensors: expected a state dict under \"model\"");
    return tensor_names_sort(&p->names, e);
}

// --- Opening -------------------------------------------------------------------------------------

// The one entry that ends in "/data.pkl" gives the prefix of all others.
static status find_pickle(const zip_entry **out, pt *p, err *e) {
    str suffix = STR("/data.pkl");
    for (size_t i = 0; i < p->z.n; i++) {
        str name = p->z.entry[i].name;
        if (!str_ends(name, suffix)) continue;
        if (p->prefix.len) return err_set(e, E_FORMAT, "two entries end in /data.pkl");
        p->prefix = str_first(name, name.len - suffix.len + 1);
        *out = &p->z.entry[i];
    }
    if (!p->prefix.len)
        return err_set(e, E_FORMAT, "a ZIP without data.pkl: not a torch.save file");
    const zip_entry *order = entry_of(p, "byteorder", (str){0});
    if (order && !str_eq(str_trim(order->data), STR("little")))
        return err_set(e, E_UNSUPPORTED, "byteorder is not little");
    return OK;
}

static status read_all(pt *p, str file, err *e) {
    pickle_value *top = NULL;
    TRY(zip_read(&p->z, file, &p->a, e));
    TRY(find_pickle(&p->pickle, p, e));
    TRY(pickle_read(&top, p->pickle->data, &p->a, e));
    if (top->kind != PICKLE_DICT && top->kind != PICKLE_OBJECT)
        return err_set(e, E_FORMAT, "the checkpoint is no dict");
    p->top = top;
    return read_tensors(p, e);
}

static status make(pt **out, err *e) {
    *out = NULL;
    pt *p = calloc(1, sizeof *p);
    if (!p) return err_set(e, E_MEMORY, "no memory for a checkpoint");
    status s = arena_open(&p->a, PICKLE_ARENA, e);
    if (s)
        free(p);
    else
        *out = p;
    return s;
}

static status finish(pt **out, str file, err *e) {
    status s = read_all(*out, file, e);
    if (s) {
        pt_close(*out);
        *out = NULL;
    }
    return s;
}

status pt_open_bytes(pt **out, str file, err *e) {
    TRY(make(out, e));
    return finish(out, file, e);
}

status pt_open(pt **out, const char *path, err *e) {
    TRY(make(out, e));
    status s = os_map_open(&(*out)->map, path, OS_MAP_SEQUENTIAL, e);
    if (s) {
        pt_close(*out);
        *out = NULL;
        return s;
    }
    s = finish(out, os_map_str(&(*out)->map), e);
    if (s) (void)err_in(e, "%s", path);
    return s;
}

status pt_check(const pt *p, err *e) {
    return zip_check(p->pickle, e);
}

status pt_verify(const pt *p, os_pool *pool, err *e) {
    return zip_verify(&p->z, pool, e);
}

void pt_close(pt *p) {
    if (!p) return;
    os_map_close(&p->map);
    arena_close(&p->a);
    free(p);
}

// --- Looking up ----------------------------------------------------------------------------------

bool pt_tensor(tensor *out, const pt *p, const char *name) {
    return tensor_names_find(out, &p->names, str_of(name));
}

const tensor_names *pt_tensors(const pt *p) {
    return &p->names;
}

const os_map *pt_map(const pt *p) {
    return &p->map;
}

bool pt_number(double *out, const pt *p, const char *section, const char *key) {
    const pickle_value *v = *section ? pickle_get(p->top, str_of(section)) : p->top;
    if (v) v = pickle_get(v, str_of(key));
    if (!v || (v->kind != PICKLE_INT && v->kind != PICKLE_FLOAT)) return false;
    *out = v->kind == PICKLE_INT ? (double)v->i : v->f;
    return true;
}
