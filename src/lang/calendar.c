// lang/calendar.c -- the Hebrew, Hijri and Iranian calendars, and numbers in letters.
//
// I1  All count from the days since 1970-01-01; years before each calendar's first are not shown by
//     anything that people write, and are only kept from doing harm.
//
// Source: Reingold and Dershowitz, Calendrical Calculations; for the Hijri months the tabular
// calendar with leap years 2, 5, 7, 10, 13, 16, 18, 21, 24, 26 and 29 of 30; for the Iranian
// calendar the 33-year cycle.

#include "lang/date.h"

enum { YEARS_SAFE = 100000 };

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

// --- Hebrew ----------------------------------------------------------------------------------

// Days from the calendar's beginning to Tishrei 1 of a year, by its new moon and the four rules.
static int64_t hebrew_new_year(int64_t year) {
    int64_t months = floor_div(235 * year - 234, 19), parts = 12084 + 13753 * months;
    int64_t day = months * 29 + floor_div(parts, 25920);
    return day + ((3 * (day + 1)) % 7 < 3);
}

static int64_t hebrew_year_start(int64_t year) {
    int64_t before = hebrew_new_year(year - 1), at = hebrew_new_year(year),
            after = hebrew_new_year(year + 1);
    int shift = after - at == 356 ? 2 : at - before == 382 ? 1 : 0;
    return at + shift;
}

// Months from Tishrei on: lengths in a year of that many days.
static int hebrew_month_length(int month, int year_length) {
    bool is_leap = year_length > 380;
    int kind = year_length % 10;  // 3: short, 4: regular, 5: full
    static const uint8_t days[] = {30, 29, 30, 29, 30, 29, 30, 29, 30, 29, 30, 29};
    if (month == 2) return kind == 5 ? 30 : 29;
    if (month == 3) return kind == 3 ? 29 : 30;
    if (is_leap && month == 6) return 30;
    int plain = is_leap && month > 6 ? month - 1 : month;
    return days[plain - 1];
}

date_day date_hebrew(int64_t days) {
    const int64_t epoch = -2092589;  // of 1970-01-01, from Tishrei 1 of year 1
    int64_t since = days - epoch;
    int64_t year = floor_div(since * 98496, 35975351) + 2;
    if (year < 1 || year > YEARS_SAFE) return (date_day){.year = 0, .month = 1, .day = 1};
    while (hebrew_year_start(year) > since + 1)
        year--;
    int64_t start = hebrew_year_start(year);
    int length = (int)(hebrew_year_start(year + 1) - start), day = (int)(since + 1 - start);
    date_day d = {.year = year, .month = 1, .is_leap = length > 380};
    while (d.month < 13 && day >= hebrew_month_length(d.month, length))
        day -= hebrew_month_length(d.month++, length);
    d.day = day + 1;
    d.month_length = hebrew_month_length(d.month, length);
    if (d.is_leap && d.month >= 6) d.month = d.month == 6 ? 13 : d.month == 7 ? 14 : d.month - 1;
    return d;
}

str date_hebrew_month(int month) {
    static const char *const names[] = {"Tishrei", "Cheshvan", "Kislev", "Tevet",  "Shevat",
                                        "Adar",    "Nisan",    "Iyar",   "Sivan",  "Tamuz",
                                        "Av",      "Elul",     "Adar I", "Adar II"};
    return month >= 1 && month <= (int)countof(names) ? str_of(names[month - 1]) : STR("");
}

// --- Hijri -----------------------------------------------------------------------------------

static bool is_hijri_leap(int64_t year) {
    return (11 * year + 14) % 30 < 11;
}

// Dates before 15 October 1582 are read as Julian ones, as MediaWiki does for this calendar.
static int64_t julian_days(int64_t days) {
    enum { SWITCH = -141427 };  // 1582-10-15
    if (days >= SWITCH) return days;
    date_parts d = date_of(days * 86400);
    int64_t year = d.year - (d.month <= 2);
    return days + floor_div(year, 100) - floor_div(year, 400) - 2;
}

date_day date_hijri(int64_t days) {
    int64_t since = julian_days(days) + 492148;  // from 16 July 622 on
    if (since < 0 || since > (int64_t)YEARS_SAFE * 355)
        return (date_day){.year = 0, .month = 1, .day = 1};
    int64_t year = (30 * since + 10646) / 10631;
    int64_t start = (year - 1) * 354 + (3 + 11 * year) / 30;
    int day = (int)(since - start);
    date_day d = {.year = year, .month = 1, .is_leap = is_hijri_leap(year)};
    d.month_length = 30;
    while (d.month < 12 && day >= d.month_length) {
        day -= d.month_length;
        d.month++;
        d.month_length = d.month == 12 && d.is_leap ? 30 : d.month % 2 ? 30 : 29;
    }
    d.day = day + 1;
    return d;
}

