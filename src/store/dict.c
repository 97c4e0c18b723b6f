// The dictionary: blocks of 32 keys, found by their first keys.
//
//     block    lcp base, len base; the first key: varint length, codes; then per key one byte of
//              two nibbles, lcp - base and length - base (15: a varint follows), and the codes of
//              what it does not share with the key before; payloads, packed, at the end
//     heads    16 bytes per block: how the fold of its first key starts, as a number; then every
//              16th of them, and every 16th of those, down to one group of 16
//     offsets  store_packed, n_blocks + 1
//     symbols  store__symbols, or nothing
//     trailer
//
// A search is one for where a predicate on keys turns false: heads decide most steps without
// touching a block. For one key byte for byte no key of the block is decoded but those whose lcp
// is as long as what matched so far: all others cannot be it.
//
// Rejected: an FST (smaller by a third, slower to build and to seek by rank); a hash beside the
// order (4 bytes a key for 0.3 us); restart points inside a block (a byte per key).
//
//   I1  blocks end in 8 bytes of padding, so that a payload is one load
//   I2  block_of is the only reader of offsets, and gives a run inside `blocks`
//   I3  a key at hand never passes STORE_KEY_MAX, and an lcp never passes the key before

#include "store/dict.h"

#include "store/fold.h"
#include "store/symbols.h"

enum {
    TRAILER = 48,
    NIBBLE = 15,
    PAD = 8,
    HEAD = sizeof(store__head),
    GROUP = 16,
    LINE = 64,
    LEVELS = STORE_DICT_LEVELS
};

typedef unsigned __int128 head;
static const uint64_t MAGIC = 0x3274636964u;

static uint64_t load64(const void *p) {
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}

// Where each level of heads starts; returns how many heads there are in all.
static size_t levels_of(size_t level[LEVELS + 1], size_t *n_levels, size_t n_blocks) {
    size_t k = 0;
    level[0] = 0;
    for (size_t n = n_blocks; n; n = n > GROUP ? (n + GROUP - 1) / GROUP : 0, k++)
        level[k + 1] = level[k] + n;
    *n_levels = k;
    return level[k];
}

// --- Write -----------------------------------------------------------------------------------

typedef struct place {  // of a block
    store__head head;
    uint64_t end;
} place;

struct store_dict_writer {
    store_sink out;
    const store_symbols *symbols;
    arena own, places;  // the writer itself; one place per block
    unsigned payload_bits;
    size_t n, n_blocks, in_block;
    uint64_t total;
    size_t len[STORE_DICT_BLOCK], lcp[STORE_DICT_BLOCK], n_code[STORE_DICT_BLOCK];
    uint64_t payload[STORE_DICT_BLOCK];
    char key[STORE_DICT_BLOCK][STORE_KEY_MAX];
    uint8_t code[STORE_DICT_BLOCK][2 * STORE_KEY_MAX];
    uint8_t block[STORE_DICT_BLOCK * (2 * STORE_KEY_MAX + 24) + 16];
    char folded[STORE_KEY_MAX * STORE_FOLD_GROWTH];
};

status store_dict_begin(store_dict_writer **out, store_sink sink, unsigned payload_bits,
                        const store_symbols *symbols, err *e) {
    arena own = {0}, places = {0};
    *out = NULL;
    if (payload_bits > 56) return err_set(e, E_ARG, "payloads of %u bits", payload_bits);
    status s = arena_open(&own, sizeof(store_dict_writer) + 4096, e);
    if (!s) s = arena_open_most(&places, (size_t)1 << 31, 16 << 20, e);
    if (s) return arena_close(&own), s;
    store_dict_writer *w = arena_new(&own, store_dict_writer);
    w->out = sink, w->symbols = symbols, w->payload_bits = payload_bits;
    w->own = own, w->places = places;
    *out = w;
    return OK;
}

void store_dict_drop(store_dict_writer *w) {
    if (!w) return;
    arena own = w->own;
    arena_close(&w->places);
    arena_close(&own);
}

static size_t varint_put(uint8_t *p, size_t v) {
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        p[n++] = (uint8_t)(v | 0x80);
    p[n++] = (uint8_t)v;
    return n;
}

