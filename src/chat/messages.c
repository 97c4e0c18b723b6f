// OpenAI's messages and tools, checked, as templates expect them: contents are strings, arguments
// of calls are objects, what is null is not there.
//
//   I1  an error names the field from the request's top: "messages[2].content[0].type: ..."

#include "chat/inside.h"

#include <stdio.h>

typedef struct walk {
    const chat *c;
    arena *a;
    err *e;
    uint32_t at;  // the message
} walk;

static status wrong(const walk *w, const char *field, const char *what) {
    return err_set(w->e, E_ARG, "messages[%u].%s: %s", w->at, field, what);
}

// --- Content -------------------------------------------------------------------------------------

static status part_text(str *out, const walk *w, uint32_t at, const json_value *part) {
    char field[64];
    str type = STR("");
    if (part->kind != JSON_OBJECT || !json_is_str(&type, json_get(part, "type"))) {
        snprintf(field, sizeof field, "content[%u].type", at);
        return wrong(w, field, "must be a string");
    }
    if (!str_eq(type, STR("text")))
        return err_set(w->e, E_ARG,
                       "messages[%u].content[%u].type: %.*s is not supported, only text", w->at, at,
                       (int)min_size(type.len, 40), type.ptr);
    if (json_is_str(out, json_get(part, "text"))) return OK;
    snprintf(field, sizeof field, "content[%u].text", at);
    return wrong(w, field, "must be a string");
}

static status parts_text(str *out, const walk *w, const json_value *parts) {
    buf b;
    str text;
    buf_init(&b, w->a, 0);
    for (uint32_t i = 0; i < parts->n; i++) {
        TRY(part_text(&text, w, i, &parts->items[i]));
        if (parts->n == 1) return *out = text, OK;
        if (i) buf_byte(&b, '\n');
        buf_add(&b, text);
    }
    *out = buf_str(&b);
    return b.failed ? err_set(w->e, E_LIMIT, "the request does not fit") : OK;
}

static status content_text(str *out, const walk *w, const json_value *v, bool may_lack) {
    *out = STR("");
    if (json_is_str(out, v)) return OK;
    if (v && v->kind == JSON_ARRAY) return parts_text(out, w, v);
    if ((!v || v->kind == JSON_NULL) && may_lack) return OK;
    return wrong(w, "content",
                 v && v->kind != JSON_NULL ? "must be a string or an array of parts"
                                           : "is missing");
}

// --- Calls ---------------------------------------------------------------------------------------

static status call_wrong(const walk *w, uint32_t at, const char *field, const char *what) {
    return err_set(w->e, E_ARG, "messages[%u].tool_calls[%u].%s: %s", w->at, at, field, what);
}

static status arguments_of(json_value *out, const walk *w, uint32_t at, const json_value *v) {
    str text;
    const json_value *read = v;
    err why = {0};
    if (!v || v->kind == JSON_NULL || (json_is_str(&text, v) && !str_trim(text).len)) {
        *out = chat__object(STR("arguments"), NULL, 0);
        return OK;
    }
    if (json_is_str(&text, v) && json_read(&read, text, w->a, &why))
        return call_wrong(w, at, "function.arguments", why.msg);
    if (read->kind != JSON_OBJECT)
        return call_wrong(w, at, "function.arguments", "must be a JSON object");
    *out = *read;
    out->key = STR("arguments");
    return OK;
}

// A copy of an object's members but for one; room for it at the end.
static json_value *without(arena *a, const json_value *v, const char *key, uint32_t *n) {
    json_value *items = arena_try_array(a, (size_t)v->n + 1, sizeof *items);
    *n = 0;
    for (uint32_t i = 0; items && i < v->n; i++)
        if (!str_eq(v->items[i].key, str_of(key))) items[(*n)++] = v->items[i];
    return items;
}

static status call_of(json_value *out, const walk *w, uint32_t at, const json_value *v) {
    str type = STR("function"), name;
    const json_value *function = json_get(v, "function"), *given = json_get(v, "type");
    if (v->kind != JSON_OBJECT || (given && !json_is_str(&type, given)) ||
        !str_eq(type, STR("function")))
        return call_wrong(w, at, "type", "must be \"function\"");
    if (!json_is_str(&name, json_get(function, "name")) || !name.len)
        return call_wrong(w, at, "function.name", "must be a string");
    uint32_t n, n_inner;
    json_value *items = without(w->a, v, "function", &n);
    json_value *inner = without(w->a, function, "arguments", &n_inner);
    if (!items || !inner) return err_set(w->e, E_LIMIT, "the request does not fit");
    TRY(arguments_of(&inner[n_inner], w, at, json_get(function, "arguments")));
    items[n] = chat__object(STR("function"), inner, n_inner + 1);
    *out = chat__object(STR(""), items, n + 1);
    return OK;
}

static status calls_of(json_value *out, const walk *w, const json_value *v) {
    if (v->kind != JSON_ARRAY) return wrong(w, "tool_calls", "must be an array");
    json_value *items = arena_try_array(w->a, v->n, sizeof *items);
    if (!items) return err_set(w->e, E_LIMIT, "the request does not fit");
    for (uint32_t i = 0; i < v->n; i++)
        TRY(call_of(&items[i], w, i, &v->items[i]));
    *out = chat__array(STR("tool_calls"), items, v->n);
    return OK;
}

// --- Messages ------------------------------------------------------------------------------------

