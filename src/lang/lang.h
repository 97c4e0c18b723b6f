// lang/lang.h -- what depends on a language: case, numbers, plurals, names of months.
//
//   Owner     nobody: results are values, or appended to the buf that is given
//   Threads   pure functions and immutable tables; any
//   Limits    the languages of lang_data.c; others are written as English is
//   Source    Unicode's SpecialCasing.txt (through utf8proc and a table), CLDR's plural rules:
//             https://cldr.unicode.org/index/cldr-spec/plural-rules
#ifndef LANG_LANG_H
#define LANG_LANG_H

#include "base/buf.h"

typedef enum lang_plural {
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
} lang_plural;

typedef struct lang_row {
    const char *code;
    const char *group, *point;  // of numbers
    const char *zero;           // its digit 0, others behind it; NULL: 0 to 9
    uint8_t min_group;          // digits before the first group sign at least; 0: one
    bool is_indian;             // 12,34,567
    bool is_rtl;
    lang_plural plural;
    // "January|February|..."; genitives NULL: the same. Days from Sunday on.
    const char *months, *genitives, *short_months, *days, *short_days;
} lang_row;

extern const lang_row lang_rows[];
extern const size_t lang_n_rows;

// By code ("pt-br"), then by what stands before "-"; English for unknown ones.
const lang_row *lang_find(str code);
// NULL: not in the table.
const lang_row *lang_known(str code);
// Item i of a list with "|" between.
str lang_item(const char *list, int i);

// What the language calls itself, or is called in English; "" when unknown.
str lang_name(str code, bool is_english);
bool lang_is_rtl(str code);

// All letters, or the first; "ß" becomes "SS".
void lang_upper(buf *out, str s);
void lang_lower(buf *out, str s);
void lang_upper_first(buf *out, str s);
void lang_lower_first(buf *out, str s);

// Numbers in a text as the language writes them: "1234.5" is "1,234.5", text around them stays.
void lang_format_number(buf *out, str s, const lang_row *lang, bool has_separators);
// And back: what a program reads.
void lang_parse_number(buf *out, str s, const lang_row *lang);
// ASCII digits as the language's own.
void lang_put_digits(buf *out, str s, const lang_row *lang);

// Which of the forms (from 0) goes with the number.
int lang_plural_form(lang_plural rule, double n);

#endif
