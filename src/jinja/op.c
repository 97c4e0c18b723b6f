// Operators, subscripts, attributes: Python's, on the kinds that templates have.

#include "jinja/run.h"
#include "jinja/text.h"

#include <math.h>

static const char *const SPELT[] = {
    "+", "-", "*", "/", "//", "%", "**", "==", "!=", "<", "<=", ">", ">=", "in", "not in"};

static jv overflow(jrun *r) {
    return jr_fail(r, E_LIMIT, "integers have 64 bits");
}

static jv divide_by_zero(jrun *r) {
    return jr_type(r, "division by zero");
}

static jv power(jrun *r, int64_t a, int64_t b) {
    if (b < 0) return a ? jv_float(pow((double)a, (double)b)) : divide_by_zero(r);
    int64_t v = 1;
    while (b) {
        if ((b & 1) && __builtin_mul_overflow(v, a, &v)) return overflow(r);
        b >>= 1;
        if (b && __builtin_mul_overflow(a, a, &a)) return overflow(r);
    }
    return jv_int(v);
}

static jv integers(jrun *r, node_op op, int64_t a, int64_t b) {
    int64_t v = 0;
    bool over = false;
    switch (op) {
    case OP_ADD:
        over = __builtin_add_overflow(a, b, &v);
        break;
    case OP_SUB:
        over = __builtin_sub_overflow(a, b, &v);
        break;
    case OP_MUL:
        over = __builtin_mul_overflow(a, b, &v);
        break;
    case OP_DIV:
        return b ? jv_float((double)((long double)a / (long double)b)) : divide_by_zero(r);
    case OP_FLOOR:
    case OP_MOD:
        if (!b) return divide_by_zero(r);
        if (b == -1) {
            over = op == OP_FLOOR && __builtin_sub_overflow(0, a, &v);
            break;
        }
        v = op == OP_FLOOR ? a / b : a % b;
        if (a % b && (a < 0) != (b < 0)) v += op == OP_FLOOR ? -1 : b;
        break;
    default:
        return power(r, a, b);
    }
    return over ? overflow(r) : jv_int(v);
}

// Python's floor division and modulo of floats: the remainder has the divisor's sign.
static double float_mod(double a, double b) {
    double m = fmod(a, b);
    if (m == 0) return copysign(0, b);
    return (m < 0) != (b < 0) ? m + b : m;
}

static double float_floor(double a, double b) {
    double m = fmod(a, b), d = (a - m) / b;
    if (m != 0 && (b < 0) != (m < 0)) d -= 1;
    if (d == 0) return copysign(0, a / b);
    double whole = floor(d);
    return d - whole > 0.5 ? whole + 1 : whole;
}

static jv floats(jrun *r, node_op op, double a, double b) {
    if (op == OP_ADD) return jv_float(a + b);
    if (op == OP_SUB) return jv_float(a - b);
    if (op == OP_MUL) return jv_float(a * b);
    if (op == OP_POW) {
        double v = pow(a, b);
        if (a == 0 && b < 0) return divide_by_zero(r);
        if (isinf(v) && isfinite(a) && isfinite(b)) return jr_type(r, "result too large");
        if (a < 0 && isfinite(a) && isfinite(b) && b != floor(b))
            return jr_type(r, "complex numbers are not supported");
        return jv_float(v);
    }
    if (b == 0) return divide_by_zero(r);
    if (op == OP_DIV) return jv_float(a / b);
    return jv_float(op == OP_MOD ? float_mod(a, b) : float_floor(a, b));
}

static jv refuse(jrun *r, node_op op, jv a, jv b) {
    if (a.kind == JV_UNDEF || b.kind == JV_UNDEF) {
        jv u = a.kind == JV_UNDEF ? a : b;
        return jr_type(r, "'%.*s' is undefined", STR_ARG(jv_text(u)));
    }
    return jr_type(r, "'%s' is not supported between %s and %s", SPELT[op], jv_type_name(a),
                   jv_type_name(b));
}

