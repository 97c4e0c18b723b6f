// The server over real sockets: framing of replies, pipelining, streams, back-pressure,
// cancellation, draining, and each limit.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/internal.h"
#include "os/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BIG = 3 << 20, PATIENCE_MS = 8000 };

static http_server *server;
static char big[BIG];
static os_map map;
static char map_path[] = "/tmp/test_server_map_XXXXXX";

// --- Handlers --------------------------------------------------------------------------------

static void plaintext(http_req *rq, void *app) {
    (void)app;
    http_reply(rq, 200, HTTP_TEXT, STR("Hello, World!"));
}

static void show(http_req *rq, void *app) {
    (void)app;
    str x = STR("-"), h = STR("-");
    http_query(&x, rq, "x");
    http_header(&h, rq, "x-test");
    str p = http_path(rq), t = http_tail(rq), b = http_body(rq), who = http_peer(rq);
    assert_true(str_starts(who, STR("127.0.0.1:")));
    http_reply(rq, 200, HTTP_TEXT,
               arena_fmt(http_arena(rq), "%u|%.*s|%.*s|%.*s|%.*s|%zu:%.*s", http_method(rq),
                         STR_ARG(p), STR_ARG(t), STR_ARG(x), STR_ARG(h), b.len,
                         (int)(b.len < 64 ? b.len : 64), b.ptr ? b.ptr : ""));
}

static void no_reply(http_req *rq, void *app) {
    (void)rq, (void)app;
}

static void big_body(http_req *rq, void *app) {
    (void)app;
    http_reply(rq, 200, HTTP_TEXT, (str){big, BIG});
}

static void mapped(http_req *rq, void *app) {
    (void)app;
    http_set_modified(rq, INT64_C(784111777) * 1000000000);
    http_set_etag(rq, STR("\"v1\""));
    http_range r;
    http_range_kind kind = http_range_of(&r, rq, map.len);
    if (kind == HTTP_RANGE_OK)
        http_reply_range(rq, HTTP_XML, &map, r);
    else if (kind == HTTP_RANGE_NONE)
        http_reply_map(rq, 200, HTTP_XML, &map, 0, map.len);
    else
        http_reply_range_error(rq, kind, map.len);
}

static void headers(http_req *rq, void *app) {
    (void)app;
    str v = {0};
    http_query(&v, rq, "v");
    http_add_header(rq, "X-One", v);
    http_add_header_fmt(rq, "X-Two", "%d", 2);
    http_add_header(rq, "Other", STR("o"));
    http_range r = {0, 0};
    http_reply_range_bytes(rq, HTTP_TEXT, STR("h"), r, 5);
}

static void huge_header(http_req *rq, void *app) {
    (void)app;
    http_add_header(rq, "X-Huge", (str){big, HTTP_REPLY_HEAD_MAX});
    http_reply(rq, 200, HTTP_TEXT, STR("x"));
}

static void error_text(http_req *rq, void *app) {
    (void)app;
    str t = http_tail(rq);
    http_reply_error(rq, 404, "No '%.*s' here", STR_ARG(t));
}

static void redirect(http_req *rq, void *app) {
    (void)app;
    http_reply_redirect(rq, 302, STR("/plaintext"));
}

static sem_t gate;  // holds workers up
static _Atomic int n_waiting;

static void gated(http_req *rq, void *app) {
    (void)app;
    atomic_fetch_add(&n_waiting, 1);
    sem_wait(&gate);
    http_reply(rq, 200, HTTP_TEXT, STR("gated"));
}

// A stream under the tests' control: made ticks are shown, one chunk each.
typedef struct ticker {
    _Atomic int made, stopped, calls;
    _Atomic uint64_t bytes;
    _Atomic int end;  // what comes after the made ones: HTTP_WAIT, HTTP_END or HTTP_FAIL
    int shown;
    http_waker waker;
    _Atomic bool begun;
} ticker;

static ticker tick;

static http_more ticker_proceed(void *self, buf *out) {
    ticker *t = self;
    atomic_fetch_add(&t->calls, 1);
    assert_int_equal(t->stopped, 0);
    assert_int_equal(out->len, 0);
    if (t->shown < t->made) {
        buf_fmt(out, "tick %d\n", ++t->shown);
        return t->shown < t->made ? HTTP_MORE : (http_more)t->end;
    }
    return (http_more)t->end;
}

static void ticker_stop(void *self) {
    atomic_fetch_add(&((ticker *)self)->stopped, 1);
}

static void ticking(http_req *rq, void *app) {
    (void)app;
    tick.shown = 0;
    tick.waker = http_waker_of(rq);
    http_add_header(rq, "X-Model", STR("m"));
    http_reply_stream(rq, 200, HTTP_TEXT, (http_gen){&tick, ticker_proceed, ticker_stop});
    atomic_store(&tick.begun, true);
}

static http_more endless_proceed(void *self, buf *out) {
    ticker *t = self;
    char *p = buf_room(out, out->limit);
    assert_non_null(p);
    memset(p, 'e', out->limit);
    out->len = out->limit;
    atomic_fetch_add(&t->bytes, out->len);
    return HTTP_MORE;
}

static void endless(http_req *rq, void *app) {
    (void)app;
    http_reply_stream(rq, 200, HTTP_TEXT, (http_gen){&tick, endless_proceed, ticker_stop});
}

static const http_route routes[] = {
    {HTTP_GET, "/plaintext", plaintext, NULL, HTTP_LOOP},
    {HTTP_GET | HTTP_POST, "/show/*", show, NULL, HTTP_LOOP},
    {HTTP_GET | HTTP_POST, "/worker/*", show, NULL, HTTP_WORKER},
    {HTTP_GET, "/none", no_reply, NULL, HTTP_LOOP},
    {HTTP_GET, "/none-worker", no_reply, NULL, HTTP_WORKER},
    {HTTP_GET, "/big", big_body, NULL, HTTP_LOOP},
    {HTTP_GET, "/map", mapped, NULL, HTTP_LOOP},
    {HTTP_GET, "/headers", headers, NULL, HTTP_LOOP},
    {HTTP_GET, "/huge-header", huge_header, NULL, HTTP_LOOP},
    {HTTP_GET, "/error/*", error_text, NULL, HTTP_LOOP},
    {HTTP_GET, "/redirect", redirect, NULL, HTTP_LOOP},
    {HTTP_GET, "/gated", gated, NULL, HTTP_WORKER},
    {HTTP_GET, "/tick", ticking, NULL, HTTP_LOOP},
    {HTTP_GET, "/tick-worker", ticking, NULL, HTTP_WORKER},
    {HTTP_GET, "/endless", endless, NULL, HTTP_LOOP},
};

