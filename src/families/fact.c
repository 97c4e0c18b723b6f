// families/fact.c -- dates and ages, languages, numbers, formulas of chemistry, addresses.
//
// I1  rows are sorted by name, byte by byte

#include "families/inside.h"

#include <math.h>
#include <stdio.h>

// --- Numbers --------------------------------------------------------------------------------

void wt_deg_amount(wt_deg *d, double value, int decimals) {
    char digits[400];
    double unit = decimals < 0 ? pow(10, -decimals) : 1;
    int n =
        snprintf(digits, sizeof digits, "%.*f", decimals > 0 ? decimals : 0,
                 round(fabs(value) / unit) * unit * (decimals < 0) + fabs(value) * (decimals >= 0));
    if (n <= 0 || (size_t)n >= sizeof digits) return;
    size_t whole = str_find_byte((str){digits, (size_t)n}, '.');
    bool is_zero = strspn(digits, "0.") == (size_t)n;
    if (value < 0 && !is_zero) wt_deg_put(d, "\xe2\x88\x92");
    for (size_t i = 0; i < (size_t)n; i++) {
        if (i && i < whole && (whole - i) % 3 == 0 && whole > 3) buf_byte(d->out, ',');
        buf_byte(d->out, digits[i]);
    }
}

static void grouped(wt_deg *d) {
    double value;
    str text = wt_deg_at(d, 1);
    size_t dot = str_find_byte(text, '.');
    if (!str_parse_f64(&value, text) || fabs(value) > 1e15) return wt_deg_add(d, text);
    wt_deg_amount(d, value, (int)min_size(dot < text.len ? text.len - dot - 1 : 0, 12));
}

static void fraction(wt_deg *d) {
    unsigned n = wt_deg_at(d, 3).len ? 3 : wt_deg_at(d, 2).len ? 2 : 1;
    wt_deg_fill(d, n == 3   ? "$1<sup>$2</sup>\xe2\x81\x84<sub>$3</sub>"
                   : n == 2 ? "<sup>$1</sup>\xe2\x81\x84<sub>$2</sub>"
                            : "<sup>1</sup>\xe2\x81\x84<sub>$1</sub>");
}

// --- Dates ----------------------------------------------------------------------------------

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};

int64_t wt_deg_days(int64_t year, int64_t month, int64_t day) {
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

void wt_deg_today(int64_t out[3], wt_deg *d) {
    int64_t days = d->p->world->now / 86400, z = days + 719468, era = z / 146097;
    int64_t of_era = z - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100), m = (5 * of_year + 2) / 153;
    out[0] = year + era * 400 + (m >= 10);
    out[1] = m < 10 ? m + 3 : m - 9;
    out[2] = of_year - (153 * m + 2) / 5 + 1;
    d->p->page->is_volatile = true;
}

void wt_deg_date(wt_deg *d, int64_t year, int64_t month, int64_t day, bool day_first) {
    bool has_month = month >= 1 && month <= 12, has_day = has_month && day >= 1 && day <= 31;
    if (has_day && day_first) wt_deg_fmt(d, "%d ", (int)day);
    if (has_month) wt_deg_put(d, months[month - 1]);
    if (has_day && !day_first) wt_deg_fmt(d, " %d,", (int)day);
    if (has_month) wt_deg_put(d, " ");
    wt_deg_fmt(d, year < 0 ? "%lld BC" : "%lld", (long long)(year < 0 ? -year : year));
}

// The date that three arguments give, from number `i` on; words stay words.
static bool read_date(int64_t out[3], const wt_deg *d, unsigned i) {
    out[0] = wt_deg_number(wt_deg_at(d, i), INT64_MIN);
    out[1] = wt_deg_number(wt_deg_at(d, i + 1), 0);
    out[2] = wt_deg_number(wt_deg_at(d, i + 2), 0);
    for (int64_t m = 1; m <= 12 && !out[1]; m++)
        if (str_eq_nocase(wt_deg_at(d, i + 1), str_of(months[m - 1]))) out[1] = m;
    return out[0] != INT64_MIN;
}

