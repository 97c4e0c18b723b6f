// [[File:x|...]] and <gallery>: options, sizes, links, boxes; what stands for what is not there.

#include "tests/wikitext/link_world.h"
#include "wikitext/file.h"

typedef struct pair {
    const char *in, *out;
} pair;

static str render(const char *in) {
    str text = wt_unstrip_str(&world_parser, world_run(wt_links, str_of(in)), "gx");
    return wt_unstrip_str(&world_parser, world_run(wt_holders, text), "gxn");
}

static void check(const pair *cases, size_t n) {
    for (size_t i = 0; i < n; i++) {
        str got = render(cases[i].in);
        assert_str_equal(got, cases[i].out);
    }
}

#define FILE_A "<a href=\"/wiki/File:X.jpg\" class=\"mw-file-description\""
#define IMG(w, h)                                                                                  \
    "src=\"/img/" #w "/X.jpg\" decoding=\"async\" width=\"" #w "\" height=\"" #h                   \
    "\" class=\"mw-file-element\""
#define WHOLE                                                                                      \
    "src=\"/img/X.jpg\" decoding=\"async\" width=\"800\" height=\"600\" "                          \
    "class=\"mw-file-element\" />"
#define TWICE(w)    " srcset=\"/img/" #w "/X.jpg 2x\" />"
#define TWICE_WHOLE " srcset=\"/img/X.jpg 2x\" />"

static void shapes(void **state) {
    (void)state;
    static const pair cases[] = {
        {"[[File:x.jpg]]",
         "<span class=\"mw-default-size\" typeof=\"mw:File\">" FILE_A "><img " WHOLE "</a></span>"},
        {"[[File:x.jpg|100px|a ''b'' [[c]]]]",
         "<span typeof=\"mw:File\">" FILE_A " title=\"a b c\"><img alt=\"a b c\" " IMG(100, 75)
             TWICE(200) "</a></span>"},
        {"[[File:x.jpg|thumb| a [[b]]\nc]]",
         "<figure class=\"mw-default-size\" typeof=\"mw:File/Thumb\">" FILE_A "><img " IMG(220, 165)
             TWICE(440) "</a><figcaption> a <a href=\"/wiki/B\" title=\"B\">b</a> c</figcaption>"
                        "</figure>"},
        {"[[File:x.jpg|left|upright=0.5|frameless|border|class=y z|x]]",
         "<figure class=\"mw-default-size mw-halign-left mw-image-border y z\" "
         "typeof=\"mw:File/Frameless\">" FILE_A " title=\"x\"><img alt=\"x\" " IMG(110, 83)
             TWICE(220) "</a><figcaption>x</figcaption></figure>"},
        {"[[File:x.jpg|frame|50px|alt=q]]",
         "<figure typeof=\"mw:File/Frame\">" FILE_A "><img alt=\"q\" " WHOLE
         "</a><figcaption></figcaption></figure>"},
        {"[[File:x.jpg|text-top|500x300px]]",
         "<span class=\"mw-valign-text-top\" typeof=\"mw:File\">" FILE_A "><img " IMG(400, 300)
             TWICE_WHOLE "</a></span>"},
        {"[[File:x.jpg|x150px|200pxpx]]",
         "<span typeof=\"mw:File\">" FILE_A "><img " IMG(200, 150) TWICE(400) "</a></span>"},
        {"[[File:x.jpg|thumb|2000px]]", "<figure typeof=\"mw:File/Thumb\">" FILE_A "><img " WHOLE
                                        "</a><figcaption></figcaption></figure>"},
        {"[[File:x.jpg|thumb=y.jpg|z]]",
         "<figure typeof=\"mw:File/Thumb\"><a href=\"/wiki/File:X.jpg\" title=\"File:X.jpg\">"
         "<img resource=\"/wiki/File:X.jpg\" src=\"/img/Y.jpg\" decoding=\"async\" width=\"800\" "
         "height=\"600\" class=\"mw-file-element\" /></a><figcaption>z</figcaption></figure>"},
    };
    world_start("Page");
    check(cases, countof(cases));
}

