// A conjunction becomes one node: a union where something is left to choose, else a leaf, an object
// or an array. Nodes are numbered when they are first asked for and compiled from a queue, so that
// schemas may contain themselves.
//
//   I1  a conjunction with equal terms is compiled once
//   I2  after finish(), what no text can be of is in no union, and the root is not it

#include "schema/compile.h"

#include "schema/regex.h"

#include <stdio.h>

enum { TABLE = 1 << 16, WORDS_MAX = 1 << 14 };

status compile__node(compiler *c, int32_t *out, node n) {
    *out = (int32_t)c->s->nodes.n;
    node *to = vec_add(&c->s->nodes, 1, sizeof *to, SCHEMA_NODES_MAX);
    if (!to) return err_set(c->e, E_LIMIT, "a schema of over %d nodes", SCHEMA_NODES_MAX);
    *to = n;
    return OK;
}

static status add_refs(compiler *c, node *n, const int32_t *refs, size_t n_refs) {
    int32_t *to = vec_add(&c->s->refs, n_refs, sizeof *to, SCHEMA_NODES_MAX);
    if (!to) return err_set(c->e, E_LIMIT, "a schema of over %d nodes", SCHEMA_NODES_MAX);
    if (n_refs) memcpy(to, refs, n_refs * sizeof *to);
    n->first = (uint32_t)(c->s->refs.n - n_refs);
    n->n = (uint32_t)n_refs;
    return OK;
}

static int by_place(const void *a, const void *b) {
    const term *x = a, *y = b;
    return x->v != y->v ? (x->v > y->v) - (x->v < y->v) : (x->done > y->done) - (x->done < y->done);
}

status compile__conj(compiler *c, int32_t *out, const conj *x) {
    *out = c->never;
    if (x->is_never) return OK;
    conj rest = *x;
    terms__drop_spent(&rest);
    conj sorted = rest;
    qsort(sorted.t, sorted.n, sizeof *sorted.t, by_place);
    size_t bytes = sorted.n * sizeof *sorted.t;
    uint64_t h = str_hash((str){(char *)sorted.t, bytes}, sorted.n);
    for (; c->table[h % TABLE]; h++) {
        const conj_at *at = (conj_at *)c->conjs.p + c->table[h % TABLE] - 1;
        if (at->n == sorted.n && memcmp((term *)c->terms.p + at->first, sorted.t, bytes) == 0)
            return *out = at->node, OK;  // I1
    }
    conj_at *at = vec_add(&c->conjs, 1, sizeof *at, COMPILE_CONJS_MAX);
    size_t most = 2 * COMPILE_CONJS_MAX * COMPILE_TERMS_MAX;
    term *to = vec_add(&c->terms, 2 * sorted.n, sizeof *to, most);
    if (!at || !to) return err_set(c->e, E_LIMIT, "over %d different values", COMPILE_CONJS_MAX);
    memcpy(to, sorted.t, bytes);
    memcpy(to + sorted.n, rest.t, bytes);
    *at = (conj_at){(uint32_t)(c->terms.n - 2 * sorted.n), (uint32_t)sorted.n, 0};
    c->table[h % TABLE] = (uint32_t)c->conjs.n;
    TRY(compile__node(c, out, (node){.kind = NODE_UNION}));
    ((conj_at *)c->conjs.p)[c->conjs.n - 1].node = *out;
    return OK;
}

// --- Constants -----------------------------------------------------------------------------------

status compile__escaped(str *out, compiler *c, str text) {
    static const char codes[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    char *p = arena_try(&c->room.a, 6 * text.len + 3);
    if (!p) return err_set(c->e, E_LIMIT, "no room for a name");
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char ch = (unsigned char)text.ptr[i];
        const char *code = ch ? strchr(codes, ch) : NULL;
        if (code) {
            p[n++] = '\\';
            p[n++] = names[code - codes];
        } else if (ch < 0x20) {
            n += (size_t)snprintf(p + n, 7, "\\u%04x", ch);
        } else {
            p[n++] = (char)ch;
        }
    }
    *out = (str){p, n};
    return OK;
}

