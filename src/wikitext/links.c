// wikitext/links.c -- [[links]]: pages, categories, languages, files; and what they become once it
// is known which pages exist.
//
// The text is cut at every "[[": a piece that starts with a title and has "]]" is a link, anything
// else stays text. A link is kept as a marker, for what stands in it must not be touched by the
// passes to come, and its page is looked up at the end, together with all others.
//
// I1  Linear: a piece is looked at once. Only an open [[File: looks at the pieces behind it, and
//     takes them along; that goes NEST deep.
// I2  A link's text is a view of the pass's input wherever nothing was changed in it.
// I3  Nothing is written for a link but through wt_put_attr and texts that the passes before have
//     made safe.

#include "wikitext/link.h"

enum {
    NS_MEDIA = -2,
    NS_SPECIAL = -1,
    NS_FILE = 6,
    NS_CATEGORY = 14,
    NEST = 16,  // open [[File: in each other; link texts with links in markers
    LANGUAGES_MAX = 1000,
    LINK_BYTES = 128,  // of an <a>, mostly
    UNASKED = 0xFF,
};

typedef enum link_kind {
    LINK_PAGE,   // is looked up
    LINK_KNOWN,  // need not be: "#x"
    LINK_OUT,    // interwiki
    LINK_SELF,
    LINK_SOFT,  // is looked up; without its page it is its text alone
} link_kind;

typedef struct wt_holder {
    str full, fragment;
    str text;             // what is shown: HTML
    const wt_title *out;  // of another wiki; NULL: here
    int32_t ns;
    uint8_t kind;    // link_kind
    uint8_t status;  // wt_status, or UNASKED
} wt_holder;

// --- Writing ---------------------------------------------------------------------------------

void wt_put_attr(buf *out, const char *name, str value) {
    buf_byte(out, ' ');
    buf_add(out, str_of(name));
    buf_add(out, STR("=\""));
    buf_html(out, value);
    buf_byte(out, '"');
}

void wt_put_attr_int(buf *out, const char *name, int64_t value) {
    buf_fmt(out, " %s=\"%lld\"", name, (long long)value);
}

str wt_title_prefixed(wt_parser *p, const wt_title *t) {
    if (!t->interwiki.len) return t->full;
    buf b;
    buf_init(&b, p->mem, t->interwiki.len + 1 + t->full.len);
    buf_add(&b, t->interwiki);
    buf_byte(&b, ':');
    buf_add(&b, t->full);
    return buf_str(&b);
}

static void put_fragment(buf *out, wt_parser *p, const wt_title *t) {
    if (!t->fragment.len) return;
    buf b;
    buf_init(&b, p->mem, 0);
    bool is_old = p->o->legacy_ids;
    html_fragment(&b, (is_old ? wt_id_legacy : html_id)(t->fragment, p->mem));
    buf_byte(out, '#');
    buf_html(out, buf_str(&b));
}

void wt_put_title_href(buf *out, wt_parser *p, const wt_title *t, str query) {
    buf_add(out, STR(" href=\""));
    bool is_anchor = !t->full.len && !t->interwiki.len && t->fragment.len;
    if (!query.len && !t->interwiki.len) {
        if (!is_anchor) wt_title_url(out, p, t, query);
    } else {
        buf b;
        buf_init(&b, p->mem, 0);
        wt_title_url(&b, p, t, query);
        buf_html(out, buf_str(&b));
    }
    put_fragment(out, p, t);
    buf_byte(out, '"');
}

void wt_put_upload_href(buf *out, wt_parser *p, const wt_title *t) {
    if (!wt_has_uploads(p)) {
        wt_put_title_href(out, p, t, STR(""));
        return;
    }
    buf_add(out, STR(" href=\""));
    buf_add(out, str_of(p->o->script_path));
    buf_add(out, STR("?title=Special:Upload&amp;wpDestFile="));
    wt_put_url_title(out, t->text);
    buf_byte(out, '"');
}

// --- Holders: markers become links -----------------------------------------------------------

