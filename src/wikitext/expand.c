// wikitext/expand.c -- trees to flat text in frames: arguments, comments, headings, tags.
//
// I1  wt_expand goes into itself only for names and arguments of calls, at most WT_NEST_MAX deep;
//     defaults within defaults, and what turns out to be text, are steps of one loop.
// I2  An argument is expanded when it is asked for, in the frame of the caller, once.
// I3  Named arguments are trimmed, unnamed ones are not; of equal names the last counts.
//
// Source: https://www.mediawiki.org/wiki/Help:Templates, Manual:Template_limits

#include "wikitext/expand.h"

enum {
    STEPS = 16,           // kept on the stack
    FEW_ARGS = 8,         // are searched one by one
    SPEND_PER = 64,       // bytes of text for a tick
    ROOM_MIN = 16 << 20,  // of memory: with less nothing is expanded...
    ROOM_SHARE = 8,       // ... but of a small arena the last eighth
};

// --- Frames --------------------------------------------------------------------------------------

typedef struct arg {
    str name, text;
    const wt_node *value;
    bool is_named, is_done;
} arg;

struct wt_args {
    arg *items;
    size_t n;
    bool is_many;
    wt_map by_name;  // places from 1 on, when there are many
};

static arg *find_arg(const struct wt_args *args, str name) {
    if (args->is_many) {
        size_t at = (size_t)(uintptr_t)wt_map_find(&args->by_name, name);
        return at ? &args->items[at - 1] : NULL;
    }
    for (size_t i = 0; i < args->n; i++)
        if (str_eq(args->items[i].name, name)) return &args->items[i];
    return NULL;
}

static void add_arg(wt_parser *p, struct wt_args *args, const arg *new) {
    arg *old = find_arg(args, new->name);
    if (old) {
        *old = *new;
        return;
    }
    args->items[args->n++] = *new;
    void **row = args->is_many ? wt_map_at(&args->by_name, p, new->name) : NULL;
    if (row) *row = (void *)(uintptr_t)args->n;
}

static str number(wt_parser *p, uint32_t n) {
    static const char digits[] = "123456789";
    if (n - 1 < 9) return (str){digits + n - 1, 1};
    buf b;
    buf_init(&b, p->mem, 0);
    buf_u64(&b, n);
    return buf_str(&b);
}

void wt_frame_open(wt_frame *f, wt_parser *p, const wt_frame *parent, str title,
                   const wt_node *part, uint32_t skipped) {
    *f = (wt_frame){.parent = parent, .title = title, .part = part, .depth = parent->depth + 1};
    size_t n = 0;
    for (const wt_node *i = part; i; i = i->next)
        n++;
    if (!n) return;
    struct wt_args *args = f->args = arena_try(p->mem, sizeof *args);
    if (args) args->items = arena_try_array(p->mem, n, sizeof *args->items);
    if (!args || !args->items) {
        p->over |= WT_OVER_MEMORY;
        f->args = NULL;
        return;
    }
    args->is_many = n > FEW_ARGS;
    for (; part; part = part->next) {
        bool is_named = part->child->kind == WT_KEY;
        arg new = {.is_named = is_named, .value = is_named ? part->child->next : part->child};
        if (is_named)
            new.name = wt_expand_trimmed(p, parent, part->child);
        else if (part->index > skipped)
            new.name = number(p, part->index - skipped);
        else
            new.name = STR("0");
        add_arg(p, args, &new);
    }
}

static str value_of(wt_parser *p, const wt_frame *frame, arg *a) {
    if (!a->is_done) {
        str text = wt_expand_str(p, frame->parent, a->value);
        a->text = a->is_named ? str_trim(text) : text;
        a->is_done = true;
    }
    return a->text;
}

bool wt_frame_arg(str *out, wt_parser *p, const wt_frame *frame, str name) {
    arg *a = frame && frame->args ? find_arg(frame->args, name) : NULL;
    if (a) *out = value_of(p, frame, a);
    return a != NULL;
}

size_t wt_frame_args(wt_named *out, size_t max, wt_parser *p, const wt_frame *frame) {
    size_t n = frame && frame->args ? min_size(max, frame->args->n) : 0;
    for (size_t i = 0; i < n; i++) {
        arg *a = &frame->args->items[i];
        out[i] = (wt_named){a->name, value_of(p, frame, a)};
    }
    return n;
}

