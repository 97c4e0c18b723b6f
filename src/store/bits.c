// Packed arrays, Elias-Fano sequences and lists, as bytes with a trailer each.
//
// Readers load words with memcpy, so bytes may lie anywhere. *_open checks that each part lies
// inside; after that an index is clamped and a scan ends at its part's end, whatever the bits say.
//
// Rejected: Roaring and SIMD-packed lists (links' lists are short: a varint each is as small);
// a select structure with guaranteed constant time (hints every 256 are a few words away in all
// data that has no long jumps).
//
//   I1  packed: 8 bytes of padding stand behind the last number, so one load of 8 bytes is inside
//   I2  lists: a short list is its varints alone. One that is longer than SKIP values starts with
//       80 00, which no varint of ours does; then count, skips and varints

#include "store/bits.h"

#include "store/sort.h"

#include <unistd.h>

enum { HINT = 256, SKIP = 128, PACKED_TRAILER = 24, EF_TRAILER = 48, LISTS_TRAILER = 24 };

static uint64_t load64(const void *p) {
    uint64_t v;
    memcpy(&v, p, 8);
    return v;
}
static uint32_t load32(const void *p) {
    uint32_t v;
    memcpy(&v, p, 4);
    return v;
}

static const char *tail_of(str s, size_t n) {
    return s.ptr + s.len - n;
}

// --- Packed ----------------------------------------------------------------------------------

static const uint64_t PACKED_MAGIC = 0x31646b636170u;

unsigned store_width(uint64_t max) {
    return max ? 64 - (unsigned)__builtin_clzll(max) : 0;
}

void store_packer_init(store_packer *p, store_sink out, unsigned width) {
    CHECK(width <= 57);
    p->out = out;
    p->n = 0, p->width = width;
    p->acc = 0, p->n_acc = 0, p->n_buf = 0;
}

static status packer_flush(store_packer *p, err *e) {
    size_t n = p->n_buf;
    p->n_buf = 0;
    return n ? p->out.put(p->out.arg, p->buf, n, e) : OK;
}

static status packer_word(store_packer *p, uint64_t w, size_t len, err *e) {
    if (p->n_buf + 8 > sizeof p->buf) TRY(packer_flush(p, e));
    memcpy(p->buf + p->n_buf, &w, 8);
    p->n_buf += len;
    return OK;
}

status store_packer_add(store_packer *p, uint64_t v, err *e) {
    p->acc |= (unsigned __int128)(v & ((1ull << p->width) - 1)) << p->n_acc;
    p->n_acc += p->width;
    p->n++;
    if (p->n_acc < 64) return OK;
    TRY(packer_word(p, (uint64_t)p->acc, 8, e));
    p->acc >>= 64;
    p->n_acc -= 64;
    return OK;
}

status store_packer_done(store_packer *p, err *e) {
    TRY(packer_word(p, (uint64_t)p->acc, (p->n_acc + 7) / 8, e));
    TRY(packer_word(p, 0, 8, e));
    TRY(packer_word(p, p->n, 8, e));
    TRY(packer_word(p, p->width, 8, e));
    TRY(packer_word(p, PACKED_MAGIC, 8, e));
    return packer_flush(p, e);
}

status store_packed_write(store_sink out, const uint64_t *v, size_t n, unsigned width, err *e) {
    store_packer p;
    store_packer_init(&p, out, width);
    for (size_t i = 0; i < n; i++)
        TRY(store_packer_add(&p, v[i], e));
    return store_packer_done(&p, e);
}

status store_packed_open(store_packed *p, str bytes, err *e) {
    if (bytes.len < PACKED_TRAILER + 8) return err_set(e, E_FORMAT, "packed array is cut short");
    const char *t = tail_of(bytes, PACKED_TRAILER);
    uint64_t n = load64(t), width = load64(t + 8);
    size_t data = bytes.len - PACKED_TRAILER - 8;
    bool is_good = load64(t + 16) == PACKED_MAGIC && width <= 57 && n <= SIZE_MAX / 64 &&
                   (n * width + 7) / 8 == data;
    if (!is_good) return err_set(e, E_FORMAT, "no packed array");
    *p = (store_packed){str_first(bytes, data + 8), n, (unsigned)width};
    return OK;
}

