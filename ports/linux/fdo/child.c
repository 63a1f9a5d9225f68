/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/fdo/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NOT_STARTED = 127, FIRST_FD = 3, FILES_MOST = 1024 };

static void become(const tsr_child_how *how, int out, int err, pid_t parent)
{
    const char *argv[TSR_CHILD_ARGS + 2] = { how->program };
    char *env[] = { (char *)(uintptr_t)"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL };
    int in = open("/dev/null", O_RDONLY);
    sigset_t none;

    for (size_t i = 0; i < how->arg_count; i++)
        argv[i + 1] = how->args[i];
    (void)setsid();
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent || in < 0 || dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0 ||
        chdir(how->directory != NULL ? how->directory : "/") != 0)
        _exit(NOT_STARTED);
    for (int fd = FIRST_FD; fd < FILES_MOST; fd++)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)execve(how->program, (char *const *)(uintptr_t)argv, env);
    _exit(NOT_STARTED);
}

tsr_err tsr_child_start(tsr_child *c, const tsr_child_how *how, uint64_t now_ms)
{
    int out[2], err[2];
    pid_t parent = getpid(), child;

    if (how->arg_count > TSR_CHILD_ARGS)
        return TSR_E_IO;
    if (pipe2(out, O_CLOEXEC) != 0)
        return TSR_E_IO;
    if (pipe2(err, O_CLOEXEC) != 0) {
        (void)close(out[0]);
        (void)close(out[1]);
        return TSR_E_IO;
    }
    child = fork();
    if (child == 0)
        become(how, out[1], err[1], parent);
    (void)close(out[1]);
    (void)close(err[1]);
    (void)fcntl(out[0], F_SETFL, O_NONBLOCK);
    (void)fcntl(err[0], F_SETFL, O_NONBLOCK);
    *c = (tsr_child){ .pid = child > 0 ? child : 0, .end = { out[0], err[0] },
                      .left = { how->most_output, how->most_output },
                      .kill_ms = now_ms + how->most_ms };
    if (child > 0)
        return TSR_OK;
    (void)close(out[0]);
    (void)close(err[0]);
    return TSR_E_IO;
}

static void close_stream(tsr_child *c, int stream)
{
    if (c->end[stream] >= 0)
        (void)close(c->end[stream]);
    c->end[stream] = -1;
}

/* What is beyond the bound is taken and thrown away: it must not stand in the pipe, and block it. */
tsr_err tsr_child_read(tsr_child *c, int stream, tsr_buf *out)
{
    uint8_t drop[512] = { 0 };

    while (c->pid != 0 && c->end[stream] >= 0) {
        bool keep = c->left[stream] != 0;
        size_t most = keep ? out->cap - out->len : sizeof drop;
        ssize_t n;

        if (keep && most > c->left[stream])
            most = c->left[stream];
        if (most == 0)
            return TSR_END;
        n = read(c->end[stream], keep ? out->ptr + out->len : drop, most);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return TSR_END;
        if (n <= 0) {
            close_stream(c, stream);
            return TSR_END;
        }
        if (keep) {
            out->len += (size_t)n;
            c->left[stream] -= (uint32_t)n;
            return TSR_OK;
        }
    }
    return TSR_END;
}

/* It stays a zombie, so that its number, which is that of its group too, is not given to others before
 * the group is ended. */
static bool is_over(tsr_child *c)
{
    siginfo_t info = { 0 };

    if (c->over)
        return true;
    if (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
        return false;
    c->over = true;
    c->code = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    return true;
}

bool tsr_child_ended(tsr_child *c, uint64_t now_ms, int *code)
{
    if (c->pid == 0)
        return false;
    if (now_ms >= c->kill_ms && !c->killed) {
        tsr_child_signal(c, SIGKILL);
        c->killed = true;
    }
    if (!is_over(c) || (!c->killed && (c->end[0] >= 0 || c->end[1] >= 0)))
        return false;
    *code = c->code;
    tsr_child_drop(c);
    return true;
}

void tsr_child_signal(const tsr_child *c, int number)
{
    if (c->pid == 0)
        return;
    (void)kill(c->pid, number); /* before it has a session */
    (void)kill(-c->pid, number);
}

void tsr_child_drop(tsr_child *c)
{
    if (c->pid != 0) {
        tsr_child_signal(c, SIGKILL);
        while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
            ;
        close_stream(c, 0);
        close_stream(c, 1);
    }
    memset(c, 0, sizeof *c);
}
