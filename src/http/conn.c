// One connection: a state machine that runs until it would block.
//
//     READ --head--> BODY --whole--> HANDLE --reply--> SEND --keep-alive--> READ
//       `-------- no body --------'    |  `--stream--> STREAM --'  `--close--> LINGER
//       ^---------- small reply -------'                        any state --> CLOSED
//
// A small reply is copied behind the earlier ones in `out` and the next pipelined request is parsed
// at once; one send carries them all when the input runs dry or `out` fills. A big reply is sent
// from where it lies, and a stream asks its generator only while little is unsent; while either
// lasts nothing more is read, so a client that does not read cannot make us hold more than its two
// blocks and one request.
//
// A client may close its sending side and still read ("printf ... | nc"), and over TCP that looks
// exactly like a client that has left. So a FIN by itself ends nothing that is being answered: the
// first bytes sent to one that has really left come back as RST, which epoll tells at once, and
// then the generator is stopped. A stream that waits sends such a byte when the FIN comes, for its
// next one may be long in coming: a zero that the next chunk's size begins with, which says nothing
// to a client that still reads (RFC 9112 7.1). So it is one round trip late, never more.
//
//   I1  `state` changes in conn_go() and nowhere else
//   I2  a connection waits for exactly one thing: bytes, room, a worker, a wake, or its timer
//   I3  an idle connection holds no request and no block
//   I4  while `busy`, this thread does not touch rq
//   I5  before a handler runs, `out` has room for any reply head and a body of HTTP_COPY_MAX
//   I6  edge-triggered: readable and writable are cleared only by a call that would have blocked,
//       or by a short read while no FIN was announced

#include "http/internal.h"

#include "http/url.h"

enum { REPLY_ROOM = HTTP_REPLY_HEAD_MAX + HTTP_COPY_MAX + 64, SENDS_PER_TURN = 16 };
_Static_assert((int)REPLY_ROOM < (int)HTTP_BLOCK, "I5");
_Static_assert(HTTP_CHUNK_MAX + HTTP_UNSENT_MAX - 64 <= HTTP_BLOCK, "a chunk fits behind unsent");

#define TO(s) (1u << (s))

static http_conn_state step_read(http_conn *c);
static http_conn_state step_body(http_conn *c);
static http_conn_state step_handle(http_conn *c);
static http_conn_state step_send(http_conn *c);
static http_conn_state step_stream(http_conn *c);
static http_conn_state step_linger(http_conn *c);

static const struct {
    unsigned next;                          // legal successors
    int limit_ms;                           // longest wait without progress; 0: none
    http_conn_state (*step)(http_conn *c);  // returns the same state when it would block
} rule[CONN_N] = {
    // clang-format off
    [CONN_READ]   = {TO(CONN_BODY) | TO(CONN_HANDLE) | TO(CONN_SEND) | TO(CONN_READ) |
                     TO(CONN_CLOSED), HTTP_HEAD_MS, step_read},
    [CONN_BODY]   = {TO(CONN_HANDLE) | TO(CONN_SEND) | TO(CONN_CLOSED), HTTP_BODY_MS, step_body},
    [CONN_HANDLE] = {TO(CONN_READ) | TO(CONN_SEND) | TO(CONN_STREAM) | TO(CONN_CLOSED),
                     0, step_handle},
    [CONN_SEND]   = {TO(CONN_READ) | TO(CONN_LINGER) | TO(CONN_CLOSED), HTTP_STALL_MS, step_send},
    [CONN_STREAM] = {TO(CONN_READ) | TO(CONN_LINGER) | TO(CONN_CLOSED), HTTP_STALL_MS, step_stream},
    [CONN_LINGER] = {TO(CONN_CLOSED), HTTP_LINGER_MS, step_linger},
    [CONN_CLOSED] = {0, 0, NULL},
    // clang-format on
};

static void conn_go(http_conn *c, http_conn_state to) {
    if (to == c->state) return;
    CHECK(rule[c->state].next & TO(to));
    c->state = to;
    c->since_ms = net_now_ms(c->loop->net);
}

