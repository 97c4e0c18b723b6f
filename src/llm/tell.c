// Answers in OpenAI's shape: events of a stream, or one body.
//
//   I1  all events of a stream have the same id, created, model and fingerprint
//   I2  the reason why an answer ended stands in an event of its own, the answer's last

#include "llm/run.h"

#include "base/utf8.h"

#include <math.h>

// --- What all have -----------------------------------------------------------------------------

static void put_head(json *j, const llm_run *r) {
    static const char *const objects[2][2] = {{"text_completion", "text_completion"},
                                              {"chat.completion", "chat.completion.chunk"}};
    json_open(j, '{');
    json_key(j, "id"), json_str(j, r->id);
    json_key(j, "object"), json_str(j, str_of(objects[r->is_chat][r->streams]));
    json_key(j, "created"), json_i64(j, r->created);
    json_key(j, "model"), json_str(j, r->model->name);
    ARENA_ON_STACK(scratch, 64);
    json_key(j, "system_fingerprint");
    json_str(j, arena_fmt(&scratch, "fp_%016llx", (unsigned long long)r->model->fingerprint));
}

static void put_usage(json *j, const llm_run *r) {
    size_t n_prompt = 0, n_cached = 0, n_new = 0, n = r->n_choices / r->n_prompts;
    for (size_t i = 0; i < r->n_choices; i++) {
        const llm_choice *c = &r->choice[i];
        n_new += c->n_new;
        if (i % n == 0) n_prompt += c->prompt->n, n_cached += c->n_cached;
    }
    json_open(j, '{');
    json_key(j, "prompt_tokens"), json_u64(j, n_prompt);
    json_key(j, "completion_tokens"), json_u64(j, n_new);
    json_key(j, "total_tokens"), json_u64(j, n_prompt + n_new);
    json_key(j, "prompt_tokens_details"), json_open(j, '{');
    json_key(j, "cached_tokens"), json_u64(j, n_cached);
    json_close(j, '}');
    json_close(j, '}');
}

static void put_str_or_null(json *j, const char *key, const char *value) {
    json_key(j, key);
    if (value)
        json_str(j, str_of(value));
    else
        json_null(j);
}

// --- Log probabilities ---------------------------------------------------------------------------

typedef struct logs {
    const lm_logprob *rows;
    const uint32_t *offsets;
    size_t n, n_rows;  // tokens, and rows of each
    const tokenizer *tokens;
} logs;

static logs logs_of(const llm_choice *c) {
    return (logs){.rows = (const lm_logprob *)(const void *)c->logs.ptr,
                  .offsets = (const uint32_t *)(const void *)c->offsets.ptr,
                  .n = c->offsets.len / sizeof(uint32_t),
                  .n_rows = c->run->n_logs,
                  .tokens = c->run->model->tokens};
}

static void put_log(json *j, float log) {
    if (isnan(log))
        json_null(j);
    else
        json_f64(j, isinf(log) ? -9999 : (double)log, 6);
}

static void put_chat_log(json *j, const logs *l, lm_logprob p) {
    str bytes = tokenizer_bytes(l->tokens, p.id);
    json_key(j, "token"), json_str(j, bytes);
    json_key(j, "logprob"), put_log(j, p.log);
    json_key(j, "bytes"), json_open(j, '[');
    for (size_t i = 0; i < bytes.len; i++)
        json_u64(j, (uint8_t)bytes.ptr[i]);
    json_close(j, ']');
}

static void put_chat_logs(json *j, const logs *l) {
    json_open(j, '{');
    json_key(j, "content"), json_open(j, '[');
    for (size_t i = 0; i < l->n; i++) {
        const lm_logprob *row = l->rows + i * l->n_rows;
        json_open(j, '{');
        put_chat_log(j, l, row[0]);
        json_key(j, "top_logprobs"), json_open(j, '[');
        for (size_t k = 1; k < l->n_rows; k++) {
            json_open(j, '{');
            put_chat_log(j, l, row[k]);
            json_close(j, '}');
        }
        json_close(j, ']');
        json_close(j, '}');
    }
    json_close(j, ']');
    json_key(j, "refusal"), json_null(j);
    json_close(j, '}');
}

// A token's text, or as OpenAI spells what is no text by itself: "bytes:\\xe2\\x80".
static str spelt(const logs *l, int32_t id, arena *a) {
    str bytes = tokenizer_bytes(l->tokens, id);
    if (utf8_valid(bytes)) return bytes;
    buf out;
    buf_init(&out, a, 6 + 4 * bytes.len);
    buf_add(&out, STR("bytes:"));
    for (size_t i = 0; i < bytes.len; i++)
        buf_fmt(&out, "\\x%02x", (uint8_t)bytes.ptr[i]);
    return buf_str(&out);
}

enum { SPELT_MAX = 4 * TOKENIZER_TOKEN_MAX + 64 };

