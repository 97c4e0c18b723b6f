// wikitext/css.c

#include "wikitext/inside.h"

str wt_css(str style, arena *a) {
    (void)style, (void)a;
    return STR("");
}
