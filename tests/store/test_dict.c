// The dictionary against a sorted array: find, get, cursor, ranges, near; any damaged byte is safe.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "store/dict.h"
#include "store/fold.h"
#include "tests/store/fixture.h"

#include <stdlib.h>

// --- Sets of keys ----------------------------------------------------------------------------

static const char *const pieces[] = {
    "a",    "A",  "b",   "an", "the ", "The ",     "List of ", "Category:", "é",  "É",
    "e",    "ß",  "ss",  "_",  " ",    "-",        "–",        "東",        "京", "ж",
    "Ж",    "İ",  "i",   "ı",  "z",    "\xe2\x80", "Ω",        "\xff",      "1",  "199",
    "\xc3", "\0", "(x)", "’",  "'",    "हिन्दी",    "ا",        "أ",         "0"};

static str random_key(void) {
    ARENA_ON_STACK(room, 4096);
    buf b;
    buf_init(&b, &room, 2048);
    size_t n = rnd(50) ? rnd(9) : rnd(120);
    while (n--) {
        const char *p = pieces[rnd(countof(pieces))];
        buf_add(&b, *p ? str_of(p) : STR("\0"));
    }
    if (!rnd(200))
        while (b.len < STORE_KEY_MAX)
            buf_byte(&b, "xyZ"[rnd(3)]);
    return arena_str(&mem, str_first(buf_str(&b), STORE_KEY_MAX));
}

static int by_fold(const void *x, const void *y) {
    const str *a = x, *b = y;
    str fa = store_fold_in(*a, &mem), fb = store_fold_in(*b, &mem);
    int c = str_cmp(fa, fb);
    mem.used = (size_t)((const uint8_t *)fa.ptr - mem.base);
    return c ? c : str_cmp(*a, *b);
}

typedef struct set {
    str *key, *fold;
    uint64_t *payload;
    size_t n;
    unsigned bits;
} set;

static set random_set(size_t n, unsigned bits) {
    set s = {arena_array(&mem, str, n + 1), NULL, arena_array(&mem, uint64_t, n + 1), 0, bits};
    for (size_t i = 0; i < n; i++)
        s.key[i] = random_key();
    arena_alloc(&mem, 16);
    qsort(s.key, n, sizeof *s.key, by_fold);
    for (size_t i = 0; i < n; i++)
        if (!s.n || !str_eq(s.key[s.n - 1], s.key[i])) s.key[s.n++] = s.key[i];
    s.fold = arena_array(&mem, str, n + 1);
    for (size_t i = 0; i < s.n; i++) {
        s.fold[i] = store_fold_in(s.key[i], &mem);
        s.payload[i] = bits ? (rnd(1u << 31) << 31 ^ rnd(1u << 31)) & ((1ull << bits) - 1) : 0;
    }
    return s;
}

static str write_dict(const set *s, const store_symbols *symbols) {
    buf *b = arena_new(&mem, buf);
    err e = {0};
    buf_init(b, &mem, 0);
    store_dict_writer *w;
    size_t n;
    assert_int_equal(store_dict_begin(&w, (store_sink){to_buf, b}, s->bits, symbols, &e), OK);
    for (size_t i = 0; i < s->n; i++)
        assert_int_equal(store_dict_add(w, s->key[i], s->payload[i], &e), OK);
    assert_int_equal(store_dict_done(&n, w, &e), OK);
    assert_int_equal(n, s->n);
    store_dict_drop(w);
    assert_false(b->failed);
    return buf_str(b);
}

// --- Against the array -----------------------------------------------------------------------

static void check_keys(const store_dict *d, const set *s) {
    char out[STORE_KEY_MAX];
    for (size_t i = 0; i < s->n; i++) {
        size_t rank = 0;
        uint64_t payload = 99;
        assert_true(store_dict_find(&rank, &payload, d, s->key[i]));
        assert_int_equal(rank, i);
        assert_true(payload == s->payload[i]);
        payload = 99;
        assert_true(str_eq(store_dict_get(d, i, out, &payload), s->key[i]));
        assert_true(payload == s->payload[i]);
    }
}

static void check_cursor(const store_dict *d, const set *s) {
    for (size_t from = 0; from <= s->n; from += 1 + rnd(50)) {
        store_dict_cursor c;
        store_dict_seek(&c, d, from);
        str key;
        uint64_t payload;
        size_t i = from;
        for (; i < from + 70 && store_dict_next(&key, &payload, &c); i++) {
            assert_true(str_eq(key, s->key[i]));
            assert_true(payload == s->payload[i]);
        }
        assert_true(i == from + 70 || i == s->n);
    }
}

