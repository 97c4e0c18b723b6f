// "%s" % values and "{}".format(values), as Python has them.
//
// Rejected: formats of numbers with thousands separators, "%a" and nested fields; a template
// that asks for them is refused by name.

#include "jinja/method.h"

#include <math.h>
#include <stdio.h>

enum { WIDTH_MAX = 1 << 20, PRECISION_MAX = 100 };

typedef struct spec {
    str fill;
    char align;  // '<' '>' '^' '=' or 0
    char sign;   // '+' ' ' or 0
    bool alternate, zero;
    int64_t width, precision;  // precision -1: none
    char type;
} spec;

// --- Numbers -------------------------------------------------------------------------------------

// Digits of an integer in a base, with the prefix of "#".
static void integer_digits(char *to, size_t size, int64_t v, const spec *f) {
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    if (f->type == 'b') {
        char bits[65];
        size_t n = 0;
        do
            bits[n++] = (char)('0' + (u & 1));
        while (u >>= 1);
        size_t at = 0;
        if (f->alternate) to[at++] = '0', to[at++] = 'b';
        while (n && at + 1 < size)
            to[at++] = bits[--n];
        to[at] = 0;
        return;
    }
    unsigned long long w = u;
    if (f->type == 'o')
        snprintf(to, size, "%s%llo", f->alternate ? "0o" : "", w);
    else if (f->type == 'x')
        snprintf(to, size, "%s%llx", f->alternate ? "0x" : "", w);
    else if (f->type == 'X')
        snprintf(to, size, "%s%llX", f->alternate ? "0X" : "", w);
    else
        snprintf(to, size, "%llu", w);
}

static void float_digits(char *to, size_t size, double v, const spec *f) {
    int precision = f->precision < 0 ? 6 : (int)f->precision;
    v = fabs(v);
    if (!isfinite(v)) {
        bool is_big = f->type >= 'A' && f->type <= 'Z';
        snprintf(to, size, "%s", isnan(v) ? (is_big ? "NAN" : "nan") : (is_big ? "INF" : "inf"));
        return;
    }
    switch (f->type | 32) {
    case 'e':
        snprintf(to, size, f->type == 'e' ? "%.*e" : "%.*E", precision, v);
        break;
    case 'g':
        snprintf(to, size,
                 f->type == 'g' ? (f->alternate ? "%#.*g" : "%.*g")
                                : (f->alternate ? "%#.*G" : "%.*G"),
                 precision, v);
        break;
    default:
        snprintf(to, size, f->alternate ? "%#.*f" : "%.*f", precision, v);
    }
}

// A number's digits with its sign, filled to the width.
static void put_number(jrun *r, buf *to, const char *digits, bool is_negative, const spec *f) {
    const char *sign = is_negative ? "-" : f->sign == '+' ? "+" : f->sign == ' ' ? " " : "";
    int64_t len = (int64_t)(strlen(sign) + strlen(digits));
    int64_t pad = f->width > len ? f->width - len : 0;
    char align = f->align ? f->align : f->zero ? '=' : '>';
    str fill = f->fill.len ? f->fill : f->zero ? STR("0") : STR(" ");
    int64_t left = align == '<' ? 0 : align == '^' ? pad / 2 : pad;
    jr_charge(r, (size_t)pad / 64);
    for (int64_t i = 0; i < left && align != '='; i++)
        buf_add(to, fill);
    buf_add(to, str_of(sign));
    size_t prefix = align == '=' && f->alternate && strchr("xXob", f->type) && f->type ? 2 : 0;
    buf_add(to, str_first(str_of(digits), prefix));
    for (int64_t i = 0; i < left && align == '='; i++)
        buf_add(to, fill);
    buf_add(to, str_of(digits + prefix));
    for (int64_t i = left; i < pad; i++)
        buf_add(to, fill);
}

