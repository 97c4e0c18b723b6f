// Templates that are missing: each family's words, modules, the unknown, hostile calls.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "families/inside.h"
#include "tests/wikitext/world.h"

#include <stdio.h>

static const world_page pages[] = {
    {"Template:Cite thing", "{{#invoke:Citation/CS1|citation|CitationClass=web}}"},
    {"Template:Convert", "{{#invoke:Convert|convert}}"},
    {"Template:My box", "{{#invoke:Infobox|infobox|above=T|label1=L|data1={{{x}}}}}"},
    {"Template:Odd", "{{#invoke:Nobody knows|f|1=a|b=c}}"},
    {"Module:Convert", "return {}"},
    {NULL, NULL},
};

static int setup(void **state) {
    world_use(pages);
    return world_setup(state);
}

// The words of a page, tags taken out, references and spaces made plain.
static const char *words(const char *wikitext) {
    str html = str_of(world_render(wikitext));
    buf b;
    buf_init(&b, &world_mem, html.len);
    bool in_tag = false;
    for (size_t i = 0; i < html.len; i++) {
        char c = html.ptr[i];
        if (c == '<') in_tag = true;
        if (!in_tag) buf_byte(&b, c == '\n' ? ' ' : c);
        if (c == '>') in_tag = false;
    }
    str text = html_decode(buf_str(&b), &world_mem);
    buf out;
    buf_init(&out, &world_mem, text.len);
    for (size_t i = 0; i < text.len; i++) {
        bool is_nbsp = i + 1 < text.len && text.ptr[i] == '\xc2' && text.ptr[i + 1] == '\xa0';
        if (is_nbsp) i++;
        bool is_space = is_nbsp || text.ptr[i] == ' ';
        if (is_space && out.len && out.ptr[out.len - 1] == ' ') continue;
        buf_byte(&out, is_space ? ' ' : text.ptr[i]);
    }
    return arena_cstr(&world_mem, str_trim(buf_str(&out)));
}

typedef struct example {
    const char *call, *words;
} example;

static void check(const example *rows, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const char *is = words(rows[i].call);
        if (strcmp(is, rows[i].words) != 0)
            fail_msg("%s\nis   %s\nnot  %s", rows[i].call, is, rows[i].words);
    }
}

#define CHECK_ROWS(rows) check(rows, countof(rows))