// --- The loop ------------------------------------------------------------------------------------

typedef struct step {
    const wt_node *node;  // and its siblings
    str after;            // literal, behind them
} step;

typedef struct walk {
    buf *out;
    wt_parser *p;
    const wt_frame *frame;
    unsigned flags;
    step *steps;
    size_t n, cap;
} walk;

static void go_into(walk *w, const wt_node *node, str after) {
    if (w->n == w->cap) {
        step *more = arena_try_array(w->p->mem, 2 * w->cap, sizeof *more);
        if (!more) {
            w->p->over |= WT_OVER_MEMORY;
            return;
        }
        memcpy(more, w->steps, w->n * sizeof *more);
        w->steps = more, w->cap *= 2;
    }
    w->steps[w->n++] = (step){node, after};
}

// {{{name|default}}}
static void substitute(walk *w, const wt_node *node) {
    wt_parser *p = w->p;
    const wt_node *default_part = node->child->next;
    str name = wt_expand_str(p, w->frame, node->child), text;
    if (wt_frame_arg(&text, p, w->frame, str_trim(name))) {
        bool fits = wt_count_bytes(p, &p->page->argument_bytes, p->limits.argument_bytes, text.len,
                                   WT_OVER_ARGUMENTS);
        if (fits)
            buf_add(w->out, text);
        else
            wt_strip_add(w->out, p, WT_STRIP_GENERAL,
                         STR("<!-- WARNING: argument omitted, expansion size too large -->"));
    } else if (default_part) {
        go_into(w, default_part->child, STR(""));
    } else {
        buf_add(w->out, STR("{{{"));
        buf_add(w->out, name);
        buf_add(w->out, STR("}}}"));
    }
}

// A marker behind the "="s says where the heading is from.
static void heading(walk *w, const wt_node *node) {
    const wt_node *first = node->child;
    wt_heading_mark *mark = NULL;
    if (first->kind == WT_TEXT) mark = wt_list_add(w->p, &w->p->marks, sizeof *mark);
    if (!mark) {
        go_into(w, first, STR(""));
        return;
    }
    *mark = (wt_heading_mark){w->frame->title, node->index};
    buf_add(w->out, str_first(first->text, node->level));
    wt_mark_add(w->out, WT_STRIP_HEADING, (uint32_t)w->p->marks.n - 1);
    buf_add(w->out, str_skip(first->text, node->level));
    go_into(w, first->next, STR(""));
}

static void text(walk *w, const wt_node *node) {
    buf_add(w->out, node->text);
    wt_spend(w->p, (uint32_t)(node->text.len / SPEND_PER));
}

// Whether nothing more is to be expanded; the first time a note says so.
static bool is_over(buf *out, wt_parser *p) {
    wt_parsed *s = wt_parsed_of(p);
    if (arena_room(p->mem) < min_size(ROOM_MIN, p->mem->reserve / ROOM_SHARE))
        p->over |= WT_OVER_MEMORY;
    if (!wt_spend(p, 1)) return false;
    if (!s->is_noted)
        buf_add(out, STR("<span class=\"error\">The time or memory for this page is used up: what "
                         "follows is not expanded</span>"));
    return s->is_noted = true;
}

static void call(walk *w, const wt_node *node) {
    if ((w->flags & WT_NO_TEMPLATES) || is_over(w->out, w->p))
        buf_add(w->out, node->text);
    else if (!wt_transclude(w->out, w->p, w->frame, node))
        go_into(w, node->child->next, STR("}}"));
}

static void visit(walk *w, const wt_node *node) {
    switch (node->kind) {
    case WT_TEXT:
        text(w, node);
        break;
    case WT_TEMPLATE:
        call(w, node);
        break;
    case WT_ARG:
        if (w->flags & WT_NO_ARGS)
            buf_add(w->out, node->text);
        else
            substitute(w, node);
        break;
    case WT_PART:
        buf_byte(w->out, '|');
        go_into(w, node->child, STR(""));
        break;
    case WT_KEY:
        go_into(w, node->child, STR("="));
        break;
    case WT_ROOT:
    case WT_NAME:
    case WT_VALUE:
        go_into(w, node->child, STR(""));
        break;
    case WT_EXT:
        if (w->flags & WT_NO_TAGS)
            wt_unparse(w->out, node);
        else
            wt_ext_tag(w->out, w->p, w->frame, node);
        break;
    case WT_HEADING:
        heading(w, node);
        break;
    case WT_COMMENT:
        if (w->flags & WT_RECOVER_COMMENTS) buf_add(w->out, node->text);
        break;
    case WT_IGNORE:
        if (w->flags & WT_NO_IGNORE) buf_add(w->out, node->text);
        break;
    }
}

