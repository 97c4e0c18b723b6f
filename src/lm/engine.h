// lm/engine.h -- loaded models, and a scheduler that generates for many clients at once.
//
// A model is immutable and shared. A stream is one generation: it is submitted, its ids are read
// as they come, and closing it cancels it. One scheduler thread advances all live streams by one
// token per step in one batched forward pass, with pieces of the prompts that are still being read;
// the matrix work of a step is spread over a pool.
//
//   Owner     the engine owns KV pages and streams; a stream's reader must close it. Models are the
//             caller's and outlive the engine
//   Threads   lm_engine_open and _close: one thread. lm_submit, lm_stream_*, lm_engine_counters,
//             lm_engine_forget, lm_engine_retry_after_s: any thread, one reader per stream.
//             `notify` is called on the scheduler thread and must be short; it may read its stream,
//             but not close it. A guide is called on threads of the engine, and must be short, too
//   Blocks    open: loads, measures; forget: for a step; submit, read and close: never longer than
//             what `notify` or a guide of the stream takes
//   Limits    lm_config: streams at once, waiting streams, of all and of one client. A live stream
//             has its pages for max_length; it waits while kv_max is used up. A reader that is
//             LM_AHEAD_MAX ids behind pauses its stream: nothing is computed until it reads
//   Fairness  clients take turns: to leave the queue, and to have their prompts read; first come,
//             first served within a client. A client that has streams already leaves LM_GUESTS
//             places and an eighth of the pages to those that have none
//   Errors    submit: E_AGAIN when the queue is full (503), E_QUOTA when the client has too many in
//             it (429), E_ARG, E_LIMIT (a request that can never run), E_MEMORY, E_CLOSED
#ifndef LM_ENGINE_H
#define LM_ENGINE_H

#include "base/err.h"
#include "base/str.h"
#include "kern/probe.h"
#include "lm/spec.h"

typedef struct lm_model lm_model;
typedef struct lm_engine lm_engine;
typedef struct lm_stream lm_stream;

// --- Models ----------------------------------------------------------------------------------

typedef struct lm_load {
    bool has_type;
    kern_type type;  // of the matrices in memory; without it, as the file has them, with Q4_K
                     // and Q6_K as Q8_0. Experts in MXFP4 stay so, unless f32 is asked for
    bool has_kv;
    kern_type kv;        // of keys and values, f32 or f16; without it f16 where most weights are
                         // integers, whose inputs are rounded more than that, and else f32
    int context;         // window in tokens, where the family allows it; 0: as the config says
    const char *panels;  // a file that keeps the repacked weights: mapped when it is there and of
                         // these weights, else written; NULL: none
    err *note;    // out, unless NULL: why `panels` was there and not used, or could not be written:
                  // the model opens all the same. Code OK: nothing to say
    bool verify;  // read and compare all checksums of the file of weights; half a gigabyte: 0.2 s
    const int32_t *eos;  // ids that end a text beside those of the config (generation_config.json)
    size_t n_eos;        // at most LM_EOS_MAX together
    _Atomic unsigned *permille;     // out, unless NULL: how much of it is loaded so far, 0 .. 1000
    const _Atomic bool *cancelled;  // in, unless NULL: once it is true loading ends, with E_CLOSED
} lm_load;

// A decoder of a family that lm/arch.c knows, from a PyTorch checkpoint, a Hugging Face folder or a
// GGUF file (tensor/weights.h). Every field of the config that could change what is computed, and
// every tensor's name and shape, is checked: the message names the first that is unknown, missing
// or wrong. `how` may be NULL.
NODISCARD status lm_model_open(lm_model **out, const char *path, const lm_load *how, err *e);
void lm_model_close(lm_model *m);  // accepts NULL; no stream may use it any more
// What lm_model_open would give, without reading weights, and the memory that it would take.
NODISCARD status lm_model_measure(lm_spec *spec, size_t *bytes, const char *path,
                                  const lm_load *how, err *e);
const lm_spec *lm_model_spec(const lm_model *m);

// --- Engine ----------------------------------------------------------------------------------

typedef struct lm_config {
    int n_threads;    // compute threads, scheduler included; 0 is one per core
    int streams_max;  // live at once, at most LM_STREAMS_MAX; 0 is 64
    int queue_max;    // waiting beyond; 0 is 256
    size_t kv_max;    // bytes of KV pages, of all models; 0 is half of the machine's memory
    int client_max;   // live and waiting of one client; 0: streams_max and a quarter of queue_max
    size_t probe_bytes;  // measure the machine at open, with a working set like this; 0: do not
} lm_config;

NODISCARD status lm_engine_open(lm_engine **out, const lm_config *c, err *e);
// Cancels everything and joins. Accepts NULL. All streams must be closed by then or soon after.
void lm_engine_close(lm_engine *g);

