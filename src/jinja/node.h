// jinja/node.h -- a template as a tree, and the functions that its names stand for.
//
//   Owner     the template's arena
//   Threads   immutable once parsed: any
//   Limits    JINJA_DEPTH_MAX levels of nodes
//   Source    Jinja 3.1: parser.py, idtracking.py, compiler.py
#ifndef JINJA_NODE_H
#define JINJA_NODE_H

#include "jinja/value.h"

typedef enum node_kind {
    X_CONST,
    X_NAME,
    X_TUPLE,  // a: the items
    X_LIST,
    X_DICT,  // a: key, value, key, value ...
    X_NEG,
    X_POS,
    X_NOT,
    X_AND,
    X_OR,
    X_BINARY,   // op
    X_CONCAT,   // a: the items
    X_COMPARE,  // a, then b: operands
    X_COND,     // a if b else c (or NULL)
    X_ATTR,     // a.name
    X_ITEM,     // a[b]
    X_SLICE,    // a[b:c:d], each of these or NULL
    X_CALL,     // a(b ...)
    X_FILTER,   // a | name(b ...); a NULL: what a block wrote
    X_TEST,     // a is name(b ...)
    X_KINDS,
    S_TEXT = X_KINDS,  // name
    S_OUT,             // a: the expressions
    S_IF,              // a, body, other
    S_FOR,             // a: target; b: items; c: test or NULL; body, other
    S_SET,             // a: target; b
    S_SET_BLOCK,       // a: target; b: filters or NULL; body
    S_MACRO,           // name; slot; fn: macro
    S_CALL,            // a: the call; fn: macro
    S_FILTER,          // a: the filters; body
    S_WITH,            // a: targets; b: values; body
    S_SCOPE,           // body
    S_BREAK,
    S_CONTINUE,
    N_OPERAND,  // op, a
    N_ARG,      // op, name, a
    N_FIELD,    // a target: the namespace a, its field name
} node_kind;

typedef enum node_op {
    OP_ADD,
    OP_SUB,
    OP_MUL,
    OP_DIV,
    OP_FLOOR,
    OP_MOD,
    OP_POW,
    OP_EQ,
    OP_NE,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_IN,
    OP_NOT_IN,
} node_op;
typedef enum arg_op { ARG_PLAIN, ARG_NAMED, ARG_ALL, ARG_ALL_NAMED } arg_op;

typedef struct node node;
typedef struct scope scope;
typedef struct macro macro;

struct node {
    uint8_t kind, op;
    uint16_t depth;
    uint32_t line;
    uint16_t hops, slot;  // of a name: records up, place there
    node *next;           // in a list
    node *a, *b, *c, *d, *body, *other;
    str name;
    jv value;
    const void *fn;  // a filter, a test, a macro; of an attribute: methods of that name
    scope *in, *test_in, *other_in;
};

// What a scope does when it is entered, for each of its names.
typedef enum load_kind { LOAD_PARAM, LOAD_VAR, LOAD_ALIAS, LOAD_MISSING } load_kind;
typedef struct load {
    uint8_t kind;
    bool is_stored;
    uint16_t slot;
    uint16_t hops, from;  // LOAD_ALIAS: whose value; LOAD_VAR: `from` in the template's names
    str name;
    struct load *next;
} load;

// A function of the template: the whole, a macro, a recursive loop. Its scopes' names live in one
// record.
typedef struct record record;
struct record {
    uint16_t n_slots;
};
struct scope {
    scope *up;
    record *in;
    load *loads, **last;
};

struct macro {
    str name;
    node *args;  // X_NAME; a: its default or NULL
    uint32_t n_args;
    bool has_caller, has_kwargs, has_varargs;  // used in the body, not declared
    uint16_t caller, kwargs, varargs;          // their slots
    node *body;
    scope *in;
};

struct jinja {
    arena mem;
    node *body;
    scope *in;
    str *vars;  // names that come from outside
    size_t n_vars, cap_vars;
};

// --- Building: lexer, parser, scopes ------------------------------------------------------------

typedef enum token_kind {
    T_EOF,
    T_DATA,
    T_OUT_BEGIN,
    T_OUT_END,
    T_BLOCK_BEGIN,
    T_BLOCK_END,
    T_NAME,
    T_STRING,
    T_INT,
    T_FLOAT,
    T_OP,
} token_kind;
typedef struct token {
    token_kind kind;
    uint32_t line;
    str text;  // an operator's spelling, a name, data, an unescaped string
    jv number;
} token;

// All tokens of a template, ended by T_EOF; E_FORMAT.
NODISCARD status jinja_lex(const token **out, str text, arena *a, err *e);
NODISCARD status jinja_parse(jinja *j, const token *t, err *e);
NODISCARD status jinja_scopes(jinja *j, err *e);

#endif
