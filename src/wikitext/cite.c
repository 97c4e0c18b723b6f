// wikitext/cite.c

#include "wikitext/inside.h"

void wt_cite_finish(buf *out, wt_parser *p) {
    (void)out, (void)p;
}