static void put_text(jrun *r, buf *to, str s, const spec *f) {
    if (f->precision >= 0) s.len = text_offset(s, (size_t)f->precision);
    int64_t len = (int64_t)jv_chars(s), pad = f->width > len ? f->width - len : 0;
    str fill = f->fill.len ? f->fill : f->zero ? STR("0") : STR(" ");
    int64_t left = f->align == '>' ? pad : f->align == '^' ? pad / 2 : 0;
    jr_charge(r, (size_t)pad / 64 + s.len / 64);
    for (int64_t i = 0; i < pad; i++) {
        if (i == left) buf_add(to, s);
        buf_add(to, fill);
    }
    if (left == pad) buf_add(to, s);
}

static void put_integer(jrun *r, buf *to, int64_t v, const spec *f) {
    char digits[80];
    integer_digits(digits, sizeof digits, v, f);
    put_number(r, to, digits, v < 0, f);
}

static void put_float(jrun *r, buf *to, double v, const spec *f) {
    char digits[512];
    float_digits(digits, sizeof digits, v, f);
    put_number(r, to, digits, signbit(v) && !isnan(v), f);
}

static str read_int(str s, int64_t *out) {
    *out = 0;
    while (s.len && s.ptr[0] >= '0' && s.ptr[0] <= '9') {
        if (*out <= WIDTH_MAX) *out = *out * 10 + (s.ptr[0] - '0');
        s = str_skip(s, 1);
    }
    return s;
}

static bool sizes_ok(jrun *r, const spec *f, bool is_number) {
    if (f->width <= WIDTH_MAX && (!is_number || f->precision <= PRECISION_MAX)) return !r->code;
    jr_fail(r, E_LIMIT, "a format of over %d characters or %d digits", WIDTH_MAX, PRECISION_MAX);
    return false;
}

// --- str % values --------------------------------------------------------------------------------

typedef struct percents {
    jrun *r;
    jv args;
    bool is_mapping, is_tuple, is_markup;
    uint32_t at, used;
} percents;

static jv next_arg(percents *p) {
    if (p->is_tuple) {
        if (p->at < p->args.n) return p->args.items[p->at++];
    } else if (!p->at++) {
        return p->args;
    }
    return jr_type(p->r, "not enough arguments for the format");
}

static str read_flags(str s, spec *f) {
    for (; s.len && strchr("#0- +", s.ptr[0]) && s.ptr[0]; s = str_skip(s, 1)) {
        if (s.ptr[0] == '#')
            f->alternate = true;
        else if (s.ptr[0] == '0')
            f->zero = true;
        else if (s.ptr[0] == '-')
            f->align = '<';
        else if (s.ptr[0] == '+')
            f->sign = '+';
        else if (!f->sign)
            f->sign = ' ';
    }
    return s;
}

static str read_size(percents *p, str s, int64_t *out, bool *minus) {
    if (!s.len || s.ptr[0] != '*') return read_int(s, out);
    *out = jinja_int_arg(p->r, next_arg(p), 0, "'*' in a format");
    *minus = *out < 0;
    if (*out < 0) *out = *out == INT64_MIN ? INT64_MAX : -*out;
    return str_skip(s, 1);
}

static void percent_one(percents *p, buf *to, jv v, spec *f) {
    jrun *r = p->r;
    int64_t i;
    bool is_text = strchr("srac", f->type) && f->type;
    if (f->align == '<') f->zero = false;
    if (!sizes_ok(r, f, !is_text)) return;
    if (is_text) {
        if (!f->align) f->align = '>';
        f->zero = false;
        if (f->type == 'a') jr_fail(r, E_UNSUPPORTED, "%%a in a format is not supported");
        if (f->type == 'r') {
            buf b;
            jv_buf(r, &b, 32);
            jv_repr(r, &b, v);
            v = jv_from_buf(r, &b);
        }
        if (f->type == 'c' && jv_is_integer(&i, v)) {
            char bytes[UTF8_MAX];
            if (i < 0 || i > 0x10FFFF) jr_type(r, "%%c wants a character's number");
            v = jv_copy(r, (str){bytes, utf8_encode(bytes, r->code ? 0 : (int32_t)i)});
        } else if (f->type == 'c' && (v.kind != JV_STR || jv_chars(jv_text(v)) != 1)) {
            jr_type(r, "%%c wants a character");
        }
        if (p->is_markup) v = jv_escape(r, v);
        put_text(r, to, jinja_text_of(r, v), f);
        return;
    }
    if (!jv_is_number(v)) {
        jr_type(r, "%%%c wants a number, not %s", f->type, jv_type_name(v));
    } else if (strchr("diu", f->type) && v.kind == JV_FLOAT) {
        if (fabs(v.f) >= 0x1p63 || isnan(v.f))
            jr_fail(r, E_LIMIT, "integers have 64 bits");
        else
            put_integer(r, to, (int64_t)v.f, f);
    } else if (strchr("diuoxX", f->type)) {
        if (!jv_is_integer(&i, v))
            jr_type(r, "%%%c wants an integer", f->type);
        else
            put_integer(r, to, i, f);
    } else {
        put_float(r, to, jv_as_float(v), f);
    }
}

