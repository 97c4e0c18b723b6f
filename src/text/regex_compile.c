// Patterns to instructions: a recursive parser makes a tree, the tree is written out as code.
//
// Every quantifier on one character (or one set) is a single instruction, which is nearly all that
// the patterns of tokenizers have. Groups are written out as often as they must be there and loop
// by SPLIT behind that. Captures are groups: nobody asks what they hold.
//
//   I1  a group that is repeated without end takes a character or more each time, so loops end
//   I2  what looks ahead or behind has a bounded length, so it costs the same at every place

#include "text/regex_code.h"

#include "base/utf8.h"
#include "text/unicode.h"

typedef enum kind { EMPTY, CHAR, SET, LIST, ANY_OF, REPEAT, ASSERTION, LOOK } kind;

typedef struct node node;
struct node {
    kind kind;
    node *first, *next;  // children in a chain
    int32_t cp;          // CHAR
    bool fold, negate, is_behind;
    uint32_t set, min, max;  // SET, REPEAT
    uint8_t how;             // greed, or which assertion
};

typedef struct compiler {
    regex *re;
    arena *perm, scratch;
    str pattern;
    size_t at;
    uint32_t items_cap;
    int depth;
    bool fold, dot_all;
    err *e;
} compiler;

#define NO_END UINT32_MAX

static status bad(compiler *c, status code, const char *what) {
    return err_set(c->e, code, "pattern, byte %zu: %s", c->at, what);
}

static bool more(const compiler *c) {
    return c->at < c->pattern.len;
}
static char peek(const compiler *c, size_t k) {
    return c->at + k < c->pattern.len ? c->pattern.ptr[c->at + k] : 0;
}
static bool take(compiler *c, str s) {
    if (!str_starts(str_skip(c->pattern, c->at), s)) return false;
    c->at += s.len;
    return true;
}

static node *new_node(compiler *c, kind k) {
    node *n = arena_new(&c->scratch, node);
    n->kind = k;
    n->fold = c->fold;
    return n;
}

// --- Sets ---------------------------------------------------------------------------------------

// The items of a set while it is read; they are copied into the regex when it is complete.
typedef struct items {
    regex_item at[256];
    size_t n;
    bool negate;
    int32_t also;
} items;

static status add_item(compiler *c, items *to, regex_item x) {
    if (to->n == countof(to->at)) return bad(c, E_LIMIT, "over 256 parts in a class");
    to->at[to->n++] = x;
    return OK;
}

static status new_set(compiler *c, uint32_t *out, const items *from) {
    regex *re = c->re;
    if (re->n_sets == REGEX_SETS_MAX) return bad(c, E_LIMIT, "too many classes");
    if (re->n_items + from->n > c->items_cap) return bad(c, E_LIMIT, "too many parts of classes");
    regex_set *s = &re->sets[re->n_sets];
    *s = (regex_set){re->n_items, (uint32_t)from->n, from->also, from->negate, c->fold, NULL};
    if (from->n) memcpy(re->items + re->n_items, from->at, from->n * sizeof *from->at);
    re->n_items += (uint32_t)from->n;
    *out = re->n_sets++;
    return OK;
}

static regex_item range(int32_t lo, int32_t hi) {
    return (regex_item){.kind = RE_RANGE, .lo = lo, .hi = hi};
}

static const struct {
    char name;
    regex_item item;
} shorthand[] = {
    {'s', {.kind = RE_SPACE}},
    {'d', {.kind = RE_CATEGORY, .categories = UNICODE_DIGIT}},
    {'w',
     {.kind = RE_CATEGORY,
      .categories = UNICODE_LETTER | UNICODE_MARK | UNICODE_DIGIT | UNICODE_CONNECTOR}},
};

static status category_item(compiler *c, regex_item *out, bool negate) {
    size_t end = str_find_byte(str_skip(c->pattern, c->at), '}');
    if (!take(c, STR("{"))) return bad(c, E_FORMAT, "\\p without {}");
    if (c->at + end > c->pattern.len) return bad(c, E_FORMAT, "\\p{ without }");
    if (take(c, STR("^"))) negate = !negate, end--;
    str name = str_first(str_skip(c->pattern, c->at), end - 1);
    c->at += end;
    *out = (regex_item){RE_CATEGORY, negate, 0, 0, unicode_categories(name)};
    if (!out->categories)
        return err_set(c->e, E_UNSUPPORTED, "pattern: \\p{%.*s}", (int)min_size(name.len, 40),
                       name.ptr);
    return OK;
}

