// parallelopedia render: wikitext to HTML, plain words or the preprocessor's tree, on the terminal.
//
// A page of a dump by its title, all of its pages, or a file of one's own; what a template call
// means comes from the dump.

#include "main/cli.h"

#include "app/wiki_images.h"
#include "app/wiki_render.h"
#include "base/json.h"
#include "families/families.h"
#include "os/clock.h"
#include "os/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { TEXT_MAX = 16 << 20, ROOM_LEAST = 256 << 20, WAIT_MS = 50 };

typedef struct render_options {
    cli_common common;
    const char *wiki, *index, *images, *title, *format, *links;
    bool explain, all, families;
} render_options;

#define AT(field) offsetof(render_options, field)

static const opt options[] = {
    {"wiki", OPT_STR, AT(wiki), .arg = "DUMP",
     .about = "Where pages and templates come from; its index is built when there is none"},
    {"index", OPT_STR, AT(index), .arg = "FILE", .about = "Its index. Default: beside the dump"},
    {"images", OPT_STR, AT(images), .arg = "DIR", .about = "Folder of its pictures, as of `serve`"},
    {"title", OPT_STR, AT(title), .arg = "TITLE",
     .about = "The page of the dump; with FILE, what the text takes itself for"},
    {"all", OPT_FLAG, AT(all),
     .about = "Every page of the dump, each as a line of JSON: title, ns, bytes, ms, over, html"},
    {"format", OPT_STR, AT(format), .arg = "html|text|tree", .dflt = "html",
     .about = "A fragment of HTML, its plain words, or what the preprocessor read"},
    {"links", OPT_STR, AT(links), .arg = "PREFIX", .dflt = "/wiki/",
     .about = "What links to pages begin with"},
    {"families", OPT_FLAG, AT(families), .dflt = "yes",
     .about = "Show templates that are missing, and modules, by what is known of their families; "
              "--no-families: as a MediaWiki does that lacks them"},
    {"explain", OPT_FLAG, AT(explain),
     .about =
         "Afterwards, on stderr: limits used, and what each template, function and module cost"},
    CLI_COMMON,
};

typedef struct work {
    const render_options *o;
    wiki *w;
    wiki_view *view;  // NULL: no dump
    wiki_world own;
    wt_world world;
    wiki_images *images;
    arena mem, scratch, keep;
    wt_cache *trees;
} work;

// --- Without a dump: no page is known, every link is blue ----------------------------------------

static bool no_source(void *arg, wt_source *out, str title, arena *a) {
    (void)arg, (void)out, (void)title, (void)a;
    return false;
}

static void all_exist(void *arg, wt_status *out, const str *titles, size_t n) {
    (void)arg, (void)titles;
    for (size_t i = 0; i < n; i++)
        out[i] = WT_EXISTS;
}

static const wiki_site nameless = {.lang = STR_INIT("en")};

static bool wikimedia(void *arg, wt_interwiki *out, str prefix, arena *a) {
    (void)arg;
    return wt_wikimedia(out, &nameless, prefix, a);
}

static bool no_file(void *arg, wt_file *out, str name, int32_t width, arena *a) {
    (void)arg, (void)name, (void)width, (void)a;
    *out = (wt_file){0};
    return true;
}

static uint64_t none(void *arg, int32_t ns) {
    (void)arg, (void)ns;
    return 0;
}

static bool no_message(void *arg, str *out, str key, arena *a) {
    (void)arg, (void)out, (void)key, (void)a;
    return false;
}

static const wt_world nowhere = {.site = &nameless,
                                 .source = no_source,
                                 .exists = all_exist,
                                 .interwiki = wikimedia,
                                 .file = no_file,
                                 .count = none,
                                 .message = no_message};

// --- With one ------------------------------------------------------------------------------------

static status open_wiki(work *w, err *e) {
    w->world = nowhere;
    w->world.now = (int64_t)time(NULL);
    if (!w->o->wiki) return OK;
    const char *dumps[] = {w->o->wiki};
    wiki_options o = {.dumps = dumps, .n_dumps = 1, .index = w->o->index, .builds = true};
    TRY(wiki_open(&w->w, &o, e));
    wiki_state s;
    for (wiki_state_get(&s, w->w); s.is_building; wiki_state_get(&s, w->w))
        nanosleep(&(struct timespec){.tv_nsec = WAIT_MS * 1000000L}, NULL);
    if (s.failed[0]) return err_set(e, E_FORMAT, "%s", s.failed);
    w->view = wiki_enter(w->w);
    if (!w->view) return err_set(e, E_NOT_FOUND, "%s has no pages", w->o->wiki);
    if (w->o->images) TRY(wiki_images_open(&w->images, w->o->images, &w->keep, e));
    w->own = (wiki_world){.view = w->view, .images = w->images};
    wiki_world_fill(&w->world, &w->own);
    return OK;
}

