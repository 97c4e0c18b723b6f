// One scheduler thread owns all generation. A step takes every live stream's next token, and pieces
// of the prompts that are still being read, through one forward pass; then it samples, publishes
// and tells the readers. Between steps it admits what waits and drops what was closed.
//
// A stream has two owners, its reader and the scheduler, and dies with the later one. What they
// share is small: ids are written once into an array that holds max_length of them, so the reader
// needs no lock, only the count. Rejected: a thread per stream (weights would be read per stream),
// and fixed slots that divide the context (any stream may have all of it; memory decides).
//
//   I1  ids[0, n_out) never change; n_out is stored after them, `state` after the last n_out
//   I2  `notify` runs under the stream's lock and only while it is open: never after close
//   I3  live streams hold a cache each and their sum is at most kv_max; waiting ones hold none
//   I4  streams are admitted in the order they came; one that does not fit holds up the rest
//   I5  a step has at most LM_ROWS_MAX rows, of one model. Streams that decode come before
//       prompts, and a round robin over models makes sure that each gets its turn

#include "lm/engine.h"

#include "lm/forward.h"
#include "lm/sampler.h"
#include "os/cpu.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    STREAMS_DEFAULT = 64,
    QUEUE_DEFAULT = 256,
    QUEUE_LIMIT = 65536,
    THREADS_LIMIT = 1024,
    PREFILL_ROWS = 64,  // prompt rows in a step that others wait for: about 30 ms at 124M
    NICE = 5,           // compute yields to the event loops
};

_Static_assert(LM_STREAMS_MAX + 32 <= LM_ROWS_MAX, "prompts find rows beside all streams");

struct lm_stream {
    lm_stream *next;  // waiting list
    const lm_model *model;
    void (*notify)(void *arg);
    void *arg;
    lm_sampler sampler;
    size_t n_prompt, n_max;

    // The scheduler's
    lm_seq seq;
    size_t n_ids;     // known tokens; seq.n_past of them are in the cache
    lm_segment *seg;  // this step's, or NULL
    int32_t drawn;

    // Shared
    pthread_mutex_t lock;  // I2
    _Atomic bool closed;
    _Atomic int refs;
    _Atomic int state;
    _Atomic size_t n_out;  // I1: prompt included

    size_t n_read;  // the reader's
    int32_t ids[];
};

// A model's pages.
typedef struct lm_pool {
    const lm_model *model;
    lm_pages *pages;
} lm_pool;

struct lm_engine {
    lm_config c;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake, started;
    bool is_started, closing;  // under lock, as the next four
    status start;
    lm_stream *waiting, **tail;
    int n_waiting, n_live;

    // The scheduler's
    os_pool *pool;
    lm_stream **live;
    lm_pool pool_of[LM_MODELS_MAX];
    size_t n_pools, kv_used, cursor;
    lm_work work;
    const lm_model *work_for;

    _Atomic uint64_t n_prompt, n_generated, n_steps, n_total, n_cancelled;
};

// --- Streams ---------------------------------------------------------------------------------

static void unref(lm_stream *s) {
    if (atomic_fetch_sub(&s->refs, 1) != 1) return;
    pthread_mutex_destroy(&s->lock);
    free(s);
}

static void tell(lm_stream *s) {
    pthread_mutex_lock(&s->lock);
    if (!atomic_load(&s->closed) && s->notify) s->notify(s->arg);
    pthread_mutex_unlock(&s->lock);
}

// The scheduler is done with a stream that holds no cache.
static void finish(lm_stream *s, lm_state how) {
    atomic_store(&s->state, how);
    tell(s);
    unref(s);
}

size_t lm_stream_read(int32_t *ids, size_t max, lm_state *state, lm_stream *s) {
    lm_state now = (lm_state)atomic_load(&s->state);  // before n_out: I1
    size_t have = atomic_load(&s->n_out);
    size_t n = min_size(max, have - s->n_read);
    if (n) memcpy(ids, s->ids + s->n_read, n * sizeof *ids);
    s->n_read += n;
    *state = s->n_read == have ? now : LM_RUNNING;
    return n;
}

