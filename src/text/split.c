// GPT-2's pre-split without a regex engine.
//
// Every alternative of the pattern looks at one class of characters, so one scan over classes gives
// what the backtracking match gives. Rejected: PCRE2, whose Unicode tables in Debian 12 are a
// version older than utf8proc's, and which needs malformed UTF-8 cut out beforehand.
//
//   I1  pieces are never empty and their concatenation is the text
//   I2  malformed bytes are a class of their own, so a piece is all valid UTF-8 or all malformed

#include "text/split.h"

#include "base/utf8.h"

#include <utf8proc.h>

typedef enum class { SPACE, LETTER, NUMBER, OTHER, BAD } class;

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

static class class_of_ascii(unsigned char c) {
    if ((c | 32) >= 'a' && (c | 32) <= 'z') return LETTER;
    if (c >= '0' && c <= '9') return NUMBER;
    return c == ' ' || (c >= '\t' && c <= '\r') ? SPACE : OTHER;
}

// The class of the character at s.ptr[at]; *len is how many bytes it has.
static class class_at(size_t *len, str s, size_t at) {
    unsigned char c = (unsigned char)s.ptr[at];
    *len = 1;
    if (c < 0x80) return class_of_ascii(c);
    int32_t cp;
    *len = utf8_decode(&cp, str_skip(s, at));
    return class_of_wide(cp);
}

// Where the run of class `want` that begins at `at` ends.
static size_t run_end(str s, size_t at, class want) {
    size_t len;
    while (at < s.len && class_at(&len, s, at) == want)
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
