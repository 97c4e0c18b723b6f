// Clocks.

#include "os/clock.h"

#include <time.h>

static int64_t now(clockid_t id) {
    struct timespec t;
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t os_now_ns(void) {
    return now(CLOCK_MONOTONIC);
}
int64_t os_wall_ns(void) {
    return now(CLOCK_REALTIME);
}
