// Expressions: recursive descent, a function for each level of precedence, as Jinja's parser has
// them ("a ~ b" binds tighter than "+", "-x | f" is "(-x) | f").

#include "jinja/call.h"
#include "jinja/parse.h"

#include <stdarg.h>
#include <stdio.h>

static const token END = {.kind = T_EOF};

void parse_next(parser *p) {
    if (p->t->kind != T_EOF) p->t++;
}

static const token *peek(const parser *p) {
    return p->t->kind == T_EOF ? p->t : p->t + 1;
}

void *parse_fail(parser *p, status code, const char *fmt, ...) {
    if (!p->code) {
        char msg[300];
        va_list ap;
        va_start(ap, fmt);
        vsnprintf(msg, sizeof msg, fmt, ap);
        va_end(ap);
        p->code = err_set(p->e, code, "line %u of the template: %s", p->t->line, msg);
    }
    p->t = &END;
    return NULL;
}

node *parse_node(parser *p, node_kind kind) {
    node *n = arena_try(p->mem, sizeof *n);
    if (!n) {
        parse_fail(p, E_LIMIT, "a template does not fit");
        return NULL;
    }
    n->kind = (uint8_t)kind;
    n->line = p->t->line;
    return n;
}

node *parse_below(parser *p, node *n, node *child) {
    if (!n || !child) return NULL;
    if (child->depth >= n->depth) n->depth = (uint16_t)(child->depth + 1);
    if (n->depth > JINJA_DEPTH_MAX)
        return parse_fail(p, E_LIMIT, "nested over %d levels", JINJA_DEPTH_MAX);
    return child;
}

void parse_add(parser *p, node_list *l, node *owner, node *child) {
    if (!parse_below(p, owner, child)) return;
    if (!l->last) l->last = &l->first;
    *l->last = child;
    l->last = &child->next;
    l->n++;
}

bool parse_is_op(const parser *p, const char *op) {
    return p->t->kind == T_OP && str_eq(p->t->text, str_of(op));
}
bool parse_is_name(const parser *p, const char *name) {
    return p->t->kind == T_NAME && str_eq(p->t->text, str_of(name));
}
bool parse_skip_op(parser *p, const char *op) {
    if (!parse_is_op(p, op)) return false;
    parse_next(p);
    return true;
}
bool parse_skip_name(parser *p, const char *name) {
    if (!parse_is_name(p, name)) return false;
    parse_next(p);
    return true;
}

// What stands here, for a message.
static str found(const parser *p) {
    switch (p->t->kind) {
    case T_EOF:
        return STR("the end of the template");
    case T_DATA:
        return STR("text");
    case T_OUT_BEGIN:
        return STR("{{");
    case T_OUT_END:
        return STR("}}");
    case T_BLOCK_BEGIN:
        return STR("{%");
    case T_BLOCK_END:
        return STR("%}");
    default:
        return str_first(p->t->text, 40);
    }
}

void parse_want_op(parser *p, const char *op) {
    if (!parse_skip_op(p, op))
        parse_fail(p, E_FORMAT, "expected '%s', found '%.*s'", op, STR_ARG(found(p)));
}
str parse_want_name(parser *p) {
    str name = p->t->text;
    if (p->t->kind == T_NAME) return parse_next(p), name;
    parse_fail(p, E_FORMAT, "expected a name, found '%.*s'", STR_ARG(found(p)));
    return (str){0};
}

static node *two(parser *p, node_kind kind, int op, node *a, node *b) {
    node *n = parse_node(p, kind);
    if (!n) return NULL;
    n->op = (uint8_t)op;
    n->a = parse_below(p, n, a);
    n->b = parse_below(p, n, b);
    return n;
}

// --- Primary -------------------------------------------------------------------------------------

static node *parse_const(parser *p, jv value) {
    node *n = parse_node(p, X_CONST);
    if (n) n->value = value;
    return n;
}