// The base that leaves the fewest of v[1..n) outside [base, base + 14]; at most 255.
static unsigned best_base(const size_t *v, size_t n) {
    unsigned best = 0;
    size_t most = 0;
    for (size_t i = 1; i < n; i++) {
        size_t inside = 0;
        for (size_t k = 1; k < n; k++)
            inside += v[k] >= v[i] && v[k] - v[i] < NIBBLE;
        bool is_better = inside > most || (inside == most && v[i] < best);
        if (v[i] <= 255 && is_better) best = (unsigned)v[i], most = inside;
    }
    return best;
}

static unsigned nibble_of(size_t v, unsigned base) {
    return v >= base && v - base < NIBBLE ? (unsigned)(v - base) : NIBBLE;
}

static size_t entry_put(uint8_t *p, const store_dict_writer *w, size_t i, unsigned lcp_base,
                        unsigned len_base) {
    unsigned lcp = nibble_of(w->lcp[i], lcp_base), len = nibble_of(w->n_code[i], len_base);
    size_t n = 0;
    if (i) p[n++] = (uint8_t)(lcp | len << 4);
    if (i && lcp == NIBBLE) n += varint_put(p + n, w->lcp[i]);
    if (!i || len == NIBBLE) n += varint_put(p + n, w->n_code[i]);
    memcpy(p + n, w->code[i], w->n_code[i]);
    return n + w->n_code[i];
}

static size_t payloads_put(uint8_t *p, const store_dict_writer *w) {
    unsigned __int128 acc = 0;
    size_t n = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < w->in_block; i++) {
        acc |= (unsigned __int128)w->payload[i] << bits;
        for (bits += w->payload_bits; bits >= 8; bits -= 8, acc >>= 8)
            p[n++] = (uint8_t)acc;
    }
    if (bits) p[n++] = (uint8_t)acc;
    return n;
}

static status block_end(store_dict_writer *w, err *e) {
    if (!w->in_block) return OK;
    place *at = arena_try(&w->places, sizeof *at);
    if (!at) return err_set(e, E_LIMIT, "too many keys");
    uint8_t *p = w->block;
    unsigned lcp_base = best_base(w->lcp, w->in_block),
             len_base = best_base(w->n_code, w->in_block);
    *p++ = (uint8_t)lcp_base;
    *p++ = (uint8_t)len_base;
    for (size_t i = 0; i < w->in_block; i++)
        p += entry_put(p, w, i, lcp_base, len_base);
    p += payloads_put(p, w);
    size_t n_fold = store_fold(w->folded, (str){w->key[0], w->len[0]});
    w->total += (uint64_t)(p - w->block);
    *at = (place){store__head_of((str){w->folded, n_fold}), w->total};
    w->n_blocks++;
    w->in_block = 0;
    return w->out.put(w->out.arg, w->block, (size_t)(p - w->block), e);
}

static str last_key(const store_dict_writer *w) {
    size_t i = (w->n - 1) % STORE_DICT_BLOCK;
    return (str){w->key[i], w->len[i]};
}

status store_dict_add(store_dict_writer *w, str key, uint64_t payload, err *e) {
    if (key.len > STORE_KEY_MAX) return err_set(e, E_ARG, "key of %zu bytes", key.len);
    if (w->payload_bits < 64 && payload >> w->payload_bits)
        return err_set(e, E_ARG, "payload over %u bits", w->payload_bits);
    if (w->n && store_fold_cmp(last_key(w), key) >= 0)
        return err_set(e, E_ARG, "keys out of order at '%.*s'", STR_ARG(key));
    if (w->n >= UINT32_MAX - 1) return err_set(e, E_LIMIT, "too many keys");
    size_t i = w->in_block, lcp = 0;
    str before = i ? last_key(w) : (str){0};
    while (lcp < before.len && lcp < key.len && before.ptr[lcp] == key.ptr[lcp])
        lcp++;
    str rest = str_skip(key, lcp);
    if (key.len) memcpy(w->key[i], key.ptr, key.len);
    w->len[i] = key.len, w->lcp[i] = lcp, w->payload[i] = payload;
    w->n_code[i] = rest.len;
    if (w->symbols)
        w->n_code[i] = store__encode(w->code[i], w->symbols, rest);
    else if (rest.len)
        memcpy(w->code[i], rest.ptr, rest.len);
    w->n++;
    return ++w->in_block == STORE_DICT_BLOCK ? block_end(w, e) : OK;
}

