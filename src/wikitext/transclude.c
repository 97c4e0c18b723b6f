// wikitext/transclude.c -- {{...}}: variables, functions, modules, templates; their limits.
//
// I1  What a name means is looked up once per page: `names` by what is written, `titles` by the
//     full title, so that a template called a thousand times is asked for once.
// I2  An expansion is kept for the next call with the same template and the same arguments when
//     these are plain text and it had no effect besides its text (no marker, no sort key, no limit
//     passed, no module run).
// I3  Everything written here is counted in expanded_bytes; what would pass its limit is a link.
// I4  A template within itself, and templates too deep in each other, are an error in the text.

#include "wikitext/expand.h"

#include "os/clock.h"
#include "wikitext/func.h"
#include "wikitext/module.h"

enum {
    MEMO_TEXT_MAX = 16 << 10,
    MEMO_MAX = 4 << 20,
    MEMO_ROWS_MAX = 1 << 15,
    MAP_FIRST = 64,
    FEW_PARTS = 8,
};

// --- Maps ----------------------------------------------------------------------------------------

typedef struct wt_map_row {
    uint64_t hash;  // 0: free
    str key;
    void *value;
} row;

static uint64_t hash_of(str key) {
    return str_hash(key, 0x77696B69) | 1;
}

static row *row_of(const wt_map *m, uint64_t hash, str key) {
    size_t i = hash >> 1 & (m->cap - 1);
    while (m->rows[i].hash && !(m->rows[i].hash == hash && str_eq(m->rows[i].key, key)))
        i = (i + 1) & (m->cap - 1);
    return &m->rows[i];
}

static bool grow(wt_map *m, wt_parser *p) {
    wt_map new = {.cap = m->cap ? 2 * m->cap : MAP_FIRST, .n = m->n};
    new.rows = arena_try_array(p->mem, new.cap, sizeof *new.rows);
    if (!new.rows) {
        p->over |= WT_OVER_MEMORY;
        return false;
    }
    for (size_t i = 0; i < m->cap; i++)
        if (m->rows[i].hash) *row_of(&new, m->rows[i].hash, m->rows[i].key) = m->rows[i];
    *m = new;
    return true;
}

void **wt_map_at(wt_map *m, wt_parser *p, str key) {
    if (2 * (m->n + 1) > m->cap && !grow(m, p)) return NULL;
    uint64_t hash = hash_of(key);
    row *at = row_of(m, hash, key);
    if (!at->hash) *at = (row){.hash = hash, .key = key}, m->n++;
    return &at->value;
}

void *wt_map_find(const wt_map *m, str key) {
    return m->cap ? row_of(m, hash_of(key), key)->value : NULL;
}

wt_parsed *wt_parsed_of(wt_parser *p) {
    if (!p->parsed) p->parsed = arena_new(p->mem, wt_parsed);
    return p->parsed;
}

// --- Limits --------------------------------------------------------------------------------------

bool wt_count_bytes(wt_parser *p, uint32_t *count, uint32_t limit, size_t n, unsigned over) {
    if (n > limit || *count > limit - n) {
        p->over |= over;
        wt_parsed_of(p)->effects++;
        return false;
    }
    *count += (uint32_t)n;
    return true;
}

void wt_note_used(wt_parser *p, str title, uint64_t hash) {
    void **seen = wt_map_at(&wt_parsed_of(p)->used, p, title);
    if (!seen || *seen) return;
    wt_used *used = wt_list_add(p, &p->used, sizeof *used);
    if (!used) return;
    *used = (wt_used){arena_str(p->mem, title), hash};
    *seen = p;
}

// The row of --explain for `name`; NULL: not asked for.
static wt_cost *cost_of(wt_parser *p, str name) {
    if (!p->o->explain) return NULL;
    void **at = wt_map_at(&wt_parsed_of(p)->costs, p, name);
    if (!at) return NULL;
    if (!*at) {
        wt_cost *cost = wt_list_add(p, &p->costs, sizeof *cost);
        if (!cost) return NULL;
        cost->name = arena_str(p->mem, name);
        *at = (void *)(uintptr_t)p->costs.n;
    }
    return (wt_cost *)p->costs.at + ((uintptr_t)*at - 1);
}

// What a call cost without the calls within it.
typedef struct meter {
    int64_t start;
    uint64_t outer_ns, outer_bytes;
} meter;