static node *parse_name(parser *p, bool with_fields) {
    static const struct {
        const char *name;
        jv_kind kind;
        bool value;
    } constants[] = {{"true", JV_BOOL, true},   {"True", JV_BOOL, true}, {"false", JV_BOOL, false},
                     {"False", JV_BOOL, false}, {"none", JV_NONE, 0},    {"None", JV_NONE, 0}};
    str name = p->t->text;
    for (size_t i = 0; i < countof(constants); i++) {
        if (!str_eq(name, str_of(constants[i].name))) continue;
        node *n = parse_const(p, (jv){.kind = constants[i].kind, .b = constants[i].value});
        parse_next(p);
        return n;
    }
    node *n = parse_node(p, X_NAME);
    parse_next(p);
    if (n) n->name = name;
    if (!n || !with_fields || !parse_is_op(p, ".")) return n;
    parse_next(p);
    node *field = parse_node(p, N_FIELD);
    if (!field) return NULL;
    field->a = parse_below(p, field, n);
    field->name = parse_want_name(p);
    return field;
}

static node *parse_strings(parser *p) {
    buf b;
    if (peek(p)->kind != T_STRING) {
        node *n = parse_const(p, jv_view(p->t->text));
        parse_next(p);
        return n;
    }
    buf_init(&b, p->mem, 0);
    node *n = parse_const(p, jv_none());
    for (; p->t->kind == T_STRING; p->t++)
        buf_add(&b, p->t->text);
    if (b.failed) return parse_fail(p, E_LIMIT, "a template does not fit");
    if (n) n->value = jv_view(buf_str(&b));
    return n;
}

static node *parse_items(parser *p, node_kind kind, const char *close) {
    node *n = parse_node(p, kind);
    node_list l = {0};
    parse_next(p);
    while (n && !p->code && !parse_is_op(p, close)) {
        if (l.n) parse_want_op(p, ",");
        if (parse_is_op(p, close)) break;
        parse_add(p, &l, n, parse_expression(p));
        if (kind != X_DICT) continue;
        parse_want_op(p, ":");
        parse_add(p, &l, n, parse_expression(p));
    }
    parse_want_op(p, close);
    if (n) n->a = l.first;
    return n;
}

static bool is_tuple_end(const parser *p, const char *stop) {
    return p->t->kind == T_OUT_END || p->t->kind == T_BLOCK_END || parse_is_op(p, ")") ||
           (stop && parse_is_name(p, stop));
}

static node *parse_primary(parser *p, bool with_fields);

// `kind`: 0 names and literals only, 1 no conditional expressions, 2 all.
static node *tuple_of(parser *p, int kind, const char *stop, bool in_parens, bool with_fields) {
    node *n = parse_node(p, X_TUPLE);
    node_list l = {0};
    bool is_tuple = false;
    while (n && !p->code) {
        if (l.n) parse_want_op(p, ",");
        if (is_tuple_end(p, stop)) break;
        parse_add(p, &l, n,
                  kind == 0   ? parse_primary(p, with_fields)
                  : kind == 1 ? parse_without_cond(p)
                              : parse_expression(p));
        if (!parse_is_op(p, ",")) break;
        is_tuple = true;
    }
    if (p->code || !n) return NULL;
    if (!is_tuple && l.n) return l.first;
    if (!is_tuple && !in_parens)
        return parse_fail(p, E_FORMAT, "expected an expression, found '%.*s'", STR_ARG(found(p)));
    n->a = l.first;
    return n;
}

node *parse_tuple(parser *p, bool with_cond, const char *stop) {
    return tuple_of(p, with_cond ? 2 : 1, stop, false, false);
}

static node *parse_primary(parser *p, bool with_fields) {
    if (p->t->kind == T_NAME) return parse_name(p, with_fields);
    if (p->t->kind == T_STRING) return parse_strings(p);
    if (p->t->kind == T_INT || p->t->kind == T_FLOAT) {
        node *n = parse_const(p, p->t->number);
        parse_next(p);
        return n;
    }
    if (parse_is_op(p, "[")) return parse_items(p, X_LIST, "]");
    if (parse_is_op(p, "{")) return parse_items(p, X_DICT, "}");
    if (!parse_is_op(p, "("))
        return parse_fail(p, E_FORMAT, "unexpected '%.*s'", STR_ARG(found(p)));
    parse_next(p);
    node *n = tuple_of(p, 2, NULL, true, false);
    parse_want_op(p, ")");
    return n;
}

static bool is_target(const node *n) {
    if (n->kind == X_NAME || n->kind == N_FIELD) return true;
    if (n->kind != X_TUPLE) return false;
    for (const node *k = n->a; k; k = k->next)
        if (!is_target(k)) return false;
    return true;
}

