// wikitext/links.c

#include "wikitext/inside.h"

void wt_links(buf *out, wt_parser *p, str in, arena scratch) {
    (void)p, (void)scratch;
    buf_add(out, in);
}
void wt_holders(buf *out, wt_parser *p, str in, arena scratch) {
    (void)p, (void)scratch;
    buf_add(out, in);
}
