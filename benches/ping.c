/* SPDX-License-Identifier: Apache-2.0 */
#include "benches/ping.h"

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#define BYTES 64
#define END   UINT32_MAX

typedef struct {
    _Atomic uint32_t asked;
    uint8_t request[BYTES];
    uint8_t gap[60];
    _Atomic uint32_t answered;
    uint8_t reply[BYTES];
} memory;

static struct {
    memory *shared; /* NULL: the socket */
    int fd;
    pid_t child;
    uint32_t number;
    uint8_t message[BYTES];
} here = { .fd = -1 };

static void await(_Atomic uint32_t *word, uint32_t old)
{
    while (atomic_load(word) == old)
        (void)syscall(SYS_futex, word, FUTEX_WAIT, old, NULL, NULL, 0);
}

static void wake(_Atomic uint32_t *word)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void echo_shared(memory *m)
{
    for (uint32_t seen = 0;;) {
        await(&m->asked, seen);
        seen = atomic_load(&m->asked);
        if (seen == END)
            return;
        memcpy(m->reply, m->request, BYTES);
        atomic_store(&m->answered, seen);
        wake(&m->answered);
    }
}

static void echo_socket(int fd)
{
    uint8_t message[BYTES];

    while (recv(fd, message, BYTES, 0) == BYTES)
        (void)send(fd, message, BYTES, MSG_NOSIGNAL);
}

bool ping_start(bool shared)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0)
        return false;
    if (shared) {
        here.shared =
            mmap(NULL, sizeof(memory), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (here.shared == MAP_FAILED)
            return false;
    }
    here.child = fork();
    if (here.child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)close(ends[0]);
        if (shared)
            echo_shared(here.shared);
        else
            echo_socket(ends[1]);
        _exit(0);
    }
    (void)close(ends[1]);
    here.fd = ends[0];
    return here.child > 0;
}

bool ping(void)
{
    memory *m = here.shared;

    if (m == NULL)
        return send(here.fd, here.message, BYTES, MSG_NOSIGNAL) == BYTES &&
               recv(here.fd, here.message, BYTES, 0) == BYTES;
    memcpy(m->request, here.message, BYTES);
    atomic_store(&m->asked, here.number + 1);
    wake(&m->asked);
    await(&m->answered, here.number++);
    memcpy(here.message, m->reply, BYTES);
    return true;
}

pid_t ping_other(void) { return here.child; }

void ping_stop(void)
{
    if (here.child <= 0)
        return;
    (void)close(here.fd);
    if (here.shared != NULL) {
        atomic_store(&here.shared->asked, END);
        wake(&here.shared->asked);
        (void)munmap(here.shared, sizeof(memory));
    }
    (void)waitpid(here.child, NULL, 0);
    here.child = 0;
}
