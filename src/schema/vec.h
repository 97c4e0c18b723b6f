// schema/vec.h -- a growing array, for what is built while its size is not known.
//
//   Owner     the holder frees p with vec_free; pointers into it die when it grows
//   Limits    `most` items: vec_add returns NULL there, and when memory ends
#ifndef SCHEMA_VEC_H
#define SCHEMA_VEC_H

#include "base/base.h"

#include <stdlib.h>
#include <string.h>

typedef struct vec {
    void *p;
    size_t n, cap;
} vec;

// Room for `n` more items (0 is fine) of `size` bytes, zeroed.
static inline void *vec_add(vec *v, size_t n, size_t size, size_t most) {
    if (n > most || v->n > most - n) return NULL;
    if (v->n + n > v->cap || !v->p) {
        size_t cap = max_size(v->n + n, min_size(most, max_size(16, 2 * v->cap)));
        void *p = realloc(v->p, cap * size);
        if (!p) return NULL;
        v->p = p;
        v->cap = cap;
    }
    void *at = (char *)v->p + v->n * size;
    memset(at, 0, n * size);
    v->n += n;
    return at;
}

static inline void vec_free(vec *v) {
    free(v->p);
    *v = (vec){0};
}

#endif
