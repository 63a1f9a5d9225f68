/* SPDX-License-Identifier: Apache-2.0
 *
 * The server's options, from the command line and from a file of the same words. */
#ifndef APPS_TESSERA_SERVER_OPTIONS_H
#define APPS_TESSERA_SERVER_OPTIONS_H

#include "server/lwm2m/server.h"

typedef struct {
    tsr_server_config server;
    tsr_address http;
    bool no_http;
    char data[1024], certificate[1024], key[1024], trust[1024], token_file[1024];
    char enrol_certificate[1024], enrol_key[1024];
    tsr_log_level log_level;
    bool help, version;
} options;

enum { OPTIONS_WHY = 1200 };

/** Reads argv; `--config FILE` is read where it stands, so that what follows overrules it.
 *  errors  TSR_E_ARGUMENT  why: file and line or argument, the cause and the remedy */
tsr_err options_read(options *o, int argc, char **argv, char why[OPTIONS_WHY]);

/** Reads lines "name = value"; '#' begins a comment. errors as above, and TSR_E_IO */
tsr_err options_file(options *o, const char *file, char why[OPTIONS_WHY]);

/** The text of --help. */
extern const char options_help[];

#endif
