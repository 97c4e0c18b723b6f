// Errors as OpenAI's clients read them, and the key.

#include "llm/llm.h"

#include "app/gen_stream.h"

#include <stdarg.h>
#include <stdio.h>

// By status codes, the first that is not above; `dflt`: the code where the caller has none better.
static const struct {
    int from;
    const char *type, *dflt;
} kinds[] = {
    {504, "server_error", NULL},
    {503, "server_error", "server_overloaded"},
    {500, "server_error", NULL},
    {430, "invalid_request_error", NULL},
    {429, "rate_limit_error", "rate_limit_exceeded"},
    {402, "invalid_request_error", NULL},
    {401, "invalid_request_error", "invalid_api_key"},
    {400, "invalid_request_error", NULL},
};

static void put_or_null(json *j, const char *key, const char *value) {
    json_key(j, key);
    if (value)
        json_str(j, str_of(value));
    else
        json_null(j);
}

void llm_error(http_req *rq, int status_code, const char *param, const char *code, const char *fmt,
               ...) {
    char message[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(message, sizeof message, fmt, ap);
    va_end(ap);
    size_t k = 0;
    while (k + 1 < countof(kinds) && kinds[k].from > status_code)
        k++;
    buf out;
    buf_init(&out, http_arena(rq), 256);
    json j;
    json_init(&j, &out);
    json_open(&j, '{');
    json_key(&j, "error"), json_open(&j, '{');
    json_key(&j, "message"), json_str(&j, str_of(message));
    json_key(&j, "type"), json_str(&j, str_of(kinds[k].type));
    put_or_null(&j, "param", param);
    put_or_null(&j, "code", code ? code : kinds[k].dflt);
    json_close(&j, '}');
    json_close(&j, '}');
    http_reply(rq, status_code, HTTP_JSON, buf_str(&out));
}

void llm_refuse(http_req *rq, int status_code, const char *why) {
    llm_error(rq, status_code, NULL, NULL, "%s", why);
}

void llm_error_of(http_req *rq, const llm *l, status s, const char *param, const err *e) {
    if (s == E_NOT_FOUND) {
        llm_error(rq, 404, "model", "model_not_found", "%s", e->msg);
    } else if (s == E_MEMORY || s == E_IO || s == E_CLOSED) {
        llm_error(rq, 500, NULL, NULL, "%s", e->msg);
    } else {
        int code = gen_code_of(rq, l->engine, s);
        llm_error(rq, code, param, NULL, "%s", e->msg);
    }
}

// --- The key -----------------------------------------------------------------------------------

// The time tells how long the guess is, and nothing of the key.
static bool is_same(str guess, str key) {
    size_t differ = guess.len ^ key.len;
    for (size_t i = 0; i < guess.len; i++)
        differ |= (uint8_t)guess.ptr[i] ^ (uint8_t)(key.len ? key.ptr[i % key.len] : 0);
    return differ == 0;
}

bool llm_may(http_req *rq, llm *l) {
    if (l->api_key.len == 0) return true;
    str given = {0};
    if (http_header(&given, rq, "Authorization"))
        given = str_starts_nocase(given, STR("Bearer ")) ? str_trim(str_skip(given, 7)) : (str){0};
    else
        http_header(&given, rq, "x-api-key");
    if (is_same(given, l->api_key)) return true;
    atomic_fetch_add(&l->count[LLM_COUNT_REFUSED_KEYS], 1);
    http_add_header(rq, "WWW-Authenticate", STR("Bearer"));
    llm_error(rq, 401, NULL, NULL,
              given.len ? "Incorrect API key provided."
                        : "You didn't provide an API key: send Authorization: Bearer KEY.");
    return false;
}
