// Packed arrays, Elias-Fano and lists against plain arrays, at edge sizes; damaged bytes are safe.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/bits.h"
#include "tests/store/fixture.h"

#include <stdlib.h>

static const size_t sizes[] = {0,   1,   2,   63,  64,  65,  127, 128,
                               129, 255, 256, 257, 511, 512, 513, 5000};

// A copy that a sanitizer watches, at an odd place.
static char *copy_of(str *at, str s) {
    char *p = malloc(s.len + 1);
    memcpy(p + 1, s.ptr, s.len);
    *at = (str){p + 1, s.len};
    return p;
}

static void widths(void **state) {
    (void)state;
    assert_int_equal(store_width(0), 0);
    for (unsigned i = 0; i < 64; i++) {
        assert_int_equal(store_width(1ull << i), i + 1);
        assert_int_equal(store_width((1ull << i) - 1), i);
    }
    assert_int_equal(store_width(UINT64_MAX), 64);
}

static void packed(void **state) {
    (void)state;
    for (unsigned width = 0; width <= 57; width++)
        for (size_t k = 0; k < countof(sizes); k++) {
            arena_reset(&mem, 0);
            size_t n = sizes[k];
            uint64_t *v = arena_array(&mem, uint64_t, n + 1);
            for (size_t i = 0; i < n; i++)
                v[i] = (rnd(1u << 31) << 31 ^ rnd(1u << 31)) & ((1ull << width) - 1);
            buf b;
            str at;
            store_packed p;
            buf_init(&b, &mem, 0);
            assert_int_equal(store_packed_write((store_sink){to_buf, &b}, v, n, width, NULL), OK);
            char *copy = copy_of(&at, buf_str(&b));
            assert_int_equal(store_packed_open(&p, at, NULL), OK);
            assert_int_equal(p.n, n);
            for (size_t i = 0; i < n; i++)
                assert_true(store_packed_get(&p, i) == v[i]);
            assert_true(store_packed_get(&p, SIZE_MAX) == (n ? v[n - 1] : 0));
            free(copy);
        }
}

// --- Elias-Fano ------------------------------------------------------------------------------

typedef struct numbers {
    uint64_t *v;
    size_t n;
} numbers;

static uint64_t number(void *arg, size_t i) {
    return ((numbers *)arg)->v[i];
}

static str ef_bytes(numbers *s, uint64_t max) {
    buf *b = arena_new(&mem, buf);
    arena scratch;
    assert_int_equal(arena_open(&scratch, 16 << 20, NULL), OK);
    buf_init(b, &mem, 0);
    store_sink out = {to_buf, b};
    assert_int_equal(store_ef_write(out, s->n, max, number, s, scratch, NULL), OK);
    arena_close(&scratch);
    return buf_str(b);
}

static void check_rank(const store_ef *ef, const numbers *s, uint64_t x) {
    size_t want = 0;
    while (want < s->n && s->v[want] <= x)
        want++;
    assert_int_equal(store_ef_rank(ef, x), want);
}

static void elias_fano(void **state) {
    (void)state;
    static const uint64_t steps[] = {1, 2, 3, 100, 1000000, 1ull << 30};
    for (size_t k = 0; k < countof(sizes) * countof(steps); k++) {
        arena_reset(&mem, 0);
        numbers s = {arena_array(&mem, uint64_t, sizes[k % countof(sizes)] + 1),
                     sizes[k % countof(sizes)]};
        uint64_t step = steps[k / countof(sizes)], x = rnd(3);
        for (size_t i = 0; i < s.n; i++)
            s.v[i] = x += rnd(20) ? rnd(step) : rnd(3) * 50 * step;
        str at;
        store_ef ef;
        char *copy = copy_of(&at, ef_bytes(&s, x + rnd(2) * 1000));
        assert_int_equal(store_ef_open(&ef, at, NULL), OK);
        for (size_t i = 0; i < s.n; i++) {
            assert_true(store_ef_get(&ef, i) == s.v[i]);
            if (i > 300 && rnd(50)) continue;
            check_rank(&ef, &s, s.v[i]);
            check_rank(&ef, &s, s.v[i] + 1);
            if (s.v[i]) check_rank(&ef, &s, s.v[i] - 1);
        }
        check_rank(&ef, &s, 0);
        check_rank(&ef, &s, UINT64_MAX);
        assert_int_equal(store_ef_get(&ef, s.n), 0);
        free(copy);
    }
}

static void elias_fano_refuses(void **state) {
    (void)state;
    numbers fall = {(uint64_t[]){3, 2}, 2}, over = {(uint64_t[]){3, 9}, 2};
    buf b;
    arena_reset(&mem, 0);
    buf_init(&b, &mem, 0);
    ARENA_ON_STACK(scratch, 4096);
    store_sink out = {to_buf, &b};
    assert_int_equal(store_ef_write(out, 2, 9, number, &fall, scratch, NULL), E_ARG);
    assert_int_equal(store_ef_write(out, 2, 8, number, &over, scratch, NULL), E_ARG);
    assert_int_equal(store_ef_write(out, 1 << 20, 8, number, &over, scratch, NULL), E_MEMORY);
}

// --- Lists -----------------------------------------------------------------------------------

typedef struct pair {
    size_t list;
    uint32_t value;
} pair;

static str lists_bytes(const pair *p, size_t n, size_t n_lists) {
    buf *b = arena_new(&mem, buf);
    err e = {0};
    buf_init(b, &mem, 0);
    store_lists_writer *w;
    assert_int_equal(store_lists_begin(&w, (store_sink){to_buf, b}, n_lists, "/tmp", &e), OK);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(store_lists_add(w, p[i].list, p[i].value, &e), OK);
    if (n && p[n - 1].value)
        assert_int_equal(store_lists_add(w, p[n - 1].list, p[n - 1].value - 1, &e), E_ARG);
    assert_int_equal(store_lists_add(w, n_lists, 0, &e), E_ARG);
    assert_int_equal(store_lists_done(w, &e), OK);
    store_lists_drop(w);
    return buf_str(b);
}

