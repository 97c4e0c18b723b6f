// wikitext/entity.c

#include "wikitext/inside.h"

void wt_charrefs(buf *out, str in) {
    buf_add(out, in);
}
str wt_decode(str in, arena *a) {
    return wiki_decode_entities(in, a);
}
bool wt_entity(int32_t cp[2], str name) {
    (void)cp, (void)name;
    return false;
}
str wt_id_escape(str text, arena *a) {
    return arena_str(a, text);
}
void wt_fragment_escape(buf *out, str id) {
    buf_url(out, id, "");
}
void wt_escape(buf *out, str text) {
    buf_html(out, text);
}
