// One scheduler thread owns all generation. Between steps it admits what waits and drops what was
// closed; a step (step.c) takes every live stream's next token, and pieces of prompts, through one
// forward pass.
//
// Rejected: a thread per stream (weights would be read per stream), fixed slots that divide the
// context (any stream may have all of it; memory decides), and preemption of streams that run
// (docs/decisions/0010-pages-are-reserved.md).
//
//   I1  live streams have all pages they may need; waiting ones have none
//   I2  streams leave the queue in turns of clients (queue.c). One that lacks pages holds up the
//       rest, so that small ones cannot starve it; one whose client has its share does not
//   I3  figures say that a stream has ended before its reader can see that

#include "lm/engine.h"

#include "lm/inside.h"
#include "os/clock.h"
#include "os/cpu.h"
#include "os/turn.h"

#include <stdlib.h>

enum {
    STREAMS_DEFAULT = 64,
    QUEUE_DEFAULT = 256,
    QUEUE_LIMIT = 65536,
    THREADS_LIMIT = 1024,
    GUEST_SHARE = 8,  // one part in so many of the pages is for clients that have no stream
    NICE = 5,         // of compute: loops, workers and clients come first
};

#define TEXT_FADE 0.9

// --- Submit ------------------------------------------------------------------------------------

static size_t kv_bytes(const lm_model *m, size_t max_length) {
    return lm__pages_for(max_length) * lm__page_bytes(m);
}

// What is asked of the text; nothing of a stream that pools.
static status check_text(const lm_request *r, err *e) {
    if (r->pooling) return OK;
    if (r->min_tokens < 0)
        return err_set(e, E_ARG, "min_tokens is %d, must be at least 0", r->min_tokens);
    if (r->guide && (r->min_tokens || r->ignores_eos))
        return err_set(e, E_ARG, "min_tokens and ignore_eos do not go with a guided text");
    if (r->prompt_logprobs && r->sampling.logprobs < 0)
        return err_set(e, E_ARG, "log probabilities of the prompt want logprobs");
    return lm__sampling_check(&r->sampling, lm__ids(r->model), e);
}

static status check_request(const lm_engine *g, const lm_request *r, err *e) {
    const lm_spec *s = &r->model->spec;
    if (r->n_prompt == 0) return err_set(e, E_ARG, "the prompt has no tokens");
    if (r->n_prompt > (size_t)s->block_size)
        return err_set(e, E_LIMIT, "the prompt has %zu tokens, the model's context holds %d",
                       r->n_prompt, s->block_size);
    TRY(check_text(r, e));
    for (size_t i = 0; i < r->n_prompt; i++)
        if (r->prompt[i] < 0 || r->prompt[i] >= lm__ids(r->model))
            return err_set(e, E_ARG, "token %zu of the prompt is %d, must be in 0..%d", i,
                           r->prompt[i], lm__ids(r->model) - 1);
    size_t n = lm__stream_length(r);
    if (kv_bytes(r->model, n) > g->c.kv_max)
        return err_set(e, E_LIMIT,
                       "a stream of %zu tokens needs %zu KB of cache, %zu KB are allowed", n,
                       kv_bytes(r->model, n) >> 10, g->c.kv_max >> 10);
    return OK;
}

// Under the lock. The stream is the scheduler's, too, when it is let in.
static status enqueue(lm_engine *g, lm_stream *s, uint64_t client, err *e) {
    if (g->closing) return err_set(e, E_CLOSED, "the engine is closing");
    if (g->n_live + g->queue.n_waiting >= g->c.streams_max + g->c.queue_max) {
        g->shown.refused_busy++;
        return err_set(e, E_AGAIN, "%d streams run and %d wait, that is all that may",
                       g->c.streams_max, g->c.queue_max);
    }
    status st = lm__queue_put(&g->queue, s, client, g->c.client_max);
    if (st == E_QUOTA) {
        g->shown.refused_client++;
        return err_set(e, st, "%d streams of this client run or wait, that is all that may",
                       g->c.client_max);
    }
    if (st) return err_set(e, st, "no memory for another client");
    g->shown.streams_total++;
    return OK;
}

