// app/gpt2_params.h -- what a generation may be told: one table for a query, a JSON body and the
// command line.
//
// A value means the same wherever it stands. What old URLs may say is what they always might:
// there, top_k can only be lowered from 50.
//
//   Owner     strings are views into what was parsed, or in the arena
//   Threads   pure; any
//   Limits    the bounds in the table; STOP_STRINGS_MAX, LM_BIAS_MAX
//   Errors    E_ARG naming the parameter, its range and the value
#ifndef APP_GPT2_PARAMS_H
#define APP_GPT2_PARAMS_H

#include "base/arena.h"
#include "base/json_read.h"
#include "lm/engine.h"
#include "text/stop.h"

typedef struct gpt2_params {
    str prompt, model, device;  // "" when not given
    int64_t max_length;         // tokens in all, the prompt's included; any number
    lm_sampling sampling;       // .bias is `bias`
    bool has_seed;
    str stop[STOP_STRINGS_MAX];
    size_t n_stop;
    lm_bias *bias;  // in the arena
    size_t n_bias;
} gpt2_params;

typedef enum gpt2_kind {
    GPT2_INT,
    GPT2_LENGTH,  // int64_t
    GPT2_REAL,    // float
    GPT2_SEED,
    GPT2_RNG,
    GPT2_TEXT,
    GPT2_STOP,  // repeatable
    GPT2_BIAS,
} gpt2_kind;

typedef enum gpt2_form { GPT2_QUERY = 1, GPT2_BODY = 2, GPT2_CLI = 4 } gpt2_form;

typedef struct gpt2_param {
    const char *name;
    gpt2_kind kind;
    unsigned forms;    // where this row holds; a name may have several rows
    size_t at;         // offsetof in gpt2_params
    double min, max;   // both allowed, but for:
    bool above;        // min itself is not
    bool or_zero;      // 0 is, too
    bool lowers;       // a number over max becomes max
    const char *dflt;  // for people
    const char *about;
} gpt2_param;

extern const gpt2_param gpt2_param_rows[];
extern const size_t gpt2_n_param_rows;

void gpt2_params_default(gpt2_params *p);

// NULL: no parameter of that name and form.
const gpt2_param *gpt2_param_find(str name, gpt2_form form);
// Sets one from its text. An empty text leaves the default.
NODISCARD status gpt2_param_text(gpt2_params *p, const gpt2_param *row, str text, arena *a, err *e);
// All of a JSON object; null leaves a default. A field that is no parameter is E_ARG.
NODISCARD status gpt2_params_json(gpt2_params *p, const json_value *object, arena *a, err *e);
// The range in words, "a number above 0 and up to 1", into `out`.
void gpt2_param_range(buf *out, const gpt2_param *row);

#endif
