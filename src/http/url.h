// http/url.h -- request targets: forms, percent-decoding, query parameters.
//
// The path is matched as it stands: no dot segments are removed and no slashes merged, because
// nothing behind it is a file system, and titles such as "AC/DC" and ".." are names.
//
//   Owner     results point into the input, or into the arena where bytes had to change
//   Threads   pure functions of their arguments; any
//   Errors    false for a target that is 400
#ifndef HTTP_URL_H
#define HTTP_URL_H

#include "base/arena.h"

typedef struct http_target {
    str host;         // of an absolute-form target, else empty
    str path, query;  // still encoded; query without '?'
} http_target;

// origin-form, absolute-form (http, https) or "*" (path is then "*"). Every '%' must begin an
// escape of a byte other than NUL. RFC 9112 3.2.
bool http_target_split(http_target *out, str target);

// `plus`: '+' is a space (queries). Input passed http_target_split, so decoding cannot fail; a
// stray '%' elsewhere is kept.
str http_url_decode(arena *a, str s, bool plus);

// The next parameter, decoded; *query moves behind it. False when there is none left.
bool http_query_cut(str *name, str *value, arena *a, str *query);
// First value of `name`, decoded; false when absent.
bool http_query_find(str *value, arena *a, str query, str name);

#endif
