// Objects: properties in the order in which they are declared, then keys that are not. The names of
// declared ones are a tree; all other keys are an automaton, whose last state says which of the
// patterns match, and so what the value must be.
//
//   I1  a key that is declared is never taken as one that is not: the tree has the last word
//   I2  the automaton of other keys holds only keys whose values there can be

#include "schema/compile.h"

#include "schema/regex.h"

typedef struct pattern {
    size_t term;
    const json_value *v;  // its schema, under its key
    lang l;
} pattern;

typedef struct object {
    compiler *c;
    const conj *x;
    const rules *r;
    pattern patterns[COMPILE_PATTERNS_MAX];
    size_t n_patterns;
    str *names;
    size_t n_names;
} object;

// What holds for a key's value by patterns that match it (a bit for each) and otherwise.
static status child_of(const object *o, conj *out, str name, bool is_declared, uint32_t matches) {
    *out = (conj){.n = 0};
    for (size_t i = 0; i < o->x->n; i++) {
        const json_value *v = o->x->t[i].v, *added = json_get(v, "additionalProperties");
        const json_value *own = is_declared ? json_get_str(json_get(v, "properties"), name) : NULL;
        bool has = own != NULL;
        if (own) TRY(terms__add(o->c, out, own, 0));
        for (size_t p = 0; p < o->n_patterns; p++)
            if (o->patterns[p].term == i && matches >> p & 1) {
                has = true;
                TRY(terms__add(o->c, out, o->patterns[p].v, 0));
            }
        if (!has && added) TRY(terms__add(o->c, out, added, 0));
    }
    return OK;
}

static status read_patterns(object *o) {
    compiler *c = o->c;
    for (size_t i = 0; i < o->x->n; i++) {
        const json_value *all = json_get(o->x->t[i].v, "patternProperties");
        for (uint32_t k = 0; all && k < all->n; k++) {
            if (o->n_patterns == COMPILE_PATTERNS_MAX)
                return compile__fail(c, E_LIMIT, all, NULL, "over %d patterns",
                                     COMPILE_PATTERNS_MAX);
            pattern *p = &o->patterns[o->n_patterns++];
            *p = (pattern){.term = i, .v = &all->items[k]};
            if (regex_open(&p->l, all->items[k].key, false, &c->room, c->e))
                return compile__fail_in(c, &all->items[k], NULL);
        }
    }
    return OK;
}

static uint32_t matches_of(const object *o, str name) {
    uint32_t matches = 0;
    for (size_t p = 0; p < o->n_patterns; p++)
        matches |= (uint32_t)lang_has(&o->patterns[p].l, name) << p;
    return matches;
}

// --- Names ---------------------------------------------------------------------------------------

typedef struct named {
    str name;
    uint32_t at;
} named;

typedef struct tree {
    compiler *c;
    schema *s;
    named *all;
} tree;

static int by_name(const void *a, const void *b) {
    return str_cmp(((const named *)a)->name, ((const named *)b)->name);
}

