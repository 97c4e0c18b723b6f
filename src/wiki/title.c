// Titles: what MediaWiki does to a title before it looks one up, written as pure functions.
//
//   I1  a decoded or normalised title is never longer than what it came from, but for its
//       namespace, which may get its full name

#include "wiki/title.h"

#include "base/utf8.h"
#include "wiki/inside.h"

#include <utf8proc.h>

// --- Entities --------------------------------------------------------------------------------

static const struct {
    str name;
    char c;
} xml_entities[] = {
    {STR_INIT("lt;"), '<'},   {STR_INIT("gt;"), '>'},    {STR_INIT("amp;"), '&'},
    {STR_INIT("quot;"), '"'}, {STR_INIT("apos;"), '\''},
};

static int digit_of(char c, int base) {
    int d = c >= '0' && c <= '9'   ? c - '0'
            : c >= 'a' && c <= 'f' ? c - 'a' + 10
            : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                   : 99;
    return d < base ? d : -1;
}

// "#123;" or "#x1F;": its length, or 0 when it is none or names no character.
static size_t numeric_entity(int32_t *cp, str s) {
    size_t i = 1;
    int base = 10;
    if (i < s.len && (s.ptr[i] == 'x' || s.ptr[i] == 'X')) base = 16, i++;
    int32_t v = 0;
    size_t first = i;
    for (int d; i < s.len && (d = digit_of(s.ptr[i], base)) >= 0; i++)
        if ((v = v * base + d) > 0x10FFFF) return 0;
    bool is_bad =
        i == first || i >= s.len || s.ptr[i] != ';' || v == 0 || (v >= 0xD800 && v <= 0xDFFF);
    *cp = v;
    return is_bad ? 0 : i + 1;
}

size_t wiki__entity(char out[UTF8_MAX], size_t *out_len, str s) {
    int32_t cp;
    size_t n;
    if (s.len > 1 && s.ptr[0] == '#' && (n = numeric_entity(&cp, s))) {
        *out_len = utf8_encode(out, cp);
        return n;
    }
    for (size_t i = 0; i < countof(xml_entities); i++)
        if (s.len && s.ptr[0] == xml_entities[i].name.ptr[0] &&
            str_starts(s, xml_entities[i].name)) {
            out[0] = xml_entities[i].c;
            *out_len = 1;
            return xml_entities[i].name.len;
        }
    return 0;
}

size_t wiki__decode(char *dst, str s) {
    char *to = dst;
    while (s.len) {
        size_t n = str_find_byte(s, '&');
        if (n) memcpy(to, s.ptr, n);
        to += n;
        s = str_skip(s, n);
        if (!s.len) break;
        char c[UTF8_MAX];
        size_t n_c, used = wiki__entity(c, &n_c, str_skip(s, 1));
        if (used)
            memcpy(to, c, n_c);
        else
            *to = '&', n_c = 1;
        to += n_c;
        s = str_skip(s, used + 1);
    }
    return (size_t)(to - dst);
}

str wiki_decode_entities(str text, arena *a) {
    if (str_find_byte(text, '&') == text.len) return text;
    char *p = arena_alloc(a, text.len);
    return (str){p, wiki__decode(p, text)};
}

// --- Namespaces ------------------------------------------------------------------------------

// English names work on every wiki, and alone where the dump has no siteinfo.
static const wiki_ns english[] = {
    {0, STR_INIT(""), false},          {-2, STR_INIT("Media"), false},
    {-1, STR_INIT("Special"), false},  {1, STR_INIT("Talk"), false},
    {2, STR_INIT("User"), false},      {3, STR_INIT("User talk"), false},
    {4, STR_INIT("Project"), false},   {5, STR_INIT("Project talk"), false},
    {6, STR_INIT("File"), false},      {7, STR_INIT("File talk"), false},
    {8, STR_INIT("MediaWiki"), false}, {9, STR_INIT("MediaWiki talk"), false},
    {10, STR_INIT("Template"), false}, {11, STR_INIT("Template talk"), false},
    {12, STR_INIT("Help"), false},     {13, STR_INIT("Help talk"), false},
    {14, STR_INIT("Category"), false}, {15, STR_INIT("Category talk"), false},
    {828, STR_INIT("Module"), false},  {829, STR_INIT("Module talk"), false},
    {6, STR_INIT("Image"), false},     {7, STR_INIT("Image talk"), false},
};

static int32_t next_folded(str *s) {
    int32_t cp;
    *s = str_skip(*s, utf8_decode(&cp, *s));
    return cp == '_' ? ' ' : cp < 0 ? cp : utf8proc_tolower(cp);
}

static bool same_name(str a, str b) {
    while (a.len && b.len)
        if (next_folded(&a) != next_folded(&b)) return false;
    return a.len == b.len;
}

static const wiki_ns *named_in(const wiki_ns *ns, size_t n, str name) {
    for (size_t i = 0; i < n; i++)
        if (ns[i].key && same_name(ns[i].name, name)) return &ns[i];
    return NULL;
}

static bool knows_namespaces(const wiki_site *site) {
    return site && site->n_ns;
}

static str trim_name(str s) {
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '_'))
        s = str_skip(s, 1);
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '_'))
        s.len--;
    return s;
}

const wiki_ns *wiki_ns_named(const wiki_site *site, str name) {
    name = trim_name(name);
    if (!name.len || name.len > WIKI_TITLE_MAX) return NULL;
    const wiki_ns *found = NULL;
    if (knows_namespaces(site)) found = named_in(site->ns, site->n_ns, name);
    if (found) return found;
    found = named_in(english, countof(english), name);
    return found ? wiki_ns_of(site, found->key) : NULL;
}

