// Any bytes as a page: the HTML is well-formed, balanced, from the allow-list, and not huge.

#include "fuzz/fuzz.h"
#include "tests/wikitext/htmlcheck.h"
#include "tests/wikitext/world.h"
#include "wikitext/wikitext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena scratch, mem;
    if (!scratch.base) CHECK(!arena_open(&scratch, wt_room(1 << 20), NULL));
    if (!mem.base) CHECK(!arena_open(&mem, wt_room(1 << 20), NULL));
    arena_reset(&mem, 1 << 20);
    wt_page page;
    wt_options o = {.world = world_any(), .title = STR("Page"), .article_path = "/wiki/"};
    CHECK(!wt_render(&page, (str){(const char *)data, len}, &o, &mem, scratch));
    const char *why = html_check(page.html);
    if (why) fprintf(stderr, "%s in: %.*s\n", why, STR_ARG(page.html));
    CHECK(why == NULL);
    return 0;
}