// Before a model is closed while the engine runs: gives back its pages and scratch. False when a
// stream of it runs or waits. Any thread but the scheduler's (not in `notify`); waits for the step
// that runs. Nobody may submit for the model meanwhile.
bool lm_engine_forget(lm_engine *g, const lm_model *m);

typedef enum lm_rng {
    LM_RNG_TORCH,    // PyTorch on the CPU, 2.7 and later, and before 2.0: same seed, same text
    LM_RNG_CUDA,     // PyTorch on a GPU: Philox4x32-10
    LM_RNG_TORCH26,  // PyTorch 2.0 to 2.6 on x86 CPUs: MKL's MCG31m1, seeded anew each step
    LM_RNGS,
} lm_rng;

// "torch", "cuda", "torch26". False for any other name.
bool lm_rng_named(lm_rng *out, str name);
#define LM_RNG_NAMES "torch, torch26 or cuda"

// How the next id is drawn. In this order: penalties, bias, temperature, softmax; top_k, top_p and
// min_p leave the best so many; then the race of PyTorch's multinomial (README.md, Sampling, has
// the formulas). A zeroed struct is not valid: start from lm_sampling_default.
typedef struct lm_sampling {
    lm_rng rng;
    uint64_t seed;
    float temperature;  // LM_TEMPERATURE_MIN .. _MAX; 0 is the best id always
    int top_k;          // candidates, 1 .. LM_TOP_K_MAX; 0: no limit but the vocabulary
    float top_p;        // (0, 1]: the fewest best ids whose probabilities reach it; 1 is off
    float min_p;        // [0, 1]: at least this fraction of the best one's probability; 0 is off
    float repetition;   // LM_REPETITION_MIN .. _MAX: logits of ids in prompt or text are divided by
                        // it (if >= 0) or multiplied; 1 is off
    float frequency;    // [-2, 2]: taken from a logit for each time the text has its id
    float presence;     // [-2, 2]: taken once
    const struct lm_bias *bias;  // added to logits; copied
    size_t n_bias;               // at most LM_BIAS_MAX
    int logprobs;  // -1: none; 0 .. LM_LOGPROBS_MAX: of the drawn id, and so many of the best
} lm_sampling;

#define LM_TEMPERATURE_MIN 0.001F
#define LM_TEMPERATURE_MAX 1000.0F
#define LM_REPETITION_MIN  0.01F
#define LM_REPETITION_MAX  100.0F

typedef struct lm_bias {
    int32_t id;
    float add;  // [-100, 100]; -100 forbids
} lm_bias;

lm_sampling lm_sampling_default(void);  // torch, seed 0, temperature 1, top_k 50, no logprobs

// What may come next, for structured output. An id is drawn first; only when it is refused, the
// mask is asked for, and what the cuts of top_k, top_p and min_p left is drawn from again, without
// those that may not come: the distribution is the one that the mask would have given at once. When
// none of them may come, the cuts are made among those that may. The second draw has noise of its
// own from the same seed, so that the first one's never moves.
typedef struct lm_guide {
    void *self;
    // Called on the engine's threads, one call at a time, never after lm_stream_close has returned;
    // microseconds.
    bool (*accepts)(void *self, int32_t id);  // an end of text: whether the text may end
    // All that may come, ends of text included: bit i % 32 of bits[i / 32], all others clear. With
    // none of them the stream fails.
    void (*mask)(void *self, uint32_t *bits);
    void (*advance)(void *self, int32_t id);  // it came; not called for an end of text
} lm_guide;

// A stream that makes no text but one vector of its prompt: the rows after the last norm.
typedef enum lm_pooling {
    LM_POOL_NONE,  // makes text
    LM_POOL_MEAN,  // of all tokens
    LM_POOL_LAST,  // of the last one
} lm_pooling;

typedef struct lm_request {
    const lm_model *model;
    const int32_t *prompt;  // copied; each in [0, n_ids)
    size_t n_prompt;        // 1 .. block_size
    int max_length;         // prompt and new tokens together; clamped to block_size
    lm_sampling sampling;
    const lm_guide *guide;  // NULL: any id may come; copied, `self` is the caller's
    bool ignores_eos;       // ends of text are never drawn; not with a guide
    int min_tokens;         // so many new ids before an end of text may be; not with a guide
    bool prompt_logprobs;   // sampling.logprobs for the prompt, too: nothing of it is taken from
                            // pages. A text of no new tokens is fine
    lm_pooling pooling;     // but for _NONE, max_length, sampling and the lines above are nothing
    uint64_t client;        // who asks: clients take turns in the queue
    void (*notify)(void *arg);  // ids or the end are there to read; scheduler thread; may be NULL
    void *arg;                  // must stay valid until lm_stream_close has returned
} lm_request;

