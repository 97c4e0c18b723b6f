// Ways to damage a good file, for corrupt_*.c: bytes, and the JSON in it by its fields.
#ifndef FUZZ_DAMAGE_H
#define FUZZ_DAMAGE_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { DAMAGE_FILE_MAX = 1 << 19, DAMAGE_SPANS_MAX = 4096 };

typedef struct span {
    size_t at, end;
} span;

typedef struct damage {
    uint64_t state;
    uint8_t good[DAMAGE_FILE_MAX], bad[2 * DAMAGE_FILE_MAX];
    size_t n_good;
    size_t text_at, text_end;  // JSON in it; the same: none
    size_t front;              // bytes that parsers look at
} damage;

static inline uint32_t dice(damage *d, size_t n) {
    d->state = d->state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((d->state >> 33) % (n ? n : 1));
}

// Seven of eight places are at the front.
static inline size_t somewhere(damage *d) {
    return dice(d, dice(d, 8) ? d->front : d->n_good);
}

// --- Each changes `bad`, a copy of `good`, and returns its new length ---------------------------

static inline size_t replace(damage *d, size_t at, size_t end, const void *with, size_t len) {
    memmove(d->bad + at + len, d->bad + end, d->n_good - end);
    memcpy(d->bad + at, with, len);
    return d->n_good - (end - at) + len;
}

static inline size_t flip_bits(damage *d) {
    for (uint32_t n = 1 + dice(d, 6); n--;)
        d->bad[somewhere(d)] ^= (uint8_t)(1u << dice(d, 8));
    return d->n_good;
}

static inline size_t put_bytes(damage *d) {
    static const uint8_t odd[] = {0, 1, 0x7f, 0x80, 0xfe, 0xff, '"', '{', '[', '9', '-', '\\'};
    size_t at = somewhere(d), n = 1 + dice(d, 16);
    uint8_t byte = odd[dice(d, sizeof odd)];
    for (size_t i = at; i < at + n && i < d->n_good; i++)
        d->bad[i] = dice(d, 4) ? byte : (uint8_t)dice(d, 256);
    return d->n_good;
}

static inline size_t cut(damage *d) {
    return somewhere(d);
}

static inline size_t take_out(damage *d) {
    size_t at = somewhere(d), n = 1 + dice(d, dice(d, 2) ? 8 : 512);
    return replace(d, at, at + n < d->n_good ? at + n : d->n_good, "", 0);
}

static inline size_t put_number(damage *d) {
    static const uint64_t odd[] = {0,          1,          2,           31,         33, 255, 65536,
                                   0x7fffffff, 0xffffffff, 0x100000000, UINT64_MAX, 3,  12,  7};
    size_t len = dice(d, 2) ? 4 : 8, at = somewhere(d) & ~(size_t)3;
    if (at + len > d->n_good) return d->n_good;
    memcpy(d->bad + at, &odd[dice(d, sizeof odd / sizeof *odd)], len);
    return d->n_good;
}

// --- By fields of JSON --------------------------------------------------------------------------

static inline size_t value_end(const uint8_t *s, size_t at, size_t end) {
    int depth = 0;
    bool in_string = false;
    for (; at < end; at++) {
        uint8_t c = s[at];
        if (in_string) {
            if (c == '\\') at++;
            if (c == '"') in_string = false;
            continue;
        }
        if (c == '"') in_string = true;
        if (c == '{' || c == '[') depth++;
        if ((c == ',' && depth == 0) || ((c == '}' || c == ']') && --depth < 0)) break;
    }
    return at < end ? at : end;
}

// Values (or, with `keys`, names) of fields at any depth.
static inline size_t fields(span *out, const damage *d, bool keys) {
    size_t n = 0, quote = 0, before = 0;
    for (size_t i = d->text_at; i < d->text_end && n < DAMAGE_SPANS_MAX; i++) {
        if (d->good[i] == '"') before = quote, quote = i;
        if (d->good[i] != ':' || !quote) continue;
        out[n].at = keys ? before : i + 1;
        out[n].end = keys ? quote + 1 : value_end(d->good, i + 1, d->text_end);
        n++;
    }
    return n;
}

static inline size_t change_value(damage *d) {
    static const char *const odd[] = {
        "0",    "1",     "-1", "2",   "3",    "16",       "17",    "32",   "48",  "64",    "1e9",
        "1e-9", "0.5",   "[]", "{}",  "\"\"", "\"silu\"", "true",  "null", "99",  "false", "[0,1]",
        "1e99", "65536", "98", "1.5", "[[]]", "4",        "[1,1]", "8",    "256", "128"};
    static span at[DAMAGE_SPANS_MAX];
    size_t n = fields(at, d, false);
    if (!n) return put_number(d);
    const span *one = &at[dice(d, n)];
    const char *text = odd[dice(d, sizeof odd / sizeof *odd)];
    return replace(d, one->at, one->end, text, strlen(text));
}

// A value or name takes the place of another.
static inline size_t copy_field(damage *d) {
    static span at[DAMAGE_SPANS_MAX];
    size_t n = fields(at, d, dice(d, 2));
    if (!n) return put_number(d);
    const span *from = &at[dice(d, n)], *to = &at[dice(d, n)];
    return replace(d, to->at, to->end, d->good + from->at, from->end - from->at);
}

static inline size_t drop_field(damage *d) {
    static span key[DAMAGE_SPANS_MAX], value[DAMAGE_SPANS_MAX];
    size_t n = fields(key, d, true);
    if (!n) return put_number(d);
    fields(value, d, false);
    size_t i = dice(d, n), end = value[i].end;
    if (end < d->text_end && d->good[end] == ',') end++;
    return replace(d, key[i].at, end, "", 0);
}

// A digit or letter of a name becomes another: layers and experts that are not there.
static inline size_t rename_field(damage *d) {
    static span key[DAMAGE_SPANS_MAX];
    size_t n = fields(key, d, true);
    if (!n) return put_number(d);
    const span *one = &key[dice(d, n)];
    size_t at = one->at + 1 + dice(d, one->end - one->at - 1);
    if (at < one->end) d->bad[at] = (uint8_t) "0123456789_.w"[dice(d, 13)];
    return d->n_good;
}

static size_t (*const damage_ways[])(damage *) = {
    flip_bits,    put_bytes,  cut,        take_out,   put_number,   change_value,
    change_value, copy_field, copy_field, drop_field, rename_field,
};

static inline size_t damage_once(damage *d) {
    memcpy(d->bad, d->good, d->n_good);
    return damage_ways[dice(d, sizeof damage_ways / sizeof *damage_ways)](d);
}

#endif
