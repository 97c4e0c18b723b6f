// wikitext/attrs.c -- attributes of tags in wikitext: read as written, allowed or not, made safe.
//
// I1  What is written has names from the table below, data-* or xmlns:*; values are escaped so that
//     neither HTML nor a later pass finds markup in them.
// I2  Of equal names the last value counts, at the first's place.
// I3  At most ATTRS_MAX names of one tag are kept; more are dropped.
//
// Source: https://www.mediawiki.org/wiki/Help:HTML_in_wikitext; behaviour of MediaWiki's Sanitizer.

#include <utf8proc.h>

#include "base/utf8.h"
#include "html/tags.h"
#include "wikitext/inside.h"

enum { ATTRS_MAX = 128 };

// --- Allowed, by element -------------------------------------------------------------------------

// What is done to a value on top of escaping it.
typedef enum care {
    CARE_NONE,
    CARE_STYLE,
    CARE_ID,
    CARE_IDS,    // ids with space between
    CARE_TERM,   // of RDFa and microdata: no script
    CARE_URL,    // an allowed scheme
    CARE_ZERO,   // "0" alone
    CARE_SCOPE,  // itemscope, without which the next are dropped
    CARE_ITEM,
} care;

static const struct {
    str name;
    uint32_t groups;
    care care;
} allowed[] = {
    {STR_INIT("abbr"), ATTR_CELL, CARE_NONE},
    {STR_INIT("about"), ATTR_COMMON, CARE_TERM},
    {STR_INIT("align"), ATTR_ALIGN | ATTR_ROW | ATTR_TABLE, CARE_NONE},
    {STR_INIT("alt"), ATTR_IMG, CARE_NONE},
    {STR_INIT("aria-describedby"), ATTR_COMMON, CARE_IDS},
    {STR_INIT("aria-flowto"), ATTR_COMMON, CARE_IDS},
    {STR_INIT("aria-hidden"), ATTR_COMMON, CARE_NONE},
    {STR_INIT("aria-label"), ATTR_COMMON, CARE_NONE},
    {STR_INIT("aria-labelledby"), ATTR_COMMON, CARE_IDS},
    {STR_INIT("aria-level"), ATTR_COMMON, CARE_NONE},
    {STR_INIT("aria-owns"), ATTR_COMMON, CARE_IDS},
    {STR_INIT("axis"), ATTR_CELL, CARE_NONE},
    {STR_INIT("bgcolor"), ATTR_TABLE | ATTR_ROW | ATTR_CELL, CARE_NONE},
    {STR_INIT("border"), ATTR_TABLE, CARE_NONE},
    {STR_INIT("cellpadding"), ATTR_TABLE, CARE_NONE},
    {STR_INIT("cellspacing"), ATTR_TABLE, CARE_NONE},
    {STR_INIT("cite"), ATTR_CITE, CARE_NONE},
    {STR_INIT("class"), ATTR_COMMON | ATTR_MATH, CARE_NONE},
    {STR_INIT("clear"), ATTR_CLEAR, CARE_NONE},
    {STR_INIT("color"), ATTR_FONT, CARE_NONE},
    {STR_INIT("colspan"), ATTR_CELL, CARE_NONE},
    {STR_INIT("content"), ATTR_META, CARE_NONE},
    {STR_INIT("datatype"), ATTR_COMMON, CARE_TERM},
    {STR_INIT("datetime"), ATTR_DATETIME, CARE_NONE},
    {STR_INIT("dir"), ATTR_COMMON, CARE_NONE},
    {STR_INIT("face"), ATTR_FONT, CARE_NONE},
    {STR_INIT("frame"), ATTR_TABLE, CARE_NONE},
    {STR_INIT("headers"), ATTR_CELL, CARE_NONE},
    {STR_INIT("height"), ATTR_CELL | ATTR_IMG | ATTR_MEDIA, CARE_NONE},
    {STR_INIT("href"), ATTR_A | ATTR_LINK, CARE_URL},
    {STR_INIT("id"), ATTR_COMMON | ATTR_MATH, CARE_ID},
    {STR_INIT("itemid"), ATTR_COMMON, CARE_ITEM},
    {STR_INIT("itemprop"), ATTR_COMMON | ATTR_META | ATTR_LINK, CARE_TERM},
    {STR_INIT("itemref"), ATTR_COMMON, CARE_ITEM},
    {STR_INIT("itemscope"), ATTR_COMMON, CARE_SCOPE},
    {STR_INIT("itemtype"), ATTR_COMMON, CARE_ITEM},
    {STR_INIT("lang"), ATTR_COMMON, CARE_NONE},
    {STR_INIT("nowrap"), ATTR_CELL, CARE_NONE},
    {STR_INIT("poster"), ATTR_MEDIA, CARE_URL},
    {STR_INIT("property"), ATTR_COMMON, CARE_TERM},
    {STR_INIT("rel"), ATTR_A, CARE_TERM},
    {STR_INIT("resource"), ATTR_COMMON, CARE_TERM},
    {STR_INIT("rev"), ATTR_A, CARE_TERM},
    {STR_INIT("reversed"), ATTR_OL, CARE_NONE},
    {STR_INIT("role"), ATTR_COMMON, CARE_NONE},
    {STR_INIT("rowspan"), ATTR_CELL, CARE_NONE},
    {STR_INIT("rules"), ATTR_TABLE, CARE_NONE},
    {STR_INIT("scope"), ATTR_CELL, CARE_NONE},
    {STR_INIT("size"), ATTR_FONT, CARE_NONE},
    {STR_INIT("span"), ATTR_SPAN, CARE_NONE},
    {STR_INIT("src"), ATTR_IMG | ATTR_MEDIA, CARE_URL},
    {STR_INIT("start"), ATTR_OL, CARE_NONE},
    {STR_INIT("style"), ATTR_COMMON | ATTR_MATH, CARE_STYLE},
    {STR_INIT("summary"), ATTR_TABLE, CARE_NONE},
    {STR_INIT("tabindex"), ATTR_COMMON, CARE_ZERO},
    {STR_INIT("title"), ATTR_COMMON | ATTR_LINK | ATTR_MATH, CARE_NONE},
    {STR_INIT("type"), ATTR_UL | ATTR_OL | ATTR_LI | ATTR_MEDIA, CARE_NONE},
    {STR_INIT("typeof"), ATTR_COMMON, CARE_TERM},
    {STR_INIT("valign"), ATTR_ROW, CARE_NONE},
    {STR_INIT("value"), ATTR_LI | ATTR_VALUE, CARE_NONE},
    {STR_INIT("width"), ATTR_WIDTH | ATTR_TABLE | ATTR_CELL | ATTR_IMG | ATTR_MEDIA, CARE_NONE},
};

