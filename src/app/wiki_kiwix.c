// What clients of kiwix-serve and OpenSearch know how to ask: the same questions, in their words.
//
// `content` is the name of a hosted wiki; without it, the first one is meant. Search is in titles.
//
//   I1  whatever a client sent is escaped for where it goes: JSON, HTML, XML or a URL

#include "app/wiki_app.h"

#include "base/utf8.h"
#include "os/clock.h"
#include "os/rand.h"

enum {
    SUGGEST_COUNT = 10,
    SEARCH_PAGE = 25,
    SEARCH_PAGE_MAX = 140,
    SEARCH_START_MAX = 1000,
    HOST_MAX = 255,
};

#define HTTP_RSS         "application/rss+xml; charset=utf-8"
#define HTTP_OPENSEARCH  "application/opensearchdescription+xml; charset=utf-8"
#define HTTP_SUGGESTIONS "application/x-suggestions+json; charset=utf-8"

static bool begin(wiki_ask *q, http_req *rq, void *app) {
    str name = {0};
    if (!http_query(&name, rq, "content")) http_query(&name, rq, "books.name");
    return wiki_ask_named(q, rq, app, name);
}

// What a client sent as text that may stand in HTML and XML: no bytes that are no UTF-8, and none
// of the characters XML 1.0 forbids.
static str presentable(str s, arena *a) {
    buf b;
    buf_init(&b, a, 3 * s.len);
    while (s.len) {
        int32_t cp;
        size_t n = utf8_decode(&cp, s);
        bool is_bad = cp == UTF8_BAD || (cp < ' ' && cp != '\t' && cp != '\n') || cp == 0xFFFE ||
                      cp == 0xFFFF;
        char to[UTF8_MAX];
        buf_add(&b, (str){to, utf8_encode(to, is_bad ? UTF8_REPLACEMENT : cp)});
        s = str_skip(s, n);
    }
    return buf_str(&b);
}

// --- /suggest --------------------------------------------------------------------------------

static void put_field(buf *b, const char *key, str value) {
    json j;
    json_init(&j, b);
    buf_fmt(b, "    \"%s\" : ", key);
    json_str(&j, value);
}

// The title as HTML, what was typed in bold where it begins the title.
static str label_of(str title, str term, arena *a) {
    buf b;
    buf_init(&b, a, 6 * title.len + 16);
    size_t n = str_starts_nocase(title, term) ? term.len : 0;
    if (n) buf_add(&b, STR("<b>"));
    buf_html(&b, str_first(title, n));
    if (n) buf_add(&b, STR("</b>"));
    buf_html(&b, str_skip(title, n));
    return buf_str(&b);
}

static void put_suggestion(buf *b, const wiki_ask *q, str title, str term) {
    buf path;
    ARENA_ON_STACK(scratch, 16 * WIKI_TITLE_MAX);
    buf_init(&path, &scratch, 0);
    wiki_put_page_url(&path, q->host, title);
    buf_add(b, STR("  {\n"));
    put_field(b, "value", title);
    buf_add(b, STR(",\n"));
    put_field(b, "label", label_of(title, term, &scratch));
    buf_add(b, STR(",\n    \"kind\" : \"path\"\n      , \"path\" : "));
    json j;
    json_init(&j, b);
    json_str(&j, str_skip(buf_str(&path), 1));
    buf_add(b, STR("\n  },\n"));
}

// The row that offers a search for what was typed.
static void put_pattern(buf *b, str term, arena *a) {
    buf label;
    buf_init(&label, a, 6 * term.len + 64);
    buf_html(&label, STR("containing '"));
    buf_html(&label, term);
    buf_html(&label, STR("'..."));
    buf_add(b, STR("  {\n"));
    put_field(b, "value", arena_fmt(a, "%.*s ", STR_ARG(term)));
    buf_add(b, STR(",\n"));
    put_field(b, "label", buf_str(&label));
    buf_add(b, STR(",\n    \"kind\" : \"pattern\"\n  }\n"));
}

