/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "ports/linux/gate/channel.h"

/* A service that ends in order closes the socket and then wakes us; after one that was killed we
 * look this often. A shorter time would make the kernel set its timer anew in every call. */
#define LOOK_MS 50

/* The reply to the request for a channel; fds are -1 where none came. */
static ssize_t receive_descriptors(int from, uint8_t *reply, size_t cap, int fds[2])
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(2 * sizeof(int))];
    } control = { .room = { 0 } };
    struct iovec iov = { reply, cap };
    struct msghdr msg = { .msg_iov = &iov,
                          .msg_iovlen = 1,
                          .msg_control = &control,
                          .msg_controllen = sizeof control.room };
    ssize_t n;

    do
        n = recvmsg(from, &msg, MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);

    const struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;

    if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
        c->cmsg_len == CMSG_LEN(2 * sizeof(int)))
        memcpy(fds, CMSG_DATA(c), 2 * sizeof(int));
    return n;
}

psa_status_t tsr_channel_request(tsr_channel_client *c, int fd)
{
    uint8_t memory[TSR_WIRE_HEAD];
    tsr_buf out = tsr_buf_over(memory, sizeof memory);
    int fds[2] = { -1, -1 };
    psa_status_t status;
    void *at = MAP_FAILED;
    ssize_t n;

    tsr_wire_request_head(&out, TSR_GATE_HANDLE, TSR_GATE_SHARE, NULL, 0, NULL, 0);
    if (send(fd, out.ptr, out.len, MSG_NOSIGNAL) != (ssize_t)out.len)
        return PSA_ERROR_COMMUNICATION_FAILURE;
    n = receive_descriptors(fd, memory, sizeof memory, fds);
    if (n <= 0 || tsr_wire_reply_read(tsr_view(memory, (size_t)n), 0, &status, NULL) != TSR_OK)
        return PSA_ERROR_COMMUNICATION_FAILURE;
    if (fds[0] >= 0) {
        at = mmap(NULL, sizeof(tsr_channel), PROT_READ | PROT_WRITE, MAP_SHARED, fds[0], 0);
        (void)close(fds[0]);
    }
    if (status == PSA_SUCCESS && at != MAP_FAILED) {
        *c = (tsr_channel_client){ at, fds[1], 0 };
        return PSA_SUCCESS;
    }
    if (at != MAP_FAILED)
        (void)munmap(at, sizeof(tsr_channel));
    if (fds[1] >= 0)
        (void)close(fds[1]);
    return PSA_ERROR_NOT_SUPPORTED;
}

void tsr_channel_leave(tsr_channel_client *c)
{
    if (c->channel == NULL)
        return;
    (void)munmap(c->channel, sizeof *c->channel);
    (void)close(c->event_fd);
    *c = (tsr_channel_client){ 0 };
}

void tsr_channel_ask(tsr_channel_client *c, tsr_bytes head, const psa_invec *in, size_t in_len)
{
    static const uint64_t one = 1;
    tsr_channel *ch = c->channel;
    size_t len = head.len;

    memcpy(ch->request, head.ptr, head.len);
    for (size_t i = 0; i < in_len; i++) {
        if (in[i].len > 0)
            memcpy(ch->request + len, in[i].base, in[i].len);
        len += in[i].len;
    }
    atomic_store_explicit(&ch->asked_len, (uint32_t)len, memory_order_relaxed);
    atomic_store_explicit(&ch->asked_on, tsr_channel_core(), memory_order_relaxed);
    /* Either we see that it no longer looks, or it sees the request: both store, then load. */
    atomic_store(&ch->asked, ++c->number);
    if (atomic_load(&ch->watching) == 0)
        (void)!write(c->event_fd, &one, sizeof one);
}

static int64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool answered(const tsr_channel_client *c)
{
    return atomic_load(&c->channel->answered) == c->number;
}

/* The service, which was last seen on another core, may be about to answer. */
static bool answered_soon(const tsr_channel_client *c)
{
    tsr_channel *ch = c->channel;

    return tsr_channel_apart(atomic_load_explicit(&ch->answered_on, memory_order_relaxed)) &&
           tsr_channel_look(&ch->answered, c->number - 1u);
}

static bool hung_up(int fd)
{
    struct pollfd p = { fd, 0, 0 };

    return poll(&p, 1, 0) != 0;
}

/* Sleeps until the answer is there, the service is gone (*dead), or it is too late. */
static bool sleep_until_answered(tsr_channel_client *c, int fd, uint32_t timeout_ms, bool *dead)
{
    tsr_channel *ch = c->channel;
    const struct timespec look = { 0, LOOK_MS * 1000000L };
    int64_t begun = 0;

    atomic_store(&ch->sleeping, 1);
    while (!answered(c)) {
        (void)syscall(SYS_futex, &ch->answered, FUTEX_WAIT, c->number - 1u, &look, NULL, 0);
        if (answered(c))
            break;
        if ((*dead = hung_up(fd)))
            break;
        if (begun == 0)
            begun = now_ms();
        if (now_ms() - begun > timeout_ms)
            break;
    }
    atomic_store_explicit(&ch->sleeping, 0, memory_order_relaxed);
    return answered(c); /* perhaps the last words of a service that ended */
}

size_t tsr_channel_await(tsr_channel_client *c, int fd, uint32_t timeout_ms, uint8_t *reply,
                         bool *unseen)
{
    tsr_channel *ch = c->channel;
    bool dead = false;
    uint32_t len;

    if (!answered(c) && !answered_soon(c) && !sleep_until_answered(c, fd, timeout_ms, &dead)) {
        *unseen = dead && atomic_load(&ch->taken) != c->number;
        return 0;
    }
    len = atomic_load_explicit(&ch->answered_len, memory_order_relaxed);
    if (len > TSR_WIRE_MAX)
        return 0;
    memcpy(reply, ch->reply, len);
    tsr_wipe(ch->reply, len);
    tsr_wipe(ch->request, atomic_load_explicit(&ch->asked_len, memory_order_relaxed));
    return len;
}
