// What this process may run on. The compiler's cpu-supports builtins check XCR0 as well as CPUID.

#include "os/cpu.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#if defined(__x86_64__)
#include <cpuid.h>
static bool has_f16c(void) {  // clang 14's builtin does not know this one
    unsigned a, b, c = 0, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}
#endif

unsigned os_cpu_features(void) {
    unsigned f = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c())
        f |= OS_CPU_AVX2;
    if ((f & OS_CPU_AVX2) && __builtin_cpu_supports("avx512f") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512vl"))
        f |= OS_CPU_AVX512;
#elif defined(__aarch64__)
    f |= OS_CPU_NEON;
#endif
    return f;
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
