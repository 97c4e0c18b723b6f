// wikitext/headings.c -- == x ==: lines to headings, headings to sections with ids of their own.
//
// wt_headings makes tags of lines. wt_format_headings runs when links and apostrophes are done: it
// gives every heading, those typed as HTML too, its id and its place in the contents, and writes
//
//     <h2 data-mw-h="7" id="Early_life">Early life</h2>
//
// which wt_place_headings (contents.c) finishes when the tree is built: 7 is a row of p->heads.
//
// I1  Text without "\n=" and "<h" costs a search and a copy, twice.
// I2  Ids differ in more than the case of their letters, within one text.
// I3  A heading that expansion did not see (an HTML one, or one made of pieces) has no mark, so no
//     page and no number, and nothing to edit.

#include "wikitext/inside.h"

// --- Lines -----------------------------------------------------------------------------------

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

static str trim_blanks(str s) {
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = str_skip(s, 1);
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

// The level of "== x ==", 0 when the line is no heading; *text is what stands between. The smaller
// side counts, and what is left over of the other belongs to the text.
static size_t heading_level(str *text, str line) {
    size_t left = 0, right = 0;
    while (line.len && is_space(line.ptr[line.len - 1]))
        line.len--;
    while (left < line.len && left < 6 && line.ptr[left] == '=')
        left++;
    while (right < line.len && right < 6 && line.ptr[line.len - 1 - right] == '=')
        right++;
    size_t level = line.len < 3 ? 0 : min_size(min_size(left, right), (line.len - 1) / 2);
    if (level == 0) return 0;
    str inner = {line.ptr + level, line.len - 2 * level};
    *text = trim_blanks(inner);
    if (!text->len) *text = str_skip(inner, inner.len - 1);  // a space is text enough
    return level;
}

// Where the text goes on behind a heading that ends at `end`: empty lines go with it.
static size_t skip_empty(str in, size_t end) {
    size_t at = end;
    while (at < in.len && is_space(in.ptr[at]))
        at++;
    if (at == in.len) return at;
    return (size_t)((const char *)memrchr(in.ptr + end, '\n', at - end) - in.ptr);
}

void wt_headings(buf *out, wt_parser *p, str in, arena scratch) {
    (void)p, (void)scratch;
    size_t done = 0;
    for (size_t at = 0; at < in.len;) {
        if (in.ptr[at] != '=') {
            at += str_find_byte(str_skip(in, at), '\n') + 1;
            continue;
        }
        size_t end = at + str_find_byte(str_skip(in, at), '\n');
        str text;
        size_t level = heading_level(&text, (str){in.ptr + at, end - at});
        if (level) {
            buf_add(out, (str){in.ptr + done, at - done});
            buf_fmt(out, "<h%zu data-mw-h>", level);
            buf_add(out, text);
            buf_fmt(out, "</h%zu>", level);
            done = end = skip_empty(in, end);
        }
        at = end + 1;
    }
    buf_add(out, str_skip(in, done));
}

// --- Names -----------------------------------------------------------------------------------

static str trim_name(str s) {
    while (s.len && (s.ptr[0] == '_' || is_space(s.ptr[0])))
        s = str_skip(s, 1);
    while (s.len && (s.ptr[s.len - 1] == '_' || is_space(s.ptr[s.len - 1])))
        s.len--;
    return s;
}

// Spaces of titles and "_" in a row to one "_", none at the end; what MediaWiki takes out of titles
// is taken out.
static str normal_name(str text, arena *a) {
    static const char *const spaces[] = {"\xC2\xA0",     "\xE1\x9A\x80", "\xE1\xA0\x8E",
                                         "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF",
                                         "\xE2\x81\x9F", "\xE3\x80\x80"};
    text = trim_name(text);
    buf b;
    buf_init(&b, a, text.len);
    for (size_t at = 0; at < text.len;) {
        str rest = str_skip(text, at);
        uint8_t c = (uint8_t)rest.ptr[0], third = rest.len > 2 ? (uint8_t)rest.ptr[2] : 0;
        size_t n = c == '_' || c == ' ';
        bool is_general = str_starts(rest, STR("\xE2\x80"));
        if (is_general && third >= 0x80 && third <= 0x8A) n = 3;
        if (is_general && (third == 0x8E || third == 0x8F || (third >= 0xAA && third <= 0xAE))) {
            at += 3;  // marks of direction
            continue;
        }
        for (size_t i = 0; c >= 0xC2 && !n && i < countof(spaces); i++)
            if (str_starts(rest, str_of(spaces[i]))) n = strlen(spaces[i]);
        if (n == 0)
            buf_byte(&b, (char)c);
        else if (b.len == 0 || b.ptr[b.len - 1] != '_')
            buf_byte(&b, '_');
        at += n ? n : 1;
    }
    while (b.len && b.ptr[b.len - 1] == '_')
        b.len--;
    return buf_str(&b);
}

str wt_id_legacy(str name, arena *a) {
    buf b;
    buf_init(&b, a, name.len);
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = (uint8_t)(name.ptr[i] == ' ' ? '_' : name.ptr[i]);
        if (c < 0x80 && (strchr("-_.:", c) || (c >= '0' && c <= '9') ||
                         ((c | 0x20) >= 'a' && (c | 0x20) <= 'z')))
            buf_byte(&b, (char)c);
        else
            buf_fmt(&b, ".%02X", c);
    }
    return buf_str(&b);
}

