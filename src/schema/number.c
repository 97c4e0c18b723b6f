// Bounds are written as regular expressions and then intersected.
//
// Rejected: exponents where there are bounds (their order is not the order of their digits).
//
//   I1  a magnitude is digits before the point without zeros in front, and digits behind it without
//       zeros at the end

#include "schema/number.h"

#include "schema/regex.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { DIGITS_MAX = 15, DIGITS_INT_MAX = 18, DIGITS_OPEN = 9 };

typedef struct text {
    char p[REGEX_MAX + 1];
    size_t n;
    bool is_full;
} text;

static void PRINTF_LIKE(2, 3) add(text *t, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(t->p + t->n, sizeof t->p - t->n, fmt, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof t->p - t->n)
        t->is_full = true;
    else
        t->n += (size_t)n;
}

static status of_text(lang *out, const text *t, lang_room *r, err *e) {
    if (t->is_full) return err_set(e, E_LIMIT, "a bound with too many digits");
    return regex_open(out, (str){t->p, t->n}, true, r, e);
}

// --- Integers ------------------------------------------------------------------------------------

// Texts of as many digits that are at least (or at most) `s`; each alternative has `before` in
// front.
static void add_beyond(text *t, const char *before, const char *s, bool is_least) {
    size_t n = strlen(s);
    if (strspn(s, is_least ? "0" : "9") == n) {
        add(t, "|%s[0-9]{%zu}", before, n);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        char edge = is_least ? '9' : '0';
        if (s[i] == edge) continue;
        add(t, "|%s%.*s[%c-%c][0-9]{%zu}", before, (int)i, s, is_least ? s[i] + 1 : '0',
            is_least ? '9' : s[i] - 1, n - i - 1);
    }
    add(t, "|%s%s", before, s);
}

// Numbers from a to b with equally many digits.
static void add_same_length(text *t, const char *sign, const char *a, const char *b) {
    size_t same = 0;
    char before[64];
    while (a[same] && a[same] == b[same])
        same++;
    if (!a[same]) {
        add(t, "|%s%s", sign, a);
        return;
    }
    snprintf(before, sizeof before, "%s%.*s", sign, (int)same + 1, a);
    add_beyond(t, before, a + same + 1, true);
    if (a[same] + 1 < b[same])
        add(t, "|%s%.*s[%c-%c][0-9]{%zu}", sign, (int)same, a, a[same] + 1, b[same] - 1,
            strlen(a) - same - 1);
    snprintf(before, sizeof before, "%s%.*s", sign, (int)same + 1, b);
    add_beyond(t, before, b + same + 1, false);
}

// Numbers from a to b.
static void add_range(text *t, const char *sign, uint64_t a, uint64_t b) {
    uint64_t least = 0, end = 9;
    for (;; least = end + 1, end = end * 10 + 9) {
        uint64_t from = a > least ? a : least, to = b < end ? b : end;
        char x[24], y[24];
        snprintf(x, sizeof x, "%llu", (unsigned long long)from);
        snprintf(y, sizeof y, "%llu", (unsigned long long)to);
        if (from <= to) add_same_length(t, sign, x, y);
        if (b <= end) return;
    }
}

static int64_t clamp(double v) {
    static const double most = 999999999999999999.0;
    return v > most ? (int64_t)1000000000000000000 : v < -most ? -1000000000000000000 : (int64_t)v;
}

// The first integer within a bound.
static int64_t edge_of(const number_bound *b, bool is_lo) {
    int64_t step = is_lo ? 1 : -1, most = 1000000000000000000;
    if (b->v->is_integer) {
        int64_t i = b->v->integer;
        if (i > most) i = most;
        if (i < -most) i = -most;
        return b->is_open ? i + step : i;
    }
    double v = b->v->number, whole = is_lo ? ceil(v) : floor(v);
    return clamp(whole) + (b->is_open && whole == v ? step : 0);
}

static status integer_lang(lang *out, bool *any, const number_rules *x, lang_room *r, err *e) {
    static const int64_t most = 999999999999999999, usual = 999999999999999;
    int64_t lo = x->lo.v ? edge_of(&x->lo, true) : -most - 1;
    int64_t hi = x->hi.v ? edge_of(&x->hi, false) : most + 1;
    text t = {0};
    if (lo < -most) lo = hi < -usual ? -most : -usual;
    if (hi > most) hi = lo > usual ? most : usual;
    *any = lo <= hi && lo <= most && hi >= -most;
    if (!*any) return OK;
    if (hi >= 0) add_range(&t, "", (uint64_t)(lo > 0 ? lo : 0), (uint64_t)hi);
    if (lo < 0) add_range(&t, "-", hi < 0 ? (uint64_t)-hi : 1, (uint64_t)-lo);
    memmove(t.p, t.p + 1, t.n);  // without the first "|"
    t.n--;
    return of_text(out, &t, r, e);
}

