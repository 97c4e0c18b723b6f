// What the server tests share: routes with handlers of every kind, and a client on a raw socket.
// Each test program includes it once; not every program uses all of it.
#ifndef TESTS_HTTP_FIXTURE_H
#define TESTS_HTTP_FIXTURE_H

#pragma GCC diagnostic ignored "-Wunused-function"

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

// What works takes far less than the patience, also on a machine with much to do.
enum { BIG = 3 << 20, PATIENCE_MS = 60000, PROMPTLY_MS = 50 };

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

// /held/N is held when it is called first, until a test lets go (/held/N?x=now: the handler does so
// itself), and answers when it is called again.
enum { HELD_MAX = 16 };
static http_req *held[HELD_MAX];
static _Atomic int n_held, n_held_calls[HELD_MAX];

static void holding(http_req *rq, void *app) {
    (void)app;
    str now, tail = http_tail(rq);
    int n = (tail.ptr[0] - 'a') % HELD_MAX;
    http_add_header(rq, "X-Held", tail);
    if (atomic_fetch_add(&n_held_calls[n], 1) == 1) {
        http_reply(rq, 200, HTTP_TEXT, tail);
        return;
    }
    http_hold(rq);
    if (http_query(&now, rq, "x")) {
        http_resume(rq);
        return;
    }
    held[n] = rq;
    atomic_fetch_add(&n_held, 1);
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
    {HTTP_GET, "/held/*", holding, NULL, HTTP_WORKER},
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

static int64_t ms_since(int64_t ns) {
    return (os_now_ns() - ns) / 1000000;
}

// For a server that is hurried: it may hang up on a client that was held up before its first word.
// Such a try says nothing, and another is made. `from`: when the one that counts began.
static client dial_and_say(const char *text, int64_t *from) {
    for (;;) {
        *from = os_now_ns();
        client c = dial();
        say(&c, text);
        if (ms_since(*from) < PROMPTLY_MS) return c;
        hang_up(&c);
    }
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

#define TEST(t)    cmocka_unit_test_setup_teardown(t, set_up, tear_down)
#define HURRIED(t) cmocka_unit_test_setup_teardown(t, set_up_hurried, tear_down)

#endif
