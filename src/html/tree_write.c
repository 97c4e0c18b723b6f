// html/tree_write.c -- a tree as HTML, as MediaWiki writes it: attributes in double quotes,
// `<br />`, class="mw-empty-elt" on what is there for nothing.
//
// I1  No recursion: the walk goes by parent and next.
// I2  Every '<' and '>' of a text is escaped but in <style>; references stand as they came.

#include "html/tree.h"

static const uint8_t special[256] = {['<'] = 1, ['>'] = 1, [0xC2] = 1, [0xCC] = 1};

// '<' '>', a space that does not break, a slash over what stands in front (which, behind '>',
// normalising would make another character).
static str escaped(size_t *len, const char *p, size_t left) {
    *len = 1;
    if (*p == '<') return STR("&lt;");
    if (*p == '>') return STR("&gt;");
    *len = 2;
    if (left > 1 && p[0] == '\xC2' && p[1] == '\xA0') return STR("&#160;");
    if (left > 1 && p[0] == '\xCC' && p[1] == '\xB8') return STR("&#x338;");
    return (str){p, *len = 1};
}

static void write_text(buf *out, str text) {
    size_t from = 0, len;
    for (size_t i = 0; i < text.len;) {
        if (!special[(unsigned char)text.ptr[i]]) {
            i++;
            continue;
        }
        str as = escaped(&len, text.ptr + i, text.len - i);
        if (as.ptr != text.ptr + i) {
            buf_add(out, (str){text.ptr + from, i - from});
            buf_add(out, as);
            from = i + len;
        }
        i += len;
    }
    buf_add(out, str_skip(text, from));
}

static bool is_blank(const tree_node *node) {
    for (const tree_node *child = node->first; child; child = child->next)
        if (child->tag != TAG_TEXT || !tree_is_blank(child->text)) return false;
    return true;
}

static str name_of(const tree_node *node) {
    return (str){tag_rows[node->tag].name, tag_rows[node->tag].len};
}

static bool is_hidden(const tree_node *node) {
    return node->tag == TAG_WRAP && node->n_filled <= 0;
}

// `marks`: says so of what is empty.
static void write_start(buf *out, const tree_node *node, bool marks) {
    uint32_t flags = tag_flags((tag_id)node->tag);
    str name = name_of(node);
    char *p = buf_room(out, name.len + node->text.len + 32);
    if (!p) return;
    char *from = p;
    *p++ = '<';
    memcpy(p, name.ptr, sizeof tag_rows->name);
    p += name.len;
    if (node->text.len) memcpy(p, node->text.ptr, node->text.len);
    p += node->text.len;
    str rest = flags & IS_VOID ? STR(" />") : STR(">");
    if (marks && flags & IS_MARK && !node->text.len && is_blank(node))
        rest = STR(" class=\"mw-empty-elt\">");
    if (flags & IS_LF && node->first && node->first->tag == TAG_TEXT &&
        node->first->text.ptr[0] == '\n')
        rest = STR(">\n");
    memcpy(p, rest.ptr, rest.len);
    out->len += (size_t)(p - from) + rest.len;
}

static void write_end(buf *out, const tree_node *node) {
    if (tag_flags((tag_id)node->tag) & IS_VOID || is_hidden(node)) return;
    str name = name_of(node);
    char *p = buf_room(out, sizeof tag_rows->name + 3);
    if (!p) return;
    p[0] = '<', p[1] = '/';
    memcpy(p + 2, name.ptr, sizeof tag_rows->name);
    p[2 + name.len] = '>';
    out->len += name.len + 3;
}

static void write_node(buf *out, const tree_node *node, bool marks) {
    if (node->tag != TAG_TEXT) {
        if (!is_hidden(node)) write_start(out, node, marks);
    } else if (tag_rows[node->parent->tag].start == START_RAW) {
        buf_add(out, node->text);
    } else {
        write_text(out, node->text);
    }
}

void tree_write(buf *out, const tree_builder *b) {
    const tree_node *root = b->root, *node = root->first;
    while (node && node != root) {
        write_node(out, node, b->does_wrap);
        if (node->tag != TAG_TEXT && node->first) {
            node = node->first;
            continue;
        }
        if (node->tag != TAG_TEXT) write_end(out, node);
        while (node != root && !node->next) {
            node = node->parent;
            if (node != root) write_end(out, node);
        }
        if (node != root) node = node->next;
    }
}
