// Replies: what handlers record, and the header block that the connection writes from it.
//
// A reply function only writes down what is wanted; nothing is sent before the handler has
// returned. So a handler reads the same on a loop and on a worker, and conditions (304), HEAD and
// HTTP/1.0 are judged in one place. Rejected: writing into the socket buffer from the handler,
// which would have to lock it against the loop.
//
//   I1  status line and header names are ours; a value never has CR, LF or NUL
//   I2  stop() is called once: whoever calls it clears gen.proceed first

#include "http/internal.h"

#include "http/date.h"

#include <stdarg.h>
#include <stdio.h>

// Reason phrases and explanations of Python's http.server, which the original shows.
static const struct status_row {
    int code;
    const char *reason, *explain;
} statuses[] = {
    {100, "Continue", "Request received, please continue"},
    {200, "OK", "Request fulfilled, document follows"},
    {204, "No Content", "Request fulfilled, nothing follows"},
    {206, "Partial Content", "Partial content follows"},
    {301, "Moved Permanently", "Object moved permanently -- see URI list"},
    {302, "Found", "Object moved temporarily -- see URI list"},
    {304, "Not Modified", "Document has not changed since given time"},
    {307, "Temporary Redirect", "Object moved temporarily -- see URI list"},
    {308, "Permanent Redirect", "Object moved permanently -- see URI list"},
    {400, "Bad Request", "Bad request syntax or unsupported method"},
    {401, "Unauthorized", "No permission -- see authorization schemes"},
    {403, "Forbidden", "Request forbidden -- authorization will not help"},
    {404, "Not Found", "Nothing matches the given URI"},
    {405, "Method Not Allowed", "Specified method is invalid for this resource"},
    {406, "Not Acceptable", "URI not available in preferred format"},
    {408, "Request Timeout", "Request timed out; try again later"},
    {409, "Conflict", "Request conflict"},
    {410, "Gone", "URI no longer exists and has been permanently removed"},
    {411, "Length Required", "Client must specify Content-Length"},
    {412, "Precondition Failed", "Precondition in headers is false"},
    {413, "Content Too Large", "Entity is too large"},
    {414, "URI Too Long", "URI is too long"},
    {415, "Unsupported Media Type", "Entity body in unsupported format"},
    {416, "Range Not Satisfiable", "Cannot satisfy request range"},
    {417, "Expectation Failed", "Expect condition could not be satisfied"},
    {422, "Unprocessable Content", "Server could not process the content of the request"},
    {429, "Too Many Requests", "The user has sent too many requests in a given amount of time"},
    {431, "Request Header Fields Too Large",
     "The server is unwilling to process the request because its header fields are too large"},
    {500, "Internal Server Error", "Server got itself in trouble"},
    {501, "Not Implemented", "Server does not support this operation"},
    {503, "Service Unavailable", "The server cannot process the request due to a high load"},
    {504, "Gateway Timeout", "The server did not receive a timely response"},
    {505, "HTTP Version Not Supported", "Cannot fulfill request"},
};

static const struct status_row *row_of(int code) {
    for (size_t i = 0; i < countof(statuses); i++)
        if (statuses[i].code == code) return &statuses[i];
    return NULL;
}

const char *http__reason(int code) {
    const struct status_row *row = row_of(code);
    return row ? row->reason : "Unknown";
}

// --- Recording -------------------------------------------------------------------------------

static http_answer *answer(http_req *rq, http_reply_kind kind, int code, const char *type) {
    CHECK(rq->re.kind == REPLY_NONE);  // one reply per request
    CHECK(code >= 200 && code <= 599);
    rq->re.kind = kind;
    rq->re.code = code;
    rq->re.type = type;
    return &rq->re;
}

// I1. Returns `v` itself when it is clean.
static str cleaned(arena *a, str v) {
    size_t n = 0;
    while (n < v.len && v.ptr[n] != '\r' && v.ptr[n] != '\n' && v.ptr[n] != 0)
        n++;
    if (n == v.len) return v;
    str copy = arena_str(a, v);
    for (char *p = (char *)copy.ptr; p < copy.ptr + copy.len; p++)
        if (*p == '\r' || *p == '\n' || *p == 0) *p = ' ';
    return copy;
}

void http_add_header(http_req *rq, const char *name, str value) {
    CHECK(http_is_token(str_of(name)));
    http_line *line = arena_new(&rq->arena, http_line);
    *line = (http_line){.name = str_of(name), .value = cleaned(&rq->arena, value)};
    *rq->re.last_line = line;
    rq->re.last_line = &line->next;
}

void http_add_header_fmt(http_req *rq, const char *name, const char *fmt, ...) {
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    http_add_header(rq, name, arena_str(&rq->arena, str_of(text)));
}

void http_set_modified(http_req *rq, int64_t mtime_ns) {
    rq->re.has_modified = true;
    rq->re.modified_s = mtime_ns / 1000000000;
}

void http_set_etag(http_req *rq, str etag) {
    rq->re.etag = cleaned(&rq->arena, etag);
}

