// Statements, and a rendering from its beginning to its end.

#include "jinja/run.h"

#include "jinja/text.h"

jenv *run_record(jrun *r, jenv *up, uint16_t n_slots) {
    jenv *env = jr_alloc(r, 1, sizeof *env + n_slots * sizeof env->slots[0]);
    if (env) env->up = up;
    return env;
}

void run_enter(jrun *r, jenv *env, const scope *in) {
    for (const load *l = in->loads; l; l = l->next) {
        if (l->kind == LOAD_PARAM) continue;
        jv v = {.kind = JV_MISSING};
        if (l->kind == LOAD_VAR) v = r->vars[l->from];
        if (l->kind == LOAD_ALIAS) {
            const jenv *from = env;
            for (uint16_t i = 0; i < l->hops; i++)
                from = from->up;
            v = from->slots[l->from];
        }
        env->slots[l->slot] = v;
    }
}

static void assign_field(jrun *r, jenv *env, const node *target, jv v) {
    jv of = eval(r, env, target->a);
    if (of.kind != JV_SPACE) {
        jr_type(r, "cannot assign attribute on non-namespace object");
        return;
    }
    jv_space *s = of.space;
    for (uint32_t i = 0; i < s->n; i++) {
        if (!str_eq(jv_text(s->pairs[i].key), target->name)) continue;
        s->pairs[i].value = v;
        return;
    }
    if (s->n == s->cap) {
        jv_pair *more = jr_alloc(r, 2 * (size_t)s->cap + 4, sizeof *more);
        if (!more) return;
        if (s->n) memcpy(more, s->pairs, s->n * sizeof *more);
        s->pairs = more;
        s->cap = 2 * s->cap + 4;
    }
    s->pairs[s->n++] = (jv_pair){jv_view(target->name), v};
}

void run_assign(jrun *r, jenv *env, const node *target, jv v) {
    if (target->kind == X_NAME) {
        env->slots[target->slot] = v;
        return;
    }
    if (target->kind == N_FIELD) {
        assign_field(r, env, target, v);
        return;
    }
    uint32_t n, i = 0;
    const jv *items = jv_each(r, &n, v);
    for (const node *k = target->a; k && items; k = k->next, i++)
        if (i < n) run_assign(r, env, k, items[i]);
    if (items && i != n) jr_type(r, "%u values for %u targets", n, i);
}

// --- Output --------------------------------------------------------------------------------------

size_t run_mark(const jrun *r) {
    return r->out->len;
}

static void check_out(jrun *r) {
    if (r->out->failed || r->out->len - r->out_floor > JINJA_OUT_MAX)
        jr_fail(r, E_LIMIT, "over %d MiB of output", JINJA_OUT_MAX >> 20);
}

jv run_take(jrun *r, size_t mark) {
    if (r->code || r->out->len < mark) return jv_view((str){0});
    jv v = jv_copy(r, str_skip(buf_str(r->out), mark));
    jr_charge(r, v.n / 64);
    r->out->len = mark;
    return v;
}

void run_write(jrun *r, jv v) {
    jv_put(r, r->out, v);
    jr_charge(r, 1);
    check_out(r);
}

// --- Loops ---------------------------------------------------------------------------------------

static bool passes(jrun *r, jloop *l, jv item) {
    run_assign(r, l->env, l->n->a, item);
    run_enter(r, l->env, l->n->test_in);
    return jv_truth(r, eval(r, l->env, l->n->c));
}

bool run_loop_next(jrun *r, jloop *l, jv *item) {
    if (l->has_next) {
        *item = l->next;
        l->has_next = false;
        return !r->code;
    }
    while (l->at < l->n_items && jr_charge(r, 1)) {
        *item = l->items[l->at++];
        if (!l->has_test || passes(r, l, *item)) return !r->code;
    }
    return false;
}

