// An article as a whole page that needs no script: for readers, printers and text browsers.
//
// Its frame is /read.html of the embedded page: what stands in double braces there ({{title}}) is
// put in here, all else is sent as it is.

#include "app/wiki_render.h"

#include "http/asset.h"
#include "lang/lang.h"

#define READ_CSP                                                                                   \
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "                 \
    "media-src 'self'; "                                                                           \
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

enum { DIR_BYTES = 64 << 10 };

typedef struct reading {
    const wiki_ask *q;
    const wiki_rendered *r;
    const wiki_hit *h;
    str from;  // the redirect that led here; "": none
} reading;

static const http_asset *asset_at(str path) {
    for (size_t i = 0; i < http_n_assets; i++)
        if (str_eq(http_assets[i].path, path)) return &http_assets[i];
    return NULL;
}

str wiki_read_style(void) {
    for (size_t i = 0; i < http_n_assets; i++)
        if (str_starts(http_assets[i].path, STR("/assets/read-")) &&
            str_ends(http_assets[i].path, STR(".css")))
            return http_assets[i].path;
    return STR("");
}

// --- What the frame asks for -----------------------------------------------------------------

static void put_title(buf *b, const reading *x) {
    buf_html(b, x->r->title);
}

static void put_heading(buf *b, const reading *x) {
    if (x->r->page.display_title.len)
        buf_add(b, x->r->page.display_title);
    else
        buf_html(b, x->r->title);
}

static str lang_of(const reading *x) {
    str lang = wiki_view_site(x->q->view)->lang;
    return lang.len ? lang : STR("en");
}

static void put_lang(buf *b, const reading *x) {
    buf_html(b, lang_of(x));
}

// Whether most letters of the first words are from scripts that run from right to left: a dump may
// be of another language than its head says. Letters are told by the first byte of their UTF-8.
static bool is_rtl_text(str html) {
    size_t rtl = 0, ltr = 0;
    bool is_tag = false;
    for (size_t i = 0; i < min_size(html.len, DIR_BYTES); i++) {
        unsigned char c = (unsigned char)html.ptr[i];
        is_tag = c == '<' || (is_tag && c != '>');
        if (is_tag) continue;
        rtl += c >= 0xD6 && c <= 0xDF;  // Hebrew, Arabic, Syriac, Thaana, N'Ko
        ltr += (c >= 'a' && c <= 'z') || (c >= 0xC3 && c < 0xD6) || (c >= 0xE0 && c < 0xEF);
    }
    return rtl > ltr;
}

static void put_dir(buf *b, const reading *x) {
    bool is_rtl = lang_is_rtl(lang_of(x)) || is_rtl_text(x->r->page.html);
    buf_add(b, is_rtl ? STR("rtl") : STR("ltr"));
}

static void put_site(buf *b, const reading *x) {
    str name = wiki_view_site(x->q->view)->name;
    buf_html(b, name.len ? name : str_of(x->q->host->name));
}

static void put_wiki(buf *b, const reading *x) {
    buf_html(b, str_of(x->q->host->name));
}

static void put_shape(buf *b, const reading *x) {
    buf_add(b, x->r->page.n_sections ? STR("has-contents") : STR("has-no-contents"));
}

// <li><a href="LINKS + TITLE">TEXT</a></li>
static void put_item(buf *b, str links, str title, str text) {
    buf_add(b, STR("<li><a href=\""));
    wiki_put_url(b, links, title);
    buf_add(b, STR("\" dir=\"auto\">"));
    buf_html(b, text);
    buf_add(b, STR("</a></li>\n"));
}

static void put_redirected(buf *b, const reading *x) {
    if (!x->from.len) return;
    buf_add(b, STR("<p lang=\"en\">Redirected from <a href=\""));
    wiki_put_url(b, str_of(x->q->links), x->from);
    buf_add(b, STR("?redirect=no\" dir=\"auto\">"));
    buf_html(b, x->from);
    buf_add(b, STR("</a></p>"));
}

