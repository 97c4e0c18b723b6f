// wikitext/number.h -- numbers as PHP reads, rounds and writes them: what templates count with.
//
//   Threads   pure functions; any
//   Limits    400 significant digits of a number are read, which is more than a double tells apart
//   Source    https://www.php.net/manual/en/language.types.numeric-strings.php, and of round()
#ifndef WIKITEXT_NUMBER_H
#define WIKITEXT_NUMBER_H

#include "base/buf.h"

typedef struct wt_number {
    bool is_int;
    int64_t i;  // of an int
    double d;   // of both
} wt_number;

wt_number wt_number_of(double d);
wt_number wt_number_int(int64_t i);

// The number at the start of `s` ("12abc" is 12, "abc" 0); the length it took, spaces in front of
// it included. An integer that is too large for one is no int.
size_t wt_number_prefix(wt_number *out, str s);
// All of `s`, with space around it, is a number: "1", " -.5 ", "1e3"; not "", "0x10", "1 a".
bool wt_number_read(wt_number *out, str s);
// What (int) makes of a text: 0 of "abc", and the largest of what is too large.
int64_t wt_int_prefix(str s);
// What (int) makes of a double: modulo 2^64; 0 for what is not finite.
int64_t wt_int_of(double d);

// As echo writes it: 14 digits, "1.0E+25", "INF", "NAN", "-0".
void wt_number_put(buf *out, wt_number n);

// a == b: as numbers when both are, else byte by byte.
bool wt_loosely_equal(str a, str b);

// Half away from zero, after rounding to the 15 digits that a double is sure of.
double wt_round(double v, int64_t places);

#endif
