// lang/lang.c -- languages: which one, its numbers and its plurals.
//
// I1  A number keeps its digits as they are written, zeros in front and at the end too, as long as
//     a double could tell them apart; others are written as the double they are.

#include "lang/lang.h"

#include "base/utf8.h"
#include "lang/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

// --- Which -----------------------------------------------------------------------------------

static bool is_code(str a, const char *code) {
    return str_eq(a, str_of(code));
}

const lang_row *lang_known(str code) {
    for (size_t i = 0; i < lang_n_rows; i++)
        if (is_code(code, lang_rows[i].code)) return &lang_rows[i];
    return NULL;
}

const lang_row *lang_find(str code) {
    const lang_row *found = lang_known(code);
    if (!found) found = lang_known(str_first(code, str_find_byte(code, '-')));
    return found ? found : lang_known(STR("en"));
}

str lang_item(const char *list, int i) {
    str rest = str_of(list), item = str_cut(&rest, '|');
    while (i-- > 0)
        item = str_cut(&rest, '|');
    return item;
}

bool lang_is_rtl(str code) {
    static const char *const others[] = {"arc", "azb", "dv",  "glk", "ks",  "lrc", "mzn", "nqo",
                                         "pnb", "ps",  "sd",  "skr", "ug",  "yi",  "bgn", "bqi",
                                         "khw", "lki", "luz", "ota", "prd", "sdh", "aeb"};
    const lang_row *known = lang_known(code);
    for (size_t i = 0; i < countof(others); i++)
        if (is_code(code, others[i])) return true;
    return known && known->is_rtl;
}

// --- Digits ----------------------------------------------------------------------------------

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static char at(str s, size_t i) {
    return i < s.len ? s.ptr[i] : 0;
}

void lang_put_digits(buf *out, str s, const lang_row *lang) {
    if (!lang->zero) {
        buf_add(out, s);
        return;
    }
    int32_t zero;
    utf8_decode(&zero, str_of(lang->zero));
    for (size_t i = 0; i < s.len; i++) {
        char c[UTF8_MAX];
        if (is_digit(s.ptr[i]))
            buf_add(out, (str){c, utf8_encode(c, zero + s.ptr[i] - '0')});
        else
            buf_byte(out, s.ptr[i]);
    }
}

// --- Writing numbers ---------------------------------------------------------------------------

// "-12.50e3" at the start of s, in its parts.
typedef struct shape {
    size_t len, sign;  // bytes of all, and of the sign
    bool is_negative, has_point, has_exponent;
    str whole, fraction;
} shape;

static size_t digits_at(str s, size_t i) {
    size_t n = 0;
    while (is_digit(at(s, i + n)))
        n++;
    return n;
}

static bool shape_at(shape *out, str s) {
    size_t i = 0;
    *out = (shape){.is_negative = at(s, 0) == '-'};
    if (str_starts(s, STR("\xE2\x88\x92"))) out->is_negative = true, i = 2;
    i += out->is_negative;
    out->sign = i;
    out->whole = (str){s.ptr + i, digits_at(s, i)};
    i += out->whole.len;
    if (!out->whole.len && !(at(s, i) == '.' && is_digit(at(s, i + 1)))) return false;
    if (at(s, i) == '.') {
        out->has_point = true;
        out->fraction = (str){s.ptr + i + 1, digits_at(s, i + 1)};
        i += 1 + out->fraction.len;
    }
    if (at(s, i) == 'e' || at(s, i) == 'E') {
        size_t sign = at(s, i + 1) == '-' || at(s, i + 1) == '+';
        size_t n = digits_at(s, i + 1 + sign);
        out->has_exponent = n > 0;
        if (n) i += 1 + sign + n;
    }
    out->len = i;
    return true;
}

static void put_grouped(buf *out, str digits, const lang_row *lang) {
    size_t least = 3 + (lang->min_group ? lang->min_group : 1);
    for (size_t i = 0; i < digits.len; i++) {
        size_t left = digits.len - i;
        bool is_edge = lang->is_indian && left > 3 ? (left - 3) % 2 == 0 : left % 3 == 0;
        if (i && is_edge && digits.len >= least) buf_add(out, str_of(lang->group));
        lang_put_digits(out, (str){digits.ptr + i, 1}, lang);
    }
}

