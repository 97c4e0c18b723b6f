// The wiki app: titles, pages as XML and as HTML, over one mapped dump and its index.
//
// Routes, JSON shapes and messages are the original's (its clients compare bytes); what it got
// wrong is mended: "[]" for no hit, every title whatever its bytes, redirects followed, the last
// page of the dump, `limit` honoured. Title look-ups run on the loop (microseconds over the mapped
// index); anything that reads or renders a page runs on a worker, where a cold disk may be waited
// for.

#include "app/app.h"

#include "base/utf8.h"
#include "os/log.h"
#include "os/rand.h"
#include "wiki/wiki.h"

#include <stdlib.h>

enum {
    OFFSETS_LIMIT = 1000,       // rows when ?limit= is absent
    OFFSETS_LIMIT_MAX = 10000,  // rows at most
    NAME_MIN_CHARS = 3,         // of a prefix search, as the original
    PAGE_MAX = 16 << 20,        // bytes of XML that one HTML request may span
    RANDOM_TRIES = 256,
    RENDER_ARENA = 16 << 20,  // address space beside 64 times the text: see wiki_html
};

#define LINK_PREFIX "/wiki/wiki/"

// The name a request asks for: the rest of the path, else ?name=.
static bool name_of(str *name, http_req *rq) {
    *name = http_tail(rq);
    if (name->len || http_query(name, rq, "name")) return true;
    http_reply_error(rq, 400, "Missing name");
    return false;
}

// A whole number from the query in [min, max]; `dflt` when absent or empty. Replies 400 and says
// false when it is neither.
static bool number_of(int64_t *out, http_req *rq, const char *key, int64_t dflt, int64_t min,
                      int64_t max) {
    str text;
    *out = dflt;
    if (!http_query(&text, rq, key) || text.len == 0) return true;
    if (str_parse_i64(out, text) && *out >= min && *out <= max) return true;
    http_reply_error(rq, 400, "%s must be a whole number from %lld to %lld", key, (long long)min,
                     (long long)max);
    return false;
}

static void put_row(json *j, const wiki_page *p) {
    json_open(j, '[');
    json_str(j, p->title);
    json_u64(j, p->off);
    json_u64(j, p->off + p->len - 1);  // inclusive, ready for a Range header
    json_close(j, ']');
}

// ["Ant", [704]]: the byte offset of the page's <title> line, which is what the original's trie
// held (7 is the length of "<page>\n").
static void put_title_row(json *j, const wiki_page *p) {
    json_open(j, '[');
    json_str(j, p->title);
    json_open(j, '[');
    json_u64(j, p->off + 7);
    json_close(j, ']');
    json_close(j, ']');
}

static void reply_prefix(http_req *rq, const wiki *w, str prefix,
                         void (*put)(json *, const wiki_page *)) {
    int64_t limit, offset;
    if (!number_of(&limit, rq, "limit", OFFSETS_LIMIT, 0, OFFSETS_LIMIT_MAX)) return;
    if (!number_of(&offset, rq, "offset", 0, 0, INT32_MAX)) return;
    arena *a = http_arena(rq);
    int64_t *ranks = arena_array(a, int64_t, (size_t)limit + 1);
    size_t total;
    size_t n =
        wiki_index_prefix(ranks, (size_t)limit, (size_t)offset, &total, w->index, prefix, *a);
    buf out;
    app_buf_init(&out, rq, 64 * (n + 1));
    json j;
    json_init(&j, &out);
    json_open(&j, '[');
    for (size_t i = 0; i < n; i++) {
        wiki_page p;
        wiki_index_get(&p, w->index, ranks[i]);
        put(&j, &p);
    }
    json_close(&j, ']');
    http_add_header_fmt(rq, "X-Total-Count", "%zu", total);
    app_reply_buf(rq, HTTP_JSON, &out);
}

static void offsets(http_req *rq, void *app) {
    str name;
    if (!name_of(&name, rq)) return;
    if (utf8_count(name) < NAME_MIN_CHARS)
        http_reply_error(rq, 400, "Name too short (< %d chars)", NAME_MIN_CHARS);
    else
        reply_prefix(rq, app, name, put_row);
}

static void title(http_req *rq, void *app) {
    const wiki *w = app;
    str name;
    wiki_page p;
    if (!name_of(&name, rq)) return;
    if (wiki_index_resolve(&p, w->index, name, *http_arena(rq)))
        reply_prefix(rq, w, p.title, put_title_row);
    else
        http_reply_error(rq, 404, "Not Found");
}

