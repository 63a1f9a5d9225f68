/* SPDX-License-Identifier: Apache-2.0
 *
 * A boot is: decide, start tessera-secured, start the daemon, watch. The end of tessera-secured, a
 * request for a reboot, or a trial that fails ends a boot, and the next one decides anew. A daemon
 * that ends outside a trial is only started again. */
#include "apps/tessera-boot/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "apps/tessera-boot/child.h"
#include "apps/tessera-boot/decide.h"
#include "apps/tessera-boot/memfile.h"
#include "ports/linux/bundle/bundle.h"
#include "ports/linux/fwu/slots.h"
#include "ports/linux/secured/log.h"

enum {
    EXIT_NO_IMAGE = 3,
    TRIAL_STARTS = 3,     /* a version on trial that ends so often has failed */
    STEADY_MS = 60000,    /* what ran so long begins with a short back-off again */
    HASTY_BOOTS = 4,      /* so many restarts that were asked for have no pause between them */
    HUNG = PSA_ERROR_COMMUNICATION_FAILURE, /* causes that query() tells after a trial */
    CRASHED = PSA_ERROR_SERVICE_FAILURE,
};

typedef enum { GO_ON, REBOOT, STOP, GIVE_UP } next_step;

typedef struct {
    const boot_config *config;
    int signals;
    psa_status_t cause; /* why the boot before ended, when a trial did */
    uint32_t backoff_ms; /* before the next boot; 0: at once */
    unsigned hasty;      /* boots in a row that were asked for and short */
    /* the present boot */
    next_step next;
    pid_t secured, daemon; /* 0: does not run */
    int told;              /* what tessera-secured tells us; -1: nothing */
    char line[32];
    size_t line_len;
    int program; /* the daemon's, in memory; -1: none */
    bool trial;
    uint64_t trial_by_ms, begun_ms, daemon_begun_ms;
    uint64_t daemon_at_ms; /* when it is to be started; 0: it runs */
    uint32_t daemon_backoff_ms;
    unsigned daemon_starts;
} launcher;

static uint64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static uint32_t grown(const launcher *l, uint32_t ms)
{
    if (ms == 0)
        return l->config->backoff_ms;
    return ms > l->config->backoff_max_ms / 2 ? l->config->backoff_max_ms : 2 * ms;
}

