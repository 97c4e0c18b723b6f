// Filters of sequences. What Python gives as a generator is one here too: true, without a length,
// gone through once; but its items are made at once.

#include "jinja/filter.h"

#include <stdlib.h>

bool filter_flag(jrun *r, jv v, bool missing) {
    return v.kind == JV_MISSING ? missing : jv_truth(r, v);
}

// --- Attributes of items -------------------------------------------------------------------------

typedef struct getter {
    jv attribute;  // "a.b.0", a number, or none at all
    jv fallback;   // for what is undefined; or missing
    bool folds;    // strings compare without case
    bool is_list;  // to sort by
} getter;

static jv part_of(jrun *r, jv item, str part) {
    int64_t i;
    if (!jr_charge(r, 1 + part.len / 4)) return jv_none();
    if (text_all(part, TEXT_DIGIT) && str_parse_i64(&i, part))
        return jinja_item(r, item, jv_int(i));
    return jinja_item(r, item, jv_view(part));
}

static jv or_fallback(const getter *g, jv v) {
    return v.kind == JV_UNDEF && g->fallback.kind != JV_MISSING && g->fallback.kind != JV_NONE
               ? g->fallback
               : v;
}

static jv get_path(jrun *r, const getter *g, jv item, str path) {
    bool is_over = false;
    while (!is_over && !r->code) {
        is_over = str_find_byte(path, '.') == path.len;
        item = or_fallback(g, part_of(r, item, str_cut(&path, '.')));
    }
    return item;
}

static jv fold(jrun *r, const getter *g, jv v) {
    return g->folds && v.kind == JV_STR ? method_lower(r, v, NULL, NULL) : v;
}

static jv get(jrun *r, const getter *g, jv item) {
    jv a = g->attribute;
    if (a.kind == JV_STR)
        item = get_path(r, g, item, jv_text(a));
    else if (a.kind != JV_MISSING && a.kind != JV_NONE)
        item = or_fallback(g, jinja_item(r, item, a));
    return fold(r, g, item);
}

// What is sorted by: "a,b" is a list of both. One that is a list compares as such: equal ones are
// then never asked which is less.
static jv get_many(jrun *r, const getter *g, jv item) {
    if (!g->is_list) return get(r, g, item);
    str paths = g->attribute.kind == JV_STR ? jv_text(g->attribute) : STR("");
    if (str_find_byte(paths, ',') == paths.len) {
        jv *key = jr_alloc(r, 1, sizeof *key);
        if (key) *key = get(r, g, item);
        return jv_items(JV_LIST, key, key != NULL);
    }
    uint32_t n = 1, i = 0;
    for (size_t k = 0; k < paths.len; k++)
        n += paths.ptr[k] == ',';
    jv *keys = jr_alloc(r, n, sizeof *keys);
    for (; keys && i < n; i++)
        keys[i] = fold(r, g, get_path(r, g, item, str_cut(&paths, ',')));
    return jv_items(JV_LIST, keys, keys ? n : 0);
}

// --- Sorting -------------------------------------------------------------------------------------

typedef struct sort_item {
    jv key, item;
} sort_item;

// A stable merge sort: comparing may fail, and then all the rest is left as it is.
static void merge_sort(jrun *r, sort_item *a, sort_item *spare, uint32_t n, bool reverse) {
    if (n < 2 || r->code) return;
    uint32_t half = n / 2, i = 0, k = half, at = 0;
    merge_sort(r, a, spare, half, reverse);
    merge_sort(r, a + half, spare, n - half, reverse);
    memcpy(spare, a, n * sizeof *a);
    while (i < half && k < n && jr_charge(r, 1)) {
        // The right one goes first only where it is strictly before.
        bool right = reverse ? jv_compare(r, spare[i].key, spare[k].key, "<") < 0
                             : jv_compare(r, spare[k].key, spare[i].key, "<") < 0;
        a[at++] = right ? spare[k++] : spare[i++];
    }
    if (r->code) return;
    while (i < half)
        a[at++] = spare[i++];
    while (k < n)
        a[at++] = spare[k++];
}

