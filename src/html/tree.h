// html/tree.h -- the tree that a browser would build of HTML as typed, for tidy.c.
//
//     html --tree_token.c--> tags and text --tree_build.c--> nodes --tree_write.c--> html
//
// tree_format.c and tree_table.c are parts of building; tree_wrap.c puts MediaWiki's <p> around
// what stands bare in the body.
//
//   Owner     nodes live in the arena of the builder; their texts are views of the html, or there
//   Threads   a builder belongs to one thread
//   Limits    TREE_DEPTH_MAX open elements, deeper tags are dropped with their end tags;
//             TREE_FORMAT_MAX active formatting elements; work beyond one step for a tag is paid
//             from a budget linear in the html, and is left out when that is spent; when the arena
//             is full the rest of the html is dropped
//   Errors    none: every text is a tree
//   Source    https://html.spec.whatwg.org/multipage/parsing.html, fragment case with context
//             <body>; no forms, selects, templates, frames, scripts. Character references are text
#ifndef HTML_TREE_H
#define HTML_TREE_H

#include "base/buf.h"
#include "html/tags.h"

enum {
    TREE_DEPTH_MAX = 512,
    TREE_DEPTH_SPARE = 16,  // what is opened without a tag of its own
    TREE_FORMAT_MAX = 512,
    TREE_ATTRS_MAX = 128,         // of one tag; more are dropped
    TREE_ROOM_SPARE = 512 << 10,  // more than what one tag can make
};

typedef struct tree_node tree_node;
struct tree_node {
    uint8_t tag;  // tag_id
    bool is_open, is_active, is_splittable, needs_wrap;
    tree_node *parent, *prev, *next;
    str text;  // of TAG_TEXT; attributes otherwise, as they are written: ` a="b" c="d"`
    // What follows only elements have.
    tree_node *first, *last;
    tree_node *clone;      // tree_wrap.c: what goes on in place of it after a split
    tree_node *wrap;       // the <p> that inline content below it goes to now
    tree_node *in_wrap;    // the <p> it stands in
    tree_node *wrap_base;  // the body or quotation it stands in
    int32_t n_filled;      // children that are not blank text
};

typedef enum tree_mode {
    MODE_BODY,
    MODE_TABLE,
    MODE_CAPTION,
    MODE_COLUMNS,
    MODE_ROWS,  // "in table body"
    MODE_ROW,
    MODE_CELL,
} tree_mode;

typedef struct tree_builder {
    arena *mem;
    tree_node *root;
    tree_mode mode;
    bool does_wrap;  // as MediaWiki's p-wrapping
    bool is_fostering, drops_lf, is_full;
    int n_open, n_active;
    uint32_t n_dropped;  // open tags beyond the depth
    int64_t budget;
    tree_node *open[TREE_DEPTH_MAX + TREE_DEPTH_SPARE];
    tree_node *active[TREE_FORMAT_MAX + TREE_DEPTH_MAX];  // NULL: a mark
    uint32_t count[TAG_COUNT];                            // of open elements of each kind
    uint32_t dropped[TAG_COUNT];
} tree_builder;

typedef struct tree_tag {
    tag_id id;
    str attrs;                  // as tree_node.text
    bool is_closed, is_hidden;  // <x/>; type="hidden"
} tree_tag;

// Where a node goes: the last child of `at`, or in front of it.
typedef struct tree_place {
    tree_node *at;
    bool is_before;
} tree_place;

// The whole way: a tree of `html`. `wrap`: with MediaWiki's paragraphs, else as the standard says.
void tree_build(tree_builder *b, str html, bool wrap, arena *mem);
void tree_write(buf *out, const tree_builder *b);

// tree_token.c: reads html and calls the three below.
void tree_read(tree_builder *b, str html);

// tree_build.c
void tree_start(tree_builder *b, const tree_tag *tag);
void tree_end(tree_builder *b, tag_id id);
void tree_text(tree_builder *b, str text);
void tree_raw(tree_builder *b, str text);  // of the element that was opened last
void tree_start_in_body(tree_builder *b, const tree_tag *tag);
void tree_end_in_body(tree_builder *b, tag_id id);
void tree_text_in_body(tree_builder *b, str text);
tree_node *tree_insert(tree_builder *b, tag_id id, str attrs);  // and opens it
void tree_insert_void(tree_builder *b, const tree_tag *tag);
void tree_insert_text(tree_builder *b, str text);
void tree_add(tree_builder *b, tree_place place, tree_node *node);
void tree_push(tree_builder *b, tree_node *node);
void tree_pop(tree_builder *b);
void tree_pop_to(tree_builder *b, tag_id id);  // and it
void tree_imply_ends(tree_builder *b, tag_id but);
typedef enum tree_scope {
    SCOPE_BODY,
    SCOPE_LIST,
    SCOPE_TABLE,
} tree_scope;
bool tree_has(const tree_builder *b, tag_id id, tree_scope scope);   // "has an element in scope"
tree_place tree_place_in(const tree_builder *b, tree_node *target);  // "appropriate place"
void tree_mark(tree_builder *b);
void tree_clear_to_mark(tree_builder *b);
static inline tree_node *tree_current(const tree_builder *b) {
    return b->open[b->n_open - 1];
}
bool tree_is_blank(str text);

// tree_format.c: the list of active formatting elements, and closing one that is not the last.
void tree_format_add(tree_builder *b, tree_node *node);
void tree_format_again(tree_builder *b);  // opens again what was closed by the way
void tree_format_end(tree_builder *b, tag_id id);
tree_node *tree_format_find(const tree_builder *b, tag_id id);  // behind the last mark
void tree_format_drop(tree_builder *b, tree_node *node);
void tree_close_other(tree_builder *b, tag_id id);  // "any other end tag"
void tree_unopen(tree_builder *b, tree_node *node);

// tree_table.c: the modes inside <table>; false: the tag is to be treated as in the body.
bool tree_start_in_table(tree_builder *b, const tree_tag *tag);
bool tree_end_in_table(tree_builder *b, tag_id id);
bool tree_text_in_table(tree_builder *b, str text);

// tree_wrap.c: inserting with paragraphs.
void tree_wrap_node(tree_builder *b, tree_place place, tree_node *node);
tree_place tree_wrap_text(tree_builder *b, tree_place place, str text);
void tree_wrap_children(tree_builder *b, tree_node *from, tree_node *to);

// tree_build.c: nodes in each other.
tree_node *tree_new(tree_builder *b, tag_id id, str text);
void tree_link(tree_place place, tree_node *node);
void tree_unlink(tree_node *node);

#endif
