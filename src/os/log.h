// os/log.h -- one line per event on stderr: time, level, area, message.
//
// Only app/ and main/ log above debug; the floors below return errors instead.
//
//   Threads   any; a line is one write(2), so lines never mix
//   Limits    OS_LOG_LINE_MAX bytes, cut behind that; control bytes are shown as \xNN, so that
//             nothing a client sends can forge a line
#ifndef OS_LOG_H
#define OS_LOG_H

#include "base/str.h"

enum { OS_LOG_LINE_MAX = 1024 };

typedef enum os_log_level {
    LOG_DEBUG,
    LOG_INFO,
    LOG_WARNING,
    LOG_ERROR,
    LOG_CRITICAL
} os_log_level;

// Python's level names, any case. False when `name` is none of them.
bool os_log_level_parse(os_log_level *out, str name);
void os_log_set_level(os_log_level least);
bool os_log_on(os_log_level level);

// 2026-11-20T13:45:02.123Z INFO wiki: enwiki opened pages=206
void os_log(os_log_level level, const char *area, const char *fmt, ...) PRINTF_LIKE(3, 4);

#define log_debug(...)   os_log(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)    os_log(LOG_INFO, __VA_ARGS__)
#define log_warning(...) os_log(LOG_WARNING, __VA_ARGS__)
#define log_error(...)   os_log(LOG_ERROR, __VA_ARGS__)

#endif