static void random_page(http_req *rq, void *app) {
    const wiki *w = app;
    size_t n = wiki_index_pages(w->index);
    if (n == 0) {
        http_reply_error(rq, 404, "Not Found");
        return;
    }
    wiki_page p;
    for (int i = 0; i < RANDOM_TRIES; i++) {
        wiki_index_get(&p, w->index, (int64_t)(os_rand_u64() % n));
        if (p.ns == 0 && !p.is_redirect) break;  // else the last one drawn: better than nothing
    }
    buf out;
    app_buf_init(&out, rq, 128);
    json j;
    json_init(&j, &out);
    put_row(&j, &p);
    http_add_header(rq, "Cache-Control", STR("no-store"));
    app_reply_buf(rq, HTTP_JSON, &out);
}

// --- Pages -----------------------------------------------------------------------------------

static void add_url_header(http_req *rq, const char *name, str value) {
    buf b;
    buf_init(&b, http_arena(rq), value.len * 3);
    buf_url(&b, value, "");
    http_add_header(rq, name, buf_str(&b));
}

// Finds the page a request names and says in headers what was found. Replies itself, and says
// false, when there is none.
static bool find_page(wiki_page *p, http_req *rq, const wiki *w, bool follow) {
    str name, redirect;
    if (!name_of(&name, rq)) return false;
    if (name.len == 0) {
        http_reply_error(rq, 400, "Name too short (< 1 char)");
        return false;
    }
    if (!wiki_index_resolve(p, w->index, name, *http_arena(rq))) {
        http_reply_error(rq, 404, "Not Found");
        return false;
    }
    if (http_query(&redirect, rq, "redirect") && str_eq(redirect, STR("no"))) follow = false;
    str from = p->title;
    if (follow && p->is_redirect) wiki_index_follow(p, w->index, *http_arena(rq));
    add_url_header(rq, "X-Title", p->title);
    if (!str_eq(from, p->title)) add_url_header(rq, "X-Redirected-From", from);
    http_add_header_fmt(rq, "X-Range", "%llu-%llu", (unsigned long long)p->off,
                        (unsigned long long)(p->off + p->len - 1));
    if (p->is_bad_sha1) http_add_header(rq, "X-Sha1", STR("mismatch"));
    return true;
}

static bool title_exists(void *arg, str text) {
    const wiki *w = arg;
    ARENA_ON_STACK(scratch, 64 * WIKI_TITLE_MAX);
    wiki_page p;
    return text.len <= WIKI_TITLE_MAX && wiki_index_resolve(&p, w->index, text, scratch);
}

// Renders a <page> element. False when it is not one, or does not fit.
static bool render(buf *out, http_req *rq, const wiki *w, str xml) {
    arena *a = http_arena(rq);
    wiki_revision rev;
    err e;
    if (wiki_revision_parse(&rev, xml, a, &e)) return false;
    wiki_html_options o = {title_exists, (void *)w, LINK_PREFIX, w->site};
    arena scratch;
    if (arena_open(&scratch, RENDER_ARENA + 64 * rev.text.len, &e)) return false;
    app_buf_init(out, rq, 2 * rev.text.len + 256);
    bool ok = wiki_html(out, rev.text, rev.model, &o, scratch) && !out->failed;
    arena_close(&scratch);
    return ok;
}

static void page_html(http_req *rq, void *app) {
    const wiki *w = app;
    wiki_page p;
    buf out;
    if (!find_page(&p, rq, w, true)) return;
    http_set_modified(rq, w->xml.mtime_ns);
    if (p.len > PAGE_MAX)
        http_reply_error(rq, 413, "The page is over %d MB", PAGE_MAX >> 20);
    else if (render(&out, rq, w, wiki_page_xml(w, &p)))
        http_reply(rq, 200, HTTP_HTML, buf_str(&out));
    else
        http_reply_error(rq, 500, "The page could not be rendered");
}

static void page_xml(http_req *rq, void *app) {
    const wiki *w = app;
    wiki_page p;
    if (!find_page(&p, rq, w, false)) return;
    http_set_modified(rq, w->xml.mtime_ns);
    http_reply_map(rq, 200, HTTP_XML, &w->xml, p.off, p.len);
}

