// math/math.c -- TeX to presentation MathML, in one pass over the text.
//
// A row is atoms one after the other; an atom is a base with what stands below and above it. The
// output is written in order; where an element has to open in front of what is written already (a
// base turns out to have a script), the tag is put in between.
//
// I1  an argument is exactly one element: put_arg wraps what is more or less
// I2  every recursion passes enter(), so nesting is bounded; every loop eats a byte
// I3  on failure the output is cut to where it began: half a formula is never shown
//
// Rejected: a tree first. Formulas are short, and what moves is at most the atom before.

#include "math/math.h"

#include "base/utf8.h"

#include <stdio.h>

enum { TEX_MAX = 64 << 10, DEPTH_MAX = 40, CELLS_MAX = 4096 };

typedef struct tex {
    str s;
    size_t i;
    buf *out;
    int depth;
    tex_font font;
    bool failed;
} tex;

typedef enum token_kind { T_END, T_COMMAND, T_CHAR } token_kind;

typedef struct token {
    token_kind kind;
    str text;  // of a command without its backslash
    const tex_row *command;
    size_t next;
} token;

static size_t put_row(tex *t);
static void put_arg(tex *t);
static size_t put_atom(tex *t);

// --- Text ----------------------------------------------------------------------------------

static void fail(tex *t) {
    t->failed = true;
    t->i = t->s.len;
}

static bool is_letter(char c) {
    return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static token peek(tex *t) {
    while (t->i < t->s.len) {
        char c = t->s.ptr[t->i];
        if (c == '%')
            t->i += str_find_byte(str_skip(t->s, t->i), '\n');
        else if (strchr(" \t\n\r", c))
            t->i++;
        else
            break;
    }
    str rest = str_skip(t->s, t->i);
    token k = {.kind = T_END, .next = t->i};
    if (!rest.len) return k;
    size_t n = 1;
    if (rest.ptr[0] == '\\' && rest.len > 1) {
        while (n < rest.len && is_letter(rest.ptr[n]))
            n++;
        if (n == 1) n = 2;
        k.kind = T_COMMAND;
        k.text = str_skip(str_first(rest, n), 1);
        k.command = tex_command(k.text);
    } else {
        int32_t cp;
        n = utf8_decode(&cp, rest);
        k.kind = T_CHAR;
        k.text = str_first(rest, n);
    }
    k.next = t->i + n;
    return k;
}

static bool is_char(token k, char c) {
    return k.kind == T_CHAR && k.text.len == 1 && k.text.ptr[0] == c;
}

static bool is_command(token k, const char *name) {
    return k.kind == T_COMMAND && str_eq(k.text, str_of(name));
}

static bool eat(tex *t, char c) {
    token k = peek(t);
    if (is_char(k, c)) t->i = k.next;
    return is_char(k, c);
}

// "{name}" as it stands, up to the brace that closes it.
static str raw_group(tex *t) {
    if (!eat(t, '{')) {
        token k = peek(t);
        t->i = k.next;
        return k.text;
    }
    size_t from = t->i;
    for (int depth = 1; t->i < t->s.len; t->i++) {
        char c = t->s.ptr[t->i];
        if (c == '\\' && t->i + 1 < t->s.len)
            t->i++;
        else if (c == '{')
            depth++;
        else if (c == '}' && !--depth)
            return str_first(str_skip(t->s, from), t->i++ - from);
    }
    fail(t);
    return STR("");
}

// "[...]" of an optional argument; false when there is none.
static bool raw_option(str *out, tex *t) {
    size_t from = t->i;
    if (!eat(t, '[')) return false;
    str rest = str_skip(t->s, t->i);
    size_t end = str_find_byte(rest, ']');
    if (end == rest.len) {
        t->i = from;
        return false;
    }
    *out = str_first(rest, end);
    t->i += end + 1;
    return true;
}

// --- Output --------------------------------------------------------------------------------

static void put(tex *t, const char *text) {
    buf_add(t->out, str_of(text));
}

// Puts text in front of what was written from `at` on.
static void insert(tex *t, size_t at, const char *text) {
    size_t n = strlen(text), tail = t->out->len - at;
    if (!buf_room(t->out, n)) return fail(t);
    memmove(t->out->ptr + at + n, t->out->ptr + at, tail);
    memcpy(t->out->ptr + at, text, n);
    t->out->len += n;
}

static void reverse(char *a, size_t n) {
    for (size_t i = 0; i + 1 < n - i; i++) {
        char c = a[i];
        a[i] = a[n - 1 - i];
        a[n - 1 - i] = c;
    }
}

// Exchanges [a, b) and [b, end).
static void exchange(tex *t, size_t a, size_t b) {
    char *p = t->out->ptr + a;
    size_t n = t->out->len - a, left = b - a;
    if (!n) return;
    reverse(p, left);
    reverse(p + left, n - left);
    reverse(p, n);
}

static void wrap(tex *t, size_t at, const char *open, const char *close) {
    insert(t, at, open);
    put(t, close);
}

static bool enter(tex *t) {
    if (++t->depth > DEPTH_MAX) fail(t);
    return !t->failed;
}

// --- Letters, numbers, signs ---------------------------------------------------------------

static void put_escaped(tex *t, str text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '<')
            put(t, "&lt;");
        else if (c == '>')
            put(t, "&gt;");
        else if (c == '&')
            put(t, "&amp;");
        else if (c == '"')
            put(t, "&quot;");
        else
            buf_byte(t->out, c);
    }
}

