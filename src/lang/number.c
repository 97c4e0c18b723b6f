// lang/number.c -- numbers as PHP has them.
//
// Rejected: strtod on the text itself. It wants a NUL behind it, and takes "0x10", "inf" and "nan".

#include "lang/number.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { DIGITS_MAX = 400, EXPONENT_MAX = 100000, PRECISION = 14, SURE_DIGITS = 15 };

num num_of(double d) {
    return (num){.d = d};
}

num num_int(int64_t i) {
    return (num){true, i, (double)i};
}

// --- Reading ---------------------------------------------------------------------------------

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static char at(str s, size_t i) {
    return i < s.len ? s.ptr[i] : 0;
}

// Digits as they come: the first that count, and the power of ten that the rest stands for.
typedef struct digits {
    char text[DIGITS_MAX + 16];
    int n, exponent;
} digits;

static void add_digit(digits *to, char c, bool is_fraction) {
    if (to->n == 0 && c == '0') {
        to->exponent -= is_fraction && to->exponent > -EXPONENT_MAX;
    } else if (to->n < DIGITS_MAX) {
        to->text[to->n++] = c;
        to->exponent -= is_fraction && to->exponent > -EXPONENT_MAX;
    } else {
        to->exponent += !is_fraction && to->exponent < EXPONENT_MAX;
    }
}

// "e-12" at s[i]: its length, 0 when it is none.
static size_t exponent_at(int *out, str s, size_t i) {
    size_t from = i;
    if (at(s, i) != 'e' && at(s, i) != 'E') return 0;
    bool is_negative = at(s, ++i) == '-';
    if (at(s, i) == '-' || at(s, i) == '+') i++;
    if (!is_digit(at(s, i))) return 0;
    int e = 0;
    for (; is_digit(at(s, i)); i++)
        if (e < EXPONENT_MAX) e = 10 * e + (s.ptr[i] - '0');
    *out = is_negative ? -e : e;
    return i - from;
}

static double value_of(digits *d) {
    if (d->n == 0) return 0;
    snprintf(d->text + d->n, sizeof d->text - (size_t)d->n, "e%d", d->exponent);
    return strtod(d->text, NULL);
}

static bool as_int(int64_t *out, const digits *d, bool is_negative) {
    uint64_t v = 0;
    if (d->n > 19) return false;
    for (int i = 0; i < d->n; i++)
        v = 10 * v + (uint64_t)(d->text[i] - '0');
    if (v > (uint64_t)INT64_MAX + is_negative) return false;
    *out = is_negative ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}

size_t num_prefix(num *out, str s) {
    digits d = {.n = 0};
    int exponent = 0;
    size_t i = 0;
    *out = num_int(0);
    while (is_space(at(s, i)))
        i++;
    bool is_negative = at(s, i) == '-';
    if (at(s, i) == '-' || at(s, i) == '+') i++;
    size_t first = i;
    for (; is_digit(at(s, i)); i++)
        add_digit(&d, s.ptr[i], false);
    bool has_int = i > first;
    bool is_int = true;
    if (at(s, i) == '.' && (has_int || is_digit(at(s, i + 1)))) {
        is_int = false;
        for (i++; is_digit(at(s, i)); i++)
            add_digit(&d, s.ptr[i], true);
    }
    if (is_int && !has_int) return 0;
    size_t n = exponent_at(&exponent, s, i);
    int64_t v;
    if (is_int && !n && as_int(&v, &d, is_negative)) {
        *out = num_int(v);
        return i;
    }
    d.exponent += exponent;
    double value = value_of(&d);
    *out = num_of(is_negative ? -value : value);
    return i + n;
}

bool num_read(num *out, str s) {
    size_t n = num_prefix(out, s);
    if (!n) return false;
    while (n < s.len && is_space(s.ptr[n]))
        n++;
    return n == s.len;
}

int64_t num_int_prefix(str s) {
    num n;
    num_prefix(&n, s);
    if (n.is_int) return n.i;
    return n.d >= 0x1p63 ? INT64_MAX : n.d <= -0x1p63 ? INT64_MIN : (int64_t)n.d;
}

