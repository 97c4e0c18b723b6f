// wikitext/spaces.c -- French spaces: one before ? : ; ! % » or behind « does not break the line.
//
// I1  What has none is copied in runs.
// I2  Tags, style sheets and scripts are not touched.

#include <utf8proc.h>

#include "base/utf8.h"
#include "wikitext/inside.h"

static const bool is_mark[256] = {['?'] = true, [':'] = true, [';'] = true,  ['!'] = true,
                                  ['%'] = true, ['<'] = true, [0xC2] = true, [0xE2] = true};

// Whether a letter, digit or "_" of any script starts s.
static bool is_word(str s) {
    int32_t c;
    if (!s.len || s.ptr[0] == '_') return s.len > 0;
    utf8_decode(&c, s);
    utf8proc_category_t kind = c == UTF8_BAD ? UTF8PROC_CATEGORY_CN : utf8proc_category(c);
    return kind >= UTF8PROC_CATEGORY_LU && kind <= UTF8PROC_CATEGORY_NO &&
           (kind <= UTF8PROC_CATEGORY_LO || kind >= UTF8PROC_CATEGORY_ND);
}

// Length of what wants a space in front (or behind: *is_left) at s; 0: none stands there.
static size_t mark_len(bool *is_left, str s) {
    *is_left = str_starts(s, STR("\xC2\xAB")) || str_starts(s, STR("\xE2\x80\xB9"));
    uint8_t c = (uint8_t)s.ptr[0];
    if (c < 0x80) return 1;
    if (*is_left || str_starts(s, STR("\xC2\xBB")) || str_starts(s, STR("\xE2\x80\xBA")))
        return c == 0xC2 ? 2 : 3;
    return 0;
}

// Length of the tag or comment that starts at s; a style sheet or a script goes to its end tag.
static size_t tag_len(str s) {
    char c = s.len > 1 ? s.ptr[1] : ' ';
    str end = STR(">");
    if (c != '/' && c != '!' && ((c | 0x20) < 'a' || (c | 0x20) > 'z')) return 1;
    if (c == '!' && str_starts(s, STR("<!--"))) end = STR("-->");
    if (c == 's' && str_starts(s, STR("<style"))) end = STR("</style>");
    if (c == 's' && str_starts(s, STR("<script"))) end = STR("</script>");
    size_t at = end.len == 1 ? str_find_byte(s, '>') : str_find(s, end);
    return min_size(at + end.len, s.len);
}

void wt_french_spaces(buf *out, str in) {
    size_t done = 0;
    for (size_t at = 0; at < in.len; at++) {
        if (!is_mark[(uint8_t)in.ptr[at]]) continue;
        if (in.ptr[at] == '<') {
            at += tag_len(str_skip(in, at)) - 1;
            continue;
        }
        bool is_left;
        size_t n = mark_len(&is_left, str_skip(in, at));
        if (n == 0) continue;
        size_t space = is_left ? at + n : at - 1;  // of an "at" of 0: behind the end
        if (space >= in.len || in.ptr[space] != ' ' || space < done) continue;
        if (!is_left && is_word(str_skip(in, at + n))) continue;
        buf_add(out, (str){in.ptr + done, space - done});
        buf_add(out, STR("&#160;"));
        done = space + 1;
    }
    buf_add(out, str_skip(in, done));
}
