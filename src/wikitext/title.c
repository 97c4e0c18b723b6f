// wikitext/title.c

#include "wikitext/inside.h"

bool wt_title_parse(wt_title *out, wt_parser *p, str text, int32_t default_ns) {
    *out = (wt_title){.ns = default_ns};
    out->full = wiki_title_normalise(&out->ns, &out->fragment, p->world->site, text, p->mem);
    out->text = out->full;
    return out->full.len > 0;
}
void wt_title_url(buf *out, wt_parser *p, const wt_title *t, str query) {
    (void)query;
    buf_add(out, str_of(p->o->article_path));
    wt_put_url_title(out, t->full);
}
void wt_put_url_title(buf *out, str full) {
    buf_url(out, full, "/:");
}
str wt_ns_name(wt_parser *p, int32_t ns) {
    const wiki_ns *found = wiki_ns_of(p->world->site, ns);
    return found ? found->name : STR("");
}
str wt_subpage_base(str title) {
    return title;
}
