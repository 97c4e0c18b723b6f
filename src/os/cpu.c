// What this process may run on. The compiler's cpu-supports builtins check XCR0 as well as CPUID.

#include "os/cpu.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

#if defined(__x86_64__)
enum { EAX, EBX, ECX, EDX };

// A bit of CPUID, for what clang 14's builtin does not know. Says nothing about XCR0: these
// instructions need no registers beyond those of AVX2 or AVX512, which are asked for first.
static bool cpuid_bit(unsigned leaf, unsigned sub, int reg, unsigned bit) {
    unsigned r[4] = {0};
    return __get_cpuid_count(leaf, sub, &r[EAX], &r[EBX], &r[ECX], &r[EDX]) && (r[reg] >> bit & 1);
}

// Tiles are 8 KB more for the kernel to save: it wants to be asked. Threads inherit the right, also
// those that run already.
static bool amx_int8(void) {
    enum { ARCH_REQ_XCOMP_PERM = 0x1023, TILE_DATA = 18 };  // linux/Documentation/arch/x86/xstate
    const unsigned saved = 3U << (TILE_DATA - 1);           // of XCR0: configuration and data
    unsigned low, high;
    if (!cpuid_bit(7, 0, EDX, 24) || !cpuid_bit(7, 0, EDX, 25)) return false;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & saved) == saved && !syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, TILE_DATA);
}

static unsigned x86_features(void) {
    __builtin_cpu_init();
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") ||
        !cpuid_bit(1, 0, ECX, 29))  // F16C
        return 0;
    unsigned f = OS_CPU_AVX2;
    if (cpuid_bit(7, 1, EAX, 4)) f |= OS_CPU_AVX_VNNI;
    if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
        !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
        return f;
    f |= OS_CPU_AVX512;
    if (!cpuid_bit(7, 0, ECX, 11)) return f;
    f |= OS_CPU_AVX512_VNNI;
    return amx_int8() ? f | OS_CPU_AMX_INT8 : f;
}
#endif

static unsigned read_features(void) {
#if defined(__x86_64__)
    return x86_features();
#elif defined(__aarch64__)
    return OS_CPU_NEON | (getauxval(AT_HWCAP) & HWCAP_ASIMDDP ? OS_CPU_DOTPROD : 0);
#else
    return 0;
#endif
}

// Read once: CPUID leaves a virtual machine, which takes microseconds.
unsigned os_cpu_features(void) {
    static _Atomic unsigned features;  // with a bit that says so
    const unsigned known = 1U << 31;
    unsigned f = atomic_load_explicit(&features, memory_order_relaxed);
    if (!(f & known)) {
        f = read_features() | known;
        atomic_store_explicit(&features, f, memory_order_relaxed);
    }
    return f & ~known;
}

// "200000 100000" in cpu.max is 2 cores; "max 100000" is no quota.
static int cgroup_quota(void) {
    FILE *f = fopen("/sys/fs/cgroup/cpu.max", "re");
    double quota, period;
    int n = f ? fscanf(f, "%lf %lf", &quota, &period) : 0;
    if (f) fclose(f);
    return n == 2 && quota > 0 && period > 0 ? (int)ceil(quota / period) : 0;
}

int os_cpu_count(void) {
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    int quota = cgroup_quota();
    if (quota > 0 && quota < n) n = quota;
    return n > 0 ? n : 1;
}

size_t os_memory(void) {
    size_t all = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    FILE *f = fopen("/sys/fs/cgroup/memory.max", "re");
    unsigned long long max;
    bool limited = f && fscanf(f, "%llu", &max) == 1;  // "max" is no limit
    if (f) fclose(f);
    return limited && max < all ? (size_t)max : all;
}

uint64_t os_thread_faults(void) {
    struct rusage u;
    return getrusage(RUSAGE_THREAD, &u) ? 0 : (uint64_t)u.ru_minflt + (uint64_t)u.ru_majflt;
}

static char cpu_name[128] = "unknown";

static void read_name(void) {
    FILE *f = fopen("/proc/cpuinfo", "re");
    char line[256];
    while (f && fgets(line, sizeof line, f)) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) || !colon) continue;
        line[strcspn(line, "\n")] = 0;
        snprintf(cpu_name, sizeof cpu_name, "%.*s", (int)sizeof cpu_name - 1, colon + 2);
        break;
    }
    if (f) fclose(f);
}

const char *os_cpu_name(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, read_name);
    return cpu_name;
}
