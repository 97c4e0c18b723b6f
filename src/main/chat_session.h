// main/chat_session.h -- a conversation with one model, in this process: no server, no terminal.
//
//   Owner     a session owns its models, engine and conversation
//   Threads   one; session_cancel: any, and signal handlers
//   Blocks    open: for loading; say and again: for the answer
//   Limits    the model's context: a conversation that does not fit is refused, never cut
//   Errors    those of the registry, the template and the engine; E_LIMIT for a full context
#ifndef MAIN_CHAT_SESSION_H
#define MAIN_CHAT_SESSION_H

#include "app/gen_params.h"
#include "chat/chat.h"
#include "llm/models.h"

typedef struct session session;

typedef struct session_config {
    const char *model;  // a spec of --model
    const char *panels;
    bool quantises;
    kern_type quantise;
    int context;
    int n_threads;
    void (*progress)(str name, double loaded);  // while it loads, every 0.1 s; NULL: nobody looks
} session_config;

NODISCARD status session_open(session **out, const session_config *c, err *e);
void session_close(session *s);  // accepts NULL
const llm_model *session_model(const session *s);

// "" takes it away. From the next answer on.
NODISCARD status session_system(session *s, str text, err *e);
void session_clear(session *s);  // all but the system prompt
size_t session_n(const session *s);
// The conversation as OpenAI's array of messages, in JSON.
void session_put(json *j, const session *s);

// How to answer.
typedef struct session_how {
    lm_sampling sampling;
    int max_tokens;             // new ones; 0: up to the context
    bool has_thinking, thinks;  // enable_thinking of the template
    str effort;                 // reasoning_effort; "": not said
    chat_put *put;
    void *arg;
} session_how;

typedef struct session_turn {
    size_t n_prompt, n_cached, n_tokens;
    double first_s, seconds;  // to the first token; from there to the last
    bool is_cancelled;
    lm_state state;
} session_turn;

// Adds a message and answers it. On an error, or when nothing was said before a cancellation, the
// conversation is as before.
NODISCARD status session_say(session_turn *out, session *s, str text, const session_how *how,
                             err *e);
// Answers the last message anew. E_ARG when there is none.
NODISCARD status session_again(session_turn *out, session *s, const session_how *how, err *e);

// The answer that is being written ends here.
void session_cancel(session *s);

#endif
