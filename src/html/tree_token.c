// html/tree_token.c -- HTML as typed to tags and text, as the standard's tokenizer.
//
// I1  Every byte is looked at a bounded number of times: text is found with memchr, a tag is read
//     once, an attribute that is written as we write it is not copied.
// I2  A text given on is as long as it can be: a '<' that starts no tag is part of it.
// I3  Names of elements come from tags.h, other tags are left out; names of attributes are letters,
//     digits and `:_.-`, do not start with "on", and stand once.
//
// Comments and what a browser takes for one are dropped. References stay as they are.

#include "html/tree.h"

typedef struct reader {
    const char *at, *end;
    tree_builder *b;
} reader;

typedef struct attr {
    str name, value;
} attr;

static bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\f' || c == '\r';
}
static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static bool ends_name(char c) {
    return is_space(c) || c == '/' || c == '>';
}

// --- Attributes ------------------------------------------------------------------------------

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c | 32) : c;
}

static bool is_name_byte(unsigned char c) {
    return is_letter((char)c) || (c >= '0' && c <= '9') || c == ':' || c == '_' || c == '.' ||
           c == '-' || c >= 0x80;
}

static bool is_good_name(str name) {
    if (name.len == 0 || str_starts_nocase(name, STR("on"))) return false;
    for (size_t i = 0; i < name.len; i++)
        if (!is_name_byte((unsigned char)name.ptr[i])) return false;
    return true;
}

static bool is_among(const attr *attrs, size_t n, str name) {
    for (size_t i = 0; i < n; i++)
        if (str_eq_nocase(attrs[i].name, name)) return true;
    return false;
}

// Reads one attribute at a name's first byte. False at the end of the text.
static bool read_attr(reader *r, attr *a) {
    const char *from = r->at++;  // a '=' here is part of the name
    while (r->at < r->end && !ends_name(*r->at) && *r->at != '=')
        r->at++;
    a->name = (str){from, (size_t)(r->at - from)};
    a->value = (str){0};
    const char *p = r->at;
    while (p < r->end && is_space(*p))
        p++;
    if (p < r->end && *p != '=') return r->at = p, true;
    for (p++; p < r->end && is_space(*p);)
        p++;
    if (p >= r->end) return false;
    if (*p == '"' || *p == '\'') {
        const char *to = memchr(p + 1, *p, (size_t)(r->end - p - 1));
        if (!to) return false;
        a->value = (str){p + 1, (size_t)(to - p - 1)};
        return r->at = to + 1, true;
    }
    for (from = p; p < r->end && !is_space(*p) && *p != '>';)
        p++;
    a->value = (str){from, (size_t)(p - from)};
    return r->at = p, true;
}

static void write_value(buf *out, str value) {
    for (size_t i = 0; i < value.len; i++) {
        char c = value.ptr[i];
        bool is_nbsp = c == '\xC2' && i + 1 < value.len && value.ptr[i + 1] == '\xA0';
        if (c == '"')
            buf_add(out, STR("&quot;"));
        else if (c == '<')
            buf_add(out, STR("&lt;"));
        else if (c == '>')
            buf_add(out, STR("&gt;"));
        else if (is_nbsp)
            buf_add(out, STR("&#160;")), i++;
        else
            buf_byte(out, c);
    }
}

static void write_attrs(buf *out, const attr *attrs, size_t n) {
    for (size_t i = 0; i < n; i++) {
        buf_byte(out, ' ');
        for (size_t k = 0; k < attrs[i].name.len; k++)
            buf_byte(out, lower(attrs[i].name.ptr[k]));
        buf_add(out, STR("=\""));
        write_value(out, attrs[i].value);
        buf_byte(out, '"');
    }
}

static void note_hidden(tree_tag *tag, const attr *a) {
    if (str_eq_nocase(a->name, STR("type")) && str_eq_nocase(a->value, STR("hidden")))
        tag->is_hidden = true;
}

// Attributes in any form, up to behind '>'. False at the end of the text: there is no tag then.
static bool read_attrs(reader *r, tree_tag *tag) {
    attr attrs[TREE_ATTRS_MAX], a;
    size_t n = 0;
    for (;;) {
        while (r->at < r->end && (is_space(*r->at) || *r->at == '/'))
            r->at++;
        if (r->at >= r->end) return false;
        if (*r->at == '>') break;
        if (!read_attr(r, &a)) return false;
        if (n == TREE_ATTRS_MAX || !is_good_name(a.name) || is_among(attrs, n, a.name)) continue;
        attrs[n++] = a;
        note_hidden(tag, &a);
    }
    tag->is_closed = r->at[-1] == '/';
    r->at++;
    if (!n) return true;
    buf out;
    buf_init(&out, r->b->mem, 64);
    write_attrs(&out, attrs, n);
    if (out.failed) return r->b->is_full = true, false;
    tag->attrs = buf_str(&out);
    return true;
}

// What a byte of a value or a name may be when it can stay as it is.
static const uint8_t plain[256] = {
#define NAME  1
#define VALUE 2
    ['-'] = NAME | VALUE,
    ['.'] = NAME | VALUE,
    [':'] = NAME | VALUE,
    ['_'] = NAME | VALUE,
    ['0' ... '9'] = NAME | VALUE,
    ['a' ... 'z'] = NAME | VALUE,
    ['A' ... 'Z'] = VALUE,
    ['\t'] = VALUE,
    ['\n'] = VALUE,
    [' ' ... '!'] = VALUE,
    ['#' ... ','] = VALUE,
    ['/'] = VALUE,
    [';'] = VALUE,
    ['='] = VALUE,
    ['?' ... '@'] = VALUE,
    ['[' ... '^'] = VALUE,
    ['`'] = VALUE,
    ['{' ... '~'] = VALUE,
    [0x80 ... 0xC1] = VALUE,
    [0xC3 ... 0xFF] = VALUE,
};