static uint32_t unsent(const http_conn *c) {
    return c->out_len - c->out_at;
}

// --- Bytes in --------------------------------------------------------------------------------

// Reads once to the end of the input block. False when nothing came.
static bool fill(http_conn *c) {
    if (!c->in) c->in = http__loop_block(c->loop);
    size_t room = HTTP_BLOCK - c->in_len;
    CHECK(room > 0);
    ssize_t n = net_recv(c->watch.fd, c->in + c->in_len, room);
    if (n == NET_IO_AGAIN)
        c->readable = false;
    else if (n < 0)
        c->gone = true;
    else if (n == 0)
        c->eof = true, c->readable = false;
    else {
        c->in_len += (uint32_t)n;
        if ((size_t)n < room && !c->told_eof) c->readable = false;  // I6
    }
    return n > 0;
}

// Moves what is unread to the front of the block.
static void compact(http_conn *c) {
    if (c->in_at == 0) return;
    memmove(c->in, c->in + c->in_at, c->in_len - c->in_at);
    c->in_len -= c->in_at;
    c->in_at = 0;
}

static void free_in(http_conn *c) {
    if (c->in) http__loop_free_block(c->loop, c->in);
    c->in = NULL;
    c->in_at = c->in_len = 0;
}

// --- Bytes out -------------------------------------------------------------------------------

static void need_out(http_conn *c) {
    if (!c->out) c->out = http__loop_block(c->loop);
}

static void free_out(http_conn *c) {
    if (c->out) http__loop_free_block(c->loop, c->out);
    c->out = NULL;
    c->out_at = c->out_len = 0;
}

// The rest of the output block as a buf that cannot grow.
static buf out_buf(http_conn *c, size_t skip, size_t most) {
    size_t room = min_size(most, HTTP_BLOCK - c->out_len - skip);
    return (buf){.ptr = c->out + c->out_len + skip, .cap = room, .limit = room};
}

static void sent(http_conn *c, size_t n) {
    http__count(c->loop, COUNT_BYTES, n);
    if (n == 0) return;
    c->since_ms = net_now_ms(c->loop->net);
    size_t head = min_size(n, unsent(c));
    c->out_at += (uint32_t)head;
    if (c->out_at == c->out_len) c->out_at = c->out_len = 0;
    if (n == head) return;
    c->body += n - head;
    c->body_left -= n - head;
}

// Sends once. False when the socket is full or dead.
static bool send_some(http_conn *c) {
    struct iovec iov[2];
    size_t n = 0;
    if (unsent(c)) iov[n++] = (struct iovec){c->out + c->out_at, unsent(c)};
    if (c->body_left)
        iov[n++] = (struct iovec){(char *)c->body,
                                  c->map ? (size_t)min_i64((int64_t)c->body_left, HTTP_SLICE)
                                         : c->body_left};
    ssize_t k = net_send(c->watch.fd, iov, n);
    if (k >= 0)
        sent(c, (size_t)k);
    else if (k == NET_IO_AGAIN)
        c->writable = false;
    else
        c->gone = true;
    return k >= 0;
}

// --- Request and reply -----------------------------------------------------------------------

static void finish_request(http_conn *c) {
    atomic_fetch_add(&c->generation, 1);
    if (c->replying && c->rq->re.kind == REPLY_STREAM) http__count(c->loop, COUNT_STREAMS_ENDED, 1);
    http__reply_stop(c->rq);
    http__req_end(c->rq);
    http__loop_free_req(c->loop, c->rq);
    c->rq = NULL;
    c->replying = false;
    c->map = NULL;
    c->since_ms = net_now_ms(c->loop->net);
    if (c->in_at == c->in_len) c->in_at = c->in_len = 0;
}

static bool wants_close(const http_conn *c) {
    const http_head *h = &c->rq->head;
    return c->closing || c->loop->draining || h->close || (h->minor == 0 && !h->keep_alive) ||
           (h->minor == 0 && c->rq->re.kind == REPLY_STREAM);
}

