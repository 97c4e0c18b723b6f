// Any bytes as TeX and as a formula of chemistry: what comes out is balanced MathML of known
// elements, and a formula that is not read leaves nothing behind.

#include "fuzz/fuzz.h"
#include "wikitext/math.h"

enum { DEPTH = 200 };

static const char elements[] = " mrow mi mn mo mtext mspace mfrac msqrt mroot msub msup msubsup "
                               "munder mover munderover mtable "
                               "mtr mtd mstyle menclose mphantom mpadded ";

static void check_known(str name) {
    char word[24] = " ";
    CHECK(name.len && name.len < sizeof word - 3);
    memcpy(word + 1, name.ptr, name.len);
    word[name.len + 1] = ' ';
    CHECK(strstr(elements, word));
}

static void check_balanced(str s) {
    str open[DEPTH];
    size_t n = 0;
    while ((s = str_skip(s, str_find_byte(s, '<'))).len) {
        size_t end = str_find_byte(s, '>');
        CHECK(end < s.len);
        str tag = str_skip(str_first(s, end), 1);
        bool is_close = str_starts(tag, STR("/"));
        str name = str_skip(tag, is_close);
        name = str_first(name, str_find_byte(name, ' '));
        check_known(name);
        if (is_close) {
            CHECK(n > 0 && str_eq(open[n - 1], name));
            n--;
        } else {
            CHECK(n < DEPTH);
            open[n++] = name;
        }
        s = str_skip(s, end + 1);
    }
    CHECK(n == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena mem;
    if (!mem.base) CHECK(!arena_open(&mem, 256 << 20, NULL));
    arena_reset(&mem, 1 << 20);
    str text = {(const char *)data, len};
    buf out;
    buf_init(&out, &mem, 0);
    buf_add(&out, STR("kept"));
    if (!wt_math(&out, text)) CHECK(str_eq(buf_str(&out), STR("kept")));
    check_balanced(buf_str(&out));
    buf_reset(&out);
    if (!wt_chem(&out, text)) CHECK(out.len == 0);
    check_balanced(buf_str(&out));
    return 0;
}
