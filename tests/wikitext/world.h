// tests/wikitext/world.h -- a small wiki in memory, and a parser in it: what the tests of this room
// render against. Include after <cmocka.h>.
//
//     static const world_page pages[] = {{"Template:Echo", "{{{1}}}"}, {0}};
//     world_use(pages);
//     assert_string_equal(world_expand("{{echo|x}}"), "x");
//
// A test program uses world_setup and world_teardown as its group's fixtures; strings that the
// functions here return live until world_teardown or world_forget.
#ifndef TESTS_WIKITEXT_WORLD_H
#define TESTS_WIKITEXT_WORLD_H

#include "families/families.h"
#include "wikitext/inside.h"

enum { WORLD_ROOM = 1 << 30 };

typedef struct world_page {
    const char *title, *text;
} world_page;

static const wiki_site world_site = {
    .name = STR_INIT("MediaWiki"),
    .dbname = STR_INIT("testwiki"),
    .base = STR_INIT("http://example.org/wiki/Main_Page"),
    .lang = STR_INIT("en"),
    .ns = {{-2, STR_INIT("Media"), false},    {-1, STR_INIT("Special"), false},
           {0, STR_INIT(""), false},          {1, STR_INIT("Talk"), false},
           {2, STR_INIT("User"), false},      {3, STR_INIT("User talk"), false},
           {4, STR_INIT("Project"), false},   {5, STR_INIT("Project talk"), false},
           {6, STR_INIT("File"), false},      {7, STR_INIT("File talk"), false},
           {8, STR_INIT("MediaWiki"), false}, {9, STR_INIT("MediaWiki talk"), false},
           {10, STR_INIT("Template"), false}, {11, STR_INIT("Template talk"), false},
           {12, STR_INIT("Help"), false},     {13, STR_INIT("Help talk"), false},
           {14, STR_INIT("Category"), false}, {15, STR_INIT("Category talk"), false},
           {828, STR_INIT("Module"), false},  {829, STR_INIT("Module talk"), false}},
    .n_ns = 20,
};

static const struct {
    const char *prefix, *url;
    bool is_language, is_local;
} world_interwikis[] = {
    {"wikipedia", "http://en.wikipedia.org/wiki/$1", false, false},
    {"meatball", "http://www.usemod.com/cgi-bin/mb.pl?$1", false, false},
    {"local", "http://example.org/wiki/$1", false, true},
    {"fr", "http://fr.wikipedia.org/wiki/$1", true, false},
    {"de", "http://de.wikipedia.org/wiki/$1", true, false},
};

static arena world_mem, world_scratch;
static const world_page *world_pages;  // ended by a row without title
static unsigned world_asked;           // how often source() was

static const world_page *world_find(str title) {
    for (const world_page *row = world_pages; row && row->title; row++)
        if (str_eq(str_of(row->title), title)) return row;
    return NULL;
}

static str world_redirect(const world_page *page) {
    str text = str_of(page->text), target = {0};
    if (!str_starts_nocase(text, STR("#REDIRECT [["))) return target;
    text = str_skip(text, 12);
    return str_first(text, str_find(text, STR("]]")));
}

static bool world_source(void *arg, wt_source *out, str title, arena *a) {
    (void)arg, (void)a;
    world_asked++;
    const world_page *page = world_find(title);
    for (int hop = 0; page && hop < 3 && world_redirect(page).len; hop++)
        page = world_find(world_redirect(page));
    if (!page) return false;
    str text = str_of(page->text);
    bool is_module = str_starts(str_of(page->title), STR("Module:"));
    *out = (wt_source){.title = str_of(page->title),
                       .text = text,
                       .model = is_module ? STR("Scribunto") : STR("wikitext"),
                       .hash = str_hash(text, 1) | 1};
    return true;
}

static void world_exists(void *arg, wt_status *out, const str *titles, size_t n) {
    (void)arg;
    for (size_t i = 0; i < n; i++) {
        const world_page *page = world_find(titles[i]);
        out[i] = !page                      ? WT_MISSING
                 : world_redirect(page).len ? (wt_status)(WT_EXISTS | WT_REDIRECT)
                                            : WT_EXISTS;
    }
}

