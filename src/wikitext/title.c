// wikitext/title.c -- titles as MediaWiki takes them: what is one, where it leads, pages below it.
//
// I1  A title that needs no change is a view of the text that came in: most links cost no copy.
// I2  What is accepted has no control bytes and none of #<>[]{}|, so that its URL and its text need
//     only the usual escaping.
//
// Rejected: wiki_title_normalise, which is made for finding pages and so accepts everything.

#include "base/utf8.h"
#include "wikitext/inside.h"

enum {
    TITLE_BYTES = 255,
    SPECIAL_BYTES = 512,
    TEXT_MAX = 4096,  // of what is looked at: a title has 255 bytes, a fragment some more
    CHAIN_MAX = 8,    // local interwiki prefixes in front of each other
    NS_SPECIAL = -1,
    NS_TALK = 1,
};

// --- Bytes -----------------------------------------------------------------------------------

enum {
    BAD = 1,    // in no title
    LOOK = 2,   // is part of something that is to be changed or refused
    BLANK = 4,  // a space in one of its forms
};

// clang-format off
static const uint8_t byte_class[256] = {
    [0x00 ... 0x1F] = BAD, [0x7F] = BAD, ['<'] = BAD, ['>'] = BAD, ['['] = BAD, [']'] = BAD,
    ['{'] = BAD, ['}'] = BAD, ['|'] = BAD,
    ['_'] = LOOK | BLANK, [' '] = BLANK,
    ['%'] = LOOK, ['&'] = LOOK, ['~'] = LOOK, ['.'] = LOOK,
    [0xC2] = LOOK, [0xE1] = LOOK, [0xE2] = LOOK, [0xE3] = LOOK, [0xEF] = LOOK,  // spaces, marks
    [0xF5 ... 0xFF] = LOOK,
};
// clang-format on

static int class_of(char c) {
    return byte_class[(unsigned char)c];
}

static bool is_hex(char c) {
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'f');
}

static bool is_word(char c) {
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || (c & 0x80);
}

// "&name;", "&#12;", "&#x1f;" after decoding: was meant to be decoded twice.
static bool is_reference(str s) {
    size_t i = 1;
    if (i < s.len && s.ptr[i] == '#') i++;
    size_t first = i;
    while (i < s.len && is_word(s.ptr[i]))
        i++;
    return i > first && i < s.len && s.ptr[i] == ';';
}

static bool has_dots(str s) {
    return str_eq(s, STR(".")) || str_eq(s, STR("..")) || str_starts(s, STR("./")) ||
           str_starts(s, STR("../")) || str_find(s, STR("/./")) < s.len ||
           str_find(s, STR("/../")) < s.len || str_ends(s, STR("/.")) || str_ends(s, STR("/.."));
}

// Bytes, sequences and wholes that no title has.
static bool is_legal(str s) {
    bool has_dot = false;  // one that may matter
    for (size_t i = 0; i < s.len; i++) {
        int class = class_of(s.ptr[i]);
        if (class & BAD) return false;
        if (!(class & LOOK)) continue;
        str rest = str_skip(s, i);
        if (s.ptr[i] == '.')
            has_dot |= s.len < 3 || (i > 0 && s.ptr[i - 1] == '/') || str_starts(rest, STR("./"));
        if (s.ptr[i] == '&' && is_reference(rest)) return false;
        if (s.ptr[i] == '~' && str_starts(rest, STR("~~~"))) return false;
        if (s.ptr[i] == '%' && rest.len > 2 && is_hex(rest.ptr[1]) && is_hex(rest.ptr[2]))
            return false;
    }
    return !has_dot || !has_dots(s);
}

// --- Spaces ----------------------------------------------------------------------------------

static bool is_blank(int32_t cp) {
    return cp == ' ' || cp == '_' || cp == 0xA0 || cp == 0x1680 || cp == 0x180E ||
           (cp >= 0x2000 && cp <= 0x200A) || cp == 0x2028 || cp == 0x2029 || cp == 0x202F ||
           cp == 0x205F || cp == 0x3000;
}

