// Kernel randomness.

#include "os/rand.h"

#include <errno.h>
#include <sys/random.h>

uint64_t os_rand_u64(void) {
    uint64_t v;
    ssize_t n;
    do
        n = getrandom(&v, sizeof v, 0);
    while (n < 0 && errno == EINTR);
    CHECK(n == (ssize_t)sizeof v);  // 8 bytes never come short (getrandom(2))
    return v;
}

uint32_t os_rand_u32(void) {
    return (uint32_t)(os_rand_u64() >> 32);
}
