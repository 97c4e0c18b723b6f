// From a folder or a GGUF file to a model that can chat. What a folder says about drawing
// (generation_config.json) is optional, and so is its template; the tokenizer is not.

#include "llm/parts.h"

#include "base/json_read.h"
#include "os/file.h"
#include "os/log.h"
#include "tensor/weights.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum {
    TEXT_FILE_MAX = 16 << 20,  // tokenizer_config.json lists all added tokens
    TEXTS = 3 * TEXT_FILE_MAX,
};

// --- Files ---------------------------------------------------------------------------------------

// A small file of the folder, in the arena. "" when there is none.
static status read_text(str *out, const char *folder, const char *name, arena *a, err *e) {
    char path[OS_PATH_MAX];
    os_map map;
    *out = (str){0};
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (n < 0 || n >= OS_PATH_MAX) return err_set(e, E_LIMIT, "%s: its path is too long", name);
    status st = os_map_open(&map, path, OS_MAP_SEQUENTIAL, e);
    if (st == E_NOT_FOUND) return OK;
    if (st) return st;
    if (map.len > TEXT_FILE_MAX || map.len + 64 > arena_room(a))
        st = err_set(e, E_LIMIT, "%s: %zu bytes, the limit is %d", name, map.len, TEXT_FILE_MAX);
    else
        *out = arena_str(a, os_map_str(&map));
    os_map_close(&map);
    return st;
}

static uint64_t mix(uint64_t h, uint64_t v) {
    return str_hash((str){(const char *)&v, sizeof v}, h);
}

uint64_t llm__parts_stamp(int64_t *created, const llm_source *s) {
    static const char *const names[] = {
        "",
        "/config.json",
        "/generation_config.json",
        "/model.safetensors",
        "/model.safetensors.index.json",
        "/tokenizer.json",
        "/tokenizer_config.json",
        "/chat_template.jinja",
    };
    uint64_t stamp = 0;
    *created = 0;
    for (size_t i = 0; i < countof(names); i++) {
        char path[OS_PATH_MAX];
        os_file_stat f;
        err none = {0};
        int n = snprintf(path, sizeof path, "%s%s", s->path, names[i]);
        if (n < 0 || n >= OS_PATH_MAX || os_stat(&f, path, &none)) continue;
        stamp = mix(mix(mix(stamp, i + 1), f.len), (uint64_t)f.mtime_ns);
        int64_t seconds = f.mtime_ns / 1000000000;
        if (seconds > *created) *created = seconds;
    }
    return stamp;
}

// --- generation_config.json ----------------------------------------------------------------------

typedef struct generation {
    lm_sampling sampling;
    int32_t eos[LM_EOS_MAX];
    size_t n_eos;
} generation;

// A number where the range allows it; what is out of range is as good as not said.
static void take_float(float *to, const json_value *config, const char *key, double min,
                       double max) {
    double v;
    if (json_is_number(&v, json_get(config, key)) && v >= min && v <= max) *to = (float)v;
}

static void add_eos(generation *g, const json_value *v) {
    int64_t id;
    if (g->n_eos < LM_EOS_MAX && json_is_int(&id, v) && id >= 0 && id < INT32_MAX)
        g->eos[g->n_eos++] = (int32_t)id;
}

static void take_generation(generation *g, const json_value *config) {
    float top_k = 0;
    take_float(&g->sampling.temperature, config, "temperature", 0, (double)LM_TEMPERATURE_MAX);
    if (g->sampling.temperature < LM_TEMPERATURE_MIN) g->sampling.temperature = 0;
    take_float(&g->sampling.top_p, config, "top_p", 1e-6, 1);
    take_float(&g->sampling.min_p, config, "min_p", 0, 1);
    take_float(&g->sampling.repetition, config, "repetition_penalty", (double)LM_REPETITION_MIN,
               (double)LM_REPETITION_MAX);
    take_float(&top_k, config, "top_k", 0, LM_TOP_K_MAX);
    g->sampling.top_k = (int)top_k;
    const json_value *eos = json_get(config, "eos_token_id");
    if (!eos || eos->kind != JSON_ARRAY) {
        add_eos(g, eos);
        return;
    }
    for (size_t i = 0; i < eos->n; i++)
        add_eos(g, &eos->items[i]);
}

