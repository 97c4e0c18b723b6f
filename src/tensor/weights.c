// One table of tensors over one file or many.
//
// Rejected: loading pytorch_model.bin out of a Hugging Face folder (every GPT-2 there has
// safetensors beside it), and keeping to the folder's symbolic links (Hugging Face's own cache
// consists of them).
//
//   I1  a name out of an index is joined to the folder only after it was seen to be one file name
//   I2  every file is opened once, however many tensors an index says are in it

#include "tensor/weights.h"

#include "tensor/pt.h"
#include "tensor/safetensors.h"

#include <stdio.h>
#include <stdlib.h>

#define CONFIG "config.json"
#define INDEX  "model.safetensors.index.json"
#define SINGLE "model.safetensors"

struct weights {
    weights_kind kind;
    pt *pt;
    gguf *gguf;
    safetensors *shard[WEIGHTS_SHARDS_MAX];
    size_t n_shards;
    os_map config_map;
    const json_value *config;
    arena json;          // the config
    arena a;             // names
    tensor_names names;  // of shards, when an index chose them
};

// --- Hugging Face: JSON beside the tensors -------------------------------------------------------

static status join(char *path, str dir, str name, err *e) {
    if (dir.len + 1 + name.len >= OS_PATH_MAX)
        return err_set(e, E_LIMIT, "%.*s: a path of over %d bytes", STR_ARG(dir), OS_PATH_MAX - 1);
    int n =
        snprintf(path, OS_PATH_MAX, "%.*s%s%.*s", STR_ARG(dir), dir.len ? "/" : "", STR_ARG(name));
    CHECK(n >= 0 && n < OS_PATH_MAX);
    return OK;
}

static status read_json(const json_value **out, const os_map *map, size_t most, arena *a, err *e) {
    if (map->len > most) return err_set(e, E_LIMIT, "%zu bytes of JSON, limit %zu", map->len, most);
    TRY(arena_open(a, json_read_arena(map->len), e));
    return json_read(out, os_map_str(map), a, e);
}

// Maps and reads folder/name.
static status open_json(const json_value **out, os_map *map, str dir, str name, size_t most,
                        arena *a, err *e) {
    char path[OS_PATH_MAX];
    TRY(join(path, dir, name, e));
    TRY(os_map_open(map, path, OS_MAP_SEQUENTIAL, e));
    status s = read_json(out, map, most, a, e);
    if (!s && (*out)->kind != JSON_OBJECT) s = err_set(e, E_FORMAT, "no JSON object");
    if (s) (void)err_in(e, "%s", path);
    return s;
}

static status open_shard(weights *w, str dir, str name, err *e) {
    char path[OS_PATH_MAX];
    TRY(join(path, dir, name, e));
    TRY(safetensors_open(&w->shard[w->n_shards], path, e));
    w->n_shards++;
    return OK;
}

// --- Shards --------------------------------------------------------------------------------------

typedef struct mapped {
    str file, tensor;
} mapped;

static int by_file(const void *a, const void *b) {
    const mapped *x = a, *y = b;
    int d = str_cmp(x->file, y->file);
    return d ? d : str_cmp(x->tensor, y->tensor);
}

static bool is_plain_name(str s) {  // I1
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == '/' || s.ptr[i] == 0x7F) return false;
    return s.len > 0 && s.len < 256 && !str_eq(s, STR(".")) && !str_eq(s, STR(".."));
}

// Entries of "weight_map", ordered by file.
static status read_map(mapped **out, size_t *n, const json_value *index, arena *a, err *e) {
    const json_value *map = json_get(index, "weight_map");
    if (!map || map->kind != JSON_OBJECT || map->n == 0)
        return err_set(e, E_FORMAT, "no weight_map");
    if (map->n > TENSOR_NAMES_MAX)
        return err_set(e, E_LIMIT, "%u entries in weight_map, limit %d", map->n, TENSOR_NAMES_MAX);
    mapped *all = arena_try_array(a, map->n, sizeof *all);
    if (!all) return err_set(e, E_LIMIT, "no room for %u names", map->n);
    for (uint32_t i = 0; i < map->n; i++) {
        all[i].tensor = map->items[i].key;
        if (!tensor_name_ok(all[i].tensor))
            return err_set(e, E_FORMAT, "a tensor's name is no text of 1 to %d bytes",
                           TENSOR_NAME_MAX);
        if (!json_is_str(&all[i].file, &map->items[i]) || !is_plain_name(all[i].file))
            return err_set(e, E_FORMAT, "%.*s: its file is not named by a plain file name",
                           STR_ARG(all[i].tensor));
    }
    qsort(all, map->n, sizeof *all, by_file);
    *out = all;
    *n = map->n;
    return OK;
}

