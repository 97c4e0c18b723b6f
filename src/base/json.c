// JSON out. One comma rule, one escape table.

#include "base/json.h"

#include "base/utf8.h"

#include <math.h>

void json_init(json *j, buf *to) {
    *j = (json){.to = to};
}

static void item(json *j) {
    if (!j->after_key && j->has_item[j->depth]) buf_add(j->to, STR(", "));
    j->has_item[j->depth] = true;
    j->after_key = false;
}

void json_open(json *j, char bracket) {
    item(j);
    buf_byte(j->to, bracket);
    CHECK(j->depth + 1 < JSON_DEPTH_MAX);
    j->has_item[++j->depth] = false;
}

void json_close(json *j, char bracket) {
    CHECK(j->depth > 0);
    j->depth--;
    buf_byte(j->to, bracket);
}

static void escape(buf *b, int32_t cp) {
    static const char hex[] = "0123456789abcdef";
    static const char short_form[] = {['"'] = '"',  ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f',
                                      ['\n'] = 'n', ['\r'] = 'r',  ['\t'] = 't'};
    if (cp >= 0 && cp < (int32_t)sizeof short_form && short_form[cp]) {
        buf_add(b, (str){(char[]){'\\', short_form[cp]}, 2});
        return;
    }
    if (cp >= 0x20 && cp < 0x7F) {
        buf_byte(b, (char)cp);
        return;
    }
    uint32_t units[2] = {(uint32_t)cp, 0};
    int n = 1;
    if (cp > 0xFFFF) {
        units[0] = 0xD800 + (((uint32_t)cp - 0x10000) >> 10);
        units[1] = 0xDC00 + (((uint32_t)cp - 0x10000) & 0x3FF);
        n = 2;
    }
    for (int i = 0; i < n; i++) {
        uint32_t u = units[i];
        buf_add(b, (str){(char[]){'\\', 'u', hex[u >> 12 & 15], hex[u >> 8 & 15], hex[u >> 4 & 15],
                                  hex[u & 15]},
                         6});
    }
}

// How many bytes at the start of `s` stand as they are: most of any text.
static size_t plain_run(str s) {
    size_t n = 0;
    while (n < s.len && s.ptr[n] >= ' ' && s.ptr[n] < 0x7F && s.ptr[n] != '"' && s.ptr[n] != '\\')
        n++;
    return n;
}

void json_str(json *j, str s) {
    item(j);
    buf_byte(j->to, '"');
    while (s.len) {
        size_t run = plain_run(s);
        buf_add(j->to, str_first(s, run));
        s = str_skip(s, run);
        if (!s.len) break;
        int32_t cp;
        size_t n = utf8_decode(&cp, s);
        escape(j->to, cp == UTF8_BAD ? UTF8_REPLACEMENT : cp);
        s = str_skip(s, n);
    }
    buf_byte(j->to, '"');
}

void json_key(json *j, const char *key) {
    json_str(j, str_of(key));
    buf_add(j->to, STR(": "));
    j->after_key = true;
}

void json_u64(json *j, uint64_t v) {
    item(j);
    buf_u64(j->to, v);
}

void json_i64(json *j, int64_t v) {
    item(j);
    if (v < 0) buf_byte(j->to, '-');
    buf_u64(j->to, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

void json_f64(json *j, double v, int decimals) {
    item(j);
    if (isfinite(v))
        buf_fmt(j->to, "%.*f", decimals, v);
    else
        buf_add(j->to, STR("null"));
}

void json_bool(json *j, bool v) {
    item(j);
    buf_add(j->to, v ? STR("true") : STR("false"));
}

void json_null(json *j) {
    item(j);
    buf_add(j->to, STR("null"));
}
