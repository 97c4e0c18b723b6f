// An opened wiki: the mapped dump beside its index.
//
//   I1  the index is of this very dump: length, time, and the digest of its first and last MiB

#include "wiki/wiki.h"

#include "wiki/inside.h"

static status open_pair(wiki *w, const char *xml, const char *index, err *e) {
    TRY(os_map_open(&w->xml, xml, OS_MAP_RANDOM, e));
    TRY(wiki_index_open(&w->index, index, w->xml.len, w->xml.mtime_ns, e));
    if (w->index->xml_sum != wiki__xml_sum(os_map_str(&w->xml)))
        return err_set(e, E_STALE, "%s: not the dump that was indexed; build the index again", xml);
    w->site = wiki_index_site(w->index);
    return OK;
}

static status explain(status s, const char *dump, err *e) {
    return s == E_NOT_FOUND ? err_in(e, "run `parallelopedia index %s` first", dump) : s;
}

status wiki_open(wiki *w, const char *dump, const char *index, err *e) {
    *w = (wiki){.xml.fd = -1};
    os_file_stat st;
    TRY(os_stat(&st, dump, e));
    arena a;
    TRY(arena_open(&a, 4 * OS_PATH_MAX, e));
    status s;
    if (strlen(dump) >= OS_PATH_MAX)
        s = err_set(e, E_LIMIT, "path of %zu bytes, limit %d", strlen(dump), OS_PATH_MAX);
    else
        s = explain(
            open_pair(w, wiki_xml_path(&a, dump), index ? index : wiki_index_path(&a, dump), e),
            dump, e);
    arena_close(&a);
    if (s) wiki_close(w);
    return s;
}

void wiki_close(wiki *w) {
    wiki_index_close(w->index);
    os_map_close(&w->xml);
    *w = (wiki){.xml.fd = -1};
}

str wiki_page_xml(const wiki *w, const wiki_page *p) {
    str all = os_map_str(&w->xml);
    if (p->off > all.len || p->len > all.len - p->off) return (str){0};
    return (str){all.ptr + p->off, p->len};
}
