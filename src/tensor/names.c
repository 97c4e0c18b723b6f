// A table in the order of the file, and pointers into it in the order of names.
//
// Rejected: a hash table (a model is opened once, and looks up a few hundred names).
//
//   I1  n <= room
//   I2  by_name is sorted by bytes and without equals once tensor_names_sort has said OK

#include "tensor/names.h"

#include <stdlib.h>

size_t tensor_names_arena(size_t room) {
    return room * (sizeof(tensor_named) + sizeof(tensor_named *)) + 64;
}

status tensor_names_open(tensor_names *x, size_t room, arena *a, err *e) {
    *x = (tensor_names){.room = room};
    if (room > TENSOR_NAMES_MAX)
        return err_set(e, E_LIMIT, "%zu entries in the state dict, limit %d", room,
                       TENSOR_NAMES_MAX);
    x->in_order = arena_try_array(a, room, sizeof *x->in_order);
    x->by_name = arena_try_array(a, room, sizeof *x->by_name);
    if (!x->in_order || !x->by_name) return err_set(e, E_LIMIT, "no room for %zu tensors", room);
    return OK;
}

bool tensor_name_ok(str name) {
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.ptr[i] < 0x20 || name.ptr[i] == 0x7F) return false;
    return name.len > 0 && name.len <= TENSOR_NAME_MAX;
}

void tensor_names_add(tensor_names *x, str name, const tensor *t) {
    CHECK(x->n < x->room);  // I1
    x->in_order[x->n++] = (tensor_named){name, *t};
}

static int by_name(const void *a, const void *b) {
    const tensor_named *const *x = a, *const *y = b;
    return str_cmp((*x)->name, (*y)->name);
}

status tensor_names_sort(tensor_names *x, err *e) {
    for (size_t i = 0; i < x->n; i++)
        x->by_name[i] = &x->in_order[i];
    qsort(x->by_name, x->n, sizeof *x->by_name, by_name);
    for (size_t i = 1; i < x->n; i++)  // I2
        if (str_eq(x->by_name[i - 1]->name, x->by_name[i]->name))
            return err_set(e, E_FORMAT, "two tensors are named %.*s", STR_ARG(x->by_name[i]->name));
    return OK;
}

bool tensor_names_find(tensor *out, const tensor_names *x, str name) {
    tensor_named key = {.name = name};
    const tensor_named *key_at = &key;
    const tensor_named **found =
        x->n ? bsearch(&key_at, x->by_name, x->n, sizeof *x->by_name, by_name) : NULL;
    if (found) *out = (*found)->t;
    return found != NULL;
}
