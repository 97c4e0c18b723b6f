// The tables of filters and tests, and the small ones.

#include "jinja/filter.h"
#include "jinja/run.h"

#include <fenv.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define ANY (void)a, (void)args, (void)r

static jv filter_abs(jrun *r, jv self, const jv *a, const jargs *args) {
    ANY;
    int64_t i;
    if (jv_is_integer(&i, self)) return i < 0 ? jinja_negate(r, self, true) : jv_int(i);
    if (self.kind == JV_FLOAT) return jv_float(fabs(self.f));
    return jr_type(r, "abs wants a number, not %s", jv_type_name(self));
}

static jv filter_default(jrun *r, jv self, const jv *a, const jargs *args) {
    ANY;
    bool lacks = self.kind == JV_UNDEF || (filter_flag(r, a[1], false) && !jv_truth(r, self));
    if (!lacks) return self;
    return a[0].kind == JV_MISSING ? jv_view(STR("")) : a[0];
}

static jv filter_length(jrun *r, jv self, const jv *a, const jargs *args) {
    ANY;
    int64_t n;
    if (self.kind == JV_LOOP) return jinja_loop_attr(r, self, STR("length"));
    if (self.kind == JV_STR) jr_charge(r, self.n / 64);
    return jv_len(&n, self) ? jv_int(n) : jr_type(r, "%s has no length", jv_type_name(self));
}

// Half to even, on the number's exact decimals, as Python's round does.
static double round_to(double v, int64_t digits) {
    char tmp[400];
    double out;
    if (!isfinite(v) || digits > 300) return v;
    if (digits < -308) return copysign(0, v);
    if (digits >= 0) {
        snprintf(tmp, sizeof tmp, "%.*f", (int)digits, v);
        return text_parse_float(&out, str_of(tmp)) ? out : v;
    }
    double unit = pow(10, (double)-digits);
    return nearbyint(v / unit) * unit;
}

static jv round_integer(jrun *r, int64_t v, int64_t digits) {
    if (digits >= 0) return jv_int(v);
    if (digits < -18) return jv_int(0);
    int64_t unit = 1, rest, half;
    while (digits++ < 0)
        unit *= 10;
    half = unit / 2;
    rest = v % unit;
    if (rest < 0) rest += unit;
    int64_t down, up;
    if (__builtin_sub_overflow(v, rest, &down)) return jr_fail(r, E_LIMIT, "integers have 64 bits");
    bool is_odd = (down / unit) & 1;
    if (rest < half || (rest == half && !is_odd)) return jv_int(down);
    return __builtin_add_overflow(down, unit, &up) ? jr_fail(r, E_LIMIT, "integers have 64 bits")
                                                   : jv_int(up);
}

static jv filter_round(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    str how = a[1].kind == JV_MISSING ? STR("common") : jinja_str_arg(r, a[1], "round's method");
    int64_t digits = jinja_int_arg(r, a[0], 0, "round's precision"), i;
    bool is_ceil = str_eq(how, STR("ceil")), is_floor = str_eq(how, STR("floor"));
    if (!is_ceil && !is_floor && !str_eq(how, STR("common")))
        return jr_type(r, "round goes by common, ceil or floor");
    if (!jv_is_number(self)) return jr_type(r, "round wants a number, not %s", jv_type_name(self));
    if (!is_ceil && !is_floor) {
        if (jv_is_integer(&i, self)) return round_integer(r, i, digits);
        return jv_float(round_to(self.f, digits));
    }
    jv unit = jinja_binary(r, OP_POW, jv_int(10), jv_int(digits));
    jv scaled = jinja_binary(r, OP_MUL, self, unit);
    double f = jv_as_float(scaled);
    if (r->code) return self;
    if (!isfinite(f) || fabs(f) >= 0x1p63) return jr_fail(r, E_LIMIT, "integers have 64 bits");
    jv whole = scaled.kind == JV_FLOAT ? jv_int((int64_t)(is_ceil ? ceil(f) : floor(f))) : scaled;
    return jinja_binary(r, OP_DIV, whole, unit);
}

static jv filter_random(jrun *r, jv self, const jv *a, const jargs *args) {
    ANY;
    (void)self;
    return jr_fail(r, E_UNSUPPORTED, "random is not supported: a prompt must not change by itself");
}

