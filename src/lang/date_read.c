// lang/date_read.c -- reading dates: a text is cut into the longest pieces that mean something.
//
// I1  Of all forms that fit at one place the longest is taken, of equally long ones the one that
//     stands first in `forms`.
// I2  Date, time and shift are collected first; the shift is applied at the end, weekdays before
//     months and years, and "first day of" last.
// I3  No field ever passes FIELD_MAX, so that nothing overflows.

#include "lang/date.h"

#include "lang/date_word.h"

enum {
    SECONDS_A_DAY = 86400,
    UNSET = -99999999,
    YEAR_MAX = 4000000,
};
static const int64_t FIELD_MAX = 4000000000;

// --- Days ------------------------------------------------------------------------------------

static int64_t floor_div(int64_t a, int64_t b) {
    return a / b - (a % b < 0);
}

// Source: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
int64_t date_days_of(int64_t year, int64_t month, int64_t day) {
    year += floor_div(month - 1, 12);
    month = (month - 1) - 12 * floor_div(month - 1, 12) + 1;
    year -= month <= 2;
    int64_t era = floor_div(year, 400), of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468 + day - 1;
}

date_parts date_of(int64_t at) {
    int64_t days = floor_div(at, SECONDS_A_DAY), seconds = at - days * SECONDS_A_DAY;
    int64_t z = days + 719468, era = floor_div(z, 146097), of_era = z - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100), m = (5 * of_year + 2) / 153;
    int64_t month = m < 10 ? m + 3 : m - 9;
    return (date_parts){.year = year + era * 400 + (month <= 2),
                        .month = (int)month,
                        .day = (int)(of_year - (153 * m + 2) / 5 + 1),
                        .hour = (int)(seconds / 3600),
                        .minute = (int)(seconds / 60 % 60),
                        .second = (int)(seconds % 60)};
}

int date_weekday(int64_t days) {
    return (int)(days + 4 - 7 * floor_div(days + 4, 7));
}

// --- What is collected ---------------------------------------------------------------------------

typedef enum special { NO_SPECIAL, WEEKDAYS, NTH_OF_MONTH, LAST_OF_MONTH } special;

typedef struct reading {
    int64_t y, m, d, h, i, s;  // UNSET: those of now
    int n_dates, n_times, n_zones;
    int64_t zone;  // seconds east
    struct {
        int64_t y, m, d, h, i, s;
        int weekday, behaviour;  // see apply_weekday
        bool has_weekday;
        special special;
        int64_t amount;
        int edge;  // 1: first day of, 2: last day of
    } by;
} reading;

static void no_time(reading *r) {
    r->n_times = 0;
    r->h = r->i = r->s = 0;
}

static bool has_time(reading *r) {
    if (r->n_times++) return false;
    r->h = r->i = r->s = 0;
    return true;
}

static void shift(int64_t *field, int64_t by) {
    *field += by;
    if (*field > FIELD_MAX) *field = FIELD_MAX;
    if (*field < -FIELD_MAX) *field = -FIELD_MAX;
}

static int64_t full_year(int64_t year, int n_digits) {
    return n_digits >= 4 || year >= 100 ? year : year < 70 ? year + 2000 : year + 1900;
}

// A unit, `amount` of them. `keeps_time` false: "next monday" is a day from its start.
static void move_by(reading *r, const date_word *unit, int64_t amount, int behaviour,
                    bool keeps_time) {
    int64_t n = amount * unit->value;
    switch (unit->kind) {
    case WORD_SECONDS:
        shift(&r->by.s, n);
        return;
    case WORD_MINUTES:
        shift(&r->by.i, n);
        return;
    case WORD_HOURS:
        shift(&r->by.h, n);
        return;
    case WORD_DAYS:
        shift(&r->by.d, n);
        return;
    case WORD_MONTHS:
        shift(&r->by.m, n);
        return;
    case WORD_YEARS:
        shift(&r->by.y, n);
        return;
    case WORD_WEEKDAY:
        r->by.has_weekday = true;
        if (!keeps_time) no_time(r);
        shift(&r->by.d, (amount > 0 ? amount - 1 : amount) * 7);
        r->by.weekday = unit->value;
        r->by.behaviour = behaviour;
        return;
    case WORD_WEEKDAYS:
        if (!keeps_time) no_time(r);
        r->by.special = WEEKDAYS;
        r->by.amount = amount;
        return;
    default:
        return;
    }
}

