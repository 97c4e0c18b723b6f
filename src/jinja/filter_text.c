// Filters of texts and numbers.

#include "jinja/filter.h"

#include <math.h>
#include <stdio.h>

enum { PPRINT_WIDTH = 80 };

static jv text(jrun *r, jv v) {  // soft_str: a Markup stays one
    return v.kind == JV_STR ? v : jv_str(r, v);
}

jv filter_upper(jrun *r, jv self, const jv *a, const jargs *args) {
    return method_upper(r, text(r, self), a, args);
}
jv filter_lower(jrun *r, jv self, const jv *a, const jargs *args) {
    return method_lower(r, text(r, self), a, args);
}
jv filter_capitalize(jrun *r, jv self, const jv *a, const jargs *args) {
    return method_capitalize(r, text(r, self), a, args);
}
jv filter_trim(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    return method_strip_ends(r, text(r, self), a[0], 3);
}
jv filter_string(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)a;
    (void)args;
    return text(r, self);
}

jv filter_center(jrun *r, jv self, const jv *a, const jargs *args) {
    jv width = a[0].kind == JV_MISSING ? jv_int(80) : a[0];
    return method_center(r, text(r, self), (const jv[2]){width, {.kind = JV_MISSING}}, args);
}

// Words begin at the start and behind any of - ( { [ < and white space.
jv filter_title(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)a;
    (void)args;
    str s = jinja_text_of(r, self);
    buf b;
    jr_charge(r, s.len / 16);
    jv_buf(r, &b, s.len);
    int32_t cp;
    for (size_t at = 0, from = 0, n; at <= s.len; at += n) {
        n = at < s.len ? utf8_decode(&cp, str_skip(s, at)) : 1;
        bool is_break = at == s.len || text_is_space(cp) || (cp < 128 && cp && strchr("-({[<", cp));
        if (!is_break) continue;
        str word = {s.ptr + from, at - from};
        size_t first = text_first_len(word);
        text_put_case(&b, str_first(word, first), TEXT_TO_UPPER);
        text_put_case(&b, str_skip(word, first), TEXT_TO_LOWER);
        if (at < s.len) buf_add(&b, str_first(str_skip(s, at), n));
        from = at + n;
    }
    return jv_from_buf(r, &b);
}

jv filter_replace(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    int64_t count = a[2].kind == JV_NONE ? -1 : jinja_int_arg(r, a[2], -1, "a count");
    return method_replaced(r, jinja_text_of(r, self), jinja_text_of(r, a[0]),
                           jinja_text_of(r, a[1]), count);
}

jv filter_join(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    uint32_t n;
    const jv *items = jv_each(r, &n, self);
    str sep = jinja_text_of(r, a[0]);
    if (a[1].kind != JV_MISSING && a[1].kind != JV_NONE && items) {
        jargs by = {.named = &(jv_pair){jv_view(STR("attribute")), a[1]}, .n_named = 1};
        jv mapped = filter_map(r, jv_items(JV_LIST, items, n), NULL, &by);
        items = r->code ? NULL : jv_each(r, &n, mapped);
    }
    buf b;
    jv_buf(r, &b, 64);
    for (uint32_t i = 0; items && i < n && jr_charge(r, 1 + sep.len / 64); i++) {
        if (i) buf_add(&b, sep);
        jv_put(r, &b, items[i]);
    }
    return jv_from_buf(r, &b);
}

// --- Escapes -------------------------------------------------------------------------------------

jv filter_escape(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)a;
    (void)args;
    return jv_escape(r, self);
}
jv filter_forceescape(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)a;
    (void)args;
    return jv_escape(r, jv_view(jinja_text_of(r, self)));
}
jv filter_safe(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)a;
    (void)args;
    jv v = jv_str(r, self);
    v.sub = JV_MARKUP;
    return v;
}

