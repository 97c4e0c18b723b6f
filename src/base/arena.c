// Arenas over reserved address space.
//
// Rejected: chained malloc blocks (a by-value scratch copy would then leak or alias the chain) and
// one heap object per thing (ownership would have to be written down for every one).
//
//   I1  used <= reserve
//   I2  every byte handed out is zero, also after a reset

#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { ARENA_ALIGN = 16, PAGE = 4096 };

status arena_open(arena *a, size_t reserve, err *e) {
    *a = (arena){0};
    reserve = align_up(reserve, PAGE);
    void *p = mmap(NULL, reserve, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return err_set(e, E_MEMORY, "cannot reserve %zu bytes of address space", reserve);
    *a = (arena){.base = p, .reserve = reserve};
    return OK;
}

status arena_open_most(arena *a, size_t most, size_t least, err *e) {
    while (most / 2 >= least && arena_open(a, most, NULL))
        most /= 2;
    return a->base ? OK : arena_open(a, most, e);
}

void arena_close(arena *a) {
    if (a->base) munmap(a->base, a->reserve);
    *a = (arena){0};
}

void arena_reset(arena *a, size_t keep) {
    keep = align_up(keep, PAGE);
    if (a->used > keep) {
        // Anonymous private pages read as zero again after this.
        madvise(a->base + keep, align_up(a->used, PAGE) - keep, MADV_DONTNEED);
    }
    a->used = 0;
}

void *arena_try(arena *a, size_t len) {
    size_t at = align_up(a->used, ARENA_ALIGN);
    if (at > a->reserve || len > a->reserve - at) return NULL;
    a->used = at + len;
    return memset(a->base + at, 0, len);  // I2: scratch copies leave dirt behind
}

void *arena_alloc(arena *a, size_t len) {
    void *p = arena_try(a, len);
    CHECK(p != NULL);
    return p;
}

void *arena_try_array(arena *a, size_t n, size_t size) {
    size_t len;
    if (__builtin_mul_overflow(n, size, &len)) return NULL;
    return arena_try(a, len);
}

void *arena_alloc_array(arena *a, size_t n, size_t size) {
    void *p = arena_try_array(a, n, size);
    CHECK(p != NULL);
    return p;
}

str arena_str(arena *a, str s) {
    return (str){arena_cstr(a, s), s.len};
}

char *arena_cstr(arena *a, str s) {
    char *p = arena_alloc(a, s.len + 1);
    if (s.len) memcpy(p, s.ptr, s.len);
    return p;
}

str arena_fmt(arena *a, const char *fmt, ...) {
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    CHECK(n >= 0);
    char *p = arena_alloc(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return (str){p, (size_t)n};
}
