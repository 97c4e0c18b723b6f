// A stack machine for pickle opcodes that builds records instead of objects.
//
// One table says, for each opcode, what argument follows it and which function does it. Arguments
// are decoded in one place, so that only that place can read past the end. Rejected: interpreting
// tensors inside the machine (then each checkpoint flavour would touch the opcode loop).
//
//   I1  the stack never falls below the innermost mark: popping checks `floor`
//   I2  a value is never freed or moved, so sharing and cycles are plain pointers
//   I3  work is linear in the pickle: each opcode pushes at most one value and no value is copied

#include "tensor/pickle.h"

#include "base/utf8.h"
#include "tensor/bytes.h"

typedef struct vm {
    str all;
    size_t pos;  // of the next byte
    arena *in;
    err *e;
    pickle_value **stack;
    uint32_t n, floor;  // floor: stack height at the innermost mark
    uint32_t *marks, n_marks;
    pickle_value **memo;
    uint32_t n_memo, cap_memo;
    uint32_t n_values;
    bool stopped;
} vm;

typedef struct arg {
    uint64_t u;
    str s, s2;
} arg;

typedef enum arg_kind {
    NO_ARG,
    U8,
    U16,
    U32,
    U64,
    TEXT8,  // that many length bytes times eight, then the bytes
    TEXT32,
    TEXT64,
    LINES2,  // two lines
    ARG_KINDS
} arg_kind;

static status fail(vm *v, status code, const char *what) {
    return err_set(v->e, code, "pickle: %s at byte %zu", what, v->pos);
}

static pickle_value *make(vm *v, pickle_kind kind) {
    if (v->n_values == PICKLE_VALUES_MAX) return NULL;
    pickle_value *p = arena_try(v->in, sizeof *p);
    if (!p) return NULL;
    v->n_values++;
    p->kind = kind;
    return p;
}

// --- Stack -------------------------------------------------------------------------------------

static status push(vm *v, pickle_value *p) {
    if (!p) return fail(v, E_LIMIT, "too many values");
    if (v->n == PICKLE_STACK_MAX) return fail(v, E_LIMIT, "the stack is full");
    v->stack[v->n++] = p;
    return OK;
}

static status pop(pickle_value **out, vm *v) {
    *out = NULL;
    if (v->n <= v->floor) return fail(v, E_FORMAT, "nothing left to pop");  // I1
    *out = v->stack[--v->n];
    return OK;
}

static status top(pickle_value **out, vm *v) {
    *out = NULL;
    if (v->n <= v->floor) return fail(v, E_FORMAT, "the stack is empty");
    *out = v->stack[v->n - 1];
    return OK;
}

// Everything above the innermost mark; the mark goes. The pointers stay valid until the next push.
static status pop_mark(pickle_value ***items, uint32_t *n, vm *v) {
    *items = NULL, *n = 0;
    if (v->n_marks == 0) return fail(v, E_FORMAT, "no mark");
    uint32_t at = v->marks[--v->n_marks];
    *items = v->stack + at;
    *n = v->n - at;
    v->n = at;
    v->floor = v->n_marks ? v->marks[v->n_marks - 1] : 0;
    return OK;
}

// --- Containers --------------------------------------------------------------------------------

static status add_items(vm *v, pickle_value *to, pickle_value *const *items, uint32_t n) {
    if (n > to->cap - to->n) {
        uint32_t cap = to->n + n > 2 * to->cap ? to->n + n : 2 * to->cap;
        pickle_value **p = arena_try_array(v->in, cap, sizeof *p);
        if (!p) return fail(v, E_LIMIT, "too many items");
        if (to->n) memcpy(p, to->items, to->n * sizeof *p);
        to->items = p;
        to->cap = cap;
    }
    if (n) memcpy(to->items + to->n, items, n * sizeof *items);
    to->n += n;
    return OK;
}

static status push_with_items(vm *v, pickle_kind kind, pickle_value *const *items, uint32_t n) {
    pickle_value *p = make(v, kind);
    if (!p) return fail(v, E_LIMIT, "too many values");
    TRY(add_items(v, p, items, n));
    return push(v, p);
}

static status append_to(vm *v, pickle_value *to, pickle_value *const *items, uint32_t n) {
    if (to->kind == PICKLE_LIST) return add_items(v, to, items, n);
    if (to->kind != PICKLE_OBJECT) return fail(v, E_FORMAT, "append to what is no list");
    pickle_value *pair[2] = {make(v, PICKLE_NONE)};
    if (!pair[0]) return fail(v, E_LIMIT, "too many values");
    for (uint32_t i = 0; i < n; i++) {
        pair[1] = items[i];
        TRY(add_items(v, to, pair, 2));
    }
    return OK;
}

