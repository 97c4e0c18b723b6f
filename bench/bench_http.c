// bench/bench_http.c -- the engine alone: serves /plaintext, /big and /stream until stdin closes.
// Prints its port. For wrk by hand; the program itself is `parallelopedia serve`.

#include "http/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char big[8 << 20];

static void plaintext(http_req *rq, void *app) {
    (void)app;
    http_reply(rq, 200, HTTP_TEXT, STR("Hello, World!"));
}

static void big_body(http_req *rq, void *app) {
    (void)app;
    http_reply(rq, 200, HTTP_TEXT, (str){big, sizeof big});
}

static http_more count_down(void *self, buf *out) {
    int *left = self;
    buf_fmt(out, "%d\n", *left);
    return --*left ? HTTP_MORE : HTTP_END;
}

static void no_op(void *self) {
    (void)self;
}

static void stream(http_req *rq, void *app) {
    (void)app;
    int *left = arena_new(http_arena(rq), int);
    *left = 1000;
    http_reply_stream(rq, 200, HTTP_TEXT, (http_gen){left, count_down, no_op});
}

int main(int argc, char **argv) {
    static const http_route routes[] = {
        {HTTP_GET, "/plaintext", plaintext, NULL, HTTP_LOOP, "13 bytes"},
        {HTTP_GET, "/worker", plaintext, NULL, HTTP_WORKER, "13 bytes by way of a worker"},
        {HTTP_GET, "/big", big_body, NULL, HTTP_LOOP, "8 MiB"},
        {HTTP_GET, "/stream", stream, NULL, HTTP_LOOP, "1000 chunks"},
    };
    http_config c = {.ip = "127.0.0.1",
                     .port = argc > 1 ? atoi(argv[1]) : 0,
                     .n_loops = argc > 2 ? atoi(argv[2]) : 0,
                     .routes = routes,
                     .n_routes = countof(routes)};
    http_server *s;
    err e;
    if (http_server_open(&s, &c, &e)) {
        fprintf(stderr, "bench_http: %s\n", e.msg);
        return 1;
    }
    printf("%d\n", http_server_port(s));
    fflush(stdout);
    char c1;
    while (read(0, &c1, 1) > 0)
        ;
    http_server_drain(s, 1000);
    http_server_close(s);
    return 0;
}
