// wikitext/wikitext.c -- one page from its wikitext to its HTML: the passes in their order.
//
// I1  The order of the passes is MediaWiki's: it decides what unbalanced wikitext means.
// I2  What a page makes lives in one arena until it is done; passes hand strs to each other.
// I3  Every text that comes in is scrubbed first (scrub.c), so that a WT_MARK is ours; one that is
//     left at the end was a marker that a function cut in two.

#include "wikitext/wikitext.h"

#include "base/utf8.h"
#include "os/clock.h"
#include "wikitext/expand.h"
#include "wikitext/link.h"

enum {
    CLOCK_TICKS = 1 << 12,
    ROOM_MIN = 64 << 20,
    ROOM_FACTOR = 512,
    REFERENCE_MAX = 40,
    CONTENTS_MAX = 20000
};

static const wt_limits default_limits = {
    .nodes = 1000000,
    .expanded_bytes = 2 << 20,
    .argument_bytes = 2 << 20,
    .depth = 100,
    .expensive = 500,
    .output_bytes = 32 << 20,
};

size_t wt_room(size_t len) {
    return ROOM_MIN + ROOM_FACTOR * min_size(len, 4 << 20);
}

void *wt_list_add(wt_parser *p, wt_list *l, size_t size) {
    if (l->n == l->cap) {
        size_t cap = l->cap ? 2 * l->cap : 16;
        void *at = arena_try_array(p->mem, cap, size);
        if (!at) {
            p->over |= WT_OVER_MEMORY;
            return NULL;
        }
        if (l->n) memcpy(at, l->at, l->n * size);
        *l = (wt_list){at, l->n, cap};
    }
    return (char *)l->at + l->n++ * size;
}

static void look_at_clock(wt_parser *p) {
    const wt_options *o = p->o;
    int64_t now = os_now_ns();
    if (p->limits.deadline_ns && now > p->limits.deadline_ns) p->over |= WT_OVER_TIME;
    if (o->on_slow && !p->is_slow && now > o->slow_ns) {
        p->is_slow = true;
        o->on_slow(o->on_slow_arg);
    }
}

bool wt_spend(wt_parser *p, uint32_t ticks) {
    p->ticks += ticks;
    if (p->ticks >= CLOCK_TICKS) {
        p->ticks = 0;
        look_at_clock(p);
    }
    return wt_over(p);
}

void wt_add_category(wt_parser *p, str name, str sort_key) {
    wt_category *row = wt_list_add(p, &p->categories, sizeof *row);
    if (row) *row = (wt_category){name, sort_key};
}

// --- Passes ----------------------------------------------------------------------------------

typedef void pass(buf *out, wt_parser *p, str in, arena scratch);

// Runs one pass into p->mem.
static str through(pass *run, wt_parser *p, str in, arena scratch) {
    buf out;
    buf_init(&out, p->mem, in.len + in.len / 8 + 64);
    run(&out, p, in, scratch);
    if (out.failed) p->over |= WT_OVER_MEMORY;
    return buf_str(&out);
}

// "-----" at the start of a line.
static void rules(buf *out, wt_parser *p, str in, arena scratch) {
    (void)p, (void)scratch;
    size_t done = 0;
    for (size_t at = 0; at < in.len;) {
        if (!str_starts(str_skip(in, at), STR("----"))) {
            at += str_find(str_skip(in, at), STR("\n----")) + 1;
            continue;
        }
        buf_add(out, (str){in.ptr + done, at - done});
        buf_add(out, STR("<hr />"));
        while (at < in.len && in.ptr[at] == '-')
            at++;
        done = at;
    }
    buf_add(out, str_skip(in, done));
}

static pass *const inline_passes[] = {wt_sanitize, wt_tables,   rules,
                                      wt_switches, wt_headings, wt_links,
                                      wt_quotes,   wt_extlinks, wt_magic_links};

static str parse_inline(wt_parser *p, str text, bool is_main, arena scratch) {
    for (size_t i = 0; i < countof(inline_passes); i++)
        text = through(inline_passes[i], p, text, scratch);
    buf out;
    buf_init(&out, p->mem, text.len + text.len / 8 + 64);
    wt_format_headings(&out, p, text, is_main, scratch);
    return buf_str(&out);
}

