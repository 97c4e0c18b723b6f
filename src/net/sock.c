// Sockets: every system call of the network and what its errors mean, in one place.
//
// SO_REUSEPORT gives each loop a listener of its own, and also lets a second server of the same
// user share the port in silence. So the port is probed first without it, which says "in use".
//
//   I1  an error that says nothing about this connection (ENOMEM, ENOBUFS) is AGAIN or FULL; any
//       other unknown error is GONE: the caller closes and never spins

#include "net/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { UNACKED_MS = 30000 };

status net_addr_parse(net_addr *a, const char *ip, int port, err *e) {
    *a = (net_addr){0};
    if (port < 0 || port > 65535) return err_set(e, E_ARG, "port %d: must be 0 to 65535", port);
    if (inet_pton(AF_INET, ip, &a->v4.sin_addr) == 1) {
        a->v4.sin_family = AF_INET;
        a->v4.sin_port = htons((uint16_t)port);
        return OK;
    }
    if (inet_pton(AF_INET6, ip, &a->v6.sin6_addr) == 1) {
        a->v6.sin6_family = AF_INET6;
        a->v6.sin6_port = htons((uint16_t)port);
        return OK;
    }
    return err_set(e, E_ARG, "%s: not an IPv4 or IPv6 address", ip);
}

int net_addr_port(const net_addr *a) {
    return ntohs(a->any.sa_family == AF_INET6 ? a->v6.sin6_port : a->v4.sin_port);
}

void net_addr_format(char out[NET_ADDR_TEXT], const net_addr *a) {
    char ip[INET6_ADDRSTRLEN] = "?";
    bool v6 = a->any.sa_family == AF_INET6;
    inet_ntop(a->any.sa_family, v6 ? (const void *)&a->v6.sin6_addr : (const void *)&a->v4.sin_addr,
              ip, sizeof ip);
    snprintf(out, NET_ADDR_TEXT, v6 ? "[%s]:%d" : "%s:%d", ip, net_addr_port(a));
}

static socklen_t addr_len(const net_addr *a) {
    return a->any.sa_family == AF_INET6 ? sizeof a->v6 : sizeof a->v4;
}

static status bind_error(err *e, const net_addr *a) {
    char text[NET_ADDR_TEXT];
    net_addr_format(text, a);
    if (errno == EADDRINUSE)
        return err_set(e, E_EXISTS, "%s is in use: stop the other server or take another port",
                       text);
    if (errno == EADDRNOTAVAIL)
        return err_set(e, E_ARG, "%s: this machine has no such address", text);
    if (errno == EACCES)
        return err_set(e, E_ARG, "%s: ports below 1024 need privileges; take another port", text);
    return err_sys(e, "%s: cannot listen", text);
}

static int new_socket(const net_addr *a, bool shared) {
    int fd = socket(a->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    int one = 1, unacked = UNACKED_MS;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (!shared) return fd;
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked, sizeof unacked);
    return fd;
}

static status listen_on(int fd, net_addr *a, int backlog, err *e) {
    socklen_t len = addr_len(a);
    if (fd < 0 || bind(fd, &a->any, len) || listen(fd, backlog) || getsockname(fd, &a->any, &len))
        return bind_error(e, a);
    return OK;
}

status net_listen(int *out, net_addr *a, int backlog, err *e) {
    int fd = new_socket(a, true);
    status s = listen_on(fd, a, backlog, e);
    if (s && fd >= 0) close(fd);
    *out = s ? -1 : fd;
    return s;
}

status net_probe_free(const net_addr *a, err *e) {
    if (net_addr_port(a) == 0) return OK;
    net_addr copy = *a;
    int fd = new_socket(a, false);
    status s = listen_on(fd, &copy, 1, e);
    if (fd >= 0) close(fd);
    return s;
}

int net_accept(int listener, net_addr *peer) {
    for (;;) {
        socklen_t len = sizeof *peer;
        int fd = accept4(listener, &peer->any, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) return fd;
        switch (errno) {
        case EAGAIN:
            return NET_IO_AGAIN;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
            return NET_IO_FULL;
        case EBADF:
        case EINVAL:
        case ENOTSOCK:
            CHECK(!"accept on something that does not listen");
        default:  // EINTR, ECONNABORTED and the network errors accept(2) passes on: take the next
            continue;
        }
    }
}

// Of a failed transfer; EINTR is the caller's.
static net_io io_error(void) {
    switch (errno) {
    case EAGAIN:
    case ENOBUFS:
    case ENOMEM:
        return NET_IO_AGAIN;
    case EFAULT:
        return NET_IO_FAULT;
    default:
        return NET_IO_GONE;
    }
}

ssize_t net_recv(int fd, void *to, size_t len) {
    for (;;) {
        ssize_t n = recv(fd, to, len, 0);
        if (n >= 0) return n;
        if (errno != EINTR) return io_error();
    }
}

ssize_t net_send(int fd, struct iovec *iov, size_t n_iov) {
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = n_iov};
    for (;;) {
        ssize_t n = n_iov == 1 ? send(fd, iov->iov_base, iov->iov_len, MSG_NOSIGNAL)
                               : sendmsg(fd, &m, MSG_NOSIGNAL);
        if (n >= 0) return n;
        if (errno != EINTR) return io_error();
    }
}

void net_shut_write(int fd) {
    shutdown(fd, SHUT_WR);  // fails only when the peer has gone already
}

void net_close(int fd) {
    close(fd);  // on Linux the descriptor is gone also when this says EINTR
}

void net_close_reset(int fd) {
    struct linger now = {.l_onoff = 1, .l_linger = 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(fd);
}
