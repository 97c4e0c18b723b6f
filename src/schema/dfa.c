// From code points to bytes: each edge of a language becomes some sequences of ranges of bytes, and
// a state's sequences a tree, whose inner nodes are shared between all that lead to the same.
//
//   I1  the sequences of one state are sorted, and their ranges at any place equal or disjoint
//   I2  an inner node is no end of anything, so nodes with equal edges are one

#include "schema/dfa.h"

enum { CONS = 1 << 19, SEQ_MAX = 6, SEQS_MAX = 1 << 14 };

status dfa_open(dfa_table *t, err *e) {
    *t = (dfa_table){.cons = calloc(CONS, sizeof *t->cons)};
    return t->cons ? OK : err_set(e, E_MEMORY, "no memory for automata");
}

void dfa_close(dfa_table *t) {
    vec_free(&t->states);
    vec_free(&t->edges);
    free(t->cons);
    t->cons = NULL;
}

static status full(err *e) {
    return err_set(e, E_LIMIT, "automata of over %d states or %d edges", DFA_STATES_MAX,
                   DFA_EDGES_MAX);
}

static status add_state(uint32_t *out, dfa_table *t, err *e) {
    *out = (uint32_t)t->states.n;
    return vec_add(&t->states, 1, sizeof(dfa_state), DFA_STATES_MAX) ? OK : full(e);
}

static dfa_state *state_at(dfa_table *t, uint32_t s) {
    return (dfa_state *)t->states.p + s;
}

static status set_edges(dfa_table *t, uint32_t s, const dfa_edge *edges, size_t n, err *e) {
    dfa_edge *to = vec_add(&t->edges, n, sizeof *to, DFA_EDGES_MAX);
    if (!to) return full(e);
    memcpy(to, edges, n * sizeof *to);
    state_at(t, s)->first = (uint32_t)(t->edges.n - n);
    state_at(t, s)->n = (uint16_t)n;
    return OK;
}

static bool same_edges(const dfa_edge *a, const dfa_edge *b, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (a[i].lo != b[i].lo || a[i].hi != b[i].hi || a[i].to != b[i].to) return false;
    return true;
}

// A state with these edges, which may be there already (I2).
static status inner(uint32_t *out, dfa_table *t, const dfa_edge *edges, size_t n, err *e) {
    uint64_t h = n;
    for (size_t i = 0; i < n; i++)
        h = (h ^ edges[i].lo ^ (uint64_t)edges[i].hi << 8 ^ (uint64_t)edges[i].to << 16) *
            0x9E3779B97F4A7C15U;
    h ^= h >> 29;
    for (size_t probes = 0; probes < 64 && t->cons[h % CONS]; probes++, h++) {
        uint32_t s = t->cons[h % CONS] - 1;
        const dfa_state *x = dfa_at(t, s);
        if (x->n == n && same_edges((dfa_edge *)t->edges.p + x->first, edges, n))
            return *out = s, OK;
    }
    TRY(add_state(out, t, e));
    if (!t->cons[h % CONS]) t->cons[h % CONS] = *out + 1;
    return set_edges(t, *out, edges, n, e);
}

// --- Sequences of bytes --------------------------------------------------------------------------

typedef struct seq {
    uint8_t lo[SEQ_MAX], hi[SEQ_MAX];
    uint8_t n;
    uint32_t to;
} seq;

typedef struct seqs {
    vec all;
    dfa_table *t;
    err *e;
} seqs;

static seq *seq_add(seqs *x, uint32_t to) {
    seq *s = vec_add(&x->all, 1, sizeof *s, SEQS_MAX);
    if (s) s->to = to;
    return s;
}

static status add_bytes(seqs *x, str bytes, uint32_t to) {
    seq *s = seq_add(x, to);
    if (!s) return full(x->e);
    s->n = (uint8_t)bytes.len;
    memcpy(s->lo, bytes.ptr, bytes.len);
    memcpy(s->hi, bytes.ptr, bytes.len);
    return OK;
}

static int utf8_bytes(uint8_t out[4], uint32_t cp) {
    if (cp < 0x80) return out[0] = (uint8_t)cp, 1;
    int n = cp < 0x800 ? 2 : cp < 0x10000 ? 3 : 4;
    for (int i = n - 1; i > 0; i--, cp >>= 6)
        out[i] = (uint8_t)(0x80 | (cp & 63));
    out[0] = (uint8_t)(0xF00 >> n | cp);
    return n;
}

