// schema/schema.h -- JSON schemas and regular expressions as automata: which byte may come next.
//
// A schema is compiled once; a state is a small value that moves byte by byte. What an automaton
// lets through validates; what it cannot express it refuses to compile: it fails closed.
//
//   Owner     a schema is immutable; a state points into nothing but its schema
//   Threads   any; a state: one
//   Limits    SCHEMA_*_MAX
//   Errors    E_UNSUPPORTED names the keyword and where it stands ("/properties/x/not"); E_FORMAT a
//             schema that is none; E_LIMIT
//   Source    JSON Schema 2020-12 (the keywords of OpenAI's structured outputs and the common rest:
//             README.md has the list); RFC 8259 for what the texts look like
#ifndef SCHEMA_SCHEMA_H
#define SCHEMA_SCHEMA_H

#include "base/arena.h"
#include "base/json_read.h"

enum {
    SCHEMA_NODES_MAX = 1 << 18,
    SCHEMA_DEPTH_MAX = 64,  // nested values of a text
};

typedef struct schema schema;

// `value` is the schema. NULL: any JSON object (response_format json_object).
NODISCARD status schema_open(schema **out, const json_value *value, err *e);

// A text that is one of several: literal bytes, a value of a schema, literal bytes. For tool calls.
// `value` NULL and is_any: no value, only `before`.
typedef struct schema_choice {
    str before;
    const json_value *value;
    str after;
} schema_choice;
NODISCARD status schema_open_choice(schema **out, const schema_choice *choice, size_t n, err *e);
// A regular expression that the whole text matches (the dialect of `pattern`, anchored).
NODISCARD status schema_open_regex(schema **out, str regex, err *e);
void schema_close(schema *s);  // accepts NULL

typedef struct schema_state schema_state;
size_t schema_state_bytes(const schema *s);
void schema_start(schema_state *st, const schema *s);
void schema_copy(schema_state *to, const schema_state *from, const schema *s);
bool schema_step(schema_state *st, const schema *s, uint8_t byte);  // false: it may not come
bool schema_may_end(const schema_state *st, const schema *s);

// --- Masks -------------------------------------------------------------------------------------

// A vocabulary as a trie of its tokens' bytes, so that a mask costs what can go on, not all tokens.
typedef struct schema_vocab schema_vocab;

// `bytes(self, id)` gives each id's bytes; "" never fits. The trie keeps no view of them.
NODISCARD status schema_vocab_open(schema_vocab **out, size_t n_ids,
                                   str (*bytes)(const void *self, int32_t id), const void *self,
                                   err *e);
void schema_vocab_close(schema_vocab *v);  // accepts NULL

// Sets bit i % 32 of bits[i / 32] for each id whose bytes may come next, and clears all others. An
// id for the end of the text is the caller's affair (schema_may_end). `spare` is a state's worth of
// scratch for each depth: schema_mask_scratch bytes.
size_t schema_mask_scratch(const schema_vocab *v, const schema *s);
void schema_mask(uint32_t *bits, const schema_vocab *v, const schema_state *st, const schema *s,
                 void *scratch);

#endif
