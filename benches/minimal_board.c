/* SPDX-License-Identifier: Apache-2.0
 *
 * minimal_client PORT: the client of footprint_client.c, as it is, on a host instead of a board; its server
 * is at 127.0.0.1:PORT. So what is measured can be tried against peers written by others. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#include "tessera/base/bytes.h"

enum { LONGEST_MS = 60000 };

int board_main(void); /* main() of footprint_client.c */
uint64_t board_ms(void);
uint64_t board_random(void);
size_t board_receive(uint8_t *datagram, size_t cap, uint64_t until_ms);
void board_send(const uint8_t *datagram, size_t len);

static int radio;

uint64_t board_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t board_random(void)
{
    uint64_t v;

    if (getrandom(&v, sizeof v, 0) != (ssize_t)sizeof v)
        abort();
    return v;
}

size_t board_receive(uint8_t *datagram, size_t cap, uint64_t until_ms)
{
    uint64_t now_ms = board_ms(), wait_ms = until_ms > now_ms ? until_ms - now_ms : 0;
    struct pollfd ready = { .fd = radio, .events = POLLIN };
    ssize_t n;

    if (poll(&ready, 1, wait_ms > LONGEST_MS ? LONGEST_MS : (int)wait_ms) <= 0)
        return 0;
    n = recv(radio, datagram, cap, 0);
    return n > 0 ? (size_t)n : 0;
}

void board_send(const uint8_t *datagram, size_t len)
{
    (void)send(radio, datagram, len, 0); /* what does not go is lost, as on a network */
}

int main(int argc, char **argv)
{
    struct sockaddr_in server = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };

    if (argc != 2)
        return 2;
    server.sin_port = htons((uint16_t)strtoul(argv[1], NULL, 10));
    radio = socket(AF_INET, SOCK_DGRAM, 0);
    if (radio < 0 || connect(radio, (struct sockaddr *)&server, sizeof server) != 0)
        return 1;
    return board_main();
}
