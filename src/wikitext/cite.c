// wikitext/cite.c -- footnotes: <ref> and <references>, as Extension:Cite shows them.
//
//     <ref name=a group=g>text</ref>  -->  [1], and its text kept as written
//     <references group=g/>           -->  a list of the notes of g since its last list
//
// A note's text is parsed when its list is written, once, however often the note is used. A note
// inside a note is numbered while its list is written, and stands at the list's end.
//
// I1  numbers are by group, in the order of first use; keys (ids) are by page and never repeat
// I2  a note is found by group and name in one table: a page of 10,000 notes costs 10,000 probes
// I3  no note is lost: wt_cite_finish lists what no <references> has listed
// I4  names and groups come from outside: they go into ids and text escaped only
//
// Rejected: parsing all notes of a list as one text, as Cite does. An unclosed tag in one would
// reach into the next.
// Source: mediawiki.org/wiki/Help:Cite, Extension:Cite

#include "base/utf8.h"
#include "wikitext/ext.h"

enum { COLUMNS_FROM = 11, NONE = -1, GROUPS_MAX = 256, ROUNDS_MAX = 8 };

typedef struct note {
    str name;  // "" for one without
    str text;  // as written
    str problem, dir;
    int32_t group, parent;  // parent: the note that this one gives details of
    uint32_t key;           // 1, 2, 3... on the page
    uint32_t number;        // in its group, or among the details of its parent; 0: not used yet
    uint32_t uses, n_details;
    int32_t first_detail, last_detail, next_detail;
    bool has_text, is_listed;
} note;

typedef struct cite_group {
    str name;
    uint32_t next;    // numbers given
    uint32_t listed;  // of these in lists
    size_t from;      // no note before this one waits for a list
} cite_group;

// A use of a note, to be taken back when the text it stood in defines notes only.
typedef struct cite_use {
    uint32_t strip;
    uint32_t note;
    bool is_first;
} cite_use;

typedef struct wt_cite {
    wt_list notes, groups, uses;  // note, cite_group, cite_use
    uint32_t *slots;              // 1 + index of a note with a name; 0: free
    size_t n_slots, n_names;
    uint32_t keys;
    int32_t inside;  // group of the <references> that is read now, or NONE
    buf *problems;   // of it
} wt_cite;

static wt_cite *cite_of(wt_parser *p) {
    if (!p->cite && (p->cite = arena_try(p->mem, sizeof *p->cite))) p->cite->inside = NONE;
    return p->cite;
}

static note *note_at(const wt_cite *c, size_t i) {
    return (note *)c->notes.at + i;
}

static cite_group *group_at(const wt_cite *c, int32_t i) {
    return (cite_group *)c->groups.at + i;
}

// --- Groups and names -----------------------------------------------------------------------

static int32_t group_of(wt_parser *p, wt_cite *c, str name) {
    for (size_t i = 0; i < c->groups.n; i++)
        if (str_eq(group_at(c, (int32_t)i)->name, name)) return (int32_t)i;
    if (c->groups.n == GROUPS_MAX) return 0;
    cite_group *g = wt_list_add(p, &c->groups, sizeof *g);
    if (!g) return NONE;
    g->name = arena_str(p->mem, name);
    return (int32_t)c->groups.n - 1;
}

static size_t slot_of(const wt_cite *c, int32_t group, str name) {
    size_t i = str_hash(name, (uint64_t)group) & (c->n_slots - 1);
    while (c->slots[i]) {
        const note *n = note_at(c, c->slots[i] - 1);
        if (n->group == group && str_eq(n->name, name)) break;
        i = (i + 1) & (c->n_slots - 1);
    }
    return i;
}

