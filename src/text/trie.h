// text/trie.h -- strings of bytes by their beginnings: what a text's next bytes may be.
//
//   Owner     lies in the arena that trie_init was given; immutable once it is filled
//   Threads   building: one; then any
//   Limits    TRIE_NODES_MAX; a step looks at TRIE_PROBES_MAX places at most
//   Errors    trie_add: E_LIMIT
#ifndef TEXT_TRIE_H
#define TEXT_TRIE_H

#include "base/arena.h"

enum { TRIE_NODES_MAX = (1 << 24) - 1, TRIE_PROBES_MAX = 512 };
#define TRIE_NONE UINT32_MAX

typedef struct trie {
    uint64_t *edges;  // 0, or node << 32 | byte << 24 | child
    uint32_t *value;  // of a node; TRIE_NONE: no string ends there
    unsigned shift;   // 64 - log2 of the edges' slots
    uint32_t n, cap;
    uint32_t first[256];  // children of the root, 0: none
} trie;

// Room for strings of n_bytes bytes together.
NODISCARD status trie_init(trie *t, size_t n_bytes, arena *perm, err *e);
// The first of equal strings keeps its value.
NODISCARD status trie_add(trie *t, str s, uint32_t value, err *e);

static inline size_t trie__slot(const trie *t, uint32_t node, unsigned char byte) {
    return (((uint64_t)node << 8 | byte) * 0x9e3779b97f4a7c15u) >> t->shift;
}

// The child of a node; 0 is none (no child is the root, which is node 0).
static inline uint32_t trie_step(const trie *t, uint32_t node, unsigned char byte) {
    if (node == 0) return t->first[byte];
    size_t mask = ~(size_t)0 >> t->shift;
    uint64_t want = (uint64_t)node << 8 | byte, edge;
    for (size_t i = trie__slot(t, node, byte); (edge = t->edges[i]); i = (i + 1) & mask)
        if (edge >> 24 == want) return edge & 0xFFFFFF;
    return 0;
}

// The longest string that the text at `at` begins with: its length and value; 0 when there is none.
static inline size_t trie_longest(uint32_t *value, const trie *t, str s, size_t at) {
    size_t best = 0;
    uint32_t node = 0;
    for (size_t i = at; i < s.len; i++) {
        node = trie_step(t, node, (unsigned char)s.ptr[i]);
        if (!node) break;
        if (t->value[node] == TRIE_NONE) continue;
        best = i + 1 - at;
        *value = t->value[node];
    }
    return best;
}

#endif
