// The GPT-2 app: a prompt in the URL or a JSON body, tokens back as they are made.
//
// A request is checked and tokenised on its loop (the prompt is bounded by the context, so that is
// microseconds), submitted to the engine, and becomes a generator (gen_stream.c).
//
//   I1  what the original's URLs meant they still mean: parameters, limits, defaults, headers

#include "app/gpt2_app.h"

#include "app/gen_engine.h"
#include "app/gen_stream.h"
#include "os/log.h"

#include <stdlib.h>
#include <sys/stat.h>

// --- A request -------------------------------------------------------------------------------

static const gpt2_model *model_named(const gpt2 *g, str name) {
    for (size_t i = 0; i < g->n_models; i++)
        if (str_eq_nocase(name, g->model[i].name)) return &g->model[i];
    // What old clients call the default.
    return name.len == 0 || str_eq(name, STR("gpt2")) ? &g->model[0] : NULL;
}

static void reply_unknown_model(http_req *rq, const gpt2 *g, str name) {
    buf names;
    buf_init(&names, http_arena(rq), 64);
    for (size_t i = 0; i < g->n_models; i++) {
        buf_add(&names, i ? STR(", ") : STR(""));
        buf_add(&names, g->model[i].name);
    }
    http_reply_error(rq, 400, "unknown model \"%.*s\": this server has %.*s",
                     STR_ARG(str_first(name, 64)), STR_ARG(buf_str(&names)));
}

// The model's name stands in the reply where the original has it: behind the parameters.
static void run(http_req *rq, const gpt2 *g, const gpt2_model *m, gen_params *p) {
    gen_job job = {.engine = g->engine, .model = m->model, .prompt = p->prompt, .p = p};
    generation *gen;
    int32_t *ids;
    err e = {0};
    status s = gpt2_encode(&ids, &job.n_ids, m, p->prompt, http_arena(rq), &e);
    if (!s) s = gen_text_init(&job.text, m->tokens, p->stop, p->n_stop, &e);
    if (!s) job.ids = ids, s = gen_open(&gen, rq, &job, &e);
    if (s) {
        gen_refuse(rq, g->engine, s, &e);
        return;
    }
    gen_add_headers(rq, p);
    http_add_header(rq, "X-Model-Name", m->name);
    http_add_header(rq, "X-Model-Device", STR("cpu"));
    gen_reply(rq, gen);
}

static void generate(http_req *rq, void *app) {
    gpt2 *g = app;
    gen_params p;
    err e = {0};
    gen_params_default(&p);
    if (gen_read(&p, rq, GEN_QUERY, GEN_BODY, &e)) {
        http_reply_error(rq, 400, "%s", e.msg);
        return;
    }
    const gpt2_model *m = model_named(g, p.model);
    if (!m) {
        reply_unknown_model(rq, g, p.model);
        return;
    }
    p.max_length = min_i64(p.max_length, lm_model_spec(m->model)->block_size);
    run(rq, g, m, &p);
}

// --- What there is ---------------------------------------------------------------------------

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
    json_key(j, "type"), json_str(j, str_of(kern_type_name(s->type)));
    json_key(j, "bytes"), json_u64(j, s->bytes_per_token);
    json_key(j, "tokenizer"), json_str(j, m->own ? STR("tokenizer.json") : STR("built-in"));
    json_key(j, "tokens"), json_u64(j, tokenizer_vocab(m->tokens));
    json_key(j, "load_seconds"), json_f64(j, m->load_s, 3);
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

static void gpt2_metrics(metrics *m, void *self) {
    const gpt2 *g = self;
    const struct {
        const char *name, *help;
    } families[] = {{"lm_model_bytes", "Weights that a token reads."},
                    {"lm_model_parameters", "Parameters."},
                    {"lm_model_load_seconds", "Time it took to open."}};
    for (size_t k = 0; k < countof(families); k++) {
        metrics_family(m, METRICS_GAUGE, families[k].name, families[k].help);
        for (size_t i = 0; i < g->n_models; i++) {
            const lm_spec *s = lm_model_spec(g->model[i].model);
            const double v[] = {(double)s->bytes_per_token, (double)s->n_params,
                                g->model[i].load_s};
            metrics_f64(m, &(metrics_label){"model", g->model[i].name}, v[k]);
        }
    }
}

static void gpt2_close(void *self) {
    gpt2 *g = self;
    gen_engine_close(g->shared);  // before its models
    for (size_t i = 0; i < g->n_models; i++)
        gpt2_model_close(&g->model[i]);
    arena_close(&g->names);
    free(g);
}

