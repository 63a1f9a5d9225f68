/* SPDX-License-Identifier: Apache-2.0
 *
 * tessera-boot: starts the device from a verified slot, and comes back to the old version when a
 * new one does not prove itself. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "apps/tessera-boot/launcher.h"

static const char usage[] =
    "usage: tessera-boot [--config FILE] [--check-config]\n"
    "\n"
    "Verifies the slot that is to start, measures it, starts tessera-secured and then the daemon\n"
    "out of the slot's bundle, and watches over both. A new version that is not accepted in time,\n"
    "or crashes before that, is given up for the one before.\n"
    "\n"
    "  --config FILE     the configuration (default /etc/tessera/boot.conf)\n"
    "  --check-config    say whether it is good, and end\n"
    "  --help, --version\n"
    "\n"
    "It stays in the foreground and logs to standard error. TERM and INT end it and all it started,\n"
    "HUP is passed to the daemon.\n"
    "\n"
    "exit codes: 0 ended by a signal, 1 cannot run, 2 wrong command line or configuration,\n"
    "            3 no slot holds an image that may be started\n";

int main(int argc, char **argv)
{
    static const struct option words[] = {
        { "config", required_argument, NULL, 'c' }, { "check-config", no_argument, NULL, 'n' },
        { "help", no_argument, NULL, 'h' },         { "version", no_argument, NULL, 'v' },
        { NULL, 0, NULL, 0 },
    };
    static boot_config config;
    const char *path = "/etc/tessera/boot.conf";
    char error[512];
    bool check = false;
    int ch;

    while ((ch = getopt_long(argc, argv, "c:", words, NULL)) != -1) {
        switch (ch) {
        case 'c': path = optarg; break;
        case 'n': check = true; break;
        case 'h': (void)fputs(usage, stdout); return 0;
        case 'v': (void)puts("tessera-boot " TSR_VERSION); return 0;
        default:  (void)fputs(usage, stderr); return 2;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "tessera-boot: %s: options begin with --\n", argv[optind]);
        return 2;
    }
    if (boot_config_load(path, &config, error, sizeof error) != TSR_OK) {
        (void)fprintf(stderr, "%s\n", error);
        return 2;
    }
    if (check) {
        (void)printf("%s: good\n", path);
        return 0;
    }
    return launch(&config);
}
