// schema/compile.h -- from schemas to nodes, through conjunctions: all schemas that hold for one
// value, as one list.
//
//   Owner     a compiler owns what it needs until it is done; nodes go into its schema
//   Threads   one
//   Limits    COMPILE_*_MAX, SCHEMA_NODES_MAX, and lang.h's
//   Errors    as schema.h; every message begins with a JSON pointer into the schema
#ifndef SCHEMA_COMPILE_H
#define SCHEMA_COMPILE_H

#include "schema/node.h"
#include "schema/number.h"

enum {
    COMPILE_TERMS_MAX = 32,  // schemas of one conjunction
    COMPILE_CONJS_MAX = 1 << 15,
    COMPILE_PATTERNS_MAX = 16,  // of one string, or of the keys of one object
};

// What of a schema has been dealt with already.
enum { DONE_ANY_OF = 1, DONE_ONE_OF = 2, IS_VALUE = 4 };

typedef struct term {
    const json_value *v;
    uintptr_t done;
} term;

typedef struct conj {
    term t[COMPILE_TERMS_MAX];
    size_t n;
    bool is_never;
} conj;

typedef struct conj_at {
    uint32_t first, n;  // of terms: sorted, then in their own order
    int32_t node;
} conj_at;

typedef struct compiler {
    schema *s;
    const json_value *root;
    lang_room room;
    vec conjs, terms;
    uint32_t *table;                         // conjs by hash, + 1
    int32_t never, string, integer, number;  // nodes that many share
    int64_t any_key;                         // dfa, -1: not yet
    err *e;
} compiler;

enum {
    TYPE_NULL = 1,
    TYPE_BOOL = 2,
    TYPE_INT = 4,
    TYPE_NUM = 8,
    TYPE_STR = 16,
    TYPE_ARR = 32,
    TYPE_OBJ = 64,
    TYPE_ALL = 127,
};

// What a conjunction's keywords say, its properties and items apart.
typedef struct rules {
    unsigned types, implied;  // implied: of which types keywords are there
    number_rules number;
    str patterns[COMPILE_PATTERNS_MAX];
    const json_value *pattern_at[COMPILE_PATTERNS_MAX];
    bool is_whole[COMPILE_PATTERNS_MAX];
    size_t n_patterns;
    uint32_t length[2], items[2], props[2];
    const json_value *unique;  // uniqueItems: true
    bool has_properties, has_added, has_items;
} rules;

// An error at a value of the schema; `keyword` may be NULL.
status compile__fail(const compiler *c, status code, const json_value *at, const char *keyword,
                     const char *fmt, ...) PRINTF_LIKE(5, 6);
// Puts the place in front of the message that is there.
status compile__fail_in(const compiler *c, const json_value *at, const char *keyword);

// --- terms.c: conjunctions and what is in them ---------------------------------------------------

// Adds a schema, what it refers to and what its allOf holds.
NODISCARD status terms__add(compiler *c, conj *to, const json_value *v, uintptr_t done);
// Without those that say nothing any more: so equal conjunctions look equal.
void terms__drop_spent(conj *x);
// What values of any schema of this list have in common, by keywords.
NODISCARD status terms__rules(compiler *c, rules *out, const conj *x);
// Types that a value may have for all that "type", "enum" and "const" say.
unsigned terms__types(const conj *x);
unsigned terms__type_of(const json_value *value);
bool terms__equal(const json_value *a, const json_value *b);
// Whether it is certain that no value fits both.
NODISCARD status terms__disjoint(compiler *c, bool *out, const json_value *a, const json_value *b,
                                 int depth);

// --- compile.c, object.c -------------------------------------------------------------------------

NODISCARD status compile__node(compiler *c, int32_t *out, node n);
// The node of a conjunction, compiled later.
NODISCARD status compile__conj(compiler *c, int32_t *out, const conj *x);
NODISCARD status compile__object(compiler *c, int32_t *out, const conj *x, const rules *r);
NODISCARD status compile__props(compiler *c, node *n, const str *names, size_t n_names);
// A language of strings: all patterns, and as long as the rules say.
NODISCARD status compile__strings(compiler *c, lang *out, bool *any, const rules *r);
// A name or text as JSON writes it, without quotes.
NODISCARD status compile__escaped(str *out, compiler *c, str text);

#endif