// \s and its like, in a class or by itself. *is_one: false when it is something else.
static status class_escape(compiler *c, bool *is_one, regex_item *out) {
    char k = peek(c, 1);
    *is_one = true;
    if (k == 'p' || k == 'P') {
        c->at += 2;
        return category_item(c, out, k == 'P');
    }
    for (size_t i = 0; i < countof(shorthand); i++) {
        bool is_plain = shorthand[i].name == k;
        if (!is_plain && shorthand[i].name != (k | 32)) continue;
        *out = shorthand[i].item;
        out->negate = !is_plain;
        c->at += 2;
        return OK;
    }
    *is_one = false;
    return OK;
}

static int hex_digit(char c) {
    return c >= '0' && c <= '9' ? c - '0' : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 87 : -1;
}

static bool hex(compiler *c, int32_t *cp, size_t least, size_t most) {
    size_t n = 0;
    *cp = 0;
    for (int d; n < most && (d = hex_digit(peek(c, 0))) >= 0; n++, c->at++)
        *cp = *cp << 4 | d;
    return n >= least && *cp <= 0x10FFFF;
}

// The character that an escape stands for.
static status char_escape(compiler *c, int32_t *cp) {
    static const char names[] = "nrtfvae", means[] = "\n\r\t\f\v\a\x1B";
    char k = peek(c, 1);
    const char *p = k ? strchr(names, k) : NULL;
    bool ok = true;
    if (c->at + 1 >= c->pattern.len) return bad(c, E_FORMAT, "\\ at the end");
    if (p || (unsigned char)k >= 0x80 || !((k | 32) >= 'a' && (k | 32) <= 'z')) {
        if (k >= '0' && k <= '9') return bad(c, E_UNSUPPORTED, "a back reference or octal number");
        c->at++;
        c->at += unicode_at(cp, c->pattern, c->at);
        if (p) *cp = means[p - names];
        return OK;
    }
    c->at += 2;
    if (k == 'u')
        ok = hex(c, cp, 4, 4);
    else if (k == 'x' && take(c, STR("{")))
        ok = hex(c, cp, 1, 6) && take(c, STR("}"));
    else if (k == 'x')
        ok = hex(c, cp, 1, 2) && *cp < 0x80;
    else
        return err_set(c->e, E_UNSUPPORTED, "pattern: \\%c", k);
    return ok ? OK : bad(c, E_FORMAT, "a wrong number of a character");
}

static status parse_set(compiler *c, uint32_t *out);

// One character of a class, or an item that is no character (*is_char false; already added).
static status class_part(compiler *c, items *to, int32_t *cp, bool *is_char) {
    regex_item x;
    bool is_class = false;
    *is_char = false;
    if (peek(c, 0) == '[') {
        uint32_t inner;
        if (peek(c, 1) == ':') return bad(c, E_UNSUPPORTED, "[:class:]");
        c->at++;
        TRY(parse_set(c, &inner));
        return add_item(c, to, (regex_item){.kind = RE_SET, .lo = (int32_t)inner});
    }
    if (peek(c, 0) == '\\') {
        TRY(class_escape(c, &is_class, &x));
        if (is_class) return add_item(c, to, x);
        *is_char = true;
        if (peek(c, 1) == 'b') {
            *cp = '\b';
            c->at += 2;
            return OK;
        }
        return char_escape(c, cp);
    }
    *is_char = true;
    c->at += unicode_at(cp, c->pattern, c->at);
    return OK;
}

