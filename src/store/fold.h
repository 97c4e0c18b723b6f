// store/fold.h -- the order of all dictionaries: strings as a reader compares them.
//
// fold() drops what a person who types does not mind: case, accents, the kind of dash, quote and
// space. It works on each code point by itself, so fold(P) is a prefix of fold(Px); and it is
// idempotent: fold(fold(x)) = fold(x).
//
//   Threads   pure; any (a table is made on first use)
//   Limits    at most STORE_FOLD_GROWTH times as long as its input
//   Source    CaseFolding.txt and UnicodeData.txt through utf8proc; the script rules stand in
//             fold.c
#ifndef STORE_FOLD_H
#define STORE_FOLD_H

#include "base/arena.h"

enum {
    STORE_FOLD_GROWTH = 3,
    STORE_FOLD_VERSION = 2,  // of the rule and of Unicode: part of every file that is ordered by it
};

// Writes fold(s) to dst, which has room for STORE_FOLD_GROWTH * s.len bytes. Returns its length.
// Bytes that are no UTF-8 are kept.
size_t store_fold(char *dst, str s);
str store_fold_in(str s, arena *a);

// What an ASCII byte folds to: always one byte.
static inline uint8_t store_fold_ascii(uint8_t c) {
    return c >= 'A' && c <= 'Z' ? c | 0x20 : c == '_' ? ' ' : c;
}

// (fold(a), a) against (fold(b), b): <0, 0, >0. The order of a dictionary's keys.
int store_fold_cmp(str a, str b);

#endif