static int find_allowed(str name) {
    int from = 0, to = countof(allowed);
    while (from < to) {
        int mid = (from + to) / 2;
        size_t n = min_size(name.len, allowed[mid].name.len);
        int c = memcmp(name.ptr, allowed[mid].name.ptr, n);
        if (c == 0 && name.len == allowed[mid].name.len) return mid;
        if (c > 0 || (c == 0 && name.len > n))
            from = mid + 1;
        else
            to = mid;
    }
    return -1;
}

// data-*, but for what MediaWiki's own scripts read. A '_' cannot be hidden in a name from the pass
// that looks for __SWITCHES__.
static bool is_data(str name) {
    if (!str_starts(name, STR("data-")) || str_find_byte(name, ':') < name.len ||
        str_find_byte(name, '_') < name.len)
        return false;
    str rest = str_skip(name, 5);
    return !str_starts(rest, STR("ooui")) && !str_starts(rest, STR("mw")) &&
           !str_starts(rest, STR("parsoid"));
}

// xmlns:name
static bool is_namespace(str name) {
    if (!str_starts(name, STR("xmlns:")) || name.len == 6) return false;
    for (size_t i = 6; i < name.len; i++)
        if ((unsigned char)name.ptr[i] >= 0x80) return false;
    return true;
}

