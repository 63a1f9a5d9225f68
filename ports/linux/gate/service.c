/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/gate/service.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* epoll's marks; others are table indices, plus CHANNEL for the bell of its shared memory, and
 * above them the connection's number: what happened to an earlier one in this place is past */
#define LISTENER UINT32_MAX
#define FOREIGN  (UINT32_MAX - 1)
#define CHANNEL  0x10000u

#define EVENTS          (2u * TSR_GATE_CONNECTIONS + 2u) /* in one round: all there can be */
#define ACCEPT_A_ROUND  8
#define LISTEN_AGAIN_US 100000u

/* A client on another core that asks again this soon is looked for without sleep, but nobody else
 * waits longer than one round and one call for that. */
#define NEAR_US  200u
#define ROUND_US 100u

_Static_assert((TSR_GATE_CONNECTIONS & (TSR_GATE_CONNECTIONS - 1u)) == 0, "marks are masked");

static uint64_t now_us(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

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

static tsr_err control(const tsr_gate_service *g, int operation, int fd, uint32_t events,
                       uint64_t mark)
{
    struct epoll_event e = { .events = events, .data.u64 = mark };

    return epoll_ctl(g->epoll_fd, operation, fd, &e) == 0 ? TSR_OK : TSR_E_IO;
}

static tsr_err watch(const tsr_gate_service *g, int fd, uint64_t mark)
{
    return control(g, EPOLL_CTL_ADD, fd, EPOLLIN, mark);
}

static uint64_t mark_of(const tsr_gate_connection *c, size_t place)
{
    return (uint64_t)c->caller.connection << 32 | place;
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

size_t tsr_gate_channels(const tsr_gate_service *g)
{
    size_t n = 0;

    for (size_t i = 0; i < TSR_GATE_CONNECTIONS; i++)
        n += g->connection[i].channel != NULL;
    return n;
}

/* It rings no more for what it asked: to be served when it is its client's turn. */
static void ring_kept(tsr_gate_service *g, tsr_gate_connection *c)
{
    g->rung += !c->rung;
    c->rung = true;
}

static void ring_heard(tsr_gate_service *g, tsr_gate_connection *c)
{
    g->rung -= c->rung;
    c->rung = false;
}

/* From now on it rings; what it asked until now it did not ring for. */
static void look_away(tsr_gate_service *g)
{
    tsr_gate_connection *c = g->near;

    g->near = NULL;
    if (c == NULL)
        return;
    tsr_channel_watch(c->channel, false);
    if (tsr_channel_asked(c->channel, c->answered))
        ring_kept(g, c);
}

static void look_at(tsr_gate_service *g, tsr_gate_connection *c)
{
    if (g->near == c)
        return;
    look_away(g);
    g->near = c;
    tsr_channel_watch(c->channel, true);
}

static void close_connection(tsr_gate_service *g, tsr_gate_connection *c, tsr_gate_happening why)
{
    if (g->near == c)
        g->near = NULL;
    tsr_spm_gone(g->spm, c->caller.connection);
    (void)close(c->fd);
    ring_heard(g, c);
    if (c->channel != NULL) {
        /* The client holds the bell too, so closing it here would not stop it from ringing. */
        (void)control(g, EPOLL_CTL_DEL, c->event_fd, 0, 0);
        tsr_channel_drop(c->channel, c->event_fd); /* after the socket, which the client looks at */
    }
    c->channel = NULL;
    c->fd = -1;
    c->meter->connections--;
    tell(g, why, PSA_SUCCESS, c);
}

/* A client over its rate: none of its connections that speaks up is watched until it has tokens
 * again. Their ends are seen all the same. */
static void watch_connection(tsr_gate_service *g, tsr_gate_connection *c, bool on)
{
    uint64_t at = mark_of(c, (size_t)(c - g->connection));

    if (g->near == c)
        look_away(g);
    (void)control(g, EPOLL_CTL_MOD, c->fd, on ? EPOLLIN : 0, at);
    if (c->channel != NULL)
        (void)control(g, EPOLL_CTL_MOD, c->event_fd, on ? EPOLLIN | EPOLLET : 0, at | CHANNEL);
    c->paused = !on;
    c->resumed = on;
}

static void pause_connection(tsr_gate_service *g, tsr_gate_connection *c)
{
    watch_connection(g, c, false);
    if (c->meter->waiting)
        return;
    c->meter->waiting = true;
    g->waiting++;
    g->delayed++;
    tell(g, TSR_GATE_DELAYED, PSA_SUCCESS, c);
}

static void resume(tsr_gate_service *g, tsr_meter *m)
{
    m->waiting = false;
    g->waiting--;
    for (size_t i = 0; i < TSR_GATE_CONNECTIONS; i++) {
        tsr_gate_connection *c = &g->connection[i];

        if (c->fd >= 0 && c->meter == m && c->paused)
            watch_connection(g, c, true);
    }
}

/* Once a round for each client, and as long as it has tokens. */
static bool its_turn(tsr_gate_service *g, tsr_gate_connection *c)
{
    tsr_meter *m = c->meter;

    if (m->round == g->round)
        return false;
    if (m->waiting || !tsr_meter_take(m, g->rate_each, g->rate_each > 0 ? now_us() : 0)) {
        pause_connection(g, c);
        return false;
    }
    m->round = g->round;
    return true;
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
    if (status == PSA_SUCCESS)
        c.meter =
            tsr_meter_join(g->meter, TSR_GATE_CONNECTIONS, c.caller.client, g->rate_each, now_us());
    g->next_number = g->next_number == UINT32_MAX ? 1 : g->next_number + 1;
    c.caller.connection = g->next_number;
    if (status == PSA_SUCCESS && (c.meter == NULL || watch(g, fd, mark_of(&c, at)) != TSR_OK))
        status = PSA_ERROR_CONNECTION_BUSY;
    if (!send_hello(fd, status, c.caller.client) || status != PSA_SUCCESS) {
        (void)close(fd);
        g->refused++;
        tell(g, TSR_GATE_REFUSED, status, &c);
        return;
    }
    c.meter->connections++;
    g->connection[at] = c;
    tell(g, TSR_GATE_CONNECTED, PSA_SUCCESS, &c);
}

static void accept_some(tsr_gate_service *g)
{
    for (int i = 0; i < ACCEPT_A_ROUND; i++) {
        int fd = accept4(g->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (fd >= 0) {
            accept_one(g, fd);
            continue;
        }
        /* Out of descriptors or memory: the socket stays readable, so look away for a moment. */
        if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) {
            (void)control(g, EPOLL_CTL_MOD, g->listen_fd, 0, LISTENER);
            g->listen_again_us = now_us() + LISTEN_AGAIN_US;
        }
        return;
    }
}

/* What a request to the gate itself is answered; the reply is in g->reply unless it left with the
 * descriptors. */
static tsr_err share(tsr_gate_service *g, tsr_gate_connection *c, tsr_bytes frame, tsr_buf *reply)
{
    uint64_t mark = mark_of(c, (size_t)(c - g->connection)) | CHANNEL;
    tsr_wire_request req;
    tsr_err err;

    if (tsr_wire_request_read(frame, &req) != TSR_OK) {
        tsr_wire_reply_status(reply, 0, PSA_ERROR_PROGRAMMER_ERROR);
        return TSR_E_MALFORMED;
    }
    if (req.type != TSR_GATE_SHARE || req.in_len + req.out_len != 0 || c->channel != NULL) {
        tsr_wire_reply_status(reply, req.out_len, PSA_ERROR_PROGRAMMER_ERROR);
        return TSR_OK;
    }
    err = tsr_channel_offer(c->fd, &c->channel, &c->event_fd);
    if (err == TSR_E_SPACE)
        tsr_wire_reply_status(reply, 0, PSA_ERROR_INSUFFICIENT_MEMORY);
    else if (err == TSR_OK)
        err = control(g, EPOLL_CTL_ADD, c->event_fd, EPOLLIN | EPOLLET, mark);
    return err == TSR_E_SPACE ? TSR_OK : err;
}

static bool to_the_gate(const uint8_t *frame, size_t len)
{
    return len >= 8 && (frame[4] | frame[5] | frame[6] | frame[7]) == 0; /* handle 0 */
}

/* The request in g->request is answered in g->reply. */
static tsr_err answer(tsr_gate_service *g, tsr_gate_connection *c, size_t len, bool by_socket,
                      tsr_buf *reply)
{
    tsr_bytes frame = tsr_view(g->request, len);
    tsr_err err;

    *reply = tsr_buf_over(g->reply, sizeof g->reply);
    if (by_socket && to_the_gate(g->request, len))
        err = share(g, c, frame, reply);
    else
        err = tsr_spm_frame(g->spm, c->caller, frame, reply);
    tsr_wipe(g->request, len);
    g->calls++;
    g->malformed += err == TSR_E_MALFORMED;
    return err;
}

static void answer_socket(tsr_gate_service *g, tsr_gate_connection *c)
{
    ssize_t n = recv(c->fd, g->request, sizeof g->request, MSG_DONTWAIT);
    tsr_buf reply;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        close_connection(g, c, TSR_GATE_CLOSED);
        return;
    }

    /* One byte more than a frame may have means that it had too many. */
    tsr_err err = answer(g, c, (size_t)n, true, &reply);
    bool sent = err != TSR_E_IO && (reply.len == 0 || transmit(c->fd, &reply));

    tsr_wipe(g->reply, reply.len);
    if (err != TSR_OK || !sent)
        close_connection(g, c, err == TSR_E_MALFORMED ? TSR_GATE_MALFORMED : TSR_GATE_DEAF);
}

/* Before the answer, so that the client does not ring for its next request. */
static void expect_next(tsr_gate_service *g, tsr_gate_connection *c)
{
    uint64_t now = now_us(), last = c->answered_us;

    c->answered_us = now;
    if (now - last < NEAR_US && tsr_channel_asked_apart(c->channel))
        look_at(g, c);
    else if (g->near == c)
        look_away(g);
}

static void answer_channel(tsr_gate_service *g, tsr_gate_connection *c)
{
    size_t len = 0;
    tsr_buf reply;
    tsr_err err = tsr_channel_take(c->channel, &c->answered, g->request, &len);

    if (err == TSR_END)
        return;
    if (err == TSR_OK)
        err = answer(g, c, len, false, &reply);
    else
        err = answer(g, c, 0, false, &reply); /* an empty frame is malformed too, and is counted */
    if (err == TSR_OK)
        expect_next(g, c);
    tsr_channel_answer(c->channel, c->answered, tsr_view(reply.ptr, reply.len));
    tsr_wipe(g->reply, reply.len);
    if (err != TSR_OK)
        close_connection(g, c, TSR_GATE_MALFORMED);
}

static void serve_channel(tsr_gate_service *g, tsr_gate_connection *c)
{
    if (its_turn(g, c))
        answer_channel(g, c);
    else
        ring_kept(g, c);
}

static void serve_event(tsr_gate_service *g, uint64_t mark, uint32_t events)
{
    tsr_gate_connection *c = &g->connection[mark & (TSR_GATE_CONNECTIONS - 1u)];

    if (c->fd < 0 || c->caller.connection != (uint32_t)(mark >> 32))
        return;
    if ((mark & CHANNEL) != 0) {
        if (c->channel == NULL || c->rung)
            return;
        if (c->resumed && !tsr_channel_asked(c->channel, c->answered)) {
            c->resumed = false; /* our doing, so no token is taken for it */
            return;
        }
        serve_channel(g, c);
    } else if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
        close_connection(g, c, TSR_GATE_CLOSED); /* nobody is there to take an answer */
    } else if (!c->paused && its_turn(g, c)) {
        answer_socket(g, c);
    }
}

