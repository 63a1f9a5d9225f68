/* SPDX-License-Identifier: Apache-2.0
 *
 * tesserad: the device daemon. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "apps/tesserad/certificate.h"
#include "apps/tesserad/daemon.h"
#include "apps/tesserad/onboard.h"
#include "ports/linux/software/run.h"
#include "tessera/base/bytes.h"

static const char usage[] =
    "usage: tesserad [--config FILE] [--check-config]\n"
    "       tesserad provision --server N [--config FILE] [--key-file FILE] [--format hex|base64|raw]\n"
    "                          [--oscore] [--replace]\n"
    "       tesserad request --server N [--config FILE] [--out FILE] [--replace]\n"
    "       tesserad fdo [--config FILE] [--guid|--reset|--erase]\n"
    "\n"
    "  --config FILE     the configuration (default /etc/tessera/tesserad.conf)\n"
    "  --check-config    say whether it is good, and end\n"
    "\n"
    "provision brings a pre-shared key behind the wall. request makes a key pair there and writes a\n"
    "certificate signing request, whose common name is the endpoint; again, to renew a certificate.\n"
    "fdo says whether the device has been onboarded; --guid: its number in FDO.\n"
    "\n"
    "  --reset           drop what its owner gave, and look for an owner again\n"
    "  --erase           drop all of FDO: the device is initialised again\n"
    "  --server N        the Short Server ID whose key it is\n"
    "  --bootstrap       it is the key of the bootstrap server\n"
    "  --key-file FILE   where the key is; it is emptied and removed (default: standard input)\n"
    "  --format NAME     how the key is written (default hex)\n"
    "  --out FILE        where the request goes, PEM (default: standard output)\n"
    "  --oscore          it is the Master Secret of OSCORE, not the key of DTLS\n"
    "  --replace         give up the key that has this number, if there is one\n"
    "\n"
    "Signals: TERM and INT end it, HUP reads the configuration again, USR1 opens new sockets.\n";

typedef struct {
    const char *config, *key_file, *format, *out;
    uint64_t server;
    bool check, provision, request, fdo, replace, oscore, reset, erase, guid;
} options;

enum { EXIT_USAGE = 2 };

static int complain(const char *text)
{
    (void)fprintf(stderr, "tesserad: %s\n%s", text, usage);
    return EXIT_USAGE;
}

/* Returns 0, or the exit code plus one when there is nothing more to do. */
static int read_options(int argc, char **argv, options *o)
{
    static const struct option words[] = {
        { "config", required_argument, NULL, 'c' },   { "check-config", no_argument, NULL, 'n' },
        { "server", required_argument, NULL, 's' },   { "bootstrap", no_argument, NULL, 'b' },
          { "key-file", required_argument, NULL, 'k' },
        { "format", required_argument, NULL, 'f' },   { "replace", no_argument, NULL, 'r' },
        { "out", required_argument, NULL, 'o' },      { "oscore", no_argument, NULL, 'O' },
        { "reset", no_argument, NULL, 'R' },          { "erase", no_argument, NULL, 'E' },
        { "guid", no_argument, NULL, 'G' },
        { "help", no_argument, NULL, 'h' },
        { "version", no_argument, NULL, 'v' },        { NULL, 0, NULL, 0 },
    };
    int ch;

    while ((ch = getopt_long(argc, argv, "c:", words, NULL)) != -1) {
        switch (ch) {
        case 'c': o->config = optarg; break;
        case 'n': o->check = true; break;
        case 'k': o->key_file = optarg; break;
        case 'f': o->format = optarg; break;
        case 'o': o->out = optarg; break;
        case 'r': o->replace = true; break;
        case 'O': o->oscore = true; break;
        case 'R': o->reset = true; break;
        case 'E': o->erase = true; break;
        case 'G': o->guid = true; break;
        case 'b': o->server = CONFIG_BOOTSTRAP; break;
        case 's':
            if (tsr_dec(tsr_text(optarg), &o->server) != TSR_OK)
                return complain("--server takes a number") + 1;
            break;
        case 'h': (void)fputs(usage, stdout); return 1;
        case 'v': (void)puts("tesserad 0.1.0"); return 1;
        default:  return complain("unknown option") + 1;
        }
    }
    if (optind < argc && strcmp(argv[optind], "provision") == 0) {
        o->provision = true;
        optind++;
    } else if (optind < argc && strcmp(argv[optind], "request") == 0) {
        o->request = true;
        optind++;
    } else if (optind < argc && strcmp(argv[optind], "fdo") == 0) {
        o->fdo = true;
        optind++;
    }
    if (o->reset + o->erase + o->guid > o->fdo)
        return complain("one of --guid, --reset and --erase goes with fdo") + 1;
    return optind < argc ? complain("unknown word") + 1 : 0;
}

/* A device that reboots begins anew; under `restart` that is this process. */
static int reboot_device(const config *c, char **argv)
{
    if (c->reboot == REBOOT_SYSTEM) {
        sync();
        if (reboot(RB_AUTOBOOT) == 0)
            return 0;
        perror("tesserad: reboot = system needs CAP_SYS_BOOT; restarting the daemon instead");
    }
    (void)execv("/proc/self/exe", argv);
    perror("tesserad: cannot start again");
    return 1;
}

static int run(config *c, const options *o, char **argv)
{
    char error[512];

    for (;;) {
        onboard_end owned = onboard_run(c);

        if (owned == ONBOARD_ENDED || owned == ONBOARD_FAILED)
            return owned == ONBOARD_FAILED;
        switch (owned == ONBOARD_DONE ? daemon_run(c, o->config) : DAEMON_RELOAD) {
        case DAEMON_ENDED:  return 0;
        case DAEMON_REBOOT: return reboot_device(c, argv);
        case DAEMON_FAILED: return 1;
        case DAEMON_RELOAD: break;
        }
        if (config_load(o->config, c, error, sizeof error) != TSR_OK) {
            (void)fprintf(stderr, "%s\n", error);
            return EXIT_USAGE;
        }
    }
}

int main(int argc, char **argv)
{
    static config c;
    options o = { .config = "/etc/tessera/tesserad.conf", .format = "hex" };
    char error[512];
    int done;

    if (argc > 1 && strcmp(argv[1], TSR_SOFTWARE_WORD) == 0)
        return tsr_software_keeper(argc, argv);
    done = read_options(argc, argv, &o);
    if (done != 0)
        return done - 1;
    if (config_load(o.config, &c, error, sizeof error) != TSR_OK) {
        (void)fprintf(stderr, "%s\n", error);
        return EXIT_USAGE;
    }
    if (o.provision)
        return daemon_provision(&c, (uint32_t)o.server, o.key_file, o.format, o.oscore,
                                o.replace);
    if (o.request)
        return certificate_request(&c, (uint32_t)o.server, o.out, o.replace);
    if (o.fdo)
        return onboard_command(&c, o.reset, o.erase, o.guid);
    if (o.check) {
        (void)printf("%s: good, %zu server%s\n", o.config, c.server_count,
                     c.server_count == 1 ? "" : "s");
        return 0;
    }
    return run(&c, &o, argv);
}
