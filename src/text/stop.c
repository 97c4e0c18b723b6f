// Stop strings: one Knuth-Morris-Pratt automaton for each, side by side.
//
// The text that is held back needs no memory: it is the beginning of a stop string. Rejected: one
// automaton for all (Aho and Corasick), whose table of 4,096 states costs more to fill than a
// generated text costs to look through; searching the text's end again for every piece, which is
// quadratic in the strings.
//
//   I1  at[k] is the longest proper beginning of strings[k] that the text ends with
//   I2  n_held is the greatest at[k], and held_of such a k

#include "text/stop.h"

status stop_init(stop *s, const str *strings, size_t n, err *e) {
    *s = (stop){0};
    if (n > STOP_STRINGS_MAX)
        return err_set(e, E_LIMIT, "%zu stop strings, limit %d", n, STOP_STRINGS_MAX);
    for (size_t k = 0; k < n; k++) {
        str w = strings[k];
        if (w.len == 0) return err_set(e, E_ARG, "a stop string is empty");
        if (w.len > STOP_BYTES_MAX)
            return err_set(e, E_LIMIT, "a stop string has %zu bytes, limit %d", w.len,
                           STOP_BYTES_MAX);
        for (size_t i = 1, b = 0; i < w.len; s->border[k][i++] = (uint8_t)b) {
            while (b && w.ptr[i] != w.ptr[b])
                b = s->border[k][b - 1];
            b += w.ptr[i] == w.ptr[b];
        }
        s->strings[k] = w;
    }
    s->n = n;
    return OK;
}

// Takes one byte. Returns the length of the longest string that it completes, or 0.
static size_t step(stop *s, char c) {
    size_t longest = 0;
    for (size_t k = 0; k < s->n; k++) {
        str w = s->strings[k];
        size_t at = s->at[k];
        while (at && w.ptr[at] != c)
            at = s->border[k][at - 1];
        at += w.ptr[at] == c;
        if (at == w.len)
            longest = max_size(longest, at);
        else
            s->at[k] = (uint8_t)at;
    }
    return longest;
}

// Appends the first n bytes of what was held and `piece` behind it.
static void let_out(const stop *s, buf *out, str piece, size_t n) {
    size_t old = min_size(n, s->n_held);
    if (old) buf_add(out, str_first(s->strings[s->held_of], old));
    buf_add(out, str_first(piece, n - old));
}

bool stop_add(stop *s, buf *out, str piece) {
    for (size_t i = 0; i < piece.len && !s->is_over; i++) {
        size_t len = step(s, piece.ptr[i]);
        if (len == 0) continue;
        let_out(s, out, piece, s->n_held + i + 1 - len);
        s->n_held = 0;
        s->is_over = true;
    }
    if (s->is_over) return true;
    size_t longest = 0, of = 0;
    for (size_t k = 0; k < s->n; k++)
        if (s->at[k] > longest) longest = s->at[k], of = k;
    let_out(s, out, piece, s->n_held + piece.len - longest);
    s->n_held = longest, s->held_of = of;  // I2
    return false;
}

void stop_end(stop *s, buf *out) {
    let_out(s, out, (str){0}, s->n_held);
    s->n_held = 0;
    s->is_over = true;
}
