// Specs to models. Where the text before '=' could be part of a path, a file of the whole name goes
// first.
//
//   I1  names differ, in any case

#include "llm/sources.h"

#include "base/json_read.h"
#include "os/file.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ENTRIES_MAX = 4096,
    CONFIG_MAX = 1 << 20,
    SCRATCH = 2 * ENTRIES_MAX * (OS_PATH_MAX + 300),
};

// --- The original's names ------------------------------------------------------------------------

static const struct {
    const char *id, *alias[3];
} aliases[LLM_ALIASED] = {
    {"Qwen/Qwen3-4B", {"qwen3-4b"}},
    {"openai/gpt-oss-20b", {"gpt-oss-20b", "20b", "oss-20b"}},
    {"openai/gpt-oss-120b", {"gpt-oss-120b", "120b", "oss-120b"}},
    {"LiquidAI/LFM2-8B-A1B", {"lfm2-8b-a1b"}},
    {"meta-llama/Llama-2-7b-hf", {"llama2-7b"}},
};

static bool same(str a, const char *b) {
    return b && str_eq_nocase(a, str_of(b));
}

// The part after the last '/'.
static str last_part(str path) {
    while (path.len && path.ptr[path.len - 1] == '/')
        path.len--;
    for (size_t at; (at = str_find_byte(path, '/')) < path.len;)
        path = str_skip(path, at + 1);
    return path;
}

// "Qwen3-4B-Q8_0" is Qwen3-4B: how a file is quantised is no part of what it is.
static str without_type(str name) {
    static const str types[] = {STR_INIT("q2_"), STR_INIT("q3_"),  STR_INIT("q4_"),
                                STR_INIT("q5_"), STR_INIT("q6_"),  STR_INIT("q8_"),
                                STR_INIT("f16"), STR_INIT("bf16"), STR_INIT("f32"),
                                STR_INIT("iq"),  STR_INIT("mxfp4")};
    size_t at = name.len;
    while (at > 0 && name.ptr[at - 1] != '-' && name.ptr[at - 1] != '.')
        at--;
    for (size_t i = 0; at > 1 && i < countof(types); i++)
        if (str_starts_nocase(str_skip(name, at), types[i])) return str_first(name, at - 1);
    return name;
}

static bool is_alias(str name, size_t of) {
    if (same(name, aliases[of].id) || str_eq_nocase(name, last_part(str_of(aliases[of].id))))
        return true;
    for (size_t i = 0; i < countof(aliases[of].alias); i++)
        if (same(name, aliases[of].alias[i])) return true;
    return false;
}

const char *llm__aliased(str name) {
    name = str_trim(name);
    for (size_t i = 0; i < countof(aliases); i++)
        if (is_alias(name, i)) return aliases[i].id;
    return NULL;
}

size_t llm__source_of(const llm_source *all, size_t n, str name) {
    name = str_trim(name);
    if (name.len == 0) return 0;
    for (size_t i = 0; i < n; i++)
        if (str_eq_nocase(all[i].name, name)) return i;
    const char *id = llm__aliased(name);
    for (size_t i = 0; i < n; i++)
        if (str_eq_nocase(all[i].id, id ? str_of(id) : name)) return i;
    return n;
}

size_t llm__absent(llm_absent out[LLM_ALIASED], const llm_source *all, size_t n) {
    size_t got = 0;
    for (size_t i = 0; i < countof(aliases); i++) {
        bool is_there = false;
        for (size_t j = 0; j < n; j++)
            is_there |= same(all[j].id, aliases[i].id);
        if (!is_there)
            out[got++] = (llm_absent){str_of(aliases[i].alias[0]), str_of(aliases[i].id)};
    }
    return got;
}

// --- Names and ids -------------------------------------------------------------------------------

static bool is_name_byte(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c && strchr("._:/@+-", c));
}

static bool is_name(str s) {
    for (size_t i = 0; i < s.len; i++)
        if (!is_name_byte(s.ptr[i])) return false;
    return s.len > 0 && s.len <= LLM_NAME_MAX;
}

// "models--ORG--NAME" anywhere in a path is what the hub calls ORG/NAME. "" elsewhere.
static str hub_id(str path, arena *a) {
    static const str mark = STR_INIT("models--");
    size_t at = str_find(path, mark);
    if (at == path.len) return (str){0};
    str rest = str_skip(path, at + mark.len);
    str org = str_first(rest, str_find(rest, STR("--")));
    if (org.len == rest.len) return (str){0};
    str name = str_skip(rest, org.len + 2);
    name = str_first(name, str_find_byte(name, '/'));
    str id = arena_fmt(a, "%.*s/%.*s", STR_ARG(org), STR_ARG(name));
    return is_name(id) ? id : (str){0};
}