static void put_in_font(tex *t, char c) {
    char bytes[UTF8_MAX];
    buf_add(t->out, (str){bytes, utf8_encode(bytes, tex_letter(t->font, c))});
}

static void put_letters(tex *t, token k) {
    char c = k.text.ptr[0];
    if (t->font != WT_FONT_UPRIGHT) {
        put(t, "<mi>");
        put_in_font(t, c);
        put(t, "</mi>");
        t->i = k.next;
        return;
    }
    size_t from = t->i;
    while (t->i < t->s.len && is_letter(t->s.ptr[t->i]))
        t->i++;
    put(t, t->i - from == 1 ? "<mi mathvariant=\"normal\">" : "<mi>");
    buf_add(t->out, str_first(str_skip(t->s, from), t->i - from));
    put(t, "</mi>");
}

static void put_number(tex *t) {
    put(t, "<mn>");
    while (t->i < t->s.len) {
        char c = t->s.ptr[t->i];
        bool is_point = (c == '.' || c == ',') && t->i + 1 < t->s.len &&
                        is_digit(t->s.ptr[t->i + 1]) && c == '.';
        if (!is_digit(c) && !is_point) break;
        if (is_digit(c))
            put_in_font(t, c);
        else
            buf_byte(t->out, c);
        t->i++;
    }
    put(t, "</mn>");
}

static void put_operator(tex *t, str text, const char *attrs) {
    put(t, "<mo");
    put(t, attrs);
    put(t, ">");
    buf_add(t->out, text);
    put(t, "</mo>");
}

static size_t put_char(tex *t, token k) {
    char c = k.text.ptr[0];
    if (k.text.len > 1) {  // beyond ASCII, as written
        t->i = k.next;
        put(t, "<mi>");
        buf_add(t->out, k.text);
        put(t, "</mi>");
    } else if (is_letter(c)) {
        put_letters(t, k);
    } else if (is_digit(c)) {
        put_number(t);
    } else if (c == '~') {
        t->i = k.next;
        put(t, "<mspace width=\"0.3333em\"></mspace>");
    } else if (strchr("()[]|", c)) {
        t->i = k.next;
        put_operator(t, k.text, " stretchy=\"false\"");
    } else if (c == '-' || c == '*') {
        t->i = k.next;
        put_operator(t, c == '-' ? STR("\xe2\x88\x92") : STR("\xe2\x88\x97"), "");
    } else if (strchr("+=/<>,;:!?.\"@`'", c)) {
        t->i = k.next;
        put(t, c == ',' || c == ';' ? "<mo separator=\"true\">" : "<mo>");
        put_escaped(t, k.text);
        put(t, "</mo>");
    } else {
        fail(t);
    }
    return 1;
}

