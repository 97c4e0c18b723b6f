// lang/number.h -- numbers as PHP reads, rounds and writes them: what templates count with.
//
//   Owner     nobody: results are values, or appended to the buf that is given
//   Threads   pure functions; any
//   Limits    400 significant digits of a number are read, which is more than a double tells apart
//   Source    https://www.php.net/manual/en/language.types.numeric-strings.php, and of round()
#ifndef LANG_NUMBER_H
#define LANG_NUMBER_H

#include "base/buf.h"

typedef struct num {
    bool is_int;
    int64_t i;  // of an int
    double d;   // of both
} num;

num num_of(double d);
num num_int(int64_t i);

// The number at the start of `s` ("12abc" is 12, "abc" 0); the length it took, spaces in front of
// it included. An integer that is too large for one is no int.
size_t num_prefix(num *out, str s);
// All of `s`, with space around it, is a number: "1", " -.5 ", "1e3"; not "", "0x10", "1 a".
bool num_read(num *out, str s);
// What (int) makes of a text: 0 of "abc", and the largest of what is too large.
int64_t num_int_prefix(str s);
// What (int) makes of a double: modulo 2^64; 0 for what is not finite.
int64_t num_int_of(double d);

// As echo writes it: 14 digits, "1.0E+25", "INF", "NAN", "-0".
void num_put(buf *out, num n);

// a == b: as numbers when both are, else byte by byte.
bool num_loosely_equal(str a, str b);

// Half away from zero, after rounding to the 15 digits that a double is sure of.
double num_round(double v, int64_t places);

#endif
