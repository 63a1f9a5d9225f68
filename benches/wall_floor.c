/* SPDX-License-Identifier: Apache-2.0
 *
 * wall_floor N: N requests and replies of 64 bytes between two processes over a SEQPACKET pair,
 * the least that a call into another process costs. Prints us=..., CPU of both. */
#define _POSIX_C_SOURCE 200809L

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static double microseconds(int who)
{
    struct rusage r;

    (void)getrusage(who, &r);
    return (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e6 +
           (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec);
}

int main(int argc, char **argv)
{
    unsigned n = argc == 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    uint8_t message[64] = { 1 };
    int ends[2];
    pid_t child;

    if (n == 0 || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) != 0)
        return 2;
    child = fork();
    if (child == 0) {
        (void)close(ends[0]);
        while (recv(ends[1], message, sizeof message, 0) == (ssize_t)sizeof message)
            (void)send(ends[1], message, sizeof message, 0);
        _exit(0);
    }
    (void)close(ends[1]);
    for (unsigned i = 0; i < n; i++) {
        if (send(ends[0], message, sizeof message, 0) != (ssize_t)sizeof message ||
            recv(ends[0], message, sizeof message, 0) != (ssize_t)sizeof message)
            return 1;
    }
    (void)close(ends[0]);
    if (waitpid(child, NULL, 0) != child)
        return 1;
    (void)printf("us=%.3f\n", (microseconds(RUSAGE_SELF) + microseconds(RUSAGE_CHILDREN)) / n);
    return 0;
}