// What a path calls a model: a folder's or a file's name, without ".gguf", odd bytes as '-'.
static str name_of(str path, arena *a) {
    str hub = hub_id(path, a), name = last_part(hub.len ? hub : path);
    if (str_ends(name, STR(".gguf"))) name.len -= strlen(".gguf");
    name = arena_str(a, str_first(name, LLM_NAME_MAX));
    for (size_t i = 0; i < name.len; i++)
        if (!is_name_byte(name.ptr[i])) ((char *)name.ptr)[i] = '-';
    return name.len ? name : STR("model");
}

// Where a config says that it comes from the hub: ORG/NAME.
static str config_id(const char *folder, arena *a) {
    char path[OS_PATH_MAX];
    os_map map;
    arena tree = {0};
    const json_value *config;
    str id = {0}, from;
    int n = snprintf(path, sizeof path, "%s/config.json", folder);
    if (n < 0 || n >= OS_PATH_MAX || os_map_open(&map, path, OS_MAP_SEQUENTIAL, NULL)) return id;
    str text = os_map_str(&map);
    if (text.len <= CONFIG_MAX && arena_open(&tree, json_read_arena(text.len), NULL) == OK &&
        json_read(&config, text, &tree, NULL) == OK &&
        json_is_str(&from, json_get(config, "_name_or_path"))) {
        size_t slash = str_find_byte(from, '/');
        bool is_hub = is_name(from) && slash > 0 && slash + 1 < from.len && from.ptr[0] != '.' &&
                      str_find_byte(str_skip(from, slash + 1), '/') == from.len - slash - 1;
        if (is_hub) id = arena_str(a, from);
    }
    arena_close(&tree);
    os_map_close(&map);
    return id;
}

// The hub's name: by the operator's name for it, by the folder's, by the config's.
static str id_of(const llm_source *s, arena *a) {
    str hub = hub_id(str_of(s->path), a), said = config_id(s->path, a);
    str by[] = {s->name, hub, said, name_of(str_of(s->path), a)};
    for (size_t i = 0; i < countof(by); i++) {
        const char *known = by[i].len ? llm__aliased(without_type(by[i])) : NULL;
        if (known) return str_of(known);
    }
    return hub.len ? hub : said.len ? said : s->name;
}

// --- Folders -------------------------------------------------------------------------------------

static bool is_there(const char *path, const char *inside, bool *is_dir) {
    char whole[OS_PATH_MAX];
    os_file_stat s;
    err none = {0};
    int n = snprintf(whole, sizeof whole, "%s%s%s", path, inside ? "/" : "", inside ? inside : "");
    if (n < 0 || n >= OS_PATH_MAX || os_stat(&s, whole, &none)) return false;
    *is_dir = s.is_dir;
    return true;
}

static bool has_file(const char *folder, const char *name) {
    bool is_dir;
    return is_there(folder, name, &is_dir) && !is_dir;
}

// The snapshot of a folder of the hub's cache that refs/main names; the folder itself elsewhere.
static const char *snapshot(const char *folder, arena *a) {
    char path[OS_PATH_MAX];
    os_map map;
    int n = snprintf(path, sizeof path, "%s/refs/main", folder);
    if (n < 0 || n >= OS_PATH_MAX || os_map_open(&map, path, OS_MAP_SEQUENTIAL, NULL))
        return folder;
    str hash = str_trim(str_first(os_map_str(&map), 64));
    if (is_name(hash) && str_find_byte(hash, '/') == hash.len)
        folder = arena_fmt(a, "%s/snapshots/%.*s", folder, STR_ARG(hash)).ptr;
    os_map_close(&map);
    return folder;
}

