// html/tree_table.c -- tree construction inside <table>: its modes, one function each.
//
// I1  Rows, bodies and cells that were left out are made; what may not stand in a table goes in
//     front of it ("fostered").
// I2  A tag is looked at again only after an element was closed or made, so that this ends.

#include "html/tree.h"

// What a mode says of a tag.
typedef enum verdict {
    DONE,
    AGAIN,  // the mode has changed: ask that one
    BODY,   // as in the body
} verdict;

static bool is_section(tag_id id) {
    return id == TAG_TBODY || id == TAG_TFOOT || id == TAG_THEAD;
}
static bool is_cell(tag_id id) {
    return id == TAG_TD || id == TAG_TH;
}
static bool is_column(tag_id id) {
    return id == TAG_COL || id == TAG_COLGROUP;
}
static bool is_row_part(tag_id id) {
    return is_cell(id) || id == TAG_TR || is_section(id);
}

static bool has_section(const tree_builder *b) {
    return tree_has(b, TAG_TBODY, SCOPE_TABLE) || tree_has(b, TAG_THEAD, SCOPE_TABLE) ||
           tree_has(b, TAG_TFOOT, SCOPE_TABLE);
}

// Pops to the table, a section or a row ("clear the stack back to ... context").
static void clear_to(tree_builder *b, tree_mode mode) {
    for (;;) {
        tag_id id = (tag_id)tree_current(b)->tag;
        if (id == TAG_ROOT || (mode == MODE_TABLE && id == TAG_TABLE) ||
            (mode == MODE_ROWS && is_section(id)) || (mode == MODE_ROW && id == TAG_TR))
            return;
        tree_pop(b);
    }
}

static void reset_mode(tree_builder *b) {
    static const struct {
        tag_id id;
        tree_mode mode;
    } modes[] = {{TAG_TD, MODE_CELL},         {TAG_TH, MODE_CELL},     {TAG_TR, MODE_ROW},
                 {TAG_TBODY, MODE_ROWS},      {TAG_THEAD, MODE_ROWS},  {TAG_TFOOT, MODE_ROWS},
                 {TAG_CAPTION, MODE_CAPTION}, {TAG_TABLE, MODE_TABLE}, {TAG_COLGROUP, MODE_COLUMNS},
                 {TAG_ROOT, MODE_BODY}};
    for (int i = b->n_open - 1; i >= 0; i--)
        for (size_t k = 0; k < countof(modes); k++)
            if (b->open[i]->tag == modes[k].id) {
                b->mode = modes[k].mode;
                return;
            }
}

static void open_in(tree_builder *b, tree_mode mode, tag_id id, str attrs) {
    clear_to(b, b->mode);
    tree_insert(b, id, attrs);
    b->mode = mode;
}

static void end_table(tree_builder *b) {
    tree_pop_to(b, TAG_TABLE);
    reset_mode(b);
}

// --- <table> -----------------------------------------------------------------------------------

static verdict fostered(tree_builder *b, const tree_tag *tag, tag_id end) {
    b->is_fostering = true;
    if (tag)
        tree_start_in_body(b, tag);
    else
        tree_end_in_body(b, end);
    b->is_fostering = false;
    return DONE;
}

static verdict start_in_table(tree_builder *b, const tree_tag *tag) {
    tag_id id = tag->id;
    if (id == TAG_CAPTION) {
        open_in(b, MODE_CAPTION, id, tag->attrs);
        tree_mark(b);
    } else if (id == TAG_COLGROUP) {
        open_in(b, MODE_COLUMNS, id, tag->attrs);
    } else if (id == TAG_COL) {
        open_in(b, MODE_COLUMNS, TAG_COLGROUP, STR(""));
        return AGAIN;
    } else if (is_section(id)) {
        open_in(b, MODE_ROWS, id, tag->attrs);
    } else if (is_row_part(id)) {
        open_in(b, MODE_ROWS, TAG_TBODY, STR(""));
        return AGAIN;
    } else if (id == TAG_TABLE) {
        if (!tree_has(b, TAG_TABLE, SCOPE_TABLE)) return DONE;
        end_table(b);
        return AGAIN;
    } else if (tag_rows[id].start == START_RAW) {
        tree_insert(b, id, tag->attrs);
    } else if (id == TAG_INPUT && tag->is_hidden) {
        tree_insert_void(b, tag);
    } else {
        return fostered(b, tag, TAG_UNKNOWN);
    }
    return DONE;
}

