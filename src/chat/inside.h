// chat/inside.h -- what the files of this room share.
#ifndef CHAT_INSIDE_H
#define CHAT_INSIDE_H

#include "chat/chat.h"
#include "jinja/jinja.h"

struct chat {
    arena mem;
    jinja *main, *with_tools;  // with_tools: a template for requests with tools, or NULL
    const json_value *tokens;  // "bos_token": "<s>", ...
    uint32_t n_tokens;
    chat_form form;
    bool knows_thoughts;   // <think>
    bool knows_developer;  // the role
};

// Values made here. An object's members have no order of keys: it can be gone through, not asked.
json_value chat__object(str key, const json_value *items, uint32_t n);
json_value chat__array(str key, const json_value *items, uint32_t n);
json_value chat__str(str key, str s);
json_value chat__bool(str key, bool b);

// The request's fields as a template gets them.
status chat__messages(json_value *out, const chat *c, const json_value *messages, arena *a, err *e);
status chat__tools(json_value *out, const json_value *tools, err *e);
// function.name of a checked tool.
str chat__tool_name(const json_value *tool);

// A call as JSON: {"name": ..., "arguments" or "parameters": {...}}. The arguments are the text's
// own bytes, or what a string there says, or "" where there are none. False: it is no call.
bool chat__call(str *name, str *arguments, str text, arena *a);
// The end of the JSON object or array that `text` begins with; 0: there is none yet.
size_t chat__object_end(str text);

#endif
