// All tokens as one tree, written in the order in which it is walked: a node, then what is below
// it. Where a byte may not come, the walk jumps over everything that begins with it.
//
// Inside a leaf a level of the walk is two numbers; only where a token leaves it, whole states are
// copied. And inside a string that may hold anything (most of a text is), nearly all tokens are
// known beforehand: plain ones are characters and nothing else, and only the rest, as a tree of its
// own, is walked.
//
// Rejected: masks kept for each state (states have counters and stacks: they hardly come again).
//
//   I1  level d holds what depth d of the walk has come to; its state is that of level `base`, with
//       another place in its leaf
//   I2  a plain token may come wherever any character may, if that many may

#include "schema/node.h"

#include "base/utf8.h"

enum { TOKEN_MAX = 255 };  // longer tokens never fit

typedef struct tree_node {
    uint32_t skip;  // the first node that is not below
    uint32_t id;    // + 1; 0: no token ends here
    uint8_t byte, depth;
} tree_node;

typedef struct tree {
    tree_node *nodes;
    size_t n, depth;
} tree;

struct schema_vocab {
    tree all, special;  // special: those that are not plain
    size_t n_ids;
    int32_t *same;                   // the next id of the same bytes, + 1
    uint32_t *plain;                 // bits
    uint32_t *by_chars;              // plain ids, those with most characters first
    uint32_t longer[TOKEN_MAX + 1];  // how many plain ids have more than i characters
};

// --- Building ------------------------------------------------------------------------------------

typedef struct token {
    str bytes;
    int32_t id;
    uint8_t n_chars;  // of a plain one
} token;

static int by_bytes(const void *a, const void *b) {
    const token *x = a, *y = b;
    int d = str_cmp(x->bytes, y->bytes);
    return d ? d : (x->id > y->id) - (x->id < y->id);
}

static size_t shared(str a, str b) {
    size_t n = 0, most = min_size(a.len, b.len);
    while (n < most && a.ptr[n] == b.ptr[n])
        n++;
    return n;
}

// Of all tokens, or of those that are not plain.
static void build(schema_vocab *v, tree *t, const token *all, size_t n, bool is_special) {
    size_t open[TOKEN_MAX], depth = 0;
    str before = {0};
    for (size_t i = 0; i < n; i++) {
        str s = all[i].bytes;
        if (is_special && all[i].n_chars) continue;
        size_t same = shared(s, before);
        for (; depth > same; depth--)
            t->nodes[open[depth - 1]].skip = (uint32_t)t->n;
        for (; depth < s.len; depth++) {
            open[depth] = t->n;
            t->nodes[t->n++] =
                (tree_node){.byte = (uint8_t)s.ptr[depth], .depth = (uint8_t)(depth + 1)};
        }
        tree_node *end = &t->nodes[open[depth - 1]];
        v->same[all[i].id] = (int32_t)end->id;
        end->id = (uint32_t)all[i].id + 1;
        t->depth = max_size(t->depth, depth);
        before = s;
    }
    for (; depth > 0; depth--)
        t->nodes[open[depth - 1]].skip = (uint32_t)t->n;
}

// How many characters a plain token completes at most; 0: it is not plain. A character that is not
// whole at the end counts.
static uint8_t chars_of(str s) {
    uint8_t n = 0;
    size_t whole = utf8_complete(s);
    if (!utf8_valid(str_first(s, whole))) return 0;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t byte = (uint8_t)s.ptr[i];
        if (byte < 0x20 || byte == '"' || byte == '\\') return 0;
        n += (byte & 0xC0) != 0x80;
    }
    return n;
}

static status alloc_tree(tree *t, size_t n_bytes, err *e) {
    t->nodes = malloc((n_bytes + 1) * sizeof *t->nodes);
    return t->nodes ? OK : err_set(e, E_MEMORY, "no memory for a tree of tokens");
}

static void fit_tree(tree *t) {
    tree_node *less = realloc(t->nodes, (t->n + 1) * sizeof *less);
    if (less) t->nodes = less;
}

static void sort_plain(schema_vocab *v, const token *all, size_t n) {
    uint32_t at[TOKEN_MAX + 1];
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < all[i].n_chars; k++)
            v->longer[k]++;
    memcpy(at, v->longer, sizeof at);
    for (size_t i = 0; i < n; i++)
        if (all[i].n_chars) {
            uint32_t id = (uint32_t)all[i].id;
            v->by_chars[at[all[i].n_chars]++] = id;
            v->plain[id / 32] |= 1U << (id % 32);
        }
}

static status make(schema_vocab *v, size_t n_ids, str (*bytes)(const void *, int32_t),
                   const void *self, token *all, err *e) {
    size_t n = 0, n_bytes = 0, n_special = 0;
    for (size_t id = 0; id < n_ids; id++) {
        str s = bytes(self, (int32_t)id);
        if (s.len == 0 || s.len > TOKEN_MAX) continue;
        all[n] = (token){s, (int32_t)id, chars_of(s)};
        n_bytes += s.len;
        n_special += all[n++].n_chars ? 0 : s.len;
    }
    qsort(all, n, sizeof *all, by_bytes);
    v->n_ids = n_ids;
    v->same = calloc(n_ids + 1, sizeof *v->same);
    v->plain = calloc(n_ids / 32 + 1, sizeof *v->plain);
    v->by_chars = calloc(n + 1, sizeof *v->by_chars);
    if (!v->same || !v->plain || !v->by_chars)
        return err_set(e, E_MEMORY, "no memory for %zu tokens", n_ids);
    TRY(alloc_tree(&v->all, n_bytes, e));
    TRY(alloc_tree(&v->special, n_special, e));
    build(v, &v->special, all, n, true);
    memset(v->same, 0, n_ids * sizeof *v->same);
    build(v, &v->all, all, n, false);
    fit_tree(&v->all);
    fit_tree(&v->special);
    sort_plain(v, all, n);
    return OK;
}