static bool day_first(const wt_deg *d) {
    return wt_deg_yes(d, "df") || wt_deg_is(d, "df", "yes");
}

static int64_t age_between(const int64_t from[3], const int64_t to[3]) {
    bool is_before = to[1] < from[1] || (to[1] == from[1] && to[2] < from[2]);
    return to[0] - from[0] - is_before;
}

static void plain_date(wt_deg *d) {
    int64_t date[3];
    if (!read_date(date, d, 1)) return wt_deg_fill(d, "$1{ $2}{ $3}");
    wt_deg_date(d, date[0], date[1], date[2], day_first(d));
}

static void born(wt_deg *d) {
    int64_t date[3], now[3];
    plain_date(d);
    if (!read_date(date, d, 1)) return;
    wt_deg_today(now, d);
    wt_deg_fmt(d, " (age&#160;%lld)", (long long)age_between(date, now));
}

static void died(wt_deg *d) {
    int64_t death[3], birth[3];
    plain_date(d);
    if (read_date(death, d, 1) && read_date(birth, d, 4))
        wt_deg_fmt(d, " (aged&#160;%lld)", (long long)age_between(birth, death));
}

static void years_ago(wt_deg *d) {
    int64_t date[3], now[3];
    plain_date(d);
    if (!read_date(date, d, 1)) return;
    wt_deg_today(now, d);
    wt_deg_fmt(d, "; %lld years ago", (long long)age_between(date, now));
}

// {{age|y|m|d}} until today, or until a second date.
static void age(wt_deg *d) {
    int64_t from[3], to[3];
    if (!read_date(from, d, 1)) return wt_deg_fill(d, "$1");
    if (!wt_deg_at(d, 4).len || !read_date(to, d, 4)) wt_deg_today(to, d);
    wt_deg_fmt(d, "%lld", (long long)age_between(from, to));
}

static void year_of_birth(wt_deg *d) {
    int64_t now[3], year = wt_deg_number(wt_deg_at(d, 1), INT64_MIN);
    if (year == INT64_MIN) return wt_deg_fill(d, "$1");
    wt_deg_today(now, d);
    int64_t years = now[0] - year;
    wt_deg_fmt(d, "%lld (age&#160;%lld\xe2\x80\x93%lld)", (long long)year, (long long)(years - 1),
               (long long)years);
}

static void year_of_death(wt_deg *d) {
    int64_t death = wt_deg_number(wt_deg_at(d, 1), INT64_MIN);
    int64_t birth = wt_deg_number(wt_deg_at(d, 2), INT64_MIN);
    wt_deg_fill(d, "$1");
    if (death != INT64_MIN && birth != INT64_MIN)
        wt_deg_fmt(d, " (aged&#160;%lld\xe2\x80\x93%lld)", (long long)(death - birth - 1),
                   (long long)(death - birth));
}

static void as_of(wt_deg *d) {
    int64_t date[3];
    str alt = wt_deg_get(d, STR("alt"));
    if (alt.len) return wt_deg_add(d, alt);
    wt_deg_put(d, wt_deg_yes(d, "lc") ? "as of " : "As of ");
    if (read_date(date, d, 1))
        wt_deg_date(d, date[0], date[1], date[2], !wt_deg_is(d, "df", "US"));
    else
        wt_deg_fill(d, "$1{ $2}{ $3}");
    wt_deg_fill(d, "{ $(post)}");
}

// --- Languages ------------------------------------------------------------------------------

