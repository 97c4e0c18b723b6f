// Methods of str, by code points, as Python has them. What Python has and we do not is refused by
// name; a Markup's methods give Markups.

#include "jinja/call.h"
#include "jinja/method.h"
#include "jinja/text.h"

#include <utf8proc.h>

static jv like(jv self, jv v) {
    v.sub = self.sub;
    return v;
}

// --- Case and classes ----------------------------------------------------------------------------

typedef void put_text(buf *to, str s);

static void put_upper(buf *to, str s) {
    text_put_case(to, s, TEXT_TO_UPPER);
}
static void put_lower(buf *to, str s) {
    text_put_case(to, s, TEXT_TO_LOWER);
}
static void put_fold(buf *to, str s) {
    text_put_case(to, s, TEXT_TO_FOLD);
}

static jv mapped(jrun *r, jv self, put_text *put) {
    buf b;
    jr_charge(r, self.n / 16);
    jv_buf(r, &b, self.n);
    put(&b, jv_text(self));
    return like(self, jv_from_buf(r, &b));
}

#define MAPPED(name, put)                                                                          \
    jv name(jrun *r, jv self, const jv *a, const jargs *args) {                                    \
        (void)a;                                                                                   \
        (void)args;                                                                                \
        return mapped(r, self, put);                                                               \
    }
MAPPED(method_upper, put_upper)
MAPPED(method_lower, put_lower)
MAPPED(method_casefold, put_fold)
MAPPED(method_title, text_put_title)
MAPPED(method_capitalize, text_put_capitalized)
MAPPED(method_swapcase, text_put_swapped)

#define ALL_OF(name, class)                                                                        \
    jv name(jrun *r, jv self, const jv *a, const jargs *args) {                                    \
        (void)a;                                                                                   \
        (void)args;                                                                                \
        jr_charge(r, self.n / 16);                                                                 \
        return jv_bool(text_all(jv_text(self), class));                                            \
    }
ALL_OF(method_isalpha, TEXT_ALPHA)
ALL_OF(method_isalnum, TEXT_ALNUM)
ALL_OF(method_isdecimal, TEXT_DECIMAL)
ALL_OF(method_isdigit, TEXT_DIGIT)
ALL_OF(method_isnumeric, TEXT_NUMERIC)
ALL_OF(method_isspace, TEXT_SPACE)

jv method_isprintable(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)a;
    (void)args;
    jr_charge(r, self.n / 16);
    return jv_bool(!self.n || text_all(jv_text(self), TEXT_PRINTABLE));
}

jv method_isascii(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)a;
    (void)args;
    jr_charge(r, self.n / 64);
    uint8_t any = 0;
    for (uint32_t i = 0; i < self.n; i++)
        any |= (uint8_t)self.s[i];
    return jv_bool(any < 128);
}

// There is a cased character, and none of the two other cases.
bool method_all_cased(str s, text_class wanted, text_class other) {
    bool any = false;
    int32_t cp;
    for (; s.len; s = str_skip(s, utf8_decode(&cp, s))) {
        utf8_decode(&cp, s);
        if (text_is(cp, other) || text_is(cp, TEXT_TITLE)) return false;
        any |= text_is(cp, wanted);
    }
    return any;
}

jv method_isupper(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)a;
    (void)args;
    jr_charge(r, self.n / 16);
    return jv_bool(method_all_cased(jv_text(self), TEXT_UPPER, TEXT_LOWER));
}
jv method_islower(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)a;
    (void)args;
    jr_charge(r, self.n / 16);
    return jv_bool(method_all_cased(jv_text(self), TEXT_LOWER, TEXT_UPPER));
}

jv method_istitle(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)a;
    (void)args;
    bool any = false, in_word = false;
    int32_t cp;
    jr_charge(r, self.n / 16);
    for (str s = jv_text(self); s.len; s = str_skip(s, text_first_len(s))) {
        utf8_decode(&cp, s);
        bool begins = text_is(cp, TEXT_UPPER) || text_is(cp, TEXT_TITLE);
        bool goes_on = text_is(cp, TEXT_LOWER);
        if ((begins && in_word) || (goes_on && !in_word)) return jv_bool(false);
        in_word = begins || goes_on;
        any |= in_word;
    }
    return jv_bool(any);
}

