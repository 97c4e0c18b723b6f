// http/route.h -- finds the route of a path: whole segments, longest pattern first.
//
//   Owner     http_router points into the routes it was given
//   Threads   immutable once open; any
//   Errors    E_ARG: a bad pattern, or two routes for the same pattern and method
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include "http/http.h"

typedef struct http_row {
    const http_route *route;
    str prefix;  // the pattern without "/*"
    bool open;   // ended with "/*"
} http_row;

typedef struct http_router {
    http_row *rows;  // longest pattern first
    size_t n;
} http_router;

typedef struct http_match {
    const http_route *route;  // NULL: none for this method
    unsigned allow;           // methods of the pattern that matched; 0: no pattern did
    str tail;
} http_match;

// Rows live in `a`.
NODISCARD status http_router_init(http_router *r, arena *a, const http_route *routes, size_t n,
                                  err *e);
// `path` is decoded. HEAD is served by GET.
http_match http_router_find(const http_router *r, str path, unsigned method);

#endif
