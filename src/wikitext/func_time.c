// wikitext/func_time.c

#include "wikitext/func.h"
const wt_func wt_funcs_time[] = {{0}};
