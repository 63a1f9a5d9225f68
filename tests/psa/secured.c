/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/psa/secured.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "ports/linux/gate/gate.h"

#define WORDS_MAX 32

static void must(bool ok, const char *what)
{
    if (ok)
        return;
    perror(what);
    abort();
}

static void nap_ms(long ms)
{
    struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

    (void)nanosleep(&t, NULL);
}

void secured_prepare(secured *s)
{
    memset(s, 0, sizeof *s);
    strcpy(s->dir, "/tmp/tessera-test-XXXXXX");
    must(mkdtemp(s->dir) != NULL, "mkdtemp");
    must(chmod(s->dir, 0755) == 0, "chmod"); /* other users connect in the isolation tests */
    (void)snprintf(s->socket, sizeof s->socket, "%s/s", s->dir);
    (void)snprintf(s->store, sizeof s->store, "%s/store", s->dir);
    (void)snprintf(s->log, sizeof s->log, "%s/log", s->dir);
    must(tsr_gate_socket(s->socket) == PSA_SUCCESS, "tsr_gate_socket");
}

static void run(const secured *s, const char *const *extra, int ready)
{
    const char *words[WORDS_MAX] = { TSR_SECURED_BIN, "--socket",   s->socket, "--store",
                                     s->store,        "--ready-fd", "9",       "--verbose" };
    size_t n = 8;
    int log = open(s->log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    int null = open("/dev/null", O_RDWR);
    int give = s->give > 0 ? fcntl(s->give, F_DUPFD, 64) : -1; /* out of the way of 0 to 10 */

    while (extra != NULL && *extra != NULL && n < WORDS_MAX - 1)
        words[n++] = *extra++;
    (void)dup2(null, 0);
    (void)dup2(null, 1);
    (void)dup2(log, 2);
    if (ready == 9)
        (void)fcntl(9, F_SETFD, 0); /* dup2 onto itself would leave it closing on exec */
    else
        (void)dup2(ready, 9);
    if (give >= 0)
        (void)dup2(give, 10);
    for (int fd = 3; fd < 128; fd++)
        if (fd != 9 && (fd != 10 || give < 0))
            (void)close(fd);
    (void)execv(TSR_SECURED_BIN, (char *const *)(uintptr_t)words);
    _exit(127);
}

bool secured_start(secured *s, const char *const *extra)
{
    int ready[2];
    char line[16];
    struct pollfd p;

    must(s->pid == 0, "secured_start: it runs already");
    must(pipe2(ready, O_CLOEXEC) == 0, "pipe2");
    s->pid = fork();
    must(s->pid >= 0, "fork");
    if (s->pid == 0)
        run(s, extra, ready[1]);
    (void)close(ready[1]);
    p = (struct pollfd){ ready[0], POLLIN, 0 };

    bool up = poll(&p, 1, 20000) == 1 && read(ready[0], line, sizeof line) > 0;

    (void)close(ready[0]);
    if (!up) {
        (void)kill(s->pid, SIGKILL);
        (void)waitpid(s->pid, NULL, 0);
        s->pid = 0;
    }
    return up;
}

int secured_stop(secured *s)
{
    int status = 0;

    if (s->pid == 0)
        return 0;
    (void)kill(s->pid, SIGTERM);
    (void)waitpid(s->pid, &status, 0);
    s->pid = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void secured_kill(secured *s)
{
    if (s->pid == 0)
        return;
    (void)kill(s->pid, SIGKILL);
    (void)waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

static void remove_files(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    char path[512];

    while (d != NULL && (e = readdir(d)) != NULL) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (e->d_type != DT_DIR)
            (void)unlink(path);
    }
    if (d != NULL)
        (void)closedir(d);
    (void)rmdir(dir);
}

void secured_clean(secured *s)
{
    tsr_gate_close();
    (void)secured_stop(s);
    remove_files(s->store);
    remove_files(s->dir);
}

static char *read_log(const secured *s)
{
    static char text[1 << 20];
    FILE *f = fopen(s->log, "r");
    size_t n = 0;

    if (f != NULL) {
        (void)fseek(f, 0, SEEK_END);
        if (ftell(f) > (long)sizeof text - 1)
            (void)fseek(f, -(long)(sizeof text - 1), SEEK_END);
        else
            (void)fseek(f, 0, SEEK_SET);
        n = fread(text, 1, sizeof text - 1, f);
        (void)fclose(f);
    }
    text[n] = 0;
    return text;
}

bool secured_log_has(const secured *s, const char *text)
{
    for (int i = 0; i < 40; i++) {
        if (strstr(read_log(s), text) != NULL)
            return true;
        nap_ms(50);
    }
    return false;
}

static unsigned count_figures(const char *log)
{
    unsigned n = 0;

    while ((log = strstr(log, "event=figures")) != NULL) {
        log++;
        n++;
    }
    return n;
}

long secured_figure(const secured *s, const char *name)
{
    unsigned before = count_figures(read_log(s));

    (void)kill(s->pid, SIGUSR1);
    for (int i = 0; i < 100; i++) {
        const char *log = read_log(s);
        const char *last = NULL, *at = log;

        if (count_figures(log) > before) {
            while ((at = strstr(at, "event=figures")) != NULL)
                last = at++;
            at = strstr(last, name);
            return at != NULL ? strtol(at + strlen(name), NULL, 10) : -1;
        }
        nap_ms(50);
    }
    return -1;
}

long secured_descriptors(const secured *s)
{
    char path[64];
    DIR *d;
    long n = 0;

    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)s->pid);
    d = opendir(path);
    if (d == NULL)
        return -1;
    while (readdir(d) != NULL)
        n++;
    (void)closedir(d);
    return n - 2;
}

int secured_as_user(uid_t uid, int (*fn)(void *), void *arg)
{
    int status = 0;
    pid_t pid;

    if (geteuid() != 0)
        return -1;
    (void)fflush(NULL);
    pid = fork();
    must(pid >= 0, "fork");
    if (pid == 0) {
        if (setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0)
            _exit(254);
        (void)alarm(60);
        _exit(fn(arg));
    }
    (void)waitpid(pid, &status, 0);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 254)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}
