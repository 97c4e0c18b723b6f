// A generation: ids from the engine become chunks of a reply.
//
// The engine's thread wakes the stream, the loop drains ids, decodes them and sends each as one
// chunk. The client's going closes the engine's stream, which ends the work within one token. A
// client that does not read is not asked for: its ids stay in the engine, which pauses its stream.
//
// Two forms of one stream: the original's plain text (prompt, then a chunk per token), and
// server-sent events for "Accept: text/event-stream", which carry counts, rates and log
// probabilities as well.
//
//   I1  a generation lives in its request's arena: the server calls stop() before that dies
//   I2  lm_stream_close has returned before the arena dies, so notify never sees a dead waker
//   I3  an event fits a chunk: text held for stop strings and one token, and the tokens of
//       LM_LOGPROBS_MAX + 1 log probabilities, six bytes for each of theirs

#include "app/gen_stream.h"

#include "base/json.h"
#include "base/utf8.h"
#include "os/clock.h"
#include "os/rand.h"

enum {
    REPLY_ROOM = 16 << 20,  // of a request's arena, kept from its JSON
    SHOWN_MAX = 48,         // bytes of a token beside a log probability
    EVENT_MAX = 6 * GEN_TEXT_MAX + (LM_LOGPROBS_MAX + 1) * (6 * SHOWN_MAX + 80) + 256,
};
_Static_assert(EVENT_MAX < (16 << 10) - 64, "I3");

struct generation {
    lm_stream *stream;  // NULL: nothing to generate, only the prompt to echo
    http_waker waker;
    str prompt;      // what is still to be sent of it
    bool is_events;  // server-sent events
    bool has_logprobs, sent_prompt;
    lm_state state;
    int32_t ids[64];  // read from the engine, not yet sent
    size_t n_ids, at;
    gen_text text;
    uint64_t n_sent;  // tokens
    int64_t start_ns, first_ns;
};

static void wake(void *arg) {
    generation *g = arg;
    http_wake(g->waker);
}

// --- Writing ---------------------------------------------------------------------------------

static void event_open(json *j, buf *out) {
    buf_add(out, STR("data: "));
    json_init(j, out);
    json_open(j, '{');
}

static void event_close(json *j, buf *out) {
    json_close(j, '}');
    buf_add(out, STR("\n\n"));
}

// The prompt, or as much of it as fits: a chunk is bounded, and JSON may need six bytes for one.
static void put_prompt(generation *g, buf *out) {
    str piece = str_first(g->prompt, g->is_events ? (out->limit - 64) / 6 : out->limit);
    if (piece.len < g->prompt.len) piece.len = utf8_complete(piece);
    g->prompt = str_skip(g->prompt, piece.len);
    if (!g->is_events) {
        buf_add(out, piece);
        return;
    }
    json j;
    event_open(&j, out);
    json_key(&j, "prompt"), json_str(&j, piece);
    event_close(&j, out);
}

static double rate_of(const generation *g) {
    double s = g->first_ns ? os_seconds_since(g->first_ns) : 0;
    return s > 0 && g->n_sent > 1 ? (double)(g->n_sent - 1) / s : 0;
}

static void put_logprob(json *j, const generation *g, lm_logprob p) {
    json_key(j, "id"), json_i64(j, p.id);
    json_key(j, "token"), json_str(j, str_first(gen_text_token(&g->text, p.id), SHOWN_MAX));
    json_key(j, "logprob"), json_f64(j, (double)p.log, 6);
}

static void put_logprobs(json *j, const generation *g, size_t i) {
    size_t n = 0;
    const lm_logprob *p = lm_stream_logprobs(&n, g->stream, i);
    if (!p) return;
    json_key(j, "logprobs"), json_open(j, '{');
    put_logprob(j, g, p[0]);
    json_key(j, "top"), json_open(j, '[');
    for (size_t k = 1; k <= n; k++) {
        json_open(j, '{');
        put_logprob(j, g, p[k]);
        json_close(j, '}');
    }
    json_close(j, ']');
    json_close(j, '}');
}

