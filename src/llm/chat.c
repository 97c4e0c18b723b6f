// POST /v1/chat/completions and /v1/completions: what is asked for, checked and put together.

#include "llm/llm.h"

#include "base/json.h"

enum { TOOLS_MAX = 128 };

// --- Tools -------------------------------------------------------------------------------------

typedef struct tool_plan {
    const json_value *tools;  // that the model is told of; NULL: none
    bool is_forced;           // the answer is a call
    str name;                 // of this function; "": of any
} tool_plan;

static str name_of(const json_value *tool) {
    str name = {0};
    json_is_str(&name, json_get(json_get(tool, "function"), "name"));
    return name;
}

static bool is_tool(const json_value *tool) {
    str type;
    return json_is_str(&type, json_get(tool, "type")) && str_eq(type, STR("function")) &&
           name_of(tool).len > 0;
}

static status check_tools(const json_value *tools, err *e) {
    if (tools->kind != JSON_ARRAY || tools->n > TOOLS_MAX)
        return err_set(e, E_ARG, "tools must be a list of up to %d functions", TOOLS_MAX);
    for (uint32_t i = 0; i < tools->n; i++)
        if (!is_tool(&tools->items[i]))
            return err_set(e, E_ARG,
                           "tools[%u] must be {\"type\": \"function\", \"function\": {\"name\": "
                           "...}}",
                           i);
    return OK;
}

static bool has_tool(const json_value *tools, str name) {
    for (uint32_t i = 0; tools && i < tools->n; i++)
        if (str_eq(name_of(&tools->items[i]), name)) return true;
    return false;
}

static status choose(tool_plan *t, const json_value *choice, err *e) {
    static const struct {
        const char *word;
        bool has_tools, is_forced;
    } words[] = {{"auto", true, false}, {"none", false, false}, {"required", true, true}};
    str word;
    if (json_is_str(&word, choice)) {
        for (size_t i = 0; i < countof(words); i++) {
            if (!str_eq(word, str_of(words[i].word))) continue;
            if (words[i].is_forced && !t->tools)
                return err_set(e, E_ARG, "tool_choice \"required\" wants tools");
            if (!words[i].has_tools) t->tools = NULL;
            t->is_forced = words[i].is_forced;
            return OK;
        }
        return err_set(e, E_ARG,
                       "tool_choice must be auto, none, required or a function, not "
                       "\"%.*s\"",
                       STR_ARG(str_first(word, 64)));
    }
    t->name = name_of(choice);
    t->is_forced = true;
    if (is_tool(choice) && has_tool(t->tools, t->name)) return OK;
    return err_set(e, E_ARG,
                   "tool_choice must name one of the tools as {\"type\": \"function\", "
                   "\"function\": {\"name\": ...}}");
}

static status plan_tools(tool_plan *t, llm_call *c, err *e) {
    gen_params *p = &c->p;
    *t = (tool_plan){0};
    p->wrong = "tools";
    if (p->tools) TRY(check_tools(p->tools, e));
    t->tools = p->tools && p->tools->n ? p->tools : NULL;
    p->wrong = "tool_choice";
    return p->tool_choice ? choose(t, p->tool_choice, e) : OK;
}

// --- What leads the answer -----------------------------------------------------------------------

// A schema to be compiled: of a value, of any object (NULL), or of calls.
typedef struct guide_make {
    const llm_call *c;
    const json_value *value;
    const tool_plan *calls;  // NULL: of a value
} guide_make;

static status make(schema **out, void *arg, err *e) {
    const guide_make *g = arg;
    if (!g->calls) return schema_open(out, g->value, e);
    return chat_calls_schema(out, g->c->model->chat, g->calls->tools, g->calls->name, *g->c->a, e);
}

