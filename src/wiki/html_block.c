// Lines: headings, lists, tables, preformatted text, paragraphs.
//
// A line ends at a newline outside brackets, so a template over many lines is part of one line.
// Paragraphs are not looked for: text opens one where one is due (html_out.c), and an empty line or
// a block element ends it. That needs no look-ahead and cannot get out of step with the stack.
//
//   I1  while frame->n_list is not 0, list and item of level k are at list_base + 2k and + 2k + 1
//   I2  every element opened by a frame is closed when html__blocks returns

#include "wiki/html.h"

static char at(const html *h, size_t i, range r) {
    return i < r.b ? h->src.ptr[i] : 0;
}

static size_t line_end(const html *h, size_t i, size_t limit) {
    while (i < limit && h->src.ptr[i] != '\n') {
        size_t span = html__span(h, i, limit);
        i = span ? span : i + 1;
    }
    return i;
}

// --- Leaving what lines opened ---------------------------------------------------------------

static void end_list(html *h) {
    html__frame *f = h->frame;
    if (f->n_list) html__pop_to(h, f->list_base);
    f->n_list = 0;
}

static void end_pre(html *h) {
    if (h->frame->pre >= 0) html__pop_to(h, h->frame->pre);
    h->frame->pre = -1;
}

static void end_lines(html *h) {
    end_pre(h);
    end_list(h);
}

static void leave_to(html *h, int n) {
    end_lines(h);
    html__pop_to(h, n);
}

// --- Text ------------------------------------------------------------------------------------

static void text_line(html *h, range r) {
    end_lines(h);
    html__line(h, r, false);
    html__text(h, STR("\n"));
}

static void blank_line(html *h) {
    end_lines(h);
    if (!html__block(h) || h->n_stack <= h->frame->base) return;
    html__elem *top = &h->stack[h->n_stack - 1];
    top->wants_p = top->tag == TAG_TD || top->tag == TAG_TH;
}

static bool starts_block_tag(const html *h, range r) {
    html__markup m;
    if (at(h, r.a, r) != '<' || !html__markup_at(&m, h->src, r.a)) return false;
    html__tag tag = html__tag_named(m.name);
    return (tag != TAG_COUNT && (html__flags(tag) & BLOCK)) || html__ext_named(m.name) != EXT_COUNT;
}

// A line that starts with a space. `t` is its text without it.
static void pre_line(html *h, range r, range t) {
    if (starts_block_tag(h, t)) return text_line(h, t);
    end_list(h);
    if (h->frame->pre < 0) {
        html__block(h);
        int n = h->n_stack;
        if (!html__push(h, TAG_PRE, BY_LINE, (str){0})) return text_line(h, t);
        h->frame->pre = n;
    }
    html__line(h, (range){r.a + 1, r.b}, false);
    html__text(h, STR("\n"));
}

static void rule_line(html *h, range r) {
    end_lines(h);
    html__block(h);
    html__lit(h, "<hr>\n");
    while (at(h, r.a, r) == '-')
        r.a++;
    if (html__trim(h, r).a < r.b) text_line(h, r);
}

// --- Headings --------------------------------------------------------------------------------

enum { ANCHOR_MAX = 512 };

// The text of our own HTML without tags; it stays escaped.
static str text_of(str markup, arena *a) {
    buf b;
    buf_init(&b, a, ANCHOR_MAX + 16);
    bool in_tag = false;
    for (size_t i = 0; i < markup.len && b.len < ANCHOR_MAX; i++) {
        char c = markup.ptr[i];
        in_tag |= c == '<';
        bool is_gap = c == ' ' || c == '\n' || c == '\t';
        if (!in_tag && !(is_gap && !b.len)) buf_byte(&b, is_gap ? '_' : c);
        in_tag &= c != '>';
    }
    str s = buf_str(&b);
    if (s.len == ANCHOR_MAX) {  // cut: neither inside a character nor inside an entity
        s.len = utf8_complete(s);
        for (size_t i = s.len; i-- > 0 && i + 40 > s.len && s.ptr[i] != ';';)
            if (s.ptr[i] == '&') s.len = i;
    }
    while (s.len && s.ptr[s.len - 1] == '_')
        s.len--;
    return s;
}

// Distinct ids: "Name", "Name_2", "Name_3".
static str unique_id(html *h, str name, arena *a) {
    html__slot *slot = html__slot_of(&h->ids, name);
    if (!slot->key.len) {
        slot->key = html__keep(h, name);
        slot->value = 1;
        return name;
    }
    for (;;) {
        str id = arena_fmt(a, "%.*s_%u", STR_ARG(name), ++slot->value);
        html__slot *other = html__slot_of(&h->ids, id);
        if (other->key.len) continue;
        str kept = html__keep(h, id);  // before it may be looked for again
        if (h->n_ids++ < h->n_ids_max) *other = (html__slot){kept, 1};
        return id;
    }
}

