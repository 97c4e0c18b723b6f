// parallelopedia version

#include "main/cli.h"

#include "os/cpu.h"

#include <stdio.h>

static const opt options[] = {CLI_COMMON};

static int run(void *opts, const opt_list *rest) {
    (void)opts, (void)rest;
    unsigned f = os_cpu_features();
    printf("parallelopedia %s (%s, %d cores%s%s)\n", VERSION, os_cpu_name(), os_cpu_count(),
           f & OS_CPU_AVX2 ? ", AVX2" : "", f & OS_CPU_AVX512 ? ", AVX-512" : "");
    return CLI_OK;
}

const cli_command cli_version = {
    .table =
        {
            .command = "version",
            .about = "Print the version and what this machine offers.",
            .row = options,
            .n = countof(options),
        },
    .options_len = sizeof(cli_common),
    .run = run,
};