static str percent_spec(percents *p, buf *to, str s) {
    jrun *r = p->r;
    spec f = {.precision = -1};
    jv v = {.kind = JV_MISSING};
    if (s.len && s.ptr[0] == '(') {
        size_t end = 1, open = 1;
        for (; end < s.len && open; end++)
            open += (s.ptr[end] == '(') - (s.ptr[end] == ')');
        if (open || !p->is_mapping) {
            jr_type(r, open ? "incomplete format key" : "format requires a mapping");
            return (str){0};
        }
        const jv *found = jv_dict_str(p->args.dict, (str){s.ptr + 1, end - 2});
        if (!found)
            jr_type(r, "no '%.*s' for the format", (int)(end - 2), s.ptr + 1);
        else
            v = *found;
        p->used++;
        s = str_skip(s, end);
    }
    bool minus = false, unused = false;
    if (s.len && s.ptr[0] == '%' && v.kind == JV_MISSING) {
        buf_byte(to, '%');
        return str_skip(s, 1);
    }
    s = read_flags(s, &f);
    s = read_size(p, s, &f.width, &minus);
    if (minus) f.align = '<';
    if (s.len && s.ptr[0] == '.') {
        s = read_size(p, str_skip(s, 1), &f.precision, &unused);
        if (unused) f.precision = 0;
    }
    while (s.len && strchr("hlL", s.ptr[0]) && s.ptr[0])
        s = str_skip(s, 1);
    f.type = s.len ? s.ptr[0] : 0;
    if (!f.type || !strchr("diouxXeEfFgGcrsa", f.type)) {
        jr_type(r, s.len ? "unsupported format character '%c'" : "incomplete format%c", f.type);
    } else {
        if (v.kind == JV_MISSING && !r->code) v = next_arg(p);
        if (!r->code) percent_one(p, to, v, &f);
    }
    return str_skip(s, 1);
}

jv jinja_percent(jrun *r, jv format, jv args) {
    percents p = {.r = r, .args = args, .is_markup = format.sub & JV_MARKUP};
    p.is_tuple = args.kind == JV_TUPLE;
    p.is_mapping = args.kind == JV_DICT;
    buf b;
    jv_buf(r, &b, format.n + 16);
    for (str s = jv_text(format); s.len && jr_charge(r, 1);) {
        size_t at = str_find_byte(s, '%');
        buf_add(&b, str_first(s, at));
        s = str_skip(s, at);
        if (s.len) s = percent_spec(&p, &b, str_skip(s, 1));
    }
    // What is left over, as Python tells it: a mapping (also a list, and Undefined) may be.
    bool all_used = p.is_tuple ? p.at == args.n
                               : p.at || p.is_mapping || args.kind == JV_LIST || p.used ||
                                     args.kind == JV_RANGE || args.kind == JV_UNDEF;
    if (!all_used) jr_type(r, "not all arguments converted during string formatting");
    jv v = jv_from_buf(r, &b);
    v.sub = format.sub;
    return v;
}

// --- str.format ----------------------------------------------------------------------------------

