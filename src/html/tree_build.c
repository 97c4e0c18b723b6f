// html/tree_build.c -- tree construction: the stack of open elements, and "in body".
//
// I1  open[0] is the root and is never popped; parent, prev and next of a node agree with first and
//     last of its parent; count[] says how many of each kind are open.
// I2  A step for a tag is constant, or a walk down the stack (at most TREE_DEPTH_MAX), or paid from
//     the budget.
// I3  A start tag beyond TREE_DEPTH_MAX opens nothing, and its end tag closes nothing.

#include "html/tree.h"

// --- Nodes -------------------------------------------------------------------------------------

tree_node *tree_new(tree_builder *b, tag_id id, str text) {
    size_t size = id == TAG_TEXT ? offsetof(tree_node, first) : sizeof(tree_node);
    tree_node *node = arena_alloc(b->mem, size);
    node->tag = (uint8_t)id;
    node->text = text;
    return node;
}

void tree_unlink(tree_node *node) {
    tree_node *parent = node->parent;
    if (!parent) return;
    *(node->prev ? &node->prev->next : &parent->first) = node->next;
    *(node->next ? &node->next->prev : &parent->last) = node->prev;
    node->parent = node->prev = node->next = NULL;
}

void tree_link(tree_place place, tree_node *node) {
    tree_node *parent = place.is_before ? place.at->parent : place.at;
    node->parent = parent;
    node->next = place.is_before ? place.at : NULL;
    node->prev = place.is_before ? place.at->prev : parent->last;
    *(node->prev ? &node->prev->next : &parent->first) = node;
    *(node->next ? &node->next->prev : &parent->last) = node;
}

void tree_add(tree_builder *b, tree_place place, tree_node *node) {
    tree_unlink(node);
    if (b->does_wrap)
        tree_wrap_node(b, place, node);
    else
        tree_link(place, node);
}

// --- The stack of open elements ------------------------------------------------------------------

void tree_push(tree_builder *b, tree_node *node) {
    CHECK(b->n_open < (int)countof(b->open));
    b->open[b->n_open++] = node;
    b->count[node->tag]++;
    node->is_open = true;
}

static void forget_dropped(tree_builder *b) {
    if (!b->n_dropped || b->n_open >= TREE_DEPTH_MAX) return;
    memset(b->dropped, 0, sizeof b->dropped);
    b->n_dropped = 0;
}

void tree_pop(tree_builder *b) {
    if (b->n_open == 1) return;
    tree_node *node = b->open[--b->n_open];
    b->count[node->tag]--;
    node->is_open = false;
    forget_dropped(b);
}

void tree_unopen(tree_builder *b, tree_node *node) {
    int i = b->n_open - 1;
    while (i > 0 && b->open[i] != node)
        i--;
    if (i == 0) return;
    memmove(b->open + i, b->open + i + 1, (size_t)(b->n_open - i - 1) * sizeof *b->open);
    b->n_open--;
    b->count[node->tag]--;
    node->is_open = false;
    forget_dropped(b);
}

void tree_pop_to(tree_builder *b, tag_id id) {
    tag_id popped;
    if (!b->count[id]) return;
    do {
        popped = (tag_id)tree_current(b)->tag;
        tree_pop(b);
    } while (popped != id);
}

void tree_imply_ends(tree_builder *b, tag_id but) {
    for (;;) {
        tag_id id = (tag_id)tree_current(b)->tag;
        if (id == but || !(tag_flags(id) & IS_IMPLIED)) return;
        tree_pop(b);
    }
}

static bool is_bound(tag_id id, tree_scope scope) {
    if (scope == SCOPE_TABLE) return id == TAG_TABLE || id == TAG_ROOT;
    return tag_flags(id) & IS_SCOPE || (scope == SCOPE_LIST && (id == TAG_UL || id == TAG_OL));
}

bool tree_has(const tree_builder *b, tag_id id, tree_scope scope) {
    if (!b->count[id]) return false;
    for (int i = b->n_open - 1; i > 0; i--) {
        tag_id at = (tag_id)b->open[i]->tag;
        if (at == id) return true;
        if (is_bound(at, scope)) return false;
    }
    return false;
}

// --- Inserting ---------------------------------------------------------------------------------

tree_place tree_place_in(const tree_builder *b, tree_node *target) {
    if (!b->is_fostering || !(tag_flags((tag_id)target->tag) & IS_ROWS))
        return (tree_place){target, false};
    int i = b->n_open - 1;
    while (i > 0 && b->open[i]->tag != TAG_TABLE)
        i--;
    if (i == 0) return (tree_place){b->open[0], false};
    if (b->open[i]->parent) return (tree_place){b->open[i], true};
    return (tree_place){b->open[i - 1], false};
}