// --- Ids, each once ----------------------------------------------------------------------------

typedef struct known {
    uint64_t hash;  // 0: free
    uint32_t next;  // the number to try next behind it
} known;

typedef struct names {
    known *rows;
    size_t n, cap;  // cap is a power of two, at least 2n
    arena *a;
} names;

static known *find_name(names *set, uint64_t hash) {
    size_t at = hash & (set->cap - 1);
    while (set->rows[at].hash && set->rows[at].hash != hash)
        at = (at + 1) & (set->cap - 1);
    return &set->rows[at];
}

static bool grow_names(names *set) {
    names more = {.cap = set->cap ? 2 * set->cap : 64, .n = set->n, .a = set->a};
    more.rows = arena_try_array(set->a, more.cap, sizeof *more.rows);
    if (!more.rows) return false;
    for (size_t i = 0; i < set->cap; i++)
        if (set->rows[i].hash) *find_name(&more, set->rows[i].hash) = set->rows[i];
    *set = more;
    return true;
}

static uint64_t name_hash(str name, uint32_t number, arena scratch) {
    buf b;
    buf_init(&b, &scratch, name.len + 16);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        buf_byte(&b, c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c);
    }
    if (number) buf_fmt(&b, "_%u", number);
    return str_hash(buf_str(&b), 0) | 1;
}

// The number that makes `name` differ from all before it: 0, or n of "name_n". By hashes of 63
// bits: two names that share one only cost a number that was not needed.
static uint32_t take_name(names *set, str name) {
    if (set->n * 2 >= set->cap && !grow_names(set)) return 0;
    arena scratch = *set->a;  // behind the rows, which may just have got there
    uint64_t hash = name_hash(name, 0, scratch);
    known *row = find_name(set, hash);
    if (!row->hash) {
        *row = (known){hash, 2};
        set->n++;
        return 0;
    }
    uint32_t number = row->next;
    for (;; number++) {
        known *numbered = find_name(set, name_hash(name, number, scratch));
        if (numbered->hash) continue;
        *numbered = (known){name_hash(name, number, scratch), 2};
        set->n++;
        break;
    }
    row->next = number + 1;
    return number;
}

// --- Numbers in the contents ---------------------------------------------------------------------

typedef struct outline {
    int last;      // level of the heading before; 0: none
    int depth;     // where it stands in the contents
    int level[8];  // of the headings that lead to it, by depth
    uint32_t count[8];
} outline;

// Steps down by one however far the level falls, steps up to the last heading of that level.
static void step(outline *o, int level) {
    if (level > o->last) {
        o->depth++;
        o->count[o->depth] = 0;
    } else if (level < o->last && o->depth > 1) {
        int at = o->depth;
        while (at > 0 && o->level[at] > level)
            at--;
        o->depth = at == 0 ? 1 : o->level[at] == level ? at : at + 1;
    }
    o->level[o->depth] = level;
    o->count[o->depth]++;
    o->last = level;
}

