// Who waits, and whose turn it is: a ring of clients, and a line of streams behind each.
//
// The first client of the ring may send its first stream in; then it goes to the ring's end. So a
// client waits for one stream of each other client at most, however many these have in line.
// Rejected: one line in order of arrival (whoever sends a thousand requests has the next thousand
// turns), and fewest-live-first (a client could be passed for ever by those that come and go).
//
//   I1  a client is in the ring while it has waiting streams, and exists while it has any
//   I2  n_waiting and the tokens are sums over all lines

#include "lm/inside.h"

#include <math.h>
#include <stdlib.h>

enum { WAIT_MAX_S = 3600 };

void lm__queue_init(lm_queue *q) {
    *q = (lm_queue){0};
    q->last_turn = &q->turn;
}

static lm_client **find(lm_queue *q, uint64_t key) {
    lm_client **at = &q->bucket[key * 0x9e3779b97f4a7c15U >> 56];
    while (*at && (*at)->key != key)
        at = &(*at)->chain;
    return at;
}

_Static_assert(LM_QUEUE_BUCKETS == 1 << (64 - 56), "find's shift");

static lm_client *client_of(lm_queue *q, uint64_t key) {
    lm_client **at = find(q, key);
    if (*at) return *at;
    lm_client *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->key = key;
    c->last = &c->first;
    *at = c;
    q->n_clients++;
    return c;
}

static void forget_idle(lm_queue *q, lm_client *c) {
    if (c->n_waiting + c->n_live > 0) return;
    lm_client **at = find(q, c->key);
    *at = c->chain;
    q->n_clients--;
    free(c);
}

static void ring_append(lm_queue *q, lm_client *c) {
    c->next = NULL;
    *q->last_turn = c;
    q->last_turn = &c->next;
}

static void ring_remove(lm_queue *q, lm_client **at) {
    lm_client *c = *at;
    *at = c->next;
    if (q->last_turn == &c->next) q->last_turn = at;
}

status lm__queue_put(lm_queue *q, lm_stream *s, uint64_t client, int client_max) {
    lm_client *c = client_of(q, client);
    if (!c) return E_MEMORY;
    if (c->n_waiting + c->n_live >= client_max) {
        forget_idle(q, c);
        return E_QUOTA;
    }
    s->client = c;
    s->next = NULL;
    *c->last = s;
    c->last = &s->next;
    if (c->n_waiting++ == 0) ring_append(q, c);
    q->n_waiting++;
    q->prompt_tokens += s->n_prompt;
    q->text_tokens += s->n_max - s->n_prompt;
    return OK;
}

// Takes *at out of its client's line.
static lm_stream *line_remove(lm_queue *q, lm_stream **at) {
    lm_stream *s = *at;
    lm_client *c = s->client;
    *at = s->next;
    if (c->last == &s->next) c->last = at;
    s->next = NULL;
    c->n_waiting--;
    c->n_live++;
    q->n_waiting--;
    q->prompt_tokens -= s->n_prompt;
    q->text_tokens -= s->n_max - s->n_prompt;
    return s;
}

lm_stream *lm__queue_take(lm_fit *how, lm_queue *q, lm_fit (*fit)(void *arg, lm_stream *s),
                          void *arg) {
    for (lm_client **at = &q->turn; *at; at = &(*at)->next) {
        lm_client *c = *at;
        *how = fit(arg, c->first);
        if (*how == LM_BLOCKS) return NULL;
        if (*how == LM_NOT_YET) continue;
        lm_stream *s = line_remove(q, &c->first);
        ring_remove(q, at);
        if (c->n_waiting) ring_append(q, c);
        return s;
    }
    return NULL;
}

lm_stream *lm__queue_sweep(lm_queue *q, bool all) {
    lm_stream *out = NULL;
    for (lm_client **turn = &q->turn; *turn;) {
        lm_client *c = *turn;
        for (lm_stream **at = &c->first; *at;) {
            if (!all && !lm__stream_is_over(*at)) {
                at = &(*at)->next;
                continue;
            }
            lm_stream *s = line_remove(q, at);
            s->next = out;
            out = s;
        }
        if (c->n_waiting)
            turn = &c->next;
        else
            ring_remove(q, turn);
    }
    return out;
}

bool lm__queue_uses(const lm_queue *q, const lm_model *m) {
    for (const lm_client *c = q->turn; c; c = c->next)
        for (const lm_stream *s = c->first; s; s = s->next)
            if (s->model == m) return true;
    return false;
}

void lm__queue_leave(lm_queue *q, lm_stream *s) {
    s->client->n_live--;
    forget_idle(q, s->client);
    s->client = NULL;
}

// The first place is free when the live stream nearest to its end has got there, in steps; all that
// waits comes before the newcomer, in tokens.
int lm__queue_wait_s(const lm_queue *q, const lm_rates *r, bool is_full) {
    if (!(r->seconds > 0)) return 1;
    bool waits = is_full || q->n_waiting > 0;
    double place = waits ? (double)r->least_left * r->text * r->seconds / r->steps : 0;
    double ahead = (double)q->prompt_tokens + (double)q->text_tokens * r->text;
    return (int)fmin(fmax(ceil(place + ahead * r->seconds / r->rows), 1), WAIT_MAX_S);
}
