// A recursive descent makes a tree, Thompson's construction an automaton that may be in many states
// at once, and that is followed from its start: what it can be in together is one state.
//
// Rejected: derivatives (the same states, found by comparing trees), and following lazily at run
// time (a state would need a lock, and limits would be met in the middle of a text).
//
//   I1  at most REGEX_STATES_MAX states: copies of a repeated part are counted as they are made
//   I2  a set of states is sorted, and holds no state that only leads to others

#include "schema/regex.h"

#include "base/utf8.h"
#include "schema/vec.h"

typedef struct range {
    uint32_t lo, hi;
} range;

enum { ANY_END = 0x10FFFF, SET_RANGES_MAX = 1 << 10, SETS_MAX = 1 << 11, REPEAT_MAX = 1000 };

typedef enum node_kind { N_SET, N_ALL, N_ANY_OF, N_REPEAT, N_BEGIN, N_END } node_kind;

typedef struct node {
    node_kind kind;
    uint32_t first, n;    // of kids; N_SET: the set
    int32_t least, most;  // most < 0: no bound
} node;

typedef enum op { OP_SET, OP_FORK, OP_BEGIN, OP_END, OP_MATCH } op;

typedef struct state {
    op op;
    uint32_t set;
    int32_t to, other;
} state;

typedef struct set {
    uint32_t first, n;  // of ranges
} set;

typedef struct maker {
    str text;
    size_t at;
    int depth;
    bool is_negated;  // inside [^...]
    vec nodes, kids, sets, ranges, states;
    lang_room *room;
    err *e;
} maker;

// --- Sets of characters --------------------------------------------------------------------------

static const range digits[] = {{'0', '9'}};
static const range words[] = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
static const range spaces[] = {{'\t', '\r'}, {' ', ' '}};
static const range wide_spaces[] = {{'\t', '\r'}, {0x1C, ' '}};  // Python's
// What neither ECMA-262 nor Python calls the end of a line.
static const range dots[] = {{0, 9}, {11, 12}, {14, 0x2027}, {0x202A, 0xD7FF}, {0xE000, ANY_END}};
static const range anything[] = {{0, 0xD7FF}, {0xE000, ANY_END}};

typedef struct chars {
    range r[SET_RANGES_MAX];
    size_t n;
    bool is_ascii;  // a class was negated in it
} chars;

static status no_room(const maker *m) {
    return err_set(m->e, E_LIMIT, "it is too large");
}

static bool chars_add(chars *c, const range *r, size_t n) {
    if (n > SET_RANGES_MAX - c->n) return false;
    memcpy(c->r + c->n, r, n * sizeof *r);
    c->n += n;
    return true;
}

static int by_lo(const void *a, const void *b) {
    const range *x = a, *y = b;
    return (x->lo > y->lo) - (x->lo < y->lo);
}

static void chars_sort(chars *c) {
    size_t n = 0;
    qsort(c->r, c->n, sizeof *c->r, by_lo);
    for (size_t i = 0; i < c->n; i++)
        if (n && c->r[i].lo <= c->r[n - 1].hi + 1)
            c->r[n - 1].hi = (uint32_t)max_size(c->r[n - 1].hi, c->r[i].hi);
        else
            c->r[n++] = c->r[i];
    c->n = n;
}

// What is in neither, between `first` and `last`.
static bool chars_negate(chars *c, uint32_t first, uint32_t last) {
    chars out = {.is_ascii = c->is_ascii};
    chars_sort(c);
    for (size_t i = 0; i <= c->n; i++) {
        uint32_t end = i < c->n ? c->r[i].lo : last + 1;
        if (end > first && !chars_add(&out, &(range){first, end - 1}, 1)) return false;
        if (i < c->n) first = c->r[i].hi + 1;
    }
    *c = out;
    return true;
}

static bool chars_cut(chars *c, uint32_t first, uint32_t last) {
    return chars_negate(c, first, last) && chars_negate(c, first, last);
}

