// http/internal.h -- what request, reply, conn and server share. Nothing outside src/http sees it.
//
//   Owner     a loop owns its connections, blocks and requests; a connection borrows one request
//             and two blocks while it is not idle
//   Threads   all of a loop's things belong to its thread, but for: a request while its connection
//             is `busy` (a worker's), and the fields marked atomic
#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include "http/chunk.h"
#include "http/http.h"
#include "http/route.h"
#include "http/server.h"
#include "net/loop.h"
#include "net/sock.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct http_conn http_conn;
typedef struct http_loop http_loop;

// --- Request ---------------------------------------------------------------------------------

typedef enum http_reply_kind { REPLY_NONE, REPLY_BYTES, REPLY_MAP, REPLY_STREAM } http_reply_kind;

typedef struct http_line {  // a header of the app
    struct http_line *next;
    str name, value;
} http_line;

typedef struct http_answer {
    http_reply_kind kind;
    int code;
    const char *type;
    str body;  // BYTES
    const os_map *map;
    uint64_t off, len;  // MAP
    http_gen gen;       // STREAM; proceed is NULL once stop() was called
    bool has_modified;
    int64_t modified_s;
    str etag, content_range;
    http_line *lines, **last_line;
} http_answer;

typedef struct http_last {  // what to do at the end
    struct http_last *next;
    void (*run)(void *arg);
    void *arg;
} http_last;

struct http_req {
    arena arena;  // holds this struct too, at its start
    http_conn *conn;
    http_req *next;  // while spare
    net_mail done;   // from the worker
    os_job job;      // to the worker
    _Atomic int
        holds;  // of a held request: of the handler's return and http_resume, what is to come

    // From here on cleared for every request.
    const char *base;  // first byte of the head
    unsigned method;   // 0: none of ours
    str path, tail, query;
    const http_route *route;
    int refuse;  // code to answer in place of the route, or 0
    void (*refuse_as)(http_req *rq, int code, const char *why);  // NULL: an error page
    unsigned allow;
    bool handled;           // the handler has returned
    bool on_worker, moves;  // see http_to_worker
    buf body;
    http_chunks chunks;
    http_answer re;
    http_last *last;

    http_head head;  // clears itself
};

void http__req_clear(http_req *rq);
void http__req_end(http_req *rq);                       // calls what http_at_end was told
str http__method_list(char out[64], unsigned methods);  // "GET, HEAD, OPTIONS"

// --- Reply -----------------------------------------------------------------------------------

typedef struct http_wire {
    str fixed;  // "Server: ...\r\nDate: ...\r\nAccept-Ranges: bytes\r\nContent-Type: "
    bool close, say_keep_alive, chunked;
} http_wire;

const char *http__reason(int code);
// Turns the reply into 304 where the request's conditions say so (RFC 9110 13.2.2).
void http__reply_settle(http_req *rq);
// Forgets what the handler made, stopping its generator.
void http__reply_drop(http_req *rq);
// Calls stop() if that has not been done.
void http__reply_stop(http_req *rq);
// The header block; out->failed when it does not fit.
void http__reply_head(buf *out, const http_req *rq, const http_wire *w);
void http__reply_options(http_req *rq);
static inline bool http__has_no_body(int code) {
    return code < 200 || code == 204 || code == 304;
}

// --- Connection ------------------------------------------------------------------------------

typedef enum http_conn_state {
    CONN_READ,    // a head, or nothing: then the connection is idle
    CONN_BODY,    // a request body
    CONN_HANDLE,  // the handler
    CONN_SEND,    // what is in `out`, and the body behind it
    CONN_STREAM,  // a generator
    CONN_LINGER,  // all said; waiting for the client to have heard it
    CONN_CLOSED,
    CONN_N,
} http_conn_state;

