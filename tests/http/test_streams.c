// The server over real sockets: streams, back-pressure, cancellation, workers, draining, and each
// limit.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/http/fixture.h"

// --- Streams ---------------------------------------------------------------------------------

static void test_stream_is_one_chunk_per_call(void **state) {
    (void)state;
    static const char *requests[] = {"GET /tick HTTP/1.1\r\nHost: x\r\n\r\n",
                                     "GET /tick-worker HTTP/1.1\r\nHost: x\r\n\r\n"};
    for (size_t i = 0; i < 2; i++) {
        client c = dial();
        reset_tick(200, HTTP_END);
        say(&c, requests[i]);
        reply r = listen_for(&c, false);
        assert_true(r.chunked && r.ended);
        assert_int_equal(r.n_chunks, 200);
        assert_string_equal(r.body + r.body_len - 9, "tick 200\n");
        assert_string_equal(field_of(&r, "Access-Control-Expose-Headers"), "X-Model");
        assert_string_equal(field_of(&r, "Content-Type"), HTTP_TEXT);
        assert_int_equal(tick.stopped, 1);
        expect_alive(&c);
        forget(&r);
        hang_up(&c);
    }
}

static void test_stream_waits_for_wakes(void **state) {
    (void)state;
    client c = dial();
    reset_tick(1, HTTP_WAIT);
    say(&c, "GET /tick HTTP/1.1\r\nHost: x\r\n\r\nGET /plaintext HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(comes_true(is_begun));
    size_t end;
    while (!has_end(&c, &end))
        hear(&c);
    for (int i = 2; i <= 50; i++) {
        size_t had = c.len;
        atomic_fetch_add(&tick.made, 1);
        if (i == 50) tick.end = HTTP_END;
        http_wake(tick.waker);
        while (c.len == had)
            assert_true(hear(&c));  // each is sent at once, not held for more
    }
    reply r = listen_for(&c, false);
    assert_true(r.ended);
    assert_int_equal(r.n_chunks, 50);
    assert_true(tick.calls < 120);          // not called while there is nothing
    expect_body(&c, 200, "Hello, World!");  // the pipelined one came behind the stream
    http_wake(tick.waker);                  // a stale waker does nothing
    expect_alive(&c);
    forget(&r);
    hang_up(&c);
}

static void test_head_of_a_stream(void **state) {
    (void)state;
    client c = dial();
    reset_tick(5, HTTP_END);
    say(&c, "HEAD /tick HTTP/1.1\r\nHost: x\r\n\r\n");
    reply r = listen_for(&c, true);
    assert_true(r.chunked);
    assert_int_equal(tick.calls, 0);
    assert_int_equal(tick.stopped, 1);
    expect_alive(&c);
    forget(&r);
    hang_up(&c);
}

static void test_failed_stream_is_seen_to_be_cut(void **state) {
    (void)state;
    reset_tick(2, HTTP_FAIL);
    client c = dial();
    say(&c, "GET /tick HTTP/1.1\r\nHost: x\r\n\r\n");
    reply r = listen_for(&c, false);
    assert_int_equal(r.n_chunks, 2);
    assert_false(r.ended);
    assert_int_equal(tick.stopped, 1);
    forget(&r);
    hang_up(&c);
}

static void test_client_that_leaves_stops_its_stream(void **state) {
    (void)state;
    for (int reset = 0; reset < 2; reset++) {
        client c = dial();
        reset_tick(1, HTTP_WAIT);
        say(&c, "GET /tick HTTP/1.1\r\nHost: x\r\n\r\n");
        assert_true(comes_true(is_begun));
        size_t end;
        while (!has_end(&c, &end) || c.len < end + 12)
            hear(&c);
        struct linger now = {1, 0};
        if (reset) setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        hang_up(&c);
        assert_true(comes_true(is_stopped));  // nothing more was made for it
        assert_true(comes_true(are_none_open));
        assert_int_equal(tick.stopped, 1);
        assert_int_equal(tick.made, 1);
    }
}

static void test_client_that_only_stops_sending_gets_all(void **state) {
    (void)state;
    client c = dial();
    reset_tick(1, HTTP_WAIT);
    say(&c, "GET /tick HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(comes_true(is_begun));
    size_t end;
    while (!has_end(&c, &end) || c.len < end + 12)
        hear(&c);
    size_t had = c.len;
    assert_int_equal(shutdown(c.fd, SHUT_WR), 0);
    while (c.len == had)
        assert_true(hear(&c));
    assert_int_equal(c.len, had + 1);  // the zero that asks whether anybody reads
    assert_int_equal(c.in[had], '0');
    for (int i = 2; i <= 20; i++) {
        had = c.len;
        atomic_fetch_add(&tick.made, 1);
        if (i == 20) tick.end = HTTP_END;
        http_wake(tick.waker);
        while (c.len == had)
            assert_true(hear(&c));
    }
    reply r = listen_for(&c, false);
    assert_true(r.chunked && r.ended);
    assert_int_equal(r.n_chunks, 20);
    assert_string_equal(r.body + r.body_len - 8, "tick 20\n");
    forget(&r);
    hang_up(&c);
}

static void test_slow_reader_holds_the_generator_back(void **state) {
    (void)state;
    reset_tick(0, HTTP_MORE);
    client c = dial_with(4096);
    say(&c, "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n");
    client other = dial();  // the loop has time for others
    uint64_t before = 0;
    for (int still = 0; still < 5; still++) {  // five answers, and meanwhile nothing was made
        expect_alive(&other);
        if (tick.bytes != before || before == 0) still = 0;
        before = tick.bytes;
    }
    assert_true(before < 16 << 20);  // it has come to rest within what the kernel's buffers take
    http_counters n;
    http_server_counters(&n, server);
    assert_true(before < n.bytes_sent + HTTP_BLOCK);  // ours is one block
    assert_int_equal(tick.bytes, before);
    assert_int_equal(n.streams_open, 1);
    hang_up(&other);
    hang_up(&c);
    assert_true(comes_true(is_stopped));
}

static void test_endless_stream_does_not_starve_others(void **state) {
    (void)state;
    reset_tick(0, HTTP_MORE);
    client greedy = dial();
    say(&greedy, "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n");
    client other = dial();
    for (int i = 0; i < 50; i++) {
        greedy.len = 0;
        hear(&greedy);
        expect_alive(&other);
        other.len = other.at = 0;
    }
    hang_up(&greedy);
    hang_up(&other);
    assert_true(comes_true(is_stopped));
}

// --- Workers ---------------------------------------------------------------------------------

static bool are_two_waiting(void) {
    return n_waiting == 2;
}

static void test_full_queue_is_503(void **state) {
    (void)state;
    enum { N = HTTP_QUEUE_MAX + 2 };
    struct rlimit many = {20000, 20000};
    getrlimit(RLIMIT_NOFILE, &many);
    if (many.rlim_cur < 3 * N) skip();
    static int fds[N];
    for (int i = 0; i < N; i++) {
        client c = dial();
        say(&c, "GET /gated HTTP/1.1\r\nHost: x\r\n\r\n");
        fds[i] = c.fd;
        free(c.in);
        if (i == 1) assert_true(comes_true(are_two_waiting));  // both workers are held
    }
    reply r = {0};
    for (int i = 0; i < 1000 && r.code != 503; i++) {  // the last ones may still be on their way
        client c = dial();
        say(&c, "GET /worker/x HTTP/1.1\r\nHost: x\r\n\r\n");
        struct pollfd p = {c.fd, POLLIN, 0};
        if (poll(&p, 1, 100) == 1) r = listen_for(&c, false);
        hang_up(&c);
    }
    assert_int_equal(r.code, 503);
    assert_string_equal(field_of(&r, "Retry-After"), "1");
    client c = dial();
    expect_alive(&c);  // the loop answers as ever
    hang_up(&c);
    for (int i = 0; i < N; i++)
        sem_post(&gate), sem_post(&gate);
    for (int i = 0; i < N; i++)
        close(fds[i]);
    forget(&r);
}

static bool are_all_held(void) {
    return n_held == HELD_MAX;
}

static void reset_held(void) {
    n_held = 0;
    for (int i = 0; i < HELD_MAX; i++)
        n_held_calls[i] = 0;
}

// More are held than there are workers, and others are answered meanwhile. Some clients leave.
static void test_held_requests_take_no_worker(void **state) {
    (void)state;
    client c[HELD_MAX];
    char text[64];
    reset_held();
    for (int i = 0; i < HELD_MAX; i++) {
        c[i] = dial();
        snprintf(text, sizeof text, "GET /held/%c HTTP/1.1\r\nHost: x\r\n\r\n", 'a' + i);
        say(&c[i], text);
    }
    assert_true(comes_true(are_all_held));
    client other = dial();
    say(&other, "GET /worker/x HTTP/1.1\r\nHost: x\r\n\r\n");
    expect_body(&other, 200, "1|/worker/x|x|-|-|0:");
    hang_up(&other);
    for (int i = 0; i < HELD_MAX; i += 4)
        hang_up(&c[i]);
    for (int i = 0; i < HELD_MAX; i++)
        http_resume(held[i]);
    for (int i = 0; i < HELD_MAX; i++) {
        if (i % 4 == 0) continue;
        reply r = listen_for(&c[i], false);
        snprintf(text, sizeof text, "%c", 'a' + i);
        assert_int_equal(r.code, 200);
        assert_string_equal(r.body, text);
        assert_string_equal(field_of(&r, "X-Held"), text);
        forget(&r);
        expect_alive(&c[i]);
        hang_up(&c[i]);
    }
    assert_true(comes_true(are_none_open));
}

static void test_resumed_before_it_returns(void **state) {
    (void)state;
    client c = dial();
    for (int i = 0; i < 200; i++) {
        reset_held();
        say(&c, "GET /held/q?x=now HTTP/1.1\r\nHost: x\r\n\r\n");
        expect_body(&c, 200, "q");
    }
    hang_up(&c);
}

static void test_client_that_leaves_a_worker_is_forgotten(void **state) {
    (void)state;
    client c = dial();
    say(&c, "GET /gated HTTP/1.1\r\nHost: x\r\n\r\n");
    while (n_waiting < 1)
        usleep(1000);
    struct linger now = {1, 0};
    setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    hang_up(&c);
    usleep(20000);
    sem_post(&gate);
    assert_true(comes_true(are_none_open));
}

// --- Draining --------------------------------------------------------------------------------

static void *drain_main(void *arg) {
    *(int *)arg = http_server_drain(server, PATIENCE_MS);
    return NULL;
}

static void test_drain_lets_replies_finish(void **state) {
    (void)state;
    client idle = dial(), streaming = dial(), working = dial();
    expect_alive(&idle);
    reset_tick(1, HTTP_WAIT);
    say(&streaming, "GET /tick HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(comes_true(is_begun));
    say(&working, "GET /gated HTTP/1.1\r\nHost: x\r\n\r\n");
    while (n_waiting < 1)
        usleep(1000);
    pthread_t t;
    int n_cut = -1;
    pthread_create(&t, NULL, drain_main, &n_cut);
    expect_end(&idle);
    sem_post(&gate);
    reply r = listen_for(&working, false);
    assert_string_equal(r.body, "gated");
    assert_string_equal(field_of(&r, "Connection"), "close");
    forget(&r);
    expect_end(&working);
    tick.made = 2;
    tick.end = HTTP_END;
    http_wake(tick.waker);
    r = listen_for(&streaming, false);
    assert_true(r.ended);
    assert_int_equal(r.n_chunks, 2);
    forget(&r);
    hang_up(&idle), hang_up(&working), hang_up(&streaming);
    pthread_join(t, NULL);
    assert_int_equal(n_cut, 0);
}

static void test_drain_cuts_at_the_deadline(void **state) {
    (void)state;
    client c = dial();
    reset_tick(1, HTTP_WAIT);
    say(&c, "GET /tick HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(comes_true(is_begun));
    int64_t from = os_now_ns();
    assert_int_equal(http_server_drain(server, 100), 1);
    assert_in_range(ms_since(from), 100, PATIENCE_MS);
    assert_int_equal(tick.stopped, 1);
    reply r = listen_for(&c, false);
    assert_false(r.ended);
    forget(&r);
    hang_up(&c);
}

static void test_close_stops_streams_and_frees_the_port(void **state) {
    (void)state;
    client c = dial();
    int port = http_server_port(server);
    reset_tick(1, HTTP_WAIT);
    say(&c, "GET /tick HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(comes_true(is_begun));
    http_server_close(server);
    assert_int_equal(tick.stopped, 1);
    hang_up(&c);
    http_config again = {
        .ip = "127.0.0.1", .port = port, .n_loops = 2, .routes = routes, .n_routes = 1};
    err e;
    if (http_server_open(&server, &again, &e)) fail_msg("%s", e.msg);
    http_server *second;
    assert_int_equal(http_server_open(&second, &again, &e), E_EXISTS);
    assert_null(second);
    assert_non_null(strstr(e.msg, "in use"));
    for (int i = 0; i < 20; i++) {  // both loops answer
        c = dial();
        expect_alive(&c);
        hang_up(&c);
    }
}

// --- Limits ----------------------------------------------------------------------------------

static void test_body_limit(void **state) {
    (void)state;
    client c = dial();
    say(&c, "POST /show HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n");
    say_n(&c, big, HTTP_BODY_MAX);
    reply r = listen_for(&c, false);
    assert_int_equal(r.code, 200);
    assert_memory_equal(r.body, "4|/show||-|-|1048576:abcdef", 27);
    forget(&r);
    say(&c, "POST /show HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n100001\r\n");
    say_n(&c, big, 1000);
    expect_body(&c, 413, NULL);
    hang_up(&c);
}

static void test_head_limits_over_the_wire(void **state) {
    (void)state;
    static const struct {
        int code;
        const char *begin;
    } t[] = {{414, "GET /"}, {431, "GET / HTTP/1.1\r\nHost: x\r\nA: "}};
    for (size_t i = 0; i < countof(t); i++) {
        client c = dial();
        say(&c, t[i].begin);
        say_n(&c, big, HTTP_HEAD_MAX + 100);
        expect_body(&c, t[i].code, NULL);
        expect_end(&c);
        hang_up(&c);
    }
}

// A hundred times faster than limits.h: 100 ms for a head, 600 for a body, 300 idle or stalled.
static void test_time_limits(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int code, least_ms;
    } t[] = {
        {"", 0, 250},
        {"GET / HT", 408, 80},
        {"POST /show HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na", 408, 500},
    };
    for (size_t i = 0; i < countof(t); i++) {
        int64_t from;
        client c = dial_and_say(t[i].text, &from);
        reply r = listen_for(&c, false);
        expect_end(&c);
        assert_int_equal(r.code, t[i].code);
        assert_in_range(ms_since(from), t[i].least_ms, PATIENCE_MS);
        forget(&r);
        hang_up(&c);
    }
}

static void test_dripping_does_not_extend_the_head(void **state) {
    (void)state;
    int64_t from;
    client c = dial_and_say("GET / HTTP/1.1\r\nA: ", &from);
    struct pollfd p = {c.fd, POLLIN, 0};
    while (poll(&p, 1, 10) == 0)
        say(&c, "x");
    assert_in_range(ms_since(from), 80, PATIENCE_MS);
    expect_body(&c, 408, NULL);
    hang_up(&c);
}

static void test_stalled_readers_are_cut(void **state) {
    (void)state;
    static const char *texts[] = {"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n",
                                  "GET /big HTTP/1.1\r\nHost: x\r\n\r\n"
                                  "GET /big HTTP/1.1\r\nHost: x\r\n\r\n"
                                  "GET /big HTTP/1.1\r\nHost: x\r\n\r\n"};
    for (size_t i = 0; i < 2; i++) {
        reset_tick(0, HTTP_MORE);
        client c = dial_with(4096);
        say(&c, texts[i]);
        assert_true(comes_true(are_none_open) || i == 0);
        if (i == 0) assert_true(comes_true(is_stopped));
        hang_up(&c);
    }
    http_counters n;
    http_server_counters(&n, server);
    assert_true(n.timeouts >= 1);
}

static void test_many_connections_hold_no_memory_when_idle(void **state) {
    (void)state;
    enum { N = 100 };  // all within the idle limit, however slow
    client c[N];
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < N; i++) {
            c[i] = dial();
            expect_alive(&c[i]);
        }
        http_counters n;
        http_server_counters(&n, server);
        assert_int_equal(n.connections_open, N);
        for (int i = 0; i < N; i++)
            hang_up(&c[i]);
        assert_true(comes_true(are_none_open));
    }
    http_counters n;
    http_server_counters(&n, server);
    assert_int_equal(n.requests_total, 2 * N);
    assert_int_equal(n.replies_by_class[2], 2 * N);
    assert_int_equal(n.connections_total, 2 * N);
}

// A client whose socket exists already connects while the process has no descriptor to spare.
static void test_out_of_descriptors_an_idle_one_makes_room(void **state) {
    (void)state;
    client idle = dial(), late = {.fd = socket(AF_INET, SOCK_STREAM, 0), .in = malloc(CLIENT_MAX)};
    expect_alive(&idle);
    struct rlimit was, tight;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    int next = dup(0);
    close(next);
    tight = was;
    tight.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)http_server_port(server)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(late.fd, (struct sockaddr *)&a, sizeof a), 0);
    expect_alive(&late);
    expect_end(&idle);
    setrlimit(RLIMIT_NOFILE, &was);
    hang_up(&idle), hang_up(&late);
}

