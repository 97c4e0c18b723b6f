// Any bytes as TeX, as chemistry and as a style sheet: what is written is balanced and bounded, and
// nothing is written where it is refused; no rule leaves its scope or its <style>.

#include "fuzz/fuzz.h"
#include "math/math.h"
#include "tests/wikitext/htmlcheck.h"
#include "wikitext/ext.h"

#include <stdio.h>

enum { ROOM = 256 << 20, MOST = 1 << 14 };

static void check_formula(bool (*run)(buf *out, str tex), str tex, arena *mem) {
    buf out;
    buf_init(&out, mem, 0);
    bool is_read = run(&out, tex);
    CHECK(!out.failed && (is_read || out.len == 0));
    CHECK(out.len <= 512 * tex.len + 512);
    if (!utf8_valid(tex)) return;
    const char *why = html_check(buf_str(&out));
    if (why) fprintf(stderr, "%s: %.*s\n", why, STR_ARG(buf_str(&out)));
    CHECK(why == NULL);
}

// Behind the string that starts at i.
static size_t behind_string(str css, size_t i) {
    char quote = css.ptr[i++];
    while (i < css.len && css.ptr[i] != quote)
        i += css.ptr[i] == '\\' ? 2 : 1;
    return i;
}

static void check_sheet(str css, arena *mem, arena scratch) {
    buf out;
    int depth = 0;
    buf_init(&out, mem, 0);
    wt_style_sheet(&out, css, STR(".scope"), scratch);
    CHECK(!out.failed && out.len <= 16 * css.len + 64);
    CHECK(str_find_byte(buf_str(&out), '<') == out.len);
    for (size_t i = 0; i < out.len; i++) {
        bool is_quote = out.ptr[i] == '"' || out.ptr[i] == '\'';
        if (is_quote) i = behind_string(buf_str(&out), i);
        CHECK(i < out.len);
        if (is_quote || out.ptr[i] == '\\') {
            i += !is_quote;
            continue;
        }
        depth += out.ptr[i] == '{' ? 1 : out.ptr[i] == '}' ? -1 : 0;
        CHECK(depth >= 0);
    }
    CHECK(depth == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena mem, scratch;
    if (len > MOST) return 0;
    if (!mem.base) CHECK(!arena_open(&mem, ROOM, NULL) && !arena_open(&scratch, ROOM, NULL));
    arena_reset(&mem, 1 << 20);
    str text = wt_scrub((str){(const char *)data, len}, &mem);
    check_formula(math_put, text, &mem);
    check_formula(math_chem, text, &mem);
    check_sheet(text, &mem, scratch);
    return 0;
}
