// base/utf8.h -- decode, encode, validate UTF-8; find where a cut is safe when streaming.
//
//   Format    RFC 3629: shortest form only, no surrogates, at most U+10FFFF
//   Threads   pure functions; any
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include "base/str.h"

enum { UTF8_MAX = 4, UTF8_BAD = -1, UTF8_REPLACEMENT = 0xFFFD };

// Decodes the code point at s.ptr[0]. Returns its length 1..4 and sets *cp; at a malformed
// sequence *cp is UTF8_BAD and the length is the maximal subpart to replace (Unicode 3.9, table
// 3-8), so that decoding always advances. s.len must not be 0.
size_t utf8_decode(int32_t *cp, str s);

// Writes 1..4 bytes; a surrogate or a value over U+10FFFF is written as U+FFFD.
size_t utf8_encode(char out[UTF8_MAX], int32_t cp);

bool utf8_valid(str s);

// Length of the longest prefix that does not end inside a sequence that more bytes could still
// complete: what a stream may send now. The rest is at most 3 bytes.
size_t utf8_complete(str s);

// Number of code points; a malformed part counts as one.
size_t utf8_count(str s);

#endif
