// The GPT-2 app: a prompt in the URL, tokens back as they are made.
//
// A request is checked and tokenised on its loop (the prompt is bounded by the context, so that is
// microseconds), submitted to the engine, and becomes a generator: the engine's thread wakes the
// stream, the loop drains ids, decodes them and sends each as one chunk. The client's going closes
// the engine's stream, which ends the work within one token.
//
// Two forms of one stream: the original's plain text (prompt, then a chunk per token), and
// server-sent events for "Accept: text/event-stream", which carry counts and rates as well.
//
//   I1  a generation lives in its request's arena: the server calls stop() before that dies
//   I2  lm_stream_close has returned before the arena dies, so notify never sees a dead waker

#include "app/app.h"

#include "base/utf8.h"
#include "lm/engine.h"
#include "os/clock.h"
#include "os/log.h"
#include "os/rand.h"
#include "text/bpe.h"

#include <math.h>
#include <stdlib.h>

enum {
    MAX_LENGTH = 100,  // tokens in all, when the request does not say
    TOP_K = 50,        // the default and, as in the original, the most
    MODELS_MAX = 32,
    TOKEN_BYTES_MAX = 128,  // the longest token of the vocabulary: bounds a prompt before encoding
    RETRY_AFTER_S = 1,
};

typedef struct gpt2_model {
    str name;
    lm_model *model;
} gpt2_model;

typedef struct gpt2 {
    lm_engine *engine;
    gpt2_model model[MODELS_MAX];
    size_t n_models;
    arena names;
} gpt2;

// --- Parameters ------------------------------------------------------------------------------

typedef struct params {
    const gpt2_model *model;
    int64_t max_length, top_k;
    uint64_t seed;
    lm_rng rng;
    str prompt;
} params;

// A query parameter that is there and not empty (the page sends empty ones for "default").
static bool given(str *value, http_req *rq, const char *key) {
    return http_query(value, rq, key) && value->len;
}

static bool int_of(int64_t *out, http_req *rq, const char *key, int64_t dflt) {
    str text;
    *out = dflt;
    if (!given(&text, rq, key) || str_parse_i64(out, text)) return true;
    http_reply_error(rq, 400, "%s must be a whole number, not \"%.*s\"", key,
                     STR_ARG(str_first(text, 64)));
    return false;
}

// Seeds are 64 bits; a negative one counts from 2^64, as torch.manual_seed takes it.
static bool seed_of(uint64_t *out, http_req *rq) {
    str text;
    int64_t negative;
    *out = os_rand_u32();
    if (!given(&text, rq, "seed") || str_parse_u64(out, text)) return true;
    if (str_parse_i64(&negative, text)) {
        *out = (uint64_t)negative;
        return true;
    }
    http_reply_error(rq, 400, "seed must be a whole number of at most 64 bits");
    return false;
}

static bool model_of(const gpt2_model **out, http_req *rq, const gpt2 *g) {
    str name;
    *out = &g->model[0];
    if (!given(&name, rq, "model")) return true;
    for (size_t i = 0; i < g->n_models; i++)
        if (str_eq_nocase(name, g->model[i].name)) {
            *out = &g->model[i];
            return true;
        }
    if (str_eq(name, STR("gpt2"))) return true;  // what old clients call the default
    buf names;
    buf_init(&names, http_arena(rq), 64);
    for (size_t i = 0; i < g->n_models; i++) {
        buf_add(&names, i ? STR(", ") : STR(""));
        buf_add(&names, g->model[i].name);
    }
    http_reply_error(rq, 400, "unknown model \"%.*s\": this server has %.*s",
                     STR_ARG(str_first(name, 64)), STR_ARG(buf_str(&names)));
    return false;
}

static bool device_of(http_req *rq) {
    str device;
    if (!given(&device, rq, "device") || str_eq_nocase(device, STR("cpu"))) return true;
    http_reply_error(rq, 400, "device \"%.*s\" is not available: this server has cpu",
                     STR_ARG(str_first(device, 64)));
    return false;
}

static bool rng_of(lm_rng *out, http_req *rq) {
    str name;
    *out = LM_RNG_TORCH;
    if (!given(&name, rq, "rng") || lm_rng_named(out, name)) return true;
    http_reply_error(rq, 400, "rng must be " LM_RNG_NAMES);
    return false;
}

