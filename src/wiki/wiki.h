// wiki/wiki.h -- an opened wiki: dump, index, page text and HTML. What app/wiki.c talks to.
//
//   Owner     wiki owns dump and index; page texts point into the dump or into the caller's arena
//   Threads   immutable after open: any number of threads
//   Blocks    open: on disk (and builds nothing); page texts: on page faults
//   Errors    open: what os_map_open and wiki_index_open say, with what to do
#ifndef WIKI_WIKI_H
#define WIKI_WIKI_H

#include "os/file.h"
#include "wiki/index.h"

typedef struct wiki {
    os_map xml;
    wiki_index *index;
    const wiki_site *site;  // the index's
} wiki;

// `dump` is the .xml, or a .xml.bz2 whose unpacked .xml stands beside it; `index` may be NULL.
NODISCARD status wiki_open(wiki *w, const char *dump, const char *index, err *e);
void wiki_close(wiki *w);  // accepts a zeroed wiki

// The page's XML as it stands in the dump, "<page>" to "</page>".
str wiki_page_xml(const wiki *w, const wiki_page *p);

typedef struct wiki_revision {
    str title;  // decoded
    int32_t ns;
    uint32_t page_id, rev_id;
    str timestamp, model, sha1;  // "" when the dump has none
    str redirect;                // decoded; "" when the page is none
    str text;                    // decoded wikitext
} wiki_revision;

// Reads one <page> element (of ours, or any slice a client asked for). Decoded parts are in `a`.
// E_FORMAT when `xml` is not one whole page.
NODISCARD status wiki_revision_parse(wiki_revision *out, str xml, arena *a, err *e);

// --- HTML ------------------------------------------------------------------------------------

typedef struct wiki_html_options {
    // Whether a link's target exists; links to missing pages get class "new". NULL: all exist.
    bool (*exists)(void *arg, str title);
    void *arg;
    const char *link_prefix;  // "/wiki/wiki/": links point at it + encoded title
    const wiki_site *site;    // for namespaces; may be NULL
} wiki_html_options;

// Wikitext to an HTML fragment: well-formed, balanced, with nothing in it that can run. Work is
// linear in the text; nesting is bounded. Text that is not understood is shown, escaped.
// `model` other than "" and "wikitext" (Scribunto, css, json...) is shown as escaped source.
// False when the output did not fit into `out`, or `scratch` has less than 8 MiB + 40 times the
// text (reserve 256 MiB; little of it is touched). `scratch` is not the arena that `out` is in.
bool wiki_html(buf *out, str wikitext, str model, const wiki_html_options *o, arena scratch);

#endif
