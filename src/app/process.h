// app/process.h -- what this process takes of the machine. Any thread; reads /proc, briefly.
#ifndef APP_PROCESS_H
#define APP_PROCESS_H

#include "base/base.h"

uint64_t process_resident(void);   // bytes now; 0 when the kernel does not say
double process_cpu_seconds(void);  // user and system, all threads

#endif