static bool suggest(wiki_hits *hits, wiki_ask *q, str *term, http_req *rq, void *app,
                    const char *key, const char *count) {
    int64_t n;
    *term = (str){0};
    if (!begin(q, rq, app)) return false;
    if (!http_query(term, rq, key)) http_query(term, rq, "term");
    if (!wiki_ask_number(&n, rq, count, SUGGEST_COUNT, 0, WIKI_SUGGEST_MAX)) return false;
    if (n == 0) n = SUGGEST_COUNT;
    wiki_suggest(hits, q->view, *term, (size_t)n, -1, q->a);
    return true;
}

void wiki_kiwix_suggest(http_req *rq, void *app) {
    wiki_ask q;
    str term;
    wiki_hits hits;
    if (!suggest(&hits, &q, &term, rq, app, "term", "count")) return;
    str shown = str_first(term, WIKI_TITLE_MAX);
    buf out;
    app_buf_init(&out, rq, 4096);
    buf_add(&out, STR("[\n"));
    for (size_t i = 0; i < hits.n; i++)
        put_suggestion(&out, &q, hits.hits[i].page.title, shown);
    ARENA_ON_STACK(scratch, 16 * WIKI_TITLE_MAX);
    put_pattern(&out, shown, &scratch);
    buf_add(&out, STR("]\n"));
    app_reply_buf(rq, HTTP_JSON, &out);
}

// --- /random ---------------------------------------------------------------------------------

void wiki_kiwix_random(http_req *rq, void *app) {
    wiki_ask q;
    wiki_hit h;
    if (!begin(&q, rq, app)) return;
    if (!wiki_random(&h, q.view, os_rand_u64, q.a)) {
        http_reply_error(rq, 404, "Not Found");
        return;
    }
    buf to;
    buf_init(&to, q.a, 0);
    wiki_put_page_url(&to, q.host, h.page.title);
    http_add_header(rq, "Cache-Control", STR("no-store"));
    http_reply_redirect(rq, 302, buf_str(&to));
}

// --- /search ---------------------------------------------------------------------------------

typedef struct search {
    wiki_ask q;
    str pattern;
    int64_t start, length;  // start counts from 1
    wiki_hits hits;         // from the first
    size_t from, to;        // of hits, on this page
    bool is_to_read;        // `?links=read`, from the reading view: ours, which kiwix-serve lacks
} search;

static bool search_run(search *s, http_req *rq, void *app) {
    if (!begin(&s->q, rq, app)) return false;
    if (!http_query(&s->pattern, rq, "pattern") || s->pattern.len == 0) {
        http_reply_error(rq, 400, "Missing pattern");
        return false;
    }
    if (!wiki_ask_number(&s->start, rq, "start", 1, 0, SEARCH_START_MAX)) return false;
    if (!wiki_ask_number(&s->length, rq, "pageLength", SEARCH_PAGE, 0, SEARCH_PAGE_MAX))
        return false;
    if (s->start == 0) s->start = 1;
    if (s->length == 0) s->length = SEARCH_PAGE;
    int64_t deadline = os_now_ns() + WIKI_SEARCH_MS * INT64_C(1000000);
    size_t max = (size_t)(s->start + s->length - 1);
    str links;
    s->is_to_read = http_query(&links, rq, "links") && str_eq(links, STR("read"));
    wiki_search_titles(&s->hits, s->q.view, s->pattern, max, deadline, s->q.a);
    s->pattern = presentable(s->pattern, s->q.a);
    s->from = min_size((size_t)s->start - 1, s->hits.n);
    s->to = min_size(max, s->hits.n);
    return true;
}

static void put_search_url(buf *b, const search *s, int64_t start) {
    buf_add(b, STR("/search?content="));
    buf_add(b, str_of(s->q.host->name));
    buf_add(b, STR("&amp;pattern="));
    buf_url(b, s->pattern, "");
    buf_fmt(b, "&amp;start=%lld&amp;pageLength=%lld%s", (long long)start, (long long)s->length,
            s->is_to_read ? "&amp;links=read" : "");
}

static void put_rss_item(buf *b, const search *s, str title) {
    buf_add(b, STR("    <item>\n      <title>"));
    buf_html(b, title);
    buf_add(b, STR("</title>\n      <link>"));
    wiki_put_page_url(b, s->q.host, title);
    buf_add(b, STR("</link>\n      <book>\n        <title>"));
    buf_html(b, wiki_view_site(s->q.view)->name);
    buf_add(b, STR("</title>\n      </book>\n    </item>\n"));
}