node *parse_target(parser *p, const char *stop, bool with_fields) {
    node *n = tuple_of(p, 0, stop, false, with_fields);
    if (n && !is_target(n)) return parse_fail(p, E_FORMAT, "this cannot be assigned to");
    return n;
}

// --- Postfix -------------------------------------------------------------------------------------

static node *parse_arg(parser *p, arg_op *least) {
    node *n = parse_node(p, N_ARG);
    if (!n) return NULL;
    n->op = ARG_PLAIN;
    if (parse_skip_op(p, "**")) {
        n->op = ARG_ALL_NAMED;
    } else if (parse_skip_op(p, "*")) {
        n->op = ARG_ALL;
    } else if (p->t->kind == T_NAME && peek(p)->kind == T_OP && str_eq(peek(p)->text, STR("="))) {
        n->op = ARG_NAMED;
        n->name = p->t->text;
        parse_next(p);
        parse_next(p);
    }
    // Plain ones, then named ones and one "*" in any order, then one "**".
    static const arg_op most[] = {ARG_PLAIN, ARG_ALL, ARG_NAMED, ARG_ALL};
    if (*least > most[n->op])
        return parse_fail(p, E_FORMAT, "arguments of a call are in a wrong order");
    if (n->op > *least) *least = n->op;
    n->a = parse_below(p, n, parse_expression(p));
    return n;
}

static node *parse_args(parser *p, node *owner) {
    node_list l = {0};
    arg_op least = ARG_PLAIN;
    parse_want_op(p, "(");
    while (!p->code && !parse_is_op(p, ")")) {
        if (l.n) {
            parse_want_op(p, ",");
            if (parse_is_op(p, ")")) break;
        }
        parse_add(p, &l, owner, parse_arg(p, &least));
    }
    parse_want_op(p, ")");
    return l.first;
}

static node *parse_call(parser *p, node *callee) {
    node *n = parse_node(p, X_CALL);
    if (!n) return NULL;
    n->a = parse_below(p, n, callee);
    n->b = parse_args(p, n);
    return n;
}

// One part of a subscript: an expression or a slice.
static node *parse_subscribed(parser *p) {
    node *from = NULL;
    if (!parse_is_op(p, ":")) {
        from = parse_expression(p);
        if (!parse_is_op(p, ":")) return from;
    }
    node *n = parse_node(p, X_SLICE);
    parse_next(p);
    if (!n) return NULL;
    if (from) n->b = parse_below(p, n, from);
    if (!parse_is_op(p, ":") && !parse_is_op(p, "]") && !parse_is_op(p, ","))
        n->c = parse_below(p, n, parse_expression(p));
    if (parse_skip_op(p, ":") && !parse_is_op(p, "]") && !parse_is_op(p, ","))
        n->d = parse_below(p, n, parse_expression(p));
    return n;
}

static node *parse_subscript(parser *p, node *of) {
    if (parse_skip_op(p, ".")) {
        bool is_name = p->t->kind == T_NAME;
        if (!is_name && p->t->kind != T_INT)
            return parse_fail(p, E_FORMAT, "expected a name or a number, found '%.*s'",
                              STR_ARG(found(p)));
        node *n = parse_node(p, is_name ? X_ATTR : X_ITEM);
        if (!n) return NULL;
        n->a = parse_below(p, n, of);
        n->name = p->t->text;
        if (is_name) n->fn = jinja_method_named(n->name);
        if (!is_name) n->b = parse_below(p, n, parse_const(p, p->t->number));
        parse_next(p);
        return n;
    }
    parse_next(p);
    node *n = parse_node(p, X_ITEM), *many = parse_node(p, X_TUPLE);
    node_list l = {0};
    while (n && many && !p->code && !parse_is_op(p, "]")) {
        if (l.n) parse_want_op(p, ",");
        parse_add(p, &l, many, parse_subscribed(p));
    }
    parse_want_op(p, "]");
    if (p->code) return NULL;
    n->a = parse_below(p, n, of);
    if (l.n != 1) {
        many->a = l.first;
        n->b = parse_below(p, n, many);
        for (const node *k = l.first; k; k = k->next)
            if (k->kind == X_SLICE) parse_fail(p, E_FORMAT, "a slice among several subscripts");
        return n;
    }
    if (l.first->kind != X_SLICE) {
        n->b = parse_below(p, n, l.first);
        return n;
    }
    l.first->a = parse_below(p, l.first, of);
    return l.first;
}