// Whether a limit forbids to go on; then a note has been written.
static bool is_refused(buf *out, wt_parser *p, wt_parsed *s) {
    if (++p->page->nodes > p->limits.nodes) {
        p->over |= WT_OVER_NODES;
        buf_add(out, STR("<span class=\"error\">Node-count limit exceeded</span>"));
    } else if (s->depth >= WT_NEST_MAX) {
        p->over |= WT_OVER_DEPTH;
        s->effects++;
        buf_add(out, STR("<span class=\"error\">Expansion depth limit exceeded</span>"));
    } else {
        return false;
    }
    return true;
}

void wt_expand(buf *out, wt_parser *p, const wt_frame *frame, const wt_node *node, unsigned flags) {
    wt_parsed *s = wt_parsed_of(p);
    step local[STEPS];
    walk w = {out, p, frame ? frame : p->frame, flags, local, 1, STEPS};
    if (is_refused(out, p, s)) return;
    s->depth++;
    local[0] = (step){node, {0}};
    while (w.n > 0) {
        step *top = &w.steps[w.n - 1];
        const wt_node *now = top->node;
        if (now) {
            top->node = now->next;
            visit(&w, now);
        } else {
            buf_add(out, top->after);
            w.n--;
        }
    }
    s->depth--;
    if (out->failed) p->over |= WT_OVER_MEMORY;
}

// --- As a string ---------------------------------------------------------------------------------

str wt_expand_str(wt_parser *p, const wt_frame *frame, const wt_node *node) {
    const wt_node *child = node->child;
    if (child && child->kind == WT_VALUE && !child->next) child = child->child;
    if (!child) return STR("");
    if (child->kind == WT_TEXT && !child->next) return child->text;
    buf b;
    buf_init(&b, p->mem, 0);
    wt_expand(&b, p, frame, child, 0);
    return buf_str(&b);
}

str wt_expand_trimmed(wt_parser *p, const wt_frame *frame, const wt_node *node) {
    return str_trim(wt_expand_str(p, frame, node));
}

str wt_expand_text(wt_parser *p, str source, const wt_frame *frame) {
    wt_tree tree;
    wt_preprocess(&tree, source, false, p->mem);
    if (tree.is_cut) p->over |= WT_OVER_NODES;
    return wt_expand_str(p, frame, tree.root);
}

static void unparse_ext(buf *out, const wt_node *node) {
    const wt_tag *ext = node->tag;
    buf_byte(out, '<');
    buf_add(out, node->text);
    buf_add(out, ext->attrs);
    buf_add(out, ext->has_inner ? STR(">") : STR("/>"));
    buf_add(out, ext->inner);
    buf_add(out, ext->close);
}

// Calls have all of their text; headings have none within them, so this is not deep.
static void unparse_list(buf *out, const wt_node *node) {
    for (; node; node = node->next) {
        if (node->kind == WT_EXT)
            unparse_ext(out, node);
        else if (node->kind == WT_HEADING)
            unparse_list(out, node->child);
        else
            buf_add(out, node->text);
    }
}

void wt_unparse(buf *out, const wt_node *node) {
    switch (node->kind) {
    case WT_EXT:
        unparse_ext(out, node);
        break;
    case WT_ROOT:
    case WT_NAME:
    case WT_KEY:
    case WT_VALUE:
        unparse_list(out, node->child);
        break;
    case WT_PART:
        if (node->child->kind == WT_KEY) {
            unparse_list(out, node->child->child);
            buf_byte(out, '=');
            unparse_list(out, node->child->next->child);
        } else {
            unparse_list(out, node->child->child);
        }
        break;
    default:
        buf_add(out, node->text);
    }
}