int64_t num_int_of(double d) {
    if (!isfinite(d)) return 0;
    if (d >= -0x1p63 && d < 0x1p63) return (int64_t)d;
    double rest = fmod(d, 0x1p64);
    uint64_t v = (uint64_t)fabs(rest);
    return (int64_t)(rest < 0 ? 0 - v : v);
}

// --- Writing ---------------------------------------------------------------------------------

// Digits of |d| rounded to PRECISION, without zeros at the end, and the place of the point before
// them: 0.digits * 10^point.
static int digits_of(char out[PRECISION + 1], double d) {
    char text[64];
    snprintf(text, sizeof text, "%.*e", PRECISION - 1, fabs(d));
    const char *e = strchr(text, 'e');
    int n = 0;
    for (const char *c = text; c < e; c++)
        if (is_digit(*c)) out[n++] = *c;
    while (n > 1 && out[n - 1] == '0')
        n--;
    out[n] = 0;
    return (int)strtol(e + 1, NULL, 10) + 1;
}

static void put_finite(buf *out, double d) {
    char digit[PRECISION + 1];
    int point = digits_of(digit, d), n = (int)strlen(digit);
    if (signbit(d)) buf_byte(out, '-');
    if (d == 0) {
        buf_byte(out, '0');
    } else if (point < -3 || point > PRECISION) {
        buf_fmt(out, "%c.%sE%+d", digit[0], n > 1 ? digit + 1 : "0", point - 1);
    } else if (point <= 0) {
        buf_fmt(out, "0.%.*s%s", -point, "000", digit);
    } else if (n <= point) {
        buf_fmt(out, "%s%.*s", digit, point - n, "00000000000000");
    } else {
        buf_fmt(out, "%.*s.%s", point, digit, digit + point);
    }
}

void num_put(buf *out, num n) {
    if (n.is_int)
        buf_fmt(out, "%lld", (long long)n.i);
    else if (isnan(n.d))
        buf_add(out, STR("NAN"));
    else if (isinf(n.d))
        buf_add(out, n.d < 0 ? STR("-INF") : STR("INF"));
    else
        put_finite(out, n.d);
}

// --- Comparing and rounding --------------------------------------------------------------------

// Both are integers in form and too large to be one: told apart by their digits.
static bool is_huge_int(const num *n, str s) {
    s = str_trim(s);
    for (size_t i = 0; i < s.len; i++)
        if (!is_digit(s.ptr[i]) && i > 0) return false;
    return !n->is_int;
}

bool num_loosely_equal(str a, str b) {
    num x, y;
    if (str_eq(a, b)) return true;
    if (!num_read(&x, a) || !num_read(&y, b)) return false;
    if (x.is_int && y.is_int) return x.i == y.i;
    if (is_huge_int(&x, a) && is_huge_int(&y, b)) return false;
    return x.d == y.d;
}

static double ten_to(int n) {
    return pow(10, n);
}

double num_round(double v, int64_t asked) {
    if (!isfinite(v) || v == 0) return v;
    int places = asked > 1000 ? 1000 : asked < -1000 ? -1000 : (int)asked;
    int sure = SURE_DIGITS - 1 - (int)floor(log10(fabs(v)));
    double scaled;
    if (sure > places && sure - SURE_DIGITS < places) {
        int use = sure < -4 * SURE_DIGITS ? -4 * SURE_DIGITS : sure;
        scaled = round(use >= 0 ? v * ten_to(use) : v / ten_to(-use));
        int shift = places - use < -4 * SURE_DIGITS ? -4 * SURE_DIGITS : places - use;
        scaled /= ten_to(-shift);
    } else {
        scaled = places >= 0 ? v * ten_to(places) : v / ten_to(-places);
        if (fabs(scaled) >= 1e15) return v;
    }
    scaled = round(scaled);
    if (abs(places) < 23) return places > 0 ? scaled / ten_to(places) : scaled * ten_to(-places);
    char text[64];
    snprintf(text, sizeof text, "%.0fe%d", scaled, -places);
    double rounded = strtod(text, NULL);
    return isfinite(rounded) ? rounded : v;
}
