// wikitext/ext.c

#include "wikitext/inside.h"

bool wt_ext_known(str name) {
    (void)name;
    return false;
}
void wt_ext_tag(buf *out, wt_parser *p, const wt_frame *frame, const wt_node *ext) {
    wt_ext_call(out, p, frame, ext->text, ext->attrs, ext->inner, ext->has_inner);
}
void wt_ext_call(buf *out, wt_parser *p, const wt_frame *frame, str name, str attrs, str inner,
                 bool has_inner) {
    (void)p, (void)frame, (void)name, (void)attrs, (void)has_inner;
    wt_escape(out, inner);
}
