// Models: a line of the command line becomes weights and a tokenizer.

#include "app/gpt2_app.h"

#include "os/clock.h"

#include <stdio.h>

// --- What the operator says ------------------------------------------------------------------

// The last ",TYPE". A path may have commas, so only a word can be one.
static str type_of(str text) {
    size_t at = text.len;
    while (at > 0 && text.ptr[at - 1] != ',' && text.ptr[at - 1] != '/' && text.ptr[at - 1] != '.')
        at--;
    return at > 0 && text.ptr[at - 1] == ',' ? str_skip(text, at) : (str){0};
}

status gpt2_spec_parse(gpt2_spec *out, str text, arena *a, err *e) {
    *out = (gpt2_spec){0};
    str type = type_of(text);
    if (type.len) {
        out->has_type = kern_type_named(&out->type, type);
        if (!out->has_type)
            return err_set(e, E_ARG,
                           "\"%.*s\": there is no type \"%.*s\", but f32, bf16, f16, int8 and int4",
                           STR_ARG(str_first(text, 200)), STR_ARG(str_first(type, 32)));
        text = str_first(text, text.len - type.len - 1);
    }
    size_t eq = str_find_byte(text, '='), slash = str_find_byte(text, '/');
    if (eq < text.len && eq > 0 && eq < slash) {
        out->name = arena_str(a, str_first(text, eq));
        text = str_skip(text, eq + 1);
    }
    if (text.len == 0) return err_set(e, E_ARG, "a model wants a file or a folder");
    out->path = arena_cstr(a, text);
    return OK;
}

// --- Opening ---------------------------------------------------------------------------------

static uint64_t hash_of_path(const char *path) {
    return str_hash(str_of(path), 1);
}

// DIR/NAME-HASH.TYPE.panels: the hash keeps files of the same name in two folders apart.
static const char *panels_path(char out[OS_PATH_MAX], const char *dir, const gpt2_spec *spec) {
    if (!dir) return NULL;
    str name = str_of(spec->path);
    while (name.len && name.ptr[name.len - 1] == '/')
        name.len--;
    for (size_t at; (at = str_find_byte(name, '/')) < name.len;)
        name = str_skip(name, at + 1);
    snprintf(out, OS_PATH_MAX, "%s/%.*s-%08x.%s.panels", dir, STR_ARG(str_first(name, 128)),
             (unsigned)hash_of_path(spec->path),
             spec->has_type ? kern_type_name(spec->type) : "own");
    return out;
}

static bool has_file(const char *folder, const char *name) {
    char path[OS_PATH_MAX];
    os_file_stat s;
    err none = {0};
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    return n > 0 && n < OS_PATH_MAX && os_stat(&s, path, &none) == OK;
}

// A folder's own tokenizer; without one, and for a checkpoint, GPT-2's.
static status open_tokens(gpt2_model *m, const char *path, err *e) {
    m->tokens = tokenizer_gpt2();
    if (has_file(path, "tokenizer.json") || has_file(path, "vocab.json")) {
        TRY(tokenizer_open_folder(&m->own, path, e));
        m->tokens = m->own;
    }
    m->token_max = 1;
    for (size_t i = 0; i < tokenizer_vocab(m->tokens); i++)
        m->token_max = max_size(m->token_max, tokenizer_bytes(m->tokens, (int32_t)i).len);
    return m->token_max <= GEN_TOKEN_MAX
               ? OK
               : err_set(e, E_LIMIT, "%s: a token of %zu bytes, the limit is %d", path,
                         m->token_max, GEN_TOKEN_MAX);
}

status gpt2_model_open(gpt2_model *m, const gpt2_spec *spec, const char *panels, err *e) {
    char cache[OS_PATH_MAX];
    int64_t start = os_now_ns();
    lm_load how = {
        .has_type = spec->has_type, .type = spec->type, .panels = panels_path(cache, panels, spec)};
    str name = m->name;
    *m = (gpt2_model){.name = name};
    status s = lm_model_open(&m->model, spec->path, &how, e);
    if (!s) s = open_tokens(m, spec->path, e);
    if (s) gpt2_model_close(m);
    m->load_s = os_seconds_since(start);
    return s;
}

void gpt2_model_close(gpt2_model *m) {
    lm_model_close(m->model);
    tokenizer_close(m->own);
    m->model = NULL;
    m->own = NULL;
}

void gpt2_model_say(buf *out, const gpt2_model *m) {
    const lm_spec *s = lm_model_spec(m->model);
    buf_fmt(out, "%.1f M parameters, %d layers, context %d, %s, %.1f MB, tokenizer %s",
            (double)s->n_params / 1e6, s->n_layer, s->block_size, kern_type_name(s->type),
            (double)s->bytes_per_token / 1e6, m->own ? "of the folder" : "built in");
}

// --- Prompts ---------------------------------------------------------------------------------

status gpt2_encode(int32_t **ids, size_t *n, const gpt2_model *m, str text, arena *a, err *e) {
    size_t context = (size_t)lm_model_spec(m->model)->block_size;
    if (text.len > context * m->token_max)
        return err_set(e, E_LIMIT, "the prompt is %zu bytes, far over the context, %zu tokens",
                       text.len, context);
    TRY(tokenizer_encode(ids, n, m->tokens, text, TOKENIZER_PLAIN, a, e));
    return *n <= context
               ? OK
               : err_set(e, E_LIMIT, "the prompt is %zu tokens, the context is %zu", *n, context);
}