static void put_rss(buf *b, const search *s) {
    buf_add(b, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<rss version=\"2.0\"\n"
                   "     xmlns:opensearch=\"http://a9.com/-/spec/opensearch/1.1/\"\n"
                   "     xmlns:atom=\"http://www.w3.org/2005/Atom\">\n  <channel>\n"
                   "    <title>Search: "));
    buf_html(b, s->pattern);
    buf_add(b, STR("</title>\n    <link>"));
    put_search_url(b, s, s->start);
    buf_add(b, STR("&amp;format=xml</link>\n    <description>Search result for "));
    buf_html(b, s->pattern);
    buf_fmt(b,
            "</description>\n    <opensearch:totalResults>%llu</opensearch:totalResults>\n"
            "    <opensearch:startIndex>%lld</opensearch:startIndex>\n"
            "    <opensearch:itemsPerPage>%lld</opensearch:itemsPerPage>\n"
            "    <atom:link rel=\"search\" type=\"application/opensearchdescription+xml\" "
            "href=\"/search/searchdescription.xml\"/>\n"
            "    <opensearch:Query role=\"request\" searchTerms=\"",
            (unsigned long long)s->hits.total, (long long)s->start, (long long)s->length);
    buf_html(b, s->pattern);
    buf_fmt(b, "\" startIndex=\"%lld\" count=\"%lld\"/>\n", (long long)s->start,
            (long long)s->length);
    for (size_t i = s->from; i < s->to; i++)
        put_rss_item(b, s, s->hits.hits[i].page.title);
    buf_add(b, STR("  </channel>\n</rss>\n"));
}

static void put_page_link(buf *b, const search *s, int64_t start, const char *text) {
    buf_add(b, STR("<a href=\""));
    put_search_url(b, s, start);
    buf_fmt(b, "\">%s</a>\n", text);
}

static void put_html(buf *b, const search *s) {
    buf_add(b, STR("<!DOCTYPE html>\n<html>\n<head>\n<meta charset=\"utf-8\">\n<title>Search: "));
    buf_html(b, s->pattern);
    buf_add(b, STR("</title>\n"));
    if (s->is_to_read)
        buf_fmt(b,
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
                "<link rel=\"stylesheet\" href=\"%.*s\">\n",
                STR_ARG(wiki_read_style()));
    buf_add(b, STR("</head>\n<body>\n<div class=\"header\">"));
    if (s->hits.total)
        buf_fmt(b, "Results <b>%zu-%zu</b> of <b>%llu</b> for <b>\"", s->from + 1, s->to,
                (unsigned long long)s->hits.total);
    else
        buf_add(b, STR("No results were found for <b>\""));
    buf_html(b, s->pattern);
    buf_add(b, STR("\"</b></div>\n<div class=\"results\">\n<ul>\n"));
    for (size_t i = s->from; i < s->to; i++) {
        buf_add(b, STR("<li><a href=\""));
        wiki_put_url(b, str_of(s->is_to_read ? s->q.host->reads : s->q.host->links),
                     s->hits.hits[i].page.title);
        buf_add(b, STR("\">"));
        buf_html(b, s->hits.hits[i].page.title);
        buf_add(b, STR("</a></li>\n"));
    }
    buf_add(b, STR("</ul>\n</div>\n<div class=\"footer\">\n"));
    if (s->start > 1)
        put_page_link(b, s, s->start > s->length ? s->start - s->length : 1, "previous");
    int64_t next = s->start + s->length;
    if (s->to < s->hits.total && next <= SEARCH_START_MAX) put_page_link(b, s, next, "next");
    buf_add(b, STR("</div>\n</body>\n</html>\n"));
}

// A reader who typed a title is led to it.
static bool is_answered(const search *s) {
    wiki_hit h;
    buf to;
    if (!s->is_to_read || !wiki_resolve(&h, s->q.view, s->pattern, s->q.a)) return false;
    buf_init(&to, s->q.a, 0);
    wiki_put_url(&to, str_of(s->q.host->reads), h.page.title);
    http_reply_redirect(s->q.rq, 302, buf_str(&to));
    return true;
}

