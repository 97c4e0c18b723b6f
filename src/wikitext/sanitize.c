// wikitext/sanitize.c

#include "wikitext/inside.h"

void wt_sanitize(buf *out, wt_parser *p, str in, arena scratch) {
    (void)p, (void)scratch;
    wt_escape(out, in);
}
void wt_attrs(buf *out, wt_parser *p, str attrs, str element, arena scratch) {
    (void)out, (void)p, (void)attrs, (void)element, (void)scratch;
}
size_t wt_attrs_read(wt_attr *out, size_t max, str attrs, arena *a) {
    (void)out, (void)max, (void)attrs, (void)a;
    return 0;
}
bool wt_attr_allowed(str element, str name) {
    (void)element, (void)name;
    return false;
}
bool wt_url_allowed(str url) {
    return wt_scheme(url) > 0;
}
size_t wt_scheme(str text) {
    return str_starts(text, STR("http://")) ? 7 : str_starts(text, STR("https://")) ? 8 : 0;
}
