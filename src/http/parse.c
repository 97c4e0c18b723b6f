// The request head, line by line.
//
// Framing bugs are the costliest bugs of HTTP servers, and nearly all of them came from being kind
// to input. So this parser accepts the grammar and nothing else: CRLF only, one space, no folding,
// one Host, one length. What it does not like it refuses for the whole connection, because from
// then on nobody can know where the next request begins.
//
// A line is looked at when its LF has come: each byte is searched once for LF and parsed once, so
// a client that sends single bytes costs O(n), not O(n^2). Rejected: waiting for CRLF CRLF first
// (a client that ends lines with LF would hang instead of hearing 400), and a byte-wise state
// machine (three times the code, and slower than memchr).
//
//   I1  line <= scanned <= bytes seen; everything before `line` has been accepted
//   I2  offsets fit 16 bits because a head is at most HTTP_HEAD_MAX
//   I3  a refusal's text is a constant of ours: nothing of the client's gets into it

#include "http/parse.h"

_Static_assert(HTTP_HEAD_MAX <= UINT16_MAX, "I2");

enum { TCHAR = 1, VALUE = 2, TARGET = 4, DIGIT = 8 };

// clang-format off
static const uint8_t class_of[256] = {
    ['\t'] = VALUE, [' '] = VALUE,
    ['!'] = TCHAR | VALUE | TARGET, ['#'] = TCHAR | VALUE, ['$'] = TCHAR | VALUE | TARGET,
    ['%'] = TCHAR | VALUE | TARGET, ['&'] = TCHAR | VALUE | TARGET,
    ['\''] = TCHAR | VALUE | TARGET, ['*'] = TCHAR | VALUE | TARGET,
    ['+'] = TCHAR | VALUE | TARGET, ['-'] = TCHAR | VALUE | TARGET,
    ['.'] = TCHAR | VALUE | TARGET, ['^'] = TCHAR | VALUE | TARGET,
    ['_'] = TCHAR | VALUE | TARGET, ['`'] = TCHAR | VALUE | TARGET,
    ['|'] = TCHAR | VALUE | TARGET, ['~'] = TCHAR | VALUE | TARGET,
    ['0' ... '9'] = TCHAR | VALUE | TARGET | DIGIT,
    ['A' ... 'Z'] = TCHAR | VALUE | TARGET, ['a' ... 'z'] = TCHAR | VALUE | TARGET,
    ['"'] = VALUE | TARGET, ['('] = VALUE | TARGET, [')'] = VALUE | TARGET,
    [','] = VALUE | TARGET, ['/'] = VALUE | TARGET, [':'] = VALUE | TARGET,
    [';'] = VALUE | TARGET, ['<'] = VALUE | TARGET, ['='] = VALUE | TARGET,
    ['>'] = VALUE | TARGET, ['?'] = VALUE | TARGET, ['@'] = VALUE | TARGET,
    ['['] = VALUE | TARGET, ['\\'] = VALUE | TARGET, [']'] = VALUE | TARGET,
    ['{'] = VALUE | TARGET, ['}'] = VALUE | TARGET,
    [0x80 ... 0xFF] = VALUE,
};
// clang-format on

static bool is(char c, uint8_t kind) {
    return class_of[(unsigned char)c] & kind;
}

// Length of the longest prefix of `kind`.
static size_t span_of(str s, uint8_t kind) {
    size_t n = 0;
    while (n < s.len && is(s.ptr[n], kind))
        n++;
    return n;
}

bool http_is_token(str s) {
    return s.len > 0 && span_of(s, TCHAR) == s.len;
}

static str trim_ows(str s) {
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
        s = str_skip(s, 1);
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

bool http_list_has(str list, str token) {
    while (list.len)
        if (str_eq_nocase(trim_ows(str_cut(&list, ',')), token)) return true;
    return false;
}

static http_parse bad(http_head *h, int code, const char *why) {
    h->code = code;
    h->why = why;
    return HTTP_PARSE_BAD;
}

// --- Host ------------------------------------------------------------------------------------

static bool port_ok(str s) {
    uint64_t port;
    return s.len == 0 || (s.len <= 5 && str_parse_u64(&port, s) && port <= 65535);
}

static bool host_char(char c) {
    return is(c, DIGIT) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr("-._~!$&'()*+;=%", c));
}

