// html/css.c -- styles made harmless, as MediaWiki's Sanitizer::checkCss does.
//
// I1  References, then escapes, then comments are undone before anything is looked for, so that
//     nothing can be hidden in them; what is left has no escape but of a quote, a newline, a
//     backslash.
// I2  A style that could load something, run something or has control characters is replaced whole
//     by a comment that says so.

#include "base/utf8.h"
#include "html/html.h"

static bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\f' || c == '\r' || c == '\v';
}
static int hex(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 32;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// --- Escapes -----------------------------------------------------------------------------------

static void put_unescaped(buf *out, str c) {
    if (c.len == 1 && strchr("\n\"'\\", c.ptr[0]) && c.ptr[0])
        buf_fmt(out, "\\%x ", (unsigned)c.ptr[0]);
    else
        buf_add(out, c);
}

// `s` stands behind a backslash. Returns how much of it belongs to the escape.
static size_t put_escape(buf *out, str s) {
    enum { DIGITS_MAX = 6 };
    int32_t cp = 0;
    size_t n = 0;
    while (n < s.len && n < DIGITS_MAX && hex(s.ptr[n]) >= 0)
        cp = cp * 16 + hex(s.ptr[n++]);
    if (n > 0) {
        char bytes[UTF8_MAX];
        put_unescaped(out, (str){bytes, utf8_encode(bytes, cp)});
        return n + (n < s.len && s.ptr[n] != '\v' && is_space(s.ptr[n]));
    }
    if (s.len == 0) {
        put_unescaped(out, STR("\\"));
        return 0;
    }
    if (str_starts(s, STR("\r\n"))) return 2;
    if (s.ptr[0] == '\n' || s.ptr[0] == '\r' || s.ptr[0] == '\f') return 1;
    n = utf8_decode(&cp, s);
    put_unescaped(out, str_first(s, n));
    return n;
}

static str without_escapes(str in, arena *a) {
    if (str_find_byte(in, '\\') == in.len) return in;
    buf out;
    buf_init(&out, a, in.len);
    while (in.len > 0) {
        size_t at = str_find_byte(in, '\\');
        buf_add(&out, str_first(in, at));
        if (at == in.len) break;
        in = str_skip(in, at + 1);
        in = str_skip(in, put_escape(&out, in));
    }
    return buf_str(&out);
}

// --- Comments ----------------------------------------------------------------------------------

// A single comment without '*', '/' or '\' in it: what other passes leave as a message.
static bool is_message(str s) {
    s = str_trim(s);
    if (s.len < 4 || !str_starts(s, STR("/*")) || !str_ends(s, STR("*/"))) return false;
    for (size_t i = 2; i + 2 < s.len; i++)
        if (memchr("*/\\", s.ptr[i], 3)) return false;
    return true;
}

// Offset of the first "/*" of s; a "*/" that ends nothing is read whole, so "*/*" has none.
static size_t find_comment(str s) {
    for (size_t i = 0; i + 1 < s.len; i++) {
        if (s.ptr[i] == '/' && s.ptr[i + 1] == '*') return i;
        if (s.ptr[i] == '*' && s.ptr[i + 1] == '/') i++;
    }
    return s.len;
}

// Comments become a space; what follows a "/*" that is left is dropped.
static str without_comments(str in, arena *a) {
    if (str_find(in, STR("/*")) == in.len || is_message(in)) return in;
    buf out;
    buf_init(&out, a, in.len);
    for (;;) {
        size_t at = find_comment(in);
        buf_add(&out, str_first(in, at));
        in = str_skip(in, at + 2);
        size_t end = str_find(in, STR("*/"));
        if (end == in.len) break;
        buf_byte(&out, ' ');
        in = str_skip(in, end + 2);
    }
    str left = buf_str(&out);
    return str_first(left, str_find(left, STR("/*")));
}

// --- What is refused -----------------------------------------------------------------------------

static bool has_control(str s) {
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if ((c < 0x20 && c != '\t' && c != '\n' && c != '\f' && c != '\r') || c == 0x7F)
            return true;
    }
    return str_find(s, STR("\xEF\xBF\xBD")) < s.len;
}

// A word that is refused when the byte follows it, with or without space between; 0: always.
static const struct {
    str word;
    char then;
} refused[] = {
    {STR_INIT("expression"), 0},   {STR_INIT("accelerator"), ':'},
    {STR_INIT("-o-link"), ':'},    {STR_INIT("-o-link-source"), ':'},
    {STR_INIT("-o-replace"), ':'}, {STR_INIT("url"), '('},
    {STR_INIT("src"), '('},        {STR_INIT("image"), '('},
    {STR_INIT("image-set"), '('},  {STR_INIT("-moz-binding"), 0},
    {STR_INIT("behavior"), ':'},   {STR_INIT("@import"), 0},
    {STR_INIT("filter"), ':'},
};

static bool is_refused_at(str s) {
    for (size_t i = 0; i < countof(refused); i++) {
        str word = refused[i].word;
        if (((s.ptr[0] ^ word.ptr[0]) & ~32) || !str_starts_nocase(s, word)) continue;
        size_t n = word.len;
        while (n < s.len && is_space(s.ptr[n]))
            n++;
        if (!refused[i].then || (n < s.len && s.ptr[n] == refused[i].then)) return true;
    }
    return false;
}

// attr( ... url): a reference to an attribute that would be taken for an address. Returns 0 when it
// is not there, its length when it is harmless, SIZE_MAX when not.
static size_t attr_at(str s) {
    if (!str_starts_nocase(s, STR("attr"))) return 0;
    size_t i = 4;
    while (i < s.len && is_space(s.ptr[i]))
        i++;
    if (i == s.len || s.ptr[i++] != '(') return 0;
    size_t end = i + str_find_byte(str_skip(s, i), ')');
    for (size_t k = i + 2; k + 3 <= end; k++)
        if ((is_space(s.ptr[k - 1]) || s.ptr[k - 1] == ',') &&
            str_starts_nocase(str_skip(s, k), STR("url")))
            return SIZE_MAX;
    return end;
}

static bool has_attr_url(str s) {
    for (size_t i = 0; i < s.len;) {
        size_t n = (s.ptr[i] | 32) == 'a' ? attr_at(str_skip(s, i)) : 0;
        if (n == SIZE_MAX) return true;
        i += max_size(n, 1);
    }
    return false;
}

static bool is_insecure(str s) {
    static const char first[] = "eEaA-uUsSiIbB@fF";
    for (size_t i = 0; i < s.len; i++)
        if (memchr(first, s.ptr[i], sizeof first - 1) && is_refused_at(str_skip(s, i))) return true;
    return has_attr_url(s);
}

str html_css(str style, arena *a) {
    style = without_comments(without_escapes(html_decode(style, a), a), a);
    if (has_control(style)) return STR("/* invalid control char */");
    return is_insecure(style) ? STR("/* insecure input */") : style;
}
