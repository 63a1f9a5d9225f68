/* SPDX-License-Identifier: Apache-2.0
 *
 * A port of loopback that stays free until it is used, in UDP and in TCP: the one of tools/ports.py,
 * whose counter it shares. */
#ifndef TESTS_PORTS_H
#define TESTS_PORTS_H

#include <fcntl.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TEST_PORT_FIRST = 10240, TEST_PORT_END = 32768 };

static inline bool test_port_is_free(unsigned port)
{
    static const int kinds[] = { SOCK_DGRAM, SOCK_STREAM };

    for (size_t i = 0; i < 2; i++) {
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
        int fd = socket(AF_INET, kinds[i] | SOCK_CLOEXEC, 0);
        bool taken = bind(fd, (const struct sockaddr *)&at, sizeof at) != 0;

        (void)close(fd);
        if (taken)
            return false;
    }
    return true;
}

/* The kernel gives ports from here on to whoever asks for none. */
static inline unsigned test_port_end(void)
{
    FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r");
    unsigned low = 0;

    if (f != NULL) {
        if (fscanf(f, "%u", &low) != 1)
            low = 0;
        (void)fclose(f);
    }
    return low > TEST_PORT_FIRST && low < TEST_PORT_END ? low : TEST_PORT_END;
}

static inline uint16_t test_port(void)
{
    const char *folder = getenv("TMPDIR");
    unsigned end = test_port_end(), port = 0;
    char path[256], text[16] = "";
    int fd;

    (void)snprintf(path, sizeof path, "%s/tessera-ports-%u", folder != NULL ? folder : "/tmp",
                   (unsigned)getuid());
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || flock(fd, LOCK_EX) != 0)
        abort();
    if (read(fd, text, sizeof text - 1) > 0)
        port = (unsigned)strtoul(text, NULL, 10);
    do
        port = port >= TEST_PORT_FIRST && port < end - 1 ? port + 1 : TEST_PORT_FIRST;
    while (!test_port_is_free(port));
    (void)snprintf(text, sizeof text, "%u", port);
    if (pwrite(fd, text, strlen(text), 0) < 0 || ftruncate(fd, (off_t)strlen(text)) != 0)
        abort();
    (void)close(fd);
    return (uint16_t)port;
}

#endif
