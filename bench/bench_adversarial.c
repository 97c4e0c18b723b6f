// Pages made to hurt, 1.25 MB and 5 MB of each: that every one ends soon, and no slower than its
// size grows.
//
//     adversarial [SECONDS [NAME...]]
//
// A line each: size, milliseconds of one core, HTML, limits passed, how many times longer four
// times the size takes. Ends with 1 when a page takes over a second, or over six times as long;
// a deadline of SECONDS (4) holds as it does in the server.

#include "tests/wikitext/adversarial.h"

#include "os/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { LARGE = 5 << 20, MS_MAX = 1000, FACTOR_MAX = 6, MS_LEAST = 40 };

static arena text_mem, mem, scratch;

static double cpu_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double run(wt_page *page, const adversary *a, size_t bytes, double seconds) {
    arena_reset(&text_mem, 0), arena_reset(&mem, mem.reserve);  // memory stays touched
    str text = adversary_text(a, bytes, &text_mem);
    wt_options o = adversary_options(a);
    double start = cpu_ms();
    o.limits.deadline_ns = os_now_ns() + (int64_t)(seconds * 1e9);
    if (wt_render(page, text, &o, &mem, scratch)) exit(1);
    return cpu_ms() - start;
}

static const char *flags(unsigned over) {
    static const char *const names[] = {"nodes",  "expanded", "arguments", "depth", "expensive",
                                        "output", "time",     "memory",    "loop"};
    static char line[128];
    line[0] = 0;
    for (size_t i = 0; i < countof(names); i++)
        if (over & 1u << i) strcat(strcat(line, line[0] ? "," : ""), names[i]);
    return line;
}

static bool measure(const adversary *a, double seconds) {
    wt_page page;
    size_t len = adversary_text(a, LARGE, &text_mem).len;
    double small = run(&page, a, LARGE / 4, seconds), large = run(&page, a, LARGE, seconds);
    if (large > MS_LEAST) {  // the best of two: the first touched the memory
        double again = run(&page, a, LARGE / 4, seconds);
        small = again < small ? again : small;
        again = run(&page, a, LARGE, seconds);
        large = again < large ? again : large;
    }
    double factor = large / (small > 0.01 ? small : 0.01);
    bool is_slow = large > MS_MAX || (large > MS_LEAST && factor > FACTOR_MAX);
    printf("%-20s %8.2f MB %9.1f ms %9.2f MB  x%-5.1f %s%s\n", a->name, (double)len / 1e6, large,
           (double)page.html.len / 1e6, factor, flags(page.over), is_slow ? "  SLOW" : "");
    fflush(stdout);
    return !is_slow;
}

static bool is_asked(const adversary *a, int argc, char **argv) {
    for (int i = 2; i < argc; i++)
        if (!strcmp(argv[i], a->name)) return true;
    return argc <= 2;
}

int main(int argc, char **argv) {
    double seconds = argc > 1 ? atof(argv[1]) : 4;
    size_t n = 0, n_slow = 0;
    if (arena_open(&text_mem, 64 << 20, NULL) || arena_open(&mem, wt_room(SIZE_MAX), NULL) ||
        arena_open(&scratch, wt_room(SIZE_MAX), NULL))
        return 1;
    for (size_t i = 0; i < countof(adversaries); i++) {
        if (!is_asked(&adversaries[i], argc, argv)) continue;
        n++;
        n_slow += !measure(&adversaries[i], seconds);
    }
    printf("%zu pages, %zu slow\n", n, n_slow);
    return n_slow > 0;
}
