// wikitext/sanitize.c -- tags in wikitext: those allowed keep what is harmless, others become text.
//
// I1  Every '<' and '>' that goes out belongs to a tag of the table in tags.h with attributes of
//     attrs.c; all others are references.
// I2  Comments go first, and those alone on a line take the line with them.
// I3  Linear: a '<' is found with memchr, a tag is read once up to its '>'.
//
// A tag ends at its first '>', in quotes or not, and no '<' stands in one: `<b title=">">` is a <b>
// and text. Source: behaviour of MediaWiki's Sanitizer::internalRemoveHtmlTags.

#include "html/tags.h"
#include "wikitext/inside.h"

// --- Comments ----------------------------------------------------------------------------------

// Length of the run of spaces that out ends with. *known is where the last such run began, so that
// a run is not walked twice.
static size_t spaces_behind(const buf *out, size_t *known_from, size_t *known_to) {
    size_t from = out->len;
    while (from > 0 && out->ptr[from - 1] == ' ') {
        if (from == *known_to) {
            from = *known_from;
            break;
        }
        from--;
    }
    *known_from = from, *known_to = out->len;
    return out->len - from;
}

// How many bytes of "<!--" out ends with and the rest goes on: removing a comment may make another.
static size_t joined(const buf *out, str rest) {
    static const char mark[] = "<!--";
    for (size_t n = 3; n > 0; n--)
        if (out->len >= n && rest.len >= 4 - n && !memcmp(out->ptr + out->len - n, mark, n) &&
            !memcmp(rest.ptr, mark + n, 4 - n))
            return n;
    return 0;
}

static str without_comments(str in, arena *a) {
    size_t known_from = 0, known_to = 0, n_joined = 0;
    buf out;
    buf_init(&out, a, in.len + 1);
    for (;;) {
        size_t at = n_joined ? 0 : str_find(in, STR("<!--"));
        buf_add(&out, str_first(in, at));
        in = str_skip(in, at);
        str inside = str_skip(in, 4 - n_joined);
        size_t end = str_find(inside, STR("-->"));
        if (end == inside.len) break;  // none, or one without end, which is text
        out.len -= n_joined;
        in = str_skip(inside, end + 3);
        size_t before = spaces_behind(&out, &known_from, &known_to), after = 0;
        while (after < in.len && in.ptr[after] == ' ')
            after++;
        bool is_line = out.len > before && out.ptr[out.len - before - 1] == '\n';
        if (is_line && after < in.len && in.ptr[after] == '\n') {
            out.len -= before;
            in = str_skip(in, after + 1);
        }
        n_joined = joined(&out, in);
    }
    buf_add(&out, in);
    return buf_str(&out);
}

// --- Tags --------------------------------------------------------------------------------------

typedef struct user_tag {
    tag_id id;
    bool is_end, is_closed;  // </x>, <x/>
    str attrs;
    size_t len;  // of all, from '<' to '>'
} user_tag;

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool ends_name(char c) {
    return c == ' ' || c == '/' || c == '>' || c == '<' || c == '\n' || c == '\t' || c == '\v' ||
           !c;
}

// `s` starts with '<'. False: no tag starts here.
static bool read_tag(user_tag *t, str s) {
    size_t i = 1, from;
    t->is_end = i < s.len && s.ptr[i] == '/';
    from = i += t->is_end;
    if (i >= s.len || !is_letter(s.ptr[i])) return false;
    while (i < s.len && !ends_name(s.ptr[i]))
        i++;
    t->id = tag_find((str){s.ptr + from, i - from});
    if (t->id == TAG_UNKNOWN || !(tag_flags(t->id) & IS_USER)) return false;
    from = i;
    while (i < s.len && s.ptr[i] != '>' && s.ptr[i] != '<')
        i++;
    if (i == s.len || s.ptr[i] == '<') return false;
    t->is_closed = s.ptr[i - 1] == '/' && i > from;
    t->attrs = (str){s.ptr + from, i - from - t->is_closed};
    t->len = i + 1;
    return true;
}

// <meta> and <link> only as microdata.
static bool is_valid(const user_tag *t, arena scratch) {
    enum { FEW = 16 };
    wt_attr attrs[FEW];
    if (!(tag_flags(t->id) & IS_META)) return true;
    bool has_term = false, has_value = false;
    size_t n = wt_attrs_read(attrs, FEW, t->attrs, &scratch);
    for (size_t i = 0; i < n; i++) {
        has_term |= str_eq(attrs[i].name, STR("itemprop"));
        has_value |= str_eq(attrs[i].name, t->id == TAG_META ? STR("content") : STR("href"));
    }
    return has_term && has_value;
}

static void put_tag(buf *out, wt_parser *p, const user_tag *t, arena scratch) {
    const tag_row *row = &tag_rows[t->id];
    str name = {row->name, row->len};
    buf_add(out, t->is_end ? STR("</") : STR("<"));
    buf_add(out, name);
    if (!t->is_end && t->attrs.len) wt_attrs(out, p, t->attrs, name, scratch);
    if (t->is_closed && row->flags & IS_VOID) {
        buf_add(out, STR("/>"));
    } else if (t->is_closed && row->flags & IS_SINGLE) {
        buf_add(out, STR("></"));
        buf_add(out, name);
        buf_byte(out, '>');
    } else {
        buf_byte(out, '>');
    }
}

static void put_text(buf *out, str text) {
    for (;;) {
        size_t at = str_find_byte(text, '>');
        buf_add(out, str_first(text, at));
        if (at == text.len) return;
        buf_add(out, STR("&gt;"));
        text = str_skip(text, at + 1);
    }
}

void wt_sanitize(buf *out, wt_parser *p, str in, arena scratch) {
    if (str_find(in, STR("<!--")) < in.len) in = without_comments(in, &scratch);
    for (;;) {
        size_t at = str_find_byte(in, '<');
        user_tag t;
        put_text(out, str_first(in, at));
        in = str_skip(in, at);
        if (!in.len) return;
        if (read_tag(&t, in) && is_valid(&t, scratch)) {
            put_tag(out, p, &t, scratch);
            in = str_skip(in, t.len);
        } else {
            buf_add(out, STR("&lt;"));
            in = str_skip(in, 1);
        }
    }
}
