/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files that read the configuration share. */
#ifndef APPS_TESSERAD_CONFIG_IN_H
#define APPS_TESSERAD_CONFIG_IN_H

#include <stdarg.h>

#include "apps/tesserad/config.h"
#include "ports/linux/ini/ini.h"

/** Where the reader stands. */
typedef struct {
    tsr_ini ini;
    config *c;
    const struct config_key *keys; /* of the present section; NULL: before the first one */
    void *base;
    char section[32];
} reader;

/** Says what is wrong in a line, and what to do about it. Returns TSR_E_MALFORMED. */
__attribute__((format(printf, 3, 4))) static inline tsr_err fail(const reader *r, unsigned line,
                                                                 const char *format, ...)
{
    va_list args;
    tsr_err err;

    va_start(args, format);
    err = tsr_ini_say(&r->ini, line, format, args);
    va_end(args);
    return err;
}

/** Whether all of it fits together; what is written as one text (suites, rights, paths) is taken apart.
 *  errors  TSR_E_MALFORMED  it was said */
tsr_err config_check(const reader *r);

#endif