str date_hijri_month(int month) {
    static const char *const names[] = {"Muharram",       "Safar",           "Rabi' al-awwal",
                                        "Rabi' al-thani", "Jumada al-awwal", "Jumada al-thani",
                                        "Rajab",          "Sha'aban",        "Ramadan",
                                        "Shawwal",        "Dhu al-Qi'dah",   "Dhu al-Hijjah"};
    return month >= 1 && month <= (int)countof(names) ? str_of(names[month - 1]) : STR("");
}

// --- Iranian ---------------------------------------------------------------------------------

date_day date_iranian(int64_t days) {
    // The last month is said to have 29 days in leap years too, as MediaWiki does.
    static const uint8_t lengths[] = {31, 31, 31, 31, 31, 31, 30, 30, 30, 30, 30, 29};
    int64_t since = days + 135061;  // from 1 Farvardin of year 979 on, where a cycle of 33 starts
    int64_t cycle = floor_div(since, 12053), rest = since - cycle * 12053;
    int64_t fours = rest / 1461, year = 979 + 33 * cycle + 4 * fours;
    rest -= fours * 1461;
    bool is_leap = rest < 366;
    if (!is_leap) {
        year += (rest - 1) / 365;
        rest = (rest - 1) % 365;
    }
    if (year < 1) return (date_day){.year = 0, .month = 1, .day = 1};
    date_day d = {.year = year, .month = 1, .day_of_year = (int)rest, .is_leap = is_leap};
    int day = (int)rest;
    while (d.month < 12 && day >= lengths[d.month - 1])
        day -= lengths[d.month++ - 1];
    d.day = day + 1;
    d.month_length = lengths[d.month - 1];
    return d;
}

str date_iranian_month(int month) {
    static const char *const names[] = {"Farvardin", "Ordibehesht", "Khordad", "Tir",
                                        "Mordad",    "Shahrivar",   "Mehr",    "Aban",
                                        "Azar",      "Dey",         "Bahman",  "Esfand"};
    return month >= 1 && month <= (int)countof(names) ? str_of(names[month - 1]) : STR("");
}

// --- Numbers in letters ------------------------------------------------------------------------

static void put_plain(buf *out, int64_t n) {
    buf_fmt(out, "%lld", (long long)n);
}

void date_put_roman(buf *out, int64_t n) {
    static const struct {
        const char *text;
        int value;
    } steps[] = {{"M", 1000}, {"CM", 900}, {"D", 500}, {"CD", 400}, {"C", 100},
                 {"XC", 90},  {"L", 50},   {"XL", 40}, {"X", 10},   {"IX", 9},
                 {"V", 5},    {"IV", 4},   {"I", 1}};
    if (n <= 0 || n > 10000) {
        put_plain(out, n);
        return;
    }
    for (size_t i = 0; i < countof(steps); i++)
        for (; n >= steps[i].value; n -= steps[i].value)
            buf_add(out, str_of(steps[i].text));
}

// Thousands, hundreds, tens and ones as letters; 15 and 16 avoid the letters of a name of God; a
// mark goes in front of the last letter, or behind a single one.
void date_put_hebrew(buf *out, int64_t n) {
    static const char *const ones[] = {"", "א", "ב", "ג", "ד", "ה", "ו", "ז", "ח", "ט"};
    static const char *const tens[] = {"", "י", "כ", "ל", "מ", "נ", "ס", "ע", "פ", "צ"};
    // clang-format off
    static const char *const hundreds[] = {"", "ק", "ר", "ש", "ת", "תק", "תר", "תש", "תת", "תתק"};
    // clang-format on
    if (n <= 0 || n > 9999) {
        put_plain(out, n);
        return;
    }
    char text[32];
    int rest = (int)(n % 1000), low = rest % 100;
    size_t len = 0;
    const char *parts[] = {hundreds[rest / 100],
                           low == 15   ? "טו"
                           : low == 16 ? "טז"
                                       : tens[low / 10],
                           low == 15 || low == 16 ? "" : ones[low % 10]};
    for (size_t i = 0; i < countof(parts); i++)
        for (const char *c = parts[i]; *c && len < sizeof text; c++)
            text[len++] = *c;
    // The last of several letters has its final form, which comes one before it in Unicode.
    bool has_final = len && (n >= 1000 || len > 2) && strchr("\x9B\x9E\xA0\xA4\xA6", text[len - 1]);
    if (has_final) text[len - 1]--;
    if (n >= 1000) {
        buf_add(out, str_of(ones[n / 1000]));
        if (!len)
            buf_add(out, n == 1000 ? STR("' אלף") : STR("' אלפים"));
        else if (len == 2)
            buf_byte(out, '\'');
    }
    if (len == 2) {
        buf_add(out, (str){text, len});
        if (n < 1000) buf_byte(out, '\'');
        if (n >= 1000) buf_byte(out, '\'');
    } else if (len > 2) {
        if (n >= 1000) buf_byte(out, '\'');
        buf_add(out, (str){text, len - 2});
        buf_byte(out, '"');
        buf_add(out, (str){text + len - 2, 2});
    }
}