static str read_spec(jrun *r, str s, spec *f) {
    size_t n = text_first_len(s);
    if (s.len > n && strchr("<>=^", s.ptr[n])) {
        f->fill = str_first(s, n);
        f->align = s.ptr[n];
        s = str_skip(s, n + 1);
    } else if (s.len && strchr("<>=^", s.ptr[0])) {
        f->align = s.ptr[0];
        s = str_skip(s, 1);
    }
    if (s.len && strchr("+- ", s.ptr[0])) {
        f->sign = s.ptr[0];
        s = str_skip(s, 1);
    }
    if (s.len && s.ptr[0] == '#') f->alternate = true, s = str_skip(s, 1);
    if (s.len && s.ptr[0] == '0') f->zero = true, s = str_skip(s, 1);
    s = read_int(s, &f->width);
    if (s.len && (s.ptr[0] == ',' || s.ptr[0] == '_'))
        jr_fail(r, E_UNSUPPORTED, "'%c' in a format is not supported", s.ptr[0]);
    if (s.len && s.ptr[0] == '.') s = read_int(str_skip(s, 1), &f->precision);
    if (s.len) f->type = s.ptr[0], s = str_skip(s, 1);
    if (s.len) jr_type(r, "an invalid format '%.*s'", STR_ARG(s));
    return s;
}

static void format_number(jrun *r, buf *to, jv v, spec *f) {
    int64_t i;
    if (f->type == 'n') f->type = v.kind == JV_FLOAT ? 'g' : 'd';
    if (f->type == '%') {
        f->type = 'f';
        spec bare = *f;
        bare.width = 0;
        buf b;
        jv_buf(r, &b, 32);
        put_float(r, &b, jv_as_float(v) * 100, &bare);
        buf_byte(&b, '%');
        str s = jinja_text_of(r, jv_from_buf(r, &b));
        if (!f->align) f->align = '>';
        f->precision = -1;
        put_text(r, to, s, f);
        return;
    }
    if (jv_is_integer(&i, v) && (!f->type || strchr("bdoxX", f->type))) {
        if (f->precision >= 0) jr_type(r, "a precision with an integer");
        put_integer(r, to, i, f);
        return;
    }
    if (f->type && !strchr("eEfFgG", f->type)) {
        jr_type(r, "an unknown format code '%c' for a %s", f->type, jv_type_name(v));
        return;
    }
    if (f->type) {
        put_float(r, to, jv_as_float(v), f);
        return;
    }
    if (f->precision >= 0) {
        jr_fail(r, E_UNSUPPORTED, "a precision without a type in a format is not supported");
        return;
    }
    buf b;
    jv_buf(r, &b, 32);
    jv_put_float(&b, fabs(v.f));
    buf_byte(&b, 0);
    if (!b.failed) put_number(r, to, b.ptr, signbit(v.f), f);
}

static void format_value(jrun *r, buf *to, jv v, str text) {
    spec f = {.precision = -1};
    if (str_find_byte(text, '{') < text.len)
        jr_fail(r, E_UNSUPPORTED, "fields in a format's format are not supported");
    read_spec(r, text, &f);
    bool is_number = jv_is_number(v) && (v.kind != JV_BOOL || f.type);
    if (!sizes_ok(r, &f, is_number)) return;
    if (is_number && text.len) {
        format_number(r, to, v, &f);
    } else if (v.kind == JV_STR || !text.len || v.kind == JV_BOOL) {
        if (f.type && f.type != 's') jr_type(r, "an unknown format code '%c' for a str", f.type);
        if (f.align == '=' || f.sign || f.alternate) jr_type(r, "a number's format for a str");
        if (v.kind == JV_BOOL && !f.align && text.len) f.align = '>';
        put_text(r, to, jinja_text_of(r, v), &f);
    } else {
        jr_type(r, "a format for a %s", jv_type_name(v));
    }
}

static bool is_number(str s) {
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9') return false;
    return s.len && s.len < 10;
}