// Splits lo..hi where lengths change, and where the last bytes are not all there.
static status add_utf8(seqs *x, uint32_t lo, uint32_t hi, uint32_t to) {
    static const uint32_t ends[] = {0x7F, 0x7FF, 0xFFFF};
    for (size_t i = 0; i < countof(ends); i++)
        if (lo <= ends[i] && hi > ends[i]) {
            TRY(add_utf8(x, lo, ends[i], to));
            return add_utf8(x, ends[i] + 1, hi, to);
        }
    for (int i = 1; i < 4 && lo >= 0x80; i++) {
        uint32_t low = (1U << (6 * i)) - 1;
        if ((lo & ~low) == (hi & ~low)) break;
        if (lo & low) {
            TRY(add_utf8(x, lo, lo | low, to));
            return add_utf8(x, (lo | low) + 1, hi, to);
        }
        if ((hi & low) != low) {
            TRY(add_utf8(x, lo, (hi & ~low) - 1, to));
            return add_utf8(x, hi & ~low, hi, to);
        }
    }
    seq *s = seq_add(x, to);
    if (!s) return full(x->e);
    uint8_t a[4], b[4];
    s->n = (uint8_t)utf8_bytes(a, lo);
    (void)utf8_bytes(b, hi);
    memcpy(s->lo, a, 4);
    memcpy(s->hi, b, 4);
    return OK;
}