// --- Arguments -----------------------------------------------------------------------------

// What stands between braces, as one element; the opening one is eaten.
static void put_group(tex *t) {
    size_t at = t->out->len;
    tex_font font = t->font;
    size_t n = put_row(t);
    t->font = font;
    if (!eat(t, '}')) fail(t);
    if (n != 1) wrap(t, at, "<mrow>", "</mrow>");
}

static void put_arg(tex *t) {
    if (!enter(t)) return;
    if (eat(t, '{')) {
        put_group(t);
    } else {
        token k = peek(t);
        size_t at = t->out->len, n = 1;
        if (k.kind == T_CHAR && is_digit(k.text.ptr[0])) {  // one digit: x^23 is x squared, 3
            t->i = k.next;
            put(t, "<mn>");
            put_in_font(t, k.text.ptr[0]);
            put(t, "</mn>");
        } else if (k.kind == T_CHAR && is_letter(k.text.ptr[0])) {
            tex_font font = t->font;
            bool is_upright = font == WT_FONT_UPRIGHT;
            put(t, is_upright ? "<mi mathvariant=\"normal\">" : "<mi>");
            put_in_font(t, k.text.ptr[0]);
            put(t, "</mi>");
            t->i = k.next;
        } else if (k.kind == T_END || is_char(k, '}') || is_char(k, '&')) {
            fail(t);
        } else {
            n = put_atom(t);
        }
        if (n != 1) wrap(t, at, "<mrow>", "</mrow>");
    }
    t->depth--;
}

// An argument that is another text: of an optional one.
static void put_text_as_arg(tex *t, str text) {
    tex inner = {.s = text, .out = t->out, .depth = t->depth, .font = t->font};
    size_t at = t->out->len, n = enter(&inner) ? put_row(&inner) : 0;
    if (inner.failed || inner.i < inner.s.len) return fail(t);
    if (n != 1) wrap(t, at, "<mrow>", "</mrow>");
}

// --- Scripts -------------------------------------------------------------------------------

// ' and '' and so on.
static void put_primes(tex *t) {
    static const char *const primes[] = {"", "\xe2\x80\xb2", "\xe2\x80\xb3", "\xe2\x80\xb4"};
    size_t n = 0;
    while (eat(t, '\''))
        n++;
    put(t, "<mo>");
    for (; n > 3; n -= 3)
        put(t, primes[3]);
    put(t, primes[n]);
    put(t, "</mo>");
}

// x'^2: the primes and what follows are one script.
static void put_upper(tex *t) {
    size_t at = t->out->len;
    bool has_primes = is_char(peek(t), '\'');
    if (has_primes) put_primes(t);
    if (!eat(t, '^')) return;
    put_arg(t);
    if (has_primes) wrap(t, at, "<mrow>", "</mrow>");
}

static bool starts_upper(tex *t) {
    token k = peek(t);
    return is_char(k, '^') || is_char(k, '\'');
}

// Below and above the base written from `at` on; `over`: right over and under it.
static void put_scripts(tex *t, size_t at, bool over) {
    size_t base_end = t->out->len;
    bool has_lower = false, has_upper = starts_upper(t);
    if (has_upper) put_upper(t);
    size_t mid = t->out->len;
    if (eat(t, '_')) {
        has_lower = true;
        put_arg(t);
        if (has_upper && !t->failed) exchange(t, base_end, mid);
    }
    if (has_lower && !has_upper && starts_upper(t)) {
        has_upper = true;
        put_upper(t);
    }
    if (has_lower && has_upper)
        wrap(t, at, over ? "<munderover>" : "<msubsup>", over ? "</munderover>" : "</msubsup>");
    else if (has_lower)
        wrap(t, at, over ? "<munder>" : "<msub>", over ? "</munder>" : "</msub>");
    else if (has_upper)
        wrap(t, at, over ? "<mover>" : "<msup>", over ? "</mover>" : "</msup>");
    token k = peek(t);
    if (is_char(k, '_') || is_char(k, '^')) fail(t);  // TeX: double script
}

