// Any bytes as a page of footnotes and of templates that are missing: no marker is left over, ids
// are as many as links to them need, the same text gives the same page.

#include "fuzz/fuzz.h"
#include "wikitext/inside.h"

static bool no_source(void *arg, wt_source *out, str title, arena *a) {
    (void)arg, (void)a;
    if (!str_eq(title, STR("Template:S.css"))) return false;
    static const str css = STR_INIT("a { color: red } @media x { b { top: 0 } }");
    *out = (wt_source){.title = title, .text = css, .model = STR("sanitized-css"), .hash = 1};
    return true;
}

static void none_exist(void *arg, wt_status *out, const str *titles, size_t n) {
    (void)arg, (void)titles;
    for (size_t i = 0; i < n; i++)
        out[i] = WT_MISSING;
}

static bool no_interwiki(void *arg, wt_interwiki *out, str prefix, arena *a) {
    (void)arg, (void)out, (void)prefix, (void)a;
    return false;
}

static bool no_file(void *arg, wt_file *out, str name, int32_t width, arena *a) {
    (void)arg, (void)out, (void)name, (void)width, (void)a;
    return false;
}

static uint64_t none(void *arg, int32_t ns) {
    (void)arg, (void)ns;
    return 0;
}

static bool no_message(void *arg, str *out, str key, arena *a) {
    (void)arg, (void)out, (void)key, (void)a;
    return false;
}

static const wiki_site site = {
    .lang = STR_INIT("en"),
    .ns = {{0, STR_INIT(""), false},
           {6, STR_INIT("File"), false},
           {10, STR_INIT("Template"), false},
           {14, STR_INIT("Category"), false}},
    .n_ns = 4,
};

static const wt_world world = {
    .site = &site,
    .now = 1700000000,
    .source = no_source,
    .exists = none_exist,
    .interwiki = no_interwiki,
    .file = no_file,
    .count = none,
    .message = no_message,
};

static str render(str text, arena *mem, arena scratch) {
    wt_options o = {.world = &world,
                    .title = STR("Page"),
                    .article_path = "/wiki/",
                    .limits = {.nodes = 20000, .expanded_bytes = 1 << 20}};
    wt_page page;
    CHECK(!wt_render(&page, text, &o, mem, scratch));
    return page.html;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena scratch, mem, again;
    if (!scratch.base) CHECK(!arena_open(&scratch, 1 << 30, NULL));
    if (!mem.base) CHECK(!arena_open(&mem, 1 << 30, NULL));
    if (!again.base) CHECK(!arena_open(&again, 1 << 30, NULL));
    arena_reset(&mem, 1 << 20);
    arena_reset(&again, 1 << 20);
    str text = {(const char *)data, len}, html = render(text, &mem, scratch);
    CHECK(str_find_byte(html, WT_MARK) == html.len);
    CHECK(str_find(html, STR("<script")) == html.len);
    CHECK(str_eq(html, render(text, &again, scratch)));
    return 0;
}
