// The request head: what is accepted, what is refused and with which code, and that where the
// bytes are split makes no difference.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/parse.h"

#include <stdio.h>
#include <stdlib.h>

#define HOST "Host: x\r\n"

static http_parse whole(http_head *h, str s) {
    http_head_init(h);
    return http_head_parse(h, s.ptr, s.len);
}

static http_parse by_bytes(http_head *h, str s, size_t step) {
    http_head_init(h);
    http_parse r = HTTP_PARSE_MORE;
    for (size_t n = step; r == HTTP_PARSE_MORE; n += step) {
        if (n > s.len) n = s.len;
        r = http_head_parse(h, s.ptr, n);
        if (n == s.len) break;
    }
    return r;
}

// --- Accepted --------------------------------------------------------------------------------

static const struct good {
    str text;
    const char *method, *target;
    int minor, n_fields;
    uint64_t length;
    bool chunked, close, keep_alive, expects;
} goods[] = {
    {STR_INIT("GET / HTTP/1.1\r\n" HOST "\r\n"), "GET", "/", 1, 1},
    {STR_INIT("\r\nGET / HTTP/1.1\r\n" HOST "\r\n"), "GET", "/", 1, 1},
    {STR_INIT("GET / HTTP/1.0\r\n\r\n"), "GET", "/", 0, 0},
    {STR_INIT("GET /a?b=c&d HTTP/1.1\r\nhOsT:x:80\r\nA:\r\nB: \t b b \t\r\n\r\n"), "GET",
     "/a?b=c&d", 1, 3},
    {STR_INIT("HEAD http://x/y HTTP/1.1\r\nHost: x\r\n\r\n"), "HEAD", "http://x/y", 1, 1},
    {STR_INIT("OPTIONS * HTTP/1.1\r\nHost: [::1]:4444\r\n\r\n"), "OPTIONS", "*", 1, 1},
    {STR_INIT("POST / HTTP/1.1\r\n" HOST "Content-Length: 12\r\n\r\nGET / HTTP/1"), "POST", "/", 1,
     2, .length = 12},
    {STR_INIT("POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n"), "POST", "/", 1, 2},
    {STR_INIT("POST / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551615\r\n\r\n"), "POST",
     "/", 1, 2, .length = UINT64_MAX},
    {STR_INIT("POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: Chunked\r\n\r\n"), "POST", "/", 1, 2,
     .chunked = true},
    {STR_INIT("GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n"), "GET", "/", 1, 2,
     .close = true},
    {STR_INIT("GET / HTTP/1.1\r\n" HOST "Connection: TE , CLOSE\r\n\r\n"), "GET", "/", 1, 2,
     .close = true},
    {STR_INIT("GET / HTTP/1.1\r\n" HOST "Connection: closed, not-close\r\n\r\n"), "GET", "/", 1, 2},
    {STR_INIT("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), "GET", "/", 0, 1,
     .keep_alive = true},
    {STR_INIT("GET / HTTP/1.1\r\n" HOST "Expect: 100-Continue\r\n\r\n"), "GET", "/", 1, 2,
     .expects = true},
    {STR_INIT("GET / HTTP/1.0\r\nExpect: something\r\n\r\n"), "GET", "/", 0, 1},
    {STR_INIT("BREW-1~x / HTTP/1.1\r\n" HOST "\r\n"), "BREW-1~x", "/", 1, 1},
    {STR_INIT("GET / HTTP/1.1\r\n" HOST "X: \x80\xff obs-text\r\n\r\n"), "GET", "/", 1, 2},
    {STR_INIT("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n"), "CONNECT", "a:443", 1, 1},
};

static void check_good(const struct good *g, const http_head *h, http_parse r) {
    const char *p = g->text.ptr;
    assert_int_equal(r, HTTP_PARSE_DONE);
    assert_true(str_eq(http_span_of(p, h->method), str_of(g->method)));
    assert_true(str_eq(http_span_of(p, h->target), str_of(g->target)));
    assert_int_equal(h->minor, g->minor);
    assert_int_equal(h->n_fields, g->n_fields);
    assert_int_equal(h->content_length, g->length);
    assert_int_equal(h->chunked, g->chunked);
    assert_int_equal(h->close, g->close);
    assert_int_equal(h->keep_alive, g->keep_alive);
    assert_int_equal(h->expects_continue, g->expects);
    size_t end = str_find(g->text, STR("\r\n\r\n")) + 4;
    assert_int_equal(h->len, end);
}

static void test_accepts(void **state) {
    (void)state;
    for (size_t i = 0; i < countof(goods); i++) {
        http_head h;
        check_good(&goods[i], &h, whole(&h, goods[i].text));
    }
}

static void test_split_anywhere_gives_the_same(void **state) {
    (void)state;
    for (size_t i = 0; i < countof(goods); i++) {
        http_head h;
        for (size_t step = 1; step < goods[i].text.len; step++)
            check_good(&goods[i], &h, by_bytes(&h, goods[i].text, step));
        for (size_t cut = 0; cut < str_find(goods[i].text, STR("\r\n\r\n")) + 4; cut++) {
            char *exact = malloc(cut + 1);  // so that a sanitizer sees a read behind the cut
            memcpy(exact, goods[i].text.ptr, cut);
            assert_int_equal(whole(&h, (str){exact, cut}), HTTP_PARSE_MORE);
            free(exact);
            check_good(&goods[i], &h, http_head_parse(&h, goods[i].text.ptr, goods[i].text.len));
        }
    }
}

static void test_values_are_trimmed_and_bytes_may_move(void **state) {
    (void)state;
    str text = goods[3].text;
    char *a = malloc(text.len), *b = malloc(text.len);
    memcpy(a, text.ptr, 30);
    http_head h;
    assert_int_equal(whole(&h, (str){a, 30}), HTTP_PARSE_MORE);
    free(a);
    memcpy(b, text.ptr, text.len);
    assert_int_equal(http_head_parse(&h, b, text.len), HTTP_PARSE_DONE);
    assert_true(str_eq(http_span_of(b, h.fields[0].name), STR("hOsT")));
    assert_true(str_eq(http_span_of(b, h.fields[0].value), STR("x:80")));
    assert_true(str_eq(http_span_of(b, h.fields[1].value), STR("")));
    assert_true(str_eq(http_span_of(b, h.fields[2].value), STR("b b")));
    free(b);
}

// --- Refused ---------------------------------------------------------------------------------

#define LINE(s)  STR_INIT(s "\r\n" HOST "\r\n")
#define FIELD(s) STR_INIT("POST / HTTP/1.1\r\n" HOST s "\r\n\r\n")

static const struct refusal {
    int code;
    str text;
} refusals[] = {
    // Request line
    {400, LINE("GET  / HTTP/1.1")},
    {400, LINE("GET /  HTTP/1.1")},
    {400, LINE("GET / HTTP/1.1 ")},
    {400, LINE(" GET / HTTP/1.1")},
    {400, LINE("GET\t/ HTTP/1.1")},
    {400, LINE("GET /\tHTTP/1.1")},
    {400, LINE("GET / HTTP/1.1\t")},
    {400, LINE("GET /")},
    {400, LINE("GET")},
    {400, LINE("GET /\r HTTP/1.1")},
    {400, LINE("GET / HTTP/1.1\r")},
    {400, LINE("GET / http/1.1")},
    {400, LINE("GET / Http/1.1")},
    {400, LINE("GET / HTTP/1.10")},
    {400, LINE("GET / HTTP/01.1")},
    {400, LINE("GET / HTTP/1,1")},
    {400, LINE("GET / HTTP/1")},
    {400, LINE("GET / HTTP/")},
    {400, LINE("GET / HTTP/a.b")},
    {400, LINE("GET / HTTPS/1.1")},
    {400, LINE("GET / ICY/1.1")},
    {400, LINE("GE\xC3\xA9 / HTTP/1.1")},
    {400, LINE("G@T / HTTP/1.1")},
    {400, LINE("GET /\xC3\xA9 HTTP/1.1")},
    {400, LINE("GET /\x7F HTTP/1.1")},
    {400, LINE("GET /\x01 HTTP/1.1")},
    {400, LINE("GET /a b HTTP/1.1")},
    {400, LINE("GET /a#b HTTP/1.1")},
    {400, STR_INIT("GET /\0 HTTP/1.1\r\n" HOST "\r\n")},
    {400, STR_INIT("\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n")},
    {400, STR_INIT("\nGET / HTTP/1.1\r\n" HOST "\r\n")},
    {400, STR_INIT("\rGET / HTTP/1.1\r\n" HOST "\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\n" HOST "\r\n")},
    {400, STR_INIT("\x16\x03\x01\x02")},  // TLS hello: at once, not after the time-out
    {400, STR_INIT(" ")},
    {505, LINE("GET / HTTP/2.0")},
    {505, LINE("GET / HTTP/0.9")},
    {505, LINE("GET / HTTP/1.2")},
    {505, LINE("GET / HTTP/9.9")},
    {505, LINE("PRI * HTTP/2.0")},
    // Lines and names
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: x\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: x\r\n\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: x\r\n\r\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\n Host: x\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\n\tHost: x\r\n\r\n")},
    {400, FIELD("A: b\r\n c")},
    {400, FIELD("A: b\r\n\tc")},
    {400, FIELD("A : b")},
    {400, FIELD("A\t: b")},
    {400, FIELD(": b")},
    {400, FIELD("A")},
    {400, FIELD("A b: c")},
    {400, FIELD("A(b): c")},
    {400, FIELD("A\xE9: c")},
    {400, FIELD("A\x7F: c")},
    {400, FIELD("A\x01: c")},
    {400, FIELD("A: b\rc")},
    {400, FIELD("A: \r")},
    {400, FIELD("A: b\x01")},
    {400, FIELD("A: b\x7F")},
    {400, FIELD("A: b\x0B")},
    {400, FIELD("A: b\x0C")},
    {400, STR_INIT("GET / HTTP/1.1\r\n" HOST "A\0: b\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\n" HOST "A: b\0c\r\n\r\n")},
    // Host
    {400, STR_INIT("GET / HTTP/1.1\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost:\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: \t \r\n\r\n")},
    {400, FIELD("Host: x")},
    {400, FIELD("Host: y")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a,b\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a b\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a?b\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a#b\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: a:1:2\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: []\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.1\r\nHost: http://x\r\n\r\n")},
    {400, STR_INIT("GET / HTTP/1.0\r\nHost: a b\r\n\r\n")},
    // Content-Length
    {400, FIELD("Content-Length:")},
    {400, FIELD("Content-Length: +1")},
    {400, FIELD("Content-Length: -1")},
    {400, FIELD("Content-Length: 1_0")},
    {400, FIELD("Content-Length: 0x1")},
    {400, FIELD("Content-Length: 0o7")},
    {400, FIELD("Content-Length: 1 0")},
    {400, FIELD("Content-Length: 1.0")},
    {400, FIELD("Content-Length: 1e1")},
    {400, FIELD("Content-Length: 5, 5")},
    {400, FIELD("Content-Length: 5, 6")},
    {400, FIELD("Content-Length: 5,")},
    {400, FIELD("Content-Length: 00")},
    {400, FIELD("Content-Length: 05")},
    {400, FIELD("Content-Length: five")},
    {400, FIELD("Content-Length: 18446744073709551616")},
    {400, FIELD("Content-Length: 99999999999999999999999")},
    {400, FIELD("Content-Length: 5\r\nContent-Length: 5")},
    {400, FIELD("Content-Length: 5\r\nContent-Length: 6")},
    {400, FIELD("Content-Length: 5\r\ncontent-length: 5")},
    // Transfer-Encoding
    {400, FIELD("Transfer-Encoding:")},
    {400, FIELD("Transfer-Encoding: identity")},
    {400, FIELD("Transfer-Encoding: xchunked")},
    {400, FIELD("Transfer-Encoding: chunkedx")},
    {400, FIELD("Transfer-Encoding: chunked,")},
    {400, FIELD("Transfer-Encoding: ,chunked")},
    {400, FIELD("Transfer-Encoding: chunked, chunked")},
    {400, FIELD("Transfer-Encoding: chunked, gzip")},
    {400, FIELD("Transfer-Encoding: chunked, identity")},
    {400, FIELD("Transfer-Encoding: \"chunked\"")},
    {400, FIELD("Transfer-Encoding: chunked;q=1")},
    {400, FIELD("Transfer-Encoding: \x0B"
                "chunked")},
    {400, FIELD("Transfer-Encoding: chunked\x0C")},
    {400, FIELD("Transfer-Encoding: \xA0"
                "chunked")},
    {400, FIELD("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked")},
    {400, FIELD("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity")},
    {400, FIELD("Transfer-Encoding: chunked\r\nContent-Length: 5")},
    {400, FIELD("Content-Length: 5\r\nTransfer-Encoding: chunked")},
    {400, FIELD("Transfer-Encoding : chunked")},
    {400, STR_INIT("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n")},
    {501, FIELD("Transfer-Encoding: gzip")},
    {501, FIELD("Transfer-Encoding: gzip, chunked")},
    {501, FIELD("Transfer-Encoding: BR")},
    // Expect
    {417, FIELD("Expect: 200-ok")},
    {417, FIELD("Expect: 100-continue, x")},
    {417, FIELD("Expect:")},
};

static void test_refuses(void **state) {
    (void)state;
    for (size_t i = 0; i < countof(refusals); i++) {
        http_head h;
        http_parse r = whole(&h, refusals[i].text);
        if (r != HTTP_PARSE_BAD || h.code != refusals[i].code)
            fail_msg("refusal %zu: got %d code %d, want %d: %.*s", i, r,
                     r == HTTP_PARSE_BAD ? h.code : 0, refusals[i].code, STR_ARG(refusals[i].text));
        assert_non_null(h.why);
    }
}

// Every prefix is MORE or already BAD, never DONE, and bytes one by one end in the same code.
static void test_refuses_at_every_split(void **state) {
    (void)state;
    for (size_t i = 0; i < countof(refusals); i++) {
        http_head h;
        str t = refusals[i].text;
        for (size_t cut = 0; cut < t.len; cut++)
            assert_int_not_equal(whole(&h, str_first(t, cut)), HTTP_PARSE_DONE);
        assert_int_equal(by_bytes(&h, t, 1), HTTP_PARSE_BAD);
        assert_int_equal(h.code, refusals[i].code);
    }
}

// --- Limits ----------------------------------------------------------------------------------

static http_parse with_target(http_head *h, size_t n) {
    static char text[HTTP_HEAD_MAX * 2];
    size_t at = (size_t)sprintf(text, "GET /");
    memset(text + at, 'a', n - 1);
    at += n - 1;
    at += (size_t)sprintf(text + at, " HTTP/1.1\r\n" HOST "\r\n");
    return whole(h, (str){text, at});
}

static void test_target_limit(void **state) {
    (void)state;
    http_head h;
    assert_int_equal(with_target(&h, HTTP_TARGET_MAX), HTTP_PARSE_DONE);
    assert_int_equal(with_target(&h, HTTP_TARGET_MAX + 1), HTTP_PARSE_BAD);
    assert_int_equal(h.code, 414);
    static char endless[HTTP_HEAD_MAX];  // and without waiting for the line's end
    memset(endless, 'a', sizeof endless);
    assert_int_equal(whole(&h, (str){endless, sizeof endless}), HTTP_PARSE_BAD);
    assert_int_equal(h.code, 414);
}

static http_parse with_fields(http_head *h, int n, size_t len) {
    static char text[HTTP_HEAD_MAX * 2];
    size_t at = (size_t)sprintf(text, "GET / HTTP/1.1\r\n" HOST);
    for (int i = 1; i < n; i++)
        at += (size_t)sprintf(text + at, "A: b\r\n");
    if (len) {
        at += (size_t)sprintf(text + at, "B: ");
        while (at < len - 4)
            text[at++] = 'x';
        at += (size_t)sprintf(text + at, "\r\n");
    }
    at += (size_t)sprintf(text + at, "\r\n");
    return whole(h, (str){text, at});
}

static void test_field_limits(void **state) {
    (void)state;
    http_head h;
    assert_int_equal(with_fields(&h, HTTP_FIELDS_MAX, 0), HTTP_PARSE_DONE);
    assert_int_equal(with_fields(&h, HTTP_FIELDS_MAX + 1, 0), HTTP_PARSE_BAD);
    assert_int_equal(h.code, 431);
    assert_int_equal(with_fields(&h, 1, HTTP_HEAD_MAX), HTTP_PARSE_DONE);
    assert_int_equal(h.len, HTTP_HEAD_MAX);
    assert_int_equal(with_fields(&h, 1, HTTP_HEAD_MAX + 1), HTTP_PARSE_BAD);
    assert_int_equal(h.code, 431);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts),
        cmocka_unit_test(test_split_anywhere_gives_the_same),
        cmocka_unit_test(test_values_are_trimmed_and_bytes_may_move),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_refuses_at_every_split),
        cmocka_unit_test(test_target_limit),
        cmocka_unit_test(test_field_limits),
    };
    return cmocka_run_group_tests_name("http/parse", tests, NULL, NULL);
}