static void serve_rung(tsr_gate_service *g)
{
    for (size_t i = 0; i < TSR_GATE_CONNECTIONS && g->rung > 0; i++) {
        /* begin elsewhere in every round, so that no place in the table is a better one */
        tsr_gate_connection *c = &g->connection[(g->round + i) % TSR_GATE_CONNECTIONS];

        if (c->fd >= 0 && c->rung && !c->paused && its_turn(g, c)) {
            ring_heard(g, c);
            answer_channel(g, c);
        }
    }
}

static bool rung_unpaused(const tsr_gate_service *g)
{
    for (size_t i = 0; g->rung > 0 && i < TSR_GATE_CONNECTIONS; i++)
        if (g->connection[i].fd >= 0 && g->connection[i].rung && !g->connection[i].paused)
            return true;
    return false;
}

/* How long nothing is to be done unless something happens. */
static int wait_ms(const tsr_gate_service *g)
{
    uint64_t due = g->listen_again_us > 0 ? g->listen_again_us : UINT64_MAX, now;

    if (rung_unpaused(g))
        return 0;
    for (size_t i = 0; g->waiting > 0 && i < TSR_GATE_CONNECTIONS; i++)
        if (g->meter[i].waiting && g->meter[i].due_us < due)
            due = g->meter[i].due_us;
    if (due == UINT64_MAX)
        return -1;
    now = now_us();
    return due <= now ? 0 : (int)((due - now) / 1000u + 1u);
}

