// schema/number.h -- the decimal texts of numbers within bounds, as languages.
//
//   Owner     the room's arena
//   Threads   one
//   Limits    15 digits (18 where an integer's bounds have them); multiples of up to
//             NUMBER_MULTIPLE_MAX
//   Errors    E_UNSUPPORTED, E_LIMIT
//   Source    RFC 8259. A text is compared digit by digit with the shortest decimal of a bound's
//             double; with 15 digits at most, that order and the order of doubles are one
#ifndef SCHEMA_NUMBER_H
#define SCHEMA_NUMBER_H

#include "base/json_read.h"
#include "schema/lang.h"

enum { NUMBER_MULTIPLE_MAX = 10000, NUMBER_TEXT = 40 };

typedef struct number_bound {
    const json_value *v;  // NULL: none
    bool is_open;         // the bound itself is out
} number_bound;

typedef struct number_rules {
    bool is_integer;
    number_bound lo, hi;
    uint32_t multiples[8];
    size_t n_multiples;
} number_rules;

// *any: whether there is such a number.
NODISCARD status number_lang(lang *out, bool *any, const number_rules *rules, lang_room *r, err *e);

// Takes the stricter one of two bounds.
number_bound number_stricter(number_bound a, number_bound b, bool is_lo);
bool number_fits(const json_value *v, const number_rules *rules);

// The shortest text that reads as this number; "" when a double does not hold it exactly.
str number_text(char out[NUMBER_TEXT], const json_value *v);

#endif
