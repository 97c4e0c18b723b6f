// wikitext/expand.c

#include "wikitext/inside.h"

void wt_expand(buf *out, wt_parser *p, const wt_frame *frame, const wt_node *node, unsigned flags) {
    (void)p, (void)frame, (void)flags;
    for (; node; node = node->next)
        buf_add(out, node->text);
}
str wt_expand_str(wt_parser *p, const wt_frame *frame, const wt_node *node) {
    buf b;
    buf_init(&b, p->mem, 0);
    wt_expand(&b, p, frame, node->child, 0);
    return buf_str(&b);
}
str wt_expand_trimmed(wt_parser *p, const wt_frame *frame, const wt_node *node) {
    return str_trim(wt_expand_str(p, frame, node));
}
void wt_unparse(buf *out, const wt_node *node) {
    buf_add(out, node->text);
}
bool wt_frame_arg(str *out, wt_parser *p, const wt_frame *frame, str name) {
    (void)out, (void)p, (void)frame, (void)name;
    return false;
}
size_t wt_frame_args(wt_named *out, size_t max, wt_parser *p, const wt_frame *frame) {
    (void)out, (void)max, (void)p, (void)frame;
    return 0;
}
str wt_expand_text(wt_parser *p, str text, const wt_frame *frame) {
    wt_tree tree;
    wt_preprocess(&tree, text, false, p->mem);
    return wt_expand_str(p, frame, tree.root);
}