// What a double that has more digits than it is sure of, or an exponent, is in plain digits.
static void normalise(shape *n, char room[700], str s) {
    num v;
    int sure = 15;
    bool is_long = n->whole.len + n->fraction.len > 15;
    if (!is_long && !n->has_exponent) return;
    num_prefix(&v, str_skip(s, n->sign));
    char text[64];
    do {
        snprintf(text, sizeof text, "%.*e", sure++, v.d);
    } while (sure < 17 && strtod(text, NULL) != v.d);
    char *e = strchr(text, 'e');
    int exponent = (int)strtol(e + 1, NULL, 10), n_digits = 0;
    char digits[32] = {0};
    for (char *c = text; c < e; c++)
        if (*c != '.') digits[n_digits++] = *c;
    while (n_digits > 1 && digits[n_digits - 1] == '0')
        n_digits--;
    int whole = exponent + 1 > 0 ? exponent + 1 : 1, to = 0;
    int fraction = n_digits - exponent - 1 > 0 ? n_digits - exponent - 1 : 0;
    if (!n->has_exponent && (size_t)fraction < n->fraction.len) fraction = (int)n->fraction.len;
    if (fraction > 340) fraction = 340;
    for (int i = 0; i < whole + fraction; i++) {
        int digit = i - (whole - 1 - exponent);
        room[to++] = digit >= 0 && digit < n_digits ? digits[digit] : '0';
    }
    n->whole = (str){room, (size_t)whole};
    n->fraction = (str){room + whole, (size_t)fraction};
    n->has_point = fraction > 0;
}

static void put_number(buf *out, const shape *as_written, str s, const lang_row *lang,
                       bool has_separators) {
    char room[700];
    shape n = *as_written;
    num v;
    num_prefix(&v, str_first(s, n.len));
    if (n.is_negative) buf_add(out, STR("\xE2\x88\x92"));
    if (isinf(v.d) && has_separators) {
        buf_add(out, STR("\xE2\x88\x9E"));
        return;
    }
    if (!has_separators || (n.has_exponent && lang->min_group > 1)) {
        lang_put_digits(out, str_skip(str_first(s, n.len), n.sign), lang);
        return;
    }
    normalise(&n, room, str_first(s, n.len));
    put_grouped(out, n.whole, lang);
    if (n.has_point) buf_add(out, str_of(lang->point));
    lang_put_digits(out, n.fraction, lang);
}

void lang_format_number(buf *out, str s, const lang_row *lang, bool has_separators) {
    num whole;
    shape n;
    if (at(s, 0) == '+' && num_read(&whole, s)) s = str_skip(s, 1);
    if (str_eq(s, STR("INF")) || str_eq(s, STR("-INF"))) {
        buf_add(out, s.len > 3 ? STR("\xE2\x88\x92\xE2\x88\x9E") : STR("\xE2\x88\x9E"));
        return;
    }
    while (s.len) {
        bool is_number = shape_at(&n, s);
        if (is_number)
            put_number(out, &n, s, lang, has_separators);
        else
            buf_byte(out, s.ptr[0]);
        s = str_skip(s, is_number ? n.len : 1);
    }
}

// --- Reading them back ---------------------------------------------------------------------------

void lang_parse_number(buf *out, str s, const lang_row *lang) {
    str group = str_of(lang->group), point = str_of(lang->point), minus = STR("\xE2\x88\x92");
    int32_t zero = '0', cp;
    if (lang->zero) utf8_decode(&zero, str_of(lang->zero));
    for (size_t n; s.len; s = str_skip(s, n)) {
        n = utf8_decode(&cp, s);
        if (group.len && str_starts(s, group))
            n = group.len;
        else if (str_starts(s, point))
            buf_byte(out, '.'), n = point.len;
        else if (str_starts(s, minus))
            buf_byte(out, '-'), n = minus.len;
        else if (cp >= zero && cp < zero + 10)
            buf_byte(out, (char)('0' + (cp - zero)));
        else if (s.ptr[0] != ',')
            buf_add(out, str_first(s, n));
    }
}

// --- Plurals -----------------------------------------------------------------------------------

static bool within(int64_t n, int64_t low, int64_t high) {
    return n >= low && n <= high;
}

// The rules read i, its digits before the point, and whether there are any behind it.
static int slavic(lang_plural rule, int64_t i, bool is_whole) {
    int64_t last = i % 10, last2 = i % 100;
    bool is_few = within(last, 2, 4) && !within(last2, 12, 14);
    if (rule == WT_PLURAL_SERBIAN && !is_whole) return 2;
    if (!is_whole) return 3;
    if (rule == WT_PLURAL_POLISH) return i == 1 ? 0 : is_few ? 1 : 2;
    return last == 1 && last2 != 11 ? 0 : is_few ? 1 : 2;
}

