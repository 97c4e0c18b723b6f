// Plaintext: the smallest answers there are, and so the yard-stick of the engine.

#include "app/app.h"

static void hello_text(http_req *rq, void *app) {
    (void)app;
    http_reply(rq, 200, HTTP_TEXT, STR("Hello, World!"));
}

static void hello_json(http_req *rq, void *app) {
    (void)app;
    http_reply(rq, 200, HTTP_JSON, STR("{\"message\": \"Hello, World!\"}"));
}

static const http_route routes[] = {
    {HTTP_GET, "/plaintext", hello_text, .about = "`Hello, World!`"},
    {HTTP_GET, "/plaintext/plaintext", hello_text, .about = "the same, by the original's name"},
    {HTTP_GET, "/json", hello_json, .about = "`{\"message\": \"Hello, World!\"}`"},
};

const app_kind app_plaintext = {
    .name = "plaintext",
    .class_name = "parallelopedia.http.server.PlaintextApp",
    .routes = routes,
    .n_routes = countof(routes),
};
