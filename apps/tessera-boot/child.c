/* SPDX-License-Identifier: Apache-2.0 */
#include "apps/tessera-boot/child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ports/linux/secured/log.h"

void child_argument(child_plan *p, const char *format, ...)
{
    char text[1024];
    va_list args;

    va_start(args, format);
    /* NOLINTNEXTLINE(clang-analyzer-valist.Uninitialized): the analyzer misreads va_start */
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (p->argument_count == CHILD_ARGUMENTS || (p->arguments[p->argument_count] = strdup(text)) == NULL)
        abort(); /* the configuration's bounds leave room for all */
    p->argument_count++;
}

void child_keep(child_plan *p, int fd)
{
    if (p->keep_count == CHILD_DESCRIPTORS)
        abort();
    p->keep[p->keep_count++] = fd;
}

void child_forget(child_plan *p)
{
    for (size_t i = 0; i < p->argument_count; i++)
        free(p->arguments[i]);
    *p = (child_plan){ 0 };
}

bool child_user_exists(const char *user)
{
    return user == NULL || user[0] == '\0' || getpwnam(user) != NULL;
}

bool child_become(const char *user)
{
    const struct passwd *pw;

    if (user == NULL || user[0] == '\0')
        return true;
    pw = getpwnam(user);
    if (pw == NULL) {
        errno = ENOENT;
        return false;
    }
    if (pw->pw_uid == geteuid())
        return true;
    return initgroups(user, pw->pw_gid) == 0 && setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) == 0 &&
           setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) == 0;
}

static void default_signals(void)
{
    sigset_t none;

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)signal(SIGPIPE, SIG_DFL);
}

/* What the loader and libc would take code or files from (ld.so(8)): what was measured is what
 * runs, whoever started the launcher. */
static bool misleads(const char *variable)
{
    static const char *const names[] = {
        "LD_",         "GCONV_PATH=", "GLIBC_TUNABLES=",   "HOSTALIASES=", "LOCPATH=",
        "MALLOC_",     "NLSPATH=",    "RESOLV_HOST_CONF=", "RES_OPTIONS=", "TZDIR=",
        "GETCONF_DIR=",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strncmp(variable, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

static void clean_environment(const char *user)
{
    char **to = environ;

    for (char **from = environ; *from != NULL; from++)
        if (!misleads(*from))
            *to++ = *from;
    *to = NULL;
    if (user != NULL && user[0] != '\0') {
        const struct passwd *pw = getpwnam(user);

        (void)setenv("USER", user, 1);
        (void)setenv("LOGNAME", user, 1);
        if (pw != NULL)
            (void)setenv("HOME", pw->pw_dir, 1);
    }
}

/* Whoever started the launcher may have left it descriptors that are no child's matter. */
static bool keep_only(const child_plan *p)
{
    if (close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC) != 0) /* Linux before 5.11 */
        for (int fd = (int)sysconf(_SC_OPEN_MAX) - 1; fd > STDERR_FILENO; fd--)
            (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    for (size_t i = 0; i < p->keep_count; i++)
        if (fcntl(p->keep[i], F_SETFD, 0) != 0)
            return false;
    return true;
}

/* In the child, until it is another program. */
static void become(const child_plan *p, pid_t launcher)
{
    const struct rlimit endless = { RLIM_INFINITY, RLIM_INFINITY };

    default_signals();
    (void)setpgid(0, 0);
    if (p->locks_memory)
        (void)setrlimit(RLIMIT_MEMLOCK, &endless);
    if (!child_become(p->user)) {
        tsr_log("error", "start-failed", "program=%s user=\"%s\" cause=\"%s\"", p->name, p->user,
                strerror(errno));
        return;
    }
    /* Changing the user takes it back, so it comes after. */
    (void)prctl(PR_SET_PDEATHSIG, p->last_signal);
    if (getppid() != launcher)
        return;
    (void)umask(077);
    clean_environment(p->user);
    if (keep_only(p))
        (void)fexecve(p->program, p->arguments, environ);
    tsr_log("error", "start-failed", "program=%s cause=\"%s\" remedy=\"the bundle holds no program "
            "for this machine\"", p->name, strerror(errno));
}

pid_t child_start(const child_plan *p)
{
    pid_t launcher = getpid();
    pid_t pid = fork();

    if (pid != 0)
        return pid;
    become(p, launcher);
    _exit(127);
}

void child_end_text(int status, char text[32])
{
    if (WIFSIGNALED(status))
        (void)snprintf(text, 32, "signal=%d", WTERMSIG(status));
    else
        (void)snprintf(text, 32, "exit=%d", WEXITSTATUS(status));
}
