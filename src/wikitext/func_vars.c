// wikitext/func_vars.c

#include "wikitext/func.h"
const wt_func wt_funcs_vars[] = {{0}};