static bool grow_slots(wt_parser *p, wt_cite *c) {
    if (2 * c->n_names < c->n_slots) return true;
    size_t n = c->n_slots ? 2 * c->n_slots : 64;
    uint32_t *old = c->slots, *slots = arena_try_array(p->mem, n, sizeof *slots);
    if (!slots) return false;
    size_t n_old = c->n_slots;
    c->slots = slots, c->n_slots = n;
    for (size_t i = 0; i < n_old; i++)
        if (old[i]) {
            const note *one = note_at(c, old[i] - 1);
            slots[slot_of(c, one->group, one->name)] = old[i];
        }
    return true;
}

static note *find_note(const wt_cite *c, int32_t group, str name) {
    if (!name.len || !c->n_slots) return NULL;
    uint32_t slot = c->slots[slot_of(c, group, name)];
    return slot ? note_at(c, slot - 1) : NULL;
}

static note *new_note(wt_parser *p, wt_cite *c, int32_t group, str name) {
    if (name.len && !grow_slots(p, c)) return NULL;
    note *n = wt_list_add(p, &c->notes, sizeof *n);
    if (!n) return NULL;
    *n = (note){.name = name, .group = group, .parent = NONE, .key = ++c->keys};
    n->first_detail = n->last_detail = n->next_detail = NONE;
    if (name.len) {
        c->slots[slot_of(c, group, name)] = (uint32_t)c->notes.n;
        c->n_names++;
    }
    return n;
}

// --- Errors ---------------------------------------------------------------------------------

static void put_error(buf *out, const char *message, str name) {
    buf_add(out,
            STR("<span class=\"error mw-ext-cite-error\" lang=\"en\" dir=\"ltr\">Cite error: "));
    for (const char *at = message; *at; at++)
        if (*at == '$')
            html_escape(out, name);
        else
            buf_byte(out, *at);
    buf_add(out, STR("</span>"));
}

#define TAG_REF  "<code>&lt;ref&gt;</code> tag"
#define INVALID  "Invalid " TAG_REF "; "
#define TAG_DEFS "<code>&lt;references&gt;</code>"

static const char no_content[] = INVALID "refs with no name must have content",
                  numeric_name[] =
                      INVALID "name cannot be a simple integer. Use a descriptive title",
                  bad_names[] = INVALID "invalid names, e.g. too many",
                  not_closed[] = "Closing <code>&lt;/ref&gt;</code> missing for " TAG_REF,
                  no_text[] = INVALID "no text was provided for refs named <code>$</code>",
                  two_texts[] = INVALID "name \"$\" defined multiple times with different content",
                  other_group[] = TAG_REF " in " TAG_DEFS " has conflicting group attribute \"$\".",
                  no_name[] = TAG_REF " defined in " TAG_DEFS " has no name attribute.",
                  empty_text[] = TAG_REF " defined in " TAG_DEFS " with name \"$\" has no content.",
                  not_used[] =
                      TAG_REF " with name \"$\" defined in " TAG_DEFS " is not used in prior text.",
                  bad_list[] = "Invalid " TAG_DEFS " tag; parameter \"group\" is allowed only. Use "
                               "<code>&lt;references /&gt;</code>, or "
                               "<code>&lt;references group=\"...\" /&gt;</code>";

static void show_error(buf *out, const wt_ext *e, const char *message, str name) {
    buf b;
    buf_init(&b, e->p->mem, 256);
    put_error(&b, message, name);
    wt_ext_put(out, e, &b);
}

// Below the list that is read now.
static void complain(wt_cite *c, const char *message, str name) {
    buf_add(c->problems, c->problems->len ? STR("<br />\n") : STR("\n"));
    put_error(c->problems, message, name);
}

// --- Labels and ids -------------------------------------------------------------------------

static void put_letters(buf *out, uint32_t n, char a) {
    char text[8];
    size_t len = 0;
    for (; n && len < sizeof text; n = (n - 1) / 26)
        text[len++] = (char)(a + (char)((n - 1) % 26));
    while (len)
        buf_byte(out, text[--len]);
}