static void citations(void **state) {
    (void)state;
    static const example rows[] = {
        {"{{cite web|last=Doe|first=J|title=T|url=http://x.org|website=W|publisher=P|date=1 May "
         "2010|access-date=2 May 2011}}",
         "Doe, J (1 May 2010). \"T\". W. P. Retrieved 2 May 2011."},
        {"{{cite web|title=T|url=http://x.org|date=2010}}", "\"T\". 2010."},
        {"{{Cite_book|last1=A|first1=B|last2=C|title=Book|edition=2nd|year=1999|location=Oxford|"
         "publisher=OUP|pages=1-9|isbn=123}}",
         "A, B; C (1999). Book (2nd ed.). Oxford: OUP. pp. 1\xe2\x80\x93"
         "9. ISBN 123."},
        {"{{cite book|author=A|chapter=Ch|title=Book|editor=E|year=1999|page=7}}",
         "A (1999). \"Ch\". In E (ed.). Book. p. 7."},
        {"{{cite book|editor1-last=E|editor2-last=F|title=Book|year=1999}}",
         "E; F (eds.) (1999). Book."},
        {"{{cite journal|vauthors=A B|title=T.|journal=J|volume=12|issue=3|pages=45-67|year=2001|"
         "doi=10.1/x|pmid=5}}",
         "A B (2001). \"T.\" J. 12 (3): 45\xe2\x80\x93"
         "67. doi:10.1/x. PMID 5."},
        {"{{cite news|title=T|newspaper=N|agency=AP|page=A1}}", "\"T\". N. AP. p. A1."},
        {"{{cite encyclopedia|last=L|title=Entry|encyclopedia=Enc|year=2000|volume=2}}",
         "L (2000). \"Entry\". Enc. Vol. 2."},
        {"{{cite thesis|last=L|title=T|degree=PhD|year=1}}", "L (1). T (PhD)."},
        {"{{cite press release|title=T|publisher=P}}", "\"T\" (Press release). P."},
        {"{{citation|last=L|title=T|year=2000|publisher=P}}", "L (2000), T, P"},
        {"{{cite web|title=T|url=http://x|archive-url=http://y|archive-date=D}}",
         "\"T\". Archived from the original on D."},
        {"{{cite web|title=T|url=http://x|archive-url=http://y|url-status=live}}",
         "\"T\". Archived from the original."},
        {"{{cite web|title=T|language=fr|quote=Q|trans-title=U|format=PDF}}",
         "\"T\" [U] (PDF) (in French). \"Q\"."},
        {"{{cite book|last=A|last2=B|last3=C|display-authors=1|title=T}}", "A; et al. T."},
        {"{{cite book|title=T|author=A|author-link=Page|orig-year=1900|year=1950}}",
         "A (1950) [1900]. T."},
        {"{{cite magazine|title=T|magazine=M|volume=1|issue=2|page=3}}",
         "\"T\". M. Vol. 1, no. 2. p. 3."},
    };
    CHECK_ROWS(rows);
    const char *html = world_render("{{cite book|last1=A|last2=B|year=May 1999a|title=T}}");
    assert_non_null(strstr(html, "<cite id=\"CITEREFAB1999a\" class=\"citation book cs1\">"));
    html = world_render("{{cite web|title=A [b] ''c''|url=http://x.org/a b\"}}");
    assert_non_null(strstr(html, "href=\"http://x.org/a%20b%22\""));
    assert_null(strstr(world_render("{{cite web|title=T|url=javascript:x}}"), "href"));
}

static void short_notes(void **state) {
    (void)state;
    static const example rows[] = {
        {"{{harv|A|1999|p=5}}", "(A 1999, p. 5)"},
        {"{{harvnb|A|B|1999|pp=5-6}}", "A & B 1999, pp. 5-6"},
        {"{{harvtxt|A|B|C|1999}}", "A, B & C (1999)"},
        {"{{harvnb|A|B|C|D|1999|loc=x}}", "A et al. 1999, x"},
        {"a{{sfn|A|1999|p=5}}{{reflist}}", "a[1] \xe2\x86\x91 A 1999, p. 5."},
        {"a{{sfnp|A|1999|p=5}}{{reflist}}", "a[1] \xe2\x86\x91 A (1999), p. 5."},
        {"a{{efn|x}} {{notelist}}", "a[a] \xe2\x86\x91 x"},
        {"a{{refn|x|group=n}}<references group=n/>", "a[n 1] \xe2\x86\x91 x"},
        {"a<ref name=q>x</ref>{{r|q}} {{rp|7}}", "a[1][1] :\xe2\x80\x8a"
                                                 "7\xe2\x80\x8a \xe2\x86\x91 a b x"},
    };
    CHECK_ROWS(rows);
    assert_non_null(strstr(world_render("{{harvnb|A|B|1999}}"), "<a href=\"#CITEREFAB1999\">"));
    // the same short note twice is one
    assert_non_null(strstr(world_render("{{sfn|A|1999}}{{sfn|A|1999}}"), "<sup><a href"));
    const char *html = world_render("<ref name=a/>{{reflist|refs=<ref name=a>text</ref>}}");
    assert_non_null(strstr(html, ">text</span>"));
    assert_null(strstr(html, "Cite error"));
}

