// families/families.h -- templates and modules that are missing, shown from their arguments.
//
//     wt_options o = {.families = &families};
//
// Citations, boxes, hatnotes, languages, conversions... are written as wikitext that says what
// the template would have said; what no family knows is its name with its arguments. Nothing is
// dropped.
//
//   Owner     nobody: constant
//   Threads   immutable; any
//   Errors    none: it never declines
//   Limits    linear in a call's arguments
#ifndef FAMILIES_FAMILIES_H
#define FAMILIES_FAMILIES_H

#include "wikitext/module.h"

extern const wt_module families;

#endif
