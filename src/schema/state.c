// A state is some threads, each a stack of frames: the objects and arrays that are open, and a leaf
// or a key on top. A byte moves each thread, drops it, or (where several alternatives begin with
// it, or a number may have ended) makes several of it; equal ones become one.
//
// Rejected: one thread that tries alternatives in turn (bytes that are out cannot be taken back),
// and a shared graph of stacks (states would point into memory that somebody must own).
//
//   I1  a thread can always go on to an end: leaves are trimmed, and a value, key or comma is let
//       in only where what must follow it fits into SCHEMA_DEPTH_MAX and the bounds of its object
//       or array. So threads that find no room may be dropped, as long as one is left
//   I2  the first thread of a step always finds room: a state has room for the largest one

#include "schema/node.h"

#include "base/str.h"

enum { WS_NONE = 255, WS_SPACE = 1, WS_LINE = 2, WS_LINE2 = 3 };

typedef struct run {
    const schema *s;
    schema_state *out;
    size_t cap;
} run;

static void step(run *r, thread *t, uint8_t byte);

// --- Packing -------------------------------------------------------------------------------------

static size_t thread_bytes(size_t n_frames, size_t n_keys) {
    return align_up(8 + n_frames * sizeof(frame) + n_keys * sizeof(uint32_t), 8);
}

size_t schema_state_bytes(const schema *s) {
    size_t one = thread_bytes(FRAMES_MAX, s->has_added ? KEYS_MAX : 0);
    return sizeof(schema_state) + (s->has_union ? max_size(one, 1 << 15) : one);
}

static size_t unpack(thread *t, const uint8_t *p) {
    memcpy(t, p, 8);
    memcpy(t->f, p + 8, t->n_frames * sizeof(frame));
    memcpy(t->keys, p + 8 + t->n_frames * sizeof(frame), t->n_keys * sizeof(uint32_t));
    return thread_bytes(t->n_frames, t->n_keys);
}

static void pack(run *r, const thread *t) {
    schema_state *st = r->out;
    size_t bytes = thread_bytes(t->n_frames, t->n_keys);
    if (bytes > r->cap - st->used) return;  // I1, I2
    uint8_t *p = st->data + st->used;
    memset(p + bytes - 8, 0, 8);
    memcpy(p, t, 8);
    memcpy(p + 8, t->f, t->n_frames * sizeof(frame));
    memcpy(p + 8 + t->n_frames * sizeof(frame), t->keys, t->n_keys * sizeof(uint32_t));
    for (const uint8_t *q = st->data; q < p;) {
        uint16_t n[2];
        memcpy(n, q, sizeof n);
        size_t len = thread_bytes(n[0], n[1]);
        if (len == bytes && memcmp(p, q, len) == 0) return;
        q += len;
    }
    st->used += (uint32_t)bytes;
    st->n++;
}

static void copy(thread *to, const thread *from) {
    memcpy(to, from, 8);
    memcpy(to->f, from->f, from->n_frames * sizeof(frame));
    memcpy(to->keys, from->keys, from->n_keys * sizeof(uint32_t));
}

// --- Frames --------------------------------------------------------------------------------------

static frame *top_of(thread *t) {
    return &t->f[t->n_frames - 1];
}

static frame *push(thread *t, int32_t node_at, phase p, uint8_t ws) {
    CHECK(t->n_frames < FRAMES_MAX);
    frame *f = &t->f[t->n_frames++];
    *f = (frame){.node = node_at, .phase = (uint8_t)p, .ws = ws};
    return f;
}

static bool fits(const schema *s, const thread *t, int32_t node_at) {
    return schema_node(s, node_at)->height + t->depth <= SCHEMA_DEPTH_MAX;
}

// A value has ended: on to the next part of a sequence, if it was one.
static void end_value(const schema *s, thread *t) {
    for (t->n_frames--; t->n_frames; t->n_frames--) {
        frame *f = top_of(t);
        if (f->phase != P_PART) return;
        const node *x = schema_node(s, f->node);
        if ((uint32_t)f->at < x->n) {
            push(t, schema_ref(s, x->first + (uint32_t)f->at++), P_VALUE, WS_NONE);
            return;
        }
    }
}