uint64_t store_packed_get(const store_packed *p, size_t i) {
    if (!p->n || !p->width) return 0;
    size_t bit = min_size(i, p->n - 1) * p->width;
    return load64(p->bytes.ptr + bit / 8) >> (bit % 8) & ((1ull << p->width) - 1);
}

// --- Elias-Fano ------------------------------------------------------------------------------

static const uint64_t EF_MAGIC = 0x31666565u;

typedef struct ef_writer {
    uint64_t *high;
    uint32_t *hint1, *hint0;
    size_t n_bits, n_high, n_hint1, n_hint0;
} ef_writer;

static status ef_room(ef_writer *w, size_t n, uint64_t top, arena *a, err *e) {
    w->n_bits = n + top + 1;
    w->n_high = w->n_bits / 64 + 1;
    w->n_hint1 = n / HINT + 1;
    w->n_hint0 = (top + 1) / HINT + 1;
    w->high = arena_try_array(a, w->n_high, 8);
    w->hint1 = arena_try_array(a, w->n_hint1, 4);
    w->hint0 = arena_try_array(a, w->n_hint0, 4);
    if (w->high && w->hint1 && w->hint0) return OK;
    return err_set(e, E_MEMORY, "no room to write %zu numbers", n);
}

static void ef_hints(ef_writer *w) {
    size_t ones = 0, zeros = 0;
    for (size_t i = 0; i < w->n_bits; i++) {
        bool one = w->high[i / 64] >> (i % 64) & 1;
        size_t *count = one ? &ones : &zeros;
        if (*count % HINT == 0) (one ? w->hint1 : w->hint0)[*count / HINT] = (uint32_t)i;
        ++*count;
    }
}

static status ef_put(store_sink out, const ef_writer *w, size_t n, uint64_t max, unsigned low,
                     err *e) {
    const uint64_t trailer[EF_TRAILER / 8] = {n, max, low, w->n_high, n * low, EF_MAGIC};
    TRY(out.put(out.arg, w->high, w->n_high * 8, e));
    TRY(out.put(out.arg, w->hint1, w->n_hint1 * 4, e));
    TRY(out.put(out.arg, w->hint0, w->n_hint0 * 4, e));
    return out.put(out.arg, trailer, sizeof trailer, e);
}

status store_ef_write(store_sink out, size_t n, uint64_t max, uint64_t (*get)(void *arg, size_t i),
                      void *arg, arena scratch, err *e) {
    if (n > 1u << 31 || max >> 56) return err_set(e, E_LIMIT, "%zu numbers are too many", n);
    unsigned low = n && max / n ? store_width(max / n) - 1 : 0;
    ef_writer w;
    TRY(ef_room(&w, n, max >> low, &scratch, e));
    store_packer p;
    store_packer_init(&p, out, low);
    uint64_t before = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t v = get(arg, i);
        if (v < before || v > max) return err_set(e, E_ARG, "numbers that fall, or over their max");
        before = v;
        size_t place = i + (v >> low);
        w.high[place / 64] |= 1ull << (place % 64);
        TRY(store_packer_add(&p, v, e));
    }
    TRY(store_packer_done(&p, e));
    ef_hints(&w);
    return ef_put(out, &w, n, max, low, e);
}

status store_ef_open(store_ef *ef, str bytes, err *e) {
    if (bytes.len < EF_TRAILER) return err_set(e, E_FORMAT, "sequence is cut short");
    const char *t = tail_of(bytes, EF_TRAILER);
    uint64_t n = load64(t), max = load64(t + 8), low = load64(t + 16), high = load64(t + 24);
    size_t room = bytes.len - EF_TRAILER;
    bool is_good = load64(t + 40) == EF_MAGIC && n <= 1u << 31 && !(max >> 56) && low <= 56 &&
                   max >> low < 1ull << 33 && high == (n + (max >> low) + 1) / 64 + 1;
    if (!is_good) return err_set(e, E_FORMAT, "no ascending sequence");
    size_t n1 = n / HINT + 1, n0 = ((max >> low) + 1) / HINT + 1;
    size_t tail = high * 8 + n1 * 4 + n0 * 4;
    if (tail > room) return err_set(e, E_FORMAT, "sequence is cut short");
    *ef = (store_ef){.n = n, .max = max, .low_width = (unsigned)low, .n_high = high};
    TRY(store_packed_open(&ef->low, str_first(bytes, room - tail), e));
    if (ef->low.n != n || ef->low.width != low) return err_set(e, E_FORMAT, "no such sequence");
    ef->high = (const uint8_t *)bytes.ptr + room - tail;
    ef->hint1 = ef->high + high * 8, ef->n_hint1 = n1;
    ef->hint0 = ef->hint1 + n1 * 4, ef->n_hint0 = n0;
    return OK;
}

