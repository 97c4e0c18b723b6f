// Products of automata, found state by state from the first one.
//
//   I1  classes are in order and cover all code points: from[0] is 0

#include "schema/lang.h"

#include "base/utf8.h"
#include "schema/vec.h"

enum { ROOM = 512 << 20, LEAST = 16 << 20 };

status lang_room_open(lang_room *r, err *e) {
    r->work = 0;
    return arena_open_most(&r->a, ROOM, LEAST, e);
}

void lang_room_close(lang_room *r) {
    arena_close(&r->a);
}

status lang_work(lang_room *r, size_t steps, err *e) {
    r->work += steps;
    return r->work <= LANG_WORK_MAX ? OK : err_set(e, E_LIMIT, "it is too complex to compile");
}

static status alloc(lang *l, size_t n_states, size_t n_classes, lang_room *r, err *e) {
    *l = (lang){.n_states = (uint32_t)n_states, .n_classes = (uint32_t)n_classes};
    if (n_states > LANG_STATES_MAX || n_classes > LANG_CLASSES_MAX ||
        n_states * n_classes > LANG_TABLE_MAX)
        return err_set(e, E_LIMIT, "its automaton has over %d states or %d kinds of characters",
                       LANG_STATES_MAX, LANG_CLASSES_MAX);
    TRY(lang_work(r, n_states * n_classes, e));
    l->from = arena_try_array(&r->a, n_classes, sizeof *l->from);
    l->next = arena_try_array(&r->a, n_states * n_classes, sizeof *l->next);
    l->tag = arena_try_array(&r->a, n_states, sizeof *l->tag);
    if (!l->from || !l->next || !l->tag) return err_set(e, E_LIMIT, "no room for its automaton");
    for (size_t i = 0; i < n_states * n_classes; i++)
        l->next[i] = -1;
    return OK;
}

// --- Products ------------------------------------------------------------------------------------

typedef struct product {
    const lang *const *parts;
    size_t n_must, n;
    lang_room *room;
    uint32_t *from, n_classes;
    uint16_t *class_of[LANG_PARTS_MAX];  // of a part, by class of the product
    vec states;                          // of n int32_t each
    vec next;
    uint32_t *table;  // by hash: state + 1
    err *e;
} product;

enum { TABLE = 1 << 15 };  // twice LANG_STATES_MAX

