// Unicode for Python's str methods. utf8proc knows categories and simple case; text.inc has the
// rest: what maps to several characters, what is a digit or cased without being of its category.

#include "jinja/text.h"

#include "base/utf8.h"

#include <stdlib.h>
#include <utf8proc.h>

typedef struct text_range {
    int32_t first, last;
} text_range;
typedef struct special {
    int32_t cp, upper[3], title[3];
} special;

#include "jinja/text.inc"

static bool in_ranges(int32_t cp, const text_range *r, size_t n) {
    size_t lo = 0;
    while (n) {
        size_t half = n / 2;
        if (r[lo + half].last < cp) {
            lo += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return r[lo].first <= cp && cp <= r[lo].last;
}
#define IN(cp, table)                                                                              \
    ((cp) <= (table)[countof(table) - 1].last && in_ranges(cp, table, countof(table)))

bool text_is_space(int32_t cp) {
    if (cp < 128) return (cp >= 9 && cp <= 13) || (cp >= 28 && cp <= 32);
    return cp == 0x85 || cp == 0xA0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200A) ||
           cp == 0x2028 || cp == 0x2029 || cp == 0x202F || cp == 0x205F || cp == 0x3000;
}

size_t text_first_len(str s) {
    int32_t cp;
    return s.len ? utf8_decode(&cp, s) : 0;
}

size_t text_last_len(str s) {
    size_t n = s.len != 0;
    while (n < s.len && n < UTF8_MAX && ((uint8_t)s.ptr[s.len - n] & 0xC0) == 0x80)
        n++;
    return n;
}

str text_lstrip(str s) {
    int32_t cp;
    for (size_t n; s.len; s = str_skip(s, n)) {
        n = utf8_decode(&cp, s);
        if (!text_is_space(cp)) break;
    }
    return s;
}

str text_rstrip(str s) {
    int32_t cp;
    for (size_t n; s.len; s.len -= n) {
        n = text_last_len(s);
        utf8_decode(&cp, str_skip(s, s.len - n));
        if (!text_is_space(cp)) break;
    }
    return s;
}

size_t text_word_len(str s) {
    size_t at = 0;
    int32_t cp;
    for (size_t n; at < s.len; at += n) {
        n = utf8_decode(&cp, str_skip(s, at));
        if (!text_is(cp, TEXT_WORD)) break;
    }
    return at;
}

size_t text_offset(str s, size_t n) {
    const char *p = s.ptr, *end = s.ptr + s.len;
    while (n && p < end) {
        p++;
        while (p < end && ((uint8_t)*p & 0xC0) == 0x80)
            p++;
        n--;
    }
    return (size_t)(p - s.ptr);
}

// --- Classes -------------------------------------------------------------------------------------

static unsigned category_bit(int32_t cp) {
    return cp < 0 ? 0 : 1u << utf8proc_category(cp);
}

enum {
    LETTERS = 1u << UTF8PROC_CATEGORY_LU | 1u << UTF8PROC_CATEGORY_LL | 1u << UTF8PROC_CATEGORY_LT |
              1u << UTF8PROC_CATEGORY_LM | 1u << UTF8PROC_CATEGORY_LO,
    NUMBERS = 1u << UTF8PROC_CATEGORY_ND | 1u << UTF8PROC_CATEGORY_NL | 1u << UTF8PROC_CATEGORY_NO,
    HIDDEN = 1u << UTF8PROC_CATEGORY_CN | 1u << UTF8PROC_CATEGORY_CC | 1u << UTF8PROC_CATEGORY_CF |
             1u << UTF8PROC_CATEGORY_CS | 1u << UTF8PROC_CATEGORY_CO | 1u << UTF8PROC_CATEGORY_ZL |
             1u << UTF8PROC_CATEGORY_ZP | 1u << UTF8PROC_CATEGORY_ZS,
    IGNORABLE = 1u << UTF8PROC_CATEGORY_MN | 1u << UTF8PROC_CATEGORY_ME |
                1u << UTF8PROC_CATEGORY_CF | 1u << UTF8PROC_CATEGORY_LM |
                1u << UTF8PROC_CATEGORY_SK,
};

static bool is_lower(int32_t cp) {
    return (category_bit(cp) & 1u << UTF8PROC_CATEGORY_LL) || IN(cp, OTHER_LOWER);
}
static bool is_upper(int32_t cp) {
    return (category_bit(cp) & 1u << UTF8PROC_CATEGORY_LU) || IN(cp, OTHER_UPPER);
}
static bool is_title(int32_t cp) {
    return category_bit(cp) & 1u << UTF8PROC_CATEGORY_LT;
}

bool text_is(int32_t cp, text_class c) {
    switch (c) {
    case TEXT_ALPHA:
        return category_bit(cp) & LETTERS;
    case TEXT_ALNUM:
        return category_bit(cp) & (LETTERS | NUMBERS);
    case TEXT_DECIMAL:
        return category_bit(cp) & 1u << UTF8PROC_CATEGORY_ND;
    case TEXT_DIGIT:
        return (category_bit(cp) & 1u << UTF8PROC_CATEGORY_ND) || IN(cp, DIGITS);
    case TEXT_NUMERIC:
        return (category_bit(cp) & NUMBERS) || IN(cp, NUMERALS);
    case TEXT_SPACE:
        return text_is_space(cp);
    case TEXT_PRINTABLE:
        return cp == ' ' || !(category_bit(cp) & HIDDEN);
    case TEXT_UPPER:
        return is_upper(cp);
    case TEXT_LOWER:
        return is_lower(cp);
    case TEXT_TITLE:
        return is_title(cp);
    case TEXT_CASED:
        return is_lower(cp) || is_upper(cp) || is_title(cp);
    case TEXT_WORD:
        return cp == '_' || (category_bit(cp) & (LETTERS | NUMBERS));
    }
    return false;
}

bool text_all(str s, text_class c) {
    if (!s.len) return false;
    int32_t cp;
    for (; s.len; s = str_skip(s, utf8_decode(&cp, s))) {
        utf8_decode(&cp, s);
        if (!text_is(cp, c)) return false;
    }
    return true;
}

// --- Case ----------------------------------------------------------------------------------------

static void put(buf *to, int32_t cp) {
    char bytes[UTF8_MAX];
    buf_add(to, (str){bytes, utf8_encode(bytes, cp)});
}

static const special *special_of(int32_t cp) {
    size_t lo = 0, n = countof(SPECIALS);
    while (n) {
        size_t half = n / 2;
        if (SPECIALS[lo + half].cp < cp) {
            lo += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return lo < countof(SPECIALS) && SPECIALS[lo].cp == cp ? &SPECIALS[lo] : NULL;
}

static void put_upper(buf *to, int32_t cp, bool is_title_case) {
    const special *sp = cp < 128 ? NULL : special_of(cp);
    if (!sp) {
        put(to, is_title_case ? utf8proc_totitle(cp) : utf8proc_toupper(cp));
        return;
    }
    const int32_t *into = is_title_case ? sp->title : sp->upper;
    for (int i = 0; i < 3 && into[i]; i++)
        put(to, into[i]);
}

static void put_fold(buf *to, int32_t cp) {
    utf8proc_int32_t into[8];
    int boundary = 0;
    utf8proc_ssize_t n =
        utf8proc_decompose_char(cp, into, countof(into), UTF8PROC_CASEFOLD, &boundary);
    for (utf8proc_ssize_t i = 0; i < n && i < (utf8proc_ssize_t)countof(into); i++)
        put(to, into[i]);
}

static bool is_ignorable(int32_t cp) {
    static const char marks[] = "'.:^`";
    if (cp < 128) return cp > 0 && strchr(marks, cp);
    return (category_bit(cp) & IGNORABLE) || cp == 0xB7 || cp == 0x387 || cp == 0x55F ||
           cp == 0x5F4 || cp == 0x2018 || cp == 0x2019 || cp == 0x2024 || cp == 0x2027 ||
           cp == 0xFE13 || cp == 0xFE52 || cp == 0xFE55 || cp == 0xFF07 || cp == 0xFF0E ||
           cp == 0xFF1A;
}

// A sigma at the end of a word: a cased letter before it, none behind.
static bool is_final_sigma(str all, size_t at, size_t len) {
    int32_t cp = UTF8_BAD;
    str before = str_first(all, at), behind = str_skip(all, at + len);
    bool is_word = false;
    while (before.len && !is_word) {
        size_t n = text_last_len(before);
        utf8_decode(&cp, str_skip(before, before.len - n));
        before.len -= n;
        if (is_ignorable(cp)) continue;
        is_word = text_is(cp, TEXT_CASED);
        break;
    }
    if (!is_word) return false;
    for (; behind.len; behind = str_skip(behind, text_first_len(behind))) {
        utf8_decode(&cp, behind);
        if (!is_ignorable(cp)) return !text_is(cp, TEXT_CASED);
    }
    return true;
}

static void put_lower(buf *to, int32_t cp, str all, size_t at, size_t len) {
    if (cp == 0x3A3) {
        put(to, is_final_sigma(all, at, len) ? 0x3C2 : 0x3C3);
    } else if (cp == 0x130) {
        put(to, 'i');
        put(to, 0x307);
    } else {
        put(to, cp < 128 ? cp + 32 * (cp >= 'A' && cp <= 'Z') : utf8proc_tolower(cp));
    }
}

static void put_one(buf *to, int32_t cp, text_case c, str all, size_t at, size_t len) {
    if (cp == UTF8_BAD) {
        put(to, UTF8_REPLACEMENT);
    } else if (c == TEXT_TO_LOWER) {
        put_lower(to, cp, all, at, len);
    } else if (c == TEXT_TO_FOLD) {
        put_fold(to, cp);
    } else {
        put_upper(to, cp, c == TEXT_TO_TITLE);
    }
}

void text_put_case(buf *to, str s, text_case c) {
    int32_t cp;
    for (size_t at = 0, n; at < s.len; at += n) {
        n = utf8_decode(&cp, str_skip(s, at));
        put_one(to, cp, c, s, at, n);
    }
}

void text_put_title(buf *to, str s) {
    int32_t cp;
    bool in_word = false;
    for (size_t at = 0, n; at < s.len; at += n) {
        n = utf8_decode(&cp, str_skip(s, at));
        put_one(to, cp, in_word ? TEXT_TO_LOWER : TEXT_TO_TITLE, s, at, n);
        in_word = text_is(cp, TEXT_CASED);
    }
}

void text_put_capitalized(buf *to, str s) {
    int32_t cp;
    for (size_t at = 0, n; at < s.len; at += n) {
        n = utf8_decode(&cp, str_skip(s, at));
        put_one(to, cp, at ? TEXT_TO_LOWER : TEXT_TO_TITLE, s, at, n);
    }
}

void text_put_swapped(buf *to, str s) {
    int32_t cp;
    for (size_t at = 0, n; at < s.len; at += n) {
        n = utf8_decode(&cp, str_skip(s, at));
        if (is_upper(cp))
            put_one(to, cp, TEXT_TO_LOWER, s, at, n);
        else if (is_lower(cp))
            put_one(to, cp, TEXT_TO_UPPER, s, at, n);
        else
            put(to, cp);
    }
}

// --- Lines and numbers ---------------------------------------------------------------------------

size_t text_line_end(str s) {
    if (!s.len) return 0;
    uint8_t c = (uint8_t)s.ptr[0];
    if (c == '\r') return 1 + (s.len > 1 && s.ptr[1] == '\n');
    if ((c >= 10 && c <= 12) || (c >= 28 && c <= 30)) return 1;
    if (str_starts(s, STR("\xc2\x85"))) return 2;
    return 3 * (str_starts(s, STR("\xe2\x80\xa8")) || str_starts(s, STR("\xe2\x80\xa9")));
}

bool text_parse_float(double *out, str s) {
    char tmp[512];
    size_t sign = s.len && (s.ptr[0] == '-' || s.ptr[0] == '+');
    str body = str_skip(s, sign);
    bool is_word = str_eq_nocase(body, STR("inf")) || str_eq_nocase(body, STR("infinity")) ||
                   str_eq_nocase(body, STR("nan"));
    if (!body.len || s.len >= sizeof tmp) return false;
    for (size_t i = 0; i < body.len && !is_word; i++)  // strtod also reads hexadecimal
        if (!strchr("0123456789.eE+-", body.ptr[i]) || !body.ptr[i]) return false;
    memcpy(tmp, s.ptr, s.len);
    tmp[s.len] = 0;
    char *end;
    *out = strtod(tmp, &end);
    return end == tmp + s.len;
}