// How many are still to come; a test is made for all of them now.
uint32_t run_loop_rest(jrun *r, jloop *l) {
    if (l->has_test) {
        jv *left = jr_alloc(r, l->n_items - l->at, sizeof *left), item;
        jv target = l->current;
        uint32_t n = 0;
        bool has_next = l->has_next;
        l->has_next = false;
        while (left && run_loop_next(r, l, &item))
            left[n++] = item;
        l->has_next = has_next;
        l->items = left;
        l->n_items = n;
        l->at = 0;
        l->has_test = false;
        if (!r->code) run_assign(r, l->env, l->n->a, target);
    }
    return l->n_items - l->at + l->has_next;
}

static void loop_body(jrun *r, jloop *l, bool *ran_through) {
    const node *n = l->n;
    const load *loop = n->in->loads;  // "loop" is the first that bind_for declares
    jv item;
    while (run_loop_next(r, l, &item)) {
        l->index0++;
        l->before = l->current;
        l->current = item;
        run_assign(r, l->env, n->a, item);
        l->env->slots[loop->slot] = (jv){.kind = JV_LOOP, .state = l};
        run_enter(r, l->env, n->in);
        run_body(r, l->env, n->body);
        if (r->flow == FLOW_NONE) *ran_through = true;
        bool is_over = r->flow == FLOW_BREAK;
        r->flow = FLOW_NONE;
        if (is_over || r->code) return;
    }
}

jv run_loop(jrun *r, jenv *outer, const node *n, jv items, int64_t depth0) {
    jloop *l = jr_alloc(r, 1, sizeof *l);
    jv_iter *once = items.kind == JV_ITER ? items.iter : NULL;
    if (!l) return (jv){.kind = JV_UNDEF};
    *l = (jloop){.n = n, .env = outer, .outer = outer, .has_test = n->c != NULL, .index0 = -1};
    l->depth0 = depth0;
    l->items = jv_each(r, &l->n_items, items);
    if (n->op) l->env = run_record(r, outer, n->in->in->n_slots);
    if (!l->items || !l->env || !jr_enter(r)) return (jv){.kind = JV_UNDEF};
    bool ran_through = false;
    loop_body(r, l, &ran_through);
    if (once) once->at -= l->n_items - l->at;  // what a break left
    if (n->other && !ran_through && !r->code) {
        run_enter(r, l->env, n->other_in);
        run_body(r, l->env, n->other);
    }
    jr_leave(r);
    return jv_none();
}

// --- Statements ----------------------------------------------------------------------------------

static void run_if(jrun *r, jenv *env, const node *n) {
    for (;;) {
        if (jv_truth(r, eval(r, env, n->a))) {
            run_body(r, env, n->body);
            return;
        }
        if (r->code || !n->other) return;
        bool is_elif = n->other->kind == S_IF && n->op;
        if (!is_elif) {
            run_body(r, env, n->other);
            return;
        }
        n = n->other;
        r->line = n->line;
    }
}

static void run_set_block(jrun *r, jenv *env, const node *n) {
    size_t mark = run_mark(r);
    run_enter(r, env, n->in);
    run_body(r, env, n->body);
    jv v = run_take(r, mark);
    if (n->b) v = eval_filters(r, env, n->b, v);
    run_assign(r, env, n->a, v);
}

static jv macro_value(jrun *r, jenv *env, const node *n) {
    jmacro *m = jr_alloc(r, 1, sizeof *m);
    if (!m) return (jv){.kind = JV_UNDEF};
    *m = (jmacro){n->fn, env};
    return (jv){.kind = JV_MACRO, .p = m};
}

static void run_filter_block(jrun *r, jenv *env, const node *n) {
    size_t mark = run_mark(r);
    run_enter(r, env, n->in);
    run_body(r, env, n->body);
    run_write(r, eval_filters(r, env, n->a, run_take(r, mark)));
}