void wiki_kiwix_search(http_req *rq, void *app) {
    search s = {0};
    str format;
    buf out;
    if (!search_run(&s, rq, app) || is_answered(&s)) return;
    bool is_xml = http_query(&format, rq, "format") && str_eq(format, STR("xml"));
    app_buf_init(&out, rq, 4096);
    if (is_xml)
        put_rss(&out, &s);
    else
        put_html(&out, &s);
    app_reply_buf(rq, is_xml ? HTTP_RSS : HTTP_HTML, &out);
}

// --- Descriptions ----------------------------------------------------------------------------

// "http://HOST", as the client knows us; nothing when it does not say.
static void put_origin(buf *b, http_req *rq) {
    str host;
    if (!http_header(&host, rq, "host") || host.len == 0 || host.len > HOST_MAX) return;
    buf_add(b, STR("http://"));
    buf_html(b, host);
}

static void put_url(buf *b, http_req *rq, const char *type, const char *path_and_query) {
    buf_fmt(b, "  <Url type=\"%s\" template=\"", type);
    put_origin(b, rq);
    buf_fmt(b, "%s\"/>\n", path_and_query);
}

static void put_head(buf *b, str name, str about) {
    buf_add(b, STR("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                   "<OpenSearchDescription xmlns=\"http://a9.com/-/spec/opensearch/1.1/\"\n"
                   "    xmlns:k=\"http://kiwix.org/opensearchextension/1.0\">\n  <ShortName>"));
    buf_html(b, name);
    buf_add(b, STR("</ShortName>\n  <Description>"));
    buf_html(b, about);
    buf_add(b, STR("</Description>\n"));
}

void wiki_kiwix_description(http_req *rq, void *app) {
    (void)app;
    buf out;
    app_buf_init(&out, rq, 1024);
    put_head(&out, STR("Parallelopedia"), STR("Search in the titles of a hosted wiki"));
    put_url(&out, rq, "application/rss+xml",
            "/search?format=xml&amp;pattern={searchTerms}&amp;content={k:name?}"
            "&amp;start={startIndex?}&amp;pageLength={count?}");
    put_url(&out, rq, "text/html",
            "/search?pattern={searchTerms}&amp;start={startIndex?}&amp;pageLength={count?}");
    buf_add(&out, STR("  <OutputEncoding>UTF-8</OutputEncoding>\n"
                      "  <InputEncoding>UTF-8</InputEncoding>\n</OpenSearchDescription>\n"));
    app_reply_buf(rq, HTTP_OPENSEARCH, &out);
}

void wiki_opensearch(http_req *rq, void *app) {
    wiki_ask q;
    buf out;
    if (!begin(&q, rq, app)) return;
    str name = wiki_view_site(q.view)->name;
    app_buf_init(&out, rq, 1024);
    put_head(&out, name.len ? name : str_of(q.host->name), STR("Titles, as you type"));
    str path = arena_fmt(q.a, "/search?content=%s&amp;pattern={searchTerms}%c", q.host->name, 0);
    put_url(&out, rq, "text/html", path.ptr);
    path = arena_fmt(q.a, "/opensearch/suggest?content=%s&amp;q={searchTerms}%c", q.host->name, 0);
    put_url(&out, rq, "application/x-suggestions+json", path.ptr);
    buf_add(&out, STR("  <InputEncoding>UTF-8</InputEncoding>\n</OpenSearchDescription>\n"));
    app_reply_buf(rq, HTTP_OPENSEARCH, &out);
}

void wiki_opensearch_suggest(http_req *rq, void *app) {
    wiki_ask q;
    str text;
    wiki_hits hits;
    if (!suggest(&hits, &q, &text, rq, app, "q", "limit")) return;
    buf out;
    json j;
    app_buf_init(&out, rq, 2048);
    json_init(&j, &out);
    json_open(&j, '[');
    json_str(&j, text);
    json_open(&j, '[');
    for (size_t i = 0; i < hits.n; i++)
        json_str(&j, hits.hits[i].page.title);
    json_close(&j, ']');
    json_close(&j, ']');
    app_reply_buf(rq, HTTP_SUGGESTIONS, &out);
}