static str number_of(const outline *o, arena *a) {
    buf b;
    buf_init(&b, a, 16);
    for (int i = 1; i <= o->depth; i++) {
        if (i > 1) buf_byte(&b, '.');
        buf_u64(&b, o->count[i]);
    }
    return buf_str(&b);
}

// --- Headings in the text ------------------------------------------------------------------------

typedef struct found {  // "<h2 class=x>text</h2>"
    size_t at, end;
    int level;
    bool is_wikitext;
    str attrs, text;
} found;

// The next "<h2 ...>...</h3>" from `from`: any closing tag of a heading ends it.
static bool next_heading(found *out, str in, size_t from) {
    for (size_t at = from; (at += str_find_byte(str_skip(in, at), '<')) + 3 < in.len; at++) {
        char c = in.ptr[at + 2];
        if (in.ptr[at + 1] != 'h' || c < '1' || c > '6') continue;
        if (in.ptr[at + 3] != '>' && in.ptr[at + 3] != ' ') continue;
        size_t text = at + 4 + str_find_byte(str_skip(in, at + 3), '>');
        size_t end = text;
        for (;; end += 3) {
            if (end >= in.len) return false;
            end += str_find(str_skip(in, end), STR("</h"));
            if (end + 4 >= in.len) return false;
            char d = in.ptr[end + 3];
            if (d >= '1' && d <= '6' && in.ptr[end + 4] == '>') break;
        }
        str attrs = {in.ptr + at + 3, text - 1 - (at + 3)};
        bool is_wikitext = str_eq(attrs, STR(" data-mw-h"));
        *out = (found){at,
                       end + 5,
                       c - '0',
                       is_wikitext,
                       is_wikitext ? STR("") : attrs,
                       {in.ptr + text, end - text}};
        return true;
    }
    return false;
}

// The mark in front of a heading's text, which is taken off; NULL when it has none.
static const wt_heading_mark *take_mark(str *text, const wt_parser *p) {
    wt_strip kind;
    uint32_t index;
    if (!wt_mark_at(&kind, &index, *text) || kind != WT_STRIP_HEADING || index >= p->marks.n)
        return NULL;
    *text = str_trim(str_skip(*text, WT_MARK_LEN));
    return (const wt_heading_mark *)p->marks.at + index;
}

static void put_edit_link(buf *out, wt_parser *p, const wt_heading_mark *mark, str text) {
    wt_title t;
    buf url;
    if (!wt_title_parse(&t, p, mark->title, 0)) return;
    bool is_here = str_eq(t.full, p->title.full);
    buf_init(&url, p->mem, 64);
    wt_title_url(&url, p, &t,
                 arena_fmt(p->mem, "action=edit&section=%s%u", is_here ? "" : "T-", mark->index));
    buf_add(out,
            STR("<span class=\"mw-editsection\"><span class=\"mw-editsection-bracket\">[</span>"
                "<a href=\""));
    html_escape(out, buf_str(&url));
    buf_add(out, STR("\" title=\"Edit section: "));
    html_escape(out, text);
    buf_add(out, STR("\">edit</a><span class=\"mw-editsection-bracket\">]</span></span>"));
}

static void put_attr(buf *out, str name, str value) {
    buf_byte(out, ' ');
    buf_add(out, name);
    buf_add(out, STR("=\""));
    html_escape(out, value);
    buf_byte(out, '"');
}

// What a heading typed as HTML has already: its id is kept, a class is added.
static str put_typed_attrs(buf *out, str typed, str id, arena scratch) {
    wt_attr attrs[32];
    size_t n = wt_attrs_read(attrs, countof(attrs), typed, &scratch);
    str class = STR("");
    for (size_t i = 0; i < n; i++)
        if (str_eq(attrs[i].name, STR("id"))) id = attrs[i].value;
    put_attr(out, STR("id"), id);
    for (size_t i = 0; i < n; i++)
        if (str_eq(attrs[i].name, STR("class")))
            class = attrs[i].value;
        else if (!str_eq(attrs[i].name, STR("id")))
            put_attr(out, attrs[i].name, attrs[i].value);
    put_attr(out, STR("class"),
             arena_fmt(&scratch, "%.*s%smw-html-heading", STR_ARG(class), class.len ? " " : ""));
    return id;
}

// One text's headings: ids are told apart in it alone.
typedef struct headings {
    wt_parser *p;
    arena scratch;
    names ids;
    outline outline;
    bool is_main;
} headings;

