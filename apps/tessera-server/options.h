/* SPDX-License-Identifier: Apache-2.0
 *
 * The server's options, from the command line and from a file of the same words. */
#ifndef APPS_TESSERA_SERVER_OPTIONS_H
#define APPS_TESSERA_SERVER_OPTIONS_H

#include "server/fdo/fdo.h"
#include "server/lwm2m/server.h"

typedef struct {
    tsr_server_config server;
    tsr_address http;
    bool no_http;
    char data[1024], certificate[1024], key[1024], trust[1024], token_file[1024];
    char enrol_certificate[1024], enrol_key[1024];
    tsr_log_level log_level;
    tsr_fdo_config fdo; /* its lists are of `words` */
    uint32_t fdo_run_s;
    tsr_address fdo_address;
    bool with_fdo;
    uint64_t audit; /* entries kept of each book; 0: the default */
    char fdo_device_ca[1024], fdo_device_ca_key[1024], fdo_device_trust[1024], fdo_next_owner[1024];
    char fdo_rendezvous_ca[1024];
    char words[8192];
    size_t words_len;
    bool help, help_fdo, version;
} options;

enum { OPTIONS_WHY = 1200 };

/** Reads argv; `--config FILE` is read where it stands, so that what follows overrules it.
 *  errors  TSR_E_ARGUMENT  why: file and line or argument, the cause and the remedy */
tsr_err options_read(options *o, int argc, char **argv, char why[OPTIONS_WHY]);

/** Reads lines "name = value"; '#' begins a comment. errors as above, and TSR_E_IO */
tsr_err options_file(options *o, const char *file, char why[OPTIONS_WHY]);

/** The text of --help. */
extern const char options_help[];

/** Those of FIDO Device Onboard that do more than to keep a value (options_fdo.c). */
tsr_err options_set_fdo(options *o, const char *value, const char **cause);
tsr_err options_set_fdo_roles(options *o, const char *value, const char **cause);
tsr_err options_add_fdo_manufacturer_key(options *o, const char *value, const char **cause);
tsr_err options_add_fdo_owner_key(options *o, const char *value, const char **cause);
tsr_err options_add_fdo_rendezvous(options *o, const char *value, const char **cause);
tsr_err options_add_fdo_owner_place(options *o, const char *value, const char **cause);
tsr_err options_add_fdo_owner_trust(options *o, const char *value, const char **cause);
extern const char options_fdo_help[];

#endif
