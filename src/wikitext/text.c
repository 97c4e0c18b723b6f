// wikitext/text.c -- what is left of a page: its words, its tree for people, its hash.
//
// I1  wt_text reads what tidy.c wrote: every '<' is a tag and every tag ends at its first '>'.
//     Other text gives other words, and nothing worse.
// I2  One pass; what is left out is followed by counting the tags of its own name.

#include "base/utf8.h"
#include "html/entity.h"
#include "html/tags.h"
#include "wikitext/inside.h"

// --- Words -------------------------------------------------------------------------------------

// Elements with one of these words in their class are no words of the page.
static const str left_out[] = {
    STR_INIT("mw-editsection"),   STR_INIT("reference"),
    STR_INIT("mw-cite-backlink"), STR_INIT("toc"),
    STR_INIT("noprint"),          STR_INIT("mw-empty-elt"),
};

typedef struct writer {
    buf *out;
    size_t start;    // of our text in out
    int cells, pre;  // open <td> and <th>, <pre>
    tag_id skipped;  // an element that is left out, or TAG_UNKNOWN
    int depth;       // of its name in it
    bool wants_space, is_row_start;
} writer;

static bool is_line_start(const writer *w) {
    return w->out->len == w->start || w->out->ptr[w->out->len - 1] == '\n';
}

static bool is_space(char c) {
    return c == ' ' || c == '\n' || c == '\t' || c == '\f' || c == '\r';
}

// Bytes without space in them, with the space in front that is due.
static void put_run(writer *w, str run) {
    bool is_behind_tab = w->out->len > w->start && w->out->ptr[w->out->len - 1] == '\t';
    if (w->wants_space && !is_line_start(w) && !is_behind_tab) buf_byte(w->out, ' ');
    w->wants_space = false;
    buf_add(w->out, run);
}

static void put_space(writer *w, char c) {
    if (w->pre && !w->cells)
        buf_byte(w->out, c);
    else
        w->wants_space = true;
}

static void end_line(writer *w) {
    if (w->cells) {
        w->wants_space = true;
        return;
    }
    w->wants_space = false;
    if (!is_line_start(w)) buf_byte(w->out, '\n');
}

// A reference, which `s` starts with; returns its length.
static size_t put_reference(writer *w, str s) {
    entity_ref r = entity_read(s);
    if (r.len == 0 || r.cp[0] <= 0) {
        put_run(w, STR("&"));
        return 1;
    }
    for (int i = 0; i < 2 && r.cp[i]; i++) {
        char bytes[UTF8_MAX];
        size_t n = utf8_encode(bytes, r.cp[i]);
        if (r.cp[i] == 0xA0 || (n == 1 && is_space(bytes[0])))
            put_space(w, ' ');
        else
            put_run(w, (str){bytes, n});
    }
    return r.len;
}

static void put_words(writer *w, str text) {
    for (size_t i = 0, n; i < text.len; i += n) {
        n = 0;
        if (text.ptr[i] == '&') {
            n = put_reference(w, str_skip(text, i));
        } else if (is_space(text.ptr[i])) {
            put_space(w, text.ptr[i]);
            n = 1;
        } else {
            while (i + n < text.len && text.ptr[i + n] != '&' && !is_space(text.ptr[i + n]))
                n++;
            put_run(w, (str){text.ptr + i, n});
        }
    }
}

// --- Tags --------------------------------------------------------------------------------------

static bool has_word(str words, str word) {
    while (words.len)
        if (str_eq(str_cut(&words, ' '), word)) return true;
    return false;
}

static bool is_left_out(tag_id id, str tag) {
    if (id == TAG_STYLE || id == TAG_ANNOTATION) return true;
    size_t at = str_find(tag, STR(" class=\""));
    if (at < tag.len) {
        str rest = str_skip(tag, at + 8), words = str_cut(&rest, '"');
        for (size_t i = 0; i < countof(left_out); i++)
            if (has_word(words, left_out[i])) return true;
    }
    return str_find(tag, STR("display:none")) < tag.len ||
           str_find(tag, STR("display: none")) < tag.len;
}

static bool is_block(tag_id id) {
    tag_start start = (tag_start)tag_rows[id].start;
    return start == START_BLOCK || start == START_HEADING || start == START_PRE ||
           start == START_LI || start == START_DD || start == START_TABLE || id == TAG_CAPTION ||
           id == TAG_BR || id == TAG_HR;
}

static bool is_cell(tag_id id) {
    return id == TAG_TD || id == TAG_TH;
}

static void put_start(writer *w, tag_id id) {
    if (is_block(id)) end_line(w);
    if (id == TAG_PRE) w->pre++;
    if (id == TAG_TR) {
        end_line(w);
        w->is_row_start = true;
    }
    if (!is_cell(id)) return;
    if (w->cells++) {
        w->wants_space = true;
    } else {
        if (!w->is_row_start) buf_byte(w->out, '\t');
        w->is_row_start = w->wants_space = false;
    }
}