// items sorted by what `g` gets of them.
static sort_item *sorted(jrun *r, const jv *items, uint32_t n, const getter *g, bool reverse) {
    sort_item *a = jr_alloc(r, n, sizeof *a), *spare = jr_alloc(r, n, sizeof *a);
    for (uint32_t i = 0; a && items && i < n && jr_charge(r, 1); i++)
        a[i] = (sort_item){get_many(r, g, items[i]), items[i]};
    if (!a || !spare || !items || r->code) return NULL;
    merge_sort(r, a, spare, n, reverse);
    return r->code ? NULL : a;
}

static jv list_of_sorted(jrun *r, const sort_item *a, uint32_t n) {
    jv *out = a ? jr_alloc(r, n, sizeof *out) : NULL;
    for (uint32_t i = 0; out && i < n; i++)
        out[i] = a[i].item;
    return jv_items(JV_LIST, out, out ? n : 0);
}

// Python's sorted() wants an integer, where filters take any truth.
static bool is_reversed(jrun *r, jv v) {
    int64_t i = 0;
    if (v.kind != JV_MISSING && !jv_is_integer(&i, v))
        jr_type(r, "reverse: a %s is no integer", jv_type_name(v));
    return i != 0;
}

jv filter_sort(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    uint32_t n;
    const jv *items = jv_each(r, &n, self);
    getter g = {.attribute = a[2], .folds = !filter_flag(r, a[1], false), .is_list = true};
    return list_of_sorted(r, sorted(r, items, n, &g, is_reversed(r, a[0])), n);
}

jv filter_dictsort(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    bool by_value = a[1].kind == JV_STR && str_eq(jv_text(a[1]), STR("value"));
    bool by_key = a[1].kind == JV_MISSING || str_eq(jinja_str_arg(r, a[1], "by"), STR("key"));
    if (!by_value && !by_key) return jr_type(r, "dictsort goes by \"key\" or by \"value\"");
    if (self.kind != JV_DICT) return jr_type(r, "dictsort wants a dict");
    uint32_t n;
    const jv *items =
        jv_each(r, &n, (jv){.kind = JV_VIEW, .sub = JV_ITEMS, .n = self.n, .dict = self.dict});
    getter g = {.attribute = jv_int(by_value), .folds = !filter_flag(r, a[0], false)};
    return list_of_sorted(r, sorted(r, items, n, &g, is_reversed(r, a[2])), n);
}

jv filter_groupby(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    uint32_t n, n_groups = 0;
    const jv *items = jv_each(r, &n, self);
    bool folds = !filter_flag(r, a[2], false);
    getter g = {.attribute = a[0], .fallback = a[1], .folds = folds}, plain = g;
    plain.folds = false;
    sort_item *s = sorted(r, items, n, &g, false);
    jv *all = s ? jr_alloc(r, n, sizeof *all) : NULL, *groups = s ? jr_alloc(r, n, sizeof *all) : 0;
    for (uint32_t i = 0, k; all && groups && i < n && jr_charge(r, 1); i = k) {
        for (k = i; k < n && (k == i || jv_equal(r, s[i].key, s[k].key)); k++)
            all[k] = s[k].item;
        jv *two = jr_alloc(r, 2, sizeof *two);
        if (!two) break;
        two[0] = folds ? get(r, &plain, s[i].item) : s[i].key;
        two[1] = jv_items(JV_LIST, all + i, k - i);
        groups[n_groups] = jv_items(JV_TUPLE, two, 2);
        groups[n_groups++].sub = JV_GROUPED;
    }
    return jv_items(JV_LIST, groups, groups ? n_groups : 0);
}

static jv extreme(jrun *r, jv self, const jv *a, bool is_max) {
    uint32_t n;
    const jv *items = jv_each(r, &n, self);
    getter g = {.attribute = a[1], .folds = !filter_flag(r, a[0], false)};
    if (!items || !n) return jv_hint("no aggregated item, the sequence was empty");
    jv best = items[0], key = get(r, &g, best);
    for (uint32_t i = 1; i < n && jr_charge(r, 1); i++) {
        jv k = get(r, &g, items[i]);
        int c = jv_compare(r, k, key, is_max ? ">" : "<");
        if (c == JV_UNORDERED || (is_max ? c <= 0 : c >= 0)) continue;
        best = items[i];
        key = k;
    }
    return best;
}