static void hold(buf *out, wt_parser *p, const wt_title *t, link_kind kind, str text) {
    wt_holder *h = wt_list_add(p, &p->holders, sizeof *h);
    if (!h) return;
    *h = (wt_holder){t->full, t->fragment, text, NULL, t->ns, (uint8_t)kind, WT_EXISTS};
    if (kind == LINK_PAGE || kind == LINK_SOFT) h->status = UNASKED;
    if (kind == LINK_OUT) {
        wt_title *copy = arena_new(p->mem, wt_title);
        *copy = *t;
        h->out = copy;
    }
    wt_mark_add(out, WT_STRIP_LINK, (uint32_t)(p->holders.n - 1));
}

void wt_put_soft_link(buf *out, wt_parser *p, const wt_title *t, str html) {
    hold(out, p, t, t->interwiki.len ? LINK_OUT : LINK_SOFT, html);
}

static wt_holder *holder_at(wt_parser *p, str text) {
    wt_strip kind;
    uint32_t index;
    if (!wt_mark_at(&kind, &index, text) || kind != WT_STRIP_LINK || index >= p->holders.n)
        return NULL;
    return (wt_holder *)p->holders.at + index;
}

static void put_self(buf *out, wt_parser *p, const wt_title *t) {
    if (t->fragment.len) {
        buf_add(out, STR("<a class=\"mw-selflink-fragment\" href=\""));
        put_fragment(out, p, t);
        buf_add(out, STR("\">"));
    } else {
        buf_add(out, STR("<a class=\"mw-selflink selflink\">"));
    }
}

static void put_missing(buf *out, wt_parser *p, const wt_title *t) {
    wt_title page = *t;
    page.fragment = (str){0};
    bool has_editor = p->o->red_links_to_editor && page.ns != NS_SPECIAL;
    buf_add(out, STR("<a"));
    wt_put_title_href(out, p, &page, has_editor ? STR("action=edit&redlink=1") : STR(""));
    buf_add(out, STR(" class=\"new\" title=\""));
    buf_html(out, page.full);
    buf_add(out, STR(" (page does not exist)\">"));
}

static void put_found(buf *out, wt_parser *p, const wt_title *t, unsigned state) {
    str name = wt_title_prefixed(p, t);
    buf_add(out, STR("<a"));
    wt_put_title_href(out, p, t, STR(""));
    if (t->interwiki.len && !t->wiki.is_hosted)
        buf_add(out, STR(" class=\"extiw\""));
    else if (state & WT_REDIRECT)
        buf_add(out, STR(" class=\"mw-redirect\""));
    else if (state & WT_STUB)
        buf_add(out, STR(" class=\"stub\""));
    if (name.len) {
        buf_add(out, STR(" title=\""));
        buf_html(out, name);
        buf_byte(out, '"');
    }
    buf_byte(out, '>');
}

static void put_open(buf *out, wt_parser *p, const wt_holder *h) {
    wt_title t = {.ns = h->ns, .text = h->full, .full = h->full, .fragment = h->fragment};
    if (h->out) t = *h->out;
    if (h->kind == LINK_SELF)
        put_self(out, p, &t);
    else if (h->status == WT_MISSING)
        put_missing(out, p, &t);
    else
        put_found(out, p, &t, h->kind == LINK_PAGE ? h->status : 0);
}

static void put_links(buf *out, wt_parser *p, str in, int depth);

static void put_holder(buf *out, wt_parser *p, const wt_holder *h, int depth) {
    str text = h->text;
    bool is_link = h->kind != LINK_SOFT || h->status != WT_MISSING;
    if (is_link) put_open(out, p, h);
    put_links(out, p, text, depth + 1);
    if (is_link) buf_add(out, STR("</a>"));
}

// Goes over the markers of `in`; what is no link stays.
static void put_links(buf *out, wt_parser *p, str in, int depth) {
    while (in.len) {
        size_t at = str_find_byte(in, WT_MARK);
        buf_add(out, str_first(in, at));
        in = str_skip(in, at);
        if (!in.len) return;
        wt_holder *h = depth < NEST ? holder_at(p, in) : NULL;
        if (h) put_holder(out, p, h, depth);
        if (!h) buf_byte(out, WT_MARK);
        in = str_skip(in, h ? WT_MARK_LEN : 1);
    }
}