void http_reply(http_req *rq, int code, const char *type, str body) {
    answer(rq, REPLY_BYTES, code, type)->body = body;
}

void http_reply_map(http_req *rq, int code, const char *type, const os_map *m, uint64_t off,
                    uint64_t len) {
    CHECK(off <= m->len && len <= m->len - off);
    http_answer *re = answer(rq, REPLY_MAP, code, type);
    re->map = m;
    re->off = off;
    re->len = len;
}

void http_reply_stream(http_req *rq, int code, const char *type, http_gen gen) {
    CHECK(gen.proceed && gen.stop);
    answer(rq, REPLY_STREAM, code, type)->gen = gen;
}

void http_reply_redirect(http_req *rq, int code, str location) {
    CHECK(code == 301 || code == 302 || code == 307 || code == 308);
    http_add_header(rq, "Location", location);
    http_reply(rq, code, HTTP_TEXT, (str){0});
}

static void error_page(buf *b, int code, str message) {
    const struct status_row *row = row_of(code);
    buf_add(b, STR("<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\"\n"
                   "        \"http://www.w3.org/TR/html4/strict.dtd\">\n"
                   "<html>\n"
                   "    <head>\n"
                   "        <meta http-equiv=\"Content-Type\" "
                   "content=\"text/html;charset=utf-8\">\n"
                   "        <title>Error response</title>\n"
                   "    </head>\n"
                   "    <body>\n"
                   "        <h1>Error response</h1>\n"));
    buf_fmt(b, "        <p>Error code: %d</p>\n        <p>Message: ", code);
    buf_html(b, message);
    if (!str_ends(message, STR("."))) buf_byte(b, '.');
    buf_fmt(b, "</p>\n        <p>Error code explanation: %d - %s.</p>\n", code,
            row ? row->explain : "No explanation");
    buf_add(b, STR("    </body>\n</html>\n"));
}

void http_reply_error(http_req *rq, int code, const char *fmt, ...) {
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    buf b;
    buf_init(&b, &rq->arena, 1024);
    error_page(&b, code, str_of(text[0] ? text : http__reason(code)));
    http_reply(rq, code, "text/html;charset=utf-8", buf_str(&b));
}

// --- Ranges ----------------------------------------------------------------------------------

static void set_content_range(http_req *rq, http_range r, uint64_t size) {
    CHECK(r.first <= r.last && r.last < size);
    rq->re.content_range =
        arena_fmt(&rq->arena, "bytes %llu-%llu/%llu", (unsigned long long)r.first,
                  (unsigned long long)r.last, (unsigned long long)size);
}

void http_reply_range(http_req *rq, const char *type, const os_map *m, http_range r) {
    http_reply_range_map(rq, type, m, r.first, r, m->len);
}

void http_reply_range_map(http_req *rq, const char *type, const os_map *m, uint64_t at,
                          http_range r, uint64_t size) {
    set_content_range(rq, r, size);
    http_reply_map(rq, 206, type, m, at, r.last - r.first + 1);
}

void http_reply_range_bytes(http_req *rq, const char *type, str part, http_range r, uint64_t size) {
    CHECK(part.len == r.last - r.first + 1);
    set_content_range(rq, r, size);
    http_reply(rq, 206, type, part);
}

void http_reply_range_error(http_req *rq, http_range_kind kind, uint64_t size) {
    if (kind == HTTP_RANGE_MULTI) {
        http_reply_error(rq, 400, "Multiple ranges not supported");
        return;
    }
    rq->re.content_range = arena_fmt(&rq->arena, "bytes */%llu", (unsigned long long)size);
    http_reply_error(rq, 416, "Invalid range request");
}

// --- OPTIONS ---------------------------------------------------------------------------------

str http__method_list(char out[64], unsigned methods) {
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {
        {HTTP_GET, "GET"}, {HTTP_HEAD, "HEAD"}, {HTTP_POST, "POST"}, {HTTP_OPTIONS, "OPTIONS"}};
    size_t n = 0;
    out[0] = 0;
    for (size_t i = 0; i < countof(names); i++)
        if (methods & names[i].bit)
            n += (size_t)snprintf(out + n, 64 - n, "%s%s", n ? ", " : "", names[i].name);
    return (str){out, n};
}

static bool is_token_list(str list) {
    while (list.len)
        if (!http_is_token(str_trim(str_cut(&list, ',')))) return false;
    return true;
}

void http__reply_options(http_req *rq) {
    char text[64];
    str methods = arena_str(&rq->arena, http__method_list(text, rq->allow)), wanted;
    http_add_header(rq, "Allow", methods);
    http_add_header(rq, "Access-Control-Allow-Methods", methods);
    if (http_header(&wanted, rq, "access-control-request-headers") && wanted.len &&
        wanted.len <= 1024 && is_token_list(wanted))
        http_add_header(rq, "Access-Control-Allow-Headers", wanted);
    http_add_header(rq, "Access-Control-Max-Age", STR("86400"));
    http_reply(rq, 204, NULL, (str){0});
}

// --- Conditions ------------------------------------------------------------------------------

