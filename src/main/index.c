// parallelopedia index DUMP: builds the index, with progress, and reports what it found; with
// --verify walks dump and index again and says what does not agree.

#include "main/cli.h"

#include "os/file.h"
#include "wiki/wiki.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { BAD_PAGES_SHOWN = 20, LINE_EVERY_S = 5 };

typedef struct index_options {
    cli_common common;
    const char *output, *stream_index;
    int64_t memory, threads;
    const char *with, *without;
    bool quiet, if_stale, verify;
} index_options;

#define AT(field) offsetof(index_options, field)

static const opt options[] = {
    {"output", OPT_STR, AT(output), .arg = "FILE",
     .about = "Where the index goes. Default: beside the dump, NAME.xml.idx or NAME.xml.bz2.idx"},
    {"memory", OPT_INT, AT(memory), 64, 1 << 20, .arg = "MB",
     .about = "What building may hold in memory beside mapped files", .dflt = "512"},
    {"threads", OPT_INT, AT(threads), 0, 1024, .arg = "N",
     .about = "Threads that unpack and read; 0 is one per core", .dflt = "0"},
    {"with", OPT_STR, AT(with), .arg = "PARTS",
     .about = "Optional parts: words (search in titles), categories, links (backlinks, redirects)",
     .dflt = "words,categories,links"},
    {"without", OPT_STR, AT(without), .arg = "PARTS", .about = "Those of them to leave out"},
    {"if-stale", OPT_FLAG, AT(if_stale),
     .about = "Do nothing when the index is there and belongs to the dump"},
    {"verify", OPT_FLAG, AT(verify),
     .about = "Build nothing: name each page whose sha1 does not match, compare dump and index"},
    {"stream-index", OPT_STR, AT(stream_index), .arg = "FILE",
     .about = "With --verify: the dump's own -multistream-index.txt or .txt.bz2, compared, too"},
    {"quiet", OPT_FLAG, AT(quiet), .about = "No progress"},
    CLI_COMMON,
};

// --- Options ---------------------------------------------------------------------------------

static const struct {
    const char *name;
    unsigned bit;
} parts[] = {
    {"words", WIKI_WITH_WORDS}, {"categories", WIKI_WITH_CATEGORIES}, {"links", WIKI_WITH_LINKS}};

static status add_part(unsigned *bits, str name, const char *option, err *e) {
    for (size_t k = 0; k < countof(parts); k++)
        if (str_eq(name, str_of(parts[k].name))) {
            *bits |= parts[k].bit;
            return OK;
        }
    return err_set(e, E_ARG, "--%s \"%.*s\": there are words, categories and links", option,
                   STR_ARG(name));
}

static status parts_of(unsigned *bits, const char *list, const char *option, err *e) {
    *bits = 0;
    for (str rest = str_of(list); rest.len;)
        TRY(add_part(bits, str_cut(&rest, ','), option, e));
    return OK;
}

static status with_of(unsigned *with, const index_options *o, err *e) {
    unsigned without;
    TRY(parts_of(with, o->with, "with", e));
    TRY(parts_of(&without, o->without, "without", e));
    *with &= ~without;
    return OK;
}

// --- Progress --------------------------------------------------------------------------------

typedef struct reporter {
    bool is_quiet, is_terminal, has_line, shows_all;
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
    if (p->total >= p->done && p->total && rate > 0)
        fprintf(stderr, ", %.0f s left", (double)(p->total - p->done) / rate);
    if (!r->is_terminal) fputc('\n', stderr);
    r->has_line = r->is_terminal;
    fflush(stderr);
}

static void on_bad_page(void *arg, str title, const char *why) {
    reporter *r = arg;
    r->n_bad++;
    clear_line(r);
    if (r->shows_all || r->n_bad <= BAD_PAGES_SHOWN)
        fprintf(stderr, "%.*s: %s\n", STR_ARG(title), why);
    if (!r->shows_all && r->n_bad == BAD_PAGES_SHOWN)
        fputs("(more are counted, not shown)\n", stderr);
}

