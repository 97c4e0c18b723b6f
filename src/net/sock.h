// net/sock.h -- TCP sockets, non-blocking: listen, accept, receive, send.
//
//   Owner     the caller owns every descriptor returned
//   Threads   functions of their arguments; any
//   Blocks    never; EINTR is retried here and nowhere else
//   Errors    transfers return a byte count, or one of the negative net_io values
#ifndef NET_SOCK_H
#define NET_SOCK_H

#include "base/err.h"

#include <netinet/in.h>
#include <sys/types.h>
#include <sys/uio.h>

typedef union net_addr {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} net_addr;

enum { NET_ADDR_TEXT = 56 };  // "[IPv6]:port" and its NUL

// A numeric IPv4 or IPv6 address. E_ARG otherwise.
NODISCARD status net_addr_parse(net_addr *a, const char *ip, int port, err *e);
// "127.0.0.1:50312", "[::1]:50312"
void net_addr_format(char out[NET_ADDR_TEXT], const net_addr *a);
int net_addr_port(const net_addr *a);

// A listener with SO_REUSEPORT, TCP_NODELAY and a limit on unacknowledged data, all of which
// accepted sockets inherit. a's port becomes the real one when it was 0. E_EXISTS: port in use.
NODISCARD status net_listen(int *fd, net_addr *a, int backlog, err *e);
// E_EXISTS when anybody listens there, also one that shares its port. Port 0 is always free.
NODISCARD status net_probe_free(const net_addr *a, err *e);

typedef enum net_io {
    NET_IO_EOF = 0,
    NET_IO_AGAIN = -1,  // would block
    NET_IO_GONE = -2,   // the connection is of no use any more
    NET_IO_FULL = -3,   // accept: no descriptors or memory left; wait before trying again
    NET_IO_FAULT = -4,  // send: the bytes are not there (a mapped file shrank)
} net_io;

// Returns a descriptor >= 0, or AGAIN or FULL. A connection that died in the queue is skipped.
int net_accept(int listener, net_addr *peer);
ssize_t net_recv(int fd, void *to, size_t len);
ssize_t net_send(int fd, struct iovec *iov, size_t n);

void net_shut_write(int fd);  // FIN
void net_close(int fd);
void net_close_reset(int fd);  // RST, so that the peer cannot take what it got for the whole

#endif