// Values of one list, each once.
static numbers list_of(const pair *p, size_t n, size_t list) {
    numbers out = {arena_array(&mem, uint64_t, n + 1), 0};
    for (size_t i = 0; i < n; i++)
        if (p[i].list == list && (!out.n || out.v[out.n - 1] != p[i].value))
            out.v[out.n++] = p[i].value;
    return out;
}

static void check_skips(const store_lists *l, size_t list, const numbers *want) {
    store_list at = store_lists_get(l, list);
    uint32_t v;
    size_t i = 0;
    while (i < want->n) {
        size_t to = min_size(i + rnd(600), want->n - 1);
        uint32_t least = (uint32_t)(want->v[to] - (rnd(2) && want->v[to]));
        while (i < want->n && want->v[i] < least)
            i++;
        assert_true(store_list_skip_to(&v, &at, least));
        assert_true(v == want->v[i]);
        i++;
    }
    assert_false(store_list_skip_to(&v, &at, 0));
}

static void check_list(const store_lists *l, size_t list, const numbers *want) {
    store_list at = store_lists_get(l, list);
    uint32_t v;
    assert_int_equal(store_lists_count(l, list), want->n);
    for (size_t i = 0; i < want->n; i++) {
        assert_int_equal(at.n_left, want->n - i);
        assert_true(store_list_next(&v, &at));
        assert_true(v == want->v[i]);
    }
    assert_false(store_list_next(&v, &at));
    check_skips(l, list, want);
}

static void lists(void **state) {
    (void)state;
    for (size_t k = 0; k < countof(sizes) * 4; k++) {
        arena_reset(&mem, 0);
        size_t n = sizes[k / 4], n_lists = 1 + rnd(k % 4 < 2 ? 3 : 400), list = 0, kept = 0;
        uint32_t step = (uint32_t[]){2, 1000, 3, 1u << 20}[k % 4], value = 0;
        pair *p = arena_array(&mem, pair, n + 1);
        for (size_t i = 0; i < n; i++) {
            if (!rnd(n / n_lists + 2) && list + 1 < n_lists) list++, value = 0;
            uint32_t add = (uint32_t)rnd(step);
            if (value > UINT32_MAX - add) continue;
            p[kept++] = (pair){list, value += add};
        }
        str at;
        store_lists l;
        char *copy = copy_of(&at, lists_bytes(p, kept, n_lists));
        assert_int_equal(store_lists_open(&l, at, NULL), OK);
        assert_int_equal(l.n, n_lists);
        for (size_t i = 0; i < n_lists; i++) {
            numbers want = list_of(p, kept, i);
            check_list(&l, i, &want);
            mem.used = (size_t)((uint8_t *)want.v - mem.base);
        }
        assert_int_equal(store_lists_count(&l, n_lists), 0);
        free(copy);
    }
}

static void largest_values(void **state) {
    (void)state;
    arena_reset(&mem, 0);
    const pair p[] = {{1, 0}, {1, UINT32_MAX - 1}, {1, UINT32_MAX}, {3, UINT32_MAX}};
    store_lists l;
    assert_int_equal(store_lists_open(&l, lists_bytes(p, countof(p), 5), NULL), OK);
    for (size_t i = 0; i < 5; i++) {
        numbers want = list_of(p, countof(p), i);
        check_list(&l, i, &want);
    }
}

// --- Damage ----------------------------------------------------------------------------------

static void read_any(str s) {
    store_packed p;
    store_ef ef;
    store_lists l;
    uint32_t v;
    if (!store_packed_open(&p, s, NULL)) store_packed_get(&p, rnd(p.n + 1));
    if (!store_ef_open(&ef, s, NULL))
        for (size_t i = 0; i < 50; i++)
            store_ef_get(&ef, rnd(ef.n + 1)), store_ef_rank(&ef, rnd(ef.max + 1));
    if (store_lists_open(&l, s, NULL)) return;
    for (size_t i = 0; i < l.n && i < 50; i++) {
        store_list at = store_lists_get(&l, i);
        for (size_t k = 0; k < 10 && store_list_next(&v, &at); k++)
            store_list_skip_to(&v, &at, (uint32_t)rnd(1u << 31));
    }
}

static void damage_is_safe(void **state) {
    (void)state;
    arena_reset(&mem, 0);
    pair p[600];
    numbers s = {arena_array(&mem, uint64_t, 600), 600};
    for (uint32_t i = 0; i < 600; i++)
        p[i] = (pair){i / 300, i * 50}, s.v[i] = i * 77;
    str good[2] = {lists_bytes(p, 600, 4), ef_bytes(&s, s.v[599])};
    for (size_t round = 0; round < 20000; round++) {
        str from = good[round % 2], at;
        char *copy = copy_of(&at, str_first(from, round % 5 ? from.len : rnd(from.len)));
        for (size_t k = rnd(5); k-- && at.len;)
            copy[1 + (rnd(2) ? rnd(at.len) : at.len - 1 - rnd(min_size(at.len, 60)))] =
                (char)rnd(256);
        read_any(at);
        free(copy);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widths),         cmocka_unit_test(packed),
        cmocka_unit_test(elias_fano),     cmocka_unit_test(elias_fano_refuses),
        cmocka_unit_test(lists),          cmocka_unit_test(largest_values),
        cmocka_unit_test(damage_is_safe),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
