// wikitext/switches.c -- behaviour switches: __NOTOC__, __TOC__ and their kin leave the text.
//
// I1  The first __TOC__ of a page leaves the place of the contents; every other switch leaves
//     nothing, known ones set a bit. What only looks like a switch stays.

#include "wikitext/inside.h"

enum { NAME_MAX = 32 };

static const struct {
    str name;
    unsigned bit;
    bool is_case_sensitive;
} switches[] = {
    {STR_INIT("NOTOC"), WT_SWITCH(NOTOC), false},
    {STR_INIT("FORCETOC"), WT_SWITCH(FORCETOC), false},
    {STR_INIT("TOC"), WT_SWITCH(TOC), false},
    {STR_INIT("NOEDITSECTION"), WT_SWITCH(NOEDITSECTION), false},
    {STR_INIT("NEWSECTIONLINK"), WT_SWITCH(NEWSECTIONLINK), true},
    {STR_INIT("NONEWSECTIONLINK"), WT_SWITCH(NONEWSECTIONLINK), true},
    {STR_INIT("NOGALLERY"), WT_SWITCH(NOGALLERY), false},
    {STR_INIT("HIDDENCAT"), WT_SWITCH(HIDDENCAT), true},
    {STR_INIT("EXPECTUNUSEDCATEGORY"), WT_SWITCH(EXPECTUNUSEDCATEGORY), true},
    {STR_INIT("EXPECTUNUSEDTEMPLATE"), WT_SWITCH(EXPECTUNUSEDTEMPLATE), true},
    {STR_INIT("INDEX"), WT_SWITCH(INDEX), true},
    {STR_INIT("NOINDEX"), WT_SWITCH(NOINDEX), true},
    {STR_INIT("STATICREDIRECT"), WT_SWITCH(STATICREDIRECT), true},
    {STR_INIT("NOTITLECONVERT"), WT_SWITCH(NOTITLECONVERT), false},
    {STR_INIT("NOTC"), WT_SWITCH(NOTITLECONVERT), false},
    {STR_INIT("NOCONTENTCONVERT"), WT_SWITCH(NOCONTENTCONVERT), false},
    {STR_INIT("NOCC"), WT_SWITCH(NOCONTENTCONVERT), false},
    {STR_INIT("DISAMBIG"), WT_SWITCH(DISAMBIG), false},
    {STR_INIT("NOGLOBAL"), WT_SWITCH(NOGLOBAL), false},
    {STR_INIT("ARCHIVEDTALK"), WT_SWITCH(ARCHIVEDTALK), true},
    {STR_INIT("NOTALK"), WT_SWITCH(NOTALK), true},
};

static bool is_letter(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// The bit of "__NAME__" at the start of s, 0 when there is none; *len is its length.
static unsigned switch_at(size_t *len, str s) {
    size_t n = 2;
    while (n < s.len && n <= NAME_MAX && is_letter(s.ptr[n]))
        n++;
    if (!str_starts(str_skip(s, n), STR("__"))) return 0;
    str name = {s.ptr + 2, n - 2};
    *len = n + 2;
    for (size_t i = 0; i < countof(switches); i++)
        if (switches[i].is_case_sensitive ? str_eq(name, switches[i].name)
                                          : str_eq_nocase(name, switches[i].name))
            return switches[i].bit;
    return 0;
}

void wt_switches(buf *out, wt_parser *p, str in, arena scratch) {
    (void)scratch;
    for (size_t at; (at = str_find(in, STR("__"))) < in.len;) {
        size_t len = 1;
        unsigned bit = switch_at(&len, str_skip(in, at));
        buf_add(out, str_first(in, at + (bit ? 0 : 1)));
        if (bit == WT_SWITCH(TOC) && !(p->switches & bit)) buf_add(out, STR(WT_TOC_PLACE));
        in = str_skip(in, at + (bit ? len : 1));
        p->switches |= bit;
    }
    buf_add(out, in);
}
