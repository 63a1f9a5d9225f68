/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "server/engine/socket.h"

#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- opening ---------------------------------------------------------------------------- */

#define NET(offset) ((uint32_t)SKF_NET_OFF + (offset))

/* Classic BPF on the UDP payload, with the IP header at negative offsets. A: the spread. A choice
 * beyond the group makes the kernel fall back to its own hash; shards then forward by themselves.
 */
static tsr_err attach_filter(int fd, bool v6, bool dtls, unsigned shards)
{
    struct sock_filter f[32];
    unsigned n = 0, source = v6 ? 8 : 12, port = v6 ? 40 : 20, words = v6 ? 4 : 1;

#define DO(code, k) f[n++] = (struct sock_filter)BPF_STMT(code, k)
    if (dtls) { /* content type 25, then version, epoch, sequence number, Connection ID */
        DO(BPF_LD | BPF_B | BPF_ABS, 0);
        f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 25, 0, 3);
        DO(BPF_LD | BPF_B | BPF_ABS, 11);
        DO(BPF_ALU | BPF_MOD | BPF_K, shards);
        DO(BPF_RET | BPF_A, 0);
    }
    DO(BPF_LD | BPF_H | BPF_ABS, NET(port));
    for (unsigned i = 0; i < words; i++) {
        DO(BPF_MISC | BPF_TAX, 0);
        DO(BPF_LD | BPF_W | BPF_ABS, NET(source + 4 * i));
        DO(BPF_ALU | BPF_XOR | BPF_X, 0);
    }
    DO(BPF_ALU | BPF_MUL | BPF_K, 0x9e3779b1u);
    DO(BPF_MISC | BPF_TAX, 0);
    DO(BPF_ALU | BPF_RSH | BPF_K, 16);
    DO(BPF_ALU | BPF_XOR | BPF_X, 0);
    DO(BPF_ALU | BPF_MOD | BPF_K, shards);
    DO(BPF_RET | BPF_A, 0);
#undef DO

    struct sock_fprog program = { (unsigned short)n, f };

    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof program) == 0
               ? TSR_OK
               : TSR_E_UNSUPPORTED;
}

void tsr_socket_close(int fd)
{
    int saved = errno;

    (void)close(fd);
    errno = saved;
}

/* A socket with SO_REUSEPORT may share the port of any other of the same user, a second server's
 * too, even where the kernel chooses the port. So the first one binds alone, and shares then. */
static bool bind_shared(int fd, const tsr_address *address, bool first)
{
    struct sockaddr_storage at;
    socklen_t len = tsr_address_to(address, &at);
    int one = 1;

    if (!first && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) != 0)
        return false;
    if (bind(fd, (struct sockaddr *)&at, len) != 0)
        return false;
    return !first || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) == 0;
}