void lm_stream_close(lm_stream *s) {
    if (!s) return;
    pthread_mutex_lock(&s->lock);
    atomic_store(&s->closed, true);
    pthread_mutex_unlock(&s->lock);
    unref(s);
}

static size_t kv_bytes(const lm_model *m, size_t max_length) {
    return lm__pages_for(max_length) * lm__page_bytes(m);
}

static status check_request(const lm_engine *g, const lm_request *r, err *e) {
    const lm_spec *s = &r->model->spec;
    if (r->n_prompt == 0) return err_set(e, E_ARG, "the prompt has no tokens");
    if (r->n_prompt > (size_t)s->block_size)
        return err_set(e, E_LIMIT, "the prompt has %zu tokens, the model's context holds %d",
                       r->n_prompt, s->block_size);
    TRY(lm__sampling_check(&r->sampling, lm__ids(r->model), e));
    for (size_t i = 0; i < r->n_prompt; i++)
        if (r->prompt[i] < 0 || r->prompt[i] >= lm__ids(r->model))
            return err_set(e, E_ARG, "token %zu of the prompt is %d, must be in 0..%d", i,
                           r->prompt[i], lm__ids(r->model) - 1);
    int max = r->max_length < s->block_size ? r->max_length : s->block_size;
    if (max > 0 && kv_bytes(r->model, (size_t)max) > g->c.kv_max)
        return err_set(e, E_LIMIT,
                       "a stream of %d tokens needs %zu KB of cache, %zu KB are allowed", max,
                       kv_bytes(r->model, (size_t)max) >> 10, g->c.kv_max >> 10);
    return OK;
}

