// A recursive descent over the text. The items of open brackets gather on a stack, whose top part
// becomes an array in the arena when its bracket closes: so arrays are contiguous although nobody
// knows their length before.
//
//   I1  `at` never passes the end: every read of a byte goes through peek() or string_len()

#include "base/json_read.h"

#include "base/utf8.h"

#include <stdlib.h>

typedef struct reader {
    str text;
    size_t at;
    arena *a;
    json_value *stack;
    size_t n_stack, cap;
    int depth;
    err *e;
} reader;

size_t json_read_arena(size_t len) {
    // Of each byte at most one value, its place in the order of keys, and one of a string; and what
    // two allocations lose to alignment.
    return (len + 1) * (sizeof(json_value) + sizeof(uint32_t) + 1 + 2 * 16);
}

static status fail(const reader *r, status code, const char *what) {
    size_t line = 1, start = 0;
    for (size_t i = 0; i < r->at; i++)
        if (r->text.ptr[i] == '\n') line++, start = i + 1;
    return err_set(r->e, code, "JSON line %zu, column %zu: %s", line, r->at - start + 1, what);
}

static int peek(const reader *r) {  // I1
    return r->at < r->text.len ? (unsigned char)r->text.ptr[r->at] : -1;
}

static bool take(reader *r, char c) {
    bool is = peek(r) == c;
    r->at += is;
    return is;
}

static void skip_space(reader *r) {
    for (int c = peek(r); c == ' ' || c == '\n' || c == '\r' || c == '\t'; c = peek(r))
        r->at++;
}

// --- Strings -----------------------------------------------------------------------------------

static int hex_of(int c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool read_hex4(int32_t *out, reader *r) {
    int32_t v = 0;
    for (int i = 0; i < 4; i++) {
        int digit = hex_of(peek(r));
        if (digit < 0) return false;
        v = v * 16 + digit;
        r->at++;
    }
    *out = v;
    return true;
}

// What stands behind "\u": one code unit, or a pair of surrogates.
static status read_code_point(int32_t *cp, reader *r) {
    int32_t high, low = 0;
    if (!read_hex4(&high, r)) return fail(r, E_FORMAT, "four hexadecimal digits must follow \\u");
    *cp = high;
    if (high < 0xD800 || high > 0xDFFF) return OK;
    bool pair = high < 0xDC00 && take(r, '\\') && take(r, 'u') && read_hex4(&low, r) &&
                low >= 0xDC00 && low <= 0xDFFF;
    if (!pair) return fail(r, E_FORMAT, "half of a surrogate pair");
    *cp = 0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00);
    return OK;
}

static status read_escape(char **out, reader *r) {
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    int c = peek(r);
    const char *found = c > 0 ? strchr(from, c) : NULL;
    r->at += c >= 0;
    if (found) {
        *(*out)++ = to[found - from];
        return OK;
    }
    int32_t cp = 0;
    if (c != 'u') return fail(r, E_FORMAT, "no such escape");
    TRY(read_code_point(&cp, r));
    *out += utf8_encode(*out, cp);
    return OK;
}

// The length of the string whose inside begins at `at`, and whether it has escapes. SIZE_MAX when
// it has no end.
static size_t string_len(bool *has_escapes, const reader *r) {
    *has_escapes = false;
    for (size_t i = r->at; i < r->text.len; i++) {
        if (r->text.ptr[i] == '"') return i - r->at;
        if (r->text.ptr[i] != '\\') continue;
        *has_escapes = true;
        i++;
    }
    return SIZE_MAX;
}

static status check_plain(reader *r, str s) {
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < ' ') {
            r->at += i;
            return fail(r, E_FORMAT, "a control character must be escaped");
        }
    return utf8_valid(s) ? OK : fail(r, E_FORMAT, "a string is no UTF-8");
}

