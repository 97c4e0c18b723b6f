// The pure parts: chunk decoder, targets and queries, ranges, dates, routes.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/chunk.h"
#include "http/date.h"
#include "http/route.h"
#include "http/url.h"

#include <stdio.h>
#include <time.h>

static arena mem;

static int set_up(void **state) {
    (void)state;
    return arena_open(&mem, 64 << 20, NULL);
}

static int tear_down(void **state) {
    (void)state;
    arena_close(&mem);
    return 0;
}

// --- Chunks ----------------------------------------------------------------------------------

static http_parse decode(http_chunks *c, buf *out, size_t *used, str in, size_t step) {
    arena_reset(&mem, 1 << 20);
    *out = (buf){.in = &mem, .limit = HTTP_BODY_MAX};
    http_chunks_init(c);
    *used = 0;
    http_parse r = HTTP_PARSE_MORE;
    while (*used < in.len && r == HTTP_PARSE_MORE) {
        size_t n;
        r = http_chunks_feed(c, &n, out, str_first(str_skip(in, *used), step));
        *used += n;
    }
    return r;
}

static void test_chunks_accepted(void **state) {
    (void)state;
    static const struct {
        str in;
        const char *out;
    } good[] = {
        {STR_INIT("0\r\n\r\n"), ""},
        {STR_INIT("5\r\nhello\r\n0\r\n\r\n"), "hello"},
        {STR_INIT("3\r\nhel\r\n2\r\nlo\r\n000\r\n\r\n"), "hello"},
        {STR_INIT("A\r\n0123456789\r\n0\r\n\r\n"), "0123456789"},
        {STR_INIT("a;x\r\n0123456789\r\n0;y=\"q;\\\"\t\";z=t\r\n\r\n"), "0123456789"},
        {STR_INIT("0000000000000001\r\nx\r\n0\r\n\r\n"), "x"},
        {STR_INIT("1\r\nx\r\n0\r\nTrailer: dropped\r\nB:\r\n\r\n"), "x"},
        {STR_INIT("2\r\n\r\n\r\n0\r\n\r\n"), "\r\n"},
    };
    for (size_t i = 0; i < countof(good); i++)
        for (size_t step = 1; step <= good[i].in.len + 1; step++) {
            http_chunks c;
            buf out;
            size_t used;
            char with_rest[128];
            int n = snprintf(with_rest, sizeof with_rest, "%.*sGET /", STR_ARG(good[i].in));
            assert_int_equal(decode(&c, &out, &used, (str){with_rest, (size_t)n}, step),
                             HTTP_PARSE_DONE);
            assert_int_equal(used, good[i].in.len);  // the next request is left alone
            assert_true(str_eq(buf_str(&out), str_of(good[i].out)));
        }
}

static void test_chunks_refused(void **state) {
    (void)state;
    static const str bad[] = {
        STR_INIT("\r\n"),
        STR_INIT("x\r\n"),
        STR_INIT("0x5\r\nhello"),
        STR_INIT("+5\r\nhello"),
        STR_INIT("-5\r\nhello"),
        STR_INIT("5_0\r\n"),
        STR_INIT(" 5\r\nhello"),
        STR_INIT("5 \r\nhello"),
        STR_INIT("5\t\r\nhello"),
        STR_INIT("5\nhello"),
        STR_INIT("5\rhello"),
        STR_INIT("5\r\rhello"),
        STR_INIT("5\r\nhelloX"),
        STR_INIT("5\r\nhello\n"),
        STR_INIT("5\r\nhello\rX"),
        STR_INIT("5\r\nhello\r\n\r\n"),
        STR_INIT("10000000000000000\r\n"),
        STR_INIT("00000000000000005\r\nhello"),
        STR_INIT("5;\r\nhello"),
        STR_INIT("5; x\r\n"),
        STR_INIT("5 ;x\r\n"),
        STR_INIT("5;x=\r\n"),
        STR_INIT("5;x=\"y\r\n"),
        STR_INIT("5;x=\"y\"z\r\n"),
        STR_INIT("5;x\n"),
        STR_INIT("5;x\ry\r\n"),
        STR_INIT("5;x=\"\\\r\n"),
        STR_INIT("5;\0\r\n"),
        STR_INIT("0\r\nX\r\n"),
        STR_INIT("0\r\n X: y\r\n"),
        STR_INIT("0\r\nX: y\n"),
        STR_INIT("0\r\nX : y\r\n"),
        STR_INIT("0\r\n\rX"),
        STR_INIT("0\r\n\n"),
        STR_INIT("0\r\nXX"
                 "\r\n"),
        STR_INIT("0\r\nX: \x01\r\n"),
        STR_INIT("0\r\n: y\r\n"),
    };
    for (size_t i = 0; i < countof(bad); i++)
        for (size_t step = 1; step <= bad[i].len; step++) {
            http_chunks c;
            buf out;
            size_t used;
            if (decode(&c, &out, &used, bad[i], step) != HTTP_PARSE_BAD)
                fail_msg("accepted chunks %zu", i);
            assert_int_equal(c.code, 400);
        }
}