static bool write_head(http_conn *c) {
    http_req *rq = c->rq;
    http_wire w = {.fixed = http__loop_fixed(c->loop),
                   .close = c->closing,
                   .say_keep_alive = rq->head.minor == 0,
                   .chunked = rq->head.minor == 1};
    buf b = out_buf(c, 0, HTTP_REPLY_HEAD_MAX);
    http__reply_head(&b, rq, &w);
    if (b.failed) return false;
    c->out_len += (uint32_t)b.len;
    return true;
}

// Puts the body where step_send finds it, or copies it. True when it is all in `out`.
static bool place_body(http_conn *c) {
    const http_answer *re = &c->rq->re;
    uint64_t len = re->kind == REPLY_MAP ? re->len : re->body.len;
    const char *from = re->kind != REPLY_MAP ? re->body.ptr
                       : len                 ? (const char *)re->map->base + re->off
                                             : NULL;
    if (c->rq->method == HTTP_HEAD || http__has_no_body(re->code)) len = 0;
    if (len == 0) return true;
    if (re->kind == REPLY_BYTES && len <= HTTP_COPY_MAX) {
        memcpy(c->out + c->out_len, from, len);
        c->out_len += (uint32_t)len;
        return true;
    }
    c->body = from;
    c->body_left = len;
    c->map = re->kind == REPLY_MAP ? re->map : NULL;
    c->warm_to = re->off;
    return false;
}

static http_conn_state stream_begin(http_conn *c) {
    http__count(c->loop, COUNT_STREAMS_BEGUN, 1);
    c->replying = true;
    c->waiting = c->ended = c->probed = false;
    if (c->rq->method != HTTP_HEAD) return CONN_STREAM;
    http__reply_stop(c->rq);
    c->ended = true;
    return CONN_STREAM;
}

static void count_reply(http_conn *c) {
    static const uint16_t bounds[HTTP_REPLY_BUCKETS] = HTTP_REPLY_MS;
    int64_t ms = net_now_ms(c->loop->net) - c->began_ms;
    unsigned i = 0;
    while (i < HTTP_REPLY_BUCKETS && ms > bounds[i])
        i++;
    http__count(c->loop, COUNT_MS + i, 1);
    if (ms > 0) http__count(c->loop, COUNT_REPLY_MS, (uint64_t)ms);
    http__count(c->loop, COUNT_CLASS + (unsigned)c->rq->re.code / 100, 1);
}

// The handler, or the server in its place, has recorded a reply.
static http_conn_state reply_begin(http_conn *c) {
    http_req *rq = c->rq;
    if (rq->re.kind == REPLY_NONE) {
        http__reply_drop(rq);
        http_reply_error(rq, 500, "The handler gave no reply");
    }
    http__reply_settle(rq);
    c->closing = wants_close(c);
    if (!write_head(c)) {
        c->closing = true;
        http__reply_drop(rq);
        http_reply_error(rq, 500, "The reply's header is over %d bytes", HTTP_REPLY_HEAD_MAX);
        CHECK(write_head(c));  // I5
    }
    count_reply(c);
    if (rq->re.kind == REPLY_STREAM) return stream_begin(c);
    c->replying = !place_body(c);
    if (!c->replying) finish_request(c);
    return c->replying || c->closing ? CONN_SEND : CONN_READ;
}

// Answers in place of a handler. `why` is ours.
static http_conn_state refuse(http_conn *c, int code, const char *why) {
    http__reply_drop(c->rq);
    if (c->rq->allow && code == 405) {
        char text[64];
        http_add_header(c->rq, "Allow",
                        arena_str(&c->rq->arena, http__method_list(text, c->rq->allow)));
    }
    if (code == 503) http_add_header(c->rq, "Retry-After", STR("1"));
    if (c->rq->refuse_as)
        c->rq->refuse_as(c->rq, code, why);
    else
        http_reply_error(c->rq, code, "%s", why);
    return reply_begin(c);
}

