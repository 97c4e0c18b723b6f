// wikitext/inside.h -- what the files of this room share: the parser of one page, and its passes.
//
// A page goes through passes over text, in MediaWiki's order, because their order decides what odd
// wikitext means. Each pass reads a str and appends to a buf:
//
//     text --pp.c--> tree --expand.c--> flat wikitext with markers
//          --sanitize--> tags allowed, attributes cleaned   --table--> <table>
//          --switches--> __X__ gone     --headings--> <h2>  --links--> link and file markers
//          --quotes--> <b><i>           --extlinks--> <a>   --magic links--> <a>
//          --format_headings--> ids, contents               --blocks--> <p> <ul> <pre>
//          --holders, unstrip--> markers replaced           --tidy--> the HTML a browser builds
//          --place_headings--> boxes, contents
//
// Markers (strip.c) stand for what later passes must not touch: 0x7F, a letter, eight hex digits,
// 0x7F. No 0x7F comes in from outside: wt_render replaces it.
//
//   Owner     everything made for a page lives in p->mem until the page is done; `scratch` is a
//             second arena, by value: what a function puts there is gone at its return. A buf that
//             a pass writes to is in p->mem, and so is what it calls that keeps
//   Threads   a wt_parser belongs to one thread; trees are immutable and shared
//   Limits    every pass is linear in its text, or counts its work by wt_spend; all recursion is
//             bounded by WT_NEST_MAX; when wt_over() says so a pass copies the rest as it is
//   Errors    none: wikitext has no errors
#ifndef WIKITEXT_INSIDE_H
#define WIKITEXT_INSIDE_H

#include "html/html.h"
#include "wikitext/pp.h"

enum {
    WT_NEST_MAX = 100,  // calls of wt_parse_inside in each other, brackets in brackets...
    WT_MARK = 0x7F,
    WT_MARK_LEN = 11,
};

// --- Functions and variables (func.h has the table) ----------------------------------------------

// --- Markers (strip.c) -------------------------------------------------------------------------

typedef enum wt_strip {
    WT_STRIP_GENERAL = 'g',  // HTML that block and paragraph rules see through
    WT_STRIP_NOWIKI = 'n',   // escaped text, put back after the block pass
    WT_STRIP_EXT = 'x',      // as general: what an extension tag made
    WT_STRIP_LINK = 'l',     // a link whose target is looked up at the end: index into p->holders
    WT_STRIP_HEADING = 'h',  // in front of a heading's text: index into p->marks
} wt_strip;

// Keeps `html` (in p->mem already) and appends the marker for it.
void wt_strip_add(buf *out, wt_parser *p, wt_strip kind, str html);
// Appends a marker with a number of the caller's: 'l', 'h'.
void wt_mark_add(buf *out, wt_strip kind, uint32_t index);
// Whether a marker starts s; its parts.
bool wt_mark_at(wt_strip *kind, uint32_t *index, str s);
// Replaces markers of the kinds ("gx", "n") by what they stand for, inside which markers are
// replaced as well (at most 20 deep, 5 MB in all). With "g" a heading's mark that no heading took
// stands for nothing.
void wt_unstrip(buf *out, wt_parser *p, str text, const char *kinds);
str wt_unstrip_str(wt_parser *p, str text, const char *kinds);
void wt_strip_kill(buf *out, str text);  // markers dropped

// What p->marks holds. Expansion writes "== x ==" as "==" MARK " x ==": where the heading is from,
// so that headings.c can say which section of which page an edit link would open.
typedef struct wt_heading_mark {
    str title;       // of the page or template whose wikitext has the heading
    uint32_t index;  // its number there, from 1
} wt_heading_mark;

// Text from outside as the passes want it: UTF-8 (U+FFFD for what is not, and for NUL), "\n" for CR
// and CRLF, no WT_MARK. In `a`, or `text` itself.
str wt_scrub(str text, arena *a);

// --- Passes ----------------------------------------------------------------------------------

// Where the contents go: written by __TOC__ (the first alone; the switch WT_SWITCH(TOC) says that
// there is one) or in front of the first heading.
#define WT_TOC_PLACE "<meta property=\"mw:PageProp/toc\" />"

// What p->headings holds. A heading is `<h2 data-mw-h="7" id="...">`, 7 being its row there, until
// wt_place_headings makes `<div class="mw-heading mw-heading2"><h2 id="...">` of it.
typedef struct wt_heading {
    uint32_t section;  // its number in p->sections from 1 on; 0: none
    bool is_wikitext;  // == x ==, not <h2>x</h2>
    str edit;          // html of its edit link
} wt_heading;

