// Pairing brackets before anything is written.
//
// One pass pairs {{ }}, {{{ }}} and extension tags, a second pairs [[ ]] and [url ] inside what the
// first found. The result is one array, `match`: at the start of a bracketed thing, where it ends.
// Every later walk jumps over what it does not look into, so the renderer as a whole is linear.
// Searching for a partner while rendering, as a recursive parser would, is quadratic on "[[[[[[".
//
//   I1  bracketed things nest: a partner is never sought across the end of what contains it
//   I2  every search either succeeds and jumps, or is remembered as having no result

#include "wiki/html.h"

static const struct {
    str name;
    bool is_opaque;
} exts[] = {
#define X(id, name, is_opaque) {STR_INIT(name), is_opaque},
    HTML_EXTS(X)
#undef X
};

#define TRIPLE (1u << 31)  // in match: three braces

html__ext html__ext_named(str name) {
    for (int i = 0; i < EXT_COUNT; i++)
        if (str_eq_nocase(name, exts[i].name)) return (html__ext)i;
    return EXT_COUNT;
}

bool html__ext_is_opaque(html__ext ext) {
    return exts[ext].is_opaque;
}

// --- Tags ------------------------------------------------------------------------------------

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool ends_name(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '/' || c == '>';
}

bool html__markup_at(html__markup *m, str s, size_t i) {
    size_t at = i + 1;
    m->is_end = at < s.len && s.ptr[at] == '/';
    at += m->is_end;
    size_t name = at;
    while (at < s.len && at - name < 16 &&
           (is_letter(s.ptr[at]) || (at > name && s.ptr[at] >= '1' && s.ptr[at] <= '6')))
        at++;
    m->name = (str){s.ptr + name, at - name};
    if (at == name || at == s.len || !ends_name(s.ptr[at])) return false;
    size_t attrs = at;
    while (at < s.len && s.ptr[at] != '>' && s.ptr[at] != '<')
        at++;
    if (at == s.len || s.ptr[at] == '<') return false;
    m->is_empty = s.ptr[at - 1] == '/';
    m->attrs = (str){s.ptr + attrs, at - attrs - m->is_empty};
    m->end = at + 1;
    return true;
}

void html__closers_init(html__closers *c) {
    for (int i = 0; i < EXT_COUNT; i++)
        c->none_from[i] = SIZE_MAX;
}

bool html__closer(size_t *at, html__closers *c, str s, html__ext ext, size_t i) {
    if (i >= c->none_from[ext]) return false;
    str name = exts[ext].name;
    for (size_t k = i;; k++) {
        k += str_find(str_skip(s, k), STR("</"));
        if (k >= s.len) break;
        str rest = str_skip(s, k + 2);
        if (str_starts_nocase(rest, name) && rest.len > name.len && ends_name(rest.ptr[name.len])) {
            *at = k;
            return true;
        }
    }
    c->none_from[ext] = i;  // I2
    return false;
}

// --- Braces and extension tags ---------------------------------------------------------------

typedef struct opener {
    uint32_t pos;
    uint32_t n;  // braces left; 0 for a wall
    size_t end;  // of a wall: nothing pairs across it (I1)
    bool has_link;
} opener;

typedef struct scan {
    html *h;
    str s;
    opener *open;
    int n_open;
    size_t wall_end;  // of the innermost wall, SIZE_MAX without one
    html__closers closers;
} scan;

static void find_wall(scan *c) {
    c->wall_end = SIZE_MAX;
    for (int i = c->n_open; i-- > 0;)
        if (c->open[i].end) {
            c->wall_end = c->open[i].end;
            return;
        }
}

static bool push_open(scan *c, opener o) {
    if (c->n_open == HTML__OPEN_MAX) return false;
    c->open[c->n_open++] = o;
    if (o.end) c->wall_end = o.end;
    return true;
}

// Forgets what was open inside a wall that ends at or before i.
static void leave_walls(scan *c, size_t i) {
    while (i >= c->wall_end) {
        while (!c->open[c->n_open - 1].end)
            c->n_open--;
        c->n_open--;
        find_wall(c);
    }
}

