// Values as text: Python's str() and repr(), json.dumps, HTML escapes.

#include "base/utf8.h"
#include "jinja/text.h"
#include "jinja/value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

// The shortest digits that read back as the same number, laid out as Python's repr does.
void jv_put_float(buf *to, double f) {
    if (!isfinite(f)) {
        buf_add(to, str_of(isnan(f) ? "nan" : f > 0 ? "inf" : "-inf"));
        return;
    }
    char digits[40];
    double back;
    for (int p = 0; p < 17; p++) {
        snprintf(digits, sizeof digits, "%.*e", p, f);
        if (text_parse_float(&back, str_of(digits)) && back == f) break;
    }
    const char *e = strchr(digits, 'e');
    int exponent = 0;
    sscanf(e + 1, "%d", &exponent);
    str sign = {digits, digits[0] == '-'};
    char mantissa[32];
    int n = 0;
    for (const char *p = digits + sign.len; p < e; p++)
        if (*p != '.') mantissa[n++] = *p;
    buf_add(to, sign);
    if (exponent < -4 || exponent >= 16) {
        buf_byte(to, mantissa[0]);
        if (n > 1) buf_byte(to, '.');
        buf_add(to, (str){mantissa + 1, (size_t)n - 1});
        buf_fmt(to, "e%c%02d", exponent < 0 ? '-' : '+', abs(exponent));
        return;
    }
    if (exponent < 0) buf_add(to, STR("0."));
    for (int i = exponent + 1; i < 0; i++)
        buf_byte(to, '0');
    for (int i = 0; i < n || i <= exponent; i++) {
        buf_byte(to, i < n ? mantissa[i] : '0');
        if (i == exponent) buf_byte(to, '.');
    }
    if (exponent >= 0 && n <= exponent + 1) buf_byte(to, '0');
}

static void put_escaped(buf *to, int32_t cp) {
    static const char *const names[] = {['\t'] = "\\t", ['\n'] = "\\n", ['\r'] = "\\r"};
    if ((size_t)cp < countof(names) && names[cp])
        buf_add(to, str_of(names[cp]));
    else if (cp < 0x100)
        buf_fmt(to, "\\x%02x", (unsigned)cp);
    else if (cp < 0x10000)
        buf_fmt(to, "\\u%04x", (unsigned)cp);
    else
        buf_fmt(to, "\\U%08x", (unsigned)cp);
}

void jv_repr_str(buf *to, str s) {
    bool has_single = str_find_byte(s, '\'') < s.len, has_double = str_find_byte(s, '"') < s.len;
    char quote = has_single && !has_double ? '"' : '\'';
    buf_byte(to, quote);
    int32_t cp;
    for (size_t at = 0, n; at < s.len; at += n) {
        str from = str_skip(s, at);
        n = utf8_decode(&cp, from);
        if (cp == quote || cp == '\\') buf_byte(to, '\\');
        if (cp >= 0 && !text_is(cp, TEXT_PRINTABLE))
            put_escaped(to, cp);
        else
            buf_add(to, str_first(from, n));
    }
    buf_byte(to, quote);
}

static void repr_items(jrun *r, buf *to, jv v, const char *open, const char *close) {
    buf_add(to, str_of(open));
    for (uint32_t i = 0; i < v.n && jr_charge(r, 1); i++) {
        if (i) buf_add(to, STR(", "));
        jv_repr(r, to, v.items[i]);
    }
    if (v.kind == JV_TUPLE && v.n == 1) buf_byte(to, ',');
    buf_add(to, str_of(close));
}

static void repr_pairs(jrun *r, buf *to, const jv_pair *pairs, uint32_t n) {
    buf_byte(to, '{');
    for (uint32_t i = 0; i < n && jr_charge(r, 1); i++) {
        if (i) buf_add(to, STR(", "));
        jv_repr(r, to, pairs[i].key);
        buf_add(to, STR(": "));
        jv_repr(r, to, pairs[i].value);
    }
    buf_byte(to, '}');
}

static void repr_view(jrun *r, buf *to, jv v) {
    static const char *const names[] = {"dict_keys(", "dict_values(", "dict_items("};
    uint32_t n;
    const jv *items = jv_each(r, &n, v);
    buf_add(to, str_of(names[v.sub]));
    if (items) repr_items(r, to, jv_items(JV_LIST, items, n), "[", "]");
    buf_byte(to, ')');
}

