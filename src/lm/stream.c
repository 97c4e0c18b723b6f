// A stream has two owners, its reader and the scheduler, and dies with the later one. What they
// share is small: ids are written once into an array that holds max_length of them, so the reader
// needs no lock, only the count.
//
//   I1  ids[0, n_out) and their logprobs never change; n_out is stored after them, `state` after
//       the last n_out
//   I2  `notify` and guides run under the stream's lock while it is open, never after close
//   I3  a reader that finds `paused` after it has stored n_read rings the bell, and the scheduler
//       looks at n_read again after it has stored `paused`: one of them sees the other

#include "lm/inside.h"

#include "os/clock.h"

#include <stdlib.h>
#include <string.h>

// --- Bell --------------------------------------------------------------------------------------

lm_bell *lm__bell_new(void) {
    lm_bell *b = calloc(1, sizeof *b);
    if (!b) return NULL;
    pthread_mutex_init(&b->lock, NULL);
    pthread_cond_init(&b->cond, NULL);
    b->refs = 1;
    return b;
}

void lm__bell_ring(lm_bell *b) {
    pthread_mutex_lock(&b->lock);
    b->rung = true;
    pthread_cond_signal(&b->cond);
    pthread_mutex_unlock(&b->lock);
}

void lm__bell_wait(lm_bell *b) {
    pthread_mutex_lock(&b->lock);
    while (!b->rung)
        pthread_cond_wait(&b->cond, &b->lock);
    b->rung = false;
    pthread_mutex_unlock(&b->lock);
}

