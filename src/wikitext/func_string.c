// wikitext/func_string.c -- {{#len:}}, {{#sub:}}, {{padleft:}}... : texts by their characters.
//
// I1  Positions count code points; a byte that is no UTF-8 counts as one.
// I2  Markers are dropped first, so that a function neither counts nor cuts one.
// I3  A search never starts inside a character: UTF-8 matches at its own boundaries alone.

#include "base/utf8.h"
#include "lang/number.h"
#include "wikitext/func.h"

enum {
    LENGTH_MAX = 1000,  // of texts that are searched: $wgPFStringLengthLimit
    PAD_MAX = 500,
    PARTS_MAX = 25,  // of a title
};

// --- Characters --------------------------------------------------------------------------------

// Bytes of the first n characters of s.
static size_t offset_of(str s, uint64_t n) {
    size_t at = 0;
    int32_t cp;
    for (; n && at < s.len; n--)
        at += utf8_decode(&cp, str_skip(s, at));
    return at;
}

static int64_t length_of(str s) {
    return (int64_t)utf8_count(s);
}

static int64_t clamp(int64_t v, int64_t low, int64_t high) {
    return v < low ? low : v > high ? high : v;
}

// mb_substr: from the end when negative; `length` 0 is all there is.
static str substring(str s, int64_t start, int64_t length) {
    int64_t n = length_of(s);
    start = clamp(start < 0 ? clamp(start, -n, 0) + n : start, 0, n);
    int64_t rest = n - start;
    int64_t take = length == 0  ? rest
                   : length < 0 ? clamp(rest + clamp(length, -n, 0), 0, rest)
                                : clamp(length, 0, rest);
    s = str_skip(s, offset_of(s, (uint64_t)start));
    return str_first(s, offset_of(s, (uint64_t)take));
}

static str plain_arg(const wt_call *c, uint32_t i) {
    return wt_unmarked(c, i ? wt_call_arg(c, i) : c->first);
}

static str needle_arg(const wt_call *c, uint32_t i) {
    str s = plain_arg(c, i);
    return s.len ? s : STR(" ");
}

static int64_t int_arg(const wt_call *c, uint32_t i, int64_t otherwise) {
    str s = wt_call_arg(c, i);
    return s.len ? num_int_prefix(s) : otherwise;
}

static void put_int(buf *out, int64_t v) {
    buf_fmt(out, "%lld", (long long)v);
}

// Says so where one of the texts is over the limit.
static bool is_too_long(buf *out, const str *texts, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (texts[i].len > LENGTH_MAX && length_of(texts[i]) > LENGTH_MAX) {
            wt_put_error(out, STR("Error: String exceeds 1,000 character limit."));
            return true;
        }
    return false;
}

// --- Searching -----------------------------------------------------------------------------------

static wt_result run_len(buf *out, const wt_call *c) {
    put_int(out, length_of(plain_arg(c, 0)));
    return WT_DONE;
}

static wt_result run_pos(buf *out, const wt_call *c) {
    str text[] = {plain_arg(c, 0), needle_arg(c, 1)};
    if (is_too_long(out, text, 2)) return WT_DONE;
    int64_t n = length_of(text[0]), from = int_arg(c, 2, 0);
    if (from < -n || from > n) return WT_DONE;
    size_t skip = offset_of(text[0], (uint64_t)(from < 0 ? n + from : from));
    size_t at = skip + str_find(str_skip(text[0], skip), text[1]);
    if (at < text[0].len) put_int(out, length_of(str_first(text[0], at)));
    return WT_DONE;
}

static wt_result run_rpos(buf *out, const wt_call *c) {
    str text[] = {plain_arg(c, 0), needle_arg(c, 1)};
    if (is_too_long(out, text, 2)) return WT_DONE;
    int64_t found = -1;
    for (size_t at = text[0].len; at-- > 0 && found < 0;)
        if (str_starts(str_skip(text[0], at), text[1])) found = length_of(str_first(text[0], at));
    put_int(out, found);
    return WT_DONE;
}

static wt_result run_sub(buf *out, const wt_call *c) {
    str text = plain_arg(c, 0);
    if (!is_too_long(out, &text, 1))
        buf_add(out, substring(text, int_arg(c, 1, 0), int_arg(c, 2, 0)));
    return WT_DONE;
}

