// A line of a multistream dump's own index: what is taken from it stands in it.

#include "fuzz/fuzz.h"
#include "wiki/source.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    str rest = {(const char *)data, len};
    while (rest.len) {
        str line = str_cut(&rest, '\n');
        wiki_stream_line l;
        if (!wiki_stream_line_parse(&l, line)) continue;
        CHECK(l.title.len && l.title.ptr > line.ptr);
        CHECK(l.title.ptr + l.title.len <= line.ptr + line.len);
        CHECK(str_find_byte(line, ':') < line.len);
    }
    return 0;
}
