/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/psa/raw.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    abort();
}

uint64_t raw_now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

int raw_dial(const char *socket_path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    must(fd >= 0, "socket");
    memcpy(address.sun_path, socket_path, strlen(socket_path));
    must(connect(fd, (struct sockaddr *)&address, sizeof address) == 0, "connect");
    return fd;
}

ssize_t raw_hear(int fd, uint8_t *into, size_t cap)
{
    struct pollfd p = { fd, POLLIN, 0 };

    if (poll(&p, 1, 5000) != 1)
        return -2;
    return recv(fd, into, cap, 0);
}

int raw_greeted(const char *socket_path)
{
    uint8_t hello[64];
    tsr_wire_hello h = { 0 };
    int fd = raw_dial(socket_path);
    ssize_t n = raw_hear(fd, hello, sizeof hello);

    must(n == TSR_WIRE_HELLO && tsr_wire_hello_read(tsr_view(hello, (size_t)n), &h) == TSR_OK &&
             h.status == PSA_SUCCESS,
         "greeting");
    return fd;
}

size_t raw_request(uint8_t *frame, int32_t type, size_t n_in, const size_t *in, size_t n_out,
                   const size_t *out)
{
    psa_invec iv[4] = { { NULL, 0 } };
    psa_outvec ov[4] = { { NULL, 0 } };
    tsr_buf buf = tsr_buf_over(frame, TSR_WIRE_MAX);

    for (size_t i = 0; i < n_in; i++)
        iv[i].len = in[i];
    for (size_t i = 0; i < n_out; i++)
        ov[i].len = out[i];
    tsr_wire_request_head(&buf, TSR_PSA_CRYPTO_HANDLE, type, iv, n_in, ov, n_out);
    for (size_t i = 0; i < n_in; i++)
        for (size_t j = 0; j < in[i]; j++)
            tsr_put_u8(&buf, 0);
    must(buf.err == TSR_OK, "a request too long for a frame");
    return buf.len;
}

raw_channel raw_shared(const char *socket_path)
{
    raw_channel r = { raw_greeted(socket_path), { 0 } };

    must(tsr_channel_request(&r.c, r.fd) == PSA_SUCCESS, "shared memory");
    return r;
}

void raw_leave(raw_channel *r)
{
    tsr_channel_leave(&r->c);
    (void)close(r->fd);
}

void raw_ring(const raw_channel *r)
{
    const uint64_t one = 1;

    (void)!write(r->c.event_fd, &one, sizeof one);
}

void raw_put(raw_channel *r, const void *bytes, size_t len, uint32_t length_word)
{
    if (len > 0)
        memcpy(r->c.channel->request, bytes, len);
    atomic_store(&r->c.channel->asked_len, length_word);
    atomic_store(&r->c.channel->asked, ++r->c.number);
    raw_ring(r);
}

int raw_answered(const raw_channel *r)
{
    uint64_t end = raw_now_us() + 5000000u;

    while (raw_now_us() < end) {
        struct pollfd p = { r->fd, 0, 0 };

        if (atomic_load(&r->c.channel->answered) == r->c.number)
            return 1;
        if (poll(&p, 1, 1) != 0)
            return atomic_load(&r->c.channel->answered) == r->c.number;
    }
    return -1;
}

psa_status_t raw_status(const raw_channel *r)
{
    const tsr_channel *ch = r->c.channel;
    uint32_t len = atomic_load(&ch->answered_len);
    psa_status_t status;
    tsr_bytes out[PSA_MAX_IOVEC];

    for (size_t n = 0; n <= PSA_MAX_IOVEC && len <= TSR_WIRE_MAX; n++)
        if (tsr_wire_reply_read(tsr_view(ch->reply, len), n, &status, out) == TSR_OK)
            return status;
    return 1;
}