// --- Fences and tables ---------------------------------------------------------------------

// A delimiter behind \left and its like: "(", "\{", ".".
static void put_fence(tex *t, const char *attrs) {
    token k = peek(t);
    t->i = k.next;
    if (is_char(k, '.')) return put_operator(t, STR(""), attrs);
    bool is_fence = k.kind == T_CHAR && (strchr("()[]|/", k.text.ptr[0]) || k.text.len > 1);
    if (is_fence) return put_operator(t, k.text, attrs);
    if (is_char(k, '<')) return put_operator(t, STR("\xe2\x9f\xa8"), attrs);
    if (is_char(k, '>')) return put_operator(t, STR("\xe2\x9f\xa9"), attrs);
    if (!k.command || k.command->kind != WT_TEX_OPERATOR) return fail(t);
    put_operator(t, str_of(k.command->text), attrs);
}

static const char stretchy[] = " fence=\"true\" stretchy=\"true\"";

static void put_left(tex *t, const tex_row *c) {
    (void)c;
    put(t, "<mrow>");
    put_fence(t, stretchy);
    for (;;) {
        put_row(t);
        token k = peek(t);
        t->i = k.next;
        if (is_command(k, "middle")) {
            put_fence(t, stretchy);
        } else {
            if (!is_command(k, "right")) fail(t);
            break;
        }
    }
    if (!t->failed) put_fence(t, stretchy);
    put(t, "</mrow>");
}

static const struct {
    const char *name, *open, *close, *attrs;
    bool has_columns;  // an argument that describes them
} environments[] = {
    {"matrix", "", "", "", false},
    {"smallmatrix", "", "", "", false},
    {"pmatrix", "(", ")", "", false},
    {"bmatrix", "[", "]", "", false},
    {"Bmatrix", "{", "}", "", false},
    {"vmatrix", "|", "|", "", false},
    {"Vmatrix", "\xe2\x80\x96", "\xe2\x80\x96", "", false},
    {"cases", "{", "", " columnalign=\"left\" class=\"wt-cases\"", false},
    {"rcases", "", "}", " columnalign=\"left\" class=\"wt-cases\"", false},
    {"array", "", "", "", true},
    {"align", "", "", " columnalign=\"right left\" class=\"wt-align\"", false},
    {"align*", "", "", " columnalign=\"right left\" class=\"wt-align\"", false},
    {"aligned", "", "", " columnalign=\"right left\" class=\"wt-align\"", false},
    {"alignat", "", "", " columnalign=\"right left\" class=\"wt-align\"", true},
    {"alignat*", "", "", " columnalign=\"right left\" class=\"wt-align\"", true},
    {"alignedat", "", "", " columnalign=\"right left\" class=\"wt-align\"", true},
    {"split", "", "", " columnalign=\"right left\" class=\"wt-align\"", false},
    {"eqnarray", "", "", " columnalign=\"right center left\" class=\"wt-align\"", false},
    {"gather", "", "", "", false},
    {"gather*", "", "", "", false},
    {"gathered", "", "", "", false},
    {"multline", "", "", "", false},
    {"equation", "", "", "", false},
    {"equation*", "", "", "", false},
    {"substack", "", "", "", false},
};