// Behind the opening quote.
static status read_string(str *out, reader *r) {
    bool has_escapes;
    size_t len = string_len(&has_escapes, r), end = r->at + len;
    if (len == SIZE_MAX) return fail(r, E_FORMAT, "a string has no end");
    str raw = {r->text.ptr + r->at, len};
    TRY(check_plain(r, raw));
    *out = raw;
    if (has_escapes) {
        char *room = arena_try(r->a, len), *to = room;  // an escape never gets longer
        if (!room) return fail(r, E_LIMIT, "no room for a string");
        while (r->at < end) {
            char c = r->text.ptr[r->at++];
            if (c != '\\')
                *to++ = c;
            else
                TRY(read_escape(&to, r));
        }
        *out = (str){room, (size_t)(to - room)};
    }
    r->at = end + 1;
    return OK;
}

// --- Numbers and words -------------------------------------------------------------------------

static bool skip_digits(reader *r) {
    size_t from = r->at;
    while (peek(r) >= '0' && peek(r) <= '9')
        r->at++;
    return r->at > from;
}

static status read_number(json_value *v, reader *r) {
    size_t from = r->at;
    bool ok, is_whole = true;
    take(r, '-');
    ok = take(r, '0') || skip_digits(r);
    if (ok && take(r, '.')) is_whole = false, ok = skip_digits(r);
    if (ok && (take(r, 'e') || take(r, 'E'))) {
        is_whole = false;
        if (!take(r, '-')) take(r, '+');
        ok = skip_digits(r);
    }
    if (!ok) return fail(r, E_FORMAT, "a number is not complete");
    str text = {r->text.ptr + from, r->at - from};
    v->kind = JSON_NUMBER;
    v->is_integer = is_whole && str_parse_i64(&v->integer, text);
    if (!str_parse_f64(&v->number, text))
        return fail(r, E_LIMIT, "a number is out of range or longer than 63 characters");
    return OK;
}

static status read_word(json_value *v, reader *r) {
    static const struct {
        str word;
        json_kind kind;
        bool boolean;
    } words[] = {{STR_INIT("true"), JSON_BOOL, true},
                 {STR_INIT("false"), JSON_BOOL, false},
                 {STR_INIT("null"), JSON_NULL, false}};
    str rest = str_skip(r->text, r->at);
    for (size_t i = 0; i < countof(words); i++) {
        if (!str_starts(rest, words[i].word)) continue;
        r->at += words[i].word.len;
        v->kind = words[i].kind;
        v->boolean = words[i].boolean;
        return OK;
    }
    return fail(r, E_FORMAT, rest.len ? "no value begins like this" : "the text ends too early");
}

// --- Arrays and objects ------------------------------------------------------------------------

static int cmp_keys(const void *a, const void *b, void *items) {
    const json_value *v = items;
    return str_cmp(v[*(const uint32_t *)a].key, v[*(const uint32_t *)b].key);
}

// The order of an object's keys, which must all differ.
static status order_keys(json_value *v, reader *r) {
    uint32_t *order = arena_try_array(r->a, v->n, sizeof *order);
    if (!order) return fail(r, E_LIMIT, "no room for an object");
    for (uint32_t i = 0; i < v->n; i++)
        order[i] = i;
    qsort_r(order, v->n, sizeof *order, cmp_keys, (void *)(uintptr_t)v->items);
    for (uint32_t i = 1; i < v->n; i++)
        if (str_eq(v->items[order[i - 1]].key, v->items[order[i]].key))
            return fail(r, E_FORMAT, "an object has the same key twice");
    v->by_key = order;
    return OK;
}

// The items above `from` on the stack become the array of v.
static status close_bracket(json_value *v, reader *r, size_t from) {
    size_t n = r->n_stack - from;
    r->n_stack = from;
    r->depth--;
    json_value *items = arena_try_array(r->a, n, sizeof *items);
    if (n && !items) return fail(r, E_LIMIT, "no room for an array");
    if (n) memcpy(items, r->stack + from, n * sizeof *items);
    v->items = items;
    v->n = (uint32_t)n;
    return v->kind == JSON_OBJECT && n ? order_keys(v, r) : OK;
}

