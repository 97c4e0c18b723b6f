// jinja/run.h -- what the interpreter's files share: records, macros, loops.
//
//   I1  output goes to r->out; who wants it as a value takes what was written since a mark
#ifndef JINJA_RUN_H
#define JINJA_RUN_H

#include "jinja/call.h"

typedef struct jenv jenv;
struct jenv {  // a record at work
    jenv *up;
    jv slots[];
};

typedef struct jmacro {
    const macro *m;
    jenv *env;
} jmacro;

typedef struct jloop {
    const node *n;
    jenv *env;    // where its body runs
    jenv *outer;  // where it stands
    const jv *items;
    uint32_t n_items, at;
    bool has_test, has_next;
    jv next;  // looked at already
    jv before, current;
    int64_t index0, depth0;
    jv changed;
} jloop;

enum { FLOW_NONE, FLOW_BREAK, FLOW_CONTINUE };

jenv *run_record(jrun *r, jenv *up, uint16_t n_slots);
void run_enter(jrun *r, jenv *env, const scope *in);
void run_assign(jrun *r, jenv *env, const node *target, jv v);
void run_body(jrun *r, jenv *env, const node *n);
size_t run_mark(const jrun *r);
jv run_take(jrun *r, size_t mark);  // what was written since; it is no output then
void run_write(jrun *r, jv v);
jv run_loop(jrun *r, jenv *outer, const node *n, jv items, int64_t depth0);
bool run_loop_next(jrun *r, jloop *l, jv *item);
uint32_t run_loop_rest(jrun *r, jloop *l);

jv eval(jrun *r, jenv *env, const node *n);
jv eval_call(jrun *r, jenv *env, const node *n, jv caller);
jv eval_filters(jrun *r, jenv *env, const node *n, jv value);

#endif