static status add_set(uint32_t *out, maker *m, chars *c) {
    chars_sort(c);
    // Surrogates are no characters; of a set with a negated class, only ASCII.
    if (c->is_ascii) {
        if (!chars_cut(c, 0, 0x7F)) return no_room(m);
    } else {
        chars low = *c, high = *c;
        if (!chars_cut(&low, 0, 0xD7FF) || !chars_cut(&high, 0xE000, ANY_END)) return no_room(m);
        *c = low;
        if (!chars_add(c, high.r, high.n)) return no_room(m);
    }
    *out = (uint32_t)m->sets.n;
    set *s = vec_add(&m->sets, 1, sizeof *s, SETS_MAX);
    range *r = vec_add(&m->ranges, c->n, sizeof *r, 1 << 16);
    if (!s || !r) return no_room(m);
    memcpy(r, c->r, c->n * sizeof *r);
    *s = (set){(uint32_t)(m->ranges.n - c->n), (uint32_t)c->n};
    return OK;
}

// --- Parsing -------------------------------------------------------------------------------------

static status bad(const maker *m, status code, const char *what) {
    return err_set(m->e, code, "at byte %zu: %s", m->at, what);
}

static int peek(const maker *m) {
    return m->at < m->text.len ? (unsigned char)m->text.ptr[m->at] : -1;
}

static bool take(maker *m, const char *s) {
    if (!str_starts(str_skip(m->text, m->at), str_of(s))) return false;
    m->at += strlen(s);
    return true;
}

static status add_node(uint32_t *out, maker *m, node n) {
    *out = (uint32_t)m->nodes.n;
    node *to = vec_add(&m->nodes, 1, sizeof *to, REGEX_STATES_MAX);
    if (!to) return no_room(m);
    *to = n;
    return OK;
}

// A node of the kids that stand on `stack` from `first` on.
static status gather(uint32_t *out, maker *m, node_kind kind, vec *stack, size_t first) {
    size_t n = stack->n - first;
    uint32_t *kids = vec_add(&m->kids, n, sizeof *kids, 1 << 16);
    if (!kids) return no_room(m);
    if (n) memcpy(kids, (uint32_t *)stack->p + first, n * sizeof *kids);
    stack->n = first;
    return add_node(out, m, (node){kind, (uint32_t)(m->kids.n - n), (uint32_t)n, 0, 0});
}

static bool take_hex(uint32_t *out, maker *m, int n) {
    uint32_t v = 0;
    for (int i = 0; i < n; i++, m->at++) {
        int c = peek(m), d = c >= '0' && c <= '9'   ? c - '0'
                             : c >= 'a' && c <= 'f' ? c - 'a' + 10
                             : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                    : -1;
        if (d < 0) return false;
        v = v << 4 | (uint32_t)d;
    }
    *out = v;
    return true;
}

static status read_braced_point(uint32_t *out, maker *m) {
    uint32_t v = 0, digit;
    int n = 0;
    for (; !take(m, "}"); n++) {
        if (n == 6 || !take_hex(&digit, m, 1)) return bad(m, E_FORMAT, "no code point");
        v = v << 4 | digit;
    }
    if (n == 0 || v > ANY_END) return bad(m, E_FORMAT, "no code point");
    *out = v;
    return OK;
}

static status read_unicode(uint32_t *out, maker *m) {
    uint32_t low;
    if (take(m, "{")) return read_braced_point(out, m);
    if (!take_hex(out, m, 4)) return bad(m, E_FORMAT, "no code point");
    size_t before = m->at;
    if (*out >= 0xD800 && *out < 0xDC00 && take(m, "\\u")) {
        if (take_hex(&low, m, 4) && low >= 0xDC00 && low < 0xE000)
            *out = 0x10000 + ((*out - 0xD800) << 10) + (low - 0xDC00);
        else
            m->at = before;
    }
    return OK;
}

static status add_class(maker *m, chars *to, const range *r, size_t n, bool is_negated) {
    chars c = {0};
    bool ok = chars_add(&c, r, n) && (!is_negated || chars_negate(&c, 0, 0x7F)) &&
              chars_add(to, c.r, c.n);
    return ok ? OK : no_room(m);
}