static meter meter_start(wt_parser *p) {
    wt_parsed *s = wt_parsed_of(p);
    meter m = {.outer_ns = s->inner_ns, .outer_bytes = s->inner_bytes};
    if (p->o->explain) m.start = os_now_ns();
    s->inner_ns = s->inner_bytes = 0;
    return m;
}

static void meter_stop(meter m, wt_parser *p, str name, size_t bytes) {
    wt_parsed *s = wt_parsed_of(p);
    wt_cost *cost = cost_of(p, name);
    if (cost) {
        uint64_t ns = (uint64_t)(os_now_ns() - m.start);
        cost->calls++;
        cost->ns += ns - s->inner_ns;
        cost->bytes += bytes > s->inner_bytes ? bytes - s->inner_bytes : 0;
        s->inner_ns = m.outer_ns + ns;
    }
    s->inner_bytes = m.outer_bytes + bytes;
}

// --- Which template ------------------------------------------------------------------------------

static bool has_subpages(const wt_parser *p, int32_t ns) {
    return p->o->subpages || (ns > 0 && ns != 6 && ns != 14);
}

// "../x" from a/b/c is a/b/x; "" when it leads above the page's own root.
static str above(wt_parser *p, str name) {
    str base = p->title.full;
    while (str_starts(name, STR("../"))) {
        size_t cut = base.len;
        while (cut > 0 && base.ptr[cut - 1] != '/')
            cut--;
        if (!cut) return STR("");
        base = str_first(base, cut - 1);
        name = str_skip(name, 3);
    }
    while (str_ends(name, STR("/")))
        name.len--;
    name = str_trim(name);
    return name.len ? arena_fmt(p->mem, "%.*s/%.*s", STR_ARG(base), STR_ARG(name)) : base;
}

// "/x" and "../x" in a namespace with subpages, as full titles; others as they are.
static str absolute(wt_parser *p, str name) {
    if (!has_subpages(p, p->title.ns)) return name;
    if (str_starts(name, STR("../"))) {
        str up = above(p, name);
        return up.len ? up : name;
    }
    if (name.len < 2 || name.ptr[0] != '/') return name;
    str page = str_skip(name, 1);
    while (page.len > 1 && str_ends(page, STR("/")))
        page.len--;
    page = str_trim(page);
    return arena_fmt(p->mem, "%.*s/%.*s", STR_ARG(p->title.full), STR_ARG(page));
}

// "MediaWiki:History_short" says what the software does where there is no page of this title.
static bool load_message(wt_included *t, wt_parser *p) {
    if (t->title.ns != 8 || !t->title.text.len) return false;
    char *key = arena_cstr(p->mem, t->title.text);
    for (size_t i = 0; i < t->title.text.len; i++)
        if (key[i] == ' ') key[i] = '_';
    if (key[0] >= 'A' && key[0] <= 'Z') key[0] = (char)(key[0] | 0x20);
    str text, name = {key, t->title.text.len};
    if (!p->world->message(p->world->arg, &text, name, p->mem)) return false;
    t->source = (wt_source){.title = t->title.full, .text = text, .hash = str_hash(text, 1) | 1};
    return true;
}

static void load(wt_included *t, wt_parser *p) {
    bool is_readable = t->title.ns >= 0;
    if (is_readable && (p->world->source(p->world->arg, &t->source, t->title.full, p->mem) ||
                        load_message(t, p))) {
        t->is_found = true;
        t->source.text = wt_scrub(t->source.text, p->mem);
        t->tree = wt_tree_of(p, &t->source);
        wt_note_used(p, t->source.title, t->source.hash);
    }
    wt_note_used(p, t->title.full, t->source.hash);
}

const wt_included *wt_include(wt_parser *p, const wt_title *title) {
    void **at = wt_map_at(&wt_parsed_of(p)->titles, p, title->full);
    if (!at || *at) return at ? *at : NULL;
    wt_included *t = *at = arena_try(p->mem, sizeof *t);
    if (!t) return NULL;
    t->title = *title;
    load(t, p);
    return t;
}

// I1. NULL: no title, or another wiki's.
static const wt_included *find_template(wt_parser *p, str name) {
    wt_map *names = &wt_parsed_of(p)->names;
    const wt_included *t = wt_map_find(names, name);
    if (t) return t;
    str full = absolute(p, name);
    bool is_relative = full.ptr != name.ptr;
    wt_title title;
    if (!wt_title_parse(&title, p, full, is_relative ? p->title.ns : 10)) return NULL;
    if ((title.interwiki.len && !title.is_local) || !title.full.len) return NULL;
    t = wt_include(p, &title);
    bool is_short = name.len <= WIKI_TITLE_MAX;
    void **at = t && is_short ? wt_map_at(names, p, arena_str(p->mem, name)) : NULL;
    if (at) *at = (void *)(uintptr_t)t;
    return t;
}

