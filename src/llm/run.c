// Answers under way: ids of several streams become text, pieces, events.
//
// The engine's thread wakes the reply, the loop drains what is there, one token of each answer in
// turn, and writes it into `out`, from where it goes out in chunks. Leaving closes all streams. A
// client that does not read is not asked for: its ids stay in the engine, which pauses its streams.
//
// A reply that is no stream is made by the same generator, which says nothing before its end: so
// the client's going is seen at once, and not when there is something to send.
//
//   I1  cease() closes every stream before the arena of the guides and of `run` dies
//   I2  `out` is empty whenever a token is taken, but for what the same turn has made

#include "llm/run.h"

#include "app/gen_stream.h"
#include "base/utf8.h"
#include "os/rand.h"

#include <math.h>
#include <time.h>

enum { TURN_BYTES = 4 << 10 };  // made before it is sent

static void wake(void *run) {
    http_wake(((llm_run *)run)->waker);
}

static void cease(void *self) {
    llm_run *r = self;
    for (size_t i = 0; i < r->n_choices; i++) {
        lm_stream_close(r->choice[i].stream);  // I1
        r->choice[i].stream = NULL;
    }
}

// --- A token -------------------------------------------------------------------------------------

static void add_log(llm_choice *c, const lm_logprob *rows, int32_t id, size_t n_chars) {
    uint32_t at = (uint32_t)n_chars;
    for (size_t i = 0; i < c->run->n_logs; i++) {
        lm_logprob none = {id, i ? -INFINITY : NAN};
        buf_add(&c->logs, (str){(const char *)(rows ? &rows[i] : &none), sizeof none});
    }
    buf_add(&c->offsets, (str){(const char *)&at, sizeof at});
}

// The prompt comes back, with the log probabilities of its tokens.
static void echo(llm_choice *c) {
    const llm_prompt *p = c->prompt;
    gen_text text;
    buf all;
    err e = {0};
    CHECK(!gen_text_init_hub(&text, c->run->model->tokens, false, NULL, 0, &e));
    buf_init(&all, c->run->a, 0);
    for (size_t i = 0; i < p->n; i++) {
        size_t n_best;
        if (c->run->n_logs)
            add_log(c, i ? lm_stream_prompt_logprobs(&n_best, c->stream, i) : NULL, p->ids[i],
                    utf8_count(buf_str(&all)));
        gen_text_add(&text, &all, p->ids[i]);
    }
    gen_text_end(&text, &all);
    str said = p->text.len ? p->text : buf_str(&all);
    c->n_chars = utf8_count(said);
    llm_tell_piece(c, CHAT_CONTENT, said);
}

static void begin(llm_choice *c) {
    c->has_begun = true;
    if (c->stream) c->n_cached = lm_stream_cached(c->stream);
    if (c->run->echoes) echo(c);
}

static bool is_over(const llm_choice *c) {
    return c->n_calls == LLM_CALLS_MAX || (!c->run->has_parallel_calls && c->n_calls > 1);
}

static void put(void *arg, chat_kind kind, str text) {
    llm_choice *c = arg;
    if (is_over(c)) return;
    if (kind == CHAT_CALL) {
        c->n_calls++;
        if (is_over(c)) return;
        char id[CHAT_ID_MAX];
        llm_tool_call *call = &c->calls[c->n_calls - 1];
        *call = (llm_tool_call){
            .id = arena_str(c->run->a, chat_call_id(id, c->run->model->chat, os_rand_u64())),
            .name = arena_str(c->run->a, text)};
        buf_init(&call->args, c->run->a, 0);
    }
    if (!is_over(c)) llm_tell_piece(c, kind, text);
}

static void put_text(llm_choice *c, str text) {
    if (c->reply)
        chat_reply_add(c->reply, text, put, c);
    else if (text.len)
        put(c, CHAT_CONTENT, text);
}