bool http_host_ok(str s) {
    size_t n = 0;
    if (s.len && s.ptr[0] == '[') {
        size_t end = str_find_byte(s, ']');
        for (n = 1; n < end; n++)
            if (!host_char(s.ptr[n]) && s.ptr[n] != ':') return false;
        if (end == s.len || end == 1) return false;
        n = end + 1;
    } else {
        while (n < s.len && host_char(s.ptr[n]))
            n++;
        if (n == 0) return false;
    }
    return n == s.len || (s.ptr[n] == ':' && port_ok(str_skip(s, n + 1)));
}

// --- Fields that decide the framing ----------------------------------------------------------

static http_parse on_host(http_head *h, str value, http_span span) {
    if (h->has_host) return bad(h, 400, "More than one Host");
    if (!http_host_ok(value)) return bad(h, 400, "Bad Host");
    h->has_host = true;
    h->host = span;
    return HTTP_PARSE_MORE;
}

static http_parse on_content_length(http_head *h, str value, http_span span) {
    (void)span;
    if (h->has_length) return bad(h, 400, "More than one Content-Length");
    if (value.len > 1 && value.ptr[0] == '0') return bad(h, 400, "Bad Content-Length");
    if (!str_parse_u64(&h->content_length, value)) return bad(h, 400, "Bad Content-Length");
    h->has_length = true;
    return HTTP_PARSE_MORE;
}

static bool is_known_coding(str s) {
    static const str known[] = {STR_INIT("gzip"),     STR_INIT("x-gzip"),     STR_INIT("deflate"),
                                STR_INIT("compress"), STR_INIT("x-compress"), STR_INIT("br"),
                                STR_INIT("zstd")};
    for (size_t i = 0; i < countof(known); i++)
        if (str_eq_nocase(s, known[i])) return true;
    return false;
}

// Exactly "chunked". A coding that exists, before a final "chunked", is 501; all else is 400.
static http_parse on_transfer_encoding(http_head *h, str value, http_span span) {
    (void)span;
    if (h->chunked) return bad(h, 400, "More than one Transfer-Encoding");
    bool other = false, more;
    do {
        more = str_find_byte(value, ',') < value.len;
        str one = trim_ows(str_cut(&value, ','));
        if (h->chunked) return bad(h, 400, "Transfer-Encoding goes on behind chunked");
        if (str_eq_nocase(one, STR("chunked")))
            h->chunked = true;
        else if (is_known_coding(one))
            other = true;
        else
            return bad(h, 400, "Bad Transfer-Encoding");
    } while (more);
    if (other) return bad(h, 501, "Transfer-Encoding other than chunked");
    return HTTP_PARSE_MORE;
}

static http_parse on_connection(http_head *h, str value, http_span span) {
    (void)span;
    if (http_list_has(value, STR("close"))) h->close = true;
    if (http_list_has(value, STR("keep-alive"))) h->keep_alive = true;
    return HTTP_PARSE_MORE;
}

static http_parse on_expect(http_head *h, str value, http_span span) {
    (void)span;
    if (h->minor == 0) return HTTP_PARSE_MORE;  // RFC 9110 10.1.1: ignored in 1.0
    if (!str_eq_nocase(value, STR("100-continue"))) return bad(h, 417, "Unknown expectation");
    h->expects_continue = true;
    return HTTP_PARSE_MORE;
}

static const struct {
    str name;
    http_parse (*on)(http_head *h, str value, http_span span);
} framing[] = {
    {STR_INIT("host"), on_host},
    {STR_INIT("content-length"), on_content_length},
    {STR_INIT("transfer-encoding"), on_transfer_encoding},
    {STR_INIT("connection"), on_connection},
    {STR_INIT("expect"), on_expect},
};

// --- Lines -----------------------------------------------------------------------------------

static http_span span_at(const char *p, str s) {
    return (http_span){(uint16_t)(s.ptr - p), (uint16_t)s.len};
}

