// Text inside a line: quotes, tags, entities, URLs, and the bracketed things by their handlers.
//
// Apostrophes are settled first, a line at a time, by MediaWiki's rule (doQuotes): runs of 2, 3 and
// 5 mean italic, bold and both; when bold and italic are both unbalanced one bold run is read as an
// apostrophe and italic. Bold and italic that overlap are closed and opened again.
//
//   I1  quotes[] holds the runs of the ranges being rendered, outermost first: a stack
//   I2  bold and italic end with the line

#include "wiki/html.h"

#include <utf8proc.h>

// --- Apostrophes -----------------------------------------------------------------------------

static void add_quote(html *h, size_t pos, size_t n) {
    html__quote *q = &h->quotes[h->n_quotes++];
    size_t kind = n >= 5 ? 5 : n == 4 ? 3 : n;
    *q = (html__quote){.pos = (uint32_t)pos, .literal = (uint8_t)min_size(n - kind, 250)};
    q->kind = (uint8_t)kind;
    q->len = (uint8_t)(q->literal + kind);
}

static void collect_quotes(html *h, range r) {
    for (size_t i = r.a; i < r.b;) {
        char c = h->src.ptr[i];
        size_t span = html__span(h, i, r.b);
        html__markup m;
        if (span) {
            i = span;
        } else if (c == '<' && html__markup_at(&m, h->src, i) && m.end <= r.b) {
            i = m.end;
        } else if (c == '\'') {
            size_t n = 1;
            while (i + n < r.b && h->src.ptr[i + n] == '\'' && n < 255)
                n++;
            if (n >= 2) add_quote(h, i, n);
            i += n;
        } else {
            i++;
        }
    }
}

// How good a bold run is for being read as "'" + italic: MediaWiki's order of preference.
static int misread_rank(const html *h, const html__quote *q, size_t from) {
    size_t at = q->pos + q->literal;
    char before = at > from ? h->src.ptr[at - 1] : ' ';
    char before2 = at > from + 1 ? h->src.ptr[at - 2] : ' ';
    return before == ' ' ? 1 : before2 == ' ' ? 3 : 2;
}

static void balance_quotes(html *h, size_t first, size_t from) {
    size_t bold = 0, italic = 0;
    html__quote *best = NULL;
    int best_rank = 0;
    for (size_t i = first; i < h->n_quotes; i++) {
        html__quote *q = &h->quotes[i];
        bold += q->kind != 2;
        italic += q->kind != 3;
        int rank = q->kind == 3 ? misread_rank(h, q, from) : 0;
        if (rank > best_rank) best = q, best_rank = rank;
    }
    if (!(bold & 1) || !(italic & 1) || !best) return;
    best->literal++;
    best->kind = 2;
}

static int quote_elem(const html *h, html__tag tag, int from) {
    for (int i = h->n_stack; i-- > from;)
        if (h->stack[i].tag == tag && h->stack[i].owner == BY_QUOTE) return i;
    return -1;
}

// Closes `tag`, and what apostrophes opened above it is opened again.
static void close_quote(html *h, html__tag tag, int at) {
    html__tag other = tag == TAG_B ? TAG_I : TAG_B;
    bool reopen = quote_elem(h, other, at) > at;
    html__pop_to(h, at);
    if (reopen) html__push(h, other, BY_QUOTE, (str){0});
}

static void toggle(html *h, html__tag tag, int from) {
    int at = quote_elem(h, tag, from);
    if (at >= 0) return close_quote(h, tag, at);
    html__ready(h);
    html__push(h, tag, BY_QUOTE, (str){0});
}

// Five apostrophes: the one that ends first must be the inner one.
static void toggle_both(html *h, size_t next, int from) {
    int b = quote_elem(h, TAG_B, from), i = quote_elem(h, TAG_I, from);
    bool bold_ends_first = next < h->n_quotes && h->quotes[next].kind == 3;
    bool bold_first = b >= 0 || i >= 0 ? b > i : !bold_ends_first;
    toggle(h, bold_first ? TAG_B : TAG_I, from);
    toggle(h, bold_first ? TAG_I : TAG_B, from);
}

