// lang/date.h -- dates as people write them, and dates as a format asks for them.
//
//   Owner     nobody: results are values, or appended to the buf that is given
//   Threads   pure functions; any
//   Limits    DATE_TEXT_MAX bytes of a text are read; years from -4,000,000 to 4,000,000
//   Errors    date_read: false, *out is left alone
//   Source    https://www.php.net/manual/en/datetime.formats.php (what #time takes), and
//             https://www.mediawiki.org/wiki/Help:Extension:ParserFunctions##time (what it writes)
#ifndef LANG_DATE_H
#define LANG_DATE_H

#include "base/buf.h"

struct lang_row;

enum { WT_DATE_TEXT_MAX = 512 };

typedef struct date_parts {
    int64_t year;
    int month, day;  // from 1
    int hour, minute, second;
} date_parts;

// Days since 1970-01-01 in the Gregorian calendar without beginning; month and day may be over
// their ends, either way.
int64_t date_days_of(int64_t year, int64_t month, int64_t day);
date_parts date_of(int64_t unix_seconds);
int date_weekday(int64_t days);  // 0: Sunday

// "last monday of january 2001", "@86400", "+1 day"... Fields that the text leaves open are those
// of `now`, which *uses_now says. Times are UTC.
bool date_read(int64_t *out, bool *uses_now, str text, int64_t now);

// As Language::sprintfDate: PHP's letters, and MediaWiki's with an x in front.
void date_put(buf *out, str format, int64_t at, const struct lang_row *lang);

// --- Other calendars (calendar.c) ----------------------------------------------------------------

typedef struct date_day {
    int64_t year;
    int month, day;  // from 1
    int month_length;
    int day_of_year;  // from 0: of the Iranian calendar alone
    bool is_leap;
} date_day;

date_day date_hebrew(int64_t days);  // months from Tishrei on; 13 and 14: Adar I and II
date_day date_hijri(int64_t days);   // the tabular calendar
date_day date_iranian(int64_t days);
// Months of these, from 1.
str date_hebrew_month(int month);
str date_hijri_month(int month);
str date_iranian_month(int month);

// As letters: "MMI", "ה'תשס\"א"; numbers that have no such form are written in digits.
void date_put_roman(buf *out, int64_t n);
void date_put_hebrew(buf *out, int64_t n);

#endif