static void links(void **state) {
    (void)state;
    static const pair cases[] = {
        {"[[File:x.jpg|link=]]",
         "<span class=\"mw-default-size\" typeof=\"mw:File\"><span><img " WHOLE "</span></span>"},
        {"[[File:x.jpg|link=foo#b]]",
         "<span class=\"mw-default-size\" typeof=\"mw:File\"><a href=\"/wiki/Foo#b\" title=\"Foo\">"
         "<img " WHOLE "</a></span>"},
        {"[[File:x.jpg|link=http://a.b/?c&d|e]]",
         "<span class=\"mw-default-size\" typeof=\"mw:File\"><a href=\"http://a.b/?c&amp;d\" "
         "title=\"e\" rel=\"nofollow\"><img alt=\"e\" " WHOLE "</a></span>"},
        {"[[File:x.jpg|link=http://a b]]",
         "<span class=\"mw-default-size\" typeof=\"mw:File\">" FILE_A " title=\"link=http://a b\">"
         "<img alt=\"link=http://a b\" " WHOLE "</a></span>"},
        {"[[File:x.jpg|alt=\"<b>&amp;'|thumb]]",
         "<figure class=\"mw-default-size\" typeof=\"mw:File/Thumb\">" FILE_A
         "><img alt=\"&quot;&amp;&#39;\" " IMG(220, 165)
             TWICE(440) "</a><figcaption></figcaption></figure>"},
    };
    world_start("Page");
    check(cases, countof(cases));
}

static void players(void **state) {
    (void)state;
    static const pair cases[] = {
        {"[[File:x.ogg]]",
         "<span class=\"mw-default-size\" typeof=\"mw:File\"><span><audio id=\"mwe_player_1\" "
         "controls=\"\" preload=\"none\" data-mw-tmh=\"\" class=\"mw-file-element\" width=\"800\" "
         "style=\"width:800px;\" data-durationhint=\"12\" data-mwtitle=\"X.ogg\" "
         "data-mwprovider=\"local\"><source src=\"/img/X.ogg\" type=\"audio/ogg\" "
         "data-width=\"800\" data-height=\"600\" /></audio></span></span>"},
        {"[[File:x.webm|start=1:2.5|end=3|muted|loop|400px]]",
         "<span typeof=\"mw:File\"><span><video id=\"mwe_player_2\" controls=\"\" preload=\"none\" "
         "muted=\"\" loop=\"\" data-mw-tmh=\"\" class=\"mw-file-element\" width=\"400\" "
         "height=\"300\" data-durationhint=\"12\" data-mwtitle=\"X.webm\" "
         "data-mwprovider=\"local\">"
         "<source src=\"/img/X.webm#t=00:00:11.000,00:00:03.000\" type=\"video/webm\" "
         "data-width=\"800\" data-height=\"600\" /></video></span></span>"},
    };
    world_start("Page");
    check(cases, countof(cases));
}

static void absent(void **state) {
    (void)state;
    static const pair cases[] = {
        {"[[File:Gone.jpg|thumb|x]]",
         "<figure class=\"mw-default-size\" typeof=\"mw:Error mw:File/Thumb\"><a "
         "href=\"/index.php?title=Special:Upload&amp;wpDestFile=Gone.jpg\" class=\"new\" "
         "title=\"File:Gone.jpg\"><span class=\"mw-file-element mw-broken-media\" "
         "data-width=\"180\">File:Gone.jpg</span></a><figcaption>x</figcaption></figure>"},
        {"[[File:Gone.jpg|50x40px|a<b>c</b>]]",
         "<span typeof=\"mw:Error mw:File\"><a "
         "href=\"/index.php?title=Special:Upload&amp;wpDestFile=Gone.jpg\" class=\"new\" "
         "title=\"File:Gone.jpg\"><span class=\"mw-file-element mw-broken-media\" "
         "data-width=\"50\" data-height=\"40\">ac</span></a></span>"},
        {"[[File:x.jpg|thumb=Gone.jpg]]",
         "<figure typeof=\"mw:Error mw:File/Thumb\"><a href=\"/wiki/File:X.jpg\" "
         "title=\"File:X.jpg\"><span class=\"mw-file-element mw-broken-media\" data-width=\"180\">"
         "Error creating thumbnail: </span></a><figcaption></figcaption></figure>"},
    };
    world_start("Page");
    check(cases, countof(cases));
}

