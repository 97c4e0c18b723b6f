// http/server.h -- starts and stops the server: one epoll loop and one listener per core.
//
//   Owner     http_server owns its loops, listeners and worker pool; routes must outlive it
//   Threads   open, drain and close from one thread
//   Blocks    close joins threads
//   Errors    E_ARG (a route pattern is wrong or two routes are the same), E_EXISTS (port in use),
//             E_IO; the message says what to do
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "http/http.h"
#include "os/pool.h"

typedef struct http_server http_server;

typedef struct http_config {
    const char *ip;  // "127.0.0.1"; an IPv6 address works too
    int port;        // 0 takes a free one: ask http_server_port
    int n_loops;     // threads, each with its own SO_REUSEPORT listener; 0 is one per core
    int n_workers;   // for HTTP_WORKER handlers; 0 is two per core and two more
    int backlog;     // listen(2)
    const http_route *routes;
    size_t n_routes;
    const char *server_name;  // the Server header; NULL is "Parallelopedia Web Server v1.0"
} http_config;

// Binds and starts serving. On failure *out is NULL and nothing runs.
NODISCARD status http_server_open(http_server **out, const http_config *c, err *e);
int http_server_port(const http_server *s);

// Stops accepting, lets replies in flight finish (streams too) for at most `deadline_ms`, answers
// with Connection: close meanwhile, and closes idle connections at once. Blocks until all are gone
// or the time is up; returns how many connections were cut.
int http_server_drain(http_server *s, int deadline_ms);

// Cuts what is left and joins all threads. Accepts NULL.
void http_server_close(http_server *s);

// Upper bounds in milliseconds of what a reply's header took from the end of its request's header,
// on the clock of the loops, which ticks once a turn: what a loop answers itself counts as nothing.
#define HTTP_REPLY_MS                                                                              \
    { 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000 }
enum { HTTP_REPLY_BUCKETS = 12 };

// Live counters, summed over the loops; any thread.
typedef struct http_counters {
    uint64_t connections_open, connections_total, requests_total, bytes_sent;
    uint64_t replies_by_class[6];  // [2] is 2xx
    uint64_t streams_open, parse_errors, timeouts;
    uint64_t replies_by_ms[HTTP_REPLY_BUCKETS + 1];  // the last is beyond all bounds
    uint64_t reply_ms;                               // of all together
} http_counters;
void http_server_counters(http_counters *out, const http_server *s);

#endif
