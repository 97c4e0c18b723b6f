// The passes over lines: tables, headings, apostrophes, blocks, French spaces, and the boxes of
// headings. Any bytes are a text.
//
// Byte 0 picks the pass; 7 is all of them in their order. What they write is bounded by what they
// read, and what they open they close.

#include "fuzz/fuzz.h"
#include "wikitext/inside.h"

#include <stdlib.h>

enum { ROOM = 256 << 20, MOST = 1 << 16 };

static const wiki_site site = {.name = STR_INIT("Fuzz"), .lang = STR_INIT("ar")};

static void exists(void *arg, wt_status *out, const str *titles, size_t n) {
    (void)arg, (void)titles;
    for (size_t i = 0; i < n; i++)
        out[i] = WT_MISSING;
}
static bool interwiki(void *arg, wt_interwiki *out, str prefix, arena *a) {
    (void)arg, (void)out, (void)prefix, (void)a;
    return false;
}
static bool message(void *arg, str *out, str key, arena *a) {
    (void)arg, (void)key, (void)a;
    *out = STR("<Contents>");
    return true;
}

static const wt_world world = {
    .site = &site, .exists = exists, .interwiki = interwiki, .message = message};

static size_t count(str s, str what) {
    size_t n = 0;
    for (size_t at = 0; (at += str_find(str_skip(s, at), what)) < s.len; at += what.len)
        n++;
    return n;
}

// What a pass itself writes is balanced: more or fewer open tags in `in` stay more or fewer.
static void check_balanced(str in, str out, const str (*tags)[2], size_t n) {
    for (size_t i = 0; i < n; i++) {
        size_t opened = count(out, tags[i][0]) - count(in, tags[i][0]);
        size_t closed = count(out, tags[i][1]) - count(in, tags[i][1]);
        CHECK(opened == closed);
    }
}

#define TAG(name)                                                                                  \
    { STR_INIT("<" name ">"), STR_INIT("</" name ">") }

static void quotes(buf *out, wt_parser *p, str in, arena scratch) {
    static const str tags[][2] = {TAG("b"), TAG("i")};
    size_t start = out->len;
    wt_quotes(out, p, in, scratch);
    str made = {out->ptr + start, out->len - start};
    if (!memchr(in.ptr, '<', in.len)) check_balanced(in, made, tags, countof(tags));
    CHECK(made.len <= in.len * 8 + 16);
}

static void format_headings(buf *out, wt_parser *p, str in, arena scratch) {
    wt_format_headings(out, p, in, true, scratch);
    CHECK(p->sections.n <= p->headings.n && p->headings.n <= in.len / 8);
}

static void blocks(buf *out, wt_parser *p, str in, arena scratch) {
    static const str tags[][2] = {TAG("p"), TAG("pre"), TAG("ul"), TAG("ol"), TAG("dl"), TAG("li")};
    size_t start = out->len;
    wt_blocks(out, p, in, true, scratch);
    str made = {out->ptr + start, out->len - start};
    if (!memchr(in.ptr, '<', in.len)) check_balanced(in, made, tags, countof(tags));
    CHECK(made.len <= in.len * 24 + 32);
}

static void french_spaces(buf *out, wt_parser *p, str in, arena scratch) {
    (void)p, (void)scratch;
    wt_french_spaces(out, in);
    CHECK(out->len <= in.len * 6);
}

static void (*const passes[])(buf *, wt_parser *, str, arena) = {
    wt_tables, wt_headings, quotes, format_headings, french_spaces, blocks, wt_place_headings};

static str run(size_t which, wt_parser *p, str in, arena scratch) {
    buf out;
    buf_init(&out, p->mem, in.len + 1);
    passes[which](&out, p, in, scratch);
    CHECK(!out.failed);
    return buf_str(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena mem, scratch;
    if (len < 1 || len > MOST) return 0;
    if (!mem.base) CHECK(!arena_open(&mem, ROOM, NULL) && !arena_open(&scratch, ROOM, NULL));
    arena_reset(&mem, 1 << 20);
    wt_options o = {
        .world = &world, .title = STR("Page"), .article_path = "/wiki/", .edit_links = true};
    wt_page page = {0};
    wt_heading_mark *mark;
    wt_parser *p = arena_new(&mem, wt_parser);
    *p = (wt_parser){
        .o = &o, .world = &world, .page = &page, .mem = &mem, .limits = {.output_bytes = 4 << 20}};
    p->title.full = STR("Page");
    mark = wt_list_add(p, &p->marks, sizeof *mark);
    CHECK(mark);
    *mark = (wt_heading_mark){STR("Page"), 1};
    char *text = malloc(len);  // its own, so that a read behind its end shows
    CHECK(text);
    memcpy(text, data + 1, len - 1);
    str in = {text, len - 1};
    if (data[0] % 8 < countof(passes))
        run(data[0] % 8, p, in, scratch);
    else
        for (size_t i = 0; i < countof(passes); i++)
            in = run(i, p, in, scratch);
    free(text);
    return 0;
}