// The whitespace there is at most: a space, or an empty line and an indented one.
static int step_ws(uint8_t ws, uint8_t byte) {
    if (ws == WS_NONE) return -1;
    if (byte == '\n') return ws == 0 ? WS_LINE : ws == WS_LINE ? WS_LINE2 : -1;
    if (byte == ' ' && ws == 0) return WS_SPACE;
    if ((byte != ' ' && byte != '\t') || ws < WS_LINE) return -1;
    return ws < WS_LINE2 ? WS_LINE2 + 1 : ws < WS_LINE2 + SCHEMA_INDENT_MAX ? ws + 1 : -1;
}

static bool take_ws(run *r, thread *t, uint8_t byte) {
    frame *f = top_of(t);
    if (byte != ' ' && byte != '\n' && byte != '\t') return false;
    int ws = step_ws(f->ws, byte);
    if (ws > 0) {
        f->ws = (uint8_t)ws;
        pack(r, t);
    }
    return true;
}

// --- Leaves --------------------------------------------------------------------------------------

bool schema__leaf_may(const schema *s, const node *x, const dfa_state *from, const dfa_state *to,
                      uint32_t count) {
    (void)s;
    if (x->kind != NODE_STRING) return true;
    if (to->ends) return count >= x->least;
    // Where a character has been completed, another one may begin below the bound only.
    bool begins = from->counts || from == dfa_at(&s->dfas, x->dfa) + 1;
    return !begins || count < x->most;
}

static void step_leaf(run *r, thread *t, uint8_t byte) {
    const dfa_table *d = &r->s->dfas;
    frame *f = top_of(t);
    const node *x = schema_node(r->s, f->node);
    const dfa_state *from = dfa_at(d, (uint32_t)f->at);
    if (from->ends && from->n && t->n_frames > 1) {
        thread other;
        copy(&other, t);
        end_value(r->s, &other);
        if (other.n_frames) step(r, &other, byte);
    }
    int64_t next = dfa_next(d, (uint32_t)f->at, byte);
    if (next < 0) return;
    const dfa_state *to = dfa_at(d, (uint32_t)next);
    if (!schema__leaf_may(r->s, x, from, to, f->count)) return;
    f->at = (int32_t)next;
    f->count += to->counts && f->count < UINT32_MAX;
    if (to->ends && to->n == 0) end_value(r->s, t);
    pack(r, t);
}

// The innermost frame of the only thread, if it is in this phase.
static frame *only_frame(schema_state *st, phase p) {
    if (st->n != 1) return NULL;
    uint16_t n_frames;
    memcpy(&n_frames, st->data, sizeof n_frames);
    if (n_frames == 0) return NULL;
    frame *f = (frame *)(void *)(st->data + 8) + n_frames - 1;
    return f->phase == p ? f : NULL;
}

frame *schema__leaf(schema_state *st) {
    return only_frame(st, P_LEX);
}

const frame *schema__key(schema_state *st) {
    return only_frame(st, P_KEY);
}

// --- Objects -------------------------------------------------------------------------------------

static const key_node *key_at(const schema *s, int32_t at) {
    return (const key_node *)s->key_nodes.p + at;
}

static int32_t key_next(const schema *s, int32_t at, uint8_t byte) {
    if (at < 0) return SCHEMA_NONE;
    const key_node *k = key_at(s, at);
    if (k->n_edges == 0) return SCHEMA_NONE;
    const key_edge *e = (const key_edge *)s->key_edges.p + k->edges;
    for (uint32_t i = 0; i < k->n_edges; i++)
        if (e[i].byte == byte) return (int32_t)e[i].to;
    return SCHEMA_NONE;
}

static uint32_t n_added(const thread *t, const frame *obj) {
    return (uint32_t)t->n_keys - obj->base;
}

static uint32_t required_from(const schema *s, const node *x, uint32_t at) {
    return at < x->n ? schema_prop(s, x->first + at)->required_from : x->n;
}

static uint32_t n_required_from(const schema *s, const node *x, uint32_t at) {
    return at < x->n ? schema_prop(s, x->first + at)->n_required_from : 0;
}

// How many more keys that are no props there can be for sure.
static uint32_t added_left(const schema *s, const thread *t, const node *x, uint32_t added) {
    if (x->n_classes == 0 || x->added_height + t->depth > SCHEMA_DEPTH_MAX) return 0;
    uint32_t more = dfa_at(&s->dfas, x->dfa)->more;
    if (more == DFA_MORE_MAX) return SCHEMA_ADDED_MAX - added;
    uint32_t used = added + x->n;
    return more <= used ? 0 : (uint32_t)min_size(more - used, SCHEMA_ADDED_MAX - added);
}

