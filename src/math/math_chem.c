// math/math_chem.c -- \ce{2 H2 + O2 -> 2 H2O}: the everyday part of mhchem, to MathML.
//
// Letters are elements; digits behind a letter or bracket are below it, a charge is above it; a
// word of digits in front counts; arrows, "+" and "=" stand between.
//
// I1  every loop eats a byte; scripts are at most as long as the formula
// Source: mhchem.github.io/MathJax-mhchem (its manual)

#include "base/utf8.h"
#include "math/math.h"

enum { FORMULA_MAX = 4096 };

static bool is_letter(char c) {
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// The character at the start of s.
static str first_char(str s) {
    int32_t cp;
    return s.len ? str_first(s, utf8_decode(&cp, s)) : s;
}

static void put(buf *out, const char *text) {
    buf_add(out, str_of(text));
}

static void put_in(buf *out, const char *element, str text) {
    buf_fmt(out, "<%s>", element);
    buf_html(out, text);
    buf_fmt(out, "</%s>", str_eq(str_first(str_of(element), 2), STR("mi")) ? "mi" : element);
}

static const struct {
    str text;
    const char *sign;
} arrows[] = {
    {STR_INIT("<=>>"), "\xe2\x87\x8c"}, {STR_INIT("<<=>"), "\xe2\x87\x8c"},
    {STR_INIT("<-->"), "\xe2\x9f\xb7"}, {STR_INIT("<=>"), "\xe2\x87\x8c"},
    {STR_INIT("<->"), "\xe2\x86\x94"},  {STR_INIT("->"), "\xe2\x9f\xb6"},
    {STR_INIT("<-"), "\xe2\x9f\xb5"},
};

// "{...}" or one run of what `is_in` says; moves behind it.
static str script(str *s) {
    str rest = *s;
    size_t n = 0;
    if (rest.len && rest.ptr[0] == '{') {
        n = str_find_byte(rest, '}');
        *s = str_skip(rest, n + 1);
        return str_skip(str_first(rest, n), 1);
    }
    while (n < rest.len && (is_digit(rest.ptr[n]) || rest.ptr[n] == '+' || rest.ptr[n] == '-'))
        n++;
    if (!n) n = first_char(rest).len;
    *s = str_skip(rest, n);
    return str_first(rest, n);
}

static void put_script(buf *out, str text) {
    put(out, "<mtext>");
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '-')
            put(out, "\xe2\x88\x92");
        else if (text.ptr[i] != '$')
            buf_html(out, (str){text.ptr + i, 1});
    put(out, "</mtext>");
}

// What stands below and above at the start of *s.
static void scripts(str *below, str *above, str *s) {
    *below = *above = (str){0};
    size_t n = 0;
    while (n < s->len && is_digit(s->ptr[n]))
        n++;
    *below = str_first(*s, n);
    *s = str_skip(*s, n);
    for (int k = 0; k < 2; k++) {
        char c = s->len ? s->ptr[0] : 0;
        bool is_end = s->len == 1 || (s->len > 1 && strchr(" )]}", s->ptr[1]));
        if (c == '^' || c == '_') {
            *s = str_skip(*s, 1);
            str text = script(s);
            *(c == '^' ? above : below) = text;
        } else if ((c == '+' || c == '-') && is_end) {  // a charge without its "^"
            *above = str_first(*s, 1);
            *s = str_skip(*s, 1);
        }
    }
}

static void put_with_scripts(buf *out, const char *element, str base, str *s) {
    str below, above;
    scripts(&below, &above, s);
    put(out, below.len && above.len ? "<msubsup>"
             : below.len            ? "<msub>"
             : above.len            ? "<msup>"
                                    : "");
    put_in(out, element, base);
    if (below.len) put_script(out, below);
    if (above.len) put_script(out, above);
    put(out, below.len && above.len ? "</msubsup>"
             : below.len            ? "</msub>"
             : above.len            ? "</msup>"
                                    : "");
}

static bool put_arrow(buf *out, str *s) {
    for (size_t i = 0; i < countof(arrows); i++) {
        if (!str_starts(*s, arrows[i].text)) continue;
        *s = str_skip(*s, arrows[i].text.len);
        str over = {0};
        if (s->len && s->ptr[0] == '[') {
            size_t end = str_find_byte(*s, ']');
            over = str_skip(str_first(*s, end), 1);
            *s = str_skip(*s, end + 1);
        }
        put(out, over.len ? "<mover><mo stretchy=\"true\">" : "<mo stretchy=\"true\">");
        put(out, arrows[i].sign);
        put(out, "</mo>");
        if (over.len) {
            put_in(out, "mtext", over);
            put(out, "</mover>");
        }
        return true;
    }
    return false;
}

static bool put_part(buf *out, str *s, bool at_start) {
    char c = s->ptr[0];
    size_t n = 1;
    if (put_arrow(out, s)) return true;
    if (c == '\\') return false;
    if (c == '$') {  // $n$: a variable
        size_t end = str_find_byte(str_skip(*s, 1), '$');
        put_in(out, "mi", str_first(str_skip(*s, 1), end));
        *s = str_skip(*s, end + 2);
    } else if (is_letter(c)) {
        while (n < s->len && s->ptr[n] >= 'a' && s->ptr[n] <= 'z')
            n++;
        str base = str_first(*s, n);
        *s = str_skip(*s, n);
        put_with_scripts(out, n == 1 ? "mi mathvariant=\"normal\"" : "mi", base, s);
    } else if (is_digit(c) && at_start) {
        while (n < s->len && (is_digit(s->ptr[n]) || s->ptr[n] == '.' || s->ptr[n] == '/'))
            n++;
        put_in(out, "mn", str_first(*s, n));
        put(out, "<mspace width=\"0.1667em\"></mspace>");
        *s = str_skip(*s, n);
    } else if (c == ')' || c == ']' || c == '}') {
        *s = str_skip(*s, 1);
        put_with_scripts(out, "mo", c == '}' ? STR("") : c == ')' ? STR(")") : STR("]"), s);
    } else if (c == '^' || c == '_') {
        put_with_scripts(out, "mi", STR(""), s);
    } else if (c == '{') {
        *s = str_skip(*s, 1);
    } else {
        str sign = c == '-' || c == '='   ? (c == '-' ? STR("\xe2\x88\x92") : STR("="))
                   : c == '*' || c == '.' ? STR("\xe2\x8b\x85")
                                          : first_char(*s);
        *s = str_skip(*s, first_char(*s).len);
        put_in(out, "mo", sign);
    }
    return true;
}

bool math_chem(buf *out, str formula) {
    size_t at = out->len;
    bool at_start = true;
    if (formula.len > FORMULA_MAX) return false;
    put(out, "<mrow>");
    for (str s = str_trim(formula); s.len;) {
        if (s.ptr[0] == ' ' || s.ptr[0] == '\n' || s.ptr[0] == '\t') {
            s = str_skip(s, 1);
            at_start = true;
            continue;
        }
        if (!put_part(out, &s, at_start)) {
            out->len = at;
            return false;
        }
        at_start = false;
    }
    put(out, "</mrow>");
    return !out->failed;
}
