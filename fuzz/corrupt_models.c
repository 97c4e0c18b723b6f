// Damages the small models of every family N times in all and loads what is still taken for one:
// `make corrupt-models`. Each is refused with a message, or loads and gives logits. A crash, a
// refusal without a message or a case that hangs fails.
//
//   corrupt_models N [SEED [FOLDER [CASE]]]     only this folder of tests/golden/hf, only this case

#include <stdbool.h>
#include <stdio.h>

#include "fuzz/damage.h"
#include "lm/forward.h"
#include "os/clock.h"
#include "tests/tensor/folder.h"

enum { HANG_S = 120, MODELS_MAX = 256, FRONT_GGUF = 8192 };

#define GOLDEN "tests/golden/hf"

static damage d;
static folder in;

static void must(bool ok, const char *what) {
    if (ok) return;
    fprintf(stderr, "%s\n", what);
    exit(1);
}

// --- The files of a model -----------------------------------------------------------------------

static const char *const files[] = {"config.json", "model.safetensors", "model.gguf"};

static bool has_file(const char *model, const char *file) {
    char path[512];
    os_file_stat st;
    snprintf(path, sizeof path, GOLDEN "/%s/%s", model, file);
    return !os_stat(&st, path, NULL);
}

static void read_good(const char *model, const char *file) {
    char path[512];
    os_map map;
    snprintf(path, sizeof path, GOLDEN "/%s/%s", model, file);
    must(!os_map_open(&map, path, OS_MAP_SEQUENTIAL, NULL) && map.len <= sizeof d.good, path);
    d.n_good = d.front = map.len;
    memcpy(d.good, map.base, map.len);
    os_map_close(&map);
    d.text_at = d.text_end = 0;
    if (!strcmp(file, "config.json")) d.text_end = d.n_good;
    if (!strcmp(file, "model.gguf")) d.front = FRONT_GGUF < d.n_good ? FRONT_GGUF : d.n_good;
    if (!strcmp(file, "model.safetensors")) {
        uint64_t len;
        memcpy(&len, d.good, 8);
        d.text_at = 8, d.text_end = d.front = 8 + len;
    }
}

// The length of safetensors' header, when what was changed is in it: damage gets past it.
static void mend(const char *file, size_t len) {
    uint64_t header;
    if (strcmp(file, "model.safetensors") || len < 8 || !dice(&d, 4)) return;
    memcpy(&header, d.bad, 8);
    header += len - d.n_good;
    memcpy(d.bad, &header, 8);
}

// --- Cases --------------------------------------------------------------------------------------

// The first logits of a model that loaded: whatever they are.
static void use(const lm_model *m) {
    static volatile float sink;
    lm_work w;
    lm_pages *pages = NULL;
    lm_seq seq;
    const int32_t ids[2] = {0, 0};
    size_t n = m->spec.block_size > 1 ? 2 : 1;
    must(!lm__work_open(&w, m, NULL) && !lm__pages_open(&pages, m, lm__page_bytes(m), NULL) &&
             lm__seq_open(&seq, pages, ids, n, n),
         "no memory for a pass");
    lm_segment seg = {.seq = &seq, .ids = ids, .n = n, .want = 1};
    lm__forward(&w, m, NULL, &seg, 1);
    sink = sink + seg.logits[0];
    lm__seq_close(&seq);
    lm__pages_close(pages);
    lm__work_close(&w);
}

// Whether the damaged model was taken.
static bool open_and_use(const char *file, const char *what) {
    char path[512];
    lm_model *m;
    err e = {0};
    snprintf(path, sizeof path, "%s", strcmp(file, "model.gguf") ? in.path : folder_at(&in, file));
    if (lm_model_open(&m, path, NULL, &e)) {
        must(e.msg[0] && e.code, what);
        return false;
    }
    use(m);
    lm_model_close(m);
    return true;
}

static bool run_case(const char *file, const char *what) {
    size_t len = damage_once(&d);
    mend(file, len);
    must(folder_put(&in, file, (str){(const char *)d.bad, len}), "cannot write");
    return open_and_use(file, what);
}

// n cases of one file of one model; the others lie beside it.
static long run_file(const char *model, const char *file, long n, uint64_t seed, long only) {
    long used = 0;
    char what[300], path[512];
    must(folder_open(&in), "no folder");
    for (size_t i = 0; i < countof(files); i++) {
        snprintf(path, sizeof path, GOLDEN "/%s/%s", model, files[i]);
        if (has_file(model, files[i])) must(folder_copy(&in, files[i], path), path);
    }
    read_good(model, file);
    snprintf(what, sizeof what, "%s/%s does not open undamaged", model, file);
    must(open_and_use(file, what), what);
    for (long i = 0; i < n; i++) {
        if (only >= 0 && i != only) continue;
        d.state = seed * 1000003 + (uint64_t)i;
        (void)dice(&d, 2);
        snprintf(what, sizeof what, "%s/%s case %ld: refused without a message", model, file, i);
        alarm(HANG_S);
        used += run_case(file, what);
    }
    folder_close(&in);
    return used;
}

static int by_name(const void *a, const void *b) {
    return strcmp(a, b);
}

int main(int argc, char **argv) {
    static char models[MODELS_MAX][256];
    long n = argc > 1 ? atol(argv[1]) : 1000, only = argc > 4 ? atol(argv[4]) : -1;
    uint64_t seed = argc > 2 ? (uint64_t)atoll(argv[2]) : 1;
    size_t n_models = 0, n_files = 0;
    long cases = 0, used = 0;
    int64_t start = os_now_ns();
    DIR *dir = opendir(GOLDEN);
    must(dir, "no " GOLDEN);
    for (struct dirent *i; (i = readdir(dir)) && n_models < MODELS_MAX;)
        if (i->d_name[0] != '.' && (argc < 4 || !strcmp(i->d_name, argv[3])))
            snprintf(models[n_models++], sizeof *models, "%s", i->d_name);
    closedir(dir);
    qsort(models, n_models, sizeof *models, by_name);
    for (size_t i = 0; i < n_models; i++)
        for (size_t f = 0; f < countof(files); f++)
            n_files += has_file(models[i], files[f]);
    must(n_files, "no models");
    long each = (n + (long)n_files - 1) / (long)n_files;
    for (size_t i = 0; i < n_models; i++)
        for (size_t f = 0; f < countof(files); f++)
            if (has_file(models[i], files[f]))
                used += run_file(models[i], files[f], each, seed, only), cases += each;
    printf("%zu models: %ld damaged, %ld refused, %ld loaded without harm, %.1f s\n", n_models,
           cases, cases - used, used, (double)(os_now_ns() - start) / 1e9);
    return 0;
}
