// wikitext/extlinks.c -- [http://x text], bare URLs, RFC 1, PMID 1, ISBN 1.
//
// I1  Linear: what a bracket or a tag could end at is looked for once and remembered.
// I2  A URL goes out through wt_clean_url and escaped; its scheme is one that wt_scheme knows.

#include "base/utf8.h"
#include "wikitext/link.h"

enum { SCHEME_MAX = 16 };

// --- What a URL is made of ------------------------------------------------------------------

enum {
    STOP = 1,      // in no URL
    LOOK = 2,      // may start a space or U+FFFD
    WORD = 4,      // \w
    ODD = 8,       // percent-encoded when a reference brought it in
    CONTROL = 16,  // in no link text
};

// clang-format off
static const uint8_t byte_class[256] = {
    [0x00 ... 0x08] = STOP | ODD | CONTROL, ['\t'] = STOP | ODD,
    [0x0A ... 0x1F] = STOP | ODD | CONTROL, [' '] = STOP | ODD, [0x7F] = STOP | ODD,
    ['['] = STOP | ODD, [']'] = STOP | ODD, ['<'] = STOP | ODD, ['>'] = STOP | ODD,
    ['"'] = STOP | ODD, ['|'] = ODD,
    [0xC2] = LOOK, [0xE1] = LOOK, [0xE2] = LOOK, [0xE3] = LOOK, [0xEF] = LOOK,
    ['0' ... '9'] = WORD, ['A' ... 'Z'] = WORD, ['a' ... 'z'] = WORD, ['_'] = WORD,
};
// clang-format on

static int class_of(char c) {
    return byte_class[(unsigned char)c];
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// Length of a space other than ASCII's (\p{Zs}) at the start.
static size_t wide_space(str s) {
    int32_t cp;
    if (!s.len || !(class_of(s.ptr[0]) & LOOK)) return 0;
    size_t n = utf8_decode(&cp, s);
    bool is_space = cp == 0xA0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200A) || cp == 0x202F ||
                    cp == 0x205F || cp == 0x3000;
    return is_space ? n : 0;
}

static bool is_replacement(str s) {
    return str_starts(s, STR("\xEF\xBF\xBD"));
}

// Bytes of a URL at the start, up to the first `until` (0: up to its end).
static size_t run_of_url(str s, char until) {
    size_t n = 0;
    for (; n < s.len; n++) {
        int class = class_of(s.ptr[n]);
        if (class & STOP || (until && s.ptr[n] == until)) break;
        if (!(class & LOOK)) continue;
        str rest = str_skip(s, n);
        if (wide_space(rest) || is_replacement(rest)) break;
    }
    return n;
}

// "[::1]"
static size_t ipv6(str s) {
    size_t n = 1;
    if (!s.len || s.ptr[0] != '[') return 0;
    while (n < s.len && (is_digit(s.ptr[n]) || s.ptr[n] == ':' || s.ptr[n] == '.' ||
                         ((s.ptr[n] | 32) >= 'a' && (s.ptr[n] | 32) <= 'f')))
        n++;
    return n > 1 && n < s.len && s.ptr[n] == ']' ? n + 1 : 0;
}

size_t wt_url_span(str text, size_t scheme) {
    str rest = str_skip(text, scheme);
    size_t host = ipv6(rest);
    size_t n = host + run_of_url(str_skip(rest, host), 0);
    return n ? scheme + n : 0;
}

// --- Cleaning -------------------------------------------------------------------------------

static bool is_ignored_in_hosts(int32_t cp) {
    return cp == 0xAD || cp == 0x34F || (cp >= 0x180B && cp <= 0x180D) || cp == 0x1806 ||
           (cp >= 0x200B && cp <= 0x200D) || cp == 0x2060 || (cp >= 0xFE00 && cp <= 0xFE0F) ||
           cp == 0xFEFF;
}

static void put_host(buf *out, str host) {
    while (host.len) {
        int32_t cp;
        size_t n = utf8_decode(&cp, host);
        if (!is_ignored_in_hosts(cp)) buf_add(out, str_first(host, n));
        host = str_skip(host, n);
    }
}