enum {
    LM_TOP_K_MAX = 1024,
    LM_STREAMS_MAX = 96,
    LM_MODELS_MAX = 32,  // with streams since they were forgotten last
    LM_BIAS_MAX = 1024,
    LM_LOGPROBS_MAX = 20,
    LM_AHEAD_MAX = 256,  // ids that a stream may be ahead of its reader
    LM_GUESTS = 16,      // live streams beyond streams_max, of clients that have no other
};

NODISCARD status lm_submit(lm_stream **out, lm_engine *g, const lm_request *r, err *e);

typedef enum lm_state {
    LM_RUNNING,  // more may come
    LM_STOPPED,  // end-of-text was drawn (it is not among the ids)
    LM_LENGTH,   // max_length or the context is reached
    LM_FAILED,   // the engine closed or ran out of memory, or the weights gave no number
} lm_state;

// Takes up to `max` new ids, in order. *state is how things stand after the last of them:
// anything but LM_RUNNING means that no more will ever come.
size_t lm_stream_read(int32_t *ids, size_t max, lm_state *state, lm_stream *s);

// What the distribution was when the i-th new id was drawn (before penalties and temperature, as
// OpenAI's API has it): log of its probability, and of the best `n_best` ids. NULL for an id that
// has not been read yet, or when none were asked for. Valid until lm_stream_close.
typedef struct lm_logprob {
    int32_t id;
    float log;
} lm_logprob;
const lm_logprob *lm_stream_logprobs(size_t *n_best, const lm_stream *s,
                                     size_t i);  // [0] is its own

// The same for token i of the prompt, from 1 on. NULL before its place was computed (all are when
// the first new id or a good end can be read), or when none were asked for.
const lm_logprob *lm_stream_prompt_logprobs(size_t *n_best, const lm_stream *s, size_t i);

// n_embd floats of length 1, of a stream that pools; NULL until it has ended well (LM_LENGTH).
// Valid until lm_stream_close.
const float *lm_stream_embedding(const lm_stream *s);

// Tokens of the prompt that were found in pages, and not computed. Final when the first new id can
// be read.
size_t lm_stream_cached(const lm_stream *s);

// Ends the reader's interest: a step that runs is the last that has it, and its pages are free
// after that; from the queue it goes without one. `notify` is not called after
// this has returned. Accepts NULL.
void lm_stream_close(lm_stream *s);

// --- Figures -----------------------------------------------------------------------------------

enum { LM_BUCKETS = 14 };
extern const double lm_bucket_s[LM_BUCKETS];  // upper bounds, as Prometheus' `le`

typedef struct lm_histogram {
    uint64_t count[LM_BUCKETS + 1];  // not cumulative; the last is beyond all bounds
    double sum_s;
} lm_histogram;

typedef struct lm_counters {
    uint64_t tokens_prompt;     // computed; those that were found in pages are prefix_hit_tokens
    uint64_t tokens_generated;  // drawn, ends of text included
    uint64_t steps, streams_total, streams_cancelled, streams_failed;
    uint64_t refused_busy, refused_client;  // E_AGAIN, E_QUOTA
    int streams_live, streams_waiting;
    int streams_paused;  // of the live, at the last step
    int clients;         // that have a stream

    // Of what steps did: divide by busy_ns, and compare with the probe's limits.
    uint64_t rows;          // tokens through the model, of prompts and of text
    uint64_t busy_ns;       // in steps
    uint64_t weight_bytes;  // read once per step, however many rows
    uint64_t kv_bytes;      // keys and values read
    uint64_t flops;         // of matrix products and attention

    size_t kv_max, kv_used, kv_kept;  // bytes of pages: allowed, of live streams, only remembered
    size_t pages_total, pages_used, pages_kept;
    uint64_t prefix_hit_tokens, prefix_looked_tokens;

    lm_histogram first_token;     // submit to the first id
    lm_histogram between_tokens;  // from one id to the next of a stream that is not paused
    lm_histogram queue_wait;      // submit to admission
} lm_counters;
void lm_engine_counters(lm_counters *out, const lm_engine *g);  // one consistent moment

// What the machine can do at most, measured on the engine's threads when it opened; the counters
// above over busy_ns are fractions of it. NULL without lm_config.probe_bytes, or without memory.
const probe *lm_engine_calibration(const lm_engine *g);

// Seconds after which a request that is refused now would find a place and start soon: what waits
// (as long as texts were of late) over the rate of late. 1 .. 3600.
int lm_engine_retry_after_s(const lm_engine *g);

#endif
