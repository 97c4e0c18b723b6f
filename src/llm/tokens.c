// POST /tokenize, /detokenize, /apply-template: the steps before and after a model, by themselves,
// in llama.cpp's shapes.

#include "base/json.h"
#include "base/utf8.h"
#include "llm/llm.h"

// Reads a flag; false when it is there and none.
static bool read_flag(bool *out, const llm_call *c, const char *name) {
    const json_value *v = json_get(c->body, name);
    if (!v || v->kind == JSON_NULL || json_is_bool(out, v)) return true;
    llm_error(c->rq, 400, name, NULL, "%s must be true or false", name);
    return false;
}

// A token's text, or its bytes where they are no text by themselves.
static void put_piece(json *j, str bytes) {
    if (utf8_valid(bytes)) {
        json_str(j, bytes);
        return;
    }
    json_open(j, '[');
    for (size_t i = 0; i < bytes.len; i++)
        json_u64(j, (uint8_t)bytes.ptr[i]);
    json_close(j, ']');
}

static void reply_tokens(llm_call *c, const int32_t *ids, size_t n, bool has_pieces) {
    buf out;
    app_buf_init(&out, c->rq, 256);
    json j;
    json_init(&j, &out);
    json_open(&j, '{');
    json_key(&j, "tokens"), json_open(&j, '[');
    for (size_t i = 0; i < n; i++) {
        if (!has_pieces) {
            json_i64(&j, ids[i]);
            continue;
        }
        json_open(&j, '{');
        json_key(&j, "id"), json_i64(&j, ids[i]);
        json_key(&j, "piece"), put_piece(&j, tokenizer_bytes(c->model->tokens, ids[i]));
        json_close(&j, '}');
    }
    json_close(&j, ']');
    json_close(&j, '}');
    app_reply_buf(c->rq, HTTP_JSON, &out);
}

void llm_tokenize(http_req *rq, void *l) {
    llm_call c;
    bool adds_special = false, reads_special = true, has_pieces = false;
    if (!llm_call_open_plain(&c, rq, l)) return;
    if (!read_flag(&adds_special, &c, "add_special") ||
        !read_flag(&reads_special, &c, "parse_special") ||
        !read_flag(&has_pieces, &c, "with_pieces"))
        return;
    str text;
    if (!json_is_str(&text, json_get(c.body, "content"))) {
        llm_error(rq, 400, "content", NULL, "content must be a text");
        return;
    }
    unsigned flags =
        (adds_special ? TOKENIZER_SPECIAL : 0U) | (reads_special ? 0U : TOKENIZER_PLAIN);
    int32_t *ids;
    size_t n;
    err e = {0};
    status s = tokenizer_encode(&ids, &n, c.model->tokens, text, flags, c.a, &e);
    if (s)
        llm_error_of(rq, l, s, "content", &e);
    else
        reply_tokens(&c, ids, n, has_pieces);
}

static bool put_ids(buf *text, const llm_call *c, const json_value *ids) {
    tokenizer_stream s;
    tokenizer_stream_init(&s, c->model->tokens, true);
    for (uint32_t i = 0; i < ids->n; i++) {
        int64_t id;
        if (!json_is_int(&id, &ids->items[i]) || id < 0 ||
            (uint64_t)id >= tokenizer_vocab(c->model->tokens))
            return false;
        tokenizer_stream_add(&s, text, (int32_t)id);
    }
    tokenizer_stream_end(&s, text);
    return true;
}

static void reply_text(http_req *rq, const char *key, str text) {
    buf out;
    app_buf_init(&out, rq, 256);
    json j;
    json_init(&j, &out);
    json_open(&j, '{');
    json_key(&j, key), json_str(&j, text);
    json_close(&j, '}');
    app_reply_buf(rq, HTTP_JSON, &out);
}

void llm_detokenize(http_req *rq, void *l) {
    llm_call c;
    if (!llm_call_open_plain(&c, rq, l)) return;
    const json_value *ids = json_get(c.body, "tokens");
    buf text;
    app_buf_init(&text, rq, 256);
    text.limit /= 8;  // escaped, a byte may be six
    if (!ids || ids->kind != JSON_ARRAY || !put_ids(&text, &c, ids))
        llm_error(rq, 400, "tokens", NULL, "tokens must be a list of whole numbers below %zu",
                  tokenizer_vocab(c.model->tokens));
    else if (text.failed)
        llm_error(rq, 400, "tokens", NULL, "the text of so many tokens is too long");
    else
        reply_text(rq, "content", buf_str(&text));
}

void llm_apply_template(http_req *rq, void *l) {
    llm_call c;
    llm_prompt prompt;
    err e = {0};
    if (!llm_call_open(&c, rq, l, GEN_CHAT)) return;
    llm_conversation talk = {
        .messages = c.p.messages, .tools = c.p.tools, .generates = c.p.generates};
    c.p.wrong = "messages";
    status s = c.p.messages ? llm_prompt_chat(&prompt, &c, &talk, &e)
                            : err_set(&e, E_ARG, "messages is missing");
    if (s)
        llm_error_of(rq, l, s, c.p.wrong, &e);
    else
        reply_text(rq, "prompt", prompt.text);
}