jv filter_min(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    return extreme(r, self, a, false);
}
jv filter_max(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    return extreme(r, self, a, true);
}

jv filter_unique(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    uint32_t n, n_out = 0;
    const jv *items = jv_each(r, &n, self);
    getter g = {.attribute = a[1], .folds = !filter_flag(r, a[0], false)};
    jv *out = items ? jr_alloc(r, n, sizeof *out) : NULL;
    uint32_t cap = 16;
    while (cap < 2 * (uint64_t)n)
        cap *= 2;
    jv *seen = out ? jr_alloc(r, cap, sizeof *seen) : NULL;
    for (uint32_t i = 0; seen && i < n && jr_charge(r, 1); i++) {
        uint64_t hash;
        jv key = get(r, &g, items[i]);
        if (!jv_hashable(r, key, &hash))
            return jr_type(r, "unique: a %s cannot be hashed", jv_type_name(key));
        uint32_t at = (uint32_t)hash & (cap - 1);
        while (seen[at].kind != JV_MISSING && !jv_equal(r, seen[at], key) && jr_charge(r, 1))
            at = (at + 1) & (cap - 1);
        if (seen[at].kind != JV_MISSING) continue;
        seen[at] = key.kind == JV_MISSING ? jv_hint("") : key;
        out[n_out++] = items[i];
    }
    return jv_iterate(r, out, seen ? n_out : 0, JV_GENERATOR);
}

// --- map, select, reject -------------------------------------------------------------------------

static jv named_arg(const jargs *args, const char *name) {
    for (uint32_t i = 0; i < args->n_named; i++)
        if (str_eq(jv_text(args->named[i].key), str_of(name))) return args->named[i].value;
    return (jv){.kind = JV_MISSING};
}

static jv map_attribute(jrun *r, const jv *items, uint32_t n, const jargs *args) {
    getter g = {.attribute = named_arg(args, "attribute"), .fallback = named_arg(args, "default")};
    if (args->n_named != 1u + (g.fallback.kind != JV_MISSING))
        return jr_type(r, "map() got an argument that it does not know");
    jv *out = jr_alloc(r, n, sizeof *out);
    for (uint32_t i = 0; out && i < n && jr_charge(r, 1); i++)
        out[i] = get(r, &g, items[i]);
    return jv_iterate(r, out, out ? n : 0, JV_GENERATOR);
}

// What a generator of an empty value never notices.
static bool is_nothing(jrun *r, jv v) {
    return !jv_truth(r, v);
}

jv filter_map(jrun *r, jv self, const jv *a, const jargs *args) {
    uint32_t n;
    if (is_nothing(r, self)) return jv_iterate(r, NULL, 0, JV_GENERATOR);
    const jv *items = jv_each(r, &n, self);
    if (!items) return self;
    if (!args->n_plain && named_arg(args, "attribute").kind != JV_MISSING)
        return map_attribute(r, items, n, args);
    if (!args->n_plain) return jr_type(r, "map() wants a filter's name or an attribute");
    str name = jinja_str_arg(r, a[0], "a filter's name");
    const jinja_row *row = jinja_filter_named(name);
    if (!row) return jr_fail(r, E_UNSUPPORTED, "no filter named '%.*s'", STR_ARG(name));
    jargs rest = {a + 1, args->n_plain - 1, args->named, args->n_named};
    jv *out = jr_alloc(r, n, sizeof *out);
    bool ok = jr_enter(r);  // map may be what is mapped
    for (uint32_t i = 0; ok && out && i < n && jr_charge(r, 1); i++)
        out[i] = jinja_call_row(r, row, items[i], &rest);
    jr_leave(r);
    return jv_iterate(r, out, out ? n : 0, JV_GENERATOR);
}

