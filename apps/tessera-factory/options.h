/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line of tessera-factory. */
#ifndef APPS_TESSERA_FACTORY_OPTIONS_H
#define APPS_TESSERA_FACTORY_OPTIONS_H

#include "secure/lifecycle/lifecycle.h"
#include "secure/spm/clients.h"

#define FACTORY_SECRETS 16u

typedef struct {  /* a first secret of a client */
    uint32_t uid; /* the user */
    uint32_t id;  /* of the key, or of the asset in ITS */
    bool asset;
    const char *file; /* "-" is standard input */
} factory_secret;

typedef struct {
    const char *store, *root_key, *user;
    const char *root_secret;    /* NULL: made here */
    const char *attest_key;     /* NULL: made inside */
    const char *tpm;            /* NULL: none; else its TCTI, and the root key is sealed to it */
    const char *implementation; /* 64 hex digits */
    const char *certification, *verification;
    const char *update, *slots; /* both or none */
    const char *update_key;     /* key that images are encrypted to, 32 hex digits; NULL: none */
    const char *record;         /* NULL: standard output */
    factory_secret secrets[FACTORY_SECRETS];
    size_t secret_count;
    tsr_spm_clients clients;
    tsr_lifecycle_state state; /* TSR_LIFECYCLE_UNKNOWN: leave it */
    bool show;                 /* change nothing, print the record */
} factory_options;

/** Reads the command line.
 *  errors  TSR_E_ARGUMENT  a line on standard error says which word and why
 *          TSR_END         --help or --version was answered */
tsr_err factory_options_read(factory_options *o, int argc, char **argv);

#endif