static void put_end(writer *w, tag_id id) {
    if (is_cell(id) && w->cells > 0 && --w->cells > 0) w->wants_space = true;
    if (id == TAG_PRE && w->pre > 0) w->pre--;
    if (is_block(id) || id == TAG_TR) end_line(w);
}

// `tag`: what stands between '<' and '>'.
static void put_tag(writer *w, str tag) {
    bool is_end = str_starts(tag, STR("/"));
    str rest = str_skip(tag, is_end), name = str_cut(&rest, ' ');
    tag_id id = tag_find(name);
    if (id == TAG_UNKNOWN) return;
    if (w->skipped != TAG_UNKNOWN) {
        if (id == w->skipped) w->depth += is_end ? -1 : 1;
        if (w->depth == 0) w->skipped = TAG_UNKNOWN;
    } else if (is_end) {
        put_end(w, id);
    } else if (!(tag_flags(id) & IS_VOID) && is_left_out(id, tag)) {
        w->skipped = id;
        w->depth = 1;
    } else {
        put_start(w, id);
    }
}

void wt_text(buf *out, str html) {
    writer w = {.out = out, .start = out->len, .skipped = TAG_UNKNOWN};
    while (html.len > 0) {
        size_t at = str_find_byte(html, '<');
        if (w.skipped == TAG_UNKNOWN) put_words(&w, str_first(html, at));
        html = str_skip(html, at + 1);
        size_t end = str_find_byte(html, '>');
        if (end == html.len) break;
        put_tag(&w, str_first(html, end));
        html = str_skip(html, end + 1);
    }
    w.cells = 0;
    end_line(&w);
}

// --- The preprocessor's tree ---------------------------------------------------------------------

static const char *const kind_names[] = {
    [WT_ROOT] = "root",       [WT_TEXT] = "text",       [WT_TEMPLATE] = "template",
    [WT_ARG] = "argument",    [WT_NAME] = "name",       [WT_PART] = "part",
    [WT_KEY] = "key",         [WT_VALUE] = "value",     [WT_EXT] = "tag",
    [WT_HEADING] = "heading", [WT_COMMENT] = "comment", [WT_IGNORE] = "ignored",
};

static void put_quoted(buf *out, str label, str s) {
    if (!s.len) return;
    buf_add(out, label);
    buf_byte(out, '"');
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '\n')
            buf_add(out, STR("\\n"));
        else if (c == '"' || c == '\\')
            buf_byte(out, '\\'), buf_byte(out, c);
        else if ((unsigned char)c < 0x20 || c == 0x7F)
            buf_fmt(out, "\\x%02x", (unsigned)c);
        else
            buf_byte(out, c);
    }
    buf_byte(out, '"');
}

static void put_node(buf *out, const wt_node *node, int depth) {
    for (int i = 0; i < depth; i++)
        buf_add(out, STR("  "));
    buf_add(out, str_of(kind_names[node->kind]));
    if (node->kind == WT_HEADING) buf_fmt(out, " %d #%u", node->level, node->index);
    if (node->kind == WT_PART && node->index) buf_fmt(out, " %u", node->index);
    // The text of a call is all of it: its children say that again.
    if (!wt_children(node)) put_quoted(out, STR(" "), node->text);
    if (node->kind == WT_EXT) put_quoted(out, STR(" attributes "), node->tag->attrs);
    if (node->kind == WT_EXT) put_quoted(out, STR(" inside "), node->tag->inner);
    buf_byte(out, '\n');
}

status wt_print_tree(buf *out, str wikitext, arena scratch) {
    enum { DEPTH_MAX = 4 * WT_NEST_MAX };
    const wt_node *open[DEPTH_MAX];
    wt_tree tree;
    int depth = 0;
    wt_preprocess(&tree, wikitext, false, &scratch);
    for (const wt_node *node = tree.root; node;) {
        put_node(out, node, depth);
        if (wt_children(node) && depth < DEPTH_MAX) {
            open[depth++] = node;
            node = node->child;
            continue;
        }
        while (!node->next && depth > 0)
            node = open[--depth];
        node = node->next;
    }
    return out->failed ? E_MEMORY : OK;
}

// --- Hash --------------------------------------------------------------------------------------

uint64_t wt_page_hash(const wt_page *page, str sha1) {
    uint64_t hash = str_hash(sha1, WT_VERSION);
    for (size_t i = 0; i < page->n_used; i++) {
        const wt_used *used = &page->used[i];
        hash = str_hash(used->title, hash);
        hash = str_hash((str){(const char *)&used->hash, sizeof used->hash}, hash);
    }
    return hash;
}