// Behind '[': to the ']' that closes it.
static status parse_set(compiler *c, uint32_t *out) {
    items *set = arena_new(&c->scratch, items);
    set->also = -1;
    if (++c->depth > REGEX_DEPTH_MAX) return bad(c, E_LIMIT, "too deep");
    set->negate = take(c, STR("^"));
    for (bool is_first = true;; is_first = false) {
        int32_t lo, hi;
        bool is_char;
        if (!more(c)) return bad(c, E_FORMAT, "a class without ]");
        if (!is_first && take(c, STR("]"))) break;
        if (take(c, STR("&&"))) {
            // What follows up to the end is another set, and both must fit.
            uint32_t rest;
            c->depth++;
            TRY(parse_set(c, &rest));
            c->depth--;
            set->also = (int32_t)rest;
            break;
        }
        TRY(class_part(c, set, &lo, &is_char));
        if (!is_char) continue;
        hi = lo;
        if (peek(c, 0) == '-' && peek(c, 1) != ']' && peek(c, 1)) {
            c->at++;
            TRY(class_part(c, set, &hi, &is_char));
            if (!is_char) TRY(add_item(c, set, range('-', '-')));
            if (!is_char) hi = lo;
            if (hi < lo) return bad(c, E_FORMAT, "an empty range");
        }
        TRY(add_item(c, set, range(lo, hi)));
    }
    c->depth--;
    return new_set(c, out, set);
}

static status single_set(compiler *c, node **out, regex_item x, bool negate) {
    items *set = arena_new(&c->scratch, items);
    set->also = -1;
    set->negate = negate;
    TRY(add_item(c, set, x));
    *out = new_node(c, SET);
    return new_set(c, &(*out)->set, set);
}

// --- The tree -----------------------------------------------------------------------------------

static status parse_choice(compiler *c, node **out);

static status new_assertion(compiler *c, node **out, regex_assert how) {
    *out = new_node(c, ASSERTION);
    (*out)->how = (uint8_t)how;
    return OK;
}

static status parse_escape(compiler *c, node **out) {
    static const struct {
        char name;
        uint8_t how;
    } place[] = {{'A', RE_TEXT_START},
                 {'z', RE_TEXT_END},
                 {'Z', RE_TEXT_END_LINE},
                 {'b', RE_WORD},
                 {'B', RE_NO_WORD}};
    regex_item x;
    bool is_class;
    for (size_t i = 0; i < countof(place); i++)
        if (peek(c, 1) == place[i].name) {
            c->at += 2;
            return new_assertion(c, out, place[i].how);
        }
    TRY(class_escape(c, &is_class, &x));
    if (is_class) {  // outside [] it is what it is, in either case
        bool fold = c->fold;
        c->fold = false;
        TRY(single_set(c, out, x, false));
        c->fold = fold;
        return OK;
    }
    *out = new_node(c, CHAR);
    return char_escape(c, &(*out)->cp);
}

// (?i), (?i-m: ... Sets the flags; *is_group when a group follows.
static status parse_flags(compiler *c, bool *is_group) {
    for (bool on = true;; c->at++) {
        char k = peek(c, 0);
        if (k == '-')
            on = false;
        else if (k == 'i')
            c->fold = on;
        else if (k == 'm')
            c->dot_all = on;
        else if (k == ':' || k == ')')
            break;
        else
            return bad(c, E_UNSUPPORTED, "this kind of group");
    }
    *is_group = take(c, STR(":"));
    if (!*is_group) c->at++;
    return OK;
}

static status close_group(compiler *c) {
    return take(c, STR(")")) ? OK : bad(c, E_FORMAT, "a group without )");
}

// How many characters a node takes at least and at most (NO_END: without bound).
static void lengths(const node *n, uint64_t *least, uint64_t *most) {
    uint64_t a, b;
    *least = *most = 0;
    switch (n->kind) {
    case CHAR:
    case SET:
        *least = *most = 1;
        return;
    case LIST:
        for (const node *k = n->first; k; k = k->next) {
            lengths(k, &a, &b);
            *least += a, *most += b;
        }
        break;
    case ANY_OF:
        *least = NO_END;
        for (const node *k = n->first; k; k = k->next) {
            lengths(k, &a, &b);
            if (a < *least) *least = a;
            if (b > *most) *most = b;
        }
        break;
    case REPEAT:
        lengths(n->first, &a, &b);
        *least = a * n->min;
        *most = n->max == NO_END && b ? NO_END : b * n->max;
        break;
    case EMPTY:
    case ASSERTION:
    case LOOK:
        break;
    }
    if (*least > NO_END) *least = NO_END;
    if (*most > NO_END) *most = NO_END;
}