static void hatnotes(void **state) {
    (void)state;
    static const example rows[] = {
        {"{{main|A}}", "Main article: A"},
        {"{{main|A|B#S|l1=x}}", "Main articles: x and B \xc2\xa7 S"},
        {"{{see also|A|B|C}}", "See also: A, B and C"},
        {"{{about|a|b|B}}", "This article is about a. For b, see B."},
        {"{{about|a}}", "This article is about a. For other uses, see Main Page (disambiguation)."},
        {"{{for|b|B}}", "For b, see B."},
        {"{{for|b|B|and|C}}", "For b, see B and C."},
        {"{{redirect|X}}",
         "\xe2\x80\x9cX\xe2\x80\x9d redirects here. For other uses, see Main Page "
         "(disambiguation)."},
        {"{{redirect2|X|Y|z|Z}}",
         "\xe2\x80\x9cX\xe2\x80\x9d and \xe2\x80\x9cY\xe2\x80\x9d redirect here. For z, see Z."},
        {"{{other uses|X}}", "For other uses, see X."},
        {"{{distinguish|A|B}}", "Not to be confused with A or B."},
        {"{{hatnote|''x''}}", "x"},
    };
    CHECK_ROWS(rows);
    assert_non_null(strstr(world_render("{{main|A}}"), "<div role=\"note\" class=\"hatnote "));
}

static void quantities(void **state) {
    (void)state;
    static const example rows[] = {
        {"{{convert|10|km|mi}}", "10 kilometres (6.2 mi)"},
        {"{{convert|1|mi}}", "1 mile (1.6 km)"},
        {"{{convert|100|km|mi|0|abbr=on}}", "100 km (62 mi)"},
        {"{{convert|5|to|10|acre}}", "5 to 10 acres (2.0 to 4.0 ha)"},
        {"{{convert|3|-|4|m}}", "3\xe2\x80\x93"
                                "4 metres (9.8\xe2\x80\x93"
                                "13.1 ft)"},
        {"{{convert|10,000|sqmi|km2}}", "10,000 square miles (26,000 km2)"},
        {"{{convert|-40|C|F}}", "\xe2\x88\x92"
                                "40 \xc2\xb0"
                                "C (\xe2\x88\x92"
                                "40 \xc2\xb0"
                                "F)"},
        {"{{convert|100|C}}", "100 \xc2\xb0"
                              "C (212 \xc2\xb0"
                              "F)"},
        {"{{convert|2.5|kg|lb}}", "2.5 kilograms (5.5 lb)"},
        {"{{convert|5|ft|10|in|cm}}", "5 feet 10 inches (178 cm)"},
        {"{{convert|10|mi|km nmi}}", "10 miles (16 km; 8.7 nmi)"},
        {"{{convert|10|mi|adj=on}}", "10-mile (16 km)"},
        {"{{convert|10|km|sp=us}}", "10 kilometers (6.2 mi)"},
        {"{{convert|10|mi|disp=or}}", "10 miles or 16 km"},
        {"{{convert|10|mi|order=flip}}", "16 kilometres (10 mi)"},
        {"{{cvt|10|mi}}", "10 mi (16 km)"},
        {"{{convert|7|unheard|of}}", "7 unheard of"},
        {"{{convert|1e999|km}}", "1e999 km"},
        {"{{convert|10|mi|99999999999}}", "10 miles (16 km)"},
    };
    CHECK_ROWS(rows);
}

