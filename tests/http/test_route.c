// Named segments: which pattern wins, what a name stands for, and tables that are refused. The
// oracle compares patterns segment by segment in the plainest way, over every table and path drawn.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/route.h"

#include <stdlib.h>

static arena mem;

static int set_up(void **state) {
    (void)state;
    return arena_open(&mem, 16 << 20, NULL);
}

static int tear_down(void **state) {
    (void)state;
    arena_close(&mem);
    return 0;
}

static void nothing(http_req *rq, void *app) {
    (void)rq, (void)app;
}

static const http_route table[] = {
    {HTTP_GET, "/*", nothing},
    {HTTP_GET, "/w/{db}/wiki/*", nothing},
    {HTTP_GET, "/w/{db}", nothing},
    {HTTP_GET, "/w/list", nothing},
    {HTTP_GET, "/w/{db}/{what}", nothing},
    {HTTP_GET, "/w/{name}/xml", nothing},
    {HTTP_GET, "/w/list/{what}", nothing},
    {HTTP_POST, "/w/{other}/xml", nothing},
    {HTTP_GET, "/plaintext", nothing},
};

static void test_the_most_telling_pattern_wins(void **state) {
    (void)state;
    static const struct {
        const char *path;
        int route;
        const char *tail, *db, *what;
    } t[] = {
        {"/plaintext", 8, "", "", ""},
        {"/plaintext/", 0, "plaintext/", "", ""},
        {"/", 0, "", "", ""},
        {"/w", 0, "w", "", ""},
        {"/w/", 0, "w/", "", ""},
        {"/w/list", 3, "", "", ""},
        {"/w/lists", 2, "", "lists", ""},
        {"/w/en", 2, "", "en", ""},
        {"/w/en/", 0, "w/en/", "", ""},
        {"/w/en/wiki", 1, "", "en", ""},
        {"/w/en/wiki/", 1, "", "en", ""},
        {"/w/en/wiki/AC/DC", 1, "AC/DC", "en", ""},
        {"/w/en/wikis", 4, "", "en", "wikis"},
        {"/w/en/xml", 5, "", "", ""},
        {"/w/list/xml", 6, "", "", "xml"},
        {"/w//xml", 0, "w//xml", "", ""},
        {"/w/{db}/x", 4, "", "{db}", "x"},
    };
    http_router r;
    assert_int_equal(http_router_init(&r, &mem, table, countof(table), NULL), OK);
    for (size_t i = 0; i < countof(t); i++) {
        str path = str_of(t[i].path);
        http_match m = http_router_find(&r, path, HTTP_GET);
        if (m.route != &table[t[i].route] || !str_eq(m.tail, str_of(t[i].tail)))
            fail_msg("%s: %s", t[i].path, m.route ? m.route->pattern : "none");
        assert_true(str_eq(http_route_param(m.route, path, STR("db")), str_of(t[i].db)));
        assert_true(str_eq(http_route_param(m.route, path, STR("what")), str_of(t[i].what)));
        assert_int_equal(http_route_param(m.route, path, STR("nothing")).len, 0);
    }
    http_match m = http_router_find(&r, STR("/w/en/xml"), HTTP_POST);
    assert_ptr_equal(m.route, &table[7]);  // the name in braces is no part of the pattern
    assert_int_equal(m.allow, HTTP_GET | HTTP_HEAD | HTTP_POST | HTTP_OPTIONS);
    assert_true(str_eq(http_route_param(m.route, STR("/w/en/xml"), STR("other")), STR("en")));
}

static void test_bad_tables(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        {"/{}", "/b"},  {"/{a", "/b"},        {"/a}/{b}c", "/b"}, {"/x{a}", "/b"},
        {"/{A}", "/b"}, {"/{a}/{a}", "/b"},   {"/{a}*", "/b"},    {"/{a}/x", "/{b}/x"},
        {"/*/*", "/b"}, {"/{a}/*", "/{c}/*"},
    };
    char longest[HTTP_PATTERN_MAX + 2];
    memset(longest, 'a', sizeof longest);
    longest[0] = '/';
    longest[sizeof longest - 1] = 0;
    for (size_t i = 0; i <= countof(bad); i++) {
        http_route rows[2] = {{HTTP_GET, i < countof(bad) ? bad[i][0] : longest, nothing},
                              {HTTP_GET, i < countof(bad) ? bad[i][1] : "/b", nothing}};
        http_router r;
        err e = {0};
        status s = http_router_init(&r, &mem, rows, i == countof(bad) ? 1 : 2, &e);
        bool is_bad = i < countof(bad) || sizeof longest - 1 > HTTP_PATTERN_MAX;
        if ((s == E_ARG) != is_bad) fail_msg("%s: %s", rows[0].pattern, e.msg);
    }
}

