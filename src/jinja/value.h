// jinja/value.h -- values that templates work on, as Python has them; and a rendering's memory.
//
//   Owner     everything is in the rendering's arena and dies with it; values are 16 bytes, copied
//   Threads   one rendering: one
//   Limits    JINJA_MEMORY_MAX of memory, JINJA_STEPS_MAX of work: jv_charge counts it
//   Errors    the first one stays in the rendering (jr_fail) and all that follows is harmless:
//             functions return an undefined value and loops ask `r->code`
//   Source    Python's data model
#ifndef JINJA_VALUE_H
#define JINJA_VALUE_H

#include "base/arena.h"
#include "base/buf.h"
#include "jinja/jinja.h"

typedef enum jv_kind {
    JV_MISSING,  // a variable that was never set; an argument that was not given
    JV_UNDEF,
    JV_NONE,
    JV_BOOL,
    JV_INT,
    JV_FLOAT,
    JV_STR,
    JV_LIST,
    JV_TUPLE,
    JV_DICT,
    JV_VIEW,  // of a dict: keys(), values(), items()
    JV_RANGE,
    JV_ITER,   // a generator or reversed(): can be gone through once
    JV_SPACE,  // namespace()
    JV_LOOP,
    JV_MACRO,
    JV_BUILTIN,
    JV_METHOD,
    JV_CYCLER,
    JV_JOINER,
    JV_KINDS,
} jv_kind;

// `sub` of a string, a tuple, an undefined value, a view.
enum {
    JV_MARKUP = 1,     // escaped already: Markup
    JV_GROUPED = 1,    // of groupby: has .grouper and .list
    JV_GENERATOR = 0,  // how an iterator prints
    JV_REVERSED = 1,
};
typedef enum jv_why { JV_NAME, JV_ATTR, JV_UNSAFE, JV_HINT, JV_PARAM } jv_why;
typedef enum jv_of { JV_KEYS, JV_VALUES, JV_ITEMS } jv_of;

typedef struct jv jv;
typedef struct jv_pair jv_pair;
typedef struct jv_dict jv_dict;
typedef struct jv_span jv_span;
typedef struct jv_iter jv_iter;
typedef struct jv_space jv_space;
typedef struct jv_bound jv_bound;
typedef struct jv_turns jv_turns;

struct jv {
    uint8_t kind, sub;
    uint8_t of;  // of an undefined attribute: what kind of value lacks it
    uint32_t n;  // bytes, items, pairs
    union {
        bool b;
        int64_t i;
        double f;
        const char *s;  // UTF-8; an undefined value's name or hint
        const jv *items;
        const jv_dict *dict;
        const jv_span *span;
        jv_iter *iter;
        jv_space *space;
        const jv_bound *bound;
        jv_turns *turns;
        const void *p;
        void *state;
    };
};

struct jv_pair {
    jv key, value;
};
struct jv_dict {  // never changes once it is made
    jv_pair *pairs;
    uint32_t n;
    uint32_t *index;  // open addressing, pair + 1; NULL for small ones
    uint32_t mask;
};
struct jv_span {
    int64_t start, stop, step;
};
struct jv_iter {
    const jv *items;
    uint32_t n, at;
};
struct jv_space {
    jv_pair *pairs;
    uint32_t n, cap;
};
struct jv_bound {
    jv self;
    const void *method;
};
struct jv_turns {  // a cycler, a joiner
    const jv *items;
    uint32_t n, at;
    jv sep;
};

// One rendering.
typedef struct jrun {
    const jinja *j;
    arena *mem;
    buf *out;
    err *e;
    status code;
    uint32_t line;
    int depth, calls;
    int flow;  // break and continue on their way out
    uint64_t steps;
    size_t floor;           // of the arena, when the rendering began
    char *room, *room_end;  // where the next string goes
    const jv *vars;         // the template's names in the caller's variables
    int64_t now;
    size_t out_floor;
} jrun;

// --- Failing, work, memory ----------------------------------------------------------------------

