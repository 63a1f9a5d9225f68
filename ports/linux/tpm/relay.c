/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/tpm/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <tss2/tss2_tctildr.h>
#include <unistd.h>

#define HEAD 5u /* of an answer: sequence, outcome */

typedef struct {
    uint32_t sequence;
    uint8_t bytes[TSR_TPM_FRAME_MAX];
} frame;

/* ---- the relay's own process ---- */

static tsr_tpm_outcome ask(TSS2_TCTI_CONTEXT **tcti, const char *conf, const frame *f, size_t len,
                           uint8_t *answer, size_t *answer_len)
{
    if (*tcti == NULL && Tss2_TctiLdr_Initialize(conf, tcti) != TSS2_RC_SUCCESS) {
        *tcti = NULL;
        return TSR_TPM_UNREACHABLE;
    }
    *answer_len = TSR_TPM_FRAME_MAX;
    if (Tss2_Tcti_Transmit(*tcti, len, f->bytes) == TSS2_RC_SUCCESS &&
        Tss2_Tcti_Receive(*tcti, answer_len, answer, TSS2_TCTI_TIMEOUT_BLOCK) == TSS2_RC_SUCCESS)
        return TSR_TPM_ANSWERED;
    Tss2_TctiLdr_Finalize(tcti);
    *tcti = NULL;
    return TSR_TPM_LOST;
}

/* Nothing of the service stays open here, and no signal but SIGKILL ends it before the service. */
static void settle_in(int fd, pid_t parent)
{
    sigset_t none;

    (void)sigemptyset(&none);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGINT, SIG_IGN);
    (void)signal(SIGTERM, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    (void)prctl(PR_SET_NAME, "tessera-tpm", 0, 0, 0);
    if (getppid() != parent) /* it died before we asked for its death to be ours */
        _exit(0);
    if (fd != 3)
        (void)dup2(fd, 3);
    (void)fcntl(3, F_SETFD, FD_CLOEXEC);
    (void)syscall(SYS_close_range, 4u, ~0u, 0u);
}

static void serve(const char *conf)
{
    static frame in;
    static uint8_t out[HEAD + TSR_TPM_FRAME_MAX];
    TSS2_TCTI_CONTEXT *tcti = NULL;
    ssize_t n;

    while ((n = recv(3, &in, sizeof in, 0)) > 0 || (n < 0 && errno == EINTR)) {
        size_t len = 0;

        if (n < (ssize_t)sizeof in.sequence)
            continue;
        memcpy(out, &in.sequence, sizeof in.sequence);
        out[4] = (uint8_t)ask(&tcti, conf, &in, (size_t)n - sizeof in.sequence, out + HEAD, &len);
        if (out[4] != TSR_TPM_ANSWERED)
            len = 0;
        (void)send(3, out, HEAD + len, MSG_NOSIGNAL);
        tsr_wipe(&in, sizeof in);
        tsr_wipe(out, sizeof out);
    }
    if (tcti != NULL)
        Tss2_TctiLdr_Finalize(&tcti);
}

/* ---- the service's end ---- */

static tsr_err give_timeout(int fd, unsigned timeout_ms)
{
    struct timeval t = { timeout_ms / 1000, (suseconds_t)(timeout_ms % 1000) * 1000 };

    return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t) == 0 ? TSR_OK : TSR_E_IO;
}

tsr_err tsr_tpm_relay_open(tsr_tpm_relay *relay, const char *tcti, unsigned timeout_ms)
{
    struct sigaction forget = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT };
    pid_t parent = getpid(), pid;
    int pair[2];

    *relay = (tsr_tpm_relay){ .fd = -1 };
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
        return TSR_E_IO;
    /* the sandbox has no wait(): a relay that ended must leave nothing behind */
    (void)sigaction(SIGCHLD, &forget, NULL);
    pid = give_timeout(pair[0], timeout_ms) == TSR_OK ? fork() : -1;
    if (pid == 0) {
        settle_in(pair[1], parent);
        serve(tcti);
        _exit(0);
    }
    (void)close(pair[1]);
    if (pid < 0) {
        (void)close(pair[0]);
        return TSR_E_IO;
    }
    relay->fd = pair[0];
    return TSR_OK;
}

/* Takes one answer. The sequence tells whose it is. */
static tsr_tpm_outcome take(tsr_tpm_relay *r, uint8_t *answer, size_t *len, int flags)
{
    uint8_t in[HEAD + TSR_TPM_FRAME_MAX];
    tsr_tpm_outcome outcome = TSR_TPM_GONE;
    ssize_t n;

    do {
        n = recv(r->fd, in, sizeof in, flags);
    } while ((n < 0 && errno == EINTR) ||
             (n >= (ssize_t)HEAD && memcmp(in, &r->sequence, sizeof r->sequence) != 0));
    if (n < 0 && errno == EAGAIN)
        return TSR_TPM_LATE;
    if (n >= (ssize_t)HEAD && in[4] <= TSR_TPM_GONE && (size_t)n - HEAD <= *len) {
        *len = (size_t)n - HEAD;
        memcpy(answer, in + HEAD, *len);
        outcome = (tsr_tpm_outcome)in[4];
    }
    tsr_wipe(in, sizeof in);
    r->waiting = false;
    return outcome;
}

tsr_tpm_outcome tsr_tpm_relay_send(tsr_tpm_relay *r, tsr_bytes command)
{
    frame out;
    ssize_t n;

    if (r->fd < 0 || command.len > sizeof out.bytes)
        return TSR_TPM_GONE;
    if (r->waiting) { /* one slow answer is waited for once, not by every caller after it */
        size_t len = sizeof out.bytes;
        tsr_tpm_outcome late = take(r, out.bytes, &len, MSG_DONTWAIT);

        if (late == TSR_TPM_LATE || late == TSR_TPM_GONE)
            return late;
    }
    out.sequence = ++r->sequence;
    memcpy(out.bytes, command.ptr, command.len);
    do {
        n = send(r->fd, &out, sizeof out.sequence + command.len, MSG_NOSIGNAL);
    } while (n < 0 && errno == EINTR);
    tsr_wipe(&out, sizeof out);
    r->waiting = n > 0;
    return n > 0 ? TSR_TPM_ANSWERED : TSR_TPM_GONE;
}

tsr_tpm_outcome tsr_tpm_relay_receive(tsr_tpm_relay *r, uint8_t *answer, size_t *len)
{
    return r->waiting ? take(r, answer, len, 0) : TSR_TPM_GONE;
}

void tsr_tpm_relay_close(tsr_tpm_relay *r)
{
    if (r->fd >= 0)
        (void)close(r->fd);
    r->fd = -1;
}
