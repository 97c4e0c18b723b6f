// The two apps over one host: the original's routes, and OpenAI's with the steps around them.

#include "llm/llm.h"

#include "app/gen_engine.h"
#include "base/json.h"

#include <stdlib.h>
#include <sys/stat.h>

// --- What there is -----------------------------------------------------------------------------

static void models(http_req *rq, void *app) {
    buf out;
    if (!llm_may(rq, app)) return;
    app_buf_init(&out, rq, 1024);
    json j;
    json_init(&j, &out);
    json_open(&j, '{');
    llm_models_stats(&j, ((llm *)app)->models);
    json_close(&j, '}');
    http_add_header(rq, "Cache-Control", STR("no-store"));
    app_reply_buf(rq, HTTP_JSON, &out);
}

// --- The same as OpenAI has it -------------------------------------------------------------------

// Beside OpenAI's members: what there is to know before one asks.
static void put_v1_model(json *j, const llm_row *r) {
    json_open(j, '{');
    json_key(j, "id"), json_str(j, r->name);
    json_key(j, "object"), json_str(j, STR("model"));
    json_key(j, "created"), json_i64(j, r->created);
    json_key(j, "owned_by"), json_str(j, STR("parallelopedia"));
    json_key(j, "state"), json_str(j, str_of(llm_state_name(r->state)));
    if (r->state == LLM_LOADING) json_key(j, "progress"), json_f64(j, r->loaded, 3);
    if (r->context) json_key(j, "context_window"), json_i64(j, r->context);
    json_close(j, '}');
}

static void v1_models(http_req *rq, void *app) {
    llm_row rows[LLM_MODELS_MAX];
    llm *l = app;
    buf out;
    if (!llm_may(rq, l)) return;
    size_t n = llm_models_rows(rows, l->models);
    app_buf_init(&out, rq, 1024);
    json j;
    json_init(&j, &out);
    json_open(&j, '{');
    json_key(&j, "object"), json_str(&j, STR("list"));
    json_key(&j, "data"), json_open(&j, '[');
    for (size_t i = 0; i < n; i++)
        put_v1_model(&j, &rows[i]);
    json_close(&j, ']');
    json_close(&j, '}');
    http_add_header(rq, "Cache-Control", STR("no-store"));
    app_reply_buf(rq, HTTP_JSON, &out);
}

static void v1_model(http_req *rq, void *app) {
    llm_row rows[LLM_MODELS_MAX];
    llm *l = app;
    str name = http_tail(rq);
    if (!llm_may(rq, l)) return;
    size_t n = llm_models_rows(rows, l->models), i = 0;
    while (i < n && !str_eq_nocase(name, rows[i].name))
        i++;
    if (i == n) {
        llm_error(rq, 404, "model", "model_not_found", "The model '%.*s' does not exist",
                  STR_ARG(str_first(name, 64)));
        return;
    }
    buf out;
    app_buf_init(&out, rq, 256);
    json j;
    json_init(&j, &out);
    put_v1_model(&j, &rows[i]);
    app_reply_buf(rq, HTTP_JSON, &out);
}

static void unknown(http_req *rq, void *app) {
    if (!llm_may(rq, app)) return;
    llm_error(rq, 404, NULL, "unknown_url", "Unknown request URL: %s %.*s",
              http_method(rq) == HTTP_POST ? "POST" : "GET",
              STR_ARG(str_first(http_path(rq), 200)));
}

// --- Opening -------------------------------------------------------------------------------------

static void host_close(void *self) {
    llm *l = self;
    if (--l->refs) return;
    llm_models_close(l->models);
    llm_schemas_close(l->schemas);
    free(l);
}

static status open_parts(llm *l, const app_options *o, err *e) {
    l->schemas = llm_schemas_open();
    if (!l->schemas) return err_set(e, E_MEMORY, "no memory for the llm app");
    TRY(gen_engine_get(&l->engine, o, 0, e));
    o->shared->has_floats |= !o->quantises;
    if (o->panels) mkdir(o->panels, 0777);  // of its absence the loader speaks
    llm_models_config c = {.specs = o->models,
                           .n_specs = o->n_models,
                           .quantises = o->quantises,
                           .quantise = o->quantise,
                           .context = o->context,
                           .budget = o->model_memory,
                           .panels = o->panels,
                           .engine = l->engine};
    return llm_models_open(&l->models, &c, e);
}

static status host_open(void **self, const app_options *o, err *e) {
    if (o->n_models == 0) return OK;
    llm *l = o->shared->llm;
    if (!l) {
        l = calloc(1, sizeof *l);
        if (!l) return err_set(e, E_MEMORY, "no memory for the llm app");
        l->api_key = o->api_key;
        status s = open_parts(l, o, e);
        if (s) {
            llm_schemas_close(l->schemas);
            free(l);
            return s;
        }
        o->shared->llm = l;
    }
    l->refs++;
    *self = l;
    return OK;
}

// --- Figures -------------------------------------------------------------------------------------

static const struct {
    llm_count count;
    const char *key;
} keys[] = {
    {LLM_COUNT_GENERATE, "generate"},
    {LLM_COUNT_COMPLETIONS, "completions"},
    {LLM_COUNT_CHATS, "chat_completions"},
    {LLM_COUNT_EMBEDDINGS, "embeddings"},
};

