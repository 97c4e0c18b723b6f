// wikitext/blocks.c -- lines to blocks: * # : ; lists, paragraphs, <pre> by a leading space.
//
// The text is HTML by now but for its lines. A line is looked at for its prefix and for the names
// of its tags, nothing else: where a block's tag stands the paragraph ends, and whether the lines
// behind it get paragraphs depends on the last such tag alone. What does not fit together tidy.c
// puts right.
//
// I1  Every line is looked at once; a line without "<" costs a search and a copy.
// I2  A prefix costs its length: lists that are open are the prefix of the line before.
// I3  Nothing is allocated: what is open is views of the text.

#include "wikitext/inside.h"

// --- Tags that make blocks ---------------------------------------------------------------------

enum {          // of a tag, or of all the tags of a line
    SHUTS = 1,  // no paragraphs on the lines behind it...
    FREES = 2,  // ...and again
    PRE_OPENS = 4,
    PRE_CLOSES = 8,
    QUOTE_OPENS = 16,  // the last <blockquote> or </blockquote> counts
    QUOTE_CLOSES = 32,
};

static const struct block_tag {
    str name;
    uint8_t open, close;  // what <name> and </name> do
} block_tags[] = {
    {STR_INIT("p"), SHUTS, FREES},       {STR_INIT("div"), FREES, FREES},
    {STR_INIT("li"), SHUTS, SHUTS},      {STR_INIT("ul"), SHUTS, FREES},
    {STR_INIT("ol"), SHUTS, FREES},      {STR_INIT("dl"), SHUTS, FREES},
    {STR_INIT("dd"), SHUTS, SHUTS},      {STR_INIT("dt"), SHUTS, SHUTS},
    {STR_INIT("td"), FREES, SHUTS},      {STR_INIT("th"), FREES, SHUTS},
    {STR_INIT("tr"), SHUTS, SHUTS},      {STR_INIT("h1"), SHUTS, FREES},
    {STR_INIT("h2"), SHUTS, FREES},      {STR_INIT("h3"), SHUTS, FREES},
    {STR_INIT("h4"), SHUTS, FREES},      {STR_INIT("h5"), SHUTS, FREES},
    {STR_INIT("h6"), SHUTS, FREES},      {STR_INIT("hr"), FREES, FREES},
    {STR_INIT("mw"), FREES, FREES},      {STR_INIT("pre"), SHUTS | PRE_OPENS, FREES | PRE_CLOSES},
    {STR_INIT("table"), SHUTS, FREES},   {STR_INIT("aside"), FREES, FREES},
    {STR_INIT("figure"), FREES, FREES},  {STR_INIT("center"), FREES, FREES},
    {STR_INIT("caption"), SHUTS, SHUTS}, {STR_INIT("blockquote"), FREES, FREES},
};

static bool is_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// The tag that starts at s, behind its "<". Most are none of ours: <a>, <b>, <span>, <br>.
static unsigned tag_bits(str s) {
    bool is_close = s.len && s.ptr[0] == '/';
    if (is_close) s = str_skip(s, 1);
    size_t n = 0;
    while (n < s.len && is_word(s.ptr[n]))
        n++;
    char first = n ? (char)(s.ptr[0] | 0x20) : 0;
    if (n == 1 ? first != 'p' : first == 's' || first == 'b' ? n != 10 : n == 0 || n > 10) return 0;
    unsigned bits = 0;
    str name = str_first(s, n);
    for (size_t i = 0; i < countof(block_tags) && !bits; i++) {
        const struct block_tag *tag = &block_tags[i];
        if (tag->name.len == n && tag->name.ptr[0] == first && str_eq_nocase(tag->name, name))
            bits = is_close ? tag->close : tag->open;
    }
    if (n == 4 && first == 'm' && str_starts(s, STR("meta property=\"mw:PageProp/toc\"")))
        bits = FREES;  // where the contents go
    bool has_more = n < s.len && (s.ptr[n] == '>' || s.ptr[n] == ' ' || s.ptr[n] == '\t');
    if (n == 10 && bits && has_more) bits |= is_close ? QUOTE_CLOSES : QUOTE_OPENS;
    return bits;
}

