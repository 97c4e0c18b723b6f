// wikitext/wikitext.h -- wikitext to HTML as MediaWiki shows it, templates included.
//
// One call renders one page. What a page needs from outside (templates, which titles exist, files,
// the clock) it asks a wt_world for, so that a wiki's dump, a test's fixtures and a command line
// are the same to it.
//
//     world + title + wikitext --wt_render--> wt_page: html, contents, categories, what was used
//
//   Owner     the caller owns world and wikitext; all of wt_page lives in the arena it is given
//   Threads   any number at once, each with its own arenas; wt_cache is shared, without a lock held
//             while rendering
//   Blocks    never by itself; a world may (unpacking a template)
//   Limits    wt_limits: MediaWiki's, plus a deadline and a cap on the output. Each ends in a note
//             in the page and in wt_page.over, never in a failed call
//   Errors    wt_render: E_MEMORY alone
//   Source    https://www.mediawiki.org/wiki/Help:Formatting, Help:Templates, Help:Extension:*;
//             behaviour as of MediaWiki's parser with RemexHtml's tidying
#ifndef WIKITEXT_WIKITEXT_H
#define WIKITEXT_WIKITEXT_H

#include "base/buf.h"
#include "wiki/title.h"

enum {
    WT_VERSION = 1,  // part of every ETag: raised when the same wikitext gives other HTML
};

// --- The world -------------------------------------------------------------------------------

typedef enum wt_status {
    WT_MISSING = 0,
    WT_EXISTS = 1,
    WT_REDIRECT = 2,  // exists, and leads on
    WT_STUB = 4,
} wt_status;

typedef struct wt_source {
    str title;      // of what was found, redirects followed: "Template:Cite web"
    str text;       // its wikitext; lives as long as the world does, or in the arena
    str model;      // "wikitext" (also ""), "Scribunto", "sanitized-css", "json"...
    uint64_t hash;  // of the text, never 0: what a parsed tree is cached by
} wt_source;

typedef struct wt_interwiki {
    str url;           // "http://en.wikipedia.org/wiki/$1"
    bool is_language;  // a link without leading colon goes to the margin, not into the text
    bool is_local;     // is this wiki under another name
    bool is_hosted;    // leads to a route of ours: no "extiw"
} wt_interwiki;

typedef struct wt_file {
    str detail;    // set by the caller: "page=2", "lang=de", "seek=1.5": what of it to show
    str url;       // of the file itself; "" when it cannot be shown (no --images)
    str page_url;  // of its description page
    int32_t width, height;  // 0: unknown
    str mime;               // "image/png", "application/ogg"...
    double duration;        // seconds, of audio and video
    str name;               // what a redirect leads to; "": the one asked for
    str poster;             // of a video: a picture to show until it plays
    bool is_hidden;         // shown as its name only: MediaWiki:Bad image list
} wt_file;

typedef struct wt_world {
    void *arg;
    const wiki_site *site;  // namespaces, language; not NULL
    int64_t now;            // Unix seconds: what {{CURRENTTIME}} and #time say
    // Wikitext of a page, redirects followed. False when there is none.
    bool (*source)(void *arg, wt_source *out, str title, arena *a);
    // What is there under each title (full, normalised). In one go, so that an index can batch.
    void (*exists)(void *arg, wt_status *out, const str *titles, size_t n);
    // False: no such prefix. Prefixes come in lower case.
    bool (*interwiki)(void *arg, wt_interwiki *out, str prefix, arena *a);
    // A file by its name without namespace, scaled to `width` (0: as it is) when the world can.
    // False: missing. out->detail says what of it is to be shown, all else is to be set.
    bool (*file)(void *arg, wt_file *out, str name, int32_t width, arena *a);
    // Total of pages, articles, files... for NUMBEROF*; namespace -1000: articles, -1001: pages.
    uint64_t (*count)(void *arg, int32_t ns);
    // Text of a message page ("MediaWiki:" namespace or the software's own), or false.
    bool (*message)(void *arg, str *out, str key, arena *a);
    // Members of a category for PAGESINCATEGORY; NULL: 0.
    uint64_t (*category_size)(void *arg, str name);
} wt_world;

// The interwiki prefixes that all of Wikimedia's wikis share, as seen from `site` (interwiki.c).
bool wt_wikimedia(wt_interwiki *out, const wiki_site *site, str prefix, arena *a);

// --- A page ----------------------------------------------------------------------------------

typedef struct wt_limits {    // 0: MediaWiki's default, in brackets
    uint32_t nodes;           // preprocessor nodes visited (1,000,000)
    uint32_t expanded_bytes;  // post-expand include size (2 MiB)
    uint32_t argument_bytes;  // template argument size (2 MiB)
    uint32_t depth;           // of templates in each other (100)
    uint32_t expensive;       // #ifexist and their like (500)
    uint32_t output_bytes;    // of HTML before it is tidied (32 MiB); what tidying adds, tags that
                              // are opened again in each block, comes on top: some three times
    int64_t deadline_ns;      // os_now_ns() at which expansion and passes stop; 0: none
} wt_limits;

typedef struct wt_cache wt_cache;    // parsed templates, shared by threads: cache.c
typedef struct wt_module wt_module;  // what runs #invoke: module.h

