// lang/expr.c -- #expr: operators by precedence with two stacks (Dijkstra's shunting
// yard).
//
// I1  `wants` says what may come next: a value (or what stands before one), or an operator.
// I2  Unary operators are pushed without looking at the stack; binary ones first finish all on it
//     that bind as tightly, so that everything groups from the left, powers too.
// I3  Comparing, "not", "trunc" and "mod" give integers, everything else that reads a number
//     doubles; integers stay so as far as PHP's operators keep them, and are written in full.

#include "lang/expr.h"

#include <math.h>

typedef enum opcode {
    OP_NONE,
    OP_OPEN,
    OP_NEGATIVE,
    OP_POSITIVE,
    OP_E,
    OP_SIN,
    OP_COS,
    OP_TAN,
    OP_ASIN,
    OP_ACOS,
    OP_ATAN,
    OP_EXP,
    OP_LN,
    OP_ABS,
    OP_FLOOR,
    OP_TRUNC,
    OP_CEIL,
    OP_SQRT,
    OP_NOT,
    OP_POW,
    OP_TIMES,
    OP_DIVIDE,
    OP_MOD,
    OP_FMOD,
    OP_PLUS,
    OP_MINUS,
    OP_ROUND,
    OP_EQ,
    OP_LT,
    OP_GT,
    OP_LE,
    OP_GE,
    OP_NE,
    OP_AND,
    OP_OR,
} opcode;

static const struct {
    const char *name;
    int8_t binds;  // tighter when higher
    uint8_t n_args;
} ops[] = {
    [OP_OPEN] = {"(", -1, 0},   [OP_NEGATIVE] = {"-", 10, 1}, [OP_POSITIVE] = {"+", 10, 1},
    [OP_E] = {"e", 10, 2},      [OP_SIN] = {"sin", 9, 1},     [OP_COS] = {"cos", 9, 1},
    [OP_TAN] = {"tan", 9, 1},   [OP_ASIN] = {"asin", 9, 1},   [OP_ACOS] = {"acos", 9, 1},
    [OP_ATAN] = {"atan", 9, 1}, [OP_EXP] = {"exp", 9, 1},     [OP_LN] = {"ln", 9, 1},
    [OP_ABS] = {"abs", 9, 1},   [OP_FLOOR] = {"floor", 9, 1}, [OP_TRUNC] = {"trunc", 9, 1},
    [OP_CEIL] = {"ceil", 9, 1}, [OP_SQRT] = {"sqrt", 9, 1},   [OP_NOT] = {"not", 9, 1},
    [OP_POW] = {"^", 8, 2},     [OP_TIMES] = {"*", 7, 2},     [OP_DIVIDE] = {"/", 7, 2},
    [OP_MOD] = {"mod", 7, 2},   [OP_FMOD] = {"fmod", 7, 2},   [OP_PLUS] = {"+", 6, 2},
    [OP_MINUS] = {"-", 6, 2},   [OP_ROUND] = {"round", 5, 2}, [OP_EQ] = {"=", 4, 2},
    [OP_LT] = {"<", 4, 2},      [OP_GT] = {">", 4, 2},        [OP_LE] = {"<=", 4, 2},
    [OP_GE] = {">=", 4, 2},     [OP_NE] = {"<>", 4, 2},       [OP_AND] = {"and", 3, 2},
    [OP_OR] = {"or", 2, 2},
};

static const struct {
    const char *word;
    opcode op;
} words[] = {
    {"mod", OP_MOD},   {"fmod", OP_FMOD},   {"and", OP_AND},     {"or", OP_OR},
    {"not", OP_NOT},   {"round", OP_ROUND}, {"div", OP_DIVIDE},  {"e", OP_E},
    {"sin", OP_SIN},   {"cos", OP_COS},     {"tan", OP_TAN},     {"asin", OP_ASIN},
    {"acos", OP_ACOS}, {"atan", OP_ATAN},   {"exp", OP_EXP},     {"ln", OP_LN},
    {"abs", OP_ABS},   {"trunc", OP_TRUNC}, {"floor", OP_FLOOR}, {"ceil", OP_CEIL},
    {"sqrt", OP_SQRT},
};