static void check_range(const store_dict *d, const set *s, str folded) {
    size_t lo, hi, less = 0, starts = 0, same = 0;
    for (size_t i = 0; i < s->n; i++) {
        less += str_cmp(s->fold[i], folded) < 0;
        starts += str_starts(s->fold[i], folded);
        same += str_eq(s->fold[i], folded);
    }
    assert_int_equal(store_dict_bound(d, folded), less);
    store_dict_prefix(&lo, &hi, d, folded);
    assert_int_equal(lo, less);
    assert_int_equal(hi, less + starts);
    store_dict_equal(&lo, &hi, d, folded);
    assert_int_equal(lo, less);
    assert_int_equal(hi, less + same);
}

static void check_absent(const store_dict *d, const set *s) {
    for (size_t i = 0; i < 300; i++) {
        str key = random_key();
        size_t rank, there = s->n;
        for (size_t k = 0; k < s->n; k++)
            if (str_eq(s->key[k], key)) there = k;
        assert_int_equal(store_dict_find(&rank, NULL, d, key), there < s->n);
        check_range(d, s, store_fold_in(key, &mem));
    }
}

static void is_a_sorted_array(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 31, 32, 33, 64, 65, 500, 3000};
    for (size_t i = 0; i < countof(sizes) * 3; i++) {
        arena_reset(&mem, 0);
        set s = random_set(sizes[i / 3], i % 3 * 28);
        store_symbols *symbols = NULL;
        err e = {0};
        if (i % 2) assert_int_equal(store_symbols_train(&symbols, s.key, s.n, &mem, &e), OK);
        str bytes = write_dict(&s, symbols);
        store_dict d;
        assert_int_equal(store_dict_open(&d, bytes, &e), OK);
        assert_int_equal(d.n, s.n);
        check_keys(&d, &s);
        check_cursor(&d, &s);
        check_absent(&d, &s);
        for (size_t k = 0; k < s.n; k += 1 + s.n / 300)
            for (size_t cut = 0; cut <= s.fold[k].len && cut < 40; cut++)
                check_range(&d, &s, str_first(s.fold[k], cut));
    }
}

static void same_input_same_bytes(void **state) {
    (void)state;
    arena_reset(&mem, 0);
    set s = random_set(1000, 9);
    store_symbols *x, *y;
    err e = {0};
    assert_int_equal(store_symbols_train(&x, s.key, s.n, &mem, &e), OK);
    assert_int_equal(store_symbols_train(&y, s.key, s.n, &mem, &e), OK);
    assert_true(str_eq(write_dict(&s, x), write_dict(&s, y)));
}

static void refuses_disorder(void **state) {
    (void)state;
    arena_reset(&mem, 0);
    static char big[STORE_KEY_MAX + 1];
    buf b;
    err e = {0};
    buf_init(&b, &mem, 0);
    store_dict_writer *w;
    assert_int_equal(store_dict_begin(&w, (store_sink){to_buf, &b}, 57, NULL, &e), E_ARG);
    assert_null(w);
    assert_int_equal(store_dict_begin(&w, (store_sink){to_buf, &b}, 3, NULL, &e), OK);
    assert_int_equal(store_dict_add(w, STR("b"), 7, &e), OK);
    assert_int_equal(store_dict_add(w, STR("b"), 7, &e), E_ARG);
    assert_int_equal(store_dict_add(w, STR("B"), 7, &e), E_ARG);
    assert_int_equal(store_dict_add(w, STR("a"), 7, &e), E_ARG);
    assert_int_equal(store_dict_add(w, STR("c"), 8, &e), E_ARG);
    assert_int_equal(store_dict_add(w, (str){big, sizeof big}, 0, &e), E_ARG);
    store_dict_drop(w);
    store_dict_drop(NULL);
}

// --- Near ------------------------------------------------------------------------------------

static size_t cps(int32_t out[STORE_KEY_MAX * 3], str s) {
    size_t n = 0;
    while (s.len) {
        size_t used = utf8_decode(&out[n], s);
        if (out[n] == UTF8_BAD) out[n] = 0x110000 + (uint8_t)s.ptr[0], used = 1;
        n++;
        s = str_skip(s, used);
    }
    return n;
}