status lm_submit(lm_stream **out, lm_engine *g, const lm_request *r, err *e) {
    *out = NULL;
    TRY(check_request(g, r, e));
    lm_stream *s = lm__stream_new(r, g->bell);
    if (!s) return err_set(e, E_MEMORY, "no memory for a stream of %d tokens", r->max_length);
    bool is_over = lm__stream_is_over(s);
    s->refs = 2;
    pthread_mutex_lock(&g->lock);
    status st = enqueue(g, s, r->client, e);
    pthread_mutex_unlock(&g->lock);
    if (st) {
        s->refs = 1;
        lm__stream_unref(s);
        return st;
    }
    if (is_over) g->bell->leavers++;
    lm__bell_ring(g->bell);
    *out = s;
    return OK;
}

// --- Admission ---------------------------------------------------------------------------------

// Operations of a row that looks at one position.
static uint64_t position_flops(const lm_spec *s) {
    uint64_t layers = 0;
    for (int i = 0; i < s->n_layer; i++)
        layers += s->layer[i].mixer == LM_MIX_ATTENTION;
    return layers * (uint64_t)s->n_head * (uint64_t)s->head_dim * 4;
}

static lm_pool *find_pool(lm_engine *g, const lm_model *m) {
    for (size_t i = 0; i < g->n_pools; i++)
        if (g->pool_of[i].model == m) return &g->pool_of[i];
    return NULL;
}

// What a model needs, opened when it is first used. NULL when there is no memory for it.
static lm_pool *pool_of(lm_engine *g, const lm_model *m) {
    lm_pool *p = find_pool(g, m);
    if (p) return p;
    p = find_pool(g, NULL);
    if (!p && g->n_pools == LM_MODELS_MAX) return NULL;
    if (!p) p = &g->pool_of[g->n_pools];
    if (lm__work_open(&p->work, m, NULL)) return NULL;
    if (lm__pages_open_in(&p->pages, m, &g->budget, NULL)) {
        lm__work_close(&p->work);
        return NULL;
    }
    p->model = m;
    lm__pace_init(&p->pace, m->spec.bytes_per_token, m->spec.flops_per_token,
                  position_flops(&m->spec));
    g->n_pools += p == &g->pool_of[g->n_pools];
    return p;
}

static lm_fit ends(lm_stream *s, lm_state how) {
    s->how = how;
    return LM_ENDS;
}

static lm_fit fit(void *arg, lm_stream *s) {
    lm_engine *g = arg;
    if (lm__stream_is_over(s)) return ends(s, lm__stream_over(s));
    bool is_guest = s->client->n_live == 0;
    if (g->n_live >= g->c.streams_max + (is_guest ? LM_GUESTS : 0)) return LM_NOT_YET;
    size_t left = g->c.kv_max - g->budget.used, share = g->c.kv_max / GUEST_SHARE;
    if (!is_guest && kv_bytes(s->model, s->n_max) + share > left) return LM_NOT_YET;
    s->pool = pool_of(g, s->model);
    if (!s->pool) return ends(s, LM_FAILED);
    size_t n = lm__stream_is_thorough(s) ? 1 : s->n_prompt;  // of the prompt, to look for
    if (lm__seq_open(&s->seq, s->pool->pages, s->ids, n, s->n_max)) {
        atomic_store(&s->n_cached, s->seq.n_past);
        return LM_FITS;
    }
    return g->n_live ? LM_BLOCKS : ends(s, LM_FAILED);  // nobody is there to wait for
}