static void close_one(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

/* --- starting ------------------------------------------------------------------------------ */

static void hex_of(const uint8_t *in, size_t len, char *text)
{
    for (size_t i = 0; i < len; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", in[i]);
}

static void log_choice(const decision *d)
{
    char measurement[65], signer[65];

    hex_of(d->measurement, 32, measurement);
    hex_of(d->signer, 32, signer);
    tsr_log("info", "decided", "slot=%c version=%s trial=%d measurement=%s signer=%s", 'a' + d->slot,
            d->version, d->trial, measurement, signer);
}

/* The program out of the bundle, which was measured as a whole. */
static int take_program(const launcher *l, int bundle)
{
    tsr_bytes archive = memfile_map(bundle);
    tsr_bundle_file f;
    tsr_err err = archive.ptr == NULL ? TSR_E_MALFORMED
                                      : tsr_bundle_find(archive, l->config->entry, &f);
    int fd = err == TSR_OK ? memfile_of("daemon", true, f.content) : -1;

    if (fd < 0)
        tsr_log("error", "no-program", "entry=\"%s\" cause=\"%s\" remedy=\"make the image with "
                "tessera package make\"", l->config->entry,
                err == TSR_OK ? strerror(errno) : tsr_err_name(err));
    if (archive.ptr != NULL)
        (void)munmap((void *)(uintptr_t)archive.ptr, archive.len);
    return fd;
}

static void take_signals(launcher *l);

/* A line within the time, or the end of it; a signal that ends everything ends this too. */
static bool wait_ready(launcher *l, int fd)
{
    uint64_t by_ms = now_ms() + (uint64_t)l->config->start_s * 1000, at_ms;
    struct pollfd fds[2] = { { fd, POLLIN, 0 }, { l->signals, POLLIN, 0 } };
    char line[16];

    while (l->next != STOP && (at_ms = now_ms()) < by_ms) {
        if (poll(fds, 2, (int)(by_ms - at_ms)) <= 0)
            continue;
        if (fds[0].revents != 0)
            return read(fd, line, sizeof line) > 0;
        take_signals(l);
    }
    return false;
}

static bool start_secured(launcher *l, int program, int record)
{
    const boot_config *c = l->config;
    child_plan plan = { .name = "tessera-secured", .program = program, .user = c->secured.user,
                        .locks_memory = true, .last_signal = SIGTERM };
    int ready[2] = { -1, -1 }, told[2] = { -1, -1 };
    /* A service must not wait for us: while we wait for it to end, nobody reads. */
    bool good = pipe2(ready, O_CLOEXEC) == 0 && pipe2(told, O_CLOEXEC | O_NONBLOCK) == 0;

    if (good) {
        child_argument(&plan, "tessera-secured");
        child_argument(&plan, "--socket=%s", c->socket);
        child_argument(&plan, "--store=%s", c->store);
        child_argument(&plan, "--slots=%s", c->slots);
        child_argument(&plan, "--reboot-fd=%d", told[1]);
        child_argument(&plan, "--boot-record-fd=%d", record);
        child_argument(&plan, "--ready-fd=%d", ready[1]);
        for (size_t i = 0; i < c->secured.option_count; i++)
            child_argument(&plan, "%s", c->secured.option[i]);
        child_keep(&plan, told[1]);
        child_keep(&plan, record);
        child_keep(&plan, ready[1]);
        l->secured = child_start(&plan);
        child_forget(&plan);
        good = l->secured > 0;
    }
    close_one(&ready[1]);
    close_one(&told[1]);
    l->told = told[0];
    l->line_len = 0;
    if (l->secured < 0)
        l->secured = 0;
    good = good && wait_ready(l, ready[0]);
    close_one(&ready[0]);
    if (good)
        tsr_log("info", "secured-ready", "pid=%d socket=\"%s\"", (int)l->secured, c->socket);
    else if (l->next != STOP)
        tsr_log("error", "secured-failed", "program=\"%s\" cause=\"not ready within %u s\" "
                "remedy=\"see its log\"", c->secured.program, c->start_s);
    return good;
}

static void start_daemon(launcher *l)
{
    const boot_config *c = l->config;
    child_plan plan = { .name = "daemon", .program = l->program, .user = c->daemon.user,
                        .last_signal = SIGKILL };
    pid_t pid;

    child_argument(&plan, "%s", c->entry);
    child_argument(&plan, "--config=%s", c->config);
    for (size_t i = 0; i < c->daemon.option_count; i++)
        child_argument(&plan, "%s", c->daemon.option[i]);
    pid = child_start(&plan);
    child_forget(&plan);
    l->daemon_starts++;
    l->daemon_begun_ms = now_ms();
    l->daemon_at_ms = 0;
    if (pid > 0) {
        l->daemon = pid;
        tsr_log("info", "daemon-started", "pid=%d start=%u", (int)pid, l->daemon_starts);
        return;
    }
    l->daemon_backoff_ms = grown(l, l->daemon_backoff_ms);
    l->daemon_at_ms = now_ms() + l->daemon_backoff_ms;
    tsr_log("error", "daemon-failed", "cause=\"%s\" again_ms=%u", strerror(errno),
            l->daemon_backoff_ms);
}

static void begin(launcher *l)
{
    int secured = memfile_load("tessera-secured", true, l->config->secured.program);
    decision d = { .result = DECIDE_FAILED, .bundle = -1, .record = -1 };
    bool good = secured >= 0;

    l->next = REBOOT;
    l->begun_ms = now_ms();
    l->trial = false;
    l->daemon_starts = 0;
    l->daemon_backoff_ms = 0;
    if (!good)
        tsr_log("error", "secured-failed", "program=\"%s\" cause=\"%s\" remedy=\"name it in the "
                "configuration\"", l->config->secured.program, strerror(errno));
    else if (decide(l->config, l->cause, secured, &d) == DECIDE_NO_IMAGE)
        l->next = GIVE_UP;
    good = d.result == DECIDE_READY;
    if (good) {
        log_choice(&d);
        l->cause = 0;
        l->trial = d.trial;
        l->trial_by_ms = now_ms() + (uint64_t)l->config->trial_s * 1000;
        l->program = take_program(l, d.bundle);
        good = start_secured(l, secured, d.record);
    }
    if (good && l->program < 0)
        l->cause = CRASHED; /* what is no program on trial goes back to the one before */
    if (good && l->program >= 0) {
        l->next = GO_ON;
        start_daemon(l);
    }
    close_one(&secured);
    close_one(&d.bundle);
    close_one(&d.record);
}

/* --- watching ------------------------------------------------------------------------------ */

static void fail_trial(launcher *l, psa_status_t cause, const char *why)
{
    tsr_log("warning", "trial-failed", "cause=\"%s\" remedy=\"going back to the version before\"", why);
    l->cause = cause;
    l->next = REBOOT;
}

static void daemon_ended(launcher *l, int status)
{
    char how[32];

    child_end_text(status, how);
    (void)kill(-l->daemon, SIGKILL); /* what it started */
    l->daemon = 0;
    if (l->next != GO_ON)
        return;
    tsr_log("warning", "daemon-ended", "%s ran_ms=%llu", how,
            (unsigned long long)(now_ms() - l->daemon_begun_ms));
    if (l->trial && l->daemon_starts >= TRIAL_STARTS) {
        fail_trial(l, CRASHED, "the new version ends by itself");
        return;
    }
    if (now_ms() - l->daemon_begun_ms > STEADY_MS)
        l->daemon_backoff_ms = 0;
    l->daemon_backoff_ms = grown(l, l->daemon_backoff_ms);
    l->daemon_at_ms = now_ms() + l->daemon_backoff_ms;
}

static void reap(launcher *l)
{
    int status;
    pid_t pid;
    char how[32];

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        if (pid == l->daemon)
            daemon_ended(l, status);
        if (pid != l->secured)
            continue;
        child_end_text(status, how);
        l->secured = 0;
        if (l->next != GO_ON)
            continue;
        tsr_log("error", "secured-ended", "%s remedy=\"restarting everything\"", how);
        if (l->trial)
            l->cause = CRASHED;
        l->next = REBOOT;
    }
}

static void take_signals(launcher *l)
{
    struct signalfd_siginfo got;

    while (read(l->signals, &got, sizeof got) == (ssize_t)sizeof got) {
        if (got.ssi_signo == SIGCHLD)
            reap(l);
        else if (got.ssi_signo == SIGHUP && l->daemon > 0)
            (void)kill(l->daemon, SIGHUP);
        else if (got.ssi_signo == SIGTERM || got.ssi_signo == SIGINT) {
            tsr_log("info", "stopping", "signal=%u", got.ssi_signo);
            l->next = STOP;
        }
    }
}

static void take_line(launcher *l)
{
    if (strcmp(l->line, TSR_LAUNCHER_REBOOT) == 0) {
        tsr_log("info", "reboot", "cause=\"asked for by a client of tessera-secured\"");
        if (l->next == GO_ON)
            l->next = REBOOT;
    } else if (strcmp(l->line, TSR_LAUNCHER_ACCEPTED) == 0 && l->trial) {
        tsr_log("info", "accepted", "after_ms=%llu", (unsigned long long)(now_ms() - l->begun_ms));
        l->trial = false;
    }
}

static void take_told(launcher *l)
{
    ssize_t n;
    char ch;

    while ((n = read(l->told, &ch, 1)) == 1) {
        if (l->line_len < sizeof l->line - 1)
            l->line[l->line_len++] = ch;
        if (ch != '\n')
            continue;
        l->line[l->line_len] = '\0';
        l->line_len = 0;
        take_line(l);
    }
    if (n == 0) /* its end is told by SIGCHLD */
        close_one(&l->told);
}

static int wait_for(const launcher *l, uint64_t at_ms)
{
    uint64_t due_ms = UINT64_MAX;

    if (l->trial)
        due_ms = l->trial_by_ms;
    if (l->daemon_at_ms != 0 && l->daemon_at_ms < due_ms)
        due_ms = l->daemon_at_ms;
    if (due_ms == UINT64_MAX)
        return -1;
    if (due_ms <= at_ms)
        return 0;
    return due_ms - at_ms > 60000 ? 60000 : (int)(due_ms - at_ms);
}

static void watch(launcher *l)
{
    struct pollfd fds[2] = { { l->signals, POLLIN, 0 }, { l->told, POLLIN, 0 } };
    uint64_t at_ms;

    (void)poll(fds, 2, wait_for(l, now_ms()));
    take_told(l);
    take_signals(l);
    at_ms = now_ms();
    if (l->next == GO_ON && l->trial && at_ms >= l->trial_by_ms)
        fail_trial(l, HUNG, "the new version was not accepted in time");
    if (l->next == GO_ON && l->daemon_at_ms != 0 && at_ms >= l->daemon_at_ms)
        start_daemon(l);
}

/* --- ending -------------------------------------------------------------------------------- */

static void stop_one(const launcher *l, pid_t *pid, const char *name)
{
    uint64_t by_ms = now_ms() + (uint64_t)l->config->stop_s * 1000;
    bool killed = false;
    char how[32];
    int status;

    if (*pid <= 0)
        return;
    (void)kill(*pid, SIGTERM);
    while (waitpid(*pid, &status, WNOHANG) == 0) {
        if (!killed && now_ms() >= by_ms) {
            tsr_log("warning", "killed", "program=%s cause=\"did not end within %u s\"", name,
                    l->config->stop_s);
            (void)kill(*pid, SIGKILL);
            killed = true;
        }
        (void)usleep(5000);
    }
    (void)kill(-*pid, SIGKILL); /* what it started does not outlive its version */
    child_end_text(status, how);
    tsr_log("info", "ended", "program=%s %s", name, how);
    *pid = 0;
}

static void end(launcher *l)
{
    stop_one(l, &l->daemon, "daemon");
    stop_one(l, &l->secured, "tessera-secured");
    close_one(&l->told);
    close_one(&l->program);
    l->daemon_at_ms = 0;
    take_signals(l); /* an end that was asked for meanwhile */
}

/* Between boots that fail by themselves there is a pause, and between those that a client asks for
 * again and again: it may restart the device, but not keep it from running. A signal ends it. */
static void rest(launcher *l, bool by_itself)
{
    struct pollfd fds = { l->signals, POLLIN, 0 };
    uint64_t until_ms;

    bool steady = now_ms() - l->begun_ms > STEADY_MS;

    l->hasty = by_itself || steady ? 0 : l->hasty + 1;
    if ((!by_itself && l->hasty <= HASTY_BOOTS) || steady)
        l->backoff_ms = 0;
    if (!by_itself && l->hasty <= HASTY_BOOTS)
        return;
    l->backoff_ms = grown(l, l->backoff_ms);
    until_ms = now_ms() + l->backoff_ms;
    tsr_log("info", "resting", "ms=%u cause=\"%s\"", l->backoff_ms,
            by_itself ? "the boot failed" : "restarts are asked for again and again");
    while (l->next == REBOOT && now_ms() < until_ms) {
        (void)poll(&fds, 1, (int)(until_ms - now_ms()) + 1);
        take_signals(l);
    }
}

static bool open_signals(launcher *l)
{
    sigset_t set;

    (void)sigemptyset(&set);
    (void)sigaddset(&set, SIGTERM);
    (void)sigaddset(&set, SIGINT);
    (void)sigaddset(&set, SIGHUP);
    (void)sigaddset(&set, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    l->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return l->signals >= 0;
}

int launch(const boot_config *c)
{
    launcher l = { .config = c, .told = -1, .program = -1 };

    if (!child_user_exists(c->secured.user) || !child_user_exists(c->daemon.user)) {
        tsr_log("error", "no-user", "secured=\"%s\" daemon=\"%s\" remedy=\"make both users\"",
                c->secured.user, c->daemon.user);
        return 1;
    }
    if (!open_signals(&l) || setenv("TESSERA_BOOT_COMPONENT", "0", 1) != 0)
        return 1;
    do {
        bool by_itself;

        begin(&l);
        by_itself = l.next == REBOOT;
        while (l.next == GO_ON) {
            watch(&l);
            by_itself = l.next == REBOOT && l.secured == 0;
        }
        end(&l);
        rest(&l, by_itself);
    } while (l.next == REBOOT || l.next == GO_ON);
    (void)close(l.signals);
    tsr_log("info", "stopped", "cause=\"%s\"", l.next == STOP ? "a signal" : "nothing to start");
    return l.next == STOP ? 0 : EXIT_NO_IMAGE;
}
