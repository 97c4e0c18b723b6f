// Turns end by themselves, because the kernel's clock ends them late: at 250 Hz a thread that
// computes keeps its core for up to 4 ms while one that has just woken waits. So it asks for a
// slice of OS_TURN_NS and gives the core back when that is over. The slice makes the yield fair:
// from Linux 6.18 on who yields pays for the slice that it had, whatever it used of it.
//
// Rejected: SCHED_IDLE and nice 19, whose threads get next to nothing beside another program's
// busy loop (docs/decisions/0013).

#include "os/turn.h"

#include "os/clock.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Thread_local int64_t last_offer;  // 0: turns are not short

void os_turn_short(int nice) {
    struct {  // sched_attr, its first version; glibc has had it since 2.41 only
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } a = {.size = sizeof a, .policy = (uint32_t)sched_getscheduler(0), .runtime = OS_TURN_NS};
    int now = getpriority(PRIO_PROCESS, 0);
    a.nice = now > nice ? now : nice;
    if (syscall(SYS_sched_setattr, 0, &a, 0)) (void)setpriority(PRIO_PROCESS, 0, a.nice);
    os_turn_inherit();
}

void os_turn_inherit(void) {
    last_offer = os_now_ns();
}

bool os_turn_is_short(void) {
    return last_offer != 0;
}

bool os_turn_offer(void) {
    if (!last_offer || os_now_ns() - last_offer < OS_TURN_NS) return false;
    sched_yield();
    last_offer = os_now_ns();
    return true;
}
