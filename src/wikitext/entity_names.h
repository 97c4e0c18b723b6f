// wikitext/entity_names.h -- HTML's named character references: name, code points.
//
//   Threads   an immutable table in order of the names; any
#ifndef WIKITEXT_ENTITY_NAMES_H
#define WIKITEXT_ENTITY_NAMES_H

#include <stdint.h>

enum { ENTITY_COUNT = 2125, ENTITY_NAME_MAX = 31 };

typedef struct entity_row {
    char name[ENTITY_NAME_MAX + 1];
    int32_t cp, more;  // more: 0, or a second one
} entity_row;

extern const entity_row entity_rows[ENTITY_COUNT];

#endif
