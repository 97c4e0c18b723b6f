// lang/date_word.c -- words of dates, as tables.

#include "lang/date_word.h"

static const date_word months[] = {
    {"january", WORD_MONTH, 1},   {"jan", WORD_MONTH, 1},        {"february", WORD_MONTH, 2},
    {"feb", WORD_MONTH, 2},       {"march", WORD_MONTH, 3},      {"mar", WORD_MONTH, 3},
    {"april", WORD_MONTH, 4},     {"apr", WORD_MONTH, 4},        {"may", WORD_MONTH, 5},
    {"june", WORD_MONTH, 6},      {"jun", WORD_MONTH, 6},        {"july", WORD_MONTH, 7},
    {"jul", WORD_MONTH, 7},       {"august", WORD_MONTH, 8},     {"aug", WORD_MONTH, 8},
    {"september", WORD_MONTH, 9}, {"sept", WORD_MONTH, 9},       {"sep", WORD_MONTH, 9},
    {"october", WORD_MONTH, 10},  {"oct", WORD_MONTH, 10},       {"november", WORD_MONTH, 11},
    {"nov", WORD_MONTH, 11},      {"december", WORD_MONTH, 12},  {"dec", WORD_MONTH, 12},
    {"I", WORD_ROMAN_MONTH, 1},   {"II", WORD_ROMAN_MONTH, 2},   {"III", WORD_ROMAN_MONTH, 3},
    {"IV", WORD_ROMAN_MONTH, 4},  {"V", WORD_ROMAN_MONTH, 5},    {"VI", WORD_ROMAN_MONTH, 6},
    {"VII", WORD_ROMAN_MONTH, 7}, {"VIII", WORD_ROMAN_MONTH, 8}, {"IX", WORD_ROMAN_MONTH, 9},
    {"X", WORD_ROMAN_MONTH, 10},  {"XI", WORD_ROMAN_MONTH, 11},  {"XII", WORD_ROMAN_MONTH, 12},
};

static const date_word words[] = {
    {"sundays", WORD_WEEKDAY, 0},
    {"sunday", WORD_WEEKDAY, 0},
    {"sun", WORD_WEEKDAY, 0},
    {"mondays", WORD_WEEKDAY, 1},
    {"monday", WORD_WEEKDAY, 1},
    {"mon", WORD_WEEKDAY, 1},
    {"tuesdays", WORD_WEEKDAY, 2},
    {"tuesday", WORD_WEEKDAY, 2},
    {"tue", WORD_WEEKDAY, 2},
    {"wednesdays", WORD_WEEKDAY, 3},
    {"wednesday", WORD_WEEKDAY, 3},
    {"wed", WORD_WEEKDAY, 3},
    {"thursdays", WORD_WEEKDAY, 4},
    {"thursday", WORD_WEEKDAY, 4},
    {"thu", WORD_WEEKDAY, 4},
    {"fridays", WORD_WEEKDAY, 5},
    {"friday", WORD_WEEKDAY, 5},
    {"fri", WORD_WEEKDAY, 5},
    {"saturdays", WORD_WEEKDAY, 6},
    {"saturday", WORD_WEEKDAY, 6},
    {"sat", WORD_WEEKDAY, 6},
    {"weekday", WORD_WEEKDAYS, 1},
    {"weekdays", WORD_WEEKDAYS, 1},
    {"ms", WORD_SECONDS, 0},
    {"msec", WORD_SECONDS, 0},
    {"msecs", WORD_SECONDS, 0},
    {"millisecond", WORD_SECONDS, 0},
    {"milliseconds", WORD_SECONDS, 0},
    {"usec", WORD_SECONDS, 0},
    {"usecs", WORD_SECONDS, 0},
    {"microsecond", WORD_SECONDS, 0},
    {"microseconds", WORD_SECONDS, 0},
    {"sec", WORD_SECONDS, 1},
    {"secs", WORD_SECONDS, 1},
    {"second", WORD_SECONDS, 1},
    {"seconds", WORD_SECONDS, 1},
    {"min", WORD_MINUTES, 1},
    {"mins", WORD_MINUTES, 1},
    {"minute", WORD_MINUTES, 1},
    {"minutes", WORD_MINUTES, 1},
    {"hour", WORD_HOURS, 1},
    {"hours", WORD_HOURS, 1},
    {"day", WORD_DAYS, 1},
    {"days", WORD_DAYS, 1},
    {"week", WORD_DAYS, 7},
    {"weeks", WORD_DAYS, 7},
    {"fortnight", WORD_DAYS, 14},
    {"fortnights", WORD_DAYS, 14},
    {"forthnight", WORD_DAYS, 14},
    {"forthnights", WORD_DAYS, 14},
    {"month", WORD_MONTHS, 1},
    {"months", WORD_MONTHS, 1},
    {"year", WORD_YEARS, 1},
    {"years", WORD_YEARS, 1},
    {"first", WORD_ORDINAL, 1},
    {"second", WORD_ORDINAL, 2},
    {"third", WORD_ORDINAL, 3},
    {"fourth", WORD_ORDINAL, 4},
    {"fifth", WORD_ORDINAL, 5},
    {"sixth", WORD_ORDINAL, 6},
    {"seventh", WORD_ORDINAL, 7},
    {"eighth", WORD_ORDINAL, 8},
    {"eight", WORD_ORDINAL, 8},
    {"ninth", WORD_ORDINAL, 9},
    {"tenth", WORD_ORDINAL, 10},
    {"eleventh", WORD_ORDINAL, 11},
    {"twelfth", WORD_ORDINAL, 12},
    {"next", WORD_RELATIVE, 1},
    {"last", WORD_RELATIVE, -1},
    {"previous", WORD_RELATIVE, -1},
    {"this", WORD_RELATIVE, 0},
    {"now", WORD_NOW, 0},
    {"noon", WORD_NOON, 0},
    {"midnight", WORD_TODAY, 0},
    {"today", WORD_TODAY, 0},
    {"yesterday", WORD_YESTERDAY, 0},
    {"tomorrow", WORD_TOMORROW, 0},
    {"ago", WORD_AGO, 0},
    {"first day of", WORD_EDGE, 1},
    {"last day of", WORD_EDGE, 2},
};

