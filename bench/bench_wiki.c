// bench_wiki -- the wiki room's figures, one verb each, as lines "name<TAB>value" for bench/wiki.
//
//   bench_wiki read FILE            GB/s: from the disk past the page cache, from the page cache,
//                                   and of memchr over the same bytes
//   bench_wiki unpack FILE          all chunks of a dump read on every core, nothing done with them
//   bench_wiki build DUMP MB        indexes it, with that budget of memory
//   bench_wiki sections DUMP        bytes of each section of its index
//   bench_wiki lookup DUMP          times of exact look-ups, suggestions and searches in process
//   bench_wiki lost DUMP            which of the titles on stdin, a line each, are not found
//   bench_wiki verify DUMP          the dump read again beside its index
//   bench_wiki page DUMP            times of a page's text: unpacked, and again
//   bench_wiki sample DUMP N        N titles, evenly spread
//   bench_wiki first N PATH WANT PROGRAM ARG...
//                                   from before exec to a reply that holds WANT, N times
//
// Times are of single calls, the two clock readings around each (some 40 ns) included.

#include "os/clock.h"
#include "os/cpu.h"
#include "os/pool.h"
#include "wiki/inside.h"
#include "wiki/wiki.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    LOOKUPS = 200000,
    SUGGESTIONS = 5000,  // per length
    PREFIX_MAX = 8,
    TOP = 10,
    SEARCHES = 500,
    SEARCH_NS = 50000000,
    PAGES = 200,
    PAGE_CACHE = 4 << 20,
    READ_BYTES = 8 << 20,
    WAIT_MS = 20000,
};

static arena mem, scratch;

NORETURN static void die(const char *what, const err *e) {
    fprintf(stderr, "bench_wiki: %s: %s\n", what, e ? e->msg : "");
    exit(1);
}

