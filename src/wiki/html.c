// Wikitext to HTML: the driver.
//
//   clean    a copy without comments, control bytes and broken UTF-8
//   scan     which bracket belongs to which (html_scan.c)
//   lines    blocks, and inside them text (html_block.c, html_inline.c and the handlers)
//   ends     footnotes that were not listed yet, categories
//
// The result is safe because of two rules, not because of filters at the end: all text goes through
// buf_html, and all tags through html_out.c. Rejected: a tree that is cleaned afterwards (as
// MediaWiki has it: fit for a later issue, when templates make markup that crosses elements), and
// regular expressions over the whole text (quadratic on hostile input).
//
//   I1  work is linear: each pass visits a byte once per level of nesting, and levels are bounded
//   I2  memory is asked for before the first byte is written; afterwards only `out` can run full

#include "wiki/html.h"

// --- Clean -----------------------------------------------------------------------------------

typedef struct cleaner {
    str s;
    char *to;
    size_t n;
    html__closers closers;
} cleaner;

static void copy(cleaner *c, size_t from, size_t to) {
    memcpy(c->to + c->n, c->s.ptr + from, to - from);
    c->n += to - from;
}

// A comment alone on its line takes the line with it. `end` is behind the comment.
static size_t skip_line(cleaner *c, size_t end) {
    size_t start = c->n, limit = c->n > 256 ? c->n - 256 : 0;
    while (start > limit && (c->to[start - 1] == ' ' || c->to[start - 1] == '\t'))
        start--;
    bool is_first = start == 0 || c->to[start - 1] == '\n';
    size_t next = end;
    while (next < c->s.len && (c->s.ptr[next] == ' ' || c->s.ptr[next] == '\t'))
        next++;
    if (!is_first || next == c->s.len || c->s.ptr[next] != '\n') return end;
    c->n = start;
    return next + 1;
}

static size_t skip_comment(cleaner *c, size_t i) {
    size_t n = str_find(str_skip(c->s, i + 4), STR("-->"));
    size_t end = i + 4 + n + 3;
    return end > c->s.len ? c->s.len : skip_line(c, end);
}

// At '<': a comment is dropped, <nowiki> and the like are copied whole. Returns where to go on.
static size_t clean_tag(cleaner *c, size_t i) {
    if (str_starts(str_skip(c->s, i), STR("<!--"))) return skip_comment(c, i);
    html__markup m;
    size_t close = i + 1;
    if (html__markup_at(&m, c->s, i) && !m.is_end && !m.is_empty) {
        html__ext ext = html__ext_named(m.name);
        bool is_opaque = ext != EXT_COUNT && ext != EXT_INCLUDEONLY && html__ext_is_opaque(ext);
        if (!is_opaque || !html__closer(&close, &c->closers, c->s, ext, m.end)) close = i + 1;
    }
    copy(c, i, close);
    return close;
}

static void strip_comments(cleaner *c) {
    html__closers_init(&c->closers);
    for (size_t i = 0; i < c->s.len;) {
        size_t next = i + str_find_byte(str_skip(c->s, i), '<');
        copy(c, i, next);
        i = next < c->s.len ? clean_tag(c, next) : next;
    }
}

static bool is_clean(str s) {
    for (size_t i = 0; i < s.len; i++)
        if (((unsigned char)s.ptr[i] < ' ' && s.ptr[i] != '\n') || s.ptr[i] == 0x7f) return false;
    return utf8_valid(s);
}

// Tabs become spaces, CRLF a newline, other control bytes go, broken UTF-8 is U+FFFD.
static str repair(str s, char *to) {
    size_t n = 0;
    while (s.len) {
        int32_t cp;
        size_t used = utf8_decode(&cp, s);
        bool is_dropped = (cp >= 0 && cp < ' ' && cp != '\n' && cp != '\t') || cp == 0x7f;
        if (cp == UTF8_BAD) cp = UTF8_REPLACEMENT;
        if (cp == '\t') cp = ' ';
        if (!is_dropped) n += utf8_encode(to + n, cp);
        s = str_skip(s, used);
    }
    return (str){to, n};
}

static bool clean(html *h, str text) {
    if (!is_clean(text)) {
        char *to = arena_try(&h->mem, 3 * text.len);
        if (!to) return false;
        text = repair(text, to);
    }
    cleaner c = {.s = text, .to = arena_try(&h->mem, text.len + 1)};
    if (!c.to) return false;
    strip_comments(&c);
    h->src = (str){c.to, c.n};
    return true;
}

// --- Memory ----------------------------------------------------------------------------------

typedef struct counts {
    size_t quotes, refs, links, headings;
} counts;

static counts count(str s) {
    counts n = {0};
    for (size_t i = 0; i + 1 < s.len; i++) {
        char c = s.ptr[i], d = s.ptr[i + 1];
        n.quotes += c == '\'' && d == '\'';
        n.refs += c == '<' && (d == 'r' || d == 'R');
        n.links += c == '[' && d == '[';
        n.headings += c == '=' && (i == 0 || s.ptr[i - 1] == '\n');
    }
    return n;
}