// --- Numbers -------------------------------------------------------------------------------------

typedef struct magnitude {  // I1
    char whole[340], part[340];
} magnitude;

static int shortest(char out[NUMBER_TEXT], double v) {
    int digits = 1;
    for (; digits <= 17; digits++) {
        snprintf(out, NUMBER_TEXT, "%.*g", digits, v);
        if (strtod(out, NULL) == v) break;
    }
    return digits;
}

static void split(magnitude *m, double v) {
    char digits_of[NUMBER_TEXT], all[700];
    v = fabs(v);
    int digits = shortest(digits_of, v);
    snprintf(digits_of, sizeof digits_of, "%.*e", digits - 1, v);
    int behind = digits - 1 - atoi(strchr(digits_of, 'e') + 1);
    snprintf(all, sizeof all, "%.*f", behind > 0 ? behind : 0, v);
    char *dot = strchr(all, '.');
    snprintf(m->whole, sizeof m->whole, "%.*s", dot ? (int)(dot - all) : 339, all);
    snprintf(m->part, sizeof m->part, "%s", dot ? dot + 1 : "");
    for (size_t n = strlen(m->part); n && m->part[n - 1] == '0';)
        m->part[--n] = 0;
}

#define TAIL "(\\.[0-9]+)?"

static void add_least(text *t, const char *sign, const magnitude *m, bool is_open) {
    size_t k = strlen(m->part);
    uint64_t whole = strtoull(m->whole, NULL, 10), nines = 9;
    int digits = 1;
    for (; nines < whole + 1; digits++)
        nines = nines * 10 + 9;
    add(t, "|%s([1-9][0-9]{%d,}", sign, digits);
    add_range(t, "", whole + 1, nines);
    add(t, ")" TAIL);
    if (k == 0) {
        add(t, is_open ? "|%s%s\\.[0-9]*[1-9][0-9]*" : "|%s%s" TAIL, sign, m->whole);
        return;
    }
    for (size_t i = 0; i < k; i++)
        if (m->part[i] < '9')
            add(t, "|%s%s\\.%.*s[%c-9][0-9]*", sign, m->whole, (int)i, m->part, m->part[i] + 1);
    add(t, is_open ? "|%s%s\\.%s[0-9]*[1-9][0-9]*" : "|%s%s\\.%s[0-9]*", sign, m->whole, m->part);
}

static void add_most(text *t, const char *sign, const magnitude *m, bool is_open) {
    size_t k = strlen(m->part);
    uint64_t whole = strtoull(m->whole, NULL, 10);
    if (whole > 0) {
        add(t, "|%s(_", sign);
        add_range(t, "", 0, whole - 1);
        add(t, ")" TAIL);
    }
    if (k == 0) {
        if (!is_open) add(t, "|%s%s(\\.0+)?", sign, m->whole);
        return;
    }
    add(t, "|%s%s", sign, m->whole);
    for (size_t i = 0; i < k; i++) {
        if (i) add(t, "|%s%s\\.%.*s", sign, m->whole, (int)i, m->part);
        if (m->part[i] > '0')
            add(t, "|%s%s\\.%.*s[0-%c][0-9]*", sign, m->whole, (int)i, m->part, m->part[i] - 1);
    }
    if (!is_open) add(t, "|%s%s\\.%s0*", sign, m->whole, m->part);
}

#define PLUS  "(0|[1-9][0-9]*)" TAIL
#define MINUS "-" PLUS

static status bound_lang(lang *out, const number_bound *b, bool is_lo, lang_room *r, err *e) {
    double v = b->v->number;
    magnitude m;
    text t = {0};
    split(&m, v);
    add(&t, "_");  // matches nothing that is a number
    if (is_lo && v <= 0 && !(v == 0 && b->is_open)) add(&t, "|" PLUS);
    if (!is_lo && (v > 0 || (v == 0 && !b->is_open))) add(&t, "|" MINUS);
    if (is_lo && (v > 0 || (v == 0 && b->is_open))) add_least(&t, "", &m, b->is_open);
    if (is_lo && v < 0) add_most(&t, "-", &m, b->is_open);
    if (!is_lo && (v > 0 || (v == 0 && !b->is_open))) add_most(&t, "", &m, b->is_open);
    if (!is_lo && (v < 0 || (v == 0 && b->is_open))) add_least(&t, "-", &m, b->is_open);
    return of_text(out, &t, r, e);
}

