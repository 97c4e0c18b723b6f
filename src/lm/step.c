// A step: who takes part, the pass, and what comes of it.
//
// All streams that decode come first, a token each. Prompts get the rows that are left, as many as
// the step may have without slowing the others down: what it will take is known from the steps
// before (pace.h). When nobody decodes, prompts are read in the largest pieces there are, unless
// the model is so large that a step would take half a second.
//
//   I1  a step has at most LM_ROWS_MAX rows, of one model; models take turns
//   I2  prompts are read for the client that was served the least rows, first come first served
//       within it; who comes later starts from where the others are (start-time fair queueing,
//       Goyal et al. 1996)
//   I3  figures count a step before any reader can see what came of it

#include "lm/inside.h"

#include "os/clock.h"

#include <string.h>

enum {
    PROMPT_ROWS_MIN = KERN_PAGE,  // of a step: prompts go on, however slow the machine is
};

#define BESIDE_S 0.040  // a step while others decode: a gap in their text that nobody minds
#define ALONE_S  0.500  // while nobody does: who comes or goes meanwhile waits for no more
#define FADE     0.98

_Static_assert(LM_LIVE_MAX + PROMPT_ROWS_MIN <= LM_ROWS_MAX,
               "prompts find rows beside all streams");

typedef struct step {
    lm_engine *g;
    lm_pool *pool;
    lm_segment segs[LM_ROWS_MAX];
    lm_stream *of[LM_ROWS_MAX];
    size_t n, rows, positions, want;
    int paused;
} step;

// --- Plan --------------------------------------------------------------------------------------

static size_t left_of(const lm_stream *s) {
    return s->n_ids - s->seq.n_past;
}

static void add(step *st, lm_stream *s, size_t n) {
    size_t past = s->seq.n_past, want = n == left_of(s);
    s->seg = &st->segs[st->n];
    *s->seg = (lm_segment){&s->seq, s->ids + past, n, past, want, NULL};
    st->of[st->n++] = s;
    st->rows += n;
    st->positions += n * past + n * (n + 1) / 2;
    st->want += want;
}

// The model after the one that ran last that has a stream which may run. NULL: nobody may.
static lm_pool *next_pool(step *st) {
    lm_engine *g = st->g;
    bool may_run[LM_MODELS_MAX] = {false};
    for (int i = 0; i < g->n_live; i++) {
        lm_stream *s = g->live[i];
        s->seg = NULL;
        s->is_paused = !lm__stream_may_run(s);
        st->paused += s->is_paused;
        may_run[s->pool - g->pool_of] |= !s->is_paused;
    }
    for (size_t i = 1; i <= g->n_pools; i++) {
        size_t at = (g->turn + i) % g->n_pools;
        if (!may_run[at]) continue;
        g->turn = at;
        return &g->pool_of[at];
    }
    return NULL;
}

static bool takes_part(const step *st, const lm_stream *s) {
    return s->pool == st->pool && !s->is_paused && !s->seg;
}

static void add_decoding(step *st) {
    for (int i = 0; i < st->g->n_live; i++) {
        lm_stream *s = st->g->live[i];
        if (!takes_part(st, s)) continue;
        lm__seq_match(&s->seq, s->ids, s->n_ids);
        if (left_of(s) == 1) add(st, s, 1);
    }
}

// Whose prompt goes on: I2. Live streams stand in the order they came.
static lm_stream *next_prompt(const step *st) {
    lm_stream *best = NULL;
    for (int i = 0; i < st->g->n_live; i++) {
        lm_stream *s = st->g->live[i];
        if (takes_part(st, s) && (!best || s->client->served < best->client->served)) best = s;
    }
    return best;
}

// Rows that this prompt may have. A piece that is not the last ends where a page does.
static size_t piece_of(const step *st, const lm_stream *s, bool others_decode, size_t used) {
    size_t left = left_of(s), past = s->seq.n_past, n = LM_ROWS_MAX - st->rows;
    size_t room = lm__pace_room(&st->pool->pace, others_decode ? BESIDE_S : ALONE_S, st->rows,
                                st->positions, past + min_size(left, LM_ROWS_MAX) / 2);
    size_t least = used < PROMPT_ROWS_MIN ? PROMPT_ROWS_MIN - used : 0;
    n = min_size(n, max_size(room, least));
    if (n >= left) return left;
    size_t whole = (past + n) / KERN_PAGE * KERN_PAGE;
    return whole > past ? whole - past : n;
}

static void add_prompts(step *st) {
    bool others_decode = st->n > 0;
    size_t before = st->rows;
    for (lm_stream *s; st->rows < LM_ROWS_MAX && (s = next_prompt(st));) {
        size_t n = piece_of(st, s, others_decode, st->rows - before);
        if (n == 0) return;
        st->g->queue.floor = s->client->served;
        s->client->served += n;
        add(st, s, n);
    }
}