static void close_all(work *w) {
    wt_cache_close(w->trees);
    if (w->view) wiki_leave(w->view);
    wiki_close(w->w);
    wiki_images_close(w->images);
    arena_close(&w->mem);
    arena_close(&w->keep);
    arena_close(&w->scratch);
}

static status read_all(str *out, FILE *f, const char *name, arena *a, err *e) {
    buf b;
    buf_init(&b, a, 1 << 16);
    for (size_t n = 1; n > 0;) {
        char *to = buf_room(&b, 1 << 16);
        if (!to || b.len > TEXT_MAX)
            return err_set(e, E_LIMIT, "%s: over %d MB", name, TEXT_MAX >> 20);
        errno = 0;
        n = fread(to, 1, 1 << 16, f);
        if (n == 0 && ferror(f)) return err_sys(e, "reading %s", name);
        b.len += n;
    }
    *out = buf_str(&b);
    return OK;
}

static status read_file(wiki_revision *out, work *w, const char *path, err *e) {
    bool is_stdin = !path || strcmp(path, "-") == 0;
    FILE *f = is_stdin ? stdin : fopen(path, "rb");
    if (!f) return err_sys(e, "%s", path);
    *out = (wiki_revision){.title = w->o->title ? str_of(w->o->title) : STR("Page")};
    status s = read_all(&out->text, f, is_stdin ? "stdin" : path, &w->mem, e);
    if (!is_stdin) fclose(f);
    return s;
}

static status read_title(wiki_revision *out, work *w, err *e) {
    wiki_hit h;
    str xml;
    if (!wiki_resolve(&h, w->view, str_of(w->o->title), &w->mem))
        return err_set(e, E_NOT_FOUND, "no page \"%s\" in %s", w->o->title, w->o->wiki);
    wiki_hit to = h;
    if (h.page.is_redirect && wiki_follow(&to, w->view, &w->mem)) h = to;
    TRY(wiki_page_xml(&xml, w->view, &h, &w->mem, e));
    return wiki_revision_parse(out, xml, &w->mem, e);
}

// --- Output --------------------------------------------------------------------------------------

static const struct {
    unsigned bit;
    const char *what;
} limits[] = {
    {WT_OVER_NODES, "nodes"},
    {WT_OVER_EXPANDED, "expanded bytes"},
    {WT_OVER_ARGUMENTS, "argument bytes"},
    {WT_OVER_DEPTH, "depth"},
    {WT_OVER_EXPENSIVE, "expensive calls"},
    {WT_OVER_OUTPUT, "bytes of output"},
    {WT_OVER_TIME, "time"},
    {WT_OVER_MEMORY, "memory"},
    {WT_OVER_LOOP, "a template that includes itself"},
};

static int by_time(const void *a, const void *b) {
    const wt_cost *x = a, *y = b;
    return x->ns < y->ns ? 1 : x->ns > y->ns ? -1 : 0;
}

static void explain(const wt_page *p, double ms) {
    fprintf(stderr,
            "%.2f ms; nodes %u, expanded %u bytes, arguments %u bytes, depth %u, expensive %u\n",
            ms, p->nodes, p->expanded_bytes, p->argument_bytes, p->depth, p->expensive);
    for (size_t i = 0; i < countof(limits); i++)
        if (p->over & limits[i].bit) fprintf(stderr, "over the limit: %s\n", limits[i].what);
    if (p->n_costs == 0) return;
    wt_cost *costs = calloc(p->n_costs, sizeof *costs);
    if (!costs) return;
    memcpy(costs, p->costs, p->n_costs * sizeof *costs);
    qsort(costs, p->n_costs, sizeof *costs, by_time);
    fprintf(stderr, "%10s %8s %12s  %s\n", "ms", "calls", "bytes", "name");
    for (size_t i = 0; i < p->n_costs; i++)
        fprintf(stderr, "%10.3f %8u %12llu  %.*s\n", (double)costs[i].ns / 1e6, costs[i].calls,
                (unsigned long long)costs[i].bytes, STR_ARG(costs[i].name));
    free(costs);
}

static status render(wt_page *page, double *ms, work *w, const wiki_revision *rev, err *e) {
    wt_options o = {.world = &w->world,
                    .title = rev->title,
                    .model = rev->model,
                    .page_id = rev->page_id,
                    .rev_id = rev->rev_id,
                    .timestamp = rev->timestamp,
                    .article_path = w->o->links,
                    .cache = w->trees,
                    .families = w->o->families ? &families : NULL,
                    .explain = w->o->explain};
    int64_t start = os_now_ns();
    if (wt_render(page, rev->text, &o, &w->mem, w->scratch))
        return err_set(e, E_MEMORY, "rendering \"%.*s\"", STR_ARG(rev->title));
    *ms = (double)(os_now_ns() - start) / 1e6;
    return OK;
}

