// Routing by one sorted table. Rejected: a trie (some dozens of routes: a scan of their lengths and
// first bytes is a few cache lines) and regular expressions.
//
//   I1  rows are sorted by prefix length, longest first, exact before open: the first match is the
//       one with the longest pattern
//   I2  rows of one pattern stand together

#include "http/route.h"

#include <stdlib.h>

static int by_length(const void *a, const void *b) {
    const http_row *x = a, *y = b;
    if (x->prefix.len != y->prefix.len) return x->prefix.len < y->prefix.len ? 1 : -1;
    int c = str_cmp(x->prefix, y->prefix);
    return c ? c : (int)x->open - (int)y->open;
}

static bool same_pattern(const http_row *a, const http_row *b) {
    return a->open == b->open && str_eq(a->prefix, b->prefix);
}

static status check_route(http_row *row, const http_route *rt, err *e) {
    str p = str_of(rt->pattern);
    *row = (http_row){.route = rt, .prefix = p};
    if (str_ends(p, STR("/*"))) {
        row->open = true;
        row->prefix = str_first(p, p.len - 2);
    }
    if (p.len == 0 || p.ptr[0] != '/' || str_find_byte(row->prefix, '*') < row->prefix.len)
        return err_set(e, E_ARG, "route '%.*s': must start with / and have * only as a last /*",
                       STR_ARG(p));
    if (!rt->handler || !(rt->methods & (HTTP_GET | HTTP_POST)) ||
        (rt->methods & ~(unsigned)(HTTP_GET | HTTP_HEAD | HTTP_POST)))
        return err_set(e, E_ARG, "route '%.*s': needs a handler and GET or POST", STR_ARG(p));
    return OK;
}

status http_router_init(http_router *r, arena *a, const http_route *routes, size_t n, err *e) {
    *r = (http_router){.rows = arena_array(a, http_row, n), .n = n};
    for (size_t i = 0; i < n; i++)
        TRY(check_route(&r->rows[i], &routes[i], e));
    qsort(r->rows, n, sizeof *r->rows, by_length);
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n && same_pattern(&r->rows[i], &r->rows[j]); j++)  // I2
            if (r->rows[i].route->methods & r->rows[j].route->methods)
                return err_set(e, E_ARG, "route '%s' is there twice", r->rows[i].route->pattern);
    return OK;
}

static bool matches(const http_row *row, str path) {
    size_t n = row->prefix.len;
    if (path.len < n || memcmp(path.ptr, row->prefix.ptr, n)) return false;
    return path.len == n || (row->open && path.ptr[n] == '/');
}

http_match http_router_find(const http_router *r, str path, unsigned method) {
    http_match m = {0};
    unsigned want = method == HTTP_HEAD ? HTTP_HEAD | HTTP_GET : method;
    for (size_t i = 0; i < r->n; i++) {
        const http_row *row = &r->rows[i];
        if (!matches(row, path)) continue;
        m.tail = str_skip(path, row->prefix.len + (path.len > row->prefix.len));
        for (; i < r->n && same_pattern(row, &r->rows[i]); i++) {  // I2
            unsigned has = r->rows[i].route->methods;
            m.allow |= has | (has & HTTP_GET ? HTTP_HEAD : 0) | HTTP_OPTIONS;
            if (has & want) m.route = r->rows[i].route;
        }
        return m;  // I1
    }
    return m;
}