// Rows and cells up to what neither "&" nor "\\" goes on from.
static void put_cells(tex *t) {
    put(t, "<mtr><mtd>");
    for (int n = 0; n < CELLS_MAX && !t->failed; n++) {
        tex_font font = t->font;
        put_row(t);
        t->font = font;
        token k = peek(t);
        str skipped;
        if (is_char(k, '&')) {
            t->i = k.next;
            put(t, "</mtd><mtd>");
        } else if (is_command(k, "\\") || is_command(k, "cr")) {
            t->i = k.next;
            raw_option(&skipped, t);
            if (is_command(peek(t), "end")) break;
            put(t, "</mtd></mtr><mtr><mtd>");
        } else {
            break;
        }
    }
    put(t, "</mtd></mtr>");
}

static void put_environment(tex *t, const tex_row *c) {
    (void)c;
    str name = raw_group(t), skipped;
    size_t i = 0;
    while (i < countof(environments) && !str_eq(name, str_of(environments[i].name)))
        i++;
    if (i == countof(environments)) return fail(t);
    bool is_fenced = environments[i].open[0] || environments[i].close[0];
    raw_option(&skipped, t);
    if (environments[i].has_columns) raw_group(t);
    if (is_fenced) {
        put(t, "<mrow>");
        put_operator(t, str_of(environments[i].open), stretchy);
    }
    put(t, "<mtable");
    put(t, environments[i].attrs);
    put(t, ">");
    put_cells(t);
    put(t, "</mtable>");
    if (is_fenced) {
        put_operator(t, str_of(environments[i].close), stretchy);
        put(t, "</mrow>");
    }
    token k = peek(t);
    t->i = k.next;
    if (!is_command(k, "end") || !str_eq(raw_group(t), name)) fail(t);
}

// --- Commands with arguments ---------------------------------------------------------------

static void put_words(tex *t, str text, const char *attrs) {
    put(t, "<mtext");
    put(t, attrs);
    put(t, ">");
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool is_escape = c == '\\' && i + 1 < text.len && strchr("%$#&_{} ,", text.ptr[i + 1]);
        if (is_escape) c = text.ptr[++i];
        if (c == '\\') return fail(t);
        if (!is_escape && (c == '$' || c == '{' || c == '}')) continue;
        if (c == ' ' || c == '~')
            put(t, "&#160;");
        else
            put_escaped(t, (str){&c, 1});
    }
    put(t, "</mtext>");
}

static void put_fraction(tex *t, const tex_row *c) {
    put(t, c->n ? "<mrow><mo>(</mo><mfrac" : "<mfrac");
    put(t, c->text);
    put(t, ">");
    put_arg(t);
    put_arg(t);
    put(t, c->n ? "</mfrac><mo>)</mo></mrow>" : "</mfrac>");
}

static void put_root(tex *t, const tex_row *c) {
    (void)c;
    size_t at = t->out->len;
    str index;
    bool has_index = raw_option(&index, t);
    if (has_index) put_text_as_arg(t, index);
    size_t mid = t->out->len;
    put_arg(t);
    if (has_index && !t->failed) exchange(t, at, mid);
    wrap(t, at, has_index ? "<mroot>" : "<msqrt>", has_index ? "</mroot>" : "</msqrt>");
}

static void put_stack(tex *t, const tex_row *c) {
    bool is_under = c->n;
    size_t at = t->out->len;
    put_arg(t);
    size_t mid = t->out->len;
    put_arg(t);
    if (!t->failed) exchange(t, at, mid);
    wrap(t, at, is_under ? "<munder>" : "<mover>", is_under ? "</munder>" : "</mover>");
}

static void put_marked(tex *t, const tex_row *c, const char *element, bool stretches) {
    put(t, "<");
    put(t, element);
    put(t, c->kind == WT_TEX_ACCENT ? " accent=\"true\">" : ">");
    put_arg(t);
    put_operator(t, str_of(c->text), stretches ? " stretchy=\"true\"" : " stretchy=\"false\"");
    put(t, "</");
    put(t, element);
    put(t, ">");
}

static void put_arrow(tex *t, const tex_row *c) {
    str below;
    size_t at = t->out->len;
    bool has_below = raw_option(&below, t);
    put_operator(t, str_of(c->text), " stretchy=\"true\"");
    if (has_below) put_text_as_arg(t, below);
    put_arg(t);
    wrap(t, at, has_below ? "<munderover>" : "<mover>", has_below ? "</munderover>" : "</mover>");
}