jv filter_xmlattr(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    if (self.kind != JV_DICT) return jr_type(r, "xmlattr wants a dict");
    bool space = filter_flag(r, a[0], true);
    buf b;
    jv_buf(r, &b, 64);
    for (uint32_t i = 0; i < self.n && jr_charge(r, 1); i++) {
        const jv_pair *p = &self.dict->pairs[i];
        if (p->value.kind == JV_NONE || p->value.kind == JV_UNDEF) continue;
        str key = jinja_str_arg(r, p->key, "an attribute's name");
        for (size_t k = 0; k < key.len; k++)
            if (strchr(" \t\n\r\f\v/>=", key.ptr[k]))
                return jr_type(r, "invalid character in attribute name '%.*s'", STR_ARG(key));
        if (b.len || space) buf_byte(&b, ' ');
        jv value = jv_escape(r, p->value);
        jv name = jv_escape(r, p->key);
        buf_add(&b, jv_text(name));
        buf_add(&b, STR("=\""));
        buf_add(&b, jv_text(value));
        buf_byte(&b, '"');
    }
    return jv_from_buf(r, &b);
}

static void put_url(jrun *r, buf *to, jv v, bool is_query) {
    str s = jinja_text_of(r, v);
    jr_charge(r, s.len / 16);
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = (uint8_t)s.ptr[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                     (c && strchr("_.-~", c)) || (c == '/' && !is_query);
        if (plain)
            buf_byte(to, (char)c);
        else if (c == ' ' && is_query)
            buf_byte(to, '+');
        else
            buf_fmt(to, "%%%02X", c);
    }
}

jv filter_urlencode(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)a;
    (void)args;
    buf b;
    uint32_t n;
    jv all = self;
    if (self.kind == JV_STR || !jv_iterable(self)) {
        jv_buf(r, &b, 64);
        put_url(r, &b, self, false);
        return jv_from_buf(r, &b);
    }
    if (self.kind == JV_DICT)
        all = (jv){.kind = JV_VIEW, .sub = JV_ITEMS, .n = self.n, .dict = self.dict};
    const jv *items = jv_each(r, &n, all);
    jv_buf(r, &b, 64);
    for (uint32_t i = 0; items && i < n && jr_charge(r, 1); i++) {
        bool is_pair = (items[i].kind == JV_TUPLE || items[i].kind == JV_LIST) && items[i].n == 2;
        if (!is_pair) return jr_type(r, "urlencode wants pairs");
        if (i) buf_byte(&b, '&');
        put_url(r, &b, items[i].items[0], true);
        buf_byte(&b, '=');
        put_url(r, &b, items[i].items[1], true);
    }
    return jv_from_buf(r, &b);
}

// One entity at the front of s; 0: none that ends here. Names beyond these five are refused.
static size_t entity(jrun *r, buf *to, str s) {
    static const struct {
        str name;
        char c;
    } names[] = {{STR_INIT("&amp;"), '&'},  {STR_INIT("&lt;"), '<'},   {STR_INIT("&gt;"), '>'},
                 {STR_INIT("&quot;"), '"'}, {STR_INIT("&#39;"), '\''}, {STR_INIT("&#34;"), '"'}};
    for (size_t i = 0; i < countof(names); i++) {
        if (!str_starts(s, names[i].name)) continue;
        buf_byte(to, names[i].c);
        return names[i].name.len;
    }
    bool is_other = s.len > 1 && (s.ptr[1] == '#' || text_word_len(str_skip(s, 1)));
    if (is_other) jr_fail(r, E_UNSUPPORTED, "striptags: this entity is not supported");
    return 0;
}

static void put_unescaped(jrun *r, buf *to, str s) {
    while (s.len && !r->code) {
        size_t n = s.ptr[0] == '&' ? entity(r, to, s) : 0;
        if (!n) buf_byte(to, s.ptr[0]);
        s = str_skip(s, n ? n : 1);
    }
}