const wiki_ns *wiki_ns_of(const wiki_site *site, int32_t key) {
    const wiki_ns *ns = knows_namespaces(site) ? site->ns : english;
    size_t n = knows_namespaces(site) ? site->n_ns : countof(english);
    for (size_t i = 0; i < n; i++)
        if (ns[i].key == key) return &ns[i];
    return NULL;
}

// --- Normal form -----------------------------------------------------------------------------

// Code points below U+0300 compose with nothing; they start with a byte below 0xCC.
static bool is_nfc_surely(str s) {
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] >= 0xCC) return false;
    return true;
}

str wiki_nfc(str s, arena *a) {
    if (is_nfc_surely(s) || !utf8_valid(s)) return s;
    const utf8proc_option_t how = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
    const utf8proc_uint8_t *in = (const utf8proc_uint8_t *)s.ptr;
    utf8proc_ssize_t n = utf8proc_decompose(in, (utf8proc_ssize_t)s.len, NULL, 0, how);
    if (n < 0) return s;
    // One more than asked for: reencode ends its bytes with a NUL.
    int32_t *cps = arena_array(a, int32_t, (size_t)n + 1);
    n = utf8proc_decompose(in, (utf8proc_ssize_t)s.len, cps, n, how);
    if (n >= 0) n = utf8proc_reencode(cps, n, how);
    return n < 0 ? s : (str){(char *)cps, (size_t)n};
}

// What MediaWiki turns into a space in titles (0x20), what it drops (0), the rest as it is.
static int32_t title_space(int32_t cp) {
    bool is_space = cp == '_' || cp == ' ' || cp == '\t' || cp == '\n' || cp == '\r' ||
                    cp == 0xA0 || cp == 0x1680 || cp == 0x180E || (cp >= 0x2000 && cp <= 0x200A) ||
                    cp == 0x2028 || cp == 0x2029 || cp == 0x202F || cp == 0x205F || cp == 0x3000;
    bool is_mark = cp == 0x200E || cp == 0x200F || (cp >= 0x202A && cp <= 0x202E);
    return is_space ? ' ' : is_mark ? 0 : cp;
}

// Spaces collapsed and trimmed, direction marks gone. Bad bytes stay.
static str collapse(str s, arena *a) {
    char *to = arena_alloc(a, s.len + 1);
    size_t n = 0;
    bool is_space_due = false;
    while (s.len) {
        int32_t cp;
        size_t used = str_starts(s, STR("&nbsp;")) ? 6 : utf8_decode(&cp, s);
        if (used == 6) cp = ' ';
        int32_t as = cp == UTF8_BAD ? cp : title_space(cp);
        if (as == ' ') {
            is_space_due = n > 0;
        } else if (as != 0) {
            if (is_space_due) to[n++] = ' ';
            is_space_due = false;
            memcpy(to + n, s.ptr, used);
            n += used;
        }
        s = str_skip(s, used);
    }
    return (str){to, n};
}

// MediaWiki keeps these as they are: Georgian has no capitals in titles, and neither has "ss".
static int32_t upper(int32_t cp) {
    bool keeps = cp == 0xDF || (cp >= 0x10D0 && cp <= 0x10FF);
    return keeps ? cp : utf8proc_toupper(cp);
}

str wiki_first_upper(str s, arena *a) {
    if (!s.len) return s;
    int32_t cp;
    size_t n = utf8_decode(&cp, s);
    if (cp < 0 || upper(cp) == cp) return s;
    char head[UTF8_MAX];
    size_t n_head = utf8_encode(head, upper(cp));
    str rest = str_skip(s, n);
    char *p = arena_alloc(a, n_head + rest.len);
    memcpy(p, head, n_head);
    if (rest.len) memcpy(p + n_head, rest.ptr, rest.len);
    return (str){p, n_head + rest.len};
}

static str join(str ns, str rest, arena *a) {
    char *p = arena_alloc(a, ns.len + 1 + rest.len);
    memcpy(p, ns.ptr, ns.len);
    p[ns.len] = ':';
    if (rest.len) memcpy(p + ns.len + 1, rest.ptr, rest.len);
    return (str){p, ns.len + 1 + rest.len};
}

str wiki_title_normalise(int32_t *ns, str *fragment, const wiki_site *site, str text, arena *a) {
    *ns = 0;
    *fragment = (str){0};
    if (text.len > WIKI__LINK_MAX) return (str){0};
    str s = collapse(wiki_nfc(wiki_decode_entities(text, a), a), a);
    if (s.len && s.ptr[0] == ':') s = trim_name(str_skip(s, 1));
    size_t hash = str_find_byte(s, '#');
    if (hash < s.len) *fragment = str_skip(s, hash + 1);
    s = trim_name(str_first(s, hash));
    size_t colon = str_find_byte(s, ':');
    const wiki_ns *in = colon && colon < s.len ? wiki_ns_named(site, str_first(s, colon)) : NULL;
    const wiki_ns *rules = in ? in : wiki_ns_of(site, 0);
    str name = in ? trim_name(str_skip(s, colon + 1)) : s;
    if (!rules || !rules->case_sensitive) name = wiki_first_upper(name, a);
    if (!in) return name;
    *ns = in->key;
    return join(in->name, name, a);
}

// --- Case ------------------------------------------------------------------------------------

bool wiki__has_upper(str s) {
    while (s.len) {
        int32_t cp;
        s = str_skip(s, utf8_decode(&cp, s));
        if (cp >= 0 && utf8proc_tolower(cp) != cp) return true;
    }
    return false;
}