static void put_modulus(tex *t, const tex_row *c) {
    unsigned kind = c->n;
    put(t, "<mrow><mspace width=\"1em\"></mspace>");
    if (kind) put(t, "<mo stretchy=\"false\">(</mo>");
    if (kind < 2) put(t, "<mi>mod</mi><mspace width=\"0.3333em\"></mspace>");
    put_arg(t);
    put(t, kind ? "<mo stretchy=\"false\">)</mo></mrow>" : "</mrow>");
}

// The rest of the row inside an element.
static void put_rest(tex *t, const char *open) {
    put(t, open);
    put_row(t);
    put(t, "</mstyle>");
}

static void put_color(tex *t, const tex_row *c) {
    char open[64];
    str color = raw_group(t);
    if (color.len > 24) return fail(t);
    for (size_t i = 0; i < color.len; i++)
        if (!is_letter(color.ptr[i]) && !is_digit(color.ptr[i]) && color.ptr[i] != '#')
            return fail(t);
    snprintf(open, sizeof open, "<mstyle mathcolor=\"%.*s\">", STR_ARG(color));
    if (!c->n) return put_rest(t, open);
    put(t, open);
    put_arg(t);
    put(t, "</mstyle>");
}

static void put_wrapped(tex *t, const tex_row *c) {
    const char *element = c->text;
    put(t, "<");
    put(t, element);
    put(t, ">");
    put_arg(t);
    put(t, "</");
    buf_add(t->out, str_first(str_of(element), str_find_byte(str_of(element), ' ')));
    put(t, ">");
}

static void put_name(tex *t, const tex_row *c) {
    (void)c;
    eat(t, '*');
    str name = raw_group(t);
    put(t, name.len == 1 ? "<mi mathvariant=\"normal\">" : "<mi>");
    for (size_t i = 0; i < name.len; i++) {
        char one = name.ptr[i];
        if (one == '\\' && i + 1 < name.len && strchr(",; !", name.ptr[i + 1])) {
            put(t, "&#8201;");
            i++;
        } else if (one == '\\' || one == '{' || one == '}') {
            return fail(t);
        } else {
            put_escaped(t, (str){&one, 1});
        }
    }
    put(t, "</mi>");
}

static void put_not(tex *t, const tex_row *c) {
    (void)c;
    put_arg(t);
    bool is_sign =
        str_ends(buf_str(t->out), STR("</mo>")) || str_ends(buf_str(t->out), STR("</mi>"));
    if (!is_sign) return fail(t);
    insert(t, t->out->len - strlen("</mo>"), "&#824;");
}

static void put_in(tex *t, tex_font font) {
    tex_font before = t->font;
    t->font = font;
    put_arg(t);
    t->font = before;
}

static void put_chem_arg(tex *t, const tex_row *c) {
    (void)c;
    str formula = raw_group(t);
    if (t->failed || !math_chem(t->out, formula)) fail(t);
}

static void put_tag(tex *t, const tex_row *c) {
    (void)c;
    eat(t, '*');
    str label = raw_group(t);
    put(t, "<mtext>&#160;&#160;(");
    put_escaped(t, label);
    put(t, ")</mtext>");
}

static void skip_args(tex *t, unsigned n) {
    while (n--)
        raw_group(t);
}

static void put_letter(tex *t, const tex_row *c) {
    bool is_upright = c->kind == WT_TEX_UPRIGHT || t->font == WT_FONT_UPRIGHT;
    put(t, is_upright ? "<mi mathvariant=\"normal\">" : "<mi>");
    put(t, c->text);
    put(t, "</mi>");
}

static void put_function(tex *t, const tex_row *c) {
    put(t, "<mi>");
    put(t, c->text);
    put(t, "</mi>");
}