static void put_indicators(buf *b, const reading *x) {
    const wt_page *p = &x->r->page;
    if (!p->n_indicators) return;
    buf_add(b, STR("<div class=\"indicators mw-parser-output\">"));
    for (size_t i = 0; i < p->n_indicators; i++)
        buf_add(b, p->indicators[i].html);
    buf_add(b, STR("</div>"));
}

static void put_contents(buf *b, const reading *x) {
    const wt_page *p = &x->r->page;
    if (!p->n_sections) return;
    buf_add(b, STR("<nav class=\"contents\" aria-label=\"Contents\"><details>"
                   "<summary lang=\"en\">Contents</summary>\n<ul>\n"));
    for (size_t i = 0; i < p->n_sections; i++) {
        const wt_section *s = &p->sections[i];
        buf_fmt(b, "<li class=\"toc-%d\"><a href=\"#", s->toc_level);
        buf_html(b, s->anchor);
        buf_add(b, STR("\">"));
        buf_add(b, s->html);
        buf_add(b, STR("</a></li>\n"));
    }
    buf_add(b, STR("</ul></details></nav>"));
}

static void put_article(buf *b, const reading *x) {
    buf_add(b, x->r->page.html);
}

static void put_categories(buf *b, const reading *x) {
    const wt_page *p = &x->r->page;
    const wiki_ns *ns = wiki_ns_of(wiki_view_site(x->q->view), 14);
    if (!p->n_categories) return;
    buf links;
    buf_init(&links, x->q->a, 256);
    wiki_put_url(&links, str_of(x->q->links), ns && ns->name.len ? ns->name : STR("Category"));
    buf_byte(&links, ':');
    buf_add(b, STR("<nav aria-labelledby=\"mw-categories\"><h2 id=\"mw-categories\">Categories</h2>"
                   "<ul>\n"));
    for (size_t i = 0; i < p->n_categories; i++)
        put_item(b, buf_str(&links), p->categories[i].name, p->categories[i].name);
    buf_add(b, STR("</ul></nav>"));
}

// "fr:Titre", at home here or at its own place.
static void put_language(buf *b, const reading *x, str link) {
    str prefix = str_cut(&link, ':'), name = lang_name(prefix, false);
    const char *here = wiki_links_to((void *)x->q, prefix);
    wt_interwiki there;
    if (here)
        put_item(b, str_of(here), link, name.len ? name : prefix);
    else if (wt_wikimedia(&there, wiki_view_site(x->q->view), prefix, x->q->a))
        put_item(b, str_first(there.url, str_find(there.url, STR("$1"))), link,
                 name.len ? name : prefix);
}

static void put_languages(buf *b, const reading *x) {
    const wt_page *p = &x->r->page;
    if (!p->n_languages) return;
    buf_add(b, STR("<nav aria-labelledby=\"mw-languages\"><h2 id=\"mw-languages\">Languages</h2>"
                   "<ul>\n"));
    for (size_t i = 0; i < p->n_languages; i++)
        put_language(b, x, p->languages[i]);
    buf_add(b, STR("</ul></nav>"));
}

static void put_neighbour(buf *b, const reading *x, int step, const char *label) {
    wiki_hit n;
    if (!wiki_neighbour(&n, x->q->view, x->h, step, x->q->a)) return;
    buf_fmt(b, "<span>%s: <a rel=\"%s\" href=\"", label, step < 0 ? "prev" : "next");
    wiki_put_url(b, str_of(x->q->links), n.page.title);
    buf_add(b, STR("\" dir=\"auto\">"));
    buf_html(b, n.page.title);
    buf_add(b, STR("</a></span>\n"));
}

static void put_neighbours(buf *b, const reading *x) {
    put_neighbour(b, x, -1, "Previous");
    put_neighbour(b, x, 1, "Next");
}

