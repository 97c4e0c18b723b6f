// schema/node.h -- what a schema compiles to: values as nodes of a graph, leaves as automata.
//
//   Owner     a schema; immutable once compiled
//   Shapes    a UNION's alternatives are no unions; heights count the objects and arrays that the
//             shallowest text of a node has inside each other
#ifndef SCHEMA_NODE_H
#define SCHEMA_NODE_H

#include "schema/dfa.h"
#include "schema/schema.h"

enum {
    SCHEMA_NONE = -1,
    SCHEMA_NEVER = 255,      // a height: no text
    SCHEMA_ADDED_MAX = 64,   // keys of an object that its schema does not name
    SCHEMA_INDENT_MAX = 48,  // spaces or tabs of a line
};

typedef enum node_kind {
    NODE_LEX,     // dfa
    NODE_STRING,  // dfa, and least to most characters
    NODE_UNION,   // n refs
    NODE_OBJECT,  // n props, least to most of them
    NODE_ARRAY,   // n refs for the first items, `rest` for more, least to most of them
    NODE_SEQ,     // n refs, one behind the other
} node_kind;

typedef struct node {
    uint8_t kind, height;
    uint8_t added_height;  // OBJECT: the most of its classes
    bool is_done;
    uint32_t dfa;  // OBJECT: of keys that are not props, if n_classes > 0
    uint32_t first, n;
    uint32_t least, most;
    int32_t rest;
    uint32_t keys;  // OBJECT: the tree of its props' names
    uint32_t classes, n_classes;
} node;

typedef struct prop {
    int32_t node;
    bool is_required;
    uint32_t required_from;    // the first required one that is not before this
    uint32_t n_required_from;  // how many of them
} prop;

// What a key that is no prop means, by the tag of the state it ends in.
typedef struct key_class {
    uint32_t tag;
    int32_t node;
} key_class;

// A tree of names as they are written, without the quotes.
typedef struct key_node {
    uint32_t edges, n_edges;
    int32_t prop;             // whose name ends here
    uint32_t below, n_below;  // props whose names begin so, in order
} key_node;

typedef struct key_edge {
    uint8_t byte;
    uint32_t to;
} key_edge;

struct schema {
    dfa_table dfas;
    vec nodes, refs, props, classes, key_nodes, key_edges, key_below;
    int32_t root;
    bool may_indent;  // whitespace before the root
    bool has_added, has_union;
};

static inline const node *schema_node(const schema *s, int32_t at) {
    return (const node *)s->nodes.p + at;
}
static inline int32_t schema_ref(const schema *s, uint32_t at) {
    return ((const int32_t *)s->refs.p)[at];
}
static inline const prop *schema_prop(const schema *s, uint32_t at) {
    return (const prop *)s->props.p + at;
}

// --- States --------------------------------------------------------------------------------------

enum {
    FRAMES_MAX = SCHEMA_DEPTH_MAX + 4,
    KEYS_MAX = SCHEMA_DEPTH_MAX * SCHEMA_ADDED_MAX,
};

typedef enum phase {
    P_VALUE,  // a value comes
    P_COLON,  // first a colon
    P_LEX,    // inside a leaf: `at` of its automaton, `count` characters
    P_KEY,    // inside a key: `node` of the tree and `at` of the automaton, `count` is its hash
    P_OPEN,   // behind the opening bracket
    P_NEXT,   // behind a comma of an object
    P_AFTER,  // behind a value
    P_PART,   // a sequence: `at` parts have begun
} phase;

typedef struct frame {
    int32_t node;
    int32_t at;      // OBJECT: the first prop that may still come
    uint32_t count;  // OBJECT, ARRAY: how many have come
    uint16_t base;   // OBJECT: where its keys begin
    uint8_t phase, ws;
} frame;

// One of the ways in which a text may have been meant.
typedef struct thread {
    uint16_t n_frames, n_keys, depth, zero;
    frame f[FRAMES_MAX];
    uint32_t keys[KEYS_MAX];  // hashes of the keys of open objects that are no props
} thread;

// Threads without what they do not use, one behind the other: 8 bytes, frames, keys.
struct schema_state {
    uint32_t n, used;
    uint8_t data[];
};

// The innermost frame, when the state is one thread inside a leaf; else NULL.
frame *schema__leaf(schema_state *st);
// The same for a key.
const frame *schema__key(schema_state *st);
// Whether the leaf may take another character, or end here.
bool schema__leaf_may(const schema *s, const node *x, const dfa_state *from, const dfa_state *to,
                      uint32_t count);

#endif
