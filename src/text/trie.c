// One hash of edges for the whole trie: a node is a number, and takes what its value takes.

#include "text/trie.h"

status trie_init(trie *t, size_t n_bytes, arena *perm, err *e) {
    unsigned log2 = 4;
    if (n_bytes >= TRIE_NODES_MAX)
        return err_set(e, E_LIMIT, "strings of %zu bytes together, limit %d", n_bytes,
                       TRIE_NODES_MAX - 1);
    while ((size_t)1 << log2 < 2 * (n_bytes + 1))
        log2++;
    *t = (trie){.shift = 64 - log2, .n = 1, .cap = (uint32_t)n_bytes + 1};
    t->edges = arena_try_array(perm, (size_t)1 << log2, sizeof *t->edges);
    t->value = arena_try_array(perm, t->cap, sizeof *t->value);
    if (!t->edges || !t->value) return err_set(e, E_MEMORY, "no room for %zu bytes", n_bytes);
    for (uint32_t i = 0; i < t->cap; i++)
        t->value[i] = TRIE_NONE;
    return OK;
}

static status add_edge(trie *t, uint32_t node, unsigned char byte, err *e) {
    size_t mask = ~(size_t)0 >> t->shift, first = trie__slot(t, node, byte);
    if (node == 0) {
        t->first[byte] = t->n++;
        return OK;
    }
    for (size_t i = 0; i < TRIE_PROBES_MAX; i++) {
        uint64_t *edge = &t->edges[(first + i) & mask];
        if (*edge) continue;
        *edge = (uint64_t)node << 32 | (uint64_t)byte << 24 | t->n++;
        return OK;
    }
    return err_set(e, E_LIMIT, "over %d beginnings of tokens collide", TRIE_PROBES_MAX);
}

status trie_add(trie *t, str s, uint32_t value, err *e) {
    uint32_t node = 0;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char byte = (unsigned char)s.ptr[i];
        uint32_t next = trie_step(t, node, byte);
        CHECK(next || t->n < t->cap);
        if (!next) {
            next = t->n;
            TRY(add_edge(t, node, byte, e));
        }
        node = next;
    }
    if (node && t->value[node] == TRIE_NONE) t->value[node] = value;
    return OK;
}