// The prompt: the rest of the path, a POST body, or ?prompt=.
static bool prompt_of(str *out, http_req *rq) {
    *out = http_tail(rq);
    if (!out->len) *out = http_body(rq);
    if (out->len || given(out, rq, "prompt")) return true;
    http_reply_error(rq, 400, "Missing prompt: ask for /gpt2/generate/PROMPT");
    return false;
}

static bool params_of(params *p, http_req *rq, const gpt2 *g) {
    if (!prompt_of(&p->prompt, rq) || !model_of(&p->model, rq, g) || !device_of(rq) ||
        !int_of(&p->max_length, rq, "max_length", MAX_LENGTH) ||
        !int_of(&p->top_k, rq, "top_k", TOP_K) || !seed_of(&p->seed, rq) || !rng_of(&p->rng, rq))
        return false;
    if (p->top_k < 1) {
        http_reply_error(rq, 400, "top_k must be 1 or more");
        return false;
    }
    p->top_k = min_i64(p->top_k, TOP_K);
    p->max_length = min_i64(p->max_length, lm_model_spec(p->model->model)->block_size);
    return true;
}

// Ids of the prompt, at most the context. Replies itself, and says false, when there are more.
static bool encode(int32_t **ids, size_t *n, http_req *rq, const params *p) {
    size_t context = (size_t)lm_model_spec(p->model->model)->block_size;
    err e = {0};
    *n = SIZE_MAX;
    if (p->prompt.len <= context * TOKEN_BYTES_MAX &&
        bpe_encode(ids, n, bpe_gpt2(), p->prompt, http_arena(rq), &e)) {
        http_reply_error(rq, 400, "%s", e.msg);
        return false;
    }
    if (*n <= context) return true;
    if (*n == SIZE_MAX)
        http_reply_error(rq, 400,
                         "the prompt is %zu bytes, far over the context of %.*s, %zu tokens",
                         p->prompt.len, STR_ARG(p->model->name), context);
    else
        http_reply_error(rq, 400, "the prompt is %zu tokens, the context of %.*s is %zu", *n,
                         STR_ARG(p->model->name), context);
    return false;
}

// --- A generation ----------------------------------------------------------------------------

typedef struct generation {
    lm_stream *stream;  // NULL: nothing to generate, only the prompt to echo
    http_waker waker;
    str prompt;      // what is still to be sent of it
    bool is_events;  // server-sent events
    bool sent_prompt, sent_end;
    lm_state state;
    int32_t ids[64];  // read from the engine, not yet sent
    size_t n_ids, at;
    bpe_stream decoder;
    uint64_t n_sent;  // tokens
    int64_t start_ns, first_ns;
} generation;

static void wake(void *arg) {
    generation *g = arg;
    http_wake(g->waker);
}

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

static void put_text(generation *g, buf *out, str text) {
    if (!g->is_events) {
        buf_add(out, text);
        return;
    }
    json j;
    event_open(&j, out);
    json_key(&j, "text"), json_str(&j, text);
    json_key(&j, "n"), json_u64(&j, g->n_sent);
    json_key(&j, "tok_s"), json_f64(&j, rate_of(g), 1);
    event_close(&j, out);
}

static void put_end(generation *g, buf *out) {
    if (!g->is_events) return;
    json j;
    event_open(&j, out);
    json_key(&j, "done"), json_bool(&j, true);
    json_key(&j, "reason"), json_str(&j, g->state == LM_STOPPED ? STR("stop") : STR("length"));
    json_key(&j, "n"), json_u64(&j, g->n_sent);
    json_key(&j, "tok_s"), json_f64(&j, rate_of(g), 1);
    json_key(&j, "first_token_ms");
    json_f64(&j, g->first_ns ? (double)(g->first_ns - g->start_ns) * 1e-6 : 0, 2);
    json_key(&j, "seconds"), json_f64(&j, os_seconds_since(g->start_ns), 3);
    event_close(&j, out);
}

// The text of the next ids, until there is some; empty when all ids are used up.
static str next_text(generation *g, buf *text) {
    for (;;) {
        if (g->at == g->n_ids) {
            g->at = 0;
            g->n_ids = lm_stream_read(g->ids, countof(g->ids), &g->state, g->stream);
            if (g->n_ids == 0) return (str){0};
        }
        if (!g->first_ns) g->first_ns = os_now_ns();
        g->n_sent++;
        bpe_stream_add(&g->decoder, text, bpe_gpt2(), g->ids[g->at++]);
        if (text->len) return buf_str(text);
    }
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
    ARENA_ON_STACK(scratch, 1024);
    buf text;
    buf_init(&text, &scratch, 0);
    str s = g->stream ? next_text(g, &text) : (str){0};
    if (s.len) {
        put_text(g, out, s);
        return HTTP_MORE;
    }
    if (g->stream && g->state == LM_RUNNING) return HTTP_WAIT;
    if (g->stream && g->state == LM_FAILED) return HTTP_FAIL;
    bpe_stream_end(&g->decoder, &text);
    if (text.len) put_text(g, out, buf_str(&text));
    put_end(g, out);
    return HTTP_END;
}

