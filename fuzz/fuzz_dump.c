// Any bytes as a dump and as a page: pages lie inside, and each parses again by itself.

#include "fuzz/fuzz.h"
#include "wiki/inside.h"
#include "wiki/wiki.h"

static void parse(str xml, arena *mem) {
    wiki_revision r;
    err e = {0};
    status s = wiki_revision_parse(&r, xml, mem, &e);
    CHECK(s == OK || e.msg[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena mem;
    static wiki_site site;
    if (!mem.base) CHECK(!arena_open(&mem, 64 << 20, NULL));
    arena_reset(&mem, 1 << 20);
    site = (wiki_site){0};
    str xml = {(const char *)data, len};
    parse(xml, &mem);
    wiki__dump d;
    err e = {0};
    if (wiki__dump_open(&d, xml, &site, &mem, &e)) return CHECK(e.msg[0]), 0;
    wiki__page p;
    uint64_t past = 0;
    for (bool more = true; more;) {
        if (wiki__dump_next(&more, &p, &d, &e)) return CHECK(e.msg[0]), 0;
        if (!more) break;
        CHECK(p.off >= past && p.len <= len - p.off);
        past = p.off + p.len;
        wiki_revision r;
        CHECK(!wiki_revision_parse(&r, (str){xml.ptr + p.off, p.len}, &mem, &e));
        arena a = mem;
        int32_t ns;
        str fragment;
        wiki_title_normalise(&ns, &fragment, &site, r.title, &a);
    }
    return 0;
}