// --- Strips --------------------------------------------------------------------------------------

static bool has_char(str set, str c) {
    for (; set.len; set = str_skip(set, text_first_len(set)))
        if (str_eq(str_first(set, text_first_len(set)), c)) return true;
    return false;
}

enum { LEFT = 1, RIGHT = 2 };

jv method_strip_ends(jrun *r, jv self, jv chars, int ends) {
    str s = jv_text(self);
    if (chars.kind == JV_MISSING || chars.kind == JV_NONE) {
        if (ends & LEFT) s = text_lstrip(s);
        if (ends & RIGHT) s = text_rstrip(s);
        return like(self, jv_view(s));
    }
    str set = jinja_str_arg(r, chars, "what to strip");
    jr_charge(r, set.len);
    while ((ends & LEFT) && s.len && has_char(set, str_first(s, text_first_len(s))) &&
           jr_charge(r, 1 + set.len / 64))
        s = str_skip(s, text_first_len(s));
    while ((ends & RIGHT) && s.len && has_char(set, str_skip(s, s.len - text_last_len(s))) &&
           jr_charge(r, 1 + set.len / 64))
        s.len -= text_last_len(s);
    return like(self, jv_view(s));
}

#define STRIPS(name, ends)                                                                         \
    jv name(jrun *r, jv self, const jv *a, const jargs *args) {                                    \
        (void)args;                                                                                \
        return method_strip_ends(r, self, a[0], ends);                                             \
    }
STRIPS(method_strip, LEFT | RIGHT)
STRIPS(method_lstrip, LEFT)
STRIPS(method_rstrip, RIGHT)

jv method_removeprefix(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    str s = jv_text(self), prefix = jinja_str_arg(r, a[0], "removeprefix()'s prefix");
    return like(self, jv_view(str_starts(s, prefix) ? str_skip(s, prefix.len) : s));
}
jv method_removesuffix(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    str s = jv_text(self), suffix = jinja_str_arg(r, a[0], "removesuffix()'s suffix");
    return like(self, jv_view(str_ends(s, suffix) ? str_first(s, s.len - suffix.len) : s));
}

// --- Finding -------------------------------------------------------------------------------------

// Clips s to [start, end) in code points; *from: the first one's number. False: start lies behind.
static bool clip(jrun *r, str *s, const jv *a, int64_t *from) {
    int64_t len = (int64_t)jv_chars(*s), start = 0, end = len;
    if (a[0].kind != JV_NONE) start = jinja_int_arg(r, a[0], 0, "a start");
    if (a[1].kind != JV_NONE) end = jinja_int_arg(r, a[1], len, "an end");
    if (start < 0) start = start < -len ? 0 : start + len;
    if (end < 0) end = end < -len ? 0 : end + len;
    if (end > len) end = len;
    *from = start;
    if (start > len || end < start) return false;
    *s = str_skip(*s, text_offset(*s, (size_t)start));
    s->len = text_offset(*s, (size_t)(end - start));
    return true;
}

static size_t find_last(str s, str needle) {
    if (needle.len > s.len) return s.len + 1;
    for (size_t at = s.len - needle.len + 1; at-- > 0;)
        if (memcmp(s.ptr + at, needle.ptr, needle.len) == 0) return at;
    return s.len + 1;
}

static jv find(jrun *r, jv self, const jv *a, bool last, bool must) {
    str s = jv_text(self), needle = jinja_str_arg(r, a[0], "what to find");
    int64_t from;
    jr_charge(r, s.len / 16 + (last ? s.len * needle.len / 256 : 0));
    if (!r->code && clip(r, &s, a + 1, &from)) {
        size_t at = last ? (needle.len ? find_last(s, needle) : s.len)
                         : (needle.len ? str_find(s, needle) : 0);
        if (at + needle.len <= s.len) return jv_int(from + (int64_t)jv_chars(str_first(s, at)));
    }
    return must ? jr_type(r, "substring not found") : jv_int(-1);
}

#define FINDS(name, last, must)                                                                    \
    jv name(jrun *r, jv self, const jv *a, const jargs *args) {                                    \
        (void)args;                                                                                \
        return find(r, self, a, last, must);                                                       \
    }
