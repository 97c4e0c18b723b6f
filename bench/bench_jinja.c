// bench/bench_jinja.c -- how long a chat of 50 messages takes to render:
//
//     bench_jinja TEMPLATE.jinja ROUNDS
//
// The least time of a rendering in microseconds, request to prompt, and the prompt's bytes.
// bench/jinja.py runs it beside Python's jinja2.

#include "chat/chat.h"
#include "jinja/jinja.h"
#include "os/clock.h"

#include <stdio.h>
#include <stdlib.h>

enum { MESSAGES = 50, SENTENCES = 12 };

static str read_file(const char *path, arena *a) {
    FILE *f = fopen(path, "rb");
    char *p = arena_alloc(a, JINJA_TEXT_MAX);
    size_t n = f ? fread(p, 1, JINJA_TEXT_MAX, f) : 0;
    if (f) fclose(f);
    return (str){p, n};
}

// bench/jinja.py makes the same.
static str body(arena *a) {
    buf b;
    buf_init(&b, a, 1 << 16);
    buf_add(&b, STR("{\"messages\": [{\"role\": \"system\", \"content\": \"You are terse.\"}"));
    for (int i = 1; i < MESSAGES; i++) {
        buf_fmt(&b, ", {\"role\": \"%s\", \"content\": \"", i % 2 ? "user" : "assistant");
        for (int k = 0; k < SENTENCES; k++)
            buf_fmt(&b, "Sentence %d of turn %d has some words in it. ", k, i);
        buf_add(&b, STR("\"}"));
    }
    buf_add(&b, STR("]}"));
    return buf_str(&b);
}

int main(int argc, char **argv) {
    arena a;
    err e = {0};
    chat *c;
    if (argc != 3 || arena_open(&a, (size_t)1 << 28, &e)) return 2;
    chat_files f = {.chat_template = read_file(argv[1], &a), .bos = STR("<s>"), .eos = STR("</s>")};
    const json_value *v;
    if (chat_open(&c, &f, &e) || json_read(&v, body(&a), &a, &e)) {
        fprintf(stderr, "%s\n", e.msg);
        return 1;
    }
    chat_request r = {.messages = json_get(v, "messages"), .add_generation_prompt = true};
    double least = 1e9;
    size_t bytes = 0;
    for (int i = atoi(argv[2]); i > 0; i--) {
        arena room = a;
        str prompt;
        int64_t start = os_now_ns();
        if (chat_render(&prompt, c, &r, &room, &e)) {
            fprintf(stderr, "%s\n", e.msg);
            return 1;
        }
        double us = os_seconds_since(start) * 1e6;
        if (us < least) least = us;
        bytes = prompt.len;
    }
    printf("%.1f %zu\n", least, bytes);
    chat_close(c);
    arena_close(&a);
    return 0;
}