// Whether the least number of keys can be reached when props before `at` come no more.
static bool is_enough(const schema *s, const thread *t, const node *x, uint32_t count, uint32_t at,
                      uint32_t added) {
    if (count >= x->least) return true;
    count += added_left(s, t, x, added);
    for (; at < x->n && count < x->least; at++)
        count += fits(s, t, schema_prop(s, x->first + at)->node);
    return count >= x->least;
}

// A prop may come when no required one is left out, there is room for it and the required ones
// behind it, and for what is in it.
static bool may_come(const schema *s, const thread *t, const frame *obj, const node *x,
                     uint32_t at) {
    if (at < (uint32_t)obj->at || at > required_from(s, x, (uint32_t)obj->at)) return false;
    if (obj->count + 1 + n_required_from(s, x, at + 1) > x->most) return false;
    return fits(s, t, schema_prop(s, x->first + at)->node) &&
           is_enough(s, t, x, obj->count + 1, at + 1, n_added(t, obj));
}

static bool any_may_come(const schema *s, const thread *t, const frame *obj, const node *x,
                         const key_node *k) {
    const uint32_t *below = (const uint32_t *)s->key_below.p + k->below;
    uint32_t lo = 0, hi = k->n_below, most = required_from(s, x, (uint32_t)obj->at);
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (below[mid] < (uint32_t)obj->at)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < k->n_below && below[lo] <= most; lo++)
        if (may_come(s, t, obj, x, below[lo])) return true;
    return false;
}

static bool is_seen(const thread *t, const frame *obj, uint32_t hash) {
    for (uint32_t i = obj->base; i < t->n_keys; i++)
        if (t->keys[i] == hash) return true;
    return false;
}

static uint32_t hash_on(uint32_t h, uint8_t byte) {
    return (h ^ byte) * 0x01000193U;
}

// Where few keys are left, all of them are tried: is one new? (I1)
static bool any_new(const schema *s, const thread *t, const frame *obj, int32_t at, uint32_t dfa,
                    uint32_t hash) {
    const dfa_state *x = dfa_at(&s->dfas, dfa);
    if (x->more > n_added(t, obj) + schema_node(s, obj->node)->n) return true;
    if (x->ends && (at < 0 || key_at(s, at)->prop < 0) && !is_seen(t, obj, hash)) return true;
    const dfa_edge *e = (const dfa_edge *)s->dfas.edges.p + x->first;
    for (uint32_t i = 0; i < x->n; i++)
        for (uint32_t b = e[i].lo; b <= e[i].hi; b++)
            if (any_new(s, t, obj, key_next(s, at, (uint8_t)b), e[i].to, hash_on(hash, (uint8_t)b)))
                return true;
    return false;
}

static bool may_add(const schema *s, const thread *t, const frame *obj, const node *x) {
    uint32_t added = n_added(t, obj);
    if (x->n_classes == 0 || x->added_height + t->depth > SCHEMA_DEPTH_MAX) return false;
    if (required_from(s, x, (uint32_t)obj->at) < x->n || obj->count >= x->most) return false;
    if (added >= SCHEMA_ADDED_MAX) return false;
    return is_enough(s, t, x, obj->count + 1, x->n, added + 1) &&
           any_new(s, t, obj, (int32_t)x->keys, x->dfa, 0);
}

static bool may_close(const schema *s, const frame *obj, const node *x) {
    return required_from(s, x, (uint32_t)obj->at) == x->n && obj->count >= x->least;
}

static bool may_have_key(const schema *s, const thread *t, const frame *obj, const node *x) {
    return any_may_come(s, t, obj, x, key_at(s, (int32_t)x->keys)) || may_add(s, t, obj, x);
}

static void begin_key(run *r, thread *t, const node *x) {
    const frame *obj = top_of(t);
    bool adds = may_add(r->s, t, obj, x);
    if (!adds && !any_may_come(r->s, t, obj, x, key_at(r->s, (int32_t)x->keys))) return;
    frame *f = push(t, (int32_t)x->keys, P_KEY, 0);
    f->at = adds ? (int32_t)x->dfa : SCHEMA_NONE;
    pack(r, t);
}

