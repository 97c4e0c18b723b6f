// net/wheel.h -- timers: arm and cancel in O(1), good to one tick, for one thread.
//
//   Owner     the caller owns each net_timer (it sits inside a bigger struct) and cancels it before
//             that memory dies
//   Threads   one: the loop's
//   Limits    any delay; a timer fires at most one tick late and never early
//   Format    time is milliseconds of one monotonic clock that the caller reads
#ifndef NET_WHEEL_H
#define NET_WHEEL_H

#include "base/base.h"

enum { NET_TICK_MS = 16, NET_WHEEL_SLOTS = 2048 };  // one revolution is 33 s

typedef struct net_timer {
    struct net_timer *next, **link;  // link is NULL while not armed
    int64_t at;                      // tick when it is due
    int64_t hangs;                   // tick of the slot it hangs in, at most `at`
    void (*fire)(struct net_timer *t);
} net_timer;

typedef struct net_wheel {
    int64_t tick;  // all slots up to here have been run
    uint64_t used[NET_WHEEL_SLOTS / 64];
    net_timer *slots[NET_WHEEL_SLOTS];
} net_wheel;

void net_wheel_init(net_wheel *w, int64_t now_ms);

// (Re)arms: fire() is called once, `delay_ms` from now. Moving a timer later costs two stores.
void net_wheel_arm(net_wheel *w, net_timer *t, int64_t now_ms, int64_t delay_ms);
// Accepts a timer that is not armed.
void net_wheel_cancel(net_wheel *w, net_timer *t);
static inline bool net_timer_is_armed(const net_timer *t) {
    return t->link != NULL;
}

// How long the loop may sleep, -1 for ever.
int net_wheel_wait_ms(const net_wheel *w, int64_t now_ms);
// Fires what is due. fire() may arm and cancel any timer.
void net_wheel_run(net_wheel *w, int64_t now_ms);

#endif
