// Error records: formatting happens once, where the failure is known best.

#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const texts[] = {
#define X(name, text) [name] = text,
    STATUS_LIST(X)
#undef X
};

const char *status_text(status s) {
    return (size_t)s < countof(texts) ? texts[s] : "unknown status";
}

status err_set(err *e, status code, const char *fmt, ...) {
    if (!e) return code;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->msg, sizeof e->msg, fmt, ap);
    va_end(ap);
    e->code = code;
    e->sys = 0;
    return code;
}

static status status_of_errno(int sys) {
    switch (sys) {
    case ENOENT:
    case ENOTDIR:
        return E_NOT_FOUND;
    case EEXIST:
        return E_EXISTS;
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case EFBIG:
        return E_LIMIT;
    case ENOMEM:
        return E_MEMORY;
    case EAGAIN:
        return E_AGAIN;
    default:
        return E_IO;
    }
}

// ": " and `what` behind the n bytes that vsnprintf wanted to write, cut where the record ends.
static void append(err *e, int n, const char *what) {
    const char *parts[] = {": ", what};
    for (size_t i = 0, at = n < 0 ? sizeof e->msg : (size_t)n; i < countof(parts); i++) {
        if (at >= sizeof e->msg) return;
        size_t len = min_size(strlen(parts[i]), sizeof e->msg - 1 - at);
        memcpy(e->msg + at, parts[i], len);
        at += len;
        e->msg[at] = 0;
    }
}

status err_sys(err *e, const char *fmt, ...) {
    int sys = errno;
    status code = status_of_errno(sys);
    if (!e) return code;
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(e->msg, sizeof e->msg, fmt, ap);
    va_end(ap);
    append(e, n, strerror(sys));
    e->code = code;
    e->sys = sys;
    return code;
}

status err_in(err *e, const char *fmt, ...) {
    if (!e) return E_IO;
    char old[sizeof e->msg];
    memcpy(old, e->msg, sizeof old);
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(e->msg, sizeof e->msg, fmt, ap);
    va_end(ap);
    append(e, n, old);
    return e->code;
}
