// base/arena.h -- bump allocation by lifetime.
//
// An arena is reserved address space that the kernel commits on first touch, so it never moves
// and a by-value copy is a scratch region that unwinds by itself on every return:
//
//     void f(result *out, arena *perm, arena scratch);
//
// `perm` holds what the caller keeps, `scratch` is gone at return.
//
//   Owner     arena_open owns the pages until arena_close; allocations are never freed singly
//   Threads   one thread at a time
//   Limits    the reservation: arena_alloc ends the process when it is used up, so sizes that a
//             client or a file chooses go through arena_try, which returns NULL instead
//   Errors    arena_open: E_MEMORY
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/err.h"
#include "base/str.h"

typedef struct arena {
    uint8_t *base;   // page aligned; NULL when closed
    size_t used;     // bytes handed out
    size_t reserve;  // bytes of address space
} arena;

// Reserves `reserve` bytes of address space; no memory is committed yet.
NODISCARD status arena_open(arena *a, size_t reserve, err *e);

// As much of `most` as the address space still has by halves (ulimit -v), but not below `least`.
NODISCARD status arena_open_most(arena *a, size_t most, size_t least, err *e);

// Accepts a zeroed or already closed arena.
void arena_close(arena *a);

// Forgets everything. Pages beyond `keep` bytes go back to the kernel.
void arena_reset(arena *a, size_t keep);

// Zeroed, 16-byte aligned. Never NULL: running out is a bug in a limit, and ends the process.
void *arena_alloc(arena *a, size_t len) __attribute__((returns_nonnull));

// As arena_alloc for sizes that come from outside; NULL when the reservation cannot hold it.
NODISCARD void *arena_try(arena *a, size_t len);

// Room left, for a caller that wants to bound its work first.
static inline size_t arena_room(const arena *a) {
    return a->reserve - a->used;
}

// Copies. arena_cstr adds the NUL that system calls want.
str arena_str(arena *a, str s);
char *arena_cstr(arena *a, str s) __attribute__((returns_nonnull));
str arena_fmt(arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);

// Declares an arena over `bytes` of the stack, for a bounded piece of work.
#define ARENA_ON_STACK(name, bytes)                                                                \
    _Alignas(16) uint8_t name##_room[bytes];                                                       \
    arena name = {.base = name##_room, .reserve = sizeof name##_room}

#define arena_new(a, type)      ((type *)arena_alloc(a, sizeof(type)))
#define arena_array(a, type, n) ((type *)arena_alloc_array(a, n, sizeof(type)))

// n * size with the overflow check; zeroed.
void *arena_alloc_array(arena *a, size_t n, size_t size) __attribute__((returns_nonnull));
NODISCARD void *arena_try_array(arena *a, size_t n, size_t size);

#endif
