// Log lines.

#include "os/log.h"

#include "base/utf8.h"
#include "os/clock.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const char *const names[] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};
static _Atomic int least_level = LOG_INFO;

bool os_log_level_parse(os_log_level *out, str name) {
    for (size_t i = 0; i < countof(names); i++)
        if (str_eq_nocase(name, str_of(names[i]))) {
            *out = (os_log_level)i;
            return true;
        }
    return false;
}

void os_log_set_level(os_log_level least) {
    atomic_store(&least_level, (int)least);
}
bool os_log_on(os_log_level level) {
    return (int)level >= atomic_load_explicit(&least_level, memory_order_relaxed);
}

// Copies what is printable and spells the bytes of the rest (controls, C1 controls, what is no
// UTF-8), so that a line stays a line and a terminal stays as it was. Returns the length.
static size_t put_safe(char *to, size_t cap, str from) {
    size_t n = 0;
    while (from.len) {
        int32_t cp;
        str part = str_first(from, utf8_decode(&cp, from));
        bool plain = cp >= 0x20 && (cp < 0x7F || cp > 0x9F);
        if (n + (plain ? part.len : 4 * part.len) >= cap) break;
        for (size_t i = 0; i < part.len; i++)
            if (plain)
                to[n++] = part.ptr[i];
            else
                n += (size_t)snprintf(to + n, 5, "\\x%02X", (unsigned char)part.ptr[i]);
        from = str_skip(from, part.len);
    }
    return n;
}

void os_log(os_log_level level, const char *area, const char *fmt, ...) {
    if (!os_log_on(level)) return;
    char text[OS_LOG_LINE_MAX], line[OS_LOG_LINE_MAX];
    va_list ap;
    va_start(ap, fmt);
    int len = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (len < 0) return;

    int64_t now = os_wall_ns();
    time_t sec = (time_t)(now / 1000000000);
    struct tm tm;
    gmtime_r(&sec, &tm);
    size_t n = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &tm);
    n += (size_t)snprintf(line + n, sizeof line - n, ".%03dZ %s %s: ", (int)(now / 1000000 % 1000),
                          names[level], area);
    CHECK(n < sizeof line / 2);  // areas are short literals
    n += put_safe(line + n, sizeof line - n - 1, str_of(text));
    line[n++] = '\n';
    if (write(STDERR_FILENO, line, n) < 0) return;  // nowhere left to say so
}