static status put(str s, err *e) {
    errno = 0;
    if (fwrite(s.ptr ? s.ptr : "", 1, s.len, stdout) != s.len || fflush(stdout))
        return err_sys(e, "writing the output");
    return OK;
}

static status put_one(work *w, const wiki_revision *rev, err *e) {
    wt_page page;
    double ms;
    buf out;
    buf_init(&out, &w->scratch, 0);
    if (strcmp(w->o->format, "tree") == 0) {
        TRY(wt_print_tree(&out, rev->text, w->mem));
        return put(buf_str(&out), e);
    }
    TRY(render(&page, &ms, w, rev, e));
    if (strcmp(w->o->format, "text") == 0) {
        wt_text(&out, page.html);
        TRY(put(buf_str(&out), e));
    } else {
        TRY(put(page.html, e));
    }
    if (w->o->explain) explain(&page, ms);
    return OK;
}

static status put_line(work *w, const wiki_hit *h, err *e) {
    str xml;
    wiki_revision rev;
    wt_page page;
    double ms;
    buf out;
    json j;
    TRY(wiki_page_xml(&xml, w->view, h, &w->mem, e));
    TRY(wiki_revision_parse(&rev, xml, &w->mem, e));
    TRY(render(&page, &ms, w, &rev, e));
    arena room = w->scratch;
    buf_init(&out, &room, 6 * page.html.len + 4096);
    json_init(&j, &out);
    json_open(&j, '{');
    json_key(&j, "title"), json_str(&j, rev.title);
    json_key(&j, "ns"), json_i64(&j, rev.ns);
    json_key(&j, "model"), json_str(&j, rev.model);
    json_key(&j, "bytes"), json_u64(&j, rev.text.len);
    json_key(&j, "ms"), json_f64(&j, ms, 3);
    json_key(&j, "over"), json_u64(&j, page.over);
    json_key(&j, "html"), json_str(&j, page.html);
    json_close(&j, '}');
    buf_byte(&out, '\n');
    return put(buf_str(&out), e);
}

static status put_every(work *w, err *e) {
    for (uint64_t i = 0, n = wiki_view_pages(w->view); i < n; i++) {
        wiki_hit h;
        wiki_get(&h, w->view, 0, (int64_t)i, &w->mem);
        TRY(put_line(w, &h, e));
        arena_reset(&w->mem, 8 << 20);
    }
    return OK;
}

static status run_it(work *w, const opt_list *args, err *e) {
    wiki_revision rev;
    TRY(arena_open_most(&w->mem, wt_room(SIZE_MAX), ROOM_LEAST, e));
    TRY(arena_open_most(&w->scratch, wt_room(SIZE_MAX), ROOM_LEAST, e));
    TRY(arena_open(&w->keep, 1 << 16, e));
    TRY(wt_cache_open(&w->trees, 64 << 20, e));
    TRY(open_wiki(w, e));
    if (w->o->all) return put_every(w, e);
    bool is_page = w->o->title && args->n == 0;
    TRY(is_page ? read_title(&rev, w, e) : read_file(&rev, w, args->n ? args->items[0] : NULL, e));
    return put_one(w, &rev, e);
}

static int run(void *opts, const opt_list *args) {
    const render_options *o = opts;
    static const char *const formats[] = {"html", "text", "tree"};
    bool is_known = false;
    for (size_t i = 0; i < countof(formats); i++)
        is_known |= strcmp(o->format, formats[i]) == 0;
    if (!is_known)
        return cli_fail(CLI_USAGE, "render: --format is html, text or tree, not \"%s\"", o->format);
    if (!o->wiki && (o->all || (o->title && args->n == 0)))
        return cli_fail(CLI_USAGE, "render: %s needs --wiki DUMP", o->all ? "--all" : "--title");
    work w = {.o = o};
    err e = {0};
    status s = run_it(&w, args, &e);
    close_all(&w);
    return s ? cli_fail(CLI_FAILED, "render: %s", e.msg) : CLI_OK;
}

const cli_command cli_render = {
    .table =
        {
            .command = "render",
            .about = "Render a page of a dump, a FILE of wikitext, or stdin.",
            .row = options,
            .n = countof(options),
            .rest = "[FILE]",
            .rest_max = 1,
        },
    .options_len = sizeof(render_options),
    .run = run,
};
