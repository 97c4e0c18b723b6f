// wikitext/func_string.c

#include "wikitext/func.h"
const wt_func wt_funcs_string[] = {{0}};