static void put_sign(tex *t, const tex_row *c) {
    bool over = c->kind == WT_TEX_BIG || c->kind == WT_TEX_LIMIT;
    put_operator(t, str_of(c->text), over ? " movablelimits=\"true\"" : "");
}

static void put_space(tex *t, const tex_row *c) {
    put(t, "<mspace width=\"");
    put(t, c->text);
    put(t, "\"></mspace>");
}

static void put_big(tex *t, const tex_row *c) {
    char attrs[64];
    snprintf(attrs, sizeof attrs, " stretchy=\"true\" minsize=\"%s\" maxsize=\"%s\"", c->text,
             c->text);
    put_fence(t, attrs);
}

static void put_style(tex *t, const tex_row *c) {
    put(t, "<mstyle ");
    put(t, c->text);
    put_rest(t, ">");
}

static void put_decorated(tex *t, const tex_row *c) {
    bool is_accent = c->kind == WT_TEX_ACCENT, is_under = c->kind == WT_TEX_UNDER || c->n;
    put_marked(t, c, is_accent || !is_under ? "mover" : "munder", !is_accent || c->n);
}

static void put_in_font_of(tex *t, const tex_row *c) {
    put_in(t, (tex_font)c->n);
}

static void put_text(tex *t, const tex_row *c) {
    put_words(t, raw_group(t), c->text);
}

static void put_passed(tex *t, const tex_row *c) {
    (void)c;
    put_arg(t);
}

// What writes one element, by kind.
static void (*const writers[])(tex *t, const tex_row *c) = {
    [WT_TEX_IDENTIFIER] = put_letter, [WT_TEX_UPRIGHT] = put_letter,
    [WT_TEX_OPERATOR] = put_sign,     [WT_TEX_BIG] = put_sign,
    [WT_TEX_INTEGRAL] = put_sign,     [WT_TEX_LIMIT] = put_sign,
    [WT_TEX_FUNCTION] = put_function, [WT_TEX_ACCENT] = put_decorated,
    [WT_TEX_UNDER] = put_decorated,   [WT_TEX_BRACE] = put_decorated,
    [WT_TEX_SPACE] = put_space,       [WT_TEX_FONT] = put_in_font_of,
    [WT_TEX_TEXT] = put_text,         [WT_TEX_FRAC] = put_fraction,
    [WT_TEX_ROOT] = put_root,         [WT_TEX_STACK] = put_stack,
    [WT_TEX_LEFT] = put_left,         [WT_TEX_BIGGER] = put_big,
    [WT_TEX_STYLE] = put_style,       [WT_TEX_BEGIN] = put_environment,
    [WT_TEX_NAME] = put_name,         [WT_TEX_NOT] = put_not,
    [WT_TEX_WRAP] = put_wrapped,      [WT_TEX_ARROW] = put_arrow,
    [WT_TEX_MOD] = put_modulus,       [WT_TEX_COLOR] = put_color,
    [WT_TEX_PASS] = put_passed,       [WT_TEX_TAG] = put_tag,
    [WT_TEX_CHEM] = put_chem_arg,     [WT_TEX_STOP] = NULL,
};

// A command as an atom's base. Returns how many elements it wrote; *over: scripts go over and
// under it.
static size_t put_command(tex *t, const tex_row *c, bool *over) {
    *over = c->kind == WT_TEX_BIG || c->kind == WT_TEX_LIMIT || c->kind == WT_TEX_BRACE ||
            (c->kind == WT_TEX_PASS && c->n);
    if (c->kind == WT_TEX_OLD_FONT) {
        t->font = (tex_font)c->n;
        return 0;
    }
    if (c->kind == WT_TEX_SKIP) {
        skip_args(t, c->n);
        return 0;
    }
    if (!writers[c->kind]) {
        fail(t);
        return 0;
    }
    writers[c->kind](t, c);
    return 1;
}

// --- Atoms and rows ------------------------------------------------------------------------

