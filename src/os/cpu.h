// os/cpu.h -- how many cores this process may use, and which vector instructions they have.
// Any thread; never blocks.
#ifndef OS_CPU_H
#define OS_CPU_H

#include "base/base.h"

enum {
    OS_CPU_AVX2 = 1 << 0,    // AVX2 + FMA + F16C, enabled by the kernel
    OS_CPU_AVX512 = 1 << 1,  // AVX-512 F, BW, DQ, VL, enabled by the kernel
    OS_CPU_NEON = 1 << 2,
};

unsigned os_cpu_features(void);

// Cores by affinity mask and cgroup v2 quota (rounded up), at least 1.
int os_cpu_count(void);

// Page faults of the calling thread so far, with and without the disk.
uint64_t os_thread_faults(void);

// "AMD EPYC 9654" and the like; "unknown" when the kernel does not say. Static storage.
const char *os_cpu_name(void);

#endif
