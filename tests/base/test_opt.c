// The option table: values, sources and their order, errors, help.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/opt.h"

#include <stdlib.h>

typedef struct options {
    bool quiet, color, help;
    const char *ip, *config;
    int64_t port;
    opt_list apps;
} options;

static const opt rows[] = {
    {"port", OPT_INT, offsetof(options, port), 0, 65535, "PORT", "TCP port; 0 takes a free one.",
     "4444"},
    {"ip", OPT_STR, offsetof(options, ip), .arg = "ADDRESS", .about = "Address to listen on.",
     .dflt = "127.0.0.1"},
    {"app-classes", OPT_LIST, offsetof(options, apps), .arg = "APP",
     .about =
         "Apps to serve, each one of plaintext, wiki and gpt2, or the original's dotted names.",
     .dflt = "plaintext wiki"},
    {"quiet", OPT_FLAG, offsetof(options, quiet), .about = "Say less."},
    {"color", OPT_FLAG, offsetof(options, color), .about = "Use colours.", .dflt = "yes"},
    {"config", OPT_STR, offsetof(options, config), .arg = "FILE", .about = "Config file."},
    {"help", OPT_FLAG, offsetof(options, help), .about = "Print this."},
};
static const opt_table table = {"serve", "Serve it all.", rows, countof(rows), "DUMP", 0, 1};

static const char *env_pairs[8][2];

static char *fake_env(const char *name) {
    for (size_t i = 0; i < 8 && env_pairs[i][0]; i++)
        if (!strcmp(env_pairs[i][0], name)) return (char *)env_pairs[i][1];
    return NULL;
}

static const char *config_text;

static status fake_read(str *text, const char *path, arena *a, err *e) {
    (void)a;
    if (!config_text) return err_set(e, E_NOT_FOUND, "%s: cannot open", path);
    *text = str_of(config_text);
    return OK;
}

typedef struct fixture {
    arena a;
    options o;
    opt_list rest;
    err e;
} fixture;

static int setup(void **state) {
    fixture *f = calloc(1, sizeof *f);
    *state = f;
    memset(env_pairs, 0, sizeof env_pairs);
    config_text = NULL;
    return !f || arena_open(&f->a, 1 << 20, NULL);
}

static int teardown(void **state) {
    fixture *f = *state;
    arena_close(&f->a);
    free(f);
    return 0;
}

// Parses words that are separated by '|'.
static status parse(fixture *f, const char *line) {
    char **argv = arena_array(&f->a, char *, 64);
    int argc = 0;
    for (str rest = str_of(line); rest.len;)
        argv[argc++] = arena_cstr(&f->a, str_cut(&rest, '|'));
    opt_source from = {argc, argv, fake_env, fake_read};
    return opt_parse(&f->o, &f->rest, &table, &from, &f->a, &f->e);
}

static void check_fails(fixture *f, const char *line, const char *message) {
    assert_int_equal(parse(f, line), E_ARG);
    assert_string_equal(f->e.msg, message);
}

static void check_list(const opt_list *l, const char *joined) {
    char got[256] = "";
    for (size_t i = 0; i < l->n; i++) {
        strcat(got, i ? "," : "");
        strcat(got, l->items[i]);
    }
    assert_string_equal(got, joined);
}

static void test_defaults(void **state) {
    fixture *f = *state;
    assert_int_equal(parse(f, ""), OK);
    assert_int_equal(f->o.port, 4444);
    assert_string_equal(f->o.ip, "127.0.0.1");
    check_list(&f->o.apps, "plaintext,wiki");
    assert_false(f->o.quiet);
    assert_true(f->o.color);
    assert_null(f->o.config);
    assert_int_equal(f->rest.n, 0);
}

static void test_args(void **state) {
    fixture *f = *state;
    assert_int_equal(parse(f, "--port|80|--ip=::1|--quiet|--no-color|dump.xml"), OK);
    assert_int_equal(f->o.port, 80);
    assert_string_equal(f->o.ip, "::1");
    assert_true(f->o.quiet);
    assert_false(f->o.color);
    check_list(&f->rest, "dump.xml");
    assert_int_equal(parse(f, "--quiet=no|--color=off|--port=1|--port=2|--ip="), OK);
    assert_false(f->o.quiet);
    assert_false(f->o.color);
    assert_int_equal(f->o.port, 2);
    assert_string_equal(f->o.ip, "");
}

