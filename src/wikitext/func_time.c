// wikitext/func_time.c -- #time, CURRENT... and LOCAL..., #formatdate. The clock is the world's;
// its zone is UTC.
//
// I1  Who asks for the clock makes the page volatile; #time of a date of its own does not.

#include "lang/date.h"
#include "lang/lang.h"
#include "wikitext/func.h"

#include <stdio.h>

enum { FORMATS_MAX = 6000 };  // bytes of formats in one page: each is walked letter by letter

static int64_t now(const wt_call *c) {
    c->p->page->is_volatile = true;
    return c->p->world->now;
}

// --- #time -----------------------------------------------------------------------------------

static bool read_date(int64_t *out, const wt_call *c, str text) {
    bool uses_now = true;
    *out = c->p->world->now;
    if (text.len && !date_read(out, &uses_now, text, *out)) return false;
    c->p->page->is_volatile |= uses_now;
    return true;
}

static bool is_year_alone(str s) {
    uint64_t n;
    return s.len == 4 && str_parse_u64(&n, s);
}

static wt_result run_time(buf *out, const wt_call *c) {
    int64_t at;
    str text = wt_call_arg(c, 1), code = wt_call_arg(c, 2);
    if (is_year_alone(text)) text = arena_fmt(c->p->mem, "00:00 %.*s", STR_ARG(text));
    if (!read_date(&at, c, text)) {
        wt_put_error(out, STR("Error: Invalid time."));
        return WT_DONE;
    }
    date_parts date = date_of(at);
    if (date.year < 0) {
        wt_put_error(out, STR("Error: #time only supports years from 0."));
    } else if (date.year > 9999) {
        wt_put_error(out, STR("Error: #time only supports years up to 9999."));
    } else if ((c->p->time_bytes += (uint32_t)min_size(c->first.len, FORMATS_MAX)) > FORMATS_MAX) {
        wt_put_error(out, STR("Error: Too many #time calls."));
    } else {
        const lang_row *known = lang_known(code);
        date_put(out, c->first, at,
                 code.len ? (known ? known : lang_find(code)) : wt_page_lang(c->p));
    }
    return WT_DONE;
}

// --- CURRENT..., LOCAL... ----------------------------------------------------------------------

static const struct {
    const char *name, *format;  // what follows CURRENT or LOCAL
} clocks[] = {
    {"MONTH", "m"},     {"MONTH2", "m"},        {"MONTH1", "n"},
    {"MONTHNAME", "F"}, {"MONTHNAMEGEN", "xg"}, {"MONTHABBREV", "M"},
    {"DAY", "j"},       {"DAY2", "d"},          {"DAYNAME", "l"},
    {"YEAR", "Y"},      {"TIME", "H:i"},        {"HOUR", "H"},
    {"WEEK", "W"},      {"DOW", "w"},           {"TIMESTAMP", "xNYmdHis"},
};

static wt_result run_clock(buf *out, const wt_call *c) {
    if (!wt_is_variable(c)) return WT_NOT_MINE;
    str name = str_skip(c->name, str_starts(c->name, STR("LOCAL")) ? 5 : 7);
    buf b;
    buf_init(&b, c->p->mem, 32);
    for (size_t i = 0; i < countof(clocks); i++)
        if (str_eq(name, str_of(clocks[i].name)))
            date_put(&b, str_of(clocks[i].format), now(c), wt_page_lang(c->p));
    bool is_week = str_eq(name, STR("WEEK"));  // the one that has no zero in front
    buf_add(out, str_skip(buf_str(&b), is_week && str_starts(buf_str(&b), STR("0"))));
    return WT_DONE;
}

// --- #formatdate -------------------------------------------------------------------------------

typedef enum date_order { DAY_MONTH, MONTH_DAY, YEAR_MONTH_DAY, ISO, AS_WRITTEN } date_order;

typedef struct written {
    date_order order;
    int month;
    bool has_year;
    str year, day;
} written;

static str digits(str *s, size_t least, size_t most) {
    size_t n = 0;
    while (n < s->len && n < most && s->ptr[n] >= '0' && s->ptr[n] <= '9')
        n++;
    if (n < least) n = 0;
    str found = str_first(*s, n);
    *s = str_skip(*s, n);
    return found;
}

static int month(str *s) {
    const lang_row *english = lang_find(STR("en"));
    for (int i = 0; i < 12; i++) {
        str name = lang_item(english->months, i), abbreviation = str_first(name, 3);
        bool is_full = str_starts_nocase(*s, name);
        if (!is_full && !str_starts_nocase(*s, abbreviation)) continue;
        *s = str_skip(*s, is_full ? name.len : abbreviation.len);
        return i + 1;
    }
    return 0;
}

static bool gap(str *s) {
    size_t n = 0;
    if (s->len && s->ptr[0] == ',') *s = str_skip(*s, 1), n = 1;
    while (s->len && (s->ptr[0] == ' ' || s->ptr[0] == '_'))
        *s = str_skip(*s, 1), n++;
    return n > 0;
}

static bool read_iso(written *w, str s) {
    size_t sign = str_starts(s, STR("-"));
    str rest = str_skip(s, sign), number;
    uint64_t m;
    *w = (written){.order = ISO, .has_year = true};
    w->year = str_first(s, sign + digits(&rest, 4, 4).len);
    if (w->year.len < 4 || !str_starts(rest, STR("-"))) return false;
    rest = str_skip(rest, 1);
    number = digits(&rest, 2, 2);
    if (!str_parse_u64(&m, number) || m < 1 || m > 12 || !str_starts(rest, STR("-"))) return false;
    rest = str_skip(rest, 1);
    w->month = (int)m;
    w->day = digits(&rest, 2, 2);
    return w->day.len && !rest.len;
}

