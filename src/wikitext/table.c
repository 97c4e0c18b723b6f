// wikitext/table.c -- {| |} |- |+ | !: tables, line by line.
//
// Only the start of a line says what it is; what stands between is not looked at. So a table opens
// and closes whatever tags are around it, and tidy.c makes a tree of that.
//
// I1  Lines that are no table's are copied in runs: text without "{|" costs a search and a copy.
// I2  `open` has a row for each table that is open, the innermost last. Its cell and row are what
//     is still to be closed.
// I3  Attributes are cleaned where they are written. A row's wait for its first cell, because a
//     row without one writes no <tr>.

#include "wikitext/inside.h"

typedef enum cell_kind { CELL_NONE, CELL_TD, CELL_TH, CELL_CAPTION } cell_kind;

static const str cell_names[] = {STR_INIT(""), STR_INIT("td"), STR_INIT("th"), STR_INIT("caption")};

typedef struct open_table {
    str row_attrs;    // of the row that the next cell opens
    cell_kind kind;   // of the cell that was opened last
    bool is_in_cell;  // it is still open
    bool is_in_row;   // <tr> is
    bool has_row;     // one was asked for: else an empty one is written at the end
} open_table;

typedef struct tables {
    buf *out;
    wt_parser *p;
    arena scratch;
    open_table *open;
    size_t n, cap;
    size_t indent;  // ":" in front of the table that was opened last
} tables;

static bool push(tables *t) {
    if (t->n == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 16;
        open_table *open = arena_try_array(&t->scratch, cap, sizeof *open);
        if (!open) {
            t->p->over |= WT_OVER_MEMORY;
            return false;
        }
        if (t->n) memcpy(open, t->open, t->n * sizeof *open);
        t->open = open, t->cap = cap;
    }
    t->open[t->n++] = (open_table){0};
    return true;
}

static void repeat(buf *out, str what, size_t n) {
    while (n-- > 0)
        buf_add(out, what);
}

static void open_tag(tables *t, str name, str attrs) {
    buf_byte(t->out, '<');
    buf_add(t->out, name);
    if (attrs.len) wt_attrs(t->out, t->p, attrs, name, t->scratch);
    buf_byte(t->out, '>');
}

// What is open in a cell and its row is closed, as the next mark asks for.
static bool close_cell(tables *t, open_table *in) {
    if (!in->is_in_cell) return false;
    buf_add(t->out, STR("</"));
    buf_add(t->out, cell_names[in->kind]);
    buf_byte(t->out, '>');
    in->is_in_cell = false;
    return true;
}

static void close_row(tables *t, open_table *in) {
    if (in->is_in_row) buf_add(t->out, STR("</tr>"));
    in->is_in_row = false;
}

// --- The marks -------------------------------------------------------------------------------

// "::{| class=x": false when the line starts no table.
static bool table_starts(size_t *indent, str *attrs, str line) {
    size_t at = 0, n = 0;
    while (at < line.len && line.ptr[at] == ':')
        at++;
    n = at;
    while (at < line.len && (line.ptr[at] == ' ' || line.ptr[at] == '\t'))
        at++;
    if (!str_starts(str_skip(line, at), STR("{|"))) return false;
    *indent = n;
    *attrs = str_skip(line, at + 2);
    return true;
}

static bool put_start(tables *t, size_t indent, str attrs) {
    if (!push(t)) return false;
    t->indent = indent;
    repeat(t->out, STR("<dl><dd>"), indent);
    open_tag(t, STR("table"), attrs);
    return true;
}

static void put_end(tables *t, str rest) {
    open_table *in = &t->open[t->n - 1];
    close_cell(t, in);
    close_row(t, in);
    if (!in->has_row) buf_add(t->out, STR("<tr><td></td></tr>"));
    buf_add(t->out, STR("</table>"));
    buf_add(t->out, rest);
    repeat(t->out, STR("</dd></dl>"), t->indent);
    t->n--;
    if (t->out->len > t->p->limits.output_bytes) t->p->over |= WT_OVER_OUTPUT;
}

static void put_row(tables *t, str line) {
    open_table *in = &t->open[t->n - 1];
    size_t dashes = 1;
    while (dashes < line.len && line.ptr[dashes] == '-')
        dashes++;
    close_cell(t, in);
    close_row(t, in);
    in->row_attrs = str_skip(line, dashes);
    in->has_row = true;
}

static void put_cell(tables *t, open_table *in, cell_kind kind, str cell) {
    if (close_cell(t, in)) buf_byte(t->out, '\n');
    if (kind != CELL_CAPTION) {
        if (!in->is_in_row) {
            open_tag(t, STR("tr"), in->row_attrs);
            buf_byte(t->out, '\n');
        }
        in->is_in_row = in->has_row = true;
        in->row_attrs = STR("");
    }
    in->kind = kind;
    in->is_in_cell = true;
    size_t bar = str_find_byte(cell, '|');
    str attrs = str_first(cell, bar < cell.len ? bar : 0);
    // A bar in a broken link or in a variant's mark is text.
    if (str_find(attrs, STR("[[")) < attrs.len || str_find(attrs, STR("-{")) < attrs.len)
        attrs = STR("");
    else if (bar < cell.len)
        cell = str_skip(cell, bar + 1);
    open_tag(t, cell_names[kind], attrs);
    buf_add(t->out, str_trim(cell));
}