static void do_quote(html *h, size_t k, int from) {
    html__quote q = h->quotes[k];
    for (int i = 0; i < q.literal; i++)
        html__text(h, STR("'"));
    if (q.kind == 5)
        toggle_both(h, k + 1, from);
    else
        toggle(h, q.kind == 3 ? TAG_B : TAG_I, from);
}

static void end_quotes(html *h, int from) {  // I2
    for (int i = from; i < h->n_stack; i++)
        if (h->stack[i].owner == BY_QUOTE) return html__pop_to(h, i);
}

// --- Tags, entities, switches ----------------------------------------------------------------

static void line_break(html *h) {
    html__ready(h);
    html__lit(h, "<br>");
}

static bool is_dropped(str name) {
    return str_eq_nocase(name, STR("noinclude")) || str_eq_nocase(name, STR("onlyinclude"));
}

// Returns where the tag ends, or 0 when it is text.
static size_t do_tag(html *h, size_t i, size_t limit) {
    html__markup m;
    if (!html__markup_at(&m, h->src, i) || m.end > limit) return 0;
    if (is_dropped(m.name)) return m.end;
    html__tag tag = html__tag_named(m.name);
    if (tag == TAG_COUNT) return 0;
    if (tag == TAG_BR) {
        line_break(h);
    } else if (m.is_end) {
        html__end_tag(h, tag);
    } else {
        arena a = h->mem;
        buf attrs;
        buf_init(&attrs, &a, 6 * min_size(m.attrs.len, HTML__ATTRS_MAX) + 512);
        attrs.limit = attrs.cap;  // growing would overlap the scratch of html__attrs
        html__attrs(&attrs, m.attrs, a);
        html__start_tag(h, tag, attrs.failed ? (str){0} : buf_str(&attrs), m.is_empty);
    }
    return m.end;
}

// "&name;" and valid "&#n;" pass as they are. Returns where it ends, or 0.
static size_t do_entity(html *h, size_t i, size_t limit) {
    str s = {h->src.ptr + i + 1, limit - i - 1};
    size_t n = 0;
    if (s.len && s.ptr[0] == '#') {
        char out[UTF8_MAX];
        size_t out_len;
        n = wiki__entity(out, &out_len, s);
        bool is_control = n && out_len == 1 && (unsigned char)out[0] < ' ';
        if (!n || is_control) return 0;
    } else {
        while (n < s.len && n < 32 && ((s.ptr[n] | 32) >= 'a' && (s.ptr[n] | 32) <= 'z'))
            n++;
        while (n && n < s.len && n < 32 && s.ptr[n] >= '0' && s.ptr[n] <= '9')
            n++;
        if (!n || n == s.len || s.ptr[n] != ';') return 0;
        n++;
    }
    html__ready(h);
    buf_add(h->out, (str){h->src.ptr + i, n + 1});
    return i + 1 + n;
}

void html__plain(html *h, str s) {
    range r = {(size_t)(s.ptr - h->src.ptr), (size_t)(s.ptr - h->src.ptr) + s.len};
    size_t from = r.a;
    for (size_t i = r.a; i < r.b;) {
        bool may_be = h->src.ptr[i] == '&';
        if (may_be) buf_html(h->out, (str){h->src.ptr + from, i - from});
        if (may_be) from = i;
        size_t end = may_be ? do_entity(h, i, r.b) : 0;
        if (end) from = end;
        i = end ? end : i + 1;
    }
    buf_html(h->out, (str){h->src.ptr + from, r.b - from});
}

// "__NOTOC__" and the like, in any language: two underscores around capitals. 0: it is text.
static size_t switch_end(const html *h, size_t i, size_t limit) {
    str s = str_first((str){h->src.ptr + i, limit - i}, 64);
    if (!str_starts(s, STR("__"))) return 0;
    size_t n = 2;
    while (n < s.len && ((s.ptr[n] >= 'A' && s.ptr[n] <= 'Z') || (s.ptr[n] & 0x80)))
        n++;
    while (n > 2 && n + 2 < s.len && s.ptr[n] == '_' && s.ptr[n + 1] != '_' &&
           s.ptr[n + 1] >= 'A' && s.ptr[n + 1] <= 'Z')
        for (n++; n < s.len && s.ptr[n] >= 'A' && s.ptr[n] <= 'Z';)
            n++;
    return n > 3 && str_starts(str_skip(s, n), STR("__")) ? i + n + 2 : 0;
}

