// A model's template and its special tokens; a request to a prompt.
//
// Which form the answers have is read from the template's text: what it writes for earlier calls is
// what the model was taught.

#include "chat/inside.h"

#include <stdlib.h>

enum { RENDER_ROOM = JINJA_MEMORY_MAX + (16 << 20), RENDER_LEAST = 1 << 22 };

// --- Values --------------------------------------------------------------------------------------

static int by_key(const void *a, const void *b, void *items) {
    const json_value *v = items;
    return str_cmp(v[*(const uint32_t *)a].key, v[*(const uint32_t *)b].key);
}

json_value chat__object(str key, const json_value *items, uint32_t n) {
    return (json_value){.kind = JSON_OBJECT, .key = key, .items = items, .n = n};
}

json_value chat__array(str key, const json_value *items, uint32_t n) {
    return (json_value){.kind = JSON_ARRAY, .key = key, .items = items, .n = n};
}
json_value chat__str(str key, str s) {
    return (json_value){.kind = JSON_STRING, .key = key, .string = s};
}
json_value chat__bool(str key, bool b) {
    return (json_value){.kind = JSON_BOOL, .key = key, .boolean = b};
}

// --- Opening -------------------------------------------------------------------------------------

static bool has(str text, const char *what) {
    str needle = str_of(what);
    return str_find(text, needle) + needle.len <= text.len;
}

static chat_form form_of(str text) {
    static const struct {
        const char *sign;
        chat_form form;
    } signs[] = {
        {"<|channel|>", CHAT_HARMONY},
        {"<tool_call>", CHAT_HERMES},
        {"[ARGS]", CHAT_PLAIN},  // a later form of Mistral's
        {"[TOOL_CALLS]", CHAT_MISTRAL},
        {"<|python_tag|>", CHAT_LLAMA3},
        {"Environment: ipython", CHAT_LLAMA3},
    };
    for (size_t i = 0; i < countof(signs); i++)
        if (has(text, signs[i].sign)) return signs[i].form;
    return CHAT_PLAIN;
}

// A special token in the config: its spelling, or an object with it.
static bool token_text(str *out, const json_value *v) {
    return json_is_str(out, v) || json_is_str(out, json_get(v, "content"));
}

static void read_tokens(chat *c, const json_value *config, const chat_files *f) {
    static const char *const names[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                        "pad_token", "cls_token", "mask_token"};
    json_value *items = arena_array(&c->mem, json_value, countof(names));
    for (size_t i = 0; i < countof(names); i++) {
        str text = i == 0 ? f->bos : i == 1 ? f->eos : STR("");
        if (!token_text(&text, json_get(config, names[i])) && !text.len) continue;
        items[c->n_tokens++] = chat__str(str_of(names[i]), arena_str(&c->mem, text));
    }
    c->tokens = items;
}

// The template of a name in a list of {"name": ..., "template": ...}.
static bool named_template(str *out, const json_value *list, const char *name) {
    str is;
    for (uint32_t i = 0; list && list->kind == JSON_ARRAY && i < list->n; i++)
        if (json_is_str(&is, json_get(&list->items[i], "name")) && str_eq(is, str_of(name)))
            return json_is_str(out, json_get(&list->items[i], "template"));
    return false;
}

static status open_templates(chat *c, const json_value *config, const chat_files *f, err *e) {
    const json_value *own = json_get(config, "chat_template");
    str text = f->chat_template, with_tools = STR("");
    if (!text.len && !json_is_str(&text, own)) {
        named_template(&with_tools, own, "tool_use");
        if (!named_template(&text, own, "default"))
            return err_set(e, E_NOT_FOUND,
                           own ? "no chat template is named \"default\""
                               : "the model has no chat template");
    }
    TRY(jinja_open(&c->main, text, e));
    if (with_tools.len) TRY(jinja_open(&c->with_tools, with_tools, e));
    str shown = with_tools.len ? with_tools : text;
    c->form = form_of(shown);
    c->knows_thoughts = has(text, "<think>") || has(text, "</think>");
    c->knows_developer = has(text, "developer");
    return OK;
}