static jv chosen(jrun *r, jv self, const jv *a, const jargs *args, bool by_attr, bool wanted) {
    uint32_t n, n_out = 0;
    if (is_nothing(r, self)) return jv_iterate(r, NULL, 0, JV_GENERATOR);
    const jv *items = jv_each(r, &n, self);
    if (!items) return self;
    if (by_attr && !args->n_plain) return jr_type(r, "an attribute's name is missing");
    getter g = {.attribute = by_attr ? a[0] : (jv){.kind = JV_MISSING}};
    const jinja_row *row = NULL;
    jargs rest = {0};
    if (args->n_plain > by_attr) {
        str name = jinja_str_arg(r, a[by_attr], "a test's name");
        row = jinja_test_named(name);
        if (!row) return jr_fail(r, E_UNSUPPORTED, "no test named '%.*s'", STR_ARG(name));
        rest = (jargs){a + by_attr + 1, args->n_plain - by_attr - 1, args->named, args->n_named};
    }
    jv *out = jr_alloc(r, n, sizeof *out);
    for (uint32_t i = 0; out && i < n && jr_charge(r, 1); i++) {
        jv v = get(r, &g, items[i]);
        if (row) v = jinja_call_row(r, row, v, &rest);
        if (jv_truth(r, v) == wanted) out[n_out++] = items[i];
    }
    return jv_iterate(r, out, out ? n_out : 0, JV_GENERATOR);
}

jv filter_select(jrun *r, jv self, const jv *a, const jargs *args) {
    return chosen(r, self, a, args, false, true);
}
jv filter_reject(jrun *r, jv self, const jv *a, const jargs *args) {
    return chosen(r, self, a, args, false, false);
}
jv filter_selectattr(jrun *r, jv self, const jv *a, const jargs *args) {
    return chosen(r, self, a, args, true, true);
}
jv filter_rejectattr(jrun *r, jv self, const jv *a, const jargs *args) {
    return chosen(r, self, a, args, true, false);
}

// --- Parts ---------------------------------------------------------------------------------------

jv filter_attr(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    str name = jinja_str_arg(r, a[0], "an attribute's name");
    // Attributes only: an item of that name is none.
    if (self.kind == JV_DICT) {
        const jinja_row *m = jinja_method_named(name);
        if (!m || !jinja_method_of(m, JV_DICT)) return jv_undef(JV_ATTR, JV_DICT, name);
    }
    return r->code ? self : jinja_attr(r, self, name, jinja_method_named(name));
}

jv filter_first(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)a;
    (void)args;
    uint32_t n;
    if (self.kind == JV_STR && self.n)
        return jv_view(str_first(jv_text(self), text_first_len(jv_text(self))));
    if (self.kind == JV_ITER && self.iter->at < self.iter->n)
        return self.iter->items[self.iter->at++];
    const jv *items = jv_each(r, &n, self);
    return items && n ? items[0] : jv_hint("no first item, the sequence was empty");
}

jv filter_last(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)a;
    (void)args;
    uint32_t n;
    if (self.kind == JV_STR && self.n) {
        str s = jv_text(self);
        jv v = jv_view(str_skip(s, s.len - text_last_len(s)));
        v.sub = self.sub;
        return v;
    }
    if (self.kind == JV_ITER) return jr_type(r, "a %s is not reversible", jv_type_name(self));
    const jv *items = jv_each(r, &n, self);
    return items && n ? items[n - 1] : jv_hint("no last item, the sequence was empty");
}

jv filter_list(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)a;
    (void)args;
    uint32_t n;
    const jv *items = jv_each(r, &n, self);
    return jv_items(JV_LIST, items, items ? n : 0);
}

jv filter_items(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)a;
    (void)args;
    if (self.kind == JV_UNDEF) return jv_iterate(r, NULL, 0, JV_GENERATOR);
    if (self.kind != JV_DICT) return jr_type(r, "items: a %s is no mapping", jv_type_name(self));
    uint32_t n;
    jv all = {.kind = JV_VIEW, .sub = JV_ITEMS, .n = self.n, .dict = self.dict};
    const jv *items = jv_each(r, &n, all);
    return jv_iterate(r, items, items ? n : 0, JV_GENERATOR);
}

