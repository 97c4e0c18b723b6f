// One loop: its listener, its connections, and the pools they borrow from.
//
// Connections live in an array that grows at its end and never moves, so that a waker can name one
// by index for as long as the server lives. Blocks and requests are kept for reuse up to a few;
// what a burst needed beyond that goes back to the kernel.
//
// Out of descriptors, or at the limit: the connection that has idled longest (of a sample) makes
// room; if none is idle, accepting rests for a moment. It never spins.
//
//   I1  n_open is the number of slots in use
//   I2  warm and cold hold block numbers, each once; only cold ones have given back their memory

#include "http/date.h"
#include "http/internal.h"

#include "os/clock.h"

#include <stdio.h>
#include <sys/mman.h>

enum { EVICT_SAMPLE = 64 };

// --- Pools -----------------------------------------------------------------------------------

static http_conn *conn_at(http_loop *l, uint32_t slot) {
    return (http_conn *)l->conns.base + slot;
}

http_conn *http__loop_conn(http_loop *l) {
    if (l->n_open == HTTP_CONNS_MAX) return NULL;
    http_conn *c = l->free;
    if (c) {
        l->free = c->next_free;
    } else {
        _Static_assert(sizeof(http_conn) % 16 == 0, "an arena of http_conn is an array");
        c = arena_new(&l->conns, http_conn);
        c->slot = l->n_slots++;
        CHECK(c == conn_at(l, c->slot));
    }
    l->n_open++;
    return c;
}

void http__loop_free_conn(http_loop *l, http_conn *c) {
    c->next_free = l->free;
    l->free = c;
    l->n_open--;
}

char *http__loop_block(http_loop *l) {
    uint32_t i = l->n_warm   ? l->warm[--l->n_warm]
                 : l->n_cold ? l->cold[--l->n_cold]
                             : l->n_blocks++;
    CHECK(i < countof(l->cold));
    return (char *)l->blocks.base + (size_t)i * HTTP_BLOCK;
}

void http__loop_free_block(http_loop *l, char *block) {
    uint16_t i = (uint16_t)((size_t)(block - (char *)l->blocks.base) / HTTP_BLOCK);
    if (l->n_warm < HTTP_SPARE_MAX) {
        l->warm[l->n_warm++] = i;
        return;
    }
    madvise(block, HTTP_BLOCK, MADV_DONTNEED);
    l->cold[l->n_cold++] = i;
}

static http_req *new_req(void) {
    arena a;
    if (arena_open(&a, HTTP_ARENA, NULL)) return NULL;
    http_req *rq = arena_new(&a, http_req);
    rq->arena = a;
    return rq;
}

http_req *http__loop_req(http_loop *l, http_conn *c) {
    http_req *rq = l->spare;
    if (rq) {
        l->spare = rq->next;
        l->n_spare--;
    } else if (!(rq = new_req())) {
        return NULL;
    }
    rq->conn = c;
    http__req_clear(rq);
    return rq;
}

static void close_req(http_req *rq) {
    arena a = rq->arena;  // the request lies in it
    arena_close(&a);
}

void http__loop_free_req(http_loop *l, http_req *rq) {
    if (l->n_spare >= HTTP_SPARE_MAX) {
        close_req(rq);
        return;
    }
    arena_reset(&rq->arena, HTTP_ARENA_KEEP);
    rq->arena.used = sizeof *rq;
    rq->next = l->spare;
    l->spare = rq;
    l->n_spare++;
}

// --- Date ------------------------------------------------------------------------------------

static void refresh_fixed(http_loop *l, int64_t now_s, const char *server_name) {
    char date[HTTP_DATE_LEN];
    http_date_format(date, now_s);
    l->fixed_s = now_s;
    int n = snprintf(l->fixed, sizeof l->fixed,
                     "Server: %.100s\r\nDate: %.*s\r\nAccept-Ranges: bytes\r\nContent-Type: ",
                     server_name, HTTP_DATE_LEN, date);
    l->n_fixed = (size_t)n;
}

str http__loop_fixed(http_loop *l) {
    if (l->fixed_ms != net_now_ms(l->net)) {
        l->fixed_ms = net_now_ms(l->net);
        int64_t now_s = os_wall_ns() / 1000000000;
        if (now_s != l->fixed_s) refresh_fixed(l, now_s, l->server_name);
    }
    return (str){l->fixed, l->n_fixed};
}

// --- Accepting -------------------------------------------------------------------------------

static void rest_accepting(http_loop *l) {
    net_watch_remove(l->net, &l->listener);
    net_timer_arm(l->net, &l->accept_later, HTTP_RETRY_MS);
}

// Closes the connection that has idled longest among the next few slots.
static bool evict_idle(http_loop *l) {
    http_conn *oldest = NULL;
    for (uint32_t i = 0; i < EVICT_SAMPLE && i < l->n_slots; i++) {
        http_conn *c = conn_at(l, l->hand++ % l->n_slots);
        if (c->watch.fd >= 0 && http__conn_is_idle(c) &&
            (!oldest || c->since_ms < oldest->since_ms))
            oldest = c;
    }
    if (!oldest) return false;
    oldest->gone = true;
    http__conn_run(oldest);
    return true;
}

