// Request targets.
//
//   I1  decoding never makes a string longer, so the arena allocation is the input's length

#include "http/url.h"

#include "http/parse.h"

static int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

// The byte that the escape at s.ptr[0] stands for, or -1.
static int escape_of(str s) {
    if (s.len < 3 || s.ptr[0] != '%') return -1;
    int hi = hex_digit(s.ptr[1]), lo = hex_digit(s.ptr[2]);
    return hi < 0 || lo < 0 ? -1 : hi << 4 | lo;
}

static bool escapes_ok(str s) {
    for (;;) {
        s = str_skip(s, str_find_byte(s, '%'));
        if (s.len == 0) return true;
        if (escape_of(s) <= 0) return false;
        s = str_skip(s, 3);
    }
}

// Cuts "http://host" off an absolute-form target; false when it is none.
static bool cut_authority(http_target *out, str *s) {
    str scheme = str_starts_nocase(*s, STR("http://"))    ? STR("http://")
                 : str_starts_nocase(*s, STR("https://")) ? STR("https://")
                                                          : (str){0};
    if (!scheme.len) return false;
    *s = str_skip(*s, scheme.len);
    size_t n = min_size(str_find_byte(*s, '/'), str_find_byte(*s, '?'));
    out->host = str_first(*s, n);
    *s = str_skip(*s, n);
    return http_host_ok(out->host);
}

bool http_target_split(http_target *out, str s) {
    *out = (http_target){0};
    if (str_eq(s, STR("*"))) {
        out->path = s;
        return true;
    }
    if (s.len == 0 || !escapes_ok(s)) return false;
    bool absolute = s.ptr[0] != '/';
    if (absolute && !cut_authority(out, &s)) return false;
    out->path = str_cut(&s, '?');
    out->query = s;
    if (out->path.len == 0) out->path = STR("/");
    return true;
}

str http_url_decode(arena *a, str s, bool plus) {
    size_t plain = str_find_byte(s, '%');
    if (plus) plain = min_size(plain, str_find_byte(s, '+'));
    if (plain == s.len) return s;
    char *to = arena_try(a, s.len);  // I1
    if (!to) return (str){0};
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        int c = escape_of(str_skip(s, i));
        if (c >= 0) i += 2;
        to[n++] = c >= 0 ? (char)c : plus && s.ptr[i] == '+' ? ' ' : s.ptr[i];
    }
    return (str){to, n};
}

bool http_query_cut(str *name, str *value, arena *a, str *query) {
    while (query->len) {
        str v = str_cut(query, '&'), key = str_cut(&v, '=');
        if (key.len == 0) continue;
        *name = http_url_decode(a, key, true);
        *value = http_url_decode(a, v, true);
        return true;
    }
    return false;
}

bool http_query_find(str *value, arena *a, str query, str name) {
    while (query.len) {
        str v = str_cut(&query, '&'), key = str_cut(&v, '=');
        if (key.len == 0 || !str_eq(http_url_decode(a, key, true), name)) continue;
        *value = http_url_decode(a, v, true);
        return true;
    }
    return false;
}