// The likeliest tokens of one place by their texts. Of two that look alike the likelier counts.
static void put_top(json *j, const logs *l, const lm_logprob *row) {
    if (l->n_rows < 2 || isnan(row[0].log)) {
        json_null(j);
        return;
    }
    json_open(j, '{');
    for (size_t k = 1; k < l->n_rows; k++) {
        str bytes = tokenizer_bytes(l->tokens, row[k].id);
        bool was_there = false;
        for (size_t i = 1; i < k && !was_there; i++)
            was_there = str_eq(bytes, tokenizer_bytes(l->tokens, row[i].id));
        if (was_there) continue;
        ARENA_ON_STACK(scratch, 2 * SPELT_MAX);
        json_key(j, arena_cstr(&scratch, spelt(l, row[k].id, &scratch))), put_log(j, row[k].log);
    }
    json_close(j, '}');
}

static void put_tokens(json *j, const logs *l) {
    json_open(j, '[');
    for (size_t i = 0; i < l->n; i++) {
        ARENA_ON_STACK(scratch, SPELT_MAX);
        json_str(j, spelt(l, l->rows[i * l->n_rows].id, &scratch));
    }
    json_close(j, ']');
}

static void put_completion_logs(json *j, const logs *l) {
    json_open(j, '{');
    json_key(j, "tokens"), put_tokens(j, l);
    json_key(j, "token_logprobs"), json_open(j, '[');
    for (size_t i = 0; i < l->n; i++)
        put_log(j, l->rows[i * l->n_rows].log);
    json_close(j, ']');
    json_key(j, "top_logprobs"), json_open(j, '[');
    for (size_t i = 0; i < l->n; i++)
        put_top(j, l, l->rows + i * l->n_rows);
    json_close(j, ']');
    json_key(j, "text_offset"), json_open(j, '[');
    for (size_t i = 0; i < l->n; i++)
        json_u64(j, l->offsets[i]);
    json_close(j, ']');
    json_close(j, '}');
}

// Null where nothing is to be told.
static void put_logs(json *j, llm_choice *c) {
    logs l = logs_of(c);
    json_key(j, "logprobs");
    if (l.n == 0)
        json_null(j);
    else if (c->run->is_chat)
        put_chat_logs(j, &l);
    else
        put_completion_logs(j, &l);
    buf_reset(&c->logs);
    buf_reset(&c->offsets);
}

// --- Events ------------------------------------------------------------------------------------

static void event_open(json *j, llm_run *r) {
    buf_add(&r->out, STR("data: "));
    json_init(j, &r->out);
}

static void event_close(llm_run *r) {
    buf_add(&r->out, STR("\n\n"));
}

static void put_call_piece(json *j, const llm_choice *c, chat_kind kind, str text) {
    const llm_tool_call *call = &c->calls[c->n_calls - 1];
    json_key(j, "tool_calls"), json_open(j, '[');
    json_open(j, '{');
    json_key(j, "index"), json_u64(j, c->n_calls - 1);
    if (kind == CHAT_CALL) {
        json_key(j, "id"), json_str(j, call->id);
        json_key(j, "type"), json_str(j, STR("function"));
    }
    json_key(j, "function"), json_open(j, '{');
    if (kind == CHAT_CALL) json_key(j, "name"), json_str(j, call->name);
    json_key(j, "arguments"), json_str(j, kind == CHAT_CALL ? STR("") : text);
    json_close(j, '}');
    json_close(j, '}');
    json_close(j, ']');
}

static void put_delta(json *j, const llm_choice *c, chat_kind kind, str text) {
    json_key(j, "delta"), json_open(j, '{');
    if (kind == CHAT_CONTENT)
        json_key(j, "content"), json_str(j, text);
    else if (kind == CHAT_REASONING)
        json_key(j, "reasoning_content"), json_str(j, text);
    else
        put_call_piece(j, c, kind, text);
    json_close(j, '}');
}

static void choice_open(json *j, llm_choice *c) {
    event_open(j, c->run);
    put_head(j, c->run);
    json_key(j, "choices"), json_open(j, '[');
    json_open(j, '{');
    json_key(j, "index"), json_i64(j, c->index);
}

static void choice_close(json *j, llm_choice *c) {
    put_str_or_null(j, "finish_reason", c->finish);
    json_close(j, '}');
    json_close(j, ']');
    if (c->run->has_usage) json_key(j, "usage"), json_null(j);
    json_close(j, '}');
    event_close(c->run);
}

static void tell_event(llm_choice *c, chat_kind kind, str text) {
    json j;
    choice_open(&j, c);
    if (c->run->is_chat)
        put_delta(&j, c, kind, text);
    else
        json_key(&j, "text"), json_str(&j, text);
    put_logs(&j, c);
    choice_close(&j, c);
}