static void test_lists(void **state) {
    fixture *f = *state;
    assert_int_equal(parse(f, "--app-classes|gpt2|wiki|--quiet"), OK);
    check_list(&f->o.apps, "gpt2,wiki");
    assert_int_equal(parse(f, "--app-classes|gpt2|--quiet|--app-classes=wiki"), OK);
    check_list(&f->o.apps, "gpt2,wiki");
    assert_int_equal(parse(f, "--app-classes|gpt2|--|--dump"), OK);
    check_list(&f->o.apps, "gpt2");
    check_list(&f->rest, "--dump");
    check_fails(f, "--app-classes|--quiet", "--app-classes wants at least one APP");
    env_pairs[0][0] = "PARALLELOPEDIA_APP_CLASSES", env_pairs[0][1] = " a, b  c,";
    assert_int_equal(parse(f, ""), OK);
    check_list(&f->o.apps, "a,b,c");
    assert_int_equal(parse(f, "--app-classes|d"), OK);  // a later source replaces
    check_list(&f->o.apps, "d");
}

static void test_list_limit(void **state) {
    fixture *f = *state;
    char many[2 * OPT_LIST_MAX + 3];
    memset(many, 'x', sizeof many);
    for (size_t i = 1; i < sizeof many; i += 2)
        many[i] = ',';
    many[sizeof many - 1] = 0;
    env_pairs[0][0] = "PARALLELOPEDIA_APP_CLASSES", env_pairs[0][1] = many;
    check_fails(f, "", "PARALLELOPEDIA_APP_CLASSES: more than 256 values");
    many[2 * OPT_LIST_MAX] = 0;
    assert_int_equal(parse(f, ""), OK);
    assert_int_equal(f->o.apps.n, OPT_LIST_MAX);
}

static void test_env(void **state) {
    fixture *f = *state;
    env_pairs[0][0] = "PARALLELOPEDIA_PORT", env_pairs[0][1] = "1234";
    env_pairs[1][0] = "PARALLELOPEDIA_COLOR", env_pairs[1][1] = "0";
    env_pairs[2][0] = "PARALLELOPEDIA_IP", env_pairs[2][1] = "";     // counts as unset
    env_pairs[3][0] = "PARALLELOPEDIA_HELP", env_pairs[3][1] = "1";  // never read
    assert_int_equal(parse(f, ""), OK);
    assert_int_equal(f->o.port, 1234);
    assert_false(f->o.color);
    assert_string_equal(f->o.ip, "127.0.0.1");
    assert_false(f->o.help);
    assert_int_equal(parse(f, "--port=1|--color"), OK);
    assert_int_equal(f->o.port, 1);
    assert_true(f->o.color);
    env_pairs[0][1] = "70000";
    check_fails(f, "", "PARALLELOPEDIA_PORT: 70000 is not between 0 and 65535");
}

static void test_config(void **state) {
    fixture *f = *state;
    config_text = "# a comment\n"
                  "port = 81   # another\r\n"
                  "\n"
                  "[index]\n"
                  "nonsense = 1\n"
                  "[serve]\n"
                  "quiet=on\n"
                  "ip = a#b\n"
                  "app-classes = gpt2";
    assert_int_equal(parse(f, "--config|x.conf"), OK);
    assert_int_equal(f->o.port, 81);
    assert_true(f->o.quiet);
    assert_string_equal(f->o.ip, "a#b");
    check_list(&f->o.apps, "gpt2");
    env_pairs[0][0] = "PARALLELOPEDIA_PORT", env_pairs[0][1] = "82";
    env_pairs[1][0] = "PARALLELOPEDIA_CONFIG", env_pairs[1][1] = "y.conf";
    assert_int_equal(parse(f, "--ip=z"), OK);
    assert_int_equal(f->o.port, 82);
    assert_string_equal(f->o.ip, "z");
    assert_true(f->o.quiet);
}