jv filter_striptags(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)a;
    (void)args;
    str s = jinja_text_of(r, self);
    buf plain, b;
    jr_charge(r, s.len / 16);
    jv_buf(r, &plain, s.len);
    for (size_t at; (at = str_find_byte(s, '<')) < s.len;) {
        str tag = str_skip(s, at);
        bool is_comment = str_starts(tag, STR("<!--"));
        str inner = str_skip(tag, is_comment ? 4 : 0);
        str mark = is_comment ? STR("-->") : STR(">");
        size_t end = str_find(inner, mark);
        if (end + mark.len > inner.len) break;
        buf_add(&plain, str_first(s, at));
        s = str_skip(inner, end + mark.len);
    }
    buf_add(&plain, s);
    jv_buf(r, &b, plain.len);
    jv words = method_split(r, jv_from_buf(r, &plain), (const jv[2]){{0}}, args);
    for (uint32_t i = 0; words.kind == JV_LIST && i < words.n; i++) {
        if (i) buf_byte(&b, ' ');
        put_unescaped(r, &b, jv_text(words.items[i]));
    }
    return jv_from_buf(r, &b);
}

// --- Layout --------------------------------------------------------------------------------------

jv filter_indent(jrun *r, jv self, const jv *a, const jargs *args) {
    if (self.kind != JV_STR) return jr_type(r, "indent wants a str, not %s", jv_type_name(self));
    jv pad = a[0];
    if (pad.kind != JV_STR)
        pad = method_padded(r, jv_view(STR("")), 0, jinja_int_arg(r, pad, 4, "indent's width"),
                            STR(" "));
    bool first = filter_flag(r, a[1], false), blank = filter_flag(r, a[2], false);
    if (self.sub) pad.sub = JV_MARKUP;
    jv lines = method_splitlines(r, jv_concat(r, jv_text(self), STR("\n")),
                                 (const jv[1]){{.kind = JV_MISSING}}, args);
    buf b;
    jv_buf(r, &b, self.n + pad.n);
    if (first) buf_add(&b, jv_text(pad));
    for (uint32_t i = 0; lines.kind == JV_LIST && i < lines.n && jr_charge(r, 1 + pad.n / 64);
         i++) {
        if (i) buf_byte(&b, '\n');
        if (i && (blank || lines.items[i].n)) buf_add(&b, jv_text(pad));
        buf_add(&b, jv_text(lines.items[i]));
    }
    jv v = jv_from_buf(r, &b);
    v.sub = self.sub;
    return v;
}

jv filter_truncate(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    int64_t most = jinja_int_arg(r, a[0], 255, "truncate's length");
    str end = a[2].kind == JV_MISSING ? STR("...") : jinja_str_arg(r, a[2], "truncate's end");
    int64_t leeway = a[3].kind == JV_NONE ? 5 : jinja_int_arg(r, a[3], 5, "truncate's leeway");
    int64_t end_len = (int64_t)jv_chars(end), len;
    if (most < end_len || leeway < 0) return jr_type(r, "truncate: a length that is too small");
    if (!jv_len(&len, self)) return jr_type(r, "%s has no length", jv_type_name(self));
    if (r->code || len <= most + leeway) return self;
    str s = jinja_str_arg(r, self, "what is truncated");
    s = str_first(s, text_offset(s, (size_t)(most - end_len)));
    if (!filter_flag(r, a[1], false)) {
        size_t cut = s.len;
        while (cut && s.ptr[cut - 1] != ' ')
            cut--;
        if (cut) s.len = cut - 1;
    }
    return jv_concat(r, s, end);
}

jv filter_wordcount(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)a;
    (void)args;
    int64_t n = 0;
    str s = jinja_text_of(r, self);
    jr_charge(r, s.len / 16);
    while (s.len) {
        size_t len = text_word_len(s);
        n += len != 0;
        s = str_skip(s, len ? len : text_first_len(s));
    }
    return jv_int(n);
}

// --- Numbers -------------------------------------------------------------------------------------

