// Folders that tests/golden/make.py wrote: prompts, logits, continuations of transformers.
#ifndef TESTS_LM_HF_CASES_H
#define TESTS_LM_HF_CASES_H

#include "tests/lm/lm_cases.h"

#include <dirent.h>

enum { HF_FOLDERS_MAX = 1024 };

typedef struct hf_folders {
    char path[HF_FOLDERS_MAX][400];
    size_t n;
} hf_folders;

static int hf_by_name(const void *a, const void *b) {
    return strcmp(a, b);
}

// Folders with a cases.json, in the order of their names.
static inline void hf_find(hf_folders *out, const char *where) {
    DIR *d = opendir(where);
    out->n = 0;
    if (!d) return;
    for (struct dirent *i; (i = readdir(d)) && out->n < HF_FOLDERS_MAX;) {
        char cases[700];
        os_file_stat st;
        snprintf(out->path[out->n], sizeof *out->path, "%s/%s", where, i->d_name);
        snprintf(cases, sizeof cases, "%s/cases.json", out->path[out->n]);
        if (i->d_name[0] != '.' && !os_stat(&st, cases, NULL)) out->n++;
    }
    closedir(d);
    qsort(out->path, out->n, sizeof *out->path, hf_by_name);
}

typedef struct hf_case {
    char open[700];  // the folder, or its GGUF file
    bool is_gguf;
    lm_case *cases;
    size_t n;
    os_map map;
    const float *logits;  // of all prompts, one after another
    size_t n_floats;
} hf_case;

static inline void hf_open(hf_case *c, const char *path) {
    char file[700];
    os_file_stat st;
    snprintf(file, sizeof file, "%s/model.gguf", path);
    c->is_gguf = !os_stat(&st, file, NULL);
    snprintf(c->open, sizeof c->open, "%s", c->is_gguf ? file : path);
    snprintf(file, sizeof file, "%s/cases.json", path);
    c->n = cases_load(&c->cases, file);
    assert_true(c->n > 0);
    snprintf(file, sizeof file, "%s/logits.npy", path);
    assert_int_equal(os_map_open(&c->map, file, OS_MAP_SEQUENTIAL, NULL), OK);
    size_t header = 10 + (size_t)c->map.base[8] + 256 * (size_t)c->map.base[9];
    c->logits = (const float *)(const void *)(c->map.base + header);
    c->n_floats = (c->map.len - header) / sizeof(float);
}

static inline void hf_close(hf_case *c) {
    os_map_close(&c->map);
    free(c->cases);
}

#endif
