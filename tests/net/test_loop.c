// The loop over real descriptors: mail from many threads, edges, removal during a turn, fairness.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net/loop.h"
#include "net/sock.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static net_loop *loop;

static int set_up(void **state) {
    (void)state;
    err e;
    return net_loop_open(&loop, &e);
}

static int tear_down(void **state) {
    (void)state;
    net_loop_close(loop);
    return 0;
}

// --- Mail ------------------------------------------------------------------------------------

enum { N_THREADS = 8, N_ROUNDS = 20000, N_MAILS = 4 };

// Each thread posts its mails over and over, each again as soon as it has been run.
typedef struct letter {
    net_mail mail;
    _Atomic bool away;
    int n_run;       // the loop's
    uint64_t value;  // written before posting, read when run
} letter;

typedef struct poster {
    pthread_t thread;
    letter letters[N_MAILS];
    uint64_t last;  // highest value seen: one poster's mails come in order
    uint64_t n;
} poster;

static poster posters[N_THREADS];
static int n_finished;

static void letter_run(net_mail *m) {
    letter *l = (letter *)m;
    poster *p = NULL;
    for (int i = 0; i < N_THREADS; i++)
        if (l >= posters[i].letters && l < posters[i].letters + N_MAILS) p = &posters[i];
    assert_non_null(p);
    assert_true(l->value > p->last);
    p->last = l->value;
    l->n_run++;
    if (++p->n == N_ROUNDS && ++n_finished == N_THREADS) net_loop_stop(loop);
    atomic_store(&l->away, false);
}

static void *poster_main(void *arg) {
    poster *p = arg;
    for (uint64_t i = 0; i < N_ROUNDS; i++) {
        letter *l = &p->letters[i % N_MAILS];
        while (atomic_load(&l->away))
            sched_yield();
        atomic_store(&l->away, true);
        l->value = i + 1;
        net_post(loop, &l->mail);
    }
    return NULL;
}

static void test_mail_from_many_threads(void **state) {
    (void)state;
    memset(posters, 0, sizeof posters);
    n_finished = 0;
    for (int i = 0; i < N_THREADS; i++) {
        for (int k = 0; k < N_MAILS; k++)
            posters[i].letters[k].mail.run = letter_run;
        assert_int_equal(pthread_create(&posters[i].thread, NULL, poster_main, &posters[i]), 0);
    }
    net_loop_run(loop);
    for (int i = 0; i < N_THREADS; i++) {
        pthread_join(posters[i].thread, NULL);
        assert_int_equal(posters[i].n, N_ROUNDS);
    }
}

// --- Watches ---------------------------------------------------------------------------------

typedef struct pipe_end {
    net_watch watch;
    struct pipe_end *other;  // removed when this one becomes ready
    unsigned seen;
    int n_ready;
} pipe_end;

static void end_ready(net_watch *w, unsigned events) {
    pipe_end *p = (pipe_end *)w;
    p->seen |= events;
    p->n_ready++;
    if (p->other) net_watch_remove(loop, &p->other->watch);
}

static void stop_mail(net_mail *m) {
    (void)m;
    net_loop_stop(loop);
}

// Runs until everything that is ready now has been handed out.
static void run_once(void) {
    net_mail stop = {.run = stop_mail};
    net_post(loop, &stop);
    net_loop_run(loop);
}

static void pair(int fd[2]) {
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
}

static void test_edges_are_told_once(void **state) {
    (void)state;
    int fd[2];
    pair(fd);
    pipe_end p = {.watch.ready = end_ready};
    assert_int_equal(net_watch_add(loop, &p.watch, fd[0], false, NULL), OK);
    run_once();
    assert_int_equal(p.seen, NET_OUT);
    assert_int_equal(write(fd[1], "x", 1), 1);
    run_once();
    assert_true(p.seen & NET_IN);
    int n = p.n_ready;
    run_once();
    assert_int_equal(p.n_ready, n);  // nothing new
    close(fd[1]);
    run_once();
    assert_true(p.seen & NET_EOF);
    assert_true(p.seen & NET_GONE);
    net_watch_remove(loop, &p.watch);
    close(fd[0]);
}

static void test_removal_during_a_turn_takes_effect_at_once(void **state) {
    (void)state;
    int a[2], b[2];
    pair(a);
    pair(b);
    pipe_end p = {.watch.ready = end_ready}, q = {.watch.ready = end_ready};
    p.other = &q, q.other = &p;
    assert_int_equal(net_watch_add(loop, &p.watch, a[0], false, NULL), OK);
    assert_int_equal(net_watch_add(loop, &q.watch, b[0], false, NULL), OK);
    run_once();
    assert_int_equal(p.n_ready + q.n_ready, 1);  // both were ready; the first removed the other
    net_watch_remove(loop, &p.watch);
    net_watch_remove(loop, &q.watch);
    for (int i = 0; i < 2; i++)
        close(a[i]), close(b[i]);
}

// --- Again -----------------------------------------------------------------------------------

typedef struct helping {
    net_again again;
    int n, most;
    struct helping *cancel;
} helping;

static char order[64];

static void help(net_again *a) {
    helping *h = (helping *)a;
    order[strlen(order)] = h->most == 3 ? 'a' : 'b';
    if (h->cancel) net_again_cancel(loop, &h->cancel->again);
    if (++h->n < h->most) net_again_push(loop, a);
}