status chat_open(chat **out, const chat_files *f, err *e) {
    arena scratch = {0}, mem = {0};
    const json_value *config = NULL;
    size_t tokens = f->config.len + f->bos.len + f->eos.len;
    TRY(arena_open(&mem, tokens + 8192, e));
    chat *c = arena_new(&mem, chat);
    c->mem = mem;
    status code = arena_open(&scratch, json_read_arena(f->config.len) + 4096, e);
    if (!code && f->config.len) code = json_read(&config, f->config, &scratch, e);
    if (code && e && f->config.len) err_in(e, "tokenizer_config.json");
    if (!code) {
        read_tokens(c, config, f);
        code = open_templates(c, config, f, e);
        if (code && e) err_in(e, "chat template");
    }
    arena_close(&scratch);
    if (code)
        chat_close(c);
    else
        *out = c;
    return code;
}

void chat_close(chat *c) {
    if (!c) return;
    jinja_close(c->main);
    jinja_close(c->with_tools);
    arena mem = c->mem;
    arena_close(&mem);
}

chat_form chat_form_of(const chat *c) {
    return c->form;
}

// --- Rendering -----------------------------------------------------------------------------------

typedef struct fields {
    json_value *items;
    uint32_t n;
} fields;

static bool is_set(const fields *v, str key) {
    for (uint32_t i = 0; i < v->n; i++)
        if (str_eq(v->items[i].key, key)) return true;
    return false;
}

static status add_extra(fields *v, const json_value *extra, err *e) {
    if (!extra || extra->kind == JSON_NULL) return OK;
    if (extra->kind != JSON_OBJECT)
        return err_set(e, E_ARG, "chat_template_kwargs: must be an object");
    for (uint32_t i = 0; i < extra->n; i++) {
        if (is_set(v, extra->items[i].key))
            return err_set(e, E_ARG, "chat_template_kwargs.%.*s: the request itself sets it",
                           STR_ARG(extra->items[i].key));
        v->items[v->n++] = extra->items[i];
    }
    return OK;
}

static status variables(json_value *out, bool *has_tools, const chat *c, const chat_request *r,
                        arena *a, err *e) {
    uint32_t n_extra = r->extra && r->extra->kind == JSON_OBJECT ? r->extra->n : 0;
    fields v = {.items = arena_try_array(a, 4 + (size_t)n_extra + c->n_tokens, sizeof(json_value))};
    if (!v.items) return err_set(e, E_LIMIT, "the request does not fit");
    TRY(chat__messages(&v.items[0], c, r->messages, a, e));
    TRY(chat__tools(&v.items[1], r->tools, e));
    v.items[2] = (json_value){.kind = JSON_NULL, .key = STR("documents")};
    v.items[3] = chat__bool(STR("add_generation_prompt"), r->add_generation_prompt);
    v.n = 4;
    *has_tools = v.items[1].kind == JSON_ARRAY;
    TRY(add_extra(&v, r->extra, e));
    for (uint32_t i = 0; i < c->n_tokens; i++)
        if (!is_set(&v, c->tokens[i].key)) v.items[v.n++] = c->tokens[i];
    uint32_t *order = arena_try_array(a, v.n, sizeof *order);
    if (!order) return err_set(e, E_LIMIT, "the request does not fit");
    for (uint32_t i = 0; i < v.n; i++)
        order[i] = i;
    qsort_r(order, v.n, sizeof *order, by_key, v.items);
    *out = chat__object(STR(""), v.items, v.n);
    out->by_key = order;
    return OK;
}

status chat_render(str *prompt, const chat *c, const chat_request *r, arena *a, err *e) {
    json_value vars;
    bool has_tools = false;
    arena scratch = {0};
    buf out;
    TRY(variables(&vars, &has_tools, c, r, a, e));
    TRY(arena_open_most(&scratch, RENDER_ROOM, RENDER_LEAST, e));
    const jinja *j = has_tools && c->with_tools ? c->with_tools : c->main;
    buf_init(&out, a, 4096);
    status code = jinja_render(&out, j, &vars, r->now, scratch, e);
    arena_close(&scratch);
    if (!code) *prompt = buf_str(&out);
    return code;
}