// `i`: which new token this is the text of, for its log probabilities; SIZE_MAX for none.
static void put_text(generation *g, buf *out, str text, size_t i) {
    if (!g->is_events) {
        buf_add(out, text);
        return;
    }
    json j;
    event_open(&j, out);
    json_key(&j, "text"), json_str(&j, text);
    json_key(&j, "n"), json_u64(&j, g->n_sent);
    json_key(&j, "tok_s"), json_f64(&j, rate_of(g), 1);
    if (g->has_logprobs && i != SIZE_MAX) put_logprobs(&j, g, i);
    event_close(&j, out);
}

static void put_end(generation *g, buf *out) {
    if (!g->is_events) return;
    json j;
    event_open(&j, out);
    json_key(&j, "done"), json_bool(&j, true);
    json_key(&j, "reason");
    json_str(&j, g->text.is_stopped || g->state == LM_STOPPED ? STR("stop") : STR("length"));
    json_key(&j, "n"), json_u64(&j, g->n_sent);
    json_key(&j, "tok_s"), json_f64(&j, rate_of(g), 1);
    json_key(&j, "first_token_ms");
    json_f64(&j, g->first_ns ? (double)(g->first_ns - g->start_ns) * 1e-6 : 0, 2);
    json_key(&j, "seconds"), json_f64(&j, os_seconds_since(g->start_ns), 3);
    event_close(&j, out);
}

// --- Reading ---------------------------------------------------------------------------------

// Takes ids until there is something to send: text, its end, or, with log probabilities, any
// token. False when no id is there.
static bool take(generation *g, buf *text) {
    while (!g->text.is_stopped) {
        if (g->at == g->n_ids) {
            g->at = 0;
            g->n_ids = lm_stream_read(g->ids, countof(g->ids), &g->state, g->stream);
            if (g->n_ids == 0) return false;
        }
        if (!g->first_ns) g->first_ns = os_now_ns();
        g->n_sent++;
        gen_text_add(&g->text, text, g->ids[g->at++]);
        if (text->len || g->has_logprobs) return true;
    }
    return false;
}

static void cease(void *self) {
    generation *g = self;
    lm_stream_close(g->stream);  // I2
    g->stream = NULL;
}

// One chunk per call: the prompt (several when it is very long), then the text of a token, then
// what was held back at the end.
static http_more proceed(void *self, buf *out) {
    generation *g = self;
    if (!g->sent_prompt) {
        put_prompt(g, out);
        g->sent_prompt = g->prompt.len == 0;
        return g->stream || g->is_events || !g->sent_prompt ? HTTP_MORE : HTTP_END;
    }
    ARENA_ON_STACK(scratch, 2 * GEN_TEXT_MAX);
    buf text;
    buf_init(&text, &scratch, 0);
    if (g->stream && take(g, &text)) {
        put_text(g, out, buf_str(&text), g->n_sent - 1);
        if (g->text.is_stopped) cease(g);  // the rest is nobody's
        return HTTP_MORE;
    }
    if (g->stream && !g->text.is_stopped && g->state == LM_RUNNING) return HTTP_WAIT;
    if (g->stream && !g->text.is_stopped && g->state == LM_FAILED) return HTTP_FAIL;
    gen_text_end(&g->text, &text);
    if (text.len) put_text(g, out, buf_str(&text), SIZE_MAX);
    put_end(g, out);
    return HTTP_END;
}

// --- Starting --------------------------------------------------------------------------------

uint64_t gen_client_of(const http_req *rq) {
    str peer = http_peer(rq);
    while (peer.len && peer.ptr[peer.len - 1] != ':')
        peer.len--;
    return str_hash(peer, 0);
}

bool gen_wants_events(http_req *rq) {
    str accept;
    return http_header(&accept, rq, "Accept") &&
           str_find(accept, STR("text/event-stream")) < accept.len;
}

int gen_code_of(http_req *rq, const lm_engine *g, status s) {
    if (s == E_ARG || s == E_LIMIT || s == E_UNSUPPORTED || s == E_FORMAT) return 400;
    http_add_header_fmt(rq, "Retry-After", "%d", lm_engine_retry_after_s(g));
    return s == E_QUOTA ? 429 : 503;
}

void gen_refuse(http_req *rq, const lm_engine *g, status s, const err *e) {
    http_reply_error(rq, gen_code_of(rq, g, s), "%s", e->msg);
}

