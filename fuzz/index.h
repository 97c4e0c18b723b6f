// fuzz/index.h -- a good index of a small dump, and every look-up there is over a damaged copy of
// it; for the fuzz target (fuzz_index.c) and for counting what damage does (corrupt_index.c).
#ifndef FUZZ_INDEX_H
#define FUZZ_INDEX_H

#include "fuzz/fuzz.h"
#include "os/clock.h"
#include "wiki/inside.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

enum { INDEX_CASE_MAX = 256 << 10, INDEX_CASE_XML_MAX = 64 << 10 };

typedef struct index_case {
    void *room;
    uint8_t *good, *file;
    size_t n_good, xml_len;
    int64_t mtime_ns;
    uint64_t dump_len;
    int fd;
    char path[32];
    arena mem;
} index_case;

static inline size_t index_case_dump(char *to) {
    size_t n = (size_t)sprintf(to, "<mediawiki xml:lang=\"en\"><siteinfo><sitename>S</sitename>"
                                   "<namespaces><namespace key=\"14\">Category</namespace>"
                                   "</namespaces></siteinfo>");
    static const char *const words[] = {"Ant", "hill", "Caf\xc3\xa9", "Zoo",
                                        "of",  "1984", "\xe6\x9d\xb1"};
    for (unsigned i = 0; i < 150; i++) {
        bool leads = i % 5 == 4;
        n += (size_t)sprintf(to + n, "<page><title>%s %s %u</title><ns>0</ns><id>%u</id>",
                             words[i % 7], words[i / 7 % 7], i / 3, i + 1);
        if (leads)
            n += (size_t)sprintf(to + n, "<redirect title=\"%s %s %u\"/>", words[(i - 1) % 7],
                                 words[(i - 1) / 7 % 7], (i - 1) / 3);
        n += (size_t)sprintf(to + n,
                             "<revision><timestamp>2026-01-01T00:00:00Z</timestamp><text>[[%s %s "
                             "%u]] [[Category:%s %u]]</text></revision></page>\n",
                             words[i * 3 % 7], words[i * 3 / 7 % 7], i * 3 / 3 % 50, words[i % 3],
                             i % 4);
    }
    return n + (size_t)sprintf(to + n, "</mediawiki>");
}

static inline void index_case_open(index_case *c) {
    char xml[64], index[80];
    CHECK(!arena_open(&c->mem, 64 << 20, NULL));
    c->room = c->good = arena_alloc(&c->mem, INDEX_CASE_MAX);
    c->file = arena_alloc(&c->mem, INDEX_CASE_MAX);
    char *dump = arena_alloc(&c->mem, INDEX_CASE_XML_MAX);
    c->xml_len = index_case_dump(dump);
    CHECK(c->xml_len < INDEX_CASE_XML_MAX);
    snprintf(xml, sizeof xml, "/tmp/fuzz-index-%d.xml", (int)getpid());
    snprintf(index, sizeof index, "%s.idx", xml);
    FILE *f = fopen(xml, "wb");
    CHECK(f && fwrite(dump, 1, c->xml_len, f) == c->xml_len && !fclose(f));
    wiki_build_result r;
    wiki_build_options o = {.dump = xml, .n_threads = 1, .memory = 64 << 20, .with = WIKI_WITH_ALL};
    os_file_stat st;
    CHECK(!wiki_index_build(&r, &o, NULL) && !os_stat(&st, xml, NULL));
    c->mtime_ns = st.mtime_ns;
    c->dump_len = st.len;
    f = fopen(index, "rb");
    CHECK(f != NULL);
    c->n_good = fread(c->good, 1, INDEX_CASE_MAX, f);
    CHECK(c->n_good > sizeof(store_header) && c->n_good < INDEX_CASE_MAX && !fclose(f));
    unlink(xml), unlink(index);
    c->fd = memfd_create("index", MFD_CLOEXEC);
    CHECK(c->fd >= 0);
    snprintf(c->path, sizeof c->path, "/proc/self/fd/%d", c->fd);
}

// Makes checksums right, the header's too.
static inline void index_case_mend(uint8_t *file, size_t len) {
    store_header h;
    if (len < sizeof h) return;
    memcpy(&h, file, sizeof h);
    for (int i = 0; i < STORE_SECTIONS_MAX; i++) {
        store_section *s = &h.section[i];
        if (s->off <= len && s->len <= len - s->off)
            s->sum = store_sum((str){(char *)file + s->off, s->len});
    }
    h.sum = store_sum((str){(char *)&h, offsetof(store_header, sum)});
    memcpy(file, &h, sizeof h);
}

// --- Every look-up ---------------------------------------------------------------------------