// As refuse, where nobody can tell where the next request would begin.
static http_conn_state refuse_and_close(http_conn *c, int code, const char *why) {
    need_out(c);
    c->closing = true;
    return refuse(c, code, why);
}

// --- READ ------------------------------------------------------------------------------------

static unsigned method_of(str s) {
    static const struct {
        str name;
        unsigned bit;
    } methods[] = {{STR_INIT("GET"), HTTP_GET},
                   {STR_INIT("HEAD"), HTTP_HEAD},
                   {STR_INIT("POST"), HTTP_POST},
                   {STR_INIT("OPTIONS"), HTTP_OPTIONS}};
    for (size_t i = 0; i < countof(methods); i++)
        if (str_eq(s, methods[i].name)) return methods[i].bit;
    return 0;
}

// Fills in path, query and route. False when the target is malformed.
static bool find_route(http_conn *c) {
    http_req *rq = c->rq;
    http_target t;
    bool split = http_target_split(&t, http_span_of(rq->base, rq->head.target));
    if (!split || (t.host.len && rq->head.has_host &&
                   !str_eq_nocase(t.host, http_span_of(rq->base, rq->head.host))))
        return false;
    if (t.path.ptr[0] == '*') {
        rq->allow = HTTP_GET | HTTP_HEAD | HTTP_POST | HTTP_OPTIONS;
        return rq->method == HTTP_OPTIONS;
    }
    rq->path = http_url_decode(&rq->arena, t.path, false);
    rq->query = t.query;
    http_match m = http_router_find(c->loop->router, rq->path, rq->method);
    rq->route = m.route;
    rq->tail = m.tail;
    rq->allow = m.allow;
    rq->refuse_as = m.refuse;
    if (!m.allow)
        rq->refuse = 404;
    else if (!m.route && rq->method != HTTP_OPTIONS)
        rq->refuse = 405;
    return true;
}

// A whole head stands at in_at.
static http_conn_state on_head(http_conn *c) {
    http_req *rq = c->rq;
    http_head *h = &rq->head;
    bool has_body = h->chunked || h->content_length > 0;
    if (has_body && HTTP_BLOCK - c->in_at - h->len < HTTP_BLOCK / 8) compact(c);
    rq->base = c->in + c->in_at;
    c->in_at += h->len;
    c->floor = c->in_at;
    http__count(c->loop, COUNT_REQUESTS, 1);
    c->began_ms = net_now_ms(c->loop->net);
    rq->method = method_of(http_span_of(rq->base, h->method));
    bool has_target = find_route(c);
    if (!rq->method)
        rq->refuse = 501;
    else if (!has_target)
        return refuse_and_close(c, 400, "Bad request target");
    if (!has_body) return rq->method ? CONN_HANDLE : refuse_and_close(c, 501, "Unsupported method");
    if (h->content_length > HTTP_BODY_MAX)
        return refuse_and_close(c, 413, "Body over 1048576 bytes");
    if (h->expects_continue && rq->refuse)  // it will not come: see no body as the next request
        return refuse_and_close(c, rq->refuse, http__reason(rq->refuse));
    http_chunks_init(&rq->chunks);
    if (h->expects_continue && c->in_at == c->in_len) {
        buf b = out_buf(c, 0, 64);
        buf_add(&b, STR("HTTP/1.1 100 Continue\r\n\r\n"));
        c->out_len += (uint32_t)b.len;
    }
    return CONN_BODY;
}

// Unparsed bytes are there. Returns READ when they are no whole head.
static http_conn_state take_head(http_conn *c) {
    need_out(c);
    if (HTTP_BLOCK - c->out_len < REPLY_ROOM) return CONN_SEND;  // I5
    if (!c->rq) {
        c->rq = http__loop_req(c->loop, c);
        c->since_ms = net_now_ms(c->loop->net);
        if (!c->rq) return CONN_CLOSED;
    }
    http_head *h = &c->rq->head;
    switch (http_head_parse(h, c->in + c->in_at, c->in_len - c->in_at)) {
    case HTTP_PARSE_DONE:
        return on_head(c);
    case HTTP_PARSE_BAD:
        http__count(c->loop, COUNT_PARSE_ERRORS, 1);
        c->began_ms = net_now_ms(c->loop->net);
        return refuse_and_close(c, h->code, h->why);
    default:
        return CONN_READ;
    }
}