static void figure(const char *name, double v) {
    printf("%s\t%.9g\n", name, v);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double quantile(double *v, size_t n, double q) {
    qsort(v, n, sizeof *v, by_value);
    return n ? v[min_size((size_t)((double)n * q), n - 1)] : 0;
}

static void quantiles(const char *name, double *ns, size_t n) {
    printf("%s_p50_us\t%.3f\n", name, quantile(ns, n, 0.5) / 1e3);
    printf("%s_p99_us\t%.3f\n", name, quantile(ns, n, 0.99) / 1e3);
}

// --- read ------------------------------------------------------------------------------------

static double read_gbps(const char *path, int flags) {
    void *to = arena_alloc(&mem, READ_BYTES + 4096);
    to = (void *)align_up((size_t)to, 4096);
    int fd = open(path, O_RDONLY | flags);
    if (fd < 0) return 0;  // no O_DIRECT here
    int64_t start = os_now_ns();
    double bytes = 0;
    for (ssize_t n; (n = read(fd, to, READ_BYTES)) > 0;)
        bytes += (double)n;
    close(fd);
    return bytes / 1e9 / os_seconds_since(start);
}

static size_t count_tags(str s) {
    size_t n = 0;
    for (; s.len; n++)
        s = str_skip(s, str_find_byte(s, '<') + 1);
    return n;
}

// The second pass is timed: the first one has the pages mapped.
static double memchr_gbps(const char *path) {
    err e = {0};
    os_map m;
    if (os_map_open(&m, path, OS_MAP_SEQUENTIAL, &e)) die(path, &e);
    size_t n = count_tags(os_map_str(&m));
    int64_t start = os_now_ns();
    if (count_tags(os_map_str(&m)) != n) die(path, NULL);
    double gbps = (double)m.len / 1e9 / os_seconds_since(start);
    os_map_close(&m);
    return gbps;
}

static int verb_read(char **arg) {
    figure("disk_GBps", read_gbps(arg[0], O_DIRECT));
    figure("first_read_GBps", read_gbps(arg[0], 0));
    figure("cached_read_GBps", read_gbps(arg[0], 0));
    figure("memchr_GBps", memchr_gbps(arg[0]));
    return 0;
}

// --- unpack ----------------------------------------------------------------------------------

static wiki_reader *reader;

static void unpack_all(void *arg, size_t i) {
    (void)arg, (void)i;
    wiki_chunk c;
    err e = {0};
    for (bool more = true; more;) {
        if (wiki_reader_next(&more, &c, reader, &e)) die("unpack", &e);
        if (more) wiki_reader_give_back(reader, &c);
    }
}

static int verb_unpack(char **arg) {
    os_pool *pool;
    err e = {0};
    int n = os_cpu_count();
    wiki_reader_options o = {.path = arg[0], .n_threads = n};
    int64_t start = os_now_ns();
    if (os_pool_open(&pool, n - 1, 1, "unpack", &e)) die("threads", &e);
    if (wiki_reader_open(&reader, &o, &e)) die(arg[0], &e);
    os_pool_for(pool, (size_t)n, unpack_all, NULL);
    figure("xml_bytes", (double)wiki_reader_len(reader));
    wiki_reader_close(reader);
    os_pool_close(pool);
    figure("seconds", os_seconds_since(start));
    return 0;
}

// --- build, sections, verify -----------------------------------------------------------------

static int verb_build(char **arg) {
    wiki_build_options o = {
        .dump = arg[0], .memory = strtoull(arg[1], NULL, 10) << 20, .with = WIKI_WITH_ALL};
    wiki_build_result r;
    err e = {0};
    if (wiki_index_build(&r, &o, &e)) die(arg[0], &e);
    figure("seconds", r.seconds);
    figure("xml_bytes", (double)r.xml_bytes);
    figure("pages", (double)r.n_pages);
    figure("redirects", (double)r.n_redirects);
    figure("bad_sha1", (double)r.n_bad_sha1);
    figure("links", (double)r.n_links);
    figure("index_bytes", (double)r.index_bytes);
    figure("title_bytes", (double)r.title_bytes);
    figure("temp_bytes", (double)r.temp_bytes);
    return 0;
}

static int verb_sections(char **arg) {
    static const char *const names[WIKI__SECTIONS] = {
        "site",      "facts",      "blockmap",  "titles",    "offsets", "gaps",
        "ids",       "targets",    "redirects", "best",      "bad",     "words",
        "wordlists", "categories", "members",   "backlinks", "leads"};
    store_in in;
    err e = {0};
    const char *path = wiki_index_path(&mem, arg[0]);
    if (store_in_open(&in, path, WIKI__MAGIC, WIKI__VERSION, &e)) die(path, &e);
    for (int i = 0; i < WIKI__SECTIONS; i++)
        figure(names[i], (double)store_in_section(&in, i).len);
    store_in_close(&in);
    return 0;
}

static int verb_verify(char **arg) {
    wiki_build_options o = {.dump = arg[0]};
    wiki_verify_result r;
    err e = {0};
    if (wiki_index_verify(&r, &o, NULL, &e)) die(arg[0], &e);
    figure("seconds", r.seconds);
    figure("pages", (double)r.n_pages);
    figure("bad_sha1", (double)r.n_bad_sha1);
    figure("missing", (double)r.n_missing);
    return 0;
}

// --- lookup ----------------------------------------------------------------------------------

static wiki_index *open_index(const char *dump) {
    wiki_index *ix;
    os_file_stat st;
    err e = {0};
    if (os_stat(&st, dump, &e)) die(dump, &e);
    if (wiki_index_open(&ix, wiki_index_path(&mem, dump), st.len, st.mtime_ns, &e)) die(dump, &e);
    return ix;
}

static uint64_t next_random(uint64_t *x) {  // xorshift64: the same titles in each run
    *x ^= *x << 13, *x ^= *x >> 7, *x ^= *x << 17;
    return *x;
}

static str *random_titles(const wiki_index *ix, size_t n) {
    str *t = arena_array(&mem, str, n);
    uint64_t x = 88172645463325252u;
    for (size_t i = 0; i < n; i++) {
        wiki_page p;
        wiki_index_get(&p, ix, (int64_t)(next_random(&x) % wiki_index_pages(ix)), &mem);
        t[i] = p.title;
    }
    return t;
}

static void measure_exact(const wiki_index *ix, const str *titles) {
    double *ns = arena_array(&mem, double, LOOKUPS);
    for (size_t i = 0; i < LOOKUPS; i++) {
        int64_t start = os_now_ns();
        bool found = wiki_index_find(ix, titles[i]) != WIKI_NO_RANK;
        ns[i] = (double)(os_now_ns() - start);
        if (!found) die("lookup: a title was not found", NULL);
    }
    quantiles("exact", ns, LOOKUPS);
}

// The first n code points.
static str first_letters(str s, size_t n) {
    size_t at = 0;
    while (at < s.len && n) {
        at++;
        while (at < s.len && ((uint8_t)s.ptr[at] & 0xc0) == 0x80)
            at++;
        n--;
    }
    return str_first(s, at);
}

static double suggest_ns(const wiki_index *ix, str prefix) {
    wiki_suggestion top[TOP];
    int64_t total;
    int64_t start = os_now_ns();
    size_t n = wiki_index_suggest(top, TOP, &total, ix, prefix, -1, NULL, NULL, scratch);
    double ns = (double)(os_now_ns() - start);
    if (!n) die("suggest: nothing for the beginning of a title", NULL);
    return ns;
}

static void measure_suggest(const wiki_index *ix, const str *titles) {
    double *all = arena_array(&mem, double, SUGGESTIONS *PREFIX_MAX), *ns = all, most = 0;
    for (size_t len = 1; len <= PREFIX_MAX; len++, ns += SUGGESTIONS) {
        for (size_t i = 0; i < SUGGESTIONS; i++)
            ns[i] = suggest_ns(ix, first_letters(titles[i], len));
        char name[32];
        snprintf(name, sizeof name, "suggest%zu", len);
        quantiles(name, ns, SUGGESTIONS);
        most = most > ns[SUGGESTIONS - 1] ? most : ns[SUGGESTIONS - 1];
    }
    quantiles("suggest", all, SUGGESTIONS * PREFIX_MAX);
    printf("suggest_max_us\t%.3f\n", most / 1e3);
}

// Words of a title turned round, and with one letter lost.
static void measure_search(const wiki_index *ix, const str *titles) {
    double *ns = arena_array(&mem, double, SEARCHES);
    for (size_t i = 0; i < SEARCHES; i++) {
        arena a = scratch;
        int64_t ranks[TOP];
        wiki_search info;
        str t = titles[i], last = str_skip(t, str_find_byte(t, ' ') + 1);
        str first = str_first(t, str_find_byte(t, ' '));
        str text = arena_fmt(&a, "%.*s %.*s", STR_ARG(str_first(last, last.len - (i & 1))),
                             STR_ARG(first));
        int64_t start = os_now_ns();
        (void)wiki_index_search(&info, ranks, TOP, ix, text, start + SEARCH_NS, a);
        ns[i] = (double)(os_now_ns() - start);
    }
    quantiles("search", ns, SEARCHES);
}

static int verb_lookup(char **arg) {
    wiki_index *ix = open_index(arg[0]);
    str *titles = random_titles(ix, LOOKUPS);
    figure("pages", (double)wiki_index_pages(ix));
    measure_exact(ix, titles);
    measure_suggest(ix, titles);
    measure_search(ix, titles);
    wiki_index_close(ix);
    return 0;
}

static int verb_lost(char **arg) {
    wiki_index *ix = open_index(arg[0]);
    char *line = NULL;
    size_t cap = 0, n = 0, lost = 0;
    for (ssize_t len; (len = getline(&line, &cap, stdin)) > 0; n++) {
        str title = {line, (size_t)len - (line[len - 1] == '\n')};
        if (wiki_index_find(ix, title) != WIKI_NO_RANK) continue;
        if (++lost <= 10) fprintf(stderr, "lost: %s", line);
    }
    free(line);
    figure("titles", (double)n);
    figure("lost", (double)lost);
    wiki_index_close(ix);
    return 0;
}

static int verb_sample(char **arg) {
    wiki_index *ix = open_index(arg[0]);
    size_t n = wiki_index_pages(ix), want = min_size(n, strtoull(arg[1], NULL, 10));
    for (size_t i = 0; i < want; i++) {
        arena a = mem;
        wiki_page p;
        wiki_index_get(&p, ix, (int64_t)(i * n / want), &a);
        printf("%.*s\n", STR_ARG(p.title));
    }
    wiki_index_close(ix);
    return 0;
}

// --- page ------------------------------------------------------------------------------------

static double page_ns(const wiki_view *v, const wiki_hit *h) {
    arena a = scratch;
    err e = {0};
    str xml;
    int64_t start = os_now_ns();
    if (wiki_page_xml(&xml, v, h, &a, &e)) die("page", &e);
    double ns = (double)(os_now_ns() - start);
    if (!str_starts(xml, STR("<page>")) || !str_ends(xml, STR("</page>"))) die("page", NULL);
    return ns;
}

// Pages far from each other, through a cache of few blocks: hardly two of one block in a row.
static int verb_page(char **arg) {
    const char *dumps[] = {arg[0]};
    wiki_options o = {.dumps = dumps, .n_dumps = 1, .cache_bytes = PAGE_CACHE};
    wiki *w;
    err e = {0};
    double *cold = arena_array(&mem, double, PAGES), *again = arena_array(&mem, double, PAGES);
    if (wiki_open(&w, &o, &e)) die(arg[0], &e);
    wiki_view *v = wiki_enter(w);
    wiki_hit h = {0};
    for (size_t i = 0; i < PAGES; i++) {
        wiki_get(&h, v, 0, (int64_t)(i * wiki_view_pages(v) / PAGES), &mem);
        cold[i] = page_ns(v, &h);
        again[i] = page_ns(v, &h);
    }
    quantiles("cold", cold, PAGES);
    quantiles("cached", again, PAGES);
    wiki_leave(v);
    wiki_close(w);
    return 0;
}

// --- first -----------------------------------------------------------------------------------

static pid_t start_program(int *out, char **argv) {
    int pipe_fd[2];
    if (pipe(pipe_fd)) die("pipe", NULL);
    pid_t pid = fork();
    if (pid < 0) die("fork", NULL);
    if (!pid) {
        dup2(pipe_fd[1], 1);
        close(pipe_fd[0]), close(pipe_fd[1]);
        execv(argv[0], argv);
        _exit(127);
    }
    close(pipe_fd[1]);
    *out = pipe_fd[0];
    return pid;
}

// Reads until `needle` is there, or the end; false when it never comes.
static bool read_until(char *to, size_t cap, int fd, const char *needle) {
    for (size_t n = 0; n + 1 < cap;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, WAIT_MS) <= 0) return false;
        ssize_t got = read(fd, to + n, cap - 1 - n);
        if (got <= 0) return false;
        to[n += (size_t)got] = 0;
        if (strstr(to, needle)) return true;
    }
    return false;
}