static void test_out_of_descriptors_with_none_idle_waits(void **state) {
    (void)state;
    reset_tick(1, HTTP_WAIT);
    client busy = dial(), late = {.fd = socket(AF_INET, SOCK_STREAM, 0), .in = malloc(CLIENT_MAX)};
    say(&busy, "GET /tick HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_true(comes_true(is_begun));
    struct rlimit was, tight;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    int next = dup(0);
    close(next);
    tight = was;
    tight.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)http_server_port(server)),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(late.fd, (struct sockaddr *)&a, sizeof a), 0);
    struct timespec cpu0, cpu1;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu0);
    usleep(300000);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu1);
    int64_t ns = (cpu1.tv_sec - cpu0.tv_sec) * INT64_C(1000000000) + cpu1.tv_nsec - cpu0.tv_nsec;
    setrlimit(RLIMIT_NOFILE, &was);
    assert_in_range(ns, 0, 100000000);  // it rested, it did not spin
    expect_alive(&late);
    hang_up(&busy), hang_up(&late);
}

static void test_connection_limit(void **state) {
    (void)state;
    struct rlimit was, many;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
    many = was;
    many.rlim_cur = was.rlim_max;
    if (was.rlim_max < 2 * HTTP_CONNS_MAX + 200) skip();
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &many), 0);
    static int fds[HTTP_CONNS_MAX];
    for (int i = 0; i < HTTP_CONNS_MAX; i++) {
        client c = dial();
        fds[i] = c.fd;
        free(c.in);
    }
    client late = dial();
    expect_alive(&late);
    http_counters n;
    http_server_counters(&n, server);
    assert_in_range(n.connections_open, HTTP_CONNS_MAX - 8, HTTP_CONNS_MAX);
    assert_in_range(n.connections_total, HTTP_CONNS_MAX + 1, HTTP_CONNS_MAX + 1);
    for (int i = 0; i < HTTP_CONNS_MAX; i++)
        close(fds[i]);
    hang_up(&late);
    setrlimit(RLIMIT_NOFILE, &was);
}