// Nothing to parse and nothing to read: send what is batched, or rest.
static http_conn_state rest(http_conn *c) {
    if (unsent(c)) return CONN_SEND;
    if (c->eof) return CONN_CLOSED;  // also in the middle of a head: nobody is left to tell
    free_out(c);
    if (!c->rq) free_in(c);  // I3
    return CONN_READ;
}

static http_conn_state step_read(http_conn *c) {
    for (int reads = 0;;) {
        if (c->in_at < c->in_len) {
            http_conn_state to = take_head(c);
            if (to != CONN_READ) return to;
        }
        if (c->gone) return CONN_CLOSED;
        if (!c->readable) return rest(c);
        if (reads++ == HTTP_READS_PER_TURN) {
            net_again_push(c->loop->net, &c->again);
            return unsent(c) ? CONN_SEND : CONN_READ;
        }
        if (c->in_len == HTTP_BLOCK) compact(c);
        fill(c);
    }
}

// --- BODY ------------------------------------------------------------------------------------

static http_parse take_body(http_conn *c) {
    http_req *rq = c->rq;
    str in = {c->in + c->in_at, c->in_len - c->in_at};
    http_parse r = HTTP_PARSE_MORE;
    size_t used;
    if (rq->head.chunked) {
        r = http_chunks_feed(&rq->chunks, &used, &rq->body, in);
    } else {
        used = min_size(in.len, rq->head.content_length - rq->body.len);
        buf_add(&rq->body, str_first(in, used));
        if (rq->body.len == rq->head.content_length) r = HTTP_PARSE_DONE;
    }
    c->in_at += (uint32_t)used;
    if (c->in_at == c->in_len) c->in_at = c->in_len = c->floor;
    return r;
}

static http_conn_state step_body(http_conn *c) {
    while (unsent(c) && c->writable && send_some(c))
        ;
    for (int reads = 0;; reads++) {
        switch (take_body(c)) {
        case HTTP_PARSE_DONE:
            return CONN_HANDLE;
        case HTTP_PARSE_BAD:
            http__count(c->loop, COUNT_PARSE_ERRORS, 1);
            return refuse_and_close(c, c->rq->chunks.code, c->rq->chunks.why);
        default:
            break;
        }
        if (c->eof || c->gone) return CONN_CLOSED;
        if (!c->readable) return CONN_BODY;
        if (reads == HTTP_READS_PER_TURN) {
            net_again_push(c->loop->net, &c->again);
            return CONN_BODY;
        }
        fill(c);
    }
}

// --- HANDLE ----------------------------------------------------------------------------------

// Once for the handler's return, once for http_resume: the second goes on.
static void unhold(http_req *rq) {
    http_loop *l = rq->conn->loop;
    if (atomic_fetch_sub(&rq->holds, 1) > 1 || os_pool_submit(l->pool, &rq->job) == OK) return;
    http_add_header(rq, "Retry-After", STR("1"));
    http_reply_error(rq, 503, "Too many requests are waiting; try again in a second");
    net_post(l->net, &rq->done);
}

void http_resume(http_req *rq) {
    unhold(rq);
}

static void job_run(os_job *job) {
    http_req *rq = (http_req *)((char *)job - offsetof(http_req, job));
    net_loop *net = rq->conn->loop->net;
    atomic_store(&rq->holds, 0);
    http__reply_drop(rq);  // of the loop's call, or of the one that held
    rq->route->handler(rq, rq->route->app);
    if (atomic_load(&rq->holds))
        unhold(rq);
    else
        net_post(net, &rq->done);
}