// Standard time and, where they have a name, summer times; one letter: military zones.
static const date_word zones[] = {
    // clang-format off
    {"utc", WORD_ZONE, 0}, {"gmt", WORD_ZONE, 0}, {"wet", WORD_ZONE, 0}, {"west", WORD_ZONE, 60},
    {"bst", WORD_ZONE, 60}, {"ist", WORD_ZONE, 120}, {"cet", WORD_ZONE, 60},
    {"cest", WORD_ZONE, 120}, {"eet", WORD_ZONE, 120}, {"eest", WORD_ZONE, 180},
    {"msk", WORD_ZONE, 180}, {"msd", WORD_ZONE, 240}, {"est", WORD_ZONE, -300},
    {"edt", WORD_ZONE, -240}, {"cst", WORD_ZONE, -360}, {"cdt", WORD_ZONE, -300},
    {"mst", WORD_ZONE, -420}, {"mdt", WORD_ZONE, -360}, {"pst", WORD_ZONE, -480},
    {"pdt", WORD_ZONE, -420}, {"akst", WORD_ZONE, -540}, {"akdt", WORD_ZONE, -480},
    {"hst", WORD_ZONE, -600}, {"hdt", WORD_ZONE, -570}, {"ast", WORD_ZONE, -240},
    {"adt", WORD_ZONE, -180}, {"nst", WORD_ZONE, -210}, {"ndt", WORD_ZONE, -150},
    {"jst", WORD_ZONE, 540}, {"kst", WORD_ZONE, 510}, {"hkt", WORD_ZONE, 480},
    {"wib", WORD_ZONE, 420}, {"wita", WORD_ZONE, 480}, {"wit", WORD_ZONE, 540},
    {"pkt", WORD_ZONE, 300}, {"npt", WORD_ZONE, -150}, {"aest", WORD_ZONE, 600},
    {"aedt", WORD_ZONE, 660}, {"acst", WORD_ZONE, 570}, {"acdt", WORD_ZONE, 630},
    {"awst", WORD_ZONE, 480}, {"nzst", WORD_ZONE, 720}, {"nzdt", WORD_ZONE, 780},
    {"sast", WORD_ZONE, 120}, {"cat", WORD_ZONE, 120}, {"eat", WORD_ZONE, 180},
    {"wat", WORD_ZONE, 60}, {"gst", WORD_ZONE, 600}, {"idt", WORD_ZONE, 180},
    {"amt", WORD_ZONE, -230}, {"tmt", WORD_ZONE, 205}, {"sst", WORD_ZONE, -660},
    {"chst", WORD_ZONE, 600}, {"a", WORD_ZONE, 60}, {"b", WORD_ZONE, 120}, {"c", WORD_ZONE, 180},
    {"d", WORD_ZONE, 240}, {"e", WORD_ZONE, 300}, {"f", WORD_ZONE, 360}, {"g", WORD_ZONE, 420},
    {"h", WORD_ZONE, 480}, {"i", WORD_ZONE, 540}, {"k", WORD_ZONE, 600}, {"l", WORD_ZONE, 660},
    {"m", WORD_ZONE, 720}, {"n", WORD_ZONE, -60}, {"o", WORD_ZONE, -120}, {"p", WORD_ZONE, -180},
    {"q", WORD_ZONE, -240}, {"r", WORD_ZONE, -300}, {"s", WORD_ZONE, -360},
    {"t", WORD_ZONE, -420}, {"u", WORD_ZONE, -480}, {"v", WORD_ZONE, -540},
    {"w", WORD_ZONE, -600}, {"x", WORD_ZONE, -660}, {"y", WORD_ZONE, -720}, {"z", WORD_ZONE, 0},
    // clang-format on
};

const date_word *date_month(size_t i) {
    return i < countof(months) ? &months[i] : NULL;
}

const date_word *date_read_word(str s, unsigned kinds) {
    const date_word *longest = NULL;
    for (size_t i = 0; i < countof(words); i++)
        if (kinds >> words[i].kind & 1 && str_starts_nocase(s, str_of(words[i].text)) &&
            (!longest || strlen(words[i].text) > strlen(longest->text)))
            longest = &words[i];
    return longest;
}

const date_word *date_zone(str name) {
    for (size_t i = 0; i < countof(zones); i++)
        if (str_eq_nocase(name, str_of(zones[i].text))) return &zones[i];
    return NULL;
}
