// html/entity.h -- reading a character reference, and the names that HTML has for them.
//
//   Threads   pure functions and an immutable table; any
//   Source    https://html.spec.whatwg.org/multipage/named-characters.html
#ifndef HTML_ENTITY_H
#define HTML_ENTITY_H

#include "base/str.h"

enum { ENTITY_COUNT = 2125, ENTITY_NAME_MAX = 31 };

typedef struct entity_row {
    char name[ENTITY_NAME_MAX + 1];
    int32_t cp, more;  // more: 0, or a second one
} entity_row;

extern const entity_row entity_rows[ENTITY_COUNT];  // in order of their names

typedef struct entity_ref {
    size_t len;     // with '&' and ';'; 0: it is none
    str name;       // of a named one
    int32_t cp[2];  // cp[0] -1: a number that is no character; 0: a name that is not known
    bool is_hex;
} entity_ref;

// `s` starts with '&'.
entity_ref entity_read(str s);

#endif