static verdict end_in_table(tree_builder *b, tag_id id) {
    if (id == TAG_TABLE) {
        if (tree_has(b, TAG_TABLE, SCOPE_TABLE)) end_table(b);
        return DONE;
    }
    if (id == TAG_CAPTION || is_column(id) || is_row_part(id)) return DONE;
    return fostered(b, NULL, id);
}

// --- <caption>, <colgroup> ---------------------------------------------------------------------

static bool end_caption(tree_builder *b) {
    if (!tree_has(b, TAG_CAPTION, SCOPE_TABLE)) return false;
    tree_imply_ends(b, TAG_UNKNOWN);
    tree_pop_to(b, TAG_CAPTION);
    tree_clear_to_mark(b);
    b->mode = MODE_TABLE;
    return true;
}

static verdict start_in_caption(tree_builder *b, const tree_tag *tag) {
    if (tag->id != TAG_CAPTION && !is_column(tag->id) && !is_row_part(tag->id)) return BODY;
    return end_caption(b) ? AGAIN : DONE;
}

static verdict end_in_caption(tree_builder *b, tag_id id) {
    if (id == TAG_CAPTION) return end_caption(b), DONE;
    if (id == TAG_TABLE) return end_caption(b) ? AGAIN : DONE;
    return is_column(id) || is_row_part(id) ? DONE : BODY;
}

static bool end_columns(tree_builder *b) {
    if (tree_current(b)->tag != TAG_COLGROUP) return false;
    tree_pop(b);
    b->mode = MODE_TABLE;
    return true;
}

static verdict start_in_columns(tree_builder *b, const tree_tag *tag) {
    if (tag->id != TAG_COL) return end_columns(b) ? AGAIN : DONE;
    tree_insert_void(b, tag);
    return DONE;
}

static verdict end_in_columns(tree_builder *b, tag_id id) {
    if (id == TAG_COL) return DONE;
    bool has_ended = end_columns(b);
    return has_ended && id != TAG_COLGROUP ? AGAIN : DONE;
}

// --- <tbody>, <tr>, <td> -----------------------------------------------------------------------

static verdict end_rows(tree_builder *b, verdict then) {
    clear_to(b, MODE_ROWS);
    tree_pop(b);
    b->mode = MODE_TABLE;
    return then;
}

static verdict start_in_rows(tree_builder *b, const tree_tag *tag) {
    if (tag->id == TAG_TR) {
        open_in(b, MODE_ROW, TAG_TR, tag->attrs);
        return DONE;
    }
    if (is_cell(tag->id)) {
        open_in(b, MODE_ROW, TAG_TR, STR(""));
        return AGAIN;
    }
    if (tag->id == TAG_CAPTION || is_column(tag->id) || is_section(tag->id))
        return has_section(b) ? end_rows(b, AGAIN) : DONE;
    return start_in_table(b, tag);
}

static verdict end_in_rows(tree_builder *b, tag_id id) {
    if (is_section(id)) return tree_has(b, id, SCOPE_TABLE) ? end_rows(b, DONE) : DONE;
    if (id == TAG_TABLE) return has_section(b) ? end_rows(b, AGAIN) : DONE;
    return end_in_table(b, id);
}

static verdict end_row(tree_builder *b, verdict then) {
    if (!tree_has(b, TAG_TR, SCOPE_TABLE)) return DONE;
    clear_to(b, MODE_ROW);
    tree_pop(b);
    b->mode = MODE_ROWS;
    return then;
}

static verdict start_in_row(tree_builder *b, const tree_tag *tag) {
    if (is_cell(tag->id)) {
        open_in(b, MODE_CELL, tag->id, tag->attrs);
        tree_mark(b);
        return DONE;
    }
    if (tag->id == TAG_CAPTION || is_column(tag->id) || is_row_part(tag->id))
        return end_row(b, AGAIN);
    return start_in_table(b, tag);
}