static jv add_strings(jrun *r, jv a, jv b) {
    bool is_markup = (a.sub | b.sub) & JV_MARKUP;
    if (is_markup) a = jv_escape(r, a), b = jv_escape(r, b);
    jv v = jv_concat(r, jv_text(a), jv_text(b));
    v.sub = is_markup;
    return v;
}

static jv add_items(jrun *r, jv a, jv b) {
    size_t n = (size_t)a.n + b.n;
    jv *items = jr_alloc(r, n, sizeof *items);
    if (!items) return a;
    if (a.n) memcpy(items, a.items, a.n * sizeof *items);
    if (b.n) memcpy(items + a.n, b.items, b.n * sizeof *items);
    return jv_items(a.kind, items, n);
}

static jv repeat(jrun *r, jv v, int64_t times) {
    if (times < 0) times = 0;
    size_t n, bytes;
    size_t size = v.kind == JV_STR ? 1 : sizeof(jv);
    if (__builtin_mul_overflow((size_t)v.n, (size_t)times, &n) || n > JINJA_MEMORY_MAX ||
        __builtin_mul_overflow(n, size, &bytes) || bytes > JINJA_MEMORY_MAX)
        return jr_fail(r, E_LIMIT, "over %d MiB of memory", JINJA_MEMORY_MAX >> 20);
    if (v.kind == JV_STR) {
        char *p = jv_room(r, n);
        for (size_t at = 0; p && at < n; at += v.n)
            memcpy(p + at, v.s, v.n);
        jv out = jv_view((str){p, p ? n : 0});
        out.sub = v.sub;
        return out;
    }
    jv *items = jr_alloc(r, n, sizeof *items);
    for (size_t at = 0; items && at < n; at += v.n)
        memcpy(items + at, v.items, v.n * sizeof *items);
    return jv_items(v.kind, items, items ? n : 0);
}

static bool is_sequence(jv v) {
    return v.kind == JV_STR || v.kind == JV_LIST || v.kind == JV_TUPLE;
}

jv jinja_binary(jrun *r, node_op op, jv a, jv b) {
    int64_t i, k;
    if (r->code) return a;
    if (jv_is_integer(&i, a) && jv_is_integer(&k, b)) return integers(r, op, i, k);
    if (jv_is_number(a) && jv_is_number(b)) return floats(r, op, jv_as_float(a), jv_as_float(b));
    if (op == OP_ADD && a.kind == JV_STR && b.kind == JV_STR) return add_strings(r, a, b);
    if (op == OP_ADD && a.kind == b.kind && is_sequence(a)) return add_items(r, a, b);
    if (op == OP_MUL && is_sequence(a) && jv_is_integer(&i, b)) return repeat(r, a, i);
    if (op == OP_MUL && is_sequence(b) && jv_is_integer(&i, a)) return repeat(r, b, i);
    if (op == OP_MOD && a.kind == JV_STR) return jinja_percent(r, a, b);
    return refuse(r, op, a, b);
}

jv jinja_negate(jrun *r, jv a, bool minus) {
    int64_t i, v;
    if (r->code) return a;
    if (jv_is_integer(&i, a)) {
        if (!minus) return jv_int(i);
        return __builtin_sub_overflow(0, i, &v) ? overflow(r) : jv_int(v);
    }
    if (a.kind == JV_FLOAT) return jv_float(minus ? -a.f : a.f);
    if (a.kind == JV_UNDEF) return refuse(r, OP_SUB, a, a);
    return jr_type(r, "bad operand type for unary %c: %s", minus ? '-' : '+', jv_type_name(a));
}

bool jinja_is_op_true(jrun *r, node_op op, jv a, jv b) {
    if (r->code) return false;
    if (op == OP_EQ) return jv_equal(r, a, b);
    if (op == OP_NE) return !jv_equal(r, a, b);
    if (op == OP_IN) return jv_contains(r, b, a);
    if (op == OP_NOT_IN) return !jv_contains(r, b, a);
    int c = jv_compare(r, a, b, SPELT[op]);
    if (r->code || c == JV_UNORDERED) return false;
    return op == OP_LT ? c < 0 : op == OP_LE ? c <= 0 : op == OP_GT ? c > 0 : c >= 0;
}

// --- Subscripts ----------------------------------------------------------------------------------