static int celtic(lang_plural rule, int64_t i, bool is_whole) {
    int64_t last = i % 10, last2 = i % 100, tens = last2 / 10;
    bool is_odd_ten = tens == 1 || tens == 7 || tens == 9;
    switch (rule) {
    case WT_PLURAL_WELSH:
        return !is_whole ? 5 : i <= 3 ? (int)i : i == 6 ? 4 : 5;
    case WT_PLURAL_IRISH:
        return !is_whole          ? 4
               : i == 1           ? 0
               : i == 2           ? 1
               : within(i, 3, 6)  ? 2
               : within(i, 7, 10) ? 3
                                  : 4;
    case WT_PLURAL_SCOTS_GAELIC:
        return !is_whole                               ? 3
               : i == 1 || i == 11                     ? 0
               : i == 2 || i == 12                     ? 1
               : within(i, 3, 10) || within(i, 13, 19) ? 2
                                                       : 3;
    default:
        return !is_whole                                              ? 4
               : last == 1 && !is_odd_ten                             ? 0
               : last == 2 && !is_odd_ten                             ? 1
               : (last == 3 || last == 4 || last == 9) && !is_odd_ten ? 2
               : i && i % 1000000 == 0                                ? 3
                                                                      : 4;
    }
}

static int baltic(lang_plural rule, int64_t i, bool is_whole, int64_t fraction) {
    int64_t last = i % 10, last2 = i % 100;
    bool is_teen = within(last2, 11, 19);
    if (rule == WT_PLURAL_LITHUANIAN)
        return !is_whole ? 2 : last == 1 && !is_teen ? 0 : last >= 2 && !is_teen ? 1 : 3;
    if (is_whole) return last == 0 || is_teen ? 0 : last == 1 ? 1 : 2;
    return fraction == 1 ? 1 : 2;
}

static int semitic(lang_plural rule, int64_t i, bool is_whole) {
    int64_t last2 = i % 100;
    switch (rule) {
    case WT_PLURAL_ARABIC:
        return !is_whole ? 5 : i <= 2 ? (int)i : within(last2, 3, 10) ? 3 : last2 >= 11 ? 4 : 5;
    case WT_PLURAL_HEBREW:
        return !is_whole ? 3 : i == 1 ? 0 : i == 2 ? 1 : i > 10 && !(i % 10) ? 2 : 3;
    default:
        return !is_whole                        ? 3
               : i == 1                         ? 0
               : i == 0 || within(last2, 2, 10) ? 1
               : within(last2, 11, 19)          ? 2
                                                : 3;
    }
}

int lang_plural_form(lang_plural rule, double n) {
    n = fabs(n);
    if (!(n < 1e18)) n = 1e18;
    int64_t i = (int64_t)n, last = i % 10, last2 = i % 100;
    bool is_whole = (double)i == n;
    int64_t tenth = (int64_t)(n * 10 + 0.5) % 10;  // the fraction, of what has one digit behind
    switch (rule) {
    case WT_PLURAL_ONE:
        return !(n == 1);
    case WT_PLURAL_ZERO_ONE:
        return i > 1;
    case WT_PLURAL_ZERO_ONE_WHOLE:
        return !(is_whole && i <= 1);
    case WT_PLURAL_UP_TO_ONE:
        return !(i == 0 || n == 1);
    case WT_PLURAL_POLISH:
    case WT_PLURAL_RUSSIAN:
    case WT_PLURAL_SERBIAN:
        return slavic(rule, i, is_whole);
    case WT_PLURAL_ENDS_IN_ONE:
        return !(is_whole && last == 1);
    case WT_PLURAL_ICELANDIC:
        return !(is_whole && last == 1 && last2 != 11);
    case WT_PLURAL_SLOVENE:
        return !is_whole ? 3 : last2 == 1 ? 0 : last2 == 2 ? 1 : within(last2, 3, 4) ? 2 : 3;
    case WT_PLURAL_CZECH:
        return !is_whole ? 2 : i == 1 ? 0 : within(i, 2, 4) ? 1 : 3;
    case WT_PLURAL_ROMANIAN:
        return n == 1 ? 0 : !is_whole || i == 0 || within(last2, 1, 19) ? 1 : 2;
    case WT_PLURAL_LATVIAN:
    case WT_PLURAL_LITHUANIAN:
        return baltic(rule, i, is_whole, tenth);
    case WT_PLURAL_ARABIC:
    case WT_PLURAL_HEBREW:
    case WT_PLURAL_MALTESE:
        return semitic(rule, i, is_whole);
    case WT_PLURAL_FILIPINO:
        return is_whole ? last == 4 || last == 6 || last == 9
                        : tenth == 4 || tenth == 6 || tenth == 9;
    default:
        return celtic(rule, i, is_whole);
    }
}
