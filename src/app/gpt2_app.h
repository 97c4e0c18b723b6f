// app/gpt2_app.h -- what the files of the GPT-2 app share: its models. The commands generate and
// bench open theirs here, too.
//
//   Owner     gpt2 owns models and tokenizers
//   Threads   gpt2 is immutable once open; handlers: as http/http.h says
//   Limits    LM_MODELS_MAX models; GEN_TOKEN_MAX bytes in a token
#ifndef APP_GPT2_APP_H
#define APP_GPT2_APP_H

#include "app/app.h"
#include "app/gen_params.h"
#include "app/gen_text.h"
#include "app/metrics.h"

// --- Models ----------------------------------------------------------------------------------

typedef struct gpt2_model {
    str name;
    lm_model *model;
    const tokenizer *tokens;  // its own tokenizer, or the built-in one
    tokenizer *own;           // that, to be closed; NULL: built-in
    size_t token_max;         // bytes of the longest token
    double load_s;
} gpt2_model;

// What "[NAME=]PATH[,TYPE]" says.
typedef struct gpt2_spec {
    str name;  // "" when it has none
    const char *path;
    bool has_type;
    kern_type type;
} gpt2_spec;

// E_ARG for an unknown type, where a ",TYPE" without '/' or '.' stands at the end.
NODISCARD status gpt2_spec_parse(gpt2_spec *out, str text, arena *a, err *e);

// A checkpoint or a Hugging Face folder, with its tokenizer. `panels` is a folder for repacked
// weights, or NULL. The name is left alone.
NODISCARD status gpt2_model_open(gpt2_model *m, const gpt2_spec *spec, const char *panels, err *e);
void gpt2_model_close(gpt2_model *m);  // accepts a zeroed one

// "7.4 M parameters, 4 layers, context 256, int8, 7.9 MB, tokenizer built in", into `out`.
void gpt2_model_say(buf *out, const gpt2_model *m);

// Ids of a prompt. E_LIMIT when they are more than the context: its message is for the client, and
// a text that cannot fit is refused before it is cut.
NODISCARD status gpt2_encode(int32_t **ids, size_t *n, const gpt2_model *m, str text, arena *a,
                             err *e);

// --- The app ---------------------------------------------------------------------------------

typedef struct gpt2 {
    lm_engine *engine;  // the apps' one
    app_shared *shared;
    gpt2_model model[LM_MODELS_MAX];
    size_t n_models;
    arena names;
} gpt2;

#endif
