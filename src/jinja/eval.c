// Expressions, calls of macros, attributes.

#include "jinja/run.h"

#include "jinja/text.h"

static const jenv *record_of(const jenv *env, const node *n) {
    for (uint16_t i = 0; i < n->hops; i++)
        env = env->up;
    return env;
}

static jv eval_name(jrun *r, jenv *env, const node *n) {
    (void)r;
    jv v = record_of(env, n)->slots[n->slot];
    return v.kind == JV_MISSING ? jv_undef(JV_NAME, JV_NONE, n->name) : v;
}

static uint32_t list_len(const node *n) {
    uint32_t len = 0;
    for (; n; n = n->next)
        len++;
    return len;
}

static jv eval_items(jrun *r, jenv *env, const node *n) {
    uint32_t len = list_len(n->a), i = 0;
    jv *items = jr_alloc(r, len, sizeof *items);
    for (const node *k = n->a; k && items; k = k->next)
        items[i++] = eval(r, env, k);
    return jv_items(n->kind == X_LIST ? JV_LIST : JV_TUPLE, items, items ? len : 0);
}

static jv eval_dict(jrun *r, jenv *env, const node *n) {
    uint32_t len = list_len(n->a) / 2, i = 0;
    jv_pair *pairs = jr_alloc(r, len, sizeof *pairs);
    for (const node *k = n->a; k && pairs; k = k->next->next) {
        pairs[i].key = eval(r, env, k);
        pairs[i++].value = eval(r, env, k->next);
    }
    return pairs ? jv_make_dict(r, pairs, len) : jv_none();
}

static jv eval_concat(jrun *r, jenv *env, const node *n) {
    jv all = jv_view((str){0});
    for (const node *k = n->a; k && !r->code; k = k->next) {
        jv v = jv_str(r, eval(r, env, k));
        all = k == n->a ? jv_view(jv_text(v)) : jv_concat(r, jv_text(all), jv_text(v));
    }
    return all;
}

static jv eval_compare(jrun *r, jenv *env, const node *n) {
    jv left = eval(r, env, n->a);
    bool is_true = true;
    for (const node *k = n->b; k && is_true && !r->code; k = k->next) {
        jv right = eval(r, env, k->a);
        is_true = jinja_is_op_true(r, k->op, left, right);
        left = right;
    }
    return jv_bool(is_true);
}

static jv eval_cond(jrun *r, jenv *env, const node *n) {
    if (jv_truth(r, eval(r, env, n->b))) return eval(r, env, n->a);
    if (n->c) return eval(r, env, n->c);
    return jv_hint("the inline if-expression was false and has no else");
}

static jv eval_slice(jrun *r, jenv *env, const node *n) {
    jv of = eval(r, env, n->a), part[3];
    const node *from[3] = {n->b, n->c, n->d};
    for (int i = 0; i < 3; i++)
        part[i] = from[i] ? eval(r, env, from[i]) : jv_none();
    return jinja_slice(r, of, part[0], part[1], part[2]);
}

// --- Calls ---------------------------------------------------------------------------------------

static void add_plain(jrun *r, jv *to, uint32_t *n, jv v) {
    if (*n == ARGS_MAX)
        jr_fail(r, E_LIMIT, "over %d arguments", ARGS_MAX);
    else
        to[(*n)++] = v;
}

static void add_named(jrun *r, jv_pair *to, uint32_t *n, jv key, jv v) {
    for (uint32_t i = 0; i < *n; i++)
        if (jv_equal(r, to[i].key, key))
            jr_type(r, "two values for the argument '%.*s'", STR_ARG(jv_text(key)));
    if (key.kind != JV_STR)
        jr_type(r, "names of arguments must be str");
    else if (*n == ARGS_MAX)
        jr_fail(r, E_LIMIT, "over %d arguments", ARGS_MAX);
    else
        to[(*n)++] = (jv_pair){key, v};
}

static void add_all(jrun *r, jv *to, uint32_t *n, jv from) {
    uint32_t len;
    const jv *items = jv_each(r, &len, from);
    for (uint32_t i = 0; items && i < len && !r->code; i++)
        add_plain(r, to, n, items[i]);
}

static void add_all_named(jrun *r, jv_pair *to, uint32_t *n, jv from) {
    if (from.kind != JV_DICT) jr_type(r, "'**' wants a dict, not %s", jv_type_name(from));
    for (uint32_t i = 0; from.kind == JV_DICT && i < from.n && !r->code; i++)
        add_named(r, to, n, from.dict->pairs[i].key, from.dict->pairs[i].value);
}