// Behind a backslash: a class (*is_class, added to `to`) or one character.
static status read_escape(uint32_t *out, bool *is_class, maker *m, chars *to) {
    static const char plain[] = "^$\\.*+?()[]{}|/-", names[] = "tnvfr", codes[] = "\t\n\v\f\r";
    int c = peek(m);
    *is_class = true;
    m->at += c >= 0;
    switch (c) {
    case 'd':
    case 'D':
        return add_class(m, to, digits, countof(digits), c == 'D');
    case 'w':
    case 'W':
        return add_class(m, to, words, countof(words), c == 'W');
    case 's':
    case 'S':
        if ((c == 'S') != m->is_negated)  // what is left out is the larger set
            return add_class(m, to, wide_spaces, countof(wide_spaces), c == 'S');
        return add_class(m, to, spaces, countof(spaces), c == 'S');
    default:
        *is_class = false;
    }
    const char *name = c > 0 ? strchr(names, c) : NULL;
    if (name) return *out = (unsigned char)codes[name - names], OK;
    if (c > 0 && strchr(plain, c)) return *out = (uint32_t)c, OK;
    if (c == 'x') return take_hex(out, m, 2) ? OK : bad(m, E_FORMAT, "no code point");
    if (c == 'u') return read_unicode(out, m);
    if (c == '0' && !(peek(m) >= '0' && peek(m) <= '9')) return *out = 0, OK;
    if (c == 'p' || c == 'P') return bad(m, E_UNSUPPORTED, "Unicode properties");
    if (c == 'b' || c == 'B') return bad(m, E_UNSUPPORTED, "word boundaries");
    if (c == 'k' || (c >= '0' && c <= '9')) return bad(m, E_UNSUPPORTED, "back references");
    return bad(m, E_FORMAT, "an unknown escape");
}

static status read_point(uint32_t *out, maker *m) {
    int32_t cp;
    m->at += utf8_decode(&cp, str_skip(m->text, m->at));
    *out = (uint32_t)cp;
    return OK;
}

static status read_class_atom(uint32_t *out, bool *is_class, maker *m, chars *to) {
    *is_class = false;
    if (peek(m) < 0) return bad(m, E_FORMAT, "a class without end");
    if (!take(m, "\\")) return read_point(out, m);
    if (take(m, "b")) return *out = 8, OK;
    return read_escape(out, is_class, m, to);
}

static status read_class(uint32_t *out, maker *m) {
    chars c = {0};
    bool is_negated = take(m, "^"), is_class, is_other, any_class = false;
    if (peek(m) == ']') return bad(m, E_UNSUPPORTED, "an empty class");
    m->is_negated = is_negated;
    while (!take(m, "]")) {
        uint32_t lo, hi;
        TRY(read_class_atom(&lo, &is_class, m, &c));
        any_class |= is_class;
        if (is_class) {
            if (peek(m) == '-' && m->at + 1 < m->text.len && m->text.ptr[m->at + 1] != ']')
                return bad(m, E_FORMAT, "a range that begins with a class");
            continue;
        }
        hi = lo;
        if (peek(m) == '-' && m->at + 1 < m->text.len && m->text.ptr[m->at + 1] != ']') {
            m->at++;
            TRY(read_class_atom(&hi, &is_other, m, &c));
            if (is_other || hi < lo) return bad(m, E_FORMAT, "a range out of order");
        }
        if (!chars_add(&c, &(range){lo, hi}, 1)) return no_room(m);
    }
    m->is_negated = false;
    if (is_negated) {
        c.is_ascii = any_class;
        if (!chars_negate(&c, 0, ANY_END)) return no_room(m);
    }
    return add_set(out, m, &c);
}

static status read_any_of(uint32_t *out, maker *m, vec *stack);