// A thin space between a function's name and what it is of.
static size_t put_function_space(tex *t) {
    token k = peek(t);
    bool is_next = (k.kind == T_CHAR && (is_letter(k.text.ptr[0]) || is_digit(k.text.ptr[0]))) ||
                   (k.command && k.command->kind != WT_TEX_LEFT && k.command->kind != WT_TEX_STOP &&
                    k.command->kind != WT_TEX_SPACE && k.command->kind != WT_TEX_OPERATOR &&
                    k.command->kind != WT_TEX_BIGGER);
    if (!is_next) return 0;
    put(t, "<mspace width=\"0.1667em\"></mspace>");
    return 1;
}

// A base with its scripts. Returns how many elements were written.
static size_t put_atom(tex *t) {
    if (!enter(t)) return 0;
    token k = peek(t);
    size_t at = t->out->len, n = 1;
    bool over = false, is_function = false;
    if (k.kind == T_COMMAND) {
        if (k.command) t->i = k.next;
        n = k.command ? put_command(t, k.command, &over) : (fail(t), 0);
        is_function = k.command && k.command->kind == WT_TEX_FUNCTION;
        token limits = peek(t);
        if (is_command(limits, "limits") || is_command(limits, "nolimits")) {
            over = is_command(limits, "limits");
            t->i = limits.next;
        }
    } else if (eat(t, '{')) {
        put_group(t);
    } else if (is_char(k, '^') || is_char(k, '_') || is_char(k, '\'')) {
        put(t, "<mi></mi>");  // a script of nothing
    } else {
        n = put_char(t, k);
    }
    if (n && !t->failed) put_scripts(t, at, over);
    if (is_function && !t->failed) n += put_function_space(t);
    t->depth--;
    return n;
}

// a \over b: what was written of the row is above.
static void put_infix(tex *t, size_t at, size_t n, const tex_row *c) {
    if (n != 1) wrap(t, at, "<mrow>", "</mrow>");
    size_t mid = t->out->len, rest = enter(t) ? put_row(t) : 0;
    t->depth--;
    if (rest != 1) wrap(t, mid, "<mrow>", "</mrow>");
    insert(t, at, ">");
    insert(t, at, c->text);
    insert(t, at, c->n ? "<mrow><mo>(</mo><mfrac" : "<mfrac");
    put(t, c->n ? "</mfrac><mo>)</mo></mrow>" : "</mfrac>");
}

// Atoms up to "}", "&", "\\", \right, \end or the end. Returns how many elements they are.
static size_t put_row(tex *t) {
    size_t at = t->out->len, n = 0;
    while (!t->failed) {
        token k = peek(t);
        bool is_end = k.kind == T_END || is_char(k, '}') || is_char(k, '&') ||
                      (k.command && k.command->kind == WT_TEX_STOP && !is_command(k, "limits") &&
                       !is_command(k, "nolimits"));
        if (is_end) break;
        if (k.command && k.command->kind == WT_TEX_INFIX) {
            t->i = k.next;
            put_infix(t, at, n, k.command);
            return 1;
        }
        n += put_atom(t);
    }
    return n;
}

static bool finish(tex *t, size_t at) {
    if (peek(t).kind != T_END) fail(t);
    if (!t->failed && !t->out->failed) return true;
    t->out->len = at;
    return false;
}

bool math_put(buf *out, str text) {
    tex t = {.s = text, .out = out};
    size_t at = out->len;
    if (text.len > TEX_MAX) return false;
    size_t n = put_row(&t);
    token k = peek(&t);
    if (!t.failed && (is_command(k, "\\") || is_command(k, "cr") || is_char(k, '&'))) {
        out->len = at;  // lines without an environment
        t = (tex){.s = text, .out = out};
        put(&t, "<mtable columnalign=\"left\" class=\"wt-cases\">");
        put_cells(&t);
        put(&t, "</mtable>");
        n = 1;
    }
    if (n != 1) wrap(&t, at, "<mrow>", "</mrow>");
    return finish(&t, at);
}
