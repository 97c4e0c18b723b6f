// The one place that ends the process from below main: a broken invariant.

#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>

void base_check_failed(const char *what, const char *file, int line) {
    fprintf(stderr, "%s:%d: check failed: %s\n", file, line, what);
    abort();
}
