/* SPDX-License-Identifier: Apache-2.0
 *
 * udp_echo PORT [coap]: the floor. Sends every datagram back, 64 at a time; with `coap` it turns
 * each in place into the 2.05 that a CoAP server would send, which is the least any of them can do.
 * Port 0: any; prints the port. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH = 64, LEN = 1500, BUFFER = 8 << 20 };

static unsigned char bytes[BATCH][LEN];
static struct sockaddr_in from[BATCH];
static struct iovec part[BATCH];
static struct mmsghdr message[BATCH];

static int open_socket(unsigned short port)
{
    struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(port) };
    socklen_t len = sizeof here;
    int fd = socket(AF_INET, SOCK_DGRAM, 0), buffer = BUFFER;

    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    if (fd < 0 || bind(fd, (const struct sockaddr *)&here, sizeof here) != 0 ||
        getsockname(fd, (struct sockaddr *)&here, &len) != 0) {
        perror("socket on 127.0.0.1");
        exit(2);
    }
    printf("%u\n", (unsigned)ntohs(here.sin_port));
    fflush(stdout);
    return fd;
}

/* CON GET in, ACK 2.05 out: same Message ID and token, Content-Format 0, 16 bytes of payload. */
static size_t answer(unsigned char *m, size_t len)
{
    size_t token = m[0] & 15u;

    if (len < 4 + token)
        return len;
    m[0] = (unsigned char)((m[0] & 0x30) == 0 ? 0x60 | token : 0x50 | token);
    m[1] = 0x45;
    memcpy(m + 4 + token,
           "\xc0\xff"
           "0123456789abcdef",
           18);
    return 4 + token + 18;
}

int main(int argc, char **argv)
{
    int coap = argc > 2 && strcmp(argv[2], "coap") == 0;
    int fd = open_socket(argc > 1 ? (unsigned short)strtoul(argv[1], NULL, 10) : 0);

    for (;;) {
        for (int i = 0; i < BATCH; i++) {
            part[i] = (struct iovec){ bytes[i], LEN };
            message[i].msg_hdr = (struct msghdr){ .msg_name = &from[i],
                                                  .msg_namelen = sizeof from[i],
                                                  .msg_iov = &part[i],
                                                  .msg_iovlen = 1 };
        }

        int n = recvmmsg(fd, message, BATCH, MSG_WAITFORONE, NULL);

        if (n < 0)
            return 1;
        for (int i = 0; i < n; i++)
            part[i].iov_len = coap ? answer(bytes[i], message[i].msg_len) : message[i].msg_len;
        for (int sent = 0; sent < n;) {
            int k = sendmmsg(fd, message + sent, (unsigned)(n - sent), 0);

            if (k <= 0)
                return 1;
            sent += k;
        }
    }
}
