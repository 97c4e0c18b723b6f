// Any bytes as arguments of parser functions. The first byte says which: expressions, dates,
// formats, numbers, case, or a whole call by its name. Results are bounded, the same each time, and
// no longer than their limits say.

#include "fuzz/fuzz.h"
#include "lang/date.h"
#include "lang/expr.h"
#include "lang/lang.h"
#include "wikitext/func.h"

enum { ROOM = 256 << 20, ROOM_PAGE = 1 << 30 };

static const wiki_site site = {
    .name = STR_INIT("Wiki"),
    .lang = STR_INIT("fa"),
    .ns = {{0, STR_INIT(""), false},
           {1, STR_INIT("Talk"), false},
           {10, STR_INIT("Template"), false}},
    .n_ns = 3,
};

static bool no_source(void *arg, wt_source *out, str title, arena *a) {
    (void)arg, (void)out, (void)title, (void)a;
    return false;
}

static void exist(void *arg, wt_status *out, const str *titles, size_t n) {
    (void)arg;
    for (size_t i = 0; i < n; i++)
        out[i] = titles[i].len & 1 ? WT_EXISTS : WT_MISSING;
}

static bool no_interwiki(void *arg, wt_interwiki *out, str prefix, arena *a) {
    (void)arg, (void)out, (void)prefix, (void)a;
    return false;
}

static bool no_file(void *arg, wt_file *out, str name, int32_t width, arena *a) {
    (void)arg, (void)out, (void)name, (void)width, (void)a;
    return false;
}

static uint64_t count(void *arg, int32_t ns) {
    (void)arg, (void)ns;
    return 7;
}

static bool no_message(void *arg, str *out, str key, arena *a) {
    (void)arg, (void)out, (void)key, (void)a;
    return false;
}

static const wt_world world = {.site = &site,
                               .now = 1700000000,
                               .source = no_source,
                               .exists = exist,
                               .interwiki = no_interwiki,
                               .file = no_file,
                               .count = count,
                               .message = no_message};

static void expression(str text, arena *a) {
    buf error;
    expr_value v = {.is_empty = true};
    buf_init(&error, a, 0);
    bool is_fine = expr_eval(&v, &error, text);
    CHECK(is_fine == (error.len == 0));
    CHECK(error.len <= text.len + 128);
    buf_reset(&error);
    num_put(&error, v.n);
    CHECK(error.len > 0 && error.len < 32);
}

static void date(str text, arena *a) {
    int64_t at = 0, again = 0;
    buf out;
    buf_init(&out, a, 0);
    bool uses_now;
    if (!date_read(&at, &uses_now, text, 1700000000)) return;
    CHECK(date_read(&again, &uses_now, text, uses_now ? 1700000000 : 0) && again == at);
    date_parts d = date_of(at);
    CHECK(d.month >= 1 && d.month <= 12 && d.day >= 1 && d.day <= 31);
    date_put(&out, STR("c r xjY xjF xmY xiY xtY xhY xrY W o z"), at, lang_find(STR("fa")));
    CHECK(out.len < 512);
}

static void format(str text, arena *a) {
    buf out;
    buf_init(&out, a, 0);
    date_put(&out, text, 981158400, lang_find(STR("he")));
    CHECK(!out.failed && out.len <= 40 * text.len + 64);
}

static void number(str text, arena *a) {
    buf out, back;
    buf_init(&out, a, 0);
    lang_format_number(&out, text, lang_find(STR("hi")), true);
    CHECK(out.len <= 300 * text.len + 64);
    buf_init(&back, a, 0);
    lang_parse_number(&back, text, lang_find(STR("fa")));
    CHECK(back.len <= text.len);
    CHECK(num_loosely_equal(text, text));
}

static void letters(str text, arena *a) {
    buf out;
    buf_init(&out, a, 0);
    lang_upper(&out, text);
    lang_lower(&out, text);
    lang_upper_first(&out, text);
    lang_lower_first(&out, text);
    CHECK(out.len <= 12 * text.len);
}

static const wt_func *const tables[] = {wt_funcs_core,  wt_funcs_logic, wt_funcs_string,
                                        wt_funcs_title, wt_funcs_time,  wt_funcs_vars};

// "{{name:...}}", the bytes being what stands behind the colon.
static void call(unsigned which, str text, arena *a, arena scratch) {
    const wt_func *func = NULL;
    unsigned n = 0;
    for (size_t t = 0; t < countof(tables); t++)
        for (const wt_func *f = tables[t]; f->name; f++, n++)
            if (n == which) func = f;
    if (!func) return;
    str wikitext =
        arena_fmt(a, "{{%s%s:%.*s}}", func->has_hash ? "#" : "", func->name, STR_ARG(text));
    wt_options o = {.world = &world,
                    .title = STR("Talk:Page"),
                    .timestamp = STR("2023-11-14T22:13:20Z"),
                    .article_path = "/wiki/",
                    .script_path = "/index.php",
                    .server = "http://example.org",
                    .limits = {.nodes = 100000, .expanded_bytes = 1 << 20}};
    wt_page page;
    CHECK(!wt_render(&page, wikitext, &o, a, scratch));
    CHECK(page.html.len < 64 << 20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static void (*const parts[])(str text, arena * a) = {expression, date, format, number, letters};
    static arena mem, scratch;
    if (!mem.base) CHECK(!arena_open(&mem, ROOM_PAGE, NULL) && !arena_open(&scratch, ROOM, NULL));
    if (!len) return 0;
    str text = {(const char *)data + 1, len - 1};
    if (data[0] < countof(parts))
        parts[data[0]](text, &mem);
    else
        call(data[0] - (unsigned)countof(parts), str_first(text, 4096), &mem, scratch);
    arena_reset(&mem, 4 << 20);
    return 0;
}