static void wake_the_due(tsr_gate_service *g)
{
    uint64_t now = now_us();

    for (size_t i = 0; i < TSR_GATE_CONNECTIONS; i++)
        if (g->meter[i].waiting && g->meter[i].due_us <= now)
            resume(g, &g->meter[i]);
    if (g->listen_again_us > 0 && g->listen_again_us <= now) {
        g->listen_again_us = 0;
        (void)control(g, EPOLL_CTL_MOD, g->listen_fd, EPOLLIN, LISTENER);
    }
}

/* Whether the next request of the client that we look for came before it was everyone's turn. */
static bool serve_near(tsr_gate_service *g)
{
    tsr_gate_connection *c = g->near;

    if (c->answered_us >= g->near_until_us)
        return false;
    if (g->rung > 0 || g->waiting > 0 || g->listen_again_us > 0 ||
        !tsr_channel_look(&c->channel->asked, c->answered)) {
        look_away(g);
        return false;
    }
    g->round++;
    serve_channel(g, c);
    return true;
}

bool tsr_gate_serve(tsr_gate_service *g)
{
    struct epoll_event ready[EVENTS];
    bool foreign = false;

    if (g->near != NULL && serve_near(g))
        return false;

    int n = epoll_wait(g->epoll_fd, ready, EVENTS, g->near != NULL ? 0 : wait_ms(g));

    g->round++;
    if (g->waiting > 0 || g->listen_again_us > 0)
        wake_the_due(g);
    if (g->rung > 0)
        serve_rung(g);
    for (int i = 0; i < n; i++) {
        uint64_t mark = ready[i].data.u64;

        if (mark == LISTENER)
            accept_some(g);
        else if (mark == FOREIGN)
            foreign = true;
        else
            serve_event(g, mark, ready[i].events);
    }
    if (g->near != NULL)
        g->near_until_us = now_us() + ROUND_US;
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
