// wikitext/quotes.c

#include "wikitext/inside.h"

void wt_quotes(buf *out, wt_parser *p, str in, arena scratch) {
    (void)p, (void)scratch;
    buf_add(out, in);
}
str wt_quotes_str(wt_parser *p, str text, arena scratch) {
    buf b;
    buf_init(&b, p->mem, text.len + 64);
    wt_quotes(&b, p, text, scratch);
    return buf_str(&b);
}