static status put(store_dict_writer *w, const void *p, size_t len, err *e) {
    return len ? w->out.put(w->out.arg, p, len, e) : OK;
}

static status heads_put(store_dict_writer *w, err *e) {
    const place *p = (const void *)w->places.base;
    for (size_t step = 1, n = w->n_blocks; n; step *= GROUP) {
        for (size_t i = 0; i < n; i++)
            TRY(put(w, &p[i * step].head, HEAD, e));
        n = n > GROUP ? (n + GROUP - 1) / GROUP : 0;
    }
    return OK;
}

static status offsets_put(store_dict_writer *w, err *e) {
    const place *at = (const void *)w->places.base;
    store_packer p;
    store_packer_init(&p, w->out, store_width(w->total));
    TRY(store_packer_add(&p, 0, e));
    for (size_t i = 0; i < w->n_blocks; i++)
        TRY(store_packer_add(&p, at[i].end, e));
    return store_packer_done(&p, e);
}

status store_dict_done(size_t *n, store_dict_writer *w, err *e) {
    static const uint8_t zero[PAD];
    TRY(block_end(w, e));
    TRY(put(w, zero, PAD, e));
    TRY(heads_put(w, e));
    TRY(offsets_put(w, e));
    uint64_t n_symbols = w->symbols ? sizeof w->symbols->table : 0;
    if (n_symbols) TRY(put(w, &w->symbols->table, n_symbols, e));
    const uint64_t trailer[TRAILER / 8] = {w->n,      w->payload_bits,    w->total + PAD,
                                           n_symbols, STORE_FOLD_VERSION, MAGIC};
    TRY(put(w, trailer, sizeof trailer, e));
    if (n) *n = w->n;
    return OK;
}

// --- Read: a block ---------------------------------------------------------------------------

static bool symbols_good(const store__symbols *t) {
    for (size_t i = 0; i < 256; i++)
        if (t->len[i] > SYMBOL_MAX) return false;
    return true;
}

status store_dict_open(store_dict *d, str bytes, err *e) {
    if (bytes.len < TRAILER) return err_set(e, E_FORMAT, "dictionary is cut short");
    const char *t = bytes.ptr + bytes.len - TRAILER;
    uint64_t n = load64(t), bits = load64(t + 8), blocks = load64(t + 16), sym = load64(t + 24);
    size_t room = bytes.len - TRAILER, n_blocks = (n + STORE_DICT_BLOCK - 1) / STORE_DICT_BLOCK;
    bool is_good = load64(t + 40) == MAGIC && n < UINT32_MAX && bits <= 56 && blocks >= PAD &&
                   blocks <= room && (!sym || sym == sizeof(store__symbols));
    if (!is_good) return err_set(e, E_FORMAT, "no dictionary");
    if (load64(t + 32) != STORE_FOLD_VERSION)
        return err_set(e, E_FORMAT, "dictionary in the order of another version");
    *d = (store_dict){.blocks = str_first(bytes, blocks),
                      .heads = (const uint8_t *)bytes.ptr + blocks,
                      .n = n,
                      .n_blocks = n_blocks,
                      .payload_bits = (unsigned)bits};
    size_t n_heads = levels_of(d->level, &d->n_levels, n_blocks);
    if (room - blocks < sym || (room - blocks - sym) / HEAD < n_heads)
        return err_set(e, E_FORMAT, "dictionary is cut short");
    str rest = str_skip(bytes, blocks + HEAD * n_heads);
    rest = str_first(rest, rest.len - TRAILER);
    if (sym) d->symbols = (const void *)(rest.ptr + rest.len - sym);
    if (sym && !symbols_good(d->symbols)) return err_set(e, E_FORMAT, "symbols are damaged");
    TRY(store_packed_open(&d->offsets, str_first(rest, rest.len - sym), e));
    if (d->offsets.n != n_blocks + 1) return err_set(e, E_FORMAT, "dictionary without blocks");
    return OK;
}

static size_t in_block(const store_dict *d, size_t block) {
    return min_size(STORE_DICT_BLOCK, d->n - block * STORE_DICT_BLOCK);
}