// Where a slice begins and how it steps in a sequence of `len`, as slice.indices; the count.
static int64_t slice_bounds(jrun *r, int64_t len, jv from, jv to, jv by, int64_t *start,
                            int64_t *step) {
    int64_t stop;
    *step = 1;
    bool ok = by.kind == JV_NONE || jv_is_integer(step, by);
    *start = *step < 0 ? len - 1 : 0;
    stop = *step < 0 ? -1 : len;
    bool has_start = from.kind != JV_NONE, has_stop = to.kind != JV_NONE;
    ok =
        ok && (!has_start || jv_is_integer(start, from)) && (!has_stop || jv_is_integer(&stop, to));
    if (!ok) return jr_type(r, "slice indices must be integers or none"), 0;
    if (!*step) return jr_type(r, "a slice's step cannot be zero"), 0;
    int64_t least = *step < 0 ? -1 : 0, most = *step < 0 ? len - 1 : len;
    int64_t *ends[] = {has_start ? start : NULL, has_stop ? &stop : NULL};
    for (int i = 0; i < 2; i++) {
        if (!ends[i]) continue;
        int64_t v = *ends[i];
        if (v < 0) v = v < -len ? -1 - len : v;
        if (v < 0) v += len;
        *ends[i] = v < least ? least : v > most ? most : v;
    }
    if (*step == INT64_MIN) *step = -INT64_MAX;
    if (*step > 0) return stop > *start ? (stop - *start - 1) / *step + 1 : 0;
    return stop < *start ? (*start - stop - 1) / -*step + 1 : 0;
}

static jv slice_str(jrun *r, jv of, int64_t start, int64_t step, int64_t n) {
    str s = jv_text(of);
    jv v;
    jr_charge(r, s.len / 64);
    if (step == 1) {
        size_t from = text_offset(s, (size_t)start);
        str tail = str_skip(s, from);
        v = jv_view(str_first(tail, text_offset(tail, (size_t)n)));
    } else {
        uint32_t len;
        const jv *chars = jv_each(r, &len, of);
        buf b;
        jv_buf(r, &b, 16);
        for (int64_t i = 0; chars && i < n; i++)
            buf_add(&b, jv_text(chars[start + i * step]));
        v = jv_from_buf(r, &b);
    }
    v.sub = of.sub;
    return v;
}

jv jinja_slice(jrun *r, jv of, jv from, jv to, jv by) {
    int64_t len, start, step;
    if (r->code) return of;
    bool has_slices = is_sequence(of) || of.kind == JV_RANGE;
    if (!has_slices) return jr_type(r, "%s cannot be sliced", jv_type_name(of));
    jv_len(&len, of);
    int64_t n = slice_bounds(r, len, from, to, by, &start, &step);
    if (r->code) return of;
    if (of.kind == JV_STR) return slice_str(r, of, n ? start : 0, n ? step : 1, n);
    if (of.kind == JV_RANGE) {
        jv_span *s = jr_alloc(r, 1, sizeof *s);
        if (!s) return of;
        s->step = of.span->step * step;
        s->start = of.span->start + of.span->step * start;
        s->stop = s->start + s->step * n;
        return (jv){.kind = JV_RANGE, .n = (uint32_t)n, .span = s};
    }
    if (step == 1) return jv_items(of.kind, of.items + (n ? start : 0), (size_t)n);
    jv *items = jr_alloc(r, (size_t)n, sizeof *items);
    for (int64_t i = 0; items && i < n; i++)
        items[i] = of.items[start + i * step];
    return jv_items(of.kind, items, items ? (size_t)n : 0);
}

static jv item_at(jrun *r, jv of, int64_t i) {
    int64_t len;
    jv_len(&len, of);
    if (i < 0) i += len;
    if (i < 0 || i >= len) return (jv){.kind = JV_MISSING};
    if (of.kind == JV_STR) return slice_str(r, of, i, 1, 1);
    if (of.kind == JV_RANGE) return jv_int(of.span->start + of.span->step * i);
    return of.items[i];
}

static jv undefined_of(jv of, str name) {
    return jv_undef(JV_ATTR, of.kind, name);
}