// --- Set-up ----------------------------------------------------------------------------------

static void open_server(int n_loops, int n_workers) {
    http_config c = {.ip = "127.0.0.1",
                     .n_loops = n_loops,
                     .n_workers = n_workers,
                     .routes = routes,
                     .n_routes = countof(routes)};
    err e;
    if (http_server_open(&server, &c, &e)) fail_msg("%s", e.msg);
    assert_true(http_server_port(server) > 0);
}

static void reset_tick(int made, http_more end) {
    memset(&tick, 0, sizeof tick);
    tick.made = made;
    tick.end = end;
}

static int set_up(void **state) {
    (void)state;
    http__hurry = 1;
    n_waiting = 0;
    sem_init(&gate, 0, 0);
    open_server(1, 2);
    return 0;
}

static int set_up_hurried(void **state) {
    int rc = set_up(state);
    http__hurry = 100;
    return rc;
}

static int tear_down(void **state) {
    (void)state;
    http_server_close(server);
    sem_destroy(&gate);
    return 0;
}

static int make_map(void **state) {
    (void)state;
    for (size_t i = 0; i < BIG; i++)
        big[i] = (char)('a' + i % 23);
    int fd = mkstemp(map_path);
    if (fd < 0 || write(fd, big, BIG) != BIG) return -1;
    close(fd);
    err e;
    return os_map_open(&map, map_path, OS_MAP_RANDOM, &e);
}

static int drop_map(void **state) {
    (void)state;
    os_map_close(&map);
    return unlink(map_path);
}

// --- Client ----------------------------------------------------------------------------------

typedef struct reply {
    int code;
    size_t head_len, body_len;
    bool chunked, ended;  // ended: the last chunk or all of Content-Length came
    int n_chunks;
    char *head, *body;  // NUL behind each
} reply;

typedef struct client {
    int fd;
    size_t len, at;
    char *in;
    bool eof;
} client;

enum { CLIENT_MAX = 2 * BIG };

static client dial_with(int rcvbuf) {
    client c = {.fd = socket(AF_INET, SOCK_STREAM, 0), .in = malloc(CLIENT_MAX)};
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)http_server_port(server)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (rcvbuf) setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf, sizeof rcvbuf);
    assert_int_equal(connect(c.fd, (struct sockaddr *)&a, sizeof a), 0);
    return c;
}

static client dial(void) {
    return dial_with(0);
}

static void hang_up(client *c) {
    if (c->fd >= 0) close(c->fd);
    free(c->in);
    *c = (client){.fd = -1};
}

static void say_n(client *c, const char *text, size_t n) {
    while (n) {
        ssize_t k = send(c->fd, text, n, MSG_NOSIGNAL);
        if (k <= 0) return;  // the server has had enough; the reply tells
        text += k, n -= (size_t)k;
    }
}

static void say(client *c, const char *text) {
    say_n(c, text, strlen(text));
}

// Waits for more bytes; false at the end of the connection.
static bool hear(client *c) {
    struct pollfd p = {c->fd, POLLIN, 0};
    if (c->eof) return false;
    int rc = poll(&p, 1, PATIENCE_MS);
    if (rc == 0) fail_msg("the server said nothing for %d ms", PATIENCE_MS);
    assert_true(c->len < CLIENT_MAX);
    ssize_t n = recv(c->fd, c->in + c->len, CLIENT_MAX - c->len, 0);
    if (n <= 0) c->eof = true;
    if (n > 0) c->len += (size_t)n;
    return n > 0;
}

static bool has_end(const client *c, size_t *end) {
    str s = {c->in + c->at, c->len - c->at};
    *end = c->at + str_find(s, STR("\r\n\r\n")) + 4;
    return *end <= c->len;
}

static const char *field_of(const reply *r, const char *name) {
    static char value[512];
    char want[64];
    snprintf(want, sizeof want, "\r\n%s: ", name);
    const char *p = strstr(r->head, want);
    if (!p) return NULL;
    p += strlen(want);
    snprintf(value, sizeof value, "%.*s", (int)strcspn(p, "\r"), p);
    return value;
}

static void hear_chunks(client *c, reply *r) {
    for (;;) {
        str s = {c->in + c->at, c->len - c->at};
        size_t eol = str_find(s, STR("\r\n"));
        uint64_t n = eol < s.len ? strtoull(s.ptr, NULL, 16) : 0;
        if (eol == s.len || s.len < eol + 2 + n + 2) {
            if (!hear(c)) return;
            continue;
        }
        for (size_t i = 0; i < eol; i++)
            assert_non_null(strchr("0123456789ABCDEF", s.ptr[i]));
        assert_memory_equal(s.ptr + eol + 2 + n, "\r\n", 2);
        c->at += eol + 2 + n + 2;
        if (n == 0) {
            r->ended = true;
            return;
        }
        r->n_chunks++;
        memcpy(r->body + r->body_len, s.ptr + eol + 2, n);
        r->body_len += n;
    }
}

// The next reply. `head_only`: to HEAD. Code 0 when the connection ended instead.
static reply listen_for(client *c, bool head_only) {
    reply r = {0};
    size_t end;
    while (!has_end(c, &end))
        if (!hear(c)) return r;
    r.head_len = end - c->at;
    r.head = strndup(c->in + c->at, r.head_len);
    r.body = calloc(1, CLIENT_MAX);
    assert_int_equal(sscanf(r.head, "HTTP/1.1 %d ", &r.code), 1);
    c->at = end;
    r.chunked = field_of(&r, "Transfer-Encoding") != NULL;
    const char *length = field_of(&r, "Content-Length");
    assert_false(r.chunked && length);
    if (head_only || r.code < 200 || r.code == 204 || r.code == 304) {
        r.ended = true;
        return r;
    }
    if (r.chunked) {
        hear_chunks(c, &r);
        return r;
    }
    size_t want = length ? strtoull(length, NULL, 10) : CLIENT_MAX;
    while (c->len - c->at < want && hear(c))
        ;
    r.body_len = min_size(want, c->len - c->at);
    memcpy(r.body, c->in + c->at, r.body_len);
    c->at += r.body_len;
    r.ended = !length || r.body_len == want;
    return r;
}

static void forget(reply *r) {
    free(r->head);
    free(r->body);
}

static void expect_body(client *c, int code, const char *body) {
    reply r = listen_for(c, false);
    assert_int_equal(r.code, code);
    assert_true(r.ended);
    if (body) assert_string_equal(r.body, body);
    forget(&r);
}

