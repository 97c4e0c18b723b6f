// /stats: what runs, since when, and how busy it is. /metrics is its neighbour (metrics.c).

#include "app/app.h"

#include "app/process.h"
#include "os/clock.h"
#include "os/cpu.h"

#include <stdatomic.h>

static void put_http(json *j, const http_server *server) {
    http_counters c = {0};
    if (server) http_server_counters(&c, server);
    json_open(j, '{');
    json_key(j, "connections_open"), json_u64(j, c.connections_open);
    json_key(j, "connections_total"), json_u64(j, c.connections_total);
    json_key(j, "requests_total"), json_u64(j, c.requests_total);
    json_key(j, "streams_open"), json_u64(j, c.streams_open);
    json_key(j, "bytes_sent"), json_u64(j, c.bytes_sent);
    json_key(j, "parse_errors"), json_u64(j, c.parse_errors);
    json_key(j, "timeouts"), json_u64(j, c.timeouts);
    json_key(j, "replies"), json_open(j, '{');
    for (int i = 1; i <= 5; i++) {
        char name[4] = {(char)('0' + i), 'x', 'x', 0};
        json_key(j, name), json_u64(j, c.replies_by_class[i]);
    }
    json_close(j, '}');
    json_close(j, '}');
}

static void put_apps(json *j, const app_set *s) {
    json_open(j, '{');
    for (size_t i = 0; i < s->n_apps; i++) {
        const app_one *one = &s->app[i];
        if (one->kind == &app_stats || one->kind == &app_ui) continue;
        json_key(j, one->kind->name), json_open(j, '{');
        json_key(j, "available"), json_bool(j, !one->is_broken);
        if (one->self && one->kind->stats) one->kind->stats(j, one->self);
        json_close(j, '}');
    }
    json_close(j, '}');
}

static void stats(http_req *rq, void *app) {
    const app_set *s = app;
    buf out;
    app_buf_init(&out, rq, 2048);
    json j;
    json_init(&j, &out);
    json_open(&j, '{');
    json_key(&j, "version"), json_str(&j, STR(VERSION));
    json_key(&j, "uptime_seconds"), json_f64(&j, os_seconds_since(s->start_ns), 3);
    json_key(&j, "cpu"), json_str(&j, str_of(os_cpu_name()));
    json_key(&j, "cores"), json_i64(&j, os_cpu_count());
    json_key(&j, "resident_bytes"), json_u64(&j, process_resident());
    json_key(&j, "apps"), put_apps(&j, s);
    json_key(&j, "http"), put_http(&j, atomic_load(&s->server));
    json_close(&j, '}');
    http_add_header(rq, "Cache-Control", STR("no-store"));
    app_reply_buf(rq, HTTP_JSON, &out);
}

static const http_route routes[] = {
    {HTTP_GET, "/stats", stats, .about = "apps, counters, memory as JSON"},
    {HTTP_GET, "/metrics", app_metrics, .about = "the same and more for Prometheus"},
};

const app_kind app_stats = {.name = "stats", .routes = routes, .n_routes = countof(routes)};
