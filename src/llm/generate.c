// /llm/generate: the original's route for models from the hub. Text as it comes, or with chat=1 an
// answer; otherwise what /gpt2/generate is.
//
//   I1  what the original's URLs meant they still mean, but for what it got wrong: a model that
//       nobody named is refused, and BOS stands where the tokenizer puts it

#include "app/gen_stream.h"
#include "llm/llm.h"

enum { MAX_LENGTH = 1000000 };

static void complain(http_req *rq, const llm *l, status s, const err *e) {
    if (s == E_NOT_FOUND)
        http_reply_error(rq, 400, "%s", e->msg);
    else if (s == E_AGAIN || s == E_QUOTA || s == E_MEMORY)
        gen_refuse(rq, l->engine, E_AGAIN, e);
    else
        http_reply_error(rq, 500, "Model load failed: %s", e->msg);
}

static const json_value *message(json_value *out, const char *role, str content, arena *a) {
    static const uint32_t by_key[] = {1, 0};
    json_value *items = arena_array(a, json_value, 2);
    items[0] = (json_value){.kind = JSON_STRING, .key = STR("role"), .string = str_of(role)};
    items[1] = (json_value){.kind = JSON_STRING, .key = STR("content"), .string = content};
    *out = (json_value){.kind = JSON_OBJECT, .items = items, .by_key = by_key, .n = 2};
    return out;
}

// As the original: a model without a template gets the text as it is.
static status make_prompt(llm_prompt *out, llm_call *c, bool has_template, err *e) {
    if (!has_template) return llm_prompt_text(out, c, c->p.prompt, e);
    json_value *list = arena_array(c->a, json_value, 2), *all = arena_new(c->a, json_value);
    uint32_t n = 0;
    if (c->p.system.len) message(&list[n++], "system", c->p.system, c->a);
    message(&list[n++], "user", c->p.prompt, c->a);
    *all = (json_value){.kind = JSON_ARRAY, .items = list, .n = n};
    llm_conversation talk = {.messages = all, .generates = true};
    return llm_prompt_chat(out, c, &talk, e);
}

static void add_headers(llm_call *c, size_t n_prompt, bool is_clipped, bool has_template) {
    http_req *rq = c->rq;
    gen_add_headers(rq, &c->p);
    http_add_header(rq, "X-Model-Alias", c->model->name);
    http_add_header(rq, "X-Model-ID", c->model->id);
    http_add_header(rq, "X-Model-Device", STR("cpu"));
    http_add_header_fmt(rq, "X-Context-Window", "%d", lm_model_spec(c->model->model)->block_size);
    http_add_header_fmt(rq, "X-Prompt-Tokens", "%zu", n_prompt);
    http_add_header(rq, "X-Context-Clipped", is_clipped ? STR("true") : STR("false"));
    http_add_header(rq, "X-Chat-Template", has_template ? STR("true") : STR("false"));
}

static void run(llm_call *c) {
    gen_params *p = &c->p;
    llm_prompt prompt = {0};
    generation *g;
    err e = {0};
    bool has_template = p->chat && c->model->chat;
    int64_t block = lm_model_spec(c->model->model)->block_size;
    p->max_length = p->max_length < 1 ? 1 : min_i64(p->max_length, min_i64(block, MAX_LENGTH));
    status s = make_prompt(&prompt, c, has_template, &e);
    // Of a prompt that is longer than the answer may be, the end counts.
    size_t clip = prompt.n - min_size(prompt.n, (size_t)p->max_length);
    gen_job job = {.engine = c->l->engine,
                   .model = c->model->model,
                   .prompt = p->prompt,
                   .ids = prompt.ids + clip,
                   .n_ids = prompt.n - clip,
                   .p = p};
    if (!s) s = gen_text_init_hub(&job.text, c->model->tokens, false, p->stop, p->n_stop, &e);
    if (!s) s = gen_open(&g, c->rq, &job, &e);
    if (s) {
        gen_refuse(c->rq, c->l->engine, s, &e);
        return;
    }
    add_headers(c, prompt.n, clip > 0, has_template);
    gen_reply(c->rq, g);
}

void llm_generate(http_req *rq, void *app) {
    llm *l = app;
    size_t used = http_arena(rq)->used;
    llm_call c = {.rq = rq, .l = l, .a = http_arena(rq)};
    err e = {0};
    if (!llm_may(rq, l)) return;
    gen_params_default(&c.p);
    if (gen_read(&c.p, rq, GEN_LLM_QUERY, GEN_LLM_BODY, &e)) {
        http_reply_error(rq, 400, "%s", e.msg);
        return;
    }
    if (!llm_acquire(&c.model, rq, l, c.p.model, used, complain)) return;
    atomic_fetch_add(&l->count[LLM_COUNT_GENERATE], 1);
    run(&c);
}
