// Names to places. Which variable a name means is settled before anything runs, as Jinja's compiler
// does it: each scope first collects the names that it loads and stores, then its parts are bound.
//
//   I1  a name that a scope stores has a place of its own there, filled on entering from the outer
//       variable of that name, from outside, or not at all
//   I2  a name that is only loaded is the nearest outer variable's, else one from outside
//   I3  scopes of one function share its record; a macro or a recursive loop has its own
//
// Rejected: looking names up while rendering. It is slower, and it differs: a name that a template
// sets anywhere at its top is unset until then, whatever came from outside.

#include "jinja/node.h"

typedef struct scoper {
    jinja *j;
    err *e;
    status code;
    int in_if;
    int is_soft;  // inside of an if: an unknown filter is refused when it is reached, as in Jinja
} scoper;

static void fail(scoper *s, const char *what, str name) {
    if (!s->code) s->code = err_set(s->e, E_FORMAT, what, STR_ARG(name));
}

static void *take(scoper *s, size_t size) {
    void *p = arena_try(&s->j->mem, size);
    if (!p && !s->code) s->code = err_set(s->e, E_LIMIT, "a template does not fit");
    return p;
}

// --- Places --------------------------------------------------------------------------------------

static load *own(const scope *in, str name) {
    for (load *l = in ? in->loads : NULL; l; l = l->next)
        if (str_eq(l->name, name)) return l;
    return NULL;
}

// The nearest variable of that name from `in` outwards, and how many records lie between.
static load *find(const scope *in, str name, uint16_t *hops) {
    *hops = 0;
    for (; in; in = in->up) {
        load *l = own(in, name);
        if (l) return l;
        *hops = (uint16_t)(*hops + (in->up && in->up->in != in->in));
    }
    return NULL;
}

static uint16_t var_index(scoper *s, str name) {
    jinja *j = s->j;
    for (size_t i = 0; i < j->n_vars; i++)
        if (str_eq(j->vars[i], name)) return (uint16_t)i;
    if (j->n_vars == j->cap_vars) {
        str *more = take(s, (2 * j->cap_vars + 16) * sizeof *more);
        if (!more) return 0;
        if (j->n_vars) memcpy(more, j->vars, j->n_vars * sizeof *more);
        j->vars = more;
        j->cap_vars = 2 * j->cap_vars + 16;
    }
    if (j->n_vars == UINT16_MAX) {
        if (!s->code) s->code = err_set(s->e, E_LIMIT, "over %d names", UINT16_MAX);
        return 0;
    }
    j->vars[j->n_vars] = name;
    return (uint16_t)j->n_vars++;
}

static load *define(scoper *s, scope *in, str name, load_kind kind) {
    load *l = take(s, sizeof *l);
    if (!l) return NULL;
    if (in->in->n_slots == UINT16_MAX) {
        if (!s->code) s->code = err_set(s->e, E_LIMIT, "over %d variables", UINT16_MAX);
        return NULL;
    }
    *l = (load){.kind = (uint8_t)kind, .slot = in->in->n_slots++, .name = name};
    if (kind == LOAD_VAR) l->from = var_index(s, name);
    *in->last = l;
    in->last = &l->next;
    return l;
}

static void declare_param(scoper *s, scope *in, str name) {
    load *l = own(in, name);
    if (l)
        l->kind = LOAD_PARAM;
    else
        define(s, in, name, LOAD_PARAM);
}

static void load_name(scoper *s, scope *in, str name) {
    uint16_t hops;
    if (!find(in, name, &hops)) define(s, in, name, LOAD_VAR);
}

static void store_name(scoper *s, scope *in, str name) {
    if (own(in, name)) return;
    uint16_t hops = 0;
    load *outer = in->up ? find(in->up, name, &hops) : NULL;
    if (outer) {
        hops = (uint16_t)(hops + (in->up->in != in->in));
        load *l = define(s, in, name, LOAD_ALIAS);
        if (l) l->hops = hops, l->from = outer->slot;
        return;
    }
    define(s, in, name, s->in_if ? LOAD_VAR : LOAD_MISSING);
}

static scope *new_scope(scoper *s, scope *up, bool has_record) {
    scope *in = take(s, sizeof *in);
    record *r = has_record ? take(s, sizeof *r) : NULL;
    if (!in || (has_record && !r)) return NULL;
    *in = (scope){.up = up, .in = r ? r : up->in, .last = &in->loads};
    return in;
}

// --- Collecting ----------------------------------------------------------------------------------

// Names that an expression loads. Children of all kinds are lists.
static void collect_expr(scoper *s, scope *in, const node *n) {
    for (; n && !s->code; n = n->next) {
        if (n->kind == X_NAME) {
            load_name(s, in, n->name);
            continue;
        }
        collect_expr(s, in, n->a);
        collect_expr(s, in, n->b);
        collect_expr(s, in, n->c);
        collect_expr(s, in, n->d);
    }
}