// Parser::internalParse without the half that makes blocks: for captions, <ref>, cells of gallery.
// recursiveTagParse: the result still has markers, and is to be put in the text or a strip item.
str wt_parse_inside(wt_parser *p, str text, const wt_frame *frame);
// recursiveTagParseFully: complete HTML of blocks, markers replaced, not tidied.
str wt_parse_fully(wt_parser *p, str text, const wt_frame *frame);

void wt_sanitize(buf *out, wt_parser *p, str in, arena scratch);     // sanitize.c
void wt_tables(buf *out, wt_parser *p, str in, arena scratch);       // table.c
void wt_switches(buf *out, wt_parser *p, str in, arena scratch);     // switches.c: __NOTOC__
void wt_headings(buf *out, wt_parser *p, str in, arena scratch);     // headings.c: == x ==
void wt_links(buf *out, wt_parser *p, str in, arena scratch);        // links.c: [[x]]
void wt_quotes(buf *out, wt_parser *p, str in, arena scratch);       // quotes.c: ''x''
void wt_extlinks(buf *out, wt_parser *p, str in, arena scratch);     // extlinks.c: [http://x y]
void wt_magic_links(buf *out, wt_parser *p, str in, arena scratch);  // extlinks.c: bare URL, RFC
void wt_format_headings(buf *out, wt_parser *p, str in, bool is_main,
                        arena scratch);  // headings.c: ids, toc
void wt_blocks(buf *out, wt_parser *p, str in, bool line_start, arena scratch);  // blocks.c
void wt_holders(buf *out, wt_parser *p, str in, arena scratch);  // links.c: one look-up
// Link markers replaced by what the links show, without <a>: for headings and attributes.
void wt_link_texts(buf *out, wt_parser *p, str text);
void wt_french_spaces(buf *out, str in);  // spaces.c: " !" and "« " do not break
// contents.c: the last pass, over the page alone. Headings get their boxes and edit links, the
// contents their place, p->sections their `at`.
void wt_place_headings(buf *out, wt_parser *p, str html, arena scratch);
// A heading's inside as it stands in the contents, and as plain text; in p->mem.
void wt_headline(str *html, str *text, wt_parser *p, str inside);
str wt_quotes_str(wt_parser *p, str text, arena scratch);  // a line or more

// --- Sanitising (sanitize.c, attrs.c) ----------------------------------------------------

// Attributes as written (`class=x style="..."`) to what is allowed on `element`, escaped, each with
// a space in front. Markers inside are replaced first.
void wt_attrs(buf *out, wt_parser *p, str attrs, str element, arena scratch);
typedef struct wt_attr {
    str name, value;  // lower case; entities decoded
} wt_attr;
// All of them in order (of equal names the last value, at the first's place); at most `max`.
size_t wt_attrs_read(wt_attr *out, size_t max, str attrs, arena *a);
bool wt_attr_allowed(str element, str name);
// The id that pages had before HTML5: all but [A-Za-z0-9_.:-] as ".E4"; headings.c.
str wt_id_legacy(str text, arena *a);
bool wt_url_allowed(str url);  // its scheme is one that links may have ("//" too)
size_t wt_scheme(str text);    // length of an allowed scheme at the start, with ":" or "//"

// --- Titles (title.c) -------------------------------------------------------------------------

typedef struct wt_title {
    str interwiki;  // prefix in lower case; "" here
    int32_t ns;
    str text;      // without namespace, spaces
    str full;      // with namespace, without interwiki and fragment
    str fragment;  // decoded, without '#'
    bool has_fragment, is_local, leading_colon;
    wt_interwiki wiki;
} wt_title;

// As Title::newFromText: false for what is no title (empty, <>[]{}|, "..", ~~~, over 255 bytes).
// The strs view `text` or lie in p->mem.
bool wt_title_parse(wt_title *out, wt_parser *p, str text, int32_t default_ns);
// "/wiki/A%2BB" as wfUrlencode leaves ;@$!*(),/~: alone; with a query "/index.php?title=A%2BB&q".
// Without fragment (Title::getLocalURL) and not escaped for HTML.
void wt_title_url(buf *out, wt_parser *p, const wt_title *t, str query);
void wt_put_url_title(buf *out, str full);  // encoded title alone
// "https://en.wikipedia.org": o->server, else where the dump's siteinfo says that its wiki is.
str wt_server(const wt_parser *p);
str wt_ns_name(wt_parser *p, int32_t ns);  // "User talk"; "" for the main one and unknown ones
bool wt_ns_has_subpages(const wt_parser *p, int32_t ns);
str wt_subpage_base(str title);  // "a/b/c" -> "a/b"
// "/x", "../x" as a title from where the page is; `target` itself when it is no such link. *text
// gets what is shown for it where nothing else is ("" before). Linker::normalizeSubpageLink.
str wt_subpage(str *text, wt_parser *p, str target);

// --- Files (file.c), extensions (ext.c), footnotes (cite.c) --------------------------------------

