// The dump reader and the builder on odd, damaged and cut input (kills and equal bytes:
// test_build.c).

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/wiki/data.h"
#include "wiki/inside.h"
#include "wiki/wiki.h"

#include <bzlib.h>

// --- Revisions -------------------------------------------------------------------------------

static wiki_revision parse(const char *xml) {
    wiki_revision r;
    err e = {0};
    if (wiki_revision_parse(&r, str_of(xml), &data_arena, &e)) fail_msg("%s", e.msg);
    return r;
}

static void whole_revision(void **state) {
    (void)state;
    wiki_revision r = parse(
        " <page>\n<title>A &amp; B</title><ns>828</ns><id>5</id>"
        "<redirect title=\"C &quot;d&quot; > e\" /><restrictions>edit=sysop</restrictions>"
        "<revision><id>1</id><text>old</text><sha1>x</sha1></revision>"
        "<revision><id>6</id><parentid>1</parentid><timestamp>2020-01-02T03:04:05Z</timestamp>"
        "<contributor><username>U</username><id>77</id></contributor><minor />"
        "<comment>c &lt;title&gt;</comment><!-- <text>no</text> --><origin>6</origin>"
        "<model>Scribunto</model><format>text/plain</format>"
        "<text bytes=\"9\" sha1=\"abc\" xml:space=\"preserve\">a &lt;b&gt; &amp;amp;</text>"
        "<content><role>mediainfo</role><model>json</model><text>no</text></content>"
        "<sha1>combined</sha1></revision>\n</page>\n");
    assert_true(str_eq(r.title, STR("A & B")) && r.ns == 828 && r.page_id == 5 && r.rev_id == 6);
    assert_true(str_eq(r.redirect, STR("C \"d\" > e")));
    assert_true(str_eq(r.timestamp, STR("2020-01-02T03:04:05Z")));
    assert_true(str_eq(r.model, STR("Scribunto")) && str_eq(r.sha1, STR("abc")));
    assert_true(str_eq(r.text, STR("a <b> &amp;")));
}

static void old_and_empty_revisions(void **state) {
    (void)state;
    wiki_revision r = parse("<page><title>T</title><revision><text xml:space=\"preserve\" />"
                            "<sha1 /></revision></page>");
    assert_true(str_eq(r.title, STR("T")) && !r.text.len && !r.sha1.len && !r.model.len);
    assert_true(!r.page_id && !r.rev_id && !r.ns && !r.redirect.len);
    r = parse("<page><title>T</title><revision><text deleted=\"deleted\" /></revision></page>");
    assert_int_equal(r.text.len, 0);
    r = parse("<page><title>T</title><upload><text>no</text></upload></page>");
    assert_int_equal(r.text.len, 0);
}

static void no_page(void **state) {
    (void)state;
    static const char *const bad[] = {
        "",
        " ",
        "page",
        "<page>",
        "<page></page>",
        "<page/>",
        "<page><title>a</title>",
        "<page><title>a</title></page><page>",
        "<page><title>a</title></page>x",
        "x<page><title>a</title></page>",
        "<page><title>a</title></revision></page>",
        "<page><title>a<b></title></page>",
        "<page><page><title>a</title></page></page>",
        "<page><title>a</title><text",
        "<page><title>a</title></page",
        "<!-- <page>",
        "<page><title>a</title><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a></page>",
        "<mediawiki><page><title>a</title></page></mediawiki>",
        "<page a=\"><title>x</title></page>",
    };
    for (size_t i = 0; i < countof(bad); i++) {
        wiki_revision r;
        err e = {0};
        assert_int_equal(wiki_revision_parse(&r, str_of(bad[i]), &data_arena, &e), E_FORMAT);
        assert_true(e.msg[0]);
    }
}

static void no_room_is_told(void **state) {
    (void)state;
    arena small;
    wiki_revision r;
    err e = {0};
    char *text = memset(arena_alloc(&data_arena, 10000), 'x', 9999);
    str xml = arena_fmt(&data_arena,
                        "<page><title>a</title><revision><text>%s</text></revision>"
                        "</page>",
                        text);
    assert_int_equal(arena_open(&small, 4096, NULL), OK);
    assert_int_equal(wiki_revision_parse(&r, xml, &small, &e), E_LIMIT);
    arena_close(&small);
}