// Scratch for what calls inside each other: every level takes its own part of the rest.
static str parse_blocks(wt_parser *p, str text, bool line_start, arena scratch) {
    buf out;
    text = wt_unstrip_str(p, text, "gx");
    buf_init(&out, p->mem, text.len + text.len / 8 + 64);
    wt_blocks(&out, p, text, line_start, scratch);
    text = through(wt_holders, p, buf_str(&out), scratch);
    text = wt_unstrip_str(p, text, "gxn");
    buf_init(&out, p->mem, text.len + text.len / 64 + 64);
    wt_french_spaces(&out, text);
    text = buf_str(&out);
    buf_init(&out, p->mem, text.len + 64);
    html_charrefs(&out, text);
    text = buf_str(&out);
    if (str_find_byte(text, WT_MARK) == text.len) return text;
    buf_init(&out, p->mem, text.len);
    wt_strip_kill(&out, text);
    return buf_str(&out);
}

// One level deeper, with a scratch arena of its own, opened the first time that a page gets there.
static bool go_deeper(wt_parser *p) {
    bool can = p->nest < WT_NEST_MAX && !wt_over(p) &&
               (p->level[p->nest].base || !arena_open(&p->level[p->nest], p->room, NULL));
    if (can)
        p->nest++;
    else
        p->over |= WT_OVER_DEPTH;
    return can;
}

str wt_parse_inside(wt_parser *p, str text, const wt_frame *frame) {
    if (!go_deeper(p)) return STR("");
    text = parse_inline(p, wt_expand_text(p, text, frame), false, p->level[p->nest - 1]);
    p->nest--;
    return text;
}

str wt_parse_fully(wt_parser *p, str text, const wt_frame *frame) {
    text = wt_parse_inside(p, text, frame);
    if (!go_deeper(p)) return STR("");
    text = parse_blocks(p, text, true, p->level[p->nest - 1]);
    p->nest--;
    return text;
}

// --- A page ----------------------------------------------------------------------------------

static wt_limits limits_of(const wt_limits *asked) {
    wt_limits l = *asked;
#define DEFAULT(field)                                                                             \
    if (!l.field) l.field = default_limits.field
    DEFAULT(nodes);
    DEFAULT(expanded_bytes);
    DEFAULT(argument_bytes);
    DEFAULT(depth);
    DEFAULT(expensive);
    DEFAULT(output_bytes);
#undef DEFAULT
    return l;
}

// Notes that no <references/> has listed stand behind the text.
static str with_footnotes(wt_parser *p, str text) {
    buf notes, out;
    buf_init(&notes, p->mem, 0);
    wt_cite_finish(&notes, p);
    if (!notes.len) return text;
    buf_init(&out, p->mem, text.len + notes.len);
    buf_add(&out, text);
    buf_add(&out, buf_str(&notes));
    return buf_str(&out);
}

// --- What a reader is told of limits -------------------------------------------------------------

static const struct {
    unsigned bit;
    const char *text;
} notes[] = {
    {WT_OVER_NODES, "it has too many templates and functions; the rest of them are shown as typed"},
    {WT_OVER_EXPANDED, "what its templates make is too long; some of them are left out"},
    {WT_OVER_ARGUMENTS, "what its templates are given is too long; some of it is left out"},
    {WT_OVER_DEPTH, "its templates or brackets lie too deep in each other"},
    {WT_OVER_EXPENSIVE, "it asks too often whether other pages exist"},
    {WT_OVER_OUTPUT, "it is too long, and cut here"},
    {WT_OVER_TIME, "it took too long; what was left is shown as typed"},
    {WT_OVER_MEMORY, "it needs too much memory, and is cut"},
};

