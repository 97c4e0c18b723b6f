// fuzz/wt_world.h -- a wiki of the input's own making, for fuzz targets of src/wikitext: the bytes
// are a page and its templates A, B, C and style sheet, parted by NUL.
#ifndef FUZZ_WT_WORLD_H
#define FUZZ_WT_WORLD_H

#include "wikitext/inside.h"

enum { FUZZ_PARTS = 5 };

static str fuzz_parts[FUZZ_PARTS];
static const char *const fuzz_titles[FUZZ_PARTS] = {"Page", "Template:A", "Template:B",
                                                    "Template:C", "Template:S.css"};

static inline void fuzz_split(str input) {
    for (size_t i = 0; i < FUZZ_PARTS; i++)
        fuzz_parts[i] = i + 1 < FUZZ_PARTS ? str_cut(&input, 0) : input;
}

static bool fuzz_source(void *arg, wt_source *out, str title, arena *a) {
    (void)arg, (void)a;
    for (size_t i = 0; i < FUZZ_PARTS; i++) {
        if (!str_eq(title, str_of(fuzz_titles[i]))) continue;
        *out = (wt_source){.title = str_of(fuzz_titles[i]),
                           .text = fuzz_parts[i],
                           .model = i == FUZZ_PARTS - 1 ? STR("sanitized-css") : STR("wikitext"),
                           .hash = str_hash(fuzz_parts[i], 1) | 1};
        return true;
    }
    return false;
}

static void fuzz_exists(void *arg, wt_status *out, const str *titles, size_t n) {
    (void)arg;
    static const wt_status kinds[] = {WT_MISSING, WT_EXISTS, WT_EXISTS | WT_REDIRECT,
                                      WT_EXISTS | WT_STUB};
    for (size_t i = 0; i < n; i++)
        out[i] = kinds[titles[i].len % countof(kinds)];
}

static bool fuzz_interwiki(void *arg, wt_interwiki *out, str prefix, arena *a) {
    return wt_wikimedia(out, arg, prefix, a);
}

static bool fuzz_file(void *arg, wt_file *out, str name, int32_t width, arena *a) {
    (void)arg, (void)width, (void)a;
    static const char *const mimes[] = {"image/png", "audio/ogg", "video/webm", "image/svg+xml",
                                        "application/pdf"};
    if (name.len % 3 == 2) return false;
    *out = (wt_file){.url = name.len % 3 ? STR("/images/F") : STR(""),
                     .page_url = STR("/wiki/File:F"),
                     .width = 1941,
                     .height = 220,
                     .mime = str_of(mimes[name.len % countof(mimes)]),
                     .duration = 9.5,
                     .is_hidden = name.len == 9};
    return true;
}

static uint64_t fuzz_count(void *arg, int32_t ns) {
    (void)arg;
    return (uint64_t)(uint32_t)ns;
}

static bool fuzz_message(void *arg, str *out, str key, arena *a) {
    (void)arg, (void)a;
    *out = STR("<b>$1</b> {{A}}");
    return key.len % 2;
}

static const wiki_site fuzz_site = {
    .name = STR_INIT("Fuzz"),
    .dbname = STR_INIT("enwiki"),
    .base = STR_INIT("https://en.wikipedia.org/wiki/Main_Page"),
    .lang = STR_INIT("en"),
    .ns = {{-2, STR_INIT("Media"), false},
           {-1, STR_INIT("Special"), false},
           {0, STR_INIT(""), false},
           {1, STR_INIT("Talk"), false},
           {6, STR_INIT("File"), false},
           {8, STR_INIT("MediaWiki"), false},
           {10, STR_INIT("Template"), false},
           {14, STR_INIT("Category"), false},
           {828, STR_INIT("Module"), false}},
    .n_ns = 9,
};

static const wt_world fuzz_world = {
    .arg = (void *)(uintptr_t)&fuzz_site,
    .site = &fuzz_site,
    .now = 1700000000,
    .source = fuzz_source,
    .exists = fuzz_exists,
    .interwiki = fuzz_interwiki,
    .file = fuzz_file,
    .count = fuzz_count,
    .message = fuzz_message,
};

// A parser for one page as wt_render sets it up, with small limits; `o` outlives it.
static inline wt_parser *fuzz_parser(const wt_options *o, wt_page *page, arena *mem) {
    wt_frame *frame = arena_new(mem, wt_frame);
    wt_parser *p = arena_new(mem, wt_parser);
    *p = (wt_parser){.o = o,
                     .world = o->world,
                     .page = page,
                     .mem = mem,
                     .frame = frame,
                     .room = 64 << 20,
                     .limits = {20000, 1 << 16, 1 << 16, 20, 10, 4 << 20, 0}};
    wt_title_parse(&p->title, p, o->title, 0);
    frame->title = p->title.full;
    return p;
}

static inline void fuzz_parser_end(wt_parser *p) {
    for (size_t i = 0; i < countof(p->level) && p->level[i].base; i++)
        arena_close(&p->level[i]);
}

#endif