static status word_of(str *out, compiler *c, const json_value *v) {
    char number[NUMBER_TEXT];
    switch (v->kind) {
    case JSON_NULL:
        *out = STR("null");
        return OK;
    case JSON_BOOL:
        *out = v->boolean ? STR("true") : STR("false");
        return OK;
    case JSON_NUMBER:
        *out = number_text(number, v);
        if (out->len == 0)
            return compile__fail(c, E_UNSUPPORTED, v, NULL, "a number that is not exact");
        return compile__escaped(out, c, *out);
    default:
        break;
    }
    TRY(compile__escaped(out, c, v->string));
    char *p = (char *)out->ptr;  // of this file's arena, with room for quotes
    memmove(p + 1, p, out->len);
    p[0] = p[out->len + 1] = '"';
    out->len += 2;
    return OK;
}

static int by_bytes(const void *a, const void *b) {
    return str_cmp(*(const str *)a, *(const str *)b);
}

static status words_node(compiler *c, int32_t *out, str *words, size_t n) {
    size_t k = 0;
    qsort(words, n, sizeof *words, by_bytes);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || !str_eq(words[i], words[k - 1])) words[k++] = words[i];
    node x = {.kind = NODE_LEX, .is_done = true};
    TRY(dfa_of_words(&x.dfa, &c->s->dfas, words, k, c->e));
    return compile__node(c, out, x);
}

static status literal_node(compiler *c, int32_t *out, const char *a, const char *b) {
    str words[2] = {str_of(a), str_of(b)};
    return words_node(c, out, words, b ? 2 : 1);
}

static status value_node(compiler *c, int32_t *out, const json_value *v) {
    conj x = {.n = 0};
    TRY(terms__add(c, &x, v, IS_VALUE));
    return compile__conj(c, out, &x);
}

// A constant object: all of its members, in their order.
static status object_value(compiler *c, node *x, const json_value *v) {
    str *names = arena_try_array(&c->room.a, v->n + 1, sizeof *names);
    if (!names) return err_set(c->e, E_LIMIT, "no room for names");
    *x = (node){.kind = NODE_OBJECT, .is_done = true, .most = UINT32_MAX};
    x->first = (uint32_t)c->s->props.n;
    x->n = v->n;
    if (!vec_add(&c->s->props, v->n, sizeof(prop), SCHEMA_NODES_MAX))
        return err_set(c->e, E_LIMIT, "a schema of over %d nodes", SCHEMA_NODES_MAX);
    for (uint32_t i = 0; i < v->n; i++) {
        int32_t value;
        names[i] = v->items[i].key;
        TRY(value_node(c, &value, &v->items[i]));
        ((prop *)c->s->props.p)[x->first + i] = (prop){.node = value, .is_required = true};
    }
    return compile__props(c, x, names, v->n);
}

static status array_value(compiler *c, node *x, const json_value *v) {
    int32_t *refs = arena_try_array(&c->room.a, v->n + 1, sizeof *refs);
    if (!refs) return err_set(c->e, E_LIMIT, "no room for items");
    *x = (node){
        .kind = NODE_ARRAY, .is_done = true, .least = v->n, .most = v->n, .rest = SCHEMA_NONE};
    for (uint32_t i = 0; i < v->n; i++)
        TRY(value_node(c, &refs[i], &v->items[i]));
    return add_refs(c, x, refs, v->n);
}

// --- Enumerations --------------------------------------------------------------------------------

