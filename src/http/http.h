// http/http.h -- what an app sees of the server: routes, requests, replies.
//
// An app is a table of routes. A handler gets one request, reads it, and gives exactly one reply
// (or none, which the server answers with 500). Everything a handler hands over must live until
// the reply is sent: put it in http_arena(rq), or in memory that outlives the server.
//
//   Owner     the server owns requests; a request dies when its last byte is sent or the client
//             has gone. Generators are told by stop(), exactly once.
//   Threads   HTTP_LOOP handlers run on the connection's loop and never block; HTTP_WORKER handlers
//             run on the pool, one at a time per request. A request is never touched by two threads
//             at once. http_wake is for any thread.
//   Limits    src/http/limits.h
//   Errors    handlers answer errors with http_reply_error; a handler never sees a broken request
//   Format    RFC 9110 (semantics), RFC 9112 (HTTP/1.1); the reply's header order is the
//             original server's: Server, Date, Accept-Ranges, Content-Type,
//             Access-Control-Allow-Origin, Connection, Last-Modified, Content-Range,
//             Transfer-Encoding or Content-Length, then the app's own
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

#include "base/buf.h"
#include "os/file.h"

typedef struct http_req http_req;

// --- Routes ----------------------------------------------------------------------------------

enum { HTTP_GET = 1 << 0, HTTP_HEAD = 1 << 1, HTTP_POST = 1 << 2, HTTP_OPTIONS = 1 << 3 };

typedef enum http_run { HTTP_LOOP, HTTP_WORKER } http_run;

typedef struct http_route {
    unsigned methods;     // HTTP_GET implies HEAD; OPTIONS is the server's own
    const char *pattern;  // "/wiki/xml" exact; "/wiki/wiki/*" takes the rest of the path, too;
                          // "/w/{db}/xml" takes any one segment there
    void (*handler)(http_req *rq, void *app);
    void *app;  // handed to the handler
    http_run run;
    const char *about;  // one line for docs/API.md
    // Replies where the server itself refuses what came to the pattern (405, 413, 501); `why` is a
    // line of text. NULL: http_reply_error. Of routes with the same pattern the first one's.
    void (*refuse)(http_req *rq, int code, const char *why);
} http_route;

// Matching is by whole path segments: "/wiki/wiki/*" matches "/wiki/wiki", "/wiki/wiki/" and
// "/wiki/wiki/Ada", never "/wiki/wiki_raw". "{db}" matches one segment that is not empty. Of
// several matches the most telling pattern wins: at the first segment where two differ, a literal
// goes before a name, a name before "*"; table order does not matter. What stood there is
// http_tail() and http_param().

// --- Request ---------------------------------------------------------------------------------

arena *http_arena(http_req *rq);

unsigned http_method(const http_req *rq);
// Percent-decoded path without query; always starts with '/'.
str http_path(const http_req *rq);
// What the '*' of the pattern matched, percent-decoded, without the slash before it; "" if empty.
str http_tail(const http_req *rq);
// What the pattern's {name} matched, percent-decoded; "" when the pattern has no such name.
str http_param(const http_req *rq, const char *name);
// First value of a query parameter, decoded ('+' is a space); false when it is absent. A
// parameter without '=' is present with value "".
bool http_query(str *value, http_req *rq, const char *name);
// All of them one after another, for parameters that may be repeated: *at is 0 at first. False
// when there are no more.
bool http_query_next(str *name, str *value, http_req *rq, size_t *at);
// Value of a header field by case-insensitive name, trimmed; several fields are joined with ", ".
bool http_header(str *value, http_req *rq, const char *name);
// The request's body, whole (POST); "" when there is none.
str http_body(const http_req *rq);
// "127.0.0.1:50312"
str http_peer(const http_req *rq);

// For a handler on the loop that finds that it would have to wait: true when it is to return now,
// without a reply, and will be called again on a worker; false when it is on one already.
bool http_to_worker(http_req *rq);
// For a handler on a worker that waits for what another thread is making: it says http_hold, hands
// the request to that thread and returns without a reply. http_resume, from any thread and exactly
// once (also before the handler has returned), has the handler called again, on a worker.
void http_hold(http_req *rq);
void http_resume(http_req *rq);
// Calls run(arg) once, when the reply has been sent or the client has gone: for what the reply's
// bytes lie in. On the loop; it must not block. Several are called last first.
void http_at_end(http_req *rq, void (*run)(void *arg), void *arg);

// --- Reply -----------------------------------------------------------------------------------

#define HTTP_TEXT "text/plain; charset=UTF-8"
#define HTTP_JSON "application/json; charset=UTF-8"
#define HTTP_HTML "text/html; charset=UTF-8"
#define HTTP_XML  "text/xml; charset=utf-8"