static int connect_to(unsigned port) {
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    return fd >= 0 && !connect(fd, (struct sockaddr *)&to, sizeof to) ? fd : -1;
}

static bool ask(unsigned port, const char *path, const char *want) {
    char request[2048], reply[65536];
    int fd = connect_to(port);
    if (fd < 0) return false;
    int n = snprintf(request, sizeof request,
                     "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path);
    bool ok = write(fd, request, (size_t)n) == n && read_until(reply, sizeof reply, fd, want);
    close(fd);
    return ok;
}

static double first_ms(const char *path, const char *want, char **argv) {
    char said[4096];
    int out;
    int64_t start = os_now_ns();
    pid_t pid = start_program(&out, argv);
    if (!read_until(said, sizeof said, out, "\n")) die("it did not start", NULL);
    const char *colon = strrchr(said, ':');
    unsigned port = colon ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
    while (!ask(port, path, want))
        if (os_seconds_since(start) * 1e3 > WAIT_MS) die("no right answer", NULL);
    double ms = os_seconds_since(start) * 1e3;
    kill(pid, SIGTERM);
    waitpid(pid, NULL, 0);
    close(out);
    return ms;
}

static int verb_first(char **arg) {
    size_t n = min_size(strtoull(arg[0], NULL, 10), 1000);
    double *ms = arena_array(&mem, double, n);
    for (size_t i = 0; i < n; i++)
        ms[i] = first_ms(arg[1], arg[2], arg + 3);
    printf("first_p50_ms\t%.3f\nfirst_max_ms\t%.3f\n", quantile(ms, n, 0.5), quantile(ms, n, 1));
    return 0;
}

// --- Main ------------------------------------------------------------------------------------

static const struct {
    const char *name;
    int n_args;
    int (*run)(char **arg);
} verbs[] = {
    {"read", 1, verb_read},         {"unpack", 1, verb_unpack}, {"build", 2, verb_build},
    {"sections", 1, verb_sections}, {"lookup", 1, verb_lookup}, {"lost", 1, verb_lost},
    {"verify", 1, verb_verify},     {"page", 1, verb_page},     {"sample", 2, verb_sample},
    {"first", 4, verb_first},
};

int main(int argc, char **argv) {
    if (arena_open(&mem, (size_t)8 << 30, NULL) || arena_open(&scratch, (size_t)1 << 30, NULL))
        return 1;
    for (size_t i = 0; argc > 1 && i < countof(verbs); i++)
        if (!strcmp(argv[1], verbs[i].name) && argc >= 2 + verbs[i].n_args)
            return verbs[i].run(argv + 2);
    fprintf(stderr, "bench_wiki: see the head of bench/bench_wiki.c\n");
    return 2;
}