static status value_fits(compiler *c, bool *out, const json_value *v, const conj *x, const rules *r,
                         const lang *strings) {
    *out = terms__type_of(v) & r->types;
    for (size_t i = 0; i < x->n && *out; i++) {
        const json_value *values = json_get(x->t[i].v, "enum"), *one = json_get(x->t[i].v, "const");
        bool is_in = !values;
        for (uint32_t k = 0; values && k < values->n && !is_in; k++)
            is_in = terms__equal(v, &values->items[k]);
        *out = is_in && (!one || terms__equal(v, one));
    }
    if (!*out) return OK;
    if (v->kind == JSON_NUMBER) *out = number_fits(v, &r->number);
    unsigned container = v->kind == JSON_OBJECT ? TYPE_OBJ : v->kind == JSON_ARRAY ? TYPE_ARR : 0;
    if (container & r->implied)
        return compile__fail(c, E_UNSUPPORTED, v, NULL,
                             "an object or array beside keywords about what is in it");
    if (v->kind != JSON_STRING || !strings) return OK;
    *out = lang_has(strings, v->string);
    return OK;
}

typedef struct chosen {
    str *words;
    int32_t *nodes;
    size_t n_words, n_nodes;
} chosen;

static status choose(compiler *c, chosen *to, const json_value *v, const conj *x, const rules *r,
                     const lang *strings) {
    bool fits;
    TRY(lang_work(&c->room, 64, c->e));
    TRY(value_fits(c, &fits, v, x, r, strings));
    if (!fits) return OK;
    if (to->n_words + to->n_nodes == WORDS_MAX)
        return compile__fail(c, E_LIMIT, v, NULL, "over %d values", WORDS_MAX);
    if (v->kind == JSON_OBJECT || v->kind == JSON_ARRAY)
        return value_node(c, &to->nodes[to->n_nodes++], v);
    return word_of(&to->words[to->n_words++], c, v);
}

static status enum_node(compiler *c, node *out, const conj *x, const rules *r,
                        const json_value *values, const json_value *one) {
    size_t n = min_size((size_t)(one ? 1 : values->n), WORDS_MAX);
    lang strings;
    bool any = true, has = r->n_patterns || r->length[0] || r->length[1] != UINT32_MAX;
    chosen all = {arena_try_array(&c->room.a, n + 1, sizeof(str)),
                  arena_try_array(&c->room.a, n + 2, sizeof(int32_t)), 0, 0};
    if (!all.words || !all.nodes) return err_set(c->e, E_LIMIT, "no room for values");
    if (has) TRY(compile__strings(c, &strings, &any, r));
    const lang *of = has ? &strings : NULL;
    if (one) TRY(choose(c, &all, one, x, r, of));
    for (uint32_t i = 0; !one && i < values->n; i++)
        TRY(choose(c, &all, &values->items[i], x, r, of));
    if (all.n_words) TRY(words_node(c, &all.nodes[all.n_nodes++], all.words, all.n_words));
    *out = (node){.kind = NODE_UNION, .is_done = true};
    return add_refs(c, out, all.nodes, all.n_nodes);
}

// --- Strings and numbers -------------------------------------------------------------------------

status compile__strings(compiler *c, lang *out, bool *any, const rules *r) {
    lang parts[COMPILE_PATTERNS_MAX + 1];
    const lang *of[COMPILE_PATTERNS_MAX + 1];
    size_t n = 0;
    int64_t most = r->length[1] == UINT32_MAX ? -1 : (int64_t)r->length[1];
    *any = most < 0 || most >= r->length[0];
    if (!*any) return OK;
    for (; n < r->n_patterns; n++)
        if (regex_open(&parts[n], r->patterns[n], r->is_whole[n], &c->room, c->e))
            return compile__fail_in(c, r->pattern_at[n], NULL);
    if (n == 0 || r->length[0] || most >= 0)
        TRY(lang_length(&parts[n++], r->length[0], most, &c->room, c->e));
    for (size_t i = 0; i < n; i++)
        of[i] = &parts[i];
    TRY(lang_product(out, of, n, n, &c->room, c->e));
    return lang_trim(any, out, &c->room, c->e);
}