// Weak comparison, as If-None-Match wants (RFC 9110 8.8.3.2).
static bool etag_listed(str list, str etag) {
    if (str_eq(list, STR("*"))) return true;
    if (str_starts(etag, STR("W/"))) etag = str_skip(etag, 2);
    while (list.len) {
        str one = str_trim(str_cut(&list, ','));
        if (str_starts(one, STR("W/"))) one = str_skip(one, 2);
        if (str_eq(one, etag)) return true;
    }
    return false;
}

static bool is_unchanged(http_req *rq) {
    str v;
    int64_t at;
    if (http_header(&v, rq, "if-none-match")) return rq->re.etag.len && etag_listed(v, rq->re.etag);
    return rq->re.has_modified && http_header(&v, rq, "if-modified-since") &&
           http_date_parse(&at, v) && rq->re.modified_s <= at;
}

void http__reply_settle(http_req *rq) {
    http_answer *re = &rq->re;
    bool may = (re->code == 200 || re->code == 206) && re->kind != REPLY_STREAM &&
               (rq->method == HTTP_GET || rq->method == HTTP_HEAD);
    if (!may || (!re->has_modified && !re->etag.len) || !is_unchanged(rq)) return;
    re->kind = REPLY_BYTES;
    re->code = 304;
    re->type = NULL;
    re->body = (str){0};
    re->content_range = (str){0};
}

void http__reply_stop(http_req *rq) {
    if (rq->re.kind != REPLY_STREAM || !rq->re.gen.proceed) return;
    rq->re.gen.proceed = NULL;  // I2
    rq->re.gen.stop(rq->re.gen.self);
}

void http__reply_drop(http_req *rq) {
    http__reply_stop(rq);
    rq->re = (http_answer){0};
    rq->re.last_line = &rq->re.lines;
}

// --- The header block ------------------------------------------------------------------------

static void status_line(buf *b, int code) {
    if (code == 200) {
        buf_add(b, STR("HTTP/1.1 200 OK\r\n"));
        return;
    }
    buf_add(b, STR("HTTP/1.1 "));
    buf_u64(b, (uint64_t)code);
    buf_byte(b, ' ');
    buf_add(b, str_of(http__reason(code)));
    buf_add(b, STR("\r\n"));
}

static void field(buf *b, str name, str value) {
    buf_add(b, name);
    buf_add(b, STR(": "));
    buf_add(b, value);
    buf_add(b, STR("\r\n"));
}

static void last_modified(buf *b, int64_t at) {
    char date[HTTP_DATE_LEN];
    http_date_format(date, at);
    field(b, STR("Last-Modified"), (str){date, sizeof date});
}

// Which headers a page from elsewhere may read: ours that are there, comma-separated.
static void expose(buf *b, const http_answer *re) {
    bool any = false;
    const char *before = "Access-Control-Expose-Headers: ";
    if (re->content_range.len) {
        buf_fmt(b, "%sContent-Range", before);
        before = ", ", any = true;
    }
    for (const http_line *l = re->lines; l; l = l->next) {
        if (!str_starts_nocase(l->name, STR("X-"))) continue;
        buf_add(b, str_of(before));
        buf_add(b, l->name);
        before = ", ", any = true;
    }
    if (any) buf_add(b, STR("\r\n"));
}

static void body_framing(buf *b, const http_req *rq, const http_wire *w) {
    const http_answer *re = &rq->re;
    if (http__has_no_body(re->code)) return;
    if (re->kind == REPLY_STREAM) {
        if (w->chunked) buf_add(b, STR("Transfer-Encoding: chunked\r\n"));
        return;
    }
    buf_add(b, STR("Content-Length: "));
    buf_u64(b, re->kind == REPLY_MAP ? re->len : re->body.len);
    buf_add(b, STR("\r\n"));
}

void http__reply_head(buf *b, const http_req *rq, const http_wire *w) {
    const http_answer *re = &rq->re;
    bool is_thing = re->code < 400;  // an error page is not the thing that was modified
    status_line(b, re->code);
    if (re->type) {
        buf_add(b, w->fixed);
        buf_add(b, str_of(re->type));
        buf_add(b, STR("\r\nAccess-Control-Allow-Origin: *\r\n"));
    } else {
        buf_add(b, str_first(w->fixed, w->fixed.len - STR("Content-Type: ").len));
        buf_add(b, STR("Access-Control-Allow-Origin: *\r\n"));
    }
    if (w->close)
        buf_add(b, STR("Connection: close\r\n"));
    else if (w->say_keep_alive)
        buf_add(b, STR("Connection: keep-alive\r\n"));
    if (is_thing && re->has_modified) last_modified(b, re->modified_s);
    if (re->content_range.len) field(b, STR("Content-Range"), re->content_range);
    body_framing(b, rq, w);
    if (is_thing && re->etag.len) field(b, STR("ETag"), re->etag);
    if (re->lines || re->content_range.len) expose(b, re);
    for (const http_line *l = re->lines; l; l = l->next)
        field(b, l->name, l->value);
    buf_add(b, STR("\r\n"));
}