static void expect_end(client *c) {
    while (hear(c))
        ;
    assert_int_equal(c->len, c->at);
}

static void expect_alive(client *c) {
    say(c, "GET /plaintext HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_body(c, 200, "Hello, World!");
}

// One request on a connection of its own.
static reply ask(const char *text) {
    client c = dial();
    say(&c, text);
    reply r = listen_for(&c, strncmp(text, "HEAD", 4) == 0);
    hang_up(&c);
    return r;
}

static bool comes_true(bool (*what)(void)) {
    for (int i = 0; i < PATIENCE_MS; i++) {
        if (what()) return true;
        usleep(1000);
    }
    return false;
}

static bool is_stopped(void) {
    return tick.stopped == 1;
}

static bool is_begun(void) {
    return tick.begun;
}

static bool are_none_open(void) {
    http_counters n;
    http_server_counters(&n, server);
    return n.connections_open == 0;
}

// --- Replies ---------------------------------------------------------------------------------

static void test_headers_stand_in_the_original_order(void **state) {
    (void)state;
    reply r = ask("GET /headers?v=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    static const char *order[] = {"HTTP/1.1 206 Partial Content\r\n",
                                  "Server: Parallelopedia Web Server v1.0\r\n",
                                  "Date: ",
                                  "Accept-Ranges: bytes\r\n",
                                  "Content-Type: text/plain; charset=UTF-8\r\n",
                                  "Access-Control-Allow-Origin: *\r\n",
                                  "Connection: close\r\n",
                                  "Content-Range: bytes 0-0/5\r\n",
                                  "Content-Length: 1\r\n",
                                  "Access-Control-Expose-Headers: Content-Range, X-One, X-Two\r\n",
                                  "X-One: 1\r\n",
                                  "X-Two: 2\r\n",
                                  "Other: o\r\n\r\n"};
    const char *at = r.head;
    for (size_t i = 0; i < countof(order); i++) {
        const char *p = strstr(at, order[i]);
        if (!p) fail_msg("'%s' is missing or too early in:\n%s", order[i], r.head);
        at = p + strlen(order[i]);
    }
    forget(&r);
}

static void test_values_cannot_split_the_response(void **state) {
    (void)state;
    reply r = ask("GET /headers?v=a%0d%0aX-Evil:%201 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_null(field_of(&r, "X-Evil"));
    assert_string_equal(field_of(&r, "X-One"), "a  X-Evil: 1");
    forget(&r);
    r = ask("GET /error/%0d%0aX-Evil:%201 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(r.code, 404);
    assert_null(strstr(r.head, "X-Evil"));
    forget(&r);
}

static void test_error_page_has_the_original_shape_and_is_escaped(void **state) {
    (void)state;
    reply r = ask("GET /error/%3Cscript%3E%22 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_memory_equal(r.head, "HTTP/1.1 404 Not Found\r\n", 24);
    assert_string_equal(field_of(&r, "Content-Type"), "text/html;charset=utf-8");
    assert_string_equal(
        r.body, "<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\"\n"
                "        \"http://www.w3.org/TR/html4/strict.dtd\">\n"
                "<html>\n"
                "    <head>\n"
                "        <meta http-equiv=\"Content-Type\" content=\"text/html;charset=utf-8\">\n"
                "        <title>Error response</title>\n"
                "    </head>\n"
                "    <body>\n"
                "        <h1>Error response</h1>\n"
                "        <p>Error code: 404</p>\n"
                "        <p>Message: No &#39;&lt;script&gt;&quot;&#39; here.</p>\n"
                "        <p>Error code explanation: 404 - Nothing matches the given URI.</p>\n"
                "    </body>\n"
                "</html>\n");
    forget(&r);
}

static void test_codes(void **state) {
    (void)state;
    static const struct {
        int code;
        bool closes;
        const char *text;
    } t[] = {
        {200, false, "GET /plaintext HTTP/1.1\r\nHost: x\r\n\r\n"},
        {200, false, "GET http://x/plaintext?a HTTP/1.1\r\nHost: x\r\n\r\n"},
        {200, true, "GET /plaintext HTTP/1.1\r\nHost: x\r\nConnection: TE, close\r\n\r\n"},
        {200, true, "GET /plaintext HTTP/1.0\r\n\r\n"},
        {200, false, "GET /plaintext HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"},
        {200, false, "GET /%70laintext HTTP/1.1\r\nHost: x\r\n\r\n"},
        {302, false, "GET /redirect HTTP/1.1\r\nHost: x\r\n\r\n"},
        {400, true, "GET http://y/plaintext HTTP/1.1\r\nHost: x\r\n\r\n"},
        {400, true, "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n"},
        {400, true, "GET * HTTP/1.1\r\nHost: x\r\n\r\n"},
        {400, true, "GET plaintext HTTP/1.1\r\nHost: x\r\n\r\n"},
        {400, true, "GET /plaintext HTTP/1.1\r\n\r\n"},
        {404, false, "GET /plaintextX HTTP/1.1\r\nHost: x\r\n\r\n"},
        {404, false, "GET /../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n"},
        {404, false, "GET /dispatch HTTP/1.1\r\nHost: x\r\n\r\n"},
        {405, false, "POST /plaintext HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"},
        {413, true, "POST /show HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n"},
        {417, true, "POST /show HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n"},
        {500, false, "GET /none HTTP/1.1\r\nHost: x\r\n\r\n"},
        {500, false, "GET /none-worker HTTP/1.1\r\nHost: x\r\n\r\n"},
        {500, true, "GET /huge-header HTTP/1.1\r\nHost: x\r\n\r\n"},
        {501, true, "BREW /plaintext HTTP/1.1\r\nHost: x\r\n\r\n"},
        {501, true, "get /plaintext HTTP/1.1\r\nHost: x\r\n\r\n"},
        {501, true, "CONNECT x:1 HTTP/1.1\r\nHost: x:1\r\n\r\n"},
        {501, true, "TRACE / HTTP/1.1\r\nHost: x\r\n\r\n"},
        {501, false, "PUT /show HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"},
        {505, true, "GET / HTTP/2.0\r\nHost: x\r\n\r\n"},
    };
    for (size_t i = 0; i < countof(t); i++) {
        client c = dial();
        say(&c, t[i].text);
        reply r = listen_for(&c, false);
        if (r.code != t[i].code) fail_msg("got %d: %s", r.code, t[i].text);
        const char *connection = field_of(&r, "Connection");
        assert_int_equal(connection && strcmp(connection, "close") == 0, t[i].closes);
        if (t[i].closes)
            expect_end(&c);
        else
            expect_alive(&c);
        forget(&r);
        hang_up(&c);
    }
}

static void test_405_allows_and_503_says_when(void **state) {
    (void)state;
    reply r = ask("POST /plaintext HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(r.code, 405);
    assert_string_equal(field_of(&r, "Allow"), "GET, HEAD, OPTIONS");
    forget(&r);
}

static void test_head_is_get_without_the_body(void **state) {
    (void)state;
    static const char *paths[] = {"/plaintext", "/big", "/map", "/error/x", "/worker/a", "/none"};
    for (size_t i = 0; i < countof(paths); i++) {
        char get[128], head[128];
        snprintf(get, sizeof get, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", paths[i]);
        snprintf(head, sizeof head, "HEAD %s HTTP/1.1\r\nHost: x\r\n\r\n", paths[i]);
        client c = dial();
        say(&c, get);
        reply r = listen_for(&c, false);
        say(&c, head);
        reply h = listen_for(&c, true);
        assert_int_equal(r.code, h.code);
        if (strcmp(paths[i], "/worker/a"))  // shows its method, so lengths may differ
            assert_string_equal(strstr(r.head, "Accept-Ranges"), strstr(h.head, "Accept-Ranges"));
        expect_alive(&c);  // no body byte was left on the wire
        forget(&r), forget(&h);
        hang_up(&c);
    }
}

static void test_options_and_cors(void **state) {
    (void)state;
    reply r = ask("OPTIONS /show/x HTTP/1.1\r\nHost: x\r\nOrigin: http://a\r\n"
                  "Access-Control-Request-Method: GET\r\n"
                  "Access-Control-Request-Headers: range, x-a\r\n\r\n");
    assert_int_equal(r.code, 204);
    assert_string_equal(field_of(&r, "Allow"), "GET, HEAD, POST, OPTIONS");
    assert_string_equal(field_of(&r, "Access-Control-Allow-Methods"), "GET, HEAD, POST, OPTIONS");
    assert_string_equal(field_of(&r, "Access-Control-Allow-Headers"), "range, x-a");
    assert_string_equal(field_of(&r, "Access-Control-Allow-Origin"), "*");
    assert_non_null(field_of(&r, "Access-Control-Max-Age"));
    assert_null(field_of(&r, "Content-Length"));
    forget(&r);
    r = ask("OPTIONS /show HTTP/1.1\r\nHost: x\r\nAccess-Control-Request-Headers: a b\r\n\r\n");
    assert_null(field_of(&r, "Access-Control-Allow-Headers"));
    forget(&r);
    r = ask("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(r.code, 204);
    forget(&r);
    r = ask("OPTIONS /nowhere HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(r.code, 404);
    forget(&r);
}

static void test_http_1_0(void **state) {
    (void)state;
    client c = dial();
    say(&c, "GET /plaintext HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    reply r = listen_for(&c, false);
    assert_string_equal(field_of(&r, "Connection"), "keep-alive");
    forget(&r);
    expect_alive(&c);
    reset_tick(3, HTTP_END);
    say(&c, "GET /tick HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    r = listen_for(&c, false);
    assert_false(r.chunked);
    assert_string_equal(field_of(&r, "Connection"), "close");
    assert_string_equal(r.body, "tick 1\ntick 2\ntick 3\n");
    assert_int_equal(tick.stopped, 1);
    forget(&r);
    hang_up(&c);
}

// --- Requests --------------------------------------------------------------------------------

static void test_what_the_handler_sees(void **state) {
    (void)state;
    static const struct {
        const char *text, *body;
    } t[] = {
        {"GET /show/A%20b/%C3%A9?y=1&x=%2B+z HTTP/1.1\r\nHost: x\r\nX-Test: 1\r\nx-tEST:  2 \r\n"
         "\r\n",
         "1|/show/A b/\xC3\xA9|A b/\xC3\xA9|+ z|1, 2|0:"},
        {"GET /show HTTP/1.1\r\nHost: x\r\n\r\n", "1|/show||-|-|0:"},
        {"POST /show/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
         "4|/show/||-|-|5:hello"},
        {"POST /worker/t HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
         "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nX-Test: no\r\n\r\n",
         "4|/worker/t|t|-|-|5:hello"},
        {"GET /show HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "1|/show||-|-|0:"},
    };
    for (size_t i = 0; i < countof(t); i++) {
        client c = dial();
        say(&c, t[i].text);
        expect_body(&c, 200, t[i].body);
        expect_alive(&c);
        hang_up(&c);
        // and the same in single bytes
        c = dial();
        for (const char *p = t[i].text; *p; p++) {
            say_n(&c, p, 1);
            if ((p - t[i].text) % 8 == 0) usleep(200);
        }
        expect_body(&c, 200, t[i].body);
        expect_alive(&c);
        hang_up(&c);
    }
}

static void test_pipelined_requests_are_answered_in_order(void **state) {
    (void)state;
    enum { N = 500 };
    client c = dial();
    char *text = malloc(N * 200);
    size_t n = 0;
    for (int i = 0; i < N; i++) {
        static const char *forms[] = {
            "GET /show/%d HTTP/1.1\r\nHost: x\r\n\r\n",
            "GET /worker/%d HTTP/1.1\r\nHost: x\r\n\r\n",
            "POST /show/%d HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nGET ",
            "\r\nGET /error/%d HTTP/1.1\r\nHost: x\r\n\r\n",
        };
        n += (size_t)sprintf(text + n, forms[i % 4], i);
    }
    say_n(&c, text, n);
    for (int i = 0; i < N; i++) {
        char want[64];
        static const char *forms[] = {
            "1|/show/%d|%d|-|-|0:", "1|/worker/%d|%d|-|-|0:", "4|/show/%d|%d|-|-|4:GET "};
        if (i % 4 < 3) snprintf(want, sizeof want, forms[i % 4], i, i);
        expect_body(&c, i % 4 == 3 ? 404 : 200, i % 4 == 3 ? NULL : want);
    }
    expect_alive(&c);
    free(text);
    hang_up(&c);
}

static void test_half_closed_client_is_answered(void **state) {
    (void)state;
    client c = dial();
    say(&c, "GET /big HTTP/1.1\r\nHost: x\r\n\r\nGET /worker/y HTTP/1.1\r\nHost: x\r\n\r\n");
    shutdown(c.fd, SHUT_WR);
    reply r = listen_for(&c, false);
    assert_int_equal(r.body_len, BIG);
    forget(&r);
    expect_body(&c, 200, "1|/worker/y|y|-|-|0:");
    expect_end(&c);
    hang_up(&c);
}

static void test_expect_continue(void **state) {
    (void)state;
    client c = dial();
    say(&c, "POST /show HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    expect_body(&c, 100, NULL);
    say(&c, "ok");
    expect_body(&c, 200, "4|/show||-|-|2:ok");
    say(&c,
        "POST /show HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nok");
    expect_body(&c, 200, "4|/show||-|-|2:ok");  // came along: no 100
    say(&c, "POST /no HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    expect_body(&c, 404, NULL);
    expect_end(&c);  // the body may or may not come: close
    hang_up(&c);
}

static void test_refusal_is_not_lost_behind_unread_bytes(void **state) {
    (void)state;
    client c = dial();
    say(&c, "GET / HTTP/1.1\r\nHost: x\r\nBad Name: 1\r\n\r\n");
    for (int i = 0; i < 40; i++)
        say_n(&c, big, 1000);
    expect_body(&c, 400, NULL);
    hang_up(&c);
}

// --- Big bodies ------------------------------------------------------------------------------

static void test_big_bodies_arrive_whole(void **state) {
    (void)state;
    static const char *paths[] = {"/big", "/map"};
    for (size_t i = 0; i < 2; i++) {
        char text[64];
        snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", paths[i]);
        client c = dial();
        for (int k = 0; k < 3; k++) {
            c.len = c.at = 0;
            say(&c, text);
            usleep(20000);  // let the socket fill
            reply r = listen_for(&c, false);
            assert_int_equal(r.body_len, BIG);
            assert_memory_equal(r.body, big, BIG);
            forget(&r);
        }
        expect_alive(&c);
        hang_up(&c);
    }
}

static void test_ranges_of_a_map(void **state) {
    (void)state;
    static const struct {
        const char *field, *content_range;
        int code;
        size_t first, len;
    } t[] = {
        {"Range: bytes=0-0", "bytes 0-0/3145728", 206, 0, 1},
        {"Range: bytes=5-9", "bytes 5-9/3145728", 206, 5, 5},
        {"Range: bytes=-3", "bytes 3145725-3145727/3145728", 206, BIG - 3, 3},
        {"Range: bytes=100000-", "bytes 100000-3145727/3145728", 206, 100000, BIG - 100000},
        {"Range: bytes=3145728-", "bytes */3145728", 416, 0, 0},
        {"Range: bytes=0-0,2-3", NULL, 400, 0, 0},
        {"Range: lines=0-0", NULL, 200, 0, BIG},
        {"Range: bytes=5-9\r\nIf-Range: \"v1\"", "bytes 5-9/3145728", 206, 5, 5},
        {"Range: bytes=5-9\r\nIf-Range: \"v2\"", NULL, 200, 0, BIG},
        {"Range: bytes=5-9\r\nIf-Range: Sun, 06 Nov 1994 08:49:37 GMT", "bytes 5-9/3145728", 206, 5,
         5},
        {"Range: bytes=5-9\r\nIf-Range: Sun, 06 Nov 1994 08:49:38 GMT", NULL, 200, 0, BIG},
    };
    for (size_t i = 0; i < countof(t); i++) {
        char text[256];
        snprintf(text, sizeof text, "GET /map HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", t[i].field);
        reply r = ask(text);
        assert_int_equal(r.code, t[i].code);
        const char *cr = field_of(&r, "Content-Range");
        assert_int_equal(cr != NULL, t[i].content_range != NULL);
        if (cr) assert_string_equal(cr, t[i].content_range);
        if (cr) assert_string_equal(field_of(&r, "Access-Control-Expose-Headers"), "Content-Range");
        if (t[i].len) assert_int_equal(r.body_len, t[i].len);
        if (t[i].len) assert_memory_equal(r.body, big + t[i].first, t[i].len);
        forget(&r);
    }
    reply r = ask("GET /map?range=bytes=7-8 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_int_equal(r.code, 206);
    forget(&r);
    r = ask("HEAD /map HTTP/1.1\r\nHost: x\r\nRange: bytes=0-0\r\n\r\n");  // RFC 9110 14.2
    assert_int_equal(r.code, 200);
    forget(&r);
}

static void test_conditions(void **state) {
    (void)state;
    static const struct {
        const char *field;
        int code;
    } t[] = {
        {"If-None-Match: \"v1\"", 304},
        {"If-None-Match: W/\"v1\"", 304},
        {"If-None-Match: \"v0\", \"v1\"", 304},
        {"If-None-Match: *", 304},
        {"If-None-Match: \"v2\"", 200},
        {"If-None-Match: \"v2\"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", 200},
        {"If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT", 304},
        {"If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT", 200},
        {"If-Modified-Since: yesterday", 200},
        {"If-None-Match: \"v1\"\r\nRange: bytes=0-1", 304},
    };
    for (size_t i = 0; i < countof(t); i++) {
        char text[256];
        snprintf(text, sizeof text, "GET /map HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", t[i].field);
        client c = dial();
        say(&c, text);
        reply r = listen_for(&c, false);
        if (r.code != t[i].code) fail_msg("got %d: %s", r.code, t[i].field);
        assert_string_equal(field_of(&r, "Last-Modified"), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_string_equal(field_of(&r, "ETag"), "\"v1\"");
        if (r.code == 304) assert_null(field_of(&r, "Content-Length"));
        expect_alive(&c);
        forget(&r);
        hang_up(&c);
    }
}

// The dump is cut while it is sent: the connection ends early, the process does not.
static void test_a_file_that_shrinks_cuts_the_reply(void **state) {
    (void)state;
    char path[] = "/tmp/test_server_shrink_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, big, BIG), BIG);
    os_map kept = map;
    err e;
    assert_int_equal(os_map_open(&map, path, OS_MAP_RANDOM, &e), OK);
    assert_int_equal(ftruncate(fd, 4096), 0);
    client c = dial();
    say(&c, "GET /map HTTP/1.1\r\nHost: x\r\n\r\n");
    reply r = listen_for(&c, false);
    assert_false(r.ended);  // how much still came is the kernel's choice
    forget(&r);
    hang_up(&c);
    assert_true(comes_true(are_none_open));
    os_map_close(&map);
    map = kept;
    close(fd);
    unlink(path);
}

// --- Streams ---------------------------------------------------------------------------------

static void test_stream_is_one_chunk_per_call(void **state) {
    (void)state;
    static const char *requests[] = {"GET /tick HTTP/1.1\r\nHost: x\r\n\r\n",
                                     "GET /tick-worker HTTP/1.1\r\nHost: x\r\n\r\n"};
    for (size_t i = 0; i < 2; i++) {
        client c = dial();
        reset_tick(200, HTTP_END);
        say(&c, requests[i]);
        reply r = listen_for(&c, false);
        assert_true(r.chunked && r.ended);
        assert_int_equal(r.n_chunks, 200);
        assert_string_equal(r.body + r.body_len - 9, "tick 200\n");
        assert_string_equal(field_of(&r, "Access-Control-Expose-Headers"), "X-Model");
        assert_string_equal(field_of(&r, "Content-Type"), HTTP_TEXT);
        assert_int_equal(tick.stopped, 1);
        expect_alive(&c);
        forget(&r);
        hang_up(&c);
    }
}

static void test_stream_waits_for_wakes(void **state) {
    (void)state;
    client c = dial();
    reset_tick(1, HTTP_WAIT);
    say(&c, "GET /tick HTTP/1.1\r\nHost: x\r\n\r\nGET /plaintext HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(comes_true(is_begun));
    size_t end;
    while (!has_end(&c, &end))
        hear(&c);
    for (int i = 2; i <= 50; i++) {
        size_t had = c.len;
        atomic_fetch_add(&tick.made, 1);
        if (i == 50) tick.end = HTTP_END;
        http_wake(tick.waker);
        while (c.len == had)
            assert_true(hear(&c));  // each is sent at once, not held for more
    }
    reply r = listen_for(&c, false);
    assert_true(r.ended);
    assert_int_equal(r.n_chunks, 50);
    assert_true(tick.calls < 120);          // not called while there is nothing
    expect_body(&c, 200, "Hello, World!");  // the pipelined one came behind the stream
    http_wake(tick.waker);                  // a stale waker does nothing
    expect_alive(&c);
    forget(&r);
    hang_up(&c);
}

static void test_head_of_a_stream(void **state) {
    (void)state;
    client c = dial();
    reset_tick(5, HTTP_END);
    say(&c, "HEAD /tick HTTP/1.1\r\nHost: x\r\n\r\n");
    reply r = listen_for(&c, true);
    assert_true(r.chunked);
    assert_int_equal(tick.calls, 0);
    assert_int_equal(tick.stopped, 1);
    expect_alive(&c);
    forget(&r);
    hang_up(&c);
}

static void test_failed_stream_is_seen_to_be_cut(void **state) {
    (void)state;
    reset_tick(2, HTTP_FAIL);
    client c = dial();
    say(&c, "GET /tick HTTP/1.1\r\nHost: x\r\n\r\n");
    reply r = listen_for(&c, false);
    assert_int_equal(r.n_chunks, 2);
    assert_false(r.ended);
    assert_int_equal(tick.stopped, 1);
    forget(&r);
    hang_up(&c);
}

static void test_client_that_leaves_stops_its_stream(void **state) {
    (void)state;
    for (int reset = 0; reset < 2; reset++) {
        client c = dial();
        reset_tick(1, HTTP_WAIT);
        say(&c, "GET /tick HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_true(comes_true(is_begun));
        size_t end;
        while (!has_end(&c, &end) || c.len < end + 12)
            hear(&c);
        struct linger now = {1, 0};
        if (reset) setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        hang_up(&c);
        for (int i = 0; !reset && i < 2; i++) {  // a plain close shows with the next token
            usleep(20000);
            atomic_fetch_add(&tick.made, 1);
            http_wake(tick.waker);
        }
        assert_true(comes_true(is_stopped));
        assert_true(comes_true(are_none_open));
        assert_int_equal(tick.stopped, 1);
    }
}

static void test_slow_reader_holds_the_generator_back(void **state) {
    (void)state;
    reset_tick(0, HTTP_MORE);
    client c = dial_with(4096);
    say(&c, "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n");
    uint64_t before = 0;
    for (int i = 0; i < 20 && (before == 0 || tick.bytes != before); i++) {
        before = tick.bytes;
        usleep(50000);
    }
    assert_int_equal(tick.bytes, before);          // it has come to rest
    assert_true(before > 0 && before < 16 << 20);  // within what the kernel's buffers take
    http_counters n;
    http_server_counters(&n, server);
    assert_true(tick.bytes - n.bytes_sent < HTTP_BLOCK);  // ours is one block
    assert_int_equal(n.streams_open, 1);
    client other = dial();  // and the loop has time for others
    expect_alive(&other);
    hang_up(&other);
    hang_up(&c);
    assert_true(comes_true(is_stopped));
}

static void test_endless_stream_does_not_starve_others(void **state) {
    (void)state;
    reset_tick(0, HTTP_MORE);
    client greedy = dial();
    say(&greedy, "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n");
    client other = dial();
    for (int i = 0; i < 50; i++) {
        greedy.len = 0;
        hear(&greedy);
        expect_alive(&other);
        other.len = other.at = 0;
    }
    hang_up(&greedy);
    hang_up(&other);
    assert_true(comes_true(is_stopped));
}

// --- Workers ---------------------------------------------------------------------------------

static bool are_two_waiting(void) {
    return n_waiting == 2;
}

static void test_full_queue_is_503(void **state) {
    (void)state;
    enum { N = HTTP_QUEUE_MAX + 2 };
    struct rlimit many = {20000, 20000};
    getrlimit(RLIMIT_NOFILE, &many);
    if (many.rlim_cur < 3 * N) skip();
    static int fds[N];
    for (int i = 0; i < N; i++) {
        client c = dial();
        say(&c, "GET /gated HTTP/1.1\r\nHost: x\r\n\r\n");
        fds[i] = c.fd;
        free(c.in);
        if (i == 1) assert_true(comes_true(are_two_waiting));  // both workers are held
    }
    reply r = {0};
    for (int i = 0; i < 1000 && r.code != 503; i++) {  // the last ones may still be on their way
        client c = dial();
        say(&c, "GET /worker/x HTTP/1.1\r\nHost: x\r\n\r\n");
        struct pollfd p = {c.fd, POLLIN, 0};
        if (poll(&p, 1, 100) == 1) r = listen_for(&c, false);
        hang_up(&c);
    }
    assert_int_equal(r.code, 503);
    assert_string_equal(field_of(&r, "Retry-After"), "1");
    client c = dial();
    expect_alive(&c);  // the loop answers as ever
    hang_up(&c);
    for (int i = 0; i < N; i++)
        sem_post(&gate), sem_post(&gate);
    for (int i = 0; i < N; i++)
        close(fds[i]);
    forget(&r);
}

static void test_client_that_leaves_a_worker_is_forgotten(void **state) {
    (void)state;
    client c = dial();
    say(&c, "GET /gated HTTP/1.1\r\nHost: x\r\n\r\n");
    while (n_waiting < 1)
        usleep(1000);
    struct linger now = {1, 0};
    setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    hang_up(&c);
    usleep(20000);
    sem_post(&gate);
    assert_true(comes_true(are_none_open));
}

// --- Draining --------------------------------------------------------------------------------

static void *drain_main(void *arg) {
    *(int *)arg = http_server_drain(server, 5000);
    return NULL;
}

static void test_drain_lets_replies_finish(void **state) {
    (void)state;
    client idle = dial(), streaming = dial(), working = dial();
    expect_alive(&idle);
    reset_tick(1, HTTP_WAIT);
    say(&streaming, "GET /tick HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(comes_true(is_begun));
    say(&working, "GET /gated HTTP/1.1\r\nHost: x\r\n\r\n");
    while (n_waiting < 1)
        usleep(1000);
    pthread_t t;
    int n_cut = -1;
    pthread_create(&t, NULL, drain_main, &n_cut);
    expect_end(&idle);
    sem_post(&gate);
    reply r = listen_for(&working, false);
    assert_string_equal(r.body, "gated");
    assert_string_equal(field_of(&r, "Connection"), "close");
    forget(&r);
    expect_end(&working);
    tick.made = 2;
    tick.end = HTTP_END;
    http_wake(tick.waker);
    r = listen_for(&streaming, false);
    assert_true(r.ended);
    assert_int_equal(r.n_chunks, 2);
    forget(&r);
    hang_up(&idle), hang_up(&working), hang_up(&streaming);
    pthread_join(t, NULL);
    assert_int_equal(n_cut, 0);
}

static void test_drain_cuts_at_the_deadline(void **state) {
    (void)state;
    client c = dial();
    reset_tick(1, HTTP_WAIT);
    say(&c, "GET /tick HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(comes_true(is_begun));
    int64_t from = os_now_ns();
    assert_int_equal(http_server_drain(server, 100), 1);
    assert_in_range((os_now_ns() - from) / 1000000, 100, 5000);
    assert_int_equal(tick.stopped, 1);
    reply r = listen_for(&c, false);
    assert_false(r.ended);
    forget(&r);
    hang_up(&c);
}

static void test_close_stops_streams_and_frees_the_port(void **state) {
    (void)state;
    client c = dial();
    int port = http_server_port(server);
    reset_tick(1, HTTP_WAIT);
    say(&c, "GET /tick HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(comes_true(is_begun));
    http_server_close(server);
    assert_int_equal(tick.stopped, 1);
    hang_up(&c);
    http_config again = {
        .ip = "127.0.0.1", .port = port, .n_loops = 2, .routes = routes, .n_routes = 1};
    err e;
    if (http_server_open(&server, &again, &e)) fail_msg("%s", e.msg);
    http_server *second;
    assert_int_equal(http_server_open(&second, &again, &e), E_EXISTS);
    assert_null(second);
    assert_non_null(strstr(e.msg, "in use"));
    for (int i = 0; i < 20; i++) {  // both loops answer
        c = dial();
        expect_alive(&c);
        hang_up(&c);
    }
}

// --- Limits ----------------------------------------------------------------------------------

static void test_body_limit(void **state) {
    (void)state;
    client c = dial();
    say(&c, "POST /show HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n");
    say_n(&c, big, HTTP_BODY_MAX);
    reply r = listen_for(&c, false);
    assert_int_equal(r.code, 200);
    assert_memory_equal(r.body, "4|/show||-|-|1048576:abcdef", 27);
    forget(&r);
    say(&c, "POST /show HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\n");
    say_n(&c, big, 1000);
    expect_body(&c, 413, NULL);
    hang_up(&c);
}

static void test_head_limits_over_the_wire(void **state) {
    (void)state;
    static const struct {
        int code;
        const char *begin;
    } t[] = {{414, "GET /"}, {431, "GET / HTTP/1.1\r\nHost: x\r\nA: "}};
    for (size_t i = 0; i < countof(t); i++) {
        client c = dial();
        say(&c, t[i].begin);
        say_n(&c, big, HTTP_HEAD_MAX + 100);
        expect_body(&c, t[i].code, NULL);
        expect_end(&c);
        hang_up(&c);
    }
}

// A hundred times faster than limits.h: 100 ms for a head, 600 for a body, 300 idle or stalled.
static void test_time_limits(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int code, least_ms, most_ms;
    } t[] = {
        {"", 0, 250, 2000},
        {"GET / HT", 408, 80, 1500},
        {"POST /show HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na", 408, 500, 3000},
    };
    for (size_t i = 0; i < countof(t); i++) {
        int64_t from = os_now_ns();
        client c = dial();
        say(&c, t[i].text);
        reply r = listen_for(&c, false);
        expect_end(&c);
        assert_int_equal(r.code, t[i].code);
        assert_in_range((os_now_ns() - from) / 1000000, t[i].least_ms, t[i].most_ms);
        forget(&r);
        hang_up(&c);
    }
}

static void test_dripping_does_not_extend_the_head(void **state) {
    (void)state;
    client c = dial();
    int64_t from = os_now_ns();
    struct pollfd p = {c.fd, POLLIN, 0};
    say(&c, "GET / HTTP/1.1\r\nA: ");
    while (poll(&p, 1, 10) == 0)
        say(&c, "x");
    assert_in_range((os_now_ns() - from) / 1000000, 80, 1500);
    expect_body(&c, 408, NULL);
    hang_up(&c);
}

static void test_stalled_readers_are_cut(void **state) {
    (void)state;
    static const char *texts[] = {"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n",
                                  "GET /big HTTP/1.1\r\nHost: x\r\n\r\n"
                                  "GET /big HTTP/1.1\r\nHost: x\r\n\r\n"
                                  "GET /big HTTP/1.1\r\nHost: x\r\n\r\n"};
    for (size_t i = 0; i < 2; i++) {
        reset_tick(0, HTTP_MORE);
        client c = dial_with(4096);
        say(&c, texts[i]);
        assert_true(comes_true(are_none_open) || i == 0);
        if (i == 0) assert_true(comes_true(is_stopped));
        hang_up(&c);
    }
    http_counters n;
    http_server_counters(&n, server);
    assert_true(n.timeouts >= 1);
}

static void test_many_connections_hold_no_memory_when_idle(void **state) {
    (void)state;
    enum { N = 400 };
    client c[N];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < N; i++) {
            c[i] = dial();
            expect_alive(&c[i]);
        }
        http_counters n;
        http_server_counters(&n, server);
        assert_int_equal(n.connections_open, N);
        for (int i = 0; i < N; i++)
            hang_up(&c[i]);
        assert_true(comes_true(are_none_open));
    }
    http_counters n;
    http_server_counters(&n, server);
    assert_int_equal(n.requests_total, 2 * N);
    assert_int_equal(n.replies_by_class[2], 2 * N);
    assert_int_equal(n.connections_total, 2 * N);
}

// A client whose socket exists already connects while the process has no descriptor to spare.
static void test_out_of_descriptors_an_idle_one_makes_room(void **state) {
    (void)state;
    client idle = dial(), late = {.fd = socket(AF_INET, SOCK_STREAM, 0), .in = malloc(CLIENT_MAX)};
    expect_alive(&idle);
    struct rlimit was, tight;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    int next = dup(0);
    close(next);
    tight = was;
    tight.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)http_server_port(server)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(late.fd, (struct sockaddr *)&a, sizeof a), 0);
    expect_alive(&late);
    expect_end(&idle);
    setrlimit(RLIMIT_NOFILE, &was);
    hang_up(&idle), hang_up(&late);
}

static void test_out_of_descriptors_with_none_idle_waits(void **state) {
    (void)state;
    reset_tick(1, HTTP_WAIT);
    client busy = dial(), late = {.fd = socket(AF_INET, SOCK_STREAM, 0), .in = malloc(CLIENT_MAX)};
    say(&busy, "GET /tick HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(comes_true(is_begun));
    struct rlimit was, tight;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    int next = dup(0);
    close(next);
    tight = was;
    tight.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)http_server_port(server)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(late.fd, (struct sockaddr *)&a, sizeof a), 0);
    struct timespec cpu0, cpu1;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu0);
    usleep(300000);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu1);
    int64_t ns = (cpu1.tv_sec - cpu0.tv_sec) * INT64_C(1000000000) + cpu1.tv_nsec - cpu0.tv_nsec;
    setrlimit(RLIMIT_NOFILE, &was);
    assert_in_range(ns, 0, 100000000);  // it rested, it did not spin
    expect_alive(&late);
    hang_up(&busy), hang_up(&late);
}

static void test_connection_limit(void **state) {
    (void)state;
    struct rlimit was, many;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    many = was;
    many.rlim_cur = was.rlim_max;
    if (was.rlim_max < 2 * HTTP_CONNS_MAX + 200) skip();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &many), 0);
    static int fds[HTTP_CONNS_MAX];
    for (int i = 0; i < HTTP_CONNS_MAX; i++) {
        client c = dial();
        fds[i] = c.fd;
        free(c.in);
    }
    client late = dial();
    expect_alive(&late);
    http_counters n;
    http_server_counters(&n, server);
    assert_in_range(n.connections_open, HTTP_CONNS_MAX - 8, HTTP_CONNS_MAX);
    assert_in_range(n.connections_total, HTTP_CONNS_MAX + 1, HTTP_CONNS_MAX + 1);
    for (int i = 0; i < HTTP_CONNS_MAX; i++)
        close(fds[i]);
    hang_up(&late);
    setrlimit(RLIMIT_NOFILE, &was);
}

static void test_bad_configurations(void **state) {
    (void)state;
    static const http_route bad[] = {{HTTP_GET, "x", plaintext}};
    const http_config t[] = {
        {.ip = "nowhere", .routes = routes, .n_routes = 1},
        {.ip = "127.0.0.1", .port = 70000, .routes = routes, .n_routes = 1},
        {.ip = "192.0.2.1", .routes = routes, .n_routes = 1},  // not an address of ours
        {.ip = "127.0.0.1", .routes = bad, .n_routes = 1},
    };
    for (size_t i = 0; i < countof(t); i++) {
        http_server *s;
        err e = {0};
        assert_int_equal(http_server_open(&s, &t[i], &e), E_ARG);
        assert_null(s);
        assert_true(e.msg[0] != 0);
    }
}

#define TEST(t)    cmocka_unit_test_setup_teardown(t, set_up, tear_down)
#define HURRIED(t) cmocka_unit_test_setup_teardown(t, set_up_hurried, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_headers_stand_in_the_original_order),
        TEST(test_values_cannot_split_the_response),
        TEST(test_error_page_has_the_original_shape_and_is_escaped),
        TEST(test_codes),
        TEST(test_405_allows_and_503_says_when),
        TEST(test_head_is_get_without_the_body),
        TEST(test_options_and_cors),
        TEST(test_http_1_0),
        TEST(test_what_the_handler_sees),
        TEST(test_pipelined_requests_are_answered_in_order),
        TEST(test_half_closed_client_is_answered),
        TEST(test_expect_continue),
        TEST(test_refusal_is_not_lost_behind_unread_bytes),
        TEST(test_big_bodies_arrive_whole),
        TEST(test_ranges_of_a_map),
        TEST(test_conditions),
        TEST(test_a_file_that_shrinks_cuts_the_reply),
        TEST(test_stream_is_one_chunk_per_call),
        TEST(test_stream_waits_for_wakes),
        TEST(test_head_of_a_stream),
        TEST(test_failed_stream_is_seen_to_be_cut),
        TEST(test_client_that_leaves_stops_its_stream),
        TEST(test_slow_reader_holds_the_generator_back),
        TEST(test_endless_stream_does_not_starve_others),
        TEST(test_full_queue_is_503),
        TEST(test_client_that_leaves_a_worker_is_forgotten),
        TEST(test_drain_lets_replies_finish),
        TEST(test_drain_cuts_at_the_deadline),
        TEST(test_close_stops_streams_and_frees_the_port),
        TEST(test_body_limit),
        TEST(test_head_limits_over_the_wire),
        HURRIED(test_time_limits),
        HURRIED(test_dripping_does_not_extend_the_head),
        HURRIED(test_stalled_readers_are_cut),
        TEST(test_many_connections_hold_no_memory_when_idle),
        TEST(test_out_of_descriptors_an_idle_one_makes_room),
        TEST(test_out_of_descriptors_with_none_idle_waits),
        TEST(test_connection_limit),
        cmocka_unit_test(test_bad_configurations),
    };
    return cmocka_run_group_tests_name("http/server", tests, make_map, drop_map);
}
