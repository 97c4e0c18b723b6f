// argv -> command -> options -> work. Everything a command may be told is in its option table;
// values come from the config file, then the environment, then the command line, the last winning.

#include "main/cli.h"

#include "os/file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { OPTIONS_ARENA = 64 << 20, HELP_ARENA = 1 << 20, CONFIG_MAX = 1 << 20 };

const cli_command *const cli_commands[] = {&cli_serve,    &cli_index,   &cli_render,
                                           &cli_generate, &cli_chat,    &cli_bench,
                                           &cli_tokenize, &cli_version, &cli_docs};
const size_t cli_n_commands = countof(cli_commands);

int cli_fail(int code, const char *fmt, ...) {
    fputs("parallelopedia: ", stderr);
    va_list ap;
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputc('\n', stderr);
    return code;
}

static void print_commands(FILE *to) {
    fputs("parallelopedia -- Wikipedia and GPT-2 from one process, offline\n\n"
          "usage: parallelopedia COMMAND [OPTIONS]\n\n",
          to);
    for (size_t i = 0; i < cli_n_commands; i++)
        fprintf(to, "  %-9s %s\n", cli_commands[i]->table.command, cli_commands[i]->table.about);
    fputs("\n`parallelopedia COMMAND --help` lists a command's options.\n", to);
}

static status read_file(str *text, const char *path, arena *a, err *e) {
    os_map m;
    TRY(os_map_open(&m, path, OS_MAP_SEQUENTIAL, e));
    bool fits = m.len <= CONFIG_MAX;
    if (fits) *text = arena_str(a, os_map_str(&m));
    os_map_close(&m);
    return fits ? OK : err_set(e, E_LIMIT, "%s: over %d bytes, no config file", path, CONFIG_MAX);
}

static int print_help(const cli_command *c, arena *a) {
    buf out;
    err e = {0};
    arena scratch;
    if (arena_open(&scratch, HELP_ARENA, &e)) return cli_fail(CLI_FAILED, "%s", e.msg);
    buf_init(&out, a, 4096);
    opt_help(&out, &c->table, "parallelopedia", scratch);
    arena_close(&scratch);
    fwrite(out.ptr, 1, out.len, stdout);
    return CLI_OK;
}

static int run_command(const cli_command *c, int argc, char **argv, arena *a) {
    cli_common *options = arena_alloc(a, c->options_len);
    opt_source from = {argc, argv, getenv, read_file};
    opt_list rest = {0};
    err e = {0};
    if (opt_parse(options, &rest, &c->table, &from, a, &e))
        return cli_fail(CLI_USAGE, "%s: %s", c->table.command, e.msg);
    return options->help ? print_help(c, a) : c->run(options, &rest);
}

int main(int argc, char **argv) {
    if (argc < 2) {
        print_commands(stderr);
        return CLI_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        print_commands(stdout);
        return CLI_OK;
    }
    const char *name = !strcmp(argv[1], "--version") ? "version" : argv[1];
    arena a;
    err e = {0};
    if (arena_open(&a, OPTIONS_ARENA, &e)) return cli_fail(CLI_FAILED, "%s", e.msg);
    int code = -1;
    for (size_t i = 0; i < cli_n_commands; i++)
        if (!strcmp(name, cli_commands[i]->table.command))
            code = run_command(cli_commands[i], argc - 2, argv + 2, &a);
    if (code < 0)
        code = cli_fail(CLI_USAGE, "there is no command \"%s\": see parallelopedia --help", name);
    arena_close(&a);
    return code;
}
