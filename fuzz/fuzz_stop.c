// Stop strings beside a search of the whole text, with any strings, pieces and text.
//
// Input: the number of strings, the length of each and its bytes; then pieces: a length and the
// bytes. Letters are few, so that strings overlap.

#include "fuzz/fuzz.h"

#include "text/stop.h"

#include <string.h>

typedef struct input {
    const uint8_t *p;
    size_t len;
} input;

static size_t number(input *in, size_t below) {
    if (in->len == 0) return 0;
    in->len--;
    return *in->p++ % below;
}

static str bytes(input *in, size_t n) {
    str s = {(const char *)in->p, min_size(n, in->len)};
    in->p += s.len, in->len -= s.len;
    return s;
}

// Where a text of which `n` bytes are there ends; *longest is the proper beginning of a string at
// its end.
static size_t search(size_t *longest, const str *w, size_t n_w, const char *text, size_t n) {
    for (size_t end = 1; end <= n; end++) {
        size_t best = 0;
        for (size_t k = 0; k < n_w; k++)
            if (w[k].len <= end && !memcmp(text + end - w[k].len, w[k].ptr, w[k].len))
                best = max_size(best, w[k].len);
        if (best) return end - best;
    }
    *longest = 0;
    for (size_t k = 0; k < n_w; k++)
        for (size_t len = *longest + 1; len < w[k].len && len <= n; len++)
            if (!memcmp(text + n - len, w[k].ptr, len)) *longest = len;
    return SIZE_MAX;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena a;
    if (!a.base && arena_open(&a, 64 << 20, NULL)) return 0;
    if (len > 2048) return 0;
    arena scratch = a;
    input in = {data, len};
    str w[STOP_STRINGS_MAX + 1];
    size_t n_w = number(&in, countof(w) + 1), n = 0, longest = 0, stops = SIZE_MAX;
    for (size_t k = 0; k < n_w; k++) {
        w[k] = bytes(&in, 1 + number(&in, 12));
    }
    stop s;
    buf out;
    bool bad = n_w > STOP_STRINGS_MAX;
    for (size_t k = 0; k < n_w; k++)
        bad |= w[k].len == 0;
    CHECK(bad == (stop_init(&s, w, n_w, NULL) != OK));
    if (bad) return 0;
    char *text = arena_alloc(&scratch, len + 1);
    buf_init(&out, &scratch, len);
    while (in.len && stops == SIZE_MAX) {
        str piece = bytes(&in, number(&in, 20));
        if (piece.len) memcpy(text + n, piece.ptr, piece.len);
        n += piece.len;
        bool over = stop_add(&s, &out, piece);
        stops = search(&longest, w, n_w, text, n);
        CHECK(over == (stops != SIZE_MAX));
        CHECK(out.len == (over ? stops : n - longest));
        CHECK(out.len == 0 || !memcmp(out.ptr, text, out.len));
    }
    stop_end(&s, &out);
    CHECK(out.len == (stops != SIZE_MAX ? stops : n));
    CHECK(out.len == 0 || !memcmp(out.ptr, text, out.len));
    return 0;
}
