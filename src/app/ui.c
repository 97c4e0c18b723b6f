// The page: files of the Vite build, embedded in the program at build time.
//
// Files with a hash in their name never change and may be cached for ever; index.html is asked for
// again each time and answered by ETag. Nothing else is served: there is no document root.

#include "app/app.h"

#include "http/asset.h"

#define CSP                                                                                        \
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "                 \
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'"

static const http_asset *asset_at(str path) {
    if (str_eq(path, STR("/"))) path = STR("/index.html");
    for (size_t i = 0; i < http_n_assets; i++)
        if (str_eq(path, http_assets[i].path)) return &http_assets[i];
    return NULL;
}

// Whether Accept-Encoding lists gzip without q=0 (RFC 9110 12.5.3).
static bool accepts_gzip(http_req *rq) {
    str accept;
    if (!http_header(&accept, rq, "Accept-Encoding")) return false;
    while (accept.len) {
        str item = str_cut(&accept, ',');
        str coding = str_trim(str_cut(&item, ';'));
        if (!str_eq_nocase(coding, STR("gzip"))) continue;
        str q = str_trim(item);
        double weight = 1;
        return !str_starts_nocase(q, STR("q=")) || !str_parse_f64(&weight, str_skip(q, 2)) ||
               weight > 0;
    }
    return false;
}

static void serve_asset(http_req *rq, void *app) {
    (void)app;
    const http_asset *a = asset_at(http_path(rq));
    if (!a) {
        http_reply_error(rq, 404, "Not Found");
        return;
    }
    http_add_header(rq, "Cache-Control",
                    a->is_immutable ? STR("public, max-age=31536000, immutable") : STR("no-cache"));
    http_add_header(rq, "Vary", STR("Accept-Encoding"));
    http_add_header(rq, "Content-Security-Policy", STR(CSP));
    http_add_header(rq, "X-Content-Type-Options", STR("nosniff"));
    bool gzip = a->gzip.len && accepts_gzip(rq);
    http_set_etag(rq, a->etag);
    if (gzip) http_add_header(rq, "Content-Encoding", STR("gzip"));
    http_reply(rq, 200, a->type.ptr, gzip ? a->gzip : a->identity);  // .type is a C literal
}

static const http_route routes[] = {
    {HTTP_GET, "/*", serve_asset, .about = "the page and its files"},
};

const app_kind app_ui = {.name = "ui", .routes = routes, .n_routes = countof(routes)};