static verdict end_in_row(tree_builder *b, tag_id id) {
    if (id == TAG_TR) return end_row(b, DONE);
    if (id == TAG_TABLE) return end_row(b, AGAIN);
    if (is_section(id)) return tree_has(b, id, SCOPE_TABLE) ? end_row(b, AGAIN) : DONE;
    return end_in_table(b, id);
}

static void end_cell(tree_builder *b) {
    tree_imply_ends(b, TAG_UNKNOWN);
    while (!is_cell((tag_id)tree_current(b)->tag) && b->n_open > 1)
        tree_pop(b);
    tree_pop(b);
    tree_clear_to_mark(b);
    b->mode = MODE_ROW;
}

static verdict start_in_cell(tree_builder *b, const tree_tag *tag) {
    if (tag->id != TAG_CAPTION && !is_column(tag->id) && !is_row_part(tag->id)) return BODY;
    end_cell(b);
    return AGAIN;
}

static verdict end_in_cell(tree_builder *b, tag_id id) {
    if (is_cell(id)) {
        if (!tree_has(b, id, SCOPE_TABLE)) return DONE;
        tree_imply_ends(b, TAG_UNKNOWN);
        tree_pop_to(b, id);
        tree_clear_to_mark(b);
        b->mode = MODE_ROW;
        return DONE;
    }
    if (id == TAG_CAPTION || is_column(id)) return DONE;
    if (id != TAG_TABLE && !is_row_part(id)) return BODY;
    if (!tree_has(b, id, SCOPE_TABLE)) return DONE;
    end_cell(b);
    return AGAIN;
}

// --- By mode -----------------------------------------------------------------------------------

static verdict body_start(tree_builder *b, const tree_tag *tag) {
    (void)b, (void)tag;
    return BODY;
}
static verdict body_end(tree_builder *b, tag_id id) {
    (void)b, (void)id;
    return BODY;
}

static const struct {
    verdict (*start)(tree_builder *b, const tree_tag *tag);
    verdict (*end)(tree_builder *b, tag_id id);
} modes[] = {
    [MODE_BODY] = {body_start, body_end},
    [MODE_TABLE] = {start_in_table, end_in_table},
    [MODE_CAPTION] = {start_in_caption, end_in_caption},
    [MODE_COLUMNS] = {start_in_columns, end_in_columns},
    [MODE_ROWS] = {start_in_rows, end_in_rows},
    [MODE_ROW] = {start_in_row, end_in_row},
    [MODE_CELL] = {start_in_cell, end_in_cell},
};

bool tree_start_in_table(tree_builder *b, const tree_tag *tag) {
    verdict v = AGAIN;
    while (v == AGAIN)
        v = modes[b->mode].start(b, tag);
    return v == DONE;
}

bool tree_end_in_table(tree_builder *b, tag_id id) {
    verdict v = AGAIN;
    while (v == AGAIN)
        v = modes[b->mode].end(b, id);
    return v == DONE;
}

static size_t blank_length(str text) {
    size_t n = 0;
    while (n < text.len && tree_is_blank((str){text.ptr + n, 1}))
        n++;
    return n;
}

bool tree_text_in_table(tree_builder *b, str text) {
    if (b->mode == MODE_COLUMNS) {
        size_t n = blank_length(text);
        tree_insert_text(b, str_first(text, n));
        text = str_skip(text, n);
        if (!text.len || !end_columns(b)) return true;
        return tree_text_in_table(b, text);
    }
    if (b->mode != MODE_TABLE && b->mode != MODE_ROWS && b->mode != MODE_ROW) return false;
    bool is_rows = tag_flags((tag_id)tree_current(b)->tag) & IS_ROWS;
    if (is_rows && tree_is_blank(text)) {
        tree_insert_text(b, text);
        return true;
    }
    b->is_fostering = true;
    tree_text_in_body(b, text);
    b->is_fostering = false;
    return true;
}
