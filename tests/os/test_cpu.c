// What is said of the processor agrees with what the kernel says of it.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "os/cpu.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

// The flags of /proc/cpuinfo's first processor between spaces, "" where there is no such line.
static void read_flags(char *out, size_t size) {
    FILE *f = fopen("/proc/cpuinfo", "re");
    out[0] = 0;
    while (f && fgets(out, (int)size, f)) {
        bool found = !strncmp(out, "flags", 5) || !strncmp(out, "Features", 8);
        out[strcspn(out, "\n")] = found ? ' ' : 0;
        if (found) break;
        out[0] = 0;
    }
    if (f) fclose(f);
}

static void features_are_those_of_the_kernel(void **state) {
    (void)state;
    static const struct {
        unsigned feature;
        const char *flag;
    } known[] = {
#if defined(__x86_64__)
        {OS_CPU_AVX2, " avx2 "},
        {OS_CPU_AVX512, " avx512f "},
        {OS_CPU_AVX_VNNI, " avx_vnni "},
        {OS_CPU_AVX512_VNNI, " avx512_vnni "},
        {OS_CPU_AMX_INT8, " amx_int8 "},
#elif defined(__aarch64__)
        {OS_CPU_NEON, " asimd "},
        {OS_CPU_DOTPROD, " asimddp "},
#endif
    };
    char flags[16384];
    read_flags(flags, sizeof flags);
    if (!flags[0]) skip();
    for (size_t i = 0; i < countof(known); i++)
        if (os_cpu_features() & known[i].feature) assert_non_null(strstr(flags, known[i].flag));
    bool vnni = strstr(flags, " avx512_vnni ") && (os_cpu_features() & OS_CPU_AVX512);
    assert_int_equal(!!(os_cpu_features() & OS_CPU_AVX512_VNNI), vnni);
}

static void wide_features_imply_narrow_ones(void **state) {
    (void)state;
    unsigned f = os_cpu_features();
    if (f & (OS_CPU_AVX512 | OS_CPU_AVX_VNNI)) assert_true(f & OS_CPU_AVX2);
    if (f & OS_CPU_AVX512_VNNI) assert_true(f & OS_CPU_AVX512);
    if (f & OS_CPU_AMX_INT8) assert_true(f & OS_CPU_AVX512_VNNI);
    if (f & OS_CPU_DOTPROD) assert_true(f & OS_CPU_NEON);
}

static void resources_are_those_of_the_machine(void **state) {
    (void)state;
    assert_in_range(os_cpu_count(), 1, sysconf(_SC_NPROCESSORS_CONF));
    size_t all = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    assert_in_range(os_memory(), 1, all);
    assert_true(strlen(os_cpu_name()) > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(features_are_those_of_the_kernel),
        cmocka_unit_test(wide_features_imply_narrow_ones),
        cmocka_unit_test(resources_are_those_of_the_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