static status parse_look(compiler *c, node **out, bool is_behind, bool negate) {
    node *n = new_node(c, LOOK);
    uint64_t least, most;
    n->is_behind = is_behind, n->negate = negate;
    TRY(parse_choice(c, &n->first));
    TRY(close_group(c));
    lengths(n->first, &least, &most);
    if (most == NO_END) return bad(c, E_UNSUPPORTED, "looking ahead without a bound");
    if (is_behind && (least != most || most > 255))
        return bad(c, E_UNSUPPORTED, "looking behind for what has several lengths");
    n->min = (uint32_t)least;
    *out = n;
    return OK;
}

// Behind '('.
static status parse_group(compiler *c, node **out) {
    bool fold = c->fold, dot_all = c->dot_all, is_group = true;
    if (++c->depth > REGEX_DEPTH_MAX) return bad(c, E_LIMIT, "too deep");
    if (take(c, STR("?=")))
        TRY(parse_look(c, out, false, false));
    else if (take(c, STR("?!")))
        TRY(parse_look(c, out, false, true));
    else if (take(c, STR("?<=")))
        TRY(parse_look(c, out, true, false));
    else if (take(c, STR("?<!")))
        TRY(parse_look(c, out, true, true));
    else {
        if (take(c, STR("?"))) TRY(parse_flags(c, &is_group));
        // Flags without a group hold to the end of the group around them.
        TRY(parse_choice(c, out));
        if (is_group) TRY(close_group(c));
    }
    c->depth--;
    c->fold = fold, c->dot_all = dot_all;
    return OK;
}

static status parse_atom(compiler *c, node **out) {
    switch (peek(c, 0)) {
    case '(':
        c->at++;
        return parse_group(c, out);
    case '[':
        c->at++;
        *out = new_node(c, SET);
        return parse_set(c, &(*out)->set);
    case '.':
        c->at++;
        return single_set(c, out, c->dot_all ? range(0, 0x10FFFF) : range('\n', '\n'), !c->dot_all);
    case '^':
        c->at++;
        return new_assertion(c, out, RE_LINE_START);
    case '$':
        c->at++;
        return new_assertion(c, out, RE_LINE_END);
    case '\\':
        return parse_escape(c, out);
    case '*':
    case '+':
    case '?':
        return bad(c, E_FORMAT, "nothing to repeat");
    }
    *out = new_node(c, CHAR);
    c->at += unicode_at(&(*out)->cp, c->pattern, c->at);
    return OK;
}

// {n} {n,} {n,m} {,m}; anything else is text.
static bool parse_bounds(compiler *c, uint32_t *min, uint32_t *max) {
    size_t at = c->at + 1;
    uint64_t n[2] = {0, 0};
    size_t digits[2] = {0, 0};
    int part = 0;
    for (;; at++) {
        char k = at < c->pattern.len ? c->pattern.ptr[at] : 0;
        if (k >= '0' && k <= '9') {
            n[part] = min_size(n[part] * 10 + (uint64_t)(k - '0'), NO_END - 1);
            digits[part]++;
        } else if (k == ',' && part == 0) {
            part = 1;
        } else if (k == '}') {
            break;
        } else {
            return false;
        }
    }
    if (!digits[0] && !digits[1]) return false;
    *min = (uint32_t)n[0];
    *max = !part ? *min : digits[1] ? (uint32_t)n[1] : NO_END;
    c->at = at + 1;
    return true;
}

static status check_repeat(compiler *c, const node *n) {
    uint64_t least, most;
    bool is_char = n->first->kind == CHAR || n->first->kind == SET;
    if (n->min > n->max) return bad(c, E_FORMAT, "{n,m} with n over m");
    if (n->min > REGEX_REPEAT_MAX || (n->max != NO_END && n->max > REGEX_REPEAT_MAX))
        return bad(c, E_LIMIT, "{n,m} over 1000");
    lengths(n->first, &least, &most);
    if (least == 0) return bad(c, E_UNSUPPORTED, "repeating what can be empty");  // I1
    if (!is_char && n->how == RE_POSSESSIVE) return bad(c, E_UNSUPPORTED, "a possessive group");
    return OK;
}

