// Any bytes as wikitext: what the sanitiser lets through is tags of its table with attributes of
// its table, and read again it is so too; styles, references and words of any bytes hold their own.

#include "fuzz/fuzz.h"
#include "html/tags.h"
#include "wikitext/inside.h"

static arena scratch, mem;

static str sanitized(wt_parser *p, str in) {
    buf out;
    buf_init(&out, &mem, 0);
    wt_sanitize(&out, p, in, scratch);
    CHECK(!out.failed);
    return buf_str(&out);
}

static str normalised(str in) {
    buf out;
    buf_init(&out, &mem, 0);
    html_charrefs(&out, in);
    CHECK(!out.failed);
    return buf_str(&out);
}

// A tag that was let through: ` name="value"` each, names allowed on the element.
static void check_tag(str tag) {
    bool is_end = str_starts(tag, STR("/"));
    str rest = str_skip(tag, is_end);
    if (str_ends(rest, STR("/"))) rest.len--;
    str name = str_cut(&rest, ' ');
    tag_id id = tag_find(name);
    CHECK(id != TAG_UNKNOWN && tag_flags(id) & IS_USER);
    while (rest.len > 0) {
        str attr = str_cut(&rest, '=');
        CHECK(wt_attr_allowed(name, attr) && !str_starts(attr, STR("on")));
        CHECK(str_starts(rest, STR("\"")));
        rest = str_skip(rest, 1);
        str value = str_cut(&rest, '"');
        for (size_t i = 0; i < value.len; i++)
            CHECK(!memchr("<>'[]{}|_", value.ptr[i], 9));
        CHECK(rest.len == 0 || rest.ptr[0] == ' ');
        rest = str_skip(rest, 1);
    }
}

static void check_html(str html) {
    while (html.len > 0) {
        size_t at = str_find_byte(html, '<');
        CHECK(str_find_byte(str_first(html, at), '>') == at);
        html = str_skip(html, at + 1);
        if (html.len == 0) break;
        size_t end = str_find_byte(html, '>');
        CHECK(end < html.len);
        check_tag(str_first(html, end));
        html = str_skip(html, end + 1);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    if (!scratch.base) CHECK(!arena_open(&scratch, 256 << 20, NULL));
    if (!mem.base) CHECK(!arena_open(&mem, 256 << 20, NULL));
    arena_reset(&mem, 1 << 20);
    wt_parser *p = arena_new(&mem, wt_parser);
    p->mem = &mem;
    str in = arena_str(&mem, (str){(const char *)data, len});
    for (size_t i = 0; i < in.len; i++)  // as wt_render does
        if (data[i] == WT_MARK || data[i] == 0) ((char *)(uintptr_t)in.ptr)[i] = '?';
    str once = sanitized(p, in);
    check_html(once);
    CHECK(once.len <= 8 * len + 64);
    check_html(sanitized(p, once));
    str refs = normalised(in);
    CHECK(str_eq(normalised(refs), refs));
    CHECK(html_decode(in, &mem).len <= 2 * len + 4);
    str style = html_css(in, &mem);
    for (size_t i = 0; i < style.len; i++)
        CHECK(!str_starts_nocase(str_skip(style, i), STR("expression")));
    buf words;
    buf_init(&words, &mem, 0);
    wt_text(&words, in);
    CHECK(!words.failed && words.len <= 2 * len + 64);
    return 0;
}