static const char *const languages[][2] = {
    {"akk", "Akkadian"},
    {"ang", "Old English"},
    {"ar", "Arabic"},
    {"az", "Azerbaijani"},
    {"be", "Belarusian"},
    {"bg", "Bulgarian"},
    {"bn", "Bengali"},
    {"brh", "Brahui"},
    {"bs", "Bosnian"},
    {"ca", "Catalan"},
    {"cs", "Czech"},
    {"cy", "Welsh"},
    {"da", "Danish"},
    {"de", "German"},
    {"el", "Greek"},
    {"en", "English"},
    {"eo", "Esperanto"},
    {"es", "Spanish"},
    {"et", "Estonian"},
    {"eu", "Basque"},
    {"fa", "Persian"},
    {"fi", "Finnish"},
    {"fr", "French"},
    {"ga", "Irish"},
    {"gd", "Scottish Gaelic"},
    {"gl", "Galician"},
    {"gr", "Greek"},
    {"grc", "Ancient Greek"},
    {"grc-gre", "Ancient Greek"},
    {"he", "Hebrew"},
    {"hi", "Hindi"},
    {"hr", "Croatian"},
    {"hu", "Hungarian"},
    {"hy", "Armenian"},
    {"id", "Indonesian"},
    {"is", "Icelandic"},
    {"it", "Italian"},
    {"ja", "Japanese"},
    {"ka", "Georgian"},
    {"kk", "Kazakh"},
    {"ko", "Korean"},
    {"ku", "Kurdish"},
    {"la", "Latin"},
    {"lb", "Luxembourgish"},
    {"lt", "Lithuanian"},
    {"ltg", "Latgalian"},
    {"lv", "Latvian"},
    {"mi", "M\xc4\x81ori"},
    {"mk", "Macedonian"},
    {"mn", "Mongolian"},
    {"ms", "Malay"},
    {"mt", "Maltese"},
    {"nah", "Nahuatl"},
    {"nl", "Dutch"},
    {"no", "Norwegian"},
    {"oc", "Occitan"},
    {"pl", "Polish"},
    {"ps", "Pashto"},
    {"pt", "Portuguese"},
    {"ro", "Romanian"},
    {"ru", "Russian"},
    {"sa", "Sanskrit"},
    {"sk", "Slovak"},
    {"sl", "Slovene"},
    {"sq", "Albanian"},
    {"sr", "Serbian"},
    {"sv", "Swedish"},
    {"sw", "Swahili"},
    {"syr", "Syriac"},
    {"ta", "Tamil"},
    {"te", "Telugu"},
    {"th", "Thai"},
    {"tr", "Turkish"},
    {"uk", "Ukrainian"},
    {"ur", "Urdu"},
    {"uz", "Uzbek"},
    {"vi", "Vietnamese"},
    {"yi", "Yiddish"},
    {"zh", "Chinese"},
};

static const char *language_name(str code) {
    for (size_t i = 0; i < countof(languages); i++)
        if (str_eq(code, str_of(languages[i][0]))) return languages[i][1];
    return NULL;
}

// Written in Latin letters: slanted, as foreign words are.
static bool is_latin(str text) {
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c > 0xC8 || c == WT_MARK || c == '\'' || c == '[') return false;
        if ((c | 32) >= 'a' && (c | 32) <= 'z') return true;
    }
    return false;
}

static void put_foreign(wt_deg *d, str code, str text) {
    bool is_slanted = is_latin(text) && !wt_deg_is(d, "italic", "no") &&
                      !wt_deg_is(d, "italics", "off") && !wt_deg_is(d, "italic", "unset");
    bool is_rtl = str_eq(code, STR("ar")) || str_eq(code, STR("he")) || str_eq(code, STR("fa")) ||
                  str_eq(code, STR("ur")) || str_eq(code, STR("yi")) || str_eq(code, STR("ps"));
    wt_deg_put(d, is_slanted ? "<i lang=\"" : "<span lang=\"");
    wt_deg_add(d, code);
    wt_deg_put(d, is_rtl ? "\" dir=\"rtl\">" : "\">");
    wt_deg_add(d, text);
    wt_deg_put(d, is_slanted ? "</i>" : "</span>");
}