// A character that is repeated is a set of one.
static status make_set(compiler *c, node *n) {
    items *one = arena_new(&c->scratch, items);
    one->also = -1;
    n->kind = SET;
    TRY(add_item(c, one, range(n->cp, n->cp)));
    return new_set(c, &n->set, one);
}

static status parse_repeats(compiler *c, node **atom) {
    for (;;) {
        node *n = new_node(c, REPEAT);
        char k = peek(c, 0);
        bool is_bounds = false;
        n->max = NO_END;
        n->first = *atom;
        if (k == '*' || k == '+' || k == '?') {
            c->at++;
            n->min = k == '+';
            n->max = k == '?' ? 1 : NO_END;
        } else if (k != '{' || !(is_bounds = parse_bounds(c, &n->min, &n->max))) {
            return OK;
        }
        // In this syntax {n}? is an optional {n}, and {n,m}+ is a repeated {n,m}.
        if (!(is_bounds && n->min == n->max) && take(c, STR("?")))
            n->how = RE_LAZY;
        else if (!is_bounds && take(c, STR("+")))
            n->how = RE_POSSESSIVE;
        TRY(check_repeat(c, n));
        if (n->first->kind == CHAR) TRY(make_set(c, n->first));
        *atom = n;
    }
}

static status parse_list(compiler *c, node **out) {
    node *list = new_node(c, LIST), **end = &list->first;
    while (more(c) && peek(c, 0) != '|' && peek(c, 0) != ')') {
        TRY(parse_atom(c, end));
        TRY(parse_repeats(c, end));
        end = &(*end)->next;
    }
    *out = list;
    return OK;
}

static status parse_choice(compiler *c, node **out) {
    node *all = new_node(c, ANY_OF), **end = &all->first;
    if (++c->depth > REGEX_DEPTH_MAX) return bad(c, E_LIMIT, "too deep");
    do {
        TRY(parse_list(c, end));
        end = &(*end)->next;
    } while (take(c, STR("|")));
    c->depth--;
    *out = all->first->next ? all : all->first;
    return OK;
}

// --- Code ---------------------------------------------------------------------------------------

static status emit_node(compiler *c, const node *n);

static status emit(compiler *c, regex_code x, uint32_t *at) {
    if (c->re->n_code == REGEX_CODE_MAX)
        return err_set(c->e, E_LIMIT, "pattern: over %d instructions", REGEX_CODE_MAX);
    if (x.op == RE_SPLIT || x.op == RE_LOOP) x.choice = (uint16_t)c->re->n_choices++;
    if (at) *at = c->re->n_code;
    c->re->code[c->re->n_code++] = x;
    return OK;
}

static status emit_loop(compiler *c, uint32_t set, uint32_t min, uint32_t max, uint8_t how) {
    return emit(c, (regex_code){.op = RE_LOOP, .kind = how, .set = set, .min = min, .max = max},
                NULL);
}

// SPLIT to what follows, and (later) past it; the other way round when lazy.
static status emit_split(compiler *c, uint32_t *at) {
    return emit(c, (regex_code){.op = RE_SPLIT}, at);
}
static void set_split(compiler *c, uint32_t at, uint32_t body, uint32_t past, bool is_lazy) {
    c->re->code[at].x = is_lazy ? past : body;
    c->re->code[at].y = is_lazy ? body : past;
}

static status emit_repeat(compiler *c, const node *n) {
    const node *body = n->first;
    uint32_t first = 0, at;
    bool is_lazy = n->how == RE_LAZY;
    if (body->kind == SET) return emit_loop(c, body->set, n->min, n->max, n->how);
    for (uint32_t i = 0; i < n->min; i++)
        TRY(emit_node(c, body));
    if (n->max == NO_END) {
        TRY(emit_split(c, &first));
        TRY(emit_node(c, body));
        TRY(emit(c, (regex_code){.op = RE_JUMP, .x = first}, NULL));
        set_split(c, first, first + 1, c->re->n_code, is_lazy);
        return OK;
    }
    // Optional ones inside each other: all their ways out lead to the end, found by the chain in y.
    uint32_t chain = NO_END;
    for (uint32_t i = n->min; i < n->max; i++) {
        TRY(emit_split(c, &at));
        c->re->code[at].y = chain;
        chain = at;
        TRY(emit_node(c, body));
    }
    for (; chain != NO_END; chain = at) {
        at = c->re->code[chain].y;
        set_split(c, chain, chain + 1, c->re->n_code, is_lazy);
    }
    return OK;
}