static bool is_direction_mark(int32_t cp) {
    return cp == 0x200E || cp == 0x200F || (cp >= 0x202A && cp <= 0x202E);
}

static str trim_blanks(str s) {
    while (s.len && class_of(s.ptr[0]) & BLANK)
        s = str_skip(s, 1);
    while (s.len && class_of(s.ptr[s.len - 1]) & BLANK)
        s.len--;
    return s;
}

// Whether there is nothing to do for `spaced`.
static bool is_spaced(str s) {
    for (size_t i = 0; i < s.len; i++) {
        int class = class_of(s.ptr[i]);
        if (!(class & (LOOK | BLANK))) continue;
        if (s.ptr[i] == '_' || s.ptr[i] & 0x80) return false;
        if (s.ptr[i] == ' ' && i + 1 < s.len && s.ptr[i + 1] == ' ') return false;
    }
    return true;
}

// Every run of blanks one space, none at the ends, no direction marks. False: no UTF-8.
static bool spaced(str *s, arena *a) {
    *s = trim_blanks(*s);
    if (is_spaced(*s)) return true;
    char *to = arena_alloc(a, s->len + 1);
    size_t n = 0;
    bool is_due = false;
    for (str rest = *s; rest.len;) {
        int32_t cp;
        size_t used = utf8_decode(&cp, rest);
        if (cp == UTF8_BAD || cp == UTF8_REPLACEMENT) return false;
        if (is_blank(cp)) {
            is_due = n > 0;
        } else if (!is_direction_mark(cp)) {
            if (is_due) to[n++] = ' ';
            is_due = false;
            memcpy(to + n, rest.ptr, used);
            n += used;
        }
        rest = str_skip(rest, used);
    }
    *s = (str){to, n};
    return true;
}

// --- Namespaces ------------------------------------------------------------------------------

// Names that a dump does not list but its wiki knows: those of before 2009 for files, and the
// short ones. The language comes first; "" is for all.
static const struct {
    const char *lang, *name;
    int32_t ns;
} aliases[] = {
    {"", "Image", 6},        {"", "Image talk", 7},    {"", "Project", 4},
    {"", "Project talk", 5}, {"en", "WP", 4},          {"en", "WT", 5},
    {"en", "TM", 10},        {"en", "H", 12},          {"en", "CAT", 14},
    {"de", "Bild", 6},       {"de", "WP", 4},          {"de", "Benutzerin", 2},
    {"fr", "Fichier", 6},    {"fr", "WP", 4},          {"es", "Imagen", 6},
    {"es", "WP", 4},         {"es", "Usuaria", 2},     {"it", "Immagine", 6},
    {"it", "WP", 4},         {"pt", "Imagem", 6},      {"pt", "Ficheiro", 6},
    {"pt", "Arquivo", 6},    {"pl", "Grafika", 6},     {"pl", "WP", 4},
    {"nl", "Afbeelding", 6}, {"nl", "WP", 4},          {"sv", "Bild", 6},
    {"sv", "WP", 4},         {"ru", "Изображение", 6}, {"ru", "ВП", 4},
    {"ru", "У", 2},          {"ru", "К", 14},          {"ru", "Ш", 10},
    {"ru", "Участница", 2},  {"uk", "Зображення", 6},  {"uk", "ВП", 4},
    {"cs", "Soubor", 6},     {"cs", "WP", 4},          {"da", "Billede", 6},
    {"no", "Bilde", 6},      {"fi", "Kuva", 6},        {"hu", "Kép", 6},
    {"ja", "画像", 6},       {"zh", "文件", 6},        {"zh", "图像", 6},
    {"zh", "圖像", 6},       {"zh", "档案", 6},        {"zh", "WP", 4},
    {"ko", "그림", 6},       {"ar", "صورة", 6},        {"he", "תמונה", 6},
    {"tr", "Resim", 6},      {"ca", "Imatge", 6},      {"el", "Εικόνα", 6},
    {"bg", "Картинка", 6},
};