FINDS(method_find, false, false)
FINDS(method_rfind, true, false)
FINDS(method_str_index, false, true)
FINDS(method_rindex, true, true)

jv method_str_count(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    str s = jv_text(self), needle = jinja_str_arg(r, a[0], "what to count");
    int64_t from, n = 0;
    jr_charge(r, s.len / 16);
    if (r->code || !clip(r, &s, a + 1, &from)) return jv_int(0);
    if (!needle.len) return jv_int((int64_t)jv_chars(s) + 1);
    for (size_t at; (at = str_find(s, needle)) + needle.len <= s.len; n++)
        s = str_skip(s, at + needle.len);
    return jv_int(n);
}

static bool fits_end(str s, str what, bool at_end) {
    return at_end ? str_ends(s, what) : str_starts(s, what);
}

static jv is_at_end(jrun *r, jv self, const jv *a, bool at_end) {
    str s = jv_text(self);
    int64_t from;
    bool is_in = (a[1].kind == JV_MISSING && a[2].kind == JV_MISSING) || clip(r, &s, a + 1, &from);
    if (a[0].kind != JV_TUPLE) {
        str what = jinja_str_arg(r, a[0], "a prefix or suffix");
        return jv_bool(is_in && !r->code && fits_end(s, what, at_end));
    }
    for (uint32_t i = 0; i < a[0].n && jr_charge(r, 1); i++)
        if (is_in && fits_end(s, jinja_str_arg(r, a[0].items[i], "a prefix"), at_end))
            return jv_bool(!r->code);
    return jv_bool(false);
}

jv method_startswith(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    return is_at_end(r, self, a, false);
}
jv method_endswith(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    return is_at_end(r, self, a, true);
}

jv method_replaced(jrun *r, str s, str old, str into, int64_t count) {
    buf b;
    jr_charge(r, s.len / 16);
    jv_buf(r, &b, s.len);
    if (count < 0) count = INT64_MAX;
    for (; count && s.len >= old.len; count--) {
        size_t at = old.len ? str_find(s, old) : 0;
        if (at + old.len > s.len || (at == s.len && old.len)) break;
        size_t step = old.len ? at + old.len : text_first_len(s);
        buf_add(&b, str_first(s, at));
        buf_add(&b, into);
        if (!old.len) buf_add(&b, str_first(s, step));
        bool is_over = !old.len && !s.len;
        s = str_skip(s, step);
        if (is_over || b.failed) break;
    }
    buf_add(&b, s);
    return jv_from_buf(r, &b);
}

jv method_replace(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    jv into = self.sub & JV_MARKUP && a[1].kind == JV_STR ? jv_escape(r, a[1]) : a[1];
    return like(self, method_replaced(r, jv_text(self), jinja_str_arg(r, a[0], "what to replace"),
                                      jinja_str_arg(r, into, "a replacement"),
                                      jinja_int_arg(r, a[2], -1, "a count")));
}

// --- Splits and joins ----------------------------------------------------------------------------

typedef struct pieces {
    buf b;
    jv self;
} pieces;

static void piece(pieces *p, str s) {
    jv v = like(p->self, jv_view(s));
    buf_add(&p->b, (str){(char *)&v, sizeof v});
}

static jv pieces_of(jrun *r, pieces *p, bool reversed) {
    jv *items = (jv *)(void *)p->b.ptr;
    size_t n = p->b.len / sizeof *items;
    if (p->b.failed) return jr_fail(r, E_LIMIT, "over %d MiB of memory", JINJA_MEMORY_MAX >> 20);
    for (size_t i = 0; reversed && i < n / 2; i++) {
        jv swap = items[i];
        items[i] = items[n - 1 - i];
        items[n - 1 - i] = swap;
    }
    jr_charge(r, n);
    return jv_items(JV_LIST, items, n);
}

static bool starts_space(str s) {
    int32_t cp;
    return s.len && (utf8_decode(&cp, s), text_is_space(cp));
}