static status open_shards(weights *w, str dir, const mapped *all, size_t n, err *e) {
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || !str_eq(all[i].file, all[i - 1].file)) {  // I2
            if (w->n_shards == WEIGHTS_SHARDS_MAX)
                return err_set(e, E_LIMIT, "over %d files", WEIGHTS_SHARDS_MAX);
            TRY(open_shard(w, dir, all[i].file, e));
        }
        tensor t;
        if (!tensor_names_find(&t, safetensors_tensors(w->shard[w->n_shards - 1]), all[i].tensor))
            return err_set(e, E_FORMAT, "%.*s/" INDEX ": %.*s is not in %.*s", STR_ARG(dir),
                           STR_ARG(all[i].tensor), STR_ARG(all[i].file));
        tensor_names_add(&w->names, all[i].tensor, &t);
    }
    return tensor_names_sort(&w->names, e);
}

// The index's texts live as long as its map, so names are copied out of both.
static status read_index(weights *w, str dir, const json_value *index, arena *a, err *e) {
    mapped *all = NULL;
    size_t n = 0;
    if (read_map(&all, &n, index, a, e)) return err_in(e, "%.*s/" INDEX, STR_ARG(dir));
    size_t text = 0;
    for (size_t i = 0; i < n; i++)
        text += align_up(all[i].tensor.len + 1, 16);
    TRY(arena_open(&w->a, tensor_names_arena(n) + text + 64, e));
    TRY(tensor_names_open(&w->names, n, &w->a, e));
    for (size_t i = 0; i < n; i++)
        all[i].tensor = arena_str(&w->a, all[i].tensor);
    return open_shards(w, dir, all, n, e);
}

static status open_index(weights *w, str dir, err *e) {
    os_map map = {0};
    arena a = {0};
    const json_value *index = NULL;
    status s = open_json(&index, &map, dir, STR(INDEX), WEIGHTS_INDEX_MAX, &a, e);
    if (!s) s = read_index(w, dir, index, &a, e);
    arena_close(&a);
    os_map_close(&map);
    return s;
}

// --- Opening -------------------------------------------------------------------------------------

static bool exists(str dir, const char *name) {
    char path[OS_PATH_MAX];
    os_file_stat st;
    return !join(path, dir, str_of(name), NULL) && !os_stat(&st, path, NULL);
}

static status open_config(weights *w, str dir, err *e) {
    w->kind = WEIGHTS_HF;
    return open_json(&w->config, &w->config_map, dir, STR(CONFIG), WEIGHTS_CONFIG_MAX, &w->json, e);
}

static status open_folder(weights *w, str dir, err *e) {
    TRY(open_config(w, dir, e));
    if (exists(dir, SINGLE)) return open_shard(w, dir, STR(SINGLE), e);
    if (exists(dir, INDEX)) return open_index(w, dir, e);
    return err_set(e, E_NOT_FOUND, "%.*s: neither " SINGLE " nor " INDEX " is there", STR_ARG(dir));
}

static status open_file(weights *w, str path, err *e) {
    size_t slash = path.len;
    while (slash && path.ptr[slash - 1] != '/')
        slash--;
    // The folder of "/a" is "/": join() puts the slash in.
    str dir = slash > 1 ? str_first(path, slash - 1) : slash ? STR("/.") : STR(".");
    TRY(open_config(w, dir, e));
    return open_shard(w, dir, str_skip(path, slash), e);
}

static bool is_gguf(const char *path) {
    os_map map;
    if (os_map_open(&map, path, OS_MAP_RANDOM, NULL)) return false;
    bool is = str_starts(os_map_str(&map), STR("GGUF"));
    os_map_close(&map);
    return is;
}

static status open_gguf(weights *w, const char *path, err *e) {
    w->kind = WEIGHTS_GGUF;
    return gguf_open(&w->gguf, path, e);
}

