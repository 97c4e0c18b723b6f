// /metrics: what /stats tells, and the engine's distributions, for Prometheus.
//
//   I1  a family is written once, with all its samples: apps never share one

#include "app/metrics.h"

#include "app/app.h"
#include "app/gen_engine.h"
#include "app/process.h"
#include "os/clock.h"
#include "os/cpu.h"

#include <math.h>
#include <stdatomic.h>

#define PREFIX "parallelopedia_"

// --- The format ------------------------------------------------------------------------------

void metrics_family(metrics *m, metrics_kind kind, const char *name, const char *help) {
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    m->name = name;
    buf_fmt(m->to, "# HELP " PREFIX "%s %s\n# TYPE " PREFIX "%s %s\n", name, help, name,
            kinds[kind]);
}

// In a label's value backslash, quote and line feed are escaped; what else is no text is dropped.
static void put_escaped(buf *to, str s) {
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (c == '\\' || c == '"') buf_byte(to, '\\');
        if (c == '\n')
            buf_add(to, STR("\\n"));
        else if ((unsigned char)c >= ' ')
            buf_byte(to, c);
    }
}

static void put_name(metrics *m, const char *suffix, const metrics_label *label) {
    buf_fmt(m->to, PREFIX "%s%s", m->name, suffix);
    if (label) {
        buf_fmt(m->to, "{%s=\"", label->name);
        put_escaped(m->to, label->value);
        buf_add(m->to, STR("\"}"));
    }
    buf_byte(m->to, ' ');
}

static void put_f64(buf *to, double v) {
    if (isfinite(v))
        buf_fmt(to, "%.9g", v);
    else
        buf_add(to, isnan(v) ? STR("NaN") : v > 0 ? STR("+Inf") : STR("-Inf"));
}

void metrics_u64(metrics *m, const metrics_label *label, uint64_t v) {
    put_name(m, "", label);
    buf_u64(m->to, v);
    buf_byte(m->to, '\n');
}

void metrics_f64(metrics *m, const metrics_label *label, double v) {
    put_name(m, "", label);
    put_f64(m->to, v);
    buf_byte(m->to, '\n');
}

void metrics_one(metrics *m, metrics_kind kind, const char *name, const char *help, double v) {
    metrics_family(m, kind, name, help);
    metrics_f64(m, NULL, v);
}

void metrics_histogram(metrics *m, const double *bounds, const uint64_t *counts, size_t n,
                       double sum) {
    uint64_t all = 0;
    for (size_t i = 0; i <= n; i++) {
        buf_fmt(m->to, PREFIX "%s_bucket{le=\"", m->name);
        put_f64(m->to, i < n ? bounds[i] : (double)INFINITY);
        buf_fmt(m->to, "\"} %llu\n", (unsigned long long)(all += counts[i]));
    }
    put_name(m, "_sum", NULL);
    put_f64(m->to, sum);
    buf_byte(m->to, '\n');
    put_name(m, "_count", NULL);
    buf_u64(m->to, all);
    buf_byte(m->to, '\n');
}

// --- The server ------------------------------------------------------------------------------

static void put_process(metrics *m, const app_set *s) {
    metrics_family(m, METRICS_GAUGE, "build_info", "Always 1; the version is a label.");
    metrics_u64(m, &(metrics_label){"version", STR(VERSION)}, 1);
    metrics_one(m, METRICS_GAUGE, "uptime_seconds", "Since the start.",
                os_seconds_since(s->start_ns));
    metrics_one(m, METRICS_GAUGE, "cores", "Cores that this process may use.", os_cpu_count());
    metrics_one(m, METRICS_GAUGE, "resident_bytes", "Memory of this process, mapped files too.",
                (double)process_resident());
    metrics_one(m, METRICS_COUNTER, "cpu_seconds_total", "Processor time, all threads.",
                process_cpu_seconds());
}

static void put_http(metrics *m, const http_server *server) {
    http_counters c = {0};
    if (server) http_server_counters(&c, server);
    const struct {
        metrics_kind kind;
        const char *name, *help;
        uint64_t v;
    } rows[] = {
        {METRICS_GAUGE, "http_connections", "Open connections.", c.connections_open},
        {METRICS_COUNTER, "http_connections_total", "Connections so far.", c.connections_total},
        {METRICS_COUNTER, "http_requests_total", "Requests with a whole head.", c.requests_total},
        {METRICS_GAUGE, "http_streams", "Replies without a known end.", c.streams_open},
        {METRICS_COUNTER, "http_sent_bytes_total", "Bytes sent.", c.bytes_sent},
        {METRICS_COUNTER, "http_parse_errors_total", "Requests that were none.", c.parse_errors},
        {METRICS_COUNTER, "http_timeouts_total", "Connections closed for waiting too long.",
         c.timeouts},
    };
    for (size_t i = 0; i < countof(rows); i++) {
        metrics_family(m, rows[i].kind, rows[i].name, rows[i].help);
        metrics_u64(m, NULL, rows[i].v);
    }
    metrics_family(m, METRICS_COUNTER, "http_replies_total", "Replies by class of status code.");
    for (size_t i = 1; i <= 5; i++) {
        char name[4] = {(char)('0' + i), 'x', 'x', 0};
        metrics_u64(m, &(metrics_label){"class", str_of(name)}, c.replies_by_class[i]);
    }
}

static void put_latency(metrics *m, const http_server *server) {
    static const uint16_t ms[HTTP_REPLY_BUCKETS] = HTTP_REPLY_MS;
    double bounds[HTTP_REPLY_BUCKETS];
    http_counters c = {0};
    if (server) http_server_counters(&c, server);
    for (size_t i = 0; i < countof(ms); i++)
        bounds[i] = ms[i] * 1e-3;
    metrics_family(m, METRICS_HISTOGRAM, "http_reply_seconds",
                   "From a request's header to its reply's; under a millisecond counts as 0.");
    metrics_histogram(m, bounds, c.replies_by_ms, countof(bounds), (double)c.reply_ms * 1e-3);
}

static void put_apps(metrics *m, const app_set *s) {
    metrics_family(m, METRICS_GAUGE, "app_available", "1: it serves; 0: it could not be opened.");
    for (size_t i = 0; i < s->n_apps; i++)
        metrics_u64(m, &(metrics_label){"app", str_of(s->app[i].kind->name)}, !s->app[i].is_broken);
    for (size_t i = 0; i < s->n_apps; i++) {
        const app_one *one = &s->app[i];
        if (one->self && one->kind->metrics) one->kind->metrics(m, one->self);
    }
}

void app_metrics(http_req *rq, void *app) {
    const app_set *s = app;
    buf out;
    app_buf_init(&out, rq, 8192);
    metrics m = {.to = &out};
    put_process(&m, s);
    put_http(&m, atomic_load(&s->server));
    put_latency(&m, atomic_load(&s->server));
    put_apps(&m, s);
    gen_metrics(&m, &s->shared);
    http_add_header(rq, "Cache-Control", STR("no-store"));
    app_reply_buf(rq, METRICS_TYPE, &out);
}