// --- What comes of it --------------------------------------------------------------------------

static void sample_one(void *arg, size_t i) {
    step *st = arg;
    lm_stream *s = st->of[i];
    const lm_model *m = st->pool->model;
    size_t padded = lm__logits_padded(m), n_ids = (size_t)lm__ids(m);
    if (!st->segs[i].want) return;
    if (s->raw) memcpy(s->raw, st->segs[i].logits, padded * sizeof *s->raw);
    s->drawn = lm__sample(&s->sampler, st->segs[i].logits, padded, n_ids, s->ids, s->n_prompt,
                          s->n_ids, m->kern);
    if (s->raw && s->drawn >= 0)
        lm__logprobs(s->logprobs + (s->n_ids - s->n_prompt) * s->n_logprobs, s->n_logprobs - 1,
                     s->drawn, s->raw, padded, n_ids, m->kern);
}

// Bytes and operations of the step, as a roofline counts them.
static void count_work(lm_counters *c, const step *st) {
    const lm_pool *p = st->pool;
    c->weight_bytes += p->layers.bytes + (st->want ? p->head.bytes : 0);
    c->flops += st->rows * p->layers.flops + st->want * p->head.flops;
    c->flops += st->positions * p->per_position * 4;
    for (size_t i = 0; i < st->n; i++)
        c->kv_bytes += (st->segs[i].pos + st->segs[i].n) * p->per_position * 2 * sizeof(float);
}

static void count_ids(lm_counters *c, step *st, int64_t now) {
    for (size_t i = 0; i < st->n; i++) {
        lm_stream *s = st->of[i];
        if (s->seq.n_past < s->n_prompt) c->tokens_prompt += st->segs[i].n;
        if (!st->segs[i].want || s->drawn < 0) continue;
        c->tokens_generated++;
        if (s->n_ids == s->n_prompt)
            lm__histogram_add(&c->first_token, (double)(now - s->submitted_ns) * 1e-9);
        else if (s->last_ns)
            lm__histogram_add(&c->between_tokens, (double)(now - s->last_ns) * 1e-9);
        s->last_ns = now;
    }
}

static void rate(lm_rates *r, const step *st, double seconds) {
    r->rows = r->rows * FADE + (double)st->rows;
    r->seconds = r->seconds * FADE + seconds;
    r->steps = r->steps * FADE + 1;
    r->least_left = SIZE_MAX;
    for (int i = 0; i < st->g->n_live; i++)
        r->least_left = min_size(r->least_left, st->g->live[i]->n_max - st->g->live[i]->n_ids);
}

static void account(step *st, int64_t start) {
    lm_engine *g = st->g;
    int64_t now = os_now_ns();
    double seconds = (double)(now - start) * 1e-9;
    lm__pace_learn(&st->pool->pace, st->rows, st->positions, seconds);
    pthread_mutex_lock(&g->lock);
    lm_counters *c = &g->shown;
    c->steps++;
    c->rows += st->rows;
    c->busy_ns += (uint64_t)(now - start);
    c->streams_paused = st->paused;
    count_work(c, st);
    count_ids(c, st, now);
    rate(&g->rates, st, seconds);
    pthread_mutex_unlock(&g->lock);
}

static lm_state take_drawn(lm_stream *s) {
    if (s->drawn < 0) return LM_FAILED;
    if (lm_spec_ends(&s->model->spec, s->drawn)) return LM_STOPPED;
    s->ids[s->n_ids++] = s->drawn;
    atomic_store(&s->n_out, s->n_ids);
    return s->n_ids == s->n_max ? LM_LENGTH : LM_RUNNING;
}

static void deliver(step *st, size_t i) {
    lm_stream *s = st->of[i];
    lm__seq_advance(&s->seq, s->ids, st->segs[i].n);
    s->seg = NULL;
    if (!st->segs[i].want) return;
    s->how = take_drawn(s);
    s->ends = s->how != LM_RUNNING;
    if (!s->ends) lm__stream_tell(s);
}

bool lm__step(lm_engine *g) {
    step st = {.g = g};
    st.pool = next_pool(&st);
    if (!st.pool) {
        pthread_mutex_lock(&g->lock);
        g->shown.streams_paused = st.paused;
        pthread_mutex_unlock(&g->lock);
        return false;
    }
    int64_t start = os_now_ns();
    add_decoding(&st);
    add_prompts(&st);
    lm__forward(&st.pool->work, st.pool->model, g->pool, st.segs, st.n);
    os_pool_for(g->pool, st.n, sample_one, &st);
    account(&st, start);
    for (size_t i = 0; i < st.n; i++)
        deliver(&st, i);
    lm__reap(g, NULL);
    return true;
}
