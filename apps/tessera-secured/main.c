/* SPDX-License-Identifier: Apache-2.0
 *
 * tessera-secured: the secure world on Linux, in a process of its own. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "apps/tessera-secured/world.h"
#include "ports/linux/gate/service.h"
#include "ports/linux/secured/log.h"
#include "ports/linux/secured/options.h"
#include "ports/linux/secured/sandbox.h"

static struct { /* of this process */
    tsr_secured_options options;
    tsr_gate_service gate;
} here;

#if defined(__SANITIZE_ADDRESS__)
/* The leak checker stops the process with ptrace, which the sandbox does not allow. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }
#endif

static void on_event(void *self, const tsr_gate_event *e)
{
    (void)self;
    switch (e->what) {
    case TSR_GATE_CONNECTED:
        tsr_log_client("debug", "client.connected", "client=%d uid=%u pid=%d", e->client, e->uid,
                       e->pid);
        break;
    case TSR_GATE_CLOSED:
        tsr_log_client("debug", "client.closed", "client=%d uid=%u pid=%d", e->client, e->uid,
                       e->pid);
        break;
    case TSR_GATE_REFUSED:
        tsr_log_client("warning", "client.refused", "uid=%u pid=%d cause=\"%s\"", e->uid, e->pid,
                       e->status == PSA_ERROR_CONNECTION_BUSY ? "too many connections"
                                                              : "this user is nobody here");
        break;
    case TSR_GATE_MALFORMED:
        tsr_log_client("warning", "client.malformed", "client=%d uid=%u pid=%d", e->client, e->uid,
                       e->pid);
        break;
    case TSR_GATE_DEAF:
        tsr_log_client("warning", "client.deaf", "client=%d uid=%u pid=%d", e->client, e->uid,
                       e->pid);
        break;
    case TSR_GATE_DELAYED:
        tsr_log_client("warning", "client.delayed",
                       "client=%d uid=%u pid=%d cause=\"more requests than --rate\"", e->client,
                       e->uid, e->pid);
        break;
    }
}

static void log_figures(const tsr_world *w)
{
    tsr_log("info", "figures",
            "connections=%zu channels=%zu keys=%zu operations=%zu calls=%llu malformed=%llu "
            "refused=%llu "
            "delayed=%llu store_used=%u store_capacity=%u",
            tsr_gate_connected(&here.gate), tsr_gate_channels(&here.gate),
            tsr_crypto_keys_held(&w->crypto), tsr_crypto_ops_held(&w->crypto),
            (unsigned long long)here.gate.calls, (unsigned long long)here.gate.malformed,
            (unsigned long long)here.gate.refused, (unsigned long long)here.gate.delayed,
            tsr_store_used(&w->store.store), tsr_store_capacity(&w->store.store));
}

static tsr_err open_socket(void)
{
    const tsr_secured_options *o = &here.options;

    here.gate.spm = &tsr_world_here()->spm;
    here.gate.clients = &o->clients;
    here.gate.connections_each = o->connections_each;
    here.gate.rate_each = o->rate_each;
    here.gate.event = on_event;

    tsr_err err = tsr_gate_listen(&here.gate, o->socket, o->mode);

    if (err != TSR_OK)
        tsr_log("error", "socket.failed", "path=\"%s\" cause=\"%s\" remedy=\"%s\"", o->socket,
                err == TSR_E_EXISTS     ? "something else is there or listens there"
                : err == TSR_E_ARGUMENT ? "the path is too long for a socket"
                                        : strerror(errno),
                err == TSR_E_EXISTS ? "end it, or name another path with --socket"
                                    : "make its directory, or name another path with --socket");
    return err;
}

/* systemd's notification: one datagram to the socket it names. */
static void notify(const char *path)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    size_t len = path != NULL ? strlen(path) : 0;
    int fd;

    if (len == 0 || len >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, len);
    if (to.sun_path[0] == '@')
        to.sun_path[0] = 0;
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)sendto(fd, "READY=1", 7, MSG_NOSIGNAL, (const struct sockaddr *)&to,
                 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len));
    (void)close(fd);
}

static void say_ready(void)
{
    const tsr_secured_options *o = &here.options;
    char line[160]; /* a socket's path has 107 bytes at most */
    int n;

    tsr_log("info", "ready", "socket=\"%s\" store=\"%s\" uid=%u", o->socket, o->store, geteuid());
    n = snprintf(line, sizeof line, "ready %s\n", o->socket);
    (void)!write(STDOUT_FILENO, line, (size_t)n); /* not by stdio: it asks about the file first */
    if (o->ready_fd >= 0) {
        (void)!write(o->ready_fd, "READY=1\n", 8);
        (void)close(o->ready_fd);
    }
}

static int catch_signals(void)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGUSR1);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Whether one of the signals that came says to end. */
static bool told_to_end(int signals)
{
    struct signalfd_siginfo got;
    bool end = false;

    while (read(signals, &got, sizeof got) == (ssize_t)sizeof got) {
        if (got.ssi_signo == SIGUSR1)
            log_figures(tsr_world_here());
        if (got.ssi_signo == SIGTERM || got.ssi_signo == SIGINT) {
            tsr_log("info", "stopping", "signal=%u", got.ssi_signo);
            end = true;
        }
    }
    return end;
}

static tsr_err start(int signals)
{
    const tsr_secured_options *o = &here.options;
    const char *notify_socket = getenv("NOTIFY_SOCKET");
    tsr_err err = open_socket();

    if (err == TSR_OK)
        err = tsr_gate_also(&here.gate, signals);

    if (err == TSR_OK && o->user != NULL && (err = tsr_sandbox_user(o->user)) != TSR_OK)
        tsr_log("error", "user.failed", "user=\"%s\" cause=\"%s\"", o->user, tsr_err_name(err));
    if (err == TSR_OK)
        err = tsr_world_open(tsr_world_here());
    if (err == TSR_OK)
        notify(notify_socket);
    if (err == TSR_OK && !o->sandbox)
        tsr_log("warning", "sandbox.off", "remedy=\"start without --no-sandbox\"");
    if (err == TSR_OK && o->sandbox)
        err = tsr_sandbox_close();
    return err;
}

int main(int argc, char **argv)
{
    tsr_err err = tsr_secured_options_read(&here.options, argc, argv);
    int signals;

    if (err != TSR_OK)
        return err == TSR_END ? EXIT_SUCCESS : 2;
    tsr_log_debug_on(here.options.verbose);
    tsr_world_here()->options = &here.options;
    tsr_sandbox_memory();
    signals = catch_signals();
    if (start(signals) != TSR_OK)
        return EXIT_FAILURE;
    say_ready();
    while (!tsr_gate_serve(&here.gate) || !told_to_end(signals))
        tsr_world_watch(tsr_world_here());
    tsr_gate_shut(&here.gate);
    tsr_world_close(tsr_world_here());
    tsr_log("info", "stopped", "socket=\"%s\"", here.options.socket);
    return EXIT_SUCCESS;
}