static status role_of(str *out, const walk *w, const json_value *m) {
    static const char *const roles[] = {"system", "developer", "user", "assistant", "tool"};
    if (m->kind != JSON_OBJECT)
        return err_set(w->e, E_ARG, "messages[%u]: must be an object", w->at);
    if (!json_is_str(out, json_get(m, "role"))) return wrong(w, "role", "must be a string");
    for (size_t i = 0; i < countof(roles); i++)
        if (str_eq(*out, str_of(roles[i]))) return OK;
    return err_set(w->e, E_ARG,
                   "messages[%u].role: \"%.*s\" is not one of system, developer, user, assistant, "
                   "tool",
                   w->at, (int)min_size(out->len, 40), out->ptr);
}

// Members that go on as they are; null ones do not.
static status other_members(json_value *items, uint32_t *n, const walk *w, const json_value *m) {
    static const char *const texts[] = {"name", "tool_call_id", "reasoning_content"};
    str s;
    for (uint32_t i = 0; i < m->n; i++) {
        const json_value *v = &m->items[i];
        if (v->kind == JSON_NULL || str_eq(v->key, STR("role")) || str_eq(v->key, STR("content")) ||
            str_eq(v->key, STR("tool_calls")))
            continue;
        if (str_eq(v->key, STR("function_call")))
            return wrong(w, "function_call", "is not supported, use tool_calls");
        for (size_t k = 0; k < countof(texts); k++)
            if (str_eq(v->key, str_of(texts[k])) && !json_is_str(&s, v))
                return wrong(w, texts[k], "must be a string");
        items[(*n)++] = *v;
    }
    return OK;
}

// gpt-oss' template has the thought that led to a call under a name of its own.
static void add_thinking(json_value *items, uint32_t *n, const walk *w, const json_value *m,
                         bool has_calls, str content) {
    str thought;
    bool wants = w->c->form == CHAT_HARMONY && has_calls && !content.len;
    if (wants && json_is_str(&thought, json_get(m, "reasoning_content")) && thought.len &&
        !json_get(m, "thinking"))
        items[(*n)++] = chat__str(STR("thinking"), thought);
}

static status message_of(json_value *out, const walk *w, const json_value *m) {
    str role = STR(""), content;
    TRY(role_of(&role, w, m));
    const json_value *calls = json_get(m, "tool_calls");
    bool is_assistant = str_eq(role, STR("assistant"));
    bool has_calls = calls && calls->kind != JSON_NULL && (calls->kind != JSON_ARRAY || calls->n);
    const json_value *given = json_get(m, "content");
    TRY(content_text(&content, w, given, is_assistant && (has_calls || given)));
    if (has_calls && !is_assistant) return wrong(w, "tool_calls", "only an assistant makes calls");
    if (str_eq(role, STR("developer")) && !w->c->knows_developer) role = STR("system");
    json_value *items = arena_try_array(w->a, (size_t)m->n + 4, sizeof *items);
    if (!items) return err_set(w->e, E_LIMIT, "the request does not fit");
    uint32_t n = 0;
    items[n++] = chat__str(STR("role"), role);
    items[n++] = chat__str(STR("content"), content);
    if (has_calls) TRY(calls_of(&items[n++], w, calls));
    TRY(other_members(items, &n, w, m));
    add_thinking(items, &n, w, m, has_calls, content);
    *out = chat__object(STR(""), items, n);
    return OK;
}

status chat__messages(json_value *out, const chat *c, const json_value *messages, arena *a,
                      err *e) {
    if (!messages || messages->kind != JSON_ARRAY || !messages->n)
        return err_set(e, E_ARG, "messages: must be an array of at least one message");
    if (messages->n > CHAT_MESSAGES_MAX)
        return err_set(e, E_LIMIT, "messages: %u, over %d", messages->n, CHAT_MESSAGES_MAX);
    json_value *items = arena_try_array(a, messages->n, sizeof *items);
    if (!items) return err_set(e, E_LIMIT, "the request does not fit");
    walk w = {.c = c, .a = a, .e = e};
    for (; w.at < messages->n; w.at++)
        TRY(message_of(&items[w.at], &w, &messages->items[w.at]));
    *out = chat__array(STR("messages"), items, messages->n);
    return OK;
}

// --- Tools ---------------------------------------------------------------------------------------

str chat__tool_name(const json_value *tool) {
    str name = STR("");
    json_is_str(&name, json_get(json_get(tool, "function"), "name"));
    return name;
}

static status check_tool(const json_value *t, uint32_t at, err *e) {
    str type;
    const json_value *parameters = json_get(json_get(t, "function"), "parameters");
    if (!json_is_str(&type, json_get(t, "type")) || !str_eq(type, STR("function")))
        return err_set(e, E_ARG, "tools[%u].type: must be \"function\"", at);
    if (!chat__tool_name(t).len)
        return err_set(e, E_ARG, "tools[%u].function.name: must be a string", at);
    if (parameters && parameters->kind != JSON_OBJECT && parameters->kind != JSON_NULL)
        return err_set(e, E_ARG, "tools[%u].function.parameters: must be an object", at);
    return OK;
}

status chat__tools(json_value *out, const json_value *tools, err *e) {
    *out = (json_value){.kind = JSON_NULL, .key = STR("tools")};
    if (!tools || tools->kind == JSON_NULL) return OK;
    if (tools->kind != JSON_ARRAY) return err_set(e, E_ARG, "tools: must be an array");
    if (tools->n > CHAT_TOOLS_MAX)
        return err_set(e, E_LIMIT, "tools: %u, over %d", tools->n, CHAT_TOOLS_MAX);
    for (uint32_t i = 0; i < tools->n; i++)
        TRY(check_tool(&tools->items[i], i, e));
    if (tools->n) *out = chat__array(STR("tools"), tools->items, tools->n);
    return OK;
}
