// Answers to short questions, kept: everybody who types begins with the same few letters, and what
// begins with one letter is what takes longest to rank.
//
// A table of fixed size in which each question has one place. A place is taken by a flag that
// nobody waits for: who finds it taken works the answer out. Rejected: one table per loop (each
// would have to learn the same answers), a list in order of use (a lock around it), a lock that is
// waited for.
//
//   I1  what a place holds is read and written only by whoever set its flag
//   I2  a question names its view by number, which is never used again: an answer from a view that
//       was replaced is never found, and makes room when its place is wanted

#include "app/wiki_app.h"

#include <stdatomic.h>

enum { PLACES = 8192, TEXT_MAX = 24, BODY_MAX = 1448 };

typedef struct place {
    _Atomic(bool) is_taken;  // I1
    uint8_t text_len;
    uint16_t body_len;
    int32_t limit, ns;
    uint64_t view;  // 0: empty
    char text[TEXT_MAX];
    char body[BODY_MAX];
} place;

_Static_assert(BODY_MAX <= UINT16_MAX && TEXT_MAX <= UINT8_MAX, "lengths fit their fields");

struct wiki_cache {
    place at[PLACES];
};

// The arena's pages are taken as they are, zero and not yet there: what is never used costs
// nothing.
status wiki_cache_open(wiki_cache **out, arena *mem, err *e) {
    TRY(arena_open(mem, sizeof(wiki_cache), e));
    *out = (wiki_cache *)mem->base;
    return OK;
}

static place *place_of(wiki_cache *c, const wiki_question *w) {
    if (!c || w->text.len > TEXT_MAX) return NULL;
    uint64_t seed = w->view << 32 ^ (uint64_t)w->ns << 8 ^ (uint64_t)w->limit;
    place *p = &c->at[str_hash(w->text, seed) % PLACES];
    bool was_taken = atomic_exchange_explicit(&p->is_taken, true, memory_order_acquire);
    return was_taken ? NULL : p;
}

static void leave_place(place *p) {
    atomic_store_explicit(&p->is_taken, false, memory_order_release);
}

bool wiki_cache_get(str *body, wiki_cache *c, const wiki_question *w, arena *a) {
    place *p = place_of(c, w);
    if (!p) return false;
    bool is_it = p->view == w->view && p->limit == w->limit && p->ns == w->ns &&
                 str_eq((str){p->text, p->text_len}, w->text);
    if (is_it) *body = arena_str(a, (str){p->body, p->body_len});
    leave_place(p);
    return is_it;
}

void wiki_cache_put(wiki_cache *c, const wiki_question *w, str body) {
    if (body.len > BODY_MAX) return;
    place *p = place_of(c, w);
    if (!p) return;
    p->view = w->view, p->limit = w->limit, p->ns = w->ns;
    p->text_len = (uint8_t)w->text.len, p->body_len = (uint16_t)body.len;
    if (w->text.len) memcpy(p->text, w->text.ptr, w->text.len);
    memcpy(p->body, body.ptr, body.len);
    leave_place(p);
}
