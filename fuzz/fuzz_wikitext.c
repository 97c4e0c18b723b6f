// Any bytes as wikitext: the HTML is well-formed, balanced, from the allow-list, and not huge.

#include "fuzz/fuzz.h"
#include "tests/wiki/htmlcheck.h"
#include "wiki/wiki.h"

static bool exists(void *arg, str title) {
    (void)arg;
    return title.len & 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena scratch, mem;
    if (!scratch.base) CHECK(!arena_open(&scratch, 64 << 20, NULL));
    if (!mem.base) CHECK(!arena_open(&mem, 64 << 20, NULL));
    arena_reset(&mem, 1 << 20);
    buf out;
    buf_init(&out, &mem, 0);
    wiki_html_options o = {.exists = exists, .link_prefix = "/wiki/wiki/"};
    CHECK(wiki_html(&out, (str){(const char *)data, len}, (str){0}, &o, scratch));
    CHECK(html_check(buf_str(&out)) == NULL);
    CHECK(out.len <= 400 * len + 4096);
    return 0;
}
