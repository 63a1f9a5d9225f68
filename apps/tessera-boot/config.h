/* SPDX-License-Identifier: Apache-2.0
 *
 * The launcher's configuration: sections with `key = value` lines, # and ; begin comments.
 * docs/WIRE.md, "Launcher"; an example is apps/tessera-boot/boot.conf. */
#ifndef APPS_TESSERA_BOOT_CONFIG_H
#define APPS_TESSERA_BOOT_CONFIG_H

#include "tessera/base/bytes.h"

enum { BOOT_PATH = 256, BOOT_NAME = 64, BOOT_OPTIONS = 16 };

/** A program that the launcher starts. */
typedef struct {
    char program[BOOT_PATH]; /* empty: it comes out of the bundle */
    char user[BOOT_NAME];    /* empty: as the launcher */
    char option[BOOT_OPTIONS][BOOT_PATH];
    size_t option_count;
} boot_program;

typedef struct {
    char store[BOOT_PATH];  /* of tessera-secured; the launcher opens it first */
    char slots[BOOT_PATH];  /* directory with update.conf and the slots */
    uint32_t trial_s;       /* a new version has this long to be accepted */
    uint32_t start_s;       /* tessera-secured has this long to be ready */
    uint32_t stop_s;        /* a program has this long to end after SIGTERM */
    uint32_t backoff_ms, backoff_max_ms; /* between restarts of what crashes: doubled each time */
    char socket[108];       /* of tessera-secured */
    char entry[BOOT_PATH];  /* the program's name in the bundle */
    boot_program secured, daemon;
    char config[BOOT_PATH]; /* given to the daemon as --config */
} boot_config;

/** Reads and checks the whole file.
 *
 *  error   on failure: "FILE:LINE: cause; remedy", zero-terminated
 *  errors  TSR_E_NOT_FOUND  the file cannot be read; TSR_E_DENIED  others own it or may write to it;
 *          TSR_E_MALFORMED  anything else */
tsr_err boot_config_load(const char *path, boot_config *c, char *error, size_t error_len);

#endif