static bool is_allowed(uint32_t groups, str name, care *how) {
    int i = find_allowed(name);
    bool is_listed = i >= 0 && allowed[i].groups & groups;
    *how = is_listed ? allowed[i].care : is_namespace(name) ? CARE_TERM : CARE_NONE;
    return is_listed || is_namespace(name) || is_data(name);
}

static uint32_t groups_of(str element) {
    tag_id id = tag_find(element);
    return id == TAG_UNKNOWN ? 0 : tag_rows[id].attrs;
}

bool wt_attr_allowed(str element, str name) {
    care how;
    return is_allowed(groups_of(element), name, &how);
}

// --- Reading -----------------------------------------------------------------------------------

static bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\f' || c == '\r';
}

static bool is_ascii(str s) {
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] >= 0x80) return false;
    return true;
}

// Letters and numbers of any script.
static bool is_name_char(int32_t cp, bool is_first) {
    if (cp == ':' || cp == '_') return true;
    if (cp == '.' || cp == '-') return !is_first;
    if (cp < 0x80) {
        int32_t low = cp | 32;
        return (cp >= '0' && cp <= '9') || (low >= 'a' && low <= 'z');
    }
    utf8proc_category_t c = utf8proc_category(cp);
    return (c >= UTF8PROC_CATEGORY_LU && c <= UTF8PROC_CATEGORY_LO) ||
           (c >= UTF8PROC_CATEGORY_ND && c <= UTF8PROC_CATEGORY_NO);
}

static bool is_good_name(str name) {
    for (size_t i = 0; i < name.len;) {
        int32_t cp;
        size_t n = utf8_decode(&cp, str_skip(name, i));
        if (cp == UTF8_BAD || !is_name_char(cp, i == 0)) return false;
        i += n;
    }
    return name.len > 0;
}

// At a '=' that may have space around: reads the value and moves *at behind it.
static str read_value(str s, size_t *at) {
    size_t i = *at;
    while (i < s.len && is_space(s.ptr[i]))
        i++;
    if (i == s.len || s.ptr[i] != '=') return STR("");
    for (i++; i < s.len && is_space(s.ptr[i]);)
        i++;
    size_t from = i;
    if (i < s.len && (s.ptr[i] == '"' || s.ptr[i] == '\'')) {
        str rest = str_skip(s, i + 1);
        size_t n = str_find_byte(rest, s.ptr[i]);
        *at = min_size(s.len, i + 1 + n + 1);
        return str_first(rest, n);
    }
    while (i < s.len && !is_space(s.ptr[i]) && s.ptr[i] != '>')
        i++;
    *at = i;
    return (str){s.ptr + from, i - from};
}

// Runs of space as one, none at the ends; references decoded.
static str clean_value(str value, arena *a) {
    value = str_trim(value);
    bool is_clean = true;
    for (size_t i = 0; is_clean && i < value.len; i++) {
        char c = value.ptr[i];
        is_clean = c != '\n' && c != '\t' && c != '\r' && (c != ' ' || value.ptr[i + 1] != ' ');
    }
    if (is_clean) return html_decode(value, a);
    buf out;
    buf_init(&out, a, value.len);
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        if (c != ' ' && c != '\n' && c != '\t' && c != '\r')
            buf_byte(&out, c);
        else if (out.len && out.ptr[out.len - 1] != ' ')
            buf_byte(&out, ' ');
    }
    return html_decode(buf_str(&out), a);
}

static str lower(str name, arena *a) {
    size_t i = 0;
    while (i < name.len && !(name.ptr[i] >= 'A' && name.ptr[i] <= 'Z'))
        i++;
    if (i == name.len) return name;
    char *copy = arena_try(a, name.len);
    if (!copy) return STR("");
    for (i = 0; i < name.len; i++)
        copy[i] = name.ptr[i] >= 'A' && name.ptr[i] <= 'Z' ? (char)(name.ptr[i] | 32) : name.ptr[i];
    return (str){copy, name.len};
}

static size_t place_of(const wt_attr *attrs, size_t n, str name) {
    size_t i = 0;
    while (i < n && !str_eq(attrs[i].name, name))
        i++;
    return i;
}