static void put_home(buf *b, const reading *x) {
    buf_fmt(b, "/#/w/%s", x->q->host->name);
}

static void put_app(buf *b, const reading *x) {
    put_home(b, x);
    wiki_put_url(b, STR("/"), x->r->title);
}

static void put_source(buf *b, const reading *x) {
    buf_fmt(b, "/w/%s", x->q->host->name);
    wiki_put_url(b, STR("/wiki_xml/"), x->r->title);
}

static void put_date(buf *b, const reading *x) {
    buf_html(b, str_first(x->r->timestamp, 10));
}

static const struct {
    const char *name;
    void (*put)(buf *b, const reading *x);
} slots[] = {
    {"title", put_title},
    {"heading", put_heading},
    {"lang", put_lang},
    {"dir", put_dir},
    {"site", put_site},
    {"wiki", put_wiki},
    {"home", put_home},
    {"shape", put_shape},
    {"indicators", put_indicators},
    {"redirected", put_redirected},
    {"contents", put_contents},
    {"article", put_article},
    {"categories", put_categories},
    {"languages", put_languages},
    {"date", put_date},
    {"app", put_app},
    {"source", put_source},
    {"neighbours", put_neighbours},
};

// The next {{name}}: what stands before it, and where to go on. -1: no more.
static int next_slot(str *before, str *rest) {
    size_t open = str_find(*rest, STR("{{"));
    *before = str_first(*rest, open);
    *rest = str_skip(*rest, open);
    if (rest->len == 0) return -1;
    size_t close = str_find(*rest, STR("}}"));
    str name = str_skip(str_first(*rest, close), 2);
    for (int i = 0; i < (int)countof(slots); i++)
        if (str_eq(name, str_of(slots[i].name))) {
            *rest = str_skip(*rest, close + 2);
            return i;
        }
    *rest = (str){0};
    return -1;
}

static void put_page(buf *b, const reading *x, str frame) {
    str before, rest = frame;
    for (int slot; rest.len > 0;) {
        slot = next_slot(&before, &rest);
        buf_add(b, before);
        if (slot >= 0) slots[slot].put(b, x);
    }
}

// The page's, the frame's and what led here: all that the reply is made of.
static void set_etag(const reading *x, const http_asset *frame) {
    uint64_t hash = str_hash(str_of(x->r->etag), str_hash(frame->etag, 0)) ^ str_hash(x->from, 1);
    str etag = arena_fmt(x->q->a, "\"%016llx\"", (unsigned long long)hash);
    http_set_etag(x->q->rq, etag);
}

// The title a request names, when that is a redirect's and it was followed.
static str redirect_of(const wiki_ask *q, const wiki_hit *h) {
    str name;
    wiki_hit asked;
    bool is_other = wiki_ask_name(&name, q->rq) && wiki_resolve(&asked, q->view, name, q->a) &&
                    !str_eq(asked.page.title, h->page.title);
    return is_other ? asked.page.title : STR("");
}

void wiki_read_page(http_req *rq, void *app) {
    wiki_ask q;
    wiki_hit h;
    buf out;
    const http_asset *frame = asset_at(STR("/read.html"));
    if (!wiki_ask_begin(&q, rq, app)) return;
    wiki_ask_to_read(&q);
    if (!wiki_ask_page(&h, &q, true)) return;
    const wiki_rendered *r = wiki_render(&q, h.page.off, h.page.len, q.links);
    if (!r) return;
    CHECK(frame);  // the build embeds it
    reading x = {&q, r, &h, redirect_of(&q, &h)};
    app_buf_init(&out, rq, r->page.html.len + (32 << 10));
    put_page(&out, &x, frame->identity);
    set_etag(&x, frame);
    http_add_header(rq, "Content-Security-Policy", STR(READ_CSP));
    http_add_header(rq, "X-Content-Type-Options", STR("nosniff"));
    app_reply_buf(rq, HTTP_HTML, &out);
}