// --- The loop --------------------------------------------------------------------------------

static const bool is_special[256] = {
    ['\''] = true, ['['] = true, ['{'] = true, ['<'] = true,
    ['&'] = true,  [':'] = true, ['_'] = true,
};

typedef struct walk {
    html *h;
    range r;
    size_t from;   // text that was not written yet starts here
    size_t quote;  // next of h->quotes
    int base;      // of the stack
    bool is_term;  // "; term : definition": the colon is still to come
} walk;

static void flush(walk *w, size_t i) {
    if (i > w->from) html__text(w->h, (str){w->h->src.ptr + w->from, i - w->from});
    w->from = i;
}

static size_t do_span(walk *w, size_t i, size_t end) {
    html *h = w->h;
    range r = {i, end};
    flush(w, i);
    switch (h->src.ptr[i]) {
    case '[':
        return html__link(h, r, w->r.b);
    case '{':
        if (html__is_parameter(h, i))
            html__text(h, html__str(h, r));
        else
            html__template(h, r);
        return end;
    default:
        html__extension(h, r);
        return end;
    }
}

// "term : definition" on a line of its own kind.
static bool ends_term(walk *w, size_t i) {
    html *h = w->h;
    if (!w->is_term || h->n_stack != w->base || h->stack[w->base - 1].tag != TAG_DT) return false;
    flush(w, i);
    html__pop_to(h, w->base - 1);
    h->floor = w->base;
    w->is_term = false;
    return html__push(h, TAG_DD, BY_LINE, (str){0});
}

static size_t do_colon(walk *w, size_t i) {
    size_t end = w->h->in_link ? 0 : html__bare_url(w->h, w->from, i, w->r.b);
    if (end) return end;
    return ends_term(w, i) ? i + 1 : 0;
}

// Each returns where to go on, or 0 when the character is text.
static size_t do_special(walk *w, size_t i) {
    html *h = w->h;
    size_t end = html__span(h, i, w->r.b);
    if (end) return do_span(w, i, end);
    switch (h->src.ptr[i]) {
    case '\'':
        if (w->quote == h->n_quotes || h->quotes[w->quote].pos != i) return 0;
        flush(w, i);
        do_quote(h, w->quote, w->base);
        return i + h->quotes[w->quote++].len;
    case '<':
        flush(w, i);
        return do_tag(h, i, w->r.b);
    case '&':
        flush(w, i);
        return do_entity(h, i, w->r.b);
    case '_':
        end = switch_end(h, i, w->r.b);
        if (end) flush(w, i);
        return end;
    case ':':
        return do_colon(w, i);
    default:
        return 0;
    }
}

static void walk_range(walk *w) {
    for (size_t i = w->r.a; i < w->r.b;) {
        size_t end = is_special[(unsigned char)w->h->src.ptr[i]] ? do_special(w, i) : 0;
        if (end) w->from = end;
        i = end ? end : i + 1;
    }
    flush(w, w->r.b);
}

void html__line(html *h, range r, bool is_term) {
    if (h->calls >= HTML__CALLS_MAX) return html__text(h, html__str(h, r));
    h->calls++;
    size_t first = h->n_quotes;
    collect_quotes(h, r);
    balance_quotes(h, first, r.a);
    walk w = {.h = h, .r = r, .from = r.a, .quote = first, .base = h->n_stack, .is_term = is_term};
    size_t n_quotes = h->n_quotes;
    walk_range(&w);
    end_quotes(h, min_size((size_t)w.base, (size_t)h->n_stack));
    CHECK(h->n_quotes == n_quotes);  // I1
    h->n_quotes = first;
    h->calls--;
}

void html__inline(html *h, range r) {
    if (html__trim(h, r).a < r.b) html__ready(h);  // below `base`: what follows goes on in it
    int base = h->n_stack, floor = h->floor;
    h->floor = base;
    html__line(h, r, false);
    html__pop_to(h, base);
    h->floor = floor;
}