static status emit_choice(compiler *c, const node *n) {
    uint32_t chain = NO_END, split, jump;
    for (const node *k = n->first; k; k = k->next) {
        if (!k->next) {
            TRY(emit_node(c, k));
            break;
        }
        TRY(emit_split(c, &split));
        TRY(emit_node(c, k));
        TRY(emit(c, (regex_code){.op = RE_JUMP, .x = chain}, &jump));
        chain = jump;
        set_split(c, split, split + 1, c->re->n_code, false);
    }
    for (; chain != NO_END; chain = split) {
        split = c->re->code[chain].x;
        c->re->code[chain].x = c->re->n_code;
    }
    return OK;
}

static status emit_look(compiler *c, const node *n) {
    uint32_t at;
    TRY(emit(c, (regex_code){.op = n->is_behind ? RE_BEHIND : RE_AHEAD, .negate = n->negate}, &at));
    TRY(emit_node(c, n->first));
    TRY(emit(c, (regex_code){.op = RE_MATCH}, NULL));
    c->re->code[at].x = c->re->n_code;
    c->re->code[at].y = n->min;
    return OK;
}

static status emit_node(compiler *c, const node *n) {
    switch (n->kind) {
    case EMPTY:
        return OK;
    case CHAR:
        return emit(c,
                    (regex_code){.op = n->fold ? RE_FOLD : RE_CHAR,
                                 .cp = n->fold ? unicode_fold(n->cp) : n->cp},
                    NULL);
    case SET:
        return emit_loop(c, n->set, 1, 1, RE_GREEDY);
    case LIST:
        for (const node *k = n->first; k; k = k->next)
            TRY(emit_node(c, k));
        return OK;
    case ANY_OF:
        return emit_choice(c, n);
    case REPEAT:
        return emit_repeat(c, n);
    case ASSERTION:
        return emit(c, (regex_code){.op = RE_ASSERT, .kind = n->how}, NULL);
    case LOOK:
        return emit_look(c, n);
    }
    return OK;
}

// --- What can begin where -----------------------------------------------------------------------

// Which first bytes the code at `pc` can take. False when it can match nothing at all, too.
static bool first_bytes(const regex *re, uint32_t pc, uint64_t bit, uint64_t can[256],
                        bool seen[REGEX_CODE_MAX]) {
    for (; !seen[pc];) {
        const regex_code *x = &re->code[pc];
        char bytes[UTF8_MAX];
        seen[pc] = true;
        switch ((regex_op)x->op) {
        case RE_MATCH:
            return false;
        case RE_CHAR:
            utf8_encode(bytes, x->cp);
            can[(unsigned char)bytes[0]] |= bit;
            for (int b = 0x80; x->cp == UTF8_REPLACEMENT && b < 256; b++)
                can[b] |= bit;
            return true;
        case RE_FOLD:
            for (int b = 0; b < 256; b++)
                if (b >= 0x80 || unicode_fold(b) == x->cp) can[b] |= bit;
            return true;
        case RE_LOOP:
            for (int b = 0; b < 256; b++)
                if (b >= 0x80 || regex__has(re, &re->sets[x->set], b)) can[b] |= bit;
            if (x->min) return true;
            pc++;
            break;
        case RE_SPLIT:
            if (!first_bytes(re, x->x, bit, can, seen)) return false;
            pc = x->y;
            break;
        case RE_JUMP:
        case RE_AHEAD:
        case RE_BEHIND:
            pc = x->x;
            break;
        case RE_ASSERT:
            pc++;
            break;
        }
    }
    return true;
}

static void find_starts(compiler *c) {
    regex *re = c->re;
    for (uint32_t i = 0; i < re->n_alts; i++) {
        bool *seen = arena_array(&c->scratch, bool, REGEX_CODE_MAX);
        uint64_t bit = (uint64_t)1 << min_size(i, 63);
        if (first_bytes(re, re->alt[i], bit, re->can_start, seen)) continue;
        re->can_be_empty = true;
        for (int b = 0; b < 256; b++)
            re->can_start[b] |= bit;
    }
}

