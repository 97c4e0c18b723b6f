// One table says which keywords there are, which kind their values have, and of which types they
// speak; a keyword that is not in it is refused by name.
//
//   I1  a conjunction holds a schema once; what its $ref and allOf hold is in it as well
//   I2  a schema that comes again, with all that it holds, has its anyOf to do again: so one that
//       is its own alternative becomes a union that holds itself, which adds nothing

#include "schema/compile.h"

#include "schema/format.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

// --- Errors --------------------------------------------------------------------------------------

typedef struct path {
    char p[300];
    size_t n;
} path;

static void path_add(path *to, str s) {
    for (size_t i = 0; i < s.len && to->n + 3 < sizeof to->p; i++) {
        if (s.ptr[i] == '~' || s.ptr[i] == '/') to->p[to->n++] = '~';
        to->p[to->n++] = (char)(s.ptr[i] == '~'           ? '0'
                                : s.ptr[i] == '/'         ? '1'
                                : (uint8_t)s.ptr[i] < ' ' ? '?'
                                                          : s.ptr[i]);
    }
    to->p[to->n] = 0;
}

static bool path_find(path *to, const json_value *from, const json_value *at) {
    if (from == at) return true;
    if (from->kind != JSON_OBJECT && from->kind != JSON_ARRAY) return false;
    size_t n = to->n;
    for (uint32_t i = 0; i < from->n; i++) {
        char number[16];
        snprintf(number, sizeof number, "%u", i);
        if (to->n + 1 < sizeof to->p) to->p[to->n++] = '/';
        path_add(to, from->kind == JSON_OBJECT ? from->items[i].key : str_of(number));
        if (path_find(to, &from->items[i], at)) return true;
        to->n = n;
    }
    return false;
}

status compile__fail_in(const compiler *c, const json_value *at, const char *keyword) {
    path p = {.n = 0};
    if (!c->root || !path_find(&p, c->root, at)) p.n = 0;
    if (keyword) {
        if (p.n + 1 < sizeof p.p) p.p[p.n++] = '/';
        path_add(&p, str_of(keyword));
    }
    return err_in(c->e, "%.*s", p.n ? (int)p.n : 1, p.n ? p.p : "/");
}

