/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/gate/service.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* epoll's marks; others are table indices */
#define LISTENER  UINT32_MAX
#define FOREIGN   (UINT32_MAX - 1)
#define PER_ROUND 64

static void tell(tsr_gate_service *g, tsr_gate_happening what, psa_status_t status,
                 const tsr_gate_connection *c)
{
    tsr_gate_event event = { what, status, c->caller.client, c->uid, c->pid };

    if (g->event != NULL)
        g->event(g->event_self, &event);
}

/* A socket file left by an earlier life may go; one that answers, or any other file, may not. */
static tsr_err clear_path(const struct sockaddr_un *address)
{
    struct stat st;
    int fd, answers;

    if (lstat(address->sun_path, &st) != 0)
        return errno == ENOENT ? TSR_OK : TSR_E_IO;
    if (!S_ISSOCK(st.st_mode))
        return TSR_E_EXISTS;
    fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return TSR_E_IO;
    answers = connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 ||
              errno != ECONNREFUSED;
    (void)close(fd);
    if (answers)
        return TSR_E_EXISTS;
    return unlink(address->sun_path) == 0 ? TSR_OK : TSR_E_IO;
}

static tsr_err watch(tsr_gate_service *g, int fd, uint32_t mark)
{
    struct epoll_event e = { .events = EPOLLIN, .data.u32 = mark };

    return epoll_ctl(g->epoll_fd, EPOLL_CTL_ADD, fd, &e) == 0 ? TSR_OK : TSR_E_IO;
}

tsr_err tsr_gate_listen(tsr_gate_service *g, const char *path, mode_t mode)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    size_t len = strlen(path);
    tsr_err err;

    g->listen_fd = g->epoll_fd = -1;
    for (size_t i = 0; i < TSR_GATE_CONNECTIONS; i++)
        g->connection[i].fd = -1;
    if (len == 0 || len >= sizeof address.sun_path)
        return TSR_E_ARGUMENT;
    memcpy(address.sun_path, path, len);
    err = clear_path(&address);
    if (err != TSR_OK)
        return err;

    g->listen_fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    g->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (g->listen_fd < 0 || g->epoll_fd < 0)
        return TSR_E_IO;

    mode_t before = umask(0777); /* nobody gets in before the permissions are as told */
    int bound = bind(g->listen_fd, (const struct sockaddr *)&address, sizeof address);

    (void)umask(before);
    if (bound != 0 || chmod(path, mode) != 0 || listen(g->listen_fd, 64) != 0)
        return TSR_E_IO;
    return watch(g, g->listen_fd, LISTENER);
}

tsr_err tsr_gate_also(tsr_gate_service *g, int fd) { return watch(g, fd, FOREIGN); }

size_t tsr_gate_connected(const tsr_gate_service *g)
{
    size_t n = 0;

    for (size_t i = 0; i < TSR_GATE_CONNECTIONS; i++)
        n += g->connection[i].fd >= 0;
    return n;
}

static void close_connection(tsr_gate_service *g, tsr_gate_connection *c, tsr_gate_happening why)
{
    tsr_spm_gone(g->spm, c->caller.connection);
    (void)close(c->fd);
    c->fd = -1;
    tell(g, why, PSA_SUCCESS, c);
}

static bool transmit(int fd, const tsr_buf *frame)
{
    ssize_t n = send(fd, frame->ptr, frame->len, MSG_NOSIGNAL | MSG_DONTWAIT);

    return n == (ssize_t)frame->len;
}

static bool send_hello(int fd, psa_status_t status, int32_t client)
{
    uint8_t memory[TSR_WIRE_HELLO];
    tsr_buf out = tsr_buf_over(memory, sizeof memory);
    tsr_wire_hello hello = { status, client, TSR_WIRE_MAX };

    tsr_wire_hello_write(&out, &hello);
    return transmit(fd, &out);
}

