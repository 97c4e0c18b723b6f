// os/rand.h -- random bytes from the kernel. Any thread. For seeds and ids, not for sampling.
#ifndef OS_RAND_H
#define OS_RAND_H

#include "base/base.h"

uint64_t os_rand_u64(void);  // getrandom(2)
uint32_t os_rand_u32(void);

#endif