status compile__fail(const compiler *c, status code, const json_value *at, const char *keyword,
                     const char *fmt, ...) {
    char text[200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    err_set(c->e, code, "%s", text);
    (void)compile__fail_in(c, at, keyword);
    return code;
}

// --- Keywords ------------------------------------------------------------------------------------

typedef enum keyword {
    K_IGNORED,
    K_REF,
    K_ALL_OF,
    K_ANY_OF,
    K_ONE_OF,
    K_TYPE,
    K_ENUM,
    K_CONST,
    K_MIN,
    K_MAX,
    K_OPEN_MIN,
    K_OPEN_MAX,
    K_MULTIPLE,
    K_MIN_LENGTH,
    K_MAX_LENGTH,
    K_PATTERN,
    K_FORMAT,
    K_MIN_ITEMS,
    K_MAX_ITEMS,
    K_UNIQUE,
    K_ITEMS,
    K_PREFIX,
    K_MIN_PROPS,
    K_MAX_PROPS,
    K_PROPERTIES,
    K_REQUIRED,
    K_ADDED,
    K_PATTERN_PROPS,
} keyword;

enum { ANY_KIND = 64, SCHEMA_KIND = 1 << JSON_OBJECT | 1 << JSON_BOOL };

static const struct known {
    str name;
    uint8_t id, kinds, types;
} known[] = {
    {STR_INIT("$comment"), K_IGNORED, ANY_KIND, 0},
    {STR_INIT("$defs"), K_IGNORED, 1 << JSON_OBJECT, 0},
    {STR_INIT("$id"), K_IGNORED, 1 << JSON_STRING, 0},
    {STR_INIT("$ref"), K_REF, 1 << JSON_STRING, 0},
    {STR_INIT("$schema"), K_IGNORED, 1 << JSON_STRING, 0},
    {STR_INIT("additionalProperties"), K_ADDED, SCHEMA_KIND, TYPE_OBJ},
    {STR_INIT("allOf"), K_ALL_OF, 1 << JSON_ARRAY, 0},
    {STR_INIT("anyOf"), K_ANY_OF, 1 << JSON_ARRAY, 0},
    {STR_INIT("const"), K_CONST, ANY_KIND, 0},
    {STR_INIT("default"), K_IGNORED, ANY_KIND, 0},
    {STR_INIT("definitions"), K_IGNORED, 1 << JSON_OBJECT, 0},
    {STR_INIT("deprecated"), K_IGNORED, ANY_KIND, 0},
    {STR_INIT("description"), K_IGNORED, ANY_KIND, 0},
    {STR_INIT("enum"), K_ENUM, 1 << JSON_ARRAY, 0},
    {STR_INIT("examples"), K_IGNORED, ANY_KIND, 0},
    {STR_INIT("exclusiveMaximum"), K_OPEN_MAX, 1 << JSON_NUMBER, TYPE_NUM | TYPE_INT},
    {STR_INIT("exclusiveMinimum"), K_OPEN_MIN, 1 << JSON_NUMBER, TYPE_NUM | TYPE_INT},
    {STR_INIT("format"), K_FORMAT, 1 << JSON_STRING, TYPE_STR},
    {STR_INIT("items"), K_ITEMS, SCHEMA_KIND, TYPE_ARR},
    {STR_INIT("maxItems"), K_MAX_ITEMS, 1 << JSON_NUMBER, TYPE_ARR},
    {STR_INIT("maxLength"), K_MAX_LENGTH, 1 << JSON_NUMBER, TYPE_STR},
    {STR_INIT("maxProperties"), K_MAX_PROPS, 1 << JSON_NUMBER, TYPE_OBJ},
    {STR_INIT("maximum"), K_MAX, 1 << JSON_NUMBER, TYPE_NUM | TYPE_INT},
    {STR_INIT("minItems"), K_MIN_ITEMS, 1 << JSON_NUMBER, TYPE_ARR},
    {STR_INIT("minLength"), K_MIN_LENGTH, 1 << JSON_NUMBER, TYPE_STR},
    {STR_INIT("minProperties"), K_MIN_PROPS, 1 << JSON_NUMBER, TYPE_OBJ},
    {STR_INIT("minimum"), K_MIN, 1 << JSON_NUMBER, TYPE_NUM | TYPE_INT},
    {STR_INIT("multipleOf"), K_MULTIPLE, 1 << JSON_NUMBER, TYPE_NUM | TYPE_INT},
    {STR_INIT("oneOf"), K_ONE_OF, 1 << JSON_ARRAY, 0},
    {STR_INIT("pattern"), K_PATTERN, 1 << JSON_STRING, TYPE_STR},
    {STR_INIT("patternProperties"), K_PATTERN_PROPS, 1 << JSON_OBJECT, TYPE_OBJ},
    {STR_INIT("prefixItems"), K_PREFIX, 1 << JSON_ARRAY, TYPE_ARR},
    {STR_INIT("properties"), K_PROPERTIES, 1 << JSON_OBJECT, TYPE_OBJ},
    {STR_INIT("readOnly"), K_IGNORED, ANY_KIND, 0},
    {STR_INIT("required"), K_REQUIRED, 1 << JSON_ARRAY, TYPE_OBJ},
    {STR_INIT("strict"), K_IGNORED, 1 << JSON_BOOL, 0},
    {STR_INIT("title"), K_IGNORED, ANY_KIND, 0},
    {STR_INIT("type"), K_TYPE, 1 << JSON_STRING | 1 << JSON_ARRAY, 0},
    {STR_INIT("uniqueItems"), K_UNIQUE, 1 << JSON_BOOL, TYPE_ARR},
    {STR_INIT("writeOnly"), K_IGNORED, ANY_KIND, 0},
};

static const struct known *known_of(str name) {
    for (size_t i = 0; i < countof(known); i++)
        if (str_eq(known[i].name, name)) return &known[i];
    return NULL;
}

static status check_keywords(const compiler *c, const json_value *v) {
    for (uint32_t i = 0; i < v->n; i++) {
        const struct known *k = known_of(v->items[i].key);
        if (!k) return compile__fail(c, E_UNSUPPORTED, &v->items[i], NULL, "keyword not supported");
        if (k->kinds != ANY_KIND && !(k->kinds >> v->items[i].kind & 1))
            return compile__fail(c, E_FORMAT, &v->items[i], NULL, "its value is of the wrong kind");
        if (str_eq(k->name, STR("$id")) && v != c->root)
            return compile__fail(c, E_UNSUPPORTED, &v->items[i], NULL,
                                 "$id is supported at the top only");
    }
    return OK;
}

// --- Conjunctions --------------------------------------------------------------------------------

static int hex_of(char ch) {
    return ch >= '0' && ch <= '9'   ? ch - '0'
           : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10
           : ch >= 'A' && ch <= 'F' ? ch - 'A' + 10
                                    : -1;
}

// A step of a pointer in a URI: %XX, then ~0 and ~1.
static bool unescape(char *out, size_t *n, str s) {
    size_t k = 0;
    for (size_t i = 0; i < s.len; i++) {
        char ch = s.ptr[i];
        if (ch == '%') {
            if (i + 2 >= s.len || hex_of(s.ptr[i + 1]) < 0 || hex_of(s.ptr[i + 2]) < 0)
                return false;
            ch = (char)(hex_of(s.ptr[i + 1]) << 4 | hex_of(s.ptr[i + 2]));
            i += 2;
        }
        out[k++] = ch;
    }
    *n = 0;
    for (size_t i = 0; i < k; i++) {
        if (out[i] == '~' && (++i == k || (out[i] != '0' && out[i] != '1'))) return false;
        char ch = i && out[i - 1] == '~' ? (out[i] == '0' ? '~' : '/') : out[i];
        out[(*n)++] = ch;
    }
    return true;
}

static const json_value *step_to(const json_value *v, str step) {
    char name[512];
    size_t n;
    uint64_t i;
    if (step.len > sizeof name || !unescape(name, &n, step)) return NULL;
    str s = {name, n};
    if (v->kind == JSON_ARRAY) return str_parse_u64(&i, s) && i < v->n ? &v->items[i] : NULL;
    return json_get_str(v, s);
}

static status resolve(const compiler *c, const json_value **out, const json_value *ref) {
    str rest = ref->string;
    const json_value *v = c->root;
    if (!str_starts(rest, STR("#")) || (rest.len > 1 && rest.ptr[1] != '/'))
        return compile__fail(c, E_UNSUPPORTED, ref, NULL, "only \"#\" and \"#/...\" are supported");
    rest = str_skip(rest, 2);
    for (bool more = ref->string.len > 1; more && v;) {
        more = str_find_byte(rest, '/') < rest.len;
        v = step_to(v, str_cut(&rest, '/'));
    }
    if (!v) return compile__fail(c, E_FORMAT, ref, NULL, "there is no such schema");
    *out = v;
    return OK;
}

// `seen` has a bit for each term that this addition has come to already.
static status add(compiler *c, conj *to, const json_value *v, uintptr_t done, uint32_t *seen) {
    size_t i = 0;
    if (v->kind == JSON_BOOL && !(done & IS_VALUE)) {
        to->is_never |= !v->boolean;
        return OK;
    }
    TRY(lang_work(&c->room, 16, c->e));
    while (i < to->n && to->t[i].v != v)
        i++;
    if (i == COMPILE_TERMS_MAX)
        return compile__fail(c, E_LIMIT, v, NULL, "over %d schemas at one place",
                             COMPILE_TERMS_MAX);
    if (i == to->n) to->t[to->n++] = (term){v, done};
    to->t[i].done &= done;  // I2
    if (done & IS_VALUE || *seen >> i & 1) return OK;
    *seen |= 1U << i;
    if (v->kind != JSON_OBJECT)
        return compile__fail(c, E_FORMAT, v, NULL, "neither an object nor a boolean");
    TRY(check_keywords(c, v));
    const json_value *ref = json_get(v, "$ref"), *all = json_get(v, "allOf"), *target = NULL;
    if (ref) {  // I1
        TRY(resolve(c, &target, ref));
        TRY(add(c, to, target, 0, seen));
    }
    for (uint32_t k = 0; all && k < all->n; k++)
        TRY(add(c, to, &all->items[k], 0, seen));
    return OK;
}

status terms__add(compiler *c, conj *to, const json_value *v, uintptr_t done) {
    uint32_t seen = 0;
    return add(c, to, v, done, &seen);
}

// Whether a schema says no more than what has been added or chosen for it.
static bool is_spent(const term *t) {
    if (t->done & IS_VALUE) return false;
    for (uint32_t i = 0; i < t->v->n; i++) {
        const struct known *k = known_of(t->v->items[i].key);
        bool is_done = k->id == K_IGNORED || k->id == K_REF || k->id == K_ALL_OF ||
                       (k->id == K_ANY_OF && t->done & DONE_ANY_OF) ||
                       (k->id == K_ONE_OF && t->done & DONE_ONE_OF);
        if (!is_done) return false;
    }
    return true;
}

void terms__drop_spent(conj *x) {
    size_t n = 0;
    for (size_t i = 0; i < x->n; i++)
        if (!is_spent(&x->t[i])) x->t[n++] = x->t[i];
    x->n = n;
}

// --- Types and values ----------------------------------------------------------------------------

unsigned terms__type_of(const json_value *v) {
    static const unsigned of[] = {
        [JSON_NULL] = TYPE_NULL,  [JSON_BOOL] = TYPE_BOOL, [JSON_NUMBER] = TYPE_NUM,
        [JSON_STRING] = TYPE_STR, [JSON_ARRAY] = TYPE_ARR, [JSON_OBJECT] = TYPE_OBJ,
    };
    if (v->kind == JSON_NUMBER && (v->is_integer || v->number == floor(v->number))) return TYPE_INT;
    return of[v->kind];
}

bool terms__equal(const json_value *a, const json_value *b) {
    if (a->kind != b->kind) return false;
    switch (a->kind) {
    case JSON_NULL:
        return true;
    case JSON_BOOL:
        return a->boolean == b->boolean;
    case JSON_STRING:
        return str_eq(a->string, b->string);
    case JSON_NUMBER:
        return a->is_integer && b->is_integer ? a->integer == b->integer : a->number == b->number;
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    if (a->n != b->n) return false;
    for (uint32_t i = 0; i < a->n; i++) {
        const json_value *other =
            a->kind == JSON_ARRAY ? &b->items[i] : json_get_str(b, a->items[i].key);
        if (!other || !terms__equal(&a->items[i], other)) return false;
    }
    return true;
}

static unsigned type_named(str name) {
    static const struct {
        str name;
        unsigned type;
    } names[] = {
        {STR_INIT("null"), TYPE_NULL},   {STR_INIT("boolean"), TYPE_BOOL},
        {STR_INIT("integer"), TYPE_INT}, {STR_INIT("number"), TYPE_NUM | TYPE_INT},
        {STR_INIT("string"), TYPE_STR},  {STR_INIT("array"), TYPE_ARR},
        {STR_INIT("object"), TYPE_OBJ},
    };
    for (size_t i = 0; i < countof(names); i++)
        if (str_eq(name, names[i].name)) return names[i].type;
    return 0;
}

static unsigned types_of(const json_value *type) {
    unsigned all = 0;
    if (type->kind == JSON_STRING) return type_named(type->string);
    for (uint32_t i = 0; i < type->n; i++) {
        unsigned one = type->items[i].kind == JSON_STRING ? type_named(type->items[i].string) : 0;
        if (!one) return 0;
        all |= one;
    }
    return all;
}

static unsigned types_of_values(const json_value *values, const json_value *one) {
    unsigned all = one ? terms__type_of(one) : 0;
    for (uint32_t i = 0; values && i < values->n; i++)
        all |= terms__type_of(&values->items[i]);
    return all;
}

unsigned terms__types(const conj *x) {
    unsigned all = TYPE_ALL;
    for (size_t i = 0; i < x->n; i++) {
        const json_value *type = json_get(x->t[i].v, "type");
        const json_value *values = json_get(x->t[i].v, "enum"), *one = json_get(x->t[i].v, "const");
        if (type) all &= types_of(type);
        if (values) all &= types_of_values(values, NULL);
        if (one) all &= types_of_values(NULL, one);
    }
    return x->is_never ? 0 : all;
}

// --- Rules ---------------------------------------------------------------------------------------

// A count, the larger or smaller one of two.
static status count(const compiler *c, uint32_t *to, const json_value *v, bool is_least) {
    if (v->number < 0 || v->number != floor(v->number))
        return compile__fail(c, E_FORMAT, v, NULL, "it is no count");
    uint32_t n = v->number > UINT32_MAX - 1 ? UINT32_MAX - 1 : (uint32_t)v->number;
    if (is_least ? n > *to : n < *to) *to = n;
    return OK;
}

static status add_pattern(const compiler *c, rules *r, const json_value *v, str regex,
                          bool is_whole) {
    if (r->n_patterns == COMPILE_PATTERNS_MAX)
        return compile__fail(c, E_LIMIT, v, NULL, "over %d patterns", COMPILE_PATTERNS_MAX);
    r->is_whole[r->n_patterns] = is_whole;
    r->pattern_at[r->n_patterns] = v;
    r->patterns[r->n_patterns++] = regex;
    return OK;
}

static status add_format(const compiler *c, rules *r, const json_value *v) {
    str regex = format_regex(v->string);
    if (regex.len == 0)
        return compile__fail(c, E_UNSUPPORTED, v, NULL, "format %.*s is not supported",
                             STR_ARG(str_first(v->string, 60)));
    return add_pattern(c, r, v, regex, true);
}

static status add_multiple(const compiler *c, rules *r, const json_value *v) {
    number_rules *n = &r->number;
    if (v->number <= 0) return compile__fail(c, E_FORMAT, v, NULL, "it is not over 0");
    if (v->number != floor(v->number) || v->number > NUMBER_MULTIPLE_MAX)
        return compile__fail(c, E_UNSUPPORTED, v, NULL, "only integers up to %d are supported",
                             NUMBER_MULTIPLE_MAX);
    if (n->n_multiples == countof(n->multiples))
        return compile__fail(c, E_LIMIT, v, NULL, "over %zu at one place", countof(n->multiples));
    n->multiples[n->n_multiples++] = (uint32_t)v->number;
    return OK;
}

static status add_types(const compiler *c, rules *r, const json_value *v) {
    unsigned types = types_of(v);
    if (!types) return compile__fail(c, E_FORMAT, v, NULL, "an unknown type");
    r->types &= types;
    return OK;
}

static status add_rule(compiler *c, rules *r, const json_value *v) {
    const struct known *k = known_of(v->key);
    number_rules *n = &r->number;
    r->implied |= k->types;
    switch ((keyword)k->id) {
    case K_TYPE:
        return add_types(c, r, v);
    case K_MIN:
        n->lo = number_stricter(n->lo, (number_bound){v, false}, true);
        return OK;
    case K_MAX:
        n->hi = number_stricter(n->hi, (number_bound){v, false}, false);
        return OK;
    case K_OPEN_MIN:
        n->lo = number_stricter(n->lo, (number_bound){v, true}, true);
        return OK;
    case K_OPEN_MAX:
        n->hi = number_stricter(n->hi, (number_bound){v, true}, false);
        return OK;
    case K_MULTIPLE:
        return add_multiple(c, r, v);
    case K_MIN_LENGTH:
        return count(c, &r->length[0], v, true);
    case K_MAX_LENGTH:
        return count(c, &r->length[1], v, false);
    case K_MIN_ITEMS:
        return count(c, &r->items[0], v, true);
    case K_MAX_ITEMS:
        return count(c, &r->items[1], v, false);
    case K_MIN_PROPS:
        return count(c, &r->props[0], v, true);
    case K_MAX_PROPS:
        return count(c, &r->props[1], v, false);
    case K_PATTERN:
        return add_pattern(c, r, v, v->string, false);
    case K_FORMAT:
        return add_format(c, r, v);
    case K_UNIQUE:
        r->unique = v->boolean ? v : r->unique;
        return OK;
    case K_PROPERTIES:
    case K_PATTERN_PROPS:
        r->has_properties = true;
        return OK;
    case K_ADDED:
        r->has_added = true;
        return OK;
    case K_ITEMS:
        r->has_items = true;
        return OK;
    default:
        return OK;
    }
}

status terms__rules(compiler *c, rules *out, const conj *x) {
    *out = (rules){.types = TYPE_ALL};
    out->length[1] = out->items[1] = out->props[1] = UINT32_MAX;
    bool has_type = false;
    for (size_t i = 0; i < x->n; i++)
        for (uint32_t k = 0; k < x->t[i].v->n; k++) {
            const json_value *v = &x->t[i].v->items[k];
            has_type |= str_eq(v->key, STR("type"));
            TRY(add_rule(c, out, v));
        }
    if (!has_type && out->implied) out->types = out->implied;
    return OK;
}

// --- Disjoint alternatives -----------------------------------------------------------------------

enum { DISJOINT_DEPTH_MAX = 6 };

static const json_value *values_of(const conj *x, const json_value **one) {
    for (size_t i = 0; i < x->n; i++) {
        const json_value *values = json_get(x->t[i].v, "enum");
        *one = json_get(x->t[i].v, "const");
        if (*one || values) return values;
    }
    return *one = NULL;
}

static bool in_values(const json_value *v, const json_value *values, const json_value *one) {
    if (one) return terms__equal(v, one);
    for (uint32_t i = 0; i < values->n; i++)
        if (terms__equal(v, &values->items[i])) return true;
    return false;
}

static bool values_differ(const conj *a, const conj *b) {
    const json_value *one_a, *one_b, *all_a = values_of(a, &one_a), *all_b = values_of(b, &one_b);
    if ((!one_a && !all_a) || (!one_b && !all_b)) return false;
    if (one_a) return !in_values(one_a, all_b, one_b);
    for (uint32_t i = 0; i < all_a->n; i++)
        if (in_values(&all_a->items[i], all_b, one_b)) return false;
    return true;
}

static bool is_required(const conj *x, str key) {
    for (size_t i = 0; i < x->n; i++) {
        const json_value *r = json_get(x->t[i].v, "required");
        for (uint32_t k = 0; r && k < r->n; k++)
            if (r->items[k].kind == JSON_STRING && str_eq(r->items[k].string, key)) return true;
    }
    return false;
}

// Whether some schema of `x` lets no such key in.
static bool is_out(const conj *x, str key) {
    for (size_t i = 0; i < x->n; i++) {
        const json_value *v = x->t[i].v, *added = json_get(v, "additionalProperties");
        if (added && added->kind == JSON_BOOL && !added->boolean &&
            !json_get(v, "patternProperties") && !json_get_str(json_get(v, "properties"), key))
            return true;
    }
    return false;
}

static status key_differs(compiler *c, bool *out, const conj *a, const conj *b, str key,
                          int depth) {
    *out = is_out(b, key);
    if (!is_required(b, key)) return OK;
    for (size_t i = 0; i < a->n && !*out; i++)
        for (size_t k = 0; k < b->n && !*out; k++) {
            const json_value *x = json_get_str(json_get(a->t[i].v, "properties"), key);
            const json_value *y = json_get_str(json_get(b->t[k].v, "properties"), key);
            if (x && y) TRY(terms__disjoint(c, out, x, y, depth + 1));
        }
    return OK;
}

// A key that one must have, and that the other has otherwise or not at all.
static status keys_differ(compiler *c, bool *out, const conj *a, const conj *b, int depth) {
    for (size_t i = 0; i < a->n; i++) {
        const json_value *r = json_get(a->t[i].v, "required");
        for (uint32_t k = 0; r && k < r->n && !*out; k++)
            if (r->items[k].kind == JSON_STRING)
                TRY(key_differs(c, out, a, b, r->items[k].string, depth));
    }
    return OK;
}

static bool ranges_differ(const rules *a, const rules *b) {
    number_bound hi = a->number.hi, lo = b->number.lo;
    if (!hi.v || !lo.v) return false;
    return hi.v->number < lo.v->number ||
           (hi.v->number == lo.v->number && (hi.is_open || lo.is_open));
}

// Alternatives of `a`, each with `b`.
static status all_differ(compiler *c, bool *out, const conj *a, const json_value *b, int depth) {
    for (size_t i = 0; i < a->n && !*out; i++)
        for (int k = 0; k < 2 && !*out; k++) {
            const json_value *any = json_get(a->t[i].v, k ? "oneOf" : "anyOf");
            bool all = any != NULL;
            for (uint32_t n = 0; any && n < any->n && all; n++)
                TRY(terms__disjoint(c, &all, &any->items[n], b, depth + 1));
            *out = all;
        }
    return OK;
}

status terms__disjoint(compiler *c, bool *out, const json_value *a, const json_value *b,
                       int depth) {
    conj x = {.n = 0}, y = {.n = 0};
    rules rx, ry;
    *out = false;
    if (depth > DISJOINT_DEPTH_MAX) return OK;
    TRY(lang_work(&c->room, 1000, c->e));
    TRY(terms__add(c, &x, a, 0));
    TRY(terms__add(c, &y, b, 0));
    unsigned both = terms__types(&x) & terms__types(&y);
    if (both == 0 || values_differ(&x, &y)) return *out = true, OK;
    if (both == TYPE_OBJ) {
        TRY(keys_differ(c, out, &x, &y, depth));
        if (!*out) TRY(keys_differ(c, out, &y, &x, depth));
    } else if (!(both & ~(unsigned)(TYPE_NUM | TYPE_INT))) {
        TRY(terms__rules(c, &rx, &x));
        TRY(terms__rules(c, &ry, &y));
        *out = ranges_differ(&rx, &ry) || ranges_differ(&ry, &rx);
    }
    if (!*out) TRY(all_differ(c, out, &x, b, depth));
    if (!*out) TRY(all_differ(c, out, &y, a, depth));
    return OK;
}