static status string_node(compiler *c, int32_t *out, const rules *r) {
    schema *s = c->s;
    lang l;
    bool any;
    if (r->n_patterns == 0) {
        if (r->length[0] > r->length[1]) return *out = c->never, OK;
        node x = *schema_node(s, c->string);
        x.least = r->length[0];
        x.most = r->length[1];
        return compile__node(c, out, x);
    }
    if (compile__strings(c, &l, &any, r)) {
        if (c->e && c->e->msg[0] == '/') return c->e->code;  // it names its pattern
        return compile__fail_in(c, r->pattern_at[0], NULL);
    }
    *out = c->never;
    if (!any) return OK;
    node x = {.kind = NODE_LEX, .is_done = true};
    TRY(dfa_of_lang(&x.dfa, &s->dfas, &l, DFA_STRING, &c->room, c->e));
    return compile__node(c, out, x);
}

static status number_node(compiler *c, int32_t *out, const number_rules *r) {
    bool is_plain = !r->lo.v && !r->hi.v && !r->n_multiples, any;
    int32_t *shared = r->is_integer ? &c->integer : &c->number;
    lang l;
    if (is_plain && *shared >= 0) return *out = *shared, OK;
    if (number_lang(&l, &any, r, &c->room, c->e)) {
        const json_value *at = r->lo.v ? r->lo.v : r->hi.v;
        return at ? compile__fail_in(c, at, NULL) : c->e ? c->e->code : E_LIMIT;
    }
    *out = c->never;
    if (!any) return OK;
    node x = {.kind = NODE_LEX, .is_done = true};
    TRY(dfa_of_lang(&x.dfa, &c->s->dfas, &l, DFA_TEXT, &c->room, c->e));
    TRY(compile__node(c, out, x));
    if (is_plain) *shared = *out;
    return OK;
}

// --- Arrays --------------------------------------------------------------------------------------

// What holds for item `at`; SIZE_MAX: for those behind all prefixItems.
static status item_conj(compiler *c, conj *out, const conj *x, size_t at) {
    *out = (conj){.n = 0};
    for (size_t i = 0; i < x->n; i++) {
        const json_value *prefix = json_get(x->t[i].v, "prefixItems");
        const json_value *items = json_get(x->t[i].v, "items");
        if (prefix && at < prefix->n)
            TRY(terms__add(c, out, &prefix->items[at], 0));
        else if (items)
            TRY(terms__add(c, out, items, 0));
    }
    return OK;
}

static status array_node(compiler *c, int32_t *out, const conj *x, const rules *r) {
    node n = {.kind = NODE_ARRAY, .is_done = true, .least = r->items[0], .most = r->items[1]};
    size_t n_prefix = 0;
    conj item;
    for (size_t i = 0; i < x->n; i++) {
        const json_value *prefix = json_get(x->t[i].v, "prefixItems");
        if (prefix) n_prefix = max_size(n_prefix, prefix->n);
    }
    if (r->unique && n.most > 1)
        return compile__fail(c, E_UNSUPPORTED, r->unique, NULL, "keyword not supported");
    int32_t *refs = arena_try_array(&c->room.a, n_prefix + 1, sizeof *refs);
    if (!refs) return err_set(c->e, E_LIMIT, "no room for items");
    for (size_t i = 0; i < n_prefix; i++) {
        TRY(item_conj(c, &item, x, i));
        TRY(compile__conj(c, &refs[i], &item));
    }
    TRY(add_refs(c, &n, refs, n_prefix));
    TRY(item_conj(c, &item, x, SIZE_MAX));
    // Behind prefixItems that nothing is said about there come only as many as there must be.
    if (n_prefix && !r->has_items && n.most > max_size(n_prefix, n.least))
        n.most = (uint32_t)max_size(n_prefix, n.least);
    TRY(compile__conj(c, &n.rest, &item));
    return compile__node(c, out, n);
}

// --- Values --------------------------------------------------------------------------------------

