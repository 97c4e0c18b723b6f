// The server: opens the loops, orders them to drain, cut or stop, and sums their counters.
//
// Orders travel as mail, so that a loop's things are touched by its own thread only. A stop comes
// last, when no connection is open any more: then no worker can have a request, and the pool and
// the loops can be joined in any order.
//
//   I1  a loop has at most one order under way: order() waits until it is obeyed

#include "http/internal.h"

#include "os/clock.h"
#include "os/cpu.h"

#include <stdlib.h>
#include <time.h>

struct http_server {
    arena perm;
    http_router router;
    os_pool *pool;
    int port;
    int n_loops;
    http_loop **loops;
};

static void nap(void) {
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static uint64_t sum(const http_server *s, http_count which) {
    uint64_t n = 0;
    for (int i = 0; i < s->n_loops; i++)
        n += atomic_load_explicit(&s->loops[i]->counts[which], memory_order_relaxed);
    return n;
}

static uint64_t n_open(const http_server *s) {
    uint64_t closed = sum(s, COUNT_CLOSED);  // read first, so that the difference is not negative
    return sum(s, COUNT_OPENED) - closed;
}

// --- Open ------------------------------------------------------------------------------------

static status open_loop(http_server *s, const http_config *c, net_addr *addr, err *e) {
    void *mem = arena_alloc(&s->perm, sizeof(http_loop) + CACHE_LINE);
    http_loop *l = (http_loop *)align_up((uintptr_t)mem, CACHE_LINE);
    l->server = s;
    l->server_name = c->server_name ? c->server_name : "Parallelopedia Web Server v1.0";
    l->router = &s->router;
    l->pool = s->pool;
    l->listen_fd = -1;
    s->loops[s->n_loops++] = l;
    TRY(net_listen(&l->listen_fd, addr, c->backlog > 0 ? c->backlog : 511, e));
    TRY(http__loop_open(l, e));
    if (pthread_create(&l->thread, NULL, http__loop_main, l))
        return err_set(e, E_LIMIT, "cannot start loop thread %d of %d", s->n_loops, c->n_loops);
    l->started = true;
    return OK;
}

static status open_all(http_server *s, const http_config *c, err *e) {
    int n_loops = c->n_loops > 0 ? c->n_loops : os_cpu_count();
    int n_workers = c->n_workers > 0 ? c->n_workers : 2 * os_cpu_count() + 2;
    net_addr addr;
    TRY(http_router_init(&s->router, &s->perm, c->routes, c->n_routes, e));
    TRY(net_addr_parse(&addr, c->ip ? c->ip : "127.0.0.1", c->port, e));
    TRY(net_probe_free(&addr, e));
    TRY(os_pool_open(&s->pool, n_workers, HTTP_QUEUE_MAX, "http-worker", e));
    s->loops = arena_array(&s->perm, http_loop *, (size_t)n_loops);
    for (int i = 0; i < n_loops; i++)
        TRY(open_loop(s, c, &addr, e));
    s->port = net_addr_port(&addr);
    return OK;
}

status http_server_open(http_server **out, const http_config *c, err *e) {
    *out = NULL;
    arena perm;
    if (c->n_loops > 1024) return err_set(e, E_ARG, "%d loops: at most 1024", c->n_loops);
    TRY(arena_open(&perm, 256 << 20, e));
    http_server *s = arena_new(&perm, http_server);
    s->perm = perm;
    status st = open_all(s, c, e);
    if (st) {
        http_server_close(s);
        return st;
    }
    *out = s;
    return OK;
}

int http_server_port(const http_server *s) {
    return s->port;
}

// --- Drain and close -------------------------------------------------------------------------

static void order(http_server *s, http_order what) {
    for (int i = 0; i < s->n_loops; i++) {
        http_loop *l = s->loops[i];
        if (!l->started) continue;
        atomic_store(&l->obeyed, false);
        atomic_store(&l->ordered, what);
        net_post(l->net, &l->order);
    }
    for (int i = 0; i < s->n_loops; i++)
        while (s->loops[i]->started && !atomic_load(&s->loops[i]->obeyed))  // I1
            nap();
}

int http_server_drain(http_server *s, int deadline_ms) {
    int64_t until = os_now_ns() + (int64_t)deadline_ms * 1000000;
    order(s, ORDER_DRAIN);
    while (n_open(s) && os_now_ns() < until)
        nap();
    int n_cut = (int)n_open(s);
    if (n_cut) order(s, ORDER_CUT);
    return n_cut;
}

void http_server_close(http_server *s) {
    if (!s) return;
    order(s, ORDER_CUT);
    while (n_open(s))  // workers finish what they have
        nap();
    order(s, ORDER_STOP);
    for (int i = 0; i < s->n_loops; i++)
        if (s->loops[i]->started) pthread_join(s->loops[i]->thread, NULL);
    os_pool_close(s->pool);
    for (int i = 0; i < s->n_loops; i++)
        http__loop_close(s->loops[i]);
    arena perm = s->perm;  // the server lies in it
    arena_close(&perm);
}

void http_server_counters(http_counters *out, const http_server *s) {
    *out = (http_counters){
        .connections_open = n_open(s),
        .connections_total = sum(s, COUNT_OPENED),
        .requests_total = sum(s, COUNT_REQUESTS),
        .bytes_sent = sum(s, COUNT_BYTES),
        .parse_errors = sum(s, COUNT_PARSE_ERRORS),
        .timeouts = sum(s, COUNT_TIMEOUTS),
        .reply_ms = sum(s, COUNT_REPLY_MS),
    };
    uint64_t ended = sum(s, COUNT_STREAMS_ENDED);
    out->streams_open = sum(s, COUNT_STREAMS_BEGUN) - ended;
    for (int i = 0; i < 6; i++)
        out->replies_by_class[i] = sum(s, COUNT_CLASS + i);
    for (int i = 0; i <= HTTP_REPLY_BUCKETS; i++)
        out->replies_by_ms[i] = sum(s, COUNT_MS + i);
}