// Without the files at hand: a caption in a box, and a link where there is more to know.
static void readers(void **state) {
    (void)state;
    static const pair cases[] = {
        {"[[File:Unseen.jpg|thumb|x]]",
         "<figure class=\"mw-default-size\" typeof=\"mw:File/Thumb\"><a "
         "href=\"/wiki/File:Unseen.jpg\" title=\"File:Unseen.jpg\"><span "
         "class=\"mw-file-element mw-broken-media\" data-width=\"180\">Unseen.jpg</span></a>"
         "<figcaption>x</figcaption></figure>"},
        {"[[File:Gone.jpg|alt=y]]",
         "<span class=\"mw-default-size\" typeof=\"mw:Error mw:File\"><a "
         "href=\"/wiki/File:Gone.jpg\" title=\"File:Gone.jpg\"><span "
         "class=\"mw-file-element mw-broken-media\">y</span></a></span>"},
        {"[[File:Unseen lost.jpg|thumb|x]]",
         "<figure class=\"mw-default-size\" typeof=\"mw:File/Thumb\"><span "
         "class=\"mw-file-element mw-broken-media\" data-width=\"180\">Unseen lost.jpg</span>"
         "<figcaption>x</figcaption></figure>"},
        {"[[File:Unseen.jpg|20px|link=|alt=]]",
         "<span typeof=\"mw:File\"><span class=\"mw-file-element mw-broken-media\" "
         "data-width=\"20\"></span></span>"},
        {"[[File:Unseen.jpg|link=Red|a]]",
         "<span class=\"mw-default-size\" typeof=\"mw:File\"><span "
         "class=\"mw-file-element mw-broken-media\">a</span></span>"},
        {"[[File:Unseen.jpg|link=http://a.b/|a]]",
         "<span class=\"mw-default-size\" typeof=\"mw:File\"><a href=\"http://a.b/\" title=\"a\" "
         "rel=\"nofollow\"><span class=\"mw-file-element mw-broken-media\">a</span></a></span>"},
        {"[[File:Gone.svg|20px]]",
         "<span typeof=\"mw:Error mw:File\"><a href=\"/wiki/File:Gone.svg\" "
         "title=\"File:Gone.svg\"><span class=\"mw-file-element mw-broken-media\" "
         "data-width=\"20\"></span></a></span>"},
    };
    world_start("Page");
    world_options.red_links_to_editor = false;
    check(cases, countof(cases));
}

static void other_languages(void **state) {
    (void)state;
    world_site.lang = STR("de");
    world_start("Page");
    assert_str_equal(
        render("[[Bild:x.jpg|mini|links|hochkant=0.5|y]]"),
        "<figure class=\"mw-default-size mw-halign-left\" typeof=\"mw:File/Thumb\">" FILE_A
        "><img " IMG(110, 83) TWICE(220) "</a><figcaption>y</figcaption></figure>");
    world_site.lang = STR("ru");
    world_start("Page");
    assert_str_equal(render("[[Изображение:x.jpg|100пкс|справа]]"),
                     "<figure class=\"mw-halign-right\" typeof=\"mw:File\">" FILE_A
                     "><img " IMG(100, 75) TWICE(200) "</a><figcaption></figcaption></figure>");
    world_site.lang = STR("en");
    world_start("Page");
    assert_str_equal(render("[[File:x.jpg|mini]]"),
                     "<span class=\"mw-default-size\" typeof=\"mw:File\">" FILE_A
                     " title=\"mini\"><img alt=\"mini\" " WHOLE "</a></span>");
}

static void sizes(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int32_t width, height;
        bool is_size;
    } cases[] = {
        {"100", 100, 0, true},      {"100x50", 100, 50, true}, {"x50", 0, 50, true},
        {"100px", 100, 0, true},    {"100 ", 100, 0, true},    {"100x", 100, 0, true},
        {"", 0, 0, false},          {"x", 0, 0, false},        {"0", 0, 0, false},
        {"a", 0, 0, false},         {"1.5", 1, 0, false},      {"-5", 0, 0, false},
        {"100x50x20", 0, 0, false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        int32_t width, height;
        assert_int_equal(wt_picture_size(&width, &height, str_of(cases[i].text)), cases[i].is_size);
        if (cases[i].is_size) assert_int_equal(width, cases[i].width);
        if (cases[i].is_size) assert_int_equal(height, cases[i].height);
    }
    int32_t width, height;
    assert_true(wt_picture_size(&width, &height, STR("99999999999999999999")));
    assert_in_range(width, 1 << 20, 1 << 24);
}