static wt_result run_count(buf *out, const wt_call *c) {
    str text[] = {plain_arg(c, 0), needle_arg(c, 1)};
    int64_t n = 0;
    if (is_too_long(out, text, 2)) return WT_DONE;
    for (size_t at; (at = str_find(text[0], text[1])) < text[0].len; n++)
        text[0] = str_skip(text[0], at + text[1].len);
    put_int(out, n);
    return WT_DONE;
}

static wt_result run_replace(buf *out, const wt_call *c) {
    str text[] = {plain_arg(c, 0), needle_arg(c, 1), plain_arg(c, 2)};
    if (is_too_long(out, text, 3)) return WT_DONE;
    int64_t left = int_arg(c, 3, -1);
    str rest = text[0];
    for (size_t at; left && (at = str_find(rest, text[1])) < rest.len; left -= left > 0) {
        buf_add(out, str_first(rest, at));
        buf_add(out, text[2]);
        rest = str_skip(rest, at + text[1].len);
    }
    buf_add(out, rest);
    return WT_DONE;
}

// The piece with number `i` when at most `limit` are made (0: any number), the last with all the
// rest.
static bool piece(str *out, str rest, str divider, int64_t i, int64_t limit) {
    for (int64_t n = 0;; n++) {
        size_t at = limit && n == limit - 1 ? rest.len : str_find(rest, divider);
        *out = str_first(rest, at);
        if (n == i) return true;
        if (at == rest.len) return false;
        rest = str_skip(rest, at + divider.len);
    }
}

static wt_result run_explode(buf *out, const wt_call *c) {
    str text[] = {plain_arg(c, 0), needle_arg(c, 1)}, found;
    if (is_too_long(out, text, 2)) return WT_DONE;
    int64_t i = 0, limit = int_arg(c, 3, -1), n = 1;
    if (wt_call_has(c, 2) && !str_parse_i64(&i, wt_call_arg(c, 2))) return WT_DONE;
    limit = limit < -1 ? 1 : limit < 0 ? 0 : limit;
    if (i < 0) {
        while (piece(&found, text[0], text[1], n, limit))
            n++;
        i += n;
    }
    if (i >= 0 && piece(&found, text[0], text[1], i, limit)) buf_add(out, found);
    return WT_DONE;
}

// --- Padding ---------------------------------------------------------------------------------

// As much of `with`, again and again, as makes `text` `length` characters long.
static void put_padded(buf *out, str text, int64_t length, str with, bool is_left) {
    int64_t missing = clamp(length, 0, PAD_MAX) - length_of(text);
    if (!is_left) buf_add(out, text);
    for (int64_t n = length_of(with); n && missing > 0; missing -= n)
        buf_add(out, str_first(with, offset_of(with, (uint64_t)missing)));
    if (is_left) buf_add(out, text);
}

static wt_result pad(buf *out, const wt_call *c, bool is_left) {
    str with = wt_call_has(c, 2) ? plain_arg(c, 2) : STR("0");
    put_padded(out, c->first, int_arg(c, 1, 0), with, is_left);
    return WT_DONE;
}

static wt_result run_padleft(buf *out, const wt_call *c) {
    return pad(out, c, true);
}

static wt_result run_padright(buf *out, const wt_call *c) {
    return pad(out, c, false);
}

// --- Percent signs -------------------------------------------------------------------------------

