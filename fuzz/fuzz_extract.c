// Any bytes as wikitext: titles within their limit, sort keys inside the text, disambiguation ends.

#include "fuzz/fuzz.h"
#include "wiki/extract.h"

static void on_found(void *arg, const wiki_extracted *x) {
    const str *text = arg;
    CHECK(x->title.len > 0 && x->title.len <= WIKI_TITLE_MAX);
    bool is_inside =
        !x->sort_key.len || (x->sort_key.ptr >= text->ptr &&
                             x->sort_key.ptr + x->sort_key.len <= text->ptr + text->len);
    CHECK(is_inside);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena mem;
    if (!mem.base) CHECK(!arena_open(&mem, 1 << 20, NULL));
    str text = {(const char *)data, len};
    wiki_extract(text, NULL, mem, on_found, &text);
    wiki_is_disambiguation(str_first(text, 64), text);
    return 0;
}
