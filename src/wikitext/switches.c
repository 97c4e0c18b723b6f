// wikitext/switches.c

#include "wikitext/inside.h"

void wt_switches(buf *out, wt_parser *p, str in, arena scratch) {
    (void)p, (void)scratch;
    buf_add(out, in);
}
