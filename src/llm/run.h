// llm/run.h -- answers under way: several streams of the engine behind one reply.
//
//   Owner     a run lives in its request's arena; its streams are closed when the reply ends or the
//             client has gone
//   Threads   the loop's
//   Limits    LLM_BODY_MAX bytes of a reply that is made as a whole, and of an event
#ifndef LLM_RUN_H
#define LLM_RUN_H

#include "app/gen_text.h"
#include "base/json.h"
#include "llm/llm.h"

enum { LLM_CALLS_MAX = 64 };  // tool calls of one answer; there it ends

typedef struct llm_tool_call {
    str id, name;
    buf args;  // JSON text
} llm_tool_call;

typedef struct llm_run llm_run;

typedef struct llm_choice {
    llm_run *run;
    int index;
    const llm_prompt *prompt;
    lm_stream *stream;  // NULL: nothing to generate, or it is over
    lm_guide guide;
    gen_text text;
    chat_reply *reply;  // NULL: a completion
    lm_state state;
    int32_t ids[32];  // read from the engine, not yet taken
    size_t n_ids, at;
    size_t n_new;     // tokens of the answer
    size_t n_cached;  // of its prompt, that were not computed
    bool has_begun;
    const char *finish;  // why it is over; NULL: it is not

    // Log probabilities that are to be told: of each token n_logs rows of lm_logprob, the token's
    // own first (NaN: of the first token of a text there is none), and where its text begins.
    buf logs, offsets;
    size_t n_chars;

    // A whole answer
    buf content, reasoning;
    llm_tool_call calls[LLM_CALLS_MAX];
    size_t n_calls;
} llm_choice;

struct llm_run {
    http_waker waker;
    llm *l;
    arena *a;
    const llm_model *model;
    bool is_chat, streams, has_usage, echoes, has_parallel_calls;
    size_t n_logs;  // rows of a token; 0: none are wanted
    llm_choice *choice;
    size_t n_choices, n_prompts;
    size_t next;  // whose turn it is
    bool is_told, has_failed;
    str id;
    int64_t created;
    buf out;    // made, and sent up to
    size_t at;  // here
};

// --- How it is told (tell.c) -------------------------------------------------------------------

// What comes first of a stream: the role of each answer.
void llm_tell_begin(llm_run *r);
// A piece of an answer: an event, or kept.
void llm_tell_piece(llm_choice *c, chat_kind kind, str text);
// Log probabilities that no piece took along.
void llm_tell_logs(llm_choice *c);
void llm_tell_finish(llm_choice *c);
// All answers are over: the counts and the end of the stream, or the whole reply.
void llm_tell_end(llm_run *r);
void llm_tell_failure(llm_run *r);

#endif