static status get_guide(llm_schema **out, guide_make *g, err *e) {
    const llm_call *c = g->c;
    buf key;
    buf_init(&key, c->a, 256);
    buf_fmt(&key, "%d;", g->calls ? (int)chat_form_of(c->model->chat) : -1);
    if (g->calls) buf_fmt(&key, "%zu:", g->calls->name.len), buf_add(&key, g->calls->name);
    llm_schema_key(&key, g->calls ? g->calls->tools : g->value);
    if (key.failed) return err_set(e, E_LIMIT, "the schema is too long");
    bool was_there;
    TRY(llm_schema_get(out, &was_there, c->l->schemas, buf_str(&key), make, g, e));
    atomic_fetch_add(&c->l->count[LLM_COUNT_GUIDED], 1);
    if (was_there) atomic_fetch_add(&c->l->count[LLM_COUNT_SCHEMA_HITS], 1);
    return OK;
}

// NULL, with OK: the answer is any text.
static status read_format(llm_schema **out, const llm_call *c, err *e) {
    const json_value *f = c->p.format, *value = NULL;
    str type;
    if (!f) return OK;
    if (!json_is_str(&type, json_get(f, "type")))
        return err_set(e, E_ARG, "response_format must be an object with a type");
    if (str_eq(type, STR("text"))) return OK;
    if (str_eq(type, STR("json_schema"))) {
        value = json_get(json_get(f, "json_schema"), "schema");
        if (!value) return err_set(e, E_ARG, "response_format.json_schema.schema is missing");
    } else if (!str_eq(type, STR("json_object"))) {
        return err_set(e, E_ARG,
                       "response_format.type must be text, json_object or json_schema, "
                       "not \"%.*s\"",
                       STR_ARG(str_first(type, 64)));
    }
    guide_make g = {.c = c, .value = value};
    return get_guide(out, &g, e);
}

static status plan_guide(llm_schema **out, llm_call *c, const tool_plan *t, err *e) {
    c->p.wrong = "tools";
    if (t->is_forced) {
        guide_make g = {.c = c, .calls = t};
        return get_guide(out, &g, e);
    }
    c->p.wrong = "response_format";
    TRY(read_format(out, c, e));
    if (*out && t->tools)
        return err_set(e, E_ARG,
                       "response_format and tools: set tool_choice to none for the one, "
                       "to required for the other");
    return OK;
}

// --- What contradicts ---------------------------------------------------------------------------

static status check_both(llm_call *c, err *e) {
    gen_params *p = &c->p;
    p->wrong = "stream_options";
    if (p->stream_options && !p->stream)
        return err_set(e, E_ARG, "stream_options are for streams: set stream");
    p->wrong = "best_of";
    if (p->best_of && p->best_of != p->n)
        return err_set(e, E_ARG, "best_of must be n: answers are not compared here");
    p->wrong = "top_logprobs";
    if (p->top_logprobs >= 0 && !p->has_logprobs)
        return err_set(e, E_ARG, "top_logprobs wants logprobs to be true");
    p->wrong = NULL;
    return OK;
}

// Texts, with their log probabilities, that fit a reply which is made as a whole.
static status check_size(llm_call *c, const llm_run_spec *spec, err *e) {
    size_t n_new = min_size((size_t)spec->max_tokens, SIZE_MAX >> 40), n = 0;
    size_t rows = c->p.sampling.logprobs < 0 ? 0 : (size_t)c->p.sampling.logprobs + 1;
    for (size_t i = 0; i < spec->n_prompts; i++) {
        size_t block = (size_t)lm_model_spec(c->model->model)->block_size;
        size_t left = block - min_size(block, spec->prompts[i].n);
        n += min_size(n_new, left) + (c->p.echo ? spec->prompts[i].n : 0);
    }
    n *= (size_t)c->p.n;
    c->p.wrong = "max_tokens";
    if (c->p.stream || n * (16 + rows * 120) <= LLM_BODY_MAX) return OK;
    return err_set(e, E_LIMIT,
                   "so many tokens with so many log probabilities come in a stream only");
}