static bool world_interwiki(void *arg, wt_interwiki *out, str prefix, arena *a) {
    (void)arg, (void)a;
    for (size_t i = 0; i < countof(world_interwikis); i++)
        if (str_eq(prefix, str_of(world_interwikis[i].prefix))) {
            *out = (wt_interwiki){.url = str_of(world_interwikis[i].url),
                                  .is_language = world_interwikis[i].is_language,
                                  .is_local = world_interwikis[i].is_local};
            return true;
        }
    return false;
}

// Foobar.jpg alone, 1941x220.
static bool world_file(void *arg, wt_file *out, str name, int32_t width, arena *a) {
    (void)arg, (void)width, (void)a;
    if (!str_eq(name, STR("Foobar.jpg"))) return false;
    *out = (wt_file){.url = STR("/images/Foobar.jpg"),
                     .page_url = STR("/wiki/File:Foobar.jpg"),
                     .width = 1941,
                     .height = 220,
                     .mime = STR("image/jpeg")};
    return true;
}

static uint64_t world_count(void *arg, int32_t ns) {
    (void)arg;
    return ns == -1000 ? 1234 : ns == -1001 ? 5678 : 42;
}

static bool world_message(void *arg, str *out, str key, arena *a) {
    (void)arg, (void)a;
    if (!str_eq(key, STR("greeting"))) return false;
    *out = STR("Hello $1, from {{PAGENAME}}");
    return true;
}

static const wt_world world_of_tests = {
    .site = &world_site,
    .now = 1700000000,  // 2023-11-14T22:13:20Z
    .source = world_source,
    .exists = world_exists,
    .interwiki = world_interwiki,
    .file = world_file,
    .count = world_count,
    .message = world_message,
};

static int world_setup(void **state) {
    (void)state;
    return arena_open(&world_mem, WORLD_ROOM, NULL) || arena_open(&world_scratch, WORLD_ROOM, NULL);
}

static int world_teardown(void **state) {
    (void)state;
    arena_close(&world_mem);
    arena_close(&world_scratch);
    return 0;
}

static inline void world_forget(void) {
    arena_reset(&world_mem, 1 << 20);
}

static inline void world_use(const world_page *pages) {
    world_pages = pages;
}

static inline wt_options world_options(void) {
    return (wt_options){.world = &world_of_tests,
                        .families = &families,
                        .title = STR("Main Page"),
                        .page_id = 7,
                        .rev_id = 1337,
                        .timestamp = STR("2023-11-14T22:13:20Z"),
                        .article_path = "/wiki/",
                        .script_path = "/index.php",
                        .server = "http://example.org"};
}

// A parser for one page, as wt_render sets it up: for tests of one pass. `o` outlives it.
static inline wt_parser *world_parser(const wt_options *o) {
    struct all {
        wt_parser p;
        wt_page page;
        wt_frame frame;
    } *all = arena_new(&world_mem, struct all);
    wt_parser *p = &all->p;
    *p = (wt_parser){.o = o,
                     .world = o->world,
                     .page = &all->page,
                     .mem = &world_mem,
                     .limits = {.nodes = 1000000,
                                .expanded_bytes = 2 << 20,
                                .argument_bytes = 2 << 20,
                                .depth = 100,
                                .expensive = 500,
                                .output_bytes = 32 << 20},
                     .room = 64 << 20,
                     .frame = &all->frame};
    wt_title_parse(&p->title, p, o->title, 0);
    all->frame.title = p->title.full;
    return p;
}

// One pass over a text.
static inline const char *world_pass(void (*run)(buf *, wt_parser *, str, arena), wt_parser *p,
                                     const char *text) {
    buf out;
    buf_init(&out, p->mem, 0);
    run(&out, p, str_of(text), world_scratch);
    return arena_cstr(p->mem, buf_str(&out));
}

// Expanded wikitext of a page with default options, markers and all.
static inline const char *world_expand(const char *wikitext) {
    wt_options *o = arena_new(&world_mem, wt_options);
    *o = world_options();
    wt_parser *p = world_parser(o);
    return arena_cstr(p->mem, wt_expand_text(p, str_of(wikitext), p->frame));
}

static inline wt_page world_page_of(const char *wikitext, const wt_options *o) {
    wt_page page;
    assert_int_equal(wt_render(&page, str_of(wikitext), o, &world_mem, world_scratch), OK);
    return page;
}

static inline const char *world_render(const char *wikitext) {
    wt_options o = world_options();
    return arena_cstr(&world_mem, world_page_of(wikitext, &o).html);
}

#endif