// Optimal string alignment, the whole matrix; with `prefix` the least over the key's prefixes.
static unsigned naive(str key, str want, bool prefix) {
    static int32_t a[STORE_KEY_MAX * 3], b[STORE_KEY_MAX * 3];
    static unsigned d[STORE_KEY_MAX * 3 + 1][40];
    size_t n = cps(a, key), m = cps(b, want);
    unsigned best = 1000;
    assert_true(m < 40);
    for (size_t i = 0; i <= n; i++) {
        for (size_t j = 0; j <= m; j++) {
            unsigned v = i && j ? d[i - 1][j - 1] + (a[i - 1] != b[j - 1]) : (unsigned)(i + j);
            if (i && d[i - 1][j] + 1 < v) v = d[i - 1][j] + 1;
            if (j && d[i][j - 1] + 1 < v) v = d[i][j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                d[i - 2][j - 2] + 1 < v)
                v = d[i - 2][j - 2] + 1;
            d[i][j] = v;
        }
        if (d[i][m] < best) best = d[i][m];
    }
    return prefix ? best : d[n][m];
}

static bool starts_same(str key, str want, size_t n) {
    static int32_t a[STORE_KEY_MAX * 3], b[STORE_KEY_MAX * 3];
    if (cps(a, key) < n || cps(b, want) < n) return false;
    return !memcmp(a, b, n * sizeof *a);
}

static void near_is_edit_distance(void **state) {
    (void)state;
    arena_reset(&mem, 0);
    set s = random_set(3000, 0);
    str bytes = write_dict(&s, NULL);
    store_dict d;
    err e = {0};
    store_near *got = arena_array(&mem, store_near, s.n);
    assert_int_equal(store_dict_open(&d, bytes, &e), OK);
    for (size_t round = 0; round < 90; round++) {
        str want = str_first(s.fold[rnd(s.n)], 1 + rnd(20));
        unsigned distance = (unsigned)(round % 3);
        bool prefix = round % 2, is_cut;
        store_near_query q = {want, distance, (unsigned)rnd(3), prefix, SIZE_MAX, 0};
        size_t n = store_dict_near(got, s.n, &is_cut, &d, &q), k = 0;
        assert_false(is_cut);
        for (size_t i = 0; i < s.n; i++) {
            unsigned real = naive(s.fold[i], want, prefix);
            if (real > distance || !starts_same(s.fold[i], want, q.n_same)) continue;
            assert_true(k < n);
            assert_int_equal(got[k].rank, i);
            assert_int_equal(got[k].distance, real);
            k++;
        }
        assert_int_equal(k, n);
        q.budget = 3;
        size_t few = store_dict_near(got, s.n, &is_cut, &d, &q);
        assert_true(few <= n && few <= 3 * STORE_DICT_BLOCK);
    }
}

// --- Damage ----------------------------------------------------------------------------------

static void read_all(const store_dict *d, str probe) {
    char out[STORE_KEY_MAX];
    store_dict_cursor c;
    str key;
    size_t lo, hi, rank;
    uint64_t payload;
    store_near near[8];
    bool cut;
    for (size_t i = 0; i < d->n && i < 400; i++)
        assert_true(store_dict_get(d, i, out, &payload).len <= STORE_KEY_MAX);
    store_dict_seek(&c, d, 0);
    for (size_t i = 0; i < 400 && store_dict_next(&key, &payload, &c); i++)
        assert_true(key.len <= STORE_KEY_MAX);
    store_dict_find(&rank, &payload, d, probe);
    store_dict_prefix(&lo, &hi, d, probe);
    assert_true(lo <= hi && hi <= d->n);
    store_dict_equal(&lo, &hi, d, probe);
    assert_true(lo <= hi && hi <= d->n);
    store_dict_near(near, 8, &cut, d, &(store_near_query){probe, 2, 0, true, 20, 0});
}

static void damage_is_safe(void **state) {
    (void)state;
    arena_reset(&mem, 0);
    set s = random_set(200, 13);
    store_symbols *symbols;
    err e = {0};
    assert_int_equal(store_symbols_train(&symbols, s.key, s.n, &mem, &e), OK);
    str good = write_dict(&s, symbols);
    store_dict d;
    for (size_t round = 0; round < 3000; round++) {
        size_t cut = round % 5 ? good.len : rnd(good.len);
        char *copy = malloc(cut + 1);  // its end is watched by the sanitizer
        memcpy(copy, good.ptr, cut);
        for (size_t k = rnd(6); k-- && cut;)
            copy[rnd(cut)] = (char)rnd(256);
        char *exact = realloc(copy, cut ? cut : 1);
        if (!store_dict_open(&d, (str){exact, cut}, &e)) read_all(&d, s.fold[rnd(s.n)]);
        free(exact);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_a_sorted_array), cmocka_unit_test(same_input_same_bytes),
        cmocka_unit_test(refuses_disorder),  cmocka_unit_test(near_is_edit_distance),
        cmocka_unit_test(damage_is_safe),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
