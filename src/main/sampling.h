// main/sampling.h -- how tokens are drawn: the options of commands that draw them.
//
//   Owner     texts are the command line's
//   Errors    E_ARG, naming the parameter
#ifndef MAIN_SAMPLING_H
#define MAIN_SAMPLING_H

#include "app/gen_params.h"
#include "base/opt.h"
#include "lm/engine.h"

typedef struct cli_sampling {
    const char *seed, *rng, *temperature, *top_k, *top_p, *min_p, *repetition, *frequency,
        *presence;
} cli_sampling;

// Rows of a table of options whose struct has a cli_sampling at `at`. Where is_own, what is not
// given is the model's own affair; else it has the defaults of gen_params_default.
// clang-format off
#define CLI_SAMPLING_(at, field) (at) + offsetof(cli_sampling, field)
#define CLI_SAMPLING(at, is_own, about_seed)                                                       \
    {"seed", OPT_STR, CLI_SAMPLING_(at, seed), .arg = "N", .about = about_seed},                   \
    {"rng", OPT_STR, CLI_SAMPLING_(at, rng), .arg = "NAME",                                        \
     .about = "Whose random numbers: " LM_RNG_NAMES, .dflt = "torch"},                             \
    {"temperature", OPT_STR, CLI_SAMPLING_(at, temperature), .arg = "T",                           \
     .about = (is_own) ? "Over 1 is bolder, under 1 safer; 0 always takes the likeliest. Default " \
                         "of this and of those that follow: the model's own"                       \
                       : "Over 1 is bolder, under 1 safer; 0 always takes the likeliest",          \
     .dflt = (is_own) ? NULL : "1"},                                                               \
    {"top-k", OPT_STR, CLI_SAMPLING_(at, top_k), .arg = "K",                                       \
     .about = "Draw from the K likeliest tokens; 1 is greedy, 0 no limit",                         \
     .dflt = (is_own) ? NULL : "50"},                                                              \
    {"top-p", OPT_STR, CLI_SAMPLING_(at, top_p), .arg = "P",                                       \
     .about = "Draw from the fewest tokens whose probabilities reach P",                           \
     .dflt = (is_own) ? NULL : "1"},                                                               \
    {"min-p", OPT_STR, CLI_SAMPLING_(at, min_p), .arg = "P",                                       \
     .about = "Draw from tokens with this share of the likeliest one's probability",               \
     .dflt = (is_own) ? NULL : "0"},                                                               \
    {"repetition-penalty", OPT_STR, CLI_SAMPLING_(at, repetition), .arg = "R",                     \
     .about = "Over 1 makes tokens of prompt and text less likely",                                \
     .dflt = (is_own) ? NULL : "1"},                                                               \
    {"frequency-penalty", OPT_STR, CLI_SAMPLING_(at, frequency), .arg = "F",                       \
     .about = "Taken from a token's logit for each time the text has it",                          \
     .dflt = (is_own) ? NULL : "0"},                                                               \
    {"presence-penalty", OPT_STR, CLI_SAMPLING_(at, presence), .arg = "F",                         \
     .about = "Taken from the logit of a token that the text has",                                 \
     .dflt = (is_own) ? NULL : "0"}
// clang-format on

// What was given, over what *p has. Without a seed a random one.
NODISCARD status cli_sampling_read(gen_params *p, const cli_sampling *s, arena *a, err *e);

// One parameter by its name in the API; nothing when `text` is NULL.
NODISCARD status cli_param(gen_params *p, const char *name, const char *text, arena *a, err *e);

#endif
