// base/json.h -- writes JSON into a buf, spaced as Python's json.dumps does.
//
// The original's answers are json.dumps with defaults: ", " and ": " between items and every
// non-ASCII character as \uXXXX. Old clients compare bytes, so that is the form here.
//
//   Shapes    json_open('[') ... json_close(']'); inside an object every value follows json_key
//   Limits    JSON_DEPTH_MAX open brackets (CHECKed: nesting is ours, never the client's)
//   Errors    bytes that are no UTF-8 become U+FFFD
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include "base/buf.h"

enum { JSON_DEPTH_MAX = 32 };

typedef struct json {
    buf *to;
    int depth;
    bool has_item[JSON_DEPTH_MAX];  // a comma is due before the next item at this depth
    bool after_key;
} json;

void json_init(json *j, buf *to);
void json_open(json *j, char bracket);   // '[' or '{'
void json_close(json *j, char bracket);  // ']' or '}'
void json_key(json *j, const char *key);
void json_str(json *j, str s);
void json_u64(json *j, uint64_t v);
void json_i64(json *j, int64_t v);
void json_f64(json *j, double v, int decimals);  // not finite: null
void json_bool(json *j, bool v);
void json_null(json *j);

#endif