static const wiki_ns *ns_named(wt_parser *p, str name) {
    const wiki_site *site = p->world->site;
    const wiki_ns *found = wiki_ns_named(site, name);
    for (size_t i = 0; !found && i < countof(aliases); i++) {
        bool is_here = !aliases[i].lang[0] || str_eq(site->lang, str_of(aliases[i].lang));
        if (is_here && str_eq_nocase(name, str_of(aliases[i].name)))
            found = wiki_ns_of(site, aliases[i].ns);
    }
    return found;
}

str wt_ns_name(wt_parser *p, int32_t ns) {
    const wiki_ns *found = wiki_ns_of(p->world->site, ns);
    return found ? found->name : STR("");
}

// Turkish and its like have an i with a dot in both cases.
static str first_upper(wt_parser *p, str s) {
    str lang = p->world->site->lang;
    bool has_dotted_i = str_eq(lang, STR("tr")) || str_eq(lang, STR("az")) ||
                        str_eq(lang, STR("kaa")) || str_eq(lang, STR("kk-latn"));
    if (has_dotted_i && s.len && s.ptr[0] == 'i')
        return arena_fmt(p->mem, "\xC4\xB0%.*s", STR_ARG(str_skip(s, 1)));
    bool is_small = s.len && ((s.ptr[0] >= 'a' && s.ptr[0] <= 'z') || s.ptr[0] & 0x80);
    return is_small ? wiki_first_upper(s, p->mem) : s;
}

// --- Prefixes --------------------------------------------------------------------------------

static str lower(str s, arena *a) {
    char *to = arena_alloc(a, s.len + 1);
    for (size_t i = 0; i < s.len; i++)
        to[i] = s.ptr[i] >= 'A' && s.ptr[i] <= 'Z' ? (char)(s.ptr[i] | 32) : s.ptr[i];
    return (str){to, s.len};
}

static bool find_interwiki(str *prefix, wt_interwiki *wiki, wt_parser *p, str name) {
    if (!p->world->interwiki || !name.len || name.len > TITLE_BYTES) return false;
    str small = lower(name, p->mem);
    *wiki = (wt_interwiki){0};
    if (!p->world->interwiki(p->world->arg, wiki, small, p->mem)) return false;
    *prefix = small;
    return true;
}

// "Talk:File:x", "Talk:en:x": could be moved nowhere.
static bool is_odd_talk(wt_parser *p, str rest) {
    size_t colon = str_find_byte(rest, ':');
    str name = trim_blanks(str_first(rest, colon)), prefix;
    wt_interwiki wiki;
    return colon > 0 && colon < rest.len &&
           (ns_named(p, name) || find_interwiki(&prefix, &wiki, p, name));
}

static str main_page(wt_parser *p) {
    str name;
    bool has = p->world->message &&
               p->world->message(p->world->arg, &name, STR("mainpage"), p->mem) && name.len;
    return has ? name : STR("Main Page");
}

// Takes namespace and interwiki prefixes off *rest. False: what follows is no title.
static bool take_prefixes(wt_title *t, wt_parser *p, str *rest) {
    for (int i = 0; i < CHAIN_MAX; i++) {
        size_t colon = str_find_byte(*rest, ':');
        if (colon == 0 || colon == rest->len) return true;
        str name = trim_blanks(str_first(*rest, colon));
        str after = trim_blanks(str_skip(*rest, colon + 1));
        const wiki_ns *ns = ns_named(p, name);
        if (ns) {
            t->ns = ns->key, *rest = after;
            return ns->key != NS_TALK || !is_odd_talk(p, after);
        }
        str prefix;
        if (!find_interwiki(&prefix, &t->wiki, p, name)) return true;
        if (!t->wiki.is_local) {
            t->interwiki = prefix, t->ns = 0, *rest = after;
            if (after.len && after.ptr[0] == ':') *rest = trim_blanks(str_skip(after, 1));
            return true;
        }
        t->wiki = (wt_interwiki){0};
        t->is_local = true, t->ns = 0;
        *rest = after.len ? after : main_page(p);
    }
    return false;
}

