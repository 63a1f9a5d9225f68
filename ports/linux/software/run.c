/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/software/run.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ports/linux/host/log.h"
#include "ports/linux/software/tree.h"

enum { FILES_MOST = 256, PROCESSES_MOST = 128, NOT_STARTED = 126, END_FD = 3, NICE = 10, LOOK_MS = 2000 };

static const char too_large = 'L'; /* said through the pipe's end, which is only closed otherwise */

/* ---- the parent's side ---- */

static void become_keeper(const tsr_software_how *how, int end, pid_t parent)
{
    char memory[16], data[16];
    const char *argv[7 + TSR_SOFTWARE_SHARED + 1] = { "tesserad", TSR_SOFTWARE_WORD, how->folder, how->user, memory,
                                                      data, how->network ? "network" : "alone" };
    sigset_t none;

    (void)snprintf(memory, sizeof memory, "%u", how->memory_mb);
    (void)snprintf(data, sizeof data, "%u", how->data_mb);
    for (size_t i = 0; how->shared != NULL && how->shared[i] != NULL && i < TSR_SOFTWARE_SHARED; i++)
        argv[7 + i] = how->shared[i];
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(NOT_STARTED);
    if (end == END_FD ? fcntl(end, F_SETFD, 0) < 0 : dup2(end, END_FD) < 0)
        _exit(NOT_STARTED);
    (void)execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
    _exit(NOT_STARTED);
}

/* *child is 0 in the child, *end its side of a pipe: ours is readable when it has said something, or ended. */
static tsr_err fork_piped(pid_t *child, int *end)
{
    int ends[2];
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) != 0)
        return TSR_E_IO;
    pid = fork();
    (void)close(pid == 0 ? ends[0] : ends[1]);
    if (pid < 0) {
        (void)close(ends[0]);
        return TSR_E_IO;
    }
    *child = pid;
    *end = pid == 0 ? ends[1] : ends[0];
    return TSR_OK;
}

tsr_err tsr_software_start(const tsr_software_how *how, pid_t *keeper, int *end)
{
    pid_t parent = getpid();
    tsr_err err = fork_piped(keeper, end);

    if (err == TSR_OK && *keeper == 0)
        become_keeper(how, *end, parent);
    return err;
}