static const jinja_row FILTERS[] = {
    {"abs", filter_abs, "", 0, 0},
    {"attr", filter_attr, "name", 1, 0},
    {"batch", filter_batch, "linecount,fill_with", 1, 0},
    {"capitalize", filter_capitalize, "", 0, 0},
    {"center", filter_center, "width", 0, 0},
    {"count", filter_length, "", 0, 0},
    {"d", filter_default, "default_value,boolean", 0, 0},
    {"default", filter_default, "default_value,boolean", 0, 0},
    {"dictsort", filter_dictsort, "case_sensitive,by,reverse", 0, 0},
    {"e", filter_escape, "", 0, 0},
    {"escape", filter_escape, "", 0, 0},
    {"filesizeformat", filter_filesizeformat, "binary", 0, 0},
    {"first", filter_first, "", 0, 0},
    {"float", filter_float, "default", 0, 0},
    {"forceescape", filter_forceescape, "", 0, 0},
    {"format", filter_format, NULL, 0, 0},
    {"groupby", filter_groupby, "attribute,default,case_sensitive", 1, 0},
    {"indent", filter_indent, "width,first,blank", 0, 0},
    {"int", filter_int, "default,base", 0, 0},
    {"items", filter_items, "", 0, 0},
    {"join", filter_join, "d,attribute", 0, 0},
    {"last", filter_last, "", 0, 0},
    {"length", filter_length, "", 0, 0},
    {"list", filter_list, "", 0, 0},
    {"lower", filter_lower, "", 0, 0},
    {"map", filter_map, NULL, 0, 0},
    {"max", filter_max, "case_sensitive,attribute", 0, 0},
    {"min", filter_min, "case_sensitive,attribute", 0, 0},
    {"pprint", filter_pprint, "", 0, 0},
    {"random", filter_random, "", 0, 0},
    {"reject", filter_reject, NULL, 0, 0},
    {"rejectattr", filter_rejectattr, NULL, 0, 0},
    {"replace", filter_replace, "old,new,count", 2, 0},
    {"reverse", filter_reverse, "", 0, 0},
    {"round", filter_round, "precision,method", 0, 0},
    {"safe", filter_safe, "", 0, 0},
    {"select", filter_select, NULL, 0, 0},
    {"selectattr", filter_selectattr, NULL, 0, 0},
    {"slice", filter_slice, "slices,fill_with", 1, 0},
    {"sort", filter_sort, "reverse,case_sensitive,attribute", 0, 0},
    {"string", filter_string, "", 0, 0},
    {"striptags", filter_striptags, "", 0, 0},
    {"sum", filter_sum, "attribute,start", 0, 0},
    {"title", filter_title, "", 0, 0},
    {"tojson", filter_tojson, "ensure_ascii,indent,separators,sort_keys", 0, 0},
    {"trim", filter_trim, "chars", 0, 0},
    {"truncate", filter_truncate, "length,killwords,end,leeway", 0, 0},
    {"unique", filter_unique, "case_sensitive,attribute", 0, 0},
    {"upper", filter_upper, "", 0, 0},
    {"urlencode", filter_urlencode, "", 0, 0},
    {"wordcount", filter_wordcount, "", 0, 0},
    {"xmlattr", filter_xmlattr, "autospace", 0, 0},
};

// --- Tests ---------------------------------------------------------------------------------------

#define TEST(name, is_true)                                                                        \
    static jv name(jrun *r, jv self, const jv *a, const jargs *args) {                             \
        ANY;                                                                                       \
        return jv_bool(is_true);                                                                   \
    }

static bool has_remainder(jrun *r, jv self, jv by, int64_t wanted) {
    return jv_equal(r, jinja_binary(r, OP_MOD, self, by), jv_int(wanted));
}

static bool is_same(jv a, jv b) {
    if (a.kind != b.kind) return false;
    switch (a.kind) {
    case JV_NONE:
    case JV_UNDEF:
        return a.kind == JV_NONE;
    case JV_BOOL:
        return a.b == b.b;
    case JV_INT:
        return a.i == b.i;
    case JV_FLOAT:
        return a.f == b.f;
    case JV_STR:
        return a.s == b.s || str_eq(jv_text(a), jv_text(b));
    default:
        return a.p == b.p && a.n == b.n;
    }
}

static bool is_cased(jrun *r, jv self, text_class wanted, text_class other) {
    str s = jinja_text_of(r, self);
    jr_charge(r, s.len / 16);
    return method_all_cased(s, wanted, other);
}

