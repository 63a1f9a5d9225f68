/* SPDX-License-Identifier: Apache-2.0 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "ports/linux/device/device.h"

static const char help[] =
    "  --server URI       coap://host[:port], or coaps:// with a pre-shared key\n"
    "  --endpoint NAME    the device's name (%s)\n"
    "  --identity TEXT    of the key; the endpoint unless told\n"
    "  --key-file FILE    brings the key, in hexadecimal digits, to the secure service\n"
    "  --key N            its number there (1)\n"
    "  --secured SOCKET   of tessera-secured\n"
    "  --state DIR        for what is to outlive a restart; without it nothing does\n"
    "  --lifetime SECONDS (300)\n";

static bool number(const char *text, uint32_t *out)
{
    char *end;
    unsigned long v = strtoul(text, &end, 10);

    if (*text < '0' || *text > '9' || *end != '\0' || v == 0 || v > UINT32_MAX)
        return false;
    *out = (uint32_t)v;
    return true;
}

static bool take(tsr_linux_config *c, int option, const char *value)
{
    switch (option) {
    case 's': c->server = value; return true;
    case 'e': c->endpoint = value; return true;
    case 'i': c->identity = value; return true;
    case 'f': c->key_file = value; return true;
    case 'k': return number(value, &c->key);
    case 'p': c->secured = value; return true;
    case 'd': c->state = value; return true;
    case 'l': return number(value, &c->lifetime_s);
    default: return false;
    }
}

int tsr_linux_options(tsr_linux_config *config, int argc, char *argv[])
{
    static const struct option known[] = {
        { "server", required_argument, NULL, 's' },   { "endpoint", required_argument, NULL, 'e' },
        { "identity", required_argument, NULL, 'i' }, { "key-file", required_argument, NULL, 'f' },
        { "key", required_argument, NULL, 'k' },      { "secured", required_argument, NULL, 'p' },
        { "state", required_argument, NULL, 'd' },    { "lifetime", required_argument, NULL, 'l' },
        { 0 },
    };
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (!take(config, option, optarg)) {
            (void)fprintf(stderr, "usage: %s [option ...]\n", argv[0]);
            (void)fprintf(stderr, help, config->endpoint);
            return -1;
        }
    }
    if (config->server != NULL && config->endpoint != NULL)
        return optind;
    (void)fprintf(stderr, "%s: --server is missing; for example --server coap://127.0.0.1\n", argv[0]);
    return -1;
}
