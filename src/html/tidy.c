// html/tidy.c -- HTML as the passes made it to the HTML that a browser would build of it.
//
// Rejected: writing while the text is balanced and building a tree only where it is not. The tree
// of a page costs about as much as reading its tags, and there is one way through the code.

#include "html/html.h"
#include "html/tree.h"

void html_tidy(buf *out, str html, arena scratch) {
    tree_builder *b = arena_new(&scratch, tree_builder);
    tree_build(b, html, true, &scratch);
    tree_write(out, b);
}