static str block_of(const store_dict *d, size_t block) {
    size_t end = d->blocks.len - PAD;
    size_t from = min_size(store_packed_get(&d->offsets, block), end);
    size_t to = min_size(store_packed_get(&d->offsets, block + 1), end);
    return (str){d->blocks.ptr + from, to > from ? to - from : 0};
}

static size_t varint(str *s) {
    size_t v = 0;
    for (unsigned shift = 0; s->len && shift < 21; shift += 7) {
        uint8_t c = (uint8_t)s->ptr[0];
        s->ptr++, s->len--;
        v |= (size_t)(c & 0x7F) << shift;
        if (c < 0x80) break;
    }
    return v;
}

// Puts the cursor before the first key of a block.
static void block_start(store_dict_cursor *c, const store_dict *d, size_t block) {
    str s = block_of(d, block);
    for (size_t i = LINE; i < s.len; i += LINE)  // all of it at once instead of line after line
        __builtin_prefetch(s.ptr + i);
    size_t n_payload = (in_block(d, block) * d->payload_bits + 7) / 8;
    if (s.len < n_payload + 2) s.len = 0;
    c->d = d;
    c->rank = block * STORE_DICT_BLOCK;
    c->key_len = c->lcp = 0;
    c->lcp_base = s.len ? (uint8_t)s.ptr[0] : 0;
    c->len_base = s.len ? (uint8_t)s.ptr[1] : 0;
    c->payloads = s.len ? s.ptr + s.len - n_payload : NULL;
    c->rest = s.len ? (str){s.ptr + 2, s.len - n_payload - 2} : s;
}

static uint64_t payload_at(const store_dict_cursor *c, size_t rank) {
    size_t bit = rank % STORE_DICT_BLOCK * c->d->payload_bits;
    if (!c->payloads || !c->d->payload_bits) return 0;
    return load64(c->payloads + bit / 8) >> (bit % 8) & ((1ull << c->d->payload_bits) - 1);
}

// Reads the next entry: what it shares with the key before, and its codes.
static inline str entry(size_t *lcp, store_dict_cursor *c) {
    str s = c->rest;
    size_t len = NIBBLE;
    *lcp = 0;
    if (c->rank % STORE_DICT_BLOCK && s.len) {
        uint8_t h = (uint8_t)s.ptr[0];
        s.ptr++, s.len--;
        *lcp = h % 16 == NIBBLE ? varint(&s) : h % 16 + c->lcp_base;
        len = h / 16;
    }
    len = len == NIBBLE ? varint(&s) : len + c->len_base;
    str code = str_first(s, len);
    c->rest = (str){s.ptr + code.len, s.len - code.len};
    c->rank++;
    return code;
}

// Writes what `code` stands for behind the first `at` bytes of a key; returns its length.
static inline size_t expand(char *key, size_t at, const store_dict *d, str code) {
    if (d->symbols) return store__decode(key, at, d->symbols, code);
    size_t n = min_size(code.len, STORE_KEY_MAX - at);
    if (n) memcpy(key + at, code.ptr, n);
    return at + n;
}

static inline void decode_entry(store_dict_cursor *c, size_t lcp, str code) {
    c->lcp = min_size(lcp, c->key_len);
    c->key_len = expand(c->key, c->lcp, c->d, code);
}

static inline void decode(store_dict_cursor *c) {
    size_t lcp;
    str code = entry(&lcp, c);
    decode_entry(c, lcp, code);
}

void store_dict_seek(store_dict_cursor *c, const store_dict *d, size_t rank) {
    c->d = d, c->rank = d->n;
    c->key_len = c->lcp = 0;
    if (rank >= d->n) return;
    block_start(c, d, rank / STORE_DICT_BLOCK);
    while (c->rank < rank)
        decode(c);
}

bool store_dict_next(str *key, uint64_t *payload, store_dict_cursor *c) {
    if (c->rank >= c->d->n) return false;
    if (c->rank % STORE_DICT_BLOCK == 0) block_start(c, c->d, c->rank / STORE_DICT_BLOCK);
    decode(c);
    *key = (str){c->key, c->key_len};
    if (payload) *payload = payload_at(c, c->rank - 1);
    return true;
}

