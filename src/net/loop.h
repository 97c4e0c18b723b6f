// net/loop.h -- one thread's event loop: sockets, timers, mail from other threads, second helpings.
//
//   Owner     the caller owns watches, timers, agains and mails (each sits inside a bigger struct);
//             the loop owns its epoll and event descriptors
//   Threads   all of it belongs to the thread in net_loop_run, but for net_post: any thread
//   Blocks    net_loop_run, in epoll_wait only
//   Limits    NET_EVENTS_MAX events per turn; any number of watches
//   Errors    E_LIMIT (handles used up), E_IO
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/err.h"
#include "net/wheel.h"

typedef struct net_loop net_loop;

enum { NET_EVENTS_MAX = 256 };

// What happened. Watches are edge-triggered: each change is told once, so act until the socket
// would block.
enum {
    NET_IN = 1 << 0,    // bytes, or a connection to accept
    NET_OUT = 1 << 1,   // room
    NET_EOF = 1 << 2,   // the peer will send no more (it may still read)
    NET_GONE = 1 << 3,  // error, or closed both ways
};

typedef struct net_watch {
    int fd;  // -1 while not watched
    void (*ready)(struct net_watch *w, unsigned events);
} net_watch;

// Work to continue after everybody else had a turn.
typedef struct net_again {
    struct net_again *next, **link;  // link is NULL while not queued
    void (*run)(struct net_again *a);
} net_again;

// A message. It may be posted again as soon as run() has begun.
typedef struct net_mail {
    struct net_mail *next;
    void (*run)(struct net_mail *m);
} net_mail;

NODISCARD status net_loop_open(net_loop **out, err *e);
void net_loop_close(net_loop *l);  // accepts NULL; mail that still waits is dropped

// Runs until net_loop_stop; mail posted before the stop is run first.
void net_loop_run(net_loop *l);
void net_loop_stop(net_loop *l);

int64_t net_now_ms(const net_loop *l);  // monotonic, read once per turn

// Watches w->fd for everything in the enum above. `level`: told every turn while NET_IN lasts (a
// listener, of which one accepts only a few at a time) and nothing else.
NODISCARD status net_watch_add(net_loop *l, net_watch *w, int fd, bool level, err *e);
// No event comes after this, not even one of the turn that is running. Does not close the fd.
void net_watch_remove(net_loop *l, net_watch *w);

void net_timer_arm(net_loop *l, net_timer *t, int64_t delay_ms);
void net_timer_cancel(net_loop *l, net_timer *t);

void net_again_push(net_loop *l, net_again *a);  // accepts one that is queued already
void net_again_cancel(net_loop *l, net_again *a);

// Any thread; never fails, never blocks, allocates nothing. m->run(m) is called on the loop's
// thread; mails of one poster run in the order they were posted.
void net_post(net_loop *l, net_mail *m);

#endif