static void llm_stats(json *j, void *self) {
    const llm *l = self;
    lm_counters c;
    lm_engine_counters(&c, l->engine);
    llm_models_stats(j, l->models);
    json_key(j, "streams_live"), json_i64(j, c.streams_live);
    json_key(j, "streams_waiting"), json_i64(j, c.streams_waiting);
    json_key(j, "streams_cancelled"), json_u64(j, c.streams_cancelled);
    json_key(j, "tokens_prompt"), json_u64(j, c.tokens_prompt);
    json_key(j, "tokens_generated"), json_u64(j, c.tokens_generated);
}

static void openai_stats(json *j, void *self) {
    const llm *l = self;
    json_key(j, "requests"), json_open(j, '{');
    for (size_t i = 0; i < countof(keys); i++)
        json_key(j, keys[i].key), json_u64(j, atomic_load(&l->count[keys[i].count]));
    json_close(j, '}');
    json_key(j, "guided"), json_u64(j, atomic_load(&l->count[LLM_COUNT_GUIDED]));
    json_key(j, "schema_hits"), json_u64(j, atomic_load(&l->count[LLM_COUNT_SCHEMA_HITS]));
    json_key(j, "refused_keys"), json_u64(j, atomic_load(&l->count[LLM_COUNT_REFUSED_KEYS]));
}

static void llm_metrics(metrics *m, void *self) {
    llm_models_metrics(m, ((const llm *)self)->models);
}

static void openai_metrics(metrics *m, void *self) {
    const llm *l = self;
    metrics_family(m, METRICS_COUNTER, "llm_requests_total", "Requests that reached a model.");
    for (size_t i = 0; i < countof(keys); i++)
        metrics_u64(m, &(metrics_label){"route", str_of(keys[i].key)},
                    atomic_load(&l->count[keys[i].count]));
    const struct {
        llm_count count;
        const char *name, *help;
    } rows[] = {
        {LLM_COUNT_GUIDED, "llm_guided_total", "Requests whose answers a schema led."},
        {LLM_COUNT_SCHEMA_HITS, "llm_schema_hits_total", "Of them, with a schema that was kept."},
        {LLM_COUNT_REFUSED_KEYS, "llm_refused_keys_total", "Requests without the right key."}};
    for (size_t i = 0; i < countof(rows); i++) {
        metrics_family(m, METRICS_COUNTER, rows[i].name, rows[i].help);
        metrics_u64(m, NULL, atomic_load(&l->count[rows[i].count]));
    }
}

// --- The apps ------------------------------------------------------------------------------------

static const http_route llm_routes[] = {
    {HTTP_GET | HTTP_POST, "/llm/generate/*", llm_generate, .run = HTTP_WORKER,
     .about = "the same of a `--model`: text, or with `chat=1` an answer by its chat template"},
    {HTTP_GET, "/llm/models", models, .about = "the models, and which of them are in memory"},
};

const app_kind app_llm = {
    .name = "llm",
    .class_name = "parallelopedia.llm.CausalModelApp",
    .routes = llm_routes,
    .n_routes = countof(llm_routes),
    .needs = "--model PATH",
    .open = host_open,
    .stats = llm_stats,
    .metrics = llm_metrics,
    .close = host_close,
};

static const http_route openai_routes[] = {
    {HTTP_POST, "/v1/chat/completions", llm_chat_completions, .run = HTTP_WORKER,
     .about = "OpenAI's: a conversation goes on; parameters below"},
    {HTTP_POST, "/v1/completions", llm_completions, .run = HTTP_WORKER,
     .about = "OpenAI's: a text goes on"},
    {HTTP_POST, "/v1/embeddings", llm_embeddings, .run = HTTP_WORKER,
     .about = "OpenAI's: texts as vectors of length 1"},
    {HTTP_GET, "/v1/models", v1_models,
     .about = "OpenAI's list of models; also `state`, `progress`, `context_window`"},
    {HTTP_GET, "/v1/models/*", v1_model, .about = "one of them"},
    {HTTP_GET | HTTP_POST, "/v1/*", unknown, .about = "404 in OpenAI's shape"},
    {HTTP_POST, "/tokenize", llm_tokenize, .run = HTTP_WORKER,
     .about =
         "llama.cpp's: `{\"content\", \"add_special\", \"parse_special\", \"with_pieces\"}` to "
         "`{\"tokens\"}`"},
    {HTTP_POST, "/detokenize", llm_detokenize, .run = HTTP_WORKER,
     .about = "llama.cpp's: `{\"tokens\"}` to `{\"content\"}`"},
    {HTTP_POST, "/apply-template", llm_apply_template, .run = HTTP_WORKER,
     .about = "llama.cpp's: what `/v1/chat/completions` is asked, to `{\"prompt\"}`"},
};

const app_kind app_openai = {
    .name = "openai",
    .routes = openai_routes,
    .n_routes = countof(openai_routes),
    .refuse = llm_refuse,
    .needs = "--model PATH",
    .open = host_open,
    .stats = openai_stats,
    .metrics = openai_metrics,
    .close = host_close,
};
