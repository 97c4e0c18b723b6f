// The JSON API: what a page, a script or another program asks of a wiki.
//
// Suggestions are answered on the loop, straight from the index into the reply; short ones are kept
// (wiki_cache.c). All lists are paged: `total` in all, `next` the following page's offset or null.
//
//   I1  a reply is written in one pass; whatever grows with the dump has a limit named here

#include "app/wiki_render.h"

#include "os/clock.h"
#include "os/rand.h"
#include "wiki/extract.h"

enum {
    SUGGEST_LIMIT = 10,
    LIST_LIMIT = 100,
    LIST_LIMIT_MAX = 1000,
    OFFSET_MAX = INT32_MAX,
    LINKS_MAX = 20000,  // of a page, repeats not counted
    CATEGORY_NS = 14,
    EXTRACT_ARENA = 16 << 20,  // address space beside 64 times the text
};

// --- Rows ------------------------------------------------------------------------------------

static void put_target(json *j, const wiki_ask *q, const wiki_hit *h, const char *key) {
    wiki_hit to = *h;
    if (!h->page.is_redirect || !wiki_follow(&to, q->view, q->a)) return;
    json_key(j, key), json_str(j, to.page.title);
}

static void put_hit(json *j, const wiki_ask *q, const wiki_hit *h, str group) {
    json_open(j, '{');
    json_key(j, "title"), json_str(j, h->page.title);
    put_target(j, q, h, "redirect_to");
    json_key(j, "score"), json_u64(j, h->page.score);
    json_key(j, "ns"), json_i64(j, h->page.ns);
    if (h->page.is_disambiguation) json_key(j, "disambiguation"), json_bool(j, true);
    if (group.len) json_key(j, "group"), json_str(j, group);
    json_close(j, '}');
}

// `skip` of `total` were left out before these `n`.
static void put_paging(json *j, const wiki_ask *q, uint64_t total, uint64_t skip, size_t n) {
    json_key(j, "wiki"), json_str(j, str_of(q->host->name));
    json_key(j, "total"), json_u64(j, total);
    json_key(j, "offset"), json_u64(j, skip);
    json_key(j, "next");
    if (n && skip + n < total)
        json_u64(j, skip + n);
    else
        json_null(j);
}

static void put_hits(json *j, const wiki_ask *q, const wiki_hits *hits) {
    json_key(j, "results"), json_open(j, '[');
    for (size_t i = 0; i < hits->n; i++)
        put_hit(j, q, &hits->hits[i], (str){0});
    json_close(j, ']');
}

static void reply_begin(json *j, buf *out, http_req *rq, size_t cap) {
    app_buf_init(out, rq, cap);
    json_init(j, out);
    json_open(j, '{');
}

static void reply_end(json *j, http_req *rq) {
    json_close(j, '}');
    app_reply_buf(rq, HTTP_JSON, j->to);
}

typedef struct paging {
    int64_t limit, offset;
} paging;

static bool paging_of(paging *p, http_req *rq) {
    return wiki_ask_number(&p->limit, rq, "limit", LIST_LIMIT, 0, LIST_LIMIT_MAX) &&
           wiki_ask_number(&p->offset, rq, "offset", 0, 0, OFFSET_MAX);
}

static bool text_of(str *text, http_req *rq, const char *key) {
    if (http_query(text, rq, key)) return true;
    http_reply_error(rq, 400, "Missing %s", key);
    return false;
}

// --- Wikis -----------------------------------------------------------------------------------

void wiki_api_list(http_req *rq, void *app) {
    const wiki_hosts *hs = app;
    buf out;
    json j;
    app_buf_init(&out, rq, 512 * hs->n);
    json_init(&j, &out);
    json_open(&j, '[');
    for (size_t i = 0; i < hs->n; i++) {
        json_open(&j, '{');
        wiki_put_state(&j, &hs->at[i], false);
        json_close(&j, '}');
    }
    json_close(&j, ']');
    http_add_header(rq, "Cache-Control", STR("no-store"));
    app_reply_buf(rq, HTTP_JSON, &out);
}