static int by_number(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static status classes_of(product *p) {  // I1
    size_t n = 0;
    for (size_t i = 0; i < p->n; i++)
        n += p->parts[i]->n_classes;
    p->from = arena_try_array(&p->room->a, n, sizeof *p->from);
    if (!p->from) return err_set(p->e, E_LIMIT, "no room for its classes");
    size_t at = 0;
    for (size_t i = 0; i < p->n; at += p->parts[i++]->n_classes)
        memcpy(p->from + at, p->parts[i]->from, p->parts[i]->n_classes * sizeof *p->from);
    qsort(p->from, n, sizeof *p->from, by_number);
    for (size_t i = 0; i < n; i++)
        if (i == 0 || p->from[i] != p->from[i - 1]) p->from[p->n_classes++] = p->from[i];
    for (size_t i = 0; i < p->n; i++) {
        const lang *l = p->parts[i];
        uint16_t *to = p->class_of[i] = arena_try_array(&p->room->a, p->n_classes, sizeof *to);
        if (!to) return err_set(p->e, E_LIMIT, "no room for its classes");
        for (uint32_t c = 0, k = 0; c < p->n_classes; c++) {
            while (k + 1 < l->n_classes && l->from[k + 1] <= p->from[c])
                k++;
            to[c] = (uint16_t)k;
        }
    }
    return OK;
}

// The state of these, which may be new.
static status state_of(int32_t *out, product *p, const int32_t *of) {
    size_t bytes = p->n * sizeof *of;
    uint64_t h = str_hash((str){(const char *)of, bytes}, 0);
    for (; p->table[h % TABLE]; h++) {
        size_t s = p->table[h % TABLE] - 1;
        if (memcmp((int32_t *)p->states.p + s * p->n, of, bytes) == 0) return *out = (int32_t)s, OK;
    }
    int32_t *to = vec_add(&p->states, p->n, sizeof *to, LANG_STATES_MAX * p->n);
    int32_t *next = vec_add(&p->next, p->n_classes, sizeof *next, LANG_TABLE_MAX);
    if (!to || !next)
        return err_set(p->e, E_LIMIT, "its automaton has over %d states", LANG_STATES_MAX);
    memcpy(to, of, bytes);
    *out = (int32_t)(p->states.n / p->n - 1);
    p->table[h % TABLE] = (uint32_t)*out + 1;
    return OK;
}

static status follow(product *p, size_t state) {
    TRY(lang_work(p->room, p->n_classes * p->n, p->e));
    for (uint32_t c = 0; c < p->n_classes; c++) {
        int32_t to[LANG_PARTS_MAX], at = -1;
        bool alive = true;
        for (size_t i = 0; i < p->n; i++) {
            int32_t from = ((int32_t *)p->states.p)[state * p->n + i];
            const lang *l = p->parts[i];
            to[i] = from < 0 ? -1 : l->next[(uint32_t)from * l->n_classes + p->class_of[i][c]];
            alive &= to[i] >= 0 || i >= p->n_must;
        }
        if (alive) TRY(state_of(&at, p, to));
        ((int32_t *)p->next.p)[state * p->n_classes + c] = at;
    }
    return OK;
}

static status run(lang *out, product *p) {
    int32_t first[LANG_PARTS_MAX] = {0}, at;
    p->table = arena_try_array(&p->room->a, TABLE, sizeof *p->table);
    if (!p->table) return err_set(p->e, E_LIMIT, "no room for its automaton");
    TRY(classes_of(p));
    TRY(state_of(&at, p, first));
    for (size_t s = 0; s < p->states.n / p->n; s++)
        TRY(follow(p, s));
    size_t n = p->states.n / p->n;
    TRY(alloc(out, n, p->n_classes, p->room, p->e));
    memcpy(out->from, p->from, p->n_classes * sizeof *p->from);
    memcpy(out->next, p->next.p, n * p->n_classes * sizeof *out->next);
    for (size_t s = 0; s < n; s++) {
        const int32_t *of = (int32_t *)p->states.p + s * p->n;
        uint32_t tag = 1;
        for (size_t i = 0; i < p->n; i++) {
            bool ends = of[i] >= 0 && p->parts[i]->tag[of[i]];
            if (i < p->n_must && !ends) tag = 0;
            if (i >= p->n_must && ends && tag) tag |= 2U << (i - p->n_must);
        }
        out->tag[s] = tag;
    }
    return OK;
}

status lang_product(lang *out, const lang *const *parts, size_t n_must, size_t n, lang_room *r,
                    err *e) {
    if (n > LANG_PARTS_MAX)
        return err_set(e, E_LIMIT, "over %d patterns at one place", LANG_PARTS_MAX);
    product p = {.parts = parts, .n_must = n_must, .n = n, .room = r, .e = e};
    status s = run(out, &p);
    vec_free(&p.states);
    vec_free(&p.next);
    return s;
}

// --- Languages of their own ----------------------------------------------------------------------

status lang_length(lang *out, int64_t least, int64_t most, lang_room *r, err *e) {
    static const uint32_t from[] = {0, 0xD800, 0xE000};
    int64_t n = 1 + (most < 0 ? least : most);
    if (n > LANG_STATES_MAX)
        return err_set(e, E_LIMIT, "a length of %lld beside a pattern, limit %d", (long long)n - 1,
                       LANG_STATES_MAX - 1);
    TRY(alloc(out, (size_t)n, countof(from), r, e));
    memcpy(out->from, from, sizeof from);
    for (int32_t s = 0; s < n; s++) {
        int32_t to = s + 1 < n ? s + 1 : most < 0 ? s : -1;
        out->next[3 * s] = out->next[3 * s + 2] = to;
        out->tag[s] = s >= least;
    }
    return OK;
}

// State 0 is the beginning, 1 after the sign, 2 + r after digits that leave r.
status lang_multiple(lang *out, uint32_t m, lang_room *r, err *e) {
    enum { MINUS = 1, DIGIT = 3, N = 14 };
    TRY(alloc(out, (size_t)m + 2, N, r, e));
    static const uint32_t from[N] = {0,   '-', '.', '0', '1', '2', '3',
                                     '4', '5', '6', '7', '8', '9', '9' + 1};
    memcpy(out->from, from, sizeof from);
    out->next[MINUS] = 1;
    for (uint32_t s = 0; s < m + 2; s++) {
        uint64_t before = s < 2 ? 0 : s - 2;
        for (uint32_t d = 0; d < 10; d++)
            out->next[s * N + DIGIT + d] = (int32_t)(2 + (before * 10 + d) % m);
        out->tag[s] = s == 2;
    }
    return OK;
}

// --- Questions -----------------------------------------------------------------------------------

status lang_trim(bool *any, lang *l, lang_room *r, err *e) {
    size_t n = l->n_states, k = l->n_classes;
    bool *alive = arena_try_array(&r->a, n, sizeof *alive);
    if (!alive) return err_set(e, E_LIMIT, "no room for its automaton");
    for (size_t s = 0; s < n; s++)
        alive[s] = l->tag[s] != 0;
    for (bool more = true; more;) {
        TRY(lang_work(r, n * k, e));
        more = false;
        for (size_t s = n; s-- > 0;)
            for (size_t c = 0; c < k && !alive[s]; c++) {
                int32_t to = l->next[s * k + c];
                if (to >= 0 && alive[to]) alive[s] = more = true;
            }
    }
    for (size_t i = 0; i < n * k; i++)
        if (l->next[i] >= 0 && !alive[l->next[i]]) l->next[i] = -1;
    *any = alive[0];
    return OK;
}

bool lang_has(const lang *l, str utf8) {
    int32_t s = 0, cp;
    while (utf8.len && s >= 0) {
        utf8 = str_skip(utf8, utf8_decode(&cp, utf8));
        uint32_t c = 0;
        while (c + 1 < l->n_classes && l->from[c + 1] <= (uint32_t)cp)
            c++;
        s = l->next[(uint32_t)s * l->n_classes + c];
    }
    return s >= 0 && l->tag[s];
}
