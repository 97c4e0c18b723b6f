// Text to tokens. A template is text with tags in it: {{ }}, {% %}, {# #}; whitespace around them
// goes by trim_blocks and lstrip_blocks or by the - and + in them.
//
//   I1  `at` only grows, and stays at a character's first byte
//   I2  an end of a tag inside open brackets is no end ("{{ {'a': {}} }}")
//
// Rejected: regular expressions, as the original has them: the rules are few, and a scanner by hand
// is linear also on a hostile text.

#include "base/utf8.h"
#include "jinja/node.h"
#include "jinja/text.h"

enum { BRACKETS_MAX = JINJA_DEPTH_MAX };

typedef struct lexer {
    str text;
    size_t at;
    uint32_t line;
    bool line_starting;  // what came before ended in a newline
    arena *mem;
    buf out;  // tokens
    char open[BRACKETS_MAX];
    size_t n_open;
    err *e;
} lexer;

static status fail(const lexer *l, const char *what) {
    return err_set(l->e, E_FORMAT, "line %u: %s", l->line, what);
}

static void push(lexer *l, token_kind kind, str text) {
    token t = {.kind = kind, .line = l->line, .text = text};
    buf_add(&l->out, (str){(char *)&t, sizeof t});
}

static str rest(const lexer *l) {
    return str_skip(l->text, l->at);
}

static void advance(lexer *l, size_t n) {
    for (size_t i = 0; i < n; i++)
        l->line += l->text.ptr[l->at + i] == '\n';
    l->at += n;
    if (n) l->line_starting = l->text.ptr[l->at - 1] == '\n';
}

static void skip_space(lexer *l) {
    advance(l, l->text.len - l->at - text_lstrip(rest(l)).len);
}

// The length of a tag's end here ("-%}" and all space behind, "+%}", "%}" and a newline), or 0.
static size_t end_len(str s, const char *end, bool trims) {
    size_t sign = s.len && (s.ptr[0] == '-' || (s.ptr[0] == '+' && trims));
    if (!str_starts(str_skip(s, sign), str_of(end))) return 0;
    size_t n = sign + 2;
    if (sign && s.ptr[0] == '-') return s.len - text_lstrip(str_skip(s, n)).len;
    return n + (!sign && trims && n < s.len && s.ptr[n] == '\n');
}

// Data before a tag whose sign is given ('-', '+' or 0).
static void push_data(lexer *l, str data, char sign, bool is_output) {
    if (sign == '-') {
        data = text_rstrip(data);
    } else if (sign != '+' && !is_output) {
        size_t from = data.len;
        while (from && data.ptr[from - 1] != '\n')
            from--;
        str line = str_skip(data, from);
        if ((from || l->line_starting) && line.len && !text_lstrip(line).len) data.len = from;
    }
    if (data.len) push(l, T_DATA, data);
}

// --- Inside of a tag -----------------------------------------------------------------------------

static int digit_of(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : 99;
}

// Digits of a base with single underscores between them; how many bytes.
static size_t digits_len(str s, int base, bool may_lead) {
    size_t n = 0;
    while (n < s.len) {
        size_t under = s.ptr[n] == '_' && (n || may_lead);
        if (n + under >= s.len || digit_of(s.ptr[n + under]) >= base) break;
        n += under + 1;
    }
    return n;
}

static size_t float_len(str s) {
    size_t n = digits_len(s, 10, false), whole = n;
    if (!n) return 0;
    if (n + 1 < s.len && s.ptr[n] == '.') {
        size_t fraction = digits_len(str_skip(s, n + 1), 10, false);
        if (fraction) n += 1 + fraction;
    }
    if (n < s.len && (s.ptr[n] | 32) == 'e') {
        size_t sign = n + 1 < s.len && (s.ptr[n + 1] == '+' || s.ptr[n + 1] == '-');
        size_t exponent = digits_len(str_skip(s, n + 1 + sign), 10, false);
        if (exponent) n += 1 + sign + exponent;
    }
    return n > whole ? n : 0;
}

