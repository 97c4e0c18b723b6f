// bench_wiki -- the wiki room: indexing, look-ups and rendering, beside the speed at which this
// machine reads the same bytes from memory.
//
//   bench_wiki [DUMP.xml]
//
// Without a dump it writes two, about 200 MB each, into a folder of its own under /tmp: "long" is
// the pages of ../shared/data/wiki/enwiki-sample.xml.bz2 again and again under new titles, each
// with its right sha1 (text made here when the sample is absent); "short" is many small pages
// without sha1. Adds a row to bench/results/wiki.tsv for the former and prints both.

#include "os/clock.h"
#include "os/cpu.h"
#include "os/rand.h"
#include "wiki/inside.h"
#include "wiki/wiki.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define TSV    "bench/results/wiki.tsv"
#define SAMPLE "../shared/data/wiki/enwiki-sample.xml.bz2"

enum { DUMP_BYTES = 200 << 20, LOOKUPS = 200000, PREFIXES = 20000, PAGES_RENDERED = 400 };

static char dir[64];
static arena mem, scratch;

typedef struct figures {
    double read_mbps, scan_mbps, index_mbps, index_cpu_mbps, titles_ps, find_ps, resolve_ps,
        prefix_ps, prefix_p99_us, open_us, html_mbps, index_bytes_per_title;
    uint64_t pages;
} figures;

static void die(const char *what, const err *e) {
    fprintf(stderr, "bench_wiki: %s: %s\n", what, e ? e->msg : "");
    exit(1);
}

// --- Dumps -----------------------------------------------------------------------------------

static str sample_xml(void) {
    err e = {0};
    const char *xml = arena_fmt(&mem, "%s/sample.xml", dir).ptr;
    static os_map map;
    wiki_build_result r;
    wiki_build_options o = {
        .dump = SAMPLE, .xml = xml, .index = arena_fmt(&mem, "%s.idx", xml).ptr};
    if (access(SAMPLE, R_OK) || wiki_index_build(&r, &o, &e)) return (str){0};
    if (os_map_open(&map, xml, OS_MAP_SEQUENTIAL, &e)) die("sample", &e);
    return os_map_str(&map);
}

static void made_up_page(FILE *f, size_t n, size_t bytes) {
    fprintf(f,
            "<page>\n    <title>%c%zx page %zu</title>\n    <ns>0</ns>\n    <id>%zu</id>\n"
            "    <revision>\n      <id>%zu</id>\n      <text xml:space=\"preserve\">",
            (char)('A' + n * 7 % 26), n * 2654435761u % 1000003, n, n, n);
    for (size_t i = 0; i < bytes; i += 40)
        fputs("Some '''words''' with [[links|a link]]. ", f);
    fputs("</text>\n    </revision>\n  </page>\n  ", f);
}

// The sample's page with a number behind its title.
static void renamed_page(FILE *f, str xml, const wiki__page *p, size_t round) {
    size_t title_end = (size_t)(p->title.ptr + p->title.len - xml.ptr);
    fwrite(xml.ptr + p->off, 1, title_end - p->off, f);
    fprintf(f, " %zu", round);
    fwrite(xml.ptr + title_end, 1, p->off + p->len - title_end, f);
    fputs("\n  ", f);
}

static void one_round(FILE *f, str xml, size_t round) {
    wiki__dump d;
    wiki__page p;
    err e = {0};
    if (wiki__dump_open(&d, xml, NULL, NULL, &e)) die("sample", &e);
    for (bool more = true; more;) {
        if (wiki__dump_next(&more, &p, &d, &e)) die("sample", &e);
        if (more) renamed_page(f, xml, &p, round);
    }
}

static const char *make_dump(const char *name, str sample) {
    const char *path = arena_fmt(&mem, "%s/%s.xml", dir, name).ptr;
    bool is_long = !strcmp(name, "long");
    FILE *f = fopen(path, "wb");
    if (!f) die(path, NULL);
    fputs("<mediawiki version=\"0.11\" xml:lang=\"en\">\n  ", f);
    for (size_t n = 0; ftell(f) < DUMP_BYTES; n++) {
        if (is_long && sample.len)
            one_round(f, sample, n);
        else
            made_up_page(f, n, is_long ? 20000 : 240);
    }
    fputs("</mediawiki>\n", f);
    if (fclose(f)) die(path, NULL);
    return path;
}

// --- Measures --------------------------------------------------------------------------------

// Each byte of the file copied once, from the page cache into a buffer that the cache holds.
static double read_mbps(const char *path) {
    static char to[1 << 18];
    err e = {0};
    os_map map;
    if (os_map_open(&map, path, OS_MAP_SEQUENTIAL, &e)) die(path, &e);
    double best = 0;
    for (int round = 0; round < 3; round++) {
        int64_t start = os_now_ns();
        for (size_t at = 0; at < map.len; at += sizeof to)
            memcpy(to, map.base + at, min_size(sizeof to, map.len - at));
        __asm__ volatile("" ::"r"(to) : "memory");
        double mbps = (double)map.len / 1e6 / os_seconds_since(start);
        if (mbps > best) best = mbps;
    }
    os_map_close(&map);
    return best;
}