// Python's int(text, base) and float(text): white space around, single underscores inside.
static bool clean_number(str s, char *to, size_t size) {
    s = text_rstrip(text_lstrip(s));
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        bool is_inside = i && i + 1 < s.len && s.ptr[i - 1] != '_' && s.ptr[i + 1] != '_';
        if (s.ptr[i] == '_' && !is_inside) return false;
        if (s.ptr[i] == '_') continue;
        if (n + 1 == size || (uint8_t)s.ptr[i] >= 128) return false;
        to[n++] = s.ptr[i];
    }
    to[n] = 0;
    return n != 0;
}

static int digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'z' ? (c | 32) - 87 : 99;
}

// 1: read; 0: no integer; -1: too large.
static int parse_int(const char *p, int base, int64_t *out) {
    bool minus = *p == '-';
    if (*p == '-' || *p == '+') p++;
    int marked = p[0] == '0' ? ((p[1] | 32) == 'x'   ? 16
                                : (p[1] | 32) == 'o' ? 8
                                : (p[1] | 32) == 'b' ? 2
                                                     : 0)
                             : 0;
    if (marked && (base == marked || base == 0)) p += 2;
    if (!base && !marked && p[0] == '0' && strspn(p, "0") != strlen(p)) return 0;
    if (!base) base = marked ? marked : 10;
    int64_t v = 0;
    bool over = false;
    if (!*p) return 0;
    for (; *p; p++) {
        if (digit(*p) >= base) return 0;
        over |= __builtin_mul_overflow(v, base, &v);
        over |= minus ? __builtin_sub_overflow(v, digit(*p), &v)
                      : __builtin_add_overflow(v, digit(*p), &v);
    }
    *out = v;
    return over ? -1 : 1;
}

static jv float_to_int(jrun *r, double f, jv missing) {
    if (!isfinite(f)) return missing;
    if (fabs(f) >= 0x1p63) return jr_fail(r, E_LIMIT, "integers have 64 bits");
    return jv_int((int64_t)f);
}

jv filter_int(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    jv missing = a[0].kind == JV_MISSING ? jv_int(0) : a[0];
    int64_t base = jinja_int_arg(r, a[1], 10, "int's base"), i;
    char tmp[400];
    double f;
    if (jv_is_integer(&i, self)) return jv_int(i);
    if (self.kind == JV_UNDEF) return jr_type(r, "an undefined value is no number");
    if (self.kind == JV_FLOAT) return float_to_int(r, self.f, missing);
    if (self.kind != JV_STR || !clean_number(jv_text(self), tmp, sizeof tmp)) return missing;
    bool base_ok = base == 0 || (base >= 2 && base <= 36);
    int got = base_ok ? parse_int(tmp, (int)base, &i) : 0;
    if (got > 0) return jv_int(i);
    if (got < 0) return jr_fail(r, E_LIMIT, "integers have 64 bits");
    return text_parse_float(&f, str_of(tmp)) ? float_to_int(r, f, missing) : missing;
}

jv filter_float(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    char tmp[400];
    double f;
    if (jv_is_number(self)) return jv_float(jv_as_float(self));
    if (self.kind == JV_UNDEF) return jr_type(r, "an undefined value is no number");
    bool ok = self.kind == JV_STR && clean_number(jv_text(self), tmp, sizeof tmp) &&
              text_parse_float(&f, str_of(tmp));
    if (ok) return jv_float(f);
    return a[0].kind == JV_MISSING ? jv_float(0) : a[0];
}

jv filter_filesizeformat(jrun *r, jv self, const jv *a, const jargs *args) {
    static const char units[] = "kMGTPEZY";
    jv n = filter_float(r, self, (const jv[1]){jv_none()}, args);
    if (n.kind != JV_FLOAT) return jr_type(r, "filesizeformat wants a number");
    bool binary = filter_flag(r, a[0], false);
    double base = binary ? 1024 : 1000, unit = base;
    char tmp[64];
    if (n.f == 1) return jv_view(STR("1 Byte"));
    if (n.f < base) {
        snprintf(tmp, sizeof tmp, "%.0f Bytes", trunc(n.f));
        return jv_copy(r, str_of(tmp));
    }
    size_t i = 0;
    for (; i < 8; i++) {
        unit *= base;
        if (n.f < unit || i == 7) break;
    }
    snprintf(tmp, sizeof tmp, "%.1f %c%sB", base * n.f / unit,
             binary && units[i] == 'k' ? 'K' : units[i], binary ? "i" : "");
    return jv_copy(r, str_of(tmp));
}

