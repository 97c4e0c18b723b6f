// Titles, [[links]], [http://x y], bare URLs, files and galleries. Any bytes are a text.
//
// Byte 0 picks language and options, and titles or links. A title that was accepted is its own
// normal form; of links, all that is opened is closed, no marker of a link is left, and nothing is
// written that is not bounded by what was read.

#include "fuzz/fuzz.h"
#include "wikitext/inside.h"

enum { ROOM = 256 << 20, MOST = 1 << 15, TITLES = 1, READER = 2, IMAGES = 4, RUSSIAN = 8 };

static wiki_site site = {
    .ns = {{-2, STR_INIT("Media"), false},
           {-1, STR_INIT("Special"), false},
           {0, STR_INIT(""), false},
           {1, STR_INIT("Talk"), false},
           {2, STR_INIT("User"), false},
           {6, STR_INIT("File"), false},
           {14, STR_INIT("Category"), false}},
    .n_ns = 7,
};

static bool source(void *arg, wt_source *out, str title, arena *a) {
    (void)arg, (void)out, (void)title, (void)a;
    return false;
}
static void exists(void *arg, wt_status *out, const str *titles, size_t n) {
    (void)arg;
    for (size_t i = 0; i < n; i++)
        out[i] = (wt_status)(titles[i].len & 3);
}
static bool interwiki(void *arg, wt_interwiki *out, str prefix, arena *a) {
    (void)arg, (void)a;
    *out = (wt_interwiki){.url = STR("http://x/$1?\"<"),
                          .is_language = str_eq(prefix, STR("fr")),
                          .is_local = str_eq(prefix, STR("i"))};
    return prefix.len < 3;
}
static bool file(void *arg, wt_file *out, str name, int32_t width, arena *a) {
    static const char *const kinds[] = {"image/png", "image/svg+xml", "video/ogg", "audio/ogg",
                                        "application/pdf"};
    (void)arg;
    *out = (wt_file){.url = name.len & 2 ? arena_fmt(a, "/i/%d/x", width) : (str){0},
                     .width = (int32_t)(name.len * 37 % 900),
                     .height = (int32_t)(name.len * 91 % 700),
                     .mime = str_of(kinds[name.len % countof(kinds)]),
                     .duration = (double)name.len};
    return name.len & 1;
}

static const wt_world world = {
    .site = &site, .source = source, .exists = exists, .interwiki = interwiki, .file = file};

static size_t count(str s, str what) {
    size_t n = 0;
    for (size_t at = 0; (at += str_find(str_skip(s, at), what)) < s.len; at += what.len)
        n++;
    return n;
}

static void check_title(wt_parser *p, str text) {
    wt_title t, again;
    buf url;
    buf_init(&url, p->mem, 0);
    if (!wt_title_parse(&t, p, text, 0)) return;
    CHECK(t.full.len <= 600);
    wt_title_url(&url, p, &t, STR(""));
    if (t.interwiki.len || !t.full.len) return;
    CHECK(str_find_byte(buf_str(&url), '"') == url.len);
    CHECK(wt_title_parse(&again, p, t.full, 0));
    CHECK(str_eq(again.full, t.full) && again.ns == t.ns && str_eq(again.text, t.text));
}

typedef void pass(buf *out, wt_parser *p, str in, arena scratch);

static str through(pass *run, wt_parser *p, str in, arena scratch) {
    buf out;
    buf_init(&out, p->mem, in.len + 64);
    run(&out, p, in, scratch);
    CHECK(!out.failed);
    return buf_str(&out);
}

// Of '\r', NUL and markers wt_render frees a text before any pass sees it.
static str scrubbed(arena *a, str text) {
    char *to = arena_cstr(a, text);
    for (size_t i = 0; i < text.len; i++)
        if (to[i] == WT_MARK || to[i] == '\r' || to[i] == 0) to[i] = '?';
    return (str){to, text.len};
}

static void check_closed(str html) {
    CHECK(count(html, STR("<a ")) == count(html, STR("</a>")));
    CHECK(count(html, STR("<figure")) == count(html, STR("</figure>")));
}

static void check_links(wt_parser *p, str text, arena scratch) {
    buf out;
    str got = through(wt_sanitize, p, text, scratch);
    got = through(wt_magic_links, p,
                  through(wt_extlinks, p, through(wt_links, p, got, scratch), scratch), scratch);
    buf_init(&out, p->mem, got.len);
    wt_gallery(&out, p, p->frame, str_first(text, text.len / 4), str_skip(text, text.len / 4));
    buf_add(&out, got);
    got = through(wt_holders, p, wt_unstrip_str(p, buf_str(&out), "gx"), scratch);
    got = wt_unstrip_str(p, got, "gxn");
    // A bar in a caption cuts links in two, as it does in MediaWiki; tidying mends that.
    if (str_find_byte(text, '|') == text.len) check_closed(got);
    buf_init(&out, p->mem, got.len);
    html_tidy(&out, got, scratch);
    check_closed(buf_str(&out));
    CHECK(got.len <= 2000 * text.len + 4096);
    CHECK(p->languages.n <= 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena mem, scratch;
    if (!mem.base) CHECK(!arena_open(&mem, ROOM, NULL));
    if (!scratch.base) CHECK(!arena_open(&scratch, ROOM, NULL));
    if (len == 0 || len > MOST) return 0;
    arena_reset(&mem, 4 << 20);
    int how = data[0];
    str text = scrubbed(&mem, (str){(const char *)data + 1, len - 1});
    site.lang = how & RUSSIAN ? STR("ru") : STR("is");
    wt_page page = {0};
    wt_options o = {.world = &world,
                    .article_path = "/wiki/",
                    .script_path = how & READER ? NULL : "/index.php",
                    .red_links_to_editor = !(how & READER),
                    .external_images = how & IMAGES,
                    .subpages = how & IMAGES};
    static wt_parser p;
    arena level = p.level[0];
    p = (wt_parser){.o = &o, .world = &world, .page = &page, .mem = &mem, .room = ROOM};
    p.level[0] = level;
    p.limits = (wt_limits){1000000, 2 << 20, 2 << 20, 100, 500, 32 << 20, 0};
    p.title = (wt_title){.ns = 2, .text = STR("A/b"), .full = STR("User:A/b")};
    wt_frame frame = {.title = p.title.full};
    p.frame = &frame;
    if (how & TITLES)
        check_title(&p, text);
    else
        check_links(&p, text, scratch);
    for (size_t i = 1; i < countof(p.level) && p.level[i].base; i++)
        arena_close(&p.level[i]);
    return 0;
}