static status push(reader *r, const json_value *item) {
    if (r->n_stack == r->cap) {
        size_t cap = r->cap ? 2 * r->cap : 64;
        json_value *bigger = reallocarray(r->stack, cap, sizeof *bigger);
        if (!bigger) return err_set(r->e, E_MEMORY, "no memory for %zu values of JSON", cap);
        r->stack = bigger;
        r->cap = cap;
    }
    r->stack[r->n_stack++] = *item;
    return OK;
}

static status read_value(json_value *v, reader *r);

static status read_member_key(str *key, reader *r) {
    skip_space(r);
    if (!take(r, '"')) return fail(r, E_FORMAT, "a key in quotes is expected");
    TRY(read_string(key, r));
    skip_space(r);
    return take(r, ':') ? OK : fail(r, E_FORMAT, "\":\" is expected");
}

static status read_items(json_value *v, reader *r, char close) {
    size_t from = r->n_stack;
    if (++r->depth > JSON_READ_DEPTH) return fail(r, E_LIMIT, "too many nested brackets");
    v->kind = close == '}' ? JSON_OBJECT : JSON_ARRAY;
    skip_space(r);
    if (take(r, close)) return close_bracket(v, r, from);
    do {
        json_value item = {0};
        if (v->kind == JSON_OBJECT) TRY(read_member_key(&item.key, r));
        TRY(read_value(&item, r));
        TRY(push(r, &item));
        skip_space(r);
    } while (take(r, ','));
    if (take(r, close)) return close_bracket(v, r, from);
    return fail(r, E_FORMAT,
                close == '}' ? "\",\" or \"}\" is expected" : "\",\" or \"]\" is expected");
}

static status read_value(json_value *v, reader *r) {
    skip_space(r);
    int c = peek(r);
    if (c == '-' || (c >= '0' && c <= '9')) return read_number(v, r);
    if (take(r, '{')) return read_items(v, r, '}');
    if (take(r, '[')) return read_items(v, r, ']');
    if (!take(r, '"')) return read_word(v, r);
    v->kind = JSON_STRING;
    return read_string(&v->string, r);
}

static status read_text(json_value *root, reader *r) {
    TRY(read_value(root, r));
    skip_space(r);
    return r->at < r->text.len ? fail(r, E_FORMAT, "something follows the end") : OK;
}

status json_read(const json_value **out, str text, arena *a, err *e) {
    *out = NULL;
    reader r = {.text = text, .a = a, .e = e};
    json_value *root = arena_try_array(a, 1, sizeof *root);
    if (text.len > UINT32_MAX || !root)
        return err_set(e, E_LIMIT, "no room for %zu bytes of JSON", text.len);
    status s = read_text(root, &r);
    free(r.stack);
    if (!s) *out = root;
    return s;
}

// --- Looking -----------------------------------------------------------------------------------

const json_value *json_get_str(const json_value *v, str key) {
    if (!v || v->kind != JSON_OBJECT) return NULL;
    for (size_t lo = 0, hi = v->n; lo < hi;) {
        size_t mid = (lo + hi) / 2;
        const json_value *item = &v->items[v->by_key[mid]];
        int order = str_cmp(key, item->key);
        if (order == 0) return item;
        if (order < 0)
            hi = mid;
        else
            lo = mid + 1;
    }
    return NULL;
}

const json_value *json_get(const json_value *v, const char *key) {
    return json_get_str(v, str_of(key));
}

static bool is_kind(const json_value *v, json_kind kind) {
    return v && v->kind == kind;
}

bool json_is_str(str *out, const json_value *v) {
    if (!is_kind(v, JSON_STRING)) return false;
    *out = v->string;
    return true;
}

bool json_is_int(int64_t *out, const json_value *v) {
    if (!is_kind(v, JSON_NUMBER) || !v->is_integer) return false;
    *out = v->integer;
    return true;
}

bool json_is_number(double *out, const json_value *v) {
    if (!is_kind(v, JSON_NUMBER)) return false;
    *out = v->number;
    return true;
}

bool json_is_bool(bool *out, const json_value *v) {
    if (!is_kind(v, JSON_BOOL)) return false;
    *out = v->boolean;
    return true;
}
