/* SPDX-License-Identifier: Apache-2.0 */
#include "ports/linux/secured/options.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "ports/linux/secured/sandbox.h"

static const char help[] =
    "tessera-secured: keys and stored secrets behind a process border\n"
    "\n"
    "  --socket PATH       where clients connect (default /run/tessera/secured.sock)\n"
    "  --socket-mode MODE  permissions of the socket, octal (default 0666)\n"
    "  --store DIR         where keys are kept (default /var/lib/tessera/secured)\n"
    "  --root-key FILE     the device's root key (default DIR/root.key, made at first start)\n"
    "  --tpm TCTI          a TPM 2.0, such as device:/dev/tpmrm0: it keeps keys of its location,\n"
    "                      and the root key's file can be opened with it alone\n"
    "  --ps FILE           Protected Storage, on any medium (default DIR/ps.tsr)\n"
    "  --user NAME         become this user after the socket was made\n"
    "  --client UID=N      user UID is client N, a negative number (default -(UID + 1))\n"
    "  --connections N     connections one user may hold (default 32)\n"
    "  --keys N            volatile keys one client may hold (default 512)\n"
    "  --operations N      operations one client may hold open (default 64)\n"
    "  --persistent N      persistent keys one client may hold (default 256)\n"
    "  --bytes N           bytes one client may store (default a quarter of the store)\n"
    "  --rate N            requests a second of one client, over which it is made to wait\n"
    "                      (default 20000; 0: no limit)\n"
    "  --repair-store      keep what is readable of a damaged store, then serve\n"
    "  --ready-fd FD       write a line there once clients may connect\n"
    "  --sandbox-list      print the system calls that are left while serving, and why each\n"
    "  --slots DIR         serve firmware update for the components of DIR/update.conf\n"
    "  --boot-record-fd FD read there what the launcher measured\n"
    "  --reboot-fd FD      a launcher decided what starts; ask it there for a restart\n"
    "  --no-sandbox        no seccomp filter, no Landlock: for debugging only\n"
    "  --verbose           log every connection\n"
    "  --help, --version\n"
    "\n"
    "It stays in the foreground and logs to standard error. SIGTERM ends it, SIGUSR1 logs "
    "figures.\n";

enum {
    SOCKET = 256,
    MODE,
    STORE,
    ROOT_KEY,
    TPM,
    PS_FILE,
    USER,
    CLIENT,
    CONNECTIONS,
    KEYS,
    OPERATIONS,
    PERSISTENT,
    BYTES,
    RATE,
    REPAIR,
    READY,
    REBOOT,
    BOOT_RECORD,
    SLOTS,
    NO_SANDBOX,
    SANDBOX_LIST,
    VERBOSE,
    FOREGROUND,
    HELP,
    VERSION,
};

static const struct option words[] = {
    { "socket", required_argument, NULL, SOCKET },
    { "socket-mode", required_argument, NULL, MODE },
    { "store", required_argument, NULL, STORE },
    { "root-key", required_argument, NULL, ROOT_KEY },
    { "tpm", required_argument, NULL, TPM },
    { "ps", required_argument, NULL, PS_FILE },
    { "user", required_argument, NULL, USER },
    { "client", required_argument, NULL, CLIENT },
    { "connections", required_argument, NULL, CONNECTIONS },
    { "keys", required_argument, NULL, KEYS },
    { "operations", required_argument, NULL, OPERATIONS },
    { "persistent", required_argument, NULL, PERSISTENT },
    { "bytes", required_argument, NULL, BYTES },
    { "rate", required_argument, NULL, RATE },
    { "repair-store", no_argument, NULL, REPAIR },
    { "ready-fd", required_argument, NULL, READY },
    { "reboot-fd", required_argument, NULL, REBOOT },
    { "boot-record-fd", required_argument, NULL, BOOT_RECORD },
    { "slots", required_argument, NULL, SLOTS },
    { "no-sandbox", no_argument, NULL, NO_SANDBOX },
    { "sandbox-list", no_argument, NULL, SANDBOX_LIST },
    { "verbose", no_argument, NULL, VERBOSE },
    { "foreground", no_argument, NULL, FOREGROUND },
    { "help", no_argument, NULL, HELP },
    { "version", no_argument, NULL, VERSION },
    { NULL, 0, NULL, 0 },
};

static tsr_err complain(const char *word, const char *value, const char *why)
{
    (void)fprintf(stderr, "tessera-secured: --%s %s: %s (see --help)\n", word, value, why);
    return TSR_E_ARGUMENT;
}

