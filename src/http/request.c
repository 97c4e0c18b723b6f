// What a handler may ask a request. Answers are views of the input block or of the request arena.
//
//   I1  the head's bytes do not move from its last byte's arrival to the end of the reply

#include "http/internal.h"

#include "http/date.h"
#include "http/url.h"

void http__req_clear(http_req *rq) {
    memset(&rq->base, 0, offsetof(http_req, head) - offsetof(http_req, base));
    http_head_init(&rq->head);
    rq->re.last_line = &rq->re.lines;
    rq->body = (buf){.in = &rq->arena, .limit = HTTP_BODY_MAX};
}

arena *http_arena(http_req *rq) {
    return &rq->arena;
}

unsigned http_method(const http_req *rq) {
    return rq->method;
}

str http_path(const http_req *rq) {
    return rq->path;
}

str http_tail(const http_req *rq) {
    return rq->tail;
}

str http_body(const http_req *rq) {
    return rq->method == HTTP_POST ? buf_str(&rq->body) : (str){0};
}

str http_peer(const http_req *rq) {
    char text[NET_ADDR_TEXT];
    net_addr_format(text, &rq->conn->peer);
    return arena_str((arena *)&rq->arena, str_of(text));
}

str http_param(const http_req *rq, const char *name) {
    return http_route_param(rq->route, rq->path, str_of(name));
}

bool http_to_worker(http_req *rq) {
    if (rq->on_worker) return false;
    rq->moves = true;
    return true;
}

void http_hold(http_req *rq) {
    CHECK(rq->on_worker);
    atomic_store(&rq->holds, 2);
}

void http_at_end(http_req *rq, void (*run)(void *arg), void *arg) {
    http_last *last = arena_new(&rq->arena, http_last);
    *last = (http_last){rq->last, run, arg};
    rq->last = last;
}

void http__req_end(http_req *rq) {
    while (rq->last) {
        http_last *last = rq->last;
        rq->last = last->next;
        last->run(last->arg);
    }
}

bool http_query(str *value, http_req *rq, const char *name) {
    return http_query_find(value, &rq->arena, rq->query, str_of(name));
}

bool http_query_next(str *name, str *value, http_req *rq, size_t *at) {
    str rest = str_skip(rq->query, *at);
    bool found = http_query_cut(name, value, &rq->arena, &rest);
    *at = rq->query.len - rest.len;
    return found;
}

bool http_header(str *value, http_req *rq, const char *name) {
    str want = str_of(name);
    bool found = false;
    for (size_t i = 0; i < rq->head.n_fields; i++) {
        http_field f = rq->head.fields[i];
        if (f.name.len != want.len || !str_eq_nocase(http_span_of(rq->base, f.name), want))
            continue;
        str v = http_span_of(rq->base, f.value);
        *value = found ? arena_fmt(&rq->arena, "%.*s, %.*s", STR_ARG(*value), STR_ARG(v)) : v;
        found = true;
    }
    return found;
}

http_range_kind http_range_of(http_range *out, http_req *rq, uint64_t size) {
    str spec;
    if (rq->method == HTTP_GET && http_header(&spec, rq, "range")) {
        str unless;  // If-Range: a validator that no longer holds means "then send the whole"
        if (!http_header(&unless, rq, "if-range")) return http_range_parse(out, spec, size);
        int64_t at;
        bool holds =
            unless.len && unless.ptr[0] == '"'
                ? str_eq(unless, rq->re.etag)
                : rq->re.has_modified && http_date_parse(&at, unless) && at == rq->re.modified_s;
        return holds ? http_range_parse(out, spec, size) : HTTP_RANGE_NONE;
    }
    if (http_query(&spec, rq, "range")) return http_range_parse(out, spec, size);
    return HTTP_RANGE_NONE;
}