static void plain_words(void **state) {
    (void)state;
    static const pair cases[] = {
        {"a <b>c</b>d", "a cd"},
        {"a<br />b", "a b"},
        {"a<p>b</p>c", "a b c"},
        {" a \n b ", "a b"},
        {"a &lt;b&gt;", "a <b>"},
        {"a < b > c", "a < b > c"},
        {"a <b", "a <b"},
        {"<i", "<i"},
        {"", ""},
    };
    wt_parser *p = world_start("Page");
    for (size_t i = 0; i < countof(cases); i++)
        assert_str_equal(wt_plain(p, str_of(cases[i].in)), cases[i].out);
}

static str gallery(const char *attrs, const char *inner) {
    buf out;
    buf_init(&out, &world_mem, 0);
    wt_gallery(&out, &world_parser, &world_frame, str_of(attrs), str_of(inner));
    str text = wt_unstrip_str(&world_parser, buf_str(&out), "gx");
    return wt_unstrip_str(&world_parser, world_run(wt_holders, text), "gxn");
}

static void galleries(void **state) {
    (void)state;
    world_start("Page");
    assert_str_equal(
        gallery("class=a perrow=2 caption=\"c ''d''\" style=\"color: red\"",
                "\nX.jpg|alt=y|[[b]]\nFile:Gone.jpg\n[[bad\n"),
        "<ul class=\"a gallery mw-gallery-traditional\" style=\"max-width: 326px;color: red\">\n"
        "\t<li class=\"gallerycaption\">c <i>d</i></li>\n"
        "\t\t<li class=\"gallerybox\" style=\"width: 155px\">\n"
        "\t\t\t<div class=\"thumb\" style=\"width: 150px; height: 150px;\"><span "
        "typeof=\"mw:File\">" FILE_A " title=\"b\"><img alt=\"y\" " IMG(120, 90) TWICE(
            240) "</a></span></div>\n"
                 "\t\t\t<div class=\"gallerytext\"><a href=\"/wiki/B\" title=\"B\">b</a></div>\n"
                 "\t\t</li>\n"
                 "\t\t<li class=\"gallerybox\" style=\"width: 155px\">\n"
                 "\t\t\t<div class=\"thumb\" style=\"height: 150px;\"><span "
                 "typeof=\"mw:Error mw:File\"><a href=\"/index.php?title=Special:Upload&amp;"
                 "wpDestFile=Gone.jpg\" class=\"new\" title=\"File:Gone.jpg\"><span "
                 "class=\"mw-file-element mw-broken-media\" data-width=\"120\" "
                 "data-height=\"120\">File:Gone.jpg</span></a></span></div>\n"
                 "\t\t\t<div class=\"gallerytext\"></div>\n"
                 "\t\t</li>\n"
                 "</ul>");
    assert_str_equal(
        gallery("mode=packed-hover widths=50 heights=70px", "X.jpg|z"),
        "<ul class=\"gallery mw-gallery-packed-hover\">\n"
        "\t\t<li class=\"gallerybox\" style=\"width: 95.333333333333px\">\n"
        "\t\t\t<div class=\"thumb\" style=\"width: 93.333333333333px;\"><span "
        "typeof=\"mw:File\">" FILE_A " title=\"z\"><img alt=\"z\" src=\"/img/140/X.jpg\" "
        "decoding=\"async\" width=\"94\" height=\"70\" class=\"mw-file-element\"" TWICE(
            280) "</a></span></div>\n"
                 "\t\t\t<div class=\"gallerytextwrapper\" style=\"width: 74px\">"
                 "<div class=\"gallerytext\">z</div>\n\t\t\t</div>\n"
                 "\t\t</li>\n"
                 "</ul>");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shapes), cmocka_unit_test(links),       cmocka_unit_test(players),
        cmocka_unit_test(absent), cmocka_unit_test(readers),     cmocka_unit_test(other_languages),
        cmocka_unit_test(sizes),  cmocka_unit_test(plain_words), cmocka_unit_test(galleries),
    };
    int failed = cmocka_run_group_tests(tests, world_setup, world_teardown);
    world_stop();
    return failed;
}