// "//%5B::1%5D:80" is an address in its brackets.
static str bracketed(wt_parser *p, str host) {
    size_t end = str_find(host, STR("%5D"));
    str address = str_skip(str_first(host, end), 5), port = str_skip(host, end + 3);
    if (!str_starts(host, STR("//%5B")) || end == host.len || !address.len) return host;
    for (size_t i = 0; i < address.len; i++) {
        char c = address.ptr[i];
        if (!is_digit(c) && c != ':' && c != '.' && !((c | 32) >= 'a' && (c | 32) <= 'f'))
            return host;
    }
    for (size_t i = 0; i < port.len; i++)
        if (i ? !is_digit(port.ptr[i]) : port.ptr[i] != ':' || port.len == 1) return host;
    return arena_fmt(p->mem, "//[%.*s]%.*s", STR_ARG(address), STR_ARG(port));
}

static str odd_encoded(wt_parser *p, str url) {
    size_t n_odd = 0;
    for (size_t i = 0; i < url.len; i++)
        n_odd += class_of(url.ptr[i]) & ODD ? 1 : 0;
    if (!n_odd) return url;
    buf b;
    buf_init(&b, p->mem, url.len + 2 * n_odd);
    for (size_t i = 0; i < url.len; i++) {
        char c = url.ptr[i];
        if (c == ' ')
            buf_byte(&b, '+');
        else if (class_of(c) & ODD)
            buf_fmt(&b, "%%%02X", (unsigned)(unsigned char)c);
        else
            buf_byte(&b, c);
    }
    return buf_str(&b);
}

str wt_clean_url(wt_parser *p, str url) {
    url = odd_encoded(p, html_decode(url, p->mem));
    size_t colon = str_find_byte(url, ':');
    str protocol = str_first(url, colon + 1), rest = str_skip(url, colon + 1);
    if (colon == url.len || !str_starts(rest, STR("//"))) return url;
    size_t end = 2 + str_find_byte(str_skip(rest, 2), '/');
    str host = str_first(rest, end), path = str_skip(rest, end);
    bool is_plain = str_find(host, STR("%5B")) == host.len;
    for (size_t i = 0; i < host.len && is_plain; i++)
        is_plain = !(host.ptr[i] & 0x80);
    if (is_plain) return url;
    buf clean;
    buf_init(&clean, p->mem, host.len);
    put_host(&clean, host);
    host = bracketed(p, buf_str(&clean));
    buf b;
    buf_init(&b, p->mem, url.len);
    buf_add(&b, protocol);
    buf_add(&b, host);
    buf_add(&b, path);
    return buf_str(&b);
}

// --- <a> and <img> --------------------------------------------------------------------------

// Whether the host of `url` is `domain` or below it.
static bool is_below(str url, str domain) {
    str host = str_skip(url, str_find(url, STR("//")) + 2);
    size_t end = 0;
    while (end < host.len && !strchr("/:?#", host.ptr[end]))
        end++;
    host = str_first(host, end);
    return domain.len && host.len >= domain.len &&
           str_eq_nocase(str_skip(host, host.len - domain.len), domain) &&
           (host.len == domain.len || host.ptr[host.len - domain.len - 1] == '.');
}

void wt_put_rel(buf *out, wt_parser *p, str url) {
    bool is_followed = p->o->follow_links || is_below(url, str_of(p->o->follow_host));
    if (!is_followed) buf_add(out, STR(" rel=\"nofollow\""));
}

static void put_open(buf *out, wt_parser *p, str url, const char *kind) {
    buf_add(out, STR("<a"));
    if (p->o->link_target) wt_put_attr(out, "target", str_of(p->o->link_target));
    wt_put_rel(out, p, url);
    buf_add(out, STR(" class=\"external "));
    buf_add(out, str_of(kind));
    buf_byte(out, '"');
    wt_put_attr(out, "href", url);
    buf_byte(out, '>');
}

static bool is_name_byte(char c) {
    return class_of(c) & WORD || c & 0x80 || (c && strchr(".,~%-+&;#*?!=()@", c));
}

