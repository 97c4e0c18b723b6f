// Range specifications, targets and queries, dates. The first eight bytes are the body's size.

#include "fuzz/fuzz.h"

#include "http/date.h"
#include "http/http.h"
#include "http/url.h"

#include <stdlib.h>

static void ranges(str s, uint64_t size) {
    http_range r = {1, 0};
    if (http_range_parse(&r, s, size) == HTTP_RANGE_OK) CHECK(r.first <= r.last && r.last < size);
    CHECK(http_range_parse(&r, s, 0) != HTTP_RANGE_OK);
}

static void urls(str s) {
    static arena a;
    if (!a.base && arena_open(&a, 16 << 20, NULL)) abort();
    arena_reset(&a, 1 << 16);
    http_target t;
    if (!http_target_split(&t, s)) return;
    str path = http_url_decode(&a, t.path, false), value;
    CHECK(path.len >= 1 && path.len <= t.path.len);
    CHECK(str_find_byte(path, 0) == path.len || str_find_byte(s, 0) < s.len);
    str all = t.query;
    while (all.len) {  // every key that is there is found
        str one = str_cut(&all, '&'), key = str_cut(&one, '=');
        if (key.len) CHECK(http_query_find(&value, &a, t.query, http_url_decode(&a, key, true)));
        if (a.used > 8 << 20) return;
    }
}

static void dates(str s) {
    int64_t at, again;
    if (!http_date_parse(&at, s)) return;
    char text[HTTP_DATE_LEN];
    http_date_format(text, at);
    CHECK(http_date_parse(&again, (str){text, sizeof text}) && again == at);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    if (len < 8) return 0;
    uint64_t size;
    memcpy(&size, data, 8);
    str s = {(const char *)data + 8, len - 8};
    ranges(s, size);
    urls(str_first(s, 4096));
    dates(s);
    return 0;
}
