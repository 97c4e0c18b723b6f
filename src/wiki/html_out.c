// Writing tags: the stack of open elements and what may be inside what.
//
// No other file writes a start or end tag of an element that holds something, so what comes out is
// balanced whatever the text was. Attributes pass an allow-list by name and value.
//
//   I1  every element on the stack was written, and closing it writes exactly its end tag
//   I2  a tag in the text closes only what a tag in the text opened, and nothing below `floor`

#include "wiki/html.h"

static const struct {
    str name;
    unsigned flags;
} tags[] = {
#define X(id, name, flags) {STR_INIT(name), flags},
    HTML_TAGS(X)
#undef X
};

const char *html__name(html__tag tag) {
    return tags[tag].name.ptr;
}

unsigned html__flags(html__tag tag) {
    return tags[tag].flags;
}

html__tag html__tag_named(str name) {
    for (int i = 0; i < TAG_COUNT; i++)
        if ((tags[i].flags & OPEN) && str_eq_nocase(name, tags[i].name)) return (html__tag)i;
    return TAG_COUNT;
}

void html__lit(html *h, const char *markup) {
    buf_add(h->out, str_of(markup));
}

// --- The stack -------------------------------------------------------------------------------

bool html__push(html *h, html__tag tag, html__owner owner, str attrs) {
    if (h->n_stack == HTML__STACK_MAX) return false;
    h->stack[h->n_stack++] = (html__elem){.tag = (uint8_t)tag, .owner = (uint8_t)owner};
    buf_byte(h->out, '<');
    buf_add(h->out, tags[tag].name);
    buf_add(h->out, attrs);
    buf_byte(h->out, '>');
    return true;
}

void html__pop_to(html *h, int n) {
    while (h->n_stack > n) {
        html__elem e = h->stack[--h->n_stack];
        html__lit(h, "</");
        buf_add(h->out, tags[e.tag].name);
        buf_byte(h->out, '>');
        if (tags[e.tag].flags & BLOCK) buf_byte(h->out, '\n');
    }
}

// --- Paragraphs ------------------------------------------------------------------------------

static bool is_paragraph_due(const html *h) {
    if (h->inline_only) return false;
    if (!h->n_stack) return true;
    html__elem top = h->stack[h->n_stack - 1];
    return (tags[top.tag].flags & P_BOX) || top.wants_p;
}

void html__ready(html *h) {
    if (is_paragraph_due(h)) html__push(h, TAG_P, BY_P, (str){0});
}

void html__text(html *h, str s) {
    if (!s.len || (is_paragraph_due(h) && !str_trim(s).len)) return;
    html__ready(h);
    buf_html(h->out, s);
}

bool html__block(html *h) {
    if (h->inline_only || h->in_link) return false;
    for (int i = h->n_stack; i-- > h->frame->base;) {
        if (h->stack[i].tag == TAG_P) {
            html__pop_to(h, i);
            break;
        }
        if (tags[h->stack[i].tag].flags & BLOCK) break;
    }
    return true;
}

// --- Tags in the text ------------------------------------------------------------------------

// The element a tag in the text may close: I2.
static int closable(const html *h, html__tag tag) {
    for (int i = h->n_stack; i-- > h->floor;) {
        html__elem e = h->stack[i];
        bool is_ours = e.owner == BY_TAG || (tag == TAG_P && e.owner == BY_P);
        if (e.tag == tag && is_ours) return i;
        if (e.owner == BY_LINE) break;
    }
    return -1;
}

void html__end_tag(html *h, html__tag tag) {
    int i = closable(h, tag);
    if (i >= 0) html__pop_to(h, i);
}

// Elements that end when `tag` starts beside them: an <li> ends the <li> before it.
static const struct {
    unsigned group;
    html__tag ends[4];
    html__tag within[4];  // and the search for them stops at these
} siblings[] = {
    {IN_LIST, {TAG_LI, TAG_LI, TAG_LI, TAG_LI}, {TAG_UL, TAG_OL, TAG_TABLE, TAG_DL}},
    {IN_DL, {TAG_DT, TAG_DD, TAG_DD, TAG_DD}, {TAG_DL, TAG_TABLE, TAG_UL, TAG_OL}},
    {IN_ROW, {TAG_TD, TAG_TH, TAG_CAPTION, TAG_TD}, {TAG_TABLE, TAG_TR, TAG_TABLE, TAG_TABLE}},
    {IN_TABLE, {TAG_TR, TAG_CAPTION, TAG_TR, TAG_TR}, {TAG_TABLE, TAG_TABLE, TAG_TABLE, TAG_TABLE}},
};