static void lang(wt_deg *d) {
    put_foreign(d, wt_deg_any(d, "1|code", 0), wt_deg_any(d, "2|text", 0));
}

// {{langx|fr|texte}} and {{lang-fr|texte}}: the language's name in front.
static void put_named(wt_deg *d, str code, str text, str roman) {
    const char *name = language_name(code);
    str label = wt_deg_get(d, STR("label"));
    if (!wt_deg_is(d, "label", "none")) {
        if (label.len || wt_deg_is(d, "link", "no") || !name)
            wt_deg_add(d, label.len ? label : name ? str_of(name) : code);
        else
            wt_deg_fmt(d, "[[%s language|%s]]", name, name);
        wt_deg_put(d, ": ");
    }
    put_foreign(d, code, text);
    if (!roman.len) return;
    wt_deg_put(d, ", <small>romanized:&#160;</small><i>");
    wt_deg_add(d, roman);
    wt_deg_put(d, "</i>");
}

static void langx(wt_deg *d) {
    put_named(d, wt_deg_at(d, 1), wt_deg_any(d, "2|text", 0), wt_deg_any(d, "3|translit", 0));
}

void wt_deg_lang_of(wt_deg *d) {
    str code = str_skip(d->name, 5);
    put_named(d, code, wt_deg_any(d, "1|text", 0), wt_deg_any(d, "2|translit", 0));
}

// {{IPA-fr|...}}
void wt_deg_ipa_of(wt_deg *d) {
    const char *name = language_name(str_skip(d->name, 4));
    if (name) wt_deg_fmt(d, "<small>%s pronunciation:&#32;</small>", name);
    wt_deg_fill(d, "<span class=\"IPA nowrap\">&#91;$1&#93;</span>");
}

// {{IPAc-en|h|@|l|o}}: sounds one by one, in slashes.
static void sounds(wt_deg *d) {
    wt_deg_put(d, "<span class=\"IPA nowrap\">");
    for (unsigned i = 1, n = 0; i <= d->n; i++) {
        str sound = wt_deg_at(d, i);
        if (i == 1 && (str_eq(sound, STR("lang")) || str_eq(sound, STR("pron")))) continue;
        bool is_place =
            sound.len == 2 && (str_eq_nocase(sound, STR("us")) || str_eq_nocase(sound, STR("uk")));
        if (is_place) {
            wt_deg_add(d, str_eq_nocase(sound, STR("us")) ? STR("US: ") : STR("UK: "));
            continue;
        }
        if (!n++) wt_deg_put(d, "/");
        wt_deg_add(d, str_eq(sound, STR("_")) ? STR(" ") : sound);
    }
    wt_deg_put(d, "/</span>");
}

// {{fr icon}}
void wt_deg_icon(wt_deg *d) {
    str code = d->name;
    code.len -= min_size(code.len, strlen(" icon"));
    const char *name = language_name(code);
    wt_deg_put(d, "<span class=\"languageicon\">(in ");
    wt_deg_add(d, name ? str_of(name) : code);
    wt_deg_put(d, ")</span>");
}

// {{in lang|fr|de}}
static void in_languages(wt_deg *d) {
    wt_deg_put(d, "<span class=\"languageicon\">(in ");
    for (unsigned i = 1; wt_deg_at(d, i).len; i++) {
        const char *name = language_name(wt_deg_at(d, i));
        if (i > 1) wt_deg_put(d, wt_deg_at(d, i + 1).len ? ", " : " and ");
        wt_deg_add(d, name ? str_of(name) : wt_deg_at(d, i));
    }
    wt_deg_put(d, ")</span>");
}

// --- Chemistry ------------------------------------------------------------------------------