void wiki_api_one(http_req *rq, void *app) {
    wiki_ask q;
    buf out;
    json j;
    if (!wiki_ask_begin(&q, rq, app)) return;
    http_add_header(rq, "Cache-Control", STR("no-store"));
    reply_begin(&j, &out, rq, 1024);
    wiki_put_state(&j, q.host, true);
    reply_end(&j, rq);
}

// --- Suggestions -----------------------------------------------------------------------------

// "Mercury (planet)" -> "Mercury"; a title without a parenthesis at its end is its own.
static str group_of(str title) {
    if (!str_ends(title, STR(")"))) return title;
    for (size_t i = title.len - 1; i > 1; i--)
        if (title.ptr[i] == '(' && title.ptr[i - 1] == ' ') return str_first(title, i - 1);
    return title;
}

// The hits of one group stand behind its first; a group of one is none. `order` gets places in
// hits, `group` the groups' names beside them.
static void group_hits(uint8_t *order, str *group, const wiki_hits *hits) {
    bool taken[WIKI_SUGGEST_MAX] = {0};
    str of[WIKI_SUGGEST_MAX];
    for (size_t i = 0; i < hits->n; i++)
        of[i] = group_of(hits->hits[i].page.title);
    for (size_t i = 0, n = 0; i < hits->n; i++) {
        if (taken[i]) continue;
        size_t first = n;
        for (size_t k = i; k < hits->n; k++) {
            if (taken[k] || !str_eq(of[k], of[i])) continue;
            taken[k] = true;
            group[n] = of[i];
            order[n++] = (uint8_t)k;
        }
        if (n == first + 1) group[first] = (str){0};
    }
}

static void put_suggestions(buf *out, const wiki_ask *q, const wiki_question *w) {
    wiki_hits hits;
    wiki_suggest(&hits, q->view, w->text, (size_t)w->limit, w->ns, q->a);
    hits.n = min_size(hits.n, WIKI_SUGGEST_MAX);
    uint8_t order[WIKI_SUGGEST_MAX];
    str group[WIKI_SUGGEST_MAX];
    group_hits(order, group, &hits);
    json j;
    reply_begin(&j, out, q->rq, 2048);
    json_key(&j, "query"), json_str(&j, w->text);
    json_key(&j, "total"), json_u64(&j, hits.total);
    json_key(&j, "wiki"), json_str(&j, str_of(q->host->name));
    json_key(&j, "results"), json_open(&j, '[');
    for (size_t i = 0; i < hits.n; i++)
        put_hit(&j, q, &hits.hits[order[i]], group[i]);
    json_close(&j, ']');
    json_close(&j, '}');
}

void wiki_api_suggest(http_req *rq, void *app) {
    wiki_ask q;
    str text;
    int64_t limit, ns;
    if (!wiki_ask_begin(&q, rq, app) || !text_of(&text, rq, "q")) return;
    if (!wiki_ask_number(&limit, rq, "limit", SUGGEST_LIMIT, 1, WIKI_SUGGEST_MAX)) return;
    if (!wiki_ask_number(&ns, rq, "ns", -1, -1, INT32_MAX)) return;
    wiki_question w = {wiki_view_number(q.view), text, (int32_t)limit, (int32_t)ns};
    buf out;
    str known;
    if (wiki_cache_get(&known, q.hosts->cache, &w, q.a)) {
        http_reply(rq, 200, HTTP_JSON, known);
        return;
    }
    put_suggestions(&out, &q, &w);
    if (!out.failed) wiki_cache_put(q.hosts->cache, &w, buf_str(&out));
    app_reply_buf(rq, HTTP_JSON, &out);
}

void wiki_api_search(http_req *rq, void *app) {
    wiki_ask q;
    str text;
    int64_t limit;
    if (!wiki_ask_begin(&q, rq, app) || !text_of(&text, rq, "q")) return;
    if (!wiki_ask_number(&limit, rq, "limit", LIST_LIMIT, 1, LIST_LIMIT_MAX)) return;
    wiki_hits hits;
    int64_t deadline = os_now_ns() + WIKI_SEARCH_MS * INT64_C(1000000);
    wiki_search_titles(&hits, q.view, text, (size_t)limit, deadline, q.a);
    buf out;
    json j;
    reply_begin(&j, &out, rq, 4096);
    json_key(&j, "query"), json_str(&j, text);
    json_key(&j, "total"), json_u64(&j, hits.total);
    json_key(&j, "wiki"), json_str(&j, str_of(q.host->name));
    json_key(&j, "is_cut"), json_bool(&j, hits.is_cut);
    json_key(&j, "fuzzy"), json_bool(&j, hits.is_fuzzy);
    put_hits(&j, &q, &hits);
    reply_end(&j, rq);
}

