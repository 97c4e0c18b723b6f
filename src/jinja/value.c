// Values: making them, and what Python's operators ask of them.
//
//   I1  a value never changes, but for iterators, namespaces, cyclers and joiners
//   I2  after a failure every function returns at once, with something harmless
//   I3  recursion goes through jr_enter; work that has no other bound through jr_charge

#include "jinja/value.h"

#include "base/utf8.h"
#include "jinja/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

enum { SMALL_DICT = 8, ROOM_MIN = 4096 };

// --- Failing, work, memory -----------------------------------------------------------------------

jv jr_fail(jrun *r, status code, const char *fmt, ...) {
    if (r->code) return (jv){.kind = JV_UNDEF};
    char msg[300];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    r->code = err_set(r->e, code, "line %u of the template: %s", r->line, msg);
    return (jv){.kind = JV_UNDEF};
}

jv jr_type(jrun *r, const char *fmt, ...) {
    if (r->code) return (jv){.kind = JV_UNDEF};
    char msg[300];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof msg, fmt, ap);
    va_end(ap);
    return jr_fail(r, E_FORMAT, "%s", msg);
}

bool jr_charge(jrun *r, size_t units) {
    r->steps += units;
    if (r->steps > JINJA_STEPS_MAX && !r->code)
        jr_fail(r, E_LIMIT, "over %d steps of work", JINJA_STEPS_MAX);
    return !r->code;
}

static bool fits(jrun *r, size_t bytes) {
    size_t used = r->mem->used - r->floor;
    if (!r->code && bytes <= JINJA_MEMORY_MAX && used <= JINJA_MEMORY_MAX - bytes) return true;
    jr_fail(r, E_LIMIT, "over %d MiB of memory", JINJA_MEMORY_MAX >> 20);
    return false;
}

void *jr_alloc(jrun *r, size_t n, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes)) bytes = SIZE_MAX;
    if (!fits(r, bytes)) return NULL;
    jr_charge(r, bytes / 1024);
    void *p = arena_try(r->mem, bytes);
    if (!p) jr_fail(r, E_LIMIT, "the memory that was given is used up");
    return p;
}

bool jr_enter(jrun *r) {
    if (++r->depth <= JINJA_NESTED_MAX) return !r->code;
    jr_fail(r, E_LIMIT, "over %d levels of calls and blocks", JINJA_NESTED_MAX);
    return false;
}

void jr_leave(jrun *r) {
    r->depth--;
}

// --- Making --------------------------------------------------------------------------------------

jv jv_undef(jv_why why, jv_kind of, str name) {
    return (jv){.kind = JV_UNDEF,
                .sub = (uint8_t)why,
                .of = (uint8_t)of,
                .n = (uint32_t)name.len,
                .s = name.ptr};
}

jv jv_hint(const char *hint) {
    return jv_undef(JV_HINT, JV_NONE, str_of(hint));
}

jv jv_items(jv_kind kind, const jv *items, size_t n) {
    return (jv){.kind = (uint8_t)kind, .n = (uint32_t)n, .items = items};
}

jv jv_iterate(jrun *r, const jv *items, size_t n, int sub) {
    jv_iter *it = jr_alloc(r, 1, sizeof *it);
    if (!it) return (jv){.kind = JV_UNDEF};
    *it = (jv_iter){items, (uint32_t)n, 0};
    return (jv){.kind = JV_ITER, .sub = (uint8_t)sub, .iter = it};
}

char *jv_room(jrun *r, size_t n) {
    if (!r->room || n > (size_t)(r->room_end - r->room)) {
        size_t cap = max_size(n, min_size(2 * n, n + (1 << 20)));
        if (cap < ROOM_MIN) cap = ROOM_MIN;
        char *p = jr_alloc(r, cap, 1);
        if (!p) return NULL;
        r->room = p;
        r->room_end = p + cap;
    }
    char *p = r->room;
    r->room += n;
    return p;
}

jv jv_copy(jrun *r, str s) {
    char *p = jv_room(r, s.len);
    if (!p) return jv_view((str){0});
    if (s.len) memcpy(p, s.ptr, s.len);
    return jv_view((str){p, s.len});
}

