// The server over real sockets: replies, requests, ranges, conditions, each code.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/http/fixture.h"

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
    };
    return cmocka_run_group_tests_name("http/server", tests, make_map, drop_map);
}