// Remembers the first failure ("line 3: ..."); returns an undefined value.
jv jr_fail(jrun *r, status code, const char *fmt, ...) PRINTF_LIKE(3, 4);
jv jr_type(jrun *r, const char *fmt, ...) PRINTF_LIKE(2, 3);  // E_FORMAT
// Counts work: an item, or 64 bytes. False when the rendering has failed or is over its limit.
bool jr_charge(jrun *r, size_t units);
// Zeroed; NULL (and failed) when over the limit.
void *jr_alloc(jrun *r, size_t n, size_t size);
bool jr_enter(jrun *r);  // one level deeper; false when too deep
void jr_leave(jrun *r);

// --- Making -------------------------------------------------------------------------------------

static inline jv jv_none(void) {
    return (jv){.kind = JV_NONE};
}
static inline jv jv_bool(bool b) {
    return (jv){.kind = JV_BOOL, .b = b};
}
static inline jv jv_int(int64_t i) {
    return (jv){.kind = JV_INT, .i = i};
}
static inline jv jv_float(double f) {
    return (jv){.kind = JV_FLOAT, .f = f};
}
// The bytes outlive the rendering; less than 4 GiB. A text is never NULL, also if it is empty.
static inline jv jv_view(str s) {
    return (jv){.kind = JV_STR, .n = (uint32_t)s.len, .s = s.ptr ? s.ptr : ""};
}
static inline str jv_text(jv v) {
    return (str){v.s, v.n};
}
jv jv_undef(jv_why why, jv_kind of, str name);
jv jv_hint(const char *hint);
jv jv_items(jv_kind kind, const jv *items, size_t n);
jv jv_iterate(jrun *r, const jv *items, size_t n, int sub);
// Room for a string that is written at once; NULL when failed.
char *jv_room(jrun *r, size_t n);
jv jv_copy(jrun *r, str s);
jv jv_concat(jrun *r, str a, str b);  // grows `a` in place where it was made last
jv jv_from_buf(jrun *r, const buf *b);
void jv_buf(jrun *r, buf *b, size_t cap);
jv jv_from_json(jrun *r, const json_value *v);

// A dict of pairs, the last of equal keys' values at the first's place. Keeps `pairs`.
jv jv_make_dict(jrun *r, jv_pair *pairs, size_t n);

// --- Asking -------------------------------------------------------------------------------------

const char *jv_type_name(jv v);  // "str", "dict", ...
bool jv_truth(jrun *r, jv v);
bool jv_equal(jrun *r, jv a, jv b);
// -1, 0, 1, or JV_UNORDERED where one is nan; fails for kinds that Python does not order.
enum { JV_UNORDERED = 2 };
int jv_compare(jrun *r, jv a, jv b, const char *op);
bool jv_contains(jrun *r, jv in, jv item);
bool jv_is_number(jv v);                 // bool, int, float
bool jv_is_integer(int64_t *out, jv v);  // bool, int
double jv_as_float(jv v);
bool jv_hashable(jrun *r, jv v, uint64_t *hash);
const jv *jv_dict_get(jrun *r, const jv_dict *d, jv key);  // NULL: none
const jv *jv_dict_str(const jv_dict *d, str key);
bool jv_len(int64_t *out, jv v);  // false: it has none
size_t jv_chars(str s);

// The items of anything that can be gone through, as an array; an iterator is then used up. NULL
// and failed when it is none. *n may be 0 with any pointer.
const jv *jv_each(jrun *r, uint32_t *n, jv v);
bool jv_iterable(jv v);

// --- Writing ------------------------------------------------------------------------------------

jv jv_str(jrun *r, jv v);  // Python's str(): a string
void jv_put(jrun *r, buf *to, jv v);
void jv_repr(jrun *r, buf *to, jv v);
void jv_put_float(buf *to, double f);
void jv_repr_str(buf *to, str s);
typedef struct jv_json {
    bool ascii, sort;
    bool is_indented;
    str indent, item, key;
} jv_json;
void jv_to_json(jrun *r, buf *to, jv v, const jv_json *how, int level);
jv jv_escape(jrun *r, jv v);  // HTML; a Markup

#endif
