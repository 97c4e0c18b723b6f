// schema/format.h -- the formats of strings that a regular expression can hold, by name.
//
//   Threads   pure; any
//   Source    RFC 3339 (dates, times, durations), RFC 5321 and RFC 1034 (mail, hosts), RFC 2673 and
//             RFC 4291 (addresses), RFC 3986 (URIs), RFC 4122, RFC 6901. Each expression holds
//             texts of its format only; of email, hostname and uri not all of them
#ifndef SCHEMA_FORMAT_H
#define SCHEMA_FORMAT_H

#include "base/str.h"

// An expression that the whole text matches; "" for an unknown name.
str format_regex(str name);

#endif