static void put_roman(buf *out, uint32_t n, bool is_upper) {
    static const struct {
        uint32_t value;
        const char *text;
    } digits[] = {{1000, "m"}, {900, "cm"}, {500, "d"}, {400, "cd"}, {100, "c"},
                  {90, "xc"},  {50, "l"},   {40, "xl"}, {10, "x"},   {9, "ix"},
                  {5, "v"},    {4, "iv"},   {1, "i"}};
    for (size_t i = 0; i < countof(digits); i++)
        for (; n >= digits[i].value; n -= digits[i].value)
            for (const char *c = digits[i].text; *c; c++)
                buf_byte(out, is_upper ? (char)(*c - 32) : *c);
}

static void put_greek(buf *out, uint32_t n) {
    char text[UTF8_MAX];
    int32_t cp = 0x3B0 + (int32_t)n + (n > 17);  // without the final sigma
    buf_add(out, (str){text, utf8_encode(text, cp)});
}

// What stands in the brackets: "1", "note 1", and "a" in the groups that Wikipedia numbers so.
static void put_number(buf *out, str group, uint32_t n) {
    if (str_eq(group, STR("lower-alpha"))) return put_letters(out, n, 'a');
    if (str_eq(group, STR("upper-alpha"))) return put_letters(out, n, 'A');
    if (str_eq(group, STR("lower-roman")) && n < 4000) return put_roman(out, n, false);
    if (str_eq(group, STR("upper-roman")) && n < 4000) return put_roman(out, n, true);
    if (str_eq(group, STR("lower-greek")) && n <= 24) return put_greek(out, n);
    if (group.len && !str_eq(group, STR("decimal"))) {
        html_escape(out, group);
        buf_byte(out, ' ');
    }
    buf_u64(out, n);
}

static void put_label(buf *out, const wt_cite *c, const note *n) {
    str name = group_at(c, n->group)->name;
    if (n->parent == NONE) return put_number(out, name, n->number);
    put_number(out, name, note_at(c, (size_t)n->parent)->number);
    buf_fmt(out, ".%u", n->number);
}

// Needs nothing done to be an id: most names.
static bool is_plain(str name) {
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool is_word = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z');
        if (!is_word && c != '-' && c != '.' && c != ':') return false;
    }
    return true;
}

// A name in an id, or in a link to it: runs of spaces are one "_".
static void put_name(buf *out, str name, bool is_link, arena *a) {
    buf b;
    if (is_plain(name)) return buf_add(out, name);
    buf_init(&b, a, name.len);
    for (size_t i = 0; i < name.len; i++) {
        char ch = strchr(" \t\n\r_", name.ptr[i]) ? '_' : name.ptr[i];
        if (ch != '_' || !b.len || b.ptr[b.len - 1] != '_') buf_byte(&b, ch);
    }
    str id = html_id(buf_str(&b), a);
    if (!is_link) return html_escape(out, id);
    buf_init(&b, a, id.len);
    html_fragment(&b, id);
    html_escape(out, buf_str(&b));
}

static void put_note_id(buf *out, const note *n, bool is_link, arena *a) {
    buf_add(out, STR("cite_note-"));
    if (n->name.len) {
        put_name(out, n->name, is_link, a);
        buf_byte(out, '-');
    }
    buf_u64(out, n->key);
}

static void put_use_id(buf *out, const note *n, uint32_t use, bool is_link, arena *a) {
    buf_add(out, STR("cite_ref-"));
    if (n->name.len) {
        put_name(out, n->name, is_link, a);
        buf_fmt(out, "_%u-%u", n->key, use);
    } else {
        buf_u64(out, n->key);
        if (use) buf_fmt(out, "-%u", use);
    }
}

// --- <ref> ----------------------------------------------------------------------------------

typedef struct ref {
    str name, group, follow, extends, details, dir, text;
    bool has_group, is_bad, has_text;
} ref;

static bool is_integer(str s) {
    uint64_t n;
    return str_parse_u64(&n, s);
}