struct http_conn {
    _Alignas(16) net_watch watch;  // 16: an arena of these is an array
    net_timer timer;
    net_again again;
    http_loop *loop;
    http_req *rq;    // NULL while idle
    char *in, *out;  // blocks of HTTP_BLOCK bytes; NULL while idle
    uint32_t in_at, in_len, out_at, out_len;
    uint32_t floor;  // end of the head, while its body is read
    http_conn_state state;
    bool readable, writable;  // as far as epoll and the last call said
    bool told_eof;            // epoll said that a FIN is there or near
    bool eof;                 // and we have read up to it
    bool gone;                // of no use: close as soon as no worker has the request
    bool busy;                // a worker has the request
    bool closing;             // after this reply
    bool replying;            // out or body belong to rq's reply
    bool reset;               // close with RST
    bool retry;               // the timer is for trying again
    bool waiting, ended;      // the stream
    bool probed;              // it has asked whether its client still reads
    const char *body;         // of a reply, not copied
    uint64_t body_left;
    const os_map *map;  // where body points into, or NULL
    uint64_t warm_to;   // offset in the map up to which a worker has read
    int64_t since_ms;   // when the present wait began, or last made progress
    int64_t began_ms;   // when the head of the request was whole
    uint32_t discarded;
    net_addr peer;
    http_conn *next_free;

    // From here on kept when the slot gets its next connection.
    uint32_t slot;
    _Atomic uint32_t generation;  // of the request; wakers of an older one do nothing
    _Atomic bool waking;          // `wake` is posted
    net_mail wake;
};

void http__conn_init(http_conn *c, http_loop *l, int fd, const net_addr *peer);
void http__conn_run(http_conn *c);
extern int http__hurry;  // divides the waits of limits.h; tests set it before they open a server
static inline bool http__conn_is_idle(const http_conn *c) {
    return c->state == CONN_READ && !c->rq && c->out_at == c->out_len;
}

// --- Loop ------------------------------------------------------------------------------------

typedef enum http_count {
    COUNT_OPENED,
    COUNT_CLOSED,
    COUNT_REQUESTS,
    COUNT_BYTES,
    COUNT_STREAMS_BEGUN,
    COUNT_STREAMS_ENDED,
    COUNT_PARSE_ERRORS,
    COUNT_TIMEOUTS,
    COUNT_REPLY_MS,
    COUNT_CLASS,                 // six of them, by reply code / 100
    COUNT_MS = COUNT_CLASS + 6,  // by HTTP_REPLY_MS
    COUNT_N = COUNT_MS + HTTP_REPLY_BUCKETS + 1,
} http_count;

typedef enum http_order { ORDER_NONE, ORDER_DRAIN, ORDER_CUT, ORDER_STOP } http_order;

struct http_loop {
    net_loop *net;
    http_server *server;
    const http_router *router;
    os_pool *pool;
    pthread_t thread;
    bool started;

    const char *server_name;
    int listen_fd;  // -1 once draining
    net_watch listener;
    net_timer accept_later;
    bool draining;

    arena conns;  // an array of http_conn, grown at its end
    uint32_t n_slots, hand;
    uint32_t n_open;
    http_conn *free;
    arena blocks;  // an array of blocks, grown at its end
    uint32_t n_blocks, n_warm, n_cold;
    uint16_t warm[HTTP_SPARE_MAX], cold[2 * HTTP_CONNS_MAX];  // blocks that are free
    http_req *spare;
    uint32_t n_spare;

    int64_t fixed_ms, fixed_s;  // when `fixed` was looked at, and the second it shows
    char fixed[256];
    size_t n_fixed;

    net_mail order;
    _Atomic int ordered;  // an http_order
    _Atomic bool obeyed;
    _Alignas(CACHE_LINE) _Atomic uint64_t counts[COUNT_N];
};

// One writer per counter, so a plain add will do.
static inline void http__count(http_loop *l, http_count which, uint64_t n) {
    uint64_t v = atomic_load_explicit(&l->counts[which], memory_order_relaxed);
    atomic_store_explicit(&l->counts[which], v + n, memory_order_relaxed);
}

NODISCARD status http__loop_open(http_loop *l, err *e);
void http__loop_close(http_loop *l);
void *http__loop_main(void *loop);

http_conn *http__loop_conn(http_loop *l);  // NULL at the limit
void http__loop_free_conn(http_loop *l, http_conn *c);
char *http__loop_block(http_loop *l);
void http__loop_free_block(http_loop *l, char *block);
http_req *http__loop_req(http_loop *l, http_conn *c);  // NULL when memory is out
void http__loop_free_req(http_loop *l, http_req *rq);
str http__loop_fixed(http_loop *l);

#endif