/* Who it is, by the kernel's word; and whether there is room for one more of them. */
static psa_status_t admit(const tsr_gate_service *g, tsr_gate_connection *c)
{
    struct ucred who;
    socklen_t len = sizeof who;
    size_t theirs = 0;

    if (getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
        return PSA_ERROR_CONNECTION_REFUSED;
    c->uid = who.uid;
    c->pid = who.pid;
    if (tsr_spm_client_of(g->clients, who.uid, &c->caller.client) != TSR_OK)
        return PSA_ERROR_CONNECTION_REFUSED;
    for (size_t i = 0; i < TSR_GATE_CONNECTIONS; i++)
        theirs += g->connection[i].fd >= 0 && g->connection[i].uid == who.uid;
    return theirs < g->connections_each ? PSA_SUCCESS : PSA_ERROR_CONNECTION_BUSY;
}

static void accept_one(tsr_gate_service *g, int fd)
{
    tsr_gate_connection c = { .fd = fd };
    psa_status_t status = admit(g, &c);
    size_t at = 0;

    while (at < TSR_GATE_CONNECTIONS && g->connection[at].fd >= 0)
        at++;
    if (status == PSA_SUCCESS && at == TSR_GATE_CONNECTIONS)
        status = PSA_ERROR_CONNECTION_BUSY;
    if (status == PSA_SUCCESS && watch(g, fd, (uint32_t)at) != TSR_OK)
        status = PSA_ERROR_CONNECTION_BUSY;
    if (!send_hello(fd, status, c.caller.client) || status != PSA_SUCCESS) {
        (void)close(fd);
        g->refused++;
        tell(g, TSR_GATE_REFUSED, status, &c);
        return;
    }
    g->next_number = g->next_number == UINT32_MAX ? 1 : g->next_number + 1;
    c.caller.connection = g->next_number;
    g->connection[at] = c;
    tell(g, TSR_GATE_CONNECTED, PSA_SUCCESS, &c);
}

static void accept_all(tsr_gate_service *g)
{
    for (int i = 0; i < PER_ROUND; i++) {
        int fd = accept4(g->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd < 0)
            return;
        accept_one(g, fd);
    }
}

static void answer(tsr_gate_service *g, tsr_gate_connection *c)
{
    ssize_t n = recv(c->fd, g->request, sizeof g->request, MSG_DONTWAIT);
    tsr_buf reply = tsr_buf_over(g->reply, sizeof g->reply);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        close_connection(g, c, TSR_GATE_CLOSED);
        return;
    }

    /* One byte more than a frame may have means that it had too many. */
    tsr_err err = tsr_spm_frame(g->spm, c->caller, tsr_view(g->request, (size_t)n), &reply);
    bool sent = transmit(c->fd, &reply);

    tsr_wipe(g->request, (size_t)n);
    tsr_wipe(g->reply, reply.len);
    g->calls++;
    if (err != TSR_OK)
        g->malformed++;
    if (err != TSR_OK || !sent)
        close_connection(g, c, err != TSR_OK ? TSR_GATE_MALFORMED : TSR_GATE_DEAF);
}

bool tsr_gate_serve(tsr_gate_service *g)
{
    struct epoll_event ready[PER_ROUND];
    int n = epoll_wait(g->epoll_fd, ready, PER_ROUND, -1);
    bool foreign = false;

    for (int i = 0; i < n; i++) {
        uint32_t mark = ready[i].data.u32;

        if (mark == LISTENER)
            accept_all(g);
        else if (mark == FOREIGN)
            foreign = true;
        else if (g->connection[mark].fd >= 0)
            answer(g, &g->connection[mark]);
    }
    return foreign;
}

void tsr_gate_shut(tsr_gate_service *g)
{
    for (size_t i = 0; i < TSR_GATE_CONNECTIONS; i++)
        if (g->connection[i].fd >= 0)
            close_connection(g, &g->connection[i], TSR_GATE_CLOSED);
    if (g->listen_fd >= 0)
        (void)close(g->listen_fd);
    if (g->epoll_fd >= 0)
        (void)close(g->epoll_fd);
    g->listen_fd = g->epoll_fd = -1;
}