bool wt_is_running(const wt_frame *frame, str title) {
    for (; frame->parent; frame = frame->parent)
        if (str_eq(frame->title, title)) return true;
    return false;
}

// --- Memory of expansions ----------------------------------------------------------------------

typedef struct effects {
    size_t strips, marks;
    const char *sort, *display;
    uint32_t expensive, others;
    unsigned over;
} effects;

static effects effects_of(wt_parser *p) {
    return (effects){p->strips.n,
                     p->marks.n,
                     p->default_sort.ptr,
                     p->display_title.ptr,
                     p->page->expensive,
                     wt_parsed_of(p)->effects,
                     p->over};
}

static bool same_effects(effects a, effects b) {
    return a.strips == b.strips && a.marks == b.marks && a.sort == b.sort &&
           a.display == b.display && a.expensive == b.expensive && a.others == b.others &&
           a.over == b.over;
}

static bool add_plain(buf *key, const wt_node *node) {
    for (; node; node = node->next) {
        if (node->kind != WT_TEXT) return false;
        buf_add(key, node->text);
    }
    return true;
}

// Template and arguments as one string; false when an argument is more than text.
static bool memo_key(buf *key, const wt_included *t, const wt_node *part) {
    buf_add(key, t->title.full);
    for (; part; part = part->next) {
        const wt_node *value = part->child;
        buf_byte(key, WT_MARK);
        if (value->kind == WT_KEY) {
            if (!add_plain(key, value->child)) return false;
            buf_byte(key, '=');
            buf_byte(key, WT_MARK);
            value = value->next;
        }
        if (!add_plain(key, value->child) || key->len > MEMO_TEXT_MAX) return false;
    }
    return !key->failed;
}

static void remember(wt_parser *p, str key, str text) {
    wt_parsed *s = wt_parsed_of(p);
    size_t size = key.len + text.len;
    bool fits =
        text.len <= MEMO_TEXT_MAX && s->memo_bytes + size <= MEMO_MAX && s->memo.n < MEMO_ROWS_MAX;
    void **at = fits ? wt_map_at(&s->memo, p, arena_str(p->mem, key)) : NULL;
    str *kept = at ? arena_try(p->mem, sizeof *kept) : NULL;
    if (!kept) return;
    *kept = arena_str(p->mem, text);
    *at = kept;
    s->memo_bytes += size;
}

// --- What a call becomes -------------------------------------------------------------------------

// One {{...}} on its way.
typedef struct call {
    wt_parser *p;
    const wt_frame *frame;
    const wt_node *node, *part;  // first of its parts, or NULL
    str name;                    // expanded and trimmed, without "msg:" and its like
    bool as_written;             // msgnw:
    bool is_prefixed;            // msg: and its like: no variable any more
    str title;                   // of a template: what a link is made to; "" else
} call;

void wt_loop_error(buf *out, wt_parser *p, str title) {
    p->over |= WT_OVER_LOOP;
    wt_parsed_of(p)->effects++;
    buf_fmt(out, "<span class=\"error\">Template loop detected: [[%.*s]]</span>", STR_ARG(title));
}

static bool is_too_deep(buf *out, call *c) {
    wt_parser *p = c->p;
    if ((uint32_t)c->frame->depth < p->limits.depth) return false;
    p->over |= WT_OVER_DEPTH;
    wt_parsed_of(p)->effects++;
    buf_fmt(out, "<span class=\"error\">Template recursion depth limit exceeded (%u)</span>",
            p->limits.depth);
    return true;
}

static bool ask(buf *out, wt_parser *p, const wt_module *who, str module, str function,
                const wt_frame *frame) {
    return who && who->invoke(who->arg, out, p, module, function, frame);
}

// In a frame of its own: what the template has, or what its family shows of the arguments.
static void fill_in(buf *out, call *c, const wt_included *t) {
    wt_parser *p = c->p;
    wt_frame frame;
    wt_frame_open(&frame, p, c->frame, t->is_found ? t->source.title : t->title.full, c->part, 0);
    if (t->is_found)
        wt_expand(out, p, &frame, t->tree->root, 0);
    else
        ask(out, p, p->o->families, t->title.text, STR(""), &frame);
    p->page->depth = frame.depth > (int)p->page->depth ? (uint32_t)frame.depth : p->page->depth;
}

