// The wiki app: pages as XML and as HTML, and the original's routes, for each hosted wiki.
//
// Routes, JSON shapes and messages are the original's (its clients compare bytes); what it got
// wrong is mended: "[]" for no hit, every title whatever its bytes, redirects followed, the last
// page of the dump, `limit` honoured. "/wiki/..." is the first wiki, "/w/NAME/..." each. Single
// titles are looked up on the loop (microseconds over the mapped index), and bytes of a plain dump
// are sent from its map; whatever sorts, unpacks or renders runs on a worker.

#include "app/wiki_images.h"
#include "app/wiki_render.h"

#include "base/utf8.h"
#include "os/rand.h"

enum {
    OFFSETS_LIMIT = 1000,       // rows when ?limit= is absent
    OFFSETS_LIMIT_MAX = 10000,  // rows at most
    NAME_MIN_CHARS = 3,         // of a prefix search, as the original
};

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

static void reply_prefix(const wiki_ask *q, str prefix, void (*put)(json *, const wiki_page *)) {
    int64_t limit, offset;
    http_req *rq = q->rq;
    if (!wiki_ask_number(&limit, rq, "limit", OFFSETS_LIMIT, 0, OFFSETS_LIMIT_MAX)) return;
    if (!wiki_ask_number(&offset, rq, "offset", 0, 0, INT32_MAX)) return;
    wiki_hits hits;
    wiki_prefix(&hits, q->view, prefix, (size_t)limit, (size_t)offset, q->a);
    buf out;
    app_buf_init(&out, rq, 64 * (hits.n + 1));
    json j;
    json_init(&j, &out);
    json_open(&j, '[');
    for (size_t i = 0; i < hits.n; i++)
        put(&j, &hits.hits[i].page);
    json_close(&j, ']');
    http_add_header_fmt(rq, "X-Total-Count", "%llu", (unsigned long long)hits.total);
    app_reply_buf(rq, HTTP_JSON, &out);
}

static void offsets(http_req *rq, void *app) {
    wiki_ask q;
    str name;
    if (!wiki_ask_begin(&q, rq, app) || !wiki_ask_name(&name, rq)) return;
    if (utf8_count(name) < NAME_MIN_CHARS)
        http_reply_error(rq, 400, "Name too short (< %d chars)", NAME_MIN_CHARS);
    else
        reply_prefix(&q, name, put_row);
}

static void title(http_req *rq, void *app) {
    wiki_ask q;
    str name;
    wiki_hit h;
    if (!wiki_ask_begin(&q, rq, app) || !wiki_ask_name(&name, rq)) return;
    if (wiki_ask_find(&h, &q, name)) reply_prefix(&q, h.page.title, put_title_row);
}