static ref read_ref(const wt_ext *e) {
    ref r = {.text = e->inner, .has_text = e->has_inner && str_trim(e->inner).len};
    wt_attr attrs[WT_EXT_ATTRS];
    size_t n = e->attrs.len ? wt_attrs_read(attrs, countof(attrs), e->attrs, e->p->mem) : 0;
    for (size_t i = 0; i < n; i++) {
        str key = attrs[i].name, value = str_trim(attrs[i].value);
        if (str_eq(key, STR("name")))
            r.name = value;
        else if (str_eq(key, STR("group")))
            r.group = value, r.has_group = true;
        else if (str_eq(key, STR("follow")))
            r.follow = value;
        else if (str_eq(key, STR("extends")))
            r.extends = value;
        else if (str_eq(key, STR("details")))
            r.details = value;
        else if (str_eq(key, STR("dir")))
            r.dir = value;
        else
            r.is_bad = true;
    }
    return r;
}

// "<ref>a <ref>b</ref>": the first was never closed.
static bool holds_ref(str text) {
    for (size_t i = 0; (i += str_find(str_skip(text, i), STR("<ref"))) < text.len; i += 4) {
        str rest = str_skip(text, i + 4);
        if (str_starts(rest, STR("erences"))) rest = str_skip(rest, 7);
        bool is_tag = rest.len && strchr(" \t\n/>", rest.ptr[0]);
        if (is_tag && str_find_byte(rest, '>') < rest.len) {
            str before = str_first(text, i);
            size_t open = str_find(before, STR("<nowiki>"));
            return open == before.len;
        }
    }
    return false;
}

static const char *problem_of(const ref *r) {
    if (r->is_bad || (r->follow.len && (r->name.len || r->extends.len))) return bad_names;
    if (is_integer(r->name) || is_integer(r->follow)) return numeric_name;
    if (!r->name.len && !r->has_text) return no_content;
    if (r->has_text && holds_ref(r->text)) return not_closed;
    return NULL;
}

static void give_text(note *n, str text) {
    if (!n->has_text) {
        n->text = text;
        n->has_text = true;
    } else if (!str_eq(str_trim(n->text), str_trim(text)) && n->text.len) {
        n->problem = n->name;
    }
}

// Inside <references>: only defines.
static void define(const wt_ext *e, wt_cite *c, const ref *r) {
    const char *why = NULL;
    str name = r->name;
    note *n = find_note(c, c->inside, r->name);
    if (r->has_group && !str_eq(r->group, group_at(c, c->inside)->name))
        why = other_group, name = r->group;
    else if (!r->name.len)
        why = no_name;
    else if (!r->has_text)
        why = empty_text;
    else if (n || (n = new_note(e->p, c, c->inside, r->name)))
        give_text(n, r->text);
    if (why && c->problems) complain(c, why, name);
}

static void put_mark(buf *out, const wt_ext *e, const wt_cite *c, const note *n) {
    buf b;
    buf_init(&b, e->p->mem, 192 + 2 * n->name.len);
    buf_add(&b, STR("<sup id=\""));
    put_use_id(&b, n, n->uses - 1, false, e->p->mem);
    buf_add(&b, STR("\" class=\"reference\"><a href=\"#"));
    put_note_id(&b, n, true, e->p->mem);
    buf_add(&b, STR("\"><span class=\"cite-bracket\">&#91;</span>"));
    put_label(&b, c, n);
    buf_add(&b, STR("<span class=\"cite-bracket\">&#93;</span></a></sup>"));
    wt_ext_put(out, e, &b);
}

static void give_number(wt_cite *c, note *n) {
    cite_group *g = group_at(c, n->group);
    if (n->number) return;
    n->number = ++g->next;
    g->from = min_size(g->from, (size_t)(n - note_at(c, 0)));
}

// Among the details of its parent.
static void give_place(wt_cite *c, note *n) {
    note *parent = note_at(c, (size_t)n->parent);
    int32_t i = (int32_t)(n - note_at(c, 0));
    n->number = ++parent->n_details;
    if (parent->last_detail == NONE)
        parent->first_detail = i;
    else
        note_at(c, (size_t)parent->last_detail)->next_detail = i;
    parent->last_detail = i;
}

