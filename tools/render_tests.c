// Renders what tests/conformance/parsertests.py asks for: a line of JSON in, a line of JSON out.

#include "base/json.h"
#include "base/json_read.h"
#include "wiki/wiki.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROOM = 256 << 20 };

static void answer(str line, arena scratch, arena out_mem) {
    const json_value *request;
    err e = {0};
    str title = {0}, wikitext = {0};
    buf html, out;
    json j;
    if (json_read(&request, line, &scratch, &e)) {
        fprintf(stderr, "render_tests: %s\n", e.msg);
        exit(1);
    }
    json_is_str(&title, json_get(request, "title"));
    json_is_str(&wikitext, json_get(request, "wikitext"));
    buf_init(&html, &out_mem, 0);
    wiki_html(&html, wikitext, STR("wikitext"), &(wiki_html_options){.link_prefix = "/wiki/"},
              scratch);
    buf_init(&out, &scratch, 0);
    json_init(&j, &out);
    json_open(&j, '{');
    json_key(&j, "html"), json_str(&j, buf_str(&html));
    json_close(&j, '}');
    printf("%.*s\n", STR_ARG(buf_str(&out)));
    fflush(stdout);
}

int main(void) {
    arena mem, out;
    char *line = NULL;
    size_t cap = 0;
    if (arena_open(&mem, ROOM, NULL) || arena_open(&out, ROOM, NULL)) return 1;
    for (ssize_t n; (n = getline(&line, &cap, stdin)) > 0;)
        answer((str){line, (size_t)n}, mem, out);
    free(line);
    arena_close(&mem);
    arena_close(&out);
    return 0;
}
