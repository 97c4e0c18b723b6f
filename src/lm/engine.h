// lm/engine.h -- loaded models, and a scheduler that generates for many clients at once.
//
// A model is immutable and shared. A stream is one generation: it is submitted, its ids are read
// as they come, and closing it cancels it. One scheduler thread advances all live streams by one
// token per step in one batched forward pass; the matrix work of a step is spread over a pool.
//
//   Owner     the engine owns models, KV caches and streams; a stream's reader must close it
//   Threads   lm_engine_*: one thread. lm_submit, lm_stream_read, lm_stream_close: any thread,
//             one reader per stream. `notify` is called on the scheduler thread and must be short;
//             it may read its stream, but not close it.
//   Blocks    open: loads; submit, read and close: never
//   Limits    lm_config: streams at once, waiting streams; a stream holds KV for its max_length,
//             and waits in the queue while kv_max is used up
//   Errors    submit: E_AGAIN when the queue is full (the caller answers 503), E_ARG, E_LIMIT
#ifndef LM_ENGINE_H
#define LM_ENGINE_H

#include "base/err.h"
#include "base/str.h"
#include "tensor/kern.h"

typedef struct lm_model lm_model;
typedef struct lm_engine lm_engine;
typedef struct lm_stream lm_stream;

// --- Models ----------------------------------------------------------------------------------

typedef struct lm_spec {
    int block_size;  // context window, tokens
    int vocab_size;  // rows of wte, padding included
    int n_layer, n_head, n_embd;
    int64_t step;     // of training; -1 when the checkpoint has none
    double val_loss;  // NaN when it has none
    uint64_t n_params;
    kern_type type;            // what the matrices are held in
    kern_type head_type;       // the embedding, which is the head too
    uint64_t bytes_per_token;  // weights read to make one token, for the bandwidth limit
    uint64_t flops_per_token;  // of its matrix products
    bool mapped;               // from a file of panels
} lm_spec;

typedef struct lm_load {
    bool has_type;
    kern_type type;      // of the matrices in memory; without it, as the file has them
    const char *panels;  // a file that keeps the repacked weights: mapped when it is there and of
                         // these weights, else written; NULL: none
    err *note;    // out, unless NULL: why `panels` was there and not used, or could not be written:
                  // the model opens all the same. Code OK: nothing to say
    bool verify;  // read and compare all checksums of the file of weights; half a gigabyte: 0.2 s
} lm_load;

// A GPT-2 from a PyTorch checkpoint (parallelopedia's and build-nanogpt's form) or a Hugging Face
// folder (tensor/weights.h); f32, f16, bf16. Every tensor's name and shape is checked: the message
// names the first that is missing or wrong. `how` may be NULL.
NODISCARD status lm_model_open(lm_model **out, const char *path, const lm_load *how, err *e);
void lm_model_close(lm_model *m);  // accepts NULL; no stream may use it any more
const lm_spec *lm_model_spec(const lm_model *m);

// --- Engine ----------------------------------------------------------------------------------

typedef struct lm_config {
    int n_threads;    // compute threads, scheduler included; 0 is one per core
    int streams_max;  // live at once, at most LM_STREAMS_MAX; 0 is 64
    int queue_max;    // waiting beyond; 0 is 256
    size_t kv_max;    // bytes of KV cache, all streams; 0 is half of the machine's memory
} lm_config;

NODISCARD status lm_engine_open(lm_engine **out, const lm_config *c, err *e);
// Cancels everything and joins. Accepts NULL. All streams must be closed by then or soon after.
void lm_engine_close(lm_engine *g);

typedef enum lm_rng {
    LM_RNG_TORCH,    // PyTorch on the CPU, 2.7 and later, and before 2.0: same seed, same text
    LM_RNG_CUDA,     // PyTorch on a GPU: Philox4x32-10
    LM_RNG_TORCH26,  // PyTorch 2.0 to 2.6 on x86 CPUs: MKL's MCG31m1, seeded anew each step
} lm_rng;

// "torch", "cuda", "torch26". False for any other name.
bool lm_rng_named(lm_rng *out, str name);
#define LM_RNG_NAMES "torch, torch26 or cuda"

// How the next id is drawn. Steps in this order: penalties and bias on the logits, temperature,
// softmax, then top_k, top_p and min_p narrow the candidates, then the race of PyTorch's multinomial.
// A zeroed struct is not valid: start from lm_sampling_default.
typedef struct lm_sampling {
    lm_rng rng;
    uint64_t seed;
    float temperature;  // > 0; 0 is the best id always
    int top_k;          // candidates, 1 .. LM_TOP_K_MAX; 0: no limit but the vocabulary
    float top_p;        // (0, 1]: the fewest best ids whose probabilities reach it; 1 is off
    float min_p;        // [0, 1]: at least this fraction of the best one's probability; 0 is off
    float repetition;   // > 0: logits of ids in prompt or text are divided (if > 0) or multiplied
    float frequency;    // [-2, 2]: taken from a logit for each time the text has its id
    float presence;     // [-2, 2]: taken once
    const struct lm_bias *bias;  // added to logits; copied
    size_t n_bias;               // at most LM_BIAS_MAX
    int logprobs;  // -1: none; 0 .. LM_LOGPROBS_MAX: of the drawn id, and so many of the best
} lm_sampling;

typedef struct lm_bias {
    int32_t id;
    float add;  // [-100, 100]; -100 forbids
} lm_bias;

lm_sampling lm_sampling_default(void);  // torch, seed 0, temperature 1, top_k 50, no logprobs

typedef struct lm_request {
    const lm_model *model;
    const int32_t *prompt;  // copied; each in [0, 50257)
    size_t n_prompt;        // 1 .. block_size
    int max_length;         // prompt and new tokens together; clamped to block_size
    lm_sampling sampling;
    uint64_t client;            // who asks: clients take turns in the queue
    void (*notify)(void *arg);  // ids or the end are there to read; scheduler thread; may be NULL
    void *arg;                  // must stay valid until lm_stream_close has returned
} lm_request;

enum {
    LM_TOP_K_MAX = 1024,
    LM_STREAMS_MAX = 96,
    LM_MODELS_MAX = 32,
    LM_BIAS_MAX = 1024,
    LM_LOGPROBS_MAX = 20,
};

NODISCARD status lm_submit(lm_stream **out, lm_engine *g, const lm_request *r, err *e);

typedef enum lm_state {
    LM_RUNNING,  // more may come
    LM_STOPPED,  // end-of-text was drawn (it is not among the ids)
    LM_LENGTH,   // max_length or the context is reached
    LM_FAILED,   // the engine closed or ran out of memory
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

// Ends the reader's interest: generation stops within one token. `notify` is not called after
// this has returned. Accepts NULL.
void lm_stream_close(lm_stream *s);

// Live figures; any thread.
typedef struct lm_counters {
    uint64_t tokens_prompt, tokens_generated, steps, streams_total, streams_cancelled;
    int streams_live, streams_waiting;
} lm_counters;
void lm_engine_counters(lm_counters *out, const lm_engine *g);

#endif