static void finish(llm_choice *c) {
    bool was_cut = is_over(c);
    ARENA_ON_STACK(scratch, 2 * GEN_TEXT_MAX);
    buf rest;
    buf_init(&rest, &scratch, 0);
    gen_text_end(&c->text, &rest);
    if (!was_cut) put_text(c, buf_str(&rest));
    if (!was_cut && c->reply) chat_reply_end(c->reply, put, c);
    if (is_over(c)) c->n_calls--;  // the one that was too many
    llm_tell_logs(c);
    c->finish = c->state == LM_LENGTH && !c->text.is_stopped ? "length"
                : c->n_calls                                 ? "tool_calls"
                                                             : "stop";
    lm_stream_close(c->stream);  // the rest is nobody's
    c->stream = NULL;
    llm_tell_finish(c);
}

static void take(llm_choice *c, int32_t id) {
    ARENA_ON_STACK(scratch, 2 * GEN_TEXT_MAX);
    buf text;
    buf_init(&text, &scratch, 0);
    size_t n_best;
    if (c->run->n_logs)
        add_log(c, lm_stream_logprobs(&n_best, c->stream, c->n_new), id, c->n_chars);
    c->n_new++;
    gen_text_add(&c->text, &text, id);
    c->n_chars += utf8_count(buf_str(&text));
    put_text(c, buf_str(&text));
    llm_tell_logs(c);
    if (c->text.is_stopped || is_over(c)) {
        c->state = LM_STOPPED;
        finish(c);
    }
}

// Something of the answer; false when nothing of it is there yet.
static bool step(llm_choice *c) {
    if (c->finish) return false;
    if (c->stream && c->at == c->n_ids) {
        c->at = 0;
        c->n_ids = lm_stream_read(c->ids, countof(c->ids), &c->state, c->stream);
    }
    bool has_id = c->at < c->n_ids;
    if (!has_id && c->state == LM_RUNNING) return false;
    if (!has_id && c->state == LM_FAILED) {
        c->run->has_failed = true;
        return true;
    }
    if (!c->has_begun) begin(c);
    if (has_id)
        take(c, c->ids[c->at++]);
    else
        finish(c);
    return true;
}

// --- The generator -------------------------------------------------------------------------------

// Sends what is made, and tells whether all of it is out.
static bool send(llm_run *r, buf *out) {
    str rest = str_skip(buf_str(&r->out), r->at);
    str piece = str_first(rest, out->limit);
    buf_add(out, piece);
    r->at += piece.len;
    if (r->at < r->out.len) return false;
    buf_reset(&r->out);
    r->at = 0;
    return true;
}

static bool all_over(const llm_run *r) {
    for (size_t i = 0; i < r->n_choices; i++)
        if (!r->choice[i].finish) return false;
    return true;
}

// One token of each answer in turn, until there is enough to send or nothing more is there.
static void advance(llm_run *r) {
    size_t idle = 0;
    while (idle < r->n_choices && r->out.len < TURN_BYTES && !r->has_failed) {
        idle = step(&r->choice[r->next]) ? 0 : idle + 1;
        r->next = (r->next + 1) % r->n_choices;
    }
}

static http_more proceed(void *self, buf *out) {
    llm_run *r = self;
    if (r->at == r->out.len && !r->is_told) {
        advance(r);
        if (r->has_failed) {
            cease(r);
            if (!r->streams) return HTTP_FAIL;
            llm_tell_failure(r);
            r->is_told = true;
        } else if (all_over(r)) {
            llm_tell_end(r);
            r->is_told = true;
        }
    }
    if (r->out.failed) return HTTP_FAIL;
    if (r->at == r->out.len) return HTTP_WAIT;
    return send(r, out) && r->is_told ? HTTP_END : HTTP_MORE;
}

// --- Starting ------------------------------------------------------------------------------------

static status init_choice(llm_choice *c, const llm_call *call, const llm_run_spec *spec, err *e) {
    const gen_params *p = &call->p;
    bool is_chat = spec->is_chat;
    buf_init(&c->logs, call->a, 0);
    buf_init(&c->offsets, call->a, 0);
    buf_init(&c->content, call->a, 0);
    buf_init(&c->reasoning, call->a, 0);
    if (spec->guide)
        TRY(llm_guide_new(&c->guide, call->model, llm_schema_of(spec->guide), call->a, e));
    if (is_chat)
        c->reply = chat_reply_new(call->a, call->model->chat, c->prompt->text, spec->has_calls);
    return gen_text_init_hub(&c->text, call->model->tokens, is_chat, p->stop, p->n_stop, e);
}