// --- What is no dump -------------------------------------------------------------------------

static void refused(void **state) {
    (void)state;
    static const struct {
        const char *name;
        str bytes;
        const char *says;
        status want;  // 0: E_FORMAT
    } cases[] = {
        {"empty.xml", STR_INIT(""), "empty"},
        {"text.xml", STR_INIT("718:2566:Title\n"), "no MediaWiki dump"},
        {"html.xml", STR_INIT("<html><body></body></html>"), "no MediaWiki dump"},
        {"junk.xml", STR_INIT("x <mediawiki></mediawiki>"), "no MediaWiki dump"},
        {"le.xml", STR_INIT("\xff\xfe<\0m\0"), "UTF-16"},
        {"be.xml", STR_INIT("\xfe\xff\0<\0m"), "UTF-16"},
        {"nobom.xml", STR_INIT("<\0m\0e\0d\0"), "UTF-16"},
        {"packed.xml", STR_INIT("BZh9xxxx"), "no bzip2 block"},
        {"gz.xml", STR_INIT("\x1f\x8b\x08xxxxx"), "gzip"},
        {"head.xml", STR_INIT("<mediawiki version=\"0.11\">\n"), "cut short"},
        {"site.xml", STR_INIT("<mediawiki><siteinfo><sitename>x"), "cut short"},
        {"cut.xml", STR_INIT("<mediawiki>" DATA_PAGE("A", "b") "<page><title>C</title>"), "byte 2"},
        {"tail.xml", STR_INIT("<mediawiki>" DATA_PAGE("A", "b") "\0\0\0\0"), "behind the end"},
        {"new.xml", STR_INIT("<mediawiki version=\"1.0\"></mediawiki>"), "schema 1.0",
         E_UNSUPPORTED},
        {"item.xml", STR_INIT("<mediawiki><logitem></logitem></mediawiki>"), "no page"},
        {"bad.xml.bz2", STR_INIT("BZh91AY&SYxxxxxxxxxxxxxxx"), "damaged"},
        {"none.xml.bz2", STR_INIT(""), "empty"},
        {"not.xml.bz2", STR_INIT("BZ<mediawiki></mediawiki>"), "no MediaWiki dump"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        wiki_build_result r;
        err e = {0};
        const char *path = data_write(cases[i].name, cases[i].bytes);
        assert_int_equal(data_build(path, &r, &e), cases[i].want ? cases[i].want : E_FORMAT);
        if (!strstr(e.msg, cases[i].says) || !strstr(e.msg, data_dir))
            fail_msg("\"%s\" does not say \"%s\"", e.msg, cases[i].says);
        assert_int_not_equal(access(wiki_index_path(&data_arena, path), F_OK), 0);
    }
    wiki_build_result r;
    err e = {0};
    assert_int_equal(data_build(data_path("absent.xml"), &r, &e), E_NOT_FOUND);
    assert_int_equal(data_build(data_path("absent.xml.bz2"), &r, &e), E_NOT_FOUND);
}

static void real_ones_refused(void **state) {
    (void)state;
    wiki_build_result r;
    err e = {0};
    assert_int_equal(data_build(data_shared("bgwiki-utf16-negative.xml.bz2"), &r, &e), E_FORMAT);
    assert_non_null(strstr(e.msg, "UTF-16"));
    const char *index =
        data_shared("multistream/pages-articles-p2566p2583.multistream-index.xml.bz2");
    assert_int_equal(data_build(index, &r, &e), E_FORMAT);
    assert_non_null(strstr(e.msg, "no MediaWiki dump"));
}

static void long_titles(void **state) {
    (void)state;
    char *name = memset(arena_alloc(&data_arena, 3000), 'x', WIKI_TITLE_MAX);
    str dump = arena_fmt(&data_arena, "<page><title>%s</title></page>", name);
    wiki_build_result r;
    err e = {0};
    const char *path = data_write("long.xml", dump);
    assert_int_equal(data_build(path, &r, &e), OK);
    assert_int_equal(r.n_pages, 1);
    assert_false(r.is_open_ended);
    name[WIKI_TITLE_MAX] = 'x';
    dump = arena_fmt(&data_arena, "<page><title>%s</title></page>", name);
    assert_int_equal(data_build(data_write("long.xml", dump), &r, &e), E_LIMIT);
    assert_non_null(strstr(e.msg, "limit 1024"));
}

static void sha1_is_checked(void **state) {
    (void)state;
    char digest[WIKI__SHA1_DIGITS];
    assert_true(wiki__sha1(digest, (str){0}));  // known from MediaWiki: the empty page
    assert_memory_equal(digest, "phoiac9h4m842xq45sp7s6u21eteeq1", WIKI__SHA1_DIGITS);
    const char *path = data_write(
        "sha1.xml",
        STR("<mediawiki>"
            "<page><title>Good</title><revision><text></text>"
            "<sha1>phoiac9h4m842xq45sp7s6u21eteeq1</sha1></revision></page>"
            "<page><title>Bad</title><revision><text>x</text>"
            "<sha1>phoiac9h4m842xq45sp7s6u21eteeq1</sha1></revision></page></mediawiki>"));
    wiki_build_result r;
    err e = {0};
    assert_int_equal(data_build(path, &r, &e), OK);
    assert_int_equal(r.n_bad_sha1, 1);
    assert_int_equal(r.n_without_sha1, 0);
    wiki *w;
    wiki_hit h;
    assert_int_equal(data_open(&w, path, &e), OK);
    wiki_view *v = wiki_enter(w);
    assert_true(wiki_find(&h, v, STR("Bad"), &data_arena) && h.page.is_bad_sha1);
    assert_true(wiki_find(&h, v, STR("Good"), &data_arena) && !h.page.is_bad_sha1);
    wiki_leave(v);
    wiki_close(w);
}

// --- Cut at every byte -----------------------------------------------------------------------

static const char small[] = DATA_SITE DATA_PAGE("A &amp; b", "x &lt; y")
    DATA_REDIRECT("R", "A") "<!-- c -->" DATA_PAGE("Z", "") DATA_END;

// Each cut in memory of exactly that size, so that the sanitizer sees a read too far.
static void dump_cut_anywhere(void **state) {
    (void)state;
    size_t n_whole = 0;
    for (size_t n = 0; n < sizeof small; n++) {
        char *exact = malloc(n ? n : 1);
        assert_non_null(exact);
        memcpy(exact, small, n);
        wiki_site site = {0};
        arena a = data_arena;
        wiki__dump d;
        wiki__page p;
        err e = {0};
        status s = wiki__dump_open(&d, (str){exact, n}, &site, &a, &e);
        for (bool more = true; !s && more;)
            s = wiki__dump_next(&more, &p, &d, &e);
        assert_true(s == OK || (s == E_FORMAT && e.msg[0]));
        size_t footer = sizeof small - sizeof DATA_END;
        if (!s && n < footer) assert_memory_equal(exact + p.off + p.len - 7, "</page>", 7);
        n_whole += s == OK;
        free(exact);
    }
    assert_in_range(n_whole, 4, 100);  // between pages, and at the end
}

static void index_cut_or_changed(void **state) {
    (void)state;
    const char *dump = data_write("cut.xml", (str){small, sizeof small - 1});
    wiki_build_result r;
    err e = {0};
    assert_int_equal(data_build(dump, &r, &e), OK);
    os_file_stat st;
    assert_int_equal(os_stat(&st, dump, &e), OK);
    str good = data_read(wiki_index_path(&data_arena, dump));
    wiki_index *ix;
    for (size_t n = 0; n < good.len; n++) {
        const char *path = data_write("cut.idx", str_first(good, n));
        assert_int_equal(wiki_index_open(&ix, path, st.len, st.mtime_ns, &e), E_FORMAT);
        assert_null(ix);
    }
    char *bytes = arena_alloc(&data_arena, good.len);
    for (size_t i = 0; i < good.len; i++) {
        memcpy(bytes, good.ptr, good.len);
        bytes[i] ^= 0x41;
        const char *path = data_write("cut.idx", (str){bytes, good.len});
        status s = wiki_index_open(&ix, path, st.len, st.mtime_ns, &e);
        if (s == OK) {  // padding between sections is all that is not covered
            assert_int_equal(good.ptr[i], 0);
            wiki_index_close(ix);
        } else {
            assert_int_equal(s, E_FORMAT);
        }
    }
}

static void stale_index(void **state) {
    (void)state;
    const char *dump = data_write("stale.xml", (str){small, sizeof small - 1});
    wiki_build_result r;
    err e = {0};
    wiki *w;
    assert_int_equal(data_open(&w, dump, &e), E_NOT_FOUND);
    assert_non_null(strstr(e.msg, "parallelopedia index"));
    assert_int_equal(data_build(dump, &r, &e), OK);
    assert_int_equal(data_open(&w, dump, &e), OK);
    wiki_close(w);
    data_write("stale.xml", STR("<mediawiki>" DATA_PAGE("New", "x") "</mediawiki>"));
    assert_int_equal(data_open(&w, dump, &e), E_STALE);
    assert_non_null(strstr(e.msg, "again"));
    assert_null(w);
}

// --- bzip2 -----------------------------------------------------------------------------------

static str packed(str text) {
    unsigned n = (unsigned)text.len + 1024;
    char *p = arena_alloc(&data_arena, n);
    assert_int_equal(BZ2_bzBuffToBuffCompress(p, &n, (char *)text.ptr, (unsigned)text.len, 9, 0, 0),
                     BZ_OK);
    return (str){p, n};
}

// As Wikimedia writes them: a header, pages, an empty stream of 14 bytes, a footer.
static void many_streams(void **state) {
    (void)state;
    buf all;
    buf_init(&all, &data_arena, 1 << 16);
    static const str parts[] = {STR_INIT(DATA_SITE), STR_INIT(DATA_PAGE("A", "a")), STR_INIT(""),
                                STR_INIT(DATA_PAGE("B", "b")), STR_INIT(DATA_END)};
    for (size_t i = 0; i < countof(parts); i++)
        buf_add(&all, packed(parts[i]));
    const char *dump = data_write("many.xml.bz2", buf_str(&all));
    wiki_build_result r;
    err e = {0};
    if (data_build(dump, &r, &e)) fail_msg("%s", e.msg);
    assert_int_equal(r.n_pages, 2);
    wiki *w;
    wiki_hit h;
    str xml;
    assert_int_equal(data_open(&w, dump, &e), OK);
    wiki_view *v = wiki_enter(w);
    assert_true(wiki_find(&h, v, STR("B"), &data_arena));
    assert_int_equal(wiki_page_xml(&xml, v, &h, &data_arena, &e), OK);
    assert_true(str_starts(xml, STR("<page>")) && str_ends(xml, STR("</page>")));
    wiki_leave(v);
    wiki_close(w);
    data_write("many.xml.bz2", str_first(buf_str(&all), all.len - 5));
    assert_int_equal(data_build(dump, &r, &e), E_FORMAT);
    assert_non_null(strstr(e.msg, "cut short"));
}

static void real_streams(void **state) {
    (void)state;
    const char *dump = data_shared("multistream/pages-articles-p2566p2583.multistream.xml.bz2");
    str whole = data_read(dump);
    const char *mine = data_write("u.xml.bz2", whole);
    wiki_build_result r;
    err e = {0};
    assert_int_equal(data_build(mine, &r, &e), OK);
    assert_int_equal(r.n_pages, 17);
    for (size_t n = 1; n < whole.len; n += 997) {  // cut anywhere
        const char *cut = data_write("c.xml.bz2", str_first(whole, n));
        assert_int_equal(data_build(cut, &r, &e), E_FORMAT);
        assert_true(e.msg[0]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_revision),    cmocka_unit_test(old_and_empty_revisions),
        cmocka_unit_test(no_page),           cmocka_unit_test(no_room_is_told),
        cmocka_unit_test(refused),           cmocka_unit_test(real_ones_refused),
        cmocka_unit_test(long_titles),       cmocka_unit_test(sha1_is_checked),
        cmocka_unit_test(dump_cut_anywhere), cmocka_unit_test(index_cut_or_changed),
        cmocka_unit_test(stale_index),       cmocka_unit_test(many_streams),
        cmocka_unit_test(real_streams),
    };
    return cmocka_run_group_tests(tests, data_setup, data_teardown);
}
