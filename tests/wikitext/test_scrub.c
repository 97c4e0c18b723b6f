// What comes in from outside: UTF-8 without markers, whatever it was.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "tests/wikitext/world.h"

static void becomes(str in, const char *want) {
    str got = wt_scrub(in, &world_mem);
    assert_string_equal(arena_cstr(&world_mem, got), want);
}

static void leaves_what_is_fit(void **state) {
    (void)state;
    const str fit[] = {STR(""), STR("a"), STR("twelve bytes\n\t\x01\x0c\x0e\x7e\xc2\x80"),
                       STR("\xE6\x9D\xB1\xE4\xBA\xAC \xF0\x9F\x98\x80 and more"), (str){0}};
    for (size_t i = 0; i < countof(fit); i++) {
        str got = wt_scrub(fit[i], &world_mem);
        assert_ptr_equal(got.ptr, fit[i].ptr);
        assert_int_equal(got.len, fit[i].len);
    }
}

static void changes_what_is_not(void **state) {
    (void)state;
    becomes(STR("a\r\nb\rc\r"), "a\nb\nc\n");
    becomes(STR("\x7Fg00000000\x7F"), "?g00000000?");
    becomes(STR("a\0b"), "a\xEF\xBF\xBD"
                         "b");
    becomes(STR("\xFF\xC0\x80 \xE6\x9D"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD \xEF\xBF\xBD");
}

// Every byte at every place of a word, alone in plain text.
static void finds_each_byte(void **state) {
    (void)state;
    for (size_t at = 0; at < 20; at++)
        for (int c = 0; c < 256; c++) {
            char text[21] = "01234567890123456789";
            text[at] = (char)c;
            str in = {text, 20}, got = wt_scrub(in, &world_mem);
            bool is_fit = c < 0x80 && c != 0 && c != '\r' && c != 0x7F;
            assert_int_equal(got.ptr == in.ptr, is_fit);
            assert_true(utf8_valid(got));
            assert_int_equal(str_find_byte(got, 0x7F), got.len);
        }
    world_forget();
}

// Pages, templates, messages: all doors.
static void stands_at_every_door(void **state) {
    (void)state;
    static const world_page pages[] = {{"Template:A", "\x7Fn00000000\x7F\xFF"}, {0}};
    world_use(pages);
    assert_string_equal(world_render("<nowiki>x</nowiki>{{A}}"),
                        "<p>x?n00000000?\xEF\xBF\xBD\n</p>");
    assert_string_equal(world_render("<nowiki>x</nowiki>\x7Fn00000000\x7F\xFF"),
                        "<p>x?n00000000?\xEF\xBF\xBD\n</p>");
}

// A function that cuts a marker in two leaves no piece of it.
static void leaves_no_piece(void **state) {
    (void)state;
    world_use(NULL);
    const char *html = world_render("{{padleft:|5|<nowiki>x</nowiki>}}{{#sub:<nowiki>x</nowiki>|2}}"
                                    "{{#explode:a<nowiki>x</nowiki>|n|0}}");
    assert_null(strchr(html, 0x7F));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(leaves_what_is_fit), cmocka_unit_test(changes_what_is_not),
        cmocka_unit_test(finds_each_byte),    cmocka_unit_test(stands_at_every_door),
        cmocka_unit_test(leaves_no_piece),
    };
    return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