static status read_group(uint32_t *out, maker *m, vec *stack) {
    if (take(m, "?")) {
        if (take(m, "=") || take(m, "!") || take(m, "<=") || take(m, "<!"))
            return bad(m, E_UNSUPPORTED, "look-around");
        if (take(m, "<")) {
            while (peek(m) >= 0 && peek(m) != '>')
                m->at++;
            if (!take(m, ">")) return bad(m, E_FORMAT, "a name without end");
        } else if (!take(m, ":")) {
            return bad(m, E_UNSUPPORTED, "an unknown group");
        }
    }
    if (++m->depth > REGEX_DEPTH_MAX) return bad(m, E_LIMIT, "groups are nested too deep");
    TRY(read_any_of(out, m, stack));
    m->depth--;
    return take(m, ")") ? OK : bad(m, E_FORMAT, "a group without end");
}

static status read_set(uint32_t *out, maker *m) {
    chars c = {0};
    uint32_t set_at, cp;
    bool is_class = false;
    if (take(m, "[")) {
        TRY(read_class(&set_at, m));
        return add_node(out, m, (node){N_SET, set_at, 0, 0, 0});
    }
    if (take(m, ".")) {
        (void)chars_add(&c, dots, countof(dots));
        is_class = true;
    } else if (take(m, "\\")) {
        TRY(read_escape(&cp, &is_class, m, &c));
    } else {
        TRY(read_point(&cp, m));
    }
    if (!is_class) (void)chars_add(&c, &(range){cp, cp}, 1);
    TRY(add_set(&set_at, m, &c));
    return add_node(out, m, (node){N_SET, set_at, 0, 0, 0});
}

static status read_atom(uint32_t *out, maker *m, vec *stack) {
    int c = peek(m);
    if (c == '*' || c == '+' || c == '?' || c == '{') return bad(m, E_FORMAT, "nothing to repeat");
    if (c == ']' || c == '}') return bad(m, E_FORMAT, "a bracket without its other half");
    if (take(m, "^")) return add_node(out, m, (node){N_BEGIN, 0, 0, 0, 0});
    if (take(m, "$")) return add_node(out, m, (node){N_END, 0, 0, 0, 0});
    if (take(m, "(")) return read_group(out, m, stack);
    return read_set(out, m);
}

static bool take_count(int32_t *out, maker *m) {
    size_t from = m->at;
    *out = 0;
    for (int c = peek(m); c >= '0' && c <= '9' && *out <= REPEAT_MAX; c = peek(m)) {
        *out = *out * 10 + (c - '0');
        m->at++;
    }
    return m->at > from;
}

static status read_counts(int32_t *least, int32_t *most, maker *m) {
    if (!take_count(least, m)) return bad(m, E_FORMAT, "no count");
    *most = *least;
    if (take(m, ",") && !take_count(most, m)) *most = -1;
    if (*least > REPEAT_MAX || *most > REPEAT_MAX) return bad(m, E_LIMIT, "a count over 1000");
    if (!take(m, "}") || (*most >= 0 && *most < *least)) return bad(m, E_FORMAT, "a bad count");
    return OK;
}

static status read_repeated(uint32_t *out, maker *m, vec *stack) {
    TRY(read_atom(out, m, stack));
    bool is_anchor = ((node *)m->nodes.p)[*out].kind >= N_BEGIN;
    int32_t least = -1, most = -1;
    if (take(m, "*"))
        least = 0;
    else if (take(m, "+"))
        least = 1;
    else if (take(m, "?"))
        least = 0, most = 1;
    else if (take(m, "{"))
        TRY(read_counts(&least, &most, m));
    if (least < 0) return OK;
    if (is_anchor) return bad(m, E_FORMAT, "an anchor is repeated");
    (void)take(m, "?");  // lazy: the same language
    return add_node(out, m, (node){N_REPEAT, *out, 1, least, most});
}

static status push(vec *stack, const maker *m, uint32_t n) {
    uint32_t *to = vec_add(stack, 1, sizeof *to, REGEX_STATES_MAX);
    if (!to) return no_room(m);
    *to = n;
    return OK;
}