typedef struct wt_options {
    const wt_world *world;
    str title;  // full title of the page: "Talk:Sandbox"
    str model;  // other than "" and "wikitext": shown as source
    uint32_t page_id, rev_id;
    str timestamp;             // of the revision, ISO 8601
    str user;                  // who made it; "" unknown
    const char *article_path;  // "/wiki/": links are it + encoded title
    const char *script_path;   // "/index.php": of red links and queries; NULL: article_path
    const char *server;        // of fullurl: "http://example.org"; NULL: the dump's wiki on the web
    wt_limits limits;
    wt_cache *cache;            // NULL: none
    const wt_module *module;    // runs {{#invoke:}}; NULL: nobody does
    const wt_module *families;  // shows what is missing; NULL: red links, and #invoke as typed
    bool red_links_to_editor;   // "/index.php?title=X&action=edit&redlink=1", as MediaWiki does
    bool no_uploads;            // missing files lead to their page, not to Special:Upload
    bool edit_links;            // [edit] behind headings
    bool external_images;       // a bare URL of a picture is shown as one
    bool follow_links;          // no rel="nofollow"
    const char *follow_host;    // nor on links to this host and those below it; NULL: none
    const char *link_target;    // target="..." of links out; NULL: none
    bool subpages;              // "[[/x]]" in every namespace
    bool legacy_ids;            // of headings, ".C3.A9" for e with an accent, as before HTML5
    bool no_toc, no_tidy;
    bool explain;         // fill wt_page.costs
    int32_t toc_levels;   // 0: all
    int32_t thumb_width;  // 0: 220
    // Called once when slow_ns (os_now_ns) has passed; NULL: never.
    void (*on_slow)(void *arg);
    void *on_slow_arg;
    int64_t slow_ns;
    uint64_t random;  // seed of ids that must differ between pages; 0 is fine
} wt_options;

typedef struct wt_section {
    int level;               // 1 to 6, as written
    int toc_level;           // depth in the contents, from 1
    str number;              // "2.1"
    str anchor, html, text;  // id; title with its markup, and without
    str from;                // page whose wikitext has it; "" when it is HTML's or a template's
    int32_t index;           // its number among the headings of `from`, from 1; 0: none
    size_t at;               // where its heading starts in the html, bytes; they ascend
} wt_section;

typedef struct wt_category {
    str name, sort_key;  // without namespace; "" for the page's own title
} wt_category;

typedef struct wt_used {
    str title;
    uint64_t hash;  // 0: was asked for and is missing
} wt_used;

typedef struct wt_cost {  // of all calls of one template, function or module
    str name;
    uint32_t calls;
    uint64_t bytes, ns;  // what it made, in what time, without what it called
} wt_cost;

// Which limits were passed.
enum {
    WT_OVER_NODES = 1 << 0,
    WT_OVER_EXPANDED = 1 << 1,
    WT_OVER_ARGUMENTS = 1 << 2,
    WT_OVER_DEPTH = 1 << 3,
    WT_OVER_EXPENSIVE = 1 << 4,
    WT_OVER_OUTPUT = 1 << 5,
    WT_OVER_TIME = 1 << 6,
    WT_OVER_MEMORY = 1 << 7,
    WT_OVER_LOOP = 1 << 8,  // a template that includes itself
};

typedef struct wt_page {
    str html;  // a fragment: what stands in <div class="mw-parser-output">
    const wt_section *sections;
    size_t n_sections;
    bool has_toc;  // contents are wanted (over 3 headings, or __TOC__)
    const wt_category *categories;
    size_t n_categories;
    const str *languages;  // "fr:Titre": interlanguage links
    size_t n_languages;
    const wt_used *used;  // templates and modules: of all of them the page is made
    size_t n_used;
    str display_title;  // HTML; "" as the title is
    str default_sort;
    const wt_section *indicators;  // anchor: name, html
    size_t n_indicators;
    str redirect;   // target; "" when the page is none
    unsigned over;  // WT_OVER_*
    uint32_t nodes, expanded_bytes, argument_bytes, expensive, depth;  // what was used of limits
    const wt_cost *costs;
    size_t n_costs;
    bool is_volatile;   // depends on the clock or chance: not to be kept for long
    unsigned switches;  // WT_NOINDEX and its like: inside.h
} wt_page;

// Room that a text of `len` bytes may need at most: address space, of which little is touched.
size_t wt_room(size_t len);

// Renders. All of *out is in `mem`; `scratch` is another arena with wt_room(wikitext.len) left.
NODISCARD status wt_render(wt_page *out, str wikitext, const wt_options *o, arena *mem,
                           arena scratch);

// Hash of the page, everything it used and WT_VERSION: equal HTML for equal hashes.
uint64_t wt_page_hash(const wt_page *page, str sha1);

// The words of rendered HTML as plain text: blocks on lines of their own, tables by tabs, no
// styles, no edit links, no footnote marks.
void wt_text(buf *out, str html);

// The preprocessor's tree of a text, indented, for people.
status wt_print_tree(buf *out, str wikitext, arena scratch);

// --- Parsed templates, shared (cache.c) --------------------------------------------------------

typedef struct wt_cache_counters {
    uint64_t hits, misses, bytes, limit, entries;
} wt_cache_counters;

// `bytes` of trees are kept, the longest unused go first.
NODISCARD status wt_cache_open(wt_cache **out, size_t bytes, err *e);
void wt_cache_close(wt_cache *c);  // nobody renders; accepts NULL
void wt_cache_count(wt_cache_counters *out, wt_cache *c);

#endif
