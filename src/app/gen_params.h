// app/gen_params.h -- what a generation may be told: one table for queries, JSON bodies and the
// command line, of all routes that generate.
//
// A value means the same wherever it stands. What old URLs may say is what they always might:
// there, top_k can only be lowered from 50.
//
//   Owner     strings and JSON values are views into what was parsed, or in the arena
//   Threads   pure; any
//   Limits    the bounds in the table; STOP_STRINGS_MAX, LM_BIAS_MAX
//   Errors    E_ARG naming the parameter, its range and the value; gen_params.wrong is its name
#ifndef APP_GEN_PARAMS_H
#define APP_GEN_PARAMS_H

#include "base/arena.h"
#include "base/json_read.h"
#include "lm/engine.h"
#include "text/stop.h"

enum { GEN_N_MAX = 16 };  // answers to one request

typedef struct gen_params {
    str prompt, model, device;  // "" when not given
    int64_t max_length;         // tokens in all, the prompt's included; any number
    lm_sampling sampling;       // .bias is `bias`
    bool has_seed;
    str stop[STOP_STRINGS_MAX];
    size_t n_stop;
    lm_bias *bias;  // in the arena
    size_t n_bias;

    // Of chats
    str system;
    bool chat;
    const json_value *messages, *tools, *tool_choice, *kwargs;  // NULL when not given
    bool parallel_calls, generates;
    str reasoning_effort;

    // Of OpenAI's API
    int max_tokens;  // new ones; -1: not given
    int n, best_of;  // best_of 0: not given
    int min_tokens;
    int top_logprobs;  // -1: not given
    bool has_logprobs, echo, stream, ignores_eos;
    const json_value *inputs;  // prompts of a completion, inputs of an embedding
    const json_value *format, *stream_options;
    str encoding, pooling;

    const char *wrong;  // the parameter that was refused, or NULL
    str ignored;        // names that are no parameters, "a, b"
} gen_params;

typedef enum gen_kind {
    GEN_INT,
    GEN_LENGTH,  // int64_t
    GEN_REAL,    // float
    GEN_BOOL,
    GEN_SEED,
    GEN_RNG,
    GEN_TEXT,
    GEN_STOP,  // repeatable
    GEN_BIAS,
    GEN_JSON,     // any value; whoever uses it looks into it
    GEN_REFUSED,  // known, and not to be had
} gen_kind;

// Where a parameter may stand. A name that is none is passed over in a query, refused in the bodies
// of our own routes, and told (`ignored`) in those of OpenAI's.
typedef enum gen_form {
    GEN_QUERY = 1,  // /gpt2
    GEN_BODY = 2,
    GEN_CLI = 4,
    GEN_LLM_QUERY = 8,  // /llm
    GEN_LLM_BODY = 16,
    GEN_COMPLETION = 32,  // /v1
    GEN_CHAT = 64,
    GEN_EMBEDDING = 128,
} gen_form;
enum { GEN_OPENAI = GEN_COMPLETION | GEN_CHAT | GEN_EMBEDDING };

typedef struct gen_param {
    const char *name;
    gen_kind kind;
    unsigned forms;    // where this row holds; a name may have several rows
    size_t at;         // offsetof in gen_params
    double min, max;   // both allowed, but for:
    bool above;        // min itself is not
    bool or_zero;      // 0 is, too
    bool lowers;       // a number over max becomes max
    const char *dflt;  // for people
    const char *about;
} gen_param;

extern const gen_param gen_param_rows[];
extern const size_t gen_n_param_rows;

void gen_params_default(gen_params *p);

// NULL: no parameter of that name and form.
const gen_param *gen_param_find(str name, gen_form form);
// Sets one from its text. An empty text leaves the default.
NODISCARD status gen_param_text(gen_params *p, const gen_param *row, str text, arena *a, err *e);
// All of a JSON object; null leaves a default.
NODISCARD status gen_params_json(gen_params *p, const json_value *object, gen_form form, arena *a,
                                 err *e);
// The range in words, "a number above 0 and up to 1", into `out`.
void gen_param_range(buf *out, const gen_param *row);

#endif
