// wikitext/pp.h -- the preprocessor's trees, and expanding them in frames.
//
//     text --wt_preprocess--> tree --wt_expand, in a frame--> flat wikitext with markers
//
//   Owner     a tree lives in the arena it was read into, or in the cache while a page holds it;
//             its strs are views of the text it was read from
//   Threads   trees are immutable: any. Frames belong to their page's thread
//   Limits    a tree: WT_TREE_NODES and the arena, then is_cut; expansion: wt_limits, WT_NEST_MAX
//   Errors    none: every text is a tree
//   Source    https://www.mediawiki.org/wiki/Preprocessor_ABNF, Help:Templates
#ifndef WIKITEXT_PP_H
#define WIKITEXT_PP_H

#include "wikitext/wikitext.h"

typedef struct wt_parser wt_parser;
typedef struct wt_frame wt_frame;
typedef struct wt_node wt_node;

enum { WT_TREE_NODES = 1 << 20 };

// --- The preprocessor's tree (pp.c) --------------------------------------------------------------

typedef enum wt_kind {
    WT_ROOT,
    WT_TEXT,      // text
    WT_TEMPLATE,  // children: WT_NAME, then WT_PART...; line_start: at the start of a line;
                  // text: all of it, as written
    WT_ARG,       // {{{name|default}}}: the same
    WT_NAME,      // children
    WT_PART,      // children: [WT_KEY] WT_VALUE; index: n of an unnamed one, from 1
    WT_KEY,
    WT_VALUE,
    WT_EXT,      // text: name; tag
    WT_HEADING,  // children; level; index: number in this page
    WT_COMMENT,  // text: with its marks
    WT_IGNORE,   // text: <noinclude> and its like as written
} wt_kind;

typedef struct wt_tag {
    str attrs, inner, close;
    bool has_inner;  // false: <x/>
} wt_tag;

struct wt_node {
    wt_kind kind;
    bool line_start;
    uint8_t level;
    uint32_t index;
    str text;  // views into the tree's text
    union {
        const wt_node *child;
        const wt_tag *tag;  // of WT_EXT, which has no children
    };
    const wt_node *next;
};

// For walking all kinds alike.
static inline const wt_node *wt_children(const wt_node *node) {
    return node->kind == WT_EXT ? NULL : node->child;
}

typedef struct wt_tree {
    str text;  // what all strs point into
    const wt_node *root;
    uint32_t n_nodes, n_headings;
    size_t bytes;  // of text and nodes together
    size_t room;   // that an arena needs for reading it again
    bool is_cut;   // WT_TREE_NODES or the arena are used up: the rest is text
} wt_tree;

// Reads wikitext into a tree, in `a`; `is_included` decides between <noinclude> and <includeonly>.
// Linear time and room.
void wt_preprocess(wt_tree *out, str text, bool is_included, arena *a);

// The same through the cache: the tree lives at least as long as p does.
const wt_tree *wt_tree_of(wt_parser *p, const wt_source *source);

// Whether <name> is an extension's tag, whose inside is not wikitext; the name in any case.
bool wt_ext_known(str name);

// --- Frames (expand.c) -----------------------------------------------------------------------

struct wt_frame {
    const wt_frame *parent;  // the caller; NULL: the page itself
    str title;               // full title of the template; of the page for the first
    const wt_node *part;     // first WT_PART of the call; siblings follow; NULL: none
    struct wt_args *args;    // expanded on demand, each once
    int depth;
};

enum {  // what is left alone
    WT_NO_ARGS = 1,
    WT_NO_TEMPLATES = 2,
    WT_NO_IGNORE = 4,
    WT_RECOVER_COMMENTS = 8,
    WT_NO_TAGS = 16,
    WT_AS_WRITTEN = WT_NO_ARGS | WT_NO_TEMPLATES | WT_NO_IGNORE | WT_RECOVER_COMMENTS | WT_NO_TAGS,
};

// The tree as flat wikitext, extension tags as markers.
void wt_expand(buf *out, wt_parser *p, const wt_frame *frame, const wt_node *node, unsigned flags);
// The children of `node`, expanded (trimmed: without space at both ends); in p->mem.
str wt_expand_str(wt_parser *p, const wt_frame *frame, const wt_node *node);
str wt_expand_trimmed(wt_parser *p, const wt_frame *frame, const wt_node *node);
// Wikitext as it would be written again, {{a|b}}.
void wt_unparse(buf *out, const wt_node *node);

// An argument by name ("1", "title"), expanded; false when the caller gave none.
bool wt_frame_arg(str *out, wt_parser *p, const wt_frame *frame, str name);
// All of them in the order of the call; returns how many were written, at most `max`.
typedef struct wt_named {
    str name, value;
} wt_named;
size_t wt_frame_args(wt_named *out, size_t max, wt_parser *p, const wt_frame *frame);

// Preprocesses and expands text in a frame (NULL: the page's): {{...}} gone, markers in.
str wt_expand_text(wt_parser *p, str text, const wt_frame *frame);

#endif