static bool is_one_of(const html__tag set[4], html__tag tag) {
    return tag == set[0] || tag == set[1] || tag == set[2] || tag == set[3];
}

static void end_siblings(html *h, html__tag tag) {
    for (size_t k = 0; k < countof(siblings); k++) {
        if (!(tags[tag].flags & siblings[k].group)) continue;
        for (int i = h->n_stack; i-- > h->floor;) {
            html__elem e = h->stack[i];
            if (e.owner == BY_LINE || is_one_of(siblings[k].within, e.tag)) return;
            if (is_one_of(siblings[k].ends, e.tag)) return html__pop_to(h, i);
        }
    }
}

// Parts of tables and lists stand only where their parent does.
static bool has_parent(const html *h, html__tag tag) {
    unsigned f = tags[tag].flags;
    html__tag top = h->n_stack > h->floor ? h->stack[h->n_stack - 1].tag : TAG_COUNT;
    if (f & IN_ROW) return top == TAG_TR;
    if (f & IN_TABLE) return top == TAG_TABLE;
    if (f & IN_LIST) return top == TAG_UL || top == TAG_OL;
    if (f & IN_DL) return top == TAG_DL;
    return true;
}

void html__start_tag(html *h, html__tag tag, str attrs, bool is_empty) {
    unsigned f = tags[tag].flags;
    if ((f & BLOCK) && !html__block(h)) return;
    end_siblings(h, tag);
    if (!has_parent(h, tag)) return;
    if (!(f & BLOCK)) html__ready(h);
    if (f & EMPTY) {
        buf_byte(h->out, '<');
        buf_add(h->out, tags[tag].name);
        buf_add(h->out, attrs);
        buf_byte(h->out, '>');
    } else if (html__push(h, tag, BY_TAG, attrs) && is_empty) {
        html__pop_to(h, h->n_stack - 1);
    }
}

// --- Attributes ------------------------------------------------------------------------------

enum { VALUE_MAX = 1024 };

typedef enum value_kind { ANY, NUMBER, STYLE, ID } value_kind;

static const struct {
    str name;
    value_kind kind;
} attributes[] = {
    {STR_INIT("abbr"), ANY},
    {STR_INIT("align"), ANY},
    {STR_INIT("bgcolor"), ANY},
    {STR_INIT("border"), NUMBER},
    {STR_INIT("cellpadding"), NUMBER},
    {STR_INIT("cellspacing"), NUMBER},
    {STR_INIT("class"), ANY},
    {STR_INIT("clear"), ANY},
    {STR_INIT("color"), ANY},
    {STR_INIT("colspan"), NUMBER},
    {STR_INIT("datetime"), ANY},
    {STR_INIT("dir"), ANY},
    {STR_INIT("face"), ANY},
    {STR_INIT("height"), ANY},
    {STR_INIT("id"), ID},
    {STR_INIT("lang"), ANY},
    {STR_INIT("nowrap"), ANY},
    {STR_INIT("reversed"), ANY},
    {STR_INIT("rowspan"), NUMBER},
    {STR_INIT("scope"), ANY},
    {STR_INIT("size"), ANY},
    {STR_INIT("start"), NUMBER},
    {STR_INIT("style"), STYLE},
    {STR_INIT("title"), ANY},
    {STR_INIT("type"), ANY},
    {STR_INIT("valign"), ANY},
    {STR_INIT("value"), NUMBER},
    {STR_INIT("width"), ANY},
};

_Static_assert(countof(attributes) <= 32, "one bit each in attrs_of");

static size_t attribute_named(str name) {
    for (size_t i = 0; i < countof(attributes); i++)
        if (str_eq_nocase(name, attributes[i].name)) return i;
    return SIZE_MAX;
}

static bool holds(str s, const char *const *words, size_t n) {
    for (size_t i = 0; i < s.len; i++)
        for (size_t k = 0; k < n; k++)
            if (str_starts_nocase(str_skip(s, i), str_of(words[k]))) return true;
    return false;
}