static str cut_fragment(wt_title *t, str rest) {
    size_t hash = str_find_byte(rest, '#');
    if (hash == rest.len) return rest;
    t->fragment = str_skip(rest, hash + 1);
    t->has_fragment = true;
    return trim_blanks(str_first(rest, hash));
}

static str with_ns(wt_parser *p, int32_t ns, str text) {
    str name = wt_ns_name(p, ns);
    if (!name.len) return text;
    char *full = arena_alloc(p->mem, name.len + 1 + text.len);
    memcpy(full, name.ptr, name.len);
    full[name.len] = ':';
    if (text.len) memcpy(full + name.len + 1, text.ptr, text.len);
    return (str){full, name.len + 1 + text.len};
}

bool wt_title_parse(wt_title *out, wt_parser *p, str text, int32_t default_ns) {
    *out = (wt_title){.ns = default_ns};
    if (text.len > TEXT_MAX || str_find_byte(text, WT_MARK) < text.len) return false;
    str rest = text;
    if (str_find_byte(text, '&') < text.len) {
        rest = html_decode(text, p->mem);
        if (rest.ptr != text.ptr) rest = wiki_nfc(rest, p->mem);
    }
    if (!spaced(&rest, p->mem)) return false;
    if (rest.len && rest.ptr[0] == ':') {
        out->leading_colon = true, out->ns = 0;
        rest = trim_blanks(str_skip(rest, 1));
    }
    if (!rest.len || !take_prefixes(out, p, &rest)) return false;
    rest = cut_fragment(out, rest);
    bool is_here = !out->interwiki.len;
    if (rest.len > (out->ns == NS_SPECIAL ? SPECIAL_BYTES : TITLE_BYTES) || !is_legal(rest))
        return false;
    if (!rest.len && is_here && out->ns != 0) return false;
    if (rest.len && rest.ptr[0] == ':') return false;
    const wiki_ns *rules = is_here ? wiki_ns_of(p->world->site, out->ns) : NULL;
    if (is_here && (!rules || !rules->case_sensitive)) rest = first_upper(p, rest);
    out->text = rest;
    out->full = is_here && out->ns != 0 ? with_ns(p, out->ns, rest) : rest;
    return true;
}

// --- URLs ------------------------------------------------------------------------------------

// clang-format off
static const bool url_plain[256] = {
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true, ['-'] = true, ['_'] = true,
    ['.'] = true, [';'] = true, ['@'] = true, ['$'] = true, ['!'] = true, ['*'] = true,
    ['('] = true, [')'] = true, [','] = true, ['/'] = true, ['~'] = true, [':'] = true,
};
// clang-format on

void wt_put_url_title(buf *out, str full) {
    static const char digits[] = "0123456789ABCDEF";
    char *to = buf_room(out, 3 * full.len);
    if (!to) return;
    const char *start = to;
    for (size_t i = 0; i < full.len; i++) {
        unsigned char c = (unsigned char)full.ptr[i];
        if (url_plain[c]) {
            *to++ = (char)c;
        } else if (c == ' ') {
            *to++ = '_';
        } else {
            to[0] = '%', to[1] = digits[c >> 4], to[2] = digits[c & 15];
            to += 3;
        }
    }
    out->len += (size_t)(to - start);
}

