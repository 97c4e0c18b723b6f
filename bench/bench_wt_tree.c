// bench/bench_wt_tree.c -- the sanitiser and the tree builder on one core, MB/s of what they read.
//
//   bench_wt_tree                    pages made of the paragraphs below
//   bench_wt_tree sanitize FILE...   wikitext
//   bench_wt_tree tidy FILE...       HTML as the passes make it
//
// libgumbo, which only parses, stands beside when it is there. Each file is a page of its own, as
// in a server. The best of ROUNDS rounds over all of them.
#include "os/clock.h"
#include "os/file.h"
#include "wikitext/inside.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 15, FILES_MAX = 4096 };

static const char wikitext[] =
    "The '''tree''' of a [[web page|page]] is what a browser [[parsing|builds]] of it.<ref>{{cite "
    "web|url=http://example.org/a|title=On trees}}</ref> It has <small>elements</small>, texts "
    "and\n"
    "comments.\n\n* <span style=\"color: green\">First</span>, <br />second\n* Third &ndash; "
    "fourth\n\n{| class=\"wikitable\"\n|-\n| a || style=\"width: 20%\" | b\n|}\n";
static const char html[] =
    "<p>The <b>tree</b> of a <a href=\"/wiki/Web_page\" title=\"Web page\">page</a> is what a "
    "browser <a href=\"/wiki/Parsing\" title=\"Parsing\">builds</a> of it.<sup id=\"cite_ref-1\" "
    "class=\"reference\"><a href=\"#cite_note-1\">&#91;1&#93;</a></sup> It has <small>elements"
    "</small>, texts and\ncomments.\n</p>\n<ul><li><span style=\"color: green\">First</span>, "
    "<br />second</li>\n<li>Third &#8211; fourth</li></ul>\n<table class=\"wikitable\">\n\n<tr>\n"
    "<td>a</td>\n<td style=\"width: 20%\">b\n</td></tr></table>\n";

typedef size_t run_page(str text, arena mem, arena scratch);

static size_t sanitize(str text, arena mem, arena scratch) {
    wt_parser *p = arena_new(&mem, wt_parser);
    p->mem = &mem;
    buf out;
    buf_init(&out, &mem, text.len + text.len / 8);
    wt_sanitize(&out, p, text, scratch);
    return out.len;
}

static size_t tidy(str text, arena mem, arena scratch) {
    buf out;
    buf_init(&out, &mem, text.len + text.len / 8);
    html_tidy(&out, text, scratch);
    return out.len;
}

static size_t words(str text, arena mem, arena scratch) {
    (void)scratch;
    buf out;
    buf_init(&out, &mem, text.len);
    wt_text(&out, text);
    return out.len;
}

// Parses only: gumbo has no writer.
static struct {
    void *(*parse)(const char *text);
    void (*destroy)(const void *options, void *tree);
    const void *options;
} gumbo;

static size_t with_gumbo(str text, arena mem, arena scratch) {
    (void)scratch;
    gumbo.destroy(gumbo.options, gumbo.parse(arena_cstr(&mem, text)));
    return 0;
}

static bool find_gumbo(void) {
    void *lib = dlopen("libgumbo.so.1", RTLD_NOW);
    if (!lib) return false;
    gumbo.parse = (void *(*)(const char *))(uintptr_t)dlsym(lib, "gumbo_parse");
    gumbo.destroy = (void (*)(const void *, void *))(uintptr_t)dlsym(lib, "gumbo_destroy_output");
    gumbo.options = dlsym(lib, "kGumboDefaultOptions");
    return gumbo.parse && gumbo.destroy && gumbo.options;
}

static void measure(const char *name, run_page *run, const str *pages, size_t n, arena mem,
                    arena scratch) {
    int64_t best = INT64_MAX;
    size_t in = 0, out = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int64_t start = os_now_ns();
        in = out = 0;
        for (size_t i = 0; i < n; i++)
            in += pages[i].len, out += run(pages[i], mem, scratch);
        best = min_i64(best, os_now_ns() - start);
    }
    printf("%-10s %8.1f MB/s  %zu pages, %zu bytes in, %zu out\n", name,
           (double)in * 1e3 / (double)best, n, in, out);
}

static void measure_tidy(const str *pages, size_t n, arena mem, arena scratch) {
    measure("tidy", tidy, pages, n, mem, scratch);
    measure("text", words, pages, n, mem, scratch);
    if (find_gumbo()) measure("gumbo", with_gumbo, pages, n, mem, scratch);
}

// A page of some 64 KB.
static str made_page(str part, arena *a) {
    buf b;
    buf_init(&b, a, 64 << 10);
    while (b.len + part.len <= 64 << 10)
        buf_add(&b, part);
    return buf_str(&b);
}

static int fail(const char *what) {
    fprintf(stderr, "bench_wt_tree: %s\n", what);
    return 1;
}

int main(int argc, char **argv) {
    static str pages[FILES_MAX];
    arena text, mem, scratch;
    err e = {0};
    size_t n = 0;
    if (arena_open(&text, (size_t)1 << 30, &e) || arena_open(&mem, (size_t)1 << 30, &e) ||
        arena_open(&scratch, (size_t)4 << 30, &e))
        return fail(e.msg);
    for (int i = 2; i < argc && n < FILES_MAX; i++) {
        os_map m;
        if (os_map_open(&m, argv[i], OS_MAP_SEQUENTIAL, &e)) return fail(e.msg);
        pages[n++] = arena_str(&text, os_map_str(&m));
        os_map_close(&m);
    }
    if (argc == 1) {
        pages[0] = made_page((str){wikitext, sizeof wikitext - 1}, &text);
        pages[1] = made_page((str){html, sizeof html - 1}, &text);
        measure("sanitize", sanitize, pages, 1, mem, scratch);
        measure_tidy(pages + 1, 1, mem, scratch);
    } else if (!strcmp(argv[1], "sanitize")) {
        measure("sanitize", sanitize, pages, n, mem, scratch);
    } else {
        measure_tidy(pages, n, mem, scratch);
    }
    return 0;
}