node *parse_postfix(parser *p, node *n) {
    while (n && !p->code) {
        if (parse_is_op(p, ".") || parse_is_op(p, "["))
            n = parse_subscript(p, n);
        else if (parse_is_op(p, "("))
            n = parse_call(p, n);
        else
            break;
    }
    return n;
}

// --- Filters and tests ---------------------------------------------------------------------------

// A name with dots in it, as filters of extensions have.
static str dotted_name(parser *p) {
    str name = parse_want_name(p);
    while (parse_is_op(p, ".")) {
        parse_next(p);
        str more = parse_want_name(p);
        name.len = p->code ? 0 : (size_t)(more.ptr + more.len - name.ptr);
    }
    return name;
}

node *parse_filters(parser *p, node *value, bool begins_inline) {
    while (!p->code && (begins_inline || parse_is_op(p, "|"))) {
        if (!begins_inline) parse_next(p);
        begins_inline = false;
        node *n = parse_node(p, X_FILTER);
        if (!n) return NULL;
        n->name = dotted_name(p);
        if (p->code) return NULL;
        n->fn = jinja_filter_named(n->name);
        if (value) n->a = parse_below(p, n, value);
        if (parse_is_op(p, "(")) n->b = parse_args(p, n);
        value = n;
    }
    return value;
}

// Whether a test's argument stands here without parentheses.
static bool is_bare_arg(const parser *p) {
    if (parse_is_op(p, "[") || parse_is_op(p, "{")) return true;
    if (p->t->kind == T_NAME)
        return !parse_is_name(p, "else") && !parse_is_name(p, "or") && !parse_is_name(p, "and");
    return p->t->kind == T_STRING || p->t->kind == T_INT || p->t->kind == T_FLOAT;
}

static node *parse_test(parser *p, node *value) {
    node *n = parse_node(p, X_TEST), *arg = NULL;
    parse_next(p);
    bool is_negated = parse_skip_name(p, "not");
    if (!n) return NULL;
    n->name = dotted_name(p);
    if (p->code) return NULL;
    n->fn = jinja_test_named(n->name);
    n->a = parse_below(p, n, value);
    if (parse_is_op(p, "(")) {
        n->b = parse_args(p, n);
    } else if (is_bare_arg(p)) {
        if (parse_is_name(p, "is"))
            return parse_fail(p, E_FORMAT, "tests with 'is' cannot be chained");
        arg = parse_node(p, N_ARG);
        if (!arg) return NULL;
        arg->a = parse_below(p, arg, parse_postfix(p, parse_primary(p, false)));
        n->b = parse_below(p, n, arg);
    }
    return is_negated ? two(p, X_NOT, 0, n, NULL) : n;
}

static node *parse_filter_expr(parser *p, node *n) {
    while (n && !p->code) {
        if (parse_is_op(p, "|"))
            n = parse_filters(p, n, false);
        else if (parse_is_name(p, "is"))
            n = parse_test(p, n);
        else if (parse_is_op(p, "("))
            n = parse_call(p, n);
        else
            break;
    }
    return n;
}

// --- Operators -----------------------------------------------------------------------------------

// Nesting that the tokens' own recursion makes, before there are nodes to measure.
static bool enter(parser *p) {
    if (++p->depth <= PARSE_DEPTH_MAX) return !p->code;
    parse_fail(p, E_LIMIT, "nested over %d levels", JINJA_DEPTH_MAX);
    return false;
}

static node *parse_unary(parser *p, bool with_filter) {
    node *n = NULL;
    if (enter(p)) {
        if (parse_is_op(p, "-") || parse_is_op(p, "+")) {
            node_kind kind = parse_is_op(p, "-") ? X_NEG : X_POS;
            parse_next(p);
            n = two(p, kind, 0, parse_unary(p, false), NULL);
        } else {
            n = parse_primary(p, false);
        }
        n = parse_postfix(p, n);
        if (with_filter) n = parse_filter_expr(p, n);
    }
    p->depth--;
    return n;
}

