// os/cpu.h -- how many cores this process may use, and which vector instructions they have.
// Any thread; never blocks.
#ifndef OS_CPU_H
#define OS_CPU_H

#include "base/base.h"

enum {
    OS_CPU_AVX2 = 1 << 0,         // AVX2 + FMA + F16C, enabled by the kernel
    OS_CPU_AVX512 = 1 << 1,       // AVX-512 F, BW, DQ, VL, enabled by the kernel
    OS_CPU_NEON = 1 << 2,         // every aarch64
    OS_CPU_AVX_VNNI = 1 << 3,     // int8 products in ymm, VEX-encoded; implies AVX2
    OS_CPU_AVX512_VNNI = 1 << 4,  // int8 products in zmm; implies AVX512
    OS_CPU_DOTPROD = 1 << 5,      // int8 products of aarch64 (sdot, udot)
    OS_CPU_AMX_INT8 = 1 << 6,     // int8 products of tiles, granted to this process; implies VNNI
};

unsigned os_cpu_features(void);

// Cores by affinity mask and cgroup v2 quota (rounded up), at least 1.
int os_cpu_count(void);

// Bytes of memory: what the machine has, or what cgroup v2 (memory.max) leaves of it.
size_t os_memory(void);

// Page faults of the calling thread so far, with and without the disk.
uint64_t os_thread_faults(void);

// "AMD EPYC 9654" and the like; "unknown" when the kernel does not say. Static storage.
const char *os_cpu_name(void);

#endif