static size_t nth_bit(uint64_t w, size_t k) {
    while (k--)
        w &= w - 1;
    return w ? (size_t)__builtin_ctzll(w) : 0;
}

// Place of one (or zero, with `flip` all ones) number k in the high bits; their end when none is.
static size_t ef_select(const store_ef *ef, const uint8_t *hint, size_t n_hint, uint64_t flip,
                        size_t k) {
    size_t from = load32(hint + 4 * min_size(k / HINT, n_hint - 1)), word = from / 64;
    k %= HINT;
    if (word >= ef->n_high) return ef->n_high * 64;
    uint64_t w = (load64(ef->high + 8 * word) ^ flip) & (~0ull << (from % 64));
    for (size_t c; k >= (c = (size_t)__builtin_popcountll(w));) {
        k -= c;
        if (++word >= ef->n_high) return ef->n_high * 64;
        w = load64(ef->high + 8 * word) ^ flip;
    }
    return word * 64 + nth_bit(w, k);
}

uint64_t store_ef_get(const store_ef *ef, size_t i) {
    if (i >= ef->n) return 0;
    size_t place = ef_select(ef, ef->hint1, ef->n_hint1, 0, i);
    uint64_t top = place > i ? place - i : 0;
    uint64_t v = top << ef->low_width | store_packed_get(&ef->low, i);
    return v < ef->max ? v : ef->max;
}

static size_t ef_zeros(const store_ef *ef, size_t k) {  // numbers before zero number k
    size_t place = ef_select(ef, ef->hint0, ef->n_hint0, ~0ull, k);
    return min_size(place > k ? place - k : 0, ef->n);
}