static void collect_target(scoper *s, scope *in, const node *n, bool is_param) {
    for (; n && !s->code; n = n->next) {
        if (n->kind == N_FIELD)
            load_name(s, in, n->a->name);
        else if (n->kind == X_TUPLE)
            collect_target(s, in, n->a, is_param);
        else if (is_param)
            declare_param(s, in, n->name);
        else
            store_name(s, in, n->name);
    }
}

static void collect_body(scoper *s, scope *in, const node *n);

static void collect(scoper *s, scope *in, const node *n) {
    switch (n->kind) {
    case S_OUT:
    case S_CALL:
    case S_FILTER:
        collect_expr(s, in, n->a);
        break;
    case S_FOR:
    case S_WITH:
        collect_expr(s, in, n->b);
        break;
    case S_IF:
        collect_expr(s, in, n->a);
        s->in_if++;
        collect_body(s, in, n->body);
        collect_body(s, in, n->other);
        s->in_if--;
        break;
    case S_SET:
        collect_expr(s, in, n->b);
        collect_target(s, in, n->a, false);
        break;
    case S_SET_BLOCK:
        collect_target(s, in, n->a, false);
        break;
    case S_MACRO:
        store_name(s, in, n->name);
        break;
    default:
        break;
    }
}

static void collect_body(scoper *s, scope *in, const node *n) {
    for (; n && !s->code; n = n->next)
        collect(s, in, n);
}

// A new scope's own parts are not those of an if that it stands in.
static void collect_scope(scoper *s, scope *in, const node *body) {
    int in_if = s->in_if;
    s->in_if = 0;
    collect_body(s, in, body);
    s->in_if = in_if;
}

// Whether `name` is loaded in there before it is assigned.
typedef struct undeclared {
    str name;
    bool is_found, is_declared;
} undeclared;

static void search(undeclared *u, const node *n, bool is_target) {
    for (; n && !u->is_found; n = n->next) {
        if (n->kind == X_NAME && str_eq(n->name, u->name)) {
            if (is_target)
                u->is_declared = true;
            else if (!u->is_declared)
                u->is_found = true;
        }
        bool assigns = n->kind == S_FOR || n->kind == S_SET || n->kind == S_SET_BLOCK ||
                       n->kind == S_WITH || (is_target && n->kind == X_TUPLE);
        search(u, n->a, assigns);
        search(u, n->b, false);
        if (n->kind == S_MACRO || n->kind == S_CALL) {
            const macro *m = n->fn;
            for (const node *arg = m->args; arg; arg = arg->next)
                u->is_declared |= str_eq(arg->name, u->name);
            for (const node *arg = m->args; arg; arg = arg->next)
                search(u, arg->a, false);
            search(u, m->body, false);
        }
        search(u, n->body, false);
        search(u, n->other, false);
        search(u, n->c, false);
        search(u, n->d, false);
    }
}

static bool is_used(const node *body, str name) {
    undeclared u = {.name = name};
    search(&u, body, false);
    return u.is_found;
}

// --- Binding -------------------------------------------------------------------------------------

static void bind_name(scoper *s, scope *in, node *n) {
    uint16_t hops;
    load *l = find(in, n->name, &hops);
    if (!l) l = define(s, in, n->name, LOAD_VAR);
    if (!l) return;
    n->hops = hops;
    n->slot = l->slot;
}

static void refuse_unknown(scoper *s, const node *n) {
    s->code = err_set(s->e, E_UNSUPPORTED, "line %u of the template: no %s named '%.*s'", n->line,
                      n->kind == X_TEST ? "test" : "filter", STR_ARG(n->name));
}

static void bind_expr(scoper *s, scope *in, node *n) {
    for (; n && !s->code; n = n->next) {
        if (n->kind == X_NAME) {
            bind_name(s, in, n);
            continue;
        }
        bool is_call = n->kind == X_FILTER || n->kind == X_TEST;
        if (is_call && !n->fn && !s->is_soft) refuse_unknown(s, n);
        s->is_soft += n->kind == X_COND;
        bind_expr(s, in, n->a);
        bind_expr(s, in, n->b);
        bind_expr(s, in, n->c);
        bind_expr(s, in, n->d);
        s->is_soft -= n->kind == X_COND;
    }
}

static void bind_body(scoper *s, scope *in, node *n);

// Whether something in there assigns to "loop", which loops keep for themselves.
static bool assigns_loop(const node *n, bool is_target) {
    for (; n; n = n->next) {
        if (is_target && n->kind == X_NAME && str_eq(n->name, STR("loop"))) return true;
        bool has_target = n->kind == S_FOR || n->kind == S_SET || n->kind == S_SET_BLOCK;
        const macro *m = n->kind == S_MACRO || n->kind == S_CALL ? n->fn : NULL;
        if ((has_target || (is_target && n->kind == X_TUPLE)) && assigns_loop(n->a, true))
            return true;
        if (assigns_loop(n->body, false) || assigns_loop(n->other, false)) return true;
        if (m && assigns_loop(m->body, false)) return true;
    }
    return false;
}