status schema_vocab_open(schema_vocab **out, size_t n_ids, str (*bytes)(const void *, int32_t),
                         const void *self, err *e) {
    *out = NULL;
    if (n_ids > INT32_MAX / 2) return err_set(e, E_LIMIT, "%zu ids", n_ids);
    schema_vocab *v = calloc(1, sizeof *v);
    token *all = malloc((n_ids + 1) * sizeof *all);
    status s = v && all ? make(v, n_ids, bytes, self, all, e)
                        : err_set(e, E_MEMORY, "no memory for %zu tokens", n_ids);
    free(all);
    if (s)
        schema_vocab_close(v);
    else
        *out = v;
    return s;
}

void schema_vocab_close(schema_vocab *v) {
    if (!v) return;
    free(v->all.nodes);
    free(v->special.nodes);
    free(v->same);
    free(v->plain);
    free(v->by_chars);
    free(v);
}

// --- Walking -------------------------------------------------------------------------------------

typedef struct level {
    const node *node;    // of the leaf; NULL: in none
    uint32_t at, count;  // in it
    uint32_t base;
} level;

typedef struct walk {
    const schema *s;
    level *levels;
    uint8_t *states;
    size_t bytes;  // of a state
} walk;

static size_t levels_bytes(const schema_vocab *v) {
    return align_up((v->all.depth + 1) * sizeof(level), 16);
}

static size_t state_step(const schema *s) {
    return align_up(schema_state_bytes(s), 16);
}

size_t schema_mask_scratch(const schema_vocab *v, const schema *s) {
    return levels_bytes(v) + (v->all.depth + 1) * state_step(s);
}

static schema_state *state_at(const walk *w, size_t depth) {
    return (schema_state *)(void *)(w->states + depth * w->bytes);
}

static void look(walk *w, size_t depth) {
    const frame *f = schema__leaf(state_at(w, depth));
    level *l = &w->levels[depth];
    *l = (level){.base = (uint32_t)depth};
    if (f) *l = (level){schema_node(w->s, f->node), (uint32_t)f->at, f->count, (uint32_t)depth};
}

// Leaves the leaf of level `from` with a byte, into the state of level `depth`.
static bool leave(walk *w, const level *from, size_t depth, uint8_t byte) {
    schema_state *to = state_at(w, depth);
    schema_copy(to, state_at(w, from->base), w->s);
    frame *f = schema__leaf(to);
    f->at = (int32_t)from->at;
    f->count = from->count;
    if (!schema_step(to, w->s, byte)) return false;
    look(w, depth);
    return true;
}

// Whether `byte` may come behind level depth - 1; then level `depth` is what it leads to (I1).
static bool enter(walk *w, size_t depth, uint8_t byte) {
    const level *from = &w->levels[depth - 1];
    if (!from->node) {
        schema_copy(state_at(w, depth), state_at(w, depth - 1), w->s);
        if (!schema_step(state_at(w, depth), w->s, byte)) return false;
        look(w, depth);
        return true;
    }
    const dfa_state *x = dfa_at(&w->s->dfas, from->at);
    if (x->ends) return leave(w, from, depth, byte);
    int64_t next = dfa_next(&w->s->dfas, from->at, byte);
    if (next < 0) return false;
    const dfa_state *y = dfa_at(&w->s->dfas, (uint32_t)next);
    if (y->ends) return leave(w, from, depth, byte);
    if (!schema__leaf_may(w->s, from->node, x, y, from->count)) return false;
    w->levels[depth] = (level){from->node, (uint32_t)next, from->count + y->counts, from->base};
    return true;
}

static void walk_tree(uint32_t *bits, walk *w, const tree *t, const int32_t *same) {
    for (size_t i = 0; i < t->n;) {
        const tree_node *x = &t->nodes[i];
        if (!enter(w, x->depth, x->byte)) {
            i = x->skip;
            continue;
        }
        for (uint32_t id = x->id; id; id = (uint32_t)same[id - 1])
            bits[(id - 1) / 32] |= 1U << ((id - 1) % 32);
        i++;
    }
}

// Where any characters may come, how many; else -1.
static int64_t room_for_any(const walk *w) {
    const level *l = &w->levels[0];
    const frame *key = schema__key(state_at(w, 0));
    if (key && key->at >= 0 && dfa_at(&w->s->dfas, (uint32_t)key->at)->is_any) return TOKEN_MAX;
    if (!l->node || l->node->kind != NODE_STRING) return -1;
    if (!dfa_at(&w->s->dfas, l->at)->is_any) return -1;
    return l->node->most - l->count;
}

void schema_mask(uint32_t *bits, const schema_vocab *v, const schema_state *st, const schema *s,
                 void *scratch) {
    walk w = {s, scratch, (uint8_t *)scratch + levels_bytes(v), state_step(s)};
    size_t bytes = (v->n_ids + 31) / 32 * sizeof *bits;
    schema_copy(state_at(&w, 0), st, s);
    look(&w, 0);
    int64_t room = room_for_any(&w);
    if (room < 0) {
        memset(bits, 0, bytes);
        walk_tree(bits, &w, &v->all, v->same);
        return;
    }
    memcpy(bits, v->plain, bytes);  // I2
    for (uint32_t i = 0; room < TOKEN_MAX && i < v->longer[room]; i++)
        bits[v->by_chars[i] / 32] &= ~(1U << (v->by_chars[i] % 32));
    walk_tree(bits, &w, &v->special, v->same);
}