// As written; the longer of two that start alike comes first. What is written for "<" in HTML and
// the true minus are as good.
static const struct {
    str sign;
    opcode op;
} signs[] = {
    {STR_INIT("+"), OP_PLUS},        {STR_INIT("-"), OP_MINUS},
    {STR_INIT("&minus;"), OP_MINUS}, {STR_INIT("\xE2\x88\x92"), OP_MINUS},
    {STR_INIT("*"), OP_TIMES},       {STR_INIT("/"), OP_DIVIDE},
    {STR_INIT("^"), OP_POW},         {STR_INIT("="), OP_EQ},
    {STR_INIT("<="), OP_LE},         {STR_INIT("&lt;="), OP_LE},
    {STR_INIT("<>"), OP_NE},         {STR_INIT("&lt;>"), OP_NE},
    {STR_INIT("<&gt;"), OP_NE},      {STR_INIT("&lt;&gt;"), OP_NE},
    {STR_INIT("!="), OP_NE},         {STR_INIT("<"), OP_LT},
    {STR_INIT("&lt;"), OP_LT},       {STR_INIT(">="), OP_GE},
    {STR_INIT("&gt;="), OP_GE},      {STR_INIT(">"), OP_GT},
    {STR_INIT("&gt;"), OP_GT},
};

enum { STACK_MAX = 100 };

typedef struct calc {
    num value[STACK_MAX + 1];
    opcode op[STACK_MAX + 1];
    int n_values, n_ops;
    bool wants_operator;
    buf *error;
} calc;

// --- Doing an operation ------------------------------------------------------------------------

static bool fail(calc *c, const char *before, const char *what, const char *after) {
    buf_fmt(c->error, "%s%s%s", before, what, after);
    return false;
}

static bool is_true(num n) {
    return n.d != 0;
}

static bool one(calc *c, opcode op, num *x) {
    double d = x->d;
    const char *name = ops[op].name;
    switch (op) {
    case OP_POSITIVE:
        return true;
    case OP_NEGATIVE:
        *x = x->is_int && x->i != INT64_MIN ? num_int(-x->i) : num_of(-d);
        return true;
    case OP_ABS:
        *x = x->is_int && x->i != INT64_MIN ? num_int(x->i < 0 ? -x->i : x->i) : num_of(fabs(d));
        return true;
    case OP_NOT:
        *x = num_int(!is_true(*x));
        return true;
    case OP_TRUNC:
        *x = num_int(x->is_int ? x->i : num_int_of(d));
        return true;
    case OP_FLOOR:
        *x = num_of(floor(d));
        return true;
    case OP_CEIL:
        *x = num_of(ceil(d));
        return true;
    case OP_SIN:
        *x = num_of(sin(d));
        return true;
    case OP_COS:
        *x = num_of(cos(d));
        return true;
    case OP_TAN:
        *x = num_of(tan(d));
        return true;
    case OP_ATAN:
        *x = num_of(atan(d));
        return true;
    case OP_EXP:
        *x = num_of(exp(d));
        return true;
    case OP_ASIN:
    case OP_ACOS:
        if (d < -1 || d > 1) return fail(c, "Invalid argument for ", name, ": < -1 or > 1.");
        *x = num_of(op == OP_ASIN ? asin(d) : acos(d));
        return true;
    case OP_LN:
        if (d <= 0) return fail(c, "Invalid argument for ", name, ": <= 0.");
        *x = num_of(log(d));
        return true;
    default:
        *x = num_of(sqrt(d));
        return !isnan(x->d) || fail(c, "In ", name, ": Result is not a number.");
    }
}

static num quotient(num l, num r) {
    bool is_whole = l.is_int && r.is_int && !(l.i == INT64_MIN && r.i == -1) && l.i % r.i == 0;
    return is_whole ? num_int(l.i / r.i) : num_of(l.d / r.d);
}

