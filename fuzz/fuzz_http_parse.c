// Request heads and chunked bodies: however the bytes are split, the outcome is the same, spans lie
// inside the head, and nothing outside the input is read.

#include "fuzz/fuzz.h"

#include "http/chunk.h"
#include "http/url.h"

#include <stdlib.h>

static void check_spans(const http_head *h, const char *p, size_t len) {
    CHECK(h->len <= len && h->len <= HTTP_HEAD_MAX);
    CHECK((size_t)h->target.off + h->target.len <= h->len && h->target.len > 0);
    CHECK(http_is_token(http_span_of(p, h->method)));
    CHECK(!(h->chunked && h->has_length));
    for (size_t i = 0; i < h->n_fields; i++) {
        CHECK((size_t)h->fields[i].value.off + h->fields[i].value.len <= h->len);
        CHECK(http_is_token(http_span_of(p, h->fields[i].name)));
        str v = http_span_of(p, h->fields[i].value);
        CHECK(str_find_byte(v, '\r') == v.len && str_find_byte(v, '\n') == v.len);
        CHECK(str_find_byte(v, 0) == v.len);
    }
}

static http_parse in_steps(http_head *h, const char *p, size_t len, size_t step) {
    http_head_init(h);
    for (size_t n = step; n < len; n += step) {
        http_parse r = http_head_parse(h, p, n);
        if (r != HTTP_PARSE_MORE) return r;
    }
    return http_head_parse(h, p, len);
}

static http_parse chunks_in_steps(buf *out, size_t *used, str in, size_t step) {
    http_chunks c;
    http_chunks_init(&c);
    http_parse r = HTTP_PARSE_MORE;
    *used = 0;
    while (*used < in.len && r == HTTP_PARSE_MORE) {
        size_t n;
        r = http_chunks_feed(&c, &n, out, str_first(str_skip(in, *used), step));
        CHECK(n > 0 || r == HTTP_PARSE_BAD);
        *used += n;
    }
    return r;
}

static void chunks(str in) {
    static arena a, b;
    if (!a.base && (arena_open(&a, 4 << 20, NULL) || arena_open(&b, 4 << 20, NULL))) abort();
    arena_reset(&a, 1 << 16);
    arena_reset(&b, 1 << 16);
    buf x = {.in = &a, .limit = HTTP_BODY_MAX}, y = {.in = &b, .limit = HTTP_BODY_MAX};
    size_t used_x, used_y;
    http_parse rx = chunks_in_steps(&x, &used_x, in, SIZE_MAX);
    http_parse ry = chunks_in_steps(&y, &used_y, in, 1);
    CHECK(rx == ry && str_eq(buf_str(&x), buf_str(&y)));
    CHECK(rx == HTTP_PARSE_BAD || used_x == used_y);
    CHECK(x.len <= in.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    const char *p = (const char *)data;
    http_head whole, split;
    http_parse r = in_steps(&whole, p, len, len + 1);
    for (size_t step = 1; step <= 7; step += 3) {
        http_parse s = in_steps(&split, p, len, step);
        CHECK(r == s);
        CHECK(r != HTTP_PARSE_BAD || (whole.code == split.code && whole.why == split.why) ||
              whole.code == 400 || split.code == 400);
        CHECK(r != HTTP_PARSE_DONE || whole.len == split.len);
    }
    if (r == HTTP_PARSE_DONE) {
        check_spans(&whole, p, len);
        http_target t;
        if (http_target_split(&t, http_span_of(p, whole.target))) CHECK(t.path.len > 0);
        chunks((str){p + whole.len, len - whole.len});
    } else {
        chunks((str){p, len});
    }
    return 0;
}