size_t wt_attrs_read(wt_attr *out, size_t max, str s, arena *a) {
    size_t n = 0;
    if (!is_ascii(s) && !utf8_valid(s)) return 0;
    for (size_t at = 0; at < s.len;) {
        if (is_space(s.ptr[at]) || s.ptr[at] == '/' || s.ptr[at] == '>') {
            at++;
            continue;
        }
        size_t from = at++;  // a '=' here is part of the name
        while (at < s.len && !is_space(s.ptr[at]) && !memchr("/>=", s.ptr[at], 3))
            at++;
        str name = {s.ptr + from, at - from};
        str value = read_value(s, &at);
        if (!is_good_name(name)) continue;
        name = lower(name, a);
        size_t i = place_of(out, n, name);
        if (i == max || name.len == 0) continue;
        out[i] = (wt_attr){name, clean_value(value, a)};
        n = max_size(n, i + 1);
    }
    return n;
}

// --- Values --------------------------------------------------------------------------------------

// "javascript:" and "vbscript:" as words at the start of something.
static bool is_script(str s) {
    static const str words[] = {STR_INIT("javascript"), STR_INIT("vbscript")};
    for (size_t i = 0; i < s.len; i++) {
        bool is_start = i == 0 || is_space(s.ptr[i - 1]) || s.ptr[i - 1] == '\v' ||
                        (i >= 2 && s.ptr[i - 2] == '*' && s.ptr[i - 1] == '/');
        for (size_t w = 0; is_start && w < countof(words); w++) {
            if (!str_starts_nocase(str_skip(s, i), words[w])) continue;
            size_t end = i + words[w].len;
            char c = end < s.len ? s.ptr[end] : 0;
            if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '_'))
                return true;
        }
    }
    return false;
}

static const str schemes[] = {
    STR_INIT("bitcoin:"),  STR_INIT("ftp://"),    STR_INIT("ftps://"),      STR_INIT("geo:"),
    STR_INIT("git://"),    STR_INIT("gopher://"), STR_INIT("http://"),      STR_INIT("https://"),
    STR_INIT("irc://"),    STR_INIT("ircs://"),   STR_INIT("magnet:"),      STR_INIT("mailto:"),
    STR_INIT("matrix:"),   STR_INIT("mms://"),    STR_INIT("news:"),        STR_INIT("nntp://"),
    STR_INIT("redis://"),  STR_INIT("sftp://"),   STR_INIT("sip:"),         STR_INIT("sips:"),
    STR_INIT("sms:"),      STR_INIT("ssh://"),    STR_INIT("svn://"),       STR_INIT("tel:"),
    STR_INIT("telnet://"), STR_INIT("urn:"),      STR_INIT("worldwind://"), STR_INIT("xmpp:"),
};

size_t wt_scheme(str text) {
    if (!text.len) return 0;
    for (size_t i = 0; i < countof(schemes); i++)
        if ((text.ptr[0] | 32) == schemes[i].ptr[0] && str_starts_nocase(text, schemes[i]))
            return schemes[i].len;
    return 0;
}

bool wt_url_allowed(str url) {
    size_t n = str_starts(url, STR("//")) ? 2 : wt_scheme(url);
    if (n == 0 || n == url.len) return false;
    for (size_t i = n; i < url.len; i++)
        if (is_space(url.ptr[i]) || url.ptr[i] == '\v') return false;
    return true;
}

static str escape_ids(str value, arena *a) {
    buf out;
    buf_init(&out, a, value.len);
    for (str rest = str_trim(value); rest.len;) {
        str id = str_cut(&rest, ' ');
        if (!id.len) continue;
        if (out.len) buf_byte(&out, ' ');
        str one = html_id(id, a);
        buf_add(&out, one);
    }
    return buf_str(&out);
}

