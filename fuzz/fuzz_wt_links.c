// Any bytes as titles, links, files, galleries and bare addresses: no marker gets lost, titles hold
// their own, and what links become is bounded by what they were. Byte 0 picks the pass; templates
// stand behind NULs (wt_world.h).

#include "fuzz/fuzz.h"
#include "fuzz/wt_world.h"

enum { ROOM = 256 << 20, MOST = 1 << 14 };

typedef void pass(buf *out, wt_parser *p, str in, arena scratch);

static str through(pass *run, wt_parser *p, str in, arena scratch) {
    buf out;
    buf_init(&out, p->mem, 0);
    run(&out, p, in, scratch);
    CHECK(!out.failed);
    return buf_str(&out);
}

static void gallery(buf *out, wt_parser *p, str in, arena scratch) {
    str attrs = str_cut(&in, '\n');
    (void)scratch;
    wt_gallery(out, p, p->frame, attrs, in);
}

static void file(buf *out, wt_parser *p, str in, arena scratch) {
    wt_title title;
    str name = str_cut(&in, '|');
    if (wt_title_parse(&title, p, name, 6)) wt_file_link(out, p, &title, in, scratch);
}

// A title written again is the same title.
static void title(buf *out, wt_parser *p, str in, arena scratch) {
    wt_title once, twice;
    (void)scratch;
    if (!wt_title_parse(&once, p, in, 0)) return;
    CHECK(once.full.len <= 2 * 255 + 64);
    CHECK(!once.full.len || str_find_byte(once.full, '|') == once.full.len);
    wt_title_url(out, p, &once, STR(""));
    for (size_t i = 0; i < out->len; i++)
        CHECK((unsigned char)out->ptr[i] > ' ' && !strchr("\"<>", out->ptr[i]));
    if (!once.interwiki.len && !once.leading_colon && once.full.len) {
        CHECK(wt_title_parse(&twice, p, once.full, 0));
        CHECK(str_eq(once.full, twice.full));
    }
}

static void url(buf *out, wt_parser *p, str in, arena scratch) {
    str clean = wt_url_allowed(in) ? in : STR("");
    (void)scratch;
    CHECK(wt_scheme(in) <= in.len);
    buf_add(out, wt_unstrip_str(p, clean, "gxn"));
}

static pass *const passes[] = {wt_links, wt_extlinks, wt_magic_links, gallery, file, title, url};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena mem, scratch;
    if (len < 1 || len > MOST) return 0;
    if (!mem.base) CHECK(!arena_open(&mem, ROOM, NULL) && !arena_open(&scratch, ROOM, NULL));
    arena_reset(&mem, 1 << 20);
    str in = arena_str(&mem, (str){(const char *)data + 1, len - 1});
    for (size_t i = 0; i < in.len; i++)  // as wt_render does
        if (data[i + 1] == WT_MARK) ((char *)(uintptr_t)in.ptr)[i] = '?';
    fuzz_split(in);
    wt_options o = {.world = &fuzz_world,
                    .title = STR("Page/sub"),
                    .article_path = "/wiki/",
                    .external_images = data[0] & 32,
                    .subpages = true};
    wt_page page = {0};
    wt_parser *p = fuzz_parser(&o, &page, &mem);
    size_t first = data[0] % 32;
    str text = fuzz_parts[0];
    if (first < countof(passes))
        text = through(passes[first], p, text, scratch);
    else
        for (size_t i = 0; i < 3; i++)
            text = through(passes[i], p, text, scratch);
    text = wt_unstrip_str(p, through(wt_holders, p, text, scratch), "gxn");
    CHECK(text.len <= 400 * len + (64 << 10));
    CHECK(str_find_byte(text, WT_MARK) == text.len);
    fuzz_parser_end(p);
    return 0;
}