// "!!" outside of tags as "||"; a tag is from the first "<" to the next ">".
static str with_bars(str line, arena *a) {
    if (str_find(line, STR("!!")) == line.len) return line;
    char *copy = arena_try(a, line.len);
    if (!copy) return line;
    memcpy(copy, line.ptr, line.len);
    bool has_tags = true;
    for (size_t i = 0; i + 1 < line.len; i++) {
        if (copy[i] == '<' && has_tags) {
            size_t end = str_find_byte(str_skip(line, i), '>');
            has_tags = i + end < line.len;
            i += has_tags ? end : 0;
        } else if (copy[i] == '!' && copy[i + 1] == '!') {
            copy[i] = copy[i + 1] = '|';
            i++;
        }
    }
    return (str){copy, line.len};
}

static void put_cells(tables *t, str line) {
    bool is_caption = line.len > 1 && line.ptr[0] == '|' && line.ptr[1] == '+';
    cell_kind kind = is_caption ? CELL_CAPTION : line.ptr[0] == '!' ? CELL_TH : CELL_TD;
    arena unwind = t->scratch;
    str rest = str_skip(line, is_caption ? 2 : 1);
    if (kind == CELL_TH) rest = with_bars(rest, &t->scratch);
    for (bool is_more = true; is_more;) {
        size_t end = str_find(rest, STR("||"));
        is_more = end < rest.len;
        put_cell(t, &t->open[t->n - 1], kind, str_first(rest, end));
        rest = str_skip(rest, end + 2);
    }
    t->scratch = unwind;
}

// --- The lines -------------------------------------------------------------------------------

// One line inside a table; false when it has no mark and stays as it is.
static bool put_line(tables *t, str line) {
    str attrs;
    size_t indent;
    if (line.len == 0 || !strchr("|!{:", line.ptr[0])) return false;
    if (table_starts(&indent, &attrs, line)) return put_start(t, indent, attrs);
    if (line.ptr[0] == '{' || line.ptr[0] == ':') return false;
    if (str_starts(line, STR("|}")))
        put_end(t, str_skip(line, 2));
    else if (str_starts(line, STR("|-")))
        put_row(t, line);
    else
        put_cells(t, line);
    return true;
}

// From `from`, the start of a line, to the next line that opens a table; in.len when there is none.
static size_t next_table(str in, size_t from) {
    while (from < in.len) {
        str attrs;
        size_t indent, at = from;
        do {
            at += str_find_byte(str_skip(in, at), '{') + 1;
        } while (at < in.len && in.ptr[at] != '|');
        if (at >= in.len) break;
        const char *eol = memrchr(in.ptr + from, '\n', at - from);
        size_t start = eol ? (size_t)(eol + 1 - in.ptr) : from;
        size_t end = at + str_find_byte(str_skip(in, at), '\n');
        str line = str_trim((str){in.ptr + start, end - start});
        if (table_starts(&indent, &attrs, line)) return start;
        from = end + 1;
    }
    return in.len;
}

static void put_all(tables *t, str in) {
    size_t done = 0, at = 0;  // copied or replaced up to `done`, looked at up to `at`
    while (at < in.len && !wt_over(t->p)) {
        if (t->n == 0) at = next_table(in, at);
        if (at == in.len) break;
        size_t end = at + str_find_byte(str_skip(in, at), '\n');
        str line = str_trim((str){in.ptr + at, end - at});
        buf *out = t->out;
        if (line.len && strchr("|!{:", line.ptr[0])) {
            buf_add(out, (str){in.ptr + done, at - done});
            done = put_line(t, line) ? end : at;
        }
        at = min_size(end + 1, in.len);
    }
    buf_add(t->out, str_skip(in, done));
}

static void put_closing(tables *t) {
    for (; t->n > 0; t->n--) {
        const open_table *in = &t->open[t->n - 1];
        buf_add(t->out, in->is_in_cell ? STR("\n</td>") : STR(""));
        buf_add(t->out, in->is_in_row ? STR("\n</tr>") : STR(""));
        buf_add(t->out, in->has_row ? STR("") : STR("\n<tr><td></td></tr>"));
        buf_add(t->out, STR("\n</table>"));
    }
}

void wt_tables(buf *out, wt_parser *p, str in, arena scratch) {
    tables t = {.out = out, .p = p, .scratch = scratch};
    size_t start = out->len;
    put_all(&t, in);
    put_closing(&t);
    str made = {out->ptr + start, out->len - start};
    if (str_eq(made, STR("<table>\n<tr><td></td></tr>\n</table>"))) out->len = start;
}
