// wikitext/headings.c

#include "wikitext/inside.h"

void wt_headings(buf *out, wt_parser *p, str in, arena scratch) {
    (void)p, (void)scratch;
    buf_add(out, in);
}
void wt_format_headings(buf *out, wt_parser *p, str in, bool is_main, arena scratch) {
    (void)p, (void)is_main, (void)scratch;
    buf_add(out, in);
}
