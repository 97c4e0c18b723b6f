// Templates against Python's jinja2 (tests/golden/jinja.json, made by make_jinja.py): expressions,
// statements, and a template in the manner of each family with many conversations. Then what only
// we have: limits, and refusals with a line.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "jinja/jinja.h"

#include <stdio.h>
#include <stdlib.h>

enum { NOW = 1722000000 };

static arena mem, scratch, text_mem;
static const json_value *golden;

static str read_file(const char *path) {
    FILE *f = fopen(path, "rb");
    if (!f) fail_msg("no %s", path);
    fseek(f, 0, SEEK_END);
    size_t len = (size_t)ftell(f);
    rewind(f);
    char *p = arena_alloc(&mem, len + 1);
    assert_int_equal(fread(p, 1, len, f), len);
    fclose(f);
    return (str){p, len};
}

static int setup(void **state) {
    (void)state;
    setenv("TZ", "UTC", 1);
    if (arena_open(&mem, (size_t)1 << 30, NULL) || arena_open(&scratch, (size_t)1 << 29, NULL) ||
        arena_open(&text_mem, (size_t)1 << 28, NULL))
        return 1;
    return json_read(&golden, read_file("tests/golden/jinja.json"), &mem, NULL) != OK;
}
static int teardown(void **state) {
    (void)state;
    arena_close(&mem);
    arena_close(&scratch);
    arena_close(&text_mem);
    return 0;
}

static status render(buf *out, str template, const json_value *vars, err *e) {
    jinja *j;
    arena_reset(&text_mem, 1 << 20);
    buf_init(out, &text_mem, 0);
    TRY(jinja_open(&j, template, e));
    status code = jinja_render(out, j, vars, NOW, scratch, e);
    jinja_close(j);
    return code;
}

// Want is a text, or false for what Python refuses.
static bool check(str template, const json_value *vars, const json_value *want, const char *where) {
    buf out;
    err e = {0};
    str text;
    status code = render(&out, template, vars, &e);
    bool is_text = json_is_str(&text, want);
    bool same = is_text ? !code && str_eq(buf_str(&out), text) : code != OK && e.msg[0];
    if (!same)
        print_error("%s %.*s\n  want %.*s\n  got  %.*s %s\n", where, STR_ARG(template),
                    is_text ? (int)text.len : 9, is_text ? text.ptr : "a refusal", (int)out.len,
                    out.ptr ? out.ptr : "", e.msg);
    return same;
}

static void as_python(void **state) {
    (void)state;
    const json_value *cases = json_get(golden, "cases"), *vars = json_get(golden, "vars");
    uint32_t bad = 0;
    assert_true(cases->n > 900);
    for (uint32_t i = 0; i < cases->n; i++) {
        const json_value *c = cases->items[i].items;
        bad += !check(c[0].string, vars, &c[1], "case");
    }
    assert_int_equal(bad, 0);
}

static void chats_as_python(void **state) {
    (void)state;
    const json_value *chats = json_get(golden, "chats"), *all = json_get(golden, "templates");
    uint32_t bad = 0, n_texts = 0;
    for (uint32_t t = 0; t < all->n; t++) {
        char path[256];
        str name = all->items[t].key;
        snprintf(path, sizeof path, "tests/golden/jinja/%.*s", STR_ARG(name));
        str template = read_file(path);
        jinja *j;
        err e = {0};
        if (jinja_open(&j, template, &e)) fail_msg("%s: %s", path, e.msg);
        for (uint32_t i = 0; i < chats->n; i++) {
            buf out;
            str want;
            arena_reset(&text_mem, 1 << 20);
            buf_init(&out, &text_mem, 0);
            status code = jinja_render(&out, j, &chats->items[i], NOW, scratch, &e);
            bool is_text = json_is_str(&want, &all->items[t].items[i]);
            if (is_text ? !code && str_eq(buf_str(&out), want) : code != OK) {
                n_texts += is_text;
                continue;
            }
            print_error("%s, chat %u: %s\n  got  %.*s\n", path, i, code ? e.msg : "", (int)out.len,
                        out.ptr);
            bad++;
        }
        jinja_close(j);
    }
    assert_int_equal(bad, 0);
    assert_true(n_texts > 800);
}