// A model by itself, or NULL; `path` where its files are.
static const char *one_model(const char *path, arena *a) {
    bool is_dir;
    if (!is_there(path, NULL, &is_dir)) return NULL;
    if (!is_dir) return str_ends(str_of(path), STR(".gguf")) ? path : NULL;
    path = snapshot(path, a);
    return has_file(path, "config.json") ? path : NULL;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// What lies in a folder, in the order of names; NULL when it cannot be read. Caps what it returns.
static const char **entries_of(size_t *n, const char *folder, arena *a) {
    DIR *d = opendir(folder);
    *n = 0;
    if (!d) return NULL;
    const char **all = arena_array(a, const char *, ENTRIES_MAX);
    for (struct dirent *f; *n < ENTRIES_MAX && (f = readdir(d));)
        if (f->d_name[0] != '.') all[(*n)++] = arena_fmt(a, "%s/%s", folder, f->d_name).ptr;
    closedir(d);
    qsort(all, *n, sizeof *all, by_name);
    return all;
}

// --- Specs ---------------------------------------------------------------------------------------

typedef struct reader {
    llm_source *out;
    size_t n;
    arena *a;
    arena scratch;  // of one spec
    str spec;
} reader;

static status add(reader *r, llm_source s, err *e) {
    s.path = arena_cstr(r->a, str_of(s.path));
    s.name = s.name.len ? arena_str(r->a, s.name) : name_of(str_of(s.path), r->a);
    if (r->n == LLM_MODELS_MAX) return err_set(e, E_ARG, "--model: over %d models", LLM_MODELS_MAX);
    for (size_t i = 0; i < r->n; i++)
        if (str_eq_nocase(r->out[i].name, s.name))  // I1
            return err_set(e, E_ARG,
                           "--model \"%.*s\": two models are called \"%.*s\"; name one of them "
                           "otherwise, NAME=PATH",
                           STR_ARG(r->spec), STR_ARG(s.name));
    s.id = id_of(&s, r->a);
    r->out[r->n++] = s;
    return OK;
}

// The last ",TYPE". A path may have commas, so only the word of a type is one.
static void take_type(llm_source *s, str *text) {
    for (size_t at = text->len; at > 0; at--) {
        if (text->ptr[at - 1] != ',') continue;
        s->has_type = kern_type_named(&s->type, str_skip(*text, at));
        if (s->has_type) text->len = at - 1;
        return;
    }
}

static status take_name(llm_source *s, str *text, arena *scratch, err *e) {
    bool is_dir;
    size_t eq = str_find_byte(*text, '=');
    if (eq == text->len || is_there(arena_cstr(scratch, *text), NULL, &is_dir)) return OK;
    s->name = str_first(*text, eq);
    if (!is_name(s->name))
        return err_set(e, E_ARG,
                       "--model \"%.*s\": a name has 1 to %d letters, digits and . _ : / @ + -",
                       STR_ARG(str_first(*text, 200)), LLM_NAME_MAX);
    *text = str_skip(*text, eq + 1);
    return OK;
}

// All models of a folder that is none.
static status read_folder(reader *r, const llm_source *s, err *e) {
    size_t n, before = r->n;
    const char **all = entries_of(&n, s->path, &r->scratch);
    for (size_t i = 0; i < n; i++) {
        llm_source one = {.has_type = s->has_type, .type = s->type};
        one.path = one_model(all[i], &r->scratch);
        if (one.path) TRY(add(r, one, e));
    }
    if (r->n == before) return add(r, *s, e);  // loading it will say what is missing
    if (!s->name.len) return OK;
    if (r->n > before + 1)
        return err_set(e, E_ARG, "--model \"%.*s\": %zu models lie there, they cannot share a name",
                       STR_ARG(r->spec), r->n - before);
    llm_source only = r->out[--r->n];
    only.name = s->name;
    return add(r, only, e);
}

static status read_spec(reader *r, str text, err *e) {
    llm_source s = {0};
    bool is_dir = false;
    r->spec = str_first(text, 200);
    take_type(&s, &text);
    TRY(take_name(&s, &text, &r->scratch, e));
    if (text.len == 0 || text.len >= OS_PATH_MAX / 2)
        return err_set(e, E_ARG, "--model \"%.*s\": a model wants a folder or a file",
                       STR_ARG(r->spec));
    while (text.len > 1 && text.ptr[text.len - 1] == '/')
        text.len--;
    s.path = arena_cstr(&r->scratch, text);
    const char *one = one_model(s.path, &r->scratch);
    if (!one && is_there(s.path, NULL, &is_dir) && is_dir) return read_folder(r, &s, e);
    if (one) s.path = one;
    return add(r, s, e);
}

status llm__sources_read(llm_source out[LLM_MODELS_MAX], size_t *n, const char **specs,
                         size_t n_specs, arena *a, err *e) {
    reader r = {.out = out, .a = a};
    status st = arena_open(&r.scratch, SCRATCH, e);
    for (size_t i = 0; !st && i < n_specs; i++) {
        arena_reset(&r.scratch, 0);
        st = read_spec(&r, str_of(specs[i]), e);
    }
    arena_close(&r.scratch);
    *n = r.n;
    return st;
}
