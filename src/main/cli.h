// main/cli.h -- subcommands as a table.
//
//   Owner     option values live as long as the program
//   Errors    exit codes: CLI_OK, CLI_FAILED (the work), CLI_USAGE (the command line)
#ifndef MAIN_CLI_H
#define MAIN_CLI_H

#include "base/opt.h"

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

// First member of every command's options struct; CLI_COMMON are its rows.
typedef struct cli_common {
    bool help;
    const char *config;
} cli_common;

// clang-format off
#define CLI_COMMON                                                                                 \
    {"config", OPT_STR, offsetof(cli_common, config), .arg = "FILE",                               \
     .about = "Read options from FILE: lines NAME = VALUE"},                                       \
    {"help", OPT_FLAG, offsetof(cli_common, help), .about = "Print this help"}
// clang-format on

typedef struct cli_command {
    opt_table table;
    size_t options_len;  // sizeof of the options struct
    int (*run)(void *options, const opt_list *rest);
} cli_command;

extern const cli_command cli_serve, cli_index, cli_render, cli_generate, cli_chat, cli_bench,
    cli_tokenize, cli_version, cli_docs;
extern const cli_command *const cli_commands[];
extern const size_t cli_n_commands;

// Prints "parallelopedia: MESSAGE" on stderr and returns `code`.
int cli_fail(int code, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
