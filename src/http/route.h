// http/route.h -- finds the route of a path: whole segments, the most telling pattern.
//
//   Owner     http_router points into the routes it was given
//   Threads   immutable once open; any
//   Limits    HTTP_PATTERN_MAX bytes and HTTP_SEGMENTS_MAX segments in a pattern
//   Errors    E_ARG: a bad pattern, or two routes for the same pattern and method
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include "http/http.h"

enum { HTTP_PATTERN_MAX = 100, HTTP_SEGMENTS_MAX = 8 };

typedef struct http_segments {
    str at[HTTP_SEGMENTS_MAX];  // without slashes
    size_t n;                   // all of them; of more than HTTP_SEGMENTS_MAX the first are in `at`
} http_segments;

typedef struct http_row {
    const http_route *route;
    str head;       // the pattern up to its first "/{" or "/*"
    bool is_exact;  // that is all of it
    http_segments segments;
    uint16_t literals;  // which of them are compared byte for byte: bit i for the ith
    bool has_rest;      // the last is "*"
} http_row;

typedef struct http_router {
    http_row *rows;  // see route.c
    size_t n, n_exact;
    uint16_t by_len[HTTP_PATTERN_MAX + 2];
} http_router;

typedef struct http_match {
    const http_route *route;  // NULL: none for this method
    unsigned allow;           // methods of the pattern that matched; 0: no pattern did
    void (*refuse)(http_req *rq, int code, const char *why);  // the pattern's; NULL: none
    str tail;
} http_match;

// Rows live in `a`.
NODISCARD status http_router_init(http_router *r, arena *a, const http_route *routes, size_t n,
                                  err *e);
// `path` is decoded. HEAD is served by GET.
http_match http_router_find(const http_router *r, str path, unsigned method);

// The segment of `path` that {name} of the route's pattern stands for; "" when it has none.
str http_route_param(const http_route *rt, str path, str name);

#endif