// Evaluates a call's arguments into the rendering's memory: they are few, and they may be kept.
static jargs eval_args(jrun *r, jenv *env, const node *n, jv caller) {
    uint32_t len = list_len(n), n_plain = 0, n_named = 0;
    bool has_all = false;
    for (const node *k = n; k; k = k->next)
        has_all |= k->op == ARG_ALL || k->op == ARG_ALL_NAMED;
    if (has_all) len = ARGS_MAX;
    if (!len && !caller.kind) return (jargs){0};
    jv *plain = jr_alloc(r, len, sizeof *plain);
    jv_pair *named = NULL;
    for (const node *k = n; k && plain && !r->code; k = k->next) {
        if ((k->op == ARG_NAMED || k->op == ARG_ALL_NAMED) && !named)
            named = jr_alloc(r, len + 1, sizeof *named);
        jv v = eval(r, env, k->a);
        if (k->op == ARG_PLAIN)
            add_plain(r, plain, &n_plain, v);
        else if (k->op == ARG_ALL)
            add_all(r, plain, &n_plain, v);
        else if (!named)
            break;
        else if (k->op == ARG_NAMED)
            add_named(r, named, &n_named, jv_view(k->name), v);
        else
            add_all_named(r, named, &n_named, v);
    }
    if (caller.kind) {
        if (!named) named = jr_alloc(r, 1, sizeof *named);
        if (named) named[n_named++] = (jv_pair){jv_view(STR("caller")), caller};
    }
    return (jargs){plain, n_plain, named, n_named};
}

jv eval_call(jrun *r, jenv *env, const node *n, jv caller) {
    jv callee = eval(r, env, n->a);
    jargs args = eval_args(r, env, n->b, caller);
    r->line = n->line;
    return r->code ? callee : jinja_call(r, callee, &args);
}

// A parameter's value: what was given at its place or by name.
static jv given(const jargs *args, uint32_t i, str name, bool *used) {
    if (i < args->n_plain) return args->plain[i];
    for (uint32_t k = 0; k < args->n_named; k++) {
        if (!str_eq(jv_text(args->named[k].key), name)) continue;
        used[k] = true;
        return args->named[k].value;
    }
    return (jv){.kind = JV_MISSING};
}

static void special_params(jrun *r, jenv *env, const macro *m, const jargs *args, bool *used) {
    if (m->has_caller) {
        jv caller = given(args, UINT32_MAX, STR("caller"), used);
        if (!caller.kind || caller.kind == JV_NONE) caller = jv_hint("no caller is defined");
        env->slots[m->caller] = caller;
    }
    uint32_t n = 0, first = UINT32_MAX;
    jv_pair *rest = m->has_kwargs ? jr_alloc(r, args->n_named, sizeof *rest) : NULL;
    for (uint32_t i = args->n_named; i-- > 0;)
        if (!used[i]) first = i;
    for (uint32_t i = 0; rest && i < args->n_named; i++)
        if (!used[i]) rest[n++] = args->named[i];
    if (rest)
        env->slots[m->kwargs] = jv_make_dict(r, rest, n);
    else if (first != UINT32_MAX)
        jr_type(r, "macro '%.*s' takes no keyword argument '%.*s'", STR_ARG(m->name),
                STR_ARG(jv_text(args->named[first].key)));
    uint32_t more = args->n_plain > m->n_args ? args->n_plain - m->n_args : 0;
    if (m->has_varargs)
        env->slots[m->varargs] = jv_items(JV_TUPLE, more ? args->plain + m->n_args : NULL, more);
    else if (more)
        jr_type(r, "macro '%.*s' takes not more than %u argument(s)", STR_ARG(m->name), m->n_args);
}

static void bind_params(jrun *r, jenv *env, const macro *m, const jargs *args) {
    bool used[ARGS_MAX + 1] = {false};
    uint32_t i = 0;
    for (const node *p = m->args; p; p = p->next)
        env->slots[p->slot] = given(args, i++, p->name, used);
    special_params(r, env, m, args, used);
    run_enter(r, env, m->in);
    for (const node *p = m->args; p && !r->code; p = p->next) {
        if (env->slots[p->slot].kind != JV_MISSING) continue;
        env->slots[p->slot] = p->a ? eval(r, env, p->a) : jv_undef(JV_PARAM, JV_NONE, p->name);
    }
}

jv jinja_call_macro(jrun *r, jv callee, const jargs *args) {
    const jmacro *m = callee.p;
    if (++r->calls > JINJA_DEPTH_MAX)
        return jr_fail(r, E_LIMIT, "over %d calls of macros in each other", JINJA_DEPTH_MAX);
    jenv *env = run_record(r, m->env, m->m->in->in->n_slots);
    size_t mark = run_mark(r);
    int flow = r->flow;
    r->flow = FLOW_NONE;
    if (env) {
        bind_params(r, env, m->m, args);
        run_body(r, env, m->m->body);
    }
    r->calls--;
    r->flow = flow;
    return run_take(r, mark);
}

