/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/gate/gate.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "ports/linux/gate/channel.h"
#include "psa/client/state.h"
#include "psa/wire/frame.h"

#define SMALL 512u /* bytes of a request that are sooner copied than gathered by the kernel */

/* PSA calls carry no context: this is the one gate of the process (psa/client/gate.h). */
static struct {
    pthread_mutex_t state_lock; /* psa/client's tables */
    pthread_mutex_t wire_lock;  /* everything below */
    struct tsr_psa_client client;
    struct sockaddr_un address; /* sun_path empty: not chosen yet */
    int fd;
    tsr_channel_client shared; /* channel NULL: calls go over the socket */
    enum { UNTOLD, SOCKET, SHARED } way;
    uint32_t timeout_ms;
    atomic_ullong crossings;
    atomic_uint generation;
    uint8_t reply[TSR_WIRE_MAX];
} gate = {
    .state_lock = PTHREAD_MUTEX_INITIALIZER,
    .wire_lock = PTHREAD_MUTEX_INITIALIZER,
    .fd = -1,
    .timeout_ms = 30000,
};

static pthread_once_t fork_once = PTHREAD_ONCE_INIT;

/* Whatever the service held for this connection is gone once it is closed. */
static void hang_up(void)
{
    tsr_channel_leave(&gate.shared);
    if (gate.fd >= 0)
        (void)close(gate.fd);
    gate.fd = -1;
    atomic_fetch_add(&gate.generation, 1);
}

static void before_fork(void)
{
    (void)pthread_mutex_lock(&gate.state_lock);
    (void)pthread_mutex_lock(&gate.wire_lock);
}

static void after_fork_in_parent(void)
{
    (void)pthread_mutex_unlock(&gate.wire_lock);
    (void)pthread_mutex_unlock(&gate.state_lock);
}

/* The child must neither share the connection nor hand out the random bytes drawn by its parent. */
static void after_fork_in_child(void)
{
    hang_up();
    after_fork_in_parent();
}

