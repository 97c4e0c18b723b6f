// html/tree_wrap.c -- MediaWiki's paragraphs: inline content that stands bare in the body or in
// a quotation gets a <p> around it, and formatting elements are split where a block stands in them.
//
// I1  Only the root and <blockquote> have `wrap`; it is the last <p> put into them, and what comes
//     next for them goes there until a block comes.
// I2  A <p> of ours that gets nothing but blank text is written without its tags.
// I3  A split copies the formatting elements between the wrap (or its base) and the place, and what
//     was to go into an element goes into its newest copy from then on. Copies are paid from the
//     budget.
//
// Where a block stands in something inline that is no formatting element (<span><div>), the <p> is
// given up instead: what is open in it moves out. Source: the behaviour of RemexHtml in MediaWiki.

#include "html/tree.h"

enum { SPLIT_MAX = TREE_DEPTH_MAX };

static bool is_wrap(const tree_node *node) {
    return node->tag == TAG_WRAP;
}

// Where what is to go into `node` goes now.
static tree_node *receiver(tree_node *node) {
    if (!node->clone) return node->wrap ? node->wrap : node;
    tree_node *last = node;
    while (last->clone)
        last = last->clone;
    node->clone = last;
    return last;
}

static tree_node *open_wrap(tree_builder *b, tree_node *parent) {
    tree_node *wrap = tree_new(b, TAG_WRAP, STR(""));
    tree_link((tree_place){parent, false}, wrap);
    wrap->wrap_base = parent;
    parent->wrap = wrap;
    return wrap;
}

// One more of a kind in a row of copies.
static tree_node *copy_into(tree_builder *b, tree_node *parent, tree_node *old, tree_node *base,
                            tree_node *wrap) {
    tree_node *node = tree_new(b, (tag_id)old->tag, old->text);
    tree_link((tree_place){parent, false}, node);
    node->in_wrap = wrap;
    node->wrap_base = base;
    node->is_splittable = true;
    old->clone = node;
    parent->n_filled++;
    b->budget--;
    return node;
}

// Ends the formatting elements that `at` stands in and goes on in copies of them: for inline
// content in a new <p>, for a block beside it. Returns the innermost copy, or `at` when that cannot
// be.
static tree_node *split(tree_builder *b, tree_node *at, bool is_inline) {
    tree_node *chain[SPLIT_MAX], *base = at->wrap_base;
    tree_node *end = at->in_wrap ? at->in_wrap : base;
    int n = 0;
    for (tree_node *node = at; node != end; node = node->parent) {
        if (!node || !node->parent || n == SPLIT_MAX) return at;
        chain[n++] = node;
    }
    if (!base || b->budget < n) return at;
    bool had_wrap = at->in_wrap;
    tree_node *wrap = is_inline ? open_wrap(b, base) : NULL;
    if (!is_inline && had_wrap) base->wrap = NULL;
    tree_node *to = wrap ? wrap : base;
    for (int i = n - 1; i >= 0; i--)
        to = copy_into(b, to, chain[i], base, wrap);
    for (int i = 0; i < n && !chain[i]->n_filled; i++) {
        chain[i]->parent->n_filled--;
        tree_unlink(chain[i]);
    }
    return to;
}

// Moves what holds `at` out of its <p>, behind it.
static void give_up_wrap(tree_node *at) {
    tree_node *wrap = at->in_wrap, *parent = wrap->parent, *top = at;
    if (!parent || parent->last != wrap) return;
    for (;; top = top->parent) {
        top->in_wrap = NULL;
        if (!top->parent) return;
        if (top->parent == wrap) break;
    }
    tree_unlink(top);
    tree_link((tree_place){parent, false}, top);
    wrap->n_filled--;
    parent->wrap = NULL;
}

static bool is_contents_mark(const tree_node *node) {
    return node->tag == TAG_META &&
           str_find(node->text, STR("property=\"mw:PageProp/toc\"")) < node->text.len;
}

static void note_place(tree_node *node, tree_node *parent) {
    uint32_t flags = tag_flags((tag_id)node->tag);
    if ((is_wrap(parent) || parent->is_splittable) && flags & IS_FORMAT) node->is_splittable = true;
    if (is_wrap(parent))
        node->in_wrap = parent;
    else if (parent->in_wrap)
        node->in_wrap = parent->in_wrap;
    if (parent->wrap_base)
        node->wrap_base = parent->wrap_base;
    else if (parent->needs_wrap)
        node->wrap_base = parent;
    if (node->tag == TAG_BLOCKQUOTE) node->needs_wrap = true;
}

void tree_wrap_node(tree_builder *b, tree_place place, tree_node *node) {
    tree_node *parent = place.is_before ? place.at->parent : receiver(place.at);
    bool is_under = !place.is_before;
    uint32_t flags = tag_flags((tag_id)node->tag);
    bool is_inline = flags & IS_INLINE;
    if (flags & IS_META && !is_contents_mark(node)) {
        // goes where it is
    } else if (is_under && is_wrap(parent) && !is_inline) {
        parent = parent->parent;
        parent->wrap = NULL;
    } else if (is_under && parent->is_splittable && !parent->in_wrap == is_inline) {
        parent = split(b, parent, is_inline);
    } else if (is_under && parent->needs_wrap && is_inline) {
        parent = open_wrap(b, parent);
    } else if (parent->in_wrap && !is_inline) {
        give_up_wrap(parent);
    }
    parent->n_filled++;
    tree_link(is_under ? (tree_place){parent, false} : place, node);
    note_place(node, parent);
}

tree_place tree_wrap_text(tree_builder *b, tree_place place, str text) {
    bool is_blank = tree_is_blank(text);
    if (place.is_before) {
        place.at->parent->n_filled += !is_blank;
        return place;
    }
    tree_node *parent = receiver(place.at);
    if (parent->needs_wrap && !is_blank)
        parent = open_wrap(b, parent);
    else if (parent->is_splittable && !parent->in_wrap)
        parent = split(b, parent, true);
    parent->n_filled += !is_blank;
    return (tree_place){parent, false};
}

void tree_wrap_children(tree_builder *b, tree_node *from, tree_node *to) {
    if (from->wrap) from = from->wrap;
    tree_node *first = from->first, *last = from->last;
    int32_t n_filled = from->n_filled;
    from->first = from->last = NULL;
    from->n_filled = 0;
    tree_wrap_node(b, (tree_place){from, false}, to);
    for (tree_node *child = first; child; child = child->next)
        child->parent = to, b->budget--;
    to->first = first;
    to->last = last;
    to->n_filled += n_filled;
}