// {{chem|H|2|O}}: digits below, charges above.
static void formula(wt_deg *d) {
    wt_deg_put(d, "<span class=\"chemf nowrap\">");
    for (unsigned i = 1; i <= d->n; i++) {
        str part = wt_deg_at(d, i);
        if (!part.len) continue;
        char last = part.ptr[part.len - 1];
        bool is_charge = last == '+' || last == '-' || str_ends(part, STR("\xe2\x88\x92"));
        bool is_count = last >= '0' && last <= '9';
        wt_deg_put(d, is_charge ? "<sup>" : is_count ? "<sub>" : "");
        wt_deg_add(d, part);
        wt_deg_put(d, is_charge ? "</sup>" : is_count ? "</sub>" : "");
    }
    wt_deg_put(d, "</span>");
}

// {{chem2|H2SO4}}: a digit behind a letter or bracket is below.
static void formula_in_one(wt_deg *d) {
    str text = wt_deg_at(d, 1);
    wt_deg_put(d, "<span class=\"chemf nowrap\">");
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i], before = i ? text.ptr[i - 1] : ' ';
        bool is_digit = c >= '0' && c <= '9';
        bool is_below = is_digit && (before == ')' || before == ']' ||
                                     ((before | 32) >= 'a' && (before | 32) <= 'z'));
        if (!is_below) {
            buf_byte(d->out, c);
            continue;
        }
        wt_deg_put(d, "<sub>");
        for (; i < text.len && text.ptr[i] >= '0' && text.ptr[i] <= '9'; i++)
            buf_byte(d->out, text.ptr[i]);
        i--;
        wt_deg_put(d, "</sub>");
    }
    wt_deg_put(d, "</span>");
}

// --- Addresses ------------------------------------------------------------------------------

static void address(wt_deg *d) {
    str url = wt_deg_any(d, "1|url", 0), label = wt_deg_any(d, "2|name|title", 0), shown = url;
    if (!url.len) return;
    size_t scheme = str_find(url, STR("://"));
    if (scheme < url.len) {
        shown = str_skip(url, scheme + 3);
    } else {
        buf b;
        buf_init(&b, d->p->mem, url.len + 8);
        buf_add(&b, str_starts(url, STR("//")) ? STR("https:") : STR("http://"));
        buf_add(&b, url);
        url = buf_str(&b);
    }
    if (shown.len && shown.ptr[shown.len - 1] == '/') shown.len--;
    if (d->with && !label.len) label = str_of(d->with);
    wt_deg_url(d, url, label.len ? label : shown);
}

// --- The table ------------------------------------------------------------------------------

