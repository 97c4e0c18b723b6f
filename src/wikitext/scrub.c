// wikitext/scrub.c -- what comes in from outside made fit for the passes: UTF-8, without markers.
//
// I1  Text that is fit already, which nearly all is, is returned as it came.

#include "base/utf8.h"
#include "wikitext/inside.h"

#define EACH(byte) (0x0101010101010101u * (byte))

// Eight bytes, of which each is ASCII and none is NUL, CR or WT_MARK.
static bool is_fit(const char *p) {
    uint64_t w;
    memcpy(&w, p, sizeof w);
    uint64_t cr = w ^ EACH('\r'), mark = w ^ EACH(WT_MARK);
    // A byte that was 0 gets its high bit set; others perhaps too: then the slow way decides.
    return !((w | (w - EACH(1)) | (cr - EACH(1)) | (mark - EACH(1))) & EACH(0x80));
}

static bool is_bad_char(char c) {
    return c == WT_MARK || c == '\r' || c == 0;
}

// How much of `text` needs no change.
static size_t fit_prefix(str text) {
    size_t i = 0;
    while (i < text.len) {
        if (i + 8 <= text.len && is_fit(text.ptr + i)) {
            i += 8;
            continue;
        }
        int32_t cp = text.ptr[i];
        size_t n = cp < 0 ? utf8_decode(&cp, str_skip(text, i)) : 1;
        if (cp == UTF8_BAD || is_bad_char(text.ptr[i])) return i;
        i += n;
    }
    return text.len;
}

static size_t put_fit(buf *out, str rest) {
    char c = rest.ptr[0];
    int32_t cp = c;
    size_t n = cp < 0 ? utf8_decode(&cp, rest) : 1;
    if (cp == UTF8_BAD || c == 0)
        buf_add(out, STR("\xEF\xBF\xBD"));
    else if (c == WT_MARK)
        buf_byte(out, '?');
    else if (!str_starts(rest, STR("\r\n")))
        buf_byte(out, '\n');
    return n;
}

str wt_scrub(str text, arena *a) {
    size_t at = fit_prefix(text);
    if (at == text.len) return text;
    buf out;
    buf_init(&out, a, text.len + text.len / 8 + 16);
    while (text.len) {
        buf_add(&out, str_first(text, at));
        text = str_skip(text, at);
        if (text.len) text = str_skip(text, put_fit(&out, text));
        at = fit_prefix(text);
    }
    return buf_str(&out);
}
