// tests/wikitext/link_world.h -- a small wiki and a parser in it, for the passes over links.
#ifndef TESTS_WIKITEXT_LINK_WORLD_H
#define TESTS_WIKITEXT_LINK_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wikitext/inside.h"

static arena world_mem, world_scratch;
static size_t world_asked;  // calls of exists

static wiki_site world_site = {
    .name = STR_INIT("Wiki"),
    .lang = STR_INIT("en"),
    .ns = {{-2, STR_INIT("Media"), false},
           {-1, STR_INIT("Special"), false},
           {0, STR_INIT(""), false},
           {1, STR_INIT("Talk"), false},
           {2, STR_INIT("User"), false},
           {3, STR_INIT("User talk"), false},
           {4, STR_INIT("Wiki"), false},
           {6, STR_INIT("File"), false},
           {10, STR_INIT("Template"), false},
           {14, STR_INIT("Category"), false},
           {828, STR_INIT("Module"), true}},
    .n_ns = 11,
};

static void world_exists(void *arg, wt_status *out, const str *titles, size_t n) {
    (void)arg;
    world_asked++;
    for (size_t i = 0; i < n; i++)
        out[i] = str_starts(titles[i], STR("File:Unseen lost")) ? WT_MISSING
                 : str_starts(titles[i], STR("Red"))            ? WT_MISSING
                 : str_starts(titles[i], STR("Lead"))           ? WT_REDIRECT
                                                                : WT_EXISTS;
}

static bool world_interwiki(void *arg, wt_interwiki *out, str prefix, arena *a) {
    (void)arg, (void)a;
    bool is_fr = str_eq(prefix, STR("fr")), is_w = str_eq(prefix, STR("w"));
    bool is_ours = str_eq(prefix, STR("here")), is_hosted = str_eq(prefix, STR("near"));
    *out = (wt_interwiki){.url = is_fr  ? STR("https://fr.example.org/wiki/$1")
                                 : is_w ? STR("https://w.example.org/?t=$1&x")
                                        : STR("/near/$1"),
                          .is_language = is_fr,
                          .is_local = is_ours,
                          .is_hosted = is_hosted};
    return is_fr || is_w || is_ours || is_hosted;
}

static bool world_file(void *arg, wt_file *out, str name, int32_t width, arena *a) {
    (void)arg;
    if (str_starts(name, STR("Gone"))) return false;
    *out = (wt_file){.width = 800, .height = 600, .mime = STR("image/jpeg")};
    if (str_ends(name, STR(".ogg"))) out->mime = STR("audio/ogg"), out->duration = 12;
    if (str_ends(name, STR(".webm"))) out->mime = STR("video/webm"), out->duration = 12;
    if (str_ends(name, STR(".svg"))) out->mime = STR("image/svg+xml");
    if (!str_starts(name, STR("Unseen")))
        out->url = width ? arena_fmt(a, "/img/%d/%.*s", width, STR_ARG(name))
                         : arena_fmt(a, "/img/%.*s", STR_ARG(name));
    return true;
}

static wt_world world = {
    .site = &world_site, .exists = world_exists, .interwiki = world_interwiki, .file = world_file};
static wt_options world_options;
static wt_page world_page;
static wt_frame world_frame;
static wt_parser world_parser;

static wt_parser *world_start(const char *title) {
    arena_reset(&world_mem, 1 << 20);
    world_asked = 0;
    world_options = (wt_options){.world = &world,
                                 .title = str_of(title),
                                 .article_path = "/wiki/",
                                 .script_path = "/index.php",
                                 .red_links_to_editor = true};
    world_page = (wt_page){0};
    world_parser = (wt_parser){.o = &world_options,
                               .world = &world,
                               .page = &world_page,
                               .mem = &world_mem,
                               .limits = {.nodes = 1000000,
                                          .expanded_bytes = 2 << 20,
                                          .argument_bytes = 2 << 20,
                                          .depth = 100,
                                          .expensive = 500,
                                          .output_bytes = 32 << 20},
                               .room = 64 << 20};
    assert_true(wt_title_parse(&world_parser.title, &world_parser, world_options.title, 0));
    world_frame = (wt_frame){.title = world_parser.title.full};
    world_parser.frame = &world_frame;
    return &world_parser;
}

static inline void world_stop(void) {
    for (size_t i = 0; i < countof(world_parser.level) && world_parser.level[i].base; i++)
        arena_close(&world_parser.level[i]);
}

static int world_setup(void **state) {
    (void)state;
    return arena_open(&world_mem, 1u << 30, NULL) || arena_open(&world_scratch, 1u << 30, NULL);
}

static int world_teardown(void **state) {
    (void)state;
    arena_close(&world_mem);
    arena_close(&world_scratch);
    return 0;
}

typedef void world_pass(buf *out, wt_parser *p, str in, arena scratch);

static inline str world_run(world_pass *pass, str in) {
    buf out;
    buf_init(&out, &world_mem, in.len + 64);
    pass(&out, &world_parser, in, world_scratch);
    return buf_str(&out);
}

#define assert_str_equal(got, want) assert_string_equal(arena_cstr(&world_mem, got), want)

#endif
