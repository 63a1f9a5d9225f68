/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <linux/futex.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ports/linux/gate/channel.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008u
#endif

/* Sealed: its length stays, so that no access of ours can fault. */
static int make_memory(void)
{
    int fd = memfd_create("tessera", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

    if (fd < 0) /* before Linux 6.3 */
        fd = memfd_create("tessera", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0 && ftruncate(fd, sizeof(tsr_channel)) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0)
        return fd;
    if (fd >= 0)
        (void)close(fd);
    return -1;
}

static bool send_descriptors(int to, int memory, int event)
{
    uint8_t bytes[TSR_WIRE_HEAD];
    tsr_buf reply = tsr_buf_over(bytes, sizeof bytes);
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(2 * sizeof(int))];
    } control = { .room = { 0 } };
    struct iovec iov = { bytes, 0 };
    struct msghdr msg = { .msg_iov = &iov,
                          .msg_iovlen = 1,
                          .msg_control = &control,
                          .msg_controllen = sizeof control.room };
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    const int fds[2] = { memory, event };

    tsr_wire_reply_status(&reply, 0, PSA_SUCCESS);
    iov.iov_len = reply.len;
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof fds);
    memcpy(CMSG_DATA(c), fds, sizeof fds);
    return sendmsg(to, &msg, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)reply.len;
}

tsr_err tsr_channel_offer(int fd, tsr_channel **channel, int *event_fd)
{
    int memory = make_memory();
    int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    void *at = MAP_FAILED;
    tsr_err err = TSR_E_SPACE;

    if (memory >= 0 && event >= 0)
        at = mmap(NULL, sizeof(tsr_channel), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    if (at != MAP_FAILED)
        err = send_descriptors(fd, memory, event) ? TSR_OK : TSR_E_IO;
    if (memory >= 0)
        (void)close(memory);
    if (err == TSR_OK) {
        *channel = at;
        *event_fd = event;
        return TSR_OK;
    }
    if (at != MAP_FAILED)
        (void)munmap(at, sizeof(tsr_channel));
    if (event >= 0)
        (void)close(event);
    return err;
}

bool tsr_channel_asked(const tsr_channel *channel, uint32_t number)
{
    return atomic_load(&channel->asked) != number;
}

bool tsr_channel_asked_apart(const tsr_channel *channel)
{
    return tsr_channel_apart(atomic_load_explicit(&channel->asked_on, memory_order_relaxed));
}

tsr_err tsr_channel_take(tsr_channel *channel, uint32_t *number, uint8_t *request, size_t *len)
{
    uint32_t asked = atomic_load_explicit(&channel->asked, memory_order_acquire);
    uint32_t length = atomic_load_explicit(&channel->asked_len, memory_order_relaxed);

    if (asked == *number)
        return TSR_END;
    *number = asked;
    atomic_store_explicit(&channel->taken, asked, memory_order_relaxed);
    if (length > TSR_WIRE_MAX)
        return TSR_E_MALFORMED;
    memcpy(request, channel->request, length); /* the only read; what is checked is the copy */
    *len = length;
    return TSR_OK;
}

void tsr_channel_watch(tsr_channel *channel, bool on)
{
    atomic_store(&channel->watching, on ? 1u : 0u);
}

static void wake(tsr_channel *channel)
{
    (void)syscall(SYS_futex, &channel->answered, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void tsr_channel_answer(tsr_channel *channel, uint32_t number, tsr_bytes reply)
{
    memcpy(channel->reply, reply.ptr, reply.len);
    atomic_store_explicit(&channel->answered_len, (uint32_t)reply.len, memory_order_relaxed);
    atomic_store_explicit(&channel->answered_on, tsr_channel_core(), memory_order_relaxed);
    /* Either we see that it sleeps, or it sees the answer: both sides store, then load, in one
     * total order. */
    atomic_store(&channel->answered, number);
    if (atomic_load(&channel->sleeping) != 0)
        wake(channel);
}

void tsr_channel_drop(tsr_channel *channel, int event_fd)
{
    wake(channel);
    (void)munmap(channel, sizeof *channel);
    (void)close(event_fd);
}
