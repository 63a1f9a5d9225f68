/* SPDX-License-Identifier: Apache-2.0 */
#include "server/rest/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

enum { IDLE_S = 30 };

static bool parse(const char *text, rest_place *p)
{
    if (inet_pton(AF_INET, text, &p->at.v4.sin_addr) == 1) {
        p->at.v4.sin_family = AF_INET;
        p->at.v4.sin_port = htons(p->port);
        p->loopback = ntohl(p->at.v4.sin_addr.s_addr) >> 24 == 127;
        return true;
    }
    if (inet_pton(AF_INET6, text, &p->at.v6.sin6_addr) != 1)
        return false;
    p->at.v6.sin6_family = AF_INET6;
    p->at.v6.sin6_port = htons(p->port);
    p->loopback = IN6_IS_ADDR_LOOPBACK(&p->at.v6.sin6_addr);
    return true;
}

tsr_err rest_place_parse(const char *bind_to, uint16_t port, rest_place *out, char *why,
                         size_t why_cap)
{
    memset(out, 0, sizeof *out);
    out->name = bind_to != NULL ? bind_to : "127.0.0.1";
    out->port = port;
    if (parse(out->name, out))
        return TSR_OK;
    (void)snprintf(why, why_cap,
                   "%s is not an IP address; write one like 127.0.0.1, ::1 or 0.0.0.0", out->name);
    return TSR_E_ARGUMENT;
}

static void no_log(void *cls, const char *format, va_list args)
{
    (void)cls;
    (void)format;
    (void)args;
}

/* Two for each core: one may wait for the disk while the other works. */
static unsigned threads(void)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);

    return cores <= 2 ? 4u : cores >= 32 ? 64u : 2u * (unsigned)cores;
}

struct MHD_Daemon *rest_listen(const rest_place *place, unsigned flags, unsigned connections,
                               size_t memory, MHD_AccessHandlerCallback on_request, void *cls,
                               const struct MHD_OptionItem *more, char *why, size_t why_cap)
{
    struct MHD_Daemon *daemon;
    unsigned pool = threads();

    flags |= MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_ITC | MHD_USE_ERROR_LOG |
             (place->at.any.sa_family == AF_INET6 ? MHD_USE_IPv6 : 0u);
    connections = connections > pool ? connections : pool;
    daemon = MHD_start_daemon(
        flags, place->port, NULL, NULL, on_request, cls, MHD_OPTION_EXTERNAL_LOGGER, no_log, NULL,
        MHD_OPTION_SOCK_ADDR, &place->at.any, MHD_OPTION_THREAD_POOL_SIZE, pool,
        MHD_OPTION_CONNECTION_LIMIT, connections,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, memory,
        MHD_OPTION_ARRAY, more, MHD_OPTION_END);
    if (daemon == NULL)
        (void)snprintf(why, why_cap,
                       "port %u on %s cannot be opened: %s; is another server running there? "
                       "choose another port",
                       (unsigned)place->port, place->name, strerror(errno));
    return daemon;
}

uint16_t rest_listen_port(struct MHD_Daemon *daemon)
{
    const union MHD_DaemonInfo *info =
        daemon != NULL ? MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT) : NULL;

    return info != NULL ? info->port : 0;
}

const char *rest_peer(struct MHD_Connection *connection, char text[REST_PEER_TEXT])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    rest_place p = { .port = 0 };

    text[0] = 0;
    if (info == NULL || info->client_addr == NULL)
        return text;
    if (info->client_addr->sa_family == AF_INET) {
        memcpy(&p.at.v4, info->client_addr, sizeof p.at.v4);
        (void)inet_ntop(AF_INET, &p.at.v4.sin_addr, text, REST_PEER_TEXT);
    } else if (info->client_addr->sa_family == AF_INET6) {
        memcpy(&p.at.v6, info->client_addr, sizeof p.at.v6);
        (void)inet_ntop(AF_INET6, &p.at.v6.sin6_addr, text, REST_PEER_TEXT);
    }
    return text;
}