static status read_any_of(uint32_t *out, maker *m, vec *stack) {
    size_t first = stack->n;
    do {
        size_t begin = stack->n;
        while (peek(m) >= 0 && peek(m) != '|' && peek(m) != ')') {
            TRY(read_repeated(out, m, stack));
            TRY(push(stack, m, *out));
        }
        TRY(gather(out, m, N_ALL, stack, begin));
        TRY(push(stack, m, *out));
    } while (take(m, "|"));
    return gather(out, m, N_ANY_OF, stack, first);
}

// --- Thompson's construction, from the end -------------------------------------------------------

static status add_state(int32_t *out, maker *m, state s) {  // I1
    *out = (int32_t)m->states.n;
    state *to = vec_add(&m->states, 1, sizeof *to, REGEX_STATES_MAX);
    if (!to) return no_room(m);
    *to = s;
    return OK;
}

static status build(int32_t *out, maker *m, uint32_t at, int32_t then);

static status build_repeat(int32_t *out, maker *m, const node *n, int32_t then) {
    int32_t to = then, body;
    if (n->most < 0) {
        TRY(add_state(&to, m, (state){OP_FORK, 0, -1, then}));
        TRY(build(&body, m, n->first, to));
        ((state *)m->states.p)[to].to = body;
    }
    for (int32_t i = n->least; i < n->most; i++) {
        TRY(build(&body, m, n->first, to));
        TRY(add_state(&to, m, (state){OP_FORK, 0, body, then}));
    }
    for (int32_t i = 0; i < n->least; i++)
        TRY(build(&to, m, n->first, to));
    *out = to;
    return OK;
}

static status build(int32_t *out, maker *m, uint32_t at, int32_t then) {
    node n = ((node *)m->nodes.p)[at];
    const uint32_t *kids = (uint32_t *)m->kids.p + n.first;
    int32_t to;
    TRY(lang_work(m->room, 1, m->e));
    switch (n.kind) {
    case N_SET:
        return add_state(out, m, (state){OP_SET, n.first, then, -1});
    case N_BEGIN:
        return add_state(out, m, (state){OP_BEGIN, 0, then, -1});
    case N_END:
        return add_state(out, m, (state){OP_END, 0, then, -1});
    case N_REPEAT:
        return build_repeat(out, m, &n, then);
    case N_ALL:
        *out = then;
        for (uint32_t i = n.n; i-- > 0;)
            TRY(build(out, m, kids[i], *out));
        return OK;
    case N_ANY_OF:
        TRY(build(out, m, kids[n.n - 1], then));
        for (uint32_t i = n.n - 1; i-- > 0;) {
            TRY(build(&to, m, kids[i], then));
            TRY(add_state(out, m, (state){OP_FORK, 0, to, *out}));
        }
        return OK;
    }
    return OK;
}

// --- Sets of states ------------------------------------------------------------------------------

enum { SETS_TABLE = 1 << 15, MEMBERS_MAX = 1 << 22 };

typedef struct subset {
    uint32_t first, n;
    uint32_t tag;
} subset;

typedef struct follower {
    maker *m;
    const state *states;
    size_t n_states;
    bool is_whole;
    uint32_t *from, n_classes;
    uint8_t *in_set;  // [set * n_classes + class]
    uint32_t *mark, mark_now;
    int32_t *todo;
    uint32_t *found;  // members of the set at hand
    size_t n_found;
    vec members, subsets, next;
    uint32_t *table;
} follower;

// What is reached from `s` without a character.
static bool reach(follower *f, int32_t s, bool is_begin, bool is_end) {
    size_t n = 0;
    bool matches = false;
    f->todo[n++] = s;
    while (n) {
        s = f->todo[--n];
        if (f->mark[s] == f->mark_now) continue;
        f->mark[s] = f->mark_now;
        const state *x = &f->states[s];
        f->m->room->work++;
        if (x->op == OP_MATCH) matches = true;
        if (x->op == OP_MATCH || x->op == OP_SET || x->op == OP_END)
            f->found[f->n_found++] = (uint32_t)s;
        if (x->op == OP_FORK) f->todo[n++] = x->other;
        if (x->op == OP_FORK || (x->op == OP_BEGIN && is_begin) || (x->op == OP_END && is_end))
            f->todo[n++] = x->to;
    }
    return matches;
}