static void dates_and_places(void **state) {
    (void)state;
    static const example rows[] = {
        {"{{birth date|1990|5|25}}", "May 25, 1990"},
        {"{{birth date|df=y|1990|05|25}}", "25 May 1990"},
        {"{{birth date and age|1990|5|25}}", "May 25, 1990 (age 33)"},
        {"{{death date and age|2000|5|24|1950|5|25}}", "May 24, 2000 (aged 49)"},
        {"{{start date|1990|5}}", "May 1990"},
        {"{{start date|1990}}", "1990"},
        {"{{birth year and age|1990}}", "1990 (age 32\xe2\x80\x93"
                                        "33)"},
        {"{{age|1990|5|25|2000|5|25}}", "10"},
        {"{{as of|2010|5}}", "As of May 2010"},
        {"{{birth date|spring of 1990}}", "spring of 1990"},
        {"{{flag|France}}", "\xf0\x9f\x87\xab\xf0\x9f\x87\xb7 France"},
        {"{{flagicon|GER}}", "\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa"},
        {"{{FRA}}", "\xf0\x9f\x87\xab\xf0\x9f\x87\xb7 France"},
        {"{{flag|Atlantis}}", "Atlantis"},
        {"{{coord|54|12|N|10|12|E}}", "54\xc2\xb0"
                                      "12\xe2\x80\xb2N 10\xc2\xb0"
                                      "12\xe2\x80\xb2"
                                      "E"},
        {"{{coord|-54.5|10}}", "54.5\xc2\xb0S 10\xc2\xb0"
                               "E"},
        {"{{coord|x|y}}", "x y"},
        {"a{{coord|1|2|display=title}}b", "ab"},
        {"{{lang|fr|mot}} {{lang-ru|\xd0\xb4\xd0\xb0}}", "mot Russian: \xd0\xb4\xd0\xb0"},
        {"{{IPAc-en|k|\xc3\xa6|t}}", "/k\xc3\xa6t/"},
        {"{{fr icon}} {{in lang|de|fr}}", "(in French) (in German and French)"},
        {"{{chem|H|2|O}} {{chem2|H2SO4}}", "H2O H2SO4"},
        {"{{frac|1|2}}", "1\xe2\x81\x84"
                         "2"},
        {"{{formatnum|12345.67}}", "12,345.67"},
        {"{{url|example.com/}}", "example.com"},
        {"{{official website|http://x.org}}", "Official website"},
    };
    CHECK_ROWS(rows);
}

static void words_and_lists(void **state) {
    (void)state;
    static const example rows[] = {
        {"{{use dmy dates|date=May}}x{{pp-move}}{{short description|d}}", "x"},
        {"a{{citation needed|date=x}}", "a[citation needed]"},
        {"a{{cn-span|text}}", "atext[citation needed]"},
        {"a {{nowrap|b c}} {{small|d}} {{abbr|e|f}}", "a b c d e"},
        {"{{quote|x|author=Y}}", "x \xe2\x80\x94 Y"},
        {"{{nihongo|E|J|R}} {{nihongo|E|J}} {{nihongo|E}}", "E (J, R) E (J) E"},
        {"{{hlist|a|b}}", "ab"},
        {"{{ubl|a||b}}", "ab"},
        {"{{plainlist|\n* a\n* b\n}}", "a b"},
        {"{{multiple issues|{{refimprove}}}}",
         "This article has multiple issues. This article needs additional citations for "
         "verification."},
        {"{{bartable|7|%|2}}", "7%"},
        {"{{circa|1900}}", "c.\xe2\x80\x89"
                           "1900"},
        {"{{color|red|x}}", "x"},
        {"{{commons category|X}}", "Wikimedia Commons has media related to X"},
        {"{{portal|A|B}}", "A portal \xc2\xb7 B portal"},
        {"{{val|5|u=kg}}", "5 kg"},
    };
    CHECK_ROWS(rows);
}