static void job_done(net_mail *m) {
    http_req *rq = (http_req *)((char *)m - offsetof(http_req, done));
    rq->conn->busy = false;
    rq->handled = true;
    http__conn_run(rq->conn);
}

static http_conn_state to_worker(http_conn *c) {
    http_req *rq = c->rq;
    rq->job.run = job_run;
    rq->done.run = job_done;
    rq->on_worker = true;
    c->busy = true;
    if (os_pool_submit(c->loop->pool, &rq->job) == OK) return CONN_HANDLE;
    c->busy = false;
    return refuse(c, 503, "Too many requests are waiting; try again in a second");
}

static http_conn_state step_handle(http_conn *c) {
    http_req *rq = c->rq;
    if (rq->handled) return reply_begin(c);
    if (rq->refuse) return refuse(c, rq->refuse, http__reason(rq->refuse));
    if (rq->method == HTTP_OPTIONS) {
        http__reply_options(rq);
        return reply_begin(c);
    }
    if (rq->route->run == HTTP_WORKER) return to_worker(c);
    rq->route->handler(rq, rq->route->app);
    if (rq->moves) return to_worker(c);
    rq->handled = true;
    return reply_begin(c);
}

// --- SEND ------------------------------------------------------------------------------------

static void touch_run(os_job *job) {
    http_req *rq = (http_req *)((char *)job - offsetof(http_req, job));
    http_conn *c = rq->conn;
    net_loop *net = c->loop->net;
    os_map_touch(c->map, (uint64_t)(c->body - (const char *)c->map->base),
                 (uint64_t)min_i64((int64_t)c->body_left, HTTP_SLICE));
    net_post(net, &rq->done);
}

// Whether the next slice of the map can be sent without waiting for the disk; if not, a worker
// fetches it and the connection goes on when that is done.
static bool slice_is_warm(http_conn *c) {
    uint64_t at = (uint64_t)(c->body - (const char *)c->map->base);
    uint64_t len = (uint64_t)min_i64((int64_t)c->body_left, HTTP_SLICE);
    if (at < c->warm_to || os_map_is_resident(c->map, at, len)) return true;
    http_req *rq = c->rq;
    rq->job.run = touch_run;
    rq->done.run = job_done;
    c->warm_to = at + len;
    c->busy = true;
    if (os_pool_submit(c->loop->pool, &rq->job) == OK) return false;
    c->busy = false;
    c->warm_to = at;
    c->retry = true;
    return false;
}

static http_conn_state after_reply(http_conn *c) {
    if (c->replying) finish_request(c);
    bool is_idle = c->in_at == c->in_len;
    if (c->loop->draining && is_idle) c->closing = true;  // its header went out before the drain
    if (!c->closing) return CONN_READ;
    if (c->reset || c->eof) return CONN_CLOSED;
    net_shut_write(c->watch.fd);
    free_out(c);
    return CONN_LINGER;
}

static http_conn_state step_send(http_conn *c) {
    c->retry = false;
    for (int i = 0; unsent(c) || c->body_left; i++) {
        if (!c->writable) return CONN_SEND;
        if (i == SENDS_PER_TURN) {
            net_again_push(c->loop->net, &c->again);
            return CONN_SEND;
        }
        if (c->body_left && c->map && !slice_is_warm(c)) return CONN_SEND;
        if (!send_some(c)) return CONN_SEND;
    }
    return after_reply(c);
}

// --- STREAM ----------------------------------------------------------------------------------

// Four hexadecimal digits and CR LF are kept free before the data; shorter sizes move it up.
enum { CHUNK_LEAD = 6, CHUNK_TAIL = 2, CHUNK_LAST = 5 };
_Static_assert(HTTP_CHUNK_MAX <= 0xFFFF, "a chunk's size has four digits");

