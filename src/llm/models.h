// llm/models.h -- the models that the operator named: loaded on first use, dropped when others need
// the room.
//
//   Owner     llm_models owns all of it; a request holds a model from llm_models_get to
//             llm_models_release, and a held model is never dropped. It must have closed its
//             streams of it by then
//   Threads   any; loading has a thread of its own, one at a time
//   Blocks    open: looks at folders; close: for the load that runs, which ends; all else: never.
//             Who must wait for a model is called back
//   Limits    LLM_MODELS_MAX names; `budget` bytes of weights; a model over it is refused. A load
//             that finds no room because all others are held waits for LLM_ROOM_S seconds. Who was
//             called back has LLM_OWED_S to ask before the model may go again
//   Errors    get: E_NOT_FOUND (no such name: the message lists those there are), E_AGAIN (it is
//             being loaded), E_LIMIT (over the budget), E_MEMORY (no room now), or what loading
//             said, with paths of this machine left out. A failed load is tried again when its
//             files have changed, or after LLM_RETRY_S; one that found no room after a second
#ifndef LLM_MODELS_H
#define LLM_MODELS_H

#include "app/metrics.h"
#include "base/json.h"
#include "chat/chat.h"
#include "lm/engine.h"
#include "text/tokenizer.h"

enum {
    LLM_MODELS_MAX = 32,
    LLM_NAME_MAX = 96,
    LLM_WHY_MAX = 300,
    LLM_RETRY_S = 30,
    LLM_ROOM_S = 60,
    LLM_OWED_S = 2,
};

typedef enum llm_state {
    LLM_COLD,
    LLM_WAITING,  // for its turn to load, or for room
    LLM_LOADING,
    LLM_READY,
    LLM_BROKEN,
    LLM_STATES,
} llm_state;

const char *llm_state_name(llm_state s);  // "cold", "waiting", "loading", "ready", "broken"

// A loaded model, immutable while held.
typedef struct llm_model {
    str name;  // what requests call it
    str id;    // X-Model-ID: the hub's name where it is known, else the name
    const lm_model *model;
    const tokenizer *tokens;
    const chat *chat;  // NULL: it has no template, or one that cannot be used
    str chat_why;      // why it cannot be used; "": it has none
    const schema_vocab *vocab;
    lm_sampling sampling;  // generation_config.json's; what it does not say is off (temperature 1)
    uint64_t fingerprint;  // of weights, types, context, kernels, program: system_fingerprint
} llm_model;

typedef struct llm_models llm_models;

// A spec is NAME=PATH or PATH, and ",TYPE" (f32, bf16, f16, int8, int4) if wanted. PATH is a
// Hugging Face folder, a folder of the hub's cache (models--ORG--NAME), or a GGUF file; without a
// NAME it is called as these are. A folder that is none of these stands for all models that lie in
// it, each by its own name.
typedef struct llm_models_config {
    const char **specs;
    size_t n_specs;
    bool quantises;
    kern_type quantise;  // --quantize: models in f32, bf16 or f16 whose spec says no type
    int context;         // --context: tokens, or as many as a model can have; 0: its own
    size_t budget;       // bytes of weights; 0: two thirds of the machine's memory
    const char *panels;  // folder of repacked weights; NULL: none
    lm_engine *engine;
    int64_t room_ns, retry_ns, owed_ns;  // 0: LLM_ROOM_S and so on
} llm_models_config;

// E_ARG names the spec that is wrong. A path that is not there is not: its model is broken.
NODISCARD status llm_models_open(llm_models **out, const llm_models_config *c, err *e);
// Nobody holds a model or waits for one any more.
void llm_models_close(llm_models *m);  // accepts NULL

// By its name, the hub's name, or the aliases that the original had ("20b"), in any case; "" is the
// first model that was named. With E_AGAIN, `ready(arg)` is called once, when to ask again: from
// any thread, under a lock, so it must be short and call nothing of this header. NULL: nobody
// wants to be told.
NODISCARD status llm_models_get(const llm_model **out, llm_models *m, str name,
                                void (*ready)(void *arg), void *arg, err *e);
// Who waits does so no longer: after this has returned, no `ready` is called with `arg`.
void llm_models_leave(llm_models *m, void *arg);
void llm_models_release(llm_models *m, const llm_model *model);

typedef struct llm_row {
    str name, id;  // live as long as llm_models
    llm_state state;
    size_t bytes;    // of weights; 0 before it was looked at
    double loaded;   // of the file, 0..1, while it loads
    double seconds;  // that loading took; 0: never
    int holders;
    int context;            // tokens; 0: not in memory
    int64_t created;        // the file's time, seconds since 1970; 0: it is not there
    char why[LLM_WHY_MAX];  // broken
} llm_row;
size_t llm_models_rows(llm_row out[LLM_MODELS_MAX], llm_models *m);  // in the operator's order

// The original's models that no spec has, each with its alias: serve --model ALIAS=FOLDER adds it.
typedef struct llm_absent {
    str alias, id;
} llm_absent;
enum { LLM_ALIASED = 5 };
size_t llm_models_absent(llm_absent out[LLM_ALIASED], const llm_models *m);

typedef struct llm_memory {
    size_t budget, used;  // bytes of weights
    uint64_t loads, failures, drops;
} llm_memory;
void llm_models_memory(llm_memory *out, llm_models *m);

// For /stats: members "budget", "used", "models": [...] of the object that is open; for /metrics.
void llm_models_stats(json *j, llm_models *m);
void llm_models_metrics(metrics *to, llm_models *m);

#endif