// False: the attribute is dropped.
static bool take_care(str *value, care how, arena *a) {
    switch (how) {
    case CARE_STYLE:
        *value = html_css(*value, a);
        return true;
    case CARE_ID:
        *value = html_id(*value, a);
        return value->len > 0;
    case CARE_IDS:
        *value = escape_ids(*value, a);
        return true;
    case CARE_TERM:
    case CARE_SCOPE:
    case CARE_ITEM:
        return !is_script(*value);
    case CARE_URL:
        return wt_url_allowed(*value);
    case CARE_ZERO:
        return str_eq(*value, STR("0"));
    case CARE_NONE:
        return true;
    }
    return false;
}

// --- Writing -----------------------------------------------------------------------------------

// What HTML or a later pass would take for markup.
static const str escapes[256] = {
    ['&'] = STR_INIT("&amp;"),  ['<'] = STR_INIT("&lt;"),   ['>'] = STR_INIT("&gt;"),
    ['"'] = STR_INIT("&quot;"), ['\''] = STR_INIT("&#39;"), ['\n'] = STR_INIT("&#10;"),
    ['\r'] = STR_INIT("&#13;"), ['\t'] = STR_INIT("&#9;"),  ['{'] = STR_INIT("&#123;"),
    ['}'] = STR_INIT("&#125;"), ['['] = STR_INIT("&#91;"),  [']'] = STR_INIT("&#93;"),
    ['|'] = STR_INIT("&#124;"), ['_'] = STR_INIT("&#95;"),
};

// Words that magic links start with: their first letter is escaped.
static const struct {
    str word, as;
} magic[] = {
    {STR_INIT("ISBN"), STR_INIT("&#73;")},
    {STR_INIT("RFC"), STR_INIT("&#82;")},
    {STR_INIT("PMID"), STR_INIT("&#80;")},
};

static str magic_at(str s) {
    for (size_t i = 0; i < countof(magic); i++)
        if (s.ptr[0] == magic[i].word.ptr[0] && str_starts(s, magic[i].word)) return magic[i].as;
    return STR("");
}

// Whether the ':' at `at` belongs to a scheme that later passes would make a link of.
static bool is_scheme_colon(str s, size_t at) {
    enum { LONGEST = 12 };
    for (size_t from = at > LONGEST ? at - LONGEST : 0; from < at; from++) {
        size_t n = wt_scheme(str_skip(s, from));
        if (n && str_find_byte(str_skip(s, from), ':') == at - from) return true;
    }
    return false;
}

static void put_value(buf *out, str value) {
    size_t from = 0;
    for (size_t i = 0; i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        str as = escapes[c];
        if (c == ':' && is_scheme_colon(value, i)) as = STR("&#58;");
        if (c == 'I' || c == 'R' || c == 'P') as = magic_at(str_skip(value, i));
        if (!as.len) continue;
        buf_add(out, (str){value.ptr + from, i - from});
        buf_add(out, as);
        from = i + 1;
    }
    buf_add(out, str_skip(value, from));
}

static size_t keep_allowed(wt_attr *attrs, size_t n, uint32_t groups, arena *a) {
    bool has_scope = false;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        has_scope |= str_eq(attrs[i].name, STR("itemscope")) && !is_script(attrs[i].value);
    for (size_t i = 0; i < n; i++) {
        care how;
        if (!is_allowed(groups, attrs[i].name, &how) || (how == CARE_ITEM && !has_scope) ||
            !take_care(&attrs[i].value, how, a))
            continue;
        attrs[kept++] = attrs[i];
    }
    return kept;
}

void wt_attrs(buf *out, wt_parser *p, str text, str element, arena scratch) {
    wt_attr attrs[ATTRS_MAX];
    if (str_find_byte(text, WT_MARK) < text.len) text = wt_unstrip_str(p, text, "gxn");
    size_t n = wt_attrs_read(attrs, ATTRS_MAX, text, &scratch);
    n = keep_allowed(attrs, n, groups_of(element), &scratch);
    for (size_t i = 0; i < n; i++) {
        buf_byte(out, ' ');
        buf_add(out, attrs[i].name);
        buf_add(out, STR("=\""));
        put_value(out, attrs[i].value);
        buf_byte(out, '"');
    }
}