static void show_pages(lm_engine *g) {
    lm_counters *c = &g->shown;
    c->kv_used = g->budget.used;
    c->kv_kept = c->pages_total = c->pages_used = c->pages_kept = 0;
    c->prefix_hit_tokens = g->hits;
    c->prefix_looked_tokens = g->looked;
    for (size_t i = 0; i < g->n_pools; i++) {
        lm_page_counts p;
        if (!g->pool_of[i].model) continue;
        lm__page_counts(&p, g->pool_of[i].pages);
        c->pages_total += p.total;
        c->pages_used += p.used;
        c->pages_kept += p.kept;
        c->kv_kept += p.kept * p.page_bytes;
        c->prefix_hit_tokens += p.hit_tokens;
        c->prefix_looked_tokens += p.looked_tokens;
    }
}

// Under the lock: moves waiting streams to the live ones while they fit. Returns a list of those
// that end instead.
static lm_stream *admit(lm_engine *g) {
    lm_stream *over = NULL;
    lm_fit how;
    int64_t now = os_now_ns();
    for (lm_stream *s; (s = lm__queue_take(&how, &g->queue, fit, g));) {
        if (how == LM_ENDS) {
            s->next = over;
            over = s;
            continue;
        }
        s->is_live = true;
        g->live[g->n_live++] = s;
        if (s->client->served < g->queue.floor) s->client->served = g->queue.floor;
        lm__histogram_add(&g->shown.queue_wait, (double)(now - s->submitted_ns) * 1e-9);
    }
    show_pages(g);
    return over;
}

// --- Ends --------------------------------------------------------------------------------------

static void count_end(lm_engine *g, const lm_stream *s) {
    if (s->how == LM_RUNNING) g->shown.streams_cancelled++;
    if (s->how == LM_FAILED) g->shown.streams_failed++;
    if (s->n_ids == s->n_prompt || s->how == LM_FAILED) return;
    double part = (double)(s->n_ids - s->n_prompt) / (double)(s->n_max - s->n_prompt);
    g->rates.text = g->rates.text * TEXT_FADE + part * (1 - TEXT_FADE);
}

void lm__reap(lm_engine *g, lm_stream *list) {
    int kept = 0, n = g->n_live;
    for (int i = 0; i < n; i++) {
        lm_stream *s = g->live[i];
        if (!s->ends) {
            g->live[kept++] = s;
            continue;
        }
        lm__seq_close(&s->seq);
        s->next = list;
        list = s;
    }
    if (!list) return;
    pthread_mutex_lock(&g->lock);
    g->n_live = kept;
    for (lm_stream *s = list; s; s = s->next) {
        count_end(g, s);
        lm__queue_leave(&g->queue, s);
    }
    show_pages(g);
    pthread_mutex_unlock(&g->lock);
    while (list) {
        lm_stream *s = list;
        list = s->next;
        lm__stream_end(s, s->how == LM_RUNNING ? LM_FAILED : s->how);  // I3
    }
}

// Those that are over before they began: closed, or with a prompt that fills max_length.
static lm_stream *leavers(lm_engine *g) {
    uint64_t n = atomic_load(&g->bell->leavers);
    if (n == g->leavers_seen) return NULL;
    g->leavers_seen = n;
    lm_stream *list = lm__queue_sweep(&g->queue, false);
    for (lm_stream *s = list; s; s = s->next)
        s->how = lm__stream_over(s);
    return list;
}

static lm_stream *joined(lm_stream *a, lm_stream *b) {
    lm_stream **at = &a;
    while (*at)
        at = &(*at)->next;
    *at = b;
    return a;
}

// --- Models that are no longer needed ----------------------------------------------------------

typedef enum use { UNUSED, LEAVING, USED } use;

static use use_of(const lm_engine *g, const lm_model *m) {
    use how = lm__queue_uses(&g->queue, m) ? USED : UNUSED;
    for (int i = 0; i < g->n_live; i++) {
        const lm_stream *s = g->live[i];
        if (s->model == m) how = max_size(how, atomic_load(&s->closed) ? LEAVING : USED);
    }
    return how;
}

static void pool_close(lm_engine *g, lm_pool *p) {
    lm_page_counts c;
    lm__page_counts(&c, p->pages);
    g->hits += c.hit_tokens;
    g->looked += c.looked_tokens;
    lm__work_close(&p->work);
    lm__pages_close(p->pages);
    *p = (lm_pool){0};
}