static num power(num l, num r) {
    int64_t v = 1, base = l.i;
    bool fits = l.is_int && r.is_int && r.i >= 0;
    for (int64_t n = fits ? r.i : 0; n && fits; n /= 2) {
        if (n & 1) fits = !__builtin_mul_overflow(v, base, &v);
        if (n > 1) fits = fits && !__builtin_mul_overflow(base, base, &base);
    }
    return fits ? num_int(v) : num_of(pow(l.d, r.d));
}

static int64_t int_of(num n) {
    return n.is_int ? n.i : num_int_of(n.d);
}

static bool two(calc *c, opcode op, num *x, num r) {
    num l = *x;
    bool are_ints = l.is_int && r.is_int;
    int64_t i;
    switch (op) {
    case OP_TIMES:
        *x = are_ints && !__builtin_mul_overflow(l.i, r.i, &i) ? num_int(i) : num_of(l.d * r.d);
        return true;
    case OP_PLUS:
        *x = are_ints && !__builtin_add_overflow(l.i, r.i, &i) ? num_int(i) : num_of(l.d + r.d);
        return true;
    case OP_MINUS:
        *x = are_ints && !__builtin_sub_overflow(l.i, r.i, &i) ? num_int(i) : num_of(l.d - r.d);
        return true;
    case OP_DIVIDE:
        if (!is_true(r)) return fail(c, "Division by zero.", "", "");
        *x = quotient(l, r);
        return true;
    case OP_MOD:
        i = int_of(r);
        if (i == 0) return fail(c, "Division by zero.", "", "");
        *x = num_int(i == -1 ? 0 : int_of(l) % i);
        return true;
    case OP_FMOD:
        if (!is_true(r)) return fail(c, "Division by zero.", "", "");
        *x = num_of(fmod(l.d, r.d));
        return true;
    case OP_E:
        *x = num_of(l.d * pow(10, r.d));
        return true;
    case OP_POW:
        *x = power(l, r);
        return true;
    case OP_ROUND:
        *x = num_of(num_round(l.d, int_of(r)));
        return true;
    case OP_AND:
        *x = num_int(is_true(l) && is_true(r));
        return true;
    case OP_OR:
        *x = num_int(is_true(l) || is_true(r));
        return true;
    case OP_EQ:
        *x = num_int(are_ints ? l.i == r.i : l.d == r.d);
        return true;
    case OP_NE:
        *x = num_int(are_ints ? l.i != r.i : l.d != r.d);
        return true;
    case OP_LT:
        *x = num_int(are_ints ? l.i < r.i : l.d < r.d);
        return true;
    case OP_GT:
        *x = num_int(are_ints ? l.i > r.i : l.d > r.d);
        return true;
    case OP_LE:
        *x = num_int(are_ints ? l.i <= r.i : l.d <= r.d);
        return true;
    default:
        *x = num_int(are_ints ? l.i >= r.i : l.d >= r.d);
        return true;
    }
}

// Does what is on top of the operators.
static bool finish_one(calc *c) {
    opcode op = c->op[--c->n_ops];
    int n = ops[op].n_args;
    if (c->n_values < n)
        return fail(c, "Expression error: Missing operand for ", ops[op].name, ".");
    c->n_values -= n - 1;
    num *x = &c->value[c->n_values - 1];
    return n == 1 ? one(c, op, x) : two(c, op, x, x[1]);
}

// --- Reading ---------------------------------------------------------------------------------

static bool take_value(calc *c, num n) {
    if (c->wants_operator) return fail(c, "Expression error: Unexpected number.", "", "");
    c->value[c->n_values++] = n;
    c->wants_operator = true;
    return true;
}

static bool take_before_value(calc *c, opcode op) {
    if (c->wants_operator)
        return fail(c, "Expression error: Unexpected ", ops[op].name, " operator.");
    c->op[c->n_ops++] = op;
    return true;
}

static bool take_binary(calc *c, opcode op) {
    if (!c->wants_operator)
        return fail(c, "Expression error: Unexpected ", ops[op].name, " operator.");
    while (c->n_ops && ops[op].binds <= ops[c->op[c->n_ops - 1]].binds)
        if (!finish_one(c)) return false;
    c->op[c->n_ops++] = op;
    c->wants_operator = false;
    return true;
}

