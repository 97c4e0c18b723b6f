// A template and its variables, separated by a zero byte: bounded work and memory, an error or a text.

#include "base/utf8.h"
#include "fuzz/fuzz.h"
#include "jinja/jinja.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena mem, text;
    if (!mem.base) CHECK(!arena_open(&mem, 1 << 28, NULL) && !arena_open(&text, 1 << 26, NULL));
    arena scratch = mem;
    str all = {(const char *)data, len}, template = str_first(all, str_find_byte(all, 0));
    const json_value *vars = NULL;
    jinja *j;
    err e = {0};
    if (template.len < len && json_read(&vars, str_skip(all, template.len + 1), &scratch, NULL))
        vars = NULL;
    if (jinja_open(&j, template, &e)) {
        CHECK(e.msg[0]);
        return 0;
    }
    buf out;
    buf_init(&out, &text, 0);
    status code = jinja_render(&out, j, vars, 1722000000, scratch, &e);
    CHECK(code ? e.msg[0] && !out.len : utf8_valid(buf_str(&out)));
    jinja_close(j);
    arena_reset(&text, 1 << 20);
    return 0;
}
