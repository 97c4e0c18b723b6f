// llm/sources.h -- what the operator's specs name: models by their names, and where they lie.
//
//   Owner     the arena that llm__sources_read was given
//   Threads   read-only afterwards: any
//   Blocks    read: looks at folders, and at each config.json's first megabyte
//   Limits    LLM_MODELS_MAX models, LLM_NAME_MAX bytes in a name
//   Errors    E_ARG names the spec
#ifndef LLM_SOURCES_H
#define LLM_SOURCES_H

#include "base/arena.h"
#include "kern/kern.h"
#include "llm/models.h"

typedef struct llm_source {
    str name, id;
    const char *path;  // a folder or a file
    bool has_type;
    kern_type type;
} llm_source;

NODISCARD status llm__sources_read(llm_source out[LLM_MODELS_MAX], size_t *n, const char **specs,
                                   size_t n_specs, arena *a, err *e);

// Index of the one that a request means, n when there is none.
size_t llm__source_of(const llm_source *all, size_t n, str name);

// The hub's name that the original's alias stands for; NULL for any other.
const char *llm__aliased(str name);
size_t llm__absent(llm_absent out[LLM_ALIASED], const llm_source *all, size_t n);

#endif