// False: it has replied.
static bool check_context(const llm_call *c, const llm_run_spec *spec, const char *name) {
    size_t block = (size_t)lm_model_spec(c->model->model)->block_size;
    for (size_t i = 0; i < spec->n_prompts; i++) {
        if (spec->prompts[i].n <= block) continue;
        llm_error(c->rq, 400, name, "context_length_exceeded",
                  "This model's maximum context length is %zu tokens. However, your %s resulted in "
                  "%zu tokens.",
                  block, name, spec->prompts[i].n);
        return false;
    }
    return true;
}

typedef struct held {
    llm_schemas *schemas;
    llm_schema *guide;
} held;

static void release(void *arg) {
    const held *h = arg;
    llm_schema_release(h->schemas, h->guide);
}

// Replies with what is wrong, or starts. The schema is held until the reply is out, whichever.
static void go_on(llm_call *c, llm_run_spec *spec, const char *name, status s, err *e) {
    held *h = arena_new(c->a, held);
    *h = (held){c->l->schemas, spec->guide};
    if (spec->guide) http_at_end(c->rq, release, h);
    if (!s && !check_context(c, spec, name)) return;
    if (!s) s = check_size(c, spec, e);
    if (s)
        llm_error_of(c->rq, c->l, s, c->p.wrong, e);
    else
        llm_run_start(c, spec);
}

// --- Handlers ------------------------------------------------------------------------------------

status llm_chat_plan(llm_run_spec *spec, llm_call *c, err *e) {
    gen_params *p = &c->p;
    tool_plan tools;
    llm_prompt *prompt = arena_new(c->a, llm_prompt);
    p->sampling.logprobs = p->has_logprobs ? p->top_logprobs > 0 ? p->top_logprobs : 0 : -1;
    *spec = (llm_run_spec){.is_chat = true,
                           .prompts = prompt,
                           .n_prompts = 1,
                           .max_tokens = p->max_tokens < 0 ? LLM_CHAT_TOKENS : p->max_tokens};
    TRY(check_both(c, e));
    TRY(plan_tools(&tools, c, e));
    p->wrong = "messages";
    if (!p->messages) return err_set(e, E_ARG, "messages is missing");
    TRY(plan_guide(&spec->guide, c, &tools, e));
    spec->has_calls = tools.tools != NULL;
    llm_conversation talk = {.messages = p->messages,
                             .tools = tools.tools,
                             .generates = p->generates,
                             .is_led = spec->guide != NULL,
                             .is_call = tools.is_forced};
    return llm_prompt_chat(prompt, c, &talk, e);
}

void llm_chat_completions(http_req *rq, void *l) {
    llm_call c;
    llm_run_spec spec;
    err e = {0};
    if (!llm_call_open(&c, rq, l, GEN_CHAT)) return;
    atomic_fetch_add(&c.l->count[LLM_COUNT_CHATS], 1);
    status s = llm_chat_plan(&spec, &c, &e);
    go_on(&c, &spec, "messages", s, &e);
}

static status plan_completion(llm_run_spec *spec, llm_call *c, err *e) {
    gen_params *p = &c->p;
    llm_prompt *prompts;
    *spec = (llm_run_spec){.max_tokens = p->max_tokens < 0 ? LLM_COMPLETION_TOKENS : p->max_tokens};
    TRY(check_both(c, e));
    p->wrong = "response_format";
    TRY(read_format(&spec->guide, c, e));
    p->wrong = "prompt";
    TRY(llm_prompts_read(&prompts, &spec->n_prompts, LLM_PROMPTS_MAX, c, p->inputs, "prompt", e));
    spec->prompts = prompts;
    if (spec->n_prompts * (size_t)p->n > LLM_PROMPTS_MAX)
        return err_set(e, E_LIMIT, "n answers to each prompt: %d are the most in all",
                       LLM_PROMPTS_MAX);
    return OK;
}

void llm_completions(http_req *rq, void *l) {
    llm_call c;
    llm_run_spec spec;
    err e = {0};
    if (!llm_call_open(&c, rq, l, GEN_COMPLETION)) return;
    atomic_fetch_add(&c.l->count[LLM_COUNT_COMPLETIONS], 1);
    status s = plan_completion(&spec, &c, &e);
    go_on(&c, &spec, "prompt", s, &e);
}