// --- Building --------------------------------------------------------------------------------

static bool is_fresh(const char *dump, const char *index) {
    wiki *w;
    const char *dumps[] = {dump};
    wiki_options o = {.dumps = dumps, .n_dumps = 1, .index = index};
    if (wiki_open(&w, &o, NULL)) return false;
    wiki_close(w);
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
    printf("%.1f MB of XML in %.2f s (%.0f MB/s, %.0f pages/s); index %.1f kB, %" PRIu64
           " links, %" PRIu64 " categories\n",
           (double)r->xml_bytes / 1e6, r->seconds, (double)r->xml_bytes / 1e6 / s,
           (double)r->n_pages / s, (double)r->index_bytes / 1e3, r->n_links, r->n_categories);
}

static int build(const wiki_build_options *b, reporter *r) {
    wiki_build_result result;
    err e = {0};
    status s = wiki_index_build(&result, b, &e);
    clear_line(r);
    if (s) return cli_fail(CLI_FAILED, "index: %s", e.msg);
    print_doubts(&result, b->dump);
    print_result(&result, b->index);
    return CLI_OK;
}

// Mismatches of sha1 are in many real dumps and no failure; what index and dump disagree on is.
static int verify(const wiki_build_options *b, reporter *r, const char *stream_index) {
    wiki_verify_result v;
    err e = {0};
    r->shows_all = true;
    status s = wiki_index_verify(&v, b, stream_index, &e);
    clear_line(r);
    if (s) return cli_fail(CLI_FAILED, "index: %s", e.msg);
    printf("%s: %" PRIu64 " pages, %" PRIu64 " sha1 mismatches, %" PRIu64 " without sha1, %" PRIu64
           " not in the index; %.2f s\n",
           b->dump, v.n_pages, v.n_bad_sha1, v.n_without_sha1, v.n_missing, v.seconds);
    if (stream_index)
        printf("%s: %" PRIu64 " lines, %" PRIu64 " not in the index\n", stream_index,
               v.n_stream_lines, v.n_stream_missing);
    return v.n_missing || v.n_stream_missing ? CLI_FAILED : CLI_OK;
}

static int run_with(const index_options *o, const char *dump, arena *a) {
    err e = {0};
    const char *index = o->output ? o->output : wiki_index_path(a, dump);
    reporter r = {
        .is_quiet = o->quiet, .is_terminal = isatty(STDERR_FILENO), .next_line_s = LINE_EVERY_S};
    wiki_build_options b = {
        .dump = dump,
        .index = index,
        .memory = (size_t)o->memory << 20,
        .n_threads = (int)o->threads,
        .progress = on_progress,
        .bad_page = on_bad_page,
        .arg = &r,
    };
    if (o->stream_index && !o->verify)
        return cli_fail(CLI_USAGE, "index: --stream-index is for --verify");
    if (with_of(&b.with, o, &e)) return cli_fail(CLI_USAGE, "index: %s", e.msg);
    if (o->verify) return verify(&b, &r, o->stream_index);
    if (!o->if_stale || !is_fresh(dump, index)) return build(&b, &r);
    if (!o->quiet) printf("%s: up to date\n", index);
    return CLI_OK;
}

static int run(void *opts, const opt_list *rest) {
    err e = {0};
    arena a;
    if (arena_open(&a, 1 << 20, &e)) return cli_fail(CLI_FAILED, "index: %s", e.msg);
    int code = run_with(opts, rest->items[0], &a);
    arena_close(&a);
    return code;
}

const cli_command cli_index = {
    .table =
        {
            .command = "index",
            .about = "Make the index of a MediaWiki XML dump (.xml or .xml.bz2), or check it.",
            .row = options,
            .n = countof(options),
            .rest = "DUMP",
            .rest_min = 1,
            .rest_max = 1,
        },
    .options_len = sizeof(index_options),
    .run = run,
};
