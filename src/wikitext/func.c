// wikitext/func.c

#include "wikitext/func.h"
const wt_func *wt_func_find(str name, bool has_colon) {
    (void)name, (void)has_colon;
    return NULL;
}
