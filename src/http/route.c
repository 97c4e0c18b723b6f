// Routing by one sorted table. Rejected: a trie (some dozens of routes: comparing a length and a
// few bytes of each is a few cache lines), regular expressions, and parameters kept with the
// request (whoever asks for one walks pattern and path again, which costs less than storing them
// for all).
//
// Patterns are compared segment by segment, and of two segments the literal one is more telling
// than a named one, a named one more than "*". Patterns without any variable part are found by
// their length first, so that the plainest routes cost the same however many others there are.
// Patterns are cut into segments once, a path once for all of them.
//
//   I1  rows are sorted by kinds of segments, most telling first: of the rows that match a path the
//       first is the most telling one, because rows that match the same path and are of the same
//       kinds are the same pattern
//   I2  rows of one pattern stand together
//   I3  rows[0, n_exact) have no variable part and are sorted by length;
//       by_len[k] is the first of them with k bytes or more

#include "http/route.h"

#include <stdlib.h>

typedef enum kind { KIND_END, KIND_LITERAL, KIND_NAME, KIND_REST } kind;

// Cuts the next segment, without its slash, off a pattern or a path.
static str cut_segment(str *rest) {
    *rest = str_skip(*rest, 1);
    str s = str_first(*rest, str_find_byte(*rest, '/'));
    *rest = str_skip(*rest, s.len);
    return s;
}

static kind kind_of(str segment) {
    if (str_eq(segment, STR("*"))) return KIND_REST;
    return segment.len && segment.ptr[0] == '{' ? KIND_NAME : KIND_LITERAL;
}

static kind next_kind(str *segment, str *rest) {
    if (rest->len == 0) return KIND_END;
    *segment = cut_segment(rest);
    return kind_of(*segment);
}

// Order of patterns with a variable part (I1); names count for nothing.
static int compare_patterns(str a, str b) {
    int by_text = 0;
    for (;;) {
        str x, y;
        kind k = next_kind(&x, &a), m = next_kind(&y, &b);
        if (k != m) return k == KIND_END ? -1 : m == KIND_END ? 1 : (int)k - (int)m;
        if (k == KIND_END) return by_text;
        if (k == KIND_LITERAL && by_text == 0) by_text = str_cmp(x, y);
    }
}

static int by_kinds(const void *a, const void *b) {
    const http_row *x = a, *y = b;
    if (x->is_exact != y->is_exact) return x->is_exact ? -1 : 1;
    str p = str_of(x->route->pattern), q = str_of(y->route->pattern);
    if (!x->is_exact) return compare_patterns(p, q);
    return p.len != q.len ? (p.len < q.len ? -1 : 1) : str_cmp(p, q);
}

static bool same_pattern(const http_row *a, const http_row *b) {
    return by_kinds(a, b) == 0;
}

// --- Checking --------------------------------------------------------------------------------

static bool is_name(str s) {
    if (s.len < 3 || s.ptr[s.len - 1] != '}') return false;
    for (size_t i = 1; i + 1 < s.len; i++)
        if ((s.ptr[i] < 'a' || s.ptr[i] > 'z') && s.ptr[i] != '_') return false;
    return true;
}

static bool is_segment(str s, bool is_last) {
    if (kind_of(s) == KIND_REST) return is_last;
    if (kind_of(s) == KIND_NAME) return is_name(s);
    return str_find_byte(s, '*') == s.len && str_find_byte(s, '{') == s.len;
}

static http_segments cut_all(str s) {
    http_segments out;
    for (out.n = 0; s.len; out.n++) {
        str one = cut_segment(&s);
        if (out.n < HTTP_SEGMENTS_MAX) out.at[out.n] = one;
    }
    return out;
}

static bool is_named_before(str pattern, str until) {
    for (str rest = pattern; rest.len;) {
        str s = cut_segment(&rest);
        if (s.ptr == until.ptr) return false;
        if (kind_of(until) == KIND_NAME && str_eq(s, until)) return true;
    }
    return false;
}

static status check_pattern(str p, err *e) {
    bool good = p.len > 0 && p.len <= HTTP_PATTERN_MAX && p.ptr[0] == '/';
    for (str rest = p; good && rest.len;) {
        str s = cut_segment(&rest);
        good = is_segment(s, rest.len == 0) && !is_named_before(p, s);
    }
    if (good) return OK;
    return err_set(e, E_ARG,
                   "route '%.*s': must start with /, have * only as a last /* and {name} only as "
                   "a whole segment, each name once",
                   STR_ARG(p));
}

