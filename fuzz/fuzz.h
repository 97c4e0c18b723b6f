// fuzz/fuzz.h -- what a fuzz target is: one function over bytes, run by libFuzzer (`make fuzz`) and
// by replay.c over fuzz/corpus/NAME in `make test`.
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

// Returns 0. Crashing, hanging and sanitizer reports are findings.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#endif
