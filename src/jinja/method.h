// jinja/method.h -- methods of values, for the table of them; parts that filters use too.
//
//   Source    Python's str, list, tuple, dict, range
#ifndef JINJA_METHOD_H
#define JINJA_METHOD_H

#include "base/utf8.h"
#include "jinja/call.h"
#include "jinja/text.h"

jinja_fn method_upper, method_lower, method_casefold, method_title, method_capitalize,
    method_swapcase, method_isalpha, method_isalnum, method_isdecimal, method_isdigit,
    method_isnumeric, method_isspace, method_isprintable, method_isascii, method_isupper,
    method_islower, method_istitle, method_strip, method_lstrip, method_rstrip, method_removeprefix,
    method_removesuffix, method_find, method_rfind, method_str_index, method_rindex,
    method_str_count, method_startswith, method_endswith, method_replace, method_split,
    method_rsplit, method_splitlines, method_partition, method_rpartition, method_join,
    method_ljust, method_rjust, method_center, method_zfill, method_expandtabs, method_format,
    method_format_map;

// There is a cased character, and none of the other cases.
bool method_all_cased(str s, text_class wanted, text_class other);
jv method_strip_ends(jrun *r, jv self, jv chars, int ends);  // 1 left, 2 right
jv method_replaced(jrun *r, str s, str old, str into, int64_t count);
jv method_padded(jrun *r, jv self, int64_t left, int64_t right, str fill);

#endif
