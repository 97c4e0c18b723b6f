// A dictionary and its lists, from one stream of (key, rank) in order.
//
// A file of sections is written one section after the other, symbols must be trained before the
// first key is written, and lists want their number first: three reasons to see the records more
// than once. So the stream is grouped into a temporary file once (key, then its ranks as gaps, one
// to two bytes each) and read back twice, in order: for the dictionary, then for the lists.
//
// Rejected: sorting twice (the merge is the slow part); holding keys in memory (millions of them);
// a dictionary without symbols (a fifth larger).
//
//   I1  keys ascend strictly, ranks of a key ascend strictly: else E_ARG
//   I2  a gap is at least 1 (the first rank counts from -1), so 0 ends a list
//   I3  the sample that trains the symbols is every 2^k-th key, whatever the number of keys

#include "wiki/keyed.h"

#include <errno.h>
#include <unistd.h>

enum { SPILL_BUF = 64 << 10, SAMPLE_KEYS = 8192, SAMPLE_KEY_MAX = 64, GROUPER_ARENA = 64 << 20 };

// --- Temporary file --------------------------------------------------------------------------

typedef struct spill {
    int fd;
    size_t n, at;  // bytes in buf, and read of them
    uint8_t *buf;
} spill;

static status spill_flush(spill *s, err *e) {
    for (size_t done = 0; done < s->n;) {
        ssize_t k = write(s->fd, s->buf + done, s->n - done);
        if (k < 0 && errno == EINTR) continue;
        if (k <= 0) return err_sys(e, "cannot write a temporary file");
        done += (size_t)k;
    }
    s->n = 0;
    return OK;
}

static status spill_put(spill *s, const void *data, size_t len, err *e) {
    if (s->n + len > SPILL_BUF) TRY(spill_flush(s, e));
    memcpy(s->buf + s->n, data, len);
    s->n += len;
    return OK;
}

static status spill_put_number(spill *s, uint64_t v, err *e) {
    uint8_t b[10];
    size_t n = 0;
    for (; v >= 128; v >>= 7)
        b[n++] = (uint8_t)(v | 128);
    b[n++] = (uint8_t)v;
    return spill_put(s, b, n, e);
}

static status spill_rewind(spill *s, err *e) {
    s->n = s->at = 0;
    return lseek(s->fd, 0, SEEK_SET) ? err_sys(e, "cannot rewind a temporary file") : OK;
}

static status spill_fill(spill *s, err *e) {
    ssize_t k;
    do
        k = read(s->fd, s->buf, SPILL_BUF);
    while (k < 0 && errno == EINTR);
    if (k <= 0)
        return k ? err_sys(e, "cannot read a temporary file")
                 : err_set(e, E_IO, "a temporary file ends too soon");
    s->n = (size_t)k, s->at = 0;
    return OK;
}

static status spill_get(void *data, spill *s, size_t len, err *e) {
    for (uint8_t *to = data; len;) {
        if (s->at == s->n) TRY(spill_fill(s, e));
        size_t k = min_size(len, s->n - s->at);
        memcpy(to, s->buf + s->at, k);
        to += k, s->at += k, len -= k;
    }
    return OK;
}

static status spill_get_number(uint64_t *v, spill *s, err *e) {
    *v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t b;
        TRY(spill_get(&b, s, 1, e));
        *v |= (uint64_t)(b & 127) << shift;
        if (b < 128) return OK;
    }
    return err_set(e, E_IO, "a temporary file is damaged");
}

// --- Sample ----------------------------------------------------------------------------------

typedef struct sample {
    uint64_t seen, stride;
    size_t n;
    uint8_t len[SAMPLE_KEYS];
    char key[SAMPLE_KEYS][SAMPLE_KEY_MAX];
} sample;

static void sample_halve(sample *s) {
    for (size_t i = 0; i < SAMPLE_KEYS / 2; i++) {
        s->len[i] = s->len[2 * i];
        memcpy(s->key[i], s->key[2 * i], s->len[i]);
    }
    s->n = SAMPLE_KEYS / 2;
    s->stride *= 2;
}

static void sample_add(sample *s, str key) {
    if (s->seen++ % s->stride) return;
    if (s->n == SAMPLE_KEYS) {
        sample_halve(s);
        if ((s->seen - 1) % s->stride) return;  // I3
    }
    s->len[s->n] = (uint8_t)min_size(key.len, SAMPLE_KEY_MAX);
    memcpy(s->key[s->n], key.ptr, s->len[s->n]);
    s->n++;
}

static status sample_train(store_symbols **out, const sample *s, arena *perm, err *e) {
    *out = NULL;
    if (!s->n) return OK;
    str *keys = arena_array(perm, str, s->n);
    for (size_t i = 0; i < s->n; i++)
        keys[i] = (str){s->key[i], s->len[i]};
    return store_symbols_train(out, keys, s->n, perm, e);
}

// --- Grouping --------------------------------------------------------------------------------

typedef struct grouper {
    const wiki__keyed *k;
    arena mem;
    spill to;
    sample *sample;
    uint64_t n_keys;
    uint64_t past;  // 1 + the last rank of the key
    size_t key_len;
    char key[STORE_KEY_MAX];
} grouper;

static status group_key(grouper *g, str key, err *e) {
    if (g->n_keys) TRY(spill_put_number(&g->to, 0, e));  // I2
    memcpy(g->key, key.ptr, key.len);
    g->key_len = key.len;
    g->n_keys++;
    g->past = 0;
    sample_add(g->sample, key);
    TRY(spill_put_number(&g->to, key.len, e));
    return spill_put(&g->to, key.ptr, key.len, e);
}