// One of the alternatives, and all the rest.
static status choice_node(compiler *c, node *out, const conj *x, size_t at, bool is_one) {
    const json_value *any = json_get(x->t[at].v, is_one ? "oneOf" : "anyOf");
    int32_t *refs = arena_try_array(&c->room.a, any->n + 1, sizeof *refs);
    if (!refs) return err_set(c->e, E_LIMIT, "no room for alternatives");
    if (any->n == 0) return compile__fail(c, E_FORMAT, any, NULL, "no alternatives");
    for (uint32_t i = 0; is_one && i < any->n; i++)
        for (uint32_t k = 0; k < i; k++) {
            bool differ;
            TRY(terms__disjoint(c, &differ, &any->items[k], &any->items[i], 0));
            if (!differ)
                return compile__fail(c, E_UNSUPPORTED, any, NULL,
                                     "alternatives %u and %u may hold for one value: use anyOf", k,
                                     i);
        }
    for (uint32_t i = 0; i < any->n; i++) {
        conj one = *x;
        one.t[at].done |= is_one ? DONE_ONE_OF : DONE_ANY_OF;
        TRY(terms__add(c, &one, &any->items[i], 0));
        TRY(compile__conj(c, &refs[i], &one));
    }
    *out = (node){.kind = NODE_UNION, .is_done = true};
    return add_refs(c, out, refs, any->n);
}

static status plain_node(compiler *c, node *out, const conj *x) {
    rules r;
    int32_t refs[7];
    size_t n = 0;
    TRY(terms__rules(c, &r, x));
    r.number.is_integer = !(r.types & TYPE_NUM);
    for (size_t i = 0; i < x->n; i++) {
        const json_value *values = json_get(x->t[i].v, "enum"), *one = json_get(x->t[i].v, "const");
        if (values || one) return enum_node(c, out, x, &r, values, one);
    }
    if (r.types & TYPE_NULL) TRY(literal_node(c, &refs[n++], "null", NULL));
    if (r.types & TYPE_BOOL) TRY(literal_node(c, &refs[n++], "false", "true"));
    if (r.types & (TYPE_NUM | TYPE_INT)) TRY(number_node(c, &refs[n++], &r.number));
    if (r.types & TYPE_STR) TRY(string_node(c, &refs[n++], &r));
    if (r.types & TYPE_ARR) TRY(array_node(c, &refs[n++], x, &r));
    if (r.types & TYPE_OBJ) TRY(compile__object(c, &refs[n++], x, &r));
    *out = (node){.kind = NODE_UNION, .is_done = true};
    return add_refs(c, out, refs, n);
}

static status compile_one(compiler *c, const conj_at *at) {
    conj x = {.n = at->n};
    node out = {.kind = NODE_UNION};
    memcpy(x.t, (term *)c->terms.p + at->first + at->n, at->n * sizeof *x.t);
    TRY(lang_work(&c->room, 256, c->e));
    status s = OK;
    size_t i = 0;
    for (; i < x.n && out.kind == NODE_UNION && !out.is_done && !s; i++) {
        if (x.t[i].done & IS_VALUE) {
            const json_value *v = x.t[i].v;
            conj none = {.n = 0};
            rules all = {.types = TYPE_ALL};
            all.length[1] = UINT32_MAX;
            s = v->kind == JSON_OBJECT  ? object_value(c, &out, v)
                : v->kind == JSON_ARRAY ? array_value(c, &out, v)
                                        : enum_node(c, &out, &none, &all, NULL, v);
        } else if (json_get(x.t[i].v, "anyOf") && !(x.t[i].done & DONE_ANY_OF)) {
            s = choice_node(c, &out, &x, i, false);
        } else if (json_get(x.t[i].v, "oneOf") && !(x.t[i].done & DONE_ONE_OF)) {
            s = choice_node(c, &out, &x, i, true);
        }
    }
    if (!s && out.kind == NODE_UNION && !out.is_done) s = plain_node(c, &out, &x);
    if (!s) ((node *)c->s->nodes.p)[at->node] = out;
    return s;
}

static status compile_all(compiler *c, size_t *from) {
    for (; *from < c->conjs.n; ++*from) {
        conj_at at = ((conj_at *)c->conjs.p)[*from];
        size_t used = c->room.a.used;
        TRY(compile_one(c, &at));
        c->room.a.used = used;  // nodes and automata are elsewhere
    }
    return OK;
}