// Links of `in` that are still to be looked up, and of the texts of links; markers in the latter
// are replaced on the way.
static size_t collect(uint32_t *found, size_t n, wt_parser *p, str in, int depth) {
    while (in.len) {
        in = str_skip(in, str_find_byte(in, WT_MARK));
        wt_holder *h = in.len && depth < NEST ? holder_at(p, in) : NULL;
        if (h && h->status == UNASKED && n < p->holders.n) {
            h->status = WT_MISSING;
            found[n++] = (uint32_t)(h - (wt_holder *)p->holders.at);
        }
        if (h && str_find_byte(h->text, WT_MARK) < h->text.len) {
            h->text = wt_unstrip_str(p, h->text, "gx");
            n = collect(found, n, p, h->text, depth + 1);
        }
        in = str_skip(in, h ? WT_MARK_LEN : 1);
    }
    return n;
}

// Each title once: unique[i] are their first holders, which[i] says which of them holder i has.
static size_t fold(uint32_t *which, str *unique, wt_parser *p, const uint32_t *found, size_t n,
                   uint32_t *slots, size_t mask) {
    size_t n_unique = 0;
    const wt_holder *holders = p->holders.at;
    for (size_t i = 0; i < n; i++) {
        str title = holders[found[i]].full;
        size_t at = str_hash(title, 0) & mask;
        while (slots[at] && !str_eq(unique[slots[at] - 1], title))
            at = (at + 1) & mask;
        if (!slots[at]) {
            unique[n_unique] = title;
            slots[at] = (uint32_t)++n_unique;
        }
        which[i] = slots[at] - 1;
    }
    return n_unique;
}

static bool is_file(wt_parser *p, const wt_holder *h) {
    wt_file file = {0};
    str name = str_skip(h->full, str_find_byte(h->full, ':') + 1);
    return h->ns == NS_FILE && p->world->file &&
           p->world->file(p->world->arg, &file, name, 0, p->mem) && file.url.len;
}

static void look_up(wt_parser *p, const uint32_t *found, size_t n, arena scratch) {
    size_t mask = 16;
    while (mask < 2 * n)
        mask *= 2;
    uint32_t *slots = arena_try_array(&scratch, mask, sizeof *slots);
    uint32_t *which = arena_try_array(&scratch, n, sizeof *which);
    str *unique = arena_try_array(&scratch, n, sizeof *unique);
    wt_status *state = arena_try_array(&scratch, n, sizeof *state);
    if (!slots || !which || !unique || !state) {
        p->over |= WT_OVER_MEMORY;
        return;
    }
    size_t n_unique = fold(which, unique, p, found, n, slots, mask - 1);
    if (p->world->exists) p->world->exists(p->world->arg, state, unique, n_unique);
    for (size_t i = 0; i < n; i++) {
        wt_holder *h = (wt_holder *)p->holders.at + found[i];
        h->status = (uint8_t)state[which[i]];
        if (h->status == WT_MISSING && is_file(p, h)) h->status = WT_EXISTS;
    }
}

void wt_holders(buf *out, wt_parser *p, str in, arena scratch) {
    uint32_t *found = arena_try_array(&scratch, p->holders.n + 1, sizeof *found);
    if (!found) {
        p->over |= WT_OVER_MEMORY;
        return;
    }
    size_t n = collect(found, 0, p, in, 0);
    if (n) look_up(p, found, n, scratch);
    // Most of what it takes at once: growing by steps would copy the page again and again.
    if (buf_room(out, in.len + n * LINK_BYTES)) put_links(out, p, in, 0);
}

static void put_texts(buf *out, wt_parser *p, str text, int depth) {
    while (text.len) {
        size_t at = str_find_byte(text, WT_MARK);
        buf_add(out, str_first(text, at));
        text = str_skip(text, at);
        if (!text.len) return;
        const wt_holder *h = depth < NEST ? holder_at(p, text) : NULL;
        if (h) put_texts(out, p, h->text, depth + 1);
        if (!h) buf_byte(out, WT_MARK);
        text = str_skip(text, h ? WT_MARK_LEN : 1);
    }
}

