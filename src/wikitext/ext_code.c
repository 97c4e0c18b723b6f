// wikitext/ext_code.c -- tags around text that is shown as it stands: pre, nowiki, code, poem.
//
// Source: mediawiki.org/wiki/Help:Formatting, Extension:SyntaxHighlight, Extension:Poem

#include "wikitext/ext.h"

// Only what would be a tag: a reference ("&nbsp;") is one inside <pre> and <nowiki>, too.
static void angles(buf *out, str text) {
    while (text.len) {
        size_t n = 0;
        while (n < text.len && text.ptr[n] != '<' && text.ptr[n] != '>')
            n++;
        buf_add(out, str_first(text, n));
        if (n < text.len) buf_add(out, text.ptr[n] == '<' ? STR("&lt;") : STR("&gt;"));
        text = str_skip(text, n + 1);
    }
}

void wt_ext_nowiki(buf *out, const wt_ext *e) {
    buf b = wt_ext_html(e);
    angles(&b, e->inner);
    wt_strip_add(out, e->p, WT_STRIP_NOWIKI, buf_str(&b));
}

static size_t find_nocase(str s, str needle) {
    for (size_t i = 0; i + needle.len <= s.len; i++) {
        i += str_find_byte(str_skip(s, i), needle.ptr[0]);
        if (str_starts_nocase(str_skip(s, i), needle)) return i;
    }
    return s.len;
}

// "<nowiki>x</nowiki>" counts as x, since all is plain here anyway.
static void without_nowiki(buf *out, str text) {
    static const str open = STR_INIT("<nowiki>"), close = STR_INIT("</nowiki>");
    while (text.len) {
        size_t at = find_nocase(text, open), in = at + open.len;
        size_t end = at < text.len ? in + find_nocase(str_skip(text, in), close) : text.len;
        if (end >= text.len) break;
        angles(out, str_first(text, at));
        angles(out, str_first(str_skip(text, in), end - in));
        text = str_skip(text, end + close.len);
    }
    angles(out, text);
}

// <pre format="wikitext"> keeps lines and space of what is wikitext otherwise.
void wt_ext_pre(buf *out, const wt_ext *e) {
    str format, parsed = STR("");
    bool is_parsed = wt_ext_attr(&format, e, STR("format")) && str_eq(format, STR("wikitext"));
    if (is_parsed) parsed = wt_parse_inside(e->p, e->inner, NULL);
    buf b = wt_ext_html(e);
    buf_add(&b, STR("<pre"));
    wt_ext_attrs(&b, e, STR("pre"), STR(""));
    buf_byte(&b, '>');
    if (is_parsed)
        buf_add(&b, parsed);
    else
        without_nowiki(&b, e->inner);
    buf_add(&b, STR("</pre>"));
    wt_ext_put(out, e, &b);
}

// --- Source code ----------------------------------------------------------------------------

// A name of a language as a class: letters, digits, "+-._#"; "" for anything else.
static str language(const wt_ext *e) {
    str lang = {0};
    if (!wt_ext_attr(&lang, e, STR("lang"))) return STR("");
    lang = str_trim(lang);
    for (size_t i = 0; i < lang.len; i++) {
        char c = lang.ptr[i];
        bool is_name = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
        if (!is_name && !strchr("+-._#", c)) return STR("");
    }
    return lang.len <= 32 ? lang : STR("");
}

static bool is_inline(const wt_ext *e) {
    str value;
    return wt_ext_attr(&value, e, STR("inline")) ||
           (wt_ext_attr(&value, e, STR("enclose")) && str_eq(value, STR("none")));
}

static str without_outer_lines(str text) {
    while (text.len && text.ptr[0] == '\n')
        text = str_skip(text, 1);
    while (text.len && strchr(" \t\n", text.ptr[text.len - 1]))
        text.len--;
    return text;
}

static void escaped_code(buf *out, const wt_ext *e, bool in_line) {
    str text = without_outer_lines(wt_unstrip_str(e->p, e->inner, "n"));
    size_t from = out->len;
    html_escape(out, text);
    for (size_t i = from; in_line && i < out->len; i++)
        if (out->ptr[i] == '\n') out->ptr[i] = ' ';
}

void wt_ext_highlight(buf *out, const wt_ext *e) {
    buf b = wt_ext_html(e);
    bool in_line = is_inline(e);
    str lang = language(e), element = in_line ? STR("code") : STR("div");
    static const char with_language[] = "mw-highlight mw-highlight-lang-%.*s mw-content-ltr";
    str class = lang.len ? arena_fmt(e->p->mem, with_language, STR_ARG(lang))
                         : STR("mw-highlight mw-content-ltr");
    wt_ext plain = *e;
    plain.attrs.len = 0;
    buf_fmt(&b, "<%.*s", STR_ARG(element));
    wt_ext_attrs(&b, &plain, element, class);
    buf_add(&b, in_line ? STR(" dir=\"ltr\">") : STR(" dir=\"ltr\"><pre>"));
    escaped_code(&b, e, in_line);
    buf_fmt(&b, in_line ? "</%.*s>" : "</pre></%.*s>", STR_ARG(element));
    wt_ext_put(out, e, &b);
}

// --- Poems ----------------------------------------------------------------------------------

// A line of a poem: colons at its start indent, spaces at its start are kept.
static void verse(buf *out, str line) {
    size_t colons = 0, spaces = 0;
    while (colons < line.len && line.ptr[colons] == ':')
        colons++;
    if (colons && colons < line.len) {
        buf_fmt(out,
                "<span class=\"mw-poem-indented\" style=\"display: inline-block; "
                "margin-inline-start: %zuem;\">",
                min_size(colons, 99));
        buf_add(out, str_skip(line, colons));
        buf_add(out, STR("</span>"));
        return;
    }
    for (; spaces < line.len && line.ptr[spaces] == ' '; spaces++)
        buf_add(out, STR("&#160;"));
    buf_add(out, str_skip(line, spaces));
}

// Every line ends in <br />, but for a rule and the last.
static str verses(const wt_ext *e) {
    buf b, br;
    str text = e->inner;
    buf_init(&b, e->p->mem, text.len + text.len / 2 + 64);
    buf_init(&br, e->p->mem, WT_MARK_LEN);
    wt_strip_add(&br, e->p, WT_STRIP_EXT, STR("<br />"));
    if (str_starts(text, STR("\n"))) text = str_skip(text, 1);
    if (str_ends(text, STR("\n"))) text.len--;
    while (text.len) {
        bool is_last = str_find_byte(text, '\n') == text.len;
        str line = str_cut(&text, '\n');
        bool is_rule = str_starts(line, STR("----"));
        verse(&b, line);
        if (!is_last && !is_rule) buf_add(&b, buf_str(&br));
        if (!is_last) buf_byte(&b, '\n');
    }
    return buf_str(&b);
}

void wt_ext_poem(buf *out, const wt_ext *e) {
    str compact, newline = wt_ext_attr(&compact, e, STR("compact")) ? STR("") : STR("\n");
    str text = str_trim(wt_parse_inside(e->p, verses(e), e->frame));
    buf b = wt_ext_html(e);
    buf_add(&b, STR("<div"));
    wt_ext_attrs(&b, e, STR("div"), STR("poem"));
    buf_byte(&b, '>');
    buf_add(&b, newline);
    buf_add(&b, text);
    buf_add(&b, newline);
    buf_add(&b, STR("</div>"));
    wt_ext_put(out, e, &b);
}