// What the tags of a line do together.
static unsigned line_bits(str line) {
    unsigned bits = 0;
    for (const char *at; line.len && (at = memchr(line.ptr, '<', line.len));) {
        line = str_skip(line, (size_t)(at + 1 - line.ptr));
        unsigned tag = tag_bits(line);
        if (tag & (QUOTE_OPENS | QUOTE_CLOSES)) bits &= ~(unsigned)(QUOTE_OPENS | QUOTE_CLOSES);
        bits |= tag;
    }
    return bits;
}

// --- The colon of "; term : definition" ----------------------------------------------------------

typedef enum colon_state {
    IN_TEXT,
    IN_VARIANT,    // -{ ... }-
    IN_TAG_START,  // behind "<"
    IN_TAG,
    IN_TAG_SLASH,  // <br /
    IN_CLOSE_TAG,
    IN_COMMENT,
    IN_DASH,
    IN_DASHES,
} colon_state;

// The next place in text that matters: ':', '<' or "-{"; s.len when there is none.
static size_t next_mark(str s, size_t at) {
    for (; at < s.len; at++) {
        char c = s.ptr[at];
        if (c == ':' || c == '<' || (c == '-' && at + 1 < s.len && s.ptr[at + 1] == '{')) break;
    }
    return at;
}

static colon_state after_tag_start(char c) {
    return c == '/' ? IN_CLOSE_TAG : c == '!' ? IN_COMMENT : c == '>' ? IN_TEXT : IN_TAG;
}

// Moves *at over one step inside -{...}-; false when it has no end.
static bool skip_variant(str s, size_t *at, size_t *depth) {
    for (size_t i = *at; i + 1 < s.len; i++) {
        bool opens = s.ptr[i] == '-' && s.ptr[i + 1] == '{';
        if (!opens && (s.ptr[i] != '}' || s.ptr[i + 1] != '-')) continue;
        *depth += opens ? 1 : (size_t)-1;
        *at = i + 1;
        return true;
    }
    return false;
}

// Where the first ':' stands that is in no tag, between no tags and in no -{...}-; s.len: nowhere.
static size_t find_colon(str s) {
    size_t tags = 0, variants = 0;
    colon_state state = IN_TEXT;
    for (size_t at = next_mark(s, 0); at < s.len; at++) {
        char c = s.ptr[at];
        switch (state) {
        case IN_TEXT:
            if (c == '<') {
                state = IN_TAG_START;
            } else if (c == ':') {
                if (tags == 0) return at;
            } else if ((at = next_mark(s, at)) < s.len && s.ptr[at] == '-') {
                state = IN_VARIANT, variants = 1, at++;
            } else {
                at--;
            }
            break;
        case IN_VARIANT:
            if (!skip_variant(s, &at, &variants)) return s.len;
            if (variants == 0) state = IN_TEXT;
            break;
        case IN_TAG_START:
            state = after_tag_start(c);
            break;
        case IN_TAG:
            if (c == '>') tags++, state = IN_TEXT;
            if (c == '/') state = IN_TAG_SLASH;
            break;
        case IN_TAG_SLASH:
            state = c == '>' ? IN_TEXT : IN_TAG;
            break;
        case IN_CLOSE_TAG:
            if (c == '>') tags -= tags > 0, state = IN_TEXT;
            break;
        case IN_COMMENT:
            state = c == '-' ? IN_DASH : IN_COMMENT;
            break;
        case IN_DASH:
            state = c == '-' ? IN_DASHES : IN_COMMENT;
            break;
        case IN_DASHES:
            state = c == '>' ? IN_TEXT : IN_COMMENT;
            break;
        }
    }
    return s.len;
}

// --- Lists and paragraphs ------------------------------------------------------------------------

typedef enum para { PARA_NONE, PARA_P, PARA_PRE } para;
typedef enum pending { PENDING_NONE, PENDING_OPEN, PENDING_NEXT } pending;  // <p>, </p><p>

static const str pending_html[] = {STR_INIT(""), STR_INIT("<p>"), STR_INIT("</p><p>")};

typedef struct blocks {
    buf *out;
    str lists;         // prefix of the line before: ";" in it counts as ":"
    para open;         // the paragraph that is open
    pending p;         // what the next line of text opens
    bool is_in_pre;    // behind a <pre> tag
    bool is_shut;      // behind a tag that wants no paragraphs
    bool is_in_quote;  // behind <blockquote>
    bool is_dt;        // the innermost definition list has <dt> open
} blocks;

