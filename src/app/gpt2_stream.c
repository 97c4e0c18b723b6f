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

#include "app/gpt2_app.h"

#include "base/utf8.h"
#include "os/clock.h"

enum {
    SHOWN_MAX = 48,  // bytes of a token beside a log probability
    EVENT_MAX = 6 * GPT2_TEXT_MAX + (LM_LOGPROBS_MAX + 1) * (6 * SHOWN_MAX + 80) + 256,
};
_Static_assert(EVENT_MAX < (16 << 10) - 64, "I3");

typedef struct generation {
    lm_stream *stream;  // NULL: nothing to generate, only the prompt to echo
    http_waker waker;
    str prompt;      // what is still to be sent of it
    bool is_events;  // server-sent events
    bool has_logprobs, sent_prompt;
    lm_state state;
    int32_t ids[64];  // read from the engine, not yet sent
    size_t n_ids, at;
    gpt2_text text;
    uint64_t n_sent;  // tokens
    int64_t start_ns, first_ns;
} generation;

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
    json_key(j, "token"), json_str(j, str_first(bpe_token(g->text.tokens, p.id), SHOWN_MAX));
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
        gpt2_text_add(&g->text, text, g->ids[g->at++]);
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
    ARENA_ON_STACK(scratch, 2 * GPT2_TEXT_MAX);
    buf text;
    buf_init(&text, &scratch, 0);
    if (g->stream && take(g, &text)) {
        put_text(g, out, buf_str(&text), g->n_sent - 1);
        if (g->text.is_stopped) cease(g);  // the rest is nobody's
        return HTTP_MORE;
    }
    if (g->stream && !g->text.is_stopped && g->state == LM_RUNNING) return HTTP_WAIT;
    if (g->stream && !g->text.is_stopped && g->state == LM_FAILED) return HTTP_FAIL;
    gpt2_text_end(&g->text, &text);
    if (text.len) put_text(g, out, buf_str(&text), SIZE_MAX);
    put_end(g, out);
    return HTTP_END;
}

// --- Starting --------------------------------------------------------------------------------

static void add_headers(http_req *rq, const gpt2_model *m, const gpt2_params *p) {
    http_add_header_fmt(rq, "X-Max-Length", "%lld", (long long)p->max_length);
    http_add_header_fmt(rq, "X-Top-K", "%d", p->sampling.top_k);
    http_add_header_fmt(rq, "X-Seed", "%llu", (unsigned long long)p->sampling.seed);
    http_add_header(rq, "X-Model-Name", m->name);
    http_add_header(rq, "X-Model-Device", STR("cpu"));
    http_add_header(rq, "Cache-Control", STR("no-store"));
}

static bool wants_events(http_req *rq) {
    str accept;
    return http_header(&accept, rq, "Accept") &&
           str_find(accept, STR("text/event-stream")) < accept.len;
}

// Who asks, for the engine's queue: an address, whatever its port.
static uint64_t client_of(const http_req *rq) {
    str peer = http_peer(rq);
    while (peer.len && peer.ptr[peer.len - 1] != ':')
        peer.len--;
    return str_hash(peer, 0);
}

static status submit(generation *gen, http_req *rq, gpt2 *g, const gpt2_model *m,
                     const gpt2_params *p, const int32_t *ids, size_t n, err *e) {
    lm_request r = {
        .model = m->model,
        .prompt = ids,
        .n_prompt = n,
        .max_length = (int)p->max_length,
        .sampling = p->sampling,
        .client = client_of(rq),
        .notify = wake,
        .arg = gen,
    };
    return lm_submit(&gen->stream, g->engine, &r, e);
}

// 400: it can never run; 429: this client has its share; 503: nobody gets a place now.
static void refuse(http_req *rq, const gpt2 *g, status s, const err *e) {
    int code = s == E_ARG || s == E_LIMIT ? 400 : s == E_QUOTA ? 429 : 503;
    if (code != 400)
        http_add_header_fmt(rq, "Retry-After", "%d", lm_engine_retry_after_s(g->engine));
    http_reply_error(rq, code, "%s", e->msg);
}

void gpt2_run(http_req *rq, gpt2 *g, const gpt2_model *m, const gpt2_params *p) {
    generation *gen = arena_new(http_arena(rq), generation);
    *gen = (generation){
        .waker = http_waker_of(rq),
        .prompt = p->prompt,
        .is_events = wants_events(rq),
        .has_logprobs = p->sampling.logprobs >= 0,
        .state = LM_LENGTH,
        .start_ns = os_now_ns(),
    };
    if (gen->has_logprobs && !gen->is_events) {
        http_reply_error(rq, 400, "logprobs come in events: ask with Accept: text/event-stream");
        return;
    }
    int32_t *ids;
    size_t n;
    err e = {0};
    status s = gpt2_encode(&ids, &n, m, p->prompt, http_arena(rq), &e);
    if (!s) s = gpt2_text_init(&gen->text, m->tokens, p->stop, p->n_stop, &e);
    bool has_work = http_method(rq) != HTTP_HEAD && !s && (int64_t)n < p->max_length;
    if (has_work) s = submit(gen, rq, g, m, p, ids, n, &e);
    if (s) {
        refuse(rq, g, s, &e);
        return;
    }
    add_headers(rq, m, p);
    http_reply_stream(rq, 200, gen->is_events ? "text/event-stream; charset=utf-8" : HTTP_TEXT,
                      (http_gen){gen, proceed, cease});
}
