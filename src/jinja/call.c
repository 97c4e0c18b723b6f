// Calls: arguments to parameters, the global functions, and who answers to a call at all.

#include "jinja/call.h"
#include "jinja/run.h"
#include "jinja/text.h"

#include <stdlib.h>
#include <time.h>

enum { RANGE_MAX = 100000, TIME_TEXT_MAX = 4096 };

// --- Parameters ----------------------------------------------------------------------------------

static str next_param(str *params) {
    return params->len ? str_cut(params, ',') : (str){0};
}

static bool bind(jrun *r, const jinja_row *row, const jargs *args, jv *bound) {
    str params = str_of(row->params);
    bool used[ARGS_MAX + 1] = {false};
    uint32_t n = 0, n_used = 0;
    bool by_place = str_starts(params, STR("/"));
    params = str_skip(params, by_place);
    if (by_place && args->n_named)
        return jr_type(r, "%s() takes no keyword arguments", row->name), false;
    for (; params.len && n < ARGS_BOUND; n++) {
        str name = next_param(&params);
        bound[n] = n < args->n_plain ? args->plain[n] : (jv){.kind = JV_MISSING};
        for (uint32_t i = 0; i < args->n_named; i++) {
            if (!str_eq(jv_text(args->named[i].key), name)) continue;
            if (bound[n].kind != JV_MISSING)
                return jr_type(r, "%s() got two values for '%.*s'", row->name, STR_ARG(name)),
                       false;
            bound[n] = args->named[i].value;
            used[i] = true;
            n_used++;
        }
        if (n < row->needs && bound[n].kind == JV_MISSING)
            return jr_type(r, "%s() wants an argument '%.*s'", row->name, STR_ARG(name)), false;
    }
    if (args->n_plain > n) return jr_type(r, "%s() got too many arguments", row->name), false;
    for (uint32_t i = 0; n_used < args->n_named && i < args->n_named; i++)
        if (!used[i])
            return jr_type(r, "%s() has no argument '%.*s'", row->name,
                           STR_ARG(jv_text(args->named[i].key))),
                   false;
    return true;
}

// Whatever is called looks at the text at least once.
jv jinja_call_row(jrun *r, const jinja_row *row, jv self, const jargs *args) {
    jv bound[ARGS_BOUND] = {{0}};
    if (self.kind == JV_STR && !jr_charge(r, self.n / 256)) return self;
    if (!row->params) return row->call(r, self, args->plain, args);
    if (!bind(r, row, args, bound)) return self;
    return row->call(r, self, bound, args);
}

int64_t jinja_int_arg(jrun *r, jv v, int64_t missing, const char *what) {
    int64_t i;
    if (v.kind == JV_MISSING) return missing;
    if (jv_is_integer(&i, v)) return i;
    jr_type(r, "%s must be an integer, not %s", what, jv_type_name(v));
    return missing;
}

str jinja_str_arg(jrun *r, jv v, const char *what) {
    if (v.kind == JV_STR) return jv_text(v);
    jr_type(r, "%s must be a str, not %s", what, jv_type_name(v));
    return (str){0};
}

str jinja_text_of(jrun *r, jv v) {
    return jv_text(jv_str(r, v));
}

// --- Globals -------------------------------------------------------------------------------------

static jv call_range(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)self;
    (void)args;
    jv_span *s = jr_alloc(r, 1, sizeof *s);
    if (!s) return jv_none();
    bool is_one = a[1].kind == JV_MISSING;
    s->start = is_one ? 0 : jinja_int_arg(r, a[0], 0, "range()'s start");
    s->stop = jinja_int_arg(r, is_one ? a[0] : a[1], 0, "range()'s stop");
    s->step = jinja_int_arg(r, a[2], 1, "range()'s step");
    if (!s->step) return jr_type(r, "range()'s step must not be zero");
    __int128 span = s->step > 0 ? (__int128)s->stop - s->start : (__int128)s->start - s->stop;
    __int128 step = s->step > 0 ? s->step : -(__int128)s->step;
    __int128 n = span > 0 ? (span - 1) / step + 1 : 0;
    if (n > RANGE_MAX) return jr_fail(r, E_LIMIT, "a range of over %d items", RANGE_MAX);
    return (jv){.kind = JV_RANGE, .n = (uint32_t)n, .span = s};
}

// Pairs of dict(...) and namespace(...): a mapping or pairs, then what was named.
static jv_pair *gather(jrun *r, const jargs *args, uint32_t *n_out, const char *what) {
    uint32_t n = 0, len = 0;
    const jv *items = NULL;
    jv from = args->n_plain ? args->plain[0] : jv_items(JV_LIST, NULL, 0);
    if (args->n_plain > 1) jr_type(r, "%s() wants at most one argument without a name", what);
    if (from.kind == JV_DICT)
        len = from.n;
    else
        items = jv_each(r, &len, from);
    jv_pair *pairs = jr_alloc(r, (size_t)len + args->n_named, sizeof *pairs);
    for (uint32_t i = 0; pairs && i < len && !r->code; i++) {
        if (from.kind == JV_DICT) {
            pairs[n++] = from.dict->pairs[i];
            continue;
        }
        uint32_t two;
        const jv *pair = items ? jv_each(r, &two, items[i]) : NULL;
        if (pair && two == 2)
            pairs[n++] = (jv_pair){pair[0], pair[1]};
        else
            jr_type(r, "%s() wants pairs of two", what);
    }
    for (uint32_t i = 0; pairs && i < args->n_named; i++)
        pairs[n++] = args->named[i];
    *n_out = n;
    return r->code ? NULL : pairs;
}