// I2
static void run_template(buf *out, call *c, const wt_included *t) {
    wt_parser *p = c->p;
    ARENA_ON_STACK(small, 1024);
    buf key;
    buf_init(&key, &small, 512);
    bool is_plain = memo_key(&key, t, c->part);
    const str *kept = is_plain ? wt_map_find(&wt_parsed_of(p)->memo, buf_str(&key)) : NULL;
    if (kept) {
        buf_add(out, *kept);
        return;
    }
    effects before = effects_of(p);
    size_t start = out->len;
    fill_in(out, c, t);
    if (is_plain && same_effects(before, effects_of(p)))
        remember(p, buf_str(&key), str_skip(buf_str(out), start));
}

// False: is no template at all.
static bool call_template(buf *out, call *c) {
    wt_parser *p = c->p;
    const wt_included *t = find_template(p, c->name);
    if (!t) return false;
    c->title = t->title.full;
    if (is_too_deep(out, c)) return true;
    size_t start = out->len;
    meter m = meter_start(p);
    bool is_family = !t->is_found && t->title.ns == 10 && p->o->families;
    if (t->is_found && wt_is_running(c->frame, t->source.title))
        wt_loop_error(out, p, t->title.full);
    else if (t->is_found && c->as_written)
        wt_expand(out, p, c->frame, t->tree->root, WT_AS_WRITTEN);
    else if (t->is_found || is_family)
        run_template(out, c, t);
    else
        buf_fmt(out, "[[:%.*s]]", STR_ARG(t->title.full));
    meter_stop(m, p, t->title.full, out->len - start);
    return true;
}

// {{#invoke:module|function|...}}
static void invoke(buf *out, call *c, str module) {
    wt_parser *p = c->p;
    const wt_module *runner = p->o->module;
    str function = c->part ? wt_expand_trimmed(p, c->frame, c->part) : STR("");
    wt_title title;
    if (!wt_title_parse(&title, p, module, 828)) title.full = module;
    wt_frame frame;
    wt_frame_open(&frame, p, c->frame, title.full, c->part ? c->part->next : NULL, 1);
    size_t start = out->len;
    meter m = meter_start(p);
    wt_parsed_of(p)->effects += runner != NULL;
    if (!ask(out, p, runner, title.full, function, &frame) &&
        !ask(out, p, p->o->families, module, function, &frame))
        buf_fmt(out, "{{%.*s}}", STR_ARG(c->name));
    meter_stop(m, p, title.full, out->len - start);
}

static const wt_node *const *parts_of(wt_parser *p, const wt_node *part, uint32_t n) {
    const wt_node **parts = n > FEW_PARTS ? arena_try_array(p->mem, n, sizeof *parts) : NULL;
    for (uint32_t i = 0; parts && i < n; i++, part = part->next)
        parts[i] = part;
    return parts;
}

// What the function wrote becomes part of the text in the way that it says; false: not its call.
static bool settle(buf *out, call *c, wt_result result, str made) {
    wt_parser *p = c->p;
    switch (result) {
    case WT_DONE:
        buf_add(out, made);
        break;
    case WT_AGAIN:
        buf_add(out, wt_expand_text(p, made, c->frame));
        break;
    case WT_HTML:
        wt_strip_add(out, p, WT_STRIP_GENERAL, made);
        break;
    case WT_NOT_MINE:
        return false;
    }
    return true;
}

// A function or variable; false: there is none of this name.
static bool call_function(buf *out, call *c) {
    wt_parser *p = c->p;
    size_t colon = str_find_byte(c->name, ':');
    bool has_colon = colon < c->name.len;
    if (!has_colon && (c->part || c->is_prefixed)) return false;
    str name = str_first(c->name, colon), first = str_trim(str_skip(c->name, colon + 1));
    bool can_invoke = p->o->module || p->o->families;
    if (has_colon && can_invoke && str_eq_nocase(name, STR("#invoke"))) {
        invoke(out, c, first);
        return true;
    }
    const wt_func *func = wt_func_find(name, has_colon);
    if (!func) return false;
    wt_call self = {.p = p,
                    .frame = c->frame,
                    .name = name.len && name.ptr[0] == '#' ? str_skip(name, 1) : name,
                    .first = first,
                    .part = c->part,
                    .n = 1,
                    .has_colon = has_colon};
    for (const wt_node *part = c->part; part; part = part->next)
        self.n++;
    self.parts = parts_of(p, c->part, self.n - 1);
    meter m = meter_start(p);
    buf made;
    buf_init(&made, p->mem, 0);
    wt_result result = func->run(&made, &self);
    bool is_mine = settle(out, c, result, buf_str(&made));
    if (made.failed) p->over |= WT_OVER_MEMORY;
    meter_stop(m, p, name, made.len);
    return is_mine;
}

