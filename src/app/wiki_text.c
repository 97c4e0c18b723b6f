// A rendered article for programs: its HTML, its words, its sections.

#include "app/wiki_render.h"

static const wiki_rendered *rendered(wiki_ask *q, http_req *rq, void *app) {
    wiki_hit h;
    if (!wiki_ask_begin(q, rq, app) || !wiki_ask_page(&h, q, true)) return NULL;
    return wiki_render(q, h.page.off, h.page.len, q->links);
}

void wiki_html_one(http_req *rq, void *app) {
    wiki_ask q;
    const wiki_rendered *r = rendered(&q, rq, app);
    if (r) http_reply(rq, 200, HTTP_HTML, r->page.html);
}

void wiki_text_one(http_req *rq, void *app) {
    wiki_ask q;
    buf out;
    const wiki_rendered *r = rendered(&q, rq, app);
    if (!r) return;
    app_buf_init(&out, rq, r->page.html.len / 2 + 256);
    wt_text(&out, r->page.html);
    app_reply_buf(rq, HTTP_TEXT, &out);
}

// From a heading to the next: [from, to) of the page's HTML.
static void put_part(json *j, const wiki_rendered *r, size_t from, size_t to, arena *a) {
    str html = str_first(str_skip(r->page.html, from), to - from);
    buf text;
    buf_init(&text, a, html.len / 2 + 64);
    wt_text(&text, html);
    json_key(j, "html"), json_str(j, html);
    json_key(j, "text"), json_str(j, str_trim(buf_str(&text)));
}

static void put_parts(json *j, const wiki_rendered *r, arena *a) {
    const wt_page *p = &r->page;
    json_key(j, "sections"), json_open(j, '[');
    for (size_t i = 0; i <= p->n_sections; i++) {
        const wt_section *s = i ? &p->sections[i - 1] : NULL;
        size_t from = s ? s->at : 0, to = i < p->n_sections ? p->sections[i].at : p->html.len;
        json_open(j, '{');
        json_key(j, "level"), json_i64(j, s ? s->level : 0);
        json_key(j, "number"), json_str(j, s ? s->number : STR(""));
        json_key(j, "title"), json_str(j, s ? s->text : STR(""));
        json_key(j, "anchor"), json_str(j, s ? s->anchor : STR(""));
        put_part(j, r, min_size(from, to), to, a);
        json_close(j, '}');
    }
    json_close(j, ']');
}

void wiki_sections_one(http_req *rq, void *app) {
    wiki_ask q;
    buf out;
    json j;
    arena texts;
    const wiki_rendered *r = rendered(&q, rq, app);
    if (!r) return;
    if (arena_open(&texts, 4 * r->page.html.len + (1 << 20), NULL)) {
        http_reply_error(rq, 500, "Out of memory");
        return;
    }
    app_buf_init(&out, rq, 2 * r->page.html.len + 256);
    json_init(&j, &out);
    json_open(&j, '{');
    json_key(&j, "title"), json_str(&j, r->title);
    put_parts(&j, r, &texts);
    json_close(&j, '}');
    arena_close(&texts);
    app_reply_buf(rq, HTTP_JSON, &out);
}