void wt_link_texts(buf *out, wt_parser *p, str text) {
    put_texts(out, p, text, 0);
}

// --- Reading ---------------------------------------------------------------------------------

typedef struct run {
    buf *out;
    wt_parser *p;
    const wt_trail_rule *trail;
    size_t base;  // of `out`, where this run started
    int depth;
    arena scratch;
} run;

typedef struct link {
    str line;      // all of the piece
    str target;    // as written
    str text;      // behind the first '|'
    str after;     // the rest of the piece
    bool is_open;  // no "]]" in it: may be a file with links in its caption
    str prefix;    // letters in front that belong to it
    wt_title title;
} link;

// clang-format off
static const bool no_target[256] = {
    [0x00 ... 0x1F] = true, [0x7F] = true, ['<'] = true, ['>'] = true, ['['] = true,
    [']'] = true, ['{'] = true, ['}'] = true, ['|'] = true,
};
// clang-format on

static bool split(link *l, str line) {
    size_t n = 0;
    while (n < line.len && !no_target[(unsigned char)line.ptr[n]])
        n++;
    *l = (link){.line = line, .target = str_first(line, n)};
    str rest = str_skip(line, n);
    if (n == 0 || rest.len == 0) return false;
    if (wt_is_pair(rest, ']')) {
        l->after = str_skip(rest, 2);
        return true;
    }
    if (rest.ptr[0] != '|') return false;
    l->text = str_skip(rest, 1);
    size_t end = 1 + wt_find_pair(str_skip(l->text, 1), ']');
    l->is_open = end >= l->text.len;
    if (l->is_open) return true;
    l->after = str_skip(l->text, end + 2);
    l->text = str_first(l->text, end);
    // "[[x|[y]]]": the first of three closes what was opened in the text.
    if (l->after.len && l->after.ptr[0] == ']' && str_find_byte(l->text, '[') < l->text.len)
        l->text.len++, l->after = str_skip(l->after, 1);
    return true;
}

static int hex(char c) {
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 87 : -1;
}

// The byte that "%41" at the start stands for; -1: none, or one that no text has (a marker's).
static int percent_byte(str s) {
    if (s.len < 3 || s.ptr[0] != '%' || hex(s.ptr[1]) < 0 || hex(s.ptr[2]) < 0) return -1;
    int byte = hex(s.ptr[1]) * 16 + hex(s.ptr[2]);
    return byte < 0x20 || byte == WT_MARK ? -1 : byte;
}

str wt_percent_decoded(wt_parser *p, str s) {
    if (str_find_byte(s, '%') == s.len) return s;
    buf b;
    buf_init(&b, p->mem, s.len);
    while (s.len) {
        int byte = percent_byte(s);
        char c = byte < 0 ? s.ptr[0] : (char)byte;
        s = str_skip(s, byte < 0 ? 1 : 3);
        if (c == '<')
            buf_add(&b, STR("&lt;"));
        else if (c == '>')
            buf_add(&b, STR("&gt;"));
        else
            buf_byte(&b, c);
    }
    return buf_str(&b);
}

static void put_raw(run *r, const link *l, str text) {
    buf_add(r->out, l->prefix);
    buf_add(r->out, STR("[["));
    buf_add(r->out, text);
}

// White space behind the last text, from its first line end on: what stands there for a category
// or a language would leave empty lines.
static void drop_lines(run *r) {
    size_t n = r->out->len, from = n;
    while (n > r->base) {
        char c = r->out->ptr[n - 1];
        if (c != ' ' && !(c >= '\t' && c <= '\r')) break;
        if (r->out->ptr[--n] == '\n') from = n;
    }
    r->out->len = from;
}

// Text, prefix and trail as one; l->after is moved behind the trail.
static str whole_text(run *r, link *l, str text) {
    size_t n = wt_trail(r->trail, l->after);
    str trail = str_first(l->after, n);
    l->after = str_skip(l->after, n);
    if (!trail.len && !l->prefix.len) return text;
    buf b;
    buf_init(&b, r->p->mem, l->prefix.len + text.len + n);
    buf_add(&b, l->prefix);
    buf_add(&b, text);
    buf_add(&b, trail);
    return buf_str(&b);
}