static void frame_chunk(http_conn *c, size_t len) {
    char *at = c->out + c->out_len;
    size_t digits = len > 0xFFF ? 4 : len > 0xFF ? 3 : len > 0xF ? 2 : 1;
    if (digits < 4) memmove(at + digits + 2, at + CHUNK_LEAD, len);
    for (size_t i = 0; i < digits; i++)
        at[i] = "0123456789ABCDEF"[len >> 4 * (digits - 1 - i) & 15];
    memcpy(at + digits, "\r\n", 2);
    memcpy(at + digits + 2 + len, "\r\n", 2);
    c->out_len += (uint32_t)(digits + 2 + len + CHUNK_TAIL);
}

// Asks whether a client whose FIN has come still reads. True when there is a byte to send.
static bool probe(http_conn *c) {
    if (!c->told_eof || c->probed || c->rq->head.minor == 0) return false;
    c->probed = true;
    c->out[c->out_len++] = '0';
    return true;
}

static void stream_end(http_conn *c, bool well, bool chunked) {
    c->ended = true;
    if (well && chunked) {
        memcpy(c->out + c->out_len, "0\r\n\r\n", CHUNK_LAST);
        c->out_len += CHUNK_LAST;
    }
    if (!well) {  // no last chunk; HTTP/1.0 has no such thing, so there it takes a reset
        c->closing = true;
        c->reset = !chunked;
    }
    http__reply_stop(c->rq);
}

// Calls the generator once. `out` holds less than HTTP_UNSENT_MAX.
static void produce(http_conn *c) {
    if (c->out_at) {
        memmove(c->out, c->out + c->out_at, unsent(c));
        c->out_len -= c->out_at;
        c->out_at = 0;
    }
    bool chunked = c->rq->head.minor == 1;
    buf b = out_buf(c, CHUNK_LEAD, HTTP_CHUNK_MAX - 64);
    if (!chunked) b.ptr -= CHUNK_LEAD;
    http_gen *g = &c->rq->re.gen;
    http_more more = g->proceed(g->self, &b);
    if (b.failed) more = HTTP_FAIL;  // bytes were dropped
    CHECK(b.len > 0 || more != HTTP_MORE);
    if (b.len && chunked)
        frame_chunk(c, b.len);
    else
        c->out_len += (uint32_t)b.len;
    c->waiting = more == HTTP_WAIT;
    if (more == HTTP_END || more == HTTP_FAIL) stream_end(c, more == HTTP_END, chunked);
}

static http_conn_state step_stream(http_conn *c) {
    for (int chunks = 0;;) {
        while (!c->ended && !c->waiting && unsent(c) < HTTP_UNSENT_MAX &&
               chunks < HTTP_CHUNKS_PER_TURN) {
            produce(c);
            chunks++;
        }
        if (unsent(c)) {
            if (!c->writable || !send_some(c)) return CONN_STREAM;
            continue;
        }
        if (c->ended) return after_reply(c);
        if (c->waiting && !probe(c)) return CONN_STREAM;
        if (c->waiting) continue;
        if (chunks == HTTP_CHUNKS_PER_TURN) {
            net_again_push(c->loop->net, &c->again);
            return CONN_STREAM;
        }
    }
}

// --- LINGER ----------------------------------------------------------------------------------

static http_conn_state step_linger(http_conn *c) {
    while (c->readable && !c->eof && !c->gone) {
        c->in_at = c->in_len = 0;
        if (!fill(c)) break;
        c->discarded += c->in_len;
        if (c->discarded > HTTP_LINGER_BYTES) return CONN_CLOSED;
    }
    free_in(c);
    return c->eof || c->gone ? CONN_CLOSED : CONN_LINGER;
}

// --- Running ---------------------------------------------------------------------------------

static void retire(http_conn *c) {
    http_loop *l = c->loop;
    if (c->rq) finish_request(c);
    free_in(c);
    free_out(c);
    net_timer_cancel(l->net, &c->timer);
    net_again_cancel(l->net, &c->again);
    int fd = c->watch.fd;
    net_watch_remove(l->net, &c->watch);
    if (c->reset)
        net_close_reset(fd);
    else
        net_close(fd);
    http__count(l, COUNT_CLOSED, 1);
    http__loop_free_conn(l, c);
}