// Uses a note, and remembers how to take that back.
static void use_note(buf *out, const wt_ext *e, wt_cite *c, note *n) {
    cite_use *u = wt_list_add(e->p, &c->uses, sizeof *u);
    if (!u) return;
    *u = (cite_use){(uint32_t)e->p->strips.n, (uint32_t)(n - note_at(c, 0)), !n->number};
    if (n->parent == NONE)
        give_number(c, n);
    else if (!n->number)
        give_place(c, n);
    n->uses++;
    put_mark(out, e, c, n);
}

// The text goes on in a note that stands already.
static void follow(buf *out, const wt_ext *e, wt_cite *c, const ref *r, int32_t group) {
    note *n = find_note(c, group, r->follow);
    if (n) {
        buf b;
        buf_init(&b, e->p->mem, n->text.len + r->text.len + 1);
        buf_add(&b, n->text);
        buf_byte(&b, ' ');
        buf_add(&b, r->text);
        n->text = buf_str(&b), n->has_text = true;
    } else if ((n = new_note(e->p, c, group, STR("")))) {
        give_text(n, r->text);
        use_note(out, e, c, n);
    }
}

// <ref name=x details="p. 3"/>: a note below x.
static void detail(buf *out, const wt_ext *e, wt_cite *c, const ref *r, int32_t group) {
    str parent_name = r->extends.len ? r->extends : r->name;
    note *parent = find_note(c, group, parent_name);
    if (parent && (parent->is_listed || parent->parent != NONE)) parent = NULL;
    if (!parent && !(parent = new_note(e->p, c, group, parent_name))) return;
    give_number(c, parent);
    if (r->details.len && r->has_text) give_text(parent, r->text);
    int32_t place = (int32_t)(parent - note_at(c, 0));
    str name = r->extends.len ? r->name : STR("");
    note *n = find_note(c, group, name);
    bool is_ours = n && n->parent == place && !n->is_listed;
    if (!is_ours && !(n = new_note(e->p, c, group, name))) return;
    n->parent = place;
    if (r->details.len || r->has_text) give_text(n, r->details.len ? r->details : r->text);
    use_note(out, e, c, n);
}

void wt_ext_ref(buf *out, const wt_ext *e) {
    wt_cite *c = cite_of(e->p);
    if (!c || wt_spend(e->p, 1)) return;
    ref r = read_ref(e);
    const char *problem = c->inside == NONE || r.is_bad ? problem_of(&r) : NULL;
    if (problem) return show_error(out, e, problem, STR(""));
    if (c->inside != NONE) return define(e, c, &r);
    int32_t group = group_of(e->p, c, r.group);
    if (group == NONE) return;
    if (r.follow.len) return follow(out, e, c, &r, group);
    if (r.details.len || r.extends.len) return detail(out, e, c, &r, group);
    note *n = find_note(c, group, r.name);
    if (n && n->is_listed) n = NULL;  // its list stands: the name starts anew
    if (!n && !(n = new_note(e->p, c, group, r.name))) return;
    if (r.has_text) give_text(n, r.text);
    if (r.dir.len) n->dir = r.dir;
    use_note(out, e, c, n);
}

// --- Lists ----------------------------------------------------------------------------------

static void put_backlinks(buf *out, const note *n, arena *a) {
    if (!n->uses) return;
    buf_add(out, STR("<span class=\"mw-cite-backlink\">"));
    if (n->uses == 1) {
        buf_add(out, STR("<a href=\"#"));
        put_use_id(out, n, 0, true, a);
        buf_add(out, STR("\">\xe2\x86\x91</a></span> "));
        return;
    }
    buf_add(out, STR("\xe2\x86\x91"));
    for (uint32_t i = 0; i < n->uses; i++) {
        buf_add(out, STR(" <sup><a href=\"#"));
        put_use_id(out, n, i, true, a);
        buf_add(out, STR("\">"));
        put_letters(out, i + 1, 'a');
        buf_add(out, STR("</a></sup>"));
    }
    buf_add(out, STR("</span> "));
}

