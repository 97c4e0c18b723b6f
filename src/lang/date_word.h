// lang/date_word.h -- the English words that dates are written with.
//
//   Threads   immutable tables
#ifndef LANG_DATE_WORD_H
#define LANG_DATE_WORD_H

#include "base/str.h"

typedef enum date_word_kind {
    WORD_MONTH,
    WORD_ROMAN_MONTH,
    WORD_WEEKDAY,   // value: from Sunday, 0
    WORD_WEEKDAYS,  // days without weekends
    WORD_SECONDS,   // value: how many one is
    WORD_MINUTES,
    WORD_HOURS,
    WORD_DAYS,
    WORD_MONTHS,
    WORD_YEARS,
    WORD_ORDINAL,   // first to twelfth
    WORD_RELATIVE,  // last, this, next
    WORD_NOW,
    WORD_NOON,
    WORD_TODAY,
    WORD_YESTERDAY,
    WORD_TOMORROW,
    WORD_AGO,
    WORD_EDGE,  // "first day of" 1, "last day of" 2
    WORD_ZONE,  // value: minutes east
} date_word_kind;

typedef struct date_word {
    const char *text;  // lower case
    date_word_kind kind;
    short value;
} date_word;

// Row i of the months; NULL at their end.
const date_word *date_month(size_t i);

// The longest word in front of s, in any case, whose kind's bit (1u << kind) is set; NULL: none.
const date_word *date_read_word(str s, unsigned kinds);
// A zone by its whole name.
const date_word *date_zone(str name);

#endif
