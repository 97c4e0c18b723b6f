// wikitext/ext.h -- what the files that show extension tags share: one handler for each tag.
//
// A handler writes what stands for its tag in the flat text: a marker for HTML that later passes
// leave alone, or wikitext that they read on with.
//
//   Owner     what a handler keeps is in e->p->mem
//   Threads   that of the parser
//   Limits    the page's; a handler's work is linear in its tag's text
//   Errors    none: what a tag cannot show it shows as its text
#ifndef WIKITEXT_EXT_H
#define WIKITEXT_EXT_H

#include "wikitext/inside.h"

typedef struct wt_ext {
    wt_parser *p;
    const wt_frame *frame;
    str name;   // lower case
    str attrs;  // as written
    str inner;  // "" when there is none
    bool has_inner;
} wt_ext;

enum { WT_EXT_ATTRS = 24 };

// The value of one attribute, decoded; false when the tag has none of that name.
bool wt_ext_attr(str *out, const wt_ext *e, str name);
// The tag's attributes that `element` may have, escaped, and `class` in front of its own classes.
void wt_ext_attrs(buf *out, const wt_ext *e, str element, str class);
// A new buf in the page's memory, and what was written to it as a marker.
buf wt_ext_html(const wt_ext *e);
void wt_ext_put(buf *out, const wt_ext *e, const buf *html);
// A folded box that says what the tag is and holds its text.
void wt_ext_box(buf *out, const wt_ext *e);

typedef void wt_ext_run(buf *out, const wt_ext *e);

// ext_code.c: pre, nowiki, syntaxhighlight, poem
wt_ext_run wt_ext_pre, wt_ext_nowiki, wt_ext_highlight, wt_ext_poem;
// ext_media.c: imagemap, maps, categories as trees
wt_ext_run wt_ext_imagemap, wt_ext_map, wt_ext_category_tree;
// ext_style.c
wt_ext_run wt_ext_template_styles;
// A style sheet with every rule inside `scope`, and without what reaches out of the article.
void wt_style_sheet(buf *out, str css, str scope, arena scratch);
// cite.c
wt_ext_run wt_ext_ref, wt_ext_references;
// ext_math.c
wt_ext_run wt_ext_math, wt_ext_chem;

#endif