static void end_key(run *r, thread *t, frame *obj, const node *x) {
    frame *f = top_of(t);
    int32_t at = f->node < 0 ? SCHEMA_NONE : key_at(r->s, f->node)->prop, value = SCHEMA_NONE;
    if (at >= 0) {
        if (!may_come(r->s, t, obj, x, (uint32_t)at)) return;
        value = schema_prop(r->s, x->first + (uint32_t)at)->node;
        obj->at = at + 1;
    } else {
        const dfa_state *state = f->at < 0 ? NULL : dfa_at(&r->s->dfas, (uint32_t)f->at);
        if (!state || !state->ends || is_seen(t, obj, f->count)) return;
        const key_class *c = (const key_class *)r->s->classes.p + x->classes;
        for (uint32_t i = 0; i < x->n_classes; i++)
            if (c[i].tag == state->tag) value = c[i].node;
        CHECK(value >= 0);
        t->keys[t->n_keys++] = f->count;
        obj->at = (int32_t)x->n;
    }
    obj->count++;
    obj->phase = P_AFTER;
    obj->ws = 0;
    *f = (frame){.node = value, .phase = P_COLON};
    pack(r, t);
}

static void step_key(run *r, thread *t, uint8_t byte) {
    frame *f = top_of(t), *obj = f - 1;
    const node *x = schema_node(r->s, obj->node);
    int32_t next = key_next(r->s, f->node, byte);
    if (byte == '"' && next < 0) {  // else it is behind a backslash of a name
        end_key(r, t, obj, x);
        return;
    }
    f->node = next;
    f->count = hash_on(f->count, byte);
    if (f->at >= 0) {
        f->at = (int32_t)dfa_next(&r->s->dfas, (uint32_t)f->at, byte);
        if (f->at >= 0 && !any_new(r->s, t, obj, f->node, (uint32_t)f->at, f->count))
            f->at = SCHEMA_NONE;
    }
    if (f->at >= 0 || (f->node >= 0 && any_may_come(r->s, t, obj, x, key_at(r->s, f->node))))
        pack(r, t);
}

static void close_bracket(run *r, thread *t) {
    t->depth--;
    end_value(r->s, t);
    pack(r, t);
}

static void step_object(run *r, thread *t, uint8_t byte) {
    frame *f = top_of(t);
    const node *x = schema_node(r->s, f->node);
    if (take_ws(r, t, byte)) return;
    if (byte == '}' && f->phase != P_NEXT && may_close(r->s, f, x)) {
        t->n_keys = f->base;
        close_bracket(r, t);
    } else if (byte == '"' && f->phase != P_AFTER) {
        begin_key(r, t, x);
    } else if (byte == ',' && f->phase == P_AFTER && may_have_key(r->s, t, f, x)) {
        f->phase = P_NEXT;
        f->ws = 0;
        pack(r, t);
    }
}

// --- Arrays --------------------------------------------------------------------------------------

// The next item's node, or SCHEMA_NONE.
static int32_t item_of(const schema *s, const thread *t, const frame *f, const node *x) {
    int32_t at = f->count < x->n ? schema_ref(s, x->first + f->count) : x->rest;
    return f->count < x->most && at >= 0 && fits(s, t, at) ? at : SCHEMA_NONE;
}

static void step_array(run *r, thread *t, uint8_t byte) {
    frame *f = top_of(t);
    const node *x = schema_node(r->s, f->node);
    if (take_ws(r, t, byte)) return;
    if (byte == ']') {
        if (f->count >= x->least) close_bracket(r, t);
        return;
    }
    int32_t item = item_of(r->s, t, f, x);
    bool is_first = f->phase == P_OPEN;
    if (item < 0 || (!is_first && byte != ',')) return;
    f->phase = P_AFTER;
    f->ws = 0;
    f->count++;
    push(t, item, P_VALUE, is_first ? WS_NONE : 0);
    if (is_first)
        step(r, t, byte);
    else
        pack(r, t);
}

// --- Values --------------------------------------------------------------------------------------

static void open_bracket(run *r, thread *t, bool is_right) {
    if (!is_right) return;
    frame *f = top_of(t);
    *f = (frame){.node = f->node, .base = t->n_keys, .phase = P_OPEN};
    t->depth++;
    pack(r, t);
}

static void begin_union(run *r, thread *t, const node *x, uint8_t byte) {
    for (uint32_t i = 0; i < x->n; i++) {
        thread other;
        int32_t at = schema_ref(r->s, x->first + i);
        if (!fits(r->s, t, at)) continue;
        copy(&other, t);
        frame *f = top_of(&other);
        f->node = at;
        f->ws = WS_NONE;
        step(r, &other, byte);
    }
}