static double scan_mbps(const char *path) {
    err e = {0};
    os_map map;
    if (os_map_open(&map, path, OS_MAP_SEQUENTIAL, &e)) die(path, &e);
    double best = 0;
    for (int round = 0; round < 3; round++) {
        wiki__dump d;
        wiki__page p;
        int64_t start = os_now_ns();
        status s = wiki__dump_open(&d, os_map_str(&map), NULL, NULL, &e);
        for (bool more = true; !s && more;)
            s = wiki__dump_next(&more, &p, &d, &e);
        if (s) die(path, &e);
        double mbps = (double)map.len / 1e6 / os_seconds_since(start);
        if (mbps > best) best = mbps;
    }
    os_map_close(&map);
    return best;
}

// Of all threads: what indexing costs on a machine that does other things too.
static double cpu_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void measure_build(figures *f, const char *path) {
    wiki_build_options o = {.dump = path};
    wiki_build_result r;
    err e = {0};
    double best = 1e9, cpu = 1e9;
    for (int round = 0; round < 3; round++) {
        double start = cpu_seconds();
        if (wiki_index_build(&r, &o, &e)) die(path, &e);
        if (r.seconds < best) best = r.seconds;
        if (cpu_seconds() - start < cpu) cpu = cpu_seconds() - start;
    }
    f->index_cpu_mbps = (double)r.xml_bytes / 1e6 / cpu;
    f->pages = r.n_pages;
    f->index_mbps = (double)r.xml_bytes / 1e6 / best;
    f->titles_ps = (double)r.n_pages / best;
    f->index_bytes_per_title = (double)r.index_bytes / (double)r.n_pages;
    printf("  %llu pages, %llu with a wrong sha1, %llu without\n", (unsigned long long)r.n_pages,
           (unsigned long long)r.n_bad_sha1, (unsigned long long)r.n_without_sha1);
}

static str *random_titles(const wiki *w, size_t n) {
    str *titles = arena_array(&mem, str, n);
    for (size_t i = 0; i < n; i++) {
        wiki_page p;
        wiki_index_get(&p, w->index, (int64_t)(os_rand_u64() % wiki_index_pages(w->index)));
        titles[i] = arena_str(&mem, p.title);
    }
    return titles;
}