size_t store_dict_payloads(uint64_t out[STORE_DICT_BLOCK], const store_dict *d, size_t block) {
    if (block >= d->n_blocks) return 0;
    store_dict_cursor c;
    block_start(&c, d, block);
    size_t n = c.payloads ? in_block(d, block) : 0;
    for (size_t i = 0; i < n; i++)
        out[i] = payload_at(&c, i);
    return n;
}

// Only the entries that give bytes of the key are decoded: those after which no later one, up to
// the key's own, shares less.
str store_dict_get(const store_dict *d, size_t rank, char *out, uint64_t *payload) {
    store_dict_cursor c;
    str code[STORE_DICT_BLOCK];
    size_t lcp[STORE_DICT_BLOCK], chain[STORE_DICT_BLOCK], n = 0, len = 0;
    if (payload) *payload = 0;
    if (rank >= d->n) return (str){out, 0};
    block_start(&c, d, rank / STORE_DICT_BLOCK);
    size_t last = rank % STORE_DICT_BLOCK;
    for (size_t i = 0; i <= last; i++)
        code[i] = entry(&lcp[i], &c);
    size_t needed = SIZE_MAX;
    for (size_t i = last + 1; i-- > 0 && needed;)
        if (lcp[i] < needed) chain[n++] = i, needed = lcp[i];
    while (n--)
        len = expand(out, min_size(lcp[chain[n]], len), d, code[chain[n]]);  // I3
    if (payload) *payload = payload_at(&c, rank);
    return (str){out, len};
}

// --- Read: search ----------------------------------------------------------------------------

// What a key is measured by; keys for which is_before holds come first.
typedef struct probe {
    str folded, key;
    enum { FOLD_BEFORE, FOLD_SAME, FOLD_STARTS, KEY_SAME } mode;  // up to and with
} probe;

static bool is_before_slowly(const probe *p, str key) {
    char room[STORE_KEY_MAX * STORE_FOLD_GROWTH];
    str folded = {room, store_fold(room, key)};
    if (p->mode == FOLD_STARTS) folded = str_first(folded, p->folded.len);
    int c = str_cmp(folded, p->folded);
    if (c) return c < 0;
    return p->mode == KEY_SAME ? str_cmp(key, p->key) <= 0 : p->mode != FOLD_BEFORE;
}

// How far a key agrees with a probe: its first `same` bytes are ASCII and fold to the probe's. When
// is_plain, the byte behind them decided.
typedef struct agreement {
    size_t same;
    bool is_plain;
} agreement;

// Whether `key`, of which a->same bytes are known to agree, is before.
static bool is_before(agreement *a, const probe *p, str key) {
    size_t i = a->same, n = min_size(key.len, p->folded.len);
    while (i < n && (uint8_t)key.ptr[i] < 0x80 &&
           store_fold_ascii((uint8_t)key.ptr[i]) == (uint8_t)p->folded.ptr[i])
        i++;
    a->same = i;
    a->is_plain = i == key.len || (uint8_t)key.ptr[i] < 0x80;
    if (!a->is_plain) return is_before_slowly(p, key);
    bool is_end = i == key.len;
    if (i < p->folded.len)
        return is_end || store_fold_ascii((uint8_t)key.ptr[i]) < (uint8_t)p->folded.ptr[i];
    switch (p->mode) {
    case FOLD_BEFORE:
        return false;
    case FOLD_SAME:
        return is_end;
    case FOLD_STARTS:
        return true;
    case KEY_SAME:
        return is_end && str_cmp(key, p->key) <= 0;
    }
    return false;
}

static bool first_is_before(const store_dict *d, const probe *p, size_t block) {
    store_dict_cursor c;
    agreement a = {0};
    block_start(&c, d, block);
    decode(&c);
    return is_before(&a, p, (str){c.key, c.key_len});
}

// First block of [0, n_blocks] whose head is not below `least`: in each level at most a group is
// looked at, the one behind the last head of the level above that is below.
static size_t head_bound(const store_dict *d, store__head least) {
    size_t lo = 0;
    for (size_t k = d->n_levels; k-- > 0;) {
        bool is_top = k + 1 == d->n_levels;
        if (!is_top && !lo) return 0;
        size_t from = is_top ? 0 : (lo - 1) * GROUP, n_level = d->level[k + 1] - d->level[k];
        size_t n = is_top ? n_level : min_size(GROUP, n_level - from);
        for (lo = from; n;) {
            size_t half = n / 2;
            bool right = store__head_at(d, d->level[k] + lo + half) < least;
            lo = right ? lo + half + 1 : lo;
            n = right ? n - half - 1 : half;
        }
    }
    return lo;
}

