// Any bytes as HTML: the tree's HTML is balanced, of known elements, without event handlers, of
// bounded size; read again it is so too. (It need not be the same: HTML has trees that it cannot
// write, such as an <a> fostered into an <a>.)

#include "fuzz/fuzz.h"
#include "html/tree.h"
#include "wikitext/inside.h"

typedef struct checker {
    tag_id open[8192];
    size_t n;
} checker;

// Every tag is known, quoted as we quote, closed in order.
static void check_tag(checker *c, str tag) {
    bool is_end = str_starts(tag, STR("/"));
    str rest = str_skip(tag, is_end), name = str_cut(&rest, ' ');
    tag_id id = tag_find(name);
    CHECK(id != TAG_UNKNOWN);
    if (is_end) {
        CHECK(c->n > 0 && c->open[--c->n] == id && rest.len == 0);
        return;
    }
    while (rest.len > 0 && !str_eq(rest, STR("/"))) {
        str attr = str_cut(&rest, '=');
        CHECK(attr.len > 0 && !str_starts(attr, STR("on")) && str_starts(rest, STR("\"")));
        rest = str_skip(rest, 1);
        str value = str_cut(&rest, '"');
        CHECK(str_find_byte(value, '<') == value.len);
        CHECK(rest.len == 0 || rest.ptr[0] == ' ');
        rest = str_skip(rest, 1);
    }
    if (tag_flags(id) & IS_VOID) return;
    CHECK(c->n < countof(c->open));
    c->open[c->n++] = id;
}

static void check_html(str html) {
    static checker c;
    c.n = 0;
    while (html.len > 0) {
        size_t at = str_find_byte(html, '<');
        str text = str_first(html, at);
        bool is_raw = c.n > 0 && c.open[c.n - 1] == TAG_STYLE;
        CHECK(is_raw || str_find_byte(text, '>') == text.len);
        html = str_skip(html, at + 1);
        if (at == text.len && html.len == 0) break;
        if (is_raw && !str_starts(html, STR("/style>"))) continue;
        size_t end = str_find_byte(html, '>');
        CHECK(end < html.len);
        check_tag(&c, str_first(html, end));
        html = str_skip(html, end + 1);
    }
    CHECK(c.n == 0);
}

static str tree_of(str html, bool wrap, arena *mem, arena scratch) {
    buf out;
    tree_builder *b = arena_new(&scratch, tree_builder);
    tree_build(b, html, wrap, &scratch);
    buf_init(&out, mem, 0);
    tree_write(&out, b);
    CHECK(!out.failed);
    return buf_str(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena scratch, mem;
    if (!scratch.base) CHECK(!arena_open(&scratch, (size_t)1 << 30, NULL));
    if (!mem.base) CHECK(!arena_open(&mem, 256 << 20, NULL));
    arena_reset(&mem, 1 << 20);
    if (len > 64 << 10) return 0;
    for (int wrap = 0; wrap < 2; wrap++) {
        str html = tree_of((str){(const char *)data, len}, wrap, &mem, scratch);
        check_html(html);
        CHECK(html.len <= 400 * len + 4096);
        check_html(tree_of(html, wrap, &mem, scratch));
    }
    return 0;
}