tree_node *tree_insert(tree_builder *b, tag_id id, str attrs) {
    tree_node *node = tree_new(b, id, attrs);
    tree_add(b, tree_place_in(b, tree_current(b)), node);
    tree_push(b, node);
    return node;
}

void tree_insert_void(tree_builder *b, const tree_tag *tag) {
    tree_add(b, tree_place_in(b, tree_current(b)), tree_new(b, tag->id, tag->attrs));
}

bool tree_is_blank(str text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c != ' ' && c != '\n' && c != '\t' && c != '\f' && c != '\r') return false;
    }
    return true;
}

void tree_insert_text(tree_builder *b, str text) {
    if (!text.len) return;
    tree_place place = tree_place_in(b, tree_current(b));
    if (b->does_wrap) place = tree_wrap_text(b, place, text);
    tree_link(place, tree_new(b, TAG_TEXT, text));
}

void tree_raw(tree_builder *b, str text) {
    tree_node *node = tree_current(b);
    if (tag_rows[node->tag].start != START_RAW) return;
    if (text.len) tree_link((tree_place){node, false}, tree_new(b, TAG_TEXT, text));
    tree_pop(b);
}

// --- Start tags in the body ----------------------------------------------------------------------

static void close_p(tree_builder *b) {
    if (!tree_has(b, TAG_P, SCOPE_BODY)) return;
    tree_imply_ends(b, TAG_P);
    tree_pop_to(b, TAG_P);
}

// <li> ends an open <li>, <dd> and <dt> an open one of both.
static void close_item(tree_builder *b, tag_id one, tag_id other) {
    for (int i = b->n_open - 1; i > 0; i--) {
        tag_id id = (tag_id)b->open[i]->tag;
        if (id == one || id == other) {
            tree_imply_ends(b, id);
            return tree_pop_to(b, id);
        }
        if (tag_flags(id) & IS_SPECIAL && id != TAG_ADDRESS && id != TAG_DIV && id != TAG_P) return;
    }
}

static bool is_heading(const tree_node *node) {
    return node->tag >= TAG_H1 && node->tag <= TAG_H6;
}

static void start_block(tree_builder *b, const tree_tag *tag) {
    close_p(b);
    if (is_heading(tree_current(b)) && tag_rows[tag->id].start == START_HEADING) tree_pop(b);
    tree_insert(b, tag->id, tag->attrs);
}

// An <a> in an <a> ends it.
static void start_a(tree_builder *b, const tree_tag *tag) {
    tree_node *open = tree_format_find(b, TAG_A);
    if (open) {
        tree_format_end(b, TAG_A);
        tree_format_drop(b, open);
        if (open->is_open) tree_unopen(b, open);
    }
    tree_format_again(b);
    tree_format_add(b, tree_insert(b, tag->id, tag->attrs));
}

static void start_ruby(tree_builder *b, const tree_tag *tag, tag_id but) {
    if (tree_has(b, TAG_RUBY, SCOPE_BODY)) tree_imply_ends(b, but);
    tree_insert(b, tag->id, tag->attrs);
}

void tree_start_in_body(tree_builder *b, const tree_tag *tag) {
    switch ((tag_start)tag_rows[tag->id].start) {
    case START_BLOCK:
    case START_HEADING:
        return start_block(b, tag);
    case START_PRE:
        start_block(b, tag);
        b->drops_lf = true;
        return;
    case START_LI:
        close_item(b, TAG_LI, TAG_LI);
        return start_block(b, tag);
    case START_DD:
        close_item(b, TAG_DD, TAG_DT);
        return start_block(b, tag);
    case START_A:
        return start_a(b, tag);
    case START_FORMAT:
        tree_format_again(b);
        return tree_format_add(b, tree_insert(b, tag->id, tag->attrs));
    case START_TABLE:
        start_block(b, tag);
        b->mode = MODE_TABLE;
        return;
    case START_INLINE_VOID:
        tree_format_again(b);
        return tree_insert_void(b, tag);
    case START_VOID:
        return tree_insert_void(b, tag);
    case START_RAW:
        tree_insert(b, tag->id, tag->attrs);
        return;
    case START_HR:
        close_p(b);
        return tree_insert_void(b, tag);
    case START_RUBY_BASE:
        return start_ruby(b, tag, TAG_UNKNOWN);
    case START_RUBY_TEXT:
        return start_ruby(b, tag, TAG_RTC);
    case START_MATH:
        tree_format_again(b);
        tree_insert(b, tag->id, tag->attrs);
        if (tag->is_closed) tree_pop(b);
        return;
    case START_ROWS:
        return;
    case START_OTHER:
        break;
    }
    tree_format_again(b);
    tree_insert(b, tag->id, tag->attrs);
}

// --- End tags in the body ------------------------------------------------------------------------