static char folded(char c) {
    return c == ';' ? ':' : c;
}

static void close_paragraph(blocks *b) {
    if (b->open) buf_add(b->out, b->open == PARA_P ? STR("</p>\n") : STR("</pre>\n"));
    b->open = PARA_NONE;
    b->is_in_pre = false;
}

static void open_list(blocks *b, char c) {
    close_paragraph(b);
    buf_add(b->out, c == '*'   ? STR("<ul><li>")
                    : c == '#' ? STR("<ol><li>")
                    : c == ':' ? STR("<dl><dd>")
                               : STR("<dl><dt>"));
    if (c == ';') b->is_dt = true;
}

static void next_item(blocks *b, char c) {
    if (c == '*' || c == '#') {
        buf_add(b->out, STR("</li>\n<li>"));
        return;
    }
    buf_add(b->out, b->is_dt ? STR("</dt>\n") : STR("</dd>\n"));
    buf_add(b->out, c == ';' ? STR("<dt>") : STR("<dd>"));
    b->is_dt = c == ';';
}

static void close_list(blocks *b, char c) {
    buf_add(b->out, c == '*'   ? STR("</li></ul>")
                    : c == '#' ? STR("</li></ol>")
                    : b->is_dt ? STR("</dt></dl>")
                               : STR("</dd></dl>"));
    if (c == ':' || c == ';') b->is_dt = false;
}

// "term : definition" behind ";": writes the term and leaves the definition.
static void split_term(blocks *b, str *text, bool *has_colon) {
    size_t at = *has_colon ? find_colon(*text) : text->len;
    *has_colon = at < text->len;
    if (!*has_colon) return;
    buf_add(b->out, str_trim(str_first(*text, at)));
    next_item(b, ':');
    *text = str_skip(*text, at + 1);
}

static bool same_lists(str a, str b) {
    if (a.len != b.len) return false;
    for (size_t i = 0; i < a.len; i++)
        if (folded(a.ptr[i]) != folded(b.ptr[i])) return false;
    return true;
}

// From the lists that are open to those that `prefix` asks for.
static void change_lists(blocks *b, str prefix, str *text) {
    str last = b->lists;
    bool has_colon = true;
    size_t common = 0, most = min_size(prefix.len, last.len);
    while (common < most && prefix.ptr[common] == folded(last.ptr[common]))
        common++;
    for (size_t n = last.len; n > common; n--)
        close_list(b, last.ptr[n - 1]);
    if (prefix.len <= common && common > 0) next_item(b, prefix.ptr[common - 1]);
    if (b->is_dt && common > 0 && prefix.ptr[common - 1] == ':') next_item(b, ':');
    if (last.len && prefix.len > common) buf_byte(b->out, '\n');
    for (size_t n = common; n < prefix.len; n++) {
        open_list(b, prefix.ptr[n]);
        if (prefix.ptr[n] == ';') split_term(b, text, &has_colon);
    }
    if (!prefix.len) buf_byte(b->out, '\n');
}

static void put_lists(blocks *b, str prefix, str *text) {
    if (!prefix.len && !b->lists.len) return;
    b->p = PENDING_NONE;
    bool has_colon = true;
    if (prefix.len && same_lists(prefix, b->lists)) {
        char last = prefix.ptr[prefix.len - 1];
        next_item(b, last);
        if (last == ';') split_term(b, text, &has_colon);
    } else {
        change_lists(b, prefix, text);
    }
    b->lists = prefix;
}

static str without_space(str s) {
    size_t n = 0;
    while (n < s.len && (s.ptr[n] == ' ' || s.ptr[n] == '\t'))
        n++;
    return str_skip(s, n);
}

// Moves *s behind "<name ...>" and the spaces after it; false when that does not stand there.
static bool skip_tag(str *s, str name) {
    if (!str_starts_nocase(*s, name) || s->len == name.len || is_word(s->ptr[name.len]))
        return false;
    size_t end = str_find_byte(*s, '>');
    if (end == s->len) return false;
    *s = without_space(str_skip(*s, end + 1));
    return true;
}