// "http://x/y.png": where its name starts, or 0.
static size_t image_name(str url) {
    static const char *const kinds[] = {".gif", ".png", ".jpg", ".jpeg"};
    size_t n = url.len, scheme = str_starts(url, STR("http://"))    ? 7
                                 : str_starts(url, STR("https://")) ? 8
                                                                    : 0;
    bool is_image = false;
    for (size_t i = 0; i < countof(kinds); i++) {
        str kind = str_of(kinds[i]);
        if (url.len > kind.len && str_eq_nocase(str_skip(url, url.len - kind.len), kind))
            is_image = true, n = url.len - kind.len;
    }
    if (!scheme || !is_image || wt_url_span(url, scheme) != url.len) return 0;
    size_t at = n;
    while (at > scheme && is_name_byte(url.ptr[at - 1]))
        at--;
    return at < n && at > scheme + 1 && url.ptr[at - 1] == '/' ? at : 0;
}

static bool put_image(buf *out, wt_parser *p, str url) {
    size_t name = p->o->external_images ? image_name(url) : 0;
    if (!name) return false;
    buf_add(out, STR("<img"));
    wt_put_attr(out, "src", url);
    wt_put_attr(out, "alt", str_skip(url, name));
    buf_add(out, STR(" />"));
    return true;
}

// --- [http://x text] ------------------------------------------------------------------------

// Where a link text ends: the next ']' or byte that none has, looked for once.
typedef struct ahead {
    str in;
    size_t end;  // valid from the place it was looked for up to itself
    bool is_known;
} ahead;

static size_t text_end(ahead *a, size_t from) {
    if (a->is_known && a->end >= from) return a->end;
    size_t i = from;
    while (i < a->in.len && a->in.ptr[i] != ']' && !(class_of(a->in.ptr[i]) & CONTROL) &&
           !((unsigned char)a->in.ptr[i] == 0xEF && is_replacement(str_skip(a->in, i))))
        i++;
    a->end = i, a->is_known = true;
    return i;
}

// "&lt;" in a URL ends it: the sanitizer made it of a "<".
static size_t cut_at_angle(str url) {
    for (size_t i = str_find_byte(url, '&'); i < url.len;
         i += 1 + str_find_byte(str_skip(url, i + 1), '&')) {
        str rest = str_skip(url, i);
        if (str_starts(rest, STR("&lt;")) || str_starts(rest, STR("&gt;"))) return i;
    }
    return url.len;
}

static void put_bracketed(buf *out, wt_parser *p, str url, str text) {
    size_t cut = cut_at_angle(url);
    str extra = str_skip(url, cut);
    url = wt_clean_url(p, str_first(url, cut));
    bool is_number = !text.len && !extra.len;
    put_open(out, p, url, is_number ? "autonumber" : "text");
    if (is_number) {
        buf_fmt(out, "[%u]", ++p->ext_links);
    } else if (extra.len) {
        buf_add(out, extra);
        buf_byte(out, ' ');
        buf_add(out, text);
    } else if (!put_image(out, p, text)) {
        buf_add(out, text);
    }
    buf_add(out, STR("</a>"));
}

void wt_extlinks(buf *out, wt_parser *p, str in, arena scratch) {
    ahead ends = {.in = in};
    (void)scratch;
    size_t from = 0;
    for (size_t at = 0; (at += str_find_byte(str_skip(in, at), '[')) < in.len; at++) {
        str inside = str_skip(in, at + 1);
        size_t scheme = wt_scheme_or_none(inside);
        size_t url = scheme ? wt_url_span(inside, scheme) : 0;
        if (!url) continue;
        size_t end = text_end(&ends, at + 1 + url);
        if (end >= in.len || in.ptr[end] != ']') continue;
        str text = str_first(str_skip(inside, url), end - (at + 1 + url));
        for (size_t n; text.len && (n = text.ptr[0] == ' ' ? 1 : wide_space(text));)
            text = str_skip(text, n);
        buf_add(out, str_first(str_skip(in, from), at - from));
        put_bracketed(out, p, str_first(inside, url), text);
        from = end + 1;
        at = end;
        if (wt_spend(p, 4)) break;
    }
    buf_add(out, str_skip(in, from));
}

// --- Bare URLs ------------------------------------------------------------------------------

