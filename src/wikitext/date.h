// wikitext/date.h -- dates as people write them, and dates as a format asks for them.
//
//   Threads   pure functions; any
//   Limits    DATE_TEXT_MAX bytes of a text are read; years from -4,000,000 to 4,000,000
//   Errors    wt_date_read: false, *out is left alone
//   Source    https://www.php.net/manual/en/datetime.formats.php (what #time takes), and
//             https://www.mediawiki.org/wiki/Help:Extension:ParserFunctions##time (what it writes)
#ifndef WIKITEXT_DATE_H
#define WIKITEXT_DATE_H

#include "base/buf.h"

struct wt_lang;

enum { WT_DATE_TEXT_MAX = 512 };

typedef struct wt_date {
    int64_t year;
    int month, day;  // from 1
    int hour, minute, second;
} wt_date;

// Days since 1970-01-01 in the Gregorian calendar without beginning; month and day may be over
// their ends, either way.
int64_t wt_days_of(int64_t year, int64_t month, int64_t day);
wt_date wt_date_of(int64_t unix_seconds);
int wt_weekday(int64_t days);  // 0: Sunday

// "last monday of january 2001", "@86400", "+1 day"... Fields that the text leaves open are those
// of `now`, which *uses_now says. Times are UTC.
bool wt_date_read(int64_t *out, bool *uses_now, str text, int64_t now);

// As Language::sprintfDate: PHP's letters, and MediaWiki's with an x in front.
void wt_date_put(buf *out, str format, int64_t at, const struct wt_lang *lang);

// --- Other calendars (calendar.c) ----------------------------------------------------------------

typedef struct wt_day {
    int64_t year;
    int month, day;  // from 1
    int month_length;
    int day_of_year;  // from 0: of the Iranian calendar alone
    bool is_leap;
} wt_day;

wt_day wt_hebrew(int64_t days);  // months from Tishrei on; 13 and 14: Adar I and II
wt_day wt_hijri(int64_t days);   // the tabular calendar
wt_day wt_iranian(int64_t days);
// Months of these, from 1.
str wt_hebrew_month(int month);
str wt_hijri_month(int month);
str wt_iranian_month(int month);

// As letters: "MMI", "ה'תשס\"א"; numbers that have no such form are written in digits.
void wt_put_roman(buf *out, int64_t n);
void wt_put_hebrew(buf *out, int64_t n);

#endif