// clang-format off
static const wt_family_row rows[] = {
    {"age", age, NULL},
    {"age in years", age, NULL},
    {"age nts", age, NULL},
    {"approx", wt_deg_pattern, "<abbr title=\"circa\">c.</abbr>{&#8201;$1}{&#160;– c.&#8201;$2}"},
    {"as of", as_of, NULL},
    {"bda", born, NULL},
    {"birth date", plain_date, NULL},
    {"birth date and age", born, NULL},
    {"birth date text", plain_date, NULL},
    {"birth year and age", year_of_birth, NULL},
    {"birth-date", plain_date, NULL},
    {"birth-date and age", born, NULL},
    {"birthdate", plain_date, NULL},
    {"birthdate and age", born, NULL},
    {"birthyear and age", year_of_birth, NULL},
    {"born", wt_deg_pattern, "born $1"},
    {"c.", wt_deg_pattern, "<abbr title=\"circa\">c.</abbr>{&#8201;$1}{&#160;– c.&#8201;$2}"},
    {"ca", wt_deg_pattern, "<abbr title=\"circa\">c.</abbr>{&#8201;$1}{&#160;– c.&#8201;$2}"},
    {"ca.", wt_deg_pattern, "<abbr title=\"circa\">c.</abbr>{&#8201;$1}{&#160;– c.&#8201;$2}"},
    {"chem", formula, NULL},
    {"chem2", formula_in_one, NULL},
    {"chemical formula", formula_in_one, NULL},
    {"circa", wt_deg_pattern, "<abbr title=\"circa\">c.</abbr>{&#8201;$1}{&#160;– c.&#8201;$2}"},
    {"commas", grouped, NULL},
    {"conv", wt_deg_convert, NULL},
    {"convert", wt_deg_convert, NULL},
    {"coor d", wt_deg_coord, NULL},
    {"coor dms", wt_deg_coord, NULL},
    {"coord", wt_deg_coord, NULL},
    {"coordinate", wt_deg_coord, NULL},
    {"coordinates", wt_deg_coord, NULL},
    {"country", wt_deg_flag, "link"},
    {"cvt", wt_deg_convert, NULL},
    {"dda", died, NULL},
    {"death date", plain_date, NULL},
    {"death date and age", died, NULL},
    {"death year and age", year_of_death, NULL},
    {"death-date", plain_date, NULL},
    {"death-date and age", died, NULL},
    {"dob", plain_date, NULL},
    {"dod", plain_date, NULL},
    {"dts", plain_date, NULL},
    {"dtsh", plain_date, NULL},
    {"end date", plain_date, NULL},
    {"end-date", plain_date, NULL},
    {"film date", plain_date, NULL},
    {"fl.", wt_deg_pattern, "<abbr title=\"floruit\">fl.</abbr>{&#8201;$1}{–$2}"},
    {"flag", wt_deg_flag, "link"},
    {"flag country", wt_deg_flag, "link"},
    {"flag icon", wt_deg_flag, "icon"},
    {"flag+link", wt_deg_flag, "link"},
    {"flagcountry", wt_deg_flag, "link"},
    {"flagdeco", wt_deg_flag, "icon"},
    {"flagdecoration", wt_deg_flag, "icon"},
    {"flagg", wt_deg_flag, "link"},
    {"flagicon", wt_deg_flag, "icon"},
    {"flagicon image", wt_deg_flag, "icon"},
    {"flaglink", wt_deg_flag, "link"},
    {"flagu", wt_deg_flag, "name"},
    {"floruit", wt_deg_pattern, "<abbr title=\"floruit\">fl.</abbr>{&#8201;$1}{–$2}"},
    {"format number", grouped, NULL},
    {"formatnum", grouped, NULL},
    {"formatnumber", grouped, NULL},
    {"fossil range", wt_deg_pattern, "$1{ – $2}"},
    {"fossilrange", wt_deg_pattern, "$1{ – $2}"},
    {"frac", fraction, NULL},
    {"fraction", fraction, NULL},
    {"geological range", wt_deg_pattern, "$1{ – $2}"},
    {"homepage", address, NULL},
    {"in lang", in_languages, NULL},
    {"ipa-en", sounds, NULL},
    {"ipac-de", sounds, NULL},
    {"ipac-en", sounds, NULL},
    {"ipac-fr", sounds, NULL},
    {"ipac-pl", sounds, NULL},
    {"koordinaten", wt_deg_coord, NULL},
    {"lang", lang, NULL},
    {"languageicon", in_languages, NULL},
    {"langx", langx, NULL},
    {"launch date", plain_date, NULL},
    {"noflag", wt_deg_pattern, "$1"},
    {"official site", address, "Official website"},
    {"official website", address, "Official website"},
    {"officialsite", address, "Official website"},
    {"reign", wt_deg_pattern, "<abbr title=\"reigned\">r.</abbr>&#8201;$1{–$2}"},
    {"release date", plain_date, NULL},
    {"release date and age", years_ago, NULL},
    {"start date", plain_date, NULL},
    {"start date & age", years_ago, NULL},
    {"start date and age", years_ago, NULL},
    {"start-date", plain_date, NULL},
    {"tfrac", fraction, NULL},
    {"url", address, NULL},
};
// clang-format on

const wt_families wt_families_facts = {rows, countof(rows)};