int http__hurry = 1;

static int64_t limit_of(const http_conn *c) {
    if (c->retry) return HTTP_RETRY_MS;
    if (http__conn_is_idle(c)) return HTTP_IDLE_MS / http__hurry;
    if (c->state == CONN_STREAM && !unsent(c)) return 0;  // the generator takes its time
    return rule[c->state].limit_ms / http__hurry;
}

// Blocked: sees to it that it does not stay so for ever.
static void settle(http_conn *c) {
    int64_t limit = limit_of(c), now = net_now_ms(c->loop->net);
    if (limit == 0 || c->busy)
        net_timer_cancel(c->loop->net, &c->timer);
    else if (c->retry)
        net_timer_arm(c->loop->net, &c->timer, limit);
    else
        net_timer_arm(c->loop->net, &c->timer, c->since_ms + limit - now);
}

void http__conn_run(http_conn *c) {
    for (int i = 0; i < HTTP_STEPS_PER_TURN; i++) {
        if (c->busy) {
            settle(c);
            return;  // I4: its mail calls us again
        }
        if (c->gone) conn_go(c, CONN_CLOSED);
        if (c->state == CONN_CLOSED) {
            retire(c);
            return;
        }
        http_conn_state was = c->state;
        conn_go(c, rule[was].step(c));
        if (c->state == was && !c->gone) {
            settle(c);
            return;
        }
    }
    net_again_push(c->loop->net, &c->again);
}

static void on_ready(net_watch *w, unsigned events) {
    http_conn *c = (http_conn *)((char *)w - offsetof(http_conn, watch));
    if (events & (NET_IN | NET_EOF)) c->readable = true;
    if (events & NET_EOF) c->told_eof = true;
    if (events & NET_OUT) c->writable = true;
    if (events & NET_GONE) c->gone = true;
    http__conn_run(c);
}

static void on_again(net_again *a) {
    http__conn_run((http_conn *)((char *)a - offsetof(http_conn, again)));
}

static void on_wake(net_mail *m) {
    http_conn *c = (http_conn *)((char *)m - offsetof(http_conn, wake));
    atomic_store(&c->waking, false);  // before looking: a later wake posts again
    if (c->state != CONN_STREAM) return;
    c->waiting = false;
    http__conn_run(c);
}

// A request that does not come to its end is told so; everything else is just closed.
static void on_timeout(net_timer *t) {
    http_conn *c = (http_conn *)((char *)t - offsetof(http_conn, timer));
    if (c->retry) {
        c->retry = false;
    } else {
        http__count(c->loop, COUNT_TIMEOUTS, 1);
        bool asking = (c->state == CONN_READ || c->state == CONN_BODY) && c->rq && !unsent(c);
        if (asking)
            conn_go(c, refuse_and_close(c, 408, "The request took too long"));
        else
            c->gone = true;
    }
    http__conn_run(c);
}

void http__conn_init(http_conn *c, http_loop *l, int fd, const net_addr *peer) {
    memset(c, 0, offsetof(http_conn, slot));  // a wake for the last client may still be on its way
    atomic_fetch_add(&c->generation, 1);
    c->wake.run = on_wake;
    c->watch = (net_watch){.fd = fd, .ready = on_ready};
    c->timer.fire = on_timeout;
    c->again.run = on_again;
    c->loop = l;
    c->writable = true;
    c->since_ms = net_now_ms(l->net);
    c->peer = *peer;
}

// --- Wakers ----------------------------------------------------------------------------------

http_waker http_waker_of(http_req *rq) {
    http_conn *c = rq->conn;
    return (http_waker){c->loop, c->slot, atomic_load(&c->generation)};
}

void http_wake(http_waker w) {
    http_loop *l = w.loop;
    http_conn *c = (http_conn *)l->conns.base + w.slot;
    if (atomic_load(&c->generation) != w.generation) return;
    if (!atomic_exchange(&c->waking, true)) net_post(l->net, &c->wake);
}