static jv fail_undefined(jrun *r, jv of, str name) {
    if (r->code) return of;
    str what = jv_text(of);
    if (of.sub == JV_HINT) return jr_type(r, "%.*s", STR_ARG(what));
    return jr_type(r, "'%.*s' is undefined (its '%.*s' was asked for)", STR_ARG(what),
                   STR_ARG(name));
}

// What is neither a method nor an item.
static jv field_of(jrun *r, jv of, str name) {
    if (of.kind == JV_LOOP) return jinja_loop_attr(r, of, name);
    for (uint32_t i = 0; of.kind == JV_SPACE && i < of.space->n; i++)
        if (str_eq(jv_text(of.space->pairs[i].key), name)) return of.space->pairs[i].value;
    if (of.kind == JV_TUPLE && of.sub == JV_GROUPED && of.n == 2) {
        if (str_eq(name, STR("grouper"))) return of.items[0];
        if (str_eq(name, STR("list"))) return of.items[1];
    }
    if (of.kind == JV_CYCLER && str_eq(name, STR("current"))) return of.turns->items[of.turns->at];
    if (of.kind == JV_RANGE) {
        if (str_eq(name, STR("start"))) return jv_int(of.span->start);
        if (str_eq(name, STR("stop"))) return jv_int(of.span->stop);
        if (str_eq(name, STR("step"))) return jv_int(of.span->step);
    }
    if (jv_is_number(of) && (str_eq(name, STR("real")) || str_eq(name, STR("imag")) ||
                             str_eq(name, STR("numerator")) || str_eq(name, STR("denominator"))))
        return jr_fail(r, E_UNSUPPORTED, "'%.*s' of a number is not supported", STR_ARG(name));
    if (of.kind == JV_MACRO && str_eq(name, STR("name"))) {
        const jmacro *m = of.p;
        return jv_view(m->m->name);
    }
    return (jv){.kind = JV_MISSING};
}

static jv attr_of(jrun *r, jv of, str name, const jinja_row *named) {
    const jinja_row *row = named ? jinja_method_of(named, of.kind) : NULL;
    if ((row && !row->call) || str_starts(name, STR("__")))
        return jv_undef(JV_UNSAFE, of.kind, name);
    if (!row) return field_of(r, of, name);
    jv_bound *b = jr_alloc(r, 1, sizeof *b);
    if (!b) return of;
    *b = (jv_bound){of, row};
    return (jv){.kind = JV_METHOD, .bound = b};
}

jv jinja_attr(jrun *r, jv of, str name, const jinja_row *method) {
    if (of.kind == JV_UNDEF) return fail_undefined(r, of, name);
    bool is_plain = of.kind == JV_DICT && !method && !str_starts(name, STR("__"));
    jv v = is_plain ? (jv){.kind = JV_MISSING} : attr_of(r, of, name, method);
    if (v.kind != JV_MISSING) return v;
    const jv *item = of.kind == JV_DICT ? jv_dict_str(of.dict, name) : NULL;
    return item ? *item : undefined_of(of, name);
}

jv jinja_item(jrun *r, jv of, jv key) {
    int64_t i;
    uint64_t hash;
    if (r->code) return of;
    str name = key.kind == JV_STR ? jv_text(key) : STR("");
    if (of.kind == JV_UNDEF) return fail_undefined(r, of, name);
    if (of.kind == JV_DICT && jv_hashable(r, key, &hash)) {
        const jv *v = jv_dict_get(r, of.dict, key);
        if (v) return *v;
    }
    if ((is_sequence(of) || of.kind == JV_RANGE) && jv_is_integer(&i, key)) {
        jv v = item_at(r, of, i);
        if (v.kind != JV_MISSING) return v;
    }
    if (key.kind == JV_STR) {
        jv v = attr_of(r, of, name, jinja_method_named(name));
        if (v.kind != JV_MISSING) return v;
        return undefined_of(of, name);
    }
    buf b;
    jv_buf(r, &b, 16);
    jv_repr(r, &b, key);
    return undefined_of(of, jv_text(jv_from_buf(r, &b)));
}
