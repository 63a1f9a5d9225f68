/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/lossy/relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile int stop;

static const char usage[] =
    "lossy-relay --listen ADDRESS:PORT --to ADDRESS:PORT [options]\n"
    "Relays UDP as a bad link would; each client gets a port of its own towards the server.\n"
    "  --loss PERCENT       datagrams lost, each way (0)\n"
    "  --dup PERCENT        datagrams that arrive twice (0)\n"
    "  --reorder PERCENT    datagrams that are held back by 60 ms (0)\n"
    "  --delay-ms MIN..MAX  delay of every datagram, evenly spread (0..0)\n"
    "  --rebind-every SEC   give every client a new port that often, as a NAT does (never)\n"
    "  --seed NUMBER        of the dice (1)\n"
    "Port 0 picks a free one; the first line of output names it. SIGTERM ends it and prints "
    "counts.\n";

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

static bool read_number(const char *text, unsigned long max, unsigned long *out)
{
    char *end;

    errno = 0;
    *out = strtoul(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == 0 && errno == 0 && *out <= max;
}

static bool read_address(const char *text, struct sockaddr_in *out)
{
    char host[64];
    const char *colon = strrchr(text, ':');
    unsigned long port;

    if (colon == NULL || (size_t)(colon - text) >= sizeof(host) ||
        !read_number(colon + 1, 65535, &port))
        return false;
    memcpy(host, text, (size_t)(colon - text));
    host[colon - text] = 0;
    *out = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    return inet_pton(AF_INET, host, &out->sin_addr) == 1;
}

static bool read_range(const char *text, unsigned *min, unsigned *max)
{
    char low[16];
    const char *dots = strstr(text, "..");
    unsigned long a, b;

    if (dots == NULL || (size_t)(dots - text) >= sizeof(low))
        return false;
    memcpy(low, text, (size_t)(dots - text));
    low[dots - text] = 0;
    if (!read_number(low, 60000, &a) || !read_number(dots + 2, 60000, &b) || a > b)
        return false;
    *min = (unsigned)a;
    *max = (unsigned)b;
    return true;
}

static bool read_percent(const char *text, unsigned *out)
{
    unsigned long n;

    if (!read_number(text, 100, &n))
        return false;
    *out = (unsigned)n;
    return true;
}

static bool read_option(int option, const char *text, relay_options *o)
{
    unsigned long n;

    switch (option) {
    case 'l': return read_address(text, &o->listen);
    case 't': return read_address(text, &o->to) && o->to.sin_port != 0;
    case 'L': return read_percent(text, &o->loss);
    case 'd': return read_percent(text, &o->dup);
    case 'r': return read_percent(text, &o->reorder);
    case 'm': return read_range(text, &o->delay_min_ms, &o->delay_max_ms);
    case 'b':
        if (!read_number(text, 86400, &n))
            return false;
        o->rebind_s = (unsigned)n;
        return true;
    case 's':
        if (!read_number(text, UINT32_MAX, &n))
            return false;
        o->seed = n;
        return true;
    default: return false;
    }
}

static void ready(uint16_t port)
{
    printf("lossy-relay: ready on port %u\n", (unsigned)port);
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static const struct option names[] = {
        { "listen", 1, NULL, 'l' },       { "to", 1, NULL, 't' },
        { "loss", 1, NULL, 'L' },         { "dup", 1, NULL, 'd' },
        { "reorder", 1, NULL, 'r' },      { "delay-ms", 1, NULL, 'm' },
        { "rebind-every", 1, NULL, 'b' }, { "seed", 1, NULL, 's' },
        { "help", 0, NULL, 'h' },         { NULL, 0, NULL, 0 },
    };
    relay_options o = { .seed = 1 };
    relay_counts n = { 0 };
    int option, index = 0;

    while ((option = getopt_long(argc, argv, "", names, &index)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return 0;
        }
        if (option == '?' || !read_option(option, optarg, &o)) {
            if (option != '?')
                fprintf(stderr, "lossy-relay: --%s does not take \"%s\"; see --help\n",
                        names[index].name, optarg);
            return 2;
        }
    }
    if (o.listen.sin_family == 0 || o.to.sin_family == 0 || optind != argc) {
        fputs(usage, stderr);
        return 2;
    }
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);
    if (relay_run(&o, &stop, ready, &n) != 0) {
        fprintf(stderr, "lossy-relay: cannot listen: %s\n", strerror(errno));
        return 1;
    }
    printf("lossy-relay: received %llu, delivered %llu, lost %llu, doubled %llu, late %llu, "
           "rebinds %llu\n",
           (unsigned long long)n.received, (unsigned long long)n.delivered,
           (unsigned long long)n.lost, (unsigned long long)n.doubled, (unsigned long long)n.late,
           (unsigned long long)n.rebinds);
    return 0;
}