// --- Heights -------------------------------------------------------------------------------------

static unsigned height_at(const schema *s, int32_t at) {
    return at < 0 ? SCHEMA_NEVER : schema_node(s, at)->height;
}

// The least height at which enough properties can be there.
static unsigned object_height(const schema *s, const node *x) {
    unsigned least = 0, added = 0;
    uint32_t required = 0, more = x->n_classes ? dfa_at(&s->dfas, x->dfa)->more : 0;
    for (uint32_t i = 0; i < x->n; i++)
        if (schema_prop(s, x->first + i)->is_required) {
            unsigned h = height_at(s, schema_prop(s, x->first + i)->node);
            least = h > least ? h : least;
            required++;
        }
    if (required > x->most || x->least > x->most) return SCHEMA_NEVER;
    for (uint32_t i = 0; i < x->n_classes; i++) {
        unsigned h = height_at(s, ((key_class *)s->classes.p)[x->classes + i].node);
        added = h > added ? h : added;
    }
    more = more <= x->n ? 0 : more - x->n;
    for (; least <= SCHEMA_DEPTH_MAX; least++) {
        size_t n = added <= least ? min_size(more, SCHEMA_ADDED_MAX) : 0;
        for (uint32_t i = 0; i < x->n; i++)
            n += height_at(s, schema_prop(s, x->first + i)->node) <= least;
        if (n >= x->least) return least + 1;
    }
    return SCHEMA_NEVER;
}

static unsigned array_height(const schema *s, const node *x) {
    unsigned most = 0;
    if (x->least > x->most) return SCHEMA_NEVER;
    for (uint32_t i = 0; i < x->least && i <= x->n; i++) {
        unsigned h = height_at(s, i < x->n ? schema_ref(s, x->first + i) : x->rest);
        most = h > most ? h : most;
    }
    return most + 1;
}

static unsigned height_of(const schema *s, const node *x) {
    unsigned h = x->kind == NODE_UNION ? SCHEMA_NEVER : 0;
    switch ((node_kind)x->kind) {
    case NODE_LEX:
    case NODE_STRING:
        return 0;
    case NODE_OBJECT:
        return object_height(s, x);
    case NODE_ARRAY:
        return array_height(s, x);
    case NODE_UNION:
    case NODE_SEQ:
        break;
    }
    for (uint32_t i = 0; i < x->n; i++) {
        unsigned one = height_at(s, schema_ref(s, x->first + i));
        if (x->kind == NODE_UNION ? one < h : one > h) h = one;
    }
    return h;
}

static status find_heights(compiler *c) {
    schema *s = c->s;
    node *all = s->nodes.p;
    bool more = true;
    for (size_t i = 0; i < s->nodes.n; i++)
        all[i].height = SCHEMA_NEVER;
    while (more) {
        more = false;
        TRY(lang_work(&c->room, s->nodes.n + s->refs.n + s->props.n, c->e));
        for (size_t i = s->nodes.n; i-- > 0;) {
            unsigned h = height_of(s, &all[i]);
            if (h > SCHEMA_DEPTH_MAX) h = SCHEMA_NEVER;
            more |= h != all[i].height;
            all[i].height = (uint8_t)h;
        }
    }
    for (size_t i = 0; i < s->nodes.n; i++)
        for (uint32_t k = 0; k < all[i].n_classes; k++) {
            unsigned h = height_at(s, ((key_class *)s->classes.p)[all[i].classes + k].node);
            if (h > all[i].added_height) all[i].added_height = (uint8_t)h;
        }
    return OK;
}

// --- Unions --------------------------------------------------------------------------------------

typedef struct flat {
    uint32_t *mark, now;
    vec todo, found;
} flat;

