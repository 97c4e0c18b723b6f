// parallelopedia index DUMP: builds the index, with progress, and reports what it found.

#include "main/cli.h"

#include "os/file.h"
#include "wiki/wiki.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { BAD_PAGES_SHOWN = 20, LINE_EVERY_S = 5 };

typedef struct index_options {
    cli_common common;
    const char *output, *xml;
    bool quiet, if_stale;
} index_options;

static const opt options[] = {
    {"output", OPT_STR, offsetof(index_options, output), .arg = "FILE",
     .about = "Where the index goes. Default: beside the dump, NAME.xml.idx"},
    {"xml", OPT_STR, offsetof(index_options, xml), .arg = "FILE",
     .about = "Where a .bz2 dump is unpacked to. Default: beside it, without .bz2"},
    {"if-stale", OPT_FLAG, offsetof(index_options, if_stale),
     .about = "Do nothing when the index is there and belongs to the dump"},
    {"quiet", OPT_FLAG, offsetof(index_options, quiet), .about = "No progress"},
    CLI_COMMON,
};

typedef struct reporter {
    bool is_quiet, is_terminal, has_line;
    uint64_t n_bad;
    double next_line_s;
} reporter;

static void clear_line(reporter *r) {
    if (r->has_line) fputs("\r\033[K", stderr);
    r->has_line = false;
}

static void on_progress(void *arg, const wiki_progress *p) {
    reporter *r = arg;
    if (r->is_quiet || (!r->is_terminal && p->seconds < r->next_line_s)) return;
    r->next_line_s = p->seconds + LINE_EVERY_S;
    double rate = p->seconds > 0 ? (double)p->done / p->seconds : 0;
    clear_line(r);
    fprintf(stderr, "%s: %.1f MB", p->phase, (double)p->done / 1e6);
    if (p->total) fprintf(stderr, " of %.1f", (double)p->total / 1e6);
    fprintf(stderr, ", %.0f MB/s, %" PRIu64 " pages", rate / 1e6, p->pages);
    if (p->total && rate > 0) fprintf(stderr, ", %.0f s left", (double)(p->total - p->done) / rate);
    if (!r->is_terminal) fputc('\n', stderr);
    r->has_line = r->is_terminal;
    fflush(stderr);
}

static void on_bad_page(void *arg, str title, const char *why) {
    reporter *r = arg;
    r->n_bad++;
    clear_line(r);
    if (r->n_bad <= BAD_PAGES_SHOWN) fprintf(stderr, "%.*s: %s\n", STR_ARG(title), why);
    if (r->n_bad == BAD_PAGES_SHOWN) fputs("(more are counted, not shown)\n", stderr);
}

static bool is_fresh(const char *dump, const char *index) {
    wiki w;
    if (wiki_open(&w, dump, index, NULL)) return false;
    wiki_close(&w);
    return true;
}

// What is no error and yet worth knowing.
static void print_doubts(const wiki_build_result *r, const char *dump) {
    if (r->is_open_ended)
        fprintf(stderr, "%s: warning: no </mediawiki> at the end; is the file whole?\n", dump);
}

static void print_result(const wiki_build_result *r, const char *index) {
    printf("%s: %" PRIu64 " pages, %" PRIu64 " redirects, %" PRIu64 " sha1 mismatches, %" PRIu64
           " without sha1, %" PRIu64 " duplicate titles\n",
           index, r->n_pages, r->n_redirects, r->n_bad_sha1, r->n_without_sha1, r->n_duplicates);
    double s = r->seconds > 0 ? r->seconds : 1e-9;
    printf("%.1f MB of XML in %.2f s (%.0f MB/s, %.0f pages/s); index %.1f kB\n",
           (double)r->xml_bytes / 1e6, r->seconds, (double)r->xml_bytes / 1e6 / s,
           (double)r->n_pages / s, (double)r->index_bytes / 1e3);
}

static int run(void *opts, const opt_list *rest) {
    const index_options *o = opts;
    const char *dump = rest->items[0];
    err e = {0};
    arena a;
    if (arena_open(&a, 1 << 20, &e)) return cli_fail(CLI_FAILED, "index: %s", e.msg);
    const char *index = o->output ? o->output : wiki_index_path(&a, dump);
    int code = CLI_OK;
    if (o->if_stale && is_fresh(dump, index)) {
        if (!o->quiet) printf("%s: up to date\n", index);
    } else {
        reporter r = {o->quiet, isatty(STDERR_FILENO), .next_line_s = LINE_EVERY_S};
        wiki_build_options b = {dump, index, o->xml, on_progress, on_bad_page, &r};
        wiki_build_result result;
        status s = wiki_index_build(&result, &b, &e);
        clear_line(&r);
        if (s)
            code = cli_fail(CLI_FAILED, "index: %s", e.msg);
        else
            print_doubts(&result, dump), print_result(&result, index);
    }
    arena_close(&a);
    return code;
}

const cli_command cli_index = {
    .table =
        {
            .command = "index",
            .about = "Make the title index of a MediaWiki XML dump (.xml or .xml.bz2).",
            .row = options,
            .n = countof(options),
            .rest = "DUMP",
            .rest_min = 1,
            .rest_max = 1,
        },
    .options_len = sizeof(index_options),
    .run = run,
};
