// bench/bench_wt_passes.c -- what each pass of the renderer costs: `bench/wt_passes` runs it.
//
//     wt_passes FILE [ROUNDS]
//
// FILE has pages of wikitext, each ended by a NUL. A line for each pass: MB of its input a second,
// and its share of the whole. Templates are left as links: there is no world but this page.

#include "os/file.h"
#include "wikitext/inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const wiki_site site = {.name = STR_INIT("Bench"), .lang = STR_INIT("en")};

static bool no_source(void *arg, wt_source *out, str title, arena *a) {
    (void)arg, (void)out, (void)title, (void)a;
    return false;
}
static void no_page(void *arg, wt_status *out, const str *titles, size_t n) {
    (void)arg, (void)titles;
    for (size_t i = 0; i < n; i++)
        out[i] = WT_EXISTS;
}
static bool no_interwiki(void *arg, wt_interwiki *out, str prefix, arena *a) {
    (void)arg, (void)out, (void)prefix, (void)a;
    return false;
}
static bool no_file(void *arg, wt_file *out, str name, int32_t width, arena *a) {
    (void)arg, (void)out, (void)name, (void)width, (void)a;
    return false;
}
static uint64_t no_count(void *arg, int32_t ns) {
    (void)arg, (void)ns;
    return 0;
}
static bool no_message(void *arg, str *out, str key, arena *a) {
    (void)arg, (void)out, (void)key, (void)a;
    return false;
}

static const wt_world world = {.site = &site,
                               .source = no_source,
                               .exists = no_page,
                               .interwiki = no_interwiki,
                               .file = no_file,
                               .count = no_count,
                               .message = no_message};

static void expand(buf *out, wt_parser *p, str in, arena scratch) {
    (void)scratch;
    buf_add(out, wt_expand_text(p, in, p->frame));
}
static void format_headings(buf *out, wt_parser *p, str in, arena scratch) {
    wt_format_headings(out, p, in, true, scratch);
}
static void unstrip(buf *out, wt_parser *p, str in, arena scratch) {
    (void)scratch;
    wt_unstrip(out, p, in, "gx");
}
static void french_spaces(buf *out, wt_parser *p, str in, arena scratch) {
    (void)p, (void)scratch;
    wt_french_spaces(out, in);
}
static void blocks(buf *out, wt_parser *p, str in, arena scratch) {
    wt_blocks(out, p, in, true, scratch);
}
static void unstrip_all(buf *out, wt_parser *p, str in, arena scratch) {
    (void)scratch;
    wt_unstrip(out, p, in, "gxn");
}
static void charrefs(buf *out, wt_parser *p, str in, arena scratch) {
    (void)p, (void)scratch;
    html_charrefs(out, in);
}
static void tidy(buf *out, wt_parser *p, str in, arena scratch) {
    (void)p;
    html_tidy(out, in, scratch);
}

static struct pass {
    const char *name;
    void (*run)(buf *, wt_parser *, str, arena);
    double s, bytes;
} passes[] = {
    {"expand", expand},
    {"sanitize", wt_sanitize},
    {"tables", wt_tables},
    {"switches", wt_switches},
    {"headings", wt_headings},
    {"links", wt_links},
    {"quotes", wt_quotes},
    {"extlinks", wt_extlinks},
    {"magic", wt_magic_links},
    {"format_headings", format_headings},
    {"unstrip", unstrip},
    {"french_spaces", french_spaces},
    {"blocks", blocks},
    {"holders", wt_holders},
    {"unstrip_all", unstrip_all},
    {"charrefs", charrefs},
    {"tidy", tidy},
    {"place", wt_place_headings},
};

static double cpu_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void page(str text, arena *mem, arena scratch) {
    wt_options o = {.world = &world, .title = STR("Bench"), .article_path = "/wiki/"};
    wt_page page = {0};
    wt_frame frame = {.title = STR("Bench")};
    wt_parser *p = arena_new(mem, wt_parser);
    *p = (wt_parser){.o = &o,
                     .world = &world,
                     .page = &page,
                     .mem = mem,
                     .limits = {.nodes = 1000000,
                                .expanded_bytes = 2 << 20,
                                .argument_bytes = 2 << 20,
                                .depth = 100,
                                .expensive = 500,
                                .output_bytes = 32 << 20},
                     .room = wt_room(text.len),
                     .frame = &frame};
    wt_title_parse(&p->title, p, o.title, 0);
    for (size_t i = 0; i < countof(passes); i++) {
        buf out;
        buf_init(&out, mem, text.len + text.len / 8 + 64);
        double start = cpu_s();
        passes[i].run(&out, p, text, scratch);
        passes[i].s += cpu_s() - start;
        passes[i].bytes += (double)text.len;
        text = buf_str(&out);
    }
    for (size_t i = 0; i < countof(p->level) && p->level[i].base; i++)
        arena_close(&p->level[i]);
}

int main(int argc, char **argv) {
    os_map m;
    arena mem, scratch;
    err e = {0};
    double total = 0;
    if (argc < 2 || os_map_open(&m, argv[1], OS_MAP_SEQUENTIAL, &e) ||
        arena_open(&mem, wt_room(SIZE_MAX), &e) || arena_open(&scratch, wt_room(SIZE_MAX), &e)) {
        fprintf(stderr, "usage: wt_passes FILE [ROUNDS]: %s\n", e.msg);
        return 1;
    }
    for (int round = argc > 2 ? atoi(argv[2]) : 3; round > 0; round--)
        for (str rest = os_map_str(&m); rest.len;) {
            page(str_cut(&rest, 0), &mem, scratch);
            arena_reset(&mem, 64 << 20);
        }
    for (size_t i = 0; i < countof(passes); i++)
        total += passes[i].s;
    for (size_t i = 0; i < countof(passes); i++)
        printf("%-16s %8.0f MB/s %5.1f %%\n", passes[i].name, passes[i].bytes / 1e6 / passes[i].s,
               100 * passes[i].s / total);
    printf("%-16s %8.0f MB/s\n", "all", passes[0].bytes / 1e6 / total);
    os_map_close(&m);
    arena_close(&mem);
    arena_close(&scratch);
    return 0;
}