jv filter_reverse(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)a;
    (void)args;
    uint32_t n;
    if (self.kind == JV_STR) return jinja_slice(r, self, jv_none(), jv_none(), jv_int(-1));
    bool is_list = self.kind == JV_ITER;
    const jv *items = jv_each(r, &n, self);
    jv *out = items ? jr_alloc(r, n, sizeof *out) : NULL;
    for (uint32_t i = 0; out && i < n; i++)
        out[i] = items[n - 1 - i];
    n = out ? n : 0;
    return is_list ? jv_items(JV_LIST, out, n) : jv_iterate(r, out, n, JV_REVERSED);
}

jv filter_sum(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    uint32_t n;
    const jv *items = jv_each(r, &n, self);
    getter g = {.attribute = a[0]};
    jv sum = a[1].kind == JV_MISSING ? jv_int(0) : a[1];
    if (sum.kind == JV_STR) return jr_type(r, "sum: strings cannot be summed");
    for (uint32_t i = 0; items && i < n && jr_charge(r, 1); i++)
        sum = jinja_binary(r, OP_ADD, sum, get(r, &g, items[i]));
    return sum;
}

static jv row_of(jrun *r, const jv *items, uint32_t n, uint32_t room, jv fill, uint32_t fills) {
    jv *row = jr_alloc(r, room, sizeof *row);
    for (uint32_t i = 0; row && i < n; i++)
        row[i] = items[i];
    for (uint32_t i = n; row && i < n + fills; i++)
        row[i] = fill;
    return jv_items(JV_LIST, row, row ? n + fills : 0);
}

jv filter_batch(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    uint32_t n, n_out = 0, k;
    const jv *items = jv_each(r, &n, self);
    int64_t size = jinja_int_arg(r, a[0], 1, "batch's size"), most = size > 0 ? size : n;
    bool has_fill = a[1].kind != JV_MISSING && a[1].kind != JV_NONE;
    if (has_fill && size > JINJA_STEPS_MAX)
        return jr_fail(r, E_LIMIT, "batches of over %d", JINJA_STEPS_MAX);
    jv *out = items ? jr_alloc(r, (size_t)n + 1, sizeof *out) : NULL;
    if (out && n && !size) out[n_out++] = jv_items(JV_LIST, NULL, 0);  // Python's begins so
    for (uint32_t i = 0; out && i < n && jr_charge(r, 1); i += k) {
        k = (uint32_t)min_i64(most, n - i);
        uint32_t fills = has_fill && size > k ? (uint32_t)size - k : 0;
        out[n_out++] = row_of(r, items + i, k, k + fills, a[1], fills);
    }
    return jv_iterate(r, out, out ? n_out : 0, JV_GENERATOR);
}

jv filter_slice(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    uint32_t n;
    const jv *items = jv_each(r, &n, self);
    int64_t rows = jinja_int_arg(r, a[0], 1, "slice's count"), at = 0;
    bool has_fill = a[1].kind != JV_MISSING && a[1].kind != JV_NONE;
    if (!rows) return jr_type(r, "slice: division by zero");
    if (rows < 0 || !items) return jv_iterate(r, NULL, 0, JV_GENERATOR);
    if (rows > JINJA_STEPS_MAX) return jr_fail(r, E_LIMIT, "over %d slices", JINJA_STEPS_MAX);
    jv *out = jr_alloc(r, (size_t)rows, sizeof *out);
    int64_t each = n / rows, extra = n % rows;
    for (int64_t i = 0; out && i < rows && jr_charge(r, 1); i++) {
        uint32_t k = (uint32_t)(each + (i < extra)), fills = has_fill && i >= extra;
        out[i] = row_of(r, items + at, k, k + fills, a[1], fills);
        at += k;
    }
    return jv_iterate(r, out, out ? (size_t)rows : 0, JV_GENERATOR);
}
