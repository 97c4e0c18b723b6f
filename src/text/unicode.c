// Unicode for tokenizers, on utf8proc's tables.
//
// utf8proc's own decomposition sorts combining marks by insertion, which hostile text makes
// quadratic; here a run of marks is sorted by counting. Composing is utf8proc's, and linear.

#include "text/unicode.h"

#include "base/utf8.h"

#include <utf8proc.h>

// clang-format off
static const struct { const char *name; uint8_t first, last; } category[] = {
    {"L", 1, 5}, {"Lu", 1, 1}, {"Ll", 2, 2}, {"Lt", 3, 3}, {"Lm", 4, 4}, {"Lo", 5, 5},
    {"M", 6, 8}, {"Mn", 6, 6}, {"Mc", 7, 7}, {"Me", 8, 8},
    {"N", 9, 11}, {"Nd", 9, 9}, {"Nl", 10, 10}, {"No", 11, 11},
    {"P", 12, 18}, {"Pc", 12, 12}, {"Pd", 13, 13}, {"Ps", 14, 14}, {"Pe", 15, 15},
    {"Pi", 16, 16}, {"Pf", 17, 17}, {"Po", 18, 18},
    {"S", 19, 22}, {"Sm", 19, 19}, {"Sc", 20, 20}, {"Sk", 21, 21}, {"So", 22, 22},
    {"Z", 23, 25}, {"Zs", 23, 23}, {"Zl", 24, 24}, {"Zp", 25, 25},
    {"C", 26, 29}, {"Cc", 26, 26}, {"Cf", 27, 27}, {"Cs", 28, 28}, {"Co", 29, 29}, {"Cn", 0, 0},
    {"Letter", 1, 5}, {"Mark", 6, 8}, {"Number", 9, 11}, {"Punctuation", 12, 18},
    {"Symbol", 19, 22}, {"Separator", 23, 25},
};
// clang-format on

uint32_t unicode_categories(str name) {
    for (size_t i = 0; i < countof(category); i++) {
        if (!str_eq_nocase(name, str_of(category[i].name))) continue;
        uint32_t set = (2u << category[i].last) - (1u << category[i].first);
        return category[i].name[0] == 'C' && name.len == 1 ? set | 1 : set;
    }
    return 0;
}

uint32_t unicode_category_bit(int32_t cp) {
    return 1u << utf8proc_category(cp);
}

bool unicode_is_space(int32_t cp) {
    if (cp < 0x80) return cp == ' ' || (cp >= '\t' && cp <= '\r');
    return cp == 0x85 || cp == 0xA0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200A) ||
           cp == 0x2028 || cp == 0x2029 || cp == 0x202F || cp == 0x205F || cp == 0x3000;
}

bool unicode_is_word(int32_t cp) {
    return unicode_category_bit(cp) &
           (UNICODE_LETTER | UNICODE_MARK | UNICODE_DIGIT | UNICODE_CONNECTOR);
}

bool unicode_is_alphabetic_word(int32_t cp) {
    bool is_circled = (cp >= 0x24B6 && cp <= 0x24E9) || (cp >= 0x1F130 && cp <= 0x1F149) ||
                      (cp >= 0x1F150 && cp <= 0x1F169) || (cp >= 0x1F170 && cp <= 0x1F189);
    return is_circled || cp == 0x200C || cp == 0x200D || unicode_is_word(cp) ||
           utf8proc_category(cp) == UTF8PROC_CATEGORY_NL;
}

bool unicode_is_numeric(int32_t cp) {
    return unicode_category_bit(cp) & UNICODE_NUMBER;
}

bool unicode_is_punctuation(int32_t cp) {
    if (cp < 0x80)
        return cp > ' ' && cp < 0x7F && !(cp >= '0' && cp <= '9') &&
               !((cp | 32) >= 'a' && (cp | 32) <= 'z');
    return unicode_category_bit(cp) & UNICODE_PUNCTUATION;
}

int32_t unicode_fold(int32_t cp) {
    if (cp == 0x17F) return 's';
    if (cp == 0x1E9E) return 0xDF;
    return utf8proc_tolower(cp);
}

size_t unicode_at(int32_t *cp, str s, size_t at) {
    unsigned char c = (unsigned char)s.ptr[at];
    if (c < 0x80) {
        *cp = c;
        return 1;
    }
    size_t len = utf8_decode(cp, (str){s.ptr + at, s.len - at});
    if (*cp != UTF8_BAD) return len;
    *cp = UTF8_REPLACEMENT;
    return 1;
}