// --- Against the plainest matcher --------------------------------------------------------------

enum { SEGMENTS_MAX = 4, TABLES = 300, PATHS = 200, ROWS_MAX = 24 };

typedef struct cut {
    str at[2 * SEGMENTS_MAX];
    size_t n;
} cut;

static cut segments_of(const char *text) {
    cut c = {0};
    str rest = str_skip(str_of(text), 1);
    do
        c.at[c.n++] = str_first(rest, str_find_byte(rest, '/'));
    while (str_find_byte(rest, '/') < rest.len &&
           (rest = str_skip(rest, str_find_byte(rest, '/') + 1), true));
    return c;
}

static char rank_of(str segment) {
    return segment.len && segment.ptr[0] == '{' ? 'n' : str_eq(segment, STR("*")) ? 'r' : 'l';
}

// "llnr" and the like, "" when it does not match: of those that match the smallest is the best,
// where 'e' (the end) goes first of all.
static bool naive_match(char kinds[SEGMENTS_MAX + 2], const char *pattern, const char *path) {
    cut p = segments_of(pattern), q = segments_of(path);
    size_t i = 0;
    for (; i < p.n; i++) {
        kinds[i] = (char)(rank_of(p.at[i]) == 'l' ? 'l' : rank_of(p.at[i]) == 'n' ? 'm' : 'r');
        if (kinds[i] == 'r') return kinds[i + 1] = 0, true;
        if (i >= q.n) return false;
        if (kinds[i] == 'm' ? q.at[i].len == 0 : !str_eq(p.at[i], q.at[i])) return false;
    }
    kinds[i] = 'e';
    kinds[i + 1] = 0;
    return q.n == p.n;
}

static uint64_t seed = 1;

static size_t draw(size_t n) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(seed >> 33) % n;
}

static const char *draw_text(bool is_pattern) {
    static const char *const words[] = {"a", "b", "ab", "{x}", "{y}", "{z}"};
    buf b;
    buf_init(&b, &mem, 64);
    size_t n = 1 + draw(SEGMENTS_MAX - 1);
    for (size_t i = 0; i < n; i++) {
        size_t k = draw(is_pattern ? 4 : 3);
        buf_byte(&b, '/');
        buf_add(&b, str_of(words[k == 3 ? 3 + i : k]));
    }
    if (is_pattern && draw(3) == 0) buf_add(&b, STR("/*"));
    if (!is_pattern && draw(6) == 0) buf_byte(&b, '/');
    buf_byte(&b, 0);
    return b.ptr;
}

static bool is_like(const char *a, const char *b) {
    char x[64], y[64];
    size_t n = 0, m = 0;
    for (; *a; a++)
        x[n++] = *a >= 'x' ? 'n' : *a;
    for (; *b; b++)
        y[m++] = *b >= 'x' ? 'n' : *b;
    return n == m && memcmp(x, y, n) == 0;
}

static size_t draw_table(http_route rows[ROWS_MAX]) {
    size_t n = 0;
    for (int i = 0; i < ROWS_MAX; i++) {
        const char *p = draw_text(true);
        bool is_new = true;
        for (size_t k = 0; k < n; k++)
            is_new &= !is_like(p, rows[k].pattern);
        if (is_new) rows[n++] = (http_route){HTTP_GET, p, nothing};
    }
    return n;
}

static void test_any_table_agrees_with_the_plainest_matcher(void **state) {
    (void)state;
    for (int t = 0; t < TABLES; t++) {
        http_route rows[ROWS_MAX];
        size_t n = draw_table(rows);
        http_router r;
        assert_int_equal(http_router_init(&r, &mem, rows, n, NULL), OK);
        for (int k = 0; k < PATHS; k++) {
            const char *path = draw_text(false);
            const http_route *best = NULL;
            char of_best[SEGMENTS_MAX + 2], kinds[SEGMENTS_MAX + 2];
            for (size_t i = 0; i < n; i++) {
                if (!naive_match(kinds, rows[i].pattern, path)) continue;
                if (best && strcmp(of_best, kinds) < 0) continue;
                best = &rows[i];
                memcpy(of_best, kinds, sizeof kinds);
            }
            http_match m = http_router_find(&r, str_of(path), HTTP_GET);
            if (m.route != best)
                fail_msg("%s: %s instead of %s", path, m.route ? m.route->pattern : "none",
                         best ? best->pattern : "none");
        }
        arena_reset(&mem, 1 << 20);
    }
}

#define WITH_ARENA(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_ARENA(test_the_most_telling_pattern_wins),
        WITH_ARENA(test_bad_tables),
        WITH_ARENA(test_any_table_agrees_with_the_plainest_matcher),
    };
    return cmocka_run_group_tests_name("http/route", tests, NULL, NULL);
}