void llm_tell_begin(llm_run *r) {
    for (size_t i = 0; r->is_chat && i < r->n_choices; i++) {
        json j;
        choice_open(&j, &r->choice[i]);
        json_key(&j, "delta"), json_open(&j, '{');
        json_key(&j, "role"), json_str(&j, STR("assistant"));
        json_key(&j, "content"), json_str(&j, STR(""));
        json_close(&j, '}');
        json_key(&j, "logprobs"), json_null(&j);
        choice_close(&j, &r->choice[i]);
    }
}

void llm_tell_piece(llm_choice *c, chat_kind kind, str text) {
    if (c->run->streams)
        tell_event(c, kind, text);
    else if (kind == CHAT_CONTENT)
        buf_add(&c->content, text);
    else if (kind == CHAT_REASONING)
        buf_add(&c->reasoning, text);
    else if (kind == CHAT_ARGS)
        buf_add(&c->calls[c->n_calls - 1].args, text);
}

void llm_tell_logs(llm_choice *c) {
    if (c->run->streams && c->logs.len) tell_event(c, CHAT_CONTENT, STR(""));
}

void llm_tell_finish(llm_choice *c) {
    if (!c->run->streams) return;
    json j;
    choice_open(&j, c);
    if (c->run->is_chat)
        json_key(&j, "delta"), json_open(&j, '{'), json_close(&j, '}');
    else
        json_key(&j, "text"), json_str(&j, STR(""));
    json_key(&j, "logprobs"), json_null(&j);
    choice_close(&j, c);  // I2
}

// --- The end -----------------------------------------------------------------------------------

static void put_calls(json *j, const llm_choice *c) {
    json_key(j, "tool_calls"), json_open(j, '[');
    for (size_t i = 0; i < c->n_calls; i++) {
        json_open(j, '{');
        json_key(j, "id"), json_str(j, c->calls[i].id);
        json_key(j, "type"), json_str(j, STR("function"));
        json_key(j, "function"), json_open(j, '{');
        json_key(j, "name"), json_str(j, c->calls[i].name);
        json_key(j, "arguments"), json_str(j, buf_str(&c->calls[i].args));
        json_close(j, '}');
        json_close(j, '}');
    }
    json_close(j, ']');
}

static void put_message(json *j, const llm_choice *c) {
    json_key(j, "message"), json_open(j, '{');
    json_key(j, "role"), json_str(j, STR("assistant"));
    json_key(j, "content");
    if (c->content.len || !c->n_calls)
        json_str(j, buf_str(&c->content));
    else
        json_null(j);
    json_key(j, "refusal"), json_null(j);
    if (c->reasoning.len) json_key(j, "reasoning_content"), json_str(j, buf_str(&c->reasoning));
    if (c->n_calls) put_calls(j, c);
    json_close(j, '}');
}

static bool is_whole(const llm_choice *c) {
    bool failed = c->content.failed || c->reasoning.failed || c->logs.failed || c->offsets.failed;
    for (size_t i = 0; i < c->n_calls; i++)
        failed |= c->calls[i].args.failed;
    return !failed;
}

static void tell_body(llm_run *r) {
    json j;
    json_init(&j, &r->out);
    put_head(&j, r);
    json_key(&j, "choices"), json_open(&j, '[');
    for (size_t i = 0; i < r->n_choices; i++) {
        llm_choice *c = &r->choice[i];
        r->out.failed |= !is_whole(c);
        json_open(&j, '{');
        json_key(&j, "index"), json_i64(&j, c->index);
        if (r->is_chat)
            put_message(&j, c);
        else
            json_key(&j, "text"), json_str(&j, buf_str(&c->content));
        put_logs(&j, c);
        put_str_or_null(&j, "finish_reason", c->finish);
        json_close(&j, '}');
    }
    json_close(&j, ']');
    json_key(&j, "usage"), put_usage(&j, r);
    json_close(&j, '}');
}

static void tell_usage(llm_run *r) {
    json j;
    event_open(&j, r);
    put_head(&j, r);
    json_key(&j, "choices"), json_open(&j, '['), json_close(&j, ']');
    json_key(&j, "usage"), put_usage(&j, r);
    json_close(&j, '}');
    event_close(r);
}

void llm_tell_end(llm_run *r) {
    if (!r->streams) {
        tell_body(r);
        return;
    }
    if (r->has_usage) tell_usage(r);
    buf_add(&r->out, STR("data: [DONE]\n\n"));
}

void llm_tell_failure(llm_run *r) {
    json j;
    event_open(&j, r);
    json_open(&j, '{');
    json_key(&j, "error"), json_open(&j, '{');
    json_key(&j, "message"), json_str(&j, STR("The generation failed; the server's log says why"));
    json_key(&j, "type"), json_str(&j, STR("server_error"));
    json_key(&j, "param"), json_null(&j);
    json_key(&j, "code"), json_null(&j);
    json_close(&j, '}');
    json_close(&j, '}');
    event_close(r);
}