size_t unicode_before(str s, size_t at) {
    for (size_t k = 1; k <= UTF8_MAX && k <= at; k++) {
        unsigned char c = (unsigned char)s.ptr[at - k];
        int32_t cp;
        if ((c & 0xC0) == 0x80) continue;
        return unicode_at(&cp, (str){s.ptr, at}, at - k) == k ? k : 1;
    }
    return 1;
}

// --- Normal forms -------------------------------------------------------------------------------

typedef struct line {
    int32_t *cp;
    size_t n;
} line;

static uint8_t combining(int32_t cp) {
    return (uint8_t)utf8proc_get_property(cp)->combining_class;
}

// Sorts one run of marks by their classes; equal ones stay in their order.
static bool sort_marks(int32_t *cp, size_t n, arena scratch) {
    if (n < 2) return true;
    size_t start[257] = {0};
    int32_t *copy = arena_try_array(&scratch, n, sizeof *copy);
    if (!copy) return false;
    memcpy(copy, cp, n * sizeof *cp);
    for (size_t i = 0; i < n; i++)
        start[combining(cp[i]) + 1]++;
    for (size_t c = 1; c < countof(start); c++)
        start[c] += start[c - 1];
    for (size_t i = 0; i < n; i++)
        cp[start[combining(copy[i])]++] = copy[i];
    return true;
}

static bool sort_all(line *l, arena scratch) {
    for (size_t i = 0; i < l->n;) {
        size_t end = i;
        bool is_sorted = true;
        for (uint8_t last = 0, c; end < l->n && (c = combining(l->cp[end])); last = c, end++)
            is_sorted &= c >= last;
        if (!is_sorted && !sort_marks(l->cp + i, end - i, scratch)) return false;
        i = max_size(end, i + 1);
    }
    return true;
}

enum { DECOMPOSED_MAX = 32 };  // characters of one; U+FDFA has 18

static bool decompose(line *l, str s, unicode_form form, arena *a) {
    utf8proc_option_t how = UTF8PROC_DECOMPOSE | UTF8PROC_STABLE;
    if (form == UNICODE_NFKC || form == UNICODE_NFKD) how |= UTF8PROC_COMPAT;
    size_t room = 0;
    int boundary = 0;
    *l = (line){.cp = arena_try(a, 0)};
    for (size_t at = 0; at < s.len;) {
        int32_t cp, part[DECOMPOSED_MAX];
        at += unicode_at(&cp, s, at);
        utf8proc_ssize_t n = utf8proc_decompose_char(cp, part, DECOMPOSED_MAX, how, &boundary);
        if (n < 0 || n > DECOMPOSED_MAX) part[0] = cp, n = 1;
        if (l->n + (size_t)n > room) {  // grows in place: nothing else is taken from `a`
            size_t more = max_size(room, 256);
            int32_t *p = arena_try_array(a, more, sizeof *p);
            if (!p) return false;
            if (!room) l->cp = p;
            room += more;
        }
        memcpy(l->cp + l->n, part, (size_t)n * sizeof *part);
        l->n += (size_t)n;
    }
    return true;
}

// Nothing below U+0300 has to do with another character; what is below U+00A0 stays itself.
static bool is_normal(str s, unicode_form form) {
    unsigned char least = form == UNICODE_NFC ? 0xCC : 0x80;
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] >= least) return false;
    return true;
}

static bool normal(str *out, str s, unicode_form form, arena *a, arena scratch) {
    line l;
    if (!decompose(&l, s, form, &scratch) || !sort_all(&l, scratch)) return false;
    if (form == UNICODE_NFC || form == UNICODE_NFKC) {
        utf8proc_option_t how = UTF8PROC_COMPOSE | UTF8PROC_STABLE;
        l.n = (size_t)utf8proc_normalize_utf32(l.cp, (utf8proc_ssize_t)l.n, how);
    }
    // Written over the code points, which are what `a` hands out next: a character's bytes are no
    // more than its own.
    char *to = (char *)l.cp;
    size_t len = 0;
    for (size_t i = 0; i < l.n; i++) {
        char bytes[UTF8_MAX];
        size_t n = utf8_encode(bytes, l.cp[i]);
        memcpy(to + len, bytes, n);
        len += n;
    }
    a->used = (size_t)((uint8_t *)to - a->base) + len;
    *out = (str){to, len};
    return true;
}

status unicode_normal(str *out, str s, unicode_form form, arena *a, err *e) {
    *out = s;
    if (is_normal(s, form)) return OK;
    if (!normal(out, s, form, a, *a))
        return err_set(e, E_LIMIT, "no room to normalize %zu bytes", s.len);
    return OK;
}
