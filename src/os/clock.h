// os/clock.h -- monotonic time for durations, wall time for dates. Any thread; never blocks.
#ifndef OS_CLOCK_H
#define OS_CLOCK_H

#include "base/base.h"

int64_t os_now_ns(void);   // monotonic; never goes back, unrelated to the date
int64_t os_wall_ns(void);  // since 1970-01-01 UTC
static inline double os_seconds_since(int64_t start_ns) {
    return (double)(os_now_ns() - start_ns) * 1e-9;
}

#endif
