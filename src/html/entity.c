// html/entity.c -- character references, ids, and escaping, as MediaWiki's Sanitizer has them.
//
// I1  html_charrefs gives text whose every '&' starts a reference that XML and HTML both know:
//     numeric of an allowed code point, or one of lt gt amp quot. Given twice it changes nothing.
// I2  Text without '&' is copied by memchr's speed.

#include "html/entity.h"
#include "base/utf8.h"
#include "html/html.h"

enum { ID_MAX = 1024 };  // characters

// --- Reading a reference -------------------------------------------------------------------------

// MediaWiki's own names for the marks of direction, beside those of HTML.
static const struct {
    str name;
    int32_t cp;
} more_names[] = {
    {STR_INIT("\u05E8\u05DC\u05DE"), 0x200F},
    {STR_INIT("\u0631\u0644\u0645"), 0x200F},
};

static int compare_name(str name, const char *row) {
    int c = strncmp(name.ptr, row, name.len);
    return c ? c : row[name.len] ? -1 : 0;
}

bool html_entity(int32_t cp[2], str name) {
    for (size_t i = 0; i < countof(more_names); i++)
        if (str_eq(more_names[i].name, name)) return cp[0] = more_names[i].cp, cp[1] = 0, true;
    if (name.len > ENTITY_NAME_MAX) return false;
    int from = 0, to = ENTITY_COUNT;
    while (from < to) {
        int mid = (from + to) / 2, c = compare_name(name, entity_rows[mid].name);
        if (c == 0) {
            cp[0] = entity_rows[mid].cp;
            cp[1] = entity_rows[mid].more;
            return true;
        }
        if (c > 0)
            from = mid + 1;
        else
            to = mid;
    }
    return false;
}

// What a reference may stand for: no control characters, surrogates or U+FFFE and above in plane 0.
static bool is_allowed(int32_t cp) {
    return cp == '\t' || cp == '\n' || (cp >= 0x20 && cp <= 0x7E) || (cp >= 0xA0 && cp <= 0xD7FF) ||
           (cp >= 0xE000 && cp <= 0xFFFD) || (cp >= 0x10000 && cp <= 0x10FFFF);
}

static int digit_of(char c, bool is_hex) {
    if (c >= '0' && c <= '9') return c - '0';
    if (is_hex && c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (is_hex && c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

static void read_number(entity_ref *r, str s) {
    size_t i = 2, from;
    r->is_hex = s.len > 2 && (s.ptr[2] | 32) == 'x';
    int32_t base = r->is_hex ? 16 : 10, cp = 0;
    for (from = i += r->is_hex; i < s.len; i++) {
        int digit = digit_of(s.ptr[i], r->is_hex);
        if (digit < 0) break;
        cp = cp > 0x10FFFF ? cp : cp * base + digit;
    }
    if (i == from || i == s.len || s.ptr[i] != ';') return;
    r->len = i + 1;
    r->cp[0] = is_allowed(cp) ? cp : -1;
}

static bool is_name_byte(unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

entity_ref entity_read(str s) {
    entity_ref r = {0};
    if (s.len > 1 && s.ptr[1] == '#') return read_number(&r, s), r;
    size_t i = 1;
    while (i < s.len && i < 64 && is_name_byte((unsigned char)s.ptr[i]))
        i++;
    if (i == 1 || i == s.len || s.ptr[i] != ';') return r;
    r.len = i + 1;
    r.name = (str){s.ptr + 1, i - 1};
    if (!html_entity(r.cp, r.name)) r.cp[0] = 0;
    return r;
}

// --- Normalising, decoding -----------------------------------------------------------------------

static const str kept_names[] = {STR_INIT("amp"), STR_INIT("lt"), STR_INIT("gt"), STR_INIT("quot")};

static bool is_kept(str name) {
    for (size_t i = 0; i < countof(kept_names); i++)
        if (str_eq(kept_names[i], name)) return true;
    return false;
}

static void put_number(buf *out, int32_t cp, bool is_hex) {
    buf_fmt(out, is_hex ? "&#x%x;" : "&#%d;", (unsigned)cp);
}

// Returns how much of s, which starts with '&', is done.
static size_t put_reference(buf *out, str s) {
    entity_ref r = entity_read(s);
    if (r.len == 0 || r.cp[0] <= 0) {
        buf_add(out, STR("&amp;"));
        return 1;
    }
    if (is_kept(r.name)) {
        buf_add(out, str_first(s, r.len));
    } else {
        put_number(out, r.cp[0], r.is_hex);
        if (r.cp[1]) put_number(out, r.cp[1], false);
    }
    return r.len;
}

void html_charrefs(buf *out, str in) {
    while (in.len > 0) {
        size_t at = str_find_byte(in, '&');
        buf_add(out, str_first(in, at));
        in = str_skip(in, at);
        if (in.len) in = str_skip(in, put_reference(out, in));
    }
}

static void put_char(buf *out, int32_t cp) {
    char bytes[UTF8_MAX];
    buf_add(out, (str){bytes, utf8_encode(bytes, cp)});
}

str html_decode(str in, arena *a) {
    size_t at = str_find_byte(in, '&');
    if (at == in.len) return in;
    buf out;
    buf_init(&out, a, in.len);
    while (in.len > 0) {
        at = str_find_byte(in, '&');
        buf_add(&out, str_first(in, at));
        in = str_skip(in, at);
        if (!in.len) break;
        entity_ref r = entity_read(in);
        if (r.cp[0] == 0) {
            r.len = max_size(r.len, 1);
            buf_add(&out, str_first(in, r.len));
        } else {
            put_char(&out, r.cp[0] < 0 ? UTF8_REPLACEMENT : r.cp[0]);
            if (r.cp[1]) put_char(&out, r.cp[1]);
        }
        in = str_skip(in, r.len);
    }
    return buf_str(&out);
}

// --- Ids, escaping -----------------------------------------------------------------------------

str html_id(str text, arena *a) {
    buf out;
    buf_init(&out, a, text.len);
    for (size_t n = 0; text.len && n < ID_MAX; n++) {
        int32_t cp;
        size_t len = utf8_decode(&cp, text);
        bool is_space = cp == ' ' || cp == '\t' || cp == '\n' || cp == '\f' || cp == '\r';
        buf_add(&out, is_space ? STR("_") : str_first(text, len));
        text = str_skip(text, len);
    }
    return buf_str(&out);
}

static bool is_percent_code(str s) {
    return s.len >= 3 && digit_of(s.ptr[1], true) >= 0 && digit_of(s.ptr[2], true) >= 0;
}

void html_fragment(buf *out, str id) {
    while (id.len > 0) {
        size_t at = str_find_byte(id, '%');
        buf_add(out, str_first(id, at));
        id = str_skip(id, at);
        if (!id.len) return;
        buf_add(out, is_percent_code(id) ? STR("%25") : STR("%"));
        id = str_skip(id, 1);
    }
}

static str escape_of(char c) {
    switch (c) {
    case '&':
        return STR("&amp;");
    case '<':
        return STR("&lt;");
    case '>':
        return STR("&gt;");
    case '"':
        return STR("&quot;");
    case '\'':
        return STR("&#039;");
    default:
        return STR("");
    }
}

void html_escape(buf *out, str text) {
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        str escape = escape_of(text.ptr[i]);
        if (!escape.len) continue;
        buf_add(out, (str){text.ptr + from, i - from});
        buf_add(out, escape);
        from = i + 1;
    }
    buf_add(out, str_skip(text, from));
}
