// lang/expr.h -- {{#expr: 1 + 2 * (3 round 1)}}: a calculator with MediaWiki's operators.
//
//   Owner     nobody: results are values, or appended to the buf that is given
//   Threads   pure functions; any
//   Limits    100 operands and 100 operators waiting; linear in the text
//   Errors    a sentence as MediaWiki words it, in place of the value
//   Source    https://www.mediawiki.org/wiki/Help:Extension:ParserFunctions#%23expr
#ifndef LANG_EXPR_H
#define LANG_EXPR_H

#include "lang/number.h"

typedef struct expr_value {
    bool is_empty;  // "" or "()": no value at all
    num n;
} expr_value;

// False: `error` got the message, as text.
bool expr_eval(expr_value *out, buf *error, str text);

#endif