static void run_with(jrun *r, jenv *env, const node *n) {
    const node *value = n->b;
    run_enter(r, env, n->in);
    for (const node *target = n->a; target && value; target = target->next, value = value->next)
        run_assign(r, env, target, eval(r, env, value));
    run_body(r, env, n->body);
}

static void run_one(jrun *r, jenv *env, const node *n) {
    switch (n->kind) {
    case S_TEXT:
        buf_add(r->out, n->name);
        check_out(r);
        break;
    case S_OUT:
        for (const node *k = n->a; k && !r->code; k = k->next)
            run_write(r, eval(r, env, k));
        break;
    case S_IF:
        run_if(r, env, n);
        break;
    case S_FOR:
        run_loop(r, env, n, eval(r, env, n->b), 0);
        break;
    case S_SET:
        run_assign(r, env, n->a, eval(r, env, n->b));
        break;
    case S_SET_BLOCK:
        run_set_block(r, env, n);
        break;
    case S_MACRO:
        env->slots[n->slot] = macro_value(r, env, n);
        break;
    case S_CALL:
        run_write(r, eval_call(r, env, n->a, macro_value(r, env, n)));
        break;
    case S_FILTER:
        run_filter_block(r, env, n);
        break;
    case S_WITH:
        run_with(r, env, n);
        break;
    case S_SCOPE:
        run_enter(r, env, n->in);
        run_body(r, env, n->body);
        break;
    case S_BREAK:
        r->flow = FLOW_BREAK;
        break;
    case S_CONTINUE:
        r->flow = FLOW_CONTINUE;
        break;
    }
}

void run_body(jrun *r, jenv *env, const node *n) {
    if (jr_enter(r)) {
        for (; n && jr_charge(r, 1) && !r->flow; n = n->next) {
            r->line = n->line;
            run_one(r, env, n);
        }
    }
    jr_leave(r);
}

// --- A template ----------------------------------------------------------------------------------

static status parse(jinja *j, str text, err *e) {
    const token *t;
    TRY(jinja_lex(&t, text, &j->mem, e));
    TRY(jinja_parse(j, t, e));
    return jinja_scopes(j, e);
}

status jinja_open(jinja **out, str text, err *e) {
    // A tag of n bytes makes a few nodes; the address space costs nothing until it is used.
    size_t most = ((size_t)1 << 20) + min_size(text.len, JINJA_TEXT_MAX) * 1024;
    arena mem = {0};
    TRY(arena_open_most(&mem, most, 1 << 20, e));
    jinja *j = arena_new(&mem, jinja);
    j->mem = mem;
    status code = parse(j, text, e);
    if (code)
        jinja_close(j);
    else
        *out = j;
    return code;
}

void jinja_close(jinja *j) {
    if (!j) return;
    arena mem = j->mem;  // the template itself lies in there
    arena_close(&mem);
}

// The template's names, looked up once.
static const jv *find_vars(jrun *r, const json_value *vars) {
    const jinja *j = r->j;
    jv *found = jr_alloc(r, j->n_vars + 1, sizeof *found);
    for (size_t i = 0; found && i < j->n_vars; i++) {
        const json_value *v = json_get_str(vars, j->vars[i]);
        found[i] = v ? jv_from_json(r, v) : jinja_global_named(j->vars[i]);
    }
    return found;
}

status jinja_render(buf *out, const jinja *j, const json_value *vars, int64_t now, arena scratch,
                    err *e) {
    size_t floor = out->len;
    jrun r = {.j = j, .mem = &scratch, .out = out, .e = e, .line = 1, .now = now};
    r.floor = scratch.used;
    r.out_floor = floor;
    r.vars = find_vars(&r, vars);
    jenv *env = r.code ? NULL : run_record(&r, NULL, j->in->in->n_slots);
    if (env) {
        run_enter(&r, env, j->in);
        run_body(&r, env, j->body);
    }
    if (r.code) out->len = floor;
    return r.code;
}
