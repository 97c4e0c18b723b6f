// All tokens as one tree, written in the order in which it is walked: a node, then what is below
// it. Where a byte may not come, the walk jumps over everything that begins with it.
//
// Inside a leaf (most of a text is inside strings) a level of the walk is two numbers; only where a
// token leaves it, whole states are copied.
//
//   I1  level d holds what depth d of the walk has come to; its state is that of level `base`, with
//       another place in its leaf

#include "schema/node.h"

#include "base/str.h"

enum { TOKEN_MAX = 255 };  // longer tokens never fit

typedef struct tree_node {
    uint32_t skip;  // the first node that is not below
    uint32_t id;    // + 1; 0: no token ends here
    uint8_t byte, depth;
} tree_node;

struct schema_vocab {
    tree_node *nodes;
    size_t n, n_ids, depth;
    int32_t *same;  // the next id of the same bytes, + 1
};

// --- Building ------------------------------------------------------------------------------------

typedef struct token {
    str bytes;
    int32_t id;
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

static void build(schema_vocab *v, const token *all, size_t n) {
    size_t open[TOKEN_MAX], depth = 0;
    for (size_t i = 0; i < n; i++) {
        str s = all[i].bytes;
        size_t same = i ? shared(s, all[i - 1].bytes) : 0;
        for (; depth > same; depth--)
            v->nodes[open[depth - 1]].skip = (uint32_t)v->n;
        for (; depth < s.len; depth++) {
            open[depth] = v->n;
            v->nodes[v->n++] =
                (tree_node){.byte = (uint8_t)s.ptr[depth], .depth = (uint8_t)(depth + 1)};
        }
        tree_node *end = &v->nodes[open[depth - 1]];
        v->same[all[i].id] = (int32_t)end->id;
        end->id = (uint32_t)all[i].id + 1;
        v->depth = max_size(v->depth, depth);
    }
    for (; depth > 0; depth--)
        v->nodes[open[depth - 1]].skip = (uint32_t)v->n;
}

static status make(schema_vocab *v, size_t n_ids, str (*bytes)(const void *, int32_t),
                   const void *self, token *all, err *e) {
    size_t n = 0, n_bytes = 0;
    for (size_t id = 0; id < n_ids; id++) {
        str s = bytes(self, (int32_t)id);
        if (s.len == 0 || s.len > TOKEN_MAX) continue;
        all[n++] = (token){s, (int32_t)id};
        n_bytes += s.len;
    }
    qsort(all, n, sizeof *all, by_bytes);
    v->n_ids = n_ids;
    v->nodes = malloc((n_bytes + 1) * sizeof *v->nodes);
    v->same = calloc(n_ids + 1, sizeof *v->same);
    if (!v->nodes || !v->same) return err_set(e, E_MEMORY, "no memory for %zu tokens", n_ids);
    build(v, all, n);
    tree_node *less = realloc(v->nodes, (v->n + 1) * sizeof *less);
    if (less) v->nodes = less;
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
    free(v->nodes);
    free(v->same);
    free(v);
}

// --- Walking -------------------------------------------------------------------------------------

typedef struct level {
    uint32_t at, count;  // of the leaf
    uint32_t base;
    bool is_leaf;
} level;

typedef struct walk {
    const schema *s;
    level *levels;
    uint8_t *states;
    size_t bytes;  // of a state
} walk;

static size_t levels_bytes(const schema_vocab *v) {
    return align_up((v->depth + 1) * sizeof(level), 16);
}

static size_t state_step(const schema *s) {
    return align_up(schema_state_bytes(s), 16);
}

size_t schema_mask_scratch(const schema_vocab *v, const schema *s) {
    return levels_bytes(v) + (v->depth + 1) * state_step(s);
}

static schema_state *state_at(const walk *w, size_t depth) {
    return (schema_state *)(void *)(w->states + depth * w->bytes);
}

static void look(walk *w, size_t depth) {
    const frame *f = schema__leaf(state_at(w, depth));
    w->levels[depth] = (level){.base = (uint32_t)depth, .is_leaf = f != NULL};
    if (f) w->levels[depth].at = (uint32_t)f->at, w->levels[depth].count = f->count;
}

// Whether `byte` may come behind level depth - 1; then level `depth` is what it leads to (I1).
static bool enter(walk *w, size_t depth, uint8_t byte) {
    const level *from = &w->levels[depth - 1];
    schema_state *to = state_at(w, depth);
    if (from->is_leaf) {
        const dfa_table *d = &w->s->dfas;
        const dfa_state *x = dfa_at(d, from->at);
        frame *f = schema__leaf(state_at(w, from->base));
        if (!x->ends) {
            int64_t next = dfa_next(d, from->at, byte);
            if (next < 0) return false;
            const dfa_state *y = dfa_at(d, (uint32_t)next);
            if (!schema__leaf_may(w->s, schema_node(w->s, f->node), x, y, from->count))
                return false;
            if (!y->ends) {
                w->levels[depth] =
                    (level){(uint32_t)next, from->count + y->counts, from->base, true};
                return true;
            }
        }
        schema_copy(to, state_at(w, from->base), w->s);
        f = schema__leaf(to);
        f->at = (int32_t)from->at;
        f->count = from->count;
    } else {
        schema_copy(to, state_at(w, depth - 1), w->s);
    }
    if (!schema_step(to, w->s, byte)) return false;
    look(w, depth);
    return true;
}

void schema_mask(uint32_t *bits, const schema_vocab *v, const schema_state *st, const schema *s,
                 void *scratch) {
    walk w = {s, scratch, (uint8_t *)scratch + levels_bytes(v), state_step(s)};
    memset(bits, 0, (v->n_ids + 31) / 32 * sizeof *bits);
    schema_copy(state_at(&w, 0), st, s);
    look(&w, 0);
    for (size_t i = 0; i < v->n;) {
        const tree_node *x = &v->nodes[i];
        if (!enter(&w, x->depth, x->byte)) {
            i = x->skip;
            continue;
        }
        for (uint32_t id = x->id; id; id = (uint32_t)v->same[id - 1])
            bits[(id - 1) / 32] |= 1U << ((id - 1) % 32);
        i++;
    }
}