jv jv_concat(jrun *r, str a, str b) {
    bool is_last = a.len && a.ptr + a.len == r->room && b.len <= (size_t)(r->room_end - r->room);
    jr_charge(r, (is_last ? b.len : a.len + b.len) / 64);
    if (is_last) {
        if (b.len) memmove(r->room, b.ptr, b.len);
        r->room += b.len;
        return jv_view((str){a.ptr, a.len + b.len});
    }
    size_t n = a.len + b.len;
    char *p = jv_room(r, n);
    if (!p) return jv_view((str){0});
    if (a.len) memcpy(p, a.ptr, a.len);
    if (b.len) memcpy(p + a.len, b.ptr, b.len);
    return jv_view((str){p, n});
}

void jv_buf(jrun *r, buf *b, size_t cap) {
    buf_init(b, r->mem, cap);
    size_t used = r->mem->used - r->floor;
    b->limit = used < JINJA_MEMORY_MAX ? JINJA_MEMORY_MAX - used + cap : cap;
}

jv jv_from_buf(jrun *r, const buf *b) {
    if (b->failed) return jr_fail(r, E_LIMIT, "over %d MiB of memory", JINJA_MEMORY_MAX >> 20);
    return jv_view(buf_str(b));
}

static uint64_t mix(uint64_t a, uint64_t b) {
    uint64_t x = (a ^ b) * 0x9E3779B97F4A7C15u;
    return x ^ (x >> 29);
}

bool jv_hashable(jrun *r, jv v, uint64_t *hash) {
    int64_t i;
    if (v.kind == JV_STR) {
        jr_charge(r, v.n / 256);
        *hash = str_hash(jv_text(v), 0);
    } else if (jv_is_integer(&i, v)) {
        *hash = mix((uint64_t)i, 1);
    } else if (v.kind == JV_FLOAT) {
        bool is_whole = v.f >= -0x1p62 && v.f <= 0x1p62 && v.f == floor(v.f);
        uint64_t bits;
        memcpy(&bits, &v.f, sizeof bits);
        *hash = is_whole ? mix((uint64_t)(int64_t)v.f, 1) : mix(bits, 2);
    } else if (v.kind == JV_TUPLE) {
        *hash = 3;
        if (!jr_enter(r)) return false;
        uint64_t h;
        for (uint32_t k = 0; k < v.n && jr_charge(r, 1); k++) {
            if (!jv_hashable(r, v.items[k], &h)) return jr_leave(r), false;
            *hash = mix(*hash, h);
        }
        jr_leave(r);
    } else if (v.kind == JV_LIST || v.kind == JV_DICT) {
        return false;
    } else if (v.kind == JV_NONE || v.kind == JV_UNDEF) {
        *hash = v.kind;
    } else {
        *hash = mix((uint64_t)(uintptr_t)v.p, v.kind);
    }
    return !r->code;
}

static uint32_t *find_slot(jrun *r, const jv_dict *d, jv key, uint64_t hash) {
    for (uint32_t i = (uint32_t)hash & d->mask;; i = (i + 1) & d->mask) {
        uint32_t at = d->index[i];
        if (!at || (jr_charge(r, 1), jv_equal(r, d->pairs[at - 1].key, key)) || r->code)
            return &d->index[i];
    }
}

const jv *jv_dict_get(jrun *r, const jv_dict *d, jv key) {
    if (key.kind == JV_STR && !d->index) return jv_dict_str(d, jv_text(key));
    uint64_t hash;
    if (d->index) {
        if (!jv_hashable(r, key, &hash)) return NULL;
        uint32_t at = *find_slot(r, d, key, hash);
        return at && !r->code ? &d->pairs[at - 1].value : NULL;
    }
    for (uint32_t i = 0; i < d->n; i++)
        if (jv_equal(r, d->pairs[i].key, key)) return &d->pairs[i].value;
    return NULL;
}

const jv *jv_dict_str(const jv_dict *d, str key) {
    if (d->index) {
        uint64_t hash = str_hash(key, 0);
        for (uint32_t i = (uint32_t)hash & d->mask, at; (at = d->index[i]); i = (i + 1) & d->mask) {
            const jv_pair *p = &d->pairs[at - 1];
            if (p->key.kind == JV_STR && str_eq(jv_text(p->key), key)) return &p->value;
        }
        return NULL;
    }
    for (uint32_t i = 0; i < d->n; i++) {
        const jv_pair *p = &d->pairs[i];
        if (p->key.kind == JV_STR && str_eq(jv_text(p->key), key)) return &p->value;
    }
    return NULL;
}

