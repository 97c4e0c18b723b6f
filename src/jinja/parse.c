// Statements. A block's body ends at one of several names; which one it was decides what follows.

#include "jinja/parse.h"

static node *parse_body(parser *p, node *owner, const char *const *ends);

#define ENDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void want_block_end(parser *p) {
    if (p->t->kind == T_BLOCK_END)
        parse_next(p);
    else
        parse_fail(p, E_FORMAT, "expected '%%}'");
}

// A body up to {% end %}, behind the rest of the tag that opens it.
static node *body_of(parser *p, node *owner, const char *const *ends) {
    if (parse_is_op(p, ":")) parse_next(p);
    want_block_end(p);
    return parse_body(p, owner, ends);
}

static node *body_to(parser *p, node *owner, const char *end) {
    node *body = body_of(p, owner, ENDS(end));
    parse_skip_name(p, end);
    return body;
}

static node *parse_set(parser *p) {
    node *n = parse_node(p, S_SET);
    if (!n) return NULL;
    parse_next(p);
    n->a = parse_below(p, n, parse_target(p, NULL, true));
    if (parse_skip_op(p, "=")) {
        n->b = parse_below(p, n, parse_tuple(p, true, NULL));
        return n;
    }
    n->kind = S_SET_BLOCK;
    node *filters = parse_filters(p, NULL, false);
    if (filters) n->b = parse_below(p, n, filters);
    n->body = body_to(p, n, "endset");
    return n;
}

static node *parse_if(parser *p) {
    node *n = parse_node(p, S_IF);
    if (!n) return NULL;
    parse_next(p);
    n->a = parse_below(p, n, parse_tuple(p, false, NULL));
    n->body = body_of(p, n, ENDS("elif", "else", "endif"));
    if (parse_is_name(p, "elif")) {
        // A chain of elif is nested here; a long one must not count as deep.
        node *rest = NULL;
        if (++p->depth > PARSE_DEPTH_MAX)
            return parse_fail(p, E_LIMIT, "over %d elif", PARSE_DEPTH_MAX);
        rest = parse_if(p);
        p->depth--;
        n->other = rest;
        n->op = 1;  // its other is an elif: run_if goes on there, without a new level
        if (rest && rest->depth > n->depth) n->depth = rest->depth;
        return n;
    }
    if (parse_skip_name(p, "else"))
        n->other = body_to(p, n, "endif");
    else
        parse_skip_name(p, "endif");
    return n;
}

static node *parse_for(parser *p) {
    node *n = parse_node(p, S_FOR);
    if (!n) return NULL;
    parse_next(p);
    n->a = parse_below(p, n, parse_target(p, "in", false));
    if (!p->code && !parse_skip_name(p, "in")) return parse_fail(p, E_FORMAT, "expected 'in'");
    n->b = parse_below(p, n, parse_tuple(p, false, "recursive"));
    if (parse_skip_name(p, "if")) n->c = parse_below(p, n, parse_expression(p));
    n->op = parse_skip_name(p, "recursive");
    p->loops++;
    n->body = body_of(p, n, ENDS("endfor", "else"));
    p->loops--;
    if (parse_skip_name(p, "else"))
        n->other = body_to(p, n, "endfor");
    else
        parse_skip_name(p, "endfor");
    return n;
}

static void parse_params(parser *p, node *owner, macro *m) {
    node_list l = {0};
    bool has_defaults = false;
    parse_want_op(p, "(");
    while (!p->code && !parse_is_op(p, ")")) {
        if (l.n) parse_want_op(p, ",");
        node *arg = parse_node(p, X_NAME);
        if (!arg) return;
        arg->name = parse_want_name(p);
        if (parse_skip_op(p, "=")) {
            arg->a = parse_below(p, arg, parse_expression(p));
            has_defaults = true;
        } else if (has_defaults) {
            parse_fail(p, E_FORMAT, "a parameter without a default behind one with a default");
        }
        for (const node *k = l.first; k; k = k->next)
            if (str_eq(k->name, arg->name)) parse_fail(p, E_FORMAT, "a parameter stands twice");
        parse_add(p, &l, owner, arg);
    }
    parse_want_op(p, ")");
    m->args = l.first;
    m->n_args = l.n;
}

static macro *new_macro(parser *p) {
    macro *m = arena_try(p->mem, sizeof *m);
    if (!m) parse_fail(p, E_LIMIT, "a template does not fit");
    return m;
}

// break and continue do not reach through a macro.
static node *macro_body(parser *p, node *n, const char *end) {
    int loops = p->loops;
    p->loops = 0;
    node *body = body_to(p, n, end);
    p->loops = loops;
    return body;
}

static node *parse_macro(parser *p) {
    node *n = parse_node(p, S_MACRO);
    macro *m = new_macro(p);
    if (!n || !m) return NULL;
    parse_next(p);
    n->fn = m;
    n->name = m->name = parse_want_name(p);
    parse_params(p, n, m);
    m->body = macro_body(p, n, "endmacro");
    return n;
}

static node *parse_call_block(parser *p) {
    node *n = parse_node(p, S_CALL);
    macro *m = new_macro(p);
    if (!n || !m) return NULL;
    parse_next(p);
    n->fn = m;
    m->name = STR("caller");
    if (parse_is_op(p, "(")) parse_params(p, n, m);
    n->a = parse_below(p, n, parse_expression(p));
    if (n->a && n->a->kind != X_CALL) return parse_fail(p, E_FORMAT, "expected a call");
    m->body = macro_body(p, n, "endcall");
    return n;
}

