/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/psa/swtpm.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/ports.h"

static void die(const char *why)
{
    (void)fprintf(stderr, "swtpm: %s (remedy: run ./setup, which installs it)\n", why);
    abort();
}

/* tpm2-tss wants the control channel on the port after the other one. */
static bool free_pair(unsigned *port)
{
    *port = test_port();
    return test_port() == *port + 1;
}

void swtpm_prepare(swtpm *t)
{
    memset(t, 0, sizeof *t);
    for (int i = 0; i < 50 && !free_pair(&t->port); i++)
        t->port = 0;
    if (t->port == 0)
        die("no two free ports");
    (void)snprintf(t->tcti, sizeof t->tcti, "swtpm:host=127.0.0.1,port=%u", t->port);
}

static void run(const swtpm *t)
{
    char state[128], server[96], control[96];
    int null = open("/dev/null", O_RDWR);

    (void)snprintf(state, sizeof state, "dir=%s,mode=0600", t->state);
    (void)snprintf(server, sizeof server, "type=tcp,port=%u,bindaddr=127.0.0.1", t->port);
    (void)snprintf(control, sizeof control, "type=tcp,port=%u,bindaddr=127.0.0.1", t->port + 1);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    (void)dup2(null, 0);
    (void)dup2(null, 1);
    (void)dup2(null, 2);
    for (int fd = 3; fd < 128; fd++)
        (void)close(fd);
    (void)execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state, "--server", server,
                 "--ctrl", control, "--flags", "not-need-init,startup-clear", (char *)NULL);
    _exit(127);
}

static bool listens(unsigned port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool up;

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    up = connect(fd, (const struct sockaddr *)&a, sizeof a) == 0;
    (void)close(fd);
    return up;
}

void swtpm_start(swtpm *t, const char *state)
{
    struct timespec nap = { 0, 20000000 };

    (void)snprintf(t->state, sizeof t->state, "%s", state);
    if (mkdir(state, 0700) != 0 && errno != EEXIST)
        die("its state's directory cannot be made");
    t->pid = fork();
    if (t->pid == 0)
        run(t);
    for (int i = 0; i < 500; i++) {
        if (waitpid(t->pid, NULL, WNOHANG) != 0)
            die("it is not installed, or does not start");
        if (listens(t->port + 1)) /* the control port: the other one takes one client at a time */
            return;
        (void)nanosleep(&nap, NULL);
    }
    die("it does not listen");
}

void swtpm_kill(swtpm *t)
{
    if (t->pid == 0)
        return;
    (void)kill(t->pid, SIGKILL);
    (void)waitpid(t->pid, NULL, 0);
    t->pid = 0;
}

void swtpm_signal(const swtpm *t, int signal)
{
    if (t->pid != 0)
        (void)kill(t->pid, signal);
}

void swtpm_remove(const char *state)
{
    DIR *d = opendir(state);
    struct dirent *e;
    char path[512];

    while (d != NULL && (e = readdir(d)) != NULL) {
        (void)snprintf(path, sizeof path, "%s/%s", state, e->d_name);
        if (e->d_type != DT_DIR)
            (void)unlink(path);
    }
    if (d != NULL)
        (void)closedir(d);
    (void)rmdir(state);
}