static void bind_for(scoper *s, scope *in, node *n) {
    bind_expr(s, in, n->b);
    if (assigns_loop(n->a, true) || assigns_loop(n->body, false) || assigns_loop(n->other, false))
        fail(s, "a loop's '%.*s' cannot be assigned to", STR("loop"));
    n->in = new_scope(s, in, n->op);
    if (!n->in) return;
    declare_param(s, n->in, STR("loop"));
    collect_target(s, n->in, n->a, true);
    collect_scope(s, n->in, n->body);
    if (n->c) {
        n->test_in = new_scope(s, in, false);
        if (!n->test_in) return;
        n->test_in->in = n->in->in;
        collect_target(s, n->test_in, n->a, true);
        for (load *l = n->test_in->loads; l; l = l->next)
            l->slot = own(n->in, l->name)->slot;  // the test sees the loop's own target
        collect_expr(s, n->test_in, n->c);
        bind_expr(s, n->test_in, n->c);
    }
    bind_expr(s, n->in, n->a);
    bind_body(s, n->in, n->body);
    if (!n->other) return;
    n->other_in = new_scope(s, in, false);
    if (!n->other_in) return;
    n->other_in->in = n->in->in;
    collect_scope(s, n->other_in, n->other);
    bind_body(s, n->other_in, n->other);
}

static uint16_t special_param(scoper *s, scope *in, const macro *m, bool *has, str name) {
    for (const node *arg = m->args; arg; arg = arg->next)
        if (str_eq(arg->name, name)) return 0;
    *has = is_used(m->body, name);
    if (!*has) return 0;
    declare_param(s, in, name);
    load *l = own(in, name);
    return l ? l->slot : 0;
}

static void bind_macro(scoper *s, scope *in, macro *m) {
    m->in = new_scope(s, in, true);
    if (!m->in) return;
    for (node *arg = m->args; arg; arg = arg->next)
        declare_param(s, m->in, arg->name);
    for (node *arg = m->args; arg; arg = arg->next)
        collect_expr(s, m->in, arg->a);
    collect_scope(s, m->in, m->body);
    m->caller = special_param(s, m->in, m, &m->has_caller, STR("caller"));
    m->kwargs = special_param(s, m->in, m, &m->has_kwargs, STR("kwargs"));
    m->varargs = special_param(s, m->in, m, &m->has_varargs, STR("varargs"));
    for (node *arg = m->args; arg; arg = arg->next) {
        if (str_eq(arg->name, STR("caller")) && !arg->a && is_used(m->body, arg->name))
            fail(s, "the parameter '%.*s' of a macro must have a default", arg->name);
        node *next = arg->next;
        bind_name(s, m->in, arg);
        if (arg->a) bind_expr(s, m->in, arg->a);
        arg->next = next;
    }
    bind_body(s, m->in, m->body);
}

static void bind_block(scoper *s, scope *in, node *n, node *filters) {
    n->in = new_scope(s, in, false);
    if (!n->in) return;
    collect_scope(s, n->in, n->body);
    collect_expr(s, n->in, filters);
    bind_expr(s, n->in, filters);
    bind_body(s, n->in, n->body);
}

static void bind_with(scoper *s, scope *in, node *n) {
    bind_expr(s, in, n->b);
    n->in = new_scope(s, in, false);
    if (!n->in) return;
    collect_target(s, n->in, n->a, true);
    collect_scope(s, n->in, n->body);
    bind_expr(s, n->in, n->a);
    bind_body(s, n->in, n->body);
}

static void bind(scoper *s, scope *in, node *n) {
    switch (n->kind) {
    case S_OUT:
        bind_expr(s, in, n->a);
        break;
    case S_IF:
        s->is_soft++;
        bind_expr(s, in, n->a);
        bind_body(s, in, n->body);
        bind_body(s, in, n->other);
        s->is_soft--;
        break;
    case S_FOR:
        bind_for(s, in, n);
        break;
    case S_SET:
        bind_expr(s, in, n->b);
        bind_expr(s, in, n->a);
        break;
    case S_SET_BLOCK:
        bind_expr(s, in, n->a);
        bind_block(s, in, n, n->b);
        break;
    case S_MACRO:
        bind_name(s, in, n);
        bind_macro(s, in, (macro *)n->fn);
        break;
    case S_CALL:
        bind_expr(s, in, n->a);
        bind_macro(s, in, (macro *)n->fn);
        break;
    case S_FILTER:
        bind_block(s, in, n, n->a);
        break;
    case S_WITH:
        bind_with(s, in, n);
        break;
    case S_SCOPE:
        bind_block(s, in, n, NULL);
        break;
    default:
        break;
    }
}

static void bind_body(scoper *s, scope *in, node *n) {
    for (; n && !s->code; n = n->next)
        bind(s, in, n);
}

status jinja_scopes(jinja *j, err *e) {
    scoper s = {.j = j, .e = e};
    j->in = new_scope(&s, NULL, true);
    if (!j->in) return s.code;
    collect_body(&s, j->in, j->body);
    bind_body(&s, j->in, j->body);
    return s.code;
}