static void stop(void *self) {
    generation *g = self;
    lm_stream_close(g->stream);  // I2
    g->stream = NULL;
}

// --- Handlers --------------------------------------------------------------------------------

static void add_headers(http_req *rq, const params *p) {
    http_add_header_fmt(rq, "X-Max-Length", "%lld", (long long)p->max_length);
    http_add_header_fmt(rq, "X-Top-K", "%lld", (long long)p->top_k);
    http_add_header_fmt(rq, "X-Seed", "%llu", (unsigned long long)p->seed);
    http_add_header(rq, "X-Model-Name", p->model->name);
    http_add_header(rq, "X-Model-Device", STR("cpu"));
    http_add_header(rq, "Cache-Control", STR("no-store"));
}

static bool wants_events(http_req *rq) {
    str accept;
    return http_header(&accept, rq, "Accept") &&
           str_find(accept, STR("text/event-stream")) < accept.len;
}

static status submit(generation *gen, gpt2 *g, const params *p, const int32_t *ids, size_t n,
                     err *e) {
    lm_request r = {
        .model = p->model->model,
        .prompt = ids,
        .n_prompt = n,
        .max_length = (int)p->max_length,
        .sampling = lm_sampling_default(),
        .notify = wake,
        .arg = gen,
    };
    r.sampling.top_k = (int)p->top_k;
    r.sampling.seed = p->seed;
    r.sampling.rng = p->rng;
    return lm_submit(&gen->stream, g->engine, &r, e);
}

static void generate(http_req *rq, void *app) {
    gpt2 *g = app;
    params p;
    int32_t *ids;
    size_t n;
    if (!params_of(&p, rq, g) || !encode(&ids, &n, rq, &p)) return;
    generation *gen = arena_new(http_arena(rq), generation);
    gen->prompt = p.prompt;
    gen->is_events = wants_events(rq);
    gen->waker = http_waker_of(rq);
    gen->state = LM_LENGTH;
    gen->start_ns = os_now_ns();
    err e = {0};
    bool has_work = http_method(rq) != HTTP_HEAD && (int64_t)n < p.max_length;
    status s = has_work ? submit(gen, g, &p, ids, n, &e) : OK;
    if (s) {
        http_add_header_fmt(rq, "Retry-After", "%d", RETRY_AFTER_S);
        http_reply_error(rq, 503, "%s", e.msg);
        return;
    }
    add_headers(rq, &p);
    http_reply_stream(rq, 200, gen->is_events ? "text/event-stream; charset=utf-8" : HTTP_TEXT,
                      (http_gen){gen, proceed, stop});
}

static void put_model(json *j, const gpt2_model *m) {
    const lm_spec *s = lm_model_spec(m->model);
    json_open(j, '{');
    json_key(j, "name"), json_str(j, m->name);
    json_key(j, "block_size"), json_i64(j, s->block_size);
    json_key(j, "vocab_size"), json_i64(j, s->vocab_size);
    json_key(j, "n_layer"), json_i64(j, s->n_layer);
    json_key(j, "n_head"), json_i64(j, s->n_head);
    json_key(j, "n_embd"), json_i64(j, s->n_embd);
    json_key(j, "n_params"), json_u64(j, s->n_params);
    json_key(j, "step"), json_i64(j, s->step);
    json_key(j, "val_loss"), json_f64(j, s->val_loss, 4);
    json_close(j, '}');
}

static void put_models(json *j, const gpt2 *g) {
    json_open(j, '[');
    for (size_t i = 0; i < g->n_models; i++)
        put_model(j, &g->model[i]);
    json_close(j, ']');
}

static void models(http_req *rq, void *app) {
    buf out;
    app_buf_init(&out, rq, 1024);
    json j;
    json_init(&j, &out);
    put_models(&j, app);
    app_reply_buf(rq, HTTP_JSON, &out);
}

// --- The app ---------------------------------------------------------------------------------