// A line that <style>...</style> and <link> fill opens and closes nothing. What stands between the
// first <style> and the last </style> is not looked at.
static bool is_style_only(str line) {
    if (line.len < 6 || line.ptr[0] != '<') return false;
    while (skip_tag(&line, STR("<link")))
        continue;
    if (skip_tag(&line, STR("<style"))) {
        size_t end = 0;
        for (size_t at = 0; (at += str_find(str_skip(line, at), STR("</style>"))) < line.len;)
            end = at += 8;
        if (end == 0) return false;
        line = without_space(str_skip(line, end));
        while (skip_tag(&line, STR("<link")))
            continue;
    }
    return line.len == 0;
}

static void put_pending(blocks *b) {
    buf_add(b->out, pending_html[b->p]);
    b->p = PENDING_NONE;
    b->open = PARA_P;
}

// A line without block tags where paragraphs are wanted.
static void put_paragraph(blocks *b, str *text) {
    bool is_empty = str_trim(*text).len == 0;
    if (text->len && text->ptr[0] == ' ' && (b->open == PARA_PRE || !is_empty) && !b->is_in_quote) {
        if (b->open != PARA_PRE) {
            b->p = PENDING_NONE;
            close_paragraph(b);
            buf_add(b->out, STR("<pre>"));
            b->open = PARA_PRE;
        }
        *text = str_skip(*text, 1);
    } else if (is_style_only(*text)) {
        if (b->p) close_paragraph(b);
        b->p = PENDING_NONE;
    } else if (b->p) {
        put_pending(b);
        if (is_empty) buf_add(b->out, STR("<br />"));
    } else if (b->open != PARA_P) {
        close_paragraph(b);
        if (is_empty) {
            b->p = PENDING_OPEN;
        } else {
            buf_add(b->out, STR("<p>"));
            b->open = PARA_P;
        }
    } else if (is_empty) {
        b->p = PENDING_NEXT;
    }
}

static void put_text(blocks *b, str *text, unsigned bits) {
    if (bits & (SHUTS | FREES)) {
        b->p = PENDING_NONE;
        if (!b->is_in_pre || bits & PRE_OPENS) close_paragraph(b);
        if (bits & PRE_OPENS && !(bits & PRE_CLOSES)) b->is_in_pre = true;
        if (bits & (QUOTE_OPENS | QUOTE_CLOSES)) b->is_in_quote = bits & QUOTE_OPENS;
        b->is_shut = !(bits & FREES);
    } else if (!b->is_shut && !b->is_in_pre) {
        put_paragraph(b, text);
    }
}

static size_t prefix_len(str line) {
    size_t n = 0;
    while (n < line.len &&
           (line.ptr[n] == '*' || line.ptr[n] == '#' || line.ptr[n] == ':' || line.ptr[n] == ';'))
        n++;
    return n;
}

static void put_line(blocks *b, str line, bool is_last) {
    unsigned bits = line_bits(line);
    str prefix = {line.ptr, 0};
    if (!b->is_in_pre) {
        prefix.len = prefix_len(line);
        b->is_in_pre = bits & PRE_OPENS;
    }
    str text = str_skip(line, prefix.len);
    put_lists(b, prefix, &text);
    if (prefix.len == 0) put_text(b, &text, bits);
    if (bits & PRE_CLOSES) b->is_in_pre = false;
    if (b->p) return;
    buf_add(b->out, prefix.len ? str_trim(text) : text);
    if (prefix.len == 0 && (!is_last || b->open)) buf_byte(b->out, '\n');
}

void wt_blocks(buf *out, wt_parser *p, str in, bool line_start, arena scratch) {
    (void)p, (void)scratch;
    blocks b = {.out = out};
    size_t at = 0;
    if (!line_start) {
        at = str_find_byte(in, '\n');
        buf_add(out, str_first(in, at));
        if (at == in.len) return;
        at++;
    }
    for (bool is_last = false; !is_last;) {
        size_t end = at + str_find_byte(str_skip(in, at), '\n');
        is_last = end == in.len;
        put_line(&b, (str){in.ptr + at, end - at}, is_last);
        at = end + 1;
    }
    for (size_t n = b.lists.len; n > 0; n--)
        close_list(&b, b.lists.ptr[n - 1]);
    if (b.open) buf_add(out, b.open == PARA_P ? STR("</p>") : STR("</pre>"));
}
