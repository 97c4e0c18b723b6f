// The table of methods, and those of lists, dicts, ranges, cyclers, loops.

#include "jinja/method.h"
#include "jinja/run.h"

static jv list_index(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    uint32_t n;
    const jv *items = jv_each(r, &n, self);
    int64_t from = jinja_int_arg(r, a[1], 0, "a start"), to = jinja_int_arg(r, a[2], n, "an end");
    if (from < 0) from = from < -(int64_t)n ? 0 : from + n;
    if (to < 0) to += n;
    for (int64_t i = from; items && i < to && i < n && jr_charge(r, 1); i++)
        if (jv_equal(r, items[i], a[0])) return jv_int(i);
    return jr_type(r, "the value is not in the %s", jv_type_name(self));
}

static jv list_count(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    uint32_t n;
    int64_t found = 0;
    const jv *items = jv_each(r, &n, self);
    for (uint32_t i = 0; items && i < n && jr_charge(r, 1); i++)
        found += jv_equal(r, items[i], a[0]);
    return jv_int(found);
}

static jv same(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)r;
    (void)a;
    (void)args;
    return self;
}

static jv dict_get(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    uint64_t hash;
    if (!jv_hashable(r, a[0], &hash))
        return jr_type(r, "a %s cannot be a key of a dict", jv_type_name(a[0]));
    const jv *v = jv_dict_get(r, self.dict, a[0]);
    return v ? *v : a[1].kind == JV_MISSING ? jv_none() : a[1];
}

static jv view(jv self, jv_of what) {
    return (jv){.kind = JV_VIEW, .sub = (uint8_t)what, .n = self.n, .dict = self.dict};
}
static jv dict_keys(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)r;
    (void)a;
    (void)args;
    return view(self, JV_KEYS);
}
static jv dict_values(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)r;
    (void)a;
    (void)args;
    return view(self, JV_VALUES);
}
static jv dict_items(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)r;
    (void)a;
    (void)args;
    return view(self, JV_ITEMS);
}

static jv cycler_next(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)r;
    (void)a;
    (void)args;
    jv_turns *t = self.turns;
    jv v = t->items[t->at];
    t->at = (t->at + 1) % t->n;
    return v;
}
static jv cycler_reset(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)r;
    (void)a;
    (void)args;
    self.turns->at = 0;
    return jv_none();
}

static jv loop_cycle(jrun *r, jv self, const jv *a, const jargs *args) {
    const jloop *l = self.p;
    if (!args->n_plain) return jr_type(r, "loop.cycle() wants at least one item");
    return a[l->index0 % args->n_plain];
}

static jv loop_changed(jrun *r, jv self, const jv *a, const jargs *args) {
    jloop *l = self.state;
    jv now = jv_items(JV_TUPLE, a, args->n_plain);
    if (l->changed.kind == JV_TUPLE && jv_equal(r, l->changed, now)) return jv_bool(false);
    l->changed = now;
    return jv_bool(true);
}

static jv not_here(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)a;
    (void)args;
    return jr_fail(r, E_UNSUPPORTED, "this method of a %s is not supported", jv_type_name(self));
}

enum {
    S = 1u << JV_STR,
    L = 1u << JV_LIST,
    T = 1u << JV_TUPLE,
    D = 1u << JV_DICT,
    R = 1u << JV_RANGE,
    C = 1u << JV_CYCLER,
    O = 1u << JV_LOOP,
    N = 1u << JV_INT | 1u << JV_BOOL,
    F = 1u << JV_FLOAT,
};

