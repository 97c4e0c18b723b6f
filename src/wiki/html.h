// wiki/html.h -- the renderer's parts, for the html_*.c files only.
//
// html.c cleans the text, html_scan.c pairs brackets, then html_block.c walks lines and calls
// html_inline.c, html_link.c, html_template.c and html_ext.c; all write through html_out.c, which
// keeps the stack of open elements and is the only place that writes a tag.
#ifndef WIKI_HTML_H
#define WIKI_HTML_H

#include "wiki/inside.h"
#include "wiki/wiki.h"

enum {
    HTML__STACK_MAX = 100,  // open elements
    HTML__CALLS_MAX = 40,   // ranges being rendered inside each other
    HTML__OPEN_MAX = 1024,  // brackets waiting for their partner
    HTML__LIST_MAX = 16,    // list marks at the start of a line
    HTML__ARGS_MAX = 200,   // arguments of a template or a file link
    HTML__TEXT_MAX = 1 << 28,
    HTML__ROOM = 8 << 20,  // of scratch, for what calls inside each other hold at once
    HTML__ATTRS_MAX = 4096,
};

// --- Elements (html_out.c) -------------------------------------------------------------------

#define HTML_TAGS(X)                                                                               \
    X(A, "a", 0)                                                                                   \
    X(ABBR, "abbr", OPEN)                                                                          \
    X(B, "b", OPEN)                                                                                \
    X(BDI, "bdi", OPEN)                                                                            \
    X(BDO, "bdo", OPEN)                                                                            \
    X(BIG, "big", OPEN)                                                                            \
    X(BLOCKQUOTE, "blockquote", OPEN | BLOCK | P_BOX)                                              \
    X(BR, "br", OPEN | EMPTY)                                                                      \
    X(CAPTION, "caption", OPEN | BLOCK | IN_TABLE)                                                 \
    X(CENTER, "center", OPEN | BLOCK | P_BOX)                                                      \
    X(CITE, "cite", OPEN)                                                                          \
    X(CODE, "code", OPEN)                                                                          \
    X(DD, "dd", OPEN | BLOCK | IN_DL)                                                              \
    X(DEL, "del", OPEN)                                                                            \
    X(DETAILS, "details", BLOCK)                                                                   \
    X(DFN, "dfn", OPEN)                                                                            \
    X(DIV, "div", OPEN | BLOCK | P_BOX)                                                            \
    X(DL, "dl", OPEN | BLOCK)                                                                      \
    X(DT, "dt", OPEN | BLOCK | IN_DL)                                                              \
    X(EM, "em", OPEN)                                                                              \
    X(FIGCAPTION, "figcaption", BLOCK)                                                             \
    X(FIGURE, "figure", BLOCK)                                                                     \
    X(FONT, "font", OPEN)                                                                          \
    X(H1, "h1", OPEN | BLOCK)                                                                      \
    X(H2, "h2", OPEN | BLOCK)                                                                      \
    X(H3, "h3", OPEN | BLOCK)                                                                      \
    X(H4, "h4", OPEN | BLOCK)                                                                      \
    X(H5, "h5", OPEN | BLOCK)                                                                      \
    X(H6, "h6", OPEN | BLOCK)                                                                      \
    X(HR, "hr", OPEN | BLOCK | EMPTY)                                                              \
    X(I, "i", OPEN)                                                                                \
    X(INS, "ins", OPEN)                                                                            \
    X(KBD, "kbd", OPEN)                                                                            \
    X(LI, "li", OPEN | BLOCK | IN_LIST)                                                            \
    X(MARK, "mark", OPEN)                                                                          \
    X(OL, "ol", OPEN | BLOCK)                                                                      \
    X(P, "p", OPEN | BLOCK)                                                                        \
    X(PRE, "pre", BLOCK)                                                                           \
    X(Q, "q", OPEN)                                                                                \
    X(RB, "rb", OPEN)                                                                              \
    X(RP, "rp", OPEN)                                                                              \
    X(RT, "rt", OPEN)                                                                              \
    X(RTC, "rtc", OPEN)                                                                            \
    X(RUBY, "ruby", OPEN)                                                                          \
    X(S, "s", OPEN)                                                                                \
    X(SAMP, "samp", OPEN)                                                                          \
    X(SMALL, "small", OPEN)                                                                        \
    X(SPAN, "span", OPEN)                                                                          \
    X(STRIKE, "strike", OPEN)                                                                      \
    X(STRONG, "strong", OPEN)                                                                      \
    X(SUB, "sub", OPEN)                                                                            \
    X(SUMMARY, "summary", BLOCK)                                                                   \
    X(SUP, "sup", OPEN)                                                                            \
    X(TABLE, "table", OPEN | BLOCK)                                                                \
    X(TD, "td", OPEN | BLOCK | IN_ROW)                                                             \
    X(TH, "th", OPEN | BLOCK | IN_ROW)                                                             \
    X(TIME, "time", OPEN)                                                                          \
    X(TR, "tr", OPEN | BLOCK | IN_TABLE)                                                           \
    X(TT, "tt", OPEN)                                                                              \
    X(U, "u", OPEN)                                                                                \
    X(UL, "ul", OPEN | BLOCK)                                                                      \
    X(VAR, "var", OPEN)                                                                            \
    X(WBR, "wbr", OPEN | EMPTY)