static void test_chunk_limits(void **state) {
    (void)state;
    http_chunks c;
    buf out;
    size_t used, at;
    static char text[64 << 10];
    assert_int_equal(decode(&c, &out, &used, STR("100001\r\n"), 8), HTTP_PARSE_MORE);
    assert_int_equal(decode(&c, &out, &used, STR("100001\r\nx"), 9), HTTP_PARSE_BAD);
    assert_int_equal(c.code, 413);
    assert_int_equal(decode(&c, &out, &used, STR("ffffffffffffffff\r\nx"), 64), HTTP_PARSE_BAD);
    assert_int_equal(c.code, 413);

    at = 0;  // spread over many chunks
    for (int i = 0; i < HTTP_CHUNK_EXT_MAX; i++)
        at += (size_t)sprintf(text + at, "1;a\r\nx\r\n");
    assert_int_equal(decode(&c, &out, &used, (str){text, at}, at), HTTP_PARSE_BAD);
    assert_int_equal(c.code, 400);

    at = (size_t)sprintf(text, "0\r\nA: ");
    memset(text + at, 'x', HTTP_TRAILER_MAX);
    assert_int_equal(decode(&c, &out, &used, (str){text, at + HTTP_TRAILER_MAX}, 100),
                     HTTP_PARSE_BAD);
    assert_int_equal(c.code, 431);
}

// --- Targets ---------------------------------------------------------------------------------

static void test_targets(void **state) {
    (void)state;
    static const struct {
        const char *in, *host, *path, *query;
    } good[] = {
        {"/", "", "/", ""},
        {"/a/b?c=d?e", "", "/a/b", "c=d?e"},
        {"/?", "", "/", ""},
        {"*", "", "*", ""},
        {"http://h/p?q", "h", "/p", "q"},
        {"HTTP://h:80", "h:80", "/", ""},
        {"https://h?q", "h", "/", "q"},
        {"//x", "", "//x", ""},
        {"/%41%20", "", "/%41%20", ""},
    };
    static const char *bad[] = {
        "",    "a",    "a:443", "ftp://h/", "http://", "http:///p", "http://u@h/", "/%",
        "/%4", "/%zz", "/%4g",  "/a?b=%",   "/%00",    "/?x=%00",   "**",          "http://h%zz"};
    http_target t;
    for (size_t i = 0; i < countof(good); i++) {
        assert_true(http_target_split(&t, str_of(good[i].in)));
        assert_true(str_eq(t.host, str_of(good[i].host)));
        assert_true(str_eq(t.path, str_of(good[i].path)));
        assert_true(str_eq(t.query, str_of(good[i].query)));
    }
    for (size_t i = 0; i < countof(bad); i++)
        if (http_target_split(&t, str_of(bad[i]))) fail_msg("accepted target %s", bad[i]);
}