enum { INDEX_CASE_RANKS = 64 };

static inline void index_case_pages(const index_case *c, const wiki_index *ix, const int64_t *ranks,
                                    size_t n) {
    for (size_t i = 0; i < n && i < INDEX_CASE_RANKS; i++) {
        arena mem = c->mem;
        wiki_page p;
        wiki_index_get(&p, ix, ranks[i], &mem);
        CHECK(p.len <= wiki_index_xml_len(ix) && p.off <= wiki_index_xml_len(ix) - p.len);
    }
}

static inline void index_case_page(const index_case *c, const wiki_index *ix, int64_t rank) {
    int64_t ranks[INDEX_CASE_RANKS];
    size_t total;
    int64_t to = wiki_index_follow(ix, rank);
    index_case_pages(c, ix, &rank, 1);
    index_case_pages(c, ix, &to, to >= 0);
    size_t n = wiki_index_backlinks(ranks, 8, 1, &total, ix, rank);
    index_case_pages(c, ix, ranks, n);
    n = wiki_index_redirects_to(ranks, 8, 0, &total, ix, rank);
    index_case_pages(c, ix, ranks, n);
}

static inline void index_case_words(const index_case *c, const wiki_index *ix, str s, size_t skip) {
    wiki_suggestion best[INDEX_CASE_RANKS];
    int64_t ranks[INDEX_CASE_RANKS], lo, hi;
    size_t total;
    wiki_search info;
    int64_t rank = wiki_index_find(ix, s);
    index_case_pages(c, ix, &rank, rank >= 0);
    rank = wiki_index_resolve(ix, s, c->mem);
    index_case_pages(c, ix, &rank, rank >= 0);
    wiki_index_range(&lo, &hi, ix, s, c->mem);
    CHECK(lo >= 0 && lo <= hi && (size_t)hi <= wiki_index_pages(ix));
    size_t n = wiki_index_prefix(ranks, 8, skip, &total, ix, s, c->mem);
    index_case_pages(c, ix, ranks, n);
    n = wiki_index_suggest(best, 20, &rank, ix, s, skip % 2 ? 0 : -1, NULL, NULL, c->mem);
    for (size_t i = 0; i < n; i++)
        index_case_pages(c, ix, &best[i].rank, 1);
    n = wiki_index_search(&info, ranks, 20, ix, s, os_now_ns() + 100000000, c->mem);
    index_case_pages(c, ix, ranks, n);
}

static inline void index_case_category(const index_case *c, const wiki_index *ix, str s) {
    int64_t ranks[INDEX_CASE_RANKS];
    size_t total, lo, hi, n;
    arena mem = c->mem;
    int64_t at = wiki_index_category_find(ix, s, mem);
    CHECK(at < (int64_t)wiki_index_categories(ix));
    wiki_index_category_range(&lo, &hi, ix, s, mem);
    CHECK(lo <= hi && hi <= wiki_index_categories(ix));
    for (size_t i = lo; i < hi && i < lo + 16; i++) {
        (void)wiki_index_category(&n, ix, i, &mem);
        index_case_pages(c, ix, ranks, wiki_index_members(ranks, 20, 0, &total, ix, i));
    }
}

static inline void index_case_use(const index_case *c, const wiki_index *ix) {
    static const str words[] = {STR_INIT("Ant hill 2"),
                                STR_INIT("ant"),
                                STR_INIT(""),
                                STR_INIT("caf\xc3"),
                                STR_INIT("zoo_"),
                                STR_INIT("hill of"),
                                STR_INIT("category:x"),
                                STR_INIT("Ant 0"),
                                STR_INIT("hlil zoo"),
                                STR_INIT("1984 1984"),
                                STR_INIT("\xe6\x9d\xb1 Zoo")};
    for (size_t i = 0; i < wiki_index_pages(ix) && i < 200; i++)
        index_case_page(c, ix, (int64_t)i);
    for (size_t i = 0; i < countof(words); i++) {
        index_case_words(c, ix, words[i], i);
        index_case_category(c, ix, words[i]);
    }
}

// Whether the n bytes of c->file were taken for an index; then everything was looked up in it.
static inline bool index_case_run(index_case *c, size_t n) {
    CHECK(!ftruncate(c->fd, (off_t)n) && pwrite(c->fd, c->file, n, 0) == (ssize_t)n);
    wiki_index *ix;
    err e = {0};
    if (wiki_index_open(&ix, c->path, c->dump_len, c->mtime_ns, &e)) {
        CHECK(e.msg[0]);
        return false;
    }
    index_case_use(c, ix);
    wiki_index_close(ix);
    return true;
}

#endif
