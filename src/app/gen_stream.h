// app/gen_stream.h -- a generation as a reply: what the routes that answer in the original's form
// share, and what all routes that generate ask of a request.
//
//   Owner     a generation lives in its request's arena; the server's stop() ends it before that
//             dies. Model, engine and tokenizer outlive the reply
//   Threads   as http/http.h says of handlers
//   Limits    GEN_N_MAX, those of gen_params.h and lm/engine.h
//   Errors    gen_open: E_ARG, E_LIMIT (it can never run), E_QUOTA, E_AGAIN and the rest, of which
//             gen_refuse makes replies
#ifndef APP_GEN_STREAM_H
#define APP_GEN_STREAM_H

#include "app/gen_params.h"
#include "app/gen_text.h"
#include "http/http.h"

// --- Requests --------------------------------------------------------------------------------

// Reads the query and a JSON body into `p`, which holds the defaults. The prompt is the rest of the
// path, a POST's body that is no JSON, or the parameter; E_ARG without one. Sets a random seed
// where there is none.
NODISCARD status gen_read(gen_params *p, http_req *rq, gen_form query, gen_form body, err *e);
// The tree of the request's body, in its arena, of which there is room left for the reply.
NODISCARD status gen_read_json(const json_value **out, http_req *rq, err *e);

// Who asks, for the engine's queue: an address, whatever its port.
uint64_t gen_client_of(const http_req *rq);
bool gen_wants_events(http_req *rq);

// 400: it can never run; 429: this client has its share; 503: nobody gets a place now. Adds
// Retry-After to the last two.
int gen_code_of(http_req *rq, const lm_engine *g, status s);
// The original's page with that code.
void gen_refuse(http_req *rq, const lm_engine *g, status s, const err *e);

// --- Streams ---------------------------------------------------------------------------------

typedef struct gen_job {
    lm_engine *engine;
    const lm_model *model;
    str prompt;  // comes back first
    const int32_t *ids;
    size_t n_ids;
    const gen_params *p;
    gen_text text;  // as gen_text_init left it
} gen_job;

typedef struct generation generation;

// Submits it. With as many ids as max_length, or to a HEAD, only the prompt comes back.
NODISCARD status gen_open(generation **out, http_req *rq, const gen_job *job, err *e);
// X-Max-Length, X-Top-K, X-Seed: what is so, of what the request said.
void gen_add_headers(http_req *rq, const gen_params *p);
// Text, or for "Accept: text/event-stream" events. The last thing that is done with a request.
void gen_reply(http_req *rq, generation *g);

#endif
