// base/err.h -- one status enum and an explicit error record.
//
// Functions that can fail return `status` (0 is success) and, when they touch the outside world,
// take `err *e` last: code, errno and one line that names the thing, the limit and what to do.
// Callers add context in front on the way up; only app/ and main/ print.
//
//   Owner     the caller owns the record; NULL is accepted everywhere
//   Threads   a record belongs to one thread
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/base.h"

// What the caller can do about it decides the code, not where it came from.
#define STATUS_LIST(X)                                                                             \
    X(OK, "ok")                                                                                    \
    X(E_AGAIN, "busy, try again later")                                                            \
    X(E_QUOTA, "too many at once from one client")                                                 \
    X(E_ARG, "bad argument")                                                                       \
    X(E_NOT_FOUND, "not found")                                                                    \
    X(E_EXISTS, "already exists")                                                                  \
    X(E_LIMIT, "over a limit")                                                                     \
    X(E_FORMAT, "malformed data")                                                                  \
    X(E_UNSUPPORTED, "not supported")                                                              \
    X(E_STALE, "out of date")                                                                      \
    X(E_IO, "input/output error")                                                                  \
    X(E_CLOSED, "closed")                                                                          \
    X(E_CANCELLED, "cancelled")                                                                    \
    X(E_MEMORY, "out of memory")

typedef enum status {
#define X(name, text) name,
    STATUS_LIST(X)
#undef X
} status;

typedef struct err {
    status code;
    int sys;        // errno when it happened, or 0
    char msg[400];  // one line for a person; no newline
} err;

// "not found" for E_NOT_FOUND and so on; never NULL.
const char *status_text(status s);

// Fills *e and returns `code`, so that failing is one expression.
status err_set(err *e, status code, const char *fmt, ...) PRINTF_LIKE(3, 4);

// As err_set with ": <strerror(errno)>" behind; the code follows errno (ENOENT is E_NOT_FOUND,
// ENOSPC and EMFILE are E_LIMIT, ENOMEM is E_MEMORY, else E_IO).
status err_sys(err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

// Puts context in front of the message already in *e; returns e->code.
status err_in(err *e, const char *fmt, ...) PRINTF_LIKE(2, 3);

// Only where nothing needs undoing.
#define TRY(call)                                                                                  \
    do {                                                                                           \
        status try_ = (call);                                                                      \
        if (try_) return try_;                                                                     \
    } while (0)

#endif