// Writes `tag` with its id in front of what was written since `mark`.
static void insert_start(html *h, html__tag tag, size_t mark) {
    arena a = h->mem;
    str name = text_of((str){h->out->ptr + mark, h->out->len - mark}, &a);
    str id = name.len ? unique_id(h, name, &a) : name;
    buf start;
    buf_init(&start, &a, id.len + 32);
    buf_fmt(&start, "<%s", html__name(tag));
    if (id.len) {
        buf_add(&start, STR(" id=\""));
        buf_add(&start, id);
        buf_byte(&start, '"');
    }
    buf_byte(&start, '>');
    size_t n = h->out->len - mark;
    if (start.failed || !buf_room(h->out, start.len)) return;
    memmove(h->out->ptr + mark + start.len, h->out->ptr + mark, n);
    memcpy(h->out->ptr + mark, start.ptr, start.len);
    h->out->len += start.len;
}

// "== text ==": its level and text. False when the line is none.
static bool parse_heading(int *level, range *text, const html *h, range r) {
    r = html__trim(h, r);
    size_t lead = 0, trail = 0, n = r.b - r.a;
    while (lead < n && h->src.ptr[r.a + lead] == '=')
        lead++;
    while (trail < n && h->src.ptr[r.b - 1 - trail] == '=')
        trail++;
    if (!trail || n < 3) return false;
    if (lead == n) lead = trail = (n - 1) / 2;  // "=====" is a heading "="
    size_t k = min_size(6, min_size(lead, trail));
    *level = (int)k;
    *text = html__trim(h, (range){r.a + k, r.b - k});
    return true;
}

static void heading_line(html *h, range r) {
    int level, base;
    range text;
    if (!parse_heading(&level, &text, h, r)) return text_line(h, r);
    end_lines(h);
    html__block(h);
    base = h->n_stack;
    if (base == HTML__STACK_MAX) return text_line(h, text);
    html__tag tag = (html__tag)(TAG_H1 + level - 1);
    size_t mark = h->out->len;
    h->stack[h->n_stack++] = (html__elem){.tag = (uint8_t)tag, .owner = BY_LINE};
    h->inline_only++;
    html__inline(h, text);
    h->inline_only--;
    if (!h->out->failed) insert_start(h, tag, mark);
    html__pop_to(h, base);
}

// --- Lists -----------------------------------------------------------------------------------

static bool is_list_mark(char c) {
    return c == '*' || c == '#' || c == ':' || c == ';';
}

static html__tag list_of(char mark) {
    return mark == '*' ? TAG_UL : mark == '#' ? TAG_OL : TAG_DL;
}

static html__tag item_of(char mark) {
    return mark == ';' ? TAG_DT : mark == ':' ? TAG_DD : TAG_LI;
}

static void list_line(html *h, range r) {
    html__frame *f = h->frame;
    char marks[HTML__LIST_MAX];
    int n = 0, common = 0;
    while (n < HTML__LIST_MAX && is_list_mark(at(h, r.a, r)))
        marks[n++] = h->src.ptr[r.a++];
    end_pre(h);
    if (!f->n_list) {
        html__block(h);
        f->list_base = h->n_stack;
    }
    while (common < n && common < f->n_list && list_of(marks[common]) == list_of(f->list[common]))
        common++;
    if (f->list_base + 2 * n > HTML__STACK_MAX) return text_line(h, r);
    // I1: the last common level keeps its list but gets a new item
    html__pop_to(h, f->list_base + 2 * common - (common == n));
    if (common == n) html__push(h, item_of(marks[n - 1]), BY_LINE, (str){0});
    for (int i = common; i < n; i++) {
        html__push(h, list_of(marks[i]), BY_LINE, (str){0});
        html__push(h, item_of(marks[i]), BY_LINE, (str){0});
    }
    memcpy(f->list, marks, (size_t)n);
    f->n_list = n;
    html__line(h, html__trim(h, r), marks[n - 1] == ';');
}

// --- Tables ----------------------------------------------------------------------------------

static int open_table(const html *h) {
    for (int i = h->n_stack; i-- > h->frame->base;)
        if (h->stack[i].tag == TAG_TABLE && h->stack[i].owner == BY_LINE) return i;
    return -1;
}

static bool push_with(html *h, html__tag tag, str raw) {
    arena a = h->mem;
    buf attrs;
    buf_init(&attrs, &a, 6 * min_size(raw.len, HTML__ATTRS_MAX) + 512);
    attrs.limit = attrs.cap;  // growing would overlap the scratch of html__attrs
    html__attrs(&attrs, raw, a);
    return html__push(h, tag, BY_LINE, attrs.failed ? (str){0} : buf_str(&attrs));
}

// Text in a table but in no cell gets one, so that it is shown where it stands.
static void need_cell(html *h, int table) {
    if (table < 0 || h->n_stack > table + 2) return;
    html__elem top = h->stack[h->n_stack - 1];
    if (top.tag == TAG_CAPTION) return;
    if (top.tag == TAG_TABLE) html__push(h, TAG_TR, BY_LINE, (str){0});
    html__push(h, TAG_TD, BY_LINE, (str){0});
}