// "15 January 2001", "January 15, 2001", "2001 January 15", the first two without year.
static bool read_words(written *w, str s) {
    *w = (written){.order = DAY_MONTH};
    str first = digits(&s, 1, 4);
    if (first.len > 2) {
        *w = (written){.order = YEAR_MONTH_DAY, .has_year = true, .year = first};
    } else if (first.len) {
        w->day = first;
    } else {
        w->order = MONTH_DAY;
    }
    if (first.len && !gap(&s)) return false;
    w->month = month(&s);
    if (!w->month) return false;
    if (!w->day.len) {
        if (!gap(&s)) return false;
        w->day = digits(&s, 1, 2);
        if (!w->day.len) return false;
    }
    if (!s.len) return true;
    if (w->has_year || !gap(&s)) return false;
    w->year = digits(&s, 1, 4);
    w->has_year = w->year.len > 0;
    return w->has_year && !s.len;
}

static date_order order_named(str name) {
    static const struct {
        const char *name;
        date_order order;
    } names[] = {{"dmy", DAY_MONTH},
                 {"mdy", MONTH_DAY},
                 {"ymd", YEAR_MONTH_DAY},
                 {"ISO 8601", ISO},
                 {"ISO8601", ISO}};
    for (size_t i = 0; i < countof(names); i++)
        if (str_eq_nocase(name, str_of(names[i].name))) return names[i].order;
    return AS_WRITTEN;
}

static int number_of(str digits_alone) {
    uint64_t n = 0;
    return str_parse_u64(&n, digits_alone) ? (int)n : 0;
}

static void put_iso(buf *out, const written *w) {
    if (w->has_year) {
        bool is_before = str_starts(w->year, STR("-"));
        buf_fmt(out, "%s%04d-", is_before ? "-" : "", number_of(str_skip(w->year, is_before)));
    }
    buf_fmt(out, "%02d-%02d", w->month, number_of(w->day));
}

static void put_date(buf *out, const written *w, date_order order) {
    str name = lang_item(lang_find(STR("en"))->months, w->month - 1);
    int day = number_of(w->day);
    bool is_negative = str_starts(w->year, STR("-"));
    int iso = number_of(str_skip(w->year, is_negative));
    bool is_before = w->order == ISO && (is_negative || iso == 0);  // year 0 is 1 BC
    str year = w->year, era = is_before ? STR(" BC") : STR("");
    char room[16];
    if (w->order == ISO) {
        int n = iso + is_before;
        year = (str){room, (size_t)snprintf(room, sizeof room, "%d", n)};
    }
    if (order == ISO && w->has_year)
        put_iso(out, w);
    else if (order == YEAR_MONTH_DAY && w->has_year)
        buf_fmt(out, "%.*s%.*s %.*s %d", STR_ARG(year), STR_ARG(era), STR_ARG(name), day);
    else if (order == DAY_MONTH)
        buf_fmt(out, "%d %.*s", day, STR_ARG(name));
    else
        buf_fmt(out, "%.*s %d", STR_ARG(name), day);
    if (w->has_year && order == DAY_MONTH) buf_fmt(out, " %.*s%.*s", STR_ARG(year), STR_ARG(era));
    if (w->has_year && order == MONTH_DAY) buf_fmt(out, ", %.*s%.*s", STR_ARG(year), STR_ARG(era));
}

static wt_result run_formatdate(buf *out, const wt_call *c) {
    written w;
    if (!read_iso(&w, c->first) && !read_words(&w, c->first)) {
        buf_add(out, c->first);
        return WT_DONE;
    }
    date_order wanted = order_named(wt_call_arg(c, 1));
    if (wanted == AS_WRITTEN || (wanted == ISO && !w.has_year)) wanted = w.order;
    buf_add(out, STR("<span class=\"mw-formatted-date\" title=\""));
    put_iso(out, &w);
    buf_add(out, STR("\">"));
    put_date(out, &w, wanted);
    buf_add(out, STR("</span>"));
    return WT_DONE;
}

#define CLOCK(name)                                                                                \
    {"CURRENT" name, .no_args = true, .is_case_sensitive = true, .run = run_clock}, {              \
        "LOCAL" name, .no_args = true, .is_case_sensitive = true, .run = run_clock                 \
    }

const wt_func wt_funcs_time[] = {
    {"time", .has_hash = true, .run = run_time},
    {"timel", .has_hash = true, .run = run_time},
    {"formatdate", .has_hash = true, .run = run_formatdate},
    {"dateformat", .has_hash = true, .run = run_formatdate},
    CLOCK("MONTH"),
    CLOCK("MONTH2"),
    CLOCK("MONTH1"),
    CLOCK("MONTHNAME"),
    CLOCK("MONTHNAMEGEN"),
    CLOCK("MONTHABBREV"),
    CLOCK("DAY"),
    CLOCK("DAY2"),
    CLOCK("DAYNAME"),
    CLOCK("YEAR"),
    CLOCK("TIME"),
    CLOCK("HOUR"),
    CLOCK("WEEK"),
    CLOCK("DOW"),
    CLOCK("TIMESTAMP"),
    {0},
};