// A character as JSON writes it with the shortest escape.
static status add_escaped(seqs *x, uint32_t cp, uint32_t to) {
    static const char codes[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    for (size_t i = 0; codes[i]; i++)
        if (cp == (uint8_t)codes[i]) return add_bytes(x, (str){(char[]){'\\', names[i]}, 2}, to);
    char text[7] = "\\u00";
    static const char hex[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
    text[4] = hex[cp >> 4];
    text[5] = hex[cp & 15];
    TRY(add_bytes(x, (str){text, 6}, to));
    text[5] = upper[cp & 15];
    return (cp & 15) < 10 ? OK : add_bytes(x, (str){text, 6}, to);
}

static bool is_escaped(uint32_t cp) {
    return cp < 0x20 || cp == '"' || cp == '\\';
}

static status add_points(seqs *x, uint32_t lo, uint32_t hi, uint32_t to, dfa_form form) {
    uint32_t from = lo;
    for (uint32_t cp = lo; cp <= hi && cp <= '\\' && form != DFA_TEXT; cp++) {
        if (!is_escaped(cp)) continue;
        if (from < cp) TRY(add_utf8(x, from, cp - 1, to));
        from = cp + 1;
        if (form == DFA_STRING) TRY(add_escaped(x, cp, to));
    }
    return from <= hi ? add_utf8(x, from, hi, to) : OK;
}

static int by_bytes(const void *a, const void *b) {
    const seq *x = a, *y = b;
    int d = memcmp(x->lo, y->lo, SEQ_MAX);
    return d ? d : memcmp(x->hi, y->hi, SEQ_MAX);
}

// The edges of sequences that are equal before `at` (I1); 256 at most.
static status edges_of(dfa_edge *out, size_t *n_out, seqs *x, const seq *s, size_t n, size_t at) {
    size_t n_edges = 0;
    for (size_t i = 0, k; i < n; i = k) {
        for (k = i + 1; k < n && s[k].lo[at] == s[i].lo[at];)
            k++;
        uint32_t to = s[i].to;
        if (s[i].n > at + 1) {
            dfa_edge edges[256];
            size_t n_inner = 0;
            TRY(edges_of(edges, &n_inner, x, s + i, k - i, at + 1));
            TRY(inner(&to, x->t, edges, n_inner, x->e));
        }
        dfa_edge *last = n_edges ? &out[n_edges - 1] : NULL;
        if (last && last->to == to && last->hi + 1 == s[i].lo[at])
            last->hi = s[i].hi[at];
        else
            out[n_edges++] = (dfa_edge){s[i].lo[at], s[i].hi[at], to};
    }
    *n_out = n_edges;
    return OK;
}

// --- Of a language -------------------------------------------------------------------------------

typedef struct maker {
    const lang *l;
    dfa_form form;
    uint32_t *state;  // of the language's state, + 1
    uint32_t *todo;
    size_t n_todo;
    uint32_t end;  // of a string
    seqs seqs;
} maker;

static status reach(uint32_t *out, maker *m, uint32_t s) {
    dfa_table *t = m->seqs.t;
    if (!m->state[s]) {
        uint32_t at;
        TRY(add_state(&at, t, m->seqs.e));
        state_at(t, at)->ends = m->form != DFA_STRING && m->l->tag[s];
        state_at(t, at)->tag = m->l->tag[s];
        m->state[s] = at + 1;
        m->todo[m->n_todo++] = s;
    }
    *out = m->state[s] - 1;
    return OK;
}

static status follow(maker *m, uint32_t s) {
    const lang *l = m->l;
    const int32_t *next = l->next + (size_t)s * l->n_classes;
    dfa_edge edges[256];
    size_t n = 0;
    m->seqs.all.n = 0;
    for (uint32_t c = 0, k; c < l->n_classes; c = k) {
        for (k = c + 1; k < l->n_classes && next[k] == next[c];)
            k++;
        uint32_t to, hi = (k < l->n_classes ? l->from[k] : LANG_POINTS) - 1;
        if (next[c] < 0) continue;
        TRY(reach(&to, m, (uint32_t)next[c]));
        TRY(add_points(&m->seqs, l->from[c], hi, to, m->form));
    }
    if (m->form == DFA_STRING && l->tag[s]) TRY(add_bytes(&m->seqs, STR("\""), m->end));
    if (m->seqs.all.n) qsort(m->seqs.all.p, m->seqs.all.n, sizeof(seq), by_bytes);
    TRY(edges_of(edges, &n, &m->seqs, m->seqs.all.p, m->seqs.all.n, 0));
    return set_edges(m->seqs.t, m->state[s] - 1, edges, n, m->seqs.e);
}

static status make(uint32_t *out, maker *m, lang_room *r) {
    dfa_table *t = m->seqs.t;
    err *e = m->seqs.e;
    uint32_t start, open;
    if (m->form == DFA_STRING) {
        TRY(add_state(&m->end, t, e));
        state_at(t, m->end)->ends = true;
    }
    TRY(reach(&start, m, 0));
    while (m->n_todo) {
        uint32_t s = m->todo[--m->n_todo];
        TRY(lang_work(r, m->l->n_classes, e));
        TRY(follow(m, s));
    }
    *out = start;
    if (m->form != DFA_STRING) return OK;
    TRY(add_state(&open, t, e));
    *out = open;
    return set_edges(t, open, &(dfa_edge){'"', '"', start}, 1, e);
}

status dfa_of_lang(uint32_t *out, dfa_table *t, const lang *l, dfa_form form, lang_room *r,
                   err *e) {
    maker m = {.l = l, .form = form, .seqs = {.t = t, .e = e}};
    m.state = arena_try_array(&r->a, l->n_states, sizeof *m.state);
    m.todo = arena_try_array(&r->a, l->n_states, sizeof *m.todo);
    if (!m.state || !m.todo) return err_set(e, E_LIMIT, "no room for its automaton");
    status st = make(out, &m, r);
    vec_free(&m.seqs.all);
    return st;
}

// --- Words ---------------------------------------------------------------------------------------

// Words that are equal before `at`. A word that is alone is followed in a loop.
static status words_at(dfa_table *t, uint32_t s, const str *words, size_t n, size_t at, err *e) {
    while (n == 1 && at < words->len) {
        uint32_t to;
        uint8_t byte = (uint8_t)words->ptr[at++];
        TRY(add_state(&to, t, e));
        TRY(set_edges(t, s, &(dfa_edge){byte, byte, to}, 1, e));
        s = to;
    }
    if (words->len == at) state_at(t, s)->ends = true, words++, n--;
    dfa_edge edges[256];
    size_t n_edges = 0;
    for (size_t i = 0, k; i < n; i = k) {
        uint8_t byte = (uint8_t)words[i].ptr[at];
        for (k = i + 1; k < n && (uint8_t)words[k].ptr[at] == byte;)
            k++;
        uint32_t to;
        TRY(add_state(&to, t, e));
        TRY(words_at(t, to, words + i, k - i, at + 1, e));
        edges[n_edges++] = (dfa_edge){byte, byte, to};
    }
    return n ? set_edges(t, s, edges, n_edges, e) : OK;
}

// The longest beginning that two words share: how deep words_at goes.
enum { DEEP_MAX = 256 };

status dfa_of_words(uint32_t *out, dfa_table *t, const str *words, size_t n, err *e) {
    for (size_t i = 1; i < n; i++) {
        size_t same = 0, len = min_size(words[i].len, words[i - 1].len);
        while (same < len && words[i].ptr[same] == words[i - 1].ptr[same])
            same++;
        if (same > DEEP_MAX)
            return err_set(e, E_LIMIT, "values with over %d equal bytes at their beginning",
                           DEEP_MAX);
    }
    TRY(add_state(out, t, e));
    return words_at(t, *out, words, n, 0, e);
}

// --- Any string ----------------------------------------------------------------------------------

enum {
    S_OPEN,   // the quote comes
    S_EMPTY,  // no character yet
    S_BODY,   // behind a character
    S_END,
    S_ESC,
    S_1MORE,  // bytes of UTF-8 to come
    S_2MORE,
    S_3MORE,
    S_E0,
    S_ED,
    S_F0,
    S_F4,
    S_HEX1,  // of \uXXXX, behind \u
    S_HEX2,
    S_HEX3,
    S_HEX4,
    S_HIGH2,  // behind \uD: 0 to 7 is a character, 8 to b half of one
    S_HIGH3,
    S_HIGH4,
    S_PAIR,  // behind a half: \u, D, c to f
    S_PAIR_U,
    S_PAIR_D,
    S_PAIR_2,
    N_STRING,
};

#define HEX(to)                                                                                    \
    {'0', '9', to}, {'A', 'F', to}, {                                                              \
        'a', 'f', to                                                                               \
    }
#define BODY                                                                                       \
    {' ', '!', S_BODY}, {'"', '"', S_END}, {'#', '[', S_BODY}, {'\\', '\\', S_ESC},                \
        {']', 0x7F, S_BODY}, {0xC2, 0xDF, S_1MORE}, {0xE0, 0xE0, S_E0}, {0xE1, 0xEC, S_2MORE},     \
        {0xED, 0xED, S_ED}, {0xEE, 0xEF, S_2MORE}, {0xF0, 0xF0, S_F0}, {0xF1, 0xF3, S_3MORE},      \
        {0xF4, 0xF4, S_F4},

static const struct {
    dfa_edge e[14];
} string_edges[N_STRING] = {
    [S_OPEN] = {{{'"', '"', S_EMPTY}}},
    [S_EMPTY] = {{BODY}},
    [S_BODY] = {{BODY}},
    [S_ESC] = {{{'"', '"', S_BODY},
                {'/', '/', S_BODY},
                {'\\', '\\', S_BODY},
                {'b', 'b', S_BODY},
                {'f', 'f', S_BODY},
                {'n', 'n', S_BODY},
                {'r', 'r', S_BODY},
                {'t', 't', S_BODY},
                {'u', 'u', S_HEX1}}},
    [S_1MORE] = {{{0x80, 0xBF, S_BODY}}},
    [S_2MORE] = {{{0x80, 0xBF, S_1MORE}}},
    [S_3MORE] = {{{0x80, 0xBF, S_2MORE}}},
    [S_E0] = {{{0xA0, 0xBF, S_1MORE}}},
    [S_ED] = {{{0x80, 0x9F, S_1MORE}}},
    [S_F0] = {{{0x90, 0xBF, S_2MORE}}},
    [S_F4] = {{{0x80, 0x8F, S_2MORE}}},
    [S_HEX1] = {{{'0', '9', S_HEX2},
                 {'A', 'C', S_HEX2},
                 {'D', 'D', S_HIGH2},
                 {'E', 'F', S_HEX2},
                 {'a', 'c', S_HEX2},
                 {'d', 'd', S_HIGH2},
                 {'e', 'f', S_HEX2}}},
    [S_HEX2] = {{HEX(S_HEX3)}},
    [S_HEX3] = {{HEX(S_HEX4)}},
    [S_HEX4] = {{HEX(S_BODY)}},
    [S_HIGH2] =
        {{{'0', '7', S_HEX3}, {'8', '9', S_HIGH3}, {'A', 'B', S_HIGH3}, {'a', 'b', S_HIGH3}}},
    [S_HIGH3] = {{HEX(S_HIGH4)}},
    [S_HIGH4] = {{HEX(S_PAIR)}},
    [S_PAIR] = {{{'\\', '\\', S_PAIR_U}}},
    [S_PAIR_U] = {{{'u', 'u', S_PAIR_D}}},
    [S_PAIR_D] = {{{'D', 'D', S_PAIR_2}, {'d', 'd', S_PAIR_2}}},
    [S_PAIR_2] = {{{'C', 'F', S_HEX3}, {'c', 'f', S_HEX3}}},
};

status dfa_of_string(uint32_t *out, dfa_table *t, err *e) {
    *out = (uint32_t)t->states.n;
    if (!vec_add(&t->states, N_STRING, sizeof(dfa_state), DFA_STATES_MAX)) return full(e);
    for (uint32_t s = 0; s < N_STRING; s++) {
        dfa_edge edges[countof(string_edges[0].e)];
        size_t n = 0;
        for (; n < countof(edges) && string_edges[s].e[n].hi; n++) {
            edges[n] = string_edges[s].e[n];
            edges[n].to += *out;
        }
        TRY(set_edges(t, *out + s, edges, n, e));
        state_at(t, *out + s)->ends = s == S_END;
        state_at(t, *out + s)->counts = s == S_BODY;
        state_at(t, *out + s)->is_any = s == S_BODY || s == S_EMPTY;
    }
    return OK;
}
