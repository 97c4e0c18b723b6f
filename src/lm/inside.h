// lm/inside.h -- what the files of the engine share: streams, clients and their turns, steps.
//
//   Threads   a field belongs to whom its section names
#ifndef LM_INSIDE_H
#define LM_INSIDE_H

#include "lm/forward.h"
#include "lm/pace.h"
#include "lm/sampler.h"

#include <pthread.h>
#include <stdatomic.h>

// --- Bell: wakes the scheduler, and outlives the engine (stream.c) -------------------------------

typedef struct lm_bell {
    pthread_mutex_t lock;
    pthread_cond_t cond;
    bool rung;
    _Atomic int refs;
    _Atomic uint64_t leavers;  // streams that may be over before they began
} lm_bell;

lm_bell *lm__bell_new(void);  // NULL: no memory
void lm__bell_ring(lm_bell *b);
void lm__bell_wait(lm_bell *b);  // returns at once when it has rung since the last time
void lm__bell_unref(lm_bell *b);

// --- Streams (stream.c) ------------------------------------------------------------------------

typedef struct lm_client lm_client;
typedef struct lm_pool lm_pool;

struct lm_stream {
    const lm_model *model;
    void (*notify)(void *arg);
    void *arg;
    lm_bell *bell;
    size_t n_prompt, n_max;
    int64_t submitted_ns;
    lm_pooling pooling;
    lm_guide guide;  // `accepts` NULL: none
    size_t n_least;  // tokens before which no end of text is drawn
    bool scores;     // log probabilities of the prompt

    // Under the engine's lock
    lm_stream *next;  // in its client's line
    lm_client *client;

    // The scheduler's
    lm_sampler sampler;
    lm_pool *pool;
    lm_seq seq;
    size_t n_ids;     // known tokens; seq.n_past of them have keys and values
    lm_segment *seg;  // this step's, or NULL
    bool draws;       // in this step
    int32_t drawn;
    bool is_live, is_paused;
    bool ends;        // lm__reap is to take it
    lm_state how;     // it ends; LM_RUNNING: it was closed
    int64_t last_ns;  // when the last id came; 0 when there was none, or a pause since

    // Shared with the reader
    pthread_mutex_t lock;  // of notify and guide
    _Atomic bool closed, paused;
    _Atomic int refs;
    _Atomic int state;
    _Atomic size_t n_out;     // prompt included
    _Atomic size_t n_read;    // the same, by the reader
    _Atomic size_t n_scored;  // tokens of the prompt, the first included
    _Atomic size_t n_cached;

    lm_bias *bias;         // the sampler's
    lm_logprob *logprobs;  // n_logprobs for each new id, or NULL
    size_t n_logprobs;
    lm_logprob *scored;  // the same of the prompt's tokens but the first
    float *raw;          // with logprobs or guide: logits before the sampler changed them
    uint32_t *mask;      // with guide
    float *pooled;       // n_embd, or NULL
    int32_t ids[];
};

size_t lm__stream_length(const lm_request *r);  // how many tokens it may have, its prompt included
lm_stream *lm__stream_new(const lm_request *r, lm_bell *bell);  // NULL: no memory
void lm__stream_unref(lm_stream *s);
void lm__stream_tell(lm_stream *s);

// The scheduler is done with a stream that holds no pages.
void lm__stream_end(lm_stream *s, lm_state how);

// Whether its reader keeps up. False: it is marked as paused, and reading rings the bell.
bool lm__stream_may_run(lm_stream *s);

// All of its prompt must go through the model: what pages hold is not enough.
static inline bool lm__stream_is_thorough(const lm_stream *s) {
    return s->scores || s->pooling == LM_POOL_MEAN;
}

// Over before it began: closed, or with a prompt that fills max_length.
static inline bool lm__stream_is_over(const lm_stream *s) {
    bool reads = s->scores || s->pooling;  // wants its prompt read, whatever comes then
    return atomic_load(&s->closed) || (!reads && s->n_prompt >= s->n_max);
}
static inline lm_state lm__stream_over(const lm_stream *s) {
    return atomic_load(&s->closed) ? LM_RUNNING : LM_LENGTH;
}