jv jv_make_dict(jrun *r, jv_pair *pairs, size_t n) {
    jv_dict *d = jr_alloc(r, 1, sizeof *d);
    if (!d) return (jv){.kind = JV_UNDEF};
    d->pairs = pairs;
    if (n > SMALL_DICT) {
        uint32_t cap = 16;
        while (cap < 2 * n)
            cap *= 2;
        d->index = jr_alloc(r, cap, sizeof *d->index);
        d->mask = cap - 1;
        if (!d->index) return (jv){.kind = JV_UNDEF};
    }
    for (size_t i = 0; i < n && jr_charge(r, 1); i++) {
        uint64_t hash;
        if (!jv_hashable(r, pairs[i].key, &hash))
            return jr_type(r, "a %s cannot be a key of a dict", jv_type_name(pairs[i].key));
        uint32_t *at = d->index ? find_slot(r, d, pairs[i].key, hash) : NULL;
        jv *old = d->index ? (*at ? &d->pairs[*at - 1].value : NULL)
                           : (jv *)jv_dict_get(r, d, pairs[i].key);
        if (old) {
            *old = pairs[i].value;
            continue;
        }
        d->pairs[d->n++] = pairs[i];
        if (at) *at = d->n;
    }
    return (jv){.kind = JV_DICT, .n = d->n, .dict = d};
}

static jv from_object(jrun *r, const json_value *v) {
    jv_pair *pairs = jr_alloc(r, v->n, sizeof *pairs);
    if (!pairs) return (jv){.kind = JV_UNDEF};
    for (uint32_t i = 0; i < v->n; i++)
        pairs[i] = (jv_pair){jv_view(v->items[i].key), jv_from_json(r, &v->items[i])};
    return jv_make_dict(r, pairs, v->n);
}

jv jv_from_json(jrun *r, const json_value *v) {
    jv *items;
    switch (v->kind) {
    case JSON_NULL:
        return jv_none();
    case JSON_BOOL:
        return jv_bool(v->boolean);
    case JSON_NUMBER:
        return v->is_integer ? jv_int(v->integer) : jv_float(v->number);
    case JSON_STRING:
        if (v->string.len > JINJA_MEMORY_MAX)
            return jr_fail(r, E_LIMIT, "a text of %zu bytes", v->string.len);
        return jv_view(v->string);
    case JSON_ARRAY:
        items = jr_alloc(r, v->n, sizeof *items);
        for (uint32_t i = 0; items && i < v->n; i++)
            items[i] = jv_from_json(r, &v->items[i]);
        return jv_items(JV_LIST, items, items ? v->n : 0);
    case JSON_OBJECT:
        return from_object(r, v);
    }
    return jv_none();
}

// --- Asking --------------------------------------------------------------------------------------

const char *jv_type_name(jv v) {
    static const char *const names[JV_KINDS] = {
        "Undefined",   "Undefined", "NoneType", "bool",      "int",    "float",     "str",
        "list",        "tuple",     "dict",     "dict view", "range",  "generator", "Namespace",
        "LoopContext", "Macro",     "function", "method",    "Cycler", "Joiner",
    };
    return names[v.kind];
}

size_t jv_chars(str s) {
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((uint8_t)s.ptr[i] & 0xC0) != 0x80;
    return n;
}

bool jv_len(int64_t *out, jv v) {
    switch (v.kind) {
    case JV_STR:
        *out = (int64_t)jv_chars(jv_text(v));
        return true;
    case JV_LIST:
    case JV_TUPLE:
    case JV_DICT:
    case JV_VIEW:
    case JV_RANGE:
        *out = v.n;
        return true;
    case JV_UNDEF:
    case JV_MISSING:
        *out = 0;
        return true;
    default:
        return false;
    }
}

bool jv_truth(jrun *r, jv v) {
    (void)r;
    switch (v.kind) {
    case JV_MISSING:
    case JV_UNDEF:
    case JV_NONE:
        return false;
    case JV_BOOL:
        return v.b;
    case JV_INT:
        return v.i != 0;
    case JV_FLOAT:
        return v.f != 0;
    case JV_STR:
    case JV_LIST:
    case JV_TUPLE:
    case JV_DICT:
    case JV_VIEW:
    case JV_RANGE:
        return v.n != 0;
    default:
        return true;
    }
}