static void split_space(pieces *p, str s, int64_t most) {
    s = text_lstrip(s);
    for (; s.len; s = text_lstrip(s)) {
        if (most-- == 0) {
            piece(p, s);
            return;
        }
        size_t at = 0;
        while (at < s.len && !starts_space(str_skip(s, at)))
            at += text_first_len(str_skip(s, at));
        piece(p, str_first(s, at));
        s = str_skip(s, at);
    }
}

static void rsplit_space(pieces *p, str s, int64_t most) {
    s = text_rstrip(s);
    for (; s.len; s = text_rstrip(s)) {
        if (most-- == 0) {
            piece(p, s);
            return;
        }
        size_t at = s.len;
        while (at) {
            size_t n = text_last_len(str_first(s, at));
            if (starts_space(str_skip(str_first(s, at), at - n))) break;
            at -= n;
        }
        piece(p, str_skip(s, at));
        s.len = at;
    }
}

static void split_at(pieces *p, str s, str sep, int64_t most) {
    size_t at;
    for (; most-- != 0 && (at = str_find(s, sep)) + sep.len <= s.len; s = str_skip(s, at + sep.len))
        piece(p, str_first(s, at));
    piece(p, s);
}

static void rsplit_at(pieces *p, str s, str sep, int64_t most) {
    size_t at;
    for (; most-- != 0 && (at = find_last(s, sep)) + sep.len <= s.len; s.len = at)
        piece(p, str_skip(s, at + sep.len));
    piece(p, s);
}

static jv split(jrun *r, jv self, const jv *a, bool from_right) {
    pieces p = {.self = self};
    str s = jv_text(self), sep = {0};
    int64_t most = jinja_int_arg(r, a[1], -1, "a split's limit");
    bool at_space = a[0].kind == JV_MISSING || a[0].kind == JV_NONE;
    if (!at_space) sep = jinja_str_arg(r, a[0], "a separator");
    jr_charge(r, s.len / 16 + (from_right ? s.len * sep.len / 256 : 0));
    if (!r->code && !at_space && !sep.len) return jr_type(r, "empty separator");
    if (r->code) return self;
    jv_buf(r, &p.b, 8 * sizeof(jv));
    if (most < 0) most = -1;
    if (at_space)
        (from_right ? rsplit_space : split_space)(&p, s, most);
    else
        (from_right ? rsplit_at : split_at)(&p, s, sep, most);
    return pieces_of(r, &p, from_right);
}

jv method_split(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    return split(r, self, a, false);
}
jv method_rsplit(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    return split(r, self, a, true);
}

jv method_splitlines(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    pieces p = {.self = self};
    bool keeps = a[0].kind != JV_MISSING && jv_truth(r, a[0]);
    jr_charge(r, self.n / 16);
    jv_buf(r, &p.b, 8 * sizeof(jv));
    size_t at = 0;
    for (str s = jv_text(self); s.len;) {
        size_t end = at < s.len ? text_line_end(str_skip(s, at)) : 0;
        if (!end && at < s.len) {
            at++;
            continue;
        }
        piece(&p, str_first(s, at + (keeps ? end : 0)));
        s = str_skip(s, at + end);
        at = 0;
    }
    return pieces_of(r, &p, false);
}

static jv partition(jrun *r, jv self, const jv *a, bool last) {
    str s = jv_text(self), sep = jinja_str_arg(r, a[0], "a separator");
    if (r->code) return self;
    if (!sep.len) return jr_type(r, "empty separator");
    jr_charge(r, s.len / 16 + (last ? s.len * sep.len / 256 : 0));
    size_t at = last ? find_last(s, sep) : str_find(s, sep);
    bool found = at + sep.len <= s.len;
    jv *items = jr_alloc(r, 3, sizeof *items);
    if (!items) return self;
    for (int i = 0; i < 3; i++)
        items[i] = jv_view(STR(""));
    if (found) {
        items[0] = jv_view(str_first(s, at));
        items[1] = jv_view((str){s.ptr + at, sep.len});
        items[2] = jv_view(str_skip(s, at + sep.len));
    } else {
        items[last ? 2 : 0] = jv_view(s);
    }
    for (int i = 0; i < 3; i++)
        items[i].sub = self.sub;
    return jv_items(JV_TUPLE, items, 3);
}

jv method_partition(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    return partition(r, self, a, false);
}
jv method_rpartition(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    return partition(r, self, a, true);
}

