// wikitext/func_section.c

#include "wikitext/func.h"
const wt_func wt_funcs_section[] = {{0}};