static int hex(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

void wt_url_decode(buf *out, str s) {
    for (size_t i = 0; i < s.len; i++) {
        int high = i + 2 < s.len ? hex(s.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex(s.ptr[i + 2]) : -1;
        if (s.ptr[i] == '%' && low >= 0) {
            buf_byte(out, (char)(high << 4 | low));
            i += 2;
        } else {
            buf_byte(out, s.ptr[i] == '+' ? ' ' : s.ptr[i]);
        }
    }
}

// What was decoded may have bytes that no text has; they must not become part of a marker.
static wt_result run_urldecode(buf *out, const wt_call *c) {
    str text = plain_arg(c, 0);
    if (is_too_long(out, &text, 1)) return WT_DONE;
    buf b;
    buf_init(&b, c->p->mem, text.len);
    wt_url_decode(&b, text);
    buf_add(out, wt_scrub(buf_str(&b), c->p->mem));
    return WT_DONE;
}

// --- Parts of titles -----------------------------------------------------------------------------

// array_slice of the parts between slashes.
static void put_parts(buf *out, str title, int64_t count, int64_t first) {
    str part[PARTS_MAX];
    int64_t n = 0;
    for (str rest = title; n == 0 || rest.ptr;) {
        size_t at = n == PARTS_MAX - 1 ? rest.len : str_find_byte(rest, '/');
        part[n++] = str_first(rest, at);
        rest = at < rest.len ? str_skip(rest, at + 1) : (str){0};
    }
    first = clamp(first > 0 ? first - 1 : first, -n, n);
    if (first < 0) first += n;
    int64_t end = count == 0 ? n : count < 0 ? n + clamp(count, -n, 0) : first + clamp(count, 0, n);
    for (int64_t i = first; i < end && i < n; i++) {
        if (i > first) buf_byte(out, '/');
        buf_add(out, part[i]);
    }
}

static wt_result run_titleparts(buf *out, const wt_call *c) {
    wt_title t;
    if (!wt_title_parse(&t, c->p, c->first, 0)) {
        buf_add(out, c->first);
        return WT_DONE;
    }
    str whole = t.full;
    if (t.interwiki.len)
        whole = arena_fmt(c->p->mem, "%.*s:%.*s", STR_ARG(t.interwiki), STR_ARG(t.full));
    put_parts(out, whole, int_arg(c, 1, 0), int_arg(c, 2, 0));
    return WT_DONE;
}

// Takes the last part off `path`; false when there is none.
static bool go_up(buf *path, size_t from) {
    if (path->len == from) return false;
    while (path->len > from && path->ptr[path->len - 1] != '/')
        path->len--;
    if (path->len > from) path->len--;
    return true;
}

static void put_depth_error(buf *out, str from, str to, arena *a) {
    str whole = str_trim(from.len ? arena_fmt(a, "%.*s/%.*s", STR_ARG(from), STR_ARG(to)) : to);
    str message = arena_fmt(a,
                            "Error: Invalid depth in path: \"%.*s\" "
                            "(tried to access a node above the root node).",
                            STR_ARG(whole));
    wt_put_error(out, message);
}

// "../x" seen from `from`.
static void put_absolute(buf *out, str to, str from, arena *a) {
    while (to.len && (to.ptr[to.len - 1] == ' ' || to.ptr[to.len - 1] == '/'))
        to.len--;
    bool is_relative = str_starts(to, STR("/")) || str_starts(to, STR("./")) ||
                       str_starts(to, STR("../")) || str_eq(to, STR(".."));
    if (!to.len || str_eq(to, STR("."))) {
        buf_add(out, from);
        return;
    }
    size_t start = out->len;
    str source[] = {is_relative ? from : STR(""), to};
    for (int i = 0; i < 2; i++)
        for (str rest = source[i]; rest.len;) {
            str part = str_cut(&rest, '/');
            if (str_eq(part, STR("..")) && !go_up(out, start)) {
                out->len = start;
                while (str_starts(to, STR("/")) || str_starts(to, STR("./")))
                    to = str_skip(to, to.ptr[0] == '.' ? 2 : 1);
                put_depth_error(out, source[0], to, a);
                return;
            }
            if (!part.len || str_eq(part, STR(".")) || str_eq(part, STR(".."))) continue;
            if (out->len > start) buf_byte(out, '/');
            buf_add(out, part);
        }
}

static wt_result run_rel2abs(buf *out, const wt_call *c) {
    str from = wt_call_arg(c, 1);
    put_absolute(out, c->first, from.len ? from : c->p->title.full, c->p->mem);
    return WT_DONE;
}

const wt_func wt_funcs_string[] = {
    {"len", .has_hash = true, .run = run_len},
    {"pos", .has_hash = true, .run = run_pos},
    {"rpos", .has_hash = true, .run = run_rpos},
    {"sub", .has_hash = true, .run = run_sub},
    {"count", .has_hash = true, .run = run_count},
    {"replace", .has_hash = true, .run = run_replace},
    {"explode", .has_hash = true, .run = run_explode},
    {"urldecode", .has_hash = true, .run = run_urldecode},
    {"titleparts", .has_hash = true, .run = run_titleparts},
    {"rel2abs", .has_hash = true, .run = run_rel2abs},
    {"padleft", .run = run_padleft},
    {"padright", .run = run_padright},
    {0},
};