static jv call_dict(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)a;
    uint32_t n;
    jv_pair *pairs = gather(r, args, &n, "dict");
    return pairs ? jv_make_dict(r, pairs, n) : self;
}

static jv call_namespace(jrun *r, jv self, const jv *a, const jargs *args) {
    jv d = call_dict(r, self, a, args);
    jv_space *s = r->code ? NULL : jr_alloc(r, 1, sizeof *s);
    if (!s) return self;
    *s = (jv_space){d.dict->pairs, d.n, d.n};
    for (uint32_t i = 0; i < d.n; i++)
        if (d.dict->pairs[i].key.kind != JV_STR) return jr_type(r, "namespace() wants str keys");
    return (jv){.kind = JV_SPACE, .space = s};
}

static jv call_cycler(jrun *r, jv self, const jv *a, const jargs *args) {
    if (!args->n_plain) return jr_type(r, "cycler() wants at least one item");
    jv_turns *t = jr_alloc(r, 1, sizeof *t);
    if (!t) return self;
    *t = (jv_turns){.items = a, .n = args->n_plain};
    return (jv){.kind = JV_CYCLER, .turns = t};
}

static jv call_joiner(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    jv_turns *t = jr_alloc(r, 1, sizeof *t);
    if (!t) return self;
    t->sep = a[0].kind == JV_MISSING ? jv_view(STR(", ")) : a[0];
    return (jv){.kind = JV_JOINER, .turns = t};
}

static jv call_raise(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    str message = jinja_text_of(r, a[0]);
    if (!r->code) r->code = err_set(r->e, E_ARG, "%.*s", STR_ARG(message));
    return self;
}

static jv call_now(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    str format = jinja_str_arg(r, a[0], "strftime_now()'s format");
    if (format.len > TIME_TEXT_MAX / 16)
        return jr_fail(r, E_LIMIT, "a time's format of over %d bytes", TIME_TEXT_MAX / 16);
    char into[TIME_TEXT_MAX], spelt[TIME_TEXT_MAX / 16 + 2];
    memcpy(spelt, format.ptr ? format.ptr : "", format.len);
    spelt[format.len] = 'x';  // so that 0 is an error and nothing else
    spelt[format.len + 1] = 0;
    time_t at = r->now;
    struct tm tm;
    if (r->code || !localtime_r(&at, &tm)) return self;
    size_t n = strftime(into, sizeof into, spelt, &tm);
    return n ? jv_copy(r, (str){into, n - 1}) : jr_fail(r, E_LIMIT, "a time's text does not fit");
}

static const jinja_row GLOBALS[] = {
    {"range", call_range, "start,stop,step", 1, 0},
    {"dict", call_dict, NULL, 0, 0},
    {"namespace", call_namespace, NULL, 0, 0},
    {"cycler", call_cycler, NULL, 0, 0},
    {"joiner", call_joiner, "sep", 0, 0},
    {"raise_exception", call_raise, "message", 1, 0},
    {"strftime_now", call_now, "format", 1, 0},
};

jv jinja_global_named(str name) {
    for (size_t i = 0; i < countof(GLOBALS); i++)
        if (str_eq(name, str_of(GLOBALS[i].name)))
            return (jv){.kind = JV_BUILTIN, .p = &GLOBALS[i]};
    return (jv){.kind = JV_MISSING};
}

// --- Calling -------------------------------------------------------------------------------------

static jv call_joined(jrun *r, jv callee) {
    (void)r;
    return callee.turns->at++ ? callee.turns->sep : jv_view(STR(""));
}

static jv call_undefined(jrun *r, jv callee) {
    str name = jv_text(callee);
    if (callee.sub == JV_HINT) return jr_type(r, "%.*s", STR_ARG(name));
    if (callee.sub == JV_UNSAFE)
        return jr_type(r, "'%.*s' of a %s would change it: the sandbox forbids that", STR_ARG(name),
                       jv_type_name((jv){.kind = callee.of}));
    if (callee.sub == JV_ATTR)
        return jr_type(r, "a %s has no attribute '%.*s'", jv_type_name((jv){.kind = callee.of}),
                       STR_ARG(name));
    return jr_type(r, "'%.*s' is undefined", STR_ARG(name));
}

jv jinja_call(jrun *r, jv callee, const jargs *args) {
    jv v = {.kind = JV_UNDEF};
    if (!jr_enter(r)) {
        jr_leave(r);
        return v;
    }
    switch (callee.kind) {
    case JV_MACRO:
        v = jinja_call_macro(r, callee, args);
        break;
    case JV_LOOP:
        v = jinja_call_loop(r, callee, args);
        break;
    case JV_BUILTIN:
        v = jinja_call_row(r, callee.p, jv_none(), args);
        break;
    case JV_METHOD:
        v = jinja_call_row(r, callee.bound->method, callee.bound->self, args);
        break;
    case JV_JOINER:
        v = call_joined(r, callee);
        break;
    case JV_UNDEF:
        v = call_undefined(r, callee);
        break;
    default:
        v = jr_type(r, "%s is not callable", jv_type_name(callee));
    }
    jr_leave(r);
    return v;
}
