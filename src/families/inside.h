// families/inside.h -- what the files that show templates from their arguments share.
//
// A family reads the arguments of one call and appends wikitext that says the same, as near to the
// words that Wikipedia's own template makes as arguments alone allow.
//
//   Owner     arguments are views into the page's memory; what a family makes goes there, too
//   Threads   that of the parser; tables are immutable
//   Limits    a family's work is linear in the call's arguments times a small table
//   Errors    none: what is not understood is shown as it was written
//   Source    en.wikipedia.org/wiki/Template:NAME, each template's documentation
#ifndef FAMILIES_INSIDE_H
#define FAMILIES_INSIDE_H

#include "wikitext/module.h"

typedef struct wt_deg {
    wt_parser *p;
    buf *out;
    const wt_frame *frame;
    str name;           // lower case, spaces: "cite web"
    str shown;          // as the call or the page has it: "Cite web"
    int32_t ns;         // 10: a template, 828: a module
    const char *with;   // what the family's row says: a pattern, words, a variant
    wt_named *args;     // trimmed, in the order of the call
    size_t n, n_named;  // n_named: those whose name is no number
} wt_deg;

typedef void wt_family(wt_deg *d);

typedef struct wt_family_row {
    const char *name;  // lower case
    wt_family *run;
    const char *with;
} wt_family_row;

// The value of an argument; "" when it is absent or empty.
str wt_deg_get(const wt_deg *d, str name);
// The first of "a|b|c" that is there; in a name "#" is the number i (without one when i is 0).
str wt_deg_any(const wt_deg *d, const char *names, unsigned i);
// Argument number i, from 1.
str wt_deg_at(const wt_deg *d, unsigned i);
bool wt_deg_is(const wt_deg *d, const char *name, const char *value);
bool wt_deg_yes(const wt_deg *d, const char *name);  // yes, y, true, on, 1
// printf into the wikitext; "%s" alone is not bounded. A str goes in whole by wt_deg_add.
void wt_deg_fmt(wt_deg *d, const char *fmt, ...) PRINTF_LIKE(2, 3);
void wt_deg_put(wt_deg *d, const char *text);
void wt_deg_add(wt_deg *d, str text);
// A value in an element: on lines of its own when it has lines or may start a list.
void wt_deg_value(wt_deg *d, str value);
// True when an argument of this name says how a box looks, not what it says.
bool wt_deg_is_layout(str name);
// "$1 {, $2} $(name|other)": fills a pattern; families.c says how.
void wt_deg_fill(wt_deg *d, const char *pattern);
// An extension tag, as if it stood here.
void wt_deg_tag(wt_deg *d, str name, str attrs, str inner, bool has_inner);
// The link target "text", with `label` when there is one.
void wt_deg_link(wt_deg *d, str target, str label);
// An external link; plain text when the URL has no scheme that links may have.
void wt_deg_url(wt_deg *d, str url, str label);
// A date as words: "25 May 1990", "May 25, 1990", "May 1990", "1990".
void wt_deg_date(wt_deg *d, int64_t year, int64_t month, int64_t day, bool day_first);
int64_t wt_deg_number(str s, int64_t otherwise);
// Days since 1970-01-01.
int64_t wt_deg_days(int64_t year, int64_t month, int64_t day);
// Today's date by the world's clock; the page depends on it from now on.
void wt_deg_today(int64_t out[3], wt_deg *d);
// "15,300" or as many decimals as asked for; minus signs are U+2212.
void wt_deg_amount(wt_deg *d, double value, int decimals);

// Whether a family shows templates of this name.
bool wt_families_know(str name);

// Tables of the families, each in its file, sorted by name.
typedef struct wt_families {
    const wt_family_row *rows;
    size_t n;
} wt_families;

extern const wt_families wt_families_words;  // words.c: patterns
extern const wt_families wt_families_notes;  // note.c: hatnotes, tags, footnotes
extern const wt_families wt_families_boxes;  // box.c: infobox, navbox, lists, columns
extern const wt_families wt_families_facts;  // fact.c: dates, places, languages, units

// Names that only begin like this, tried in order; ended by a row without name (words.c).
extern const wt_family_row wt_families_prefix[];

wt_family wt_deg_cite, wt_deg_infobox, wt_deg_convert, wt_deg_lang_of, wt_deg_ipa_of, wt_deg_flag,
    wt_deg_coord, wt_deg_icon, wt_deg_unknown, wt_deg_nothing, wt_deg_pattern, wt_deg_sister;
// A country by its name or its code of three letters.
bool wt_country(const char **name, char code[3], str text);

#endif