static void gpt2_close(void *self) {
    gpt2 *g = self;
    lm_engine_close(g->engine);
    for (size_t i = 0; i < g->n_models; i++)
        lm_model_close(g->model[i].model);
    arena_close(&g->names);
    free(g);
}

// "NAME=FILE" or "FILE": the first without a name is "gpt2", later ones are called by their file.
static str model_name(str *path, const char *spec, size_t i) {
    str text = str_of(spec);
    size_t eq = str_find_byte(text, '='), slash = str_find_byte(text, '/');
    if (eq < text.len && eq > 0 && eq < slash) {
        *path = str_skip(text, eq + 1);
        return str_first(text, eq);
    }
    *path = text;
    if (i == 0) return STR("gpt2");
    str name = text;
    for (size_t at; (at = str_find_byte(name, '/')) < name.len;)
        name = str_skip(name, at + 1);
    return str_ends(name, STR(".pt")) ? str_first(name, name.len - 3) : name;
}

static status open_model(gpt2 *g, const char *spec, err *e) {
    if (g->n_models == MODELS_MAX) return err_set(e, E_LIMIT, "over %d models", MODELS_MAX);
    gpt2_model *m = &g->model[g->n_models];
    str path;
    m->name = arena_str(&g->names, model_name(&path, spec, g->n_models));
    for (size_t i = 0; i < g->n_models; i++)
        if (str_eq_nocase(m->name, g->model[i].name))
            return err_set(e, E_ARG, "two models are called \"%.*s\": name them NAME=FILE",
                           STR_ARG(m->name));
    int64_t start = os_now_ns();
    TRY(lm_model_open(&m->model, arena_cstr(&g->names, path), NULL, e));
    g->n_models++;
    const lm_spec *s = lm_model_spec(m->model);
    log_info("gpt2",
             "%.*s: %.1f M parameters, %d layers, context %d, step %lld, val_loss %.4f, "
             "loaded in %.2f s",
             STR_ARG(m->name), (double)s->n_params / 1e6, s->n_layer, s->block_size,
             (long long)s->step, s->val_loss, os_seconds_since(start));
    return OK;
}

static status gpt2_open(void **self, const app_options *o, err *e) {
    if (o->n_gpt2 == 0) return OK;
    gpt2 *g = calloc(1, sizeof *g);
    if (!g) return err_set(e, E_MEMORY, "no memory for the gpt2 app");
    status s = arena_open(&g->names, 1 << 20, e);
    for (size_t i = 0; i < o->n_gpt2 && !s; i++)
        s = open_model(g, o->gpt2[i], e);
    lm_config c = {.n_threads = o->n_compute, .streams_max = o->streams_max};
    if (!s) s = lm_engine_open(&g->engine, &c, e);
    if (s) {
        gpt2_close(g);
        return s;
    }
    *self = g;
    return OK;
}

static void gpt2_stats(json *j, void *self) {
    const gpt2 *g = self;
    lm_counters c;
    lm_engine_counters(&c, g->engine);
    json_key(j, "models"), put_models(j, g);
    json_key(j, "streams_live"), json_i64(j, c.streams_live);
    json_key(j, "streams_waiting"), json_i64(j, c.streams_waiting);
    json_key(j, "streams_total"), json_u64(j, c.streams_total);
    json_key(j, "streams_cancelled"), json_u64(j, c.streams_cancelled);
    json_key(j, "tokens_prompt"), json_u64(j, c.tokens_prompt);
    json_key(j, "tokens_generated"), json_u64(j, c.tokens_generated);
    json_key(j, "steps"), json_u64(j, c.steps);
}

static const http_route routes[] = {
    {HTTP_GET | HTTP_POST, "/gpt2/generate/*", generate,
     .about = "streams the prompt, then each token as one chunk; `?max_length= &top_k= &seed= "
              "&model= &device= &rng=`; server-sent events for `Accept: text/event-stream`"},
    {HTTP_GET, "/gpt2/models", models, .about = "the models that `model=` may name"},
    {HTTP_GET | HTTP_POST, "/generate/*", generate, .about = "old name of /gpt2/generate"},
};

const app_kind app_gpt2 = {
    .name = "gpt2",
    .class_name = "parallelopedia.gpt2.Gpt2App",
    .routes = routes,
    .n_routes = countof(routes),
    .needs = "--gpt2 FILE.pt",
    .open = gpt2_open,
    .stats = gpt2_stats,
    .close = gpt2_close,
};