// [[File:name|options]]: writes the picture with its box.
void wt_file_link(buf *out, wt_parser *p, const wt_title *file, str options, arena scratch);
// <gallery>; gallery.c.
void wt_gallery(buf *out, wt_parser *p, const wt_frame *frame, str attrs, str inner);

// What an extension tag is shown as; `out` gets a marker or text. Called while expanding.
void wt_ext_tag(buf *out, wt_parser *p, const wt_frame *frame, const wt_node *ext);
void wt_ext_call(buf *out, wt_parser *p, const wt_frame *frame, str name, str attrs, str inner,
                 bool has_inner);
// Footnotes without <references/> at the end of the page.
void wt_cite_finish(buf *out, wt_parser *p);

// --- The parser of one page --------------------------------------------------------------------

#define WT_SWITCHES(X)                                                                             \
    X(NOTOC, "NOTOC")                                                                              \
    X(FORCETOC, "FORCETOC")                                                                        \
    X(TOC, "TOC")                                                                                  \
    X(NOEDITSECTION, "NOEDITSECTION")                                                              \
    X(NEWSECTIONLINK, "NEWSECTIONLINK")                                                            \
    X(NONEWSECTIONLINK, "NONEWSECTIONLINK")                                                        \
    X(NOGALLERY, "NOGALLERY")                                                                      \
    X(HIDDENCAT, "HIDDENCAT")                                                                      \
    X(EXPECTUNUSEDCATEGORY, "EXPECTUNUSEDCATEGORY")                                                \
    X(EXPECTUNUSEDTEMPLATE, "EXPECTUNUSEDTEMPLATE")                                                \
    X(INDEX, "INDEX")                                                                              \
    X(NOINDEX, "NOINDEX")                                                                          \
    X(STATICREDIRECT, "STATICREDIRECT")                                                            \
    X(NOTITLECONVERT, "NOTITLECONVERT")                                                            \
    X(NOCONTENTCONVERT, "NOCONTENTCONVERT")                                                        \
    X(DISAMBIG, "DISAMBIG")                                                                        \
    X(NOGLOBAL, "NOGLOBAL")                                                                        \
    X(ARCHIVEDTALK, "ARCHIVEDTALK")                                                                \
    X(NOTALK, "NOTALK")

enum wt_switch_bit {
#define X(name, text) WT_BIT_##name,
    WT_SWITCHES(X)
#undef X
};
#define WT_SWITCH(name) (1u << WT_BIT_##name)

// A list in p->mem that grows by doubling: arrays of what a page collects.
typedef struct wt_list {
    void *at;
    size_t n, cap;
} wt_list;
// Room for one more of `size` bytes, zeroed; NULL when memory is over.
void *wt_list_add(wt_parser *p, wt_list *l, size_t size);

struct wt_parser {
    const wt_options *o;
    const wt_world *world;
    wt_page *page;
    arena *mem;
    wt_limits limits;          // with defaults filled in
    wt_title title;            // of the page
    const wt_frame *frame;     // of the page
    unsigned switches;         // WT_SWITCH bits seen
    unsigned over;             // WT_OVER_*
    int nest;                  // of wt_parse_inside
    size_t room;               // of one scratch arena
    arena level[WT_NEST_MAX];  // scratch of each nest
    bool is_slow;              // o->on_slow was called
    uint32_t ticks;            // work since the clock was looked at

    wt_list strips;                                 // str: strip.c
    wt_list holders;                                // links.c
    wt_list marks;                                  // wt_heading_mark: expand.c
    wt_list headings;                               // wt_heading: headings.c
    wt_list sections, categories, languages, used;  // wt_section, wt_category, str, wt_used
    wt_list indicators, costs, styles;
    str display_title, default_sort;
    struct wt_cite *cite;      // cite.c
    struct wt_vars *vars;      // func_vars.c
    struct wt_parsed *parsed;  // expand.c: what the page holds of the cache, memoised expansions
    bool ext_link_auto_number_used;
    uint32_t ext_links;   // [http://x]: numbered
    uint32_t players;     // of sounds and films: numbered
    uint32_t time_bytes;  // func_time.c: of formats that #time wrote
    size_t page_bytes;    // of the page's wikitext
};

// Work is counted: true when a limit is passed and the pass is to end. Looks at the clock every
// some thousand ticks.
bool wt_spend(wt_parser *p, uint32_t ticks);
static inline bool wt_over(const wt_parser *p) {  // too many nodes end expansion alone
    return p->over & (WT_OVER_TIME | WT_OVER_MEMORY | WT_OVER_OUTPUT);
}
void wt_note_used(wt_parser *p, str title, uint64_t hash);  // for wt_page.used, each once
void wt_add_category(wt_parser *p, str name, str sort_key);

#endif