static void adopt(http_loop *l, http_conn *c, int fd, const net_addr *peer) {
    http__conn_init(c, l, fd, peer);
    http__count(l, COUNT_OPENED, 1);
    if (net_watch_add(l->net, &c->watch, fd, false, NULL)) {
        c->gone = true;
        http__conn_run(c);
    }
}

// Makes room for one connection, or rests. Only for the first of a turn, for which epoll vouched:
// accept(2) says "no descriptors" also when nobody is waiting.
static void make_room(http_loop *l, int nth) {
    if (nth == 0 && !evict_idle(l)) rest_accepting(l);
}

static void on_listener(net_watch *w, unsigned events) {
    (void)events;
    http_loop *l = (http_loop *)((char *)w - offsetof(http_loop, listener));
    for (int i = 0; i < HTTP_ACCEPTS_PER_TURN; i++) {
        net_addr peer;
        int fd = l->n_open == HTTP_CONNS_MAX ? NET_IO_FULL : net_accept(l->listen_fd, &peer);
        if (fd == NET_IO_FULL) make_room(l, i);
        if (fd < 0) return;
        adopt(l, http__loop_conn(l), fd, &peer);
    }
}

static void on_accept_later(net_timer *t) {
    http_loop *l = (http_loop *)((char *)t - offsetof(http_loop, accept_later));
    if (l->listen_fd < 0) return;
    if (net_watch_add(l->net, &l->listener, l->listen_fd, true, NULL))
        net_timer_arm(l->net, &l->accept_later, HTTP_RETRY_MS);
}

// What the kernel has accepted for us already is served; then the port is free.
static void stop_accepting(http_loop *l) {
    if (l->listen_fd < 0) return;
    net_addr peer;
    for (int fd; l->n_open < HTTP_CONNS_MAX && (fd = net_accept(l->listen_fd, &peer)) >= 0;)
        adopt(l, http__loop_conn(l), fd, &peer);
    net_timer_cancel(l->net, &l->accept_later);
    net_watch_remove(l->net, &l->listener);
    net_close(l->listen_fd);
    l->listen_fd = -1;
}

// --- Orders ----------------------------------------------------------------------------------

// An idle client may have sent a request that we have not seen: look before closing.
static void drain_conn(http_conn *c) {
    uint32_t generation = atomic_load(&c->generation);
    c->readable = true;
    http__conn_run(c);
    if (c->watch.fd < 0 || atomic_load(&c->generation) != generation) return;
    if (!http__conn_is_idle(c)) return;
    c->gone = true;
    http__conn_run(c);
}

static void drain(http_loop *l) {
    l->draining = true;
    stop_accepting(l);
    for (uint32_t i = 0; i < l->n_slots; i++) {
        http_conn *c = conn_at(l, i);
        if (c->watch.fd >= 0 && http__conn_is_idle(c)) drain_conn(c);
    }
}

static void cut(http_loop *l) {
    l->draining = true;
    stop_accepting(l);
    for (uint32_t i = 0; i < l->n_slots; i++) {
        http_conn *c = conn_at(l, i);
        if (c->watch.fd < 0) continue;
        c->gone = true;
        http__conn_run(c);
    }
}

static void on_order(net_mail *m) {
    http_loop *l = (http_loop *)((char *)m - offsetof(http_loop, order));
    switch (atomic_exchange(&l->ordered, ORDER_NONE)) {
    case ORDER_DRAIN:
        drain(l);
        break;
    case ORDER_CUT:
        cut(l);
        break;
    case ORDER_STOP:
        net_loop_stop(l->net);
        break;
    case ORDER_NONE:
        break;
    }
    atomic_store(&l->obeyed, true);
}

// --- Life ------------------------------------------------------------------------------------

status http__loop_open(http_loop *l, err *e) {
    l->listener = (net_watch){.fd = -1, .ready = on_listener};
    l->accept_later.fire = on_accept_later;
    l->order.run = on_order;
    TRY(net_loop_open(&l->net, e));
    TRY(arena_open(&l->conns, HTTP_CONNS_MAX * sizeof(http_conn), e));
    TRY(arena_open(&l->blocks, (size_t)countof(l->cold) * HTTP_BLOCK, e));
    refresh_fixed(l, os_wall_ns() / 1000000000, l->server_name);
    return net_watch_add(l->net, &l->listener, l->listen_fd, true, e);
}

void http__loop_close(http_loop *l) {
    CHECK(l->n_open == 0);
    if (l->listen_fd >= 0) net_close(l->listen_fd);
    while (l->spare) {
        http_req *rq = l->spare;
        l->spare = rq->next;
        close_req(rq);
    }
    arena_close(&l->conns);
    arena_close(&l->blocks);
    net_loop_close(l->net);
}

void *http__loop_main(void *arg) {
    http_loop *l = arg;
    pthread_setname_np(pthread_self(), "loop");
    net_loop_run(l->net);
    return NULL;
}
