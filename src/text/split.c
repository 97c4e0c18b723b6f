// GPT-2's pre-split without a regex engine.
//
// Every alternative of the pattern looks at one class of characters, so one scan over classes gives
// what the backtracking match gives: by a table for ASCII, eight letters at a time, and by
// Unicode's categories for the rest. Rejected: PCRE2, whose Unicode tables in Debian 12 are a
// version older than utf8proc's, and which needs malformed UTF-8 cut out beforehand.
//
//   I1  pieces are never empty and their concatenation is the text
//   I2  malformed bytes are a class of their own, so a piece is all valid UTF-8 or all malformed

#include "text/split.h"

#include "base/utf8.h"

#include <utf8proc.h>

typedef enum class { OTHER, SPACE, LETTER, NUMBER, BAD, WIDE } class;

// WIDE: not ASCII, the whole character decides.
// clang-format off
static const uint8_t ascii[256] = {
    ['\t'] = SPACE, ['\n'] = SPACE, ['\v'] = SPACE, ['\f'] = SPACE, ['\r'] = SPACE, [' '] = SPACE,
    ['0' ... '9'] = NUMBER, ['A' ... 'Z'] = LETTER, ['a' ... 'z'] = LETTER, [0x80 ... 0xFF] = WIDE,
};
// clang-format on

// Unicode's White_Space outside ASCII.
static bool is_wide_space(int32_t cp) {
    return cp == 0x85 || cp == 0xA0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200A) ||
           cp == 0x2028 || cp == 0x2029 || cp == 0x202F || cp == 0x205F || cp == 0x3000;
}

static class class_of_wide(int32_t cp) {
    if (cp == UTF8_BAD) return BAD;
    if (is_wide_space(cp)) return SPACE;
    utf8proc_category_t c = utf8proc_category(cp);
    if (c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO) return LETTER;
    if (c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO) return NUMBER;
    return OTHER;
}

// The class of the character at s.ptr[at]; *len is how many bytes it has.
static inline class class_at(size_t *len, str s, size_t at) {
    class c = ascii[(unsigned char)s.ptr[at]];
    *len = 1;
    if (c != WIDE) return c;
    int32_t cp;
    *len = utf8_decode(&cp, (str){s.ptr + at, s.len - at});
    return class_of_wide(cp);
}

// The top bit of each byte that is an ASCII letter.
static inline uint64_t letters(uint64_t w) {
    const uint64_t ones = 0x0101010101010101u, top = ones << 7;
    uint64_t low = (w | ones << 5) & ~top;
    return (low + ones * (0x80 - 'a')) & ~(low + ones * (0x7F - 'z')) & ~w & top;
}

// Where the ASCII letters from `at` on end, as far as whole words of 8 bytes go.
static inline size_t skip_letters(str s, size_t at) {
    for (; s.len - at >= 8; at += 8) {
        uint64_t w;
        memcpy(&w, s.ptr + at, sizeof w);
        uint64_t no = ~letters(w) & 0x8080808080808080u;
        if (no) return at + (size_t)__builtin_ctzll(no) / 8;
    }
    return at;
}

// Where the run of class `want` that begins at `at` ends.
static size_t run_end(str s, size_t at, class want) {
    if (want == LETTER) at = skip_letters(s, at);
    for (size_t len; at < s.len && class_at(&len, s, at) == want;)
        at += len;
    return at;
}

// 's 't 're 've 'm 'll 'd, in lower case only; 0 when there is none.
static size_t contraction(str s) {
    static const str forms[] = {STR_INIT("'s"), STR_INIT("'t"),  STR_INIT("'re"), STR_INIT("'ve"),
                                STR_INIT("'m"), STR_INIT("'ll"), STR_INIT("'d")};
    for (size_t i = 0; i < countof(forms); i++)
        if (str_starts(s, forms[i])) return forms[i].len;
    return 0;
}

// \s+(?!\S)|\s+ : a run of spaces leaves its last one to what follows, unless it has only one.
static size_t spaces(str s) {
    size_t end = 0, last = 0, len;
    while (end < s.len && class_at(&len, s, end) == SPACE)
        last = end, end += len;
    return end == s.len || last == 0 ? end : last;
}

size_t split_gpt2(str s) {
    size_t len, from = 0;
    if (s.ptr[0] == '\'' && (len = contraction(s))) return len;
    class c = class_at(&len, s, 0);
    if (s.ptr[0] == ' ' && s.len > 1) {
        class next = class_at(&len, s, 1);
        if (next != SPACE && next != BAD) c = next, from = 1;
    }
    return c == SPACE ? spaces(s) : run_end(s, from, c);
}