static void end_in_scope(tree_builder *b, tag_id id, tree_scope scope) {
    if (!tree_has(b, id, scope)) return;
    tree_imply_ends(b, id);
    tree_pop_to(b, id);
}

static void end_heading(tree_builder *b) {
    bool is_there = false;
    for (int id = TAG_H1; id <= TAG_H6 && !is_there; id++)
        is_there = tree_has(b, (tag_id)id, SCOPE_BODY);
    if (!is_there) return;
    tree_imply_ends(b, TAG_UNKNOWN);
    while (!is_heading(tree_current(b)))
        tree_pop(b);
    tree_pop(b);
}

void tree_close_other(tree_builder *b, tag_id id) {
    if (!b->count[id]) return;
    for (int i = b->n_open - 1; i > 0; i--) {
        tag_id at = (tag_id)b->open[i]->tag;
        if (at == id) {
            tree_imply_ends(b, id);
            return tree_pop_to(b, id);
        }
        if (tag_flags(at) & IS_SPECIAL) return;
    }
}

void tree_end_in_body(tree_builder *b, tag_id id) {
    switch ((tag_end)tag_rows[id].end) {
    case END_BLOCK:
    case END_DD:
        return end_in_scope(b, id, SCOPE_BODY);
    case END_P:
        if (!tree_has(b, TAG_P, SCOPE_BODY)) tree_insert(b, TAG_P, STR(""));
        return close_p(b);
    case END_LI:
        return end_in_scope(b, id, SCOPE_LIST);
    case END_HEADING:
        return end_heading(b);
    case END_FORMAT:
        return tree_format_end(b, id);
    case END_BR:
        return tree_start_in_body(b, &(tree_tag){.id = TAG_BR});
    case END_NONE:
        return;
    case END_OTHER:
        return tree_close_other(b, id);
    }
}

// --- MathML ------------------------------------------------------------------------------------

static bool is_in_math(const tree_builder *b) {
    uint32_t flags = tag_flags((tag_id)tree_current(b)->tag);
    return flags & IS_MATH && !(flags & IS_MATH_TEXT);
}

// HTML ends MathML; MathML's elements are nothing outside it. True: the tag is done.
static bool start_in_math(tree_builder *b, const tree_tag *tag) {
    if (!is_in_math(b)) return tag_flags(tag->id) & IS_MATH && tag->id != TAG_MATH;
    if (!(tag_flags(tag->id) & IS_MATH)) {
        while (is_in_math(b))
            tree_pop(b);
        return false;
    }
    tree_insert(b, tag->id, tag->attrs);
    if (tag->is_closed) tree_pop(b);
    return true;
}

static bool end_in_math(tree_builder *b, tag_id id) {
    if (!(tag_flags(id) & IS_MATH)) return false;
    for (int i = b->n_open - 1; b->count[id] && i > 0; i--) {
        tag_id at = (tag_id)b->open[i]->tag;
        if (!(tag_flags(at) & IS_MATH)) break;
        if (at != id) continue;
        tree_pop_to(b, id);
        break;
    }
    return true;
}

// --- What tree_token.c calls ---------------------------------------------------------------------

void tree_start(tree_builder *b, const tree_tag *tag) {
    b->drops_lf = false;
    if (start_in_math(b, tag)) return;
    if (b->n_open >= TREE_DEPTH_MAX && !(tag_flags(tag->id) & IS_VOID)) {
        if (tag_rows[tag->id].start == START_RAW) return;
        b->dropped[tag->id]++;
        b->n_dropped++;
        return;
    }
    if (!tree_start_in_table(b, tag)) tree_start_in_body(b, tag);
}

void tree_end(tree_builder *b, tag_id id) {
    b->drops_lf = false;
    if (b->n_dropped && b->dropped[id]) {
        b->dropped[id]--;
        b->n_dropped--;
        return;
    }
    if (end_in_math(b, id)) return;
    if (!tree_end_in_table(b, id)) tree_end_in_body(b, id);
}

void tree_text_in_body(tree_builder *b, str text) {
    tree_format_again(b);
    tree_insert_text(b, text);
}

void tree_text(tree_builder *b, str text) {
    if (b->drops_lf && text.ptr[0] == '\n') text = str_skip(text, 1);
    b->drops_lf = false;
    if (!text.len) return;
    if (is_in_math(b)) return tree_insert_text(b, text);
    if (!tree_text_in_table(b, text)) tree_text_in_body(b, text);
}

void tree_build(tree_builder *b, str html, bool wrap, arena *mem) {
    *b = (tree_builder){.mem = mem, .does_wrap = wrap, .budget = (64 << 10) + (int64_t)html.len};
    b->root = tree_new(b, TAG_ROOT, STR(""));
    b->root->needs_wrap = true;
    tree_push(b, b->root);
    tree_read(b, html);
}