// The value that a field's name means: "", "0", "name", then .attributes and [items].
static jv field_value(jrun *r, str name, const jargs *args, uint32_t *next) {
    size_t n = 0;
    while (n < name.len && name.ptr[n] != '.' && name.ptr[n] != '[')
        n++;
    str first = str_first(name, n), rest = str_skip(name, n);
    jv v = {.kind = JV_MISSING};
    int64_t i = 0;
    if (!first.len || is_number(first)) {
        if (first.len)
            read_int(first, &i);
        else
            i = (*next)++;
        if (i < args->n_plain) v = args->plain[i];
    }
    for (uint32_t k = 0; k < args->n_named && first.len; k++)
        if (str_eq(jv_text(args->named[k].key), first)) v = args->named[k].value;
    if (v.kind == JV_MISSING)
        return jr_type(r, "no argument '%.*s' for the format", STR_ARG(first));
    while (rest.len && !r->code) {
        bool is_item = rest.ptr[0] == '[';
        rest = str_skip(rest, 1);
        for (n = 0; n < rest.len && (is_item ? rest.ptr[n] != ']' : !strchr(".[", rest.ptr[n]));)
            n++;
        str part = str_first(rest, n);
        if (is_item && is_number(part)) {
            read_int(part, &i);
            v = jinja_item(r, v, jv_int(i));
        } else {
            v = is_item ? jinja_item(r, v, jv_view(part))
                        : jinja_attr(r, v, part, jinja_method_named(part));
        }
        if (v.kind == JV_UNDEF) jr_type(r, "no '%.*s' for the format", STR_ARG(part));
        rest = str_skip(rest, n + is_item);
    }
    return v;
}

static str format_field(jrun *r, buf *to, str s, jv format, const jargs *args, uint32_t *next) {
    size_t end = 0, open = 1;
    for (; end < s.len && open; end++)
        open += (s.ptr[end] == '{') - (s.ptr[end] == '}');
    if (open) {
        jr_type(r, "'{' without '}' in a format");
        return (str){0};
    }
    str field = str_first(s, end - 1), name = str_first(field, str_find_byte(field, ':'));
    str text = name.len < field.len ? str_skip(field, name.len + 1) : (str){0};
    size_t bang = str_find_byte(name, '!');
    char how = bang + 2 == name.len ? name.ptr[bang + 1] : 0;
    jv v = field_value(r, str_first(name, bang), args, next);
    if (bang < name.len && how != 's' && how != 'r')
        jr_fail(r, E_UNSUPPORTED, "this conversion in a format is not supported");
    if (how == 's') v = jv_str(r, v);
    if (how == 'r') {
        buf b;
        jv_buf(r, &b, 32);
        jv_repr(r, &b, v);
        v = jv_from_buf(r, &b);
    }
    if (format.sub & JV_MARKUP) v = jv_escape(r, v);
    if (!r->code) format_value(r, to, v, text);
    return str_skip(s, end);
}

jv jinja_format(jrun *r, jv format, const jargs *args) {
    uint32_t next = 0;
    buf b;
    jv_buf(r, &b, format.n + 16);
    for (str s = jv_text(format); s.len && jr_charge(r, 1);) {
        size_t at = 0;
        while (at < s.len && s.ptr[at] != '{' && s.ptr[at] != '}')
            at++;
        buf_add(&b, str_first(s, at));
        s = str_skip(s, at);
        if (!s.len) break;
        if (s.len > 1 && s.ptr[1] == s.ptr[0]) {
            buf_byte(&b, s.ptr[0]);
            s = str_skip(s, 2);
        } else if (s.ptr[0] == '}') {
            jr_type(r, "a single '}' in a format");
        } else {
            s = format_field(r, &b, str_skip(s, 1), format, args, &next);
        }
    }
    jv v = jv_from_buf(r, &b);
    v.sub = format.sub;
    return v;
}

jv method_format(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)a;
    return jinja_format(r, self, args);
}

jv method_format_map(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    if (a[0].kind != JV_DICT) return jr_type(r, "format_map() wants a dict");
    jargs named = {.named = a[0].dict->pairs, .n_named = a[0].n};
    for (uint32_t i = 0; i < named.n_named; i++)
        if (named.named[i].key.kind != JV_STR) return jr_type(r, "format_map() wants str keys");
    return jinja_format(r, self, &named);
}