size_t store_ef_rank(const store_ef *ef, uint64_t x) {
    if (x >= ef->max) return ef->n;
    uint64_t top = x >> ef->low_width, mask = (1ull << ef->low_width) - 1;
    size_t lo = top ? ef_zeros(ef, top - 1) : 0, hi = ef_zeros(ef, top);
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (store_packed_get(&ef->low, mid) <= (x & mask))
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

// --- Lists: write ----------------------------------------------------------------------------

static const uint64_t LISTS_MAGIC = 0x317374736cu;
enum { ENDS_BUF = 64 << 10, VARINT_MAX = 10, ROOM_LEAST = 16 << 20 };
// Ranks below 2^32 that ascend: where many are close together each takes a byte.
#define LIST_ROOM ((size_t)5 << 30)

struct store_lists_writer {
    store_sink out;
    arena body, skips;  // of the list at hand
    size_t n, list, count;
    uint32_t last;
    uint64_t total, back;
    int fd;
    size_t n_ends, at_ends;
    status failed;  // reading back
    uint8_t ends[ENDS_BUF];
};

static size_t varint_put(uint8_t *p, uint64_t v) {
    size_t n = 0;
    for (; v >= 0x80; v >>= 7)
        p[n++] = (uint8_t)(v | 0x80);
    p[n++] = (uint8_t)v;
    return n;
}

status store_lists_begin(store_lists_writer **out, store_sink sink, size_t n, const char *dir,
                         err *e) {
    arena own = {0}, skips = {0};
    *out = NULL;
    TRY(arena_open_most(&own, LIST_ROOM, ROOM_LEAST, e));
    status s = arena_open_most(&skips, LIST_ROOM / SKIP * 8 + ROOM_LEAST, ROOM_LEAST, e);
    if (s) return arena_close(&own), s;
    int fd = store_temp(dir, e);
    if (fd < 0) return arena_close(&own), arena_close(&skips), e ? e->code : E_IO;
    store_lists_writer *w = arena_new(&skips, store_lists_writer);
    *w = (store_lists_writer){.out = sink, .body = own, .skips = skips, .n = n, .fd = fd};
    *out = w;
    return OK;
}

static status ends_flush(store_lists_writer *w, err *e) {
    for (size_t at = 0; at < w->n_ends;) {
        ssize_t n = write(w->fd, w->ends + at, w->n_ends - at);
        if (n <= 0) return err_sys(e, "cannot write a temporary file");
        at += (size_t)n;
    }
    w->n_ends = 0;
    return OK;
}

static status ends_add(store_lists_writer *w, uint64_t len, err *e) {
    if (w->n_ends + VARINT_MAX > sizeof w->ends) TRY(ends_flush(w, e));
    w->n_ends += varint_put(w->ends + w->n_ends, len);
    return OK;
}

static size_t skips_base(void) {
    return align_up(sizeof(store_lists_writer), 16);
}

// Ends the list at hand: head and skips when it is long, then its varints.
static status list_end(store_lists_writer *w, err *e) {
    uint8_t head[2 + VARINT_MAX] = {0x80, 0};
    size_t n_head = 0, n_skips = 0;
    if (w->count > SKIP) {
        n_head = 2 + varint_put(head + 2, w->count);
        n_skips = (w->count - 1) / SKIP * 8;
    }
    if (n_head) TRY(w->out.put(w->out.arg, head, n_head, e));
    if (n_head) TRY(w->out.put(w->out.arg, w->skips.base + skips_base(), n_skips, e));
    if (w->body.used) TRY(w->out.put(w->out.arg, w->body.base, w->body.used, e));
    size_t len = n_head + n_skips * (n_head > 0) + w->body.used;
    w->total += len;
    w->count = 0, w->last = 0, w->body.used = 0;
    w->list++;
    return ends_add(w, len, e);
}

status store_lists_add(store_lists_writer *w, size_t list, uint32_t value, err *e) {
    if (list >= w->n || list < w->list || (list == w->list && w->count && value < w->last))
        return err_set(e, E_ARG, "list %zu, value %u out of order", list, (unsigned)value);
    while (w->list < list)
        TRY(list_end(w, e));
    if (w->count && value == w->last) return OK;
    if (arena_room(&w->body) < 16) return err_set(e, E_LIMIT, "list %zu is too long", list);
    if (w->count && w->count % SKIP == 0) {
        uint32_t skip[2] = {w->last, (uint32_t)w->body.used};
        size_t at = skips_base() + (w->count / SKIP - 1) * sizeof skip;
        if (at + sizeof skip > w->skips.reserve)
            return err_set(e, E_LIMIT, "list %zu is too long", list);
        memcpy(w->skips.base + at, skip, sizeof skip);
    }
    uint32_t delta = w->count ? value - w->last - 1 : value;
    w->body.used += varint_put(w->body.base + w->body.used, delta);
    w->last = value;
    w->count++;
    return OK;
}

static uint8_t ends_byte(store_lists_writer *w) {
    if (w->at_ends == w->n_ends) {
        ssize_t n = read(w->fd, w->ends, sizeof w->ends);
        w->at_ends = 0;
        w->n_ends = n > 0 ? (size_t)n : 0;
        if (n <= 0) return w->failed = E_IO, 0;
    }
    return w->ends[w->at_ends++];
}

static uint64_t ends_next(void *arg, size_t i) {
    store_lists_writer *w = arg;
    uint64_t len = 0;
    (void)i;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint8_t c = ends_byte(w);
        len |= (uint64_t)(c & 0x7F) << shift;
        if (c < 0x80) break;
    }
    return w->back += len;
}

typedef struct counted {
    store_sink out;
    uint64_t n;
} counted;

static status counted_put(void *arg, const void *data, size_t len, err *e) {
    counted *c = arg;
    c->n += len;
    return c->out.put(c->out.arg, data, len, e);
}

status store_lists_done(store_lists_writer *w, err *e) {
    while (w->list < w->n)
        TRY(list_end(w, e));
    TRY(ends_flush(w, e));
    if (lseek(w->fd, 0, SEEK_SET)) return err_sys(e, "cannot read a temporary file");
    counted c = {w->out, 0};
    arena scratch = {0};  // not body: bytes of lists stand there
    TRY(arena_open(&scratch, w->n + (1 << 20), e));
    status s =
        store_ef_write((store_sink){counted_put, &c}, w->n, w->total, ends_next, w, scratch, e);
    arena_close(&scratch);
    if (w->failed) return err_set(e, w->failed, "cannot read a temporary file");
    if (s) return s;
    const uint64_t trailer[LISTS_TRAILER / 8] = {w->total, c.n, LISTS_MAGIC};
    return w->out.put(w->out.arg, trailer, sizeof trailer, e);
}