static void test_decoding(void **state) {
    (void)state;
    static const struct {
        const char *in, *out;
        bool plus;
    } t[] = {{"", "", false},         {"a+b", "a+b", false},
             {"a+b", "a b", true},    {"%41%e2%82%AC", "A\xE2\x82\xAC", false},
             {"100%", "100%", false}, {"%4", "%4", true},
             {"%2B+", "+ ", true},    {"%25%41", "%A", false}};
    for (size_t i = 0; i < countof(t); i++)
        assert_true(str_eq(http_url_decode(&mem, str_of(t[i].in), t[i].plus), str_of(t[i].out)));
}

static void test_queries(void **state) {
    (void)state;
    static const struct {
        const char *query, *name, *value;  // NULL: absent
    } t[] = {
        {"a=1&b=2", "b", "2"},
        {"a=1&a=2", "a", "1"},
        {"a", "a", ""},
        {"a=", "a", ""},
        {"", "a", NULL},
        {"=x", "", NULL},
        {"&&a=1&", "a", "1"},
        {"range=bytes=1-2", "range", "bytes=1-2"},
        {"%61=%62+c", "a", "b c"},
        {"aa=1", "a", NULL},
        {"x=a%26b%3Dc", "x", "a&b=c"},
        {"a=1;b=2", "b", NULL},
        {"a+b=1", "a b", "1"},
    };
    for (size_t i = 0; i < countof(t); i++) {
        str v;
        bool found = http_query_find(&v, &mem, str_of(t[i].query), str_of(t[i].name));
        assert_int_equal(found, t[i].value != NULL);
        if (found) assert_true(str_eq(v, str_of(t[i].value)));
    }
}

static void test_queries_one_by_one(void **state) {
    (void)state;
    str rest = STR("&&a=1&=x&stop=%0A&stop=a+b&last"), name, value;
    static const struct {
        const char *name, *value;
    } want[] = {{"a", "1"}, {"stop", "\n"}, {"stop", "a b"}, {"last", ""}};
    for (size_t i = 0; i < countof(want); i++) {
        assert_true(http_query_cut(&name, &value, &mem, &rest));
        assert_true(str_eq(name, str_of(want[i].name)) && str_eq(value, str_of(want[i].value)));
    }
    assert_false(http_query_cut(&name, &value, &mem, &rest));
}

// --- Ranges ----------------------------------------------------------------------------------

static void test_ranges(void **state) {
    (void)state;
    enum {
        N = HTTP_RANGE_NONE,
        O = HTTP_RANGE_OK,
        M = HTTP_RANGE_MULTI,
        U = HTTP_RANGE_UNSATISFIABLE
    };
    static const struct {
        const char *spec;
        uint64_t size;
        int kind;
        uint64_t first, last;
    } t[] = {
        {"bytes=0-0", 10, O, 0, 0},
        {"bytes=5-9", 10, O, 5, 9},
        {"5-9", 10, O, 5, 9},
        {"bytes= 5 - 9", 10, O, 5, 9},
        {"BYTES=5-9", 10, O, 5, 9},
        {"5-", 10, O, 5, 9},
        {"-5", 10, O, 5, 9},
        {"bytes=-10", 10, O, 0, 9},
        {"bytes=-11", 10, O, 0, 9},
        {"bytes=-99999999999999999999", 10, O, 0, 9},
        {"bytes=0-99", 10, O, 0, 9},
        {"bytes=0-99999999999999999999", 10, O, 0, 9},
        {"bytes=9-9", 10, O, 9, 9},
        {"bytes=-0", 10, U, 0, 0},
        {"bytes=10-", 10, U, 0, 0},
        {"bytes=10-11", 10, U, 0, 0},
        {"bytes=99999999999999999999-", 10, U, 0, 0},
        {"bytes=18446744073709551615-", UINT64_MAX, U, 0, 0},
        {"bytes=0-", UINT64_MAX, O, 0, UINT64_MAX - 1},
        {"bytes=0-0", 0, U, 0, 0},
        {"bytes=-1", 0, U, 0, 0},
        {"bytes=0-1,2-3", 10, M, 0, 0},
        {"0-1, 5-6", 10, M, 0, 0},
        {"bytes=9-5", 10, N, 0, 0},
        {"bytes=", 10, N, 0, 0},
        {"bytes=-", 10, N, 0, 0},
        {"", 10, N, 0, 0},
        {"5", 10, N, 0, 0},
        {"bytes=a-b", 10, N, 0, 0},
        {"bytes=1-2-3", 10, N, 0, 0},
        {"bytes=--5", 10, N, 0, 0},
        {"bytes=+1-2", 10, N, 0, 0},
        {"bytes=0x1-2", 10, N, 0, 0},
        {"items=0-5", 10, N, 0, 0},
        {"items=0-5,7-8", 10, N, 0, 0},
        {"bytes", 10, N, 0, 0},
        {"bytes 0-5", 10, N, 0, 0},
    };
    for (size_t i = 0; i < countof(t); i++) {
        http_range r = {0};
        int kind = (int)http_range_parse(&r, str_of(t[i].spec), t[i].size);
        if (kind != t[i].kind || r.first != t[i].first || r.last != t[i].last)
            fail_msg("%s of %llu: got %d %llu-%llu", t[i].spec, (unsigned long long)t[i].size, kind,
                     (unsigned long long)r.first, (unsigned long long)r.last);
    }
}