// How many blocks start with a key that is before.
static size_t blocks_before(const store_dict *d, const probe *p) {
    store__head least = store__head_of(p->folded), most = least;
    size_t n = p->folded.len;
    if (p->mode == FOLD_STARTS && n < HEAD) most = least | ~(store__head)0 >> (8 * n);
    size_t lo = head_bound(d, least);
    bool is_head = p->mode == FOLD_STARTS && n <= HEAD && str_find_byte(p->folded, 0) == n;
    bool is_alone = lo == d->n_blocks || store__head_at(d, lo) > most;
    size_t hi = is_alone ? lo : most == ~(store__head)0 ? d->n_blocks : head_bound(d, most + 1);
    if (is_head) return hi;  // all that is in between starts with it
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (first_is_before(d, p, mid))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

// Rank of the first key that is not before. A key that shares more with the one before it than that
// one agreed is decided by the same byte, and not decoded.
static size_t bound(const store_dict *d, const probe *p) {
    size_t block = blocks_before(d, p);
    if (!block) return 0;
    store_dict_cursor c;
    agreement a = {0};
    block_start(&c, d, block - 1);
    size_t end = c.rank + in_block(d, block - 1);
    while (c.rank < end) {
        size_t lcp;
        str code = entry(&lcp, &c);
        bool is_same_case =
            a.is_plain &&
            (lcp > a.same || (lcp == a.same && a.same == p->folded.len && p->mode == FOLD_STARTS));
        if (is_same_case) continue;
        decode_entry(&c, lcp, code);
        a.same = min_size(a.same, c.lcp);
        if (!is_before(&a, p, (str){c.key, c.key_len})) return c.rank - 1;
    }
    return end;
}

size_t store_dict_bound(const store_dict *d, str folded) {
    return bound(d, &(probe){folded, {0}, FOLD_BEFORE});
}

void store_dict_prefix(size_t *lo, size_t *hi, const store_dict *d, str folded) {
    *lo = bound(d, &(probe){folded, {0}, FOLD_BEFORE});
    *hi = max_size(*lo, bound(d, &(probe){folded, {0}, FOLD_STARTS}));
}

void store_dict_equal(size_t *lo, size_t *hi, const store_dict *d, str folded) {
    *lo = bound(d, &(probe){folded, {0}, FOLD_BEFORE});
    *hi = max_size(*lo, bound(d, &(probe){folded, {0}, FOLD_SAME}));
}

// Looks for `key` among the next n keys. `same` is how much of it the key before shares.
static bool find_in(store_dict_cursor *c, size_t n, str key) {
    size_t same = 0, lcp;
    for (size_t i = 0; i < n; i++) {
        str code = entry(&lcp, c);
        if (lcp > same) continue;
        if (lcp < same) {  // leaves key where it matched: the fold may still bring it back
            same = lcp;
            continue;
        }
        size_t len = lcp;
        if (c->d->symbols)
            len = store__decode(c->key, lcp, c->d->symbols, code);
        else if (code.len <= STORE_KEY_MAX - lcp && code.len)
            memcpy(c->key + lcp, code.ptr, len = code.len), len += lcp;
        size_t max = min_size(len, key.len);
        while (same < max && c->key[same] == key.ptr[same])
            same++;
        if (same == len && len == key.len) return true;
    }
    return false;
}

bool store_dict_find(size_t *rank, uint64_t *payload, const store_dict *d, str key) {
    char room[STORE_KEY_MAX * STORE_FOLD_GROWTH];
    if (key.len > STORE_KEY_MAX || !d->n) return false;
    probe p = {{room, store_fold(room, key)}, key, KEY_SAME};
    size_t block = blocks_before(d, &p);
    if (!block) return false;
    store_dict_cursor c;
    block_start(&c, d, block - 1);
    if (!find_in(&c, in_block(d, block - 1), key)) return false;
    *rank = c.rank - 1;
    if (payload) *payload = payload_at(&c, c.rank - 1);
    return true;
}
