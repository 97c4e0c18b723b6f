// lm/panels.h -- repacked weights in a file, so that the next start maps them; for lm/ only.
//
//   Owner     the store_in owns the mapping; an image dies with it
//   Threads   pure but for the pool
//   Blocks    on disk; opening reads the whole file, because every byte is checked
//   Errors    E_NOT_FOUND: no file. E_STALE: of other weights, another type or another program.
//             E_FORMAT: damaged. Any of these: repack and write it anew
//   Format    a file of sections (store/file.h): the head, then the image in LM_PANELS_PARTS runs
//             that follow each other without gaps, so that it is one run when mapped
#ifndef LM_PANELS_H
#define LM_PANELS_H

#include "lm/parts.h"
#include "os/pool.h"

enum { LM_PANELS_PARTS = STORE_SECTIONS_MAX - 1 };

// What must agree for an image to be of use. No padding: compared and stored as it is.
typedef struct lm_panels_key {
    uint64_t identity;         // of the file of weights
    uint64_t layout;           // of panels, as this program packs them, and of the parts
    uint64_t type, head_type;  // kern_type
    uint64_t len;              // bytes of the image
} lm_panels_key;

// What section 0 holds.
typedef struct lm_panels_head {
    lm_panels_key key;
    uint64_t sum[LM_PANELS_PARTS];  // lm__panels_sum of each run
} lm_panels_head;

uint64_t lm__panels_sum(str s);

// `len` is left to the caller.
lm_panels_key lm__panels_key(const lm_model *m, const lm_parts *parts, const weights *w);

NODISCARD status lm__panels_open(store_in *in, const uint8_t **image, const char *path,
                                 const lm_panels_key *key, os_pool *pool, err *e);
// Replaces the file at `path` whole or not at all.
NODISCARD status lm__panels_write(const char *path, const lm_panels_key *key, const uint8_t *image,
                                  err *e);

#endif