static status submit(llm_choice *c, const llm_call *call, const llm_run_spec *spec, err *e) {
    const gen_params *p = &call->p;
    int block = lm_model_spec(call->model->model)->block_size;
    int64_t max = min_i64((int64_t)c->prompt->n + spec->max_tokens, block);
    bool has_prompt_logs = p->echo && c->run->n_logs;
    c->state = LM_LENGTH;
    if (max <= (int64_t)c->prompt->n && !has_prompt_logs) return OK;
    lm_request r = {
        .model = call->model->model,
        .prompt = c->prompt->ids,
        .n_prompt = c->prompt->n,
        .max_length = (int)max,
        .sampling = p->sampling,
        .guide = spec->guide ? &c->guide : NULL,
        .ignores_eos = p->ignores_eos && !spec->guide,
        .min_tokens = spec->guide ? 0 : p->min_tokens,
        .prompt_logprobs = has_prompt_logs,
        .client = gen_client_of(call->rq),
        .notify = wake,
        .arg = c->run,
    };
    r.sampling.seed += (uint64_t)c->index % (uint64_t)p->n;
    c->state = LM_RUNNING;
    return lm_submit(&c->stream, call->l->engine, &r, e);
}

static llm_run *new_run(const llm_call *c, const llm_run_spec *spec) {
    const gen_params *p = &c->p;
    bool has_usage = false;
    json_is_bool(&has_usage, json_get(p->stream_options, "include_usage"));
    llm_run *r = arena_new(c->a, llm_run);
    *r = (llm_run){
        .waker = http_waker_of(c->rq),
        .l = c->l,
        .a = c->a,
        .model = c->model,
        .is_chat = spec->is_chat,
        .streams = p->stream,
        .has_usage = has_usage,
        .echoes = p->echo,
        .has_parallel_calls = p->parallel_calls,
        .n_logs = p->sampling.logprobs < 0 ? 0 : (size_t)p->sampling.logprobs + 1,
        .n_choices = spec->n_prompts * (size_t)p->n,
        .n_prompts = spec->n_prompts,
        .id = arena_fmt(c->a, "%s-%016llx%08x", spec->is_chat ? "chatcmpl" : "cmpl",
                        (unsigned long long)os_rand_u64(), os_rand_u32()),
        .created = time(NULL),
    };
    r->choice = arena_array(c->a, llm_choice, r->n_choices);
    for (size_t i = 0; i < r->n_choices; i++)
        r->choice[i] =
            (llm_choice){.run = r, .index = (int)i, .prompt = &spec->prompts[i / (size_t)p->n]};
    return r;
}

void llm_run_start(llm_call *c, const llm_run_spec *spec) {
    llm_run *r = new_run(c, spec);
    err e = {0};
    status s = OK;
    if (!c->p.has_seed) c->p.sampling.seed = os_rand_u32();
    for (size_t i = 0; i < r->n_choices && !s; i++)
        s = init_choice(&r->choice[i], c, spec, &e);
    buf_init(&r->out, c->a, 8 << 10);
    r->out.limit = LLM_BODY_MAX;
    for (size_t i = 0; i < r->n_choices && !s; i++)
        s = submit(&r->choice[i], c, spec, &e);
    if (s) {
        cease(r);
        llm_error_of(c->rq, c->l, s, NULL, &e);
        return;
    }
    if (r->streams) llm_tell_begin(r);
    http_add_header_fmt(c->rq, "X-Seed", "%llu", (unsigned long long)c->p.sampling.seed);
    http_reply_stream(c->rq, 200, r->streams ? "text/event-stream; charset=utf-8" : HTTP_JSON,
                      (http_gen){r, proceed, cease});
}