jv method_join(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    uint32_t n;
    const jv *items = jv_each(r, &n, a[0]);
    buf b;
    jv_buf(r, &b, 64);
    for (uint32_t i = 0; items && i < n && jr_charge(r, 1 + self.n / 64); i++) {
        if (items[i].kind != JV_STR)
            return jr_type(r, "join() wants str, item %u is %s", i, jv_type_name(items[i]));
        if (i) buf_add(&b, jv_text(self));
        buf_add(&b, jv_text(self.sub ? jv_escape(r, items[i]) : items[i]));
    }
    return like(self, jv_from_buf(r, &b));
}

// --- Padding -------------------------------------------------------------------------------------

jv method_padded(jrun *r, jv self, int64_t left, int64_t right, str fill) {
    int64_t total = left + right;
    if (total > JINJA_MEMORY_MAX)
        return jr_fail(r, E_LIMIT, "over %d MiB of memory", JINJA_MEMORY_MAX >> 20);
    buf b;
    jr_charge(r, (size_t)total / 16);
    jv_buf(r, &b, self.n + (size_t)total * fill.len);
    for (int64_t i = 0; i < left; i++)
        buf_add(&b, fill);
    buf_add(&b, jv_text(self));
    for (int64_t i = 0; i < right; i++)
        buf_add(&b, fill);
    return like(self, jv_from_buf(r, &b));
}

// How far `self` is from a width, and with which character it is filled.
static int64_t missing_width(jrun *r, jv self, const jv *a, str *fill) {
    *fill = a[1].kind == JV_MISSING ? STR(" ") : jinja_str_arg(r, a[1], "a fill character");
    if (!r->code && jv_chars(*fill) != 1) jr_type(r, "the fill must be one character long");
    if (self.sub && fill->len) *fill = jv_text(jv_escape(r, jv_view(*fill)));
    int64_t width = jinja_int_arg(r, a[0], 0, "a width"), len = (int64_t)jv_chars(jv_text(self));
    return r->code || width < len ? 0 : width - len;
}

jv method_ljust(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    str fill;
    int64_t n = missing_width(r, self, a, &fill);
    return method_padded(r, self, 0, n, fill);
}
jv method_rjust(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    str fill;
    int64_t n = missing_width(r, self, a, &fill);
    return method_padded(r, self, n, 0, fill);
}
jv method_center(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    str fill;
    int64_t n = missing_width(r, self, a, &fill), width = n + (int64_t)jv_chars(jv_text(self));
    int64_t left = n / 2 + (n & width & 1);
    return method_padded(r, self, left, n - left, fill);
}
jv method_zfill(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    str s = jv_text(self), fill;
    int64_t n = missing_width(r, self, (const jv[2]){a[0], {.kind = JV_MISSING}}, &fill);
    size_t sign = n && s.len && (s.ptr[0] == '-' || s.ptr[0] == '+');
    jv body = method_padded(r, like(self, jv_view(str_skip(s, sign))), n, 0, STR("0"));
    jv v = sign ? jv_concat(r, str_first(s, sign), jv_text(body)) : body;
    return like(self, v);
}

jv method_expandtabs(jrun *r, jv self, const jv *a, const jargs *args) {
    (void)args;
    int64_t size = jinja_int_arg(r, a[0], 8, "a tab's size"), column = 0;
    if (size > 1 << 16) return jr_fail(r, E_LIMIT, "tabs of over %d columns", 1 << 16);
    buf b;
    jr_charge(r, self.n / 16);
    jv_buf(r, &b, self.n);
    for (str s = jv_text(self); s.len && !b.failed;) {
        size_t n = text_first_len(s);
        int64_t spaces = s.ptr[0] == '\t' && size > 0 ? size - column % size : 0;
        for (int64_t i = 0; i < spaces; i++)
            buf_byte(&b, ' ');
        if (s.ptr[0] != '\t') buf_add(&b, str_first(s, n));
        column =
            s.ptr[0] == '\n' || s.ptr[0] == '\r' ? 0 : column + (s.ptr[0] == '\t' ? spaces : 1);
        s = str_skip(s, n);
    }
    return like(self, jv_from_buf(r, &b));
}