static void test_config_errors(void **state) {
    fixture *f = *state;
    config_text = "\nprot = 1\n";
    check_fails(f, "--config=x.conf", "x.conf:2: unknown option 'prot', did you mean 'port'?");
    config_text = "port\n";
    check_fails(f, "--config=x.conf", "x.conf:1: expected 'name = value'");
    config_text = "port = x\n";
    check_fails(f, "--config=x.conf", "x.conf:1: port: 'x' is no whole number");
    config_text = "help = 1\n";
    assert_int_equal(parse(f, "--config=x.conf"), E_ARG);
    config_text = NULL;
    assert_int_equal(parse(f, "--config=x.conf"), E_NOT_FOUND);
}

static void test_errors(void **state) {
    fixture *f = *state;
    check_fails(f, "--prot=1", "unknown option '--prot', did you mean '--port'?");
    check_fails(f, "--zzzzzzzz", "unknown option '--zzzzzzzz'");
    check_fails(f, "-p|80", "unknown option '-p'");
    check_fails(f, "--no-port", "unknown option '--no-port'");
    check_fails(f, "--port", "--port wants a value: --port=PORT");
    check_fails(f, "--port|--quiet", "--port wants a value: --port=PORT");
    check_fails(f, "--port=65536", "--port: 65536 is not between 0 and 65535");
    check_fails(f, "--port|-1", "--port: -1 is not between 0 and 65535");
    check_fails(f, "--port=", "--port: '' is no whole number");
    check_fails(f, "--port=99999999999999999999",
                "--port: '99999999999999999999' is no whole number");
    check_fails(f, "--quiet=2", "--quiet: '2' is neither yes nor no");
    check_fails(f, "a|b", "serve: unexpected argument 'b'");
}

static void test_rest(void **state) {
    fixture *f = *state;
    assert_int_equal(parse(f, "-"), OK);
    check_list(&f->rest, "-");
    assert_int_equal(parse(f, "-h|a|b"), OK);  // help first, counting never
    assert_true(f->o.help);
    opt_table strict = table;
    strict.command = "index", strict.rest_min = 1;
    opt_source from = {0};
    assert_int_equal(opt_parse(&f->o, &f->rest, &strict, &from, &f->a, &f->e), E_ARG);
    assert_string_equal(f->e.msg, "index wants DUMP");
}

static void test_help(void **state) {
    fixture *f = *state;
    arena scratch;
    assert_int_equal(arena_open(&scratch, 1 << 16, NULL), OK);
    buf b;
    buf_init(&b, &f->a, 0);
    opt_help(&b, &table, "parallelopedia", scratch);
    arena_close(&scratch);
    buf_byte(&b, 0);
    assert_false(b.failed);
    assert_string_equal(
        b.ptr, "usage: parallelopedia serve [options] DUMP\n"
               "\n"
               "Serve it all.\n"
               "\n"
               "  --port PORT           TCP port; 0 takes a free one. (default: 4444)\n"
               "                        [PARALLELOPEDIA_PORT]\n"
               "  --ip ADDRESS          Address to listen on. (default: 127.0.0.1)\n"
               "                        [PARALLELOPEDIA_IP]\n"
               "  --app-classes APP...  Apps to serve, each one of plaintext, wiki and gpt2, or\n"
               "                        the original's dotted names. (default: plaintext wiki)\n"
               "                        [PARALLELOPEDIA_APP_CLASSES]\n"
               "  --quiet               Say less. [PARALLELOPEDIA_QUIET]\n"
               "  --color               Use colours. (default: yes) [PARALLELOPEDIA_COLOR]\n"
               "  --config FILE         Config file. [PARALLELOPEDIA_CONFIG]\n"
               "  --help                Print this.\n");
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_defaults), T(test_args),          T(test_lists),  T(test_list_limit), T(test_env),
        T(test_config),   T(test_config_errors), T(test_errors), T(test_rest),       T(test_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