int tsr_socket_bound(const tsr_address *address, int type, bool first)
{
    int fd = socket(address->v6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;

    if (fd < 0)
        return -1;
    if (type == SOCK_STREAM) /* connections that are ending do not count */
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (address->v6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind_shared(fd, address, first))
        return fd;
    tsr_socket_close(fd);
    return -1;
}

static int open_one(const tsr_address *address, bool first)
{
    int fd = tsr_socket_bound(address, SOCK_DGRAM, first), room = 4 << 20;

    if (fd >= 0) {
        (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    }
    return fd;
}

tsr_err tsr_socket_error(const tsr_address *address, const char *protocol, int error, char *why,
                         size_t why_cap)
{
    char text[TSR_ADDRESS_TEXT];

    tsr_address_print(address, text);
    (void)snprintf(why, why_cap, "cannot listen on %s %s: %s (%s)", protocol, text, strerror(error),
                   error == EADDRINUSE
                       ? "another program has the port: stop it or name another port"
                   : error == EADDRNOTAVAIL ? "this machine has no such address: see `ip address`"
                   : error == EACCES        ? "ports below 1024 need the right CAP_NET_BIND_SERVICE"
                                            : "check the address");
    return TSR_E_IO;
}

void tsr_socket_port(int fd, tsr_address *address)
{
    struct sockaddr_storage at;
    socklen_t len = sizeof at;

    if (address->port == 0 && getsockname(fd, (struct sockaddr *)&at, &len) == 0)
        (void)tsr_address_from(&at, address);
}

tsr_err tsr_sockets_open(tsr_address *address, bool dtls, unsigned count, int fds[], char *why,
                         size_t why_cap)
{
    for (unsigned i = 0; i < count; i++) {
        fds[i] = open_one(address, i == 0);
        if (fds[i] < 0) {
            tsr_err err = tsr_socket_error(address, "UDP", errno, why, why_cap);

            while (i)
                close(fds[--i]);
            return err;
        }
        tsr_socket_port(fds[i], address);
    }
    if (count > 1) /* not there on every kernel: shards forward what is not theirs */
        (void)attach_filter(fds[0], address->v6, dtls, count);
    return TSR_OK;
}

/* --- batches ---------------------------------------------------------------------------- */

struct tsr_inbound {
    struct mmsghdr heads[TSR_SOCKET_BATCH];
    struct iovec vecs[TSR_SOCKET_BATCH];
    struct sockaddr_storage from[TSR_SOCKET_BATCH];
    uint8_t bytes[TSR_SOCKET_BATCH][TSR_SOCKET_IN];
};

tsr_inbound *tsr_inbound_new(void)
{
    tsr_inbound *in = calloc(1, sizeof *in);

    for (unsigned i = 0; in && i < TSR_SOCKET_BATCH; i++) {
        in->vecs[i] = (struct iovec){ in->bytes[i], TSR_SOCKET_IN };
        in->heads[i].msg_hdr.msg_iov = &in->vecs[i];
        in->heads[i].msg_hdr.msg_iovlen = 1;
        in->heads[i].msg_hdr.msg_name = &in->from[i];
    }
    return in;
}

void tsr_inbound_free(tsr_inbound *in)
{
    if (in)
        tsr_wipe(in, sizeof *in);
    free(in);
}

unsigned tsr_inbound_read(tsr_inbound *in, int fd)
{
    for (unsigned i = 0; i < TSR_SOCKET_BATCH; i++)
        in->heads[i].msg_hdr.msg_namelen = sizeof in->from[i];

    int n = recvmmsg(fd, in->heads, TSR_SOCKET_BATCH, MSG_DONTWAIT, NULL);

    return n > 0 ? (unsigned)n : 0;
}

tsr_err tsr_inbound_get(tsr_inbound *in, unsigned i, tsr_address *from, tsr_bytes *datagram)
{
    *datagram = tsr_view(in->bytes[i], in->heads[i].msg_len);
    return tsr_address_from(&in->from[i], from);
}

struct tsr_outbound {
    unsigned count;
    unsigned lost;
    int fds[TSR_SOCKET_BATCH];
    struct mmsghdr heads[TSR_SOCKET_BATCH];
    struct iovec vecs[TSR_SOCKET_BATCH];
    struct sockaddr_storage to[TSR_SOCKET_BATCH];
    uint8_t bytes[TSR_SOCKET_BATCH][TSR_SOCKET_OUT];
};

tsr_outbound *tsr_outbound_new(void)
{
    tsr_outbound *out = calloc(1, sizeof *out);

    for (unsigned i = 0; out && i < TSR_SOCKET_BATCH; i++) {
        out->vecs[i].iov_base = out->bytes[i];
        out->heads[i].msg_hdr.msg_iov = &out->vecs[i];
        out->heads[i].msg_hdr.msg_iovlen = 1;
        out->heads[i].msg_hdr.msg_name = &out->to[i];
    }
    return out;
}

void tsr_outbound_free(tsr_outbound *out)
{
    if (out)
        tsr_wipe(out, sizeof *out);
    free(out);
}

static void send_all(tsr_outbound *out)
{
    unsigned at = 0;

    while (at < out->count) {
        unsigned run = 1; /* of the same socket */

        while (at + run < out->count && out->fds[at + run] == out->fds[at])
            run++;

        int n = sendmmsg(out->fds[at], &out->heads[at], run, MSG_DONTWAIT);

        /* UDP may lose; CoAP repeats. An ICMP error of another peer also lands here: go past it. */
        if (n <= 0) {
            out->lost++;
            n = 1;
        }
        at += (unsigned)n;
    }
    out->count = 0;
}

tsr_buf tsr_outbound_begin(tsr_outbound *out)
{
    if (out->count == TSR_SOCKET_BATCH)
        send_all(out);
    return tsr_buf_over(out->bytes[out->count], TSR_SOCKET_OUT);
}

void tsr_outbound_end(tsr_outbound *out, int fd, const tsr_address *to, size_t len)
{
    unsigned i = out->count++;

    out->fds[i] = fd;
    out->vecs[i].iov_len = len;
    out->heads[i].msg_hdr.msg_namelen = tsr_address_to(to, &out->to[i]);
}

unsigned tsr_outbound_flush(tsr_outbound *out)
{
    send_all(out);

    unsigned lost = out->lost;

    out->lost = 0;
    return lost;
}