// "http://x/wiki/$1?a=b" with the title in the place of $1.
static void put_interwiki_url(buf *out, const wt_title *t, str query) {
    str url = t->wiki.url;
    size_t at = str_find(url, STR("$1"));
    buf_add(out, str_first(url, at));
    if (at < url.len) {
        wt_put_url_title(out, t->full);
        buf_add(out, str_skip(url, at + 2));
    }
    if (!query.len) return;
    buf_byte(out, str_find_byte(url, '?') < url.len ? '&' : '?');
    buf_add(out, query);
}

void wt_title_url(buf *out, wt_parser *p, const wt_title *t, str query) {
    if (t->interwiki.len) {
        put_interwiki_url(out, t, query);
    } else if (query.len && p->o->script_path) {
        buf_add(out, str_of(p->o->script_path));
        buf_add(out, STR("?title="));
        wt_put_url_title(out, t->full);
        buf_byte(out, '&');
        buf_add(out, query);
    } else {
        buf_add(out, str_of(p->o->article_path));
        wt_put_url_title(out, t->full);
        if (query.len) buf_byte(out, '?');
        buf_add(out, query);
    }
}

str wt_server(const wt_parser *p) {
    if (p->o->server) return str_of(p->o->server);
    str base = p->world->site->base;
    size_t host = str_find(base, STR("://")) + 3;
    if (host >= base.len) return STR("");
    return str_first(base, host + str_find_byte(str_skip(base, host), '/'));
}

// --- Pages below pages -----------------------------------------------------------------------

// $wgNamespacesWithSubpages as it comes: talk pages, and pages about the wiki.
bool wt_ns_has_subpages(const wt_parser *p, int32_t ns) {
    if (p->o->subpages) return true;
    return ns > 0 && (ns & 1 ? true : ns == 2 || ns == 4 || ns == 8 || ns == 10 || ns == 12);
}

str wt_subpage_base(str title) {
    size_t at = title.len;
    while (at > 0 && title.ptr[at - 1] != '/')
        at--;
    return at > 0 ? str_first(title, at - 1) : title;
}

static str rtrim_slashes(str s) {
    while (s.len && s.ptr[s.len - 1] == '/')
        s.len--;
    return s;
}

static str join(wt_parser *p, str a, const char *between, str b, str suffix) {
    buf out;
    buf_init(&out, p->mem, a.len + b.len + suffix.len + 1);
    buf_add(&out, a);
    buf_add(&out, str_of(between));
    buf_add(&out, b);
    buf_add(&out, suffix);
    return buf_str(&out);
}

// "/name/" is shown without its slashes.
static str child(str *text, wt_parser *p, str target, str suffix) {
    str bare = rtrim_slashes(target), name = str_skip(bare, 1);
    str shown = bare.len < target.len ? name : target;
    if (!text->len) *text = join(p, shown, "", suffix, STR(""));
    return join(p, p->title.full, "/", str_trim(name), suffix);
}

static str parent(str *text, wt_parser *p, str target, str suffix) {
    str base = p->title.full, rest = target;
    for (; str_starts(rest, STR("../")); rest = str_skip(rest, 3)) {
        str above = wt_subpage_base(base);
        if (above.len == base.len) return (str){0};
        base = above;
    }
    str name = rtrim_slashes(rest);
    if (name.len < rest.len && !text->len) *text = join(p, name, "", suffix, STR(""));
    name = str_trim(name);
    return join(p, base, name.len ? "/" : "", name, suffix);
}

str wt_subpage(str *text, wt_parser *p, str target) {
    if (!target.len || (target.ptr[0] != '/' && target.ptr[0] != '.')) return target;
    bool is_child = target.ptr[0] == '/';
    if ((!is_child && !str_starts(target, STR("../"))) || !wt_ns_has_subpages(p, p->title.ns))
        return target;
    size_t hash = str_find_byte(target, '#');
    str suffix = str_skip(target, hash), path = str_first(target, hash);
    str full = is_child ? child(text, p, path, suffix) : parent(text, p, path, suffix);
    return full.ptr ? full : target;
}