TEST(test_odd, has_remainder(r, self, jv_int(2), 1))
TEST(test_even, has_remainder(r, self, jv_int(2), 0))
TEST(test_divisibleby, has_remainder(r, self, a[0], 0))
TEST(test_defined, self.kind != JV_UNDEF)
TEST(test_undefined, self.kind == JV_UNDEF)
TEST(test_none, self.kind == JV_NONE)
TEST(test_boolean, self.kind == JV_BOOL)
TEST(test_false, self.kind == JV_BOOL && !self.b)
TEST(test_true, self.kind == JV_BOOL && self.b)
TEST(test_integer, self.kind == JV_INT)
TEST(test_float, self.kind == JV_FLOAT)
TEST(test_lower, is_cased(r, self, TEXT_LOWER, TEXT_UPPER))
TEST(test_upper, is_cased(r, self, TEXT_UPPER, TEXT_LOWER))
TEST(test_string, self.kind == JV_STR)
TEST(test_mapping, self.kind == JV_DICT)
TEST(test_number, jv_is_number(self))
TEST(test_sequence, self.kind == JV_UNDEF || self.kind == JV_STR || self.kind == JV_LIST ||
                        self.kind == JV_TUPLE || self.kind == JV_DICT || self.kind == JV_RANGE)
TEST(test_iterable, jv_iterable(self))
TEST(test_callable, self.kind == JV_MACRO || self.kind == JV_BUILTIN || self.kind == JV_METHOD ||
                        self.kind == JV_JOINER || self.kind == JV_LOOP || self.kind == JV_UNDEF)
TEST(test_sameas, is_same(self, a[0]))
TEST(test_escaped, self.kind == JV_STR && (self.sub & JV_MARKUP))
TEST(test_filter, self.kind == JV_STR && jinja_filter_named(jv_text(self)))
TEST(test_test, self.kind == JV_STR && jinja_test_named(jv_text(self)))
TEST(test_in, jv_contains(r, a[0], self))
TEST(test_eq, jinja_is_op_true(r, OP_EQ, self, a[0]))
TEST(test_ne, jinja_is_op_true(r, OP_NE, self, a[0]))
TEST(test_gt, jinja_is_op_true(r, OP_GT, self, a[0]))
TEST(test_ge, jinja_is_op_true(r, OP_GE, self, a[0]))
TEST(test_lt, jinja_is_op_true(r, OP_LT, self, a[0]))
TEST(test_le, jinja_is_op_true(r, OP_LE, self, a[0]))

static const jinja_row TESTS[] = {
    {"!=", test_ne, "other", 1, 0},
    {"<", test_lt, "other", 1, 0},
    {"<=", test_le, "other", 1, 0},
    {"==", test_eq, "other", 1, 0},
    {">", test_gt, "other", 1, 0},
    {">=", test_ge, "other", 1, 0},
    {"boolean", test_boolean, "", 0, 0},
    {"callable", test_callable, "", 0, 0},
    {"defined", test_defined, "", 0, 0},
    {"divisibleby", test_divisibleby, "num", 1, 0},
    {"eq", test_eq, "other", 1, 0},
    {"equalto", test_eq, "other", 1, 0},
    {"escaped", test_escaped, "", 0, 0},
    {"even", test_even, "", 0, 0},
    {"false", test_false, "", 0, 0},
    {"filter", test_filter, "", 0, 0},
    {"float", test_float, "", 0, 0},
    {"ge", test_ge, "other", 1, 0},
    {"greaterthan", test_gt, "other", 1, 0},
    {"gt", test_gt, "other", 1, 0},
    {"in", test_in, "seq", 1, 0},
    {"integer", test_integer, "", 0, 0},
    {"iterable", test_iterable, "", 0, 0},
    {"le", test_le, "other", 1, 0},
    {"lessthan", test_lt, "other", 1, 0},
    {"lower", test_lower, "", 0, 0},
    {"lt", test_lt, "other", 1, 0},
    {"mapping", test_mapping, "", 0, 0},
    {"ne", test_ne, "other", 1, 0},
    {"none", test_none, "", 0, 0},
    {"number", test_number, "", 0, 0},
    {"odd", test_odd, "", 0, 0},
    {"sameas", test_sameas, "other", 1, 0},
    {"sequence", test_sequence, "", 0, 0},
    {"string", test_string, "", 0, 0},
    {"test", test_test, "", 0, 0},
    {"true", test_true, "", 0, 0},
    {"undefined", test_undefined, "", 0, 0},
    {"upper", test_upper, "", 0, 0},
};

static const jinja_row *find(const jinja_row *rows, size_t n, str name) {
    for (size_t i = 0; i < n; i++)
        if (str_eq(str_of(rows[i].name), name)) return &rows[i];
    return NULL;
}

const jinja_row *jinja_filter_named(str name) {
    return find(FILTERS, countof(FILTERS), name);
}
const jinja_row *jinja_test_named(str name) {
    return find(TESTS, countof(TESTS), name);
}
