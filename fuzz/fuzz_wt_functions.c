// Any bytes as what functions compute with: numbers, sums, dates, formats, entities, and calls of
// every function with them as arguments (parted by NUL). What they write is bounded and UTF-8.

#include "base/utf8.h"
#include "fuzz/fuzz.h"
#include "wikitext/date.h"
#include "wikitext/entity.h"
#include "wikitext/expr.h"
#include "wikitext/func.h"
#include "wikitext/lang.h"

#include "fuzz/wt_world.h"

enum { ROOM = 256 << 20, MOST = 4096 };

static const wt_func *const tables[] = {wt_funcs_core,   wt_funcs_logic, wt_funcs_title,
                                        wt_funcs_string, wt_funcs_time,  wt_funcs_vars,
                                        wt_funcs_section};

static void check_numbers(str text, arena *mem) {
    wt_value v;
    wt_number n;
    buf error, out;
    buf_init(&error, mem, 0);
    buf_init(&out, mem, 0);
    if (wt_expr(&v, &error, text)) {
        CHECK(error.len == 0);
        if (!v.is_empty) wt_number_put(&out, v.n);
        CHECK(out.len <= 64);
    } else {
        CHECK(error.len > 0);
    }
    CHECK(wt_number_prefix(&n, text) <= text.len);
    if (wt_number_read(&n, text)) CHECK(wt_number_prefix(&n, text) > 0);
    (void)wt_int_prefix(text);
}

static void check_dates(str text, str format, arena *mem) {
    int64_t at;
    buf out;
    buf_init(&out, mem, 0);
    if (!wt_date_read(&at, text, 1700000000)) return;
    wt_date d = wt_date_of(at);
    CHECK(d.month >= 1 && d.month <= 12 && d.day >= 1 && d.day <= 31);
    CHECK(wt_days_of(d.year, d.month, d.day) * 86400 + d.hour * 3600 + d.minute * 60 + d.second ==
          at);
    wt_date_put(&out, format, at, wt_lang_of(STR("en")));
    CHECK(out.len <= 64 * format.len + 64);
}

// Each function by its name, with the texts for arguments.
static void check_calls(uint8_t which, str rest, arena *mem) {
    size_t table = which % countof(tables), row = which / countof(tables), n = 0;
    while (tables[table][n].name)
        n++;
    const wt_func *f = &tables[table][row % n];
    buf call;
    buf_init(&call, mem, rest.len + 64);
    buf_fmt(&call, "{{%s%s%s", f->has_hash ? "#" : "", f->name, rest.len ? ":" : "");
    for (size_t i = 0; i < rest.len; i++)
        buf_byte(&call, rest.ptr[i] ? rest.ptr[i] == WT_MARK ? '?' : rest.ptr[i] : '|');
    buf_add(&call, STR("}}"));
    wt_options o = {.world = &fuzz_world, .title = STR("Page"), .article_path = "/wiki/"};
    wt_page page = {0};
    wt_parser *p = fuzz_parser(&o, &page, mem);
    str flat = wt_expand_text(p, buf_str(&call), p->frame);
    CHECK(!(p->over & WT_OVER_MEMORY));
    CHECK(flat.len <= (2 << 20));
    if (utf8_valid(rest)) CHECK(utf8_valid(wt_unstrip_str(p, flat, "gxn")));
    fuzz_parser_end(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena mem;
    if (len < 1 || len > MOST) return 0;
    if (!mem.base) CHECK(!arena_open(&mem, ROOM, NULL));
    arena_reset(&mem, 1 << 20);
    fuzz_split(STR("x"));
    str text = {(const char *)data + 1, len - 1}, rest = text;
    check_calls(data[0], text, &mem);
    str first = str_cut(&rest, 0);
    check_numbers(first, &mem);
    check_dates(first, rest, &mem);
    return 0;
}