static void random_page(http_req *rq, void *app) {
    wiki_ask q;
    wiki_hit h;
    if (!wiki_ask_begin(&q, rq, app)) return;
    if (!wiki_random(&h, q.view, os_rand_u64, q.a)) {
        http_reply_error(rq, 404, "Not Found");
        return;
    }
    buf out;
    app_buf_init(&out, rq, 128);
    json j;
    json_init(&j, &out);
    put_row(&j, &h.page);
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

bool wiki_ask_page(wiki_hit *h, const wiki_ask *q, bool follow) {
    str name, redirect;
    http_req *rq = q->rq;
    if (!wiki_ask_name(&name, rq) || !wiki_ask_find(h, q, name)) return false;
    if (http_query(&redirect, rq, "redirect") && str_eq(redirect, STR("no"))) follow = false;
    str from = h->page.title;
    wiki_hit to = *h;
    if (follow && h->page.is_redirect && wiki_follow(&to, q->view, q->a)) *h = to;
    const wiki_page *p = &h->page;
    add_url_header(rq, "X-Title", p->title);
    if (!str_eq(from, p->title)) add_url_header(rq, "X-Redirected-From", from);
    http_add_header_fmt(rq, "X-Range", "%llu-%llu", (unsigned long long)p->off,
                        (unsigned long long)(p->off + p->len - 1));
    if (p->is_bad_sha1) http_add_header(rq, "X-Sha1", STR("mismatch"));
    return true;
}

static void page_html(http_req *rq, void *app) {
    wiki_ask q;
    wiki_hit h;
    if (!wiki_ask_begin(&q, rq, app) || !wiki_ask_page(&h, &q, true)) return;
    const wiki_rendered *r = wiki_render(&q, h.page.off, h.page.len, q.links);
    if (r) http_reply(rq, 200, HTTP_HTML, r->page.html);
}

static void page_xml(http_req *rq, void *app) {
    wiki_ask q;
    wiki_hit h;
    uint64_t at;
    str xml;
    if (!wiki_ask_begin(&q, rq, app) || !wiki_ask_page(&h, &q, false)) return;
    const os_map *m = wiki_plain_at(&at, q.view, h.page.off, h.page.len);
    if (!m && http_to_worker(rq)) return;
    http_set_modified(rq, wiki_view_modified_ns(q.view));
    if (m)
        http_reply_map(rq, 200, HTTP_XML, m, at, h.page.len);
    else if (wiki_ask_xml(&xml, &q, &h))
        http_reply(rq, 200, HTTP_XML, xml);
}

// --- Ranges ----------------------------------------------------------------------------------

// Whether a range was asked for, by a client whose copy is of another state: it gets the whole.
static bool wants_whole(http_req *rq, uint64_t size) {
    str range, unless;
    http_range r;
    return http_header(&range, rq, "range") && http_header(&unless, rq, "if-range") &&
           http_range_parse(&r, range, size) == HTTP_RANGE_OK;
}

static void reply_whole(const wiki_ask *q, uint64_t size) {
    uint64_t at;
    str xml;
    const os_map *m = wiki_plain_at(&at, q->view, 0, size);
    if (m)
        http_reply_map(q->rq, 200, HTTP_XML, m, at, size);
    else if (size > WIKI_UNPACK_MAX)
        wiki_reply_unread(q->rq, E_LIMIT);
    else {
        status s = wiki_read(&xml, q->view, 0, size, q->a, NULL);
        if (s)
            wiki_reply_unread(q->rq, s);
        else
            http_reply(q->rq, 200, HTTP_XML, xml);
    }
}

// The range a request gives over all dumps laid end to end.
static bool range_of(http_range *r, const wiki_ask *q, bool may_be_whole) {
    http_req *rq = q->rq;
    uint64_t size = wiki_view_xml_len(q->view);
    http_set_modified(rq, wiki_view_modified_ns(q->view));  // first, so that If-Range can be judged
    http_range_kind kind = http_range_of(r, rq, size);
    if (kind == HTTP_RANGE_OK) return true;
    if (kind != HTTP_RANGE_NONE)
        http_reply_range_error(rq, kind, size);
    else if (!may_be_whole || !wants_whole(rq, size))
        http_reply_error(rq, 400, "Ranged-request required.");
    else if (!http_to_worker(rq))
        reply_whole(q, size);
    return false;
}

static void range_xml(http_req *rq, void *app) {
    wiki_ask q;
    http_range r;
    uint64_t at;
    str xml;
    if (!wiki_ask_begin(&q, rq, app) || !range_of(&r, &q, true)) return;
    uint64_t len = r.last - r.first + 1, size = wiki_view_xml_len(q.view);
    const os_map *m = wiki_plain_at(&at, q.view, r.first, len);
    if (!m && http_to_worker(rq)) return;
    if (m) {
        http_reply_range_map(rq, HTTP_XML, m, at, r, size);
        return;
    }
    status s = len > WIKI_UNPACK_MAX ? E_LIMIT : wiki_read(&xml, q.view, r.first, len, q.a, NULL);
    if (s)
        wiki_reply_unread(rq, s);
    else
        http_reply_range_bytes(rq, HTTP_XML, xml, r, size);
}

static void range_html(http_req *rq, void *app) {
    wiki_ask q;
    http_range r;
    if (!wiki_ask_begin(&q, rq, app) || !range_of(&r, &q, false)) return;
    const wiki_rendered *page = wiki_render(&q, r.first, r.last - r.first + 1, q.links);
    if (page) http_reply(rq, 200, HTTP_HTML, page->page.html);
}

// --- The app ---------------------------------------------------------------------------------

// clang-format off
#define GET_LOOP(pattern, handler, text)   {HTTP_GET, pattern, handler, .about = text}
#define GET_WORKER(pattern, handler, text) {HTTP_GET, pattern, handler, .run = HTTP_WORKER, .about = text}
#define API(path) "/api/wiki/{db}" path

static const http_route routes[] = {
    GET_WORKER("/wiki/offsets/*",  offsets,     "titles that start with NAME (3 characters or more), as `[[title, first, last], ...]`; `?limit= &offset=`"),
    GET_WORKER("/wiki/title/*",    title,       "as offsets for a NAME that is a title, as `[[title, [offset]], ...]`"),
    GET_LOOP("/wiki/random",       random_page, "a random article, as `[title, first, last]`"),
    GET_WORKER("/wiki/wiki/*",     page_html,   "the article NAME as HTML; redirects are followed unless `?redirect=no`"),
    GET_WORKER("/read/*",          wiki_read_page, "the article NAME as a whole page, without scripts"),
    GET_WORKER("/w/{db}/read/*",   wiki_read_page, "the same, of the wiki {db}"),
    GET_WORKER("/images/*",        wiki_image_one, "the picture NAME of the folder `--images`, or a range of it"),
    GET_LOOP("/wiki/wiki_xml/*",   page_xml,    "the page NAME as it stands in the dump"),
    GET_LOOP("/wiki/wiki_raw/*",   page_xml,    "the same, by the original's other name"),
    GET_LOOP("/wiki/xml",          range_xml,   "bytes of the dump by `Range:` or `?range=`; of a packed dump 16 MB at most"),
    GET_WORKER("/wiki/html",       range_html,  "the page in that range as HTML"),
    GET_WORKER("/offsets/*",       offsets,     "old name of /wiki/offsets"),
    GET_LOOP("/xml",               range_xml,   "old name of /wiki/xml"),
    GET_WORKER("/html",            range_html,  "old name of /wiki/html"),
    GET_WORKER("/w/{db}/offsets/*", offsets,     "as /wiki/offsets, of the wiki {db}; so are those that follow"),
    GET_WORKER("/w/{db}/title/*",  title,       "as /wiki/title"),
    GET_LOOP("/w/{db}/random",     random_page, "as /wiki/random"),
    GET_WORKER("/w/{db}/wiki/*",   page_html,   "as /wiki/wiki; links lead to /w/{db}/wiki, and to other hosted wikis by name, dbname or language"),
    GET_LOOP("/w/{db}/wiki_xml/*", page_xml,    "as /wiki/wiki_xml"),
    GET_LOOP("/w/{db}/wiki_raw/*", page_xml,    "the same"),
    GET_LOOP("/w/{db}/xml",        range_xml,   "as /wiki/xml"),
    GET_WORKER("/w/{db}/html",     range_html,  "as /wiki/html"),

    GET_LOOP("/api/wiki",          wiki_api_list,    "the hosted wikis: `[{name, sitename, dbname, lang, pages, building, ...}, ...]`"),
    GET_LOOP(API(""),              wiki_api_one,     "one of them"),
    GET_LOOP(API("/suggest"),      wiki_api_suggest, "`?q= &limit= &ns=`: the best titles that start with q, the exact one first, then by score; those that differ in a parenthesis stand together as a `group`"),
    GET_WORKER(API("/search"),     wiki_api_search,  "`?q= &limit=`: titles that have all words of q, also near ones (`fuzzy`); `is_cut` when 50 ms were not enough"),
    GET_WORKER(API("/titles"),     wiki_api_titles,  "`?prefix= &limit= &offset=`: titles in code-point order, with `total` and `next`"),
    GET_LOOP(API("/title/*"),      wiki_api_title,   "what NAME resolves to: `{title, id, ns, redirect, target, offset, length, sha1, previous, next, ...}`"),
    GET_WORKER(API("/page/*"),     wiki_api_page,    "the page NAME: revision, sections, categories, links out, counts of redirects and backlinks; `?redirect=no`"),
    GET_WORKER(API("/html/*"),     wiki_html_one,   "the article NAME as an HTML fragment with a strong ETag; `?redirect=no`"),
    GET_WORKER(API("/text/*"),     wiki_text_one,   "its words as plain text"),
    GET_WORKER(API("/sections/*"), wiki_sections_one, "its headings, and each section's HTML and text: `{title, sections: [{level, number, title, anchor, html, text}, ...]}`"),
    GET_LOOP(API("/random"),       wiki_api_random,  "a random article, as /title"),
    GET_WORKER(API("/categories"), wiki_api_categories, "`?prefix= &limit= &offset=`: categories with their number of members"),
    GET_WORKER(API("/categories/*"), wiki_api_category, "members of the category NAME; `?limit= &offset=`"),
    GET_WORKER(API("/backlinks/*"), wiki_api_backlinks, "pages that link to NAME; `?limit= &offset=`"),
    GET_WORKER(API("/redirects/*"), wiki_api_redirects, "redirects that lead to NAME; `?limit= &offset=`"),

    GET_LOOP("/suggest",           wiki_kiwix_suggest, "as kiwix-serve: `?content= &term= &count=`"),
    GET_LOOP("/random",            wiki_kiwix_random,  "as kiwix-serve: `?content=`, leads to a random article"),
    GET_WORKER("/search",          wiki_kiwix_search,  "as kiwix-serve, in titles: `?content= &pattern= &start= &pageLength= &format=xml`; `&links=read` leads to reading views, at once to a title that was typed whole"),
    GET_LOOP("/search/searchdescription.xml",  wiki_kiwix_description, "OpenSearch description of /search"),
    GET_LOOP("/catalog/searchdescription.xml", wiki_kiwix_description, "the same, by kiwix-serve's other name"),
    GET_LOOP("/opensearch.xml",    wiki_opensearch, "OpenSearch description for browsers; `?content=`"),
    GET_LOOP("/opensearch/suggest", wiki_opensearch_suggest, "`?q= &content=`: `[q, [title, ...]]`"),
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
    .metrics = wiki_app_metrics,
    .close = wiki_app_close,
};
