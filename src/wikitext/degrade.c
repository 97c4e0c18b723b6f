// wikitext/degrade.c

#include "wikitext/module.h"
void wt_degrade(buf *out, wt_parser *p, str name, const wt_frame *args) {
    (void)p, (void)args;
    wt_escape(out, name);
}
bool wt_degrade_knows(str name) {
    (void)name;
    return false;
}
