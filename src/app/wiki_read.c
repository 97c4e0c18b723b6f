// An article as a whole page that needs no script: for readers, printers and text browsers.
//
// Its frame is /read.html of the embedded page: what stands in double braces there ({{title}}) is
// put in here, all else is sent as it is.

#include "app/wiki_render.h"

#include "http/asset.h"

#define READ_CSP                                                                                   \
    "default-src 'none'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; media-src "       \
    "'self'; "                                                                                     \
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

typedef struct reading {
    const wiki_ask *q;
    const wiki_rendered *r;
} reading;

static str frame_of_page(void) {
    for (size_t i = 0; i < http_n_assets; i++)
        if (str_eq(http_assets[i].path, STR("/read.html"))) return http_assets[i].identity;
    return STR("<!doctype html><title>{{title}}</title><h1>{{heading}}</h1>{{article}}");
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

static void put_lang(buf *b, const reading *x) {
    str lang = wiki_view_site(x->q->view)->lang;
    buf_html(b, lang.len ? lang : STR("en"));
}

// Languages written from right to left, by their first two or three letters.
static void put_dir(buf *b, const reading *x) {
    static const char *const rtl[] = {"ar",  "arc", "arz", "azb", "ckb", "dv",  "fa",
                                      "glk", "he",  "khw", "ks",  "lrc", "mzn", "nqo",
                                      "pnb", "ps",  "sd",  "ug",  "ur",  "yi"};
    str lang = wiki_view_site(x->q->view)->lang;
    bool is_rtl = false;
    for (size_t i = 0; i < countof(rtl); i++)
        is_rtl |= str_eq(lang, str_of(rtl[i]));
    buf_add(b, is_rtl ? STR("rtl") : STR("ltr"));
}

static void put_site(buf *b, const reading *x) {
    str name = wiki_view_site(x->q->view)->name;
    buf_html(b, name.len ? name : str_of(x->q->host->name));
}

static void put_wiki(buf *b, const reading *x) {
    buf_html(b, str_of(x->q->host->name));
}

static void put_contents(buf *b, const reading *x) {
    const wt_page *p = &x->r->page;
    for (size_t i = 0; i < p->n_sections; i++) {
        const wt_section *s = &p->sections[i];
        buf_fmt(b, "<li class=\"toc-%d\"><a href=\"#", s->toc_level);
        buf_html(b, s->anchor);
        buf_add(b, STR("\">"));
        buf_html(b, s->text);
        buf_add(b, STR("</a></li>\n"));
    }
}

static void put_article(buf *b, const reading *x) {
    buf_add(b, x->r->page.html);
}

static void put_categories(buf *b, const reading *x) {
    const wt_page *p = &x->r->page;
    const wiki_ns *ns = wiki_ns_of(wiki_view_site(x->q->view), 14);
    for (size_t i = 0; i < p->n_categories; i++) {
        buf_add(b, STR("<li><a href=\""));
        buf_add(b, str_of(x->q->links));
        buf_url(b, ns && ns->name.len ? ns->name : STR("Category"), "");
        buf_byte(b, ':');
        buf_url(b, p->categories[i].name, ":(),!*@;");
        buf_add(b, STR("\">"));
        buf_html(b, p->categories[i].name);
        buf_add(b, STR("</a></li>\n"));
    }
}

static void put_source(buf *b, const reading *x) {
    buf_fmt(b, "/w/%s/wiki_xml/", x->q->host->name);
    buf_url(b, x->r->title, ":(),!*@;/");
}

static void put_date(buf *b, const reading *x) {
    buf_html(b, str_first(x->r->timestamp, 10));
}

static const struct {
    const char *name;
    void (*put)(buf *b, const reading *x);
} slots[] = {
    {"title", put_title},       {"heading", put_heading},
    {"lang", put_lang},         {"dir", put_dir},
    {"site", put_site},         {"wiki", put_wiki},
    {"article", put_article},   {"categories", put_categories},
    {"contents", put_contents}, {"source", put_source},
    {"date", put_date},
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

static void put_page(buf *b, const reading *x) {
    str before, rest = frame_of_page();
    for (int slot; rest.len > 0;) {
        slot = next_slot(&before, &rest);
        buf_add(b, before);
        if (slot >= 0) slots[slot].put(b, x);
    }
}

void wiki_read_page(http_req *rq, void *app) {
    wiki_ask q;
    wiki_hit h;
    buf out;
    if (!wiki_ask_begin(&q, rq, app)) return;
    wiki_ask_to_read(&q);
    if (!wiki_ask_page(&h, &q, true)) return;
    const wiki_rendered *r = wiki_render(&q, h.page.off, h.page.len, q.links);
    if (!r) return;
    app_buf_init(&out, rq, r->page.html.len + (32 << 10));
    put_page(&out, &(reading){&q, r});
    http_add_header(rq, "Content-Security-Policy", STR(READ_CSP));
    http_add_header(rq, "X-Content-Type-Options", STR("nosniff"));
    app_reply_buf(rq, HTTP_HTML, &out);
}