static status read_generation(generation *g, const char *folder, err *e) {
    arena texts, tree = {0};
    str text;
    const json_value *config;
    *g = (generation){.sampling = lm_sampling_default()};
    g->sampling.top_k = 0;
    TRY(arena_open(&texts, TEXT_FILE_MAX + 4096, e));
    status st = read_text(&text, folder, "generation_config.json", &texts, e);
    if (!st && text.len) {
        st = arena_open(&tree, json_read_arena(text.len), e);
        if (!st) st = json_read(&config, text, &tree, e);
        if (!st)
            take_generation(g, config);
        else
            (void)err_in(e, "generation_config.json");
    }
    arena_close(&tree);
    arena_close(&texts);
    return st;
}

// --- Weights -------------------------------------------------------------------------------------

static bool is_file(const llm_source *s) {
    os_file_stat f;
    err none = {0};
    return os_stat(&f, s->path, &none) == OK && !f.is_dir;
}

// DIR/NAME-HASH.TYPE.panels: the hash keeps files of the same name in two folders apart.
static const char *panels_path(char out[OS_PATH_MAX], const llm_source *s, const llm_how *how,
                               const lm_load *load) {
    if (!how->panels) return NULL;
    char name[LLM_NAME_MAX + 1];
    snprintf(name, sizeof name, "%.*s", STR_ARG(s->name));
    for (char *c = name; *c; c++)
        if (*c == '/') *c = '-';
    int n = snprintf(out, OS_PATH_MAX, "%s/%s-%08x.%s.panels", how->panels, name,
                     (unsigned)str_hash(str_of(s->path), 1),
                     load->has_type ? kern_type_name(load->type) : "own");
    return n > 0 && n < OS_PATH_MAX ? out : NULL;
}

static bool is_plain(kern_type t) {
    return t == KERN_F32 || t == KERN_BF16 || t == KERN_F16;
}

// The type that a model is to be held in, its context, and what that takes.
static status plan(lm_load *load, size_t *bytes, const llm_source *s, const llm_how *how, err *e) {
    lm_spec spec;
    load->has_type = s->has_type;
    load->type = s->type;
    TRY(lm_model_measure(&spec, bytes, s->path, load, e));
    if (how->context) load->context = (int)min_size((size_t)how->context, (size_t)spec.context_max);
    if (s->has_type || !how->quantises || !is_plain(spec.type)) return OK;
    load->has_type = true;
    load->type = how->quantise;
    return lm_model_measure(&spec, bytes, s->path, load, e);
}

status llm__parts_measure(size_t *bytes, const llm_source *s, const llm_how *how, err *e) {
    lm_load load = {0};
    return plan(&load, bytes, s, how, e);
}

static uint64_t fingerprint(const weights *w, const lm_spec *s) {
    uint64_t h = mix(weights_identity(w), (uint64_t)s->type << 32 | (uint64_t)s->head_type);
    h = mix(h, (uint64_t)s->block_size);  // angles of a longrope depend on it
    return str_hash(STR(VERSION), str_hash(str_of(kern_best()->name), h));
}

static status open_weights(llm_parts *p, const llm_source *s, const llm_how *how,
                           const generation *g, err *e) {
    char path[OS_PATH_MAX];
    size_t bytes;
    err note = {0};
    lm_load load = {.eos = g->eos,
                    .n_eos = g->n_eos,
                    .permille = how->permille,
                    .cancelled = how->cancelled,
                    .note = &note};
    TRY(plan(&load, &bytes, s, how, e));
    load.panels = panels_path(path, s, how, &load);
    TRY(lm_model_open(&p->model, s->path, &load, e));
    if (note.code) log_warning("llm", "%.*s: %s", STR_ARG(s->name), note.msg);
    p->view.model = p->model;
    p->view.sampling = g->sampling;
    return OK;
}

// --- Tokenizer, template, vocabulary -------------------------------------------------------------