static status set_in(vm *v, pickle_value *to, pickle_value *const *pairs, uint32_t n) {
    if (to->kind != PICKLE_DICT && to->kind != PICKLE_OBJECT)
        return fail(v, E_FORMAT, "set an item of what is no dict");
    if (n % 2) return fail(v, E_FORMAT, "a key without a value");
    return add_items(v, to, pairs, n);
}

// --- Opcodes -----------------------------------------------------------------------------------

static status op_proto(vm *v, const arg *a) {
    if (a->u < 2 || a->u > 5) return fail(v, E_UNSUPPORTED, "a protocol other than 2 to 5");
    return OK;
}

static status op_frame(vm *v, const arg *a) {
    if (a->u > v->all.len - v->pos) return fail(v, E_FORMAT, "a frame longer than the pickle");
    return OK;
}

static status op_mark(vm *v, const arg *a) {
    (void)a;
    if (v->n_marks == PICKLE_MARKS_MAX) return fail(v, E_LIMIT, "marks nested too deeply");
    v->marks[v->n_marks++] = v->floor = v->n;
    return OK;
}

static status op_stop(vm *v, const arg *a) {
    (void)a;
    v->stopped = true;
    if (v->n != 1 || v->n_marks) return fail(v, E_FORMAT, "ends with more or less than one value");
    return OK;
}

static status op_pop(vm *v, const arg *a) {
    (void)a;
    pickle_value *gone, **items;
    uint32_t n;
    if (v->n_marks && v->n == v->floor) return pop_mark(&items, &n, v);  // POP may take a mark
    return pop(&gone, v);
}

static status op_pop_mark(vm *v, const arg *a) {
    (void)a;
    pickle_value **items;
    uint32_t n;
    return pop_mark(&items, &n, v);
}

static status push_kind(vm *v, pickle_kind kind, int64_t i) {
    pickle_value *p = make(v, kind);
    if (p) p->i = i;
    return push(v, p);
}

static status op_none(vm *v, const arg *a) {
    (void)a;
    return push_kind(v, PICKLE_NONE, 0);
}
static status op_true(vm *v, const arg *a) {
    (void)a;
    return push_kind(v, PICKLE_BOOL, 1);
}
static status op_false(vm *v, const arg *a) {
    (void)a;
    return push_kind(v, PICKLE_BOOL, 0);
}
static status op_uint(vm *v, const arg *a) {
    return push_kind(v, PICKLE_INT, (int64_t)a->u);
}
static status op_int32(vm *v, const arg *a) {
    return push_kind(v, PICKLE_INT, (int32_t)a->u);
}
static status op_dict(vm *v, const arg *a) {
    (void)a;
    return push_with_items(v, PICKLE_DICT, NULL, 0);
}
static status op_list(vm *v, const arg *a) {
    (void)a;
    return push_with_items(v, PICKLE_LIST, NULL, 0);
}
static status op_tuple0(vm *v, const arg *a) {
    (void)a;
    return push_with_items(v, PICKLE_TUPLE, NULL, 0);
}

static status push_text(vm *v, pickle_kind kind, str s) {
    pickle_value *p = make(v, kind);
    if (p) p->s = s;
    return push(v, p);
}

static status op_str(vm *v, const arg *a) {
    if (!utf8_valid(a->s)) return fail(v, E_FORMAT, "a string that is not UTF-8");
    return push_text(v, PICKLE_STR, a->s);
}

static status op_bytes(vm *v, const arg *a) {
    return push_text(v, PICKLE_BYTES, a->s);
}

// Two's complement, little endian, of any length.
static status op_long(vm *v, const arg *a) {
    if (a->s.len > 8) return op_bytes(v, a);
    uint64_t u = bytes_le((const uint8_t *)a->s.ptr, a->s.len);
    unsigned bits = (unsigned)(8 * a->s.len);
    if (bits && bits < 64 && u >> (bits - 1)) u |= UINT64_MAX << bits;
    return push_kind(v, PICKLE_INT, (int64_t)u);
}