static http_parse parse_version(http_head *h, str v) {
    bool shaped = v.len == 8 && memcmp(v.ptr, "HTTP/", 5) == 0 && is(v.ptr[5], DIGIT) &&
                  v.ptr[6] == '.' && is(v.ptr[7], DIGIT);
    if (!shaped) return bad(h, 400, "Bad request line");
    if (v.ptr[5] != '1' || v.ptr[7] > '1') return bad(h, 505, "Only HTTP/1.0 and HTTP/1.1");
    h->minor = (uint8_t)(v.ptr[7] - '0');
    return HTTP_PARSE_MORE;
}

static http_parse parse_request_line(http_head *h, const char *p, str line) {
    size_t n = span_of(line, TCHAR);
    if (n == 0 || n == line.len || line.ptr[n] != ' ') return bad(h, 400, "Bad request line");
    h->method = span_at(p, str_first(line, n));
    line = str_skip(line, n + 1);
    n = span_of(line, TARGET);
    if (n > HTTP_TARGET_MAX) return bad(h, 414, "Request target over 8192 bytes");
    if (n == 0 || n == line.len || line.ptr[n] != ' ') return bad(h, 400, "Bad request target");
    h->target = span_at(p, str_first(line, n));
    h->in_fields = true;
    return parse_version(h, str_skip(line, n + 1));
}

static http_parse parse_field(http_head *h, const char *p, str line) {
    if (h->n_fields == HTTP_FIELDS_MAX) return bad(h, 431, "More than 100 header fields");
    size_t n = span_of(line, TCHAR);
    if (n == 0 || n == line.len || line.ptr[n] != ':') return bad(h, 400, "Bad header field name");
    str name = str_first(line, n), value = trim_ows(str_skip(line, n + 1));
    if (span_of(value, VALUE) != value.len) return bad(h, 400, "Bad header field value");
    http_field f = {span_at(p, name), span_at(p, value)};
    h->fields[h->n_fields++] = f;
    for (size_t i = 0; i < countof(framing); i++)
        if (name.len == framing[i].name.len && str_eq_nocase(name, framing[i].name))
            return framing[i].on(h, value, f.value);
    return HTTP_PARSE_MORE;
}

static http_parse finish(http_head *h, size_t len) {
    if (!h->has_host && h->minor == 1) return bad(h, 400, "No Host");
    if (h->chunked && h->minor == 0) return bad(h, 400, "Transfer-Encoding in HTTP/1.0");
    if (h->chunked && h->has_length)
        return bad(h, 400, "Both Content-Length and Transfer-Encoding");
    h->len = (uint32_t)len;
    return HTTP_PARSE_DONE;
}

// `line` has no CRLF any more.
static http_parse parse_line(http_head *h, const char *p, str line, size_t end) {
    if (line.len == 0) {
        if (h->in_fields) return finish(h, end);
        // RFC 9112 2.2: one empty line before a request is skipped, no more.
        return h->line == 0 ? HTTP_PARSE_MORE : bad(h, 400, "Bad request line");
    }
    return h->in_fields ? parse_field(h, p, line) : parse_request_line(h, p, line);
}

// A line whose LF has not come: refused as soon as it cannot become good.
static http_parse check_pending(http_head *h, const char *p, size_t len) {
    size_t n = len - h->line;
    if (!h->in_fields) {
        if (n && !is(p[h->line], TCHAR) && p[h->line] != '\r')
            return bad(h, 400, "Bad request line");
        if (n > HTTP_TARGET_MAX + 64) return bad(h, 414, "Request target over 8192 bytes");
    }
    if (len >= HTTP_HEAD_MAX) return bad(h, 431, "Header fields over 16384 bytes");
    return HTTP_PARSE_MORE;
}

void http_head_init(http_head *h) {
    memset(h, 0, offsetof(http_head, fields));
}

http_parse http_head_parse(http_head *h, const char *p, size_t len) {
    len = min_size(len, HTTP_HEAD_MAX);
    for (;;) {
        const char *lf = memchr(p + h->scanned, '\n', len - h->scanned);
        if (!lf) {
            h->scanned = (uint32_t)len;
            return check_pending(h, p, len);
        }
        size_t end = (size_t)(lf - p);
        if (end == h->line || p[end - 1] != '\r') return bad(h, 400, "Line ends without CR LF");
        http_parse r = parse_line(h, p, (str){p + h->line, end - 1 - h->line}, end + 1);
        if (r != HTTP_PARSE_MORE) return r;
        h->line = h->scanned = (uint32_t)end + 1;
    }
}