static void test_bad_configurations(void **state) {
    (void)state;
    static const http_route bad[] = {{HTTP_GET, "x", plaintext}};
    const http_config t[] = {
        {.ip = "nowhere", .routes = routes, .n_routes = 1},
        {.ip = "127.0.0.1", .port = 70000, .routes = routes, .n_routes = 1},
        {.ip = "192.0.2.1", .routes = routes, .n_routes = 1},  // not an address of ours
        {.ip = "127.0.0.1", .routes = bad, .n_routes = 1},
    };
    for (size_t i = 0; i < countof(t); i++) {
        http_server *s;
        err e = {0};
        assert_int_equal(http_server_open(&s, &t[i], &e), E_ARG);
        assert_null(s);
        assert_true(e.msg[0] != 0);
    }
}

// --- Torture ---------------------------------------------------------------------------------

static uint64_t dice_state = 88172645463325252u;

static uint64_t dice(uint64_t n) {
    dice_state ^= dice_state << 13, dice_state ^= dice_state >> 7, dice_state ^= dice_state << 17;
    return dice_state % n;
}

static const char *pieces[] = {
    "GET /plaintext HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /tick HTTP/1.1\r\nHost: x\r\n\r\n",
    "HEAD /tick-worker HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /tick-worker HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET /endless HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /big HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /map HTTP/1.1\r\nHost: x\r\nRange: bytes=5-700000\r\n\r\n",
    "POST /worker/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
    "5\r\nhello\r\n",
    "0\r\n\r\n",
    "POST /show HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\nExpect: 100-continue\r\n\r\n",
    "0123456789",
    "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "GET /worker/b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    "GET / HTTP/1.1\r\nHost",
    "\r\n",
};