static status op_float(vm *v, const arg *a) {
    uint64_t bits = __builtin_bswap64(a->u);  // the one big-endian argument
    pickle_value *p = make(v, PICKLE_FLOAT);
    if (p) memcpy(&p->f, &bits, sizeof bits);
    return push(v, p);
}

static status tuple_of(vm *v, uint32_t n) {
    if (v->n - v->floor < n) return fail(v, E_FORMAT, "nothing left to pop");
    v->n -= n;
    return push_with_items(v, PICKLE_TUPLE, v->stack + v->n, n);
}

static status op_tuple1(vm *v, const arg *a) {
    (void)a;
    return tuple_of(v, 1);
}
static status op_tuple2(vm *v, const arg *a) {
    (void)a;
    return tuple_of(v, 2);
}
static status op_tuple3(vm *v, const arg *a) {
    (void)a;
    return tuple_of(v, 3);
}

static status from_mark(vm *v, pickle_kind kind) {
    pickle_value **items;
    uint32_t n;
    TRY(pop_mark(&items, &n, v));
    return push_with_items(v, kind, items, n);
}

static status op_tuple(vm *v, const arg *a) {
    (void)a;
    return from_mark(v, PICKLE_TUPLE);
}
static status op_frozenset(vm *v, const arg *a) {
    (void)a;
    return from_mark(v, PICKLE_LIST);
}

static status op_append(vm *v, const arg *a) {
    (void)a;
    pickle_value *item, *to;
    TRY(pop(&item, v));
    TRY(top(&to, v));
    return append_to(v, to, &item, 1);
}

static status op_appends(vm *v, const arg *a) {
    (void)a;
    pickle_value **items, *to;
    uint32_t n;
    TRY(pop_mark(&items, &n, v));
    TRY(top(&to, v));
    return append_to(v, to, items, n);
}

static status op_setitem(vm *v, const arg *a) {
    (void)a;
    pickle_value *pair[2], *to;
    TRY(pop(&pair[1], v));
    TRY(pop(&pair[0], v));
    TRY(top(&to, v));
    return set_in(v, to, pair, 2);
}

static status op_setitems(vm *v, const arg *a) {
    (void)a;
    pickle_value **items, *to;
    uint32_t n;
    TRY(pop_mark(&items, &n, v));
    TRY(top(&to, v));
    return set_in(v, to, items, n);
}

static status op_put(vm *v, const arg *a) {
    pickle_value *p;
    TRY(top(&p, v));
    if (a->u >= PICKLE_MEMO_MAX) return fail(v, E_LIMIT, "the memo is full");
    if (a->u >= v->cap_memo) {
        uint32_t cap = (uint32_t)max_size(a->u + 1, 2 * (size_t)v->cap_memo);
        pickle_value **memo = arena_try_array(v->in, cap, sizeof *memo);
        if (!memo) return fail(v, E_LIMIT, "the memo is full");
        if (v->cap_memo) memcpy(memo, v->memo, v->cap_memo * sizeof *memo);
        v->memo = memo;
        v->cap_memo = cap;
    }
    if (!v->memo[a->u]) v->n_memo++;
    v->memo[a->u] = p;
    return OK;
}

static status op_memoize(vm *v, const arg *a) {
    (void)a;
    return op_put(v, &(arg){.u = v->n_memo});
}

static status op_get(vm *v, const arg *a) {
    if (a->u >= v->cap_memo || !v->memo[a->u])
        return fail(v, E_FORMAT, "a memo entry that was never put");
    return push(v, v->memo[a->u]);
}

static status push_global(vm *v, str module, str name) {
    if (module.len + name.len > 1024) return fail(v, E_LIMIT, "a name over 1024 bytes");
    char *p = arena_try(v->in, module.len + name.len + 1);
    if (!p) return fail(v, E_LIMIT, "too many values");
    if (module.len) memcpy(p, module.ptr, module.len);
    p[module.len] = ' ';
    if (name.len) memcpy(p + module.len + 1, name.ptr, name.len);
    return push_text(v, PICKLE_GLOBAL, (str){p, module.len + 1 + name.len});
}

static status op_global(vm *v, const arg *a) {
    return push_global(v, a->s, a->s2);
}

static status op_stack_global(vm *v, const arg *a) {
    (void)a;
    pickle_value *module, *name;
    TRY(pop(&name, v));
    TRY(pop(&module, v));
    if (name->kind != PICKLE_STR || module->kind != PICKLE_STR)
        return fail(v, E_FORMAT, "a global whose name is no string");
    return push_global(v, module->s, name->s);
}