// Under the lock. Whoever waits for streams that are closed already is answered when they are gone.
static void forget(lm_engine *g) {
    bool tells = false;
    for (lm_forget **at = &g->forgets; *at;) {
        lm_forget *f = *at;
        use how = use_of(g, f->model);
        if (how == LEAVING) {
            at = &f->next;
            continue;
        }
        lm_pool *p = find_pool(g, f->model);
        if (p && how == UNUSED) pool_close(g, p);
        *at = f->next;
        f->is_used = how == USED;
        f->is_done = tells = true;
    }
    if (!tells) return;
    show_pages(g);
    pthread_cond_broadcast(&g->forgotten);
}

bool lm_engine_forget(lm_engine *g, const lm_model *m) {
    lm_forget f = {.model = m};
    pthread_mutex_lock(&g->lock);
    f.next = g->forgets;
    g->forgets = &f;
    pthread_mutex_unlock(&g->lock);
    lm__bell_ring(g->bell);
    pthread_mutex_lock(&g->lock);
    while (!f.is_done)
        pthread_cond_wait(&g->forgotten, &g->lock);
    pthread_mutex_unlock(&g->lock);
    return !f.is_used;
}

// --- Turns -------------------------------------------------------------------------------------

// Lets go who left, lets in who waits. False when the engine closes.
static bool next_turn(lm_engine *g) {
    for (int i = 0; i < g->n_live; i++)
        if (atomic_load(&g->live[i]->closed)) {
            g->live[i]->ends = true;
            g->live[i]->how = LM_RUNNING;
        }
    lm__reap(g, NULL);
    pthread_mutex_lock(&g->lock);
    bool go = !g->closing;
    lm_stream *over = go ? leavers(g) : NULL;
    forget(g);
    if (go) over = joined(over, admit(g));
    pthread_mutex_unlock(&g->lock);
    lm__reap(g, over);
    return go;
}

static void end_all(lm_engine *g) {
    pthread_mutex_lock(&g->lock);
    lm_stream *list = lm__queue_sweep(&g->queue, true);
    pthread_mutex_unlock(&g->lock);
    for (lm_stream *s = list; s; s = s->next)
        s->how = atomic_load(&s->closed) ? LM_RUNNING : LM_FAILED;
    for (int i = 0; i < g->n_live; i++) {
        g->live[i]->ends = true;
        g->live[i]->how = atomic_load(&g->live[i]->closed) ? LM_RUNNING : LM_FAILED;
    }
    lm__reap(g, list);
    pthread_mutex_lock(&g->lock);
    forget(g);
    pthread_mutex_unlock(&g->lock);
}

// --- Figures -----------------------------------------------------------------------------------

const double lm_bucket_s[LM_BUCKETS] = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                        0.25,  0.5,    1,     2.5,  5,     10,   30};

void lm__histogram_add(lm_histogram *h, double seconds) {
    size_t i = 0;
    while (i < LM_BUCKETS && seconds > lm_bucket_s[i])
        i++;
    h->count[i]++;
    h->sum_s += seconds;
}

void lm_engine_counters(lm_counters *out, const lm_engine *cg) {
    lm_engine *g = (lm_engine *)cg;  // for its lock
    pthread_mutex_lock(&g->lock);
    *out = g->shown;
    out->streams_live = g->n_live;
    out->streams_waiting = g->queue.n_waiting;
    out->clients = g->queue.n_clients;
    pthread_mutex_unlock(&g->lock);
    out->kv_max = g->c.kv_max;
}

const probe *lm_engine_calibration(const lm_engine *g) {
    return g->has_probe ? &g->probe : NULL;
}

int lm_engine_retry_after_s(const lm_engine *cg) {
    lm_engine *g = (lm_engine *)cg;
    pthread_mutex_lock(&g->lock);
    int s = lm__queue_wait_s(&g->queue, &g->rates, g->n_live >= g->c.streams_max);
    pthread_mutex_unlock(&g->lock);
    return s;
}