typedef struct infix {
    const char *spelling;
    node_op op;
} infix;

static const infix *infix_here(const parser *p, const infix *ops, size_t n) {
    for (size_t i = 0; i < n && p->t->kind == T_OP; i++)
        if (parse_is_op(p, ops[i].spelling)) return &ops[i];
    return NULL;
}

static node *parse_pow(parser *p) {
    node *left = parse_unary(p, true);
    while (!p->code && parse_skip_op(p, "**"))
        left = two(p, X_BINARY, OP_POW, left, parse_unary(p, true));
    return left;
}

static node *parse_product(parser *p) {
    static const infix ops[] = {{"*", OP_MUL}, {"/", OP_DIV}, {"//", OP_FLOOR}, {"%", OP_MOD}};
    node *left = parse_pow(p);
    for (const infix *i; !p->code && (i = infix_here(p, ops, countof(ops)));) {
        parse_next(p);
        left = two(p, X_BINARY, i->op, left, parse_pow(p));
    }
    return left;
}

static node *parse_concat(parser *p) {
    node *first = parse_product(p);
    if (p->code || !parse_is_op(p, "~")) return first;
    node *n = parse_node(p, X_CONCAT);
    node_list l = {0};
    parse_add(p, &l, n, first);
    while (parse_skip_op(p, "~"))
        parse_add(p, &l, n, parse_product(p));
    if (n) n->a = l.first;
    return n;
}

static node *parse_sum(parser *p) {
    static const infix ops[] = {{"+", OP_ADD}, {"-", OP_SUB}};
    node *left = parse_concat(p);
    for (const infix *i; !p->code && (i = infix_here(p, ops, countof(ops)));) {
        parse_next(p);
        left = two(p, X_BINARY, i->op, left, parse_concat(p));
    }
    return left;
}

// The comparison here, skipped; -1: none.
static int comparison(parser *p) {
    static const infix ops[] = {{"==", OP_EQ}, {"!=", OP_NE}, {"<", OP_LT},
                                {"<=", OP_LE}, {">", OP_GT},  {">=", OP_GE}};
    const infix *i = infix_here(p, ops, countof(ops));
    if (i) parse_next(p);
    if (i) return i->op;
    if (parse_skip_name(p, "in")) return OP_IN;
    if (!parse_is_name(p, "not") || peek(p)->kind != T_NAME || !str_eq(peek(p)->text, STR("in")))
        return -1;
    parse_next(p);
    parse_next(p);
    return OP_NOT_IN;
}

static node *parse_compare(parser *p) {
    node *first = parse_sum(p);
    int op = p->code ? -1 : comparison(p);
    if (op < 0) return first;
    node *n = parse_node(p, X_COMPARE);
    node_list l = {0};
    if (n) n->a = parse_below(p, n, first);
    for (; op >= 0 && !p->code; op = comparison(p))
        parse_add(p, &l, n, two(p, N_OPERAND, op, parse_sum(p), NULL));
    if (n) n->b = l.first;
    return n;
}

static node *parse_not(parser *p) {
    if (!parse_is_name(p, "not")) return parse_compare(p);
    node *n = NULL;
    parse_next(p);
    if (enter(p)) n = two(p, X_NOT, 0, parse_not(p), NULL);
    p->depth--;
    return n;
}

static node *parse_and(parser *p) {
    node *left = parse_not(p);
    while (!p->code && parse_skip_name(p, "and"))
        left = two(p, X_AND, 0, left, parse_not(p));
    return left;
}

node *parse_without_cond(parser *p) {
    node *left = NULL;
    if (enter(p)) left = parse_and(p);
    while (!p->code && parse_skip_name(p, "or"))
        left = two(p, X_OR, 0, left, parse_and(p));
    p->depth--;
    return left;
}

node *parse_expression(parser *p) {
    node *n = NULL;
    if (enter(p)) n = parse_without_cond(p);
    while (!p->code && parse_skip_name(p, "if")) {
        node *cond = two(p, X_COND, 0, n, parse_without_cond(p));
        if (cond && parse_skip_name(p, "else")) cond->c = parse_below(p, cond, parse_expression(p));
        n = cond;
    }
    p->depth--;
    return n;
}
