// HTTP dates by civil-calendar arithmetic: no locale, no time zone, no libc state.
//
//   I1  format and parse are inverse for every second of 1970 to 9999

#include "http/date.h"

static const char days[7][10] = {"Monday", "Tuesday",  "Wednesday", "Thursday",
                                 "Friday", "Saturday", "Sunday"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

typedef struct civil {
    int64_t year, month, day, hour, minute, second;  // month and day from 1
} civil;

// Days since 1970-01-01 of a date in the Gregorian calendar, and back. March starts the year, so
// that the leap day is the last one.
static int64_t days_of(int64_t y, int64_t m, int64_t d) {
    y -= m <= 2;
    int64_t era = y / 400, yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

static civil civil_of(int64_t unix_s) {
    int64_t z = unix_s / 86400 + 719468, rest = unix_s % 86400;
    int64_t era = z / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    int64_t month = mp < 10 ? mp + 3 : mp - 9;
    return (civil){yoe + era * 400 + (month <= 2),
                   month,
                   doy - (153 * mp + 2) / 5 + 1,
                   rest / 3600,
                   rest / 60 % 60,
                   rest % 60};
}

static char *put2(char *p, int64_t v) {
    p[0] = (char)('0' + v / 10 % 10);
    p[1] = (char)('0' + v % 10);
    return p + 2;
}

static char *put(char *p, const char *s, size_t n) {
    memcpy(p, s, n);
    return p + n;
}

void http_date_format(char out[HTTP_DATE_LEN], int64_t t) {
    if (t < 0) t = 0;
    t = min_i64(t, INT64_C(253402300799));
    civil c = civil_of(t);
    char *p = put(out, days[(t / 86400 + 3) % 7], 3);
    p = put(p, ", ", 2);
    p = put2(p, c.day);
    *p++ = ' ';
    p = put(p, months[c.month - 1], 3);
    *p++ = ' ';
    p = put2(put2(p, c.year / 100), c.year);
    *p++ = ' ';
    p = put2(p, c.hour);
    *p++ = ':';
    p = put2(p, c.minute);
    *p++ = ':';
    p = put2(p, c.second);
    put(p, " GMT", 4);
}

// --- Parsing ---------------------------------------------------------------------------------
// Small readers over a cursor; each moves it or sets `bad`.

typedef struct cursor {
    str s;
    bool bad;
} cursor;

static void expect(cursor *c, const char *lit) {
    str want = str_of(lit);
    c->bad |= !str_starts(c->s, want);
    c->s = str_skip(c->s, want.len);
}

static int64_t number(cursor *c, size_t n_digits) {
    uint64_t v = 0;
    c->bad |= c->s.len < n_digits || !str_parse_u64(&v, str_first(c->s, n_digits));
    c->s = str_skip(c->s, n_digits);
    return (int64_t)v;
}

static int64_t month(cursor *c) {
    for (int64_t i = 0; i < 12; i++)
        if (str_starts(c->s, (str){months[i], 3})) {
            c->s = str_skip(c->s, 3);
            return i + 1;
        }
    c->bad = true;
    return 1;
}

// The day's name, whole or its first three letters. It must be one; that it fits is not checked.
static void day_name(cursor *c, bool whole) {
    for (size_t i = 0; i < 7; i++) {
        str name = whole ? str_of(days[i]) : (str){days[i], 3};
        if (!str_starts(c->s, name)) continue;
        c->s = str_skip(c->s, name.len);
        return;
    }
    c->bad = true;
}

static void clock_time(cursor *c, civil *t) {
    t->hour = number(c, 2);
    expect(c, ":");
    t->minute = number(c, 2);
    expect(c, ":");
    t->second = number(c, 2);
}

static bool finish(int64_t *unix_s, const cursor *c, civil t) {
    static const int64_t most[12] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (c->bad || c->s.len || t.year < 1970 || t.day < 1 || t.day > most[t.month - 1] ||
        t.hour > 23 || t.minute > 59 || t.second > 60)
        return false;
    *unix_s = days_of(t.year, t.month, t.day) * 86400 + t.hour * 3600 + t.minute * 60 + t.second;
    return true;
}

static bool parse_imf(int64_t *out, str s) {  // Sun, 06 Nov 1994 08:49:37 GMT
    cursor c = {.s = s};
    civil t = {0};
    day_name(&c, false);
    expect(&c, ", ");
    t.day = number(&c, 2);
    expect(&c, " ");
    t.month = month(&c);
    expect(&c, " ");
    t.year = number(&c, 4);
    expect(&c, " ");
    clock_time(&c, &t);
    expect(&c, " GMT");
    return finish(out, &c, t);
}

static bool parse_rfc850(int64_t *out, str s) {  // Sunday, 06-Nov-94 08:49:37 GMT
    cursor c = {.s = s};
    civil t = {0};
    day_name(&c, true);
    expect(&c, ", ");
    t.day = number(&c, 2);
    expect(&c, "-");
    t.month = month(&c);
    expect(&c, "-");
    t.year = number(&c, 2);
    t.year += t.year < 70 ? 2000 : 1900;
    expect(&c, " ");
    clock_time(&c, &t);
    expect(&c, " GMT");
    return finish(out, &c, t);
}

static bool parse_asctime(int64_t *out, str s) {  // Sun Nov  6 08:49:37 1994
    cursor c = {.s = s};
    civil t = {0};
    day_name(&c, false);
    expect(&c, " ");
    t.month = month(&c);
    expect(&c, " ");
    bool one = c.s.len && c.s.ptr[0] == ' ';
    if (one) expect(&c, " ");
    t.day = number(&c, one ? 1 : 2);
    expect(&c, " ");
    clock_time(&c, &t);
    expect(&c, " ");
    t.year = number(&c, 4);
    return finish(out, &c, t);
}

bool http_date_parse(int64_t *out, str s) {
    return parse_imf(out, s) || parse_rfc850(out, s) || parse_asctime(out, s);
}