static void table_start(html *h, range r) {
    end_lines(h);
    need_cell(h, open_table(h));
    html__block(h);
    if (!push_with(h, TAG_TABLE, html__str(h, (range){min_size(r.a + 2, r.b), r.b})))
        text_line(h, r);
}

// Offset of the next "||" (or "!!" in a line of headers), or r.b.
static size_t next_cell(const html *h, range r, bool is_header) {
    for (size_t i = r.a; i + 1 < r.b;) {
        const char *p = h->src.ptr + i;
        if ((p[0] == '|' && p[1] == '|') || (is_header && p[0] == '!' && p[1] == '!')) return i;
        size_t span = html__span(h, i, r.b);
        i = span ? span : i + 1;
    }
    return r.b;
}

// "attrs | text" or "text": the attributes are empty when there are none.
static range cell_attrs(const html *h, range *cell) {
    for (size_t i = cell->a; i < cell->b;) {
        size_t span = html__span(h, i, cell->b);
        char c = h->src.ptr[i];
        if (c == '[' && span) break;
        if (c == '|') {
            range attrs = {cell->a, i};
            cell->a = i + 1;
            return attrs;
        }
        i = span ? span : i + 1;
    }
    return (range){0};
}

static void put_cell(html *h, range cell, html__tag tag) {
    range attrs = cell_attrs(h, &cell);
    if (!push_with(h, tag, html__str(h, attrs))) return text_line(h, cell);
    html__line(h, html__trim(h, cell), false);
    html__text(h, STR("\n"));
}

static void cells_line(html *h, range r, int table) {
    bool is_header = at(h, r.a, r) == '!';
    int row = table + 1;
    bool in_row = h->n_stack > row && h->stack[row].tag == TAG_TR;
    leave_to(h, in_row ? row + 1 : row);
    if (!in_row && !html__push(h, TAG_TR, BY_LINE, (str){0})) return text_line(h, r);
    for (r.a++;;) {
        size_t end = next_cell(h, r, is_header);
        leave_to(h, row + 1);
        put_cell(h, (range){r.a, end}, is_header ? TAG_TH : TAG_TD);
        if (end == r.b) return;
        r.a = end + 2;
    }
}

static void table_line(html *h, range r, int table) {
    range rest = {min_size(r.a + 2, r.b), r.b};
    char c = at(h, r.a, r), c2 = at(h, r.a + 1, r);
    if (c == '|' && c2 == '}') {
        leave_to(h, table);
        if (html__trim(h, rest).a < rest.b) text_line(h, rest);
    } else if (c == '|' && c2 == '-') {
        leave_to(h, table + 1);
        while (at(h, rest.a, rest) == '-')
            rest.a++;
        push_with(h, TAG_TR, html__str(h, rest));
    } else if (c == '|' && c2 == '+') {
        leave_to(h, table + 1);
        put_cell(h, rest, TAG_CAPTION);
    } else {
        cells_line(h, r, table);
    }
}

// --- The walk --------------------------------------------------------------------------------

// "{|", also behind list marks: then the table is not in the list.
static bool starts_table(const html *h, range *r) {
    size_t i = r->a;
    while (i < r->b && (is_list_mark(h->src.ptr[i]) || h->src.ptr[i] == ' '))
        i++;
    if (at(h, i, *r) != '{' || at(h, i + 1, *r) != '|') return false;
    r->a = i;
    return true;
}

static void content_line(html *h, range r, range t) {
    char c = h->src.ptr[r.a];
    if (c == '=')
        heading_line(h, r);
    else if (is_list_mark(c))
        list_line(h, r);
    else if (str_starts(html__str(h, r), STR("----")))
        rule_line(h, r);
    else if (c == ' ' && h->n_stack < HTML__STACK_MAX)
        pre_line(h, r, t);
    else
        text_line(h, r);
}

static void one_line(html *h, range r) {
    range t = html__trim(h, r);
    if (t.a == t.b) return blank_line(h);
    if (starts_table(h, &t)) return table_start(h, t);
    int table = open_table(h);
    char c = h->src.ptr[t.a];
    if (table >= 0 && (c == '|' || c == '!')) return table_line(h, t, table);
    need_cell(h, table);
    content_line(h, r, t);
}

void html__blocks(html *h, range r) {
    if (h->calls >= HTML__CALLS_MAX || h->inline_only || h->in_link) return html__inline(h, r);
    html__frame frame = {.base = h->n_stack, .pre = -1}, *outer = h->frame;
    int floor = h->floor;
    h->calls++;
    h->frame = &frame;
    h->floor = frame.base;
    for (size_t i = r.a; i < r.b;) {
        size_t end = line_end(h, i, r.b);
        one_line(h, (range){i, end});
        i = end + 1;
    }
    html__pop_to(h, frame.base);  // I2
    h->frame = outer;
    h->floor = floor;
    h->calls--;
}