// "&lt;" "&#60;" "&nbsp;" and their like.
static bool ends_url(str s) {
    static const char *const names[] = {"lt;", "gt;", "nbsp;"};
    for (size_t i = 0; i < countof(names); i++)
        if (str_starts(str_skip(s, 1), str_of(names[i]))) return true;
    if (s.len < 4 || s.ptr[1] != '#') return false;
    int32_t n = 0;
    bool is_hex = s.ptr[2] == 'x';
    size_t i = is_hex ? 3 : 2;
    for (; i < s.len && s.ptr[i] != ';' && n < 0x10000; i++) {
        char c = s.ptr[i];
        int digit = is_digit(c)                                    ? c - '0'
                    : is_hex && (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                                   : -1;
        if (digit < 0) return false;
        n = n * (is_hex ? 16 : 10) + digit;
    }
    return i < s.len && s.ptr[i] == ';' && (n == 60 || n == 62 || n == 160);
}

// Whether `s` ends in "&amp", "&#x1f" or "&#12", to which a ';' belongs.
static bool ends_in_reference(str s) {
    size_t i = s.len;
    while (i > 0 && (class_of(s.ptr[i - 1]) & WORD) && s.ptr[i - 1] != '_')
        i--;
    str name = str_skip(s, i);
    if (!name.len || i == 0) return false;
    if (s.ptr[i - 1] == '#') return i > 1 && s.ptr[i - 2] == '&';
    if (s.ptr[i - 1] != '&') return false;
    for (size_t k = 0; k < name.len; k++)
        if (is_digit(name.ptr[k])) return false;
    return true;
}

// What of a bare URL is its own: punctuation behind it is the sentence's.
static size_t own_length(str url) {
    bool has_bracket = str_find_byte(url, '(') < url.len;
    const char *marks = has_bracket ? ",;\\.:!?" : ",;\\.:!?)";
    size_t end = url.len;
    while (end > 0 && url.ptr[end - 1] && strchr(marks, url.ptr[end - 1]))
        end--;
    if (end < url.len && url.ptr[end] == ';' && ends_in_reference(str_first(url, end))) end++;
    return end;
}

// As wt_url_span, but not beyond a reference to a bracket or a space.
static size_t free_span(str text, size_t scheme) {
    str rest = str_skip(text, scheme);
    size_t n = ipv6(rest);
    for (;;) {
        size_t amp = run_of_url(str_skip(rest, n), '&');
        n += amp;
        if (n >= rest.len || rest.ptr[n] != '&' || ends_url(str_skip(rest, n))) break;
        n++;
    }
    return n ? scheme + n : 0;
}

// Writes the URL that a text of free_span's length is; returns what of it that took.
static size_t put_free(buf *out, wt_parser *p, str text, size_t scheme) {
    size_t own = own_length(text);
    if (own <= scheme) {
        buf_add(out, text);
        return text.len;
    }
    str url = wt_clean_url(p, str_first(text, own));
    if (!put_image(out, p, url)) {
        put_open(out, p, url, "free");
        buf_html(out, url);
        buf_add(out, STR("</a>"));
    }
    return own;
}

// --- RFC, PMID, ISBN ------------------------------------------------------------------------

// One space of a line, also as a reference: "&nbsp;", "&#0160;", "&#xA0;".
static size_t soft_space(str s) {
    if (!s.len) return 0;
    if (s.ptr[0] == ' ' || s.ptr[0] == '\t') return 1;
    if (s.ptr[0] != '&') return wide_space(s);
    if (str_starts(s, STR("&nbsp;"))) return 6;
    if (s.len < 4 || s.ptr[1] != '#') return 0;
    size_t i = (s.ptr[2] | 32) == 'x' ? 3 : 2;
    str code = i == 3 ? STR("a0;") : STR("160;");
    while (i < s.len && s.ptr[i] == '0')
        i++;
    return str_starts_nocase(str_skip(s, i), code) ? i + code.len : 0;
}

static size_t soft_spaces(str s) {
    size_t n = 0;
    for (size_t one; (one = soft_space(str_skip(s, n))) > 0;)
        n += one;
    return n;
}

static bool is_word_at(str s, size_t i) {
    return i < s.len && class_of(s.ptr[i]) & WORD;
}

static size_t put_number(buf *out, str text, size_t name, const char *url, const char *suffix) {
    size_t from = name + soft_spaces(str_skip(text, name)), to = from;
    while (to < text.len && is_digit(text.ptr[to]))
        to++;
    if (from == name || to == from || is_word_at(text, to)) return 0;
    str number = str_first(str_skip(text, from), to - from);
    buf_fmt(out, "<a class=\"external mw-magiclink-%s\" rel=\"nofollow\" href=\"",
            name == 3 ? "rfc" : "pmid");
    buf_add(out, str_of(url));
    buf_add(out, number);
    buf_add(out, str_of(suffix));
    buf_add(out, STR("\">"));
    buf_add(out, str_first(text, name));
    buf_byte(out, ' ');
    buf_add(out, number);
    buf_add(out, STR("</a>"));
    return to;
}

// "978-0 12...": ten digits, or thirteen; what stands between them is one dash or space each.
static size_t isbn(char digits[14], buf *shown, str s, bool is_long) {
    size_t n = 0, want = is_long ? 13 : 10, i = 0;
    while (n < want) {
        bool is_check = n + 1 == want;
        if (i >= s.len || !(is_digit(s.ptr[i]) || (is_check && (s.ptr[i] | 32) == 'x'))) return 0;
        digits[n++] = s.ptr[i] == 'x' ? 'X' : s.ptr[i];
        buf_byte(shown, s.ptr[i++]);
        if (is_check) break;
        if (is_long && n < 3) continue;
        size_t gap = i < s.len && s.ptr[i] == '-' ? 1 : soft_space(str_skip(s, i));
        if (gap) buf_byte(shown, s.ptr[i] == '-' ? '-' : ' ');
        i += gap;
    }
    bool is_known = !is_long || (digits[0] == '9' && digits[1] == '7' && digits[2] >= '8');
    return is_known && !is_word_at(s, i) ? i : 0;
}

// `shown` is HTML.
static void put_book(buf *out, wt_parser *p, str digits, str shown) {
    wt_title page = {.ns = -1};
    page.full =
        arena_fmt(p->mem, "%.*s:BookSources/%.*s", STR_ARG(wt_ns_name(p, -1)), STR_ARG(digits));
    buf_add(out, STR("<a"));
    wt_put_title_href(out, p, &page, STR(""));
    buf_add(out, STR(" class=\"internal mw-magiclink-isbn\">ISBN "));
    buf_add(out, shown);
    buf_add(out, STR("</a>"));
}

static size_t put_isbn(buf *out, wt_parser *p, str text) {
    size_t from = 4 + soft_spaces(str_skip(text, 4));
    char digits[14] = {0};
    ARENA_ON_STACK(room, 256);
    buf shown;
    buf_init(&shown, &room, 64);
    if (from == 4) return 0;
    size_t n = isbn(digits, &shown, str_skip(text, from), true);
    if (!n) {
        buf_reset(&shown);
        memset(digits, 0, sizeof digits);
        n = isbn(digits, &shown, str_skip(text, from), false);
    }
    if (!n) return 0;
    put_book(out, p, str_of(digits), buf_str(&shown));
    return from + n;
}

void wt_put_isbn(buf *out, wt_parser *p, str number) {
    buf digits;
    buf_init(&digits, p->mem, 16);
    for (size_t i = 0; i < number.len; i++) {
        char c = number.ptr[i];
        if (is_digit(c) || (c | 32) == 'x') buf_byte(&digits, c == 'x' ? 'X' : c);
    }
    buf shown;
    buf_init(&shown, p->mem, number.len + 16);
    html_escape(&shown, number);
    if (digits.len == 10 || digits.len == 13) {
        put_book(out, p, buf_str(&digits), buf_str(&shown));
    } else {
        buf_add(out, STR("ISBN "));
        buf_add(out, buf_str(&shown));
    }
}

static size_t put_magic(buf *out, wt_parser *p, str text) {
    if (text.ptr[0] != 'R' && text.ptr[0] != 'P' && text.ptr[0] != 'I') return 0;
    if (str_starts(text, STR("RFC")))
        return put_number(out, text, 3, "https://datatracker.ietf.org/doc/html/rfc", "");
    if (str_starts(text, STR("PMID")))
        return put_number(out, text, 4, "//www.ncbi.nlm.nih.gov/pubmed/", "?dopt=Abstract");
    return str_starts(text, STR("ISBN")) ? put_isbn(out, p, text) : 0;
}

// --- The pass -------------------------------------------------------------------------------

// Positions ahead of which nothing needs to be looked for again.
typedef struct tags {
    str in;
    size_t gt, line, end_a;  // next ">", "\n", "</a>"
} tags;

static size_t next(size_t *at, str in, size_t from, str what) {
    if (*at < from || *at == 0) *at = from + str_find(str_skip(in, from), what);
    return *at;
}

// What is skipped at a "<": all of a link, else the tag; 0: neither ends on this line.
static size_t skip_tag(tags *t, size_t at) {
    str rest = str_skip(t->in, at);
    size_t line = next(&t->line, t->in, at, STR("\n"));
    bool is_a = rest.len > 2 && rest.ptr[1] == 'a' &&
                (rest.ptr[2] == '>' || (rest.ptr[2] && strchr(" \t\r\n", rest.ptr[2])));
    if (is_a && next(&t->end_a, t->in, at, STR("</a>")) < line) return t->end_a + 4 - at;
    size_t gt = next(&t->gt, t->in, at, STR(">"));
    return gt < line ? gt + 1 - at : 0;
}

static bool is_scheme_byte(char c) {
    return (class_of(c) & WORD && c != '_') || c == '+' || c == '.' || c == '-';
}

// Where an absolute URL starts whose scheme has the ':' at `colon`, not before `from`; colon: none.
static size_t scheme_start(size_t *scheme, str in, size_t from, size_t colon) {
    size_t at = colon;
    while (at > from && colon - at < SCHEME_MAX && is_scheme_byte(in.ptr[at - 1]))
        at--;
    for (; at < colon; at++) {
        bool is_boundary = is_word_at(in, at) && !(at > 0 && is_word_at(in, at - 1));
        if (!is_boundary) continue;
        *scheme = wt_scheme(str_skip(in, at));
        if (*scheme > colon - at) return at;
    }
    return colon;
}

static bool is_capital(char c) {
    return c >= 'A' && c <= 'Z';
}

// The next byte that something may start or be recognised at: "<", ":", two capitals in a row.
static size_t next_start(str in, size_t at) {
    typedef unsigned char lanes __attribute__((vector_size(16)));
    typedef uint64_t halves __attribute__((vector_size(16)));
    for (; at + 17 <= in.len; at += 16) {
        lanes x, y;
        memcpy(&x, in.ptr + at, 16);
        memcpy(&y, in.ptr + at + 1, 16);
        lanes capitals = (lanes)((x - 'A') < 26) & (lanes)((y - 'A') < 26);
        halves hits = (halves)((lanes)(x == '<') | (lanes)(x == ':') | capitals);
        if (hits[0] | hits[1]) break;
    }
    while (at < in.len && in.ptr[at] != '<' && in.ptr[at] != ':' &&
           !(is_capital(in.ptr[at]) && at + 1 < in.len && is_capital(in.ptr[at + 1])))
        at++;
    return at;
}

// A bare URL whose ':' is at `at`. *from: what is not written yet.
static size_t one_url(buf *out, wt_parser *p, str in, size_t at, size_t *from) {
    size_t scheme = 0, start = scheme_start(&scheme, in, *from, at);
    size_t span = start == at ? 0 : free_span(str_skip(in, start), scheme);
    if (!span) return at + 1;
    buf_add(out, str_first(str_skip(in, *from), start - *from));
    return *from = start + put_free(out, p, str_first(str_skip(in, start), span), scheme);
}

static size_t one_number(buf *out, wt_parser *p, str in, size_t at, size_t *from, arena scratch) {
    buf link;
    if (at > 0 && is_word_at(in, at - 1)) return at + 1;
    buf_init(&link, &scratch, 0);
    size_t used = put_magic(&link, p, str_skip(in, at));
    if (!used) return at + 1;
    buf_add(out, str_first(str_skip(in, *from), at - *from));
    buf_add(out, buf_str(&link));
    return *from = at + used;
}

void wt_magic_links(buf *out, wt_parser *p, str in, arena scratch) {
    tags t = {.in = in};
    size_t from = 0;
    for (size_t at = 0; (at = next_start(in, at)) < in.len && !wt_spend(p, 1);) {
        if (in.ptr[at] == '<')
            at += max_size(skip_tag(&t, at), 1);
        else if (in.ptr[at] == ':')
            at = one_url(out, p, in, at, &from);
        else
            at = one_number(out, p, in, at, &from, scratch);
    }
    buf_add(out, str_skip(in, from));
}