// --- Forms of dates and times --------------------------------------------------------------------

typedef enum what {
    A_TIME,
    A_BARE_TIME,  // 4 digits: a year when there is a time already
    A_DATE,
    A_DATE_AND_TIME,
    AN_ISO_WEEK,
    A_DAY_OF_YEAR,
    A_YEAR,
} what;

// Letters stand for fields, see field(); others for themselves, but for
//   :  ":" or "."     _  spaces, if any     ~  any of " \t.-"     ,  some of ",.stndrh\t "
//   ?  what stands before it, or nothing    \  the next byte as it is
static const struct {
    const char *form;
    what what;
} forms[] = {
    {"g_p", A_TIME},
    {"g:I_p", A_TIME},
    {"g:i:S_p", A_TIME},
    {"t?h:i", A_TIME},
    {"th", A_TIME},
    {"t?h:i:s", A_TIME},
    {"t?h:i:sf", A_TIME},
    {"t?HI", A_BARE_TIME},
    {"t?HIS", A_TIME},
    {"m/d", A_DATE},
    {"m/d/y", A_DATE},
    {"+?Y-M-D", A_DATE},
    {"Y/M/D/?", A_DATE},
    {"z-M-D", A_DATE},
    {"Y-m", A_DATE},
    {"y-m-d", A_DATE},
    {"du?~n~y", A_DATE},
    {"d^m^Y", A_DATE},
    {"d^m\\.z", A_DATE},
    {"n~Y", A_DATE},
    {"Y~n", A_DATE},
    {"n~d,y", A_DATE},
    {"n~d,", A_DATE},
    {"n~d$", A_DATE},
    {"du?~n", A_DATE},
    {"YMD", A_DATE},
    {"YMDTh\\:I\\:S", A_DATE_AND_TIME},
    {"YMDthIS", A_DATE_AND_TIME},
    {"YMDHIS", A_DATE_AND_TIME},
    {"Y-M-DTH\\:I\\:Sf", A_DATE_AND_TIME},
    {"Y-m-dTh\\:i\\:s", A_DATE_AND_TIME},
    {"Y\\:M\\:D\\ H\\:I\\:S", A_DATE_AND_TIME},
    {"Y%?J", A_DAY_OF_YEAR},
    {"Y-?Ww-?E", AN_ISO_WEEK},
    {"Y-?Ww", AN_ISO_WEEK},
    {"a-D-y", A_DATE},
    {"y-a-D", A_DATE},
    {"d/a/Y\\:H\\:I\\:Sc", A_DATE_AND_TIME},
    {"Y", A_YEAR},
    {"N", A_DATE},
    {"n~d,g:I_p", A_DATE_AND_TIME},
    {"n~d,g:i:S_p", A_DATE_AND_TIME},
    {"n~d,t?h:i", A_DATE_AND_TIME},
    {"n~d,t?h:i:s", A_DATE_AND_TIME},
};

typedef struct fields {
    int year, year_digits, month, day, hour, minute, second, week, weekday, day_of_year;
    int meridian;  // 'a', 'p'
    bool has_year, has_day, has_sign, has_weekday;
} fields;