// Attributes that stand as we would write them, which is the rule. False: they do not, or it takes
// more to know.
static bool read_plain_attrs(reader *r, tree_tag *tag) {
    enum { FEW = 8 };
    attr seen[FEW];
    const char *p = r->at, *end = r->end;
    size_t n = 0;
    while (p < end && *p == ' ' && p + 1 < end && p[1] != '/') {
        const char *name = ++p;
        while (p < end && plain[(unsigned char)*p] & NAME)
            p++;
        seen[n].name = (str){name, (size_t)(p - name)};
        if (p == name || (p - name >= 2 && name[0] == 'o' && name[1] == 'n')) return false;
        if (end - p < 2 || p[0] != '=' || p[1] != '"') return false;
        name = p += 2;
        while (p < end && plain[(unsigned char)*p] & VALUE)
            p++;
        if (p >= end || *p != '"') return false;
        seen[n].value = (str){name, (size_t)(p++ - name)};
        if (is_among(seen, n, seen[n].name)) return false;
        note_hidden(tag, &seen[n]);
        if (++n == FEW) return false;
    }
    tag->attrs = (str){r->at, (size_t)(p - r->at)};
    if (end - p >= 3 && p[0] == ' ' && p[1] == '/') p++;
    if (end - p >= 2 && p[0] == '/') tag->is_closed = true, p++;
    if (p >= end || *p != '>') return false;
    r->at = p + 1;
    return true;
}

static bool read_tag(reader *r, tree_tag *tag) {
    const char *name = r->at;
    while (r->at < r->end && !ends_name(*r->at))
        r->at++;
    *tag = (tree_tag){.id = tag_find((str){name, (size_t)(r->at - name)})};
    if (read_plain_attrs(r, tag)) return true;
    tag->is_closed = tag->is_hidden = false;
    tag->attrs = (str){0};
    return read_attrs(r, tag);
}

// --- Text and tags -----------------------------------------------------------------------------

// Whether markup starts at a '<'.
static bool is_markup(const char *p, const char *end) {
    if (end - p < 2) return false;
    if (p[1] == '/') return end - p > 2;
    return is_letter(p[1]) || p[1] == '!' || p[1] == '?';
}

static void read_text(reader *r) {
    const char *from = r->at;
    if (*r->at == '<') r->at++;
    for (;;) {
        const char *p = memchr(r->at, '<', (size_t)(r->end - r->at));
        r->at = p ? p : r->end;
        if (!p || is_markup(p, r->end)) break;
        r->at++;
    }
    tree_text(r->b, (str){from, (size_t)(r->at - from)});
}

// Behind "<!--"; a comment may end at once, with "--!>" too, and at the end of the text.
static void skip_comment(reader *r) {
    const char *p = r->at;
    if (p < r->end && *p == '>')
        p++;
    else if (r->end - p >= 2 && p[0] == '-' && p[1] == '>')
        p += 2;
    else {
        for (;; p++) {
            p = memchr(p, '-', (size_t)(r->end - p));
            if (!p || r->end - p < 3) return (void)(r->at = r->end);
            if (p[1] != '-') continue;
            if (p[2] == '>') break;
            if (p[2] == '!' && r->end - p > 3 && p[3] == '>') {
                p++;
                break;
            }
        }
        p += 3;
    }
    r->at = p;
}

// "<!x>", "<?x>", "</ >": what a browser takes for a comment.
static void skip_bogus(reader *r) {
    const char *p = memchr(r->at, '>', (size_t)(r->end - r->at));
    r->at = p ? p + 1 : r->end;
}

// A comment is a token: a newline behind one is not the first thing in a <pre>.
static void read_comment(reader *r) {
    r->b->drops_lf = false;
    if (r->end - r->at < 4 || memcmp(r->at, "<!--", 4)) return skip_bogus(r);
    r->at += 4;
    skip_comment(r);
}

// Text of <style>, up to its end tag.
static void read_raw(reader *r, tag_id id) {
    const tag_row *row = &tag_rows[id];
    const char *from = r->at, *p = from;
    for (;; p++) {
        p = memchr(p, '<', (size_t)(r->end - p));
        if (!p || r->end - p < row->len + 3) {
            p = r->end;
            break;
        }
        str name = {p + 2, row->len};
        if (p[1] == '/' && ends_name(p[2 + row->len]) &&
            str_eq_nocase(name, (str){row->name, row->len}))
            break;
    }
    r->at = p;
    tree_raw(r->b, (str){from, (size_t)(p - from)});
}

static void read_start(reader *r) {
    tree_tag tag;
    r->at++;
    if (!read_tag(r, &tag)) return (void)(r->at = r->end);
    if (tag.id == TAG_UNKNOWN) return;
    tree_start(r->b, &tag);
    if (tag_rows[tag.id].start == START_RAW) read_raw(r, tag.id);
}

static void read_end(reader *r) {
    tree_tag tag;
    r->at += 2;
    if (!is_letter(*r->at)) return read_comment(r);
    if (!read_tag(r, &tag)) return (void)(r->at = r->end);
    if (tag.id != TAG_UNKNOWN) tree_end(r->b, tag.id);
}

void tree_read(tree_builder *b, str html) {
    if (!html.len) return;
    reader r = {html.ptr, html.ptr + html.len, b};
    while (r.at < r.end && !b->is_full) {
        b->is_full = arena_room(b->mem) < TREE_ROOM_SPARE;
        if (*r.at != '<' || !is_markup(r.at, r.end))
            read_text(&r);
        else if (is_letter(r.at[1]))
            read_start(&r);
        else if (r.at[1] == '/')
            read_end(&r);
        else
            read_comment(&r);
    }
}
