// schema/regex.h -- regular expressions as languages.
//
//   Owner     the room's arena
//   Threads   one
//   Limits    REGEX_MAX bytes, REGEX_DEPTH_MAX nested groups, REGEX_STATES_MAX; and lang.h's
//   Errors    E_FORMAT with the place in the expression; E_UNSUPPORTED for look-around, back
//             references, word boundaries and Unicode properties; E_LIMIT
//   Source    ECMA-262 22.2 with the flag u, of which every text must be in Python's re as well: \d
//             \w and \s are ASCII, and so is all of a class that negates one of them
#ifndef SCHEMA_REGEX_H
#define SCHEMA_REGEX_H

#include "base/str.h"
#include "schema/lang.h"

enum { REGEX_MAX = 1 << 12, REGEX_DEPTH_MAX = 32, REGEX_STATES_MAX = 1 << 13 };

// `is_whole`: the whole text matches; else some part of it does.
NODISCARD status regex_open(lang *out, str text, bool is_whole, lang_room *r, err *e);

#endif