static tsr_err number(const char *word, const char *text, uint64_t max, uint32_t *out)
{
    uint64_t v;

    if (tsr_dec(tsr_text(text), &v) != TSR_OK || v > max)
        return complain(word, text, "a whole number that is not too large is wanted");
    *out = (uint32_t)v;
    return TSR_OK;
}

static tsr_err octal(const char *text, mode_t *mode)
{
    char *end;
    unsigned long v = strtoul(text, &end, 8);

    if (*text == 0 || *end != 0 || v > 0777)
        return complain("socket-mode", text, "permissions such as 0660 are wanted");
    *mode = (mode_t)v;
    return TSR_OK;
}

static tsr_err client(tsr_spm_clients *clients, const char *text)
{
    switch (tsr_spm_name_text(clients, tsr_text(text))) {
    case TSR_OK: return TSR_OK;
    case TSR_E_EXISTS: return complain("client", text, "this user was named before");
    case TSR_E_ARGUMENT: return complain("client", text, "the client's number must be negative");
    case TSR_E_SPACE: return complain("client", text, "too many users are named");
    default: return complain("client", text, "write UID=NUMBER, such as 1001=-7");
    }
}

static tsr_err take(tsr_secured_options *o, int word, const char *value)
{
    uint32_t fd;

    switch (word) {
    case SOCKET: o->socket = value; return TSR_OK;
    case MODE: return octal(value, &o->mode);
    case STORE: o->store = value; return TSR_OK;
    case SLOTS: o->slots = value; return TSR_OK;
    case ROOT_KEY: o->root_key = value; return TSR_OK;
    case TPM: o->tpm = value; return TSR_OK;
    case PS_FILE: o->ps = value; return TSR_OK;
    case USER: o->user = value; return TSR_OK;
    case CLIENT: return client(&o->clients, value);
    case CONNECTIONS: return number("connections", value, 256, &o->connections_each);
    case KEYS: return number("keys", value, 16384, &o->keys_each);
    case OPERATIONS: return number("operations", value, 256, &o->ops_each);
    case PERSISTENT: return number("persistent", value, 16384, &o->persistent_each);
    case BYTES: return number("bytes", value, UINT32_MAX, &o->bytes_each);
    case RATE: return number("rate", value, 1000000, &o->rate_each);
    case REPAIR: o->repair = true; return TSR_OK;
    case NO_SANDBOX: o->sandbox = false; return TSR_OK;
    case VERBOSE: o->verbose = true; return TSR_OK;
    case SANDBOX_LIST: tsr_sandbox_list(); return TSR_END;
    case FOREGROUND: return TSR_OK;
    case HELP: (void)fputs(help, stdout); return TSR_END;
    case VERSION: (void)puts("tessera-secured 0.1.0"); return TSR_END;
    case READY:
        if (number("ready-fd", value, 1024, &fd) != TSR_OK)
            return TSR_E_ARGUMENT;
        o->ready_fd = (int)fd;
        return TSR_OK;
    case REBOOT:
        if (number("reboot-fd", value, 1024, &fd) != TSR_OK)
            return TSR_E_ARGUMENT;
        o->reboot_fd = (int)fd;
        return TSR_OK;
    case BOOT_RECORD:
        if (number("boot-record-fd", value, 1024, &fd) != TSR_OK)
            return TSR_E_ARGUMENT;
        o->boot_record_fd = (int)fd;
        return TSR_OK;
    default: /* getopt has said which word it does not know */
        (void)fputs("tessera-secured: see --help\n", stderr);
        return TSR_E_ARGUMENT;
    }
}

tsr_err tsr_secured_options_read(tsr_secured_options *o, int argc, char **argv)
{
    int word;

    *o = (tsr_secured_options){
        .socket = "/run/tessera/secured.sock",
        .store = "/var/lib/tessera/secured",
        .mode = 0666,
        .ready_fd = -1,
        .reboot_fd = -1,
        .boot_record_fd = -1,
        .sandbox = true,
        .connections_each = 32,
        .keys_each = 512,
        .ops_each = 64,
        .persistent_each = 256,
        .rate_each = 20000,
    };
    while ((word = getopt_long(argc, argv, "", words, NULL)) != -1) {
        tsr_err err = take(o, word, optarg);

        if (err != TSR_OK)
            return err;
    }
    if (optind < argc) {
        (void)fprintf(stderr, "tessera-secured: %s: options begin with -- (see --help)\n",
                      argv[optind]);
        return TSR_E_ARGUMENT;
    }
    return TSR_OK;
}