static void put_text(buf *out, wt_parser *p, size_t i) {
    note n = *note_at(p->cite, i);  // the list of notes may move while the text is parsed
    str text = n.has_text ? wt_parse_inside(p, n.text, NULL) : STR("");
    if (!n.has_text) return put_error(out, no_text, n.name);
    while (text.len && strchr(" \t\n", text.ptr[text.len - 1]))
        text.len--;
    buf_add(out, STR("<span class=\"reference-text\">"));
    buf_add(out, text);
    if (n.problem.len) {
        buf_byte(out, ' ');
        put_error(out, two_texts, n.problem);
    }
    buf_add(out, STR("</span>\n"));
}

static void put_item(buf *out, wt_parser *p, size_t i);

static void put_details(buf *out, wt_parser *p, size_t parent) {
    int32_t i = note_at(p->cite, parent)->first_detail;
    if (i == NONE) return;
    buf_add(out, STR("<ol class=\"mw-subreference-list\">"));
    for (; i != NONE; i = note_at(p->cite, (size_t)i)->next_detail)
        put_item(out, p, (size_t)i);
    buf_add(out, STR("</ol>"));
}

static void put_item(buf *out, wt_parser *p, size_t i) {
    note *n = note_at(p->cite, i);
    n->is_listed = true;
    bool has_dir = str_eq(n->dir, STR("rtl")) || str_eq(n->dir, STR("ltr"));
    buf_add(out, STR("<li id=\""));
    put_note_id(out, n, false, p->mem);
    buf_byte(out, '"');
    if (has_dir) buf_fmt(out, " class=\"mw-cite-dir-%.*s\"", STR_ARG(n->dir));
    buf_byte(out, '>');
    put_backlinks(out, n, p->mem);
    put_text(out, p, i);
    put_details(out, p, i);
    buf_add(out, STR("</li>\n"));
}

static bool is_due(const note *n, int32_t group) {
    return n->group == group && n->number && !n->is_listed && n->parent == NONE;
}

// Indices of the notes that wait for a list of this group, by number; 0 ends what has no note.
static size_t due(uint32_t **out, wt_parser *p, int32_t group) {
    wt_cite *c = p->cite;
    cite_group *g = group_at(c, group);
    size_t room = g->next - g->listed, n = 0;
    uint32_t *order = arena_try_array(p->mem, room + 1, sizeof *order);
    if (!order) return 0;
    for (size_t i = g->from; i < c->notes.n; i++) {
        const note *one = note_at(c, i);
        if (!is_due(one, group)) continue;
        order[one->number - g->listed - 1] = (uint32_t)i + 1;
        n++;
    }
    *out = order;
    return n;
}

static void put_items(buf *out, wt_parser *p, int32_t group, uint32_t *order) {
    for (int round = 0; round < ROUNDS_MAX && !wt_over(p); round++) {
        cite_group *g = group_at(p->cite, group);
        size_t n = g->next - g->listed;
        g->listed = g->next, g->from = p->cite->notes.n;
        for (size_t i = 0; i < n; i++)
            if (order[i]) put_item(out, p, order[i] - 1);
        if (!due(&order, p, group)) return;
    }
}

static void put_list(buf *out, wt_parser *p, int32_t group, bool is_responsive) {
    uint32_t *order;
    size_t n = due(&order, p, group);
    if (!n) return;
    str name = group_at(p->cite, group)->name;
    if (is_responsive)
        buf_add(out, n >= COLUMNS_FROM
                         ? STR("<div class=\"mw-references-wrap mw-references-columns\">")
                         : STR("<div class=\"mw-references-wrap\">"));
    buf_add(out, STR("<ol class=\"references\""));
    if (name.len) {
        buf_add(out, STR(" data-mw-group=\""));
        html_escape(out, name);
        buf_byte(out, '"');
    }
    buf_add(out, STR(">\n"));
    put_items(out, p, group, order);
    buf_add(out, is_responsive ? STR("</ol></div>") : STR("</ol>"));
}