void wiki_api_titles(http_req *rq, void *app) {
    wiki_ask q;
    paging p;
    str prefix = {0};
    if (!wiki_ask_begin(&q, rq, app) || !paging_of(&p, rq)) return;
    http_query(&prefix, rq, "prefix");
    wiki_hits hits;
    wiki_prefix(&hits, q.view, prefix, (size_t)p.limit, (size_t)p.offset, q.a);
    buf out;
    json j;
    reply_begin(&j, &out, rq, 4096);
    json_key(&j, "prefix"), json_str(&j, prefix);
    put_paging(&j, &q, hits.total, (uint64_t)p.offset, hits.n);
    put_hits(&j, &q, &hits);
    reply_end(&j, rq);
}

// --- One title -------------------------------------------------------------------------------

static void put_neighbour(json *j, const wiki_ask *q, const wiki_hit *h, const char *key,
                          int step) {
    wiki_hit n;
    json_key(j, key);
    if (wiki_neighbour(&n, q->view, h, step, q->a))
        json_str(j, n.page.title);
    else
        json_null(j);
}

static void put_title(json *j, const wiki_ask *q, const wiki_hit *h) {
    const wiki_page *p = &h->page;
    json_key(j, "title"), json_str(j, p->title);
    json_key(j, "wiki"), json_str(j, str_of(q->host->name));
    json_key(j, "id"), json_u64(j, p->id);
    json_key(j, "ns"), json_i64(j, p->ns);
    json_key(j, "score"), json_u64(j, p->score);
    json_key(j, "redirect"), json_bool(j, p->is_redirect);
    put_target(j, q, h, "target");
    json_key(j, "disambiguation"), json_bool(j, p->is_disambiguation);
    json_key(j, "offset"), json_u64(j, p->off);
    json_key(j, "length"), json_u64(j, p->len);
    json_key(j, "sha1"), json_str(j, p->is_bad_sha1 ? STR("mismatch") : STR("ok"));
}

static void reply_title(const wiki_ask *q, const wiki_hit *h) {
    buf out;
    json j;
    reply_begin(&j, &out, q->rq, 1024);
    put_title(&j, q, h);
    put_neighbour(&j, q, h, "previous", -1);
    put_neighbour(&j, q, h, "next", 1);
    reply_end(&j, q->rq);
}

void wiki_api_title(http_req *rq, void *app) {
    wiki_ask q;
    str name;
    wiki_hit h;
    if (wiki_ask_begin(&q, rq, app) && wiki_ask_name(&name, rq) && wiki_ask_find(&h, &q, name))
        reply_title(&q, &h);
}

void wiki_api_random(http_req *rq, void *app) {
    wiki_ask q;
    wiki_hit h;
    if (!wiki_ask_begin(&q, rq, app)) return;
    http_add_header(rq, "Cache-Control", STR("no-store"));
    if (wiki_random(&h, q.view, os_rand_u64, q.a))
        reply_title(&q, &h);
    else
        http_reply_error(rq, 404, "Not Found");
}

// --- One page --------------------------------------------------------------------------------

// Distinct titles in the order in which they came, in an arena of their own.
typedef struct names {
    arena mem;
    str *at;
    uint32_t *slot;  // place in `at` + 1
    size_t n, total;
} names;

enum { SLOTS = 1 << 16 };
_Static_assert(LINKS_MAX <= SLOTS / 2, "the table stays half empty");

static bool names_open(names *s) {
    *s = (names){0};
    if (arena_open(&s->mem, 64 << 20, NULL)) return false;
    s->at = arena_array(&s->mem, str, LINKS_MAX);
    s->slot = arena_array(&s->mem, uint32_t, SLOTS);
    return true;
}

