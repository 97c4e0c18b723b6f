// wikitext/extlinks.c

#include "wikitext/inside.h"

void wt_extlinks(buf *out, wt_parser *p, str in, arena scratch) {
    (void)p, (void)scratch;
    buf_add(out, in);
}
void wt_magic_links(buf *out, wt_parser *p, str in, arena scratch) {
    (void)p, (void)scratch;
    buf_add(out, in);
}