int tsr_software_ended(pid_t keeper, int end, bool *too_much)
{
    struct pollfd said = { end, POLLIN, 0 };
    int status = 0;
    char word;

    *too_much = poll(&said, 1, 0) == 1 && (said.revents & POLLIN) != 0 && read(end, &word, 1) == 1 &&
                word == too_large;
    (void)close(end);
    while (waitpid(keeper, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* The keeper needs TSR_SOFTWARE_END_MS at most; one that hangs is ended, and what it kept with it. */
void tsr_software_stop(pid_t keeper, int end)
{
    struct pollfd over = { end, POLLIN, 0 };
    bool too_much;

    (void)kill(keeper, SIGTERM);
    if (poll(&over, 1, 2 * TSR_SOFTWARE_END_MS) != 1)
        (void)kill(keeper, SIGKILL);
    (void)tsr_software_ended(keeper, end, &too_much);
}

/* ---- unpacking ---- */

typedef struct {
    int err, cause; /* tsr_err, errno */
} outcome;

/* What the daemon closes meanwhile, as a connection, must be closed to its peer, too. */
static void close_but(int a, int b)
{
    unsigned low = (unsigned)(a < b ? a : b), high = (unsigned)(a < b ? b : a);

    if (low > STDERR_FILENO + 1)
        (void)close_range(STDERR_FILENO + 1, low - 1, 0);
    if (high > low + 1)
        (void)close_range(low + 1, high - 1, 0);
    (void)close_range(high + 1, ~0u, 0);
}

static void unpack(const tsr_software_store *s, uint16_t id, tsr_bytes bundle, int end, pid_t parent)
{
    outcome o = { TSR_E_IO, EINTR };

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    close_but(s->fd, end);
    if (getppid() == parent) {
        errno = 0;
        o.err = tsr_software_install(s, id, bundle);
        o.cause = errno;
    }
    _exit(write(end, &o, sizeof o) == (ssize_t)sizeof o ? 0 : 1);
}

tsr_err tsr_software_install_begin(const tsr_software_store *s, uint16_t id, tsr_bytes bundle, pid_t *child, int *end)
{
    pid_t parent = getpid();
    tsr_err err = fork_piped(child, end);

    if (err == TSR_OK && *child == 0)
        unpack(s, id, bundle, *end, parent);
    return err;
}

/* One that was killed has said nothing. */
tsr_err tsr_software_install_end(pid_t child, int end)
{
    outcome o;
    bool said = read(end, &o, sizeof o) == (ssize_t)sizeof o;

    (void)close(end);
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
        ;
    errno = said ? o.cause : EINTR;
    return said ? (tsr_err)o.err : TSR_E_IO;
}

/* ---- the keeper ---- */

static void say(const char *what, const char *why)
{
    tsr_host_log(TSR_LOG_ERROR, "software-not-started", "cause=\"%s: %s\"", what, why);
}

/* Its data folder, which is the software user's. */
static int prepare(const char *folder, const struct passwd *user)
{
    int dir = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), data;

    if (dir < 0)
        return -1;
    if (mkdirat(dir, "data", 0700) != 0 && errno != EEXIST) {
        (void)close(dir);
        return -1;
    }
    data = openat(dir, "data", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    (void)close(dir);
    if (data >= 0 && user != NULL && fchown(data, user->pw_uid, user->pw_gid) != 0) {
        (void)close(data);
        return -1;
    }
    return data;
}

/* Changing the user takes back what was said about the parent's death. */
static int become(const struct passwd *user)
{
    pid_t parent = getppid();

    if (user != NULL && (setgroups(0, NULL) != 0 ||
                         setresgid(user->pw_gid, user->pw_gid, user->pw_gid) != 0 ||
                         setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0))
        return -1;
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
        return -1;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static struct rlimit at_most(rlim_t most) { return (struct rlimit){ most, most }; }

/* What it is given, as its keeper was told. */
typedef struct {
    const char *folder;
    int folders[1 + TSR_SOFTWARE_SHARED]; /* that it may write to, its own first */
    size_t folder_count;
    uint64_t memory_mb, data_mb;
    bool network, other_user;
    char *const *shared; /* names of the others, then NULL */
} allotment;

static void become_software(const allotment *a, pid_t keeper)
{
    char program[512], home[512];
    char *argv[] = { program, NULL };
    char *env[] = { home, "PATH=/usr/local/bin:/usr/bin:/bin", NULL };
    int in = open("/dev/null", O_RDWR);
    struct rlimit bounds;
    sigset_t none;

    (void)snprintf(program, sizeof program, "%s/app/start", a->folder);
    (void)snprintf(home, sizeof home, "HOME=%s/data", a->folder);
    (void)setsid();
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != keeper || in < 0 || dup2(in, 0) < 0 || fchdir(a->folders[0]) != 0)
        _exit(NOT_STARTED);
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
    bounds = at_most(FILES_MOST);
    (void)setrlimit(RLIMIT_NOFILE, &bounds);
    bounds = at_most((rlim_t)a->data_mb << 20);
    (void)setrlimit(RLIMIT_FSIZE, &bounds);
    bounds = at_most(PROCESSES_MOST); /* of its user, whoever started them: not where that is ours, too */
    if (a->other_user)
        (void)setrlimit(RLIMIT_NPROC, &bounds);
    (void)setpriority(PRIO_PROCESS, 0, NICE);
    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    for (int fd = END_FD; fd < FILES_MOST * 4; fd++)
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
    if (tsr_software_cage(a->folder, a->network, a->shared) != TSR_OK)
        _exit(NOT_STARTED);
    bounds = at_most((rlim_t)a->memory_mb << 20);
    (void)setrlimit(RLIMIT_AS, &bounds);
    (void)execve(program, argv, env);
    _exit(NOT_STARTED); /* nothing that needs memory any more */
}

/* All of it is in one session and one group, which its sandbox does not let it leave. */
static void end_all(pid_t leader, int with)
{
    (void)kill(leader, with); /* before it has a group */
    (void)kill(-leader, with);
}

static void reap(pid_t leader, int *status, bool *over)
{
    int s;
    pid_t who;

    while ((who = waitpid(-1, &s, WNOHANG)) > 0) {
        if (who == leader) {
            *status = s;
            *over = true;
        }
    }
}

/* False: nobody is left. */
static bool wait_for(pid_t leader, int *status)
{
    int s;
    pid_t who = waitpid(-1, &s, 0);

    if (who == leader)
        *status = s;
    return who > 0 || errno == EINTR;
}

static uint64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Waits for a signal until then; 0: none came. */
static int signal_until(const sigset_t *set, uint64_t by_ms)
{
    uint64_t now = now_ms();
    uint64_t left = by_ms > now ? by_ms - now : 0;
    struct timespec t = { (time_t)(left / 1000), (long)(left % 1000) * 1000000 };
    int sig = sigtimedwait(set, NULL, &t);

    return sig > 0 ? sig : 0;
}

static bool anybody(pid_t leader) { return kill(-leader, 0) == 0; }

/* Those that it can write to as whom it is now. One of its own counts in any case: it may close it, and
 * open it again. */
static void open_shared(allotment *a)
{
    for (char *const *name = a->shared; *name != NULL && a->folder_count <= TSR_SOFTWARE_SHARED; name++) {
        int fd = open(*name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct stat st;

        if (fd < 0)
            continue;
        if (fstat(fd, &st) == 0 && (st.st_uid == geteuid() || faccessat(fd, ".", W_OK, 0) == 0))
            a->folders[a->folder_count++] = fd;
        else
            (void)close(fd);
    }
}

/* All that it may write: its data folder, and what it shares with others. */
static bool is_too_large(const allotment *a)
{
    uint64_t left = (a->data_mb << 20) + 1;

    for (size_t i = 0; left != 0 && i < a->folder_count; i++)
        left = tsr_tree_measure(a->folders[i], left);
    if (left != 0)
        return false;
    tsr_host_log(TSR_LOG_WARNING, "software-data-full", "folder=\"%s/data\" most=%lluMB", a->folder,
                 (unsigned long long)a->data_mb);
    return true;
}

/* The last that the keeper says: whoever reads it has to wait for nobody any more. */
static void say_too_large(void) { (void)!write(END_FD, &too_large, 1); }

static int keep(pid_t leader, const sigset_t *set, const allotment *a)
{
    int status = 0;
    bool over = false, full = false;
    uint64_t by_ms, look_ms = now_ms() + LOOK_MS;

    while (!over) {
        int sig = signal_until(set, look_ms);

        if (sig == SIGTERM || sig == SIGINT)
            break;
        if (now_ms() >= look_ms) { /* whoever dies all the time does not keep us from it */
            full = is_too_large(a);
            if (full)
                break;
            look_ms = now_ms() + LOOK_MS;
        }
        reap(leader, &status, &over);
    }
    end_all(leader, SIGTERM);
    by_ms = now_ms() + (over ? TSR_SOFTWARE_END_MS / 4 : TSR_SOFTWARE_END_MS);
    while (anybody(leader) && now_ms() < by_ms) {
        (void)signal_until(set, by_ms);
        reap(leader, &status, &over);
    }
    end_all(leader, SIGKILL);
    while (wait_for(leader, &status))
        ;
    if (full)
        say_too_large();
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void hold_signals(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, set, NULL);
}

/* As become_keeper() says it: the word, the folder, the user, two bounds, the network, then folders that it shares. */
static bool read_orders(int argc, char **argv, allotment *a, const char **user)
{
    if (argc < 7 || tsr_dec(tsr_text(argv[4]), &a->memory_mb) != TSR_OK || a->memory_mb > 1u << 20 ||
        tsr_dec(tsr_text(argv[5]), &a->data_mb) != TSR_OK || a->data_mb > 1u << 20)
        return false;
    a->folder = argv[2];
    *user = argv[3];
    a->network = strcmp(argv[6], "network") == 0;
    a->shared = argv + 7;
    return true;
}

/* Becomes its user, with its folders open. */
static tsr_err settle(allotment *a, const char *name)
{
    const struct passwd *user = name[0] != '\0' ? getpwnam(name) : NULL;

    if (name[0] != '\0' && user == NULL) {
        say(name, "no such user");
        return TSR_E_NOT_FOUND;
    }
    a->other_user = user != NULL;
    a->folders[0] = prepare(a->folder, user);
    a->folder_count = 1;
    if (a->folders[0] < 0 || become(user) != 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
        say(a->folder, strerror(errno));
        return TSR_E_IO;
    }
    open_shared(a);
    return TSR_OK;
}

int tsr_software_keeper(int argc, char **argv)
{
    pid_t keeper = getpid(), leader;
    allotment a = { 0 };
    const char *user;
    sigset_t set;

    (void)fcntl(END_FD, F_SETFD, FD_CLOEXEC);
    hold_signals(&set);
    if (!read_orders(argc, argv, &a, &user) || settle(&a, user) != TSR_OK)
        return NOT_STARTED;
    if (is_too_large(&a)) {
        say_too_large();
        return NOT_STARTED;
    }
    leader = fork();
    if (leader == 0)
        become_software(&a, keeper);
    if (leader < 0) {
        say("fork", strerror(errno));
        return NOT_STARTED;
    }
    return keep(leader, &set, &a);
}
