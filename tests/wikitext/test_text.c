// Words of rendered HTML, the printed tree, the page's hash.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wikitext/inside.h"

static arena mem, scratch;

static const char *words_of(const char *html) {
    buf out;
    buf_init(&out, &mem, 0);
    wt_text(&out, str_of(html));
    return arena_cstr(&mem, buf_str(&out));
}

static void test_words(void **state) {
    (void)state;
    static const struct {
        const char *html, *words;
    } rows[] = {
        {"", ""},
        {"<p>a  b\n c</p>\n<p>d</p>", "a b c\nd\n"},
        {"<p>a<b>b</b><i> c</i></p>", "ab c\n"},
        {"<p>a&amp;b&#160;c&lt;&#x41;&foo;</p>", "a&b c<A&foo;\n"},
        {"a<br />b<hr />c", "a\nb\nc\n"},
        {"<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul>", "a\nb\nc\n"},
        {"<dl><dt>a</dt><dd>b</dd></dl>", "a\nb\n"},
        {"<table><caption>t</caption><tbody><tr><th>a</th><td>b</td></tr>\n<tr><td></td><td>d</"
         "td></tr>"
         "</tbody></table>e",
         "t\na\tb\n\td\ne\n"},
        {"<table><tr><td><p>a</p><p>b</p></td><td><table><tr><td>c</td><td>d</td></tr></table></td>"
         "</tr></table>",
         "a b\tc d\n"},
        {"<pre>a\n  b</pre>c", "a\n  b\nc\n"},
        {"<h2>a<span class=\"mw-editsection\"><span>[</span>edit</span></h2>b", "a\nb\n"},
        {"a<sup id=\"x\" class=\"reference\"><a href=\"#\">[1]</a></sup>b<sup>2</sup>", "ab2\n"},
        {"a<style>b{c}</style>d<span style=\"display:none\">e</span>", "ad\n"},
        {"<div id=\"toc\" class=\"toc\"><div>a</div></div>b", "b\n"},
        {"a<span class=\"references x\">b</span>", "ab\n"},
        {"a<b", "a\n"},
        {"</td></pre>a", "a\n"},
    };
    for (size_t i = 0; i < countof(rows); i++)
        assert_string_equal(words_of(rows[i].html), rows[i].words);
}

static void test_tree_for_people(void **state) {
    (void)state;
    buf out;
    buf_init(&out, &mem, 0);
    assert_int_equal(wt_print_tree(&out, STR("a{{b|c=\"d\"\n}}<ref name=e>f</ref>"), scratch), OK);
    assert_string_equal(arena_cstr(&mem, buf_str(&out)),
                        "root\n"
                        "  text \"a\"\n"
                        "  template\n"
                        "    name\n"
                        "      text \"b\"\n"
                        "    part\n"
                        "      key\n"
                        "        text \"c\"\n"
                        "      value\n"
                        "        text \"\\\"d\\\"\\n\"\n"
                        "  tag \"ref\" attributes \" name=e\" inside \"f\"\n");
}

static void test_deep_trees_are_printed_whole(void **state) {
    (void)state;
    buf in, out;
    buf_init(&in, &mem, 256 << 10);
    buf_init(&out, &mem, 0);
    for (int i = 0; i < 20000; i++)
        buf_add(&in, STR("{{a|"));
    for (int i = 0; i < 20000; i++)
        buf_add(&in, STR("}}"));
    assert_int_equal(wt_print_tree(&out, buf_str(&in), scratch), OK);
    assert_true(str_starts(buf_str(&out), STR("root\n")));
}

static void test_hash_depends_on_all_that_was_used(void **state) {
    (void)state;
    wt_used used[] = {{STR("Template:A"), 1}, {STR("Template:B"), 2}};
    wt_page page = {.used = used, .n_used = 2};
    uint64_t all = wt_page_hash(&page, STR("x")), same = wt_page_hash(&page, STR("x"));
    assert_int_equal(all, same);
    assert_int_not_equal(all, wt_page_hash(&page, STR("y")));
    used[1].hash = 3;
    assert_int_not_equal(all, wt_page_hash(&page, STR("x")));
    used[1] = (wt_used){STR("Template:C"), 2};
    assert_int_not_equal(all, wt_page_hash(&page, STR("x")));
    page.n_used = 1;
    assert_int_not_equal(all, wt_page_hash(&page, STR("x")));
}

static int open_arenas(void **state) {
    (void)state;
    return arena_open(&mem, 256 << 20, NULL) || arena_open(&scratch, 1 << 30, NULL);
}
static int close_arenas(void **state) {
    (void)state;
    arena_close(&mem);
    arena_close(&scratch);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_tree_for_people),
        cmocka_unit_test(test_deep_trees_are_printed_whole),
        cmocka_unit_test(test_hash_depends_on_all_that_was_used),
    };
    return cmocka_run_group_tests(tests, open_arenas, close_arenas);
}