void gen_add_headers(http_req *rq, const gen_params *p) {
    http_add_header_fmt(rq, "X-Max-Length", "%lld", (long long)p->max_length);
    http_add_header_fmt(rq, "X-Top-K", "%d", p->sampling.top_k);
    http_add_header_fmt(rq, "X-Seed", "%llu", (unsigned long long)p->sampling.seed);
}

static status submit(generation *g, http_req *rq, const gen_job *job, err *e) {
    lm_request r = {
        .model = job->model,
        .prompt = job->ids,
        .n_prompt = job->n_ids,
        .max_length = (int)job->p->max_length,
        .sampling = job->p->sampling,
        .client = gen_client_of(rq),
        .notify = wake,
        .arg = g,
    };
    return lm_submit(&g->stream, job->engine, &r, e);
}

status gen_open(generation **out, http_req *rq, const gen_job *job, err *e) {
    generation *g = *out = arena_new(http_arena(rq), generation);
    *g = (generation){
        .waker = http_waker_of(rq),
        .prompt = job->prompt,
        .is_events = gen_wants_events(rq),
        .has_logprobs = job->p->sampling.logprobs >= 0,
        .text = job->text,
        .state = LM_LENGTH,
        .start_ns = os_now_ns(),
    };
    if (g->has_logprobs && !g->is_events)
        return err_set(e, E_ARG, "logprobs come in events: ask with Accept: text/event-stream");
    if (http_method(rq) == HTTP_HEAD || (int64_t)job->n_ids >= job->p->max_length) return OK;
    return submit(g, rq, job, e);
}

void gen_reply(http_req *rq, generation *g) {
    http_add_header(rq, "Cache-Control", STR("no-store"));
    http_reply_stream(rq, 200, g->is_events ? "text/event-stream; charset=utf-8" : HTTP_TEXT,
                      (http_gen){g, proceed, cease});
}

// --- Requests --------------------------------------------------------------------------------

static bool is_json(http_req *rq) {
    str type;
    return http_method(rq) == HTTP_POST && http_header(&type, rq, "Content-Type") &&
           str_eq_nocase(str_trim(str_cut(&type, ';')), STR("application/json"));
}

// The first value of each parameter holds, as ever; other names are nobody's business.
static status from_query(gen_params *p, http_req *rq, gen_form form, err *e) {
    bool seen[64] = {false};
    CHECK(gen_n_param_rows <= countof(seen));
    str name, value;
    for (size_t at = 0; http_query_next(&name, &value, rq, &at);) {
        const gen_param *row = gen_param_find(name, form);
        if (!row) continue;
        size_t i = (size_t)(row - gen_param_rows);
        if (seen[i] && row->kind != GEN_STOP) continue;
        seen[i] = true;
        TRY(gen_param_text(p, row, value, http_arena(rq), e));
    }
    return OK;
}

status gen_read_json(const json_value **out, http_req *rq, err *e) {
    arena *a = http_arena(rq), part = *a;
    part.reserve -= min_size(arena_room(a), REPLY_ROOM);
    TRY(json_read(out, http_body(rq), &part, e));
    a->used = part.used;
    return OK;
}

status gen_read(gen_params *p, http_req *rq, gen_form query, gen_form body, err *e) {
    TRY(from_query(p, rq, query, e));
    bool has_json = is_json(rq);
    const json_value *v;
    if (has_json) TRY(gen_read_json(&v, rq, e));
    if (has_json) TRY(gen_params_json(p, v, body, http_arena(rq), e));
    if (http_tail(rq).len)
        p->prompt = http_tail(rq);
    else if (!has_json && http_body(rq).len)
        p->prompt = http_body(rq);
    if (p->prompt.len == 0)
        return err_set(e, E_ARG, "Missing prompt: ask for /.../generate/PROMPT");
    if (p->device.len && !str_eq_nocase(p->device, STR("cpu")))
        return err_set(e, E_ARG, "device \"%.*s\" is not available: this server has cpu",
                       STR_ARG(str_first(p->device, 64)));
    if (!p->has_seed) p->sampling.seed = os_rand_u32();
    return OK;
}