static status open_path(weights *w, const char *path, err *e) {
    os_file_stat st;
    TRY(os_stat(&st, path, e));
    str s = str_of(path);
    if (st.is_dir) {
        while (s.len > 1 && s.ptr[s.len - 1] == '/')
            s.len--;
        return open_folder(w, s, e);
    }
    if (str_ends(s, STR(".safetensors"))) return open_file(w, s, e);
    if (is_gguf(path)) return open_gguf(w, path, e);
    TRY(pt_open(&w->pt, path, e));
    status bad = pt_check(w->pt, e);
    if (bad) (void)err_in(e, "%s", path);
    return bad;
}

status weights_open(weights **out, const char *path, err *e) {
    *out = NULL;
    weights *w = calloc(1, sizeof *w);
    if (!w) return err_set(e, E_MEMORY, "no memory for a table of files");
    status s = open_path(w, path, e);
    if (s)
        weights_close(w);
    else
        *out = w;
    return s;
}

void weights_close(weights *w) {
    if (!w) return;
    pt_close(w->pt);
    gguf_close(w->gguf);
    for (size_t i = 0; i < w->n_shards; i++)
        safetensors_close(w->shard[i]);
    os_map_close(&w->config_map);
    arena_close(&w->json);
    arena_close(&w->a);
    free(w);
}

// --- Looking up ----------------------------------------------------------------------------------

weights_kind weights_kind_of(const weights *w) {
    return w->kind;
}

const tensor_names *weights_tensors(const weights *w) {
    if (w->pt) return pt_tensors(w->pt);
    if (w->gguf) return gguf_tensors(w->gguf);
    return w->names.n ? &w->names : safetensors_tensors(w->shard[0]);
}

bool weights_tensor(tensor *out, const weights *w, const char *name) {
    return tensor_names_find(out, weights_tensors(w), str_of(name));
}

bool weights_number(double *out, const weights *w, const char *section, const char *key) {
    if (w->pt) return pt_number(out, w->pt, section, key);
    return str_eq(str_of(section), STR("config")) && json_is_number(out, json_get(w->config, key));
}

const json_value *weights_config(const weights *w) {
    return w->config;
}

const gguf *weights_gguf(const weights *w) {
    return w->gguf;
}

static size_t n_files(const weights *w) {
    return w->kind == WEIGHTS_HF ? w->n_shards : 1;
}

static const os_map *file_of(const weights *w, size_t i) {
    if (w->kind == WEIGHTS_HF) return safetensors_map(w->shard[i]);
    return w->gguf ? gguf_map(w->gguf) : pt_map(w->pt);
}

void weights_prefetch(const weights *w) {
    for (size_t i = 0; i < n_files(w); i++)
        os_map_advise(file_of(w, i), OS_MAP_WILLNEED);
}

// Where a tensor begins, counted through all files.
static uint64_t place_of(const weights *w, const tensor *t) {
    uint64_t before = 0;
    for (size_t i = 0; i < n_files(w); i++) {
        const os_map *m = file_of(w, i);
        uint64_t at = (uintptr_t)t->data - (uintptr_t)m->base;
        if (at <= m->len) return before + at;
        before += m->len;
    }
    CHECK(!"a tensor outside its files");
}

uint64_t weights_identity(const weights *w) {
    const tensor_names *names = weights_tensors(w);
    uint64_t h = 0;
    for (size_t i = 0; i < n_files(w); i++) {
        uint64_t file[] = {file_of(w, i)->len, (uint64_t)file_of(w, i)->mtime_ns};
        h = str_hash((str){(const char *)file, sizeof file}, h);
    }
    for (size_t i = 0; i < names->n; i++) {
        const tensor *t = &names->in_order[i].t;
        uint64_t place[3 + TENSOR_DIMS_MAX] = {place_of(w, t), (uint64_t)t->dtype,
                                               (uint64_t)t->n_dims};
        for (int d = 0; d < t->n_dims; d++)
            place[3 + d] = (uint64_t)t->dim[d];
        h = str_hash(names->in_order[i].name, h);
        h = str_hash((str){(const char *)place, sizeof place}, h);
    }
    return h;
}

status weights_verify(const weights *w, os_pool *pool, err *e) {
    return w->pt ? pt_verify(w->pt, pool, e) : OK;
}
