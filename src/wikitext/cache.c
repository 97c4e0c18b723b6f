// wikitext/cache.c

#include "wikitext/inside.h"

status wt_cache_open(wt_cache **out, size_t bytes, err *e) {
    (void)bytes, (void)e;
    *out = NULL;
    return OK;
}
void wt_cache_close(wt_cache *c) {
    (void)c;
}
void wt_cache_count(wt_cache_counters *out, wt_cache *c) {
    (void)c;
    *out = (wt_cache_counters){0};
}
const wt_tree *wt_tree_of(wt_parser *p, const wt_source *source) {
    wt_tree *tree = arena_new(p->mem, wt_tree);
    wt_preprocess(tree, source->text, true, p->mem);
    return tree;
}
