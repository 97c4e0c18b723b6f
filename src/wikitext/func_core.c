// wikitext/func_core.c

#include "wikitext/func.h"
const wt_func wt_funcs_core[] = {{0}};