jv jinja_call_loop(jrun *r, jv callee, const jargs *args) {
    const jloop *l = callee.p;
    if (!l->n->op) return jr_type(r, "a loop must be marked 'recursive' to be called");
    if (args->n_plain != 1 || args->n_named) return jr_type(r, "loop() wants one argument");
    if (++r->calls > JINJA_DEPTH_MAX)
        return jr_fail(r, E_LIMIT, "over %d recursive loops in each other", JINJA_DEPTH_MAX);
    size_t mark = run_mark(r);
    run_loop(r, l->outer, l->n, args->plain[0], l->depth0 + 1);
    r->calls--;
    return run_take(r, mark);
}

// --- loop.NAME -----------------------------------------------------------------------------------

static jv loop_last(jrun *r, jloop *l) {
    if (!l->has_next) l->has_next = run_loop_next(r, l, &l->next);
    if (l->has_test && !r->code) run_assign(r, l->env, l->n->a, l->current);
    return jv_bool(!l->has_next);
}

jv jinja_loop_attr(jrun *r, jv of, str name) {
    static const char *const names[] = {"index",  "index0",   "first",     "last",
                                        "length", "revindex", "revindex0", "depth",
                                        "depth0", "previtem", "nextitem"};
    jloop *l = of.state;
    size_t i = 0;
    while (i < countof(names) && !str_eq(name, str_of(names[i])))
        i++;
    switch (i) {
    case 0:
        return jv_int(l->index0 + 1);
    case 1:
        return jv_int(l->index0);
    case 2:
        return jv_bool(l->index0 == 0);
    case 3:
        return loop_last(r, l);
    case 4:
        return jv_int(run_loop_rest(r, l) + l->index0 + 1);
    case 5:
        return jv_int((int64_t)run_loop_rest(r, l) + 1);
    case 6:
        return jv_int(run_loop_rest(r, l));
    case 7:
        return jv_int(l->depth0 + 1);
    case 8:
        return jv_int(l->depth0);
    case 9:
        return l->index0 ? l->before : jv_hint("there is no previous item");
    case 10:
        loop_last(r, l);
        return l->has_next ? l->next : jv_hint("there is no next item");
    default:
        return (jv){.kind = JV_MISSING};
    }
}

// --- Filters and tests ---------------------------------------------------------------------------

static jv eval_row(jrun *r, jenv *env, const node *n, jv self) {
    jargs args = eval_args(r, env, n->b, (jv){.kind = JV_MISSING});
    r->line = n->line;
    if (!n->fn)
        return jr_fail(r, E_UNSUPPORTED, "no %s named '%.*s'",
                       n->kind == X_TEST ? "test" : "filter", STR_ARG(n->name));
    return r->code ? self : jinja_call_row(r, n->fn, self, &args);
}

jv eval_filters(jrun *r, jenv *env, const node *n, jv value) {
    if (n->a) value = eval_filters(r, env, n->a, value);
    return eval_row(r, env, n, value);
}

// --- Nodes ---------------------------------------------------------------------------------------

static jv eval_node(jrun *r, jenv *env, const node *n) {
    jv a;
    switch (n->kind) {
    case X_TUPLE:
    case X_LIST:
        return eval_items(r, env, n);
    case X_DICT:
        return eval_dict(r, env, n);
    case X_NEG:
    case X_POS:
        return jinja_negate(r, eval(r, env, n->a), n->kind == X_NEG);
    case X_NOT:
        return jv_bool(!jv_truth(r, eval(r, env, n->a)));
    case X_AND:
        a = eval(r, env, n->a);
        return jv_truth(r, a) ? eval(r, env, n->b) : a;
    case X_OR:
        a = eval(r, env, n->a);
        return jv_truth(r, a) ? a : eval(r, env, n->b);
    case X_BINARY:
        a = eval(r, env, n->a);
        return jinja_binary(r, n->op, a, eval(r, env, n->b));
    case X_CONCAT:
        return eval_concat(r, env, n);
    case X_COMPARE:
        return eval_compare(r, env, n);
    case X_COND:
        return eval_cond(r, env, n);
    case X_ATTR:
        return jinja_attr(r, eval(r, env, n->a), n->name, n->fn);
    case X_ITEM:
        a = eval(r, env, n->a);
        return jinja_item(r, a, eval(r, env, n->b));
    case X_SLICE:
        return eval_slice(r, env, n);
    case X_CALL:
        return eval_call(r, env, n, (jv){.kind = JV_MISSING});
    default:  // X_FILTER, X_TEST
        return eval_row(r, env, n, eval(r, env, n->a));
    }
}

jv eval(jrun *r, jenv *env, const node *n) {
    if (n->kind == X_CONST) return n->value;
    if (n->kind == X_NAME) return eval_name(r, env, n);
    jv v = {.kind = JV_UNDEF};
    r->line = n->line;
    if (jr_enter(r) && jr_charge(r, 1)) v = eval_node(r, env, n);
    jr_leave(r);
    return v;
}
