/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line of tessera-secured. */
#ifndef PORTS_LINUX_SECURED_OPTIONS_H
#define PORTS_LINUX_SECURED_OPTIONS_H

#include <sys/types.h>

#include "secure/spm/clients.h"

typedef struct {
    const char *socket;   /* default /run/tessera/secured.sock */
    const char *store;    /* default /var/lib/tessera/secured */
    const char *root_key; /* NULL: root.key in the store's directory */
    const char *tpm;      /* NULL: none; else its TCTI, and the root key is sealed to it */
    const char *ps;       /* NULL: ps.tsr in the store's directory */
    const char *user;     /* NULL: stay who we are */
    mode_t mode;          /* of the socket, default 0666: who may use a key is decided by user */
    int ready_fd;         /* -1: none */
    int reboot_fd;        /* -1: no launcher */
    int boot_record_fd;   /* -1: none, so the service measures itself */
    const char *slots;    /* NULL: firmware update is not served */
    bool repair;          /* rewrite a damaged store, keeping what is readable */
    bool sandbox;
    bool verbose;
    uint32_t connections_each, keys_each, ops_each, persistent_each;
    uint32_t bytes_each; /* 0: a quarter of the store */
    uint32_t rate_each;  /* requests a second; 0: no limit */
    tsr_spm_clients clients;
} tsr_secured_options;

/** Reads the command line.
 *  errors  TSR_E_ARGUMENT  a line on standard error says which word and why
 *          TSR_END         --help or --version was answered on standard output */
tsr_err tsr_secured_options_read(tsr_secured_options *o, int argc, char **argv);

#endif