static status check_route(http_row *row, const http_route *rt, err *e) {
    str p = str_of(rt->pattern);
    TRY(check_pattern(p, e));
    if (!rt->handler || !(rt->methods & (HTTP_GET | HTTP_POST)) ||
        (rt->methods & ~(unsigned)(HTTP_GET | HTTP_HEAD | HTTP_POST)))
        return err_set(e, E_ARG, "route '%.*s': needs a handler and GET or POST", STR_ARG(p));
    size_t n = min_size(str_find(p, STR("/{")), str_find(p, STR("/*")));
    *row = (http_row){rt, str_first(p, n), n == p.len, .segments = cut_all(p)};
    const http_segments *s = &row->segments;
    if (s->n > HTTP_SEGMENTS_MAX)
        return err_set(e, E_ARG, "route '%.*s': over %d segments", STR_ARG(p), HTTP_SEGMENTS_MAX);
    for (size_t i = 0; i < s->n; i++)
        row->literals |= (uint16_t)((kind_of(s->at[i]) == KIND_LITERAL) << i);
    row->has_rest = s->n && kind_of(s->at[s->n - 1]) == KIND_REST;
    return OK;
}

status http_router_init(http_router *r, arena *a, const http_route *routes, size_t n, err *e) {
    *r = (http_router){.rows = arena_array(a, http_row, n), .n = n};
    for (size_t i = 0; i < n; i++)
        TRY(check_route(&r->rows[i], &routes[i], e));
    qsort(r->rows, n, sizeof *r->rows, by_kinds);
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n && same_pattern(&r->rows[i], &r->rows[j]); j++)  // I2
            if (r->rows[i].route->methods & r->rows[j].route->methods)
                return err_set(e, E_ARG, "route '%s' is there twice", r->rows[j].route->pattern);
    while (r->n_exact < n && r->rows[r->n_exact].is_exact)
        r->n_exact++;
    for (size_t len = 0, i = 0; len < countof(r->by_len); len++) {  // I3
        while (i < r->n_exact && r->rows[i].head.len < len)
            i++;
        r->by_len[len] = (uint16_t)i;
    }
    return OK;
}

// --- Finding ---------------------------------------------------------------------------------

// Walks the variable part of a pattern along the path. `value` gets the segment called `name` (with
// its braces), or the rest behind "*" when name is "*".
static bool walk(str *value, str pattern, str path, str name) {
    while (pattern.len) {
        str want = cut_segment(&pattern);
        if (kind_of(want) == KIND_REST) {
            if (path.len && path.ptr[0] != '/') return false;
            if (str_eq(name, want)) *value = str_skip(path, 1);
            return true;
        }
        if (path.len == 0 || path.ptr[0] != '/') return false;
        str got = cut_segment(&path);
        if (kind_of(want) == KIND_NAME ? got.len == 0 : !str_eq(want, got)) return false;
        if (str_eq(name, want)) *value = got;
    }
    return path.len == 0;
}

static const http_row *find_exact(const http_router *r, str path) {
    if (path.len > HTTP_PATTERN_MAX) return NULL;
    for (size_t i = r->by_len[path.len]; i < r->n_exact && r->rows[i].head.len == path.len; i++)
        if (memcmp(r->rows[i].head.ptr, path.ptr, path.len) == 0) return &r->rows[i];
    return NULL;
}

static bool is_match(const http_row *row, const http_segments *path) {
    size_t n = row->segments.n - row->has_rest;
    if (row->has_rest ? path->n < n : path->n != n) return false;
    for (size_t i = n; i-- > 0;) {  // from behind: there patterns differ
        bool is_literal = row->literals >> i & 1;
        str got = path->at[i];
        if (is_literal ? !str_eq(row->segments.at[i], got) : got.len == 0) return false;
    }
    return true;
}

// What stands behind the first `n` segments.
static str behind(str path, const http_segments *s, size_t n) {
    size_t at = n ? (size_t)(s->at[n - 1].ptr + s->at[n - 1].len - path.ptr) : 0;
    return str_skip(path, at + 1);
}

static const http_row *find_row(str *tail, const http_router *r, str path) {
    const http_row *row = find_exact(r, path);
    if (row) return row;
    if (path.len && path.ptr[0] != '/') return NULL;
    http_segments s = cut_all(path);
    for (size_t i = r->n_exact; i < r->n; i++) {  // I1
        row = &r->rows[i];
        if (!is_match(row, &s)) continue;
        if (row->has_rest) *tail = behind(path, &s, row->segments.n - 1);
        return row;
    }
    return NULL;
}

http_match http_router_find(const http_router *r, str path, unsigned method) {
    http_match m = {0};
    unsigned want = method == HTTP_HEAD ? HTTP_HEAD | HTTP_GET : method;
    const http_row *first = find_row(&m.tail, r, path), *end = r->rows + r->n;
    for (const http_row *row = first; row && row < end && same_pattern(first, row); row++) {  // I2
        unsigned has = row->route->methods;
        m.allow |= has | (has & HTTP_GET ? HTTP_HEAD : 0) | HTTP_OPTIONS;
        if (has & want) m.route = row->route;
        if (!m.refuse) m.refuse = row->route->refuse;
    }
    return m;
}

str http_route_param(const http_route *rt, str path, str name) {
    char braced[HTTP_PATTERN_MAX + 2];
    str value = {0};
    if (name.len > HTTP_PATTERN_MAX) return value;
    braced[0] = '{';
    memcpy(braced + 1, name.ptr, name.len);
    braced[name.len + 1] = '}';
    walk(&value, str_of(rt->pattern), path, (str){braced, name.len + 2});
    return value;
}