// All that is below a union and no union itself, once, if there are texts of it (I2).
static status flatten_one(compiler *c, flat *f, uint32_t at) {
    schema *s = c->s;
    f->now++;
    f->todo.n = f->found.n = 0;
    uint32_t *to = vec_add(&f->todo, 1, sizeof *to, SIZE_MAX / 8);
    if (!to) return err_set(c->e, E_MEMORY, "no memory for alternatives");
    *to = at;
    while (f->todo.n) {
        uint32_t i = ((uint32_t *)f->todo.p)[--f->todo.n];
        const node *x = schema_node(s, (int32_t)i);
        if (f->mark[i] == f->now || x->height == SCHEMA_NEVER) continue;
        f->mark[i] = f->now;
        bool is_union = x->kind == NODE_UNION;
        TRY(lang_work(&c->room, 1 + (is_union ? x->n : 0), c->e));
        to =
            vec_add(is_union ? &f->todo : &f->found, is_union ? x->n : 1, sizeof *to, SIZE_MAX / 8);
        if (!to) return err_set(c->e, E_MEMORY, "no memory for alternatives");
        if (!is_union) *to = i;
        for (uint32_t k = 0; is_union && k < x->n; k++)
            to[k] = (uint32_t)schema_ref(s, x->first + x->n - 1 - k);
    }
    return OK;
}

static status flatten(compiler *c, flat *f) {
    schema *s = c->s;
    size_t n = s->nodes.n;
    node *flat_nodes = arena_try_array(&c->room.a, n, sizeof *flat_nodes);
    f->mark = arena_try_array(&c->room.a, n, sizeof *f->mark);
    if (!flat_nodes || !f->mark) return err_set(c->e, E_LIMIT, "no room for alternatives");
    for (size_t i = 0; i < n; i++) {
        flat_nodes[i] = *schema_node(s, (int32_t)i);
        if (flat_nodes[i].kind != NODE_UNION) continue;
        TRY(flatten_one(c, f, (uint32_t)i));
        TRY(add_refs(c, &flat_nodes[i], f->found.p, f->found.n));
        s->has_union |= f->found.n > 1;
    }
    memcpy(s->nodes.p, flat_nodes, n * sizeof *flat_nodes);
    return OK;
}

static status finish(compiler *c) {
    schema *s = c->s;
    flat f = {.now = 0};
    TRY(find_heights(c));
    if (schema_node(s, s->root)->height == SCHEMA_NEVER)
        return err_set(c->e, E_FORMAT, "/: no value of at most %d levels fits the schema",
                       SCHEMA_DEPTH_MAX);
    status st = flatten(c, &f);
    vec_free(&f.todo);
    vec_free(&f.found);
    const node *all = s->nodes.p;
    for (size_t i = 0; i < s->nodes.n; i++)
        s->has_added |= all[i].kind == NODE_OBJECT && all[i].n_classes > 0;
    return st;
}

// --- Opening -------------------------------------------------------------------------------------

static status begin(compiler *c) {
    schema *s = c->s;
    c->table = calloc(TABLE, sizeof *c->table);
    if (!c->table) return err_set(c->e, E_MEMORY, "no memory for a schema");
    c->integer = c->number = SCHEMA_NONE;
    c->any_key = -1;
    TRY(lang_room_open(&c->room, c->e));
    TRY(dfa_open(&s->dfas, c->e));
    TRY(compile__node(c, &c->never, (node){.kind = NODE_UNION, .is_done = true}));
    node string = {.kind = NODE_STRING, .is_done = true};
    TRY(dfa_of_string(&string.dfa, &s->dfas, c->e));
    return compile__node(c, &c->string, string);
}

static status end(compiler *c, schema **out, status s) {
    free(c->table);
    vec_free(&c->conjs);
    vec_free(&c->terms);
    lang_room_close(&c->room);
    free(c->s->dfas.cons);
    c->s->dfas.cons = NULL;
    if (s)
        schema_close(c->s);
    else
        *out = c->s;
    return s;
}

static schema *make(err *e) {
    schema *s = calloc(1, sizeof *s);
    if (!s) err_set(e, E_MEMORY, "no memory for a schema");
    return s;
}

