// Any bytes as a dictionary, and a good one with bytes changed as the input says: every reader.

#include "fuzz/fuzz.h"

#include "store/dict.h"
#include "store/fold.h"

#include <stdio.h>
#include <stdlib.h>

enum { KEYS = 100, MOST = 200 };

static status to_buf(void *arg, const void *data, size_t len, err *e) {
    (void)e;
    buf_add(arg, (str){data, len});
    return OK;
}

static str good_dict(arena *mem) {
    static char text[KEYS][16];
    str key[KEYS];
    buf b;
    store_symbols *symbols;
    store_dict_writer *w;
    for (int i = 0; i < KEYS; i++) {
        int n = snprintf(text[i], sizeof text[i], "Title %03d%s", i, i % 3 ? " (x)" : "");
        key[i] = (str){text[i], (size_t)n};
    }
    CHECK(!store_symbols_train(&symbols, key, KEYS, mem, NULL));
    buf_init(&b, mem, 0);
    CHECK(!store_dict_begin(&w, (store_sink){to_buf, &b}, 13, symbols, NULL));
    for (unsigned i = 0; i < KEYS; i++)
        CHECK(!store_dict_add(w, key[i], i, NULL));
    CHECK(!store_dict_done(NULL, w, NULL));
    store_dict_drop(w);
    return buf_str(&b);
}

static void ranges(const store_dict *d, str folded) {
    size_t lo, hi;
    store_near near[8];
    bool cut;
    store_dict_prefix(&lo, &hi, d, folded);
    CHECK(lo <= hi && hi <= d->n);
    store_dict_equal(&lo, &hi, d, folded);
    CHECK(lo <= hi && hi <= d->n);
    CHECK(store_dict_bound(d, folded) <= d->n);
    CHECK(store_dict_near(near, 8, &cut, d, &(store_near_query){folded, 2, 1, false, 8, 0}) <= 8);
    CHECK(store_dict_near(near, 8, &cut, d, &(store_near_query){folded, 1, 0, true, 8, 0}) <= 8);
}

static void read_all(str bytes, str probe) {
    store_dict d;
    store_dict_cursor c;
    char out[STORE_KEY_MAX], folded[64 * STORE_FOLD_GROWTH];
    uint64_t payload;
    size_t rank;
    if (store_dict_open(&d, bytes, NULL)) return;
    for (size_t i = 0; i < MOST && i < d.n; i++)
        CHECK(store_dict_get(&d, i, out, &payload).len <= STORE_KEY_MAX);
    store_dict_seek(&c, &d, 0);
    str key;
    for (size_t i = 0; i < MOST && store_dict_next(&key, &payload, &c); i++)
        CHECK(key.len <= STORE_KEY_MAX);
    probe = str_first(probe, 64);
    if (store_dict_find(&rank, &payload, &d, probe)) CHECK(rank < d.n);
    ranges(&d, (str){folded, store_fold(folded, probe)});
}

// Each three bytes of input change one byte of the good dictionary.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena mem;
    static str good;
    if (!mem.base) {
        CHECK(!arena_open(&mem, 1 << 20, NULL));
        good = good_dict(&mem);
    }
    str s = {(const char *)data, len};
    read_all(s, s);
    char *copy = malloc(good.len);
    CHECK(copy);
    memcpy(copy, good.ptr, good.len);
    for (size_t i = 0; i + 3 <= len; i += 3)
        copy[(data[i] | (size_t)data[i + 1] << 8) % good.len] = (char)data[i + 2];
    read_all((str){copy, good.len}, s);
    free(copy);
    return 0;
}
