// wiki/block_cache.h -- unpacked blocks of a bzip2 file, the ones read lately.
//
//   Owner     the cache owns blocks; a pin keeps one until it is released
//   Threads   any
//   Blocks    while another thread unpacks the same block
//   Limits    `bytes`, and what is pinned at the moment
//   Errors    E_MEMORY, E_FORMAT
#ifndef WIKI_BLOCK_CACHE_H
#define WIKI_BLOCK_CACHE_H

#include "wiki/source.h"

typedef struct wiki_block_cache wiki_block_cache;

// The strs and rows stay the caller's and must stay.
NODISCARD status wiki__cache_open(wiki_block_cache **out, str file, const wiki_block *blocks,
                                  size_t bytes, err *e);
void wiki__cache_close(wiki_block_cache *c);  // nothing is pinned; accepts NULL

typedef struct wiki__pin {
    str text;
    void *slot;
    size_t block;
} wiki__pin;
NODISCARD status wiki__cache_pin(wiki__pin *out, wiki_block_cache *c, size_t block, err *e);
void wiki__cache_release(wiki_block_cache *c, wiki__pin *p);
bool wiki__cache_has(wiki_block_cache *c, size_t block);
void wiki__cache_counters(wiki_cache_counters *out, wiki_block_cache *c);

#endif