// --- The scheduler -----------------------------------------------------------------------------

// Workers inherit this thread's niceness and short turns, so it opens their pool.
static void *scheduler(void *arg) {
    lm_engine *g = arg;
    pthread_setname_np(pthread_self(), "lm-engine");
    os_turn_short(NICE);
    status st = os_pool_open(&g->pool, g->c.n_threads - 1, 1, "lm-worker", &g->start_err);
    if (!st && g->c.probe_bytes)
        g->has_probe = probe_machine(&g->probe, g->pool, g->c.probe_bytes, NULL) == OK;
    pthread_mutex_lock(&g->lock);
    g->start = st;
    g->is_started = true;
    pthread_cond_signal(&g->started);
    pthread_mutex_unlock(&g->lock);
    if (st) return NULL;
    while (next_turn(g))
        if (!lm__step(g)) lm__bell_wait(g->bell);
    end_all(g);
    os_pool_close(g->pool);
    return NULL;
}

static status start(lm_engine *g, err *e) {
    if (pthread_create(&g->thread, NULL, scheduler, g))
        return err_set(e, E_LIMIT, "cannot start the scheduler thread");
    pthread_mutex_lock(&g->lock);
    while (!g->is_started)
        pthread_cond_wait(&g->started, &g->lock);
    pthread_mutex_unlock(&g->lock);
    if (!g->start) return OK;
    pthread_join(g->thread, NULL);
    return err_set(e, g->start, "%s", g->start_err.msg);
}

static status check_config(lm_config *c, err *e) {
    const struct {
        const char *name;
        int *value, preset, max;
    } fields[] = {
        {"n_threads", &c->n_threads, os_cpu_count(), THREADS_LIMIT},
        {"streams_max", &c->streams_max, STREAMS_DEFAULT, LM_STREAMS_MAX},
        {"queue_max", &c->queue_max, QUEUE_DEFAULT, QUEUE_LIMIT},
        {"client_max", &c->client_max, 0, LM_STREAMS_MAX + QUEUE_LIMIT},
    };
    for (size_t i = 0; i < countof(fields); i++) {
        int v = *fields[i].value;
        if (v < 0 || v > fields[i].max)
            return err_set(e, E_ARG, "%s is %d, must be in 0..%d", fields[i].name, v,
                           fields[i].max);
        if (v == 0) *fields[i].value = fields[i].preset;
    }
    if (c->client_max == 0) c->client_max = c->streams_max + (c->queue_max + 3) / 4;
    if (c->kv_max == 0) c->kv_max = os_memory() / 2;
    return OK;
}

static void engine_free(lm_engine *g) {
    for (size_t i = 0; i < g->n_pools; i++)
        if (g->pool_of[i].model) pool_close(g, &g->pool_of[i]);
    pthread_cond_destroy(&g->forgotten);
    pthread_cond_destroy(&g->started);
    pthread_mutex_destroy(&g->lock);
    lm__bell_unref(g->bell);
    free(g);
}

status lm_engine_open(lm_engine **out, const lm_config *c, err *e) {
    *out = NULL;
    lm_config checked = *c;
    TRY(check_config(&checked, e));
    lm_engine *g = calloc(1, sizeof *g);
    lm_bell *bell = lm__bell_new();
    if (!g || !bell) {
        free(g);
        free(bell);
        return err_set(e, E_MEMORY, "no memory for an engine");
    }
    g->c = checked;
    g->bell = bell;
    g->budget.max = checked.kv_max;
    g->rates.text = 1;
    lm__queue_init(&g->queue);
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->started, NULL);
    pthread_cond_init(&g->forgotten, NULL);
    status st = start(g, e);
    if (st)
        engine_free(g);
    else
        *out = g;
    return st;
}

void lm_engine_close(lm_engine *g) {
    if (!g) return;
    pthread_mutex_lock(&g->lock);
    g->closing = true;
    pthread_mutex_unlock(&g->lock);
    lm__bell_ring(g->bell);
    pthread_join(g->thread, NULL);
    engine_free(g);
}
