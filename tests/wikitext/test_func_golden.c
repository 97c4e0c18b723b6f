// Parser functions against what MediaWiki says (tests/golden/wt_functions.txt), dates against PHP
// (wt_dates.txt). make_functions.py there asks them.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lang/date.h"
#include "tests/wikitext/world.h"

#include <stdio.h>
#include <stdlib.h>

static str read_golden(const char *path) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    buf b;
    buf_init(&b, &world_scratch, 1 << 20);
    size_t n = fread(b.ptr, 1, 1 << 20, f);
    fclose(f);
    assert_in_range(n, 1, (1 << 20) - 1);
    return (str){b.ptr, n};
}

// "\n" for a line's end.
static str unfolded(str s) {
    buf b;
    buf_init(&b, &world_mem, s.len);
    for (size_t at; (at = str_find(s, STR("\\n"))) < s.len; s = str_skip(s, at + 2)) {
        buf_add(&b, str_first(s, at));
        buf_byte(&b, '\n');
    }
    buf_add(&b, s);
    return buf_str(&b);
}

static bool exists(void *arg, str title) {
    (void)arg;
    return str_eq(title, STR("Main Page"));
}

static void all_exist(void *arg, wt_status *out, const str *titles, size_t n) {
    for (size_t i = 0; i < n; i++)
        out[i] = exists(arg, titles[i]) ? WT_EXISTS : WT_MISSING;
}

static bool no_interwiki(void *arg, wt_interwiki *out, str prefix, arena *a) {
    (void)arg, (void)out, (void)prefix, (void)a;
    return false;
}

static str answer(str lang, str title, str question) {
    wiki_site site = world_site;
    site.lang = lang;
    wt_world world = world_of_tests;
    world.site = &site;
    world.exists = all_exist;
    world.interwiki = no_interwiki;
    wt_options o = {.world = &world,
                    .title = title,
                    .article_path = "/wiki/",
                    .script_path = "/index.php",
                    .server = "http://localhost"};
    wt_parser *p = world_parser(&o);
    assert_true(wt_title_parse(&p->title, p, title, 0));
    return wt_unstrip_str(p, wt_expand_text(p, question, p->frame), "gxn");
}

static void functions(void **state) {
    (void)state;
    str rest = read_golden("tests/golden/wt_functions.txt"), lang = {0}, title = {0};
    int n = 0, n_wrong = 0;
    while (rest.len) {
        str line = str_cut(&rest, '\n'), question = str_cut(&line, '\t');
        if (str_starts(question, STR("@lang "))) lang = str_skip(question, 6);
        if (str_starts(question, STR("@title "))) title = str_skip(question, 7);
        if (!question.len || question.ptr[0] == '@') continue;
        str got = answer(lang, title, unfolded(question)), want = unfolded(line);
        n++;
        if (!str_eq(got, want)) {
            n_wrong++;
            print_error("%.*s (%.*s): \"%.*s\", not \"%.*s\"\n", STR_ARG(question), STR_ARG(lang),
                        STR_ARG(got), STR_ARG(want));
        }
        world_forget();
    }
    assert_int_equal(n_wrong, 0);
    assert_in_range(n, 2000, 10000);
}

static void dates(void **state) {
    (void)state;
    str rest = read_golden("tests/golden/wt_dates.txt");
    int n = 0, n_wrong = 0;
    while (rest.len) {
        str line = str_cut(&rest, '\n'), text = str_cut(&line, '\t');
        int64_t got = 0, want = 0;
        bool uses_now, is_date = date_read(&got, &uses_now, text, 979569000);
        bool should_be = str_parse_i64(&want, line);
        n++;
        if (is_date != should_be || got != want) {
            n_wrong++;
            print_error("\"%.*s\": %lld, not %.*s\n", STR_ARG(text), (long long)got, STR_ARG(line));
        }
    }
    assert_int_equal(n_wrong, 0);
    assert_in_range(n, 1400, 10000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(functions),
        cmocka_unit_test(dates),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
