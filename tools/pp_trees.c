// Trees of wikitext and their expansion, for tests/mediawiki/trees.py: a line of JSON in,
// {"text": "{{a|b}}", "included": false, "A": "...", "B": "...", "C": "..."}, a line out,
// {"tree": "{'a'|1:'b'}", "flat": "..."}. There are templates of these three names.

#include "base/json.h"
#include "base/json_read.h"
#include "wikitext/inside.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROOM = 1 << 30, TEMPLATES = 3 };

static str templates[TEMPLATES];

static bool source(void *arg, wt_source *out, str title, arena *a) {
    (void)arg, (void)a;
    size_t i = title.len == 10 ? (size_t)(title.ptr[9] - 'A') : TEMPLATES;
    if (i >= TEMPLATES || !str_starts(title, STR("Template:"))) return false;
    *out = (wt_source){.title = title, .text = templates[i], .hash = str_hash(templates[i], 1) | 1};
    return true;
}

static void exists(void *arg, wt_status *out, const str *titles, size_t n) {
    (void)arg, (void)titles;
    for (size_t i = 0; i < n; i++)
        out[i] = WT_MISSING;
}

static bool interwiki(void *arg, wt_interwiki *out, str prefix, arena *a) {
    (void)arg, (void)out, (void)prefix, (void)a;
    return false;
}

static bool message(void *arg, str *out, str key, arena *a) {
    (void)arg, (void)out, (void)key, (void)a;
    return false;
}

static const wiki_site site = {.lang = STR_INIT("en")};
static const wt_world world = {
    .site = &site, .source = source, .exists = exists, .interwiki = interwiki, .message = message};

// --- Trees as text: 'text' {call|1:x|named=y} {{argument}} H2#1[heading] <tag> !comment ~ignored

typedef struct shown {
    buf *out;
    bool in_text;
} shown;

static void put(shown *s, const char *open, str text, const char *close) {
    if (s->in_text) buf_byte(s->out, '\'');
    s->in_text = false;
    buf_add(s->out, str_of(open));
    buf_add(s->out, text);
    buf_add(s->out, str_of(close));
}

static void put_text(shown *s, str text) {
    if (!text.len) return;
    if (!s->in_text) buf_byte(s->out, '\'');
    s->in_text = true;
    buf_add(s->out, text);
}

static void show(shown *s, const wt_node *node);

static void show_call(shown *s, const wt_node *node, const char *open, const char *close) {
    put(s, open, STR(""), node->line_start ? "^" : "");
    show(s, node->child->child);
    for (const wt_node *part = node->child->next; part; part = part->next) {
        bool is_named = part->child->kind == WT_KEY;
        put(s, "|", STR(""), "");
        if (is_named)
            show(s, part->child->child), put(s, "=", STR(""), "");
        else
            buf_fmt(s->out, "%u:", part->index);
        show(s, is_named ? part->child->next->child : part->child->child);
    }
    put(s, close, STR(""), "");
}

static void show_tag(shown *s, const wt_node *node) {
    put(s, "<", node->text, "(");
    buf_add(s->out, node->tag->attrs);
    put(s, node->tag->has_inner ? "):" : ")/", node->tag->inner, "(");
    put(s, "", node->tag->close, ")>");
}

static void show(shown *s, const wt_node *node) {
    for (; node; node = node->next) {
        if (node->kind == WT_TEXT) {
            put_text(s, node->text);
        } else if (node->kind == WT_TEMPLATE) {
            show_call(s, node, "{", "}");
        } else if (node->kind == WT_ARG) {
            show_call(s, node, "{{", "}}");
        } else if (node->kind == WT_EXT) {
            show_tag(s, node);
        } else if (node->kind == WT_HEADING) {
            put(s, "H", STR(""), "");
            buf_fmt(s->out, "%d#%u[", node->level, node->index);
            show(s, node->child);
            put(s, "]", STR(""), "");
        } else {
            put(s, node->kind == WT_COMMENT ? "!(" : "~(", node->text, ")");
        }
    }
}

// --- Requests ------------------------------------------------------------------------------------

static str flat(wt_parser *p, const wt_node *root, arena *mem) {
    buf out, clean;
    buf_init(&out, mem, 0);
    wt_expand(&out, p, p->frame, root, WT_NO_TAGS);
    buf_init(&clean, mem, out.len);
    wt_strip_kill(&clean, buf_str(&out));
    return buf_str(&clean);
}

static void answer(str line, arena mem, arena scratch) {
    const json_value *request;
    err e = {0};
    str text = {0};
    bool is_included = false;
    buf tree_text, reply;
    json j;
    wt_tree tree;
    if (json_read(&request, line, &scratch, &e)) {
        fprintf(stderr, "pp_trees: %s\n", e.msg);
        exit(1);
    }
    json_is_str(&text, json_get(request, "text"));
    json_is_bool(&is_included, json_get(request, "included"));
    for (size_t i = 0; i < TEMPLATES; i++)
        json_is_str(&templates[i], json_get(request, (char[]){(char)('A' + i), 0}));
    wt_options o = {.world = &world, .title = STR("Test page")};
    wt_page page = {0};
    wt_frame frame = {.title = o.title};
    wt_parser *p = arena_new(&mem, wt_parser);
    *p = (wt_parser){.o = &o,
                     .world = &world,
                     .page = &page,
                     .mem = &mem,
                     .frame = &frame,
                     .limits = {1000000, 2 << 20, 2 << 20, 100, 500, 32 << 20, 0}};
    wt_title_parse(&p->title, p, o.title, 0);
    wt_preprocess(&tree, text, is_included, &mem);
    buf_init(&tree_text, &scratch, 0);
    shown s = {.out = &tree_text};
    show(&s, tree.root->child);
    put(&s, "", STR(""), "");
    str expanded = is_included ? STR("") : flat(p, tree.root, &mem);
    buf_init(&reply, &scratch, 0);
    json_init(&j, &reply);
    json_open(&j, '{');
    json_key(&j, "tree"), json_str(&j, buf_str(&tree_text));
    json_key(&j, "flat"), json_str(&j, expanded);
    json_close(&j, '}');
    buf_byte(&reply, '\n');
    fwrite(reply.ptr, 1, reply.len, stdout);
    fflush(stdout);
}

int main(void) {
    arena mem, scratch;
    char *line = NULL;
    size_t cap = 0;
    if (arena_open(&mem, ROOM, NULL) || arena_open(&scratch, ROOM, NULL)) return 1;
    for (ssize_t n; (n = getline(&line, &cap, stdin)) > 0;)
        answer((str){line, (size_t)n}, mem, scratch);
    free(line);
    arena_close(&mem);
    arena_close(&scratch);
    return 0;
}