typedef enum html__tag {
#define X(id, name, flags) TAG_##id,
    HTML_TAGS(X)
#undef X
        TAG_COUNT
} html__tag;

enum {
    OPEN = 1 << 0,      // wikitext may write it
    BLOCK = 1 << 1,     // ends a paragraph
    P_BOX = 1 << 2,     // text in it stands in paragraphs
    EMPTY = 1 << 3,     // has no end tag
    IN_TABLE = 1 << 4,  // only inside <table>
    IN_ROW = 1 << 5,    // only inside <tr>
    IN_LIST = 1 << 6,
    IN_DL = 1 << 7,
};

typedef enum html__owner {
    BY_LINE,   // wikitext's lines made it: no tag in the text can close it
    BY_TAG,    // a tag in the text
    BY_QUOTE,  // apostrophes
    BY_P,      // a paragraph that text opened
} html__owner;

typedef struct html__elem {
    uint8_t tag, owner;
    bool
        wants_p;  // a cell that has seen an empty line: text in it stands in paragraphs from now on
} html__elem;

typedef struct range {
    size_t a, b;  // offsets into the source
} range;

typedef struct html__quote {
    uint32_t pos;
    uint8_t literal;  // apostrophes to show before it
    uint8_t kind;     // 2 italic, 3 bold, 5 both
    uint8_t len;      // of the run, at most 255
} html__quote;

typedef struct html__ref {
    range text;
    uint32_t uses;
    bool has_text;
} html__ref;

// A place in a hash table of strings.
typedef struct html__slot {
    str key;
    uint32_t value;
} html__slot;
typedef struct html__table {
    html__slot *slots;
    size_t mask;  // slots - 1; a power of two above twice the number of keys
} html__table;

// What a walk over lines keeps.
typedef struct html__frame {
    int base;  // elements below belong to somebody else
    char list[HTML__LIST_MAX];
    int n_list, list_base;
    int pre;  // place of the open <pre>, -1 without one
} html__frame;

typedef struct html {
    buf *out;
    const wiki_html_options *o;
    const wiki_site *site;
    arena mem;        // gone when the function that took it returns
    arena keep;       // for the whole run
    str src;          // the text without comments
    uint32_t *match;  // at the start of a bracketed thing: the offset behind its end, else 0
    html__elem stack[HTML__STACK_MAX];
    int n_stack, floor;  // end tags in the text reach down to `floor`
    int calls, inline_only, in_link;
    html__frame *frame;
    html__quote *quotes;
    size_t n_quotes;
    html__ref *refs;
    size_t n_refs, n_refs_shown, n_refs_max;
    html__table ref_names, ids, category_names;
    size_t n_ids, n_ids_max;  // distinct ones made by counting; the table has room for n_ids_max
    str *categories;
    size_t n_categories;
} html;

// Opens an element; `attrs` is written as it stands (" class=\"x\""). False when too deep.
bool html__push(html *h, html__tag tag, html__owner owner, str attrs);
void html__pop_to(html *h, int n);
const char *html__name(html__tag tag);
unsigned html__flags(html__tag tag);
// TAG_COUNT when it is none that wikitext may write.
html__tag html__tag_named(str name);

void html__text(html *h, str s);  // escaped; opens a paragraph where one is due
void html__ready(html *h);        // opens a paragraph where one is due
bool html__block(html *h);        // ends the paragraph; false where no block may stand
void html__end_tag(html *h, html__tag tag);
void html__start_tag(html *h, html__tag tag, str attrs, bool is_empty);
// Appends the safe ones of `raw`'s attributes to `to`.
void html__attrs(buf *to, str raw, arena scratch);
void html__lit(html *h, const char *markup);  // ours, written as it stands