// --- Dates -----------------------------------------------------------------------------------

static void test_dates_agree_with_libc(void **state) {
    (void)state;
    for (int64_t t = 0; t < INT64_C(253402300799); t += 86400 * 29 + 12345) {
        char ours[HTTP_DATE_LEN + 1] = {0}, theirs[64];
        time_t tt = t;
        struct tm tm;
        gmtime_r(&tt, &tm);
        strftime(theirs, sizeof theirs, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        http_date_format(ours, t);
        assert_string_equal(ours, theirs);
        int64_t back;
        assert_true(http_date_parse(&back, str_of(ours)));
        assert_int_equal(back, t);
    }
}

static void test_date_forms(void **state) {
    (void)state;
    static const char *same[] = {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                                 "Sun Nov  6 08:49:37 1994"};
    static const char *bad[] = {"",
                                "yesterday",
                                "Sun, 06 Nov 1994 08:49:37",
                                "Sun, 06 Nov 1994 08:49:37 CET",
                                "Sun, 32 Nov 1994 08:49:37 GMT",
                                "Sun, 00 Nov 1994 08:49:37 GMT",
                                "Sun, 06 Nov 1994 24:49:37 GMT",
                                "Sun, 06 Nov 1994 08:60:37 GMT",
                                "Sun, 06 nov 1994 08:49:37 GMT",
                                "Sun, 6 Nov 1994 08:49:37 GMT",
                                "Sun, 06 Nov 1969 08:49:37 GMT",
                                "Sun, 06 Nov 1994 08:49:37 GMT "};
    int64_t t;
    for (size_t i = 0; i < countof(same); i++) {
        assert_true(http_date_parse(&t, str_of(same[i])));
        assert_int_equal(t, 784111777);
    }
    for (size_t i = 0; i < countof(bad); i++)
        if (http_date_parse(&t, str_of(bad[i]))) fail_msg("took '%s' for a date", bad[i]);
    char out[HTTP_DATE_LEN + 1] = {0};
    http_date_format(out, INT64_MAX);
    assert_string_equal(out, "Fri, 31 Dec 9999 23:59:59 GMT");
    http_date_format(out, -5);
    assert_string_equal(out, "Thu, 01 Jan 1970 00:00:00 GMT");
}

// --- Routes ----------------------------------------------------------------------------------

static void nothing(http_req *rq, void *app) {
    (void)rq, (void)app;
}

static void test_routes(void **state) {
    (void)state;
    static const http_route routes[] = {
        {HTTP_GET, "/wiki/wiki/*", nothing},
        {HTTP_GET, "/wiki/wiki_raw/*", nothing},
        {HTTP_GET, "/wiki/xml", nothing},
        {HTTP_POST, "/wiki/xml", nothing},
        {HTTP_GET, "/", nothing},
        {HTTP_POST, "/post", nothing},
        {HTTP_GET, "/a/*", nothing},
        {HTTP_GET, "/a/b", nothing},
        {HTTP_GET, "/a/b/c/*", nothing},
    };
    static const struct {
        const char *path;
        unsigned method;
        int route;  // -1: none
        const char *tail;
        unsigned allow;
    } t[] = {
        {"/wiki/wiki", HTTP_GET, 0, "", 11},
        {"/wiki/wiki/", HTTP_GET, 0, "", 11},
        {"/wiki/wiki/Ada", HTTP_GET, 0, "Ada", 11},
        {"/wiki/wiki/AC/DC", HTTP_GET, 0, "AC/DC", 11},
        {"/wiki/wiki_raw", HTTP_GET, 1, "", 11},
        {"/wiki/wiki_rawX", HTTP_GET, -1, "", 0},
        {"/wiki/wikiX", HTTP_GET, -1, "", 0},
        {"/wiki", HTTP_GET, -1, "", 0},
        {"/wiki/xml", HTTP_GET, 2, "", 15},
        {"/wiki/xml", HTTP_POST, 3, "", 15},
        {"/wiki/xml/", HTTP_GET, -1, "", 0},
        {"/wiki/xmlX", HTTP_GET, -1, "", 0},
        {"/", HTTP_HEAD, 4, "", 11},
        {"/post", HTTP_GET, -1, "", 12},
        {"/post", HTTP_HEAD, -1, "", 12},
        {"/a", HTTP_GET, 6, "", 11},
        {"/a/b", HTTP_GET, 7, "", 11},
        {"/a/b/c", HTTP_GET, 8, "", 11},
        {"/a/b/d", HTTP_GET, 6, "b/d", 11},
        {"/a/b/c/d", HTTP_GET, 8, "d", 11},
        {"//", HTTP_GET, -1, "", 0},
    };
    http_router r;
    err e;
    assert_int_equal(http_router_init(&r, &mem, routes, countof(routes), &e), OK);
    for (size_t i = 0; i < countof(t); i++) {
        http_match m = http_router_find(&r, str_of(t[i].path), t[i].method);
        if (m.route != (t[i].route < 0 ? NULL : &routes[t[i].route]) || m.allow != t[i].allow ||
            !str_eq(m.tail, str_of(t[i].tail)))
            fail_msg("%s: allow %u tail '%.*s'", t[i].path, m.allow, STR_ARG(m.tail));
    }
}

static void test_bad_route_tables(void **state) {
    (void)state;
    static const http_route bad[][2] = {
        {{HTTP_GET, "a", nothing}, {HTTP_GET, "/b", nothing}},
        {{HTTP_GET, "", nothing}, {HTTP_GET, "/b", nothing}},
        {{HTTP_GET, "/a*", nothing}, {HTTP_GET, "/b", nothing}},
        {{HTTP_GET, "/*/a", nothing}, {HTTP_GET, "/b", nothing}},
        {{HTTP_GET, "/a", NULL}, {HTTP_GET, "/b", nothing}},
        {{0, "/a", nothing}, {HTTP_GET, "/b", nothing}},
        {{HTTP_OPTIONS, "/a", nothing}, {HTTP_GET, "/b", nothing}},
        {{HTTP_GET, "/a", nothing}, {HTTP_GET | HTTP_POST, "/a", nothing}},
        {{HTTP_GET, "/a/*", nothing}, {HTTP_GET, "/a/*", nothing}},
    };
    for (size_t i = 0; i < countof(bad); i++) {
        http_router r;
        err e = {0};
        assert_int_equal(http_router_init(&r, &mem, bad[i], 2, &e), E_ARG);
        assert_true(e.msg[0] != 0);
    }
}

#define WITH_ARENA(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_ARENA(test_chunks_accepted),
        WITH_ARENA(test_chunks_refused),
        WITH_ARENA(test_chunk_limits),
        WITH_ARENA(test_targets),
        WITH_ARENA(test_decoding),
        WITH_ARENA(test_queries),
        WITH_ARENA(test_queries_one_by_one),
        WITH_ARENA(test_ranges),
        WITH_ARENA(test_dates_agree_with_libc),
        WITH_ARENA(test_date_forms),
        WITH_ARENA(test_routes),
        WITH_ARENA(test_bad_route_tables),
    };
    return cmocka_run_group_tests_name("http/parts", tests, NULL, NULL);
}