void lm__bell_unref(lm_bell *b) {
    if (atomic_fetch_sub(&b->refs, 1) != 1) return;
    pthread_cond_destroy(&b->cond);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

// --- Life --------------------------------------------------------------------------------------

// What a request points to, and what only some streams have.
static bool sampler_new(lm_stream *s, const lm_sampling *how) {
    size_t bytes = how->n_bias * sizeof *s->bias;
    lm_sampling mine = *how;
    mine.bias = s->bias = malloc(bytes + 1);
    if (!s->bias) return false;
    if (bytes) memcpy(s->bias, how->bias, bytes);
    lm__sampler_init(&s->sampler, &mine);
    return true;
}

static void *room(bool *ok, size_t n, size_t bytes) {
    if (n == 0) return NULL;
    void *got = calloc(n, bytes);
    *ok &= got != NULL;
    return got;
}

static bool extras_new(lm_stream *s, const lm_request *r) {
    bool ok = s->pooling || sampler_new(s, &r->sampling);
    size_t padded = lm__logits_padded(s->model), n = 0;
    if (!s->pooling && r->sampling.logprobs >= 0) n = (size_t)r->sampling.logprobs + 1;
    s->n_logprobs = n;
    s->logprobs = room(&ok, n * (s->n_max - s->n_prompt), sizeof *s->logprobs);
    s->scored = room(&ok, s->scores ? n * (s->n_prompt - 1) : 0, sizeof *s->scored);
    s->raw = room(&ok, n || s->guide.accepts ? padded : 0, sizeof *s->raw);
    s->mask = room(&ok, s->guide.accepts ? padded / 32 + 1 : 0, sizeof *s->mask);
    s->pooled = room(&ok, s->pooling ? (size_t)s->model->spec.n_embd : 0, sizeof *s->pooled);
    return ok;
}

size_t lm__stream_length(const lm_request *r) {
    int max = r->max_length < r->model->spec.block_size ? r->max_length : r->model->spec.block_size;
    return r->pooling || max < 0 ? r->n_prompt : max_size(r->n_prompt, (size_t)max);
}

lm_stream *lm__stream_new(const lm_request *r, lm_bell *bell) {
    size_t n_max = lm__stream_length(r);
    lm_stream *s = calloc(1, sizeof *s + n_max * sizeof s->ids[0]);
    if (!s) return NULL;
    s->model = r->model;
    s->notify = r->notify;
    s->arg = r->arg;
    s->submitted_ns = os_now_ns();
    s->n_max = n_max;
    s->n_prompt = s->n_ids = r->n_prompt;
    s->n_out = s->n_read = r->n_prompt;
    s->refs = 1;
    s->pooling = r->pooling;
    s->scores = !r->pooling && r->prompt_logprobs;
    if (r->guide && !r->pooling) s->guide = *r->guide;
    s->n_least = r->ignores_eos ? SIZE_MAX : r->n_prompt + (size_t)r->min_tokens;
    memcpy(s->ids, r->prompt, r->n_prompt * sizeof *r->prompt);
    pthread_mutex_init(&s->lock, NULL);
    s->bell = bell;
    atomic_fetch_add(&bell->refs, 1);
    if (extras_new(s, r)) return s;
    lm__stream_unref(s);
    return NULL;
}

void lm__stream_unref(lm_stream *s) {
    if (atomic_fetch_sub(&s->refs, 1) != 1) return;
    lm__bell_unref(s->bell);
    pthread_mutex_destroy(&s->lock);
    free(s->bias);
    free(s->logprobs);
    free(s->scored);
    free(s->raw);
    free(s->mask);
    free(s->pooled);
    free(s);
}

void lm__stream_tell(lm_stream *s) {
    pthread_mutex_lock(&s->lock);
    if (!atomic_load(&s->closed) && s->notify) s->notify(s->arg);  // I2
    pthread_mutex_unlock(&s->lock);
}

void lm__stream_end(lm_stream *s, lm_state how) {
    atomic_store(&s->state, how);
    lm__stream_tell(s);
    lm__stream_unref(s);
}

// --- Reading -----------------------------------------------------------------------------------

static bool keeps_up(const lm_stream *s) {
    return s->n_ids - atomic_load(&s->n_read) < LM_AHEAD_MAX;
}

bool lm__stream_may_run(lm_stream *s) {
    if (keeps_up(s)) return true;
    atomic_store(&s->paused, true);
    s->last_ns = 0;
    return keeps_up(s);  // I3
}

size_t lm_stream_read(int32_t *ids, size_t max, lm_state *state, lm_stream *s) {
    lm_state now = (lm_state)atomic_load(&s->state);  // before n_out: I1
    size_t have = atomic_load(&s->n_out), at = atomic_load(&s->n_read);
    size_t n = min_size(max, have - at);
    if (n) {
        memcpy(ids, s->ids + at, n * sizeof *ids);
        atomic_store(&s->n_read, at + n);
        if (atomic_exchange(&s->paused, false)) lm__bell_ring(s->bell);  // I3
    }
    *state = at + n == have ? now : LM_RUNNING;
    return n;
}

const lm_logprob *lm_stream_logprobs(size_t *n_best, const lm_stream *s, size_t i) {
    *n_best = 0;
    if (!s->logprobs || i >= atomic_load(&s->n_read) - s->n_prompt) return NULL;
    *n_best = s->n_logprobs - 1;
    return s->logprobs + i * s->n_logprobs;
}

const lm_logprob *lm_stream_prompt_logprobs(size_t *n_best, const lm_stream *s, size_t i) {
    *n_best = 0;
    if (!s->scored || i == 0 || i >= atomic_load(&s->n_scored)) return NULL;
    *n_best = s->n_logprobs - 1;
    return s->scored + (i - 1) * s->n_logprobs;
}

const float *lm_stream_embedding(const lm_stream *s) {
    return atomic_load(&s->state) == LM_LENGTH ? s->pooled : NULL;
}

size_t lm_stream_cached(const lm_stream *s) {
    return atomic_load(&s->n_cached);
}

void lm_stream_close(lm_stream *s) {
    if (!s) return;
    pthread_mutex_lock(&s->lock);
    atomic_store(&s->closed, true);
    pthread_mutex_unlock(&s->lock);
    atomic_fetch_add(&s->bell->leavers, 1);
    lm__bell_ring(s->bell);
    lm__stream_unref(s);
}
