// Damaged index files. The first byte chooses: 0, the rest is the file; else the rest is a list of
// {u16 offset, byte} to change in a good file, whose checksums are then made right again, so that
// the damage gets past them.

#include "fuzz/fuzz.h"
#include "wiki/inside.h"
#include "wiki/wiki.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE(title)                                                                                \
    "<page><title>" title "</title><ns>0</ns><id>1</id><revision><text>x</text></revision></page>"

static const char dump[] =
    "<mediawiki><siteinfo><sitename>S</sitename><namespaces><namespace key=\"14\">Category"
    "</namespace></namespaces></siteinfo>" PAGE("Ant") PAGE("ant hill") PAGE("Caf\xc3\xa9")
        PAGE("Zoo") "<page><title>R</title><redirect title=\"Ant\"/></page></mediawiki>";

static uint8_t good[4096];
static size_t n_good;
static int64_t mtime_ns;

static void make_good(void) {
    char xml[64], index[80];
    snprintf(xml, sizeof xml, "/tmp/fuzz-index-%d.xml", (int)getpid());
    snprintf(index, sizeof index, "%s.idx", xml);
    FILE *f = fopen(xml, "wb");
    CHECK(f && fwrite(dump, 1, sizeof dump - 1, f) == sizeof dump - 1 && !fclose(f));
    wiki_build_result r;
    wiki_build_options o = {.dump = xml};
    CHECK(!wiki_index_build(&r, &o, NULL));
    os_file_stat st;
    CHECK(!os_stat(&st, xml, NULL));
    mtime_ns = st.mtime_ns;
    f = fopen(index, "rb");
    CHECK(f);
    n_good = fread(good, 1, sizeof good, f);
    CHECK(n_good > sizeof(wiki__header) && n_good < sizeof good && !fclose(f));
    unlink(xml), unlink(index);
}

static void use(const wiki_index *ix, arena mem) {
    static const str words[] = {STR_INIT("Ant"),       STR_INIT("ant"), STR_INIT(""),
                                STR_INIT("caf\xc3"),   STR_INIT("R"),   STR_INIT("zoo_"),
                                STR_INIT("category:x")};
    wiki_page p;
    for (size_t i = 0; i < wiki_index_pages(ix) && i < 64; i++) {
        wiki_index_get(&p, ix, (int64_t)i);
        CHECK(p.len <= sizeof dump - 1 && p.off <= sizeof dump - 1 - p.len);
        wiki_index_follow(&p, ix, mem);
    }
    for (size_t i = 0; i < countof(words); i++) {
        int64_t ranks[8];
        size_t total;
        wiki_index_find(&p, ix, words[i]);
        wiki_index_resolve(&p, ix, words[i], mem);
        size_t n = wiki_index_prefix(ranks, 8, i, &total, ix, words[i], mem);
        for (size_t k = 0; k < n; k++)
            wiki_index_get(&p, ix, ranks[k]);
    }
}

static void mend(uint8_t *file, size_t len) {
    wiki__header *h = (wiki__header *)file;
    for (int i = 0; i < WIKI__SECTIONS; i++) {
        wiki__section *s = &h->section[i];
        if (s->off <= len && s->len <= len - s->off)
            s->sum = wiki__sum((str){(char *)file + s->off, s->len});
    }
    h->sum = wiki__sum((str){(char *)file, offsetof(wiki__header, sum)});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena mem;
    static int fd = -1;
    static char path[32];
    static _Alignas(16) uint8_t file[sizeof good];
    if (fd < 0) {
        CHECK(!arena_open(&mem, 16 << 20, NULL));
        make_good();
        fd = memfd_create("index", MFD_CLOEXEC);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (!len) return 0;
    size_t n = data[0] ? n_good : min_size(len - 1, sizeof file);
    memcpy(file, data[0] ? good : data + 1, n);
    for (size_t i = 1; data[0] && i + 3 <= len; i += 3)
        file[(data[i] | data[i + 1] << 8) % n] = data[i + 2];
    if (data[0]) mend(file, n);
    CHECK(!ftruncate(fd, (off_t)n) && pwrite(fd, file, n, 0) == (ssize_t)n);
    wiki_index *ix;
    err e = {0};
    if (!wiki_index_open(&ix, path, sizeof dump - 1, mtime_ns, &e)) {
        use(ix, mem);
        wiki_index_close(ix);
    } else {
        CHECK(e.msg[0]);
    }
    return 0;
}