bool jv_is_integer(int64_t *out, jv v) {
    if (v.kind != JV_INT && v.kind != JV_BOOL) return false;
    *out = v.kind == JV_INT ? v.i : v.b;
    return true;
}

bool jv_is_number(jv v) {
    return v.kind == JV_BOOL || v.kind == JV_INT || v.kind == JV_FLOAT;
}

double jv_as_float(jv v) {
    return v.kind == JV_FLOAT ? v.f : v.kind == JV_INT ? (double)v.i : (double)v.b;
}

// Exact also where a double cannot hold the integer.
static int compare_numbers(jv a, jv b) {
    int64_t i = 0, k;
    if (jv_is_integer(&i, a) && jv_is_integer(&k, b)) return (i > k) - (i < k);
    if (a.kind == JV_FLOAT && b.kind == JV_FLOAT) {
        if (isnan(a.f) || isnan(b.f)) return JV_UNORDERED;
        return (a.f > b.f) - (a.f < b.f);
    }
    if (a.kind == JV_FLOAT) {
        int c = compare_numbers(b, a);
        return c == JV_UNORDERED ? c : -c;
    }
    jv_is_integer(&i, a);
    if (isnan(b.f)) return JV_UNORDERED;
    if (b.f >= 0x1p63) return -1;
    if (b.f < -0x1p63) return 1;
    int64_t whole = (int64_t)b.f;  // towards zero
    if (i != whole) return i > whole ? 1 : -1;
    double more = b.f - (double)whole;
    return (more < 0) - (more > 0);
}

static bool equal_items(jrun *r, jv a, jv b) {
    if (a.n != b.n) return false;
    if (a.items == b.items) return true;
    bool same = jr_enter(r);
    for (uint32_t i = 0; i < a.n && same && jr_charge(r, 1); i++)
        same = jv_equal(r, a.items[i], b.items[i]);
    jr_leave(r);
    return same;
}

static bool equal_dicts(jrun *r, jv a, jv b) {
    if (a.n != b.n) return false;
    if (a.dict == b.dict) return true;
    bool same = jr_enter(r);
    for (uint32_t i = 0; i < a.n && same && jr_charge(r, 1); i++) {
        const jv *other = jv_dict_get(r, b.dict, a.dict->pairs[i].key);
        same = other && jv_equal(r, a.dict->pairs[i].value, *other);
    }
    jr_leave(r);
    return same;
}

static int64_t span_at(const jv_span *s, uint32_t i) {
    return s->start + s->step * (int64_t)i;
}

bool jv_equal(jrun *r, jv a, jv b) {
    if (r->code) return false;
    if (jv_is_number(a) && jv_is_number(b)) return compare_numbers(a, b) == 0;
    if (a.kind != b.kind)
        return (a.kind == JV_UNDEF || a.kind == JV_MISSING) &&
               (b.kind == JV_UNDEF || b.kind == JV_MISSING);
    switch (a.kind) {
    case JV_STR:
        jr_charge(r, a.n / 64);
        return str_eq(jv_text(a), jv_text(b));
    case JV_LIST:
    case JV_TUPLE:
        return equal_items(r, a, b);
    case JV_DICT:
        return equal_dicts(r, a, b);
    case JV_NONE:
    case JV_UNDEF:
    case JV_MISSING:
        return true;
    case JV_RANGE:
        return a.n == b.n && (!a.n || (a.span->start == b.span->start &&
                                       (a.n == 1 || a.span->step == b.span->step)));
    default:
        return a.p == b.p;
    }
}