static void watch_forks(void)
{
    (void)pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

struct tsr_psa_client *tsr_gate_enter(void)
{
    (void)pthread_once(&fork_once, watch_forks);
    (void)pthread_mutex_lock(&gate.state_lock);
    return &gate.client;
}

void tsr_gate_leave(struct tsr_psa_client *client)
{
    (void)client;
    (void)pthread_mutex_unlock(&gate.state_lock);
}

uint64_t tsr_gate_crossings(void) { return atomic_load(&gate.crossings); }

uint32_t tsr_gate_generation(void)
{
    return atomic_load(&gate.generation) + 1u; /* never 0: zeroed tables belong to no generation */
}

static psa_status_t choose_path(const char *path)
{
    size_t len = strlen(path);

    if (len == 0 || len >= sizeof gate.address.sun_path)
        return PSA_ERROR_INVALID_ARGUMENT;
    gate.address.sun_family = AF_UNIX;
    memset(gate.address.sun_path, 0, sizeof gate.address.sun_path);
    memcpy(gate.address.sun_path, path, len);
    return PSA_SUCCESS;
}

psa_status_t tsr_gate_socket(const char *path)
{
    (void)pthread_mutex_lock(&gate.wire_lock);

    psa_status_t status = choose_path(path);

    (void)pthread_mutex_unlock(&gate.wire_lock);
    return status;
}

void tsr_gate_close(void)
{
    (void)pthread_mutex_lock(&gate.wire_lock);
    hang_up();
    (void)pthread_mutex_unlock(&gate.wire_lock);
}

void tsr_gate_use(tsr_gate_way way)
{
    (void)pthread_mutex_lock(&gate.wire_lock);
    gate.way = way == TSR_GATE_SHARED ? SHARED : SOCKET;
    (void)pthread_mutex_unlock(&gate.wire_lock);
}

tsr_gate_way tsr_gate_used(void)
{
    (void)pthread_mutex_lock(&gate.wire_lock);

    tsr_gate_way way = gate.shared.channel != NULL ? TSR_GATE_SHARED : TSR_GATE_SOCKET;

    (void)pthread_mutex_unlock(&gate.wire_lock);
    return way;
}

void tsr_gate_timeout_ms(uint32_t timeout_ms)
{
    (void)pthread_mutex_lock(&gate.wire_lock);
    gate.timeout_ms = timeout_ms > 0 ? timeout_ms : 1; /* 0 would be for ever */
    (void)pthread_mutex_unlock(&gate.wire_lock);
}

static int64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* One datagram into gate.reply, or a length of 0: closed, failed, or too late (SO_RCVTIMEO). */
static size_t receive(void)
{
    int64_t begun = 0;

    for (;;) {
        ssize_t n = recv(gate.fd, gate.reply, sizeof gate.reply, 0);

        if (n >= 0)
            return (size_t)n;
        if (errno != EINTR)
            return 0;
        /* A signal handler ran: wait on, but not for ever. */
        if (begun == 0)
            begun = now_ms();
        if (now_ms() - begun > gate.timeout_ms)
            return 0;
    }
}

static psa_status_t greet(void)
{
    tsr_wire_hello hello;

    if (tsr_wire_hello_read(tsr_view(gate.reply, receive()), &hello) != TSR_OK)
        return PSA_ERROR_COMMUNICATION_FAILURE;
    if (hello.status != PSA_SUCCESS)
        return hello.status;
    return hello.frame_max >= TSR_WIRE_MAX ? PSA_SUCCESS : PSA_ERROR_NOT_SUPPORTED;
}

static bool wants_shared(void)
{
    const char *told = gate.way == UNTOLD ? secure_getenv("TESSERA_GATE") : NULL;

    return gate.way == SHARED || (told != NULL && strcmp(told, "shm") == 0);
}

static psa_status_t call_up(void)
{
    const char *named;
    struct timeval limit = { gate.timeout_ms / 1000, (gate.timeout_ms % 1000) * 1000 };
    psa_status_t status = PSA_SUCCESS;

    if (gate.fd >= 0)
        return PSA_SUCCESS;
    named = secure_getenv("TESSERA_SECURED_SOCKET");
    if (gate.address.sun_path[0] == 0)
        status = choose_path(named != NULL ? named : TSR_GATE_SOCKET_DEFAULT);
    if (status != PSA_SUCCESS)
        return status;
    gate.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (gate.fd < 0)
        return PSA_ERROR_COMMUNICATION_FAILURE;
    (void)setsockopt(gate.fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    (void)setsockopt(gate.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (connect(gate.fd, (const struct sockaddr *)&gate.address, sizeof gate.address) == 0)
        status = greet();
    else
        status = errno == EACCES || errno == EPERM ? PSA_ERROR_CONNECTION_REFUSED
                                                   : PSA_ERROR_COMMUNICATION_FAILURE;
    if (status == PSA_SUCCESS && wants_shared()) {
        status = tsr_channel_request(&gate.shared, gate.fd);
        if (status == PSA_ERROR_NOT_SUPPORTED)
            status = PSA_SUCCESS; /* the socket does the same */
    }
    if (status != PSA_SUCCESS)
        hang_up();
    return status;
}

/* Head and inputs copied together, where the reply will be; most requests are small, and the
 * kernel takes one piece with less ado than three. */
static bool transmit_small(const tsr_buf *head, const psa_invec *in, size_t in_len)
{
    tsr_buf all = tsr_buf_over(gate.reply, sizeof gate.reply);
    ssize_t sent;

    tsr_put_bytes(&all, tsr_buf_view(head));
    for (size_t i = 0; i < in_len; i++)
        tsr_put_bytes(&all, tsr_view(in[i].base, in[i].len));
    do
        sent = send(gate.fd, all.ptr, all.len, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    tsr_wipe(all.ptr, all.len);
    return sent >= 0;
}

/* Head and inputs leave as one datagram without being copied together. */
static bool transmit_large(const tsr_buf *head, const psa_invec *in, size_t in_len)
{
    struct iovec iov[1 + PSA_MAX_IOVEC];
    struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 1 + in_len };
    ssize_t sent;

    iov[0] = (struct iovec){ head->ptr, head->len };
    for (size_t i = 0; i < in_len; i++)
        iov[1 + i] = (struct iovec){ (void *)(uintptr_t)in[i].base, in[i].len };
    do
        sent = sendmsg(gate.fd, &msg, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent >= 0;
}

static bool transmit(const tsr_buf *head, const psa_invec *in, size_t in_len)
{
    size_t sum = head->len;

    for (size_t i = 0; i < in_len; i++)
        sum += in[i].len;
    return sum <= SMALL ? transmit_small(head, in, in_len) : transmit_large(head, in, in_len);
}

/* One request and its reply in gate.reply; a length of 0: none came. *unseen: the service did not
 * see the request either. */
static size_t exchange(const tsr_buf *head, const psa_invec *in, size_t in_len, bool *unseen)
{
    if (gate.shared.channel != NULL) {
        tsr_channel_ask(&gate.shared, tsr_view(head->ptr, head->len), in, in_len);
        return tsr_channel_await(&gate.shared, gate.fd, gate.timeout_ms, gate.reply, unseen);
    }
    *unseen = !transmit(head, in, in_len);
    return *unseen ? 0 : receive();
}

/* A service that went away since the last call is found out before it saw the request: so one
 * more try on a new connection repeats nothing. */
static psa_status_t cross(const tsr_buf *head, const psa_invec *in, size_t in_len, size_t *len)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        psa_status_t status = call_up();
        bool unseen = false;

        if (status != PSA_SUCCESS)
            return status;
        *len = exchange(head, in, in_len, &unseen);
        if (!unseen) {
            atomic_fetch_add(&gate.crossings, 1);
            return PSA_SUCCESS;
        }
        hang_up();
    }
    return PSA_ERROR_COMMUNICATION_FAILURE;
}

static psa_status_t take_reply(size_t len, psa_outvec *out, size_t out_len)
{
    tsr_bytes got[PSA_MAX_IOVEC];
    psa_status_t status;

    if (tsr_wire_reply_read(tsr_view(gate.reply, len), out_len, &status, got) != TSR_OK) {
        hang_up();
        return PSA_ERROR_COMMUNICATION_FAILURE;
    }
    for (size_t i = 0; i < out_len; i++) {
        if (got[i].len > out[i].len) {
            hang_up();
            status = PSA_ERROR_COMMUNICATION_FAILURE;
            break;
        }
        if (got[i].len > 0)
            memcpy(out[i].base, got[i].ptr, got[i].len);
        out[i].len = got[i].len;
    }
    tsr_wipe(gate.reply, len);
    return status;
}

static bool fits(const psa_invec *in, size_t in_len, const psa_outvec *out, size_t out_len)
{
    size_t sum = TSR_WIRE_HEAD;

    for (size_t i = 0; i < in_len; i++) {
        if (in[i].len > TSR_WIRE_MAX)
            return false;
        sum += in[i].len;
    }
    if (sum > TSR_WIRE_MAX)
        return false;
    sum = TSR_WIRE_HEAD;
    for (size_t i = 0; i < out_len; i++) {
        if (out[i].len > TSR_WIRE_MAX)
            return false;
        sum += out[i].len;
    }
    return sum <= TSR_WIRE_MAX;
}

psa_status_t psa_call(psa_handle_t handle, int32_t type, const psa_invec *in_vec, size_t in_len,
                      psa_outvec *out_vec, size_t out_len)
{
    uint8_t memory[TSR_WIRE_HEAD];
    tsr_buf head = tsr_buf_over(memory, sizeof memory);

    if (in_len > PSA_MAX_IOVEC || out_len > PSA_MAX_IOVEC - in_len || type < PSA_CALL_TYPE_MIN ||
        type > PSA_CALL_TYPE_MAX || handle <= 0)
        return PSA_ERROR_PROGRAMMER_ERROR;
    if (!fits(in_vec, in_len, out_vec, out_len))
        return PSA_ERROR_INSUFFICIENT_MEMORY;
    tsr_wire_request_head(&head, handle, type, in_vec, in_len, out_vec, out_len);

    (void)pthread_once(&fork_once, watch_forks);
    (void)pthread_mutex_lock(&gate.wire_lock);

    size_t len = 0;
    psa_status_t status = cross(&head, in_vec, in_len, &len);

    if (status == PSA_SUCCESS)
        status = take_reply(len, out_vec, out_len);
    (void)pthread_mutex_unlock(&gate.wire_lock);
    return status;
}
