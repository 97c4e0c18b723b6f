// tests/wiki/data.h -- where the wiki tests read and write: a folder of their own under /tmp, small
// dumps written by hand, and the real ones of ../shared/data (skipped when absent).
#ifndef TESTS_WIKI_DATA_H
#define TESTS_WIKI_DATA_H

#include "base/arena.h"
#include "wiki/wiki.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char data_dir[64];
static arena data_arena;

static int data_setup(void **state) {
    (void)state;
    snprintf(data_dir, sizeof data_dir, "/tmp/test-wiki-XXXXXX");
    return !mkdtemp(data_dir) || arena_open(&data_arena, 256 << 20, NULL);
}

static int data_remove(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)st, (void)type, (void)at;
    return remove(path);
}

static int data_teardown(void **state) {
    (void)state;
    arena_close(&data_arena);
    return nftw(data_dir, data_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static inline const char *data_path(const char *name) {
    return arena_fmt(&data_arena, "%s/%s", data_dir, name).ptr;
}

static inline const char *data_write(const char *name, str bytes) {
    const char *path = data_path(name);
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes.ptr, 1, bytes.len, f), bytes.len);
    fclose(f);
    return path;
}

static inline str data_read(const char *path) {
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    size_t len = (size_t)ftell(f);
    rewind(f);
    char *p = arena_alloc(&data_arena, len + 1);
    assert_int_equal(fread(p, 1, len, f), len);
    fclose(f);
    return (str){p, len};
}

// Path of a real dump, or skips the test with a message.
static inline const char *data_shared(const char *name) {
    const char *path = arena_fmt(&data_arena, "../shared/data/wiki/%s", name).ptr;
    if (access(path, R_OK)) {
        print_message("skipped: %s is absent\n", path);
        skip();
    }
    return path;
}

#define DATA_SITE                                                                                  \
    "<mediawiki version=\"0.11\" xml:lang=\"en\">\n  <siteinfo>\n"                                 \
    "    <sitename>Test</sitename>\n    <dbname>testwiki</dbname>\n"                               \
    "    <base>https://en.wikipedia.org/wiki/Main_Page</base>\n"                                   \
    "    <namespaces>\n"                                                                           \
    "      <namespace key=\"0\" case=\"first-letter\" />\n"                                        \
    "      <namespace key=\"6\" case=\"first-letter\">File</namespace>\n"                          \
    "      <namespace key=\"10\" case=\"first-letter\">Template</namespace>\n"                     \
    "      <namespace key=\"14\" case=\"first-letter\">Category</namespace>\n"                     \
    "      <namespace key=\"828\" case=\"case-sensitive\">Module</namespace>\n"                    \
    "    </namespaces>\n  </siteinfo>\n"
#define DATA_PAGE(title, text)                                                                     \
    "  <page>\n    <title>" title "</title>\n    <ns>0</ns>\n    <id>7</id>\n"                     \
    "    <revision>\n      <id>70</id>\n      <timestamp>2026-01-01T00:00:00Z</timestamp>\n"       \
    "      <model>wikitext</model>\n"                                                              \
    "      <text xml:space=\"preserve\">" text "</text>\n    </revision>\n  </page>\n"
#define DATA_REDIRECT(title, target)                                                               \
    "  <page>\n    <title>" title "</title>\n    <ns>0</ns>\n    <id>8</id>\n"                     \
    "    <redirect title=\"" target "\" />\n    <revision>\n      <id>80</id>\n"                   \
    "      <text xml:space=\"preserve\">#REDIRECT [[" target "]]</text>\n"                         \
    "    </revision>\n  </page>\n"
#define DATA_END "</mediawiki>\n"

// Where the index of a dump goes: real dumps stay where they are, and read-only.
static inline const char *data_index(const char *dump) {
    const char *slash = strrchr(dump, '/');
    if (!str_ends(str_of(dump), STR(".bz2"))) return wiki_index_path(&data_arena, dump);
    return data_path(wiki_index_path(&data_arena, slash ? slash + 1 : dump));
}

static inline status data_build(const char *dump, wiki_build_result *r, err *e) {
    wiki_build_options o = {
        .dump = dump, .index = data_index(dump), .memory = 64 << 20, .with = WIKI_WITH_ALL};
    return wiki_index_build(r, &o, e);
}

static inline status data_open(wiki **w, const char *dump, err *e) {
    wiki_options o = {.dumps = &dump, .n_dumps = 1, .index = data_index(dump)};
    return wiki_open(w, &o, e);
}

#endif