static str without_prefix(str name, str prefix) {
    return str_starts_nocase(name, prefix) ? str_skip(name, prefix.len) : name;
}

// In front of a table or list a line is broken, whatever stands before it.
static void break_line(buf *out, size_t start, bool at_line_start) {
    str made = str_skip(buf_str(out), start);
    bool is_block =
        str_starts(made, STR("{|")) || (made.len && memchr(":;#*", made.ptr[0], 4) != NULL);
    if (at_line_start || !is_block) return;
    buf_byte(out, '\n');
    if (out->failed) return;
    memmove(out->ptr + start + 1, out->ptr + start, made.len);
    out->ptr[start] = '\n';
}

// I3
static void count_bytes(buf *out, const call *c, size_t start) {
    wt_parser *p = c->p;
    if (wt_count_bytes(p, &p->page->expanded_bytes, p->limits.expanded_bytes, out->len - start,
                       WT_OVER_EXPANDED))
        return;
    str title = c->title.len ? c->title : without_prefix(c->name, STR(":"));
    out->len = start;
    buf_fmt(out, "[[:%.*s]]", STR_ARG(title));
    wt_strip_add(out, p, WT_STRIP_GENERAL,
                 STR("<!-- WARNING: template omitted, post-expand include size too large -->"));
}

// How many bytes at the start of `text` are to be a reference to the last of them, with what stands
// before it as it is; 0: none. At the start of a line marks of lists, tables and blanks count, too.
static size_t to_escape(str text, bool at_line_start) {
    static const char *const pairs[] = {"!!", "__", "~~~", "----"};
    if (memchr("\"&'<=>[]{|};", text.ptr[0], 13)) return 1;
    if (at_line_start && memchr("!#*: \n\t", text.ptr[0], 7)) return 1;
    for (size_t i = 0; i < countof(pairs); i++)
        if (str_starts(text, str_of(pairs[i]))) return 2;
    return str_starts(text, STR("://"));
}

// Wikitext that shows as what was written since `start`.
static void show_as_written(buf *out, wt_parser *p, size_t start) {
    str text = arena_str(p->mem, str_skip(buf_str(out), start));
    bool at_line_start = true;
    out->len = start;
    for (size_t i = 0; i < text.len; i++) {
        size_t n = to_escape(str_skip(text, i), at_line_start);
        if (n > 1) buf_byte(out, text.ptr[i++]);
        if (n)
            buf_fmt(out, "&#%d;", (unsigned char)text.ptr[i]);
        else
            buf_byte(out, text.ptr[i]);
        at_line_start = text.ptr[i] == '\n';
    }
}

bool wt_transclude(buf *out, wt_parser *p, const wt_frame *frame, const wt_node *node) {
    str written = wt_expand_str(p, frame, node->child);
    call c = {.p = p, .frame = frame, .node = node, .part = node->child->next};
    c.name = str_trim(written);
    size_t start = out->len;
    bool is_text = str_starts_nocase(c.name, STR("subst:"));
    if (!is_text) {
        str name = c.name = without_prefix(c.name, STR("safesubst:"));
        str plain = without_prefix(name, STR("msgnw:"));
        c.as_written = plain.ptr != name.ptr;
        c.name = c.as_written ? plain : without_prefix(name, STR("msg:"));
        c.name = without_prefix(c.name, STR("raw:"));
        c.is_prefixed = c.name.ptr != name.ptr;
        is_text = !call_function(out, &c) && !call_template(out, &c);
    }
    if (is_text) {
        buf_add(out, STR("{{"));
        buf_add(out, written);
        return false;
    }
    if (c.as_written)
        show_as_written(out, p, start);
    else
        break_line(out, start, node->line_start);
    count_bytes(out, &c, start);
    return true;
}