// Rows of one name stand together.
static const jinja_row METHODS[] = {
    {"append", NULL, "", 0, L},
    {"as_integer_ratio", not_here, NULL, 0, N | F},
    {"bit_count", not_here, NULL, 0, N},
    {"bit_length", not_here, NULL, 0, N},
    {"capitalize", method_capitalize, "", 0, S},
    {"casefold", method_casefold, "", 0, S},
    {"center", method_center, "/width,fillchar", 1, S},
    {"changed", loop_changed, NULL, 0, O},
    {"clear", NULL, "", 0, L | D},
    {"conjugate", not_here, NULL, 0, N | F},
    {"copy", same, "", 0, L | D},
    {"count", method_str_count, "/sub,start,end", 1, S},
    {"count", list_count, "/value", 1, L | T | R},
    {"cycle", loop_cycle, NULL, 0, O},
    {"encode", not_here, NULL, 0, S},
    {"endswith", method_endswith, "/suffix,start,end", 1, S},
    {"expandtabs", method_expandtabs, "tabsize", 0, S},
    {"extend", NULL, "", 0, L},
    {"find", method_find, "/sub,start,end", 1, S},
    {"format", method_format, NULL, 0, S},
    {"format_map", method_format_map, "/mapping", 1, S},
    {"fromkeys", not_here, NULL, 0, D},
    {"get", dict_get, "/key,default", 1, D},
    {"hex", not_here, NULL, 0, F},
    {"index", method_str_index, "/sub,start,end", 1, S},
    {"index", list_index, "/value,start,stop", 1, L | T | R},
    {"insert", NULL, "", 0, L},
    {"is_integer", not_here, NULL, 0, N | F},
    {"isalnum", method_isalnum, "", 0, S},
    {"isalpha", method_isalpha, "", 0, S},
    {"isascii", method_isascii, "", 0, S},
    {"isdecimal", method_isdecimal, "", 0, S},
    {"isdigit", method_isdigit, "", 0, S},
    {"isidentifier", not_here, NULL, 0, S},
    {"islower", method_islower, "", 0, S},
    {"isnumeric", method_isnumeric, "", 0, S},
    {"isprintable", method_isprintable, "", 0, S},
    {"isspace", method_isspace, "", 0, S},
    {"istitle", method_istitle, "", 0, S},
    {"isupper", method_isupper, "", 0, S},
    {"items", dict_items, "", 0, D},
    {"join", method_join, "/iterable", 1, S},
    {"keys", dict_keys, "", 0, D},
    {"ljust", method_ljust, "/width,fillchar", 1, S},
    {"lower", method_lower, "", 0, S},
    {"lstrip", method_lstrip, "/chars", 0, S},
    {"maketrans", not_here, NULL, 0, S},
    {"next", cycler_next, "", 0, C},
    {"partition", method_partition, "/sep", 1, S},
    {"pop", NULL, "", 0, L | D},
    {"popitem", NULL, "", 0, D},
    {"remove", NULL, "", 0, L},
    {"removeprefix", method_removeprefix, "/prefix", 1, S},
    {"removesuffix", method_removesuffix, "/suffix", 1, S},
    {"replace", method_replace, "/old,new,count", 2, S},
    {"reset", cycler_reset, "", 0, C},
    {"reverse", NULL, "", 0, L},
    {"rfind", method_rfind, "/sub,start,end", 1, S},
    {"rindex", method_rindex, "/sub,start,end", 1, S},
    {"rjust", method_rjust, "/width,fillchar", 1, S},
    {"rpartition", method_rpartition, "/sep", 1, S},
    {"rsplit", method_rsplit, "sep,maxsplit", 0, S},
    {"rstrip", method_rstrip, "/chars", 0, S},
    {"setdefault", NULL, "", 0, D},
    {"sort", NULL, "", 0, L},
    {"split", method_split, "sep,maxsplit", 0, S},
    {"splitlines", method_splitlines, "keepends", 0, S},
    {"startswith", method_startswith, "/prefix,start,end", 1, S},
    {"strip", method_strip, "/chars", 0, S},
    {"swapcase", method_swapcase, "", 0, S},
    {"title", method_title, "", 0, S},
    {"to_bytes", not_here, NULL, 0, N},
    {"translate", not_here, NULL, 0, S},
    {"update", NULL, "", 0, D},
    {"upper", method_upper, "", 0, S},
    {"values", dict_values, "", 0, D},
    {"zfill", method_zfill, "/width", 1, S},
};

const jinja_row *jinja_method_named(str name) {
    size_t lo = 0, n = countof(METHODS);
    while (n) {
        size_t half = n / 2;
        if (str_cmp(str_of(METHODS[lo + half].name), name) < 0) {
            lo += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    bool found = lo < countof(METHODS) && str_eq(str_of(METHODS[lo].name), name);
    return found ? &METHODS[lo] : NULL;
}

const jinja_row *jinja_method_of(const jinja_row *first, jv_kind kind) {
    for (const jinja_row *m = first; m < METHODS + countof(METHODS); m++) {
        if (m != first && strcmp(m->name, first->name) != 0) break;
        if (m->kinds & 1u << kind) return m;
    }
    return NULL;
}
