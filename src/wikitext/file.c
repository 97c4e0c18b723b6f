// wikitext/file.c

#include "wikitext/inside.h"

void wt_file_link(buf *out, wt_parser *p, const wt_title *file, str options, arena scratch) {
    (void)p, (void)options, (void)scratch;
    wt_escape(out, file->full);
}