static void measure_find(figures *f, const wiki *w, const str *titles) {
    size_t hits = 0;
    wiki_page p;
    int64_t start = os_now_ns();
    for (size_t i = 0; i < LOOKUPS; i++)
        hits += wiki_index_find(&p, w->index, titles[i]);
    f->find_ps = LOOKUPS / os_seconds_since(start);
    start = os_now_ns();
    for (size_t i = 0; i < LOOKUPS; i++) {
        arena a = scratch;
        str folded = wiki_title_fold(titles[i], &a);
        hits += wiki_index_resolve(&p, w->index, folded, a);
    }
    f->resolve_ps = LOOKUPS / os_seconds_since(start);
    if (hits != 2 * LOOKUPS) die("a title was not found", NULL);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

// Lower-case prefixes of 3 to 6 bytes, ten results each: what typing asks for.
static void measure_prefix(figures *f, const wiki *w, const str *titles) {
    double *took = arena_array(&mem, double, PREFIXES), sum = 0;
    for (size_t i = 0; i < PREFIXES; i++) {
        int64_t ranks[10];
        size_t total;
        arena a = scratch;
        str prefix = wiki_title_fold(str_first(titles[i], 3 + i % 4), &a);
        int64_t start = os_now_ns();
        wiki_index_prefix(ranks, 10, 0, &total, w->index, prefix, a);
        sum += took[i] = os_seconds_since(start);
    }
    qsort(took, PREFIXES, sizeof *took, by_value);
    f->prefix_ps = PREFIXES / sum;
    f->prefix_p99_us = took[PREFIXES * 99 / 100] * 1e6;
}

static bool exists(void *arg, str title) {
    wiki_page p;
    return wiki_index_find(&p, ((const wiki *)arg)->index, title);
}

static void measure_html(figures *f, wiki *w) {
    wiki_html_options o = {
        .exists = exists, .arg = w, .link_prefix = "/wiki/wiki/", .site = w->site};
    arena out_mem;
    if (arena_open(&out_mem, 1 << 30, NULL)) die("memory", NULL);
    double seconds = 0;
    size_t bytes = 0, n = min_size(PAGES_RENDERED, wiki_index_pages(w->index));
    for (size_t i = 0; i < n; i++) {
        arena a = mem;
        wiki_page p;
        wiki_revision r;
        err e = {0};
        buf out;
        wiki_index_get(&p, w->index, (int64_t)(i * wiki_index_pages(w->index) / n));
        if (wiki_revision_parse(&r, wiki_page_xml(w, &p), &a, &e)) die("page", &e);
        arena_reset(&out_mem, 16 << 20);
        buf_init(&out, &out_mem, 0);
        int64_t start = os_now_ns();
        if (!wiki_html(&out, r.text, r.model, &o, scratch)) die("html", NULL);
        seconds += os_seconds_since(start);
        bytes += r.text.len;
    }
    f->html_mbps = (double)bytes / 1e6 / seconds;
    arena_close(&out_mem);
}

static figures measure(const char *name, const char *path) {
    figures f = {0};
    wiki w;
    err e = {0};
    printf("%s: %s\n", name, path);
    measure_build(&f, path);
    f.read_mbps = read_mbps(path);
    f.scan_mbps = scan_mbps(path);
    int64_t start = os_now_ns();
    if (wiki_open(&w, path, NULL, &e)) die(path, &e);
    f.open_us = os_seconds_since(start) * 1e6;
    str *titles = random_titles(&w, LOOKUPS);
    measure_find(&f, &w, titles);
    measure_prefix(&f, &w, titles);
    measure_html(&f, &w);
    wiki_close(&w);
    return f;
}

// --- Report ----------------------------------------------------------------------------------

static void report(const figures *f) {
    printf("  read (memcpy)  %9.0f MB/s   the limit of one core\n", f->read_mbps);
    printf("  scan           %9.0f MB/s   %.2f of it, one core\n", f->scan_mbps,
           f->scan_mbps / f->read_mbps);
    printf("  index          %9.0f MB/s   %.2f of it, digests, sort and sync included\n",
           f->index_mbps, f->index_mbps / f->read_mbps);
    printf("                 %9.0f MB    per second of processor time\n", f->index_cpu_mbps);
    printf("  titles         %9.0f /s     %.1f bytes of index each\n", f->titles_ps,
           f->index_bytes_per_title);
    printf("  open           %9.0f us\n", f->open_us);
    printf("  exact          %9.0f /s\n  case-blind     %9.0f /s\n", f->find_ps, f->resolve_ps);
    printf("  prefix, 10     %9.0f /s     p99 %.1f us\n", f->prefix_ps, f->prefix_p99_us);
    printf("  html           %9.1f MB/s   of wikitext, one core\n", f->html_mbps);
}

static void add_row(const char *name, const figures *f) {
    FILE *t = fopen(TSV, "a");
    if (!t) die(TSV, NULL);
    if (ftell(t) == 0)
        fprintf(t, "date\tversion\tcpu\tcores\tdump\tpages\tread_MBps\tscan_MBps\tindex_MBps\t"
                   "of_read\tindex_MB_per_cpu_s\ttitles_ps\tindex_B_per_title\topen_us\texact_"
                   "ps\tcaseblind_ps\t"
                   "prefix_ps\tprefix_p99_us\thtml_MBps\n");
    char date[32];
    time_t now = time(NULL);
    strftime(date, sizeof date, "%Y-%m-%d", gmtime(&now));
    fprintf(t,
            "%s\t%s\t%s\t%d\t%s\t%llu\t%.0f\t%.0f\t%.0f\t%.3f\t%.0f\t%.0f\t%.1f\t%.0f\t%.0f\t%.0f\t"
            "%.0f\t%.1f\t%.1f\n",
            date, VERSION, os_cpu_name(), os_cpu_count(), name, (unsigned long long)f->pages,
            f->read_mbps, f->scan_mbps, f->index_mbps, f->index_mbps / f->read_mbps,
            f->index_cpu_mbps, f->titles_ps, f->index_bytes_per_title, f->open_us, f->find_ps,
            f->resolve_ps, f->prefix_ps, f->prefix_p99_us, f->html_mbps);
    fclose(t);
}

static void run(const char *name, const char *path) {
    arena saved = mem;
    figures f = measure(name, path);
    mem = saved;
    report(&f);
    add_row(name, &f);
}

static void clean_up(void) {
    static const char *const names[] = {"sample.xml",   "sample.xml.idx", "long.xml",
                                        "long.xml.idx", "short.xml",      "short.xml.idx"};
    for (size_t i = 0; i < countof(names); i++)
        unlink(arena_fmt(&mem, "%s/%s", dir, names[i]).ptr);
    rmdir(dir);
}

int main(int argc, char **argv) {
    if (arena_open(&mem, 1 << 30, NULL) || arena_open(&scratch, 1 << 30, NULL)) return 1;
    if (argc > 1) return run("given", argv[1]), 0;
    snprintf(dir, sizeof dir, "/tmp/bench-wiki-XXXXXX");
    if (!mkdtemp(dir)) die(dir, NULL);
    atexit(clean_up);
    str sample = sample_xml();
    if (!sample.len) printf("%s is absent: made-up text\n", SAMPLE);
    run("long", make_dump("long", sample));
    run("short", make_dump("short", sample));
    return 0;
}
