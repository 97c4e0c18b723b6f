// http/date.h -- dates in header fields (RFC 9110 5.6.7). Pure; any thread.
#ifndef HTTP_DATE_H
#define HTTP_DATE_H

#include "base/str.h"

enum { HTTP_DATE_LEN = 29 };

// "Sun, 06 Nov 1994 08:49:37 GMT", no NUL. Years 1970 to 9999; others are clamped.
void http_date_format(char out[HTTP_DATE_LEN], int64_t unix_s);
// That form, and the two obsolete ones that recipients must accept. False when it is no date.
bool http_date_parse(int64_t *unix_s, str s);

#endif
