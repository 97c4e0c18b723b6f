// wikitext/strip.c -- markers: what later passes must not touch, and putting it back.
//
// I1  A marker is WT_MARK, kind, eight lower-case hex digits, WT_MARK; nothing else has that form,
//     since WT_MARK itself never comes in from outside.
// I2  An item is kept once and never changes; its number is its place in p->strips.
// I3  Putting back is bounded by depth and by bytes, so that items within items cannot explode.
//
// Rejected: a random nonce as MediaWiki's. Its markers share an alphabet with the input; ours have
// a byte that the input cannot have. A forged number made of pieces shows another item of the same
// page, which was made safe already.

#include "wikitext/inside.h"

enum { DEPTH_MAX = 20, BYTES_MAX = 16 << 20 };

void wt_mark_add(buf *out, wt_strip kind, uint32_t index) {
    static const char digits[] = "0123456789abcdef";
    char mark[WT_MARK_LEN] = {[0] = WT_MARK, [1] = (char)kind, [WT_MARK_LEN - 1] = WT_MARK};
    for (int i = 0; i < 8; i++)
        mark[2 + i] = digits[index >> (28 - 4 * i) & 15];
    buf_add(out, (str){mark, sizeof mark});
}

void wt_strip_add(buf *out, wt_parser *p, wt_strip kind, str html) {
    str *item = wt_list_add(p, &p->strips, sizeof *item);
    if (!item) return;
    *item = html;
    wt_mark_add(out, kind, (uint32_t)(p->strips.n - 1));
}

static int hex(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool wt_mark_at(wt_strip *kind, uint32_t *index, str s) {
    if (s.len < WT_MARK_LEN || s.ptr[0] != WT_MARK || s.ptr[WT_MARK_LEN - 1] != WT_MARK)
        return false;
    uint32_t n = 0;
    for (int i = 0; i < 8; i++) {
        int digit = hex(s.ptr[2 + i]);
        if (digit < 0) return false;
        n = n << 4 | (uint32_t)digit;
    }
    *kind = (wt_strip)s.ptr[1];
    *index = n;
    return true;
}

typedef struct putting {
    wt_parser *p;
    const char *kinds;
    size_t budget;
} putting;

static void put_back(buf *out, putting *w, str text, int depth) {
    while (text.len > 0) {
        size_t at = str_find_byte(text, WT_MARK);
        wt_strip kind;
        uint32_t index;
        buf_add(out, str_first(text, at));
        text = str_skip(text, at);
        if (text.len == 0) return;
        if (!wt_mark_at(&kind, &index, text)) {
            buf_byte(out, WT_MARK);
            text = str_skip(text, 1);
            continue;
        }
        bool is_wanted = strchr(w->kinds, kind) && kind != WT_STRIP_LINK &&
                         kind != WT_STRIP_HEADING && index < w->p->strips.n;
        str item = is_wanted ? ((str *)w->p->strips.at)[index] : str_first(text, WT_MARK_LEN);
        text = str_skip(text, WT_MARK_LEN);
        if (!is_wanted) {
            bool is_lost = kind == WT_STRIP_HEADING && strchr(w->kinds, WT_STRIP_GENERAL);
            if (!is_lost) buf_add(out, item);
        } else if (depth < DEPTH_MAX && item.len <= w->budget) {
            w->budget -= item.len;
            put_back(out, w, item, depth + 1);
        } else {
            w->p->over |= WT_OVER_EXPANDED;
        }
    }
}

void wt_unstrip(buf *out, wt_parser *p, str text, const char *kinds) {
    put_back(out, &(putting){p, kinds, BYTES_MAX}, text, 0);
}

str wt_unstrip_str(wt_parser *p, str text, const char *kinds) {
    if (str_find_byte(text, WT_MARK) == text.len) return text;
    buf b;
    buf_init(&b, p->mem, text.len + 64);
    wt_unstrip(&b, p, text, kinds);
    return buf_str(&b);
}

void wt_strip_kill(buf *out, str text) {
    while (text.len > 0) {
        size_t at = str_find_byte(text, WT_MARK);
        wt_strip kind;
        uint32_t index;
        buf_add(out, str_first(text, at));
        text = str_skip(text, at);
        if (text.len) text = str_skip(text, wt_mark_at(&kind, &index, text) ? WT_MARK_LEN : 1);
    }
}