// REDUCE and NEWOBJ: the same to a machine that calls nothing.
static status op_call(vm *v, const arg *a) {
    (void)a;
    pickle_value *args, *callee, *p;
    TRY(pop(&args, v));
    TRY(pop(&callee, v));
    if (args->kind != PICKLE_TUPLE) return fail(v, E_FORMAT, "arguments that are no tuple");
    if (!(p = make(v, PICKLE_OBJECT))) return fail(v, E_LIMIT, "too many values");
    p->callee = callee;
    p->args = args;
    return push(v, p);
}

static status op_newobj_ex(vm *v, const arg *a) {
    pickle_value *keywords;
    TRY(pop(&keywords, v));
    return op_call(v, a);
}

static status op_build(vm *v, const arg *a) {
    (void)a;
    pickle_value *state, *to;
    TRY(pop(&state, v));
    TRY(top(&to, v));
    if (to->kind != PICKLE_OBJECT) return fail(v, E_FORMAT, "state for what is no object");
    to->state = state;
    return OK;
}

static status op_persid(vm *v, const arg *a) {
    (void)a;
    pickle_value *id, *p;
    TRY(pop(&id, v));
    if ((p = make(v, PICKLE_PERSID))) p->args = id;
    return push(v, p);
}

static const struct {
    arg_kind arg;
    status (*run)(vm *v, const arg *a);
} ops[256] = {
    [0x80] = {U8, op_proto},          // PROTO
    [0x95] = {U64, op_frame},         // FRAME
    ['('] = {NO_ARG, op_mark},        // MARK
    ['.'] = {NO_ARG, op_stop},        // STOP
    ['0'] = {NO_ARG, op_pop},         // POP
    ['1'] = {NO_ARG, op_pop_mark},    // POP_MARK
    ['N'] = {NO_ARG, op_none},        // NONE
    [0x88] = {NO_ARG, op_true},       // NEWTRUE
    [0x89] = {NO_ARG, op_false},      // NEWFALSE
    ['J'] = {U32, op_int32},          // BININT
    ['K'] = {U8, op_uint},            // BININT1
    ['M'] = {U16, op_uint},           // BININT2
    [0x8A] = {TEXT8, op_long},        // LONG1
    [0x8B] = {TEXT32, op_long},       // LONG4
    ['G'] = {U64, op_float},          // BINFLOAT
    ['X'] = {TEXT32, op_str},         // BINUNICODE
    [0x8C] = {TEXT8, op_str},         // SHORT_BINUNICODE
    [0x8D] = {TEXT64, op_str},        // BINUNICODE8
    ['T'] = {TEXT32, op_bytes},       // BINSTRING
    ['U'] = {TEXT8, op_bytes},        // SHORT_BINSTRING
    ['B'] = {TEXT32, op_bytes},       // BINBYTES
    ['C'] = {TEXT8, op_bytes},        // SHORT_BINBYTES
    [0x8E] = {TEXT64, op_bytes},      // BINBYTES8
    [0x96] = {TEXT64, op_bytes},      // BYTEARRAY8
    ['}'] = {NO_ARG, op_dict},        // EMPTY_DICT
    [']'] = {NO_ARG, op_list},        // EMPTY_LIST
    [0x8F] = {NO_ARG, op_list},       // EMPTY_SET
    [')'] = {NO_ARG, op_tuple0},      // EMPTY_TUPLE
    [0x85] = {NO_ARG, op_tuple1},     // TUPLE1
    [0x86] = {NO_ARG, op_tuple2},     // TUPLE2
    [0x87] = {NO_ARG, op_tuple3},     // TUPLE3
    ['t'] = {NO_ARG, op_tuple},       // TUPLE
    [0x91] = {NO_ARG, op_frozenset},  // FROZENSET
    ['a'] = {NO_ARG, op_append},      // APPEND
    ['e'] = {NO_ARG, op_appends},     // APPENDS
    [0x90] = {NO_ARG, op_appends},    // ADDITEMS
    ['s'] = {NO_ARG, op_setitem},     // SETITEM
    ['u'] = {NO_ARG, op_setitems},    // SETITEMS
    ['q'] = {U8, op_put},             // BINPUT
    ['r'] = {U32, op_put},            // LONG_BINPUT
    [0x94] = {NO_ARG, op_memoize},    // MEMOIZE
    ['h'] = {U8, op_get},             // BINGET
    ['j'] = {U32, op_get},            // LONG_BINGET
    ['c'] = {LINES2, op_global},      // GLOBAL
    [0x93] = {NO_ARG, op_stack_global},
    ['R'] = {NO_ARG, op_call},        // REDUCE
    [0x81] = {NO_ARG, op_call},       // NEWOBJ
    [0x92] = {NO_ARG, op_newobj_ex},  // NEWOBJ_EX
    ['b'] = {NO_ARG, op_build},       // BUILD
    ['Q'] = {NO_ARG, op_persid},      // BINPERSID
};