static void begin_value(run *r, thread *t, uint8_t byte) {
    frame *f = top_of(t);
    const node *x = schema_node(r->s, f->node);
    if (f->ws != WS_NONE && take_ws(r, t, byte)) return;
    switch ((node_kind)x->kind) {
    case NODE_LEX:
    case NODE_STRING:
        *f = (frame){.node = f->node, .at = (int32_t)x->dfa, .phase = P_LEX};
        step_leaf(r, t, byte);
        return;
    case NODE_UNION:
        begin_union(r, t, x, byte);
        return;
    case NODE_OBJECT:
        open_bracket(r, t, byte == '{');
        return;
    case NODE_ARRAY:
        open_bracket(r, t, byte == '[');
        return;
    case NODE_SEQ:
        *f = (frame){.node = f->node, .at = 1, .phase = P_PART};
        push(t, schema_ref(r->s, x->first), P_VALUE, WS_NONE);
        step(r, t, byte);
        return;
    }
}

static void step(run *r, thread *t, uint8_t byte) {
    frame *f = top_of(t);
    switch ((phase)f->phase) {
    case P_VALUE:
        begin_value(r, t, byte);
        return;
    case P_LEX:
        step_leaf(r, t, byte);
        return;
    case P_KEY:
        step_key(r, t, byte);
        return;
    case P_COLON:
        if (byte != ':') return;
        f->phase = P_VALUE;
        pack(r, t);
        return;
    case P_OPEN:
    case P_NEXT:
    case P_AFTER:
        if (schema_node(r->s, f->node)->kind == NODE_OBJECT)
            step_object(r, t, byte);
        else
            step_array(r, t, byte);
        return;
    case P_PART:
        return;
    }
}

// --- States --------------------------------------------------------------------------------------

void schema_start(schema_state *st, const schema *s) {
    thread t = {.n_frames = 0};
    run r = {s, st, schema_state_bytes(s) - sizeof *st};
    st->n = st->used = 0;
    push(&t, s->root, P_VALUE, s->may_indent ? 0 : WS_NONE);
    pack(&r, &t);
}

void schema_copy(schema_state *to, const schema_state *from, const schema *s) {
    (void)s;
    memcpy(to, from, sizeof *from + from->used);
}

// In the middle of a leaf there is nothing to unpack.
static bool step_inside(schema_state *st, const schema *s, uint8_t byte) {
    frame *f = schema__leaf(st);
    if (!f) return false;
    const dfa_state *from = dfa_at(&s->dfas, (uint32_t)f->at);
    int64_t next = from->ends ? -1 : dfa_next(&s->dfas, (uint32_t)f->at, byte);
    if (next < 0) return false;
    const dfa_state *to = dfa_at(&s->dfas, (uint32_t)next);
    if (to->ends || !schema__leaf_may(s, schema_node(s, f->node), from, to, f->count)) return false;
    f->at = (int32_t)next;
    f->count += to->counts && f->count < UINT32_MAX;
    return true;
}

bool schema_step(schema_state *st, const schema *s, uint8_t byte) {
    union {
        schema_state st;
        uint8_t room[sizeof(schema_state) + sizeof(thread) + (1 << 15)];
    } out;
    if (step_inside(st, s, byte)) return true;
    run r = {s, &out.st, schema_state_bytes(s) - sizeof *st};
    out.st.n = out.st.used = 0;
    const uint8_t *p = st->data;
    for (uint32_t i = 0; i < st->n; i++) {
        thread t;
        p += unpack(&t, p);
        if (t.n_frames) step(&r, &t, byte);
    }
    if (out.st.n == 0) return false;
    memcpy(st, &out, sizeof *st + out.st.used);
    return true;
}

static bool thread_may_end(const thread *t, const schema *s) {
    if (t->n_frames == 0) return true;
    const frame *f = &t->f[t->n_frames - 1];
    const node *x = schema_node(s, f->node);
    if (f->phase != P_LEX && (f->phase != P_VALUE || x->kind != NODE_LEX)) return false;
    uint32_t at = f->phase == P_LEX ? (uint32_t)f->at : x->dfa;
    if (!dfa_at(&s->dfas, at)->ends) return false;
    if (t->n_frames == 1) return true;
    const frame *seq = f - 1;
    return t->n_frames == 2 && seq->phase == P_PART &&
           (uint32_t)seq->at == schema_node(s, seq->node)->n;
}

bool schema_may_end(const schema_state *st, const schema *s) {
    const uint8_t *p = st->data;
    for (uint32_t i = 0; i < st->n; i++) {
        thread t;
        p += unpack(&t, p);
        if (thread_may_end(&t, s)) return true;
    }
    return false;
}
