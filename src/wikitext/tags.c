// wikitext/tags.c -- the table of elements, and finding one by its name.
//
// I1  Rows after TAG_WRAP are in order of their names, so that a name is found by halving.
// I2  A name is at most 15 bytes, so that it is two words with NULs behind it.

#include "wikitext/tags.h"

const tag_row tag_rows[TAG_COUNT] = {
    [TAG_TEXT] = {""},
    [TAG_ROOT] = {"", 0, START_OTHER, END_NONE, IS_SPECIAL | IS_SCOPE, 0},
    [TAG_WRAP] = {"p", 1, START_OTHER, END_NONE, 0, 0},
#define TAG(id, name, start, end, flags, attrs) {name, sizeof(name) - 1, start, end, flags, attrs},
#include "wikitext/tags.inc"
};

// Bytes in the order of memcmp.
static uint64_t word(const char *at) {
    uint64_t w;
    memcpy(&w, at, sizeof w);
    return __builtin_bswap64(w);
}

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

tag_id tag_find(str name) {
    char padded[16] = {0};
    if (name.len == 0 || name.len >= sizeof padded) return TAG_UNKNOWN;
    for (size_t i = 0; i < name.len; i++)
        padded[i] = lower(name.ptr[i]);
    uint64_t high = word(padded), low = word(padded + 8);
    int from = TAG_WRAP + 1, to = TAG_COUNT;
    while (from < to) {
        int mid = (from + to) / 2;
        uint64_t row_high = word(tag_rows[mid].name), row_low = word(tag_rows[mid].name + 8);
        if (row_high == high && row_low == low) return (tag_id)mid;
        if (row_high < high || (row_high == high && row_low < low))
            from = mid + 1;
        else
            to = mid;
    }
    return TAG_UNKNOWN;
}