// --- Decoding ----------------------------------------------------------------------------------

static status take(str *out, vm *v, uint64_t n) {
    if (n > v->all.len - v->pos) return fail(v, E_FORMAT, "cut short");
    *out = str_first(str_skip(v->all, v->pos), n);
    v->pos += n;
    return OK;
}

static status take_line(str *out, vm *v) {
    str rest = str_skip(v->all, v->pos);
    size_t n = str_find_byte(rest, '\n');
    if (n == rest.len) return fail(v, E_FORMAT, "cut short");
    *out = str_first(rest, n);
    v->pos += n + 1;
    return OK;
}

static status read_arg(arg *a, vm *v, arg_kind kind) {
    // Bytes of a number, which for TEXT is the length of what follows.
    static const uint8_t width[ARG_KINDS] = {
        [U8] = 1, [U16] = 2, [U32] = 4, [U64] = 8, [TEXT8] = 1, [TEXT32] = 4, [TEXT64] = 8};
    if (kind == LINES2) {
        TRY(take_line(&a->s, v));
        return take_line(&a->s2, v);
    }
    TRY(take(&a->s, v, width[kind]));
    a->u = bytes_le((const uint8_t *)a->s.ptr, width[kind]);
    return kind >= TEXT8 ? take(&a->s, v, a->u) : OK;
}

static status run(vm *v) {
    while (!v->stopped) {
        str code;
        TRY(take(&code, v, 1));
        unsigned op = (unsigned char)code.ptr[0];
        if (!ops[op].run)
            return err_set(v->e, E_UNSUPPORTED, "pickle: opcode 0x%02x at byte %zu", op,
                           v->pos - 1);
        arg a = {0};
        TRY(read_arg(&a, v, ops[op].arg));
        TRY(ops[op].run(v, &a));
    }
    return OK;
}

status pickle_read(pickle_value **out, str bytes, arena *a, err *e) {
    *out = NULL;
    if (bytes.len > PICKLE_BYTES_MAX)
        return err_set(e, E_LIMIT, "pickle: %zu bytes, limit %d", bytes.len, PICKLE_BYTES_MAX);
    vm v = {.all = bytes, .in = a, .e = e};
    v.stack = arena_try_array(a, PICKLE_STACK_MAX, sizeof *v.stack);
    v.marks = arena_try_array(a, PICKLE_MARKS_MAX, sizeof *v.marks);
    if (!v.stack || !v.marks) return err_set(e, E_LIMIT, "pickle: no room for the stack");
    TRY(run(&v));
    *out = v.stack[0];
    return OK;
}

// --- Looking at the result -----------------------------------------------------------------------

static const pickle_value *get_item(const pickle_value *v, str key) {
    for (uint32_t i = v->n; i >= 2; i -= 2) {  // a later item replaces an earlier one
        const pickle_value *k = v->items[i - 2];
        if (k->kind == PICKLE_STR && str_eq(k->s, key)) return v->items[i - 1];
    }
    return NULL;
}

const pickle_value *pickle_get(const pickle_value *v, str key) {
    if (v->kind == PICKLE_DICT) return get_item(v, key);
    if (v->kind != PICKLE_OBJECT) return NULL;
    const pickle_value *found = get_item(v, key), *state = v->state;
    if (found || !state) return found;
    if (state->kind == PICKLE_DICT) return get_item(state, key);
    if (state->kind != PICKLE_TUPLE) return NULL;
    for (uint32_t i = 0; i < state->n && !found; i++)
        if (state->items[i]->kind == PICKLE_DICT) found = get_item(state->items[i], key);
    return found;
}

bool pickle_is_global(const pickle_value *v, const char *name) {
    return v->kind == PICKLE_GLOBAL && str_eq(v->s, str_of(name));
}

bool pickle_is_call(const pickle_value *v, const char *name) {
    return v->kind == PICKLE_OBJECT && pickle_is_global(v->callee, name);
}