static status emit_all(compiler *c, const node *root) {
    regex *re = c->re;
    const node *k = root->kind == ANY_OF ? root->first : root;
    for (const node *p = k; p; p = p->next)
        re->n_alts++;
    re->alt = arena_array(c->perm, uint32_t, re->n_alts);
    for (uint32_t i = 0; i < re->n_alts; i++, k = k->next) {
        re->alt[i] = re->n_code;
        TRY(emit_node(c, k));
        TRY(emit(c, (regex_code){.op = RE_MATCH}, NULL));
    }
    return OK;
}

static void set_bit(uint64_t *bits, int32_t cp) {
    bits[cp >> 6] |= (uint64_t)1 << (cp & 63);
}

static void add_bits(const regex *re, uint64_t *bits, const regex_item *x) {
    if (x->kind == RE_RANGE) {
        for (int32_t cp = x->lo; cp <= x->hi && cp < RE_BITS; cp++)
            set_bit(bits, cp);
        return;
    }
    for (int32_t cp = 0; cp < RE_BITS; cp++)
        if (regex__fits(re, x, cp)) set_bit(bits, cp);
}

// What regex__in says of every character of the first plane. Sets inside it have theirs already.
static status fill_bits(compiler *c, regex_set *s) {
    const regex *re = c->re;
    uint64_t *bits = arena_try_array(c->perm, RE_BITS / 64, sizeof *bits);
    if (!bits) return err_set(c->e, E_LIMIT, "pattern: no room for its classes");
    for (uint32_t i = s->first; !s->fold && i < s->first + s->n; i++)
        add_bits(re, bits, &re->items[i]);
    for (int32_t cp = 0; s->fold && cp < RE_BITS; cp++)
        if (regex__in(re, &(regex_set){s->first, s->n, -1, false, true, NULL}, cp))
            set_bit(bits, cp);
    for (int32_t k = 0; k < RE_BITS / 64; k++) {
        if (s->also >= 0) bits[k] &= re->sets[s->also].bits[k];
        if (s->negate) bits[k] = ~bits[k];
    }
    s->bits = bits;
    return OK;
}

static status compile(compiler *c) {
    regex *re = c->re;
    node *root;
    TRY(parse_choice(c, &root));
    if (more(c)) return bad(c, E_FORMAT, "a ) without (");
    re->code = arena_array(&c->scratch, regex_code, REGEX_CODE_MAX);
    TRY(emit_all(c, root));
    regex_code *kept = arena_array(c->perm, regex_code, re->n_code);
    memcpy(kept, re->code, re->n_code * sizeof *kept);
    re->code = kept;
    for (uint32_t i = 0; i < re->n_sets; i++)
        TRY(fill_bits(c, &re->sets[i]));
    find_starts(c);
    return OK;
}

status regex_compile(regex **out, str pattern, arena *perm, err *e) {
    *out = NULL;
    if (pattern.len > REGEX_PATTERN_MAX)
        return err_set(e, E_LIMIT, "a pattern of %zu bytes, limit %d", pattern.len,
                       REGEX_PATTERN_MAX);
    compiler c = {.perm = perm, .pattern = pattern, .e = e};
    TRY(arena_open(&c.scratch, (size_t)64 << 20, e));
    c.items_cap = (uint32_t)pattern.len + 16;
    regex *re = c.re = arena_new(perm, regex);
    re->sets = arena_array(perm, regex_set, REGEX_SETS_MAX);
    re->items = arena_array(perm, regex_item, c.items_cap);
    status s = compile(&c);
    arena_close(&c.scratch);
    if (!s) *out = re;
    return s;
}

status regex_literal(regex **out, str text, arena *perm, err *e) {
    static const char special[] = "\\.+*?()|[]{}^$#&-~ \t\n\r\v\f";
    *out = NULL;
    if (text.len > REGEX_PATTERN_MAX / 2)
        return err_set(e, E_LIMIT, "a pattern of %zu bytes, limit %d", text.len,
                       REGEX_PATTERN_MAX / 2);
    char *p = arena_alloc(perm, 2 * text.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] && strchr(special, text.ptr[i])) p[n++] = '\\';
        p[n++] = text.ptr[i];
    }
    return regex_compile(out, (str){p, n}, perm, e);
}