// A style may colour and lay out; it may not load, run, hide behind escapes, or leave its place.
static bool is_safe_style(str s) {
    static const char *const bad[] = {
        "url",     "expression", "image", "javascript", "behavior",    "binding", "position",
        "z-index", "\\",         "/*",    "@",          "accelerator", "filter",  "attr(",
        "var(",    "data:",      "<",     "element(",   "content",     "src",     "--",
    };
    return s.len <= VALUE_MAX && !holds(s, bad, countof(bad));
}

static bool is_number(str s) {
    if (s.len && s.ptr[0] == '-') s = str_skip(s, 1);
    uint64_t v;
    return s.len <= 4 && str_parse_u64(&v, s);
}

static bool is_safe_value(value_kind kind, str v) {
    if (str_find(v, STR("{{")) < v.len) return false;  // a template that was not expanded
    for (size_t i = 0; i < v.len; i++)
        if ((unsigned char)v.ptr[i] < 0x20 && v.ptr[i] != '\n' && v.ptr[i] != '\t') return false;
    return kind == STYLE    ? is_safe_style(v)
           : kind == NUMBER ? is_number(v)
           : kind == ID     ? v.len > 0 && v.len <= 256
                            : v.len <= VALUE_MAX;
}

static bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '/';
}

// Cuts "name", "name=value" or name="value" off *s. False at the end.
static bool next_attr(str *name, str *value, str *s) {
    while (s->len && is_space(s->ptr[0]))
        *s = str_skip(*s, 1);
    size_t n = 0;
    while (n < s->len && !is_space(s->ptr[n]) && s->ptr[n] != '=')
        n++;
    if (!s->len) return false;
    *name = str_first(*s, n);
    *s = str_skip(*s, n);
    *value = (str){0};
    str rest = str_trim(*s);
    if (!rest.len || rest.ptr[0] != '=') return true;
    rest = str_trim(str_skip(rest, 1));
    if (rest.len && (rest.ptr[0] == '"' || rest.ptr[0] == '\'')) {
        char quote = rest.ptr[0];
        rest = str_skip(rest, 1);
        *value = str_cut(&rest, quote);
    } else {
        for (n = 0; n < rest.len && !is_space(rest.ptr[n]);)
            n++;
        *value = str_first(rest, n);
        rest = str_skip(rest, n);
    }
    *s = rest;
    return true;
}

void html__attrs(buf *to, str raw, arena scratch) {
    uint32_t seen = 0;
    str name, value;
    raw = str_first(raw, HTML__ATTRS_MAX);
    while (next_attr(&name, &value, &raw)) {
        size_t i = attribute_named(name);
        if (i == SIZE_MAX || seen & 1u << i) continue;
        arena a = scratch;
        str v = str_trim(wiki_decode_entities(value, &a));
        if (!is_safe_value(attributes[i].kind, v)) continue;
        seen |= 1u << i;
        buf_byte(to, ' ');
        buf_add(to, attributes[i].name);
        buf_add(to, STR("=\""));
        if (attributes[i].kind == ID)
            html__anchor(to, v);
        else
            buf_html(to, v);
        buf_byte(to, '"');
    }
}

void html__anchor(buf *to, str text) {
    text = str_trim(text);
    for (size_t i = 0; i < text.len; i++) {
        bool is_gap = (unsigned char)text.ptr[i] <= ' ' || text.ptr[i] == '_';
        buf_html(to, is_gap ? STR("_") : (str){text.ptr + i, 1});
    }
}

str html__keep(html *h, str s) {
    char *p = arena_try(&h->keep, s.len);
    if (!p) return (str){0};
    if (s.len) memcpy(p, s.ptr, s.len);
    return (str){p, s.len};
}

// --- Tables of names -------------------------------------------------------------------------

bool html__table_open(html__table *t, arena *a, size_t n_keys) {
    size_t n = 16;
    while (n < 2 * n_keys + 2)
        n *= 2;
    t->mask = n - 1;
    t->slots = arena_try_array(a, n, sizeof *t->slots);
    return t->slots != NULL;
}

html__slot *html__slot_of(html__table *t, str key) {
    size_t i = (size_t)str_hash(key, 0x70617261) & t->mask;
    while (t->slots[i].key.len && !str_eq(t->slots[i].key, key))
        i = (i + 1) & t->mask;
    return &t->slots[i];
}
