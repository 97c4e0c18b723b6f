#include "main/sampling.h"

#include "os/rand.h"

static const struct {
    const char *name;
    size_t at;
} params[] = {
    {"seed", offsetof(cli_sampling, seed)},
    {"rng", offsetof(cli_sampling, rng)},
    {"temperature", offsetof(cli_sampling, temperature)},
    {"top_k", offsetof(cli_sampling, top_k)},
    {"top_p", offsetof(cli_sampling, top_p)},
    {"min_p", offsetof(cli_sampling, min_p)},
    {"repetition_penalty", offsetof(cli_sampling, repetition)},
    {"frequency_penalty", offsetof(cli_sampling, frequency)},
    {"presence_penalty", offsetof(cli_sampling, presence)},
};

status cli_param(gen_params *p, const char *name, const char *text, arena *a, err *e) {
    const gen_param *row = gen_param_find(str_of(name), GEN_CLI);
    CHECK(row);
    return text ? gen_param_text(p, row, str_of(text), a, e) : OK;
}

status cli_sampling_read(gen_params *p, const cli_sampling *s, arena *a, err *e) {
    for (size_t i = 0; i < countof(params); i++)
        TRY(cli_param(p, params[i].name, *(const char *const *)((const char *)s + params[i].at), a,
                      e));
    if (!p->has_seed) p->sampling.seed = os_rand_u32();
    return OK;
}
