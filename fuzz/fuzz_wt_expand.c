// Any bytes as a page and its templates A, B and C (parted by NUL): trees give back their text,
// alone and included; expanding ends within its limits, and says the same with the cache and again.

#include "fuzz/fuzz.h"

#include "wikitext/expand.h"

enum { PARTS = 4, EXPANDED = 1 << 16, NODES = 20000 };

static str parts[PARTS];

static bool source(void *arg, wt_source *out, str title, arena *a) {
    (void)arg, (void)a;
    if (!str_starts(title, STR("Template:")) || title.len != 10) return false;
    int i = title.ptr[9] - 'A' + 1;
    if (i < 1 || i >= PARTS) return false;
    *out = (wt_source){.title = title, .text = parts[i], .hash = str_hash(parts[i], 1) | 1};
    return true;
}

static void exists(void *arg, wt_status *out, const str *titles, size_t n) {
    (void)arg;
    for (size_t i = 0; i < n; i++)
        out[i] = titles[i].len & 1 ? WT_EXISTS : WT_MISSING;
}

static bool interwiki(void *arg, wt_interwiki *out, str prefix, arena *a) {
    (void)arg, (void)out, (void)prefix, (void)a;
    return false;
}

static bool file(void *arg, wt_file *out, str name, int32_t width, arena *a) {
    (void)arg, (void)out, (void)name, (void)width, (void)a;
    return false;
}

static uint64_t count(void *arg, int32_t ns) {
    (void)arg;
    return (uint64_t)(ns & 7);
}

static bool message(void *arg, str *out, str key, arena *a) {
    (void)arg, (void)a;
    *out = STR("$1 {{A}}");
    return key.len & 1;
}

static const wiki_site site = {.lang = STR_INIT("en")};
static const wt_world world = {.site = &site,
                               .source = source,
                               .exists = exists,
                               .interwiki = interwiki,
                               .file = file,
                               .count = count,
                               .message = message};

static void split(str text, arena *mem) {
    char *copy = arena_cstr(mem, text);
    for (size_t i = 0; i < text.len; i++)
        if (copy[i] == WT_MARK) copy[i] = '?';
    str rest = {copy, text.len};
    for (size_t i = 0; i < PARTS; i++)
        parts[i] = i + 1 < PARTS ? str_cut(&rest, 0) : rest;
}

static void check_tree(str text, bool is_included, arena scratch) {
    wt_tree tree;
    buf again;
    wt_preprocess(&tree, text, is_included, &scratch);
    CHECK(!tree.is_cut && tree.bytes <= text.len + (size_t)tree.n_nodes * 200);
    buf_init(&again, &scratch, text.len);
    wt_unparse(&again, tree.root);
    CHECK(str_eq(buf_str(&again), text));
}

static str expand(str text, const wt_options *o, arena *mem) {
    wt_page page = {0};
    wt_frame frame = {.title = STR("Page")};
    wt_parser *p = arena_new(mem, wt_parser);
    *p = (wt_parser){.o = o,
                     .world = &world,
                     .page = &page,
                     .mem = mem,
                     .frame = &frame,
                     .room = 16 << 20,
                     .limits = {NODES, EXPANDED, EXPANDED, 20, 10, 1 << 20, 0}};
    wt_title_parse(&p->title, p, STR("Page"), 0);
    str flat = wt_expand_text(p, text, &frame);
    CHECK(!(p->over & WT_OVER_MEMORY));
    CHECK(page.expanded_bytes <= EXPANDED && page.argument_bytes <= EXPANDED);
    for (size_t i = 0; i < countof(p->level) && p->level[i].base; i++)
        arena_close(&p->level[i]);
    wt_parsed_end(p);
    return flat;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena mem;
    if (len > 1 << 16) return 0;
    if (!mem.base) CHECK(!arena_open(&mem, (size_t)4 << 30, NULL));
    arena_reset(&mem, 1 << 20);
    split((str){(const char *)data, len}, &mem);
    for (size_t i = 0; i < PARTS; i++) {
        check_tree(parts[i], false, mem);
        check_tree(parts[i], true, mem);
    }
    wt_options o = {.world = &world, .title = STR("Page"), .article_path = "/wiki/"};
    str flat = expand(parts[0], &o, &mem);
    CHECK(str_eq(expand(parts[0], &o, &mem), flat));
    CHECK(!wt_cache_open(&o.cache, 1 << 20, NULL));
    CHECK(str_eq(expand(parts[0], &o, &mem), flat));
    wt_cache_close(o.cache);
    return 0;
}
