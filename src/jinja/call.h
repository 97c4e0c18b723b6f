// jinja/call.h -- the functions that templates can name: filters, tests, methods, globals.
//
//   Owner     static tables
//   Threads   any
//   Source    Jinja 3.1: filters.py, tests.py, sandbox.py; Python's str, list, dict
#ifndef JINJA_CALL_H
#define JINJA_CALL_H

#include "jinja/node.h"

enum { ARGS_MAX = 255, ARGS_BOUND = 6 };

// Arguments of a call.
typedef struct jargs {
    const jv *plain;
    uint32_t n_plain;
    const jv_pair *named;  // keys are strings
    uint32_t n_named;
} jargs;

// `a` has the arguments in the order of the row's names, JV_MISSING where none was given; a row
// without names gets them as they came.
typedef jv jinja_fn(jrun *r, jv self, const jv *a, const jargs *args);
typedef struct jinja_row {
    const char *name;
    jinja_fn *call;
    const char *params;  // "sep,maxsplit", with "/" in front: not by name; NULL: any
    uint8_t needs;       // how many of them must be given
    uint32_t kinds;      // methods: bits of jv_kind that have it; tests and filters: 0
} jinja_row;

const jinja_row *jinja_filter_named(str name);
const jinja_row *jinja_test_named(str name);
// The first of the rows of that name; NULL: no kind has it.
const jinja_row *jinja_method_named(str name);
const jinja_row *jinja_method_of(const jinja_row *first, jv_kind kind);
// A row without a function is a method that would change its object: the sandbox hides it.
jv jinja_global_named(str name);

// Binds arguments to the row's names and calls it.
jv jinja_call_row(jrun *r, const jinja_row *row, jv self, const jargs *args);
// Calls any value: macros, methods, globals.
jv jinja_call(jrun *r, jv callee, const jargs *args);
jv jinja_call_macro(jrun *r, jv callee, const jargs *args);
jv jinja_call_loop(jrun *r, jv callee, const jargs *args);

// obj.name and obj[key].
jv jinja_attr(jrun *r, jv of, str name, const jinja_row *method);
jv jinja_item(jrun *r, jv of, jv key);
jv jinja_slice(jrun *r, jv of, jv from, jv to, jv step);
jv jinja_loop_attr(jrun *r, jv of, str name);

jv jinja_binary(jrun *r, node_op op, jv a, jv b);
jv jinja_negate(jrun *r, jv a, bool minus);
bool jinja_is_op_true(jrun *r, node_op op, jv a, jv b);
jv jinja_percent(jrun *r, jv format, jv args);  // str % args
jv jinja_format(jrun *r, jv format, const jargs *args);

// Arguments of a kind: fails, naming the function, and returns something harmless.
int64_t jinja_int_arg(jrun *r, jv v, int64_t missing, const char *what);
str jinja_str_arg(jrun *r, jv v, const char *what);
str jinja_text_of(jrun *r, jv v);  // str() of it

#endif
