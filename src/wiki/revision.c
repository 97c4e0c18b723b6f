// One <page> element as a revision: the dump scanner on a slice, then decoding what it found.
//
//   I1  decoding needs room for title, redirect and text at most; it is checked before, so that no
//       slice a client chose can exhaust the arena

#include "wiki/inside.h"
#include "wiki/wiki.h"

static status read_one(wiki__page *p, str xml, err *e) {
    wiki__dump d = {.xml = xml};  // a slice of a dump whose encoding was checked
    bool more = false;
    if (!str_starts(xml, STR("<page"))) return err_set(e, E_FORMAT, "no <page> at the start");
    TRY(wiki__dump_next(&more, p, &d, e));
    if (!more || p->len != xml.len)
        return err_set(e, E_FORMAT, "%zu bytes behind </page>", (size_t)(xml.len - p->len));
    return OK;
}

int32_t wiki__ns_key(str s) {
    int64_t v;
    return str_parse_i64(&v, str_trim(s)) && v >= INT32_MIN && v <= INT32_MAX ? (int32_t)v : 0;
}

uint32_t wiki__page_id(str s) {
    uint64_t v;
    return str_parse_u64(&v, str_trim(s)) && v <= UINT32_MAX ? (uint32_t)v : 0;
}

status wiki_revision_parse(wiki_revision *out, str xml, arena *a, err *e) {
    wiki__page p;
    *out = (wiki_revision){0};
    TRY(read_one(&p, str_trim(xml), e));
    size_t need = p.title.len + p.redirect.len + p.text.len + 64;
    if (need > arena_room(a))
        return err_set(e, E_LIMIT, "page of %zu bytes, room for %zu", need, arena_room(a));  // I1
    *out = (wiki_revision){
        .title = wiki_decode_entities(p.title, a),
        .ns = wiki__ns_key(p.ns),
        .page_id = wiki__page_id(p.id),
        .rev_id = wiki__page_id(p.rev_id),
        .timestamp = p.timestamp,
        .model = p.model,
        .sha1 = p.sha1,
        .redirect = wiki_decode_entities(p.redirect, a),
        .text = wiki_decode_entities(p.text, a),
    };
    return OK;
}
