// wikitext/text.c

#include "wikitext/inside.h"

void wt_text(buf *out, str html) {
    buf_add(out, html);
}
status wt_print_tree(buf *out, str wikitext, arena scratch) {
    (void)scratch;
    buf_add(out, wikitext);
    return OK;
}
uint64_t wt_page_hash(const wt_page *page, str sha1) {
    (void)page;
    return str_hash(sha1, WT_VERSION);
}