jv filter_format(jrun *r, jv self, const jv *a, const jargs *args) {
    if (args->n_plain && args->n_named)
        return jr_type(r, "format: positional and named arguments at the same time");
    jv given = jv_items(JV_TUPLE, a, args->n_plain);
    if (args->n_named) {
        jv_pair *pairs = jr_alloc(r, args->n_named, sizeof *pairs);
        if (!pairs) return self;
        memcpy(pairs, args->named, args->n_named * sizeof *pairs);
        given = jv_make_dict(r, pairs, args->n_named);
    }
    return r->code ? self : jinja_percent(r, text(r, self), given);
}

// --- JSON, pprint --------------------------------------------------------------------------------

jv filter_tojson(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    jv_json how = {.ascii = filter_flag(r, a[0], false), .sort = filter_flag(r, a[3], false)};
    how.is_indented = a[1].kind != JV_MISSING && a[1].kind != JV_NONE;
    how.item = how.is_indented ? STR(",") : STR(", ");
    how.key = STR(": ");
    if (how.is_indented && a[1].kind == JV_STR) {
        how.indent = jv_text(a[1]);
    } else if (how.is_indented) {
        int64_t n = jinja_int_arg(r, a[1], 0, "tojson's indent");
        how.indent = jv_text(method_padded(r, jv_view(STR("")), 0, n, STR(" ")));
    }
    if (a[2].kind != JV_MISSING && a[2].kind != JV_NONE) {
        uint32_t n;
        const jv *two = jv_each(r, &n, a[2]);
        if (!two || n != 2) return jr_type(r, "tojson's separators are two");
        how.item = jinja_str_arg(r, two[0], "a separator");
        how.key = jinja_str_arg(r, two[1], "a separator");
    }
    buf b;
    jv_buf(r, &b, 256);
    jv_to_json(r, &b, self, &how, 0);
    return jv_from_buf(r, &b);
}

// pformat of what fits one line; dicts there are sorted.
static jv sorted_dicts(jrun *r, jv v) {
    if (v.kind == JV_DICT) {
        jv both = filter_dictsort(r, v, (const jv[3]){jv_bool(true)}, &(jargs){0});
        jv_pair *pairs = r->code ? NULL : jr_alloc(r, v.n, sizeof *pairs);
        for (uint32_t i = 0; pairs && i < v.n; i++)
            pairs[i] = (jv_pair){both.items[i].items[0], sorted_dicts(r, both.items[i].items[1])};
        return pairs ? jv_make_dict(r, pairs, v.n) : v;
    }
    if (v.kind != JV_LIST && v.kind != JV_TUPLE) return v;
    jv *items = jr_enter(r) ? jr_alloc(r, v.n, sizeof *items) : NULL;
    for (uint32_t i = 0; items && i < v.n && jr_charge(r, 1); i++)
        items[i] = sorted_dicts(r, v.items[i]);
    jr_leave(r);
    return jv_items(v.kind, items, items ? v.n : 0);
}

jv filter_pprint(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)a;
    (void)args;
    buf b;
    jv plain = sorted_dicts(r, self);
    jv_buf(r, &b, 128);
    jv_repr(r, &b, plain);
    jv v = jv_from_buf(r, &b);
    if (!r->code && jv_chars(jv_text(v)) > PPRINT_WIDTH)
        return jr_fail(r, E_UNSUPPORTED, "pprint of over %d characters is not supported",
                       PPRINT_WIDTH);
    return v;
}
