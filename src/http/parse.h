// http/parse.h -- incremental, strict parser of a request head (RFC 9112 sections 2 to 6).
//
//   Owner     nothing: results are offsets from the head's first byte, so the bytes may move
//   Threads   pure functions of their arguments; any
//   Limits    HTTP_HEAD_MAX, HTTP_TARGET_MAX, HTTP_FIELDS_MAX
//   Errors    HTTP_PARSE_BAD with the status code to answer and one sentence of ours; the
//             connection cannot be used after it
#ifndef HTTP_PARSE_H
#define HTTP_PARSE_H

#include "base/str.h"
#include "http/limits.h"

typedef enum http_parse {
    HTTP_PARSE_MORE,  // well so far, not yet whole
    HTTP_PARSE_DONE,
    HTTP_PARSE_BAD,
} http_parse;

typedef struct http_span {
    uint16_t off, len;
} http_span;

typedef struct http_field {
    http_span name, value;  // value without spaces and tabs around
} http_field;

typedef struct http_head {
    // progress
    uint32_t line;     // where the line being read starts
    uint32_t scanned;  // no LF between line and here
    bool in_fields;

    // valid when DONE
    uint32_t len;  // of the head, with its blank line
    http_span method, target;
    uint8_t minor;            // HTTP/1.x
    uint64_t content_length;  // 0 when absent
    bool has_length, chunked;
    bool close, keep_alive;  // Connection tokens
    bool expects_continue;
    bool has_host;
    http_span host;

    // valid when BAD
    int code;
    const char *why;

    uint16_t n_fields;
    http_field fields[HTTP_FIELDS_MAX];
} http_head;

void http_head_init(http_head *h);

// Goes on with the head at p[0..len), of which an earlier call has seen a prefix.
http_parse http_head_parse(http_head *h, const char *p, size_t len);

static inline str http_span_of(const char *p, http_span s) {
    return (str){p + s.off, s.len};
}

// Whether the comma-separated list has `token`, in any case (RFC 9110 5.6.1).
bool http_list_has(str list, str token);
bool http_is_token(str s);  // 1*tchar (RFC 9110 5.6.2)
bool http_host_ok(str s);   // uri-host [":" port], not empty

#endif