static void add_language(wt_parser *p, const wt_title *t) {
    if (p->languages.n >= LANGUAGES_MAX) return;
    str name = wt_title_prefixed(p, t);
    if (t->fragment.len) name = arena_fmt(p->mem, "%.*s#%.*s", STR_ARG(name), STR_ARG(t->fragment));
    const str *all = p->languages.at;
    for (size_t i = 0; i < p->languages.n; i++)
        if (str_starts(all[i], t->interwiki) && all[i].ptr[t->interwiki.len] == ':') return;
    str *row = wt_list_add(p, &p->languages, sizeof *row);
    if (row) *row = name;
}

static str without_lines(wt_parser *p, str s) {
    if (str_find_byte(s, '\n') == s.len) return s;
    buf b;
    buf_init(&b, p->mem, s.len);
    while (s.len)
        buf_add(&b, str_cut(&s, '\n'));
    return buf_str(&b);
}

static void add_category(run *r, const link *l, bool is_blank) {
    str key = is_blank ? (str){0} : without_lines(r->p, html_decode(l->text, r->p->mem));
    wt_add_category(r->p, l->title.text, key);
}

static void links_in(run *r, str in);

static str links_of(run *r, str in) {
    buf out;
    buf_init(&out, r->p->mem, in.len + 64);
    links_in(&(run){&out, r->p, r->trail, 0, r->depth + 1, r->scratch}, in);
    return buf_str(&out);
}

static void put_file(run *r, const link *l, bool is_blank) {
    str options = STR("");
    if (!is_blank) {
        buf b;
        str text = l->text;
        if (wt_find_pair(text, '\'') < text.len) text = wt_quotes_str(r->p, text, r->scratch);
        buf_init(&b, r->p->mem, text.len + 64);
        wt_extlinks(&b, r->p, text, r->scratch);
        options = links_of(r, buf_str(&b));
    }
    buf_add(r->out, l->prefix);
    wt_file_link(r->out, r->p, &l->title, options, r->scratch);
}

// [[Media:x]]: the file itself.
static void put_media(run *r, const link *l, str text) {
    wt_parser *p = r->p;
    wt_file file = {0};
    buf b;
    buf_init(&b, p->mem, text.len + 128);
    bool is_there =
        p->world->file && p->world->file(p->world->arg, &file, l->title.text, 0, p->mem);
    buf_add(&b, STR("<a"));
    wt_title page = l->title;
    if (file.name.len) page.text = file.name;
    page.ns = NS_FILE, page.fragment = (str){0};
    page.full = arena_fmt(p->mem, "%.*s:%.*s", STR_ARG(wt_ns_name(p, NS_FILE)), STR_ARG(page.text));
    if (!is_there)
        wt_put_upload_href(&b, p, &page);
    else if (file.url.len)
        wt_put_attr(&b, "href", file.url);
    else
        wt_put_title_href(&b, p, &page, STR(""));
    wt_put_attr(&b, "class", is_there ? STR("internal") : STR("new"));
    wt_put_attr(&b, "title", page.text);
    buf_byte(&b, '>');
    buf_add(r->out, l->prefix);
    wt_strip_add(r->out, p, WT_STRIP_GENERAL, buf_str(&b));
    buf_add(r->out, text);
    buf_add(r->out, STR("</a>"));
}

// What a link without ':' in front does instead of linking. False: it links.
static bool acts(run *r, link *l, bool is_blank) {
    const wt_title *t = &l->title;
    bool is_talk = r->p->title.ns > 0 && r->p->title.ns & 1;
    if (t->interwiki.len && t->wiki.is_language && !is_talk) {
        add_language(r->p, t);
    } else if (!t->interwiki.len && t->ns == NS_CATEGORY) {
        add_category(r, l, is_blank);
    } else if (!t->interwiki.len && t->ns == NS_FILE) {
        put_file(r, l, is_blank);
        return true;
    } else {
        return false;
    }
    buf_add(r->out, l->prefix);
    drop_lines(r);
    return true;
}

