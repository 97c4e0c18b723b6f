// os/turn.h -- short turns on a core, for threads that compute beside threads that answer.
//
//   Threads   each speaks of the calling thread only
//   Blocks    never; os_turn_offer comes back when whoever else wants the core has had a turn
//   Source    sched(7), sched_setattr(2); a slice of one's own needs Linux 6.12, is ignored before
#ifndef OS_TURN_H
#define OS_TURN_H

#include "base/base.h"

enum { OS_TURN_NS = 100000 };

// From here on this thread, and threads that it starts, have at most this niceness's claim on a
// core (a nicer one stays as it is) and take turns of OS_TURN_NS. The scheduling class stays. A
// system that forbids it leaves the thread as it was: nothing is reported.
void os_turn_short(int nice);

// Of a thread started by one that takes short turns: the kernel's part is inherited, ours is not.
void os_turn_inherit(void);

bool os_turn_is_short(void);

// Offers the core to whoever waits for it, if turns are short and OS_TURN_NS have passed since the
// last offer. Returns whether it did. 30 ns when it did not, 0.2 us when nobody waits.
bool os_turn_offer(void);

#endif