static status value_root(compiler *c, int32_t *out, const json_value *v, size_t *done) {
    conj x = {.n = 0};
    c->root = v;
    TRY(terms__add(c, &x, v, 0));
    TRY(compile__conj(c, out, &x));
    return compile_all(c, done);
}

// {"type": "object"}
static const json_value object_type[] = {
    {.kind = JSON_STRING, .key = STR_INIT("type"), .string = STR_INIT("object")}};
static const uint32_t first_key[] = {0};
static const json_value any_object = {
    .kind = JSON_OBJECT, .items = object_type, .by_key = first_key, .n = 1};

status schema_open(schema **out, const json_value *value, err *e) {
    err local = {0};
    size_t done = 0;
    *out = NULL;
    compiler c = {.s = make(e), .e = e ? e : &local};
    if (!c.s) return E_MEMORY;
    status s = begin(&c);
    c.s->may_indent = true;
    if (!s) s = value_root(&c, &c.s->root, value ? value : &any_object, &done);
    if (!s) s = finish(&c);
    return end(&c, out, s);
}

static status text_part(compiler *c, int32_t *refs, size_t *n, str text) {
    return text.len ? words_node(c, &refs[(*n)++], &text, 1) : OK;
}

static status choice_root(compiler *c, const schema_choice *choice, size_t n) {
    size_t done = 0;
    int32_t *all = arena_try_array(&c->room.a, n + 1, sizeof *all);
    if (!all || n == 0) return err_set(c->e, E_LIMIT, "%zu alternatives", n);
    for (size_t i = 0; i < n; i++) {
        int32_t refs[3];
        size_t n_refs = 0;
        node seq = {.kind = NODE_SEQ, .is_done = true};
        TRY(text_part(c, refs, &n_refs, choice[i].before));
        if (choice[i].value) TRY(value_root(c, &refs[n_refs++], choice[i].value, &done));
        if (choice[i].value) TRY(text_part(c, refs, &n_refs, choice[i].after));
        if (n_refs == 0) return err_set(c->e, E_ARG, "alternative %zu is empty", i);
        TRY(add_refs(c, &seq, refs, n_refs));
        TRY(compile__node(c, &all[i], seq));
    }
    node any = {.kind = NODE_UNION, .is_done = true};
    TRY(add_refs(c, &any, all, n));
    TRY(compile__node(c, &c->s->root, any));
    return finish(c);
}

status schema_open_choice(schema **out, const schema_choice *choice, size_t n, err *e) {
    err local = {0};
    *out = NULL;
    compiler c = {.s = make(e), .e = e ? e : &local};
    if (!c.s) return E_MEMORY;
    status s = begin(&c);
    if (!s) s = choice_root(&c, choice, n);
    return end(&c, out, s);
}

static status regex_root(compiler *c, str regex) {
    lang l;
    bool any;
    node x = {.kind = NODE_LEX, .is_done = true};
    TRY(regex_open(&l, regex, true, &c->room, c->e));
    TRY(lang_trim(&any, &l, &c->room, c->e));
    if (!any) return err_set(c->e, E_FORMAT, "no text matches the expression");
    TRY(dfa_of_lang(&x.dfa, &c->s->dfas, &l, DFA_TEXT, &c->room, c->e));
    TRY(compile__node(c, &c->s->root, x));
    return finish(c);
}

status schema_open_regex(schema **out, str regex, err *e) {
    err local = {0};
    *out = NULL;
    compiler c = {.s = make(e), .e = e ? e : &local};
    if (!c.s) return E_MEMORY;
    status s = begin(&c);
    if (!s) s = regex_root(&c, regex);
    return end(&c, out, s);
}

void schema_close(schema *s) {
    if (!s) return;
    vec *all[] = {&s->nodes,     &s->refs,      &s->props,    &s->classes,
                  &s->key_nodes, &s->key_edges, &s->key_below};
    for (size_t i = 0; i < countof(all); i++)
        vec_free(all[i]);
    dfa_close(&s->dfas);
    free(s);
}