static lm_stream *stream_new(const lm_request *r) {
    int max = r->max_length < r->model->spec.block_size ? r->max_length : r->model->spec.block_size;
    size_t n_max = max_size(r->n_prompt, max > 0 ? (size_t)max : 0);
    lm_stream *s = calloc(1, sizeof *s + n_max * sizeof s->ids[0]);
    if (!s) return NULL;
    s->model = r->model;
    s->notify = r->notify;
    s->arg = r->arg;
    s->n_max = n_max;
    s->n_prompt = s->n_ids = s->n_read = r->n_prompt;
    s->n_out = r->n_prompt;
    s->refs = 2;
    memcpy(s->ids, r->prompt, r->n_prompt * sizeof *r->prompt);
    lm__sampler_init(&s->sampler, &r->sampling);
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

status lm_submit(lm_stream **out, lm_engine *g, const lm_request *r, err *e) {
    *out = NULL;
    TRY(check_request(g, r, e));
    lm_stream *s = stream_new(r);
    if (!s) return err_set(e, E_MEMORY, "no memory for a stream of %d tokens", r->max_length);
    pthread_mutex_lock(&g->lock);
    bool closing = g->closing;
    bool full = g->n_live + g->n_waiting >= g->c.streams_max + g->c.queue_max;
    if (!full && !closing) {
        *g->tail = s;
        g->tail = &s->next;
        g->n_waiting++;
        g->n_total++;
        pthread_cond_signal(&g->wake);
    }
    pthread_mutex_unlock(&g->lock);
    if (!full && !closing) {
        *out = s;
        return OK;
    }
    s->refs = 1;
    unref(s);
    if (closing) return err_set(e, E_CLOSED, "the engine is closing");
    return err_set(e, E_AGAIN, "%d streams run and %d wait, that is all that may", g->c.streams_max,
                   g->c.queue_max);
}

// --- Admission -------------------------------------------------------------------------------

// The pages of a model, opened when it is first used. NULL when there is no memory for them.
static lm_pages *pages_of(lm_engine *g, const lm_model *m) {
    for (size_t i = 0; i < g->n_pools; i++)
        if (g->pool_of[i].model == m) return g->pool_of[i].pages;
    if (g->n_pools == LM_MODELS_MAX) return NULL;
    lm_pool *p = &g->pool_of[g->n_pools];
    if (lm__pages_open(&p->pages, m, g->c.kv_max, NULL)) return NULL;
    p->model = m;
    g->n_pools++;
    return p->pages;
}

// Room for s among the live, its pages taken.
static bool admit_one(lm_engine *g, lm_stream *s) {
    size_t need = kv_bytes(s->model, s->n_max);
    if (g->n_live >= g->c.streams_max || need > g->c.kv_max - g->kv_used) return false;  // I3
    lm_pages *pages = pages_of(g, s->model);
    if (!pages || !lm__seq_open(&s->seq, pages, s->ids, s->n_prompt, s->n_max)) return false;
    g->kv_used += need;
    g->live[g->n_live++] = s;
    return true;
}

// Moves waiting streams to the live ones while they fit. Returns a list of those that are over
// before they began: closed, or with a prompt that fills max_length.
static lm_stream *admit(lm_engine *g) {
    lm_stream *over = NULL, **at = &g->waiting;
    bool room = true;
    while (*at) {
        lm_stream *s = *at;
        bool ends = atomic_load(&s->closed) || s->n_prompt >= s->n_max;
        if (!ends && !(room = room && admit_one(g, s))) {  // I4
            at = &s->next;
            continue;
        }
        *at = s->next;
        g->n_waiting--;
        s->next = ends ? over : NULL;
        if (ends) over = s;
    }
    g->tail = at;
    return over;
}

// The first that waits, when nobody is live: it was refused memory, and nobody will give any back.
static lm_stream *take_starved(lm_engine *g) {
    lm_stream *s = g->waiting;
    if (g->n_live || !s) return NULL;
    g->waiting = s->next;
    if (!g->waiting) g->tail = &g->waiting;
    g->n_waiting--;
    s->next = NULL;
    return s;
}

static void end_stream(lm_engine *g, lm_stream *s, lm_state how) {
    if (atomic_load(&s->closed) && how == LM_RUNNING) g->n_cancelled++;
    if (s->seq.pages) {
        g->kv_used -= kv_bytes(s->model, s->n_max);
        lm__seq_close(&s->seq);
    }
    finish(s, how == LM_RUNNING ? LM_FAILED : how);
}

static void end_list(lm_engine *g, lm_stream *list, lm_state how) {
    while (list) {
        lm_stream *s = list;
        list = s->next;
        end_stream(g, s, atomic_load(&s->closed) ? LM_RUNNING : how);
    }
}

// Waits for work and admits it. False when the engine closes.
static bool next_work(lm_engine *g) {
    pthread_mutex_lock(&g->lock);
    while (!g->closing && !g->waiting && g->n_live == 0)
        pthread_cond_wait(&g->wake, &g->lock);
    bool go = !g->closing;
    lm_stream *over = go ? admit(g) : NULL;
    lm_stream *starved = go ? take_starved(g) : NULL;
    pthread_mutex_unlock(&g->lock);
    end_list(g, over, LM_LENGTH);
    end_list(g, starved, LM_FAILED);
    return go;
}

// --- A step ----------------------------------------------------------------------------------

typedef struct step {
    lm_engine *g;
    const lm_model *model;
    lm_segment segs[LM_ROWS_MAX];
    lm_stream *of[LM_ROWS_MAX];
    size_t n, rows, prompt_rows, prompt_max;
} step;

static void step_add(step *st, lm_stream *s) {
    size_t left = s->n_ids - s->seq.n_past;
    size_t n = min_size(left, LM_ROWS_MAX - st->rows);
    if (left > 1) n = min_size(n, st->prompt_max - st->prompt_rows);
    if (n == 0) return;
    if (left > 1) st->prompt_rows += n;
    s->seg = &st->segs[st->n];
    *s->seg = (lm_segment){&s->seq, s->ids + s->seq.n_past, n, s->seq.n_past, n == left, NULL};
    st->of[st->n++] = s;
    st->rows += n;
}

// Fills a step with streams of the model whose turn it is: those that decode, then prompts.
static void step_plan(step *st, lm_engine *g) {
    size_t n = (size_t)g->n_live, first = g->cursor % n;
    bool any_decode = false;
    st->g = g;
    st->model = g->live[first]->model;
    for (int prompts = 0; prompts < 2; prompts++) {
        st->prompt_max = any_decode ? PREFILL_ROWS : LM_ROWS_MAX;
        for (size_t i = 0; i < n; i++) {
            lm_stream *s = g->live[(first + i) % n];
            bool is_prompt = s->n_ids - s->seq.n_past > 1;
            if (s->model != st->model || is_prompt != prompts) continue;
            any_decode |= !is_prompt;
            step_add(st, s);
        }
    }
    // The next turn starts at the first that was left out, or at the oldest.
    g->cursor = 0;
    for (size_t i = 1; i < n && !g->cursor; i++)
        if (!g->live[(first + i) % n]->seg) g->cursor = (first + i) % n;
}

static void sample_one(void *arg, size_t i) {
    step *st = arg;
    lm_stream *s = st->of[i];
    if (!st->segs[i].want) return;
    s->drawn = lm__sample(&s->sampler, st->segs[i].logits, lm__logits_padded(st->model),
                          (size_t)lm__ids(st->model), st->model->kern);
}

static lm_state take_drawn(lm_engine *g, lm_stream *s) {
    if (s->drawn < 0) return LM_FAILED;
    g->n_generated++;
    if (s->drawn == LM_EOT) return LM_STOPPED;
    s->ids[s->n_ids++] = s->drawn;
    atomic_store(&s->n_out, s->n_ids);
    return s->n_ids == s->n_max ? LM_LENGTH : LM_RUNNING;
}

// Publishes what a stream got in this step. False when it has ended.
static bool step_deliver(lm_engine *g, lm_stream *s) {
    lm_segment *seg = s->seg;
    s->seg = NULL;
    if (!seg) return true;
    lm__seq_advance(&s->seq, s->ids, seg->n);
    g->n_prompt += s->seq.n_past <= s->n_prompt ? seg->n : 0;
    if (!seg->want) return true;
    lm_state now = take_drawn(g, s);
    if (now == LM_RUNNING)
        tell(s);
    else
        end_stream(g, s, now);
    return now == LM_RUNNING;
}

static status work_for(lm_engine *g, const lm_model *m) {
    if (g->work_for == m) return OK;
    lm__work_close(&g->work);
    g->work_for = NULL;
    TRY(lm__work_open(&g->work, m, NULL));
    g->work_for = m;
    return OK;
}

static void keep_live(lm_engine *g, int n) {
    pthread_mutex_lock(&g->lock);
    g->n_live = n;
    pthread_mutex_unlock(&g->lock);
}

static void drop_closed(lm_engine *g) {
    int kept = 0;
    for (int i = 0; i < g->n_live; i++) {
        lm_stream *s = g->live[i];
        if (atomic_load(&s->closed))
            end_stream(g, s, LM_RUNNING);
        else
            g->live[kept++] = s;
    }
    keep_live(g, kept);
}

static void run_step(lm_engine *g) {
    step st = {0};
    drop_closed(g);
    if (g->n_live == 0) return;
    step_plan(&st, g);
    bool ok = work_for(g, st.model) == OK;
    if (ok) {
        lm__forward(&g->work, st.model, g->pool, st.segs, st.n);
        os_pool_for(g->pool, st.n, sample_one, &st);
    }
    g->n_steps++;
    int kept = 0;
    for (int i = 0; i < g->n_live; i++) {
        lm_stream *s = g->live[i];
        if (ok ? step_deliver(g, s) : s->model != st.model)
            g->live[kept++] = s;
        else if (!ok)
            end_stream(g, s, LM_FAILED);
    }
    keep_live(g, kept);
}

// --- The scheduler ---------------------------------------------------------------------------

static void end_all(lm_engine *g) {
    for (int i = 0; i < g->n_live; i++)
        end_stream(g, g->live[i], atomic_load(&g->live[i]->closed) ? LM_RUNNING : LM_FAILED);
    keep_live(g, 0);
    pthread_mutex_lock(&g->lock);
    lm_stream *list = g->waiting;
    g->waiting = NULL;
    g->n_waiting = 0;
    pthread_mutex_unlock(&g->lock);
    end_list(g, list, LM_FAILED);
}

// Workers inherit this thread's niceness, so it opens their pool.
static void *scheduler(void *arg) {
    lm_engine *g = arg;
    pthread_setname_np(pthread_self(), "lm-engine");
    (void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
    status st = os_pool_open(&g->pool, g->c.n_threads - 1, 1, "lm-worker", NULL);
    pthread_mutex_lock(&g->lock);
    g->start = st;
    g->is_started = true;
    pthread_cond_signal(&g->started);
    pthread_mutex_unlock(&g->lock);
    if (st) return NULL;
    while (next_work(g))
        run_step(g);
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
    return err_set(e, g->start, "cannot start %d compute threads", g->c.n_threads);
}

static status check_config(lm_config *c, err *e) {
    const struct {
        const char *name;
        int *value, preset, max;
    } fields[] = {
        {"n_threads", &c->n_threads, os_cpu_count(), THREADS_LIMIT},
        {"streams_max", &c->streams_max, STREAMS_DEFAULT, LM_STREAMS_MAX},
        {"queue_max", &c->queue_max, QUEUE_DEFAULT, QUEUE_LIMIT},
    };
    for (size_t i = 0; i < countof(fields); i++) {
        int v = *fields[i].value;
        if (v < 0 || v > fields[i].max)
            return err_set(e, E_ARG, "%s is %d, must be in 0..%d", fields[i].name, v,
                           fields[i].max);
        if (v == 0) *fields[i].value = fields[i].preset;
    }
    return OK;
}

static void engine_free(lm_engine *g) {
    lm__work_close(&g->work);
    for (size_t i = 0; i < g->n_pools; i++)
        lm__pages_close(g->pool_of[i].pages);
    pthread_cond_destroy(&g->started);
    pthread_cond_destroy(&g->wake);
    pthread_mutex_destroy(&g->lock);
    free(g->live);
    free(g);
}

status lm_engine_open(lm_engine **out, const lm_config *c, err *e) {
    *out = NULL;
    lm_config checked = *c;
    TRY(check_config(&checked, e));
    lm_engine *g = calloc(1, sizeof *g);
    lm_stream **live = calloc((size_t)checked.streams_max, sizeof(lm_stream *));
    if (!g || !live) {
        free(g);
        free(live);
        return err_set(e, E_MEMORY, "no memory for %d streams", checked.streams_max);
    }
    g->c = checked;
    g->live = live;
    g->tail = &g->waiting;
    if (g->c.kv_max == 0) g->c.kv_max = os_memory() / 2;
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->wake, NULL);
    pthread_cond_init(&g->started, NULL);
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
    pthread_cond_signal(&g->wake);
    pthread_mutex_unlock(&g->lock);
    pthread_join(g->thread, NULL);
    engine_free(g);
}

void lm_engine_counters(lm_counters *out, const lm_engine *cg) {
    lm_engine *g = (lm_engine *)cg;  // for its lock
    *out = (lm_counters){.tokens_prompt = g->n_prompt,
                         .tokens_generated = g->n_generated,
                         .steps = g->n_steps,
                         .streams_total = g->n_total,
                         .streams_cancelled = g->n_cancelled};
    pthread_mutex_lock(&g->lock);
    out->streams_live = g->n_live;
    out->streams_waiting = g->n_waiting;
    pthread_mutex_unlock(&g->lock);
}