static int whole_digits(const number_bound *b) {
    magnitude m;
    split(&m, b->v->number);
    return (int)strlen(m.whole);
}

static status decimal_lang(lang *out, bool *any, const number_rules *x, lang_room *r, err *e) {
    static const double most = 1e15;
    number_bound lo = x->lo, hi = x->hi;
    lang parts[3];
    const lang *of[3] = {&parts[0], &parts[1], &parts[2]};
    size_t n = 1;
    text t = {0};
    *any = true;
    if (!lo.v && !hi.v) {
        add(&t, "-?(0|[1-9][0-9]{0,14})(\\.[0-9]{1,17})?([eE][+-]?[0-9]{1,2})?");
        return of_text(out, &t, r, e);
    }
    if ((lo.v && lo.v->number >= most) || (hi.v && hi.v->number <= -most))
        return err_set(e, E_UNSUPPORTED, "numbers of over %d digits", DIGITS_MAX);
    if (lo.v && lo.v->number <= -most) lo.v = NULL;  // all that are written are within
    if (hi.v && hi.v->number >= most) hi.v = NULL;
    int digits = x->lo.v && x->hi.v && lo.v && hi.v ? 1 : DIGITS_OPEN;
    if (lo.v) digits = (int)max_size((size_t)digits, (size_t)whole_digits(&lo));
    if (hi.v) digits = (int)max_size((size_t)digits, (size_t)whole_digits(&hi));
    if (lo.v) TRY(bound_lang(&parts[n++], &lo, true, r, e));
    if (hi.v) TRY(bound_lang(&parts[n++], &hi, false, r, e));
    add(&t, "-?(0|[1-9][0-9]{0,%d})", digits - 1);
    if (digits < DIGITS_MAX) add(&t, "(\\.[0-9]{1,%d})?", DIGITS_MAX - digits);
    TRY(of_text(&parts[0], &t, r, e));
    return lang_product(out, of, n, n, r, e);
}

status number_lang(lang *out, bool *any, const number_rules *x, lang_room *r, err *e) {
    lang parts[1 + countof(x->multiples)];
    const lang *of[countof(parts)] = {&parts[0]};
    bool is_integer = x->is_integer || x->n_multiples;
    TRY((is_integer ? integer_lang : decimal_lang)(&parts[0], any, x, r, e));
    if (!*any) return OK;
    for (size_t i = 0; i < x->n_multiples; i++) {
        of[i + 1] = &parts[i + 1];
        TRY(lang_multiple(&parts[i + 1], x->multiples[i], r, e));
    }
    if (x->n_multiples)
        TRY(lang_product(out, of, 1 + x->n_multiples, 1 + x->n_multiples, r, e));
    else
        *out = parts[0];
    return lang_trim(any, out, r, e);
}

// --- Bounds and values ---------------------------------------------------------------------------

// As long doubles, which hold every int64 and every double.
static long double value_of(const json_value *v) {
    return v->is_integer ? (long double)v->integer : (long double)v->number;
}

number_bound number_stricter(number_bound a, number_bound b, bool is_lo) {
    if (!a.v) return b;
    if (!b.v) return a;
    long double x = value_of(a.v), y = value_of(b.v);
    if (x == y) return a.is_open ? a : b;
    return (x > y) == is_lo ? a : b;
}

bool number_fits(const json_value *v, const number_rules *rules) {
    long double x = value_of(v);
    if (rules->is_integer && x != floorl(x)) return false;
    if (rules->lo.v &&
        (x < value_of(rules->lo.v) || (x == value_of(rules->lo.v) && rules->lo.is_open)))
        return false;
    if (rules->hi.v &&
        (x > value_of(rules->hi.v) || (x == value_of(rules->hi.v) && rules->hi.is_open)))
        return false;
    for (size_t i = 0; i < rules->n_multiples; i++)
        if (fmodl(x, (long double)rules->multiples[i]) != 0) return false;
    return true;
}

str number_text(char out[NUMBER_TEXT], const json_value *v) {
    if (v->is_integer) {
        snprintf(out, NUMBER_TEXT, "%lld", (long long)v->integer);
    } else {
        if (fabs(v->number) >= 0x1p53) return STR("");
        if (v->number == floor(v->number))
            snprintf(out, NUMBER_TEXT, "%.0f", v->number);
        else
            shortest(out, v->number);
    }
    return str_of(out);
}