static void repr_range(buf *to, const jv_span *s) {
    buf_fmt(to, "range(%lld, %lld", (long long)s->start, (long long)s->stop);
    if (s->step != 1) buf_fmt(to, ", %lld", (long long)s->step);
    buf_byte(to, ')');
}

static void repr_deep(jrun *r, buf *to, jv v) {
    switch (v.kind) {
    case JV_LIST:
        repr_items(r, to, v, "[", "]");
        break;
    case JV_TUPLE:
        repr_items(r, to, v, "(", ")");
        break;
    case JV_DICT:
        repr_pairs(r, to, v.dict->pairs, v.n);
        break;
    case JV_VIEW:
        repr_view(r, to, v);
        break;
    case JV_SPACE:
        buf_add(to, STR("<Namespace "));
        repr_pairs(r, to, v.space->pairs, v.space->n);
        buf_byte(to, '>');
        break;
    default:
        // Python shows where it lies in memory.
        jr_fail(r, E_UNSUPPORTED, "a %s has no text", jv_type_name(v));
    }
}

void jv_repr(jrun *r, buf *to, jv v) {
    switch (v.kind) {
    case JV_UNDEF:
    case JV_MISSING:
        buf_add(to, STR("Undefined"));
        return;
    case JV_STR:
        jr_charge(r, v.n / 64);
        if (v.sub & JV_MARKUP) buf_add(to, STR("Markup("));
        jv_repr_str(to, jv_text(v));
        if (v.sub & JV_MARKUP) buf_byte(to, ')');
        return;
    case JV_NONE:
    case JV_BOOL:
    case JV_INT:
    case JV_FLOAT:
        jv_put(r, to, v);
        return;
    case JV_RANGE:
        repr_range(to, v.span);
        return;
    default:
        if (to->failed) jr_fail(r, E_LIMIT, "a text does not fit");
        if (jr_enter(r)) repr_deep(r, to, v);
        jr_leave(r);
    }
}

void jv_put(jrun *r, buf *to, jv v) {
    switch (v.kind) {
    case JV_UNDEF:
    case JV_MISSING:
        return;
    case JV_STR:
        buf_add(to, jv_text(v));
        return;
    case JV_NONE:
        buf_add(to, STR("None"));
        return;
    case JV_BOOL:
        buf_add(to, v.b ? STR("True") : STR("False"));
        return;
    case JV_INT:
        buf_fmt(to, "%lld", (long long)v.i);
        return;
    case JV_FLOAT:
        jv_put_float(to, v.f);
        return;
    default:
        jv_repr(r, to, v);
    }
}

jv jv_str(jrun *r, jv v) {
    if (v.kind == JV_STR) return v;
    if (v.kind == JV_UNDEF || v.kind == JV_MISSING) return jv_view(STR(""));
    buf b;
    jv_buf(r, &b, v.kind >= JV_LIST ? 256 : 32);
    jv_put(r, &b, v);
    return jv_from_buf(r, &b);
}

jv jv_escape(jrun *r, jv v) {
    v = v.kind == JV_STR ? v : jv_str(r, v);
    if (v.sub & JV_MARKUP) return v;
    str s = jv_text(v);
    buf b;
    jv_buf(r, &b, s.len + 16);
    for (size_t i = 0; i < s.len; i++) {
        static const char *const names[] = {
            ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['\''] = "&#39;", ['"'] = "&#34;"};
        uint8_t c = (uint8_t)s.ptr[i];
        if (c < countof(names) && names[c])
            buf_add(&b, str_of(names[c]));
        else
            buf_byte(&b, s.ptr[i]);
    }
    v = jv_from_buf(r, &b);
    v.sub = JV_MARKUP;
    return v;
}

// --- JSON ----------------------------------------------------------------------------------------

static void json_text(buf *to, str s, bool ascii) {
    buf_byte(to, '"');
    int32_t cp;
    for (size_t at = 0, n; at < s.len; at += n) {
        static const char *const names[128] = {
            ['"'] = "\\\"", ['\\'] = "\\\\", ['\n'] = "\\n", ['\r'] = "\\r",
            ['\t'] = "\\t", ['\b'] = "\\b",  ['\f'] = "\\f"};
        size_t plain = at;
        while (plain < s.len && (uint8_t)s.ptr[plain] >= 32 && s.ptr[plain] != '"' &&
               s.ptr[plain] != '\\' && (!ascii || (uint8_t)s.ptr[plain] < 128))
            plain++;
        if ((n = plain - at)) {
            buf_add(to, (str){s.ptr + at, n});
            continue;
        }
        n = utf8_decode(&cp, str_skip(s, at));
        if (cp >= 0 && cp < 128 && names[cp])
            buf_add(to, str_of(names[cp]));
        else if (cp < 0x10000)
            buf_fmt(to, "\\u%04x", (unsigned)cp & 0xFFFF);
        else
            buf_fmt(to, "\\u%04x\\u%04x", 0xD800 + (((unsigned)cp - 0x10000) >> 10),
                    0xDC00 + (((unsigned)cp - 0x10000) & 0x3FF));
    }
    buf_byte(to, '"');
}