static void test_again_takes_turns(void **state) {
    (void)state;
    helping a = {.again.run = help, .most = 3}, b = {.again.run = help, .most = 2};
    memset(order, 0, sizeof order);
    net_again_push(loop, &a.again);
    net_again_push(loop, &a.again);  // twice is once
    net_again_push(loop, &b.again);
    for (int i = 0; i < 5; i++)
        run_once();
    assert_string_equal(order, "ababa");
}

static void test_again_can_be_cancelled_by_another(void **state) {
    (void)state;
    helping b = {.again.run = help, .most = 2};
    helping a = {.again.run = help, .most = 1, .cancel = &b};
    net_again_push(loop, &a.again);
    net_again_push(loop, &b.again);
    run_once();
    assert_int_equal(b.n, 0);
    net_again_push(loop, &b.again);  // and the list is whole
    run_once();
    run_once();
    assert_int_equal(b.n, 2);
}

// --- Timers ----------------------------------------------------------------------------------

static int64_t fired_ms;

static void timer_stops(net_timer *t) {
    (void)t;
    fired_ms = net_now_ms(loop);
    net_loop_stop(loop);
}

static void test_timer_wakes_the_loop(void **state) {
    (void)state;
    net_timer t = {.fire = timer_stops};
    run_once();
    int64_t from = net_now_ms(loop);
    net_timer_arm(loop, &t, 50);
    net_loop_run(loop);
    assert_true(fired_ms - from >= 50);  // how late it may be, test_wheel.c says
}

// --- Sockets ---------------------------------------------------------------------------------

static void test_addresses(void **state) {
    (void)state;
    static const char *good[][2] = {{"127.0.0.1", "127.0.0.1:80"}, {"::1", "[::1]:80"}};
    net_addr a;
    err e;
    for (size_t i = 0; i < countof(good); i++) {
        char text[NET_ADDR_TEXT];
        assert_int_equal(net_addr_parse(&a, good[i][0], 80, &e), OK);
        net_addr_format(text, &a);
        assert_string_equal(text, good[i][1]);
        assert_int_equal(net_addr_port(&a), 80);
    }
    assert_int_equal(net_addr_parse(&a, "localhost", 80, &e), E_ARG);
    assert_int_equal(net_addr_parse(&a, "127.0.0.1", 65536, &e), E_ARG);
    assert_int_equal(net_addr_parse(&a, "127.0.0.1", -1, &e), E_ARG);
}

static void test_port_in_use_is_said_also_when_shared(void **state) {
    (void)state;
    net_addr a;
    err e;
    int one, two;
    assert_int_equal(net_addr_parse(&a, "127.0.0.1", 0, &e), OK);
    assert_int_equal(net_listen(&one, &a, 8, &e), OK);
    assert_true(net_addr_port(&a) > 0);
    assert_int_equal(net_listen(&two, &a, 8, &e), OK);  // our own loops share
    assert_int_equal(net_probe_free(&a, &e), E_EXISTS);
    assert_non_null(strstr(e.msg, "in use"));
    close(one);
    close(two);
    assert_int_equal(net_probe_free(&a, &e), OK);
}

// What is sent goes out at once, not when the other side has acknowledged what went before.
static void test_accepted_sockets_do_not_delay(void **state) {
    (void)state;
    net_addr a, peer;
    err e;
    int listener;
    assert_int_equal(net_addr_parse(&a, "127.0.0.1", 0, &e), OK);
    assert_int_equal(net_listen(&listener, &a, 8, &e), OK);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)net_addr_port(&a)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(client, (struct sockaddr *)&to, sizeof to), 0);
    int fd = net_accept(listener, &peer);
    assert_true(fd >= 0);
    int on = 0;
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &(socklen_t){sizeof on}), 0);
    assert_int_equal(on, 1);
    close(fd);
    close(client);
    close(listener);
}

static void test_send_says_fault_and_gone(void **state) {
    (void)state;
    int fd[2];
    pair(fd);
    struct iovec bad = {(void *)16, 100};
    assert_int_equal(net_send(fd[0], &bad, 1), NET_IO_FAULT);
    char c;
    assert_int_equal(net_recv(fd[0], &c, 1), NET_IO_AGAIN);
    close(fd[1]);
    struct iovec one = {&c, 1};
    assert_int_equal(net_send(fd[0], &one, 1), NET_IO_GONE);  // and no SIGPIPE
    assert_int_equal(net_recv(fd[0], &c, 1), NET_IO_EOF);
    close(fd[0]);
}

#define WITH_LOOP(t) cmocka_unit_test_setup_teardown(t, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        WITH_LOOP(test_mail_from_many_threads),
        WITH_LOOP(test_edges_are_told_once),
        WITH_LOOP(test_removal_during_a_turn_takes_effect_at_once),
        WITH_LOOP(test_again_takes_turns),
        WITH_LOOP(test_again_can_be_cancelled_by_another),
        WITH_LOOP(test_timer_wakes_the_loop),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_port_in_use_is_said_also_when_shared),
        cmocka_unit_test(test_accepted_sockets_do_not_delay),
        cmocka_unit_test(test_send_says_fault_and_gone),
    };
    return cmocka_run_group_tests_name("net/loop", tests, NULL, NULL);
}
