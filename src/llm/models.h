// llm/models.h -- the models that the operator named: loaded on first use, dropped when others need
// the room.
//
//   Owner     llm_models owns all of it; a request holds a model from llm_models_get to
//             llm_models_release, and a held model is never dropped
//   Threads   any; loading has a thread of its own, one at a time
//   Blocks    get: never; who must wait is told to hold its request
//   Limits    LLM_MODELS_MAX names; `budget` bytes of weights; a model over it is refused
//   Errors    E_NOT_FOUND (no such name: the message lists those there are); what loading said, with
//             paths of this machine left out
#ifndef LLM_MODELS_H
#define LLM_MODELS_H

#include "chat/chat.h"
#include "lm/engine.h"
#include "text/tokenizer.h"

enum { LLM_MODELS_MAX = 32 };

typedef enum llm_state { LLM_COLD, LLM_LOADING, LLM_READY, LLM_BROKEN } llm_state;

// A loaded model, immutable while held.
typedef struct llm_model {
    str name;               // what requests call it
    str id;                 // X-Model-ID: the hub's name when it is an alias of one, else the name
    const lm_model *model;
    const tokenizer *tokens;
    const chat *chat;       // NULL: it has no template
    const schema_vocab *vocab;
    lm_sampling sampling;   // generation_config.json's defaults
    uint64_t fingerprint;   // of weights, types and kernels: system_fingerprint
} llm_model;

typedef struct llm_models llm_models;

typedef struct llm_models_config {
    const char **specs;  // "NAME=PATH[,TYPE]", or PATH
    size_t n_specs;
    bool quantises;
    kern_type quantise;  // --quantize
    size_t budget;       // bytes of weights; 0: two thirds of the machine's memory
    const char *panels;  // folder of repacked weights; NULL: none
    lm_engine *engine;
} llm_models_config;

NODISCARD status llm_models_open(llm_models **out, const llm_models_config *c, err *e);
void llm_models_close(llm_models *m);

// E_AGAIN: it is being loaded; `ready(arg)` is called once, from any thread, when to ask again.
NODISCARD status llm_models_get(const llm_model **out, llm_models *m, str name,
                                void (*ready)(void *arg), void *arg, err *e);
void llm_models_release(llm_models *m, const llm_model *model);

typedef struct llm_row {
    str name, id;
    llm_state state;
    size_t bytes;
    double loaded;   // of the file, 0..1, while it loads
    double seconds;  // that loading took
    int holders;
    int64_t created;  // the file's time, seconds since 1970
    char why[300];    // broken
} llm_row;
size_t llm_models_rows(llm_row out[LLM_MODELS_MAX], llm_models *m);

#endif