static void put_link(run *r, link *l, str target, bool is_forced) {
    wt_parser *p = r->p;
    const wt_title *t = &l->title;
    bool is_blank = l->text.len == 0;
    if (!is_forced && !t->is_local && acts(r, l, is_blank)) return;
    str text = l->text;
    if (is_blank)
        text = target.ptr[0] == ':' ? str_skip(target, 1) : target;
    else if (wt_find_pair(text, '\'') < text.len)
        text = wt_quotes_str(p, text, r->scratch);
    bool is_here = !t->interwiki.len;
    if (is_here && t->ns == NS_MEDIA) {
        put_media(r, l, text);
        return;
    }
    bool is_self = is_here && t->ns != NS_SPECIAL && str_eq(t->full, p->title.full);
    link_kind kind = is_self        ? LINK_SELF
                     : !is_here     ? LINK_OUT
                     : !t->full.len ? LINK_KNOWN
                                    : LINK_PAGE;
    hold(r->out, p, t, kind, whole_text(r, l, text));
}

// The pieces behind an open file, up to where it is closed: *rest moves behind them. False: it is
// never closed.
static bool find_end(link *l, str *rest) {
    const char *start = l->text.ptr;
    while (rest->len) {
        str body = str_skip(*rest, 2);
        size_t n = wt_find_pair(body, '[');
        str piece = str_first(body, n);
        *rest = str_skip(body, n);
        l->text = (str){start, (size_t)(piece.ptr + piece.len - start)};
        size_t first = wt_find_pair(piece, ']');
        if (first == piece.len) return false;
        size_t second = first + 2 + wt_find_pair(str_skip(piece, first + 2), ']');
        if (second >= piece.len) continue;
        l->text.len = (size_t)(piece.ptr + second - start);
        l->after = str_skip(piece, second + 2);
        return true;
    }
    return false;
}

static void put_unclosed(run *r, link *l, str target, str text) {
    put_raw(r, l, target);
    buf_byte(r->out, '|');
    buf_add(r->out, text);
}

// The piece behind a "[["; *rest starts at the next one.
static void piece(run *r, str line, str *rest) {
    link l;
    wt_parser *p = r->p;
    size_t at = wt_trail_prefix(r->trail, (str){r->out->ptr, r->out->len});
    bool is_link = split(&l, line);
    if (at < r->out->len && at >= r->base) {
        l.prefix = arena_str(p->mem, str_skip(buf_str(r->out), at));
        r->out->len = at;
    }
    str target = is_link ? wt_percent_decoded(p, l.target) : (str){0};
    while (target.len && target.ptr[0] == ' ')
        target = str_skip(target, 1);
    if (!is_link || wt_scheme_or_none(target)) {
        put_raw(r, &l, line);
        return;
    }
    bool is_forced = target.len && target.ptr[0] == ':';
    target = wt_subpage(&l.text, p, target);
    if (!wt_title_parse(&l.title, p, target, 0)) {
        put_raw(r, &l, line);
        return;
    }
    bool is_file = l.title.ns == NS_FILE && !l.title.interwiki.len && !is_forced;
    if (l.is_open && !is_file) {
        put_unclosed(r, &l, target, l.text);
        return;
    }
    if (l.is_open && !find_end(&l, rest)) {
        put_unclosed(r, &l, target, r->depth < NEST ? links_of(r, l.text) : l.text);
        return;
    }
    put_link(r, &l, target, is_forced);
    buf_add(r->out, l.after);
}

static void links_in(run *r, str in) {
    size_t at = wt_find_pair(in, '[');
    buf_add(r->out, str_first(in, at));
    str rest = str_skip(in, at);
    while (rest.len) {
        if (wt_spend(r->p, 8)) {
            buf_add(r->out, rest);
            return;
        }
        str body = str_skip(rest, 2);
        size_t n = wt_find_pair(body, '[');
        rest = str_skip(body, n);
        piece(r, str_first(body, n), &rest);
    }
}

void wt_links(buf *out, wt_parser *p, str in, arena scratch) {
    links_in(&(run){out, p, wt_trail_rule_of(p->world->site->lang), out->len, 0, scratch}, in);
}