// The first without a name is "gpt2"; later ones are called by their file and, said so, type.
static str name_of(gpt2 *g, const gpt2_spec *spec) {
    if (spec->name.len) return spec->name;
    if (g->n_models == 0) return STR("gpt2");
    str name = str_of(spec->path);
    while (str_ends(name, STR("/")))
        name.len--;
    for (size_t at; (at = str_find_byte(name, '/')) < name.len;)
        name = str_skip(name, at + 1);
    if (str_ends(name, STR(".pt"))) name.len -= 3;
    return spec->has_type
               ? arena_fmt(&g->names, "%.*s-%s", STR_ARG(name), kern_type_name(spec->type))
               : arena_str(&g->names, name);
}

static status add_model(gpt2 *g, str text, const char *panels, err *e) {
    if (g->n_models == LM_MODELS_MAX) return err_set(e, E_LIMIT, "over %d models", LM_MODELS_MAX);
    gpt2_model *m = &g->model[g->n_models];
    gpt2_spec spec;
    TRY(gpt2_spec_parse(&spec, text, &g->names, e));
    m->name = name_of(g, &spec);
    for (size_t i = 0; i < g->n_models; i++)
        if (str_eq_nocase(m->name, g->model[i].name))
            return err_set(e, E_ARG, "two models are called \"%.*s\": name them NAME=FILE",
                           STR_ARG(m->name));
    TRY(gpt2_model_open(m, &spec, panels, e));
    g->n_models++;
    const lm_spec *s = lm_model_spec(m->model);
    ARENA_ON_STACK(scratch, 512);
    buf say;
    buf_init(&say, &scratch, 0);
    gpt2_model_say(&say, m);
    log_info("gpt2", "%.*s: %.*s, step %lld, val_loss %.4f, loaded in %.2f s", STR_ARG(m->name),
             STR_ARG(buf_str(&say)), (long long)s->step, s->val_loss, m->load_s);
    return OK;
}

// A list from the environment or a file is cut at commas, so there a type is an item of its own.
static status add_models(gpt2 *g, const app_options *o, err *e) {
    kern_type type;
    for (size_t i = 0; i < o->n_gpt2; i++) {
        str text = str_of(o->gpt2[i]);
        if (i + 1 < o->n_gpt2 && kern_type_named(&type, str_of(o->gpt2[i + 1])))
            text = arena_fmt(&g->names, "%s,%s", o->gpt2[i], o->gpt2[i + 1]), i++;
        TRY(add_model(g, text, o->panels, e));
    }
    return OK;
}

static bool has_floats(const gpt2 *g) {
    for (size_t i = 0; i < g->n_models; i++)
        if (!kern_type_is_int(lm_model_spec(g->model[i].model)->type)) return true;
    return false;
}

// The working set with which the machine is measured: the largest of the models.
static size_t probe_bytes(const gpt2 *g) {
    size_t bytes = 0;
    for (size_t i = 0; i < g->n_models; i++)
        bytes = max_size(bytes, lm_model_spec(g->model[i].model)->bytes_per_token);
    return bytes;
}

static status gpt2_open(void **self, const app_options *o, err *e) {
    if (o->n_gpt2 == 0) return OK;
    gpt2 *g = calloc(1, sizeof *g);
    if (!g) return err_set(e, E_MEMORY, "no memory for the gpt2 app");
    g->shared = o->shared;
    status s = arena_open(&g->names, 1 << 20, e);
    if (!s && o->panels) mkdir(o->panels, 0777);  // of its absence the loader speaks
    if (!s) s = add_models(g, o, e);
    if (!s) s = gen_engine_get(&g->engine, o, probe_bytes(g), e);
    o->shared->has_floats |= has_floats(g);
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
     .about = "streams the prompt, then each token as one chunk; parameters below, in the query or "
              "as a JSON body; server-sent events for `Accept: text/event-stream`"},
    {HTTP_GET, "/gpt2/models", models, .about = "the models that `model=` may name"},
    {HTTP_GET | HTTP_POST, "/generate/*", generate, .about = "old name of /gpt2/generate"},
};

const app_kind app_gpt2 = {
    .name = "gpt2",
    .class_name = "parallelopedia.gpt2.Gpt2App",
    .routes = routes,
    .n_routes = countof(routes),
    .needs = "--gpt2 PATH",
    .open = gpt2_open,
    .stats = gpt2_stats,
    .metrics = gpt2_metrics,
    .close = gpt2_close,
};
