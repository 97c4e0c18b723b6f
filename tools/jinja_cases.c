// Renders templates beside Python's jinja2: a line of stdin is {"template": ..., "vars": {...}}, a
// line of stdout {"text": ...} or {"error": ..., "status": ...}.

#include "base/json.h"
#include "jinja/jinja.h"

#include <stdio.h>
#include <stdlib.h>

enum { NOW = 1722000000 };  // 2024-07-26

static void answer(buf *to, str line, arena *a) {
    const json_value *v;
    err e = {0};
    json j;
    jinja *t = NULL;
    str text;
    arena out_mem;
    CHECK(!arena_open(&out_mem, (size_t)1 << 28, NULL));
    buf out;
    buf_init(&out, &out_mem, 0);
    status code = json_read(&v, line, a, &e);
    if (!code && !json_is_str(&text, json_get(v, "template"))) code = err_set(&e, E_ARG, "no case");
    if (!code) code = jinja_open(&t, text, &e);
    if (!code) code = jinja_render(&out, t, json_get(v, "vars"), NOW, *a, &e);
    json_init(&j, to);
    json_open(&j, '{');
    json_key(&j, code ? "error" : "text");
    json_str(&j, code ? str_of(e.msg) : buf_str(&out));
    if (code) json_key(&j, "status");
    if (code) json_str(&j, str_of(status_text(code)));
    json_close(&j, '}');
    jinja_close(t);
    arena_close(&out_mem);
}

int main(void) {
    arena a, reply;
    CHECK(!arena_open(&a, (size_t)1 << 31, NULL) && !arena_open(&reply, (size_t)1 << 30, NULL));
    char *line = NULL;
    size_t cap = 0;
    setenv("TZ", "UTC", 1);
    for (ssize_t n; (n = getline(&line, &cap, stdin)) > 0;) {
        buf to;
        buf_init(&to, &reply, 256);
        answer(&to, (str){line, (size_t)n}, &a);
        printf("%.*s\n", (int)to.len, to.ptr);
        fflush(stdout);
        arena_reset(&a, 1 << 20);
        arena_reset(&reply, 1 << 20);
    }
    free(line);
    return 0;
}
