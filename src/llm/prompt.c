// What a model reads: conversations through its template, texts and ids as they come.

#include "llm/llm.h"

#include <time.h>

// --- Conversations -------------------------------------------------------------------------------

// `kwargs` with one more variable, which goes before one of the same name.
static const json_value *with_text(const json_value *kwargs, const char *key, str text, arena *a) {
    uint32_t n = kwargs ? kwargs->n : 0, m = 0, k = 0;
    json_value *items = arena_array(a, json_value, n + 1);
    uint32_t *by_key = arena_array(a, uint32_t, n + 1);
    uint32_t *to = arena_array(a, uint32_t, n + 1);  // where an item went
    for (uint32_t i = 0; i < n; i++) {
        bool is_same = str_eq(kwargs->items[i].key, str_of(key));
        to[i] = is_same ? UINT32_MAX : m;
        if (!is_same) items[m++] = kwargs->items[i];
    }
    items[m] = (json_value){.kind = JSON_STRING, .key = str_of(key), .string = text};
    bool is_in = false;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = kwargs->by_key[i];
        bool is_after = str_cmp(kwargs->items[at].key, str_of(key)) > 0;
        if (is_after && !is_in) by_key[k++] = m, is_in = true;
        if (to[at] != UINT32_MAX) by_key[k++] = to[at];
    }
    if (!is_in) by_key[k] = m;
    json_value *object = arena_new(a, json_value);
    *object = (json_value){.kind = JSON_OBJECT, .items = items, .by_key = by_key, .n = m + 1};
    return object;
}

static str joined(arena *a, str x, str y) {
    buf out;
    buf_init(&out, a, x.len + y.len);
    buf_add(&out, x);
    buf_add(&out, y);
    return buf_str(&out);
}

// An answer that a schema leads has no thoughts: where the template opens one it is closed, and
// where the answer would begin with the name of a channel it has begun.
static str without_thoughts(const llm_call *c, const llm_conversation *talk, str prompt) {
    str end = prompt;
    while (end.len && (end.ptr[end.len - 1] == '\n' || end.ptr[end.len - 1] == ' '))
        end.len--;
    if (chat_form_of(c->model->chat) == CHAT_HARMONY)
        return talk->is_call ? prompt : joined(c->a, prompt, STR("<|channel|>final<|message|>"));
    return str_ends(end, STR("<think>")) ? joined(c->a, prompt, STR("\n</think>\n\n")) : prompt;
}

status llm_prompt_chat(llm_prompt *out, llm_call *c, const llm_conversation *talk, err *e) {
    if (!c->model->chat)
        return err_set(e, E_UNSUPPORTED, "the model %.*s has no chat template%s%.*s",
                       STR_ARG(c->model->name), c->model->chat_why.len ? ": " : "",
                       STR_ARG(c->model->chat_why));
    const json_value *extra = c->p.kwargs;
    c->p.wrong = "chat_template_kwargs";
    if (extra && extra->kind != JSON_OBJECT)
        return err_set(e, E_ARG, "chat_template_kwargs must be an object");
    c->p.wrong = "messages";
    if (c->p.reasoning_effort.len)
        extra = with_text(extra, "reasoning_effort", c->p.reasoning_effort, c->a);
    chat_request r = {.messages = talk->messages,
                      .tools = talk->tools,
                      .extra = extra,
                      .add_generation_prompt = talk->generates,
                      .now = time(NULL)};
    TRY(chat_render(&out->text, c->model->chat, &r, c->a, e));
    if (talk->is_led) out->text = without_thoughts(c, talk, out->text);
    int32_t *ids;
    TRY(tokenizer_encode(&ids, &out->n, c->model->tokens, out->text, 0, c->a, e));
    out->ids = ids;
    return OK;
}

// --- Texts and ids -------------------------------------------------------------------------------

// A text without tokens still has a beginning to go on from.
static status begin(llm_prompt *out, const llm_call *c, err *e) {
    const lm_spec *s = lm_model_spec(c->model->model);
    if (out->n) return OK;
    int32_t *id = arena_new(c->a, int32_t);
    *id = s->bos >= 0 ? s->bos : s->n_eos ? s->eos[0] : -1;
    if (*id < 0) return err_set(e, E_ARG, "an empty text has no tokens");
    *out = (llm_prompt){.text = out->text, .ids = id, .n = 1};
    return OK;
}

status llm_prompt_text(llm_prompt *out, const llm_call *c, str text, err *e) {
    int32_t *ids;
    TRY(tokenizer_encode(&ids, &out->n, c->model->tokens, text, TOKENIZER_SPECIAL, c->a, e));
    out->text = text;
    out->ids = ids;
    return begin(out, c, e);
}

static status read_ids(llm_prompt *out, const llm_call *c, const json_value *v, const char *name,
                       err *e) {
    int n_ids = lm_model_spec(c->model->model)->n_ids;
    int32_t *ids = arena_try_array(c->a, v->n, sizeof *ids);
    if (!ids) return err_set(e, E_LIMIT, "%s is too long", name);
    for (uint32_t i = 0; i < v->n; i++) {
        int64_t id;
        if (!json_is_int(&id, &v->items[i]) || id < 0 || id >= n_ids)
            return err_set(e, E_ARG, "%s must have whole numbers of 0 to %d where it has ids", name,
                           n_ids - 1);
        ids[i] = (int32_t)id;
    }
    *out = (llm_prompt){.ids = ids, .n = v->n};
    return begin(out, c, e);
}

static status read_one(llm_prompt *out, const llm_call *c, const json_value *v, const char *name,
                       err *e) {
    if (v->kind == JSON_STRING) return llm_prompt_text(out, c, v->string, e);
    if (v->kind == JSON_ARRAY && v->n) return read_ids(out, c, v, name, e);
    return err_set(e, E_ARG, "%s must be a text, a list of ids, or a list of either", name);
}

status llm_prompts_read(llm_prompt **out, size_t *n, size_t max, const llm_call *c,
                        const json_value *v, const char *name, err *e) {
    if (!v) return err_set(e, E_ARG, "%s is missing", name);
    bool is_list = v->kind == JSON_ARRAY && v->n && v->items[0].kind != JSON_NUMBER;
    *n = is_list ? v->n : 1;
    if (*n > max) return err_set(e, E_LIMIT, "%s has %zu items: %zu are the most", name, *n, max);
    *out = arena_array(c->a, llm_prompt, *n);
    for (size_t i = 0; i < *n; i++)
        TRY(read_one(&(*out)[i], c, is_list ? &v->items[i] : v, name, e));
    return OK;
}