static void names_add(names *s, str name) {
    size_t i = str_hash(name, 0) % SLOTS;
    for (; s->slot[i]; i = (i + 1) % SLOTS)
        if (str_eq(s->at[s->slot[i] - 1], name)) return;
    s->total++;
    if (s->n == LINKS_MAX) return;
    char *copy = arena_try(&s->mem, name.len + 1);
    if (!copy) return;
    memcpy(copy, name.ptr, name.len);
    s->at[s->n++] = (str){copy, name.len};
    s->slot[i] = (uint32_t)s->n;
}

static void on_found(void *arg, const wiki_extracted *x) {
    if (x->title.len && x->kind != WIKI_CATEGORY) names_add(arg, x->title);
}

static void put_links(json *j, const wiki_ask *q, const wiki_revision *rev) {
    names links;
    arena scratch = {0};
    if (names_open(&links) && !arena_open(&scratch, EXTRACT_ARENA + 64 * rev->text.len, NULL)) {
        wiki_extract(rev->text, wiki_view_site(q->view), scratch, on_found, &links);
        json_key(j, "links_total"), json_u64(j, links.total);
        json_key(j, "links"), json_open(j, '[');
        for (size_t i = 0; i < links.n; i++)
            json_str(j, links.at[i]);
        json_close(j, ']');
    }
    arena_close(&scratch);
    arena_close(&links.mem);
}

// As the page has them once it is rendered, those of its templates among them.
static void put_page_categories(json *j, const wiki_ask *q, const wt_page *page) {
    const wiki_ns *ns = wiki_ns_of(wiki_view_site(q->view), CATEGORY_NS);
    str prefix = ns && ns->name.len ? ns->name : STR("Category");
    json_key(j, "categories"), json_open(j, '[');
    for (size_t i = 0; i < page->n_categories; i++) {
        str name = page->categories[i].name;
        json_str(j, arena_fmt(q->a, "%.*s:%.*s", STR_ARG(prefix), STR_ARG(name)));
    }
    json_close(j, ']');
}

