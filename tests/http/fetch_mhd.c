/* SPDX-License-Identifier: Apache-2.0
 *
 * fetch_mhd PORT: a server of libmicrohttpd on loopback. POST gives back what came, in chunks; GET
 * /length/N and /chunks/N give N bytes, /close the same with the end of the connection. */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 4 << 20 };

typedef struct {
    size_t len, cap;
    char *text;
} body;

static ssize_t give(void *cls, uint64_t at, char *out, size_t max)
{
    const body *b = cls;
    size_t n = b->len - (size_t)at;

    if (n == 0)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (n > max)
        n = max;
    if (n > 1000)
        n = 1000;
    memcpy(out, b->text + at, n);
    return (ssize_t)n;
}

static void drop(void *cls)
{
    body *b = cls;

    free(b->text);
    free(b);
}

static body *bytes(size_t len)
{
    body *b = calloc(1, sizeof *b);

    if (b == NULL || (b->text = malloc(len + 1)) == NULL)
        abort();
    b->len = b->cap = len;
    for (size_t i = 0; i < len; i++)
        b->text[i] = (char)(i * 7 + (i >> 8));
    return b;
}

static enum MHD_Result answer(struct MHD_Connection *c, body *b, uint64_t size, const char *connection)
{
    struct MHD_Response *r = MHD_create_response_from_callback(size, 4096, give, b, drop);
    enum MHD_Result result;

    (void)MHD_add_response_header(r, "Message-Type", "11");
    if (connection != NULL)
        (void)MHD_add_response_header(r, "Connection", connection);
    result = MHD_queue_response(c, MHD_HTTP_OK, r);
    MHD_destroy_response(r);
    return result;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *c, const char *url, const char *method,
                              const char *version, const char *data, size_t *len, void **state)
{
    body *b = *state;
    size_t n = 0;

    (void)cls, (void)version;
    if (b == NULL) { /* an answer at the head would end the connection */
        *state = b = bytes(strcmp(method, "POST") == 0 ? MOST : 0);
        b->len = 0;
        return MHD_YES;
    }
    if (strcmp(method, "POST") != 0) {
        if (sscanf(url, "/length/%zu", &n) == 1)
            return answer(c, bytes(n), n, NULL);
        if (sscanf(url, "/chunks/%zu", &n) == 1)
            return answer(c, bytes(n), MHD_SIZE_UNKNOWN, NULL);
        return answer(c, bytes(5000), MHD_SIZE_UNKNOWN, "close");
    }
    if (*len != 0) {
        if (*len > b->cap - b->len)
            return MHD_NO;
        memcpy(b->text + b->len, data, *len);
        b->len += *len;
        *len = 0;
        return MHD_YES;
    }
    *state = NULL;
    return answer(c, b, MHD_SIZE_UNKNOWN, NULL);
}

static void over(void *cls, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
    (void)cls, (void)c, (void)why;
    if (*state != NULL)
        drop(*state);
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    struct MHD_Daemon *d;

    if (argc != 2)
        return 2;
    at.sin_port = htons((uint16_t)atoi(argv[1]));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    d = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL, handle, NULL,
                         MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&at, MHD_OPTION_NOTIFY_COMPLETED, over,
                         NULL, MHD_OPTION_END);
    if (d == NULL)
        return 1;
    (void)puts("ready");
    (void)fflush(stdout);
    while (getchar() != EOF)
        ;
    MHD_stop_daemon(d);
    return 0;
}
