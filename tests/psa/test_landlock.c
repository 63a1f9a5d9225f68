/* SPDX-License-Identifier: Apache-2.0
 *
 * Landlock alone, without the filter for system calls before it: what a service that was taken over
 * could still ask for if that filter had a hole. Each attempt is made in a child of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ports/linux/secured/sandbox.h"

static char dir[] = "/tmp/tessera-landlock-XXXXXX";
static char file[64], other[64];
static int held; /* opened before */
static uint16_t port;
static int listener;
static pid_t neighbour;

static int set_up(void **state)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    socklen_t len = sizeof at;

    (void)state;
    if (mkdtemp(dir) == NULL)
        return -1;
    (void)snprintf(file, sizeof file, "%s/file", dir);
    (void)snprintf(other, sizeof other, "%s/other", dir);
    held = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (held < 0 || write(held, "content", 7) != 7 || listener < 0 ||
        bind(listener, (struct sockaddr *)&at, len) != 0 || listen(listener, 4) != 0 ||
        getsockname(listener, (struct sockaddr *)&at, &len) != 0)
        return -1;
    port = at.sin_port;
    neighbour = fork();
    if (neighbour == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            (void)pause();
    }
    return neighbour > 0 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    (void)kill(neighbour, SIGKILL);
    (void)waitpid(neighbour, NULL, 0);
    (void)close(listener);
    (void)close(held);
    (void)unlink(file);
    (void)unlink(other);
    return rmdir(dir);
}

/* What an attempt came to in a child: 0, or errno. 255: there is no Landlock of that version. */
static int outcome(int (*attempt)(void), bool closed, long abi)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        if (closed && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || tsr_sandbox_files() < abi))
            _exit(255);
        _exit(attempt() >= 0 ? 0 : errno);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* It goes without Landlock, and not with it. */
static void refused(int (*attempt)(void), long abi, int why)
{
    int closed = outcome(attempt, true, abi);

    if (closed == 255) {
        print_message("skipped: this kernel's Landlock is older than ABI %ld\n", abi);
        skip();
    }
    assert_int_equal(closed, why);
    assert_int_equal(outcome(attempt, false, abi), 0);
}

static int read_a_file(void) { return open(file, O_RDONLY | O_CLOEXEC); }
static int read_the_system(void) { return open("/etc/passwd", O_RDONLY | O_CLOEXEC); }
static int list_a_directory(void) { return open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC); }
static int write_a_file(void) { return open(file, O_WRONLY | O_CLOEXEC); }
static int truncate_a_file(void) { return truncate(file, 7); }

static int make_a_file(void)
{
    int fd = open(other, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    if (fd >= 0)
        (void)unlink(other);
    return fd;
}

static int make_a_directory(void)
{
    int made = mkdir(other, 0700);

    if (made == 0)
        (void)rmdir(other);
    return made;
}

static int move_a_file(void)
{
    int moved = rename(file, other);

    if (moved == 0)
        (void)rename(other, file);
    return moved;
}

static int run_a_program(void)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        (void)execl("/bin/true", "true", (char *)NULL);
        _exit(errno);
    }
    if (waitpid(child, &status, 0) != child)
        return -1;
    errno = WEXITSTATUS(status);
    return errno == 0 ? 0 : -1;
}

static int connect_with_tcp(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_addr = { htonl(INADDR_LOOPBACK) },
                              .sin_port = port };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return connect(fd, (struct sockaddr *)&at, sizeof at);
}

static int listen_with_tcp(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return bind(fd, (struct sockaddr *)&at, sizeof at);
}

static int signal_a_neighbour(void) { return kill(neighbour, SIGCONT); }

static int use_what_is_open(void)
{
    char text[8] = { 0 };

    if (pread(held, text, 7, 0) != 7 || strcmp(text, "content") != 0 ||
        pwrite(held, "content", 7, 0) != 7 || fdatasync(held) != 0)
        return -1;
    return ftruncate(held, 7);
}

#define REFUSED(name, attempt, abi, why)                                                           \
    static void name(void **state)                                                                 \
    {                                                                                              \
        (void)state;                                                                               \
        refused(attempt, abi, why);                                                                \
    }

REFUSED(test_no_file_is_read, read_a_file, 1, EACCES)
REFUSED(test_no_file_of_the_system_is_read, read_the_system, 1, EACCES)
REFUSED(test_no_directory_is_listed, list_a_directory, 1, EACCES)
REFUSED(test_no_file_is_written, write_a_file, 1, EACCES)
REFUSED(test_no_file_is_made, make_a_file, 1, EACCES)
REFUSED(test_no_directory_is_made, make_a_directory, 1, EACCES)
REFUSED(test_no_file_is_moved, move_a_file, 1, EACCES)
REFUSED(test_no_program_is_run, run_a_program, 1, EACCES)
REFUSED(test_no_file_is_cut, truncate_a_file, 3, EACCES)
REFUSED(test_no_connection_is_made, connect_with_tcp, 4, EACCES)
REFUSED(test_no_connection_is_taken, listen_with_tcp, 4, EACCES)
REFUSED(test_no_other_process_is_signalled, signal_a_neighbour, 6, EPERM)

static void test_what_is_open_stays_of_use(void **state)
{
    (void)state;
    assert_int_equal(outcome(use_what_is_open, true, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_file_is_read),
        cmocka_unit_test(test_no_file_of_the_system_is_read),
        cmocka_unit_test(test_no_directory_is_listed),
        cmocka_unit_test(test_no_file_is_written),
        cmocka_unit_test(test_no_file_is_made),
        cmocka_unit_test(test_no_directory_is_made),
        cmocka_unit_test(test_no_file_is_moved),
        cmocka_unit_test(test_no_program_is_run),
        cmocka_unit_test(test_no_file_is_cut),
        cmocka_unit_test(test_no_connection_is_made),
        cmocka_unit_test(test_no_connection_is_taken),
        cmocka_unit_test(test_no_other_process_is_signalled),
        cmocka_unit_test(test_what_is_open_stays_of_use),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