static int by_number(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

// Whether the text may end with the set at hand.
static bool ends(follower *f, bool is_begin) {
    size_t n = f->n_found;
    bool matches = false;
    f->mark_now++;
    for (size_t i = 0; i < n && !matches; i++)
        matches = reach(f, (int32_t)f->found[i], is_begin, true);
    f->n_found = n;
    return matches;
}

static status no_states(const follower *f) {
    return err_set(f->m->e, E_LIMIT, "its automaton has over %d states", LANG_STATES_MAX);
}

// The subset of what was found.
static status subset_of(int32_t *out, follower *f, bool is_begin) {
    qsort(f->found, f->n_found, sizeof *f->found, by_number);  // I2
    uint64_t h = str_hash((str){(char *)f->found, f->n_found * sizeof *f->found}, is_begin);
    for (; f->table[h % SETS_TABLE]; h++) {
        size_t at = f->table[h % SETS_TABLE] - 1;
        const subset *s = (subset *)f->subsets.p + at;
        if (at && s->n == f->n_found &&
            memcmp((uint32_t *)f->members.p + s->first, f->found, s->n * sizeof *f->found) == 0)
            return *out = (int32_t)at, OK;
    }
    uint32_t *to = vec_add(&f->members, f->n_found, sizeof *to, MEMBERS_MAX);
    subset *s = vec_add(&f->subsets, 1, sizeof *s, LANG_STATES_MAX);
    int32_t *next = vec_add(&f->next, f->n_classes, sizeof *next, LANG_TABLE_MAX);
    if (!to || !s || !next) return no_states(f);
    memcpy(to, f->found, f->n_found * sizeof *to);
    *s = (subset){(uint32_t)(f->members.n - f->n_found), (uint32_t)f->n_found, 0};
    *out = (int32_t)(f->subsets.n - 1);
    f->table[h % SETS_TABLE] = (uint32_t)*out + 1;
    bool is_end = ends(f, is_begin);
    ((subset *)f->subsets.p)[*out].tag = is_end;
    return OK;
}

static status follow(follower *f, size_t at) {
    for (uint32_t c = 0; c < f->n_classes; c++) {
        subset s = ((subset *)f->subsets.p)[at];
        int32_t to = -1;
        f->n_found = 0;
        f->mark_now++;
        TRY(lang_work(f->m->room, s.n + 1, f->m->e));
        for (uint32_t i = 0; i < s.n; i++) {
            uint32_t member = ((uint32_t *)f->members.p)[s.first + i];
            const state *x = &f->states[member];
            if (x->op == OP_MATCH && !f->is_whole) (void)reach(f, (int32_t)member, false, false);
            if (x->op == OP_SET && f->in_set[x->set * f->n_classes + c])
                (void)reach(f, x->to, false, false);
        }
        if (f->n_found) TRY(subset_of(&to, f, false));
        ((int32_t *)f->next.p)[at * f->n_classes + c] = to;
    }
    return OK;
}

static status classes_of(follower *f) {
    const maker *m = f->m;
    const range *ranges = m->ranges.p;
    const set *sets = m->sets.p;
    arena *a = &m->room->a;
    uint32_t *from = f->from = arena_try_array(a, 2 * m->ranges.n + 3, sizeof *from);
    if (!from) return no_room(m);
    size_t n = 0;
    from[n++] = 0;
    from[n++] = 0xD800;
    from[n++] = 0xE000;
    for (size_t i = 0; i < m->ranges.n; i++) {
        from[n++] = ranges[i].lo;
        if (ranges[i].hi < ANY_END) from[n++] = ranges[i].hi + 1;
    }
    qsort(from, n, sizeof *from, by_number);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || from[i] != from[i - 1]) from[f->n_classes++] = from[i];
    if (f->n_classes > LANG_CLASSES_MAX)
        return err_set(m->e, E_LIMIT, "over %d kinds of characters", LANG_CLASSES_MAX);
    f->in_set = arena_try_array(a, m->sets.n * f->n_classes, 1);
    if (!f->in_set) return no_room(m);
    for (size_t s = 0; s < m->sets.n; s++)
        for (uint32_t i = 0, c = 0; i < sets[s].n; i++) {
            const range *r = &ranges[sets[s].first + i];
            while (from[c] < r->lo)
                c++;
            for (; c < f->n_classes && from[c] <= r->hi; c++)
                f->in_set[s * f->n_classes + c] = 1;
        }
    return OK;
}