static bool prepare(html *h, str text) {
    if (text.len > HTML__TEXT_MAX || !clean(h, text)) return false;
    counts n = count(h->src);
    h->match = arena_try_array(&h->mem, h->src.len + 1, sizeof *h->match);
    h->quotes = arena_try_array(&h->mem, n.quotes + 1, sizeof *h->quotes);
    h->refs = arena_try_array(&h->mem, n.refs + 1, sizeof *h->refs);
    h->categories = arena_try_array(&h->mem, n.links + 1, sizeof *h->categories);
    h->n_refs_max = n.refs;
    h->n_ids_max = n.headings;
    size_t n_keep = 2 * h->src.len + (64 << 10);
    void *keep = arena_try(&h->mem, n_keep);
    h->keep = (arena){.base = keep, .reserve = n_keep};
    return h->match && h->quotes && h->refs && h->categories && keep &&
           html__table_open(&h->ref_names, &h->mem, n.refs) &&
           html__table_open(&h->ids, &h->mem, 2 * n.headings) &&
           html__table_open(&h->category_names, &h->mem, n.links) &&
           arena_room(&h->mem) >= HTML__ROOM && html__scan(h, h->mem);
}

// --- Redirects -------------------------------------------------------------------------------

static const char *const redirect_words[] = {
    "REDIRECT",
    "WEITERLEITUNG",
    "REDIRECTION",
    "REDIRECCIÓN",
    "REDIRECCION",
    "RINVIA",
    "RIMANDO",
    "OMDIRIGERING",
    "DOORVERWIJZING",
    "ПЕРЕНАПРАВЛЕНИЕ",
    "перенаправление",
    "ПЕРЕНАПР",
    "перенапр",
    "ПЕРЕНАПРАВЛЕННЯ",
    "перенаправлення",
    "REDIRECIONAMENTO",
    "PATRZ",
    "PRZEKIERUJ",
    "TAM",
    "OHJAUS",
    "UUDELLEENOHJAUS",
    "ÁTIRÁNYÍTÁS",
    "PŘESMĚRUJ",
    "PRESMERUJ",
    "YÖNLENDİRME",
    "YÖNLENDIR",
    "ALIH",
    "ĐỔI",
    "転送",
    "リダイレクト",
    "重定向",
    "넘겨주기",
    "تحويل",
    "הפניה",
    "ΑΝΑΚΑΤΕΥΘΥΝΣΗ",
    "پیام",
    "تغییر_مسیر",
    "пренасочване",
    "ПРЕНАСОЧВАНЕ",
    "преусмери",
};

// "#REDIRECT [[target]]" at the start: the target's place. False when the page is none.
static bool redirect_target(range *out, const html *h) {
    range t = html__trim(h, (range){0, h->src.len});
    str s = html__str(h, t);
    if (!s.len || s.ptr[0] != '#') return false;
    str word = str_skip(s, 1);
    bool is_known = false;
    for (size_t i = 0; !is_known && i < countof(redirect_words); i++)
        is_known = str_starts_nocase(word, str_of(redirect_words[i]));
    size_t open = str_find(str_first(s, 64), STR("[["));
    if (!is_known || open >= min_size(s.len, 64)) return false;
    size_t end = html__span(h, t.a + open, t.b);
    if (!end) return false;
    size_t from = t.a + open + 2;
    *out = (range){from, from + str_find_byte(html__str(h, (range){from, end - 2}), '|')};
    return true;
}

static void redirect(html *h, range target) {
    str text = html__str(h, target);
    html__lit(h, "<p class=\"redirect\">Redirect to ");
    h->inline_only++;
    html__link_to(h, text, (range){0}, str_trim(text));
    h->inline_only--;
    html__lit(h, "</p>\n");
}

// --- All of it -------------------------------------------------------------------------------

static bool is_wikitext(str model) {
    return !model.len || str_eq(model, STR("wikitext"));
}

static void source(buf *out, str text, str model) {
    buf_add(out, STR("<pre class=\"code\" data-model=\""));
    buf_html(out, model);
    buf_add(out, STR("\">"));
    buf_html(out, text);
    buf_add(out, STR("</pre>\n"));
}

static void page(html *h) {
    range target;
    html__frame frame = {.pre = -1};
    h->frame = &frame;
    if (redirect_target(&target, h))
        redirect(h, target);
    else
        html__blocks(h, (range){0, h->src.len});
    html__references(h);
    html__categories(h);
    CHECK(h->n_stack == 0);
}

bool wiki_html(buf *out, str wikitext, str model, const wiki_html_options *o, arena scratch) {
    if (!is_wikitext(model)) {
        source(out, wikitext, model);
        return !out->failed;
    }
    html *h = arena_try(&scratch, sizeof *h);
    if (!h) return false;
    *h = (html){.out = out, .o = o, .site = o->site, .mem = scratch};
    if (!prepare(h, wikitext) || !buf_room(out, 64)) return false;  // so that out->ptr is not NULL
    page(h);
    return !out->failed;
}
