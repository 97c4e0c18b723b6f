// The wiki that the other tests render against: it finds pages, follows redirects, renders.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/wikitext/world.h"

static void finds_pages(void **state) {
    (void)state;
    static const world_page pages[] = {
        {"Template:A", "a"}, {"Template:R", "#REDIRECT [[Template:A]]"}, {0}};
    world_use(pages);
    wt_source found;
    assert_true(world_source(NULL, &found, STR("Template:R"), &world_mem));
    assert_true(str_eq(found.title, STR("Template:A")));
    assert_false(world_source(NULL, &found, STR("Template:B"), &world_mem));
    wt_status got[3];
    world_exists(NULL, got, (str[]){STR("Template:A"), STR("Template:R"), STR("X")}, 3);
    assert_int_equal(got[0], WT_EXISTS);
    assert_int_equal(got[1], WT_EXISTS | WT_REDIRECT);
    assert_int_equal(got[2], WT_MISSING);
    wt_options o = world_options();
    assert_true(str_eq(world_parser(&o)->title.full, STR("Main Page")));
}

static void renders(void **state) {
    (void)state;
    assert_string_equal(world_expand("plain"), "plain");
    assert_non_null(strstr(world_render("plain"), "plain"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_pages),
        cmocka_unit_test(renders),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