// Sends a few pieces in random cuts, reads or does not, and leaves in one of the ways there are.
static void torment(void) {
    client c = dial_with(dice(3) ? 0 : 4096);
    for (uint64_t i = dice(8) + 1; i; i--) {
        const char *p = pieces[dice(countof(pieces))];
        size_t n = strlen(p), cut = dice(4) ? n : dice(n + 1);
        send(c.fd, p, cut, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (dice(16) == 0) cut = n;  // and sometimes the rest is lost
        send(c.fd, p + cut, n - cut, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (dice(3) == 0) recv(c.fd, c.in, dice(CLIENT_MAX), MSG_DONTWAIT);
        if (dice(8) == 0) usleep((unsigned)dice(2000));
    }
    struct linger now = {1, 0};
    if (dice(3) == 0) shutdown(c.fd, SHUT_WR);
    if (dice(3) == 0) usleep((unsigned)dice(3000));
    if (dice(3) == 0) setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    hang_up(&c);
}

// Streams share one generator here, so only their number is checked: as many stops as begun.
static http_more torture_proceed(void *self, buf *out) {
    (void)self;
    static const http_more ends[] = {HTTP_END, HTTP_FAIL};
    int n = atomic_fetch_add(&tick.calls, 1);
    buf_fmt(out, "%d\n", n);
    return n % 7 ? HTTP_MORE : ends[n / 7 % 2];
}

static void torture_stream(http_req *rq, void *app) {
    (void)app;
    atomic_fetch_add(&tick.made, 1);
    http_gen gen = {&tick, torture_proceed, ticker_stop};
    if (str_eq(http_path(rq), STR("/endless"))) gen.proceed = endless_proceed;
    http_reply_stream(rq, 200, HTTP_TEXT, gen);
}

static void test_any_sequence_of_bytes_and_closes(void **state) {
    (void)state;
    static http_route own[countof(routes)];
    memcpy(own, routes, sizeof routes);
    for (size_t i = 0; i < countof(own); i++)
        if (own[i].handler == ticking || own[i].handler == endless) own[i].handler = torture_stream;
    http_server_close(server);
    http_config config = {
        .ip = "127.0.0.1", .n_loops = 2, .n_workers = 2, .routes = own, .n_routes = countof(own)};
    err e;
    assert_int_equal(http_server_open(&server, &config, &e), OK);
    reset_tick(0, HTTP_END);
    for (int i = 0; i < 1500; i++)
        torment();
    int64_t from;
    client c = dial_and_say("GET /plaintext HTTP/1.1\r\nHost: x\r\n\r\n", &from);
    expect_body(&c, 200, "Hello, World!");
    hang_up(&c);
    assert_true(comes_true(are_none_open));
    http_counters n;
    http_server_counters(&n, server);
    assert_int_equal(n.streams_open, 0);
    assert_true(tick.made > 50 && n.parse_errors > 50);
    assert_int_equal(tick.stopped, tick.made);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_stream_is_one_chunk_per_call),
        TEST(test_stream_waits_for_wakes),
        TEST(test_head_of_a_stream),
        TEST(test_failed_stream_is_seen_to_be_cut),
        TEST(test_client_that_leaves_stops_its_stream),
        TEST(test_client_that_only_stops_sending_gets_all),
        TEST(test_slow_reader_holds_the_generator_back),
        TEST(test_endless_stream_does_not_starve_others),
        TEST(test_full_queue_is_503),
        TEST(test_held_requests_take_no_worker),
        TEST(test_resumed_before_it_returns),
        TEST(test_client_that_leaves_a_worker_is_forgotten),
        TEST(test_drain_lets_replies_finish),
        TEST(test_drain_cuts_at_the_deadline),
        TEST(test_close_stops_streams_and_frees_the_port),
        TEST(test_body_limit),
        TEST(test_head_limits_over_the_wire),
        HURRIED(test_time_limits),
        HURRIED(test_dripping_does_not_extend_the_head),
        HURRIED(test_stalled_readers_are_cut),
        TEST(test_many_connections_hold_no_memory_when_idle),
        TEST(test_out_of_descriptors_an_idle_one_makes_room),
        TEST(test_out_of_descriptors_with_none_idle_waits),
        TEST(test_connection_limit),
        HURRIED(test_any_sequence_of_bytes_and_closes),
        cmocka_unit_test(test_bad_configurations),
    };
    return cmocka_run_group_tests_name("http/streams", tests, make_map, drop_map);
}
