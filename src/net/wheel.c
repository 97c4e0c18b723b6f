// A hashed timer wheel with lazy moves.
//
// A server moves nearly every timer later, many times, before one ever fires. So arming an armed
// timer for a later time only writes the new time; the slot finds out when its turn comes and hangs
// the timer further on. Rejected: a heap (O(log n) for every request) and cascading wheels (four
// levels of code for delays that are all under a minute).
//
//   I1  t->hangs <= t->at, and tick < t->hangs < tick + NET_WHEEL_SLOTS for every armed timer
//   I2  a bit of `used` is set while its slot is not empty

#include "net/wheel.h"

static size_t slot_of(int64_t tick) {
    return (size_t)tick % NET_WHEEL_SLOTS;
}

void net_wheel_init(net_wheel *w, int64_t now_ms) {
    *w = (net_wheel){.tick = now_ms / NET_TICK_MS};
}

static void unlink_timer(net_wheel *w, net_timer *t) {
    *t->link = t->next;
    if (t->next) t->next->link = t->link;
    t->link = NULL;
    size_t s = slot_of(t->hangs);
    if (!w->slots[s]) w->used[s / 64] &= ~(UINT64_C(1) << s % 64);
}

static void link_timer(net_wheel *w, net_timer *t) {
    t->hangs = min_i64(t->at, w->tick + NET_WHEEL_SLOTS - 1);
    ASSERT(t->hangs > w->tick);  // I1
    size_t s = slot_of(t->hangs);
    t->next = w->slots[s];
    t->link = &w->slots[s];
    if (t->next) t->next->link = &t->next;
    w->slots[s] = t;
    w->used[s / 64] |= UINT64_C(1) << s % 64;
}

void net_wheel_arm(net_wheel *w, net_timer *t, int64_t now_ms, int64_t delay_ms) {
    int64_t at = (now_ms + delay_ms + NET_TICK_MS - 1) / NET_TICK_MS;
    if (at <= w->tick) at = w->tick + 1;
    t->at = at;
    if (t->link && t->hangs <= at) return;
    if (t->link) unlink_timer(w, t);
    link_timer(w, t);
}

void net_wheel_cancel(net_wheel *w, net_timer *t) {
    if (t->link) unlink_timer(w, t);
}

// Distance in ticks from w->tick to the next used slot, or 0 when there is none.
static int64_t next_used(const net_wheel *w) {
    for (int64_t d = 1; d < NET_WHEEL_SLOTS;) {
        size_t s = slot_of(w->tick + d);
        uint64_t bits = w->used[s / 64] >> s % 64;
        if (bits) return min_i64(d + __builtin_ctzll(bits), NET_WHEEL_SLOTS - 1);
        d += 64 - (int64_t)(s % 64);
    }
    return 0;
}

int net_wheel_wait_ms(const net_wheel *w, int64_t now_ms) {
    int64_t d = next_used(w);
    if (d == 0) return -1;
    int64_t ms = (w->tick + d) * NET_TICK_MS - now_ms;
    return ms < 0 ? 0 : (int)ms;
}

static void run_slot(net_wheel *w, int64_t now_tick) {
    size_t s = slot_of(w->tick);
    net_timer *due = w->slots[s];
    if (!due) return;
    due->link = &due;  // off the wheel, so that what fire() arms is not seen this time
    w->slots[s] = NULL;
    while (due) {
        net_timer *t = due;
        unlink_timer(w, t);
        if (t->at <= now_tick)
            t->fire(t);
        else
            link_timer(w, t);
    }
}

void net_wheel_run(net_wheel *w, int64_t now_ms) {
    int64_t now = now_ms / NET_TICK_MS;
    while (w->tick < now) {
        int64_t d = next_used(w);
        if (d == 0 || w->tick + d > now) {
            w->tick = now;
            return;
        }
        w->tick += d;
        run_slot(w, now);
    }
}