static size_t int_len(str s, int *base) {
    static const struct {
        char mark;
        int base;
    } bases[] = {{'b', 2}, {'o', 8}, {'x', 16}};
    *base = 10;
    if (s.ptr[0] != '0') return digits_len(s, 10, false);
    for (size_t i = 0; i < countof(bases) && s.len > 1; i++) {
        if ((s.ptr[1] | 32) != bases[i].mark) continue;
        size_t n = digits_len(str_skip(s, 2), bases[i].base, true);
        if (!n) break;
        *base = bases[i].base;
        return 2 + n;
    }
    return digits_len(s, 1, false);  // zeros only
}

static str without_underscores(lexer *l, str s) {
    char *p = arena_try(l->mem, s.len + 1);
    if (!p) return (str){0};
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] != '_') p[n++] = s.ptr[i];
    return (str){p, n};
}

static status lex_int(lexer *l, size_t len, int base) {
    token t = {.kind = T_INT, .line = l->line, .text = str_first(rest(l), len)};
    int64_t v = 0;
    for (size_t i = base == 10 ? 0 : 2; i < len; i++) {
        if (t.text.ptr[i] == '_') continue;
        if (__builtin_mul_overflow(v, base, &v) ||
            __builtin_add_overflow(v, digit_of(t.text.ptr[i]), &v))
            return fail(l, "integers have 64 bits");
    }
    t.number = jv_int(v);
    buf_add(&l->out, (str){(char *)&t, sizeof t});
    advance(l, len);
    return OK;
}

static status lex_float(lexer *l, size_t len) {
    token t = {.kind = T_FLOAT, .line = l->line, .text = str_first(rest(l), len)};
    double v;
    if (!text_parse_float(&v, without_underscores(l, t.text))) return fail(l, "this is no number");
    t.number = jv_float(v);
    buf_add(&l->out, (str){(char *)&t, sizeof t});
    advance(l, len);
    return OK;
}

// The code point of an escape with `digits` digits of a base; < 0: malformed.
static int32_t escaped_number(str s, size_t digits, int base, size_t *used) {
    int32_t v = 0;
    size_t n = 0;
    while (n < digits && n < s.len && digit_of(s.ptr[n]) < base && v < 0x1000000)
        v = v * base + digit_of(s.ptr[n++]);
    *used = n;
    return base == 16 && n != digits ? -1 : v;
}

// One escape after its backslash, as Python reads it. Unknown ones stay as they are.
static status unescape(lexer *l, buf *to, str s, size_t *used) {
    static const char from[] = "\\'\"abfnrtv", into[] = "\\'\"\a\b\f\n\r\t\v";
    const char *simple = s.ptr[0] ? strchr(from, s.ptr[0]) : NULL;
    *used = 1;
    if (simple) return buf_byte(to, into[simple - from]), OK;
    if (s.ptr[0] == '\n') return OK;
    size_t digits = s.ptr[0] == 'x' ? 2 : s.ptr[0] == 'u' ? 4 : s.ptr[0] == 'U' ? 8 : 0, n;
    int32_t cp;
    if (digits) {
        cp = escaped_number(str_skip(s, 1), digits, 16, &n);
        *used = 1 + n;
    } else if (digit_of(s.ptr[0]) < 8) {
        cp = escaped_number(s, 3, 8, used);
    } else if (s.ptr[0] == 'N') {
        return fail(l, "\\N escapes are not supported");
    } else {
        buf_byte(to, '\\');
        *used = 0;
        return OK;
    }
    if (cp < 0 || cp > 0x10FFFF || (cp >= 0xD800 && cp < 0xE000))
        return fail(l, "an escape in a string is malformed or no character");
    char bytes[UTF8_MAX];
    buf_add(to, (str){bytes, utf8_encode(bytes, cp)});
    return OK;
}

