// html/tree_format.c -- the list of active formatting elements: <b>, <i>, <a>... that go on
// behind what ended them by the way, and the "adoption agency" that takes apart `<b><p></b></p>`.
//
// I1  active[] holds what would be opened again, in order; NULL: there a cell or caption began.
// I2  At most three of a kind with equal attributes stand behind the last mark.
// I3  What is opened or moved beyond one step for a tag is paid from b->budget; when that is spent
//     nothing is opened again, and elements are closed in the plain way.

#include "html/tree.h"

enum { OF_A_KIND = 3, OUTER_MAX = 8, INNER_MAX = 3 };

static int index_active(const tree_builder *b, const tree_node *node) {
    int i = node->is_active ? b->n_active - 1 : -1;
    while (i >= 0 && b->active[i] != node)
        i--;
    return i;
}

static void remove_active(tree_builder *b, int i) {
    b->active[i]->is_active = false;
    memmove(b->active + i, b->active + i + 1, (size_t)(b->n_active - i - 1) * sizeof *b->active);
    b->n_active--;
}

static void insert_active(tree_builder *b, int i, tree_node *node) {
    if (b->n_active >= TREE_FORMAT_MAX) return;
    memmove(b->active + i + 1, b->active + i, (size_t)(b->n_active - i) * sizeof *b->active);
    b->active[i] = node;
    b->n_active++;
    node->is_active = true;
}

void tree_format_drop(tree_builder *b, tree_node *node) {
    int i = index_active(b, node);
    if (i >= 0) remove_active(b, i);
}

tree_node *tree_format_find(const tree_builder *b, tag_id id) {
    for (int i = b->n_active - 1; i >= 0 && b->active[i]; i--)
        if (b->active[i]->tag == id) return b->active[i];
    return NULL;
}

void tree_format_add(tree_builder *b, tree_node *node) {
    int same = 0, first = 0;
    for (int i = b->n_active - 1; i >= 0 && b->active[i]; i--)
        if (b->active[i]->tag == node->tag && str_eq(b->active[i]->text, node->text))
            same++, first = i;
    if (same >= OF_A_KIND) remove_active(b, first);
    insert_active(b, b->n_active, node);
}

void tree_mark(tree_builder *b) {
    if (b->n_active < (int)countof(b->active)) b->active[b->n_active++] = NULL;
}

// Without a mark (the list was full when it was to be set) all goes.
void tree_clear_to_mark(tree_builder *b) {
    while (b->n_active > 0) {
        tree_node *node = b->active[--b->n_active];
        if (!node) return;
        node->is_active = false;
    }
}

static void forget_active(tree_builder *b) {
    while (b->n_active > 0 && b->active[b->n_active - 1])
        b->active[--b->n_active]->is_active = false;
}

void tree_format_again(tree_builder *b) {
    int i = b->n_active;
    while (i > 0 && b->active[i - 1] && !b->active[i - 1]->is_open)
        i--;
    if (i == b->n_active) return;
    if (b->budget < 0) return forget_active(b);
    for (; i < b->n_active && b->n_open < TREE_DEPTH_MAX; i++) {
        tree_node *old = b->active[i];
        b->budget--;
        b->active[i] = tree_insert(b, (tag_id)old->tag, old->text);
        old->is_active = false;
        b->active[i]->is_active = true;
    }
}

// --- The adoption agency -------------------------------------------------------------------------

static int index_open(const tree_builder *b, const tree_node *node) {
    int i = node->is_open ? b->n_open - 1 : -1;
    while (i >= 0 && b->open[i] != node)
        i--;
    return i;
}

static int furthest_block(const tree_builder *b, int from) {
    for (int i = from + 1; i < b->n_open; i++)
        if (tag_flags((tag_id)b->open[i]->tag) & IS_SPECIAL) return i;
    return 0;
}

static bool is_in_scope(const tree_builder *b, int at) {
    for (int i = b->n_open - 1; i > at; i--)
        if (tag_flags((tag_id)b->open[i]->tag) & IS_SCOPE) return false;
    return true;
}

// An equal element in the place of open[i] and active[k].
static tree_node *replace(tree_builder *b, int i, int k) {
    tree_node *old = b->open[i], *node = tree_new(b, (tag_id)old->tag, old->text);
    b->open[i] = b->active[k] = node;
    old->is_open = old->is_active = false;
    node->is_open = node->is_active = true;
    return node;
}

// Copies what stands between the formatting element and the block, and moves the block into the
// copies, which are put where the formatting element stands: from the outermost inwards, so that
// each finds its place before something is put into it. *mark: where it goes in active[].
static void inner_loop(tree_builder *b, int format, int block_at, int *mark) {
    tree_node *block = b->open[block_at], *ancestor = b->open[format - 1], *copies[INNER_MAX];
    int count = 0, n = 0;
    for (int i = block_at - 1; i > format; i--) {
        tree_node *node = b->open[i];
        int k = index_active(b, node);
        if (++count > INNER_MAX && k >= 0) {
            remove_active(b, k);
            if (k < *mark) --*mark;
            k = -1;
        }
        if (k < 0) {
            tree_unopen(b, node);
            continue;
        }
        if (n == 0) *mark = k + 1;
        copies[n++] = replace(b, i, k);
    }
    tree_place place = tree_place_in(b, ancestor);
    while (n > 0) {
        tree_add(b, place, copies[--n]);
        place = (tree_place){copies[n], false};
    }
    tree_add(b, place, block);
}

static void move_children(tree_builder *b, tree_node *from, tree_node *to) {
    if (b->does_wrap) return tree_wrap_children(b, from, to);
    for (tree_node *child = from->first; child; child = child->next)
        child->parent = to, b->budget--;
    to->first = from->first;
    to->last = from->last;
    from->first = from->last = NULL;
    tree_link((tree_place){from, false}, to);
}

// One round; false: there is nothing more to do.
static bool adopt(tree_builder *b, tag_id id) {
    tree_node *format = tree_format_find(b, id);
    if (!format) return tree_close_other(b, id), false;
    int at = index_open(b, format);
    if (at < 0) return tree_format_drop(b, format), false;
    if (!is_in_scope(b, at)) return false;
    int block_at = furthest_block(b, at);
    if (!block_at || b->budget < 0) {
        while (b->n_open > at)
            tree_pop(b);
        return tree_format_drop(b, format), false;
    }
    b->budget -= b->n_open - at;
    tree_node *block = b->open[block_at];
    int mark = index_active(b, format);
    inner_loop(b, at, block_at, &mark);
    tree_node *again = tree_new(b, id, format->text);
    move_children(b, block, again);
    int k = index_active(b, format);
    remove_active(b, k);
    insert_active(b, k < mark ? mark - 1 : mark, again);
    tree_unopen(b, format);
    block_at = index_open(b, block);
    tree_push(b, again);
    memmove(b->open + block_at + 2, b->open + block_at + 1,
            (size_t)(b->n_open - block_at - 2) * sizeof *b->open);
    b->open[block_at + 1] = again;
    return true;
}

void tree_format_end(tree_builder *b, tag_id id) {
    tree_node *top = tree_current(b);
    if (top->tag == id && !top->is_active) return tree_pop(b);
    for (int i = 0; i < OUTER_MAX && adopt(b, id); i++)
        ;
}