// --- Refusals and limits -------------------------------------------------------------------------

static void refuses(const char *template, status code, const char *says) {
    buf out;
    err e = {0};
    status got = render(&out, str_of(template), NULL, &e);
    if (got != code || !strstr(e.msg, says)) fail_msg("%s: %d %s", template, got, e.msg);
    assert_int_equal(out.len, 0);
}

static void says_where(void **state) {
    (void)state;
    refuses("a\nb\n{% if %}", E_FORMAT, "line 3");
    refuses("a\n{{ 1 + }}", E_FORMAT, "line 2");
    refuses("x\n\n{{ nope.x }}", E_FORMAT, "line 3 of the template: 'nope' is undefined");
    refuses("{{ [].append(1) }}", E_FORMAT, "append");
    refuses("{% include 'x' %}", E_UNSUPPORTED, "include");
    refuses("{% extends 'x' %}", E_UNSUPPORTED, "extends");
    refuses("{% import 'x' as y %}", E_UNSUPPORTED, "import");
    refuses("{% frobnicate %}", E_UNSUPPORTED, "frobnicate");
    refuses("{{ 1 | frobnicate }}", E_UNSUPPORTED, "frobnicate");
    refuses("{{ 1 is frobnicate }}", E_UNSUPPORTED, "frobnicate");
    refuses("{{ raise_exception('no system role') }}", E_ARG, "no system role");
    refuses("\xff", E_FORMAT, "UTF-8");
    refuses("{% if true %}{{ 1 | frobnicate }}{% endif %}", E_UNSUPPORTED, "frobnicate");
    buf out;
    assert_int_equal(render(&out, STR("{% if false %}{{ 1|frobnicate }}{% endif %}ok"), NULL, NULL),
                     OK);
}

static void limits(void **state) {
    (void)state;
    static const char *const bombs[] = {
        "{{ 'a' * 10**9 }}",
        "{{ [1] * 10**9 }}",
        "{{ range(10**12) | list }}",
        "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
        "{% set ns = namespace(s='a') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}"
        "{% endfor %}",
        "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}"
        "{% endfor %}",
        "{% set ns = namespace(s=[]) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}"
        "{% endfor %}{{ ns.s }}",
        "{% set ns = namespace(s=[]) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}"
        "{% endfor %}{{ ns.s | tojson }}",
        "{% set ns = namespace(s=[], t=[]) %}{% for i in range(99) %}{% set ns.s = [ns.s, ns.s] %}"
        "{% set ns.t = [ns.t, ns.t] %}{% endfor %}{{ ns.s == ns.t }}",
        "{% set ns = namespace(s=[]) %}{% for i in range(99999) %}{% set ns.s = [ns.s] %}"
        "{% endfor %}{{ ns.s }}",
        "{% set ns = namespace(s=()) %}{% for i in range(99999) %}{% set ns.s = (ns.s,) %}"
        "{% endfor %}{{ {ns.s: 1} }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% macro m() %}{{ m() ~ m() }}{% endmacro %}{{ m() }}",
        "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}"
        "{{ m(60) }}",
        "{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}",
        "{% set x = 'ab' * 10000000 %}{% for i in range(100000) %}{% if 'ba' * 500000 in x %}"
        "{% endif %}{% endfor %}",
        "{% set x = 'ab' * 500000 %}{% for i in range(99999) %}{{ {x: 1} and '' }}{% endfor %}",
        "{% set x = 'ab' * 500000 %}{% for i in range(99999) %}{{ x.endswith(x) }}{% endfor %}",
        "{{ ('a' * 1000000) | groupby('1' * 100000) | list }}",
        "{{ ('a' * 1000000) | sort(attribute='a,' * 9999) }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ '%.999999999f' % 1 }}",
        "{{ '{:1000000000}'.format(1) }}",
        "{{ 'a'.center(10**10) }}",
        "{{ 'a'.zfill(10**18) }}",
        "{{ 'a\tb'.expandtabs(10**9) }}",
        "{{ 'a' | indent(10**10, true) }}",
        "{{ [1] | batch(10**9, 0) | list }}",
        "{{ [1] | slice(10**9) | list }}",
        "{{ [1] | tojson(indent=10**10) }}",
        "{{ 'aaaa'.replace('', 'b' * 10**8) }}",
        "{% for i in range(100000) %}{{ 'x' * 100000 }}{% endfor %}",
        "{{ 9223372036854775807 + 1 }}",
        "{{ strftime_now('%c' * 10000) }}",
    };
    for (size_t i = 0; i < countof(bombs); i++) {
        buf out;
        err e = {0};
        status code = render(&out, str_of(bombs[i]), NULL, &e);
        if (code != E_LIMIT) fail_msg("%s: %d %s", bombs[i], code, e.msg);
    }
}