// --- <references> ---------------------------------------------------------------------------

// The use that made marker `strip`.
static const cite_use *use_of(const wt_cite *c, uint32_t strip) {
    const cite_use *uses = c->uses.at;
    size_t a = 0, b = c->uses.n;
    while (a < b) {
        size_t mid = a + (b - a) / 2;
        if (uses[mid].strip < strip)
            a = mid + 1;
        else
            b = mid;
    }
    return a < c->uses.n && uses[a].strip == strip ? &uses[a] : NULL;
}

// {{#tag:references|<ref name=a>x</ref>}}: these were read as uses before we got here. From the
// last one on, so that numbers are given back in order.
static void take_back(wt_cite *c, str text) {
    for (size_t i = text.len; i-- > 0;) {
        wt_strip kind;
        uint32_t strip;
        bool is_mark = text.ptr[i] == WT_MARK && wt_mark_at(&kind, &strip, str_skip(text, i));
        const cite_use *u = is_mark && kind == WT_STRIP_EXT ? use_of(c, strip) : NULL;
        note *n = u ? note_at(c, u->note) : NULL;
        if (!n || !n->uses || n->is_listed) continue;
        n->uses--;
        if (n->uses || n->parent != NONE) continue;
        cite_group *g = group_at(c, n->group);
        if (n->number == g->next) g->next--;
        n->number = 0;
        complain(c, n->name.len ? not_used : no_name, n->name);
    }
}

// Reads the definitions between <references> and </references>.
static void define_all(const wt_ext *e, wt_cite *c, int32_t group) {
    size_t first = c->notes.n;
    c->inside = group;
    take_back(c, e->inner);
    wt_expand_text(e->p, e->inner, e->frame);
    c->inside = NONE;
    for (size_t i = first; i < c->notes.n; i++)
        if (!note_at(c, i)->number) complain(c, not_used, note_at(c, i)->name);
}

void wt_ext_references(buf *out, const wt_ext *e) {
    wt_cite *c = cite_of(e->p);
    wt_attr attrs[WT_EXT_ATTRS];
    str name = STR("");
    bool is_responsive = true;
    if (!c || c->inside != NONE) return;
    size_t n = e->attrs.len ? wt_attrs_read(attrs, countof(attrs), e->attrs, e->p->mem) : 0;
    for (size_t i = 0; i < n; i++) {
        if (str_eq(attrs[i].name, STR("group")))
            name = str_trim(attrs[i].value);
        else if (str_eq(attrs[i].name, STR("responsive")))
            is_responsive = !str_eq(attrs[i].value, STR("0"));
        else
            return show_error(out, e, bad_list, STR(""));
    }
    int32_t group = group_of(e->p, c, name);
    buf problems, b;
    if (group == NONE) return;
    buf_init(&problems, e->p->mem, 0);
    c->problems = &problems;
    if (e->has_inner && str_trim(e->inner).len) define_all(e, c, group);
    c->problems = NULL;
    buf_init(&b, e->p->mem, 4096);
    put_list(&b, e->p, group, is_responsive);
    buf_add(&b, buf_str(&problems));
    wt_ext_put(out, e, &b);
}

void wt_cite_finish(buf *out, wt_parser *p) {
    for (size_t i = 0; p->cite && i < p->cite->groups.n; i++) {
        buf b;
        buf_init(&b, p->mem, 4096);
        put_list(&b, p, (int32_t)i, true);
        if (!b.len) continue;
        buf_byte(out, '\n');
        wt_strip_add(out, p, WT_STRIP_EXT, buf_str(&b));
    }
}
