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

// Characters of Unicode 15.1 and 16 that utf8proc's 15.0 does not know, with their categories:
// Oniguruma does.
// clang-format off
static const struct { int32_t lo, hi; uint8_t category; } newer[] = {
    {0x897, 0x897, 6}, {0x1B4E, 0x1B4F, 18}, {0x1B7F, 0x1B7F, 18}, {0x1C89, 0x1C89, 1},
    {0x1C8A, 0x1C8A, 2}, {0x2427, 0x2429, 22}, {0x2FFC, 0x2FFF, 22}, {0x31E4, 0x31E5, 22},
    {0x31EF, 0x31EF, 22}, {0xA7CB, 0xA7CC, 1}, {0xA7CD, 0xA7CD, 2}, {0xA7DA, 0xA7DA, 1},
    {0xA7DB, 0xA7DB, 2}, {0xA7DC, 0xA7DC, 1}, {0x105C0, 0x105F3, 5}, {0x10D40, 0x10D49, 9},
    {0x10D4A, 0x10D4D, 5}, {0x10D4E, 0x10D4E, 4}, {0x10D4F, 0x10D4F, 5}, {0x10D50, 0x10D65, 1},
    {0x10D69, 0x10D6D, 6}, {0x10D6E, 0x10D6E, 13}, {0x10D6F, 0x10D6F, 4}, {0x10D70, 0x10D85, 2},
    {0x10D8E, 0x10D8F, 19}, {0x10EC2, 0x10EC4, 5}, {0x10EFC, 0x10EFC, 6}, {0x11380, 0x11389, 5},
    {0x1138B, 0x1138B, 5}, {0x1138E, 0x1138E, 5}, {0x11390, 0x113B5, 5}, {0x113B7, 0x113B7, 5},
    {0x113B8, 0x113BA, 7}, {0x113BB, 0x113C0, 6}, {0x113C2, 0x113C2, 7}, {0x113C5, 0x113C5, 7},
    {0x113C7, 0x113CA, 7}, {0x113CC, 0x113CD, 7}, {0x113CE, 0x113CE, 6}, {0x113CF, 0x113CF, 7},
    {0x113D0, 0x113D0, 6}, {0x113D1, 0x113D1, 5}, {0x113D2, 0x113D2, 6}, {0x113D3, 0x113D3, 5},
    {0x113D4, 0x113D5, 18}, {0x113D7, 0x113D8, 18}, {0x113E1, 0x113E2, 6}, {0x116D0, 0x116E3, 9},
    {0x11BC0, 0x11BE0, 5}, {0x11BE1, 0x11BE1, 18}, {0x11BF0, 0x11BF9, 9}, {0x11F5A, 0x11F5A, 6},
    {0x13460, 0x143FA, 5}, {0x16100, 0x1611D, 5}, {0x1611E, 0x16129, 6}, {0x1612A, 0x1612C, 7},
    {0x1612D, 0x1612F, 6}, {0x16130, 0x16139, 9}, {0x16D40, 0x16D42, 4}, {0x16D43, 0x16D6A, 5},
    {0x16D6B, 0x16D6C, 4}, {0x16D6D, 0x16D6F, 18}, {0x16D70, 0x16D79, 9}, {0x18CFF, 0x18CFF, 5},
    {0x1CC00, 0x1CCEF, 22}, {0x1CCF0, 0x1CCF9, 9}, {0x1CD00, 0x1CEB3, 22}, {0x1E5D0, 0x1E5ED, 5},
    {0x1E5EE, 0x1E5EF, 6}, {0x1E5F0, 0x1E5F0, 5}, {0x1E5F1, 0x1E5FA, 9}, {0x1E5FF, 0x1E5FF, 18},
    {0x1F8B2, 0x1F8BB, 22}, {0x1F8C0, 0x1F8C1, 22}, {0x1FA89, 0x1FA89, 22},
    {0x1FA8F, 0x1FA8F, 22}, {0x1FABE, 0x1FABE, 22}, {0x1FAC6, 0x1FAC6, 22},
    {0x1FADC, 0x1FADC, 22}, {0x1FADF, 0x1FADF, 22}, {0x1FAE9, 0x1FAE9, 22},
    {0x1FBCB, 0x1FBEF, 22}, {0x2EBF0, 0x2EE5D, 5},
};

