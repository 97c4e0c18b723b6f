// jinja/parse.h -- what the parser's two files share: expressions (expr.c), statements (parse.c).
//
//   Errors    sticky, as in value.h: after the first one all tokens read as the end
#ifndef JINJA_PARSE_H
#define JINJA_PARSE_H

#include "jinja/node.h"

enum { PARSE_DEPTH_MAX = 2 * JINJA_DEPTH_MAX };  // of the parser itself: what its stack must hold

typedef struct parser {
    const token *t;  // the next one
    arena *mem;
    err *e;
    status code;
    int depth;
    int loops;  // open loops: where break may stand
} parser;

void *parse_fail(parser *p, status code, const char *fmt, ...) PRINTF_LIKE(3, 4);
void parse_next(parser *p);
node *parse_node(parser *p, node_kind kind);
// `child` below `n`: its depth counts; returns it.
node *parse_below(parser *p, node *n, node *child);
bool parse_is_op(const parser *p, const char *op);
bool parse_is_name(const parser *p, const char *name);
bool parse_skip_op(parser *p, const char *op);
bool parse_skip_name(parser *p, const char *name);
void parse_want_op(parser *p, const char *op);
str parse_want_name(parser *p);

// A list that grows at its end.
typedef struct node_list {
    node *first, **last;
    uint32_t n;
} node_list;
void parse_add(parser *p, node_list *l, node *owner, node *child);

node *parse_expression(parser *p);
node *parse_without_cond(parser *p);  // no "a if b"
// Several with commas are a tuple. `stop` is a name that ends it too ("in", "recursive"), or NULL.
node *parse_tuple(parser *p, bool with_cond, const char *stop);
node *parse_target(parser *p, const char *stop, bool with_fields);  // what can be assigned
node *parse_filters(parser *p, node *value, bool begins_inline);
node *parse_postfix(parser *p, node *n);

#endif