static void nested(const char *before, const char *open, int n, const char *middle,
                   const char *close, const char *after) {
    buf t, out;
    err e = {0};
    buf_init(&t, &mem, 1 << 16);
    buf_add(&t, str_of(before));
    for (int i = 0; i < n; i++)
        buf_add(&t, str_of(open));
    buf_add(&t, str_of(middle));
    for (int i = 0; i < n; i++)
        buf_add(&t, str_of(close));
    buf_add(&t, str_of(after));
    status code = render(&out, buf_str(&t), NULL, &e);
    if (n < 20 ? code != OK : code != E_LIMIT) fail_msg("%d of %s: %d %s", n, open, code, e.msg);
}

static void deep_templates(void **state) {
    (void)state;
    for (int n = 10; n <= 30000; n = n * 3000) {
        nested("{{ ", "(", n, "1", ")", " }}");
        nested("{{ ", "[", n, "1", "]", " }}");
        nested("{{ ", "-", n, "1", "", " }}");
        nested("{{ ", "not ", n, "1", "", " }}");
        nested("{{ 1", "+1", n, "", "", " }}");
        nested("{{ 'a'", "|upper", n, "", "", " }}");
        nested("{{ 'a'", "[0]", n, "", "", " }}");
        nested("{{ 1 ", "if 1 else 2 ", n, "", "", " }}");
        nested("{{ 1 ", "and 1 ", n, "", "", " }}");
        nested("", "{% if 1 %}", n, "x", "{% endif %}", "");
        nested("", "{% for i in [1] %}", n, "x", "{% endfor %}", "");
        nested("{% if 0 %}", "{% elif 0 %}", n, "x", "", "{% endif %}");
    }
}

// Many long texts that grow at their end must not cost the square of their length.
static void appends(void **state) {
    (void)state;
    buf out;
    err e = {0};
    str t = STR("{% set ns = namespace(s='') %}{% for i in range(50000) %}"
                "{% set ns.s = ns.s ~ 'hello' %}{% endfor %}{{ ns.s | length }}");
    if (render(&out, t, NULL, &e)) fail_msg("%s", e.msg);
    assert_true(str_eq(buf_str(&out), STR("250000")));
}

// A rendering that fails leaves what was written before it, and nothing of its own.
static void out_stays(void **state) {
    (void)state;
    jinja *j;
    buf out;
    buf_init(&out, &text_mem, 0);
    buf_add(&out, STR("before"));
    assert_int_equal(jinja_open(&j, STR("text{{ nope.x }}"), NULL), OK);
    assert_int_equal(jinja_render(&out, j, NULL, NOW, scratch, NULL), E_FORMAT);
    jinja_close(j);
    assert_true(str_eq(buf_str(&out), STR("before")));
    jinja_close(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_python),      cmocka_unit_test(chats_as_python),
        cmocka_unit_test(says_where),     cmocka_unit_test(limits),
        cmocka_unit_test(deep_templates), cmocka_unit_test(appends),
        cmocka_unit_test(out_stays),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