// Where the library's punctuation, of Unicode 8, is another than utf8proc's.
static const struct { int32_t lo, hi; } other_punctuation[] = {
    {0x61D, 0x61D}, {0x9FD, 0x9FD}, {0xA76, 0xA76}, {0xC77, 0xC77}, {0xC84, 0xC84},
    {0x166D, 0x166D}, {0x1B7D, 0x1B7E}, {0x2E43, 0x2E4F}, {0x2E52, 0x2E5D}, {0x10EAD, 0x10EAD},
    {0x10F55, 0x10F59}, {0x10F86, 0x10F89}, {0x111C9, 0x111C9}, {0x1144B, 0x1144F},
    {0x1145A, 0x1145B}, {0x1145D, 0x1145D}, {0x11660, 0x1166C}, {0x116B9, 0x116B9},
    {0x1183B, 0x1183B}, {0x11944, 0x11946}, {0x119E2, 0x119E2}, {0x11A3F, 0x11A46},
    {0x11A9A, 0x11A9C}, {0x11A9E, 0x11AA2}, {0x11B00, 0x11B09}, {0x11C41, 0x11C45},
    {0x11C70, 0x11C71}, {0x11EF7, 0x11EF8}, {0x11F43, 0x11F4F}, {0x11FFF, 0x11FFF},
    {0x12FF1, 0x12FF2}, {0x16E97, 0x16E9A}, {0x16FE2, 0x16FE2}, {0x1E95E, 0x1E95F},
};
// clang-format on

static unsigned category_of(int32_t cp) {
    unsigned c = (unsigned)utf8proc_category(cp);
    if (c != UTF8PROC_CATEGORY_CN) return c;
    for (size_t low = 0, high = countof(newer); low < high;) {
        size_t mid = (low + high) / 2;
        if (cp > newer[mid].hi)
            low = mid + 1;
        else if (cp < newer[mid].lo)
            high = mid;
        else
            return newer[mid].category;
    }
    return c;
}

uint32_t unicode_category_bit(int32_t cp) {
    return 1u << category_of(cp);
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
           category_of(cp) == UTF8PROC_CATEGORY_NL;
}

bool unicode_is_numeric(int32_t cp) {
    bool is_17 = (cp >= 0x11DE0 && cp <= 0x11DE9) || (cp >= 0x16FF4 && cp <= 0x16FF6);
    return is_17 || unicode_category_bit(cp) & UNICODE_NUMBER;
}

bool unicode_is_punctuation(int32_t cp) {
    if (cp < 0x80)
        return cp > ' ' && cp < 0x7F && !(cp >= '0' && cp <= '9') &&
               !((cp | 32) >= 'a' && (cp | 32) <= 'z');
    bool is_other = false;
    for (size_t i = 0; i < countof(other_punctuation) && cp >= other_punctuation[i].lo; i++)
        is_other |= cp <= other_punctuation[i].hi;
    return is_other != ((1u << utf8proc_category(cp) & UNICODE_PUNCTUATION) != 0);
}

int32_t unicode_lower(int32_t cp) {
    static const struct {
        int32_t lo, hi, add;
    } newest[] = {{0x1C89, 0x1C89, 1},    {0xA7CB, 0xA7CB, 0x264 - 0xA7CB},
                  {0xA7CC, 0xA7CC, 1},    {0xA7CE, 0xA7CE, 1},
                  {0xA7D2, 0xA7D2, 1},    {0xA7D4, 0xA7D4, 1},
                  {0xA7DA, 0xA7DA, 1},    {0xA7DC, 0xA7DC, 0x19B - 0xA7DC},
                  {0x10D50, 0x10D65, 32}, {0x16EA0, 0x16EB8, 27}};
    for (size_t i = 0; i < countof(newest); i++)
        if (cp >= newest[i].lo && cp <= newest[i].hi) return cp + newest[i].add;
    return utf8proc_tolower(cp);
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

// What the library's normal forms, of an older Unicode, leave as it is.
static bool stays_whole(int32_t cp) {
    static const struct {
        int32_t lo, hi;
    } newer_forms[] = {{0x32FF, 0x32FF},   {0xA7F2, 0xA7F4},   {0xAB69, 0xAB69},
                       {0x10781, 0x10785}, {0x10787, 0x107B0}, {0x107B2, 0x107BA},
                       {0x11938, 0x11938}, {0x1E030, 0x1E06D}, {0x1F16C, 0x1F16C},
                       {0x1FBF0, 0x1FBF9}};
    for (size_t i = 0; i < countof(newer_forms) && cp >= newer_forms[i].lo; i++)
        if (cp <= newer_forms[i].hi) return true;
    return false;
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
        if (n < 0 || n > DECOMPOSED_MAX || stays_whole(cp)) part[0] = cp, n = 1;
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