static size_t run_of(str s, size_t i) {
    size_t k = i;
    while (k < s.len && s.ptr[k] == s.ptr[i])
        k++;
    return k - i;
}

static void set_match(scan *c, size_t from, size_t to, uint32_t flag) {
    c->h->match[from] = (uint32_t)to | flag;
}

// Pairs as many of the `n` closing braces at i as there are partners; the rest is text.
static void close_braces(scan *c, size_t i, size_t n) {
    size_t used = 0;
    while (n - used >= 2 && c->n_open && !c->open[c->n_open - 1].end) {
        opener *o = &c->open[c->n_open - 1];
        uint32_t m = (uint32_t)min_size(3, min_size(o->n, n - used));
        if (m < 2) {
            c->n_open--;
            continue;
        }
        used += m;
        o->n -= m;
        set_match(c, o->pos + o->n, i + used, m == 3 ? TRIPLE : 0);
        if (o->n < 2) c->n_open--;
    }
}

// Returns where to go on: behind an opaque tag, inside any other.
static size_t open_extension(scan *c, size_t i) {
    html__markup m;
    if (!html__markup_at(&m, c->s, i) || m.is_end) return i + 1;
    html__ext ext = html__ext_named(m.name);
    if (ext == EXT_COUNT) return m.end;
    if (m.is_empty) {
        set_match(c, i, m.end, 0);
        return m.end;
    }
    size_t close;
    if (!html__closer(&close, &c->closers, c->s, ext, m.end)) return m.end;
    size_t end = close + str_find_byte(str_skip(c->s, close), '>');
    if (end >= c->s.len || end >= c->wall_end) return m.end;  // I1
    opener wall = {.pos = (uint32_t)i, .end = end + 1};
    if (!html__ext_is_opaque(ext) && !push_open(c, wall)) return m.end;
    set_match(c, i, end + 1, 0);
    return html__ext_is_opaque(ext) ? end + 1 : m.end;
}

static void pair_braces(scan *c) {
    for (size_t i = 0; i < c->s.len;) {
        leave_walls(c, i);
        char ch = c->s.ptr[i];
        if (ch == '<') {
            i = open_extension(c, i);
        } else if (ch == '{' || ch == '}') {
            size_t n = run_of(c->s, i);
            if (ch == '{' && n >= 2) push_open(c, (opener){.pos = (uint32_t)i, .n = (uint32_t)n});
            if (ch == '}') close_braces(c, i, n);
            i += n;
        } else {
            i++;
        }
    }
}

// --- Links -----------------------------------------------------------------------------------

static bool ends_target(char c) {
    return c == '\n' || c == '[' || c == ']' || c == '{' || c == '}' || c == '<' || c == '>' ||
           c == '|';
}

static bool is_file(const html *h, str target) {
    size_t colon = str_find_byte(target, ':');
    if (!colon || colon == target.len) return false;
    const wiki_ns *ns = wiki_ns_named(h->site, str_first(target, colon));
    return ns && ns->key == 6;
}

// Whether [[ at `pos` with its ]] at `end` is a link. Only file captions may hold links.
static bool is_link(const scan *c, size_t pos, size_t end, bool has_link) {
    size_t i = pos + 2;
    while (i < end && !ends_target(c->s.ptr[i]))
        i++;
    str target = str_trim((str){c->s.ptr + pos + 2, i - pos - 2});
    bool is_whole = i == end || c->s.ptr[i] == '|';
    return is_whole && target.len && target.len <= WIKI__LINK_MAX &&
           (!has_link || is_file(c->h, target));
}

static void close_link(scan *c, size_t i) {
    opener o = c->open[--c->n_open];
    if (!is_link(c, o.pos, i, o.has_link)) return;
    set_match(c, o.pos, i + 2, 0);
    if (c->n_open && !c->open[c->n_open - 1].end) c->open[c->n_open - 1].has_link = true;
}