void store_lists_drop(store_lists_writer *w) {
    if (!w) return;
    close(w->fd);
    arena body = w->body, own = w->skips;  // *w lies in own
    arena_close(&body);
    arena_close(&own);
}

// --- Lists: read -----------------------------------------------------------------------------

status store_lists_open(store_lists *l, str bytes, err *e) {
    if (bytes.len < LISTS_TRAILER) return err_set(e, E_FORMAT, "lists are cut short");
    const char *t = tail_of(bytes, LISTS_TRAILER);
    uint64_t total = load64(t), ef = load64(t + 8);
    size_t room = bytes.len - LISTS_TRAILER;
    if (load64(t + 16) != LISTS_MAGIC || total > room || ef != room - total)
        return err_set(e, E_FORMAT, "no lists");
    TRY(store_ef_open(&l->ends, (str){bytes.ptr + total, ef}, e));
    l->bytes = str_first(bytes, total);
    l->n = l->ends.n;
    return OK;
}

// False at the end of *s; a value that is cut or over 32 bits is cut.
static bool varint_next(uint32_t *v, str *s) {
    uint32_t got = 0;
    for (size_t i = 0; i < s->len && i < 5; i++) {
        uint8_t c = (uint8_t)s->ptr[i];
        got |= (uint32_t)(c & 0x7F) << (7 * i);
        if (c >= 0x80) continue;
        *v = got;
        *s = str_skip(*s, i + 1);
        return true;
    }
    return false;
}

static size_t short_count(str s) {
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += (uint8_t)s.ptr[i] < 0x80;
    return n;
}

store_list store_lists_get(const store_lists *l, size_t list) {
    store_list out = {0};
    if (list >= l->n) return out;
    uint64_t from = list ? store_ef_get(&l->ends, list - 1) : 0, to = store_ef_get(&l->ends, list);
    if (from >= to || to > l->bytes.len) return out;
    str s = {l->bytes.ptr + from, to - from};
    uint32_t count;
    if (s.len > 2 && (uint8_t)s.ptr[0] == 0x80 && !s.ptr[1]) {
        s = str_skip(s, 2);
        if (!varint_next(&count, &s) || !count || (size_t)(count - 1) / SKIP > s.len / 8)
            return out;
        out.skips = str_first(s, (count - 1) / SKIP * 8);
        s = str_skip(s, out.skips.len);
        out.n_left = min_size(count, s.len);
    } else
        out.n_left = short_count(s);
    out.rest = out.body = s;
    return out;
}

size_t store_lists_count(const store_lists *l, size_t list) {
    return store_lists_get(l, list).n_left;
}

bool store_list_next(uint32_t *v, store_list *l) {
    uint32_t delta;
    if (!l->n_left || !varint_next(&delta, &l->rest)) return l->n_left = 0, false;
    *v = l->at = l->n_done ? l->at + delta + 1 : delta;
    l->n_done++, l->n_left--;
    return true;
}

// Moves to the last skip whose value is below `least`, when that is ahead: gallops, then halves.
static void skip_ahead(store_list *l, uint32_t least) {
    size_t n = l->skips.len / 8, lo = l->n_done / SKIP, step = 1;
    while (lo + step <= n && load32(l->skips.ptr + 8 * (lo + step - 1)) < least)
        lo += step, step *= 2;
    while (step /= 2)
        if (lo + step <= n && load32(l->skips.ptr + 8 * (lo + step - 1)) < least) lo += step;
    if (lo * SKIP <= l->n_done) return;
    const char *skip = l->skips.ptr + 8 * (lo - 1);
    size_t total = l->n_done + l->n_left;
    l->at = load32(skip);
    l->rest = str_skip(l->body, load32(skip + 4));
    l->n_done = min_size(lo * SKIP, total);
    l->n_left = total - l->n_done;
}

bool store_list_skip_to(uint32_t *v, store_list *l, uint32_t least) {
    if (l->skips.len) skip_ahead(l, least);
    while (store_list_next(v, l))
        if (*v >= least) return true;
    return false;
}
