// Any bytes as a page, its templates and a style sheet (wt_world.h): the HTML is well-formed,
// balanced and from the allow-lists, the same again, and the same as before when read and written
// once more; its words are bounded. A first byte below ' ' picks options.

#include "families/families.h"
#include "fuzz/fuzz.h"
#include "fuzz/wt_world.h"
#include "tests/wikitext/htmlcheck.h"

#include <stdio.h>

enum { MOST = 1 << 16 };

static void must_be_well(const char *what, str html) {
    const char *why = html_check(html);
    if (why) fprintf(stderr, "%s: %s in: %.*s\n", what, why, STR_ARG(html));
    CHECK(why == NULL);
}

static wt_page render(str text, const wt_options *o, arena *mem, arena scratch) {
    wt_page page;
    CHECK(!wt_render(&page, text, o, mem, scratch));
    CHECK(!(page.over & (WT_OVER_MEMORY | WT_OVER_TIME)));
    must_be_well("page", page.html);
    return page;
}

// What a reader of the page gets beside it.
static void check_rest(const wt_page *page, arena *mem) {
    buf words;
    for (size_t i = 0; i < page->n_sections; i++) {
        must_be_well("heading", page->sections[i].html);
        CHECK(page->sections[i].at <= page->html.len);
    }
    for (size_t i = 0; i < page->n_indicators; i++)
        must_be_well("indicator", page->indicators[i].html);
    must_be_well("title", page->display_title);
    buf_init(&words, mem, 0);
    wt_text(&words, page->html);
    CHECK(!words.failed && words.len <= 2 * page->html.len + 64);
    CHECK(str_find_byte(buf_str(&words), WT_MARK) == words.len);
}

static wt_options options(unsigned bits) {
    return (wt_options){.world = &fuzz_world,
                        .title = STR("Page"),
                        .article_path = "/wiki/",
                        .edit_links = bits & 1,
                        .external_images = bits & 2,
                        .families = bits & 4 ? NULL : &families,
                        .legacy_ids = bits & 8,
                        .red_links_to_editor = bits & 16,
                        .subpages = bits & 1,
                        .limits = {.nodes = 1 << 16,
                                   .expanded_bytes = 1 << 18,
                                   .argument_bytes = 1 << 18,
                                   .output_bytes = 16 << 20}};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena scratch, mem;
    if (len > MOST) return 0;
    if (!scratch.base)
        CHECK(!arena_open(&scratch, wt_room(MOST), NULL) &&
              !arena_open(&mem, 4 * wt_room(MOST), NULL));
    arena_reset(&mem, 1 << 20);
    bool has_bits = len && data[0] < ' ' && data[0] != '\n' && data[0] != '\t';
    fuzz_split((str){(const char *)data + has_bits, len - has_bits});
    wt_options o = options(has_bits ? data[0] : 0);
    wt_page page = render(fuzz_parts[0], &o, &mem, scratch);
    check_rest(&page, &mem);
    wt_page again = render(fuzz_parts[0], &o, &mem, scratch);
    CHECK(str_eq(page.html, again.html) && page.over == again.over);
    buf twice;
    buf_init(&twice, &mem, 0);
    html_tidy(&twice, page.html, scratch);
    must_be_well("tidied again", buf_str(&twice));
    return 0;
}