// Adds an app header to the coming reply; names are ours, values are cleaned of CR, LF and NUL.
// Once any "X-" header is there, Access-Control-Expose-Headers lists them before the first.
void http_add_header(http_req *rq, const char *name, str value);
void http_add_header_fmt(http_req *rq, const char *name, const char *fmt, ...) PRINTF_LIKE(3, 4);
// Last-Modified, and If-Modified-Since answered with 304 by the reply functions.
void http_set_modified(http_req *rq, int64_t mtime_ns);
// ETag (with its quotes), and If-None-Match answered with 304.
void http_set_etag(http_req *rq, str etag);

// A whole body. It is not copied. HEAD sends its length and no body.
void http_reply(http_req *rq, int code, const char *type, str body);

// A byte range of a mapped file, sent from the map without a copy. `off + len` is in the file.
void http_reply_map(http_req *rq, int code, const char *type, const os_map *m, uint64_t off,
                    uint64_t len);

// The original's error page; code picks reason phrase and explanation, `fmt` the message line
// (escaped; never put a path of this machine in it).
void http_reply_error(http_req *rq, int code, const char *fmt, ...) PRINTF_LIKE(3, 4);

// 301/302/307/308 to `location`, which is percent-encoded already.
void http_reply_redirect(http_req *rq, int code, str location);

// --- Ranges ----------------------------------------------------------------------------------

typedef enum http_range_kind {
    HTTP_RANGE_NONE,  // absent, or no byte range: answer the whole (RFC 9110 14.2)
    HTTP_RANGE_OK,
    HTTP_RANGE_MULTI,  // more than one range
    HTTP_RANGE_UNSATISFIABLE,
} http_range_kind;

typedef struct http_range {
    uint64_t first, last;  // inclusive; last < size
} http_range;

// RFC 9110 14.1.2 and the original's spellings: "bytes=5-9", "5-9", "bytes= 5 - 9", "5-", "-5".
// Pure; exposed for tests and fuzzing.
http_range_kind http_range_parse(http_range *out, str spec, uint64_t size);

// The Range header of a GET, else ?range=, against a body of `size` bytes. If-Range is judged by
// what http_set_modified and http_set_etag said before. UNSATISFIABLE and MULTI: the caller answers
// with http_reply_range_error.
http_range_kind http_range_of(http_range *out, http_req *rq, uint64_t size);
// 416 with Content-Range "bytes */SIZE", or 400 for MULTI.
void http_reply_range_error(http_req *rq, http_range_kind kind, uint64_t size);
// 206 of a mapped file, with Content-Range.
void http_reply_range(http_req *rq, const char *type, const os_map *m, http_range r);
// The same of a body of `size` bytes of which `m` holds the range, from `at`.
void http_reply_range_map(http_req *rq, const char *type, const os_map *m, uint64_t at,
                          http_range r, uint64_t size);
// 206 of bytes in memory (`part` is that range of a body of `size` bytes).
void http_reply_range_bytes(http_req *rq, const char *type, str part, http_range r, uint64_t size);

// --- Streams ---------------------------------------------------------------------------------
// One contract for everything whose end is not known: chunked text and server-sent events alike.
// The server calls proceed() when there is room on the wire and the generator said it had more,
// or was woken. Back-pressure is that it is not called; cancellation is stop().

typedef enum http_more {
    HTTP_MORE,  // call again when there is room
    HTTP_WAIT,  // nothing more now: call again after http_wake (rarely also without one)
    HTTP_END,   // that was all; the reply ends well
    HTTP_FAIL,  // something broke: the connection is cut so that the client can tell
} http_more;

typedef struct http_gen {
    void *self;
    // Loop thread. Appends at most out->limit bytes to out (which is empty). Each call that adds
    // bytes becomes one chunk; adding none with HTTP_MORE is a bug.
    http_more (*proceed)(void *self, buf *out);
    // Loop thread, exactly once, after END or FAIL or as soon as the client has gone. `self` may
    // die in it: proceed is never called after.
    void (*stop)(void *self);
} http_gen;

// Starts a chunked reply (to an HTTP/1.0 client: unchunked, ended by close). The header block goes
// out at once. HEAD: header only, then stop().
void http_reply_stream(http_req *rq, int code, const char *type, http_gen gen);

// A value that names a stream for other threads. It stays valid until the server is closed: waking
// a stream that has ended does nothing.
typedef struct http_waker {
    void *loop;
    uint32_t slot, generation;
} http_waker;

http_waker http_waker_of(http_req *rq);
void http_wake(http_waker w);

#endif