static str numbered(str id, uint32_t number, arena *a) {
    return number ? arena_fmt(a, "%.*s_%u", STR_ARG(id), number) : id;
}

// The id of a heading with this text, and in *old the one of former days where it differs.
static str make_id(str *old, headings *h, str text) {
    arena *mem = h->p->mem;
    str name = normal_name(text, &h->scratch);
    str id = html_id(name, mem);
    *old = wt_id_legacy(name, mem);
    if (h->p->o->legacy_ids) id = *old;
    if (str_eq(id, *old)) *old = STR("");
    id = numbered(id, take_name(&h->ids, id), mem);
    if (old->len) *old = numbered(*old, take_name(&h->ids, *old), mem);
    return id;
}

// A row of the contents; its number in p->sections from 1 on, 0 when this text has no contents.
static uint32_t add_section(headings *h, const found *f, const wt_heading_mark *mark, str html,
                            str text) {
    step(&h->outline, f->level);
    wt_section *row = h->is_main ? wt_list_add(h->p, &h->p->sections, sizeof *row) : NULL;
    if (!row) return 0;
    bool is_here = mark && str_eq(mark->title, h->p->title.full);
    *row = (wt_section){.level = f->level,
                        .toc_level = h->outline.depth,
                        .number = number_of(&h->outline, h->p->mem),
                        .html = html,
                        .text = text,
                        .from = is_here ? mark->title : STR(""),
                        .index = is_here ? (int32_t)mark->index : 0};
    return (uint32_t)h->p->sections.n;
}

static void put_heading(buf *out, headings *h, found *f) {
    wt_parser *p = h->p;
    str html, text, old;
    const wt_heading_mark *mark = take_mark(&f->text, p);
    wt_heading *row = wt_list_add(p, &p->headings, sizeof *row);
    wt_headline(&html, &text, p, f->text);
    if (!row) return;
    size_t n = p->headings.n - 1;
    str id = make_id(&old, h, text);
    uint32_t section = add_section(h, f, mark, html, text);
    buf_fmt(out, "<h%d data-mw-h=\"%zu\"", f->level, n);
    if (f->is_wikitext)
        put_attr(out, STR("id"), id);
    else
        id = put_typed_attrs(out, f->attrs, id, h->scratch);
    buf_byte(out, '>');
    if (old.len) {
        buf_add(out, STR("<span"));
        put_attr(out, STR("id"), old);
        buf_add(out, STR("></span>"));
    }
    buf_add(out, f->text);
    buf_fmt(out, "</h%d>", f->level);
    if (section) ((wt_section *)p->sections.at)[section - 1].anchor = id;
    *row = (wt_heading){section, f->is_wikitext, STR("")};
    if (!mark || !p->o->edit_links || p->switches & WT_SWITCH(NOEDITSECTION)) return;
    buf edit;
    buf_init(&edit, p->mem, 256);
    put_edit_link(&edit, p, mark, text);
    ((wt_heading *)p->headings.at)[n].edit = buf_str(&edit);
}

// Over three headings make contents; __TOC__ and __FORCETOC__ do with fewer.
static bool wants_contents(const wt_parser *p, str in) {
    found f = {0};
    size_t n = 0;
    if (p->switches & (WT_SWITCH(TOC) | WT_SWITCH(FORCETOC))) return true;
    if (p->switches & WT_SWITCH(NOTOC)) return false;
    while (n < 4 && next_heading(&f, in, f.end))
        n++;
    return n == 4;
}

void wt_format_headings(buf *out, wt_parser *p, str in, bool is_main, arena scratch) {
    headings h = {.p = p, .scratch = scratch, .is_main = is_main};
    found f = {0};
    size_t done = 0;
    h.ids.a = &h.scratch;
    while (!wt_over(p) && next_heading(&f, in, done)) {
        buf_add(out, (str){in.ptr + done, f.at - done});
        if (done == 0 && is_main && wants_contents(p, in)) {
            p->page->has_toc = true;
            if (!(p->switches & WT_SWITCH(TOC))) buf_add(out, STR(WT_TOC_PLACE "\n"));
        }
        put_heading(out, &h, &f);
        done = f.end;
    }
    buf_add(out, str_skip(in, done));
}