static status finish(lang *out, follower *f) {
    size_t n = f->subsets.n, k = f->n_classes;
    arena *a = &f->m->room->a;
    *out = (lang){.n_states = (uint32_t)n, .n_classes = (uint32_t)k, .from = f->from};
    out->next = arena_try_array(a, n * k, sizeof *out->next);
    out->tag = arena_try_array(a, n, sizeof *out->tag);
    if (!out->next || !out->tag) return no_room(f->m);
    memcpy(out->next, f->next.p, n * k * sizeof *out->next);
    for (size_t s = 0; s < n; s++)
        out->tag[s] = ((subset *)f->subsets.p)[s].tag;
    // Surrogates are no characters, also where anything may stand.
    for (size_t s = 0; s < n; s++)
        for (size_t c = 0; c < k; c++)
            if (f->from[c] >= 0xD800 && f->from[c] < 0xE000) out->next[s * k + c] = -1;
    return OK;
}

static status determine(lang *out, follower *f, int32_t start) {
    arena *a = &f->m->room->a;
    size_t n = f->n_states;
    int32_t first;
    f->mark = arena_try_array(a, n, sizeof *f->mark);
    f->todo = arena_try_array(a, 2 * n + 2, sizeof *f->todo);
    f->found = arena_try_array(a, 2 * n + 2, sizeof *f->found);
    f->table = arena_try_array(a, SETS_TABLE, sizeof *f->table);
    if (!f->mark || !f->todo || !f->found || !f->table) return no_room(f->m);
    TRY(classes_of(f));
    f->mark_now++;
    (void)reach(f, start, true, false);
    TRY(subset_of(&first, f, true));
    for (size_t s = 0; s < f->subsets.n; s++)
        TRY(follow(f, s));
    return finish(out, f);
}

static status make(lang *out, maker *m, bool is_whole) {
    vec stack = {0};
    uint32_t top = 0, set_at;
    int32_t match, start = 0, loop;
    status s = read_any_of(&top, m, &stack);
    vec_free(&stack);
    if (s) return s;
    if (peek(m) >= 0) return bad(m, E_FORMAT, "a bracket without its other half");
    TRY(add_state(&match, m, (state){OP_MATCH, 0, -1, -1}));
    TRY(build(&start, m, top, match));
    if (!is_whole) {
        chars c = {0};
        (void)chars_add(&c, anything, countof(anything));
        TRY(add_set(&set_at, m, &c));
        TRY(add_state(&loop, m, (state){OP_SET, set_at, -1, -1}));
        TRY(add_state(&start, m, (state){OP_FORK, 0, loop, start}));
        ((state *)m->states.p)[loop].to = start;
    }
    follower f = {.m = m, .states = m->states.p, .n_states = m->states.n, .is_whole = is_whole};
    s = determine(out, &f, start);
    vec_free(&f.members);
    vec_free(&f.subsets);
    vec_free(&f.next);
    return s;
}

status regex_open(lang *out, str text, bool is_whole, lang_room *r, err *e) {
    maker m = {.text = text, .room = r, .e = e};
    if (text.len > REGEX_MAX)
        return err_set(e, E_LIMIT, "%zu bytes, limit %d", text.len, REGEX_MAX);
    if (!utf8_valid(text)) return err_set(e, E_FORMAT, "it is not UTF-8");
    status s = make(out, &m, is_whole);
    vec *all[] = {&m.nodes, &m.kids, &m.sets, &m.ranges, &m.states};
    for (size_t i = 0; i < countof(all); i++)
        vec_free(all[i]);
    return s;
}