static status lex_string(lexer *l) {
    str s = rest(l);
    size_t n = 1;
    bool has_escapes = false;
    for (; n < s.len && s.ptr[n] != s.ptr[0]; n++) {
        if (s.ptr[n] != '\\') continue;
        has_escapes = true;
        n++;
    }
    if (n >= s.len) return fail(l, "a string has no end");
    str inner = {s.ptr + 1, n - 1};
    if (has_escapes) {
        buf b;
        buf_init(&b, l->mem, inner.len);
        for (size_t i = 0, used; i < inner.len; i += used) {
            used = 1;
            if (inner.ptr[i] != '\\') {
                buf_byte(&b, inner.ptr[i]);
                continue;
            }
            TRY(unescape(l, &b, str_skip(inner, i + 1), &used));
            used++;
        }
        if (b.failed) return err_set(l->e, E_LIMIT, "a template's strings do not fit");
        inner = buf_str(&b);
    }
    push(l, T_STRING, inner);
    advance(l, n + 1);
    return OK;
}

static status brackets(lexer *l, char c) {
    const char *opens = "([{", *closes = ")]}";
    if (strchr(opens, c)) {
        if (l->n_open == BRACKETS_MAX)
            return err_set(l->e, E_LIMIT, "line %u: over %d open brackets", l->line, BRACKETS_MAX);
        l->open[l->n_open++] = closes[strchr(opens, c) - opens];
    } else if (strchr(closes, c)) {
        if (!l->n_open || l->open[--l->n_open] != c)
            return err_set(l->e, E_FORMAT, "line %u: unexpected '%c'", l->line, c);
    }
    return OK;
}

static status lex_operator(lexer *l) {
    static const char *const two[] = {"//", "**", "==", "!=", ">=", "<="};
    str s = rest(l);
    size_t n = 0;
    for (size_t i = 0; i < countof(two) && !n; i++)
        if (str_starts(s, str_of(two[i]))) n = 2;
    if (!n) n = s.ptr[0] && strchr("+-*/%~[](){}<>=.:|,;", s.ptr[0]) != NULL;
    if (!n)
        return err_set(l->e, E_FORMAT, "line %u: unexpected character '%.*s'", l->line,
                       (int)text_first_len(s), s.ptr);
    if (n == 1) TRY(brackets(l, s.ptr[0]));
    push(l, T_OP, str_first(s, n));
    advance(l, n);
    return OK;
}

static status lex_one(lexer *l) {
    str s = rest(l);
    int base;
    // A float does not begin behind a dot: "a.0.1" is two subscripts.
    size_t n = l->text.ptr[l->at - 1] == '.' ? 0 : float_len(s);
    if (n) return lex_float(l, n);
    if ((n = int_len(s, &base))) return lex_int(l, n, base);
    if ((n = text_word_len(s))) {
        push(l, T_NAME, str_first(s, n));
        advance(l, n);
        return OK;
    }
    if (s.ptr[0] == '"' || s.ptr[0] == '\'') return lex_string(l);
    return lex_operator(l);
}

static status lex_tag(lexer *l, token_kind end, const char *mark) {
    l->n_open = 0;
    for (;;) {
        size_t n = l->n_open ? 0 : end_len(rest(l), mark, end == T_BLOCK_END);  // I2
        if (n) {
            push(l, end, (str){0});
            advance(l, n);
            return OK;
        }
        skip_space(l);
        if (l->at == l->text.len)
            return fail(l, end == T_BLOCK_END ? "a tag {% has no end" : "a tag {{ has no end");
        n = l->n_open ? 0 : end_len(rest(l), mark, end == T_BLOCK_END);
        if (!n) TRY(lex_one(l));
    }
}

// --- Between tags --------------------------------------------------------------------------------

static status lex_comment(lexer *l) {
    for (str s = rest(l); s.len; s = str_skip(s, 1)) {
        size_t n = end_len(s, "#}", true);
        if (!n) continue;
        advance(l, (size_t)(s.ptr - rest(l).ptr) + n);
        return OK;
    }
    return l->at == l->text.len ? OK : fail(l, "a comment {# has no end");
}