static bool starts_url(str s) {
    static const str schemes[] = {STR_INIT("http://"), STR_INIT("https://"), STR_INIT("ftp://"),
                                  STR_INIT("//"), STR_INIT("mailto:")};
    for (size_t i = 0; i < countof(schemes); i++)
        if (str_starts_nocase(s, schemes[i])) return true;
    return false;
}

// "[http://x label]" on one line: offset behind it, or 0.
static size_t external_end(const scan *c, size_t i, size_t *none_before) {
    if (i < *none_before || !starts_url(str_skip(c->s, i + 1))) return 0;
    size_t limit = min_size(c->s.len, c->wall_end);
    size_t k = i + 1;
    while (k < limit && c->s.ptr[k] != ']' && c->s.ptr[k] != '\n') {
        size_t span = html__span(c->h, k, limit);
        k = span ? span : k + 1;
    }
    if (k < limit && c->s.ptr[k] == ']') return k + 1;
    *none_before = k;  // I2
    return 0;
}

// Into braces and transparent tags (behind a wall), over opaque tags.
static size_t enter(scan *c, size_t i) {
    size_t end = html__span(c->h, i, c->s.len);
    html__markup m;
    bool is_tag = c->s.ptr[i] == '<';
    if (is_tag && (!html__markup_at(&m, c->s, i) || m.is_empty ||
                   html__ext_is_opaque(html__ext_named(m.name))))
        return end;
    if (!push_open(c, (opener){.pos = (uint32_t)i, .end = end})) return end;
    return is_tag ? m.end : i + 2;
}

static void pair_links(scan *c) {
    size_t none_before = 0;
    for (size_t i = 0; i < c->s.len;) {
        leave_walls(c, i);
        char ch = c->s.ptr[i];
        bool is_pair = i + 1 < c->s.len && c->s.ptr[i + 1] == ch;
        if (c->h->match[i] && (ch == '{' || ch == '<')) {
            i = enter(c, i);
        } else if (ch == '[') {
            size_t n = run_of(c->s, i);
            size_t end = external_end(c, i + n - 1, &none_before);
            if (end) set_match(c, i + n - 1, end, 0);
            if (n >= 2 && !end) push_open(c, (opener){.pos = (uint32_t)(i + n - 2)});
            i = end ? end : i + n;
        } else if (ch == ']' && is_pair && c->n_open && !c->open[c->n_open - 1].end) {
            close_link(c, i);
            i += 2;
        } else {
            i++;
        }
    }
}

bool html__scan(html *h, arena scratch) {
    scan c = {.h = h, .s = h->src, .wall_end = SIZE_MAX};
    c.open = arena_try_array(&scratch, HTML__OPEN_MAX, sizeof *c.open);
    if (!c.open) return false;
    html__closers_init(&c.closers);
    pair_braces(&c);
    c.n_open = 0;
    c.wall_end = SIZE_MAX;
    pair_links(&c);
    return true;
}

// --- What the walks ask ----------------------------------------------------------------------

size_t html__span(const html *h, size_t i, size_t limit) {
    size_t end = h->match[i] & ~TRIPLE;
    return end <= limit ? end : 0;
}

bool html__is_parameter(const html *h, size_t i) {
    return h->match[i] & TRIPLE;
}

range html__trim(const html *h, range r) {
    str s = html__str(h, r);
    str t = str_trim(s);
    size_t a = t.len ? r.a + (size_t)(t.ptr - s.ptr) : r.b;
    return (range){a, a + t.len};
}

size_t html__split(range *parts, const html *h, range r) {
    size_t n = 0, from = r.a;
    for (size_t i = r.a; i < r.b;) {
        size_t span = html__span(h, i, r.b);
        if (!span && h->src.ptr[i] == '|' && n < HTML__ARGS_MAX - 1) {
            parts[n++] = (range){from, i};
            from = i + 1;
        }
        i = span ? span : i + 1;
    }
    parts[n++] = (range){from, r.b};
    return n;
}
