// Passes of the wikitext renderer that need no page, for scripts that compare them with others: a
// line of JSON in, {"pass": "tree", "text": "<b>x"}, a line of JSON out, {"text": "<b>x</b>"}.

#include "base/json.h"
#include "base/json_read.h"
#include "html/tree.h"
#include "wikitext/inside.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROOM = 1 << 30 };

static void tree(buf *out, wt_parser *p, str text, arena scratch) {
    (void)p;
    tree_builder *b = arena_new(&scratch, tree_builder);
    tree_build(b, text, false, &scratch);
    tree_write(out, b);
}
static void tidy(buf *out, wt_parser *p, str text, arena scratch) {
    (void)p;
    html_tidy(out, text, scratch);
}
static void css(buf *out, wt_parser *p, str text, arena scratch) {
    (void)p;
    buf_add(out, html_css(text, &scratch));
}
static void charrefs(buf *out, wt_parser *p, str text, arena scratch) {
    (void)p, (void)scratch;
    html_charrefs(out, text);
}
static void decode(buf *out, wt_parser *p, str text, arena scratch) {
    (void)p;
    buf_add(out, html_decode(text, &scratch));
}
static void words(buf *out, wt_parser *p, str text, arena scratch) {
    (void)p, (void)scratch;
    wt_text(out, text);
}

static const struct {
    const char *name;
    void (*run)(buf *out, wt_parser *p, str text, arena scratch);
} passes[] = {{"tree", tree},  {"tidy", tidy},     {"sanitize", wt_sanitize}, {"css", css},
              {"text", words}, {"decode", decode}, {"charrefs", charrefs}};

static void answer(str line, arena mem, arena scratch) {
    const json_value *request;
    err e = {0};
    str name = {0}, text = {0};
    buf out, reply;
    json j;
    wt_parser *p = arena_new(&mem, wt_parser);
    p->mem = &mem;
    if (json_read(&request, line, &mem, &e)) {
        fprintf(stderr, "html_passes: %s\n", e.msg);
        exit(1);
    }
    json_is_str(&name, json_get(request, "pass"));
    json_is_str(&text, json_get(request, "text"));
    buf_init(&out, &mem, 0);
    for (size_t i = 0; i < countof(passes); i++)
        if (str_eq(name, str_of(passes[i].name))) passes[i].run(&out, p, text, scratch);
    buf_init(&reply, &scratch, 0);
    json_init(&j, &reply);
    json_open(&j, '{');
    json_key(&j, "text"), json_str(&j, buf_str(&out));
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
