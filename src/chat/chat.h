// chat/chat.h -- conversations: messages to a prompt by the model's own template, and its answer
// back to content, reasoning and tool calls.
//
//   Owner     a chat is immutable; prompts are in the caller's arena
//   Threads   any; a chat_reply: one
//   Limits    those of jinja/jinja.h; CHAT_*_MAX
//   Errors    open: E_NOT_FOUND (no template), E_FORMAT, E_UNSUPPORTED. render: E_ARG with the
//             template's message or the field of the request that is wrong
//   Source    transformers' apply_chat_template; OpenAI's chat completions; Hermes 2 Pro and Qwen
//             (<tool_call>), Llama 3.1 (JSON functions), Mistral 7B 0.3 and Nemo, harmony (gpt-oss)
#ifndef CHAT_CHAT_H
#define CHAT_CHAT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/json_read.h"
#include "schema/schema.h"

enum {
    CHAT_MESSAGES_MAX = 1 << 14,
    CHAT_TOOLS_MAX = 1 << 10,
    CHAT_CALL_MAX = 1 << 20,  // bytes of one call in an answer; a longer one is content
};

typedef struct chat chat;

// How a model writes calls and thoughts; found from its template.
typedef enum chat_form {
    CHAT_PLAIN,    // no tools; <think> ... </think> where the template knows it
    CHAT_HERMES,   // <tool_call>{"name": ..., "arguments": {...}}</tool_call>
    CHAT_LLAMA3,   // {"name": ..., "parameters": {...}}
    CHAT_MISTRAL,  // [TOOL_CALLS] [{"name": ..., "arguments": {...}}, ...]
    CHAT_HARMONY,  // <|channel|>analysis<|message|> ...; commentary to=functions.NAME
} chat_form;

// Texts of the files; "" where absent. `config` is tokenizer_config.json, `chat_template` the
// .jinja file, which goes before the config's own. bos and eos: the spellings, where the config has
// none (GGUF).
typedef struct chat_files {
    str config, chat_template, bos, eos;
} chat_files;
NODISCARD status chat_open(chat **out, const chat_files *f, err *e);
void chat_close(chat *c);  // accepts NULL
chat_form chat_form_of(const chat *c);

// What a request says. `messages` is OpenAI's array; contents in parts become text, parts separated
// by newlines. The arguments of calls may be JSON strings, as OpenAI has them; templates get
// objects. A developer is a system to a template that does not know the role. `tools` may be NULL.
// `extra` are chat_template_kwargs, or NULL. E_ARG names the field: "messages[2].content[0].type:".
typedef struct chat_request {
    const json_value *messages, *tools, *extra;
    bool add_generation_prompt;
    int64_t now;
} chat_request;
NODISCARD status chat_render(str *prompt, const chat *c, const chat_request *r, arena *a, err *e);

// --- The answer --------------------------------------------------------------------------------

typedef enum chat_kind {
    CHAT_CONTENT,
    CHAT_REASONING,
    CHAT_CALL,  // a call begins: text is the function's name
    CHAT_ARGS,  // more of the last call's arguments, as JSON text
} chat_kind;

typedef struct chat_reply chat_reply;

// `prompt` tells whether the answer begins inside a thought (templates that end with "<think>").
// has_tools: calls are looked for.
chat_reply *chat_reply_new(arena *a, const chat *c, str prompt, bool has_tools);
// An id for a call, as the form's templates want them: with Mistral's nine letters and digits.
enum { CHAT_ID_MAX = 24 };
str chat_call_id(char room[CHAT_ID_MAX], const chat *c, uint64_t random);

// Text as it comes, special tokens spelt out. `put` is called for each piece that is certain; what
// may be the beginning of a marker is held back. Markers never come out.
typedef void chat_put(void *arg, chat_kind kind, str text);
void chat_reply_add(chat_reply *r, str text, chat_put *put, void *arg);
void chat_reply_end(chat_reply *r, chat_put *put, void *arg);
size_t chat_reply_calls(const chat_reply *r);

// What the answer must look like for tool_choice "required" or a named function: tools is OpenAI's
// array, `name` "" for any of them. The answer is one call and nothing else: where the prompt opens
// a thought, give chat_reply_new an empty one. E_UNSUPPORTED: parameters that no automaton
// expresses, a form without calls. E_ARG: no tool of that name.
NODISCARD status chat_calls_schema(schema **out, const chat *c, const json_value *tools, str name,
                                   arena scratch, err *e);

#endif