static status open_tokens(llm_parts *p, const llm_source *s, const weights *w, err *e) {
    const gguf *g = weights_gguf(w);
    if (g) return tokenizer_open_gguf(&p->tokens, g, e);
    if (is_file(s))
        return err_set(e, E_UNSUPPORTED,
                       "%s: a file without a tokenizer: a folder or GGUF is needed", s->path);
    return tokenizer_open_folder(&p->tokens, s->path, e);
}

// The spelling of the token whose id GGUF gives. "" when it gives none.
static str spelling(const llm_parts *p, const gguf *g, const char *key) {
    double id;
    bool has = gguf_number(&id, g, key) && id >= 0 && id < (double)tokenizer_vocab(p->tokens);
    return has ? tokenizer_name(p->tokens, (int32_t)id) : (str){0};
}

static status chat_texts(chat_files *f, llm_parts *p, const llm_source *s, const weights *w,
                         err *e) {
    const gguf *g = weights_gguf(w);
    *f = (chat_files){0};
    if (!g) {
        TRY(read_text(&f->config, s->path, "tokenizer_config.json", &p->texts, e));
        return read_text(&f->chat_template, s->path, "chat_template.jinja", &p->texts, e);
    }
    f->bos = spelling(p, g, "tokenizer.ggml.bos_token_id");
    f->eos = spelling(p, g, "tokenizer.ggml.eos_token_id");
    str text;
    if (!gguf_str(&text, g, "tokenizer.chat_template")) return OK;
    if (text.len > TEXT_FILE_MAX)
        return err_set(e, E_LIMIT, "a chat template of %zu bytes", text.len);
    f->chat_template = arena_str(&p->texts, text);
    return OK;
}

static status open_chat(llm_parts *p, const llm_source *s, const weights *w, err *e) {
    chat_files f;
    err why = {0};
    TRY(arena_open(&p->texts, TEXTS, e));
    TRY(chat_texts(&f, p, s, w, e));
    status st = chat_open(&p->chat, &f, &why);
    p->view.chat = p->chat;
    if (st && st != E_NOT_FOUND) {
        p->view.chat_why = arena_str(&p->texts, str_of(why.msg));
        log_warning("llm", "%.*s: its chat template cannot be used: %s", STR_ARG(s->name), why.msg);
    }
    return st == E_MEMORY ? err_set(e, st, "%s", why.msg) : OK;
}

// Special tokens are no text: what a schema asks for is never spelt with them.
static str text_of(const void *self, int32_t id) {
    const tokenizer *t = self;
    return tokenizer_is_special(t, id) ? (str){0} : tokenizer_bytes(t, id);
}

static status open_all(llm_parts *p, const llm_source *s, const llm_how *how, const weights *w,
                       err *e) {
    generation g = {.sampling = lm_sampling_default()};
    g.sampling.top_k = 0;
    if (!is_file(s)) TRY(read_generation(&g, s->path, e));
    TRY(open_tokens(p, s, w, e));
    p->view.tokens = p->tokens;
    TRY(open_weights(p, s, how, &g, e));
    const lm_spec *spec = lm_model_spec(p->model);
    p->context = spec->block_size;
    p->view.fingerprint = fingerprint(w, spec);
    TRY(open_chat(p, s, w, e));
    size_t n_ids = min_size((size_t)spec->n_ids, tokenizer_vocab(p->tokens));
    TRY(schema_vocab_open(&p->vocab, n_ids, text_of, p->tokens, e));
    p->view.vocab = p->vocab;
    return OK;
}

status llm__parts_open(llm_parts *out, const llm_source *s, const llm_how *how, err *e) {
    weights *w;
    *out = (llm_parts){0};
    TRY(weights_open(&w, s->path, e));
    status st = open_all(out, s, how, w, e);
    weights_close(w);
    if (st) llm__parts_close(out);
    return st;
}

void llm__parts_close(llm_parts *p) {
    schema_vocab_close(p->vocab);
    chat_close(p->chat);
    tokenizer_close(p->tokens);
    lm_model_close(p->model);
    arena_close(&p->texts);
    *p = (llm_parts){0};
}