void wiki_put_sections(json *j, const wt_page *page) {
    json_key(j, "sections"), json_open(j, '[');
    for (size_t i = 0; i < page->n_sections; i++) {
        const wt_section *s = &page->sections[i];
        json_open(j, '{');
        json_key(j, "level"), json_i64(j, s->level);
        json_key(j, "number"), json_str(j, s->number);
        json_key(j, "title"), json_str(j, s->text);
        json_key(j, "anchor"), json_str(j, s->anchor);
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void put_revision(json *j, const wiki_revision *rev) {
    json_key(j, "revision"), json_open(j, '{');
    json_key(j, "id"), json_u64(j, rev->rev_id);
    json_key(j, "timestamp"), json_str(j, rev->timestamp);
    json_key(j, "model"), json_str(j, rev->model.len ? rev->model : STR("wikitext"));
    json_key(j, "sha1"), json_str(j, rev->sha1);
    json_key(j, "bytes"), json_u64(j, rev->text.len);
    json_close(j, '}');
}

static void put_counts(json *j, const wiki_ask *q, const wiki_hit *h) {
    wiki_hits to;
    wiki_redirects_to(&to, q->view, h, 0, 0, q->a);
    json_key(j, "redirects"), json_u64(j, to.total);
    wiki_backlinks(&to, q->view, h, 0, 0, q->a);
    json_key(j, "backlinks"), json_u64(j, to.total);
}

static void reply_page(const wiki_ask *q, const wiki_hit *h, const wiki_hit *from) {
    str xml;
    wiki_revision rev;
    buf out;
    json j;
    const wiki_rendered *made = wiki_render(q, h->page.off, h->page.len, q->links);
    if (!made || !wiki_ask_xml(&xml, q, h)) return;
    if (wiki_revision_parse(&rev, xml, q->a, NULL)) {
        http_reply_error(q->rq, 500, "The page could not be read");
        return;
    }
    reply_begin(&j, &out, q->rq, 4096);
    put_title(&j, q, h);
    if (h->page.rank != from->page.rank || h->layer != from->layer)
        json_key(&j, "redirected_from"), json_str(&j, from->page.title);
    put_counts(&j, q, h);
    put_revision(&j, &rev);
    wiki_put_sections(&j, &made->page);
    put_page_categories(&j, q, &made->page);
    put_links(&j, q, &rev);
    reply_end(&j, q->rq);
}

void wiki_api_page(http_req *rq, void *app) {
    wiki_ask q;
    str name, redirect;
    wiki_hit h;
    if (!wiki_ask_begin(&q, rq, app) || !wiki_ask_name(&name, rq)) return;
    if (!wiki_ask_find(&h, &q, name)) return;
    http_set_modified(rq, wiki_view_modified_ns(q.view));
    wiki_hit to = h;
    bool stays = http_query(&redirect, rq, "redirect") && str_eq(redirect, STR("no"));
    if (stays || !h.page.is_redirect || !wiki_follow(&to, q.view, q.a)) to = h;
    reply_page(&q, &to, &h);
}

// --- Graph -----------------------------------------------------------------------------------

void wiki_api_categories(http_req *rq, void *app) {
    wiki_ask q;
    paging p;
    str prefix = {0};
    uint64_t total;
    if (!wiki_ask_begin(&q, rq, app) || !paging_of(&p, rq)) return;
    http_query(&prefix, rq, "prefix");
    wiki_category_row *rows = arena_array(q.a, wiki_category_row, (size_t)p.limit + 1);
    size_t n =
        wiki_categories(rows, (size_t)p.limit, (size_t)p.offset, &total, q.view, prefix, q.a);
    buf out;
    json j;
    reply_begin(&j, &out, rq, 4096);
    json_key(&j, "prefix"), json_str(&j, prefix);
    put_paging(&j, &q, total, (uint64_t)p.offset, n);
    json_key(&j, "categories"), json_open(&j, '[');
    for (size_t i = 0; i < n; i++) {
        json_open(&j, '{');
        json_key(&j, "name"), json_str(&j, rows[i].name);
        json_key(&j, "members"), json_u64(&j, rows[i].n_members);
        json_close(&j, '}');
    }
    json_close(&j, ']');
    reply_end(&j, rq);
}

static void reply_hits(const wiki_ask *q, const paging *p, const wiki_hits *hits, const char *what,
                       str name) {
    buf out;
    json j;
    reply_begin(&j, &out, q->rq, 4096);
    json_key(&j, what), json_str(&j, name);
    put_paging(&j, q, hits->total, (uint64_t)p->offset, hits->n);
    put_hits(&j, q, hits);
    reply_end(&j, q->rq);
}

void wiki_api_category(http_req *rq, void *app) {
    wiki_ask q;
    paging p;
    str name;
    wiki_hits hits;
    if (!wiki_ask_begin(&q, rq, app) || !wiki_ask_name(&name, rq) || !paging_of(&p, rq)) return;
    if (wiki_category(&hits, &name, q.view, name, (size_t)p.limit, (size_t)p.offset, q.a))
        reply_hits(&q, &p, &hits, "category", name);
    else
        http_reply_error(rq, 404, "No such category");
}

typedef void to_page(wiki_hits *out, const wiki_view *v, const wiki_hit *to, size_t max,
                     size_t skip, arena *a);

static void reply_to_page(http_req *rq, void *app, to_page *find) {
    wiki_ask q;
    paging p;
    str name;
    wiki_hit h;
    wiki_hits hits;
    if (!wiki_ask_begin(&q, rq, app) || !wiki_ask_name(&name, rq) || !paging_of(&p, rq)) return;
    if (!wiki_ask_find(&h, &q, name)) return;
    find(&hits, q.view, &h, (size_t)p.limit, (size_t)p.offset, q.a);
    reply_hits(&q, &p, &hits, "title", h.page.title);
}

void wiki_api_backlinks(http_req *rq, void *app) {
    reply_to_page(rq, app, wiki_backlinks);
}

void wiki_api_redirects(http_req *rq, void *app) {
    reply_to_page(rq, app, wiki_redirects_to);
}