// --- Scan (html_scan.c) ----------------------------------------------------------------------

// Tags whose content is not plain wikitext.
typedef enum html__ext {
#define HTML_EXTS(X)                                                                               \
    X(NOWIKI, "nowiki", true)                                                                      \
    X(PRETAG, "pre", true)                                                                         \
    X(MATH, "math", true)                                                                          \
    X(CHEM, "chem", true)                                                                          \
    X(CE, "ce", true)                                                                              \
    X(HIERO, "hiero", true)                                                                        \
    X(SYNTAXHIGHLIGHT, "syntaxhighlight", true)                                                    \
    X(SOURCE, "source", true)                                                                      \
    X(SCORE, "score", true)                                                                        \
    X(TIMELINE, "timeline", true)                                                                  \
    X(GRAPH, "graph", true)                                                                        \
    X(TEMPLATEDATA, "templatedata", true)                                                          \
    X(TEMPLATESTYLES, "templatestyles", true)                                                      \
    X(MAPFRAME, "mapframe", true)                                                                  \
    X(MAPLINK, "maplink", true)                                                                    \
    X(IMAGEMAP, "imagemap", true)                                                                  \
    X(INPUTBOX, "inputbox", true)                                                                  \
    X(CATEGORYTREE, "categorytree", true)                                                          \
    X(INDICATOR, "indicator", true)                                                                \
    X(SECTION, "section", true)                                                                    \
    X(INCLUDEONLY, "includeonly", true)                                                            \
    X(REF, "ref", false)                                                                           \
    X(REFERENCES, "references", false)                                                             \
    X(POEM, "poem", false)                                                                         \
    X(GALLERY, "gallery", false)
#define X(id, name, is_opaque) EXT_##id,
    HTML_EXTS(X)
#undef X
        EXT_COUNT
} html__ext;

html__ext html__ext_named(str name);
bool html__ext_is_opaque(html__ext ext);

// "<name attrs>" or "</name>" at i. False when it is no tag or does not end before the next '<'.
typedef struct html__markup {
    str name, attrs;
    bool is_end, is_empty;
    size_t end;
} html__markup;
bool html__markup_at(html__markup *m, str s, size_t i);

// Where the first "</name" stands at or behind i; remembers that there is none, so that many
// unclosed tags cost one search.
typedef struct html__closers {
    size_t none_from[EXT_COUNT];
} html__closers;
void html__closers_init(html__closers *c);
bool html__closer(size_t *at, html__closers *c, str s, html__ext ext, size_t i);

bool html__scan(html *h, arena scratch);  // fills h->match; false: no memory

// Offset behind the bracketed thing that starts at i and ends by `limit`, or 0.
size_t html__span(const html *h, size_t i, size_t limit);
bool html__is_parameter(const html *h, size_t i);  // {{{ }}} rather than {{ }}

// --- Walks -----------------------------------------------------------------------------------

void html__blocks(html *h, range r);              // lines; ends with what it opened closed
void html__inline(html *h, range r);              // one line, or text without line structure
void html__line(html *h, range r, bool is_term);  // inline whose tags may stay open behind it

// [[ ]] and [url ]; letters behind it up to `limit` may belong to it. Returns where it ends.
size_t html__link(html *h, range r, size_t limit);
// <a href=URL>: its place on the stack, to pop to; -1 when the URL is not safe or in a link.
int html__open_url(html *h, str raw);
size_t html__bare_url(html *h, size_t from, size_t colon, size_t limit);  // 0: no URL
void html__link_to(html *h, str title, range label, str text);
void html__categories(html *h);
void html__template(html *h, range r);
void html__extension(html *h, range r);
void html__references(html *h);
void html__gallery_file(html *h, range r);  // "File:name|caption" as a figure
void html__plain(html *h, str s);           // escaped, but entities stay

// A name of at most `limit` bytes for an id attribute: spaces are '_'.
void html__anchor(buf *to, str text);

// A copy for the whole run; empty when there is no room.
str html__keep(html *h, str s);

static inline str html__str(const html *h, range r) {
    return (str){h->src.ptr + r.a, r.b - r.a};
}
range html__trim(const html *h, range r);

// Cuts r at '|' outside brackets into at most HTML__ARGS_MAX parts; returns how many.
size_t html__split(range *parts, const html *h, range r);

bool html__table_open(html__table *t, arena *a, size_t n_keys);
html__slot *html__slot_of(html__table *t, str key);  // its key is empty when it is new

#endif