// The range a request gives over the whole dump. Replies itself, and says false, when there is
// none that can be served.
static bool range_of(http_range *r, http_req *rq, const wiki *w) {
    http_set_modified(rq, w->xml.mtime_ns);  // first, so that If-Range can be judged
    http_range_kind kind = http_range_of(r, rq, w->xml.len);
    if (kind == HTTP_RANGE_OK) return true;
    if (kind == HTTP_RANGE_NONE)
        http_reply_error(rq, 400, "Ranged-request required.");
    else
        http_reply_range_error(rq, kind, w->xml.len);
    return false;
}

static void range_xml(http_req *rq, void *app) {
    const wiki *w = app;
    http_range r;
    if (!range_of(&r, rq, w)) return;
    http_reply_range(rq, HTTP_XML, &w->xml, r);
}

static void range_html(http_req *rq, void *app) {
    const wiki *w = app;
    http_range r;
    buf out;
    if (!range_of(&r, rq, w)) return;
    uint64_t len = r.last - r.first + 1;
    if (len > PAGE_MAX)
        http_reply_error(rq, 413, "Range too large (> %d MB for HTML)", PAGE_MAX >> 20);
    else if (render(&out, rq, w, (str){(const char *)w->xml.base + r.first, (size_t)len}))
        http_reply(rq, 200, HTTP_HTML, buf_str(&out));
    else
        http_reply_error(rq, 400, "The range is not one whole page: take it from /wiki/offsets");
}

// --- The app ---------------------------------------------------------------------------------

static status wiki_app_open(void **self, const app_options *o, err *e) {
    if (!o->wiki) return OK;
    wiki *w = malloc(sizeof *w);
    if (!w) return err_set(e, E_MEMORY, "no memory for the wiki");
    status s = wiki_open(w, o->wiki, o->wiki_index, e);
    if (s) {
        free(w);
        return s;
    }
    log_info("wiki", "%.*s: %zu pages, %.1f MB of XML", STR_ARG(w->site->name),
             wiki_index_pages(w->index), (double)w->xml.len / 1e6);
    *self = w;
    return OK;
}

static void wiki_app_stats(json *j, void *self) {
    const wiki *w = self;
    json_key(j, "name"), json_str(j, w->site->name);
    json_key(j, "dbname"), json_str(j, w->site->dbname);
    json_key(j, "lang"), json_str(j, w->site->lang);
    json_key(j, "pages"), json_u64(j, wiki_index_pages(w->index));
    json_key(j, "xml_bytes"), json_u64(j, w->xml.len);
}

static void wiki_app_close(void *self) {
    wiki_close(self);
    free(self);
}

// clang-format off
static const http_route routes[] = {
    {HTTP_GET, "/wiki/offsets/*",  offsets,     .about = "titles that start with NAME (3 characters or more), as `[[title, first, last], ...]`; `?limit= &offset=`"},
    {HTTP_GET, "/wiki/title/*",    title,       .about = "as offsets for a NAME that is a title, as `[[title, [offset]], ...]`"},
    {HTTP_GET, "/wiki/random",     random_page, .about = "a random article, as `[title, first, last]`"},
    {HTTP_GET, "/wiki/wiki/*",     page_html,   .run = HTTP_WORKER, .about = "the article NAME as HTML; redirects are followed unless `?redirect=no`"},
    {HTTP_GET, "/wiki/wiki_xml/*", page_xml,    .run = HTTP_WORKER, .about = "the page NAME as it stands in the dump"},
    {HTTP_GET, "/wiki/wiki_raw/*", page_xml,    .run = HTTP_WORKER, .about = "the same, by the original's other name"},
    {HTTP_GET, "/wiki/xml",        range_xml,   .about = "bytes of the dump by `Range:` or `?range=`"},
    {HTTP_GET, "/wiki/html",       range_html,  .run = HTTP_WORKER, .about = "the page in that range as HTML"},
    {HTTP_GET, "/offsets/*",       offsets,     .about = "old name of /wiki/offsets"},
    {HTTP_GET, "/xml",             range_xml,   .about = "old name of /wiki/xml"},
    {HTTP_GET, "/html",            range_html,  .run = HTTP_WORKER, .about = "old name of /wiki/html"},
};
// clang-format on

const app_kind app_wiki = {
    .name = "wiki",
    .class_name = "parallelopedia.wiki.WikiApp",
    .routes = routes,
    .n_routes = countof(routes),
    .needs = "--wiki DUMP",
    .open = wiki_app_open,
    .stats = wiki_app_stats,
    .close = wiki_app_close,
};