static status group_record(grouper *g, str rec, err *e) {
    str key;
    uint32_t rank;
    if (!g->k->cut(&key, &rank, rec) || !key.len || key.len > STORE_KEY_MAX)
        return err_set(e, E_ARG, "record %zu bytes long is no key and rank", rec.len);
    if (!g->n_keys || !str_eq(key, (str){g->key, g->key_len})) TRY(group_key(g, key, e));
    if (rank + 1ull == g->past) return OK;  // kept once
    if (rank < g->past) return err_set(e, E_ARG, "rank %u out of order", rank);
    uint64_t gap = rank + 1ull - g->past;
    g->past = rank + 1ull;
    return spill_put_number(&g->to, gap, e);
}

static status group_all(grouper *g, store_merge *sorted, err *e) {
    for (;;) {
        bool more;
        str rec;
        TRY(store_merge_next(&more, &rec, sorted, e));
        if (!more) break;
        TRY(group_record(g, rec, e));
    }
    if (g->n_keys) TRY(spill_put_number(&g->to, 0, e));
    return spill_flush(&g->to, e);
}

// --- Reading groups --------------------------------------------------------------------------

static status next_key(str *key, grouper *g, err *e) {
    uint64_t len;
    TRY(spill_get_number(&len, &g->to, e));
    if (!len || len > STORE_KEY_MAX) return err_set(e, E_IO, "a temporary file is damaged");
    TRY(spill_get(g->key, &g->to, len, e));
    *key = (str){g->key, len};
    g->past = 0;
    return OK;
}

static status next_rank(bool *more, uint32_t *rank, grouper *g, err *e) {
    uint64_t gap;
    TRY(spill_get_number(&gap, &g->to, e));
    *more = gap != 0;
    g->past += gap;
    *rank = (uint32_t)(g->past - 1);
    return OK;
}

static status write_keys(store_dict_writer *w, grouper *g, err *e) {
    for (uint64_t i = 0; i < g->n_keys; i++) {
        str key;
        TRY(next_key(&key, g, e));
        TRY(store_dict_add(w, key, 0, e));
        for (bool more = true; more;) {
            uint32_t rank;
            TRY(next_rank(&more, &rank, g, e));
        }
    }
    size_t n;
    return store_dict_done(&n, w, e);
}

static status write_ranks(store_lists_writer *w, grouper *g, err *e) {
    for (uint64_t i = 0; i < g->n_keys; i++) {
        str key;
        TRY(next_key(&key, g, e));
        for (;;) {
            bool more;
            uint32_t rank;
            TRY(next_rank(&more, &rank, g, e));
            if (!more) break;
            TRY(store_lists_add(w, i, rank, e));
        }
    }
    return store_lists_done(w, e);
}

static status write_dict(store_out *o, grouper *g, err *e) {
    store_symbols *symbols;
    store_dict_writer *w = NULL;
    TRY(sample_train(&symbols, g->sample, &g->mem, e));
    TRY(spill_rewind(&g->to, e));
    TRY(store_out_begin(o, g->k->dict, e));
    status s = store_dict_begin(&w, store_out_sink(o), 0, symbols, e);
    if (!s) s = write_keys(w, g, e);
    store_dict_drop(w);
    return s;
}

static status write_lists(store_out *o, grouper *g, err *e) {
    store_lists_writer *w = NULL;
    TRY(spill_rewind(&g->to, e));
    TRY(store_out_begin(o, g->k->lists, e));
    status s = store_lists_begin(&w, store_out_sink(o), g->n_keys, g->k->dir, e);
    if (!s) s = write_ranks(w, g, e);
    store_lists_drop(w);
    return s;
}

static status write_both(store_out *o, grouper *g, store_merge *sorted, err *e) {
    TRY(group_all(g, sorted, e));
    TRY(write_dict(o, g, e));
    return write_lists(o, g, e);
}

status wiki__keyed_write(uint64_t *n, store_out *o, const wiki__keyed *k, store_merge *sorted,
                         err *e) {
    grouper g = {.k = k};
    *n = 0;
    TRY(arena_open(&g.mem, GROUPER_ARENA, e));
    g.to.buf = arena_alloc(&g.mem, SPILL_BUF);
    g.sample = arena_new(&g.mem, sample);
    g.sample->stride = 1;
    g.to.fd = store_temp(k->dir, e);
    status s = g.to.fd < 0 ? (e && e->code ? e->code : E_IO) : write_both(o, &g, sorted, e);
    if (g.to.fd >= 0) close(g.to.fd);
    *n = g.n_keys;
    arena_close(&g.mem);
    return s;
}

// --- Records ---------------------------------------------------------------------------------

bool wiki__record_tail(str *key, uint32_t *rank, str rec) {
    if (rec.len < 5 || rec.ptr[rec.len - 5]) return false;
    const uint8_t *p = (const uint8_t *)rec.ptr + rec.len - 4;
    *rank = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
    *key = str_first(rec, rec.len - 5);
    return true;
}

size_t wiki__record_put_tail(uint8_t out[5], uint32_t rank) {
    for (int i = 0; i < 5; i++)
        out[i] = i ? (uint8_t)(rank >> (32 - 8 * i)) : 0;
    return 5;
}
