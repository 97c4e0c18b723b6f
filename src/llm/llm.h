// llm/llm.h -- what the routes of models from the hub share: the models, the key, compiled schemas,
// a request's way to its model, and replies in OpenAI's shape.
//
//   Owner     the two apps share one llm, which the last to close closes. A call lives in its
//             request's arena and holds its model until the reply has been sent
//   Threads   any; handlers run on workers
//   Blocks    llm_call_open: never; a model that is being loaded holds the request
//   Limits    http/limits.h (a body), app/gen_params.h, LLM_*_MAX
//   Errors    every function that replies says so; others follow lm/engine.h and chat/chat.h
//   Source    OpenAI's API reference (chat, completions, embeddings, models, errors)
#ifndef LLM_LLM_H
#define LLM_LLM_H

#include "app/app.h"
#include "app/gen_params.h"
#include "app/metrics.h"
#include "llm/models.h"

#include <stdatomic.h>

enum {
    LLM_PROMPTS_MAX = 64,        // of one request to /v1/completions
    LLM_INPUTS_MAX = 256,        // of one to /v1/embeddings
    LLM_CHAT_TOKENS = 4096,      // of an answer whose length the request leaves open
    LLM_COMPLETION_TOKENS = 16,  // of a completion's
    LLM_BODY_MAX = 24 << 20,     // a reply that is made as a whole
    LLM_SCHEMAS_MAX = 32,        // compiled ones that are kept
};

typedef struct llm_schemas llm_schemas;

typedef enum llm_count {
    LLM_COUNT_GENERATE,
    LLM_COUNT_COMPLETIONS,
    LLM_COUNT_CHATS,
    LLM_COUNT_EMBEDDINGS,
    LLM_COUNT_GUIDED,        // texts that a schema led
    LLM_COUNT_SCHEMA_HITS,   // of these, whose schema was compiled already
    LLM_COUNT_REFUSED_KEYS,  // requests without the right key
    LLM_COUNTS,
} llm_count;

typedef struct llm {
    llm_models *models;
    lm_engine *engine;
    str api_key;  // "": none is asked for
    llm_schemas *schemas;
    int refs;  // apps
    _Atomic uint64_t count[LLM_COUNTS];
} llm;

// --- Errors (errors.c) -------------------------------------------------------------------------

// {"error": {"message", "type", "param", "code"}}; `param` and `code` may be NULL. The type follows
// from the status.
void llm_error(http_req *rq, int status_code, const char *param, const char *code, const char *fmt,
               ...) PRINTF_LIKE(5, 6);
// What the server itself refuses, in the same shape.
void llm_refuse(http_req *rq, int status_code, const char *why);
// Of a status from below: 400, 404, 429 or 503 with Retry-After, 500.
void llm_error_of(http_req *rq, const llm *l, status s, const char *param, const err *e);
// True when the key is right or none is asked for; else it has replied with 401.
bool llm_may(http_req *rq, llm *l);

// --- A request's way to its model (call.c) -----------------------------------------------------

typedef struct llm_call {
    http_req *rq;
    llm *l;
    const llm_model *model;
    const json_value *body;  // NULL without one
    gen_params p;
    arena *a;  // the request's
} llm_call;

// Holds the named model ("": the first) until the request ends. False: it has replied, or the
// request waits for the model and its handler is called again; then nothing of the arena may be
// used that was allocated since `used` bytes were.
typedef void llm_complain(http_req *rq, const llm *l, status s, const err *e);
bool llm_acquire(const llm_model **out, http_req *rq, llm *l, str name, size_t used,
                 llm_complain *complain);

// Key, body, parameters of that form over the model's defaults, model. False as above.
bool llm_call_open(llm_call *c, http_req *rq, void *l, gen_form form);
// The same without parameters: for bodies that say nothing about sampling.
bool llm_call_open_plain(llm_call *c, http_req *rq, void *l);

// --- Schemas (schemas.c) -----------------------------------------------------------------------

// Compiled schemas by what they were compiled from, the least used dropped first.
llm_schemas *llm_schemas_open(void);
void llm_schemas_close(llm_schemas *s);  // accepts NULL; nothing is held any more

typedef struct llm_schema llm_schema;
const schema *llm_schema_of(const llm_schema *s);

// What `make` compiles; `key` names it wholly. E_LIMIT, E_UNSUPPORTED, E_FORMAT of schema/schema.h.
typedef status llm_schema_make(schema **out, void *arg, err *e);
NODISCARD status llm_schema_get(llm_schema **out, bool *was_there, llm_schemas *s, str key,
                                llm_schema_make *make, void *arg, err *e);
void llm_schema_release(llm_schemas *s, llm_schema *one);
// A value as bytes that no other value has, for keys.
void llm_schema_key(buf *out, const json_value *v);

// --- Guides (guide.c) --------------------------------------------------------------------------

// A guide that lets through what the schema does, ends included. It lives in `a`, as the stream's
// request does. E_LIMIT: no room.
NODISCARD status llm_guide_new(lm_guide *out, const llm_model *m, const schema *s, arena *a,
                               err *e);

// --- Prompts (prompt.c) ------------------------------------------------------------------------

typedef struct llm_prompt {
    str text;  // what was tokenised; of ids "", until somebody wants it
    const int32_t *ids;
    size_t n;
} llm_prompt;

// A conversation by the model's template. `is_led`: a schema leads the answer, so that it cannot
// begin with thoughts; `is_call`: to a call. E_UNSUPPORTED: the model has no template. Sets
// c->p.wrong.
typedef struct llm_conversation {
    const json_value *messages, *tools;
    bool generates, is_led, is_call;
} llm_conversation;
NODISCARD status llm_prompt_chat(llm_prompt *out, llm_call *c, const llm_conversation *talk,
                                 err *e);
// A text as it comes, with what the tokenizer puts before it (BOS).
NODISCARD status llm_prompt_text(llm_prompt *out, const llm_call *c, str text, err *e);
// prompt or input: a text, ids, or a list of either; `*n` at most `max`.
NODISCARD status llm_prompts_read(llm_prompt **out, size_t *n, size_t max, const llm_call *c,
                                  const json_value *v, const char *name, err *e);

// --- Replies (run.c) ------------------------------------------------------------------

// What is generated, and how it is told.
typedef struct llm_run_spec {
    bool is_chat;
    const llm_prompt *prompts;
    size_t n_prompts;
    int max_tokens;     // new ones
    bool has_calls;     // tool calls are looked for
    llm_schema *guide;  // NULL: none
} llm_run_spec;

// Submits n answers to each prompt and replies.
void llm_run_start(llm_call *c, const llm_run_spec *spec);
// What a conversation's parameters ask for. `spec->guide`, when it is set, is the caller's to
// release, also with an error.
NODISCARD status llm_chat_plan(llm_run_spec *spec, llm_call *c, err *e);

// --- Handlers ----------------------------------------------------------------------------------

void llm_generate(http_req *rq, void *l);          // generate.c
void llm_chat_completions(http_req *rq, void *l);  // chat.c
void llm_completions(http_req *rq, void *l);
void llm_embeddings(http_req *rq, void *l);  // embed.c
void llm_tokenize(http_req *rq, void *l);    // tokens.c
void llm_detokenize(http_req *rq, void *l);
void llm_apply_template(http_req *rq, void *l);

#endif
