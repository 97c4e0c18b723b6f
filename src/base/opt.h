// base/opt.h -- options as a table: command line, environment, config file and --help from it.
//
// Each source overwrites what the one before it set:
//     default  <  config file  <  PARALLELOPEDIA_NAME  <  --name
// A list is replaced as a whole; within one source a repeated list option adds to it.
//
//   Owner     strings and lists are in the arena (those from argv stay in argv)
//   Threads   one thread at a time
//   Limits    OPT_ROWS_MAX rows in a table, OPT_LIST_MAX items in a list
//   Errors    E_ARG and whatever `read` returns; the message names the option, or FILE:LINE, or the
//             variable, and what would be right
//   Format    --name VALUE, --name=VALUE, --flag, --no-flag, -h for --help, -- ends the options.
//             Environment and config file: flags are 1 0 true false yes no on off; lists are
//             separated by commas or spaces; an empty variable counts as unset.
//             Config file: `name = value` lines, # comments (at the start of a line or after a
//             space), [command] sections that only that command reads
#ifndef BASE_OPT_H
#define BASE_OPT_H

#include "base/buf.h"

enum { OPT_ROWS_MAX = 64, OPT_LIST_MAX = 256, OPT_HELP_COLUMNS = 80 };

typedef enum opt_kind {
    OPT_FLAG,  // bool
    OPT_STR,   // const char *, NULL when unset
    OPT_INT,   // int64_t
    OPT_LIST,  // opt_list
} opt_kind;

typedef struct opt_list {
    const char **items;
    size_t n;
} opt_list;

typedef struct opt {
    const char *name;  // "port": no dashes in front
    opt_kind kind;
    size_t at;          // offsetof in the options struct
    int64_t min, max;   // OPT_INT: both allowed
    const char *arg;    // "PORT" in the help; NULL for flags
    const char *about;  // one sentence
    const char *dflt;   // as text, parsed like any other source; NULL: false, NULL, 0, empty
} opt;

typedef struct opt_table {
    const char *command;  // "serve"
    const char *about;    // one sentence
    const opt *row;       // rows "help" and "version" come from the command line only
    size_t n;
    const char *rest;           // what stands behind the options: "DUMP" in the help, or NULL
    size_t rest_min, rest_max;  // how many of them
} opt_table;

// Where options come from. `env` may be getenv and `read` may use os/file: base does no I/O.
typedef struct opt_source {
    int argc;  // without the program's and the command's name
    char **argv;
    char *(*env)(const char *name);                                 // NULL: no environment
    status (*read)(str *text, const char *path, arena *a, err *e);  // NULL: no config file
} opt_source;

// All sources in their order. A row "config" (OPT_STR) names the config file, from the command
// line or the environment. `rest` gets what is no option; its number is not checked with --help.
NODISCARD status opt_parse(void *out, opt_list *rest, const opt_table *t, const opt_source *from,
                           arena *a, err *e);

// The single stages, in the order in which they are to be called.
void opt_set_defaults(void *out, const opt_table *t, arena *a);
NODISCARD status opt_from_config(void *out, const opt_table *t, str text, const char *path,
                                 arena *a, err *e);
NODISCARD status opt_from_env(void *out, const opt_table *t, char *(*env)(const char *name),
                              arena *a, err *e);
NODISCARD status opt_from_args(void *out, opt_list *rest, const opt_table *t, int argc, char **argv,
                               arena *a, err *e);

// "PARALLELOPEDIA_LOG_LEVEL" for "log-level".
str opt_env_name(arena *a, const char *name);

// Usage line, sentence, and the options aligned and wrapped at OPT_HELP_COLUMNS, with defaults and
// variables. `program` is the name people type; `scratch` is not the arena of `to`.
void opt_help(buf *to, const opt_table *t, const char *program, arena scratch);

#endif