// "{%", a sign, `word`, the end of a tag: its whole length, or 0. *sign is 0 where there is none.
static size_t tag_len(str s, const char *word, bool trims, char *sign) {
    if (!str_starts(s, STR("{%"))) return 0;
    str t = str_skip(s, 2);
    *sign = t.len && (t.ptr[0] == '-' || t.ptr[0] == '+') ? t.ptr[0] : 0;
    t = text_lstrip(str_skip(t, *sign != 0));
    if (!str_starts(t, str_of(word))) return 0;
    t = text_lstrip(str_skip(t, strlen(word)));
    size_t n = end_len(t, "%}", trims || (t.len && t.ptr[0] == '-'));
    if (!trims && n > 2 && t.ptr[0] != '-') n = 0;
    return n ? s.len - t.len + n : 0;
}

static status lex_raw(lexer *l) {
    str all = rest(l);
    for (str s = all; s.len; s = str_skip(s, 1)) {
        char sign;
        size_t n = s.ptr[0] == '{' ? tag_len(s, "endraw", true, &sign) : 0;
        if (!n) continue;
        str data = str_first(all, (size_t)(s.ptr - all.ptr));
        push_data(l, data, sign, false);
        advance(l, data.len + n);
        return OK;
    }
    return all.len ? fail(l, "{% raw %} has no end") : OK;
}

static status lex_root(lexer *l) {
    str all = rest(l);
    const char *p = all.ptr, *end = all.ptr + all.len;
    for (; (p = memchr(p, '{', (size_t)(end - p))) != NULL; p++)
        if (end - p > 1 && strchr("{%#", p[1]) && p[1]) break;
    if (!p) {
        push(l, T_DATA, all);
        advance(l, all.len);
        return OK;
    }
    str data = str_first(all, (size_t)(p - all.ptr)), tag = str_skip(all, data.len);
    char sign = 0;
    size_t n = tag_len(tag, "raw", false, &sign);
    bool is_raw = n != 0;
    if (!is_raw) {
        sign = tag.len > 2 && (tag.ptr[2] == '-' || tag.ptr[2] == '+') ? tag.ptr[2] : 0;
        n = 2 + (sign != 0);
    }
    push_data(l, data, sign, tag.ptr[1] == '{');
    advance(l, data.len);
    if (!is_raw && tag.ptr[1] != '#')
        push(l, tag.ptr[1] == '%' ? T_BLOCK_BEGIN : T_OUT_BEGIN, (str){0});
    advance(l, n);
    if (is_raw) return lex_raw(l);
    if (tag.ptr[1] == '#') return lex_comment(l);
    return tag.ptr[1] == '%' ? lex_tag(l, T_BLOCK_END, "%}") : lex_tag(l, T_OUT_END, "}}");
}

// One spelling of newlines, and none at the very end (keep_trailing_newline is off).
static str normalized(str text, arena *a) {
    char *p = arena_try(a, text.len + 1);
    if (!p) return (str){0};
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\r' && i + 1 < text.len && text.ptr[i + 1] == '\n') continue;
        p[n++] = text.ptr[i] == '\r' ? '\n' : text.ptr[i];
    }
    if (n && p[n - 1] == '\n') n--;
    return (str){p, n};
}

status jinja_lex(const token **out, str text, arena *a, err *e) {
    if (text.len > JINJA_TEXT_MAX)
        return err_set(e, E_LIMIT, "a template of %zu bytes, over %d", text.len, JINJA_TEXT_MAX);
    if (!utf8_valid(text)) return err_set(e, E_FORMAT, "a template must be UTF-8");
    lexer l = {.line = 1, .line_starting = true, .mem = a, .e = e};
    l.text = normalized(text, a);
    buf_init(&l.out, a, 64 * sizeof(token));
    while (l.at < l.text.len)
        TRY(lex_root(&l));
    push(&l, T_EOF, (str){0});
    if (!l.text.ptr || l.out.failed) return err_set(e, E_LIMIT, "a template does not fit");
    *out = (const token *)(const void *)l.out.ptr;
    return OK;
}