static node *parse_filter_block(parser *p) {
    node *n = parse_node(p, S_FILTER);
    if (!n) return NULL;
    parse_next(p);
    n->a = parse_below(p, n, parse_filters(p, NULL, true));
    n->body = body_to(p, n, "endfilter");
    return n;
}

static node *parse_with(parser *p) {
    node *n = parse_node(p, S_WITH);
    node_list targets = {0}, values = {0};
    if (!n) return NULL;
    parse_next(p);
    while (!p->code && p->t->kind != T_BLOCK_END) {
        if (targets.n) parse_want_op(p, ",");
        parse_add(p, &targets, n, parse_target(p, NULL, false));
        parse_want_op(p, "=");
        parse_add(p, &values, n, parse_expression(p));
    }
    n->a = targets.first;
    n->b = values.first;
    n->body = body_to(p, n, "endwith");
    return n;
}

static node *parse_print(parser *p) {
    node *n = parse_node(p, S_OUT);
    node_list l = {0};
    parse_next(p);
    while (n && !p->code && p->t->kind != T_BLOCK_END) {
        if (l.n) parse_want_op(p, ",");
        parse_add(p, &l, n, parse_expression(p));
    }
    if (n) n->a = l.first;
    return n;
}

// transformers' mark of what the model itself wrote: its body is rendered as a macro's is.
static node *parse_generation(parser *p) {
    node *n = parse_node(p, S_SCOPE);
    if (!n) return NULL;
    parse_next(p);
    n->body = macro_body(p, n, "endgeneration");
    return n;
}

static node *parse_jump(parser *p) {
    node *n = parse_node(p, parse_is_name(p, "break") ? S_BREAK : S_CONTINUE);
    if (!p->loops) return parse_fail(p, E_FORMAT, "'%.*s' outside of a loop", STR_ARG(p->t->text));
    parse_next(p);
    return n;
}

static const struct {
    const char *name;
    node *(*parse)(parser *p);  // NULL: refused by name
} STATEMENTS[] = {
    {"set", parse_set},
    {"if", parse_if},
    {"for", parse_for},
    {"macro", parse_macro},
    {"call", parse_call_block},
    {"filter", parse_filter_block},
    {"with", parse_with},
    {"print", parse_print},
    {"generation", parse_generation},
    {"break", parse_jump},
    {"continue", parse_jump},
    {"include", NULL},
    {"import", NULL},
    {"from", NULL},
    {"extends", NULL},
    {"block", NULL},
    {"autoescape", NULL},
    {"do", NULL},
    {"debug", NULL},
    {"trans", NULL},
};

static node *parse_statement(parser *p) {
    if (p->t->kind != T_NAME) return parse_fail(p, E_FORMAT, "expected the name of a tag");
    for (size_t i = 0; i < countof(STATEMENTS); i++) {
        if (!parse_is_name(p, STATEMENTS[i].name)) continue;
        if (STATEMENTS[i].parse) return STATEMENTS[i].parse(p);
        return parse_fail(p, E_UNSUPPORTED, "the tag '%s' is not supported", STATEMENTS[i].name);
    }
    if (str_starts(p->t->text, STR("end")) || parse_is_name(p, "else") || parse_is_name(p, "elif"))
        return parse_fail(p, E_FORMAT, "unexpected tag '%.*s'", STR_ARG(p->t->text));
    return parse_fail(p, E_UNSUPPORTED, "unknown tag '%.*s'", STR_ARG(p->t->text));
}

static bool is_one_of(const parser *p, const char *const *ends) {
    for (; ends && *ends; ends++)
        if (parse_is_name(p, *ends)) return true;
    return false;
}

static node *parse_text(parser *p) {
    node *n = parse_node(p, S_TEXT);
    if (n) n->name = p->t->text;
    parse_next(p);
    return n;
}

static node *parse_out(parser *p) {
    node *n = parse_node(p, S_OUT);
    parse_next(p);
    if (n) n->a = parse_below(p, n, parse_tuple(p, true, NULL));
    if (!p->code && p->t->kind != T_OUT_END) return parse_fail(p, E_FORMAT, "expected '}}'");
    parse_next(p);
    return n;
}

// One more level of blocks: `p->depth` bounds what the parser's own stack holds.
static node *parse_body(parser *p, node *owner, const char *const *ends) {
    node_list l = {0};
    if (++p->depth > PARSE_DEPTH_MAX)
        parse_fail(p, E_LIMIT, "nested over %d levels", JINJA_DEPTH_MAX);
    while (!p->code && p->t->kind != T_EOF) {
        node *n = NULL;
        if (p->t->kind == T_DATA) {
            n = parse_text(p);
        } else if (p->t->kind == T_OUT_BEGIN) {
            n = parse_out(p);
        } else {
            parse_next(p);
            if (is_one_of(p, ends)) break;
            n = parse_statement(p);
            if (!p->code) want_block_end(p);
        }
        parse_add(p, &l, owner, n);
    }
    p->depth--;
    if (!p->code && ends && p->t->kind == T_EOF)
        parse_fail(p, E_FORMAT, "the template ends where '%s' was expected", ends[0]);
    return l.first;
}

status jinja_parse(jinja *j, const token *t, err *e) {
    parser p = {.t = t, .mem = &j->mem, .e = e};
    node root = {0};
    j->body = parse_body(&p, &root, NULL);
    return p.code;
}