static void boxes(void **state) {
    (void)state;
    const char *html = world_render(
        "{{Infobox person|name=N|image=Foobar.jpg|caption=C|birth_date=1990|image_size=3|\n"
        "known_for=\n* a\n* b\n|empty=}}");
    static const char *const parts[] = {
        "<table class=\"infobox\">",
        "<th colspan=\"2\" class=\"infobox-above\">N</th>",
        "<td colspan=\"2\" class=\"infobox-image\">",
        "<div class=\"infobox-caption\">C</div>",
        ("<th scope=\"row\" class=\"infobox-label\">Born</th>"
         "<td class=\"infobox-data\">1990</td>"),
        "<li>a</li>",
    };
    for (size_t i = 0; i < countof(parts); i++)
        if (!strstr(html, parts[i])) fail_msg("no %s\n--- in\n%s", parts[i], html);
    assert_null(strstr(html, "empty"));
    assert_null(strstr(html, "Image size"));
    html = world_render("{{infobox|title=T|header1=H|label2=L|data2=D|data3=E}}");
    assert_non_null(strstr(html, "class=\"infobox-header\">H</th>"));
    assert_non_null(
        strstr(html, "class=\"infobox-label\">L</th><td class=\"infobox-data\">D</td>"));
    assert_non_null(strstr(html, "<td colspan=\"2\" class=\"infobox-full-data\">E</td>"));
    html = world_render("{{infobox country|leader_title1=King|leader_name1=A|term_start2=1|"
                        "term_end2=2|latd=41|latm=20|latNS=N|longd=19|longEW=E|x_title=alone}}");
    assert_non_null(strstr(html, ">King</th><td class=\"infobox-data\">A</td>"));
    assert_non_null(
        strstr(html, ">In office</th><td class=\"infobox-data\">1 \xe2\x80\x93 2</td>"));
    assert_non_null(strstr(html, ">Coordinates</th><td class=\"infobox-data\">41\xc2\xb0"
                                 "20\xe2\x80\xb2N 19\xc2\xb0"
                                 "E</td>"));
    assert_non_null(strstr(html, ">X title</th>"));
    assert_null(strstr(html, "Leader"));
    html = world_render("{{navbox|title=T|group1=G|list1=\n* a\n* b\n|list2=c|below=d}}");
    assert_non_null(strstr(html, "class=\"navbox-group\">G</th>"));
    assert_non_null(strstr(html, "<li>b</li>"));
    assert_non_null(strstr(html, "class=\"navbox-abovebelow\">d</td>"));
    html = world_render("{{weather box|location=X|Jan high C=1|Feb high C=2|year high C=3}}");
    assert_non_null(strstr(html, "<td>1</td><td>2</td>"));
    html = world_render("{{s-start}}\n{{s-bef|before=A}}\n{{s-ttl|title=T}}\n{{s-aft|after=B}}\n"
                        "{{s-end}}");
    assert_non_null(strstr(html, "<td>Preceded by<br />A"));
}

// What an infobox of many arguments says: its rows, as words.
static void infobox_rows(void **state) {
    (void)state;
    static const example rows[] = {
        // a unit behind a number, the other unit and the rank behind that
        {"{{infobox x|name=N|area_km2=28748|area_sq_mi=11100|area_rank=143rd}}",
         "N Area28,748 km\xc2\xb2 (11,100 sq mi) (143rd)"},
        {"{{infobox x|name=N|density_km2=98|length_km=about 5}}",
         "N Density98/km\xc2\xb2 Length kmabout 5"},
        {"{{infobox x|name=N|Width=305|WidthUS=190|Elev=7}}", "N Width305 km (190 mi) Elev7"},
        {"{{infobox x|name=N|area_km2=5 ha|area_sq_mi=many}}", "N Area5 ha Area sq mimany"},
        // notes stand behind what they note, wherever the call has them, and alone without it
        {"{{infobox x|name=N|Gini_year=2013|Gini=34|Gini_ref=!|HDI_year=2014}}",
         "N Gini34 (2013)! HDI year2014"},
        {"{{infobox x|name=N|President=P|President date=1861|President 2=Q|President date 2=5}}",
         "N PresidentP (1861) PresidentQ (5)"},
        {"{{infobox x|name=N|a1=V|a1_ref=!|a_ref1=?|b1_km2=5|b1_rank=2|c1=W|c1_ref2=Z|c12=Q}}",
         "N AV?! B5 km\xc2\xb2 (2) CW C1 refZ CQ"},
        // nothing is lost where two rules meet
        {"{{infobox x|name=N|native_name=V|native_name_ref=R|birth=A|birth_date=B|birth_place=C}}",
         "N V Native name refR BirthA BornBC"},
        {"{{infobox x|name=N|thesis=A|thesis_title=B|thesis_year=C|latd=1|latd_ref=D|AreaUS=2|"
         "Area=1|AreaType=E}}",
         "N ThesisA ThesisB (C) Coordinates1\xc2\xb0 Latd refD Area2 sq mi (1 km\xc2\xb2) "
         "Area typeE"},
        // labels that are arguments
        {"{{infobox x|name=N|established_event2=E|established_date2=D|seat=S|seat_type=T}}",
         "N ED TS"},
        {"{{infobox x|name=N|a_type=T|a_name=M|a_info=I|blank_name_sec1=B|blank_info_sec1=V}}",
         "N TM A infoI BV"},
        {"{{infobox x|name=N|government_type=G|sovereignty_type=F}}", "N Government typeG F"},
        // joined
        {"{{infobox x|name=N|birth_place=P|birth_date=D|death_date=E}}", "N BornDP DiedE"},
        {"{{infobox "
         "x|name=N|order=16th|office=President|office2=Clerk|time_zone=CET|utc_offset=+1}}",
         "N 16th President Clerk Time zoneCET (UTC+1)"},
        // names: those of the title are not said again
        {"{{infobox x|conventional_long_name=L|native_name=V|common_name=L|official_name=O}}",
         "L V Official nameO"},
        // captions stand below their picture, and alone without one; looks are left out
        {"{{infobox x|name=N|map_caption=C|a=1|image_map=M.png|image_map_width=9|size=250px}}",
         "N A1 M.pngC"},
        {"{{infobox x|name=N|photo_caption=C|position=left|LargestCity2=X|ISOCode=Y}}",
         "N C Positionleft Largest cityX ISO codeY"},
    };
    CHECK_ROWS(rows);
}