int jv_compare(jrun *r, jv a, jv b, const char *op) {
    if (r->code) return 0;
    if (jv_is_number(a) && jv_is_number(b)) return compare_numbers(a, b);
    if (a.kind == JV_STR && b.kind == JV_STR) {
        jr_charge(r, min_size(a.n, b.n) / 64);
        int by_bytes = str_cmp(jv_text(a), jv_text(b));
        return (by_bytes > 0) - (by_bytes < 0);
    }
    if (a.kind != b.kind || (a.kind != JV_LIST && a.kind != JV_TUPLE)) {
        if (a.kind == JV_UNDEF || b.kind == JV_UNDEF)
            jr_type(r, "'%s' with an undefined value", op);
        else
            jr_type(r, "'%s' is not supported between %s and %s", op, jv_type_name(a),
                    jv_type_name(b));
        return 0;
    }
    int c = 0;
    bool ok = jr_enter(r);
    for (uint32_t i = 0; ok && i < a.n && i < b.n && !c && jr_charge(r, 1); i++)
        if (!jv_equal(r, a.items[i], b.items[i])) c = jv_compare(r, a.items[i], b.items[i], op);
    jr_leave(r);
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

bool jv_contains(jrun *r, jv in, jv item) {
    uint64_t hash;
    uint32_t n;
    if (in.kind == JV_STR) {
        if (item.kind != JV_STR)
            return jr_type(r, "'in' a str wants a str, not %s", jv_type_name(item)), false;
        jr_charge(r, in.n / 64);
        return item.n == 0 || str_find(jv_text(in), jv_text(item)) < in.n;
    }
    if (in.kind == JV_DICT || (in.kind == JV_VIEW && in.sub == JV_KEYS)) {
        if (!jv_hashable(r, item, &hash))
            return jr_type(r, "a %s cannot be a key of a dict", jv_type_name(item)), false;
        return jv_dict_get(r, in.dict, item) != NULL;
    }
    const jv *items = jv_each(r, &n, in);
    for (uint32_t i = 0; items && i < n && jr_charge(r, 1); i++)
        if (jv_equal(r, items[i], item)) return true;
    return false;
}

bool jv_iterable(jv v) {
    return v.kind == JV_UNDEF || v.kind == JV_MISSING || (v.kind >= JV_STR && v.kind <= JV_ITER) ||
           v.kind == JV_LOOP;
}

// Plain ones: Python's iterator of a str knows nothing of Markup.
static const jv *chars_of(jrun *r, uint32_t *n, jv v) {
    *n = (uint32_t)jv_chars(jv_text(v));
    jv *items = jr_alloc(r, *n, sizeof *items);
    str s = jv_text(v);
    for (uint32_t i = 0; items && i < *n; i++) {
        size_t len = text_first_len(s);
        items[i] = jv_view(str_first(s, len));
        s = str_skip(s, len);
    }
    return items;
}

static const jv *view_of(jrun *r, jv v, jv_of what) {
    jv *items = jr_alloc(r, v.n, sizeof *items);
    jv *both = items && what == JV_ITEMS ? jr_alloc(r, v.n, 2 * sizeof *both) : NULL;
    if (!items || (what == JV_ITEMS && !both)) return NULL;
    for (uint32_t i = 0; i < v.n; i++) {
        const jv_pair *p = &v.dict->pairs[i];
        if (what == JV_ITEMS) {
            both[2 * i] = p->key;
            both[2 * i + 1] = p->value;
            items[i] = jv_items(JV_TUPLE, both + (size_t)2 * i, 2);
        } else {
            items[i] = what == JV_KEYS ? p->key : p->value;
        }
    }
    return items;
}

const jv *jv_each(jrun *r, uint32_t *n, jv v) {
    static const jv none[1];
    *n = v.n;
    switch (v.kind) {
    case JV_UNDEF:
    case JV_MISSING:
        *n = 0;
        return none;
    case JV_STR:
        return chars_of(r, n, v);
    case JV_LIST:
    case JV_TUPLE:
        return v.n ? v.items : none;
    case JV_DICT:
        return view_of(r, v, JV_KEYS);
    case JV_VIEW:
        return view_of(r, v, v.sub);
    case JV_RANGE: {
        jv *items = jr_alloc(r, v.n, sizeof *items);
        for (uint32_t i = 0; items && i < v.n; i++)
            items[i] = jv_int(span_at(v.span, i));
        return items;
    }
    case JV_ITER: {
        const jv *items = v.iter->n ? v.iter->items + v.iter->at : none;
        *n = v.iter->n - v.iter->at;
        v.iter->at = v.iter->n;
        return items;
    }
    default:
        *n = 0;
        jr_type(r, "%s is not iterable", jv_type_name(v));
        return NULL;
    }
}