static bool take_close(calc *c) {
    while (c->n_ops && c->op[c->n_ops - 1] != OP_OPEN)
        if (!finish_one(c)) return false;
    if (!c->n_ops) return fail(c, "Expression error: Unexpected closing bracket.", "", "");
    c->n_ops--;
    c->wants_operator = true;
    return true;
}

static bool is_letter(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static size_t span_letters(str s) {
    size_t n = 0;
    while (n < s.len && is_letter(s.ptr[n]))
        n++;
    return n;
}

static bool take_word(calc *c, str word) {
    opcode op = OP_NONE;
    if (str_eq_nocase(word, STR("pi"))) return take_value(c, num_of(M_PI));
    for (size_t i = 0; i < countof(words) && !op; i++)
        if (str_eq_nocase(word, str_of(words[i].word))) op = words[i].op;
    if (op == OP_E && !c->wants_operator) return take_value(c, num_of(M_E));
    if (op) return ops[op].n_args == 1 ? take_before_value(c, op) : take_binary(c, op);
    buf_add(c->error, STR("Expression error: Unrecognized word \""));
    for (size_t i = 0; i < word.len; i++)
        buf_byte(c->error, (char)(word.ptr[i] | 0x20));
    buf_add(c->error, STR("\"."));
    return false;
}

// Digits and points, of which the first number counts: "1.2.3" is 1.2.
static size_t span_number(str s) {
    size_t n = 0;
    while (n < s.len && ((s.ptr[n] >= '0' && s.ptr[n] <= '9') || s.ptr[n] == '.'))
        n++;
    return n;
}

static size_t span_character(str s) {
    size_t n = 1;
    while (n < s.len && n < 4 && ((unsigned char)s.ptr[n] & 0xC0) == 0x80)
        n++;
    return n;
}

static bool take_sign(calc *c, str *rest) {
    for (size_t i = 0; i < countof(signs); i++) {
        opcode op = signs[i].op;
        if (!str_starts(*rest, signs[i].sign)) continue;
        *rest = str_skip(*rest, signs[i].sign.len);
        if (c->wants_operator || (op != OP_PLUS && op != OP_MINUS)) return take_binary(c, op);
        return take_before_value(c, op == OP_PLUS ? OP_POSITIVE : OP_NEGATIVE);
    }
    buf_fmt(c->error, "Expression error: Unrecognized punctuation character \"%.*s\".",
            STR_ARG(str_first(*rest, span_character(*rest))));
    return false;
}

static bool take_token(calc *c, str *rest) {
    str s = *rest;
    size_t n;
    if ((n = span_number(s))) {
        num number;
        num_prefix(&number, str_first(s, n));
        *rest = str_skip(s, n);
        return take_value(c, num_of(number.d));
    }
    if ((n = span_letters(s))) {
        *rest = str_skip(s, n);
        return take_word(c, str_first(s, n));
    }
    if (s.ptr[0] != '(' && s.ptr[0] != ')') return take_sign(c, rest);
    *rest = str_skip(s, 1);
    return s.ptr[0] == '(' ? take_before_value(c, OP_OPEN) : take_close(c);
}

bool expr_eval(expr_value *out, buf *error, str text) {
    calc c = {.error = error};
    for (str rest = text; rest.len;) {
        if (strchr(" \t\r\n", rest.ptr[0]) && rest.ptr[0]) {
            rest = str_skip(rest, 1);
            continue;
        }
        if (c.n_values >= STACK_MAX || c.n_ops >= STACK_MAX)
            return fail(&c, "Expression error: Stack exhausted.", "", "");
        if (!take_token(&c, &rest)) return false;
    }
    while (c.n_ops) {
        if (c.op[c.n_ops - 1] == OP_OPEN)
            return fail(&c, "Expression error: Unclosed bracket.", "", "");
        if (!finish_one(&c)) return false;
    }
    *out = (expr_value){c.n_values == 0, c.n_values ? c.value[c.n_values - 1] : num_int(0)};
    return true;
}