// Whatever rules meet in the names of a box's arguments, every value is shown.
static void infoboxes_lose_nothing(void **state) {
    (void)state;
    static const char *const stems[] = {"area", "birth", "Width", "office", "a1", "image_map"};
    static const char *const ends[] = {"",       "_name", "_title", "_type",    "_info", "_date",
                                       "_event", "_year", "_ref",   "_km2",     "_ft",   "US",
                                       "_start", "_end",  "_rank",  "_caption", "Type",  "_place"};
    static const char *const digits[] = {"", "", "1", " 2"};
    uint32_t seed = 7;
    for (unsigned round = 0; round < 600; round++) {
        buf b;
        buf_init(&b, &world_mem, 1024);
        buf_fmt(&b, "{{infobox x|name=N");
        unsigned stem = round % countof(stems);
        bool is_there[countof(ends) * countof(digits)] = {false};
        for (unsigned i = 0; i < 14; i++) {
            seed = seed * 1664525 + 1013904223;
            unsigned end = (seed >> 8) % countof(ends), digit = (seed >> 20) % countof(digits);
            if (digit == 1) digit = 0;
            unsigned id = end * (unsigned)countof(digits) + digit;
            if (is_there[id]) continue;
            is_there[id] = true;
            buf_fmt(&b, "|%s%s%s=%u%s", stems[stem], ends[end], digits[digit], 700 + id,
                    seed >> 31 ? "" : "x");
        }
        buf_fmt(&b, "}}");
        buf_byte(&b, 0);
        const char *html = world_render(b.ptr);
        for (unsigned id = 0; id < countof(is_there); id++) {
            char value[12];
            snprintf(value, sizeof value, "%u", 700 + id);
            if (is_there[id] && !strstr(html, value)) fail_msg("no %s of %s", value, b.ptr);
        }
    }
}

static void modules(void **state) {
    (void)state;
    static const example rows[] = {
        {"{{cite thing|title=T|publisher=P}}", "\"T\". P."},
        {"{{convert|10|mi}}", "10 miles (16 km)"},
        {"{{#invoke:Convert|convert|10|mi}}", "10 miles (16 km)"},
        {"{{my box|x=1}}", "T L1"},
        {"{{odd}}", "Nobody knows: a, b=c"},
    };
    CHECK_ROWS(rows);
}

