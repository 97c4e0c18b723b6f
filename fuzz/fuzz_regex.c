// Patterns and texts from anywhere: the first line is the pattern. Matches come in order, end where
// characters end, and none of them takes for ever.

#include "fuzz/fuzz.h"

#include "text/regex.h"

enum { TEXT_MAX = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static arena a;
    if (!a.base && arena_open(&a, (size_t)1 << 30, NULL)) return 0;
    arena perm = a;
    err e = {0};
    regex *re;
    regex_run r;
    bool found;
    str text = {(const char *)data, len}, pattern = str_cut(&text, '\n');
    status s = regex_compile(&re, pattern, &perm, &e);
    CHECK(s ? !re && e.msg[0] : re != NULL);
    if (s) return 0;
    text = str_first(text, TEXT_MAX);
    regex_run_init(&r, re, text, perm);
    for (size_t start = 0, end = 0, last = 0;; last = end) {
        if (regex_next(&start, &end, &found, &r, &e) || !found) break;
        CHECK(start >= last && end >= start && end <= text.len);
    }
    return 0;
}