static void json_scalar(buf *to, jv v) {
    if (v.kind == JV_NONE)
        buf_add(to, STR("null"));
    else if (v.kind == JV_BOOL)
        buf_add(to, v.b ? STR("true") : STR("false"));
    else if (v.kind == JV_INT)
        buf_fmt(to, "%lld", (long long)v.i);
    else if (isfinite(v.f))
        jv_put_float(to, v.f);
    else
        buf_add(to, str_of(isnan(v.f) ? "NaN" : v.f > 0 ? "Infinity" : "-Infinity"));
}

static void json_line(buf *to, const jv_json *how, int level) {
    if (!how->is_indented) return;
    buf_byte(to, '\n');
    for (int i = 0; i < level; i++)
        buf_add(to, how->indent);
}

static void json_key_of(jrun *r, buf *to, jv key, const jv_json *how) {
    if (key.kind == JV_STR) {
        json_text(to, jv_text(key), how->ascii);
    } else if (key.kind >= JV_NONE && key.kind <= JV_FLOAT) {
        buf_byte(to, '"');
        json_scalar(to, key);
        buf_byte(to, '"');
    } else {
        jr_type(r, "tojson: a key must be a str, a number or none, not %s", jv_type_name(key));
    }
}

typedef struct sorted_keys {
    jrun *r;
    const jv_pair *pairs;
} sorted_keys;

static int by_key(const void *a, const void *b, void *arg) {
    const sorted_keys *k = arg;
    return jv_compare(k->r, k->pairs[*(const uint32_t *)a].key, k->pairs[*(const uint32_t *)b].key,
                      "<");
}

static void json_dict(jrun *r, buf *to, jv v, const jv_json *how, int level) {
    uint32_t *order = how->sort ? jr_alloc(r, v.n, sizeof *order) : NULL;
    for (uint32_t i = 0; order && i < v.n; i++)
        order[i] = i;
    if (order) qsort_r(order, v.n, sizeof *order, by_key, &(sorted_keys){r, v.dict->pairs});
    buf_byte(to, '{');
    for (uint32_t i = 0; i < v.n && jr_charge(r, 1); i++) {
        const jv_pair *p = &v.dict->pairs[order ? order[i] : i];
        if (i) buf_add(to, how->item);
        json_line(to, how, level + 1);
        json_key_of(r, to, p->key, how);
        buf_add(to, how->key);
        jv_to_json(r, to, p->value, how, level + 1);
    }
    if (v.n) json_line(to, how, level);
    buf_byte(to, '}');
}

static void json_array(jrun *r, buf *to, jv v, const jv_json *how, int level) {
    buf_byte(to, '[');
    for (uint32_t i = 0; i < v.n && jr_charge(r, 1); i++) {
        if (i) buf_add(to, how->item);
        json_line(to, how, level + 1);
        jv_to_json(r, to, v.items[i], how, level + 1);
    }
    if (v.n) json_line(to, how, level);
    buf_byte(to, ']');
}

void jv_to_json(jrun *r, buf *to, jv v, const jv_json *how, int level) {
    if (v.kind >= JV_NONE && v.kind <= JV_FLOAT) {
        json_scalar(to, v);
        return;
    }
    if (v.kind == JV_STR) {
        jr_charge(r, v.n / 64);
        json_text(to, jv_text(v), how->ascii);
        return;
    }
    if (v.kind != JV_LIST && v.kind != JV_TUPLE && v.kind != JV_DICT) {
        jr_type(r, "tojson: %s is not JSON serializable", jv_type_name(v));
        return;
    }
    if (to->failed) jr_fail(r, E_LIMIT, "a text does not fit");
    if (jr_enter(r)) {
        if (v.kind == JV_DICT)
            json_dict(r, to, v, how, level);
        else
            json_array(r, to, v, how, level);
    }
    jr_leave(r);
}