static void the_unknown_is_shown(void **state) {
    (void)state;
    static const example rows[] = {
        {"{{Unheard of}}", "Unheard of"},
        {"a {{unheard of|b|c=d|e=}} f", "a Unheard of: b, c=d f"},
    };
    CHECK_ROWS(rows);
    const char *html = world_render("{{unheard of|a=1|b=2|c=3|d=4|e=\n* x\n* y}}");
    assert_non_null(strstr(html, "<details class=\"wt-template\"><summary>Unheard of</summary>"));
    assert_non_null(strstr(html, "<th scope=\"row\">d</th>"));
    assert_non_null(strstr(html, "<li>y</li>"));
    assert_null(strstr(world_render("{{unheard <b>|a=1|b=2|c=3|d=4|e=5}}"), "<details"));
    wt_options o = world_options();
    o.families = NULL;
    wt_page page = world_page_of("{{cite web|title=T}}", &o);
    assert_true(str_find(page.html, STR("Template:Cite web")) < page.html.len);
}

static void tables_are_sorted(void **state) {
    (void)state;
    const wt_families *const all[] = {&wt_families_words, &wt_families_notes, &wt_families_boxes,
                                      &wt_families_facts};
    for (size_t i = 0; i < countof(all); i++)
        for (size_t k = 0; k < all[i]->n; k++) {
            str name = str_of(all[i]->rows[k].name);
            if (k && str_cmp(str_of(all[i]->rows[k - 1].name), name) >= 0)
                fail_msg("%.*s", STR_ARG(name));
            if (!wt_families_know(name)) fail_msg("%.*s", STR_ARG(name));
        }
    assert_true(wt_families_know(STR("Cite_web")));
    assert_true(wt_families_know(STR("template:Infobox of mine")));
    assert_false(wt_families_know(STR("unheard of")));
    assert_false(wt_families_know(STR("")));
    const char *name;
    char code[3];
    assert_true(wt_country(&name, code, STR("Zimbabwe")));
    assert_true(wt_country(&name, code, STR("Afghanistan")));
    assert_false(wt_country(&name, code, STR("")));
}

// Every family with arguments of every kind, and without: nothing ends the program.
static void every_family_takes_anything(void **state) {
    (void)state;
    const wt_families *const all[] = {&wt_families_words, &wt_families_notes, &wt_families_boxes,
                                      &wt_families_facts};
    static const char *const calls[] = {
        "{{%s}}", "{{%s||}}", "{{%s|[[x|y]]|<b>|{{{1}}}|''|\n*}}",
        "{{%s|99999999999999999999|-1|0|0|0}}",
        ("{{%s|title=<ref>x</ref>|url=http://[x]|last=[[a]]|1=<!--|2"
         "=\n|name=\"|text=<nowiki>|</nowiki>|list1={|}}")};
    for (size_t i = 0; i < countof(all); i++)
        for (size_t k = 0; k < all[i]->n; k++) {
            buf b;
            buf_init(&b, &world_mem, 4096);
            for (size_t c = 0; c < countof(calls); c++) {
                buf_fmt(&b, calls[c], all[i]->rows[k].name);
                buf_byte(&b, '\n');
            }
            wt_options o = world_options();
            wt_page page = world_page_of(arena_cstr(&world_mem, buf_str(&b)), &o);
            assert_true(str_find_byte(page.html, WT_MARK) == page.html.len);
            assert_true(str_find(page.html, STR("<script")) == page.html.len);
            world_forget();
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(citations),
        cmocka_unit_test(short_notes),
        cmocka_unit_test(hatnotes),
        cmocka_unit_test(quantities),
        cmocka_unit_test(dates_and_places),
        cmocka_unit_test(words_and_lists),
        cmocka_unit_test(boxes),
        cmocka_unit_test(infobox_rows),
        cmocka_unit_test(infoboxes_lose_nothing),
        cmocka_unit_test(modules),
        cmocka_unit_test(the_unknown_is_shown),
        cmocka_unit_test(tables_are_sorted),
        cmocka_unit_test(every_family_takes_anything),
    };
    return cmocka_run_group_tests(tests, setup, world_teardown);
}
