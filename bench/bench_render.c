// Rendering on one core: megabytes of wikitext a second, times of single pages, growth with size.
//
//     render DUMP INDEX [ROUNDS [pages]]
//
// With "pages": of every page of all kinds, as the server renders it, a line with its time.
//
// "plain": templates that the dump lacks stay links, so that the passes alone are measured;
// "whole": as the server renders. A line per figure: name, value, unit.

#include "app/wiki_render.h"
#include "families/families.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PAGES_MAX = 1 << 16, SERIES_MAX = 10 << 20 };

typedef struct job {
    wiki_view *view;
    wt_world world;
    wt_cache *trees;
    arena texts, mem, scratch;
    wiki_revision *pages;
    size_t n;
    bool lists_pages;
} job;

static void fail(const char *what, const char *why) {
    fprintf(stderr, "render: %s: %s\n", what, why);
    exit(1);
}

// All articles, decoded beforehand: reading the dump is not what is measured.
static void read_pages(job *j) {
    for (uint64_t i = 0; i < wiki_view_pages(j->view) && j->n < PAGES_MAX; i++) {
        wiki_hit h;
        str xml;
        err e = {0};
        wiki_revision rev = {0};
        wiki_get(&h, j->view, 0, (int64_t)i, &j->texts);
        if (!j->lists_pages && (h.page.ns != 0 || h.page.is_redirect)) continue;
        if (wiki_page_xml(&xml, j->view, &h, &j->texts, &e) ||
            wiki_revision_parse(&rev, xml, &j->texts, &e))
            fail("a page", e.msg);
        j->pages[j->n++] = rev;
    }
}

// Of this thread: the machine may be busy with something else.
static double cpu_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double render_one(job *j, str title, str text, bool is_plain, size_t *html) {
    wt_page page;
    wt_options o = {.world = &j->world,
                    .title = title,
                    .article_path = "/wiki/",
                    .cache = j->trees,
                    .families = is_plain ? NULL : &families};
    arena_reset(&j->mem, 16 << 20);
    double start = cpu_ms();
    if (wt_render(&page, text, &o, &j->mem, j->scratch)) fail("render", "out of memory");
    *html += page.html.len;
    return cpu_ms() - start;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void all_pages(job *j, const char *name, bool is_plain, int rounds) {
    double *rates = calloc((size_t)rounds, sizeof *rates), *best = calloc(j->n, sizeof *best);
    if (!rates || !best) fail(name, "out of memory");
    size_t bytes = 0, html = 0;
    for (size_t i = 0; i < j->n; i++)
        bytes += j->pages[i].text.len, best[i] = 1e9;
    for (int r = 0; r < rounds; r++) {
        double ms = 0;
        html = 0;
        for (size_t i = 0; i < j->n; i++) {
            double t = render_one(j, j->pages[i].title, j->pages[i].text, is_plain, &html);
            if (t < best[i]) best[i] = t;
            ms += t;
        }
        rates[r] = (double)bytes / 1e3 / ms;
    }
    for (size_t i = 0; j->lists_pages && i < j->n; i++)
        printf("page\t%.3f\tms\n", best[i]);
    if (j->lists_pages) return free(rates), free(best);
    qsort(rates, (size_t)rounds, sizeof *rates, by_value);
    qsort(best, j->n, sizeof *best, by_value);
    printf("%s pages\t%zu\t\n%s wikitext\t%.2f\tMB\n%s html\t%.2f\tMB\n", name, j->n, name,
           (double)bytes / 1e6, name, (double)html / 1e6);
    printf("%s rate\t%.1f\tMB/s\n", name, rates[rounds / 2]);
    printf("%s p50\t%.3f\tms\n%s p99\t%.3f\tms\n%s max\t%.3f\tms\n", name, best[j->n / 2], name,
           best[(size_t)((double)j->n * 0.99)], name, best[j->n - 1]);
    free(rates);
    free(best);
}

// The same articles, one behind the other, cut at ever greater lengths.
static void series(job *j) {
    arena a;
    buf b;
    if (arena_open(&a, 64 << 20, NULL)) fail("series", "out of memory");
    buf_init(&b, &a, SERIES_MAX);
    while (b.len < SERIES_MAX)
        for (size_t i = 0; i < j->n && b.len < SERIES_MAX; i++)
            buf_add(&b, j->pages[i].text), buf_byte(&b, '\n');
    for (size_t len = 1 << 10; len <= SERIES_MAX; len *= 10) {
        double best = 1e9;
        size_t html = 0;
        for (int r = 0; r < (len > 1 << 20 ? 2 : 5); r++) {
            double t = render_one(j, STR("Series"), str_first(buf_str(&b), len), true, &html);
            if (t < best) best = t;
        }
        printf("series %zu KB\t%.1f\tMB/s\n", len >> 10, (double)len / 1e3 / best);
    }
    arena_close(&a);
}

int main(int argc, char **argv) {
    if (argc < 3) fail("usage", "render DUMP INDEX [ROUNDS]");
    job j = {0};
    err e = {0};
    wiki *w;
    const char *dumps[] = {argv[1]};
    wiki_options o = {.dumps = dumps, .n_dumps = 1, .index = argv[2]};
    if (wiki_open(&w, &o, &e)) fail(argv[1], e.msg);
    j.view = wiki_enter(w);
    wiki_world own = {.view = j.view};
    wiki_world_fill(&j.world, &own);
    j.pages = calloc(PAGES_MAX, sizeof *j.pages);
    if (!j.pages || arena_open(&j.texts, (size_t)4 << 30, &e) ||
        arena_open(&j.mem, wt_room(SIZE_MAX), &e) ||
        arena_open(&j.scratch, wt_room(SIZE_MAX), &e) || wt_cache_open(&j.trees, 256 << 20, &e))
        fail("memory", e.msg);
    int rounds = argc > 3 ? atoi(argv[3]) : 5;
    j.lists_pages = argc > 4;
    read_pages(&j);
    if (!j.lists_pages) all_pages(&j, "plain", true, rounds);
    all_pages(&j, "whole", false, rounds);
    if (!j.lists_pages) series(&j);
    wt_cache_close(j.trees);
    wiki_leave(j.view);
    wiki_close(w);
    arena_close(&j.texts), arena_close(&j.mem), arena_close(&j.scratch);
    free(j.pages);
    return 0;
}
