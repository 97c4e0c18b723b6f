// base/base.h -- what every file may assume: fixed-width types, CHECK, attributes.
//
//   Errors    CHECK(x) ends the process with file:line; it is for bugs, never for bad input
//   Threads   any
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define countof(a)        (sizeof(a) / sizeof((a)[0]))
#define NODISCARD         __attribute__((warn_unused_result))
#define PRINTF_LIKE(f, a) __attribute__((format(printf, f, a)))
#define NORETURN          __attribute__((noreturn))
#define CACHE_LINE        64

// Kept in release: memory safety and state invariants. Prints "file:line: check failed: x".
#define CHECK(x) ((x) ? (void)0 : base_check_failed(#x, __FILE__, __LINE__))

// Debug and test builds only: costly or hot-path invariants.
#ifdef NDEBUG
#define ASSERT(x) ((void)sizeof(x))
#else
#define ASSERT(x) CHECK(x)
#endif

NORETURN void base_check_failed(const char *what, const char *file, int line);

static inline size_t min_size(size_t a, size_t b) {
    return a < b ? a : b;
}
static inline size_t max_size(size_t a, size_t b) {
    return a > b ? a : b;
}
static inline int64_t min_i64(int64_t a, int64_t b) {
    return a < b ? a : b;
}

// Rounds up to a power of two `align`. The caller guarantees that there is no overflow.
static inline size_t align_up(size_t n, size_t align) {
    return (n + align - 1) & ~(align - 1);
}

#endif