static str with_notes(wt_parser *p, str html) {
    buf out;
    if (!(p->over & ~WT_OVER_LOOP)) return html;  // a loop is told where it is
    buf_init(&out, p->mem, html.len + 1024);
    buf_add(&out, html);
    buf_add(&out, STR("\n<div class=\"wt-limits\"><p>This page was not rendered in full:</p><ul>"));
    for (size_t i = 0; i < countof(notes); i++)
        if (p->over & notes[i].bit) buf_fmt(&out, "<li>%s</li>", notes[i].text);
    buf_add(&out, STR("</ul></div>"));
    return out.failed ? html : buf_str(&out);
}

// The tree builder closes what the cut left open.
static str cut(wt_parser *p, str text) {
    if (text.len <= p->limits.output_bytes) return text;
    p->over |= WT_OVER_OUTPUT;
    text = str_first(text, p->limits.output_bytes);
    text = str_first(text, utf8_complete(text));
    str tail = str_skip(text, text.len - min_size(text.len, REFERENCE_MAX));
    for (size_t i = tail.len; i > 0 && tail.ptr[i - 1] != ';'; i--)  // nor half a reference
        if (tail.ptr[i - 1] == '&') return str_first(text, text.len - (tail.len - i + 1));
    return text;
}

static void finish(wt_page *out, wt_parser *p) {
    out->sections = p->sections.at, out->n_sections = p->sections.n;
    out->categories = p->categories.at, out->n_categories = p->categories.n;
    out->languages = p->languages.at, out->n_languages = p->languages.n;
    out->used = p->used.at, out->n_used = p->used.n;
    out->indicators = p->indicators.at, out->n_indicators = p->indicators.n;
    out->costs = p->costs.at, out->n_costs = p->costs.n;
    out->display_title = p->display_title, out->default_sort = p->default_sort;
    out->over = p->over, out->switches = p->switches;
}

// A page of another kind: a style sheet, a module, data.
static void render_source(wt_page *out, str text, const wt_options *o, arena *mem) {
    buf b;
    buf_init(&b, mem, text.len + text.len / 4 + 128);
    b.limit = min_size(b.limit, limits_of(&o->limits).output_bytes);
    buf_add(&b, STR("<pre class=\"mw-code\" dir=\"ltr\" data-model=\""));
    html_escape(&b, o->model);
    buf_add(&b, STR("\">\n"));
    html_escape(&b, text);
    if (b.failed) out->over |= WT_OVER_OUTPUT;
    b.limit += 64;
    buf_add(&b, STR("</pre>\n"));
    out->html = buf_str(&b);
}

status wt_render(wt_page *out, str wikitext, const wt_options *o, arena *mem, arena scratch) {
    *out = (wt_page){0};
    if (o->model.len && !str_eq(o->model, STR("wikitext"))) {
        render_source(out, wikitext, o, mem);
        return OK;
    }
    wt_parser p = {.o = o,
                   .world = o->world,
                   .page = out,
                   .mem = mem,
                   .limits = limits_of(&o->limits),
                   .page_bytes = wikitext.len,
                   .room = wt_room(wikitext.len)};
    wt_title_parse(&p.title, &p, o->title, 0);
    wt_frame frame = {.title = p.title.full};
    p.frame = &frame;
    out->redirect = wt_redirect_of(&p, wikitext);
    str text = wt_expand_text(&p, wt_scrub(wikitext, mem), &frame);
    text = parse_inline(&p, text, true, scratch);
    text = parse_blocks(&p, with_footnotes(&p, text), true, scratch);
    if (!o->no_tidy) {
        buf html;
        buf_init(&html, mem, text.len + text.len / 8 + 64);
        html_tidy(&html, cut(&p, text), scratch);
        if (html.failed) p.over |= WT_OVER_MEMORY;
        text = buf_str(&html);
    }
    if (p.sections.n > CONTENTS_MAX && out->has_toc) {  // they would be longer than the page
        out->has_toc = false;
        p.over |= WT_OVER_OUTPUT;
    }
    text = through(wt_place_headings, &p, text, scratch);
    out->html = with_notes(&p, text);
    finish(out, &p);
    wt_parsed_end(&p);
    for (size_t i = 0; i < countof(p.level) && p.level[i].base; i++)
        arena_close(&p.level[i]);
    return OK;
}
