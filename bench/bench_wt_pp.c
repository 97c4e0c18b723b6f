// MB/s of wikitext read into trees, and expanded with every template missing, on one thread.
//
// The anchor of the same run is memchr over the text for a byte that it has not: one reading.
// Without files: pages of 64 KB made here; a page of 4 MB shows what memory costs.
//
//   bench_wt_pp [FILE...]

#include "os/clock.h"
#include "os/file.h"
#include "wikitext/expand.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS_BYTES = 64 << 20, ROUNDS_MIN = 5, MADE = 64 << 10 };

static arena mem;
static volatile size_t sink;

static bool source(void *arg, wt_source *out, str title, arena *a) {
    (void)arg, (void)out, (void)title, (void)a;
    return false;
}

static bool interwiki(void *arg, wt_interwiki *out, str prefix, arena *a) {
    (void)arg, (void)out, (void)prefix, (void)a;
    return false;
}

static const wiki_site site = {.lang = STR_INIT("en")};
static const wt_world world = {.site = &site, .source = source, .interwiki = interwiki};

static void read_once(str text) {
    sink += (size_t)memchr(text.ptr, 1, text.len);
}

static void preprocess(str text) {
    wt_tree tree;
    wt_preprocess(&tree, text, false, &mem);
    sink += tree.n_nodes;
}

static void expand(str text) {
    wt_options o = {.world = &world, .title = STR("A")};
    wt_page page = {0};
    wt_frame frame = {.title = STR("A")};
    wt_parser *p = arena_new(&mem, wt_parser);
    *p = (wt_parser){.o = &o,
                     .world = &world,
                     .page = &page,
                     .mem = &mem,
                     .frame = &frame,
                     .limits = {1u << 30, 1u << 30, 1u << 30, 100, 500, 1u << 30, 0}};
    sink += wt_expand_text(p, text, &frame).len;
}

// The best of some rounds, in MB/s.
static double rate(void (*run)(str), str text) {
    double best = 1e9;
    for (size_t i = 0; i < ROUNDS_MIN || i * text.len < ROUNDS_BYTES; i++) {
        arena keep = mem;
        int64_t start = os_now_ns();
        run(text);
        double s = os_seconds_since(start);
        if (s < best) best = s;
        mem = keep;
    }
    return (double)text.len / best / 1e6;
}

static void report(const char *name, str text) {
    double once = rate(read_once, text), tree = rate(preprocess, text), flat = rate(expand, text);
    printf("%-24s %8zu KB  read %7.0f  tree %7.0f (%4.2f of it)  tree and expand %7.0f MB/s\n",
           name, text.len >> 10, once, tree, tree / once, flat);
}

static void made(const char *name, const char *unit, size_t bytes) {
    size_t len = strlen(unit), n = bytes / len;
    char *text = arena_alloc(&mem, n * len);
    for (size_t i = 0; i < n; i++)
        memcpy(text + i * len, unit, len);
    report(name, (str){text, n * len});
}

int main(int argc, char **argv) {
    err e = {0};
    if (arena_open(&mem, (size_t)16 << 30, &e)) return fprintf(stderr, "%s\n", e.msg), 1;
    made("prose",
         "It was a bright cold day in April, and the clocks were striking thirteen. "
         "Winston - his chin nuzzled into his breast - slipped quickly through.\n\n",
         MADE);
    made("links", "The [[capital city|capital]] of [[France]] is ''[[Paris]]'' on the [[Seine]].\n",
         MADE);
    made("citations",
         "It is so.{{cite web|url=http://example.org/x|title=On it|last=Doe|first=J"
         "|date=2 May 2020|access-date=3 May 2020}}\n",
         MADE);
    made("brackets", "{{a|[[b]]{{{c|}}}", MADE);
    made("brackets, 4 MB", "{{a|[[b]]{{{c|}}}", 4 << 20);
    for (int i = 1; i < argc; i++) {
        os_map m;
        if (os_map_open(&m, argv[i], OS_MAP_SEQUENTIAL, &e))
            return fprintf(stderr, "%s\n", e.msg), 1;
        report(argv[i], arena_str(&mem, os_map_str(&m)));
        os_map_close(&m);
    }
    return 0;
}
