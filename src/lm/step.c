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

#include <math.h>
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
    size_t n, rows, positions;
    int paused;
} step;

// --- Plan --------------------------------------------------------------------------------------

static size_t left_of(const lm_stream *s) {
    return s->n_ids - s->seq.n_past;
}

// Its pass ends with a new id.
static bool draws(const lm_stream *s, size_t n) {
    return n == left_of(s) && s->n_ids < s->n_max && !s->pooling;
}

// Of how many of a piece's rows somebody wants the logits.
static size_t wanted(const lm_stream *s, size_t n) {
    return s->scores && s->seq.n_past < s->n_prompt ? n : s->draws;
}

static void add(step *st, lm_stream *s, size_t n) {
    size_t past = s->seq.n_past;
    lm_segment *seg = s->seg = &st->segs[st->n];
    s->draws = draws(s, n);
    *seg = (lm_segment){.seq = &s->seq, .ids = s->ids + past, .n = n, .pos = past};
    seg->want = wanted(s, n);
    seg->wants_hidden =
        s->pooling == LM_POOL_MEAN || (s->pooling == LM_POOL_LAST && n == left_of(s));
    st->of[st->n++] = s;
    st->rows += n;
    st->positions += n * past + n * (n + 1) / 2;
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

// Takes from pages what others have put there.
static void match(lm_stream *s) {
    bool is_prompt = s->seq.n_past < s->n_prompt;
    if (is_prompt && lm__stream_is_thorough(s)) return;
    size_t before = s->seq.n_past;
    lm__seq_match(&s->seq, s->ids, s->n_ids);
    if (is_prompt) atomic_fetch_add(&s->n_cached, s->seq.n_past - before);
}

static void add_decoding(step *st) {
    for (int i = 0; i < st->g->n_live; i++) {
        lm_stream *s = st->g->live[i];
        if (!takes_part(st, s)) continue;
        match(s);
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

// --- Draws and log probabilities ---------------------------------------------------------------

// Row `i` of what a segment's rows gave.
static float *row_of(const step *st, const lm_segment *seg, size_t i) {
    return seg->logits + i * st->pool->work.ld_logits;
}

// Draws again when the guide refuses.
static void guide(lm_stream *s, const lm_row *row) {
    pthread_mutex_lock(&s->lock);
    if (s->drawn >= 0 && !atomic_load(&s->closed)) {
        if (!s->guide.accepts(s->guide.self, s->drawn)) {
            s->guide.mask(s->guide.self, s->mask);
            s->drawn = lm__sample_again(&s->sampler, s->mask, s->raw, row);
        }
        if (s->drawn >= 0 && !lm_spec_ends(&s->model->spec, s->drawn))
            s->guide.advance(s->guide.self, s->drawn);
    }
    pthread_mutex_unlock(&s->lock);
}

static void bar_ends(float *logits, const lm_spec *spec) {
    for (int i = 0; i < spec->n_eos; i++)
        logits[spec->eos[i]] = -INFINITY;
}

static void sample_one(void *arg, size_t i) {
    step *st = arg;
    lm_stream *s = st->of[i];
    const lm_model *m = st->pool->model;
    if (!s->draws) return;
    lm_row row = {row_of(st, &st->segs[i], st->segs[i].want - 1),
                  lm__logits_padded(m),
                  (size_t)lm__ids(m),
                  s->ids,
                  s->n_prompt,
                  s->n_ids,
                  m->kern};
    if (s->raw) memcpy(s->raw, row.logits, row.padded * sizeof *s->raw);
    if (s->n_ids < s->n_least) bar_ends(row.logits, &m->spec);
    s->drawn = lm__sample(&s->sampler, &row);
    if (s->guide.accepts) guide(s, &row);
    if (s->logprobs && s->drawn >= 0)
        lm__logprobs(s->logprobs + (s->n_ids - s->n_prompt) * s->n_logprobs, s->n_logprobs - 1,
                     s->drawn, s->raw, row.padded, row.n_ids, m->kern);
}

typedef struct scoring {
    const step *st;
    size_t seg;
} scoring;

// Row `i` says how likely the token after it was.
static void score_row(void *arg, size_t i) {
    const scoring *t = arg;
    const lm_segment *seg = &t->st->segs[t->seg];
    lm_stream *s = t->st->of[t->seg];
    const lm_model *m = s->model;
    size_t at = seg->pos + i;
    if (at + 1 >= s->n_prompt) return;
    lm__logprobs(s->scored + at * s->n_logprobs, s->n_logprobs - 1, s->ids[at + 1],
                 row_of(t->st, seg, i), lm__logits_padded(m), (size_t)lm__ids(m), m->kern);
}

// Before anything is drawn: that overwrites logits.
static void score_prompts(const step *st) {
    for (size_t i = 0; i < st->n; i++)
        if (st->of[i]->scores && st->segs[i].pos < st->of[i]->n_prompt)
            os_pool_for(st->g->pool, st->segs[i].n, score_row, &(scoring){st, i});
}

// --- Embeddings --------------------------------------------------------------------------------

static void pool_rows(const step *st, size_t i) {
    const lm_segment *seg = &st->segs[i];
    lm_stream *s = st->of[i];
    size_t n = (size_t)s->model->spec.n_embd, ld = st->pool->work.ld;
    if (!seg->wants_hidden) return;
    for (size_t row = s->pooling == LM_POOL_LAST ? seg->n - 1 : 0; row < seg->n; row++)
        for (size_t j = 0; j < n; j++)
            s->pooled[j] += seg->hidden[row * ld + j];
}

// To length 1. False: its length is no number, or 0.
static bool normalise(float *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * (double)x[i];
    if (!(sum > 0) || isinf(sum)) return false;
    for (size_t i = 0; i < n; i++)
        x[i] = (float)((double)x[i] / sqrt(sum));
    return true;
}

// --- What comes of it --------------------------------------------------------------------------

// Bytes and operations of the step, as a roofline counts them.
static void count_work(lm_counters *c, const step *st) {
    const lm_tally *did = &st->pool->work.did;
    c->weight_bytes += did->weight_bytes;
    c->kv_bytes += did->kv_bytes;
    c->flops += did->flops;
}

static void count_ids(lm_counters *c, step *st, int64_t now) {
    for (size_t i = 0; i < st->n; i++) {
        lm_stream *s = st->of[i];
        if (s->seq.n_past < s->n_prompt) c->tokens_prompt += st->segs[i].n;
        if (!s->draws || s->drawn < 0) continue;
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

// The end of a stream that wanted its prompt read and no more.
static lm_state read_through(lm_stream *s) {
    bool is_fine = !s->pooling || normalise(s->pooled, (size_t)s->model->spec.n_embd);
    return is_fine ? LM_LENGTH : LM_FAILED;
}

static void deliver(step *st, size_t i) {
    lm_stream *s = st->of[i];
    lm__seq_advance(&s->seq, s->ids, st->segs[i].n);
    s->seg = NULL;
    if (s->scores) atomic_store(&s->n_scored, min_size(s->seq.n_past + 1, s->n_prompt));
    if (left_of(s)) return;
    s->how = s->draws ? take_drawn(s) : read_through(s);
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
    score_prompts(&st);
    os_pool_for(g->pool, st.n, sample_one, &st);
    for (size_t i = 0; i < st.n; i++)
        pool_rows(&st, i);
    account(&st, start);
    for (size_t i = 0; i < st.n; i++)
        deliver(&st, i);
    lm__reap(g, NULL);
    return true;
}