// --- Turns (queue.c); all under the engine's lock ------------------------------------------------

struct lm_client {
    uint64_t key;
    lm_client *chain;          // in its bucket
    lm_client *next;           // in the ring of turns, while it has waiting streams
    lm_stream *first, **last;  // waiting
    int n_waiting, n_live;
    uint64_t served;  // the scheduler's: prompt rows (lm__queue_serve)
};

enum { LM_QUEUE_BUCKETS = 256 };

typedef struct lm_queue {
    lm_client *bucket[LM_QUEUE_BUCKETS];
    lm_client *turn, **last_turn;
    int n_waiting, n_clients;
    uint64_t prompt_tokens, text_tokens;  // of the waiting ones; text: at most
    uint64_t floor;                       // the scheduler's: `served` of whom it served last
} lm_queue;

void lm__queue_init(lm_queue *q);

// At the end of its client's line. E_QUOTA when that has `client_max` streams already, E_MEMORY.
NODISCARD status lm__queue_put(lm_queue *q, lm_stream *s, uint64_t client, int client_max);

// What a waiting stream finds.
typedef enum lm_fit {
    LM_FITS,
    LM_NOT_YET,  // it waits; other clients may pass
    LM_BLOCKS,   // it waits, and so does everybody: what it lacks must not go to others
    LM_ENDS,     // it leaves the queue to end as its `how` says
} lm_fit;

// The next stream by turns that `fit` does not leave waiting, and what it said. NULL for none. The
// stream's client has it among its live ones until lm__queue_leave.
lm_stream *lm__queue_take(lm_fit *how, lm_queue *q, lm_fit (*fit)(void *arg, lm_stream *s),
                          void *arg);

// Takes out those that are over before they began, or `all`; they count as live as above.
lm_stream *lm__queue_sweep(lm_queue *q, bool all);

// Whether a waiting stream is of this model.
bool lm__queue_uses(const lm_queue *q, const lm_model *m);

// One of its client's live streams has ended.
void lm__queue_leave(lm_queue *q, lm_stream *s);

// What is measured for lm_engine_retry_after_s; old steps fade.
typedef struct lm_rates {
    double rows, seconds, steps;  // of the last steps
    double text;                  // of what max_length allows, texts were this long
    size_t least_left;            // ids that the live stream nearest to its end may still get
} lm_rates;

// Seconds until a newcomer would start, 1 .. 3600; `is_full`: no place is free.
int lm__queue_wait_s(const lm_queue *q, const lm_rates *r, bool is_full);

// --- The engine --------------------------------------------------------------------------------

// What a model needs to run: opened when it is first used, until it is forgotten.
struct lm_pool {
    const lm_model *model;  // NULL: free
    lm_pages *pages;
    lm_work work;
    lm_pace pace;
};

// A call of lm_engine_forget, on its own stack.
typedef struct lm_forget {
    struct lm_forget *next;
    const lm_model *model;
    bool is_done, is_used;
} lm_forget;

enum { LM_LIVE_MAX = LM_STREAMS_MAX + LM_GUESTS };

struct lm_engine {
    lm_config c;
    pthread_t thread;
    lm_bell *bell;
    pthread_mutex_t lock;

    // Under the lock
    pthread_cond_t started;
    bool is_started, closing;
    status start;
    err start_err;
    probe probe;  // immutable once started
    bool has_probe;
    lm_queue queue;
    int n_live;
    lm_counters shown;
    lm_rates rates;
    lm_forget *forgets;
    pthread_cond_t forgotten;

    // The scheduler's
    os_pool *pool;
    lm_stream *live[LM_LIVE_MAX];
    lm_pool pool_of[LM_MODELS_MAX];
    lm_budget budget;
    size_t n_pools, turn;   // n_pools: places used so far; turn: the model that ran last
    uint64_t hits, looked;  // of models that were forgotten
    uint64_t leavers_seen;
};

// One step of the live streams of a model that may run. False when there are none (step.c).
bool lm__step(lm_engine *g);

// Ends the live streams that are marked, and a list of others (engine.c).
void lm__reap(lm_engine *g, lm_stream *others);

void lm__histogram_add(lm_histogram *h, double seconds);

#endif
