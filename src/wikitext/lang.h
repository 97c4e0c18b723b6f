// wikitext/lang.h -- what depends on a language: case, numbers, plurals, names of months.
//
//   Threads   pure functions and immutable tables; any
//   Limits    the languages of lang_data.c; others are written as English is
//   Source    Unicode's SpecialCasing.txt (through utf8proc and a table), CLDR's plural rules:
//             https://cldr.unicode.org/index/cldr-spec/plural-rules
#ifndef WIKITEXT_LANG_H
#define WIKITEXT_LANG_H

#include "base/buf.h"

typedef enum wt_plural {
    WT_PLURAL_ONE,             // 1 | rest
    WT_PLURAL_ZERO_ONE,        // 0 to 1.99 | rest
    WT_PLURAL_ZERO_ONE_WHOLE,  // 0, 1 | rest
    WT_PLURAL_UP_TO_ONE,       // 0 to 1 | rest
    WT_PLURAL_POLISH,
    WT_PLURAL_RUSSIAN,
    WT_PLURAL_SERBIAN,
    WT_PLURAL_ENDS_IN_ONE,  // 1, 11, 21...
    WT_PLURAL_ICELANDIC,
    WT_PLURAL_SLOVENE,
    WT_PLURAL_CZECH,
    WT_PLURAL_ROMANIAN,
    WT_PLURAL_LATVIAN,
    WT_PLURAL_LITHUANIAN,
    WT_PLURAL_ARABIC,
    WT_PLURAL_HEBREW,
    WT_PLURAL_FILIPINO,
    WT_PLURAL_WELSH,
    WT_PLURAL_IRISH,
    WT_PLURAL_SCOTS_GAELIC,
    WT_PLURAL_BRETON,
    WT_PLURAL_MALTESE,
} wt_plural;

typedef struct wt_lang {
    const char *code;
    const char *group, *point;  // of numbers
    const char *zero;           // its digit 0, others behind it; NULL: 0 to 9
    uint8_t min_group;          // digits before the first group sign at least; 0: one
    bool is_indian;             // 12,34,567
    bool is_rtl;
    wt_plural plural;
    // "January|February|..."; genitives NULL: the same. Days from Sunday on.
    const char *months, *genitives, *short_months, *days, *short_days;
} wt_lang;

extern const wt_lang wt_langs[];
extern const size_t wt_n_langs;

// By code ("pt-br"), then by what stands before "-"; English for unknown ones.
const wt_lang *wt_lang_of(str code);
// NULL: not in the table.
const wt_lang *wt_lang_known(str code);
// Item i of a list with "|" between.
str wt_lang_item(const char *list, int i);

// What the language calls itself, or is called in English; "" when unknown.
str wt_lang_name(str code, bool is_english);
bool wt_lang_is_rtl(str code);

// All letters, or the first; "ß" becomes "SS".
void wt_upper(buf *out, str s);
void wt_lower(buf *out, str s);
void wt_upper_first(buf *out, str s);
void wt_lower_first(buf *out, str s);

// Numbers in a text as the language writes them: "1234.5" is "1,234.5", text around them stays.
void wt_format_number(buf *out, str s, const wt_lang *lang, bool has_separators);
// And back: what a program reads.
void wt_parse_number(buf *out, str s, const wt_lang *lang);
// ASCII digits as the language's own.
void wt_put_digits(buf *out, str s, const wt_lang *lang);

// Which of the forms (from 0) goes with the number.
int wt_plural_form(wt_plural rule, double n);

#endif
