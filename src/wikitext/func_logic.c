// wikitext/func_logic.c

#include "wikitext/func.h"
const wt_func wt_funcs_logic[] = {{0}};