static int by_number(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static status no_room(const compiler *c) {
    return err_set(c->e, E_LIMIT, "properties' names of over %d bytes", SCHEMA_NODES_MAX);
}

static status add_key_node(tree *t, uint32_t *out, size_t from, size_t n) {
    schema *s = t->s;
    *out = (uint32_t)s->key_nodes.n;
    key_node *k = vec_add(&s->key_nodes, 1, sizeof *k, SCHEMA_NODES_MAX);
    uint32_t *below = vec_add(&s->key_below, n, sizeof *below, 4 * SCHEMA_NODES_MAX);
    if (!k || !below) return no_room(t->c);
    for (size_t i = 0; i < n; i++)
        below[i] = t->all[from + i].at;
    qsort(below, n, sizeof *below, by_number);
    *k = (key_node){
        .prop = SCHEMA_NONE, .below = (uint32_t)(s->key_below.n - n), .n_below = (uint32_t)n};
    return OK;
}

static status set_key_edges(tree *t, uint32_t at, const key_edge *edges, size_t n) {
    key_edge *to = vec_add(&t->s->key_edges, n, sizeof *to, SCHEMA_NODES_MAX);
    if (!to) return no_room(t->c);
    memcpy(to, edges, n * sizeof *to);
    key_node *k = (key_node *)t->s->key_nodes.p + at;
    k->edges = (uint32_t)(t->s->key_edges.n - n);
    k->n_edges = (uint32_t)n;
    return OK;
}

enum { DEEP_MAX = 256 };

static status grow(tree *t, uint32_t at, size_t from, size_t n, size_t depth) {
    key_edge edges[256];
    size_t n_edges = 0;
    uint32_t to;
    for (; n == 1 && depth < t->all[from].name.len; depth++, at = to) {
        TRY(add_key_node(t, &to, from, 1));
        TRY(set_key_edges(t, at, &(key_edge){(uint8_t)t->all[from].name.ptr[depth], to}, 1));
    }
    if (t->all[from].name.len == depth) {
        ((key_node *)t->s->key_nodes.p)[at].prop = (int32_t)t->all[from].at;
        from++, n--;
    }
    if (depth > DEEP_MAX)
        return n ? err_set(t->c->e, E_LIMIT, "names with over %d equal bytes", DEEP_MAX) : OK;
    for (size_t i = 0, k; i < n; i = k) {
        char byte = t->all[from + i].name.ptr[depth];
        for (k = i + 1; k < n && t->all[from + k].name.ptr[depth] == byte;)
            k++;
        TRY(add_key_node(t, &to, from + i, k - i));
        TRY(grow(t, to, from + i, k - i, depth + 1));
        edges[n_edges++] = (key_edge){(uint8_t)byte, to};
    }
    return n ? set_key_edges(t, at, edges, n_edges) : OK;
}

// The tree of names, and for each prop which required one comes next.
status compile__props(compiler *c, node *n, const str *names, size_t n_names) {
    tree t = {c, c->s, arena_try_array(&c->room.a, n_names + 1, sizeof(named))};
    if (!t.all) return no_room(c);
    for (size_t i = 0; i < n_names; i++) {
        TRY(compile__escaped(&t.all[i].name, c, names[i]));
        t.all[i].at = (uint32_t)i;
    }
    qsort(t.all, n_names, sizeof *t.all, by_name);
    TRY(add_key_node(&t, &n->keys, 0, n_names));
    if (n_names) TRY(grow(&t, n->keys, 0, n_names, 0));
    prop *props = (prop *)c->s->props.p + n->first;
    uint32_t next = (uint32_t)n_names, required = 0;
    for (size_t i = n_names; i-- > 0;) {
        if (props[i].is_required) next = (uint32_t)i, required++;
        props[i].required_from = next;
        props[i].n_required_from = required;
    }
    return OK;
}

// --- Declared properties -------------------------------------------------------------------------

static bool has_name(const object *o, str name) {
    for (size_t i = 0; i < o->n_names; i++)
        if (str_eq(o->names[i], name)) return true;
    return false;
}

static bool is_required(const object *o, str name) {
    for (size_t i = 0; i < o->x->n; i++) {
        const json_value *all = json_get(o->x->t[i].v, "required");
        for (uint32_t k = 0; all && k < all->n; k++)
            if (str_eq(all->items[k].string, name)) return true;
    }
    return false;
}

static status read_names(object *o) {
    compiler *c = o->c;
    size_t n = 1;
    for (size_t i = 0; i < o->x->n; i++) {
        const json_value *props = json_get(o->x->t[i].v, "properties");
        const json_value *required = json_get(o->x->t[i].v, "required");
        n += (props ? props->n : 0) + (required ? required->n : 0);
    }
    TRY(lang_work(&c->room, n * n / 16, c->e));
    o->names = arena_try_array(&c->room.a, n, sizeof *o->names);
    if (!o->names) return no_room(c);
    for (size_t i = 0; i < o->x->n; i++) {
        const json_value *props = json_get(o->x->t[i].v, "properties");
        for (uint32_t k = 0; props && k < props->n; k++)
            if (!has_name(o, props->items[k].key)) o->names[o->n_names++] = props->items[k].key;
    }
    for (size_t i = 0; i < o->x->n; i++) {
        const json_value *required = json_get(o->x->t[i].v, "required");
        for (uint32_t k = 0; required && k < required->n; k++) {
            const json_value *name = &required->items[k];
            if (name->kind != JSON_STRING)
                return compile__fail(c, E_FORMAT, name, NULL, "it is no name");
            if (!has_name(o, name->string)) o->names[o->n_names++] = name->string;
        }
    }
    return OK;
}

static status add_props(object *o, node *n) {
    compiler *c = o->c;
    n->first = (uint32_t)c->s->props.n;
    n->n = (uint32_t)o->n_names;
    if (!vec_add(&c->s->props, o->n_names, sizeof(prop), SCHEMA_NODES_MAX)) return no_room(c);
    for (size_t i = 0; i < o->n_names; i++) {
        conj child;
        int32_t value;
        TRY(child_of(o, &child, o->names[i], true, matches_of(o, o->names[i])));
        TRY(compile__conj(c, &value, &child));
        ((prop *)c->s->props.p)[n->first + i] =
            (prop){.node = value, .is_required = is_required(o, o->names[i])};
    }
    return compile__props(c, n, o->names, o->n_names);
}

// --- Other keys ----------------------------------------------------------------------------------

// How many texts can become of each state from `first` on: of those that lead to no circle.
static status count_texts(compiler *c, size_t first) {
    dfa_table *t = &c->s->dfas;
    dfa_state *all = t->states.p;
    for (bool more = true; more;) {
        more = false;
        TRY(lang_work(&c->room, t->states.n - first, c->e));
        for (size_t i = t->states.n; i-- > first;) {
            uint64_t n = all[i].ends;
            const dfa_edge *e = (dfa_edge *)t->edges.p + all[i].first;
            bool is_known = all[i].more == 0;
            for (uint32_t k = 0; k < all[i].n && is_known; k++) {
                uint32_t to = all[e[k].to].more;
                is_known = to != 0;
                n += (uint64_t)to * (e[k].hi - e[k].lo + 1U);
            }
            if (!is_known) continue;
            all[i].more = n < DFA_MORE_MAX ? (uint32_t)n : DFA_MORE_MAX;
            more = true;
        }
    }
    for (size_t i = first; i < t->states.n; i++)
        if (all[i].more == 0) all[i].more = DFA_MORE_MAX;
    return OK;
}

static status key_automaton(compiler *c, uint32_t *out, const lang *l) {
    size_t first = c->s->dfas.states.n;
    TRY(dfa_of_lang(out, &c->s->dfas, l, DFA_KEY, &c->room, c->e));
    return count_texts(c, first);
}

static status add_class(compiler *c, node *n, uint32_t tag, int32_t value) {
    key_class *to = vec_add(&c->s->classes, 1, sizeof *to, SCHEMA_NODES_MAX);
    if (!to) return no_room(c);
    *to = (key_class){tag, value};
    if (n->n_classes++ == 0) n->classes = (uint32_t)(c->s->classes.n - 1);
    return OK;
}

// The class of states that end in `tag`, unless nothing can stand there.
static status class_of(object *o, node *n, uint32_t tag, bool *is_in) {
    bool is_closed = tag == 1 && o->r->has_properties && !o->r->has_added;
    conj child;
    int32_t value;
    *is_in = true;
    for (uint32_t i = 0; i < n->n_classes; i++)
        if (((key_class *)o->c->s->classes.p)[n->classes + i].tag == tag) return OK;
    TRY(child_of(o, &child, STR(""), false, tag >> 1));
    *is_in = !is_closed && !child.is_never;
    if (!*is_in) return OK;
    TRY(compile__conj(o->c, &value, &child));
    return add_class(o->c, n, tag, value);
}

static status add_keys(object *o, node *n) {
    compiler *c = o->c;
    lang any, all;
    const lang *parts[COMPILE_PATTERNS_MAX + 1] = {&any};
    bool is_in;
    size_t first = c->s->dfas.states.n;
    if (o->n_patterns == 0) {
        TRY(class_of(o, n, 1, &is_in));
        if (!is_in) return OK;
        if (c->any_key >= 0) return n->dfa = (uint32_t)c->any_key, OK;
    }
    TRY(regex_open(&any, STR("[^\"\\\\\\x00-\\x1f]*"), true, &c->room, c->e));
    for (size_t p = 0; p < o->n_patterns; p++)
        parts[p + 1] = &o->patterns[p].l;
    TRY(lang_product(&all, parts, 1, 1 + o->n_patterns, &c->room, c->e));
    for (uint32_t s = 0; s < all.n_states; s++) {  // I2
        if (!all.tag[s]) continue;
        TRY(class_of(o, n, all.tag[s], &is_in));
        if (!is_in) all.tag[s] = 0;
    }
    TRY(lang_trim(&is_in, &all, &c->room, c->e));
    if (!is_in) return OK;
    TRY(key_automaton(c, &n->dfa, &all));
    if (o->n_patterns > 0) return OK;
    c->any_key = n->dfa;
    dfa_state *states = c->s->dfas.states.p;
    for (size_t i = first; i < c->s->dfas.states.n; i++)
        states[i].is_any = states[i].ends;
    return OK;
}

status compile__object(compiler *c, int32_t *out, const conj *x, const rules *r) {
    object *o = arena_try(&c->room.a, sizeof *o);
    if (!o) return err_set(c->e, E_LIMIT, "no room for an object");
    *o = (object){.c = c, .x = x, .r = r};
    node n = {.kind = NODE_OBJECT, .is_done = true, .least = r->props[0], .most = r->props[1]};
    TRY(read_patterns(o));
    TRY(read_names(o));
    TRY(add_props(o, &n));
    TRY(add_keys(o, &n));
    return compile__node(c, out, n);
}
