// Continuations that PyTorch made, from the JSON that its scripts wrote: a scanner for the few
// keys that matter, in the order they stand.
#ifndef TESTS_LM_CASES_H
#define TESTS_LM_CASES_H

#include "lm/engine.h"
#include "os/file.h"

#include <stdlib.h>

enum { CASE_IDS_MAX = 1024, CASES_MAX = 64 };

typedef struct lm_case {
    bool greedy;
    int max_length, top_k;
    uint64_t seed;
    lm_rng rng;
    int32_t prompt[CASE_IDS_MAX], ids[CASE_IDS_MAX];
    size_t n_prompt, n_ids;
} lm_case;

static inline bool case_key(str *rest, const char *key) {
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    size_t at = str_find(*rest, str_of(quoted));
    if (at == rest->len) return false;
    *rest = str_skip(*rest, at + strlen(quoted));
    return true;
}

static inline size_t case_ids(int32_t *ids, str *rest) {
    size_t n = 0;
    str list = *rest;
    list = str_first(list, str_find_byte(list, ']'));
    list = str_skip(list, str_find_byte(list, '[') + 1);
    while (list.len && n < CASE_IDS_MAX) {
        str item = str_trim(str_cut(&list, ','));
        int64_t v;
        if (str_parse_i64(&v, item)) ids[n++] = (int32_t)v;
    }
    return n;
}

static inline double case_number(str rest) {
    return strtod(rest.ptr, NULL);
}

// All cases of a file, in order; 0 when there is no such file.
static inline size_t cases_load(lm_case **out, const char *path) {
    os_map map;
    *out = NULL;
    if (os_map_open(&map, path, OS_MAP_SEQUENTIAL, NULL)) return 0;
    lm_case *all = calloc(CASES_MAX, sizeof *all);
    str rest = os_map_str(&map);
    size_t n = 0, seeded = str_find(rest, STR("\"seeded\":"));
    const char *split = rest.ptr + seeded;
    while (n < CASES_MAX && case_key(&rest, "max_length")) {
        lm_case *c = &all[n++];
        c->greedy = rest.ptr < split;
        c->max_length = (int)case_number(rest);
        case_key(&rest, "top_k");
        c->top_k = (int)case_number(rest);
        case_key(&rest, "seed");
        c->seed = (uint64_t)case_number(rest);
        case_key(&rest, "rng");
        c->rng = str_starts(str_trim(rest), STR("\"cuda")) ? LM_RNG_CUDA : LM_RNG_TORCH;
        case_key(&rest, "prompt_ids");
        c->n_prompt = case_ids(c->prompt, &rest);
        case_key(&rest, "ids");
        c->n_ids = case_ids(c->ids, &rest);
    }
    os_map_close(&map);
    *out = all;
    return n;
}

// --- Generation without an event loop ----------------------------------------------------------

// Reads until the end. Polls: the tests of notify are elsewhere.
static inline size_t drain(int32_t *ids, size_t max, lm_state *state, lm_stream *s) {
    size_t n = 0;
    do {
        n += lm_stream_read(ids + n, max - n, state, s);
        if (*state == LM_RUNNING) nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    } while (*state == LM_RUNNING);
    return n;
}

static inline lm_request case_request(const lm_case *c, const lm_model *m) {
    lm_request r = {.model = m,
                    .prompt = c->prompt,
                    .n_prompt = c->n_prompt,
                    .max_length = c->max_length,
                    .sampling = lm_sampling_default()};
    r.sampling.top_k = c->top_k;
    r.sampling.seed = c->seed;
    r.sampling.rng = c->rng;
    return r;
}

// How many of a case's new ids come out equal before the first that does not; *all is whether
// the whole run is equal, its length included.
static inline size_t case_equal(bool *all, const lm_case *c, const int32_t *ids, size_t n) {
    size_t want = c->n_ids - c->n_prompt, i = 0;
    while (i < n && i < want && ids[i] == c->ids[c->n_prompt + i])
        i++;
    *all = i == want && n == want;
    return i;
}

#endif
