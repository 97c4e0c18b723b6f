// lang/date_put.c -- writing dates: a format, letter by letter.
//
// I1  A code gives a number, which the language, or xn, xr or xh in front of it, writes in its way,
//     or a text, which is written as it is.

#include "lang/date.h"
#include "lang/lang.h"

#include <stdio.h>

enum { SECONDS_A_DAY = 86400, CODE_MAX = 3 };

typedef struct moment {
    int64_t at, days;
    date_parts date;
    int weekday;
    date_day hebrew, hijri, iranian;
    bool has_hebrew, has_hijri, has_iranian;
    const lang_row *lang;
} moment;

typedef struct result {
    bool is_number, is_known;
    int64_t number;
    int width;  // zeros in front
    str text;
    char room[40];
} result;

static void number(result *r, int64_t n, int width) {
    r->is_number = true, r->number = n, r->width = width;
}

static void text(result *r, str s) {
    r->text = s;
}

// --- Days of a year ----------------------------------------------------------------------------

static bool is_leap(int64_t year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int day_of_year(const moment *m) {
    return (int)(m->days - date_days_of(m->date.year, 1, 1));
}

// The ISO week's year and number: those of its Thursday.
static int64_t iso_week(int64_t *year, const moment *m) {
    int64_t thursday = m->days - (m->weekday + 6) % 7 + 3;
    *year = date_of(thursday * SECONDS_A_DAY).year;
    return (thursday - date_days_of(*year, 1, 1)) / 7 + 1;
}

// --- Codes of one letter -------------------------------------------------------------------------

static void put_zone_free(result *r, const moment *m, char code) {
    static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const date_parts *d = &m->date;
    int n = 0;
    if (code == 'c')
        n = snprintf(r->room, sizeof r->room, "%04d-%02d-%02dT%02d:%02d:%02d+00:00", (int)d->year,
                     d->month, d->day, d->hour, d->minute, d->second);
    else
        n = snprintf(r->room, sizeof r->room, "%s, %02d %s %04d %02d:%02d:%02d +0000",
                     days[m->weekday], d->day, months[d->month - 1], (int)d->year, d->hour,
                     d->minute, d->second);
    text(r, (str){r->room, (size_t)n});
}

static void of_date(result *r, const moment *m, char code) {
    const date_parts *d = &m->date;
    int64_t iso_year, week = iso_week(&iso_year, m);
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    switch (code) {
    case 'd':
        number(r, d->day, 2);
        break;
    case 'j':
        number(r, d->day, 0);
        break;
    case 'D':
        text(r, lang_item(m->lang->short_days, m->weekday));
        break;
    case 'l':
        text(r, lang_item(m->lang->days, m->weekday));
        break;
    case 'N':
        number(r, m->weekday ? m->weekday : 7, 0);
        break;
    case 'w':
        number(r, m->weekday, 0);
        break;
    case 'z':
        number(r, day_of_year(m), 0);
        break;
    case 'W':
        number(r, week, 2);
        break;
    case 'F':
        text(r, lang_item(m->lang->months, d->month - 1));
        break;
    case 'M':
        text(r, lang_item(m->lang->short_months, d->month - 1));
        break;
    case 'm':
        number(r, d->month, 2);
        break;
    case 'n':
        number(r, d->month, 0);
        break;
    case 't':
        number(r, lengths[d->month - 1] + (d->month == 2 && is_leap(d->year)), 0);
        break;
    case 'L':
        number(r, is_leap(d->year), 0);
        break;
    case 'o':
        number(r, iso_year, 0);
        break;
    case 'Y':
        number(r, d->year, 4);
        break;
    case 'y':
        number(r, d->year % 100, 2);
        break;
    default:
        r->is_known = false;
        break;
    }
}

static void of_time(result *r, const moment *m, char code) {
    const date_parts *d = &m->date;
    int twelve = d->hour % 12 ? d->hour % 12 : 12;
    switch (code) {
    case 'a':
        text(r, d->hour < 12 ? STR("am") : STR("pm"));
        break;
    case 'A':
        text(r, d->hour < 12 ? STR("AM") : STR("PM"));
        break;
    case 'g':
        number(r, twelve, 0);
        break;
    case 'h':
        number(r, twelve, 2);
        break;
    case 'G':
        number(r, d->hour, 0);
        break;
    case 'H':
        number(r, d->hour, 2);
        break;
    case 'i':
        number(r, d->minute, 2);
        break;
    case 's':
        number(r, d->second, 2);
        break;
    case 'U':
        number(r, m->at, 0);
        break;
    case 'e':
    case 'T':
        text(r, STR("UTC"));
        break;
    case 'O':
        text(r, STR("+0000"));
        break;
    case 'P':
        text(r, STR("+00:00"));
        break;
    case 'I':
    case 'Z':
        text(r, STR("0"));
        break;
    case 'c':
    case 'r':
        put_zone_free(r, m, code);
        break;
    default:
        of_date(r, m, code);
        break;
    }
}

// --- Other calendars -----------------------------------------------------------------------------

static void of_day(result *r, const date_day *d, char code, str month) {
    switch (code) {
    case 'j':
        number(r, d->day, 0);
        break;
    case 'n':
        number(r, d->month, 0);
        break;
    case 'Y':
        number(r, d->year, 0);
        break;
    case 'y':
        number(r, d->year % 100, 2);
        break;
    case 't':
        number(r, d->month_length, 0);
        break;
    case 'z':
        number(r, d->day_of_year, 0);
        break;
    case 'F':
    case 'x':
        text(r, month);
        break;
    default:
        r->is_known = false;
        break;
    }
}

// Eras by the day that each begins on; the first has no beginning, as in MediaWiki.
static void of_japan(result *r, const moment *m) {
    static const struct {
        int year, month, day;
        const char *name;
    } eras[] = {{2019, 5, 1, "令和"},
                {1989, 1, 8, "平成"},
                {1926, 12, 25, "昭和"},
                {1912, 7, 31, "大正"},
                {1868, 1, 1, "明治"}};
    for (size_t i = 0; i < countof(eras); i++) {
        if (i + 1 < countof(eras) &&
            m->days < date_days_of(eras[i].year, eras[i].month, eras[i].day))
            continue;
        int64_t year = m->date.year - eras[i].year + 1;
        int n = year == 1 ? snprintf(r->room, sizeof r->room, "%s元", eras[i].name)
                          : snprintf(r->room, sizeof r->room, "%s%d", eras[i].name, (int)year);
        text(r, (str){r->room, (size_t)n});
        return;
    }
}

static bool is_among(char c, const char *set) {
    return c && strchr(set, c);
}

// From 1912 to 1940 the year began in April.
static int64_t thai_year(const date_parts *d) {
    return d->year + 543 - (d->year >= 1912 && d->year <= 1940 && d->month < 4);
}

// The third letter of "xjY" and its like.
static void of_calendar(result *r, moment *m, char which, char what) {
    static const char hebrew[] = "jtFxnY", hijri[] = "jFnY", iranian[] = "jFnYyzt";
    bool is_year = what == 'Y';
    if (which == 'k' && is_year)
        number(r, thai_year(&m->date), 0);
    else if (which == 'o' && is_year)
        number(r, m->date.year - 1911, 0);
    else if (which == 't' && is_year)
        of_japan(r, m);
    else if (which == 'j' && is_among(what, hebrew))
        of_day(r, &m->hebrew, what, date_hebrew_month(m->hebrew.month));
    else if (which == 'm' && is_among(what, hijri))
        of_day(r, &m->hijri, what, date_hijri_month(m->hijri.month));
    else if (which == 'i' && is_among(what, iranian))
        of_day(r, &m->iranian, what, date_iranian_month(m->iranian.month));
    else
        r->is_known = false;
}

static void convert(moment *m, char which) {
    if (which == 'j' && !m->has_hebrew) m->hebrew = date_hebrew(m->days), m->has_hebrew = true;
    if (which == 'm' && !m->has_hijri) m->hijri = date_hijri(m->days), m->has_hijri = true;
    if (which == 'i' && !m->has_iranian) m->iranian = date_iranian(m->days), m->has_iranian = true;
}

// "xg", "xjY"...: how many letters the code has. Of one that is none the last is shown.
static size_t of_extended(result *r, moment *m, str code) {
    char which = code.len > 1 ? code.ptr[1] : 0;
    size_t n = min_size(code.len, is_among(which, "ijkmot") ? 3 : 2);
    const char *genitives = m->lang->genitives ? m->lang->genitives : m->lang->months;
    convert(m, which);
    if (n == 3)
        of_calendar(r, m, which, code.ptr[2]);
    else if (which == 'g')
        text(r, lang_item(genitives, m->date.month - 1));
    else
        r->is_known = false;
    if (!r->is_known) text(r, (str){code.ptr + n - 1, 1});
    r->is_known = true;
    return n;
}

// --- The format --------------------------------------------------------------------------------

typedef enum how { AS_IN_LANGUAGE, RAW, ROMAN, HEBREW } how;

static void put_number(buf *out, const result *r, how next, bool is_raw, const lang_row *lang) {
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%0*lld", r->width, (long long)r->number);
    str plain = {digits, (size_t)n};
    if (next == ROMAN)
        date_put_roman(out, r->number);
    else if (next == HEBREW)
        date_put_hebrew(out, r->number);
    else if (next == RAW || is_raw)
        buf_add(out, plain);
    else
        lang_put_digits(out, plain, lang);
}

// "..." as it stands, a quote without an end as a quote.
static size_t put_quoted(buf *out, str s) {
    size_t end = str_find_byte(str_skip(s, 1), '"') + 1;
    if (end >= s.len) {
        buf_byte(out, '"');
        return 1;
    }
    buf_add(out, str_first(str_skip(s, 1), end - 1));
    return end + 1;
}

static bool is_modifier(how *next, bool *is_raw, str s) {
    if (s.len < 2 || s.ptr[0] != 'x') return false;
    switch (s.ptr[1]) {
    case 'n':
        *next = RAW;
        return true;
    case 'N':
        *is_raw = !*is_raw;
        return true;
    case 'r':
        *next = ROMAN;
        return true;
    case 'h':
        *next = HEBREW;
        return true;
    default:
        return false;
    }
}

void date_put(buf *out, str format, int64_t at, const lang_row *lang) {
    moment m = {.at = at, .date = date_of(at), .lang = lang};
    how next = AS_IN_LANGUAGE;
    bool is_raw = false;
    m.days = date_days_of(m.date.year, m.date.month, m.date.day);
    m.weekday = date_weekday(m.days);
    for (str s = format; s.len;) {
        result r = {.is_known = true};
        size_t n = 1;
        if (is_modifier(&next, &is_raw, s)) {
            s = str_skip(s, 2);
            continue;
        }
        if (s.ptr[0] == '"') {
            s = str_skip(s, put_quoted(out, s));
            continue;
        }
        if (s.ptr[0] == '\\' && s.len > 1) {
            buf_byte(out, s.ptr[1]);
            s = str_skip(s, 2);
            continue;
        }
        if (s.ptr[0] == 'x')
            n = of_extended(&r, &m, s);
        else
            of_time(&r, &m, s.ptr[0]);
        if (r.is_number) {
            put_number(out, &r, next, is_raw, lang);
            next = AS_IN_LANGUAGE;
        } else {
            buf_add(out, r.is_known ? r.text : str_first(s, n));
        }
        s = str_skip(s, n);
    }
}