static char at(str s, size_t i) {
    return i < s.len ? s.ptr[i] : 0;
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static bool is_among(char c, const char *set) {
    return c && strchr(set, c);
}

// Numbers of a field: how many digits at most and at least, and what they may come to.
static const struct {
    char letter;
    uint8_t least, most;
    short low, high;
} numbers[] = {
    {'h', 1, 2, 0, 24},   {'H', 2, 2, 0, 24}, {'g', 1, 2, 1, 12}, {'i', 1, 2, 0, 59},
    {'I', 2, 2, 0, 59},   {'s', 1, 2, 0, 60}, {'S', 2, 2, 0, 60}, {'m', 1, 2, 0, 12},
    {'M', 2, 2, 0, 12},   {'d', 1, 2, 0, 31}, {'D', 2, 2, 0, 31}, {'y', 1, 4, 0, 9999},
    {'Y', 4, 4, 0, 9999}, {'z', 2, 2, 0, 99}, {'w', 2, 2, 1, 53}, {'E', 1, 1, 0, 7},
    {'J', 3, 3, 1, 366},
};

static void keep(fields *f, char letter, int value, int n_digits) {
    switch (letter) {
    case 'h':
    case 'H':
    case 'g':
        f->hour = value;
        return;
    case 'i':
    case 'I':
        f->minute = value;
        return;
    case 's':
    case 'S':
        f->second = value;
        return;
    case 'm':
    case 'M':
    case 'n':
    case 'a':
        f->month = value;
        return;
    case 'd':
    case 'D':
        f->day = value, f->has_day = true;
        return;
    case 'w':
        f->week = value;
        return;
    case 'E':
        f->weekday = value, f->has_weekday = true;
        return;
    case 'J':
        f->day_of_year = value;
        return;
    case 'p':
        f->meridian = value;
        return;
    default:
        f->year = value, f->year_digits = n_digits, f->has_year = true;
        return;
    }
}

static size_t best(fields *out, const char *form, str s, size_t from, const fields *so_far);

// The field of `letter` in all its lengths, and what follows it.
static size_t best_number(fields *out, size_t row, const char *rest, str s, size_t from,
                          const fields *so_far) {
    size_t longest = 0;
    int value = 0;
    for (int n = 1; n <= numbers[row].most && is_digit(at(s, from + (size_t)n - 1)); n++) {
        fields f = *so_far, got;
        value = 10 * value + (s.ptr[from + (size_t)n - 1] - '0');
        if (n < numbers[row].least || value < numbers[row].low || value > numbers[row].high)
            continue;
        keep(&f, numbers[row].letter, value, n);
        size_t end = best(&got, rest, s, from + (size_t)n, &f);
        if (end > longest) longest = end, *out = got;
    }
    return longest;
}

static size_t best_month(fields *out, char letter, const char *rest, str s, size_t from,
                         const fields *so_far) {
    size_t longest = 0;
    for (size_t i = 0;; i++) {
        fields f = *so_far, got;
        const date_word *word = date_month(i);
        if (!word) return longest;
        str name = str_of(word->text);
        bool is_roman = word->kind == WORD_ROMAN_MONTH;
        bool fits = is_roman ? str_starts(str_skip(s, from), name)
                             : str_starts_nocase(str_skip(s, from), name);
        if (!fits || (letter != 'n' && is_roman) ||
            (letter == 'a' && name.len > 3 && !str_eq(name, STR("sept"))))
            continue;
        keep(&f, 'n', word->value, 0);
        size_t end = best(&got, rest, s, from + name.len, &f);
        if (end > longest) longest = end, *out = got;
    }
}

// "am", "p.m.": followed by space or the end.
static size_t meridian_at(str s, size_t i) {
    size_t from = i;
    if (!is_among(at(s, i), "aApP")) return 0;
    i++;
    if (at(s, i) == '.') i++;
    if (!is_among(at(s, i), "mM")) return 0;
    i++;
    if (at(s, i) == '.') i++;
    if (i < s.len && s.ptr[i] != ' ' && s.ptr[i] != '\t') return 0;
    return i + (i < s.len) - from;
}

static size_t span_of(str s, size_t from, const char *set) {
    size_t n = 0;
    while (is_among(at(s, from + n), set))
        n++;
    return n;
}

static size_t digits_at(str s, size_t from) {
    size_t n = 0;
    while (is_digit(at(s, from + n)))
        n++;
    return n;
}

// Where what the element takes ends; `from` when it takes nothing; 0 also when it does not fit.
static bool take(size_t *end, const char **form, str s, size_t from, fields *f) {
    char c = at(s, from), element = **form;
    *form += 1;
    *end = from + 1;
    switch (element) {
    case '\\':
        *form += 1;
        return c == (*form)[-1];
    case ':':
        return c == ':' || c == '.';
    case '^':
        return is_among(c, ".\t-");
    case '%':
        return c == '.' || c == '-';
    case '+':
        return c == '+' || c == '-' ? (f->has_sign = c == '-', true) : false;
    case 't':
        return c == 't' || c == 'T';
    case '_':
        *end = from + span_of(s, from, " \t");
        return true;
    case ',':
        *end = from + span_of(s, from, ",.stndrh\t ");
        return *end > from;
    case '$':
        *end = from;
        return from == s.len;
    case 'u': {
        str rest = str_skip(s, from);
        *end = from + 2;
        return str_starts_nocase(rest, STR("st")) || str_starts_nocase(rest, STR("nd")) ||
               str_starts_nocase(rest, STR("rd")) || str_starts_nocase(rest, STR("th"));
    }
    case 'c':
        *end = from + span_of(s, from, " \t");
        return *end > from && is_among(at(s, *end), "+-gG");
    case 'f':
        *end = from + 1 + digits_at(s, from + 1);
        return c == '.' && *end > from + 1;
    case 'p':
        *end = from + meridian_at(s, from);
        f->meridian = c | 0x20;
        return *end > from;
    default:
        return c == element;
    }
}

// The longest way in which the form fits at `from`: where it ends, 0 for none.
static size_t best(fields *out, const char *form, str s, size_t from, const fields *so_far) {
    if (!*form) {
        *out = *so_far;
        return from;
    }
    if (*form == 'n' || *form == 'N' || *form == 'a')
        return best_month(out, *form, form + 1, s, from, so_far);
    for (size_t row = 0; row < countof(numbers); row++)
        if (*form == numbers[row].letter) return best_number(out, row, form + 1, s, from, so_far);
    size_t longest = 0, end;
    fields got, f = *so_far;
    if (*form == '~') {
        for (size_t n = span_of(s, from, " \t.-") + 1; n-- > 0;) {
            end = best(&got, form + 1, s, from + n, so_far);
            if (end > longest) longest = end, *out = got;
        }
        return longest;
    }
    const char *rest = form;
    bool fits = take(&end, &rest, s, from, &f), is_optional = *rest == '?';
    if (is_optional) rest++;
    if (fits) {
        longest = best(&got, rest, s, end, &f);
        if (longest) *out = got;
    }
    if (!is_optional) return longest;
    end = best(&got, rest, s, from, so_far);
    if (end > longest) longest = end, *out = got;
    return longest;
}

// --- What forms say ------------------------------------------------------------------------------

static bool set_time(reading *r, const fields *f) {
    if (!has_time(r)) return false;
    r->h = f->meridian ? f->hour % 12 + (f->meridian == 'p' ? 12 : 0) : f->hour;
    r->i = f->minute, r->s = f->second;
    return true;
}

static bool set_date(reading *r, const fields *f) {
    if (r->n_dates++) return false;
    r->m = f->month;
    if (f->has_year) r->y = full_year(f->year, f->year_digits) * (f->has_sign ? -1 : 1);
    if (f->has_day)
        r->d = f->day;
    else if (f->has_year)
        r->d = 1;
    return true;
}

static bool set_iso_week(reading *r, const fields *f) {
    if (r->n_dates++) return false;
    int weekday = date_weekday(date_days_of(f->year, 1, 1));
    r->y = f->year, r->m = 1, r->d = 1;
    r->by.d = (weekday > 4 ? 7 - weekday : -weekday) + (f->week - 1) * 7 +
              (f->has_weekday ? f->weekday : 1);
    return true;
}

static bool set_form(reading *r, what kind, const fields *f) {
    fields day = {.has_year = true, .year = f->year, .year_digits = 4, .month = 1};
    switch (kind) {
    case A_BARE_TIME:
        if (r->n_times != 1) return set_time(r, f);
        r->n_times++;
        r->y = f->hour * 100 + f->minute;
        return true;
    case A_TIME:
        return set_time(r, f);
    case A_DATE:
        return set_date(r, f);
    case A_DATE_AND_TIME:
        return set_date(r, f) && set_time(r, f);
    case AN_ISO_WEEK:
        return set_iso_week(r, f);
    case A_DAY_OF_YEAR:
        day.has_day = true, day.day = f->day_of_year;
        return set_date(r, &day);
    default:
        r->y = f->year;
        return true;
    }
}

// --- Words -----------------------------------------------------------------------------------

#define KIND(kind) (1u << (kind))
enum {
    UNITS = KIND(WORD_WEEKDAY) | KIND(WORD_WEEKDAYS) | KIND(WORD_SECONDS) | KIND(WORD_MINUTES) |
            KIND(WORD_HOURS) | KIND(WORD_DAYS) | KIND(WORD_MONTHS) | KIND(WORD_YEARS),
    ALONE = KIND(WORD_NOW) | KIND(WORD_NOON) | KIND(WORD_TODAY) | KIND(WORD_YESTERDAY) |
            KIND(WORD_TOMORROW) | KIND(WORD_AGO) | KIND(WORD_EDGE) | KIND(WORD_WEEKDAY) |
            KIND(WORD_WEEKDAYS),
    COUNTS = KIND(WORD_ORDINAL) | KIND(WORD_RELATIVE),
};

static void turn_back(reading *r) {
    int64_t *moved[] = {&r->by.y, &r->by.m, &r->by.d, &r->by.h, &r->by.i, &r->by.s};
    for (size_t i = 0; i < countof(moved); i++)
        *moved[i] = -*moved[i];
    r->by.weekday = r->by.weekday ? -r->by.weekday : -7;
    if (r->by.special == WEEKDAYS) r->by.amount = -r->by.amount;
}

static void set_alone(reading *r, const date_word *word) {
    switch (word->kind) {
    case WORD_NOON:
        no_time(r);
        r->n_times = 1, r->h = 12;
        return;
    case WORD_TODAY:
        no_time(r);
        return;
    case WORD_YESTERDAY:
    case WORD_TOMORROW:
        no_time(r);
        r->by.d = word->kind == WORD_TOMORROW ? 1 : -1;
        return;
    case WORD_AGO:
        turn_back(r);
        return;
    case WORD_EDGE:
        r->by.edge = word->value;
        return;
    case WORD_WEEKDAYS:  // as if it said Monday
    case WORD_WEEKDAY:
        no_time(r);
        r->by.has_weekday = true;
        r->by.weekday = word->value;
        if (r->by.behaviour != 2) r->by.behaviour = 1;
        return;
    default:
        return;
    }
}

static size_t alone_at(reading *r, str s) {
    const date_word *word = date_read_word(s, ALONE);
    if (word && r) set_alone(r, word);
    return word ? strlen(word->text) : 0;
}

// "@86400", "@-1.5".
static size_t stamp_at(reading *r, str s) {
    if (at(s, 0) != '@') return 0;
    size_t sign = at(s, 1) == '-', n = digits_at(s, 1 + sign), end = 1 + sign + n;
    int64_t v = 0;
    if (!n) return 0;
    for (size_t i = 0; i < n; i++)
        if (v < FIELD_MAX * 1000) v = 10 * v + (s.ptr[1 + sign + i] - '0');
    if (at(s, end) == '.') end += 1 + digits_at(s, end + 1);
    if (!r) return end;
    no_time(r);
    r->n_dates = 0, r->y = 1970, r->m = 1, r->d = 1;
    r->n_zones++, r->zone = 0;
    int64_t most = FIELD_MAX * SECONDS_A_DAY;
    v = v > most ? most : v;
    r->by.s += sign ? -v : v;
    return end;
}

// "first monday of", "next month", "last week": a count, spaces, a unit.
static size_t counted_at(reading *r, str s) {
    const date_word *count = date_read_word(s, COUNTS);
    if (!count) return 0;
    size_t i = strlen(count->text), gap = span_of(s, i, " \t");
    const date_word *unit = gap ? date_read_word(str_skip(s, i + gap), UNITS) : NULL;
    if (!unit) return 0;
    size_t end = i + gap + strlen(unit->text), of = span_of(s, end, " \t");
    bool is_of =
        unit->kind == WORD_WEEKDAY && of && str_starts_nocase(str_skip(s, end + of), STR("of"));
    bool is_week = unit->kind == WORD_DAYS && unit->value == 7;
    if (!is_of && is_week && (count->kind == WORD_ORDINAL || strlen(unit->text) > 4) &&
        strlen(unit->text) == 4)
        return 0;
    if (is_of) end += of + 2;
    if (!r) return end;
    int behaviour = count->kind == WORD_RELATIVE && count->value == 0;
    if (is_of) {
        no_time(r);
        r->by.special = count->value > 0 ? NTH_OF_MONTH : LAST_OF_MONTH;
        move_by(r, unit, count->value, count->value > 0 ? 1 : behaviour, false);
        return end;
    }
    move_by(r, unit, count->value, behaviour, false);
    if (is_week && strlen(unit->text) == 4) {
        r->by.behaviour = 2;
        if (!r->by.has_weekday) r->by.has_weekday = true, r->by.weekday = 1;
    }
    return end;
}

// "+2 weeks", "- 3 days", "5min".
static size_t relative_at(reading *r, str s) {
    size_t signs = span_of(s, 0, "+-"), i = signs + span_of(s, signs, " \t");
    size_t n = digits_at(s, i);
    if (!n || n > 13) return 0;
    size_t end = i + n + span_of(s, i + n, " \t");
    const date_word *unit = date_read_word(str_skip(s, end), UNITS);
    if (!unit) return 0;
    if (r) {
        int64_t v = 0;
        for (size_t k = 0; k < n; k++)
            v = 10 * v + (s.ptr[i + k] - '0');
        if (v > FIELD_MAX / 14) v = FIELD_MAX / 14;
        for (size_t k = 0; k < signs; k++)
            if (s.ptr[k] == '-') v = -v;
        move_by(r, unit, v, 1, true);
    }
    return end + strlen(unit->text);
}

// --- Zones -----------------------------------------------------------------------------------

// A second zone is not looked at, a third is one too many.
static bool set_zone(reading *r, int64_t seconds) {
    if (!r->n_zones) r->zone = seconds;
    return r->n_zones++ > 1;
}

// "+1", "+01:30", "GMT-0500".
static size_t offset_at(reading *r, bool *is_bad, str s) {
    size_t gmt = str_starts_nocase(s, STR("GMT")) ? 3 : 0;
    char sign = at(s, gmt);
    if (sign != '+' && sign != '-') return 0;
    fields f;
    size_t from = gmt + 1, end = 0, n = 0;
    static const char *const shapes[] = {"h", "h\\:?i", "HIS", "H\\:I\\:S"};
    for (size_t i = 0; i < countof(shapes); i++) {
        size_t to = best(&f, shapes[i], s, from, &(fields){0});
        if (to > end) end = to;
    }
    if (!end) return 0;
    int64_t v = 0;
    bool has_colon = false;
    for (size_t i = from; i < end && n < 4; i++) {
        has_colon |= s.ptr[i] == ':';
        if (is_digit(s.ptr[i])) v = 10 * v + (s.ptr[i] - '0'), n++;
    }
    bool is_short = has_colon && at(s, end - 2) == ':';  // one digit of minutes
    int64_t minutes = n <= 2 && !has_colon ? v * 60
                      : is_short           ? v / 10 * 60 + v % 10
                                           : v / 100 * 60 + v % 100;
    if (r) *is_bad = set_zone(r, (sign == '-' ? -60 : 60) * minutes);
    return end;
}

// Any word of up to six letters; `*is_bad` when it is no zone's name.
static size_t zone_at(reading *r, bool *is_bad, str s) {
    size_t open = at(s, 0) == '(', n = 0;
    while (n < 6 && ((at(s, open + n) | 0x20) >= 'a' && (at(s, open + n) | 0x20) <= 'z'))
        n++;
    if (!n) return 0;
    const date_word *zone = date_zone(str_first(str_skip(s, open), n));
    if (r) *is_bad = (!zone && !r->n_zones) || set_zone(r, zone ? 60 * zone->value : 0);
    return open + n + (at(s, open + n) == ')');
}

// "back of 7pm" is a quarter past, "front of 7pm" a quarter to.
static size_t beside_hour_at(reading *r, str s) {
    bool is_back = str_starts_nocase(s, STR("back of "));
    if (!is_back && !str_starts_nocase(s, STR("front of "))) return 0;
    fields f = {0}, got;
    size_t from = is_back ? 8 : 9, end = best(&got, "h", s, from, &f);
    size_t with = best(&f, "h_p", s, from, &(fields){0});
    if (with > end) end = with, got = f;
    if (!end || !r) return end;
    no_time(r);
    r->n_times = 1;
    r->h = got.hour - !is_back;
    if (got.meridian) r->h = r->h % 12 + (got.meridian == 'p' ? 12 : 0);
    r->i = is_back ? 15 : 45;
    return end;
}

// --- A piece at a time -------------------------------------------------------------------------

static size_t form_at(size_t *form, fields *out, str s) {
    size_t longest = 0;
    for (size_t i = 0; i < countof(forms); i++) {
        fields got;
        size_t n = best(&got, forms[i].form, s, 0, &(fields){0});
        if (n > longest) longest = n, *form = i, *out = got;
    }
    return longest;
}

// I1. Its length; 0 for what means nothing.
static size_t take_piece(reading *r, str s) {
    fields f;
    size_t form = 0, longest = 0;
    bool is_bad = false;
    size_t lengths[] = {alone_at(NULL, s),           stamp_at(NULL, s),
                        beside_hour_at(NULL, s),     form_at(&form, &f, s),
                        counted_at(NULL, s),         relative_at(NULL, s),
                        offset_at(NULL, &is_bad, s), zone_at(NULL, &is_bad, s)};
    int best_i = 0;
    for (int i = 0; i < (int)countof(lengths); i++)
        if (lengths[i] > longest) longest = lengths[i], best_i = i;
    if (!longest) return 0;
    switch (best_i) {
    case 0:
        alone_at(r, s);
        break;
    case 1:
        stamp_at(r, s);
        break;
    case 2:
        beside_hour_at(r, s);
        break;
    case 3:
        return set_form(r, forms[form].what, &f) ? longest : 0;
    case 4:
        counted_at(r, s);
        break;
    case 5:
        relative_at(r, s);
        break;
    case 6:
        offset_at(r, &is_bad, s);
        break;
    default:
        zone_at(r, &is_bad, s);
        break;
    }
    return is_bad ? 0 : longest;
}

static bool read_pieces(reading *r, str s) {
    while (s.len && s.ptr[0] != '\n') {
        if (is_among(s.ptr[0], " .,\t")) {
            s = str_skip(s, 1);
            continue;
        }
        size_t n = take_piece(r, s);
        if (!n) return false;
        s = str_skip(s, n);
    }
    return true;
}

// --- Putting it together -------------------------------------------------------------------------

// Behaviour 2: within the week from Monday on; 1: a day that is the weekday stays; 0: it does not.
static void apply_weekday(reading *r) {
    int now = date_weekday(date_days_of(r->y, r->m, r->d)), to = r->by.weekday;
    if (r->by.behaviour == 2) {
        if (now == 0 && to != 0) to -= 7;
        if (to == 0 && now != 0) to = 7;
        r->d += to - now;
        return;
    }
    int difference = to - now;
    if ((r->by.d < 0 && difference < 0) || (r->by.d >= 0 && difference <= -r->by.behaviour))
        difference += 7;
    r->d += to >= 0 ? difference : -(7 - (-to - now));
}

static void apply_weekdays(reading *r) {
    int64_t n = r->by.amount, days = date_days_of(r->y, r->m, r->d), start = days;
    int step = n < 0 ? -1 : 1, weekday = date_weekday(days);
    if (n == 0) return;
    n *= step;
    if (weekday == 0 || weekday == 6) days -= step > 0 ? (weekday ? 1 : 2) : (weekday ? -2 : -1);
    days += step * (n / 5) * 7;
    for (n %= 5; n > 0; n--) {
        days += step;
        while (date_weekday(days) == 0 || date_weekday(days) == 6)
            days += step;
    }
    r->d += days - start;
}

static void normalise(reading *r) {
    date_parts date =
        date_of(date_days_of(r->y, r->m, r->d) * SECONDS_A_DAY + r->h * 3600 + r->i * 60 + r->s);
    r->y = date.year, r->m = date.month, r->d = date.day;
    r->h = date.hour, r->i = date.minute, r->s = date.second;
}

static void apply_edge(reading *r) {
    if (r->by.edge == 1) r->d = 1;
    if (r->by.edge == 2) r->d = 0, r->m++;
}

// I2
static void apply(reading *r) {
    if (r->by.special == NTH_OF_MONTH || r->by.special == LAST_OF_MONTH) {
        r->d = 1;
        shift(&r->m, r->by.m + (r->by.special == LAST_OF_MONTH));
        r->by.m = 0;
    }
    apply_edge(r);
    normalise(r);
    if (r->by.has_weekday) apply_weekday(r);
    normalise(r);
    r->y += r->by.y, r->m += r->by.m, r->d += r->by.d;
    apply_edge(r);
    if (r->by.special == WEEKDAYS) normalise(r), apply_weekdays(r);
}

// What the text left open.
static void fill(reading *r, bool *is_open, const date_parts *now) {
    int64_t *fields_of[] = {&r->y, &r->m, &r->d, &r->h, &r->i, &r->s};
    const int64_t of_now[] = {now->year, now->month, now->day, now->hour, now->minute, now->second};
    *is_open = false;
    for (size_t i = 0; i < countof(of_now); i++)
        if (*fields_of[i] == UNSET) *fields_of[i] = of_now[i], *is_open = true;
}

bool date_read(int64_t *out, bool *uses_now, str text, int64_t now) {
    date_parts today = date_of(now);
    reading r = {UNSET, UNSET, UNSET, UNSET, UNSET, UNSET, .zone = 0};
    if (text.len > WT_DATE_TEXT_MAX || !read_pieces(&r, text)) return false;
    if (r.n_dates && !r.n_times) no_time(&r);
    fill(&r, uses_now, &today);
    apply(&r);
    if (r.y > YEAR_MAX || r.y < -YEAR_MAX) r.y = r.y > 0 ? YEAR_MAX : -YEAR_MAX;
    *out = date_days_of(r.y, r.m, r.d) * SECONDS_A_DAY + r.h * 3600 + r.i * 60 + r.s - r.zone +
           r.by.h * 3600 + r.by.i * 60 + r.by.s;
    return true;
}
